"""Numbers of region files of SAOImage DS9: coordinates, sizes and angles with their units, and directions in other frames.

Source of the format: the DS9 reference manual, « Region file format » (units, systems, angles).
"""

from __future__ import annotations

import math
import re

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import InputError
from daxa_gui.core.frames import from_icrs, to_icrs
from daxa_gui.core.sky import lon_lat_deg, unit_vectors

FRAMES = {
    "icrs": "icrs", "fk5": "fk5", "j2000": "fk5", "fk4": "fk4", "b1950": "fk4", "galactic": "galactic", "ecliptic": "ecliptic",
}  # fmt: skip
PIXELS = ("image", "physical", "amplifier", "detector", "linear", "tile")
SKY_HINT = "In DS9: Region › Save, with the coordinate system fk5 or icrs."

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_SIZE = re.compile(rf"({_NUMBER})(['\"drpi]?)$", re.ASCII)
_COLONS = re.compile(r"([-+]?)(\d{1,3}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?$", re.ASCII)
_LETTERS = re.compile(r"([-+]?)(\d{1,3})([hd])(\d{1,2})m(?:(\d{1,2}(?:\.\d*)?)s)?$", re.ASCII)
_UNITS = {"": 1.0, "d": 1.0, "'": 1 / 60, '"': 1 / 3600, "r": 180 / math.pi}
Vector = NDArray[np.float64]
_STEP_DEG = 0.01  # how far along the meridian a direction is looked at


def is_system(word: str) -> bool:
    """Whether a word names a coordinate system (of the sky, or of one image)."""
    return word in FRAMES or word in PIXELS or re.fullmatch(r"wcs[0a-z]?", word) is not None


def is_sexagesimal(text: str) -> bool:
    return _COLONS.match(text) is not None or _LETTERS.match(text) is not None


def has_angular_unit(text: str) -> bool:
    """Whether a size is said to be an angle: arcminutes, arcseconds, degrees or radians."""
    match = _SIZE.match(text)
    return match is not None and match[2] in ("'", '"', "d", "r")


def coordinate(text: str, hours: bool) -> float:
    """Degrees from « 83.63 », « 83.63d », « 1.46r », « 05:34:32 » (hours where `hours`), « 5h34m32s », « 22d00m52s »."""
    match = _SIZE.match(text)
    if match is not None and match[2] in ("", "d", "r"):
        return math.degrees(float(match[1])) if match[2] == "r" else float(match[1])
    if match is not None:
        raise InputError(f"« {text[:40]} » is no coordinate on the sky.", SKY_HINT)
    if found := _COLONS.match(text):
        sign, whole, minutes, seconds = found[1], found[2], found[3], found[4]
        factor = 15.0 if hours else 1.0
    elif found := _LETTERS.match(text):
        sign, whole, minutes, seconds = found[1], found[2], found[4], found[5]
        factor = 15.0 if found[3] == "h" else 1.0
    else:
        raise InputError(f"« {text[:40]} » is no coordinate.")
    if int(minutes) >= 60 or float(seconds or 0) >= 60:
        raise InputError(f"minutes or seconds of « {text[:40]} » are not below 60.")
    value = factor * (int(whole) + int(minutes) / 60 + float(seconds or 0) / 3600)
    return -value if sign == "-" else value


def size(text: str) -> float:
    """Degrees from « 0.5 », « 30' », « 4" », « 0.01r »."""
    match = _SIZE.match(text)
    if match is None:
        raise InputError(f"« {text[:40]} » is no size.")
    if match[2] not in _UNITS:
        raise InputError(f"the size « {text[:40]} » is in pixels of one image, not an angle.", SKY_HINT)
    return float(match[1]) * _UNITS[match[2]]


def pixels(text: str) -> float:
    """A coordinate or size of an image: a plain number, or one with « i » or « p » behind it."""
    match = _SIZE.match(text)
    if match is None or match[2] not in ("", "i", "p"):
        raise InputError(f"« {text[:40]} » is no number of pixels.")
    value = float(match[1])
    if not math.isfinite(value) or abs(value) > 1e9:
        raise InputError(f"« {text[:40]} » is no number of pixels.")
    return value


def angle(text: str) -> float:
    """Degrees from « 30 », « 30d », « 0.5r »."""
    match = _SIZE.match(text)
    if match is None or match[2] not in ("", "d", "r"):
        raise InputError(f"« {text[:40]} » is no angle.")
    value = math.degrees(float(match[1])) if match[2] == "r" else float(match[1])
    if not math.isfinite(value):
        raise InputError(f"« {text[:40]} » is no angle.")
    return value


def icrs_point(lon_deg: float, lat_deg: float, frame: str) -> tuple[float, float]:
    """RA and Dec in ICRS degrees; raises InputError for what is not on the sky."""
    if not -360.0 <= lon_deg <= 720.0 or not -90.0 <= lat_deg <= 90.0:
        raise InputError(f"the position {lon_deg:g}, {lat_deg:g} is not on the sky.")
    ra, dec = to_icrs(lon_deg % 360.0, lat_deg, frame)
    return float(ra) % 360.0, float(dec)


def icrs_angle(position_angle_deg: float, ra_deg: float, dec_deg: float, frame: str) -> float:
    """A position angle (north through east) at an ICRS position, given in another frame, as one from ICRS north, 0 to 360."""
    if frame == "icrs":
        return position_angle_deg % 360.0
    lon, lat = (float(value) for value in from_icrs(ra_deg, dec_deg, frame))
    _, north = tangents(lon, lat)
    step = math.radians(_STEP_DEG)
    ahead = unit_vectors(lon, lat) * math.cos(step) + north * math.sin(step)
    vector = unit_vectors(*to_icrs(*lon_lat_deg(ahead), frame))
    to_east, to_north = tangents(ra_deg, dec_deg)
    turned = math.degrees(math.atan2(float(vector @ to_east), float(vector @ to_north)))
    return (position_angle_deg + turned) % 360.0


def tangents(lon_deg: float, lat_deg: float) -> tuple[Vector, Vector]:
    """Unit vectors to the east and to the north at a position, shape (3,) each."""
    lon = math.radians(lon_deg)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    return east, np.cross(unit_vectors(lon_deg, lat_deg), east)
