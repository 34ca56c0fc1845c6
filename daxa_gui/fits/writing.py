"""Writing FITS files: cards, headers that keep what they do not understand, checksums, and files that never look whole too early.

Every file is written as `<name>.part` beside its place and renamed at the end.
"""

from __future__ import annotations

import errno
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

import daxa_gui
from daxa_gui.core.errors import FileError
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits.cards import BLOCK, CARD, CardValue

CREATOR = f"DAXA GUI {daxa_gui.__version__}, built-in engine"
_TEXT_LENGTH = 68  # longest text that fits into one card


def now_text() -> str:
    """The time for DATE: UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def format_cards(keyword: str, value: CardValue, comment: str = "") -> list[str]:
    """The 80-character card of a keyword, several for a long text (OGIP CONTINUE convention). Only ASCII gets into a header."""
    if isinstance(value, str):
        return _text_cards(keyword, _ascii(value), _ascii(comment))
    if isinstance(value, bool):
        text = "T" if value else "F"
    elif isinstance(value, int):
        text = str(value)
    elif value is None:
        text = ""
    else:
        if not np.isfinite(value):
            raise ValueError(f"{keyword} cannot be {value}: FITS headers have no such number")
        text = repr(float(value)).upper()
        text = text if "." in text else text.replace("E", ".0E") if "E" in text else text + ".0"
    card = f"{keyword:<8}= {text:>20}"
    return [(f"{card} / {_ascii(comment)}" if comment else card)[:CARD].ljust(CARD)]


def _ascii(text: str) -> str:
    for fancy, plain in (("« ", '"'), (" »", '"'), ("«", '"'), ("»", '"'), ("–", "-"), ("…", "..."), ("±", "+-"), ("×", "x")):
        text = text.replace(fancy, plain)
    return re.sub(r"[^ -~]", "?", text)


def _text_cards(keyword: str, text: str, comment: str) -> list[str]:
    quoted = text.replace("'", "''")
    if len(quoted) <= _TEXT_LENGTH:
        field = "'" + quoted.ljust(8) + "'"
        card = f"{keyword:<8}= {field:<20}"
        return [(f"{card} / {comment}" if comment else card)[:CARD].ljust(CARD)]
    cards, head = [], f"{keyword:<8}= "
    while quoted:
        length = min(_TEXT_LENGTH - 1, len(quoted))
        if length < len(quoted) and (len(quoted[:length]) - len(quoted[:length].rstrip("'"))) % 2:
            length -= 1  # a doubled quote stays in one piece
        piece, quoted = quoted[:length], quoted[length:]
        cards.append(f"{head}'{piece}{'&' if quoted else ''}'".ljust(CARD))
        head = "CONTINUE  "
    return cards


class HeaderEditor:
    """The cards of a header, changed in place; everything else stays byte for byte.

    Parameters
    ----------
    raw : the 80-byte cards up to END, as `Header.raw` has them; empty for a new header.
    """

    def __init__(self, raw: bytes = b"") -> None:
        text = raw.decode("latin-1")
        self.cards = [text[i : i + CARD] for i in range(0, len(text) - len(text) % CARD, CARD)]
        while self.cards and not self.cards[-1].strip():
            self.cards.pop()

    def _find(self, keyword: str) -> int | None:
        start = f"{keyword:<8}= "
        return next((i for i, card in enumerate(self.cards) if card[: len(start)].upper() == start), None)

    def __contains__(self, keyword: str) -> bool:
        return self._find(keyword) is not None

    def set(self, keyword: str, value: CardValue, comment: str = "") -> None:
        """Give a keyword a value, at its place if it is there (its comment stays if none is given), at the end otherwise."""
        at = self._find(keyword)
        if at is None:
            self.cards += format_cards(keyword, value, comment)
            return
        behind = at + 1
        while behind < len(self.cards) and self.cards[behind].startswith("CONTINUE"):
            behind += 1
        old = self.cards[at]
        if not comment and "/" in old and "'" not in old[10:].partition("/")[2] and not old[10:].lstrip().startswith("'"):
            comment = old[10:].partition("/")[2].strip()
        self.cards[at:behind] = format_cards(keyword, value, comment)

    def remove(self, keyword: str) -> None:
        """Take a keyword out; nothing happens if it is not there."""
        at = self._find(keyword)
        if at is None:
            return
        behind = at + 1
        while behind < len(self.cards) and self.cards[behind].startswith("CONTINUE"):
            behind += 1
        del self.cards[at:behind]

    def history(self, lines: Iterable[str]) -> None:
        """Add HISTORY cards; long lines are wrapped."""
        for line in lines:
            wrapped = textwrap.wrap(_ascii(line), CARD - 8 - 1) or [""]
            self.cards += [f"HISTORY {part}".ljust(CARD) for part in wrapped]

    def blocks(self) -> bytes:
        """The header with END, filled up to whole blocks."""
        text = "".join(self.cards) + "END".ljust(CARD)
        return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("latin-1", "replace")

    def sealed(self, data_sum: int) -> bytes:
        """The header with DATASUM and CHECKSUM for data of that sum (FITS standard 4.0, section 4.4.2.7)."""
        self.set("DATASUM", str(data_sum), "data unit checksum")
        self.set("CHECKSUM", "0" * 16, "HDU checksum")
        return self._with_checksum(data_sum)

    def _with_checksum(self, data_sum: int) -> bytes:
        total = fold(checksum(np.frombuffer(self.blocks(), np.uint8)) + data_sum)
        self.set("CHECKSUM", encode_checksum(total ^ 0xFFFFFFFF), "HDU checksum")
        return self.blocks()


def checksum(data: NDArray[np.uint8]) -> int:
    """Ones' complement sum of big-endian 32-bit words. The data must be a whole number of words long, the last block apart."""
    words = len(data) // 4
    total = int(data[: words * 4].view(">u4").sum(dtype=np.uint64)) if words else 0
    if len(data) % 4:
        total += int.from_bytes(bytes(data[words * 4 :]).ljust(4, b"\0"), "big")
    return fold(total)


def fold(total: int) -> int:
    """Add the carries of a sum back in until it fits into 32 bits."""
    while total >> 32:
        total = (total & 0xFFFFFFFF) + (total >> 32)
    return total


def encode_checksum(value: int) -> str:
    """The 16 characters of a CHECKSUM (FITS standard 4.0, appendix J): four characters a byte, none of them punctuation."""
    digits = np.zeros((4, 4), np.int64)
    for column in range(4):
        byte = (value >> (24 - 8 * column)) & 0xFF
        quarters = [byte // 4 + byte % 4, byte // 4, byte // 4, byte // 4]
        digits[:, column] = [quarter + 0x30 for quarter in quarters]
    excluded = {*range(0x3A, 0x41), *range(0x5B, 0x61)}
    for column in range(4):
        for pair in (0, 2):
            while digits[pair, column] in excluded or digits[pair + 1, column] in excluded:
                digits[pair, column] += 1
                digits[pair + 1, column] -= 1
    text = "".join(chr(digit) for digit in digits.ravel())
    return text[-1] + text[:-1]


@contextmanager
def part_file(path: str | Path, source: str | Path | None = None) -> Iterator[BinaryIO]:
    """A new file that gets its name only when the block ends without an error; otherwise nothing is left.

    Parameters
    ----------
    path : what is there already is replaced if it is a file; devices and folders are refused.
    source : the file that the new one is made from, which must not be replaced by it.

    Raises
    ------
    FileError : the folder cannot be written to, the disk is full, or `path` is no place for a file.
    """
    target = Path(path)
    part = target.with_name(f"{target.name}.part")
    try:
        _check_place(target, source)
        stream = part.open("w+b")
    except OSError as error:
        raise _not_written(target, error) from error
    try:
        with stream:
            yield stream
        part.replace(target)
    except OSError as error:
        raise _not_written(target, error) from error
    finally:
        part.unlink(missing_ok=True)


def _check_place(target: Path, source: str | Path | None) -> None:
    if not target.exists():
        return
    if source is not None and Path(source).exists() and target.samefile(source):
        raise FileError(f"{target} would be replaced by what is made from it.", "Choose another name for the new file.")
    if not target.is_file():
        raise FileError(f"{target} cannot be written: it is no plain file.", "Choose another name for the new file.")


def _not_written(target: Path, error: OSError) -> FileError:
    reason = error.strerror or str(error)
    failure = FileError(f"{target} cannot be written: {reason}.", "Check the folder, its permissions and the free space.")
    failure.pauses_lane = error.errno in (errno.ENOSPC, errno.EDQUOT)  # the next job would fail as well
    return failure


def write_hdu(stream: BinaryIO, header: HeaderEditor, data: bytes | NDArray[np.uint8] = b"") -> None:
    """Append one header-data unit with its checksums; the data are filled up to whole blocks with zeros."""
    raw = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
    stream.write(header.sealed(checksum(raw)))
    stream.write(raw.data)
    stream.write(bytes(-len(raw) % BLOCK))


def empty_primary(keywords: Sequence[tuple[str, CardValue, str]] = (), history: Iterable[str] = ()) -> HeaderEditor:
    """A primary header without data: the usual first HDU of a file of tables."""
    header = HeaderEditor()
    header.set("SIMPLE", True, "file conforms to FITS standard")
    header.set("BITPIX", 8, "number of bits per data pixel")
    header.set("NAXIS", 0, "number of data axes")
    header.set("EXTEND", True, "extensions may be present")
    for keyword, value, comment in keywords:
        header.set(keyword, value, comment)
    header.set("CREATOR", CREATOR)
    header.set("DATE", now_text(), "UTC")
    header.history(history)
    return header


def table_hdu(
    name: str, columns: Sequence[tuple[str, str, str, NDArray[np.generic]]],
    keywords: Sequence[tuple[str, CardValue, str]] = (),
) -> tuple[HeaderEditor, bytes]:  # fmt: skip
    """Header and data of a binary table.

    Parameters
    ----------
    columns : (TTYPE, numpy type such as ">f8", TUNIT, values of shape (n,)).
    """
    letters = {"u1": "B", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D", "S1": "L"}
    dtype = np.dtype([(title, kind) for title, kind, _, _ in columns])
    rows = np.zeros(len(columns[0][3]), dtype)
    for title, _, _, values in columns:
        rows[title] = values
    header = HeaderEditor()
    header.set("XTENSION", "BINTABLE", "binary table extension")
    structure = {"BITPIX": 8, "NAXIS": 2, "NAXIS1": dtype.itemsize, "NAXIS2": len(rows), "PCOUNT": 0, "GCOUNT": 1}
    for name_of, number in {**structure, "TFIELDS": len(columns)}.items():
        header.set(name_of, number)
    for number, (title, kind, unit, _) in enumerate(columns, 1):
        header.set(f"TTYPE{number}", title)
        header.set(f"TFORM{number}", f"1{letters[kind.lstrip('><|')]}")
        if unit:
            header.set(f"TUNIT{number}", unit)
    header.set("EXTNAME", name)
    for keyword, value, comment in keywords:
        header.set(keyword, value, comment)
    return header, rows.tobytes()


def gti_hdu(
    name: str, gti: Gti, keywords: Sequence[tuple[str, CardValue, str]] = ()
) -> tuple[HeaderEditor, bytes]:  # fmt: skip
    """Header and data of a table of good-time intervals (OGIP)."""
    facts: list[tuple[str, CardValue, str]] = [
        ("HDUCLASS", "OGIP", ""), ("HDUCLAS1", "GTI", "table of good-time intervals"), ("HDUCLAS2", "STANDARD", ""),
        ("ONTIME", gti.total_s, "[s] sum of the intervals"),
    ]  # fmt: skip
    if len(gti):
        facts += [("TSTART", float(gti.start_s[0]), "[s] first start"), ("TSTOP", float(gti.stop_s.max()), "[s] last stop")]
    columns = [("START", ">f8", "s", gti.start_s), ("STOP", ">f8", "s", gti.stop_s)]
    return table_hdu(name, columns, [*facts, *keywords])
