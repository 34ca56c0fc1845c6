"""One transfer at a time for one file: among the threads of this program and among programs that share a folder."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daxa_gui.core.step import TaskContext
from daxa_gui.remote.disk import translated_disk_errors

LOOK_S = 0.1
_NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS})

_guard = threading.Lock()
_claimed: set[str] = set()


@contextmanager
def claimed(part: Path, ctx: TaskContext) -> Iterator[None]:
    """Hold `part` (a file that is being downloaded) alone; wait, cancellably, while somebody else does.

    The claim ends with the program, however it dies. File systems without locks only keep the threads apart.
    """
    with translated_disk_errors(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    name = os.path.realpath(part)
    _wait(lambda: _claim_here(name), ctx)
    try:
        with _locked(part.with_name(part.name + ".lock"), ctx):
            yield
    finally:
        with _guard:
            _claimed.discard(name)


def _wait(attempt: Callable[[], bool], ctx: TaskContext) -> None:
    told = False
    while not attempt():
        if not told:
            ctx.progress(0.0, None, "waits for another download of the same file")
            told = True
        ctx.check_cancelled()
        time.sleep(LOOK_S)


def _claim_here(name: str) -> bool:
    with _guard:
        if name in _claimed:
            return False
        _claimed.add(name)
        return True


@contextmanager
def _locked(path: Path, ctx: TaskContext) -> Iterator[None]:
    """Hold a lock file that other programs respect."""
    if sys.platform == "win32":
        yield
        return
    held: list[int] = []

    def attempt() -> bool:
        descriptor = _try_lock(path)
        if descriptor is not None:
            held.append(descriptor)
        return descriptor is not None

    _wait(attempt, ctx)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)  # while the lock is held: who waits for the old file notices that it is gone
        os.close(held[0])


if sys.platform != "win32":
    import fcntl

    def _try_lock(path: Path) -> int | None:
        """An open descriptor that holds the lock of `path`, None if somebody else has it."""
        with translated_disk_errors(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                os.close(descriptor)
                raise
            return descriptor
        try:
            if path.stat().st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        except FileNotFoundError:
            pass  # its holder removed it between our opening and our locking: try again with a new one
        os.close(descriptor)
        return None
