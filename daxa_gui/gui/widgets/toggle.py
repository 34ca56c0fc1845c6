"""A button that stays down, and shows it by a bar as well as by its shade (which is faint in dark colours)."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QPushButton, QWidget


class ToggleButton(QPushButton):
    """Checkable from the start."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setCheckable(True)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.isChecked():
            return
        role = QPalette.ColorRole.Highlight if self.isEnabled() else QPalette.ColorRole.Mid
        box = self.rect()
        with QPainter(self) as painter:
            painter.fillRect(QRect(box.left() + 5, box.bottom() - 4, box.width() - 10, 3), self.palette().color(role))
