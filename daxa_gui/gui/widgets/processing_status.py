"""The foot of the processing: how long it will still take and why that is known, where it runs, and holding it back."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.reduction_plan import TimeLeft
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.rates import left_text
from daxa_gui.gui.texts import as_sentence, counted
from daxa_gui.gui.widgets.where_to_run import WhereToRunDialog, executor_label
from daxa_gui.session import Session

LANE = "local"
_EVERY_MS = 4000


def left_sentence(left: TimeLeft) -> str:
    """« About 3 h left. By 412 runs of the same steps in this archive. »; empty where nothing is to be done."""
    if not left.n_jobs:
        return ""
    if left.seconds is None:
        return f"{counted(left.n_jobs, 'job', 'jobs')} left. {left.text}"
    return f"{as_sentence(left_text(left.seconds))}. {left.text}"


class ProcessingStatus(QWidget):
    """`set_working` says how many jobs are not finished; while there are some, the estimate is read every few seconds."""

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._n_open = 0
        self._paused = False
        self._executor = ""
        self._left = ""
        self.setObjectName("processingStatus")
        self.text = QLabel(self)
        self.text.setObjectName("timeLeft")
        self.text.setWordWrap(True)
        self.text.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self.hold_button = QPushButton("Hold &back", self)
        self.hold_button.setObjectName("holdProcessing")
        self.hold_button.clicked.connect(lambda _checked=False: self._on_hold())
        self.where_button = QPushButton("&Where to run…", self)
        self.where_button.setObjectName("whereToRun")
        self.where_button.setToolTip("Run the jobs of this archive on this machine, a Dask cluster or Slurm")
        self.where_button.clicked.connect(lambda _checked=False: self._on_where())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.text, 1)
        row.addWidget(self.hold_button)
        row.addWidget(self.where_button)
        self._timer = QTimer(self)
        self._timer.setInterval(_EVERY_MS)
        self._timer.timeout.connect(self._read_left)
        self._show()

    # ---- what is read

    def read(self) -> None:
        """Ask for everything that is shown: another archive, or the dialog changed something."""
        self._left = ""
        if self._session.archive is None:
            self._executor, self._paused = "", False
            self._show()
            return
        read = self._context.background.read
        read(self, "executor", lambda: (self._session.executor(), self._session.lanes()), self._on_executor_read, self._on_error)
        self._read_left()

    def set_working(self, n_open: int) -> None:
        begins, ends = n_open and not self._n_open, self._n_open and not n_open
        self._n_open = n_open
        if begins:
            self._timer.start()
        if begins or ends:
            self.read()
        if ends:
            self._timer.stop()

    def _read_left(self) -> None:
        if self._session.archive is not None and self.isVisible():
            self._context.background.read(self, "left", self._session.time_left, self._on_left_read, self._on_error)

    def _on_executor_read(self, answer: tuple[str, dict[str, bool]]) -> None:
        self._executor, lanes = answer
        self._paused = lanes.get(LANE, False)
        self._show()

    def set_paused(self, lane: str, paused: bool) -> None:
        if lane == LANE:
            self._paused = paused
            self._show()

    def _on_left_read(self, left: TimeLeft) -> None:
        self._left = left_sentence(left)
        self._show()

    def _on_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:  # otherwise it was closed in between, which is no failure
            self._context.background.failed.emit(error)

    # ---- what is shown and done

    def _show(self) -> None:
        is_open = self._session.archive is not None
        locked = self._session.archive.read_only if self._session.archive is not None else ""
        self.setVisible(is_open)
        where = f"Runs on {executor_label(self._executor)}." if self._executor else ""
        held = "Held back: what runs goes on, nothing new begins." if self._paused else ""
        self.text.setText(" ".join(part for part in (held, self._left, where) if part))
        self.hold_button.setText("&Begin again" if self._paused else "Hold &back")
        tip = "Let waiting jobs begin again" if self._paused else "Begin no more jobs; those that run go on"
        self.hold_button.setToolTip(f"{tip}. {locked}" if locked else tip)
        for button in (self.hold_button, self.where_button):
            button.setEnabled(is_open and not locked)

    def _on_hold(self) -> None:
        verb = self._session.resume if self._paused else self._session.pause
        self._context.background.act(self, "Hold back", lambda: verb(LANE))

    def _on_where(self) -> None:
        dialog = WhereToRunDialog(self._session, self._context, self)
        dialog.chosen.connect(lambda _executor: self.read())
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
