"""Two small files beside the database from which it can be made anew: what the archive is, and what people decided in it.

`archive.json` has the name, when it was made, the selections with their filters, and every observation with its catalogue row
(JSON, zlib, base64: ten thousand rows become half a megabyte). `decisions.json` has verdicts and notes. Both are written after
the transaction that they tell of; a stamp in the database and in the file says at the next opening whether that happened.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import zlib
from pathlib import Path
from typing import Any

from daxa_gui.archive.failures import translated
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.documents import to_json

ARCHIVE_FILE = "archive.json"
DECISIONS_FILE = "decisions.json"
FORMAT = 1
_OBSERVATION = "mission, obs_id, target, instruments, kinds, row, added, selection_id"
_SELECTION = "id, mission, catalogue_version, obs_ids, instruments, filters, kinds, added"
_LEFT_OUT = "mission, obs_id, unit, reason, proprietary, row, time"
TABLES = {"selections": _SELECTION, "observations": _OBSERVATION, "left_out": _LEFT_OUT}  # and their columns
# Changes of these are changes of what `archive.json` has; the numbers are cheap to ask for.
_STAMP = """
SELECT (SELECT coalesce(max(id), 0) FROM selections) || '/' || (SELECT count(*) FROM selections) || '/' ||
    (SELECT count(*) FROM left_out) || '/' || (SELECT coalesce(max(time), 0) FROM left_out)
"""
MOST_BYTES = 500_000_000  # of what is unpacked: a file from elsewhere must not fill the memory


def stamp(connection: sqlite3.Connection) -> str:
    """What a file must carry to tell of the present state of selections and observations."""
    return str(connection.execute(_STAMP).fetchone()[0])


def write_archive_file(layout: ArchiveLayout, connection: sqlite3.Connection) -> None:
    """Write `archive.json` as the database is now."""
    info = {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM info")}
    large = {name: connection.execute(f"SELECT {columns} FROM {name}").fetchall() for name, columns in TABLES.items()}
    document = {
        "format": FORMAT,
        "stamp": stamp(connection),
        "name": info.get("name", layout.name),
        "created": info.get("created", 0.0),
        "version": info.get("version", ""),
        "n_observations": len(large["observations"]),
        "selections": [
            {
                "mission": mission,
                "filters": json.loads(filters),
                "instruments": json.loads(instruments),
                "kinds": json.loads(kinds),
            }
            for _, mission, _, _, instruments, filters, kinds, _ in large["selections"]
        ],
        "contents": base64.b64encode(zlib.compress(to_json(large).encode("ascii"), 6)).decode("ascii"),
    }
    write_json(layout.folder / ARCHIVE_FILE, document)


def write_decisions_file(layout: ArchiveLayout, connection: sqlite3.Connection) -> None:
    """Write `decisions.json` as the database is now."""
    document = {
        "format": FORMAT,
        "info": {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM info")},
        "verdicts": connection.execute("SELECT mission, obs_id, unit, state, note, time FROM verdicts").fetchall(),
    }
    write_json(layout.folder / DECISIONS_FILE, document)


def has_stamp(layout: ArchiveLayout, expected: str) -> bool:
    """Whether `archive.json` tells of the state with this stamp. (Its beginning is enough: the stamp comes second.)"""
    try:
        with (layout.folder / ARCHIVE_FILE).open("r", encoding="ascii", errors="replace") as file:
            return f'"stamp":{json.dumps(expected)}' in file.read(500)
    except OSError:
        return False


def write_json(path: Path, document: Any) -> None:
    """Write a JSON file so that it is always the old or the new one."""
    partial = path.with_name(path.name + ".part")
    with translated(path):
        try:
            with partial.open("w", encoding="ascii") as file:
                json.dump(document, file, separators=(",", ":"))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except BaseException:  # on a full disk half a file would only take room
            partial.unlink(missing_ok=True)
            raise


def unpacked(text: str) -> dict[str, Any]:
    """The large part of `archive.json`. Raises ValueError if it is something else."""
    return inflated(base64.b64decode(text, validate=True))


def inflated(data: bytes) -> dict[str, Any]:
    """A JSON object that was compressed. Raises ValueError if it is something else, or too large to be true."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacker.eof:
        raise ValueError("its contents are cut off or too large")
    value = json.loads(plain)
    if not isinstance(value, dict):
        raise ValueError("its contents are something else")
    return value
