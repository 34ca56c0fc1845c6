"""Flare cleaning: the Gaussian against closed forms, simulated exposures of every kind, intervals by hand, judgement in words."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.reduction.engine.flares import drop_short_runs, find_flares
from daxa_gui.reduction.engine.gti import inside
from daxa_gui.reduction.engine.histogram import (
    Gaussian,
    fit_gaussian,
    fit_quiet_level,
    half_sample_mode,
    poisson_limits,
    rate_histogram,
)
from tests.fakes.event_files import MOS, events_in_memory

Rate = Callable[[np.ndarray], np.ndarray]


def exposure(rate_ct_s: Rate, seconds: float = 30000.0, seed: int = 1, form=MOS) -> EventList:  # type: ignore[no-untyped-def]
    """Poisson events of a rate that changes with time, unsorted."""
    rng = np.random.default_rng(seed)
    second = np.arange(0.0, seconds)
    counts = rng.poisson(rate_ct_s(second))
    time = np.repeat(second, counts) + rng.random(counts.sum())
    rng.shuffle(time)
    return events_in_memory(time, [(0.0, seconds)], form=form)


def steady(level: float) -> Rate:
    return lambda t: np.full(len(t), level)


def flared(t: np.ndarray) -> np.ndarray:
    return 0.7 + 20 * np.exp(-(((t - 15000) / 2000) ** 2)) + 5 * np.exp(-(((t - 25000) / 800) ** 2))


def stormy(level: float, strength: float, memory_s: float, seed: int = 3) -> Rate:
    """Log-normal variability with a memory: a wholly flared exposure."""

    def rate(t: np.ndarray) -> np.ndarray:
        rng, keep = np.random.default_rng(seed), math.exp(-60.0 / memory_s)
        steps = rng.normal(0, math.sqrt(1 - keep**2), len(t) // 60 + 2)
        walk = np.zeros(len(steps))
        for i in range(1, len(steps)):
            walk[i] = keep * walk[i - 1] + steps[i]
        return level * np.exp(strength * np.interp(t, 60.0 * np.arange(len(walk)), walk))

    return rate


# ---- the Gaussian


@given(st.floats(5, 1e4), st.floats(-3, 3), st.floats(0.3, 2.0))
def test_that_the_fit_gives_back_the_gaussian_that_made_the_points(height: float, centre: float, sigma: float) -> None:
    x = np.linspace(centre - 2.5 * sigma, centre + 1.5 * sigma, 25)
    y = height * np.exp(-0.5 * ((x - centre) / sigma) ** 2)
    fit = fit_gaussian(x, y, Gaussian(0.7 * height, centre + 0.4 * sigma, 1.6 * sigma, False))
    assert fit.ok
    assert (fit.height, fit.centre, fit.sigma) == pytest.approx((height, centre, sigma), rel=1e-4, abs=1e-4)


def test_that_the_fit_agrees_with_that_of_scipy_on_noisy_points() -> None:
    from scipy.optimize import curve_fit

    rng = np.random.default_rng(7)
    x = np.linspace(0.2, 1.4, 40)
    y = rng.poisson(200 * np.exp(-0.5 * ((x - 0.75) / 0.16) ** 2)).astype(float)
    ours = fit_gaussian(x, y, Gaussian(150, 0.7, 0.1, False))
    theirs, _ = curve_fit(
        lambda v, h, c, s: h * np.exp(-0.5 * ((v - c) / s) ** 2), x, y, (150, 0.7, 0.1), np.sqrt(np.maximum(y, 1.0))
    )
    assert (ours.height, ours.centre, ours.sigma) == pytest.approx(tuple(theirs), rel=1e-4)


@pytest.mark.parametrize("y", [np.zeros(20), np.full(20, 5.0), np.linspace(0, 50, 20) ** 2])
def test_that_points_without_a_peak_give_no_sensible_width(y: np.ndarray) -> None:
    fit = fit_gaussian(np.linspace(0.0, 1.0, 20), y, Gaussian(5, 0.5, 0.1, False))
    assert not fit.ok or fit.sigma > 0.3


@settings(max_examples=20, deadline=None)
@given(st.floats(2.0, 60.0), st.integers(0, 1000))
def test_that_gaussian_rates_give_back_their_mean_and_sigma(mean: float, seed: int) -> None:
    sigma = math.sqrt(mean / 60.0)
    rates = np.random.default_rng(seed).normal(mean, sigma, 4000)
    fit, reason = fit_quiet_level(rate_histogram(rates, 60.0, 1), 60.0)
    assert fit.ok and not reason
    assert fit.centre == pytest.approx(mean, abs=0.12 * sigma)
    assert fit.sigma == pytest.approx(sigma, rel=0.12)


def test_that_a_tail_of_flares_does_not_pull_the_fit() -> None:
    rng = np.random.default_rng(2)
    rates = np.concatenate([rng.normal(0.75, 0.11, 3000), rng.uniform(0.75, 12.0, 2500)])
    fit, _ = fit_quiet_level(rate_histogram(rates, 60.0, 1), 60.0)
    assert fit.centre == pytest.approx(0.75, abs=0.02)
    assert fit.sigma == pytest.approx(0.11, rel=0.15)


def test_that_the_commonest_value_is_found_beside_a_long_tail() -> None:
    rng = np.random.default_rng(4)
    values = np.concatenate([rng.normal(2.0, 0.1, 500), rng.exponential(20.0, 400)])
    assert half_sample_mode(values) == pytest.approx(2.0, abs=0.15)
    assert half_sample_mode(np.zeros(9)) == 0.0


@pytest.mark.parametrize("expected", [0.05, 0.7, 3.0, 9.5, 100.0])
def test_that_poisson_limits_are_those_of_scipy(expected: float) -> None:
    from scipy.stats import norm, poisson

    low, high = poisson_limits(expected, 3.0)
    tail = norm.sf(3.0)
    assert poisson.sf(high, expected) <= tail < poisson.sf(high - 1, expected)
    assert poisson.cdf(low, expected) > tail
    assert low == 0 or poisson.cdf(low - 1, expected) <= tail


# ---- exposures


@pytest.mark.parametrize("level", [0.5, 0.8, 1.8])
def test_that_a_quiet_exposure_keeps_nearly_all_of_its_time(level: float) -> None:
    found = find_flares(exposure(steady(level)), FlareParameters())
    assert found.fit.fitted
    assert found.fit.centre_ct_s == pytest.approx(level, rel=0.03)
    assert found.fit.sigma_ct_s == pytest.approx(math.sqrt(level / 60), rel=0.15)
    assert found.kept_fraction > 0.98
    assert found.useful and found.doubt < 0.2


def test_that_flares_are_cut_out_and_the_quiet_time_stays() -> None:
    events = exposure(flared)
    found = find_flares(events, FlareParameters())
    assert found.fit.centre_ct_s == pytest.approx(0.7, rel=0.05)
    middle = found.curve.start_s + 30.0
    truth = flared(middle)
    assert not found.accepted[truth > 1.6].any()
    assert found.accepted[truth < 0.75].mean() > 0.97
    assert found.useful
    assert 0.5 < found.kept_fraction < 0.75
    assert found.gti.total_s == pytest.approx(found.kept_fraction * 30000.0)
    kept = events.time_s[inside(found.gti, events.time_s)]
    assert len(kept) / found.gti.total_s == pytest.approx(0.72, abs=0.05)


@pytest.mark.parametrize(("strength", "memory_s", "level"), [(0.5, 600, 8), (0.4, 2000, 8), (0.8, 1000, 10), (0.3, 3000, 6)])
def test_that_a_wholly_flared_exposure_has_no_useful_time(strength: float, memory_s: float, level: float) -> None:
    found = find_flares(exposure(stormy(level, strength, memory_s)), FlareParameters())
    assert not found.useful
    assert found.doubt == 1.0
    assert found.reasons[0].startswith("No useful time")


def test_that_a_steady_bright_source_is_doubted_but_not_thrown_away() -> None:
    found = find_flares(exposure(steady(12.0)), FlareParameters())
    assert found.useful and found.kept_fraction > 0.98
    assert found.doubt >= 0.3
    assert any("above the usual" in reason for reason in found.reasons)


def test_that_a_variable_source_is_only_doubted_where_no_quiet_level_is_known() -> None:
    form = replace(MOS, quiet_rate_ct_s=None)
    found = find_flares(exposure(lambda t: 3.0 * (1 + 0.35 * np.sin(t / 2000)), form=form), FlareParameters())
    assert found.useful
    assert found.doubt > 0.4


def test_that_a_slow_drift_is_told() -> None:
    found = find_flares(exposure(lambda t: 1.2 * (0.8 + 0.4 * t / 30000)), FlareParameters())
    assert any("first to the second half" in reason for reason in found.reasons)


def test_that_few_counts_get_poisson_limits_and_empty_bins_stay() -> None:
    found = find_flares(exposure(steady(0.02)), FlareParameters())
    assert not found.fit.fitted
    assert "Poisson" in found.fit.reason
    assert found.fit.low_ct_s == 0.0
    assert found.kept_fraction > 0.98
    assert found.useful


def test_that_a_flare_is_found_among_few_counts() -> None:
    found = find_flares(exposure(lambda t: 0.02 + 0.5 * ((t > 9000) & (t < 11000))), FlareParameters())
    flare = (found.curve.start_s >= 9000) & (found.curve.start_s < 10900)
    assert not found.accepted[flare].any()
    assert found.accepted[~flare].mean() > 0.95


def test_that_a_gap_in_the_telemetry_that_the_good_time_does_not_know_is_cut_out() -> None:
    found = find_flares(exposure(lambda t: 0.8 * ((t < 10000) | (t > 12000))), FlareParameters())
    gap = (found.curve.start_s > 10000) & (found.curve.start_s < 11900)
    assert not found.accepted[gap].any()


def test_that_a_list_without_counts_in_the_band_is_doubted() -> None:
    events = events_in_memory(np.arange(500.0), [(0.0, 30000.0)], energy_kev=1.0)
    found = find_flares(events, FlareParameters())
    assert any("No counts" in reason for reason in found.reasons)
    assert found.doubt > 0.5


def test_that_short_passes_of_a_satellite_are_kept() -> None:
    rng = np.random.default_rng(1)
    passes = [(5600.0 * i, 5600.0 * i + 90.0) for i in range(10)]
    time = np.concatenate([rng.uniform(a, b, 90) for a, b in passes])
    found = find_flares(events_in_memory(time, passes), FlareParameters(bin_s=60.0))
    assert found.kept_fraction > 0.9


def test_that_good_time_never_leaves_that_of_the_list() -> None:
    events = exposure(flared)
    events = replace(events, gti={-1: find_flares(events, FlareParameters()).gti})
    found = find_flares(events, FlareParameters(bin_s=37.0))
    assert np.all(inside(events.gti[-1], found.gti.start_s))
    assert found.gti.total_s <= events.gti[-1].total_s + 1e-6


def test_that_a_million_events_are_cleaned_again_within_a_tenth_of_the_first_time() -> None:
    """Not seconds but work: the second answer comes from what is remembered, so that dragging a limit is smooth."""
    events = exposure(steady(20.0), seconds=10000.0)
    first = find_flares(events, FlareParameters())
    again = find_flares(events, FlareParameters(n_sigma=2.0))
    assert again.curve.counts.tolist() == first.curve.counts.tolist()
    from daxa_gui.reduction.engine.events import memory_of

    assert len(memory_of(events)["curves"]) == 1


# ---- by hand


def test_that_limits_by_hand_replace_the_automatic_ones_exactly() -> None:
    found = find_flares(exposure(flared), FlareParameters(limits_ct_s=(0.5, 3.0)))
    assert (found.fit.low_ct_s, found.fit.high_ct_s) == (0.5, 3.0)
    rate = found.curve.rate
    wrong = found.accepted & ~((rate >= 0.5) & (rate <= 3.0))
    assert not wrong.any()
    assert found.useful


def test_that_intervals_by_hand_add_and_remove_time_and_removing_wins() -> None:
    events = exposure(flared)
    automatic = find_flares(events, FlareParameters())
    found = find_flares(
        events, FlareParameters(added_s=((14000.0, 15000.0), (29000.0, 99000.0)), removed_s=((14500.0, 14600.0),))
    )
    times = np.array([14001.0, 14499.0, 14500.0, 14599.0, 14600.0, 29500.0, 30001.0])
    assert inside(found.gti, times).tolist() == [True, True, False, False, True, True, False]
    assert found.gti.total_s > automatic.gti.total_s
    everything = find_flares(events, FlareParameters(removed_s=((-1.0, 1e9),)))
    assert not everything.useful and everything.kept_fraction == 0.0
    assert everything.reasons


def test_that_what_a_person_kept_of_a_flared_exposure_counts_as_useful() -> None:
    events = exposure(stormy(8, 0.5, 600))
    assert find_flares(events, FlareParameters(limits_ct_s=(0.0, 6.0))).useful
    assert find_flares(events, FlareParameters(added_s=((0.0, 30000.0),))).useful


@pytest.mark.parametrize(
    "parameters",
    [FlareParameters(n_sigma=0.0), FlareParameters(n_sigma=float("nan")), FlareParameters(limits_ct_s=(2.0, 1.0)),
     FlareParameters(bin_s=0.0), FlareParameters(band_kev=(8.0, 2.0))],
)  # fmt: skip
def test_that_parameters_without_sense_are_refused(parameters: FlareParameters) -> None:
    with pytest.raises(ReductionError):
        find_flares(exposure(steady(1.0), 2000.0), parameters)


# ---- runs of bins


@given(st.lists(st.sampled_from("+-."), max_size=40))
def test_that_only_single_bins_beside_rejected_ones_are_dropped(text: list[str]) -> None:
    """+ accepted, - rejected, . without good time."""
    accepted = np.array([c == "+" for c in text], bool)
    result = drop_short_runs(accepted, np.array([c != "." for c in text], bool))
    padded = [".", *text, "."]
    for i, kept in enumerate(result.tolist(), 1):
        alone = padded[i] == "+" and padded[i - 1] != "+" and padded[i + 1] != "+"
        expected = padded[i] == "+" and not (alone and "-" in (padded[i - 1], padded[i + 1]))
        assert kept == expected
