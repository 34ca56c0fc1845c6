"""Filters by place: positions with radii and windows, frames, shapes, coverage maps, against astropy, regions and mocpy."""

from __future__ import annotations

import math
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st
from mocpy import MOC
from regions import CircleAnnulusSkyRegion, EllipseAnnulusSkyRegion, EllipseSkyRegion, RectangleSkyRegion

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Box, Filter, Moc, Positions, SkyShape, SkyShapes
from daxa_gui.core.footprint import Footprint
from daxa_gui.core.frames import to_icrs
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from tests.fakes.catalogues import NAN, catalogue


def matched(wanted: Filter, of: Catalogue) -> list[int]:
    mask = wanted.mask(of)
    assert mask.dtype == bool
    assert mask.shape == (len(of),)
    return np.flatnonzero(mask).tolist()


# -- positions ------------------------------------------------------------------------------------------------------------


def test_that_each_position_may_have_its_own_radius() -> None:
    places = Places.of([SkyPosition(0, 0), SkyPosition(100, 0)], radius_deg=[1.0, 3.0])
    of = catalogue([(0, 1), (0, 2), (100, 2), (100, 3), (100, 3.1)])
    assert matched(Positions(places, distance=Distance.of_positions()), of) == [0, 2, 3]


def test_that_each_instrument_may_have_its_own_distance() -> None:
    of = catalogue([(0, 2)] * 5, instruments=["ACIS", "HRC", "ACIS HRC", "", "HETG"])
    wanted = Positions((SkyPosition(0, 0),), distance=Distance.of_instruments({"ACIS": 1.0, "HRC": 2.0}))
    assert matched(wanted, of) == [1, 2]


def test_that_a_footprint_decides_by_its_shape() -> None:
    of = catalogue([(0, 0)] * 2, instruments=["S", "C"], footprints={"S": Footprint("square", 1.0, "roll"),
                   "C": Footprint("circle", 1.0)},
                   extra={"roll": np.array([0.0, 0.0])})  # fmt: skip
    for (ra, dec), rows in {(0.9, 0.9): [0], (0.0, 1.0): [0, 1], (0.0, 1.1): []}.items():
        assert matched(Positions((SkyPosition(ra, dec),), distance=Distance.footprint()), of) == rows


def test_that_each_position_may_have_its_own_time_window() -> None:
    """Supernovae: 30 days either side of discovery; the second one has no date, so any time is good for it."""
    places = Places.of([SkyPosition(0, 0), SkyPosition(50, 0)], start_mjd=[1000.0, NAN], end_mjd=[1060.0, NAN])
    of = catalogue(
        [(0, 0), (0, 0), (0, 0), (0, 0), (50, 0), (50, 0)],
        start_mjd=[990, 1061, 1060, NAN, 5, NAN], end_mjd=[1000, 1070, NAN, 1010, 6, NAN],
    )  # fmt: skip
    assert matched(Positions(places, 0.1), of) == [0, 2, 3, 4, 5]
    assert matched(Positions(places, 0.1, entirely_inside=True), of) == [2, 3, 4, 5]


def test_that_one_way_of_giving_a_distance_is_as_good_as_another() -> None:
    here = (SkyPosition(1, 2, "A"),)
    assert Positions(here, 0.3) == Positions(here, distance=Distance.fixed(0.3)) == Positions(Places.of(here), 0.3)
    assert Positions(here) == Positions(here, distance=Distance())
    assert hash(Positions(here, 0.3)) == hash(Positions(here, distance=Distance.fixed(0.3)))
    with pytest.raises(InputError):
        Positions(here, 0.3, distance=Distance.fixed(0.4))
    with pytest.raises(InputError):
        Positions(here, 0.3, distance=Distance.footprint())
    with pytest.raises(InputError, match="no distances of their own"):
        Positions(here, distance=Distance.of_positions())


# -- frames ---------------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(8)
RA, DEC = RNG.uniform(0, 360, 20000), np.degrees(np.arcsin(RNG.uniform(-1, 1, 20000)))
EVERYWHERE = catalogue(list(zip(RA, DEC, strict=True)))


@pytest.mark.parametrize(
    ("frame", "theirs"), [("fk5", "fk5"), ("fk4", "fk4"), ("galactic", "galactic"), ("ecliptic", "barycentricmeanecliptic")]
)
@pytest.mark.parametrize("box", [(350, 20, -10, 10), (10, 350, 60, 90), (0, 360, -2, 2), (100, 200, -90, -80)])
def test_that_rectangles_of_other_frames_agree_with_astropy(frame: str, theirs: str, box: Any) -> None:
    place = SkyCoord(RA, DEC, unit="deg").transform_to(SkyCoord(0, 0, unit="deg", frame=theirs).frame).spherical
    lon, lat = place.lon.deg % 360, place.lat.deg
    first, last, low, high = box
    between = (lon >= first) & (lon <= last) if first <= last else (lon >= first) | (lon <= last)
    expected = between & (lat >= low) & (lat <= high)
    edges = [np.abs((lon - edge + 180) % 360 - 180) * np.cos(np.radians(lat)) for edge in (first, last)]
    clear = np.min([*edges, abs(lat - low), abs(lat - high)], axis=0) > 1e-4
    mask = Box(*box, frame).mask(EVERYWHERE)
    assert (mask == expected)[clear].all()
    assert mask.any() and np.count_nonzero(~clear) < 20


def test_that_the_poles_of_other_frames_have_every_longitude() -> None:
    near = SkyCoord([0, 15, 15], [89.995, 89.995, -89.995], unit="deg", frame="galactic").icrs
    pole = to_icrs(0.0, 90.0, "galactic")
    of = catalogue([*zip(near.ra.deg, near.dec.deg, strict=True), pole])
    assert matched(Box(10, 20, 89.99, 90, "galactic"), of) == [1, 3]
    assert matched(Box(100, 101, 89.99, 90, "galactic"), of) == [3]
    assert matched(Box(0, 360, 89.99, 90, "galactic"), of) == [0, 1, 3]


def test_that_a_rectangle_of_an_unknown_frame_is_refused() -> None:
    with pytest.raises(InputError, match="supergalactic"):
        Box(0, 1, 0, 1, "supergalactic")


# -- shapes against the regions package --------------------------------------------------------------------------------------


def flat(ra: float, dec: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], [ra, dec], [0, 0], [-1e-3, 1e-3]
    return wcs


SMALL = st.floats(0.02, 0.5)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0, 360), st.one_of(st.floats(-85, 85), st.sampled_from([0.0, 89.0, -89.5])), SMALL, SMALL, st.floats(1.05, 3.0),
    st.floats(-400, 400),
)  # fmt: skip
def test_that_small_shapes_agree_with_the_regions_package(
    ra: float, dec: float, a: float, b: float, more: float, angle: float
) -> None:
    """Theirs measure angles from the west through north (north up), ours from north through east; their map is flat."""
    centre = SkyCoord(ra, dec, unit="deg")
    turned, d = angle * u.deg, u.deg
    cases = [
        (EllipseSkyRegion(centre, 2 * a * d, 2 * b * d, turned), "ellipse", (a, b)),
        (RectangleSkyRegion(centre, a * d, b * d, turned), "box", (a, b)),
        (CircleAnnulusSkyRegion(centre, a * d, a * more * d), "annulus", (a, a * more)),
        (EllipseAnnulusSkyRegion(centre, *(2 * s * d for s in (a, a * more, b, b * more)), turned), "ellipse",
         (a, b, a * more, b * more)),
    ]  # fmt: skip
    around = np.random.default_rng(5)
    apart, turn = 1.6 * np.sqrt(around.uniform(0, 1, 400)), around.uniform(0, 360, 400)
    points = centre.directional_offset_by(turn * u.deg, apart * u.deg)
    vectors = unit_vectors(points.ra.deg, points.dec.deg)
    for theirs, shape, sizes in cases:
        ours = SkyShape(shape, ((ra % 360, dec),), sizes, angle - 90.0)
        expected = theirs.contains(points, flat(ra, dec))
        # a flat map stretches 1.6° by 4e-4 of it
        wider, narrower = (SkyShape(shape, ((ra % 360, dec),), tuple(s * f for s in sizes), angle - 90.0) for f in (1.002, 0.998))
        sure = wider.holds(vectors) == narrower.holds(vectors)
        assert (ours.holds(vectors) == expected)[sure].all()


@given(st.floats(0, 360), st.floats(-90, 90), st.floats(0.001, 179), st.floats(0, 360))
def test_that_an_ellipse_with_equal_axes_is_the_circle(ra: float, dec: float, radius: float, angle: float) -> None:
    vectors = unit_vectors(RA[:500], DEC[:500])
    clear = abs(separation_deg(vectors, unit_vectors(ra, dec)) - radius) > 1e-9
    circle, ellipse = SkyShape("circle", ((ra, dec),), (radius,)), SkyShape("ellipse", ((ra, dec),), (radius, radius), angle)
    assert (circle.holds(vectors) == ellipse.holds(vectors))[clear].all()


@given(st.floats(0, 360), st.floats(-90, 90), st.lists(st.floats(0.01, 120), min_size=2, max_size=2), st.floats(0, 360))
def test_that_looking_at_candidates_only_changes_nothing(ra: float, dec: float, sizes: list[float], angle: float) -> None:
    for shape in ("circle", "ellipse", "box", "annulus"):
        given_sizes = {"circle": (sizes[0],), "annulus": tuple(sorted(sizes))}.get(shape, tuple(sizes))
        one = SkyShape(shape, ((ra, dec),), given_sizes, angle)
        assert (one.mask(EVERYWHERE) == one.holds(EVERYWHERE.vectors)).all()


@given(st.lists(st.tuples(st.floats(0, 360), st.floats(-90, 90), st.floats(1e-3, 190), st.booleans()), min_size=1, max_size=12))
def test_that_many_circles_together_are_each_of_them(circles: list[tuple[float, float, float, bool]]) -> None:
    some = catalogue([*zip(RA[:400], DEC[:400], strict=True), (NAN, NAN), (0, 90), (0, -90), *(c[:2] for c in circles)])
    shapes = [SkyShape("circle", ((ra, dec),), (radius,), include=include) for ra, dec, radius, include in circles]
    inside, outside = ([shape.holds(some.vectors) for shape in shapes if shape.include == kind] for kind in (True, False))
    expected = np.any(inside, axis=0) if inside else np.isfinite(some.ra_deg)
    if outside:
        expected &= ~np.any(outside, axis=0)
    assert SkyShapes(tuple(shapes)).mask(some).tolist() == expected.tolist()


def test_that_the_edge_of_a_shape_belongs_to_it() -> None:
    of = catalogue([(10, 21), (10, 21 + 1e-9), (10, 18), (10, 18 - 1e-9), (NAN, 20)])
    assert matched(SkyShapes((SkyShape("circle", ((10, 20),), (1.0,)),)), of) == [0]
    assert matched(SkyShapes((SkyShape("ellipse", ((10, 20),), (1.0, 2.0), 90.0),)), of) == [0, 1, 2]
    assert matched(SkyShapes((SkyShape("box", ((10, 20),), (2.0, 4.0), 0.0),)), of) == [0]
    assert matched(SkyShapes((SkyShape("annulus", ((10, 20),), (1.0, 2.0)),)), of) == [0, 1, 2]


def test_that_excluding_shapes_cut_holes() -> None:
    of = catalogue([(10, 20), (10, 20.8), (10, 22), (NAN, NAN)])
    whole, hole = SkyShape("circle", ((10, 20),), (1.0,)), SkyShape("circle", ((10, 20),), (0.5,), include=False)
    assert matched(SkyShapes((whole, hole)), of) == matched(SkyShapes((hole, whole)), of) == [1]
    assert matched(SkyShapes((hole,)), of) == [1, 2]


@pytest.mark.parametrize(
    "arguments",
    [("blob", ((0, 0),), (1,)), ("circle", ((0, 0),), (0,)), ("circle", ((0, 0),), (NAN,)),
     ("circle", ((0, 0),), (1, 2)), ("circle", (), (1,)), ("annulus", ((0, 0),), (2, 1)),
     ("ellipse", ((0, 0),), (2, 2, 1, 3)), ("box", ((0, 95),), (1, 1)),
     ("box", ((0, 0),), (1, 1), math.inf),
     ("polygon", ((0, 0), (1, 1)))],
)  # fmt: skip
def test_that_impossible_shapes_are_refused(arguments: Any) -> None:
    with pytest.raises(InputError):
        SkyShape(*arguments)


# -- coverage maps ---------------------------------------------------------------------------------------------------------


def cone(ra: float, dec: float, radius: float, order: int) -> MOC:
    return MOC.from_cone(lon=ra * u.deg, lat=dec * u.deg, radius=radius * u.deg, max_depth=order)


@pytest.mark.parametrize(
    "theirs",
    [
        cone(0.0, 90, 20, 8), cone(359.9, -30, 15, 10), cone(10, -90, 5, 14),
        MOC.from_string("0/1 3 5 2/190-191 11/7-9 100"), MOC.from_string("0/0-11"),
    ],
)  # fmt: skip
def test_that_coverage_maps_agree_with_mocpy(theirs: Any) -> None:
    near_poles = [(float(ra), sign * (90 - 10.0**-power)) for ra in range(0, 360, 30) for power in range(10) for sign in (-1, 1)]
    rows = [*zip(RA.tolist(), DEC.tolist(), strict=True), *near_poles, (0.0, 90.0), (0.0, -90.0)]
    wanted = Moc(tuple(map(tuple, theirs.to_depth29_ranges.astype(object).tolist())))
    lon, lat = (np.array(axis) * u.deg for axis in zip(*rows, strict=True))
    assert wanted.mask(catalogue(rows)).tolist() == theirs.contains_lonlat(lon, lat).tolist()
    assert wanted.sky_fraction == pytest.approx(theirs.sky_fraction)
    assert matched(wanted, catalogue([(NAN, NAN), (NAN, 1.0)])) == []


def test_that_a_map_with_a_time_asks_for_the_time_too() -> None:
    everywhere = ((0, 12 << 58),)
    of = catalogue([(1, 1)] * 3, start_mjd=[1, 5, 9], end_mjd=[2, 6, 10])
    assert matched(Moc(everywhere), of) == [0, 1, 2]
    assert matched(Moc(everywhere, "", 4.0, 7.0), of) == [1]
    assert matched(Moc(everywhere, "", None, 7.0), of) == [0, 1]
    with pytest.raises(InputError):
        Moc(everywhere, "", 8.0, 7.0)
