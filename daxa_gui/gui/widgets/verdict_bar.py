"""What a person says about an exposure: accept, flag, override, with a note."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.exposures import Verdict
from daxa_gui.core.times import MJD_OF_1970, mjd_to_text

MARKS = {"": "", "accepted": "✓", "flagged": "⚑", "overridden": "✎"}


_OVERRIDE = "Use the limits and intervals shown here instead of the automatic ones"


def verdict_text(verdict: Verdict) -> str:
    """« ✓ accepted 2026-11-21 10:15:00 UTC: looks fine », « not looked at yet »."""
    if not verdict.state:
        return "Not looked at yet."
    when = f" {mjd_to_text(MJD_OF_1970 + verdict.time / 86400.0)} UTC" if verdict.time else ""
    note = f": {verdict.note}" if verdict.note else ""
    return f"{MARKS.get(verdict.state, '•')} {verdict.state.capitalize()}{when}{note}"


class VerdictBar(QWidget):
    """Buttons work for exposures of an archive only; « Override… » when something differs from what the archive used."""

    decided = Signal(str, str)  # "accepted" | "flagged" | "", note
    override_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdict = Verdict()
        self.accept = self._button("verdictAccept", "✓ &Accept", "The cleaning is fine (A)", "A")
        self.flag = self._button("verdictFlag", "⚑ Fla&g", "Something is wrong with this exposure; say what in the note (F)", "F")
        self.override = self._button("verdictOverride", "✎ &Override…", _OVERRIDE, "")
        self.clear = self._button("verdictClear", "Clear", "Take the verdict back", "")
        self.note = QLineEdit(self)
        self.note.setObjectName("verdictNote")
        self.note.setAccessibleName("Note on this exposure")
        self.note.setPlaceholderText("Note")
        self.note.setToolTip("Is kept with the verdict")
        self.note.setMaxLength(500)
        self.state = QLabel(self)
        self.state.setObjectName("verdictState")
        self.state.setWordWrap(True)
        self.accept.clicked.connect(lambda: self.decided.emit("accepted", self.note.text().strip()))
        self.flag.clicked.connect(lambda: self.decided.emit("flagged", self.note.text().strip()))
        self.clear.clicked.connect(lambda: self.decided.emit("", ""))
        self.override.clicked.connect(self.override_wanted)
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self.accept, self.flag, self.override):
            row.addWidget(widget)
        row.addWidget(self.note, 1)
        row.addWidget(self.clear)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addWidget(self.state)

    def _button(self, name: str, text: str, tip: str, key: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.setAccessibleName(text.replace("&", "").strip("✓⚑✎… "))
        if key:
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(button.click)
        return button

    def show_verdict(
        self, verdict: Verdict | None, *, changed: bool, cleaned: bool, why_not: str = "", no_override: str = ""
    ) -> None:  # fmt: skip
        """None: not an exposure of an archive (`why_not` says what is shown instead). `no_override`: why there is none."""
        in_archive = verdict is not None
        self.accept.setEnabled(in_archive and cleaned and not changed)
        self.flag.setEnabled(in_archive)
        self.override.setEnabled(in_archive and cleaned and changed and not no_override)
        self.override.setToolTip(no_override or _OVERRIDE)
        self.note.setEnabled(in_archive)
        self.clear.setVisible(verdict is not None and verdict.state in ("accepted", "flagged"))
        if verdict != self._verdict:
            self.note.setText(verdict.note if verdict is not None else "")
        self._verdict = verdict or Verdict()
        self.state.setText(why_not if verdict is None else verdict_text(verdict))
        self.state.setVisible(bool(self.state.text()))


class OverrideDialog(QDialog):
    """Says what the override does and asks for the reason."""

    def __init__(self, what: str, note: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("overrideDialog")
        self.setWindowTitle("Override the automatic cleaning")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        text = QLabel(what, self)
        text.setWordWrap(True)
        text.setMinimumWidth(420)
        self.note = QLineEdit(note, self)
        self.note.setObjectName("overrideNote")
        self.note.setAccessibleName("Reason of the override")
        self.note.setPlaceholderText("Why?")
        self.note.setToolTip("Stands in the history of the products")
        self.note.setMaxLength(500)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.go = buttons.addButton("&Override", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go.setObjectName("overrideGo")
        self.go.setToolTip("Write the good time and run the steps that follow")
        self.go.setDefault(True)
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("overrideCancel")
        cancel.setToolTip("Leave the cleaning as it is (Escape)")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(text)
        layout.addWidget(self.note)
        layout.addWidget(buttons)
