"""« Run step… »: choose a step, fill in the form made from its parameters, see the exact tasks, and run."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.form import Form, fields_of_parameters, muted_label, problem_label, show_problem
from daxa_gui.session import Session

_MOST_SHOWN = 500  # tasks; a longer list would take longer to lay out than anybody reads


class RunStepDialog(QDialog):
    """Emits the names of the steps (one) and the parameters by step."""

    run_requested = Signal(list, dict)

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._steps = session.steps()
        self._form: Form | None = None
        self._lines: list[str] = []
        self.setWindowTitle("Run step")
        self.setObjectName("runStepDialog")
        self.resize(720, 560)
        self._build()
        self.step_box.currentIndexChanged.connect(self._on_step_changed)
        self._on_step_changed()

    def _build(self) -> None:
        self.step_box = QComboBox(self)
        self.step_box.setObjectName("stepBox")
        self.step_box.setAccessibleName("Step")
        self.step_box.setToolTip("The step to run; steps that it needs run before it unless they are done")
        for step in self._steps:
            self.step_box.addItem(step.label, step.name)
        self.help = QLabel(self)
        self.help.setObjectName("stepHelp")
        self.help.setWordWrap(True)
        as_muted(self.help)
        self._place = QVBoxLayout()
        top = QFormLayout()
        top.addRow("&Step", self.step_box)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self.help)
        layout.addLayout(self._place)
        layout.addLayout(self._build_preview(), 1)
        layout.addWidget(self._build_buttons())

    def _build_preview(self) -> QVBoxLayout:
        self.tally = muted_label("", self)
        self.tally.setObjectName("tasksTally")
        self.copy_button = QPushButton("&Copy", self)
        self.copy_button.setObjectName("copyTasks")
        self.copy_button.setToolTip("Copy all tasks to the clipboard")
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText("\n".join(self._lines)))
        self.tasks = QPlainTextEdit(self)
        self.tasks.setObjectName("tasksPreview")
        self.tasks.setAccessibleName("Tasks that would run")
        self.tasks.setReadOnly(True)
        self.tasks.setTabChangesFocus(True)
        self.tasks.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.tasks.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.complaint = problem_label(self)
        self.complaint.setObjectName("stepComplaint")
        head = QHBoxLayout()
        head.addWidget(self.tally, 1)
        head.addWidget(self.copy_button)
        column = QVBoxLayout()
        column.addLayout(head)
        column.addWidget(self.tasks, 1)
        column.addWidget(self.complaint)
        return column

    def _build_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.run_button = buttons.addButton("&Run", QDialogButtonBox.ButtonRole.AcceptRole)
        self.run_button.setObjectName("runStepNow")
        self.run_button.setToolTip("Run these tasks now; what is done already with the same parameters stays as it is")
        self.run_button.setEnabled(False)
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("runStepCancel")
        cancel.setToolTip("Run nothing (Escape)")
        buttons.accepted.connect(self._on_run)
        buttons.rejected.connect(self.reject)
        return buttons

    @property
    def form(self) -> Form:
        """The form of the chosen step."""
        assert self._form is not None
        return self._form

    def _on_step_changed(self) -> None:
        step = self._steps[self.step_box.currentIndex()]
        self.help.setText(step.help if step.parameters else f"{step.help} It has no parameters.")
        if self._form is not None:
            self._place.removeWidget(self._form)
            self._form.hide()
            self._form.deleteLater()
        self._form = Form(fields_of_parameters(step.parameters), parent=self)
        self._form.changed.connect(self._preview)
        self._place.addWidget(self._form)
        before: QWidget = self.step_box
        for name in (parameter.name for parameter in step.parameters):
            QWidget.setTabOrder(before, self._form.entry(name))
            before = self._form.entry(name)
        QWidget.setTabOrder(before, self.copy_button)
        self._preview()

    def _preview(self) -> None:
        step = self.step_box.currentData()
        self.run_button.setEnabled(False)
        if not self.form.is_valid():  # its own lines say why
            self._context.background.forget(self, "describe")
            self._show([])
            self.tally.setText("Nothing would run with these entries.")
            return
        values = self.form.changed_values()
        describe = self._session.describe
        read = self._context.background.read
        read(self, "describe", lambda: describe([step], {step: values}), self._on_described, self._on_error)

    def _on_described(self, lines: list[str]) -> None:
        self._show(lines)
        self.run_button.setEnabled(bool(lines))
        if not lines:
            self.tally.setText("Nothing to run: this step has no exposure to work on yet.")
        else:
            first = f", the first {count_text(_MOST_SHOWN)} of them" if len(lines) > _MOST_SHOWN else ""
            self.tally.setText(f"What would run: {counted(len(lines), 'task', 'tasks')}{first}")

    def _show(self, lines: list[str]) -> None:
        self._lines = lines
        self.tasks.setPlainText("\n".join(lines[:_MOST_SHOWN]))
        self.copy_button.setEnabled(bool(lines))
        show_problem(self.complaint, "")

    def _on_error(self, error: DaxaError) -> None:
        self._show([])
        self.tally.setText("Nothing would run.")
        show_problem(self.complaint, str(error))

    def _on_run(self) -> None:
        step = self.step_box.currentData()
        self.run_requested.emit([step], {step: self.form.changed_values()})
        self.accept()
