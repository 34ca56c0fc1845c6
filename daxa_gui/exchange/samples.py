"""Samples: lists of positions that a person brings along in a file, with names, times and search radii."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.angles import angle_deg, plain, scan
from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.frames import FRAMES, to_icrs
from daxa_gui.core.places import Places
from daxa_gui.core.sample import Sample, SampleColumns, SamplePreview
from daxa_gui.exchange.sample_guesses import guess, unit_of
from daxa_gui.exchange.sample_table import MOST_ROWS, Cells, SampleTable
from daxa_gui.exchange.sample_units import angles_deg, normal_unit, times_mjd

__all__ = ["MOST_ROWS", "preview_sample", "read_sample"]

_HINT = "Name the columns RA and Dec (ICRS degrees or sexagesimal), or say which ones they are."
_ROLES = ("ra", "dec", "name", "time", "start", "end", "radius")
Array = NDArray[np.float64]


def preview_sample(path: str | Path) -> SamplePreview:
    """Look at a file without reading all of it: columns, units, the first 20 rows, the number of rows, and what means what.

    Raises
    ------
    FileError : the file cannot be read, or has no rows or more than `MOST_ROWS`.
    """
    table = open_table(Path(path))
    n_rows, head = table.count(), table.head()
    if not n_rows:
        raise FileError(f"The sample {path} has no rows.")
    units = tuple(field.unit for field in table.fields)
    return SamplePreview(str(path), table.format, table.names, units, head, n_rows, guess(table.fields, head))


def read_sample(path: str | Path, columns: SampleColumns | None = None) -> Sample:
    """Read positions from a CSV (any separator), ECSV, VOTable or FITS file; the content says which it is.

    Parameters
    ----------
    columns : which columns to use; None: the guesses of `preview_sample`. Where RA and Dec are empty they are guessed. Without a
        column of names the positions are called by their numbers, from 1. A `time` makes windows only together with `days_before`
        or `days_after`; `start` and `end` win over it. Missing times leave a window open on that side.

    Raises
    ------
    FileError : the file cannot be read, has no such columns, no rows or too many, or a row cannot be used (the message says
        which, why, and how many others).
    InputError : the columns cannot be meant (unknown frame, unknown unit, a window that ends before it starts).
    """
    table = open_table(Path(path))
    used = _used(table, columns)
    if not table.count():
        raise FileError(f"The sample {path} has no rows.")
    chosen = {role: getattr(used, role) for role in _ROLES if getattr(used, role)}
    as_text = {used.name} - {used.ra, used.dec, used.time, used.start, used.end, used.radius}
    cells = table.read(set(chosen.values()), as_text)
    ra, dec = _positions(table, cells[used.ra], cells[used.dec], used)
    names = _names(cells[used.name]) if used.name else tuple(str(n + 1) for n in range(len(ra)))
    radius = _radii(table, cells[used.radius], used) if used.radius else None
    start, end = _windows(table, cells, used)
    try:
        places = Places(ra, dec, names, radius, start, end)
    except InputError as error:
        raise FileError(f"{path}: {error.message}", error.hint) from error
    return Sample(str(path), places, table.names, used)


def open_table(path: Path) -> SampleTable:
    """The reader that fits a file's content. Raises FileError if there is none, or the file cannot be read."""
    try:
        with path.open("rb") as stream:
            start = stream.read(2048)
    except OSError as error:
        raise FileError(f"The sample {path} cannot be read ({error.strerror}).") from error
    if not start.strip():
        raise FileError(f"The sample {path} is empty.")
    from daxa_gui.exchange import sample_binary, sample_text

    if start.startswith((b"SIMPLE  =", b"\x1f\x8b")):
        return sample_binary.open_fits(path)
    if b"<VOTABLE" in start or start.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<?xml"):
        return sample_binary.open_votable(path)
    if start.startswith(b"# %ECSV"):
        return sample_text.open_ecsv(path)
    return sample_text.open_text(path)


def _used(table: SampleTable, columns: SampleColumns | None) -> SampleColumns:
    if columns is not None and columns.frame not in FRAMES:
        raise InputError(f"There is no celestial frame « {columns.frame[:40]} ».", f"Known ones: {', '.join(FRAMES)}.")
    if columns is None or not (columns.ra and columns.dec):
        found = guess(table.fields, table.head())
        if columns is None:
            columns = found
        else:
            frame = found.frame if not (columns.ra or columns.dec) and columns.frame == "icrs" else columns.frame
            columns = replace(columns, ra=columns.ra or found.ra, dec=columns.dec or found.dec, frame=frame)
    for field in fields_of(columns):
        name = getattr(columns, field.name)
        if field.name in _ROLES and name and name not in table.names:
            raise FileError(f"{table.path} has no column « {name} ».", f"It has: {_shown(table)}.")
    for name, what in ((columns.ra, "right ascension"), (columns.dec, "declination")):
        if not name:
            raise FileError(f"{table.path} has no column for the {what}; it has: {_shown(table)}.", _HINT)
    return columns


def _shown(table: SampleTable) -> str:
    return ", ".join(table.names[:30]) + (" …" if len(table.names) > 30 else "")


def _bad_row(table: SampleTable, wrong: NDArray[np.bool_], why: Callable[[int], str], what: str, hint: str) -> None:
    """Raise FileError if any row is wrong: the first one by its place, and how many there are."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        others = f" Rows without {what}: {len(rows)}." if len(rows) > 1 else ""
        raise FileError(f"{table.path}, {table.place(int(rows[0]))}: {why(int(rows[0]))}{others}", hint)


def _about(table: SampleTable, name: str, work: Callable[[], Array]) -> Array:
    """An error about a column names it."""
    try:
        return work()
    except InputError as error:
        raise InputError(f"The column « {name} » of {table.path}: {error.message}", error.hint) from error


def _positions(table: SampleTable, lon_cells: Cells, lat_cells: Cells, used: SampleColumns) -> tuple[Array, Array]:
    equatorial = used.frame in ("icrs", "fk5", "fk4")
    lon_field, lat_field = table.field(used.ra), table.field(used.dec)
    lon = _about(table, used.ra, lambda: angles_deg(lon_cells, unit_of(lon_field), hours=equatorial))
    lat = _about(table, used.dec, lambda: angles_deg(lat_cells, unit_of(lat_field), hours=False))
    lowest = 0.0 if equatorial else -180.0
    wrong = ~((lon >= lowest) & (lon <= 360.0) & (lat >= -90.0) & (lat <= 90.0))
    kinds = ("right ascension", "declination") if equatorial else (f"{used.frame} longitude", f"{used.frame} latitude")
    hint = f"RA was read from « {used.ra} », Dec from « {used.dec} »."

    def why(row: int) -> str:
        return _why(lon_cells.text(row), lat_cells.text(row), float(lon[row]), float(lat[row]), lowest, kinds)

    _bad_row(table, wrong, why, "a position", hint)
    ra, dec = to_icrs(lon, lat, used.frame)
    return ra % 360.0, dec


def _why(lon_text: str, lat_text: str, lon: float, lat: float, lowest: float, kinds: tuple[str, str]) -> str:
    """Why two cells are no position."""
    try:
        numbers = [float(lon_text), float(lat_text)]
    except ValueError:
        numbers = []
    if numbers and not all(map(np.isfinite, numbers)):
        return f"« {lon_text} », « {lat_text} » is not a position."
    if np.isfinite(lon) and not lowest <= lon <= 360.0:
        return f"The {kinds[0]} {lon:.10g}° is outside {lowest:g}° to 360°."
    if np.isfinite(lat) and not -90.0 <= lat <= 90.0:
        return f"The {kinds[1]} {lat:.10g}° is outside -90° to +90°."
    for text, value, kind in ((lon_text, lon, kinds[0]), (lat_text, lat, kinds[1])):
        if not np.isfinite(value):
            try:
                angle_deg(scan(plain(text)), kind, text, hours=kind == "right ascension")
            except InputError as error:
                if "there are" in error.message or "below" in error.message:
                    return error.message
    return f"« {lon_text[:60]} {lat_text[:60]} » is not a position."


def _names(cells: Cells) -> tuple[str, ...]:
    """Names on one line each, as those of single positions are."""
    return tuple(
        text if text.isprintable() else " ".join("".join(c if c.isprintable() else " " for c in text).split())
        for text in cells.texts()
    )


def _radii(table: SampleTable, cells: Cells, used: SampleColumns) -> Array:
    unit = unit_of(table.field(used.radius)) or used.radius_unit
    if normal_unit(unit) in ("", "hourangle"):
        raise InputError(f"« {unit[:40]} » is no unit of a search radius.", "Known ones: deg, arcmin, arcsec, mas, rad.")
    radius = _about(table, used.radius, lambda: angles_deg(cells, unit, hours=False))
    wrong = ~((radius >= 0.0) & (radius <= 180.0))

    def why(row: int) -> str:
        return f"« {cells.text(row)[:60]} » is not a search radius within 0° to 180°."

    _bad_row(table, wrong, why, "a search radius", f"Radii were read from « {used.radius} » in {unit}.")
    return radius


def _windows(table: SampleTable, cells: Mapping[str, Cells], used: SampleColumns) -> tuple[Array | None, Array | None]:
    start = _times(table, cells[used.start], used.start) if used.start else None
    end = _times(table, cells[used.end], used.end) if used.end else None
    if start is None and end is None and used.time and (used.days_before or used.days_after):
        if not (np.isfinite(used.days_before) and np.isfinite(used.days_after)) or used.days_before + used.days_after < 0:
            raise InputError(
                f"A window from {used.days_before:g} days before to {used.days_after:g} days after ends before it starts."
            )
        moments = _times(table, cells[used.time], used.time)
        _bad_row(
            table, np.isnan(moments), lambda row: f"« {cells[used.time].text(row)[:60]} » is not a time.", "a time",
            f"Times were read from « {used.time} ».",
        )  # fmt: skip
        return moments - used.days_before, moments + used.days_after
    if start is not None and end is not None:
        _bad_row(
            table, start > end,
            lambda row: f"the window ends ({cells[used.end].text(row)}) before it starts ({cells[used.start].text(row)}).",
            "such a window", f"Windows were read from « {used.start} » and « {used.end} ».",
        )  # fmt: skip
    return start, end


def _times(table: SampleTable, cells: Cells, name: str) -> Array:
    """MJD, NaN where the cell is empty; a cell that is something else is an error."""
    times = _about(table, name, lambda: times_mjd(cells, unit_of(table.field(name))))
    missing = np.concatenate([np.isnan(part) if part.dtype.kind == "f" else part == "" for part in cells.parts])
    wrong = ~np.isfinite(times) & ~missing
    _bad_row(
        table, wrong, lambda row: f"« {cells.text(row)[:60]} » is not a time.", "a time", f"Times were read from « {name} »."
    )  # fmt: skip
    return times
