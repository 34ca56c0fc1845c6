"""The columns of an observation table: heading, text, value to sort by, value to export. No Qt here."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.times import mjd_to_iso
from daxa_gui.gui.texts import UNKNOWN, dec_text, kiloseconds, ra_text, utc_text

SIMULATED = "SIMULATED"


@dataclass(frozen=True)
class Column:
    """`text(catalogue, row, style)` is what a cell shows; `values(catalogue)`, shape (n,), is what it is sorted by.

    `name` heads the column in exported files, where `exported(catalogue, row)` gives the full precision.
    """

    name: str
    heading: str
    tip: str
    text: Callable[[Catalogue, int, str], str]
    values: Callable[[Catalogue], NDArray[Any]]
    exported: Callable[[Catalogue, int], str]
    number: bool = False
    shown: bool = True


def plain(value: Any) -> str:
    """A value in words: numbers to six digits, yes and no, unknown ones as a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else UNKNOWN
    return str(value) if value != "" else UNKNOWN


def _exported(value: Any) -> str:
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _time(mjd: float) -> str:
    return mjd_to_iso(mjd) if math.isfinite(mjd) else ""


def _column(
    name: str, heading: str, tip: str, attribute: str, text: Callable[[Any, str], str], *, number: bool = False,
    shown: bool = True, exported: Callable[[Any], str] = _exported,
) -> Column:  # fmt: skip
    def cell(catalogue: Catalogue, row: int, style: str) -> str:
        return text(getattr(catalogue, attribute)[row].item(), style)

    return Column(
        name, heading, tip, cell, lambda c: getattr(c, attribute),
        lambda c, row: exported(getattr(c, attribute)[row].item()), number, shown,
    )  # fmt: skip


def _known(value: str, _style: str) -> str:
    return value or UNKNOWN


COMMON_COLUMNS: tuple[Column, ...] = (
    _column("obs_id", "ObsID", "The archive's number of the observation", "obs_id", _known),
    _column("target", "Target", "What was pointed at, in the archive's words", "target", _known),
    _column("ra_deg", "RA (ICRS)", "Right ascension of the pointing, ICRS", "ra_deg", ra_text, number=True),
    _column("dec_deg", "Dec (ICRS)", "Declination of the pointing, ICRS", "dec_deg", dec_text, number=True),
    _column("start_utc", "Start (UTC)", "When the observation began, UTC", "start_mjd", lambda v, _: utc_text(v), exported=_time),
    _column("end_utc", "End (UTC)", "When the observation ended, UTC", "end_mjd", lambda v, _: utc_text(v), shown=False,
            exported=_time),
    _column("exposure_s", "Exposure (ks)", "Exposure, or the duration where no exposure is given, in kiloseconds", "exposure_s",
            lambda v, _: kiloseconds(v), number=True),
    _column("instruments", "Instruments", "Instruments with data", "instruments", _known),
    _column("target_type", "Type", "Common target type", "target_type", _known),
    _column("public_utc", "Public from (UTC)", "When the data became or become public, UTC", "public_mjd",
            lambda v, _: utc_text(v), exported=_time),
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
        lambda c, row: _exported(c.extra[name][row].item()),
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


@functools.cache
def target_type_name(code: str) -> str:
    """« Galaxy clusters (GCL) »."""
    return f"{TARGET_TYPES[code]} ({code})" if code in TARGET_TYPES else code


def is_empty(column: Column, catalogue: Catalogue) -> bool:
    """Whether no row has anything to show in a column."""
    values = column.values(catalogue)
    if values.dtype.kind == "f":
        return not bool(np.isfinite(values).any())
    if values.dtype.kind == "b":
        return not bool(values.any())
    return not bool(np.any(values != "")) if values.dtype.kind == "U" else False
