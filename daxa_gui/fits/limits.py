"""Limits of rates that files of flare cleaning tell in their headers."""

from __future__ import annotations

from pathlib import Path

from daxa_gui.fits.files import open_fits


def read_limits(path: str | Path) -> tuple[float, float] | None:
    """Lowest and highest rate kept, in ct/s, of a light curve of the built-in engine (LIM_LOW and LIM_HIGH of its extension
    HISTOGRAM); None for any other. Raises FileError for what is no FITS file."""
    for hdu in open_fits(path).hdus:
        if hdu.name == "HISTOGRAM":
            low, high = hdu.header.number("LIM_LOW"), hdu.header.number("LIM_HIGH")
            return None if low is None or high is None else (low, high)
    return None


def read_fit(path: str | Path) -> tuple[float, float] | None:
    """Centre and width in ct/s of the Gaussian that espfilt fitted, as it writes them into the header of its event lists; None
    where there are none. Raises FileError for what is no FITS file."""
    for hdu in open_fits(path).hdus:
        if hdu.name == "EVENTS":
            centre, width = hdu.header.number("CENTER"), hdu.header.number("WIDTH")
            return None if centre is None or width is None else (centre, width)
    return None
