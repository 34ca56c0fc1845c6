"""The downloads of an archive as columns: a few dozen bytes a file, and sums by observation, mission and all that follow changes.

Nothing of Qt lives here. A row is a job of the kind « plan » or « download »; rows are only ever added.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.job import Job
from daxa_gui.core.job_overview import STATES, JobOverview, message_of
from daxa_gui.core.step import Call
from daxa_gui.gui.models.jobs import STATE_WORDS, state_word, why

KINDS = ("plan", "download")
_LIST = "List of files"  # the name of a plan
_AT_ONCE = 8192  # rows whose shares of the sums are in memory together
# In the order in which they name a group whose files differ: what goes on first, then what needs attention.
WORDS = ("running", "stopping", "queued", "waiting", "paused", "failed", "cancelled", "skipped", "excluded", "warned", "done")
CODES = {word: code for code, word in enumerate(WORDS)}


def _among(*words: str) -> NDArray[np.bool_]:
    return np.array([word in words for word in WORDS])


IS_OPEN = _among("running", "stopping", "queued", "waiting", "paused")
CAN_PAUSE = _among("running", "queued", "waiting")
CAN_RESUME = _among("paused")
CAN_CANCEL = _among("running", "queued", "waiting", "paused")
CAN_RETRY = _among("failed", "cancelled", "skipped")
SUCCEEDED = _among("excluded", "warned", "done")


class Sum(IntEnum):
    """Columns of the sums; the first ones count the rows with each of WORDS."""

    FILES = len(WORDS)
    FILES_DONE = len(WORDS) + 1
    BYTES = len(WORDS) + 2  # of known sizes, and what is here of unknown ones
    HERE = len(WORDS) + 3
    TO_COME = len(WORDS) + 4  # of files that are not finished
    UNKNOWN = len(WORDS) + 5  # unfinished files of unknown size
    ROUNDED = len(WORDS) + 6  # unfinished files whose size is an estimate


_N_SUMS = len(WORDS) + len(Sum)
Sums = NDArray[np.float64]
Rows = NDArray[np.int64]


def n_open(sums: Sums) -> int:
    """How many jobs are not finished."""
    return int(sums[: len(WORDS)][IS_OPEN].sum())


def n_jobs(sums: Sums) -> int:
    return int(sums[: len(WORDS)].sum())


def loudest(sums: Sums) -> str:
    """The word for a group."""
    present = np.flatnonzero(sums[: len(WORDS)] > 0.5)
    return WORDS[int(present[0])] if len(present) else ""


def part_done(sums: Sums) -> float | None:
    """0 to 1: of the bytes where all sizes are known, otherwise of the jobs; 1 only when nothing is left to do."""
    jobs = n_jobs(sums)
    if not jobs:
        return None
    if sums[Sum.FILES] and sums[Sum.BYTES] > 0 and not sums[Sum.UNKNOWN]:
        part = float(sums[Sum.HERE] / sums[Sum.BYTES])
    else:
        part = float(sums[: len(WORDS)][SUCCEEDED].sum()) / jobs
    return min(part, 0.99) if part >= 1.0 and n_open(sums) else min(part, 1.0)


class Names:
    """Many short texts in one piece of memory; searching all of them takes milliseconds."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("q")

    def append(self, name: str) -> None:
        self._text += name.replace("\n", " ").encode("utf-8", "replace") + b"\n"
        self._ends.append(len(self._text))

    def __getitem__(self, row: int) -> str:
        begin = self._ends[row - 1] if row else 0
        return self._text[begin : self._ends[row] - 1].decode("utf-8", "replace")

    def __len__(self) -> int:
        return len(self._ends)

    def containing(self, text: str) -> Rows:
        """The rows whose text contains this one, whatever the case of its ASCII letters."""
        wanted, everything = text.encode("utf-8", "replace").lower(), bytes(self._text).lower()
        if not wanted or b"\n" in wanted:
            return np.arange(len(self) if not wanted else 0)
        places, at = array("q"), everything.find(wanted)
        while at >= 0:
            places.append(at)
            at = everything.find(b"\n", at)  # once per text is enough
            at = everything.find(wanted, at) if at >= 0 else -1
        ends = np.frombuffer(self._ends, np.int64) if len(self._ends) else np.zeros(0, np.int64)
        return np.searchsorted(ends, np.frombuffer(places, np.int64) if len(places) else np.zeros(0, np.int64), side="right")


def size_is_exact(job: Job) -> bool:
    """Whether the size was told by the service itself, not by a listing that rounds."""
    return isinstance(job.task, Call) and job.task.arguments.get("expected_bytes") is not None


def _renumbered(codes: NDArray[Any], number: Callable[[int], int]) -> NDArray[Any]:
    """Codes of somebody else's list as those of ours, in the order in which they first come."""
    present, first, places = np.unique(codes, return_index=True, return_inverse=True)
    numbers = np.zeros(len(present), np.int32)
    for place in np.argsort(first).tolist():
        numbers[place] = number(int(present[place]))
    return numbers[places]


_ADDRESS = re.compile(r" (?:at |for )?(?:\(https?://[^ )]+\)|https?://[^ )]*[^ ).,;:])")


def general(sentence: str, unit: str, obs_id: str) -> str:
    """A sentence without the names and the address of this one file, so that what went wrong for many in the same way is the
    same text."""
    sentence = _ADDRESS.sub("", sentence)
    for name in (unit, unit.rpartition("/")[2], obs_id):
        if len(name) > 2:
            sentence = sentence.replace(name, "…")
    return sentence


class DownloadColumns:
    """Made on any thread, by one thread at a time; from then on it belongs to the model."""

    def __init__(self, labels: Mapping[str, str]) -> None:
        self.labels = labels
        self.n_rows = 0
        self.ids = np.zeros(0, np.int64)
        self.words = np.zeros(0, np.int8)  # codes of WORDS
        self.is_file = np.zeros(0, bool)
        self.done = np.zeros(0, np.float64)
        self.total = np.zeros(0, np.float64)  # NaN: not known
        self.exact = np.zeros(0, bool)
        self.observation = np.zeros(0, np.int32)
        self.lane = np.zeros(0, np.int16)
        self.names = Names()
        self.notes: dict[int, str] = {}  # rows that have something to say
        self.failures: dict[str, set[int]] = {}  # what went wrong, in general → rows
        self._failure_of: dict[int, str] = {}
        self._texts: dict[str, str] = {}  # each sentence once
        self.missions: list[str] = []
        self.observations: list[tuple[int, str]] = []  # mission, ObsID
        self.lanes: list[str] = []
        self._numbers: dict[Any, int] = {}
        self.sums_of_observations = np.zeros((0, _N_SUMS))
        self.sums_of_missions = np.zeros((0, _N_SUMS))
        self.sums = np.zeros(_N_SUMS)
        self._sorted: tuple[Rows, Rows] | None = None  # ids in order, and their rows

    @classmethod
    def of_jobs(cls, jobs: Iterable[Job], labels: Mapping[str, str]) -> DownloadColumns:
        columns = cls(labels)
        mine = [job for job in jobs if job.kind in KINDS]
        for begin in range(0, len(mine), _AT_ONCE):
            columns.add(mine[begin : begin + _AT_ONCE])
        return columns

    @classmethod
    def of_overview(cls, overview: JobOverview, labels: Mapping[str, str]) -> DownloadColumns:
        """From the columns of a whole archive. They do not say which sizes are exact, so unfinished files count as rounded."""
        columns = cls(labels)
        wanted = np.array([kind in KINDS for kind in overview.kinds.values], bool)
        rows = np.flatnonzero(wanted[overview.kind]) if len(overview) else np.zeros(0, np.int64)
        columns._take_over(overview, rows)
        for row, name_of in enumerate(rows.tolist()):
            name = overview.units[name_of].rpartition("/")[2] if columns.is_file[row] else _LIST
            columns.names.append(name)
            columns._note_message(row, overview.messages[name_of], overview.units[name_of])
        for begin in range(0, len(rows), _AT_ONCE):
            some = np.arange(begin, min(begin + _AT_ONCE, len(rows)))
            columns._sum(some, columns._shares(some))
        return columns

    def _take_over(self, overview: JobOverview, rows: Rows) -> None:
        """The numbers of some rows of an overview, in one go."""
        self.n_rows = len(rows)
        self._make_room(self.n_rows)
        words = np.array([CODES[STATE_WORDS[state]] for state in STATES], np.int8)[overview.state[rows]]
        words = np.where(SUCCEEDED[words] & overview.warned[rows], CODES["warned"], words)
        self.words[:] = np.where(SUCCEEDED[words] & overview.excluded[rows], CODES["excluded"], words)
        files = np.array([kind == "download" for kind in overview.kinds.values], bool)
        self.ids[:], self.done[:] = overview.ids[rows], overview.done[rows]
        self.is_file[:] = files[overview.kind[rows]] if len(rows) else False
        total = overview.total[rows]
        self.total[:] = np.where((total >= 0) & (total < np.inf), total, np.nan)
        self.observation[:] = _renumbered(
            overview.observation[rows], lambda code: self._observation(*overview.observations.values[code])
        )
        self.lane[:] = _renumbered(
            overview.lane[rows], lambda code: self._number("lane", overview.lanes.values[code], self.lanes)
        )

    def _note_message(self, row: int, message: str, unit: str) -> None:
        self._note(row, message)
        if WORDS[self.words[row]] == "failed":
            self._note_failure(row, general(message, unit, self.observations[self.observation[row]][1]))

    def has_rows_of(self, other: DownloadColumns) -> bool:
        """Whether the rows, and all that numbers stand for, are those of the other columns."""
        mine, theirs = self.ids[: self.n_rows], other.ids[: other.n_rows]
        same_groups = self.missions == other.missions and self.observations == other.observations
        same_rows = np.array_equal(mine, theirs) and np.array_equal(
            self.observation[: self.n_rows], other.observation[: len(theirs)]
        )
        return same_rows and same_groups

    # ---- what is where

    def rows_of(self, ids: Sequence[int]) -> Rows:
        """The row of each job, -1 where there is none."""
        if self._sorted is None:
            order = np.argsort(self.ids[: self.n_rows], kind="stable")
            self._sorted = self.ids[: self.n_rows][order], order
        ordered, rows = self._sorted
        wanted = np.asarray(ids, np.int64)
        if not len(ordered):
            return np.full(len(wanted), -1)
        at = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
        return np.where(ordered[at] == wanted, rows[at], -1)

    def mission_of(self, row: int) -> int:
        return self.observations[self.observation[row]][0]

    def mission_label(self, mission: int) -> str:
        name = self.missions[mission]
        return self.labels.get(name, name)

    def matching(self, text: str) -> NDArray[np.bool_]:
        """The rows whose file, ObsID or mission contains a text."""
        mask = np.zeros(self.n_rows, bool)
        mask[self.names.containing(text)] = True
        wanted = text.casefold()
        groups = np.array(
            [wanted in obs_id.casefold() or wanted in self.mission_label(m).casefold() for m, obs_id in self.observations], bool
        )
        if len(groups):
            mask |= groups[self.observation[: self.n_rows]]
        return mask

    def lane_counts(self) -> dict[str, NDArray[np.int64]]:
        """How many rows of each lane are in each state, by code."""
        n = self.n_rows
        both = self.lane[:n].astype(np.int64) * len(WORDS) + self.words[:n]
        counts = np.bincount(both, minlength=len(self.lanes) * len(WORDS)).reshape(-1, len(WORDS))
        return dict(zip(self.lanes, counts, strict=True))

    def size_bytes(self, row: int) -> float | None:
        total = float(self.total[row])
        if total == total:
            return total
        return float(self.done[row]) if SUCCEEDED[self.words[row]] else None

    def part_of(self, row: int) -> float | None:
        """0 to 1; None while it runs and nobody knows."""
        word, total = WORDS[self.words[row]], float(self.total[row])
        if SUCCEEDED[self.words[row]]:
            return 1.0
        if total > 0:
            return min(0.99, float(self.done[row]) / total)  # it is checked before it is here
        return None if word == "running" else 0.0

    # ---- what changes

    def add(self, jobs: Sequence[Job]) -> Rows:
        """New rows for jobs that are not here yet; their numbers."""
        first, n = self.n_rows, len(jobs)
        self._make_room(first + n)
        self.n_rows = first + n
        for row, job in enumerate(jobs, first):
            self.ids[row] = job.id
            self.is_file[row] = job.kind == "download"
            self.observation[row] = self._observation(job.mission, job.obs_id)
            self.names.append(job.unit.rpartition("/")[2] if job.kind == "download" else _LIST)
            self._write(row, job)
        self._sorted = None
        rows = np.arange(first, first + n)
        self._sum(rows, self._shares(rows))
        return rows

    def update(self, rows: Rows, jobs: Sequence[Job]) -> None:
        """The newest snapshots of jobs that are here; each row once."""
        before = self._shares(rows)
        for row, job in zip(rows.tolist(), jobs, strict=True):
            self._write(row, job)
        self._sum(rows, self._shares(rows) - before)

    def _write(self, row: int, job: Job) -> None:
        word = state_word(job)
        self.words[row] = CODES[word]
        self.done[row] = job.done
        total = job.total
        self.total[row] = total if total is not None and 0 <= total < float("inf") else np.nan
        self.exact[row] = size_is_exact(job)
        self.lane[row] = self._number("lane", job.lane, self.lanes)
        self._note(row, why(job) or job.text)
        self._note_failure(row, general(message_of(job), job.unit, job.obs_id) if word == "failed" else "")

    def _note(self, row: int, note: str) -> None:
        if note:
            self.notes[row] = self._texts.setdefault(note, note) if SUCCEEDED[self.words[row]] else note
        else:
            self.notes.pop(row, None)

    def _note_failure(self, row: int, failure: str) -> None:
        before = self._failure_of.get(row, "")
        if before == failure:
            return
        if before:
            del self._failure_of[row]
            self.failures[before].discard(row)
            if not self.failures[before]:
                del self.failures[before]
        if failure:
            failure = self._failure_of[row] = self._texts.setdefault(failure, failure)
            self.failures.setdefault(failure, set()).add(row)

    def _number(self, what: str, name: str, names: list[str]) -> int:
        key = (what, name)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(names)
            names.append(name)
        return number

    def _observation(self, mission: str, obs_id: str) -> int:
        key = (mission, obs_id, None)
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.observations)
            self.observations.append((self._number("mission", mission, self.missions), obs_id))
            self.sums_of_observations = _room_for(self.sums_of_observations, len(self.observations))
            self.sums_of_missions = _room_for(self.sums_of_missions, len(self.missions))
        return number

    def _make_room(self, n: int) -> None:
        for name in ("ids", "words", "is_file", "done", "total", "exact", "observation", "lane"):
            setattr(self, name, _room_for(getattr(self, name), n))

    def _shares(self, rows: Rows) -> Sums:
        """What each of some rows adds to the sums of its groups."""
        words, is_file, done, total = self.words[rows], self.is_file[rows], self.done[rows], self.total[rows]
        known, good, unfinished = total == total, SUCCEEDED[words], IS_OPEN[words]
        size = np.where(known, total, done)
        here = np.where(good, size, np.minimum(done, size))
        result = np.zeros((len(rows), _N_SUMS))
        result[np.arange(len(rows)), words] = 1
        result[:, Sum.FILES] = is_file
        result[:, Sum.FILES_DONE] = is_file & good
        result[:, Sum.BYTES] = size * is_file
        result[:, Sum.HERE] = here * is_file
        result[:, Sum.TO_COME] = (size - here) * (is_file & unfinished)
        result[:, Sum.UNKNOWN] = is_file & unfinished & ~known
        result[:, Sum.ROUNDED] = is_file & unfinished & known & ~self.exact[rows]
        return result

    def _sum(self, rows: Rows, shares: Sums) -> None:
        observations = self.observation[rows]
        np.add.at(self.sums_of_observations, observations, shares)
        missions = np.array([self.observations[o][0] for o in observations.tolist()], np.int64)
        np.add.at(self.sums_of_missions, missions, shares)
        self.sums += shares.sum(axis=0)


def _room_for(old: NDArray[Any], n: int) -> NDArray[Any]:
    """The same values with room for at least n, twice as much as before so that growing stays cheap."""
    if len(old) >= n:
        return old
    new = np.zeros((max(n, 2 * len(old) if len(old) else n), *old.shape[1:]), old.dtype)
    new[: len(old)] = old
    return new
