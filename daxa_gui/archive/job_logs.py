"""The log of a job: a text file that only grows, one line « time severity text » each, read from an offset on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from time import time

from daxa_gui.archive.failures import os_failure, translated
from daxa_gui.core.errors import ArchiveError

SEVERITIES = ("INFO", "WARNING", "ERROR")
MAX_READ_BYTES = 4_000_000


class JobLogFile:
    """Writes one job's log; the file is made at the first line. Safe to call from any thread. Implements `core.job.JobLog`."""

    def __init__(self, path: str | Path, now: Callable[[], float] = time) -> None:
        self._path = Path(path)
        self._now = now
        self._lock = threading.Lock()
        self._file: FileIO | None = None

    def write(self, text: str, severity: str = "INFO") -> None:
        """Append `text`; each of its lines becomes one line with the same time (UTC) and severity."""
        stamp = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
        head = f"{stamp}Z {severity:<7} "
        data = "".join([f"{head}{line}\n" for line in text.splitlines() or [""]]).encode("utf-8", "backslashreplace")
        with self._lock, translated(self._path):
            if self._file is None:
                self._file = self._opened()
            while data:
                data = data[self._file.write(data) :]

    def _opened(self) -> FileIO:
        folder = self._path.parent
        for place in (self._path, folder):
            if place.is_symlink():  # put there by another hand: nothing is written to where it leads
                raise ArchiveError(f"A link stands in the place of {place}; no log is written there.", "Remove it.")
        try:
            return self._path.open("ab", buffering=0)
        except FileNotFoundError:
            folder.mkdir(parents=True, exist_ok=True)
            return self._path.open("ab", buffering=0)

    def close(self) -> None:
        """A later `write` opens the file again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def read_from(path: str | Path, offset: int = 0) -> tuple[str, int]:
    """The whole lines after byte `offset` and the offset to go on from; at most 4 MB at once. No file reads as empty.

    A line that is being written is left for the next time. When the file is shorter than `offset` (it was made anew),
    reading begins at its start.
    """
    file_path = Path(path)
    try:
        with file_path.open("rb") as file:
            size = file.seek(0, 2)
            start = offset if 0 <= offset <= size else 0
            file.seek(start)
            data = file.read(MAX_READ_BYTES)
    except FileNotFoundError:
        return "", 0
    except OSError as error:
        raise os_failure(error, file_path) from error
    end = data.rfind(b"\n") + 1
    if end == 0 and len(data) == MAX_READ_BYTES:  # one endless line: show it in pieces rather than never
        end = len(data)
    return data[:end].decode("utf-8", "replace"), start + end
