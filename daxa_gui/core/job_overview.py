"""All jobs of an archive in columns: what a window keeps of a hundred thousand jobs, in a few tens of megabytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from daxa_gui.core.job import FINISHED, Job, JobState

STATES: tuple[JobState, ...] = tuple(JobState)
STATE_CODES = {state: code for code, state in enumerate(STATES)}
IS_FINISHED = np.array([state in FINISHED for state in STATES])
MOST_CHARACTERS = 400  # of a message
_SHORT = 64  # bytes of a text that is compared as one number after the other


class Texts:
    """A column of texts: one buffer and offsets for those that were read, a dictionary for those that changed since."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        self._buffer = b"".join(encoded)
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        self._ends = np.cumsum(lengths)
        self._newer: dict[int, str] = {}
        self._length = len(encoded)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, row: int) -> str:
        newer = self._newer.get(row)
        if newer is not None:
            return newer
        start = int(self._ends[row - 1]) if row else 0
        return self._buffer[start : int(self._ends[row])].decode("utf-8", "surrogatepass")

    def set(self, row: int, text: str) -> None:
        if row >= self._length or self[row] != text:
            self._newer[row] = text
            self._length = max(self._length, row + 1)

    def codes(self) -> tuple[np.ndarray, list[str]]:
        """Few different texts as numbers: for each row the place of its text in the list of all that there are."""
        lengths = np.diff(self._ends, prepend=0)
        widest = int(lengths.max(initial=0))
        if self._newer or not len(lengths) or not 0 < widest <= _SHORT or b"\0" in self._buffer:
            names = Names()
            return np.fromiter((names.code(self[row]) for row in range(self._length)), np.int64, self._length), names.values
        letters = np.zeros((len(lengths), widest), np.uint8)
        letters[np.arange(widest) < lengths[:, None]] = np.frombuffer(self._buffer, np.uint8)
        found, codes = np.unique(letters.view(f"S{widest}").ravel(), return_inverse=True)
        return codes.astype(np.int64), [text.decode("utf-8", "surrogatepass") for text in found.tolist()]

    @classmethod
    def joined(cls, parts: Sequence[Texts]) -> Texts:
        """The texts of columns that were just read, one after the other."""
        column = cls()
        column._buffer = b"".join(part._buffer for part in parts)
        ends, shift = [], 0
        for part in parts:
            ends.append(part._ends + shift)
            shift += len(part._buffer)
        column._ends = np.concatenate(ends) if ends else column._ends
        column._length = len(column._ends)
        return column


class Names:
    """Few different values (steps, lanes, observations) as numbers, in the order in which they first came."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._codes: dict[Any, int] = {}

    def code(self, value: Any) -> int:
        code = self._codes.get(value)
        if code is None:
            code = self._codes[value] = len(self.values)
            self.values.append(value)
        return code

    def find(self, value: Any) -> int | None:
        """The number of a value, None if it never came."""
        return self._codes.get(value)


# Name and type of the columns that are numbers.
_NUMBERS = {
    "ids": np.int64,
    "kind": np.int8,  # index of `kinds`
    "observation": np.int32,  # index of `observations`: (mission, ObsID)
    "step": np.int16,  # index of `steps`
    "lane": np.int32,  # index of `lanes`
    "state": np.int8,  # index of STATES
    "done": np.float64,
    "total": np.float64,  # NaN where nobody knows
    "excluded": np.bool_,  # succeeded, but nothing can follow: `Job.reason`
    "warned": np.bool_,  # has warnings
}


@dataclass(frozen=True, slots=True)
class JobGlance:
    """What a row of an overview says of one job. `message` is the sentence that belongs to its state."""

    id: int
    kind: str
    mission: str
    obs_id: str
    unit: str
    step: str
    title: str
    state: JobState
    done: float
    total: float | None
    excluded: bool
    warned: bool
    message: str

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED


class JobOverview:
    """Columns of equal length, one row per job: those that were read oldest first, then those that came since. Not for several
    threads at once.

    `units`, `titles` and `messages` are Texts; a message is the sentence of the error with its hint, or the reason, or the
    warnings (at most 400 characters). `kinds`, `steps`, `lanes` and `observations` are Names: `steps.values[overview.step[row]]`.
    """

    ids: np.ndarray
    kind: np.ndarray
    observation: np.ndarray
    step: np.ndarray
    lane: np.ndarray
    state: np.ndarray
    done: np.ndarray
    total: np.ndarray
    excluded: np.ndarray
    warned: np.ndarray

    def __init__(self) -> None:
        self.kinds, self.steps, self.lanes, self.observations = Names(), Names(), Names(), Names()
        self.units, self.titles, self.messages = Texts(), Texts(), Texts()
        self._columns: dict[str, np.ndarray] = {name: np.empty(0, dtype) for name, dtype in _NUMBERS.items()}
        self._length = 0
        self._n_read = 0  # rows that came together, ids growing
        self._later: dict[int, int] = {}  # rows of the others, by id
        self._show()

    def __len__(self) -> int:
        return self._length

    @classmethod
    def of(cls, jobs: Iterable[Job]) -> JobOverview:
        overview = cls()
        overview.note(list(jobs))
        return overview

    @classmethod
    def of_columns(cls, columns: dict[str, np.ndarray], texts: dict[str, Texts], names: dict[str, Names]) -> JobOverview:
        """From columns that somebody read: numbers by their names, Texts and Names by theirs."""
        overview = cls()
        overview._columns = {name: columns[name].astype(dtype, copy=False) for name, dtype in _NUMBERS.items()}
        overview._length = overview._n_read = len(columns["ids"])
        overview.units, overview.titles, overview.messages = texts["units"], texts["titles"], texts["messages"]
        overview.kinds, overview.steps = names["kinds"], names["steps"]
        overview.lanes, overview.observations = names["lanes"], names["observations"]
        overview._show()
        return overview

    def _show(self) -> None:
        for name, column in self._columns.items():
            setattr(self, name, column[: self._length])

    def row(self, job_id: int) -> int | None:
        """Where a job is; None if it is not here."""
        row = int(np.searchsorted(self.ids[: self._n_read], job_id))
        return row if row < self._n_read and self.ids[row] == job_id else self._later.get(job_id)

    def note(self, jobs: Sequence[Job]) -> np.ndarray:
        """Take over the newest snapshots; the rows of the jobs, in their order. Jobs that are not here yet come at the end."""
        rows = np.empty(len(jobs), np.int64)
        for position in sorted(range(len(jobs)), key=lambda position: jobs[position].id):
            row = self.row(jobs[position].id)
            rows[position] = self._append(jobs[position]) if row is None else row
        for row, job in zip(rows.tolist(), jobs, strict=True):
            self._set(row, job)
        return rows

    def _append(self, job: Job) -> int:
        row = self._length
        if row == len(self._columns["ids"]):
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate([column, np.empty(max(64, row // 4), column.dtype)])
        self._length += 1
        self._show()
        self._later[job.id] = row
        self.ids[row] = job.id
        self.kind[row] = self.kinds.code(job.kind)
        self.observation[row] = self.observations.code((job.mission, job.obs_id))
        self.step[row] = self.steps.code(job.step)
        for texts, text in ((self.units, job.unit), (self.titles, job.title), (self.messages, "")):
            texts.set(row, text)
        return row

    def _set(self, row: int, job: Job) -> None:
        self.lane[row] = self.lanes.code(job.lane)
        self.state[row] = STATE_CODES[job.state]
        self.done[row] = job.done
        self.total[row] = np.nan if job.total is None else job.total
        self.excluded[row] = job.state is JobState.SUCCEEDED and bool(job.reason)
        self.warned[row] = bool(job.warnings)
        self.titles.set(row, job.title)
        self.messages.set(row, message_of(job))

    # ---- what is asked of it

    def state_of(self, row: int) -> JobState:
        return STATES[self.state[row]]

    def glance(self, row: int) -> JobGlance:
        mission, obs_id = self.observations.values[self.observation[row]]
        total = float(self.total[row])
        return JobGlance(
            int(self.ids[row]), self.kinds.values[self.kind[row]], mission, obs_id, self.units[row],
            self.steps.values[self.step[row]], self.titles[row], self.state_of(row), float(self.done[row]),
            None if np.isnan(total) else total, bool(self.excluded[row]), bool(self.warned[row]), self.messages[row],
        )  # fmt: skip

    def fractions(self) -> np.ndarray:
        """How much of each job is done, 0 to 1; NaN while it runs and nobody knows."""
        with np.errstate(invalid="ignore", divide="ignore"):
            parts = np.minimum(1.0, self.done / self.total)
        unknown = ~(self.total > 0)
        running = self.state == STATE_CODES[JobState.RUNNING]
        parts = np.where(unknown, np.where(running, np.nan, 0.0), parts)
        return np.asarray(np.where(self.state == STATE_CODES[JobState.SUCCEEDED], 1.0, parts))

    def is_finished(self) -> np.ndarray:
        """For each job whether it has ended."""
        return np.asarray(IS_FINISHED[self.state])

    def counts(self) -> dict[JobState, int]:
        """How many jobs are in each state."""
        return dict(zip(STATES, np.bincount(self.state, minlength=len(STATES)).tolist(), strict=True))


def message_of(job: Job) -> str:
    """The sentence that belongs to the state, empty if there is none."""
    if job.error is not None:
        text = f"{job.error.message} {job.error.hint}".strip()
    else:
        text = job.reason or "; ".join(job.warnings)
    return text[:MOST_CHARACTERS]
