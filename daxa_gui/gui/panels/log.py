"""The log of a job or a file: search, severity filter, next warning or error, known messages explained; follows running jobs.

All reading is done on pool threads in short rounds, so that what is known already can be seen meanwhile.
"""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.job import Job
from daxa_gui.core.log_file import Hits, LogFile
from daxa_gui.core.log_messages import read_message
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.log_lines import MOST_COPIED, LogLines
from daxa_gui.gui.models.log_reading import Known, explanation_text, look_on, read_more, search_on
from daxa_gui.gui.texts import counted
from daxa_gui.gui.theme import as_heading, as_muted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.log_tools import LogTools
from daxa_gui.gui.widgets.log_view import LogView
from daxa_gui.session import Session

_POLL_MS = 500
_TYPING_MS = 150


class LogPanel(QWidget):
    """Shows the job of `context.job_changed`, or a file chosen with « Open log… »."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._job: Job | None = None
        self._job_id: int | None = None
        self._path = ""
        self._reading = False
        self._looking = False
        self._hits: Hits | None = None
        self._searched = 0  # lines in which was searched
        self._needle = ""  # what is searched for just now
        self._size_bytes = -1  # of the log that is shown, as far as it is known
        self._wish = 0  # a hit to go to as soon as they are known
        self.lines = LogLines(self)
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._poll)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._search_anew)
        self._build()
        context.job_changed.connect(self.show_job)
        context.theme_changed.connect(self.view.set_theme)
        bridge.jobs_changed.connect(self._on_bridge_jobs_changed)
        bridge.many_jobs_changed.connect(lambda: self._poll())
        bridge.archive_changed.connect(self._on_bridge_archive_changed)
        self.view.set_theme(context.theme)
        if context.job_id is not None:
            self.show_job(context.job_id)

    # building

    def _build(self) -> None:
        self.title = ElidedLabel(self)
        self.title.setObjectName("logTitle")
        as_heading(self.title)
        self.tally = QLabel(self)
        self.tally.setObjectName("logTally")
        as_muted(self.tally)
        self.tools = LogTools(self.go_to_hit, self.go_to_message, self)
        self.search, self.hits, self.level, self.follow = self.tools.search, self.tools.hits, self.tools.level, self.tools.follow
        self.search.textChanged.connect(self._on_search_text_changed)
        self.level.currentIndexChanged.connect(self._on_level_changed)
        self.tools.copy_button.clicked.connect(self.copy)
        self.tools.open_button.clicked.connect(self.choose_file)
        self.view = LogView(self.lines, self)
        self.view.setObjectName("logLines")
        self.view.setAccessibleName("Lines of the log")
        self.view.setToolTip("F8: next warning or error. Ctrl+C copies the chosen lines.")
        self.view.current_changed.connect(self._on_view_current_changed)
        self.explanation = QLabel(self)
        self.explanation.setObjectName("logExplanation")
        self.explanation.setWordWrap(True)
        self.explanation.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.explanation.hide()
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.title, 1)
        top.addWidget(self.tally)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.tools)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.explanation)
        self._shortcut("F8", functools.partial(self.go_to_message, 1))
        self._shortcut("Shift+F8", functools.partial(self.go_to_message, -1))
        self._shortcut(QKeySequence.StandardKey.Find, self.search.setFocus)
        self._shortcut(QKeySequence.StandardKey.Copy, self.copy, self.view)
        self._show_nothing()

    def _shortcut(self, keys: str | QKeySequence.StandardKey, slot: object, parent: QWidget | None = None) -> None:
        shortcut = QShortcut(QKeySequence(keys), parent or self)
        everywhere = isinstance(keys, str)  # F8 also from the plots beside; copy and find only in here
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut if everywhere else Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(slot)

    # what is shown

    def show_job(self, job_id: int) -> None:
        """Show the log of a job of the open archive, and follow it while it runs."""
        self._begin("Reading the log…", job_id=job_id)

    def show_file(self, path: str) -> None:
        """Show a log file from disk."""
        self._begin(Path(path).name, path=path)
        self.title.setToolTip(path)

    def choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a log file", "", "Logs (*.log *.txt *.SAS *.out *.err);;All files (*)")
        if path:
            self.show_file(path)

    def _show_nothing(self) -> None:
        self._begin("Choose a download, a cell of the grid or an exposure to see its log, or open a log file.")

    def _begin(self, title: str, job_id: int | None = None, path: str = "") -> None:
        for question in ("log", "log messages", "log search"):
            self._context.background.forget(self, question)
        self._timer.stop()
        self._job_id, self._path, self._job = job_id, path, None
        self._reading, self._looking, self._size_bytes = False, False, -1
        self.view.forget()
        self.lines.clear()
        self._forget_hits()
        self.title.setText(title)
        self.title.setToolTip("")
        self.tally.setText("")
        self.explanation.hide()
        self._enable()
        self._poll()

    def _poll(self) -> None:
        """Ask for what was written since the last time."""
        if (self._job_id is None and not self._path) or self._reading:
            return
        job_id, path, log, session = self._job_id, self._path, self.lines.log, self._session

        def read() -> Known:
            # the state first: lines that a job writes before it ends are then never missed
            return read_more(log, session.job(job_id) if job_id is not None else None, path)

        self._reading = True
        self._context.background.read(self, "log", read, self._on_known, self._on_error)

    def _on_known(self, known: Known) -> None:
        self._reading = False
        if known.job is not None:
            self._job = known.job
            self._show_job_title(known.job)
        running = self._job is not None and not self._job.is_finished
        if known.anew:
            self.view.forget()
            self._forget_hits()
        is_new = self.lines.log is not known.log
        if is_new or known.anew or known.log.size_bytes != self._size_bytes:
            self._size_bytes = known.log.size_bytes
            self.lines.set_log(known.log)
            if running and self.follow.isChecked():
                self.view.scroll_to_end()
            if self.search.text():
                self._search()
        self._show_state()
        if known.more:
            self._poll()
        elif (running or self._path) and self.isVisible():
            self._timer.start()
        else:
            self._timer.stop()
        self._look()

    def _look(self) -> None:
        """Look for warnings and errors in what came."""
        log = self.lines.log
        if log is None or self._looking or self.lines.is_looked:
            return

        self._looking = True
        self._context.background.read(self, "log messages", lambda: look_on(log), self._on_looked, self._on_error)

    def _on_looked(self, log: LogFile) -> None:
        self._looking = False
        if log is self.lines.log:
            self.lines.refresh()
            self._show_state()
            self._look()

    def _show_state(self) -> None:
        self._show_tally()
        self._show_hits()
        self._enable()

    def _show_job_title(self, job: Job) -> None:
        state = {"succeeded": "done"}.get(str(job.state), str(job.state))
        self.title.setText(f"{job.title} · {state}")
        self.title.setToolTip(f"{job.mission} {job.obs_id} {job.unit}\n{job.log_path}".strip())

    def _show_tally(self) -> None:
        warnings, errors = self.lines.counts()
        n = self.lines.n_lines
        if not n:
            finished = self._job is None or self._job.is_finished
            self.tally.setText("the log is empty" if finished else "nothing was written yet")
            return
        found = f"▲ {counted(warnings, 'warning', 'warnings')} · ✕ {counted(errors, 'error', 'errors')}"
        self.tally.setText(f"{counted(n, 'line', 'lines')} · {found}{'' if self.lines.is_looked else ' so far…'}")

    def _enable(self) -> None:
        any_lines = self.lines.n_lines > 0
        may_follow = self._job is not None and not self._job.is_finished
        self.tools.enable(
            any_lines=any_lines, any_messages=any_lines and sum(self.lines.counts()) > 0, may_follow=may_follow
        )  # fmt: skip

    def _on_error(self, error: DaxaError) -> None:
        self._reading = self._looking = False
        self._timer.stop()
        self.title.setText(str(error))
        self._show_tally()

    # moving about

    def go_to_message(self, step: int) -> None:
        """The next (1) or previous (-1) warning or error."""
        self._go_to(self.lines.next_severe(self._row_for(step), step))

    def go_to_hit(self, step: int) -> None:
        """The next (1) or previous (-1) line with the text that is searched for."""
        if self._typing.isActive():
            self._typing.stop()
            self._search_anew()
        if self._hits is None:
            self._wish = step
        else:
            self._go_to(self.lines.next_hit(self._hits, self._row_for(step), step), is_hit=True)

    def _row_for(self, step: int) -> int:
        return self.view.current_row if self.view.current_row >= 0 else (-1 if step > 0 else self.lines.n_rows)

    def _go_to(self, row: int, *, is_hit: bool = False) -> None:
        if row >= 0:
            self.follow.setChecked(False)
            (self.view.go_to_hit if is_hit else self.view.go_to)(row)

    def copy(self) -> None:
        """Chosen lines to the clipboard, or all shown ones if none is chosen."""
        rows = self.view.chosen_rows() or range(self.lines.n_rows)
        QGuiApplication.clipboard().setText(self.lines.text(rows))
        if len(rows) > MOST_COPIED:
            self.hits.setText(f"the first {counted(MOST_COPIED, 'line', 'lines')} were copied")

    # searching

    def _forget_hits(self) -> None:
        self._context.background.forget(self, "log search")
        self._hits, self._searched, self._wish, self._needle = None, 0, 0, ""
        self.hits.setText("")

    def _on_search_text_changed(self, text: str) -> None:
        self.view.set_needle(text)
        self._forget_hits()
        if text:
            self._typing.start()
        else:
            self._typing.stop()

    def _search_anew(self) -> None:
        """Search for other text: go to the first hit from here on."""
        self._forget_hits()
        if self.search.text() and self.lines.n_lines:
            self._wish = 1
            self.hits.setText("searching…")
            self._search()

    def _search(self) -> None:
        """Search in what came since the last time."""
        log, needle, background = self.lines.log, self.search.text(), self._context.background
        if log is None or not needle:
            return
        earlier, begin = self._hits, max(0, self._searched - 1)  # the last line may have grown
        if earlier is None:
            begin = 0
        self._searched, self._needle = self.lines.n_lines, needle

        def search() -> tuple[LogFile, Hits]:
            return log, search_on(log, needle, earlier, begin, lambda: self._needle != needle or background.is_closing)

        background.read(self, "log search", search, self._on_found, self._on_error)

    def _on_found(self, found: tuple[LogFile, Hits]) -> None:
        log, hits = found
        if log is not self.lines.log or hits.needle != self.search.text():
            return
        self._hits = hits
        self._show_hits()
        wish, self._wish = self._wish, 0
        if wish:
            here = self.view.current_row - wish if self.view.current_row >= 0 else self._row_for(wish)
            self._go_to(self.lines.next_hit(hits, here, wish), is_hit=True)

    def _show_hits(self) -> None:
        if self._hits is not None:
            more = "more than " if self._hits.is_cut else ""
            self.hits.setText(f"in {more}{counted(len(self.lines.rows_of(self._hits)), 'line', 'lines')}")

    # slots

    def _on_level_changed(self, _index: int) -> None:
        row = self.view.current_row
        line = self.lines.line_number(row) if row >= 0 else None
        self.lines.set_least_severity(self.level.currentData())
        self.view.choose_none()
        if line is not None and (row := self.lines.row_of_line(line)) >= 0:
            self.view.go_to(row)
        self._show_hits()

    def _on_view_current_changed(self, row: int) -> None:
        text = explanation_text(read_message(self.lines.line(row))) if row >= 0 else ""
        self.explanation.setText(text)
        self.explanation.setVisible(bool(text))

    def _on_bridge_jobs_changed(self, jobs: list[Job]) -> None:
        for job in jobs:
            if job.id == self._job_id:
                self._job = job
                self._show_job_title(job)
                if self.isVisible():
                    self._poll()

    def _on_bridge_archive_changed(self, _path: str) -> None:
        if self._job_id is not None:
            self._show_nothing()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._poll()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
