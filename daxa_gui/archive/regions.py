"""Regions of an archive's observations: one DS9 file each, at DAXA's place, and a row that says what is in it.

A file that is replaced or removed keeps its content beside it, as `source_regions_radec.reg.1`, `.2` … (the largest number is
the newest); nothing of a person's work is ever lost. What the lines mean is decided by whoever calls (see `region_sets`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.own_places import check_own
from daxa_gui.archive.rows import texts, typed
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_queries import RegionSet
from daxa_gui.core.errors import ArchiveError, InputError

REGIONS = "regions"
REGION_FILE = "source_regions_radec.reg"
_COLUMNS = "mission, obs_id, path, n_regions, verbatim, source, added"


class ArchiveRegions:
    """Methods may be called from any thread; those that write raise ArchiveError for an archive that can be looked at only."""

    def __init__(self, store: ArchiveStore) -> None:
        self._store = store
        self._layout = store.layout

    def path(self, mission: str, obs_id: str) -> Path:
        """Where the regions of an observation are, whether there are any or not. Raises InputError for names that cannot be."""
        self._layout.processed_folder(mission, obs_id)  # refuses what could not become a folder
        return self._layout.absolute(f"archive:{REGIONS}/{mission}/{obs_id}/{REGION_FILE}")

    def regions(self, mission: str = "", obs_id: str = "") -> list[RegionSet]:
        """By mission and ObsID; of one mission or one observation if given."""
        given = {name: value for name, value in (("mission", mission), ("obs_id", obs_id)) if value}
        where = f" WHERE {' AND '.join(f'{name} = ?' for name in given)}" if given else ""
        with self._store.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM regions{where} ORDER BY mission, obs_id", tuple(given.values())
            ).fetchall()
        found = []
        with sensible(self._layout.database):
            for row in rows:
                name, obs, path, count, verbatim, source, added = typed(row, "tttittr")
                found.append(RegionSet(name, obs, str(self._layout.absolute(path)), count, texts(verbatim), source, added))
        return found

    def set(
        self, mission: str, obs_id: str, text: str, n_regions: int, verbatim: Sequence[str] = (), source: str = ""
    ) -> RegionSet:
        """Make `text` (a DS9 file) the regions of an observation.

        Raises
        ------
        InputError : the archive is not about this observation.
        ArchiveError : it cannot be written; then everything is as before.
        """
        self._check(mission, obs_id)
        path = self.path(mission, obs_id)
        check_own(self._layout, path)
        with self._store.database.writing(durable=True) as connection:
            added = self._store._now()
            connection.execute(
                f"INSERT OR REPLACE INTO regions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (mission, obs_id, self._stored(path), n_regions, json.dumps(list(verbatim)), source, added),
            )
            said = f"{n_regions} regions from {source or 'shapes that were drawn'}"
            self._log(connection, added, mission, obs_id, f"Regions set: {said}.")
            with translated(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                _keep(path)
                _replace(path, text)
        return RegionSet(mission, obs_id, str(path), n_regions, tuple(verbatim), source, added)

    def remove(self, mission: str, obs_id: str) -> None:
        """Take the regions of an observation away; what they were stays beside (see `previous`). Without any nothing happens."""
        self._check(mission, obs_id)
        path = self.path(mission, obs_id)
        check_own(self._layout, path)
        with self._store.database.writing(durable=True) as connection:
            gone = connection.execute("DELETE FROM regions WHERE mission = ? AND obs_id = ?", (mission, obs_id)).rowcount
            if gone or path.exists():
                self._log(connection, self._store._now(), mission, obs_id, "Regions removed.")
            with translated(path):
                _keep(path)
                path.unlink(missing_ok=True)

    def note(self, found: Sequence[RegionSet]) -> None:
        """Remember regions whose files lie at their places already (they came with an archive); no file is touched."""
        with self._store.database.writing() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO regions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.mission, one.obs_id, self._stored(self.path(one.mission, one.obs_id)), one.n_regions,
                        json.dumps(list(one.verbatim)), one.source, one.added,
                    )
                    for one in found
                ],
            )  # fmt: skip

    def previous(self, mission: str, obs_id: str) -> list[Path]:
        """Files with what the regions were earlier, newest first."""
        path = self.path(mission, obs_id)
        if not path.parent.is_dir():
            return []
        numbered = [(number, entry) for entry in path.parent.iterdir() if (number := _number(entry)) and not entry.is_symlink()]
        return [entry for _, entry in sorted(numbered, reverse=True)]

    def _stored(self, path: Path) -> str:
        return f"archive:{REGIONS}/{path.parent.parent.name}/{path.parent.name}/{path.name}"

    def _check(self, mission: str, obs_id: str) -> None:
        if reason := self._store.read_only_reason:
            raise ArchiveError(reason, "Nothing was changed.")
        if self._store.observation(mission, obs_id) is None:
            raise InputError(f"The archive {self._layout.name} has no observation {mission} {obs_id}.", "Choose one that it has.")

    @staticmethod
    def _log(connection: sqlite3.Connection, time: float, mission: str, obs_id: str, text: str) -> None:
        connection.execute(
            "INSERT INTO events (time, kind, mission, obs_id, text) VALUES (?, 'regions', ?, ?, ?)", (time, mission, obs_id, text)
        )


def _number(path: Path) -> int:
    match = re.fullmatch(rf"{re.escape(REGION_FILE)}\.(\d{{1,9}})", path.name)
    return int(match[1]) if match else 0


def _keep(path: Path) -> None:
    """Give what is there a second name that stays when the first one gets another content."""
    if path.is_symlink():
        path.unlink()  # it leads to somebody else's file, which stays as it is
        return
    if not path.is_file():
        return
    target = path.with_name(f"{path.name}.{max((_number(entry) for entry in path.parent.iterdir()), default=0) + 1}")
    try:
        os.link(path, target)
    except OSError:  # a file system without hard links; what is wrong with the disk itself shows when it is copied
        shutil.copyfile(path, target)


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with part.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:  # on a full disk half a file would only take room
        part.unlink(missing_ok=True)
        raise
