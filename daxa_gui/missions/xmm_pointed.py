"""XMM-Newton, pointed observations: raw data (ODF) of all instruments, and what the pipeline (PPS) made of them.

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
from daxa_gui.missions.layout import HEASARC, checked_obs_id, exposure_text, plain_name

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
    login="xsa",
    files="daxa_gui.missions.xmm_pointed:files",
    raw_file="daxa_gui.missions.xmm_pointed:raw_file",
    kinds=(
        ProductKind.EVENTS,
        ProductKind.RAW,
        ProductKind.IMAGE,
        ProductKind.EXPOSURE_MAP,
        ProductKind.BACKGROUND_MAP,
        ProductKind.SPECTRUM,
        ProductKind.SOURCE_LIGHTCURVE,
    ),
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


XSA_PACKER = "data-action-aio"  # the archive's service that packs an observation, below its address of servlets

# What is taken of the pipeline's products: kind, instruments (EP: all cameras together, RG: both spectrometers), codes. Lists of
# timing modes and of the spectrometers have no sky coordinates and are left out.
_EPIC = "M[12]|PN|EP"
_PRODUCTS = (
    (ProductKind.EVENTS, "M[12]", "MIEVLI"),
    (ProductKind.EVENTS, "PN", "PIEVLI"),
    (ProductKind.IMAGE, _EPIC, "IMAGE_|OIMAGE"),
    (ProductKind.IMAGE, "OM", "IMAGE_|[A-Z]SIMAG|SIMAG[A-Z_]"),
    (ProductKind.EXPOSURE_MAP, _EPIC, "EXPMAP|EXPMP_"),
    (ProductKind.BACKGROUND_MAP, _EPIC, "BKGMAP"),
    (ProductKind.SPECTRUM, _EPIC, "SRSPEC|BGSPEC|SRCARF|SRCRMF"),
    (ProductKind.SPECTRUM, "R[12]|RG", "SRSPEC|BGSPEC|SBSPEC|BGMODL|RSPMAT|FLUXED"),
    (ProductKind.SOURCE_LIGHTCURVE, f"{_EPIC}|R[12]|RG|OM", "SRCTSR|SRBTSR|FBKTSR|TIMESR"),
)
_JOINED = {"EP": "M1_M2_PN", "RG": "R1_R2"}
_BANDS = {band.code: (band.low_kev, band.high_kev) for band in SPEC.bands}
_WANTED = "|".join(f"(?:{instruments})[SUX][0-9]{{3}}(?:{codes})" for _, instruments, codes in _PRODUCTS)
_READERS = tuple(
    (kind, re.compile(rf"P[0-9]{{10}}({instruments})([SUX][0-9]{{3}})({codes})([0-9A-Z_])([0-9A-F]{{3}})\.(?:FTZ|FIT|FITS)"))
    for kind, instruments, codes in _PRODUCTS
)
_IN_BANDS = (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP)

# SC: spacecraft, RM: radiation monitor; every SAS task needs the former, DAXA deletes the latter.
_RAW = "[0-9]{{4}}_{0}_(?:M1|M2|PN|R1|R2|OM|SC|RM)[A-Z0-9]+\\.(?:FIT|ASC)|MANIFEST\\.[0-9]+"
_RAW_NAME = re.compile(r"[0-9]{4}_[0-9]{10}_([A-Z][A-Z0-9])([SUX][0-9]{3})?[A-Z0-9]*\.(?:FIT|ASC)", re.IGNORECASE)
_MANIFEST = re.compile(r"MANIFEST\.[0-9]+", re.IGNORECASE)


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The pipeline's products and the raw data (ODF). Both lie directly in the observation's folder, where DAXA has the ODF.

    Where HEASARC has none of them, the XMM-Newton Science Archive packs them on demand: the products as one tar file; the raw
    data as a tar file in a tar file, whose members count like those of the outer one (see `RemoteFolder.archive_members`).
    """
    checked_obs_id(SPEC, obs_id)
    root = f"xmm/data/rev0/{obs_id}/"
    products = rf"P{obs_id}(?:{_WANTED})[0-9A-Z_][0-9A-F]{{3}}\.(?:FTZ|FIT)"
    raw = _RAW.format(obs_id)
    # The product index and pictures are left out by asking for the extension of compressed FITS files.
    pps = _packed(obs_id, "PPS", f"{obs_id}_PPS.tar", products, ("extension", "FTZ"))
    odf = _packed(obs_id, "ODF", f"{obs_id}_ODF.tar.gz", rf"(?:{raw})(?:\.gz)?")
    made = tuple(kind for kind in SPEC.kinds if kind is not ProductKind.RAW)
    return (
        RemoteFolder(HEASARC, f"{root}PPS/", products, kinds=made, otherwise=(pps,)),
        RemoteFolder(HEASARC, f"{root}ODF/", rf"(?:{raw})(?:\.gz)?", kind=ProductKind.RAW, otherwise=(odf,)),
    )


def _packed(obs_id: str, level: str, name: str, members: str, *filters: tuple[str, str]) -> RemoteFolder:
    kinds = (ProductKind.RAW,) if level == "ODF" else tuple(kind for kind in SPEC.kinds if kind is not ProductKind.RAW)
    query = (("obsno", obs_id), ("level", level), *filters)
    return RemoteFolder("xsa", XSA_PACKER, name, kind=kinds[0], kinds=kinds, archive_members=members, query=query)


def raw_file(name: str) -> RawFile | None:
    """« P0405320501M1S002IMAGE_1000.FTZ » is MOS1's image of the scheduled exposure 002 in band 1; an image of all exposures
    and cameras together has the exposure X000. « 0809_0201901401_M1U00210IME.FIT » is raw data of MOS1, unscheduled exposure 002.

    Spectra and light curves have their product's code, order and source number in the exposure (« S002SRSPEC0001 »), because
    there are many of them.
    """
    plain = plain_name(name).upper()
    for kind, pattern in _READERS:
        if match := pattern.fullmatch(plain):
            return _product(kind, *match.groups())
    if match := _RAW_NAME.fullmatch(plain):
        instrument = match[1] if match[1] in _NAMES else ""
        return RawFile(ProductKind.RAW, instrument, match[2] or "ALL")
    return RawFile(ProductKind.RAW, "") if _MANIFEST.fullmatch(plain) else None


def _product(kind: ProductKind, instrument: str, exposure: str, code: str, part: str, source: str) -> RawFile:
    """`part` is the band of the cameras' maps, the order of spectra, the window or filter of the Optical Monitor."""
    camera = _JOINED.get(instrument, instrument)
    if kind is ProductKind.EVENTS and (part, source) == ("0", "000"):
        return RawFile(kind, camera, exposure)
    if kind in _IN_BANDS and instrument != "OM" and source == "000":
        plain = code == "OIMAGE" if (kind, instrument) == (ProductKind.IMAGE, "EP") else code != "OIMAGE"
        if part in _BANDS and plain:
            return RawFile(kind, camera, exposure, _BANDS[part])
        return RawFile(kind, camera, exposure_text(f"{exposure}B{part}" if plain else f"{exposure}{code}{part}"))
    return RawFile(kind, camera, exposure_text(f"{exposure}{code}{part}{source}"))


_NAMES = frozenset(instrument.name for instrument in SPEC.instruments)
