"""A script as a file of its own, which may have a hundred million characters: written as it is made, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from daxa_gui.core.errors import FileError


def write_script(path: Path, parts: Iterable[str]) -> None:
    """An executable file of these texts, one after the other; what fails leaves what was there before. A link leads to the file
    that is written; a pipe or a terminal (/dev/stdout) is written to as it is.

    Raises
    ------
    FileError : it cannot be written there, or a text has characters that no file can have.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("w", encoding="utf-8", errors="surrogateescape") as stream:
                stream.writelines(parts)
        else:
            _write_whole(Path(os.path.realpath(path)), parts)
    except OSError as error:
        reason = error.strerror or str(error)
        raise FileError(f"The script cannot be written to {path}: {reason}.", "Choose another file or folder.") from error
    except UnicodeEncodeError as error:
        raise FileError(
            f"The script cannot be written to {path}: the name of a file or folder in it is not text.",
            "Rename what has that name.",
        ) from error


def _write_whole(path: Path, parts: Iterable[str]) -> None:
    # Under a name that nobody else has: a file « ….part » beside it may be somebody's.
    descriptor, name = tempfile.mkstemp(prefix=".script-", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        # names of files that are no UTF-8 are written as the bytes that they are
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.writelines(parts)
        part.chmod(0o755)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
