"""How numbers, positions and times are written for people. Units are part of the text; times are UTC, positions ICRS."""

from __future__ import annotations

import math

from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import format_sexagesimal
from daxa_gui.core.times import mjd_to_text

UNKNOWN = "–"
_NARROW_SPACE = "\u202f"
ANGLE_UNITS_DEG = {"°": 1.0, "′": 1.0 / 60.0, "″": 1.0 / 3600.0}


def count_text(number: int) -> str:
    """« 2 447 », with narrow spaces that do not break."""
    return f"{number:,}".replace(",", _NARROW_SPACE)


def counted(number: int, one: str, many: str) -> str:
    """« 1 observation », « 54 observations »."""
    return f"{count_text(number)} {one if number == 1 else many}"


def unbroken(text: str) -> str:
    """With blanks inside « » that no line ends at."""
    return text.replace("« ", "«\u00a0").replace(" »", "\u00a0»")


def as_sentence(text: str) -> str:
    """With a capital letter at the beginning."""
    return unbroken(text[:1].upper() + text[1:])


def ra_text(ra_deg: float, style: str) -> str:
    """« 10 41 00.0 » or « 160.25000 »; `style` is "sexagesimal" or "degrees"."""
    if not math.isfinite(ra_deg):
        return UNKNOWN
    if style == "degrees":
        return f"{ra_deg:.5f}"
    return " ".join(format_sexagesimal(ra_deg, 0.0).split(" ")[:3])


def dec_text(dec_deg: float, style: str) -> str:
    """« -12 21 00 » or « -12.35000 »."""
    if not math.isfinite(dec_deg):
        return UNKNOWN
    if style == "degrees":
        return f"{dec_deg:+.5f}"
    return " ".join(format_sexagesimal(0.0, dec_deg).split(" ")[3:])


def position_text(ra_deg: float, dec_deg: float, style: str) -> str:
    """« 10h 41m 00.0s -12° 21′ 00″ » or « 160.25000° -12.35000° »."""
    if not (math.isfinite(ra_deg) and math.isfinite(dec_deg)):
        return UNKNOWN
    return " ".join(split_position(ra_deg, dec_deg, style))


def split_position(ra_deg: float, dec_deg: float, style: str) -> tuple[str, str]:
    """« 10h 41m 00.0s » and « -12° 21′ 00″ », or degrees."""
    if not (math.isfinite(ra_deg) and math.isfinite(dec_deg)):
        return UNKNOWN, UNKNOWN
    if style == "degrees":
        return f"{ra_deg:.5f}°", f"{dec_deg:+.5f}°"
    h, m, s, d, am, asec = format_sexagesimal(ra_deg, dec_deg).split(" ")
    return f"{h}h {m}m {s}s", f"{d}° {am}′ {asec}″"


def typed_position(ra_deg: float, dec_deg: float, style: str) -> str:
    """A position as it stands in an entry: without units, and exact enough to come back."""
    return f"{ra_deg:.6f} {dec_deg:+.6f}" if style == "degrees" else format_sexagesimal(ra_deg, dec_deg, 2)


def utc_text(mjd: float) -> str:
    """« 2019-11-03 12:30:15 »; the unit stands in the heading."""
    return mjd_to_text(mjd) if math.isfinite(mjd) else UNKNOWN


def kiloseconds(seconds: float) -> str:
    return f"{seconds / 1000.0:.1f}" if math.isfinite(seconds) else UNKNOWN


def angle_text(angle_deg: float) -> str:
    """« 4.5° », « 18′ », « 30″ »: in the unit that gives a handy number."""
    size = abs(angle_deg)
    if not math.isfinite(size):
        return UNKNOWN
    if size >= 1.0:
        return f"{angle_deg:.4g}°"
    if size * 60.0 >= 1.0:
        return f"{angle_deg * 60.0:.4g}′"
    return f"{angle_deg * 3600.0:.3g}″"


def angle_in_entry(angle_deg: float) -> tuple[str, str]:
    """Number and unit for an entry, such as ("18", "′")."""
    size = abs(angle_deg)
    unit = "°" if size >= 1.0 else "′" if size * 60.0 >= 1.0 else "″"
    return f"{angle_deg / ANGLE_UNITS_DEG[unit]:.8g}", unit


def read_angle(text: str, unit: str, what: str = "radius") -> float:
    """Degrees of a number in a unit of ANGLE_UNITS_DEG.

    Raises
    ------
    InputError : no number, or not above 0° and at most 180°.
    """
    try:
        value = float(text.strip()) * ANGLE_UNITS_DEG[unit]
    except ValueError:
        raise InputError(f"The {what} has to be a number, not « {text.strip()} ».") from None
    if not 0.0 < value <= 180.0:
        raise InputError(f"The {what} has to be above 0° and at most 180°.")
    return value


def short_label(spec: MissionSpec) -> str:
    """A mission's name where space is scarce."""
    return spec.label.removesuffix(" Pointed")
