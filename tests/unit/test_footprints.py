"""Fields of view by their shapes: against astropy's offset frames, and against bounds that can be told without a formula."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core import matching
from daxa_gui.core.association import associate
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.footprint import Footprint, in_square, in_tile, tile_reach_deg
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from daxa_gui.missions import MISSIONS
from tests.fakes.catalogues import NAN, catalogue

RA = st.one_of(st.floats(0, 360), st.sampled_from([0.0, 1e-9, 180.0, 359.9999999, 360.0]))
DEC = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.999, 0.0, 89.999, 90.0]))


def covers(of: Catalogue, *points: tuple[float, float]) -> list[list[str]]:
    """For each of the points the instruments that cover it, row by row."""
    near = Places.of([SkyPosition(*point) for point in points])
    table = associate(of, near, Distance.footprint())
    result = [[""] * len(of) for _ in points]
    for position, row, names in zip(table.position.tolist(), table.row.tolist(), table.instruments.tolist(), strict=True):
        result[position][row] = names or "any"
    rows = sorted(set(table.row.tolist()))
    assert np.flatnonzero(matching.near_places(of, near, Distance.footprint())).tolist() == rows
    return result


# -- circles ---------------------------------------------------------------------------------------------------------------


def test_that_an_instrument_without_a_shape_sees_a_circle():
    of = catalogue([(10.0, 0.0)] * 2, instruments=["CAM", ""], fov_radius_deg=[0.25, 0.1])
    assert covers(of, (10.25, 0.0), (10.1, 0.0), (10.2500001, 0.0)) == [["CAM", ""], ["CAM", "any"], ["", ""]]


def test_that_each_instrument_has_its_own_circle():
    shapes = {"WIDE": Footprint("circle", 2.0), "NARROW": Footprint("circle", 0.5)}
    of = catalogue([(0.0, 89.0)] * 3, instruments=["WIDE NARROW", "NARROW", "WIDE OTHER"], footprints=shapes)
    assert covers(of, (180.0, 89.0), (0.0, 89.5), (0.0, 89.2)) == [
        ["WIDE", "", "WIDE"], ["WIDE NARROW", "NARROW", "WIDE"], ["WIDE NARROW", "NARROW", "WIDE OTHER"],
    ]  # fmt: skip


def test_that_only_some_instruments_may_be_meant():
    shapes = {"BAT": Footprint("circle", 50.0), "XRT": Footprint("circle", 0.2)}
    of = catalogue([(0.0, 0.0)] * 4, instruments=["BAT XRT", "BAT", "", "UVOT"], footprints=shapes)
    near = Places.of([SkyPosition(0.1, 0.0), SkyPosition(10.0, 0.0)])
    table = associate(of, near, Distance.footprint("XRT"))
    assert (table.position.tolist(), table.row.tolist(), table.instruments.tolist()) == ([0], [0], ["XRT"])
    assert len(associate(of, near, Distance.footprint("SPI"))) == 0
    assert not matching.near_places(of, near, Distance.footprint("SPI")).any()


def test_that_the_default_instruments_are_meant_unless_others_are_named():
    """Swift's default instrument is XRT: BAT's half of the sky counts only if it is asked for."""
    shapes = {"BAT": Footprint("circle", 50.0), "XRT": Footprint("circle", 0.2), "UVOT": Footprint("circle", 0.1)}
    of = catalogue(
        [(0.0, 0.0)] * 4, instruments=["XRT BAT UVOT", "BAT", "", "UVOT"], footprints=shapes, fov_radius_deg=[0.2] * 4,
        default_instruments=("XRT",),
    )  # fmt: skip
    assert covers(of, (0.05, 0.0), (0.15, 0.0), (0.25, 0.0), (10.0, 0.0)) == [
        ["XRT", "any", "any", "any"], ["XRT", "any", "any", "any"], [""] * 4, [""] * 4,
    ]  # fmt: skip
    near = Places.of([SkyPosition(10.0, 0.0)])
    assert associate(of, near, Distance.footprint("BAT", "UVOT")).row.tolist() == [0, 1]


def test_that_swifts_field_of_view_is_not_that_of_bat():
    spec = MISSIONS["swift"]
    given = {"obs_id": np.array(["00000000001"] * 2), "ra_deg": np.zeros(2), "dec_deg": np.zeros(2)}
    of = catalogue_from(spec, {**given, "instruments": np.array(["XRT BAT UVOT", "BAT"])}, provenance="")
    near = Places.of([SkyPosition(0.1, 0.0), SkyPosition(5.0, 0.0)])
    assert associate(of, near, Distance.footprint()).position.tolist() == [0, 0]
    assert associate(of, near, Distance.footprint("BAT")).position.tolist() == [0, 0, 1, 1]


def test_that_distances_travel_as_json():
    for one in (Distance(), Distance.fixed(0.5), Distance.of_instruments({"B": 1.0, "A": 2}), Distance.footprint("XRT", "BAT")):
        assert Distance.from_json(json.loads(json.dumps(one.to_json()))) == one
    assert Distance.footprint("XRT", "BAT").only == ("BAT", "XRT")
    for wrong in ({"only": "XRT"}, {"only": [1]}, {"only": ["XRT"], "kind": "default"}, {"deg": 1.0}, {"unit": "deg"}):
        with pytest.raises(InputError):
            Distance.from_json({**Distance.footprint().to_json(), **wrong})


# -- squares ---------------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(RA, DEC, st.floats(-400, 400), st.floats(0.01, 5.0), st.lists(st.tuples(st.floats(0, 1.5), st.floats(0, 360)), min_size=1))
def test_that_squares_are_those_of_astropys_offset_frames(ra, dec, roll, half, offsets):
    """A point at a distance (in half sides) and a position angle; in the frame turned by the roll, whose tangent-plane
    coordinates are tan(lon) and tan(lat)/cos(lon), the sides lie along the axes."""
    import astropy.units as u
    from astropy.coordinates import SkyCoord, SkyOffsetFrame

    pointing = SkyCoord(ra, dec, unit="deg")
    distance, angle = np.array(offsets).T
    points = pointing.directional_offset_by(angle * u.deg, distance * half * u.deg)
    offset = points.transform_to(SkyOffsetFrame(origin=pointing, rotation=roll * u.deg))
    x = np.tan(offset.lon.rad)
    y = np.tan(offset.lat.rad) / np.cos(offset.lon.rad)
    edge = np.maximum(np.abs(x), np.abs(y)) - math.tan(math.radians(half))
    place = np.stack([points.ra.deg, points.dec.deg], axis=1)
    centre = np.tile([pointing.ra.deg, pointing.dec.deg], (len(place), 1))
    inside = in_square(
        Footprint("square", half, "roll"), centre, place, points.separation(pointing).deg, np.full(len(place), roll)
    )
    sure = np.abs(edge) > 1e-11
    assert inside[sure].tolist() == (edge <= 0)[sure].tolist()


@pytest.mark.parametrize(("roll", "side"), [(0.0, 0.1), (90.0, 0.1), (360.0, 0.1), (45.0, 0.1 * math.sqrt(2))])
def test_that_a_turned_square_ends_where_its_side_or_corner_is(roll, side):
    of = catalogue(
        [(0.0, 0.0)], instruments=["DET"], footprints={"DET": Footprint("square", 0.1, "pa")}, extra={"pa": np.array([roll])}
    )
    for point in ((side, 0.0), (360.0 - side, 0.0), (0.0, side), (0.0, -side)):
        inner, outer = (tuple(v * f if v < 180 else 360.0 - (360.0 - v) * f for v in point) for f in (1 - 1e-5, 1 + 1e-5))
        assert covers(of, inner, outer) == [["DET"], [""]]


def test_that_the_edge_of_a_square_is_inside():
    of = catalogue(
        [(10.0, 0.0)], instruments=["DET"], footprints={"DET": Footprint("square", 0.25, "pa")}, extra={"pa": np.zeros(1)}
    )
    assert covers(of, (10.25, 0.0), (9.75, 0.0), (10.0, 0.25), (10.0, -0.25)) == [["DET"]] * 4


def test_that_the_offset_turns_the_square():
    shapes = {"DET": Footprint("square", 0.1, "pa", roll_offset_deg=45.0)}
    of = catalogue([(0.0, 0.0)], instruments=["DET"], footprints=shapes, extra={"pa": np.array([0.0])})
    assert covers(of, (0.14, 0.0), (0.09, 0.09)) == [["DET"], [""]]


@pytest.mark.parametrize("extra", [{"pa": np.array([NAN])}, {}, {"pa": np.array(["north"])}])
def test_that_a_square_of_unknown_roll_is_the_circle_around_it(extra):
    of = catalogue([(0.0, 0.0)], instruments=["DET"], footprints={"DET": Footprint("square", 0.1, "pa")}, extra=extra)
    assert covers(of, (0.1414, 0.0), (0.0999, 0.0999), (0.1415, 0.0)) == [["DET"], ["DET"], [""]]


@given(st.floats(0.0, 80.0))
def test_that_no_corner_lies_farther_than_the_reach(half):
    tangent = math.tan(math.radians(half))
    corner = np.array([1.0, tangent, tangent]) / math.sqrt(1 + 2 * tangent**2)
    apart = float(separation_deg(corner, np.array([1.0, 0.0, 0.0])))
    assert Footprint("square", half).reach_deg == pytest.approx(apart, abs=1e-12)


# -- tiles -----------------------------------------------------------------------------------------------------------------


def tiled(bounds: list[tuple[float, float, float, float]], centres: list[tuple[float, float]]) -> Catalogue:
    columns = dict(zip(("ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg"), np.array(bounds).T, strict=True))
    return catalogue(centres, instruments=["TM1"] * len(bounds), footprints={"TM1": Footprint("tile", 1.8)}, extra=columns)


@pytest.mark.parametrize(
    ("bounds", "centre", "inside", "outside"),
    [
        ((10, 20, -5, 5), (15, 0), [(10, 0), (20, 5), (15, -5), (12, 3)], [(9.99, 0), (20.01, 0), (15, 5.01), (195, 0)]),
        ((350, 10, -5, 5), (0, 0), [(350, 0), (0, 0), (360, 0), (10, 5), (355, -5)], [(349, 0), (11, 0), (180, 0)]),
        ((350, 360, 0, 5), (355, 2), [(355, 1), (0, 1), (360, 5)], [(0.01, 1), (349.9, 1)]),
        ((360, 10, 0, 5), (5, 2), [(0, 1), (5, 1), (10, 1)], [(359, 1), (11, 1)]),
        ((0, 360, 86.4, 90), (0, 88.2), [(0, 90), (77, 90), (180, 86.4), (270, 88)], [(180, 86.3)]),
        ((0, 120, -90, -86), (60, -88), [(60, -87), (0, -86), (240, -90)], [(121, -87), (240, -89.9), (60, -85.9)]),
        ((0, 300, -10, 10), (150, 0), [(0, 0), (300, 10), (150, 5)], [(301, 0), (330, 5)]),
    ],
)
def test_that_a_tile_holds_what_lies_between_its_bounds(bounds, centre, inside, outside):
    of = tiled([bounds], [centre])
    assert covers(of, *inside) == [["TM1"]] * len(inside)
    assert covers(of, *outside) == [[""]] * len(outside)


def test_that_a_tile_of_unknown_bounds_holds_nothing():
    assert covers(tiled([(10, 20, -5, NAN)], [(15, 0)]), (15, 0)) == [[""]]
    without = catalogue([(15, 0)], instruments=["TM1"], footprints={"TM1": Footprint("tile", 1.8)})
    assert covers(without, (15, 0)) == [[""]]


@given(RA, st.floats(0, 360), st.tuples(DEC, DEC), st.tuples(RA, DEC), st.floats(0, 1), st.floats(0, 1))
def test_that_no_point_of_a_tile_lies_farther_than_its_reach(west, width, decs, pointing, east_part, north_part):
    south, north = sorted(decs)
    east = west + width if west + width <= 360 else west + width - 360
    point = np.array([[(west + east_part * width) % 360, south + north_part * (north - south)]])
    bounds = np.array([[west, east, south, north]])
    assume(in_tile(bounds, point)[0])
    reach = tile_reach_deg(bounds, np.array([pointing[0]]), np.array([pointing[1]]))[0]
    assert separation_deg(unit_vectors(*point[0]), unit_vectors(*pointing)) <= reach


@given(st.lists(st.tuples(RA, DEC), min_size=1, max_size=10))
def test_that_tiles_that_share_the_sky_cover_every_position(points):
    """Bounds as those of a survey: 4 bands of declination with cells of different width, caps at the poles."""
    bounds = [(0, 360, -90, -60), (0, 360, 60, 90)]
    bounds += [(ra, ra + 60, -60, 0) for ra in range(0, 360, 60)] + [(ra, (ra + 40) % 360, 0, 60) for ra in range(20, 380, 40)]
    bounds = [(west % 360, east, south, north) for west, east, south, north in bounds]
    centres = [((west + ((east - west) % 360 or 360) / 2) % 360, (south + north) / 2) for west, east, south, north in bounds]
    for found in covers(tiled(bounds, centres), *points):
        assert 1 <= sum(map(bool, found)) <= 5  # several on an edge or at a pole


@pytest.mark.parametrize(("shape", "half"), [("hexagon", 1.0), ("square", 85.0), ("circle", -1.0), ("circle", NAN)])
def test_that_impossible_shapes_are_refused(shape, half):
    with pytest.raises(ValueError, match=r"is not one of|no half size"):
        Footprint(shape, half)
