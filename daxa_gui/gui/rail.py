"""The rail at the left of the window: one button for each workspace."""

from __future__ import annotations

import functools

from PySide6.QtCore import Signal
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from daxa_gui.gui.actions import ACTIONS
from daxa_gui.gui.panels import WORKSPACES
from daxa_gui.gui.theme import Theme, rail_style

_NARROWEST_PX = 92
_BESIDE_PX = 36  # mark, and padding at both sides of a name


class Rail(QFrame):
    chosen = Signal(str)  # a workspace

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName("Workspaces")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 8)
        column.setSpacing(2)
        self._buttons = QButtonGroup(self)
        heavy = QFont(self.font())
        heavy.setBold(True)  # as the present workspace is written
        bold = QFontMetrics(heavy)
        tips = {spec.name: spec.tip for spec in ACTIONS}
        for number, (name, label) in enumerate(WORKSPACES.items(), start=1):
            button = QToolButton(self)
            button.setObjectName("workspaceButton")
            button.setText(label)
            button.setCheckable(True)
            button.setMinimumWidth(max(_NARROWEST_PX, bold.horizontalAdvance(label) + _BESIDE_PX))
            button.setAccessibleName(f"{label} workspace")
            button.setToolTip(f"{tips[name]} (Ctrl+{number})")
            button.clicked.connect(functools.partial(self._on_clicked, name))
            self._buttons.addButton(button, number)
            column.addWidget(button)
        column.addStretch(1)

    def _on_clicked(self, name: str, _checked: bool = False) -> None:
        self.chosen.emit(name)

    def mark(self, name: str) -> None:
        """This workspace is shown."""
        self._buttons.button(list(WORKSPACES).index(name) + 1).setChecked(True)

    def set_theme(self, theme: Theme) -> None:
        self.setStyleSheet(rail_style(theme))
