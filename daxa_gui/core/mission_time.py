"""Mission seconds to UTC: leap seconds and the time scales that event lists use. Arrays of any shape."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

# First day (MJD, UTC) on which TAI - UTC has this value; IERS Bulletin C. Before 1972 nothing of ours was observed.
_LEAP_SECONDS = np.array(
    [
        (41317, 10), (41499, 11), (41683, 12), (42048, 13), (42413, 14), (42778, 15), (43144, 16), (43509, 17), (43874, 18),
        (44239, 19), (44786, 20), (45151, 21), (45516, 22), (46247, 23), (47161, 24), (47892, 25), (48257, 26), (48804, 27),
        (49169, 28), (49534, 29), (50083, 30), (50630, 31), (51179, 32), (53736, 33), (54832, 34), (56109, 35), (57204, 36),
        (57754, 37),
    ],
    dtype=float,
)  # fmt: skip
_TT_MINUS_TAI_S = 32.184
_DAY_S = 86400.0


def tai_minus_utc_s(mjd_utc: ArrayLike) -> NDArray[np.float64]:
    """TAI - UTC in seconds at MJDs in UTC; 10 s before 1972."""
    index = np.searchsorted(_LEAP_SECONDS[:, 0], np.asarray(mjd_utc, float), side="right") - 1
    return np.asarray(_LEAP_SECONDS[np.clip(index, 0, None), 1])


def mission_time_to_utc_mjd(
    seconds: ArrayLike, mjdref: float, timesys: str = "TT", timezero_s: float = 0.0
) -> NDArray[np.float64]:
    """MJD in UTC of mission seconds counted from `mjdref`, which is in the scale `timesys` too.

    TDB differs from TT by less than 2 ms, which is not corrected. The inside of a leap second cannot be told in MJD.
    """
    offset_s = np.asarray(seconds, float) + timezero_s
    if timesys.upper() == "UTC":
        return np.asarray(mjdref + offset_s / _DAY_S)
    to_tai = 0.0 if timesys.upper() == "TAI" else _TT_MINUS_TAI_S
    # a leap second counts from its UTC day on: the first estimate is at most a minute late, the second one is right
    utc = mjdref + (offset_s - to_tai) / _DAY_S
    leap = tai_minus_utc_s(utc - tai_minus_utc_s(utc) / _DAY_S)
    return np.asarray(mjdref + (offset_s - to_tai - leap) / _DAY_S)
