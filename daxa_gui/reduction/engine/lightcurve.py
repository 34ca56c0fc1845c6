"""Light curves: counts in bins, and how much good time each bin has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.timeseries import Gti, LightCurve
from daxa_gui.reduction.engine.events import memory_of, select
from daxa_gui.reduction.engine.gti import any_ccd, ccd_weights, good_time_before, intersect

MAXIMUM_BINS = 5_000_000
MAXIMUM_REMEMBERED = 4


@dataclass(frozen=True, eq=False)
class FineCurve:
    """Counts and live time in steps of `step_s`, shape (n_bins * steps_per_bin,): light curves and sliding means come from it."""

    start_s: float
    step_s: float
    steps_per_bin: int
    counts: NDArray[np.int64]
    live_s: NDArray[np.float64]


def light_curve(events: EventList, band_kev: tuple[float, float] | None, bin_s: float, gti: Gti | None = None) -> LightCurve:
    """Good events of a band (None: all energies) in bins of `bin_s` seconds from the start of the good time.

    The live time of a bin is the mean of the good time of the CCDs in it, weighted by their share of the rate; with equal
    intervals for all CCDs that is simply their common good time. The dead time of the readout is not corrected for.

    Raises
    ------
    ReductionError : no good time, a bin length that makes no sense, or no energies although a band is given.
    """
    fine = fine_curve(events, band_kev, bin_s, 1, gti)
    return coarse(events, fine, band_kev)


def fine_curve(
    events: EventList, band_kev: tuple[float, float] | None, bin_s: float, steps_per_bin: int, gti: Gti | None = None
) -> FineCurve:
    """Counts and live time in steps of bin_s / steps_per_bin; remembered for the last few questions about a list."""
    if gti is not None:
        return _fine_curve(events, band_kev, bin_s, steps_per_bin, gti)
    curves = memory_of(events).setdefault("curves", {})
    key = (band_kev, bin_s, steps_per_bin)
    if key not in curves:
        curve = _fine_curve(events, band_kev, bin_s, steps_per_bin, None)
        while len(curves) >= MAXIMUM_REMEMBERED:
            curves.pop(next(iter(curves)), None)
        curves[key] = curve
    return curves[key]


def _fine_curve(
    events: EventList, band_kev: tuple[float, float] | None, bin_s: float, steps_per_bin: int, gti: Gti | None
) -> FineCurve:
    good = any_ccd(events)
    if not good.total_s > 0:
        raise ReductionError(f"{events.path} has no good time.", "Its good-time intervals are empty; nothing can be made of it.")
    if not (bin_s > 0 and math.isfinite(bin_s)):
        raise ReductionError(f"A bin of {bin_s:g} s makes no sense.", "Give a positive length.")
    start, stop = float(good.start_s[0]), float(good.stop_s.max())
    bins = math.ceil(min((stop - start) / bin_s, 1e300) - 1e-9)
    if bins * steps_per_bin > MAXIMUM_BINS:
        raise ReductionError(
            f"Bins of {bin_s:g} s are too short for {events.path}: {bins:.3g} of them.",
            "The list is very long; give longer bins.",
        )
    n_bins = max(bins, 1)
    step, n_steps = bin_s / steps_per_bin, n_bins * steps_per_bin
    mask = select(events, band_kev, gti)
    index = ((events.time_s[mask] - start) / step).astype(np.int64)
    np.minimum(index, n_steps - 1, out=index)
    counts = np.bincount(index, minlength=n_steps)
    edges = np.asarray(start + step * np.arange(n_steps + 1), np.float64)
    return FineCurve(start, step, steps_per_bin, counts, _live_time(events, mask, gti, edges))


def _live_time(
    events: EventList, mask: NDArray[np.bool_], gti: Gti | None, edges: NDArray[np.float64]
) -> NDArray[np.float64]:  # fmt: skip
    live = np.zeros(len(edges) - 1)
    for ccd, weight in ccd_weights(events, mask).items():
        own = events.gti[ccd] if gti is None else intersect(events.gti[ccd], gti)
        live += weight * np.diff(good_time_before(own, edges))
    return live


def coarse(events: EventList, fine: FineCurve, band_kev: tuple[float, float] | None) -> LightCurve:
    """The light curve in whole bins."""
    shape = (-1, fine.steps_per_bin)
    counts, live = fine.counts.reshape(shape).sum(axis=1), fine.live_s.reshape(shape).sum(axis=1)
    bin_s = fine.step_s * fine.steps_per_bin
    rate = np.full(len(counts), np.nan)
    # Less than a ten-thousandth of a bin is the rounding of interval ends, not exposure.
    np.divide(counts, live, out=rate, where=live > 1e-4 * bin_s)
    return LightCurve(
        np.asarray(fine.start_s + bin_s * np.arange(len(counts)), np.float64), bin_s, counts, live, rate,
        band_kev or (0.0, float("inf")), events.mjdref, events.timesys,
    )  # fmt: skip


def sliding_rates(fine: FineCurve, minimum_live_fraction: float) -> NDArray[np.float64]:
    """Rates in ct/s of all windows of one bin's length, moved by one step each; only windows that have enough good time.

    Same noise as that of the bins, but more of them, so that a histogram of a short exposure has a peak that can be found.
    """
    width = fine.steps_per_bin
    if len(fine.counts) < width:
        return np.empty(0)
    counts = _window_sums(fine.counts, width)
    live = _window_sums(fine.live_s, width)
    enough = live >= minimum_live_fraction * width * fine.step_s
    return np.asarray(counts[enough] / live[enough])


def _window_sums(values: NDArray[np.generic], width: int) -> NDArray[np.float64]:
    total = np.concatenate([[0], np.cumsum(values)])
    return np.asarray(total[width:] - total[:-width], np.float64)
