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
    """`entries` are those that are shown; `rows` says where by ObsID; `opened` holds the observations that were looked into."""

    name: str
    row: int
    entries: list[Entry] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    opened: dict[int, _Observation] = field(default_factory=dict)
    size_bytes: int = 0


@dataclass(eq=False)
class _Observation:
    """Below which products stand; `shown` are the numbers of the entry's products that pass the search."""

    mission: _Mission
    row: int
    shown: list[int]

    @property
    def entry(self) -> Entry:
        return self.mission.entries[self.row]


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
        self._places: dict[str, _Mission] = {}  # by the mission's name

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
        """Lists and numbers only: making something for each of ten thousand observations, the window would stand still."""
        self.beginResetModel()
        by_mission: dict[str, list[Entry]] = {}
        for entry in self._found():
            by_mission.setdefault(entry.key[0], []).append(entry)
        self._missions = []
        for name, entries in by_mission.items():
            rows = {entry.key[1]: row for row, entry in enumerate(entries)}
            size_bytes = sum(entry.size_bytes for entry in entries)
            self._missions.append(_Mission(name, len(self._missions), entries, rows, {}, size_bytes))
        self._places = {mission.name: mission for mission in self._missions}
        self.endResetModel()

    def _found(self) -> list[Entry]:
        """The entries of which something passes the search."""
        wanted = self._search
        if not wanted:
            return self._entries
        known: dict[str, bool] = {}  # the same few labels stand below most observations

        def fits(label: str) -> bool:
            found = known.get(label)
            if found is None:
                found = known[label] = wanted in label.casefold()
            return found

        return [entry for entry in self._entries if wanted in entry.words or any(map(fits, entry.labels))]

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
        for (name, obs_id), entry in newer.items():
            mission = self._places.get(name)
            row = mission.rows.get(obs_id) if mission is not None else None
            if mission is not None and row is not None:
                self._renew(mission, row, entry)
            elif self._search and self._passing(entry) is not None:
                self._arrange()  # the search finds it only now
                return

    def _renew(self, mission: _Mission, row: int, entry: Entry) -> None:
        here = self.createIndex(row, 0, mission)
        observation = self._opened(mission, row)
        old, shown = observation.entry, self._passing(entry) or []
        mission.size_bytes += entry.size_bytes - old.size_bytes
        before = [old.products[number] for number in observation.shown]
        kept = {entry.products[number].path for number in shown}
        for below in reversed(range(len(before))):
            if before[below].path not in kept:
                self.beginRemoveRows(here, below, below)
                del observation.shown[below], before[below]
                self.endRemoveRows()
        # The rows that stay keep their order; now each new one goes to its place.
        paths = [product.path for product in before]
        mission.entries[row], observation.shown = entry, [n for n in shown if entry.products[n].path in set(paths)]
        for below, number in enumerate(shown):
            if below >= len(paths) or paths[below] != entry.products[number].path:
                self.beginInsertRows(here, below, below)
                paths.insert(below, entry.products[number].path)
                observation.shown.insert(below, number)
                self.endInsertRows()
        self.dataChanged.emit(here, here.siblingAtColumn(_N_COLUMNS - 1))
        if shown:
            first = self.index(0, 0, here)
            self.dataChanged.emit(first, self.index(len(shown) - 1, _N_COLUMNS - 1, here))

    def _opened(self, mission: _Mission, row: int) -> _Observation:
        """The node below which the products of an observation stand; made when somebody asks, and kept for Qt's pointers."""
        observation = mission.opened.get(row)
        if observation is None:
            observation = mission.opened[row] = _Observation(mission, row, self._passing(mission.entries[row]) or [])
        return observation

    # where things are

    def count(self) -> int:
        """How many observations are shown."""
        return sum(len(mission.entries) for mission in self._missions)

    def index_of(self, key: Key, path: str = "") -> QModelIndex:
        """The row of an observation, or of its product at `path`; invalid if it is not shown."""
        mission = self._places.get(key[0])
        at = mission.rows.get(key[1]) if mission is not None else None
        if mission is None or at is None:
            return QModelIndex()
        if not path:
            return self.createIndex(at, 0, mission)
        observation = self._opened(mission, at)
        products = observation.entry.products
        for row, number in enumerate(observation.shown):
            if products[number].path == path:
                return self.createIndex(row, 0, observation)
        return QModelIndex()

    def _node(self, index: Index) -> _Mission | _Observation | None:
        """The mission or observation in a row; None for a product or an invalid index."""
        if not index.isValid():
            return None
        parent: _Parent = index.internalPointer()
        if parent is None:
            return self._missions[index.row()]
        return self._opened(parent, index.row()) if isinstance(parent, _Mission) else None

    # what Qt asks

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        # A view that opens a mission asks for ten thousand of these, and whether each has something below it.
        if not parent.isValid():
            node, number = None, len(self._missions)
        else:
            node = self._node(parent) if parent.column() == 0 else None
            number = 0 if node is None else len(node.entries if isinstance(node, _Mission) else node.shown)
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
        return len(node.entries) if isinstance(node, _Mission) else len(node.shown)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        if not parent.isValid():
            return bool(self._missions)
        above: _Parent = parent.internalPointer()
        if isinstance(above, _Mission):
            return parent.column() == 0 and self._has_products(above, parent.row())
        return above is None and parent.column() == 0

    def _has_products(self, mission: _Mission, row: int) -> bool:
        """Without a node: what is found by one of its products has it, what is found by its name has all."""
        observation = mission.opened.get(row)
        return bool(mission.entries[row].labels if observation is None else observation.shown)

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
        parent: _Parent = index.internalPointer()
        if parent is None:
            mission = self._missions[index.row()]
            return self._mission_data(mission, index.column()) if role == Qt.ItemDataRole.DisplayRole else None
        if isinstance(parent, _Mission):
            return self._observation_data(parent.entries[index.row()], index.column(), role)
        number, entry = parent.shown[index.row()], parent.entry
        return self._product_data(entry.products[number], entry.labels[number], index.column(), role)

    def _mission_data(self, mission: _Mission, column: int) -> Any:
        if column == Column.NAME:
            return self._labels.get(mission.name, mission.name)
        if column == Column.TARGET:
            return counted(len(mission.entries), "observation", "observations")
        return format_bytes(mission.size_bytes)

    @staticmethod
    def _observation_data(entry: Entry, column: int, role: int) -> Any:
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
