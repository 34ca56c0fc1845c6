"""A script as a file of its own, which may have a hundred million characters: written as it is made, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from daxa_gui.core.errors import FileError


def write_script(path: Path, parts: Iterable[str]) -> None:
    """An executable file of these texts, one after the other; raises FileError. What fails leaves what was there before."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.writelines(parts)
        part.chmod(0o755)
        part.replace(path)
    except OSError as error:
        raise FileError(f"The script cannot be written to {path}: {error.strerror}.", "Choose another folder.") from error
    finally:
        part.unlink(missing_ok=True)
