"""XMM-Newton, pointed observations: pipeline (PPS) event lists of the three EPIC cameras.

Sources: XMM-Newton Users Handbook; XMM-Newton Data Files Handbook (file names); SAS selection macros #XMMEA_EM, #XMMEA_EP.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from daxa_gui.core.mission import EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder
from daxa_gui.core.product import ProductKind
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
        Instrument("OM", "Optical Monitor", 15 / 60),
        Instrument("R1", "RGS1", 15 / 60, ("RGS1",)),
        Instrument("R2", "RGS2", 15 / 60, ("RGS2",)),
    ),
    default_instruments=("M1", "M2", "PN"),
    colour="#0072B2",
    symbol="o",
    event_formats=(MOS, PN),
    files="daxa_gui.missions.xmm_pointed:files",
    raw_file="daxa_gui.missions.xmm_pointed:raw_file",
    column_labels={"revolution": "Revolution", "filter_wheel": "Filter", "note": "Note"},
    acknowledgement=(
        "Based on observations obtained with XMM-Newton, an ESA science mission with instruments and contributions directly "
        "funded by ESA Member States and NASA."
    ),
)

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
