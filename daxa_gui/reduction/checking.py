"""Values of parameters against their declarations: the one place where a value becomes right or is refused.

Forms, the command line and every job that runs come through here, so that a task in a stranger's archive can say nothing that a
form would refuse.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Parameter, Step

# What the light-curve inspector gives « flares » besides: intervals (start, stop) in mission seconds. No form asks for them.
BY_HAND = ("added_s", "removed_s")


def checked(step: Step, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a step as plain JSON values, the given ones checked, the others at their defaults.

    Raises
    ------
    InputError : an unknown name, a value of the wrong kind or outside the limits.
    """
    known = {parameter.name: parameter for parameter in step.parameters}
    by_hand = BY_HAND if step.name == "flares" else ()
    for name in given:
        if name not in known and name not in by_hand:
            raise InputError(
                f"The step « {step.label} » has no parameter « {_shown(name)} ».",
                f"It has {', '.join(known) or 'no parameters'}.",
            )
    values = {name: _checked_value(parameter, given.get(name, parameter.default)) for name, parameter in known.items()}
    for name in by_hand:
        pairs = given.get(name, ())
        if not isinstance(pairs, (list, tuple)):
            raise InputError(f"{name} needs pairs of times, not « {_shown(pairs)} ».")
        values[name] = [_interval(name, pair) for pair in pairs]
    return values


def _checked_value(parameter: Parameter, value: Any) -> Any:
    if value is None:
        if parameter.default is None:
            return None
        raise InputError(f"« {parameter.label} » needs a value.")
    if parameter.kind in _LISTS:
        return _checked_list(parameter, value)
    if parameter.choices:
        return _checked_choice(parameter, value)
    if isinstance(parameter.default, bool):
        if not isinstance(value, bool):
            raise InputError(f"« {parameter.label} » is yes or no.")
        return value
    if parameter.kind == "range":
        return _checked_range(parameter, value)
    if parameter.kind == "text" or isinstance(parameter.default, str):
        return _checked_text(parameter, value)
    number = _number(parameter, value)
    if parameter.kind == "integer" and number != int(number):
        raise InputError(f"« {parameter.label} » is a whole number.")
    return int(number) if parameter.kind == "integer" else number


_LISTS = ("many", "texts", "ranges", "numbers")
_LONGEST_TEXT = 4_000
_MOST = 1_000  # entries of a list
_MOST_TEXTS = 30  # they become one argument; the system takes 128 KiB for one
_UNPRINTABLE = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_WORD = re.compile(r"\w*", re.ASCII)


def _checked_choice(parameter: Parameter, value: Any) -> Any:
    """The choice itself: what only counts as equal to it (True is 1 for Python) looks different in a command."""
    is_bool = isinstance(value, bool)
    for choice in parameter.choices:
        if choice == value and isinstance(choice, bool) == is_bool:
            return choice
    raise InputError(f"« {parameter.label} » is one of {', '.join(map(str, parameter.choices))}.")


def _checked_text(parameter: Parameter, value: Any) -> str:
    """Raises InputError for what a program could take for more than the text that is meant: see `Parameter.check`."""
    if not isinstance(value, str):
        raise InputError(f"« {parameter.label} » needs a text, not « {_shown(value)} ».")
    if len(value) > _LONGEST_TEXT or any(unicodedata.category(character) in _UNPRINTABLE for character in value):
        raise InputError(f"« {parameter.label} » has line breaks or control characters, or is very long.")
    if parameter.check:
        resolve(parameter.check)(value)
    elif not _WORD.fullmatch(value):
        raise InputError(f"« {parameter.label} » may have letters, digits and « _ » only, not « {_shown(value)} ».")
    return value


def _checked_list(parameter: Parameter, value: Any) -> list[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > _MOST:
        raise InputError(f"« {parameter.label} » needs a list.")
    if parameter.kind == "many":
        return _checked_some(parameter, value)
    if parameter.kind == "texts":
        if len(value) > _MOST_TEXTS:
            raise InputError(f"« {parameter.label} » has more than {_MOST_TEXTS} entries.", "Join some of them.")
        return [_checked_text(parameter, one) for one in value]
    if not value:
        raise InputError(f"« {parameter.label} » needs at least one entry.")
    check = _checked_range if parameter.kind == "ranges" else _number
    return [check(parameter, one) for one in value]


def _checked_some(parameter: Parameter, value: Sequence[Any]) -> list[Any]:
    for one in value:
        try:
            _checked_choice(parameter, one)
        except InputError:
            raise InputError(
                f"« {parameter.label} » has no « {_shown(one)} ».", f"Choose of {', '.join(map(str, parameter.choices))}."
            ) from None
    if not value:
        raise InputError(f"« {parameter.label} » needs at least one of {', '.join(map(str, parameter.choices))}.")
    return [one for one in parameter.choices if one in value]


def _checked_range(parameter: Parameter, value: Any) -> list[float]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise InputError(f"« {parameter.label} » needs two numbers.")
    low, high = (_number(parameter, part) for part in value)
    if not low < high:
        raise InputError(f"« {parameter.label} »: {low:g} is not below {high:g}.", "Give the lower number first.")
    return [low, high]


def _number(parameter: Parameter, value: Any) -> float:
    if not _is_finite(value):
        raise InputError(f"« {parameter.label} » needs a number, not « {_shown(value)} ».")
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.minimum is not None and value < parameter.minimum:
        raise InputError(f"« {parameter.label} » is at least {parameter.minimum:g}{unit}.")
    if parameter.maximum is not None and value > parameter.maximum:
        raise InputError(f"« {parameter.label} » is at most {parameter.maximum:g}{unit}.")
    return float(value)


def _is_finite(value: Any) -> bool:
    """Also false for whole numbers of hundreds of digits, which no floating-point number can hold."""
    try:
        return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: Any) -> str:
    """For a sentence: cut, on one line, nothing that could steer a terminal."""
    text = "a very long one" if isinstance(value, int) and value.bit_length() > 1_000 else str(value)[:100]
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _interval(name: str, pair: Any) -> list[float]:
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise InputError(f"{name} needs pairs of times, not « {_shown(pair)} ».")
    start, stop = pair
    if not all(_is_finite(t) for t in (start, stop)) or not start < stop:
        raise InputError(f"{name}: {_shown(start)} to {_shown(stop)} is no interval.", "Give mission seconds, the start first.")
    return [float(start), float(stop)]
