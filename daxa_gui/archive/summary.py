"""What archives say about themselves without being opened: which there are, and whether there is one at a place."""

from __future__ import annotations

import json
import sqlite3

from daxa_gui.archive.archive_documents import ARCHIVE_FILE, DECISIONS_FILE
from daxa_gui.archive.database import read_only
from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.layout import DATABASE, ArchiveLayout, OutputLayout
from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.errors import ArchiveError


def summary_of(layout: ArchiveLayout, connection: sqlite3.Connection, read_only_reason: str = "") -> ArchiveSummary:
    created = connection.execute("SELECT value FROM info WHERE name = 'created'").fetchone()
    counts = connection.execute("SELECT mission, count(*) FROM observations GROUP BY mission ORDER BY mission").fetchall()
    with sensible(layout.database):
        created_s = float(json.loads(created[0])) if created else 0.0
    return ArchiveSummary(
        name=layout.name,
        path=str(layout.folder),
        created=created_s,
        n_observations=sum(count for _, count in counts),
        missions=tuple(mission for mission, _ in counts),
        read_only=read_only_reason,
    )


def is_archive(layout: ArchiveLayout) -> bool:
    """Whether there is an archive (`is_unfinished` ones do not count). False for a name that cannot be a file's."""
    try:
        return layout.database.is_file() and not is_unfinished(layout)
    except (OSError, ValueError):
        return False


def has_lost_database(layout: ArchiveLayout) -> bool:
    """Whether this was an archive of this program, and only its database is not there any more."""
    try:
        return (layout.folder / ARCHIVE_FILE).is_file() and not layout.database.exists()
    except (OSError, ValueError):
        return False


def is_unfinished(layout: ArchiveLayout) -> bool:
    """Whether a program died while it made this archive: its folder has nothing but what comes first, and no observation."""
    first = {
        layout.lock.name, layout.work.name, ARCHIVE_FILE, DECISIONS_FILE, f"{ARCHIVE_FILE}.part", f"{DECISIONS_FILE}.part",
        *(f"{DATABASE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")),
    }  # fmt: skip
    with translated(layout.folder):
        if not layout.folder.is_dir() or any(entry.name not in first for entry in layout.folder.iterdir()):
            return False
        if not layout.database.is_file():
            return not (layout.folder / ARCHIVE_FILE).is_file()
    with read_only(layout.database) as connection:
        if not connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'observations'").fetchone()[0]:
            return True
        return not connection.execute("SELECT count(*) FROM observations").fetchone()[0]


def read_summary(layout: ArchiveLayout) -> ArchiveSummary:
    """What an archive says about itself, without opening it; one that cannot be read has a `problem`."""
    try:
        with read_only(layout.database) as connection:
            return summary_of(layout, connection)
    except ArchiveError as error:
        return ArchiveSummary(layout.name, str(layout.folder), problem=str(error))


def list_archives(output: OutputLayout) -> list[ArchiveSummary]:
    """All archives of the output folder, by name."""
    return [read_summary(ArchiveLayout(output.folder, folder)) for folder in output.archive_folders()]
