"""Editors in which things are ticked in a list: target types, the missions' own categories, instruments, eROSITA fields."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QRadioButton, QVBoxLayout, QWidget

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Category, Field, Filter, HasInstrument, TargetType
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.texts import TextColumn
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import count_text, counted, short_label
from daxa_gui.gui.widgets.base_editor import FilterEditor, Looking
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.session import Session

CALPV = "erosita_calpv"
_Table = tuple[MissionSpec, Catalogue]
_Counts = dict[str, dict[str, int]]  # text → mission's label → observations


@dataclass(frozen=True)
class Choice:
    """One line of a list. `count` is the number of observations, None while it is not known."""

    key: str
    text: str
    count: int | None = None
    tip: str = ""

    @property
    def shown(self) -> str:
        return self.text if self.count is None else f"{self.text}  ·  {count_text(self.count)}"


@dataclass(frozen=True)
class Ticks:
    """How the lines of a list are called, and how a filter is made of those that are ticked, and read again."""

    name: str
    label: str
    tip: str
    make: Callable[[tuple[str, ...]], Filter]
    keys_of: Callable[[Filter], tuple[str, ...]]  # may set other entries too


class ListEditor(FilterEditor):
    """`first` can be ticked at once; `gather` runs in the background and gives the lines with their counts."""

    def __init__(
        self, context: Context, ticks: Ticks, gather: Callable[[], Sequence[Choice]],
        first: Sequence[Choice] = (), parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        name, label, tip = ticks.name, ticks.label, ticks.tip
        self._ticks = ticks
        self._name = label.lower()
        self._gathered = False
        self._kept: tuple[str, ...] = ()
        self.search = QLineEdit(self)
        self.search.setObjectName(f"{name}Find")
        self.search.setAccessibleName("Find in the list")
        self.search.setPlaceholderText("Find in the list")
        self.search.setToolTip("Show only lines with this text; what is ticked stays ticked")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_find)
        self.list = QListWidget(self)
        self.list.setObjectName(name)
        self.list.setAccessibleName(label)
        self.list.setToolTip(tip)
        self.list.setUniformItemSizes(True)
        self.list.setMinimumHeight(150)
        self.note = muted_label("Counting the observations …", self)
        self.note.setObjectName(f"{name}Note")
        self._ticked: set[str] = set()
        self._items: dict[str, QListWidgetItem] = {}
        self._filling = False
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(0, 0, 0, 0)
        for widget in (self.search, self.list, self.note):
            self.box.addWidget(widget)
        self._fill(first)
        self.list.itemChanged.connect(self._on_item_changed)
        self.setFocusProxy(self.list)
        context.background.read(self, "choices", gather, self._on_gathered)

    def filter(self) -> Filter:
        keys = tuple(key for key in self._items if key in self._ticked)
        if set(keys) == set(self._kept):
            keys = self._kept  # in the order that the filter had
        if keys:
            return self._ticks.make(keys)
        if not self._gathered and not self._items:
            raise Looking(f"Reading the {self._name} …")
        raise InputError("Tick at least one line." if self._items else f"The tables have no {self._name}.")

    def set_filter(self, item: Filter) -> None:
        self._kept = self._ticks.keys_of(item)
        self._ticked = set(self._kept)
        for key in self._kept:
            if key not in self._items:  # not read yet, or in no table any more
                self._add(Choice(key, key))
        self._fill(())

    def _on_gathered(self, choices: Sequence[Choice]) -> None:
        self._gathered = True
        self.note.setText(self._told(choices))
        self.note.setVisible(bool(self.note.text()))
        self._fill(choices)
        self.answered.emit()

    def _told(self, choices: Sequence[Choice]) -> str:
        return "" if choices else f"No table has any {self._name}. Update the catalogues first."

    def _fill(self, choices: Sequence[Choice]) -> None:
        """Add the lines that are missing, write the counts into the others."""
        self._filling = True
        for choice in choices:
            if choice.key in self._items:
                self._items[choice.key].setText(choice.shown)
                self._items[choice.key].setToolTip(choice.tip)
            else:
                self._add(choice)
        for key, item in self._items.items():
            item.setCheckState(Qt.CheckState.Checked if key in self._ticked else Qt.CheckState.Unchecked)
        self._filling = False
        self._on_find(self.search.text())

    def _add(self, choice: Choice) -> None:
        item = QListWidgetItem(choice.shown)
        item.setData(Qt.ItemDataRole.UserRole, choice.key)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
        item.setCheckState(Qt.CheckState.Checked if choice.key in self._ticked else Qt.CheckState.Unchecked)
        item.setToolTip(choice.tip)
        self._items[choice.key] = item
        self.list.addItem(item)  # only now: nobody has ticked or unticked it

    def _on_item_changed(self, item: QListWidgetItem) -> None:
        if self._filling:
            return
        key = str(item.data(Qt.ItemDataRole.UserRole))
        if item.checkState() == Qt.CheckState.Checked:
            self._ticked.add(key)
        else:
            self._ticked.discard(key)
        self.changed.emit()

    def _on_find(self, text: str) -> None:
        wanted = text.strip().casefold()
        for item in self._items.values():
            item.setHidden(bool(wanted) and wanted not in item.text().casefold())


# ------------------------------------------------------------------------------------------------ counting, on a pool thread


def tables(session: Session) -> list[_Table]:
    """What is counted in."""
    return [(spec, session.catalogue(spec.name)) for spec in session.missions()]


def count_texts(found: Sequence[_Table], column: Callable[[Catalogue], Any]) -> _Counts:
    """How many observations of which mission have each text of a column; empty texts are left out."""
    result: _Counts = {}
    for spec, catalogue in found:
        texts = TextColumn.of(column(catalogue))
        numbers = np.bincount(texts.codes, minlength=len(texts.values))
        for text, number in zip(texts.values.tolist(), numbers.tolist(), strict=True):
            if text and number:
                in_mission = result.setdefault(text, {})
                in_mission[short_label(spec)] = in_mission.get(short_label(spec), 0) + number
    return result


def split_counts(counts: _Counts) -> _Counts:
    """Counts of texts of several words, for each word."""
    result: _Counts = {}
    for text, by_mission in counts.items():
        for word in dict.fromkeys(text.split()):
            for label, number in by_mission.items():
                in_mission = result.setdefault(word, {})
                in_mission[label] = in_mission.get(label, 0) + number
    return result


def _tip(by_mission: dict[str, int]) -> str:
    return "\n".join(f"{label}: {counted(number, 'observation', 'observations')}" for label, number in by_mission.items())


def _with_counts(choices: Sequence[Choice], counts: _Counts) -> list[Choice]:
    return [
        Choice(choice.key, choice.text, sum(counts.get(choice.key, {}).values()), _tip(counts.get(choice.key, {})))
        for choice in choices
    ]


# ------------------------------------------------------------------------------------------------------------- the editors


class TargetTypeEditor(ListEditor):
    title = "Target type"

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        first = [Choice(code, f"{name} ({code})") for code, name in TARGET_TYPES.items()]

        def gather() -> list[Choice]:
            return _with_counts(first, count_texts(tables(session), lambda catalogue: catalogue.target_type))

        tip = "Observations of any of the ticked types pass; missions without target types have none"
        super().__init__(context, Ticks("targetTypes", "Target types", tip, TargetType, _codes_of), gather, first, parent)


def _codes_of(item: Filter) -> tuple[str, ...]:
    assert isinstance(item, TargetType)
    return item.codes


class CategoryEditor(ListEditor):
    title = "Mission's own category"

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        def gather() -> list[Choice]:
            counts = count_texts(tables(session), lambda catalogue: catalogue.category)
            order = sorted(counts, key=lambda text: (-sum(counts[text].values()), text))
            return [
                Choice(text, f"{text}  –  {', '.join(counts[text])}", sum(counts[text].values()), _tip(counts[text]))
                for text in order
            ]

        tip = "What the missions themselves call their targets; observations of any of the ticked categories pass"
        super().__init__(context, Ticks("categories", "Categories", tip, Category, _texts_of), gather, (), parent)


def _texts_of(item: Filter) -> tuple[str, ...]:
    assert isinstance(item, Category)
    return item.texts


class InstrumentEditor(ListEditor):
    title = "Instrument"

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        first = [Choice(name, text) for name, text in instrument_names(session.missions()).items()]

        def gather() -> list[Choice]:
            counts = count_texts(tables(session), lambda catalogue: catalogue.instruments)
            return _with_counts(first, split_counts(counts))

        self.any_of = QRadioButton("An&y of them")
        self.any_of.setObjectName("instrumentsAny")
        self.any_of.setToolTip("Observations with at least one of the ticked instruments pass")
        self.all_of = QRadioButton("All of t&hem")
        self.all_of.setObjectName("instrumentsAll")
        self.all_of.setToolTip("Only observations with every ticked instrument pass")
        self.any_of.setChecked(True)
        tip = "Instruments that an observation used"
        super().__init__(
            context, Ticks("instrumentList", "Instruments", tip, self._make, self._instruments_of), gather, first, parent
        )
        self.box.insertWidget(2, self.any_of)
        self.box.insertWidget(3, self.all_of)
        self.all_of.toggled.connect(lambda _on: self.changed.emit())

    def _make(self, keys: tuple[str, ...]) -> Filter:
        return HasInstrument(keys, self.all_of.isChecked())

    def _instruments_of(self, item: Filter) -> tuple[str, ...]:
        assert isinstance(item, HasInstrument)
        (self.all_of if item.all_of else self.any_of).setChecked(True)
        return item.instruments


def instrument_names(specs: Sequence[MissionSpec]) -> dict[str, str]:
    """« PN » → « EPIC-pn (PN)  –  XMM-Newton », each name once."""
    found: dict[str, tuple[str, list[str]]] = {}
    for spec in specs:
        for instrument in spec.instruments:
            found.setdefault(instrument.name, (instrument.label, []))[1].append(short_label(spec))
    return {
        name: f"{name if label == name else f'{label} ({name})'}  –  {', '.join(missions)}"
        for name, (label, missions) in found.items()
    }


class FieldEditor(ListEditor):
    """Fields of eROSITA's early release, and the kinds of fields."""

    title = "eROSITA field"

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        def gather() -> list[Choice]:
            specs = (spec for spec in session.missions() if spec.name == CALPV)
            return [choice for spec in specs for choice in field_choices(spec, session.catalogue(spec.name))]

        tip = "Observations of any of the ticked fields, or kinds of fields, pass"
        super().__init__(context, Ticks("fields", "Fields", tip, Field, _names_of), gather, (), parent)


def _names_of(item: Filter) -> tuple[str, ...]:
    assert isinstance(item, Field)
    return item.names


def field_choices(spec: MissionSpec, catalogue: Catalogue) -> list[Choice]:
    """The kinds of fields first, then the fields by name."""
    if not {"field_key", "field_name", "field_type"} <= set(catalogue.extra):
        return []
    kinds = count_texts([(spec, catalogue)], lambda table: table.extra["field_type"])
    keys = count_texts([(spec, catalogue)], lambda table: table.extra["field_key"])
    names = dict(zip(map(str, catalogue.extra["field_key"]), map(str, catalogue.extra["field_name"]), strict=True))
    choices = []
    for kind, counts in sorted(kinds.items()):
        choices.append(Choice(kind, f"All of the kind « {kind.replace('_', ' ')} »", sum(counts.values())))
    order = sorted(keys, key=lambda key: names[key].casefold())
    return choices + [Choice(key, names[key], sum(keys[key].values()), f"Key: {key}") for key in order]
