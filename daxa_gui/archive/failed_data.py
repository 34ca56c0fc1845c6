"""Observations of which nothing succeeded: their folder moves to failed_data, as DAXA does it, and comes back for another try.

A move is written down before it begins and crossed out in the transaction in which the paths in the database follow, so a program
that dies in between finishes it when the archive is opened the next time.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Mapping
from pathlib import Path

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.layout import FAILED, PROCESSED, ArchiveLayout
from daxa_gui.archive.own_places import check_own
from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import ArchiveError

Observation = tuple[str, str]  # mission, ObsID
INTENT = "moving"  # entry of the table `info` while a folder is moved
_BUSY = "state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped')"
_TABLES = ("products", "history", "product_spans")


class FailedData:
    """Safe from any thread: one folder moves at a time."""

    def __init__(self, layout: ArchiveLayout, database: Database) -> None:
        self._layout, self._database = layout, database
        self._lock = threading.Lock()

    def _intent(self) -> tuple[str] | None:
        with self._database.reading() as connection:
            row: tuple[str] | None = connection.execute("SELECT value FROM info WHERE name = ?", (INTENT,)).fetchone()
        return row

    def is_interrupted(self) -> bool:
        """Whether a move was begun and not finished."""
        return self._intent() is not None

    def finish_interrupted(self) -> None:
        """Do what a program that died in the middle of a move had begun."""
        with self._lock:
            row = self._intent()
            if row is None:
                return
            with sensible(self._layout.database):
                intent = json.loads(row[0])
                mission, obs_id, to_failed = str(intent["mission"]), str(intent["obs_id"]), bool(intent["to_failed"])
            self._carry_out(mission, obs_id, to_failed)

    def settle(self, success: Mapping[Observation, bool | None]) -> list[Observation]:
        """Move every observation to where it belongs: failed_data if its success is False, processed_data otherwise. Those with
        unfinished jobs stay. Returns the ones that were moved."""
        self.finish_interrupted()  # a move that a full disk stopped half way
        failed = self._in_failed()
        moves = {one: False for one in failed if success.get(one, False) is not False}
        moves |= {one: True for one, value in success.items() if value is False and self._layout.processed_folder(*one).is_dir()}
        moved = []
        for (mission, obs_id), to_failed in moves.items():
            with self._lock:
                if not self._is_busy(mission, obs_id):
                    self._move(mission, obs_id, to_failed=to_failed)
                    moved.append((mission, obs_id))
        return moved

    def _in_failed(self) -> list[Observation]:
        folder = self._layout.folder / FAILED
        missions = [entry for entry in folder.iterdir() if entry.is_dir()] if folder.is_dir() else []
        return [(mission.name, entry.name) for mission in missions for entry in mission.iterdir() if entry.is_dir()]

    def bring_back(self, mission: str, obs_id: str) -> None:
        """Have an observation in processed_data, because something is going to be done with it."""
        if self._layout.failed_folder(mission, obs_id).is_dir():
            with self._lock:
                if self._layout.failed_folder(mission, obs_id).is_dir():
                    self._move(mission, obs_id, to_failed=False)

    def _folders(self, mission: str, obs_id: str, *, to_failed: bool) -> tuple[Path, Path]:
        """From where to where."""
        processed, failed = self._layout.processed_folder(mission, obs_id), self._layout.failed_folder(mission, obs_id)
        return (processed, failed) if to_failed else (failed, processed)

    def _is_busy(self, mission: str, obs_id: str) -> bool:
        with self._database.reading() as connection:
            query = f"SELECT 1 FROM jobs WHERE {_BUSY} AND mission = ? AND obs_id = ? LIMIT 1"
            return connection.execute(query, (mission, obs_id)).fetchone() is not None

    def _move(self, mission: str, obs_id: str, *, to_failed: bool) -> None:
        intent = {"mission": mission, "obs_id": obs_id, "to_failed": to_failed}
        with self._database.writing(durable=True) as connection:
            connection.execute("INSERT OR REPLACE INTO info VALUES (?, ?)", (INTENT, to_json(intent)))
        self._carry_out(mission, obs_id, to_failed)

    def _carry_out(self, mission: str, obs_id: str, to_failed: bool) -> None:
        source, target = self._folders(mission, obs_id, to_failed=to_failed)
        with translated(self._layout.folder):
            check_own(self._layout, source, target)
            if source.is_symlink() or target.is_symlink():
                raise ArchiveError(f"{source} or {target} is a link; the data of {obs_id} are not moved.", "Put a folder there.")
            if source.is_dir():
                _merge(source, target)
        old, new = (PROCESSED, FAILED) if to_failed else (FAILED, PROCESSED)
        with self._database.writing(durable=True) as connection:
            for table in _TABLES:
                _follow(connection, table, f"archive:{old}/{mission}/{obs_id}/", f"archive:{new}/{mission}/{obs_id}/")
            connection.execute("DELETE FROM info WHERE name = ?", (INTENT,))


def _follow(connection: sqlite3.Connection, table: str, old: str, new: str) -> None:
    """Let the paths of a table that begin with `old` (which ends with a slash) begin with `new`."""
    behind = old[:-1] + chr(ord("/") + 1)
    connection.execute(
        f"UPDATE OR REPLACE {table} SET path = ? || substr(path, ?) WHERE path >= ? AND path < ?",
        (new, len(old) + 1, old, behind),
    )


def _merge(source: Path, target: Path) -> None:
    """Move a folder; where the target is there already, file by file (the moved ones win). Doing it again does the rest."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        source.rename(target)
        return
    for entry in sorted(source.iterdir()):
        place = target / entry.name
        if entry.is_dir() and not entry.is_symlink() and place.is_dir() and not place.is_symlink():
            _merge(entry, place)
            continue
        entry.replace(place)
        entry.unlink(missing_ok=True)  # two names of one file (downloaded products): POSIX lets both stand
    source.rmdir()
