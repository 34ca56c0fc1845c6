"""Positions as people write them, in any usual notation and without a network. ICRS degrees."""

from __future__ import annotations

import re
from dataclasses import dataclass

from daxa_gui.core.angles import HINT, Part, angle_deg, check_latitude, check_longitude, plain, scan
from daxa_gui.core.errors import InputError
from daxa_gui.core.frames import to_icrs
from daxa_gui.core.sky import SkyPosition


@dataclass(frozen=True)
class Parsed:
    """`precision_deg` is the size of the last digit where a name is the only source of the position (None: the text is a
    position, not a name), and `note` says so in a sentence (empty: nothing to say)."""

    position: SkyPosition
    precision_deg: float | None = None
    note: str = ""


def parse_position(text: str) -> SkyPosition:
    """Read a position: degrees, sexagesimal, hours, galactic, ecliptic, B1950, or a name that contains coordinates.

    « 83.63 +22.01 », « 83.63d, 22.01d », « 05 34 31.9 +22 00 52 », « 05:34:31.9 +22:00:52 », « 5h34m31.9s +22°00′52″ »,
    « 5.5754h +22.01° », « RA=83.63 Dec=22.01 », « l=184.56 b=-5.78 », « gal 184.56 -5.78 », « G184.56-5.78 »,
    « ecl 84.1 -1.3 », « B1950 05 31 30 +21 58 54 », « 1RXS J185635.4-375433 », « PSR J0534+2200 », « PSR B0531+21 ».
    Several numbers for the right ascension begin with hours unless they have a degree sign; longitudes in degrees. A name stays
    the name of the position.

    Raises
    ------
    InputError : the text is none of these, or a number is out of range (the message names it).
    """
    return parse(text).position


def parse(text: str) -> Parsed:
    """As `parse_position`, with the precision of positions that come from a name."""
    written = plain(text)
    named = _from_name(written)
    return named if named is not None else Parsed(_from_coordinates(written))


# ------------------------------------------------------------------------------------------------------ names with coordinates

_EQUATORIAL_NAME = re.compile(
    r"(?:^|(?<=[\s_\]:])|(?<=[A-Za-z0-9](?=[JB])))([JB])(\d{4,10})(\.\d{1,6})?([+-])(\d{2,9})(\.\d{1,6})?(?=$|[A-Za-z* ])", re.A
)
_GALACTIC_NAME = re.compile(r"(?:^|(?<=[\s_]))G(\d{1,3})(\.\d{1,6})?([+-])(\d{1,2})(\.\d{1,6})?(?=$|[A-Za-z* ])", re.A)


def _from_name(text: str) -> Parsed | None:
    """A position from « prefix Jhhmmss.s±ddmmss » and shorter forms, « Bhhmm±dd » (B1950) or « Glll.ll±bb.bb »; None if there is
    no such thing. Sources of such names usually cut digits off, so that the place is somewhere within the last digit."""
    if match := _EQUATORIAL_NAME.search(text):
        epoch, ra_digits, ra_rest, sign, dec_digits, dec_rest = (part or "" for part in match.groups())
        ra, ra_step = _digits(ra_digits, ra_rest, 2, text, "right ascension")
        dec, dec_step = _digits(dec_digits, dec_rest, 2, text, "declination")
        if ra > 24:  # 24 00 00 is what rounding makes of 23 59 59.99
            raise InputError(f"The name « {text} » has {ra_digits[:2]} hours of right ascension; there are 24 in a turn.")
        lon, lat = 15.0 * ra, check_latitude(-dec if sign == "-" else dec, "declination", text)
        frame, step = ("icrs" if epoch == "J" else "fk4"), max(15.0 * ra_step, dec_step)
    elif match := _GALACTIC_NAME.search(text):
        lon_text, lat_text = match[1] + (match[2] or ""), match[4] + (match[5] or "")
        lon = check_longitude(float(lon_text), "galactic longitude", text)
        lat = check_latitude(float(match[3] + lat_text), "galactic latitude", text)
        frame, step = "galactic", max(10.0 ** -len(part.partition(".")[2]) for part in (lon_text, lat_text))
    else:
        return None
    note = f"The position is that of the name, which gives it to {_size(step)}." if step > 0.0002 else ""
    return Parsed(_in_icrs(lon, lat, frame, text), step, note)


def _digits(digits: str, rest: str, width: int, text: str, what: str) -> tuple[float, float]:
    """Value and size of the last digit of hhmmss-like digits: two for the first unit, two for minutes, all others for seconds.
    An odd digit is the first decimal of the unit before it (« J1739-285 » is -28.5°, « J18565 » is 18 h 56.5 min)."""
    value, scale, step = float(digits[:width]), 1.0, 1.0
    left = digits[width:]
    for name in ("minutes", "seconds"):
        if len(left) < 2:
            break
        scale /= 60.0
        if int(left[:2]) >= 60:
            raise InputError(f"The name « {text} » has {left[:2]} {name} of {what}; they must be below 60.")
        value, step, left = value + int(left[:2]) * scale, scale, left[2:]
    if left and rest:
        raise InputError(f"The digits « {digits}{rest} » in the name « {text} » are no {what}.")
    decimals = left or rest[1:]
    return value + (int(decimals) / 10 ** len(decimals) if decimals else 0.0) * scale, step / 10 ** len(decimals)


def _size(deg: float) -> str:
    """« 0.1° », « 15′ », « 1″ »."""
    if deg >= 1 / 60:
        return f"about {deg * 60:.3g}′" if deg < 1 else f"about {deg:.3g}°"
    return f"about {deg * 3600:.3g}″"


# ---------------------------------------------------------------------------------------------------------------- coordinates

_FRAME_WORDS = {
    "icrs": "icrs", "icrf": "icrs", "fk5": "fk5", "j2000": "fk5", "j2000.0": "fk5", "2000.0": "fk5", "fk4": "fk4", "b1950": "fk4",
    "b1950.0": "fk4", "1950.0": "fk4", "galactic": "galactic", "gal": "galactic", "ecliptic": "ecliptic", "ecl": "ecliptic",
}  # fmt: skip
_BOUNDARY = r"(?<![a-z0-9.])", r"(?![a-z0-9.])"
# « 2000.0 » alone may be a coordinate: only words count, unless « equinox » stands before it
_FRAME = re.compile(
    _BOUNDARY[0] + r"\(?(?:(?:equinox|epoch)[ =:]?(j2000(?:\.0)?|b1950(?:\.0)?|2000\.0|1950\.0)"
    r"|(icrs|icrf|fk5|fk4|j2000(?:\.0)?|b1950(?:\.0)?|galactic|gal|ecliptic|ecl))" + _BOUNDARY[1] + r"[):,;]?",
    re.I,
)  # fmt: skip
_LABELS = {
    "ra": ("", 0), "r.a.": ("", 0), "right ascension": ("", 0), "α": ("", 0), "alpha": ("", 0),
    "dec": ("", 1), "dec.": ("", 1), "decl": ("", 1), "decl.": ("", 1), "declination": ("", 1), "δ": ("", 1), "delta": ("", 1),
    "l": ("galactic", 0), "glon": ("galactic", 0), "b": ("galactic", 1), "glat": ("galactic", 1),
    "elon": ("ecliptic", 0), "λ": ("ecliptic", 0), "lambda": ("ecliptic", 0),
    "elat": ("ecliptic", 1), "β": ("ecliptic", 1), "beta": ("ecliptic", 1),
    "lon": ("", 0), "longitude": ("", 0), "lat": ("", 1), "latitude": ("", 1),
}  # fmt: skip
_LABEL = re.compile(
    r"(?<![a-zα-ω0-9])("
    + "|".join(re.escape(word) for word in sorted(_LABELS, key=len, reverse=True))
    + r")(?: ?[=:] ?| ?(?=[\d+.-]))",
    re.I,
)
_WHAT = {"galactic": "galactic ", "ecliptic": "ecliptic "}


def _from_coordinates(text: str) -> SkyPosition:
    bare, frame = _without_frame(text)
    halves, frame = _labelled(bare, frame, text)
    frame = frame or "icrs"
    if halves is None:
        first, second = _halves(bare, text)
    else:
        first, second = (scan(half.strip(" ,;"), text) for half in halves)
    if not any(part.unit == "h" for part in first) and second[0].unit == "h":
        first, second = second, first  # declination first: only a right ascension is measured in hours
    equatorial = frame in ("icrs", "fk5", "fk4")
    lon_name = "right ascension" if equatorial else f"{_WHAT[frame]}longitude"
    lat_name = "declination" if equatorial else f"{_WHAT[frame]}latitude"
    lon = angle_deg(first, lon_name, text, hours=equatorial)
    lat = angle_deg(second, lat_name, text, hours=False)
    if second[0].unit == "h":
        raise InputError(f"« {text} » is not a position: the {lat_name} is in hours.", HINT)
    lon = check_longitude(lon, lon_name, text, lowest=0.0 if equatorial else -180.0)
    return _in_icrs(lon, check_latitude(lat, lat_name, text), frame, "")


def _without_frame(text: str) -> tuple[str, str]:
    """The text without words for a frame, and that frame (empty: none is named)."""
    frames = {_FRAME_WORDS[(match[1] or match[2]).lower()] for match in _FRAME.finditer(text)}
    if frames == {"fk4", "fk5"} or len(frames - {"fk5"}) > 1:
        raise InputError(f"« {text} » names two frames: {' and '.join(sorted(frames))}.")
    bare = _FRAME.sub(" ", text).strip(" ,;()")
    # « ICRS J2000 » and « galactic J2000 » name one frame
    return bare, next(iter(frames - {"fk5"}), "fk5" if frames else "")


def _labelled(bare: str, frame: str, text: str) -> tuple[tuple[str, str] | None, str]:
    """The two halves of « ra=… dec=… » and the frame that the labels say; no halves if nothing is labelled."""
    found = list(_LABEL.finditer(bare))
    if not found:
        return None, frame
    said = {_LABELS[match[1].lower()] for match in found}
    if len(found) != 2 or found[0].start() or {order for _, order in said} != {0, 1}:
        raise InputError(f"« {text} » is not a position: it needs one longitude and one latitude.", HINT)
    named = {name for name, _ in said if name}
    if len(named) > 1 or (named and frame and {frame} != named):
        raise InputError(f"« {text} » names two frames: {' and '.join(sorted(named | {frame} - {''}))}.")
    halves = (bare[found[0].end() : found[1].start()], bare[found[1].end() :])
    if _LABELS[found[0][1].lower()][1] == 1:
        halves = (halves[1], halves[0])
    return halves, next(iter(named), frame)


def _halves(bare: str, text: str) -> tuple[list[Part], list[Part]]:
    """The numbers of the two coordinates: parted by the only comma or semicolon, a sign, a unit that begins again, a colon that
    is missing, or in the middle."""
    for separator in ";,/":
        if bare.count(separator) == 1:
            left, right = (scan(half, text) for half in bare.split(separator))
            if not left or not right:
                break
            return left, right
    parts = scan(bare.replace(";", " ").replace("/", " "), text)
    place = _cut(parts)
    if place is None:
        raise InputError(f"« {text} » is not a position.", HINT)
    return parts[:place], parts[place:]


def _cut(parts: list[Part]) -> int | None:
    """Where the second coordinate begins."""
    signs = [n for n, part in enumerate(parts) if n and part.sign]
    if signs:
        return signs[0] if len(signs) == 1 else None
    starts = [n for n, part in enumerate(parts) if n and part.unit in ("h", "d", "rad")]
    if starts:
        return starts[0] if len(starts) == 1 else None
    if any(part.unit == ":" for part in parts):
        ends = [n + 1 for n, part in enumerate(parts[:-1]) if part.unit != ":"]
        return ends[0] if len(ends) == 1 else None
    return len(parts) // 2 if len(parts) in (2, 4, 6) else None


def _in_icrs(lon_deg: float, lat_deg: float, frame: str, name: str) -> SkyPosition:
    ra, dec = to_icrs(lon_deg, lat_deg, frame)
    return SkyPosition(float(ra), float(dec), name)
