"""ROSAT all-sky survey (RASS): 1378 fields that were scanned again and again in 1990 and 1991, with PSPC-C.

Sources: HEASARC's table `rassmaster`; ROSAT News 70 (fields of 6.4° x 6.4°, which overlap by at least 0.23°)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import Instrument, MissionSpec, RemoteFolder, TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.missions import columns as col
from daxa_gui.missions.layout import checked_obs_id
from daxa_gui.missions.rosat_pointed import KINDS, PSPC_BANDS, pspc_format, rdf_folder

FIELD = Footprint("square", 3.2, roll_column="roll_angle")  # sides north and east; DAXA's number is half of 6°

RASSMASTER = TapSource(
    service="heasarc",
    table="rassmaster",
    key="seq_id",
    columns=("seq_id", "ra", "dec", "start_date", "end_date", "exposure"),
    build="daxa_gui.missions.rosat_all_sky:catalogue_columns",
)

SPEC = MissionSpec(
    name="rosat_all_sky",
    label="RASS",
    obs_id_pattern=r"[Rr][Ss][0-9]{6}[A-Za-z][0-9]{2}",
    obs_id_example="RS930521N00",
    frame="FK5",
    instruments=(Instrument("PSPC", "PSPC-C", 3.0, ("PSPC-C", "PSPC C", "PSPCC"), FIELD),),
    default_instruments=("PSPC",),
    colour="#DDCC77",
    symbol="p",
    event_formats=(pspc_format("rosat_all_sky_pspc", "rosat_all_sky"),),
    sources=(RASSMASTER,),
    bands=PSPC_BANDS,
    files="daxa_gui.missions.rosat_all_sky:files",
    raw_file="daxa_gui.missions.rosat_pointed:raw_file",
    kinds=KINDS,
    column_labels={"roll_angle": "Roll angle (deg)"},
    acknowledgement=(
        "This research has made use of the ROSAT data archive of the Max-Planck-Institut für extraterrestrische Physik (MPE)."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `rassmaster`.

    Its dates are whole days; the last one counts to its end. A field was visited for some seconds at a time in between.
    """
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd, end_mjd = col.starts(raw["start_date"], marks), col.mjd(raw["end_date"])
    (exposure_s,) = col.exposures(raw["exposure"])
    marks.add(exposure_s == 0, col.NO_EXPOSURE)
    return {
        "obs_id": col.obs_ids(raw["seq_id"]),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, np.where(end_mjd == np.floor(end_mjd), end_mjd + 1.0, end_mjd)),
        "exposure_s": exposure_s,
        "target": col.constant(n_rows, ""),
        "target_type": col.constant(n_rows, "ASK"),
        "category": col.constant(n_rows, ""),
        "instruments": col.constant(n_rows, "PSPC"),
        "public_mjd": col.unrestricted(n_rows),
        "unusable_reason": marks.reasons(),
        "roll_angle": np.zeros(n_rows),
    }


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """As for pointed observations (`rosat_pointed`): events, housekeeping, images, exposure map, backgrounds."""
    return (rdf_folder("pspc", "900000", checked_obs_id(SPEC, obs_id).lower()),)
