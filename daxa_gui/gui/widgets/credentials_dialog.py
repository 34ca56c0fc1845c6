"""Names, passwords and keys for data that are not public: entered here, kept by the session, never shown again."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.credential import CREDENTIAL_SERVICES, LONGEST, CredentialService, KeptIn, credential_service
from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.texts import unbroken
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.session import Session

_STATES = {
    KeptIn.KEY_RING: "✓ Kept in the system's key ring.",
    KeptIn.THIS_RUN: "✓ Kept until this program ends, and nowhere else: the system's key ring cannot be used.",
    KeptIn.NOWHERE: "None.",
}
_ASKING = "The key ring is being asked …"


class _Answers(QObject):
    """Brings answers of threads to the window's. One for the whole program, so that it outlives every dialog."""

    arrived = Signal(int, object, object)


_answers: list[_Answers] = []


class CredentialsDialog(QDialog):
    """One box per service. The key ring is never asked on the window's thread: it may take a minute, or ask to be unlocked.

    Parameters
    ----------
    service : show only this one; all of them if empty.

    `changed` tells the name of a service whose credentials were saved or forgotten.
    """

    changed = Signal(str)
    _numbers = itertools.count()

    def __init__(self, session: Session, service: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("credentialsDialog")
        self.setWindowTitle("Credentials")
        self._session = session
        self._waiting: dict[int, tuple[Callable[[Any], None], Callable[[DaxaError], None]]] = {}
        if not _answers:
            _answers.append(_Answers())
        _answers[0].arrived.connect(self._on_answer)
        shown = [credential_service(service)] if service else list(CREDENTIAL_SERVICES.values())
        self.boxes = {one.name: CredentialBox(one, self) for one in shown}
        self.problem = problem_label(self)
        self.problem.setObjectName("credentialsProblem")
        self._build()
        for box in self.boxes.values():
            box.save_requested.connect(self._save)
            box.forget_requested.connect(self._forget)
        self.refresh()

    def _build(self) -> None:
        self._body = QWidget()
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(10)
        column.addWidget(
            muted_label(
                "For data that are not public yet. What you enter goes into the key ring of this system, is sent over protected "
                "connections only, and is not shown again.",
                self._body,
            )
        )
        for box in self.boxes.values():
            column.addWidget(box)
        column.addWidget(self.problem)
        column.addStretch(1)
        area = QScrollArea(self)  # at large scales the boxes are higher than some screens
        area.setObjectName("credentialsArea")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(self._body)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(area, 1)
        self._buttons = self._close_button()
        layout.addWidget(self._buttons)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 84)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._grow()

    def _grow(self) -> None:
        """As high as the words need, as far as the screen allows."""
        column, outside = self._body.layout(), self.layout()
        if column is None or outside is None:
            return
        margins = outside.contentsMargins()
        width = self.width() - margins.left() - margins.right()
        around = margins.top() + margins.bottom() + outside.spacing() + self._buttons.sizeHint().height()
        wanted = column.totalHeightForWidth(width) + around + self.fontMetrics().height()
        most = int(self.screen().availableGeometry().height() * 0.9)
        if self.height() < min(wanted, most):
            self.resize(self.width(), min(wanted, most))

    def _close_button(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("credentialsClose")
        close.setToolTip("Close this window (Escape)")
        close.setAutoDefault(False)
        buttons.rejected.connect(self.reject)
        return buttons

    def refresh(self) -> None:
        """Ask anew where credentials are."""
        for box in self.boxes.values():
            box.say(_ASKING)
        self._ask(self._session.credential_names, self._on_names, self._on_no_names)

    def _on_names(self, names: Mapping[str, str]) -> None:
        for name, box in self.boxes.items():
            box.show_state(KeptIn(names.get(name, "")))
        self._grow()

    def _on_no_names(self, error: DaxaError) -> None:
        show_problem(self.problem, str(error))
        for box in self.boxes.values():
            box.show_state(KeptIn.NOWHERE)

    def _save(self, name: str, user: str, secret: str) -> None:
        self._change(name, lambda: self._session.set_credentials(name, user, secret), clear=True)

    def _forget(self, name: str) -> None:
        self._change(name, lambda: self._session.forget_credentials(name), clear=False)

    def _change(self, name: str, change: Callable[[], str | None], *, clear: bool) -> None:
        box = self.boxes[name]
        box.set_busy(True)

        def work() -> tuple[str, Mapping[str, str]]:
            return change() or "", self._session.credential_names()

        def done(answer: tuple[str, Mapping[str, str]]) -> None:
            sentence, names = answer
            box.set_busy(False)
            if clear:
                box.clear()
            box.show_state(KeptIn(names.get(name, "")), sentence)
            self._grow()
            self.changed.emit(name)

        def failed(error: DaxaError) -> None:
            box.set_busy(False)
            box.show_state(box.where)
            box.show_problem(str(error))
            self._grow()

        self._ask(work, done, failed)

    def _ask(self, function: Callable[[], Any], on_done: Callable[[Any], None], on_error: Callable[[DaxaError], None]) -> None:
        """Run on a thread that nobody waits for, not even the end of the program."""
        number, answers = next(self._numbers), _answers[0]
        self._waiting[number] = on_done, on_error

        def work() -> None:
            try:
                answers.arrived.emit(number, function(), None)
            except DaxaError as error:
                answers.arrived.emit(number, None, error)

        threading.Thread(target=work, name="credentials", daemon=True).start()

    def _on_answer(self, number: int, result: Any, error: DaxaError | None) -> None:
        on_done, on_error = self._waiting.pop(number, (None, None))
        if error is None and on_done is not None:
            on_done(result)
        elif error is not None and on_error is not None:
            on_error(error)


class CredentialBox(QGroupBox):
    """The entries of one service, and where its credentials are."""

    save_requested = Signal(str, str, str)  # service, user name, secret
    forget_requested = Signal(str)

    def __init__(self, service: CredentialService, parent: QWidget) -> None:
        super().__init__(service.label, parent)
        self.setObjectName(f"credentials_{service.name}")
        self.service = service
        self.where = KeptIn.NOWHERE
        self._had_focus = False
        self.state = QLabel(_ASKING, self)
        self.state.setObjectName(f"credentialState_{service.name}")
        self.state.setWordWrap(True)
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.user = self._entry("user", service.user_label) if service.user_label else None
        self.secret = self._entry("secret", service.secret_label)
        self.secret.setEchoMode(QLineEdit.EchoMode.Password)  # in this mode Qt gives nothing to the clipboard
        hints = Qt.InputMethodHint
        self.secret.setInputMethodHints(hints.ImhHiddenText | hints.ImhSensitiveData | hints.ImhNoPredictiveText)
        self.problem = problem_label(self)
        self.problem.setObjectName(f"credentialProblem_{service.name}")
        self.save = self._button("Save", "save", f"Keep the credentials of {service.label}")
        self.forget = self._button("Forget", "forget", f"Remove the credentials of {service.label}")
        self.forget.setEnabled(False)
        self.save.clicked.connect(self._on_save)
        self.forget.clicked.connect(lambda: self.forget_requested.emit(service.name))
        self._build()
        self._on_edited()

    def _entry(self, name: str, label: str) -> QLineEdit:
        entry = QLineEdit(self)
        entry.setObjectName(f"{name}_{self.service.name}")
        entry.setAccessibleName(f"{label}, {self.service.label}")
        entry.setToolTip(self.service.help)
        entry.setMaxLength(LONGEST + 1)
        entry.textEdited.connect(lambda _text: self._on_edited())
        entry.returnPressed.connect(self._on_save)
        return entry

    def _button(self, text: str, name: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(f"{name}_{self.service.name}")
        button.setAccessibleName(f"{text}: {self.service.label}")
        button.setToolTip(tip)
        button.setAutoDefault(False)
        return button

    def _build(self) -> None:
        grid = QGridLayout(self)
        grid.setColumnStretch(1, 1)
        grid.setVerticalSpacing(4)
        grid.addWidget(muted_label(unbroken(self.service.help), self), 0, 0, 1, 2)
        grid.addWidget(self.state, 1, 0, 1, 2)
        entries = ((self.service.user_label, self.user), (self.service.secret_label, self.secret))
        for label, entry in entries:
            if entry is not None:
                title = QLabel(label, self)
                title.setBuddy(entry)
                row = grid.rowCount()
                grid.addWidget(title, row, 0)
                grid.addWidget(entry, row, 1)
        row = grid.rowCount()
        grid.addWidget(self.problem, row, 0, 1, 2)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.save)
        buttons.addWidget(self.forget)
        grid.addLayout(buttons, row + 1, 0, 1, 2)

    def _filled(self) -> bool:
        return bool(self.secret.text().strip()) and (self.user is None or bool(self.user.text().strip()))

    def _on_edited(self) -> None:
        self.save.setEnabled(self._filled())
        show_problem(self.problem, "")

    def _on_save(self) -> None:
        if self.save.isEnabled():
            self.save_requested.emit(self.service.name, self.user.text() if self.user else "", self.secret.text())

    def say(self, sentence: str) -> None:
        self.state.setText(sentence)

    def show_state(self, where: KeptIn, sentence: str = "") -> None:
        """Where the credentials are; `sentence` is what was just done."""
        mark = "✓ " if sentence and where is not KeptIn.NOWHERE else ""
        self.where = where
        self.say(f"{mark}{sentence}" if sentence else _STATES[where])
        self.forget.setEnabled(where is not KeptIn.NOWHERE)

    def show_problem(self, sentence: str) -> None:
        show_problem(self.problem, sentence)

    def clear(self) -> None:
        """The secret does not stay in the window once it is kept."""
        for entry in filter(None, (self.user, self.secret)):
            entry.clear()
        self._on_edited()

    def set_busy(self, busy: bool) -> None:
        if busy:
            self._had_focus = self.isAncestorOf(self.window().focusWidget())
            self.say(_ASKING)
        for widget in filter(None, (self.user, self.secret, self.save, self.forget)):
            widget.setEnabled(not busy)
        if not busy:
            self._on_edited()
            if self._had_focus:
                (self.user or self.secret).setFocus()
