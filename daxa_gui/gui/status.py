"""The status line: practice badge, open archive, what the queue is doing."""

from __future__ import annotations

import numpy as np
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QWidget

from daxa_gui.core.events import PracticeProgress
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.job_overview import STATE_CODES, STATES, JobOverview
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.overview_feed import OverviewFeed
from daxa_gui.gui.texts import count_text
from daxa_gui.session import Session

_GROUPS = (
    ("running", (JobState.RUNNING, JobState.CANCELLING)),
    ("waiting", (JobState.QUEUED, JobState.WAITING)),
    ("failed", (JobState.FAILED,)),
)


class StateCounts:
    """How many jobs are in each state; each job is remembered by its state only."""

    def __init__(self, overview: JobOverview | None = None) -> None:
        overview = overview if overview is not None else JobOverview()
        self._ids, self._codes = overview.ids.copy(), overview.state.copy()  # nothing else of it is kept
        self._later: dict[int, JobState] = {}
        self._counts = overview.counts()

    def note(self, jobs: list[Job]) -> None:
        for job in jobs:
            row = int(np.searchsorted(self._ids, job.id))
            if row < len(self._ids) and self._ids[row] == job.id:
                old: JobState | None = STATES[self._codes[row]]
                self._codes[row] = STATE_CODES[job.state]
            else:
                old = self._later.get(job.id)
                self._later[job.id] = job.state
            if old is not None:
                self._counts[old] -= 1
            self._counts[job.state] += 1

    def sentence(self) -> str:
        """« Queue: 4 running · 15 waiting », « Queue: idle »."""
        numbers = ((sum(self._counts[state] for state in states), word) for word, states in _GROUPS)
        return "Queue: " + (" · ".join(f"{count_text(number)} {word}" for number, word in numbers if number) or "idle")


class StatusLine(QStatusBar):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._counts = StateCounts()
        self._practice = QLabel("PRACTICE SKY · SIMULATED DATA", self)
        self._practice.setObjectName("practiceBadge")
        self._practice.setToolTip("All observations of the practice sky are simulated and marked as such in their files")
        self._making = QProgressBar(self)
        self._making.setObjectName("practiceProgress")
        self._making.setMaximumWidth(160)
        self._making.setMaximumHeight(16)
        self._making.setAccessibleName("Making the practice sky")
        self._making.setToolTip("How far the practice sky is")
        self._making.hide()
        self._queue = QLabel(self)
        self._queue.setObjectName("queueState")
        self._queue.setToolTip("Jobs of the open archive: downloads and processing")
        self._archive = QLabel(self)
        self._archive.setObjectName("archiveName")
        self._archive.setToolTip("The open archive")
        for label in (self._queue, self._archive):
            label.setContentsMargins(8, 0, 8, 0)
        for widget in (self._making, self._practice, self._queue, self._archive):
            self.addPermanentWidget(widget)
        bridge.practice_progress.connect(self._on_practice_progress)
        bridge.archive_changed.connect(lambda _path: self.refresh())
        context.theme_changed.connect(lambda _theme: self.refresh())
        self._feed = OverviewFeed(session, context, bridge, StateCounts, parent=self)
        self._feed.replaced.connect(self._on_jobs_replaced)
        self._feed.changed.connect(self._on_jobs_changed)
        self._feed.read()
        self.refresh()

    def refresh(self) -> None:
        theme = self._context.theme
        self._practice.setVisible(self._session.practice)
        self._practice.setStyleSheet(f"color: {theme.warn}; font-weight: 600; padding: 0 8px;")
        archive = self._session.archive
        self._archive.setText(f"Archive: {archive.name}" if archive else "No archive open")
        self._queue.setVisible(archive is not None)
        self._queue.setText(self._counts.sentence())

    def _on_practice_progress(self, progress: PracticeProgress) -> None:
        self._making.setVisible(not progress.ready)
        self._making.setRange(0, max(1, int(progress.total)))
        self._making.setValue(int(progress.done))
        self.showMessage("The practice sky is ready." if progress.ready else f"Making the practice sky: {progress.text}", 8000)
        self.refresh()

    def _on_jobs_replaced(self, counts: StateCounts) -> None:
        self._counts = counts
        self._queue.setText(counts.sentence())

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        self._counts.note(jobs)
        self._queue.setText(self._counts.sentence())
