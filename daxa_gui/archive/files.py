"""Downloaded files of an archive, and what was left out."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daxa_gui.archive.failures import sensible
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.part import StorePart
from daxa_gui.archive.placing import Placed
from daxa_gui.archive.rows import mapping, typed
from daxa_gui.core.archive_info import DownloadedFile
from daxa_gui.core.documents import to_json
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.job import Job
from daxa_gui.core.step import Call

COLUMNS = "path, mission, obs_id, unit, kind, instrument, service, url_path, size_bytes, sha256, job_id, date"
_PATTERN = "ttttttttitIr"


class FilesPart(StorePart):
    def files(self, mission: str = "", obs_id: str = "") -> list[DownloadedFile]:
        """Files as they came from the missions' archives, by mission, ObsID and unit; of one mission or observation if given."""
        conditions = {"mission": mission, "obs_id": obs_id}
        given = {name: value for name, value in conditions.items() if value}
        where = f" WHERE {' AND '.join(f'{name} = ?' for name in given)}" if given else ""
        with self.database.reading() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM files{where} ORDER BY mission, obs_id, unit, path", tuple(given.values())
            ).fetchall()
        with sensible(self.layout.database):
            return [self._file(row) for row in rows]

    def _file(self, row: Sequence[Any]) -> DownloadedFile:
        path, mission, obs_id, unit, kind, instrument, service, url_path, size, sha256, _, date = typed(row, _PATTERN)
        place = str(self.layout.absolute(path))
        return DownloadedFile(mission, obs_id, unit, place, kind, instrument, service, url_path, size, sha256, date)

    def _register_file(self, connection: sqlite3.Connection, job: Job, file: Placed) -> None:
        call = job.task.arguments if isinstance(job.task, Call) else {}
        facts = file.made.facts
        register_file(
            connection,
            self.layout,
            file,
            job_id=job.id,
            service=str(facts.get("service") or call.get("service") or ""),
            url_path=str(facts.get("url_path") or call.get("path") or ""),
            date=job.finished or self._now(),
        )

    # ---- what is not fetched

    def left_out(self) -> list[LeftOut]:
        """Observations and files that were chosen and are not fetched, with the reasons."""
        with self.database.reading() as connection:
            rows = connection.execute(
                "SELECT mission, obs_id, reason, unit, proprietary FROM left_out ORDER BY mission, obs_id, unit"
            ).fetchall()
        with sensible(self.layout.database):
            return [_left_out(row) for row in rows]

    def left_out_rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Catalogue rows of observations that were left out, by (mission, ObsID), as they were then."""
        with self.database.reading() as connection:
            rows = connection.execute("SELECT mission, obs_id, row FROM left_out WHERE row <> '{}'").fetchall()
        with sensible(self.layout.database):
            return {(mission, obs_id): mapping(row) for mission, obs_id, row in rows}

    def set_left_out(
        self, left_out: Iterable[LeftOut], rows: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
    ) -> None:  # fmt: skip
        """Replace what is known of what was left out. `rows` are catalogue rows by (mission, ObsID)."""
        with self.database.writing(durable=True) as connection:
            connection.execute("DELETE FROM left_out")
            self._note_left_out(connection, left_out, rows or {})
        self.write_documents()

    def add_left_out(
        self, left_out: Iterable[LeftOut], rows: Mapping[tuple[str, str], Mapping[str, Any]] | None = None
    ) -> None:  # fmt: skip
        """Like `set_left_out`; what was known of other observations and files stays."""
        with self.database.writing(durable=True) as connection:
            self._note_left_out(connection, left_out, rows or {})
        self.write_documents()

    def remove_left_out(self, observations: Iterable[tuple[str, str]]) -> None:
        """Forget that observations (mission, ObsID), or files of theirs, were left out."""
        with self.database.writing(durable=True) as connection:
            connection.executemany("DELETE FROM left_out WHERE mission = ? AND obs_id = ?", list(observations))
        self.write_documents()

    def _note_planned(self, connection: sqlite3.Connection, job: Job) -> None:
        """Remember which files a planning job left out of its observation, in place of those that an earlier plan did. The
        documents follow when the work has come to rest (`renew_documents`)."""
        here = (job.mission, job.obs_id)
        connection.execute("DELETE FROM left_out WHERE mission = ? AND obs_id = ? AND unit <> ''", here)
        left_out = [LeftOut(*here, str(reason), str(unit)) for unit, reason in job.facts.get("left_out", ())]
        self._note_left_out(connection, left_out, {})

    def _note_left_out(
        self, connection: sqlite3.Connection, left_out: Iterable[LeftOut], rows: Mapping[tuple[str, str], Mapping[str, Any]]
    ) -> None:  # fmt: skip
        now = self._now()
        connection.executemany(
            "INSERT OR REPLACE INTO left_out (mission, obs_id, unit, reason, proprietary, row, time)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    one.mission, one.obs_id, one.unit, one.reason, int(one.proprietary),
                    to_json(dict(rows.get((one.mission, one.obs_id), {}))), now,
                )
                for one in left_out
            ],
        )  # fmt: skip


def _left_out(row: Sequence[Any]) -> LeftOut:
    mission, obs_id, reason, unit, proprietary = typed(row, "tttti")
    return LeftOut(mission, obs_id, reason, unit, bool(proprietary))


def unit_of(layout: ArchiveLayout, mission: str, obs_id: str, stored: str) -> str:
    """The path of a raw file below its observation's raw folder; below the mission's for one that observations share."""
    path = stored.removeprefix("output:")
    own, shared = f"{mission}_raw/{obs_id}/", f"{mission}_raw/"
    return path.removeprefix(own) if path.startswith(own) else path.removeprefix(shared)


def register_file(
    connection: sqlite3.Connection, layout: ArchiveLayout, file: Placed, *, job_id: int | None, service: str, url_path: str,
    date: float,
) -> None:  # fmt: skip
    key = file.key
    connection.execute(
        f"INSERT OR REPLACE INTO files ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            file.stored, key.mission, key.obs_id, unit_of(layout, key.mission, key.obs_id, file.stored), str(key.kind),
            key.instrument, service, url_path, file.size_bytes, file.sha256, job_id, date,
        ),
    )  # fmt: skip
