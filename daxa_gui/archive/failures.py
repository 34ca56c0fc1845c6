"""What the operating system and SQLite complain about, as sentences for a person."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from daxa_gui.core.errors import ArchiveError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def _full(path: str | Path) -> ArchiveError:
    error = ArchiveError(
        f"There is no space left to write {path}.", "Free some space on this disk, then resume the queue.", retryable=True
    )
    error.pauses_lane = True
    return error


def _forbidden(path: str | Path) -> ArchiveError:
    return ArchiveError(f"{path} cannot be written.", "Check the permissions of the folder and whether its disk is read-only.")


def os_failure(error: OSError, path: str | Path) -> ArchiveError:
    """The sentence for an OSError while `path` was read or written."""
    if error.errno in _FULL:
        return _full(path)
    if error.errno in _FORBIDDEN:
        return _forbidden(path)
    if error.errno == errno.ENOENT:
        return ArchiveError(f"{error.filename or path} is not there.", "It may have been moved or deleted.")
    return ArchiveError(f"{path} cannot be read or written: {error.strerror or error}.")


def sqlite_failure(error: sqlite3.Error, path: Path) -> ArchiveError:
    """The sentence for an error of SQLite in the database `path`."""
    text = str(error).lower()
    if "full" in text:
        return _full(path)
    if "readonly" in text or "read-only" in text or "unable to open" in text:
        return _forbidden(path)
    if "not a database" in text or "malformed" in text or "encrypted" in text:
        return ArchiveError(
            f"The archive's database {path} is damaged ({error}).",
            "« daxa-gui verify --repair » makes it anew from the archive's files.",
        )
    if "disk i/o error" in text:
        failure = ArchiveError(
            f"The disk reports an error for the archive's database {path}.",
            "Check the disk and its free space, then resume the queue.",
            retryable=True,
        )
        failure.pauses_lane = True
        return failure
    if "locked" in text or "busy" in text:
        return ArchiveError(f"The archive's database {path} is in use by another program.", retryable=True)
    if "closed" in text:
        return ArchiveError(f"The archive {path.parent} is closed.")
    return ArchiveError(f"The archive's database {path} cannot be used: {error}.")


class translated:
    """Raise ArchiveError for what goes wrong inside with the disk or the database at `path`.

    (Used like a function; as a class it costs a third of what a generator does, and each job passes some twenty.)
    """

    __slots__ = ("_path",)

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, sqlite3.Error):
            raise sqlite_failure(error, self._path) from error
        if isinstance(error, OSError):
            raise os_failure(error, error.filename or self._path) from error


@contextmanager
def sensible(path: Path) -> Iterator[None]:
    """Raise ArchiveError for what is found in the database at `path` and cannot be what this program wrote."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise ArchiveError(
            f"The archive's database {path} holds something that makes no sense ({type(error).__name__}: {error}).",
            "« daxa-gui verify --repair » makes it anew from the archive's files.",
        ) from error
