"""Second names of products, under which DAXA looks for them in the folder of an observation, without looking into its save file.

A second name is a hard link, or a copy where the disk knows none or DAXA would write into the file instead of replacing it.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from daxa_gui.core.errors import FileError

FOLDER = "daxa"  # below an observation's folder: names of lists that DAXA's merging would move away


@dataclass(frozen=True)
class SecondName:
    """`source` and `target` are absolute. `copy`: DAXA copies over the target, so it must not be the same file. `optional`: it
    is good to have, and in a place that may be closed to us (raw data); nothing that is there already is replaced."""

    source: str
    target: str
    copy: bool = False
    optional: bool = False


def place_all(names: Iterable[SecondName], folders: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Make the names; returns the files that were written and sentences about optional ones that could not be.

    Parameters
    ----------
    folders : those of our own second names; what is in them and not asked for is removed.

    Raises
    ------
    FileError : something cannot be written, or a link stands in its way.
    """
    wanted = list(names)
    targets = {one.target for one in wanted}
    written, told = [], []
    for folder in folders:
        if folder.is_dir() and not folder.is_symlink():
            for path in folder.iterdir():
                if str(path) not in targets and path.is_file():
                    path.unlink()
            if not any(folder.iterdir()):
                folder.rmdir()
    for one in wanted:
        try:
            if _place(one):
                written.append(Path(one.target))
        except OSError as error:
            if not one.optional:
                raise FileError(f"{one.target} cannot be written ({error.strerror or error}).") from error
            told.append(f"DAXA may miss {one.target}: it cannot be written ({error.strerror or error}).")
    return written, told


def _place(one: SecondName) -> bool:
    source, target = Path(one.source), Path(one.target)
    if source == target or source.is_symlink() or not source.is_file():
        return False
    if target.is_symlink() or target.parent.is_symlink():
        raise OSError(errno.ELOOP, "a link stands in its way, and nothing is written to where it leads")
    if target.exists() and (one.optional or (_is_same(source, target) if one.copy else target.samefile(source))):
        return False
    if not one.optional:
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        if one.copy:
            shutil.copyfile(source, part)
        else:
            _link(source, part)
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return True


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # no links on this disk; what is wrong with the disk itself shows when it is copied
        shutil.copyfile(source, target)


def _is_same(one: Path, other: Path) -> bool:
    """Whether two small files have the same content and are two files."""
    return not one.samefile(other) and one.stat().st_size == other.stat().st_size and one.read_bytes() == other.read_bytes()
