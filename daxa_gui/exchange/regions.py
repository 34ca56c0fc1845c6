"""Region files of SAOImage DS9: areas on the sky. Lines are read one by one, so that an error can say which one it is.

Source of the format: the DS9 reference manual, « Region file format » (shapes, units, systems, signs).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.filters import SkyShape, SkyShapes
from daxa_gui.core.frames import to_icrs
from daxa_gui.core.sky import unit_vectors

LARGEST_BYTES = 50_000_000
MOST_SHAPES = 100_000

_FRAMES = {
    "icrs": "icrs", "fk5": "fk5", "j2000": "fk5", "fk4": "fk4", "b1950": "fk4", "galactic": "galactic", "ecliptic": "ecliptic",
}  # fmt: skip
_PIXELS = ("image", "physical", "amplifier", "detector", "linear", "tile")
_UNSUPPORTED = (
    "vector", "ruler", "compass", "projection", "panda", "epanda", "bpanda", "line", "point", "text", "segment", "composite",
    "rectangle", "rotrectangle", "rotbox", "pie", "sector", "field", "cpanda",
)  # fmt: skip
_WORD = re.compile(r"([-+!]?)\s*([A-Za-z][A-Za-z0-9]*)\s*(.*)$", re.DOTALL)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_SIZE = re.compile(rf"({_NUMBER})(['\"drpi]?)$", re.ASCII)
_COLONS = re.compile(r"([-+]?)(\d{1,3}):(\d{1,2})(?::(\d{1,2}(?:\.\d*)?))?$", re.ASCII)
_LETTERS = re.compile(r"([-+]?)(\d{1,3})([hd])(\d{1,2})m(?:(\d{1,2}(?:\.\d*)?)s)?$", re.ASCII)
_SKY_HINT = "In DS9: Region › Save, with the coordinate system fk5 or icrs."


def read_regions(path: Path) -> SkyShapes:
    """The shapes of a region file, in its order, in ICRS.

    Circles, annuli, ellipses, boxes and polygons, including and excluding; frames FK5, FK4, ICRS, galactic, ecliptic. Comments,
    `global` lines and the properties of shapes are passed over (but for `include=0`). Marks that DS9 itself writes as comments
    (texts, vectors) mean no area.

    Raises
    ------
    FileError : the file cannot be read, or a line of it (the message names it) cannot be used, or there is no shape.
    """
    shapes, frame = [], ""
    for number, text, properties in _statements(_text_of(path)):
        try:
            word = text.lower()
            if word in _FRAMES or word in _PIXELS or re.fullmatch(r"wcs[0a-z]?", word):
                frame = word
            else:
                shapes.append(_shape(text, properties, frame))
        except InputError as error:
            raise FileError(f"{path.name}, line {number}: {error.message}", error.hint) from error
        if len(shapes) > MOST_SHAPES:
            raise FileError(f"{path.name}, line {number}: this is shape {len(shapes)}; more than {MOST_SHAPES} cannot be used.")
    if not shapes:
        raise FileError(f"{path.name} holds no shape.", "It should be a region file of SAOImage DS9.")
    return SkyShapes(tuple(shapes), path.name)


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise FileError(f"{path.name} is too large for a region file ({path.stat().st_size / 1e6:.0f} MB).")
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from error
    if b"\0" in content:
        raise FileError(f"{path.name} is no text file.", "It should be a region file of SAOImage DS9.")
    return content.decode("utf-8", "replace")


def _statements(text: str) -> Iterator[tuple[int, str, str]]:
    """Number of the line, statement, properties after « # »; without comments, global lines and empty ones."""
    for number, line in enumerate(text.replace("\ufeff", "").splitlines(), 1):
        statement, _, properties = line.partition("#")
        for part in statement.split(";"):
            cleaned = part.strip().strip("|").strip()
            if cleaned and not re.match(r"(global|composite)\b", cleaned, re.IGNORECASE):
                yield number, cleaned, properties


def _shape(text: str, properties: str, frame: str) -> SkyShape:
    match = _WORD.match(text)
    if match is None:
        raise InputError(f"« {text[:60]} » is no shape.")
    sign, name, rest = match[1], match[2].lower(), match[3].strip()
    if name in _UNSUPPORTED:
        raise InputError(
            f"the shape « {name} » has no area that can be searched.", "Use circle, annulus, ellipse, box or polygon."
        )
    if name not in ("circle", "annulus", "ellipse", "box", "polygon"):
        raise InputError(
            f"« {name[:40]} » is neither a shape nor a coordinate system.", "The file should be one of SAOImage DS9."
        )
    if frame not in _FRAMES:
        raise InputError(
            f"the shape « {name} » is given in the coordinates « {frame} » of one image, not of the sky."
            if frame else f"no coordinate system is given before the shape « {name} ».", _SKY_HINT,
        )  # fmt: skip
    if rest.startswith("(") != rest.endswith(")"):
        raise InputError(f"a bracket of the shape « {name} » is missing.")
    given = _Given(name, [part for part in re.split(r"[\s,]+", rest.strip("()").strip()) if part], _FRAMES[frame])
    excluded = sign in ("-", "!") or re.search(r"\binclude\s*=\s*0\b", properties, re.IGNORECASE) is not None
    return given.shape(include=not excluded)


@dataclass(frozen=True)
class _Given:
    """What stands in the brackets of a shape."""

    name: str
    parts: list[str]
    frame: str

    def shape(self, include: bool) -> SkyShape:
        if self.name == "polygon":
            if len(self.parts) < 6 or len(self.parts) % 2:
                raise InputError(f"a polygon needs three or more pairs of coordinates, and has {len(self.parts)} numbers.")
            points = tuple(self._point(place) for place in range(0, len(self.parts), 2))
            return SkyShape("polygon", points, include=include)
        if len(self.parts) < 3:
            raise InputError(f"a {self.name} needs more than {len(self.parts)} numbers.")
        centre, sizes = self._point(0), self.parts[2:]
        if self.name == "circle":
            return SkyShape("circle", (centre,), self._sizes(sizes, 1), include=include)
        if self.name == "annulus":
            radii = self._sizes(sizes, 2, more=True)
            return SkyShape("annulus", (centre,), (radii[0], radii[-1]), include=include)
        # an angle may follow the sizes; more than two sizes make rings, of which the innermost and outermost edges count
        angle = self._angle(sizes[-1]) if len(sizes) % 2 else 0.0
        pairs = self._sizes(sizes[: len(sizes) // 2 * 2], 2, more=True)
        kept = pairs if len(pairs) == 2 else (*pairs[:2], *pairs[-2:])
        return SkyShape(self.name, (centre,), kept, self._position_angle(angle), include)

    def _point(self, place: int) -> tuple[float, float]:
        lon = _coordinate(self.parts[place], hours=self.frame in ("icrs", "fk5", "fk4"))
        lat = _coordinate(self.parts[place + 1], hours=False)
        if not -360.0 <= lon <= 720.0 or not -90.0 <= lat <= 90.0:
            raise InputError(f"the position {self.parts[place]}, {self.parts[place + 1]} is not on the sky.")
        ra, dec = to_icrs(lon % 360.0, lat, self.frame)
        return float(ra) % 360.0, float(dec)

    def _sizes(self, texts: list[str], count: int, more: bool = False) -> tuple[float, ...]:
        if len(texts) < count or (len(texts) > count and not more):
            raise InputError(f"a {self.name} has {len(texts)} sizes, not {count}.")
        return tuple(_size(text) for text in texts)

    def _angle(self, text: str) -> float:
        match = _SIZE.match(text)
        if match is None or match[2] not in ("", "d", "r"):
            raise InputError(f"« {text[:40]} » is no angle.")
        return math.degrees(float(match[1])) if match[2] == "r" else float(match[1])

    def _position_angle(self, angle_deg: float) -> float:
        """From DS9's angle (from the west, where north is up, through north) to one from ICRS north through east."""
        turned = angle_deg - 90.0
        if self.frame == "icrs":
            return turned % 360.0
        centre = unit_vectors(*self._point(0))
        ra = math.radians(self._point(0)[0])
        pole = unit_vectors(*to_icrs(0.0, 90.0, self.frame))
        east = np.array([-math.sin(ra), math.cos(ra), 0.0])
        return (turned + math.degrees(math.atan2(float(pole @ east), float(pole @ np.cross(centre, east))))) % 360.0


def _coordinate(text: str, hours: bool) -> float:
    """Degrees from « 83.63 », « 83.63d », « 1.46r », « 05:34:32 » (hours where `hours`), « 5h34m32s », « 22d00m52s »."""
    match = _SIZE.match(text)
    if match is not None and match[2] in ("", "d", "r"):
        return math.degrees(float(match[1])) if match[2] == "r" else float(match[1])
    if match is not None:
        raise InputError(f"« {text[:40]} » is no coordinate on the sky.", _SKY_HINT)
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


_UNITS = {"": 1.0, "d": 1.0, "'": 1 / 60, '"': 1 / 3600, "r": 180 / math.pi}


def _size(text: str) -> float:
    """Degrees from « 0.5 », « 30' », « 4" », « 0.01r »."""
    match = _SIZE.match(text)
    if match is None:
        raise InputError(f"« {text[:40]} » is no size.")
    if match[2] not in _UNITS:
        raise InputError(f"the size « {text[:40]} » is in pixels of one image, not an angle.", _SKY_HINT)
    return float(match[1]) * _UNITS[match[2]]
