"""A table over records of any kind: each column says what it writes and by what it sorts. Rows are numbers of records, so that
sorting and finding move numbers and never records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from daxa_gui.gui.models.jobs import STATE_ROLE, Index

_NO_INDEX = QModelIndex()
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_GAP = "\u2002"  # behind numbers, which would touch the next column otherwise


@dataclass(frozen=True)
class RecordColumn:
    """`key` sorts (the text itself if None); `state` gives a word of STATE_WORDS for a mark before the text."""

    heading: str
    text: Callable[[Any], str]
    key: Callable[[Any], Any] | None = None
    number: bool = False
    tip: Callable[[Any], str] | None = None
    state: Callable[[Any], str] | None = None


def arranged(
    records: Sequence[Any], columns: Sequence[RecordColumn], words: str, wanted: Callable[[Any], bool] | None,
    sort: tuple[int, bool] | None,
) -> list[int]:  # fmt: skip
    """Numbers of the records that hold all words (in any column) and are wanted, sorted. Safe on any thread."""
    parts = words.casefold().split()
    rows = [number for number, record in enumerate(records) if wanted is None or wanted(record)]
    if parts:
        rows = [
            number
            for number in rows
            for text in ["\n".join(column.text(records[number]) for column in columns).casefold()]
            if all(part in text for part in parts)
        ]
    if sort is not None:
        column, descending = columns[sort[0]], sort[1]
        key = column.key or column.text
        rows.sort(key=lambda number: key(records[number]), reverse=descending)
    return rows


class Records(QAbstractTableModel):
    """`replace` gives it new contents; `rows` are numbers of `records` (from `arranged`)."""

    def __init__(self, columns: Sequence[RecordColumn], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.records: Sequence[Any] = ()
        self.rows: list[int] = []

    def replace(self, records: Sequence[Any], rows: list[int] | None = None) -> None:
        self.beginResetModel()
        self.records = records
        self.rows = list(range(len(records))) if rows is None else rows
        self.endResetModel()

    def record(self, row: int) -> Any:
        return self.records[self.rows[row]]

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            column = self.columns[section]
            return f"{column.heading}{_GAP}" if column.number else column.heading
        if role == Qt.ItemDataRole.TextAlignmentRole and self.columns[section].number:
            return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column, record = self.columns[index.column()], self.record(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{column.text(record)}{_GAP}" if column.number else column.text(record)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return column.text(record)
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip(record) if column.tip else column.text(record)
        if role == Qt.ItemDataRole.TextAlignmentRole and column.number:
            return _RIGHT
        if role == STATE_ROLE and column.state is not None:
            return column.state(record)
        return None
