"""From event lists and chosen steps to jobs. Nothing is read or written here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.product import ProductKey
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import JobRequest, Parameter, Step
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.builtin_steps import BY_HAND, FLARES
from daxa_gui.reduction.unit import Unit, unit_key


def all_steps() -> tuple[Step, ...]:
    """Every step, in the order in which they run."""
    return tuple(STEPS[name] for name in STEPS)


def with_needs(names: Sequence[str] | None) -> tuple[Step, ...]:
    """The named steps (None: all) and all steps that they need, in running order.

    Raises
    ------
    InputError : there is no step of that name.
    """
    wanted: set[str] = set()
    waiting = list(STEPS if names is None else names)
    while waiting:
        name = waiting.pop()
        if name not in STEPS:
            raise InputError(f"There is no step « {name} ».", f"Known ones: {', '.join(STEPS)}.")
        if name not in wanted:
            wanted.add(name)
            waiting += STEPS[name].needs
    return tuple(step for step in all_steps() if step.name in wanted)


def plan(
    key: ProductKey, path: str, steps: Sequence[str] | None, parameters: Mapping[str, Mapping[str, Any]],
    product_path: Callable[[ProductKey], str], chosen: Sequence[str] = (),
) -> list[JobRequest]:  # fmt: skip
    """The jobs for one raw event list: the wanted steps and those they need, each after the ones it needs.

    Parameters
    ----------
    key : of the raw event list (mission, observation, instrument, sub-exposure).
    path : of the raw event list.
    steps : names, None for all.
    parameters : step name -> parameter name -> value; missing ones have their defaults (None: the mission's own).
    product_path : where the archive will put a product of this key; later steps read it there.
    chosen : the chosen instruments of the observation; empty: all. Of a list with all telescope modules only those are reduced.

    Raises
    ------
    InputError : an unknown step or parameter, or a value outside its limits.
    """
    key, modules = unit_key(key, chosen)
    unit = Unit(key, path, product_path, modules)
    requests = []
    for step in with_needs(steps):
        task = resolve(step.build)(unit, checked(step, parameters.get(step.name, {})))
        where = f"{key.mission}/{key.obs_id}/{key.unit}"
        requests.append(
            JobRequest(
                kind="reduce", lane="local", mission=key.mission, obs_id=key.obs_id, unit=key.unit, step=step.name,
                title=f"{step.label}: {key.obs_id} {key.unit}", task=task, label=f"{where}/{step.name}",
                needs=tuple(f"{where}/{name}" for name in step.needs),
            )
        )  # fmt: skip
    return requests


def checked(step: Step, given: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a step as plain JSON values, the given ones checked, the others at their defaults.

    Raises
    ------
    InputError : an unknown name, a value of the wrong kind or outside the limits.
    """
    known = {parameter.name: parameter for parameter in step.parameters}
    by_hand = BY_HAND if step.name == FLARES.name else ()
    for name in given:
        if name not in known and name not in by_hand:
            raise InputError(
                f"The step « {step.label} » has no parameter « {name} ».", f"It has {', '.join(known) or 'no parameters'}."
            )
    values = {name: _checked_value(parameter, given.get(name, parameter.default)) for name, parameter in known.items()}
    for name in by_hand:
        pairs = given.get(name, ())
        if not isinstance(pairs, (list, tuple)):
            raise InputError(f"{name} needs pairs of times, not « {pairs} ».")
        values[name] = [_interval(name, pair) for pair in pairs]
    return values


def _checked_value(parameter: Parameter, value: Any) -> Any:
    if value is None:
        if parameter.default is None:
            return None
        raise InputError(f"« {parameter.label} » needs a value.")
    if parameter.choices:
        if value not in parameter.choices:
            raise InputError(f"« {parameter.label} » is one of {', '.join(map(str, parameter.choices))}.")
        return value
    if isinstance(parameter.default, bool):
        if not isinstance(value, bool):
            raise InputError(f"« {parameter.label} » is yes or no.")
        return value
    if parameter.kind == "range":
        return _checked_range(parameter, value)
    if parameter.kind == "text" or isinstance(parameter.default, str):
        return str(value)
    number = _number(parameter, value)
    if parameter.kind == "integer" and number != int(number):
        raise InputError(f"« {parameter.label} » is a whole number.")
    return int(number) if parameter.kind == "integer" else number


def _checked_range(parameter: Parameter, value: Any) -> list[float]:
    if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2:
        raise InputError(f"« {parameter.label} » needs two numbers.")
    low, high = (_number(parameter, part) for part in value)
    if not low < high:
        raise InputError(f"« {parameter.label} »: {low:g} is not below {high:g}.", "Give the lower number first.")
    return [low, high]


def _number(parameter: Parameter, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"« {parameter.label} » needs a number, not « {value} ».")
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.minimum is not None and value < parameter.minimum:
        raise InputError(f"« {parameter.label} » is at least {parameter.minimum:g}{unit}.")
    if parameter.maximum is not None and value > parameter.maximum:
        raise InputError(f"« {parameter.label} » is at most {parameter.maximum:g}{unit}.")
    return float(value)


def _interval(name: str, pair: Any) -> list[float]:
    if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
        raise InputError(f"{name} needs pairs of times, not « {pair} ».")
    start, stop = pair
    if not all(isinstance(t, (int, float)) and math.isfinite(t) for t in (start, stop)) or not start < stop:
        raise InputError(f"{name}: {start} to {stop} is no interval.", "Give mission seconds, the start first.")
    return [float(start), float(stop)]
