"""The status line: practice badge, open archive, what the queue is doing."""

from __future__ import annotations

from collections import Counter

from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QWidget

from daxa_gui.core.events import PracticeProgress
from daxa_gui.core.job import Job, JobState
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.session import Session


class StatusLine(QStatusBar):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._states: dict[int, JobState] = {}
        self._practice = QLabel(self)
        self._practice.setObjectName("practiceBadge")
        self._practice.setToolTip("All observations of the practice sky are simulated and marked as such in their files")
        self._making = QProgressBar(self)
        self._making.setObjectName("practiceProgress")
        self._making.setMaximumWidth(160)
        self._making.setAccessibleName("Making the practice sky")
        self._making.hide()
        self._queue = QLabel(self)
        self._queue.setObjectName("queueState")
        self._archive = QLabel(self)
        self._archive.setObjectName("archiveName")
        for widget in (self._making, self._practice, self._queue, self._archive):
            self.addPermanentWidget(widget)
        bridge.practice_progress.connect(self._on_practice_progress)
        bridge.jobs_changed.connect(self._on_jobs_changed)
        bridge.archive_changed.connect(self._on_archive_changed)
        context.theme_changed.connect(lambda _theme: self.refresh())
        self.refresh()

    def refresh(self) -> None:
        theme = self._context.theme
        self._practice.setVisible(self._session.practice)
        self._practice.setText("PRACTICE SKY · SIMULATED DATA")
        self._practice.setStyleSheet(f"color: {theme.warn}; font-weight: 600; padding: 0 8px;")
        archive = self._session.archive
        self._archive.setText(f"Archive: {archive.name}" if archive else "No archive open")
        counts = Counter(self._states.values())
        running = counts[JobState.RUNNING] + counts[JobState.CANCELLING]
        waiting = counts[JobState.QUEUED] + counts[JobState.WAITING]
        failed = counts[JobState.FAILED]
        parts = [f"{n} {word}" for n, word in ((running, "running"), (waiting, "waiting"), (failed, "failed")) if n]
        self._queue.setText("Queue: " + (" · ".join(parts) if parts else "idle"))

    def _on_practice_progress(self, progress: PracticeProgress) -> None:
        self._making.setVisible(not progress.ready)
        self._making.setRange(0, max(1, int(progress.total)))
        self._making.setValue(int(progress.done))
        self.showMessage("The practice sky is ready." if progress.ready else f"Making the practice sky: {progress.text}", 8000)
        self.refresh()

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        self._states.update({job.id: job.state for job in jobs})
        self.refresh()

    def _on_archive_changed(self, _path: str) -> None:
        self._states = {job.id: job.state for job in self._session.jobs()} if self._session.archive else {}
        self.refresh()
