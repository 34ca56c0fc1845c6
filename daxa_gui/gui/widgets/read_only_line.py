"""The line of a panel that says why nothing can be changed in the open archive; hidden while everything can."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.gui.theme import as_muted


class ReadOnlyLine(QLabel):
    """`name` is its object name."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        as_muted(self)
        self.hide()

    def show_reason(self, archive: ArchiveSummary | None) -> None:
        reason = archive.read_only if archive is not None else ""
        self.setText(f"⚠ {reason}" if reason else "")
        self.setVisible(bool(reason))
