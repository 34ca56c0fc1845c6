"""The lines of a log as an item model: only row numbers are filtered, so that a log of a hundred thousand lines shows at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from daxa_gui.core.log_messages import Severity, severity_of
from daxa_gui.gui.theme import LIGHT, Theme

SEVERITY_ROLE = int(Qt.ItemDataRole.UserRole) + 1
LONGEST_SHOWN = 2000  # characters; a longer line is cut on the screen (copying gives all of it)


@dataclass(frozen=True, eq=False)
class ParsedLines:
    """Lines without their line ends, and the severity of each."""

    lines: tuple[str, ...]
    severities: NDArray[np.int8]


def parse_lines(text: str) -> ParsedLines:
    """Split and classify; for a pool thread when the text is long."""
    lines = tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    if lines and not lines[-1]:
        lines = lines[:-1]
    return ParsedLines(lines, np.fromiter((int(severity_of(line)) for line in lines), np.int8, count=len(lines)))


class LogLines(QAbstractListModel):
    """One row per shown line; `shown` are the line numbers that pass the severity filter and the search."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: list[str] = []
        self._severities = np.zeros(0, np.int8)
        self._shown: NDArray[np.int64] = np.zeros(0, np.int64)
        self._least = Severity.INFO
        self._theme = LIGHT

    # what Qt asks

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < len(self._shown):
            return None
        line = int(self._shown[index.row()])
        if role == Qt.ItemDataRole.DisplayRole:
            text = self._lines[line].expandtabs(4)
            return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} …"
        if role == SEVERITY_ROLE:
            return int(self._severities[line])
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(int(self._severities[line]))
        if role == Qt.ItemDataRole.AccessibleTextRole:
            word = Severity(int(self._severities[line])).name.lower()
            return f"line {line + 1}, {word}: {self._lines[line]}"
        return None

    def _colour(self, severity: int) -> QColor | None:
        if severity == Severity.ERROR:
            return QColor(self._theme.bad)
        return QColor(self._theme.warn) if severity == Severity.WARNING else None

    # what the panel asks

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        if len(self._shown):
            self.dataChanged.emit(self.index(0), self.index(len(self._shown) - 1), [Qt.ItemDataRole.ForegroundRole])

    def clear(self) -> None:
        self.beginResetModel()
        self._lines, self._severities = [], np.zeros(0, np.int8)
        self._shown = np.zeros(0, np.int64)
        self.endResetModel()

    def append(self, parsed: ParsedLines) -> None:
        """Add lines at the end; only the new ones are looked at."""
        first = len(self._lines)
        new = np.flatnonzero(parsed.severities >= self._least) + first
        self._lines.extend(parsed.lines)
        self._severities = np.concatenate([self._severities, parsed.severities])
        if len(new):
            self.beginInsertRows(QModelIndex(), len(self._shown), len(self._shown) + len(new) - 1)
            self._shown = np.concatenate([self._shown, new])
            self.endInsertRows()

    def set_least_severity(self, least: Severity) -> None:
        """Show lines of this severity and graver ones."""
        if least != self._least:
            self.beginResetModel()
            self._least = least
            self._shown = np.flatnonzero(self._severities >= least)
            self.endResetModel()

    @property
    def n_lines(self) -> int:
        return len(self._lines)

    def counts(self) -> tuple[int, int]:
        """Warnings and errors in the whole log."""
        return int(np.count_nonzero(self._severities == Severity.WARNING)), int(
            np.count_nonzero(self._severities == Severity.ERROR)
        )

    def line(self, row: int) -> str:
        """The whole line in a row."""
        return self._lines[int(self._shown[row])]

    def line_number(self, row: int) -> int:
        """The number of the line in the log, counted from 1."""
        return int(self._shown[row]) + 1

    def text(self, rows: Sequence[int]) -> str:
        return "\n".join(self.line(row) for row in sorted(rows))

    def row_of_line(self, line_number: int) -> int:
        """The row of a line (counted from 1), or of the next shown one; -1 if there is none."""
        row = int(np.searchsorted(self._shown, line_number - 1))
        return row if row < len(self._shown) else -1

    def next_severe(self, row: int, step: int) -> int:
        """The row of the next (`step` 1) or previous (-1) warning or error after `row`, going round; -1 if there is none."""
        severe = np.flatnonzero(self._severities[self._shown] >= Severity.WARNING)
        return _around(severe, row, step)

    def find(self, needle: str, row: int, step: int) -> int:
        """The next row that holds `needle` (case does not matter), going round; -1 if there is none."""
        lowered = needle.lower()
        n = len(self._shown)
        for distance in range(1, n + 1):
            candidate = (row + step * distance) % n
            if lowered in self._lines[int(self._shown[candidate])].lower():
                return candidate
        return -1

    def count_hits(self, needle: str) -> int:
        lowered = needle.lower()
        return sum(lowered in self._lines[int(line)].lower() for line in self._shown)


def _around(rows: NDArray[np.int64], row: int, step: int) -> int:
    if not len(rows):
        return -1
    if step > 0:
        index = int(np.searchsorted(rows, row, side="right")) % len(rows)
    else:
        index = (int(np.searchsorted(rows, row, side="left")) - 1) % len(rows)
    return int(rows[index])
