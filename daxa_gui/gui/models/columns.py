"""The columns of an observation table: heading, text, value to sort by, value to export. No Qt here."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.texts import TextColumn
from daxa_gui.core.times import MJD_OF_1970, SECONDS_PER_DAY
from daxa_gui.gui.texts import UNKNOWN, dec_text, kiloseconds, ra_text, utc_text

SIMULATED = "SIMULATED"


@dataclass(frozen=True)
class Column:
    """`text(catalogue, row, style)` is what a cell shows; `values(catalogue)`, shape (n,), is what it is sorted by.

    `exported(values of the rows)` gives the columns that it becomes in files, typed and in full precision, by their names;
    `unit` is that of the numbers among them.
    """

    name: str
    heading: str
    tip: str
    text: Callable[[Catalogue, int, str], str]
    values: Callable[[Catalogue], NDArray[Any] | TextColumn]
    exported: Callable[[NDArray[Any]], Mapping[str, NDArray[Any]]]
    number: bool = False
    shown: bool = True
    unit: str = ""


def plain(value: Any) -> str:
    """A value in words: numbers to six digits, yes and no, unknown ones as a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else UNKNOWN
    return str(value) if value != "" else UNKNOWN


def utc_texts(mjd: NDArray[np.float64]) -> NDArray[np.str_]:
    """ISO 8601 texts to the second, shape (n,), such as « 2019-11-03T12:30:15Z »; empty where a time is not known."""
    known = np.isfinite(mjd)
    seconds = np.rint((np.where(known, mjd, MJD_OF_1970) - MJD_OF_1970) * SECONDS_PER_DAY).astype(np.int64)
    texts = np.datetime_as_string(seconds.astype("datetime64[s]"))
    return np.where(known, np.char.add(texts, "Z"), "")


def _times(name: str) -> Callable[[NDArray[Any]], Mapping[str, NDArray[Any]]]:
    """A time is written twice: as a number to count with and as a text to read."""
    return lambda mjd: {f"{name}_mjd": mjd, f"{name}_utc": utc_texts(mjd)}


def _release(mjd: NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    """As catalogues are written: files have no infinite dates, a column of its own tells where one is not known."""
    unknown = np.isposinf(mjd)
    return {**_times("public")(np.where(unknown, np.nan, mjd)), "public_date_unknown": unknown}


def _column(
    name: str, heading: str, tip: str, attribute: str, text: Callable[[Any, str], str], *, number: bool = False,
    shown: bool = True, unit: str = "", exported: Callable[[NDArray[Any]], Mapping[str, NDArray[Any]]] | None = None,
) -> Column:  # fmt: skip
    def cell(catalogue: Catalogue, row: int, style: str) -> str:
        return text(getattr(catalogue, attribute)[row].item(), style)

    return Column(
        name,
        heading,
        tip,
        cell,
        lambda c: getattr(c, attribute),
        exported or (lambda values: {name: values}),
        number,
        shown,
        unit,
    )


def _known(value: str, _style: str) -> str:
    return value or UNKNOWN


def public_text(mjd: float) -> str:
    """When data become public; NaN means that no restriction is known, infinity one without a date."""
    if math.isnan(mjd):
        return "no restriction known"
    return "not public, date unknown" if math.isinf(mjd) else utc_text(mjd)


COMMON_COLUMNS: tuple[Column, ...] = (
    _column("obs_id", "ObsID", "The archive's number of the observation", "obs_id", _known),
    _column("target", "Target", "What was pointed at, in the archive's words", "target", _known),
    _column("ra_deg", "RA (ICRS)", "Right ascension of the pointing, ICRS", "ra_deg", ra_text, number=True, unit="deg"),
    _column("dec_deg", "Dec (ICRS)", "Declination of the pointing, ICRS", "dec_deg", dec_text, number=True, unit="deg"),
    _column("start", "Start (UTC)", "When the observation began, UTC", "start_mjd", lambda v, _: utc_text(v), unit="d",
            exported=_times("start")),
    _column("end", "End (UTC)", "When the observation ended, UTC", "end_mjd", lambda v, _: utc_text(v), shown=False, unit="d",
            exported=_times("end")),
    _column("exposure_s", "Exposure (ks)", "Exposure, or the duration where no exposure is given, in kiloseconds", "exposure_s",
            lambda v, _: kiloseconds(v), number=True, unit="s"),
    _column("instruments", "Instruments", "Instruments with data", "instruments", _known),
    _column("target_type", "Type", "Common target type", "target_type", _known),
    _column("category", "Category", "The kind of target in the mission's own words", "category", _known, shown=False),
    _column("public", "Public from (UTC)", "When the data became or become public, UTC", "public_mjd",
            lambda v, _: public_text(v), unit="d", exported=_release),
    _column("unusable_reason", "Fit for science", "« yes », or why not", "unusable_reason", lambda v, _: v or "yes"),
    _column("simulated", "Simulated", "Observations of the practice sky are simulated", "simulated",
            lambda v, _: SIMULATED if v else "no", shown=False),
)  # fmt: skip


def _extra_column(name: str, heading: str, number: bool) -> Column:
    return Column(
        name,
        heading,
        f"{heading}: a column of this mission's own table",
        lambda c, row, _style: plain(c.extra[name][row].item()),
        lambda c: c.extra[name],
        lambda values: {name: values},
        number,
        shown=False,
    )


def columns_of(spec: MissionSpec, catalogue: Catalogue) -> tuple[Column, ...]:
    """The common columns, then the mission's own (hidden at first); common ones without any content are hidden too."""
    extra = (
        _extra_column(name, spec.column_labels.get(name, name.replace("_", " ").capitalize()), values.dtype.kind in "iuf")
        for name, values in catalogue.extra.items()
    )
    return (*COMMON_COLUMNS, *extra)


def row_order(values: NDArray[Any] | TextColumn, descending: bool) -> NDArray[np.int64]:
    """Row numbers, shape (n,), sorted by value; equal ones in their order, unknown ones last whichever way the others go.

    Takes half a second for some hundred thousand texts, so it belongs on a pool thread then.
    """
    if isinstance(values, TextColumn):
        keys, missing = values.ranks(), values == ""
    elif values.dtype.kind == "U":
        keys, missing = np.unique(values, return_inverse=True)[1].astype(np.int64), values == ""
    elif values.dtype.kind == "f":
        return np.argsort(-values if descending else values, kind="stable").astype(np.int64)  # NaN stands last in any case
    else:
        keys, missing = values.astype(np.int64), np.zeros(len(values), bool)
    keys = np.where(missing, keys.max(initial=0) + 1, -keys if descending else keys)
    return np.argsort(keys, kind="stable").astype(np.int64)


@functools.cache
def target_type_name(code: str) -> str:
    """« Galaxy clusters (GCL) »."""
    return f"{TARGET_TYPES[code]} ({code})" if code in TARGET_TYPES else code


def is_empty(column: Column, catalogue: Catalogue) -> bool:
    """Whether no row has anything to show in a column."""
    values = column.values(catalogue)
    if isinstance(values, TextColumn):
        return not bool(np.any(values.values != ""))
    if values.dtype.kind == "f":
        return bool(np.isnan(values).all())
    if values.dtype.kind == "b":
        return not bool(values.any())
    return not bool(np.any(values != "")) if values.dtype.kind == "U" else False
