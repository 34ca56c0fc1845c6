"""The few facts of SAS's FITS files that recipes and reports need, read from headers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daxa_gui.core.errors import FileError
from daxa_gui.fits.cards import Header, Headers
from daxa_gui.fits.files import Hdu, open_fits
from daxa_gui.fits.products import read_gti


def events_header(path: str | Path) -> Header:
    """The header of the EVENTS extension, joined with the primary one.

    Raises
    ------
    FileError : not readable, cut, or without such an extension.
    """
    fits = open_fits(path)
    found: Hdu | None = next((hdu for hdu in fits.hdus if hdu.is_table and hdu.name == "EVENTS"), None)
    if found is None:
        raise FileError(f"{path} has no extension EVENTS.", "It is no event list of SAS.")
    return Headers(found.header, fits.primary.header)


def rows_of_events(path: str | Path) -> int:
    """Number of events of a list. Raises FileError as `events_header`."""
    return max(0, events_header(path).integer("NAXIS2") or 0)


def exposure_s(header: Header) -> float | None:
    """Seconds that an event list covers: ONTIME of its header (good time of the central CCD), else from first to last."""
    ontime = header.number("ONTIME")
    if ontime is not None and ontime > 0.0:
        return ontime
    start, stop = header.number("TSTART"), header.number("TSTOP")
    return stop - start if start is not None and stop is not None and stop > start else None


def good_time_s(path: str | Path) -> tuple[float, int]:
    """Sum in seconds, and number, of the intervals of a GTI file. Raises FileError as `fits.products.read_gti`."""
    gti = read_gti(path)
    return float(np.sum(gti.stop_s - gti.start_s)), len(gti)


def table_rows(path: str | Path) -> int:
    """Rows of the first table of a file; 0 if there is none. Raises FileError if it is not readable."""
    return next((max(0, hdu.header.integer("NAXIS2") or 0) for hdu in open_fits(path).hdus if hdu.is_table), 0)
