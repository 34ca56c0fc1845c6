"""How long the event loop was not to be spoken to during the whole practice journey, and what it was doing then.

    python tests/benchmarks/bench_stalls.py

Runs the journey offscreen with a heartbeat of 5 ms; while a beat is late, another thread looks at what the window's thread is
doing. Aim: no stall above 50 ms. Taking the journey's own pictures does not count.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LATE_S = 0.03


class Sampler(threading.Thread):
    """Looks at the main thread's stack every 5 ms and keeps those taken while the heartbeat was late."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.last_beat: float | None = None
        self.places: list[tuple[float, Counter[str]]] = []
        self._main = threading.main_thread().ident

    def run(self) -> None:
        begun: float | None = None
        while True:
            time.sleep(0.005)
            last = self.last_beat
            if last is None or time.perf_counter() - last < LATE_S:
                begun = None
                continue
            if begun != last:
                begun = last
                self.places.append((0.0, Counter()))
            frame = sys._current_frames().get(self._main or 0)
            stack = traceback.extract_stack(frame)
            ours = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in stack if "daxa_gui" in f.filename]
            deepest = stack[-1]
            where = " < ".join(reversed(ours[-3:])) + f" (in {Path(deepest.filename).name}:{deepest.lineno})"
            self.places[-1][1][where] += 1
            self.places[-1] = (time.perf_counter() - last, self.places[-1][1])


def main() -> int:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path.insert(0, str(PROJECT))
    sampler = Sampler()
    with tempfile.TemporaryDirectory(prefix="daxa-gui-bench-") as folder:
        from daxa_gui import app
        from daxa_gui.gui.heartbeat import Heartbeat

        beat, start, pause = Heartbeat._beat, Heartbeat.start, Heartbeat.pause

        def watched_beat(self: Heartbeat) -> None:
            beat(self)
            sampler.last_beat = time.perf_counter()

        def watched_start(self: Heartbeat, during: str) -> None:
            start(self, during)
            sampler.last_beat = time.perf_counter()

        def watched_pause(self: Heartbeat) -> None:
            pause(self)
            sampler.last_beat = None

        for name, watched in (("_beat", watched_beat), ("start", watched_start), ("pause", watched_pause)):
            setattr(Heartbeat, name, watched)
        sampler.start()
        code = app.main(["--tour", f"{folder}/tour", "--output", f"{folder}/output"])
    print(
        f"\nBeats late by more than {1000 * LATE_S:.0f} ms, longest first (what the window's thread was doing, samples of 5 ms)"
    )
    for seconds, places in sorted(sampler.places, key=lambda item: -item[0])[:15]:
        print(f"{1000 * seconds:6.0f} ms")
        for where, count in places.most_common(3):
            print(f"          {count:3d} x {where}")
    return code


if __name__ == "__main__":
    sys.exit(main())
