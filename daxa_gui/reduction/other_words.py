"""Words of command lines that the recipes of eROSITA, Chandra and NuSTAR share: numbers, yes and no, places of raw data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.product_names import safe_part
from daxa_gui.reduction.recipe import WorkUnit


def yes_no(value: bool) -> str:
    return "yes" if value else "no"


def number(value: float) -> str:
    """The shortest text that is this number again: « 20 » for 20.0, « 0.2 », « -6 »."""
    value = float(value)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def decimal(value: float) -> str:
    """The same with a decimal point always: « 7.0 » (names of files are made of it)."""
    return repr(float(value))


def electron_volts(kev: float) -> str:
    """Whole eV, rounded: 0.29 keV is 290 eV although 0.29 * 1000 is a little less."""
    return str(round(kev * 1000))


def obs_id(unit: WorkUnit) -> str:
    """The ObsID where it becomes part of an argument or of a file's name."""
    return safe_part(unit.obs_id, "an ObsID")


def raw_file(unit: WorkUnit, fact: str) -> str:
    """Where a raw file is (absolute) whose place below the raw folder stands in a fact of the unit.

    Raises
    ------
    InputError : the fact is not there, or would lead out of the raw folder (jobs may come from a stranger's archive).
    """
    place = PurePosixPath(str(unit.facts.get(fact, "")))
    if not place.parts or place.is_absolute() or ".." in place.parts:
        raise InputError(
            f"It is not known which raw file of {unit.obs_id} to reduce (« {place} »).", "Run the step « Exposures » again."
        )
    return str(Path(unit.raw_folder) / place)


def energies(parameters: Mapping[str, Any], name: str = "energies_kev") -> tuple[float, float] | None:
    """A range in keV, or None where there are no limits."""
    given: Sequence[float] | None = parameters.get(name)
    return None if given is None else (float(given[0]), float(given[1]))
