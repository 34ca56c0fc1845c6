"""The grid of the processing: rows are exposures, columns are steps, a cell is the newest job of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QItemSelection, QModelIndex, QObject, Qt

from daxa_gui.core.job import Job, JobState
from daxa_gui.core.step import Step
from daxa_gui.gui.models.jobs import FRACTION_ROLE, JOB_ROLE, STATE_ROLE, Index, fraction, percent, sentence, state_word

Unit = tuple[str, str, str]  # mission, ObsID, instrument + sub-exposure


class Cells:
    """Rows in the order in which exposures came, and how many cells are in each state. Made on any thread."""

    def __init__(self, columns: dict[str, int]) -> None:
        self.columns = columns
        self.units: list[Unit] = []
        self.rows: dict[Unit, int] = {}
        self.jobs: dict[tuple[int, int], Job] = {}
        self.words: Counter[str] = Counter()
        self.n_open = 0

    def keep(self, job: Job) -> tuple[int, int]:
        """Put a job into its cell unless there is a newer one; where that is."""
        unit = (job.mission, job.obs_id, job.unit)
        row = self.rows.get(unit)
        if row is None:
            row = self.rows[unit] = len(self.units)
            self.units.append(unit)
        cell = row, self.columns[job.step]
        shown = self.jobs.get(cell)
        if shown is None or shown.id <= job.id:
            if shown is not None:
                self.words[state_word(shown)] -= 1
                self.n_open -= not shown.is_finished
            self.words[state_word(job)] += 1
            self.n_open += not job.is_finished
            self.jobs[cell] = job
        return cell


class ProcessingGrid(QAbstractTableModel):
    """Jobs of the kind « reduce »; `set_cells` replaces all, `update_jobs` follows changes cheaply."""

    def __init__(self, steps: Sequence[Step], labels: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = tuple(steps)
        self._labels = labels
        self._columns = {step.name: number for number, step in enumerate(steps)}
        self._cells = Cells(self._columns)

    def arranged(self, jobs: list[Job]) -> Cells:
        """What `set_cells` wants; may be called on any thread."""
        cells = Cells(self._columns)
        for job in jobs:
            if job.step in self._columns:
                cells.keep(job)
        return cells

    def set_cells(self, cells: Cells) -> None:
        self.beginResetModel()
        self._cells = cells
        self.endResetModel()

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        self.set_cells(self.arranged(list(jobs)))

    def update_jobs(self, jobs: Iterable[Job]) -> None:
        """Show the newest snapshots; exposures that are not here yet are added at the end, all at once."""
        mine = [job for job in jobs if job.kind == "reduce" and job.step in self._columns]
        known = [job for job in mine if (job.mission, job.obs_id, job.unit) in self._cells.rows]
        changed = [self._cells.keep(job) for job in known]
        if changed:
            rows, columns = [row for row, _ in changed], [column for _, column in changed]
            self.dataChanged.emit(self.index(min(rows), min(columns)), self.index(max(rows), max(columns)))
        if len(known) < len(mine):
            self._insert([job for job in mine if (job.mission, job.obs_id, job.unit) not in self._cells.rows])

    def _insert(self, jobs: list[Job]) -> None:
        number = len({(job.mission, job.obs_id, job.unit) for job in jobs})
        at = len(self._cells.units)
        self.beginInsertRows(QModelIndex(), at, at + number - 1)
        for job in jobs:
            self._cells.keep(job)
        self.endInsertRows()

    # what is asked of it

    def unit(self, row: int) -> Unit:
        """(mission, ObsID, instrument + sub-exposure) of a row."""
        return self._cells.units[row]

    def job(self, index: Index) -> Job | None:
        return self._cells.jobs.get((index.row(), index.column())) if index.isValid() else None

    def counts(self) -> Counter[str]:
        """How many cells show each word."""
        return self._cells.words

    def count_open(self) -> int:
        """How many jobs are not finished."""
        return self._cells.n_open

    def all_jobs(self) -> list[Job]:
        return list(self._cells.jobs.values())

    def chosen(self, selection: QItemSelection) -> list[Job]:
        """The jobs of the selected cells; all where nothing is selected."""
        if selection.isEmpty():
            return self.all_jobs()
        jobs = self._cells.jobs
        return [
            jobs[row, column]
            for ranges in selection.toList()
            for row in range(ranges.top(), ranges.bottom() + 1)
            for column in range(ranges.left(), ranges.right() + 1)
            if (row, column) in jobs
        ]

    # what Qt asks

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._cells.units)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._steps)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self._steps):
            step = self._steps[section]
            return {Qt.ItemDataRole.DisplayRole: step.label, Qt.ItemDataRole.ToolTipRole: step.help}.get(Qt.ItemDataRole(role))
        if orientation == Qt.Orientation.Vertical and 0 <= section < len(self._cells.units):
            if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
                mission, obs_id, unit = self._cells.units[section]
                label = self._labels.get(mission, mission)
                short = label.removesuffix(" Pointed") if role == Qt.ItemDataRole.DisplayRole else label
                return f"{short}  {obs_id}  {unit}"
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        job = self.job(index)
        if job is None:
            return None
        if role == JOB_ROLE:
            return job
        if role == STATE_ROLE:
            return state_word(job)
        if role == Qt.ItemDataRole.DisplayRole:
            part = fraction(job) if job.state is JobState.RUNNING else None
            return state_word(job) if part is None else f"{state_word(job)} {percent(part)}"
        if role == FRACTION_ROLE:
            return fraction(job)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return sentence(job)
        return None
