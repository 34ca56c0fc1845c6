"""What an event list is, as plain JSON values: the facts that a person, the command line and the archive want to see."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from daxa_gui.core.eventlist import EventList
from daxa_gui.core.intervals import inside_own, union

SECONDS_PER_DAY = 86400.0
TT_MINUS_TAI_S = 32.184
# TAI - UTC in seconds from that day (MJD, UTC) on. Source: IERS Bulletin C; no leap second has been announced after 2017-01-01.
LEAP_SECONDS = (
    (41317, 10), (41499, 11), (41683, 12), (42048, 13), (42413, 14), (42778, 15), (43144, 16), (43509, 17), (43874, 18),
    (44239, 19), (44786, 20), (45151, 21), (45516, 22), (46247, 23), (47161, 24), (47892, 25), (48257, 26), (48804, 27),
    (49169, 28), (49534, 29), (50083, 30), (50630, 31), (51179, 32), (53736, 33), (54832, 34), (56109, 35), (57204, 36),
    (57754, 37),
)  # fmt: skip


def utc_mjd(events: EventList, time_s: float) -> float:
    """MJD (UTC) of a mission time of this list: MJDREF days + (time + TIMEZERO) seconds in the scale TIMESYS.

    TDB is taken as TT (they differ by less than 2 ms). Inside a leap second the result is off by up to a second.
    """
    mjd = events.mjdref + (time_s + events.timezero_s) / SECONDS_PER_DAY
    scale = events.timesys.upper()
    if scale == "UTC":
        return mjd
    tai = mjd - (TT_MINUS_TAI_S if scale in ("TT", "TDB", "TDT", "TCB", "TCG") else 0.0) / SECONDS_PER_DAY
    offset = 0
    for day, seconds in LEAP_SECONDS:
        if tai - seconds / SECONDS_PER_DAY >= day:
            offset = seconds
    return tai - offset / SECONDS_PER_DAY


def utc_text(events: EventList, time_s: float) -> str:
    """`2006-05-27T09:58:06` of a mission time, empty for times that are no date."""
    mjd = utc_mjd(events, time_s)
    if not math.isfinite(mjd) or not -100_000 < mjd < 1_000_000:
        return ""
    moment = datetime(1858, 11, 17) + timedelta(days=mjd)
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0).isoformat()


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
