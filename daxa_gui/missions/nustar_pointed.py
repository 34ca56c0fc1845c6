"""NuSTAR, pointed science observations: cleaned event lists of both focal plane modules.

Source: HEASARC's nustar/data/obs tree; nuscreen's grades."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from daxa_gui.core.mission import EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.missions.layout import HEASARC, checked_obs_id

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

SPEC = MissionSpec(
    name="nustar_pointed",
    label="NuSTAR Pointed",
    obs_id_pattern=r"[0-9]{11}",
    obs_id_example="40001014013",
    frame="FK5",
    instruments=(
        Instrument("FPMA", "Focal plane module A", 6.5 / 60, ("FA",)),
        Instrument("FPMB", "Focal plane module B", 6.5 / 60, ("FB",)),
    ),
    default_instruments=("FPMA", "FPMB"),
    colour="#CC79A7",
    symbol="t",
    event_formats=(FPM,),
    files="daxa_gui.missions.nustar_pointed:files",
    raw_file="daxa_gui.missions.nustar_pointed:raw_file",
    column_labels={"issue_flag": "Issue flag", "observation_mode": "Mode"},
    acknowledgement=(
        "This research has made use of data from the NuSTAR mission, a project led by the California Institute of Technology, "
        "managed by the Jet Propulsion Laboratory, and funded by NASA."
    ),
)

_EVENTS = re.compile(r"nu[0-9]{11}([AB])(0[1-6])_cl\.evt(?:\.gz)?")


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The cleaned lists of the normal observing mode (01); modes 02 to 06 are slews, occultations and the like."""
    checked_obs_id(SPEC, obs_id)
    folder = f"nustar/data/obs/{obs_id[1:3]}/{obs_id[0]}/{obs_id}/event_cl/"
    return (RemoteFolder(HEASARC, folder, rf"nu{obs_id}[AB]01_cl\.evt\.gz", local="event_cl"),)


def raw_file(name: str) -> RawFile | None:
    """« nu40001014013A01_cl.evt.gz » is the cleaned list of FPMA; modes other than 01 count as sub-exposures of their own."""
    match = _EVENTS.fullmatch(name)
    if match is None:
        return None
    return RawFile(ProductKind.EVENTS, f"FPM{match[1]}", "ALL" if match[2] == "01" else f"M{match[2]}")
