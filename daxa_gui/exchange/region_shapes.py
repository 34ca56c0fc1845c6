"""What stands in the brackets of a shape becomes a region: of coordinates on the sky, or of pixels."""

from __future__ import annotations

import re
from functools import cached_property

from daxa_gui.core.errors import InputError
from daxa_gui.exchange.region_numbers import angle, coordinate, has_angular_unit, icrs_angle, icrs_point, pixels, size
from daxa_gui.exchange.region_pixels import PixelSystem
from daxa_gui.exchange.region_values import Points, Region

_N_POINTS = {"polygon": 3, "line": 2}
_ALIASES = {"rotbox": "box", "rotrectangle": "rectangle"}
_LONGEST = 200_000
Properties = tuple[tuple[str, str], ...]


class Given:
    """The name of a shape and its numbers as texts. « rotbox » is a box; « rectangle » is given by two opposite corners."""

    def __init__(self, name: str, inside: str) -> None:
        self.name = _ALIASES.get(name, name)
        if len(inside) > _LONGEST:
            raise InputError(f"the shape « {name} » has more than {_LONGEST} characters.")
        self.parts = [part for part in re.split(r"[\s,]+", inside.strip()) if part]

    @cached_property
    def n_coordinates(self) -> int:
        if self.name == "polygon":
            return len(self.parts)
        return 4 if self.name in ("line", "rectangle") else 2

    @property
    def sizes(self) -> list[str]:
        """Without the angle that may follow them."""
        behind = self.parts[self.n_coordinates :]
        if self.name in ("ellipse", "box"):
            return behind[: len(behind) // 2 * 2]
        return behind if self.name in ("circle", "annulus") else []

    @property
    def angle(self) -> str:
        behind = self.parts[self.n_coordinates :]
        if self.name in ("ellipse", "box"):
            return behind[-1] if len(behind) % 2 else "0"
        return behind[0] if self.name in ("rectangle", "composite") and behind else "0"

    @property
    def is_angular(self) -> bool:
        """Whether its sizes are angles, whatever its centre is given in."""
        return any(has_angular_unit(text) for text in self.sizes)

    @property
    def is_empty(self) -> bool:
        """Whether it has a size of nothing (source lists have such ellipses), which other programs refuse."""
        outer = self.sizes[-2:] if self.name in ("ellipse", "box") else self.sizes[-1:]
        try:
            values = [float(text.rstrip("'\"drpi")) for text in outer]
        except ValueError:
            return False  # whoever reads the numbers says what is wrong with them
        return any(value == 0.0 for value in values)

    def check(self) -> None:
        n = len(self.parts)
        if self.name == "polygon" and (n < 6 or n % 2):
            raise InputError(f"a polygon needs three or more pairs of coordinates, and has {n} numbers.")
        if n < self.n_coordinates:
            raise InputError(f"a {self.name} needs {self.n_coordinates} coordinates, and has {n} numbers.")
        wanted = {"circle": "one radius", "annulus": "two radii or more", "ellipse": "two half axes", "box": "two sides"}
        n_sizes, least = len(self.sizes), {"circle": 1, "annulus": 2, "ellipse": 2, "box": 2}.get(self.name, 0)
        if n_sizes < least or (self.name == "circle" and n_sizes > 1):
            raise InputError(f"a {self.name} needs {wanted[self.name]}, and has {n_sizes} sizes.")
        if self.name in ("line", "polygon", "point", "text") and n > self.n_coordinates:
            raise InputError(f"a {self.name} has {self.n_coordinates} coordinates, and here are {n} numbers.")


def on_sky(given: Given, frame: str, include: bool, properties: Properties) -> Region:
    """Raises InputError for numbers that make no such shape."""
    given.check()
    hours = frame in ("icrs", "fk5", "fk4")
    numbers = [coordinate(text, hours=hours and i % 2 == 0) for i, text in enumerate(given.parts[: given.n_coordinates])]
    if given.name == "rectangle":
        raise InputError("a rectangle is given by pixels of its corners.", "On the sky, use box.")
    points = tuple(icrs_point(numbers[i], numbers[i + 1], frame) for i in range(0, len(numbers), 2))
    turned = icrs_angle(angle(given.angle) - 90.0, *points[0], frame) if _has_angle(given) else 0.0
    return _region(given, points, _checked(given, [size(text) for text in given.sizes]), turned, include, properties)


def in_pixels(given: Given, system: PixelSystem, name: str, include: bool, properties: Properties) -> Region:
    """Raises InputError for numbers that make no such shape, and for pixels that are not on the sky."""
    given.check()
    numbers = [pixels(text) for text in given.parts[: given.n_coordinates]]
    turn = angle(given.angle)
    if given.name == "rectangle":
        return _rectangle(given, numbers, turn, system, name, include, properties)
    points = system.points(numbers, name)
    if given.name in ("polygon", "line", "point", "text"):
        return _region(given, points, (), 0.0, include, properties)
    x, y = numbers
    if given.is_angular:  # an angular size around a pixel
        turned = system.direction(x, y, turn, name) if _has_angle(given) else 0.0
        return _region(given, points, _checked(given, [size(text) for text in given.sizes]), turned, include, properties)
    sizes = _checked(given, [pixels(text) for text in given.sizes])
    if not _has_angle(given):
        scale = system.radius(x, y, name)
        return _region(given, points, tuple(scale * value for value in sizes), 0.0, include, properties)
    if given.name == "composite":
        return _region(given, points, (), system.direction(x, y, turn, name), include, properties)
    axes = [system.half_axes(x, y, (sizes[i], sizes[i + 1]), turn, name) for i in range(0, len(sizes), 2)]
    on_the_sky = tuple(value for one in axes for value in one[:2])
    return _region(given, points, on_the_sky, axes[-1][2], include, properties)


def _rectangle(
    given: Given, corners: list[float], turn: float, system: PixelSystem, name: str, include: bool, properties: Properties
) -> Region:
    x1, y1, x2, y2 = corners
    x, y, width, height = (x1 + x2) / 2, (y1 + y2) / 2, abs(x2 - x1), abs(y2 - y1)
    if not (width and height):
        raise InputError("the corners of the rectangle lie on one line.")
    first, second, turned = system.half_axes(x, y, (width, height), turn, name)
    return Region("box", (system.point(x, y, name),), (first, second), turned, include, properties)


def _has_angle(given: Given) -> bool:
    return given.name in ("ellipse", "box", "rectangle", "composite")


def _checked(given: Given, sizes: list[float]) -> tuple[float, ...]:
    """Positive, and growing where there are several."""
    step = 2 if given.name in ("ellipse", "box") else 1
    if any(not 0.0 <= value < 1e9 for value in sizes):
        raise InputError(f"a size of the shape « {given.name} » is negative or no number.")
    if any(sizes[i] > sizes[i + step] for i in range(len(sizes) - step)):
        raise InputError(f"the sizes of the shape « {given.name} » do not grow from the inside to the outside.")
    return tuple(sizes)


def _region(
    given: Given, points: Points, sizes: tuple[float, ...], turned: float, include: bool, properties: Properties
) -> Region:
    return Region(given.name, points, sizes, turned, include, properties)
