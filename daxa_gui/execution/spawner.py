"""Starts external programs for us and ends all of each: its group, what it left behind, and what left its group or session.

Used as a script, so it imports nothing of ours; Linux only. It is a process of its own because a program that is killed cannot
clean up after itself, and because of two things that only the parent of a program can do: be the one to which the kernel gives
what a program leaves behind (a « child subreaper »), and start it from a small process quickly.

The spawner only makes keepers: for each message on its standard input (a socket that carries one end of a further socket) it
forks one. A keeper runs one program after the other, each told by a message on its own socket:

    to a keeper     R, length (8 bytes), a request (see `_Request`), with the file descriptor that takes the output
                    T: ask all of the running program to end (SIGTERM);  K: kill it;  the end of the socket: both in turn
    from a keeper   S: the program begins now;  F, the error number of what failed and where (0 folder, 1 program);
                    X, the exit code (128 + n if signal n ended it) and whether nothing of the program is left (1) or something
                    could not be killed (0): each is a letter, a signed number of 4 bytes and a byte
"""

# pathlib would double the time that it takes to start
# ruff: noqa: PTH110, PTH123, PTH208
from __future__ import annotations

import gc
import os
import select
import signal
import socket
import struct
import sys
import time
from contextlib import suppress

GRACE_S = 5.0  # between SIGTERM and SIGKILL once nobody is there to say when
REPLY = struct.Struct("!ciB")
LENGTH = struct.Struct("!Q")
_DESCRIPTOR = struct.Struct("i")
IN_FOLDER, IN_PROGRAM = 0, 1
_SWEEP_S = 10.0
_REAP_S = 2.0
_PR_SET_CHILD_SUBREAPER = 36
_CHUNK_BYTES = 1 << 16  # more than most requests have; a buffer of this size is made for each


class _Gone(Exception):
    """The other side of a socket is gone."""


class _Request:
    """What to run: fields with a zero byte behind each: folder, program, number of arguments, arguments, variables."""

    def __init__(self, data: bytes) -> None:
        self.folder, self.program, count, *fields = data.split(b"\0")[:-1]
        number = int(count)
        self.argv = fields[:number]
        self.environment = dict(field.split(b"=", 1) for field in fields[number:])


def become_subreaper() -> None:
    """What children of ours leave behind becomes our child, not that of process 1."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children_of(pid: int) -> list[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        found: list[int] = []
        for task in tasks:
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:
                found += map(int, file.read().split())
        return found
    except FileNotFoundError:
        # it ended meanwhile, or the kernel keeps no such lists
        return _children_by_parent(pid) if os.path.exists(f"/proc/{pid}/stat") else []
    except ProcessLookupError:
        return []


def _children_by_parent(pid: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                parent = int(file.read().rpartition(b")")[2].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid:
            found.append(int(name))
    return found


def descendants_of(pid: int) -> list[int]:
    found, todo = [], [pid]
    while todo:
        children = children_of(todo.pop())
        found += children
        todo += children
    return found


def _signal(number: int, group: int, without: frozenset[int] = frozenset()) -> None:
    """Send a signal to a group and to all that we descend to, whatever their group."""
    for send, target in ((os.killpg, group), *((os.kill, pid) for pid in descendants_of(os.getpid()) if pid not in without)):
        try:
            if target:
                send(target, number)
        except (ProcessLookupError, PermissionError):  # ended meanwhile; a program of another user that may do as it likes
            continue


def _sweep(without: frozenset[int] = frozenset()) -> bool:
    """Kill all that is left below us and wait for its end; false if something cannot be killed."""
    end = time.monotonic() + _SWEEP_S
    while time.monotonic() < end:
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return True
        if without and not set(children_of(os.getpid())) - without:
            return True
        _signal(signal.SIGKILL, 0, without)
        time.sleep(0.002)
    return False


def _pidfd(pid: int) -> int:
    """A descriptor that is readable once the process has ended; -1 where the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def _receive(sock: socket.socket, most_bytes: int, flags: int = 0) -> tuple[bytes, int]:
    """Data and the file descriptor that came with it, -1 if none did. (`socket.recv_fds` takes flags and does not use them.)"""
    flags |= socket.MSG_CMSG_CLOEXEC  # no program shall get it
    data, ancillary, _, _ = sock.recvmsg(most_bytes, socket.CMSG_LEN(_DESCRIPTOR.size), flags)
    for level, kind, content in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS) and len(content) >= _DESCRIPTOR.size:
            return data, int(_DESCRIPTOR.unpack(content[: _DESCRIPTOR.size])[0])
    return data, -1


class _Keeper:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._received = bytearray()
        self._output = -1

    def run(self) -> None:
        try:
            while self._one_program():
                pass
        except (_Gone, ConnectionError):
            pass

    def _receive(self) -> None:
        data, descriptor = _receive(self._control, _CHUNK_BYTES)
        if descriptor >= 0:
            self._output = descriptor
        if not data:
            raise _Gone
        self._received += data

    def _request(self) -> _Request:
        """The next request; what was said of the last program, too late for it, is passed over."""
        header = 1 + LENGTH.size
        while True:
            while self._received[:1] in (b"T", b"K"):
                del self._received[:1]
            if len(self._received) >= header:
                behind = header + LENGTH.unpack(self._received[1:header])[0]
                if len(self._received) >= behind:
                    data = bytes(self._received[header:behind])
                    del self._received[:behind]
                    return _Request(data)
            self._receive()

    def _tell(self, letter: bytes, number: int, more: int) -> None:
        self._control.sendall(REPLY.pack(letter, number, more))

    def _one_program(self) -> bool:
        request = self._request()
        output, self._output = self._output, -1
        step = IN_FOLDER
        try:
            os.chdir(request.folder)
            step = IN_PROGRAM
            with suppress(ConnectionError):  # `_wait` sees it too, and ends the program
                self._tell(b"S", 0, 0)  # before it does: what may have begun is never begun again without a word
            pid = os.posix_spawn(
                request.program,
                request.argv,
                request.environment,
                file_actions=(
                    (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_DUP2, output, 1),
                    (os.POSIX_SPAWN_DUP2, output, 2),
                ),
                setsid=True,
                setsigmask=(),
                setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),  # Python ignores these two
            )
        except OSError as error:
            self._tell(b"F", error.errno or 0, step)
            return True
        finally:
            os.close(output)
            os.chdir("/")  # nobody shall be kept from taking the folder away
        code = self._wait(pid)
        clean = _sweep()
        self._tell(b"X", code, int(clean))
        return clean

    def _wait(self, pid: int) -> int:
        """Wait for the program's end, obeying what is said meanwhile; its exit code."""
        poll, watched, kill_at, listening = select.poll(), _pidfd(pid), float("inf"), True
        poll.register(self._control, select.POLLIN)
        if watched >= 0:
            poll.register(watched, select.POLLIN)
        pause_ms = _REAP_S * 1000 if watched >= 0 else 10
        try:
            while True:
                poll.poll(min(pause_ms, max(0.0, (kill_at - time.monotonic()) * 1000 + 1)))
                if self._has_ended(pid):
                    break
                if time.monotonic() >= kill_at:
                    _signal(signal.SIGKILL, pid)
                    kill_at = float("inf")
                if listening and not self._obey(pid, poll):
                    listening, kill_at = False, time.monotonic() + GRACE_S
                    poll.unregister(self._control)
                    _signal(signal.SIGTERM, pid)
        finally:
            if watched >= 0:
                os.close(watched)
        _kill_group(pid)  # before its number is free for others
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code if code >= 0 else 128 - code

    def _has_ended(self, pid: int) -> bool:
        """Takes away what else has ended: programs may leave thousands of short ones to us."""
        while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if found.si_pid == pid:
                return True
            os.waitpid(found.si_pid, 0)
        return False

    def _obey(self, pid: int, poll: select.poll) -> bool:
        """Do what was said, if anything; false if nobody is there any more."""
        if not any(descriptor == self._control.fileno() for descriptor, _ in poll.poll(0)):
            return True
        try:
            self._receive()
        except (_Gone, ConnectionError):
            return False
        while self._received[:1] in (b"T", b"K"):
            _signal(signal.SIGTERM if self._received[:1] == b"T" else signal.SIGKILL, pid)
            del self._received[:1]
        return True


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nothing of it is left, or nothing that is ours to kill
        os.killpg(pid, signal.SIGKILL)


class _Spawner:
    def __init__(self) -> None:
        self._server = socket.socket(fileno=0)
        self._poll = select.poll()
        self._poll.register(self._server, select.POLLIN)
        self._keepers: dict[int, int] = {}  # process number → descriptor that tells of its end, -1: none

    def run(self) -> None:
        while True:
            self._poll.poll(_REAP_S * 1000)
            self._reap()
            try:
                data, control = _receive(self._server, 1, socket.MSG_DONTWAIT)
            except BlockingIOError:
                continue
            except ConnectionError:
                return
            if not data:
                return
            self._make_keeper(control)

    def _make_keeper(self, control: int) -> None:
        pid = os.fork()
        if pid:
            os.close(control)
            self._keepers[pid] = _pidfd(pid)
            if self._keepers[pid] >= 0:
                self._poll.register(self._keepers[pid], select.POLLIN)
            return
        code = 1
        try:  # the child never returns
            for descriptor in self._keepers.values():
                if descriptor >= 0:
                    os.close(descriptor)
            null = os.open("/dev/null", os.O_RDONLY)
            os.dup2(null, 0)  # takes the place of the spawner's socket
            os.close(null)
            become_subreaper()
            _Keeper(socket.socket(fileno=control)).run()
            code = 0
        finally:
            if code:
                sys.excepthook(*sys.exc_info())
            os._exit(code)

    def _reap(self) -> None:
        """Take down which keepers have ended; what a keeper that died left running is killed."""
        died = False
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                descriptor = self._keepers.pop(pid, None)
                if descriptor is not None:
                    died = died or status != 0
                    if descriptor >= 0:
                        self._poll.unregister(descriptor)
                        os.close(descriptor)
        except ChildProcessError:
            pass
        if died:
            self._kill_strangers()

    def _kill_strangers(self) -> None:
        """Kill all below us that is neither a keeper nor below one."""
        kept = set(self._keepers)
        todo = [pid for pid in children_of(os.getpid()) if pid not in kept]
        for pid in [*todo, *(below for child in todo for below in descendants_of(child))]:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue


def main(argv: list[str] | None = None) -> int:
    """Serve until the other side of the standard input is gone."""
    become_subreaper()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # nothing here makes cycles, and keepers share what nobody touches
    gc.freeze()
    _Spawner().run()
    return 0


if __name__ == "__main__":
    os._exit(main())
