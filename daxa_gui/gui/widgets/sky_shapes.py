"""The filters that have a shape on the sky, as outlines for the sky plot."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator

import numpy as np

from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import And, Box, Cone, Filter, Moc, Not, Or, Polygon, Positions, SkyShape, SkyShapes
from daxa_gui.core.frames import to_icrs
from daxa_gui.core.healpix import Ranges
from daxa_gui.core.sky import lon_lat_deg, unit_vectors
from daxa_gui.gui.widgets.sky_cells import outline
from daxa_gui.gui.widgets.sky_projection import Floats, boxes, circles
from daxa_gui.gui.widgets.sky_view import Shape

_MOST_POSITIONS = 20_000
_MOST_CIRCLES = 2000
_MOST_SHAPES = 2000  # of one region file


def shapes_of(stack: FilterStack) -> list[Shape]:
    """Outlines of all filters that are switched on; a cone without a radius of its own is marked at its middle. Of filters
    that are made of others, the outlines of all of them."""
    return [shape for row in stack.rows if row.enabled for shape in _shapes(row.filter)]


def _shapes(item: Filter) -> Iterator[Shape]:
    if isinstance(item, (And, Or)):
        for part in item.filters:
            yield from _shapes(part)
    elif isinstance(item, Not):
        yield from _shapes(item.filter)
    elif isinstance(item, Cone):
        centre = unit_vectors([item.position.ra_deg], [item.position.dec_deg])
        yield Shape(centre)
        if item.radius_deg is not None:
            yield Shape(circles(centre, np.array([item.radius_deg]), 96))
    elif isinstance(item, Positions):
        yield from _places(item)
    elif isinstance(item, Box):
        yield Shape(_box(item))
    elif isinstance(item, Polygon):
        yield Shape(great_circles(item.shape.vectors)[None])
    elif isinstance(item, SkyShapes):
        yield from _together(lines for shape in item.shapes[:_MOST_SHAPES] for lines in _region(shape))
    elif isinstance(item, Moc):
        yield Shape(_coverage(item.ranges))


@functools.lru_cache(maxsize=8)
def _coverage(ranges: Ranges) -> Floats:
    """Remembered, since all shapes are made anew when any filter changes."""
    return outline(ranges)


def _together(pieces: Iterable[Floats]) -> Iterator[Shape]:
    """Lines of the same number of vertices as one shape: thousands of single ones would be slow to draw."""
    by_length: dict[int, list[Floats]] = {}
    for lines in pieces:
        by_length.setdefault(lines.shape[1], []).append(lines)
    yield from (Shape(np.concatenate(alike)) for alike in by_length.values())


def _places(item: Positions) -> Iterator[Shape]:
    places, reach = item.places, item.reach
    vectors = places.vectors[:_MOST_POSITIONS]
    yield Shape(vectors[:, None, :])
    vectors = vectors[:_MOST_CIRCLES]
    if reach.kind == "fixed" and reach.deg is not None:
        yield Shape(circles(vectors, np.full(len(vectors), reach.deg)))
    elif reach.kind == "positions" and places.radius_deg is not None:
        yield Shape(circles(vectors, places.radius_deg[: len(vectors)]))


def _box(item: Box) -> Floats:
    bounds = (item.ra_min_deg, item.ra_max_deg, item.dec_min_deg, item.dec_max_deg)
    lon_min, lon_max, lat_min, lat_max = (np.array([bound]) for bound in bounds)
    vectors = boxes(lon_min, lon_max, lat_min, lat_max, 24)
    return vectors if item.frame == "icrs" else unit_vectors(*to_icrs(*lon_lat_deg(vectors), item.frame))


def great_circles(corners: Floats, step_deg: float = 2.0) -> Floats:
    """A closed line, shape (k, 3), through corners, shape (m, 3), along great circles."""
    pieces = []
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        angle = math.atan2(float(np.linalg.norm(np.cross(first, second))), float(first @ second))
        steps = max(2, math.ceil(math.degrees(angle) / step_deg) + 1)
        fraction = np.linspace(0.0, 1.0, steps)[:-1, None]
        if angle > 0:
            pieces.append((first * np.sin((1 - fraction) * angle) + second * np.sin(fraction * angle)) / math.sin(angle))
    return np.concatenate([*pieces, corners[:1]])


def _region(shape: SkyShape) -> Iterator[Floats]:
    """Closed lines, shape (1, vertices, 3) each: an outline, and that of the hole if there is one."""
    sizes = shape.sizes_deg
    if shape.shape == "polygon":
        yield great_circles(shape.vectors)[None]
    elif shape.shape in ("circle", "annulus"):
        for radius in sizes:
            yield circles(shape.vectors, np.array([radius]), 96)
    else:
        for first, second in (sizes[-2:], sizes[:-2])[: len(sizes) // 2]:
            yield _axes(shape, first, second)[None]


def _axes(shape: SkyShape, first_deg: float, second_deg: float) -> Floats:
    """The ellipse (half axes) or box (width, height) around a centre, by distance and direction from it."""
    if shape.shape == "ellipse":
        turn = np.linspace(0.0, 2 * np.pi, 97)
        along, across = first_deg * np.cos(turn), second_deg * np.sin(turn)
    else:
        side, half = np.linspace(-0.5, 0.5, 13)[:-1], np.full(12, 0.5)
        along = first_deg * np.concatenate([side, half, -side, -half, [-0.5]])
        across = second_deg * np.concatenate([-half, side, half, -side, [-0.5]])
    distance = np.radians(np.hypot(along, across))
    angle = np.arctan2(across, along) + math.radians(shape.angle_deg)
    ra, dec = (math.radians(value) for value in shape.points[0])
    east = np.array([-math.sin(ra), math.cos(ra), 0.0])
    north = np.array([-math.sin(dec) * math.cos(ra), -math.sin(dec) * math.sin(ra), math.cos(dec)])
    direction = np.cos(angle)[:, None] * north + np.sin(angle)[:, None] * east
    return np.cos(distance)[:, None] * shape.vectors[0] + np.sin(distance)[:, None] * direction
