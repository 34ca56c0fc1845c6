"""Pairs of positions and observations: against brute force with another formula, and against astropy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daxa_gui.core import matching, zones
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.zones import SkyIndex
from tests.benchmarks import synthetic
from tests.fakes.catalogues import NAN, catalogue

RA = st.one_of(st.floats(0, 360), st.sampled_from([0.0, 1e-13, 1e-9, 90.0, 180.0, 359.9999999, 359.9999999999999, 360.0]))
DEC = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.9999999, -0.25, 0.0, 0.25, 2.0, 89.9999999, 90.0]))
POINTS = st.lists(st.tuples(RA, DEC), min_size=1, max_size=12)
ROWS = st.lists(st.one_of(st.tuples(RA, DEC), st.just((NAN, 10.0)), st.just((10.0, NAN))), min_size=1, max_size=20)
RADII = st.one_of(st.floats(0, 180), st.floats(0, 3), st.floats(1e-9, 1e-3), st.sampled_from([0.0, 90.0, 180.0]))


def exact_separation_deg(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Vincenty's formula, one pair at a time: nothing in common with how the program does it."""
    (ra1, dec1), (ra2, dec2) = ([math.radians(v) for v in p] for p in (a, b))
    across = math.hypot(
        math.cos(dec2) * math.sin(ra2 - ra1),
        math.cos(dec1) * math.sin(dec2) - math.sin(dec1) * math.cos(dec2) * math.cos(ra2 - ra1),
    )
    along = math.sin(dec1) * math.sin(dec2) + math.cos(dec1) * math.cos(dec2) * math.cos(ra2 - ra1)
    return math.degrees(math.atan2(across, along))


def places(points: Any, **others: Any) -> Places:
    return Places.of([SkyPosition(*point) for point in points], **others)


def found(of: Catalogue, near: Places, distance: Distance, mask: Any = None) -> dict[tuple[int, int], float]:
    result = {}
    last = -1
    for block in matching.pairs(of, near, distance, mask):
        assert len(block)
        assert block.position[0] > last  # whole positions, in their order
        last = block.position[-1]
        listed = list(zip(block.position.tolist(), block.separation_deg.tolist(), block.row.tolist(), strict=True))
        assert listed == sorted(listed)
        result.update({(position, row): apart for position, apart, row in listed})
    return result


def agree(of: Catalogue, near: Places, distance: Distance, reach: Any, mask: Any = None) -> None:
    """Every pair of which the other formula is sure is there, and no other; so is every row of the mask."""
    pairs = found(of, near, distance, mask)
    covered = matching.near_places(of, near, distance, mask)
    sure, may_be = set(), set()
    for row in range(len(of)):
        for number, point in enumerate(near):
            limit = reach(number, row) + matching.TOLERANCE_DEG
            apart = exact_separation_deg((point.ra_deg, point.dec_deg), (of.ra_deg[row], of.dec_deg[row]))
            if (mask is None or mask[row]) and apart <= limit + 2e-13:  # a NaN is not
                may_be.add((number, row))
                if apart <= limit - 2e-13:
                    sure.add((number, row))
            if (number, row) in pairs:
                assert pairs[number, row] == pytest.approx(apart, abs=2e-13)
    assert sure <= set(pairs) <= may_be
    assert np.flatnonzero(covered).tolist() == sorted({row for _, row in pairs})


@given(ROWS, POINTS, RADII)
@example([(0.0, 90.0), (180.0, 90.0)], [(77.0, 90.0)], 0.0)
@example([(359.9999999999999, 0.0)], [(0.0, 0.0)], 1e-12)
@example([(0.0, -0.25)], [(0.0, 0.0)], 0.25)
def test_that_pairs_are_those_of_brute_force(rows, points, radius):
    agree(catalogue(rows), places(points), Distance.fixed(radius), lambda number, row: radius)


@given(ROWS, POINTS, st.data())
def test_that_each_row_is_searched_within_its_own_default_distance(rows, points, data):
    choices = st.one_of(RADII, st.just(NAN))
    radii = np.array(data.draw(st.lists(choices, min_size=len(rows), max_size=len(rows))))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    of = catalogue(rows, search_radius_deg=radii)
    agree(of, places(points), Distance(), lambda number, row: radii[row])
    agree(of, places(points), Distance(), lambda number, row: radii[row], mask)


@given(ROWS, POINTS, st.data())
def test_that_each_position_is_searched_within_its_own_distance(rows, points, data):
    radii = data.draw(st.lists(RADII, min_size=len(points), max_size=len(points)))
    near = places(points, radius_deg=radii)
    agree(catalogue(rows), near, Distance.of_positions(), lambda number, row: radii[number])


@given(st.tuples(RA, DEC), st.tuples(RA, DEC))
def test_that_exactly_the_distance_matches(row, point):
    apart = exact_separation_deg(row, point)
    assert found(catalogue([row]), places([point]), Distance.fixed(apart))


@given(RA, DEC)
def test_that_the_same_direction_matches_at_distance_nought(ra, dec):
    near = places([(ra, dec)])
    of = catalogue([(ra, dec), (ra, dec)])
    assert found(of, near, Distance.fixed(0.0)) == pytest.approx({(0, 0): 0.0, (0, 1): 0.0}, abs=matching.TOLERANCE_DEG)


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-9, 1e-6, 1e-3, 1.0, 89.9, 90.1])
@pytest.mark.parametrize("position", [(0.0, 0.0), (200.0, 35.0), (90.0, 90.0)])
def test_that_opposite_directions_are_told_apart_as_well_as_near_ones(position, gap):
    ra, dec = (position[0] + 180.0) % 360.0, -position[1]
    row = (ra, dec + gap) if dec + gap <= 90.0 else ((ra + 180.0) % 360.0, 180.0 - (dec + gap))
    apart = found(catalogue([row]), places([position]), Distance.fixed(180.0))[0, 0]
    assert apart == pytest.approx(exact_separation_deg(position, row), abs=2e-13)
    assert apart == pytest.approx(180.0 - gap, abs=1e-11)
    assert not found(catalogue([row]), places([position]), Distance.fixed(apart - 1e-11))


USED = ["A", "B A", "", "C"]


@pytest.mark.parametrize(
    ("by_instrument", "rows"),
    [({"A": 1.0}, [0, 1]), ({"B": 3.0}, [1]), ({"A": 0.1, "B": 3.0, "C": 2.01}, [1, 3]), ({"D": 5.0}, [])],
)
def test_that_an_instruments_distance_counts_for_the_rows_that_used_it(by_instrument, rows):
    of = catalogue([(10.0, 0.5), (10.0, 0.5), (10.0, 0.0), (12.0, 0.0)], instruments=USED)
    pairs = found(of, places([(10.0, 0.0)]), Distance.of_instruments(by_instrument))
    assert sorted(row for _, row in pairs) == rows


def test_that_positions_without_distances_cannot_be_searched_by_them():
    with pytest.raises(InputError, match=r"no search distances"):
        found(catalogue(), places([(0, 0)]), Distance.of_positions())
    with pytest.raises(InputError, match=r"no search distances"):
        matching.near_places(catalogue(), places([(0, 0)]), Distance.of_positions())


@pytest.mark.parametrize("kind", [Distance(), Distance.fixed(180.0), Distance.footprint()])
def test_that_nothing_is_found_where_nothing_is(kind):
    assert found(catalogue([]), places([(0, 0)]), kind) == {}
    assert found(catalogue([(NAN, NAN)]), places([(0, 0)]), kind) == {}
    assert found(catalogue([(0, 0)]), places([]), kind) == {}
    assert matching.near_places(catalogue([]), places([(0, 0)]), kind).shape == (0,)
    assert not matching.near_places(catalogue([(0, 0)]), places([]), kind).any()


@pytest.mark.parametrize(("radius", "at_least"), [(1 / 60, 1), (0.3, 100), (2.5, 1000), (20.0, 10_000)])
def test_that_astropy_finds_the_same_pairs(radius, at_least):
    import astropy.units as u
    from astropy.coordinates import SkyCoord, search_around_sky

    of, near = synthetic.catalogue("swift", rows=4000), synthetic.places(300, near=synthetic.catalogue("swift", rows=4000))
    rows = np.flatnonzero(np.isfinite(of.ra_deg))
    a = SkyCoord(near.ra_deg, near.dec_deg, unit="deg")
    b = SkyCoord(of.ra_deg[rows], of.dec_deg[rows], unit="deg")
    first, second, apart, _ = search_around_sky(a, b, radius * u.deg)
    pairs = found(of, near, Distance.fixed(radius))
    assert len(pairs) > at_least
    theirs = dict(zip(zip(first.tolist(), rows[second].tolist(), strict=True), apart.deg.tolist(), strict=True))
    assert set(pairs) == set(theirs)
    assert max(abs(pairs[pair] - theirs[pair]) for pair in pairs) < 1e-11


@pytest.mark.parametrize("distance", [Distance(), Distance.fixed(7.0), Distance.of_positions()])
def test_that_blocks_of_any_size_give_the_same_pairs(monkeypatch, distance):
    of = synthetic.catalogue("rosat_pointed", rows=3000)
    near = synthetic.places(200, near=of)
    near = Places(near.ra_deg, near.dec_deg, near.names, radius_deg=np.geomspace(0.01, 30, 200))
    whole = found(of, near, distance)
    assert len(whole) > 200
    for ranges, pairs in ((7, 1 << 18), (1 << 18, 50), (40, 1)):
        monkeypatch.setattr(zones, "_RANGES", ranges)
        monkeypatch.setattr(zones, "_CANDIDATES", pairs)
        assert found(of, near, distance) == whole


def test_that_pairs_at_the_same_distance_come_by_row():
    of = catalogue([(10.0, 1.0), (10.0, -1.0)] * 3)
    block = next(matching.pairs(of, places([(10.0, 0.0), (10.0, 0.0)]), Distance.fixed(2.0)))
    assert block.row.tolist() == [0, 1, 2, 3, 4, 5] * 2


@settings(max_examples=25)
@given(ROWS, POINTS, RADII)
def test_that_a_stored_index_finds_what_a_new_one_finds(rows, points, radius):
    of = catalogue(rows)
    stored = of.with_index(SkyIndex.from_arrays(of.index.arrays(), len(of)))
    assert found(stored, places(points), Distance.fixed(radius)) == found(of, places(points), Distance.fixed(radius))


def test_that_a_damaged_index_is_refused():
    good = catalogue([(float(n), n - 20.0) for n in range(40)]).index.arrays()
    for damaged in (
        {},
        {**good, "row0": good["row0"] + 1},
        {**good, "key1": good["key1"][::-1]},
        {**good, "key0": good["key0"][:-1]},
        {**good, "key0": good["key0"][:-1], "row0": good["row0"][:-1]},
        {**good, "key0": np.full(40, np.nan)},
    ):
        with pytest.raises(ValueError, match=r"index of directions"):
            SkyIndex.from_arrays(damaged, 40)
    with pytest.raises(ValueError, match=r"index of directions"):
        SkyIndex.from_arrays(good, 39)
