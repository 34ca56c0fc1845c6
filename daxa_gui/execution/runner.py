"""Doing one job from its work folder to its committed outcome. The one place where any exception may be caught is here."""

from __future__ import annotations

import functools
import inspect
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from daxa_gui.core.errors import Cancelled, DaxaError, ReductionError
from daxa_gui.core.job import Job, JobLog, JobStore
from daxa_gui.core.log_messages import severity_of as message_severity
from daxa_gui.core.log_shapes import MARKS
from daxa_gui.core.product import Product
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, Command, JobRequest, MadeFile, Outcome, Place, Task
from daxa_gui.execution.clock import Throttle
from daxa_gui.execution.failures import Failure, failure_of
from daxa_gui.execution.process import run_program
from daxa_gui.execution.turns import CancelToken

if TYPE_CHECKING:
    from daxa_gui.execution.sites import Site
    from daxa_gui.execution.worker_pool import WorkerPool

T = TypeVar("T")
Progress = Callable[[float, float | None, str], None]
OWN_CODE = ("daxa_gui.",)


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
    """What a line of a program's output reports, by the shapes of messages that mission software uses."""
    return message_severity(line).name


class ThreadContext:
    """The ProgramContext of a task that runs on a thread of this process. Progress passes at most ten times a second.

    Parameters
    ----------
    setting : the text of a setting that says where software lies, "" if it is not set.
    grace_s, command_limit_s : see `Runner`.
    """

    def __init__(
        self,
        work_folder: str,
        token: CancelToken,
        log: JobLog,
        on_progress: Progress,
        service_url: Callable[[str], str],
        *,
        setting: Callable[[str], str] = lambda name: "",
        grace_s: float = 5.0,
        command_limit_s: float = 0.0,
    ) -> None:
        self.work_folder = work_folder
        self.grace_s = grace_s
        self.command_limit_s = command_limit_s
        self._token = token
        self._log = log
        self._on_progress = on_progress
        self._service_url = service_url
        self._setting = setting
        self._throttle = Throttle()

    def service_url(self, service: str) -> str:
        return self._service_url(service)

    def setting(self, name: str) -> str:
        return self._setting(name)

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        if self._throttle.ready() or done == total:
            self._on_progress(done, total, text)

    def check_cancelled(self) -> None:
        self._token.check()

    def log(self, text: str) -> None:
        self._log.write(text, severity_of(text))

    def log_as(self, text: str, severity: str) -> None:
        """Write lines that were judged already, where the task ran."""
        self._log.write(text, severity)

    def run_program(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: str = "",
        on_line: Callable[[str], None] | None = None,
    ) -> int:
        """See `core.step.ProgramContext`."""
        self.programs_begin()
        return run_program(
            argv,
            environment=environment,
            folder=folder or self.work_folder,
            on_lines=lambda lines: self._on_lines(lines, on_line),
            cancelled=lambda: self._token.is_cancelled,
            grace_s=self.grace_s,
            limit_s=self.command_limit_s,
        )

    def programs_begin(self) -> None:
        """See `core.step.ProgramContext`."""
        self._token.take_turn()

    def programs_done(self) -> None:
        """See `core.step.ProgramContext`."""
        self._token.give_turn_back()

    def _on_lines(self, lines: list[str], on_line: Callable[[str], None] | None) -> None:
        """Lines that came together and report the same go into the log together: a program may write millions."""
        text = "\n".join(lines)
        lowered = text.lower()
        if not any(mark in lowered for mark in MARKS):  # no line of them can carry a message
            self._log.write(text, "INFO")
        else:
            self._write_by_severity(lines)
        if on_line is not None:
            for line in lines:
                on_line(line)

    def _write_by_severity(self, lines: list[str]) -> None:
        first, severity = 0, ""
        for index, line in enumerate(lines):
            here = severity_of(line)
            if here != severity and index > first:
                self._log.write("\n".join(lines[first:index]), severity)
                first = index
            severity = here
        self._log.write("\n".join(lines[first:]), severity)


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
    resolve_task : the task of a job as it is run: stored ones may have paths in another form.
    grace_s : how long a cancelled external program may take to end before it is killed.
    command_limit_s : how long an external program may take at all; 0 for as long as it wants.
    keep_work : where the work folder of a job that has ended goes, None if it is deleted.
    site : where the Call of a job is done if not in this program, None for here. A site finds the work folder as it left it
        (`work_folder` must then name a place that outlives this program), empties it itself when it begins anew, and it stays
        when the program is only leaving.
    setting : the text of a setting that says where software lies, for tasks that run programs.
    follow_ups : further jobs that follow from what a job found; called when it ended well, added in the same transaction.
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
        resolve_task: Callable[[Job], Task] = lambda job: job.task,
        grace_s: float = 5.0,
        command_limit_s: Callable[[], float] = lambda: 0.0,
        keep_work: Callable[[Job], Path | None] = lambda job: None,
        site: Callable[[Job], Site | None] = lambda job: None,
        setting: Callable[[str], str] = lambda name: "",
        follow_ups: Callable[[Job, Outcome], Sequence[JobRequest]] = lambda job, outcome: (),
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
        self._site = site
        self._setting = setting
        self._follow_ups = follow_ups

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
        attempt(lambda: self._write_end(log, job, result, token), job.title)
        attempt(log.close, job.title)
        return result

    def _do(
        self, job: Job, token: CancelToken, on_progress: Progress, succeed: Callable[[Outcome], Job], log: JobLog
    ) -> Committed:
        token.check()
        log.write(f"{job.title}: attempt {job.attempt}")
        site = self._site(job)
        folder = Path(self._work_folder(job))
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if site is None:
                _remove(folder)
                folder.mkdir(parents=True)
        stopped = False
        try:
            outcome = self._outcome(job, site, self._context(str(folder), token, on_progress, log), token)
            token.give_turn_back()
            token.check()
            if more := self._follow_ups(job, outcome):
                outcome = replace(outcome, follow_ups=(*outcome.follow_ups, *more))
            finished = succeed(outcome)
            products, follow_ups = self._store.commit_outcome(finished, outcome, str(folder))
        except Cancelled:
            stopped = True
            raise
        finally:
            token.give_turn_back()
            if not stopped:
                attempt(lambda: _keep(folder, self._keep_work(job), log), job.title)  # how it ended counts more
            if site is None or not token.is_leaving:
                _remove(folder)
        return Committed(finished, products, follow_ups)

    def _context(self, folder: str, token: CancelToken, on_progress: Progress, log: JobLog) -> ThreadContext:
        return ThreadContext(
            folder, token, log, on_progress, self._service_url,
            setting=self._setting, grace_s=self._grace_s, command_limit_s=self._command_limit_s(),
        )  # fmt: skip

    def _outcome(self, job: Job, site: Site | None, context: ThreadContext, token: CancelToken) -> Outcome:
        task = self._resolve_task(job)
        self._check_task(task)
        if isinstance(task, Command):
            return _run_command(task, context)
        target = checked_target(task.target, self._allowed)
        if site is None and task.place is Place.THREAD:
            function = resolve(target)
            token.gets_ready = getattr(function, "gets_ready", False)
            if not token.gets_ready:
                token.take_turn()
            return _checked(_called(function, context, task), task)
        if site is not None:  # what works there takes nothing of this machine
            return _checked(site.run(job, task, context, token), task)
        token.take_turn()
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
    def _write_end(log: JobLog, job: Job, result: Committed | Failure, token: CancelToken) -> None:
        if isinstance(result, Committed):
            for warning in result.job.warnings:
                log.write(warning, "WARNING")
            lines = [f"made {one.path} ({one.size_bytes} bytes, SHA-256 {one.sha256})" for one in result.products]
            lines.append(f"done; nothing follows: {result.job.reason}" if result.job.reason else "done")
            log.write("\n".join(lines))
        elif result.cancelled:
            log.write("stopped before its programs began" if token.turned_back else "stopped before its end")
        else:
            log.write(f"{result.info.message} {result.info.hint}".strip(), "ERROR")
            if result.info.details:
                log.write(result.info.details, "ERROR")


_signature = functools.lru_cache(maxsize=256)(inspect.signature)  # a tenth of a millisecond each time


def _called(function: Callable[..., Any], context: ThreadContext, task: Call) -> Any:
    """Stored arguments may be anything: that they do not fit is no fault of this program."""
    try:
        bound = _signature(function).bind(context, **task.arguments)
    except TypeError as error:
        raise DaxaError(
            f"A stored task gives « {task.target} » what it does not take ({error}).",
            "Ask for the job again to make its task anew.",
        ) from None
    return function(*bound.args, **bound.kwargs)


def _checked(result: Any, task: Call) -> Outcome:
    if result is None:
        return Outcome()
    if not isinstance(result, Outcome):
        raise TypeError(f"{task.target} returned {type(result).__name__}, not an Outcome")
    return result


def _remove(folder: Path) -> None:
    try:
        folder.rmdir()  # most often nothing is left in it
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)


def _keep(folder: Path, place: Path | None, log: JobLog) -> None:
    """Move what a job left in its work folder to where it is kept. A failure is said and changes nothing else."""
    if place is None or not any(folder.iterdir()):
        return
    try:
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        folder.rename(place)
        log.write(f"intermediate files are kept in {place}")
    except OSError as error:
        log.write(f"intermediate files could not be kept in {place}: {error.strerror or error}", "WARNING")


def _run_command(task: Command, context: ThreadContext) -> Outcome:
    """Run an external program; exit code 0 with a missing output is a failure."""
    context.log("$ " + " ".join(task.argv))
    last_lines: list[str] = []

    def on_line(line: str) -> None:
        last_lines[:] = [*last_lines[-19:], line]

    code = context.run_program(task.argv, environment={**os.environ, **task.environment}, on_line=on_line)
    if code != 0:
        how = f"was ended by signal {code - 128}" if code > 128 else f"ended with exit code {code}"
        error = ReductionError(f"The program « {task.argv[0]} » {how}.", "Its log tells more.")
        error.details = "\n".join(last_lines)
        raise error
    for name in task.outputs:
        if not (Path(context.work_folder) / name).is_file():
            raise ReductionError(
                f"The program « {task.argv[0]} » ended well but did not leave « {name} ».", "Its log tells more."
            )
    return Outcome(files=tuple(MadeFile(name) for name in task.outputs))
