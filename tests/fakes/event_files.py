"""Small event lists in files, made with astropy so that our own writer is not tested with itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import make_gti
from daxa_gui.core.mission import EventFormat
from daxa_gui.core.timeseries import Gti

MOS = EventFormat(
    name="test_mos",
    mission="test_mission",
    telescopes=("XMM",),
    instruments=("EMOS1",),
    mjdref=50814.0,
    pixel_arcsec=0.05,
    pattern_column="PATTERN",
    max_pattern=12,
    flag_column="FLAG",
    flag_mask=0x766BA000,
    ccd_column="CCDNR",
    gti_extensions=(r"STDGTI\d*",),
    image_bin=87,
    image_pixels=512,
    quiet_rate_ct_s=2.0,
    data_subspace=True,
)
SIMPLE = EventFormat(
    name="test_simple",
    mission="simple_mission",
    telescopes=("SIMPLE",),
    energy_per_channel_kev=0.01,
    gti_extensions=("GTI",),
)
FORMATS = (MOS, SIMPLE)


def gti_table(name: str, intervals: Sequence[tuple[float, float]], **keywords: Any) -> fits.BinTableHDU:
    start = np.array([a for a, _ in intervals], float)
    stop = np.array([b for _, b in intervals], float)
    table = fits.BinTableHDU.from_columns(
        [fits.Column("START", "D", array=start), fits.Column("STOP", "D", array=stop)], name=name
    )
    table.header.update(keywords)
    return table


def simple_list(
    path: Path, time_s: Sequence[float], pi: Sequence[int] | None = None, *,
    intervals: Sequence[tuple[float, float]] = ((0.0, 100.0),), keywords: Mapping[str, Any] | None = None,
    columns: Sequence[fits.Column] = (), telescope: str = "SIMPLE", name: str = "EVENTS", gti: bool = True,
) -> Path:  # fmt: skip
    """A list of a made-up mission without CCDs: TIME and PI (0.01 keV a channel, null -1)."""
    energies = np.full(len(time_s), 100) if pi is None else np.array(pi)
    table = fits.BinTableHDU.from_columns(
        [fits.Column("TIME", "D", array=np.array(time_s, float)), fits.Column("PI", "J", array=energies, null=-1), *columns],
        name=name,
    )
    table.header["TELESCOP"] = telescope
    table.header["INSTRUME"] = "CAMERA"
    table.header["ONTIME"] = float(sum(b - a for a, b in intervals))
    table.header["LIVETIME"] = 0.5 * table.header["ONTIME"]
    for keyword, value in (keywords or {}).items():
        if value is None:
            table.header.remove(keyword, ignore_missing=True)
        else:
            table.header[keyword] = value
    hdus = [fits.PrimaryHDU(), table]
    if gti:
        hdus.append(gti_table("GTI", intervals))
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def mos_list(
    path: Path, time_s: np.ndarray, ccd: np.ndarray, gtis: Mapping[int, Sequence[tuple[float, float]]], *,
    pattern: np.ndarray | None = None, flag: np.ndarray | None = None, subspace: bool = True, pi: np.ndarray | None = None,
) -> Path:  # fmt: skip
    """A list as XMM-Newton's software writes it: good time per CCD by data-subspace keywords (or STDGTInn only)."""
    n = len(time_s)
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("TIME", "D", array=time_s),
            fits.Column("X", "J", array=np.full(n, 25921), null=-99999999),
            fits.Column("Y", "J", array=np.full(n, 25921), null=-99999999),
            fits.Column("PI", "I", array=np.full(n, 3000) if pi is None else pi),
            fits.Column("FLAG", "J", array=np.zeros(n, int) if flag is None else flag),
            fits.Column("PATTERN", "B", array=np.zeros(n, int) if pattern is None else pattern),
            fits.Column("CCDNR", "B", array=ccd),
        ],
        name="EVENTS",
    )
    header = table.header
    header.update({"TELESCOP": "XMM", "INSTRUME": "EMOS1", "OBS_ID": "0123456789", "EXPIDSTR": "S001", "FILTER": "Thin1"})
    header.update({"MJDREF": 50814.0, "TIMEZERO": 0.0, "TIMESYS": "TT", "SUBMODE": "PrimeFullWindow"})
    for axis, number, kind, value, step in (("X", 2, "RA---TAN", 150.0, -1), ("Y", 3, "DEC--TAN", -11.0, 1)):
        header.update({f"TCTYP{number}": kind, f"TCRPX{number}": 25921, f"TCRVL{number}": value, f"TCDLT{number}": step / 72000})
        header.update({f"TLMIN{number}": 1, f"TLMAX{number}": 51840, f"REF{axis}CRPX": 25921})
    for number, intervals in gtis.items():
        header[f"ONTIME{number:02d}"] = float(sum(b - a for a, b in intervals))
        header[f"LIVETI{number:02d}"] = 0.9 * header[f"ONTIME{number:02d}"]
    first = next(iter(gtis))
    header["ONTIME"], header["LIVETIME"] = header[f"ONTIME{first:02d}"], header[f"LIVETI{first:02d}"]
    hdus: list[Any] = [fits.PrimaryHDU(), table]
    if subspace:
        header.update({"DSTYP1": "CCDNR", "DSTYP2": "TIME", "DSUNI2": "s", "DSVAL2": "TABLE"})
    for component, (number, intervals) in enumerate(gtis.items()):
        prefix = "" if component == 0 else str(component + 1)
        hdus.append(gti_table(f"STDGTI{number:02d}", [(-1e6, 1e6)] if subspace else intervals))
        if subspace:
            header.update({f"{prefix}DSVAL1": str(number), f"{prefix}DSREF2": f":GTI{component:03d}02"})
            hdus.append(gti_table(f"GTI{component:03d}02", intervals, CCDID=number))
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def events_in_memory(
    time_s: np.ndarray, intervals: Sequence[tuple[float, float]], *, ccd: np.ndarray | None = None,
    gti: Mapping[int, Gti] | None = None, energy_kev: float | np.ndarray = 5.0, form: EventFormat = MOS, **changes: Any,
) -> EventList:  # fmt: skip
    """An event list that was never in a file; all events of good pattern and flags unless `changes` say otherwise."""
    n = len(time_s)
    start, stop = zip(*intervals, strict=True) if intervals else ((), ())
    values: dict[str, Any] = {
        "path": "memory", "format": form, "mission": form.mission, "instrument": "EMOS1", "obs_id": "1", "exposure": "S001",
        "target": "", "filter": "Thin1", "mode": "", "simulated": True, "mjdref": 50814.0, "timezero_s": 0.0, "timesys": "TT",
        "time_s": time_s, "energy_kev": np.broadcast_to(np.asarray(energy_kev, np.float32), (n,)), "x": np.ones(n),
        "y": np.ones(n), "pattern": np.zeros(n, np.int16), "flag": np.zeros(n, np.int64), "ccd": ccd,
        "gti": gti if gti is not None else {-1: make_gti(start, stop)}, "wcs": None, "x_range": (0.5, 51840.5),
        "y_range": (0.5, 51840.5), "ontime_s": None, "livetime_s": None, "exposure_s": None,
    }  # fmt: skip
    return EventList(**{**values, **changes})
