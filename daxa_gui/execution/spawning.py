"""Our side of the spawner (see `spawner`): programs that are started by it, one keeper for each that runs at the same time."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress

from daxa_gui.execution.commands import own_command
from daxa_gui.execution.spawner import LENGTH, REPLY

_MOST_IDLE = 16  # keepers that wait for the next program
_END_S = 5.0


class Lost(Exception):
    """The keeper of a program ended before the program did. `started`: whether the program had begun."""

    def __init__(self, started: bool) -> None:
        super().__init__()
        self.started = started


class NotStarted(Exception):
    """The program could not be started: an error number, and whether the fault is in the folder."""

    def __init__(self, number: int, in_folder: bool) -> None:
        super().__init__()
        self.number, self.in_folder = number, in_folder


def request_bytes(program: str, argv: Sequence[str], environment: Mapping[str, str], folder: str) -> bytes:
    """A request as keepers read it. Raises ValueError for a zero byte, or a variable without a usable name."""
    variables = [f"{name}={value}" for name, value in environment.items()]
    if any(not name or "=" in name for name in environment):
        raise ValueError("a variable of the environment has no usable name")
    fields = [os.fsencode(field) for field in (folder, program, str(len(argv)), *argv, *variables)]
    if any(b"\0" in field for field in fields):
        raise ValueError("a zero byte")
    return b"".join(field + b"\0" for field in fields)


class SpawnedProgram:
    """A program that runs. `output` is the end of the pipe that its output comes from, and `control` tells how it goes on."""

    def __init__(self, spawner: Spawner, control: socket.socket, output: int) -> None:
        self.output = output
        self.control = control
        self.started = False
        self.code: int | None = None
        self._spawner = spawner
        self._received = b""
        self._clean = False

    def take_news(self) -> None:
        """Read what the keeper says (waits for it). Raises NotStarted or Lost."""
        try:
            data = self.control.recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            raise Lost(self.started)
        self._received += data
        while len(self._received) >= REPLY.size:
            letter, number, more = REPLY.unpack(self._received[: REPLY.size])
            self._received = self._received[REPLY.size :]
            if letter == b"S":
                self.started = True
            elif letter == b"F":
                self._clean = True
                raise NotStarted(number, not more)
            else:
                self.code, self._clean = number, bool(more)

    def terminate(self) -> None:
        self._say(b"T")

    def kill(self) -> None:
        self._say(b"K")

    def _say(self, letter: bytes) -> None:
        with suppress(ConnectionError):  # `take_news` tells of it
            self.control.sendall(letter)

    def close(self) -> None:
        """Give the keeper back; if the program still runs, the end of its socket ends it."""
        os.close(self.output)
        self._spawner.give_back(self.control, self._clean)


class Spawner:
    """Starts programs through one spawner process, which is started when needed and anew when it died. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._idle: list[socket.socket] = []

    def start(self, request: bytes) -> SpawnedProgram:
        """Hand a request (see `request_bytes`) to a keeper. Raises OSError if there can be none."""
        reading, writing = os.pipe()
        try:
            control = self._hand_over(request, writing)
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        os.set_blocking(reading, False)
        return SpawnedProgram(self, control, reading)

    def _hand_over(self, request: bytes, writing: int) -> socket.socket:
        message = b"".join((b"R", LENGTH.pack(len(request)), request))
        while True:
            with self._lock:
                control, fresh = (self._idle.pop(), False) if self._idle else (self._new_keeper(), True)
            try:
                sent = socket.send_fds(control, [message], [writing])
                if sent < len(message):
                    control.sendall(memoryview(message)[sent:])
                return control
            except OSError:  # an idle keeper that died meanwhile
                control.close()
                if fresh:
                    raise

    def _new_keeper(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            try:
                if self._socket is None or self._process is None or self._process.poll() is not None:
                    self._begin()
                assert self._socket is not None
                socket.send_fds(self._socket, [b"k"], [theirs.fileno()])
            except OSError:
                ours.close()
                self._end()
                raise
        return ours

    def _begin(self) -> None:
        self._end()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                own_command("spawner"), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, start_new_session=True, cwd="/"
            )

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._socket = self._process = None

    def give_back(self, control: socket.socket, usable: bool) -> None:
        with self._lock:
            if usable and len(self._idle) < _MOST_IDLE:
                self._idle.append(control)
                return
        control.close()

    def close(self) -> None:
        """End the spawner and all idle keepers. May be called twice; a later `start` begins anew."""
        with self._lock:
            for control in self._idle:
                control.close()
            self._idle.clear()
            self._end()

    def process_id(self) -> int | None:
        """Of the spawner process, None while there is none."""
        with self._lock:
            return self._process.pid if self._process is not None else None


_spawner: tuple[int, Spawner] | None = None
_making = threading.Lock()


def can_spawn() -> bool:
    """Whether programs can be started through a spawner on this machine."""
    return sys.platform == "linux" and hasattr(os, "posix_spawn") and hasattr(socket, "send_fds")


def spawner() -> Spawner:
    """The spawner of this process; a process that was forked from one that had one gets its own."""
    global _spawner
    with _making:
        if _spawner is None or _spawner[0] != os.getpid():
            _spawner = os.getpid(), Spawner()
            atexit.register(_spawner[1].close)
        return _spawner[1]
