"""Products in files: good-time intervals, light curves, images, cleaned event lists. The one place to import them from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from daxa_gui.core.errors import FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import make_gti, union
from daxa_gui.core.plain_file import cannot_be_read, open_plain, read_plain
from daxa_gui.core.timeseries import FlareCleaning, FlareFit, Gti, LightCurve
from daxa_gui.fits.cards import CardValue
from daxa_gui.fits.cleaning import CleanResult, write_clean_events
from daxa_gui.fits.files import open_fits
from daxa_gui.fits.good_time import is_gti_table, table_gti
from daxa_gui.fits.images import read_grid, read_image, write_image
from daxa_gui.fits.keywords import of_events
from daxa_gui.fits.tables import Table
from daxa_gui.fits.writing import HeaderEditor, empty_primary, gti_hdu, part_file, table_hdu, write_hdu

__all__ = [
    "CleanResult", "read_grid", "read_gti", "read_image", "write_clean_events", "write_gti", "write_image", "write_lightcurve",
]  # fmt: skip
_LARGEST_TEXT_BYTES = 100_000_000  # of intervals as text: more than a million of them


def write_gti(path: str | Path, gti: Gti, events: EventList | None = None, history: tuple[str, ...] = ()) -> None:
    """Write good-time intervals as the extension STDGTI (START, STOP in mission seconds), as SAS's gtibuild does."""
    facts = of_events(events) if events is not None else []
    facts = [fact for fact in facts if fact[0] not in ("ONTIME", "LIVETIME", "EXPOSURE")]
    with part_file(path, events.path if events is not None else None) as stream:
        write_hdu(stream, empty_primary(facts, history))
        write_hdu(stream, *gti_hdu("STDGTI", gti, facts))


def read_gti(path: str | Path) -> Gti:
    """The good time of a file: its GTI tables (FITS; several are joined), or lines « START STOP + » as espfilt writes them.

    Raises
    ------
    FileError : not readable, or neither of the two.
    """
    with open_plain(path) as stream:
        try:
            beginning = stream.read(4096)
        except OSError as error:
            raise cannot_be_read(path, error) from error
    if beginning and not beginning.startswith((b"SIMPLE", b"\x1f\x8b", b"\x1f\x9d")) and beginning.isascii():
        return _read_text(Path(path))
    fits = open_fits(path)
    tables = [Table(fits, hdu) for hdu in fits.hdus if hdu.is_table]
    gtis = [table_gti(table) for table in tables if is_gti_table(table)]
    if not gtis:
        raise FileError(f"{path} has no table of good-time intervals.", "It needs the columns START and STOP.")
    return union(*gtis)


def _read_text(path: Path) -> Gti:
    starts, stops = [], []
    for number, line in enumerate(read_plain(path, _LARGEST_TEXT_BYTES).decode("ascii", "replace").splitlines(), 1):
        parts = line.split()
        if not parts or line.lstrip().startswith(("#", "!")):
            continue
        try:
            starts.append(float(parts[0].upper().replace("D", "E")))
            stops.append(float(parts[1].upper().replace("D", "E")))
            if parts[2:] not in ([], ["+"]):
                raise ValueError(line)
        except (ValueError, IndexError) as error:
            raise FileError(
                f"{path}, line {number}: « {line.strip()[:60]} » is no interval.", "Lines are START STOP +."
            ) from error
    return make_gti(starts, stops)


def write_lightcurve(
    path: str | Path, curve: LightCurve, events: EventList | None = None, cleaning: FlareCleaning | None = None,
    history: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Write a light curve as the extension RATE; with `cleaning` also which bins were kept, the histogram, the fit and the GTI.

    TIME is the start of a bin. Bins without good time have NaN rates. ERROR is sqrt(counts) / live time.
    """
    facts = of_events(events) if events is not None else []
    simple = [fact for fact in facts if fact[0] not in ("ONTIME", "LIVETIME", "EXPOSURE")]
    band: list[tuple[str, CardValue, str]] = [
        ("TIMEDEL", curve.bin_s, "[s] length of a bin"),
        ("TIMEPIXR", 0.0, "TIME is the start"),
    ]
    if len(curve.start_s):
        first, last = float(curve.start_s[0]), float(curve.start_s[-1] + curve.bin_s)
        band += [("TSTART", first, "[s] start of the first bin"), ("TSTOP", last, "[s] end of the last bin")]
    if np.isfinite(curve.band_kev).all():
        band += [("E_MIN", curve.band_kev[0], "[keV]"), ("E_MAX", curve.band_kev[1], "[keV]")]
    error = np.full(len(curve.rate), np.nan)
    np.divide(np.sqrt(curve.counts), curve.live_s, out=error, where=np.isfinite(curve.rate))
    columns = [
        ("TIME", ">f8", "s", curve.start_s), ("RATE", ">f8", "count/s", curve.rate), ("ERROR", ">f8", "count/s", error),
        ("COUNTS", ">i8", "count", curve.counts), ("LIVE", ">f8", "s", curve.live_s),
        ("FRACEXP", ">f8", "", curve.live_s / curve.bin_s),
    ]  # fmt: skip
    if cleaning is not None:
        columns.append(("ACCEPTED", "S1", "", np.where(cleaning.accepted, b"T", b"F")))
    times: list[tuple[str, CardValue, str]] = [("MJDREF", curve.mjdref, "[d]"), ("TIMESYS", curve.timesys, "")]
    classes: list[tuple[str, CardValue, str]] = [("HDUCLASS", "OGIP", ""), ("HDUCLAS1", "LIGHTCURVE", "")]
    with part_file(path, events.path if events is not None else None) as stream:
        write_hdu(stream, empty_primary(simple, history))
        write_hdu(stream, *table_hdu("RATE", columns, [*classes, *times, *simple, *band]))
        if cleaning is not None:
            write_hdu(stream, *_histogram_hdu(cleaning.fit))
            write_hdu(stream, *gti_hdu("STDGTI", cleaning.gti, simple))


def _histogram_hdu(fit: FlareFit) -> tuple[HeaderEditor, bytes]:
    """The histogram of rates; the Gaussian is in keywords named as espfilt names them."""
    keywords: list[tuple[str, CardValue, str]] = [
        ("FITTED", fit.fitted, "a Gaussian was fitted"), ("NORM", fit.height, "height of the Gaussian"),
        ("CENTER", fit.centre_ct_s, "[count/s] quiet level"), ("WIDTH", fit.sigma_ct_s, "[count/s] sigma"),
        ("LIM_LOW", fit.low_ct_s, "[count/s] lower limit"), ("LIM_HIGH", fit.high_ct_s, "[count/s] upper limit"),
    ]  # fmt: skip
    if fit.reason:
        keywords.append(("REASON", fit.reason, ""))
    columns = [
        ("RATE_LO", ">f8", "count/s", fit.edges_ct_s[:-1]), ("RATE_HI", ">f8", "count/s", fit.edges_ct_s[1:]),
        ("BINS", ">f8", "", fit.counts),
    ]  # fmt: skip
    return table_hdu("HISTOGRAM", columns, keywords)
