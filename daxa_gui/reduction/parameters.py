"""Parameters of steps as texts, the way a command line gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from daxa_gui.core.errors import InputError
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
        value = read_value(known[match["name"]], match["value"].strip())
        checked(step, {match["name"]: value})
        values.setdefault(step.name, {})[match["name"]] = value
    return values


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
    parts = [part.strip() for part in text.split("&&" if parameter.kind == "texts" else ",") if part.strip()]
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
