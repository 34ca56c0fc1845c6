"""Logs of any size: lines by their number, warnings and errors, and where a text stands, with little memory.

A log of 200 MB is never in memory. An index keeps, for each block of 64 kB, the first line that begins in it; a line is found by
reading its block. Indexing and searching read the file in pieces and can be cancelled between two of them. Lines end as
`bytes.splitlines` has it; bytes that are no UTF-8 are shown as « \N{REPLACEMENT CHARACTER} ».
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from daxa_gui.core.errors import Cancelled, FileError
from daxa_gui.core.log_shapes import Severity, severity_of
from daxa_gui.core.log_source import (
    FileSource,
    Growing,
    LogSource,
    Positions,
    TextSource,
    as_pattern,
    breaks,
    count_breaks,
    ends_in,
    find_all,
    marked_lines,
)

BLOCK_BYTES = 65_536
LONGEST_SHOWN = 2000  # characters of a line, unless more are asked for
_PIECE_BYTES = 1 << 20
_PAGE_BYTES = 1 << 16
_LOOKED_AT = 4200  # bytes of a line in which a message can be
_MOST_LISTED = 2_000_000  # lines with a message, and hits of a search: more are only counted
_CACHED_BLOCKS = 8

IsCancelled = Callable[[], bool]
Progress = Callable[[float], None]


@dataclass(eq=False)
class _Index:
    """What is known of the bytes so far. `starts[i]` is where line `lines[i]` begins: the first that begins in its block."""

    generation: int = 0
    # bytes that are indexed, ends of lines in them, where the last of these is + 1, bytes that were seen (a « \\r » behind the
    # indexed ones ends a line, but the next byte may belong to it)
    state: tuple[int, int, int, int] = (0, 0, 0, 0)
    starts: Growing = field(default_factory=Growing)
    lines: Growing = field(default_factory=Growing)
    looked: int = 0  # bytes in which messages were looked for: whole lines
    looked_line: int = 0
    severe: Growing = field(default_factory=Growing)  # numbers of lines with a warning or an error
    grave: Growing = field(default_factory=Growing)  # how grave each of them is
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])
    tail: Severity = Severity.INFO  # of the last line, which may have no end yet

    def __post_init__(self) -> None:
        self.starts.extend(np.zeros(1, np.int64))
        self.lines.extend(np.zeros(1, np.int64))

    @property
    def n_lines(self) -> int:
        _, n_breaks, last_start, seen = self.state
        return n_breaks + (seen > last_start)

    def last_block(self, block: int) -> int:
        """The number of the last block in which a line ends."""
        return (int(self.starts.view()[-1]) - 1) // block


@dataclass(frozen=True, eq=False)
class Hits:
    """The lines (counted from 0, growing) in which a text was found. `is_cut`: there are more."""

    needle: str
    lines: Positions
    is_cut: bool = False


class LogFile:
    """One log. `index` and `look` on a pool thread, again whenever it may have grown; everything else on any thread."""

    def __init__(self, source: LogSource, name: str = "", *, block_bytes: int = BLOCK_BYTES) -> None:
        self._source = source
        self.name = name
        self._block = block_bytes
        self._index = _Index()
        self._working = threading.Lock()  # one thread at a time makes the index
        self._cached: OrderedDict[tuple[int, int, int], Positions] = OrderedDict()
        self._pages: OrderedDict[tuple[int, int, int], bytes] = OrderedDict()
        self._cache_lock = threading.Lock()

    @classmethod
    def open(cls, path: str | Path, *, missing_ok: bool = False) -> LogFile:
        """A log on disk; nothing but its beginning is read. Raises FileError if it cannot be read or is no text.

        `missing_ok`: a file that is not there yet reads as empty.
        """
        source = FileSource(path)
        log = cls(source, Path(path).name)
        try:
            source.size()
            if not missing_ok and not Path(path).exists():
                raise FileError(f"{path} is not there.", "Choose a log file.")
            if b"\0" in source.read(0, 4096):
                raise FileError(f"{path} is not a text file.", "Choose a log file.")
        except BaseException:
            source.close()
            raise
        return log

    @classmethod
    def of_text(cls, text: str, name: str = "") -> LogFile:
        """A text in memory as a log that is indexed already."""
        log = cls(TextSource(text), name)
        log.index()
        log.look()
        return log

    def close(self) -> None:
        """Lines read as empty from now on."""
        self._source.close()
        with self._cache_lock:
            self._pages.clear()

    # making the index

    def index(self, cancelled: IsCancelled | None = None, progress: Progress | None = None) -> bool:
        """Find where lines begin in what came since the last time. True if the log was begun anew. Raises Cancelled."""
        with self._working:
            size, generation = self._source.size()
            anew = generation != self._index.generation or size < self._index.state[0]
            if anew:
                self._index = _Index(generation)
        while True:
            _check(cancelled)
            with self._working:  # given away between two pieces, so that whoever looks for messages need not end first
                index = self._index
                if index.state[0] >= size or not self._index_piece(index):
                    return anew
                if progress is not None:
                    progress(min(1.0, index.state[0] / size))

    def _index_piece(self, index: _Index) -> bool:
        """Index the next piece, up to the end of a block. False if nothing can be said of the rest yet."""
        begin, n_breaks, last_start, _ = index.state
        wanted = max(1, _PIECE_BYTES // self._block) * self._block - begin % self._block
        data = self._source.read(begin, wanted + 1)
        length = min(len(data), wanted)
        if length == len(data) and data.endswith(b"\r"):
            length -= 1  # the next byte will tell whether the line ends here or there
        if length <= 0:
            index.state = (begin, n_breaks, last_start, begin + len(data))
            return False
        starts, lines, at, last_block = [], [], 0, index.last_block(self._block)
        while at < length:
            number = (begin + at) // self._block
            stop = min(length, (number + 1) * self._block - begin)
            count, first, last = ends_in(data[at:stop], data[stop : stop + 1])
            if count and number != last_block:
                starts.append(begin + at + first + 1)
                lines.append(n_breaks + 1)
                last_block = number
            if count:
                n_breaks += count
                last_start = begin + at + last + 1
            at = stop
        index.starts.extend(np.array(starts, np.int64))
        index.lines.extend(np.array(lines, np.int64))
        index.state = (begin + length, n_breaks, last_start, begin + length)
        return True

    def look(self, cancelled: IsCancelled | None = None, progress: Progress | None = None) -> None:
        """Look for messages in the whole lines that are indexed and were not looked at. Raises Cancelled."""
        while True:
            _check(cancelled)
            with self._working:
                index = self._index
                _, _, last_start, seen = index.state
                if index.looked >= last_start:
                    tail = self._source.read(last_start, min(seen - last_start, _LOOKED_AT))
                    index.tail = severity_of(_decoded(tail)) if tail else Severity.INFO
                    return
                self._look_at_piece(index, last_start)
                if progress is not None:
                    progress(index.looked / last_start)

    def _look_at_piece(self, index: _Index, last_start: int) -> None:
        begin, first_line = index.looked, index.looked_line
        data = self._source.read(begin, min(_PIECE_BYTES, last_start - begin) + 1)
        data, following = data[: last_start - begin][:_PIECE_BYTES], data[_PIECE_BYTES : _PIECE_BYTES + 1]
        ends = breaks(data, following) if data else np.zeros(0, np.int64)
        if not len(ends):  # a line that is longer than a piece, or a file that was cut short in the meantime
            length = self._start(index, first_line + 1) - begin if data else last_start - begin
            data, ends = self._source.read(begin, min(length, _LOOKED_AT)), np.array([length - 1], np.int64)
        else:
            data = data[: int(ends[-1]) + 1]
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1] + 1])
        found, grave = [], []
        for row in marked_lines(data.lower(), starts, ends):
            text = data[int(starts[row]) : min(int(ends[row]), int(starts[row]) + _LOOKED_AT)]
            if severity := severity_of(_decoded(text)):
                found.append(first_line + row)
                grave.append(int(severity))
                index.counts[severity] += 1
        room = max(0, _MOST_LISTED - len(index.severe))
        index.grave.extend(np.array(grave[:room], np.int64))
        index.severe.extend(np.array(found[:room], np.int64))
        index.looked, index.looked_line = begin + int(ends[-1]) + 1, first_line + len(ends)

    # what is known

    @property
    def n_lines(self) -> int:
        """Lines that are indexed; the last one may have no end yet."""
        return self._index.n_lines

    @property
    def size_bytes(self) -> int:
        """Bytes that are indexed."""
        return self._index.state[0]

    @property
    def n_looked(self) -> int:
        """Lines in which messages were looked for."""
        index = self._index
        return min(index.n_lines, index.looked_line + (index.looked == index.state[2]))

    def counts(self) -> tuple[int, int]:
        """Warnings and errors so far."""
        index = self._index
        return tuple(index.counts[s] + (index.tail == s) for s in (Severity.WARNING, Severity.ERROR))  # type: ignore[return-value]

    def severe_lines(self, least: Severity = Severity.WARNING) -> Positions:
        """The lines (counted from 0, growing) that are as grave or graver; of very many only the first two millions."""
        index = self._index
        severe = index.severe.view()
        severe = severe[index.grave.view()[: len(severe)] >= least]
        if index.tail >= max(least, Severity.WARNING):
            severe = np.append(severe, index.state[1])
        return severe

    def severity(self, line: int) -> Severity:
        """How grave a line is, as far as it was looked at."""
        index = self._index
        severe = index.severe.view()
        at = int(np.searchsorted(severe, line))
        if at < len(severe) and severe[at] == line:
            return Severity(int(index.grave.view()[at]))
        return index.tail if line == index.state[1] else Severity.INFO

    def line(self, number: int, most: int | None = LONGEST_SHOWN) -> str:
        """A line by its number (counted from 0), without its end; longer ones are cut after `most` characters (None: never).

        Raises IndexError for a line that is not indexed.
        """
        index = self._index
        if not 0 <= number < index.n_lines:
            raise IndexError(f"line {number} of {index.n_lines}")
        start, end = self._start(index, number), self._end(index, number)
        if most is not None and end - start > 4 * most:
            text = self._read_cached(index, start, 4 * most + 4).decode("utf-8", "ignore")
            return f"{text[:most]} …"
        text = _decoded(self._read_cached(index, start, end - start))
        return text if most is None or len(text) <= most else f"{text[:most]} …"

    def _read_cached(self, index: _Index, start: int, n_bytes: int) -> bytes:
        """Bytes that are probably near those that were read before: a page of lines takes one question to the disk."""
        seen, data = index.state[3], b""
        if n_bytes > _PAGE_BYTES:
            return self._source.read(start, n_bytes)
        while n_bytes > 0:
            page = start // _PAGE_BYTES
            stop = min((page + 1) * _PAGE_BYTES, seen)
            key = (index.generation, page, stop)
            with self._cache_lock:
                known = self._pages.get(key)
            if known is None:
                known = self._source.read(page * _PAGE_BYTES, stop - page * _PAGE_BYTES)
                with self._cache_lock:
                    self._pages[key] = known
                    while len(self._pages) > _CACHED_BLOCKS:
                        self._pages.popitem(last=False)
            part = known[start - page * _PAGE_BYTES :][:n_bytes]
            if not part:
                break
            data, start, n_bytes = data + part, start + len(part), n_bytes - len(part)
        return data

    def _end(self, index: _Index, number: int) -> int:
        """Where a line ends, with its end."""
        _, n_breaks, _, seen = index.state
        return self._start(index, number + 1) if number < n_breaks else seen

    def _start(self, index: _Index, number: int) -> int:
        """Where a line begins."""
        lines = index.lines.view()
        at = int(np.searchsorted(lines, number, side="right")) - 1
        first = int(lines[at])
        if number == first:
            return int(index.starts.view()[at])
        found = self._starts_in_block(index, at)
        # a file that was cut short in the meantime has fewer
        return int(found[number - first]) if number - first < len(found) else index.state[0]

    def _starts_in_block(self, index: _Index, at: int) -> Positions:
        """Where the lines begin whose predecessors end in the block of entry `at` of the index."""
        first = int(index.starts.view()[at])
        block_end = ((first - 1) // self._block + 1) * self._block
        stop = min(block_end, index.state[0])
        key = (index.generation, first, stop)
        with self._cache_lock:
            if (known := self._cached.get(key)) is not None:
                self._cached.move_to_end(key)
                return known
        data = self._source.read(first - 1, stop - first + 2) if first else b""
        found = breaks(data[: stop - first + 1], data[stop - first + 1 :]) + first if data else np.zeros(1, np.int64)
        with self._cache_lock:
            self._cached[key] = found
            while len(self._cached) > _CACHED_BLOCKS:
                self._cached.popitem(last=False)
        return found

    # searching

    def search(
        self, needle: str, cancelled: IsCancelled | None = None, progress: Progress | None = None, *, first_line: int = 0
    ) -> Hits:
        """The lines from `first_line` on that hold `needle`, whatever the case of its letters. Raises Cancelled."""
        index = self._index
        end = index.state[0]
        if not needle or "\n" in needle or "\r" in needle or first_line >= index.n_lines:
            return Hits(needle, np.zeros(0, np.int64))
        pattern = as_pattern(needle)
        looked_for = needle.lower().encode("utf-8", "surrogatepass") if pattern is None else b""
        reach = 4 * len(needle) + 4 if pattern else len(looked_for) - 1  # bytes of a hit that may lie behind its piece
        at, line = self._start(index, first_line), first_line
        found: list[Positions] = []
        n_found, last_hit = 0, -1
        while at < end and n_found <= _MOST_LISTED:
            _check(cancelled)
            length = min(_PIECE_BYTES, end - at)
            data = self._source.read(at, min(length + max(1, reach), end + 1 - at))
            if not data:
                break
            places = find_all(data.lower(), looked_for, pattern)
            places = places[places < length]
            piece, following = data[:length], data[length : length + 1]
            if len(places):
                ends = breaks(piece, following)
                before = np.searchsorted(places, ends)  # how many stand before the end of each line
                hits = np.flatnonzero(np.diff(before, prepend=0, append=len(places))) + line
                if hits[0] == last_hit:
                    hits = hits[1:]
                if len(hits):
                    found.append(hits)
                    n_found, last_hit = n_found + len(hits), int(hits[-1])
                line += len(ends)
            else:
                line += count_breaks(piece, following)
            at += length
            if progress is not None:
                progress(at / end)
        lines = np.concatenate(found) if found else np.zeros(0, np.int64)
        return Hits(needle, lines[:_MOST_LISTED], len(lines) > _MOST_LISTED)


def _check(cancelled: IsCancelled | None) -> None:
    if cancelled is not None and cancelled():
        raise Cancelled()


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "replace").rstrip("\r\n")
