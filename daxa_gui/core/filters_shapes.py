"""Filters by drawn shapes: a polygon, the shapes of a region file, the cells of a coverage map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core import sphere
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.derived import derived
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_base import Filter, Members
from daxa_gui.core.filter_words import MANY, day_words, format_angle, place_words
from daxa_gui.core.filters_time import TimeRange
from daxa_gui.core.healpix import Ranges, ang2pix, normal_ranges, ranges_from_text, ranges_to_text
from daxa_gui.core.matching import TOLERANCE_DEG, near_places, within
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors

__all__ = ["Moc", "Polygon", "SkyShape", "SkyShapes"]

SHAPES = ("circle", "annulus", "ellipse", "box", "polygon")
_SIZES = {"circle": (1,), "annulus": (2,), "ellipse": (2, 4), "box": (2, 4), "polygon": (0,)}
_MANY_SHAPES = 5
Points = tuple[tuple[float, float], ...]


def _checked_points(points: Points) -> Points:
    for ra, dec in points:
        if not (0.0 <= ra <= 360.0 and -90.0 <= dec <= 90.0):
            raise InputError(f"The point {ra:g}°, {dec:g}° is not on the sky (0° to 360°, -90° to +90°).")
    return points


def _vertices(points: Points) -> tuple[Points, NDArray[np.float64]]:
    """Points without repetitions, and their unit vectors, shape (m, 3)."""
    vectors = unit_vectors([p[0] for p in points], [p[1] for p in points]) if points else np.empty((0, 3))
    apart = separation_deg(vectors, np.roll(vectors, 1, axis=0)) if len(points) else np.empty(0)
    different = apart > TOLERANCE_DEG
    if np.count_nonzero(different) < 3:
        raise InputError("A polygon needs three corners that are different.")
    if (apart > 180.0 - 1e-6).any():
        raise InputError("Two neighbouring corners of the polygon are opposite each other on the sky: many edges join them.")
    return tuple(point for point, kept in zip(points, different, strict=True) if kept), vectors[different]


@dataclass(frozen=True)
class Polygon(Filter):
    """Centres inside a polygon of corners (RA, Dec) in ICRS degrees, joined by great circles, edges included.

    Either sense of rotation; inside is the smaller of the two sides. The first corner may be repeated at the end.
    """

    vertices: Points
    kind: ClassVar[str] = "polygon"

    def __post_init__(self) -> None:
        points = tuple((float(ra), float(dec)) for ra, dec in self.vertices)
        object.__setattr__(self, "vertices", _vertices(_checked_points(points))[0])

    @cached_property
    def shape(self) -> SkyShape:
        return SkyShape("polygon", self.vertices)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return self.shape.mask(catalogue)

    def sentence(self) -> str:
        corners = ", ".join(place_words(SkyPosition(*point)) for point in self.vertices[:MANY])
        return f"inside the polygon with {len(self.vertices)} corners ({corners}{' …' if len(self.vertices) > MANY else ''})"

    def members(self) -> dict[str, Any]:
        return {"vertices": [list(point) for point in self.vertices]}

    @classmethod
    def from_members(cls, members: Members) -> Polygon:
        return cls(members.pairs("vertices"))


@dataclass(frozen=True)
class SkyShape:
    """An area of the sky; its edge belongs to it. ICRS degrees.

    `points` is the centre alone, or a polygon's corners. `sizes_deg`: « circle » radius; « annulus » inner and outer radius;
    « ellipse » two half axes; « box » width and height; with four sizes of « ellipse » or « box » the first two are of the hole.
    `angle_deg` is the position angle (from north through east) of the first half axis or of the width. Places in ellipses and
    boxes are told by their distance from the centre and its direction (as in a zenithal equidistant map), so that an ellipse with
    equal axes is exactly the circle.
    """

    shape: str
    points: Points
    sizes_deg: tuple[float, ...] = ()
    angle_deg: float = 0.0
    include: bool = True

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise InputError(f"There is no shape « {self.shape[:40]} ».", f"Known ones: {', '.join(SHAPES)}.")
        _checked_points(self.points)
        sizes = self.sizes_deg
        if len(sizes) not in _SIZES[self.shape] or not math.isfinite(self.angle_deg):
            raise InputError(f"A shape « {self.shape} » has {' or '.join(map(str, _SIZES[self.shape]))} sizes, not {len(sizes)}.")
        if not all(0.0 < size <= 360.0 for size in sizes[-2:]) or not all(0.0 <= size <= 360.0 for size in sizes):
            raise InputError(f"A size of the shape « {self.shape} » is not between 0° and 360°.")
        half = len(sizes) // 2
        if (self.shape == "annulus" or len(sizes) == 4) and any(a > b for a, b in zip(sizes[:half], sizes[half:], strict=True)):
            raise InputError(f"The hole of a shape « {self.shape} » is larger than the shape.")
        if self.shape == "polygon":
            object.__setattr__(self, "points", _vertices(self.points)[0])
        elif len(self.points) != 1:
            raise InputError(f"A shape « {self.shape} » has one centre.")

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """Unit vectors of its points, shape (m, 3)."""
        return unit_vectors([p[0] for p in self.points], [p[1] for p in self.points])

    @cached_property
    def cap(self) -> tuple[NDArray[np.float64], float]:
        """Centre and radius in degrees of a circle around it; at most 180°."""
        if self.shape == "polygon":
            return sphere.bounding_cap(self.vectors)
        outer = self.sizes_deg[-2:] if len(self.sizes_deg) > 1 else self.sizes_deg
        reach = math.hypot(*outer) / 2 if self.shape == "box" else max(outer)
        return self.vectors[0], min(reach, 180.0)

    def holds(self, vectors: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether directions, unit vectors of shape (n, 3), lie in it, shape (n,); NaN lies nowhere."""
        if self.shape == "polygon":
            return sphere.inside_polygon(vectors, self.vectors)
        centre, sizes = self.vectors[0], self.sizes_deg
        if self.shape == "circle":
            return within(vectors, centre, min(sizes[0], 180.0))
        distance = separation_deg(vectors, centre)
        if self.shape == "annulus":
            ring: NDArray[np.bool_] = (distance >= sizes[0] - TOLERANCE_DEG) & (distance <= sizes[1] + TOLERANCE_DEG)
            return ring
        inside = self._holds_axes(vectors, distance, sizes[-2:], TOLERANCE_DEG)
        if len(sizes) == 4 and min(sizes[:2]) > 0:
            inside &= ~self._holds_axes(vectors, distance, sizes[:2], -TOLERANCE_DEG)
        return inside

    def _holds_axes(
        self, vectors: NDArray[np.float64], distance: NDArray[np.float64], sizes: tuple[float, ...], tolerance: float
    ) -> NDArray[np.bool_]:
        """Whether directions lie in the ellipse or box of two sizes; `tolerance` in degrees makes it larger or smaller."""
        ra, dec = (math.radians(value) for value in self.points[0])
        east = np.array([-math.sin(ra), math.cos(ra), 0.0])
        north = np.array([-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec)])
        angle = np.arctan2(vectors @ east, vectors @ north) - math.radians(self.angle_deg)
        along, across = distance * np.cos(angle), distance * np.sin(angle)
        if self.shape == "box":
            box: NDArray[np.bool_] = (np.abs(along) <= sizes[0] / 2 + tolerance) & (np.abs(across) <= sizes[1] / 2 + tolerance)
            return box
        # compared as a length: the tolerance is one
        scaled = np.hypot(along / sizes[0], across / sizes[1])
        ellipse: NDArray[np.bool_] = (scaled - 1.0) * min(sizes) <= tolerance
        return ellipse

    def mask(self, catalogue: Catalogue, many: bool = False) -> NDArray[np.bool_]:
        """Which rows lie in it, shape (n,). `many`: other shapes will be asked for too."""
        found = np.zeros(len(catalogue), bool)
        rows = _candidates(catalogue, *self.cap, many)
        found[rows] = self.holds(catalogue.vectors[rows])
        return found

    def to_json(self) -> dict[str, Any]:
        return {
            "shape": self.shape, "points": [list(point) for point in self.points], "sizes_deg": list(self.sizes_deg),
            "angle_deg": self.angle_deg, "include": self.include,
        }  # fmt: skip

    @classmethod
    def from_json(cls, document: object) -> SkyShape:
        """Raises InputError if the document is not what `to_json` gives."""
        if not isinstance(document, dict):
            raise InputError("This is not a shape on the sky.")
        members = Members({"kind": "shape", **document}, _no_filter)
        made = cls(
            members.text("shape"), members.pairs("points"), members.numbers("sizes_deg"), members.number("angle_deg"),
            members.truth("include"),
        )  # fmt: skip
        members.check_all_used()
        return made


def _no_filter(document: object) -> Filter:
    raise InputError("There is no filter within a shape.")


def _candidates(catalogue: Catalogue, centre: NDArray[np.float64], radius_deg: float, many: bool) -> NDArray[np.intp]:
    """Rows in a circle around a direction and not many others; to look at all of them is quicker than to sort them, but for many
    circles it is not."""
    if radius_deg >= 90.0 or not len(catalogue):
        return np.arange(len(catalogue))
    least = math.cos(math.radians(radius_deg)) - 1e-9
    if not many:
        return np.flatnonzero(catalogue.vectors @ centre >= least)
    order, sorted_dec = derived(catalogue, "declinations", lambda: _by_declination(catalogue))
    dec = math.degrees(math.atan2(centre[2], math.hypot(centre[0], centre[1])))
    first, last = np.searchsorted(sorted_dec, [dec - radius_deg - 1e-9, dec + radius_deg + 1e-9])
    rows: NDArray[np.intp] = order[first:last]
    return rows[catalogue.vectors[rows] @ centre >= least]


def _by_declination(catalogue: Catalogue) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    order = np.argsort(catalogue.dec_deg)
    return order, catalogue.dec_deg[order]


def _in_any(shapes: list[SkyShape], catalogue: Catalogue) -> NDArray[np.bool_]:
    """Rows, shape (n,), in at least one of the shapes; many circles are looked up together, as positions with radii."""
    many = len(shapes) > _MANY_SHAPES
    found = np.zeros(len(catalogue), bool)
    circles = [shape for shape in shapes if many and shape.shape == "circle"]
    if circles:
        ra, dec = np.array([shape.points[0] for shape in circles]).T
        radii = np.array([min(shape.sizes_deg[0], 180.0) for shape in circles])
        found |= near_places(catalogue, Places(ra, dec, ("",) * len(circles), radii), Distance.of_positions())
    for shape in shapes:
        if not (many and shape.shape == "circle"):
            found |= shape.mask(catalogue, many)
    return found


@dataclass(frozen=True)
class SkyShapes(Filter):
    """Centres in at least one of the shapes that include (everywhere, if all exclude) and in none of those that exclude.

    `label` is what a person calls them, for example the name of the region file.
    """

    shapes: tuple[SkyShape, ...]
    label: str = ""
    kind: ClassVar[str] = "sky_shapes"

    def __post_init__(self) -> None:
        if not self.shapes:
            raise InputError("There are no shapes on the sky to search in.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        including = [shape for shape in self.shapes if shape.include]
        excluding = [shape for shape in self.shapes if not shape.include]
        found = _in_any(including, catalogue) if including else np.isfinite(catalogue.vectors[:, 0])
        return found & ~_in_any(excluding, catalogue) if excluding else found

    def sentence(self) -> str:
        named = f" ({self.label})" if self.label else ""
        if len(self.shapes) > 1:
            return f"inside the {len(self.shapes)} shapes{named}"
        only = self.shapes[0]
        place = "" if only.shape == "polygon" else f" around {place_words(SkyPosition(*only.points[0]))}"
        sizes = f" of {' × '.join(format_angle(size) for size in only.sizes_deg)}" if only.sizes_deg else ""
        return f"{'inside' if only.include else 'outside'} the {only.shape}{sizes}{place}{named}"

    def members(self) -> dict[str, Any]:
        return {"shapes": [shape.to_json() for shape in self.shapes], "label": self.label}

    @classmethod
    def from_members(cls, members: Members) -> SkyShapes:
        return cls(members.made("shapes", SkyShape.from_json), members.text("label"))


def _sorted_cells(catalogue: Catalogue) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Row numbers, shape (n,), by growing HEALPix cell of order 29, and those cells; -1 without a position."""
    cells = ang2pix(catalogue.ra_deg, catalogue.dec_deg)
    order = np.argsort(cells)
    return order, cells[order]


@dataclass(frozen=True)
class Moc(Filter):
    """Centres in the cells of a coverage map: half-open ranges of HEALPix cells of order 29, NESTED numbering, ICRS.

    With `start_mjd` or `end_mjd` (a map of space and time) the observation must overlap that time too, as in TimeRange.
    """

    ranges: Ranges
    label: str = ""
    start_mjd: float | None = None
    end_mjd: float | None = None
    kind: ClassVar[str] = "moc"

    def __post_init__(self) -> None:
        object.__setattr__(self, "ranges", normal_ranges(self.ranges))
        _ = self.window

    @property
    def window(self) -> TimeRange | None:
        if self.start_mjd is None and self.end_mjd is None:
            return None
        return TimeRange(
            -math.inf if self.start_mjd is None else self.start_mjd, math.inf if self.end_mjd is None else self.end_mjd
        )

    @cached_property
    def sky_fraction(self) -> float:
        return sum(stop - start for start, stop in self.ranges) / (12 << 58)

    @cached_property
    def _edges(self) -> NDArray[np.int64]:
        """Starts and ends of the ranges, shape (k, 2)."""
        return np.array(self.ranges, np.int64).reshape(-1, 2)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        order, cells = derived(catalogue, "cells", lambda: _sorted_cells(catalogue))
        # rows from each range's start to its end: +1 and -1 there, summed up from the beginning
        places = np.searchsorted(cells, self._edges)
        steps = np.bincount(places[:, 0], minlength=len(cells) + 1) - np.bincount(places[:, 1], minlength=len(cells) + 1)
        found = np.zeros(len(catalogue), bool)
        found[order] = np.cumsum(steps[:-1]) > 0
        return found if self.window is None else found & self.window.mask(catalogue)

    def sentence(self) -> str:
        said = f"inside the coverage map{f' {self.label}' if self.label else ''} ({100 * self.sky_fraction:.3g} % of the sky)"
        if self.start_mjd is not None:
            said += f" from {day_words(self.start_mjd)}"
        return said if self.end_mjd is None else f"{said} until {day_words(self.end_mjd)}"

    def members(self) -> dict[str, Any]:
        return {"cells": ranges_to_text(self.ranges), "label": self.label, "start_mjd": self.start_mjd, "end_mjd": self.end_mjd}

    @classmethod
    def from_members(cls, members: Members) -> Moc:
        ranges = ranges_from_text(members.text("cells"))
        return cls(ranges, members.text("label"), members.number_or_none("start_mjd"), members.number_or_none("end_mjd"))
