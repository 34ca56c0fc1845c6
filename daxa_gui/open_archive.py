"""An archive that is open: its store, its queue and the worker processes joined; what the session's archive verbs delegate to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from daxa_gui.archive import job_logs, trust
from daxa_gui.archive.failures import sensible
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.exposures import Exposure, Verdict
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import Call, JobRequest
from daxa_gui.core.timeseries import FlareParameters

Unit = tuple[str, str, str]  # mission, ObsID, instrument + sub-exposure


def plan_request(
    mission: str, row: Mapping[str, Any], raw_folder: Path, instruments: Sequence[str] = (), kinds: Sequence[str] = ()
) -> JobRequest:
    """See `downloading.plan_request`, which is imported when it is needed."""
    from daxa_gui import downloading

    return downloading.plan_request(mission, row, raw_folder, instruments, kinds)


class OpenArchive:
    """Opening continues what was interrupted, unless `start_queue` is false. Methods may be called from any thread."""

    def __init__(
        self,
        store: ArchiveStore,
        *,
        bus: Bus,
        start: Callable[[Callable[[], None]], None],
        workers: Any,
        service_url: Callable[[str], str],
        connections_per_host: int,
        cores: int,
        start_queue: bool = True,
    ) -> None:
        from daxa_gui.execution.executors import PoolExecutor
        from daxa_gui.execution.queue import Queue
        from daxa_gui.execution.runner import Runner

        self.store = store
        self.layout = store.layout
        self._summary: ArchiveSummary | None = None
        runner = Runner(
            store,
            workers,
            service_url=service_url,
            work_folder=lambda job: str(self.layout.work_folder(job.id)),
            open_log=lambda job: job_logs.JobLogFile(self.layout.log_path(job.id)),
            check_task=lambda task: trust.check_task(task, self.layout),
        )
        self.queue = Queue(
            store,
            bus,
            runner,
            PoolExecutor(start),
            limits=lambda lane: cores if lane == "local" else connections_per_host,
        )
        store.hold(trust.hold_command)
        if start_queue:
            self.queue.start()

    @property
    def summary(self) -> ArchiveSummary:
        if self._summary is None:
            self._summary = self.store.summary()
        return self._summary

    def close(self) -> None:
        self.queue.close()
        self.store.close()

    # ---- observations and downloads

    def add_selections(self, chosen: Sequence[tuple[Selection, Sequence[Mapping[str, Any]]]]) -> None:
        self.store.add_selections(chosen)
        self._summary = None

    def download(self, *, again: bool = False) -> list[Job]:
        """Plan the downloads of every observation; files that are here and whole are not fetched again."""
        requests = [
            plan_request(o.mission, o.row, self.layout.raw_folder(o.mission, o.obs_id), o.instruments, o.kinds)
            for o in self.store.observations()
        ]
        return self.queue.add(requests, again=again)

    def continue_download(self) -> list[Job]:
        """Plan what was never planned and try again what failed or was cancelled; the rest goes on by itself."""
        planned = self.download()
        ended_badly = (JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED)
        again = [job.id for job in self.store.jobs("download") if job.state in ended_badly]
        return [*planned, *self.queue.retry(again)]

    def disk_use(self) -> dict[str, int]:
        to_come = sum(
            max(0.0, (job.total or 0.0) - job.done) for job in self.store.jobs("download") if job.state is not JobState.SUCCEEDED
        )
        return {
            "used_bytes": sum(product.size_bytes for product in self.store.products()),
            "free_bytes": shutil.disk_usage(self.layout.folder).free,
            "to_come_bytes": int(to_come),
        }

    def read_log(self, job_id: int, offset: int) -> tuple[str, int]:
        return job_logs.read_from(self.layout.log_path(job_id), offset)

    # ---- reduction

    def _raw_lists(self) -> list[Product]:
        return [p for p in self.store.products() if p.key.kind is ProductKind.EVENTS]

    def _overrides(self) -> dict[str, dict[str, Any]]:
        """Flare parameters that a person gave for single exposures, by « mission/ObsID/unit »."""
        with sensible(self.layout.database):
            return {str(unit): dict(values) for unit, values in self.store.info().get("overrides", {}).items()}

    def _requests(
        self, steps: Sequence[str] | None, parameters: Mapping[str, Mapping[str, Any]], only: Unit | None = None
    ) -> list[JobRequest]:
        from daxa_gui.reduction import planner

        requests: list[JobRequest] = []
        overrides = self._overrides()
        for raw in self._raw_lists():
            unit = (raw.key.mission, raw.key.obs_id, raw.key.unit)
            if only is not None and unit != only:
                continue
            chosen = {name: dict(values) for name, values in parameters.items()}
            if (override := overrides.get("/".join(unit))) is not None:
                chosen["flares"] = {**chosen.get("flares", {}), **override}
            requests += planner.plan(raw.key, raw.path, steps, chosen, lambda key: str(self.layout.product_path(key)))
        return requests

    def reduce(
        self, steps: Sequence[str] | None, parameters: Mapping[str, Mapping[str, Any]], only: Unit | None = None
    ) -> list[Job]:
        requests = self._requests(steps, parameters, only)
        if not requests:
            raise ArchiveError("There is no event list to reduce yet.", "Wait for the first download to arrive.")
        return self.queue.add(requests)

    def describe(self, steps: Sequence[str] | None, parameters: Mapping[str, Mapping[str, Any]]) -> list[str]:
        wanted = set(steps) if steps else None
        lines = []
        for request in self._requests(steps, parameters):
            if wanted is not None and request.step not in wanted:
                continue
            task = request.task
            if isinstance(task, Call):
                arguments = ", ".join(f"{name}={value!r}" for name, value in task.arguments.items())
                lines.append(f"{task.target.replace(':', '.')}({arguments})")
            else:
                lines.append(" ".join(task.argv))
        return lines

    # ---- exposures and verdicts

    def exposures(self) -> list[Exposure]:
        """One per raw event list, with the newest outcome of its steps."""
        made: dict[Unit, dict[ProductKind, list[Product]]] = {}
        for product in self.store.products():
            kinds = made.setdefault((product.key.mission, product.key.obs_id, product.key.unit), {})
            kinds.setdefault(product.key.kind, []).append(product)
        jobs: dict[tuple[Unit, str], Job] = {}
        for job in self.store.jobs("reduce"):
            jobs[(job.mission, job.obs_id, job.unit), job.step] = job
        verdicts = self.store.verdicts()
        return [
            self._exposure(raw, unit, kinds, jobs, verdicts)
            for unit, kinds in made.items()
            for raw in kinds.get(ProductKind.EVENTS, [])
        ]

    @staticmethod
    def _exposure(
        raw: Product, unit: Unit, kinds: Mapping[ProductKind, list[Product]], jobs: Mapping[tuple[Unit, str], Job],
        verdicts: Mapping[Unit, Verdict],
    ) -> Exposure:  # fmt: skip
        def one(kind: ProductKind) -> Product | None:
            return next(iter(kinds.get(kind, [])), None)

        steps = [jobs.get((unit, step)) for step in ("prepare", "flares")]
        excluded = next((job.reason for job in steps if job is not None and job.reason), "")
        return Exposure(
            raw.key.mission, raw.key.obs_id, raw.key.instrument, raw.key.exposure, raw,
            clean=one(ProductKind.CLEAN_EVENTS), gti=one(ProductKind.GTI), lightcurve=one(ProductKind.LIGHTCURVE),
            images=tuple(kinds.get(ProductKind.IMAGE, [])), flares=jobs.get((unit, "flares")), excluded=excluded,
            verdict=verdicts.get(unit, Verdict()),
        )  # fmt: skip

    def override(self, exposure: Exposure, parameters: FlareParameters, note: str) -> list[Job]:
        """Remember the parameters for this exposure and run « flares » and what follows with them."""
        unit = (exposure.mission, exposure.obs_id, exposure.unit)
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


def list_downloads(
    observations: Iterable[tuple[str, Mapping[str, Any]]], service_url: Callable[[str], str], output: Path
) -> dict[str, Any]:
    """See `downloading.list_downloads`, which is imported when it is needed."""
    from daxa_gui import downloading

    return downloading.list_downloads(observations, service_url, output)
