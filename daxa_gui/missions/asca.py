"""ASCA (SIS and GIS): a declaration, so that its event lists can be opened. Its table is not part of the program."""

from __future__ import annotations

from daxa_gui.core.mission import EventFormat, Instrument, MissionSpec

MJDREF = 48988.0  # 1993-01-01

SIS = EventFormat(
    name="asca_sis",
    mission="asca",
    telescopes=("ASCA",),
    instruments=("SIS0", "SIS1"),
    mjdref=MJDREF,
    timesys="UTC",
    energy_per_channel_kev=0.003656,
    pixel_arcsec=1.6,
    pattern_column="GRADE",
    good_patterns=(0, 2, 3, 4),
    ccd_column="CCDID",
    gti_extensions=("STDGTI", "GTI"),
    image_bin=4,
    default_band_kev=(0.5, 8.0),
    flare_band_kev=(0.5, 8.0),
    flare_bin_s=128.0,
)
GIS = EventFormat(
    name="asca_gis",
    mission="asca",
    telescopes=("ASCA",),
    instruments=("GIS2", "GIS3"),
    mjdref=MJDREF,
    timesys="UTC",
    energy_per_channel_kev=0.01176,
    pixel_arcsec=15.0,
    gti_extensions=("STDGTI", "GTI"),
    image_bin=1,
    default_band_kev=(0.7, 10.0),
    flare_band_kev=(0.7, 10.0),
    flare_bin_s=128.0,
)

SPEC = MissionSpec(
    name="asca",
    label="ASCA",
    obs_id_pattern=r"[0-9]{8}",
    obs_id_example="48002000",
    frame="FK5",
    instruments=(
        Instrument("SIS0", "SIS 0", 11 / 60, ("S0",)),
        Instrument("SIS1", "SIS 1", 11 / 60, ("S1",)),
        Instrument("GIS2", "GIS 2", 25 / 60, ("G2",)),
        Instrument("GIS3", "GIS 3", 25 / 60, ("G3",)),
    ),
    default_instruments=("SIS0", "SIS1", "GIS2", "GIS3"),
    colour="#CC6677",
    symbol="t3",
    event_formats=(SIS, GIS),
)
