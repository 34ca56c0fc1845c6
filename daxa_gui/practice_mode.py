"""The practice sky in use: made at first need in a worker process, then served by its archive server while the program runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import Cancelled, DaxaError
from daxa_gui.core.events import Notice, PracticeProgress

SERVICE_PREFIX = "practice:"  # of the services of simulated observations: « practice:heasarc »
SEED = 1


class PracticeMode:
    """`prepare()` does the work; everybody else asks for addresses and waits until they are there."""

    def __init__(self, cache: Path, bus: Bus, call_process: Callable[..., Any], on_ready: Callable[[Path], None]) -> None:
        self._cache = cache
        self._bus = bus
        self._call_process = call_process
        self._on_ready = on_ready
        self._lock = threading.Lock()
        self._started = False
        self._settled = threading.Event()
        self._addresses: dict[str, str] = {}
        self._server: Any = None
        self.failure: DaxaError | None = None

    @property
    def started(self) -> bool:
        return self._started

    @property
    def ready(self) -> bool:
        return self._settled.is_set() and self.failure is None

    def start(self, start: Callable[[Callable[[], None]], None]) -> None:
        """Begin, unless it has begun; `start` runs a function on a pool thread."""
        with self._lock:
            if self._started:
                return
            self._started = True
        start(self._prepare)

    def _prepare(self) -> None:
        from daxa_gui.practice.make import default_folder, is_made, service_addresses
        from daxa_gui.practice.server import ArchiveServer

        try:
            folder = default_folder(self._cache, SEED)
            if not is_made(folder, SEED):
                self._publish(0, 1, "starting")
                self._call_process(
                    "daxa_gui.practice.make:make_sky", {"folder": str(folder), "seed": SEED}, on_progress=self._publish
                )
            server = ArchiveServer(folder / "www")
            self._addresses = service_addresses(server.start())
            self._server = server
            self._on_ready(folder)
        except Cancelled:
            self.failure = DaxaError("Making the practice sky was stopped.")
        except DaxaError as error:
            self.failure = error
            self._bus.publish(Notice("error", f"The practice sky could not be made: {error.message}", error.hint))
        finally:
            self._settled.set()
        if self.failure is None:
            self._bus.publish(PracticeProgress(1, 1, "ready", ready=True))

    def _publish(self, done: float, total: float | None, text: str = "") -> None:
        self._bus.publish(PracticeProgress(done, total or 1.0, text))

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until the server answers or the making failed; false when the time ran out."""
        return self._settled.wait(timeout_s)

    def address(self, service: str) -> str:
        """Where a service of the practice sky answers; waits until it does."""
        if not self.wait(180.0):
            raise DaxaError("The practice sky is still being made.", "Try again in a moment.", retryable=True)
        if self.failure is not None:
            raise DaxaError("The practice sky could not be made.", self.failure.message)
        return self._addresses[service]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
            self._server = None
