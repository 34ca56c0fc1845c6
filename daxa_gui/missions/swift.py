"""Swift: the X-ray telescope (XRT) with its products, raw data of all three instruments.

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
from daxa_gui.missions.layout import ANY_FILE, NO_PICTURE, checked_obs_id, exposure_text, heasarc_folder, plain_name, product_kind

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
    kinds=(
        ProductKind.EVENTS,
        ProductKind.RAW,
        ProductKind.IMAGE,
        ProductKind.EXPOSURE_MAP,
        ProductKind.SPECTRUM,
        ProductKind.SOURCE_LIGHTCURVE,
    ),
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


# « sw00085374001xpcw3po_cl.evt »: instrument, mode (pc, wt) or filter, window, pointing (po), settling (st) or slew (sl), level.
# « uat » is an attitude that was derived from UVOT's stars: it belongs to the satellite.
_NAME = re.compile(r"sw[0-9]{11}(?!uat\.)([xub])([A-Za-z0-9]*?)(?:_([A-Za-z0-9_]+))?\.([a-z0-9]+)")
_LETTERS = {"x": "XRT", "u": "UVOT", "b": "BAT"}
_POINTED = re.compile(r"(?:pc|wt)w[0-9]po")
_BAND = (SPEC.bands[0].low_kev, SPEC.bands[0].high_kev)
_MADE = (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE, ProductKind.RAW)
_SKY = (ProductKind.IMAGE, ProductKind.EXPOSURE_MAP, ProductKind.RAW)
_RAW = (ProductKind.RAW,)
_NEAR_DAYS = 3.0  # so near to a month's first or last day an observation may lie in the other month's folder


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The folders of the instruments that took data, and attitude, orbit and housekeeping of the satellite (`auxil/`).

    The folder of the month is that of the start time (`start_mjd` of the row); near the edge of a month that of its neighbour is
    looked into where it is not there.
    """
    checked_obs_id(SPEC, obs_id)
    start_mjd = float(row.get("start_mjd", math.nan))
    if not math.isfinite(start_mjd):
        raise InputError(f"The start of Swift observation {obs_id} is not known, so neither is its folder in the archive.")
    month, *others = _months(start_mjd)

    def folder(local: str, wanted: str, kinds: tuple[ProductKind, ...], optional: bool = True) -> RemoteFolder:
        def at(month: str, *otherwise: RemoteFolder) -> RemoteFolder:
            root = f"swift/data/obs/{month}/{obs_id}/"
            return heasarc_folder(root, local, wanted, kinds, optional=optional, otherwise=otherwise)

        return at(month, *(at(other) for other in others))

    found = []
    if _took_data(row, "xrt_exposure"):
        found += [
            folder(
                "xrt/event", rf"sw{obs_id}x[a-z0-9]+_(?:cl|uf)\.evt\.gz", (ProductKind.EVENTS, ProductKind.RAW), optional=False
            ),
            folder("xrt/products", rf"sw{obs_id}x[A-Za-z0-9_]*\.(?:img|pha|arf|rmf|lc|flc)(?:\.gz)?", _MADE),
            folder("xrt/image", NO_PICTURE, _RAW),
            folder("xrt/hk", ANY_FILE, _RAW),
        ]
    if _took_data(row, "uvot_exposure"):
        found += [
            folder("uvot/image", NO_PICTURE, _SKY),
            folder("uvot/products", rf"sw{obs_id}u(?:_(?:sk|ex)\.img|\.cat)(?:\.gz)?", _SKY),
            folder("uvot/event", ANY_FILE, _RAW),
            folder("uvot/hk", ANY_FILE, _RAW),
        ]
    if _took_data(row, "bat_exposure"):
        found += [folder(f"bat/{local}", NO_PICTURE, _RAW) for local in ("event", "rate", "survey")]
    return (*found, folder("auxil", ANY_FILE, _RAW, optional=False))


def _took_data(row: Mapping[str, Any], column: str) -> bool:
    """Whether the table says that an instrument took data; true where it says nothing."""
    seconds = float(row.get(column, math.nan))
    return math.isnan(seconds) or seconds > 0


def _months(start_mjd: float) -> list[str]:
    """« 2014_11 », and the month before or after it if the start is near its edge."""
    days = (start_mjd, start_mjd - _NEAR_DAYS, start_mjd + _NEAR_DAYS)
    return list(dict.fromkeys(f"{calendar_day(day):%Y_%m}" for day in days))


def raw_file(name: str) -> RawFile | None:
    """« sw00085374001xpcw3po_cl.evt.gz »: photon counting (pc), window 3, pointing (po): the sub-exposure PCW3PO.

    Unfiltered lists (`_uf`) and those of slews and settling are raw data. UVOT's images are told apart by their filters
    (« W1 », « UU »); the archive's one image of all has none.
    """
    match = _NAME.fullmatch(plain_name(name))
    if match is None:
        return None
    letter, mode, level, extension = match.groups()
    instrument = _LETTERS[letter]
    exposure = mode.upper() or "ALL"
    if instrument == "XRT" and (level, extension) == ("cl", "evt") and _POINTED.fullmatch(mode):
        return RawFile(ProductKind.EVENTS, instrument, exposure)
    if instrument in ("XRT", "UVOT") and extension == "img" and level in ("sk", "ex"):
        kind = ProductKind.IMAGE if level == "sk" else ProductKind.EXPOSURE_MAP
        if instrument == "UVOT":
            return RawFile(kind, instrument, exposure)
        return RawFile(kind, instrument, exposure, _BAND)
    if instrument == "XRT" and (made := product_kind(extension)):
        return RawFile(made, instrument, exposure_text(mode + (level or "") + extension))
    return RawFile(ProductKind.RAW, instrument)
