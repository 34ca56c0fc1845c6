"""What an archive holds, read without opening it: another program may be at work in it meanwhile."""

from __future__ import annotations

from typing import Any

from daxa_gui.archive.database import read_only
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.errors import ArchiveError


def describe(layout: ArchiveLayout) -> dict[str, Any]:
    """Observations, products, job states and reasons as plain JSON values. Raises ArchiveError if it cannot be read."""
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
        info = dict(connection.execute("SELECT name, value FROM info WHERE name IN ('version', 'created')").fetchall())
    return {
        "name": layout.name,
        "path": str(layout.folder),
        "made_with_version": info.get("version", "").strip('"'),
        "observations": [{"mission": m, "obs_id": o, "target": t} for m, o, t in observations],
        "products": [{"mission": m, "kind": k, "count": n, "bytes": b} for m, k, n, b in products],
        "jobs": [{"kind": k, "step": s, "state": state, "count": n} for k, s, state, n in jobs],
        "excluded": [{"mission": m, "obs_id": o, "unit": u, "step": s, "reason": r} for m, o, u, s, r in reasons],
    }
