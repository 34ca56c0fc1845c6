"""The jobs that say something of exposures, of the hundred thousand that an archive may have."""

from __future__ import annotations

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.job_rows import SELECT, jobs_from
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.core.job import Job
from daxa_gui.core.product import ProductKind

_STEPS = ("prepare", "flares")  # of the built-in engine: why an exposure is excluded, and what its flares are
_MADE = (
    ProductKind.EVENTS, ProductKind.CALIBRATED_EVENTS, ProductKind.CLEAN_EVENTS, ProductKind.FINAL_EVENTS, ProductKind.GTI,
)  # fmt: skip
_QUERY = (
    f"{SELECT} WHERE kind = 'reduce' AND id IN ("
    f"SELECT id FROM jobs WHERE kind = 'reduce' AND step IN ({', '.join('?' * len(_STEPS))})"
    f" UNION SELECT job_id FROM products WHERE kind IN ({', '.join('?' * len(_MADE))})) ORDER BY id"
)
_AT_ONCE = 500


def jobs_of_exposures(layout: ArchiveLayout, database: Database) -> list[Job]:
    """The steps that looked at event lists or made them, or their good time; oldest first. Raises ArchiveError for rows that make
    no sense."""
    jobs: list[Job] = []
    with database.reading() as connection:
        cursor = connection.execute(_QUERY, (*_STEPS, *map(str, _MADE)))
        while rows := cursor.fetchmany(_AT_ONCE):
            with sensible(layout.database):
                jobs += jobs_from(rows, str(layout.logs))
    return jobs
