"""An archive's database made anew from what lies on the disk, for when it is gone or damaged.

Sources, the best first: `archive.json` and `decisions.json` (what the archive is about, what people decided), `journal.jsonl`
(jobs that succeeded and what they made), the manifests of the raw folders, the names of products, region files, the trash. DAXA's
own `.save_info` tells of the observations where `archive.json` is gone too. Not on the disk, so lost: jobs that did not succeed,
earlier versions, the list of events.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from daxa_gui.archive import archive_documents, schema
from daxa_gui.archive.archive_documents import ARCHIVE_FILE, DECISIONS_FILE
from daxa_gui.archive.failures import translated
from daxa_gui.archive.files import register_file
from daxa_gui.archive.journal import JOURNAL_FILE, journal_lines, key_of
from daxa_gui.archive.layout import FAILED, PROCESSED, ArchiveLayout
from daxa_gui.archive.observations import insert_selection
from daxa_gui.archive.on_disk import observations_on_disk
from daxa_gui.archive.placing import Placed
from daxa_gui.archive.products import register
from daxa_gui.archive.trash import ENTRY_FILE, TRASH, checked, packed
from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import MadeFile

_WRONG = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)
_SHAPES = re.compile(r"\s*-?(circle|ellipse|box|annulus|polygon|point|line|vector|ruler|text|panda|epanda|bpanda)\s*\(", re.I)
LOST = "Jobs that did not succeed, earlier versions and the list of events are not on the disk; they are lost."


def rebuild(layout: ArchiveLayout, now: Callable[[], float]) -> list[str]:
    """Make the database anew; the old one stays beside it as `daxa_gui.sqlite.damaged-<date>`. Sentences about what was found.

    Until the last moment the archive stays as it was. Nobody else may have it open (see `ArchiveLock`).
    """
    fresh = layout.database.with_name(layout.database.name + ".rebuilt")
    with translated(fresh):
        for suffix in ("", "-wal", "-shm", "-journal"):
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
        connection = sqlite3.connect(fresh, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute("PRAGMA synchronous = FULL")
            schema.prepare(connection, fresh)
            connection.execute("BEGIN IMMEDIATE")
            told = _fill(layout, connection, now())
            connection.execute("COMMIT")
        finally:
            connection.close()
        told += _exchange(layout, fresh)
    return told


def _exchange(layout: ArchiveLayout, fresh: Path) -> list[str]:
    """Put the new database where the old one was. The log of the old one must not be taken for one of the new one."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    told = []
    for suffix in ("-wal", "-shm", "-journal", ""):
        old = layout.database.with_name(layout.database.name + suffix)
        if old.exists():
            kept = layout.database.with_name(f"{layout.database.name}.damaged-{stamp}{suffix}")
            old.rename(kept)
            if not suffix:
                told.append(f"The damaged database is kept as {kept.name}.")
    fresh.replace(layout.database)
    descriptor = os.open(layout.folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return told


def _fill(layout: ArchiveLayout, connection: sqlite3.Connection, now: float) -> list[str]:
    told = []
    if not _contents(layout, connection):
        told.append(f"{ARCHIVE_FILE} is not there or damaged: filters and catalogue rows of the observations are lost.")
        _observations_without_rows(layout, connection, now)
    if not _decisions(layout, connection, now):
        told.append(f"{DECISIONS_FILE} is not there or damaged: verdicts and limits that people set are lost.")
    n_jobs = _journal(layout, connection)
    told.append(f"{n_jobs} jobs that had succeeded were found in {JOURNAL_FILE}.")
    _regions(layout, connection)
    _trash(layout, connection)
    # Raw data that are not there were deleted by somebody: they are fetched again when that is asked for, and not before.
    connection.execute(
        "UPDATE jobs SET stale = 1 WHERE kind = 'download' AND NOT EXISTS (SELECT 1 FROM files WHERE job_id = jobs.id)"
    )
    return [*told, LOST]


# ---- what the archive is about


def _read_json(path: Path) -> dict[str, Any]:
    """A JSON object; ValueError for anything else."""
    try:
        value = json.loads(path.read_text(encoding="ascii"))
    except OSError as error:
        raise ValueError(str(error)) from error
    if not isinstance(value, dict):
        raise ValueError("it is something else")
    return value


def _contents(layout: ArchiveLayout, connection: sqlite3.Connection) -> bool:
    try:
        document = _read_json(layout.folder / ARCHIVE_FILE)
        large = archive_documents.unpacked(document["contents"])
        rows = {name: [tuple(row) for row in large[name]] for name in archive_documents.TABLES}
        for _, mission, _, obs_ids, *_ in rows["selections"]:
            for obs_id in json.loads(obs_ids):
                layout.raw_folder(mission, obs_id)  # refuses names that could not become a folder
        for mission, obs_id, *_ in rows["observations"]:
            layout.raw_folder(mission, obs_id)
    except (*_WRONG, InputError):
        return False
    connection.execute("SAVEPOINT contents")
    try:
        for name, columns in archive_documents.TABLES.items():
            marks = ", ".join("?" * len(columns.split(",")))
            connection.executemany(f"INSERT INTO {name} ({columns}) VALUES ({marks})", rows[name])
        for name in ("name", "created", "version"):
            _set_info(connection, name, document[name])
    except (*_WRONG, sqlite3.Error):
        connection.execute("ROLLBACK TO contents")
        return False
    finally:
        connection.execute("RELEASE contents")
    return True


def _observations_without_rows(layout: ArchiveLayout, connection: sqlite3.Connection, now: float) -> None:
    """From DAXA's save files, and from the folders that there are."""
    missions: dict[str, dict[str, None]] = {}
    instruments: dict[str, tuple[str, ...]] = {}
    for path in sorted((layout.folder / ".save_info").glob("*_state.json")):
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            name = str(values["name"])
            missions.setdefault(name, {}).update(dict.fromkeys(map(str, values["selected_obs"])))
            instruments[name] = tuple(map(str, values.get("chos_inst") or ()))
        except (OSError, *_WRONG):
            continue
    for mission, obs_id in observations_on_disk(layout):
        missions.setdefault(mission, {})[obs_id] = None
    for mission, obs_ids in missions.items():
        usable = [obs_id for obs_id in obs_ids if _is_name(layout, mission, obs_id)]
        if usable:
            selection = Selection(mission, "", tuple(usable), instruments.get(mission, ()))
            insert_selection(connection, selection, [{"obs_id": obs_id} for obs_id in usable], now)
    _set_info(connection, "name", layout.name)
    _set_info(connection, "created", layout.folder.stat().st_ctime)


def _is_name(layout: ArchiveLayout, mission: str, obs_id: str) -> bool:
    try:
        layout.raw_folder(mission, obs_id)
    except InputError:
        return False
    return True


def _set_info(connection: sqlite3.Connection, name: str, value: Any) -> None:
    connection.execute("INSERT OR REPLACE INTO info VALUES (?, ?)", (name, to_json(value)))


def _decisions(layout: ArchiveLayout, connection: sqlite3.Connection, now: float) -> bool:
    try:
        document = _read_json(layout.folder / DECISIONS_FILE)
        info = {str(name): value for name, value in document["info"].items()}
        verdicts = [
            (str(mission), str(obs_id), str(unit), str(state), str(note), float(time))
            for mission, obs_id, unit, state, note, time in document["verdicts"]
        ]
    except _WRONG:
        return False
    for name, value in info.items():
        _set_info(connection, name, value)
    connection.executemany("INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?, ?)", verdicts)
    return True


# ---- what was done


def _journal(layout: ArchiveLayout, connection: sqlite3.Connection) -> int:
    """Jobs, files, products and history, as far as their files are there."""
    ids = set()
    needs: dict[int, tuple[int, ...]] = {}
    for line in journal_lines(layout.folder / JOURNAL_FILE):
        try:
            job = line["job"]
            job_id = int(job["id"])
            rows = [_placed(layout, values) for name in ("files", "products") for values in line[name]]
            n_files = len(line["files"])
            _insert_job(connection, job)
            needs[job_id] = tuple(map(int, job["needs"]))
            _insert_files(layout, connection, line, rows[:n_files], rows[n_files:])
            ids.add(job_id)
        except (*_WRONG, ArchiveError, InputError, sqlite3.Error):
            continue  # a damaged line: its files are found by their manifests and names
    connection.executemany(
        "INSERT OR IGNORE INTO needs VALUES (?, ?)",
        [(job_id, needed) for job_id, wanted in needs.items() for needed in wanted if needed in ids],
    )
    return len(ids)


def _placed(layout: ArchiveLayout, values: Mapping[str, Any]) -> Placed:
    stored = str(values["path"])
    path = layout.absolute(stored)
    if not path.exists() and stored.startswith(f"archive:{PROCESSED}/"):  # moved when nothing of the observation succeeded
        moved = stored.replace(f"archive:{PROCESSED}/", f"archive:{FAILED}/", 1)
        if layout.absolute(moved).exists():
            stored, path = moved, layout.absolute(moved)
    key = key_of(dict(values))
    made = MadeFile("", key, str(path), dict(values["facts"]))
    return Placed(key, path, stored, int(values["size_bytes"]), str(values["sha256"]), made)


def _insert_job(connection: sqlite3.Connection, job: Mapping[str, Any]) -> None:
    names = (
        "id", "kind", "lane", "mission", "obs_id", "unit", "step", "title", "done", "total", "reason", "attempt", "created",
        "started", "finished",
    )  # fmt: skip
    documents = ("task", "warnings", "facts")
    columns = (*names, *documents, "state", "size_bytes")
    total = job["total"]
    values = [
        *(job[name] for name in names), *(to_json(job[name]) for name in documents), "succeeded",
        None if total is None else int(total),
    ]  # fmt: skip
    connection.execute(
        f"INSERT INTO jobs ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))}) ON CONFLICT (id) DO UPDATE SET"
        f" {', '.join(f'{name} = excluded.{name}' for name in columns if name not in ('id', 'created'))}",
        values,
    )


def _insert_files(
    layout: ArchiveLayout, connection: sqlite3.Connection, line: Mapping[str, Any], files: list[Placed], products: list[Placed]
) -> None:  # fmt: skip
    job = line["job"]
    call = job["task"].get("arguments", {})
    finished = float(job["finished"] or 0.0)
    for file in (file for file in files if file.path.is_file()):
        facts = file.made.facts
        register_file(
            connection, layout, file, job_id=job["id"], service=str(facts.get("service") or call.get("service") or ""),
            url_path=str(facts.get("url_path") or call.get("path") or ""), date=finished,
        )  # fmt: skip
    for file in products:
        if file.path.is_file():
            register(connection, file, job["id"], finished)
        connection.execute(
            "INSERT INTO history (path, job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version,"
            " facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                file.stored, job["id"], job["attempt"], job["step"] or job["kind"], job["title"], to_json(job["task"]),
                job["started"], job["finished"], file.size_bytes, file.sha256, line["version"], to_json(file.made.facts),
            ),
        )  # fmt: skip


# ---- regions and the trash


def _regions(layout: ArchiveLayout, connection: sqlite3.Connection) -> None:
    for path in sorted((layout.folder / "regions").glob("*/*/source_regions_radec.reg")):
        mission, obs_id = path.parts[-3:-1]
        if path.is_symlink() or not _is_name(layout, mission, obs_id):
            continue
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        connection.execute(
            "INSERT OR REPLACE INTO regions (mission, obs_id, path, n_regions, verbatim, source, added)"
            " VALUES (?, ?, ?, ?, '[]', '', ?)",
            (mission, obs_id, layout.stored(path), sum(bool(_SHAPES.match(line)) for line in lines), path.stat().st_mtime),
        )


def _trash(layout: ArchiveLayout, connection: sqlite3.Connection) -> None:
    """Entries whose data are in the trash; those that were on their way are finished at the next opening."""
    for path in sorted((layout.folder / TRASH).glob(f"*/{ENTRY_FILE}")):
        try:
            values = _read_json(path)
            items = checked({name: values[name] for name in ("moves", "files", "products")})
            row = (int(path.parent.name), str(values["what"]), float(values["deleted"]), packed(items))
            sizes = (int(values["n_files"]), int(values["size_bytes"]))
        except _WRONG:
            continue
        connection.execute(
            "INSERT OR IGNORE INTO trash (id, what, deleted, state, items, n_files, size_bytes)"
            " VALUES (?, ?, ?, 'there', ?, ?, ?)",
            (*row, *sizes),
        )
