"""eROSITA, calibration and performance verification: the early data release. Files come by whole fields, as tar files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from daxa_gui.core.errors import InputError
from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import MissionSpec, RemoteFolder, StaticTable
from daxa_gui.missions import erosita
from daxa_gui.missions.layout import checked_obs_id

SPEC = MissionSpec(
    name="erosita_calpv",
    label="eROSITA Cal-PV",
    obs_id_pattern=r"[0-9]{6}",
    obs_id_example="700199",
    frame="FK5",
    # Half the length of an eFEDS section, for whose scans no smaller circle would do; a pointed observation sees 0.52° of it.
    instruments=erosita.modules(4.5, Footprint("circle", 4.5)),
    default_instruments=("TM1", "TM2", "TM3", "TM4", "TM5", "TM6", "TM7"),
    colour="#009E73",
    symbol="h",
    event_formats=(erosita.event_format("erosita_calpv", "erosita_calpv"),),
    table=StaticTable(
        "catalogues/erosita_calpv.csv",
        "The 170 observations of the eROSITA early data release, as published by eROSITA-DE (MPE).",
    ),
    files="daxa_gui.missions.erosita_calpv:files",
    raw_file="daxa_gui.missions.erosita:raw_file",
    column_labels={
        "field_key": "Field key",
        "field_name": "Field",
        "field_type": "Field type",
        "archive_url": "Archive file",
    },
    acknowledgement=(
        "This work is based on data from eROSITA, the soft X-ray instrument aboard SRG, a joint Russian-German science mission "
        "supported by the Russian Space Agency (Roskosmos), in the interests of the Russian Academy of Sciences represented by "
        "its Space Research Institute (IKI), and the Deutsches Zentrum für Luft- und Raumfahrt (DLR)."
    ),
)


def files(obs_id: str, row: Mapping[str, Any]) -> tuple[RemoteFolder, ...]:
    """The tar file of the observation's field, and of its members the event list of this observation."""
    checked_obs_id(SPEC, obs_id)
    name = PurePosixPath(urlsplit(str(row.get("archive_url", ""))).path).name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+.-]*\.tar\.gz", name):
        raise InputError(f"The catalogue does not say in which archive file observation {obs_id} of {SPEC.label} is.")
    members = rf"(?:.*/)?[a-z]{{1,2}}[0-9]{{2}}_{obs_id}_0[0-9]{{2}}_EventList_c[0-9]{{3}}\.fits"
    return (RemoteFolder("erosita_edr", "", re.escape(name), archive_members=members),)
