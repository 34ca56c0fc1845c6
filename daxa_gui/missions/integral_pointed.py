"""INTEGRAL, pointed science windows: a declaration only. Neither its table nor its event lists can be read yet: coded masks need
software of their own."""

from __future__ import annotations

from daxa_gui.core.mission import Instrument, MissionSpec

SPEC = MissionSpec(
    name="integral_pointed",
    label="INTEGRAL Pointed",
    obs_id_pattern=r"[0-9]{12}",
    obs_id_example="218500510010",
    frame="FK5",
    instruments=(
        # radii of the fully coded fields
        Instrument("JEMX1", "JEM-X 1", 2.4),
        Instrument("JEMX2", "JEM-X 2", 2.4),
        Instrument("ISGRI", "IBIS/ISGRI", 4.15),
        Instrument("PICsIT", "IBIS/PICsIT", 4.15, ("PICSIT",)),
        Instrument("SPI", "SPI", 7.0),
    ),
    default_instruments=("JEMX1", "JEMX2", "ISGRI"),
    colour="#44AA99",
    symbol="+",
)
