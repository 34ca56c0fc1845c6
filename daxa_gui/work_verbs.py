"""The verbs of work in an archive: downloads and reduction, jobs of both, and what a person says of exposures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from daxa_gui.core.exposures import Exposure, Verdict
from daxa_gui.core.job import Job
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.core.product import ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.reduction_verbs import ReductionVerbs


class WorkVerbs(ReductionVerbs):
    """About the open archive; without one there are no jobs, and asking for work raises ArchiveError."""

    # ---- jobs

    def jobs(self, kind: str | None = None) -> list[Job]:
        return self._here().queue.jobs(kind) if self._open else []

    def job_overview(self, kinds: Sequence[str] = ()) -> JobOverview:
        """All jobs (of some kinds) in columns, the running ones with their newest progress."""
        if not self._open:
            return JobOverview()
        overview = self._here().store.job_overview(kinds)
        overview.note([job for job in self._here().queue.running_jobs() if not kinds or job.kind in kinds])
        return overview

    def job(self, job_id: int) -> Job:
        return self._here().queue.job(job_id)

    def download(self) -> list[Job]:
        """Look again for files of all observations and fetch those that are missing."""
        return self._here().download(again=True)

    def continue_download(self) -> list[Job]:
        """Try again what failed or was cancelled, and plan what a program that died had no time to plan."""
        return self._here().continue_download()

    def dry_run(self, selections: Iterable[Selection]) -> dict[str, Any]:
        """Which files, with sizes, a download would fetch; nothing is stored."""
        from daxa_gui.downloading import plan_values

        return plan_values(self.plan_downloads(selections), self._service_url)

    def parse_parameters(self, settings: Iterable[str]) -> dict[str, dict[str, Any]]:
        """« flares.n_sigma=2.5 » texts as parameters by step; raises InputError for unknown or unfit ones."""
        from daxa_gui.reduction.parameters import parse_parameters

        return parse_parameters(settings)

    def reduce(self, steps: Sequence[str] | None = None, parameters: Mapping[str, Mapping[str, Any]] | None = None) -> list[Job]:
        """Run the steps (all if None) for every event list that is here; what is done already with the same parameters stays."""
        return self._here().reduce(steps, parameters or {})

    def describe(self, steps: Sequence[str] | None, parameters: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """The exact tasks that `reduce` would run, one text each."""
        return self._here().describe(steps, parameters)

    def cancel(self, job_ids: Iterable[int]) -> None:
        self._here().queue.cancel(list(job_ids))

    def retry(self, job_ids: Iterable[int]) -> None:
        self._here().queue.retry(list(job_ids))

    def pause(self, lane: str) -> None:
        self._here().queue.pause(lane)

    def resume(self, lane: str) -> None:
        self._here().queue.resume(lane)

    def widen(self, mission: str, instruments: Sequence[str], kinds: Sequence[str]) -> list[Job]:
        """Change the instruments and kinds of files of a mission; what is new is fetched and made, the rest stays."""
        return self._here().widen(mission, instruments, kinds)

    def pause_jobs(self, job_ids: Iterable[int]) -> None:
        """Stop these until `resume_jobs`; what came of a transfer is kept. Also over a restart."""
        self._here().queue.pause_jobs(list(job_ids))

    def resume_jobs(self, job_ids: Iterable[int]) -> None:
        self._here().queue.resume_jobs(list(job_ids))

    def lanes(self) -> dict[str, bool]:
        """Lane → whether it is paused."""
        return self._open.queue.lanes() if self._open else {}

    def read_log(self, job_id: int, offset: int = 0) -> tuple[str, int]:
        """What a job's log holds beyond `offset` (bytes), and the new offset."""
        return self._here().read_log(job_id, offset)

    def wait_until_idle(self, timeout_s: float | None = None) -> bool:
        return self._here().wait_until_idle(timeout_s) if self._open else True

    # ---- inspecting

    def count_event_lists(self) -> int:
        """How many event lists of the open archive could be reduced."""
        return self._here().store.count_products(ProductKind.EVENTS) if self._open else 0

    def exposures(self) -> list[Exposure]:
        """One per event list of the open archive, with what was made of it."""
        return self._here().exposures() if self._open else []

    def override(self, exposure: Exposure, parameters: FlareParameters, note: str) -> list[Job]:
        """Use these limits and intervals instead of the automatic ones, and run the steps that follow."""
        return self._here().override(exposure, parameters, note)

    def set_verdict(self, exposure: Exposure, state: str, note: str = "") -> None:
        """Remember « accepted » or « flagged » (or "" for neither)."""
        self._here().set_verdict(exposure, state, note)

    def verdict(self, exposure: Exposure) -> Verdict:
        return self._here().verdict(exposure)
