"""Storing requests as jobs: which of them are there already, and which have to be done (again)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from daxa_gui.archive.job_rows import Identity, identity, log_path, needs_of, state_of, task_text, total_of, write
from daxa_gui.archive.jobs import JobTable
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.documents import task_from
from daxa_gui.core.errors import InputError
from daxa_gui.core.job import FINISHED, Job, JobState
from daxa_gui.core.step import JobRequest, Task

_MANY = 50  # requests for which all stored jobs of their observations are read at once
_BUSY = (JobState.RUNNING, JobState.CANCELLING)
_NEEDS = "(SELECT group_concat(needed_id) FROM needs WHERE job_id = jobs.id)"
_FIND = (
    f"SELECT id, state, task, stale, {_NEEDS} FROM jobs"
    " WHERE kind = ? AND mission = ? AND obs_id = ? AND unit = ? AND step = ?"
)  # fmt: skip
_FIND_MANY = (
    f"SELECT kind, mission, obs_id, unit, step, id, state, task, stale, {_NEEDS} FROM jobs"
    " WHERE kind = ? AND mission = ? AND obs_id IN (SELECT value FROM json_each(?))"
)


@dataclass
class Changes:
    """Jobs as they will be when the transaction has succeeded, and which of them were opened (again) in it."""

    jobs: dict[int, Job] = field(default_factory=dict)
    opened: set[int] = field(default_factory=set)
    new: set[int] = field(default_factory=set)  # were not stored before, and their needs are not yet


@dataclass(frozen=True, slots=True)
class _Stored:
    """What has to be known of a job to see whether anything has to be done."""

    id: int
    state: JobState
    task: str
    stale: bool
    needs: tuple[int, ...]


class Adding:
    """One `JobStore.add` inside a transaction. `keep_paused`: paused jobs stay so, because no person asks but another job."""

    def __init__(
        self, connection: sqlite3.Connection, layout: ArchiveLayout, table: JobTable, now: Callable[[], float], changes: Changes,
        *, keep_paused: bool = False,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._layout = layout
        self._table = table
        self._now = now
        self._changes = changes
        self._keep_paused = keep_paused
        self._logs = str(layout.logs)
        self._known: dict[Identity, Sequence[Any]] | None = None  # all stored jobs of the observations, if many are asked for
        self._states: dict[int, str] = {}  # of these, by id
        self._new_needs: list[tuple[int, int]] = []

    def add(self, requests: Sequence[JobRequest], again: bool) -> list[int]:
        """Store requests as `JobStore.add` says; returns the ids, in the order of the requests."""
        if len(requests) >= _MANY:
            self._read_known(requests)
        stored = [self._find_or_make(request) for request in requests]
        ids = [one.id for one in stored]
        labels = {request.label: job_id for request, job_id in zip(requests, ids, strict=True) if request.label}
        needs = [self._resolve_needs(request, labels) for request in requests]
        for index in _needed_first(requests, ids, needs):
            self._place(requests[index], stored[index], needs[index], again)
        self._connection.executemany("INSERT INTO needs VALUES (?, ?)", self._new_needs)
        return ids

    def _read_known(self, requests: Sequence[JobRequest]) -> None:
        """One look for all of them is several times as quick as one for each."""
        self._known = {}
        wanted: dict[tuple[str, str], dict[str, None]] = {}
        for request in requests:
            wanted.setdefault((request.kind, request.mission), {})[request.obs_id] = None
        for (kind, mission), obs_ids in wanted.items():
            rows = self._connection.execute(_FIND_MANY, (kind, mission, json.dumps(list(obs_ids))))
            for row in rows:
                self._known[row[:5]] = row[5:]
                self._states[row[5]] = row[6]

    def _stored_row(self, request: JobRequest) -> Sequence[Any] | None:
        if self._known is not None:
            return self._known.get(identity(request))
        row: Sequence[Any] | None = self._connection.execute(_FIND, identity(request)).fetchone()
        return row

    def _find_or_make(self, request: JobRequest) -> _Stored:
        row = self._stored_row(request)
        if row is not None:
            job_id, state, task, stale, needs = row
            return _Stored(int(job_id), state_of(state), str(task), bool(stale), needs_of(needs))
        created = self._now()
        state = JobState.WAITING if request.needs else JobState.QUEUED
        task = task_text(request.task)
        cursor = self._connection.execute(
            "INSERT INTO jobs (kind, mission, obs_id, unit, step, lane, title, task, state, total, created, size_bytes,"
            " one_is_enough)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *identity(request), request.lane, request.title, task, str(state), total_of(request), created,
                request.size_bytes, int(request.one_is_enough),
            ),
        )  # fmt: skip
        job_id = int(cursor.lastrowid or 0)
        if self._known is not None:
            self._known[identity(request)] = (job_id, str(state), task, 0, None)
        self._changes.jobs[job_id] = Job(
            job_id, request.kind, request.lane, request.mission, request.obs_id, request.unit, request.step, request.title,
            request.task, state, total=total_of(request), created=created, log_path=log_path(self._logs, job_id),
            one_is_enough=request.one_is_enough,
        )  # fmt: skip
        self._changes.opened.add(job_id)
        self._changes.new.add(job_id)
        return _Stored(job_id, state, task, False, ())

    def _resolve_needs(self, request: JobRequest, labels: dict[str, int]) -> tuple[int, ...]:
        ids = set()
        for need in request.needs:
            job_id = labels.get(need) if isinstance(need, str) else need
            if job_id is None or not self._exists(job_id):
                raise InputError(f"The job « {request.title} » needs « {need} », which is neither stored nor asked for.")
            ids.add(job_id)
        return tuple(sorted(ids))

    def _exists(self, job_id: int) -> bool:
        if job_id in self._changes.jobs or job_id in self._states:
            return True
        return self._connection.execute("SELECT 1 FROM jobs WHERE id = ?", (job_id,)).fetchone() is not None

    def _job(self, job_id: int) -> Job:
        """The job as it is inside this transaction."""
        changed = self._changes.jobs.get(job_id)
        return changed if changed is not None else self._table.read(self._connection, "WHERE id = ?", (job_id,))[0]

    def _state(self, job_id: int) -> JobState:
        """What `_job` says of it, without all the rest."""
        if (changed := self._changes.jobs.get(job_id)) is not None:
            return changed.state
        if (known := self._states.get(job_id)) is not None:
            return state_of(known)
        (state,) = self._connection.execute("SELECT state FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return state_of(state)

    def _place(self, request: JobRequest, stored: _Stored, needs: tuple[int, ...], again: bool) -> None:
        """Bring one request's job to the beginning of its life, if it has to be."""
        job_id, changes = stored.id, self._changes
        if job_id in changes.new:
            changes.new.discard(job_id)
            self._new_needs += [(job_id, need) for need in needs]
            if needs:
                changes.jobs[job_id] = replace(changes.jobs[job_id], needs=needs)
            return
        earlier = changes.jobs.get(job_id)  # twice in this batch, or changed before in this transaction
        state, known = (earlier.state, earlier.needs) if earlier else (stored.state, stored.needs)
        changed = (task_text(earlier.task) if earlier else stored.task) != task_text(request.task)
        if known != needs:
            self._connection.execute("DELETE FROM needs WHERE job_id = ?", (job_id,))
            self._connection.executemany("INSERT INTO needs VALUES (?, ?)", [(job_id, need) for need in needs])
        if state in _BUSY:
            # stale: what it was made from was made again (or is to be) since it began
            keep = changed or again or stored.stale or state is JobState.CANCELLING
            text = task_text(request.task) if keep else None
            self._connection.execute("UPDATE jobs SET changed_task = ? WHERE id = ?", (text, job_id))
            if known != needs:
                changes.jobs[job_id] = replace(self._job(job_id), needs=needs)
            return
        if not (again or changed or known != needs) and self._is_right(stored, state, needs):
            return
        job = replace(
            self._job(job_id), lane=request.lane, title=request.title, task=request.task, needs=needs, done=0.0,
            total=total_of(request), state=JobState.WAITING if needs else JobState.QUEUED, text="", reason="", warnings=(),
            facts={}, error=None, started=None, finished=None,
        )  # fmt: skip
        if state is JobState.PAUSED and self._keep_paused:
            job = replace(job, state=state)
        else:
            changes.opened.add(job_id)
        write(self._connection, [job])
        changes.jobs[job_id] = job

    def _is_right(self, stored: _Stored, state: JobState, needs: tuple[int, ...]) -> bool:
        """Whether a job that is asked for once more, unchanged, can stay as it is."""
        if state in (JobState.QUEUED, JobState.WAITING):
            return self._changes.opened.isdisjoint(needs)
        return state is JobState.SUCCEEDED and not stored.stale and not self._is_outdated(stored.id, needs)

    def _is_outdated(self, job_id: int, needs: tuple[int, ...]) -> bool:
        """Whether what a succeeded job made is gone, or what it was made from is being made again."""
        for need in needs:
            if need in self._changes.opened or self._state(need) not in FINISHED:
                return True
        rows = self._connection.execute(
            "SELECT path FROM products WHERE job_id = ? UNION SELECT path FROM files WHERE job_id = ?", (job_id, job_id)
        )
        return any(not self._layout.absolute(path).is_file() for (path,) in rows)


def _needed_first(requests: Sequence[JobRequest], ids: list[int], needs: list[tuple[int, ...]]) -> Iterator[int]:
    """Positions of the requests such that each stands after those that it needs."""
    position = {job_id: index for index, job_id in enumerate(ids)}
    if all(position.get(need, -1) < index for index, wanted in enumerate(needs) for need in wanted):
        return iter(range(len(requests)))  # they are in that order already
    graph = {index: [position[need] for need in wanted if need in position] for index, wanted in enumerate(needs)}
    try:
        return iter(tuple(TopologicalSorter(graph).static_order()))
    except CycleError as error:
        titles = " → ".join(f"« {requests[index].title} »" for index in error.args[1])
        raise InputError(f"These jobs need each other in a circle: {titles}.") from None


def take_changed_task(connection: sqlite3.Connection, job_id: int) -> Task | None:
    """The task that was kept for a job that ran, once."""
    row = connection.execute("SELECT changed_task FROM jobs WHERE id = ?", (job_id,)).fetchone()
    if not row or row[0] is None:
        return None
    connection.execute("UPDATE jobs SET changed_task = NULL WHERE id = ?", (job_id,))
    return task_from(json.loads(row[0]))


def interrupted(connection: sqlite3.Connection, table: JobTable, now: float) -> list[Job]:
    """Store the jobs that ran when the program ended as they go on: RUNNING → QUEUED (or WAITING, where something that they need
    was being done again), CANCELLING → CANCELLED."""
    marked = []
    for job in table.busy(connection):
        task = take_changed_task(connection, job.id)
        if task is not None:
            state = JobState.WAITING if job.needs else JobState.QUEUED
        else:
            again = JobState.WAITING if _needs_unfinished(connection, job.id) else JobState.QUEUED
            task, state = job.task, again if job.state is JobState.RUNNING else JobState.CANCELLED
        finished = now if state is JobState.CANCELLED else None
        marked.append(replace(job, task=task, state=state, done=0.0, text="", started=None, finished=finished))
    write(connection, marked)
    return marked


def _needs_unfinished(connection: sqlite3.Connection, job_id: int) -> bool:
    sql = "SELECT 1 FROM needs JOIN jobs ON jobs.id = needed_id WHERE job_id = ? AND state <> 'succeeded'"
    return connection.execute(sql, (job_id,)).fetchone() is not None


def mark_dependents_stale(connection: sqlite3.Connection, job_id: int) -> None:
    """What was made from the job's products, or is being made from them right now, has to be made again when asked for.

    (By order of events and not by times: a clock may be set back.)
    """
    connection.execute(
        "UPDATE jobs SET stale = 1 WHERE id IN (SELECT job_id FROM needs WHERE needed_id = ?)"
        " AND state IN ('succeeded', 'running', 'cancelling')",
        (job_id,),
    )
