"""Opening files that somebody else named: a pipe, a device or a folder in the place of a file is refused and never waited for."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from daxa_gui.core.errors import FileError

# Without O_NONBLOCK opening a pipe that nobody writes into would wait for ever. For plain files it changes nothing.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_KINDS = (
    (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip


def open_plain(path: str | Path) -> BinaryIO:
    """A plain file (or what a link to one leads to) for reading. What it is, is asked of the opened file itself, so nobody can
    put something else in its place in between.

    Raises
    ------
    FileError : it is no plain file, or cannot be opened.
    """
    try:
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero byte
        raise cannot_be_read(path, error) from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            what = next((words for is_one, words in _KINDS if is_one(mode)), "something else")
            raise FileError(f"{path} cannot be read: it is {what}, not a file.", "Choose a file.")
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_plain(path: str | Path, most_bytes: int) -> bytes:
    """The content of a plain file.

    Raises
    ------
    FileError : as `open_plain`, it cannot be read, or it has more than `most_bytes` bytes.
    """
    with open_plain(path) as stream:
        try:
            content = stream.read(most_bytes + 1)
        except OSError as error:
            raise cannot_be_read(path, error) from error
    if len(content) > most_bytes:
        raise FileError(
            f"{path} is larger than {most_bytes} bytes and is not read.", "It is no file of the kind that is wanted here."
        )
    return content


def cannot_be_read(path: str | Path, error: OSError | ValueError) -> FileError:
    """A sentence for an error of the system."""
    reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
    return FileError(f"{path} cannot be read: {reason}.", "Check the name and the permissions.")
