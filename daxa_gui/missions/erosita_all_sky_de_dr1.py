"""eROSITA, first all-sky survey, German half (data release 1). An ObsID is a sky tile.

Its digits RRRDDD are right ascension and polar distance of the tile's centre in degrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EnergyBand, MissionSpec, RemoteFolder, StaticTable
from daxa_gui.core.product import ProductKind
from daxa_gui.missions import erosita
from daxa_gui.missions.erosita_calpv import SPEC as CALPV
from daxa_gui.missions.layout import checked_obs_id

SPEC = MissionSpec(
    name="erosita_all_sky_de_dr1",
    label="eRASS DE:1",
    obs_id_pattern=r"[0-9]{6}",
    obs_id_example="134135",
    frame="FK5",
    instruments=erosita.modules(1.8, Footprint("tile", 1.8)),  # half a tile of 3.6 degrees; the table has each tile's bounds
    default_instruments=("TM1", "TM2", "TM3", "TM4", "TM5", "TM6", "TM7"),
    colour="#56B4E9",
    symbol="s",
    event_formats=(erosita.event_format("erosita_all_sky", "erosita_all_sky_de_dr1"),),
    table=StaticTable(
        "catalogues/erosita_all_sky_de_dr1.csv",
        "The 2447 sky tiles of the eROSITA-DE data release 1 (eRASS1), as published by eROSITA-DE (MPE).",
    ),
    bands=tuple(EnergyBand(low, high, code=code) for code, (low, high) in erosita.BANDS.items()),  # 0: event lists only
    files="daxa_gui.missions.erosita_all_sky_de_dr1:files",
    raw_file="daxa_gui.missions.erosita:raw_file",
    kinds=(
        ProductKind.EVENTS,
        ProductKind.IMAGE,
        ProductKind.EXPOSURE_MAP,
        ProductKind.BACKGROUND_MAP,
        ProductKind.SPECTRUM,
        ProductKind.SOURCE_LIGHTCURVE,
    ),
    column_labels={
        "owner_code": "Owner code",
        "ownership": "Owner",
        "ra_min_deg": "RA from (deg)",
        "ra_max_deg": "RA to (deg)",
        "dec_min_deg": "Dec from (deg)",
        "dec_max_deg": "Dec to (deg)",
        "x_margin_arcmin": "Overlap in x (arcmin)",
        "y_margin_arcmin": "Overlap in y (arcmin)",
        "n_neighbours": "Neighbours",
        "n_neighbours_in_release": "Neighbours in the release",
        "neighbour_ids": "Neighbouring tiles",
        "span_s": "Time span (s)",
        "time_adjusted": "Time adjusted",
    },
    acknowledgement=CALPV.acknowledgement,
)


VERSION = "010"  # of the pipeline: the only one that was published


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The tile's event list and images, its exposure and background maps, and the spectra and light curves of its sources.

    On the server the declination part of the number comes first, then the part for right ascension.
    """
    checked_obs_id(SPEC, obs_id)

    def folder(name: str, products: str, *kinds: ProductKind, modules: str = "0", optional: bool = False) -> RemoteFolder:
        local = f"{name}_{VERSION}"
        wanted = rf"e[a-z]01_{obs_id}_{modules}[0-9]{{2}}_(?:{products})_c{VERSION}\.fits(?:\.gz)?"
        path = f"{obs_id[3:]}/{obs_id[:3]}/{local}/"
        return RemoteFolder("erosita_dr1", path, wanted, local, kinds[0], kinds=kinds, optional=optional)

    sources = rf"(?:{'|'.join(erosita.SPECTRA)}|LightCurve)_[0-9]{{5}}"
    return (
        folder("EXP", "EventList|Image", ProductKind.EVENTS, ProductKind.IMAGE),
        folder("DET", "ExposureMap|BackgrImage", ProductKind.EXPOSURE_MAP, ProductKind.BACKGROUND_MAP),
        folder("SOU", sources, ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE, modules="[0-9]", optional=True),
    )
