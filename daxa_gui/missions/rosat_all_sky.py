"""ROSAT all-sky survey: a declaration, so that its event lists can be opened. Its table is not part of the program."""

from __future__ import annotations

from daxa_gui.core.mission import Instrument, MissionSpec
from daxa_gui.missions.rosat_pointed import pspc_format

SPEC = MissionSpec(
    name="rosat_all_sky",
    label="RASS",
    obs_id_pattern=r"RS[0-9]{6}[A-Z][0-9]{2}",
    obs_id_example="RS930521N00",
    frame="FK5",
    instruments=(Instrument("PSPC", "PSPC-C", 3.0, ("PSPC-C", "PSPCC")),),  # half a field of 6 x 6 degrees
    default_instruments=("PSPC",),
    colour="#DDCC77",
    symbol="p",
    event_formats=(pspc_format("rosat_all_sky_pspc", "rosat_all_sky"),),
)
