"""The settings file: JSON, read with suspicion, written whole or not at all, and never lost because it was damaged."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MOST_BYTES = 1024 * 1024  # a thousand times what the program writes


def read_settings_file(path: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """The entries of the file and no sentence; None and no sentence if there is no file; None and a sentence if there is one
    that cannot be read."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is not a file")
        with path.open("rb") as stream:
            data = stream.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise ValueError(f"it is larger than {_MOST_BYTES} bytes")
        stored = json.loads(data.decode("utf-8"))
        if not isinstance(stored, dict):
            raise ValueError("it is not a JSON object")
    except FileNotFoundError:
        return None, []
    except OSError as error:
        return None, [f"The settings file {path} cannot be read ({error.strerror or error}); defaults are used."]
    except (ValueError, RecursionError) as error:
        return None, [
            f"The settings file {path} is damaged ({_short(error)}); defaults are used. "
            f"It is set aside as {path.name}.damaged when settings are next saved."
        ]
    return stored, []


def _short(error: Exception) -> str:
    text = str(error)
    return text if len(text) <= 200 else f"{text[:200]}…"


def write_settings_file(document: Mapping[str, Any], path: Path) -> list[str]:
    """Write the entries; a file in the way that cannot be read is renamed first, which the sentence returned says.

    Raises
    ------
    OSError : it cannot be written; the old file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    target = Path(os.path.realpath(path))  # where people keep their settings elsewhere and link to them
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    descriptor, name = tempfile.mkstemp(prefix=f"{target.name}.", suffix=".part", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        said = _set_aside(target)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    return said


def _set_aside(target: Path) -> list[str]:
    _stored, complaints = read_settings_file(target)
    if not complaints or not target.is_file():
        return []
    number, aside = 1, target.with_name(f"{target.name}.damaged")
    while os.path.lexists(aside):
        number += 1
        aside = target.with_name(f"{target.name}.damaged.{number}")
    target.rename(aside)
    return [f"The settings file was damaged; it was set aside as {aside}, and a new one written."]


def _sync_folder(folder: Path) -> None:
    """So that the rename survives a power cut (folders cannot be flushed on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
