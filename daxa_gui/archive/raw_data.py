"""Raw data on the disk, which all archives of an output folder share: how much there is, and which archives use them."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daxa_gui.archive.database import read_only
from daxa_gui.archive.layout import ArchiveLayout, OutputLayout
from daxa_gui.archive.rows import mapping
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.registry import resolve
from daxa_gui.missions import MISSIONS

Key = tuple[str, str]  # mission and ObsID; for what several observations share, what stands in place of an ObsID
_UNSAFE = re.compile(r"[^A-Za-z0-9_.+-]+")


@dataclass(frozen=True)
class Amount:
    """Of files below a folder: how many, their bytes, and those of them that no second name (hard link) keeps on the disk."""

    n_files: int = 0
    size_bytes: int = 0
    own_bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(
            self.n_files + other.n_files, self.size_bytes + other.size_bytes, self.own_bytes + other.own_bytes
        )  # fmt: skip


def walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder that is no folder; links are not followed. Nothing if it is not there."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
        else:
            yield entry


def amount(folder: Path) -> Amount:
    """Of the files below a folder, without the program's own notes in it (their names begin with a full stop)."""
    total = Amount()
    for entry in walk(folder):
        if entry.name.startswith("."):
            continue
        status = entry.stat(follow_symlinks=False)
        total += Amount(1, status.st_size, status.st_size if status.st_nlink == 1 else 0)
    return total


def shared_names(mission: str, obs_id: str, row: Mapping[str, Any]) -> set[str]:
    """What an observation's files share with others (INTEGRAL: the revolution), as names of folders below the mission's.

    Rows that do not tell (of other versions, from elsewhere) share nothing.
    """
    spec = MISSIONS.get(mission)
    if spec is None or not spec.files:
        return set()
    try:
        folders = resolve(spec.files)(obs_id, row)
    except (KeyError, TypeError, ValueError, AttributeError, InputError):
        return set()
    return {_UNSAFE.sub("_", folder.shared).strip("._-+")[:80] for folder in folders if folder.shared} - {""}


def needed(connection: sqlite3.Connection, missions: Iterable[str]) -> dict[Key, set[Key]]:
    """For each observation of an archive the raw folders that it uses: its own, and shared ones."""
    result: dict[Key, set[Key]] = {}
    for mission in missions:
        shares = True  # until the first observation shows that those of this mission share nothing
        for obs_id, row in connection.execute("SELECT obs_id, row FROM observations WHERE mission = ?", (mission,)):
            names = shared_names(mission, obs_id, mapping(row)) if shares else set()
            shares = bool(names)
            result[mission, obs_id] = {(mission, obs_id), *((mission, name) for name in names)}
    return result


def users(layout: ArchiveLayout, keys: set[Key]) -> dict[str, str]:
    """Other archives of the output folder that use one of these raw folders: name and, if it cannot be read, why."""
    found = {}
    missions = {mission for mission, _ in keys}
    for folder in OutputLayout(layout.output).archive_folders():
        if folder.resolve() == layout.folder.resolve():
            continue
        other = ArchiveLayout(layout.output, folder)
        try:
            with read_only(other.database) as connection:
                uses = needed(connection, missions).values()
                if any(not keys.isdisjoint(one) for one in uses):
                    found[other.name] = ""
        except (ArchiveError, json.JSONDecodeError, TypeError) as error:
            found[other.name] = str(error)
    return found
