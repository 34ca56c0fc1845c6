"""Polygons on the sphere, against mocpy's, gnomonic maps and winding numbers of single points."""

from __future__ import annotations

import math
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mocpy import MOC

from daxa_gui.core import sphere
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Polygon
from daxa_gui.core.sky import lon_lat_deg, separation_deg, unit_vectors
from tests.fakes.catalogues import NAN, catalogue

RNG = np.random.default_rng(3)
RA = RNG.uniform(0, 360, 1000)
DEC = np.degrees(np.arcsin(RNG.uniform(-1, 1, 1000)))


def star(ra: float, dec: float, radii_deg: list[float]) -> list[tuple[float, float]]:
    """Corners around a centre at equal angles and given distances: a polygon without crossing edges."""
    centre = unit_vectors(ra, dec)
    east = np.cross([0, 0, 1.0] if abs(dec) < 80 else [1.0, 0, 0], centre)
    east /= np.linalg.norm(east)
    north = np.cross(centre, east)
    corners = []
    for number, radius in enumerate(radii_deg):
        turn, apart = 2 * math.pi * number / len(radii_deg), math.radians(radius)
        vector = math.cos(apart) * centre + math.sin(apart) * (math.cos(turn) * north + math.sin(turn) * east)
        corners.append((math.degrees(math.atan2(vector[1], vector[0])) % 360.0, math.degrees(math.asin(vector[2]))))
    return corners


def gnomonic_inside(point: Any, corners: Any, centre: Any) -> bool:
    """Straight edges in a gnomonic map are great circles: the even-odd rule there, one point at a time."""
    east = np.cross([0.0, 0.0, 1.0] if abs(centre[2]) < 0.98 else [1.0, 0.0, 0.0], centre)
    east /= np.linalg.norm(east)
    north = np.cross(centre, east)
    if point @ centre <= 1e-9:
        return False
    flat = [(corner @ east / (corner @ centre), corner @ north / (corner @ centre)) for corner in corners]
    x, y = point @ east / (point @ centre), point @ north / (point @ centre)
    inside = False
    for (x1, y1), (x2, y2) in zip(flat, flat[1:] + flat[:1], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


@settings(max_examples=25, deadline=None)
@given(
    st.one_of(st.floats(0, 360), st.sampled_from([0.0, 359.9, 180.0])),
    st.one_of(st.floats(-90, 90), st.sampled_from([90.0, -90.0, 89.9, -89.5])),
    st.lists(st.floats(1, 70), min_size=3, max_size=9),
    st.booleans(),
)
def test_that_polygons_agree_with_a_gnomonic_map(ra: float, dec: float, radii: list[float], backwards: bool) -> None:
    corners = star(ra, dec, radii)
    vertices = unit_vectors(*zip(*corners, strict=True))
    middle, _ = sphere.bounding_cap(vertices)
    assume(separation_deg(vertices, middle).max() < 85)
    rows = [(ra, dec), *zip(RA[:150].tolist(), DEC[:150].tolist(), strict=True), *star(ra, dec, [r * 0.3 for r in radii])]
    mask = Polygon(tuple(corners[::-1] if backwards else corners)).mask(catalogue(rows))
    vectors = unit_vectors([r[0] for r in rows], [r[1] for r in rows])
    for inside, vector in zip(mask.tolist(), vectors, strict=True):
        if sphere.distance_to_edges_deg(vector, vertices) > 1e-9:
            assert inside == gnomonic_inside(vector, vertices, middle)


@pytest.mark.parametrize(
    "corners",
    [
        [(350, -10), (10, -10), (10, 10), (350, 10)],
        [(0, 80), (90, 80), (180, 80), (270, 80)],
        [(0, -85), (120, -70), (240, -80)],
        [(10, 5), (60, 5), (60, 40), (40, 15), (30, 40)],
        [(30.0, -8), (39.0, -8), (39.0, -2), (30.0, -2)],
    ],
)
def test_that_polygons_agree_with_mocpy(corners: list[tuple[float, float]]) -> None:
    lon, lat = (np.array(axis, float) * u.deg for axis in zip(*corners, strict=True))
    order = 9
    theirs = MOC.from_polygon(lon, lat, max_depth=order)
    vertices = unit_vectors([c[0] for c in corners], [c[1] for c in corners])
    middle = vertices.mean(axis=0)
    vectors = np.concatenate([unit_vectors(RA, DEC), middle / np.linalg.norm(middle) + 0.2 * RNG.normal(size=(400, 3))])
    ra, dec = lon_lat_deg(vectors)
    rows = list(zip(ra, dec, strict=True))
    expected = theirs.contains_lonlat(ra * u.deg, dec * u.deg)
    clear = np.array([sphere.distance_to_edges_deg(v, vertices) for v in unit_vectors(ra, dec)]) > 0.25  # two cells
    assert np.count_nonzero(expected & clear) > 10
    for order_of_corners in (corners, corners[::-1], [*corners, corners[0]]):
        assert (Polygon(tuple(order_of_corners)).mask(catalogue(rows))[clear] == expected[clear]).all()


def test_that_a_triangle_with_edges_of_120_degrees_takes_its_smaller_side() -> None:
    of = catalogue([(0, 60), (0, -60), (0, 90), (200, -89), (10, 1), (10, -1)])
    assert Polygon(((0, 1), (120, 1), (240, 1))).mask(of).tolist() == [True, False, True, False, False, False]
    assert Polygon(((0, -1), (120, -1), (240, -1))).mask(of).tolist() == [False, True, False, True, False, False]


def test_that_a_band_around_the_sky_takes_its_smaller_side() -> None:
    """Corners all around the equator and 20° high teeth: the middle of the corners lies in no hemisphere of theirs."""
    corners = [(float(ra), 30.0 if number % 2 else 10.0) for number, ra in enumerate(range(0, 360, 15))]
    of = catalogue([(7, 89), (15, 35), (15, 25), (0, 5), (100, -80)])
    assert Polygon(tuple(corners)).mask(of).tolist() == [True, True, False, False, False]
    assert Polygon(tuple(corners[::-1])).mask(of).tolist() == [True, True, False, False, False]


def test_that_corners_and_edges_belong_to_the_polygon_and_unknown_positions_do_not() -> None:
    of = catalogue([(10, 0), (20, 0), (15, 0), (15, -1e-9), (NAN, 5), (15, NAN), (15, 5)])
    assert Polygon(((10, 0), (20, 0), (15, 10))).mask(of).tolist() == [True, True, True, False, False, False, True]


@pytest.mark.parametrize(
    "corners",
    [(), ((0, 0), (1, 1)), ((0, 0), (1, 1), (0, 0)), ((0, 0), (180, 0), (90, 40)), ((0, 91), (1, 1), (2, 2)), ((NAN, 0),) * 3],
)
def test_that_impossible_polygons_are_refused(corners: Any) -> None:
    with pytest.raises(InputError):
        Polygon(corners)


@given(st.floats(0, 360), st.floats(-89, 89), st.floats(0, 360), st.floats(-89, 89), st.floats(0, 360), st.floats(-89, 89))
def test_that_the_distance_to_an_arc_is_that_to_its_nearest_point(
    a1: float, d1: float, a2: float, d2: float, a: float, d: float
) -> None:
    first, last, point = unit_vectors(a1, d1), unit_vectors(a2, d2), unit_vectors(a, d)
    assume(1.0 < separation_deg(first, last) < 170.0)
    along = np.linspace(0, 1, 20001)[:, None]
    arc = first * (1 - along) + last * along
    nearest = separation_deg(arc / np.linalg.norm(arc, axis=1, keepdims=True), point).min()
    assert sphere.distance_to_arc_deg(point, first, last) == pytest.approx(nearest, abs=0.05)
