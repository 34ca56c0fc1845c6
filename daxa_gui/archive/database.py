"""The connections to an archive's database: one that writes, behind a lock, and as many that read as are needed at once."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daxa_gui.archive import schema
from daxa_gui.archive.failures import translated
from daxa_gui.core.errors import ArchiveError

_COPIED = ("", "-wal", "-journal")


def _connect(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}", uri=True, timeout=10.0, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        # An archive may come from somebody else: its schema must not be able to call functions with effects.
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def _reader(path: Path) -> tuple[str, Path | None]:
    """How a database that must not be changed can be read: options for `_connect`, and the folder of a copy if one was needed.

    With a write-ahead log SQLite wants to write its index beside the database. Where that is forbidden, a database without a
    log is opened as one that nobody changes, and one with a log is copied, so that what is in the log is seen too.
    """
    try:
        _try(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if "unable to open" not in str(error) and "readonly" not in str(error):
            raise
        log = path.with_name(path.name + "-wal")
        if log.is_file() and log.stat().st_size:
            return "mode=rwc", _copied(path)
        _try(path, "mode=ro&immutable=1")
        return "mode=ro&immutable=1", None
    return "mode=ro", None


def _try(path: Path, options: str) -> int:
    """The version of the tables; raises sqlite3.Error if the database cannot be read so."""
    connection = _connect(path, options)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def _copied(path: Path) -> Path:
    """A folder with a copy of the database and its log; whoever asked deletes it."""
    folder = Path(tempfile.mkdtemp(prefix="daxa-gui-archive-"))
    try:
        for suffix in _COPIED:
            source = path.with_name(path.name + suffix)
            if source.is_file():
                shutil.copyfile(source, folder / source.name)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one look at a database that another program may have open."""
    with translated(path):
        options, copy = _reader(path)
        connection = _connect(path if copy is None else copy / path.name, options)
        try:
            yield connection
        finally:
            connection.close()
            if copy is not None:
                shutil.rmtree(copy, ignore_errors=True)


class Database:
    """Safe to use from any thread. WAL: those who read never wait for those who write.

    Parameters
    ----------
    read_only_reason : a sentence if nothing may be written; every `writing` then raises it. What another program commits is
        seen all the same, except where the disk only allows to look at a copy.
    shared_disk : no write-ahead log: what network disks need (those who read then wait for those who write).
    """

    def __init__(self, path: Path, *, read_only_reason: str = "", shared_disk: bool = False) -> None:
        self.path = path
        self.read_only_reason = read_only_reason
        self._write_lock = threading.RLock()
        self._readers_lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._after_commit: list[Callable[[], None]] = []
        self._writer: sqlite3.Connection | None = None
        self._durable = False  # what the writer is set to
        self._copy: Path | None = None
        self._read_path, self._read_options = path, "mode=ro"
        with translated(path):
            if read_only_reason:
                self._look()
            else:
                self._writer = self._prepared(path, "DELETE" if shared_disk else "WAL")
            self._identity = self._file_identity()

    @staticmethod
    def _prepared(path: Path, journal: str) -> sqlite3.Connection:
        writer = _connect(path, "mode=rwc")
        try:
            writer.execute(f"PRAGMA journal_mode = {journal}")
            writer.execute("PRAGMA synchronous = NORMAL")
            schema.prepare(writer, path)
            schema.check_types(writer, path)
        except BaseException:
            writer.close()
            raise
        return writer

    def _look(self) -> None:
        """Open for reading only; tables of an earlier version are brought up to date in a copy."""
        self._read_options, self._copy = _reader(self.path)
        try:
            if self._copy is None and _try(self.path, self._read_options) < schema.VERSION:
                self._copy = _copied(self.path)
            if self._copy is not None:
                self._read_path, self._read_options = self._copy / self.path.name, "mode=ro"
                self._prepared(self._read_path, "DELETE").close()
            connection = _connect(self._read_path, self._read_options)
            try:
                schema.check_version(connection, self.path)
                schema.check_types(connection, self.path)
            finally:
                connection.close()
        except BaseException:
            self._remove_copy()
            raise

    def _remove_copy(self) -> None:
        if self._copy is not None:
            shutil.rmtree(self._copy, ignore_errors=True)

    def _file_identity(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_dev, status.st_ino

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. `durable`: on the disk, not only safe from a crash of the program, at the end.

        Without it a power cut may undo the last transactions (never half of one); jobs are then simply done again.
        """
        with self._write_lock, translated(self.path):
            writer = self._check_writable()
            if durable is not self._durable:
                writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
                self._durable = durable
            writer.execute("BEGIN IMMEDIATE")
            self._after_commit.clear()
            try:
                yield writer
                writer.execute("COMMIT")
            finally:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
            for function in self._after_commit:
                function()

    def _check_writable(self) -> sqlite3.Connection:
        """SQLite would go on writing into a database whose folder was deleted, and all of it would be lost."""
        self._check_open()
        if self.read_only_reason or self._writer is None:
            raise ArchiveError(self.read_only_reason or "The archive is read-only.", "Nothing was changed.")
        try:
            here = self._file_identity() == self._identity
        except FileNotFoundError:
            here = False
        if not here:
            error = ArchiveError(
                f"The archive {self.path.parent} was moved or deleted while it was open.",
                "Put it back, or close it and open it where it is now.",
            )
            error.pauses_lane = True
            raise error
        return self._writer

    def after_commit(self, function: Callable[[], None]) -> None:
        """Inside `writing`: call `function` once the transaction has succeeded, before anybody else may write."""
        self._after_commit.append(function)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection of one's own that sees the state of the last transaction."""
        with translated(self.path):
            self._check_open()
            with self._readers_lock:
                connection = self._readers.pop() if self._readers else None
            if connection is None:
                connection = _connect(self._read_path, self._read_options)
            try:
                yield connection
            finally:
                with self._readers_lock:
                    if self._closed:
                        connection.close()
                    else:
                        self._readers.append(connection)

    def _check_open(self) -> None:
        if self._closed:
            raise ArchiveError(f"The archive {self.path.parent} is closed.")

    def close(self) -> None:
        """Waits for a running transaction; afterwards every use raises ArchiveError. May be called twice."""
        with self._write_lock, self._readers_lock:
            if self._closed:
                return
            self._closed = True
            for connection in self._readers:
                connection.close()
            self._readers.clear()
            if self._writer is not None:
                self._writer.close()
            self._remove_copy()
