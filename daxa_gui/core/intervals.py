"""Arithmetic of good-time intervals: half-open [start, stop), mission seconds. Pure functions of `Gti` values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_gui.core.timeseries import Gti

EMPTY = Gti(np.empty(0), np.empty(0))


def make_gti(start_s: ArrayLike, stop_s: ArrayLike, join_gap_s: float | None = None, *, keep_empty: bool = False) -> Gti:
    """A proper Gti from any intervals, shape (n,): sorted, overlapping ones joined, reversed, empty and NaN ones dropped.

    Intervals that only touch stay as they are; with `join_gap_s` those whose gap is at most that long are joined too, 0 joining
    the touching ones. `keep_empty` keeps intervals of zero length: real files have them and count them.
    """
    start, stop = np.atleast_1d(np.asarray(start_s, np.float64)), np.atleast_1d(np.asarray(stop_s, np.float64))
    usable = np.isfinite(start) & np.isfinite(stop) & ((stop >= start) if keep_empty else (stop > start))
    order = np.argsort(start[usable], kind="stable")
    start, stop = start[usable][order], stop[usable][order]
    if not len(start):
        return EMPTY
    reached = np.maximum.accumulate(stop)
    gap = start[1:] - reached[:-1]
    apart = gap >= 0.0 if join_gap_s is None else gap > join_gap_s
    first = np.flatnonzero(np.concatenate([[True], apart]))
    last = np.concatenate([first[1:], [len(start)]]) - 1
    return Gti(start[first], reached[last])


def union(*gtis: Gti) -> Gti:
    """Time that lies in at least one of them; touching intervals are joined unless there is only one Gti."""
    if len(gtis) < 2:
        return gtis[0] if gtis else EMPTY
    return make_gti(np.concatenate([g.start_s for g in gtis]), np.concatenate([g.stop_s for g in gtis]), 0.0)


def intersect(a: Gti, b: Gti) -> Gti:
    """Time that lies in both."""
    if not len(a) or not len(b):
        return EMPTY
    # Each interval of `a` meets a run of intervals of `b`: from the first that ends after its start to the last that starts
    # before its end.
    first = np.searchsorted(b.stop_s, a.start_s, side="right")
    behind = np.searchsorted(b.start_s, a.stop_s, side="left")
    meets = np.maximum(behind - first, 0)
    of_a = np.repeat(np.arange(len(a)), meets)
    of_b = np.arange(len(of_a)) - np.repeat(np.cumsum(meets) - meets, meets) + first[of_a]
    return make_gti(np.maximum(a.start_s[of_a], b.start_s[of_b]), np.minimum(a.stop_s[of_a], b.stop_s[of_b]))


def subtract(a: Gti, b: Gti) -> Gti:
    """Time that lies in `a` and not in `b`."""
    if not len(b):
        return a
    outside = Gti(np.concatenate([[-np.inf], b.stop_s]), np.concatenate([b.start_s, [np.inf]]))
    return intersect(a, outside)


def inside(gti: Gti, time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each time, shape (n,) in any order, lies in an interval: start <= time < stop. NaN lies nowhere."""
    if not len(gti):
        return np.zeros(len(time_s), np.bool_)
    if len(gti) == 1:
        return np.asarray((time_s >= gti.start_s[0]) & (time_s < gti.stop_s[0]))
    edges = np.empty(2 * len(gti))
    edges[0::2], edges[1::2] = gti.start_s, gti.stop_s
    # The edges never decrease, so an odd count of edges passed means inside, also where intervals touch. NaN passes all of them.
    return np.asarray(np.searchsorted(edges, time_s, side="right") & 1, np.bool_)


def good_time_before(gti: Gti, time_s: ArrayLike) -> NDArray[np.float64]:
    """Seconds of good time before each time (a rising broken line), shape as `time_s`."""
    time = np.asarray(time_s, np.float64)
    if not len(gti):
        return np.zeros(time.shape)
    edges = np.empty(2 * len(gti))
    edges[0::2], edges[1::2] = gti.start_s, gti.stop_s
    total = np.zeros(2 * len(gti))
    total[1::2] = np.cumsum(gti.stop_s - gti.start_s)
    total[2::2] = total[1:-1:2]
    return np.asarray(np.interp(time, edges, total))


def shifted(gti: Gti, shift_s: float) -> Gti:
    """All intervals moved by some seconds."""
    return gti if shift_s == 0.0 else Gti(gti.start_s + shift_s, gti.stop_s + shift_s)


def of_ccd(gtis: Mapping[int, Gti], ccd: int) -> Gti:
    """The intervals of a CCD; key -1 holds for those without a key of their own, EMPTY if there is none either."""
    return gtis.get(ccd, gtis.get(-1, EMPTY))


def inside_own(
    gtis: Mapping[int, Gti], time_s: NDArray[np.float64], ccd: NDArray[np.integer] | None
) -> NDArray[np.bool_]:  # fmt: skip
    """Whether each event lies in the good time of its own CCD. Arrays have shape (n,); without `ccd` all belong to key -1.

    Without CCD numbers and without key -1 an event is good if it lies in the good time of any CCD.
    """
    if not len(time_s):
        return np.zeros(0, np.bool_)
    if ccd is None:
        return inside(gtis[-1] if -1 in gtis else union(*gtis.values()), time_s)
    good = np.zeros(len(time_s), np.bool_)
    for number, gti in _distinct(gtis, ccd):
        mine = ccd == number
        if mine.all():
            return inside(gti, time_s)
        good[mine] = inside(gti, time_s[mine])
    return good


def _distinct(gtis: Mapping[int, Gti], ccd: NDArray[np.integer]) -> Iterable[tuple[int, Gti]]:
    lowest = int(ccd.min())
    present = np.flatnonzero(np.bincount(ccd.astype(np.int64) - lowest)) + lowest
    return [(int(number), of_ccd(gtis, int(number))) for number in present]
