"""« Why not? »: what each filter says of one observation, and the smallest changes that would let it pass."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.why import Verdict, first_obstacle
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import as_sentence, counted
from daxa_gui.gui.theme import as_heading, as_muted
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.session import Session


class WhyNot(QWidget):
    """A block of the details. The verdicts come from the background; the newest question wins."""

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._shown: tuple[str, str] = ("", "")
        self.verdicts: tuple[Verdict, ...] = ()
        self.heading = QLabel(self)
        self.heading.setObjectName("whyNotHeading")
        self.heading.setWordWrap(True)
        as_heading(self.heading)
        self.each = QToolButton(self)
        self.each.setObjectName("whyNotEach")
        self.each.setText("Each filter")
        self.each.setToolTip("Show or hide what each filter says of this observation")
        self.each.setCheckable(True)
        self.each.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.each.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.each.toggled.connect(self._on_each_toggled)
        self.keep = self._button("whyNotKeep", "Keep this one by hand",
                                 "Let this observation pass whatever the filters say; can be undone", self._on_keep)  # fmt: skip
        self.decide = self._button("whyNotDecide", "Let the filters decide",
                                   "Take it off the lists made by hand; can be undone", self._on_decide)  # fmt: skip
        self._lines = QWidget(self)
        buttons = FlowLayout()  # the details are narrow
        buttons.addWidget(self.keep)
        buttons.addWidget(self.decide)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 4)
        self._box.setSpacing(4)
        self._box.addWidget(self.heading)
        self._box.addLayout(buttons)
        self._box.addWidget(self.each, 0, Qt.AlignmentFlag.AlignLeft)
        self._box.addWidget(self._lines)
        self._on_each_toggled(False)
        self.clear()

    def _button(self, name: str, text: str, tip: str, slot: object) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.clicked.connect(slot)
        return button

    def clear(self) -> None:
        """No observation is looked at."""
        self._context.background.forget(self, "why")
        self._shown = ("", "")
        self._show("", (), 0)

    def show_observation(self, mission: str, obs_id: str) -> None:
        """Ask what the present filters say of an observation."""
        stack = self._context.stack
        if (mission, obs_id) != self._shown:
            self._shown = (mission, obs_id)
            self._show("Asking the filters …", (), 0)
        self._context.background.read(
            self,
            "why",
            lambda: self._session.why(mission, obs_id, stack),
            self._on_verdicts,
            lambda error: self._on_failed(error),
        )

    def _on_failed(self, error: DaxaError) -> None:
        self._show(f"✕ {error}", (), 0)

    def _on_verdicts(self, verdicts: tuple[Verdict, ...]) -> None:
        obstacle = first_obstacle(verdicts)
        applying = counted(len(verdicts), "filter", "filters")
        if not verdicts:
            heading = "No filter applies: it passes."
        elif obstacle is None:
            heading = f"✓ Passes ({applying})"
        else:
            place = verdicts.index(obstacle) + 1
            heading = f"✕ Left out by filter {place} of {len(verdicts)}" if len(verdicts) > 1 else "✕ Left out by the filter"
        self._show(heading, verdicts, len(verdicts))
        self.keep.setVisible(obstacle is not None)
        self.decide.setVisible(self._context.picked(*self._shown) is not None)

    def _show(self, heading: str, verdicts: Sequence[Verdict], number: int) -> None:
        self.verdicts = tuple(verdicts)
        obstacle = first_obstacle(self.verdicts)
        self.heading.setText(heading)
        self.heading.setVisible(bool(heading))
        left_out = obstacle is not None
        self.each.setVisible(number > 0 and not left_out)
        self.keep.setVisible(False)
        self.decide.setVisible(False)
        old, self._lines = self._lines, self._made(verdicts, obstacle)
        self._box.replaceWidget(old, self._lines)
        old.hide()
        old.deleteLater()
        self._order_tabs()
        self._lines.setVisible(left_out or (number > 0 and self.each.isChecked()))

    def _order_tabs(self) -> None:
        """What is made anew would come last in the window; its buttons follow those above them."""
        buttons = [self.keep, self.decide, self.each, *self._lines.findChildren(QPushButton)]
        for before, after in pairwise(buttons):
            QWidget.setTabOrder(before, after)

    def _made(self, verdicts: Sequence[Verdict], obstacle: Verdict | None) -> QWidget:
        body = QWidget(self)
        grid = QGridLayout(body)
        grid.setContentsMargins(0, 0, 6, 0)
        grid.setHorizontalSpacing(6)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        line = 0
        for number, verdict in enumerate(verdicts, 1):
            line = self._add(grid, line, number, verdict, verdict is obstacle)
        return body

    def _add(self, grid: QGridLayout, line: int, number: int, verdict: Verdict, first: bool) -> int:
        """One filter: a sign and a word, its sentence, why not, and what would change that."""
        sign = QLabel("✓" if verdict.passes else "✕")
        sentence = QLabel(f"{number}. {'Passes' if verdict.passes else 'Left out'}: {as_sentence(verdict.sentence)}")
        sentence.setObjectName(f"whyNotVerdict_{verdict.row_id}")
        parts = [sentence]
        if verdict.passes:
            as_muted(sign)
            as_muted(sentence)
        else:
            sign.setForegroundRole(QPalette.ColorRole.BrightText)
            if first:
                as_heading(sentence)
        if verdict.reason:
            reason = as_sentence(verdict.reason).removesuffix(".") + "."
            parts.append(muted_label(reason) if verdict.passes else QLabel(reason))
        if verdict.change is not None:  # otherwise only the button above helps
            parts.append(muted_label(as_sentence(verdict.change_sentence)))
        grid.addWidget(sign, line, 0, Qt.AlignmentFlag.AlignTop)
        for part in parts:
            part.setWordWrap(True)
            part.setTextFormat(Qt.TextFormat.PlainText)
            part.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            grid.addWidget(part, line, 1)
            line += 1
        if verdict.change is not None:
            tip = f"{as_sentence(verdict.change_sentence)} Can be undone."
            change = self._button(
                f"whyNotChange_{verdict.row_id}", "Change this filter", tip, functools.partial(self._on_change, verdict)
            )
            change.setAccessibleName(f"Change filter {number}: {verdict.change_sentence}")
            grid.addWidget(change, line, 1, Qt.AlignmentFlag.AlignLeft)
            line += 1
        grid.setRowMinimumHeight(line, 5)  # some air between the filters
        return line + 1

    # what happens

    def _on_each_toggled(self, on: bool) -> None:
        self.each.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        if first_obstacle(self.verdicts) is None:
            self._lines.setVisible(on and bool(self.verdicts))

    def _on_change(self, verdict: Verdict, _checked: bool = False) -> None:
        stack = self._context.stack
        if verdict.change is not None and any(row.id == verdict.row_id for row in stack.rows):
            self._context.set_stack(stack.replace(verdict.row_id, verdict.change))

    def _on_keep(self) -> None:
        mission, obs_id = self._shown
        if mission:
            self._context.pick(mission, (obs_id,), keep=True)

    def _on_decide(self) -> None:
        mission, obs_id = self._shown
        if mission:
            self._context.unpick(mission, (obs_id,))
