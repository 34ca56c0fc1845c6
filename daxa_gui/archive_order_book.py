"""The order book of an open archive: what was ordered of the missions' software last, for missions and for single observations.

It stands in the table `info`, so that units that are found out later get the jobs that were meant for them, also after a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from daxa_gui.archive.failures import sensible
from daxa_gui.archive_options import Options, sound_order
from daxa_gui.archive_subjects import Observation, Subjects
from daxa_gui.core.errors import InputError
from daxa_gui.core.reduction_plan import ReductionOrder

if TYPE_CHECKING:
    from daxa_gui.reduction.chain import Chain

ORDERS = "orders"  # entry of the table `info`: "mission" or "mission/ObsID" → {"steps": […], "parameters": {step: {…}}}


class OrderBook(Subjects, Options):
    """Methods of `OpenArchive`."""

    _versions: Callable[[Collection[str]], Mapping[str, str]]  # names of steps → versions of their software and calibration

    def _stored_orders(self) -> dict[str, dict[str, Any]]:
        with sensible(self.store.layout.database):
            return {
                str(name): sound for name, order in self.store.info().get(ORDERS, {}).items() if (sound := sound_order(order))
            }

    def last_order(self, mission: str, obs_id: str = "") -> dict[str, Any]:
        """Steps and parameters that were ordered for a mission so far, or for one observation of it that was ordered alone."""
        return _of(self._stored_orders(), mission, obs_id)

    def present_parameters(self, mission: str) -> dict[str, dict[str, Any]]:
        """Step → parameters as an order that gives none would use them: those ordered last, else the defaults."""
        from daxa_gui.reduction import STEPS
        from daxa_gui.reduction.chain import is_for

        last = self.last_order(mission)["parameters"] if mission else {}
        found = {}
        for name, step in STEPS.items():
            if not mission or is_for(step, mission):
                kept = last.get(name, {})
                found[name] = {one.name: kept.get(one.name, one.default) for one in step.parameters}
        return found

    def _chain(self, order: ReductionOrder, mission: str, last: Mapping[str, Any]) -> Chain:
        """The steps for one mission, or one observation of it. Parameters that the order does not give stay as they were ordered
        `last` (see `last_order`)."""
        from daxa_gui.reduction import STEPS
        from daxa_gui.reduction.chain import chain_of, is_for, running_steps
        from daxa_gui.reduction.pipelines import expanded, pipeline_named

        names, given = tuple(order.steps), {step: dict(values) for step, values in order.parameters.items()}
        if order.pipeline:
            names, own = expanded(pipeline_named(order.pipeline), order.arguments)
            for step, values in own.items():
                given[step] = {**values, **given.get(step, {})}
        for step, values in last["parameters"].items():
            if step in STEPS:
                known = {parameter.name for parameter in STEPS[step].parameters}
                kept = {name: value for name, value in values.items() if name in known}
                given[step] = {**kept, **given.get(step, {})}
        mine = [name for name in names if name not in STEPS or is_for(STEPS[name], mission)]
        asked = {step for step, values in order.parameters.items() if values}
        usable = {step: values for step, values in given.items() if step in STEPS}
        running = {step.name for step in running_steps(mission, mine, usable)}
        if idle := [step for step in sorted(asked - running - set(names)) if step not in STEPS or is_for(STEPS[step], mission)]:
            raise InputError(f"The step « {idle[0]} » does not run, so its parameters cannot be set.", "Add it to the steps.")
        return chain_of(
            mission, mine, {step: values for step, values in usable.items() if step in running}, self._versions(running)
        )

    def _missions_of(self, order: ReductionOrder) -> list[str]:
        """Missions of the archive for which an order has steps."""
        from daxa_gui.reduction import STEPS
        from daxa_gui.reduction.chain import is_for
        from daxa_gui.reduction.pipelines import pipeline_named

        with self.store.database.reading() as connection:
            here = [mission for (mission,) in connection.execute("SELECT DISTINCT mission FROM observations ORDER BY mission")]
        names = order.steps or pipeline_named(order.pipeline).steps
        of_pipeline = pipeline_named(order.pipeline).missions if order.pipeline else ()
        for name in names:
            if name not in STEPS:
                raise InputError(f"There is no step « {name} ».", f"Known ones: {', '.join(STEPS)}.")
        if strange := [mission for mission in order.missions if mission not in here]:
            raise InputError(f"The archive has no observation of {strange[0]}.")
        return [
            mission
            for mission in here
            if (not order.missions or mission in order.missions)
            and (not of_pipeline or mission in of_pipeline)
            and any(STEPS[name].missions and is_for(STEPS[name], mission) for name in names)
        ]

    def _chains(self, order: ReductionOrder, missions: Sequence[str]) -> tuple[dict[str, Chain], dict[Observation, Chain]]:
        """By mission, and for observations that were ordered by themselves before: these keep their own parameters."""
        orders = self._stored_orders()
        chains = {mission: self._chain(order, mission, _of(orders, mission)) for mission in missions}
        alone: dict[Observation, Chain] = {}
        for name in orders:
            mission, slash, obs_id = name.partition("/")
            if slash and mission in chains:
                alone[mission, obs_id] = self._chain(order, mission, _of(orders, mission, obs_id))
        return chains, alone

    def _remember(self, order: ReductionOrder, missions: Sequence[str]) -> None:
        """So that units that are found out later get the same steps and parameters. An order for some observations is theirs; one
        for a whole mission holds for those as well, which keep the parameters that it does not give."""
        orders = self._stored_orders()
        wanted = {*order.observations, *((mission, obs_id) for mission, obs_id, _ in order.units)}
        for mission in missions:
            alone = sorted(obs_id for other, obs_id in wanted if other == mission)
            if not wanted:
                alone = sorted(name.partition("/")[2] for name in orders if name.startswith(f"{mission}/"))
            for obs_id in (*alone, *(() if wanted else ("",))):
                before = _of(orders, mission, obs_id)
                chain = self._chain(order, mission, before)
                steps = [step.name for step in chain.steps]
                orders[f"{mission}/{obs_id}" if obs_id else mission] = {
                    "steps": list(dict.fromkeys((*before["steps"], *steps))),
                    "parameters": {**before["parameters"], **{step: dict(chain.parameters[step]) for step in steps}},
                    "configuration": order.configuration,
                }
        self.store.set_info(ORDERS, orders)


def _of(orders: Mapping[str, dict[str, Any]], mission: str, obs_id: str = "") -> dict[str, Any]:
    return orders.get(f"{mission}/{obs_id}") or orders.get(mission) or {"steps": [], "parameters": {}}
