"""The downloads: mission → observation → file with state, progress, rate and time left; pause, resume, retry, cancel."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QItemSelection, QModelIndex, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.job import FINISHED, Job, JobState
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import JOB_ROLE, Column, DownloadTree, format_bytes, fraction
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.state_painter import ProgressDelegate, StateDelegate
from daxa_gui.session import Session


class DownloadsPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._marks: deque[tuple[float, float]] = deque(maxlen=60)  # (time, bytes done) of the last seconds
        self._free_bytes: int | None = None
        self.model = DownloadTree(session.mission_labels(), self)
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(500)
        self._timer.timeout.connect(self._refresh_summary)
        bridge.jobs_changed.connect(self._on_jobs_changed)
        bridge.archive_changed.connect(self._on_archive_changed)
        bridge.lane_changed.connect(lambda _lane, _paused: self._refresh_buttons())
        self._on_archive_changed("")

    def _build(self) -> None:
        self.summary = QLabel(self)
        self.summary.setObjectName("downloadsSummary")
        self.summary.setWordWrap(True)
        self.view = QTreeView(self)
        self.view.setObjectName("downloadsTree")
        self.view.setAccessibleName("Downloads by mission, observation and file")
        self.view.setModel(self.model)
        self.view.setUniformRowHeights(True)
        self.view.setAlternatingRowColors(True)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        theme = self._theme
        self.view.setItemDelegateForColumn(Column.STATE, StateDelegate(theme, self.view))
        self.view.setItemDelegateForColumn(Column.PROGRESS, ProgressDelegate(theme, self.view))
        header = self.view.header()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        for column, width in ((Column.NAME, 230), (Column.STATE, 86), (Column.PROGRESS, 110), (Column.SIZE, 68)):
            header.resizeSection(column, width)
        self.view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.model.modelReset.connect(lambda: self.view.expandToDepth(0))
        self.model.rowsInserted.connect(self._on_rows_inserted)
        buttons = QHBoxLayout()
        self.pause_button = self._button(
            "pauseDownloads", "&Pause", "Let running files end and start no more", self._on_pause_clicked
        )
        self.retry_button = self._button(
            "retryDownloads",
            "Re&try",
            "Fetch the failed and cancelled files again (those selected, or all)",
            self._on_retry_clicked,
        )
        self.cancel_button = self._button(
            "cancelDownloads", "Ca&ncel", "Stop the selected downloads, or all", self._on_cancel_clicked
        )
        for button in (self.pause_button, self.retry_button, self.cancel_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.summary)
        layout.addLayout(buttons)
        layout.addWidget(self.view, 1)

    def _button(self, name: str, text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.clicked.connect(slot)
        return button

    def _theme(self) -> Theme:
        return self._context.theme

    # what happens

    def _on_rows_inserted(self, parent: QModelIndex, _first: int, _last: int) -> None:
        if parent.isValid() and not parent.parent().isValid():
            self.view.expand(parent)  # the observations of a mission; their files on demand

    def _on_archive_changed(self, _path: str) -> None:
        self._marks.clear()
        if self._session.archive is None:
            self.model.set_jobs([])
            self._refresh_summary()
            return
        self._context.background.read(self, "jobs", self._read_jobs, self._on_jobs_read)

    def _read_jobs(self) -> list[Job]:
        return [job for job in self._session.jobs() if job.kind in ("plan", "download")]

    def _on_jobs_read(self, jobs: list[Job]) -> None:
        self.model.set_jobs(jobs)
        self._refresh_summary()

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        mine = [job for job in jobs if job.kind in ("plan", "download")]
        if mine:
            self.model.update_jobs(mine)
            if not self._timer.isActive():
                self._timer.start()

    def _on_selection_changed(self, selected: QItemSelection, _deselected: QItemSelection) -> None:
        indexes = selected.indexes()
        if indexes and (job := indexes[0].data(JOB_ROLE)) is not None:
            self._context.set_job(job.id)
        self._refresh_buttons()

    def _chosen(self) -> list[Job]:
        """The jobs below the selected rows, or all of them when nothing is selected."""
        rows = self.view.selectionModel().selectedRows()
        jobs = {job.id: job for index in rows for job in self.model.node_jobs(index)}
        return (
            list(jobs.values())
            if rows
            else [
                job
                for root in (self.model.index(r, 0) for r in range(self.model.rowCount()))
                for job in self.model.node_jobs(root)
            ]
        )

    def _lanes(self) -> set[str]:
        return {job.lane for job in self._chosen()}

    def _on_pause_clicked(self) -> None:
        paused = self._session.lanes()
        lanes = self._lanes()
        if any(paused.get(lane) for lane in lanes):
            for lane in lanes:
                self._session.resume(lane)
        else:
            for lane in lanes:
                self._session.pause(lane)
        self._refresh_buttons()

    def _on_retry_clicked(self) -> None:
        self._session.retry([job.id for job in self._chosen() if job.state in (JobState.FAILED, JobState.CANCELLED)])

    def _on_cancel_clicked(self) -> None:
        self._session.cancel([job.id for job in self._chosen() if not job.is_finished])

    # what is shown

    def _refresh_buttons(self) -> None:
        chosen = self._chosen()
        paused = self._session.lanes()
        is_paused = any(paused.get(job.lane) for job in chosen)
        self.pause_button.setText("&Resume" if is_paused else "&Pause")
        self.pause_button.setEnabled(is_paused or any(not job.is_finished for job in chosen))
        self.retry_button.setEnabled(any(job.state in (JobState.FAILED, JobState.CANCELLED) for job in chosen))
        self.cancel_button.setEnabled(any(not job.is_finished for job in chosen))

    def _refresh_summary(self) -> None:
        jobs = [job for job in self.model.node_jobs(self.model.index(-1, -1)) if job.kind in ("plan", "download")]
        self._refresh_buttons()
        if not jobs:
            self._timer.stop()
            self.summary.setText("No downloads. Choose observations in Find and create an archive.")
            return
        files = [job for job in jobs if job.kind == "download"]
        done = sum(job.state is JobState.SUCCEEDED for job in files)
        total_bytes = sum(job.total or 0.0 for job in files)
        have = sum((job.total or 0.0) * (fraction(job) or 0.0) for job in files)
        text = f"{done} of {len(files)} files · {format_bytes(have)} of {format_bytes(total_bytes)}"
        unfinished = [job for job in jobs if job.state not in FINISHED]
        if unfinished:
            text += self._rate_text(have, total_bytes)
            self._context.background.read(self, "disk", self._session.disk_use, self._on_disk_read)
        else:
            self._timer.stop()
            self._marks.clear()
        if self._free_bytes is not None:
            text += f" · {format_bytes(self._free_bytes)} free on disk"
        failed = sum(job.state is JobState.FAILED for job in jobs)
        if failed:
            text += f" · {failed} failed"
        if any(self._session.lanes().get(job.lane) for job in unfinished):
            text += " · paused"
        self.summary.setText(text)

    def _on_disk_read(self, use: dict[str, int]) -> None:
        self._free_bytes = use["free_bytes"]

    def _rate_text(self, have: float, total: float) -> str:
        now = time.monotonic()
        self._marks.append((now, have))
        first_time, first_have = next(((t, b) for t, b in self._marks if now - t <= 10.0), self._marks[-1])
        if now - first_time < 0.9 or have <= first_have:
            return ""
        rate = (have - first_have) / (now - first_time)
        left_s = (total - have) / rate
        left = f"{left_s:.0f} s" if left_s < 90 else f"{left_s / 60:.0f} min"
        return f" · {format_bytes(rate)}/s · {left} left"
