"""Short forms in which steps of the missions' software declare their parameters, one for each kind of value.

Each is `kind(name, label, default, [unit,] help, [lowest, highest,] …)`. `daxa` names the argument of DAXA's function that the
parameter stands for, `SAME` that it has the same name; without it DAXA has none. None as a default means `empty`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daxa_gui.core.step import Parameter

SAME = "="
NO_LIMITS = "no limits"
_OWN = Parameter.empty


def yes_no(name: str, label: str, default: bool, help: str, *, daxa: str = "") -> Parameter:
    return Parameter(name, label, default, "", help, daxa=_daxa(daxa, name))


def choice(name: str, label: str, default: Any, help: str, choices: Sequence[Any], *, daxa: str = "") -> Parameter:
    return Parameter(name, label, default, "", help, choices=tuple(choices), daxa=_daxa(daxa, name))


def some_of(name: str, label: str, default: Sequence[Any], help: str, choices: Sequence[Any], *, daxa: str = "") -> Parameter:
    return Parameter(name, label, default, "", help, choices=tuple(choices), kind="many", daxa=_daxa(daxa, name))


def integer(
    name: str, label: str, default: int | None, unit: str, help: str, lowest: float, highest: float, *, daxa: str = "",
) -> Parameter:  # fmt: skip
    return Parameter(name, label, default, unit, help, lowest, highest, kind="integer", daxa=_daxa(daxa, name))


def number(
    name: str, label: str, default: float | None, unit: str, help: str, lowest: float, highest: float, *, empty: str = _OWN,
    daxa: str = "",
) -> Parameter:  # fmt: skip
    return _numeric("number", name, label, default, unit, help, lowest, highest, empty, daxa)


def numbers(
    name: str, label: str, default: Sequence[float], unit: str, help: str, lowest: float, highest: float, *, daxa: str = "",
) -> Parameter:  # fmt: skip
    return _numeric("numbers", name, label, default, unit, help, lowest, highest, _OWN, daxa)


def band(
    name: str, label: str, default: Sequence[float] | None, unit: str, help: str, lowest: float, highest: float, *,
    empty: str = _OWN, daxa: str = "",
) -> Parameter:  # fmt: skip
    """Two numbers, the lower one first."""
    return _numeric("range", name, label, default, unit, help, lowest, highest, empty, daxa)


def energies_kev(help: str, lowest: float, highest: float, *, empty: str = NO_LIMITS, daxa: str = "lo_en, hi_en") -> Parameter:
    """Which events are kept by their energies: the parameter that all cleaned lists have."""
    return band("energies_kev", "Energies", None, "keV", help, lowest, highest, empty=empty, daxa=daxa)


def bands_kev(default: Sequence[Sequence[float]], help: str, lowest: float, highest: float, *, daxa: str = "") -> Parameter:
    """In which energies images are made: the parameter that all images have."""
    return _numeric("ranges", "bands_kev", "Energy bands", default, "keV", help, lowest, highest, _OWN, daxa)


def text(name: str, label: str, default: str, help: str, *, check: str, daxa: str = "") -> Parameter:
    """`check`: see `core.step.Parameter`."""
    return Parameter(name, label, default, "", help, kind="text", daxa=_daxa(daxa, name), check=check)


def texts(name: str, label: str, default: Sequence[str], help: str, *, check: str, daxa: str = "") -> Parameter:
    return Parameter(name, label, default, "", help, kind="texts", daxa=_daxa(daxa, name), check=check)


def _numeric(
    kind: str, name: str, label: str, default: Any, unit: str, help: str, lowest: float, highest: float, empty: str, daxa: str
) -> Parameter:
    return Parameter(name, label, default, unit, help, lowest, highest, kind=kind, empty=empty, daxa=_daxa(daxa, name))


def _daxa(daxa: str, name: str) -> str:
    return name if daxa == SAME else daxa
