"""Which files and events a choice of instruments means. Nothing that was downloaded is ever changed: the choice counts when
products are made.

A file's instrument is one name, several joined by « _ » (ASCA's « SIS0_SIS1 » images), a name for several together (eROSITA's
TM0: all seven modules in one list, told apart by TM_NR), or one that only the observation makes clear (ROSAT's PSPC).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daxa_gui.core.mission import MissionSpec
from daxa_gui.missions.erosita import ALL_MODULES


def is_wanted(spec: MissionSpec, instrument: str, chosen: Sequence[str]) -> bool:
    """Whether a file of `instrument` belongs to the chosen ones: none chosen means all, and a name that is not one of the
    mission's instruments always belongs to them."""
    if not chosen or not instrument:
        return True
    names = {one.name for one in spec.instruments}
    parts = [part for part in instrument.split("_") if part in names]
    return not parts or any(part in chosen for part in parts)


def chosen_modules(spec: MissionSpec | None, instrument: str, chosen: Sequence[str]) -> tuple[str, ...]:
    """The telescope modules to be taken out of a list that has all of them, in their order; empty: the list as it is."""
    if spec is None or instrument != ALL_MODULES:
        return ()
    modules = tuple(one.name for one in spec.instruments)
    taken = tuple(name for name in modules if name in chosen)
    return () if len(taken) in (0, len(modules)) else taken


def module_numbers(modules: Sequence[str]) -> tuple[int, ...]:
    """TM_NR of « TM1 » … « TM7 »."""
    return tuple(int(name.removeprefix("TM")) for name in modules)


def own_instrument(spec: MissionSpec, instrument: str, row: Mapping[str, Any]) -> str:
    """The instrument of a file by the mission's own names, as far as the observation's catalogue row tells: « PSPC » is PSPCB or
    PSPCC, and a file without any instrument is of the only one that the observation has."""
    names = {one.name for one in spec.instruments}
    if instrument and all(part in names for part in instrument.split("_")):
        return instrument
    fits = [name for name in str(row.get("instruments", "")).split() if name in names and name.startswith(instrument)]
    return fits[0] if len(fits) == 1 else instrument
