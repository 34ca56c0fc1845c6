"""Why one filter does not want one observation, and the smallest change of it that would: the question that each kind answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import singledispatch
from typing import Any

import numpy as np

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.filter_base import Filter
from daxa_gui.core.matching import TOLERANCE_DEG
from daxa_gui.core.texts import TextColumn

BY_HAND = "Keep this observation by hand."


@dataclass(frozen=True)
class Obstacle:
    """`reason` is a clause to follow « because »; `change` the changed filter, None if none is sensible; `words` what to do."""

    reason: str
    change: Filter | None = None
    words: str = BY_HAND


@singledispatch
def obstacle(one: Filter, row: Catalogue) -> Obstacle:
    """Why a filter does not want the only row of a catalogue (see `one_row`); asked only where that is so."""
    return Obstacle(f"it is not {one.sentence()}")


@singledispatch
def without(one: Filter, row: Catalogue) -> Filter | None:
    """The filter changed as little as possible so that it does not want the only row of a catalogue; None if there is no such."""
    return None


def one_row(catalogue: Catalogue, row: int) -> Catalogue:
    """A catalogue of a single observation. Raises IndexError if there is no such row."""
    if not 0 <= row < len(catalogue):
        raise IndexError(row)
    return Catalogue(**{field.name: _cut(getattr(catalogue, field.name), row, field.name) for field in fields(catalogue)})


def _cut(value: Any, row: int, name: str) -> Any:
    if isinstance(value, TextColumn):
        return TextColumn.of(value[row : row + 1])
    if isinstance(value, np.ndarray):
        return value[row : row + 1]
    if name == "extra" and isinstance(value, Mapping):
        return {key: _cut(column, row, key) for key, column in value.items()}
    return value


def _in_shown_unit(angle_deg: float, up: bool) -> float:
    """Five significant digits in the unit in which an angle will be shown: the next larger such angle, or the next smaller one;
    the angle itself where it has no more digits, but for the last ones that coordinates leave uncertain."""
    factor = 1 if angle_deg >= 0.99999 else 60 if angle_deg * 60 >= 0.99999 else 3600
    shown = angle_deg * factor
    if shown == 0.0:
        return 0.0
    near = float(f"{shown:.5g}")
    if (near / factor < angle_deg - TOLERANCE_DEG / 2) if up else (near / factor > angle_deg - 2 * TOLERANCE_DEG):
        step = 10.0 ** (math.floor(math.log10(shown)) - 4)
        near = float(f"{near + step if up else near - step:.5g}")
    return near / factor


def radius_for(separation_deg: float) -> float:
    """The radius to offer for a separation, degrees: large enough, and short in the unit in which it will be shown."""
    return min(_in_shown_unit(separation_deg, up=True), 180.0)


def radius_below(separation_deg: float) -> float:
    """The largest short radius that is too small for a separation, degrees."""
    return max(_in_shown_unit(separation_deg, up=False), 0.0)
