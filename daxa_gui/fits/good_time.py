"""Good-time intervals of an event list file, whatever the mission keeps them in: data-subspace keywords or extensions by name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from daxa_gui.core.intervals import make_gti, shifted, union
from daxa_gui.core.mission import EventFormat
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits import data_subspace
from daxa_gui.fits.cards import Header, Headers
from daxa_gui.fits.files import FitsFile, Hdu
from daxa_gui.fits.tables import Table

SECONDS_PER_DAY = 86400.0


@dataclass
class GoodTime:
    """What was found. `tables` says which extensions hold the intervals of which CCD (-1: all), by HDU index.

    `from_subspace` is true when the data-subspace keywords of the events led there.
    """

    gti: dict[int, Gti] = field(default_factory=dict)
    tables: dict[int, list[int]] = field(default_factory=dict)
    from_subspace: bool = False
    warnings: list[str] = field(default_factory=list)


def mjdref(header: Header, default: float) -> float:
    """Time zero of a header in MJD days: MJDREF, or MJDREFI + MJDREFF, or the default."""
    whole, fraction = header.number("MJDREFI"), header.number("MJDREFF")
    if whole is not None:
        return whole + (fraction or 0.0)
    single = header.number("MJDREF")
    return default if single is None else single


def is_gti_table(table: Table) -> bool:
    return "START" in table and "STOP" in table


def table_gti(table: Table, events_header: Header | None = None, default_mjdref: float = 0.0) -> Gti:
    """The intervals of a GTI table, in the time system of `events_header` (other MJDREF or TIMEZERO are allowed for)."""
    gti = make_gti(table.floats("START"), table.floats("STOP"), keep_empty=True)
    if events_header is None:
        return gti
    mine, theirs = table.hdu.header, events_header
    here, there = mjdref(mine, mjdref(theirs, default_mjdref)), mjdref(theirs, default_mjdref)
    zero = theirs.number("TIMEZERO") or 0.0
    own_zero = mine.number("TIMEZERO")
    shift = (here - there) * SECONDS_PER_DAY + (zero if own_zero is None else own_zero) - zero
    # Rounded keywords of one and the same clock differ by microseconds of a day's fraction; that is no other time system.
    return shifted(gti, shift if abs(shift) > 1e-3 else 0.0)


def _about_unusable(table: Table) -> list[str]:
    """A sentence about intervals that have no times or end before they start; `make_gti` leaves them out."""
    start, stop = table.floats("START"), table.floats("STOP")
    unusable = int(np.count_nonzero(~(stop >= start)))
    return (
        [f"{unusable} of {len(start)} intervals of {table.hdu.name} have no times or end before they start."] if unusable else []
    )


def extension_names(hdu: Hdu) -> tuple[str, ...]:
    """Names by which a data-subspace reference may mean an extension: EXTNAME, HDUNAME (CIAO), EXTNAME with EXTVER."""
    name, version = hdu.name, hdu.header.integer("EXTVER")
    names = [name, hdu.header.text("HDUNAME").upper()]
    if version is not None:
        names.append(f"{name}{version}")
    return tuple(dict.fromkeys(n for n in names if n))


def find_good_time(fits: FitsFile, events: Hdu, form: EventFormat) -> GoodTime:
    """The good time of an event list. Without any GTI table it is TSTART to TSTOP, or nothing; the warnings say so."""
    header = Headers(events.header, fits.primary.header)
    tables = {hdu.index: Table(fits, hdu) for hdu in fits.hdus if hdu.is_table and hdu is not events}
    gtis = {index: table_gti(table, header, form.mjdref) for index, table in tables.items() if is_gti_table(table)}
    by_name: dict[str, Gti] = {}
    for index, gti in gtis.items():
        for name in extension_names(fits.hdus[index]):
            by_name.setdefault(name, gti)
    found = GoodTime(warnings=[sentence for index in gtis for sentence in _about_unusable(tables[index])])
    found.gti, problems = data_subspace.good_time(events.header, by_name, form.ccd_column)
    found.from_subspace = bool(found.gti)
    by_extension = _by_extension_name(fits, form, gtis)
    found.tables = by_extension
    if not found.gti:
        found.warnings += problems
        found.gti = {ccd: union(*(gtis[index] for index in indices)) for ccd, indices in by_extension.items()}
    if not found.gti:
        start, stop = header.number("TSTART"), header.number("TSTOP")
        found.warnings.append("The file has no good-time intervals; the whole span of the observation is taken.")
        if start is not None and stop is not None and stop > start:
            found.gti = {-1: make_gti([start], [stop])}
    return found


def _by_extension_name(fits: FitsFile, form: EventFormat, gtis: dict[int, Gti]) -> dict[int, list[int]]:
    """HDU indices of the GTI extensions of each CCD; the first of the format's name patterns that is met decides."""
    for pattern in form.gti_extensions:
        whole = re.compile(rf"(?:{pattern})0*(?P<last_digits>\d*)", re.IGNORECASE)
        found: dict[int, list[int]] = {}
        for index in gtis:
            if match := whole.fullmatch(fits.hdus[index].name):
                found.setdefault(_ccd(fits.hdus[index], match, form), []).append(index)
        if found:
            return found
    return {}


def _ccd(hdu: Hdu, match: re.Match[str], form: EventFormat) -> int:
    """Which CCD a GTI extension is for: by keyword, by the digits that end its name, or all (-1)."""
    if not form.ccd_column:
        return -1
    for keyword in ("CCD_ID", "CCDID", "CCDNR", form.ccd_column.upper()):
        number = hdu.header.integer(keyword)
        if number is not None:
            return number
    digits = re.search(r"(\d+)$", hdu.name)
    return int(digits[1]) if digits else -1
