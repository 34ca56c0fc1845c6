"""One job that is being done on a cluster: its names there, its shared folder, and what is known of it here."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daxa_gui.core.documents import outcome_from, task_document, to_json
from daxa_gui.core.errors import Cancelled, DaxaError, ReductionError
from daxa_gui.core.setting_kinds import variable_of
from daxa_gui.core.settings import groups
from daxa_gui.core.step import MadeFile, Outcome
from daxa_gui.execution.dask_client import INSTALL, lost
from daxa_gui.execution.dask_folder import Attempt, RunFolder
from daxa_gui.execution.dask_task import own_versions
from daxa_gui.execution.failures import exception_of, failure_from

if TYPE_CHECKING:
    from distributed import Client, Future

    from daxa_gui.core.job import Job
    from daxa_gui.core.step import Call
    from daxa_gui.execution.runner import CancelToken, ThreadContext

PREFIX = "daxa-gui"
_SILENCE_S = 30.0  # a worker alive writes every 5 s


def archive_prefix(archive: str) -> str:
    """What the names of all runs of an archive begin with, made of its identity."""
    return f"{PREFIX}-{hashlib.sha256(archive.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}-"


def job_prefix(archive: str, job_id: int) -> str:
    return f"{archive_prefix(archive)}{job_id}-"


def stem_of(archive: str, job_id: int, task: Call) -> str:
    """What the names of all runs of a job with this very task begin with."""
    digest = hashlib.sha256(to_json(task_document(task)).encode("ascii")).hexdigest()[:16]
    return f"{job_prefix(archive, job_id)}{digest}-"


def new_key(stem: str) -> str:
    """The name of one run: of its key on the scheduler, of what is published there, and of its folder."""
    return f"{stem}{int(time.time()):x}-{uuid.uuid4().hex[:8]}"


def job_and_time(key: str) -> tuple[int, float]:
    """The job of a run and when that began, seconds since 1970. Raises ValueError for a name that is none of ours."""
    *_, job, _digest, began, _own = key.split("-")
    return int(job), float(int(began, 16))


def settings_that_travel(context: ThreadContext) -> dict[str, str]:
    """Where software lies, as far as the settings say it (what this machine's environment says is not true of another)."""
    names = [item.name for item in groups()["Software"] if variable_of(item) not in os.environ]
    return {name: text for name in names if (text := context.setting(name))}


def seal_of(secret: str, key: str) -> str:
    """The mark of one run."""
    return hmac.new(secret.encode(), key.encode(), hashlib.sha256).hexdigest()


def document_of(job: Job, task: Call, folder: Path, context: ThreadContext, allowed: Iterable[str], seal: str) -> str:
    """What `dask_task.do_task` is given."""
    return to_json({
        "versions": own_versions(), "seal": seal, "title": job.title, "folder": str(folder), "task": task_document(task),
        "allowed": list(allowed), "settings": settings_that_travel(context), "grace_s": context.grace_s,
        "command_limit_s": context.command_limit_s,
    })  # fmt: skip


@dataclass(eq=False)
class Running:
    """A job between `DaskSite.run` and its end. `woken` is set whenever there is something to look at."""

    job: Job
    task: Call
    context: ThreadContext
    token: CancelToken
    stem: str
    key: str = ""
    folder: RunFolder = field(default_factory=lambda: RunFolder(Path()))
    client: Client | None = None
    future: Future | None = None
    woken: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None  # found by the watcher
    times_begun: int = 0
    hint: str = ""
    passing: threading.Lock = field(default_factory=threading.Lock)

    def follow(self, folder: Path, client: Client, future: Future) -> None:
        """From now on it is this run."""
        if folder != self.folder.folder:
            self.folder = RunFolder(folder)
        self.key, self.client, self.future = folder.name, client, future
        future.add_done_callback(lambda _future: self.woken.set())

    @property
    def has_begun(self) -> bool:
        return bool(self.folder.current)

    def pass_on(self) -> None:
        """Give the job what its workers said since the last time."""
        with self.passing:
            for attempt, message in self.folder.news():
                if "began" in message:
                    self._tell_where(attempt)
                elif isinstance(message.get("log"), str):
                    self.context.log_as(message["log"], str(message.get("severity", "INFO")))
                elif isinstance(progress := message.get("progress"), list) and len(progress) == 3:
                    self.context.progress(*progress)

    def _tell_where(self, attempt: Attempt) -> None:
        self.times_begun += 1
        where = f"on {attempt.host} ({attempt.worker})"
        if self.times_begun == 1:
            self.context.log_as(f"runs {where}", "INFO")
        else:
            self.context.log_as(f"WARNING: its worker was lost; begun again {where}", "WARNING")

    def is_gone(self, workers: Iterable[str] | None) -> bool:
        """Whether nothing of it runs any more: each try has ended or its worker is gone. `workers` are the addresses of those
        that there are; None if nobody knows: then one that was silent for long is taken for gone."""
        return all(
            attempt.ended
            or (
                attempt.worker not in workers
                if workers is not None and attempt.worker
                else time.monotonic() - attempt.heard > _SILENCE_S
            )
            for attempt in self.folder.attempts.values()
        )


def outcome_of(text: Any, running: Running, seal: str | None = None) -> Outcome | None:
    """The outcome in a worker's answer, with the files of its run in the job's work folder.

    Parameters
    ----------
    seal : what an answer that was found in the folder must bear; None for one that came from the scheduler.

    Returns
    -------
    None if the files are no longer there (they were taken by a program that died before it could store them).

    Raises
    ------
    DaxaError, Cancelled : how the task ended. ReductionError : the answer is none.
    """
    try:
        answer = json.loads(text)
        if seal is not None and not hmac.compare_digest(str(answer.get("seal", "")), seal):
            return None
        attempt, sizes = str(answer["try"]), {str(name): int(size) for name, size in answer.get("sizes", {}).items()}
        failure = failure_from(answer["failure"]) if "failure" in answer else None
        outcome = outcome_from(answer["outcome"]) if failure is None else None
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        problem = ReductionError(f"The cluster's answer for « {running.job.title} » cannot be read.", "The log tells more.")
        problem.details = f"{type(error).__name__}: {error}\n{str(text)[:2000]}"
        raise problem from error
    if outcome is not None and not all(_is_plain(made) for made in outcome.files):
        raise ReductionError(f"The cluster's answer for « {running.job.title} » names files elsewhere.", "Nothing was taken.")
    place = Path(running.context.work_folder)
    if failure is not None:
        if attempt:
            running.folder.take(attempt, {}, place, lag_s=0.0)  # what it left may be kept
        raise exception_of(failure)
    return outcome if running.folder.take(attempt, sizes, place) else None


def _is_plain(made: MadeFile) -> bool:
    """A reduction makes files in its work folder and nowhere else."""
    path = Path(made.name)
    return bool(made.name) and not made.destination and not path.is_absolute() and ".." not in path.parts


def explained(error: BaseException, running: Running, site: str) -> Exception:
    """What Dask says of a task that could not be done, in words."""
    name, text = type(error).__name__, str(error)
    problem: DaxaError
    if isinstance(error, (DaxaError, Cancelled)):
        return error
    if name == "KilledWorker":
        problem = ReductionError(
            f"« {running.job.title} » was begun {running.times_begun or 'several'} times, and each time its worker was lost.",
            "Memory may have run out there: give the workers more, or let each do less at once.",
        )
    elif isinstance(error, ImportError) or "deserializ" in text or "No module named" in text:
        problem = lost(
            f"The cluster {site} does not know DAXA GUI: {text.strip().splitlines()[0] if text.strip() else name}.",
            f"Its scheduler and its workers need the same packages as this program. {INSTALL}",
        )
    else:
        problem = ReductionError(f"The cluster could not do « {running.job.title} »: {name}: {text[:300]}", "The log tells more.")
    problem.details = problem.details or f"{name}: {text}"
    return problem
