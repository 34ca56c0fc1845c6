"""The jobs of an archive: their rows, and all of them in memory, because the queue and the window ask for them all the time.

The lock of the archive makes this safe: nobody else writes. Memory follows the database, after each transaction.
"""

from __future__ import annotations

import gc
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from graphlib import CycleError, TopologicalSorter
from typing import Any

from daxa_gui.archive.failures import sensible
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.documents import task_document, task_from, to_json
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.step import JobRequest, Task

Identity = tuple[str, str, str, str, str]
_BUSY = (JobState.RUNNING, JobState.CANCELLING)
_COLUMNS = (
    "id", "kind", "lane", "mission", "obs_id", "unit", "step", "title", "state", "done", "total", "text", "reason", "attempt",
    "created", "started", "finished",
)  # fmt: skip
_DOCUMENTS = ("task", "warnings", "facts", "error")
_UPDATED = (
    "lane", "title", "task", "state", "done", "total", "text", "reason", "warnings", "facts", "error", "attempt", "started",
    "finished",
)  # fmt: skip
_UPDATE = f"UPDATE jobs SET {', '.join(f'{name} = ?' for name in _UPDATED)} WHERE id = ?"


def _identity(item: Job | JobRequest) -> Identity:
    return (item.kind, item.mission, item.obs_id, item.unit, item.step)


def _task_text(task: Task) -> str:
    return to_json(task_document(task))


def _total(request: JobRequest) -> float | None:
    return None if request.size_bytes is None else float(request.size_bytes)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Making a hundred thousand small objects takes three times as long when the collector looks at them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Changes:
    """Jobs as they will be when the transaction has succeeded, and which of them were opened (again) in it."""

    def __init__(self) -> None:
        self.jobs: dict[int, Job] = {}
        self.opened: set[int] = set()


class JobTable:
    """Methods that take a connection belong inside a transaction; call `remember` after it."""

    def __init__(self, layout: ArchiveLayout, now: Callable[[], float]) -> None:
        self._layout = layout
        self._logs = str(layout.logs)
        self._now = now
        self._jobs: dict[int, Job] = {}  # by id, oldest first
        self._ids: dict[Identity, int] = {}
        self._dependents: dict[int, set[int]] = {}

    # ---- reading

    def get(self, job_id: int) -> Job:
        try:
            return self._jobs[job_id]
        except KeyError:
            raise ArchiveError(f"There is no job {job_id} in the archive {self._layout.name}.") from None

    def jobs(self, kind: str | None) -> list[Job]:
        everything = list(self._jobs.values())
        return everything if kind is None else [job for job in everything if job.kind == kind]

    def dependents(self, job_id: int) -> list[Job]:
        return [self._jobs[other] for other in sorted(self._dependents.get(job_id, ()))]

    def load(self, connection: sqlite3.Connection) -> None:
        """Read all jobs. Raises ArchiveError for a row that makes no sense."""
        needs: dict[int, list[int]] = {}
        for job_id, needed_id in connection.execute("SELECT job_id, needed_id FROM needs"):
            needs.setdefault(job_id, []).append(needed_id)
        query = f"SELECT {', '.join(_COLUMNS + _DOCUMENTS)} FROM jobs ORDER BY id"
        with _no_garbage_collection():
            cursor = connection.execute(query)
            while rows := cursor.fetchmany(20_000):
                with sensible(self._layout.database):
                    self.remember(self._jobs_from(rows, needs))
        with sensible(self._layout.database):
            for (text,) in connection.execute("SELECT changed_task FROM jobs WHERE changed_task IS NOT NULL"):
                task_from(json.loads(text))

    def _jobs_from(self, rows: list[tuple[Any, ...]], needs: dict[int, list[int]]) -> list[Job]:
        n = len(_COLUMNS)
        # One call of the JSON reader for all rows: ten times faster than one for each.
        tasks, warnings, facts, errors = (
            json.loads(f"[{','.join([row[n + i] for row in rows])}]") for i in range(len(_DOCUMENTS))
        )
        if not len(rows) == len(tasks) == len(warnings) == len(facts) == len(errors):
            raise ValueError("its JSON is malformed")
        states = {str(state): state for state in JobState}
        jobs = []
        for row, task, warned, known, error in zip(rows, tasks, warnings, facts, errors, strict=True):
            (job_id, kind, lane, mission, obs_id, unit, step, title, state, *rest) = row[:n]
            done, total, text, reason, attempt, created, started, finished = rest
            jobs.append(
                Job(
                    job_id, kind, lane, mission, obs_id, unit, step, title, task_from(task), states[state],
                    tuple(sorted(needs.get(job_id, ()))), done, total, text, reason, tuple(warned), known,
                    ErrorInfo(**error) if error else None, attempt, created, started, finished, self._log_path(job_id),
                )
            )  # fmt: skip
        return jobs

    def _log_path(self, job_id: int) -> str:
        return f"{self._logs}/{job_id // 1000:04d}/job-{job_id}.log"

    # ---- writing

    def remember(self, jobs: Iterable[Job]) -> None:
        """Take over what a transaction has stored."""
        for job in jobs:
            old = self._jobs.get(job.id)
            if old is None:
                self._ids[_identity(job)] = job.id
            if old is None or old.needs != job.needs:
                for needed in set(old.needs if old else ()).difference(job.needs):
                    self._dependents[needed].discard(job.id)
                for needed in job.needs:
                    self._dependents.setdefault(needed, set()).add(job.id)
            self._jobs[job.id] = job

    def write(self, connection: sqlite3.Connection, jobs: Iterable[Job]) -> None:
        connection.executemany(
            _UPDATE,
            (
                (
                    job.lane, job.title, _task_text(job.task), str(job.state), job.done, job.total, job.text, job.reason,
                    to_json(job.warnings), to_json(job.facts), to_json(asdict(job.error) if job.error else None),
                    job.attempt, job.started, job.finished, job.id,
                )
                for job in jobs
            ),
        )  # fmt: skip

    def add(self, connection: sqlite3.Connection, requests: Sequence[JobRequest], again: bool, changes: Changes) -> list[int]:
        """Store requests as `JobStore.add` says; returns the ids, in the order of the requests."""
        ids = [self._id_of(connection, request, changes) for request in requests]
        labels = {request.label: job_id for request, job_id in zip(requests, ids, strict=True) if request.label}
        needs = [self._resolve_needs(request, labels, changes) for request in requests]
        for index in self._needed_first(requests, ids, needs):
            self._place(connection, requests[index], ids[index], needs[index], again, changes)
        return ids

    def _id_of(self, connection: sqlite3.Connection, request: JobRequest, changes: Changes) -> int:
        identity = _identity(request)
        if identity in self._ids:
            return self._ids[identity]
        row = connection.execute(
            "SELECT id FROM jobs WHERE kind = ? AND mission = ? AND obs_id = ? AND unit = ? AND step = ?", identity
        ).fetchone()
        if row:  # twice in this batch
            return int(row[0])
        created = self._now()
        state = JobState.WAITING if request.needs else JobState.QUEUED
        task = _task_text(request.task)
        cursor = connection.execute(
            "INSERT INTO jobs (kind, mission, obs_id, unit, step, lane, title, task, state, total, created, size_bytes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*identity, request.lane, request.title, task, str(state), _total(request), created, request.size_bytes),
        )
        job_id = int(cursor.lastrowid or 0)
        changes.jobs[job_id] = Job(
            job_id, request.kind, request.lane, request.mission, request.obs_id, request.unit, request.step, request.title,
            request.task, state, total=_total(request), created=created, log_path=self._log_path(job_id),
        )  # fmt: skip
        changes.opened.add(job_id)
        return job_id

    def _resolve_needs(self, request: JobRequest, labels: dict[str, int], changes: Changes) -> tuple[int, ...]:
        ids = set()
        for need in request.needs:
            job_id = labels.get(need) if isinstance(need, str) else need
            if job_id is None or not (job_id in self._jobs or job_id in changes.jobs):
                raise InputError(f"The job « {request.title} » needs « {need} », which is neither stored nor asked for.")
            ids.add(job_id)
        return tuple(sorted(ids))

    @staticmethod
    def _needed_first(requests: Sequence[JobRequest], ids: list[int], needs: list[tuple[int, ...]]) -> Iterator[int]:
        """Positions of the requests such that each stands after those that it needs."""
        position = {job_id: index for index, job_id in enumerate(ids)}
        graph = {
            index: [position[need] for need in wanted if need in position] for index, wanted in enumerate(needs)
        }  # fmt: skip
        try:
            return iter(tuple(TopologicalSorter(graph).static_order()))
        except CycleError as error:
            titles = " → ".join(f"« {requests[index].title} »" for index in error.args[1])
            raise InputError(f"These jobs need each other in a circle: {titles}.") from None

    def _place(
        self,
        connection: sqlite3.Connection,
        request: JobRequest,
        job_id: int,
        needs: tuple[int, ...],
        again: bool,
        changes: Changes,
    ) -> None:
        """Bring one request's job to the beginning of its life, if it has to be."""
        job = changes.jobs.get(job_id) or self._jobs[job_id]
        if job_id not in self._jobs and job.task is request.task:  # new in this batch
            connection.executemany("INSERT INTO needs VALUES (?, ?)", [(job_id, need) for need in needs])
            changes.jobs[job_id] = replace(job, needs=needs) if needs else job
            return
        changed = _task_text(job.task) != _task_text(request.task)
        if job.needs != needs:
            connection.execute("DELETE FROM needs WHERE job_id = ?", (job_id,))
            connection.executemany("INSERT INTO needs VALUES (?, ?)", [(job_id, need) for need in needs])
        if job.state in _BUSY:
            keep = changed or again or job.state is JobState.CANCELLING
            text = _task_text(request.task) if keep else None
            connection.execute("UPDATE jobs SET changed_task = ? WHERE id = ?", (text, job_id))
            changes.jobs[job_id] = replace(job, needs=needs)
            return
        same = not (again or changed or job.needs != needs)
        if same and job.state in (JobState.QUEUED, JobState.WAITING):
            same = changes.opened.isdisjoint(needs)
        elif same:
            same = job.state is JobState.SUCCEEDED and not self._is_stale(connection, job, needs, changes)
        if same:
            changes.jobs[job_id] = job
            return
        job = replace(
            job, lane=request.lane, title=request.title, task=request.task, needs=needs, done=0.0, total=_total(request),
            state=JobState.WAITING if needs else JobState.QUEUED, text="", reason="", warnings=(), facts={}, error=None,
            started=None, finished=None,
        )  # fmt: skip
        self.write(connection, [job])
        changes.jobs[job_id] = job
        changes.opened.add(job_id)

    def _is_stale(self, connection: sqlite3.Connection, job: Job, needs: tuple[int, ...], changes: Changes) -> bool:
        """Whether what a succeeded job made is gone, or something that it was made from was made again since."""
        for need in needs:
            needed = changes.jobs.get(need) or self._jobs[need]
            if need in changes.opened or not needed.is_finished or (needed.finished or 0.0) > (job.started or 0.0):
                return True
        rows = connection.execute("SELECT path FROM products WHERE job_id = ?", (job.id,))
        return any(not self._layout.absolute(path).is_file() for (path,) in rows)

    def take_changed_task(self, connection: sqlite3.Connection, job_id: int) -> Task | None:
        row = connection.execute("SELECT changed_task FROM jobs WHERE id = ?", (job_id,)).fetchone()
        if not row or row[0] is None:
            return None
        connection.execute("UPDATE jobs SET changed_task = NULL WHERE id = ?", (job_id,))
        return task_from(json.loads(row[0]))

    def mark_interrupted(self, connection: sqlite3.Connection) -> list[Job]:
        """Jobs that ran when the program ended, as they go on now."""
        marked = []
        for job in self._jobs.values():
            if job.state not in _BUSY:
                continue
            task = self.take_changed_task(connection, job.id)
            if task is not None:
                state = JobState.WAITING if job.needs else JobState.QUEUED
            else:
                task, state = job.task, JobState.QUEUED if job.state is JobState.RUNNING else JobState.CANCELLED
            finished = self._now() if state is JobState.CANCELLED else None
            marked.append(replace(job, task=task, state=state, done=0.0, text="", started=None, finished=finished))
        self.write(connection, marked)
        return marked
