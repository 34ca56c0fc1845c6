"""Region files of SAOImage DS9: areas on the sky. Lines are read one by one, so that an error can say which one it is.

Source of the format: the DS9 reference manual, « Region file format » (shapes, units, systems, signs).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.filters import SkyShape, SkyShapes
from daxa_gui.exchange.region_numbers import FRAMES, SKY_HINT, angle, coordinate, icrs_angle, icrs_point, is_system, size

LARGEST_BYTES = 50_000_000
MOST_SHAPES = 100_000

_UNSUPPORTED = (
    "vector", "ruler", "compass", "projection", "panda", "epanda", "bpanda", "line", "point", "text", "segment", "composite",
    "rectangle", "rotrectangle", "rotbox", "pie", "sector", "field", "cpanda",
)  # fmt: skip
_WORD = re.compile(r"([-+!]?)\s*([A-Za-z][A-Za-z0-9]*)\s*(.*)$", re.DOTALL)


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
            if is_system(word):
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
    if frame not in FRAMES:
        raise InputError(
            f"the shape « {name} » is given in the coordinates « {frame} » of one image, not of the sky."
            if frame else f"no coordinate system is given before the shape « {name} ».", SKY_HINT,
        )  # fmt: skip
    if rest.startswith("(") != rest.endswith(")"):
        raise InputError(f"a bracket of the shape « {name} » is missing.")
    given = _Given(name, [part for part in re.split(r"[\s,]+", rest.strip("()").strip()) if part], FRAMES[frame])
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
        turn = angle(sizes[-1]) if len(sizes) % 2 else 0.0
        pairs = self._sizes(sizes[: len(sizes) // 2 * 2], 2, more=True)
        kept = pairs if len(pairs) == 2 else (*pairs[:2], *pairs[-2:])
        return SkyShape(self.name, (centre,), kept, self._position_angle(turn), include)

    def _point(self, place: int) -> tuple[float, float]:
        lon = coordinate(self.parts[place], hours=self.frame in ("icrs", "fk5", "fk4"))
        lat = coordinate(self.parts[place + 1], hours=False)
        return icrs_point(lon, lat, self.frame)

    def _sizes(self, texts: list[str], count: int, more: bool = False) -> tuple[float, ...]:
        if len(texts) < count or (len(texts) > count and not more):
            raise InputError(f"a {self.name} has {len(texts)} sizes, not {count}.")
        return tuple(size(text) for text in texts)

    def _position_angle(self, angle_deg: float) -> float:
        """From DS9's angle (from the west, where north is up, through north) to one from ICRS north through east."""
        return icrs_angle(angle_deg - 90.0, *self._point(0), self.frame)
