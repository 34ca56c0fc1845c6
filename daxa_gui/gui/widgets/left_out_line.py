"""A line that tells how much of an archive is not fetched, with a button that shows what and why; hidden where all is."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from daxa_gui.core.download_plan import LeftOut
from daxa_gui.gui.widgets.grouped_list import GroupedDialog, left_out_groups, left_out_sentence


class LeftOutLine(QWidget):
    """`labels` are the missions as people call them."""

    def __init__(self, labels: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._left_out: list[LeftOut] = []
        self.label = QLabel(self)
        self.label.setObjectName("downloadsLeftOut")
        self.label.setWordWrap(True)
        self.button = QPushButton("Wh&ich…", self)
        self.button.setObjectName("showLeftOut")
        self.button.setToolTip("Show what is not fetched, and why")
        self.button.clicked.connect(lambda _checked=False: self.show_which())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.label, 1)
        row.addWidget(self.button)
        self.hide()

    def show_left_out(self, left_out: Sequence[LeftOut]) -> None:
        self._left_out = list(left_out)
        self.label.setText(left_out_sentence(self._left_out))
        self.setVisible(bool(self._left_out))

    def show_which(self) -> None:
        heading = "What is not fetched, and why. « Retry » asks again."
        GroupedDialog("Left out", heading, left_out_groups(self._left_out, self._labels), self.window()).open()
