"""What is ordered from the missions' software in an open archive: its observations as subjects of steps, previews, jobs.

What was ordered last stands in the table `info`, so that units that are found out later get the jobs that were meant for them,
also after a restart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from daxa_gui.archive.configurations import Configurations
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.jobs import no_garbage_collection
from daxa_gui.archive.portable import portable_requests, resolved
from daxa_gui.archive.standing import TAKEN_OVER, UNDER_WAY, Standing, Standings, parameters_in, stored_parameters
from daxa_gui.archive_order_book import OrderBook
from daxa_gui.archive_reduction import described
from daxa_gui.archive_subjects import Observation
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.reduction_plan import LeftAside, ReductionOrder, ReductionPlan, StepPlan
from daxa_gui.core.step import Call, JobRequest, Level, Outcome, Step, Task

if TYPE_CHECKING:
    from daxa_gui.archive_sites import Sites
    from daxa_gui.execution.queue import Queue
    from daxa_gui.reduction.chain import Chain, Subject

# with which a job's products were made; the task of the job itself may be a later one that failed
_MADE_WITH = """
SELECT coalesce((SELECT h.task FROM products p JOIN history h ON h.path = p.path WHERE p.job_id = jobs.id
    ORDER BY h.id DESC LIMIT 1), task) FROM jobs WHERE id = ?"""
_AT_ONCE = 500  # jobs that are added together


@dataclass(frozen=True)
class _Ordered:
    """An order worked out: requests behind those that they need, and how each stands to what there is."""

    requests: list[JobRequest]
    standings: list[Standing]
    left_aside: list[LeftAside]
    unknown: list[Observation]  # whose units will be found out on the way
    chains: dict[str, Chain]  # by mission


class Ordering(OrderBook):
    """Methods of `OpenArchive`."""

    queue: Queue
    sites: Sites
    configurations: Configurations
    _requests: Callable[..., list[JobRequest]]  # of the built-in engine: see `Reducing`

    # ---- working an order out

    def _work_out(self, order: ReductionOrder) -> _Ordered:
        with no_garbage_collection():
            return self._worked_out(order)

    def _worked_out(self, order: ReductionOrder) -> _Ordered:
        requests: list[JobRequest] = []
        unknown: list[Observation] = []
        missions = self._missions_of(order)
        subjects, left_aside = self._subjects(order, missions)
        chains, alone = self._chains(order, missions)
        builtin = self._builtin_requests(order)
        stored = Standings(self.store.layout, self.store.database, {*chains, *(request.mission for request in builtin)})
        for subject, chain, planned, aside in self._planned_subjects(order, subjects, chains, alone, stored):
            requests += planned
            left_aside += aside
            if subject.units is None and any(step.level is not Level.OBSERVATION for step in chain.steps):
                unknown.append((subject.mission, subject.obs_id))
        requests += builtin
        return _Ordered(requests, stored.compare(requests, again=_asked_again(order)), left_aside, unknown, chains)

    def _planned_subjects(
        self, order: ReductionOrder, subjects: Iterable[Subject], chains: Mapping[str, Chain], alone: Mapping[Observation, Chain],
        stored: Standings,
    ) -> Iterator[tuple[Subject, Chain, list[JobRequest], list[LeftAside]]]:  # fmt: skip
        """One observation after the other: with its units if they are known, its steps, its jobs, and what none are made for."""
        from daxa_gui.reduction.chain import plan_observation

        units = self._units(chains)
        for subject in subjects:
            one = (subject.mission, subject.obs_id)
            chain = alone.get(one, chains[subject.mission])
            if one in units and self._still_holds(subject, chain, stored):
                subject = replace(subject, units=units[one])
            planned, aside = plan_observation(subject, chain)
            yield subject, chain, self._only(order, planned), aside

    def _builtin_requests(self, order: ReductionOrder) -> list[JobRequest]:
        """Those of the built-in engine's steps among the ordered ones."""
        from daxa_gui.reduction.pipelines import pipeline_named
        from daxa_gui.reduction.planner import BUILTIN

        names = [name for name in (order.steps or pipeline_named(order.pipeline).steps) if name in BUILTIN]
        if not names:
            return []
        own = {step: values for step, values in order.parameters.items() if step in BUILTIN}
        wanted = {*order.observations, *((mission, obs_id) for mission, obs_id, _ in order.units)}
        requests = [
            request
            for request in self._requests(names, own)
            if (not order.missions or request.mission in order.missions)
            and (not wanted or (request.mission, request.obs_id) in wanted)
        ]
        return self._only(order, portable_requests(self.store.layout, requests))

    @staticmethod
    def _still_holds(subject: Subject, chain: Chain, standings: Standings) -> bool:
        """Whether the steps up to `exposures` would not be done anew, so that its answer stays."""
        from daxa_gui.reduction.chain import plan_observation

        planned, _ = plan_observation(subject, chain)
        return all(standing.is_fresh for standing in standings.compare(planned))

    @staticmethod
    def _only(order: ReductionOrder, planned: list[JobRequest]) -> list[JobRequest]:
        """Where single units are asked for: the wanted steps of those, and all that they need."""
        if not order.units:
            return planned
        by_label = {request.label: request for request in planned}
        wanted = set(order.units)
        todo = [request.label for request in planned if (request.mission, request.obs_id, request.unit) in wanted]
        kept: set[str] = set()
        while todo:
            label = todo.pop()
            if label not in kept:
                kept.add(label)
                todo += [need for need in by_label[label].needs if isinstance(need, str)]
        return [request for request in planned if request.label in kept]

    # ---- what it means

    def plan_reduction(self, order: ReductionOrder) -> ReductionPlan:
        """What an order would do; nothing is stored. Raises InputError for unknown steps and parameters that do not fit."""
        ordered = self._work_out(order)
        from daxa_gui.reduction import STEPS

        steps: dict[str, Step] = {request.step: STEPS[request.step] for request in ordered.requests}
        for chain in ordered.chains.values():
            steps |= {step.name: step for step in chain.steps}
        steps = {name: STEPS[name] for name in STEPS if name in steps}
        counts: dict[str, Counter[str]] = {name: Counter() for name in steps}
        why: dict[str, Counter[str]] = {name: Counter() for name in steps}
        for request, standing in zip(ordered.requests, ordered.standings, strict=True):
            count = counts[request.step]
            if standing.is_fresh or standing.state in UNDER_WAY:
                count["fresh"] += 1
            elif standing.job_id:
                count["again"] += 1
                why[request.step][standing.reason] += 1
            else:
                count["new"] += 1
            count["replaced"] += standing.replaces
        plans = tuple(
            StepPlan(
                name, step.label, counts[name]["new"], counts[name]["again"], counts[name]["fresh"],
                0 if step.level is Level.OBSERVATION else sum(self._concerns(step, one) for one in ordered.unknown),
                counts[name]["replaced"], dict(why[name].most_common()),
            )
            for name, step in steps.items()
        )  # fmt: skip
        return ReductionPlan(order, plans, tuple(ordered.left_aside), tuple(self._notes(ordered)))

    @staticmethod
    def _concerns(step: Step, observation: Observation) -> bool:
        return not step.missions or observation[0] in step.missions

    @staticmethod
    def _notes(ordered: _Ordered) -> list[str]:
        if not ordered.unknown:
            return []
        n = len(ordered.unknown)
        return [f"The exposures of {n} observation{'s' if n != 1 else ''} are not known yet: their jobs follow on the way."]

    # ---- doing it

    def start_reduction(self, order: ReductionOrder) -> list[Job]:
        """Remember the order and queue its jobs; results that will be replaced are kept as a configuration."""
        ordered = self._work_out(order)
        if not ordered.requests:
            raise ArchiveError(*_nothing_to_do(order, ordered))
        self._refuse_both_engines(ordered)
        self._refuse_without_software(ordered)
        self._keep_replaced(list(zip(ordered.requests, ordered.standings, strict=True)), order.configuration)
        self._remember(order, list(ordered.chains))
        if order.again:
            again = _asked_again(order)
            pairs = zip(ordered.requests, ordered.standings, strict=True)
            self.store.mark_stale([standing.job_id for request, standing in pairs if request.step in again and standing.job_id])
        jobs: list[Job] = []
        for part in _by_observations(ordered.requests):
            jobs += self.queue.add(part)
        return jobs

    def _refuse_without_software(self, ordered: _Ordered) -> None:
        """Raise ReductionError if software for what would be done is not here: jobs that cannot begin would only let earlier
        results count as out of date. Machines of a cluster have their own."""
        if self.sites.is_cluster:
            return
        pairs = zip(ordered.requests, ordered.standings, strict=True)
        todo = {(one.mission, one.step) for one, standing in pairs if not standing.is_fresh}
        later = {mission for mission, _ in ordered.unknown}
        missing = {
            step.software
            for mission, chain in ordered.chains.items()
            for step in chain.steps
            if (mission in later or (mission, step.name) in todo) and not chain.versions[step.name].get(step.software)
        }
        self.refuse_missing(sorted(missing - {"builtin"}))

    def _refuse_both_engines(self, ordered: _Ordered) -> None:
        from daxa_gui.reduction.agreement import refuse_both_engines

        pairs = zip(ordered.requests, ordered.standings, strict=True)
        marks = ", ".join("?" * len(UNDER_WAY))
        query = f"SELECT DISTINCT mission, obs_id, step FROM jobs WHERE kind = 'reduce' AND state IN ({marks})"
        with self.store.database.reading() as connection:
            busy = connection.execute(query, UNDER_WAY).fetchall()
        refuse_both_engines([(one.mission, one.obs_id, one.step) for one, standing in pairs if not standing.is_fresh], busy)

    def _keep_replaced(self, pairs: Sequence[tuple[JobRequest, Standing]], name: str) -> None:
        replaced = [standing.job_id for _, standing in pairs if standing.replaces]
        self.configurations.keep_no_more([standing.job_id for _, standing in pairs if standing.goes_back])
        if not replaced:
            return
        changed, reasons = self._what_differs(pairs)
        self.configurations.keep(replaced, name or _configuration_name(changed, reasons), changed, "; ".join(reasons[:3]))

    def _what_differs(self, pairs: Iterable[tuple[JobRequest, Standing]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """The parameters that the earlier results were made with, where they differ, and why they are replaced."""
        ids: dict[str, tuple[int, JobRequest]] = {}
        reasons: Counter[str] = Counter()
        for request, standing in pairs:
            if standing.replaces and standing.reason != "its input is made again":
                reasons[f"{request.step}: {standing.reason}"] += 1
                ids.setdefault(request.step, (standing.job_id, request))
        changed: dict[str, dict[str, Any]] = {}
        with self.store.database.reading() as connection:
            for step, (job_id, request) in ids.items():
                row = connection.execute(_MADE_WITH, (job_id,)).fetchone()
                with sensible(self.store.layout.database):
                    before = stored_parameters(row[0])
                after = parameters_in(getattr(request.task, "arguments", {}))
                if differing := {name: value for name, value in before.items() if after.get(name) != value}:
                    changed[step] = differing
        return changed, [reason for reason, _ in reasons.most_common()]

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
        subject = replace(self._subject(about, self._event_paths().get((job.mission, job.obs_id), [])), units=units)
        requests, _ = plan_observation(subject, chain_of(job.mission, steps, given, self._versions(steps)))
        standings = Standings(self.store.layout, self.store.database, [job.mission]).compare(requests)
        self._keep_replaced(list(zip(requests, standings, strict=True)), str(order.get("configuration", "")))
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

        missions = self._missions_of(order)
        subjects, _ = self._subjects(order, missions)
        stored = Standings(self.store.layout, self.store.database, missions)
        for _subject, _chain, planned, _aside in self._planned_subjects(order, subjects, *self._chains(order, missions), stored):
            for request in planned:
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


def _asked_again(order: ReductionOrder) -> frozenset[str]:
    """Steps that are done once more whatever there is: the ones that were named, not those that only come along."""
    from daxa_gui.reduction.pipelines import pipeline_named

    return frozenset(order.steps or pipeline_named(order.pipeline).steps) if order.again else frozenset()


def _by_observations(requests: Sequence[JobRequest]) -> Iterator[list[JobRequest]]:
    """Some hundred requests at a time, whole observations: the first ones run while the last ones are stored, and nobody waits
    long for the queue."""
    part: list[JobRequest] = []
    for _, group in groupby(requests, key=lambda request: (request.mission, request.obs_id)):
        part += group
        if len(part) >= _AT_ONCE:
            yield part
            part = []
    if part:
        yield part


def _nothing_to_do(order: ReductionOrder, ordered: _Ordered) -> tuple[str, str]:
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
            return f"{step} {name} {as_typed(value)}"[:100]
    return f"before {reasons[0]}"[:100] if reasons else "earlier results"
