"""The worker processes of this program: started when needed, used again and again, ended when idle or when asked."""

from __future__ import annotations

import itertools
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from daxa_gui.core.documents import outcome_from, to_json
from daxa_gui.core.errors import Cancelled, DaxaError
from daxa_gui.execution.commands import END_OF_OUTPUT, START_OF_OUTPUT, own_command, own_environment
from daxa_gui.execution.failures import Failure, exception_of, failure_from
from daxa_gui.execution.runner import OWN_CODE, attempt

_POLL_S = 0.05
_OUTPUT_S = 2.0  # how long to wait for the rest of what was printed, should the mark behind it never come
_KILL_AFTER_S = 2.0


class _Gone(Exception):
    """The worker ended before it began with a call: the call was not lost, another worker can do it."""


def _parts_of(line: str) -> tuple[str, str, str]:
    """What was printed, « printing » or « printed » if the line ends with such a mark, and the number of its call."""
    for sign, meaning in ((START_OF_OUTPUT, "printing"), (END_OF_OUTPUT, "printed")):
        text, found, call = line.partition(sign)
        if found:
            return text, meaning, call
    return line, "", ""


class _WorkerProcess:
    """Our side of one worker."""

    def __init__(self, allowed: tuple[str, ...], idle_s: float) -> None:
        arguments = [*(f"--allow={prefix}" for prefix in allowed), f"--idle={idle_s:g}"]
        self._process = subprocess.Popen(
            own_command("worker", *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=own_environment(),
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self.used = False
        self._messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._last_lines: deque[str] = deque(maxlen=30)
        self._on_line: Callable[[str], None] | None = None
        self._threads = [
            threading.Thread(target=function, name="worker pipe", daemon=True)
            for function in (self._read_messages, self._read_lines)
        ]
        for thread in self._threads:
            thread.start()

    def _read_messages(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.put(json.loads(line))
        self._process.wait()
        self._messages.put(None)

    def _read_lines(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            text, mark, call = _parts_of(line.rstrip("\n"))
            if text or not mark:
                self._last_lines.append(text)
                self._messages.put({"log": text})
            if mark:
                self._messages.put({mark: int(call) if call.isdigit() else 0})

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def _send(self, message: Mapping[str, Any]) -> bool:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(to_json(message) + "\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):  # ValueError: closed by `close`
            return False
        return True

    def call(self, call: _Call, grace_s: float) -> dict[str, Any]:
        """Do a call and return the last message about it. Raises _Gone, Cancelled or DaxaError."""
        sent = {"call": call.id, "target": call.target, "arguments": call.arguments, "work_folder": call.work_folder}
        if not self._send(sent) and self.used:
            raise _Gone
        started, term_at, kill_at = False, float("inf"), float("inf")
        asked_to_stop = printing = printed = False
        answer, answered_at = None, float("inf")
        while True:
            try:
                message = self._messages.get(timeout=_POLL_S)
            except queue.Empty:
                message = {}
            if message is None:
                if answer is not None:
                    return answer
                break
            if message.get("started") == call.id:
                started = self.used = True
            elif "printing" in message:
                printing = message["printing"] == call.id
            elif "printed" in message:
                printed = printed or message["printed"] == call.id
            elif "log" in message and (started or printing):  # two pipes: a line may be here before the word that it began
                call.on_log(message["log"])
            elif started and (last := self._handle(message, call)):
                answer, answered_at = last, time.monotonic()
            if answer is not None and (printed or time.monotonic() > answered_at + _OUTPUT_S):
                return answer
            if not asked_to_stop and call.cancelled():
                asked_to_stop, term_at = True, time.monotonic() + grace_s
                self._send({"cancel": call.id})
            if time.monotonic() >= term_at:
                self._signal(signal.SIGTERM)
                term_at, kill_at = float("inf"), time.monotonic() + _KILL_AFTER_S
            if time.monotonic() >= kill_at:
                self._signal(signal.SIGKILL)
                kill_at = float("inf")
        if asked_to_stop:
            raise Cancelled
        if not started and self.used:
            raise _Gone
        raise self._death(call)

    def _handle(self, message: dict[str, Any], call: _Call) -> dict[str, Any] | None:
        """Pass on one message; returns it if it is the last one."""
        if "progress" in message:
            call.on_progress(*message["progress"])
        elif "service" in message:
            address = attempt(lambda: call.service_url(message["service"]), message["service"])
            if isinstance(address, Failure):
                self._send({"address": None, "problem": address.info.message})
            else:
                self._send({"address": address})
        elif message:
            return message
        return None

    def _death(self, call: _Call) -> DaxaError:
        code = self._process.wait()
        how = f"was ended by signal {-code} ({signal.strsignal(-code)})" if code < 0 else f"ended with exit code {code}"
        last = next((line for line in reversed(self._last_lines) if line.strip()), "")
        error = DaxaError(
            f"The worker process {how} while it did {call.target}{f': {last}' if last else '.'}",
            "Memory may have run out: try again with fewer cores." if code == -signal.SIGKILL else "The log tells more.",
        )
        error.details = "\n".join(self._last_lines)
        return error

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def close(self) -> None:
        """End the worker now, whatever it does."""
        with suppress(OSError, ValueError):
            self._process.stdin.close()  # type: ignore[union-attr]
        self._signal(signal.SIGKILL)
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            stream.close()  # type: ignore[union-attr]


class _Call:
    """One call as the pool was asked for it."""

    def __init__(
        self,
        call_id: int,
        target: str,
        arguments: Mapping[str, Any],
        work_folder: str,
        on_progress: Callable[[float, float | None, str], None],
        on_log: Callable[[str], None],
        cancelled: Callable[[], bool],
        service_url: Callable[[str], str],
    ) -> None:
        self.id = call_id
        self.target = target
        self.arguments = dict(arguments)
        self.work_folder = work_folder
        self.on_progress = on_progress
        self.on_log = on_log
        self.cancelled = cancelled
        self.service_url = service_url


def _no_services(service: str) -> str:
    raise DaxaError(f"The address of the service « {service} » is not known here.")


class WorkerPool:
    """At most `size` worker processes, each doing one call at a time. Safe to use from any thread.

    Parameters
    ----------
    allowed : what the module names of functions begin with.
    idle_s : a worker without work for so long ends by itself.
    grace_s : how long cancelled work may take to notice before its process is ended.
    """

    def __init__(self, size: int, *, allowed: tuple[str, ...] = OWN_CODE, idle_s: float = 300.0, grace_s: float = 5.0) -> None:
        self._size = max(1, size)
        self._allowed = allowed
        self._idle_s = idle_s
        self._grace_s = grace_s
        self._ids = itertools.count(1)
        self._condition = threading.Condition()
        self._idle: list[_WorkerProcess] = []
        self._busy: set[_WorkerProcess] = set()
        self._starting = 0
        self._closed = False
        # Workers ask Linux to kill them when the thread that started them ends, so it has to be one that stays.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="worker starter")

    def call(
        self,
        target: str,
        arguments: Mapping[str, Any],
        *,
        work_folder: str = "",
        on_progress: Callable[[float, float | None, str], None] | None = None,
        on_log: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        service_url: Callable[[str], str] | None = None,
    ) -> Any:
        """Call `function(ctx, **arguments)`, named by `target`, in a worker and return its Outcome or JSON value.

        Blocks until it is done; waits for a free worker first. The callables are called on this thread.

        Raises
        ------
        DaxaError : what the function raised, as the same class; something unexpected; or the worker died.
        Cancelled : `cancelled()` was true, or the pool was closed.
        """
        call = _Call(
            next(self._ids), target, arguments, work_folder, on_progress or (lambda done, total, text: None),
            on_log or (lambda text: None), cancelled or (lambda: False), service_url or _no_services,
        )  # fmt: skip
        while True:
            worker = self._acquire(call.cancelled)
            healthy = False
            try:
                answer = worker.call(call, self._grace_s)
                healthy = True
                break
            except _Gone:
                continue
            except DaxaError:
                self._raise_if_closed()
                raise
            finally:
                self._release(worker, healthy)
        if "failure" in answer:
            raise exception_of(failure_from(answer["failure"]))
        return outcome_from(answer["outcome"]) if "outcome" in answer else answer["value"]

    def _raise_if_closed(self) -> None:
        if self._closed:
            raise Cancelled

    def _acquire(self, cancelled: Callable[[], bool]) -> _WorkerProcess:
        with self._condition:
            while True:
                self._raise_if_closed()
                if cancelled():
                    raise Cancelled
                while self._idle:
                    worker = self._idle.pop()
                    if worker.alive:
                        self._busy.add(worker)
                        return worker
                    worker.close()
                if len(self._busy) + self._starting < self._size:
                    self._starting += 1
                    break
                self._condition.wait(_POLL_S)
        try:
            started = self._starter.submit(_WorkerProcess, self._allowed, self._idle_s).result()
        except RuntimeError:  # the pool was closed meanwhile
            raise Cancelled from None
        except OSError as error:
            raise DaxaError(f"A worker process cannot be started: {error.strerror}.", "Memory may have run out.") from error
        finally:
            with self._condition:
                self._starting -= 1
        with self._condition:
            if self._closed:
                started.close()
                raise Cancelled
            self._busy.add(started)
        return started

    def _release(self, worker: _WorkerProcess, healthy: bool) -> None:
        """Give a worker back; one that was cancelled or died is not used again."""
        with self._condition:
            self._busy.discard(worker)
            keep = healthy and not self._closed
            if keep:
                self._idle.append(worker)
            self._condition.notify()
        if not keep:
            worker.close()

    def close(self) -> None:
        """End all workers, also those that work; their calls raise Cancelled. May be called twice."""
        with self._condition:
            self._closed = True
            workers = [*self._idle, *self._busy]
            self._idle.clear()
        for worker in workers:
            worker.close()
        self._starter.shutdown(wait=True)
