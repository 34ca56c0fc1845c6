"""What can go wrong when files are written, as sentences, and flushing so that a file survives a power cut."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daxa_gui.core.errors import ArchiveError, TransferError

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
    """Make renames in `folder` survive a power cut (where folders can be flushed: not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
