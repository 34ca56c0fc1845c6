"""How long the processing grid keeps the event loop from other things, beside a plain table view on the same cells.

    python tests/benchmarks/bench_processing_grid.py [--rows 10000] [--seconds 5]

10 000 rows × 12 steps, offscreen, 1400 × 900: time to fill, sort and filter, then the longest stall of a heartbeat of 5 ms while
it is scrolled from top to bottom and back, while 1 000 cells a second change, and while both happen. Reference: a QTableView with
the style's own cells on a plain Python model that holds the word of each cell in lists. Aim: no stall above 50 ms. The
second column is what the window's thread computed between two beats: where another process had the core, it is smaller.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(PROJECT))

from tests.benchmarks.bench_downloads_panel import Longest  # noqa: E402


def measured(what: str, function: Any) -> Any:
    begun = time.perf_counter()
    result = function()
    print(f"{what:58s} {1000 * (time.perf_counter() - begun):8.1f} ms", flush=True)
    return result


def reference_model(words: list[list[str]], headings: list[str]) -> Any:
    from PySide6.QtCore import QAbstractTableModel, Qt

    class Plain(QAbstractTableModel):
        def rowCount(self, _parent: Any = None) -> int:
            return len(words)

        def columnCount(self, _parent: Any = None) -> int:
            return len(headings)

        def data(self, index: Any, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
            return words[index.row()][index.column()] if role == Qt.ItemDataRole.DisplayRole else None

        def change(self, row: int, column: int, word: str) -> None:
            words[row][column] = word
            index = self.index(row, column)
            self.dataChanged.emit(index, index)

    return Plain()


def scroller(app: Any, view: Any, seconds: float) -> Any:
    """Moves the bar from top to bottom and back within the time, 60 times a second."""
    from PySide6.QtCore import QTimer

    timer, begun = QTimer(app), time.monotonic()

    def step() -> None:
        part = min(1.0, (time.monotonic() - begun) / seconds)
        bar = view.verticalScrollBar()
        bar.setValue(int(bar.maximum() * (1.0 - abs(2.0 * part - 1.0))))

    timer.timeout.connect(step)
    timer.start(16)
    return timer


def every(app: Any, interval_ms: int, function: Any) -> Any:
    from PySide6.QtCore import QTimer

    timer = QTimer(app)
    timer.timeout.connect(function)
    timer.start(interval_ms)
    return timer


def stalls(app: Any, name: str, view: Any, change: Any, seconds: float) -> None:
    """`change(n)` changes n cells and tells of them."""
    for what, scrolls, changes in (("scrolling", True, False), ("1000 changes a second", False, True), ("both", True, True)):
        timers = []
        if scrolls:
            timers.append(scroller(app, view, seconds))
        if changes:
            timers.append(every(app, 100, lambda: change(100)))
        longest = Longest(app, seconds)
        for timer in timers:
            timer.stop()
        print(f"{name + ': ' + what:58s} {longest.stall_ms:8.1f} ms {longest.busy_ms:8.1f} ms", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    from PySide6.QtWidgets import QApplication, QTableView

    from daxa_gui.core.job import JobState
    from daxa_gui.core.job_overview import JobOverview
    from daxa_gui.gui.models.processing import ProcessingGrid
    from daxa_gui.gui.models.processing_rows import GridChoice
    from daxa_gui.gui.theme import LIGHT
    from daxa_gui.gui.widgets.processing_view import ProcessingView
    from tests.fakes.processing_jobs import LABELS, STEPS, many_jobs

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    jobs = many_jobs(options.rows)
    overview = JobOverview.of(jobs)
    grid = ProcessingGrid(STEPS, LABELS)
    print(f"{options.rows} rows × {len(STEPS)} steps, {len(jobs)} jobs")
    cells = measured("cells from the columns of all jobs (pool thread)", lambda: grid.arranged(overview))
    view = ProcessingView(grid, lambda: LIGHT)
    view.resize(1400, 900)
    view.show()
    app.processEvents()

    def fill() -> None:
        grid.set_cells(cells)
        view.viewport().repaint()

    measured("fill and first paint", fill)
    for choice in (GridChoice(order="failures"), GridChoice(text="12"), GridChoice(words=("failed",)), GridChoice()):
        measured(
            f"order {choice.order}, text « {choice.text} », states {choice.words}", lambda choice=choice: grid.choose(choice)
        )
    measured("fold all", lambda: grid.collapse_all(True))
    measured("unfold all", lambda: grid.collapse_all(False))
    view.selectAll()
    measured("order failures with all selected", lambda: grid.choose(GridChoice(order="failures")))
    grid.choose(GridChoice())
    view.clearSelection()
    chance = random.Random(1)
    states = (JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED, JobState.QUEUED)
    sample = chance.sample(jobs, min(len(jobs), 20_000))

    def change(number: int) -> None:
        grid.update_jobs([replace(chance.choice(sample), state=chance.choice(states)) for _ in range(number)])

    print(f"\n{'Longest stall of the event loop, and of the work in it':58s}")
    stalls(app, "processing grid", view, change, options.seconds)
    view.hide()
    words = [[grid.index(row, column).data() or "" for column in range(grid.columnCount())] for row in range(grid.rowCount())]
    plain = reference_model(words, [step.label for step in STEPS])
    table = QTableView()
    table.resize(1400, 900)

    def fill_plain() -> None:
        table.setModel(plain)
        table.show()
        table.viewport().repaint()

    measured("\nplain table view: fill and first paint", fill_plain)

    def change_plain(number: int) -> None:
        for _ in range(number):
            plain.change(chance.randrange(len(words)), chance.randrange(len(STEPS)), chance.choice(("running", "done", "failed")))

    stalls(app, "plain table view", table, change_plain, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
