"""What can go wrong when files are written, as sentences, and flushing so that a file survives a power cut."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daxa_gui.core.errors import ArchiveError, TransferError

log = logging.getLogger(__name__)

SPARE_BYTES = 64 * 1024 * 1024  # a disk is called full when less than this is left

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
# What concerns everything that is written there, …
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ESTALE, errno.ENOTCONN})
_REFUSED = frozenset({errno.EACCES, errno.EROFS, errno.EPERM, errno.EIO})
# … and what concerns this one file.
_ODD = frozenset({errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EINVAL})


@contextmanager
def translated_disk_errors(path: Path) -> Iterator[None]:
    """A full, read-only or vanished disk while `path` is written, as a sentence. Other errors pass through unchanged."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(path, free_bytes(path)) from error
        if error.errno in _GONE:
            raise _concerns_all(
                f"The folder {path.parent} is gone or its disk does not answer ({error.strerror}).",
                "Connect the disk or put the folder back, then resume the queue.",
            ) from error
        if error.errno in _REFUSED:
            raise _concerns_all(
                f"{path} cannot be written ({error.strerror}).", "Check the permissions of its folder, then resume the queue."
            ) from error
        if error.errno in _ODD:
            raise ArchiveError(f"{path} cannot be written ({error.strerror}).", "Look at what stands in its place.") from error
        raise


def _concerns_all(message: str, hint: str) -> ArchiveError:
    error = ArchiveError(message, hint)
    error.pauses_lane = True
    return error


def free_bytes(path: Path) -> int:
    """Free space of the disk that `path` is or will be on."""
    for folder in path.absolute().parents:
        try:
            return shutil.disk_usage(folder).free
        except (FileNotFoundError, NotADirectoryError):
            continue  # not there yet, or removed a moment ago
    return 0


def check_space(path: Path, needed_bytes: int, spare_bytes: int = SPARE_BYTES) -> None:
    """Raise TransferError unless `needed_bytes` more (and some to spare) fit on the disk of `path`."""
    free = free_bytes(path)
    if free < needed_bytes + spare_bytes:
        raise disk_full(path, free, needed_bytes)


def disk_full(path: Path, free: int, needed_bytes: int = 0) -> TransferError:
    """The disk that holds `path` is full: nothing else of the lane can be saved either."""
    needed = f", {needed_bytes / 1e6:.0f} MB are needed" if needed_bytes else ""
    error = TransferError(
        f"The disk with {path.parent} is full: {free / 1e6:.0f} MB are free{needed}.",
        "Make room on it; the download then goes on where it stopped.",
        retryable=False,
    )
    error.pauses_lane = True
    return error


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut soon (where folders can be flushed: not on Windows)."""
    if os.name == "posix":
        FLUSHER.add(folder)


class Flusher:
    """Brings files that are whole to the disk itself, behind the back of the transfers and a moment later.

    A program that is killed loses nothing without that: the kernel has the bytes. A power cut can cost files of the last
    `delay_s` seconds (kernels alone: of half a minute); the SHA-256 in the manifest tells, and they are fetched again.
    """

    def __init__(self, delay_s: float = 1.0) -> None:
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._paths: dict[Path, None] = {}
        self._thread: threading.Thread | None = None
        self._hurry = threading.Event()

    def add(self, path: Path) -> None:
        """Flush a file or a folder soon; one that is gone by then is left alone."""
        with self._lock:
            self._paths[path] = None
            if self._thread is None:
                self._hurry.clear()
                self._thread = threading.Thread(target=self._work, name="flush", daemon=True)
                self._thread.start()

    def flush_now(self) -> None:
        """Flush all that waits before this returns."""
        self._hurry.set()
        with self._lock:
            paths, self._paths = self._paths, {}
        for path in paths:
            _flush(path)

    def _work(self) -> None:
        while True:
            self._hurry.wait(self._delay_s)
            with self._lock:
                paths, self._paths = self._paths, {}
            for path in paths:
                _flush(path)
            with self._lock:
                if not self._paths:
                    self._thread = None
                    return


def _flush(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("%s could not be opened to flush it: %s", path, error)
        return
    try:
        os.fsync(descriptor)
    except OSError as error:  # nobody waits for it; a verification finds the file
        log.error("%s was fetched but could not be flushed to its disk: %s", path, error)
    finally:
        os.close(descriptor)


FLUSHER = Flusher()
atexit.register(FLUSHER.flush_now)
