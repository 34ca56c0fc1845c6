"""Good-time arithmetic against brute force on a fine grid of times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.timeseries import Gti
from daxa_gui.reduction.engine.gti import (
    EMPTY,
    any_ccd,
    ccd_weights,
    from_bins,
    good_time_before,
    inside,
    inside_own,
    intersect,
    make_gti,
    ontime_per_ccd,
    subtract,
    union,
)
from tests.fakes.event_files import events_in_memory

# Whole numbers as ends and halves as times: brute force is exact.
pairs = st.lists(st.tuples(st.integers(-20, 60), st.integers(-20, 60)), max_size=8)
TIMES = np.arange(-25.0, 65.0, 0.5)


def covered(intervals: list[tuple[int, int]]) -> np.ndarray:
    return np.array([any(a <= t < b for a, b in intervals) for t in TIMES])


def gti_of(intervals: list[tuple[int, int]], join_gap_s: float | None = None) -> Gti:
    return make_gti([a for a, _ in intervals], [b for _, b in intervals], join_gap_s)


def is_proper(gti: Gti) -> bool:
    return bool(np.all(gti.stop_s > gti.start_s) and np.all(gti.start_s[1:] >= gti.stop_s[:-1]))


@given(pairs)
def test_that_made_intervals_are_sorted_disjoint_and_cover_the_same_time(intervals: list[tuple[int, int]]) -> None:
    gti = gti_of(intervals)
    assert is_proper(gti)
    assert inside(gti, TIMES).tolist() == covered(intervals).tolist()
    assert gti.total_s == covered(intervals).sum() * 0.5


@given(pairs, pairs)
def test_that_union_intersection_and_difference_are_those_of_sets(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    first, second, in_a, in_b = gti_of(a), gti_of(b), covered(a), covered(b)
    for made, expected in (
        (union(first, second), in_a | in_b),
        (intersect(first, second), in_a & in_b),
        (subtract(first, second), in_a & ~in_b),
    ):
        assert is_proper(made)
        assert inside(made, TIMES).tolist() == expected.tolist()


@given(pairs, st.integers(0, 6))
def test_that_short_gaps_are_joined_and_longer_ones_are_not(intervals: list[tuple[int, int]], gap: int) -> None:
    plain, joined = gti_of(intervals, 0.0), gti_of(intervals, float(gap))
    gaps = plain.start_s[1:] - plain.stop_s[:-1]
    assert len(joined) == len(plain) - np.count_nonzero(gaps <= gap)
    assert np.all(joined.start_s[1:] - joined.stop_s[:-1] > gap)


@given(pairs)
def test_that_good_time_before_is_the_integral(intervals: list[tuple[int, int]]) -> None:
    before = good_time_before(gti_of(intervals), TIMES)
    np.testing.assert_allclose(np.diff(before), 0.5 * covered(intervals)[:-1], atol=1e-12)
    assert before[0] == 0.0


def test_that_touching_and_empty_intervals_of_a_file_stay_and_change_nothing() -> None:
    gti = make_gti([0.0, 10.0, 10.0, 20.0], [10.0, 10.0, 20.0, 20.0], keep_empty=True)
    assert len(gti) == 4
    assert inside(gti, np.array([0.0, 9.9, 10.0, 19.9, 20.0])).tolist() == [True, True, True, True, False]
    assert good_time_before(gti, [5.0, 10.0, 15.0, 30.0]).tolist() == [5.0, 10.0, 15.0, 20.0]
    assert intersect(gti, make_gti([5.0], [15.0])).total_s == 10.0


def test_that_ends_are_half_open_and_no_number_is_nowhere() -> None:
    times = np.array([0.0, 1.0, np.nan, np.inf, -np.inf])
    assert inside(make_gti([0.0], [1.0]), times).tolist() == [True, False, False, False, False]
    assert inside(make_gti([0.0, 2.0], [1.0, 3.0]), times).tolist() == [True, False, False, False, False]
    assert not inside(EMPTY, times).any()


def test_that_reversed_and_nan_intervals_are_dropped() -> None:
    assert len(make_gti([5.0, np.nan, 1.0], [4.0, 2.0, np.inf])) == 0


@given(st.lists(st.tuples(st.floats(-10, 70), st.integers(0, 4)), max_size=40), pairs, pairs)
def test_that_each_event_is_judged_by_the_good_time_of_its_own_ccd(
    events: list[tuple[float, int]], first: list[tuple[int, int]], rest: list[tuple[int, int]]
) -> None:  # fmt: skip
    gtis = {1: gti_of(first), -1: gti_of(rest)}
    time, ccd = np.array([t for t, _ in events]), np.array([c for _, c in events], np.int16)
    expected = [any(a <= t < b for a, b in (first if c == 1 else rest)) for t, c in events]
    assert inside_own(gtis, time, ccd).tolist() == expected


def test_that_a_ccd_without_good_time_has_no_good_events() -> None:
    gtis = {1: make_gti([0.0], [10.0])}
    assert inside_own(gtis, np.array([1.0, 1.0]), np.array([1, 2], np.int16)).tolist() == [True, False]
    assert inside_own(gtis, np.array([1.0]), None).tolist() == [True]


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_that_intervals_of_bins_cover_exactly_the_accepted_ones(accepted: list[bool]) -> None:
    start = 100.0 + 5.0 * np.arange(len(accepted))
    gti = from_bins(start, 5.0, np.array(accepted))
    assert inside(gti, start + 2.5).tolist() == accepted
    assert gti.total_s == 5.0 * sum(accepted)
    assert np.all(gti.start_s[1:] > gti.stop_s[:-1])


def test_that_on_time_is_told_for_each_ccd_and_within_other_intervals() -> None:
    gtis = {1: make_gti([0.0], [10.0]), 2: make_gti([5.0], [30.0])}
    events = events_in_memory(np.array([1.0]), [], gti=gtis, ccd=np.array([1], np.int16))
    assert ontime_per_ccd(events) == {1: 10.0, 2: 25.0}
    assert ontime_per_ccd(events, make_gti([8.0], [12.0])) == {1: 2.0, 2: 4.0}
    assert any_ccd(events).total_s == 30.0


def test_that_ccds_weigh_as_much_as_their_rates() -> None:
    gtis = {1: make_gti([0.0], [10.0]), 2: make_gti([0.0], [20.0]), 3: EMPTY}
    ccd = np.array([1] * 30 + [2] * 20, np.int16)
    events = events_in_memory(np.zeros(50), [], gti=gtis, ccd=ccd)
    assert ccd_weights(events, np.ones(50, bool)) == pytest.approx({1: 0.75, 2: 0.25})
    assert ccd_weights(events, np.zeros(50, bool)) == pytest.approx({1: 0.5, 2: 0.5})
