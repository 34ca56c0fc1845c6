"""Reading an event list of any mission: recognised by its keywords, columns in keV and sky pixels, good time per CCD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import inside_own, make_gti
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
    FileError : not readable, not FITS, cut short, of an unknown mission, or without an event extension.
    """
    fits = open_fits(path)
    events = _event_extension(fits, formats)
    header = Headers(events.header, fits.primary.header)
    return EventTable(fits, events, Table(fits, events), header, _recognise(fits, header, formats))


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
    found = find_events(path, formats)
    table, header, form = found.table, found.header, found.format
    warnings = list(found.fits.warnings)
    if form.time_column not in table:
        columns = ", ".join(c.name for c in table.columns[:12])
        raise FileError(
            f"{path}: the event table {found.hdu.name} has no column {form.time_column}.", f"It has {columns or 'no columns'}."
        )
    time_s = table.floats(form.time_column)
    good = find_good_time(found.fits, found.hdu, form)
    warnings += good.warnings
    ccd = table.bits(form.ccd_column).astype(np.int16) if form.ccd_column in table else None
    gti = good.gti or {-1: _whole_span(header, time_s)}
    x, y, wcs = _sky(found, warnings)
    energy = _energy(found, warnings)
    warnings += _about_time(time_s, ccd, gti)
    numbers = {key: header.number(key) for key in ("ONTIME", "LIVETIME", "EXPOSURE")}
    if numbers["EXPOSURE"] is None and numbers["LIVETIME"] is None:
        warnings.append("The header has neither EXPOSURE nor LIVETIME.")
    return EventList(
        path=str(path), format=form, mission=form.mission, instrument=header.text("INSTRUME"),
        obs_id=header.text("OBS_ID", "OBSID", "ROR_NUM", "SEQNUM", "SEQ_NUM"), exposure=header.text("EXPIDSTR"),
        target=header.text("OBJECT"), filter=header.text("FILTER"),
        mode=header.text("SUBMODE", "DATAMODE", "OBS_MODE", "OBSMODE"), simulated=header.get("SIMULATE") is True,
        mjdref=mjdref(header, form.mjdref), timezero_s=header.number("TIMEZERO") or 0.0,
        timesys=header.text("TIMESYS") or form.timesys,
        time_s=time_s, energy_kev=energy, x=x, y=y,
        pattern=table.bits(form.pattern_column).astype(np.int16) if form.pattern_column in table else None,
        flag=table.bits(form.flag_column) if form.flag_column in table else None,
        ccd=ccd, gti=gti, wcs=wcs,
        x_range=_legal_edges(table, form.x_column), y_range=_legal_edges(table, form.y_column),
        ontime_s=numbers["ONTIME"], livetime_s=numbers["LIVETIME"],
        exposure_s=numbers["EXPOSURE"] if numbers["EXPOSURE"] is not None else numbers["LIVETIME"],
        warnings=tuple(warnings),
    )  # fmt: skip


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


def _whole_span(header: Headers, time_s: NDArray[np.float64]) -> Gti:
    """TSTART to TSTOP, or first to last event, for files without good-time intervals."""
    start, stop = header.number("TSTART"), header.number("TSTOP")
    finite = time_s[np.isfinite(time_s)]
    if (start is None or stop is None) and len(finite):
        start, stop = float(finite.min()), float(np.nextafter(finite.max(), np.inf))
    return make_gti([] if start is None else [start], [] if stop is None or start is None else [stop])


def _energy(found: EventTable, warnings: list[str]) -> NDArray[np.float32] | None:
    """Energies in keV, shape (n,), NaN where null; None if the instrument measures none or the column is not there."""
    form, table = found.format, found.table
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


def _sky(found: EventTable, warnings: list[str]) -> tuple[_Column, _Column, LinearWcs | None]:
    """Sky pixels (NaN where null) and their world coordinates."""
    form, table = found.format, found.table
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
