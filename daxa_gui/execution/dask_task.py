"""What a worker of a cluster does for a job: one function of JSON text to JSON text, and what it tells of itself to the probe.

The function is found by its name on the worker, so this package has to be installed there; nothing of ours is pickled.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import daxa_gui
from daxa_gui.core.documents import outcome_document, task_from, to_json
from daxa_gui.core.errors import DaxaError, ReductionError
from daxa_gui.core.registry import resolve
from daxa_gui.core.setting_kinds import variable_of
from daxa_gui.core.settings import setting_named
from daxa_gui.core.step import Call, Outcome
from daxa_gui.execution.dask_folder import WorkerFolder
from daxa_gui.execution.failures import Failure, failure_document, failure_of
from daxa_gui.execution.runner import CancelToken, ThreadContext, attempt, checked_target

PROTOCOL = 1
_LOOK_S = 0.25  # how often lines go out and the wish to stop is looked for
_ALIVE_S = 5.0


def own_versions() -> dict[str, Any]:
    """What has to be the same on both sides."""
    return {"protocol": PROTOCOL, "daxa_gui": daxa_gui.__version__, "python": f"{sys.version_info[0]}.{sys.version_info[1]}"}


def do_task(text: str) -> str:
    """Do the task that a document describes and return a document: `{"try", "outcome" | "failure", "sizes"}`.

    `DaskSite` makes the one and reads the other. Never raises, except that it asks Dask for another worker when
    this one is closing.
    """
    document = json.loads(text)
    refusal = _refusal(document)
    if refusal is not None:
        return to_json({"try": "", "failure": failure_document(failure_of(refusal, document.get("title", "")))})
    try:
        folder = WorkerFolder(Path(document["folder"]))
    except OSError as error:
        return to_json({"try": "", "failure": failure_document(failure_of(_unseen(document["folder"], error), ""))})
    address, is_closing = _this_worker()
    return _Doing(document, folder, is_closing).answer(address)


def _refusal(document: Mapping[str, Any]) -> DaxaError | None:
    here, there = own_versions(), document.get("versions", {})
    different = [name for name in here if here[name] != there.get(name)]
    if not different:
        return None
    shown = ", ".join(f"{name} {here[name]} instead of {there.get(name)}" for name in different)
    return _pausing(
        f"The worker on {platform.node()} has another version: {shown}.",
        "Install the same version of DAXA GUI and of Python on the cluster, then start its workers anew and resume the queue.",
    )


def _unseen(folder: str, error: OSError) -> DaxaError:
    return _pausing(
        f"The worker on {platform.node()} cannot use the folder {folder}: {error.strerror or error}.",
        "The archive has to lie in a folder that all machines share under the same path; « check the cluster » tells more.",
    )


def _pausing(message: str, hint: str) -> DaxaError:
    error = ReductionError(message, hint, retryable=True)
    error.pauses_lane = True
    return error


def _this_worker() -> tuple[str, Callable[[], bool]]:
    """The address of the Dask worker on whose thread this is called, and whether it is closing."""
    from distributed import get_worker
    from distributed.core import Status

    worker = get_worker()
    gone = (Status.closing, Status.closed, Status.failed, Status.stopping, Status.stopped)
    return worker.address, lambda: worker.status in gone


class _Said:
    """The JobLog of a task on a worker."""

    def __init__(self, folder: WorkerFolder, raise_if_broken: Callable[[], None]) -> None:
        self._folder = folder
        self._raise_if_broken = raise_if_broken

    def write(self, text: str, severity: str = "INFO") -> None:
        self._raise_if_broken()
        self._folder.say(log=text, severity=severity)

    def close(self) -> None:
        self._folder.flush()


class _Doing:
    """One task that is being done, with the thread that speaks with the program meanwhile."""

    def __init__(self, document: Mapping[str, Any], folder: WorkerFolder, is_closing: Callable[[], bool]) -> None:
        self._document = document
        self._folder = folder
        self._is_closing = is_closing
        self._token = CancelToken()
        self._ended = threading.Event()
        self._problem: OSError | None = None
        self._leaves = False

    def answer(self, address: str) -> str:
        folder, title = self._folder, str(self._document["title"])
        folder.say(began={"worker": address, "host": platform.node(), "pid": os.getpid()})
        speaker = threading.Thread(target=self._speak, name="speaks with the program", daemon=True)
        try:
            folder.flush()
            if folder.is_stopped():  # asked after it was said that this began: one of the two sees the other
                self._token.cancel()
            speaker.start()
            result = attempt(self._work, title)
        except OSError as error:
            result = failure_of(error, title)
        self._ended.set()
        if speaker.ident is not None:
            speaker.join()
        if self._leaves and isinstance(result, Failure):
            self._say_the_end()
            from distributed import Reschedule

            raise Reschedule
        answer = {"try": folder.name, "sizes": {}, **_described(result, folder.work)}
        kept = attempt(lambda: folder.keep_answer(to_json({**answer, "seal": self._document["seal"]})), title)
        if isinstance(kept, Failure) and "outcome" in answer:
            answer = {"try": folder.name, "sizes": {}, "failure": failure_document(kept)}
        self._say_the_end()
        return to_json(answer)

    def _say_the_end(self) -> None:
        self._folder.say(ended=True)
        attempt(self._folder.flush, "")  # who waits for it also sees that the run has answered

    def _work(self) -> Outcome:
        document = self._document
        task = task_from(document["task"])
        if not isinstance(task, Call):
            raise ReductionError("Only functions of this program run on a cluster.")
        context = ThreadContext(
            str(self._folder.work), self._token, _Said(self._folder, self._raise_if_broken), self._on_progress, _no_service,
            setting=self._setting, grace_s=document["grace_s"], command_limit_s=document["command_limit_s"],
        )  # fmt: skip
        context.check_cancelled()
        target = checked_target(task.target, tuple(document["allowed"]))
        result = resolve(target)(context, **task.arguments)
        if result is None:
            return Outcome()
        if not isinstance(result, Outcome):
            raise TypeError(f"{task.target} returned {type(result).__name__}, not an Outcome")
        return result

    def _setting(self, name: str) -> str:
        """What the program says; where it says nothing, what the environment of this machine does."""
        return str(self._document["settings"].get(name, "")) or os.environ.get(variable_of(setting_named(name)), "")

    def _on_progress(self, done: float, total: float | None, text: str) -> None:
        self._folder.say(progress=[float(done), None if total is None else float(total), str(text)])

    def _raise_if_broken(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _speak(self) -> None:
        silent_s = 0.0
        while not self._ended.wait(_LOOK_S):
            silent_s += _LOOK_S
            if silent_s >= _ALIVE_S:
                self._folder.say(alive=True)
                silent_s = 0.0
            try:
                self._folder.flush()
            except OSError as error:
                self._problem = error
            if self._token.is_cancelled:
                continue
            if self._is_closing():
                self._leaves = True
            if self._leaves or self._folder.is_stopped():
                self._token.cancel()


def _no_service(service: str) -> str:
    raise DaxaError(f"The address of the service « {service} » is not known on a cluster.", "Run this step on this machine.")


def _described(result: Outcome | Failure, work: Path) -> dict[str, Any]:
    """The end of a task as a document; what cannot be sent is the task's failure."""
    if isinstance(result, Failure):
        return {"failure": failure_document(result)}

    def describe() -> dict[str, Any]:
        document = {"outcome": outcome_document(result), "sizes": _sizes(result, work)}
        to_json(document)
        return document

    described = attempt(describe, "the outcome")
    return {"failure": failure_document(described)} if isinstance(described, Failure) else described


def _sizes(outcome: Outcome, work: Path) -> dict[str, int]:
    """Of the files that it made; those that are missing are the program's to complain about."""
    found = {}
    for made in outcome.files:
        path = work / made.name
        if made.name and not Path(made.name).is_absolute() and ".." not in Path(made.name).parts and path.is_file():
            found[made.name] = path.stat().st_size
    return found
