"""Small raw data of XMM-Newton (the other missions: `raw_others`), made from the simulated sky of the practice mode."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.practice import xmm
from daxa_gui.practice.flares import generator
from daxa_gui.practice.simulate import simulate
from daxa_gui.practice.sky import SOURCES, Flares, Observation
from tests.standins.fits_files import files

_CALM, _FLARED = Flares(), Flares(spikes=2, plateaus=((0.4, 0.15),), spike_ct_s=5.0, plateau_ct_s=3.0)
_RGS_CCDS = {"R1": (1, 2, 3, 4, 5, 6, 8, 9), "R2": (1, 2, 3, 5, 6, 7, 8, 9)}
_EPIC = {"M1": "EMOS1", "M2": "EMOS2", "PN": "EPN", "R1": "RGS1", "R2": "RGS2", "OM": "OM"}


@dataclass(frozen=True)
class XmmExposure:
    """One exposure of an ODF.

    `data_mode` « Imaging » and « Timing » make event files, « Spectroscopy » those of the RGS, others (« Diagnostic »,
    « OffsetData », « DiscardedLinesData ») a file without events. Seconds count from the start of the observation.
    """

    instrument: str
    ident: str
    mode: str = "PrimeFullWindow"
    filter: str | None = "Thin1"
    data_mode: str = "Imaging"
    kind: str = "SCIENCE"
    start_s: float = 60.0
    length_s: float = 6000.0
    flared: bool = True
    ccds: tuple[int, ...] = ()  # empty: all


STANDARD = (
    XmmExposure("M1", "S001"),
    XmmExposure("M2", "S002", flared=False),
    XmmExposure("PN", "S003"),
    XmmExposure("R1", "S004", "SpectroscopyHER+SES", None, "Spectroscopy"),
    XmmExposure("R2", "S005", "SpectroscopyHER+SES", None, "Spectroscopy"),
)
# Everything that makes an exposure unusable, and an unscheduled one that is fine.
VARIED = (
    *STANDARD,
    XmmExposure("M1", "U002", start_s=6200.0, length_s=2500.0, flared=False),
    XmmExposure("M2", "S006", filter="CalClosed", start_s=6200.0, length_s=2500.0),
    XmmExposure("M2", "S010", "FastUncompressed", "Medium", "Timing", start_s=6200.0, length_s=2500.0),
    XmmExposure("PN", "S007", "FastTiming", "Thin1", "Timing", start_s=8000.0, length_s=2500.0),
    XmmExposure("PN", "U008", "Diagnostic", None, "DiscardedLinesData", start_s=11000.0, length_s=1.0),
    XmmExposure("R1", "S900", "Diagnostic3x3", None, "Diagnostic", start_s=60.0, length_s=1.0),
)


def _at(start_utc: str, seconds: float) -> str:
    moment = datetime.fromisoformat(start_utc.replace("Z", "+00:00")) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=64)
def _epic_list(obs_id: str, start_utc: str, exposure: XmmExposure, seed: int) -> bytes:
    """A whole event list of the practice sky, as bytes."""
    closed = exposure.filter in ("CalClosed", "Closed")
    observation = Observation(
        "xmm_pointed",
        obs_id,
        _at(start_utc, exposure.start_s),
        _at(start_utc, exposure.start_s + exposure.length_s),
        exposure.length_s,
        (exposure.instrument,),
        ra_deg=160.2551,
        dec_deg=-12.3468,
        roll_deg=118.4,
        filter="CalClosed" if closed else "Thin1",
        flares=_FLARED if exposure.flared else _CALM,
        extra={"revolution": 2007, "filter_wheel": exposure.filter, "note": ""},
    )
    run = replace(xmm._exposure(observation, exposure.instrument, seed), exposure_id=exposure.ident)
    rng = generator(seed, obs_id, exposure.instrument, exposure.ident)
    events = simulate(xmm.look(run), () if closed else SOURCES, rng)
    return b"".join(xmm.list_blocks(run, xmm.event_columns(run, events, rng)))


def _head(obs_id: str, start_utc: str, exposure: XmmExposure) -> list[str]:
    start, end = (_at(start_utc, exposure.start_s + more).replace("Z", ".000") for more in (0.0, exposure.length_s))
    cards = [
        ("TELESCOP", "XMM"),
        ("INSTRUME", _EPIC[exposure.instrument]),
        ("OBS_ID", obs_id),
        ("EXPIDSTR", exposure.ident),
        ("DATE-OBS", start),
        ("DATE-END", end),
        ("SUBMODE", exposure.mode),
        ("EXP_TYPE", exposure.kind),
        ("PA_PNT", 118.4),
        ("ORIGIN", "DAXA GUI"),
        ("CREATOR", "stand-in raw data"),
    ]
    if exposure.filter is not None:
        cards.append(("FILTER", exposure.filter))
    return [files.card(name, value) for name, value in cards]


def _imaging_parts(obs_id: str, start_utc: str, exposure: XmmExposure, seed: int) -> dict[int, list[Any]]:
    hdus = files.parse(_epic_list(obs_id, start_utc, exposure, seed))
    events = files.find(hdus, "EVENTS")
    assert events is not None
    rows, parts = events.rows(), {}
    for ccd in exposure.ccds or sorted({int(n) for n in np.unique(rows["CCDNR"])}):
        part = [events.with_rows(rows[rows["CCDNR"] == ccd])]
        for hdu in hdus[1:]:
            if hdu.name == "OFFSETS":
                offsets = hdu.rows()
                part.append(hdu.with_rows(offsets[offsets["CCDNR"] == ccd]))
            elif hdu.name[-2:] == f"{ccd:02d}" or hdu.name == "CALINDEX":
                part.append(hdu)
        parts[ccd] = part
    return parts


def _simple_events(exposure: XmmExposure, ccd: int, seed: int, names: Sequence[tuple[str, str]]) -> list[Any]:
    """A short list without places on the sky (timing mode, RGS)."""
    rng = np.random.default_rng([seed, ccd, int(exposure.ident[1:])])
    n = 400
    rows: Any = np.zeros(
        n, np.dtype([(name, {"D": ">f8", "E": ">f4", "J": ">i4", "I": ">i2", "B": "u1"}[form]) for name, form in names])
    )
    start = 4.0e8 + exposure.start_s
    rows["TIME"] = np.sort(start + rng.random(n) * exposure.length_s)
    rows["PI"] = rng.integers(300, 2500, n)
    rows["CCDNR"] = ccd
    rows["FLAG"] = np.where(rng.random(n) < 0.1, 1, 0)
    if "BETA" in rows.dtype.names:
        rows["BETA"], rows["XDSP"] = rng.uniform(0.03, 0.08, n), rng.normal(0, 2e-4, n)
    cards = [
        files.card("ONTIME", exposure.length_s),
        files.card("EXPOSURE", exposure.length_s * 0.97),
        files.card("MJDREF", 50814.0),
        files.card("TIMESYS", "TT"),
        files.card("TSTART", start),
        files.card("TSTOP", start + exposure.length_s),
    ]
    good = files.intervals_hdu(f"STDGTI{ccd:02d}", [(start, start + exposure.length_s)])
    units = {"TIME": "s", "PI": "eV", "BETA": "rad", "XDSP": "rad"}
    return [files.table_hdu("EVENTS", [(a, b, units.get(a, "")) for a, b in names], rows.tobytes(), n, cards), good]


def _parts(obs_id: str, start_utc: str, exposure: XmmExposure, seed: int) -> tuple[str, dict[int, list[Any]]]:
    """The kind of the files and the tables of each CCD."""
    if exposure.data_mode == "Imaging":
        return "IME", _imaging_parts(obs_id, start_utc, exposure, seed)
    if exposure.data_mode in ("Timing", "Burst"):
        names = [
            ("TIME", "D"),
            ("RAWX", "I"),
            ("RAWY", "I"),
            ("PHA", "I"),
            ("PI", "I"),
            ("FLAG", "J"),
            ("PATTERN", "B"),
            ("CCDNR", "B"),
        ]
        ccd = 4 if exposure.instrument == "PN" else 1
        return "TIE" if exposure.data_mode == "Timing" else "BUE", {ccd: _simple_events(exposure, ccd, seed, names)}
    if exposure.data_mode == "Spectroscopy":
        names = [("TIME", "D"), ("PHA", "I"), ("PI", "I"), ("BETA", "E"), ("XDSP", "E"), ("FLAG", "J"), ("CCDNR", "B")]
        return "SPE", {n: _simple_events(exposure, n, seed, names) for n in exposure.ccds or _RGS_CCDS[exposure.instrument]}
    return {"OffsetData": "ODI", "DiscardedLinesData": "DLI"}.get(exposure.data_mode, "DII"), {1: []}


def _attitude(obs_id: str, start_utc: str) -> list[Any]:
    rows = b"".join(struct.pack(">dddd", 4.0e8 + 60.0 * i, 160.2551, -12.3468, 118.4) for i in range(200))
    columns = [("TIME", "D", "s"), ("AHFRA", "D", "deg"), ("AHFDEC", "D", "deg"), ("AHFPA", "D", "deg")]
    head = [files.card("TELESCOP", "XMM"), files.card("OBS_ID", obs_id), files.card("DATE-OBS", start_utc.replace("Z", ""))]
    return [files.primary(head), files.table_hdu("SCATS1", columns, rows, 200, head)]


def xmm_odf(
    folder: Path,
    obs_id: str = "0999900901",
    exposures: Sequence[XmmExposure] = STANDARD,
    *,
    revolution: int = 2007,
    start_utc: str = "2010-11-24T03:10:00Z",
    seed: int = 1,
) -> Path:
    """Write an ODF into `folder` and return it: one auxiliary file for each exposure, one file per CCD, the attitude, the ASCII
    summary (an input of odfingest; the SAS summary is for odfingest to make)."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{revolution:04d}_{obs_id}"
    for exposure in exposures:
        name = f"{stem}_{exposure.instrument}{exposure.ident}"
        head = _head(obs_id, start_utc, exposure)
        if exposure.data_mode in ("Imaging", "Timing", "Burst", "Spectroscopy"):
            files.write(str(folder / f"{name}00AUX.FIT"), [files.primary(head)])
        kind, parts = _parts(obs_id, start_utc, exposure, seed)
        for ccd, tables in parts.items():
            number = f"{ccd}0" if exposure.instrument in ("M1", "M2") else f"{ccd:02d}"
            first = files.primary([*head, files.card("DATAMODE", exposure.data_mode), files.card("CCDID", ccd)])
            files.write(str(folder / f"{name}{number}{kind}.FIT"), [first, *tables])
    files.write(str(folder / f"{stem}_SCX00000ATS.FIT"), _attitude(obs_id, start_utc))
    (folder / f"{stem}_SCX00000SUM.ASC").write_text(
        "CONFIGURATION\n5\nODF_VERSION = 003 / Qcheck reset ODF version\n", encoding="utf-8"
    )
    (folder / f"MANIFEST.{revolution:06d}").write_text(
        "\n".join(sorted(path.name for path in folder.iterdir())) + "\n", encoding="utf-8"
    )
    return folder
