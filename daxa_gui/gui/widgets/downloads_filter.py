"""Which downloads are shown: those in some states, whose name, ObsID or mission contains a text."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from daxa_gui.gui.widgets.words_line import WordsLine

_TYPING_MS = 250
# What the filter offers → the states that it shows.
FILTERS: dict[str, tuple[str, ...]] = {
    "All states": (),
    "Running": ("running", "stopping"),
    "Waiting": ("queued", "waiting"),
    "Paused": ("paused",),
    "Failed": ("failed",),
    "Cancelled or skipped": ("cancelled", "skipped"),
    "Done": ("done", "warned", "excluded"),
}


class DownloadsFilter(QWidget):
    changed = Signal()  # a little later than what is typed

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.states = QComboBox(self)
        self.states.setObjectName("downloadsFilter")
        self.states.setAccessibleName("Show downloads in these states")
        self.states.setToolTip("Show only files in some states")
        self.states.addItems(list(FILTERS))
        tip = "Show only files whose name, ObsID or mission contains this text"
        self.text = WordsLine(
            "downloadsText", "Find in the downloads", "File, ObsID or mission", tip, self, pause_ms=_TYPING_MS
        )  # fmt: skip
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.states)
        row.addWidget(self.text, 1)
        self.text.settled.connect(self.changed)
        self.states.currentIndexChanged.connect(lambda _index: self.changed.emit())

    @property
    def words(self) -> tuple[str, ...]:
        """The states that are shown; empty: all."""
        return FILTERS[self.states.currentText()]
