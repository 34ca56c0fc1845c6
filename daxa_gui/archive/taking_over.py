"""Work that another program did, taken into an archive as if its jobs had run here: states, reasons, files, history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from daxa_gui.archive.journal import write_journal
from daxa_gui.archive.part import ContentChange
from daxa_gui.archive.placing import Placed
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.product import ProductKey
from daxa_gui.core.step import JobRequest, MadeFile

_AT_ONCE = 500  # jobs in one transaction


@dataclass(frozen=True)
class TakenFile:
    """A file that is in its place already. `sha256` may be "" where nobody computed it (archives that are looked at only)."""

    key: ProductKey
    path: Path
    sha256: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TakenJob:
    """A finished piece of work. `finished` is in seconds since 1970 (UTC). `files` are products, `raw` files as they came from
    the mission's archive."""

    request: JobRequest
    state: JobState
    finished: float
    error: ErrorInfo | None = None
    reason: str = ""
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    files: tuple[TakenFile, ...] = ()
    raw: tuple[TakenFile, ...] = ()


def take_over(
    store: ArchiveStore, taken: Sequence[TakenJob], advanced: Callable[[int], None] = lambda done: None
) -> list[Job]:  # fmt: skip
    """Store the jobs as finished and register their files; returns the jobs in the order of `taken`.

    `advanced(n)` is called with how many are stored. What it raises ends the work between two transactions.
    Raises ArchiveError if the archive cannot be written, or a file lies outside of it and its output folder.
    """
    jobs: list[Job] = []
    for first in range(0, len(taken), _AT_ONCE):
        part = taken[first : first + _AT_ONCE]
        placed = [[_placed(store, file) for file in one.files] for one in part]
        fetched = [[_placed(store, file) for file in one.raw] for one in part]
        added = store.add([one.request for one in part])
        finished = [_finished(job, one) for job, one in zip(added, part, strict=True)]
        store.update_all(finished)
        with store.database.writing() as connection:
            for job, files, raw in zip(finished, placed, fetched, strict=True):
                for file in raw:
                    store._register_file(connection, job, file)
                for file in files:
                    store._register(connection, job, file)
                if job.state is JobState.SUCCEEDED:
                    write_journal(store.layout, job, raw, files)
                if files or raw:
                    store.tell(connection, ContentChange(job, (*raw, *files)))
        jobs += finished
        advanced(len(jobs))
    return jobs


def _finished(job: Job, taken: TakenJob) -> Job:
    return replace(
        job, state=taken.state, error=taken.error, reason=taken.reason, warnings=taken.warnings, facts=taken.facts,
        started=taken.finished, finished=taken.finished, attempt=1, done=1.0, total=1.0,
    )  # fmt: skip


def _placed(store: ArchiveStore, file: TakenFile) -> Placed:
    made = MadeFile(name="", key=file.key, destination=str(file.path), facts=file.facts)
    return Placed(file.key, file.path, store.layout.stored(file.path), file.path.stat().st_size, file.sha256, made)
