"""A FITS file as a list of header-data units over one buffer: found by walking the blocks, checked against the file's length.

Plain files are mapped into memory, compressed ones (gzip, also as `.FTZ`; UNIX compress) are unpacked into memory. The content
decides, never the name. Nothing here knows what the tables mean.
"""

from __future__ import annotations

import gzip
import io
import mmap
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.core.plain_file import cannot_be_read, open_plain
from daxa_gui.fits.cards import BLOCK, CARD, Header

MAXIMUM_UNPACKED_BYTES = 16 * 1024**3  # more than any event list; a compressed file that grows beyond is hostile or damaged
_DOWNLOAD_AGAIN = "The file is probably damaged; download it again."


@dataclass(frozen=True, eq=False)
class Hdu:
    """One header-data unit. Offsets are bytes from the start of the (unpacked) file; `data_bytes` leaves the padding out."""

    index: int
    header: Header
    start: int
    data_start: int
    data_bytes: int
    end: int

    @property
    def name(self) -> str:
        return self.header.text("EXTNAME").upper()

    @property
    def is_table(self) -> bool:
        return self.header.text("XTENSION").upper() in ("BINTABLE", "A3DTABLE") and "ZIMAGE" not in self.header

    @property
    def is_compressed_image(self) -> bool:
        return self.header.text("XTENSION").upper() == "BINTABLE" and self.header.get("ZIMAGE") is True

    @property
    def is_image(self) -> bool:
        return self.header.text("XTENSION").upper() in ("", "IMAGE")


@dataclass(frozen=True, eq=False)
class FitsFile:
    """`buffer` holds the whole unpacked file, shape (bytes,); it may be a memory map. `warnings` are sentences."""

    path: Path
    buffer: NDArray[np.uint8]
    hdus: tuple[Hdu, ...]
    warnings: tuple[str, ...]

    @property
    def primary(self) -> Hdu:
        return self.hdus[0]

    def data(self, hdu: Hdu) -> NDArray[np.uint8]:
        """The raw bytes of a data unit, without padding."""
        return self.buffer[hdu.data_start : hdu.data_start + hdu.data_bytes]

    def raw(self, hdu: Hdu) -> NDArray[np.uint8]:
        """Header and data of a unit as they stand in the file."""
        return self.buffer[hdu.start : hdu.end]


def open_fits(path: str | Path) -> FitsFile:
    """Read the structure of a FITS file and check that all of it is there.

    Raises
    ------
    FileError : the file cannot be read, is no plain file, is empty, is not FITS, or is shorter than its headers say.
    """
    file = Path(path)
    warnings: list[str] = []
    buffer = _buffer(file, warnings)
    if len(buffer) < 6 or bytes(buffer[:6]) != b"SIMPLE":
        raise FileError(
            f"{file} is not a FITS file: it does not begin with SIMPLE.", "Choose an event list or image in FITS format."
        )
    hdus: list[Hdu] = []
    position = 0
    while position < len(buffer):
        if hdus and bytes(buffer[position : position + 8]) != b"XTENSION":
            rest = bytes(buffer[position:])
            if rest.strip(b"\0 "):
                warnings.append(f"{len(rest)} bytes after the last extension are not FITS and were ignored.")
            break
        hdu = _read_hdu(file, buffer, position, len(hdus))
        hdus.append(hdu)
        data_end = hdu.data_start + hdu.data_bytes
        # Some software forgets to fill the last block up; a block that is partly filled up was cut, and what came next with it.
        if data_end > len(buffer) or data_end < len(buffer) < hdu.end:
            missing = (data_end if data_end > len(buffer) else hdu.end) - len(buffer)
            raise FileError(
                f"{file} is cut short: {missing} bytes of {_label(hdu)} are missing ({len(buffer)} bytes are there).",
                _DOWNLOAD_AGAIN,
            )
        if hdu.end > len(buffer):
            warnings.append("The last block of the file is not filled up to 2880 bytes.")
        position = hdu.end
    return FitsFile(file, buffer, tuple(hdus), tuple(warnings))


def _label(hdu: Hdu) -> str:
    return f"extension {hdu.name or hdu.index}" if hdu.index else "the primary array"


def _buffer(file: Path, warnings: list[str]) -> NDArray[np.uint8]:
    try:
        with open_plain(file) as stream:
            magic = stream.read(2)
            if not magic:
                raise FileError(f"{file} is empty: it has no bytes.", _DOWNLOAD_AGAIN)
            if magic == b"\x1f\x8b":
                stream.seek(0)
                return _gunzipped(file, stream, warnings)
            if magic == b"\x1f\x9d":
                stream.seek(0)
                return _uncompressed(file, stream)
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise cannot_be_read(file, error) from error
    return np.frombuffer(mapped, np.uint8)


def _gunzipped(file: Path, stream: BinaryIO, warnings: list[str]) -> NDArray[np.uint8]:
    pieces = bytearray()
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            while piece := unpacked.read1(1 << 22):
                pieces += piece
                if len(pieces) > MAXIMUM_UNPACKED_BYTES:
                    raise FileError(f"{file} unpacks to more than {MAXIMUM_UNPACKED_BYTES >> 30} GiB.", "It is no event list.")
    except EOFError as error:
        raise FileError(f"{file} is cut short: its gzip data end in the middle.", _DOWNLOAD_AGAIN) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        # A member that is not one, behind others whose checksums fit, is no part of the file: gzip itself ignores it, too.
        if pieces and str(error).startswith("Not a gzipped file"):
            warnings.append("Something that is not gzip data stands behind the gzip data and was ignored.")
            return np.frombuffer(pieces, np.uint8)
        raise FileError(f"{file} is damaged: its gzip data cannot be unpacked ({error}).", _DOWNLOAD_AGAIN) from error
    if not pieces:
        raise FileError(f"{file} is empty: its gzip data hold no bytes.", _DOWNLOAD_AGAIN)
    return np.frombuffer(pieces, np.uint8)


def _uncompressed(file: Path, stream: BinaryIO) -> NDArray[np.uint8]:
    import ncompress

    unpacked = io.BytesIO()
    try:
        ncompress.decompress(stream, unpacked)
    except ValueError as error:
        raise FileError(f"{file} is damaged: its compressed data cannot be unpacked ({error}).", _DOWNLOAD_AGAIN) from error
    return np.frombuffer(unpacked.getbuffer(), np.uint8)


def _read_hdu(file: Path, buffer: NDArray[np.uint8], start: int, index: int) -> Hdu:
    where = f"extension {index}" if index else "the primary header"
    header_end = _end_of_header(buffer, start)
    if header_end is None:
        raise FileError(f"{file} is cut short: {where} has no END.", _DOWNLOAD_AGAIN)
    end_card, data_start = header_end
    header = Header(bytes(buffer[start:end_card]))
    size = _data_bytes(file, header, where)
    return Hdu(index, header, start, data_start, size, data_start + -(-size // BLOCK) * BLOCK)


def _end_of_header(buffer: NDArray[np.uint8], start: int) -> tuple[int, int] | None:
    """Positions of the END card and of the first block after it; None if the file ends before."""
    for block in range(start, len(buffer) - BLOCK + 1, BLOCK):
        text = bytes(buffer[block : block + BLOCK])
        for card in range(0, BLOCK, CARD):
            if text[card : card + 8] == b"END     ":
                return block + card, block + BLOCK
    return None


def _data_bytes(file: Path, header: Header, where: str) -> int:
    """Size of a data unit: |BITPIX|/8 x GCOUNT x (PCOUNT + product of the NAXISn), FITS standard 4.0, section 4.4.1."""
    bitpix, axes = header.integer("BITPIX"), header.integer("NAXIS")
    if bitpix not in (8, 16, 32, 64, -32, -64) or axes is None or not 0 <= axes <= 999:
        raise FileError(f"{file} is not valid FITS: {where} has BITPIX {bitpix} and NAXIS {axes}.", _DOWNLOAD_AGAIN)
    if axes == 0:
        return 0
    pixels = 1
    for axis in range(1, axes + 1):
        length = header.integer(f"NAXIS{axis}")
        if length is None or length < 0:
            raise FileError(f"{file} is not valid FITS: {where} has no usable NAXIS{axis}.", _DOWNLOAD_AGAIN)
        pixels *= length
    groups, extra = header.integer("GCOUNT"), header.integer("PCOUNT")
    return abs(bitpix) // 8 * max(groups if groups is not None else 1, 0) * (max(extra or 0, 0) + pixels)
