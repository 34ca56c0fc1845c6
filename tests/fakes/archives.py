"""Bringing jobs of a real archive to their end without running them, and opening it again."""

from __future__ import annotations

from dataclasses import replace

from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome


def succeeded(store, job, clock, files=(), **values):
    """Bring a job to its end as the queue does, with `files` (name → text, or MadeFile) in its work folder."""
    work = store.layout.work_folder(job.id)
    work.mkdir(parents=True, exist_ok=True)
    made = []
    for file in files:
        (work / file.name).write_text(file.facts.get("text", file.name))
        made.append(file)
    clock.advance(1)
    job = replace(job, state=JobState.SUCCEEDED, attempt=job.attempt + 1, started=clock.now(), finished=clock.now() + 1)
    clock.advance(2)
    return store.commit_outcome(job, Outcome(files=tuple(made), **values), str(work))


def reopened(store, clock):
    """As after a start of the program."""
    store.close()
    return ArchiveStore.open(store.layout, clock.now)
