"""NICER: no catalogue, but its event lists can be opened. They have no sky coordinates: the detectors do not make images."""

from __future__ import annotations

from daxa_gui.core.mission import EventFormat

FORMAT = EventFormat(
    name="nicer_xti",
    mission="nicer",
    telescopes=("NICER",),
    instruments=("XTI",),
    mjdref=56658.000777592593,
    energy_per_channel_kev=0.01,
    x_column="",
    y_column="",
    gti_extensions=("GTI", "STDGTI"),
    default_band_kev=(0.3, 10.0),
    flare_band_kev=(12.0, 15.0),
    flare_bin_s=60.0,
    notes="TIMEZERO is -1 s in real files and is to be added.",
)
