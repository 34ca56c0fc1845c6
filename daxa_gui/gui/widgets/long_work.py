"""Work that takes a while and is watched: a line with its progress and a button that stops it. For panels and dialogs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QThreadPool, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QWidget

from daxa_gui.core.errors import Cancelled, DaxaError

Progress = Callable[[float, float | None, str], None]
_TELL_EVERY_S = 0.1
log = logging.getLogger(__name__)


class LongWork(QWidget):
    """`run(function)` calls `function(progress, cancelled)` on a pool thread; hidden while nothing runs.

    `progress(done, total, text)` may be called from any thread and as often as one likes; `cancelled()` is asked by the work.
    A newer run replaces an older one, whose answer is dropped.
    """

    finished = Signal()  # however it ended
    stopped = Signal()  # it ended because somebody asked for that; comes before `finished`
    _told = Signal(int, float, float, str)
    _ended = Signal(int, object, object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._number = 0
        self._stop = threading.Event()
        self._on_done: Callable[[Any], None] = lambda _result: None
        self._on_error: Callable[[DaxaError], None] = lambda _error: None
        self.bar = QProgressBar(self)
        self.bar.setAccessibleName("Progress")
        self.bar.setMaximumHeight(16)
        self.bar.setTextVisible(False)
        self.label = QLabel(self)
        self.label.setWordWrap(True)
        self.stop_button = QPushButton("Stop", self)
        self.stop_button.setObjectName(f"{name}Stop")
        self.stop_button.setToolTip("Stop this; what was done so far is not used")
        self.stop_button.clicked.connect(self.stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.label, 2)
        row.addWidget(self.stop_button)
        self._told.connect(self._on_told)
        self._ended.connect(self._on_ended)
        self.hide()

    @property
    def is_running(self) -> bool:
        return not self.isHidden()

    def run(
        self,
        function: Callable[[Progress, Callable[[], bool]], Any],
        on_done: Callable[[Any], None],
        on_error: Callable[[DaxaError], None],
    ) -> None:
        self._stop.set()  # an older run
        self._stop = stop = threading.Event()
        self._number += 1
        number = self._number
        self._on_done, self._on_error = on_done, on_error
        self.bar.setRange(0, 0)
        self.label.clear()
        self.stop_button.setEnabled(True)
        self.show()
        last = [0.0]

        def progress(done: float, total: float | None, text: str = "") -> None:
            now = time.monotonic()
            if now - last[0] >= _TELL_EVERY_S or done == total:
                last[0] = now
                _emit(self._told, number, float(done), float(total or 0.0), text)

        def work() -> None:
            result: Any = None
            error: Exception | None = None
            try:
                result = function(progress, stop.is_set)
            except (DaxaError, Cancelled) as problem:
                error = problem
            except OSError as problem:
                error = DaxaError(f"{problem.filename or 'A file'} cannot be used: {problem.strerror or problem}.")
            except Exception as problem:
                log.exception("work that is watched failed")
                error = DaxaError(f"This failed unexpectedly: {problem}.", "The log file has the details.")
            _emit(self._ended, number, result, error)

        self.destroyed.connect(stop.set)
        QThreadPool.globalInstance().start(work)

    def stop(self) -> None:
        """Ask the work to end; it does so at its next look."""
        self._stop.set()
        self.stop_button.setEnabled(False)
        self.label.setText("stopping …")

    def _on_told(self, number: int, done: float, total: float, text: str) -> None:
        if number == self._number and not self._stop.is_set():
            self.bar.setRange(0, 1000 if total else 0)
            if total:
                self.bar.setValue(round(1000 * min(done / total, 1.0)))
            self.label.setText(text)

    def _on_ended(self, number: int, result: Any, error: Exception | None) -> None:
        if number != self._number:
            return
        self.hide()
        if error is None:
            self._on_done(result)
        elif isinstance(error, DaxaError):
            self._on_error(error)
        else:
            self.stopped.emit()
        self.finished.emit()


def _emit(signal: Any, *values: Any) -> None:
    try:
        signal.emit(*values)
    except RuntimeError:
        return  # the window was closed meanwhile: nobody waits for it any more
