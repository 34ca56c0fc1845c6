"""Single angles as people write them: « 83.633 », « 83.633d », « 05:34:31.9 », « 5h34m31.9s », « +22°00′52″ », « 5.5754h ».

Degrees. Texts are hostile: they are short before they are looked at, and no pattern here can go back over what it has matched."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from daxa_gui.core.errors import InputError

LONGEST = 200  # characters of a position
HINT = "Write degrees « 83.633 +22.014 », sexagesimal « 05 34 31.9 +22 00 52 », galactic « l=184.56 b=-5.78 » or a name with J."

_SAME_SIGNS = str.maketrans(
    {
        **dict.fromkeys("−‒–—﹣－", "-"),
        **dict.fromkeys("＋﹢", "+"),
        **dict.fromkeys("º˚∘ᵈ", "°"),
        **dict.fromkeys("′’‘ʹ´`ʼ", "'"),
        **dict.fromkeys("″”“ʺ", '"'),
        **{"ʰ": "h", "ᵐ": "m", "ˢ": "s", "；": ";", "，": ",", "：": ":", "＝": "="},
        **dict.fromkeys("\t\r\n\v\f\u00a0\u2007\u2008\u2009\u200a\u202f\u2002\u2003\u2005\u3000", " "),
        **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff", None),
    }
)
_UNITS = {
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "d": "d", "°": "d", "deg": "d", "degs": "d", "degree": "d",
    "degrees": "d", "m": "m", "min": "m", "arcmin": "m", "'": "m", "s": "s", "sec": "s", "arcsec": "s", '"': "s", "''": "s",
    ":": ":", "rad": "rad", "radian": "rad", "radians": "rad",
}  # fmt: skip
_NUMBER = re.compile(
    r"([+-]?)\s?(\d{1,20}(?:\.\d{0,30})?(?:e[+-]?\d{1,2})?(?![\d.])|\.\d{1,30}(?:e[+-]?\d{1,2})?(?![\d.]))", re.A | re.I
)
_UNIT = re.compile(r"\s*(''|[a-z]{1,8}|[°'\":])", re.I)
_LEVELS = {"h": 0, "d": 0, "m": 1, "s": 2}


@dataclass(frozen=True)
class Part:
    """One number of an angle with what follows it: `unit` is h, d, m, s, rad, « : » or empty. `text` is the number as written."""

    value: float
    sign: str
    unit: str
    text: str

    @property
    def whole(self) -> bool:
        return self.text.isdigit()


def plain(text: str) -> str:
    """With the usual signs instead of typographic ones, one blank instead of several.

    Raises
    ------
    InputError : the text is too long for a position.
    """
    if len(text) > LONGEST:
        raise InputError(f"« {text[:40].strip()} … » is too long for a position ({len(text)} characters).", HINT)
    return " ".join(text.translate(_SAME_SIGNS).split())


def scan(text: str, whole: str = "") -> list[Part]:
    """The numbers of a text (as `plain` gives it) with their units. Commas are blanks here.

    Raises
    ------
    InputError : there is something else in it; the message quotes `whole`.
    """
    text, parts, place = text.replace(",", " ").strip(), [], 0
    while place < len(text):
        number = _NUMBER.match(text, place)
        if number is None:
            raise InputError(f"« {whole or text} » is not a position.", HINT)
        place = number.end()
        unit = _UNIT.match(text, place)
        if unit is not None:
            if unit[1].lower() not in _UNITS:
                raise InputError(f"« {whole or text} » is not a position: « {unit[1]} » is no unit of an angle.", HINT)
            place = unit.end()
        while place < len(text) and text[place] == " ":
            place += 1
        name = _UNITS[unit[1].lower()] if unit else ""
        parts.append(Part(float(number[2]), number[1], name, number[2]))
    return parts


def angle_deg(parts: Sequence[Part], what: str, whole: str, *, hours: bool) -> float:
    """Degrees of the numbers of one angle.

    Parameters
    ----------
    what : « right ascension », for the messages.
    hours : whether several numbers without a unit begin with hours (one number without a unit is always degrees).

    Raises
    ------
    InputError : the numbers are no angle, or one of them is out of range; the message names it.
    """
    if not 1 <= len(parts) <= 3:
        raise InputError(f"« {whole} » is not a position: the {what} has {len(parts)} numbers.", HINT)
    first = parts[0]
    if len(parts) == 1 and first.unit == "rad":
        return math.degrees(first.value) * (-1 if first.sign == "-" else 1)
    _check_order(parts, what, whole)
    in_hours = first.unit == "h" or (hours and len(parts) > 1 and first.unit != "d")
    if in_hours and sum(part.value / 60**level for level, part in enumerate(parts)) > 24:
        raise InputError(f"The {what} in « {whole} » has {first.text} hours; there are 24 in a turn.", HINT)
    for part, name in zip(parts[1:], ("minutes", "seconds"), strict=False):
        if part.value >= 60:
            raise InputError(f"The {what} in « {whole} » has {part.text} {name}; they must be below 60.", HINT)
    size = sum(part.value / 60**level for level, part in enumerate(parts)) * (15.0 if in_hours else 1.0)
    return -size if first.sign == "-" else size


def _check_order(parts: Sequence[Part], what: str, whole: str) -> None:
    """Only the first number has a sign, only the last one a fraction, and units come in their order."""
    wrong = InputError(f"« {whole} » is not a position: the {what} cannot be read.", HINT)
    for level, part in enumerate(parts):
        last = level == len(parts) - 1
        if (level and part.sign) or (not last and not part.whole):
            raise wrong
        if part.unit == "rad" or (part.unit == ":" and last) or (part.unit in _LEVELS and _LEVELS[part.unit] != level):
            raise wrong


def check_longitude(deg: float, what: str, whole: str, *, lowest: float = 0.0) -> float:
    """The longitude within 0° to 360°; raises InputError for one below `lowest` or above 360°."""
    if not lowest <= deg <= 360.0:
        raise InputError(f"The {what} {deg:g}° in « {whole} » is outside {lowest:g}° to 360°.")
    return deg % 360.0 if deg != 360.0 else 0.0


def check_latitude(deg: float, what: str, whole: str) -> float:
    """Raises InputError for a latitude outside -90° to +90°."""
    if not -90.0 <= deg <= 90.0:
        raise InputError(f"The {what} {deg:g}° in « {whole} » is outside -90° to +90°.")
    return deg
