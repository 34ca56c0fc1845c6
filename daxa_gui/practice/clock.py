"""Times of the practice sky: UTC dates to the seconds that each mission counts. Enough for 1990 onwards, without astropy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

# First MJD (UTC) on which TAI - UTC has the value (IERS Bulletin C); TT = TAI + 32.184 s.
_TAI_MINUS_UTC_S = (
    (47892, 25), (48257, 26), (48804, 27), (49169, 28), (49534, 29), (50083, 30), (50630, 31), (51179, 32), (53736, 33),
    (54832, 34), (56109, 35), (57204, 36), (57754, 37),
)  # fmt: skip
_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)


def utc_mjd(iso_text: str) -> float:
    """MJD (UTC) of an ISO 8601 text such as `2011-05-03T06:12:00Z`."""
    moment = datetime.fromisoformat(iso_text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _MJD_EPOCH) / timedelta(days=1)


def iso_utc(mjd: float, suffix: str = "Z") -> str:
    """ISO 8601 text, to the second, of an MJD (UTC)."""
    moment = _MJD_EPOCH + timedelta(seconds=round(mjd * 86400.0))
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + suffix


def tt_minus_utc_s(mjd: float) -> float:
    """TT - UTC in seconds at an MJD (UTC) after 1990."""
    leap = _TAI_MINUS_UTC_S[0][1]
    for first_day, value in _TAI_MINUS_UTC_S:
        if mjd >= first_day:
            leap = value
    return leap + 32.184


def mission_seconds(mjd: float, mjdref: float, timesys: str = "TT") -> float:
    """Seconds since `mjdref` (in the scale `timesys`, TT or UTC) of an MJD (UTC), to about a microsecond."""
    seconds = (mjd - mjdref) * 86400.0
    return seconds + (tt_minus_utc_s(mjd) if timesys == "TT" else 0.0)
