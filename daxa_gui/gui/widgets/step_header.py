"""The headings of the processing grid: each column as wide as its heading and the states below it, whatever the font."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from daxa_gui.gui.widgets.state_painter import width_of_state

_WORDS = ("skipped", "running", "waiting")  # the widest that are seen every day; rarer ones end with « … »
_PAUSE_MS = 1000


class StepHeader(QHeaderView):
    """What room is left is shared equally; where there is too little, the grid scrolls. Headings hold counts, which change with
    every job: columns grow with them after a pause, and do not become narrower again while they are the same columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._needed: list[int] = []
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.fit)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.sectionCountChanged.connect(self._fit_anew)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        if model is not None:
            # Methods, which Qt forgets with this header: a lambda would keep it, and outlive the application with the model.
            model.dataChanged.connect(self._fit_soon)
            model.modelReset.connect(self._fit_soon)

    def _fit_soon(self) -> None:
        if not self._pause.isActive():
            self._pause.start()

    def _fit_anew(self, _before: int = 0, _now: int = 0) -> None:
        self._needed = []
        self.fit()

    def fit(self) -> None:
        """Find the widths of the present headings."""
        n = self.count()
        if not n:
            return
        below = max(width_of_state(word, self.fontMetrics()) for word in _WORDS)
        before = self._needed if len(self._needed) == n else [0] * n
        self._needed = [max(self.sectionSizeFromContents(section).width(), below, before[section]) for section in range(n)]
        left = max(self.width() - sum(self._needed), 0)
        for section, width in enumerate(self._needed):
            more = left // n + (1 if section < left % n else 0)
            if self.sectionSize(section) != width + more:
                self.resizeSection(section, width + more)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.setFixedHeight(self.two_lines())
            self._fit_anew()

    def two_lines(self) -> int:
        """The height of a step and its counts, in pixels."""
        return 2 * self.fontMetrics().height() + 10
