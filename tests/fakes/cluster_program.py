"""Everything below the session with its work on some executor: an archive, its queue, and what tests ask about what happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.archive.job_logs import JobLogFile, read_from
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.events import Notice
from daxa_gui.core.job import Job
from daxa_gui.core.settings import Settings, changed
from daxa_gui.core.step import Call, JobRequest, Place
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.runner import Runner
from daxa_gui.execution.site_names import make_site, wanted_by
from daxa_gui.execution.worker_pool import WorkerPool
from tests.fakes.execution import request

TASKS = "tests.fakes.cluster_tasks:"


class Program:
    """`executor` is what a person writes; `values` are settings."""

    def __init__(
        self, folder: Path, executor: str = "local", *, patience_s: float = 20.0, command_limit_s: float = 0.0, **values: Any
    ) -> None:
        self.folder = folder
        self.layout = OutputLayout(folder / "out put").archive("a")
        try:
            self.store = ArchiveStore.open(self.layout)
        except ArchiveError:
            self.store = ArchiveStore.create(self.layout)
        self.bus = Bus()
        self.box = self.bus.subscribe()
        self.workers = WorkerPool(1, allowed=("tests.",), grace_s=0.5)
        self.settings = changed(Settings(), **values)
        self.site = make_site(
            executor, archive_folder=self.layout.folder, archive="a", settings=lambda: self.settings,
            state_folder=folder / "state", allowed=("tests.",), is_wanted=wanted_by(self.store),
            on_capacity=lambda: self.queue.look_again(), patience_s=patience_s,
        )  # fmt: skip
        runner = Runner(
            self.store, self.workers, service_url=lambda name: f"http://127.0.0.1:1/{name}",
            work_folder=lambda job: str(self.layout.work_folder(job.id)), open_log=lambda job: JobLogFile(job.log_path),
            allowed=("tests.",), grace_s=0.5, command_limit_s=lambda: command_limit_s, site=lambda job: self.site,
            setting=lambda name: str(getattr(self.settings, name)),
        )  # fmt: skip
        self.queue = Queue(
            self.store, self.bus, runner, PoolExecutor(start_thread), limits=lambda lane: self.site.capacity() if self.site else 4
        )
        self.queue.start()

    def notices(self) -> list[Notice]:
        """Those since the last time."""
        return [event for event in self.box.drain() if isinstance(event, Notice)]

    def add(self, target: str, unit: str = "u", obs_id: str = "0404910601", **arguments: Any) -> Job:
        return self.add_all([asked(target, unit, obs_id, **arguments)])[0]

    def add_all(self, requests: list[JobRequest]) -> list[Job]:
        return self.queue.add(requests)

    def ended(self, job: Job, seconds: float = 60.0) -> Job:
        assert self.queue.wait_until_idle(seconds), self.log(job)
        return self.store.get(job.id)

    def log(self, job: Job) -> str:
        return read_from(job.log_path)[0]

    def states(self) -> Counter[str]:
        return Counter(str(job.state) for job in self.store.jobs())

    def products(self) -> Counter[str]:
        """How often each observation has its product."""
        return Counter(product.key.obs_id for product in self.store.products())

    def close(self) -> None:
        self.queue.close()
        if self.site is not None:
            self.site.close()
        self.workers.close()
        self.store.close()


def asked(target: str, unit: str = "u", obs_id: str = "0404910601", **arguments: Any) -> JobRequest:
    return replace(request(unit, obs_id=obs_id), task=Call(TASKS + target, arguments, Place.THREAD))


def many(n: int, tally: Path, seconds: float = 0.0) -> list[JobRequest]:
    """Jobs of which each makes the product of another observation and notes in a folder that it ran."""
    tally.mkdir(exist_ok=True)
    ids = [f"{index:010d}" for index in range(1, n + 1)]
    return [asked("small", "M1S001", obs_id, name=obs_id, tally=str(tally), seconds=seconds) for obs_id in ids]
