"""The downloads: mission → observation → file with state, progress, rate and time left; pause, resume, retry, cancel."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelection, QPoint, Qt, QTimer
from PySide6.QtWidgets import QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.job import Job
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.download_columns import (
    CAN_CANCEL,
    CAN_PAUSE,
    CAN_RESUME,
    CAN_RETRY,
    CODES,
    KINDS,
    WORDS,
    DownloadColumns,
    n_jobs,
    n_open,
    part_done,
)
from daxa_gui.gui.models.download_shape import Shape
from daxa_gui.gui.models.downloads import ID_ROLE, DownloadTree
from daxa_gui.gui.models.jobs import sentence
from daxa_gui.gui.models.rates import RateMeter
from daxa_gui.gui.overview_feed import OverviewFeed
from daxa_gui.gui.widgets.download_texts import Pace, summary_sentence
from daxa_gui.gui.widgets.download_verbs import DownloadVerbs
from daxa_gui.gui.widgets.downloads_filter import DownloadsFilter
from daxa_gui.gui.widgets.downloads_view import DownloadsView
from daxa_gui.gui.widgets.failures_box import FailuresBox
from daxa_gui.gui.widgets.lanes_bar import LaneCounts, LanesBar, lane_label
from daxa_gui.gui.widgets.left_out_line import LeftOutLine
from daxa_gui.session import Session

_TICK_MS = 500
_APPLY_MS = 100  # changes are shown ten times a second, however many come
_TURN_S = 0.012  # time for changes before the window may do something else
_AT_ONCE = 500
_RATE_OVER_S = 20.0
_DISK_EVERY_S = 10.0


class DownloadsPanel(QWidget):
    """Buttons act on the selected rows and what is below them, or on everything that is shown while nothing is selected."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._meter = RateMeter(_RATE_OVER_S)
        self._free_bytes: int | None = None
        self._disk_asked = 0.0
        self._paused: dict[str, bool] = {}
        self._current: int | None = None  # the job whose sentence is shown
        self._pending: dict[int, Job] = {}  # changes that are not shown yet
        self.model = DownloadTree(session.mission_labels(), self)
        self._build()
        self._tick_timer = self._timer(_TICK_MS, self._on_tick)
        self._apply_timer = self._timer(_APPLY_MS, self.apply_changes, once=True)
        self._filter.changed.connect(self._filter_now)
        bridge.lane_changed.connect(self._on_lane_changed)
        bridge.archive_changed.connect(self._on_archive_changed)
        self._feed = OverviewFeed(session, context, bridge, self.model.arranged, KINDS, self)
        self._feed.replaced.connect(self._on_jobs_replaced)
        self._feed.changed.connect(self._on_jobs_changed)
        self._feed.read()
        self._on_archive_changed("")

    def _timer(self, interval_ms: int, slot: Callable[[], None], *, once: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setInterval(interval_ms)
        timer.setSingleShot(once)
        timer.timeout.connect(slot)
        return timer

    # ---- what it looks like

    def _build(self) -> None:
        self.summary = QLabel(self)
        self.summary.setObjectName("downloadsSummary")
        self.sentence = QLabel(self)
        self.sentence.setObjectName("downloadSentence")
        self.sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.sentence.hide()
        for label in (self.summary, self.sentence):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.bar = QProgressBar(self)
        self.bar.setObjectName("downloadsBar")
        self.bar.setAccessibleName("All downloads together")
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.view = DownloadsView(self.model, lambda: self._context.theme, self)
        self.view.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.view.customContextMenuRequested.connect(self._on_menu_requested)
        by = {"pause": self._on_pause, "resume": self._on_resume, "retry": self._on_retry, "cancel": self._on_cancel}
        self.verbs = DownloadVerbs(self.view, by, self._on_show_log, self)
        self._filter = DownloadsFilter(self)
        self.states, self.text = self._filter.states, self._filter.text
        self.failures = FailuresBox(self)
        self.failures.retry_requested.connect(self._on_retry_failures)
        self.lanes = LanesBar(self)
        self.lanes.pause_requested.connect(self._on_pause_lane)
        self.lanes.bandwidth_changed.connect(self._on_bandwidth_changed)
        self.lanes.limit_changed.connect(self._on_limit_changed)
        self._left_out_line = LeftOutLine(self._session.mission_labels(), self)
        self.left_out, self.left_out_button = self._left_out_line.label, self._left_out_line.button
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.summary)
        layout.addWidget(self.bar)
        layout.addWidget(self.verbs)
        layout.addWidget(self._filter)
        layout.addWidget(self.view, 1)
        for widget in (self.sentence, self.failures, self._left_out_line, self.lanes):
            layout.addWidget(widget)
        layout.addStretch(0)
        self._put_in_tab_order()

    def _put_in_tab_order(self) -> None:
        """From top to bottom, as they stand."""
        chain = (*self.verbs.buttons.values(), self.states, self.text, self.view, *self.failures.buttons(), self.left_out_button)
        for before, after in itertools.pairwise(chain):
            self.setTabOrder(before, after)

    # ---- what happens

    def _on_archive_changed(self, _path: str) -> None:
        self._meter.clear()
        self._paused, self._free_bytes, self._disk_asked = {}, None, 0.0
        self._context.background.read(self, "lanes", self._session.lanes, self._on_lanes_read)
        self._read_left_out()

    def _on_lanes_read(self, paused: dict[str, bool]) -> None:
        self._paused = dict(paused)
        self.refresh()

    def _on_lane_changed(self, lane: str, paused: bool) -> None:
        self._paused[lane] = paused
        self.refresh()

    def _read_left_out(self) -> None:
        if self._session.archive is None:
            self._left_out_line.show_left_out([])
        else:
            self._context.background.read(self, "left out", self._session.left_out, self._left_out_line.show_left_out)

    def _on_jobs_replaced(self, arranged: tuple[DownloadColumns, Shape]) -> None:
        self._pending.clear()
        if self.model.set_columns(*arranged):
            self._draw_anew()
        else:
            if self.model.is_filtered:
                self.view.open_what_is_found()
            self._show_current(None)
        self._meter.clear()
        self.refresh()
        if n_open(self.model.sums()):
            self._tick_timer.start()

    def _draw_anew(self) -> None:
        """Very many of the rows changed at once."""
        self.view.viewport().update()
        if self.model.is_outdated:
            self.view.follow_filter()
        if self._current is not None:
            self._ask_current(self._current)

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        self._pending.update((job.id, job) for job in jobs)
        if not self._apply_timer.isActive():
            self._apply_timer.start(_APPLY_MS)

    def apply_changes(self) -> None:
        """Show what changed; so much of it that the window stays quick, and the rest in the next turn."""
        begun = time.monotonic()
        while self._pending and time.monotonic() - begun < _TURN_S:
            batch = [self._pending.pop(job_id) for job_id in list(self._pending)[:_AT_ONCE]]
            self.model.update_jobs(batch, begun)
            shown = next((job for job in batch if job.id == self._current), None)
            if shown is not None:
                self._show_current(shown)
        if self._pending:
            self._apply_timer.start(0)
            return
        if not self._tick_timer.isActive():
            self._tick_timer.start()
        self.refresh()

    def _on_tick(self) -> None:
        now = time.monotonic()
        self.model.tick(now)
        self._meter.note(now, self.model.runs.received_bytes)
        if self.model.is_outdated:
            self.view.follow_filter()
        if not n_open(self.model.sums()):
            self._tick_timer.stop()
            self._meter.clear()
            self._read_left_out()
        self.refresh()

    def _filter_now(self) -> None:
        self.model.set_filter(self._filter.words, self.text.text())
        if self.model.is_filtered:
            self.view.open_what_is_found()
        self.refresh()

    def _on_selection_changed(self, _selected: QItemSelection, _deselected: QItemSelection) -> None:
        index = self.view.currentIndex()
        job_id = index.data(ID_ROLE) if self.view.selectionModel().isRowSelected(index.row(), index.parent()) else None
        if job_id is None:
            self._show_current(None)
        else:
            self._current = job_id
            self._context.set_job(job_id)
            self._ask_current(job_id)
        self._refresh_buttons()

    def _ask_current(self, job_id: int) -> None:
        self._context.background.read(self, "job", lambda: self._session.job(job_id), self._show_current, self._on_job_error)

    def _on_job_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:  # otherwise it was closed in between, which is no failure
            self._context.background.failed.emit(error)

    def _show_current(self, job: Job | None) -> None:
        if job is None:
            self._current = None
            self._context.background.forget(self, "job")
        self.sentence.setVisible(job is not None)
        if job is not None:
            self.sentence.setText(sentence(job))

    def _on_menu_requested(self, position: QPoint) -> None:
        self.view.select_row_at(position)
        self._refresh_buttons()
        self.verbs.menu(self._current is not None).popup(self.view.viewport().mapToGlobal(position))

    def _on_show_log(self) -> None:
        if self._current is not None:
            self._context.set_job(self._current)
            self._context.show_panel("job_log")
        else:
            index = self.view.currentIndex()
            self.view.setExpanded(index, not self.view.isExpanded(index))

    # ---- what the buttons do

    def _ids(self, allowed: NDArray[np.bool_]) -> list[int]:
        """The chosen jobs that are in one of some states."""
        rows = self.view.chosen()
        return self.model.ids_of(rows[allowed[self.model.columns.words[rows]]])

    def _act(self, name: str, verb: Callable[[list[int]], Any], ids: list[int]) -> None:
        if ids:
            self._context.background.act(self, name, lambda: verb(ids))

    def _on_pause(self) -> None:
        self._act("Pause", self._session.pause_jobs, self._ids(CAN_PAUSE))

    def _on_resume(self) -> None:
        self._act("Resume", self._session.resume_jobs, self._ids(CAN_RESUME))

    def _on_retry(self) -> None:
        self._act("Retry", self._session.retry, self._ids(CAN_RETRY))

    def _on_cancel(self) -> None:
        self._act("Cancel", self._session.cancel, self._ids(CAN_CANCEL))

    def _on_retry_failures(self, failure: str) -> None:
        self._act("Retry", self._session.retry, self.model.ids_of(self.model.columns.failures.get(failure, ())))

    def _on_pause_lane(self, lane: str, pause: bool) -> None:
        verb = self._session.pause if pause else self._session.resume
        self._context.background.act(self, "Pause", lambda: verb(lane))

    def _on_bandwidth_changed(self, bytes_per_s: float) -> None:
        self._context.background.act(self, "Bandwidth", lambda: self._session.set_bandwidth(bytes_per_s or None))

    def _on_limit_changed(self, connections: int) -> None:
        change = self._session.change_settings
        self._context.background.act(self, "Connections", lambda: change(connections_per_host=connections))

    # ---- what is shown

    def refresh(self) -> None:
        """Everything around the tree, from sums that the columns keep."""
        sums = self.model.sums()
        jobs, unfinished = n_jobs(sums), n_open(sums)
        for widget in (self.view, self.bar, self._filter, self.lanes):
            widget.setVisible(bool(jobs))
        self._refresh_buttons()
        self.failures.show_failures({what: len(rows) for what, rows in self.model.columns.failures.items()})
        if not jobs:
            nothing = "No archive is open. Create one in Find, or open one with File › Open archive (Ctrl+O)."
            self.summary.setText(nothing if self._session.archive is None else "This archive has no downloads.")
            return
        self.view.set_busy(bool(unfinished))
        if unfinished:
            self._ask_for_free_space()
        self.bar.setValue(int(1000 * (part_done(sums) or 0.0)))
        self._refresh_lanes()
        paused = [lane_label(lane) for lane, is_paused in self._paused.items() if is_paused and lane in self.model.columns.lanes]
        rate = self._meter.rate(time.monotonic()) if unfinished else None
        text = summary_sentence(sums, Pace(rate, self._free_bytes, paused if unfinished else ()))
        if text != self.summary.text():
            self.summary.setText(text)

    def _refresh_lanes(self) -> None:
        shown = {}
        for lane, counts in self.model.columns.lane_counts().items():
            running = int(counts[CODES["running"]] + counts[CODES["stopping"]])
            both = LaneCounts(running, int(counts[CODES["queued"]] + counts[CODES["waiting"]]), int(counts[CODES["paused"]]))
            if both != LaneCounts(0, 0, 0):
                shown[lane] = both, self._paused.get(lane, False)
        settings = self._session.settings
        self.lanes.set_limits(settings.bandwidth_mb_s * 1e6, settings.connections_per_host)
        self.lanes.show_lanes(shown, settings.connections_per_host)

    def _refresh_buttons(self) -> None:
        if self.view.has_selection or self.model.is_filtered:
            counts = np.bincount(self.model.columns.words[self.view.chosen()], minlength=len(WORDS))
        else:
            counts = self.model.sums()[: len(WORDS)].astype(int)
        archive = self._session.archive
        locked = archive.read_only if archive is not None else ""
        self.failures.set_locked(locked)
        which = "selected" if self.view.has_selection else "shown" if self.model.is_filtered else "all"
        self.verbs.refresh(counts, which, locked)

    def _ask_for_free_space(self) -> None:
        now = time.monotonic()
        if not self._disk_asked or now - self._disk_asked >= _DISK_EVERY_S:
            self._disk_asked = now
            self._context.background.read(self, "disk", self._session.disk_use, self._on_disk_read, lambda _error: None)

    def _on_disk_read(self, use: dict[str, int]) -> None:
        self._free_bytes = use["free_bytes"]
        self.refresh()
