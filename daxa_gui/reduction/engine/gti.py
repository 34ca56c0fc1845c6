"""Good time of an event list: totals per CCD, common and any-CCD time, and intervals from light-curve bins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import (
    EMPTY,
    good_time_before,
    inside,
    inside_own,
    intersect,
    make_gti,
    of_ccd,
    shifted,
    subtract,
    union,
)
from daxa_gui.core.timeseries import Gti

__all__ = [
    "EMPTY", "any_ccd", "ccd_weights", "from_bins", "good_time_before", "inside", "inside_own", "intersect", "make_gti", "of_ccd",
    "ontime_per_ccd", "shifted", "subtract", "union",
]  # fmt: skip


def any_ccd(events: EventList) -> Gti:
    """Time in which at least one CCD was good."""
    return union(*events.gti.values())


def ontime_per_ccd(events: EventList, gti: Gti | None = None) -> dict[int, float]:
    """Seconds of good time of each CCD (key -1: all), all of it or only what lies in `gti` too."""
    return {ccd: (own if gti is None else intersect(own, gti)).total_s for ccd, own in sorted(events.gti.items())}


def ccd_weights(events: EventList, mask: NDArray[np.bool_]) -> dict[int, float]:
    """Which share of the rate of the masked events each CCD's good time stands for; the shares sum to 1.

    CCDs count by their own rate, so that a CCD which was off for a while, or off the axis, changes the live time of the whole
    field by what it usually contributes. Without events, or without CCD numbers, all count alike.
    """
    totals = {ccd: own.total_s for ccd, own in events.gti.items() if own.total_s > 0}
    if not totals:
        return {}
    rates = dict.fromkeys(totals, 1.0)
    if events.ccd is not None and len(totals) > 1 and mask.any():
        numbers = events.ccd[mask].astype(np.int64)
        counts = np.bincount(np.maximum(numbers, 0))
        rates = {ccd: (counts[ccd] if 0 <= ccd < len(counts) else 0) / total for ccd, total in totals.items()}
    total_rate = sum(rates.values())
    if total_rate <= 0:
        return {ccd: 1.0 / len(totals) for ccd in totals}
    return {ccd: rate / total_rate for ccd, rate in rates.items()}


def from_bins(start_s: NDArray[np.float64], bin_s: float, accepted: NDArray[np.bool_]) -> Gti:
    """Intervals covered by the accepted bins, neighbouring ones joined. Arrays have shape (n,)."""
    edges = np.append(start_s, start_s[-1] + bin_s) if len(start_s) else np.zeros(1)
    padded = np.concatenate([[False], accepted, [False]])
    change = np.flatnonzero(padded[1:] != padded[:-1])
    return make_gti(edges[change[0::2]], edges[change[1::2]])
