"""Short work off the window's thread: reads, of which the newest of a panel wins, and actions, which all happen in order."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, QTimer, Signal

from daxa_gui.core.errors import Cancelled, DaxaError

log = logging.getLogger(__name__)
OnDone = Callable[[Any], None]
OnError = Callable[[DaxaError], None]
_Key = tuple[int, object]


class Background(QObject):
    """`read()` and `act()` are called from the window's thread; functions run on pool threads, callbacks on the window's."""

    failed = Signal(object)  # DaxaError of work whose owner gave no `on_error`
    _answered = Signal(object, int, object, object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 2) -> None:
        super().__init__(parent)
        self._reads = QThreadPool(self)
        self._reads.setMaxThreadCount(threads)
        self._actions = QThreadPool(self)
        self._actions.setMaxThreadCount(1)  # what a person asks for happens in the order in which it was asked for
        self._number = 0
        self._newest: dict[_Key, tuple[int, OnDone, OnError | None]] = {}
        self._known_owners: set[int] = set()
        self._closed = False
        self.is_closing = False  # for functions that wait for something: nobody waits for them any more
        self._waiting: deque[tuple[_Key, int, Any, DaxaError | None]] = deque()
        # One answer per turn of the event loop, so that several that come together do not add up to a stall.
        self._turn = QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._deliver_next)
        self._answered.connect(self._on_answered)

    def read(
        self,
        owner: QObject,
        name: str,
        function: Callable[[], Any],
        on_done: OnDone,
        on_error: OnError | None = None,
    ) -> None:
        """Run `function()` and give its result to `on_done`, unless `owner` asked again under this `name` or is gone."""
        key, number = self._expect(owner, name, on_done, on_error)

        def work() -> None:
            current = self._newest.get(key)
            if current is None or current[0] != number:
                return  # a newer question came while this one waited for a thread
            self._run(name, function, key, number)

        self._reads.start(work)

    def act(
        self,
        owner: QObject,
        name: str,
        function: Callable[[], Any],
        on_done: OnDone | None = None,
        on_error: OnError | None = None,
    ) -> None:
        """Run `function()` even if more is asked for meanwhile, after all earlier actions: what changes something."""
        key, number = self._expect(owner, (name, self._number), on_done or (lambda _result: None), on_error)
        self._actions.start(lambda: self._run(name, function, key, number))

    def forget(self, owner: QObject, name: str) -> None:
        """The answer to a question that was asked is not wanted any more."""
        self._newest.pop((id(owner), name), None)

    def _expect(self, owner: QObject, name: object, on_done: OnDone, on_error: OnError | None) -> tuple[_Key, int]:
        identity = id(owner)
        if identity not in self._known_owners:
            self._known_owners.add(identity)
            owner.destroyed.connect(lambda: self._forget_owner(identity))
        self._number += 1
        self._newest[identity, name] = (self._number, on_done, on_error)
        return (identity, name), self._number

    def _forget_owner(self, identity: int) -> None:
        self._known_owners.discard(identity)
        for key in [key for key in self._newest if key[0] == identity]:
            del self._newest[key]

    def _run(self, name: str, function: Callable[[], Any], key: _Key, number: int) -> None:
        """On a pool thread."""
        try:
            result, error = function(), None
        except Cancelled:
            return
        except DaxaError as problem:
            result, error = None, problem
        except Exception as problem:
            log.exception("work for the screen failed")
            result, error = None, DaxaError(f"« {name} » failed unexpectedly: {problem}.", "The log file has the details.")
        if not self._closed:
            self._answered.emit(key, number, result, error)

    def _on_answered(self, key: _Key, number: int, result: Any, error: DaxaError | None) -> None:
        self._waiting.append((key, number, result, error))
        self._turn.start()

    def _deliver_next(self) -> None:
        if len(self._waiting) <= 1:
            self._turn.stop()
        if self._waiting:
            self._deliver(*self._waiting.popleft())

    def _deliver(self, key: _Key, number: int, result: Any, error: DaxaError | None) -> None:
        current = self._newest.get(key)
        if current is None or current[0] != number:
            return
        del self._newest[key]
        _, on_done, on_error = current
        if error is None:
            on_done(result)
        elif on_error is not None:
            on_error(error)
        else:
            log.warning("%s", error)
            self.failed.emit(error)

    def wait_until_idle(self, timeout_ms: int = 60_000) -> bool:
        """Wait for the running functions; their answers arrive with the next events."""
        return self._reads.waitForDone(timeout_ms) and self._actions.waitForDone(timeout_ms)

    def close(self) -> None:
        """Reads that have not begun are dropped; actions that were asked for are done. No answer arrives any more."""
        self.is_closing = True
        self._turn.stop()
        self._newest.clear()
        self._waiting.clear()
        self._reads.clear()
        self._reads.waitForDone(5000)
        self._actions.waitForDone(30_000)
        self._closed = True
