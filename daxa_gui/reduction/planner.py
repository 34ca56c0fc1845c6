"""From event lists and chosen steps to jobs. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.product import ProductKey
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import JobRequest, Step
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.unit import Unit, unit_key


def all_steps() -> tuple[Step, ...]:
    """Every step, in the order in which they run."""
    return tuple(STEPS[name] for name in STEPS)


BUILTIN = ("prepare", "flares", "clean", "image")  # the steps of the built-in engine


def with_needs(names: Sequence[str] | None) -> tuple[Step, ...]:
    """The named steps (None: those of the built-in engine) and all steps that they need, in running order.

    Raises
    ------
    InputError : there is no step of that name.
    """
    wanted: set[str] = set()
    waiting = list(BUILTIN if names is None else names)
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
    steps : names of steps of the built-in engine, None for all of them.
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
