"""Filters: what they match (against brute force), how they combine, read and travel."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import (
    Box,
    Cone,
    Filter,
    ObsIds,
    Positions,
    TargetType,
    TimeRange,
    Usable,
    parse_obs_ids,
)
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from tests.fakes.catalogues import NAN, catalogue

RA = st.one_of(st.floats(0, 360), st.sampled_from([0.0, 1e-9, 90.0, 180.0, 359.9999999, 360.0]))
DEC = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.9999999, 0.0, 89.9999999, 90.0]))
SPHERE = st.lists(st.tuples(RA, DEC), min_size=1, max_size=30)


def matched(wanted: Filter, of: Catalogue) -> list[int]:
    mask = wanted.mask(of)
    assert mask.dtype == bool
    assert mask.shape == (len(of),)
    return np.flatnonzero(mask).tolist()


def cone(ra: float, dec: float, radius_deg: float | None = None) -> Cone:
    return Cone(SkyPosition(ra, dec), radius_deg)


# -- positions ------------------------------------------------------------------------------------------------------------


def exact_separation_deg(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Vincenty's formula, one pair at a time: nothing in common with how the program does it."""
    (ra1, dec1), (ra2, dec2) = ([math.radians(v) for v in p] for p in (a, b))
    across = math.hypot(
        math.cos(dec2) * math.sin(ra2 - ra1),
        math.cos(dec1) * math.sin(dec2) - math.sin(dec1) * math.cos(dec2) * math.cos(ra2 - ra1),
    )
    along = math.sin(dec1) * math.sin(dec2) + math.cos(dec1) * math.cos(dec2) * math.cos(ra2 - ra1)
    return math.degrees(math.atan2(across, along))


@given(SPHERE, RA, DEC, st.one_of(st.floats(0, 180), st.floats(1e-7, 1e-3)))
def test_that_a_cone_agrees_with_brute_force(positions: list[tuple[float, float]], ra: float, dec: float, radius: float) -> None:
    mask = cone(ra, dec, radius).mask(catalogue(positions))
    for inside, position in zip(mask.tolist(), positions, strict=True):
        distance = exact_separation_deg(position, (ra, dec))
        if abs(distance - radius) > 1e-11:
            assert inside == (distance < radius)


@given(st.floats(0, 360), st.decimals("-60", "60", places=4), st.decimals("0.0001", "29", places=4))
def test_that_a_distance_exactly_equal_to_the_radius_matches(ra: float, dec: Decimal, radius: Decimal) -> None:
    """Due north by exactly the radius; a microarcsecond further is too far."""
    north = float(dec + radius)
    of = catalogue([(ra, north), (ra, north + 3e-10), (ra, north - 3e-10)])
    assert matched(cone(ra, float(dec), float(radius)), of) == [0, 2]


def test_that_a_cone_of_no_radius_matches_its_own_centre_only() -> None:
    of = catalogue([(83.63308, 22.0145), (83.63308, 22.0145000001), (263.63308, -22.0145)])
    assert matched(cone(83.63308, 22.0145, 0.0), of) == [0]


def test_that_a_cone_of_half_the_sky_and_of_the_whole_sky_have_exact_edges() -> None:
    of = catalogue([(10, 0), (100, 0), (100.001, 0), (190, 0), (NAN, NAN)])
    assert matched(cone(10, 0, 90.0), of) == [0, 1]
    assert matched(cone(10, 0, 180.0), of) == [0, 1, 2, 3]


def test_that_cones_reach_over_the_pole_and_across_ra_0() -> None:
    assert matched(cone(10, 89.9, 0.2), catalogue([(190, 89.95), (10, 89.8), (100, 89.69), (0, 90)])) == [0, 1, 3]
    assert matched(cone(359.9, -40, 0.5), catalogue([(0.1, -40), (359.5, -40), (1, -40)])) == [0, 1]


def test_that_unknown_positions_never_match() -> None:
    of = catalogue([(NAN, NAN), (NAN, 0.0), (0.0, NAN)])
    around = SkyPosition(0, 0)
    for wanted in (Cone(around, 180.0), Cone(around), Positions((around,), 180.0), Positions((around,)), Box(0, 360, -90, 90)):
        assert matched(wanted, of) == []


def test_that_without_a_radius_each_observation_has_its_own() -> None:
    of = catalogue([(0, 1), (0, 1), (0, 1)], search_radius_deg=[0.5, 1.0, 2.0])
    assert matched(cone(0, 0), of) == [1, 2]
    assert matched(Positions((SkyPosition(0, 0), SkyPosition(90, 0))), of) == [1, 2]


@given(SPHERE, SPHERE, st.one_of(st.none(), st.floats(0, 180)))
def test_that_positions_match_what_any_of_their_cones_matches(rows: Any, positions: Any, radius: float | None) -> None:
    of = catalogue([*rows, (NAN, NAN)], search_radius_deg=np.linspace(0, 180, len(rows) + 1))
    places = tuple(SkyPosition(*p) for p in positions)
    expected = np.logical_or.reduce([Cone(place, radius).mask(of) for place in places])
    assert Positions(places, radius).mask(of).tolist() == expected.tolist()


@pytest.mark.parametrize("radius", [-1e-9, 180.1, NAN])
def test_that_impossible_distances_are_refused(radius: float) -> None:
    with pytest.raises(InputError, match="distance"):
        cone(0, 0, radius)
    with pytest.raises(InputError, match="distance"):
        Positions((SkyPosition(0, 0),), radius)


# -- boxes ----------------------------------------------------------------------------------------------------------------


def test_that_a_box_goes_eastward_from_its_first_to_its_second_ra() -> None:
    of = catalogue([(349, 0), (350, 0), (355, 0), (0, 0), (10, 0), (11, 0), (180, 0)])
    assert matched(Box(350, 10, -5, 5), of) == [1, 2, 3, 4]
    assert matched(Box(10, 350, -5, 5), of) == [0, 1, 4, 5, 6]


def test_that_edges_of_a_box_are_inside() -> None:
    of = catalogue([(120, -10), (140, 0), (120, 0), (140, -10), (119.999, -5), (130, 0.001)])
    assert matched(Box(120, 140, -10, 0), of) == [0, 1, 2, 3]


def test_that_ra_0_and_ra_360_are_the_same_edge() -> None:
    of = catalogue([(0, 0), (1, 0), (359, 0)])
    assert matched(Box(350, 360, -5, 5), of) == matched(Box(350, 0, -5, 5), of) == [0, 2]
    assert matched(Box(360, 10, -5, 5), of) == matched(Box(0, 10, -5, 5), of) == [0, 1]
    assert matched(Box(0, 360, -5, 5), of) == [0, 1, 2]
    assert matched(Box.from_corners(360, -5, 0, 5), of) == [0, 1, 2]


def test_that_a_centre_at_the_pole_has_every_right_ascension() -> None:
    of = catalogue([(0, -90), (0, -89), (130, -89)])
    assert matched(Box(120, 140, -90, -85), of) == [0, 2]
    assert matched(Box(120, 140, -89.5, -85), of) == [2]


@given(SPHERE, st.floats(0, 359), st.floats(0, 359), st.floats(-90, 90), st.floats(-90, 90), st.integers(0, 359))
def test_that_a_box_agrees_with_going_east_from_its_western_edge(rows: Any, first: float, last: float, low: float, high: float,
                                                                 extra: int) -> None:  # fmt: skip
    low, high = sorted((low, high))
    rows = [(ra % 360.0, dec) for ra, dec in [*rows, (first, low), (last, high), (float(extra), (low + high) / 2)]]
    mask = Box(first, last, low, high).mask(catalogue(rows))
    for inside, (ra, dec) in zip(mask.tolist(), rows, strict=True):
        east, width = (ra - first) % 360.0, (last - first) % 360.0
        if abs(east - width) > 1e-9 and 1e-9 < east < 360 - 1e-9 and abs(dec) < 90:
            assert inside == (east < width and low <= dec <= high)
    assert mask[-3] and mask[-2]


@pytest.mark.parametrize(
    ("corners", "box"),
    [
        ((120, -10, 140, 0), (120, 140, -10, 0)),
        ((140, 0, 120, -10), (120, 140, -10, 0)),
        ((10, -20, 350, -30), (350, 10, -30, -20)),
        ((0, 0, 180, 5), (0, 180, 0, 5)),
        ((180, 0, 0, 5), (180, 0, 0, 5)),
        ((50, 1, 50, 2), (50, 50, 1, 2)),
    ],
)
def test_that_corners_span_the_smaller_box(corners: tuple[float, ...], box: tuple[float, ...]) -> None:
    assert Box.from_corners(*corners) == Box(*box)


@pytest.mark.parametrize("values", [(-1, 10, 0, 1), (0, 361, 0, 1), (0, 1, -91, 0), (0, 1, 5, 4), (NAN, 1, 0, 1), (0, 1, NAN, 1)])
def test_that_impossible_boxes_are_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(InputError):
        Box(*values)


# -- times ----------------------------------------------------------------------------------------------------------------


def times(*pairs: tuple[float, float]) -> Catalogue:
    return catalogue([(0, 0)] * len(pairs), start_mjd=[p[0] for p in pairs], end_mjd=[p[1] for p in pairs])


def test_that_an_overlap_may_be_at_either_end_or_around_the_window() -> None:
    of = times((1, 4), (5, 6), (4, 12), (9, 12), (1, 3.9), (10.1, 12), (10, 11), (2, 4))
    assert matched(TimeRange(4, 10), of) == [0, 1, 2, 3, 6, 7]


def test_that_entirely_inside_means_start_and_end() -> None:
    of = times((4, 10), (5, 6), (4, 12), (1, 5), (11, 12))
    assert matched(TimeRange(4, 10, entirely_inside=True), of) == [0, 1]


def test_that_what_is_known_of_an_observation_decides() -> None:
    of = times((5, NAN), (1, NAN), (11, NAN), (NAN, 5), (NAN, 3), (NAN, 11), (NAN, NAN))
    assert matched(TimeRange(4, 10), of) == [0, 1, 3, 5]
    assert matched(TimeRange(4, 10, entirely_inside=True), of) == [0, 3]
    assert matched(TimeRange(-math.inf, math.inf), of) == [0, 1, 2, 3, 4, 5]


def test_that_a_window_may_be_open_at_one_side() -> None:
    of = times((1, 2), (3, 5), (6, 7))
    assert matched(TimeRange(4, math.inf), of) == [1, 2]
    assert matched(TimeRange(-math.inf, 4), of) == [0, 1]
    assert matched(TimeRange(-math.inf, 5, entirely_inside=True), of) == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1), st.integers(0, 9), st.integers(0, 9))
def test_that_overlap_means_having_a_moment_in_common(pairs: list[tuple[int, int]], first: int, last: int) -> None:
    pairs = [(min(p), max(p)) for p in pairs]
    first, last = min(first, last), max(first, last)
    of = times(*pairs)
    window = {t / 2 for t in range(2 * first, 2 * last + 1)}
    moments = [{t / 2 for t in range(2 * a, 2 * b + 1)} for a, b in pairs]
    assert TimeRange(first, last).mask(of).tolist() == [bool(m & window) for m in moments]
    assert TimeRange(first, last, True).mask(of).tolist() == [m <= window for m in moments]


@pytest.mark.parametrize("limits", [(2, 1), (NAN, 1), (1, NAN), (math.inf, math.inf), (-math.inf, -math.inf)])
def test_that_impossible_windows_are_refused(limits: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="time window"):
        TimeRange(*limits)


# -- ObsIDs, target types, usability -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0201903501, 0404910601", ("0201903501", "0404910601")),
        ("0201903501;0404910601\t0201903501\n", ("0201903501", "0404910601")),
        ("['rp700068n00', \"RH701867A01\"]", ("RP700068N00", "RH701867A01")),
        ("ObsID: 3205 | 00433 and 12/13", ("3205", "00433", "12", "13")),
    ],
)
def test_that_obs_ids_are_read_from_any_separators(text: str, expected: tuple[str, ...]) -> None:
    assert parse_obs_ids(text) == expected


@pytest.mark.parametrize("text", ["", "  \n", "none at all", "—,;", "٣٤٥"])
def test_that_a_text_without_obs_ids_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="no ObsID"):
        parse_obs_ids(text)


def test_that_obs_ids_match_in_any_case_and_wherever_they_stand() -> None:
    of = catalogue([(0, 0)] * 4, obs_id=["RP700068N00", "3205", "rp700068n00", "13205"])
    assert matched(ObsIds(("rp700068n00", "3205", "absent")), of) == [0, 1, 2]
    twice = catalogue([(0, 0)] * 3, obs_id=["3205", "1", "3205"])
    assert matched(ObsIds(("3205",)), twice) == [0, 2]


def test_that_target_types_match_their_codes() -> None:
    of = catalogue([(0, 0)] * 4, target_type=["GCL", "AGN", "", "GCL"])
    assert matched(TargetType(("GCL",)), of) == [0, 3]
    assert matched(TargetType(("GCL", "AGN")), of) == [0, 1, 3]


@pytest.mark.parametrize("codes", [("XYZ",), ("GCL", "gcl"), ()])
def test_that_unknown_target_types_are_refused_with_the_known_ones(codes: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        TargetType(codes)
    assert "GCL" in caught.value.hint


def test_that_usable_means_without_a_reason_against_it() -> None:
    of = catalogue([(0, 0)] * 2, unusable_reason=["", "Filter wheel closed."])
    assert matched(Usable(), of) == [0]


# -- many rows -----------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1))
def test_that_thousands_of_rows_agree_with_accurate_separations(seed: int) -> None:
    random = np.random.default_rng(seed)
    ra, dec = random.uniform(0, 360, 3000), np.degrees(np.arcsin(random.uniform(-1, 1, 3000)))
    of = catalogue(list(zip(ra, dec, strict=True)))
    centre, radius = SkyPosition(random.uniform(0, 360), random.uniform(-90, 90)), random.choice([1e-3, 0.3, 5, 60, 170])
    expected = separation_deg(of.vectors, unit_vectors(centre.ra_deg, centre.dec_deg)) <= radius
    assert Cone(centre, float(radius)).mask(of).tolist() == expected.tolist()


@pytest.mark.parametrize("radius", [None, 0.0, 1e-3, 2.0, 19.0, 20.5, 170.0])
def test_that_a_cone_in_a_large_catalogue_agrees_with_accurate_separations(radius: float | None) -> None:
    """There the index finds the rows of small cones; positions at a pole, at RA 0 and that of a row are the hard ones."""
    random = np.random.default_rng(5)
    ra, dec = random.uniform(0, 360, 40_000), np.degrees(np.arcsin(random.uniform(-1, 1, 40_000)))
    ra[:50], dec[50:60] = NAN, 90.0
    of = catalogue(list(zip(ra, dec, strict=True)), search_radius_deg=random.choice([0.2, 5.0], 40_000))
    reach = of.search_radius_deg if radius is None else radius
    for centre in (SkyPosition(0.0, 10.0), SkyPosition(200.0, 89.9), SkyPosition(ra[100], dec[100]), SkyPosition(0.0, -90.0)):
        apart = separation_deg(of.vectors, unit_vectors(centre.ra_deg, centre.dec_deg))
        assert Cone(centre, radius).mask(of).tolist() == (apart <= reach).tolist()
