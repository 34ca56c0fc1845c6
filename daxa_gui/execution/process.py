"""Running an external program: its own session, no shell, output as it comes, and an end to all of it when asked.

On Linux programs are started by the spawner (see `spawner`), which costs a millisecond; elsewhere, and where it cannot be
started, by a process of its own for each (see `guard`), which costs some fifteen.
"""

from __future__ import annotations

import codecs
import logging
import math
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from daxa_gui.core.errors import Cancelled, ReductionError
from daxa_gui.execution.commands import own_command
from daxa_gui.execution.spawning import Lost, NotStarted, can_spawn, request_bytes, spawner

log = logging.getLogger(__name__)
MAX_LINE_CHARACTERS = 65_536
_POLL_S = 0.05
_ATTEMPTS = 3  # to start a program
_LONGEST_NAME = 200

OnLines = Callable[[list[str]], None]


def run_command(
    argv: Sequence[str],
    *,
    cwd: str | Path,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    grace_s: float = 5.0,
) -> int:
    """`run_program` with our own environment and `environment` added to it, and with lines one by one."""

    def each(lines: list[str]) -> None:
        for line in lines:
            if on_line is not None:
                on_line(line)

    return run_program(
        argv,
        environment={**os.environ, **(environment or {})},
        folder=cwd,
        on_lines=each,
        cancelled=cancelled,
        grace_s=grace_s,
    )


def run_program(
    argv: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: str | Path,
    on_lines: OnLines | None = None,
    cancelled: Callable[[], bool] | None = None,
    grace_s: float = 5.0,
    limit_s: float = 0.0,
) -> int:
    """Run a program to its end and return its exit code (128 + n if signal n ended it).

    Parameters
    ----------
    argv : the program (found in PATH of `environment` unless it has a slash) and its arguments, handed over byte for byte.
    environment : the whole environment of the program.
    folder : where it starts.
    on_lines : gets the lines of its output (both streams, in order) as they come; if it raises, the program is ended.
    cancelled : asked some twenty times a second. When it turns true all of the program gets SIGTERM, after `grace_s` seconds
        SIGKILL, and Cancelled is raised. If our own program dies, however it does, this one is ended too.
    limit_s : how long it may take; 0 for as long as it wants.

    What the program leaves running ends with it, also what left its group or (on Linux) its session. Its standard input is
    empty, and it gets no other open files of ours.

    Raises
    ------
    ReductionError : there is no such program, it cannot be started, took longer than `limit_s`, or (retryable) was lost.
    """
    program = _found(argv, environment.get("PATH"), folder)
    name = Path(argv[0]).name[:_LONGEST_NAME]
    end_s = time.monotonic() + limit_s if limit_s > 0 else math.inf
    asked = cancelled or (lambda: False)
    for attempt in range(_ATTEMPTS):
        running = _start(name, program, argv, environment, folder)
        output = _Output(running.output, on_lines or (lambda lines: None))
        try:
            stopped = _follow(running, output, lambda: asked() or time.monotonic() > end_s, grace_s)
            break
        except NotStarted as error:
            raise _not_started(name, error.number, error.in_folder, folder) from None
        except Lost as error:
            if error.started or attempt == _ATTEMPTS - 1:
                raise _lost(name) from None
            time.sleep(_POLL_S)  # the spawner died, and another one is started
        finally:
            running.close()
    if not stopped:
        assert running.code is not None
        return running.code
    if asked():
        raise Cancelled
    raise ReductionError(
        f"The program « {name} » was ended because it took longer than {limit_s / 60:g} min.",
        "The setting « Time limit of a command » may be too small.",
    )


def _lost(name: str) -> ReductionError:
    return ReductionError(
        f"The program « {name} » was lost: the process that watches over it ended.",
        "Memory may have run out: with fewer cores fewer programs run at the same time.",
        retryable=True,
    )


def _found(argv: Sequence[str], path: str | None, folder: str | Path) -> str:
    """The absolute path of a program."""
    name = argv[0] if argv else ""
    found = str(Path(folder) / name) if "/" in name else shutil.which(name, path=path or "") if name else None
    if found is None or "\0" in found or not Path(found).is_file():
        raise ReductionError(
            f"The program « {name[:_LONGEST_NAME]} » was not found.", "Install it, or say in the settings where its software is."
        )
    return _absolute(found)


def _absolute(path: str | Path) -> str:
    text = str(path)
    return text if text.startswith("/") else str(Path(text).absolute())


def _not_started(name: str, number: int, in_folder: bool, folder: str | Path) -> ReductionError:
    why = os.strerror(number)
    if in_folder:
        return ReductionError(f"The program « {name} » cannot start in {folder}: {why}.", "Look at this folder.")
    return ReductionError(
        f"The program « {name} » cannot be started: {why}.",
        "Its file may be damaged, may not be allowed to run, or was made for another kind of machine.",
    )


class _Running(Protocol):
    """A program that runs: through the spawner, or with a guard."""

    output: int  # the end of a pipe, not blocking

    @property
    def code(self) -> int | None:
        """Once it has ended."""

    def wait(self, timeout_s: float) -> None:
        """Until there is output or it has ended, at most so long. Raises NotStarted or Lost."""

    def terminate(self) -> None: ...

    def kill(self) -> None: ...

    def close(self) -> None: ...


def _start(name: str, program: str, argv: Sequence[str], environment: Mapping[str, str], folder: str | Path) -> _Running:
    try:
        request = request_bytes(program, argv, environment, _absolute(folder))
    except ValueError as error:
        raise ReductionError(f"An argument of « {name} » cannot be handed over: {error}.", "Look at names of files.") from None
    if can_spawn():
        try:
            return _Spawned(request)
        except OSError as error:
            log.warning("the spawner cannot be used: %s; each program gets a guard of its own", error)
    try:
        return _Guarded(program, argv, environment, folder)
    except OSError as error:
        raise _not_started(name, error.errno or 0, not Path(folder).is_dir(), folder) from error


class _Spawned:
    def __init__(self, request: bytes) -> None:
        self._program = spawner().start(request)
        self.output = self._program.output
        self._poll = select.poll()
        self._poll.register(self.output, select.POLLIN)
        self._poll.register(self._program.control, select.POLLIN)

    @property
    def code(self) -> int | None:
        return self._program.code

    def wait(self, timeout_s: float) -> None:
        for descriptor, event in self._poll.poll(timeout_s * 1000):
            if descriptor == self._program.control.fileno():
                self._program.take_news()
            elif event & (select.POLLHUP | select.POLLERR) and not event & select.POLLIN:
                self._poll.unregister(descriptor)  # it closed its output and goes on

    def terminate(self) -> None:
        self._program.terminate()

    def kill(self) -> None:
        self._program.kill()

    def close(self) -> None:
        self._program.close()


class _Guarded:
    def __init__(self, program: str, argv: Sequence[str], environment: Mapping[str, str], folder: str | Path) -> None:
        self._process = subprocess.Popen(
            # Python adds it where the environment has no language (PEP 538)
            own_command("guard", "" if "LC_CTYPE" in environment else "LC_CTYPE", program, *argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self.output = self._process.stdout.fileno()
        os.set_blocking(self.output, False)
        self.code: int | None = None
        self._poll = select.poll()
        self._poll.register(self.output, select.POLLIN)

    def wait(self, timeout_s: float) -> None:
        for descriptor, event in self._poll.poll(timeout_s * 1000):
            if not event & select.POLLIN:
                self._poll.unregister(descriptor)
        # not reaped before all of its group is gone, so that the group's number stays ours
        if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            self._end_group(signal.SIGKILL)
            self.code = self._process.wait()

    def terminate(self) -> None:
        self._end_group(signal.SIGTERM)

    def kill(self) -> None:
        self._end_group(signal.SIGKILL)

    def _end_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def close(self) -> None:
        if self.code is None:
            self._end_group(signal.SIGKILL)
            self._process.wait()
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.stdout.close()  # type: ignore[union-attr]


class _Output:
    """The output of a program, given away in lines as it comes."""

    def __init__(self, descriptor: int, on_lines: OnLines) -> None:
        self._descriptor = descriptor
        self._on_lines = on_lines
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._ended = False

    def read(self) -> bool:
        """Give away what has come. False if there was nothing."""
        if self._ended:
            return False
        try:
            data = os.read(self._descriptor, MAX_LINE_CHARACTERS)
        except BlockingIOError:
            return False
        self._ended = not data
        self._give(self._decoder.decode(data, final=self._ended))
        return not self._ended

    def _give(self, text: str) -> None:
        # Progress bars write a carriage return instead of a line feed.
        text = (self._rest + text).replace("\r\n", "\n")
        if kept := text.endswith("\r") and not self._ended:  # its line feed may come with the next piece
            text = text[:-1]
        *lines, self._rest = text.replace("\r", "\n").split("\n")
        self._rest += "\r" * kept
        if self._rest and (self._ended or len(self._rest) >= MAX_LINE_CHARACTERS):
            lines.append(self._rest.rstrip("\r"))
            self._rest = ""
        if lines:
            self._on_lines(lines)

    def finish(self) -> None:
        """Give away the rest, without waiting: what cannot be killed may hold the pipe open."""
        while self.read():
            pass
        if not self._ended:
            self._ended = True
            self._give(self._decoder.decode(b"", final=True))


def _follow(running: _Running, output: _Output, stop: Callable[[], bool], grace_s: float) -> bool:
    """Wait until the program has ended; true if it was made to end."""
    kill_at: float | None = None
    stopped = False
    while running.code is None:
        running.wait(_POLL_S)
        output.read()
        if not stopped and running.code is None and stop():
            stopped, kill_at = True, time.monotonic() + grace_s
            running.terminate()
        if kill_at is not None and time.monotonic() >= kill_at:
            running.kill()
            kill_at = None
    output.finish()
    return stopped
