"""How long the window stands still while an archive of 10 000 observations and 110 000 jobs is opened, planned, shown as
commands and as a script, and while all of it is ordered.

    python tests/benchmarks/bench_large_orders.py [--observations 10000]

The whole window, offscreen, with the discipline of the garbage collector that the program has (`core.collecting`). A heartbeat
of 5 ms says how late the event loop was; while it is, another thread looks at what the window's thread is doing. Beside it the
longest pass of the collector, and how long a thread that only sleeps for 1 ms at a time waited at most: where that is as long
as the stall, another thread or another program had the interpreter or the core. Reference: the same window while a thread
counts in plain Python. Aims: no stall above 50 ms; 2 s for the plan, 4 s for storing.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(PROJECT))

from tests.benchmarks.bench_planning import UNITS  # noqa: E402
from tests.benchmarks.bench_stalls import Sampler  # noqa: E402

MISSION = "xmm_pointed"
VERSIONS = {"sas": "22.1.0", "ccf": "1"}
STEPS = ("generate_images_expmaps", "cleaned_rgs_event_lists")


def make(folder: Path, n_observations: int) -> None:
    """An archive with raw data of all observations, whose exposures are known."""
    from daxa_gui.archive.layout import OutputLayout
    from daxa_gui.archive.store import ArchiveStore
    from daxa_gui.core.selection import Selection
    from daxa_gui.reduction.chain import Subject, chain_of, plan_observation

    store = ArchiveStore.create(OutputLayout(folder).archive("large"))
    obs_ids = tuple(f"{number:010d}" for number in range(n_observations))
    rows = [{"obs_id": obs_id, "start_mjd": 53134.5, "target": f"Source {obs_id}"} for obs_id in obs_ids]
    store.add_selections([(Selection(MISSION, "v", obs_ids, ()), rows)])
    with store.database.writing() as connection:
        connection.executemany(
            "INSERT INTO files VALUES (?, ?, ?, 'x', 'raw', '', '', '', 1, '', NULL, 0)",
            [(f"output:{MISSION}_raw/{obs_id}/x", MISSION, obs_id) for obs_id in obs_ids],
        )
    chain = chain_of(MISSION, ["exposures"], {}, VERSIONS)
    facts = {"obs_start": "2004-05-09", "events": []}
    for obs_id in obs_ids:
        folders = f"output:{MISSION}_raw/{obs_id}", f"archive:processed_data/{MISSION}/{obs_id}"
        store.add(plan_observation(Subject(MISSION, obs_id, *folders, (), facts), chain)[0])
    end_all(store)
    with store.database.writing() as connection:
        connection.execute("UPDATE jobs SET facts = ? WHERE step = 'exposures'", (json.dumps({"units": UNITS}),))
    store.close()


def end_all(store: Any) -> None:
    with store.database.writing() as connection:
        connection.execute("UPDATE jobs SET state = 'succeeded', started = 1, finished = 2")


class Waits(threading.Thread):
    """Sleeps for 1 ms at a time: how much longer it took at most, and the longest pass of the collector; both in ms."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.wait_ms = self.pass_ms = 0.0
        self._began = 0.0
        gc.callbacks.append(self._on_pass)

    def _on_pass(self, phase: str, _about: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.pass_ms = max(self.pass_ms, 1000.0 * (time.perf_counter() - self._began))

    def run(self) -> None:
        while True:
            begun = time.perf_counter()
            time.sleep(0.001)
            self.wait_ms = max(self.wait_ms, 1000.0 * (time.perf_counter() - begun))


class Bench:
    def __init__(self, app: Any, window: Any) -> None:
        from daxa_gui.gui.heartbeat import Heartbeat

        self.app, self.window = app, window
        self.waits, self.sampler, self.beat = Waits(), Sampler(), Heartbeat()
        self.waits.start()
        self.sampler.start()
        # after the heart has beaten: the thread that looks when it is late has to know
        self.beat._timer.timeout.connect(lambda: setattr(self.sampler, "last_beat", time.perf_counter()))

    def phase(self, what: str, begin: Callable[[], Any], done: Callable[[], bool], settle_s: float = 1.0) -> None:
        """Until `done`, and so much longer; then a line of the table."""
        from PySide6.QtCore import QTimer

        beat, waits = self.beat, self.waits
        beat.stalls.clear()
        self.sampler.places.clear()
        waits.wait_ms = waits.pass_ms = 0.0
        beat.start(what)
        begun, cpu, ended = time.perf_counter(), time.process_time(), [0.0]
        QTimer.singleShot(0, self.app, begin)

        def look() -> None:
            if not ended[0] and done():
                ended[0] = time.perf_counter()
            if ended[0] and time.perf_counter() - ended[0] > settle_s:
                self.app.exit(0)

        timer = QTimer(self.app)
        timer.timeout.connect(look)
        timer.start(10)
        self.app.exec()
        timer.stop()
        beat.pause()
        self.sampler.last_beat = None
        over = sum(stall.seconds > 0.05 for stall in beat.stalls)
        wall_s, cpu_s = ended[0] - begun, time.process_time() - cpu
        print(
            f"{what:44s} {wall_s:6.2f} s {cpu_s:6.2f} s {1000 * beat.worst.seconds:6.0f} ms {over:4d}"
            f" {waits.pass_ms:6.0f} ms {waits.wait_ms:6.0f} ms",
            flush=True,
        )
        for seconds, places in sorted(self.sampler.places, key=lambda item: -item[0])[:3]:
            if seconds > 0.05 and places:
                where, count = places.most_common(1)[0]
                print(f"      {1000 * seconds:4.0f} ms: {count} x {where}")

    def asked(self, what: str, function: Callable[[], Any], settle_s: float = 1.0) -> Any:
        """On a pool thread, as the panels ask."""
        answers: list[Any] = []
        read = self.window.context.background.read
        begin = lambda: read(self.window, what, function, answers.append, answers.append)  # noqa: E731
        self.phase(what, begin, lambda: bool(answers), settle_s)
        if isinstance(answers[0], Exception):
            raise answers[0]
        return answers[0]


def count(seconds: float) -> int:
    number, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        number += 1
    return number


def measure(folder: Path, n_observations: int) -> None:
    from PySide6.QtWidgets import QApplication

    from daxa_gui.core import collecting
    from daxa_gui.core.reduction_plan import ReductionOrder
    from daxa_gui.gui.main_window import MainWindow
    from daxa_gui.session import Session

    sys.setswitchinterval(0.001)
    collecting.keep_passes_short()
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    session: Any = Session(output_folder=folder, cache=folder / "cache")
    session._step_versions = lambda steps: VERSIONS
    open_archive = session.open_archive
    session.open_archive = lambda path: open_archive(path, start=False)  # nothing of it can run here
    window = MainWindow(session, app)
    window.resize(1400, 900)
    built: list[None] = []
    window.built.connect(lambda: built.append(None))
    window.built.connect(collecting.leave_alone)
    window.show()
    window.build_ahead()
    while not built:
        app.processEvents()
    window.show_panel("processing")
    grid: Any = window.workspaces["queue"].panels["processing"].model
    path = str(folder / "archives" / "large")
    bench = Bench(app, window)
    order = ReductionOrder(steps=STEPS)
    print(f"{'':44s} {'wall':>8s} {'cpu':>8s} {'longest':>9s} >50 {'collector':>9s} {'sleeper':>9s}")
    bench.asked("a thread counts for 3 s (reference)", lambda: count(3.0))
    bench.phase("opened, 3 jobs each", lambda: window.open_archive(path, show=""), lambda: grid.n_all_rows >= n_observations)
    bench.asked("plan, 8 new jobs each", lambda: session.plan_reduction(order))
    bench.asked("all ordered", lambda: session.start_reduction(order), 5.0)
    end_all(session._open.store)
    bench.asked("closed", session.close_archive)
    bench.phase("opened, 11 jobs each", lambda: window.open_archive(path, show=""), lambda: grid.n_all_rows > n_observations)
    bench.asked("plan, everything done", lambda: session.plan_reduction(order))
    bench.asked("500 commands", lambda: session.commands(order, 500))
    bench.asked("script", lambda: session.save_script(order, folder / "all.sh"))
    print(f"      {(folder / 'all.sh').stat().st_size / 1e6:.0f} MB")
    bench.asked("all ordered once more, nothing to do", lambda: session.start_reduction(order), 3.0)
    bench.asked("closed", session.close_archive)
    window.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--observations", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        make(Path(name), options.observations)
        measure(Path(name), options.observations)
    return 0


if __name__ == "__main__":
    sys.exit(main())
