"""From observations and steps of the missions' software to jobs, in the order of what needs what. Reads and writes nothing.

Steps of a whole observation come first; once `exposures` has told which units there are, the others follow for each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.reduction_plan import LeftAside
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, JobRequest, Level, Place, Step, Task
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.agreement import not_for, refuse_values
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.recipe import RUN_STEP, WorkUnit, stored_arguments

EXPOSURES = "exposures"
Parameters = Mapping[str, Mapping[str, Any]]  # step → parameter → value
_SCHEDULED_ONLY = "process_unscheduled"  # a yes/no parameter of this name set to no leaves out exposures beside the plan
_NOT_FOR_BUILDERS = ("usable", "reason", "instrument", "exposure")


@dataclass(frozen=True)
class Subject:
    """An observation to be reduced.

    Parameters
    ----------
    raw_folder, folder : of its raw and its processed data, as they are to be stored in tasks.
    facts : « obs_start » (YYYY-MM-DD, "" unknown), « events » (paths of raw event lists).
    units : what `exposures` found (see there); None while that is not known.
    """

    mission: str
    obs_id: str
    raw_folder: str
    folder: str
    chosen: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    units: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Chain:
    """Steps in running order with all their parameters, checked once for all observations, and the versions that count."""

    steps: tuple[Step, ...]
    parameters: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, Mapping[str, str]]
    _is_for: dict[tuple[str, str, str], bool] = field(default_factory=dict, compare=False, repr=False)
    _needed: dict[tuple[str, str, str], tuple[Step, ...]] = field(default_factory=dict, compare=False, repr=False)

    def needed(self, step: Step, mission: str, instrument: str) -> tuple[Step, ...]:
        """The steps that one needs for an instrument ("": a whole observation); kept, as there are thousands of units."""
        where = (step.name, mission, instrument)
        if where not in self._needed:
            self._needed[where] = tuple(self._work_out_needed(step, mission, instrument))
        return self._needed[where]

    def has(self, step: Step, mission: str, instrument: str) -> bool:
        """`is_for`, asked for each of thousands of units."""
        where = (step.name, mission, instrument)
        if where not in self._is_for:
            self._is_for[where] = is_for(step, mission, instrument)
        return self._is_for[where]

    def _work_out_needed(self, step: Step, mission: str, instrument: str) -> Iterator[Step]:
        own = self.parameters[step.name]
        for name in (*step.needs, *(name for name, parameter in step.needs_if if own.get(parameter))):
            needed: Step = STEPS[name]
            # what stands before those that count is not enough by itself
            is_before = step.one_is_enough and needed.level is Level.OBSERVATION
            if is_for(needed, mission, instrument or None) and not is_before:
                yield needed


def chain_of(mission: str, names: Iterable[str], given: Parameters, versions: Mapping[str, str]) -> Chain:
    """The named steps of the missions' software with all that they need for a mission.

    Parameters
    ----------
    given : parameters that are not the defaults.
    versions : of software and calibration, by name.

    Raises
    ------
    InputError : no such step, no such parameter, a value outside its limits, values that do not fit each other, or a parameter
        of a step that does not run.
    """
    steps = running_steps(mission, names, given)
    values = {step.name: checked(step, given.get(step.name, {})) for step in steps}
    for name, own in values.items():
        refuse_values(name, own)
    if idle := [name for name, own in given.items() if own and name not in values]:
        raise InputError(f"The step « {idle[0]} » does not run, so its parameters cannot be set.", "Add it to the steps.")
    own_versions = {
        step.name: {name: versions.get(name, "") for name in (step.software, *step.calibration) if name != "builtin"}
        for step in steps
    }
    return Chain(steps, values, own_versions)


def running_steps(mission: str, names: Iterable[str], given: Parameters) -> tuple[Step, ...]:
    """The named steps with all that they need for a mission, in running order. Raises InputError like `chain_of`."""
    wanted = set(names)
    todo = sorted(wanted)
    while todo:
        step = _step(todo.pop())
        values = checked(step, given.get(step.name, {}))
        needed = {*step.needs, *(name for name, parameter in step.needs_if if values.get(parameter))}
        needed = {name for name in needed if is_for(STEPS[name], mission)}
        todo += needed - wanted
        wanted |= needed
    return tuple(STEPS[name] for name in STEPS if name in wanted)


def _step(name: str) -> Step:
    if name not in STEPS:
        raise InputError(f"There is no step « {name} ».", f"Known ones: {', '.join(STEPS)}.")
    step: Step = STEPS[name]
    return step


def is_for(step: Step, mission: str, instrument: str | None = None) -> bool:
    """Whether a step is for a mission, and for an instrument (or joined ones) of it if one is given."""
    if step.missions and mission not in step.missions:
        return False
    return not step.instruments or instrument is None or any(part in step.instruments for part in instrument.split("_"))


class _Planned:
    """The jobs of one observation while they are planned: labels by step and by what each is about."""

    def __init__(self, subject: Subject, chain: Chain) -> None:
        self.subject, self.chain = subject, chain
        self.requests: list[JobRequest] = []
        self._where = f"{subject.mission}/{subject.obs_id}/"
        self._labels: dict[str, dict[tuple[str, str], str]] = {}  # step → (instrument, exposure) → label

    def add(self, step: Step, unit: WorkUnit) -> bool:
        """Plan one job; false if something that it needs is not planned for this unit, so that it makes no sense."""
        needs = self._needs(step, unit)
        if needs is None:
            return False
        name = unit.name
        label = f"{self._where}{name}/{step.name}"
        parameters = self.chain.parameters[step.name]
        task = _task(step, unit, parameters)
        self.requests.append(
            JobRequest(
                kind="reduce", lane="local", mission=unit.mission, obs_id=unit.obs_id, unit=name, step=step.name,
                title=f"{step.label}: {unit.obs_id} {name}".rstrip(), task=task, label=label, needs=needs,
                one_is_enough=step.one_is_enough,
            )
        )  # fmt: skip
        self._labels.setdefault(step.name, {})[unit.instrument, unit.exposure] = label
        return True

    def _needs(self, step: Step, unit: WorkUnit) -> tuple[str, ...] | None:
        labels: list[str] = []
        for needed in self.chain.needed(step, unit.mission, unit.instrument):
            found = self._labels_for(needed, step, unit)
            if not found:
                return None
            labels += found
        for name in step.uses_if_made:
            labels += self._labels_for(STEPS[name], step, unit)
        return tuple(dict.fromkeys(labels))

    def _labels_for(self, needed: Step, step: Step, unit: WorkUnit) -> list[str]:
        """Jobs of a step that this unit's job of another step comes after."""
        known = self._labels.get(needed.name, {})
        if needed.level is Level.OBSERVATION or step.level is Level.OBSERVATION:
            return list(known.values())
        if needed.level is step.level:
            return [label for where, label in known.items() if where == (unit.instrument, unit.exposure)]
        return [label for (instrument, _), label in known.items() if instrument == unit.instrument]


def _task(step: Step, unit: WorkUnit, parameters: Mapping[str, Any]) -> Task:
    """`parameters` are checked already, once for all units."""
    if step.software == "builtin":
        task: Task = resolve(step.build)(unit, parameters)
        return task
    return Call(RUN_STEP, stored_arguments(step.name, unit, parameters), Place.THREAD)


def plan_observation(subject: Subject, chain: Chain) -> tuple[list[JobRequest], list[LeftAside]]:
    """The jobs for one observation, each behind those that it needs, and what none are made for.

    While its units are unknown these are the jobs up to `exposures` only.
    """
    planned = _Planned(subject, chain)
    units = usable_units(subject)
    left_aside = [
        LeftAside(subject.mission, subject.obs_id, unit_name(unit), str(unit.get("reason", "")))
        for unit in subject.units or ()
        if not unit.get("usable")
    ]
    for step in chain.steps:
        if not is_for(step, subject.mission):
            continue
        if step.level is Level.OBSERVATION:
            planned.add(step, _work_unit(subject, chain, step, "", "ALL", _observation_facts(subject, step)))
        elif step.level is Level.EXPOSURE:
            _plan_exposures(planned, step, units, left_aside)
        else:
            _plan_instruments(planned, step, units)
    return planned.requests, left_aside


def _plan_exposures(planned: _Planned, step: Step, units: Sequence[Mapping[str, Any]], left_aside: list[LeftAside]) -> None:
    subject, chain = planned.subject, planned.chain
    scheduled_only = chain.parameters[step.name].get(_SCHEDULED_ONLY) is False
    for one in units:
        if not chain.has(step, subject.mission, one["instrument"]):
            continue
        if scheduled_only and one.get("scheduled") is False:
            reason = f"{step.label}: the exposure was not scheduled, and only scheduled ones were asked for."
            left_aside.append(LeftAside(subject.mission, subject.obs_id, unit_name(one), reason))
            continue
        if reason := not_for(step.name, str(one["instrument"]), chain.parameters[step.name]):
            left_aside.append(LeftAside(subject.mission, subject.obs_id, unit_name(one), f"{step.label}: {reason}"))
            continue
        facts = {name: value for name, value in one.items() if name not in _NOT_FOR_BUILDERS}
        planned.add(step, _work_unit(subject, chain, step, one["instrument"], one["exposure"], facts))


def _plan_instruments(planned: _Planned, step: Step, units: Sequence[Mapping[str, Any]]) -> None:
    subject = planned.subject
    for instrument in dict.fromkeys(str(one["instrument"]) for one in units):
        if not planned.chain.has(step, subject.mission, instrument):
            continue
        own = [one for one in units if one["instrument"] == instrument and _is_planned(planned, step, one)]
        if not own:
            continue
        named = ("exposure", "start", "filter", "mode")
        facts = {"exposures": [{name: one[name] for name in named if name in one} for one in own]}
        planned.add(step, _work_unit(subject, planned.chain, step, instrument, "ALL", facts))


def _is_planned(planned: _Planned, step: Step, unit: Mapping[str, Any]) -> bool:
    """Whether what an instrument's step needs of an exposure is planned for it (an unscheduled one may be left out)."""
    needed = [STEPS[name] for name in step.needs if STEPS[name].level is Level.EXPOSURE]
    where = (str(unit["instrument"]), str(unit["exposure"]))
    return all(
        where in planned._labels.get(other.name, {}) for other in needed if is_for(other, planned.subject.mission, where[0])
    )


def _observation_facts(subject: Subject, step: Step) -> dict[str, Any]:
    """Only what a step uses: what its task names decides whether it has to be done again."""
    if step.name == EXPOSURES:
        return {"events": subject.facts.get("events", ()), "chosen": list(subject.chosen)}
    return {name: value for name, value in subject.facts.items() if name != "events"}


def _work_unit(subject: Subject, chain: Chain, step: Step, instrument: str, exposure: str, facts: Mapping[str, Any]) -> WorkUnit:
    if step.level is not Level.OBSERVATION and "obs_start" in subject.facts:
        facts = {**facts, "obs_start": subject.facts["obs_start"]}
    return WorkUnit(
        subject.mission, subject.obs_id, instrument, exposure or "ALL", subject.raw_folder, subject.folder, facts,
        chain.versions[step.name],
    )  # fmt: skip


def usable_units(subject: Subject) -> list[Mapping[str, Any]]:
    """Those that can be reduced and belong to the chosen instruments, in order of instrument and sub-exposure."""
    return [
        unit
        for unit in subject.units or ()
        if unit.get("usable") and (not subject.chosen or set(str(unit["instrument"]).split("_")) & set(subject.chosen))
    ]


def unit_name(unit: Mapping[str, Any]) -> str:
    exposure = str(unit.get("exposure", ""))
    return str(unit["instrument"]) + ("" if exposure in ("", "ALL") else exposure)
