"""Versions of an archive: what it held at certain times, kept as spans, so that what did not change takes no room.

A version is cut when something has changed since the last one: observations, products (another checksum), or the parameters that
made them. It holds the observations, all products with their checksums and parameters, and the good time of every exposure.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from time import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.layout import ArchiveLayout
from daxa_gui.archive.version_words import DOWNLOAD, Changed, Group, changed_parameters, parameters_of, sentences
from daxa_gui.core.archive_queries import ArchiveVersion, VersionContents, VersionDifference, VersionProduct
from daxa_gui.core.collecting import short_passes
from daxa_gui.core.documents import to_json
from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Step

Observation = tuple[str, str]  # mission, ObsID
_UNIT = "CASE WHEN p.exposure IN ('ALL', '') THEN p.instrument ELSE p.instrument || p.exposure END"
_NEWEST = "(SELECT max(h.id) FROM history h WHERE h.path = p.path)"
# Products that no version has, and those that were made again since the last version (`old_id` is the making that it has).
_CHANGES = f"""
CREATE TEMP TABLE changes AS
SELECT p.path, p.mission, p.obs_id, {_UNIT} AS unit, p.kind, {_NEWEST} AS new_id, NULL AS old_id
FROM products p WHERE NOT EXISTS (SELECT 1 FROM product_spans s WHERE s.path = p.path AND s.until IS NULL)
UNION ALL
SELECT p.path, p.mission, p.obs_id, {_UNIT}, p.kind, n.id, s.history_id
FROM (SELECT path, max(id) AS id FROM history WHERE id > (SELECT coalesce(max(history_id), 0) FROM product_spans) GROUP BY path) n
CROSS JOIN products p ON p.path = n.path
CROSS JOIN product_spans s ON s.path = n.path AND s.until IS NULL"""
_GONE = """
CREATE TEMP TABLE gone AS SELECT s.path, s.mission, s.obs_id, s.unit, s.history_id AS old_id FROM product_spans s
WHERE s.until IS NULL AND NOT EXISTS (SELECT 1 FROM products p WHERE p.path = s.path)"""
# A product without a history (put back from the disk after the database was lost) gets one entry, so that it has a checksum.
_WITHOUT_HISTORY = """
INSERT INTO history (path, job_id, attempt, step, title, task, started, finished, size_bytes, sha256, version, facts)
SELECT path, coalesce(job_id, 0), 0, 'found', 'Found on the disk', '{"command":[],"environment":{},"outputs":[]}', NULL, created,
    size_bytes, sha256, '', facts
FROM products WHERE path IN (SELECT path FROM temp.changes WHERE new_id IS NULL)"""
_NOW_WITH = """
UPDATE temp.changes SET new_id = (SELECT max(h.id) FROM history h WHERE h.path = changes.path) WHERE new_id IS NULL"""
_IN_VERSION = "s.since <= ? AND (s.until IS NULL OR s.until > ?)"
_PRODUCTS = f"""
SELECT s.mission, s.obs_id, s.unit, s.kind, s.path, h.sha256, h.size_bytes, h.step, h.task, h.facts
FROM product_spans s CROSS JOIN history h ON h.id = s.history_id WHERE {_IN_VERSION}"""
_AT_ONCE = 10_000  # rows


def daxa_version(number: str) -> str:
    """The number as DAXA writes it in its save file: « 1.3 » is « 0.3.0 »."""
    return f"0.{number.partition('.')[2] or '0'}.0"


@dataclass(frozen=True)
class _Changes:
    added: list[Observation]
    removed: list[Observation]
    groups: list[Group]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.groups)


class Versions:
    """`steps` are the reduction steps by name, in their order: they say what parameters are called. Safe from any thread."""

    def __init__(
        self, layout: ArchiveLayout, database: Database, steps: Mapping[str, Step], now: Callable[[], float] = time
    ) -> None:
        self._layout, self._database, self._steps, self._now = layout, database, steps, now

    # ---- cutting

    def cut(self, note: str = "") -> ArchiveVersion | None:
        """A new version, if anything has changed since the last one or a note is given for a version that has none yet; None
        otherwise. One transaction."""
        gtis = list(self._new_gtis())
        with self._database.writing(durable=True) as connection:
            connection.executemany("INSERT OR IGNORE INTO kept_gtis VALUES (?, ?)", gtis)
            try:
                changes = self._changes(connection)
                if changes:
                    return self._store(connection, changes, note)
            finally:
                connection.execute("DROP TABLE IF EXISTS temp.changes")
                connection.execute("DROP TABLE IF EXISTS temp.gone")
            return self._noted(connection, note) if note else None

    def _new_gtis(self) -> Iterator[tuple[int, bytes]]:
        """Good time that no version has kept yet, by the id of its making: float64 pairs, little-endian."""
        from daxa_gui.fits.products import read_gti

        with self._database.reading() as connection:
            rows = connection.execute(
                f"SELECT p.path, {_NEWEST} AS id FROM products p WHERE p.kind = ?"
                " AND NOT EXISTS (SELECT 1 FROM kept_gtis k WHERE k.history_id = id)",
                (str(ProductKind.GTI),),
            ).fetchall()
        for path, history_id in rows:
            if history_id is None:
                continue
            try:
                gti = read_gti(self._layout.absolute(path))
            except DaxaError:  # gone or damaged: `verify` says so; the version then has no good time for this exposure
                continue
            yield history_id, np.column_stack([gti.start_s, gti.stop_s]).astype("<f8").tobytes()

    def _remade(self, connection: sqlite3.Connection) -> list[Group]:
        """Products that the last version has in another form. What was made again and came out the same with the same parameters
        is no change and leaves the table `changes`."""
        rows = connection.execute(
            "SELECT c.path, c.mission, n.step, c.obs_id, c.unit, o.sha256, n.sha256, o.task, n.task FROM temp.changes c"
            " CROSS JOIN history n ON n.id = c.new_id CROSS JOIN history o ON o.id = c.old_id"
        ).fetchall()
        same: list[tuple[str]] = []
        groups = _Groups("changed")
        with sensible(self._layout.database):
            for path, mission, step, obs_id, unit, old_sum, new_sum, old_task, new_task in rows:
                changed = changed_parameters(self._parameters(old_task, step), self._parameters(new_task, step))
                if old_sum == new_sum and not changed:
                    same.append((path,))
                else:
                    groups.add(mission, step, obs_id, unit, changed)
        if same:
            connection.execute("CREATE INDEX temp.changed_path ON changes (path)")
            connection.executemany("DELETE FROM temp.changes WHERE path = ?", same)
        return groups.all()

    def _parameters(self, task: str, step: str) -> dict[str, Any]:
        document = json.loads(task)
        if not isinstance(document, dict):
            raise TypeError("a stored task is no JSON object")
        return parameters_of(document, self._steps.get(step))

    def _changes(self, connection: sqlite3.Connection) -> _Changes:
        """What differs from the last version; leaves the tables `changes` and `gone` in the connection's own database."""
        for statement in (_CHANGES, _GONE, _WITHOUT_HISTORY, _NOW_WITH):
            connection.execute(statement)
        added = connection.execute(
            "SELECT mission, obs_id FROM observations EXCEPT SELECT mission, obs_id FROM observation_spans WHERE until IS NULL"
        ).fetchall()
        removed = connection.execute(
            "SELECT mission, obs_id FROM observation_spans WHERE until IS NULL EXCEPT SELECT mission, obs_id FROM observations"
        ).fetchall()
        remade = self._remade(connection)
        return _Changes(added, removed, [*self._counted(connection), *remade])

    @staticmethod
    def _counted(connection: sqlite3.Connection) -> Iterator[Group]:
        """New and vanished products, counted by the database."""
        units = "count(DISTINCT CASE WHEN h.step = ? THEN t.obs_id ELSE t.obs_id || '/' || t.unit END)"
        for what, table, column, where in (
            ("new", "changes", "new_id", "WHERE t.old_id IS NULL"),
            ("gone", "gone", "old_id", ""),
        ):
            rows = connection.execute(
                f"SELECT t.mission, h.step, count(*), {units} FROM temp.{table} t JOIN history h ON h.id = t.{column}"
                f" {where} GROUP BY t.mission, h.step",
                (DOWNLOAD,),
            )
            for mission, step, n_products, n_units in rows:
                yield Group(mission, step, what, n_products, n_units)

    def _store(self, connection: sqlite3.Connection, changes: _Changes, note: str) -> ArchiveVersion:
        minor = connection.execute("SELECT count(*) FROM versions").fetchone()[0]
        number, created = f"1.{minor}", self._now()
        lines = sentences(changes.added, changes.removed, changes.groups, self._steps)
        n_observations = connection.execute("SELECT count(*) FROM observations").fetchone()[0]
        n_products = connection.execute("SELECT count(*) FROM products").fetchone()[0]
        version = connection.execute(
            "INSERT INTO versions (number, created, changes, note, n_observations, n_products) VALUES (?, ?, ?, ?, ?, ?)",
            (number, created, to_json(lines), note, n_observations, n_products),
        ).lastrowid
        ends = "UPDATE observation_spans SET until = ? WHERE mission = ? AND obs_id = ? AND until IS NULL"
        connection.executemany(ends, [(version, *one) for one in changes.removed])
        begins = "INSERT INTO observation_spans (mission, obs_id, since) VALUES (?, ?, ?)"
        connection.executemany(begins, [(*one, version) for one in changes.added])
        for table in ("changes", "gone"):
            paths = f"(SELECT path FROM temp.{table} WHERE old_id IS NOT NULL)"
            connection.execute(f"UPDATE product_spans SET until = ? WHERE until IS NULL AND path IN {paths}", (version,))
        connection.execute(
            "INSERT INTO product_spans (path, since, history_id, mission, obs_id, unit, kind)"
            " SELECT path, ?, new_id, mission, obs_id, unit, kind FROM temp.changes ORDER BY path",
            (version,),
        )
        return ArchiveVersion(number, created, lines, n_observations, n_products, note)

    @staticmethod
    def _noted(connection: sqlite3.Connection, note: str) -> ArchiveVersion | None:
        """The last version with a note, where it has none yet."""
        row = connection.execute("SELECT max(id) FROM versions WHERE note = ''").fetchone()
        newest = connection.execute("SELECT max(id) FROM versions").fetchone()
        if row[0] is None or row != newest:
            return None
        connection.execute("UPDATE versions SET note = ? WHERE id = ?", (note, row[0]))
        return _version(connection.execute(f"SELECT {_VERSION} FROM versions WHERE id = ?", row).fetchone())

    # ---- looking

    def versions(self) -> list[ArchiveVersion]:
        """All of them, newest first."""
        with self._database.reading() as connection:
            rows = connection.execute(f"SELECT {_VERSION} FROM versions ORDER BY id DESC").fetchall()
        with sensible(self._layout.database):
            return [_version(row) for row in rows]

    def contents(self, number: str) -> VersionContents:
        """What a version held. Raises InputError if there is no version of that number."""
        with self._database.reading() as connection:
            version_id, version = self._numbered(connection, number)
            here = (version_id, version_id)
            observations = connection.execute(
                f"SELECT s.mission, s.obs_id FROM observation_spans s WHERE {_IN_VERSION} ORDER BY 1, 2", here
            ).fetchall()
            products = self._products(connection, "ORDER BY s.path", here)
            gtis = connection.execute(
                "SELECT s.mission, s.obs_id, s.unit, k.intervals FROM product_spans s"
                f" JOIN kept_gtis k ON k.history_id = s.history_id WHERE {_IN_VERSION} AND s.kind = ?",
                (*here, str(ProductKind.GTI)),
            ).fetchall()
        with sensible(self._layout.database):
            kept = {f"{mission}/{obs_id}/{unit}": _intervals(blob) for mission, obs_id, unit, blob in gtis}
        return VersionContents(version, tuple(observations), tuple(products), kept)

    def _numbered(self, connection: sqlite3.Connection, number: str) -> tuple[int, ArchiveVersion]:
        found = connection.execute(f"SELECT id, {_VERSION} FROM versions WHERE number = ?", (number,)).fetchone()
        if found is None:
            raise InputError(f"The archive has no version « {number} ».", "The list of versions tells their numbers.")
        with sensible(self._layout.database):
            return found[0], _version(found[1:])

    def _products(self, connection: sqlite3.Connection, where: str, values: tuple[int, ...]) -> list[VersionProduct]:
        cursor = connection.execute(f"{_PRODUCTS} {where}", values)
        products: list[VersionProduct] = []
        with short_passes(), sensible(self._layout.database):
            while rows := cursor.fetchmany(_AT_ONCE):
                # one call of the JSON reader for all rows is many times faster than one for each
                tasks, facts = (json.loads(f"[{','.join([row[column] for row in rows])}]") for column in (8, 9))
                for row, task, known in zip(rows, tasks, facts, strict=True):
                    mission, obs_id, unit, kind, path, sha256, size, step = row[:8]
                    given = parameters_of(task, self._steps.get(step))
                    path = path.removeprefix("archive:")
                    products.append(VersionProduct(mission, obs_id, unit, kind, path, sha256, size, step, given, known))
        return products

    def difference(self, old: str, new: str) -> VersionDifference:
        """From one version to another, in either order of time. Raises InputError for a number that there is not."""
        with self._database.reading() as connection:
            first, last = self._numbered(connection, old)[0], self._numbered(connection, new)[0]
            only = f"AND NOT ({_IN_VERSION}) ORDER BY s.path"  # what one version has and the other has not
            was = {product.path: product for product in self._products(connection, only, (first, first, last, last))}
            now = {product.path: product for product in self._products(connection, only, (last, last, first, first))}
            observations = f"SELECT s.mission, s.obs_id FROM observation_spans s WHERE {_IN_VERSION}"
            both = f"{observations} EXCEPT {observations} ORDER BY 1, 2"
            gone = tuple(connection.execute(both, (first, first, last, last)))
            come = tuple(connection.execute(both, (last, last, first, first)))
        added = tuple(product for path, product in now.items() if path not in was)
        removed = tuple(product for path, product in was.items() if path not in now)
        changed = tuple((was[path], product) for path, product in now.items() if path in was and _differs(was[path], product))
        groups = []
        for what, products in (("new", added), ("gone", removed)):
            counted = _Groups(what)
            for product in products:
                counted.add(product.mission, product.step, product.obs_id, product.unit)
            groups += counted.all()
        compared = _Groups("changed")
        for before, after in changed:
            parameters = changed_parameters(before.parameters, after.parameters)
            compared.add(after.mission, after.step, after.obs_id, after.unit, parameters)
        lines = sentences(come, gone, [*groups, *compared.all()], self._steps) or ("Nothing differs.",)
        return VersionDifference(old, new, come, gone, added, removed, changed, lines)


def _differs(old: VersionProduct, new: VersionProduct) -> bool:
    return (old.sha256, old.parameters) != (new.sha256, new.parameters)


class _Groups:
    """Products of the same mission and step that changed in the same way."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._found: dict[tuple[str, str, str], tuple[Changed, list[str]]] = {}

    def add(self, mission: str, step: str, obs_id: str, unit: str, parameters: Changed = ()) -> None:
        key = (mission, step, to_json(parameters) if parameters else "")
        self._found.setdefault(key, (parameters, []))[1].append(obs_id if step == DOWNLOAD else f"{obs_id}/{unit}")

    def all(self) -> list[Group]:
        return [
            Group(mission, step, self._what, len(units), len(set(units)), parameters)
            for (mission, step, _), (parameters, units) in self._found.items()
        ]


_VERSION = "number, created, changes, note, n_observations, n_products"


def _version(row: tuple[Any, ...]) -> ArchiveVersion:
    number, created, changes, note, n_observations, n_products = row
    return ArchiveVersion(number, float(created), tuple(json.loads(changes)), n_observations, n_products, note)


def _intervals(blob: bytes) -> tuple[tuple[float, float], ...]:
    values: NDArray[np.float64] = np.frombuffer(blob, "<f8").reshape(-1, 2)
    return tuple((start, stop) for start, stop in values.tolist())
