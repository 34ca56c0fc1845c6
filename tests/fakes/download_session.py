"""A session with downloads that go on as a test or a benchmark says; a call of any other method is an error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.bus import Bus
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.events import ArchiveChanged, JobChanged, LaneChanged
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.core.settings import Settings
from daxa_gui.core.step import Call
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.downloads import DownloadsPanel

HEASARC, XSA = "host:heasarc.gsfc.nasa.gov", "host:nxsa.esac.esa.int"
SERVER_DOWN = ErrorInfo("The server answered 503.", "Try again later.", True)


def download(number: int, obs_id: str = "0000000001", state: JobState = JobState.QUEUED, **more: Any) -> Job:
    """A file of an XMM-Newton observation unless `mission` says otherwise."""
    mission, lane, unit = more.pop("mission", "xmm_pointed"), more.pop("lane", HEASARC), more.pop("unit", f"PPS/{number}.FTZ")
    task = Call("m:f", {"expected_bytes": more.get("total") if more.pop("exact", False) else None})
    return Job(number, "download", lane, mission, obs_id, unit, "", f"Fetch {unit}", task, state=state, **more)


class DownloadSession:
    """`calls` keeps what was asked for: (method, arguments)."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        self.bus = Bus()
        self.settings = Settings()
        self.archive: ArchiveSummary | None = ArchiveSummary("a", "/nowhere/a")
        self.known = {job.id: job for job in jobs}
        self.paused: dict[str, bool] = {}
        self.not_fetched: list[LeftOut] = []
        self.free_bytes = 10**12
        self.calls: list[tuple[str, Any]] = []

    # ---- what a test says

    def change(self, *jobs: Job) -> None:
        """Newest snapshots, as the queue announces them."""
        for job in jobs:
            self.known[job.id] = job
            self.bus.publish(JobChanged(job))

    def set_state(self, number: int, state: JobState, **more: Any) -> None:
        self.change(replace(self.known[number], state=state, **more))

    def open(self, archive: ArchiveSummary | None) -> None:
        self.archive = archive
        self.bus.publish(ArchiveChanged("" if archive is None else archive.path))

    # ---- what the panel asks

    def mission_labels(self) -> dict[str, str]:
        return {"xmm_pointed": "XMM-Newton", "chandra": "Chandra"}

    def job_overview(self, kinds: Sequence[str] = ()) -> JobOverview:
        return JobOverview.of([job for job in self.known.values() if job.kind in kinds])

    def job(self, job_id: int) -> Job:
        return self.known[job_id]

    def lanes(self) -> dict[str, bool]:
        return self.paused

    def left_out(self) -> list[LeftOut]:
        return self.not_fetched

    def disk_use(self) -> dict[str, int]:
        return {"free_bytes": self.free_bytes}

    def pause(self, lane: str) -> None:
        self.calls.append(("pause", lane))
        self.bus.publish(LaneChanged(lane, True))

    def resume(self, lane: str) -> None:
        self.calls.append(("resume", lane))
        self.bus.publish(LaneChanged(lane, False))

    def _note(self, name: str, ids: Iterable[int]) -> None:
        self.calls.append((name, sorted(ids)))

    def pause_jobs(self, ids: Iterable[int]) -> None:
        self._note("pause_jobs", ids)

    def resume_jobs(self, ids: Iterable[int]) -> None:
        self._note("resume_jobs", ids)

    def retry(self, ids: Iterable[int]) -> None:
        self._note("retry", ids)

    def cancel(self, ids: Iterable[int]) -> None:
        self._note("cancel", ids)

    def set_bandwidth(self, bytes_per_s: float | None) -> None:
        self.calls.append(("set_bandwidth", bytes_per_s))
        self.settings = replace(self.settings, bandwidth_mb_s=(bytes_per_s or 0.0) / 1e6)

    def change_settings(self, **values: Any) -> None:
        self.calls.append(("change_settings", values))
        self.settings = replace(self.settings, **values)


class Downloads:
    """The panel on such a session, without a window around it."""

    def __init__(self, session: DownloadSession, folder: Path | None = None) -> None:
        self.session: Any = session
        self.context = Context(self.session)
        self.bridge = Bridge(session.bus, interval_ms=5)
        self.panel = DownloadsPanel(self.session, self.context, self.bridge)
        self.panel.resize(800, 700)
        self.panel.show()

    @property
    def summary(self) -> str:
        return self.panel.summary.text()

    def close(self) -> None:
        self.bridge.stop()
        self.context.background.close()
