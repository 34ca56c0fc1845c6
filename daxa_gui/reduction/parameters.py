"""Parameters of steps as texts, the way a command line gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.parameter_words import value_words
from daxa_gui.core.step import Parameter
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked

_FORM = re.compile(r"(?P<step>\w+)\.(?P<name>\w+)=(?P<value>.*)")


def parse_parameters(settings: Iterable[str]) -> dict[str, dict[str, Any]]:
    """« flares.n_sigma=2.5 », « image.band_kev=0.5-2.0 » as values by step and name, checked against the declarations.

    Raises
    ------
    InputError : not of that form, unknown, or unfit.
    """
    values: dict[str, dict[str, Any]] = {}
    for text in settings:
        match = _FORM.fullmatch(text.strip())
        if match is None:
            raise InputError(f"« {text} » is not of the form STEP.PARAMETER=VALUE.", "For example flares.n_sigma=2.5.")
        if match["step"] not in STEPS:
            raise InputError(f"There is no step « {match['step']} ».", f"Known ones: {', '.join(STEPS)}.")
        step = STEPS[match["step"]]
        known = {parameter.name: parameter for parameter in step.parameters}
        if match["name"] not in known:
            raise InputError(
                f"The step « {step.name} » has no parameter « {match['name']} ».", f"It has {', '.join(known) or 'none'}."
            )
        name = match["name"]
        with telling(f"{step.name}.{name}={match['value']}", known[name]):
            value = read_value(known[name], match["value"].strip())
            checked(step, {name: value})
        values.setdefault(step.name, {})[name] = value
    return values


@contextmanager
def telling(text: str, parameter: Parameter) -> Iterator[None]:
    """InputErrors from inside say which text is meant and what is allowed."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{text}: {error.message}", " ".join(filter(None, (error.hint, allowed(parameter))))) from None


def allowed(parameter: Parameter) -> str:
    """A sentence on what a parameter takes: « Allowed: from 0.1 to 100 ct/s; usually 3. »"""
    own = parameter.kind or ("yes/no" if isinstance(parameter.default, bool) else "")
    if own == "yes/no":
        words = "yes or no"
    elif parameter.choices:
        words = ("some of " if own == "many" else "") + ", ".join(map(str, parameter.choices))
    elif parameter.kind in ("text", "texts") or isinstance(parameter.default, str):
        words = "text" if own != "texts" else "texts with « && » between them"
    else:
        form = {"range": "two numbers with a dash, ", "ranges": "ranges with commas between them, ",
                "numbers": "numbers with commas between them, ", "integer": "whole numbers "}.get(own, "")  # fmt: skip
        words = f"{form}{_limits(parameter)}".rstrip(" ,")
    return f"Allowed: {words or 'numbers'}; usually {shown(parameter)}."


def _limits(parameter: Parameter) -> str:
    unit = f" {parameter.unit}" if parameter.unit else ""
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        return f"from {low:.9g} to {high:.9g}{unit}"
    return f"at least {low:.9g}{unit}" if low is not None else f"at most {high:.9g}{unit}" if high is not None else ""


def shown(parameter: Parameter) -> str:
    """The default as a person would type it."""
    value = parameter.default
    if value is None:
        return parameter.empty
    if parameter.kind == "range":
        return as_typed([value])
    if parameter.kind == "texts":
        return " && ".join(value)
    return f"{value:g}" if isinstance(value, float) else as_typed(value)


def as_typed(value: Any) -> str:
    """« none », « yes », « 0.5-2,2-10 », « 0,1,3 », « 3.0 »."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ",".join("-".join(map(_end_of_range, part)) if isinstance(part, (list, tuple)) else str(part) for part in value)
    return str(value)


def _end_of_range(value: Any) -> str:
    """What a stranger's archive has in the place of a number is shown as it is."""
    is_number = isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**15)
    return f"{value:g}" if is_number else value_words(None, value)


def read_value(parameter: Parameter, text: str) -> Any:
    """A value as the command line gives it; raises InputError for one that cannot be read."""
    text = text.strip()
    if not text and parameter.default is None:
        return None
    if isinstance(parameter.default, bool) or parameter.kind == "yes/no":
        if text.casefold() not in ("yes", "no", "true", "false"):
            raise InputError(f"« {parameter.label} » is yes or no, not « {text} ».")
        return text.casefold() in ("yes", "true")
    if parameter.kind in ("many", "texts", "numbers", "ranges"):
        return _read_list(parameter, text)
    if parameter.choices:
        return next((choice for choice in parameter.choices if str(choice) == text), text)
    if parameter.kind == "text" or isinstance(parameter.default, str):
        return text
    try:
        if parameter.kind == "range":
            low, high = re.split(r"\s*[-–:,]\s*", text)
            return [float(low), float(high)]
        return float(text)
    except ValueError:
        wanted = "two numbers with a dash" if parameter.kind == "range" else "a number"
        raise InputError(f"« {parameter.label} » needs {wanted}, not « {text} ».") from None


def _read_list(parameter: Parameter, text: str) -> list[Any]:
    """« G,I,U », « 0.5-2.0,2-10 », « 2.3,0.92 »; texts are parted by « && » because they may have commas."""
    parts = _outer_parts(text) if parameter.kind == "texts" else text.split(",")
    parts = [part.strip() for part in parts if part.strip()]
    if parameter.kind == "many":
        return [next((choice for choice in parameter.choices if str(choice) == part), part) for part in parts]
    if parameter.kind == "texts":
        return parts
    try:
        if parameter.kind == "numbers":
            return [float(part) for part in parts]
        return [[float(end) for end in re.split(r"\s*[-–:]\s*", part)] for part in parts]
    except ValueError:
        wanted = "numbers with commas" if parameter.kind == "numbers" else "ranges such as 0.5-2.0,2.0-10.0"
        raise InputError(f"« {parameter.label} » needs {wanted}, not « {text} ».") from None


def _outer_parts(text: str) -> list[str]:
    """What stands between « && » that are in no bracket."""
    parts, begin, depth = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and text.startswith("&&", at) and at >= begin:
            parts.append(text[begin:at])
            begin = at + 2
    return [*parts, text[begin:]]
