"""A worker process: does one call at a time for the process that started it, over pipes with one JSON document a line.

It gets `{"call": id, "target", "arguments", "work_folder"}`, `{"cancel": id}` and `{"address": …}`, and sends `{"started": id}`,
`{"progress": […]}`, `{"log": text}`, `{"service": name}` and at last `{"outcome" | "value" | "failure": …}`.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import queue
import signal
import sys
import threading
from typing import Any, TextIO

from daxa_gui.core.documents import outcome_document, to_json
from daxa_gui.core.errors import Cancelled, DaxaError
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Outcome
from daxa_gui.execution.clock import Throttle
from daxa_gui.execution.commands import END_OF_OUTPUT, START_OF_OUTPUT
from daxa_gui.execution.failures import Failure, failure_document
from daxa_gui.execution.runner import attempt, checked_target

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class WorkerContext:
    """The TaskContext of the call that this worker is doing."""

    def __init__(self, worker: Worker, call_id: int, work_folder: str) -> None:
        self.work_folder = work_folder
        self._worker = worker
        self._call_id = call_id
        self._throttle = Throttle()

    def service_url(self, service: str) -> str:
        return self._worker.ask_address(service)

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        if self._throttle.ready() or done == total:
            self._worker.send({"progress": [float(done), None if total is None else float(total), text]})

    def check_cancelled(self) -> None:
        if self._call_id in self._worker.cancelled:
            raise Cancelled

    def log(self, text: str) -> None:
        self._worker.send({"log": text})


class Worker:
    """`requests` and `replies` are the pipes; `allowed` is what module names begin with."""

    def __init__(self, requests: TextIO, replies: TextIO, allowed: tuple[str, ...]) -> None:
        self._requests = requests
        self._replies = replies
        self._allowed = allowed
        self._sending = threading.Lock()
        self._calls: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._addresses: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self.cancelled: set[int] = set()

    def serve(self, idle_s: float) -> None:
        """Do calls until none comes for `idle_s` seconds."""
        threading.Thread(target=self._listen, name="listen", daemon=True).start()
        while True:
            try:
                call = self._calls.get(timeout=idle_s)
            except queue.Empty:
                return
            self.send({"started": call["call"]})
            # What is printed comes through another pipe than the answer: marks say where it begins, and that all of it is there.
            self._mark(START_OF_OUTPUT, call["call"])
            answer = self._answer(call)
            self._mark(END_OF_OUTPUT, call["call"])
            self.send(answer)
            self.cancelled.discard(call["call"])

    @staticmethod
    def _mark(mark: str, call_id: int) -> None:
        sys.stderr.flush()
        os.write(2, f"{mark}{call_id}\n".encode())

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            target = checked_target(call["target"], self._allowed)
            context = WorkerContext(self, call["call"], call["work_folder"])
            result = resolve(target)(context, **call["arguments"])
            answer = {"outcome": outcome_document(result)} if isinstance(result, Outcome) else {"value": result}
            to_json(answer)  # what cannot be sent is the call's failure
            return answer

        result = attempt(work, call["target"])
        return {"failure": failure_document(result)} if isinstance(result, Failure) else result

    def send(self, message: dict[str, Any]) -> None:
        line = to_json(message)
        with self._sending:
            self._replies.write(line + "\n")
            self._replies.flush()

    def ask_address(self, service: str) -> str:
        self.send({"service": service})
        answer = self._addresses.get()
        if answer.get("address") is None:
            raise DaxaError(answer["problem"], retryable=True)
        return str(answer["address"])

    def _listen(self) -> None:
        for line in self._requests:
            message = json.loads(line)
            if "call" in message:
                self._calls.put(message)
            elif "cancel" in message:
                self.cancelled.add(message["cancel"])
            else:
                self._addresses.put(message)
        end_at_once()


def end_at_once() -> None:
    """The other side is gone: nobody wants the result. Ends this process and whatever it has started."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def _take_over_pipes() -> tuple[TextIO, TextIO]:
    """Our ends of the pipes; afterwards what the code of a task prints goes to the log, and it reads nothing."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8", newline="\n")
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdout = sys.stderr
    return requests, replies


def _die_with_parent() -> None:
    """Linux: be killed when the thread that started us ends (the pool keeps that thread), even while numpy holds the lock."""
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):  # without it, the end of the pipe tells us a little later
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        end_at_once()


def main(argv: list[str] | None = None) -> int:
    """The process's entry point (`python -m daxa_gui.execution.worker`)."""
    parser = argparse.ArgumentParser(prog="worker", description="Does calls for the program that started it.")
    parser.add_argument("--allow", action="append", required=True, help="what module names may begin with")
    parser.add_argument("--idle", type=float, required=True, help="seconds without a call after which to end")
    options = parser.parse_args(argv)
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program that started us; it then ends us
    os.nice(5)  # the window comes first
    requests, replies = _take_over_pipes()
    Worker(requests, replies, tuple(options.allow)).serve(options.idle)
    return 0


if __name__ == "__main__":
    sys.exit(main())
