"""The first page of a start without anything to open: three choices and the latest archives."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from daxa_gui.gui.theme import as_muted


class WelcomePage(QWidget):
    practice_requested = Signal()
    archive_requested = Signal()
    search_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcome")
        title = QLabel("DAXA GUI")
        title.setStyleSheet("font-size: 26pt; font-weight: 300;")
        subtitle = QLabel("Find, fetch, reduce and inspect X-ray observations.")
        as_muted(subtitle)
        inner = QVBoxLayout()
        inner.addWidget(title)
        inner.addWidget(subtitle)
        inner.addSpacing(18)
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(12)
        choices = (
            (
                "&Practice",
                "Simulated observations of six missions. No network and no mission software needed.",
                self.practice_requested,
            ),
            ("&Open an archive…", "Go on where you stopped; unfinished work continues.", self.archive_requested),
            ("&New search", "Search the catalogues and build an archive.", self.search_requested),
        )
        for row, (text, explanation, signal) in enumerate(choices):
            button = QPushButton(text)
            button.setObjectName(f"welcome_{text.strip('&…').split()[0].lower()}")
            button.setMinimumWidth(170)
            button.setToolTip(explanation)
            button.clicked.connect(signal)
            label = QLabel(explanation)
            as_muted(label)
            grid.addWidget(button, row, 0)
            grid.addWidget(label, row, 1)
        inner.addLayout(grid)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(inner)
        outer.addStretch(3)
        outer.setAlignment(inner, Qt.AlignmentFlag.AlignHCenter)
