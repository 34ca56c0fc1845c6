"""What a check found, worst first, with what to do, as one text: of the probe of a cluster."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtWidgets import QTextBrowser, QWidget

from daxa_gui.core.finding import Finding, Grade
from daxa_gui.gui.context import Context
from daxa_gui.gui.theme import Theme

_ORDER = (Grade.FAULT, Grade.ADVICE, Grade.GOOD)
_MARKS = {Grade.FAULT: ("✕", "Fault"), Grade.ADVICE: ("▲", "Advice"), Grade.GOOD: ("✓", "Good")}


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
