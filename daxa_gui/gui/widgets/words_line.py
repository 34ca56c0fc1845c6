"""A line for words that are looked for in a list."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

_TYPING_MS = 200


class WordsLine(QLineEdit):
    """`settled` is emitted when somebody who types has paused, so that long lists are not searched for every letter."""

    settled = Signal()

    def __init__(self, name: str, label: str, placeholder: str, tip: str, parent: QWidget, *, pause_ms: int = _TYPING_MS) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(label)
        self.setPlaceholderText(placeholder)
        self.setToolTip(tip)
        self.setClearButtonEnabled(True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(pause_ms)
        self._typing.timeout.connect(self.settled)
        self.textChanged.connect(lambda _text: self._typing.start())
