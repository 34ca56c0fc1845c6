"""The tree mission → observation → file of the downloads, drawn from columns. Nothing is kept for a row that is not in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractItemModel, QItemSelection, QModelIndex, QObject, Qt

from daxa_gui.core.job import Job
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.gui.models.download_columns import (
    CODES,
    KINDS,
    WORDS,
    DownloadColumns,
    Rows,
    Sums,
)
from daxa_gui.gui.models.download_row_texts import FILE_LEVEL, Column, RowTexts
from daxa_gui.gui.models.download_runs import Runs
from daxa_gui.gui.models.download_shape import HIDDEN, Shape
from daxa_gui.gui.models.jobs import FRACTION_ROLE, STATE_ROLE, Index

__all__ = ["ID_ROLE", "Column", "DownloadTree"]

ID_ROLE = Qt.ItemDataRole.UserRole + 4  # the number of the job of a file; None for groups
# Signals about the files of more observations than this would only make the view search for each of them (a tenth of a
# millisecond each), and rows inserted below more of them cost more than laying all out anew.
_MOST_SIGNALS = 20
_MISSION = 0  # what `internalId` says of a mission, of an observation (1 + its mission) and of a file
_FILES_FROM = 1 << 20  # … this + its observation
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_RUNNING = CODES["running"]


_N_COLUMNS = len(Column)
_NUMBERS = (Column.SIZE, Column.RATE, Column.LEFT)


class DownloadTree(QAbstractItemModel):
    """`set_columns` replaces all, `update_jobs` follows changes, `set_filter` shows some only. `runs` knows how fast what
    runs goes. `is_outdated`: the filter would leave other rows by now (see `refilter`)."""

    HEADINGS = ("Name", "State", "Progress", "Size", "Rate", "Left", "Message")

    def __init__(self, labels: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self.columns = DownloadColumns(labels)
        self.generation = 0  # of the columns: nodes of an older one mean nothing any more
        self._shape = Shape(self.columns)
        self._words: frozenset[str] = frozenset()
        self._text = ""
        self.is_outdated = False
        self.runs = Runs()
        self._texts = RowTexts(self.columns)

    def arranged(self, overview: JobOverview) -> tuple[DownloadColumns, Shape]:
        """What `set_columns` wants; may be called on any thread."""
        columns = DownloadColumns.of_overview(overview, self._labels)
        return columns, Shape(columns)

    def set_columns(self, columns: DownloadColumns, shape: Shape | None = None) -> bool:
        """`shape` is that of all the columns, if somebody made it already. True if there are the same rows as before: then what
        is open and chosen stays so, and whoever shows the rows has to draw them anew."""
        self.runs = Runs()
        self._texts = RowTexts(columns)
        if columns.n_rows and columns.has_rows_of(self.columns):
            self.columns = self._shape.columns = columns
            self.is_outdated = bool(self._words)
            self._changed(_MISSION, [0, len(self._shape.missions) - 1] if self._shape.missions else [])
            return True
        self.beginResetModel()
        self.generation += 1
        self.columns = columns
        self._shape = self._made_shape(shape)
        self.endResetModel()
        return False

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        self.set_columns(DownloadColumns.of_jobs(jobs, self._labels))

    # ---- filter

    def set_filter(self, words: Iterable[str] = (), text: str = "") -> None:
        """Show files in these states (none: in all) whose name, ObsID or mission contains a text."""
        self._words, self._text = frozenset(words), text.strip()
        self.refilter()

    @property
    def is_filtered(self) -> bool:
        return self._shape.is_filtered

    def refilter(self) -> None:
        """Work out anew what the filter leaves. The model is reset: keeping indices of thousands of selected rows takes seconds;
        whoever shows it remembers rows by their `node`."""
        self.beginResetModel()
        self._shape = self._made_shape()
        self.endResetModel()

    def _made_shape(self, of_all: Shape | None = None) -> Shape:
        self.is_outdated = False
        if not self._words and not self._text:
            return of_all if of_all is not None else Shape(self.columns)
        n = self.columns.n_rows
        mask = np.ones(n, bool)
        if self._words:
            mask &= np.array([word in self._words for word in WORDS])[self.columns.words[:n]]
        if self._text:
            mask &= self.columns.matching(self._text)
        return Shape(self.columns, mask)

    # ---- what changes

    def update_jobs(self, jobs: Iterable[Job], now_s: float = 0.0) -> None:
        """Show the newest snapshots (at a time of a monotonic clock); jobs that are not here yet are added."""
        mine = [job for job in jobs if job.kind in KINDS]
        if not mine:
            return
        rows = self.columns.rows_of([job.id for job in mine])
        known = [job for job, row in zip(mine, rows.tolist(), strict=True) if row >= 0]
        if known:
            self._renew(rows[rows >= 0], known, now_s)
        if len(known) < len(mine):
            self._insert([job for job, row in zip(mine, rows.tolist(), strict=True) if row < 0])

    def _renew(self, rows: Rows, jobs: Sequence[Job], now_s: float) -> None:
        before = self.columns.words[rows].copy()
        self.columns.update(rows, jobs)
        after = self.columns.words[rows]
        for row, job, was, word in zip(rows.tolist(), jobs, before.tolist(), after.tolist(), strict=True):
            if was == _RUNNING or word == _RUNNING:
                self.runs.note(row, job, now_s)
        if self._words and bool(np.any(before != after)):
            self.is_outdated = True
        self._announce(rows)

    def _insert(self, jobs: Sequence[Job]) -> None:
        groups = {(job.mission, job.obs_id) for job in jobs}
        if self.is_filtered:
            self.columns.add(jobs)
            self.is_outdated = True
        elif len(groups) > _MOST_SIGNALS:
            self.columns.add(jobs)
            self.refilter()
        else:
            for mission, obs_id in sorted(groups):
                self._insert_below(mission, obs_id, [job for job in jobs if (job.mission, job.obs_id) == (mission, obs_id)])

    def _insert_below(self, mission: str, obs_id: str, jobs: Sequence[Job]) -> None:
        """Rows of one observation, which is added too if it is not here (and its mission, if that is not)."""
        columns = self.columns
        rows = columns.add(jobs)  # nothing that is shown changes by this
        number, _ = columns.observations[int(columns.observation[rows[0]])]
        observation = int(columns.observation[rows[0]])
        if number not in self._shape.observations:
            parent, at, count = QModelIndex(), len(self._shape.missions), 1
        elif not self._shape.n_files(observation):
            parent, at, count = self._index_of(0, number), len(self._shape.observations[number]), 1
        else:
            parent, at, count = self._index_of(1, observation), self._shape.n_files(observation), len(jobs)
        self.beginInsertRows(parent, at, at + count - 1)
        self._shape.append(rows)
        self.endInsertRows()
        self._announce(rows[:1])

    def _announce(self, rows: Rows) -> None:
        """One signal for the changed files of an observation, one for the observations of a mission, one for all missions."""
        shape = self._shape
        places = shape.places_of_files(rows)
        of_row = self.columns.observation[rows[places != HIDDEN]]
        touched = np.unique(of_row).tolist()
        if len(touched) <= _MOST_SIGNALS:
            shown = places[places != HIDDEN]
            for observation in touched:
                self._changed(_FILES_FROM + observation, shown[of_row == observation].tolist())
        missions: dict[int, list[int]] = {}
        for observation in touched:
            mission = self.columns.observations[observation][0]
            missions.setdefault(mission, []).append(shape.place_of_observation(observation))
        for mission, among in missions.items():
            self._changed(1 + mission, among)
        self._changed(_MISSION, [shape.place_of_mission[mission] for mission in missions])

    def _changed(self, inside: int, places: list[int]) -> None:
        if places:
            self.dataChanged.emit(self.createIndex(min(places), 0, inside), self.createIndex(max(places), _N_COLUMNS - 1, inside))

    def tick(self, now_s: float) -> None:
        """Work out the rates of what runs; to be called about twice a second while something does."""
        rates: dict[tuple[int, int], float] = {}
        for row, rate in self.runs.rates(now_s).items():
            observation = int(self.columns.observation[row])
            for key in ((FILE_LEVEL, row), (1, observation), (0, self.columns.observations[observation][0])):
                rates[key] = rates.get(key, 0.0) + rate
        self._texts.rates = rates
        self._announce(np.array(list(self.runs), np.int64))

    # ---- what is asked of it

    def sums(self) -> Sums:
        """Everything together."""
        return self.columns.sums

    def chosen(self, selection: QItemSelection) -> Rows:
        """The rows below what is selected, each once; all that are shown where nothing is."""
        shown = self._shape.shown()
        if selection.isEmpty():
            return shown
        missions: list[int] = []
        observations: list[int] = []
        files: list[int] = []
        for ranges in selection.toList():
            inside = ranges.parent()
            level, number = self._node(inside) if inside.isValid() else (-1, 0)
            siblings = self._shape.below(level, number)[ranges.top() : ranges.bottom() + 1]
            (missions, observations, files)[level + 1].extend(siblings)
        chosen = np.zeros(self.columns.n_rows, bool)
        of_row = self.columns.observation[shown]
        of_group = np.zeros(len(self.columns.observations), bool)
        of_group[observations] = True
        if missions:
            of_group |= np.isin([mission for mission, _ in self.columns.observations], missions)
        chosen[shown[of_group[of_row]]] = True
        chosen[files] = True
        return np.flatnonzero(chosen)

    def ids_of(self, rows: Iterable[int]) -> list[int]:
        """The jobs of rows."""
        return self.columns.ids[np.fromiter(rows, np.int64)].tolist()

    def groups(self) -> list[tuple[int, int]]:
        """The nodes of the missions and observations that are shown, from top to bottom."""
        shape = self._shape
        return [node for m in shape.missions for node in ((0, m), *((1, observation) for observation in shape.observations[m]))]

    def node(self, index: Index) -> tuple[int, int]:
        """What stands in a row, in numbers that stay the same while there are these columns."""
        return self._node(index)

    def index_of(self, node: tuple[int, int]) -> QModelIndex:
        """Where a node is; invalid if it is not shown."""
        return self._index_of(*node)

    def index_of_row(self, row: int) -> QModelIndex:
        """Where a file is; invalid if the filter hides it."""
        return self._index_of(2, row)

    def _node(self, index: Index) -> tuple[int, int]:
        """Level (0 mission, 1 observation, 2 file) and the number of what stands there in the columns."""
        inside, place = int(index.internalId()), index.row()
        if inside == _MISSION:
            return 0, self._shape.missions[place]
        if inside < _FILES_FROM:
            return 1, self._shape.observations[inside - 1][place]
        return 2, self._shape.file_at(inside - _FILES_FROM, place)

    def _index_of(self, level: int, number: int, column: int = 0) -> QModelIndex:
        columns, shape = self.columns, self._shape
        if level == 0:
            place, inside = shape.place_of_mission.get(number, HIDDEN), _MISSION
        elif level == 1:
            place, inside = shape.place_of_observation(number), 1 + columns.observations[number][0]
        else:
            place, inside = shape.place_of_file(number), _FILES_FROM + int(columns.observation[number])
        return QModelIndex() if place == HIDDEN else self.createIndex(place, column, inside)

    # ---- what Qt asks

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not (0 <= row < self.rowCount(parent) and 0 <= column < _N_COLUMNS):
            return QModelIndex()
        if not parent.isValid():
            return self.createIndex(row, column, _MISSION)
        level, number = self._node(parent)
        return self.createIndex(row, column, 1 + number if level == 0 else _FILES_FROM + number)

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008
        inside = int(index.internalId()) if index.isValid() else _MISSION
        if inside == _MISSION:
            return QModelIndex()
        return self._index_of(0, inside - 1) if inside < _FILES_FROM else self._index_of(1, inside - _FILES_FROM)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._shape.missions)
        if parent.column() > 0:
            return 0
        level, number = self._node(parent)
        if level == 2:
            return 0
        return len(self._shape.observations[number]) if level == 0 else self._shape.n_files(number)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        return self.rowCount(parent) > 0 if not parent.isValid() else parent.column() == 0 and parent.internalId() < _FILES_FROM

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return _N_COLUMNS

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.HEADINGS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole and section in _NUMBERS:
                return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in _NUMBERS else None
        level, number = self._node(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts.text(level, number, column)
        if role == STATE_ROLE:
            return self._texts.state(level, number)
        if role == FRACTION_ROLE and column == Column.PROGRESS:
            return self._texts.part(level, number)
        if role == ID_ROLE:
            return int(self.columns.ids[number]) if level == FILE_LEVEL else None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return self._texts.tip(level, number)
        return None

    def index_text(self, level: int, number: int, column: int) -> str:
        """What a column says of a mission, an observation (its number) or a file (its row)."""
        return self._texts.text(level, number, column)
