"""Suzaku (XIS): a declaration, so that its event lists can be opened. Its table is not part of the program."""

from __future__ import annotations

from daxa_gui.core.mission import EventFormat, Instrument, MissionSpec

XIS = EventFormat(
    name="suzaku_xis",
    mission="suzaku",
    telescopes=("SUZAKU",),
    instruments=("XIS0", "XIS1", "XIS2", "XIS3"),
    mjdref=51544.00074287037,
    energy_per_channel_kev=0.00365,
    pixel_arcsec=1.04,
    pattern_column="GRADE",
    good_patterns=(0, 2, 3, 4, 6),
    image_bin=4,
    default_band_kev=(0.5, 8.0),
    flare_band_kev=(0.5, 8.0),
    flare_bin_s=128.0,
)

SPEC = MissionSpec(
    name="suzaku",
    label="Suzaku",
    obs_id_pattern=r"[0-9]{9}",
    obs_id_example="701018010",
    frame="FK5",
    instruments=tuple(Instrument(f"XIS{n}", f"XIS {n}", 9.5 / 60, (f"X{n}",)) for n in range(4)),
    default_instruments=("XIS0", "XIS1", "XIS2", "XIS3"),
    colour="#999933",
    symbol="t2",
    event_formats=(XIS,),
)
