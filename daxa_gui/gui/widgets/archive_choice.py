"""What goes into an archive: for each mission whether, of which instruments, and which kinds of files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import ProductKind
from daxa_gui.gui.models.plan_digest import KIND_HELP, KIND_WORDS, kind_words
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_heading, as_muted
from daxa_gui.gui.widgets.flow import FlowLayout


@dataclass(frozen=True)
class ArchiveContent:
    """How many observations of a mission would go into an archive, and how many of them are fit for science."""

    mission: MissionSpec
    observations: int
    usable: int


@dataclass(frozen=True)
class MissionChoice:
    """`instruments` empty: all of them."""

    instruments: tuple[str, ...]
    kinds: tuple[str, ...]


Choice = Mapping[str, MissionChoice]  # by the name of the mission; one that is left out is not in it


class _Boxes(QWidget):
    """Boxes to tick, in as many lines as they need; `boxes` by the value that each stands for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._flow = FlowLayout(self, spacing=14, line_spacing=2)
        self.boxes: dict[str, QCheckBox] = {}

    def add(self, value: str, name: str, text: str, help: str, spoken: str) -> QCheckBox:
        box = self.boxes[value] = QCheckBox(text, self)
        box.setObjectName(name)
        box.setToolTip(help)
        box.setAccessibleName(spoken)
        self._flow.addWidget(box)
        return box

    def ticked(self) -> tuple[str, ...]:
        return tuple(value for value, box in self.boxes.items() if box.isChecked())


class _MissionPart(QWidget):
    """One mission: heading with its own box, instruments, kinds."""

    def __init__(self, content: ArchiveContent, kinds: Sequence[str], on_changed: Callable[[], None], parent: QWidget) -> None:
        super().__init__(parent)
        spec = content.mission
        self.name = spec.name
        self._n_instruments = len(spec.instruments)
        self.included = QCheckBox(spec.label, self)
        self.included.setObjectName(f"mission_{spec.name}")
        self.included.setChecked(True)
        self.included.setToolTip(f"Put observations of {spec.label} into the archive")
        font = self.included.font()
        font.setBold(True)
        self.included.setFont(font)
        unusable = content.observations - content.usable
        note = f", {count_text(unusable)} of them not fit for science" if unusable else ""
        count = QLabel(f"{counted(content.observations, 'observation', 'observations')}{note}", self)
        as_muted(count)
        self.instruments, self.kinds = _Boxes(self), _Boxes(self)
        for instrument in spec.instruments:
            help = f"Files of {instrument.label} ({instrument.name})"
            box = self.instruments.add(
                instrument.name, f"instrument_{spec.name}_{instrument.name}", instrument.label, help,
                f"{spec.label}: {instrument.label}",
            )  # fmt: skip
            box.setChecked(instrument.name in spec.default_instruments)
        usual = ProductKind.EVENTS if ProductKind.EVENTS in kinds else next(iter(kinds), "")
        for kind in sorted(kinds, key=lambda kind: list(KIND_WORDS).index(kind) if kind in KIND_WORDS else 99):
            words = kind_words(kind)
            box = self.kinds.add(kind, f"kind_{spec.name}_{kind}", words, KIND_HELP.get(kind, words), f"{spec.label}: {words}")
            box.setChecked(kind == usual)
        for box in (self.included, *self.instruments.boxes.values(), *self.kinds.boxes.values()):
            box.toggled.connect(lambda _on: on_changed())
        self.included.toggled.connect(self._on_included_toggled)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 6)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.included, 0, 0, 1, 2)
        grid.addWidget(count, 0, 2, Qt.AlignmentFlag.AlignRight)
        for line, (text, boxes) in enumerate((("Instruments", self.instruments), ("Files", self.kinds)), start=1):
            label = QLabel(text, self)
            label.setContentsMargins(20, 2, 8, 0)  # on one line with the words of the boxes
            as_muted(label)
            grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(boxes, line, 1, 1, 2)

    def _on_included_toggled(self, on: bool) -> None:
        self.instruments.setEnabled(on)
        self.kinds.setEnabled(on)

    def choice(self) -> MissionChoice:
        instruments = self.instruments.ticked()
        return MissionChoice(() if len(instruments) == self._n_instruments else instruments, self.kinds.ticked())

    def problem(self) -> str:
        """Why nothing could be fetched of this mission; empty: something can."""
        label = self.included.text()
        if not self.included.isChecked():
            return ""
        if not self.instruments.ticked():
            return f"Choose an instrument of {label}, or leave the mission out."
        return "" if self.kinds.ticked() else f"Choose which files of {label} to fetch, or leave the mission out."


class ArchiveChoice(QScrollArea):
    """All missions that have observations. With several of them, a line on top sets the kinds of files of all at once."""

    changed = Signal()

    def __init__(
        self, contents: Sequence[ArchiveContent], kinds: Mapping[str, Sequence[str]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("archiveChoice")
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget(self)
        self._together: _Boxes | None = None
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(0, 0, 4, 0)
        if len(contents) > 1:  # made first, so that the Tab key comes to it first
            layout.addWidget(self._for_all(kinds, inside))
        self.parts = [_MissionPart(content, kinds[content.mission.name], self._on_changed, inside) for content in contents]
        for part in self.parts:
            layout.addWidget(part)
        layout.addStretch(1)
        self.setWidget(inside)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._show_together()

    def _for_all(self, kinds: Mapping[str, Sequence[str]], parent: QWidget) -> QWidget:
        """A box for each kind that any mission has: ticked where all that have it take it, half where some do."""
        line = QWidget(parent)
        self._together = _Boxes(line)
        offered = {kind for some in kinds.values() for kind in some}
        for kind in (kind for kind in KIND_WORDS if kind in offered):
            words = kind_words(kind)
            help = f"{KIND_HELP[kind]}, of all missions that offer them"
            box = self._together.add(kind, f"kind_all_{kind}", words, help, f"All missions: {words}")
            box.setTristate(True)
            box.clicked.connect(lambda _checked=False, kind=kind: self._set_all(kind))
        label = QLabel("All missions", line)
        as_heading(label)
        grid = QGridLayout(line)
        grid.setContentsMargins(0, 0, 0, 6)
        grid.setVerticalSpacing(2)
        grid.addWidget(label, 0, 0)
        grid.addWidget(self._together, 1, 0)
        return line

    def _boxes_of(self, kind: str) -> list[QCheckBox]:
        return [part.kinds.boxes[kind] for part in self.parts if kind in part.kinds.boxes and part.included.isChecked()]

    def _set_all(self, kind: str) -> None:
        boxes = self._boxes_of(kind)
        on = not all(box.isChecked() for box in boxes)
        for box in boxes:
            box.setChecked(on)
        self._show_together()

    def _show_together(self) -> None:
        for kind, box in self._together.boxes.items() if self._together is not None else ():
            ticked = [one.isChecked() for one in self._boxes_of(kind)]
            half = Qt.CheckState.PartiallyChecked if any(ticked) else Qt.CheckState.Unchecked
            box.setCheckState(Qt.CheckState.Checked if ticked and all(ticked) else half)

    def _on_changed(self) -> None:
        self._show_together()
        self.changed.emit()

    def choice(self) -> Choice:
        return {part.name: part.choice() for part in self.parts if part.included.isChecked()}

    def problem(self) -> str:
        """A sentence if nothing sensible is chosen."""
        if not self.choice():
            return "Choose a mission at least."
        return next((part.problem() for part in self.parts if part.problem()), "")
