"""Whether a fetched file is what its name says: first bytes, web pages in place of data, the structure of FITS files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from daxa_gui.core.errors import FileError

FITS_BLOCK_BYTES = 2880
_FITS_NAME = re.compile(r".*\.(fits?|evt|img|arf|rmf|pha|pi|gti|lc|hk|mkf|orb)$", re.IGNORECASE)
_CARD = re.compile(rb"(BITPIX  |NAXIS   |NAXIS[1-9][0-9]{0,2} {0,2}|PCOUNT  |GCOUNT  |GROUPS  )= +(\S+)")


def is_fits_name(name: str) -> bool:
    """Whether a file of this (unpacked) name holds FITS."""
    return _FITS_NAME.match(name) is not None


def begins_as_named(name: str, first: bytes) -> bool:
    """Whether the first bytes (a few hundred of them) of a file are what its name promises."""
    lower = name.lower()
    if lower.endswith((".gz", ".ftz", ".tgz")):
        return first.startswith(b"\x1f\x8b")
    if lower.endswith(".z"):
        return first.startswith(b"\x1f\x9d")
    if lower.endswith(".bz2"):
        return first.startswith(b"BZh")
    if lower.endswith(".tar"):
        return len(first) >= 262 and first[257:262] == b"ustar"
    return first.startswith(b"SIMPLE  =") if is_fits_name(name) else True


def looks_like_html(first: bytes) -> bool:
    """Whether the first bytes are those of a web page."""
    start = first.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"<?xml"):
        start = start.partition(b"?>")[2].lstrip()
    return start.startswith((b"<!doctype html", b"<html", b"<head"))


def check_fits(path: Path, name: str = "") -> None:
    """Check the structure of a FITS file: whole blocks of 2880 bytes, headers that end, as many data as they announce.

    Raises
    ------
    FileError : what is wrong with it. Source: FITS Standard 4.0, sections 3.1, 3.3 and 4.4.1.
    """
    name = name or path.name
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(9) != b"SIMPLE  =":
            raise FileError(f"{name} is not a FITS file (it does not begin with SIMPLE).")
        if size % FITS_BLOCK_BYTES:
            raise FileError(f"{name} is cut short: {size} bytes are not whole FITS blocks of {FITS_BLOCK_BYTES}.")
        position = number = 0
        while position < size:
            file.seek(position)
            first = file.read(8)
            if number and first != b"XTENSION":
                return  # special records and padding after the last extension are allowed (FITS Standard 3.5)
            header, data = _unit_sizes(file, position, f"{name}, extension {number}" if number else name)
            position += header + data
            number += 1
        if position > size:
            raise FileError(f"{name} is cut short: {position - size} of {position} bytes are missing.")


def _unit_sizes(file: BinaryIO, position: int, name: str) -> tuple[int, int]:
    """Bytes of the header and of the data (with padding) of the header-data unit at `position`."""
    values: dict[str, int | str] = {}
    file.seek(position)
    length = 0
    while True:
        block = file.read(FITS_BLOCK_BYTES)
        if len(block) < FITS_BLOCK_BYTES:
            raise FileError(f"{name}: the header does not end before the file does.")
        length += FITS_BLOCK_BYTES
        for start in range(0, FITS_BLOCK_BYTES, 80):
            card = block[start : start + 80]
            if card.rstrip() == b"END":
                return length, _data_bytes(values, name)
            if match := _CARD.match(card):
                text = match[2].split(b"/")[0].decode("ascii", "replace")
                values.setdefault(match[1].decode("ascii").strip(), text)


def _data_bytes(values: dict[str, int | str], name: str) -> int:
    try:
        axes = [int(values[f"NAXIS{axis}"]) for axis in range(1, int(values["NAXIS"]) + 1)]
        bits = abs(int(values["BITPIX"]))
        extra, groups = int(values.get("PCOUNT", 0)), int(values.get("GCOUNT", 1))
    except (KeyError, ValueError) as error:
        raise FileError(f"{name}: the header does not say how large its data are ({error}).") from error
    if not axes:
        return 0
    if axes[0] == 0 and values.get("GROUPS") == "T":
        axes = axes[1:]
    elements = 1
    for axis in axes:
        elements *= axis
    if elements < 0 or extra < 0 or groups < 0:
        raise FileError(f"{name}: the header gives its data a negative size.")
    data = bits // 8 * groups * (extra + elements)
    return -(-data // FITS_BLOCK_BYTES) * FITS_BLOCK_BYTES
