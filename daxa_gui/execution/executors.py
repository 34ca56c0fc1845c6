"""Where jobs run. An executor only starts functions; which job runs when is the queue's business."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Protocol

_IDLE_S = 0.5


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


class _Thread:
    """A daemon thread that does one function after the other, and ends when none comes for a while."""

    def __init__(self, first: Callable[[], None]) -> None:
        self._next: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, args=(first,), name="job", daemon=True).start()

    def do(self, function: Callable[[], None]) -> None:
        self._next.put(function)

    def _work(self, function: Callable[[], None]) -> None:
        while True:
            function()
            with _guard:
                _idle.append(self)
            try:
                function = self._next.get(timeout=_IDLE_S)
            except queue.Empty:
                with _guard:
                    if self in _idle:
                        _idle.remove(self)
                        return
                function = self._next.get()  # it came at the last moment


_guard = threading.Lock()
_idle: list[_Thread] = []


def start_thread(function: Callable[[], None]) -> None:
    """On a daemon thread: for programs without a pool. As many at once as are asked for."""
    with _guard:
        thread = _idle.pop() if _idle else None
    if thread is None:
        _Thread(function)
    else:
        thread.do(function)
