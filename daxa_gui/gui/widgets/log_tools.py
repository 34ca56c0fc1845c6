"""The tools above a log: searching it, choosing which lines are shown, going from message to message, following, copying."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QWidget

from daxa_gui.core.log_messages import Severity
from daxa_gui.gui.theme import as_muted

_LEVELS = (("All lines", Severity.INFO), ("Warnings and errors", Severity.WARNING), ("Errors only", Severity.ERROR))


class SearchLine(QLineEdit):
    """Enter goes to the next hit, Shift+Enter to the one before."""

    def __init__(self, go: Callable[[int], None], parent: QWidget) -> None:
        super().__init__(parent)
        self._go = go

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._go(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
            return
        super().keyPressEvent(event)


class LogTools(QWidget):
    """`go_to_hit` and `go_to_message` take 1 (next) or -1 (previous)."""

    def __init__(self, go_to_hit: Callable[[int], None], go_to_message: Callable[[int], None], parent: QWidget) -> None:
        super().__init__(parent)
        self.search = SearchLine(go_to_hit, self)
        self.search.setObjectName("logSearch")
        self.search.setAccessibleName("Search the log")
        self.search.setPlaceholderText("Search")
        self.search.setToolTip("Find text in the log (Ctrl+F); Enter goes to the next hit, Shift+Enter to the one before")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(90)
        self.hits = QLabel(self)
        self.hits.setObjectName("logHits")
        as_muted(self.hits)
        self.level = QComboBox(self)
        self.level.setObjectName("logLevel")
        self.level.setAccessibleName("Which lines are shown")
        self.level.setToolTip("Which lines are shown")
        for text, least in _LEVELS:
            self.level.addItem(text, least)
        self.previous = self._arrow("logPrevious", "▲", "Previous warning or error (Shift+F8)", lambda: go_to_message(-1))
        self.next = self._arrow("logNext", "▼", "Next warning or error (F8)", lambda: go_to_message(1))
        self.follow = QCheckBox("&Keep at end", self)
        self.follow.setObjectName("logFollow")
        self.follow.setToolTip("Keep the newest line in view while the job runs")
        self.follow.setChecked(True)
        self.copy_button = QPushButton("&Copy", self)
        self.copy_button.setObjectName("logCopy")
        self.copy_button.setToolTip("Copy the chosen lines, or all shown ones if none is chosen")
        self.open_button = QPushButton("O&pen log…", self)
        self.open_button.setObjectName("logOpen")
        self.open_button.setToolTip("Show a log file from disk")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.search, 2)
        for widget in (self.hits, self.level, self.previous, self.next, self.follow, self.copy_button, self.open_button):
            row.addWidget(widget)

    def _arrow(self, name: str, text: str, tip: str, slot: Callable[[], None]) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(slot)
        return button

    def enable(self, *, any_lines: bool, any_messages: bool, may_follow: bool) -> None:
        for widget in (self.search, self.level, self.copy_button):
            widget.setEnabled(any_lines)
        for button in (self.previous, self.next):
            button.setEnabled(any_messages)
        self.follow.setVisible(may_follow)
