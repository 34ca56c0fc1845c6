"""Tables as ECSV: CSV behind a header in YAML that names types, units and descriptions (astropy's « Enhanced CSV », 1.0)."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.table_csv import TextRows, write_rows

_TYPES = {"f": "float64", "i": "int64", "b": "bool", "U": "string"}
_LONGEST_HEADER = 2**22
_NOT_PRINTABLE = re.compile("[\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u2028\u2029]")
_INTEGERS = re.compile(r"u?int(8|16|32|64)")
_HINT = "Write it again with the program that made it."


def write_ecsv(file: IO[str], table: DataTable) -> None:
    lines = ["%ECSV 1.0", "---", "delimiter: ','", "datatype:"]
    for name, column in table.columns.items():
        parts = [f"name: {_yaml(name)}"]
        if name in table.units:
            parts.append(f"unit: {_yaml(table.units[name])}")
        parts.append(f"datatype: {_TYPES[column.dtype.kind]}")
        if name in table.descriptions:
            parts.append(f"description: {_yaml(table.descriptions[name])}")
        lines.append("- {" + ", ".join(parts) + "}")
    if table.meta:
        lines.append("meta: !!omap")
        lines += [f"- {{{_yaml(name)}: {_yaml(value)}}}" for name, value in table.meta.items()]
    lines.append("schema: astropy-2.0")
    file.writelines(f"# {line}\n" for line in lines)
    file.write(",".join('"' + name.replace('"', '""') + '"' for name in table.names) + "\n")
    write_rows(file, table, nan="nan", truth=("False", "True"), end="\n")


def _yaml(text: str) -> str:
    """A text in double quotes: JSON's are YAML's, but for characters that YAML does not allow."""
    return _NOT_PRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def read_ecsv(file_path: Path, path: Path) -> DataTable:
    """Read an ECSV file of this or another program. Columns that hold more than one value per cell are left out, and named in
    `meta["left out"]`.

    Raises
    ------
    FileError : the header is damaged or does not fit the rows, or a cell is not of its column's type; the line is named.
    """
    with file_path.open(encoding="utf-8", newline="") as file:
        header, n_lines = _header(file, path)
        try:
            described = [dict(entry) for entry in header["datatype"]]
            names = [_text(entry["name"]) for entry in described]
            delimiter = _text(header.get("delimiter", " "))
            if delimiter not in (" ", ","):
                raise ValueError(f"separator {delimiter!r}")
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"{path}: the header is not one of ECSV ({error}).", _HINT) from error
        rows = TextRows(file, path, delimiter, n_lines)
        first = rows.record()
        if first is None or first[0] != names:
            raise rows.damaged("the names of the columns are not those of the header")
        return _table(rows, described, header.get("meta"))


def _header(file: IO[str], path: Path) -> tuple[dict[str, Any], int]:
    from astropy.table.meta import YamlParseError, get_header_from_yaml

    lines, position, size = [], 0, 0
    try:
        while (line := file.readline(_LONGEST_HEADER)).startswith("#"):
            lines.append(line.rstrip("\r\n").removeprefix("#").removeprefix(" "))
            position, size = file.tell(), size + len(line)
            if size > _LONGEST_HEADER:
                raise FileError(f"{path}: the header is longer than {_LONGEST_HEADER >> 20} MB.", _HINT)
        file.seek(position)
        header = get_header_from_yaml(lines[1:])
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 text (line {len(lines) + 1}).", _HINT) from error
    except (YamlParseError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise FileError(f"{path}: the header is not one of ECSV ({why}).", _HINT) from error
    return header, len(lines)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _table(rows: TextRows, described: list[dict[str, Any]], meta: object) -> DataTable:
    parts: list[list[NDArray[Any]]] = [[] for _ in described]
    kinds = [_kind(entry) for entry in described]
    for chunk in rows.chunks(len(described)):
        for number, cells in enumerate(chunk):
            if kinds[number]:
                parts[number].append(_converted(rows, described[number], kinds[number], cells))
    columns = {}
    for entry, kind, pieces in zip(described, kinds, parts, strict=True):
        if kind:
            columns[entry["name"]] = _joined(kind, pieces)
    left_out = ", ".join(entry["name"] for entry, kind in zip(described, kinds, strict=True) if not kind)
    texts = {str(name): str(value) for name, value in _pairs(meta) if isinstance(value, (str, int, float))}
    return DataTable(
        columns,
        {entry["name"]: str(entry["unit"]) for entry in described if entry["name"] in columns and entry.get("unit")},
        {
            entry["name"]: str(entry["description"])
            for entry in described
            if entry["name"] in columns and entry.get("description")
        },
        texts | ({"left out": left_out} if left_out else {}),
    )


def _pairs(meta: object) -> list[tuple[Any, Any]]:
    """The entries of a mapping, or of a list of mappings (YAML's ordered ones)."""
    if isinstance(meta, dict):
        return list(meta.items())
    return [pair for entry in meta if isinstance(entry, dict) for pair in entry.items()] if isinstance(meta, list) else []


def _kind(entry: dict[str, Any]) -> str:
    """« float », « int », « bool » or « text »; empty for what a column of a table cannot hold."""
    datatype = str(entry.get("datatype"))
    if entry.get("subtype") or datatype.startswith("complex"):
        return ""
    if datatype in ("float16", "float32", "float64", "float128"):
        return "float"
    if _INTEGERS.fullmatch(datatype):
        return "int"
    return {"bool": "bool", "string": "text"}.get(datatype, "")


def _converted(rows: TextRows, entry: dict[str, Any], kind: str, cells: Sequence[str]) -> NDArray[Any]:
    try:
        if kind == "text" or (kind == "bool" and "" in cells):
            return np.array(cells, str)
        if kind == "bool":
            return np.array([{"True": True, "False": False}[cell] for cell in cells], bool)
        if kind == "int" and "" not in cells:
            return np.array(list(map(int, cells)), np.int64)
        return np.array([float(cell) if cell else np.nan for cell in cells], float)
    except (ValueError, KeyError, OverflowError) as error:
        line = rows.line - len(cells) + 1
        what = {"int": "a whole number", "float": "a number", "bool": "True or False"}[kind]
        raise FileError(
            f"{rows.path}, lines {line} to {rows.line}: a cell of column « {entry['name']} » is not {what} ({error}).", _HINT
        ) from error


def _joined(kind: str, pieces: list[NDArray[Any]]) -> NDArray[Any]:
    """Pieces with empty cells have another type than pieces without."""
    if not pieces:
        return np.empty(0, {"text": "U1", "float": "f8", "int": "i8", "bool": "?"}[kind])
    if kind == "bool" and any(piece.dtype.kind == "U" for piece in pieces):
        return np.concatenate([piece.astype(str) for piece in pieces])
    if len({piece.dtype.kind for piece in pieces}) > 1:
        return np.concatenate([piece.astype(float) for piece in pieces])
    return np.concatenate(pieces)
