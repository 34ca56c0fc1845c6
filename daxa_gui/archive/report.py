"""What an archive holds, read without opening it: another program may be at work in it meanwhile."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from daxa_gui.archive.database import read_only
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.lock import why_locked
from daxa_gui.archive.writable import why_not_writable
from daxa_gui.core.errors import ArchiveError


def describe(layout: ArchiveLayout) -> dict[str, Any]:
    """Observations, products, job states, reasons, what is left out, the newest version, bytes on the disk, and why nothing can
    be changed now (or ""), as plain JSON values. Raises ArchiveError if it cannot be read."""
    if not layout.database.is_file():
        raise ArchiveError(f"There is no archive at {layout.folder}.", "Choose a folder that has a file daxa_gui.sqlite.")
    with read_only(layout.database) as connection:
        observations = connection.execute("SELECT mission, obs_id, target FROM observations ORDER BY mission, obs_id").fetchall()
        products = connection.execute(
            "SELECT mission, kind, count(*), sum(size_bytes) FROM products GROUP BY mission, kind ORDER BY mission, kind"
        ).fetchall()
        jobs = connection.execute("SELECT kind, step, state, count(*) FROM jobs GROUP BY kind, step, state").fetchall()
        reasons = connection.execute(
            "SELECT mission, obs_id, unit, step, reason FROM jobs WHERE state = 'succeeded' AND reason <> ''"
            " ORDER BY mission, obs_id"
        ).fetchall()
        version, left_out, n_bytes = _version(connection), _left_out(connection), _bytes(connection)
        info = dict(connection.execute("SELECT name, value FROM info WHERE name IN ('version', 'created')").fetchall())
    return {
        "name": layout.name,
        "path": str(layout.folder),
        "made_with_version": info.get("version", "").strip('"'),
        "read_only": why_not_writable(layout) or why_locked(layout.lock),
        "version": version[0],
        "version_date": version[1],
        "bytes": n_bytes,
        "observations": [{"mission": m, "obs_id": o, "target": t} for m, o, t in observations],
        "products": [{"mission": m, "kind": k, "count": n, "bytes": b} for m, k, n, b in products],
        "jobs": [{"kind": k, "step": s, "state": state, "count": n} for k, s, state, n in jobs],
        "excluded": [{"mission": m, "obs_id": o, "unit": u, "step": s, "reason": r} for m, o, u, s, r in reasons],
        "left_out": left_out,
    }


def _has(connection: sqlite3.Connection, table: str) -> bool:
    """Archives of earlier versions of the program lack some tables until they are opened."""
    query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
    return connection.execute(query, (table,)).fetchone() is not None


def _version(connection: sqlite3.Connection) -> tuple[str, str]:
    """Number and date (UTC) of the newest version, both empty before there is one."""
    row = None
    if _has(connection, "versions"):
        row = connection.execute("SELECT number, created FROM versions ORDER BY id DESC LIMIT 1").fetchone()
    return ("", "") if row is None else (str(row[0]), time.strftime("%Y-%m-%d", time.gmtime(float(row[1]))))


def _left_out(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    if not _has(connection, "left_out"):
        return []
    rows = connection.execute("SELECT mission, obs_id, unit, reason, proprietary FROM left_out ORDER BY mission, obs_id, unit")
    return [{"mission": m, "obs_id": o, "unit": u, "reason": r, "proprietary": bool(p)} for m, o, u, r, p in rows]


def _bytes(connection: sqlite3.Connection) -> int:
    """Of downloaded files and of what was made; products that were taken over are second names of downloaded ones."""
    if not _has(connection, "files"):
        return int(connection.execute("SELECT coalesce(sum(size_bytes), 0) FROM products").fetchone()[0])
    (files,) = connection.execute("SELECT coalesce(sum(size_bytes), 0) FROM files").fetchone()
    (made,) = connection.execute(
        "SELECT coalesce(sum(p.size_bytes), 0) FROM products p JOIN jobs j ON j.id = p.job_id WHERE j.kind = 'reduce'"
    ).fetchone()
    return int(files) + int(made)
