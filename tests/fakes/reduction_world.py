"""Archives whose raw data lie there as if they had been downloaded, and a session that reduces them with the stand-ins."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.settings import Settings, changed
from daxa_gui.core.step import Call, JobRequest, MadeFile, Outcome
from daxa_gui.session import Session

NAME = "reduced"


def make_archive(
    output: Path, observations: Mapping[tuple[str, str], Mapping[str, Any]], name: str = NAME, instruments: tuple[str, ...] = ()
) -> Path:
    """An archive about observations, (mission, ObsID) → catalogue row; whatever lies in their raw folders is registered as
    downloaded, event lists as such. `instruments`: the chosen ones; none: all. Its folder."""
    layout = OutputLayout(output).archive(name)
    store = ArchiveStore.create(layout)
    try:
        for (mission, obs_id), row in observations.items():
            store.add_selections([(Selection(mission, "test", (obs_id,), instruments), [{"obs_id": obs_id, **row}])])
            folder = layout.raw_folder(mission, obs_id)
            files = sorted(path for path in folder.rglob("*") if path.is_file())
            register(store, mission, obs_id, folder, files)
    finally:
        store.close()
    return layout.folder


def register(store: ArchiveStore, mission: str, obs_id: str, folder: Path, files: Iterable[Path]) -> None:
    from daxa_gui.archive.on_disk import raw_key

    for path in files:
        unit = path.relative_to(folder).as_posix()
        task = Call("daxa_gui.remote.download:fetch", {"path": f"/{unit}", "service": "heasarc"})
        [job] = store.add([JobRequest("download", "host:test", mission, obs_id, unit, "", unit, task)])
        key = raw_key(mission, obs_id, path.name)
        if key.kind is not ProductKind.EVENTS:
            key = ProductKey(mission, obs_id, ProductKind.RAW, key.instrument)
        store.update(replace(job, state=JobState.RUNNING, attempt=1, started=1.0))
        done = replace(job, state=JobState.SUCCEEDED, attempt=1, started=1.0, finished=2.0)
        store.commit_outcome(done, Outcome(files=(MadeFile("", key, str(path)),)), tempfile.gettempdir())


def session_for(output: Path, software: Mapping[str, str], **settings: Any) -> Session:
    """A session whose settings name the stand-ins' folders."""
    return Session(settings=changed(Settings(), **software, cores=2, **settings), output_folder=output, cache=output / "cache")


def states(session: Session) -> dict[str, list[str]]:
    """Step → states of its jobs, in order of observation and unit."""
    found: dict[str, list[str]] = {}
    for job in sorted(session.jobs("reduce"), key=lambda one: (one.mission, one.obs_id, one.unit)):
        found.setdefault(job.step, []).append(str(job.state))
    return found


def problems(session: Session) -> list[str]:
    """What did not end well, for the message of a test that fails."""
    ended_badly = (JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED)
    return [
        f"{_name(job)}: {job.error.message if job.error else job.reason}" for job in session.jobs() if job.state in ended_badly
    ]


def _name(job: Job) -> str:
    return f"{job.step} {job.obs_id} {job.unit}"
