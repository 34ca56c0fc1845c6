"""Columns of angles and times of a sample as arrays: degrees and MJD (UTC). A cell that cannot be read becomes NaN."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.angles import angle_deg, plain, scan
from daxa_gui.core.errors import InputError
from daxa_gui.core.times import MJD_OF_1970, iso_to_mjd
from daxa_gui.exchange.sample_table import Cells, numbers_or_texts

DEGREES_IN = {
    "deg": 1.0, "arcmin": 1 / 60, "arcsec": 1 / 3600, "mas": 1 / 3.6e6, "rad": float(np.degrees(1.0)), "hourangle": 15.0,
}  # fmt: skip
ANGLES = frozenset(DEGREES_IN) - {"hourangle"}
HOURS = frozenset({"hourangle"})
_SAME_UNITS = {
    "": "", "deg": "deg", "degree": "deg", "degrees": "deg", "degs": "deg", "°": "deg", "arcmin": "arcmin", "arcmins": "arcmin",
    "arcminute": "arcmin", "arcminutes": "arcmin", "amin": "arcmin", "'": "arcmin", "′": "arcmin", "arcsec": "arcsec",
    "arcsecs": "arcsec", "arcsecond": "arcsec", "arcseconds": "arcsec", "asec": "arcsec", '"': "arcsec", "″": "arcsec",
    "mas": "mas", "rad": "rad", "radian": "rad", "radians": "rad", "hourangle": "hourangle", "h": "hourangle", "hr": "hourangle",
    "hour": "hourangle", "hours": "hourangle",
}  # fmt: skip
_SEXAGESIMAL_UNITS = ("h:m:s", "d:m:s", "hms", "dms", "hh:mm:ss", "dd:mm:ss", "sexagesimal")  # « "h:m:s" » is VizieR's
_TIME_UNITS = {
    "d": "day", "day": "day", "days": "day", "mjd": "mjd", "jd": "jd", "yr": "yr", "year": "yr", "years": "yr", "a": "yr",
    "utc": "", "iso": "", "isot": "", "iso8601": "", "iso-8601": "", "": "",
}  # fmt: skip
_SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})[:hd° ] ?(\d{1,2})[:m'′ ] ?(\d{1,2}(?:\.\d{0,12})?)[s\"″]?", re.A)
_SOME_DIGITS = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?:[T ]|$)", re.A)
_JD_OF_MJD_0 = 2400000.5
_MJD_RANGE = (15020.0, 88069.0)  # 1900 to 2100
_YEARS = (1900.0, 2100.0)


def normal_unit(unit: str) -> str:
    """A unit of angle in the usual spelling, empty for sexagesimal texts; « ? » for anything that is not one."""
    text = unit.strip().strip('"').casefold()
    return "" if text in _SEXAGESIMAL_UNITS else _SAME_UNITS.get(text or unit.strip(), "?")


def angles_deg(cells: Cells, unit: str, *, hours: bool) -> NDArray[np.float64]:
    """Degrees, shape (n,): numbers in their unit (degrees without one), sexagesimal texts.

    Parameters
    ----------
    hours : whether sexagesimal texts begin with hours unless they say degrees.

    Raises
    ------
    InputError : the unit is none of an angle.
    """
    known = normal_unit(unit)
    if known == "?":
        raise InputError(f"« {unit[:40]} » is no unit of an angle.", f"Known ones: {', '.join(DEGREES_IN)}.")
    scale = DEGREES_IN[known or "deg"]
    parts = [
        part * scale if part.dtype.kind == "f" else np.array([_angle(text, hours, scale) for text in part.tolist()], float)
        for part in cells.parts
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _angle(text: str, hours: bool, scale: float) -> float:
    match = _SEXAGESIMAL.fullmatch(text)
    if match is None:
        try:
            return float(text) * scale
        except ValueError:
            pass
        try:
            return angle_deg(scan(plain(text)), "angle", text, hours=hours)
        except InputError:
            return np.nan
    degrees, minutes, seconds = int(match[2]), int(match[3]), float(match[4])
    in_hours = text[match.end(2)] == "h" or (hours and text[match.end(2)] not in "d°")
    if minutes >= 60 or seconds >= 60 or (in_hours and degrees >= 24):
        return np.nan
    size = (degrees + minutes / 60 + seconds / 3600) * (15.0 if in_hours else 1.0)
    return -size if match[1] == "-" else size


def looks_like_time(cells: Sequence[str], unit: str) -> bool:
    """Whether the first cells of a column can be read as times without a doubt."""
    if not cells:
        return False
    try:
        times = times_mjd(Cells((numbers_or_texts(cells),)), unit)
    except InputError:
        return False
    return bool(np.isfinite(times).all())


def times_mjd(cells: Cells, unit: str) -> NDArray[np.float64]:
    """MJD (UTC), shape (n,), of ISO texts, MJD, JD or decimal years; NaN for empty cells and for those that are no time.

    The values decide between the three kinds of numbers, and a unit must agree with them.

    Raises
    ------
    InputError : the numbers can be none or several of these (seconds of a mission's clock, days since some day …).
    """
    parts = [part if part.dtype.kind == "f" else _moments(part) for part in cells.parts]
    numbers = [part for part, source in zip(parts, cells.parts, strict=True) if source.dtype.kind == "f"]
    said = _TIME_UNITS.get(unit.strip().casefold(), "?")
    kind = _kind(np.concatenate(numbers), said, unit) if numbers else ""
    convert = {"": lambda v: v, "mjd": lambda v: v, "jd": lambda v: v - _JD_OF_MJD_0, "yr": _of_years}[kind]
    converted = [convert(part) if source.dtype.kind == "f" else part for part, source in zip(parts, cells.parts, strict=True)]
    return np.concatenate(converted) if converted else np.empty(0)


def _kind(numbers: NDArray[np.float64], said: str, unit: str) -> str:
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        return ""
    low, high = float(finite.min()), float(finite.max())
    ranges = {"mjd": _MJD_RANGE, "jd": (_MJD_RANGE[0] + _JD_OF_MJD_0, _MJD_RANGE[1] + _JD_OF_MJD_0), "yr": _YEARS}
    kind = next((name for name, (least, most) in ranges.items() if least <= low and high <= most), "")
    agrees = {"": True, "day": kind in ("mjd", "jd"), "?": False}.get(said, kind == said)
    if kind and agrees:
        return kind
    shown = f"{low:.10g}" if low == high else f"{low:.10g} to {high:.10g}"
    in_unit = f" in « {unit[:40]} »" if unit else ""
    raise InputError(
        f"the numbers{in_unit} ({shown}) cannot be told to be times.",
        "Known ones: ISO texts (2019-11-03T12:30:15), MJD, JD and decimal years, all between 1900 and 2100.",
    )


def _of_years(years: NDArray[np.float64]) -> NDArray[np.float64]:
    """MJD of decimal years: the fraction is that of the calendar year, which has 365 or 366 days."""
    known = np.isfinite(years)
    whole = np.where(known, np.floor(years), 1970).astype(np.int64)
    first = (whole - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)
    length = (whole - 1969).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) - first
    return np.where(known, MJD_OF_1970 + first + (years - whole) * length, np.nan)


def _moments(texts: NDArray[Any]) -> NDArray[np.float64]:
    """MJD of texts; all at once where numpy reads them, otherwise one by one."""
    found = [text.strip().removesuffix("Z").replace("/", "-") for text in texts.tolist()]
    try:
        moments = np.array([text or "NaT" for text in found], dtype="datetime64[us]")
        if all(not text or _SOME_DIGITS.match(text) for text in found):
            days = moments.astype("datetime64[D]")
            inside = (moments - days) / np.timedelta64(86_400_000_000, "us")
            return np.where(np.isnat(moments), np.nan, MJD_OF_1970 + days.astype(np.int64) + inside)
    except ValueError:
        pass
    return np.array([_moment(text) for text in found], float)


def _moment(text: str) -> float:
    try:
        return iso_to_mjd(text) if text else np.nan
    except InputError:
        pass
    for form in ("%Y %b %d", "%d %b %Y", "%Y-%b-%d", "%d-%b-%Y"):  # a month in words leaves no doubt which number is the day
        try:
            return float(MJD_OF_1970 + (datetime.strptime(text, form) - datetime(1970, 1, 1)).days)
        except ValueError:
            continue
    return np.nan
