"""The outlines of filters on the sky lie where the filters end: a step to one side passes, a step to the other does not."""

from __future__ import annotations

import math

import astropy.units as u
import numpy as np
import pytest

from daxa_gui.core.distance import Distance
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import And, Box, Cone, Filter, Moc, Not, Or, Polygon, Positions, SkyShape, SkyShapes, TimeRange, Usable
from daxa_gui.core.healpix import ORDER, ang2pix, normal_ranges
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, lon_lat_deg, unit_vectors
from daxa_gui.gui.widgets.sky_cells import MOST_CELLS, cells_at, outline, vectors_in
from daxa_gui.gui.widgets.sky_graticule import polylines
from daxa_gui.gui.widgets.sky_marks import crosses
from daxa_gui.gui.widgets.sky_projection import Viewport
from daxa_gui.gui.widgets.sky_shapes import great_circles, shapes_of
from daxa_gui.gui.widgets.sky_view import SkyView
from tests.fakes.catalogues import catalogue


def lines_of(*items: Filter) -> list[np.ndarray]:
    """Closed lines and edges, shape (n, vertices, 3) each, without the marks at middles."""
    stack = FilterStack()
    for item in items:
        stack = stack.add(item)
    found = [shape.vectors if shape.vectors.ndim == 3 else shape.vectors[None] for shape in shapes_of(stack)]
    return [lines for lines in found if lines.shape[1] > 1]


def passes(item: Filter, vectors: np.ndarray) -> np.ndarray:
    ra, dec = lon_lat_deg(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))
    return item.mask(catalogue(np.stack([ra, dec], axis=-1)))


def sides(before: np.ndarray, at: np.ndarray, after: np.ndarray, step_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """A little to the left and to the right of places on lines."""
    across = np.cross(at, after - before)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    return at + math.radians(step_deg) * across, at - math.radians(step_deg) * across


SHAPES: tuple[Filter, ...] = (
    Cone(SkyPosition(130.0, 89.0), 3.0),
    Positions((SkyPosition(10.0, 20.0),), 2.0),
    Positions(Places.of([SkyPosition(10.0, 20.0)], radius_deg=[1.5]), distance=Distance.of_positions()),
    Box(350.0, 10.0, -5.0, 5.0), Box(200.0, 100.0, 30.0, 80.0), Box(350.0, 20.0, -5.0, 25.0, "galactic"),
    Box(10.0, 40.0, 50.0, 85.0, "fk4"), Box(10.0, 40.0, -85.0, -20.0, "ecliptic"), Box(10.0, 40.0, -8.0, 2.0, "fk5"),
    Polygon(((350.0, -10.0), (20.0, -5.0), (5.0, 40.0))), Polygon(((0.0, 80.0), (120.0, 75.0), (240.0, 85.0))),
    *(SkyShapes((SkyShape(*parts),)) for parts in (
        ("circle", ((130.0, 2.0),), (5.0,)), ("annulus", ((0.5, -60.0),), (2.0, 5.0)),
        ("ellipse", ((359.0, 70.0),), (2.0, 7.0), 30.0),
        ("ellipse", ((10.0, 0.0),), (1.0, 2.0, 3.0, 4.0), 120.0), ("box", ((10.0, 0.0),), (4.0, 9.0), 20.0),
        ("box", ((10.0, 50.0),), (2.0, 3.0, 4.0, 9.0), 100.0), ("polygon", ((350.0, -10.0), (20.0, -5.0), (5.0, 40.0)))
    )),
)  # fmt: skip


@pytest.mark.parametrize("item", SHAPES, ids=lambda item: item.sentence()[:60])
def test_that_an_outline_is_where_the_filter_ends(item):
    lines = lines_of(item)
    assert sum(len(some) for some in lines) == (2 if "annulus" in item.sentence() or item.sentence().count("×") == 3 else 1)
    for some in lines:
        assert some[:, 0] == pytest.approx(some[:, -1], abs=1e-9), "it is closed"
        for line in some:
            around = line[:-1]
            left, right = sides(np.roll(around, 1, axis=0), around, np.roll(around, -1, axis=0), 0.002)
            assert (passes(item, left) != passes(item, right)).all()


def test_that_parts_of_joined_filters_and_opposites_are_shown():
    first, second = Box(0.0, 10.0, 0.0, 10.0), Cone(SkyPosition(40.0, 0.0), 2.0)
    for whole in (And((first, second)), Or((first, Not(second), Usable())), Not(And((first, second)))):
        assert [lines.shape for lines in lines_of(whole)] == [lines.shape for lines in lines_of(first, second)]
    assert lines_of(Usable(), TimeRange(50000.0, 60000.0)) == []


def test_that_filters_that_are_off_are_not_shown():
    stack = FilterStack().add(Box(0.0, 10.0, 0.0, 10.0))
    assert len(shapes_of(stack)) == 1
    assert shapes_of(stack.toggle(stack.rows[0].id, False)) == []


def test_that_thousands_of_shapes_and_places_are_few_things_to_draw():
    centres = np.random.default_rng(7).uniform((0, -80), (360, 80), (3000, 2)).round(3).tolist()
    regions = SkyShapes(tuple(SkyShape("circle", ((ra, dec),), (0.1,)) for ra, dec in centres))
    [circles] = lines_of(regions)
    assert len(circles) == 2000  # those beyond are not drawn
    places = Positions(tuple(SkyPosition(ra, dec) for ra, dec in centres), 0.1)
    points, rings = shapes_of(FilterStack().add(places))
    assert points.vectors.shape == (3000, 1, 3) and len(rings.vectors) == 2000


def test_that_great_circles_are_followed_in_small_steps():
    corners = unit_vectors([0.0, 90.0, 0.0], [0.0, 0.0, 90.0])
    line = great_circles(corners)
    assert np.linalg.norm(line, axis=-1) == pytest.approx(1.0)
    steps = np.degrees(np.arccos(np.clip((line[1:] * line[:-1]).sum(axis=-1), -1, 1)))
    assert steps.max() < 2.1
    assert steps.sum() == pytest.approx(270.0)


# ---- coverage maps


@pytest.mark.parametrize("order", [0, 1, 4, 9, 13])
def test_that_corners_of_cells_are_where_another_library_has_them(order):
    """A little from a corner towards the middle of its cell mocpy finds the cell, a little the other way it does not."""
    mocpy = pytest.importorskip("mocpy")
    size = 1 << order
    for cell in np.random.default_rng(3).integers(0, 12 * size * size, 12).tolist():
        moc = mocpy.MOC.from_str(f"{order}/{cell}")
        face, inside = np.array([cell // (size * size)]), f"{cell % (size * size):060b}"[::-1]
        x, y = (int(inside[part::2][::-1], 2) for part in (0, 1))
        middle = vectors_in(face, np.array([(x + 0.5) / size]), np.array([(y + 0.5) / size]))
        for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1)):
            corner = vectors_in(face, np.array([(x + dx) / size]), np.array([(y + dy) / size]))
            for step, found in ((0.02, True), (-0.02, False)):
                lon, lat = lon_lat_deg(corner + step * (middle - corner))
                assert moc.contains_lonlat(lon * u.deg, lat * u.deg).tolist() == [found]


def some_map(order: int, rng: np.random.Generator, number: int) -> Moc:
    shift = 2 * (ORDER - order)
    return Moc(tuple((int(cell) << shift, (int(cell) + 1) << shift) for cell in rng.integers(0, 12 << (2 * order), number)), "m")


@pytest.mark.parametrize(("order", "number"), [(0, 3), (1, 20), (3, 300), (6, 500), (11, 300)])
def test_that_a_coverage_map_ends_at_its_outline(order, number):
    moc = some_map(order, np.random.default_rng(order), number)
    [edges] = lines_of(moc)
    middle = edges.shape[1] // 2
    if edges.shape[1] == 2:
        at, before, after = edges.mean(axis=1), edges[:, 0], edges[:, 1]
    else:
        at, before, after = edges[:, middle], edges[:, middle - 1], edges[:, middle + 1]
    at = at / np.linalg.norm(at, axis=-1, keepdims=True)
    left, right = sides(before, at, after, 5.0 / (1 << order))
    assert (passes(moc, left) != passes(moc, right)).all()


def test_that_no_edge_of_the_outline_is_forgotten():
    """Random places inside and outside are told apart by counting how often a meridian upwards crosses the outline."""
    moc = some_map(2, np.random.default_rng(1), 60)
    [edges] = lines_of(moc)
    rng = np.random.default_rng(2)
    starts, ends = edges[:, :-1].reshape(-1, 3), edges[:, 1:].reshape(-1, 3)
    for ra, dec in zip(rng.uniform(0, 360, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 200))), strict=True):
        east = np.array([-math.sin(math.radians(ra)), math.cos(math.radians(ra)), 0.0])
        ahead = np.array([math.cos(math.radians(ra)), math.sin(math.radians(ra)), 0.0])
        one, two = starts @ east, ends @ east
        crossing = (one > 0) != (two > 0)
        weight = (one / np.where(crossing, one - two, 1.0))[crossing, None]
        points = starts[crossing] + weight * (ends - starts)[crossing]
        above = (points @ ahead > 0) & (lon_lat_deg(points)[1] > dec)
        if np.abs(lon_lat_deg(points)[1] - dec).min(initial=9.0) < 0.3:
            continue  # too near to tell: edges are drawn straight between vertices
        inside, pole = passes(moc, unit_vectors([ra, ra], [dec, 89.9999]))
        assert inside == (pole ^ bool(above.sum() % 2))


def test_that_large_maps_are_drawn_coarser_but_all_of_them():
    shift = 2 * (ORDER - 10)
    first = 5 << (2 * ORDER)  # every other cell of order 10 in a base cell
    moc = Moc(tuple((first + (2 * n << shift), first + (2 * n + 1 << shift)) for n in range(1 << 19)), "m")
    edges = outline(moc.ranges)
    assert 0 < len(edges) <= 4 * MOST_CELLS
    pairs = np.array(moc.ranges)
    assert len(cells_at(pairs, 4)) <= MOST_CELLS
    inside = cells_at(pairs, 6) >> 4
    assert set(cells_at(pairs, 4)) == set(inside.tolist())


def test_that_the_whole_sky_and_nothing_have_no_outline():
    assert len(outline(normal_ranges([(0, 12 << (2 * ORDER))]))) == 0
    assert len(outline(())) == 0


def test_that_the_smallest_cell_has_four_edges():
    cell = int(ang2pix([83.63], [22.01], ORDER)[0])
    edges = outline(((cell, cell + 1),))
    assert len(edges) == 4
    assert np.degrees(np.arccos(np.clip(edges[:, 0] @ unit_vectors(83.63, 22.01), -1, 1))).max() < 0.02


# ---- drawing


def test_that_crosses_are_drawn_where_there_is_sky():
    x, y = np.array([10.0, math.nan, 30.0]), np.array([10.0, 5.0, 40.0])
    lines = crosses(x, y, 2.0)
    assert len(lines.x) == 8 and lines.joined.tolist() == [True, False] * 4
    assert (lines.x.min(), lines.x.max()) == (8.0, 32.0)


def test_that_an_outline_of_thousands_of_edges_takes_one_call():
    moc = some_map(9, np.random.default_rng(4), 3000)
    [edges] = lines_of(moc)
    view = Viewport(900, 500).whole_sky()
    lines = polylines(edges, view)
    assert len(lines.x) == edges.shape[0] * edges.shape[1]


def test_that_the_edge_of_a_fine_coverage_map_is_drawn_from_far_away_too(qtbot):
    """Each of its pieces is less than a pixel long when the whole sky is looked at."""
    first = 3 << (2 * 11 + 36)
    moc = Moc(((first, first + (40 << 36)),), "m")  # forty cells of 1.7′
    view = SkyView()
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    view.set_shapes(shapes_of(FilterStack().add(moc)))
    assert view.viewport_on_sky.shows_whole_sky
    assert view._shape_lines.path().elementCount() > 0
