"""The histogram of count rates of an exposure and the Gaussian that describes its quiet level.

After the histogram method of ESAS (Snowden & Kuntz): the quiet level of an exposure is a Gaussian peak of its rates, flares are a
tail at higher rates. Here the rates are those of sliding windows of one bin's length.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAXIMUM_HISTOGRAM_BINS = 2000
FEW_COUNTS = 10.0  # a bin that expects fewer counts has no Gaussian noise


@dataclass(frozen=True, eq=False)
class Gaussian:
    """height x exp(-(x - centre)^2 / (2 sigma^2)). `ok` is false when no sensible fit came out."""

    height: float
    centre: float
    sigma: float
    ok: bool


def fit_gaussian(x: NDArray[np.float64], y: NDArray[np.float64], start: Gaussian, rounds: int = 60) -> Gaussian:
    """Weighted least squares fit (Levenberg-Marquardt) of a Gaussian; errors are sqrt(y), at least 1. Arrays have shape (n,).

    Returns
    -------
    The fit, or one with `ok` false if there are fewer than four points or the fit ran away.
    """
    if len(x) < 4:
        return Gaussian(start.height, start.centre, start.sigma, False)
    weight = 1.0 / np.sqrt(np.maximum(y, 1.0))
    values = np.array([start.height, start.centre, start.sigma])
    damping, cost = 1e-3, math.inf
    for _ in range(rounds):
        offset = (x - values[1]) / values[2]
        shape = np.exp(-0.5 * offset**2)
        residual = (y - values[0] * shape) * weight
        slope = values[0] * shape / values[2] * offset
        jacobian = np.stack([shape, slope, slope * offset], axis=1) * weight[:, None]
        now = float(residual @ residual)
        if not math.isfinite(now):
            return Gaussian(start.height, start.centre, start.sigma, False)
        normal, gradient = jacobian.T @ jacobian, jacobian.T @ residual
        step, damping = _best_step(x, y, weight, values, normal, gradient, now, damping)
        if step is None:
            break
        values = values + step
        if abs(cost - now) <= 1e-10 * (now + 1e-300) and np.all(np.abs(step) <= 1e-7 * np.abs(values)):
            break
        cost = now
    height, centre, sigma = float(values[0]), float(values[1]), abs(float(values[2]))
    span = float(x[-1] - x[0])
    ok = height > 1e-3 * float(y.max()) > 0 and x[0] - span <= centre <= x[-1] + span and 0 < sigma <= 3 * span
    return Gaussian(height, centre, sigma, ok)


def _best_step(
    x: NDArray[np.float64], y: NDArray[np.float64], weight: NDArray[np.float64], values: NDArray[np.float64],
    normal: NDArray[np.float64], gradient: NDArray[np.float64], cost: float, damping: float,
) -> tuple[NDArray[np.float64] | None, float]:  # fmt: skip
    """The next step that lowers the cost, with the damping to go on with; None when no step does."""
    for _ in range(12):
        damped = normal + damping * np.diag(np.maximum(np.diag(normal), 1e-300))
        try:
            step = np.linalg.solve(damped, gradient)
        except np.linalg.LinAlgError:
            return None, damping
        trial = values + step
        if trial[2] != 0:
            offset = np.clip((x - trial[1]) / trial[2], -40, 40)
            residual = (y - trial[0] * np.exp(-0.5 * offset**2)) * weight
            if float(residual @ residual) < cost:
                return np.asarray(step, np.float64), max(damping / 10, 1e-12)
        damping *= 10
    return None, damping


@dataclass(frozen=True, eq=False)
class RateHistogram:
    """`counts`, shape (n,), are in units of whole bins (sliding windows divided by their number per bin); edges have n + 1."""

    edges: NDArray[np.float64]
    counts: NDArray[np.float64]

    @property
    def centres(self) -> NDArray[np.float64]:
        return (self.edges[1:] + self.edges[:-1]) / 2


def rate_histogram(rates: NDArray[np.float64], bin_s: float, windows_per_bin: int) -> RateHistogram:
    """Histogram of rates in ct/s with a bin width that suits their noise.

    A quarter of the Poisson noise at the commonest rate, but a whole number of the smallest step of a rate, 1/bin_s; the edges
    lie between the possible rates. It reaches at least to the largest rate unless that would take too many bins.
    """
    if not len(rates):
        return RateHistogram(np.array([0.0, 1.0 / bin_s]), np.zeros(1))
    quantum = 1.0 / bin_s
    level = half_sample_mode(rates)
    noise = math.sqrt(max(level, quantum) / bin_s)
    width = quantum * max(1, round(noise / 4 / quantum))
    n = min(max(math.ceil((float(rates.max()) + quantum / 2) / width), 4), MAXIMUM_HISTOGRAM_BINS)
    n = max(n, min(math.ceil((level + 8 * noise) / width), MAXIMUM_HISTOGRAM_BINS))
    if level + 8 * noise > n * width:  # very bright: few but wider bins around the commonest rate matter more than fine ones
        width = (level + 8 * noise) / n
    edges = np.asarray(-quantum / 2 + width * np.arange(n + 1), np.float64)
    counts, _ = np.histogram(rates, edges)
    return RateHistogram(edges, counts / windows_per_bin)


def half_sample_mode(values: NDArray[np.float64]) -> float:
    """The commonest value: the middle of the shortest half, of the shortest half of that, and so on (Robertson & Cryer 1974).

    Needs no bins and ignores tails. Ties go to the lower values: flares only raise a rate.
    """
    ordered = np.sort(values)
    while len(ordered) > 3:
        half = (len(ordered) + 1) // 2
        widths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
        first = int(np.argmin(widths))
        if widths[first] == 0:
            return float(ordered[first])
        ordered = ordered[first : first + half]
    return float(np.median(ordered))


def fit_quiet_level(histogram: RateHistogram, bin_s: float) -> tuple[Gaussian, str]:
    """The Gaussian of the quiet level, and why there is none (`ok` false), in words.

    The peak is searched in the running mean of five bins; the fit uses rates from 2 sigma below to 1.5 sigma above the centre, so
    that the tail of the flares does not pull, and is repeated until it stays where it is.
    """
    x, y = histogram.centres, histogram.counts
    smooth = np.convolve(y, np.ones(5) / 5, mode="same")
    peak = int(np.argmax(smooth))
    level = float(x[peak])
    noise = math.sqrt(max(level, 1.0 / bin_s) / bin_s)
    now = Gaussian(max(float(y[max(peak - 2, 0) : peak + 3].max()), 1e-3), level, noise, False)
    if not y.any():
        return now, "No Gaussian was fitted: no bin has enough good time."
    if level * bin_s < FEW_COUNTS:
        return (
            now,
            f"No Gaussian was fitted: about {max(level, 0) * bin_s:.1f} counts per bin are too few; Poisson limits are used.",
        )
    for _ in range(12):
        near = (x >= now.centre - 2.0 * now.sigma) & (x <= now.centre + 1.5 * now.sigma)
        if near.sum() < 6:
            middle = int(np.clip(np.searchsorted(x, now.centre), 3, len(x) - 4)) if len(x) > 7 else len(x) // 2
            near = np.abs(np.arange(len(x)) - middle) <= 3
        before, now = now, fit_gaussian(x[near], y[near], now)
        if not now.ok:
            break
        if abs(now.centre - before.centre) < 1e-3 * now.sigma and abs(now.sigma - before.sigma) < 1e-3 * now.sigma:
            break
    if not now.ok or not 0.5 * noise < now.sigma < 20 * noise or not abs(now.centre - level) < 6 * max(now.sigma, noise):
        return Gaussian(now.height, level, noise, False), "No Gaussian was fitted: the rates have no peak of a sensible width."
    return now, ""


def poisson_limits(expected: float, n_sigma: float) -> tuple[float, float]:
    """Lowest and highest counts that are no rarer, on either side, than n_sigma of a Gaussian. For `expected` up to ~1000."""
    tail = 0.5 * math.erfc(n_sigma / math.sqrt(2.0))
    k = np.arange(math.ceil(expected + 40 + 20 * math.sqrt(max(expected, 0.0))))
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.maximum(k[1:], 1)))])
    below = np.cumsum(np.exp(k * math.log(max(expected, 1e-12)) - max(expected, 1e-12) - log_factorial))
    low = int(np.searchsorted(below, tail, side="right"))
    high = int(np.searchsorted(below, 1.0 - tail, side="left"))
    return float(low), float(min(high, len(k) - 1))
