"""Whether a FITS file is whole and unchanged: its structure, and the sums that its headers give (CHECKSUM and DATASUM)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np

from daxa_gui.core.errors import FileError

FITS_BLOCK_BYTES = 2880
CHUNK_BYTES = 1024 * FITS_BLOCK_BYTES
_ALL_ONES = 0xFFFFFFFF
_BITS = (8, 16, 32, 64)  # of a value: all that BITPIX may say, with or without a minus sign
_CARD = re.compile(rb"(BITPIX  |NAXIS   |NAXIS[1-9][0-9]{0,2} {0,2}|PCOUNT  |GCOUNT  |GROUPS  )= +(\S+)")
_SUM_CARD = re.compile(rb"(CHECKSUM|DATASUM )= +'?([^'/]*)")
_NOT_COMPUTED = frozenset({"", "0" * 16})


class WrongSumError(FileError):
    """A FITS file is whole, but data or headers do not add up to the sums in its headers."""


def _nothing() -> None: ...


def check_fits(path: Path, name: str = "", check_cancelled: Callable[[], None] = _nothing) -> None:
    """Check a FITS file: whole blocks of 2880 bytes, headers that end, as many data as they announce, and data and headers
    that add up to their DATASUM and CHECKSUM where these stand in a header.

    Reads the data only where a sum is given for them.

    Raises
    ------
    WrongSumError : a sum is wrong and all else is right.
    FileError : what else is wrong with it. Source: FITS Standard 4.0, sections 3.1, 3.3, 4.4.1 and 4.4.2.7, appendix J.
    """
    name = name or path.name
    size = path.stat().st_size
    wrong = ""
    with path.open("rb", buffering=0) as file:
        if file.read(9) != b"SIMPLE  =":
            raise FileError(f"{name} is not a FITS file (it does not begin with SIMPLE).")
        if size % FITS_BLOCK_BYTES:
            raise FileError(f"{name} is cut short: {size} bytes are not whole FITS blocks of {FITS_BLOCK_BYTES}.")
        position = number = 0
        while position < size:
            file.seek(position)
            if number and file.read(8) != b"XTENSION":
                break  # special records and padding after the last extension are allowed (FITS Standard 3.5)
            unit = _Unit(file, position, f"{name}, extension {number}" if number else name)
            if unit.end > size:
                raise FileError(f"{name} is cut short: {unit.end - size} of {unit.end} bytes are missing.")
            wrong = wrong or unit.wrong_sum(check_cancelled)
            position = unit.end
            number += 1
    if wrong:
        raise WrongSumError(wrong)


class _Unit:
    """The header-data unit at `position`; raises FileError if its header does not end or does not say how large its data are."""

    def __init__(self, file: BinaryIO, position: int, name: str) -> None:
        self._file, self._name, self._values = file, name, dict[str, str]()
        self._header_sum = 0
        file.seek(position)
        length = 0
        while not self._read_block():
            length += FITS_BLOCK_BYTES
        self._data_start = position + length + FITS_BLOCK_BYTES
        self._data_bytes = _data_bytes(self._values, name)
        self.end = self._data_start + self._data_bytes

    def _read_block(self) -> bool:
        """Take in the next block of the header; whether it is the last one."""
        block = self._file.read(FITS_BLOCK_BYTES)
        if len(block) < FITS_BLOCK_BYTES:
            raise FileError(f"{self._name}: the header does not end before the file does.")
        self._header_sum += word_sum(block)
        for start in range(0, FITS_BLOCK_BYTES, 80):
            card = block[start : start + 80]
            if card.rstrip() == b"END":
                return True
            if match := _CARD.match(card):
                text = match[2].split(b"/")[0].decode("ascii", "replace")
                self._values.setdefault(match[1].decode("ascii").strip(), text)
            elif match := _SUM_CARD.match(card):
                self._values.setdefault(match[1].decode("ascii").strip(), match[2].decode("ascii", "replace").strip())
        return False

    def wrong_sum(self, check_cancelled: Callable[[], None]) -> str:
        """Which sum is wrong, as a sentence; empty if none is."""
        of_unit, of_data = self._values.get("CHECKSUM", ""), self._values.get("DATASUM", "")
        if of_unit in _NOT_COMPUTED and not of_data.isdecimal():
            return ""
        data_sum = self._sum_of_data(check_cancelled)
        if of_data.isdecimal() and (data_sum - int(of_data)) % _ALL_ONES:
            return (
                f"{self._name}: the data do not add up to their DATASUM ({data_sum % _ALL_ONES} instead of {of_data}): they are "
                "not those that were written."
            )
        if of_unit not in _NOT_COMPUTED and (self._header_sum + data_sum) % _ALL_ONES:
            return f"{self._name}: header and data do not add up as their CHECKSUM says: some of it was changed."
        return ""

    def _sum_of_data(self, check_cancelled: Callable[[], None]) -> int:
        self._file.seek(self._data_start)
        left, total = self._data_bytes, 0
        buffer = memoryview(bytearray(min(CHUNK_BYTES, left)))
        while left:
            check_cancelled()
            here = buffer[: min(len(buffer), left)]
            filled = 0
            while filled < len(here):
                got = self._file.readinto(here[filled:])  # type: ignore[attr-defined]
                if not got:
                    raise FileError(f"{self._name} became shorter while it was read.")
                filled += got
            total += word_sum(here)
            left -= len(here)
        return total


def word_sum(data: bytes | memoryview) -> int:
    """The sum of the 32-bit words of `data` (big-endian; a multiple of 4 bytes). Modulo 2**32 - 1 it is their ones'-complement
    sum (RFC 1071), which FITS uses."""
    return int(np.frombuffer(data, ">u4").sum(dtype=np.uint64))


def _data_bytes(values: dict[str, str], name: str) -> int:
    try:
        number = int(values["NAXIS"])
        axes = [int(values[f"NAXIS{axis}"]) for axis in range(1, number + 1)]
        bits = abs(int(values["BITPIX"]))
        extra, groups = int(values.get("PCOUNT", 0)), int(values.get("GCOUNT", 1))
    except (KeyError, ValueError) as error:
        raise FileError(f"{name}: the header does not say how large its data are ({error}).") from error
    if number < 0 or any(axis < 0 for axis in axes) or bits not in _BITS:
        raise FileError(f"{name}: the header gives its data a negative size, or {bits} bits for each value.")
    if not axes:
        return 0
    if axes[0] == 0 and values.get("GROUPS") == "T":
        axes = axes[1:]
    elements = 1
    for axis in axes:
        elements *= axis
    if extra < 0 or groups < 0:
        raise FileError(f"{name}: the header gives its data a negative size.")
    data = bits // 8 * groups * (extra + elements)
    return -(-data // FITS_BLOCK_BYTES) * FITS_BLOCK_BYTES
