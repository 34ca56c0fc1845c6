"""Running an external program: its own session, no shell, output as it comes, and an end to all of it when asked."""

from __future__ import annotations

import codecs
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from daxa_gui.core.errors import Cancelled, ReductionError
from daxa_gui.execution.commands import own_command

MAX_LINE_CHARACTERS = 65_536
_POLL_S = 0.05


def run_command(
    argv: Sequence[str],
    *,
    cwd: str | Path,
    environment: Mapping[str, str] | None = None,
    on_line: Callable[[str], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    grace_s: float = 5.0,
) -> int:
    """Run a program to its end and return its exit code (128 + n if signal n ended it).

    `environment` is added to ours. `on_line` gets each line of its output (both streams, in order); if it raises, the program
    is ended.
    When `cancelled()` turns true the whole process group gets SIGTERM, after `grace_s` seconds SIGKILL, and Cancelled is
    raised. If this program dies, the other one is ended too (see `guard`).

    Raises
    ------
    ReductionError : there is no such program, or it cannot be started.
    """
    variables = {**os.environ, **(environment or {})}
    program = shutil.which(argv[0], path=variables.get("PATH")) if argv else None
    if program is None:
        raise ReductionError(
            f"The program « {argv[0] if argv else ''} » was not found.", "Install it, or set it up before starting DAXA GUI."
        )
    process = subprocess.Popen(
        own_command("guard", program, *argv[1:]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=variables,
        start_new_session=True,
    )
    output = _Output(process, on_line)
    try:
        stopped = _wait(process, output, cancelled or (lambda: False), grace_s)
    finally:
        _end_group(process, signal.SIGKILL)  # also what the program may have left behind in its group
        code = process.wait()
        process.stdin.close()  # type: ignore[union-attr]
        output.close()
    if stopped:
        raise Cancelled
    return code


class _Output:
    """The output of a process, given away line by line as it comes."""

    def __init__(self, process: subprocess.Popen[bytes], on_line: Callable[[str], None] | None) -> None:
        assert process.stdout is not None
        self._pipe = process.stdout
        self._on_line = on_line or (lambda line: None)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe, selectors.EVENT_READ)
        os.set_blocking(self._pipe.fileno(), False)
        self._ended = False

    def read(self, timeout_s: float) -> bool:
        """Give away what has come; waits at most `timeout_s` for it. False if there was nothing."""
        if self._ended:
            time.sleep(timeout_s)
            return False
        if not self._selector.select(timeout_s):
            return False
        data = os.read(self._pipe.fileno(), MAX_LINE_CHARACTERS)
        self._ended = not data
        # Progress bars write a carriage return instead of a line feed.
        text = self._rest + self._decoder.decode(data, final=self._ended).replace("\r\n", "\n").replace("\r", "\n")
        *lines, self._rest = text.split("\n")
        if self._rest and (self._ended or len(self._rest) >= MAX_LINE_CHARACTERS):
            lines, self._rest = [*lines, self._rest], ""
        for line in lines:
            self._on_line(line)
        return not self._ended

    def close(self) -> None:
        self._selector.close()
        self._pipe.close()


def _wait(process: subprocess.Popen[bytes], output: _Output, cancelled: Callable[[], bool], grace_s: float) -> bool:
    """Wait until the guard has ended, without reaping it (its group's number stays ours); true if it was made to end."""
    kill_at: float | None = None
    stopped = False
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        output.read(_POLL_S)
        if not stopped and cancelled():
            stopped, kill_at = True, time.monotonic() + grace_s
            _end_group(process, signal.SIGTERM)
        if kill_at is not None and time.monotonic() >= kill_at:
            _end_group(process, signal.SIGKILL)
            kill_at = None
    while output.read(0.0):
        pass
    return stopped


def _end_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
