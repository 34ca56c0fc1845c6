"""Chandra: level 1 and level 2 data of ACIS and HRC, and the spectra of the gratings.

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
from daxa_gui.missions.layout import HEASARC, checked_obs_id, exposure_text, plain_name

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
    kinds=(ProductKind.EVENTS, ProductKind.RAW, ProductKind.IMAGE, ProductKind.SPECTRUM),
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


# « acisf01612_000N003_e1_evt2.fits »: ObsID, part of the observation (OBI), version of the processing, frames of one or the other
# length in an alternating exposure (e1, e2), order of a grating (Hm1: HEG, minus 1), what it is, and its level.
_NAME = re.compile(
    r"(acis|hrc)f([0-9]{5,})(?:_([0-9]{3}))?(?:_?e([12])_?)?N[0-9]{3}(?:_e([12]))?(?:_([HML][mp][0-9]{1,2}))?_([a-z0-9_]+)\.fits"
)
_INDEX = "oif.fits"
_KINDS = {
    "evt2": ProductKind.EVENTS,
    "full_img2": ProductKind.IMAGE,
    "cntr_img2": ProductKind.IMAGE,
    "pha2": ProductKind.SPECTRUM,
    "arf2": ProductKind.SPECTRUM,
    "rmf2": ProductKind.SPECTRUM,
}
# What chandra_repro needs; bad pixels and dead times lie here or in `primary/`, as the instrument goes.
_SECONDARY = "evt1|mtl1|bias0|pbk0|flt1|bpix1|msk1|stat1|dtf1"
_BANDS = {band.instrument: (band.low_kev, band.high_kev) for band in SPEC.bands}


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """Level 2 (`primary/`), the responses of gratings in it, level 1 (`secondary/`) and the index of all files (`oif.fits`).

    The Chandra X-ray Center has the same tree.
    """
    checked_obs_id(SPEC, obs_id)
    made = (ProductKind.EVENTS, ProductKind.IMAGE, ProductKind.SPECTRUM, ProductKind.RAW)
    responses, raw = (ProductKind.SPECTRUM,), (ProductKind.RAW,)
    own = rf"(?:acis|hrc)f{obs_id.zfill(5)}"
    return (
        _folder(obs_id, "primary", rf"(?:{own}|(?:pcad|orbit)f[0-9]+)[A-Za-z0-9_]*\.fits\.gz", made),
        _folder(obs_id, "primary/responses", rf"{own}[A-Za-z0-9_]*\.fits\.gz", responses, optional=True),
        _folder(obs_id, "secondary", rf"[a-z]+f[0-9]+[A-Za-z0-9_]*_(?:std_)?(?:{_SECONDARY})\.fits\.gz", raw),
        _folder(obs_id, "", r"oif\.fits", raw, optional=True),
    )


def _folder(obs_id: str, local: str, wanted: str, kinds: tuple[ProductKind, ...], optional: bool = False) -> RemoteFolder:
    def at(service: str, root: str, otherwise: tuple[RemoteFolder, ...] = ()) -> RemoteFolder:
        path = f"{root}byobsid/{obs_id[-1]}/{obs_id}/{local}{'/' if local else ''}"
        kind = kinds[-1]
        return RemoteFolder(service, path, wanted, local, kind, kinds=kinds, optional=optional, otherwise=otherwise)

    return at(HEASARC, "chandra/data/", (at("cxc", ""),))


def raw_file(name: str) -> RawFile | None:
    """« acisf03205N006_evt2.fits » is the ACIS event list; sub-exposures E001, E002 of alternating exposures; parts of an
    observation other than the first have theirs added (« E001P001 »), the small image of the centre « CNTR ».
    """
    plain = plain_name(name)
    if plain == _INDEX:
        return RawFile(ProductKind.RAW, "")
    match = _NAME.fullmatch(plain)
    if match is None:
        return None
    instrument, _, part, before, after, order, what = match.groups()
    instrument = instrument.upper()
    kind = _KINDS.get(what, ProductKind.RAW)
    if kind is ProductKind.RAW:
        return RawFile(kind, instrument)
    exposure = f"E{int(before or after or 1):03d}" + (f"P{part}" if part not in (None, "000") else "")
    if what == "cntr_img2":
        exposure += "CNTR"
    if kind is ProductKind.SPECTRUM and what != "pha2":
        exposure += exposure_text(what[:3] + (order or ""))
    return RawFile(kind, instrument, exposure, _BANDS.get(instrument) if kind is ProductKind.IMAGE else None)
