"""XMM-Newton, pointed observations: pipeline (PPS) event lists of the three EPIC cameras.

Sources: XMM-Newton Users Handbook; XMM-Newton Data Files Handbook (file names); SAS selection macros #XMMEA_EM, #XMMEA_EP;
the table `v_all_observations` of the XMM-Newton Science Archive (XSA), behind it HEASARC's `xmmmaster`.
"""

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
from daxa_gui.missions.layout import HEASARC, checked_obs_id

MOS = EventFormat(
    name="xmm_mos",
    mission="xmm_pointed",
    telescopes=("XMM",),
    instruments=("EMOS1", "EMOS2"),
    mjdref=50814.0,
    energy_per_channel_kev=0.001,
    pixel_arcsec=0.05,
    pattern_column="PATTERN",
    max_pattern=12,
    flag_column="FLAG",
    flag_mask=0x766BA000,  # #XMMEA_EM
    ccd_column="CCDNR",
    gti_extensions=(r"STDGTI\d*", r"GTI\d+"),
    image_bin=87,
    image_pixels=512,
    default_band_kev=(0.5, 2.0),
    flare_band_kev=(2.5, 8.5),
    flare_bin_s=60.0,
    quiet_rate_ct_s=2.0,  # about 0.8 and a bright source; flared exposures without quiet time are well above
    data_subspace=True,
)
PN = EventFormat(
    name="xmm_pn",
    mission="xmm_pointed",
    telescopes=("XMM",),
    instruments=("EPN",),
    mjdref=50814.0,
    energy_per_channel_kev=0.001,
    pixel_arcsec=0.05,
    pattern_column="PATTERN",
    max_pattern=4,
    flag_column="FLAG",
    flag_mask=0xCFA0000,  # #XMMEA_EP
    ccd_column="CCDNR",
    gti_extensions=(r"STDGTI\d*", r"GTI\d+"),
    image_bin=87,
    image_pixels=512,
    default_band_kev=(0.5, 2.0),
    flare_band_kev=(2.5, 8.5),
    flare_bin_s=60.0,
    quiet_rate_ct_s=5.0,
    data_subspace=True,
)

# The optical monitor's field is a square of 17′ along the spacecraft's axes. The three cameras' fields are circles of 15′. The
# grating spectrometers see a strip of some 5′ of the telescopes' field; the circle that they get never misses what they have.
OM_FIELD = Footprint("square", 8.5 / 60, roll_column="position_angle")

XSA = TapSource(
    service="xsa",
    table="xsa.v_all_observations",
    key="observation_id",
    columns=(
        "observation_id", "ra", "dec", "start_utc", "end_utc", "duration", "with_science", "proprietary_end_date", "revolution",
        "position_angle", "moving_target",
    ),
    build="daxa_gui.missions.xmm_pointed:from_xsa",
)  # fmt: skip
XMMMASTER = TapSource(
    service="heasarc",
    table="xmmmaster",
    key="obsid",
    columns=(
        "obsid", "name", "ra", "dec", "time", "end_time", "status", "duration", "public_date", "data_in_heasarc",
        "xmm_revolution",
    ),
    build="daxa_gui.missions.xmm_pointed:from_heasarc",
    optional=(("name", "text"),),
)  # fmt: skip

SPEC = MissionSpec(
    name="xmm_pointed",
    label="XMM-Newton Pointed",
    obs_id_pattern=r"[0-9]{10}",
    obs_id_example="0201903501",
    frame="FK5",
    instruments=(
        Instrument("M1", "EPIC-MOS1", 15 / 60, ("MOS1",)),
        Instrument("M2", "EPIC-MOS2", 15 / 60, ("MOS2",)),
        Instrument("PN", "EPIC-pn", 15 / 60),
        Instrument("OM", "Optical Monitor", 15 / 60, footprint=OM_FIELD),
        Instrument("R1", "RGS1", 15 / 60, ("RGS1",)),
        Instrument("R2", "RGS2", 15 / 60, ("RGS2",)),
    ),
    default_instruments=("M1", "M2", "PN"),
    colour="#0072B2",
    symbol="o",
    event_formats=(MOS, PN),
    sources=(XSA, XMMMASTER),
    # The bands of the pipeline's images since 2XMM; older files have others: a file's header says which.
    bands=tuple(
        EnergyBand(low, high, instrument, code)
        for instrument in ("M1", "M2", "PN")
        for code, low, high in (
            ("1", 0.2, 0.5),
            ("2", 0.5, 1.0),
            ("3", 1.0, 2.0),
            ("4", 2.0, 4.5),
            ("5", 4.5, 12.0),
            ("8", 0.2, 12.0),
        )
    ),
    has_proprietary=True,
    files="daxa_gui.missions.xmm_pointed:files",
    raw_file="daxa_gui.missions.xmm_pointed:raw_file",
    column_labels={
        "revolution": "Revolution",
        "position_angle": "Position angle (deg)",
        "moving_target": "Moving target",
        "status": "Status",
        "filter_wheel": "Filter",
        "note": "Note",
    },
    acknowledgement=(
        "Based on observations obtained with XMM-Newton, an ESA science mission with instruments and contributions directly "
        "funded by ESA Member States and NASA."
    ),
)


def from_xsa(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from XSA's table, whose positions are ICRS.

    The exposure is XSA's duration: no archive table states a good time for the observation as a whole. The table says neither
    which instruments took data nor what the target was; a moving target is of the solar system.
    """
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ids = col.obs_ids(raw["observation_id"], 10)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "icrs", marks)
    _mark_slews(ids, marks)
    marks.add(~col.is_true(raw["with_science"]), col.NOT_SCIENCE)
    (duration_s,) = col.exposures(raw["duration"])
    start_mjd = col.starts(raw["start_utc"], marks)
    end_mjd = col.mjd(raw["end_utc"])
    moving = col.is_true(raw["moving_target"])
    return {
        "obs_id": ids,
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, np.where(np.isnan(end_mjd), start_mjd + duration_s / 86400.0, end_mjd)),
        "exposure_s": duration_s,
        "target": col.constant(n_rows, ""),
        "target_type": np.where(moving, "SOL", ""),
        "category": col.constant(n_rows, ""),
        "instruments": col.constant(n_rows, _ALL),
        "public_mjd": col.public(raw["proprietary_end_date"]),
        "unusable_reason": marks.reasons(),
        "revolution": col.kept(raw["revolution"]),
        "position_angle": col.numbers(raw["position_angle"]),
        "moving_target": moving,
    }


def from_heasarc(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `xmmmaster`. Times are taken as they stand (DAXA rounds them to 8.64 s)."""
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ids = col.obs_ids(raw["obsid"], 10)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    _mark_slews(ids, marks)
    start_mjd = col.starts(raw["time"], marks)
    status = col.texts(raw["status"])
    marks.unless_archived(status)
    marks.add(~col.is_true(raw["data_in_heasarc"]), col.NOT_HERE)
    (duration_s,) = col.exposures(raw["duration"])
    end_mjd = col.mjd(raw["end_time"])
    return {
        "obs_id": ids,
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, np.where(np.isnan(end_mjd), start_mjd + duration_s / 86400.0, end_mjd)),
        "exposure_s": duration_s,
        "target": col.texts(raw["name"]),
        "target_type": col.constant(n_rows, ""),
        "category": col.constant(n_rows, ""),
        "instruments": col.constant(n_rows, _ALL),
        "public_mjd": col.public(raw["public_date"]),
        "unusable_reason": marks.reasons(),
        "revolution": col.kept(raw["xmm_revolution"]),
        "position_angle": np.full(n_rows, np.nan),
        "status": status,
    }


_ALL = " ".join(instrument.name for instrument in SPEC.instruments)


def _mark_slews(ids: col.Texts, marks: col.Marks) -> None:
    """Observations while the telescope turns have ObsIDs that begin with 9."""
    marks.add(np.char.startswith(ids, "9"), col.SLEW)


_EVENTS = re.compile(r"P[0-9]{10}(M1|M2|PN)([SUX][0-9]{3})[MPT]IEVLI0000\.(?:FTZ|FIT|fits)(?:\.gz)?", re.IGNORECASE)


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The pipeline's imaging event lists of all exposures; timing lists have no sky coordinates and are left out."""
    checked_obs_id(SPEC, obs_id)
    wanted = rf"P{obs_id}(?:M[12][SUX][0-9]{{3}}M|PN[SUX][0-9]{{3}}P)IEVLI0000\.FTZ"
    return (RemoteFolder(HEASARC, f"xmm/data/rev0/{obs_id}/PPS/", wanted),)


def raw_file(name: str) -> RawFile | None:
    """« P0405320501M1S002MIEVLI0000.FTZ » is the event list of MOS1, scheduled exposure 002."""
    match = _EVENTS.fullmatch(name)
    return RawFile(ProductKind.EVENTS, match[1].upper(), match[2].upper()) if match else None
