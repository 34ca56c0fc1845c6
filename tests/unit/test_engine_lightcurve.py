"""Light curves: counts and live time of bins against brute force, CCDs that are off for a while, bins that make no sense."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.intervals import make_gti
from daxa_gui.reduction.engine.lightcurve import fine_curve, light_curve, sliding_rates
from tests.fakes.event_files import events_in_memory

intervals_of = st.lists(st.tuples(st.integers(0, 200), st.integers(1, 60)), min_size=1, max_size=6)


@settings(max_examples=60)
@given(intervals_of, st.lists(st.floats(0, 260), max_size=80), st.sampled_from([7.0, 10.0, 60.0, 1000.0]))
def test_that_counts_and_live_time_are_those_of_brute_force(
    intervals: list[tuple[int, int]], times: list[float], bin_s: float
) -> None:  # fmt: skip
    good = [(float(a), float(a + n)) for a, n in intervals]
    gti = make_gti([a for a, _ in good], [b for _, b in good])
    events = events_in_memory(np.array(times), [], gti={-1: gti})
    curve = light_curve(events, None, bin_s)
    inside = [t for t in times if any(a <= t < b for a, b in good)]
    assert curve.counts.sum() == len(inside)
    assert curve.live_s.sum() == pytest.approx(gti.total_s)
    start = min(a for a, _ in good)
    for i, left in enumerate(curve.start_s):
        assert left == pytest.approx(start + i * bin_s)
        live = sum(max(0.0, min(b, left + bin_s) - max(a, left)) for a, b in zip(gti.start_s, gti.stop_s, strict=True))
        assert curve.live_s[i] == pytest.approx(live, abs=1e-9)
        if i < len(curve.start_s) - 1:
            assert curve.counts[i] == sum(left <= t < left + bin_s for t in inside)


def test_that_bins_without_good_time_have_no_rate() -> None:
    events = events_in_memory(np.array([5.0, 35.0]), [(0.0, 10.0), (30.0, 40.0)])
    rate = light_curve(events, None, 10.0).rate
    assert rate[[0, 3]].tolist() == [0.1, 0.1]
    assert np.isnan(rate[[1, 2]]).all()


def test_that_a_ccd_that_is_off_for_a_while_does_not_look_like_a_dip() -> None:
    rng = np.random.default_rng(5)
    time = np.sort(rng.uniform(0, 1000, 60000))
    ccd = rng.choice([1, 2], len(time), p=[0.8, 0.2]).astype(np.int16)
    there = ~((ccd == 1) & (time > 500))
    gtis = {1: make_gti([0.0], [500.0]), 2: make_gti([0.0], [1000.0])}
    events = events_in_memory(time[there], [], gti=gtis, ccd=ccd[there])
    rate = light_curve(events, None, 100.0).rate
    assert np.all(np.abs(rate / 60.0 - 1.0) < 0.1)


def test_that_only_events_of_the_band_and_the_given_time_count() -> None:
    events = events_in_memory(np.array([1.0, 2.0, 3.0]), [(0.0, 10.0)], energy_kev=np.array([1.0, 5.0, 5.0]))
    assert light_curve(events, (2.5, 8.5), 10.0).counts.tolist() == [2]
    limited = light_curve(events, (2.5, 8.5), 10.0, make_gti([2.5], [4.0]))
    assert (limited.counts.tolist(), limited.live_s.tolist()) == ([1], [1.5])


def test_that_asking_again_gives_the_remembered_curve_and_other_questions_another() -> None:
    events = events_in_memory(np.arange(100.0), [(0.0, 100.0)])
    assert fine_curve(events, (2.5, 8.5), 10.0, 5) is fine_curve(events, (2.5, 8.5), 10.0, 5)
    for bin_s in (5.0, 7.0, 20.0, 25.0, 50.0):
        assert light_curve(events, (2.5, 8.5), bin_s).counts.sum() == 100


def test_that_sliding_windows_are_all_stretches_of_one_bin() -> None:
    time = np.random.default_rng(1).uniform(0, 100, 400)
    fine = fine_curve(events_in_memory(time, [(0.0, 100.0)]), None, 10.0, 5)
    expected = [np.count_nonzero((time >= 2.0 * i) & (time < 2.0 * i + 10.0)) / 10.0 for i in range(46)]
    assert sliding_rates(fine, 0.9).tolist() == pytest.approx(expected)


def test_that_impossible_questions_are_refused_with_a_sentence() -> None:
    events = events_in_memory(np.array([1.0]), [(0.0, 1e6)])
    for bin_s, words in (
        (0.0, "makes no sense"),
        (-1.0, "makes no sense"),
        (float("nan"), "makes no sense"),
        (1e-3, "too short"),
    ):
        with pytest.raises(ReductionError, match=words):
            light_curve(events, None, bin_s)
    with pytest.raises(ReductionError, match="no good time"):
        light_curve(events_in_memory(np.array([1.0]), []), None, 10.0)


@pytest.mark.parametrize("bin_s", [0.0, -1.0, float("nan"), float("inf"), 1e-9])
def test_that_impossible_bins_are_refused_with_a_sentence(bin_s: float) -> None:
    with pytest.raises(ReductionError, match=r"makes no sense|too short"):
        light_curve(events_in_memory(np.arange(9.0), [(0.0, 10000.0)]), None, bin_s)


def test_that_absurd_good_time_is_refused_with_a_sentence_of_readable_length() -> None:
    with pytest.raises(ReductionError, match="too short") as caught:
        light_curve(events_in_memory(np.arange(9.0), [(-1e300, 1e300)]), None, 10.0)
    assert len(str(caught.value)) < 300
