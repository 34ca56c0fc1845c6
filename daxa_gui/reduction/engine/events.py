"""Which events of a list count: energy band, pattern, flags, good time. Masks have shape (n,)."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import inside, inside_own
from daxa_gui.core.timeseries import Gti

# What was computed for a list lives as long as the list: dragging a limit must not test a million events against the good time
# again. Two threads may compute the same thing at once; they get the same result.
_remembered: weakref.WeakKeyDictionary[EventList, dict[str, Any]] = weakref.WeakKeyDictionary()


def memory_of(events: EventList) -> dict[str, Any]:
    """Results that depend on this list only; forgotten together with it."""
    return _remembered.setdefault(events, {})


def band_mask(events: EventList, band_kev: tuple[float, float]) -> NDArray[np.bool_]:
    """Events of a band, both ends included as in « PI in [500:2000] ».

    Energies are single precision numbers, so a few units in the last place are allowed at the ends; that is far less than the
    width of a channel. Events without energy belong to no band; for instruments that measure none a band means all events.
    """
    low, high = band_kev
    if not high > low:
        raise ReductionError(f"The band {low:g} to {high:g} keV is empty.", "Give the lower energy first.")
    if events.energy_kev is None and not events.format.energy_column:
        return np.ones(len(events), np.bool_)
    if events.energy_kev is None:
        raise ReductionError(
            f"{events.path} has no energies, so no band can be chosen.", "Use all events, or a list with calibrated energies."
        )
    margin = 4 * np.spacing(np.float32(max(abs(low), abs(high), 0.01)))
    energy = events.energy_kev
    return np.asarray((energy >= np.float32(low) - margin) & (energy <= np.float32(high) + margin))


def quality_mask(events: EventList, *, zero_flag: bool = False) -> NDArray[np.bool_]:
    """Events whose pattern and flags the mission's format calls good.

    Parameters
    ----------
    zero_flag : demand FLAG equal to zero instead of the format's mask (stricter: drops events near borders and bad pixels).
    """
    form, good = events.format, np.ones(len(events), np.bool_)
    if events.pattern is not None:
        if form.good_patterns:
            good &= np.isin(events.pattern, form.good_patterns)
        elif form.max_pattern is not None:
            good &= (events.pattern >= 0) & (events.pattern <= form.max_pattern)
    if events.flag is not None:
        if zero_flag or form.flag_mask is None:
            good &= events.flag == 0
        elif form.flag_mask:
            good &= (events.flag & np.int64(form.flag_mask)) == 0
    return good


def time_mask(events: EventList, gti: Gti | None = None) -> NDArray[np.bool_]:
    """Events in the good time of their own CCD and, if given, in `gti` as well."""
    memory = memory_of(events)
    good = memory.get("time")
    if good is None:
        good = memory["time"] = inside_own(events.gti, events.time_s, events.ccd)
    return good if gti is None else good & inside(gti, events.time_s)


def good_mask(events: EventList) -> NDArray[np.bool_]:
    """Events of good pattern and flags in good time; remembered."""
    memory = memory_of(events)
    good = memory.get("good")
    if good is None:
        good = memory["good"] = quality_mask(events) & time_mask(events)
    return good


def select(
    events: EventList, band_kev: tuple[float, float] | None = None, gti: Gti | None = None, *, selected: bool = True
) -> NDArray[np.bool_]:  # fmt: skip
    """Mask of the events of a band (None: all energies) in `gti`; with `selected` only good ones (`good_mask`)."""
    mask = good_mask(events).copy() if selected else np.ones(len(events), np.bool_)
    if band_kev is not None:
        mask &= band_mask(events, band_kev)
    if gti is not None:
        mask &= inside(gti, events.time_s)
    return mask
