"""The grid of the processing: rows are observations and their units, columns are steps, a cell is the newest job of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QItemSelection, QModelIndex, QObject, Qt, Signal

from daxa_gui.core.job import Job
from daxa_gui.core.job_overview import JobGlance, JobOverview
from daxa_gui.core.step import Step
from daxa_gui.gui.models.jobs import FRACTION_ROLE, JOB_ROLE, STATE_ROLE, Index, sentence
from daxa_gui.gui.models.processing_cells import CODES, EMPTY, IS_DONE, IS_OPEN, WORDS, Cells, Numbers, Unit
from daxa_gui.gui.models.processing_looks import NOT_FOR_IT, Applying, CellLook, fraction, job_look, together
from daxa_gui.gui.models.processing_rows import GridChoice, ShownRows, missions_of, shown_rows
from daxa_gui.gui.models.processing_units import unit_text, why_empty
from daxa_gui.gui.texts import count_text, counted

_FAILED = CODES["failed"]
_NO_INDEX = QModelIndex()
INDENT = "      "
SOFTWARE = {"builtin": "built in", "sas": "SAS", "esass": "eSASS", "ciao": "CIAO", "heasoft": "HEASoft"}


_TOLD = (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole)


class ProcessingGrid(QAbstractTableModel):
    """Jobs of the kind « reduce »; `set_cells` replaces all, `update_jobs` follows changes cheaply, `choose` says what is shown.

    Who shows it keeps its selection over `about_to_arrange` and `arranged_anew`, between which the model is reset.
    """

    about_to_arrange = Signal()
    arranged_anew = Signal()

    def __init__(self, steps: Sequence[Step], labels: Mapping[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.steps = tuple(steps)
        self._labels = dict(labels)
        self._of_name = {step.name: number for number, step in enumerate(steps)}
        self._targets: Mapping[tuple[str, str], str] = {}
        self._missions: list[str] = []  # that have a row
        self._collapsed: set[int] = set()
        self._collapse_changed = False
        self._before: Cells | None = None  # while who shows it looks for what was chosen
        self._mission_counts: Numbers | None = None  # of the chosen mission, while nothing changed
        self.choice = GridChoice()
        self.is_outdated = False  # a filter or an order would show other rows by now
        self._cells = Cells(self._of_name)
        self._applies = Applying(self.steps)
        self._shown = self._rows_now()
        self._columns: list[int] = []

    # ---- what it holds

    def arranged(self, overview: JobOverview) -> Cells:
        """What `set_cells` wants; may be called on any thread."""
        return Cells(self._of_name, overview)

    def set_cells(self, cells: Cells) -> None:
        """What is collapsed stays so; observations may have other numbers now."""
        names = self._cells.overview.observations.values
        closed = (cells.overview.observations.find(names[number]) for number in self._collapsed)
        self._collapsed = {number for number in closed if number is not None}
        self._rearrange(cells)

    def set_jobs(self, jobs: Iterable[Job]) -> None:
        self.set_cells(self.arranged(JobOverview.of(jobs)))

    def update_jobs(self, jobs: Iterable[Job]) -> None:
        """Show the newest snapshots. Units that are not here yet get their place at once, unless a filter has to be asked."""
        mine = [job for job in jobs if job.kind == "reduce" and job.step in self._of_name]
        before = self._cells.n_rows
        rows, _steps = self._cells.keep(mine)
        self._mission_counts = None
        if self._cells.n_rows > before or self._columns_now() != self._columns:
            self._rearrange(self._cells)
            return
        if self.choice.words or self.choice.failures_only or self.choice.order in ("failures", "open", "step"):
            self.is_outdated = True
        places = self._shown.place[rows]
        places = places[places >= 0]
        if len(places):
            self.dataChanged.emit(self.index(int(places.min()), 0), self.index(int(places.max()), len(self._columns) - 1))

    def set_targets(self, targets: Mapping[tuple[str, str], str]) -> None:
        """Names of what was observed, by (mission, ObsID): to be found by the filter and told in tool tips."""
        self._targets = targets
        if self.choice.text:
            self._rearrange(self._cells)

    def choose(self, choice: GridChoice) -> None:
        if choice != self.choice:
            self.choice = choice
            self._rearrange(self._cells)

    def follow_filter(self) -> None:
        """Ask the filter and the order again; does nothing while they would say the same."""
        if self.is_outdated:
            self._rearrange(self._cells)

    def set_collapsed(self, observations: Iterable[int], collapsed: bool) -> None:
        """Hide or show the units of observations (numbers from `observation`)."""
        changed = self._collapsed | set(observations) if collapsed else self._collapsed - set(observations)
        if changed != self._collapsed:
            self._collapsed = changed
            self._collapse_changed = True
            self._rearrange(self._cells)

    def collapse_all(self, collapsed: bool) -> None:
        self.set_collapsed(range(len(self._cells.overview.observations.values)), collapsed)

    def _rearrange(self, cells: Cells) -> None:
        self.is_outdated = False
        self._mission_counts = None
        old, self._cells = self._cells, cells
        self._missions = missions_of(cells)
        columns = self._columns_now()
        shown = self._rows_now()
        same = columns == self._columns and not self._collapse_changed and (cells is old or cells.has_rows_of(old))
        if same and np.array_equal(self._shown.rows, shown.rows):
            self._shown = shown
            if cells is not old and len(shown.rows) and columns:
                self.dataChanged.emit(self.index(0, 0), self.index(len(shown.rows) - 1, len(columns) - 1))
            return
        self._cells = old  # what stands there until the reset
        self._collapse_changed = False
        self.about_to_arrange.emit()
        self.beginResetModel()
        self._cells = cells
        self._shown = shown
        self._columns = columns
        self.endResetModel()
        self._before = old if old is not cells else None
        self.arranged_anew.emit()
        self._before = None

    def _rows_now(self) -> ShownRows:
        return shown_rows(self._cells, self.choice, self._labels, self._targets, self._collapsed)

    def _columns_now(self) -> list[int]:
        """Steps of the mission that is shown, which have a job; all steps of all missions otherwise."""
        if not self.choice.mission:
            return np.flatnonzero(self._cells.counts.sum(axis=1) > 0).tolist()
        values = self._cells.overview.observations.values
        return self._cells.used_steps(np.array([mission == self.choice.mission for mission, _ in values], bool))

    # ---- what is asked of it

    @property
    def n_all_rows(self) -> int:
        """Rows with those that a filter hides."""
        return self._cells.n_rows

    def missions(self) -> list[str]:
        return self._missions

    def steps_begun(self) -> dict[str, set[str]]:
        """Mission → names of the steps that have a job."""
        missions, values = self.missions(), self._cells.overview.observations.values
        if len(missions) == 1:
            return {missions[0]: {self.steps[n].name for n in np.flatnonzero(self._cells.counts.sum(axis=1) > 0).tolist()}}
        of = {mission: np.array([one == mission for one, _ in values], bool) for mission in missions}
        return {mission: {self.steps[n].name for n in self._cells.used_steps(mine)} for mission, mine in of.items()}

    def step(self, column: int) -> Step:
        return self.steps[self._columns[column]]

    def step_number(self, column: int) -> int:
        """Its place among all steps, which does not depend on what is shown."""
        return self._columns[column]

    def column_of(self, step_number: int) -> int:
        """−1 if it is not shown."""
        return self._columns.index(step_number) if step_number in self._columns else -1

    def unit(self, row: int) -> Unit:
        """(mission, ObsID, instrument + sub-exposure) of a row; the last is empty for a whole observation."""
        return self._cells.identity(int(self._shown.rows[row]))

    def place_of(self, unit: Unit) -> int:
        """Where a unit stands; −1 if it is hidden or not here."""
        row = self._cells.row_of(unit)
        return -1 if row is None else int(self._shown.place[row])

    def units_of(self, observations: Iterable[tuple[str, str]]) -> list[Unit]:
        """All units of some (mission, ObsID), with those that are hidden, without the observations themselves."""
        numbers = [self._cells.overview.observations.find(one) for one in observations]
        rows = np.flatnonzero(np.isin(self._cells.observation, [n for n in numbers if n is not None]) & (self._cells.unit > 0))
        return [self._cells.identity(row) for row in rows.tolist()]

    def observation(self, row: int) -> int:
        return int(self._cells.observation[self._shown.rows[row]])

    def is_heading(self, row: int) -> bool:
        """Whether units stand (or are hidden) below this row."""
        return bool(self._shown.heading[self._shown.rows[row]])

    def is_collapsed(self, row: int) -> bool:
        return self.observation(row) in self._collapsed

    def has_headings(self) -> bool:
        return bool(self._shown.heading.any())

    def rows_of(self, places: Numbers) -> Numbers:
        """Numbers of rows that stay the same whatever is shown, and −1 for places that are none."""
        return self._shown.rows[places]

    def places_of(self, rows: Numbers) -> Numbers:
        """Where rows stand now (−1: hidden), of numbers from `rows_of`."""
        if self._before is not None:  # all jobs were read anew: the same units may have other numbers
            found = (self._cells.row_of(self._before.identity(row)) for row in rows.tolist())
            rows = np.array([row for row in found if row is not None], np.int64)
        return self._shown.place[rows]

    def job(self, index: Index) -> JobGlance | None:
        row = self._job_row(index.row(), index.column()) if index.isValid() else -1
        return None if row < 0 else self._cells.overview.glance(row)

    def _job_row(self, row: int, column: int) -> int:
        return int(self._cells.cells[self._shown.rows[row], self._columns[column]])

    def counts(self) -> dict[str, int]:
        """How many cells of the missions that are shown (filtered or not) are in each state."""
        return dict(zip(WORDS, self._counts().sum(axis=0).tolist(), strict=True))

    def _counts(self) -> Numbers:
        """(steps × words), of the chosen mission."""
        if not self.choice.mission:
            return self._cells.counts
        if self._mission_counts is None:
            values = self._cells.overview.observations.values
            mine = np.array([mission == self.choice.mission for mission, _ in values], bool)[self._cells.observation]
            codes = self._cells.codes(np.flatnonzero(mine), np.arange(len(self.steps)))
            self._mission_counts = np.stack([np.bincount(column, minlength=EMPTY + 1)[:EMPTY] for column in codes.T])
        return self._mission_counts

    def count_open(self) -> int:
        """How many jobs are not finished."""
        return int(self._cells.counts[:, IS_OPEN[:EMPTY]].sum())

    def chosen(self, selection: QItemSelection) -> Numbers:
        """Rows of the overview: the jobs of the selected cells, with all that a collapsed observation stands for; all that are
        shown where nothing is selected."""
        if selection.isEmpty():
            if not self.choice.narrows and not self.choice.mission:
                found = self._cells.cells
                return found[found >= 0]
            return self._jobs_of(self._shown.rows, np.array(self._columns, np.int64))
        parts = [
            self._jobs_of(
                self._shown.rows[part.top() : part.bottom() + 1],
                np.array(self._columns[part.left() : part.right() + 1], np.int64),
            )
            for part in (selection.at(number) for number in range(selection.size()))
        ]
        return np.unique(np.concatenate(parts))

    def _jobs_of(self, rows: Numbers, steps: Numbers) -> Numbers:
        rows = self.with_hidden(rows)
        found = self._cells.cells[np.ix_(rows, steps)]
        return found[found >= 0]

    def with_hidden(self, rows: Numbers) -> Numbers:
        """With the units of collapsed observations among them."""
        closed = rows[self._shown.heading[rows]]
        closed = closed[np.isin(self._cells.observation[closed], list(self._collapsed))]
        if not len(closed):
            return rows
        below = np.isin(self._cells.observation, self._cells.observation[closed])
        return np.union1d(rows, np.flatnonzero(below))

    def words_of(self, jobs: Numbers) -> NDArray[np.int8]:
        """Codes of states."""
        return self._cells.words[jobs]

    def words_in(self, jobs: Numbers) -> set[str]:
        """The states that occur."""
        return {WORDS[code] for code in np.unique(self._cells.words[jobs]).tolist()} if len(jobs) else set()

    @staticmethod
    def allows(allowed: NDArray[np.bool_], words: Iterable[str]) -> bool:
        """Whether one of these states is allowed (a mask by codes)."""
        return any(allowed[CODES[word]] for word in words)

    def ids_of(self, jobs: Numbers) -> list[int]:
        return self._cells.overview.ids[jobs].tolist()

    def glances(self, jobs: Numbers) -> list[JobGlance]:
        return [self._cells.overview.glance(row) for row in jobs.tolist()]

    def look(self, row: int, column: int) -> CellLook | None:
        """What is painted; None for an empty cell."""
        at = int(self._shown.rows[row])
        job = int(self._cells.cells[at, self._columns[column]])
        if job < 0:
            collapsed = self._shown.heading[at] and int(self._cells.observation[at]) in self._collapsed
            look = together(self._cells, at, self._columns[column]) if collapsed else None
            return look or (None if self._applies(self._cells, at, self._columns[column]) else NOT_FOR_IT)
        return job_look(self._cells, job)

    # ---- what Qt asks

    def rowCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._shown.rows)

    def columnCount(self, parent: Index = _NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self._columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self._columns):
            return self._step_heading(self._columns[section], role)
        if orientation == Qt.Orientation.Vertical and 0 <= section < len(self._shown.rows):
            if role == Qt.ItemDataRole.DisplayRole:
                return self._row_heading(section)
            if role == Qt.ItemDataRole.ToolTipRole:
                return self.row_sentence(section)
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        return None

    def _step_heading(self, number: int, role: int) -> Any:
        step, counts = self.steps[number], self._counts()[number]
        alike = sum(self.steps[other].label == step.label for other in self._columns)
        label = f"{step.label} ({SOFTWARE.get(step.software, step.software)})" if alike > 1 else step.label
        if role == Qt.ItemDataRole.DisplayRole:
            done, failed = int(counts[IS_DONE[:EMPTY]].sum()), int(counts[_FAILED])
            tally = f"{count_text(done)}/{count_text(int(counts.sum()))}"
            return f"{label}\n{tally} · {count_text(failed)} ✕" if failed else f"{label}\n{tally}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{step.help}\n{counts_text(dict(zip(WORDS, counts.tolist(), strict=True)))}"
        return None

    def _row_heading(self, section: int) -> str:
        at = int(self._shown.rows[section])
        mission, obs_id, unit = self._cells.identity(at)
        if unit and self._cells.row_of((mission, obs_id, "")) is not None:
            return f"{INDENT}{unit_text(unit)}"
        several = len(self._missions) > 1 and not self.choice.mission  # one alone is named by the tool tip
        short = self._labels.get(mission, mission).removesuffix(" Pointed") if several else ""
        mark = ("▸ " if self.is_collapsed(section) else "▾ ") if self._shown.heading[at] else ""
        return mark + "  ".join(part for part in (short, obs_id, unit) if part)

    def row_sentence(self, section: int) -> str:
        """Mission, ObsID, target and unit of a row in words."""
        at = int(self._shown.rows[section])
        mission, obs_id, unit = self._cells.identity(at)
        target = self._targets.get((mission, obs_id), "")
        text = "  ".join(part for part in (self._labels.get(mission, mission), obs_id, target, unit) if part)
        below = int(self._shown.n_units[self._cells.observation[at]])
        return f"{text}\n{counted(below, 'exposure or instrument', 'exposures and instruments')}" if not unit and below else text

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role in (Qt.ItemDataRole.DisplayRole, STATE_ROLE, FRACTION_ROLE):
            return self._painted(index, role)
        row = self._job_row(index.row(), index.column())
        if row < 0:
            return self._why_empty(index) if role in _TOLD else None
        if role == JOB_ROLE:
            return self._cells.overview.glance(row)
        if role in _TOLD:
            return sentence(self._cells.overview.glance(row))
        return None

    def _why_empty(self, index: Index) -> str:
        step, at = self.step(index.column()), int(self._shown.rows[index.row()])
        return why_empty(step, self._applies(self._cells, at, self._columns[index.column()]))

    def _painted(self, index: Index, role: int) -> Any:
        look = self.look(index.row(), index.column())
        if look is None:
            return None
        if look is NOT_FOR_IT and role != Qt.ItemDataRole.DisplayRole:
            return None
        if role == FRACTION_ROLE:
            row = self._job_row(index.row(), index.column())
            return fraction(self._cells.overview, row) if row >= 0 else None
        return look.text if role == Qt.ItemDataRole.DisplayRole else look.word


def counts_text(counts: Mapping[str, int]) -> str:
    """« 3 running · 12 queued · 412 done »; empty where there is nothing."""
    order = ("running", "queued", "waiting", "paused", "stopping", "done", "warned", "excluded", "failed", "skipped", "cancelled")
    return " · ".join(f"{count_text(counts[word])} {word}" for word in order if counts.get(word))
