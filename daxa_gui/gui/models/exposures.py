"""Exposures and opened files as a table model: verdict, ObsID, instrument, author, doubt. Shown rows are numbers into a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from daxa_gui.core.exposures import Exposure
from daxa_gui.gui.widgets.verdict_bar import MARKS, verdict_text

COLUMNS = ("", "ObsID", "Exposure", "By", "Doubt")
DOUBT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
VERDICT, OBS_ID, UNIT, BY, DOUBT = range(5)


@dataclass(frozen=True)
class Entry:
    """A row: an exposure of the archive or a file outside it."""

    path: str
    exposure: Exposure | None = None
    mission: str = ""  # as people call it

    @property
    def cleaned(self) -> bool:
        return self.exposure is not None and self.exposure.is_judged

    def text(self, column: int) -> str:
        exposure = self.exposure
        if exposure is None:
            return Path(self.path).name if column == OBS_ID else ""
        if column == VERDICT:
            return MARKS.get(exposure.verdict.state, "")
        if column == OBS_ID:
            return exposure.obs_id
        if column == UNIT:
            return exposure.unit
        if column == BY:
            return exposure.list_for(None).by or "archive"
        if self.cleaned:
            return f"{exposure.doubt:.2f}"
        return "excluded" if exposure.excluded else "–"

    def why(self) -> str:
        """Everything that a person should know about it, one sentence a line."""
        exposure = self.exposure
        if exposure is None:
            return self.path
        joined = f" (reduced as {exposure.joined.replace('_', ', ')})" if exposure.joined else ""
        lines = [f"{self.mission or exposure.mission} {exposure.obs_id} {exposure.unit}{joined}"]
        if len(exposure.all_lists()) > 1:
            lines.append(f"Event lists: {', '.join(one.label for one in exposure.all_lists())}.")
        if self.cleaned:
            kept = exposure.kept_fraction
            by = f", by {exposure.cleaned_by}" if exposure.cleaned_by else ""
            kept_text = f", {100.0 * kept:.0f} % kept{by}." if kept is not None else f"{by}."
            lines.append(f"Doubt {exposure.doubt:.2f} of 1{kept_text}")
            lines += [str(reason) for reason in exposure.reasons]
        else:
            lines.append(f"Excluded: {exposure.excluded}" if exposure.excluded else "Not cleaned of flares yet.")
        if exposure.verdict.state:
            lines.append(verdict_text(exposure.verdict))
        return "\n".join(lines)


class ExposureTable(QAbstractTableModel):
    """Opened files first, then the exposures, worst first."""

    def __init__(self, parent: QObject | None = None, mission_labels: Mapping[str, str] | None = None) -> None:
        super().__init__(parent)
        self._labels = dict(mission_labels or {})
        self._entries: list[Entry] = []
        self._numbers: dict[tuple[str, ...], int] = {}
        self._needle = ""
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)

    def set_entries(self, files: Sequence[str], exposures: Sequence[Exposure]) -> None:
        self.beginResetModel()
        made = (Entry(e.raw.path, e, self._labels.get(e.mission, e.mission)) for e in exposures)
        self._entries = [*(Entry(path) for path in files), *made]
        self._numbers = {_identity(entry.path, entry.exposure): number for number, entry in enumerate(self._entries)}
        self._filter()
        self.endResetModel()

    def set_needle(self, needle: str) -> None:
        """Show only rows that have every word of `needle` in ObsID, exposure, mission or verdict."""
        self.beginResetModel()
        self._needle = needle
        self._filter()
        self.endResetModel()

    def _filter(self) -> None:
        words = self._needle.lower().split()
        everything = range(len(self._entries))
        shown = (row for row in everything if _has(self._entries[row], words)) if words else everything
        self._shown = np.fromiter(shown, np.int64)

    @property
    def n_entries(self) -> int:
        return len(self._entries)

    def entry(self, row: int) -> Entry:
        return self._entries[int(self._shown[row])]

    def row_of(self, path: str, exposure: Exposure | None) -> int:
        """The row of a file or exposure; -1 if it is not shown."""
        number = self._numbers.get(_identity(path, exposure), -1)
        row = int(np.searchsorted(self._shown, number))
        return row if number >= 0 and row < len(self._shown) and self._shown[row] == number else -1

    # what Qt asks

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(COLUMNS):
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return _COLUMN_TIPS[section]
        return None

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._shown):
            return None
        entry = self.entry(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.text(index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return entry.why()
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == VERDICT:
            return entry.exposure.verdict.state or "no verdict" if entry.exposure else "file"
        if role == DOUBT_ROLE and index.column() == DOUBT:
            return entry.exposure.doubt if entry.exposure is not None and entry.cleaned else None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == VERDICT:
            return int(Qt.AlignmentFlag.AlignCenter)
        return None


_COLUMN_TIPS = (
    "What a person said: ✓ accepted, ⚑ flagged, ✎ overridden",
    "Observation, or the name of an opened file",
    "Instrument and sub-exposure",
    "Who made the event list that is shown first: the mission's archive or its software (L goes through all lists)",
    "How doubtful the automatic cleaning is: 0 nothing to worry about, 1 look here first",
)


def _identity(path: str, exposure: Exposure | None) -> tuple[str, ...]:
    return (path,) if exposure is None else (exposure.mission, exposure.obs_id, exposure.unit)


def _has(entry: Entry, words: Sequence[str]) -> bool:
    about = [entry.text(OBS_ID), entry.text(UNIT), entry.text(BY), entry.text(DOUBT)]
    if entry.exposure is not None:
        about += [entry.exposure.mission, entry.exposure.verdict.state, entry.exposure.verdict.note]
    text = " ".join(about).lower()
    return all(word in text for word in words)
