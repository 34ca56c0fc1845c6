"""What is ordered from the missions' software in an open archive: its observations as subjects of steps, previews, jobs.

What was ordered last stands in the table `info`, so that units that are found out later get the jobs that were meant for them,
also after a restart.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from daxa_gui.archive.configurations import Configurations
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.portable import resolved
from daxa_gui.archive.standing import TAKEN_OVER, UNDER_WAY, Standings, parameters_in, stored_parameters
from daxa_gui.archive_order_work import Ordered, OrderWork, Replaced, about_these, in_parts, pairs_of
from daxa_gui.archive_reduction import described
from daxa_gui.archive_subjects import Observation
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.parameter_words import one_line
from daxa_gui.core.reduction_plan import ReductionOrder, ReductionPlan, StepPlan
from daxa_gui.core.started_jobs import StartedJobs
from daxa_gui.core.step import Call, JobRequest, Level, Outcome, Step, Task

if TYPE_CHECKING:
    from daxa_gui.archive_sites import Sites
    from daxa_gui.execution.queue import Queue

# with which a job's products were made; the task of the job itself may be a later one that failed
_MADE_WITH = """
SELECT coalesce((SELECT h.task FROM products p JOIN history h ON h.path = p.path WHERE p.job_id = jobs.id
    ORDER BY h.id DESC LIMIT 1), task) FROM jobs WHERE id = ?"""


class Ordering(OrderWork):
    """Methods of `OpenArchive`."""

    queue: Queue
    sites: Sites
    configurations: Configurations
    _one_order: threading.Lock  # held while an order is worked out and stored

    # ---- what it means

    def plan_reduction(self, order: ReductionOrder) -> ReductionPlan:
        """What an order would do; nothing is stored. Raises InputError for unknown steps and parameters that do not fit."""
        ordered = self._work_out(order)
        from daxa_gui.reduction import STEPS

        names = {*ordered.counts, *(step.name for chain in ordered.chains.values() for step in chain.steps)}
        steps: dict[str, Step] = {name: STEPS[name] for name in STEPS if name in names}
        counts = {name: ordered.counts.get(name, Counter()) for name in steps}
        why = {name: ordered.why.get(name, Counter()) for name in steps}
        plans = tuple(
            StepPlan(
                name, step.label, counts[name]["new"], counts[name]["again"], counts[name]["fresh"],
                0 if step.level is Level.OBSERVATION else sum(self._concerns(step, one) for one in ordered.unknown),
                counts[name]["replaced"], dict(why[name].most_common()), tuple(ordered.changed.get(name, ())),
            )
            for name, step in steps.items()
        )  # fmt: skip
        return ReductionPlan(order, plans, ordered.left_aside, tuple(self._notes(ordered)))

    @staticmethod
    def _concerns(step: Step, observation: Observation) -> bool:
        return not step.missions or observation[0] in step.missions

    @staticmethod
    def _notes(ordered: Ordered) -> list[str]:
        if not ordered.unknown:
            return []
        n = len(ordered.unknown)
        return [f"The exposures of {n} observation{'s' if n != 1 else ''} are not known yet: their jobs follow on the way."]

    # ---- doing it

    def start_reduction(self, order: ReductionOrder) -> StartedJobs:
        """Remember the order and queue its jobs; results that will be replaced are kept as a configuration. An order that another
        thread gives meanwhile waits, so that it sees what this one has changed."""
        with self._one_order:
            ordered = self._work_out(order)
            if not ordered.n_requests:
                raise ArchiveError(*_nothing_to_do(order, ordered))
            self._refuse_both_engines(ordered)
            self._refuse_without_software(ordered)
            self._keep_replaced(ordered.replaced, order.configuration)
            self._remember(order, list(ordered.chains))
            started = StartedJobs(self.store.get_all)
            self._add_ordered(order, ordered, started)
            # What exposures found before the order was remembered got the jobs of the order before it.
            if late := self._with_units(ordered.unknown):
                rest = about_these(order, late)
                ordered = self._work_out(rest)
                self._keep_replaced(ordered.replaced, order.configuration)
                self._add_ordered(rest, ordered, started)
            return started

    def _add_ordered(self, order: ReductionOrder, ordered: Ordered, started: StartedJobs) -> None:
        if ordered.asked_again:
            self.store.mark_stale(ordered.asked_again)
        # The first ones run while the last ones are stored, and nobody waits long for the queue.
        for part in in_parts(self._once_more(order, ordered), self.queue.many):
            started.note(self.queue.add(part))

    def _refuse_without_software(self, ordered: Ordered) -> None:
        """Raise ReductionError if software for what would be done is not here: jobs that cannot begin would only let earlier
        results count as out of date. Machines of a cluster have their own."""
        if self.sites.is_cluster:
            return
        later = {mission for mission, _ in ordered.unknown}
        missing = {
            step.software
            for mission, chain in ordered.chains.items()
            for step in chain.steps
            if (mission in later or (mission, step.name) in ordered.todo) and not chain.versions[step.name].get(step.software)
        }
        self.refuse_missing(sorted(missing - {"builtin"}))

    def _refuse_both_engines(self, ordered: Ordered) -> None:
        from daxa_gui.reduction.agreement import refuse_both_engines

        marks = ", ".join("?" * len(UNDER_WAY))
        query = f"SELECT DISTINCT mission, obs_id, step FROM jobs WHERE kind = 'reduce' AND state IN ({marks})"
        with self.store.database.reading() as connection:
            refuse_both_engines(pairs_of(ordered.todo), connection.execute(query, UNDER_WAY))

    def _keep_replaced(self, replaced: Replaced, name: str) -> None:
        self.configurations.keep_no_more(replaced.back)
        if not replaced.ids:
            return
        changed, reasons = self._what_differs(replaced)
        self.configurations.keep(replaced.ids, name or _configuration_name(changed, reasons), changed, "; ".join(reasons[:3]))

    def _what_differs(self, replaced: Replaced) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """The parameters that the earlier results were made with, where they differ, and why they are replaced."""
        changed: dict[str, dict[str, Any]] = {}
        with self.store.database.reading() as connection:
            for step, (job_id, request) in replaced.first.items():
                row = connection.execute(_MADE_WITH, (job_id,)).fetchone()
                with sensible(self.store.layout.database):
                    before = stored_parameters(row[0])
                after = parameters_in(getattr(request.task, "arguments", {}))
                if differing := {name: value for name, value in before.items() if after.get(name) != value}:
                    changed[step] = differing
        return changed, [reason for reason, _ in replaced.reasons.most_common()]

    def follow_ups(self, job: Job, outcome: Outcome) -> Sequence[JobRequest]:
        """The jobs for the units that `exposures` has just found, as they were ordered last; stored together with its outcome."""
        from daxa_gui.reduction import STEPS
        from daxa_gui.reduction.chain import chain_of, plan_observation

        units = outcome.facts.get("units")
        about = self.store.observation(job.mission, job.obs_id) if job.step == "exposures" and not outcome.stop else None
        if about is None or not isinstance(units, list):
            return ()
        order = self.last_order(job.mission, job.obs_id)
        steps = [name for name in order["steps"] if name in STEPS]
        given = {name: values for name, values in order["parameters"].items() if name in steps}
        events = self._event_paths(job.mission, [job.obs_id]).get((job.mission, job.obs_id), [])
        subject = replace(self._subject(about, events), units=units)
        requests, _ = plan_observation(subject, chain_of(job.mission, steps, given, self._versions(steps)))
        replaced = Replaced()
        stored = Standings(self.store.layout, self.store.database, STEPS)
        for request, standing in zip(requests, stored.compare(requests), strict=True):
            replaced.note(request, standing)
        self._keep_replaced(replaced, str(order.get("configuration", "")))
        return requests

    def task_to_run(self, job: Job) -> Task:
        """A job's task with the paths of here. One that goes on with some of its needs works on the exposures of those only: what
        an earlier run left of an exposure that failed since is not taken."""
        Standings.refuse_replaced_input(self.store.database, job)
        task = resolved(self.store.layout, job.task)
        facts = task.arguments.get("facts") if isinstance(task, Call) and isinstance(task.arguments, dict) else None
        exposures = facts.get("exposures") if job.one_is_enough and isinstance(facts, dict) else None
        if not isinstance(task, Call) or not isinstance(exposures, list):
            return task
        good = {
            need.unit.removeprefix(job.unit)
            for need in self.store.get_all(job.needs)
            if need.state is JobState.SUCCEEDED and not need.reason
        }
        chosen = [one for one in exposures if isinstance(one, dict) and one.get("exposure") in good]
        return replace(task, arguments={**task.arguments, "facts": {**task.arguments["facts"], "exposures": chosen}})

    # ---- the commands

    def tasks(self, order: ReductionOrder) -> Iterator[tuple[JobRequest, Call]]:
        """The jobs of the missions' software that an order asks for, whether they are fresh or not, with their tasks as they
        would run here; worked out one observation after the other, as they are asked for."""
        from daxa_gui.reduction import STEPS

        ordered = Ordered(*self._chains(order, self._missions_of(order)), frozenset())
        stored = Standings(self.store.layout, self.store.database)
        for request in (request for requests in self._each(order, ordered, stored) for request in requests):
            if STEPS[request.step].software != "builtin":
                task = resolved(self.store.layout, request.task)
                assert isinstance(task, Call)
                yield request, task

    def describe_builtin(self, order: ReductionOrder) -> list[str]:
        """The tasks of the built-in engine's steps, as a person may read them."""
        layout, wanted = self.store.layout, set(order.steps)
        return [
            described(resolved(layout, request.task))
            for request in self._builtin_requests(order)
            if not wanted or request.step in wanted
        ]


def _nothing_to_do(order: ReductionOrder, ordered: Ordered) -> tuple[str, str]:
    if order.units and ordered.unknown:
        obs_id = ordered.unknown[0][1]
        return (
            f"The exposures of {obs_id} are not known yet, so single ones cannot be reduced.",
            "Run the step « Exposures » first.",
        )
    if ordered.left_aside:
        one = ordered.left_aside[0]
        return f"Nothing of this can be reduced yet: {one.obs_id} {one.unit}".rstrip() + f": {one.reason}", ""
    return "The archive has nothing that these steps are for.", "Choose other steps, or another mission's."


def _configuration_name(changed: Mapping[str, Mapping[str, Any]], reasons: Sequence[str]) -> str:
    """« espfilt allowed_sigma 3 » after the first parameter that differs, else after the reason; what DAXA made has one name."""
    from daxa_gui.reduction.parameters import as_typed

    if any(reason.endswith(TAKEN_OVER) for reason in reasons):
        return "taken over from DAXA"
    for step, values in changed.items():
        for name, value in values.items():
            return one_line(f"{step} {name} {as_typed(value)}"[:100])
    return f"before {reasons[0]}"[:100] if reasons else "earlier results"
