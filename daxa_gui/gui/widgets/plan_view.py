"""A plan of downloads to look at before anything starts: files and bytes by mission and kind, the disk, what is left out."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.gui.models.plan_digest import PlanDigest, PlanLine
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_heading
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.grouped_list import Group, GroupedList, left_out_groups, left_out_sentence

_HEADINGS = ("Mission", "Files of this kind", "Observations", "Files", "Size", "Here already", "Unknown sizes")
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class PlanView(QWidget):
    """`show_plan` shows one, `set_outdated` says that the choice is another one by now."""

    log_in_requested = Signal()

    def __init__(self, labels: dict[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._digest: PlanDigest | None = None
        self.outdated = QLabel("▲ The choice has changed since: look again to see what it means.", self)
        self.outdated.setObjectName("planOutdated")
        self.headline = QLabel(self)
        self.headline.setObjectName("planHeadline")
        as_heading(self.headline)
        self.disk = QLabel(self)
        self.disk.setObjectName("planDisk")
        for label in (self.outdated, self.headline, self.disk):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._build_table()
        self._build_left_out()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        for widget in (self.outdated, self.headline, self.disk):
            layout.addWidget(widget)
        layout.addWidget(self.table, 3)
        layout.addWidget(self._left_out_line)
        layout.addWidget(self.list, 2)

    def _build_table(self) -> None:
        self.table = table = QTableWidget(0, len(_HEADINGS), self)
        table.setObjectName("planTable")
        table.setAccessibleName("What would be fetched, by mission and kind of file")
        for column, heading in enumerate(_HEADINGS):
            item = QTableWidgetItem(heading)
            item.setTextAlignment(_RIGHT if column > 1 else _LEFT)
            table.setHorizontalHeaderItem(column, item)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setAlternatingRowColors(True)
        table.setTabKeyNavigation(False)
        table.setMinimumHeight(84)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 8)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(76)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)

    def _build_left_out(self) -> None:
        self._left_out_line = QWidget(self)
        self.left_out = muted_label("", self._left_out_line)
        self.left_out.setObjectName("planLeftOut")
        self.log_in = QPushButton("Lo&g in…", self._left_out_line)
        self.log_in.setObjectName("planLogIn")
        self.log_in.setToolTip("Enter name and password for data that are not public yet, then look again")
        self.log_in.setAutoDefault(False)
        self.log_in.clicked.connect(lambda _checked=False: self.log_in_requested.emit())
        row = QHBoxLayout(self._left_out_line)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.left_out, 1)
        row.addWidget(self.log_in)
        self.list = GroupedList("What is left out or could not be asked, and why", self)
        self.list.setObjectName("planLeftOutList")
        self.list.setMinimumHeight(64)

    def show_plan(self, digest: PlanDigest) -> None:
        self._digest = digest
        self.headline.setText(digest.headline())
        self.disk.setText(digest.disk())
        self.disk.setVisible(bool(digest.disk()))
        self.disk.setForegroundRole(QPalette.ColorRole.WindowText if digest.fits else QPalette.ColorRole.BrightText)
        self.table.setRowCount(len(digest.lines))
        for row, line in enumerate(digest.lines):
            for column, text in enumerate(_cells(line)):
                item = QTableWidgetItem(text)
                if column > 1:
                    item.setTextAlignment(_RIGHT)
                if line.n_optional:
                    item.setToolTip(f"An observation is complete without {counted(line.n_optional, 'file', 'files')} of these")
                self.table.setItem(row, column, item)
        self.table.setVisible(bool(digest.lines))
        self._show_left_out(digest)
        self.set_outdated(False)

    def _show_left_out(self, digest: PlanDigest) -> None:
        n = len(digest.problems)
        asked = f"{counted(n, 'question was', 'questions were')} not answered; they are asked again later." if n else ""
        sentence = " ".join(part for part in (left_out_sentence(digest.left_out), asked) if part)
        problems = tuple(Group(f"✕ {problem}") for problem in digest.problems)
        groups = (*problems, *left_out_groups(digest.left_out, self._labels))
        self.left_out.setText(sentence)
        self.log_in.setVisible(any(one.proprietary for one in digest.left_out))
        self._left_out_line.setVisible(bool(sentence))
        self.list.show_groups(groups)
        self.list.setVisible(bool(groups))

    def set_outdated(self, outdated: bool) -> None:
        self.outdated.setVisible(outdated)
        for widget in (self.headline, self.disk, self.table, self.left_out, self.list):
            widget.setEnabled(not outdated)


def _cells(line: PlanLine) -> tuple[str, ...]:
    numbers = (count_text(number) if number else "–" for number in (line.n_here, line.n_unknown))
    return line.mission, line.kind, count_text(line.n_observations), count_text(line.n_files), line.size, *numbers
