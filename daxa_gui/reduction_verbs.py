"""The verbs of reduction with the missions' software: what it would do, doing it, its commands, checks and earlier results."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_gui.archive_verbs import ArchiveVerbs
from daxa_gui.core.earlier import EarlierResults
from daxa_gui.core.errors import InputError
from daxa_gui.core.failure_groups import FailureGroup
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.log_messages import Severity
from daxa_gui.core.reduction_plan import (
    ComparedProduct,
    Configuration,
    ReductionOrder,
    ReductionPlan,
    RunOptions,
    ShownCommand,
    TimeLeft,
)
from daxa_gui.core.settings import groups
from daxa_gui.core.software import SoftwareStatus
from daxa_gui.core.started_jobs import StartedJobs
from daxa_gui.core.step import Pipeline, Step

Progress = Callable[[float, float | None, str], None]


class ReductionVerbs(ArchiveVerbs):
    """About the open archive; without one, asking for work raises ArchiveError."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._found_good: set[tuple[Any, ...]] = set()  # steps and settings with which nothing was wrong

    # ---- what there is

    def steps(self, mission: str = "") -> tuple[Step, ...]:
        """Every step, or those for one mission, in the order in which they run."""
        from daxa_gui.reduction import STEPS

        return tuple(step for step in STEPS.values() if not mission or not step.missions or mission in step.missions)

    def pipelines(self) -> tuple[Pipeline, ...]:
        from daxa_gui.reduction.pipelines import PIPELINES

        return tuple(PIPELINES.values())

    def software(self) -> list[SoftwareStatus]:
        """Which reduction software was found, its version, and if not, why and what to do."""
        from daxa_gui.reduction.software import find_software

        names = (*(item.name for item in groups()["Software"]), "caches_folder")
        return find_software({name: self._software_setting(name) for name in names})

    def _software_setting(self, name: str) -> str:
        return str(getattr(self.settings, name, ""))

    def _step_versions(self, steps: Collection[str]) -> Mapping[str, str]:
        """Versions of the software and calibration that the named steps use."""
        from daxa_gui.reduction import STEPS
        from daxa_gui.reduction.software import versions_for

        used = [STEPS[name] for name in STEPS if name in steps]
        names = dict.fromkeys(name for step in used for name in (step.software, *step.calibration) if name != "builtin")
        return versions_for(names, self._software_setting) if names else {}

    def data_to_reduce(self) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
        """(mission, ObsID) of the open archive's observations: those that their missions' own software can begin with, and those
        with a downloaded event list, which the built-in engine can begin with."""
        return self._open.data_to_reduce() if self._open else (frozenset(), frozenset())

    # ---- ordering

    def plan_reduction(self, order: ReductionOrder) -> ReductionPlan:
        """What an order would do: new jobs, repeated ones and why, fresh ones, what is left aside; nothing is stored."""
        return self._here().plan_reduction(self._made_explicit(order))

    def start_reduction(self, order: ReductionOrder, options: RunOptions | None = None) -> StartedJobs:
        """Queue the jobs of an order. `options` hold for this archive from now on."""
        opened = self._here()
        if options is not None:
            opened.set_run_options(options)
        return opened.start_reduction(self._made_explicit(order))

    def commands(self, order: ReductionOrder, limit: int = 500) -> list[ShownCommand]:
        """The exact program calls, at most `limit` of them, of everything that the order asks for, fresh or not."""
        from daxa_gui.reduction.external import recipe_for
        from daxa_gui.reduction.showing import commands_of

        found: list[ShownCommand] = []
        for request, task in self._here().tasks(self._made_explicit(order)):
            if len(found) >= limit:
                break
            found += commands_of(task, recipe_for(request.step, task.arguments), request.unit)
        return found[:limit]

    def shell_script(self, order: ReductionOrder, most_characters: int | None = None) -> str:
        """A bash script that does the same work where the software is set up. Raises InputError for one that is longer than it
        may be."""
        parts, length = [], 0
        for part in self._script_parts(order):
            parts.append(part)
            length += len(part)
            if most_characters is not None and length > most_characters:
                millions = f"{most_characters / 1e6:.3g} million characters"
                raise InputError(f"The script has more than {millions}.", "Save it into a file instead.")
        return "".join(parts)

    def save_script(self, order: ReductionOrder, path: Path) -> None:
        """Write that script as an executable file, whole or not at all; raises FileError."""
        from daxa_gui.archive.script_file import write_script

        write_script(path, self._script_parts(order))

    def _script_parts(self, order: ReductionOrder) -> Iterator[str]:
        from daxa_gui.reduction.external import recipe_for
        from daxa_gui.reduction.showing import script_of

        tasks = self._here().tasks(self._made_explicit(order))
        return script_of((task, recipe_for(request.step, task.arguments), request.title) for request, task in tasks)

    @staticmethod
    def _made_explicit(order: ReductionOrder) -> ReductionOrder:
        from dataclasses import replace

        return order if order.steps or order.pipeline else replace(order, pipeline="builtin")

    def parse_arguments(self, pipeline: str, arguments: Mapping[str, str]) -> dict[str, Any]:
        """« energies_kev » → « 0.5-2 » as values of a pipeline's arguments; raises InputError for unknown or unfit ones."""
        from daxa_gui.reduction.parameters import read_value, telling
        from daxa_gui.reduction.pipelines import expanded, pipeline_named

        if not arguments:
            return {}
        chosen = pipeline_named(pipeline)
        declared = {argument.parameter.name: argument.parameter for argument in chosen.arguments}
        values: dict[str, Any] = {}
        for name, text in arguments.items():
            if name not in declared:
                raise InputError(
                    f"The pipeline « {pipeline} » has no argument « {name} ».",
                    f"It has {', '.join(declared) or 'none'}; parameters of its steps are given as STEP.PARAMETER=VALUE.",
                )
            with telling(f"{name}={text}", declared[name]):
                values[name] = read_value(declared[name], text)
                expanded(chosen, {name: values[name]})
        return values

    def describe_builtin(self, order: ReductionOrder) -> list[str]:
        """The built-in engine's tasks among those of an order, one text each."""
        return self._here().describe_builtin(self._made_explicit(order))

    def executor(self) -> str:
        """Where the open archive's reduction is done: "local", "dask=ADDRESS" or "slurm"."""
        return self._here().sites.chosen if self._open else "local"

    def set_executor(self, text: str) -> None:
        """Do it there from now on; raises InputError for a text that says nothing known. Kept for this archive and user."""
        self._here().sites.choose(text)

    def check_executor(self, text: str, progress: Progress | None = None) -> list[Finding]:
        """What a probe job at « text » finds."""
        return self._here().sites.check(text, progress)

    def present_parameters(self, mission: str = "") -> dict[str, dict[str, Any]]:
        """Step → parameters as an order that gives none would use them for a mission: those ordered last in the open archive,
        else the defaults."""
        if self._open:
            return self._open.present_parameters(mission)
        return {step.name: {one.name: one.default for one in step.parameters} for step in self.steps(mission)}

    def run_options(self) -> RunOptions:
        return self._here().run_options() if self._open else RunOptions()

    def set_run_options(self, options: RunOptions) -> None:
        self._here().set_run_options(options)

    def time_left(self) -> TimeLeft:
        """An estimate for all unfinished reduction jobs."""
        from daxa_gui.archive.time_left import time_left

        if not self._open:
            return TimeLeft(0.0, 0, "No archive is open.")
        return time_left(self._here().store.database, self._lane_limit("local"), time.time())

    # ---- checks

    def doctor(
        self, steps: Sequence[str] = (), progress: Progress | None = None, cancelled: Callable[[], bool] | None = None
    ) -> list[Finding]:
        """Whether everything that the steps need is here and fits; of the open archive's missions if no steps are named, of all
        missions without an archive."""
        from daxa_gui.reduction import STEPS
        from daxa_gui.reduction.doctor import examine

        for name in steps:
            if name not in STEPS:
                raise InputError(f"There is no step « {name} ».", f"Known ones: {', '.join(STEPS)}.")
        folders: list[Any] = [self.archives_folder()]
        names, observed = tuple(steps), self._open.observed() if self._open else []
        if self._open:
            folders.append(self._open.layout.folder)
            if not names:
                names = tuple(step.name for one in observed for step in self.steps(one.mission) if step.missions)
        return examine(
            tuple(dict.fromkeys(names)) or tuple(STEPS), self._software_setting, observations=observed, folders=tuple(folders),
            progress=progress, cancelled=cancelled,
        )  # fmt: skip

    def check_before(self, order: ReductionOrder, progress: Progress | None = None) -> list[Finding]:
        """The faults for which steps of an order would fail on this machine; none where a cluster does the work (that is looked
        at by a probe job). What was found good once is not looked at again while this program runs, unless settings change."""
        from daxa_gui.reduction import STEPS
        from daxa_gui.reduction.chain import is_for, running_steps
        from daxa_gui.reduction.pipelines import pipeline_named

        if self.executor() != "local":
            return []
        order = self._made_explicit(order)
        asked = [name for name in order.steps or pipeline_named(order.pipeline).steps if name in STEPS]
        names = {
            step.name
            for one in self._here().observed()
            if not order.missions or one.mission in order.missions
            for step in running_steps(one.mission, [name for name in asked if is_for(STEPS[name], one.mission)], {})
            if step.software != "builtin"
        }
        known = (frozenset(names), *(self._software_setting(item.name) for item in groups()["Software"]))
        if not names or known in self._found_good:
            return []
        faults = [
            one for one in self.doctor(tuple(name for name in STEPS if name in names), progress) if one.grade is Grade.FAULT
        ]
        if not faults:
            self._found_good.add(known)
        return faults

    def failure_groups(
        self,
        kinds: Sequence[str] = ("reduce",),
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
        severity: Severity = Severity.ERROR,
    ) -> list[FailureGroup]:
        """Failed jobs grouped by cause, the largest group first; with `severity` WARNING what jobs warned of."""
        from daxa_gui.archive.triage import failure_groups

        if not self._open:
            return []
        opened = self._here()
        told = (lambda done, total: progress(done, total, "")) if progress is not None else None
        return failure_groups(opened.layout, opened.store.database, kinds, told, cancelled, severity)

    # ---- earlier results

    def configurations(self) -> list[Configuration]:
        """Earlier results that were kept, newest first."""
        return self._here().configurations.all() if self._open else []

    def compare_configuration(self, name: str) -> list[ComparedProduct]:
        return self._here().configurations.compare(name)

    def earlier_results(self, mission: str, obs_id: str) -> list[EarlierResults]:
        """What each configuration has of an observation of the open archive; none without one."""
        return self._open.configurations.of_observation(mission, obs_id) if self._open else []

    def rename_configuration(self, name: str, new: str, note: str = "") -> None:
        self._here().configurations.rename(name, new, note)

    def remove_configuration(self, name: str) -> int:
        """Delete earlier results for good; how many bytes they had."""
        return self._here().configurations.remove(name)
