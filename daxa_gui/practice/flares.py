"""How soft protons come and go: rates with spikes and plateaus on a grid of time, and drawing arrival times from rates."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from daxa_gui.practice.sky import Flares

GRID_S = 5.0
QUIET_PROTONS_CT_S = 0.02  # residual soft protons of a quiet exposure, MOS, 2.5-8.5 keV
_MEMORY_S = 700.0  # correlation time of a plateau's variability

Floats = NDArray[np.float64]
Intervals = tuple[tuple[float, float], ...]  # seconds since the start of the observation, sorted


def generator(seed: int, *words: str) -> np.random.Generator:
    """Random numbers that belong to a seed and some words (ObsID, instrument …) and to nothing else."""
    digest = hashlib.sha256("/".join(words).encode()).digest()
    entropy = [seed, *(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))


def _correlated_noise(n: int, rng: np.random.Generator) -> Floats:
    """An Ornstein-Uhlenbeck process with variance 1 and a memory of `_MEMORY_S`, shape (n,)."""
    decay = np.exp(-GRID_S / _MEMORY_S)
    kicks = rng.standard_normal(n) * np.sqrt(1 - decay**2)
    kicks[0] = rng.standard_normal()
    values = np.empty(n)
    value = 0.0
    for i, kick in enumerate(kicks.tolist()):
        value = value * decay + kick
        values[i] = value
    return values


def flare_rate(flares: Flares, span_s: float, rng: np.random.Generator) -> Floats:
    """Rate of soft protons in ct/s (one MOS, 2.5-8.5 keV) in steps of `GRID_S` from 0 to `span_s`."""
    time = np.arange(0.0, span_s, GRID_S) + GRID_S / 2
    rate = np.full(time.shape, QUIET_PROTONS_CT_S + flares.floor_ct_s)
    for begin, length in flares.plateaus:
        start, stop = begin * span_s, (begin + length) * span_s
        edge_s = 250.0
        inside = 1 / (1 + np.exp(-(time - start) / edge_s)) / (1 + np.exp((time - stop) / edge_s))
        if begin <= 0 and begin + length >= 1:
            inside = np.ones_like(time)
        rate += flares.plateau_ct_s * inside * np.exp(flares.scatter * _correlated_noise(len(time), rng))
    for _ in range(flares.spikes):
        peak_s = rng.uniform(0.03, 0.97) * span_s
        rise_s, fall_s = rng.uniform(30, 120), rng.uniform(150, 600)
        height = flares.spike_ct_s * np.exp(0.5 * rng.standard_normal())
        since = time - peak_s
        rate += height * np.where(since < 0, np.exp(np.clip(since / rise_s, -50, 0)), np.exp(np.clip(-since / fall_s, -50, 0)))
    return rate


def times_from_rate(rate: Floats, factor: float, intervals: Intervals, rng: np.random.Generator) -> Floats:
    """Arrival times of a Poisson process with rate `factor` x `rate` (steps of `GRID_S`), inside the intervals."""
    edges = np.arange(len(rate) + 1) * GRID_S
    cumulative = np.concatenate([[0.0], np.cumsum(rate * GRID_S)])
    n = rng.poisson(factor * cumulative[-1])
    times = np.interp(rng.random(n) * cumulative[-1], cumulative, edges)
    return times[inside(times, intervals)]


def inside(times: Floats, intervals: Intervals) -> NDArray[np.bool_]:
    """Which times lie in half-open intervals."""
    starts = np.array([start for start, _ in intervals])
    stops = np.array([stop for _, stop in intervals])
    place = np.searchsorted(starts, times, side="right") - 1
    return (place >= 0) & (times < stops[np.maximum(place, 0)])


def even_times(n: int, intervals: Intervals, rng: np.random.Generator) -> Floats:
    """`n` times spread evenly over the intervals, unsorted."""
    lengths = np.array([stop - start for start, stop in intervals])
    cumulative = np.concatenate([[0.0], np.cumsum(lengths)])
    place = rng.random(n) * cumulative[-1]
    index = np.minimum(np.searchsorted(cumulative, place, side="right") - 1, len(lengths) - 1)
    starts = np.array([start for start, _ in intervals])
    return starts[index] + place - cumulative[index]


def total_s(intervals: Intervals) -> float:
    return float(sum(stop - start for start, stop in intervals))


def orbit_intervals(span_s: float, exposure_s: float, n_orbits: int) -> Intervals:
    """`n_orbits` looks of equal length that add up to `exposure_s`, spread over `span_s`: the Earth was in the way between."""
    length = exposure_s / n_orbits
    step = (span_s - length) / max(n_orbits - 1, 1)
    return tuple((round(i * step, 3), round(i * step + length, 3)) for i in range(n_orbits))
