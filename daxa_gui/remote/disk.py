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
_REFUSED = frozenset(
    {errno.EACCES, errno.EROFS, errno.EPERM, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EIO}
)


@contextmanager
def translated_disk_errors(path: Path) -> Iterator[None]:
    """A full or read-only disk while `path` is written, as a sentence. Other errors pass through unchanged."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(path, free_bytes(path)) from error
        if error.errno in _REFUSED:
            raise ArchiveError(f"{path} cannot be written ({error.strerror}).", "Check the permissions of its folder.") from error
        raise


def free_bytes(path: Path) -> int:
    """Free space of the disk that `path` is or will be on."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


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
