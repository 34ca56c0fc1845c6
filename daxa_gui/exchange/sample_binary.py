"""Samples in FITS and VOTable files, read by astropy."""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar
from xml.etree.ElementTree import ParseError, XMLPullParser
from xml.parsers.expat import ExpatError

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.exchange.sample_guesses import position_columns
from daxa_gui.exchange.sample_table import MOST_ROWS, PREVIEW_ROWS, Cells, Field, SampleTable

_LARGEST_BYTES = 4 << 30
_SYSTEMS = {
    "ICRS": "icrs",
    "FK5": "fk5",
    "FK4": "fk4",
    "EQ_FK5": "fk5",
    "EQ_FK4": "fk4",
    "GALACTIC": "galactic",
    "ECL_FK5": "ecliptic",
}
Made = TypeVar("Made")


def _quietly(path: Path, what: str, work: Callable[[], Made]) -> Made:
    """Do what astropy does without its remarks on style; what is wrong with the file becomes a FileError."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return work()
        except (
            OSError,
            ValueError,
            TypeError,
            LookupError,
            ExpatError,
            ParseError,
            AttributeError,
            EOFError,
            MemoryError,
        ) as error:
            why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise FileError(f"The sample {path} cannot be read as a {what} ({why}).") from error


def _as_cells(values: Any, path: Path, name: str, as_text: bool) -> Cells:
    """Numbers as float64 with NaN for missing ones, everything else as texts."""
    mask = np.ma.getmaskarray(values) if np.ma.isMaskedArray(values) else None
    array: NDArray[Any] = np.asarray(np.ma.getdata(values))
    if array.ndim != 1:
        raise FileError(f"The column « {name} » of {path} holds several values in each row.")
    if array.dtype.kind in "fiu" and not as_text:
        numbers = array.astype(np.float64)
        return Cells((np.where(mask, np.nan, numbers) if mask is not None else numbers,))
    if array.dtype.kind in "SO":
        array = np.array([_text(value) for value in array.tolist()], dtype=np.str_)
    texts = np.char.strip(array.astype(np.str_))
    return Cells((np.where(mask, "", texts) if mask is not None else texts,))


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else "" if value is None else str(value)


def _rows_of(columns: list[Cells], n_rows: int) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(cells.text(row) for cells in columns) for row in range(min(n_rows, PREVIEW_ROWS)))


# -------------------------------------------------------------------------------------------------------------------------- FITS


class FitsTable(SampleTable):
    """The first table of a FITS file that has a position, or simply the first. Columns are read when they are asked for."""

    format = "FITS"

    def __init__(self, path: Path, fields: list[Field], extension: int, n_rows: int) -> None:
        super().__init__(path, fields)
        self._extension, self._n_rows = extension, n_rows

    def count(self) -> int:
        if self._n_rows > MOST_ROWS:
            raise self.too_many()
        return self._n_rows

    def head(self) -> tuple[tuple[str, ...], ...]:
        return self._with_data(lambda data: _rows_of([self._preview(data, n) for n in range(len(self.fields))], len(data)))

    def _preview(self, data: Any, index: int) -> Cells:
        values = data[:PREVIEW_ROWS].field(index)
        if np.ndim(values) != 1:
            values = np.array(["…"] * len(values))
        return _as_cells(values, self.path, self.names[index], False)

    def read(self, names: Collection[str], as_text: Collection[str]) -> Mapping[str, Cells]:
        self.count()

        def columns(data: Any) -> Mapping[str, Cells]:
            nulls = [column.null for column in data.columns]
            found = {}
            for name in names:
                index = self.names.index(name)
                values = data.field(index)
                if isinstance(nulls[index], int) and values.dtype.kind in "iu":
                    values = np.ma.masked_equal(values, nulls[index])
                found[name] = _as_cells(values, self.path, name, name in as_text)
            return found

        return self._with_data(columns)

    def _with_data(self, work: Callable[[Any], Made]) -> Made:
        from astropy.io import fits

        def inside() -> Made:
            with fits.open(self.path, memmap=True) as hdus:
                return work(hdus[self._extension].data)

        return _quietly(self.path, "FITS table", inside)

    def place(self, row: int) -> str:
        return f"row {row + 1}"


def open_fits(path: Path) -> FitsTable:
    """Raises FileError if there is no table in the file, or it is larger than any sample."""
    return _quietly(path, "FITS table", lambda: _fits_table(path))


def _fits_table(path: Path) -> FitsTable:
    from astropy.io import fits

    found: list[tuple[int, int, list[Field]]] = []
    with fits.open(path, memmap=True) as hdus:
        for number, hdu in enumerate(hdus):
            if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU)):
                header = hdu.header
                if header["NAXIS1"] * header["NAXIS2"] > _LARGEST_BYTES:
                    raise ValueError(f"extension {number} is larger than {_LARGEST_BYTES >> 30} GB")
                found.append((number, int(header["NAXIS2"]), _fits_fields(header)))
    if not found:
        raise ValueError("it has no table")
    number, n_rows, fields = next((table for table in found if all(position_columns(table[2])[:2])), found[0])
    return FitsTable(path, fields, number, n_rows)


def _fits_fields(header: Any) -> list[Field]:
    frame = _SYSTEMS.get(str(header.get("RADESYS", header.get("RADECSYS", ""))).strip().upper(), "")
    return [
        Field(
            str(header.get(f"TTYPE{n}", "")),
            str(header.get(f"TUNIT{n}", "")).strip(),
            str(header.get(f"TUCD{n}", "")).strip(),
            frame,
        )
        for n in range(1, int(header["TFIELDS"]) + 1)
    ]


# ----------------------------------------------------------------------------------------------------------------------- VOTable


class VoTable(SampleTable):
    """The first table of a VOTable. Its head is read without the rest where the rows are XML elements."""

    format = "VOTable"

    def __init__(self, path: Path, fields: list[Field], rows: list[tuple[str, ...]] | None) -> None:
        super().__init__(path, fields)
        self._first = rows  # None: the rows are not XML elements
        self._table: Any = None

    def count(self) -> int:
        if self._first is None:
            return self._checked(len(self._whole().array))
        with self.path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            rows = 0
            for _ in re.finditer(rb"<(?:[\w.-]{1,40}:)?TR[\s>/]", text):
                rows += 1
                if rows > MOST_ROWS:
                    break
        return self._checked(rows)

    def _checked(self, rows: int) -> int:
        if rows > MOST_ROWS:
            raise self.too_many()
        return rows

    def head(self) -> tuple[tuple[str, ...], ...]:
        if self._first is not None:
            return tuple(self._first)
        table = self._whole()
        columns = [table.array[:PREVIEW_ROWS][name] for name in table.array.dtype.names]
        return _rows_of([_as_cells(_flat(values), self.path, "", False) for values in columns], len(table.array))

    def _whole(self) -> Any:
        if self._table is None:
            from astropy.io.votable import parse

            self._table = _quietly(self.path, "VOTable", lambda: parse(self.path).get_first_table())
        return self._table

    def read(self, names: Collection[str], as_text: Collection[str]) -> Mapping[str, Cells]:
        self.count()
        array = self._whole().array
        stored = dict(zip(self.names, array.dtype.names, strict=True))
        return {name: _as_cells(array[stored[name]], self.path, name, name in as_text) for name in names}

    def place(self, row: int) -> str:
        return f"row {row + 1}"


def _flat(values: Any) -> Any:
    return values if np.ndim(values) == 1 else np.array(["…"] * len(values))


def open_votable(path: Path) -> VoTable:
    """Raises FileError if the file is no VOTable or is larger than any sample."""
    return _quietly(path, "VOTable", lambda: _votable(path))


def _votable(path: Path) -> VoTable:
    if path.stat().st_size > _LARGEST_BYTES:
        raise ValueError(f"it is larger than {_LARGEST_BYTES >> 30} GB")
    head = _VoHead()
    parser: Any = XMLPullParser(("start", "end"))
    with path.open("rb") as stream:
        while not head.complete and (block := stream.read(1 << 16)):
            if b"<!ENTITY" in block:
                raise ValueError("it defines entities")
            parser.feed(block)
            head.take(parser)
        if not head.complete:
            parser.close()
            head.take(parser)
    if not head.fields:
        raise ValueError("it has no table")
    return VoTable(path, head.fields, head.rows if head.in_elements else None)


class _VoHead:
    """The fields and the first rows of the first table."""

    def __init__(self) -> None:
        self.fields: list[Field] = []
        self.rows: list[tuple[str, ...]] = []
        self.in_elements = True
        self.complete = False
        self._systems: dict[str, str] = {}

    def take(self, parser: Any) -> None:
        for event, element in parser.read_events():
            tag = element.tag.rpartition("}")[2]
            if self.complete:
                return
            if event == "start":
                self._started(tag, element.attrib)
            elif tag == "TR":
                cells = tuple((cell.text or "").strip() for cell in element)
                self.rows.append((*cells, *[""] * (len(self.fields) - len(cells)))[: len(self.fields)])
                self.complete = len(self.rows) >= PREVIEW_ROWS
            elif tag == "TABLE":
                self.complete = True

    def _started(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "COOSYS":
            self._systems[attributes.get("ID", "")] = _SYSTEMS.get(attributes.get("system", "").upper(), "")
        elif tag == "FIELD":
            name = attributes.get("name") or attributes.get("ID", "")
            frame = self._systems.get(attributes.get("ref", ""), "")
            self.fields.append(Field(name, attributes.get("unit", ""), attributes.get("ucd", ""), frame))
        elif tag in ("BINARY", "BINARY2", "FITS"):
            self.in_elements, self.complete = False, True
