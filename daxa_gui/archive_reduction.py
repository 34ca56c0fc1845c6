"""What of an open archive is reduced, how, and what came of it: raw lists of the chosen instruments, requests, exposures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from daxa_gui.archive.exposure_jobs import jobs_of_exposures
from daxa_gui.archive.exposures import ExposureBook
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.portable import portable_requests
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.version_words import parameters_of
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.exposures import Exposure, Verdict
from daxa_gui.core.job import Job
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.step import Call, JobRequest, Task
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.missions import MISSIONS
from daxa_gui.missions.instrument_choice import is_wanted, own_instrument

if TYPE_CHECKING:
    from daxa_gui.execution.queue import Queue

Unit = tuple[str, str, str]  # mission, ObsID, instrument + sub-exposure
Parameters = Mapping[str, Mapping[str, Any]]  # step → parameter → value


class Reducing:
    """Methods of `OpenArchive`."""

    store: ArchiveStore
    queue: Queue

    def _add(self, requests: Sequence[JobRequest], *, again: bool = False) -> list[Job]:
        """Ask the queue for these jobs. Their paths are stored so that the archive can be moved."""
        return self.queue.add(portable_requests(self.store.layout, requests), again=again)

    # ---- what there is to reduce

    def _raw_lists(self) -> Iterator[tuple[Product, ProductKey, tuple[str, ...]]]:
        """Raw event lists of chosen instruments, each with the key of what is reduced of it and the chosen instruments."""
        from daxa_gui.reduction.unit import unit_key

        chosen_of = self._choice()
        for raw in self.store.products():
            if raw.key.kind is ProductKind.EVENTS and (chosen := chosen_of(raw.key)) is not None:
                yield raw, unit_key(raw.key, chosen)[0], chosen

    def _choice(self) -> Callable[[ProductKey], tuple[str, ...] | None]:
        """What tells of a list its observation's chosen instruments; None for one that is of none of them."""
        about = {(one.mission, one.obs_id): one for one in self.store.observations()}

        def chosen_of(key: ProductKey) -> tuple[str, ...] | None:
            observation = about.get((key.mission, key.obs_id))
            chosen = observation.instruments if observation is not None else ()
            spec = MISSIONS.get(key.mission)
            row = observation.row if observation is not None else {}
            is_chosen = spec is not None and is_wanted(spec, own_instrument(spec, key.instrument, row), chosen)
            return chosen if is_chosen else None

        return chosen_of

    def _overrides(self) -> dict[str, dict[str, Any]]:
        """Flare parameters that a person gave for single exposures, by « mission/ObsID/unit »."""
        with sensible(self.store.layout.database):
            return {str(unit): dict(values) for unit, values in self.store.info().get("overrides", {}).items()}

    def _requests(self, steps: Sequence[str] | None, parameters: Parameters, only: Unit | None = None) -> list[JobRequest]:
        return list(self._iter_requests(steps, parameters, only))

    def _iter_requests(
        self, steps: Sequence[str] | None, parameters: Parameters, only: Unit | None = None
    ) -> Iterator[JobRequest]:  # fmt: skip
        """One event list after the other, those of an observation together."""
        overrides = self._overrides()
        for raw, key, chosen in self._raw_lists():
            if only is None or (key.mission, key.obs_id, key.unit) == only:
                yield from self._planned(raw, key, chosen, steps, parameters, overrides)

    def _planned(
        self, raw: Product, key: ProductKey, chosen: Sequence[str], steps: Sequence[str] | None, parameters: Parameters,
        overrides: Parameters,
    ) -> list[JobRequest]:  # fmt: skip
        from daxa_gui.reduction import planner

        given = {name: dict(values) for name, values in parameters.items()}
        if (override := overrides.get(f"{key.mission}/{key.obs_id}/{key.unit}")) is not None:
            given["flares"] = {**given.get("flares", {}), **override}
        layout = self.store.layout
        return planner.plan(raw.key, raw.path, steps, given, lambda one: str(layout.product_path(one)), chosen)

    def reduce(self, steps: Sequence[str] | None, parameters: Parameters, only: Unit | None = None) -> list[Job]:
        requests = self._requests(steps, parameters, only)
        if not requests:
            raise ArchiveError("There is no event list to reduce yet.", "Wait for the first download to arrive.")
        return self._add(requests)

    def describe(self, steps: Sequence[str] | None, parameters: Parameters) -> list[str]:
        wanted = set(steps) if steps else None
        requests = self._requests(steps, parameters)
        return [described(request.task) for request in requests if wanted is None or request.step in wanted]

    # ---- what is new

    def reduced_missions(self) -> set[str]:
        """Missions of which something was reduced."""
        with self.store.database.reading() as connection:
            return {mission for (mission,) in connection.execute("SELECT DISTINCT mission FROM jobs WHERE kind = 'reduce'")}

    def last_parameters(self, mission: str) -> dict[str, dict[str, Any]]:
        """The parameters with which each step was run last for a mission; those of exposures that a person treated by hand do
        not count. Steps that never ran have no entry."""
        from daxa_gui.reduction import STEPS

        by_hand = self._overrides()
        found: dict[str, dict[str, Any]] = {}
        with self.store.database.reading() as connection:
            for name in STEPS:
                rows = connection.execute(
                    "SELECT obs_id, unit, task FROM jobs WHERE kind = 'reduce' AND step = ? AND mission = ?"
                    " ORDER BY coalesce(started, 0) DESC, id DESC LIMIT 100",
                    (name, mission),
                ).fetchall()
                own = [task for obs_id, unit, task in rows if f"{mission}/{obs_id}/{unit}" not in by_hand]
                if own:
                    with sensible(self.store.layout.database):
                        given = parameters_of(json.loads(own[0]), STEPS[name])
                    known = {parameter.name for parameter in STEPS[name].parameters}
                    found[name] = {key: value for key, value in given.items() if key in known}
        return found

    def reduce_new(self, missions: Collection[str]) -> list[Job]:
        """Reduce the lists of these missions that nothing was done with yet, as the others were reduced last."""
        with self.store.database.reading() as connection:
            done = set(connection.execute("SELECT DISTINCT mission, obs_id, unit FROM jobs WHERE kind = 'reduce'"))
        overrides = self._overrides()
        last: dict[str, dict[str, dict[str, Any]]] = {}
        requests: list[JobRequest] = []
        for raw, key, chosen in self._raw_lists():
            if key.mission not in missions or (key.mission, key.obs_id, key.unit) in done:
                continue
            if key.mission not in last:
                last[key.mission] = self.last_parameters(key.mission)
            if steps := list(last[key.mission]):
                requests += self._planned(raw, key, chosen, steps, last[key.mission], overrides)
        return self._add(requests) if requests else []

    # ---- exposures and verdicts

    def exposures(self) -> list[Exposure]:
        """One per downloaded event list of a chosen instrument and per unit of which the mission's software calibrated one, with
        all lists that there are of it and the newest outcome of its steps."""
        products = self.store.products()
        jobs = jobs_of_exposures(self.store.layout, self.store.database)
        book = ExposureBook(products, jobs, self.store.verdicts(), _made_by, _is_external)
        chosen_of = self._choice()
        lists = [(raw, key) for raw, key, _ in self._raw_lists()]
        return book.exposures(lists, lambda key: chosen_of(key) is not None)

    def override(self, exposure: Exposure, parameters: FlareParameters, note: str) -> list[Job]:
        """Remember the parameters for this exposure and run « flares » and what follows with them.

        Raises
        ------
        ArchiveError : its event list was made by the mission's software, which also finds its good time.
        """
        unit = (exposure.mission, exposure.obs_id, exposure.unit)
        if exposure.raw.key.kind is ProductKind.CALIBRATED_EVENTS:
            raise ArchiveError(
                "The event list of this exposure was made by the mission's software, which also finds its good time.",
                "Change the parameters of that step (espfilt, deflare, nupipeline …), and reduce again.",
            )
        overrides = self._overrides()
        values = {name: value for name, value in asdict(parameters).items() if value not in (None, ())}
        overrides["/".join(unit)] = values
        self.store.set_info("overrides", overrides)
        self.store.set_verdict(*unit, Verdict("overridden", note, time.time()))
        return self.reduce(None, {}, only=unit)

    def set_verdict(self, exposure: Exposure, state: str, note: str) -> None:
        if state not in ("", "accepted", "flagged", "overridden"):
            raise InputError(f"« {state} » is not a verdict.", "Use accepted or flagged.")
        self.store.set_verdict(exposure.mission, exposure.obs_id, exposure.unit, Verdict(state, note, time.time()))

    def verdict(self, exposure: Exposure) -> Verdict:
        return self.store.verdicts().get((exposure.mission, exposure.obs_id, exposure.unit), Verdict())


def described(task: Task) -> str:
    """A task as a person may read it."""
    if not isinstance(task, Call):
        return " ".join(task.argv)
    arguments = ", ".join(f"{name}={value!r}" for name, value in task.arguments.items())
    return f"{task.target.replace(':', '.')}({arguments})"


_AUTHORS = {"builtin": "built-in engine", "sas": "SAS", "esass": "eSASS", "ciao": "CIAO", "heasoft": "NuSTARDAS"}


def _made_by(job: Job) -> str:
    """Who made the products of a job, for people; "" where the step is not known (any more)."""
    from daxa_gui.reduction import STEPS

    step = STEPS.get(job.step)
    return _AUTHORS.get(step.software, step.software) if step is not None else ""


def _is_external(job: Job) -> bool:
    return _made_by(job) not in ("", _AUTHORS["builtin"])
