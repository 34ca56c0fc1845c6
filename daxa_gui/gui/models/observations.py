"""The item model of one mission's observations: an array of row numbers over a catalogue, sorted by numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.texts import TextColumn
from daxa_gui.gui.models.columns import Column, columns_of, row_order

Index = QModelIndex | QPersistentModelIndex
Later = Callable[[Callable[[], Any], Callable[[Any], None]], None]  # works on a pool thread, answers on the window's
_Role = Qt.ItemDataRole
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
LARGE = 20_000  # rows; sorting more is noticed by who waits for it


def no_rows(mission: str) -> Catalogue:
    """Stands for a catalogue that was not looked at yet."""
    numbers, texts = np.empty(0), TextColumn.full(0)
    return Catalogue(
        mission, "", "", np.empty(0, "U1"), numbers, numbers, numbers, numbers, numbers, texts, texts, texts, numbers, texts,
        numbers, numbers, np.empty(0, bool),
    )  # fmt: skip


def rows_with(catalogue: Catalogue, text: str) -> NDArray[np.bool_]:
    """Which rows, shape (n,), have a text in their ObsID, target or instruments, in any case of letters."""
    wanted = text.strip().lower()
    hit = np.zeros(len(catalogue), bool)
    for variant in {wanted, wanted.upper()}:
        hit |= np.char.find(catalogue.obs_id, variant) >= 0
    for column in (catalogue.target, catalogue.instruments):
        hit |= column.where(lambda value: wanted in value.lower())
    return hit


class ObservationsModel(QAbstractTableModel):
    """`rows` are the catalogue's row numbers in the order shown. Rows that do not pass the filters are muted and in italics.

    Orders are kept once they are made: showing other rows in a known order takes milliseconds. `later` makes the order of a
    large catalogue elsewhere; without it everything is done at once.
    """

    def __init__(
        self, spec: MissionSpec, catalogue: Catalogue, parent: QObject | None = None, later: Later | None = None
    ) -> None:
        super().__init__(parent)
        self.spec = spec
        self.catalogue = catalogue
        self.columns: tuple[Column, ...] = columns_of(spec, catalogue)
        self.rows: NDArray[np.int64] = np.arange(len(catalogue))
        self.selected: NDArray[np.bool_] = np.ones(len(catalogue), bool)
        self.style = "sexagesimal"
        self._later = later
        self._muted = QColor("gray")
        self._sort_column = -1
        self._sort_order = Qt.SortOrder.AscendingOrder
        self._orders: dict[tuple[str, bool], NDArray[np.int64]] = {}
        self._found: tuple[str, NDArray[np.bool_]] = ("", np.empty(0, bool))

    # content

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Another version of the table; every row is shown until the next `show`."""
        self.beginResetModel()
        self.catalogue = catalogue
        self.columns = columns_of(self.spec, catalogue)
        self.selected = np.ones(len(catalogue), bool)
        self._orders = {}
        self._found = ("", np.empty(0, bool))
        self._ask_for_order()
        self.rows = self._arranged(np.arange(len(catalogue)))
        self.endResetModel()

    def show(self, selected: NDArray[np.bool_], *, everything: bool) -> None:
        """Show the selected rows, or all of them with the others muted."""
        rows = np.arange(len(self.catalogue)) if everything else np.flatnonzero(selected)
        self.beginResetModel()
        self.selected = selected
        self.rows = self._arranged(rows)
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
        self._ask_for_order()
        if self._wanted_order() is None or self._wanted_order() in self._orders:
            self._rearrange()

    def _wanted_order(self) -> tuple[str, bool] | None:
        """The key of the order that is asked for; None: that of the table itself."""
        if not 0 <= self._sort_column < len(self.columns):
            return None
        return self.columns[self._sort_column].name, self._sort_order == Qt.SortOrder.DescendingOrder

    def _ask_for_order(self) -> None:
        """See to it that the order that is wanted is made, now or later."""
        key = self._wanted_order()
        if key is None or key in self._orders:
            return
        catalogue, values = self.catalogue, self.columns[self._sort_column].values(self.catalogue)
        if self._later is None or len(catalogue) <= LARGE:
            self._orders[key] = row_order(values, key[1])
            return

        def done(order: NDArray[np.int64]) -> None:
            if self.catalogue is catalogue:
                self._orders[key] = order
                if key == self._wanted_order():
                    self._rearrange()

        self._later(lambda: row_order(values, key[1]), done)

    def _rearrange(self) -> None:
        self.layoutAboutToBeChanged.emit()
        before = self.rows
        self.rows = self._arranged(before)
        old = self.persistentIndexList()
        if old:
            places = np.empty(len(self.catalogue), np.int64)
            places[self.rows] = np.arange(len(self.rows))
            self.changePersistentIndexList(old, [self.index(int(places[before[i.row()]]), i.column()) for i in old])
        self.layoutChanged.emit()

    def _arranged(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """These rows in the order that is wanted; in the table's own as long as that one is not known."""
        wanted = self._wanted_order()
        order = self._orders.get(wanted) if wanted is not None else None
        if order is not None and len(rows) == len(order):
            return order
        shown = np.zeros(len(self.catalogue), bool)
        shown[rows] = True
        return np.flatnonzero(shown) if order is None else order[shown[order]]

    # lookup

    def place_of(self, row: int) -> int:
        """Where a catalogue row is shown, -1 if it is not."""
        found = np.flatnonzero(self.rows == row)
        return int(found[0]) if len(found) else -1

    def remember_found(self, text: str, hit: NDArray[np.bool_]) -> None:
        """What `rows_with` found of this catalogue for a text; for the next `find`."""
        self._found = (text, hit)

    def is_found(self, text: str) -> bool:
        """Whether `find` knows already which rows have this text."""
        return self._found[0] == text and len(self._found[1]) == len(self.catalogue)

    def find(self, text: str, start: int, *, backwards: bool = False) -> int:
        """The next place from `start` on (wrapping) whose ObsID, target or instruments contain the text; -1 if none does."""
        if not text.strip() or not len(self.rows):
            return -1
        if not self.is_found(text):
            self.remember_found(text, rows_with(self.catalogue, text))
        places = np.flatnonzero(self._found[1][self.rows])
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
