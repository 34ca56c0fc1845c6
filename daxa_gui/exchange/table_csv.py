"""Tables as text with separators: CSV (RFC 4180) and the rows of ECSV.

What this program writes says itself what is text: cells of text columns stand in quotes, numbers and empty cells do not, the
names of the columns do not. What others write is judged by what it looks like: a column of whole numbers, of numbers, of true
and false, or of texts; numbers with leading zeros are names (« 0201903501 »)."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.table import DataTable

ROWS = 20_000  # that are looked at at a time
_INTEGER = r"-?(?:0|[1-9][0-9]{0,18})"
_EXPONENT = r"[eE][+-]?[0-9]{1,3}"
_FLOAT = (
    rf"[+-]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:{_EXPONENT})?|(?:0|[1-9][0-9]*){_EXPONENT}|(?:0|[1-9][0-9]{{0,18}})"
    r"|[iI]nf(?:inity)?|[nN]a[nN]|INF)"
)
_PATTERNS = {"bool": "[tT]rue|[fF]alse|TRUE|FALSE", "int": _INTEGER, "float": _FLOAT}
_EMPTY, _TEXT = "empty", "text"
_HINT = "Open it in a text editor and look at this line."


class TextRows:
    """Records of a text file: cells and the number of the line where each ends.

    Parameters
    ----------
    skip : lines at the beginning that are no records.
    """

    def __init__(self, file: IO[str], path: Path, delimiter: str, skip: int = 0) -> None:
        self.path = path
        self._skip = skip
        self._lines: list[str] = []
        self._reader = csv.reader(self._remembered(file), delimiter=delimiter, strict=True)
        self._delimiter = delimiter

    def _remembered(self, file: IO[str]) -> Iterator[str]:
        for line in file:
            self._lines.append(line)
            yield line

    @property
    def line(self) -> int:
        return self._skip + self._reader.line_num

    def damaged(self, why: str) -> FileError:
        return FileError(f"{self.path}, line {self.line}: {why}.", _HINT)

    def record(self) -> tuple[list[str], list[bool]] | None:
        """The next record and which of its cells stand in quotes; None at the end."""
        self._lines.clear()
        cells = next(self.records(), None)
        return None if cells is None else (cells, _quoted("".join(self._lines), self._delimiter, len(cells)))

    def records(self) -> Iterator[list[str]]:
        """All further records that are not empty lines; raises FileError for damage."""
        while True:
            self._lines.clear()
            try:
                cells = next(self._reader, None)
            except csv.Error as error:
                raise self.damaged(str(error)) from error
            except UnicodeDecodeError as error:
                raise FileError(f"{self.path} is not UTF-8 text (after line {self.line}).", _HINT) from error
            if cells is None:
                return
            if cells:
                yield cells

    def chunks(self, n_columns: int) -> Iterator[list[tuple[str, ...]]]:
        """The columns of so many rows at a time."""
        records = self._checked(n_columns)
        while rows := list(islice(records, ROWS)):
            yield list(zip(*rows, strict=True))

    def _checked(self, n_columns: int) -> Iterator[list[str]]:
        for cells in self.records():
            if len(cells) != n_columns:
                raise self.damaged(f"{len(cells)} cells where {n_columns} were expected")
            yield cells


def _quoted(text: str, delimiter: str, n: int) -> list[bool]:
    """Which cells of a record begin with a quote."""
    found, start, inside = [text.startswith('"')], True, False
    for character in text:
        if character == '"':
            inside = not inside
        elif character == delimiter and not inside:
            start = True
            found.append(False)
            continue
        if start and len(found) > 1:
            found[-1] = character == '"'
        start = False
    return (found + [False] * n)[:n]


def read_csv(file_path: Path, path: Path) -> DataTable:
    """Read a CSV file (also with « ; », « | » or tabulators, or with lines of comments at the beginning).

    Parameters
    ----------
    file_path : what is read.
    path : the file's name in messages.

    Raises
    ------
    FileError : it is no text, has no or doubled column names, or a row has too many or too few cells; the line is named.
    """
    forced: set[int] = set()
    while True:  # a second time if a column turns out to be text after it began with numbers
        with file_path.open(encoding="utf-8-sig", newline="") as file:
            skip, delimiter = _beginning(file, path)
            rows = TextRows(file, path, delimiter, skip)
            names, columns = _columns(rows, delimiter, forced)
        mixed = {number for number, column in enumerate(columns) if column.is_mixed}
        if not mixed - forced:
            by_quotes = any(column.is_text for number, column in enumerate(columns) if number not in forced)
            return DataTable({name: column.array(by_quotes) for name, column in zip(names, columns, strict=True)})
        forced |= mixed


def _beginning(file: IO[str], path: Path) -> tuple[int, str]:
    """How many lines of comments there are (the file then stands behind them), and the separator."""
    skip, position = 0, 0
    try:
        while line := file.readline(1 << 20):
            if not line.startswith("#") and line.strip():
                break
            skip, position = skip + 1, file.tell()
        file.seek(position)
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text (line {skip + 1}).", "Choose a table.") from error
    plain = re.sub(r'"[^"]*"', "", line)
    return skip, max(",;|\t", key=plain.count) if line else ","


def _columns(rows: TextRows, delimiter: str, forced: set[int]) -> tuple[list[str], list[_Column]]:
    header = rows.record()
    if header is None:
        raise FileError(f"{rows.path} is empty.", "Choose a table with column names in its first line.")
    names, quoted_names = [name.strip() for name in header[0]], header[1]
    names = [name or f"column_{number + 1}" for number, name in enumerate(names)]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise rows.damaged(f"two columns are called « {doubled[0]} »")
    first = rows.record()
    if first is None:
        return names, [_Column(True, False) for _ in names]
    if len(first[0]) != len(names):
        raise rows.damaged(f"{len(first[0])} cells where {len(names)} were expected")
    # Some writers quote everything: quotes then say nothing.
    meaningful = not (all(first[1]) and all(quoted_names))
    strip = delimiter != ","
    columns = [_Column(number in forced or (meaningful and quoted), strip) for number, quoted in enumerate(first[1])]
    for column, cell in zip(columns, first[0], strict=True):
        column.add((cell,))
    for chunk in rows.chunks(len(names)):
        for column, cells in zip(columns, chunk, strict=True):
            column.add(cells)
    return names, columns


class _Column:
    """Takes cells in pieces and remembers them in the simplest type that a piece fits into."""

    def __init__(self, is_text: bool, strip: bool) -> None:
        self.is_text = is_text
        self._strip = strip
        self._kinds: set[str] = set()
        self._parts: list[NDArray[Any]] = []

    def add(self, cells: Sequence[str]) -> None:
        if self._strip:
            cells = [cell.strip() for cell in cells]
        kind = _TEXT if self.is_text else _kind(cells)
        self._kinds.update(kind.split())
        self._parts.append(_converted(cells, kind))

    @property
    def is_mixed(self) -> bool:
        """Whether some pieces are texts and others were taken for numbers: what those looked like is not known any more."""
        kinds = self._kinds - {_EMPTY}
        return (len(kinds) > 1 and not kinds <= {"int", "float"}) or ("bool" in kinds and _EMPTY in self._kinds)

    def array(self, numbers_if_empty: bool) -> NDArray[Any]:
        """`numbers_if_empty`: whether a column of empty cells only is one of unknown numbers."""
        if not self._parts:
            return np.empty(0, "U1")
        kinds = self._kinds
        if kinds == {_EMPTY}:
            n = sum(map(len, self._parts))
            return np.full(n, np.nan) if numbers_if_empty else np.full(n, "", "U1")
        if _TEXT in kinds:
            return np.concatenate([np.full(len(part), "") if part.dtype.kind == "f" else part for part in self._parts])
        if kinds == {"int"} or kinds == {"bool"}:
            return np.concatenate(self._parts)
        return np.concatenate([part.astype(float) for part in self._parts])


def _kind(cells: Sequence[str]) -> str:
    """« empty », « bool », « int », « float » or « text », or one of these and « empty »."""
    some = [cell for cell in cells if cell]
    if not some:
        return _EMPTY
    fitting = (kind for kind, pattern in _PATTERNS.items() if re.fullmatch(pattern, some[0]) and _all_match(pattern, some))
    kind = next(fitting, _TEXT)
    if kind == "int" and not all(-(2**63) <= int(cell) < 2**63 for cell in some):
        kind = _TEXT  # more digits than numbers have: names
    return kind if len(some) == len(cells) or kind == _TEXT else f"{kind} {_EMPTY}"


def _all_match(pattern: str, texts: Sequence[str]) -> bool:
    """Whether the pattern, which matches no line break, matches each text wholly. One search for all: this must be fast."""
    joined = "\n".join((*texts, ""))
    return joined.count("\n") == len(texts) and re.fullmatch(rf"(?:(?:{pattern})\n)*", joined, re.ASCII) is not None


def _converted(cells: Sequence[str], kind: str) -> NDArray[Any]:
    if kind == _TEXT or "bool empty" in kind:
        return np.array(cells, str)
    if kind == "bool":
        return np.array([cell in ("true", "True", "TRUE") for cell in cells], bool)
    if kind == "int":
        return np.array(list(map(int, cells)), np.int64)
    return np.array([float(cell) if cell else np.nan for cell in cells], float)


def write_csv(file: IO[str], table: DataTable) -> None:
    """Write names and rows. An unknown number is an empty cell."""
    file.write(",".join(_name(name) for name in table.names) + "\r\n")
    _write_csv_rows(file, table)


def write_csv_parts(path: Path, parts: Iterator[DataTable]) -> None:
    """Like `write_csv`, of a table in parts with the same columns; nothing is written if there is no part."""
    with path.open("w", encoding="utf-8", newline="") as file:
        for number, part in enumerate(parts):
            if number:
                _write_csv_rows(file, part)
            else:
                write_csv(file, part)


def _write_csv_rows(file: IO[str], table: DataTable) -> None:
    # A line with nothing on it would be no row.
    write_rows(file, table, nan="" if len(table.names) > 1 else "nan", truth=("false", "true"), end="\r\n")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if re.search(r'[",\r\n]|^#|^\s|\s$', name) or not name else name


def write_rows(file: IO[str], table: DataTable, *, nan: str, truth: tuple[str, str], end: str) -> None:
    """Only the rows. `nan` is what an unknown number looks like, `truth` false and true.

    Raises
    ------
    InputError : a text cannot be written as UTF-8.
    """
    for first in range(0, len(table), ROWS):
        columns = [_cells(column[first : first + ROWS], nan, truth) for column in table.columns.values()]
        try:
            file.write(end.join(map(",".join, zip(*columns, strict=True))) + end)
        except UnicodeEncodeError as error:
            raise InputError(f"A text of the table is no text ({error.reason}).") from error


def _cells(values: NDArray[Any], nan: str, truth: tuple[str, str]) -> list[str]:
    kind, listed = values.dtype.kind, values.tolist()
    if kind == "f":
        return [repr(value) if value == value else nan for value in listed]  # the shortest text that gives the same number
    if kind == "b":
        return [truth[value] for value in listed]
    if kind in "iu":
        return list(map(str, listed))
    quoted: Mapping[str, str] = {text: '"' + text.replace('"', '""') + '"' for text in set(listed)}
    return [quoted[text] for text in listed]
