"""Doing something once the work that was going on has come to rest."""

from __future__ import annotations

import threading
from collections.abc import Callable

from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Event, JobChanged, ManyJobsChanged, Notice

_LOOK_S = 0.25  # between looks at the news while much happens
_QUIET_S = 0.2  # a pause between two jobs is no rest


class WhenIdle:
    """Calls `work` when jobs have ended, or `note` was called, and nothing runs any more.

    `start` begins a thread of its own, `stop` ends it; without it `run_now` does the same. What goes wrong in the thread is
    announced as a Notice.

    Parameters
    ----------
    wait_until_idle : waits at most so many seconds until nothing runs; whether it is so.
    work : called by one thread at a time.
    """

    def __init__(self, bus: Bus, wait_until_idle: Callable[[float], bool], work: Callable[[], None]) -> None:
        self._bus, self._wait_until_idle, self._work = bus, wait_until_idle, work
        self._news, self._stopping = threading.Event(), threading.Event()
        self._looking, self._working = threading.Lock(), threading.Lock()
        self._pending = False
        self._mailbox = bus.subscribe(self._news.set)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="when-idle", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Waits for `work` if it is being done. May be called twice."""
        self._stopping.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def note(self) -> None:
        """Something has changed, though no job ended."""
        with self._looking:
            self._pending = True
        self._news.set()

    def is_pending(self) -> bool:
        """Whether something has changed since `work` was begun the last time."""
        with self._looking:
            for event in self._mailbox.drain():
                self._pending = self._pending or _is_an_end(event)
            return self._pending

    def run_now(self) -> None:
        """Do the work in this thread, if there is any. Raises what it raises."""
        with self._working:
            if self.is_pending():
                with self._looking:
                    self._pending = False
                self._work()

    def _watch(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            while not self._stopping.wait(_LOOK_S) and self.is_pending():
                if self._wait_until_idle(0.5) and not self._stopping.wait(_QUIET_S) and self._wait_until_idle(0.0):
                    try:
                        self.run_now()
                    except DaxaError as error:
                        self._bus.publish(Notice("error", error.message, error.hint))
            if self._stopping.is_set():
                return


def _is_an_end(event: Event) -> bool:
    return (isinstance(event, JobChanged) and event.job.is_finished) or (isinstance(event, ManyJobsChanged) and event.finished)
