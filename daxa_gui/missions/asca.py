"""ASCA: two CCD cameras (SIS) and two gas counters (GIS). Source: HEASARC's table `ascamaster`."""

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

MJDREF = 48988.0  # 1993-01-01

SIS = EventFormat(
    name="asca_sis",
    mission="asca",
    telescopes=("ASCA",),
    instruments=("SIS0", "SIS1"),
    mjdref=MJDREF,
    timesys="UTC",
    energy_per_channel_kev=0.003656,
    pixel_arcsec=1.6,
    pattern_column="GRADE",
    good_patterns=(0, 2, 3, 4),
    ccd_column="CCDID",
    gti_extensions=("STDGTI", "GTI"),
    image_bin=4,
    default_band_kev=(0.5, 8.0),
    flare_band_kev=(0.5, 8.0),
    flare_bin_s=128.0,
)
GIS = EventFormat(
    name="asca_gis",
    mission="asca",
    telescopes=("ASCA",),
    instruments=("GIS2", "GIS3"),
    mjdref=MJDREF,
    timesys="UTC",
    energy_per_channel_kev=0.01176,
    pixel_arcsec=15.0,
    gti_extensions=("STDGTI", "GTI"),
    image_bin=1,
    default_band_kev=(0.7, 10.0),
    flare_band_kev=(0.7, 10.0),
    flare_bin_s=128.0,
)

SIS_FIELD = Footprint("square", 11 / 60)  # four chips, 22′ x 22′; fewer were on in later years, and the table does not say which
GIS_FIELD = Footprint("circle", 25 / 60)

ASCAMASTER = TapSource(
    service="heasarc",
    table="ascamaster",
    key="sequence_number",
    columns=(
        "sequence_number", "name", "ra", "dec", "time", "end_time", "subject_category", "status", "gis_exposure", "sis_exposure",
    ),
    build="daxa_gui.missions.asca:catalogue_columns",
    optional=(("name", "text"),),
)  # fmt: skip

TYPES = {
    "AGN": "AGN",
    "X RAY BINARIES": "XRB",
    "SUPERNOVA REMNANTS AND GALACTIC DIFFUSE EMISSION": "SNR",
    "COSMIC X-RAY BACKGROUND AND DEEP SURVEYS AND OTHER": "EGS",
    "CLUSTERS OF GALAXIES AND SUPERCLUSTERS": "GCL",
    "NORMAL GALAXIES": "NGS",
    "STARS": "STR",  # DAXA: GS
    "NORMAL STARS": "STR",  # DAXA: GS
    "CATACLYSMIC VARIABLES": "CV",
}

SPEC = MissionSpec(
    name="asca",
    label="ASCA",
    obs_id_pattern=r"[0-9]{8}",
    obs_id_example="48002000",
    frame="FK5",
    instruments=(
        Instrument("SIS0", "SIS 0", 11 / 60, ("S0",), SIS_FIELD, "sis_exposure"),
        Instrument("SIS1", "SIS 1", 11 / 60, ("S1",), SIS_FIELD, "sis_exposure"),
        Instrument("GIS2", "GIS 2", 25 / 60, ("G2",), GIS_FIELD, "gis_exposure"),
        Instrument("GIS3", "GIS 3", 25 / 60, ("G3",), GIS_FIELD, "gis_exposure"),
    ),
    default_instruments=("SIS0", "SIS1", "GIS2", "GIS3"),
    colour="#CC6677",
    symbol="t3",
    event_formats=(SIS, GIS),
    sources=(ASCAMASTER,),
    bands=tuple(
        EnergyBand(low, high, instrument, code)
        for pair, softest in ((("SIS0", "SIS1"), 0.4), (("GIS2", "GIS3"), 0.7))
        for instrument in pair
        for low, high, code in ((softest, 2.0, "lo"), (softest, 10.0, "all"), (2.0, 10.0, "hi"))
    ),
    files="daxa_gui.missions.asca:files",
    raw_file="daxa_gui.missions.asca:raw_file",
    kinds=(
        ProductKind.EVENTS,
        ProductKind.RAW,
        ProductKind.IMAGE,
        ProductKind.EXPOSURE_MAP,
        ProductKind.SPECTRUM,
        ProductKind.SOURCE_LIGHTCURVE,
    ),
    column_labels={"sis_exposure": "SIS exposure (s)", "gis_exposure": "GIS exposure (s)", "status": "Status"},
    acknowledgement=(
        "This research has made use of data obtained from the High Energy Astrophysics Science Archive Research Center "
        "(HEASARC), provided by NASA's Goddard Space Flight Center."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `ascamaster`, which has one exposure for each pair of instruments."""
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["time"], marks)
    sis, gis = col.exposures(raw["sis_exposure"], raw["gis_exposure"])
    marks.add(col.none_positive((sis, gis)), col.NO_EXPOSURE)
    category = col.texts(raw["subject_category"])
    return {
        "obs_id": col.obs_ids(raw["sequence_number"], 8),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["end_time"])),
        "exposure_s": col.longest((sis, gis)),
        "target": col.texts(raw["name"]) if "name" in raw.names else col.constant(n_rows, ""),
        "target_type": col.types(category, TYPES),
        "category": category,
        "instruments": col.active({"SIS0": sis, "SIS1": sis, "GIS2": gis, "GIS3": gis}),
        "public_mjd": col.unrestricted(n_rows),
        "unusable_reason": marks.reasons(),
        "sis_exposure": sis,
        "gis_exposure": gis,
        "status": col.texts(raw["status"]),
    }


# « ad51011020s100102h.unf »: instrument (s0, s1, g2, g3; sis, gis: the sum of a pair), index (of images: pixels across),
# observing mode, rate of the telemetry (high, medium, low).
_NAME = re.compile(r"ad[0-9]{8}(s[01]|g[23]|sis|gis)([A-Za-z0-9_]*)\.([a-z0-9]+)")
_INSTRUMENTS = {"s0": "SIS0", "s1": "SIS1", "g2": "GIS2", "g3": "GIS3", "sis": "SIS0_SIS1", "gis": "GIS2_GIS3"}
_BANDS = {(band.instrument, band.code): (band.low_kev, band.high_kev) for band in SPEC.bands}
_RAW_EXTENSIONS = ("unf", "cal", "evt")


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """Screened lists, what they are made from, sums of images, spectra and light curves of the sources that were found."""
    checked_obs_id(SPEC, obs_id)
    root = f"asca/data/rev2/{obs_id}/"
    name = rf"ad{obs_id}(?:s[01]|g[23]|sis|gis)[A-Za-z0-9_]*"
    raw = (ProductKind.RAW,)
    maps = (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP)
    return (
        heasarc_folder(root, "screened", rf"{name}\.evt(?:\.gz)?", (ProductKind.EVENTS,)),
        heasarc_folder(root, "unscreened", rf"{name}\.[a-z0-9]+(?:\.gz)?", raw),
        heasarc_folder(root, "telem", ANY_FILE, raw, optional=True),
        heasarc_folder(root, "aux", ANY_FILE, raw, optional=True),
        heasarc_folder(root, "calib", ANY_FILE, raw, optional=True),
        heasarc_folder(root, "images", rf"{name}\.(?:totsky|totexp?o)(?:\.gz)?", maps, optional=True),
        heasarc_folder(root, "spectra", NO_PICTURE, (ProductKind.SPECTRUM,), optional=True),
        heasarc_folder(root, "lcurves", NO_PICTURE, (ProductKind.SOURCE_LIGHTCURVE,), optional=True),
    )


def raw_file(name: str) -> RawFile | None:
    """« ad51011020s100102h.evt » is a list of SIS1: index 001, mode 02, high rate, the sub-exposure 00102H. The images and
    exposure maps of « sis » and « gis » are sums of the two instruments of a pair; images are in three bands, exposure maps in
    none.
    """
    match = _NAME.fullmatch(plain_name(name))
    if match is None:
        return None
    instrument, rest, extension = _INSTRUMENTS[match[1]], match[2], match[3]
    if extension == "evt" and "_" not in instrument:
        return RawFile(ProductKind.EVENTS, instrument, exposure_text(rest) or "ALL")
    if extension == "totsky":
        stem, _, code = rest.rpartition("_")
        band = _BANDS.get((instrument.split("_")[0], code.lower()))
        return RawFile(ProductKind.IMAGE, instrument, exposure_text(stem if band else rest) or "ALL", band)
    if extension in ("totexpo", "totexo"):
        return RawFile(ProductKind.EXPOSURE_MAP, instrument, exposure_text(rest) or "ALL")
    if kind := product_kind(extension):
        return RawFile(kind, instrument, exposure_text(f"{rest}_{extension}"))
    return RawFile(ProductKind.RAW, instrument) if extension in _RAW_EXTENSIONS else None
