"""eROSITA, first all-sky survey, German half (data release 1). An ObsID is a sky tile.

Its digits RRRDDD are right ascension and polar distance of the tile's centre in degrees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EnergyBand, MissionSpec, RemoteFolder, StaticTable
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
    bands=tuple(
        EnergyBand(low, high, code=code)
        for code, low, high in (
            ("0", 0.2, 10.0),
            ("1", 0.2, 0.6),
            ("2", 0.6, 2.3),
            ("3", 2.3, 5.0),
            ("4", 0.2, 2.3),
            ("5", 0.2, 0.5),
            ("6", 0.5, 1.0),
            ("7", 1.0, 2.0),
        )
    ),  # 0: event lists only
    files="daxa_gui.missions.erosita_all_sky_de_dr1:files",
    raw_file="daxa_gui.missions.erosita:raw_file",
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


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The tile's event list. On the server the declination part of the number comes first, then the part for RA."""
    checked_obs_id(SPEC, obs_id)
    wanted = rf"e[a-z]01_{obs_id}_0[0-9]{{2}}_EventList_c010\.fits\.gz"
    return (RemoteFolder("erosita_dr1", f"{obs_id[3:]}/{obs_id[:3]}/EXP_010/", wanted, local="EXP_010"),)
