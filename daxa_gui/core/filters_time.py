"""The filter by time, and when a time window counts as met where a time is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_base import Filter, Members
from daxa_gui.core.filter_words import day_words

__all__ = ["TimeRange", "window_certain", "window_met"]

Moments = NDArray[np.float64] | float


def window_met(
    start: NDArray[np.float64], end: NDArray[np.float64], first: Moments, last: Moments, entirely_inside: bool
) -> NDArray[np.bool_]:
    """Whether observations from `start` to `end` (MJD; NaN: not known) overlap the windows `first` to `last` (both ends included;
    infinite or NaN: open on that side), or lie entirely inside. Shapes broadcast.

    What is not known excludes nothing; an observation of which neither time is known meets no window.
    """
    # Comparisons with NaN are false: what is not known excludes nothing.
    excluded = (start > last) | (end < first)
    if entirely_inside:
        excluded |= (start < first) | (end > last)
    result: NDArray[np.bool_] = ~excluded & ~(np.isnan(start) & np.isnan(end))
    return result


def window_certain(
    start: NDArray[np.float64], end: NDArray[np.float64], first: Moments, last: Moments, entirely_inside: bool
) -> NDArray[np.bool_]:
    """Whether a window is met whatever a missing time may be: the rest of what `window_met` says is « possible »."""
    low = np.where(np.isnan(first), -np.inf, first)
    high = np.where(np.isnan(last), np.inf, last)
    # a missing start may be any moment up to the end, and a missing end any moment from the start
    earliest = np.where(np.isnan(start), -np.inf, start)
    latest = np.where(np.isnan(end), np.inf, end)
    if entirely_inside:
        sure = (earliest >= low) & (latest <= high)
    else:
        moment_known = ((start >= low) & (start <= high)) | ((end >= low) & (end <= high))
        sure = moment_known | ((start <= high) & (end >= low))
    result: NDArray[np.bool_] = sure & window_met(start, end, first, last, entirely_inside)
    return result


@dataclass(frozen=True)
class TimeRange(Filter):
    """Observations that overlap a time window (MJD, UTC; both ends included), or lie entirely inside it.

    Either limit may be infinite. An observation whose start or end alone is known matches unless what is known excludes it; one
    of which neither is known does not match. `certain` tells those apart that match whatever the missing time may be.
    """

    start_mjd: float
    end_mjd: float
    entirely_inside: bool = False
    kind: ClassVar[str] = "time_range"

    def __post_init__(self) -> None:
        if math.isnan(self.start_mjd) or math.isnan(self.end_mjd):
            raise InputError("A limit of the time window is not a time.")
        if self.start_mjd == math.inf or self.end_mjd == -math.inf:
            raise InputError("The time window lies at the end of all times.")
        if self.start_mjd > self.end_mjd:
            raise InputError(f"The time window ends ({day_words(self.end_mjd)}) before it starts ({day_words(self.start_mjd)}).")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return window_met(catalogue.start_mjd, catalogue.end_mjd, self.start_mjd, self.end_mjd, self.entirely_inside)

    def certain(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        """Those of `mask` that match whatever a missing time may be, shape (n,); the others are « possible »."""
        return window_certain(catalogue.start_mjd, catalogue.end_mjd, self.start_mjd, self.end_mjd, self.entirely_inside)

    def sentence(self) -> str:
        verb = "lies entirely" if self.entirely_inside else "overlaps"
        if math.isinf(self.start_mjd) and math.isinf(self.end_mjd):
            return "at any known time"
        if math.isinf(self.end_mjd):
            return f"{'starts' if self.entirely_inside else 'ends'} at or after {day_words(self.start_mjd)}"
        if math.isinf(self.start_mjd):
            return f"{'ends' if self.entirely_inside else 'starts'} at or before {day_words(self.end_mjd)}"
        if self.entirely_inside:
            return f"{verb} between {day_words(self.start_mjd)} and {day_words(self.end_mjd)}"
        return f"{verb} {day_words(self.start_mjd)} to {day_words(self.end_mjd)}"

    def members(self) -> dict[str, Any]:
        limits = {"start_mjd": self.start_mjd, "end_mjd": self.end_mjd}
        return {
            **{name: value if math.isfinite(value) else None for name, value in limits.items()},
            "entirely_inside": self.entirely_inside,
        }

    @classmethod
    def from_members(cls, members: Members) -> TimeRange:
        start, end = members.number_or_none("start_mjd"), members.number_or_none("end_mjd")
        return cls(-math.inf if start is None else start, math.inf if end is None else end, members.truth("entirely_inside"))
