"""Samples: lists of positions that a person brings along in a file, and which observations lie near each of them."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core import matching
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.sky import SkyPosition, parse_position, separation_deg, unit_vectors

# Column names are compared without case, blanks and punctuation; the earlier in the list, the better.
_RA_NAMES = (
    "ra", "radeg", "raj2000", "raicrs", "rightascension", "ra2000", "alphaj2000", "alpha", "targetra", "raobj", "sra", "rad",
)  # fmt: skip
_DEC_NAMES = (
    "dec", "decdeg", "dedeg", "dej2000", "decj2000", "deicrs", "decicrs", "declination", "decl", "dec2000", "deltaj2000", "delta",
    "targetdec", "decobj", "sdec", "decd", "de",
)  # fmt: skip
_NAME_NAMES = (
    "name", "objectname", "objname", "targetname", "sourcename", "srcname", "clustername", "iauname", "mainid", "designation",
    "object", "target", "source", "id", "identifier", "objid",
)  # fmt: skip
_HINT = "Name the columns RA and Dec (ICRS degrees or sexagesimal), or say which ones they are."


@dataclass(frozen=True)
class Sample:
    """Positions of a file, in its order. `columns` are all its columns; the other three say which ones were used."""

    path: str
    positions: tuple[SkyPosition, ...]
    columns: tuple[str, ...]
    ra_column: str
    dec_column: str
    name_column: str = ""

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def label(self) -> str:
        """What to call it in a sentence."""
        return Path(self.path).name

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(position.name for position in self.positions)


@dataclass(frozen=True)
class _Table:
    """Texts of a file's cells, and where each row stands in it (« line 17 », « row 16 »)."""

    path: Path
    columns: tuple[str, ...]
    cells: Callable[[str], Sequence[str]]
    place: Callable[[int], str]
    n_rows: int


def read_sample(path: str | Path, *, ra_column: str = "", dec_column: str = "", name_column: str = "") -> Sample:
    """Read positions from a CSV (also with tabs or semicolons), ECSV, VOTable or FITS file; the content says which it is.

    Parameters
    ----------
    ra_column, dec_column, name_column : which columns to use; guessed from their names where empty. Positions are ICRS degrees
        or sexagesimal. Without a column of names the positions are called by their numbers, from 1.

    Raises
    ------
    FileError : the file cannot be read, has no such columns or no rows, or a row has no position (the message says which).
    """
    path = Path(path)
    table = _read(path)
    ra = _column(table, ra_column, _RA_NAMES, "right ascension")
    dec = _column(table, dec_column, _DEC_NAMES, "declination")
    name = _column(table, name_column, _NAME_NAMES, "")
    if not table.n_rows:
        raise FileError(f"The sample {path} has no rows.")
    names = table.cells(name) if name else [str(n + 1) for n in range(table.n_rows)]
    positions, damaged = [], []
    for row, (ra_text, dec_text, label) in enumerate(zip(table.cells(ra), table.cells(dec), names, strict=True)):
        try:
            positions.append(_position(ra_text, dec_text, label.strip()))
        except InputError as error:
            damaged.append((row, error.message))
    if damaged:
        row, why = damaged[0]
        others = f" Rows without a position: {len(damaged)}." if len(damaged) > 1 else ""
        raise FileError(f"{path}, {table.place(row)}: {why}{others}", f"RA was read from « {ra} », Dec from « {dec} ».")
    return Sample(str(path), tuple(positions), table.columns, ra, dec, name)


def _position(ra_text: str, dec_text: str, name: str) -> SkyPosition:
    try:
        ra, dec = float(ra_text), float(dec_text)
    except ValueError:
        found = parse_position(f"{ra_text.strip()} {dec_text.strip()}")
        return SkyPosition(found.ra_deg, found.dec_deg, name)
    if not (math.isfinite(ra) and math.isfinite(dec)):
        raise InputError(f"« {ra_text.strip()} », « {dec_text.strip()} » is not a position.")
    if not 0.0 <= ra <= 360.0:
        raise InputError(f"The right ascension {ra:g}° is outside 0° to 360°.")
    return SkyPosition(ra, dec, name)


def _column(table: _Table, wanted: str, guesses: Sequence[str], what: str) -> str:
    """The column to use; an empty `what` may be missing."""
    if wanted:
        if wanted not in table.columns:
            raise FileError(f"{table.path} has no column « {wanted} ».", f"It has: {_shown(table.columns)}.")
        return wanted
    plain = {"".join(c for c in name.casefold() if c.isalnum()): name for name in reversed(table.columns)}
    found = next((plain[guess] for guess in guesses if guess in plain), "")
    if what and not found:
        raise FileError(f"{table.path} has no column for the {what}; it has: {_shown(table.columns)}.", _HINT)
    return found


def _shown(columns: Sequence[str]) -> str:
    return ", ".join(columns[:30]) + (" …" if len(columns) > 30 else "")


def _read(path: Path) -> _Table:
    try:
        with path.open("rb") as stream:
            start = stream.read(2048)
    except OSError as error:
        raise FileError(f"The sample {path} cannot be read ({error.strerror}).") from error
    if not start.strip():
        raise FileError(f"The sample {path} is empty.")
    if start.startswith((b"SIMPLE  =", b"\x1f\x8b")):
        return _read_with_astropy(path, "FITS table", _fits_table)
    if b"<VOTABLE" in start or start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml"):
        return _read_with_astropy(path, "VOTable", _vo_table)
    if start.startswith(b"# %ECSV"):
        return _read_with_astropy(path, "ECSV table", _ecsv_table)
    return _read_csv(path)


def _read_csv(path: Path) -> _Table:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(
            f"The sample {path} is neither a table in text (UTF-8) nor a VOTable or FITS file (byte {error.start})."
        ) from error
    lines = text.split("\n")
    first = next((n for n, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        raise FileError(f"The sample {path} has only comments.")
    delimiter = max(",;\t|", key=lines[first].count)
    reader = csv.reader(lines[first:], delimiter=delimiter, skipinitialspace=True)
    rows, numbers = [], []
    try:
        header = [name.strip() for name in next(reader)]
        for row in reader:
            if any(cell.strip() for cell in row) and not row[0].startswith("#"):
                rows.append(row)
                numbers.append(first + reader.line_num)
    except csv.Error as error:
        raise FileError(f"{path}, line {first + reader.line_num}: {error}.") from error
    wrong = next((n for n, row in enumerate(rows) if len(row) != len(header)), None)
    if wrong is not None:
        raise FileError(f"{path}, line {numbers[wrong]}: {len(rows[wrong])} cells where the header has {len(header)}.")
    return _Table(
        path,
        tuple(header),
        lambda name: [row[header.index(name)] for row in rows],
        lambda row: f"line {numbers[row]}",
        len(rows),
    )


def _read_with_astropy(path: Path, what: str, read: Callable[[Path], Any]) -> _Table:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # remarks on the file's style; what is wrong with it is an exception
        try:
            table = read(path)
        except (OSError, ValueError, TypeError, LookupError, ExpatError) as error:
            why = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise FileError(f"The sample {path} cannot be read as a {what} ({why}).") from error
    return _Table(path, tuple(table.colnames), lambda name: _texts(table[name]), lambda row: f"row {row + 1}", len(table))


def _fits_table(path: Path) -> Any:
    from astropy.table import Table

    return Table.read(path, format="fits")


def _vo_table(path: Path) -> Any:
    from astropy.io.votable import parse_single_table

    return parse_single_table(path).to_table(use_names_over_ids=True)


def _ecsv_table(path: Path) -> Any:
    from astropy.table import Table

    return Table.read(path, format="ascii.ecsv")


def _texts(column: Any) -> list[str]:
    """Cells as texts; angles in degrees, masked cells empty."""
    import astropy.units as u

    masked = np.ma.getmaskarray(column) if np.ma.isMaskedArray(column) else np.zeros(len(column), bool)
    values = np.ma.getdata(getattr(column, "value", column))
    unit = getattr(column, "unit", None)
    if unit is not None and values.dtype.kind in "fiu" and unit.is_equivalent(u.deg):
        values = (np.asarray(values, float) * unit).to_value(u.deg)
    cells = [value.decode("ascii", "replace") if isinstance(value, bytes) else str(value) for value in values.tolist()]
    return ["" if hidden else cell for cell, hidden in zip(cells, masked.tolist(), strict=True)]


@dataclass(frozen=True, eq=False)
class Association:
    """Which observations lie near which positions of a sample. Arrays have shape (n,): one entry per pair, by position, the
    nearest first. `position` is the number in the sample (from 0), `row` the row of the catalogue."""

    position: NDArray[np.int64]
    row: NDArray[np.int64]
    obs_id: NDArray[np.str_]
    separation_deg: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.position)

    @property
    def matched_positions(self) -> int:
        """How many positions have at least one observation."""
        return len(np.unique(self.position))

    def document(self, sample: Sample) -> dict[str, Any]:
        """As JSON values: the positions with their observations, and how many there are."""
        matches: dict[int, list[dict[str, Any]]] = {}
        for number, obs_id, distance in zip(
            self.position.tolist(), self.obs_id.tolist(), self.separation_deg.tolist(), strict=True
        ):
            matches.setdefault(number, []).append({"obs_id": obs_id, "separation_deg": distance})
        return {
            "sample_size": len(sample),
            "matched_positions": len(matches),
            "observations": len(np.unique(self.row)),
            "positions": [
                {
                    "index": number,
                    "name": sample.positions[number].name,
                    "ra_deg": sample.positions[number].ra_deg,
                    "dec_deg": sample.positions[number].dec_deg,
                    "matches": found,
                }
                for number, found in matches.items()
            ],
        }


def associate(
    catalogue: Catalogue, sample: Sample, radius_deg: float | None = None, mask: NDArray[np.bool_] | None = None
) -> Association:
    """All pairs of a position and an observation whose centre is at most `radius_deg` away.

    Parameters
    ----------
    radius_deg : None means each observation's own default search distance.
    mask : shape (n,), which rows of the catalogue may match; all if None.
    """
    centres = unit_vectors([p.ra_deg for p in sample.positions], [p.dec_deg for p in sample.positions])
    positions, rows, separations = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for number, near in matching.neighbours(catalogue, centres, radius_deg):
        kept = near if mask is None else near[mask[near]]
        distance = separation_deg(catalogue.vectors[kept], centres[number])
        order = np.lexsort((kept, distance))
        positions.append(np.full(len(kept), number, np.int64))
        rows.append(kept[order])
        separations.append(distance[order])
    row = np.concatenate(rows)
    return Association(np.concatenate(positions), row, catalogue.obs_id[row], np.concatenate(separations))
