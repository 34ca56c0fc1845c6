"""How long the panels of the Archive workspace keep the event loop from other things.

    python tests/benchmarks/bench_archive_panels.py [--seconds 4]

A window, offscreen, with an archive of 10 000 observations and 120 000 jobs (50 000 results of steps); then the Results panel
with 120 000 results. The longest stall of a heartbeat of 5 ms in each situation, beside the same window in which nothing happens,
and what the window's thread computed. Aim: no stall above 50 ms. Other threads of the program share the interpreter with the
window's, and other programs its core: a first column above the second is time in which somebody else had one of them.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(PROJECT))


def many_results(number: int) -> list[Any]:
    from daxa_gui.core.archive_queries import ProcessResult

    steps = ("prepare", "flares", "clean", "image")
    results = []
    for n in range(number):
        success = n % 10 != 0
        error = () if success else ("The server broke the connection after 1.2 MB of 4.5 MB. Try again later.",)
        state = "succeeded" if success else "failed"
        one = ProcessResult("xmm_pointed", f"{n // 12:010d}", f"M1S{n % 12:03d}", steps[n % 4], success, state, n, error)
        results.append(one)
    return results


def until(app: Any, condition: Callable[[], bool]) -> None:
    """Go on when the work in the background is done, whatever time that takes."""
    from PySide6.QtCore import QTimer

    timer = QTimer(app)
    timer.timeout.connect(lambda: app.exit(0) if condition() else None)
    timer.start(20)
    QTimer.singleShot(120_000, timer, lambda: app.exit(0))
    app.exec()
    timer.stop()
    assert condition(), "the work did not end within two minutes"


def measure(folder: Path, seconds: float) -> None:
    from PySide6.QtWidgets import QApplication

    from daxa_gui.gui.main_window import MainWindow
    from daxa_gui.session import Session
    from tests.benchmarks.bench_downloads_panel import Longest

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    session = Session(output_folder=folder, cache=folder / "cache")
    window = MainWindow(session, app)
    window.resize(1280, 800)
    window.show()
    window.show_workspace("archive")
    panels: dict[str, Any] = window.workspaces["archive"].panels

    def report(what: str, do: Callable[[], Any] = lambda: None) -> None:
        longest = Longest(app, seconds, do)
        print(f"{what:62s} {longest.stall_ms:6.1f} ms {longest.busy_ms:6.1f} ms", flush=True)

    Longest(app, 1.0)
    report("an empty window, nothing happens")
    report("the archive is opened", lambda: window.open_archive(str(folder / "archives" / "large"), show=""))
    archive = panels["archive"]
    until(app, lambda: archive.model.count() > 0)
    gc.collect()
    for name in ("results", "versions", "regions", "upkeep"):
        report(f"« {name} » is shown", lambda name=name: window.show_panel(name))
    results = panels["results"]
    first = archive.model.index(0, 0, archive.model.index(0, 0))
    report("an observation is chosen", lambda: archive.view.setCurrentIndex(first))
    report("another one", lambda: archive.view.setCurrentIndex(first.siblingAtRow(5000)))
    report("« results » is shown again", lambda: window.show_panel("results"))
    session.process_results = lambda *_: many  # type: ignore[method-assign]
    many = many_results(120_000)
    gc.collect()
    gc.freeze()
    report("120 000 results come", results._read)
    until(app, lambda: results.table.model().rowCount() == len(many))
    print(f"    {results.count.text()}")
    report("they come again", results._read)
    report("only failed ones", lambda: results.shown.setCurrentText("Failed"))
    report("everything", lambda: results.shown.setCurrentIndex(0))
    report("a word is looked for", lambda: results.search.setText("M1S003 clean"))
    report("all words are taken away", results.search.clear)
    report("they are sorted by ObsID", lambda: results.table.horizontalHeader().sectionClicked.emit(2))
    report("all are chosen", results.table.selectAll)
    report("they come again while all are chosen", results._read)
    report("the window as before, nothing happens")
    window.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    from tests.benchmarks.large_archive import make

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder).close()
        measure(folder, options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
