"""A TaskContext for tests: remembers what it was told, and can be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from daxa_gui.core.errors import Cancelled


class FakeContext:
    def __init__(self, services: Mapping[str, str] | None = None, work_folder: str = "") -> None:
        self.services = dict(services or {})
        self.work_folder = work_folder
        self.lines: list[str] = []
        self.reports: list[tuple[float, float | None, str]] = []
        self.on_progress: Callable[[float, float | None, str], None] = lambda *_: None
        self._cancelled = threading.Event()

    def service_url(self, service: str) -> str:
        return self.services[service]

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        self.reports.append((done, total, text))
        self.on_progress(done, total, text)

    def cancel(self) -> None:
        self._cancelled.set()

    def check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    def log(self, text: str) -> None:
        self.lines.append(text)
