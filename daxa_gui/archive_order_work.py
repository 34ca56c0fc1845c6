"""An order worked out: which jobs it asks for, observation by observation, and in numbers how they stand to what there is.

An order for a large archive means a hundred thousand jobs. They are made for some observations at a time and let go again: all of
them together would be millions of objects, which take seconds to be looked through and to be freed, with the interpreter's
lock held (see `core.collecting`). What an order means fits in a few numbers; where it is carried out, the jobs are made again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TYPE_CHECKING

from daxa_gui.archive.portable import portable_requests
from daxa_gui.archive.standing import UNDER_WAY, Standing, Standings
from daxa_gui.archive_order_book import OrderBook
from daxa_gui.archive_subjects import Observation
from daxa_gui.core.reduction_plan import LeftAside, ReductionOrder
from daxa_gui.core.step import JobRequest, Level

if TYPE_CHECKING:
    from daxa_gui.reduction.chain import Chain, Subject

_AT_ONCE = 500  # requests that are compared together
_INPUT_AGAIN = "its input is made again"


@dataclass
class Replaced:
    """Ids of jobs whose results would be replaced, or come back, and why."""

    ids: list[int] = field(default_factory=list)
    back: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    first: dict[str, tuple[int, JobRequest]] = field(default_factory=dict)  # step → one that is replaced, and what asks for it

    def note(self, request: JobRequest, standing: Standing) -> None:
        if standing.goes_back:
            self.back.append(standing.job_id)
        if not standing.replaces:
            return
        self.ids.append(standing.job_id)
        if standing.reason != _INPUT_AGAIN:
            self.reasons[f"{request.step}: {standing.reason}"] += 1
            self.first.setdefault(request.step, (standing.job_id, request))


@dataclass
class Ordered:
    """What an order means, in numbers. `chains` and `alone` as `OrderBook._chains` gives them; `known`: observations whose units
    are known and stay so; `unknown`: those whose units will be found out on the way."""

    chains: dict[str, Chain]
    alone: dict[Observation, Chain]
    again: frozenset[str]  # steps that are done once more whatever there is
    n_requests: int = 0
    judged: set[Observation] = field(default_factory=set)  # observations whose data were here
    known: set[Observation] = field(default_factory=set)
    unknown: list[Observation] = field(default_factory=list)
    missing: list[LeftAside] = field(default_factory=list)  # observations whose data are not here
    aside: list[LeftAside] = field(default_factory=list)  # units for which there is nothing to do
    counts: dict[str, Counter[str]] = field(default_factory=dict)  # step → "new", "again", "fresh", "replaced"
    why: dict[str, Counter[str]] = field(default_factory=dict)  # step → reasons for which it is done again
    changed: dict[str, dict[str, None]] = field(default_factory=dict)  # step → names of parameters with another value than before
    todo: dict[tuple[str, str], set[str]] = field(default_factory=dict)  # mission, step → ObsIDs for which it is not fresh
    replaced: Replaced = field(default_factory=Replaced)
    asked_again: list[int] = field(default_factory=list)  # jobs of the steps `again`

    @property
    def left_aside(self) -> tuple[LeftAside, ...]:
        return (*self.missing, *self.aside)

    def note(self, request: JobRequest, standing: Standing) -> None:
        self.n_requests += 1
        step = request.step
        count = self.counts.setdefault(step, Counter())
        if standing.is_fresh or standing.state in UNDER_WAY:
            count["fresh"] += 1
        elif standing.job_id:
            count["again"] += 1
            self.why.setdefault(step, Counter())[standing.reason] += 1
            if standing.changed:
                self.changed.setdefault(step, {}).update(dict.fromkeys(standing.changed))
        else:
            count["new"] += 1
        count["replaced"] += standing.replaces
        if not standing.is_fresh:
            self.todo.setdefault((request.mission, step), set()).add(request.obs_id)
        if step in self.again and standing.job_id:
            self.asked_again.append(standing.job_id)
        self.replaced.note(request, standing)


class OrderWork(OrderBook):
    """Methods of `OpenArchive`."""

    _iter_requests: Callable[..., Iterator[JobRequest]]  # of the built-in engine: see `Reducing`

    def _work_out(self, order: ReductionOrder) -> Ordered:
        """Looks at everything that the order asks for; stores nothing."""
        from daxa_gui.reduction import STEPS

        missions = self._missions_of(order)
        ordered = Ordered(*self._chains(order, missions), _asked_again(order))
        stored = Standings(self.store.layout, self.store.database, STEPS)
        for requests in self._each(order, ordered, stored):
            for request, standing in zip(requests, stored.compare(requests, again=ordered.again), strict=True):
                ordered.note(request, standing)
        return ordered

    def _each(self, order: ReductionOrder, ordered: Ordered, stored: Standings) -> Iterator[list[JobRequest]]:
        """The jobs of whole observations, each behind those that it needs; those of the missions' software first. Notes what is
        left aside and whose units are known."""
        for subject, chain in self._subjects_of(order, ordered, stored):
            planned, aside = _planned(subject, chain)
            ordered.aside += aside
            if subject.units is None and any(step.level is not Level.OBSERVATION for step in chain.steps):
                ordered.unknown.append((subject.mission, subject.obs_id))
            yield _only(order, planned)
        yield from self._builtin(order)

    def _subjects_of(self, order: ReductionOrder, ordered: Ordered, stored: Standings) -> Iterator[tuple[Subject, Chain]]:
        """One observation after the other, with its units if they are known and stay so, and its steps."""
        for portion in self._portions(order, ordered.chains):
            ordered.missing += portion.left_aside
            obs_ids = [subject.obs_id for subject in portion.subjects]
            stored.look_at({portion.mission: obs_ids})
            units = self._units(portion.mission, obs_ids)
            for subject in portion.subjects:
                one = (subject.mission, subject.obs_id)
                ordered.judged.add(one)
                chain = ordered.alone.get(one, ordered.chains[subject.mission])
                if one in units and _still_holds(subject, chain, stored):
                    subject = replace(subject, units=units[one])
                    ordered.known.add(one)
                yield subject, chain

    def _once_more(self, order: ReductionOrder, ordered: Ordered) -> Iterator[list[JobRequest]]:
        """The jobs of an order that was worked out, whole observations: the same ones, whatever was stored of them since.
        What has arrived since then is not among them: how it stands was not looked at."""
        for portion in self._portions(order, ordered.chains):
            obs_ids = [subject.obs_id for subject in portion.subjects]
            units = self._units(portion.mission, obs_ids, whatever=True)
            for subject in portion.subjects:
                one = (subject.mission, subject.obs_id)
                if one not in ordered.judged:
                    continue
                if one in ordered.known:
                    subject = replace(subject, units=units.get(one))
                yield _only(order, _planned(subject, ordered.alone.get(one, ordered.chains[subject.mission]))[0])
        yield from self._builtin(order)

    def _builtin(self, order: ReductionOrder) -> Iterator[list[JobRequest]]:
        """Those of the built-in engine's steps among the ordered ones, some whole observations at a time."""
        groups = groupby(self._builtin_requests(order), key=lambda request: (request.mission, request.obs_id))
        for part in in_parts((list(group) for _, group in groups), _AT_ONCE):
            yield _only(order, part)

    def _builtin_requests(self, order: ReductionOrder) -> Iterator[JobRequest]:
        from daxa_gui.reduction.pipelines import pipeline_named
        from daxa_gui.reduction.planner import BUILTIN

        names = [name for name in (order.steps or pipeline_named(order.pipeline).steps) if name in BUILTIN]
        if not names:
            return
        own = {step: values for step, values in order.parameters.items() if step in BUILTIN}
        wanted = {*order.observations, *((mission, obs_id) for mission, obs_id, _ in order.units)}
        for request in self._iter_requests(names, own):
            is_of = not order.missions or request.mission in order.missions
            if is_of and (not wanted or (request.mission, request.obs_id) in wanted):
                yield from portable_requests(self.store.layout, [request])


def _planned(subject: Subject, chain: Chain) -> tuple[list[JobRequest], list[LeftAside]]:
    from daxa_gui.reduction.chain import plan_observation

    return plan_observation(subject, chain)


def _still_holds(subject: Subject, chain: Chain, standings: Standings) -> bool:
    """Whether the steps up to `exposures` would not be done anew, so that its answer stays."""
    return all(standing.is_fresh for standing in standings.compare(_planned(subject, chain)[0]))


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


def about_these(order: ReductionOrder, observations: Collection[Observation]) -> ReductionOrder:
    """The part of an order that is about some of its observations; what is done by then is not asked for once more."""
    units = tuple(unit for unit in order.units if unit[:2] in observations)
    return replace(order, observations=() if units else tuple(observations), units=units, again=False)


def _asked_again(order: ReductionOrder) -> frozenset[str]:
    """Steps that are done once more whatever there is: the ones that were named, not those that only come along."""
    from daxa_gui.reduction.pipelines import pipeline_named

    return frozenset(order.steps or pipeline_named(order.pipeline).steps) if order.again else frozenset()


def in_parts(observations: Iterable[list[JobRequest]], at_once: int) -> Iterator[list[JobRequest]]:
    """At least so many requests at a time (but the last), whole observations."""
    part: list[JobRequest] = []
    for requests in observations:
        part += requests
        if len(part) >= at_once:
            yield part
            part = []
    if part:
        yield part


def pairs_of(todo: Mapping[tuple[str, str], Iterable[str]]) -> Iterator[tuple[str, str, str]]:
    """(mission, ObsID, step) of what is not fresh."""
    return ((mission, obs_id, step) for (mission, step), obs_ids in todo.items() for obs_id in obs_ids)
