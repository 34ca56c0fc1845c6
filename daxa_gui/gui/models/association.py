"""Which observation covers which position, for a table: pairs stay in the arrays that the search made, rows are their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.places import Places
from daxa_gui.core.texts import TextColumn
from daxa_gui.gui.texts import UNKNOWN, count_text, counted, position_text, short_label, utc_text

if TYPE_CHECKING:
    from daxa_gui.core.association import Association

Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class PairColumn:
    name: str
    heading: str
    tip: str
    number: bool = False
    timed: bool = False  # only of interest where the positions have time windows


COLUMNS: tuple[PairColumn, ...] = (
    PairColumn("number", "No.", "Number of the position in its list, counted from 1", True),
    PairColumn("place", "Position", "What the position is called, or where it is (ICRS)"),
    PairColumn("mission", "Mission", "Which mission observed it"),
    PairColumn("obs_id", "ObsID", "The observation that covers the position"),
    PairColumn("separation", "Separation", "Distance between the position and the middle of the field of view", True),
    PairColumn("instruments", "Instruments", "Instruments whose distance or field of view reaches the position"),
    PairColumn("obs_start", "Observed from (UTC)", "When the observation began, UTC"),
    PairColumn("obs_end", "Observed until (UTC)", "When the observation ended, UTC"),
    PairColumn("window_start", "Window from (UTC)", "When the time window of the position begins, UTC", timed=True),
    PairColumn("window_end", "Window until (UTC)", "When the time window of the position ends, UTC", timed=True),
    PairColumn("time_match", "Time match", "« inside »: all of the observation lies in the window; « overlap »: a part of it; "
               "« possible »: a time of the observation is not known, and what is known does not exclude it", timed=True),
)  # fmt: skip
_TIMES = {name: f"{name}_mjd" for name in ("obs_start", "obs_end", "window_start", "window_end")}


class Pairs:
    """The associations of several missions as one list. Pair number p belongs to the mission whose offsets enclose it.

    Nothing is copied; `order` is what takes long and belongs on a pool thread.
    """

    def __init__(self, found: Mapping[str, Association], places: Places, specs: Sequence[MissionSpec]) -> None:
        labels = {spec.name: short_label(spec) for spec in specs}
        self.found = {name: pairs for name, pairs in found.items() if len(pairs.position)}
        self.places = places
        self.missions = tuple(self.found)
        self.labels = tuple(labels.get(name, name) for name in self.missions)
        self._parts = tuple(self.found.values())
        self.offsets: NDArray[np.int64] = np.cumsum([0, *(len(part.position) for part in self._parts)])

    def __len__(self) -> int:
        return int(self.offsets[-1])

    def locate(self, pair: int) -> tuple[int, int]:
        """Which mission a pair belongs to, and its place there."""
        part = int(np.searchsorted(self.offsets, pair, side="right")) - 1
        return part, pair - int(self.offsets[part])

    def obs_id(self, pair: int) -> tuple[str, str]:
        """Mission and ObsID."""
        part, place = self.locate(pair)
        return self.missions[part], str(self._parts[part].obs_id[place])

    @cached_property
    def unit(self) -> tuple[str, float]:
        """Sign and degrees of the unit in which separations have handy numbers."""
        largest = max((float(np.max(part.separation_deg)) for part in self._parts), default=0.0)  # NaN never matches
        if largest >= 3.0:
            return "°", 1.0
        return ("′", 1.0 / 60.0) if largest * 60.0 >= 2.0 else ("″", 1.0 / 3600.0)

    def text(self, pair: int, column: str, style: str) -> str:
        part, place = self.locate(pair)
        here = self._parts[part]
        if column in _TIMES:
            return utc_text(float(getattr(here, _TIMES[column])[place]))
        if column == "mission":
            return self.labels[part]
        if column == "separation":
            return f"{float(here.separation_deg[place]) / self.unit[1]:.3f}"
        if column in ("obs_id", "instruments", "time_match"):
            return str(getattr(here, column)[place]) or UNKNOWN
        position = int(here.position[place])
        return str(position + 1) if column == "number" else self.place_name(position, style)

    def place_name(self, position: int, style: str) -> str:
        name = self.places.names[position]
        return name or position_text(float(self.places.ra_deg[position]), float(self.places.dec_deg[position]), style)

    def range_of(self, mission: str) -> tuple[int, int]:
        """The pairs of one mission, of all if `mission` is empty: first, and one behind the last."""
        if not mission:
            return 0, len(self)
        if mission not in self.missions:
            return 0, 0
        part = self.missions.index(mission)
        return int(self.offsets[part]), int(self.offsets[part + 1])

    def order(self, column: str, descending: bool, mission: str = "") -> NDArray[np.int64]:
        """Numbers of the pairs of a mission (or all), shape (k,), sorted; pairs without a value stand last in both orders."""
        first, last = self.range_of(mission)
        if not column:
            return np.arange(first, last)
        keys = self._keys(column)[first:last]
        if keys.dtype.kind == "f":
            sorting = -keys if descending else keys  # NaN is sorted last, whatever its sign
        else:
            missing = keys < 0
            sorting = np.where(missing, keys.max(initial=0) + 1, -keys if descending else keys)
        return first + np.argsort(sorting, kind="stable").astype(np.int64)

    def _keys(self, column: str) -> NDArray[Any]:
        """Numbers of all pairs that sort as the column's values do; -1 for empty texts."""
        if column in _TIMES:
            return self._joined(_TIMES[column])
        if column == "separation":
            return self._joined("separation_deg")
        if column == "mission":
            return np.repeat(np.arange(len(self.missions)), np.diff(self.offsets))
        if column in ("number", "place"):
            position = self._joined("position")
            if column == "number" or not any(self.places.names):
                return position
            return _ranks(self.places.name_column)[position]
        return self._text_ranks(column)

    def _text_ranks(self, column: str) -> NDArray[np.int64]:
        """Ranks of texts over all missions. Only distinct texts are sorted: observations and instruments come again and again."""
        if not self._parts:
            return np.empty(0, np.int64)
        coded = []
        for part in self._parts:
            texts = getattr(part, column)
            if column == "obs_id":
                rows, codes = _coded(np.asarray(part.row))
                pair_of_row = np.empty(len(rows), np.int64)
                pair_of_row[codes] = np.arange(len(codes))
                coded.append((codes, np.asarray(texts[pair_of_row])))
            elif isinstance(texts, TextColumn):
                coded.append((texts.codes, texts.values))
            else:
                coded.append(np.unique(texts, return_inverse=True)[::-1])
        ranks = _ranks(np.concatenate([values for _, values in coded]))
        starts = np.cumsum([0, *(len(values) for _, values in coded)])
        return np.concatenate([ranks[start:][codes] for start, (codes, _) in zip(starts, coded, strict=False)])

    def _joined(self, name: str) -> NDArray[Any]:
        return np.concatenate([np.asarray(getattr(part, name)) for part in self._parts]) if self._parts else np.empty(0)

    def covered(self, mission: str = "") -> int:
        """How many positions have at least one observation (of a mission)."""
        hit = np.zeros(len(self.places), bool)
        for name, part in self.found.items():
            if not mission or name == mission:
                hit[np.asarray(part.position)] = True
        return int(np.count_nonzero(hit))

    def observations(self, mission: str) -> int:
        """How many observations of a mission cover at least one position."""
        return len(_coded(np.asarray(self.found[mission].row))[0]) if mission in self.found else 0


def _coded(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Distinct row numbers, ascending, and the place of each one among them; without sorting."""
    seen = np.zeros(int(rows.max(initial=-1)) + 1, bool)
    seen[rows] = True
    distinct = np.flatnonzero(seen)
    places = np.cumsum(seen) - 1
    return distinct, places[rows]


def _ranks(texts: NDArray[np.str_]) -> NDArray[np.int64]:
    values, ranks = np.unique(texts, return_inverse=True)
    if len(values) and values[0] == "":
        ranks = ranks - 1
    return np.asarray(ranks, np.int64)


@dataclass(frozen=True)
class CoverCounts:
    """Numbers for the summary: positions, covered ones, observations by mission (those with any), covered ones by mission."""

    positions: int
    covered: int
    observations: Mapping[str, int]
    covered_by: Mapping[str, int]

    @classmethod
    def of(cls, pairs: Pairs) -> CoverCounts:
        return cls(
            len(pairs.places),
            pairs.covered(),
            {name: pairs.observations(name) for name in pairs.missions},
            {name: pairs.covered(name) for name in pairs.missions},
        )

    def sentence(self, labels: Mapping[str, str], mission: str = "") -> str:
        """« 115 of 542 positions are covered by 113 observations of XMM-Newton. »"""
        found = {name: number for name, number in self.observations.items() if not mission or name == mission}
        total = sum(found.values())
        of = counted(self.positions, "position", "positions")
        if not total:
            whom = f"an observation of {labels.get(mission, mission)}" if mission else "any observation"
            return f"None of {of} is covered by {whom}."
        covered = self.covered_by[mission] if mission else self.covered
        if len(found) == 1:
            whom = labels.get(next(iter(found)), next(iter(found)))
        else:
            whom = counted(len(found), "mission", "missions")
        verb = "is" if covered == 1 else "are"
        return f"{count_text(covered)} of {of} {verb} covered by {counted(total, 'observation', 'observations')} of {whom}."


class AssociationModel(QAbstractTableModel):
    """`order` has the numbers of the pairs that are shown, in their order. Sorting is asked for and comes later: `set_order`."""

    sort_requested = Signal(str, bool)  # column (empty: none), descending

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.pairs: Pairs | None = None
        self.order: NDArray[np.int64] = np.empty(0, np.int64)
        self.style = "sexagesimal"

    def show(self, pairs: Pairs | None, order: NDArray[np.int64]) -> None:
        self.beginResetModel()
        self.pairs, self.order = pairs, order
        self.endResetModel()
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(COLUMNS) - 1)

    def set_order(self, order: NDArray[np.int64]) -> None:
        """The same pairs in another order."""
        self.layoutAboutToBeChanged.emit()
        old = self.persistentIndexList()
        before = {index.row(): int(self.order[index.row()]) for index in old}
        self.order = order
        after = {row: self.place_of(pair) for row, pair in before.items()}
        self.changePersistentIndexList(old, [self.index(after[index.row()], index.column()) for index in old])
        self.layoutChanged.emit()

    def place_of(self, pair: int) -> int:
        found = np.flatnonzero(self.order == pair)
        return int(found[0]) if len(found) else -1

    def place_of_observation(self, mission: str, row: int) -> int:
        """The first place that shows an observation (a row of its mission's catalogue), -1 if there is none."""
        if self.pairs is None or mission not in self.pairs.found:
            return -1
        first, last = self.pairs.range_of(mission)
        wanted = np.zeros(len(self.pairs), bool)
        wanted[first:last] = np.asarray(self.pairs.found[mission].row) == row
        shown = wanted[self.order]
        place = int(np.argmax(shown)) if len(shown) else 0
        return place if len(shown) and shown[place] else -1

    def set_style(self, style: str) -> None:
        self.style = style
        if len(self.order):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.order) - 1, len(COLUMNS) - 1))

    def heading(self, column: int) -> str:
        """« Separation (′) »: the unit follows what there is."""
        item = COLUMNS[column]
        return f"{item.heading} ({self.pairs.unit[0]})" if item.name == "separation" and self.pairs is not None else item.heading

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        name = COLUMNS[column].name if 0 <= column < len(COLUMNS) else ""
        self.sort_requested.emit(name, order == Qt.SortOrder.DescendingOrder)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.order)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        if not index.isValid() or self.pairs is None:
            return None
        column = COLUMNS[index.column()]
        if role in (_Role.DisplayRole, _Role.ToolTipRole):
            return self.pairs.text(int(self.order[index.row()]), column.name, self.style)
        if role == _Role.TextAlignmentRole:
            return RIGHT if column.number else LEFT
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical or not 0 <= section < len(COLUMNS):
            return None
        column = COLUMNS[section]
        if role == _Role.DisplayRole:
            return self.heading(section)
        if role == _Role.ToolTipRole:
            return f"{column.tip}. Click to sort."
        if role == _Role.TextAlignmentRole:
            return RIGHT if column.number else LEFT
        return None


def column_number(name: str) -> int:
    return next(number for number, column in enumerate(COLUMNS) if column.name == name)
