"""The headings of the processing grid: each column as wide as its heading and the states below it, whatever the font."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QWidget

from daxa_gui.gui.widgets.state_painter import width_of_state

_WORDS = ("skipped", "running", "waiting")  # the widest that are seen every day; rarer ones end with « … »


class StepHeader(QHeaderView):
    """What room is left is shared equally; where there is too little, the grid scrolls."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.sectionCountChanged.connect(lambda _before, _now: self.fit())

    def fit(self) -> None:
        """Find the widths anew; for changed headings."""
        n = self.count()
        if not n:
            return
        below = max(width_of_state(word, self.fontMetrics()) for word in _WORDS)
        needed = [max(self.sectionSizeFromContents(section).width(), below) for section in range(n)]
        left = max(self.width() - sum(needed), 0)
        for section, width in enumerate(needed):
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
            self.fit()

    def two_lines(self) -> int:
        """The height of a step and its counts, in pixels."""
        return 2 * self.fontMetrics().height() + 10
