"""ROSAT, pointed observations: data of PSPC and HRI in the rationalised data format (RDF).

Sources: HEASARC's table `rosmaster` and its rosat/data tree."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import EnergyBand, EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder, TapSource
from daxa_gui.core.product import ProductKind
from daxa_gui.core.table import DataTable
from daxa_gui.missions import columns as col
from daxa_gui.missions.layout import HEASARC, checked_obs_id, plain_name

MJDREF = 48043.879745370370  # the clock started on 1990-06-01 at 21:06:50 UT


def pspc_format(name: str, mission: str) -> EventFormat:
    """The pointed observations and the all-sky survey have the same kind of list."""
    return EventFormat(
        name=name,
        mission=mission,
        telescopes=("ROSAT",),
        instruments=("PSPC", "PSPCB", "PSPCC", "PSPC-B", "PSPC-C", "PSPC B", "PSPC C"),
        extensions=("STDEVT", "EVENTS"),  # REJEVT has the rejected events
        mjdref=MJDREF,
        timesys="UTC",
        energy_per_channel_kev=0.01,
        pixel_arcsec=0.5,
        gti_extensions=("STDGTI", "GTI"),
        image_bin=30,
        image_pixels=512,
        default_band_kev=(0.4, 2.4),
        flare_band_kev=(0.1, 2.4),
        flare_bin_s=100.0,
    )


PSPC = pspc_format("rosat_pspc", "rosat_pointed")
HRI = EventFormat(
    name="rosat_hri",
    mission="rosat_pointed",
    telescopes=("ROSAT",),
    instruments=("HRI",),
    extensions=("STDEVT", "EVENTS"),
    mjdref=MJDREF,
    timesys="UTC",
    energy_column="",
    pixel_arcsec=0.5,
    gti_extensions=("STDGTI", "GTI"),
    image_bin=16,
    image_pixels=512,
    default_band_kev=(0.07, 2.4),
    flare_band_kev=(0.07, 2.4),
    flare_bin_s=100.0,
    notes="No usable energies: bands are ignored.",
)

KINDS = (ProductKind.EVENTS, ProductKind.RAW, ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP)
PSPC_BANDS = (EnergyBand(0.07, 2.4, code="1"), EnergyBand(0.4, 2.4, code="2"), EnergyBand(0.07, 0.4, code="3"))

ROSMASTER = TapSource(
    service="heasarc",
    table="rosmaster",
    key="seq_id",
    columns=(
        "seq_id", "name", "ra", "dec", "start_time", "end_time", "exposure", "instrument", "filter", "fits_type", "proc_rev",
        "subj_cat", "site",
    ),
    build="daxa_gui.missions.rosat_pointed:catalogue_columns",
)  # fmt: skip

# Codes of `subj_cat`: what they mean, and the common type.
CATEGORIES = {
    "0": ("mispointing", "MISC"),
    "1": ("normal stars", "STR"),
    "2": ("white dwarfs", "STR"),
    "3": ("cataclysmic variables", "CV"),
    "4": ("neutron stars and black holes", "NS"),
    "5": ("supernova remnants", "SNR"),
    "6": ("normal galaxies", "NGS"),
    "7": ("active galaxies", "AGN"),
    "8": ("clusters of galaxies", "GCL"),
    "9": ("extended and diffuse emission", "EGE"),
    "10": ("other", "MISC"),
}

SPEC = MissionSpec(
    name="rosat_pointed",
    label="ROSAT Pointed",
    obs_id_pattern=r"[RWrw][HPFhpf][0-9]{6}(?:[A-Za-z][0-9]{2})?",
    obs_id_example="RP700068",
    frame="FK5",
    instruments=(
        # round windows: circles
        Instrument("PSPCB", "PSPC-B", 1.0, ("PSPC-B", "PSPC B")),
        Instrument("PSPCC", "PSPC-C", 1.0, ("PSPC-C", "PSPC C")),
        Instrument("HRI", "HRI", 19 / 60),
    ),
    default_instruments=("PSPCB", "PSPCC", "HRI"),
    colour="#AA4499",
    symbol="star",
    event_formats=(PSPC, HRI),
    sources=(ROSMASTER,),
    bands=(
        *(EnergyBand(one.low_kev, one.high_kev, name, one.code) for name in ("PSPCB", "PSPCC") for one in PSPC_BANDS),
        EnergyBand(0.07, 2.4, "HRI", "1"),
    ),
    files="daxa_gui.missions.rosat_pointed:files",
    raw_file="daxa_gui.missions.rosat_pointed:raw_file",
    kinds=KINDS,
    instrument_per_observation=True,
    column_labels={
        "with_filter": "Boron filter",
        "proc_rev": "Processing revision",
        "fits_type": "Format",
        "site": "Processing site",
        "note": "Note",
    },
    acknowledgement=(
        "This research has made use of the ROSAT data archive of the Max-Planck-Institut für extraterrestrische Physik (MPE)."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `rosmaster`. Start and end may lie weeks apart: several pointings count as one observation.

    Without an exposure, zero or unknown, there is nothing to use. Data of processing revision 0 have other file names than those
    of the rationalised format; that is noted, not held against them.
    """
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["start_time"], marks)
    (exposure_s,) = col.exposures(raw["exposure"])
    marks.add(~(exposure_s > 0), col.NO_EXPOSURE)
    code = col.texts(raw["subj_cat"])
    code = col.by_value(code, lambda text: text.removesuffix(".0"), np.str_)  # « 7.0 » where a service sends texts
    revision = col.numbers(raw["proc_rev"])
    return {
        "obs_id": col.obs_ids(raw["seq_id"]),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["end_time"])),
        "exposure_s": exposure_s,
        "target": col.texts(raw["name"]),
        "target_type": col.types(code, {key: kind for key, (_, kind) in CATEGORIES.items()}),
        "category": col.with_meaning(code, {key: meaning for key, (meaning, _) in CATEGORIES.items()}),
        "instruments": _instruments(raw["instrument"]),
        "public_mjd": col.unrestricted(n_rows),
        "unusable_reason": marks.reasons(),
        "with_filter": col.texts(raw["filter"]),
        "proc_rev": col.kept(raw["proc_rev"]),
        "fits_type": col.texts(raw["fits_type"]),
        "site": col.texts(raw["site"]),
        "note": np.where(revision == 0, "processing revision 0: other file names", ""),
    }


def _instruments(column: col.Column) -> col.Texts:
    """« PSPC » alone stands for the completion of the survey with PSPC-B."""
    found = col.texts(column)
    return np.where(col.by_value(found, lambda text: text.upper() == "PSPC", np.bool_), "PSPCB", col.named(found, SPEC))


_NAME = re.compile(r"[rw]([hpfs])[0-9]{6}(?:[a-z][0-9]{2})?_([a-z]{2,3}[0-9]?)\.fits")
_WANTED = "bas|anc|raw|his|src|im[123]|mex|bk[123]"
_BANDS = {band.code: (band.low_kev, band.high_kev) for band in PSPC_BANDS}


def rdf_folder(detector: str, group: str, name: str) -> RemoteFolder:
    """All files of one observation lie in one folder, compressed (`.Z`) or, some exposure maps, not."""
    wanted = rf"{name}_(?:{_WANTED})\.fits(?:\.Z|\.gz)?"
    path = f"rosat/data/{detector}/processed_data/{group}/{name}/"
    return RemoteFolder(HEASARC, path, wanted, kind=ProductKind.RAW, kinds=KINDS)


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """Events with their good times (`_bas`); orbit, attitude and housekeeping (`_anc`); images, exposure map, backgrounds.

    Raises
    ------
    InputError : the data are not in the rationalised format; their files have other names and contents.
    """
    name = checked_obs_id(SPEC, obs_id).lower()
    if _is_first_format(row):
        raise InputError(
            f"The data of ROSAT observation {obs_id} are of processing revision 0 (RFITS), which is not read here.",
            "The archive may have a later revision under an ObsID with another ending.",
        )
    return (rdf_folder("hri" if name[1] == "h" else "pspc", f"{obs_id[2]}00000", name),)


def _is_first_format(row: Mapping[str, Any]) -> bool:
    """Files of revision 0 are RFITS; a few were put into the later format (RDF), which is what counts."""
    written = str(row.get("fits_type") or "").strip().upper()
    if written:
        return not written.startswith("RDF")
    try:
        return float(row.get("proc_rev", math.nan)) == 0
    except (TypeError, ValueError):
        return False


def raw_file(name: str) -> RawFile | None:
    """« rp700068n00_bas.fits.Z » is the event list, `_im2` the image, `_bk2` the background in band 2, `_mex` the exposure map.

    Which of the two PSPCs it was stands in the catalogue, not in the name; the survey's is « PSPC ».
    """
    match = _NAME.fullmatch(plain_name(name))
    if match is None:
        return None
    instrument, what = "HRI" if match[1] == "h" else "PSPC", match[2]
    if what == "bas":
        return RawFile(ProductKind.EVENTS, instrument)
    if what == "mex":
        return RawFile(ProductKind.EXPOSURE_MAP, instrument)
    if what[:2] in ("im", "bk") and what[2:] in _BANDS:
        kind = ProductKind.IMAGE if what[:2] == "im" else ProductKind.BACKGROUND_MAP
        return RawFile(kind, instrument, "ALL", _BANDS[what[2:]])
    return RawFile(ProductKind.RAW, instrument)
