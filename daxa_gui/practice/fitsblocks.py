"""FITS files byte by byte: the order and form of the keywords is the mission's, and the same input gives the same bytes."""

from __future__ import annotations

import gzip
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Value = str | bool | int | float
Card = tuple[str, Value, str]  # keyword, value, comment; COMMENT and HISTORY have their text as value

_BLOCK = 2880
_DTYPES = {"D": ">f8", "E": ">f4", "J": ">i4", "I": ">i2", "B": "u1", "K": ">i8"}
_BITS = {8: "u1", 16: ">u2", 32: ">u4"}  # nX columns are given as unsigned integers, first bit = most significant
_GZIP_LEVEL = 1  # a practice sky must be made in seconds
# CHECKSUM must not depend on the day (a file is the same at every making), so its comment carries no date.
_SUM_COMMENT = "HDU checksum"


@dataclass(frozen=True, eq=False)
class Column:
    """A column of a binary table. `form` is its TFORM; `wcs` has further keywords, the column's number is appended."""

    name: str
    form: str
    values: NDArray[np.generic]
    unit: str = ""
    comment: str = ""
    null: int | None = None
    legal: tuple[float, float] | None = None
    data_range: bool = False  # write TDMIN and TDMAX, the range of the values
    wcs: tuple[Card, ...] = ()
    dimensions: str = ""


def _field(text: str) -> str:
    return "'" + f"{text.replace(chr(39), chr(39) * 2):<8}" + "'"


def _value_text(value: Value) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, int):
        return f"{value:>20d}"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("FITS keywords cannot hold NaN or infinity")
        return f"{value:>20.14E}"
    return f"{_field(value):<20}"


def card_text(keyword: str, value: Value, comment: str = "") -> str:
    """One keyword as 80 characters, or several times 80 for long texts (the OGIP long string convention)."""
    if keyword in ("COMMENT", "HISTORY"):
        text = str(value)
        lines = [text[start : start + 72] for start in range(0, max(len(text), 1), 72)]
        return "".join(f"{keyword:<8}{line:<72}" for line in lines)
    head = f"{keyword:<8}= "
    if isinstance(value, str) and len(_field(value)) > 70:
        quoted = value.replace("'", "''")
        pieces, start = [], 0
        while start < len(quoted):
            stop = min(start + 67, len(quoted))
            while stop < len(quoted) and (len(quoted[:stop]) - len(quoted[:stop].rstrip("'"))) % 2:
                stop -= 1  # never cut a doubled quote in two
            pieces.append(quoted[start:stop])
            start = stop
        marked = [piece + "&" for piece in pieces[:-1]] + pieces[-1:]
        heads = [head] + ["CONTINUE  "] * (len(marked) - 1)
        return "".join(f"{begin}'{piece}'"[:80].ljust(80) for begin, piece in zip(heads, marked, strict=True))
    text = head + _value_text(value)
    return (f"{text} / {comment}" if comment else text)[:80].ljust(80)


def _header_bytes(cards: Iterable[Card]) -> bytes:
    text = "".join(card_text(*card) for card in cards) + f"{'END':<80}"
    return text.encode("ascii").ljust(-(-len(text) // _BLOCK) * _BLOCK)


def _ones_complement_sum(data: bytes, start: int = 0) -> int:
    total = start + int(np.frombuffer(data, ">u4").sum(dtype=np.uint64))
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def _encoded(value: int) -> str:
    """A 32-bit number as 16 letters and digits (FITS standard 4.0, appendix J)."""
    excluded = set(range(0x3A, 0x41)) | set(range(0x5B, 0x61))
    letters = [0] * 16
    for place in range(4):
        byte = (value >> (24 - 8 * place)) & 0xFF
        four = [byte // 4 + 0x30 + (byte % 4 if i == 0 else 0) for i in range(4)]
        while excluded & set(four):
            for first, second in ((0, 1), (2, 3)):
                if four[first] in excluded or four[second] in excluded:
                    four[first] += 1
                    four[second] -= 1
        letters[place::4] = four
    return "".join(map(chr, letters[-1:] + letters[:-1]))


def _block(cards: Sequence[Card], data: bytes, padding: bytes = b"\0") -> bytes:
    """Header and data of one HDU, padded, with CHECKSUM and DATASUM."""
    data = data.ljust(-(-len(data) // _BLOCK) * _BLOCK, padding)
    datasum = _ones_complement_sum(data)
    closing: list[Card] = [("CHECKSUM", "0" * 16, _SUM_COMMENT), ("DATASUM", str(datasum), "data unit checksum")]
    total = _ones_complement_sum(_header_bytes([*cards, *closing]), datasum)
    closing[0] = ("CHECKSUM", _encoded(0xFFFFFFFF - total), _SUM_COMMENT)
    return _header_bytes([*cards, *closing]) + data


def primary_block(cards: Iterable[Card]) -> bytes:
    """A primary HDU without data."""
    head: list[Card] = [
        ("SIMPLE", True, "file does conform to FITS standard"),
        ("BITPIX", 8, "number of bits per data pixel"),
        ("NAXIS", 0, "number of data axes"),
        ("EXTEND", True, "FITS dataset may contain extensions"),
    ]
    return _block([*head, *cards], b"")


def image_block(values: NDArray[np.generic], cards: Iterable[Card], bitpix: int = 32) -> bytes:
    """A primary HDU with an image, shape (n_y, n_x); `bitpix` 16, 32 or -32."""
    dtype = {16: ">i2", 32: ">i4", -32: ">f4"}[bitpix]
    head: list[Card] = [
        ("SIMPLE", True, "file does conform to FITS standard"),
        ("BITPIX", bitpix, "number of bits per data pixel"),
        ("NAXIS", 2, "number of data axes"),
        ("NAXIS1", values.shape[1], "length of data axis 1"),
        ("NAXIS2", values.shape[0], "length of data axis 2"),
        ("EXTEND", True, "FITS dataset may contain extensions"),
    ]
    return _block([*head, *cards], np.ascontiguousarray(values, dtype=dtype).tobytes())


def _column_dtype(column: Column) -> tuple[str, str] | tuple[str, str, tuple[int, ...]]:
    match = re.fullmatch(r"(\d*)([A-Z])", column.form)
    if match is None:
        raise ValueError(f"{column.form!r} is not a TFORM known here")
    count, letter = int(match[1] or 1), match[2]
    if letter == "A":
        return column.name, f"S{count}"
    if letter == "X":
        return column.name, _BITS[count]
    return (column.name, _DTYPES[letter]) if count == 1 else (column.name, _DTYPES[letter], (count,))


def _column_cards(number: int, column: Column) -> list[Card]:
    cards: list[Card] = [(f"TTYPE{number}", column.name, column.comment), (f"TFORM{number}", column.form, "format of field")]
    if column.unit:
        cards.append((f"TUNIT{number}", column.unit, "physical unit of field"))
    if column.dimensions:
        cards.append((f"TDIM{number}", column.dimensions, "dimensions of the array"))
    return cards


def _late_column_cards(number: int, column: Column) -> list[Card]:
    cards: list[Card] = []
    if column.null is not None:
        cards.append((f"TNULL{number}", column.null, "null value of the column"))
    if column.legal is not None:
        cards.append((f"TLMIN{number}", column.legal[0], f"legal minimum for {column.name}"))
        cards.append((f"TLMAX{number}", column.legal[1], f"legal maximum for {column.name}"))
    if column.data_range and len(column.values):
        low, high = column.values.min().item(), column.values.max().item()
        cards.append((f"TDMIN{number}", low, f"actual minimum for {column.name}"))
        cards.append((f"TDMAX{number}", high, f"actual maximum for {column.name}"))
    cards += [(f"{keyword}{number}", value, comment) for keyword, value, comment in column.wcs]
    return cards


def table_block(name: str, columns: Sequence[Column], cards: Iterable[Card]) -> bytes:
    """A binary table extension. All columns have the same number of rows."""
    n_rows = len(columns[0].values)
    rows = np.zeros(n_rows, dtype=np.dtype([_column_dtype(column) for column in columns]))
    for column in columns:
        rows[column.name] = column.values
    head: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "8-bit bytes"),
        ("NAXIS", 2, "2-dimensional binary table"),
        ("NAXIS1", rows.dtype.itemsize, "width of table in bytes"),
        ("NAXIS2", n_rows, "number of rows in table"),
        ("PCOUNT", 0, "size of special data area"),
        ("GCOUNT", 1, "one data group (required keyword)"),
        ("TFIELDS", len(columns), "number of fields in each row"),
    ]
    for number, column in enumerate(columns, 1):
        head += _column_cards(number, column)
    head.append(("EXTNAME", name, "name of this extension"))
    late = [card for number, column in enumerate(columns, 1) for card in _late_column_cards(number, column)]
    return _block([*head, *cards, *late], rows.tobytes())


def write_file(path: Path, blocks: Iterable[bytes]) -> None:
    """Write a file of these parts; names ending in .gz or .FTZ are gzipped, in .Z compressed with LZW. Folders are made."""
    data = b"".join(blocks)
    if path.suffix in (".gz", ".FTZ"):
        data = gzip.compress(data, compresslevel=_GZIP_LEVEL, mtime=0)
    elif path.suffix == ".Z":
        import ncompress

        data = ncompress.compress(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(data)
    temporary.replace(path)
