"""What an event list is, as plain JSON values: the facts that a person, the command line and the archive want to see."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import inside_own, union
from daxa_gui.core.mission_time import mission_time_to_utc_mjd
from daxa_gui.core.times import mjd_to_iso


def utc_text(events: EventList, time_s: float) -> str | None:
    """`2006-05-27T09:58:06Z` of a mission time of this list; None for times that are no date."""
    mjd = float(mission_time_to_utc_mjd(time_s, events.mjdref, events.timesys, events.timezero_s))
    return mjd_to_iso(mjd) if math.isfinite(mjd) and 0 < mjd < 1_000_000 else None


def summarise(events: EventList) -> dict[str, Any]:
    """The facts of an event list. Keys end in their unit; what is not known is None.

    `good_time` has one entry per CCD (`ccd` None: all CCDs together) with its seconds and number of intervals as they stand in
    the file; `total_good_time_s` is the time in which at least one CCD was good.
    """
    common = union(*events.gti.values())
    has_time = common.total_s > 0
    first = float(common.start_s[0]) if has_time else _extreme(events.time_s, np.fmin)
    last = float(common.stop_s.max()) if has_time else _extreme(events.time_s, np.fmax)
    outside = len(events) - int(np.count_nonzero(inside_own(events.gti, events.time_s, events.ccd)))
    energy = events.energy_kev
    return {
        "path": events.path,
        "mission": events.mission,
        "instrument": events.instrument,
        "obs_id": events.obs_id,
        "exposure": events.exposure,
        "target": events.target,
        "filter": events.filter,
        "mode": events.mode,
        "format": events.format.name,
        "simulated": events.simulated,
        "rows": len(events),
        "energy_min_kev": None if energy is None else _extreme(energy, np.fmin),
        "energy_max_kev": None if energy is None else _extreme(energy, np.fmax),
        "events_without_energy": len(events) if energy is None else int(np.count_nonzero(np.isnan(energy))),
        "events_with_negative_energy": 0 if energy is None else int(np.count_nonzero(energy < 0)),
        "good_time": [
            {"ccd": None if ccd == -1 else ccd, "seconds": gti.total_s, "intervals": len(gti)}
            for ccd, gti in sorted(events.gti.items())
        ],
        "total_good_time_s": common.total_s,
        "ontime_s": events.ontime_s,
        "livetime_s": events.livetime_s,
        "exposure_s": events.exposure_s,
        "events_outside_good_time": outside,
        "start_s": first,
        "stop_s": last,
        "start_utc": None if first is None else utc_text(events, first),
        "stop_utc": None if last is None else utc_text(events, last),
        "has_sky_coordinates": events.x is not None and events.wcs is not None,
        "warnings": list(events.warnings),
    }


def _extreme(values: np.ndarray, which: np.ufunc) -> float | None:
    """Smallest or largest value that is a number, None if there is none. The shortest decimal form of single precision."""
    if not len(values):
        return None
    extreme = which.reduce(values)
    return float(str(extreme)) if np.isfinite(extreme) else None
