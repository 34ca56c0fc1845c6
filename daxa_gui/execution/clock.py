"""Time for the queue: what time it is, and calling a function later without a thread that sleeps for each."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    def now(self) -> float:
        """Seconds since 1970, UTC."""

    def call_later(self, delay_s: float, function: Callable[[], None]) -> None:
        """Call `function` once, after at least `delay_s` seconds, on a thread of the clock's own."""

    def close(self) -> None:
        """What has not been called by now never is."""


class SystemClock:
    """The computer's clock; one thread, made at the first `call_later`, waits for the earliest of all calls."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._calls: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def now(self) -> float:
        return time.time()

    def call_later(self, delay_s: float, function: Callable[[], None]) -> None:
        with self._condition:
            if self._closed:
                return
            heapq.heappush(self._calls, (time.monotonic() + delay_s, next(self._order), function))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
                self._thread.start()
            self._condition.notify()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._closed and (not self._calls or self._calls[0][0] > time.monotonic()):
                    self._condition.wait(self._calls[0][0] - time.monotonic() if self._calls else None)
                if self._closed:
                    return
                function = heapq.heappop(self._calls)[2]
            function()

    def close(self) -> None:
        with self._condition:
            self._closed = True
            self._calls.clear()
            thread = self._thread
            self._condition.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()


class Throttle:
    """Lets something through at most every `interval_s` seconds; the first time always."""

    def __init__(self, interval_s: float = 0.1, now: Callable[[], float] = time.monotonic) -> None:
        self._interval_s = interval_s
        self._now = now
        self._last: float | None = None

    def ready(self) -> bool:
        now = self._now()
        if self._last is not None and 0.0 <= now - self._last < self._interval_s:
            return False
        self._last = now
        return True
