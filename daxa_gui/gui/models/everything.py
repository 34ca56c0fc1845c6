"""What « Run everything » means for an archive: for each mission a pipeline, or why nothing can run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from daxa_gui.core.reduction_plan import ReductionOrder
from daxa_gui.core.step import Pipeline, Step
from daxa_gui.gui.models.processing import SOFTWARE
from daxa_gui.gui.texts import counted

Observation = tuple[str, str]  # mission, ObsID
BUILTIN = "builtin"


@dataclass(frozen=True)
class Contents:
    """What of an archive decides about what can run.

    Parameters
    ----------
    observations : all of them.
    begin : those that the missions' own software can begin with (raw data are here, or for some missions event lists).
    events : those with an event list from the mission's archive, for the built-in engine.
    """

    observations: tuple[Observation, ...] = ()
    begin: frozenset[Observation] = frozenset()
    events: frozenset[Observation] = frozenset()

    @cached_property
    def by_mission(self) -> dict[str, tuple[frozenset[Observation], frozenset[Observation]]]:
        """Mission → those of `begin` and of `events`. Takes a while for many: it is asked for on a pool thread first."""
        begin: dict[str, set[Observation]] = {mission: set() for mission in dict.fromkeys(one[0] for one in self.observations)}
        events: dict[str, set[Observation]] = {mission: set() for mission in begin}
        for found, ones in ((begin, self.begin), (events, self.events)):
            for one in ones:
                if one[0] in found:
                    found[one[0]].add(one)
        return {mission: (frozenset(begin[mission]), frozenset(events[mission])) for mission in begin}

    @property
    def missions(self) -> tuple[str, ...]:
        return tuple(self.by_mission)


@dataclass(frozen=True)
class Part:
    """One order, and what it is in words: « Full XMM-Newton (SAS) for 5 observations of XMM-Newton »."""

    order: ReductionOrder
    words: str


@dataclass(frozen=True)
class Everything:
    """`reasons` say of each mission for which nothing runs why; `without_data` are those of them of which nothing was fetched.
    `hints` say what more could run with raw data, which `without_raw` lack."""

    parts: tuple[Part, ...] = ()
    reasons: tuple[str, ...] = ()
    without_data: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    without_raw: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What a click does, or why it can do nothing."""
        if not self.parts:
            return " ".join(self.reasons)
        more = f" Not reduced: {' '.join(self.reasons)}" if self.reasons else ""
        return f"Runs {self.runs}. What is done already stays as it is.{more}"

    @property
    def runs(self) -> str:
        """« Full XMM-Newton (SAS) » for 5 observations of XMM-Newton; …"""
        return "; ".join(part.words for part in self.parts)


def needed_by(pipeline: Pipeline, steps: Sequence[Step]) -> tuple[str, ...]:
    """The software and calibration that its steps use, without the built-in engine."""
    mine = [step for step in steps if step.name in pipeline.steps]
    names = dict.fromkeys(name for step in mine for name in (step.software, *step.calibration))
    return tuple(name for name in names if name != BUILTIN)


def everything(
    contents: Contents,
    pipelines: Sequence[Pipeline],
    steps: Sequence[Step],
    labels: Mapping[str, str],
    missing: Collection[str],
    begun: Mapping[str, Collection[str]],
) -> Everything:
    """Orders that together run all that can run.

    A mission that was reduced with the built-in engine only so far stays with it: its results are not replaced by another
    engine's unless somebody asks for a pipeline.

    Parameters
    ----------
    labels : of missions.
    missing : names of software and calibration that cannot be used.
    begun : mission → names of steps that have a job.
    """
    builtin = next((one for one in pipelines if one.name == BUILTIN), None)
    own_steps = set(builtin.steps) if builtin is not None else set()
    by_pipeline: dict[str, list[str]] = {}
    rest: set[Observation] = set()
    reasons, without_data, hints, without_raw = [], [], [], []
    for mission in contents.missions:
        begin, events = contents.by_mission[mission]
        own = next((one for one in pipelines if mission in one.missions), None)
        lacks = [name for name in needed_by(own, steps) if name in missing] if own is not None else []
        steps_so_far = set(begun.get(mission, ()))
        stays = bool(events and steps_so_far and steps_so_far <= own_steps)
        if own is not None and begin and not lacks and not stays:
            by_pipeline.setdefault(own.name, []).append(mission)
            rest |= events - begin
        elif events:
            rest |= events
            if own is not None and not begin and not lacks and not stays:
                hints.append(f"« {own.label} » needs raw data of {labels.get(mission, mission)} too.")
                without_raw.append(mission)
        else:
            label = labels.get(mission, mission)
            reasons.append(_reason(label, own is not None, bool(begin), lacks))
            if not begin:
                without_data.append(mission)
    parts = [
        _own_part(next(one for one in pipelines if one.name == name), missions, contents, labels)
        for name, missions in by_pipeline.items()
    ]
    if rest:
        parts.append(_builtin_part(rest, contents, labels))
    return Everything(tuple(parts), tuple(reasons), tuple(without_data), tuple(hints), tuple(without_raw))


def _own_part(pipeline: Pipeline, missions: Sequence[str], contents: Contents, labels: Mapping[str, str]) -> Part:
    n = sum(len(contents.by_mission[mission][0]) for mission in missions)
    names = " and ".join(labels.get(mission, mission) for mission in missions)
    words = f"« {pipeline.label} » for {counted(n, 'observation', 'observations')} of {names}"
    return Part(ReductionOrder(pipeline=pipeline.name, missions=tuple(missions)), words)


def _builtin_part(rest: set[Observation], contents: Contents, labels: Mapping[str, str]) -> Part:
    """Whole missions are named as such, so that observations that come later are of them too."""
    chosen = Counter(mission for mission, _ in rest)
    missions = [mission for mission in contents.missions if mission in chosen]
    names = ", ".join(labels.get(mission, mission) for mission in missions)
    words = f"the built-in engine for {counted(len(rest), 'observation', 'observations')} of {names}"
    if all(chosen[mission] == len(contents.by_mission[mission][1]) for mission in missions):
        return Part(ReductionOrder(pipeline=BUILTIN, missions=tuple(missions)), words)
    return Part(ReductionOrder(pipeline=BUILTIN, observations=tuple(sorted(rest))), words)


def _reason(label: str, has_pipeline: bool, has_raw: bool, lacks: Sequence[str]) -> str:
    if has_raw:
        names = " and ".join(SOFTWARE.get(name, name.upper()) for name in lacks)
        verb = "is" if len(lacks) == 1 else "are"
        return f"{label}: raw data are here, but {names} {verb} missing; the Doctor says what to do."
    if has_pipeline:
        return f"{label}: neither raw data nor event lists have arrived."
    return f"{label}: no event list has arrived."
