"""NuSTAR, pointed science observations: both focal plane modules.

Sources: HEASARC's table `numaster` and its nustar/data/obs tree; nuscreen's grades."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EnergyBand, EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder, TapSource
from daxa_gui.core.product import ProductKind
from daxa_gui.core.table import DataTable
from daxa_gui.missions import columns as col
from daxa_gui.missions.layout import ANY_FILE, checked_obs_id, exposure_text, heasarc_folder, plain_name, product_kind

FPM = EventFormat(
    name="nustar_fpm",
    mission="nustar_pointed",
    telescopes=("NUSTAR",),
    instruments=("FPMA", "FPMB"),
    mjdref=55197.00076601852,
    energy_per_channel_kev=0.04,
    energy_offset_kev=1.6,
    pixel_arcsec=2.458,
    pattern_column="GRADE",
    max_pattern=26,  # what nuscreen keeps
    image_bin=1,
    default_band_kev=(3.0, 78.0),
    flare_band_kev=(3.0, 78.0),
    flare_bin_s=100.0,
)

FIELD = Footprint("square", 6.5 / 60, roll_column="roll_angle")  # 2 x 2 detectors, 13′, along the spacecraft's axes

NUMASTER = TapSource(
    service="heasarc",
    table="numaster",
    key="obsid",
    columns=(
        "obsid", "name", "ra", "dec", "roll_angle", "time", "end_time", "status", "exposure_a", "exposure_b", "ontime_a",
        "ontime_b", "observation_mode", "instrument_mode", "spacecraft_mode", "subject_category", "obs_type", "public_date",
        "issue_flag", "nupsdout", "solar_activity",
    ),
    build="daxa_gui.missions.nustar_pointed:catalogue_columns",
    optional=(("roll_angle", "number"), ("solar_activity", "text")),
)  # fmt: skip

TYPES = {
    "Active galaxies and Quasars": "AGN",
    "Non-Proposal ToOs": "TOO",
    "Proposed ToOs and Directors Discretionary Time": "TOO",
    "Galactic Compact Sources": "NS",  # DAXA: GS; they are neutron stars and black holes, not surveys
    "Solar System Objects": "SOL",
    "Calibration Observations": "CAL",
    "Non-ToO Supernovae, Supernova Remnants, and Galactic diffuse": "SNR",
    "Normal galaxies": "NGS",
    "Galaxy clusters and extragalactic diffuse objects": "GCL",
    "Non-Pointing data": "MISC",
}

SPEC = MissionSpec(
    name="nustar_pointed",
    label="NuSTAR Pointed",
    obs_id_pattern=r"[0-9]{11}",
    obs_id_example="40001014013",
    frame="FK5",
    instruments=(
        Instrument("FPMA", "Focal plane module A", 6.5 / 60, ("FA",), FIELD, "exposure_a"),
        Instrument("FPMB", "Focal plane module B", 6.5 / 60, ("FB",), FIELD, "exposure_b"),
    ),
    default_instruments=("FPMA", "FPMB"),
    colour="#CC79A7",
    symbol="t",
    event_formats=(FPM,),
    sources=(NUMASTER,),
    bands=(EnergyBand(3.0, 78.0),),
    has_proprietary=True,
    files="daxa_gui.missions.nustar_pointed:files",
    raw_file="daxa_gui.missions.nustar_pointed:raw_file",
    kinds=(ProductKind.EVENTS, ProductKind.RAW, ProductKind.IMAGE, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE),
    column_labels={
        "roll_angle": "Roll angle (deg)",
        "exposure_a": "Exposure A (s)",
        "exposure_b": "Exposure B (s)",
        "ontime_a": "On-time A (s)",
        "ontime_b": "On-time B (s)",
        "observation_mode": "Mode",
        "spacecraft_mode": "Spacecraft mode",
        "instrument_mode": "Instrument mode",
        "obs_type": "Type",
        "status": "Status",
        "issue_flag": "Issue flag",
        "nupsdout": "nupsdout",
        "solar_activity": "Solar activity",
    },
    acknowledgement=(
        "This research has made use of data from the NuSTAR mission, a project led by the California Institute of Technology, "
        "managed by the Jet Propulsion Laboratory, and funded by NASA."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `numaster`.

    Targets that were accepted but not observed have negative exposures. Data without a release date are there, but encrypted.
    """
    marks = col.Marks(len(raw))
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["time"], marks)
    marks.add((col.numbers(raw["exposure_a"]) < 0) | (col.numbers(raw["exposure_b"]) < 0), col.NOT_OBSERVED)
    status, mode, spacecraft_mode = (col.texts(raw[name]) for name in ("status", "observation_mode", "spacecraft_mode"))
    marks.unless_archived(status)
    _mark_modes(mode, spacecraft_mode, marks)
    exposure_a, exposure_b, ontime_a, ontime_b = col.exposures(
        raw["exposure_a"], raw["exposure_b"], raw["ontime_a"], raw["ontime_b"]
    )
    marks.add(col.none_positive((ontime_a, ontime_b)) & ~marks.has(col.NOT_OBSERVED), col.NO_EXPOSURE)
    category = col.texts(raw["subject_category"])
    return {
        "obs_id": col.obs_ids(raw["obsid"], 11),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["end_time"])),
        "exposure_s": col.longest((exposure_a, exposure_b)),
        "target": col.texts(raw["name"]),
        "target_type": col.types(category, TYPES),
        "category": category,
        "instruments": col.active({"FPMA": ontime_a, "FPMB": ontime_b}),
        "public_mjd": col.public(raw["public_date"]),
        "unusable_reason": marks.reasons(),
        "roll_angle": col.numbers(raw["roll_angle"]),
        "exposure_a": exposure_a,
        "exposure_b": exposure_b,
        "ontime_a": ontime_a,
        "ontime_b": ontime_b,
        "observation_mode": mode,
        "spacecraft_mode": spacecraft_mode,
        "instrument_mode": col.texts(raw["instrument_mode"]),
        "obs_type": col.texts(raw["obs_type"]),
        "status": status,
        "issue_flag": col.kept(raw["issue_flag"]),
        "nupsdout": col.kept(raw["nupsdout"]),
        "solar_activity": col.texts(raw["solar_activity"]),
    }


def _mark_modes(mode: col.Texts, spacecraft_mode: col.Texts, marks: col.Marks) -> None:
    """Only « SCIENCE » with the spacecraft « INERTIAL » is a pointed science observation; nothing is known of planned ones."""
    observed = ~marks.has(col.NOT_OBSERVED)
    slew = col.by_value(mode, lambda text: "SLEW" in text.upper(), np.bool_)
    other = col.by_value(mode, lambda text: text.upper() != "SCIENCE", np.bool_)
    moving = col.by_value(spacecraft_mode, lambda text: text.upper() != "INERTIAL", np.bool_)
    marks.add(slew & observed, col.SLEW)
    marks.add((other | moving) & ~slew & observed, col.NOT_SCIENCE)


# Observing modes: 01 is the target; 02 to 06 are occultations, slews, the South Atlantic Anomaly, calibration, and the target
# with less certain pointing.
_NAME = re.compile(r"nu[0-9]{11}(?:([AB])(0[1-6])?)?(?:_?([A-Za-z0-9_]+))?\.([a-z0-9]+)")
_BAND = (SPEC.bands[0].low_kev, SPEC.bands[0].high_kev)


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """What was cleaned and made of it (`event_cl/`), unfiltered lists, housekeeping, attitude and orbit, the list of files."""
    checked_obs_id(SPEC, obs_id)
    root = f"nustar/data/obs/{obs_id[1:3]}/{obs_id[0]}/{obs_id}/"
    made = (ProductKind.EVENTS, ProductKind.IMAGE, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE, ProductKind.RAW)
    raw = (ProductKind.RAW,)
    cleaned = rf"nu{obs_id}[AB][A-Za-z0-9_]*\.(?:evt|img|fits|pha|arf|rmf|lc|flc|reg)(?:\.gz)?"
    return (
        heasarc_folder(root, "event_cl", cleaned, made),
        heasarc_folder(root, "event_uf", rf"nu{obs_id}[AB]_uf[A-Za-z0-9_]*\.evt(?:\.gz)?", raw),
        heasarc_folder(root, "hk", ANY_FILE, raw, optional=True),
        heasarc_folder(root, "auxil", ANY_FILE, raw, optional=True),
        heasarc_folder(root, "", rf"nu{obs_id}\.cat\.gz", raw, optional=True),
    )


def raw_file(name: str) -> RawFile | None:
    """« nu40001014013A01_cl.evt.gz » is the cleaned list of FPMA; lists and images of modes 02 to 06 belong to the raw data.

    Spectra, responses and light curves of the target: « SRPHA », « BKPHA », « SRARF », « SRLC » (sr: source, bk: background).
    """
    match = _NAME.fullmatch(plain_name(name))
    if match is None:
        return None
    module, mode, what, extension = match.groups()
    instrument = f"FPM{module}" if module else ""
    if module and mode == "01":
        if (what, extension) == ("cl", "evt"):
            return RawFile(ProductKind.EVENTS, instrument)
        if (what, extension) == ("sk", "img"):
            return RawFile(ProductKind.IMAGE, instrument, "ALL", _BAND)
        if kind := product_kind(extension):
            return RawFile(kind, instrument, exposure_text((what or "") + extension))
    return RawFile(ProductKind.RAW, instrument, f"M{mode}" if mode else "ALL")
