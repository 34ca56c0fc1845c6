"""Reading VOTables in one pass: TABLEDATA, and BINARY2 where all cells have a fixed width (what this program writes).

The other forms (BINARY, texts of any length in BINARY2, a FITS file inside) are left to astropy, which reads cell by cell."""

from __future__ import annotations

import binascii
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.parsers import expat

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.table_foreign import from_astropy

_BINARY = {"double": ">f8", "float": ">f4", "long": ">i8", "int": ">i4", "short": ">i2", "unsignedByte": "u1", "boolean": "S1"}
_INTEGERS = ("long", "int", "short", "unsignedByte")
_TEXTS = ("char", "unicodeChar")
_ROWS = 20_000  # that are converted at a time
_HINT = "The file is probably damaged; get it again."


class _OtherForm(Exception):
    """The file is for astropy."""


class _Reader:
    """Handlers for expat; they collect what the first table of a document holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parser = expat.ParserCreate()
        self.parser.buffer_text, self.parser.buffer_size = True, 2**20
        self.parser.EntityDeclHandler = self._entity
        self._use_handlers()
        self.fields: list[dict[str, str]] = []
        self.descriptions: dict[str, str] = {}
        self.meta: dict[str, str] = {}
        self.stream: list[str] | None = None
        self.parts: list[list[NDArray[Any]]] | None = None
        self.done = False
        self._open: list[str] = []
        self._text: list[str] | None = None
        self._rows: list[list[str]] = []

    def _use_handlers(self) -> None:
        self.parser.StartElementHandler, self.parser.EndElementHandler = self._start, self._end
        self.parser.CharacterDataHandler = self._characters

    def damaged(self, why: str) -> FileError:
        return FileError(f"{self.path}, line {self.parser.CurrentLineNumber}: {why}.", _HINT)

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rsplit(":", 1)[-1]
        self._open.append(name)
        if name == "INFO":
            self.meta[attributes.get("name", "")] = attributes.get("value", "")
            self._text = []
        if self.done:
            return  # only what is said about it counts behind the first table
        if name in ("BINARY", "FITS"):
            raise _OtherForm
        if name == "FIELD":
            self.fields.append(dict(attributes))
        elif name == "VALUES" and self._parent() == "FIELD" and "null" in attributes:
            self.fields[-1]["null"] = attributes["null"]
        elif name == "DESCRIPTION" and self._parent() == "FIELD":
            self._text = []
        elif name == "TABLEDATA":
            self._check_names()
            self.parts = [[] for _ in self.fields]
            self._read_cells(tag)
        elif name == "STREAM":
            if attributes.get("encoding") != "base64" or "href" in attributes:
                raise _OtherForm
            self._check_names()
            self._text = self.stream = []

    def _read_cells(self, table_tag: str) -> None:
        """Other handlers until the rows end: millions of cells need short ones."""
        prefix = table_tag.removesuffix("TABLEDATA")
        cell_tag, row_tag = f"{prefix}TD", f"{prefix}TR"
        text: list[str] = []
        row: list[str] = []

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            text.clear()
            if "encoding" in attributes:
                raise _OtherForm

        def end(tag: str) -> None:
            if tag == cell_tag:
                row.append("".join(text))
            elif tag == row_tag:
                self._add_row(row[:])
                row.clear()
            elif tag == table_tag:
                self._convert()
                self._use_handlers()
                self._end(tag)

        self.parser.StartElementHandler, self.parser.EndElementHandler, self.parser.CharacterDataHandler = start, end, text.append

    def _add_row(self, row: list[str]) -> None:
        if len(row) != len(self.fields):
            raise self.damaged(f"{len(row)} cells where {len(self.fields)} were expected")
        self._rows.append(row)
        if len(self._rows) == _ROWS:
            self._convert()

    def _parent(self) -> str:
        return self._open[-2] if len(self._open) > 1 else ""

    def _check_names(self) -> None:
        names = [entry.get("name", "") for entry in self.fields]
        if "" in names or len(set(names)) < len(names):
            raise _OtherForm

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        name = self._open.pop()
        if name == "INFO":
            self._check_status("".join(self._text or []))
        if self.done:
            self._text = None
        elif name == "DESCRIPTION" and self._open[-1:] == ["FIELD"] and self._text is not None:
            self.descriptions[self.fields[-1].get("name", "")] = "".join(self._text)
        elif name == "TABLE":
            self.done = True
        if name in ("DESCRIPTION", "STREAM", "INFO"):
            self._text = None

    def _check_status(self, text: str) -> None:
        if self.meta.get("QUERY_STATUS") == "ERROR":
            raise FileError(f"{self.path} holds a service's error instead of a table: {text[:300]}.", "Ask the service again.")

    def _convert(self) -> None:
        """The rows collected so far become arrays."""
        if self.parts is None or not self._rows:
            return
        columns = list(zip(*self._rows, strict=True))
        for part, entry, cells in zip(self.parts, self.fields, columns, strict=True):
            try:
                part.append(_from_cells(cells, entry))
            except ValueError as error:
                first = self.parser.CurrentLineNumber
                raise FileError(
                    f"{self.path}, before line {first}: a cell of « {entry['name']} » is not of its type ({error}).", _HINT
                ) from error
        self._rows = []

    def _entity(self, *_: Any) -> None:
        raise FileError(f"{self.path} declares XML entities, which no table needs.", _HINT)


def read_votable(file_path: Path, path: Path) -> DataTable:
    """The first table of a VOTable of this or another program. Columns whose cells hold several values are left out;
    `meta["left out"]` names them.

    Raises
    ------
    FileError : it is damaged, or no VOTable, or a service's error; the line is named where XML says it.
    """
    reader = _Reader(path)
    try:
        with file_path.open("rb") as file:
            reader.parser.ParseFile(file)
        if not reader.fields or not reader.done:
            raise FileError(f"{path} has no table.", "Choose a VOTable with columns.")
        found = _from_stream(reader) if reader.stream is not None else _from_rows(reader)
    except _OtherForm:
        return _read_by_astropy(file_path, path)
    except expat.ExpatError as error:
        raise FileError(f"{path}, line {error.lineno}: {expat.ErrorString(error.code)}.", _HINT) from error
    columns = {name: column for name, column in found.items() if column is not None}
    units = {entry["name"]: entry["unit"] for entry in reader.fields if entry.get("unit") and entry["name"] in columns}
    left_out = ", ".join(name for name in found if name not in columns)
    meta = reader.meta | ({"left out": left_out} if left_out else {})
    return DataTable(columns, units, {name: text for name, text in reader.descriptions.items() if text and name in columns}, meta)


def _is_single(entry: Mapping[str, str]) -> bool:
    """Whether a cell holds one value: a text of one dimension, or a number."""
    datatype, size = entry.get("datatype", ""), entry.get("arraysize", "")
    return (datatype in _TEXTS and "x" not in size) or (datatype in (*_BINARY, "bit") and size in ("", "1"))


def _from_rows(reader: _Reader) -> dict[str, NDArray[Any] | None]:
    columns: dict[str, NDArray[Any] | None] = {}
    for entry, parts in zip(reader.fields, reader.parts or [[] for _ in reader.fields], strict=True):
        name = entry.get("name", "")
        if not _is_single(entry):
            columns[name] = None
        elif not parts:
            columns[name] = _from_cells((), entry)
        else:
            kinds = {part.dtype.kind for part in parts}  # pieces with missing cells have another type than pieces without
            whole = str if "U" in kinds else float if kinds == {"i", "f"} else parts[0].dtype
            columns[name] = np.concatenate([_as_words(part) if whole is str else part.astype(whole) for part in parts])
    return columns


def _as_words(part: NDArray[Any]) -> NDArray[np.str_]:
    return np.where(part, "true", "false") if part.dtype.kind == "b" else part.astype(str)


def _from_cells(cells: Sequence[str], entry: Mapping[str, str]) -> NDArray[Any]:
    """Raises ValueError for a cell that is not of its column's type."""
    datatype = entry.get("datatype", "")
    if not _is_single(entry):
        return np.empty(len(cells), "U1")
    if datatype in _TEXTS:
        return np.array([cell.rstrip(" ") for cell in cells], str) if cells else np.empty(0, "U1")
    stripped = [cell.strip() for cell in cells]
    if datatype in ("boolean", "bit"):
        return _truths(stripped)
    null = entry.get("null", "")
    if datatype in _INTEGERS and null:
        stripped = ["" if cell == null else cell for cell in stripped]
    if datatype in _INTEGERS and "" not in stripped:
        return np.array([int(cell, 16) if cell[:2].lower() == "0x" else int(cell) for cell in stripped], np.int64)
    return np.array([float(cell) if cell else np.nan for cell in stripped], float)


def _truths(cells: list[str]) -> NDArray[Any]:
    meaning = {"t": "true", "true": "true", "1": "true", "f": "false", "false": "false", "0": "false", "": "", "?": ""}
    try:
        words = np.array([meaning[cell.lower()] for cell in cells], str)
    except KeyError as error:
        raise ValueError(f"{error} is neither true nor false") from None
    return words if "" in words else words == "true"


def _from_stream(reader: _Reader) -> dict[str, NDArray[Any] | None]:
    """Rows of BINARY2: one bit per column that says whether the value is missing, then the values."""
    dtype = _row_type(reader.fields)
    try:
        content = binascii.a2b_base64("".join(reader.stream or []))
    except ValueError as error:
        raise FileError(f"{reader.path}: the rows are damaged ({error}).", _HINT) from error
    if len(content) % dtype.itemsize:
        raise FileError(f"{reader.path} is damaged: its last row is incomplete.", _HINT)
    rows = np.frombuffer(content, dtype)
    missing = np.unpackbits(rows["missing"], axis=1).astype(bool)
    try:
        return {
            entry["name"]: _from_binary(rows[f"c{number}"], entry["datatype"], missing[:, number])
            for number, entry in enumerate(reader.fields)
        }
    except UnicodeDecodeError as error:
        raise FileError(f"{reader.path}: a text in its rows is damaged ({error.reason}).", _HINT) from error


def _row_type(fields: list[dict[str, str]]) -> np.dtype[Any]:
    """The type of a row if each column has a fixed width."""
    parts: list[Any] = [("missing", "u1", (-(-len(fields) // 8),))]
    for number, entry in enumerate(fields):
        datatype, size = entry.get("datatype", ""), entry.get("arraysize", "")
        if datatype in _TEXTS and re.fullmatch("[1-9][0-9]{0,5}", size, re.ASCII):
            parts.append((f"c{number}", f"S{int(size) * (2 if datatype == 'unicodeChar' else 1)}"))
        elif datatype in _BINARY and not size:
            parts.append((f"c{number}", _BINARY[datatype]))
        else:
            raise _OtherForm
    return np.dtype(parts)


def _from_binary(column: NDArray[Any], datatype: str, missing: NDArray[np.bool_]) -> NDArray[Any]:
    if datatype == "char":
        return np.where(missing, "", np.char.decode(column, "utf-8")) if len(column) else np.empty(0, "U1")
    if datatype == "unicodeChar":
        width = column.dtype.itemsize
        listed = [text.ljust(width, b"\0").decode("utf-16-be").rstrip("\0") for text in column.tolist()]
        return np.where(missing, "", np.array(listed, str)) if listed else np.empty(0, "U1")
    if datatype == "boolean":
        unknown = missing | np.isin(column, [b"?", b" ", b""])
        truth = np.isin(column, [b"T", b"t", b"1"])
        return np.where(unknown, "", np.where(truth, "true", "false")) if unknown.any() else truth
    if datatype in ("double", "float"):
        return np.where(missing, np.nan, column.astype(float))
    return np.where(missing, np.nan, column.astype(float)) if missing.any() else column.astype(np.int64)


def _read_by_astropy(file_path: Path, path: Path) -> DataTable:
    from astropy.io.votable import parse
    from astropy.io.votable.exceptions import VOWarning

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            document = parse(file_path, verify="ignore")
            element = document.get_first_table()
            table = from_astropy(element.to_table(use_names_over_ids=True))
            resources = document.resources
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError) as error:
        raise _no_votable(path, error) from error
    except (VOWarning, expat.ExpatError) as error:
        raise _no_votable(path, error) from error
    infos = [*document.infos, *(info for resource in resources for info in resource.infos), *element.infos]
    failed = [str(info.content or "") for info in infos if info.name == "QUERY_STATUS" and info.value == "ERROR"]
    if failed:
        raise FileError(f"{path} holds a service's error instead of a table: {failed[0][:300]}.", "Ask the service again.")
    meta = {str(info.name): str(info.value) for info in infos if info.name and info.value is not None}
    return DataTable(table.columns, table.units, table.descriptions, meta | dict(table.meta))


def _no_votable(path: Path, error: Exception) -> FileError:
    why = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return FileError(f"{path} cannot be read as a VOTable ({why}).", _HINT)
