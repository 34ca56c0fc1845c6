"""The log of a job: a text file that only grows, one line « time severity text » each, read from an offset on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TextIO

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
        self._file: TextIO | None = None

    def write(self, text: str, severity: str = "INFO") -> None:
        """Append `text`; each of its lines becomes one line with the same time (UTC) and severity."""
        stamp = datetime.fromtimestamp(self._now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        lines = "".join(f"{stamp} {severity:<7} {line}\n" for line in text.splitlines() or [""])
        with self._lock, translated(self._path):
            if self._file is None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                for place in (self._path, self._path.parent):
                    if place.is_symlink():  # put there by another hand: nothing is written to where it leads
                        raise ArchiveError(f"A link stands in the place of {place}; no log is written there.", "Remove it.")
                self._file = self._path.open("a", encoding="utf-8", errors="backslashreplace", newline="\n")
            self._file.write(lines)
            self._file.flush()

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
