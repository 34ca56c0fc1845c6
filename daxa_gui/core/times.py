"""Times as Modified Julian Dates (MJD, days, UTC) and as ISO 8601 text.

A leap second has no MJD of its own: 23:59:60 is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import InputError

MJD_OF_1970 = 40587  # MJD of 1970-01-01, where numpy's and POSIX's clocks start
SECONDS_PER_DAY = 86400.0

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})(?:[T ](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(?:Z|\+00:?00)?)?",
    re.ASCII,
)
_STORED = r"(?:\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?Z)?"


def iso_to_mjd(text: str) -> float:
    """MJD of « 2019-11-03 » (its midnight), « 2019-11-03T12:30 », « 2019-11-03 12:30:15.5 », with or without a Z.

    Raises
    ------
    InputError : the text is no such time, or the day does not exist.
    """
    match = _ISO.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(f"{match['date']}T{match['time'] or '00:00'}")
    except ValueError:
        raise InputError(
            f"« {text.strip()} » is not a time.", "Write UTC as 2019-11-03, 2019-11-03T12:30 or 2019-11-03T12:30:15."
        ) from None
    since = moment - datetime(1970, 1, 1)
    return MJD_OF_1970 + since.days + (since.seconds + since.microseconds / 1e6) / SECONDS_PER_DAY


def isos_to_mjd(texts: Sequence[str]) -> NDArray[np.float64]:
    """MJDs, shape (n,), of texts like « 2019-11-03T12:30:15Z »; NaN for empty ones. Fast for long columns.

    Raises
    ------
    InputError : a text is no such time; the message quotes the first one.
    """
    joined = "\n".join((*texts, ""))  # one search for all is fast
    if joined.count("\n") != len(texts) or not re.fullmatch(rf"(?:{_STORED}\n)*", joined, re.ASCII):
        wrong = next(text for text in texts if not re.fullmatch(_STORED, text, re.ASCII))
        raise InputError(f"« {wrong} » is not a UTC time like 2019-11-03T12:30:15Z.")
    try:
        moments = np.array([text[:-1] if text else "NaT" for text in texts], dtype="datetime64[us]")
    except ValueError as error:
        raise InputError(f"A time does not exist ({error}).") from None
    days = moments.astype("datetime64[D]")
    inside_s = (moments - days) / np.timedelta64(1, "s")
    return np.where(np.isnat(moments), np.nan, MJD_OF_1970 + days.astype(np.int64) + inside_s / SECONDS_PER_DAY)


def mjd_to_datetime(mjd: float) -> datetime:
    """The moment in UTC, to the microsecond that a float of this size can tell (about one)."""
    day = int(mjd // 1)
    inside = timedelta(microseconds=round((mjd - day) * SECONDS_PER_DAY * 1e6))
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day - MJD_OF_1970) + inside


def mjd_to_iso(mjd: float, decimals: int = 0) -> str:
    """« 2019-11-03T12:30:15Z », rounded to `decimals` (0 to 6) of a second."""
    moment = mjd_to_datetime(mjd)
    ticks = round(moment.microsecond / 10 ** (6 - decimals))
    moment = moment.replace(microsecond=0) + timedelta(seconds=ticks // 10**decimals)
    fraction = f".{ticks % 10**decimals:0{decimals}d}" if decimals else ""
    return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"


def mjd_to_text(mjd: float) -> str:
    """For people: « 2019-11-03 » at midnight, otherwise « 2019-11-03 12:30:15 » (UTC)."""
    text = mjd_to_iso(mjd).removesuffix("Z")
    day, _, clock = text.partition("T")
    return day if clock == "00:00:00" else f"{day} {clock}"


def calendar_day(mjd: float) -> date:
    """The day in UTC."""
    return mjd_to_datetime(mjd).date()
