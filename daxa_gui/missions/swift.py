"""Swift: cleaned event lists of the X-ray telescope (XRT).

Sources: HEASARC's table `swiftmastr` and its swift/data/obs tree; Swift XRT Data Reduction Guide."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EnergyBand, EventFormat, Instrument, MissionSpec, RawFile, RemoteFolder, TapSource
from daxa_gui.core.product import ProductKind
from daxa_gui.core.table import DataTable
from daxa_gui.core.times import calendar_day
from daxa_gui.missions import columns as col
from daxa_gui.missions.layout import HEASARC, checked_obs_id

XRT = EventFormat(
    name="swift_xrt",
    mission="swift",
    telescopes=("SWIFT",),
    instruments=("XRT",),
    mjdref=51910.00074287037,
    energy_per_channel_kev=0.01,
    pixel_arcsec=2.357,
    pattern_column="GRADE",
    max_pattern=12,  # photon counting; lists in windowed timing mode have grades 0 to 2 once they are cleaned
    flag_column="STATUS",
    flag_mask=None,
    image_bin=1,
    default_band_kev=(0.3, 10.0),
    flare_band_kev=(0.3, 10.0),
    flare_bin_s=100.0,
    notes="Unfiltered lists (_uf) have no PI and hold events outside the good time.",
)

# The two telescopes have square detectors along the spacecraft's axes. BAT's half-coded field is 100° x 60°, and the table's roll
# says how it lies; but a circle around its longer side, as in DAXA, never misses what it may have seen.
XRT_FIELD = Footprint("square", 11.8 / 60, roll_column="roll_angle")
UVOT_FIELD = Footprint("square", 8.5 / 60, roll_column="roll_angle")
BAT_FIELD = Footprint("circle", 50.0)

SWIFTMASTR = TapSource(
    service="heasarc",
    table="swiftmastr",
    key="obsid",
    columns=(
        "obsid", "name", "ra", "dec", "roll_angle", "start_time", "stop_time", "xrt_exposure", "uvot_exposure", "bat_exposure",
    ),
    build="daxa_gui.missions.swift:catalogue_columns",
    optional=(("name", "text"),),
)  # fmt: skip

SPEC = MissionSpec(
    name="swift",
    label="Swift",
    obs_id_pattern=r"[0-9]{11}",
    obs_id_example="00173780007",
    frame="FK5",
    instruments=(
        Instrument("XRT", "X-ray telescope", 11.8 / 60, footprint=XRT_FIELD, exposure_column="xrt_exposure"),
        Instrument("BAT", "Burst alert telescope", 50.0, footprint=BAT_FIELD, exposure_column="bat_exposure"),
        Instrument("UVOT", "UV and optical telescope", 8.5 / 60, footprint=UVOT_FIELD, exposure_column="uvot_exposure"),
    ),
    # Not BAT as DAXA has it: with its field of 50 degrees every search finds nearly everything.
    default_instruments=("XRT",),
    colour="#E69F00",
    symbol="t1",
    event_formats=(XRT,),
    sources=(SWIFTMASTR,),
    bands=(EnergyBand(0.01, 10.23, "XRT"),),  # UVOT's images are in filters, not in bands of energy
    files="daxa_gui.missions.swift:files",
    raw_file="daxa_gui.missions.swift:raw_file",
    column_labels={
        "xrt_exposure": "XRT exposure (s)",
        "uvot_exposure": "UVOT exposure (s)",
        "bat_exposure": "BAT exposure (s)",
        "roll_angle": "Roll angle (deg)",
    },
    acknowledgement="This work made use of data supplied by the UK Swift Science Data Centre at the University of Leicester.",
)


def catalogue_columns(raw: DataTable) -> dict[str, col.Column]:
    """The columns of a catalogue from `swiftmastr`, which has no classes of targets.

    The exposure is XRT's, or where XRT took no data the longer of the other two instruments'.
    """
    marks, n_rows = col.Marks(len(raw)), len(raw)
    ra_deg, dec_deg = col.positions(raw["ra"], raw["dec"], "fk5", marks)
    start_mjd = col.starts(raw["start_time"], marks)
    xrt, uvot, bat = col.exposures(raw["xrt_exposure"], raw["uvot_exposure"], raw["bat_exposure"])
    marks.add(col.none_positive((xrt, uvot, bat)), col.NO_EXPOSURE)
    return {
        "obs_id": col.obs_ids(raw["obsid"], 11),
        "ra_deg": ra_deg,
        "dec_deg": dec_deg,
        "start_mjd": start_mjd,
        "end_mjd": col.ends(start_mjd, col.mjd(raw["stop_time"])),
        "exposure_s": col.first_positive(xrt, col.longest((xrt, uvot, bat))),
        "target": col.texts(raw["name"]),
        "target_type": col.constant(n_rows, col.UNCLASSIFIED),
        "category": col.constant(n_rows, ""),
        "instruments": col.active({"XRT": xrt, "BAT": bat, "UVOT": uvot}),
        "public_mjd": col.unrestricted(n_rows),
        "unusable_reason": marks.reasons(),
        "xrt_exposure": xrt,
        "uvot_exposure": uvot,
        "bat_exposure": bat,
        "roll_angle": col.numbers(raw["roll_angle"]),
    }


_EVENTS = re.compile(r"sw[0-9]{11}x(pc|wt)(w[0-9])(po|st|sl)_cl\.evt(?:\.gz)?")
_IMAGE = re.compile(r"sw[0-9]{11}x(pc|wt)_(sk|ex)\.img(?:\.gz)?")


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The cleaned lists of the pointing (no slews, no settling) and the archive's own sky image and exposure map.

    The folder of the month is that of the start time (`start_mjd` of the row).
    """
    checked_obs_id(SPEC, obs_id)
    start_mjd = float(row.get("start_mjd", math.nan))
    if not math.isfinite(start_mjd):
        raise InputError(f"The start of Swift observation {obs_id} is not known, so neither is its folder in the archive.")
    folder = f"swift/data/obs/{calendar_day(start_mjd):%Y_%m}/{obs_id}/xrt/"
    return (
        RemoteFolder(HEASARC, f"{folder}event/", rf"sw{obs_id}x(?:pc|wt)w[0-9]po_cl\.evt\.gz", local="xrt/event"),
        RemoteFolder(
            HEASARC, f"{folder}products/", rf"sw{obs_id}xpc_(?:sk|ex)\.img\.gz",
            local="xrt/products", kind=ProductKind.IMAGE, optional=True,
        ),
    )  # fmt: skip


def raw_file(name: str) -> RawFile | None:
    """« sw00085374001xpcw3po_cl.evt.gz »: photon counting (pc), window 3, pointing (po): the sub-exposure PCW3PO."""
    if match := _EVENTS.fullmatch(name):
        return RawFile(ProductKind.EVENTS, "XRT", f"{match[1]}{match[2]}{match[3]}".upper())
    if match := _IMAGE.fullmatch(name):
        kind = ProductKind.IMAGE if match[2] == "sk" else ProductKind.EXPOSURE_MAP
        return RawFile(kind, "XRT", match[1].upper())
    return None
