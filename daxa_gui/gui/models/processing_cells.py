"""Which job is in which cell of the processing grid, in columns of numbers: no Python work for cells that nobody sees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.job import Job, JobState
from daxa_gui.core.job_overview import STATES, JobOverview
from daxa_gui.gui.models.jobs import STATE_WORDS

# In the order in which they matter: of several jobs that one cell stands for, the first of these is shown.
WORDS = (
    "failed", "running", "stopping", "paused", "queued", "waiting", "warned", "excluded", "cancelled", "skipped", "done",
)  # fmt: skip
CODES = {word: code for code, word in enumerate(WORDS)}
EMPTY = len(WORDS)  # a cell without a job
Numbers = NDArray[np.int64]
Unit = tuple[str, str, str]  # mission, ObsID, instrument + sub-exposure ("" for the whole observation)

_OF_STATE = np.array([CODES[STATE_WORDS[state]] for state in STATES], np.int8)
_SUCCEEDED = STATES.index(JobState.SUCCEEDED)


def _codes_of(words: Sequence[str]) -> NDArray[np.bool_]:
    """For each code, and for the empty cell, whether it is one of these words."""
    return np.array([word in words for word in (*WORDS, "")])


CAN_RETRY = _codes_of(("failed", "cancelled", "skipped"))
CAN_CANCEL = _codes_of(("running", "paused", "queued", "waiting"))
CAN_PAUSE = _codes_of(("running", "queued", "waiting"))
CAN_RESUME = _codes_of(("paused",))
IS_DONE = _codes_of(("done", "warned", "excluded"))
IS_OPEN = _codes_of(("running", "stopping", "paused", "queued", "waiting"))


class Cells:
    """Rows (observations and their units) in the order in which they came, all steps as columns. Made on any thread.

    `observation` and `unit` of a row are numbers of `overview.observations` and of `units`; `cells[row, step]` is a row of the
    overview or −1; `words` has the code of the state of each job of the overview; `counts[step, code]` are those that are shown.
    """

    def __init__(self, steps: dict[str, int], overview: JobOverview | None = None) -> None:
        self.steps = steps
        self.overview = overview if overview is not None else JobOverview()
        self.units: list[str] = [""]
        self.n_rows = 0
        self._unit_codes: dict[str, int] = {"": 0}
        self._observation = np.empty(0, np.int64)
        self._unit = np.empty(0, np.int64)
        self._cells = np.full((0, len(steps)), -1, np.int64)
        self._words = np.empty(0, np.int8)
        self._rows: dict[tuple[int, int], int] = {}
        self.counts = np.zeros((len(steps), len(WORDS)), np.int64)
        if len(self.overview):
            self._place_all()

    # ---- all at once

    def _place_all(self) -> None:
        overview = self.overview
        n = len(overview)
        self._words = _word_codes(overview, slice(0, n))
        step_of_code = np.array([self.steps.get(name, -1) for name in overview.steps.values], np.int64)
        column = step_of_code[overview.step]
        codes, texts = overview.units.codes()
        to_mine = np.array([self._unit_code(text) for text in texts], np.int64)
        mine = to_mine[codes]
        jobs = np.flatnonzero(column >= 0)
        jobs = jobs[np.argsort(overview.ids[jobs], kind="stable")]  # the newest of a cell is written last
        keys = overview.observation[jobs].astype(np.int64) * len(self.units) + mine[jobs]
        different, first, which = np.unique(keys, return_index=True, return_inverse=True)
        by_arrival = np.argsort(first, kind="stable")
        rank = np.empty(len(different), np.int64)
        rank[by_arrival] = np.arange(len(different))
        self._observation, self._unit = np.divmod(different[by_arrival], len(self.units))
        self.n_rows = len(different)
        self._rows = dict(zip(zip(self._observation.tolist(), self._unit.tolist(), strict=True), range(self.n_rows), strict=True))
        self._cells = np.full((self.n_rows, len(self.steps)), -1, np.int64)
        self._cells[rank[which], column[jobs]] = jobs
        at, step = np.nonzero(self._cells >= 0)
        np.add.at(self.counts, (step, self._words[self._cells[at, step]]), 1)

    def _unit_code(self, text: str) -> int:
        code = self._unit_codes.get(text)
        if code is None:
            code = self._unit_codes[text] = len(self.units)
            self.units.append(text)
        return code

    # ---- changes

    def keep(self, jobs: Sequence[Job]) -> tuple[Numbers, Numbers]:
        """Take over the newest snapshots; rows and steps of the cells that changed. Rows that are new come at the end."""
        rows = self.overview.note(jobs)
        if len(self.overview) > len(self._words):
            self._words = np.concatenate([self._words, np.full(max(64, len(self.overview) // 4), -1, np.int8)])
        words = _word_codes(self.overview, rows)
        changed: dict[tuple[int, int], None] = {}
        for row, word in zip(rows.tolist(), words.tolist(), strict=True):
            place = self._place(row, word)
            if place is not None:
                changed[place] = None
        both = np.array(list(changed), np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def _place(self, row: int, word: int) -> tuple[int, int] | None:
        """Put a job of the overview into its cell unless there is a newer one; None for an unknown step."""
        overview = self.overview
        step = self.steps.get(overview.steps.values[overview.step[row]])
        if step is None:
            return None
        at = self._row(int(overview.observation[row]), self._unit_code(overview.units[row]))
        shown = int(self._cells[at, step])
        if shown >= 0 and (shown == row or overview.ids[shown] <= overview.ids[row]):
            self.counts[step, self._words[shown]] -= 1
        elif shown >= 0:
            self._words[row] = word  # an older job, which nobody sees
            return None
        self._words[row] = word
        self._cells[at, step] = row
        self.counts[step, word] += 1
        return at, step

    def _row(self, observation: int, unit: int) -> int:
        at = self._rows.get((observation, unit))
        if at is None:
            at = self._rows[observation, unit] = self.n_rows
            if at == len(self._cells):
                more = max(64, at // 4)
                self._cells = np.concatenate([self._cells, np.full((more, len(self.steps)), -1, np.int64)])
                self._observation = np.concatenate([self._observation, np.zeros(more, np.int64)])
                self._unit = np.concatenate([self._unit, np.zeros(more, np.int64)])
            self._observation[at], self._unit[at] = observation, unit
            self.n_rows += 1
        return at

    # ---- what is asked of it

    @property
    def cells(self) -> Numbers:
        return self._cells[: self.n_rows]

    @property
    def observation(self) -> Numbers:
        return self._observation[: self.n_rows]

    @property
    def unit(self) -> Numbers:
        return self._unit[: self.n_rows]

    @property
    def words(self) -> NDArray[np.int8]:
        return self._words[: len(self.overview)]

    def identity(self, row: int) -> Unit:
        mission, obs_id = self.overview.observations.values[int(self._observation[row])]
        return mission, obs_id, self.units[int(self._unit[row])]

    def row_of(self, unit: Unit) -> int | None:
        """The row of a unit, None if it is not here."""
        code = self._unit_codes.get(unit[2])
        observation = self.overview.observations.find((unit[0], unit[1]))
        return None if code is None or observation is None else self._rows.get((observation, code))

    def has_rows_of(self, other: Cells) -> bool:
        """Whether the same units have the same numbers in both."""
        if self.n_rows != other.n_rows or self.overview.observations.values != other.overview.observations.values:
            return False
        mine, theirs = np.array(self.units, object)[self.unit], np.array(other.units, object)[other.unit]
        return bool(np.array_equal(self.observation, other.observation) and np.array_equal(mine, theirs))

    def codes(self, rows: Numbers, steps: Numbers) -> NDArray[np.int8]:
        """The codes of the states of all cells of some rows and steps, EMPTY where there is no job: (rows × steps)."""
        jobs = self.cells[np.ix_(rows, steps)]
        if not len(self.words):
            return np.full(jobs.shape, EMPTY, np.int8)
        return np.where(jobs >= 0, self.words[jobs], np.int8(EMPTY))

    def used_steps(self, observations: NDArray[np.bool_] | None = None) -> list[int]:
        """Steps that have a job (of some of the observations)."""
        cells = self.cells if observations is None else self.cells[observations[self.observation]]
        return np.flatnonzero((cells >= 0).any(axis=0)).tolist() if len(cells) else []


def _word_codes(overview: JobOverview, rows: Numbers | slice) -> NDArray[np.int8]:
    """A success from which nothing can follow is « excluded », one with warnings « warned »."""
    codes = _OF_STATE[overview.state[rows]]
    succeeded = overview.state[rows] == _SUCCEEDED
    codes = np.where(succeeded & overview.warned[rows], np.int8(CODES["warned"]), codes)
    return np.asarray(np.where(succeeded & overview.excluded[rows], np.int8(CODES["excluded"]), codes), np.int8)
