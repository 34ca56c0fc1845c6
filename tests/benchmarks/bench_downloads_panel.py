"""How long the downloads panel keeps the event loop from other things, and how much memory it takes.

    python tests/benchmarks/bench_downloads_panel.py [--seconds 8] [--files 50000]

A panel with 50 000 files of 5 000 observations, 1 000 changes of state a second from another thread, offscreen; the longest stall
of a heartbeat of 5 ms in each situation, beside the same window with nothing in it. Aim: no stall above 50 ms. The memory is
what the columns of 120 000 files add to the process, beside as many Job objects. A heartbeat is late too when another process
has the core, so the empty window is measured before and after, and the second column is what the window's thread computed.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

_BEAT_MS = 5
PROJECT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(PROJECT))


def memory_mb() -> float:
    """Resident memory of this process."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024.0


def stored_jobs(number: int) -> list[Any]:
    """Files of an archive half way: a third is here, a few failed, the rest waits."""
    from daxa_gui.core.job import JobState
    from tests.fakes.download_session import HEASARC, SERVER_DOWN, XSA, download

    jobs = []
    for n in range(1, number + 1):
        obs_id = f"{n // 10:010d}"
        state = JobState.SUCCEEDED if n % 3 == 0 else JobState.FAILED if n % 97 == 0 else JobState.QUEUED
        unit = f"PPS/P{obs_id}M1S{n % 1000:03d}MIEVLI{n % 10000:04d}.FTZ"
        error = SERVER_DOWN if state is JobState.FAILED else None
        jobs.append(download(n, obs_id, state, unit=unit, lane=XSA if n % 5 == 0 else HEASARC, total=2e7, error=error))
    return jobs


class Changes(threading.Thread):
    """Publishes changes as a queue with many quick files would: a hundred files run at a time, each reports its progress a few
    times and ends well, with a failure, or paused; then another one begins."""

    def __init__(self, session: Any, per_second: int) -> None:
        super().__init__(daemon=True)
        self._session = session
        self._per_second = per_second
        self._chance = random.Random(1)
        self._waiting = self._chance.sample(list(session.known.values()), len(session.known))
        self._running: list[Any] = []
        self.stop = threading.Event()
        self.number = 0

    def run(self) -> None:
        begun = time.monotonic()
        while not self.stop.is_set():
            due = int((time.monotonic() - begun) * self._per_second) - self.number
            for _ in range(due):
                self._session.change(self._next())
            self.number += due
            self.stop.wait(0.01)

    def _next(self) -> Any:
        from daxa_gui.core.job import JobState

        if len(self._running) < 100:
            job = replace(self._waiting[self.number % len(self._waiting)], state=JobState.RUNNING, done=0.0, error=None)
            self._running.append(job)
            return job
        place = self._chance.randrange(len(self._running))
        job = self._running[place]
        done = job.done + self._chance.uniform(0, 1e7)
        if done < job.total:
            self._running[place] = job = replace(job, done=done)
            return job
        del self._running[place]
        end = self._chance.choice((JobState.SUCCEEDED, JobState.SUCCEEDED, JobState.FAILED, JobState.QUEUED, JobState.PAUSED))
        return replace(job, state=end)


class Longest:
    """Of some time: the longest stall, and the most that the window's own thread computed between two beats; both in ms. Where
    another process had the core the first is long and the second is not."""

    def __init__(self, app: Any, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> None:
        """`meanwhile` is called once, soon after the beginning, on the window's thread."""
        from PySide6.QtCore import Qt, QTimer

        self.stall_ms = self.busy_ms = 0.0
        self._last: tuple[float, float] | None = None
        timer = QTimer(app)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(self._beat)
        timer.start(_BEAT_MS)
        QTimer.singleShot(100, app, meanwhile)
        QTimer.singleShot(int(1000 * seconds), app, lambda: app.exit(0))  # quit() would close the windows
        app.exec()
        timer.stop()

    def _beat(self) -> None:
        now = time.perf_counter(), time.thread_time()
        if self._last is not None:
            self.stall_ms = max(self.stall_ms, 1000.0 * (now[0] - self._last[0]) - _BEAT_MS)
            self.busy_ms = max(self.busy_ms, 1000.0 * (now[1] - self._last[1]))
        self._last = now


def measure_stalls(app: Any, n_files: int, seconds: float) -> None:
    from daxa_gui.core.job import JobState
    from tests.fakes.download_session import Downloads, DownloadSession

    def report(what: str, longest: Longest) -> None:
        print(f"{what:58s} {longest.stall_ms:6.1f} ms {longest.busy_ms:6.1f} ms", flush=True)

    empty = Downloads(DownloadSession())
    Longest(app, 1.0)
    report("empty panel, nothing happens", Longest(app, seconds))
    empty.close()
    session = DownloadSession(stored_jobs(n_files))
    gc.collect()
    gc.freeze()  # the program does not hold these jobs; looking through them would be the benchmark's own stall
    one = Downloads(session)
    view = one.panel.view
    report(f"{n_files} files are read and shown", Longest(app, seconds))
    changes = Changes(session, 1000)
    changes.start()
    report("1000 changes a second", Longest(app, seconds))
    mission = view.model().index(0, 0)
    report("a mission of 5000 observations is opened", Longest(app, 1.0, lambda: view.expand(mission)))
    _expand(view, 200)
    app.processEvents()
    report("1000 changes a second, it and 200 observations open", Longest(app, seconds))
    report("the same, all selected", Longest(app, seconds, view.selectAll))
    report("the same, only running ones shown", Longest(app, seconds, lambda: one.panel.states.setCurrentText("Running")))
    report("the same, a text in the filter", Longest(app, seconds, lambda: one.panel.text.setText("M1S01")))
    report("the filter is taken away", Longest(app, seconds, lambda: _no_filter(one.panel)))
    changes.stop.set()
    changes.join()
    print(f"    {changes.number} changes in all")
    Longest(app, 1.0)
    cancelled = [replace(job, state=JobState.CANCELLED) for job in session.known.values()]
    report(f"{n_files} changes at once", Longest(app, seconds, lambda: one.panel._on_jobs_changed(cancelled)))
    one.close()
    one.panel.deleteLater()
    nothing = Downloads(DownloadSession())
    report("empty panel once more", Longest(app, seconds))
    nothing.close()


def _expand(view: Any, number: int) -> None:
    mission = view.model().index(0, 0)
    for row in range(number):
        view.expand(view.model().index(row, 0, mission))


def _no_filter(panel: Any) -> None:
    panel.states.setCurrentIndex(0)
    panel.text.clear()


def measure_memory(number: int) -> None:
    """In this process, columns after the overview that they are made from is gone."""
    from daxa_gui.core.job_overview import JobOverview
    from daxa_gui.gui.models.download_columns import DownloadColumns
    from daxa_gui.gui.models.downloads import DownloadTree

    before = memory_mb()
    jobs = stored_jobs(number)
    with_jobs = memory_mb()
    overview = JobOverview.of(jobs)
    del jobs
    gc.collect()
    between, begun = memory_mb(), time.perf_counter()
    tree = DownloadTree({})
    columns = DownloadColumns.of_overview(overview, {})
    built, begun = time.perf_counter() - begun, time.perf_counter()
    tree.set_columns(columns)
    shown = time.perf_counter() - begun
    print(f"{number} Job objects                                    {with_jobs - before:8.1f} MB")
    print(f"columns and tree of as many                           {memory_mb() - between:8.1f} MB")
    print(f"columns from the overview {1000 * built:.0f} ms (on a pool thread), tree {1000 * shown:.0f} ms (on the window's)")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--files", type=int, default=50_000)
    options = parser.parse_args()
    from PySide6.QtWidgets import QApplication

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    print(f"{'Longest stall of the event loop, and of the work in it':58s}")
    measure_stalls(app, options.files, options.seconds)
    print("\nMemory")
    measure_memory(120_000)
    return 0


if __name__ == "__main__":
    sys.exit(main())
