"""Rows of the table of jobs as Jobs and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

from daxa_gui.archive.rows import typed
from daxa_gui.core.documents import task_document, task_from, to_json
from daxa_gui.core.job import FINISHED, ErrorInfo, Job, JobState
from daxa_gui.core.step import JobRequest, Task

Identity = tuple[str, str, str, str, str]
FINISHED_SQL = f"({', '.join(repr(str(state)) for state in sorted(FINISHED))})"
# As in the definition of the index `jobs_unfinished`, which is only used for this very condition.
UNFINISHED_SQL = "state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')"

_COLUMNS = (
    "id", "kind", "lane", "mission", "obs_id", "unit", "step", "title", "state", "done", "total", "text", "reason", "attempt",
    "created", "started", "finished", "one_is_enough",
)  # fmt: skip
_DOCUMENTS = ("task", "warnings", "facts", "error")
_NEEDS = "(SELECT group_concat(needed_id) FROM needs WHERE job_id = jobs.id)"
_PATTERN = "itttttttt" + "rR" + "tt" + "i" + "rRR" + "i" + "T" + "tttt"
SELECT = f"SELECT {', '.join(_COLUMNS)}, {_NEEDS}, {', '.join(_DOCUMENTS)} FROM jobs"
_STATES = {str(state): state for state in JobState}

_UPDATED = (
    "lane", "title", "task", "state", "done", "total", "text", "reason", "warnings", "facts", "error", "attempt", "started",
    "finished",
)  # fmt: skip
# A job that begins uses what is there now: from then on it counts whether that changes.
UPDATE = (
    f"UPDATE jobs SET stale = CASE WHEN ?4 = 'running' THEN 0 ELSE stale END,"
    f" {', '.join(f'{name} = ?{number}' for number, name in enumerate(_UPDATED, 1))} WHERE id = ?{len(_UPDATED) + 1}"
)
_MOVED = tuple(name for name in _UPDATED if name not in ("lane", "title", "task"))
MOVE = (
    f"UPDATE jobs SET stale = CASE WHEN ?1 = 'running' THEN 0 ELSE stale END,"
    f" {', '.join(f'{name} = ?{number}' for number, name in enumerate(_MOVED, 1))} WHERE id = ?{len(_MOVED) + 1}"
)


def identity(item: Job | JobRequest) -> Identity:
    return (item.kind, item.mission, item.obs_id, item.unit, item.step)


def task_text(task: Task) -> str:
    return to_json(task_document(task))


def total_of(request: JobRequest) -> float | None:
    return None if request.size_bytes is None else float(request.size_bytes)


def needs_of(text: str | None) -> tuple[int, ...]:
    return tuple(sorted(map(int, text.split(",")))) if text else ()


def state_of(text: str) -> JobState:
    """Raises KeyError for a text that is no state."""
    return _STATES[text]


def values(job: Job) -> tuple[Any, ...]:
    """What UPDATE takes."""
    return (job.lane, job.title, task_text(job.task), *moved_values(job))


def moved_values(job: Job) -> tuple[Any, ...]:
    """What MOVE takes."""
    return (
        str(job.state), job.done, job.total, job.text, job.reason,
        to_json(job.warnings) if job.warnings else "[]", to_json(job.facts) if job.facts else "{}",
        to_json(asdict(job.error)) if job.error else "null", job.attempt, job.started, job.finished, job.id,
    )  # fmt: skip


def write(connection: sqlite3.Connection, jobs: Iterable[Job]) -> None:
    connection.executemany(UPDATE, (values(job) for job in jobs))


def write_states(connection: sqlite3.Connection, jobs: Iterable[Job]) -> None:
    """Everything but lanes, titles and tasks, which stay as they are."""
    connection.executemany(MOVE, (moved_values(job) for job in jobs))


_THESE = "WHERE id IN (SELECT value FROM json_each(:ids))"
_MOVE_MANY = {
    JobState.CANCELLED: "UPDATE jobs SET state = 'cancelled', finished = :now, text = ''"
    f" {_THESE} AND state IN ('waiting', 'queued', 'paused')",
    JobState.PAUSED: f"UPDATE jobs SET state = 'paused', text = '' {_THESE} AND state IN ('waiting', 'queued')",
    JobState.QUEUED: "UPDATE jobs SET state = CASE WHEN EXISTS (SELECT 1 FROM needs WHERE job_id = jobs.id) THEN 'waiting'"
    " ELSE 'queued' END, done = CASE WHEN kind = :done_kept THEN done ELSE 0 END, text = '', error = 'null'"
    f" {_THESE} AND state = 'paused'",
}


def move_many(connection: sqlite3.Connection, ids: Sequence[int], state: JobState, now: float, done_kept: str) -> None:
    """See `core.job.JobStore`: one statement, in which no document is read or written."""
    connection.execute(_MOVE_MANY[state], {"ids": json.dumps(list(ids)), "now": now, "done_kept": done_kept})


_IDLE = "j.id NOT IN (SELECT value FROM json_each(:running))"
_AGAIN = f"""
WITH RECURSIVE again(id) AS (
    SELECT j.id FROM json_each(:ids) asked CROSS JOIN jobs j ON j.id = asked.value WHERE j.state IN {FINISHED_SQL} AND {_IDLE}
    UNION
    SELECT n.needed_id FROM again CROSS JOIN needs n ON n.job_id = again.id CROSS JOIN jobs j ON j.id = n.needed_id
        WHERE j.state IN ('failed', 'cancelled', 'skipped') AND {_IDLE}
    UNION
    SELECT n.job_id FROM again CROSS JOIN needs n ON n.needed_id = again.id CROSS JOIN jobs j ON j.id = n.job_id
        WHERE j.state = 'skipped' AND {_IDLE})
SELECT id FROM again ORDER BY id"""
_REOPEN = (
    "UPDATE jobs SET state = CASE WHEN EXISTS (SELECT 1 FROM needs WHERE job_id = jobs.id) THEN 'waiting' ELSE 'queued' END,"
    " done = CASE WHEN kind = :done_kept AND state <> 'succeeded' THEN done ELSE 0 END, text = '', reason = '', warnings = '[]',"
    f" facts = '{{}}', error = 'null', started = NULL, finished = NULL {_THESE}"
)
_WAIT_AGAIN = (
    "UPDATE jobs SET state = 'waiting' WHERE state = 'queued' AND id NOT IN (SELECT value FROM json_each(:running)) AND id IN"
    " (SELECT n.job_id FROM json_each(:ids) opened CROSS JOIN needs n ON n.needed_id = opened.value)"
)


def reopen_many(connection: sqlite3.Connection, ids: Sequence[int], running: Collection[int], done_kept: str) -> list[int]:
    """See `core.job.JobStore`."""
    without = json.dumps(sorted(running))
    found = [row[0] for row in connection.execute(_AGAIN, {"ids": json.dumps(list(ids)), "running": without})]
    connection.execute(_REOPEN, {"ids": json.dumps(found), "done_kept": done_kept})
    connection.execute(_WAIT_AGAIN, {"ids": json.dumps(found), "running": without})
    return found


def jobs_from(rows: Sequence[Sequence[Any]], logs: str) -> list[Job]:
    """Jobs of rows of SELECT. `logs` is the folder of logs. Raises ValueError, TypeError … for rows that make no sense."""
    n = len(_COLUMNS) + 1
    # One call of the JSON reader for all rows: ten times faster than one for each.
    tasks, warnings, facts, errors = (
        json.loads(f"[{','.join([row[n + i] for row in rows])}]") for i in range(len(_DOCUMENTS))
    )  # fmt: skip
    if not len(rows) == len(tasks) == len(warnings) == len(facts) == len(errors):
        raise ValueError("its JSON is malformed")
    jobs = []
    for row, task, warned, known, error in zip(rows, tasks, warnings, facts, errors, strict=True):
        typed(row, _PATTERN)
        (job_id, kind, lane, mission, obs_id, unit, step, title, state, *rest) = row[:n]
        done, total, text, reason, attempt, created, started, finished, enough, needs = rest
        if not (isinstance(known, dict) and isinstance(warned, list)):
            raise TypeError("its facts or warnings are something else")
        jobs.append(
            Job(
                job_id, kind, lane, mission, obs_id, unit, step, title, task_from(task), _STATES[state],
                needs_of(needs), done, total, text, reason, tuple(warned), known,
                ErrorInfo(**error) if error else None, attempt, created, started, finished, log_path(logs, job_id), bool(enough),
            )
        )  # fmt: skip
    return jobs


def log_path(logs: str, job_id: int) -> str:
    return f"{logs}/{job_id // 1000:04d}/job-{job_id}.log"
