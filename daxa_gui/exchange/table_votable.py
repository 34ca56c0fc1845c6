"""Tables as VOTable 1.3 (IVOA recommendation), rows in BINARY2.

Texts are written with a fixed width, so that all rows are one array of numpy, written and read in one go; files of other
programs (TABLEDATA, BINARY, texts of any length) are read by astropy."""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.table_foreign import from_astropy

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
    '<RESOURCE type="results">\n'
)
_CHUNK = 57 * 2**15  # bytes that are coded at a time: whole lines of base64
_NUMBERS = {"double": ">f8", "float": ">f4", "long": ">i8", "int": ">i4", "short": ">i2", "unsignedByte": "u1", "boolean": "S1"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HINT = "The file is probably damaged; get it again."


def write_votable(file: IO[str], table: DataTable) -> None:
    """Raises InputError if a text cannot be written as UTF-16."""
    stored = {name: _Stored.of(column) for name, column in table.columns.items()}
    file.write(_HEAD)
    for name, value in table.meta.items():
        file.write(f"<INFO name={_attribute(name)} value={_attribute(value)}/>\n")
    file.write(f'<TABLE nrows="{len(table)}">\n')
    for name, column in stored.items():
        unit = f" unit={_attribute(table.units[name])}" if name in table.units else ""
        size = f' arraysize="{column.width}"' if column.width else ""
        file.write(f'<FIELD name={_attribute(name)} datatype="{column.datatype}"{size}{unit}')
        text = escape(_NOT_XML.sub("\ufffd", table.descriptions.get(name, "")))
        file.write(f"><DESCRIPTION>{text}</DESCRIPTION></FIELD>\n" if text else "/>\n")
    file.write('<DATA><BINARY2><STREAM encoding="base64">\n')
    _write_rows(file, list(stored.values()), len(table))
    file.write("</STREAM></BINARY2></DATA>\n</TABLE>\n</RESOURCE>\n</VOTABLE>\n")


def _attribute(text: str) -> str:
    return quoteattr(_NOT_XML.sub("\ufffd", text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


@dataclass(frozen=True)
class _Stored:
    """A column as it stands in the rows; `width` counts the characters of texts (0: no text)."""

    datatype: str
    width: int
    values: NDArray[Any]

    @classmethod
    def of(cls, column: NDArray[Any]) -> _Stored:
        kind = column.dtype.kind
        if kind == "f":
            return cls("double", 0, column.astype(">f8"))
        if kind in "iu":
            return cls("long", 0, column.astype(">i8"))
        if kind == "b":
            return cls("boolean", 0, np.where(np.asarray(column), b"T", b"F"))
        listed = column.tolist()
        distinct = set(listed)
        if all(text.isascii() for text in distinct):
            texts = np.array(listed, "S") if listed else np.empty(0, "S1")
            texts = texts if texts.dtype.itemsize else texts.astype("S1")
            return cls("char", texts.dtype.itemsize, texts)
        try:
            forms = {text: text.encode("utf-16-be") for text in distinct}
        except UnicodeEncodeError as error:
            raise InputError(f"A text of the table is no text ({error.reason}).") from error
        size = max(map(len, forms.values()))
        return cls("unicodeChar", size // 2, np.array([forms[text] for text in listed], f"S{size}"))


def _write_rows(file: IO[str], columns: list[_Stored], n: int) -> None:
    """Each row begins with one bit per column that says whether the value is missing; here none is (unknown numbers are NaN)."""
    dtype = np.dtype([("missing", f"V{-(-len(columns) // 8)}"), *((f"c{i}", c.values.dtype) for i, c in enumerate(columns))])
    step = max(_CHUNK // dtype.itemsize // 57 * 57, 57)  # whole lines of base64, whatever the size of a row
    for first in range(0, n, step):
        rows = np.zeros(min(step, n - first), dtype)
        for number, column in enumerate(columns):
            rows[f"c{number}"] = column.values[first : first + step]
        file.write(base64.encodebytes(rows.tobytes()).decode("ascii"))


class _OtherForm(Exception):
    """The file is for astropy."""


@dataclass
class _Reader:
    """What one pass over the file finds. Only the simple form is read here, see above."""

    path: Path
    fields: list[dict[str, str]] = field(default_factory=list)
    descriptions: dict[int, str] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    pieces: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    text: list[str] | None = None
    done: bool = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = tag.rsplit(":", 1)[-1]
        self.open.append(name)
        if name in ("TABLEDATA", "BINARY", "FITS", "GROUP", "PARAM", "VALUES", "LINK", "COOSYS", "TIMESYS") or self.done:
            raise _OtherForm
        if name == "FIELD":
            self.fields.append(dict(attributes))
        elif name == "INFO":
            self.meta[attributes.get("name", "")] = attributes.get("value", "")
        elif name == "STREAM":
            if attributes.get("encoding") != "base64" or "href" in attributes:
                raise _OtherForm
            self.text = self.pieces
        elif name == "DESCRIPTION" and self.open[-2:-1] == ["FIELD"]:
            self.text = []

    def characters(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def end(self, tag: str) -> None:
        name = self.open.pop()
        if name == "DESCRIPTION" and self.text is not None:
            self.descriptions[len(self.fields) - 1] = "".join(self.text)
        if name in ("DESCRIPTION", "STREAM"):
            self.text = None
        self.done |= name == "TABLE"

    def entity(self, *_: Any) -> None:
        raise FileError(f"{self.path} declares XML entities, which no table needs.", _HINT)


def read_votable(file_path: Path, path: Path) -> DataTable:
    """The first table of a VOTable of this or another program.

    Raises
    ------
    FileError : it is damaged, or no VOTable; the line is named where XML says it.
    """
    try:
        return _read_simple(file_path, path)
    except _OtherForm:
        return _read_by_astropy(file_path, path)


def _read_simple(file_path: Path, path: Path) -> DataTable:
    reader = _Reader(path)
    parser = expat.ParserCreate()
    parser.buffer_text, parser.buffer_size = True, 2**20
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.EntityDeclHandler = reader.characters, reader.entity
    try:
        with file_path.open("rb") as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        raise FileError(f"{path}, line {error.lineno}: {expat.ErrorString(error.code)}.", _HINT) from error
    if not reader.fields or not reader.done:
        raise FileError(f"{path} has no table.", "Choose a VOTable with columns.")
    dtype = _row_type(reader.fields)
    try:
        content = binascii.a2b_base64("".join(reader.pieces))
    except ValueError as error:
        raise FileError(f"{path}: the rows are damaged ({error}).", _HINT) from error
    if len(content) % dtype.itemsize:
        raise FileError(f"{path} is damaged: its last row is incomplete.", _HINT)
    rows = np.frombuffer(content, dtype)
    missing = np.unpackbits(rows["missing"], axis=1).astype(bool)
    names = [entry["name"] for entry in reader.fields]
    try:
        columns = {
            name: _values(rows[f"c{number}"], entry["datatype"], missing[:, number])
            for number, (name, entry) in enumerate(zip(names, reader.fields, strict=True))
        }
    except UnicodeDecodeError as error:
        raise FileError(f"{path}: a text in its rows is damaged ({error.reason}).", _HINT) from error
    units = {entry["name"]: entry["unit"] for entry in reader.fields if entry.get("unit")}
    described = {names[number]: text for number, text in reader.descriptions.items() if text and number >= 0}
    return DataTable(columns, units, described, reader.meta)


def _row_type(fields: list[dict[str, str]]) -> np.dtype[Any]:
    """The type of a row if each column has a fixed width."""
    parts: list[Any] = [("missing", "u1", (-(-len(fields) // 8),))]
    names = [entry.get("name", "") for entry in fields]
    if "" in names or len(set(names)) < len(names):
        raise _OtherForm
    for number, entry in enumerate(fields):
        datatype, size = entry.get("datatype", ""), entry.get("arraysize", "")
        if datatype in ("char", "unicodeChar") and re.fullmatch("[1-9][0-9]{0,5}", size, re.ASCII):
            parts.append((f"c{number}", f"S{int(size) * (2 if datatype == 'unicodeChar' else 1)}"))
        elif datatype in _NUMBERS and not size:
            parts.append((f"c{number}", _NUMBERS[datatype]))
        else:
            raise _OtherForm
    return np.dtype(parts)


def _values(column: NDArray[Any], datatype: str, missing: NDArray[np.bool_]) -> NDArray[Any]:
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
