"""XRISM: a declaration, so that its event lists can be opened. Its table is not part of the program."""

from __future__ import annotations

from daxa_gui.core.mission import EventFormat, Instrument, MissionSpec

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

SPEC = MissionSpec(
    name="xrism_pointed",
    label="XRISM Pointed",
    obs_id_pattern=r"[0-9]{9}",
    obs_id_example="000126000",
    frame="FK5",
    instruments=(Instrument("RESOLVE", "Resolve", 1.5 / 60), Instrument("XTEND", "Xtend", 19 / 60)),
    default_instruments=("RESOLVE", "XTEND"),
    colour="#882255",
    symbol="x",
    event_formats=(RESOLVE, XTEND),
)
