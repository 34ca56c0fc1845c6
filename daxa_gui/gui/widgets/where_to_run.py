"""« Where to run »: this machine, a Dask cluster, or Slurm; chosen for the open archive, and checked before it is used."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.finding import Finding
from daxa_gui.core.finding_text import headline
from daxa_gui.gui.context import Context
from daxa_gui.gui.widgets.findings import FindingsView
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.growing import grow
from daxa_gui.gui.widgets.long_work import LongWork
from daxa_gui.session import Session

LOCAL, DASK, SLURM = "local", "dask", "slurm"


def executor_label(executor: str) -> str:
    """« this machine », « Dask cluster tcp://… », « Slurm »."""
    kind, _, address = executor.partition("=")
    if kind == DASK:
        return f"Dask cluster {address}".rstrip()
    return {LOCAL: "this machine", SLURM: "Slurm", "": "this machine"}.get(kind, executor)


class WhereToRunDialog(QDialog):
    """Emits `chosen` with the text of the executor once the archive uses it."""

    chosen = Signal(str)

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.setObjectName("whereToRunDialog")
        self.setWindowTitle("Where to run")
        self._build()
        self.resize(self.fontMetrics().averageCharWidth() * 96, 10)
        grow(self)
        self._context.background.read(self, "executor", session.executor, self._on_executor_read, self._on_error)
        self._refresh()

    def _build(self) -> None:
        words = "The jobs of this archive run there. It is kept with the archive; jobs that run already go on where they are."
        intro = muted_label(words, self)
        self.local = self._radio("runHere", "&This machine", "Jobs run on this machine's cores")
        self.dask = self._radio("runOnDask", "&Dask cluster at", "Jobs run on the workers of a cluster that is there already")
        self.slurm = self._radio("runOnSlurm", "&Slurm", "Workers are started as Slurm jobs when there is work, and end after it")
        self._group = QButtonGroup(self)
        for button in (self.local, self.dask, self.slurm):
            self._group.addButton(button)
        self.address = QLineEdit(self)
        self.address.setObjectName("daskAddress")
        self.address.setAccessibleName("Address of the Dask scheduler")
        self.address.setPlaceholderText("tcp://host:8786 or tls://host:8786")
        self.address.setToolTip("As the scheduler prints it when it starts")
        row = QHBoxLayout()
        row.addWidget(self.dask)
        row.addWidget(self.address, 1)
        note = muted_label("The folder of the archive has to be the same on every machine that takes part.", self)
        self.check_button = QPushButton("Chec&k", self)
        self.check_button.setObjectName("checkExecutor")
        self.check_button.setToolTip("Run a small job there: is the folder shared, does the software answer")
        self.settings_button = QPushButton("Certificates and &queue…", self)
        self.settings_button.setObjectName("executorSettings")
        self.settings_button.setToolTip("Settings: files for TLS, partition and size of Slurm jobs")
        for push in (self.check_button, self.settings_button):
            push.setAutoDefault(False)
        actions = QHBoxLayout()
        actions.addWidget(self.check_button)
        actions.addWidget(self.settings_button)
        actions.addStretch(1)
        self.work = LongWork("checkWork", self)
        self.complaint = problem_label(self)
        self.complaint.setObjectName("executorComplaint")
        self.sentence = QLabel(self)
        self.sentence.setObjectName("checkSentence")
        self.sentence.setWordWrap(True)
        self.sentence.hide()
        self.view = FindingsView(self._context, self)
        self.view.setMinimumHeight(12 * self.fontMetrics().lineSpacing())
        self.view.hide()  # until something is found
        layout = QVBoxLayout(self)
        layout.addWidget(intro)
        layout.addWidget(self.local)
        layout.addLayout(row)
        layout.addWidget(self.slurm)
        layout.addWidget(note)
        layout.addLayout(actions)
        for widget in (self.work, self.complaint, self.sentence):
            layout.addWidget(widget)
        layout.addWidget(self.view, 1)
        layout.addStretch()
        layout.addWidget(self._build_buttons())
        self._group.buttonToggled.connect(lambda _button, _on: self._refresh())
        self.address.textChanged.connect(lambda _text: self._refresh())
        self.check_button.clicked.connect(lambda _checked=False: self._on_check())
        self.settings_button.clicked.connect(lambda _checked=False: self._context.ask_settings("Cluster"))
        self.work.finished.connect(self._refresh)
        self.finished.connect(lambda _result: self.work.stop())

    def _radio(self, name: str, text: str, tip: str) -> QRadioButton:
        button = QRadioButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        return button

    def _build_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.use_button = buttons.addButton("&Use this", QDialogButtonBox.ButtonRole.AcceptRole)
        self.use_button.setObjectName("useExecutor")
        self.use_button.setToolTip("Run the jobs of this archive there from now on")
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("executorCancel")
        cancel.setToolTip("Change nothing (Escape)")
        buttons.accepted.connect(self._on_use)
        buttons.rejected.connect(self.reject)
        return buttons

    def executor(self) -> str:
        """As `Session.set_executor` takes it."""
        if self.slurm.isChecked():
            return SLURM
        return f"{DASK}={self.address.text().strip()}" if self.dask.isChecked() else LOCAL

    def _on_executor_read(self, executor: str) -> None:
        kind, _, address = executor.partition("=")
        self.address.setText(address)
        {DASK: self.dask, SLURM: self.slurm}.get(kind, self.local).setChecked(True)

    def _refresh(self) -> None:
        self.address.setEnabled(self.dask.isChecked())
        complete = self._group.checkedButton() is not None and not (self.dask.isChecked() and not self.address.text().strip())
        self.check_button.setEnabled(complete and not self.work.is_running)
        self.use_button.setEnabled(complete)

    def _on_check(self) -> None:
        executor, check = self.executor(), self._session.check_executor
        show_problem(self.complaint, "")
        self._say("")
        self.view.show_findings(())
        self.check_button.setEnabled(False)
        self.work.run(lambda _progress, _cancelled: check(executor), self._on_checked, self._on_error)

    def _on_checked(self, findings: list[Finding]) -> None:
        self.view.show_findings(findings)
        self.view.setVisible(bool(findings))
        self._say(headline(findings))

    def _say(self, sentence: str) -> None:
        self.sentence.setText(sentence)
        self.sentence.setVisible(bool(sentence))
        grow(self)

    def _on_error(self, error: DaxaError) -> None:
        show_problem(self.complaint, str(error))
        grow(self)

    def _on_use(self) -> None:
        executor = self.executor()
        use = self._session.set_executor
        self._context.background.act(
            self, "Where to run", lambda: use(executor), lambda _: self._on_used(executor), self._on_error
        )

    def _on_used(self, executor: str) -> None:
        self.chosen.emit(executor)
        self.accept()
