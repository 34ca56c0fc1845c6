"""The downloads that run: how fast each of them goes, and how many bytes came in all."""

from __future__ import annotations

from collections.abc import Iterator

from daxa_gui.core.job import Job, JobState
from daxa_gui.gui.models.rates import RateMeter


class _Run:
    """One run of a file: what came of it, from the first report on (a file that is taken up again begins in its middle)."""

    __slots__ = ("counted", "last", "meter")

    def __init__(self) -> None:
        self.meter = RateMeter()
        self.last: float | None = None
        self.counted = 0.0

    def note(self, now_s: float, done: float) -> float:
        """How many bytes came since the last report."""
        came = max(0.0, done - self.last) if self.last is not None else 0.0
        if done > 0:
            self.last = done
            self.meter.note(now_s, done)
        self.counted += came
        return came


class Runs:
    """By row. `received_bytes` counts what came over the network: not what was here before a transfer was taken up again, nor
    files that turned out to be here."""

    def __init__(self) -> None:
        self.received_bytes = 0.0
        self._runs: dict[int, _Run] = {}

    def __iter__(self) -> Iterator[int]:
        return iter(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def note(self, row: int, job: Job, now_s: float) -> None:
        """The newest snapshot of a job that runs, or did so until now; times of a monotonic clock."""
        run = self._runs.get(row)
        if run is None:
            run = self._runs[row] = _Run()
        self.received_bytes += run.note(now_s, job.done)
        if job.state is JobState.RUNNING:
            return
        del self._runs[row]
        fetched = job.facts.get("fetched_bytes")  # of a file that came between two reports, all
        if job.state is JobState.SUCCEEDED and isinstance(fetched, (int, float)):
            self.received_bytes += max(0.0, fetched - run.counted)

    def rates(self, now_s: float) -> dict[int, float]:
        """Bytes a second of each row, where they are known."""
        known = ((row, run.meter.rate(now_s)) for row, run in self._runs.items())
        return {row: rate for row, rate in known if rate is not None}
