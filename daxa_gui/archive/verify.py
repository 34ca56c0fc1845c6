"""Comparing an archive's database with the disk, and putting right what can be put right (docs/archive.md).

`verify` looks only. `verify(…, repair=True)` makes a missing or damaged database anew (`archive.rebuild`), registers files that
are there and whole, takes damaged ones into the trash, and lets jobs run again whose files are gone or damaged.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time

from daxa_gui.archive import schema
from daxa_gui.archive.archive_documents import ARCHIVE_FILE
from daxa_gui.archive.checking import Checked, Checker, Expected, Progress
from daxa_gui.archive.database import read_only
from daxa_gui.archive.failed_data import FailedData
from daxa_gui.archive.failures import sensible, translated
from daxa_gui.archive.journal import JOURNAL_FILE
from daxa_gui.archive.layout import FAILED, PROCESSED, ArchiveLayout
from daxa_gui.archive.lock import ArchiveLock
from daxa_gui.archive.on_disk import MANIFEST, manifest_of, product_key
from daxa_gui.archive.own_places import is_own, why_not_own
from daxa_gui.archive.raw_data import needed, walk
from daxa_gui.archive.rebuild import rebuild
from daxa_gui.archive.repair import Repair
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_queries import Finding, VerifyReport
from daxa_gui.core.errors import ArchiveError

_MOST_ROWS = 20  # of SQLite's own complaints
# Documents in the database that every reader needs to understand.
_JSON = {
    "jobs": ("task", "warnings", "facts", "error"),
    "products": ("facts",),
    "observations": ("row", "instruments", "kinds"),
    "selections": ("obs_ids", "instruments", "filters", "kinds"),
    "info": ("value",),
}


def verify(
    layout: ArchiveLayout,
    *,
    repair: bool = False,
    read: bool = True,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    now: Callable[[], float] = time,
) -> VerifyReport:
    """Check an archive that nobody needs to have open.

    Parameters
    ----------
    repair : put right what can be put right; raises ArchiveInUse if the archive is open, here or elsewhere.
    read : read every file and compare it with its SHA-256; otherwise only its size is compared.
    progress : (done, total, words), in bytes if files are read, else in files.
    cancelled : asked often; `core.errors.Cancelled` is raised when it says yes. What was repaired until then stays so.
    """
    if not layout.database.is_file() and not _was_archive(layout):
        raise ArchiveError(f"There is no archive at {layout.folder}.", "Choose a folder that has a file daxa_gui.sqlite.")
    findings: list[Finding] = []
    rebuilt = False
    if repair:
        if foreign := why_not_own(layout):
            raise ArchiveError(foreign, "Put back what belongs there, then repair it.")
        lock = ArchiveLock(layout.lock)
        try:
            problems = check_database(layout)
            findings += [Finding("error", str(layout.database), problem, True) for problem in problems]
            if problems:
                findings += [Finding("information", str(layout.database), text) for text in rebuild(layout, now)]
                rebuilt = True
        finally:
            lock.release()
    else:
        findings += [Finding("error", str(layout.database), problem) for problem in check_database(layout)]
        if findings:
            return VerifyReport(0, 0, tuple(findings))
    return _Verification(layout, Checker(read=read, progress=progress, cancelled=cancelled), repair, now).run(findings, rebuilt)


def _was_archive(layout: ArchiveLayout) -> bool:
    marks = (ARCHIVE_FILE, JOURNAL_FILE, PROCESSED, FAILED)
    return any((layout.folder / name).exists() for name in marks)


def check_database(layout: ArchiveLayout) -> list[str]:
    """What is wrong with the database itself, as sentences. Raises ArchiveError for one of a later version or another program."""
    if not layout.database.is_file():
        return ["The database is not there."]
    try:
        with read_only(layout.database) as connection:
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            application = int(connection.execute("PRAGMA application_id").fetchone()[0])
            if version > schema.VERSION or (application not in (0, schema.APPLICATION_ID)):
                schema.check_version(connection, layout.database)
            rows = connection.execute(f"PRAGMA integrity_check({_MOST_ROWS})").fetchall()
            problems = [f"SQLite says: {text}" for (text,) in rows if text != "ok"]
            if problems:
                return problems
            if application == 0 or version == 0:
                return ["The database has no tables of an archive."]
            problems = [f"A row of « {row[0]} » refers to nothing." for row in connection.execute("PRAGMA foreign_key_check")]
            return problems[:_MOST_ROWS] or _senseless(connection, layout.database) or _unusable_paths(connection, layout)
    except ArchiveError as error:
        if "later version" in error.message or "not an archive" in error.message:
            raise
        return [error.message]


def _senseless(connection: sqlite3.Connection, path: Path) -> list[str]:
    try:
        schema.check_types(connection, path, everything=True)
    except ArchiveError as error:
        return [error.message]
    problems = []
    for table, columns in _JSON.items():
        present = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        conditions = " OR ".join(f"NOT json_valid({column})" for column in columns if column in present)
        # SQLite does not know the numbers that a catalogue leaves open (NaN): what it calls no JSON is read here
        documents = ", ".join(column for column in columns if column in present)
        strange = connection.execute(f"SELECT {documents} FROM {table} WHERE {conditions}")
        number = sum(not all(map(_is_json, row)) for row in strange)
        if number:
            problems.append(f"{number} rows of « {table} » hold documents that are no JSON.")
    return problems


def _unusable_paths(connection: sqlite3.Connection, layout: ArchiveLayout) -> list[str]:
    """Files that the database has at places where the archive can have none."""
    problems = []
    for table in ("products", "files", "regions"):
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
            continue  # of an earlier version
        for (path,) in connection.execute(f"SELECT path FROM {table}"):
            try:
                layout.absolute(path)
            except ArchiveError as error:
                problems.append(error.message)
                break
    return problems


def _is_json(document: object) -> bool:
    if document is None:
        return True
    try:
        json.loads(str(document))
    except (ValueError, RecursionError):
        return False
    return True


class _Verification:
    """One check of an archive whose database can be read."""

    def __init__(self, layout: ArchiveLayout, checker: Checker, repair: bool, now: Callable[[], float]) -> None:
        self._layout = layout
        self._checker = checker
        self._repairing = repair
        self._now = now
        self._findings: list[Finding] = []
        self._known: set[str] = set()  # stored paths that the database knows

    def run(self, findings: list[Finding], rebuilt: bool) -> VerifyReport:
        store = ArchiveStore.open(self._layout, self._now, read_only=not self._repairing)
        try:
            self._finish_moves(store)
            self._repair = Repair(store) if self._repairing else None
            if rebuilt and self._repair is not None:
                told = self._repair.register_from_disk()
                findings += [Finding("information", str(self._layout.folder), text) for text in told]
            n_files, n_bytes = self._check_files(store)
            self._check_successes(store)
            self._check_disk(store)
            if self._repair is not None:
                self._repair.finish()
        finally:
            store.close()
        return VerifyReport(n_files, n_bytes, (*findings, *self._findings), rebuilt)

    def _finish_moves(self, store: ArchiveStore) -> None:
        """A program that died while an observation moved to or from failed_data leaves files where the database has none."""
        moves = FailedData(self._layout, store.database)
        if moves.is_interrupted():
            if self._repairing:
                moves.finish_interrupted()
            what = "A program died while it moved an observation to or from failed_data"
            then = "that was finished" if self._repairing else "opening does the rest, until then files seem to be missing"
            self._note("warning", self._layout.folder, f"{what}; {then}.", self._repairing)

    def _note(self, severity: str, path: Path | str, message: str, repaired: bool = False) -> None:
        self._findings.append(Finding(severity, str(path), message, repaired))

    # ---- what is registered

    def _expected(self, store: ArchiveStore) -> Iterator[Expected]:
        query = (
            "SELECT path, size_bytes, sha256, job_id, mission, obs_id, 1, 0 FROM products"
            " UNION ALL SELECT path, size_bytes, sha256, job_id, mission, obs_id, 0, 1 FROM files ORDER BY path"
        )  # fmt: skip
        with store.database.reading() as connection:
            rows = connection.execute(query).fetchall()
        merged: dict[str, list[tuple[object, ...]]] = {}
        for row in rows:
            merged.setdefault(row[0], []).append(row)
        with sensible(self._layout.database):
            for stored, those in merged.items():
                _, size, sha256, number, mission, obs_id, *_ = those[-1]
                job_id = None if number is None else int(str(number))
                tables = tuple(name for name, at in (("products", 6), ("files", 7)) if any(row[at] for row in those))
                yield Expected(
                    stored, self._layout.absolute(stored), int(str(size)), str(sha256), job_id,
                    str(mission), str(obs_id), tables,
                )  # fmt: skip

    def _check_files(self, store: ArchiveStore) -> tuple[int, int]:
        expected = list(self._expected(store))
        self._known = {file.stored for file in expected}
        n_bytes, wrong = 0, []
        with translated(self._layout.folder):
            for found in self._checker.check(expected):
                n_bytes += found.n_bytes
                if found.problem:
                    wrong.append(found)
        self._judge(wrong)
        return len(expected), n_bytes

    def _judge(self, wrong: list[Checked]) -> None:
        """Say what is wrong with files, and put it right if that is wanted: damaged ones go to the trash before anything else, so
        that a program that dies in between finds them missing and does the rest."""
        renewed = {}
        if self._repair is not None:
            renewed = {found.file.stored: self._repair.renewed(found.file) for found in wrong if not found.missing}
            damaged = [found.file for found in wrong if not found.missing and not renewed.get(found.file.stored)]
            self._repair.to_trash([file.path for file in damaged if is_own(self._layout, file.path)])
        for found in wrong:
            file = found.file
            done = renewed.get(file.stored, "")
            if self._repair is not None and not done:
                done = self._repair.take_away(file)
            self._note("error", file.path, f"{file.path.name} {found.problem}. {done}".strip(), bool(done))

    def _check_successes(self, store: ArchiveStore) -> None:
        """Jobs that say that they made something of which nothing is registered. (Stale ones are known to be done again.)"""
        query = (
            "SELECT id, title, kind FROM jobs WHERE state = 'succeeded' AND reason = '' AND stale = 0 AND kind <> 'plan'"
            " AND NOT EXISTS (SELECT 1 FROM products WHERE job_id = jobs.id)"
            " AND NOT EXISTS (SELECT 1 FROM files WHERE job_id = jobs.id)"
            " AND (kind = 'download' OR EXISTS (SELECT 1 FROM history WHERE job_id = jobs.id)) ORDER BY id"
        )
        with store.database.reading() as connection:
            rows = connection.execute(query).fetchall()
        for job_id, title, _ in rows:
            repaired = self._repair is not None and self._repair.again(job_id)
            self._note("error", self._layout.folder, f"« {title} » succeeded, but nothing that it made is registered.", repaired)

    # ---- what lies around

    def _check_disk(self, store: ArchiveStore) -> None:
        with translated(self._layout.folder):
            with store.database.reading() as connection, sensible(self._layout.database):
                missions = [name for (name,) in connection.execute("SELECT DISTINCT mission FROM observations")]
                folders = {folder for one in needed(connection, missions).values() for folder in one}
                jobs = {job_id for (job_id,) in connection.execute("SELECT id FROM jobs")}
                open_units = set(
                    connection.execute(
                        "SELECT mission, obs_id FROM jobs WHERE state NOT IN ('succeeded', 'cancelled', 'skipped')"
                    )
                )
            for mission, obs_id in sorted(folders):
                self._check_raw(mission, obs_id, (mission, obs_id) in open_units)
            self._check_archive()
            self._check_work(store)
            self._check_logs(jobs)

    def _check_raw(self, mission: str, obs_id: str, is_open: bool) -> None:
        folder = self._layout.raw_folder(mission, obs_id)
        if folder.is_symlink() or not is_own(self._layout, folder):
            self._note("warning", folder, f"A link leads from {folder} to elsewhere; what is there is no part of the archive.")
            return
        manifest = manifest_of(folder)
        for entry in walk(folder):
            path = Path(entry.path)
            name = path.relative_to(folder).as_posix()
            if entry.is_symlink():
                self._check_link(path)
            elif name == MANIFEST or path.name.startswith("."):
                continue
            elif path.name.endswith((".part", ".part.json")):
                if not is_open:
                    self._left_over(path, "is a download that was broken off")
            elif self._layout.stored(path) not in self._known:
                line = manifest.get(name)
                if line is None:
                    self._note("information", path, f"{path.name} is registered nowhere; it is left where it is.")
                else:
                    done = self._repair is not None and self._repair.register_raw(mission, obs_id, folder, line)
                    self._note("warning", path, f"{path.name} was downloaded and is not registered.", done)

    def _check_archive(self) -> None:
        for root in (PROCESSED, FAILED):
            for entry in walk(self._layout.folder / root):
                path = Path(entry.path)
                if entry.is_symlink():
                    self._check_link(path)
                elif path.name.endswith(".part"):
                    self._left_over(path, "is a file that was never finished")
                elif self._layout.stored(path) not in self._known:
                    key = product_key(self._layout, path)
                    if key is None:
                        if path.suffix == ".fits":
                            self._note("information", path, f"{path.name} is registered nowhere; it is left where it is.")
                    else:
                        done = self._repair is not None and self._repair.register_product(key, path)
                        self._note("warning", path, f"{path.name} is a product that is not registered.", done)

    def _check_work(self, store: ArchiveStore) -> None:
        """Work folders of jobs that do not run. (An archive that is opened to be repaired has none: opening removes them.)"""
        with store.database.reading() as connection:
            busy = {
                f"job-{job_id}"
                for (job_id,) in connection.execute("SELECT id FROM jobs WHERE state IN ('running', 'cancelling')")
            }
        for folder in sorted(self._layout.work.glob("*")):
            if folder.name not in busy:
                self._note("information", folder, f"{folder.name} is what a job left that was cut off.")

    def _check_logs(self, jobs: set[int]) -> None:
        for path in sorted(self._layout.logs.glob("*/job-*.log")):
            number = path.stem.removeprefix("job-")
            if not number.isdecimal() or int(number) not in jobs:
                self._note("information", path, f"{path.name} is the log of a job that is not known.")

    def _check_link(self, path: Path) -> None:
        target = path.resolve()
        inside = any(target.is_relative_to(root.resolve()) for root in (self._layout.folder, self._layout.output))
        if not inside or not target.exists():
            what = "leads out of the archive" if not inside else "leads nowhere"
            self._note("warning", path, f"The link {path.name} {what}; it is left as it is.")

    def _left_over(self, path: Path, what: str) -> None:
        if self._repair is not None:
            path.unlink()
        self._note("information", path, f"{path.name} {what}.", self._repair is not None)


def report_document(report: VerifyReport) -> str:
    """A report as JSON, for the command line and for tests."""
    return json.dumps(
        {
            "files": report.n_files,
            "bytes": report.n_bytes,
            "rebuilt": report.rebuilt,
            "whole": report.is_whole,
            "findings": [vars(finding) for finding in report.findings],
        }
    )
