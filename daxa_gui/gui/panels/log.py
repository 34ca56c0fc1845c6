"""The log of a job or a file: search, severity filter, next warning or error, known messages explained; follows running jobs."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError, FileError
from daxa_gui.core.job import Job
from daxa_gui.core.log_messages import Explanations, Severity, read_message
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.log_lines import LogLines, ParsedLines, parse_lines
from daxa_gui.gui.theme import Theme, as_heading, as_muted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.log_view import LogView
from daxa_gui.locations import resource_path
from daxa_gui.session import Session

_LARGEST_FILE = 64_000_000
_POLL_MS = 500
_LEVELS = (("All lines", Severity.INFO), ("Warnings and errors", Severity.WARNING), ("Errors only", Severity.ERROR))
_WEIGHTS = {"harmless": "Usually harmless.", "look": "Worth a look.", "serious": "Serious."}


@dataclass(frozen=True, eq=False)
class _Piece:
    """What one read brought: new lines, where to go on, and how the job stood (None for a file)."""

    parsed: ParsedLines
    offset: int
    job: Job | None


@functools.cache
def explanations() -> Explanations:
    """The known messages; read from the resources at the first question."""
    folder = resource_path("messages")
    with (
        (folder / "explanations.csv").open(encoding="utf-8") as known,
        (folder / "sas_names.csv").open(encoding="utf-8") as names,
    ):
        return Explanations(known, names)


def read_log_file(path: str) -> ParsedLines:
    """The lines of a log file on disk (the last 64 MB of a larger one); runs on a pool thread."""
    try:
        with Path(path).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LARGEST_FILE))
            data = file.read(_LARGEST_FILE)
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.", "Check the name and the permissions.") from error
    if b"\0" in data[:4096]:
        raise FileError(f"{path} is not a text file.", "Choose a log file.")
    return parse_lines(data.decode("utf-8", "replace"))


class LogPanel(QWidget):
    """Shows the job of `context.job_changed`, or a file chosen with « Open log… »."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._job: Job | None = None
        self._job_id: int | None = None
        self._offset = 0
        self._reading = False
        self.model = LogLines(self)
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._poll)
        self._build()
        context.job_changed.connect(self.show_job)
        context.theme_changed.connect(self._on_context_theme_changed)
        bridge.jobs_changed.connect(self._on_bridge_jobs_changed)
        bridge.many_jobs_changed.connect(lambda: self._poll())
        bridge.archive_changed.connect(self._on_bridge_archive_changed)
        self._on_context_theme_changed(context.theme)
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
        self.view = LogView(self.model, self)
        self.view.setObjectName("logLines")
        self.view.setAccessibleName("Lines of the log")
        self.view.setToolTip("F8: next warning or error. Ctrl+C copies the chosen lines.")
        self.view.selectionModel().currentChanged.connect(self._on_view_current_changed)
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
        layout.addLayout(self._build_tools())
        layout.addWidget(self.view, 1)
        layout.addWidget(self.explanation)
        self._shortcut("F8", functools.partial(self.go_to_message, 1))
        self._shortcut("Shift+F8", functools.partial(self.go_to_message, -1))
        self._shortcut(QKeySequence.StandardKey.Find, self.search.setFocus)
        self._shortcut(QKeySequence.StandardKey.Copy, self.copy, self.view)
        self._show_nothing()

    def _build_tools(self) -> QHBoxLayout:
        self.search = QLineEdit(self)
        self.search.setObjectName("logSearch")
        self.search.setAccessibleName("Search the log")
        self.search.setPlaceholderText("Search")
        self.search.setToolTip("Find text in the log (Ctrl+F); Enter goes to the next hit, Shift+Enter to the one before")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(90)
        self.search.textChanged.connect(self._on_search_text_changed)
        self.search.returnPressed.connect(self._on_search_return_pressed)
        self.hits = QLabel(self)
        self.hits.setObjectName("logHits")
        as_muted(self.hits)
        self.level = QComboBox(self)
        self.level.setObjectName("logLevel")
        self.level.setAccessibleName("Which lines are shown")
        self.level.setToolTip("Which lines are shown")
        for text, least in _LEVELS:
            self.level.addItem(text, least)
        self.level.currentIndexChanged.connect(self._on_level_changed)
        self.previous = self._button(
            "logPrevious", "▲", "Previous warning or error (Shift+F8)", functools.partial(self.go_to_message, -1)
        )
        self.next = self._button("logNext", "▼", "Next warning or error (F8)", functools.partial(self.go_to_message, 1))
        self.follow = QCheckBox("Follo&w", self)
        self.follow.setObjectName("logFollow")
        self.follow.setToolTip("Keep the newest line in view while the job runs")
        self.follow.setChecked(True)
        self.copy_button = QPushButton("&Copy", self)
        self.copy_button.setObjectName("logCopy")
        self.copy_button.setToolTip("Copy the chosen lines, or all shown ones if none is chosen")
        self.copy_button.clicked.connect(self.copy)
        self.open_button = QPushButton("O&pen log…", self)
        self.open_button.setObjectName("logOpen")
        self.open_button.setToolTip("Show a log file from disk")
        self.open_button.clicked.connect(self.choose_file)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.search, 2)
        for widget in (self.hits, self.level, self.previous, self.next, self.follow, self.copy_button, self.open_button):
            row.addWidget(widget)
        return row

    def _button(self, name: str, text: str, tip: str, slot: object) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(slot)
        return button

    def _shortcut(self, keys: str | QKeySequence.StandardKey, slot: object, parent: QWidget | None = None) -> None:
        shortcut = QShortcut(QKeySequence(keys), parent or self)
        everywhere = isinstance(keys, str)  # F8 also from the plots beside; copy and find only in here
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut if everywhere else Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(slot)

    # what is shown

    def show_job(self, job_id: int) -> None:
        """Show the log of a job of the open archive, and follow it while it runs."""
        self._job_id, self._job, self._offset = job_id, None, 0
        self._reset("Reading the log…")
        self._poll(again=True)

    def show_file(self, path: str) -> None:
        """Show a log file from disk."""
        self._job_id, self._job = None, None
        self._timer.stop()
        self._reset(Path(path).name)
        self.title.setToolTip(path)
        self._reading = True
        self._context.background.read(
            self, "log", lambda: _Piece(read_log_file(path), 0, None), self._on_piece_read, self._on_error
        )

    def choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a log file", "", "Logs (*.log *.txt *.SAS *.out *.err);;All files (*)")
        if path:
            self.show_file(path)

    def _reset(self, title: str) -> None:
        self.model.clear()
        self.view.forget_room()
        self.title.setText(title)
        self.title.setToolTip("")
        self.tally.setText("")
        self.explanation.hide()
        self._enable()

    def _show_nothing(self) -> None:
        self._reset("Choose a download, a cell of the grid or an exposure to see its log, or open a log file.")

    def _poll(self, again: bool = False) -> None:
        """Ask for what was written since the last time."""
        if self._job_id is None or (self._reading and not again):
            return
        job_id, offset, session = self._job_id, self._offset, self._session

        def read() -> _Piece:
            # the state first: lines that a job writes before it ends are then never missed
            job = session.job(job_id)
            text, end = session.read_log(job_id, offset)
            return _Piece(parse_lines(text), end, job)

        self._reading = True
        self._context.background.read(self, "log", read, self._on_piece_read, self._on_error)

    def _on_piece_read(self, piece: _Piece) -> None:
        self._reading = False
        if piece.job is not None:
            if piece.offset < self._offset:  # the log was begun anew
                self.model.clear()
            more = piece.offset > self._offset
            self._job, self._offset = piece.job, piece.offset
            self._show_job_title(piece.job)
        self._append(piece.parsed)
        if piece.job is None:
            return
        if more:
            QTimer.singleShot(0, self, self._poll)  # there may be more than one piece
        if piece.job.is_finished:
            self._timer.stop()
        elif self.isVisible():
            self._timer.start()

    def _append(self, parsed: ParsedLines) -> None:
        first = self.model.n_lines == 0
        if parsed.lines:
            self.view.make_room(max(map(len, parsed.lines)))
            self.model.append(parsed)
        running = self._job is not None and not self._job.is_finished
        if parsed.lines and self.follow.isChecked() and running:
            self.view.scrollToBottom()
        elif first and self.model.rowCount():
            self.view.scrollToTop()
        self._show_tally()
        self._show_hits()
        self._enable()

    def _show_job_title(self, job: Job) -> None:
        state = {"succeeded": "done"}.get(str(job.state), str(job.state))
        self.title.setText(f"{job.title} · {state}")
        self.title.setToolTip(f"{job.mission} {job.obs_id} {job.unit}\n{job.log_path}".strip())

    def _show_tally(self) -> None:
        warnings, errors = self.model.counts()
        n = self.model.n_lines
        if not n:
            finished = self._job is None or self._job.is_finished
            self.tally.setText("the log is empty" if finished else "nothing was written yet")
            return
        self.tally.setText(f"{_plural(n, 'line')} · ▲ {_plural(warnings, 'warning')} · ✕ {_plural(errors, 'error')}")

    def _enable(self) -> None:
        any_lines = self.model.n_lines > 0
        severe = any_lines and sum(self.model.counts()) > 0
        everywhere: tuple[QWidget, ...] = (self.search, self.level, self.copy_button)
        for widget in everywhere:
            widget.setEnabled(any_lines)
        for button in (self.previous, self.next):
            button.setEnabled(severe)
        self.follow.setVisible(self._job is not None and not self._job.is_finished)

    def _on_error(self, error: DaxaError) -> None:
        self._reading = False
        self._timer.stop()
        self.title.setText(str(error))
        self._show_tally()

    # moving about

    def go_to_message(self, step: int) -> None:
        """The next (1) or previous (-1) warning or error."""
        self._go_to(self.model.next_severe(self._current_row(step), step))

    def go_to_hit(self, step: int) -> None:
        """The next (1) or previous (-1) line with the text that is searched for."""
        if needle := self.search.text():
            self._go_to(self.model.find(needle, self._current_row(step), step))

    def _current_row(self, step: int) -> int:
        index = self.view.currentIndex()
        return index.row() if index.isValid() else (-1 if step > 0 else self.model.rowCount())

    def _go_to(self, row: int) -> None:
        if row < 0:
            return
        self.follow.setChecked(False)
        index = self.model.index(row)
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index, LogView.ScrollHint.PositionAtCenter)
        self.view.horizontalScrollBar().setValue(0)

    def copy(self) -> None:
        """Chosen lines to the clipboard, or all shown ones if fewer than two are chosen by hand."""
        rows = sorted(index.row() for index in self.view.selectionModel().selectedRows()) or range(self.model.rowCount())
        QGuiApplication.clipboard().setText(self.model.text(list(rows)))

    # slots

    def _on_search_text_changed(self, text: str) -> None:
        self.view.set_needle(text)
        self._show_hits()
        if text and self.model.rowCount():
            start = max(0, self.view.currentIndex().row()) - 1
            self._go_to(self.model.find(text, start, 1))

    def _on_search_return_pressed(self) -> None:
        shift = QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier
        self.go_to_hit(-1 if shift else 1)

    def _show_hits(self) -> None:
        needle = self.search.text()
        self.hits.setText(f"in {_plural(self.model.count_hits(needle), 'line')}" if needle else "")

    def _on_level_changed(self, _index: int) -> None:
        current = self.view.currentIndex()
        line = self.model.line_number(current.row()) if current.isValid() else None
        self.model.set_least_severity(self.level.currentData())
        if line is not None and (row := self.model.row_of_line(line)) >= 0:
            self.view.setCurrentIndex(self.model.index(row))
        self._show_hits()

    def _on_view_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        message = read_message(self.model.line(index.row())) if index.isValid() else None
        explained = explanations().explain(message) if message is not None else None
        self.explanation.setVisible(explained is not None)
        if message is not None and explained is not None:
            name = f"{message.name}: " if message.name else ""
            weight = _WEIGHTS.get(explained.weight, "")
            self.explanation.setText(f"{name}{explained.text} {weight}".strip())

    def _on_bridge_jobs_changed(self, jobs: list[Job]) -> None:
        for job in jobs:
            if job.id == self._job_id:
                self._job = job
                self._show_job_title(job)
                if self.isVisible():
                    self._poll()
                    if not job.is_finished:
                        self._timer.start()

    def _on_bridge_archive_changed(self, _path: str) -> None:
        if self._job_id is not None:
            self._job_id, self._job = None, None
            self._timer.stop()
            self._show_nothing()

    def _on_context_theme_changed(self, theme: Theme) -> None:
        self.model.set_theme(theme)
        self.view.set_theme(theme)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._job is not None and not self._job.is_finished:
            self._timer.start()
        self._poll()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}".replace(",", "\u202f")
