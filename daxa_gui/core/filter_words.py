"""The words that sentences of filters share: angles, places, days, distances."""

from __future__ import annotations

from collections.abc import Sequence

from daxa_gui.core.distance import Distance
from daxa_gui.core.sky import SkyPosition, format_sexagesimal
from daxa_gui.core.times import mjd_to_text

MANY = 3  # more things than this are counted in a sentence, not listed


def format_angle(angle_deg: float) -> str:
    """An angle in the unit that suits its size: « 2.5° », « 18′ », « 4″ »."""
    for factor, sign in ((1, "°"), (60, "′")):
        if angle_deg * factor >= 0.99999:
            return f"{angle_deg * factor:.6g}{sign}"
    return f"{angle_deg * 3600:.6g}″"


def format_seconds(seconds: float, digits: int = 15) -> str:
    """A duration in the unit that suits its size: « 20 ks », « 1.5 s »."""
    return f"{seconds / 1000.0:.{digits}g} ks" if abs(seconds) >= 1000.0 else f"{seconds:.{digits}g} s"


def place_words(position: SkyPosition) -> str:
    return position.name or format_sexagesimal(position.ra_deg, position.dec_deg)


def day_words(mjd: float) -> str:
    try:
        return mjd_to_text(mjd)
    except (OverflowError, ValueError):
        return f"MJD {mjd:g}"  # outside the years that calendars here know


def distance_words(distance: Distance) -> str:
    """What comes before « of X »; « footprint » is a way of speaking of its own (see Positions)."""
    if distance.kind == "fixed" and distance.deg is not None:
        return f"within {format_angle(distance.deg)}"
    if distance.kind == "instruments":
        return "within " + ", ".join(f"{format_angle(deg)} for {name}" for name, deg in distance.by_instrument)
    if distance.kind == "positions":
        return "within its own distance"
    return "within each instrument's default distance"


def listed(things: Sequence[str], joined: str = "or") -> str:
    """« A », « A or B », « A, B or C »."""
    if len(things) < 2:
        return "".join(things)
    return f"{', '.join(things[:-1])} {joined} {things[-1]}"
