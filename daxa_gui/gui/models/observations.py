"""The item model of one mission's observations: an array of row numbers over a catalogue, sorted by numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import MissionSpec
from daxa_gui.gui.models.columns import Column, columns_of

Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


class ObservationsModel(QAbstractTableModel):
    """`rows` are the catalogue's row numbers in the order shown. Rows that do not pass the filters are muted and in italics."""

    def __init__(self, spec: MissionSpec, catalogue: Catalogue, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self.catalogue = catalogue
        self.columns: tuple[Column, ...] = columns_of(spec, catalogue)
        self.rows: NDArray[np.int64] = np.arange(len(catalogue))
        self.selected: NDArray[np.bool_] = np.ones(len(catalogue), bool)
        self.style = "sexagesimal"
        self._muted = QColor("gray")
        self._sort_column = -1
        self._sort_order = Qt.SortOrder.AscendingOrder
        self._lower: dict[str, NDArray[np.str_]] = {}

    # content

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Another version of the table; every row is shown until the next `show`."""
        self.beginResetModel()
        self.catalogue = catalogue
        self.columns = columns_of(self.spec, catalogue)
        self.selected = np.ones(len(catalogue), bool)
        self.rows = self._sorted(np.arange(len(catalogue)))
        self._lower = {}
        self.endResetModel()

    def show(self, selected: NDArray[np.bool_], *, everything: bool) -> None:
        """Show the selected rows, or all of them with the others muted."""
        rows = np.arange(len(self.catalogue)) if everything else np.nonzero(selected)[0]
        self.beginResetModel()
        self.selected = selected
        self.rows = self._sorted(rows)
        self.endResetModel()

    def set_style(self, style: str) -> None:
        """How positions are written."""
        self.style = style
        self._everything_changed()

    def set_muted_colour(self, colour: str) -> None:
        self._muted = QColor(colour)
        self._everything_changed()

    def _everything_changed(self) -> None:
        if len(self.rows):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.rows) - 1, len(self.columns) - 1))

    # order

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """By a column; rows without a value stand last in both orders. Column -1 is the order of the table itself."""
        self._sort_column, self._sort_order = column, order
        self.layoutAboutToBeChanged.emit()
        before = self.rows
        self.rows = self._sorted(np.sort(before))
        places = np.empty(len(self.catalogue), np.int64)
        places[self.rows] = np.arange(len(self.rows))
        old = self.persistentIndexList()
        self.changePersistentIndexList(old, [self.index(int(places[before[i.row()]]), i.column()) for i in old])
        self.layoutChanged.emit()

    def _sorted(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        if not 0 <= self._sort_column < len(self.columns):
            return rows
        values = self.columns[self._sort_column].values(self.catalogue)[rows]
        missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(rows), bool)
        if values.dtype.kind == "U":
            missing = values == ""
        _, keys = np.unique(values, return_inverse=True)
        if self._sort_order == Qt.SortOrder.DescendingOrder:
            keys = -keys
        return rows[np.lexsort((keys, missing))]

    # lookup

    def place_of(self, row: int) -> int:
        """Where a catalogue row is shown, -1 if it is not."""
        found = np.nonzero(self.rows == row)[0]
        return int(found[0]) if len(found) else -1

    def find(self, text: str, start: int, *, backwards: bool = False) -> int:
        """The next place from `start` on (wrapping) whose ObsID, target or instruments contain the text; -1 if none does."""
        wanted = text.strip().lower()
        if not wanted or not len(self.rows):
            return -1
        hit = np.zeros(len(self.catalogue), bool)
        for name in ("obs_id", "target", "instruments"):
            if name not in self._lower:
                self._lower[name] = np.char.lower(getattr(self.catalogue, name))
            hit |= np.char.find(self._lower[name], wanted) >= 0
        places = np.nonzero(hit[self.rows])[0]
        if not len(places):
            return -1
        if backwards:
            earlier = places[places <= start]
            return int(earlier[-1] if len(earlier) else places[-1])
        later = places[places >= start]
        return int(later[0] if len(later) else places[0])

    # what Qt asks

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column, row = self.columns[index.column()], int(self.rows[index.row()])
        if role in (_Role.DisplayRole, _Role.ToolTipRole):
            return column.text(self.catalogue, row, self.style)
        if role == _Role.TextAlignmentRole:
            return RIGHT if column.number else LEFT
        if role == _Role.ForegroundRole and not self.selected[row]:
            return self._muted
        if role == _Role.AccessibleDescriptionRole and not self.selected[row]:
            return "does not pass the filters"
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        if role == _Role.DisplayRole:
            return column.heading
        if role == _Role.ToolTipRole:
            return f"{column.tip}. Click to sort."
        if role == _Role.TextAlignmentRole:
            return RIGHT if column.number else LEFT
        return None
