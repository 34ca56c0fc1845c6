"""What the functions share that turn the table of an archive service into the columns of a catalogue.

All work on whole columns; texts are handled once per distinct value. Nothing is invented: what an archive does not state, or
states by a number that means « none » (0, 2099-12-31, 2999-01-01), is unknown. No row is dropped: `Marks` says why not to use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import InputError
from daxa_gui.core.frames import to_icrs
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.targets import UNCLASSIFIED, category_types, normal_category
from daxa_gui.core.times import iso_to_mjd

Column = NDArray[Any]
Numbers = NDArray[np.float64]
Texts = NDArray[np.str_]
Mask = NDArray[np.bool_]

FIRST_DAY_MJD = 40587.0  # 1970-01-01: before any of these missions
LAST_DAY_MJD = 88068.0  # 2099-12-31: HEASARC's « no date »; 416422 (2999-01-01) is another one
MOST_STATUSES = 40  # that are told apart
ARCHIVED = ("archived", "processed")  # status of observations whose data are in the archive
NO_COORDINATES = "no coordinates"
NO_EXPOSURE = "no exposure"
NOT_OBSERVED = "not observed yet"
NOT_SCIENCE = "not a science observation"
SLEW = "slew"
NOT_HERE = "not at HEASARC"


# ------------------------------------------------------------------------------------------------------- plain columns


def by_value(column: Column, function: Callable[[Any], Any], dtype: Any) -> Column:
    """`function` of each value, shape (n,), called once per distinct value."""
    codes: dict[Any, int] = {}
    code = np.fromiter((codes.setdefault(value, len(codes)) for value in column.tolist()), np.intp, len(column))
    values = np.array([function(value) for value in codes], dtype)
    return values[code] if len(values) else np.empty(0, dtype)


def texts(column: Column) -> Texts:
    """A column as texts without blanks around them; whole numbers without a decimal point, unknown ones empty."""
    return by_value(column, _text, np.str_)


def _text(value: Any) -> str:
    if isinstance(value, float):
        if not np.isfinite(value):
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return " ".join(str(value).split())


def numbers(column: Column) -> Numbers:
    """A column as float64. Texts are read (« 51544.5 »); what is no number is NaN."""
    if column.dtype.kind in "fiub":
        values = column.astype(np.float64)
        return np.where(np.isfinite(values), values, np.nan)
    return by_value(column, _number, np.float64)


def _number(value: Any) -> float:
    try:
        found = float(str(value).strip())
    except ValueError:
        return np.nan
    return found if np.isfinite(found) else np.nan


def kept(column: Column) -> Column:
    """A column of numbers: integers as they are, everything else as `numbers`."""
    return column if column.dtype.kind == "i" else numbers(column)


def is_true(column: Column) -> Mask:
    """Booleans, and what services write for them (1, « true », « Y »); unknown is false."""
    if column.dtype.kind == "b":
        return column.astype(bool)
    return by_value(column, lambda value: _text(value).casefold() in ("true", "t", "y", "yes", "1"), np.bool_)


def obs_ids(column: Column, digits: int = 0) -> Texts:
    """ObsIDs as texts. Those that a service sends as numbers get their leading zeros back: `digits` in all."""
    if column.dtype.kind == "U" and (not len(column) or bool(np.all(np.char.str_len(column) == digits))):
        return column
    found = by_value(column, _text, np.str_)
    return by_value(found, lambda text: text.zfill(digits) if text.isdigit() else text, np.str_) if digits else found


# --------------------------------------------------------------------------------------------------------------- times


def mjd(column: Column) -> Numbers:
    """Times as MJD. Numbers (also as texts) are MJDs, other texts UTC as XSA writes it (« 2001-03-04 05:06:07.0 »).

    0 and the far future stand for « none »: such times are NaN.
    """
    values = numbers(column)
    if column.dtype.kind == "U":
        values = np.where(np.isnan(values), by_value(column, _mjd_of_text, np.float64), values)
    with np.errstate(invalid="ignore"):
        return np.where((values >= FIRST_DAY_MJD) & (values < LAST_DAY_MJD), values, np.nan)


def _mjd_of_text(value: str) -> float:
    try:
        return iso_to_mjd(value)
    except InputError:
        return np.nan


def starts(column: Column, marks: Marks) -> Numbers:
    """Start times; a time of 0 is how HEASARC says that a target was approved and not observed yet."""
    marks.add(numbers(column) == 0, NOT_OBSERVED)
    return mjd(column)


def ends(start: Numbers, end: Numbers) -> Numbers:
    """End times; NaN where they lie before the start or, made of a duration that cannot be true, in the far future."""
    return np.where((end < start) | (end >= LAST_DAY_MJD), np.nan, end)


def public(column: Column) -> Numbers:
    """Release dates; +inf where an observation of a mission with proprietary data has none, or one in the far future."""
    found = mjd(column)
    return np.where(np.isnan(found), np.inf, found)


# ------------------------------------------------------------------------------------------------- instruments and types


def exposures(*columns: Column) -> list[Numbers]:
    """Exposures in seconds; negative ones (planned observations) are unknown."""
    values = [numbers(column) for column in columns]
    return [np.where(value < 0, np.nan, value) for value in values]


def longest(values: Sequence[Numbers]) -> Numbers:
    """The longest exposure of simultaneous instruments; NaN where none is known."""
    found = values[0]
    for value in values[1:]:
        found = np.fmax(found, value)
    return found


def first_positive(first: Numbers, other: Numbers) -> Numbers:
    """`first`, or where it is zero or unknown `other`."""
    return np.where(first > 0, first, other)


def none_positive(values: Sequence[Numbers]) -> Mask:
    """Rows with an exposure of zero in at least one instrument and more in none."""
    return np.any([value == 0 for value in values], axis=0) & ~np.any([value > 0 for value in values], axis=0)


def active(exposure_of: Mapping[str, Numbers]) -> Texts:
    """The instruments with data, separated by blanks, from the exposure of each."""
    names = tuple(exposure_of)
    bits = np.zeros(len(next(iter(exposure_of.values()))), np.intp)
    for place, name in enumerate(names):
        bits |= (exposure_of[name] > 0).astype(np.intp) << place
    combinations = [" ".join(n for place, n in enumerate(names) if bit >> place & 1) for bit in range(1 << len(names))]
    return np.array(combinations)[bits]


def named(column: Column, spec: MissionSpec) -> Texts:
    """The instrument that each text names, by its own name; empty for others."""

    def name(text: str) -> str:
        try:
            return spec.instrument(text).name
        except InputError:
            return ""

    return by_value(texts(column), name, np.str_)


def types(category: Texts, mapping: Mapping[str, str]) -> Texts:
    """Common target types of a mission's categories; « MISC » for any that is not known."""
    known = category_types(mapping)
    return by_value(category, lambda text: known.get(normal_category(text), UNCLASSIFIED), np.str_)


def with_meaning(code: Texts, meanings: Mapping[str, str]) -> Texts:
    """« 7 active galaxies » for the code « 7 »; codes without a known meaning stay as they are."""
    return by_value(code, lambda text: f"{text} {meanings[text]}" if text in meanings else text, np.str_)


# ----------------------------------------------------------------------------------------------------------- positions


def positions(ra: Column, dec: Column, frame: str, marks: Marks) -> tuple[Numbers, Numbers]:
    """ICRS degrees of positions in a frame of `core.frames`.

    NaN and marked where there is none: unknown, impossible, or both exactly 0 (XMM-Newton's and NuSTAR's way to say « none »,
    NuSTAR's for the Sun). The turn from FK5 to ICRS moves positions by at most 0.032″.
    """
    lon, lat = numbers(ra), numbers(dec)
    with np.errstate(invalid="ignore"):
        good = (lon >= 0) & (lon <= 360) & (np.abs(lat) <= 90) & ~((lon == 0) & (lat == 0))
    marks.add(~good, NO_COORDINATES)
    return to_icrs(np.where(good, lon % 360.0, np.nan), np.where(good, lat, np.nan), frame)


# --------------------------------------------------------------------------------------------------------------- marks


class Marks:
    """What is wrong with the rows of a table; several reasons of a row are joined by « ; »."""

    def __init__(self, n_rows: int) -> None:
        self._bits = np.zeros(n_rows, np.int64)
        self._reasons: list[str] = []

    def add(self, rows: Mask, reason: str) -> None:
        if not rows.any():
            return
        if reason not in self._reasons:
            self._reasons.append(reason)
        self._bits |= rows.astype(np.int64) << self._reasons.index(reason)

    def has(self, reason: str) -> Mask:
        if reason not in self._reasons:
            return np.zeros(len(self._bits), bool)
        return (self._bits >> self._reasons.index(reason) & 1).astype(bool)

    def unless_archived(self, status: Texts) -> None:
        """Mark what was observed but is not in the archive, with the status that it has instead."""
        waiting = by_value(status, lambda text: text.casefold() not in ARCHIVED, np.bool_) & ~self.has(NOT_OBSERVED)
        for text in np.unique(status[waiting]).tolist()[:MOST_STATUSES]:
            self.add(waiting & (status == text), f"not archived yet (status {text[:40] or 'unknown'})")
            waiting = waiting & (status != text)
        self.add(waiting, "not archived yet")  # so many kinds of status are a column of something else

    def reasons(self) -> Texts:
        """Shape (n,); empty for rows without a mark."""
        return by_value(self._bits, self._joined, np.str_)

    def _joined(self, bits: int) -> str:
        return " ; ".join(reason for place, reason in enumerate(self._reasons) if bits >> place & 1)


def constant(n_rows: int, text: str) -> Texts:
    return np.full(n_rows, text)


def unrestricted(n_rows: int) -> Numbers:
    """Release dates of a mission without proprietary data."""
    return np.full(n_rows, np.nan)
