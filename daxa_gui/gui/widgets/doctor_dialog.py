"""What the Doctor found, under what it is about, the worst first; what to do about the chosen one below."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QKeySequence, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.finding_text import by_subject, finding_text, headline, worst
from daxa_gui.core.step import Step
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import unbroken
from daxa_gui.gui.theme import as_heading
from daxa_gui.gui.widgets.long_work import LongWork, Progress
from daxa_gui.gui.widgets.state_painter import state_colour, state_mark

Check = Callable[[Progress, Callable[[], bool]], Sequence[Finding]]
_LOOKS = {Grade.FAULT: ("failed", "Fault"), Grade.ADVICE: ("warned", "Advice"), Grade.GOOD: ("done", "Good")}
_FINDING = Qt.ItemDataRole.UserRole
_SOFTWARE_GROUP = "Software"


class DoctorDialog(QDialog):
    """Looks when it is shown, with its progress and a way to stop it; then again as often as one likes.

    Parameters
    ----------
    check : called with (progress, cancelled) on a pool thread; `Session.doctor` for some steps.
    """

    def __init__(self, title: str, check: Check, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("doctorDialog")
        self.setWindowTitle(title)
        self._check, self._context = check, context
        self._begun = False
        self._steps: Mapping[str, Step] = {}
        self.findings: tuple[Finding, ...] = ()
        self.sentence = QLabel(self)
        self.sentence.setObjectName("doctorSentence")
        self.sentence.setWordWrap(True)
        as_heading(self.sentence)
        self.work = LongWork("doctorWork", self)
        self.tree = self._make_tree()
        self.details = self._make_details()
        self.buttons = self._make_buttons()
        self._build()
        self.tree.currentItemChanged.connect(lambda _now, _before: self._show_details())
        self.work.finished.connect(lambda: self.again_button.setEnabled(True))
        self.work.stopped.connect(lambda: self.sentence.setText("Stopped before the end; nothing is known yet."))
        self.finished.connect(lambda _result: self.work.stop())
        context.theme_changed.connect(lambda _theme: self._paint())

    # ---- making

    def _make_tree(self) -> QTreeWidget:
        tree = QTreeWidget(self)
        tree.setObjectName("doctorFindings")
        tree.setAccessibleName("What was found")
        tree.setToolTip("Choose a line to read what to do about it (arrow keys)")
        tree.setHeaderLabels(["About", "What was found"])
        tree.setColumnCount(2)
        tree.setUniformRowHeights(True)
        tree.setIconSize(QSize(16, 16))
        tree.setAllColumnsShowFocus(True)
        tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        tree.header().setStretchLastSection(True)
        return tree

    def _make_details(self) -> QTextBrowser:
        details = QTextBrowser(self)
        details.setObjectName("doctorDetails")
        details.setAccessibleName("What to do")
        details.setToolTip("The chosen finding, what to do about it, and the steps that it stops")
        details.setTabChangesFocus(True)
        details.setOpenLinks(False)
        return details

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("doctorClose")
        close.setToolTip("Close this window (Escape)")
        role = QDialogButtonBox.ButtonRole.ActionRole
        self.again_button = _button(buttons.addButton("Check a&gain", role), "doctorAgain",
                                    "Look once more, after something was put right (F5)")  # fmt: skip
        self.again_button.setShortcut(QKeySequence(QKeySequence.StandardKey.Refresh))
        self.copy_button = _button(buttons.addButton("Copy &all", role), "doctorCopy",
                                   "Copy everything that was found, for whoever looks after this machine")  # fmt: skip
        self.settings_button = _button(buttons.addButton("&Settings…", role), "doctorSettings",
                                       "Choose where software and calibration are")  # fmt: skip
        self.again_button.clicked.connect(self.check)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(finding_text(self.findings)))
        self.settings_button.clicked.connect(lambda: self._context.ask_settings(_SOFTWARE_GROUP))
        buttons.rejected.connect(self.reject)
        return buttons

    def _build(self) -> None:
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.addWidget(self.tree)
        split.addWidget(self.details)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 2)
        split.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.addWidget(self.sentence)
        layout.addWidget(self.work)
        layout.addWidget(split, 1)
        layout.addWidget(self.buttons)
        metrics = self.fontMetrics()
        self.resize(metrics.averageCharWidth() * 120, metrics.height() * 34)
        self.setTabOrder(self.tree, self.details)
        self.setTabOrder(self.details, self.again_button)

    # ---- looking

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._begun:
            self._begun = True
            self.tree.setFocus()
            self.check()

    def check(self) -> None:
        """Look (again); what was found before goes away, it may not be true any more."""
        self._show(())
        self.sentence.setText("Looking at software, calibration, folders and the system …")
        self.details.setPlainText("")
        for button in (self.again_button, self.copy_button):
            button.setEnabled(False)
        session = self._context.session

        def look(progress: Progress, cancelled: Callable[[], bool]) -> tuple[Sequence[Finding], tuple[Step, ...]]:
            return self._check(progress, cancelled), session.steps()

        self.work.run(look, self._on_found, self._on_error)

    def _on_found(self, answer: tuple[Sequence[Finding], tuple[Step, ...]]) -> None:
        findings, steps = answer
        self._steps = {step.name: step for step in steps}
        self._show(findings)
        self.sentence.setText(headline(self.findings))
        self.copy_button.setEnabled(bool(self.findings))

    def _on_error(self, error: DaxaError) -> None:
        self.sentence.setText(f"✕ {unbroken(str(error))}")

    # ---- what is shown

    def _show(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        self.tree.clear()
        first: tuple[QTreeWidgetItem, QTreeWidgetItem] | None = None
        for subject, several in _worst_first(self.findings):
            grade = worst(several)
            heading = QTreeWidgetItem(self.tree, [subject, _counts(several)])
            heading.setData(0, _FINDING, grade)
            for one in several:
                item = QTreeWidgetItem(heading, [_LOOKS[one.grade][1], " ".join(one.text.split())])
                item.setData(0, _FINDING, one)
                item.setToolTip(1, one.text)
                item.setData(1, Qt.ItemDataRole.AccessibleTextRole, " ".join(filter(None, (one.text, one.fix))))
                first = first or (heading, item)
            heading.setExpanded(grade is not Grade.GOOD)
        self._paint()
        if first is not None:
            self.tree.setCurrentItem(first[1] if first[0].isExpanded() else first[0])

    def _paint(self) -> None:
        """Marks in the colours of the theme; each grade has a shape and a word besides."""
        theme, ratio = self._context.theme, self.devicePixelRatioF()
        for number in range(self.tree.topLevelItemCount()):
            heading = self.tree.topLevelItem(number)
            below = [heading.child(row) for row in range(heading.childCount())] if heading is not None else []
            for item in (heading, *below):
                if item is not None:
                    told = item.data(0, _FINDING)
                    word = _LOOKS[told.grade if isinstance(told, Finding) else Grade(told)][0]
                    icon = QIcon(state_mark(word, state_colour(word, theme), ratio))
                    icon.addPixmap(state_mark(word, theme.accent_text, ratio), QIcon.Mode.Selected)
                    item.setIcon(0, icon)
        self._show_details()

    def _show_details(self) -> None:
        item = self.tree.currentItem()
        told = item.data(0, _FINDING) if item is not None else None
        if isinstance(told, Finding):
            self.details.setHtml(self._html(told))
        elif item is not None:
            self.details.setPlainText(f"{item.text(0)}: {item.text(1)}")
        else:
            self.details.setPlainText("")

    def _html(self, one: Finding) -> str:
        mark, word = _LOOKS[one.grade]
        colour = state_colour(mark, self._context.theme)
        lines = [f'<p><b><span style="color:{colour}">{word}</span> · {_escaped(one.subject)}</b></p><p>{_escaped(one.text)}</p>']
        if one.fix:
            lines.append(f"<p><b>What to do:</b> {_escaped(one.fix)}</p>")
        if one.steps:
            what = "Stops" if one.grade is Grade.FAULT else "About"
            lines.append(f"<p><b>{what}:</b> {_escaped(self._affected(one.steps))}</p>")
        if one.grade is not Grade.GOOD:
            lines.append(f"<p>Code: {_escaped(one.code)}</p>")
        return "".join(lines)

    def _affected(self, names: Sequence[str]) -> str:
        """« Calibration index, … (XMM-Newton) »: the steps by label, the missions of them in brackets."""
        labels = list(dict.fromkeys(self._steps[name].label if name in self._steps else name for name in names))
        known = self._context.session.missions()
        wanted = dict.fromkeys(mission for name in names if name in self._steps for mission in self._steps[name].missions)
        missions = [spec.label for spec in known if spec.name in wanted]
        return ", ".join(labels) + (f" ({', '.join(missions)})" if missions else "")


def _button(button: QPushButton, name: str, tip: str) -> QPushButton:
    button.setObjectName(name)
    button.setToolTip(tip)
    button.setAutoDefault(False)
    return button


def _worst_first(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    order = list(_LOOKS)
    return sorted(by_subject(findings).items(), key=lambda pair: order.index(worst(pair[1])))


def _counts(several: Sequence[Finding]) -> str:
    return headline(several) if worst(several) is not Grade.GOOD else several[0].text if len(several) == 1 else headline(several)


def _escaped(text: str) -> str:
    return html.escape(unbroken(text))
