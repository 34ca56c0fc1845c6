"""Logs of any size: lines by number, warnings and errors, searching, growing, strange contents."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core import log_file
from daxa_gui.core.errors import Cancelled, FileError
from daxa_gui.core.log_file import LogFile
from daxa_gui.core.log_messages import Severity, severity_of
from daxa_gui.core.log_source import LogSource


class Pieces:
    """Bytes that grow when a test says so."""

    def __init__(self, data: bytes = b"") -> None:
        self.data, self.generation = data, 0

    def size(self) -> tuple[int, int]:
        return len(self.data), self.generation

    def read(self, offset: int, n_bytes: int) -> bytes:
        return self.data[offset : offset + n_bytes]

    def close(self) -> None:
        self.data = b""


def log_of(source: LogSource, block: int = 8) -> LogFile:
    log = LogFile(source, block_bytes=block)
    log.index()
    log.look()
    return log


def lines_of(log: LogFile) -> list[str]:
    return [log.line(number, None) for number in range(log.n_lines)]


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(log_file, "_PIECE_BYTES", 64)


LINES = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"x", b"ERROR: bad", b"** a: warning (w), t", b"\xff", "é".encode(), b" " * 70, b"Needle"]
    ),
    max_size=60,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(LINES, st.integers(1, 40))
def test_that_the_index_equals_splitlines(data, block):
    piece, log_file._PIECE_BYTES = log_file._PIECE_BYTES, 64
    try:
        log = log_of(Pieces(data), block)
        expected = data.splitlines()
        assert lines_of(log) == [line.decode("utf-8", "replace") for line in expected]
        backwards = [log.line(n, None) for n in reversed(range(log.n_lines))]
        assert backwards[::-1] == lines_of(log)
        severities = [severity_of(line.decode("utf-8", "replace")) for line in expected]
        assert [log.severity(n) for n in range(log.n_lines)] == severities
        assert list(log.severe_lines()) == [n for n, s in enumerate(severities) if s >= Severity.WARNING]
        assert log.counts() == (severities.count(Severity.WARNING), severities.count(Severity.ERROR))
        for needle in ("needle", "X", "É", "err"):
            hits = [n for n, line in enumerate(expected) if needle.lower() in line.decode("utf-8", "replace").lower()]
            assert list(log.search(needle).lines) == hits, needle
    finally:
        log_file._PIECE_BYTES = piece


@settings(max_examples=200, deadline=None)
@given(st.lists(LINES, max_size=6), st.integers(1, 40))
def test_that_a_growing_log_ends_up_the_same(parts, block):
    source = Pieces()
    log = log_of(source, block)
    for part in parts:
        source.data += part
        log.index()
        log.look()
        assert log.n_lines == len(source.data.splitlines())
    whole = log_of(Pieces(source.data), block)
    assert lines_of(log) == lines_of(whole)
    assert list(log.severe_lines()) == list(whole.severe_lines())
    assert log.counts() == whole.counts()


def test_that_a_file_is_followed_and_a_new_one_is_begun_anew(tmp_path):
    path = tmp_path / "a.log"
    log = LogFile.open(path, missing_ok=True)
    assert log.index() is False and log.n_lines == 0
    path.write_text("one\ntw")
    log.index()
    assert lines_of(log) == ["one", "tw"]
    with path.open("a") as file:
        file.write("o\nERROR: three\n")
    log.index()
    log.look()
    assert lines_of(log) == ["one", "two", "ERROR: three"] and log.counts() == (0, 1)
    path.write_text("new\n")  # cut short and written again
    assert log.index() is True
    log.look()
    assert lines_of(log) == ["new"] and log.counts() == (0, 0)
    (tmp_path / "b").write_text("another file in its place\n")
    (tmp_path / "b").replace(path)
    assert log.index() is True
    assert lines_of(log) == ["another file in its place"]
    path.unlink()
    assert log.index() is False and log.n_lines == 1
    log.close()
    assert log.line(0) == ""


def test_that_a_file_cut_short_while_it_is_read_does_no_harm(tmp_path):
    path = tmp_path / "a.log"
    path.write_text("ERROR: a\n" * 1000)
    log = LogFile.open(path)
    log.index()
    path.write_text("")
    log.look()
    assert log.search("error").lines.size == 0
    assert log.line(500) == ""
    assert log.index() is True and log.n_lines == 0
    log.close()


def test_that_a_line_of_megabytes_is_cut_on_the_screen_only(small_pieces):
    data = b"first\n** a: error (Long), " + b"x" * 1_000_000 + b" needle\nlast ERROR\nERROR: end"
    log = log_of(Pieces(data), 16)
    assert log.n_lines == 4
    assert log.line(1).startswith("** a: error (Long), xxx") and len(log.line(1)) == log_file.LONGEST_SHOWN + 2
    assert len(log.line(1, None)) == len(data.split(b"\n")[1])
    assert list(log.severe_lines(Severity.ERROR)) == [1, 3]
    assert list(log.search("NEEDLE").lines) == [1] and list(log.search("error").lines) == [1, 2, 3]


def test_that_a_text_found_across_two_pieces_counts_once(small_pieces):
    data = b"a" * 60 + b"needle" + b"b" * 60 + b"needle\n" + b"needle\n"
    assert list(log_of(Pieces(data)).search("Needle").lines) == [0, 1]


def test_that_text_that_stands_everywhere_is_found_everywhere():
    lines = [f"line {n} {'aaa' if n % 3 else 'b'}" for n in range(20_000)]
    log = LogFile.of_text("\n".join(lines))
    assert list(log.search("AA").lines) == [n for n, line in enumerate(lines) if "aa" in line]
    assert len(log.search("l").lines) == 20_000
    assert list(log.search("line 19999").lines) == [19_999]
    assert list(log.search("line", first_line=19_990).lines) == list(range(19_990, 20_000))


def test_that_letters_beyond_ascii_are_found_whatever_their_case():
    log = LogFile.of_text("ÄRGER im Weg\nnichts\närger\nÆON α Centauri Α")
    assert list(log.search("äRGER").lines) == [0, 2]
    assert list(log.search("Α cENT").lines) == [3]
    assert list(log.search("α.").lines) == []


def test_that_nothing_is_found_of_nothing():
    log = LogFile.of_text("a\nb")
    assert not len(log.search("").lines) and not len(log.search("a\nb").lines) and not len(log.search("a", first_line=7).lines)


def test_that_work_can_be_cancelled(small_pieces):
    log = LogFile(Pieces(b"ERROR: x\n" * 1000), block_bytes=8)
    asked = []

    def soon() -> bool:
        asked.append(1)
        return len(asked) > 5

    for work in (log.index, log.look, lambda c: log.search("x", c)):
        asked.clear()
        with pytest.raises(Cancelled):
            work(soon)
        work(None)
    assert log.counts() == (0, 1000) and log.n_lines == 1000


def test_that_progress_reaches_one(small_pieces):
    log, told = LogFile(Pieces(b"ERROR: x\n" * 1000), block_bytes=8), []
    for work in (log.index, log.look, lambda c, p: log.search("x", c, p)):
        told.clear()
        work(None, told.append)
        assert told == sorted(told) and told[-1] == 1.0


def test_that_more_messages_than_can_be_listed_are_still_counted(monkeypatch):
    monkeypatch.setattr(log_file, "_MOST_LISTED", 10)
    log = LogFile.of_text("ERROR: x\n" * 100)
    assert len(log.severe_lines()) == 10 and log.counts() == (0, 100)
    hits = log.search("x")
    assert hits.is_cut and len(hits.lines) == 10


def test_that_what_is_no_log_is_refused(tmp_path):
    (tmp_path / "x.fits").write_bytes(b"SIMPLE\0\0")
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("x.fits", "not a text file"), ("pipe", "is not a file"), ("none", "not there"), ("", "is not a file")):
        with pytest.raises(FileError, match=words):
            LogFile.open(tmp_path / name)


def test_that_a_line_that_is_not_there_is_an_error():
    with pytest.raises(IndexError):
        LogFile.of_text("a").line(1)


def test_that_a_real_log_gives_the_same_by_index_and_by_reading_it(shared_data):
    path: Path = shared_data / "logs_sas" / "pysas_basic_setup_0802710101.log"
    log = LogFile.open(path)
    log.index()
    log.look()
    lines = path.read_bytes().splitlines()
    assert log.n_lines == len(lines) == 8182
    assert log.counts() == (115, 0)
    chosen = np.random.default_rng(3).integers(0, 8182, 300)
    assert all(log.line(int(n), None) == lines[n].decode() for n in chosen)
    assert list(log.search("SUMMARYOFWARNINGS").lines) == [n for n, line in enumerate(lines) if b"SummaryOfWarnings" in line]
    log.close()


@pytest.mark.parametrize(
    "line",
    [
        "evtool/FGET: **ERROR1** could not open", "**STOP** flaregti", "ERROR no event file", "x\tERROR: y", "WARNING: x",
        "warning: y", "# dmcopy (CIAO 4.16.0): DM Parse error: unknown column", "\tdsAPEPULSEHEIGHTERR -- WARNING: pulse height",
        "nucalcpi_1.0.1: Error: no gain file", "Task ftcopy 1.01 terminating with status 104", "FITSIO status = 104: no file",
        "evtool: error while loading shared libraries: libx.so", "terminate called after throwing", "Killed", "ValueError: bad",
        "x/y.py:12: RuntimeWarning: divide by zero", "some.module.OddException: bad", "FATAL: bad",
        "Traceback (most recent call last):",
        "2026-11-21T11:24:49.768Z ERROR   it failed", "2026-11-21T11:24:49.768Z WARNING careful", "Aborted (core dumped)",
        "** emproc: fatal (Name), text", "cp: cannot write: No space left on device", "zerrorcolumn=EWEIGHT ** a: error (b), c",
    ],
)  # fmt: skip
def test_that_the_quick_look_misses_no_message(line):
    for text in (line, f"first\n{line}\nlast", f"2026-11-21T11:24:49.768Z INFO    {line}\r"):
        log = LogFile.of_text(text)
        number = int("first" in text)
        assert log.severity(number) is severity_of(log.line(number))
        assert sum(log.counts()) == (severity_of(log.line(number)) > 0)
