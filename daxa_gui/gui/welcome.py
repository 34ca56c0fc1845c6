"""The first page of a start without anything to open: three choices and the archives that are there."""

from __future__ import annotations

import functools

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFont, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.gui.context import Context
from daxa_gui.gui.described import time_text
from daxa_gui.gui.texts import counted
from daxa_gui.gui.theme import as_heading, as_muted
from daxa_gui.session import Session

_MOST_LISTED = 6
_AFTER_FIRST_PAINT_MS = 200
_CHOICES = (
    ("welcome_practice", "&Practice", "Simulated observations of six missions. No network and no mission software needed."),
    ("welcome_open", "&Open an archive…", "Go on where you stopped; unfinished work continues."),
    ("welcome_new", "&New search", "Search the catalogues and build an archive."),
)


class WelcomePage(QWidget):
    practice_requested = Signal()
    archive_requested = Signal()
    search_requested = Signal()
    recent_requested = Signal(str)  # folder of an archive

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.setObjectName("welcome")
        self.setAccessibleName("Welcome")
        title = QLabel("DAXA GUI", self)
        title.setObjectName("welcomeTitle")
        font = QFont(title.font())
        font.setPointSizeF(2.6 * font.pointSizeF())
        font.setWeight(QFont.Weight.Light)
        title.setFont(font)
        subtitle = QLabel("Find, fetch, reduce and inspect X-ray observations.", self)
        as_muted(subtitle)
        inner = QVBoxLayout()
        inner.addWidget(title)
        inner.addWidget(subtitle)
        inner.addSpacing(18)
        inner.addLayout(self._build_choices())
        inner.addSpacing(18)
        self.recent_title = QLabel("Archives", self)
        as_heading(self.recent_title)
        self.recent_title.hide()
        inner.addWidget(self.recent_title)
        self._recent = QGridLayout()
        self._recent.setHorizontalSpacing(18)
        self._recent.setColumnStretch(1, 1)
        inner.addLayout(self._recent)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addLayout(inner)
        middle.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(middle)
        outer.addStretch(3)

    def _build_choices(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(18)
        grid.setVerticalSpacing(12)
        grid.setColumnStretch(1, 1)
        signals = (self.practice_requested, self.archive_requested, self.search_requested)
        for row, ((name, text, explanation), signal) in enumerate(zip(_CHOICES, signals, strict=True)):
            button = QPushButton(text, self)
            button.setObjectName(name)
            button.setMinimumWidth(170)
            button.setToolTip(explanation)
            button.setAccessibleDescription(explanation)
            button.clicked.connect(signal)
            label = QLabel(explanation, self)
            as_muted(label)
            grid.addWidget(button, row, 0)
            grid.addWidget(label, row, 1)
        return grid

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(_AFTER_FIRST_PAINT_MS, self, self._read_archives)

    def _read_archives(self) -> None:
        self._context.background.read(self, "archives", self._session.archives, self._on_archives_read)

    def _on_archives_read(self, archives: list[ArchiveSummary]) -> None:
        """The newest archives, one button each."""
        while (item := self._recent.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        usable = [archive for archive in archives if not archive.problem]
        newest = sorted(usable, key=lambda archive: -archive.created)[:_MOST_LISTED]
        self.recent_title.setVisible(bool(newest))
        for row, archive in enumerate(newest):
            button = QPushButton(self.fontMetrics().elidedText(archive.name, Qt.TextElideMode.ElideMiddle, 240), self)
            button.setObjectName(f"recent_{row}")
            button.setAccessibleName(f"Open archive {archive.name}")
            button.setToolTip(archive.path)
            button.setMinimumWidth(170)
            button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            button.clicked.connect(functools.partial(self.recent_requested.emit, archive.path))
            observations = counted(archive.n_observations, "observation", "observations")
            label = QLabel(f"{observations}, made {time_text(archive.created)[:10]}", self)
            as_muted(label)
            self._recent.addWidget(button, row, 0)
            self._recent.addWidget(label, row, 1)
