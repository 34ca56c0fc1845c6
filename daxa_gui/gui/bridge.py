"""From the bus to Qt signals: drained about 20 times a second, the only place where a core event becomes a signal."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from daxa_gui.core import events
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import Job
from daxa_gui.core.product import Product

_MOST = 500  # jobs in one turn of the event loop
_PAUSE_MS = 5


class Bridge(QObject):
    """Lists arrive at once: `jobs_changed` carries the newest snapshot of every job that changed since the last time."""

    jobs_changed = Signal(list)  # [Job]
    many_jobs_changed = Signal()  # too many to tell of each; read anew what is known of jobs
    products_added = Signal(list)  # [Product]
    lane_changed = Signal(str, bool)  # lane, paused
    archive_changed = Signal(str)  # folder of the archive, empty when none is open
    archive_content_changed = Signal()  # trash, regions, versions: what no job made
    catalogues_changed = Signal(list)  # [mission]
    catalogue_progress = Signal(object)  # events.CatalogueProgress, the newest of each mission
    practice_progress = Signal(object)  # events.PracticeProgress
    notice = Signal(object)  # events.Notice

    def __init__(self, bus: Bus, parent: QObject | None = None, *, interval_ms: int = 50) -> None:
        super().__init__(parent)
        self._mailbox = bus.subscribe()
        self._jobs: dict[int, Job] = {}  # that are to be told of
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_PAUSE_MS)
        self._rest.timeout.connect(self._tell)
        self._timer = QTimer(self)
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self.drain)
        self._timer.start()

    def drain(self) -> None:
        """Deliver everything that waits, now.

        What was announced before another archive was opened is left out: its numbers mean other jobs there, and whoever
        listens to `archive_changed` reads everything anew.
        """
        products: list[Product] = []
        missions: list[str] = []
        many = False
        for event in self._mailbox.drain():
            match event:
                case events.JobChanged(job=job):
                    self._jobs[job.id] = job
                case events.ManyJobsChanged():
                    many = True
                case events.ProductAdded(product=product):
                    products.append(product)
                case events.LaneChanged(lane=lane, paused=paused):
                    self.lane_changed.emit(lane, paused)
                case events.ArchiveChanged(path=path):
                    self._jobs, products, many = {}, [], False
                    self.archive_changed.emit(path)
                case events.ArchiveContentChanged():
                    self.archive_content_changed.emit()
                case events.CatalogueChanged(mission=mission):
                    missions.append(mission)
                case events.CatalogueProgress():
                    self.catalogue_progress.emit(event)
                case events.PracticeProgress():
                    self.practice_progress.emit(event)
                case events.Notice():
                    self.notice.emit(event)
        if missions:
            self.catalogues_changed.emit(missions)
        self._tell(len(self._jobs) if many else _MOST)
        if many:  # last: what is read from now on is newer than all that was announced so far
            self.many_jobs_changed.emit()
        if products:
            self.products_added.emit(products)

    def _tell(self, most: int = _MOST) -> None:
        """Of the jobs that changed, so many that the window stays quick; the others after it had time for something else."""
        told = list(self._jobs)[:most]
        if told:
            self.jobs_changed.emit([self._jobs.pop(job_id) for job_id in told])
        if self._jobs:
            self._rest.start()

    def stop(self) -> None:
        self._timer.stop()
        self._rest.stop()
