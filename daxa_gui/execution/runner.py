"""Doing one job from its work folder to its committed outcome. The one place where any exception may be caught is here."""

from __future__ import annotations

import math
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from daxa_gui.core.errors import Cancelled, DaxaError, ReductionError
from daxa_gui.core.job import Job, JobLog, JobStore
from daxa_gui.core.product import Product
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, Command, MadeFile, Outcome, Place, Task
from daxa_gui.execution.clock import Throttle
from daxa_gui.execution.failures import Failure, failure_of
from daxa_gui.execution.process import run_command

if TYPE_CHECKING:
    from daxa_gui.execution.worker_pool import WorkerPool

T = TypeVar("T")
Progress = Callable[[float, float | None, str], None]
OWN_CODE = ("daxa_gui.",)

_ERROR = re.compile(r"\bERROR\b|: error \(|\bTraceback \(most recent call last\)")
_WARNING = re.compile(r"\bWARNING\b|: warning \(")


def attempt(function: Callable[[], T], subject: str) -> T | Failure:
    """Call `function`; whatever it raises becomes a Failure. `subject` is named in the sentence about something unexpected."""
    try:
        return function()
    except (Exception, SystemExit) as error:
        return failure_of(error, subject)


def checked_target(target: str, allowed: tuple[str, ...] = OWN_CODE) -> str:
    """A job's function must be one of ours: archives, and so the names in them, may come from somebody else."""
    if not target.startswith(allowed):
        raise DaxaError(
            f"The function « {target} » is not part of this program and is not called.",
            "Was this archive made by a trusted source?",
        )
    return target


def severity_of(line: str) -> str:
    """What a line of a program's output reports, by the words that mission software uses."""
    if _ERROR.search(line):
        return "ERROR"
    return "WARNING" if _WARNING.search(line) else "INFO"


class CancelToken:
    """Set by the queue, looked at by the work."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def is_cancelled(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise Cancelled if somebody asked for it."""
        if self._event.is_set():
            raise Cancelled


class ThreadContext:
    """The TaskContext of a task that runs on a thread of this process. Progress passes at most ten times a second."""

    def __init__(
        self, work_folder: str, token: CancelToken, log: JobLog, on_progress: Progress, service_url: Callable[[str], str]
    ) -> None:
        self.work_folder = work_folder
        self._token = token
        self._log = log
        self._on_progress = on_progress
        self._service_url = service_url
        self._throttle = Throttle()

    def service_url(self, service: str) -> str:
        return self._service_url(service)

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        if self._throttle.ready() or done == total:
            self._on_progress(done, total, text)

    def check_cancelled(self) -> None:
        self._token.check()

    def log(self, text: str) -> None:
        self._log.write(text, severity_of(text))


@dataclass(frozen=True)
class Committed:
    """A job that succeeded, with what it made and the jobs that follow from it; all of it is stored."""

    job: Job
    products: list[Product]
    follow_ups: list[Job]


class Runner:
    """Runs jobs, any number at once.

    Parameters
    ----------
    work_folder : where a job works (made before and deleted after it), absolute.
    open_log : the log of a job.
    service_url : the address of an archive service right now.
    allowed : what the module names of Calls begin with.
    check_task : raises what is wrong with a stored task that must not run.
    resolve_task : the task as it is run: stored ones may have paths in another form.
    grace_s : how long a cancelled external program may take to end before it is killed.
    command_limit_s : how long an external program may take at all; 0 for as long as it wants.
    keep_work : where the work folder of a job that succeeded goes, None if it is deleted.
    """

    def __init__(
        self,
        store: JobStore,
        workers: WorkerPool,
        *,
        service_url: Callable[[str], str],
        work_folder: Callable[[Job], str],
        open_log: Callable[[Job], JobLog],
        allowed: tuple[str, ...] = OWN_CODE,
        check_task: Callable[[Task], None] = lambda task: None,
        resolve_task: Callable[[Task], Task] = lambda task: task,
        grace_s: float = 5.0,
        command_limit_s: Callable[[], float] = lambda: 0.0,
        keep_work: Callable[[Job], Path | None] = lambda job: None,
    ) -> None:
        self._store = store
        self._workers = workers
        self._service_url = service_url
        self._work_folder = work_folder
        self._open_log = open_log
        self._allowed = allowed
        self._check_task = check_task
        self._resolve_task = resolve_task
        self._grace_s = grace_s
        self._command_limit_s = command_limit_s
        self._keep_work = keep_work

    def run(self, job: Job, token: CancelToken, on_progress: Progress, succeed: Callable[[Outcome], Job]) -> Committed | Failure:
        """Run a job and store what it made; never raises.

        `succeed` is called once, when the work is done and before anything is stored; it returns the job as it shall be
        stored, or raises Cancelled.
        """
        log = attempt(lambda: self._open_log(job), job.title)
        if isinstance(log, Failure):
            return log
        result = attempt(lambda: self._do(job, token, on_progress, succeed, log), job.title)
        # Writing the last lines may fail as everything else (a full disk); the result counts more than its log.
        attempt(lambda: self._write_end(log, job, result), job.title)
        attempt(log.close, job.title)
        return result

    def _do(
        self, job: Job, token: CancelToken, on_progress: Progress, succeed: Callable[[Outcome], Job], log: JobLog
    ) -> Committed:
        token.check()
        log.write(f"{job.title}: attempt {job.attempt}")
        folder = Path(self._work_folder(job))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            outcome = self._outcome(job, ThreadContext(str(folder), token, log, on_progress, self._service_url), token, log)
            token.check()
            finished = succeed(outcome)
            products, follow_ups = self._store.commit_outcome(finished, outcome, str(folder))
            attempt(lambda: _keep(folder, self._keep_work(job), log), job.title)  # what is stored counts more
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Committed(finished, products, follow_ups)

    def _outcome(self, job: Job, context: ThreadContext, token: CancelToken, log: JobLog) -> Outcome:
        task = self._resolve_task(job.task)
        self._check_task(task)
        if isinstance(task, Command):
            return _run_program(task, context.work_folder, token, log, self._grace_s, self._command_limit_s())
        target = checked_target(task.target, self._allowed)
        if task.place is Place.THREAD:
            return _checked(resolve(target)(context, **task.arguments), task)
        return _checked(
            self._workers.call(
                target,
                task.arguments,
                work_folder=context.work_folder,
                on_progress=context.progress,
                on_log=context.log,
                cancelled=lambda: token.is_cancelled,
                service_url=self._service_url,
            ),
            task,
        )

    @staticmethod
    def _write_end(log: JobLog, job: Job, result: Committed | Failure) -> None:
        if isinstance(result, Committed):
            for warning in result.job.warnings:
                log.write(warning, "WARNING")
            for product in result.products:
                log.write(f"made {product.path} ({product.size_bytes} bytes, SHA-256 {product.sha256})")
            log.write(f"done; nothing follows: {result.job.reason}" if result.job.reason else "done")
        elif result.cancelled:
            log.write("stopped before its end")
        else:
            log.write(f"{result.info.message} {result.info.hint}".strip(), "ERROR")
            if result.info.details:
                log.write(result.info.details, "ERROR")


def _checked(result: Any, task: Call) -> Outcome:
    if result is None:
        return Outcome()
    if not isinstance(result, Outcome):
        raise TypeError(f"{task.target} returned {type(result).__name__}, not an Outcome")
    return result


def _keep(folder: Path, place: Path | None, log: JobLog) -> None:
    """Move what a job that succeeded left in its work folder to where it is kept. A failure is said and changes nothing else."""
    if place is None or not any(folder.iterdir()):
        return
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
        log.write(f"intermediate files are kept in {place}")
    except OSError as error:
        log.write(f"intermediate files could not be kept in {place}: {error.strerror or error}", "WARNING")


def _run_program(task: Command, folder: str, token: CancelToken, log: JobLog, grace_s: float, limit_s: float) -> Outcome:
    """Run an external program; exit code 0 with a missing output is a failure, and so is one that takes longer than `limit_s`
    (0: no limit)."""
    log.write("$ " + " ".join(task.argv))
    end_s = time.monotonic() + limit_s if limit_s > 0 else math.inf
    last_lines: list[str] = []

    def on_line(line: str) -> None:
        log.write(line, severity_of(line))
        last_lines[:] = [*last_lines[-19:], line]

    try:
        code = run_command(
            task.argv,
            cwd=folder,
            environment=task.environment,
            on_line=on_line,
            cancelled=lambda: token.is_cancelled or time.monotonic() > end_s,
            grace_s=grace_s,
        )
    except Cancelled:
        if token.is_cancelled:
            raise
        raise ReductionError(
            f"The program « {task.argv[0]} » was ended because it took longer than {limit_s / 60:g} min.",
            "The setting « Time limit of a command » may be too small.",
        ) from None
    if code != 0:
        how = f"was ended by signal {code - 128}" if code > 128 else f"ended with exit code {code}"
        error = ReductionError(f"The program « {task.argv[0]} » {how}.", "Its log tells more.")
        error.details = "\n".join(last_lines)
        raise error
    for name in task.outputs:
        if not (Path(folder) / name).is_file():
            raise ReductionError(
                f"The program « {task.argv[0]} » ended well but did not leave « {name} ».", "Its log tells more."
            )
    return Outcome(files=tuple(MadeFile(name) for name in task.outputs))
