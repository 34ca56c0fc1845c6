"""Samples in text: CSV with any separator, and ECSV (CSV whose comments say the columns' units)."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from daxa_gui.core.errors import FileError
from daxa_gui.exchange.sample_table import MOST_ROWS, PREVIEW_ROWS, Cells, Field, SampleTable, numbers_or_texts

_LONGEST_LINE = 1_000_000  # characters
_CHUNK_ROWS = 50_000
_CHUNK_BYTES = 1 << 22
_SEPARATORS = ",;\t|"
# lines that hold no row: comments, and those with nothing but separators
_NO_ROW = re.compile(rb"^(?:[ \t]*#[^\n]*|[ \t\r,;|]*)$", re.M)


@dataclass(frozen=True)
class _Start:
    """Where the rows begin: `lines` are those before the first row, header included."""

    header: tuple[str, ...]
    separator: str
    lines: int


class TextTable(SampleTable):
    """Rows of a text file in UTF-8. Empty lines and lines that begin with # are left out."""

    format = "CSV"

    def __init__(self, path: Path, fields: Sequence[Field], start: _Start) -> None:
        super().__init__(path, fields)
        self._start = start
        self._columns = len(start.header)

    def count(self) -> int:
        lines, quoted = self._lines_with_rows()
        if lines - self._skipped_with_content() > MOST_ROWS and not quoted:
            raise self.too_many()
        if not quoted:
            return max(0, lines - self._skipped_with_content())  # a file of nothing but separators has lines without cells
        rows = sum(1 for _ in islice(self._rows(), MOST_ROWS + 1))
        if rows > MOST_ROWS:
            raise self.too_many()
        return rows

    def _lines_with_rows(self) -> tuple[int, bool]:
        """How many lines hold cells, header included, and whether there are quotation marks (then a row may span lines)."""
        lines, rest, quoted = 0, b"", False
        with _opened(self.path, "rb") as stream:
            if stream.read(3) != b"\xef\xbb\xbf":
                stream.seek(0)
            while block := stream.read(_CHUNK_BYTES):
                block = rest + block
                cut = block.rfind(b"\n") + 1
                block, rest = block[:cut], block[cut:]
                # without any line feed the lines end with carriage returns
                quoted = quoted or b'"' in block or b'"' in rest or (b"\r" in rest and not block)
                empty = sum(1 for _ in _NO_ROW.finditer(block[:-1])) if block else 0
                lines += block.count(b"\n") - empty
                if len(rest) > 4 * _LONGEST_LINE:
                    raise FileError(f"The sample {self.path} has a line that is longer than {_LONGEST_LINE} characters.")
                if not quoted and lines > MOST_ROWS + 1:
                    break
        return lines + (1 if rest and not _NO_ROW.fullmatch(rest) else 0), quoted

    def _skipped_with_content(self) -> int:
        """1 if a line with cells is the header, 0 if the header was a comment or there is none."""
        return 1 if self._start.lines and self._header_counts else 0

    @property
    def _header_counts(self) -> bool:
        with _opened(self.path) as stream:
            lines = list(_lines(stream, self.path, self._start.lines))
        return bool(lines) and not lines[-1].startswith("#")

    def _reader(self, stream: TextIO) -> Any:
        lines = _lines(stream, self.path)
        for _ in range(self._start.lines):
            next(lines, None)
        if self._start.separator == " ":
            lines = (line.strip() + "\n" for line in lines)
        return csv.reader(lines, delimiter=self._start.separator, skipinitialspace=True)

    def _numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Rows with the number of the line they end in."""
        with _opened(self.path) as stream:
            reader = self._reader(stream)
            try:
                for row in reader:
                    if row and not row[0].startswith("#") and (row[0].strip() or any(map(str.strip, row))):
                        yield self._start.lines + reader.line_num, row
            except csv.Error as error:
                raise FileError(f"{self.path}, line {self._start.lines + reader.line_num}: {error}.") from error
            except UnicodeDecodeError as error:
                raise _not_text(self.path, error) from error

    def _rows(self) -> Iterator[list[str]]:
        for line, row in self._numbered():
            if len(row) != self._columns:
                raise FileError(f"{self.path}, line {line}: {len(row)} cells where the header has {self._columns}.")
            yield row

    def head(self) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(cell.strip() for cell in row) for row in islice(self._rows(), PREVIEW_ROWS))

    def read(self, names: Collection[str], as_text: Collection[str]) -> Mapping[str, Cells]:
        parts: dict[str, list[Any]] = {name: [] for name in names}
        indices = {name: self.names.index(name) for name in names}
        rows, total = self._rows(), 0
        while chunk := list(islice(rows, _CHUNK_ROWS)):
            total += len(chunk)
            if total > MOST_ROWS:
                raise self.too_many()
            for name, index in indices.items():
                cells = [row[index] for row in chunk]
                parts[name].append(_stripped(cells) if name in as_text else numbers_or_texts(cells))
        return {name: Cells(tuple(found)) for name, found in parts.items()}

    def place(self, row: int) -> str:
        line, _ = next(islice(self._numbered(), row, None))
        return f"line {line}"


class EcsvTable(TextTable):
    """ECSV: https://github.com/astropy/astropy-APEs/blob/main/APE6.rst. Rows are counted as other programs show them."""

    format = "ECSV"

    def place(self, row: int) -> str:
        return f"row {row + 1} ({super().place(row)})"


def open_text(path: Path) -> TextTable:
    """Raises FileError if the file has no header, is not text or is only comments."""
    start = _start(path)
    return TextTable(path, [Field(name, _unit_in(name)) for name in start.header], start)


def open_ecsv(path: Path) -> EcsvTable:
    """Raises FileError if the comments at the beginning are not those of ECSV."""
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    comments = []
    with _opened(path) as stream:
        for line in _lines(stream, path, 10_000):
            if not line.startswith("#"):
                break
            comments.append(line[1:].removeprefix(" ").rstrip("\r\n"))
    try:
        header = get_header_from_yaml(comments[1:])
        columns = {str(column["name"]): column for column in header["datatype"]}
        separator = str(header.get("delimiter", " "))
        if separator not in (" ", ","):
            raise ValueError(f"the separator « {separator} »")
    except (YamlParseError, ValueError, TypeError, LookupError, AttributeError) as error:
        why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise FileError(f"The sample {path} cannot be read as a ECSV table ({why}).".replace("a ECSV", "an ECSV")) from error
    start = _start(path, separator)
    if set(start.header) != set(columns):
        raise FileError(f"The sample {path} cannot be read as an ECSV table (its header names other columns than its comments).")
    fields = []
    for name in start.header:
        meta = columns[name].get("meta") or {}
        ucd = str(meta.get("ucd", "")) if isinstance(meta, Mapping) else ""
        fields.append(Field(name, str(columns[name].get("unit") or ""), ucd))
    return EcsvTable(path, fields, start)


def _start(path: Path, separator: str = "") -> _Start:
    """Find the header: the first line that is no comment, or the last comment if that line has only numbers."""
    comment, number = "", 0
    with _opened(path) as stream:
        for line in _lines(stream, path):
            number += 1
            if line.startswith("#"):
                comment = line
            elif line.strip():
                break
        else:
            raise FileError(f"The sample {path} has only comments.")
    separator = separator or _separator(line)
    cells = _cells(line, separator)
    if not all(_is_number(cell) for cell in cells):
        return _Start(cells, separator, number)
    named = _cells(comment.lstrip("#").strip(), _separator(comment) if comment else separator)
    if comment and len(named) == len(cells) and not any(map(_is_number, named)):
        return _Start(named, separator, number - 1)
    return _Start(tuple(f"column {n}" for n in range(1, len(cells) + 1)), separator, number - 1)


def _separator(line: str) -> str:
    best = max(_SEPARATORS, key=line.count)
    return best if best in line else " " if " " in line.strip() else ","


def _cells(line: str, separator: str) -> tuple[str, ...]:
    try:
        row = next(
            csv.reader([line.strip("\r\n") if separator != " " else line.strip()], delimiter=separator, skipinitialspace=True)
        )
    except (csv.Error, StopIteration):
        row = []
    return tuple(cell.strip() for cell in row)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _unit_in(name: str) -> str:
    """« deg » of a heading like « RA [deg] » or « Radius (arcmin) »."""
    match = re.search(r"[\[(]\s*([^\[\]()]{1,20}?)\s*[\])]\s*$", name[:200])
    return match[1] if match else ""


def _stripped(cells: Sequence[str]) -> Any:
    import numpy as np

    return np.array([cell.strip() for cell in cells], dtype=np.str_)


def _opened(path: Path, mode: str = "r") -> Any:
    try:
        return path.open(mode) if mode == "rb" else path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise FileError(f"The sample {path} cannot be read ({error.strerror}).") from error


def _lines(stream: TextIO, path: Path, most: int | None = None) -> Iterator[str]:
    """Lines of a bounded length, at most `most` of them."""
    number = 0
    try:
        while (most is None or number < most) and (line := stream.readline(_LONGEST_LINE)):
            number += 1
            if len(line) == _LONGEST_LINE:
                raise FileError(f"{path}, line {number}: it is longer than {_LONGEST_LINE} characters.")
            yield line
    except UnicodeDecodeError as error:
        raise _not_text(path, error) from error


def _not_text(path: Path, error: UnicodeDecodeError) -> FileError:
    return FileError(f"The sample {path} is neither a table in text (UTF-8) nor a VOTable or FITS file (byte {error.start}).")
