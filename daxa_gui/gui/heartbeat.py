"""Measures how long the event loop was not to be spoken to: a timer that should beat every few milliseconds."""

from __future__ import annotations

import time
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, QTimer


@dataclass(frozen=True)
class Stall:
    """`seconds` beyond the beat's interval, and what was going on (`during`)."""

    seconds: float
    during: str


class Heartbeat(QObject):
    def __init__(self, parent: QObject | None = None, *, interval_ms: int = 5) -> None:
        super().__init__(parent)
        self._interval_s = interval_ms / 1000.0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self._beat)
        self._last: float | None = None
        self.during = ""
        self.beats = 0
        self.stalls: list[Stall] = []

    def start(self, during: str) -> None:
        self.during, self._last = during, None
        self._timer.start()

    def pause(self) -> None:
        """What happens until the next `start` does not count."""
        self._timer.stop()
        self._last = None

    def _beat(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self.beats += 1
            late = now - self._last - self._interval_s
            if late > 0.02:
                self.stalls.append(Stall(late, self.during))
        self._last = now

    @property
    def worst(self) -> Stall:
        return max(self.stalls, key=lambda stall: stall.seconds, default=Stall(0.0, "nothing above 20 ms"))
