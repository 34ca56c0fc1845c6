"""What succeeded and what failed in the open archive: one row for each step of each unit, with its reason; logs and retries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.archive_queries import ProcessResult
from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import STATE_WORDS
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.session import Session

_PAUSE_MS = 1000
_TYPING_MS = 200


def result_word(result: ProcessResult) -> str:
    """One word of STATE_WORDS: a success with warnings is « warned », one from which nothing can follow « excluded »."""
    if result.success and result.reason:
        return "excluded"
    if result.success and result.warnings:
        return "warned"
    return next((word for state, word in STATE_WORDS.items() if state == result.state), result.state)


def result_reason(result: ProcessResult) -> str:
    return "; ".join(result.errors) or result.reason or "; ".join(result.warnings)


SHOWN: dict[str, Callable[[ProcessResult], bool] | None] = {
    "Everything": None,
    "Failed": lambda result: result.success is False,
    "With warnings": lambda result: bool(result.warnings),
    "Excluded": lambda result: result_word(result) == "excluded",
    "Not ended yet": lambda result: result.success is None,
}


class ResultsPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._outdated = True
        self._results: list[ProcessResult] = []
        labels = session.mission_labels()
        self.table = RecordTable(
            "resultsTable",
            "Results of the steps",
            (
                RecordColumn("State", result_word, state=result_word),
                RecordColumn("Mission", lambda r: labels.get(r.mission, r.mission)),
                RecordColumn("ObsID", lambda r: r.obs_id),
                RecordColumn("Unit", lambda r: r.unit),
                RecordColumn("Step", lambda r: r.step),
                RecordColumn("Why", result_reason),
            ),
            context,
            self,
        )
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._read)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._show_only)
        self.search.textChanged.connect(lambda _text: self._typing.start())
        self.shown.currentIndexChanged.connect(lambda _index: self._show_only())
        self.table.chosen_changed.connect(self._update)
        self.table.doubleClicked.connect(lambda _index: self.show_log())
        bridge.jobs_changed.connect(lambda _jobs: self._note())
        bridge.archive_changed.connect(lambda _path: self._on_archive_changed())
        self._update()

    def sizeHint(self) -> QSize:
        return QSize(700, 260)

    def _build(self) -> None:
        self.shown = QComboBox(self)
        self.shown.setObjectName("resultsShown")
        self.shown.setAccessibleName("Which results are shown")
        self.shown.setToolTip("Show all results, or only those that need attention")
        self.shown.addItems(list(SHOWN))
        self.search = QLineEdit(self)
        self.search.setObjectName("resultsSearch")
        self.search.setAccessibleName("Find in the results")
        self.search.setToolTip("Show only results that hold these words")
        self.search.setPlaceholderText("Find an ObsID, step or reason")
        self.search.setClearButtonEnabled(True)
        self.count = QLabel(self)
        self.count.setObjectName("resultsCount")
        as_muted(self.count)
        self.log_button = QPushButton("Show l&og", self)
        self.log_button.setObjectName("resultsLog")
        self.log_button.setToolTip("Open the log of the chosen step in the Queue workspace (double-click does the same)")
        self.log_button.clicked.connect(self.show_log)
        self.retry_button = QPushButton("Run a&gain", self)
        self.retry_button.setObjectName("resultsRetry")
        self.retry_button.setToolTip("Run the chosen steps again, and what needs them; without a choice all failed ones shown")
        self.retry_button.clicked.connect(self.retry)
        top = QHBoxLayout()
        for widget in (self.shown, self.search, self.count, self.log_button, self.retry_button):
            top.addWidget(widget, 1 if widget is self.search else 0)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)

    # what is shown

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._outdated:
            self._read()

    def _on_archive_changed(self) -> None:
        self._results = []
        self.table.set_records([])
        self._note()

    def _note(self) -> None:
        self._outdated = True
        if self.isVisible() and not self._pause.isActive():
            self._pause.start()

    def _read(self) -> None:
        self._outdated = False
        if self._session.archive is None:
            self._on_read([])
            return
        self._context.background.read(self, "results", self._session.process_results, self._on_read, self._on_error)

    def _on_read(self, results: list[ProcessResult]) -> None:
        self._results = results
        self.table.set_records(results)
        self._update()

    def _on_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:  # otherwise it was closed in between, which is no failure
            self._context.background.failed.emit(error)

    def _show_only(self) -> None:
        self.table.show_only(self.search.text(), SHOWN[self.shown.currentText()])
        self._update()

    def _update(self) -> None:
        """The line of counts and what the buttons can do."""
        is_open = self._session.archive is not None
        words = Counter("failed" if r.success is False else "ended" if r.success else "open" for r in self._results)
        if not is_open:
            self.count.setText("No archive is open.")
        elif not self._results:
            self.count.setText("No step has run yet.")
        else:
            self.count.setText(f"{counted(len(self._results), 'step', 'steps')}, {count_text(words['failed'])} failed")
        chosen = self.table.chosen()
        can_change = is_open and not (self._session.archive and self._session.archive.read_only)
        self.log_button.setEnabled(len(chosen) == 1 and chosen[0].job_id is not None)
        self.retry_button.setEnabled(can_change and bool(self._to_retry()))

    # what can be done

    def _to_retry(self) -> list[int]:
        chosen = self.table.chosen()
        shown = self.table.records_model
        results = chosen or [shown.record(row) for row in range(len(shown.rows)) if shown.record(row).success is False]
        return [r.job_id for r in results if r.job_id is not None and r.success is not None]

    def retry(self) -> None:
        ids = self._to_retry()
        self._context.background.act(self, "Run again", lambda: self._session.retry(ids))

    def show_log(self) -> None:
        chosen = self.table.chosen()
        if len(chosen) == 1 and chosen[0].job_id is not None:
            self._context.set_job(chosen[0].job_id)
            self._context.panel_requested.emit("job_log")

    def keyPressEvent(self, event: object) -> None:
        if getattr(event, "key", lambda: 0)() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.table.hasFocus():
            self.show_log()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]
