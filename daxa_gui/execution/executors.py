"""Where jobs run. An executor only starts functions; which job runs when is the queue's business."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol


class Executor(Protocol):
    starts_threads: bool  # false: it may run the function before `submit` returns

    def submit(self, function: Callable[[], None]) -> None:
        """Have `function` called soon, on another thread; returns at once. `function` never raises."""


class PoolExecutor:
    """Runs functions on whatever `start` starts: a thread pool of the window, or `start_thread`.

    The queue limits how many run at once; a pool with fewer threads than the limits of all lanes together makes jobs that
    count as running wait for a thread.
    """

    starts_threads = True

    def __init__(self, start: Callable[[Callable[[], None]], object]) -> None:
        self._start = start

    def submit(self, function: Callable[[], None]) -> None:
        self._start(function)


def start_thread(function: Callable[[], None]) -> None:
    """A daemon thread of its own: for programs without a pool."""
    threading.Thread(target=function, name="job", daemon=True).start()
