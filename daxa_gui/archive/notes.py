"""What is known about an archive as a whole, what a person said about its exposures, and what happened to it."""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

from daxa_gui.archive.failures import sensible
from daxa_gui.archive.part import StorePart
from daxa_gui.archive.rows import typed
from daxa_gui.core.documents import to_json
from daxa_gui.core.exposures import Verdict


@dataclass(frozen=True)
class ArchiveEvent:
    """Something that happened to an archive. `kind` is a word (« trash », « repair » …), `time` seconds since 1970 (UTC)."""

    time: float
    kind: str
    text: str
    mission: str = ""
    obs_id: str = ""


class NotesPart(StorePart):
    def info(self) -> dict[str, Any]:
        with self.database.reading() as connection, sensible(self.layout.database):
            return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM info")}

    def set_info(self, name: str, value: Any) -> None:
        """Remember a plain JSON value under a name."""
        with self.database.writing(durable=True) as connection:
            connection.execute("INSERT OR REPLACE INTO info VALUES (?, ?)", (name, to_json(value)))
        self.write_decisions()

    @abstractmethod
    def write_decisions(self) -> None:
        """Write what a person decided into its file beside the database: `ArchiveStore` knows how."""

    def verdicts(self) -> dict[tuple[str, str, str], Verdict]:
        """By (mission, ObsID, unit)."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT mission, obs_id, unit, state, note, time FROM verdicts").fetchall()
        return {(mission, obs_id, unit): Verdict(*verdict) for mission, obs_id, unit, *verdict in rows}

    def set_verdict(self, mission: str, obs_id: str, unit: str, verdict: Verdict) -> None:
        """Remember what a person decided about an exposure; a state of "" takes it back."""
        with self.database.writing(durable=True) as connection:
            if verdict.state or verdict.note:
                values = (mission, obs_id, unit, verdict.state, verdict.note, verdict.time)
                connection.execute("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", values)
            else:
                connection.execute("DELETE FROM verdicts WHERE mission = ? AND obs_id = ? AND unit = ?", (mission, obs_id, unit))
        self.write_decisions()

    # ---- what happened

    def log_event(self, kind: str, text: str, mission: str = "", obs_id: str = "") -> None:
        with self.database.writing() as connection:
            connection.execute(
                "INSERT INTO events (time, kind, mission, obs_id, text) VALUES (?, ?, ?, ?, ?)",
                (self._now(), kind, mission, obs_id, text),
            )

    def events(self, mission: str = "", obs_id: str = "") -> list[ArchiveEvent]:
        """Oldest first; of one mission or observation if given."""
        given = {name: value for name, value in (("mission", mission), ("obs_id", obs_id)) if value}
        where = f" WHERE {' AND '.join(f'{name} = ?' for name in given)}" if given else ""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT time, kind, text, mission, obs_id FROM events{where} ORDER BY id", tuple(given.values())
            ).fetchall()
        with sensible(self.layout.database):
            return [ArchiveEvent(*typed(row, "rtttt")) for row in rows]

    def note_software(self, name: str, version: str) -> None:
        """Remember that a version of a program was used; the first time counts."""
        with self.database.reading() as connection:
            known = connection.execute("SELECT 1 FROM software WHERE name = ? AND version = ?", (name, version)).fetchone()
        if not known:
            with self.database.writing() as connection:
                connection.execute("INSERT OR IGNORE INTO software VALUES (?, ?, ?)", (name, version, self._now()))

    def software(self) -> list[tuple[str, str, float]]:
        """(name, version, first used), oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT name, version, first_used FROM software ORDER BY first_used, name").fetchall()
        with sensible(self.layout.database):
            return [(name, version, first) for name, version, first in (typed(row, "ttr") for row in rows)]
