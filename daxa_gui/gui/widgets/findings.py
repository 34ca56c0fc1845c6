"""What a check found, worst first, with what to do: of the doctor and of the probe of a cluster."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QTextBrowser, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import counted
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.long_work import LongWork, Progress

_ORDER = (Grade.FAULT, Grade.ADVICE, Grade.GOOD)
_MARKS = {Grade.FAULT: ("✕", "Fault"), Grade.ADVICE: ("▲", "Advice"), Grade.GOOD: ("✓", "Good")}
Check = Callable[[Progress, Callable[[], bool]], Sequence[Finding]]


def findings_sentence(findings: Sequence[Finding]) -> str:
    """« 2 faults, 1 piece of advice, 14 checks are good. »"""
    faults, advice = (sum(one.grade is grade for one in findings) for grade in (Grade.FAULT, Grade.ADVICE))
    good = len(findings) - faults - advice
    parts = [counted(faults, "fault", "faults")] if faults else []
    parts += [counted(advice, "piece of advice", "pieces of advice")] if advice else []
    parts += [counted(good, "check is good", "checks are good")] if good else []
    return f"{', '.join(parts)}." if parts else "Nothing was checked."


def findings_html(findings: Sequence[Finding], theme: Theme) -> str:
    """Worst first; each with its mark and word, sentence, and what to do."""
    colours = {Grade.FAULT: theme.bad, Grade.ADVICE: theme.warn, Grade.GOOD: theme.good}
    blocks = []
    for one in sorted(findings, key=lambda finding: _ORDER.index(finding.grade)):
        mark, word = _MARKS[one.grade]
        head = f'<span style="color:{colours[one.grade]}">{mark} {word}</span> <b>{html.escape(one.subject)}</b>'
        fix = f"<br><i>What to do:</i> {html.escape(one.fix)}" if one.fix else ""
        stops = f"<br><i>Needed by:</i> {html.escape(', '.join(one.steps))}" if one.steps and one.grade is not Grade.GOOD else ""
        blocks.append(f"<p>{head}<br>{html.escape(one.text)}{fix}{stops}</p>")
    return "".join(blocks)


def findings_text(findings: Sequence[Finding]) -> str:
    """The same as plain text, to be sent to whoever looks after the machine."""
    lines = []
    for one in sorted(findings, key=lambda finding: _ORDER.index(finding.grade)):
        lines.append(f"{_MARKS[one.grade][1].upper()} {one.subject} [{one.code}]: {one.text}")
        lines += [f"    What to do: {one.fix}"] if one.fix else []
    return "\n".join(lines)


class FindingsView(QTextBrowser):
    """Follows the theme."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self.findings: tuple[Finding, ...] = ()
        self.setObjectName("findings")
        self.setAccessibleName("What was found")
        self.setOpenLinks(False)
        self.setTabChangesFocus(True)
        context.theme_changed.connect(lambda _theme: self.show_findings(self.findings))

    def show_findings(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        self.setHtml(findings_html(findings, self._context.theme))


class DoctorDialog(QDialog):
    """Runs a check when it is shown, with its progress; the answer can be copied, and the check done again."""

    def __init__(self, title: str, check: Check, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._check = check
        self.setObjectName("doctorDialog")
        self.setWindowTitle(title)
        self.resize(720, 520)
        self.sentence = QLabel(self)
        self.sentence.setObjectName("findingsSentence")
        self.sentence.setWordWrap(True)
        self.work = LongWork("doctorWork", self)
        self.view = FindingsView(context, self)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("doctorClose")
        close.setToolTip("Close this window (Escape)")
        self.again_button = buttons.addButton("Check a&gain", QDialogButtonBox.ButtonRole.ActionRole)
        self.again_button.setObjectName("doctorAgain")
        self.again_button.setToolTip("Look once more, after something was put right")
        self.copy_button = buttons.addButton("&Copy", QDialogButtonBox.ButtonRole.ActionRole)
        self.copy_button.setObjectName("doctorCopy")
        self.copy_button.setToolTip("Copy everything that was found")
        layout = QVBoxLayout(self)
        for widget in (self.sentence, self.work):
            layout.addWidget(widget)
        layout.addWidget(self.view, 1)
        layout.addWidget(buttons)
        buttons.rejected.connect(self.reject)
        self.again_button.clicked.connect(self.check)
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(findings_text(self.view.findings)))
        self.work.finished.connect(lambda: self.again_button.setEnabled(True))
        self.work.stopped.connect(lambda: self.sentence.setText("The check was stopped."))
        self.finished.connect(lambda _result: self.work.stop())
        self.check()

    def check(self) -> None:
        self.sentence.setText("Looking …")
        self.again_button.setEnabled(False)
        self.copy_button.setEnabled(False)
        self.view.show_findings(())
        self.work.run(self._check, self._on_found, self._on_error)

    def _on_found(self, findings: Sequence[Finding]) -> None:
        self.sentence.setText(findings_sentence(findings))
        self.view.show_findings(findings)
        self.copy_button.setEnabled(bool(findings))

    def _on_error(self, error: DaxaError) -> None:
        self.sentence.setText(f"✕ {error}")
