"""How long until the first window stands painted, against a bare PySide6 + pyqtgraph window measured in the same run.

    python tests/benchmarks/bench_startup.py [RUNS]

Both are started as new processes, by turns, offscreen, with the file cache warmed by one run each that does not count. The
time runs from just before the process is started (so it includes the interpreter itself, some 15 ms) to the moment when the
window has been painted, read from the monotonic clock that all processes share. Aim: at most 0.5 s, and at most 1.6 times
the bare window.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

AIM_S = 0.5
AIM_RATIO = 1.6

# as much of a window as anybody needs who plots something: a menu, a plot, a status bar
BARE_WINDOW = """
import time
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
import pyqtgraph
window = QMainWindow()
window.menuBar().addMenu("File")
window.statusBar().showMessage("Ready")
window.setCentralWidget(pyqtgraph.PlotWidget())
window.resize(1280, 800)
window.show()
application.processEvents()
window.grab()
print(f"first-paint {time.monotonic():.6f}", flush=True)
window.close()
window.deleteLater()
application.processEvents()
"""
EMPTY_INTERPRETER = "import time; print(f'first-paint {time.monotonic():.6f}')"

PROGRAMS: dict[str, list[str]] = {
    "interpreter alone": ["-c", EMPTY_INTERPRETER],
    "bare PySide6 + pyqtgraph window": ["-c", BARE_WINDOW],
    "daxa-gui": ["-m", "daxa_gui"],
    "daxa-gui --practice": ["-m", "daxa_gui", "--practice"],
}


def environment(home: str) -> dict[str, str]:
    """A home of its own, so that neither the person's settings nor their last archive are measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAXA_GUI_", "XDG_"))}
    return kept | {"HOME": home, "QT_QPA_PLATFORM": "offscreen", "DAXA_GUI_BENCH": "first-paint"}


def first_paint_s(arguments: list[str], variables: dict[str, str]) -> float:
    """Seconds from just before the start of the process to its painted window."""
    start = time.monotonic()
    result = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=variables, timeout=120, check=False)
    for line in result.stdout.splitlines():
        if line.startswith("first-paint "):
            return float(line.split()[1]) - start
    raise SystemExit(f"{' '.join(arguments[:2])} reported no first paint (exit {result.returncode}):\n{result.stderr}")


def measure(runs: int) -> dict[str, list[float]]:
    """Times in seconds for each program; the programs take turns so that other load meets all of them alike."""
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory(prefix="daxa-gui-bench-") as home:
        variables = environment(home)
        for name in PROGRAMS:
            first_paint_s(PROGRAMS[name], variables)
        for _ in range(runs):
            for name in PROGRAMS:
                times[name].append(first_paint_s(PROGRAMS[name], variables))
    return times


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    times = measure(runs)
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = medians["bare PySide6 + pyqtgraph window"]
    print(f"First painted window, {runs} runs each, seconds (Python {platform.python_version()}, load {os.getloadavg()[0]:.1f})")
    print(f"{'':34}{'median':>8}{'least':>8}{'most':>8}{'ratio':>8}")
    for name, values in times.items():
        print(f"{name:34}{medians[name]:8.3f}{min(values):8.3f}{max(values):8.3f}{medians[name] / bare:8.2f}")
    print(f"aims: {AIM_S} s, and {AIM_RATIO} times the bare window")
    for name in ("daxa-gui", "daxa-gui --practice"):
        seconds = medians[name]
        verdicts = ("met" if seconds <= AIM_S else "MISSED", "met" if seconds / bare <= AIM_RATIO else "MISSED")
        print(f"  {name}: {seconds:.3f} s {verdicts[0]}, {seconds / bare:.2f} times {verdicts[1]}")
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    sys.exit(main())
