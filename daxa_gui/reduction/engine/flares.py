"""Flare cleaning: which time of an exposure is quiet, how sure one can be, and why.

The rates of the bins are compared with the quiet level (see `histogram`): limits are centre ± n sigma on both sides. Bins too low
are rejected as well, because lost telemetry and stray gaps look like that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.timeseries import FlareCleaning, FlareFit, FlareParameters, Gti, LightCurve
from daxa_gui.reduction.engine.gti import any_ccd, from_bins, good_time_before, intersect, make_gti, subtract, union
from daxa_gui.reduction.engine.histogram import fit_quiet_level, half_sample_mode, poisson_limits, rate_histogram
from daxa_gui.reduction.engine.judgement import judge
from daxa_gui.reduction.engine.lightcurve import coarse, fine_curve, sliding_rates

WINDOWS_PER_BIN = 10
MINIMUM_BINS = 2  # a single accepted bin between rejected ones is chance, not quiet time


def find_flares(events: EventList, parameters: FlareParameters) -> FlareCleaning:
    """Light curve, histogram, Gaussian, limits and good time of an event list.

    Parameters
    ----------
    parameters : band, bin length, number of sigma; `limits_ct_s` replaces the automatic limits, `added_s` and `removed_s` are
        intervals by hand (mission seconds), applied last; removing wins. Intervals outside the list's own good time add nothing.

    Raises
    ------
    ReductionError : no good time at all, no energies, or parameters that make no sense.
    """
    _check(parameters)
    fine = fine_curve(events, parameters.band_kev, parameters.bin_s, _windows_per_bin(events, parameters.bin_s))
    curve = coarse(events, fine, parameters.band_kev)
    enough = 0.9 if np.count_nonzero(curve.live_s >= 0.9 * curve.bin_s) >= 10 else 0.4
    fit = fit_rates(sliding_rates(fine, enough), curve, fine.steps_per_bin, parameters)
    quiet = within_limits(curve, fit, by_hand=parameters.limits_ct_s is not None)
    quiet = drop_short_runs(quiet, np.isfinite(curve.rate))
    own = any_ccd(events)
    gti = intersect(from_bins(curve.start_s, curve.bin_s, quiet), own)
    gti = by_hand(gti, own, parameters)
    accepted = _mostly_inside(curve, gti, own)
    kept = gti.total_s / own.total_s
    decided = parameters.limits_ct_s is not None or bool(parameters.added_s)
    useful, doubt, reasons = judge(curve, fit, accepted, kept, events.format.quiet_rate_ct_s, decided=decided)
    return FlareCleaning(curve, fit, accepted, gti, kept, useful, doubt, reasons)


def _check(parameters: FlareParameters) -> None:
    if not (math.isfinite(parameters.n_sigma) and parameters.n_sigma > 0):
        raise ReductionError(f"{parameters.n_sigma:g} sigma make no sense.", "Give a positive number, usually 2.5 to 3.")
    limits = parameters.limits_ct_s
    if limits is not None and not limits[0] <= limits[1]:
        raise ReductionError(f"The limits {limits[0]:g} to {limits[1]:g} ct/s leave nothing.", "Give the lower limit first.")


def _windows_per_bin(events: EventList, bin_s: float) -> int:
    """Fewer sliding windows for lists that span months (surveys), where the bins are many anyway."""
    own = any_ccd(events)
    if not own.total_s > 0 or not bin_s > 0:
        return 1
    n_bins = float(own.stop_s[-1] - own.start_s[0]) / bin_s
    return int(np.clip(200_000 / max(n_bins, 1.0), 1, WINDOWS_PER_BIN))


def fit_rates(rates: NDArray[np.float64], curve: LightCurve, windows_per_bin: int, parameters: FlareParameters) -> FlareFit:
    """Histogram, Gaussian (or what replaces it for low rates) and limits in ct/s."""
    bin_s = curve.bin_s
    histogram = rate_histogram(rates, bin_s, windows_per_bin)
    gaussian, reason = fit_quiet_level(histogram, bin_s)
    centre, sigma = gaussian.centre, gaussian.sigma
    low, high = centre - parameters.n_sigma * sigma, centre + parameters.n_sigma * sigma
    if not gaussian.ok:
        centre = clipped_mean_rate(curve, half_sample_mode(rates) if len(rates) else 0.0, parameters.n_sigma)
        sigma = math.sqrt(max(centre, 1.0 / curve.live_s.sum()) / bin_s)
        if centre * bin_s < 1000:
            few, many = poisson_limits(centre * bin_s, parameters.n_sigma)
            low, high = few / bin_s, many / bin_s
        else:
            low, high = centre - parameters.n_sigma * sigma, centre + parameters.n_sigma * sigma
    low = max(low, 0.0)
    if parameters.limits_ct_s is not None:
        low, high = parameters.limits_ct_s
    return FlareFit(
        histogram.edges, histogram.counts, gaussian.height, centre, sigma, low, high, gaussian.ok, reason,
    )  # fmt: skip


def clipped_mean_rate(curve: LightCurve, start_ct_s: float, n_sigma: float, rounds: int = 30) -> float:
    """Mean rate of the bins that lie within Poisson limits of it, found by repeated clipping from a first guess."""
    live = curve.live_s > 0.1 * curve.bin_s
    if not live.any():
        return start_ct_s
    counts, live_s = curve.counts[live].astype(np.float64), curve.live_s[live]
    mean = max(start_ct_s, 1.0 / float(live_s.sum()))
    for _ in range(rounds):
        expected = mean * live_s
        near = np.abs(counts - expected) <= n_sigma * np.sqrt(expected) + 1.0
        if not near.any():
            break
        before, mean = mean, max(float(counts[near].sum() / live_s[near].sum()), 1e-3 / float(live_s.sum()))
        if abs(mean - before) <= 1e-9 * mean:
            break
    return mean


def within_limits(curve: LightCurve, fit: FlareFit, *, by_hand: bool) -> NDArray[np.bool_]:
    """Bins whose rate lies within the limits, both included. Automatic limits widen for bins that are only partly good time.

    A bin with a tenth of the good time has a rate with three times the noise; limits set by hand are taken as they are.
    """
    widen = np.ones(len(curve.live_s))
    partial = (curve.live_s > 0) & (curve.live_s < 0.999 * curve.bin_s)
    if not by_hand:
        widen[partial] = np.sqrt(curve.bin_s / curve.live_s[partial])
    margin = 1e-9 * max(abs(fit.high_ct_s), 1e-12)
    low = fit.centre_ct_s - (fit.centre_ct_s - fit.low_ct_s) * widen - margin
    high = fit.centre_ct_s + (fit.high_ct_s - fit.centre_ct_s) * widen + margin
    with np.errstate(invalid="ignore"):
        return np.asarray((curve.rate >= low) & (curve.rate <= high))


def drop_short_runs(
    accepted: NDArray[np.bool_], has_time: NDArray[np.bool_], minimum_bins: int = MINIMUM_BINS
) -> NDArray[np.bool_]:  # fmt: skip
    """Without the runs of accepted bins that are shorter than the minimum and touch a rejected bin. Arrays have shape (n,).

    Runs that are short because the good time itself is short (satellite passes) stay.
    """
    result = accepted.copy()
    padded = np.concatenate([[False], accepted, [False]])
    change = np.flatnonzero(padded[1:] != padded[:-1])
    rejected = np.concatenate([[False], has_time & ~accepted, [False]])
    for first, behind in zip(change[0::2].tolist(), change[1::2].tolist(), strict=True):
        if behind - first < minimum_bins and (rejected[first] or rejected[behind + 1]):
            result[first:behind] = False
    return result


def by_hand(gti: Gti, own: Gti, parameters: FlareParameters) -> Gti:
    """Good time after the intervals that a person added and removed; never outside the list's own good time."""
    if parameters.added_s:
        starts, stops = zip(*parameters.added_s, strict=True)
        gti = union(gti, intersect(make_gti(starts, stops, 0.0), own))
    if parameters.removed_s:
        starts, stops = zip(*parameters.removed_s, strict=True)
        gti = subtract(gti, make_gti(starts, stops, 0.0))
    return gti


def _mostly_inside(curve: LightCurve, gti: Gti, own: Gti) -> NDArray[np.bool_]:
    """Bins of whose good time at least half was kept."""
    edges = np.append(curve.start_s, curve.start_s[-1] + curve.bin_s)
    kept, there = np.diff(good_time_before(gti, edges)), np.diff(good_time_before(own, edges))
    return np.asarray((there > 0) & (kept >= 0.5 * there))
