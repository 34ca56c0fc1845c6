"""What went wrong, the same thing once: « 7 files: The server answered 503. » with a button that tries these again."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.form import muted_label

_MOST_LINES = 3


class FailuresBox(QWidget):
    """The most frequent failures; hidden while there is none."""

    retry_requested = Signal(str)  # what went wrong

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("failuresBox")
        self._shown: tuple[tuple[str, int], ...] = ()
        self._n_kinds = 0
        self._lines: list[tuple[ElidedLabel, QPushButton]] = []
        grid = QGridLayout()
        grid.setColumnStretch(0, 1)
        grid.setVerticalSpacing(2)
        for line in range(_MOST_LINES):
            label, button = ElidedLabel(self), QPushButton("Retry these", self)
            label.setObjectName(f"failure_{line}")
            button.setObjectName(f"retryFailure_{line}")
            button.setAutoDefault(False)
            button.clicked.connect(lambda _checked=False, line=line: self.retry_requested.emit(self._shown[line][0]))
            grid.addWidget(label, line, 0)
            grid.addWidget(button, line, 1)
            self._lines.append((label, button))
        self.more = muted_label("", self)
        self.more.setObjectName("moreFailures")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(grid)
        layout.addWidget(self.more)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.hide()

    def buttons(self) -> list[QPushButton]:
        return [button for _label, button in self._lines]

    def set_locked(self, why: str) -> None:
        """Whether nothing can be tried again, and why."""
        for _label, button in self._lines:
            button.setEnabled(not why)

    def show_failures(self, failures: Mapping[str, int]) -> None:
        """What went wrong → how many files."""
        ordered = tuple(sorted(failures.items(), key=lambda item: (-item[1], item[0]))[:_MOST_LINES])
        if ordered == self._shown and len(failures) == self._n_kinds:
            return
        self._shown, self._n_kinds = ordered, len(failures)
        for line, (label, button) in enumerate(self._lines):
            here = line < len(ordered)
            label.setVisible(here)
            button.setVisible(here)
            if here:
                sentence, count = ordered[line]
                label.setText(f"✕ {counted(count, 'file', 'files')}: {sentence}")
                label.setToolTip(sentence)
                button.setAccessibleName(f"Retry {counted(count, 'file', 'files')}: {sentence}")
                button.setToolTip(f"Fetch the {counted(count, 'file', 'files')} again that failed in this way")
        others = len(failures) - len(ordered)
        self.more.setVisible(others > 0)
        self.more.setText(f"and {count_text(others)} other kinds of failures; the filter « Failed » shows all files")
        self.more.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setVisible(bool(failures))
