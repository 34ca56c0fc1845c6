"""INTEGRAL, pointed science windows: raw data only. Its event lists cannot be read: coded masks need software of their own.

Source: HEASARC's table `intscwpub` (public, pointed windows). An « ObsID » here is the number of a science window."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import Instrument, MissionSpec, RawFile, RemoteFolder, TapSource
from daxa_gui.core.product import ProductKind
from daxa_gui.core.table import DataTable
from daxa_gui.missions import columns as col
from daxa_gui.missions.layout import ANY_FILE, HEASARC, checked_obs_id, plain_name

# Fully coded fields; sources farther out are seen with less and less of the mask (HEASARC advises searching 3°, 10° and 12°
# around JEM-X, IBIS and SPI). JEM-X: a circle. IBIS: a square, whose roll the table does not have. SPI: a hexagon, here a circle.
JEMX_FIELD = Footprint("circle", 2.4)
IBIS_FIELD = Footprint("square", 4.15)
SPI_FIELD = Footprint("circle", 7.0)

INSTRUMENTS = {"JEMX1": "jemx1", "JEMX2": "jemx2", "ISGRI": "isgri", "PICsIT": "picsit", "SPI": "spi"}  # and in columns

INTSCWPUB = TapSource(
    service="heasarc",
    table="intscwpub",
    key="scw_id",
    columns=(
        "scw_id", "ra", "dec", "start_date", "end_date", "spi_mode", "good_jemx1", "good_jemx2", "good_isgri", "good_picsit",
        "good_spi", "data_in_heasarc", "scw_ver",
    ),
    build="daxa_gui.missions.integral_pointed:catalogue_columns",
)  # fmt: skip

SPEC = MissionSpec(
    name="integral_pointed",
    label="INTEGRAL Pointed",
    obs_id_pattern=r"[0-9]{12}",
    obs_id_example="218500510010",
    frame="FK5",
    instruments=(
        Instrument("JEMX1", "JEM-X 1", 2.4, (), JEMX_FIELD, "jemx1_exposure"),
        Instrument("JEMX2", "JEM-X 2", 2.4, (), JEMX_FIELD, "jemx2_exposure"),
        Instrument("ISGRI", "IBIS/ISGRI", 4.15, (), IBIS_FIELD, "isgri_exposure"),
        Instrument("PICsIT", "IBIS/PICsIT", 4.15, (), IBIS_FIELD, "picsit_exposure"),
        Instrument("SPI", "SPI", 7.0, (), SPI_FIELD, "spi_exposure"),
    ),
    default_instruments=("JEMX1", "JEMX2", "ISGRI"),
    colour="#44AA99",
    symbol="+",
    sources=(INTSCWPUB,),
    files="daxa_gui.missions.integral_pointed:files",
    raw_file="daxa_gui.missions.integral_pointed:raw_file",
    kinds=(ProductKind.RAW,),
    column_labels={
        **{f"{column}_exposure": f"{name} exposure (s)" for name, column in INSTRUMENTS.items()},
        "spi_mode": "SPI mode",
        "scw_ver": "Version",
    },
    acknowledgement=(
        "Based on observations with INTEGRAL, an ESA project with instruments and science data centre funded by ESA member "
        "states (especially the PI countries: Denmark, France, Germany, Italy, Switzerland, Spain), and with the participation "
        "of Russia and the USA."
    ),
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `intscwpub`, whose exposures are good times and whose windows have no targets.

    The exposure is the longest of the default instruments', or of all where those took no data.
    """
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["start_date"], marks)
    exposure_of = dict(zip(INSTRUMENTS, col.exposures(*(raw[f"good_{name}"] for name in INSTRUMENTS.values())), strict=True))
    marks.add(col.none_positive(list(exposure_of.values())), col.NO_EXPOSURE)
    marks.add(~col.is_true(raw["data_in_heasarc"]), col.NOT_HERE)
    default = col.longest([exposure_of[name] for name in SPEC.default_instruments])
    return {
        "obs_id": col.obs_ids(raw["scw_id"], 12),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["end_date"])),
        "exposure_s": col.first_positive(default, col.longest(list(exposure_of.values()))),
        "target": col.constant(n_rows, ""),
        "target_type": col.constant(n_rows, col.UNCLASSIFIED),
        "category": col.constant(n_rows, ""),
        "instruments": col.active(exposure_of),
        "public_mjd": col.unrestricted(n_rows),
        "unusable_reason": marks.reasons(),
        **{f"{column}_exposure": exposure_of[name] for name, column in INSTRUMENTS.items()},
        "spi_mode": col.texts(raw["spi_mode"]),
        "scw_ver": col.texts(raw["scw_ver"]),
    }


# What is in the names of one window's files. IBIS's own and those of its Compton mode serve both of its detectors.
_PARTS = {
    "jmx1": "JEMX1",
    "jmx2": "JEMX2",
    "isgri": "ISGRI",
    "picsit": "PICsIT",
    "ibis": "ISGRI_PICsIT",
    "compton": "ISGRI_PICsIT",
    "spi": "SPI",
}
_COMMON = ("swg.fits", "_scw.txt", "sc_")
_WANTED = rf"(?=.*(?:{'|'.join(re.escape(part) for part in (*_PARTS, *_COMMON))})){ANY_FILE}"


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The window's own files, in the observation's folder; and what all windows of its revolution share (calibration, orbit,
    housekeeping), once for all of them, where DAXA has it: `<revolution>/rev.001` and `aux/adp/<revolution>.001`.
    """
    checked_obs_id(SPEC, obs_id)
    revolution = obs_id[:4]
    version = str(row.get("scw_ver") or "").strip()
    version = version.zfill(3) if re.fullmatch("[0-9]{1,3}", version) else "001"
    raw = ProductKind.RAW
    window = f"integral/data/scw/{revolution}/{obs_id}.{version}/"
    shared, pointing = f"integral/data/scw/{revolution}/rev.001/", f"integral/data/aux/adp/{revolution}.001/"
    return (
        RemoteFolder(HEASARC, window, _WANTED, kind=raw),
        RemoteFolder(
            HEASARC, shared, ANY_FILE, local=f"{revolution}/rev.001", kind=raw, optional=True, recursive=True, shared=revolution
        ),
        RemoteFolder(
            HEASARC, pointing, rf"(?=.*fits){ANY_FILE}", local=f"aux/adp/{revolution}.001", kind=raw, optional=True,
            shared=revolution,
        ),
    )  # fmt: skip


def raw_file(name: str) -> RawFile | None:
    """« jmx1_events.fits.gz » is of JEM-X 1, « ibis_hk.fits.gz » of both detectors of IBIS, « sc_gti.fits.gz » of the satellite.
    Names that say nothing of an instrument belong to all.
    """
    plain = plain_name(name).lower()
    if not re.fullmatch(ANY_FILE, plain):
        return None
    found = [instrument for part, instrument in _PARTS.items() if part in plain]
    return RawFile(ProductKind.RAW, found[0] if found else "")
