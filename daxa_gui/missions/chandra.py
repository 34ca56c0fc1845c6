"""Chandra: level 2 event lists of ACIS and HRC.

Sources: HEASARC's byobsid tree; CXC « Chandra Data Products Guide » (file names); CIAO threads on event selection.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from daxa_gui.core.mission import EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder
from daxa_gui.core.product import ProductKind
from daxa_gui.missions.layout import HEASARC, checked_obs_id

ACIS = EventFormat(
    name="chandra_acis",
    mission="chandra",
    telescopes=("CHANDRA", "AXAF"),
    instruments=("ACIS",),
    mjdref=50814.0,
    energy_column="energy",  # eV; `pi` has channels of 14.6 eV
    energy_per_channel_kev=0.001,
    x_column="x",
    y_column="y",
    time_column="time",
    pixel_arcsec=0.492,
    pattern_column="grade",
    good_patterns=(0, 2, 3, 4, 6),
    flag_column="status",
    flag_mask=None,
    ccd_column="ccd_id",
    gti_extensions=(r"GTI\d*",),
    image_bin=4,
    default_band_kev=(0.5, 7.0),
    flare_band_kev=(0.5, 7.0),
    flare_bin_s=200.0,
)
HRC = EventFormat(
    name="chandra_hrc",
    mission="chandra",
    telescopes=("CHANDRA", "AXAF"),
    instruments=("HRC",),
    mjdref=50814.0,
    energy_column="",  # its pulse heights say next to nothing about energies
    x_column="x",
    y_column="y",
    time_column="time",
    pixel_arcsec=0.1318,
    flag_column="status",
    flag_mask=None,
    gti_extensions=(r"GTI\d*",),
    image_bin=16,
    default_band_kev=(0.06, 10.0),
    flare_band_kev=(0.06, 10.0),
    flare_bin_s=200.0,
    notes="No usable energies: bands are ignored.",
)

SPEC = MissionSpec(
    name="chandra",
    label="Chandra",
    obs_id_pattern=r"[0-9]{1,5}",
    obs_id_example="3205",
    frame="ICRS",
    instruments=(
        # ACIS: half of 50.6′ and 10 % more, HRC: half of 99′. The true field depends strongly on the mode.
        Instrument("ACIS", "ACIS", 27.8 / 60, ("ACIS-I", "ACIS-S")),
        Instrument("HRC", "HRC", 49.5 / 60, ("HRC-I", "HRC-S")),
        Instrument("HETG", "HETG", 27.8 / 60),
        Instrument("LETG", "LETG", 49.5 / 60),
    ),
    default_instruments=("ACIS", "HRC"),
    colour="#D55E00",
    symbol="d",
    event_formats=(ACIS, HRC),
    files="daxa_gui.missions.chandra:files",
    raw_file="daxa_gui.missions.chandra:raw_file",
    instrument_per_observation=True,
    column_labels={"grating": "Grating", "data_mode": "Data mode", "detector": "Detector"},
    acknowledgement=(
        "This research has made use of data obtained from the Chandra Data Archive, provided by the Chandra X-ray Center."
    ),
)

# An observation in several parts (OBI) has _000, _001 after the ObsID, alternating exposures have e1, e2.
_EVENTS = re.compile(r"(acis|hrc)f([0-9]{5})(?:_([0-9]{3}))?(?:_?e([12])_?)?N[0-9]{3}_evt2\.fits(?:\.gz)?")
_INDEX = re.compile(r"oif\.fits(?:\.gz)?")


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The level 2 event lists and the index of everything that the archive has of the observation."""
    checked_obs_id(SPEC, obs_id)
    folder = f"chandra/data/byobsid/{obs_id[-1]}/{obs_id}/"
    events = rf"(?:acis|hrc)f{obs_id.zfill(5)}(?:_[0-9]{{3}})?(?:_?e[12]_?)?N[0-9]{{3}}_evt2\.fits\.gz"
    return (
        RemoteFolder(HEASARC, f"{folder}primary/", events, local="primary"),
        RemoteFolder(HEASARC, folder, r"oif\.fits", kind=ProductKind.OTHER, optional=True),
    )


def raw_file(name: str) -> RawFile | None:
    """« acisf03205N006_evt2.fits » is the ACIS event list; sub-exposures E001, E002 of alternating exposures, part 1 first."""
    if match := _EVENTS.fullmatch(name):
        part = f"P{match[3]}" if match[3] else ""
        return RawFile(ProductKind.EVENTS, match[1].upper(), f"E{int(match[4] or 1):03d}{part}")
    return RawFile(ProductKind.OTHER, "") if _INDEX.fullmatch(name) else None
