"""Columns of a binary table over the raw bytes of a file: types, scaling, null values; read one column at a time."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.fits.files import FitsFile, Hdu

_TFORM = re.compile(r"^\s*(\d*)\s*([LXBIJKAEDCMPQ])")
_BYTES = {"L": 1, "B": 1, "I": 2, "J": 4, "K": 8, "A": 1, "E": 4, "D": 8, "C": 8, "M": 16, "P": 8, "Q": 16}
_DTYPES = {"L": "u1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


@dataclass(frozen=True)
class Column:
    """One column: `code` is the letter of TFORM, `repeat` how many values (bits for X) stand in a row, `offset` in bytes."""

    number: int
    name: str
    code: str
    repeat: int
    offset: int
    width: int
    scale: float
    zero: float
    null: int | None
    unit: str
    legal_minimum: float | None
    legal_maximum: float | None

    @property
    def is_integer(self) -> bool:
        """Whether the values, after scaling, are whole numbers."""
        return self.code in "BIJK" and self.scale == 1.0 and self.zero == int(self.zero)


class Table:
    """A binary table. Column names are compared without regard to case.

    `first_row` is where a part of a table begins (see `part`), 0 for a whole one.
    """

    def __init__(self, fits: FitsFile, hdu: Hdu) -> None:
        self.fits = fits
        self.hdu = hdu
        self.first_row = 0
        self.row_bytes = hdu.header.integer("NAXIS1") or 0
        self.n_rows = hdu.header.integer("NAXIS2") or 0
        if self.n_rows * self.row_bytes > hdu.data_bytes:
            raise FileError(f"{fits.path} is not valid FITS: {hdu.name or hdu.index} has rows outside its data.")
        self.columns = self._read_columns()
        self._by_name = {column.name.upper(): column for column in reversed(self.columns)}

    def _read_columns(self) -> tuple[Column, ...]:
        header, columns, offset = self.hdu.header, [], 0
        for number in range(1, (header.integer("TFIELDS") or 0) + 1):
            match = _TFORM.match(header.text(f"TFORM{number}").upper())
            if match is None:
                raise FileError(
                    f"{self.fits.path} is not valid FITS: TFORM{number} of {self.hdu.name or self.hdu.index} is unknown."
                )
            repeat, code = int(match[1] or 1), match[2]
            width = -(-repeat // 8) if code == "X" else repeat * _BYTES[code]
            scale, zero = header.number(f"TSCAL{number}"), header.number(f"TZERO{number}")
            columns.append(
                Column(
                    number, header.text(f"TTYPE{number}"), code, repeat, offset, width,
                    1.0 if scale is None else scale, 0.0 if zero is None else zero, header.integer(f"TNULL{number}"),
                    header.text(f"TUNIT{number}"), header.number(f"TLMIN{number}"), header.number(f"TLMAX{number}"),
                )
            )  # fmt: skip
            offset += width
        if offset > self.row_bytes:
            raise FileError(
                f"{self.fits.path} is not valid FITS: the columns of {self.hdu.name or self.hdu.index} need {offset} bytes a row,"
                f" the header says {self.row_bytes}."
            )
        return tuple(columns)

    def part(self, first_row: int, behind_row: int) -> Table:
        """Some consecutive rows as a table of their own."""
        part = copy.copy(self)
        part.__dict__.pop("rows", None)
        part.first_row = self.first_row + first_row
        part.n_rows = behind_row - first_row
        return part

    def __contains__(self, name: str) -> bool:
        return bool(name) and name.upper() in self._by_name

    def column(self, name: str) -> Column:
        return self._by_name[name.upper()]

    @cached_property
    def rows(self) -> NDArray[np.uint8]:
        """Raw rows, shape (n_rows, row_bytes), a view of the file."""
        start, size = self._start, self.n_rows * self.row_bytes
        return self.fits.buffer[start : start + size].reshape(self.n_rows, self.row_bytes)

    @property
    def _start(self) -> int:
        return self.hdu.data_start + self.first_row * self.row_bytes

    def raw(self, name: str) -> NDArray[Any]:
        """The unscaled values of a column, shape (n,), a big-endian view of the file; of a vector column its first element.

        Bits and byte vectors (X, nB with n > 1) have no view: see `bits`.
        """
        column = self.column(name)
        if column.code not in _DTYPES or column.repeat < 1:
            raise FileError(f"{self.fits.path}: column {column.name} of {self.hdu.name} holds no numbers (TFORM {column.code}).")
        if not self.n_rows:
            return np.empty(0, _DTYPES[column.code])
        return np.ndarray((self.n_rows,), _DTYPES[column.code], self.fits.buffer, self._start + column.offset, (self.row_bytes,))

    def bits(self, name: str) -> NDArray[np.int64]:
        """A flag column as whole numbers, shape (n,): integers, or up to 63 bits and bytes, the first bit being the highest."""
        column = self.column(name)
        if column.code == "L" and column.repeat == 1:
            return (self.raw(name) == ord("T")).astype(np.int64)
        if column.code in "IJKED" or (column.code == "B" and column.repeat == 1):
            if abs(column.zero) >= 2**62:
                raise FileError(f"{self.fits.path}: column {column.name} of {self.hdu.name} has a TZERO beyond all flags.")
            raw = self.raw(name)
            whole = np.nan_to_num(raw, posinf=0.0, neginf=0.0).clip(-(2.0**62), 2.0**62) if column.code in "ED" else raw
            return whole.astype(np.int64) + np.int64(column.zero)
        if column.code not in "XB" or column.width > 8 or column.width == 0:
            raise FileError(f"{self.fits.path}: column {column.name} of {self.hdu.name} cannot be read as flags.")
        value = np.zeros(self.n_rows, np.int64)
        for byte in range(column.width):
            value = (value << 8) | self.rows[:, column.offset + byte]
        if column.code == "X":
            value >>= 8 * column.width - column.repeat
        return value

    def floats(self, name: str) -> NDArray[np.float64]:
        """Scaled values, shape (n,), NaN where null. Not finite values become NaN, logical ones 1 and 0."""
        column, raw = self.column(name), self.raw(name)
        values = raw.astype(np.float64) if column.code != "L" else (raw == ord("T")).astype(np.float64)
        if column.scale != 1.0:
            values *= column.scale
        if column.zero != 0.0:
            values += column.zero
        if column.code in "ED":
            values[~np.isfinite(values)] = np.nan
        elif column.null is not None:
            values[raw == column.null] = np.nan
        return values
