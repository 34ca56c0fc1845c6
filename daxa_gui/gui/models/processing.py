"""The grid of the processing: rows are exposures, columns are steps, a cell is the newest job of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QItemSelection, QModelIndex, QObject, Qt

from daxa_gui.core.job import FINISHED, Job, JobState
from daxa_gui.core.job_overview import JobGlance, JobOverview
from daxa_gui.core.step import Step
from daxa_gui.gui.models.jobs import (
    FRACTION_ROLE,
    JOB_ROLE,
    STATE_ROLE,
    STATE_WORDS,
    Index,
    percent,
    sentence,
)

_RUNNING = STATE_WORDS[JobState.RUNNING]
Unit = tuple[str, str, str]  # mission, ObsID, instrument + sub-exposure


class Cells:
    """Rows in the order in which exposures came, and which job is in which cell. Made on any thread; keeps jobs as columns."""

    def __init__(self, columns: dict[str, int], overview: JobOverview | None = None) -> None:
        self.columns = columns
        self.overview = overview if overview is not None else JobOverview()
        self.units: list[Unit] = []
        self.rows: dict[Unit, int] = {}
        self._cells = np.full((0, len(columns)), -1, np.int64)  # rows of the overview
        self.words: Counter[str] = Counter()
        self.n_open = 0
        for row in range(len(self.overview)):
            self._place(row)

    def _place(self, row: int) -> tuple[int, int] | None:
        """Put a job of the overview into its cell unless there is a newer one; where that is, None for an unknown step."""
        overview = self.overview
        column = self.columns.get(overview.steps.values[overview.step[row]])
        if column is None:
            return None
        unit = (*overview.observations.values[overview.observation[row]], overview.units[row])
        at = self.rows.get(unit)
        if at is None:
            at = self.rows[unit] = len(self.units)
            self.units.append(unit)
            if at == len(self._cells):
                self._cells = np.concatenate([self._cells, np.full((max(64, at // 4), len(self.columns)), -1, np.int64)])
        shown = int(self._cells[at, column])
        if shown < 0 or overview.ids[shown] <= overview.ids[row]:
            if shown >= 0 and shown != row:
                self.count(shown, -1)
            self._cells[at, column] = row
            if shown != row:
                self.count(row, 1)
        return at, column

    def count(self, row: int, number: int) -> None:
        """Let a job of the overview count, or no more (before it changes)."""
        overview = self.overview
        self.words[self.word(row)] += number
        self.n_open += 0 if overview.state_of(row) in FINISHED else number

    def word(self, row: int) -> str:
        overview = self.overview
        state = overview.state_of(row)
        if state is JobState.SUCCEEDED and (overview.excluded[row] or overview.warned[row]):
            return "excluded" if overview.excluded[row] else "warned"
        return STATE_WORDS[state]

    def fraction(self, row: int) -> float | None:
        """0 … 1, as `jobs.fraction` says it of a job."""
        overview = self.overview
        state, total = overview.state_of(row), float(overview.total[row])
        if state is JobState.SUCCEEDED:
            return 1.0
        if total == total and total:
            return min(1.0, float(overview.done[row]) / total)
        return None if state is JobState.RUNNING else 0.0

    def keep(self, jobs: Sequence[Job]) -> list[tuple[int, int]]:
        """Take over the newest snapshots; the cells that changed."""
        here: dict[int, None] = {}
        for job in jobs:
            row = self.overview.row(job.id)
            if row is not None and row not in here and self.is_shown(row):
                self.count(row, -1)
                here[row] = None
        rows = self.overview.note(jobs)
        for row in here:
            self.count(row, 1)
        return [cell for row in dict.fromkeys(rows.tolist()) if (cell := self._place(row)) is not None]

    def is_shown(self, row: int) -> bool:
        overview = self.overview
        at = self.rows.get((*overview.observations.values[overview.observation[row]], overview.units[row]))
        column = self.columns.get(overview.steps.values[overview.step[row]])
        return at is not None and column is not None and self._cells[at, column] == row

    def shown(self, row: int, column: int) -> int | None:
        """The row of the overview that a cell shows; None for an empty cell."""
        found = int(self._cells[row, column])
        return None if found < 0 else found

    def all_shown(self) -> list[int]:
        return self._cells[self._cells >= 0].tolist()


class ProcessingGrid(QAbstractTableModel):
    """Jobs of the kind « reduce »; `set_cells` replaces all, `update_jobs` follows changes cheaply."""

    def __init__(self, steps: Sequence[Step], labels: dict[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steps = tuple(steps)
        self._labels = labels
        self._columns = {step.name: number for number, step in enumerate(steps)}
        self._cells = Cells(self._columns)

    def arranged(self, overview: JobOverview) -> Cells:
        """What `set_cells` wants; may be called on any thread."""
        return Cells(self._columns, overview)

    def set_cells(self, cells: Cells) -> None:
        """What is chosen stays so where the exposures are the same as before."""
        if cells.units and cells.units == self._cells.units:
            self._cells = cells
            self.dataChanged.emit(self.index(0, 0), self.index(len(cells.units) - 1, len(self._steps) - 1))
            return
        self.beginResetModel()
        self._cells = cells
        self.endResetModel()

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        self.set_cells(self.arranged(JobOverview.of(jobs)))

    def update_jobs(self, jobs: Iterable[Job]) -> None:
        """Show the newest snapshots; exposures that are not here yet are added at the end, all at once."""
        mine = [job for job in jobs if job.kind == "reduce" and job.step in self._columns]
        known = [job for job in mine if (job.mission, job.obs_id, job.unit) in self._cells.rows]
        changed = self._cells.keep(known)
        if changed:
            rows, columns = [row for row, _ in changed], [column for _, column in changed]
            self.dataChanged.emit(self.index(min(rows), min(columns)), self.index(max(rows), max(columns)))
        if len(known) < len(mine):
            self._insert([job for job in mine if (job.mission, job.obs_id, job.unit) not in self._cells.rows])

    def _insert(self, jobs: list[Job]) -> None:
        number = len({(job.mission, job.obs_id, job.unit) for job in jobs})
        at = len(self._cells.units)
        self.beginInsertRows(QModelIndex(), at, at + number - 1)
        self._cells.keep(jobs)
        self.endInsertRows()

    # what is asked of it

    def unit(self, row: int) -> Unit:
        """(mission, ObsID, instrument + sub-exposure) of a row."""
        return self._cells.units[row]

    def job(self, index: Index) -> JobGlance | None:
        row = self._cells.shown(index.row(), index.column()) if index.isValid() else None
        return None if row is None else self._cells.overview.glance(row)

    def counts(self) -> Counter[str]:
        """How many cells show each word."""
        return self._cells.words

    def count_open(self) -> int:
        """How many jobs are not finished."""
        return self._cells.n_open

    def all_jobs(self) -> list[JobGlance]:
        return [self._cells.overview.glance(row) for row in self._cells.all_shown()]

    def chosen(self, selection: QItemSelection) -> list[JobGlance]:
        """The jobs of the selected cells; all where nothing is selected."""
        if selection.isEmpty():
            return self.all_jobs()
        return [
            self._cells.overview.glance(found)
            for ranges in selection.toList()
            for row in range(ranges.top(), ranges.bottom() + 1)
            for column in range(ranges.left(), ranges.right() + 1)
            if (found := self._cells.shown(row, column)) is not None
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
        cells = self._cells
        row = cells.shown(index.row(), index.column()) if index.isValid() else None
        if row is None:
            return None
        if role == STATE_ROLE:
            return cells.word(row)
        if role == Qt.ItemDataRole.DisplayRole:
            word = cells.word(row)
            part = cells.fraction(row) if word == _RUNNING else None
            return word if part is None else f"{word} {percent(part)}"
        if role == FRACTION_ROLE:
            return cells.fraction(row)
        if role == JOB_ROLE:
            return cells.overview.glance(row)
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return sentence(cells.overview.glance(row))
        return None
