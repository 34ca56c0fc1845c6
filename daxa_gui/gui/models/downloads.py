"""The tree mission → observation → file of the downloads. Groups know the sums of what is below them and never walk it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QItemSelection, QModelIndex, QObject, Qt

from daxa_gui.core.job import Job, JobState
from daxa_gui.gui.models.jobs import (
    FRACTION_ROLE,
    JOB_ROLE,
    STATE_ROLE,
    Index,
    can_cancel,
    format_bytes,
    fraction,
    percent,
    sentence,
    state_word,
    why,
)

KINDS = ("plan", "download")
# What a group is called when its jobs differ: what goes on first, then what needs attention.
_LOUDEST = ("running", "stopping", "queued", "waiting", "paused", "failed", "cancelled", "skipped", "excluded", "warned", "done")
# A view repaints all of itself for one signal about several rows. Signals about the files of more observations than this
# would only make it search for each of them, which takes a tenth of a millisecond each.
_MOST_SIGNALS = 20
_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

# What is summed: "jobs", "open" (not finished), "cancellable", "retryable", "files", "files done", "bytes", "bytes here",
# "word <state>", and "lane <name>" (unfinished jobs of a lane). Names that are absent count nothing.
Sums = dict[str, float]


class Column(IntEnum):
    NAME = 0
    STATE = 1
    PROGRESS = 2
    SIZE = 3
    MESSAGE = 4


_N_COLUMNS = len(Column)


def share(job: Job) -> Sums:
    """What one job adds to the sums of its groups."""
    result: Sums = {"jobs": 1, f"word {state_word(job)}": 1}
    if not job.is_finished:
        result["open"] = result[f"lane {job.lane}"] = 1
        if can_cancel(job):
            result["cancellable"] = 1
    elif job.state is not JobState.SUCCEEDED:
        result["retryable"] = 1
    if job.kind == "download":
        total = job.total or 0.0
        result["files"] = 1
        result["bytes"] = total
        result["bytes here"] = total * (fraction(job) or 0.0)
        if job.state is JobState.SUCCEEDED:
            result["files done"] = 1
    return result


class Node:
    """A mission, an observation or a job; `row` is its place among the children of its parent."""

    __slots__ = ("children", "job", "label", "parent", "row", "sums")

    def __init__(self, label: str, parent: Node | None, job: Job | None = None) -> None:
        self.label = label
        self.parent = parent
        self.row = 0 if parent is None else len(parent.children)
        self.children: list[Node] = []
        self.job = job
        self.sums: Sums = defaultdict(float) if job is None else share(job)
        if parent is not None:
            parent.children.append(self)

    def add(self, sums: Sums) -> None:
        mine = self.sums
        for name, value in sums.items():
            mine[name] += value

    def count(self, name: str) -> float:
        return self.sums.get(name, 0.0)

    def state(self) -> str:
        """The word for a group: what needs attention first."""
        return next((word for word in _LOUDEST if self.sums.get(f"word {word}")), "")

    def fraction(self) -> float | None:
        """Bytes where sizes are known, otherwise finished jobs."""
        if self.count("bytes"):
            return self.count("bytes here") / self.count("bytes")
        return (self.count("jobs") - self.count("open")) / self.count("jobs") if self.count("jobs") else None

    def leaves(self) -> Iterable[Node]:
        if self.job is not None:
            yield self
        for child in self.children:
            yield from child.leaves()


class Tree:
    """All nodes. Made on any thread; from then on it belongs to the model."""

    def __init__(self, labels: dict[str, str]) -> None:
        self.labels = labels
        self.root = Node("", None)
        self.groups: dict[tuple[str, ...], Node] = {}
        self.leaves: dict[int, Node] = {}

    @classmethod
    def of(cls, jobs: Iterable[Job], labels: dict[str, str]) -> Tree:
        tree = cls(labels)
        for job in jobs:
            if job.kind in KINDS:
                leaf = tree.place(job)
                assert leaf.parent is not None
                leaf.parent.add(leaf.sums)
        for mission in tree.root.children:
            for observation in mission.children:
                mission.add(observation.sums)
            tree.root.add(mission.sums)
        return tree

    def observation(self, job: Job) -> Node:
        """The node of the job's observation, made if it is not there."""
        key = (job.mission, job.obs_id)
        if key not in self.groups:
            if key[:1] not in self.groups:
                self.groups[key[:1]] = Node(self.labels.get(job.mission, job.mission), self.root)
            self.groups[key] = Node(job.obs_id, self.groups[key[:1]])
        return self.groups[key]

    def place(self, job: Job) -> Node:
        """A leaf for a job; its groups do not count it yet."""
        label = job.unit.rpartition("/")[2] if job.kind == "download" else "List of files"
        self.leaves[job.id] = leaf = Node(label, self.observation(job), job)
        return leaf


def _difference(new: Sums, old: Sums) -> Sums:
    changes = {name: value - old.get(name, 0) for name, value in new.items() if value != old.get(name, 0)}
    changes.update({name: -value for name, value in old.items() if name not in new})
    return changes


class DownloadTree(QAbstractItemModel):
    """Jobs of the kinds « plan » and « download »; `set_tree` replaces all, `update_jobs` follows changes cheaply."""

    HEADINGS = ("Name", "State", "Progress", "Size", "Message")

    def __init__(self, labels: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._tree = Tree(labels)

    def arranged(self, jobs: list[Job]) -> Tree:
        """What `set_tree` wants; may be called on any thread."""
        return Tree.of(jobs, self._labels)

    def set_tree(self, tree: Tree) -> None:
        self.beginResetModel()
        self._tree = tree
        self.endResetModel()

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        self.set_tree(self.arranged(list(jobs)))

    # what changes

    def update_jobs(self, jobs: Iterable[Job]) -> None:
        """Show the newest snapshots; jobs that are not here yet are added at the end of their observation."""
        touched: dict[Node, list[int]] = {}
        new: list[Job] = []
        for job in jobs:
            if job.kind not in KINDS:
                continue
            leaf = self._tree.leaves.get(job.id)
            if leaf is None:
                new.append(job)
            else:
                self._renew(leaf, job)
                assert leaf.parent is not None
                touched.setdefault(leaf.parent, []).append(leaf.row)
        self._insert(new, touched)
        self._announce(touched)

    def _renew(self, leaf: Node, job: Job) -> None:
        leaf.job, old, leaf.sums = job, leaf.sums, share(job)
        changes = _difference(leaf.sums, old)
        if changes:
            group = leaf.parent
            while group is not None:
                group.add(changes)
                group = group.parent

    def _insert(self, jobs: list[Job], touched: dict[Node, list[int]]) -> None:
        """New jobs, those of one observation together; a new observation or mission comes with all that is below it."""
        tree = self._tree
        places: dict[tuple[str, ...], list[Job]] = {}  # by the group that is there already
        for job in jobs:
            key: tuple[str, ...] = (job.mission, job.obs_id)
            while key and key not in tree.groups:
                key = key[:-1]
            places.setdefault(key, []).append(job)
        for key, together in places.items():
            parent = tree.groups[key] if key else tree.root
            number = len(together) if len(key) == 2 else len({(j.mission, j.obs_id)[len(key)] for j in together})
            at = len(parent.children)
            self.beginInsertRows(self._index(parent), at, at + number - 1)
            for job in together:
                leaf = tree.place(job)
                group = leaf.parent
                while group is not None:
                    group.add(leaf.sums)
                    group = group.parent
            self.endInsertRows()
            for job in together:
                touched.setdefault(tree.groups[job.mission, job.obs_id], [])

    def _announce(self, touched: dict[Node, list[int]]) -> None:
        """One signal for the changed files of an observation, one for the observations of a mission, one for all missions."""
        missions: dict[Node, list[int]] = {}
        for observation, rows in touched.items():
            if len(touched) <= _MOST_SIGNALS:
                self._changed(observation, rows)
            assert observation.parent is not None
            missions.setdefault(observation.parent, []).append(observation.row)
        for mission, rows in missions.items():
            self._changed(mission, rows)
        if missions:
            self._changed(self._tree.root, [mission.row for mission in missions])

    def _changed(self, parent: Node, rows: list[int]) -> None:
        if rows:
            first, last = parent.children[min(rows)], parent.children[max(rows)]
            left = self.createIndex(first.row, 0, first)
            self.dataChanged.emit(left, self.createIndex(last.row, _N_COLUMNS - 1, last))

    # what is asked of it

    def sums(self) -> Node:
        """Everything together."""
        return self._tree.root

    def chosen(self, selection: QItemSelection) -> list[Node]:
        """The selected rows; everything (one node) where nothing is selected."""
        nodes: list[Node] = []
        for ranges in selection.toList():
            parent = ranges.parent()
            node = parent.internalPointer() if parent.isValid() else self._tree.root
            nodes += node.children[ranges.top() : ranges.bottom() + 1]
        return nodes or [self._tree.root]

    def node_jobs(self, index: Index) -> list[Job]:
        """The jobs below a row: itself, or those of its observation or mission; all for an invalid index."""
        node: Node = index.internalPointer() if index.isValid() else self._tree.root
        return [leaf.job for leaf in node.leaves() if leaf.job is not None]

    def _index(self, node: Node) -> QModelIndex:
        return QModelIndex() if node is self._tree.root else self.createIndex(node.row, 0, node)

    # what Qt asks

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        node = parent.internalPointer() if parent.isValid() else self._tree.root
        if parent.column() > 0 or not (0 <= row < len(node.children) and 0 <= column < _N_COLUMNS):
            return QModelIndex()
        return self.createIndex(row, column, node.children[row])

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008
        if not index.isValid():
            return QModelIndex()
        parent = index.internalPointer().parent
        return QModelIndex() if parent is None or parent is self._tree.root else self.createIndex(parent.row, 0, parent)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if parent.column() > 0:
            return 0
        return len((parent.internalPointer() if parent.isValid() else self._tree.root).children)

    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        return not parent.isValid() or (parent.column() == 0 and parent.internalPointer().job is None)

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
        node: Node = index.internalPointer()
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._group_text(node, column) if node.job is None else self._leaf_text(node, node.job, column)
        if role == STATE_ROLE:
            return node.state() if node.job is None else state_word(node.job)
        if role == FRACTION_ROLE and column == Column.PROGRESS:
            return node.fraction() if node.job is None else fraction(node.job)
        if role == JOB_ROLE:
            return node.job
        if role == Qt.ItemDataRole.TextAlignmentRole and column == Column.SIZE:
            return _RIGHT
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return sentence(node.job) if node.job is not None else self._group_text(node, column)
        return None

    @staticmethod
    def _leaf_text(node: Node, job: Job, column: int) -> str:
        if column == Column.NAME:
            return node.label
        if column == Column.STATE:
            return state_word(job)
        if column == Column.PROGRESS:
            return percent(fraction(job))
        if column == Column.SIZE:
            return format_bytes(job.total) if job.kind == "download" else ""
        return why(job) or job.text

    @staticmethod
    def _group_text(node: Node, column: int) -> str:
        if column == Column.NAME:
            return node.label
        if column == Column.STATE:
            return node.state()
        if column == Column.PROGRESS:
            return percent(node.fraction())
        files = int(node.count("files"))
        if column == Column.SIZE:
            return format_bytes(node.count("bytes")) if files else ""
        return f"{int(node.count('files done'))} of {files} files" if files else ""
