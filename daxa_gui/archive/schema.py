"""The tables of an archive's database and how older ones are brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from daxa_gui.core.errors import ArchiveError

APPLICATION_ID = 0x44415841  # "DAXA": lets `file` and us recognise the database

TABLES = """
CREATE TABLE info (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE selections (
    id INTEGER PRIMARY KEY, mission TEXT NOT NULL, catalogue_version TEXT NOT NULL, obs_ids TEXT NOT NULL,
    instruments TEXT NOT NULL, filters TEXT NOT NULL, added REAL NOT NULL);
CREATE TABLE observations (
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, target TEXT NOT NULL, instruments TEXT NOT NULL, row TEXT NOT NULL,
    added REAL NOT NULL, selection_id INTEGER NOT NULL REFERENCES selections, PRIMARY KEY (mission, obs_id)) WITHOUT ROWID;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, lane TEXT NOT NULL, mission TEXT NOT NULL, obs_id TEXT NOT NULL,
    unit TEXT NOT NULL, step TEXT NOT NULL, title TEXT NOT NULL, task TEXT NOT NULL, state TEXT NOT NULL,
    done REAL NOT NULL DEFAULT 0, total REAL, text TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    warnings TEXT NOT NULL DEFAULT '[]', facts TEXT NOT NULL DEFAULT '{}', error TEXT NOT NULL DEFAULT 'null',
    attempt INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, started REAL, finished REAL,
    size_bytes INTEGER, changed_task TEXT, UNIQUE (kind, mission, obs_id, unit, step));
CREATE TABLE needs (
    job_id INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE, needed_id INTEGER NOT NULL REFERENCES jobs,
    PRIMARY KEY (job_id, needed_id)) WITHOUT ROWID;
CREATE TABLE products (
    id INTEGER PRIMARY KEY, mission TEXT NOT NULL, obs_id TEXT NOT NULL, kind TEXT NOT NULL, instrument TEXT NOT NULL,
    exposure TEXT NOT NULL, band_low_kev REAL, band_high_kev REAL, path TEXT NOT NULL UNIQUE, size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, job_id INTEGER REFERENCES jobs, created REAL NOT NULL, facts TEXT NOT NULL);
CREATE INDEX products_of_observation ON products (mission, obs_id);
CREATE INDEX products_of_job ON products (job_id);
CREATE TABLE history (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL, job_id INTEGER NOT NULL, attempt INTEGER NOT NULL, step TEXT NOT NULL,
    title TEXT NOT NULL, task TEXT NOT NULL, started REAL, finished REAL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    version TEXT NOT NULL, facts TEXT NOT NULL);
CREATE INDEX history_of_path ON history (path);
CREATE TABLE verdicts (
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, unit TEXT NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL,
    time REAL NOT NULL, PRIMARY KEY (mission, obs_id, unit)) WITHOUT ROWID;
"""

# What version 2 added (it also changes what is said of downloaded files: see below). Missions, ObsIDs and paths as in the tables
# above; times are seconds since 1970 (UTC). `stale`: something that a job was made from was made again since.
VERSION_2 = """
ALTER TABLE jobs ADD COLUMN stale INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_unfinished ON jobs (state) WHERE state NOT IN ('succeeded', 'failed', 'cancelled', 'skipped');
CREATE INDEX jobs_counted ON jobs (kind, state, total, done);
CREATE INDEX needs_of ON needs (needed_id);
CREATE INDEX products_by_kind ON products (kind, job_id, size_bytes);
ALTER TABLE selections ADD COLUMN kinds TEXT NOT NULL DEFAULT '[]';
ALTER TABLE observations ADD COLUMN kinds TEXT NOT NULL DEFAULT '[]';
CREATE TABLE files (
    path TEXT PRIMARY KEY, mission TEXT NOT NULL, obs_id TEXT NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL,
    instrument TEXT NOT NULL, service TEXT NOT NULL, url_path TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    job_id INTEGER REFERENCES jobs, date REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX files_of_observation ON files (mission, obs_id, size_bytes);
CREATE INDEX files_of_job ON files (job_id);
CREATE TABLE left_out (
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, unit TEXT NOT NULL, reason TEXT NOT NULL, proprietary INTEGER NOT NULL,
    row TEXT NOT NULL, time REAL NOT NULL, PRIMARY KEY (mission, obs_id, unit)) WITHOUT ROWID;
CREATE TABLE software (
    name TEXT NOT NULL, version TEXT NOT NULL, first_used REAL NOT NULL, PRIMARY KEY (name, version)) WITHOUT ROWID;
CREATE TABLE versions (
    id INTEGER PRIMARY KEY, number TEXT NOT NULL UNIQUE, created REAL NOT NULL, changes TEXT NOT NULL, note TEXT NOT NULL,
    n_observations INTEGER NOT NULL, n_products INTEGER NOT NULL);
CREATE TABLE observation_spans (
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, since INTEGER NOT NULL REFERENCES versions, until INTEGER,
    PRIMARY KEY (mission, obs_id, since)) WITHOUT ROWID;
CREATE TABLE product_spans (
    path TEXT NOT NULL, since INTEGER NOT NULL REFERENCES versions, until INTEGER, history_id INTEGER NOT NULL,
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL,
    PRIMARY KEY (path, since)) WITHOUT ROWID;
CREATE INDEX jobs_of_step ON jobs (kind, step, mission, obs_id, state, reason);
CREATE INDEX observation_names ON observations (mission, obs_id);
CREATE INDEX jobs_without_success ON jobs (kind, mission, obs_id) WHERE state IN ('failed', 'skipped', 'cancelled');
CREATE TABLE kept_gtis (history_id INTEGER PRIMARY KEY, intervals BLOB NOT NULL);
CREATE TABLE regions (
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, path TEXT NOT NULL, n_regions INTEGER NOT NULL, verbatim TEXT NOT NULL,
    source TEXT NOT NULL, added REAL NOT NULL, PRIMARY KEY (mission, obs_id)) WITHOUT ROWID;
CREATE TABLE trash (
    id INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT NOT NULL, deleted REAL NOT NULL, state TEXT NOT NULL, items BLOB NOT NULL,
    n_files INTEGER NOT NULL, size_bytes INTEGER NOT NULL);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, kind TEXT NOT NULL, mission TEXT NOT NULL, obs_id TEXT NOT NULL,
    text TEXT NOT NULL);
"""


# Downloaded files used to be products whatever they were; now they are files, and only event lists are products too.
_FILES_OF_VERSION_1 = """
INSERT INTO files SELECT p.path, p.mission, p.obs_id,
    CASE WHEN p.path LIKE 'output:' || p.mission || '@_raw/' || p.obs_id || '/%' ESCAPE '@'
    THEN substr(p.path, length('output:' || p.mission || '_raw/' || p.obs_id || '/') + 1)
    ELSE substr(p.path, length('output:') + 1) END,
    p.kind, p.instrument,
    CASE WHEN json_valid(j.task) THEN coalesce(json_extract(j.task, '$.arguments.service'), '') ELSE '' END,
    CASE WHEN json_valid(j.task) THEN coalesce(json_extract(j.task, '$.arguments.path'), '') ELSE '' END,
    p.size_bytes, p.sha256, p.job_id, p.created
    FROM products p LEFT JOIN jobs j ON j.id = p.job_id WHERE p.path LIKE 'output:%';
DELETE FROM products WHERE path LIKE 'output:%' AND kind <> 'events';
UPDATE jobs SET stale = 1 WHERE state = 'succeeded' AND EXISTS (
    SELECT 1 FROM needs JOIN jobs needed ON needed.id = needs.needed_id
    WHERE needs.job_id = jobs.id AND needed.finished > jobs.started);
"""


# What version 3 added. `one_is_enough`: the job goes on when one of those that it needs succeeded. `keep_as`: the configuration
# as which the products of an earlier run are kept when this one replaces them. Kept products have their place in `path` and that
# which they had in `original`.
VERSION_3 = """
ALTER TABLE jobs ADD COLUMN one_is_enough INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN keep_as INTEGER;
CREATE TABLE configurations (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created REAL NOT NULL, parameters TEXT NOT NULL,
    reason TEXT NOT NULL, note TEXT NOT NULL);
CREATE TABLE kept_products (
    configuration_id INTEGER NOT NULL REFERENCES configurations ON DELETE CASCADE, path TEXT NOT NULL, original TEXT NOT NULL,
    mission TEXT NOT NULL, obs_id TEXT NOT NULL, unit TEXT NOT NULL, step TEXT NOT NULL, kind TEXT NOT NULL,
    instrument TEXT NOT NULL, exposure TEXT NOT NULL, band_low_kev REAL, band_high_kev REAL, size_bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL, created REAL NOT NULL, facts TEXT NOT NULL, task TEXT NOT NULL,
    PRIMARY KEY (configuration_id, original)) WITHOUT ROWID;
"""


def _to_version_3(connection: sqlite3.Connection) -> None:
    _run(connection, VERSION_3)


def _to_version_2(connection: sqlite3.Connection) -> None:
    _run(connection, VERSION_2)
    _run(connection, _FILES_OF_VERSION_1)


def _run(connection: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            connection.execute(statement)


# Entry i brings a database from version i + 1 to version i + 2; it runs inside the transaction of `prepare`.
MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_to_version_2, _to_version_3)
VERSION = 1 + len(MIGRATIONS)


def check_version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of the tables, 0 for an empty database.

    Raises
    ------
    ArchiveError : the database belongs to something else, or to a later version of this program.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if n_tables and application != APPLICATION_ID:
        raise ArchiveError(f"The file {path} is not an archive's database.", "Choose the folder of an archive.")
    if version > VERSION:
        raise ArchiveError(
            f"The archive {path.parent} was written by a later version of this program.", "Install the newest version."
        )
    return version if n_tables else 0


def prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make the tables of a new database, or bring an older one up to date, in one transaction. Raises like `check_version`."""
    version = check_version(connection, path)
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not version:
            _run(connection, TABLES)
        for migration in MIGRATIONS[max(version, 1) - 1 :]:
            migration(connection)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


_TYPES = {"TEXT": ("text",), "REAL": ("real", "integer"), "INTEGER": ("integer",), "BLOB": ("blob",)}
# Too large to be looked at at each opening: their rows are looked at when they are read (`rows.typed`), and by `verify`.
LARGE = frozenset(
    {
        "jobs",
        "needs",
        "products",
        "files",
        "history",
        "observations",
        "observation_spans",
        "product_spans",
        "kept_gtis",
        "events",
        "kept_products",
    }
)


def check_types(connection: sqlite3.Connection, path: Path, *, everything: bool = False) -> None:
    """Raise ArchiveError if a column holds values of another type than it was declared with (SQLite itself allows that).

    Of the small tables, or of `everything`.
    """
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in (name for name in tables if not name.startswith("sqlite_") and (everything or name not in LARGE)):
        wrong = []
        for _, column, declared, *_ in connection.execute(f'PRAGMA table_info("{table}")'):
            if declared in _TYPES:
                wrong.append(f"""typeof("{column}") NOT IN ('null', {", ".join(f"'{t}'" for t in _TYPES[declared])})""")
        if wrong and connection.execute(f'SELECT 1 FROM "{table}" WHERE {" OR ".join(wrong)} LIMIT 1').fetchone():
            raise ArchiveError(
                f"The archive's database {path} holds something in « {table} » that makes no sense.",
                "« daxa-gui verify --repair » makes it anew from the archive's files.",
            )
