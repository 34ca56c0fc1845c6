"""Results of earlier ways of reducing: kept beside the present ones under the name of a configuration, to be compared with them.

A job whose task has changed gets the configuration's number (`keep_as`) before it runs. When the new run is stored, what the job
made earlier is linked into `configurations/<number>/` and noted in the same transaction. A run that fails replaces nothing.

The built-in engine and the missions' software make some of the same products (good time, light curve, cleaned list of an
exposure). What one of them puts in the place of the other's result is kept in the same way, and the job that made it is not fresh
any more.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any

from daxa_gui.archive.database import Database
from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.layout import FAILED, PROCESSED, ArchiveLayout
from daxa_gui.archive.own_places import check_own
from daxa_gui.archive.placing import sha256_of
from daxa_gui.archive.rows import mapping
from daxa_gui.core.documents import to_json
from daxa_gui.core.earlier import EarlierProduct, EarlierResults
from daxa_gui.core.errors import InputError
from daxa_gui.core.job import Job
from daxa_gui.core.product import ProductKind
from daxa_gui.core.reduction_plan import ComparedProduct, Configuration
from daxa_gui.core.step import Call, Outcome

MAX_NAME_CHARACTERS = 120
REPLACED = 2  # of the column `stale`: another step's result lies where this job's was
_COPIED = "mission, obs_id, kind, instrument, exposure, band_low_kev, band_high_kev, size_bytes, sha256, created, facts"
# Which present product took the place of a kept one. The folder of an observation of which nothing succeeds any more is another.
_PRESENT = f"p.path IN (k.original, replace(k.original, 'archive:{PROCESSED}/', 'archive:{FAILED}/'))"


@dataclass(frozen=True)
class Kept:
    """A product of an earlier run that lies at its second place now: `row` has the columns of `_COPIED`. `unit` and `step` are of
    the job that made it, `owner` its id if that is another one than the job that replaces it."""

    configuration_id: int
    path: str
    original: str
    row: tuple[Any, ...]
    unit: str
    step: str
    owner: int | None = None


def keep_earlier(layout: ArchiveLayout, database: Database, job: Job, outcome: Outcome) -> list[Kept]:
    """Give what the job made earlier a second place, if it is to be kept, and what another step made where the outcome's files
    belong; what is gone is not kept. Before anything is replaced."""
    if job.kind != "reduce":
        return []
    with database.reading() as connection:
        found = connection.execute(
            "SELECT c.id FROM jobs j JOIN configurations c ON c.id = j.keep_as WHERE j.id = ?", (job.id,)
        ).fetchone()
        number = found[0] if found else None
        own = [] if number is None else connection.execute(f"SELECT path, {_COPIED} FROM products WHERE job_id = ?", (job.id,))
        places = [
            layout.stored(layout.product_path(made.key, made.name))
            for made in outcome.files
            if made.key is not None and not made.destination
        ]
        rows = [(number, job.unit, job.step, None, *row) for row in own] + _of_others(connection, job, places)
    if any(row[3] is not None and row[0] is None for row in rows):
        other = _of_the_other_engine(database, job)
        rows = [(other if row[0] is None else row[0], *row[1:]) for row in rows]
    kept = []
    with translated(layout.folder):
        for number, unit, step, owner, original, *row in rows:
            source = layout.absolute(original)
            if not original.startswith("archive:") or not source.is_file() or source.is_symlink():
                continue
            target = layout.configuration_folder(int(number)) / original.removeprefix("archive:")
            check_own(layout, source, target)
            # A program that was killed while it stored a run has given the results before it their second place, and may have put
            # new ones in their first place already.
            if not target.is_file() or sha256_of(target) != row[8]:
                if source.stat().st_mtime > float(row[9]) and sha256_of(source) != row[8]:
                    continue
                _link(source, target)
            kept.append(Kept(int(number), layout.stored(target), original, tuple(row), unit, step, owner))
    return kept


def _of_others(connection: sqlite3.Connection, job: Job, places: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows (configuration or None, unit, step, job, path, columns) of what other reduction steps made at these places."""
    if not places:
        return []
    columns = ", ".join(f"p.{name}" for name in _COPIED.split(", "))
    return connection.execute(
        f"SELECT c.id, j.unit, j.step, j.id, p.path, {columns} FROM products p JOIN jobs j ON j.id = p.job_id"
        " LEFT JOIN configurations c ON c.id = j.keep_as"
        " WHERE p.path IN (SELECT value FROM json_each(?)) AND j.id <> ? AND j.kind = 'reduce'",
        (json.dumps(list(places)), job.id),
    ).fetchall()


def _of_the_other_engine(database: Database, job: Job) -> int:
    """The configuration for results that a step of another engine replaces."""
    is_external = isinstance(job.task, Call) and isinstance(job.task.arguments.get("raw_folder"), str)
    name = "before the missions' software" if is_external else "before the built-in engine"
    with database.writing() as connection:
        found = connection.execute("SELECT id FROM configurations WHERE name = ?", (name,)).fetchone()
        if found is not None:
            return int(found[0])
        cursor = connection.execute(
            "INSERT INTO configurations (name, created, parameters, reason, note) VALUES (?, ?, '{}', ?, '')",
            (name, time(), f"{job.step}: it makes the same products in another way"),
        )
        return int(cursor.lastrowid or 0)


def _link(source: Path, target: Path) -> None:
    """The same file at another place; a copy where the disk knows no links. The source is replaced later, never written to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part-{threading.get_ident()}")  # jobs of two steps may do this at once
    part.unlink(missing_ok=True)
    try:
        try:
            os.link(source, part)
        except OSError:
            shutil.copy2(source, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)  # replacing a file by a link to itself does nothing


def register_kept(connection: sqlite3.Connection, job: Job, kept: Sequence[Kept]) -> None:
    """Inside the transaction that stores the new run. The job replaces nothing of that configuration any more."""
    for one in kept:
        mission, obs_id, kind, instrument, exposure, low, high, size, sha256, created, facts = one.row
        task = connection.execute("SELECT task FROM history WHERE path = ? ORDER BY id DESC LIMIT 1", (one.original,)).fetchone()
        connection.execute(
            "INSERT OR REPLACE INTO kept_products (configuration_id, path, original, mission, obs_id, unit, step, kind,"
            " instrument, exposure, band_low_kev, band_high_kev, size_bytes, sha256, created, facts, task)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                one.configuration_id, one.path, one.original, mission, obs_id, one.unit, one.step, kind, instrument, exposure,
                low, high, size, sha256, created, facts, task[0] if task else "null",
            ),
        )  # fmt: skip
        if one.owner is not None:
            connection.execute("UPDATE jobs SET stale = ? WHERE id = ? AND state = 'succeeded'", (REPLACED, one.owner))
    connection.execute("UPDATE jobs SET keep_as = NULL WHERE id = ? AND keep_as IS NOT NULL", (job.id,))


class Configurations:
    """Safe from any thread."""

    def __init__(self, layout: ArchiveLayout, database: Database, now: Callable[[], float] = time) -> None:
        self._layout, self._database, self._now = layout, database, now

    def keep(self, job_ids: Collection[int], name: str, parameters: Mapping[str, Any], reason: str) -> Configuration:
        """Have the results of these jobs kept under a name when new runs replace them.

        Parameters
        ----------
        name : of a new configuration or of one that is there; gets a number behind it if it is empty of characters or was made
            for other parameters.
        parameters : step → parameter → value with which the results were made.

        Raises
        ------
        InputError : the name cannot be used.
        """
        text = to_json(parameters)
        with self._database.writing() as connection:
            number = self._number(connection, _checked_name(name), text, reason)
            connection.execute(
                "UPDATE jobs SET keep_as = ? WHERE id IN (SELECT value FROM json_each(?))", (number, json.dumps(sorted(job_ids)))
            )
        return next(one for one in self.all() if one.name == self._name_of(number))

    def keep_no_more(self, job_ids: Collection[int]) -> None:
        """What these jobs made earlier is replaced without being kept, if it was to be."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE jobs SET keep_as = NULL WHERE keep_as IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(sorted(job_ids)),),
            )

    def _number(self, connection: sqlite3.Connection, name: str, parameters: str, reason: str) -> int:
        """Of the configuration of this name and these parameters, which is made if there is none."""
        for candidate in (name, *(f"{name} ({n})" for n in range(2, 10_000))):
            row = connection.execute("SELECT id, parameters FROM configurations WHERE name = ?", (candidate,)).fetchone()
            if row is None:
                cursor = connection.execute(
                    "INSERT INTO configurations (name, created, parameters, reason, note) VALUES (?, ?, ?, ?, '')",
                    (candidate, self._now(), parameters, reason),
                )
                return int(cursor.lastrowid or 0)
            if row[1] == parameters:
                return int(row[0])
        raise InputError(f"There are too many configurations named « {name} ».", "Remove some, or choose another name.")

    def _name_of(self, number: int) -> str:
        with self._database.reading() as connection:
            return str(connection.execute("SELECT name FROM configurations WHERE id = ?", (number,)).fetchone()[0])

    def all(self) -> list[Configuration]:
        """Newest first. Those that were prepared and of which nothing was replaced yet have no products."""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT c.name, c.created, c.parameters, c.reason, c.note, count(k.path), total(k.size_bytes),"
                " count(DISTINCT k.mission || '/' || k.obs_id), coalesce(group_concat(DISTINCT k.step), '')"
                " FROM configurations c LEFT JOIN kept_products k ON k.configuration_id = c.id GROUP BY c.id ORDER BY c.id DESC"
            ).fetchall()
        with sensible(self._layout.database):
            return [
                Configuration(
                    str(name), float(created), tuple(sorted(filter(None, steps.split(",")))), mapping(parameters), str(reason),
                    int(n_products), int(n_bytes), int(n_observations), str(note),
                )
                for name, created, parameters, reason, note, n_products, n_bytes, n_observations, steps in rows
            ]  # fmt: skip

    def compare(self, name: str) -> list[ComparedProduct]:
        """Each kept product with the one that is there now, by mission, ObsID and unit."""
        number = self._existing(name)
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT k.mission, k.obs_id, k.unit, k.kind, k.path, k.facts, p.path, coalesce(p.facts, '{}')"
                f" FROM kept_products k LEFT JOIN products p ON {_PRESENT} WHERE k.configuration_id = ?"
                " ORDER BY k.mission, k.obs_id, k.unit, k.kind, k.path",
                (number,),
            ).fetchall()
        with sensible(self._layout.database):
            return [
                ComparedProduct(
                    mission, obs_id, unit, kind, str(self._layout.absolute(old)),
                    str(self._layout.absolute(new)) if new else "", mapping(old_facts), mapping(new_facts),
                )
                for mission, obs_id, unit, kind, old, old_facts, new, new_facts in rows
            ]  # fmt: skip

    def of_observation(self, mission: str, obs_id: str) -> list[EarlierResults]:
        """What each configuration has of one observation, newest configuration first; none that has nothing of it."""
        folder = self._layout.stored(self._layout.processed_folder(mission, obs_id))
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT c.name, c.note, k.unit, k.kind, k.path, p.path, k.band_low_kev, k.band_high_kev, k.step, k.task, k.facts"
                " FROM configurations c CROSS JOIN kept_products k ON k.configuration_id = c.id"
                " AND k.original > ? AND k.original < ?"  # by the primary key: there may be a million of other observations
                f" LEFT JOIN products p ON {_PRESENT}"
                " WHERE k.mission = ? AND k.obs_id = ? ORDER BY c.id DESC, k.unit, k.kind, k.path",
                (f"{folder}/", f"{folder}0", mission, obs_id),
            ).fetchall()
        found: dict[tuple[str, str], list[EarlierProduct]] = {}
        with sensible(self._layout.database):
            for name, note, *row in rows:
                found.setdefault((str(name), str(note)), []).append(self._earlier(row))
        return [EarlierResults(name, tuple(products), note) for (name, note), products in found.items()]

    def _earlier(self, row: Sequence[Any]) -> EarlierProduct:
        unit, kind, path, now, low, high, step, task, facts = row
        arguments = mapping(task).get("arguments") if task != "null" else None
        arguments = arguments if isinstance(arguments, dict) else {}
        own = arguments.get("parameters")  # steps of the missions' software have them together
        return EarlierProduct(
            str(unit), ProductKind(kind), str(self._layout.absolute(path)), str(self._layout.absolute(now)) if now else "",
            None if low is None or high is None else (float(low), float(high)), str(step),
            own if isinstance(own, dict) else arguments, mapping(facts),
        )  # fmt: skip

    def rename(self, name: str, new: str, note: str = "") -> None:
        """Raises InputError for a name that cannot be used, is taken, or is none."""
        number, new = self._existing(name), _checked_name(new)
        with self._database.writing() as connection:
            taken = connection.execute("SELECT 1 FROM configurations WHERE name = ? AND id <> ?", (new, number)).fetchone()
            if taken is not None:
                raise InputError(f"There is a configuration « {new} » already.", "Choose another name.")
            connection.execute("UPDATE configurations SET name = ?, note = ? WHERE id = ?", (new, note, number))

    def remove(self, name: str) -> int:
        """Delete a configuration with its files for good; how many bytes they had. The present results stay."""
        number = self._existing(name)
        with self._database.writing() as connection:
            total = connection.execute(
                "SELECT total(size_bytes) FROM kept_products WHERE configuration_id = ?", (number,)
            ).fetchone()[0]
            connection.execute("UPDATE jobs SET keep_as = NULL WHERE keep_as = ?", (number,))
            connection.execute("DELETE FROM kept_products WHERE configuration_id = ?", (number,))
            connection.execute("DELETE FROM configurations WHERE id = ?", (number,))
        folder = self._layout.configuration_folder(number)
        with translated(self._layout.folder):
            if folder.is_dir() and not folder.is_symlink():
                check_own(self._layout, folder)
                shutil.rmtree(folder)
        return int(total)

    def _existing(self, name: str) -> int:
        with self._database.reading() as connection:
            row = connection.execute("SELECT id FROM configurations WHERE name = ?", (name,)).fetchone()
        if row is None:
            known = ", ".join(f"« {one.name} »" for one in self.all()[:10])
            raise InputError(f"There is no configuration « {name} ».", f"There are: {known}." if known else "None was kept yet.")
        return int(row[0])


def _checked_name(name: str) -> str:
    text = " ".join(name.split())
    if not text or not text.isprintable():
        raise InputError(f"« {name} » cannot be the name of a configuration.", "Give letters, digits and blanks.")
    if len(text) > MAX_NAME_CHARACTERS:
        raise InputError(f"The name of a configuration has at most {MAX_NAME_CHARACTERS} characters.")
    return text
