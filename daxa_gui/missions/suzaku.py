"""Suzaku: the four cameras of the X-ray imaging spectrometer (XIS). HXD and XRS are not offered.

Source: HEASARC's table `suzamaster`. The meaning of the category codes is that of the first digit of ObsIDs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EnergyBand, EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder, TapSource
from daxa_gui.core.product import ProductKind
from daxa_gui.core.table import DataTable
from daxa_gui.missions import columns as col
from daxa_gui.missions.layout import (
    ANY_FILE,
    NO_PICTURE,
    checked_obs_id,
    exposure_text,
    heasarc_folder,
    plain_name,
    product_kind,
)

XIS = EventFormat(
    name="suzaku_xis",
    mission="suzaku",
    telescopes=("SUZAKU",),
    instruments=("XIS0", "XIS1", "XIS2", "XIS3"),
    mjdref=51544.00074287037,
    energy_per_channel_kev=0.00365,
    pixel_arcsec=1.04,
    pattern_column="GRADE",
    good_patterns=(0, 2, 3, 4, 6),
    image_bin=4,
    default_band_kev=(0.5, 8.0),
    flare_band_kev=(0.5, 8.0),
    flare_bin_s=128.0,
)

FIELD = Footprint("square", 9.5 / 60, roll_column="roll_angle")  # one chip along the spacecraft's axes

SUZAMASTER = TapSource(
    service="heasarc",
    table="suzamaster",
    key="obsid",
    columns=(
        "obsid", "name", "ra", "dec", "roll_angle", "time", "stop_time", "category_code", "xis0_expo", "xis0_num_modes",
        "xis1_expo", "xis1_num_modes", "xis2_expo", "xis2_num_modes", "xis3_expo", "xis3_num_modes",
    ),
    build="daxa_gui.missions.suzaku:catalogue_columns",
    optional=(("name", "text"), ("roll_angle", "number")),
)  # fmt: skip

# Codes of `category_code`: what they mean, and the common type. Others (2, 3, 6 …) have no known meaning.
CATEGORIES = {
    "0": ("not a target", "MISC"),
    "1": ("calibration", "CAL"),
    "4": ("galactic point sources", "GS"),
    "5": ("galactic diffuse emission", "SNR"),  # DAXA: GS; the common type is « remnants and Galactic diffuse emission »
    "7": ("extragalactic compact sources", "AGN"),  # DAXA: EGS, so that no AGN was found
    "8": ("extragalactic diffuse emission", "GCL"),
    "9": ("targets of opportunity", "TOO"),
}

SPEC = MissionSpec(
    name="suzaku",
    label="Suzaku",
    obs_id_pattern=r"[0-9]{9}",
    obs_id_example="701018010",
    frame="FK5",
    instruments=tuple(Instrument(f"XIS{n}", f"XIS {n}", 9.5 / 60, (f"X{n}",), FIELD, f"xis{n}_expo") for n in range(4)),
    default_instruments=("XIS0", "XIS1", "XIS2", "XIS3"),
    colour="#999933",
    symbol="t2",
    event_formats=(XIS,),
    sources=(SUZAMASTER,),
    bands=(EnergyBand(0.2, 12.0),),
    files="daxa_gui.missions.suzaku:files",
    raw_file="daxa_gui.missions.suzaku:raw_file",
    kinds=(ProductKind.EVENTS, ProductKind.RAW, ProductKind.IMAGE, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE),
    column_labels={
        "roll_angle": "Roll angle (deg)",
        **{f"xis{n}_expo": f"XIS {n} exposure (s)" for n in range(4)},
        **{f"xis{n}_num_modes": f"XIS {n} modes" for n in range(4)},
    },
    acknowledgement=(
        "This research has made use of data obtained from the Suzaku satellite, a collaborative mission between the space "
        "agencies of Japan (JAXA) and the USA (NASA)."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `suzamaster`, whose exposures are those of cleaned events."""
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["time"], marks)
    exposures = col.exposures(*(raw[f"xis{n}_expo"] for n in range(4)))
    marks.add(col.none_positive(exposures), col.NO_EXPOSURE)
    code = col.texts(raw["category_code"])
    return {
        "obs_id": col.obs_ids(raw["obsid"], 9),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["stop_time"])),
        "exposure_s": col.longest(exposures),
        "target": col.texts(raw["name"]),
        "target_type": col.types(code, {key: kind for key, (_, kind) in CATEGORIES.items()}),
        "category": col.with_meaning(code, {key: meaning for key, (meaning, _) in CATEGORIES.items()}),
        "instruments": col.active({f"XIS{n}": exposures[n] for n in range(4)}),
        "public_mjd": col.unrestricted(n_rows),
        "unusable_reason": marks.reasons(),
        "roll_angle": col.numbers(raw["roll_angle"]),
        **{f"xis{n}_expo": exposures[n] for n in range(4)},
        **{f"xis{n}_num_modes": col.kept(raw[f"xis{n}_num_modes"]) for n in range(4)},
    }


# « ae701018010xi0_0_3x3n066z_cl.evt »: camera, number of the telemetry file (0: all or the only one), editing mode (3x3, 5x5,
# 2x2; tim: timing), normal or burst clocking, microcode, configuration, level.
_NAME = re.compile(r"ae[0-9]{9}(xi[0-3]|xis)_([0-9])(?:_([A-Za-z0-9_]+))?\.([a-z0-9]+)")
_CLEANED = re.compile(r"((?:3x3|5x5|2x2)[A-Za-z0-9]*)_cl")
_BAND = (SPEC.bands[0].low_kev, SPEC.bands[0].high_kev)


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """Cleaned lists of the XIS, unfiltered ones, housekeeping, the pipeline's products, attitude and orbit of the satellite."""
    checked_obs_id(SPEC, obs_id)
    root = f"suzaku/data/obs/{obs_id[0]}/{obs_id}/"
    name = rf"ae{obs_id}(?:xi[0-3]|xis)_[A-Za-z0-9_]*"
    raw = (ProductKind.RAW,)
    made = (ProductKind.IMAGE, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE, ProductKind.RAW)

    def at(local: str, wanted: str, kinds: tuple[ProductKind, ...], optional: bool = False) -> RemoteFolder:
        return heasarc_folder(root, local, wanted, kinds, optional=optional, darts=f"suzaku/ver2/{obs_id}/")

    return (
        at("xis/event_cl", rf"{name}\.evt(?:\.gz)?", (ProductKind.EVENTS, ProductKind.RAW)),
        at("xis/event_uf", rf"{name}\.[a-z0-9]+(?:\.gz)?", raw),
        at("xis/hk", ANY_FILE, raw, optional=True),
        at("xis/products", NO_PICTURE, made, optional=True),
        at("auxil", ANY_FILE, raw, optional=True),
    )


def raw_file(name: str) -> RawFile | None:
    """« ae701018010xi0_0_3x3n066z_cl.evt.gz » is a cleaned list of XIS0, sub-exposure 3X3N066Z: editing modes have lists of their
    own. Lists of the timing mode have no sky coordinates and count as raw data; files of all four cameras have no instrument.
    """
    match = _NAME.fullmatch(plain_name(name))
    if match is None:
        return None
    camera, part, what, extension = match.groups()
    instrument = "" if camera == "xis" else f"XIS{camera[2]}"
    number = "" if part == "0" else f"R{part}"
    what = what or ""
    if extension == "evt":
        cleaned = _CLEANED.fullmatch(what)
        if cleaned and instrument:
            return RawFile(ProductKind.EVENTS, instrument, exposure_text(cleaned[1]) + number)
        return RawFile(ProductKind.RAW, instrument)
    if extension == "img" and (what == "sk" or what.endswith("_sk")):
        cameras = instrument or "_".join(one.name for one in SPEC.instruments)
        return RawFile(ProductKind.IMAGE, cameras, exposure_text(what.removesuffix("sk").strip("_")) + number or "ALL", _BAND)
    if kind := product_kind(extension):
        return RawFile(kind, instrument, exposure_text(f"{what}_{extension}") + number)
    return RawFile(ProductKind.RAW, instrument)
