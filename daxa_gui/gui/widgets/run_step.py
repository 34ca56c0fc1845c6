"""« Run step… »: choose a step, fill in the form made from its parameters, see the exact tasks, and run."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.context import Context
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.form import Form, fields_of_parameters
from daxa_gui.session import Session


class RunStepDialog(QDialog):
    """Emits the names of the steps (one) and the parameters by step."""

    run_requested = Signal(list, dict)

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._form: Form | None = None
        self.setWindowTitle("Run step")
        self.setObjectName("runStepDialog")
        self.resize(640, 560)
        self.step_box = QComboBox(self)
        self.step_box.setObjectName("stepBox")
        self.step_box.setAccessibleName("Step")
        for step in session.steps():
            self.step_box.addItem(step.label, step.name)
        self.help = QLabel(self)
        self.help.setWordWrap(True)
        as_muted(self.help)
        self._place = QVBoxLayout()
        self.tasks = QPlainTextEdit(self)
        self.tasks.setObjectName("tasksPreview")
        self.tasks.setAccessibleName("Tasks that would run")
        self.tasks.setReadOnly(True)
        self.tasks.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.tasks.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.complaint = QLabel(self)
        self.complaint.setObjectName("stepComplaint")
        self.complaint.setWordWrap(True)
        copy = QPushButton("&Copy", self)
        copy.setToolTip("Copy the tasks to the clipboard")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.tasks.toPlainText()))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.run_button = self.buttons.addButton("&Run", QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.accepted.connect(self._on_run)
        self.buttons.rejected.connect(self.reject)
        top = QFormLayout()
        top.addRow("&Step", self.step_box)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.help)
        layout.addLayout(self._place)
        layout.addWidget(QLabel("What would run:", self))
        layout.addWidget(self.tasks, 1)
        layout.addWidget(copy)
        layout.addWidget(self.complaint)
        layout.addWidget(self.buttons)
        self.step_box.currentIndexChanged.connect(self._on_step_changed)
        self._on_step_changed()

    def _on_step_changed(self) -> None:
        step = self._session.steps()[self.step_box.currentIndex()]
        self.help.setText(step.help)
        if self._form is not None:
            self._place.removeWidget(self._form)
            self._form.deleteLater()
        self._form = Form(fields_of_parameters(step.parameters), parent=self)
        self._form.changed.connect(self._preview)
        self._place.addWidget(self._form)
        self._preview()

    def _preview(self) -> None:
        assert self._form is not None
        try:
            step, values = self.step_box.currentData(), self._form.changed_values()
        except DaxaError as error:
            self._complain(error)
            return
        self._context.background.read(
            self, "describe", lambda: self._session.describe([step], {step: values}), self._on_described, self._complain
        )

    def _on_described(self, lines: list[str]) -> None:
        self.complaint.setText("" if lines else "Nothing to run: this step has no exposure to work on yet.")
        self.tasks.setPlainText("\n".join(lines))
        self.run_button.setEnabled(bool(lines))

    def _complain(self, error: DaxaError) -> None:
        self.complaint.setText(f"{error.message} {error.hint}".strip())
        self.run_button.setEnabled(False)

    def _on_run(self) -> None:
        assert self._form is not None
        step = self.step_box.currentData()
        self.run_requested.emit([step], {step: self._form.changed_values()})
        self.accept()
