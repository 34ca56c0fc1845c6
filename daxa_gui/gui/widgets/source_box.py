"""Whose positions are looked at: those of a filter of the list, or of a sample from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox

from daxa_gui.core.distance import Distance
from daxa_gui.core.filter_stack import FilterRow
from daxa_gui.core.filters import Cone, Filter, Positions
from daxa_gui.core.places import Places
from daxa_gui.gui.texts import as_sentence, count_text


@dataclass(frozen=True)
class Source:
    """Positions whose observations are looked for; `key` tells the row of the stack, or the file."""

    key: tuple[str, Any]
    label: str
    places: Places
    distance: Distance
    entirely_inside: bool = False


def source_of(row_id: int, item: Filter) -> Source | None:
    """The positions of a filter; None for filters without any."""
    label = as_sentence(item.sentence())
    if isinstance(item, Positions):
        return Source(("filter", row_id), label, item.places, item.reach, item.entirely_inside)
    if isinstance(item, Cone):
        distance = Distance() if item.radius_deg is None else Distance.fixed(item.radius_deg)
        return Source(("filter", row_id), label, Places.of([item.position]), distance)
    return None


class SourceBox(QComboBox):
    """Filters first, in their order, then samples; what was chosen stays chosen."""

    def __init__(self, name: str, width: int) -> None:
        super().__init__()
        self._samples: list[Source] = []
        self._sources: list[Source] = []
        name_box(self, name, "Positions", "Whose positions: a filter of the list, or a sample", width)
        self.setPlaceholderText("no positions yet")

    @property
    def source(self) -> Source | None:
        index = self.currentIndex()
        return self._sources[index] if 0 <= index < len(self._sources) else None

    def fill(self, rows: Sequence[FilterRow]) -> None:
        """The filters are these; nobody is told that another source is chosen by that."""
        chosen = self.source.key if self.source is not None else None
        filters = [found for row in rows if row.enabled and (found := source_of(row.id, row.filter)) is not None]
        self._sources = [*filters, *self._samples]
        blocked = self.blockSignals(True)
        self.clear()
        for source in self._sources:
            self.addItem(source.label)
            self.setItemData(self.count() - 1, source.label, Qt.ItemDataRole.ToolTipRole)
        keys = [source.key for source in self._sources]
        self.setCurrentIndex(keys.index(chosen) if chosen in keys else 0 if keys else -1)
        self.blockSignals(blocked)
        self.setEnabled(bool(keys))

    def add_sample(self, label: str, places: Places, distance: Distance, entirely_inside: bool) -> None:
        """Choose the positions of a file, which come last."""
        words = f"{label} ({count_text(len(places))})"
        sample = Source(("sample", len(self._samples) + 1), words, places, distance, entirely_inside)
        self._samples.append(sample)
        self._sources.append(sample)
        self.addItem(words)
        self.setItemData(self.count() - 1, words, Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(self.count() - 1)
        self.setEnabled(True)


def name_box(box: QComboBox, name: str, accessible: str, tip: str, width: int) -> None:
    """Names and a width that does not follow its entries."""
    box.setObjectName(name)
    box.setAccessibleName(accessible)
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(16)
    box.setFixedWidth(width)
