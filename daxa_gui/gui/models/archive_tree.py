"""The tree mission → observation → product of an archive, over entries; nothing is made for a row before it is looked at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt

from daxa_gui.core.product import Product
from daxa_gui.gui.archive_contents import Entry, Key
from daxa_gui.gui.models.jobs import Index, format_bytes
from daxa_gui.gui.texts import counted

PRODUCT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
OBSERVATION_ROLE = int(Qt.ItemDataRole.UserRole) + 2  # (mission, ObsID) of an observation
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


class Column(IntEnum):
    NAME = 0
    TARGET = 1
    SIZE = 2


_N_COLUMNS = len(Column)


@dataclass(eq=False)
class _Mission:
    name: str
    row: int
    observations: list[_Observation] = field(default_factory=list)


@dataclass(eq=False)
class _Observation:
    """`shown` are the numbers of the entry's products that pass the search."""

    entry: Entry
    mission: _Mission
    row: int
    shown: list[int]


# The pointer of an index is the node of its *parent*: None for missions, a _Mission, an _Observation.
_Parent = _Mission | _Observation | None


class ArchiveTree(QAbstractItemModel):
    """`set_entries` replaces all, `renew` exchanges single observations, `set_search` leaves out what does not fit."""

    HEADINGS = ("Name", "Target", "Size")

    def __init__(self, labels: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._entries: list[Entry] = []
        self._search = ""
        self._missions: list[_Mission] = []
        self._observations: dict[Key, _Observation] = {}

    def set_entries(self, entries: Iterable[Entry]) -> None:
        """All observations, those of a mission one after the other."""
        self._entries = list(entries)
        self._arrange()

    def set_search(self, text: str) -> None:
        """Show what holds these words: whole observations, or single products of them."""
        wanted = text.casefold().strip()
        if wanted != self._search:
            self._search = wanted
            self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        self._missions, self._observations = [], {}
        missions: dict[str, _Mission] = {}
        for entry in self._entries:
            shown = self._passing(entry)
            if shown is None:
                continue
            name = entry.key[0]
            if name not in missions:
                missions[name] = _Mission(name, len(self._missions))
                self._missions.append(missions[name])
            mission = missions[name]
            observation = _Observation(entry, mission, len(mission.observations), shown)
            mission.observations.append(observation)
            self._observations[entry.key] = observation
        self.endResetModel()

    def _passing(self, entry: Entry) -> list[int] | None:
        """Which products are shown; None if the observation is not."""
        if not self._search or self._search in entry.words:
            return list(range(len(entry.labels)))
        found = [number for number, label in enumerate(entry.labels) if self._search in label.casefold()]
        return found or None

    def renew(self, entries: Sequence[Entry]) -> None:
        """Exchange observations for newer ones; only their changed rows move, so that what is open and chosen stays so."""
        newer = {entry.key: entry for entry in entries}
        self._entries = [newer.get(entry.key, entry) for entry in self._entries]
        for key, entry in newer.items():
            observation = self._observations.get(key)
            if observation is not None:
                self._renew(observation, entry)
            elif self._search and self._passing(entry) is not None:
                self._arrange()  # the search finds it only now
                return

    def _renew(self, observation: _Observation, entry: Entry) -> None:
        here = self.index_of(observation.entry.key)
        before = [observation.entry.products[number] for number in observation.shown]
        shown = self._passing(entry) or []
        after = [entry.products[number] for number in shown]
        kept = {product.path for product in after}
        for row in reversed(range(len(before))):
            if before[row].path not in kept:
                self.beginRemoveRows(here, row, row)
                del observation.shown[row], before[row]
                self.endRemoveRows()
        # The rows that stay keep their order; now each new one goes to its place.
        paths = [product.path for product in before]
        observation.entry, observation.shown = entry, [n for n in shown if entry.products[n].path in set(paths)]
        for row, number in enumerate(shown):
            if row >= len(paths) or paths[row] != entry.products[number].path:
                self.beginInsertRows(here, row, row)
                paths.insert(row, entry.products[number].path)
                observation.shown.insert(row, number)
                self.endInsertRows()
        self.dataChanged.emit(here, here.siblingAtColumn(_N_COLUMNS - 1))
        if shown:
            first = self.index(0, 0, here)
            self.dataChanged.emit(first, self.index(len(shown) - 1, _N_COLUMNS - 1, here))

    # where things are

    def count(self) -> int:
        """How many observations are shown."""
        return len(self._observations)

    def index_of(self, key: Key, path: str = "") -> QModelIndex:
        """The row of an observation, or of its product at `path`; invalid if it is not shown."""
        observation = self._observations.get(key)
        if observation is None:
            return QModelIndex()
        if not path:
            return self.createIndex(observation.row, 0, observation.mission)
        for row, number in enumerate(observation.shown):
            if observation.entry.products[number].path == path:
                return self.createIndex(row, 0, observation)
        return QModelIndex()

    def _node(self, index: Index) -> _Mission | _Observation | None:
        """The mission or observation in a row; None for a product or an invalid index."""
        if not index.isValid():
            return None
        parent: _Parent = index.internalPointer()
        if parent is None:
            return self._missions[index.row()]
        return parent.observations[index.row()] if isinstance(parent, _Mission) else None

    # what Qt asks

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        # A view that opens a mission asks for ten thousand of these, and whether each has something below it.
        if not parent.isValid():
            node, number = None, len(self._missions)
        else:
            node = self._node(parent) if parent.column() == 0 else None
            number = 0 if node is None else len(node.observations if isinstance(node, _Mission) else node.shown)
        return self.createIndex(row, column, node) if 0 <= row < number and 0 <= column < _N_COLUMNS else QModelIndex()

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008
        node: _Parent = index.internalPointer() if index.isValid() else None
        if node is None:
            return QModelIndex()
        return self.createIndex(node.row, 0, None if isinstance(node, _Mission) else node.mission)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._missions)
        node = self._node(parent) if parent.column() == 0 else None
        if node is None:
            return 0
        return len(node.observations) if isinstance(node, _Mission) else len(node.shown)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        if not parent.isValid():
            return bool(self._missions)
        above: _Parent = parent.internalPointer()
        if isinstance(above, _Mission):
            return parent.column() == 0 and bool(above.observations[parent.row()].shown)
        return above is None and parent.column() == 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return _N_COLUMNS

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.HEADINGS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole and section == Column.SIZE:
                return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() == Column.SIZE:
            return _RIGHT
        node = self._node(index)
        if isinstance(node, _Mission):
            return self._mission_data(node, index.column()) if role == Qt.ItemDataRole.DisplayRole else None
        if node is not None:
            return self._observation_data(node, index.column(), role)
        parent: _Observation = index.internalPointer()
        number = parent.shown[index.row()]
        return self._product_data(parent.entry.products[number], parent.entry.labels[number], index.column(), role)

    def _mission_data(self, mission: _Mission, column: int) -> Any:
        if column == Column.NAME:
            return self._labels.get(mission.name, mission.name)
        if column == Column.TARGET:
            return counted(len(mission.observations), "observation", "observations")
        return format_bytes(sum(observation.entry.size_bytes for observation in mission.observations))

    @staticmethod
    def _observation_data(observation: _Observation, column: int, role: int) -> Any:
        entry = observation.entry
        if role == OBSERVATION_ROLE:
            return entry.key
        if role == Qt.ItemDataRole.DisplayRole:
            size = format_bytes(entry.size_bytes) if entry.labels else ""
            return (entry.key[1], entry.target, size)[column]
        return None

    @staticmethod
    def _product_data(product: Product, label: str, column: int, role: int) -> Any:
        if role == PRODUCT_ROLE:
            return product
        if role == Qt.ItemDataRole.DisplayRole:
            return (label, "", format_bytes(product.size_bytes))[column]
        return product.path if role == Qt.ItemDataRole.ToolTipRole else None
