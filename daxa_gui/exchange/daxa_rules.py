"""What DAXA 0.3.7 does without being told: which observations a fresh mission has, how far it searches, what its types mean.

DAXA's own words for these are in its classes of missions; they are stated here as filters and distances of this program.
"""

from __future__ import annotations

from collections.abc import Iterable

from daxa_gui.core.distance import Distance
from daxa_gui.core.filters import Category, Filter, HasInstrument, TargetType, Usable
from daxa_gui.core.mission import MissionSpec

INSTRUMENT_COLUMN = ("chandra", "rosat_pointed")  # each observation has one detector, and the choice of instruments is a filter
_SEVERAL_FIELDS = ("chandra", "swift", "rosat_pointed", "asca", "integral_pointed", "xrism_pointed")
MISSIONS_OF_DAXA = (
    "xmm_pointed", "chandra", "erosita_calpv", "erosita_all_sky_de_dr1", "nustar_pointed", "swift", "rosat_all_sky",
    "rosat_pointed", "suzaku", "asca", "integral_pointed", "xrism_pointed",
)  # fmt: skip
GRATINGS = ("HETG", "LETG")
# Codes of target types that select the same observations in DAXA and here. Its MISC is whatever it does not recognise, maybe
# because of another spelling: only where everything is MISC, or the categories are numbers, it is ours.
_SAME_TYPES = {
    "chandra": ("AGN", "EGE", "SNR", "NGS", "GCL", "CAL", "TOO"),
    "nustar_pointed": ("AGN", "TOO", "SOL", "CAL", "SNR", "NGS", "GCL"),
    "swift": ("MISC",),
    "integral_pointed": ("MISC",),
    "rosat_all_sky": ("ASK",),
    "rosat_pointed": ("STR", "CV", "NS", "SNR", "NGS", "AGN", "GCL", "EGE", "MISC"),
    "suzaku": ("CAL", "GCL", "TOO"),
    "asca": ("AGN", "SNR", "GCL", "XRB", "EGS", "NGS", "CV"),
    "xrism_pointed": ("AGN", "BLZ", "SOL", "SNR", "NGS", "GCL", "GS"),
}
# Codes that mean something else in DAXA: the missions' own categories that it counts as them.
_OTHER_TYPES = {
    ("chandra", "GS"): ("X-RAY BINARY", "CV"),
    ("nustar_pointed", "GS"): ("Galactic Compact Sources",),
    ("suzaku", "GS"): ("4 galactic point sources", "5 galactic diffuse emission"),
    ("suzaku", "EGS"): ("7 extragalactic compact sources",),
    ("asca", "GS"): ("STARS", "NORMAL STARS"),
    ("xrism_pointed", "NS"): ("BH and NS Binaries", "Non-Accreting Neutron Stars"),
    ("xrism_pointed", "STR"): ("Stellar Coronae, Winds, and Young Stars", "Accreting White Dwarfs and Novae"),
    ("xrism_pointed", "EGS"): (
        "Extragalactic Diffuse Emission and Surveys",
        "Extragalactic Transients: SNe, GRBs, GW Events, and TDEs",
    ),
}


def numbers_frame(spec: MissionSpec) -> str:
    """The frame of this program in which its catalogue has the numbers of DAXA's table.

    Catalogues from archives are turned from FK5 to ICRS; the static tables of eROSITA are taken as ICRS, DAXA calls them FK5.
    """
    return "icrs" if spec.table is not None or spec.frame == "ICRS" else "fk5"


def daxa_frame(spec: MissionSpec) -> str:
    """What DAXA takes the numbers of its table for."""
    return "icrs" if spec.frame == "ICRS" else "fk5"


def chosen_instruments(spec: MissionSpec, names: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The mission's names of instruments, aliases replaced and each once, and the names that it does not know."""
    known = {instrument.name.upper(): instrument.name for instrument in spec.instruments}
    for instrument in spec.instruments:
        known.update((alias.upper(), instrument.name) for alias in instrument.aliases)
    listed = [name.strip() for name in names]
    found = tuple(dict.fromkeys(known[name.upper()] for name in listed if name.upper() in known))
    return found, tuple(name for name in listed if name.upper() not in known)


def base_filter(spec: MissionSpec, instruments: tuple[str, ...]) -> Filter:
    """The observations of a fresh mission: those fit for science; for Chandra and ROSAT's pointed ones those of the chosen
    instruments only. Chandra's gratings count by themselves: without one, only observations without a grating are left."""
    if spec.name not in INSTRUMENT_COLUMN:
        return Usable()
    detectors = tuple(name for name in instruments if name not in GRATINGS)
    gratings = tuple(name for name in instruments if name in GRATINGS)
    base = Usable() & HasInstrument(detectors or instruments)
    if spec.name != "chandra":
        return base
    return base & HasInstrument(gratings) if gratings else base & ~HasInstrument(GRATINGS)


def default_distance(spec: MissionSpec, instruments: tuple[str, ...]) -> Distance:
    """1.2 x the field of view: of each observation's own detector where it has one only; otherwise the largest of the chosen
    instruments, or the mission's only one."""
    fields = {instrument.name: instrument.fov_radius_deg for instrument in spec.instruments}
    if spec.name in INSTRUMENT_COLUMN:
        return Distance.of_instruments({name: 1.2 * deg for name, deg in fields.items() if name not in GRATINGS})
    counted = instruments if spec.name in _SEVERAL_FIELDS and instruments else spec.default_instruments
    return Distance.fixed(1.2 * max(fields[name] for name in counted))


def same_types(mission: str, codes: Iterable[str]) -> bool:
    """Whether these target types select the same observations in DAXA as here."""
    return set(codes) <= set(_SAME_TYPES.get(mission, ()))


def type_filter(mission: str, codes: tuple[str, ...]) -> Filter:
    """What DAXA means by target types; raises InputError for one that does not exist."""
    here = tuple(code for code in codes if (mission, code) not in _OTHER_TYPES)
    others = tuple(text for code in codes for text in _OTHER_TYPES.get((mission, code), ()))
    if not others:
        return TargetType(here)
    return TargetType(here) | Category(others) if here else Category(others)
