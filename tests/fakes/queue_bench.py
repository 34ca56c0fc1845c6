"""A queue over a real store, with everything else under a test's control."""

from __future__ import annotations

import threading

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError
from daxa_gui.execution.queue import Queue
from tests.fakes.execution import FakeClock, ManualExecutor, ScriptedRunner, request


class Bench:
    """A queue over a real store with everything else under the test's control."""

    def __init__(self, folder, executor=None, script=None, limit=2, paused=()):
        self.clock = FakeClock()
        layout = OutputLayout(folder).archive("a")
        self.store = (ArchiveStore.open if layout.database.exists() else ArchiveStore.create)(layout, self.clock.now)
        self.bus = Bus()
        self.mailbox = self.bus.subscribe()
        self.executor = executor or ManualExecutor()
        self.runner = ScriptedRunner(self.store, script)
        self.queue = Queue(
            self.store, self.bus, self.runner, self.executor, limits=lambda lane: limit, clock=self.clock, paused=paused,
            jitter=lambda: 0.0,
        )  # fmt: skip
        self.queue.start()

    def states(self, *jobs):
        return [self.queue.job(job.id).state for job in jobs]

    def events(self, kind):
        return [event for event in self.mailbox.drain() if isinstance(event, kind)]

    def close(self):
        self.queue.close(timeout_s=0.0)
        self.store.close()


def chain(*steps):
    """Requests that each need the one before."""
    labels = [f"{step}/M1S001" for step in steps]
    return [
        request(step=step, needs=(before,) if before else ()) for step, before in zip(steps, ["", *labels], strict=False)
    ]  # fmt: skip


def fails_with(error):
    def script(job, token):
        raise error

    return script


def full(*args, **more):
    """In place of what writes: the disk is full."""
    raise ArchiveError("There is no space left.", "Free some.")


class Waiter:
    """Somebody who waits without a limit until the queue rests."""

    def __init__(self, queue):
        self._began = threading.Event()
        self._thread = threading.Thread(target=self._wait, args=(queue,), daemon=True)
        self._thread.start()
        self._began.wait(120)

    def _wait(self, queue):
        self._began.set()
        queue.wait_until_idle()

    def has_been_woken(self):
        self._thread.join(120)
        return not self._thread.is_alive()
