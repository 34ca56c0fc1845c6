"""The connections to an archive's database: one that writes, behind a lock, and as many that read as are needed at once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from daxa_gui.archive import schema
from daxa_gui.archive.failures import translated
from daxa_gui.core.errors import ArchiveError


def _connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    mode = "ro" if readonly else "rwc"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10.0, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA foreign_keys = ON")
    # An archive may come from somebody else: its schema must not be able to call functions with effects.
    connection.execute("PRAGMA trusted_schema = OFF")
    return connection


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection for one look at a database that another program may have open."""
    with translated(path):
        connection = _connect(path, readonly=True)
        try:
            yield connection
        finally:
            connection.close()


class Database:
    """Safe to use from any thread. WAL: those who read never wait for those who write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._write_lock = threading.RLock()
        self._readers_lock = threading.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._closed = False
        self._after_commit: list[Callable[[], None]] = []
        with translated(path):
            self._writer = _connect(path, readonly=False)
            try:
                self._writer.execute("PRAGMA journal_mode = WAL")
                self._writer.execute("PRAGMA synchronous = NORMAL")
                schema.prepare(self._writer, path)
                schema.check_types(self._writer, path)
            except BaseException:
                self._writer.close()
                raise

    @contextmanager
    def writing(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing. `durable`: on the disk, not only safe from a crash of the program, at the end.

        Without it a power cut may undo the last transactions (never half of one); jobs are then simply done again.
        """
        with self._write_lock, translated(self.path):
            self._check_open()
            self._writer.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._writer.execute("BEGIN IMMEDIATE")
            self._after_commit.clear()
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            finally:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
            for function in self._after_commit:
                function()

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
                connection = _connect(self.path, readonly=True)
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
            self._writer.close()
