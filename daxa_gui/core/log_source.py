"""The bytes of a log, wherever they are, and where lines end in them. Nothing here keeps more than it was asked for."""

from __future__ import annotations

import os
import re
import stat
import threading
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.core.log_shapes import MARKS

Positions = NDArray[np.int64]
_MARKS = tuple(mark.encode() for mark in MARKS)
_PLAIN_MARKS = (b"error", b"warning")


class LogSource(Protocol):
    """Bytes that may become more. Safe to use from any thread."""

    def size(self) -> tuple[int, int]:
        """How many bytes there are now, and a number that changes when they were begun anew."""

    def read(self, offset: int, n_bytes: int) -> bytes:
        """At most `n_bytes` from `offset` on; fewer at the end."""

    def close(self) -> None: ...


class TextSource:
    """A text in memory."""

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "surrogatepass")

    def size(self) -> tuple[int, int]:
        return len(self._data), 0

    def read(self, offset: int, n_bytes: int) -> bytes:
        return self._data[offset : offset + n_bytes]

    def close(self) -> None:
        self._data = b""


class FileSource:
    """A file on disk, read in pieces. It is not mapped into memory: pages of a file that another program cuts short in the
    meantime would end this one, and mapped pages count as its memory.

    A file that is not there reads as empty until it is. Raises FileError for what is no plain file or may not be read.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._descriptor = -1
        self._closed = False
        self._generation = 0
        self._largest = 0
        self._identity = (0, 0)

    def size(self) -> tuple[int, int]:
        with self._lock:
            if self._closed:
                return 0, self._generation
            try:
                known = self._path.stat()
            except FileNotFoundError:
                return (os.fstat(self._descriptor).st_size if self._descriptor >= 0 else 0), self._generation
            except OSError as error:
                raise self._failure(error) from error
            if self._descriptor < 0 or (known.st_dev, known.st_ino) != self._identity:
                known = self._open()
            if known.st_size < self._largest:
                self._generation += 1
            self._largest = known.st_size
            return known.st_size, self._generation

    def _open(self) -> os.stat_result:
        try:
            # without waiting: what stands there may be a pipe
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            raise self._failure(error) from error
        known = os.fstat(descriptor)
        if not stat.S_ISREG(known.st_mode):
            os.close(descriptor)
            raise FileError(f"{self._path} is not a file.", "Choose a log file.")
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._generation += 1
            self._largest = 0
        self._descriptor, self._identity = descriptor, (known.st_dev, known.st_ino)
        return known

    def read(self, offset: int, n_bytes: int) -> bytes:
        with self._lock:
            if self._descriptor < 0:
                return b""
            try:
                return os.pread(self._descriptor, n_bytes, offset)
            except OSError as error:
                raise self._failure(error) from error

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    def _failure(self, error: OSError) -> FileError:
        return FileError(f"{self._path} cannot be read: {error.strerror}.", "Check the name and the permissions.")


class Growing:
    """Whole numbers that become more. Views that were given away stay as they are."""

    def __init__(self) -> None:
        self._values = np.zeros(256, np.int64)
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def extend(self, values: Positions) -> None:
        end = self._n + len(values)
        if end > len(self._values):
            larger = np.zeros(max(end, 2 * len(self._values)), np.int64)
            larger[: self._n] = self._values[: self._n]
            self._values = larger
        self._values[self._n : end] = values
        self._n = end

    def view(self) -> Positions:
        return self._values[: self._n]


def count_breaks(data: bytes, following: bytes = b"") -> int:
    """How many lines end in `data` (see `breaks`)."""
    if b"\r" not in data:
        return data.count(b"\n")
    return len(breaks(data, following))


def breaks(data: bytes, following: bytes = b"") -> Positions:
    r"""Where lines end: the positions of « \n » and of each « \r » that no « \n » follows, as `bytes.splitlines` has it.

    `following` is the byte behind `data`; without it a « \r » at the end counts.
    """
    values = np.frombuffer(data, np.uint8)
    if b"\r" not in data:
        return np.flatnonzero(values == 10)
    after = np.frombuffer(data[1:] + (following[:1] or b"\0"), np.uint8)
    return np.flatnonzero((values == 10) | ((values == 13) & (after != 10)))


def as_pattern(needle: str) -> re.Pattern[bytes] | None:
    """What finds `needle` whatever the case of its letters, in bytes whose ASCII letters are small; None if it is all ASCII, so
    that its small letters can be looked for directly."""
    if needle.isascii():
        return None
    parts = []
    for letter in needle:
        forms = {form.encode("utf-8", "surrogatepass").lower() for form in (letter, letter.lower(), letter.upper())}
        parts.append(b"(?:" + b"|".join(re.escape(form) for form in sorted(forms)) + b")")
    return re.compile(b"".join(parts))


def find_all(data: bytes, needle: bytes, pattern: re.Pattern[bytes] | None) -> Positions:
    """Where `needle` begins in `data`; of several places in one line at least the first."""
    if pattern is not None:
        return np.array([match.start() for match in pattern.finditer(data)], np.int64)
    at = data.find(needle)
    if at < 0:
        return np.zeros(0, np.int64)
    if data.count(needle, at) > 2000:
        return _find_many(np.frombuffer(data, np.uint8), np.frombuffer(needle, np.uint8))
    found = []
    while at >= 0:
        found.append(at)
        at = data.find(needle, at + 1)
    return np.array(found, np.int64)


def _find_many(values: NDArray[np.uint8], needle: NDArray[np.uint8]) -> Positions:
    """The same for a needle that is nearly everywhere: letter by letter for all places at once."""
    last = len(values) - len(needle) + 1
    places = np.flatnonzero(values[:last] == needle[0])
    for index in range(1, len(needle)):
        places = places[values[places + index] == needle[index]]
    return places


def ends_in(block: bytes, following: bytes) -> tuple[int, int, int]:
    """How many lines end in a block, and where the first and the last of them do."""
    if b"\r" not in block:
        return block.count(b"\n"), block.find(b"\n"), block.rfind(b"\n")
    found = breaks(block, following)
    return (len(found), int(found[0]), int(found[-1])) if len(found) else (0, -1, -1)


def marked_lines(lowered: bytes, starts: Positions, ends: Positions) -> list[int]:
    """Which lines (numbers of `starts`) hold any of the words that messages have."""
    rows: set[int] = set()
    for mark in _MARKS:
        at = lowered.find(mark)
        while at >= 0:
            if mark in _PLAIN_MARKS and not _stands_out(lowered, at, len(mark)):
                at = lowered.find(mark, at + 1)
                continue
            row = int(np.searchsorted(starts, at, side="right")) - 1
            rows.add(row)
            at = lowered.find(mark, int(ends[row]))
    return sorted(rows)


def _stands_out(lowered: bytes, at: int, length: int) -> bool:
    """Whether a word is not part of another, as in the parameter `zerrorcolumn` of nearly every evselect."""
    return at == 0 or lowered[at - 1] in b" \t*\n\r" or lowered[at + length : at + length + 1] == b":"
