"""What the two eROSITA missions share: the seven telescope modules, the file names and the form of the event lists.

Sources: eSASS4DR1 and EDR data product descriptions (MPE); the flag bits are those of the eSASS task evtool.
"""

from __future__ import annotations

import re

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.mission import EventFormat, Instrument, RawFile
from daxa_gui.core.product import ProductKind
from daxa_gui.missions.layout import exposure_text, plain_name

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


_NAME = re.compile(r"([a-z]{1,2})[0-9]{2}_[0-9]{6}_([0-9])([0-9])([0-9])_([A-Za-z]+)(?:_([0-9]{5}))?_c[0-9]{3}\.fits")
BANDS = {
    "0": (0.2, 10.0),
    "1": (0.2, 0.6),
    "2": (0.6, 2.3),
    "3": (2.3, 5.0),
    "4": (0.2, 2.3),
    "5": (0.2, 0.5),
    "6": (0.5, 1.0),
    "7": (1.0, 2.0),
}
_MAPS = {"Image": ProductKind.IMAGE, "ExposureMap": ProductKind.EXPOSURE_MAP, "BackgrImage": ProductKind.BACKGROUND_MAP}
SPECTRA = ("SourceSpec", "BackgrSpec", "ARF", "RMF")
_OPEN = "2"  # position of the filter wheel in nearly all observations: the filter is in, and the sky is seen


def raw_file(name: str) -> RawFile | None:
    """« pm00_700199_020_EventList_c001.fits » has the events of all modules (0), « em01_131093_120_… » of module 1; the digits
    are module (8: those with a filter of their own, 9: those without), filter wheel, and band of energies.

    The version of the processing (c010) is not looked at. Sources have their number in the exposure (« SOURCESPEC00005 »).
    """
    match = _NAME.fullmatch(plain_name(name))
    if match is None:
        return None
    _, module, wheel, band, what, source = match.groups()
    instrument, exposure = f"TM{module}", "" if wheel == _OPEN else f"FW{wheel}"
    if what == "EventList" and not source:
        return RawFile(ProductKind.EVENTS, instrument, exposure + (f"B{band}" if band != "0" else "") or "ALL")
    if what in _MAPS and not source:
        known = BANDS.get(band)
        return RawFile(_MAPS[what], instrument, exposure + ("" if known else f"B{band}") or "ALL", known)
    if what in (*SPECTRA, "LightCurve") and source:
        kind = ProductKind.SOURCE_LIGHTCURVE if what == "LightCurve" else ProductKind.SPECTRUM
        return RawFile(kind, instrument, exposure_text(exposure + what + source))
    return None
