"""The jobs of an archive: rows of its database, of which only those that are asked for become Jobs.

An archive may have a hundred thousand: the states of the unfinished ones and the Jobs that were used last are kept in memory,
nothing else. The lock of the archive makes that safe: nobody else writes. Memory follows the database, after each transaction.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Sequence

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.job_rows import SELECT, UNFINISHED_SQL, jobs_from, state_of
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.collecting import short_passes
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import Job, JobState

_MOST_KEPT = 2_000  # about 3 kB each
_LISTED = "SELECT value FROM json_each(?)"  # ids as JSON: as many as there are, in one statement
# Left to itself, SQLite reads the whole table where the order of ids is wanted.
_UNFINISHED = f"INDEXED BY jobs_unfinished WHERE {UNFINISHED_SQL}"
_SUCCEEDED = "state = 'succeeded'"

# Waiting jobs for which something follows from the jobs that they need: none is missing, or one can never come. Where one of them
# is enough: all have ended.
_OF_NEEDS = "SELECT 1 FROM needs n JOIN jobs j ON j.id = n.needed_id WHERE n.job_id = jobs.id"
_READY = f"""
SELECT id FROM jobs WHERE {UNFINISHED_SQL} AND state = 'waiting' AND CASE WHEN one_is_enough THEN
    NOT EXISTS ({_OF_NEEDS} AND j.state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped'))
ELSE
    NOT EXISTS ({_OF_NEEDS} AND j.state <> 'succeeded')
    OR EXISTS ({_OF_NEEDS} AND (j.state IN ('failed', 'cancelled', 'skipped') OR j.state = 'succeeded' AND j.reason <> ''))
END ORDER BY id"""


class JobTable:
    """Reading jobs, and remembering what transactions have stored. Safe to call from any thread.

    `alone`: nobody else writes into the database, so what was read once stays true.
    """

    def __init__(self, layout: ArchiveLayout, database: Database, *, alone: bool) -> None:
        self._layout = layout
        self._logs = str(layout.logs)
        self._database = database
        self._alone = alone
        self._guard = threading.Lock()
        self._kept: dict[int, Job] = {}
        self._unfinished: dict[int, JobState] = {}
        self._generation = 0  # of what is kept in memory

    def load(self) -> None:
        """What has to be known at once. Raises ArchiveError for a state that makes no sense."""
        if not self._alone:
            return
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT id, state FROM jobs {_UNFINISHED}").fetchall()
        with sensible(self._layout.database):
            self._unfinished = {job_id: state_of(state) for job_id, state in rows}

    # ---- one job

    def get(self, job_id: int) -> Job:
        with self._guard:
            job, generation = self._kept.get(job_id), self._generation
        if job is not None:
            return job
        with self._database.reading() as connection:
            found = self.read(connection, "WHERE id = ?", (job_id,))
        if not found:
            raise ArchiveError(f"There is no job {job_id} in the archive {self._layout.name}.")
        if self._alone:
            with self._guard:
                if generation == self._generation:
                    self._keep(found[0])
        return found[0]

    def state(self, job_id: int) -> JobState:
        if self._alone:
            with self._guard:
                state = self._unfinished.get(job_id)
            if state is not None:
                return state
        return self.get(job_id).state

    def is_queued(self, job_id: int) -> bool:
        if not self._alone:
            return self.get(job_id).state is JobState.QUEUED
        with self._guard:
            return self._unfinished.get(job_id) is JobState.QUEUED

    def _keep(self, job: Job) -> None:
        self._kept.pop(job.id, None)
        self._kept[job.id] = job
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]

    def remember(self, jobs: Iterable[Job]) -> None:
        """Take over what a transaction has stored."""
        with self._guard:
            self._generation += 1
            for job in jobs:
                self._keep(job)
                if job.is_finished:
                    self._unfinished.pop(job.id, None)
                else:
                    self._unfinished[job.id] = job.state

    def forget(self) -> None:
        """Read everything anew: jobs were changed by statements of their own."""
        with self._guard:
            self._generation += 1
            self._kept.clear()
        self.load()

    # ---- many

    def read(self, connection: sqlite3.Connection, where: str, arguments: Sequence[object] = ()) -> list[Job]:
        """The jobs that a condition (with its ORDER BY) chooses. Raises ArchiveError for a row that makes no sense."""
        jobs: list[Job] = []
        cursor = connection.execute(f"{SELECT} {where}", arguments)
        with short_passes():
            while rows := cursor.fetchmany(1_000):
                with sensible(self._layout.database):
                    jobs += jobs_from(rows, self._logs)
        return jobs

    def _read(self, where: str, arguments: Sequence[object] = ()) -> list[Job]:
        with self._database.reading() as connection:
            return self.read(connection, where, arguments)

    def jobs(self, kind: str | None) -> list[Job]:
        if kind is None:
            return self._read("ORDER BY id")
        return self._read("WHERE kind = ? ORDER BY id", (kind,))

    def jobs_of(self, mission: str, obs_id: str) -> list[Job]:
        kinds = "kind IN ('plan', 'download', 'reduce')"  # the index begins with it
        return self._read(f"WHERE {kinds} AND mission = ? AND obs_id = ? ORDER BY id", (mission, obs_id))

    def with_ids(self, ids: Sequence[int], known: dict[int, Job] | None = None) -> list[Job]:
        """Jobs by id, in the order of `ids`; `known` ones are not read."""
        found = dict(known or {})
        with self._guard:
            found.update((job_id, self._kept[job_id]) for job_id in ids if job_id not in found and job_id in self._kept)
        missing = [job_id for job_id in dict.fromkeys(ids) if job_id not in found]
        if missing:
            found.update((job.id, job) for job in self._read(f"WHERE id IN ({_LISTED})", (json.dumps(missing),)))
        if unknown := [job_id for job_id in missing if job_id not in found]:
            raise ArchiveError(f"There is no job {unknown[0]} in the archive {self._layout.name}.")
        return [found[job_id] for job_id in ids]

    def dependents(self, job_id: int) -> list[Job]:
        return self._read("WHERE id IN (SELECT job_id FROM needs WHERE needed_id = ?) ORDER BY id", (job_id,))

    def dependents_of(self, ids: Sequence[int], states: Collection[JobState] = ()) -> list[Job]:
        # CROSS JOIN: in this order and no other, from the few that are asked for
        query = "SELECT DISTINCT n.job_id FROM json_each(?) asked CROSS JOIN needs n ON n.needed_id = asked.value"
        if states:
            query += f" CROSS JOIN jobs j ON j.id = n.job_id WHERE j.state IN ({', '.join('?' * len(states))})"
        with self._database.reading() as connection:
            found = [row[0] for row in connection.execute(query, (json.dumps(list(ids)), *map(str, states)))]
        return self.with_ids(sorted(found))

    def unfinished(self) -> list[tuple[int, str, JobState]]:
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT id, lane, state FROM jobs {_UNFINISHED} ORDER BY id").fetchall()
        with sensible(self._layout.database):
            return [(job_id, lane, state_of(state)) for job_id, lane, state in rows]

    def ready(self) -> list[Job]:
        with self._database.reading() as connection:
            ids = [job_id for (job_id,) in connection.execute(_READY)]
        return self.with_ids(ids)

    def commands(self) -> list[Job]:
        """Unfinished jobs whose task is something else than a Call, or makes no sense (then ArchiveError is raised)."""
        call = "CASE WHEN json_valid(task) THEN json_type(task, '$.call') END"
        return self._read(f"{_UNFINISHED} AND {call} IS NULL ORDER BY id")

    def busy(self, connection: sqlite3.Connection) -> list[Job]:
        return self.read(connection, f"{_UNFINISHED} AND state IN ('running', 'cancelling') ORDER BY id")

    def counts(self) -> dict[tuple[str, JobState], int]:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT kind, state, count(*) FROM jobs GROUP BY kind, state").fetchall()
        with sensible(self._layout.database):
            return {(kind, state_of(state)): count for kind, state, count in rows}

    def bytes_to_come(self) -> int:
        with self._database.reading() as connection:
            found = connection.execute(
                f"SELECT sum(max(0, coalesce(total, 0) - done)) FROM jobs WHERE kind = 'download' AND NOT {_SUCCEEDED}"
            ).fetchone()[0]
        return int(found or 0)
