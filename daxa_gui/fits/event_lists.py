"""Reading an event list of any mission: recognised by its keywords, columns in keV and sky pixels, good time per CCD."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import EMPTY, inside_own, make_gti
from daxa_gui.core.mission import EventFormat
from daxa_gui.core.sky import LinearWcs
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits.cards import Headers
from daxa_gui.fits.files import FitsFile, Hdu, open_fits
from daxa_gui.fits.good_time import find_good_time, mjdref
from daxa_gui.fits.tables import Table
from daxa_gui.fits.world import column_wcs

_Column = NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class EventTable:
    """The event extension of a file and the format that was recognised. `header` joins extension and primary header."""

    fits: FitsFile
    hdu: Hdu
    table: Table
    header: Headers
    format: EventFormat


def find_events(path: str | Path, formats: Sequence[EventFormat]) -> EventTable:
    """Open a file and find its event table.

    Raises
    ------
    FileError : not readable, not FITS, cut short, of an unknown mission, without an event extension or times.
    """
    fits = open_fits(path)
    events = _event_extension(fits, formats)
    header = Headers(events.header, fits.primary.header)
    form, table = _recognise(fits, header, formats), Table(fits, events)
    if form.time_column not in table:
        columns = ", ".join(c.name for c in table.columns[:12])
        raise FileError(
            f"{path}: the event table {events.name} has no column {form.time_column}.", f"It has {columns or 'no columns'}."
        )
    return EventTable(fits, events, table, header, form)


def read_event_list(path: str | Path, formats: Sequence[EventFormat]) -> EventList:
    """Read an event list. Problems that do not keep it from being read are sentences in `warnings`.

    Parameters
    ----------
    path : a FITS file, plain or compressed; its name does not matter.
    formats : the formats of all missions; TELESCOP and INSTRUME of the file decide which one holds.

    Raises
    ------
    FileError : not readable, not FITS, empty, cut short, no event extension, unknown mission, or no TIME column.
    """
    return events_of(find_events(path, formats))


def events_of(found: EventTable) -> EventList:
    """The whole event list of a file that was opened with `find_events`."""
    good = find_good_time(found.fits, found.hdu, found.format)
    warnings = [*found.fits.warnings, *good.warnings]
    events = _values(found, found.table, good.gti, warnings)
    gti = events.gti or {-1: _span(events.time_s)}
    warnings += _about_time(events.time_s, events.ccd, gti)
    if events.exposure_s is None:
        warnings.append("The header has neither EXPOSURE nor LIVETIME.")
    return replace(events, gti=gti, warnings=tuple(warnings))


def event_chunks(found: EventTable, gti: Mapping[int, Gti], rows: int) -> Iterator[tuple[int, EventList]]:
    """The event list in pieces of at most `rows` rows, without sky pixels, each with the number of its first row.

    For work that goes over millions of events once and must not hold all of them.
    """
    table = found.table
    for first in range(0, table.n_rows, rows):
        yield first, _values(found, table.part(first, min(first + rows, table.n_rows)), gti, [], sky=False)


def _values(
    found: EventTable, table: Table, gti: Mapping[int, Gti], warnings: list[str], *, sky: bool = True
) -> EventList:  # fmt: skip
    header, form = found.header, found.format
    x, y, wcs = _sky(found, table, warnings) if sky else (None, None, None)
    live, exposure = header.number("LIVETIME"), header.number("EXPOSURE")
    return EventList(
        path=str(found.fits.path), format=form, mission=form.mission, instrument=header.text("INSTRUME"),
        obs_id=header.text("OBS_ID", "OBSID", "ROR_NUM", "SEQNUM", "SEQ_NUM"), exposure=header.text("EXPIDSTR"),
        target=header.text("OBJECT"), filter=header.text("FILTER"),
        mode=header.text("SUBMODE", "DATAMODE", "OBS_MODE", "OBSMODE"), simulated=header.get("SIMULATE") is True,
        mjdref=mjdref(header, form.mjdref), timezero_s=header.number("TIMEZERO") or 0.0,
        timesys=header.text("TIMESYS") or form.timesys,
        time_s=table.floats(form.time_column), energy_kev=_energy(form, table, warnings), x=x, y=y,
        pattern=_small(table, form.pattern_column), flag=table.bits(form.flag_column) if form.flag_column in table else None,
        ccd=_small(table, form.ccd_column), gti=gti, wcs=wcs,
        x_range=_legal_edges(table, form.x_column), y_range=_legal_edges(table, form.y_column),
        ontime_s=header.number("ONTIME"), livetime_s=live, exposure_s=live if exposure is None else exposure,
    )  # fmt: skip


def _small(table: Table, name: str) -> NDArray[np.int16] | None:
    """Patterns, grades and CCD numbers, shape (n,); None without such a column."""
    return table.bits(name).astype(np.int16) if name in table else None


def _event_extension(fits: FitsFile, formats: Sequence[EventFormat]) -> Hdu:
    tables = [hdu for hdu in fits.hdus if hdu.is_table]
    names = {name.upper() for form in formats for name in form.extensions}
    for hdu in tables:
        if hdu.name in names:
            return hdu
    for hdu in tables:
        if hdu.header.text("HDUCLAS1").upper() == "EVENTS":
            return hdu
    present = ", ".join(hdu.name or f"number {hdu.index}" for hdu in fits.hdus[1:13]) or "none"
    raise FileError(
        f"{fits.path} has no table of events (extensions: {present}).", "It may be an image, a light curve or another product."
    )


def _recognise(fits: FitsFile, header: Headers, formats: Sequence[EventFormat]) -> EventFormat:
    telescope, instrument = header.text("TELESCOP", "MISSION").upper(), header.text("INSTRUME", "INSTRUM").upper()
    for form in formats:
        if telescope in form.telescopes and (not form.instruments or instrument in form.instruments):
            return form
    if not telescope:
        raise FileError(f"{fits.path} does not tell its mission: it has no keyword TELESCOP.", "The header may be damaged.")
    known = sorted({name for form in formats for name in form.telescopes})
    raise FileError(
        f"{fits.path} is of an unknown mission or instrument: TELESCOP is « {telescope} », INSTRUME « {instrument} ».",
        f"Known telescopes: {', '.join(known)}.",
    )


def _span(time_s: NDArray[np.float64]) -> Gti:
    """From the first event to just after the last, for files that tell nothing about good time."""
    finite = time_s[np.isfinite(time_s)]
    return make_gti([finite.min()], [np.nextafter(finite.max(), np.inf)]) if len(finite) else EMPTY


def _energy(form: EventFormat, table: Table, warnings: list[str]) -> NDArray[np.float32] | None:
    """Energies in keV, shape (n,), NaN where null; None if the instrument measures none or the column is not there."""
    if not form.energy_column:
        return None
    if form.energy_column not in table:
        warnings.append(f"The column {form.energy_column} is missing, so the events have no energies.")
        return None
    values = table.floats(form.energy_column)
    null = int(np.count_nonzero(np.isnan(values)))
    values *= form.energy_per_channel_kev
    values += form.energy_offset_kev
    negative = int(np.count_nonzero(values < 0))
    if null:
        warnings.append(f"{null} events have no energy ({form.energy_column} is null or not a number).")
    if negative:
        warnings.append(f"{negative} events have a negative energy.")
    return values.astype(np.float32)


def _sky(found: EventTable, table: Table, warnings: list[str]) -> tuple[_Column, _Column, LinearWcs | None]:
    """Sky pixels (NaN where null) and their world coordinates."""
    form = found.format
    if form.x_column not in table or form.y_column not in table:
        return None, None, None
    x, y = table.floats(form.x_column), table.floats(form.y_column)
    numbers = table.column(form.x_column).number, table.column(form.y_column).number
    wcs, problems = column_wcs(found.header, *numbers, form.pixel_arcsec)
    if wcs is None:
        problems = [*problems, "The sky pixels have no world coordinates (TCTYPn, TCRPXn, TCRVLn, TCDLTn)."]
    warnings += problems
    return x, y, wcs


def _legal_edges(table: Table, name: str) -> tuple[float, float] | None:
    """Edges of the legal range of a sky column (TLMIN, TLMAX): integer pixels reach half a pixel further."""
    if name not in table:
        return None
    column = table.column(name)
    low, high = column.legal_minimum, column.legal_maximum
    if low is None or high is None or not low < high:
        return None
    half = 0.5 if column.is_integer else 0.0
    return low - half, high + half


def _about_time(time_s: NDArray[np.float64], ccd: NDArray[np.int16] | None, gti: Mapping[int, Gti]) -> list[str]:
    """Sentences about zero rows, times that are no numbers, empty good time, events outside it."""
    if not len(time_s):
        return ["The list has no events (zero rows)."]
    sentences = []
    bad = int(np.count_nonzero(~np.isfinite(time_s)))
    if bad:
        sentences.append(f"{bad} events have no time (TIME is not a number).")
    if not any(one.total_s > 0 for one in gti.values()):
        return [*sentences, "The good time is empty: no interval is left in the file."]
    outside = int(len(time_s) - np.count_nonzero(inside_own(gti, time_s, ccd)))
    if outside:
        sentences.append(f"{outside} of {len(time_s)} events lie outside the good time.")
    return sentences
