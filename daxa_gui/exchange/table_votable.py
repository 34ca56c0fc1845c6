"""Tables as VOTable 1.3 (IVOA recommendation), rows in BINARY2.

Texts are written with a fixed width, so that all rows are one array of numpy."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import IO, Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import InputError
from daxa_gui.core.table import DataTable

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
    '<RESOURCE type="results">\n'
)
_CHUNK = 57 * 2**15  # bytes that are coded at a time: whole lines of base64
_SHORTEST = 2  # characters: a width of one stands for a single character, not for a text
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


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
            width = max([_SHORTEST, *map(len, distinct)])
            return cls("char", width, np.array(listed, f"S{width}"))
        try:
            forms = {text: text.encode("utf-16-be") for text in distinct}
        except UnicodeEncodeError as error:
            raise InputError(f"A text of the table is no text ({error.reason}).") from error
        size = max(2 * _SHORTEST, *map(len, forms.values()))
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
