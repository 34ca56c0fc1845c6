"""Chandra: level 2 event lists of ACIS and HRC.

Sources: HEASARC's table `chanmaster` and its byobsid tree; CXC « Chandra Data Products Guide » (file names); CIAO threads on
event selection; « Chandra Proposers' Observatory Guide » (fields of view).
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

# The field depends on the mode, and the table tells neither the roll nor which chips were on. ACIS: the square of the four chips
# of ACIS-I, 16.9′; what ACIS-S has beyond it (chips up to 25′ off axis, where a point is a blot of many arcseconds) is left out.
# HRC: the square of HRC-I, 30′. DAXA's numbers, half of the longest row of chips, are the search distances.
ACIS_FIELD = Footprint("square", 8.45 / 60)
HRC_FIELD = Footprint("square", 15 / 60)

CHANMASTER = TapSource(
    service="heasarc",
    table="chanmaster",
    key="obsid",
    columns=(
        "obsid", "name", "ra", "dec", "time", "status", "detector", "grating", "exposure", "type", "data_mode", "class",
        "public_date",
    ),
    build="daxa_gui.missions.chandra:catalogue_columns",
    optional=(("name", "text"),),
)  # fmt: skip

# No observation is longer than an orbit of 64 hours: more is a mistake of the table (ObsID 6616 « took » 573 days).
LONGEST_S = 64 * 3600.0

TYPES = {
    "AGN UNCLASSIFIED": "AGN",
    "EXTENDED GALACTIC OR EXTRAGALACTIC": "EGE",
    "X-RAY BINARY": "XRB",  # DAXA: GS, although both types exist
    "CV": "CV",  # DAXA: GS
    "SNR": "SNR",
    "NON-ACTIVE GALAXY": "NGS",
    "CLUSTER OF GALAXIES": "GCL",
    "Calibration Observations": "CAL",
    "Non-Pointing data": "MISC",
}
TYPES_OF_PROGRAMME = {"TOO": "TOO", "DDT": "TOO", "CAL": "CAL"}  # GO, GTO and CCT say nothing about the target

SPEC = MissionSpec(
    name="chandra",
    label="Chandra",
    obs_id_pattern=r"[0-9]{1,5}",
    obs_id_example="3205",
    frame="ICRS",
    instruments=(
        # ACIS: half of 50.6′ and 10 % more, HRC: half of 99′. The true field depends strongly on the mode.
        Instrument("ACIS", "ACIS", 27.8 / 60, ("ACIS-I", "ACIS-S"), footprint=ACIS_FIELD),
        Instrument("HRC", "HRC", 49.5 / 60, ("HRC-I", "HRC-S"), footprint=HRC_FIELD),
        # gratings have the field of the detector that they are mostly used with
        Instrument("HETG", "HETG", 27.8 / 60, footprint=ACIS_FIELD),
        Instrument("LETG", "LETG", 49.5 / 60, footprint=HRC_FIELD),
    ),
    default_instruments=("ACIS", "HRC"),
    colour="#D55E00",
    symbol="d",
    event_formats=(ACIS, HRC),
    sources=(CHANMASTER,),
    bands=(EnergyBand(0.5, 7.0, "ACIS"), EnergyBand(0.06, 10.0, "HRC")),
    has_proprietary=True,
    files="daxa_gui.missions.chandra:files",
    raw_file="daxa_gui.missions.chandra:raw_file",
    instrument_per_observation=True,
    column_labels={
        "grating": "Grating",
        "data_mode": "Data mode",
        "detector": "Detector",
        "programme": "Programme",
        "status": "Status",
        "note": "Note",
    },
    acknowledgement=(
        "This research has made use of data obtained from the Chandra Data Archive, provided by the Chandra X-ray Center."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `chanmaster`.

    The table has no end; start + exposure is the earliest possible one, and is not used where the exposure cannot be true.
    Calibration data are public from the start, so a missing release date means nothing there.
    """
    marks = col.Marks(len(raw))
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "icrs", marks)
    start_mjd = col.starts(raw["time"], marks)
    status, detector, grating, programme = (col.texts(raw[name]) for name in ("status", "detector", "grating", "type"))
    marks.unless_archived(status)
    (exposure_s,) = col.exposures(raw["exposure"])
    impossible = exposure_s > LONGEST_S
    exposure_s = np.where(impossible, np.nan, exposure_s)
    marks.add(exposure_s == 0, col.NO_EXPOSURE)
    category = col.texts(raw["class"])
    public_mjd = col.public(raw["public_date"])
    calibration = col.types(programme, TYPES_OF_PROGRAMME) == "CAL"
    return {
        "obs_id": col.obs_ids(raw["obsid"]),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": np.where(exposure_s > 0, start_mjd + exposure_s / 86400.0, np.nan),
        "exposure_s": exposure_s,
        "target": col.texts(raw["name"]),
        "target_type": _types(category, programme),
        "category": category,
        "instruments": _instruments(detector, grating),
        "public_mjd": np.where(calibration & np.isinf(public_mjd), np.nan, public_mjd),
        "unusable_reason": marks.reasons(),
        "detector": detector,
        "grating": grating,
        "data_mode": col.texts(raw["data_mode"]),
        "programme": programme,
        "status": status,
        "note": np.where(impossible, "the table's exposure is longer than an orbit: taken as unknown", ""),
    }


def _types(category: col.Texts, programme: col.Texts) -> col.Texts:
    """The class decides; where it says nothing, the kind of the programme may (targets of opportunity, calibration)."""
    by_class = col.types(category, TYPES)
    return np.where(by_class == col.UNCLASSIFIED, col.types(programme, TYPES_OF_PROGRAMME), by_class)


def _instruments(detector: col.Texts, grating: col.Texts) -> col.Texts:
    """« ACIS », or « ACIS HETG » where a grating was in the way. « NONE » and unknown names are no instruments."""
    both = np.char.add(np.char.add(col.named(detector, SPEC), " "), col.named(grating, SPEC))
    return col.texts(both)


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
