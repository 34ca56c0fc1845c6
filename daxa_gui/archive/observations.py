"""Which observations an archive is about, and the selections that chose them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from daxa_gui.archive.failures import sensible
from daxa_gui.archive.part import ContentChange, StorePart
from daxa_gui.archive.rows import mapping, texts, typed
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import InputError
from daxa_gui.core.selection import Selection

_COLUMNS = "mission, obs_id, target, instruments, row, added, kinds"


class ObservationsPart(StorePart):
    def add_selections(self, chosen: Sequence[tuple[Selection, Sequence[Mapping[str, Any]]]]) -> None:
        """Put the observations of selections into the archive, all or none. With each selection come the catalogue rows of its
        observations, in the order of `obs_ids`.

        An observation that is there already keeps its place; its row, instruments and kinds become the new ones.
        """
        for selection, rows in chosen:
            if len(rows) != len(selection.obs_ids):
                raise InputError(f"{len(selection.obs_ids)} observations of {selection.mission} came with {len(rows)} rows.")
            for obs_id in selection.obs_ids:
                self.layout.raw_folder(selection.mission, obs_id)  # refuses names that could not become a folder
        with self.database.writing(durable=True) as connection:
            for selection, rows in chosen:
                insert_selection(connection, selection, rows, self._now())
            keys = tuple((selection.mission, obs_id) for selection, _ in chosen for obs_id in selection.obs_ids)
            self.tell(connection, ContentChange(observations=keys))
        self.write_documents()

    def selections(self) -> list[Selection]:
        """All selections that were put in, oldest first."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT mission, catalogue_version, obs_ids, instruments, filters, kinds FROM selections ORDER BY id"
            ).fetchall()
        with sensible(self.layout.database):
            return [
                Selection(mission, version, texts(obs_ids), texts(instruments), tuple(json.loads(filters)), texts(kinds))
                for mission, version, obs_ids, instruments, filters, kinds in rows
            ]

    def observations(self) -> list[ArchiveObservation]:
        """By mission and ObsID."""
        with self.database.reading() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM observations ORDER BY mission, obs_id").fetchall()
        with sensible(self.layout.database):
            return [_observation(row) for row in rows]

    def iter_observations(self) -> Iterator[ArchiveObservation]:
        """Like `observations`; only some are in memory at once."""
        with self.database.reading() as connection:
            cursor = connection.execute(f"SELECT {_COLUMNS} FROM observations ORDER BY mission, obs_id")
            while rows := cursor.fetchmany(500):
                with sensible(self.layout.database):
                    found = [_observation(row) for row in rows]
                yield from found

    def observation_names(self) -> list[tuple[str, str]]:
        """(mission, ObsID) of all, in that order."""
        with self.database.reading() as connection:
            return connection.execute("SELECT mission, obs_id FROM observations ORDER BY mission, obs_id").fetchall()

    def some_observations(self, mission: str, obs_ids: Collection[str]) -> list[ArchiveObservation]:
        """Those of a mission that are named and here, by ObsID."""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM observations WHERE mission = ? AND obs_id IN (SELECT value FROM json_each(?))"
                " ORDER BY obs_id",
                (mission, json.dumps(list(obs_ids))),
            ).fetchall()
        with sensible(self.layout.database):
            return [_observation(row) for row in rows]

    def observation(self, mission: str, obs_id: str) -> ArchiveObservation | None:
        """One of them, None if the archive is not about it."""
        with self.database.reading() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM observations WHERE mission = ? AND obs_id = ?", (mission, obs_id)
            ).fetchone()
        with sensible(self.layout.database):
            return None if row is None else _observation(row)


def _observation(row: Sequence[Any]) -> ArchiveObservation:
    mission, obs_id, target, instruments, known, added, kinds = typed(row, "tttttrt")
    return ArchiveObservation(mission, obs_id, target, texts(instruments), mapping(known), added, texts(kinds))


def insert_selection(
    connection: sqlite3.Connection, selection: Selection, rows: Sequence[Mapping[str, Any]], now: float
) -> None:  # fmt: skip
    """Store a selection and its observations, inside a transaction."""
    instruments, kinds = to_json(selection.instruments), to_json([str(kind) for kind in selection.kinds])
    cursor = connection.execute(
        "INSERT INTO selections (mission, catalogue_version, obs_ids, instruments, filters, kinds, added)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            selection.mission, selection.catalogue_version, to_json(selection.obs_ids), instruments,
            to_json(selection.filters), kinds, now,
        ),
    )  # fmt: skip
    connection.executemany(
        "INSERT INTO observations (mission, obs_id, target, instruments, kinds, row, added, selection_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (mission, obs_id) DO UPDATE SET"
        " target = excluded.target, instruments = excluded.instruments, kinds = excluded.kinds, row = excluded.row,"
        " selection_id = excluded.selection_id",
        [
            (
                selection.mission, obs_id, str(row.get("target", "")), instruments, kinds, to_json(dict(row)), now,
                cursor.lastrowid,
            )
            for obs_id, row in zip(selection.obs_ids, rows, strict=True)
        ],
    )  # fmt: skip
