"""Item models over jobs: the tree mission → observation → file of the downloads, the grid unit x step of the processing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import PurePosixPath
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from daxa_gui.core.job import Job, JobState
from daxa_gui.core.step import Step

Index = QModelIndex | QPersistentModelIndex
JOB_ROLE = Qt.ItemDataRole.UserRole + 1  # the Job of a cell or row, None where there is none
FRACTION_ROLE = Qt.ItemDataRole.UserRole + 2  # 0 … 1, or None when it cannot be known
STATE_ROLE = Qt.ItemDataRole.UserRole + 3  # a word of STATE_WORDS

STATE_WORDS = {
    JobState.WAITING: "waiting",
    JobState.QUEUED: "queued",
    JobState.RUNNING: "running",
    JobState.CANCELLING: "stopping",
    JobState.SUCCEEDED: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.SKIPPED: "skipped",
}


def state_word(job: Job) -> str:
    """One word; a success from which nothing can follow (closed filter, no useful time) is « excluded »."""
    if job.state is JobState.SUCCEEDED and job.reason:
        return "excluded"
    if job.state is JobState.SUCCEEDED and job.warnings:
        return "warned"
    return STATE_WORDS[job.state]


def why(job: Job) -> str:
    """The sentence that belongs to the state, empty if there is none."""
    if job.error is not None:
        return f"{job.error.message} {job.error.hint}".strip()
    return job.reason or "; ".join(job.warnings)


def format_bytes(count: float | None) -> str:
    """« 12.3 MB » (powers of 1000); a dash where the size is not known."""
    if count is None:
        return "–"
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5 or unit == "GB":
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000.0
    raise AssertionError("unreachable")


def fraction(job: Job) -> float | None:
    """How much of the job is done, 0 to 1; None while it runs and nobody knows."""
    if job.state is JobState.SUCCEEDED:
        return 1.0
    if job.total:
        return min(1.0, job.done / job.total)
    return None if job.state is JobState.RUNNING else 0.0


class Column(IntEnum):
    NAME = 0
    STATE = 1
    PROGRESS = 2
    SIZE = 3
    MESSAGE = 4


@dataclass(eq=False)
class _Node:
    """A mission, an observation or a job. `row` is its place among the children of its parent."""

    label: str
    parent: _Node | None
    row: int
    children: list[_Node] = field(default_factory=list)
    job: Job | None = None

    def jobs(self) -> list[Job]:
        return [self.job] if self.job is not None else [job for child in self.children for job in child.jobs()]


class DownloadTree(QAbstractItemModel):
    """Jobs of the kinds « plan » and « download »; `set_jobs` replaces all, `update_jobs` follows changes cheaply."""

    HEADINGS = ("Name", "State", "Progress", "Size", "Message")

    def __init__(self, labels: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._root = _Node("", None, 0)
        self._groups: dict[tuple[str, ...], _Node] = {}
        self._leaves: dict[int, _Node] = {}

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        self.beginResetModel()
        self._root, self._groups, self._leaves = _Node("", None, 0), {}, {}
        for job in jobs:
            self._place(job)
        self.endResetModel()

    def _group(self, key: tuple[str, ...], label: str) -> _Node:
        if key not in self._groups:
            parent = self._root if len(key) == 1 else self._group(key[:1], self._labels.get(key[0], key[0]))
            self._groups[key] = _Node(label, parent, len(parent.children))
            parent.children.append(self._groups[key])
        return self._groups[key]

    def _place(self, job: Job) -> None:
        observation = self._group((job.mission, job.obs_id), job.obs_id)
        label = PurePosixPath(job.unit).name if job.kind == "download" else "List of files"
        self._leaves[job.id] = _Node(label, observation, len(observation.children), job=job)
        observation.children.append(self._leaves[job.id])

    def update_jobs(self, jobs: Iterable[Job]) -> None:
        """Show the newest snapshots; jobs that are not here yet are added at the end of their observation."""
        touched: set[_Node] = set()
        for job in jobs:
            if job.kind not in ("plan", "download"):
                continue
            leaf = self._leaves.get(job.id)
            if leaf is None:
                self._insert(job)
                continue
            leaf.job = job
            touched.add(leaf)
        for node in touched:
            self._changed(node)
        for node in {n.parent for n in touched} | {n.parent.parent for n in touched if n.parent}:
            if node is not None and node is not self._root:
                self._changed(node)

    def _insert(self, job: Job) -> None:
        keys = [(job.mission,), (job.mission, job.obs_id)]
        missing = next((key for key in keys if key not in self._groups), None)
        if missing is None:
            parent = self._groups[keys[1]]
        else:
            parent = self._root if missing == keys[0] else self._groups[keys[0]]
        at = len(parent.children)
        self.beginInsertRows(self._index(parent), at, at)
        self._place(job)
        self.endInsertRows()

    def _changed(self, node: _Node) -> None:
        left = self.createIndex(node.row, 0, node)
        self.dataChanged.emit(left, self.createIndex(node.row, len(Column) - 1, node))

    def _index(self, node: _Node) -> QModelIndex:
        return QModelIndex() if node is self._root else self.createIndex(node.row, 0, node)

    def node_jobs(self, index: Index) -> list[Job]:
        """The jobs below a row: itself, or those of its observation or mission."""
        return index.internalPointer().jobs() if index.isValid() else self._root.jobs()

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        node = parent.internalPointer() if parent.isValid() else self._root
        if parent.column() > 0 or not (0 <= row < len(node.children) and 0 <= column < len(Column)):
            return QModelIndex()
        return self.createIndex(row, column, node.children[row])

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008
        if not index.isValid():
            return QModelIndex()
        parent = index.internalPointer().parent
        return QModelIndex() if parent is None or parent is self._root else self.createIndex(parent.row, 0, parent)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if parent.column() > 0:
            return 0
        return len((parent.internalPointer() if parent.isValid() else self._root).children)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.HEADINGS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        node: _Node = index.internalPointer()
        column = Column(index.column())
        if role == JOB_ROLE:
            return node.job
        if role == Qt.ItemDataRole.ToolTipRole and node.job is not None:
            return f"{node.job.title}: {state_word(node.job)}. {why(node.job)}".strip()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._leaf_text(node, column) if node.job is not None else self._group_text(node, column)
        if role == FRACTION_ROLE and column is Column.PROGRESS:
            return fraction(node.job) if node.job is not None else group_fraction(node.jobs())
        if role == STATE_ROLE:
            return state_word(node.job) if node.job is not None else group_state(node.jobs())
        if role == Qt.ItemDataRole.TextAlignmentRole and column is Column.SIZE:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    @staticmethod
    def _leaf_text(node: _Node, column: Column) -> str:
        job = node.job
        assert job is not None
        if column is Column.NAME:
            return node.label
        if column is Column.STATE:
            return state_word(job)
        if column is Column.SIZE:
            return format_bytes(job.total) if job.kind == "download" else ""
        if column is Column.MESSAGE:
            return why(job) or job.text
        part = fraction(job)
        return "" if part is None else f"{100 * part:.0f} %"

    @staticmethod
    def _group_text(node: _Node, column: Column) -> str:
        if column is Column.NAME:
            return node.label
        jobs = node.jobs()
        if column is Column.STATE:
            return group_state(jobs)
        if column is Column.PROGRESS:
            part = group_fraction(jobs)
            return "" if part is None else f"{100 * part:.0f} %"
        files = [job for job in jobs if job.kind == "download"]
        if column is Column.SIZE:
            return format_bytes(sum(job.total or 0.0 for job in files)) if files else ""
        done = sum(job.state is JobState.SUCCEEDED for job in files)
        return f"{done} of {len(files)} files" if files else ""


def group_state(jobs: Sequence[Job]) -> str:
    """The word for a group: what needs attention first."""
    words = {state_word(job) for job in jobs}
    for word in ("running", "stopping", "queued", "waiting", "failed", "cancelled", "skipped", "excluded", "warned"):
        if word in words:
            return word
    return "done" if words else ""


def group_fraction(jobs: Sequence[Job]) -> float | None:
    """Bytes where sizes are known, otherwise finished jobs."""
    files = [job for job in jobs if job.kind == "download"] or list(jobs)
    total = sum(job.total or 0.0 for job in files)
    if total:
        return sum((job.total or 0.0) * (fraction(job) or 0.0) for job in files) / total
    return sum(job.is_finished for job in files) / len(files) if files else None


class ProcessingGrid(QAbstractTableModel):
    """Rows are exposures (in the order in which they came), columns are steps; a cell is the newest job of both."""

    def __init__(self, steps: Sequence[Step], labels: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = tuple(steps)
        self._labels = labels
        self._column = {step.name: number for number, step in enumerate(steps)}
        self._rows: list[tuple[str, str, str]] = []
        self._row: dict[tuple[str, str, str], int] = {}
        self._cells: dict[tuple[int, int], Job] = {}

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        self.beginResetModel()
        self._rows, self._row, self._cells = [], {}, {}
        for job in jobs:
            if job.step in self._column:
                row = self._row_of(job)
                self._keep(row, job)
        self.endResetModel()

    def _row_of(self, job: Job) -> int:
        key = (job.mission, job.obs_id, job.unit)
        if key not in self._row:
            self._row[key] = len(self._rows)
            self._rows.append(key)
        return self._row[key]

    def _keep(self, row: int, job: Job) -> int:
        column = self._column[job.step]
        shown = self._cells.get((row, column))
        if shown is None or shown.id <= job.id:
            self._cells[row, column] = job
        return column

    def update_jobs(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            if job.kind != "reduce" or job.step not in self._column:
                continue
            if (job.mission, job.obs_id, job.unit) not in self._row:
                at = len(self._rows)
                self.beginInsertRows(QModelIndex(), at, at)
                self._keep(self._row_of(job), job)
                self.endInsertRows()
            else:
                row = self._row_of(job)
                column = self._keep(row, job)
                self.dataChanged.emit(self.index(row, column), self.index(row, column))

    def unit(self, row: int) -> tuple[str, str, str]:
        """(mission, ObsID, instrument + sub-exposure) of a row."""
        return self._rows[row]

    def job(self, index: Index) -> Job | None:
        return self._cells.get((index.row(), index.column())) if index.isValid() else None

    def all_jobs(self) -> list[Job]:
        return list(self._cells.values())

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._steps)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self._steps):
            step = self._steps[section]
            return {Qt.ItemDataRole.DisplayRole: step.label, Qt.ItemDataRole.ToolTipRole: step.help}.get(Qt.ItemDataRole(role))
        if orientation == Qt.Orientation.Vertical and role == Qt.ItemDataRole.DisplayRole and section < len(self._rows):
            mission, obs_id, unit = self._rows[section]
            return f"{self._labels.get(mission, mission)}  {obs_id}  {unit}"
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        job = self.job(index)
        if role == JOB_ROLE:
            return job
        if job is None:
            return None
        if role == STATE_ROLE:
            return state_word(job)
        if role == Qt.ItemDataRole.DisplayRole:
            part = fraction(job)
            running = job.state is JobState.RUNNING and part is not None
            return f"{state_word(job)} {100 * part:.0f} %" if running and part is not None else state_word(job)
        if role == FRACTION_ROLE:
            return fraction(job)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return f"{job.title}: {state_word(job)}. {why(job)}".strip()
        return None
