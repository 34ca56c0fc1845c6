"""FITS files with the standard library: headers as cards, data as bytes, and numpy only for those who ask for rows."""

from __future__ import annotations

import gzip
import os
import re
import sys
from typing import Any

BLOCK = 2880
packages = ""  # where numpy is (the stand-ins start without `site`)
written: list[str] = []  # every file that this program wrote, for the switches « missing » and « partial »
_LETTERS = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "C": ">c8", "M": ">c16"}
_WIDTHS = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "E": 4, "D": 8, "C": 8, "M": 16, "A": 1, "P": 8, "Q": 16}


class NotFits(Exception):
    """The file is there but no FITS file, or it ends in the middle."""


def numpy() -> Any:
    """numpy, from the packages of the Python that the stand-ins were installed with (they start without `site`)."""
    try:
        import numpy as np
    except ImportError:
        sys.path.append(packages)
        import numpy as np
    return np


def card(keyword: str, value: Any = None, comment: str = "") -> str:
    """80 characters. Texts that are too long for one card are cut (the stand-ins have no need of CONTINUE)."""
    if keyword in ("COMMENT", "HISTORY", ""):
        return f"{keyword:<8}{value}"[:80].ljust(80)
    if isinstance(value, bool):
        text = f"{'T' if value else 'F':>20}"
    elif isinstance(value, int):
        text = f"{value:>20d}"
    elif isinstance(value, float):
        text = f"{float(value)!r:>20}".replace("e", "E")
    else:
        quoted = str(value).replace("'", "''")[:66]
        text = f"{chr(39) + f'{quoted:<8}' + chr(39):<20}"
    line = f"{keyword:<8}= {text}"
    return (f"{line} / {comment}" if comment else line)[:80].ljust(80)


def _parsed(text: str) -> Any:
    text = text.strip()
    if text.startswith("'"):
        match = re.match(r"'((?:[^']|'')*)'", text)
        return match[1].replace("''", "'").rstrip() if match else text
    text = text.split("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    try:
        return int(text)
    except ValueError:
        try:
            return float(text.replace("D", "E"))
        except ValueError:
            return text


class Hdu:
    """One header (cards without END) with its data unit, unpadded."""

    def __init__(self, cards: list[str], data: bytes = b"") -> None:
        self.cards, self.data = cards, data

    def get(self, keyword: str, default: Any = None) -> Any:
        start = f"{keyword:<8}="
        for line in self.cards:
            if line.startswith(start):
                return _parsed(line[9:])
        return default

    def set(self, keyword: str, value: Any, comment: str = "") -> None:
        self.drop("CHECKSUM|DATASUM")
        start = f"{keyword:<8}="
        for i, line in enumerate(self.cards):
            if line.startswith(start):
                self.cards[i] = card(keyword, value, comment)
                return
        self.cards.append(card(keyword, value, comment))

    def drop(self, pattern: str) -> None:
        """Remove the keywords that match."""
        self.cards = [line for line in self.cards if not re.fullmatch(pattern, line[:8].rstrip())]

    @property
    def name(self) -> str:
        return str(self.get("EXTNAME", ""))

    def copy(self) -> Hdu:
        return Hdu(list(self.cards), self.data)

    @property
    def columns(self) -> list[str]:
        return [str(self.get(f"TTYPE{n}", f"COL{n}")) for n in range(1, int(self.get("TFIELDS", 0)) + 1)]

    def number(self, column: str) -> int:
        """The number of a column, counted from 1; names are compared without regard to case. 0: there is none."""
        names = [name.upper() for name in self.columns]
        return names.index(column.upper()) + 1 if column.upper() in names else 0

    def rows(self) -> Any:
        """The rows as a structured array that may be changed."""
        return numpy().frombuffer(self.data, self.dtype()).copy()

    def dtype(self) -> Any:
        fields: list[Any] = []
        for n, name in enumerate(self.columns, 1):
            match = re.match(r"(\d*)([LXBIJKAEDCMPQ])", str(self.get(f"TFORM{n}")))
            if match is None:
                raise NotFits(f"column {name} has no known format")
            count, letter = int(match[1] or 1) if match[1] != "0" else 0, match[2]
            if letter == "A":
                fields.append((name, f"S{max(count, 1)}"))
            elif letter == "X":
                fields.append((name, "u1", ((count + 7) // 8,)))
            elif letter in "PQ":
                fields.append((name, ">i4" if letter == "P" else ">i8", (2,)))
            else:
                fields.append((name, _LETTERS[letter]) if count == 1 else (name, _LETTERS[letter], (count,)))
        return numpy().dtype(fields)

    def with_rows(self, rows: Any) -> Hdu:
        """The same table with other rows of the same columns."""
        rows = rows.astype(rows.dtype.newbyteorder(">"), copy=False)  # joining arrays makes numpy forget the order of bytes
        new = Hdu(list(self.cards), rows.tobytes())
        new.set("NAXIS2", len(rows))
        new.drop("CHECKSUM|DATASUM")
        return new

    def image(self) -> Any:
        """The pixels, shape (n_y, n_x), with BZERO and BSCALE of 0 and 1."""
        np = numpy()
        kinds = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
        shape = [int(self.get(f"NAXIS{n}")) for n in range(int(self.get("NAXIS")), 0, -1)]
        return np.frombuffer(self.data, kinds[int(self.get("BITPIX"))]).reshape(shape).copy()


def _data_bytes(hdu: Hdu) -> int:
    axes = int(hdu.get("NAXIS", 0))
    if not axes:
        return 0
    size = 1
    for n in range(1, axes + 1):
        size *= int(hdu.get(f"NAXIS{n}", 0))
    return abs(int(hdu.get("BITPIX", 8))) // 8 * int(hdu.get("GCOUNT", 1)) * (int(hdu.get("PCOUNT", 0)) + size)


def read(path: str, *, only_headers: bool = False) -> list[Hdu]:
    """All HDUs of a file (gzipped if it begins so).

    Raises
    ------
    FileNotFoundError, OSError : as opening does. NotFits : see there.
    """
    with open(path, "rb") as file:
        content = file.read()
    return parse(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content, path, only_headers=only_headers)


def parse(content: bytes, path: str = "", *, only_headers: bool = False) -> list[Hdu]:
    """The HDUs of a file's bytes."""
    if not content.startswith(b"SIMPLE  ="):
        raise NotFits(f"{path} is not a FITS file")
    hdus, at = [], 0
    while at < len(content):
        hdu, at = _one(content, at, path, only_headers)
        hdus.append(hdu)
    return hdus


def _one(content: bytes, at: int, path: str, only_headers: bool) -> tuple[Hdu, int]:
    cards: list[str] = []
    while True:
        block = content[at : at + BLOCK]
        if len(block) < BLOCK:
            raise NotFits(f"{path} ends in the middle of a header")
        at += BLOCK
        lines = [block[i : i + 80].decode("latin-1") for i in range(0, BLOCK, 80)]
        ends = next((i for i, line in enumerate(lines) if line.rstrip() == "END"), None)
        cards += lines if ends is None else lines[:ends]
        if ends is not None:
            break
    hdu = Hdu(cards)
    size = _data_bytes(hdu)
    if at + size > len(content):
        raise NotFits(f"{path} ends in the middle of its data")
    if not only_headers:
        hdu.data = content[at : at + size]
    return hdu, at + -(-size // BLOCK) * BLOCK


def first_header(path: str) -> Hdu:
    """The primary header, without reading the whole file."""
    with open(path, "rb") as file:
        text = b""
        while True:
            block = file.read(BLOCK)
            if len(block) < BLOCK or not (text or block.startswith(b"SIMPLE  =")):
                raise NotFits(f"{path} is not a FITS file")
            text += block
            lines = [text[i : i + 80].decode("latin-1") for i in range(0, len(text), 80)]
            ends = next((i for i, line in enumerate(lines) if line.rstrip() == "END"), None)
            if ends is not None:
                return Hdu(lines[:ends])


def as_bytes(hdus: list[Hdu]) -> bytes:
    parts = []
    for hdu in hdus:
        header = "".join(hdu.cards) + f"{'END':<80}"
        parts.append(header.encode("ascii", "replace").ljust(-(-len(header) // BLOCK) * BLOCK))
        parts.append(hdu.data.ljust(-(-len(hdu.data) // BLOCK) * BLOCK, b"\0"))
    return b"".join(parts)


def write(path: str, hdus: list[Hdu]) -> None:
    """Write a file under its own name, as the real tasks do (a killed one leaves half a file)."""
    note(path)
    with open(path, "wb") as file:
        file.write(as_bytes(hdus))


def write_text(path: str, text: str) -> None:
    note(path)
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def note(path: str) -> None:
    written.append(os.path.abspath(path))


def primary(cards: list[str] | None = None) -> Hdu:
    """A primary HDU without data."""
    head = [card("SIMPLE", True), card("BITPIX", 8), card("NAXIS", 0), card("EXTEND", True)]
    return Hdu(head + list(cards or []))


def identity(hdu: Hdu) -> list[str]:
    """The cards of a header that describe the observation: not its structure, columns or data subspace."""
    skipped = re.compile(
        r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|PCOUNT|GCOUNT|TFIELDS|EXTNAME|EXTVER|CHECKSUM|DATASUM|T[A-Z]{3,4}\d+|\d*DS[A-Z]{3,4}\d+"
        r"|HDU[A-Z0-9]+|M(TYPE|FORM)\d+|CONTINUE|C(TYPE|RPIX|RVAL|DELT|UNIT)\d.*|LTV\d|LTM\d_\d|COMMENT|HISTORY|REF[XY].*|CONTENT|"
    )
    return [line for line in hdu.cards if not skipped.fullmatch(line[:8].rstrip())]


def image_hdu(values: Any, cards: list[str], *, bitpix: int = -32, first: bool = True, name: str = "") -> Hdu:
    """An image, shape (n_y, n_x), as primary HDU or as extension."""
    np = numpy()
    kind = {8: "u1", 16: ">i2", 32: ">i4", -32: ">f4", -64: ">f8"}[bitpix]
    head = [card("SIMPLE", True) if first else card("XTENSION", "IMAGE"), card("BITPIX", bitpix), card("NAXIS", 2)]
    head += [card("NAXIS1", int(values.shape[1])), card("NAXIS2", int(values.shape[0]))]
    head += [card("EXTEND", True)] if first else [card("PCOUNT", 0), card("GCOUNT", 1)]
    if name:
        head.append(card("EXTNAME", name))
    return Hdu(head + cards, np.ascontiguousarray(values, dtype=kind).tobytes())


def table_hdu(name: str, columns: list[tuple[str, str, str]], data: bytes, n_rows: int, cards: list[str] | None = None) -> Hdu:
    """A binary table of rows that are bytes already; columns are (name, TFORM, unit)."""
    width = 0
    for _, form, _ in columns:
        match = re.match(r"(\d*)([A-Z])", form)
        assert match is not None
        count = int(match[1] or 1)
        width += (count + 7) // 8 if match[2] == "X" else count * _WIDTHS[match[2]]
    head = [card("XTENSION", "BINTABLE"), card("BITPIX", 8), card("NAXIS", 2), card("NAXIS1", width), card("NAXIS2", n_rows)]
    head += [card("PCOUNT", 0), card("GCOUNT", 1), card("TFIELDS", len(columns))]
    for n, (column, form, unit) in enumerate(columns, 1):
        head += [card(f"TTYPE{n}", column), card(f"TFORM{n}", form)] + ([card(f"TUNIT{n}", unit)] if unit else [])
    return Hdu([*head, card("EXTNAME", name), *(cards or [])], data)


def intervals_hdu(name: str, intervals: list[tuple[float, float]], cards: list[str] | None = None, unit: str = "s") -> Hdu:
    """A table of good time (START, STOP)."""
    import struct

    data = b"".join(struct.pack(">dd", *pair) for pair in intervals)
    marks = [card("HDUCLASS", "OGIP"), card("HDUCLAS1", "GTI"), card("HDUCLAS2", "STANDARD")]
    return table_hdu(name, [("START", "D", unit), ("STOP", "D", unit)], data, len(intervals), [*marks, *(cards or [])])


def intervals(hdu: Hdu) -> list[tuple[float, float]]:
    rows = hdu.rows()
    names = {name.upper(): name for name in hdu.columns}
    return [(float(a), float(b)) for a, b in zip(rows[names["START"]], rows[names["STOP"]], strict=True)]


def overlap(first: list[tuple[float, float]], second: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The time that lies in both lists."""
    both = [(max(a, c), min(b, d)) for a, b in first for c, d in second]
    return sorted((a, b) for a, b in both if b > a)


def inside(times: Any, good: list[tuple[float, float]]) -> Any:
    """Which times lie in one of the half-open intervals."""
    np = numpy()
    kept = np.zeros(len(times), bool)
    for start, stop in good:
        kept |= (times >= start) & (times < stop)
    return kept


def find(hdus: list[Hdu], name: str) -> Hdu | None:
    return next((hdu for hdu in hdus if hdu.name.upper() == name.upper()), None)
