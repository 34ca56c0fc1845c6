"""Regions of an observation as values: shapes on the sky with their properties, and lines that are kept word for word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from daxa_gui.core.filters import SkyShape

Points = tuple[tuple[float, float], ...]
SIZED = ("circle", "annulus", "ellipse", "box")
SHAPES = (*SIZED, "polygon", "point", "line", "text")


@dataclass(frozen=True)
class Region:
    """One shape, ICRS degrees.

    `points`: the centre, the corners of a polygon, or the two ends of a line. `sizes_deg`: circle radius; annulus radii (two or
    more, growing); ellipse half axes, box width and height (more pairs make rings, from the inside to the outside). `angle_deg`
    is the position angle (from north through east) of the first half axis or of the width. `properties` are DS9's, in order
    (« tag » may stand twice); a value is spelt as in the file, with its quotes or braces. `composite` numbers the group of
    shapes that DS9 moves together (0: none).
    """

    shape: str
    points: Points
    sizes_deg: tuple[float, ...] = ()
    angle_deg: float = 0.0
    include: bool = True
    properties: tuple[tuple[str, str], ...] = ()
    composite: int = 0

    def all_of(self, name: str) -> tuple[str, ...]:
        """Values of a property, without quotes and braces."""
        return tuple(_bare(value) for key, value in self.properties if key == name)


def _bare(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] + value[-1] in ("{}", '""', "''") else value


@dataclass(frozen=True)
class Verbatim:
    """A shape that nobody here understands, as it stood, with the coordinate system that was in force, and why it was kept.

    `before` is how many understood regions stood before it; `line` the number of its line.
    """

    text: str
    system: str
    reason: str
    line: int = 0
    before: int = 0

    @property
    def whole(self) -> str:
        return f"{self.system}; {self.text}" if self.system else self.text


@dataclass(frozen=True)
class RegionFile:
    """What a region file says. `n_converted` shapes were in pixels of an image; `groups` are the composites: number, centre,
    position angle, properties."""

    regions: tuple[Region, ...]
    verbatim: tuple[Verbatim, ...] = ()
    n_converted: int = 0
    groups: tuple[Region, ...] = ()

    def sentences(self) -> tuple[str, ...]:
        """What a person should know about the reading."""
        said = []
        if self.n_converted:
            said.append(f"{self.n_converted} shapes were turned from pixels into positions on the sky.")
        said += [f"Line {one.line}, « {one.text[:60]} », was kept word for word: {one.reason}." for one in self.verbatim[:20]]
        if len(self.verbatim) > 20:
            said.append(f"{len(self.verbatim) - 20} more lines were kept word for word.")
        return tuple(said)


def from_shapes(shapes: Iterable[SkyShape], properties: tuple[tuple[str, str], ...] = ()) -> RegionFile:
    """Shapes that were drawn in the window (or came from a filter) as regions; `properties` go to all of them."""
    return RegionFile(
        tuple(
            Region(one.shape, one.points, one.sizes_deg, one.angle_deg, one.include, properties)
            for one in shapes
        )
    )  # fmt: skip


def to_shapes(regions: Iterable[Region]) -> tuple[SkyShape, ...]:
    """The regions that have an area, as shapes that can be drawn or searched; rings between the first and last are joined."""
    made = []
    for one in regions:
        if one.shape not in ("circle", "annulus", "ellipse", "box", "polygon"):
            continue
        sizes = one.sizes_deg
        if one.shape == "annulus":
            sizes = (sizes[0], sizes[-1])
        elif one.shape in ("ellipse", "box") and len(sizes) > 2:
            sizes = (*sizes[:2], *sizes[-2:])
        made.append(SkyShape(one.shape, one.points, sizes, one.angle_deg, one.include))
    return tuple(made)
