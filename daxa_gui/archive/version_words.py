"""What changed from one version of an archive to another, in sentences. Nothing is read or written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daxa_gui.core.parameter_words import value_words
from daxa_gui.core.step import Parameter, Step
from daxa_gui.missions import MISSIONS

DOWNLOAD = "download"  # the « step » of files that came from a mission's archive
_BY_HAND = {"added_s": "added by hand", "removed_s": "removed by hand"}  # intervals
Changed = tuple[tuple[str, Any, Any], ...]  # parameter, value before, value now


@dataclass(frozen=True)
class Group:
    """Products of one mission that one step made and that changed in the same way. `what` is « new », « changed » or « gone »;
    `parameters` (of changed ones) are those with another value than before."""

    mission: str
    step: str
    what: str
    n_products: int
    n_units: int  # exposures, or observations for downloads
    parameters: Changed = ()


def parameters_of(task: Mapping[str, Any], step: Step | None) -> dict[str, Any]:
    """The parameters of a stored task: those that the step declares, and what a person gave by hand. Paths and names are none."""
    arguments = task.get("arguments")
    if step is None or not isinstance(arguments, Mapping):
        return {}
    names = (*(parameter.name for parameter in step.parameters), *_BY_HAND)
    if isinstance(own := arguments.get("parameters"), Mapping):  # steps of the missions' software have them together
        arguments = own
    return {name: arguments[name] for name in names if name in arguments}


def changed_parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changed:
    """Parameters that both have with different values; lists count as they stand in JSON."""
    return tuple((name, old.get(name), new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name))


def sentences(
    added: Iterable[tuple[str, str]], removed: Iterable[tuple[str, str]], groups: Sequence[Group], steps: Mapping[str, Step]
) -> tuple[str, ...]:  # fmt: skip
    """One sentence for each kind of change: observations first, then downloads, then the steps in their order. The same change
    in several missions is one sentence that counts them."""
    lines = _of_observations(added, "new {}observation", "")
    lines += _of_observations(removed, "{}observation", " removed")
    order = {name: place for place, name in enumerate((DOWNLOAD, *steps))}
    kinds = ("new", "changed", "gone")
    alike: dict[tuple[Any, ...], list[Group]] = {}
    for group in sorted(groups, key=lambda g: (order.get(g.step, len(order)), g.step, kinds.index(g.what), g.mission)):
        alike.setdefault((group.step, group.what, repr(group.parameters)), []).append(group)
    lines += [_sentence(same, steps.get(same[0].step)) for same in alike.values()]
    return tuple(lines)


def _of_observations(observations: Iterable[tuple[str, str]], noun: str, verb: str) -> list[str]:
    counts = _by_mission(observations)
    if len(counts) == 1:
        label, n = counts[0]
        return [f"{_count(n, noun.format(label + ' '))}{verb}."]
    total = sum(n for _, n in counts)
    return [f"{_count(total, noun.format(''))}{verb} ({_listed(counts)})."] if counts else []


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    """« XMM-Newton Pointed 4, Chandra 1 », the most first."""
    return ", ".join(f"{label} {n}" for label, n in sorted(counts, key=lambda one: (-one[1], one[0])))


def _by_mission(observations: Iterable[tuple[str, str]]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for mission, _ in observations:
        counts[mission] = counts.get(mission, 0) + 1
    return [(_label(mission), n) for mission, n in sorted(counts.items())]


def _label(mission: str) -> str:
    spec = MISSIONS.get(mission)
    return mission if spec is None else str(spec.label)


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _sentence(groups: Sequence[Group], step: Step | None) -> str:
    """Of groups that differ in their missions only."""
    group, n_units = groups[0], sum(one.n_units for one in groups)
    n_products = sum(one.n_products for one in groups)
    label = _label(group.mission) if len(groups) == 1 else _listed((_label(one.mission), one.n_units) for one in groups)
    if group.step == DOWNLOAD:
        files, where = _count(n_products, "file"), _count(n_units, "observation")
        verb = {"new": "came", "changed": "came in a new edition", "gone": "went"}[group.what]
        return f"{files} of {where} {verb} ({label})."
    name = step.label if step is not None else group.step
    where = f"{_count(n_units, 'exposure')} ({label})"
    if group.what == "new":
        return f"{name} on {where}."
    if group.what == "gone":
        return f"{name}: {_count(n_products, 'file')} of {where} gone."
    if not group.parameters:
        return f"{name} re-run on {where}."
    known = {parameter.name: parameter for parameter in step.parameters} if step is not None else {}
    given = ", ".join(_parameter(known.get(key), key, old, new) for key, old, new in group.parameters)
    return f"{name} re-run with {given} on {where}."


def _parameter(parameter: Parameter | None, name: str, old: Any, new: Any) -> str:
    if name in _BY_HAND:
        return f"{_count(len(new or ()), 'interval')} {_BY_HAND[name]} (before {len(old or ())})"
    label = name if parameter is None else parameter.label[:1].lower() + parameter.label[1:]
    return f"{label} {value_words(parameter, new)} (before {value_words(parameter, old)})"
