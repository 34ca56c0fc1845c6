"""A log of 200 MB: opening it, finding its messages, searching it, in the library and in the window; beside `wc` and `grep`.

    python tests/benchmarks/bench_logs.py

Aims: open after 0.3 s (all lines counted, the first page in hand), a search of at most 1 s, less than 100 MB of memory more. The
lines are those that SAS writes (real ones if the shared data are there). Each part runs in a process of its own.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT))
SIZE_BYTES = 200_000_000
SAMPLE = PROJECT.parent / "shared" / "data" / "logs_sas" / "pysas_basic_setup_0802710101.log"


def memory_mb() -> float:
    """What this process uses now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def timed(what: str, function: Callable[[], Any], aim: str = "") -> Any:
    begin = time.perf_counter()
    result = function()
    print(f"{what:<62} {(time.perf_counter() - begin) * 1000:9.1f} ms   {aim}")
    return result


def write_log(path: Path) -> None:
    made_up = "".join(
        f"epproc::epevents:-   {n}   {n % 12}   NaN  12.5\nemproc::evselect:- selected {n} rows from the input table.\n"
        for n in range(10_000)
    )
    piece = SAMPLE.read_bytes() if SAMPLE.is_file() else made_up.encode()
    with path.open("wb") as file:
        while file.tell() < SIZE_BYTES:
            file.write(piece)
        file.write(b"** espfilt: error (noCounts), All histo counts are zero!\n")


def reference(path: Path) -> None:
    for command in (["wc", "-l", str(path)], ["grep", "-ci", "nocounts", str(path)], ["grep", "-c", "noCounts", str(path)]):
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        shown = " ".join(command[:-1])
        timed(f"{shown} (reference)", lambda c=command, e=environment: subprocess.run(c, capture_output=True, env=e, check=True))


def library(path: Path) -> None:
    from daxa_gui.core.log_file import LogFile

    before = memory_mb()
    begin = time.perf_counter()
    log = LogFile.open(path)
    log.index()
    page = [log.line(n) for n in range(50)]
    print(f"{'open, count the lines, read the first page':<62} {(time.perf_counter() - begin) * 1000:9.1f} ms   at most 300 ms")
    timed("a page in the middle", lambda: [log.line(n) for n in range(log.n_lines // 2, log.n_lines // 2 + 50)])
    timed("search a rare word", lambda: log.search("nocounts"), "at most 1000 ms")
    timed("search a frequent word", lambda: log.search("evselect"), "at most 1000 ms")
    timed("search a letter that stands everywhere", lambda: log.search("e"), "at most 1000 ms")
    timed("search with letters beyond ASCII", lambda: log.search("überbelichtet"))
    timed("look for warnings and errors", log.look, "in the background")
    print(f"{len(page)} of {log.n_lines} lines, {log.counts()} warnings and errors")
    print(f"{'memory, all of it kept':<62} {memory_mb() - before:9.1f} MB   less than 100 MB")
    print(f"{'  at most':<62} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3 - before:9.1f} MB")


def window(path: Path) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from daxa_gui.gui.bridge import Bridge
    from daxa_gui.gui.context import Context
    from daxa_gui.gui.panels.log import LogPanel
    from daxa_gui.session import Session

    app = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        session = Session(output_folder=Path(folder) / "output", cache=Path(folder) / "cache")
        context = Context(session)
        panel = LogPanel(session, context, Bridge(session.bus))
        panel.resize(900, 500)
        panel.show()
        app.processEvents()
        before, longest = memory_mb(), 0.0

        def until(done: Callable[[], bool]) -> None:
            nonlocal longest
            while not done():
                begin = time.perf_counter()
                app.processEvents()
                longest = max(longest, time.perf_counter() - begin)
                time.sleep(0.001)

        def open_it() -> None:
            panel.show_file(str(path))
            until(lambda: panel.lines.n_lines > 100)
            panel.view.grab()

        timed("window: first page painted", open_it, "at most 300 ms")
        timed("window: all lines counted and looked at", lambda: until(lambda: panel.lines.is_looked), "in the background")
        panel.search.setText("nocounts")
        timed("window: search a rare word", lambda: until(lambda: panel.hits.text().startswith("in ")), "at most 1000 ms")
        timed("window: jump to the end", lambda: (panel.view.go_to(panel.lines.n_rows - 1), panel.view.grab()))
        print(f"{'window: longest turn of the event loop':<62} {longest * 1000:9.1f} ms   at most 50 ms")
        print(f"{'window: memory of the log':<62} {memory_mb() - before:9.1f} MB   less than 100 MB")
        panel.close()
        context.background.close()
        session.close()
    assert threading.active_count() < 20


if __name__ == "__main__":
    if len(sys.argv) == 3:
        {"library": library, "window": window, "reference": reference}[sys.argv[1]](Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as made:
            log_path = Path(made) / "large.log"
            write_log(log_path)
            for part in ("reference", "library", "window"):
                subprocess.run([sys.executable, __file__, part, str(log_path)], check=True)
