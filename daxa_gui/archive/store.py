"""An archive: its jobs, products, observations and history, in one SQLite database beside the data.

Jobs are read in `archive.jobs` and stored in `archive.job_adding`, files are moved by `archive.placing`; here is what holds them
together in transactions. The other tables are parts of the store: products, files, observations, notes.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from time import time
from typing import Literal

from daxa_gui import __version__
from daxa_gui.archive import archive_documents, job_rows
from daxa_gui.archive.adoption import adopt, made_here, step_aside
from daxa_gui.archive.configurations import keep_earlier, register_kept
from daxa_gui.archive.database import Database
from daxa_gui.archive.disks import file_system, is_network
from daxa_gui.archive.failures import translated
from daxa_gui.archive.files import FilesPart
from daxa_gui.archive.job_adding import Adding, Changes, interrupted, mark_dependents_stale, take_changed_task
from daxa_gui.archive.jobs import JobTable
from daxa_gui.archive.journal import write_journal
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.lock import ArchiveInUse, ArchiveLock
from daxa_gui.archive.notes import NotesPart
from daxa_gui.archive.observations import ObservationsPart
from daxa_gui.archive.overview import read_overview
from daxa_gui.archive.own_places import why_not_own
from daxa_gui.archive.part import ContentChange, Hook
from daxa_gui.archive.placing import Placed, place_files
from daxa_gui.archive.portable import make_portable, portable_requests
from daxa_gui.archive.products import ProductsPart
from daxa_gui.archive.summary import is_archive, is_unfinished, list_archives, read_summary, summary_of
from daxa_gui.archive.trash import Trash
from daxa_gui.archive.writable import why_not_writable
from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.step import JobRequest, Outcome, Task

__all__ = ["ArchiveStore", "is_archive", "is_unfinished", "list_archives", "read_summary"]

ReadOnly = bool | Literal["auto"]
_AS_ASKED = "The archive was opened to be looked at only."


class ArchiveStore(ProductsPart, FilesPart, ObservationsPart, NotesPart):
    """An open archive; nobody else can change it meanwhile. Every method is one transaction and safe from any thread.

    Use `ArchiveStore.create(layout)` or `ArchiveStore.open(layout)`, and `close()` at the end. Implements `core.job.JobStore`.
    `interrupted` are the jobs that ran when the archive was last left and that go on now; `notices` are sentences for a person.
    """

    def __init__(self, layout: ArchiveLayout, now: Callable[[], float] = time, *, read_only: ReadOnly = False) -> None:
        self.layout = layout
        self._now = now
        self._hooks: list[Hook] = []
        self._documents_lock = threading.Lock()
        self.interrupted: list[Job] = []
        self.notices: tuple[str, ...] = ()
        reason = _AS_ASKED if read_only is True else ""
        self._lock: ArchiveLock | None = None
        if not reason:
            if (foreign := why_not_own(layout)) and read_only != "auto":
                raise ArchiveError(foreign, "Put back what belongs there.")
            try:
                reason = (foreign or why_not_writable(layout)) if read_only == "auto" else ""
                self._lock = None if reason else ArchiveLock(layout.lock)
            except ArchiveInUse as error:
                if read_only != "auto":
                    raise
                reason = f"{error.message} Here it can be looked at only."
        try:
            self._begin(reason)
        except BaseException:
            self._release()
            raise

    def _begin(self, reason: str) -> None:
        kind = file_system(self.layout.folder)
        shared_disk = is_network(kind)
        self.database = Database(self.layout.database, read_only_reason=reason, shared_disk=shared_disk)
        self.trash = Trash(self)
        try:
            if not reason:
                make_portable(self.layout, self.database)
            self._table = JobTable(self.layout, self.database, alone=not reason)
            self._table.load()
            if reason:
                return
            if shared_disk:
                self.notices = (
                    f"The archive {self.layout.folder} lies on a network disk ({kind}); it is written in a slower, safer way.",
                )
            # What a job that was cut off left behind: nobody else uses these folders while the archive is locked.
            shutil.rmtree(self.layout.work, ignore_errors=True)
            self.interrupted = self.mark_interrupted()
            self.notices += tuple(self.trash.finish())
            self.renew_documents()
        except BaseException:
            self.database.close()
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
        store.write_documents()
        return store

    @classmethod
    def open(cls, layout: ArchiveLayout, now: Callable[[], float] = time, *, read_only: ReadOnly = False) -> ArchiveStore:
        """An archive that exists. Raises ArchiveError if there is none, it is damaged or too new.

        `read_only`: True to look only; "auto" to look only where it is open elsewhere or cannot be written, with the reason in
        `read_only_reason`; with False that raises ArchiveError. What would write then raises ArchiveError with the reason.
        """
        if not layout.database.is_file():
            hint = "Choose a folder that has a file daxa_gui.sqlite."
            if (layout.folder / archive_documents.ARCHIVE_FILE).is_file():
                hint = "Its database is missing; « daxa-gui verify --repair » makes it anew from the archive's files."
            raise ArchiveError(f"There is no archive at {layout.folder}.", hint)
        return cls(layout, now, read_only=read_only)

    def close(self) -> None:
        """Waits for a running transaction. May be called twice."""
        self.database.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    # ---- the files beside the database

    def renew_documents(self) -> None:
        """Write them if the database has changed in a way that they do not know: what planning jobs left out, and what a program
        that died had no time to write."""
        with self.database.reading() as connection:
            current = archive_documents.has_stamp(self.layout, archive_documents.stamp(connection))
        if not current:
            self.write_documents()

    def write_documents(self) -> None:
        """Write the files from which the database can be made anew."""
        with self._documents_lock, self.database.reading() as connection:
            archive_documents.write_archive_file(self.layout, connection)
        self.write_decisions()

    def write_decisions(self) -> None:
        with self._documents_lock, self.database.reading() as connection:
            archive_documents.write_decisions_file(self.layout, connection)

    # ---- jobs (core.job.JobStore)

    def add(self, requests: Sequence[JobRequest], *, again: bool = False) -> list[Job]:
        changes = Changes()
        with self.database.writing() as connection:
            ids = Adding(connection, self.layout, self._table, self._now, changes).add(requests, again)
            self.database.after_commit(lambda: self._table.remember(changes.jobs.values()))
        return self._table.with_ids(ids, changes.jobs)

    def get(self, job_id: int) -> Job:
        return self._table.get(job_id)

    def state(self, job_id: int) -> JobState:
        return self._table.state(job_id)

    def is_queued(self, job_id: int) -> bool:
        return self._table.is_queued(job_id)

    def jobs(self, kind: str | None = None) -> list[Job]:
        return self._table.jobs(kind)

    def jobs_of(self, mission: str, obs_id: str) -> list[Job]:
        """All jobs of one observation, oldest first."""
        return self._table.jobs_of(mission, obs_id)

    def dependents(self, job_id: int) -> list[Job]:
        return self._table.dependents(job_id)

    def unfinished(self) -> list[tuple[int, str, JobState]]:
        return self._table.unfinished()

    def ready(self) -> list[Job]:
        return self._table.ready()

    def get_all(self, ids: Sequence[int]) -> list[Job]:
        return self._table.with_ids(list(ids))

    def dependents_of(self, ids: Sequence[int], states: Collection[JobState] = ()) -> list[Job]:
        return self._table.dependents_of(ids, states)

    def job_overview(self, kinds: Collection[str] = ()) -> JobOverview:
        """All jobs (of some kinds) in columns: the cheap way to show a hundred thousand."""
        with self.database.reading() as connection:
            return read_overview(connection, self.layout.database, kinds)

    def counts(self) -> dict[tuple[str, JobState], int]:
        """How many jobs there are of each kind and state."""
        return self._table.counts()

    def bytes_to_come(self) -> int:
        """Of downloads whose size is known and that did not succeed yet."""
        return self._table.bytes_to_come()

    def update(self, job: Job) -> None:
        self.update_all([job])

    def update_all(self, jobs: Sequence[Job]) -> None:
        with self.database.writing() as connection:
            job_rows.write(connection, jobs)
            self.database.after_commit(lambda: self._table.remember(jobs))

    def update_states(self, jobs: Sequence[Job]) -> None:
        with self.database.writing() as connection:
            job_rows.write_states(connection, jobs)
            self.database.after_commit(lambda: self._table.remember(jobs))

    def move_many(self, ids: Sequence[int], state: JobState, now: float, done_kept: str) -> None:
        with self.database.writing() as connection:
            job_rows.move_many(connection, ids, state, now, done_kept)
            self.database.after_commit(self._table.forget)

    def reopen_many(self, ids: Sequence[int], running: Collection[int], done_kept: str) -> list[int]:
        with self.database.writing() as connection:
            opened = job_rows.reopen_many(connection, ids, running, done_kept)
            self.database.after_commit(self._table.forget)
        return opened

    def mark_stale(self, job_ids: Sequence[int]) -> None:
        """Have these done again when they are asked for the next time, whatever there is of them."""
        with self.database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET stale = 1 WHERE state = 'succeeded' AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(job_ids)),),
            )

    def take_changed_task(self, job_id: int) -> Task | None:
        with self.database.reading() as connection:  # nearly always there is none: then nothing has to be written
            if connection.execute("SELECT changed_task FROM jobs WHERE id = ?", (job_id,)).fetchone() in (None, (None,)):
                return None
        with self.database.writing() as connection:
            return take_changed_task(connection, job_id)

    def mark_interrupted(self) -> list[Job]:
        """RUNNING → QUEUED (done again, `attempt` kept), CANCELLING → CANCELLED. Only while no job runs; `open` does it."""
        with self.database.writing() as connection:
            marked = interrupted(connection, self._table, self._now())
            self.database.after_commit(lambda: self._table.remember(marked))
        return marked

    def hold(self, why: Callable[[Task], ErrorInfo | None]) -> list[Job]:
        """Let jobs that are to run a program fail for the reason that `why` gives. Only before the queue starts.

        (Calls are not asked about: each is looked at before it runs, see `archive.trust`.)
        """
        if self.read_only_reason:
            return []
        found = [(job, why(job.task)) for job in self._table.commands()]
        held = [
            replace(job, state=JobState.FAILED, error=error, finished=self._now()) for job, error in found if error is not None
        ]
        if held:
            self.update_all(held)
        return held

    def commit_outcome(self, job: Job, outcome: Outcome, work_folder: str) -> tuple[list[Product], list[Job]]:
        """See `core.job.JobStore`. Killed between moving and storing, the job simply runs again and replaces its files.

        Every file with a destination is registered as a downloaded file, and as a product if it is an event list; what is taken
        into the layout, and everything without a destination, is a product.
        """
        if self.read_only_reason:
            raise ArchiveError(self.read_only_reason, "Nothing was changed.")
        kept = keep_earlier(self.layout, self.database, job, outcome)
        placed = place_files(self.layout, job, outcome, Path(work_folder))
        adopted = adopt(self.layout, placed, self.observation, made_here(self.database))
        aside = step_aside(self.layout, self.database, placed, self.observation)
        products = [*(file for file in placed if _is_product(file)), *adopted]
        changes, follow_ups = Changes(), portable_requests(self.layout, outcome.follow_ups)
        with self.database.writing() as connection:
            register_kept(connection, job, kept)
            outdated = self._unregister_outdated(connection, job, {file.stored for file in products})
            for file in placed:
                if file.made.destination:
                    self._register_file(connection, job, file)
            for before, now in aside:
                values = (now.stored, now.key.exposure, before)
                connection.execute("UPDATE OR REPLACE products SET path = ?, exposure = ? WHERE path = ?", values)
            for file in products:
                self._register(connection, job, file)
            job_rows.write(connection, [job])
            changes.jobs[job.id] = job
            if job.kind == "plan":
                self._note_planned(connection, job)
            if job.state is JobState.SUCCEEDED:
                mark_dependents_stale(connection, job.id)
            ids = Adding(connection, self.layout, self._table, self._now, changes, keep_paused=True).add(follow_ups, False)
            if job.state is JobState.SUCCEEDED:
                write_journal(self.layout, job, placed, products)
            self.tell(connection, ContentChange(job, (*placed, *adopted), tuple(outdated)))
            self.database.after_commit(lambda: self._table.remember(changes.jobs.values()))
        self._delete(outdated)
        made = [
            Product(f.key, str(f.path), f.size_bytes, f.sha256, job.id, job.finished or 0.0, dict(f.made.facts)) for f in products
        ]
        return made, self._table.with_ids(ids, changes.jobs)

    # ---- the archive as a whole

    def summary(self) -> ArchiveSummary:
        with self.database.reading() as connection:
            return summary_of(self.layout, connection, self.read_only_reason)


def _is_product(file: Placed) -> bool:
    return not file.made.destination or file.key.kind is ProductKind.EVENTS
