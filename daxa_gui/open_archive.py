"""An archive that is open: its store, its queue and the worker processes joined; what the session's archive verbs delegate to."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_gui import locations
from daxa_gui.archive import choice, job_logs, trust
from daxa_gui.archive.configurations import Configurations
from daxa_gui.archive.failed_data import FailedData
from daxa_gui.archive.queries import Queries
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.archive.versions import Versions
from daxa_gui.archive.view_layout import ViewLayout
from daxa_gui.archive_orders import Ordering
from daxa_gui.archive_reduction import Reducing
from daxa_gui.archive_sites import Sites
from daxa_gui.core.archive_info import ArchiveObservation, ArchiveSummary
from daxa_gui.core.archive_queries import ArchiveVersion
from daxa_gui.core.bus import Bus
from daxa_gui.core.download_plan import DownloadPlan, LeftOut
from daxa_gui.core.errors import ArchiveError, DaxaError, InputError
from daxa_gui.core.events import ArchiveContentChanged, Notice
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.selection import Selection
from daxa_gui.core.settings import Settings
from daxa_gui.core.step import Call, JobRequest
from daxa_gui.daxa_archives import view_summary

Rows = Sequence[Mapping[str, Any]]
REDUCE_NEW = "reduce_new"  # entry of the table `info`: missions whose new event lists are reduced when they have come


class OpenArchive(Reducing, Ordering):
    """Opening continues what was interrupted, unless `start_queue` is false or the archive can only be looked at. Methods may be
    called from any thread.

    When jobs have ended and nothing runs any more, the archive is settled: observations of which nothing succeeded move to
    failed_data, new event lists that somebody waits for are reduced, and a version is kept if anything has changed.
    """

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
        settings: Callable[[], Settings] = Settings,
        limits: Callable[[str], int] | None = None,
        versions: Callable[[Collection[str]], Mapping[str, str]] = lambda steps: {},
        state_folder: Path | None = None,
    ) -> None:
        from daxa_gui.execution.executors import PoolExecutor, start_thread
        from daxa_gui.execution.queue import Queue
        from daxa_gui.execution.runner import Runner
        from daxa_gui.execution.when_idle import WhenIdle
        from daxa_gui.reduction import STEPS

        self.store, self.layout = store, store.layout
        self._bus, self._service_url, self._settings = bus, service_url, settings
        self._versions = versions
        self._one_order = threading.Lock()
        self.sites = Sites(store, settings, state_folder or locations.clusters_folder(), self._on_capacity)
        self._summary: ArchiveSummary | None = None
        self.configurations = Configurations(self.layout, store.database)
        finals = tuple(name for name, step in STEPS.items() if step.is_final)
        self.queries = Queries(self.layout, store.database, finals)
        self.versions = Versions(self.layout, store.database, dict(STEPS))
        self.failed = FailedData(self.layout, store.database)
        own_limits = limits or (lambda lane: cores if lane == "local" else connections_per_host)
        runner = Runner(
            store,
            workers,
            service_url=service_url,
            work_folder=self._work_folder,
            open_log=lambda job: job_logs.JobLogFile(self.layout.log_path(job.id)),
            check_task=lambda task: trust.check_task(task, self.layout),
            resolve_task=self.task_to_run,
            command_limit_s=lambda: self.options_now().limit_min * 60.0,
            keep_work=lambda job: (
                self.layout.kept_work_folder(job.id) if job.kind == "reduce" and self.options_now().keep_intermediate else None
            ),
            setting=lambda name: str(getattr(settings(), name, "")),
            follow_ups=self.follow_ups,
            site=self.sites.of,
        )
        self.queue = Queue(
            store,
            bus,
            runner,
            # a thread that only waits for a cluster must not take the place of one that works
            PoolExecutor(lambda work: start_thread(work) if self.sites.is_cluster else start(work)),
            limits=lambda lane: (self.sites.capacity() if lane == "local" else None) or own_limits(lane),
        )
        self._rest = WhenIdle(bus, self.queue.wait_until_idle, self._settle)
        self._running = start_queue and not store.read_only_reason
        self._summary = self.summary  # what cannot say what it is, is not opened
        if store.read_only_reason:
            return
        try:
            self.failed.finish_interrupted()
        except DaxaError as error:  # one observation lies half here, half there; it is tried again whenever work has come to rest
            bus.publish(Notice("error", error.message, error.hint))
        store.on_change(lambda connection, change: self._rest.note())
        store.hold(trust.hold_command)
        if self._running:
            self.queue.start()
            self._rest.start()

    def _work_folder(self, job: Job) -> str:
        """Asked for before a job begins: what is reduced again must lie where its tasks look for it."""
        if job.kind == "reduce":
            self.failed.bring_back(job.mission, job.obs_id)
            if self.sites.is_cluster:
                return str(self.layout.cluster_work_folder(job.id))
        return str(self.layout.work_folder(job.id))

    def _on_capacity(self) -> None:
        """The cluster can do more or less at once than before: jobs may begin."""
        if hasattr(self, "queue"):
            self.queue.look_again()

    @property
    def summary(self) -> ArchiveSummary:
        if self._summary is None:
            is_daxas = isinstance(self.layout, ViewLayout)
            self._summary = view_summary(self.store) if is_daxas else self.store.summary()
        return self._summary

    @property
    def shown_folder(self) -> Path:
        """Where people know the archive to be: DAXA's own folder for a view of one of its archives."""
        return Path(self.summary.path)

    def close(self) -> None:
        """Stop what runs (it goes on at the next opening). What has changed meanwhile is kept as a version."""
        from daxa_gui.downloading import flush_downloads

        self._rest.stop()
        self.queue.close()
        self.sites.close()
        try:
            if self._running and self._rest.is_pending():
                self.versions.cut()
                self.store.renew_documents()
        finally:
            self.store.close()
            flush_downloads()

    # ---- coming to rest

    def _settle(self) -> None:
        moved = self.failed.settle(self.queries.final_success())
        self._reduce_what_came()
        version = self.versions.cut()
        self.store.renew_documents()
        if moved or version is not None:
            self._bus.publish(ArchiveContentChanged(str(self.layout.folder)))

    def _reduce_what_came(self) -> None:
        missions = [str(mission) for mission in self.store.info().get(REDUCE_NEW, ())]
        if not missions or self.reduce_new(missions):
            return
        with self.store.database.reading() as connection:
            rows = connection.execute(
                "SELECT DISTINCT mission FROM jobs WHERE kind IN ('plan', 'download') AND state <> 'succeeded'"
            )
            to_come = {mission for (mission,) in rows}
        left = [mission for mission in missions if mission in to_come]
        if left != missions:
            self.store.set_info(REDUCE_NEW, left)

    def wait_until_idle(self, timeout_s: float | None = None) -> bool:
        """Until nothing runs, nothing will by itself, and the archive is settled; false when the time ran out."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            if not self.queue.wait_until_idle(None if end is None else max(0.0, end - time.monotonic())):
                return False
            if not self._running or not self._rest.is_pending():
                return True
            self._rest.run_now()

    def cut_version(self, note: str = "") -> ArchiveVersion | None:
        """Keep the present state as a version; None if nothing has changed since the last one. Raises ArchiveError if the
        archive can only be looked at."""
        return self.versions.cut(note)

    # ---- observations and downloads

    def add_selections(self, chosen: Sequence[tuple[Selection, Rows]]) -> None:
        self.store.add_selections(chosen)
        self._summary = None

    def _plan_request(self, about: ArchiveObservation) -> JobRequest:
        from daxa_gui.downloading import plan_request

        folder = self.layout.raw_folder(about.mission, about.obs_id)
        return plan_request(
            about.mission,
            about.row,
            folder,
            about.instruments,
            about.kinds,
            service_url=self._service_url,
            prefer_cloud=self._settings().prefer_cloud,
        )

    def start_plan(self, plan: DownloadPlan) -> list[Job]:
        """Begin the downloads of a plan that was made before; what it leaves out is remembered."""
        rows = {(one.mission, one.obs_id): one.row for one in self.store.observations()}
        self.store.add_left_out(plan.left_out, rows)
        return self._add(plan.requests)

    def plan_of_jobs(self, left_out: Sequence[LeftOut] = ()) -> DownloadPlan:
        """A plan whose jobs look for the files of each observation when their turn comes; for `start_plan`."""
        without = {(one.mission, one.obs_id) for one in left_out}
        chosen = [about for about in self.store.observations() if (about.mission, about.obs_id) not in without]
        return DownloadPlan(left_out=tuple(left_out), requests=tuple(self._plan_request(about) for about in chosen))

    def download(self, *, again: bool = False) -> list[Job]:
        """Plan the downloads of every observation; files that are here and whole are not fetched again."""
        return self._add([self._plan_request(about) for about in self.store.observations()], again=again)

    def download_of(self, observations: Collection[tuple[str, str]]) -> list[Job]:
        """Plan the downloads of some observations (mission, ObsID)."""
        found = [about for about in self.store.observations() if (about.mission, about.obs_id) in observations]
        return self._add([self._plan_request(about) for about in found]) if found else []

    def continue_download(self) -> list[Job]:
        """Plan what was never planned and try again what failed or was cancelled; the rest goes on by itself."""
        with self.store.database.reading() as connection:
            known = set(connection.execute("SELECT DISTINCT mission, obs_id FROM jobs WHERE kind IN ('plan', 'download')"))
        known |= {(one.mission, one.obs_id) for one in self.store.left_out() if not one.unit}
        new = [about for about in self.store.observations() if (about.mission, about.obs_id) not in known]
        planned = self._add([self._plan_request(about) for about in new]) if new else []
        ended_badly = (JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED)
        again = [
            job.id
            for kind in ("plan", "download")
            for job in self.store.jobs(kind)
            if job.state in ended_badly and not self._runs_program(job)
        ]
        return [*planned, *self.queue.retry(again)]

    def _runs_program(self, job: Job) -> bool:
        """Whether the job, or one that it needs, runs another program: that is asked for job by job (see `archive.trust`)."""
        seen, todo = set(), [job]
        while todo:
            one = todo.pop()
            if not isinstance(one.task, Call):
                return True
            seen.add(one.id)
            todo += self.store.get_all([need for need in one.needs if need not in seen])
        return False

    def widen(self, mission: str, instruments: Sequence[str], kinds: Sequence[str]) -> list[Job]:
        """Change which instruments and kinds of files the archive has of a mission, and fetch and make what that asks for.

        What there is already and still belongs to the choice stays as it is; what no longer belongs to it stays too, but is
        reduced no more. Where a choice of telescope modules changes, the steps run for it with the parameters used last.

        Raises
        ------
        InputError : the archive has no observation of the mission, or there is no such instrument or kind.
        """
        names, wanted = choice.checked_choice(mission, instruments, kinds)
        if not any(about.mission == mission for about in self.store.observations()):
            raise InputError(f"The archive {self.layout.name} has no observation of {mission}.")
        if mission in self.reduced_missions():
            self.reduce_when_here([mission])
        choice.change_choice(self.store, mission, names, wanted)
        self._summary = None
        choice.adopt_existing(self.store, mission)
        changed = [about for about in self.store.observations() if about.mission == mission]
        left_out = [one for one in self.store.left_out() if one.mission == mission and not one.unit]
        closed = {(one.mission, one.obs_id) for one in left_out if one.proprietary}
        # others may have something of what is asked for now
        self.store.remove_left_out((one.mission, one.obs_id) for one in left_out if not one.proprietary)
        requests = [self._plan_request(about) for about in changed if (about.mission, about.obs_id) not in closed]
        return [*self._add(requests), *self.reduce_new([mission])]

    def reduce_when_here(self, missions: Collection[str]) -> None:
        """Have new event lists of these missions reduced when they have come, as the others were reduced last."""
        waiting = {str(mission) for mission in self.store.info().get(REDUCE_NEW, ())}
        self.store.set_info(REDUCE_NEW, sorted(waiting.union(missions)))

    def adopt_existing(self) -> int:
        """Take products that were downloaded before into the layout; how many came in."""
        if self.store.read_only_reason:
            raise ArchiveError(self.store.read_only_reason, "Nothing was changed.")
        return choice.adopt_existing(self.store)

    def pause_jobs(self, ids: Sequence[int]) -> None:
        self.queue.pause_jobs(ids)

    def resume_jobs(self, ids: Sequence[int]) -> list[Job]:
        return self.queue.resume_jobs(ids)

    def disk_use(self) -> dict[str, int]:
        """Bytes of the archive's products and downloaded files, free on its disk, and still to come by known downloads."""
        return {
            "used_bytes": self.store.bytes_used(),
            "free_bytes": shutil.disk_usage(self.layout.folder).free,
            "to_come_bytes": int(self.store.bytes_to_come()),
        }

    def read_log(self, job_id: int, offset: int) -> tuple[str, int]:
        return job_logs.read_from(self.layout.log_path(job_id), offset)
