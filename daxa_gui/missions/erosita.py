"""What the two eROSITA missions share: the seven telescope modules, the file names and the form of the event lists.

Sources: eSASS4DR1 and EDR data product descriptions (MPE); the flag bits are those of the eSASS task evtool.
"""

from __future__ import annotations

import re

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EventFormat, Instrument, RawFile
from daxa_gui.core.product import ProductKind

ALL_MODULES = "TM0"  # how eROSITA's file names call a list with all seven modules


def modules(fov_radius_deg: float, footprint: Footprint) -> tuple[Instrument, ...]:
    return tuple(Instrument(f"TM{n}", f"Telescope module {n}", fov_radius_deg, footprint=footprint) for n in range(1, 8))


def event_format(name: str, mission: str) -> EventFormat:
    """Both data sets have the same kind of list: all modules in one, told apart by TM_NR."""
    return EventFormat(
        name=name,
        mission=mission,
        telescopes=("EROSITA", "SRG", "SRG/EROSITA"),
        mjdref=51543.875,
        energy_per_channel_kev=0.001,  # PI is in eV
        pixel_arcsec=0.05,
        pattern_column="PAT_TYP",
        max_pattern=4,
        flag_column="FLAG",
        # What published work asks of evtool: corrupt events and frames, outside the field or the good time, bad pixels and
        # their neighbours, trailing events.
        flag_mask=0xC00FFF30,
        ccd_column="TM_NR",
        gti_extensions=(r"GTI\d", "GTI", "STDGTI"),
        image_bin=80,  # 4 arcsec, as the pixels of the published images
        default_band_kev=(0.2, 2.3),
        flare_band_kev=(5.0, 10.0),
        flare_bin_s=100.0,
    )


_EVENTS = re.compile(r"[a-z]{1,2}[0-9]{2}_([0-9]{6})_([0-9])[0-9]{2}_EventList_c[0-9]{3}\.fits(?:\.gz)?")


def raw_file(name: str) -> RawFile | None:
    """« pm00_700199_020_EventList_c001.fits » has the events of all modules (0), « em01_131093_120_… » of module 1."""
    match = _EVENTS.fullmatch(name)
    return RawFile(ProductKind.EVENTS, f"TM{match[2]}") if match else None
