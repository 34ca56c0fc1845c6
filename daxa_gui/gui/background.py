"""Short reads for the screen, off the window's thread; the newest question of a panel wins, older answers are dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QThreadPool, Signal

from daxa_gui.core.errors import Cancelled, DaxaError

log = logging.getLogger(__name__)


class Background(QObject):
    """`read()` is called from the window's thread; the function runs on a pool thread, the callbacks on the window's."""

    _answered = Signal(object, int, object, object)

    def __init__(self, parent: QObject | None = None, *, threads: int = 2) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._number = 0
        self._newest: dict[tuple[int, str], tuple[int, Callable[[Any], None], Callable[[DaxaError], None] | None]] = {}
        self._answered.connect(self._deliver)

    def read(
        self,
        owner: QObject,
        name: str,
        function: Callable[[], Any],
        on_done: Callable[[Any], None],
        on_error: Callable[[DaxaError], None] | None = None,
    ) -> None:
        """Run `function()` and give its result to `on_done`, unless `owner` asked again under this `name` or is gone."""
        key = (id(owner), name)
        if key not in self._newest:
            owner.destroyed.connect(lambda: self._newest.pop(key, None))
        self._number += 1
        number = self._number
        self._newest[key] = (number, on_done, on_error)

        def work() -> None:
            current = self._newest.get(key)
            if current is None or current[0] != number:
                return  # a newer question came while this one waited for a thread
            try:
                result, error = function(), None
            except Cancelled:
                return
            except DaxaError as problem:
                result, error = None, problem
            except Exception as problem:
                log.exception("a read for the screen failed")
                result, error = None, DaxaError(f"Reading for « {name} » failed: {problem}", "The log file has the details.")
            self._answered.emit(key, number, result, error)

        self._pool.start(work)

    def _deliver(self, key: tuple[int, str], number: int, result: Any, error: DaxaError | None) -> None:
        current = self._newest.get(key)
        if current is None or current[0] != number:
            return
        _, on_done, on_error = current
        if error is None:
            on_done(result)
        elif on_error is not None:
            on_error(error)
        else:
            log.warning("nobody shows this: %s", error)

    def wait_until_idle(self, timeout_ms: int = 10_000) -> bool:
        """Wait for the running functions; their answers arrive with the next events."""
        return self._pool.waitForDone(timeout_ms)

    def close(self) -> None:
        self._newest.clear()
        self._pool.clear()
        self._pool.waitForDone(5000)
