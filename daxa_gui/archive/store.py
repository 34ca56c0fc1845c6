"""An archive: its jobs, products, observations and history, in one SQLite database beside the data.

Jobs are kept in `archive.jobs`, files are moved by `archive.placing`; here is what holds them together in transactions.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Any

from daxa_gui import __version__
from daxa_gui.archive.database import Database, read_only
from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.jobs import Changes, JobTable
from daxa_gui.archive.layout import DATABASE, ArchiveLayout, OutputLayout
from daxa_gui.archive.lock import ArchiveLock
from daxa_gui.archive.placing import Placed, place_files
from daxa_gui.core.archive_info import ArchiveObservation, ArchiveSummary, HistoryEntry
from daxa_gui.core.documents import task_document, task_from, to_json
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.exposures import Verdict
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import JobRequest, Outcome, Task

_PRODUCT = (
    "mission, obs_id, kind, instrument, exposure, band_low_kev, band_high_kev, path, size_bytes, sha256, job_id, created, facts"
)


class ArchiveStore:
    """An open archive; nobody else can open it meanwhile. Every method is one transaction and safe from any thread.

    Use `ArchiveStore.create(layout)` or `ArchiveStore.open(layout)`, and `close()` at the end. Implements `core.job.JobStore`.
    `interrupted` are the jobs that ran when the archive was last left and that go on now.
    """

    def __init__(self, layout: ArchiveLayout, now: Callable[[], float] = time) -> None:
        self.layout = layout
        self._now = now
        self._lock = ArchiveLock(layout.lock)
        try:
            self._database = Database(layout.database)
            try:
                self._table = JobTable(layout, now)
                with self._database.reading() as connection:
                    self._table.load(connection)
                # What a job that was cut off left behind: nobody else uses these folders while the archive is locked.
                shutil.rmtree(layout.work, ignore_errors=True)
                self.interrupted = self.mark_interrupted()
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def create(cls, layout: ArchiveLayout, now: Callable[[], float] = time) -> ArchiveStore:
        """A new, empty archive. Raises ArchiveError if there is something at its place already.

        What a program left that died while it made an archive (see `is_unfinished`) is taken over.
        """
        with translated(layout.folder):
            layout.folder.parent.mkdir(parents=True, exist_ok=True)
            try:
                layout.folder.mkdir()
            except FileExistsError:
                if not is_unfinished(layout):
                    raise ArchiveError(
                        f"There is already something at {layout.folder}.", "Choose another name or open that archive."
                    ) from None
        store = cls(layout, now)
        store.set_info("name", layout.name)
        store.set_info("created", now())
        store.set_info("version", __version__)
        return store

    @classmethod
    def open(cls, layout: ArchiveLayout, now: Callable[[], float] = time) -> ArchiveStore:
        """An archive that exists. Raises ArchiveError if there is none, it is damaged, too new, or open elsewhere."""
        if not layout.database.is_file():
            raise ArchiveError(f"There is no archive at {layout.folder}.", "Choose a folder that has a file daxa_gui.sqlite.")
        return cls(layout, now)

    def close(self) -> None:
        """Waits for a running transaction. May be called twice."""
        self._database.close()
        self._lock.release()

    # ---- jobs (core.job.JobStore)

    def add(self, requests: Sequence[JobRequest], *, again: bool = False) -> list[Job]:
        changes = Changes()
        with self._database.writing() as connection:
            ids = self._table.add(connection, requests, again, changes)
            self._database.after_commit(lambda: self._table.remember(changes.jobs.values()))
        return [self._table.get(job_id) for job_id in ids]

    def get(self, job_id: int) -> Job:
        return self._table.get(job_id)

    def jobs(self, kind: str | None = None) -> list[Job]:
        return self._table.jobs(kind)

    def dependents(self, job_id: int) -> list[Job]:
        return self._table.dependents(job_id)

    def update(self, job: Job) -> None:
        self.update_all([job])

    def update_all(self, jobs: Sequence[Job]) -> None:
        with self._database.writing() as connection:
            self._table.write(connection, jobs)
            self._database.after_commit(lambda: self._table.remember(jobs))

    def take_changed_task(self, job_id: int) -> Task | None:
        with self._database.reading() as connection:  # nearly always there is none: then nothing has to be written
            if connection.execute("SELECT changed_task FROM jobs WHERE id = ?", (job_id,)).fetchone() in (None, (None,)):
                return None
        with self._database.writing() as connection:
            return self._table.take_changed_task(connection, job_id)

    def mark_interrupted(self) -> list[Job]:
        """RUNNING → QUEUED (done again, `attempt` kept), CANCELLING → CANCELLED. Only while no job runs; `open` does it."""
        with self._database.writing() as connection:
            marked = self._table.mark_interrupted(connection)
            self._database.after_commit(lambda: self._table.remember(marked))
        return marked

    def hold(self, why: Callable[[Task], ErrorInfo | None]) -> list[Job]:
        """Let jobs that are to run fail for the reason that `why` gives. Only before the queue starts."""
        found = [(job, why(job.task)) for job in self.jobs() if not job.is_finished]
        held = [
            replace(job, state=JobState.FAILED, error=error, finished=self._now()) for job, error in found if error is not None
        ]
        if held:
            self.update_all(held)
        return held

    def commit_outcome(self, job: Job, outcome: Outcome, work_folder: str) -> tuple[list[Product], list[Job]]:
        """See `core.job.JobStore`. Killed between moving and storing, the job simply runs again and replaces its files."""
        placed = place_files(self.layout, job, outcome, Path(work_folder))
        changes = Changes()
        with self._database.writing() as connection:
            outdated = self._unregister_outdated(connection, job, {file.stored for file in placed})
            for file in placed:
                self._register(connection, job, file)
            self._table.write(connection, [job])
            changes.jobs[job.id] = job
            ids = self._table.add(connection, outcome.follow_ups, False, changes)
            self._database.after_commit(lambda: self._table.remember(changes.jobs.values()))
        self._delete(outdated)
        products = [
            Product(f.key, str(f.path), f.size_bytes, f.sha256, job.id, job.finished or 0.0, dict(f.made.facts)) for f in placed
        ]
        return products, [self._table.get(job_id) for job_id in ids]

    def _unregister_outdated(self, connection: sqlite3.Connection, job: Job, kept: set[str]) -> list[str]:
        """What an earlier run of this job made and this one did not: it holds no more. Images in other bands still do."""
        rows = connection.execute("SELECT path FROM products WHERE job_id = ? AND band_low_kev IS NULL", (job.id,))
        outdated = [path for (path,) in rows if path.startswith("archive:") and path not in kept]
        connection.executemany("DELETE FROM products WHERE path = ?", [(path,) for path in outdated])
        return outdated

    def _delete(self, stored: Sequence[str]) -> None:
        with translated(self.layout.folder):
            for path in stored:
                self.layout.absolute(path).unlink(missing_ok=True)

    def _register(self, connection: sqlite3.Connection, job: Job, file: Placed) -> None:
        key, facts = file.key, to_json(file.made.facts)
        low, high = key.band_kev if key.band_kev is not None else (None, None)
        connection.execute(
            f"INSERT OR REPLACE INTO products ({_PRODUCT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key.mission, key.obs_id, str(key.kind), key.instrument, key.exposure, low, high, file.stored,
                file.size_bytes, file.sha256, job.id, job.finished or self._now(), facts,
            ),
        )  # fmt: skip
        connection.execute(
            "INSERT INTO history (path, job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version,"
            " facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.stored, job.id, job.attempt, job.step or job.kind, job.title, to_json(task_document(job.task)),
                job.started, job.finished, file.size_bytes, file.sha256, __version__, facts,
            ),
        )  # fmt: skip

    # ---- products

    def products(self, mission: str | None = None, obs_id: str | None = None) -> list[Product]:
        """Registered files, by mission, ObsID, instrument and kind; of one mission or one observation if given."""
        query, values = f"SELECT {_PRODUCT} FROM products", []
        if mission is not None:
            query, values = query + " WHERE mission = ?", [mission]
            if obs_id is not None:
                query, values = query + " AND obs_id = ?", [mission, obs_id]
        elif obs_id is not None:
            query, values = query + " WHERE obs_id = ?", [obs_id]
        with self._database.reading() as connection:
            rows = connection.execute(f"{query} ORDER BY mission, obs_id, instrument, exposure, kind, path", values).fetchall()
        with sensible(self.layout.database):
            return [self._product(row) for row in rows]

    def _product(self, row: Sequence[Any]) -> Product:
        mission, obs_id, kind, instrument, exposure, low, high, path, size, sha256, job_id, created, facts = row
        band = None if low is None or high is None else (low, high)
        key = ProductKey(mission, obs_id, ProductKind(kind), instrument, exposure, band)
        return Product(key, str(self.layout.absolute(path)), size, sha256, job_id, created, _mapping(facts))

    def forget_products(self, job_id: int) -> list[Product]:
        """Unregister what a job made earlier, because it holds no more; delete it unless it is raw data. History stays."""
        with self._database.writing() as connection:
            rows = connection.execute(f"SELECT {_PRODUCT} FROM products WHERE job_id = ?", (job_id,)).fetchall()
            connection.execute("DELETE FROM products WHERE job_id = ?", (job_id,))
        self._delete([row[7] for row in rows if row[7].startswith("archive:")])
        with sensible(self.layout.database):
            return [self._product(row) for row in rows]

    def history(self, product: Product) -> list[HistoryEntry]:
        """How the file came about: one entry for each time that it was made, newest last."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version, facts"
                " FROM history WHERE path = ? ORDER BY id",
                (self.layout.stored(product.path),),
            ).fetchall()
        with sensible(self.layout.database):
            return [
                HistoryEntry(
                    job_id, attempt, step, title, task_from(json.loads(task)), started, finished, size, sha256, version,
                    _mapping(facts),
                )
                for job_id, attempt, step, title, task, started, finished, size, sha256, version, facts in rows
            ]  # fmt: skip

    # ---- observations and selections

    def add_selections(self, chosen: Sequence[tuple[Selection, Sequence[Mapping[str, Any]]]]) -> None:
        """Put the observations of selections into the archive, all or none. With each selection come the catalogue rows of its
        observations, in the order of `obs_ids`.

        An observation that is there already keeps its place; its row and instruments become the new ones.
        """
        for selection, rows in chosen:
            if len(rows) != len(selection.obs_ids):
                raise InputError(f"{len(selection.obs_ids)} observations of {selection.mission} came with {len(rows)} rows.")
            for obs_id in selection.obs_ids:
                self.layout.raw_folder(selection.mission, obs_id)  # refuses names that could not become a folder
        with self._database.writing(durable=True) as connection:
            for selection, rows in chosen:
                self._add_selection(connection, selection, rows)

    def _add_selection(
        self, connection: sqlite3.Connection, selection: Selection, rows: Sequence[Mapping[str, Any]]
    ) -> None:  # fmt: skip
        instruments, now = to_json(selection.instruments), self._now()
        cursor = connection.execute(
            "INSERT INTO selections (mission, catalogue_version, obs_ids, instruments, filters, added) VALUES (?, ?, ?, ?, ?, ?)",
            (selection.mission, selection.catalogue_version, to_json(selection.obs_ids), instruments,
             to_json(selection.filters), now),
        )  # fmt: skip
        connection.executemany(
            "INSERT INTO observations (mission, obs_id, target, instruments, row, added, selection_id)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mission, obs_id) DO UPDATE SET"
            " target = excluded.target, instruments = excluded.instruments, row = excluded.row,"
            " selection_id = excluded.selection_id",
            [
                (selection.mission, obs_id, str(row.get("target", "")), instruments, to_json(dict(row)), now, cursor.lastrowid)
                for obs_id, row in zip(selection.obs_ids, rows, strict=True)
            ],
        )

    def selections(self) -> list[Selection]:
        """All selections that were put in, oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT mission, catalogue_version, obs_ids, instruments, filters FROM selections ORDER BY id"
            ).fetchall()
        with sensible(self.layout.database):
            return [
                Selection(mission, version, *(tuple(json.loads(text)) for text in documents))
                for mission, version, *documents in rows
            ]

    def observations(self) -> list[ArchiveObservation]:
        """By mission and ObsID."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT mission, obs_id, target, instruments, row, added FROM observations ORDER BY mission, obs_id"
            ).fetchall()
        with sensible(self.layout.database):
            return [
                ArchiveObservation(mission, obs_id, target, tuple(json.loads(instruments)), _mapping(row), added)
                for mission, obs_id, target, instruments, row, added in rows
            ]

    # ---- what is known about the archive as a whole, and what a person said

    def info(self) -> dict[str, Any]:
        with self._database.reading() as connection, sensible(self.layout.database):
            return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM info")}

    def set_info(self, name: str, value: Any) -> None:
        """Remember a plain JSON value under a name."""
        with self._database.writing(durable=True) as connection:
            connection.execute("INSERT OR REPLACE INTO info VALUES (?, ?)", (name, to_json(value)))

    def verdicts(self) -> dict[tuple[str, str, str], Verdict]:
        """By (mission, ObsID, unit)."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT mission, obs_id, unit, state, note, time FROM verdicts").fetchall()
        return {(mission, obs_id, unit): Verdict(*verdict) for mission, obs_id, unit, *verdict in rows}

    def set_verdict(self, mission: str, obs_id: str, unit: str, verdict: Verdict) -> None:
        """Remember what a person decided about an exposure; a state of "" takes it back."""
        with self._database.writing(durable=True) as connection:
            if verdict.state or verdict.note:
                values = (mission, obs_id, unit, verdict.state, verdict.note, verdict.time)
                connection.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", values)
            else:
                connection.execute("DELETE FROM verdicts WHERE mission = ? AND obs_id = ? AND unit = ?", (mission, obs_id, unit))

    def summary(self) -> ArchiveSummary:
        with self._database.reading() as connection:
            return _summary(self.layout, connection)


def _mapping(text: str) -> dict[str, Any]:
    """A JSON object; TypeError for any other JSON value."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} instead of a JSON object")
    return value


def _summary(layout: ArchiveLayout, connection: sqlite3.Connection) -> ArchiveSummary:
    created = connection.execute("SELECT value FROM info WHERE name = 'created'").fetchone()
    counts = connection.execute("SELECT mission, count(*) FROM observations GROUP BY mission ORDER BY mission").fetchall()
    with sensible(layout.database):
        created_s = float(json.loads(created[0])) if created else 0.0
    return ArchiveSummary(
        name=layout.name,
        path=str(layout.folder),
        created=created_s,
        n_observations=sum(count for _, count in counts),
        missions=tuple(mission for mission, _ in counts),
    )


def is_archive(layout: ArchiveLayout) -> bool:
    """Whether there is an archive (`is_unfinished` ones do not count). False for a name that cannot be a file's."""
    try:
        return layout.database.is_file() and not is_unfinished(layout)
    except (OSError, ValueError):
        return False


def is_unfinished(layout: ArchiveLayout) -> bool:
    """Whether a program died while it made this archive: its folder has nothing but what comes first, and no observation."""
    first = {layout.lock.name, layout.work.name, *(f"{DATABASE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))}
    with translated(layout.folder):
        if not layout.folder.is_dir() or any(entry.name not in first for entry in layout.folder.iterdir()):
            return False
        if not layout.database.is_file():
            return True
    with read_only(layout.database) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'observations'").fetchone()[0]:
            return True
        return not connection.execute("SELECT count(*) FROM observations").fetchone()[0]


def read_summary(layout: ArchiveLayout) -> ArchiveSummary:
    """What an archive says about itself, without opening it; one that cannot be read has a `problem`."""
    try:
        with read_only(layout.database) as connection:
            return _summary(layout, connection)
    except ArchiveError as error:
        return ArchiveSummary(layout.name, str(layout.folder), problem=str(error))


def list_archives(output: OutputLayout) -> list[ArchiveSummary]:
    """All archives of the output folder, by name."""
    return [read_summary(ArchiveLayout(output.folder, folder)) for folder in output.archive_folders()]
