"""The jobs of the open archive in columns for one listener: all of them when it is opened, then what changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.job import Job
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.session import Session

_PAUSE_MS = 1000  # at least, between two readings
_PART = 4  # and so many times as long as the last one took: what is being done shall not wait for what is shown
_LONGEST_PAUSE_MS = 20_000
KINDS = ("plan", "download", "reduce")


class OverviewFeed(QObject):
    """Connect to `replaced` and `changed`, then call `read()` once. Nothing is lost between the two.

    Parameters
    ----------
    arrange : makes of the columns of all jobs what the listener wants to have of it; runs on a pool thread.
    kinds : which jobs are of interest.
    """

    replaced = Signal(object)  # what `arrange` made of all jobs; also after very many of them changed at once
    changed = Signal(list)  # [Job] that changed since, the newest snapshot of each

    def __init__(
        self,
        session: Session,
        context: Context,
        bridge: Bridge,
        arrange: Callable[[JobOverview], Any],
        kinds: Collection[str] = KINDS,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._background = context.background
        self._arrange = arrange
        self._kinds = frozenset(kinds)
        self._meanwhile: dict[int, Job] | None = None  # what changed while all are being read
        self._asked = 0.0  # when they were last begun to be read, monotonic s
        self._once_more = False  # very many changed since they began to be read
        self._pause = QTimer(self)  # very many may change again and again: what is read has to arrive in between
        self._pause.setSingleShot(True)
        self._pause.timeout.connect(self._read_again)
        bridge.jobs_changed.connect(self._on_bridge_jobs_changed)
        bridge.many_jobs_changed.connect(self._read_again)
        bridge.archive_changed.connect(lambda _path: self.read())

    def read(self) -> None:
        """Ask for all jobs anew; until they are here there are none."""
        self._meanwhile, self._once_more = None, False
        self._pause.stop()
        self.replaced.emit(self._arrange(JobOverview()))
        if self._session.archive is None:
            self._background.forget(self, "jobs")
            return
        self._read_again()

    def _read_again(self) -> None:
        """What is shown stays until all jobs have been read. Those that change while they are read are read once more afterwards,
        after a pause."""
        if self._meanwhile is not None:
            self._once_more = True
        elif self._session.archive is not None:
            self._meanwhile = {}
            self._asked = time.monotonic()
            self._background.read(self, "jobs", self._read, self._on_read, self._on_error)

    def _read(self) -> Any:
        return self._arrange(self._session.job_overview(sorted(self._kinds)))

    def _on_read(self, arranged: Any) -> None:
        meanwhile, self._meanwhile = self._meanwhile or {}, None
        self.replaced.emit(arranged)
        if meanwhile:
            self.changed.emit(list(meanwhile.values()))
        self._read_once_more()

    def _read_once_more(self) -> None:
        if self._once_more:
            self._once_more = False
            took_ms = 1000.0 * (time.monotonic() - self._asked)
            self._pause.start(int(min(_LONGEST_PAUSE_MS, max(_PAUSE_MS, _PART * took_ms))))

    def _on_error(self, error: DaxaError) -> None:
        self._meanwhile = None
        if self._session.archive is not None:  # otherwise it was closed in between, which is no failure
            self._background.failed.emit(error)
            self._read_once_more()

    def _on_bridge_jobs_changed(self, jobs: list[Job]) -> None:
        mine = [job for job in jobs if job.kind in self._kinds]
        if self._meanwhile is not None:
            self._meanwhile.update({job.id: job for job in mine})
        elif mine:
            self.changed.emit(mine)
