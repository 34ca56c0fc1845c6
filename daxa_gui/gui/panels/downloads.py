"""The downloads: mission → observation → file with state, progress, rate and time left; pause, resume, retry, cancel."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QItemSelection, QModelIndex, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.job import Job
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.job_feed import JobFeed
from daxa_gui.gui.models.downloads import KINDS, Column, DownloadTree, Node, Tree
from daxa_gui.gui.models.jobs import JOB_ROLE, can_cancel, can_retry, format_bytes, ids_where, sentence
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.state_painter import ProgressDelegate, StateDelegate
from daxa_gui.session import Session

_TICK_MS = 500
_RATE_OVER_S = 10.0
_DISK_EVERY_S = 5.0
_MOST_OPENED = 2000  # a mission with more observations than this is not opened by itself


def duration_text(seconds: float) -> str:
    """« 40 s », « 12 min », « 3 h 20 min »."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


class DownloadsPanel(QWidget):
    """Buttons act on the selected rows and what is below them, or on everything while nothing is selected."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._marks: deque[tuple[float, float]] = deque(maxlen=60)  # (time, bytes here) of the last seconds
        self._free_bytes: int | None = None
        self._disk_asked = 0.0
        self._paused: dict[str, bool] = {}
        self._current: Job | None = None
        self.model = DownloadTree(session.mission_labels(), self)
        self._build()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.refresh)
        bridge.lane_changed.connect(self._on_lane_changed)
        bridge.archive_changed.connect(self._on_archive_changed)
        self._feed = JobFeed(session, context, bridge, self.model.arranged, KINDS, self)
        self._feed.replaced.connect(self._on_jobs_replaced)
        self._feed.changed.connect(self._on_jobs_changed)
        self._feed.read()
        self._on_archive_changed("")

    def _build(self) -> None:
        self.summary = QLabel(self)
        self.summary.setObjectName("downloadsSummary")
        self.summary.setWordWrap(True)
        self.sentence = QLabel(self)
        self.sentence.setObjectName("downloadSentence")
        self.sentence.setWordWrap(True)
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.sentence.hide()
        for label in (self.summary, self.sentence):
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._build_view()
        self.pause_button = self._button("pauseDownloads", "Pa&use", self._on_pause_clicked)
        self.pause_button.setToolTip("Let running files end and start no more, or go on")
        self.retry_button = self._button("retryDownloads", "Re&try", self._on_retry_clicked)
        self.retry_button.setToolTip("Fetch failed and cancelled files again: those selected, or all while nothing is selected")
        self.cancel_button = self._button("cancelDownloads", "Ca&ncel", self._on_cancel_clicked)
        self.cancel_button.setToolTip("Stop the selected downloads, or all while nothing is selected (Escape selects nothing)")
        buttons = QHBoxLayout()
        for button in (self.pause_button, self.retry_button, self.cancel_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.summary)
        layout.addLayout(buttons)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.sentence)
        layout.addStretch(0)

    def _build_view(self) -> None:
        self.view = view = QTreeView(self)
        view.setObjectName("downloadsTree")
        view.setAccessibleName("Downloads by mission, observation and file")
        view.setModel(self.model)
        view.setUniformRowHeights(True)
        view.setIndentation(14)
        view.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # files differ at their ends
        view.setAlternatingRowColors(True)
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setItemDelegateForColumn(Column.STATE, StateDelegate(lambda: self._context.theme, view))
        view.setItemDelegateForColumn(Column.PROGRESS, ProgressDelegate(lambda: self._context.theme, view))
        header = view.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        for column, width in ((Column.STATE, 82), (Column.PROGRESS, 86), (Column.SIZE, 66), (Column.MESSAGE, 90)):
            header.resizeSection(column, width)
        view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.model.modelReset.connect(self._open_missions)
        self.model.rowsInserted.connect(self._on_rows_inserted)
        escape = QShortcut(QKeySequence(Qt.Key.Key_Escape), view, context=Qt.ShortcutContext.WidgetShortcut)
        escape.activated.connect(view.clearSelection)

    def _button(self, name: str, text: str, slot: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.clicked.connect(slot)
        return button

    # what happens

    def _on_archive_changed(self, _path: str) -> None:
        self._marks.clear()
        self._paused, self._free_bytes, self._disk_asked = {}, None, 0.0
        self._context.background.read(self, "lanes", self._session.lanes, self._on_lanes_read)

    def _on_lanes_read(self, paused: dict[str, bool]) -> None:
        self._paused = paused
        self.refresh()

    def _on_lane_changed(self, lane: str, paused: bool) -> None:
        self._paused[lane] = paused
        self.refresh()

    def _on_jobs_replaced(self, tree: Tree) -> None:
        self.model.set_tree(tree)
        self._show_current(None)
        self.refresh()
        if self.model.sums().count("open"):
            self._timer.start()

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        self.model.update_jobs(jobs)
        if self._current is not None:
            self._show_current(next((job for job in jobs if job.id == self._current.id), self._current))
        if not self._timer.isActive():
            self._timer.start()
        self.refresh()

    def _open_missions(self) -> None:
        for row in range(self.model.rowCount()):
            self._open_mission(self.model.index(row, 0))

    def _open_mission(self, index: QModelIndex) -> None:
        if self.model.rowCount(index) <= _MOST_OPENED:
            self.view.expand(index)

    def _on_rows_inserted(self, parent: QModelIndex, first: int, last: int) -> None:
        if not parent.isValid():
            for row in range(first, last + 1):
                self._open_mission(self.model.index(row, 0))
        elif not parent.parent().isValid() and first == 0:
            self._open_mission(parent)

    def _on_selection_changed(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        index = self.view.currentIndex()
        job = index.data(JOB_ROLE) if self.view.selectionModel().isRowSelected(index.row(), index.parent()) else None
        self._show_current(job)
        if job is not None:
            self._context.set_job(job.id)
        self._refresh_buttons()

    def _show_current(self, job: Job | None) -> None:
        self._current = job
        self.sentence.setVisible(job is not None)
        if job is not None:
            self.sentence.setText(sentence(job))

    # what the buttons do

    def _chosen(self) -> list[Node]:
        return self.model.chosen(self.view.selectionModel().selection())

    def _act(self, name: str, act: Callable[[list[int]], object], condition: Callable[[Job], bool]) -> None:
        """Do something with the selected jobs, or with all that there are by then."""
        selected = not self.view.selectionModel().selection().isEmpty()
        chosen = [leaf.job for node in self._chosen() for leaf in node.leaves() if leaf.job is not None] if selected else []

        def do() -> None:
            jobs = chosen if selected else [job for job in self._session.jobs() if job.kind in KINDS]
            act(list(dict.fromkeys(ids_where(jobs, condition))))

        self._context.background.act(self, name, do)

    def _lanes(self) -> set[str]:
        """Lanes of the chosen jobs that are not finished."""
        names = (name for node in self._chosen() for name, count in node.sums.items() if count)
        return {name.removeprefix("lane ") for name in names if name.startswith("lane ")}

    def _on_pause_clicked(self) -> None:
        lanes = self._lanes()
        paused = [lane for lane in lanes if self._paused.get(lane)]
        verb, chosen = (self._session.resume, paused) if paused else (self._session.pause, sorted(lanes))

        def pause_or_resume() -> None:
            for lane in chosen:
                verb(lane)

        self._context.background.act(self, "Pause", pause_or_resume)

    def _on_retry_clicked(self) -> None:
        self.retry_button.setEnabled(False)
        self._act("Retry", self._session.retry, can_retry)

    def _on_cancel_clicked(self) -> None:
        self.cancel_button.setEnabled(False)
        self._act("Cancel", self._session.cancel, can_cancel)

    # what is shown

    def refresh(self) -> None:
        """Summary and buttons, from sums that the model keeps."""
        self._refresh_buttons()
        everything = self.model.sums()
        n_open = everything.count("open")
        if not n_open:
            self._timer.stop()
            self._marks.clear()
        self.view.setVisible(bool(everything.count("jobs")))
        if everything.count("jobs"):
            self.summary.setText(self._summary(everything))
        elif self._session.archive is None:
            self.summary.setText("No archive is open. Create one in Find, or open one with File › Open archive (Ctrl+O).")
        else:
            self.summary.setText("This archive has no downloads.")

    def _summary(self, all_: Node) -> str:
        files, done = int(all_.count("files")), int(all_.count("files done"))
        total, have = all_.count("bytes"), all_.count("bytes here")
        parts = []
        if lists := int(all_.count("jobs") - all_.count("files")) if not files else 0:
            parts.append(f"Asking which files {counted(lists, 'observation has', 'observations have')}")
        if files:
            parts.append(f"{count_text(done)} of {counted(files, 'file', 'files')}")
            parts.append(f"{format_bytes(have)} of {format_bytes(total)}")
        if all_.count("open"):
            parts += self._rate(have, total)
            self._ask_for_free_space()
        if failed := int(all_.count("word failed")):
            parts.append(f"{count_text(failed)} failed")
        if any(self._paused.get(name.removeprefix("lane ")) for name, n in all_.sums.items() if n and name.startswith("lane ")):
            parts.append("paused")
        if self._free_bytes is not None:
            scarce = total - have > self._free_bytes
            free = f"{format_bytes(self._free_bytes)} free on disk"
            parts.append(f"only {free}: too little for the {format_bytes(total - have)} to come" if scarce else free)
        return " · ".join(parts)

    def _refresh_buttons(self) -> None:
        chosen = self._chosen()
        is_paused = any(self._paused.get(lane) for lane in self._lanes())
        self.pause_button.setText("Res&ume" if is_paused else "Pa&use")
        self.pause_button.setEnabled(is_paused or any(node.count("open") for node in chosen))
        self.retry_button.setEnabled(any(node.count("retryable") for node in chosen))
        self.cancel_button.setEnabled(any(node.count("cancellable") for node in chosen))

    def _ask_for_free_space(self) -> None:
        now = time.monotonic()
        if now - self._disk_asked >= _DISK_EVERY_S:
            self._disk_asked = now
            self._context.background.read(self, "disk", self._session.disk_use, self._on_disk_read, lambda _error: None)

    def _on_disk_read(self, use: dict[str, int]) -> None:
        self._free_bytes = use["free_bytes"]

    def _rate(self, have: float, total: float) -> list[str]:
        now = time.monotonic()
        if not self._marks or now - self._marks[-1][0] >= 0.9 * _TICK_MS / 1000.0:
            self._marks.append((now, have))
        first_time, first_have = next(((t, b) for t, b in self._marks if now - t <= _RATE_OVER_S), self._marks[-1])
        if now - first_time < 0.9 or have <= first_have:
            return []
        rate = (have - first_have) / (now - first_time)
        return [f"{format_bytes(rate)}/s", f"{duration_text((total - have) / rate)} left"]
