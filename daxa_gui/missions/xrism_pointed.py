"""XRISM: the microcalorimeter Resolve and the CCD camera Xtend. Source: HEASARC's table `xrismmastr`."""

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
from daxa_gui.missions.layout import (
    ANY_FILE,
    NO_PICTURE,
    checked_obs_id,
    exposure_text,
    heasarc_folder,
    plain_name,
    product_kind,
)

MJDREF = 58484.00080074074

RESOLVE = EventFormat(
    name="xrism_resolve",
    mission="xrism_pointed",
    telescopes=("XRISM",),
    instruments=("RESOLVE",),
    mjdref=MJDREF,
    energy_per_channel_kev=0.0005,
    pixel_arcsec=1.768,
    pattern_column="ITYPE",
    max_pattern=4,  # high, medium and low resolution, primary and secondary; above are baseline, lost and rejected events
    default_band_kev=(1.7, 12.0),
    flare_band_kev=(1.7, 12.0),
    flare_bin_s=128.0,
)
XTEND = EventFormat(
    name="xrism_xtend",
    mission="xrism_pointed",
    telescopes=("XRISM",),
    instruments=("XTEND",),
    mjdref=MJDREF,
    energy_per_channel_kev=0.006,
    pixel_arcsec=1.768,
    pattern_column="GRADE",
    good_patterns=(0, 2, 3, 4, 6),
    image_bin=4,
    default_band_kev=(0.4, 12.0),
    flare_band_kev=(2.0, 12.0),
    flare_bin_s=128.0,
)

# Both detectors are squares; no roll is asked for because the table's column for it is not known for certain.
RESOLVE_FIELD = Footprint("square", 1.5 / 60)
XTEND_FIELD = Footprint("square", 19 / 60)

XRISMMASTR = TapSource(
    service="heasarc",
    table="xrismmastr",
    key="obsid",
    columns=(
        "obsid", "name", "ra", "dec", "time", "end_time", "duration", "exposure", "xtd_expo", "subject_category", "rsl_datamode",
        "xtd_datamode1", "xtd_datamode2", "xtd_dataclas1", "xtd_dataclas2", "public_date", "status",
    ),
    build="daxa_gui.missions.xrism_pointed:catalogue_columns",
    optional=(("name", "text"), ("status", "text")),
)  # fmt: skip

TYPES = {
    "Non-Jet-Dominated AGN": "AGN",
    "Blazars and Other Jet-Dominated AGN": "BLZ",
    "Solar System": "SOL",
    "Supernova Remnants": "SNR",
    "Normal Galaxies: Integrated Emission": "NGS",
    "Groups and Clusters of Galaxies": "GCL",
    "Extragalactic Diffuse Emission and Surveys": "EGS",
    "Extragalactic Transients: SNe, GRBs, GW Events, and TDEs": "MISC",  # DAXA: EGS, but they are no surveys
    "BH and NS Binaries": "XRB",  # DAXA: NS, although binaries have a type of their own
    "Non-Accreting Neutron Stars": "MAG",  # DAXA: NS; these are magnetars and pulsars
    "Galactic Diffuse Emission and Surveys": "GS",
    "Stellar Coronae, Winds, and Young Stars": "STR",
    "Accreting White Dwarfs and Novae": "CV",  # DAXA: STR
    "Astrophysical Processes": "MISC",
}

PLANNED = ("accepted", "approved", "planned", "scheduled", "unobserved")  # statuses; the table has observations to come as well

SPEC = MissionSpec(
    name="xrism_pointed",
    label="XRISM Pointed",
    obs_id_pattern=r"[0-9]{9}",
    obs_id_example="000126000",
    frame="FK5",
    instruments=(
        Instrument("RESOLVE", "Resolve", 1.5 / 60, (), RESOLVE_FIELD, "resolve_exposure"),
        Instrument("XTEND", "Xtend", 19 / 60, (), XTEND_FIELD, "xtend_exposure"),
    ),
    default_instruments=("RESOLVE", "XTEND"),
    colour="#882255",
    symbol="x",
    event_formats=(RESOLVE, XTEND),
    sources=(XRISMMASTR,),
    bands=(EnergyBand(1.7, 12.0, "RESOLVE"), EnergyBand(0.4, 20.0, "XTEND")),
    has_proprietary=True,
    files="daxa_gui.missions.xrism_pointed:files",
    raw_file="daxa_gui.missions.xrism_pointed:raw_file",
    kinds=(ProductKind.EVENTS, ProductKind.RAW, ProductKind.IMAGE, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE),
    column_labels={
        "resolve_exposure": "Resolve exposure (s)",
        "xtend_exposure": "Xtend exposure (s)",
        "duration_s": "Duration (s)",
        "resolve_mode": "Resolve mode",
        "xtend_mode1_2": "Xtend mode 1-2",
        "xtend_mode3_4": "Xtend mode 3-4",
        "xtend_dataclass1_2": "Xtend data class 1-2",
        "xtend_dataclass3_4": "Xtend data class 3-4",
        "status": "Status",
    },
    acknowledgement=(
        "This research has made use of data obtained from the XRISM satellite, a JAXA mission with the participation of NASA "
        "and ESA."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `xrismmastr`.

    `exposure` is Resolve's, or Xtend's where Resolve was off: Resolve counts as off where the table has no mode of it.
    """
    marks = col.Marks(len(raw))
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["time"], marks)
    exposure, xtend, duration_s = col.exposures(raw["exposure"], raw["xtd_expo"], raw["duration"])
    marks.add(col.none_positive((exposure, xtend)), col.NO_EXPOSURE)
    status = col.texts(raw["status"])
    marks.add(col.by_value(status, lambda text: text.casefold() in PLANNED, np.bool_), col.NOT_OBSERVED)
    category, resolve_mode = col.texts(raw["subject_category"]), col.texts(raw["rsl_datamode"])
    off = col.by_value(resolve_mode, lambda text: text.upper() in ("", "NONE", "OFF"), np.bool_)
    resolve = np.where(off, 0.0, exposure)
    return {
        "obs_id": col.obs_ids(raw["obsid"], 9),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["end_time"])),
        "exposure_s": col.first_positive(exposure, xtend),
        "target": col.texts(raw["name"]),
        "target_type": col.types(category, TYPES),
        "category": category,
        "instruments": col.active({"RESOLVE": resolve, "XTEND": xtend}),
        "public_mjd": col.public(raw["public_date"]),
        "unusable_reason": marks.reasons(),
        "resolve_exposure": resolve,
        "xtend_exposure": xtend,
        "duration_s": duration_s,
        "resolve_mode": resolve_mode,
        "xtend_mode1_2": col.texts(raw["xtd_datamode1"]),
        "xtend_mode3_4": col.texts(raw["xtd_datamode2"]),
        "xtend_dataclass1_2": col.texts(raw["xtd_dataclas1"]),
        "xtend_dataclass3_4": col.texts(raw["xtd_dataclas2"]),
        "status": status,
    }


# « xa000126000rsl_p0px1000_cl.evt »: instrument, mode (Resolve: filter, Xtend: window and burst mode), level.
_NAME = re.compile(r"xa[0-9]{9}(rsl|xtd)(?:_p0([A-Za-z0-9]+))?([A-Za-z0-9_.]*)\.(?!gpg)([a-z0-9]+)")
_INSTRUMENTS = {"rsl": "RESOLVE", "xtd": "XTEND"}
_FOLDERS = {"RESOLVE": ("resolve", "rsl"), "XTEND": ("xtend", "xtd")}
_NO_SKY = ("px0000", "px5000")  # Resolve's filter wheel: position unknown; calibration source
_BANDS = {band.instrument: (band.low_kev, band.high_kev) for band in SPEC.bands}


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """Cleaned and unfiltered lists, housekeeping and quick-look products of both instruments, attitude and orbit.

    An instrument that the table knows to have been off has no folder. Files that are not public yet end in `.gpg`.
    """
    checked_obs_id(SPEC, obs_id)
    root = f"xrism/data/obs/{obs_id[0]}/{obs_id}/"

    def at(local: str, wanted: str, kinds: tuple[ProductKind, ...], optional: bool = False) -> RemoteFolder:
        return heasarc_folder(root, local, wanted, kinds, optional=optional, darts=f"xrism/data/obs/rev3/{obs_id[0]}/{obs_id}/")

    raw = (ProductKind.RAW,)
    made = (ProductKind.IMAGE, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE, ProductKind.RAW)
    found = []
    for instrument in _active(row):
        folder, code = _FOLDERS[instrument]
        name = rf"xa{obs_id}{code}_[A-Za-z0-9_]*"
        found += [
            at(f"{folder}/event_cl", rf"{name}\.evt(?:\.gz)?", (ProductKind.EVENTS, ProductKind.RAW)),
            at(f"{folder}/event_uf", rf"{name}\.[a-z0-9]+(?:\.gz)?", raw),
            at(f"{folder}/hk", ANY_FILE, raw, optional=True),
            at(f"{folder}/products", NO_PICTURE, made, optional=True),
        ]
    return (*found, at("auxil", ANY_FILE, raw, optional=True))


def _active(row: Mapping[str, Any]) -> tuple[str, ...]:
    """The instruments with data, as far as the row says; both where it names none."""
    named = str(row.get("instruments", "")).split()
    return tuple(name for name in _FOLDERS if name in named) or tuple(_FOLDERS)


def raw_file(name: str) -> RawFile | None:
    """« xa000126000xtd_p031100010_cl.evt.gz » is a cleaned list of Xtend, sub-exposure 31100010: its two pairs of chips, and each
    of Resolve's filters, have lists of their own.
    """
    match = _NAME.fullmatch(plain_name(name))
    if match is None:
        return None
    instrument, mode, rest, extension = _INSTRUMENTS[match[1]], match[2] or "", match[3], match[4]
    if extension == "evt" and rest == "_cl" and mode and mode not in _NO_SKY:
        return RawFile(ProductKind.EVENTS, instrument, exposure_text(mode))
    if extension == "img" and "sky" in rest:
        what = exposure_text(mode + re.sub("_cl|sky|[_.]", "", rest))
        return RawFile(ProductKind.IMAGE, instrument, what or "ALL", _BANDS[instrument])
    if kind := product_kind(extension):
        return RawFile(kind, instrument, exposure_text(f"{mode}{rest}_{extension}".strip("_")))
    return RawFile(ProductKind.RAW, instrument)
