"""What a person asks the reduction to do, what that would mean, and the exact commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ReductionOrder:
    """Which steps for which data, with which parameters.

    Parameters
    ----------
    steps : names; those that they need come along. Empty: all of the pipeline.
    pipeline : its name ("builtin", "full_xmm" …); empty: the steps as they are, or the built-in engine if there are none.
    arguments : of the pipeline, name → value.
    parameters : step → parameter → value.
    missions, observations : which of the archive's; empty: all. Observations as (mission, ObsID).
    units : restricts to (mission, ObsID, unit) with what these need.
    configuration : what the results that this replaces are kept as; empty: named after what has changed.
    again : also what is there already.
    """

    steps: tuple[str, ...] = ()
    pipeline: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    missions: tuple[str, ...] = ()
    observations: tuple[tuple[str, str], ...] = ()
    units: tuple[tuple[str, str, str], ...] = ()
    configuration: str = ""
    again: bool = False


@dataclass(frozen=True)
class RunOptions:
    """How work is done; None: as the settings say. None of it changes a result, so none of it makes one outdated."""

    cores: int | None = None
    limit_min: float | None = None  # per command
    keep_intermediate: bool | None = None


@dataclass(frozen=True)
class StepPlan:
    """What an order means for one step: numbers of jobs.

    `new` were never done, `again` are done once more (`why`: reason → number), `fresh` stay as they are, `unknown` observations
    will tell their exposures only on the way. `replaced` products would be kept as a configuration. Reasons have the labels and
    units of forms; `changed` are the names of the parameters that have other values than before.
    """

    step: str
    label: str
    new: int = 0
    again: int = 0
    fresh: int = 0
    unknown: int = 0
    replaced: int = 0
    why: Mapping[str, int] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeftAside:
    """Data that no job is made for, and why."""

    mission: str
    obs_id: str
    unit: str
    reason: str


@dataclass(frozen=True)
class ReductionPlan:
    order: ReductionOrder
    steps: tuple[StepPlan, ...]
    left_aside: tuple[LeftAside, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def n_jobs(self) -> int:
        return sum(step.new + step.again for step in self.steps)


@dataclass(frozen=True)
class ShownCommand:
    """One program call as it would run. `environment` has what is set besides the software's own set-up; `before` and `after` are
    sentences on files that are laid out and taken away around it."""

    mission: str
    obs_id: str
    unit: str
    step: str
    software: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: str = ""
    title: str = ""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class TimeLeft:
    """An estimate from this archive's own history. `seconds` None while there is none; `text` says what it rests on."""

    seconds: float | None
    n_jobs: int
    text: str


@dataclass(frozen=True)
class Configuration:
    """Results of an earlier way of reducing, kept beside the present ones. `parameters`: step → parameter → value that differed;
    `reason` is what replaced it."""

    name: str
    created: float  # seconds since 1970, UTC
    steps: tuple[str, ...]
    parameters: Mapping[str, Mapping[str, Any]]
    reason: str
    n_products: int
    n_bytes: int
    n_observations: int
    note: str = ""


@dataclass(frozen=True)
class ComparedProduct:
    """One product now (`new_path`, "" if there is none any more) and in a configuration, with facts of both (kept_fraction,
    n_events, ontime_s …)."""

    mission: str
    obs_id: str
    unit: str
    kind: str
    old_path: str
    new_path: str
    old_facts: Mapping[str, Any] = field(default_factory=dict)
    new_facts: Mapping[str, Any] = field(default_factory=dict)
