"""Tables in files: CSV, ECSV, VOTable, FITS and Parquet, written so that other programs read them and read as exactly."""

from __future__ import annotations

import gzip
import tempfile
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import IO

import numpy as np

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.table_csv import read_csv, write_csv, write_csv_parts
from daxa_gui.exchange.table_ecsv import read_ecsv, write_ecsv
from daxa_gui.exchange.table_fits import read_fits, write_fits
from daxa_gui.exchange.table_parquet import read_parquet, write_parquet, write_parquet_parts
from daxa_gui.exchange.table_votable import write_votable
from daxa_gui.exchange.table_votable_reading import read_votable

FORMATS = MappingProxyType(
    {
        ".csv": "CSV",
        ".ecsv": "ECSV",
        ".vot": "VOTable",
        ".xml": "VOTable",
        ".fits": "FITS",
        ".fit": "FITS",
        ".parquet": "Parquet",
    }
)
MOST_HELD_ROWS = 2_000_000  # of formats that need all of them at once: about 1 KB of memory each
LARGEST_BYTES = 2 * 1024**3  # of a file, and of what a gzipped one unpacks to
_READERS = MappingProxyType(
    {"CSV": read_csv, "ECSV": read_ecsv, "VOTable": read_votable, "FITS": read_fits, "Parquet": read_parquet}
)
_WRITERS: dict[str, Callable[[IO[str], DataTable], None]] = {"CSV": write_csv, "ECSV": write_ecsv, "VOTable": write_votable}
_BINARY_WRITERS: dict[str, Callable[[Path, DataTable], None]] = {"FITS": write_fits, "Parquet": write_parquet}
_PARTS_WRITERS: dict[str, Callable[[Path, Iterator[DataTable]], None]] = {
    "CSV": write_csv_parts,
    "Parquet": write_parquet_parts,
}


def write_table(table: DataTable, path: Path, format: str = "") -> None:
    """Write a table; a file that is there already is replaced once the new one is whole.

    CSV keeps values only; the other formats also units, descriptions and the texts about the table. Float64 numbers, whole
    numbers, true and false, and texts come back as they were, but for texts in FITS and VOTable that end with NUL characters.

    Parameters
    ----------
    format : a name of `FORMATS`; decided by the file's ending if empty.

    Raises
    ------
    InputError : the ending says no format, or the table cannot be written (no columns, a text that is none).
    FileError : the file cannot be written.
    """
    name = _format_name(format) if format else _format_of(path)
    if not table.columns:
        raise InputError("A table without columns cannot be written.")
    with _replaced(path) as part:
        if name in _WRITERS:
            with part.open("w", encoding="utf-8", newline="") as file:
                _WRITERS[name](file, table)
        else:
            _BINARY_WRITERS[name](part, table)


def write_parts(parts: Iterable[DataTable], path: Path, most_rows: int = MOST_HELD_ROWS) -> int:
    """Write a table that comes in parts, at least one, with the same columns; returns how many rows it has.

    CSV and Parquet are written part by part, so that the table need not fit into memory. The other formats need it as a whole.

    Raises
    ------
    InputError : the ending says no format; there are more than `most_rows` rows for a format that needs all of them at once.
    FileError : the file cannot be written; then none is there.
    """
    name = _format_of(path)
    count = 0

    def counted() -> Iterator[DataTable]:
        nonlocal count
        for part in parts:
            count += len(part)
            if count > most_rows and name not in _PARTS_WRITERS:
                raise InputError(
                    f"The table has more than {most_rows} rows, and {name} needs them all in memory.", "Write .csv or .parquet."
                )
            yield part

    if name not in _PARTS_WRITERS:
        write_table(_joined(list(counted())), path)
    else:
        with _replaced(path) as file:
            _PARTS_WRITERS[name](file, counted())
    return count


def _joined(parts: list[DataTable]) -> DataTable:
    first = parts[0]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in first.names}
    return DataTable(columns, first.units, first.descriptions, first.meta)


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A file to write, which takes the place of `path` once it is whole; raises FileError if that cannot be done."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        yield part
        part.replace(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written ({error.strerror or error}).", "Choose another folder.") from error
    finally:
        with suppress(OSError):  # a folder that cannot be written has none
            part.unlink(missing_ok=True)


def _format_name(text: str) -> str:
    for name in _READERS:
        if name.casefold() == text.casefold():
            return name
    raise InputError(f"« {text} » is not a format of tables.", f"Known ones: {', '.join(_READERS)}.")


def _format_of(path: Path) -> str:
    try:
        return FORMATS[path.suffix.lower()]
    except KeyError:
        raise InputError(f"The ending of {path.name} does not say a format.", f"Known ones: {', '.join(FORMATS)}.") from None


def read_table(path: Path) -> DataTable:
    """Read a table of this or another program; its content says which format it has. CSV, ECSV, VOTable and FITS may be gzipped.

    Raises
    ------
    FileError : the file cannot be read, is too large, damaged, or none of the formats; the message names the row or line.
    """
    try:
        with _unpacked(path) as file_path:
            with file_path.open("rb") as file:
                name = _recognised(file.read(4096), path)
            return _READERS[name](file_path, path)
    except OSError as error:
        raise FileError(f"{path} cannot be read ({error.strerror or error}).", "Check the name and the permissions.") from error


def _recognised(start: bytes, path: Path) -> str:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise FileError(f"{path} is empty.", "Choose a table.")
    if start.startswith(b"SIMPLE  ="):
        return "FITS"
    if start.startswith(b"PAR1"):
        return "Parquet"
    if text[:1] == b"<":
        if text[:256].lower().startswith((b"<!doctype html", b"<html")):
            raise FileError(f"{path} is a web page, not a table.", "Was it saved from a service that showed an error?")
        return "VOTable"
    if b"\0" in start:
        raise FileError(f"{path} is none of the known formats.", f"Known ones: {', '.join(_READERS)}.")
    return "ECSV" if text.startswith(b"# %ECSV") else "CSV"


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The file, or an unpacked copy of a gzipped one."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if path.stat().st_size > LARGEST_BYTES:
        raise FileError(f"{path} has more than {LARGEST_BYTES >> 30} GiB.", "Take a part of it, or write it as Parquet.")
    if not packed:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="daxa-gui-table-") as folder:
        copy = Path(folder, "table")
        _unpack(path, copy)
        yield copy


def _unpack(path: Path, copy: Path) -> None:
    size = 0
    try:
        with gzip.open(path) as source, copy.open("wb") as target:
            while piece := source.read(2**22):
                size += len(piece)
                if size > LARGEST_BYTES:
                    raise FileError(f"{path} unpacks to more than {LARGEST_BYTES >> 30} GiB.", "It is no table of observations.")
                target.write(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"{path} is damaged: it cannot be unpacked ({error}).", "Get it again.") from error
