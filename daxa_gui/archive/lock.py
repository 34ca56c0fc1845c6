"""One program at a time in an archive. The lock goes away with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
import socket
from pathlib import Path

from daxa_gui.archive.failures import os_failure
from daxa_gui.core.errors import ArchiveError


class ArchiveInUse(ArchiveError):
    """Another program has the archive open."""


class ArchiveLock:
    """Held from construction until `release`. Raises ArchiveInUse if another program (or this one) holds it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        except OSError as error:
            raise os_failure(error, path) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sentence = _held(self._descriptor, path)
            os.close(self._descriptor)
            raise ArchiveInUse(sentence, "Close it there first.") from None
        except OSError as error:
            os.close(self._descriptor)
            raise ArchiveError(
                f"The archive {path.parent} cannot be locked: {error.strerror}.",
                "Its disk may be a network drive without file locks; use a folder on a local disk.",
            ) from error
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)

    def release(self) -> None:
        """Let other programs in. May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def why_locked(path: Path) -> str:
    """A sentence if a program has the archive open whose lock this is; empty if none has, or if that cannot be told."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""  # nobody ever opened it, or it is not for this user to know
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _held(descriptor, path)
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    return ""


def _held(descriptor: int, path: Path) -> str:
    holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
    return f"The archive {path.parent} is open in another program{f' ({holder})' if holder else ''}."
