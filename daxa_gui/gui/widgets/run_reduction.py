"""« Run… »: choose a pipeline or steps, data and parameters, see what would be done and the exact commands, and run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.reduction_plan import ReductionOrder, ReductionPlan, RunOptions, ShownCommand
from daxa_gui.core.software import SoftwareStatus
from daxa_gui.core.step import Pipeline
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.processing import SOFTWARE
from daxa_gui.gui.texts import counted
from daxa_gui.gui.widgets.doctor_dialog import DoctorDialog
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.growing import grow, height_needed
from daxa_gui.gui.widgets.run_choice import Present, Preset, RunChoice
from daxa_gui.gui.widgets.run_preview import MOST_COMMANDS, RunPreview
from daxa_gui.gui.widgets.where_to_run import WhereToRunDialog, executor_label
from daxa_gui.session import Session

_PAUSE_MS = 200
MOST_COPIED = 5_000_000  # characters of a script in the clipboard


@dataclass(frozen=True)
class _Facts:
    """What the dialog has to know before anything can be chosen; read on a pool thread."""

    pipelines: tuple[Pipeline, ...]
    missions: tuple[str, ...]
    options: RunOptions
    executor: str
    present: Present


class RunReductionDialog(QDialog):
    """Emits what to run and how; whoever opened it starts it."""

    run_requested = Signal(object, object)  # ReductionOrder, RunOptions

    def __init__(self, session: Session, context: Context, preset: Preset | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._preset = preset or Preset()
        self._missing: Mapping[str, str] = {}
        self._plan: ReductionPlan | None = None
        self._commands_for: ReductionOrder | None = None
        self.choice: RunChoice | None = None
        self.setWindowTitle("Run steps" if self._preset.steps or not self._preset.pipeline else "Run a pipeline")
        self.setObjectName("runReductionDialog")
        letters, lines = self.fontMetrics().averageCharWidth(), self.fontMetrics().height()
        self.resize(max(1060, 118 * letters), max(680, 30 * lines))
        self._build()
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        context.background.read(self, "facts", self._read_facts, self._on_facts_read, self._on_error)
        context.background.read(self, "software", session.software, self._on_software_read, self._on_error)

    # ---- what it looks like

    def _build(self) -> None:
        self.preview = RunPreview(self._session.mission_labels(), self)
        self.preview.show_plan(None, "Looking at the archive …")
        self.preview.commands_wanted.connect(self._ask_commands)
        self.preview.commands.script_wanted.connect(self._on_script_wanted)
        self.preview.commands.show_commands(())
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.addWidget(self.preview)
        self._splitter.setChildrenCollapsible(False)
        self.complaint = problem_label(self)
        self.complaint.setObjectName("runProblem")
        layout = QVBoxLayout(self)
        layout.addWidget(self._splitter, 1)
        layout.addWidget(self.complaint)
        layout.addLayout(self._build_lacking())
        layout.addLayout(self._build_bottom())

    def _build_lacking(self) -> QHBoxLayout:
        self.lacking = QLabel(self)
        self.lacking.setObjectName("runLacking")
        self.lacking.setWordWrap(True)
        self.lacking.setTextFormat(Qt.TextFormat.PlainText)
        self.doctor_button = QPushButton("Docto&r…", self)
        self.doctor_button.setObjectName("runDoctor")
        self.doctor_button.setAutoDefault(False)
        self.doctor_button.setToolTip("Check the software, calibration and disks that these steps need")
        self.doctor_button.clicked.connect(lambda _checked=False: self._on_doctor())
        row = QHBoxLayout()
        row.addWidget(self.lacking, 1)
        row.addStretch()  # while nothing is lacking, the button stays where it is
        row.addWidget(self.doctor_button)
        return row

    def _build_bottom(self) -> QHBoxLayout:
        self.executor = muted_label("", self)
        self.executor.setObjectName("runExecutor")
        self.where_button = QPushButton("Where to r&un…", self)
        self.where_button.setObjectName("runWhere")
        self.where_button.setAutoDefault(False)
        self.where_button.setToolTip("Choose this machine, a Dask cluster or Slurm")
        self.where_button.clicked.connect(lambda _checked=False: self._on_where())
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.run_button = buttons.addButton("Run", QDialogButtonBox.ButtonRole.AcceptRole)
        self.run_button.setObjectName("runNow")
        self.run_button.setToolTip("Run this now; what is done already with the same parameters stays as it is")
        self.run_button.setDefault(True)
        self.run_button.setEnabled(False)
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("runCancel")
        cancel.setToolTip("Run nothing (Escape)")
        buttons.accepted.connect(self._on_run)
        buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        row.addWidget(self.where_button)
        row.addWidget(self.executor, 1)
        row.addWidget(buttons)
        return row

    # ---- what is read

    def _read_facts(self) -> _Facts:
        missions = tuple(dict.fromkeys(observation.mission for observation in self._session.observations()))
        session = self._session
        present = {mission: session.present_parameters(mission) for mission in missions}
        return _Facts(session.pipelines(), missions, session.run_options(), session.executor(), present)

    def _on_facts_read(self, facts: _Facts) -> None:
        labels = self._session.mission_labels()
        steps = self._session.steps()
        self.choice = choice = RunChoice(
            facts.pipelines, steps, labels, facts.missions, self._preset, facts.options, self, facts.present
        )
        self._splitter.insertWidget(0, choice)
        self._splitter.setSizes([470, 560])
        choice.changed.connect(self._on_choice_changed)
        self._show_executor(facts.executor)
        choice.set_software(self._missing)
        if self._preset.show_commands:
            self.preview.setCurrentWidget(self.preview.commands)
        choice.what.setFocus()
        self._on_choice_changed()

    def _on_software_read(self, found: Sequence[SoftwareStatus]) -> None:
        self._missing = {status.name: status.message for status in found if not status.found}
        if self.choice is not None:
            self.choice.set_software(self._missing)
            self._show_lacking()

    def _show_executor(self, executor: str) -> None:
        self.executor.setText(f"Runs on {executor_label(executor)}.")

    def _show_lacking(self) -> None:
        assert self.choice is not None
        lacks = [self._missing[name] for name in self.choice.software() if name in self._missing]
        self.lacking.setText("\n".join(f"▲ {sentence}" for sentence in lacks))
        self.lacking.setVisible(bool(lacks))
        self.doctor_button.setVisible(bool(self.choice.software()))

    def _on_choice_changed(self) -> None:
        assert self.choice is not None
        self._show_lacking()
        self._plan = None
        self._commands_for = None
        self._context.background.forget(self, "plan")
        self._context.background.forget(self, "commands")
        self.run_button.setEnabled(False)
        self._pause.start()
        self._grow()

    def _grow(self) -> None:
        """Higher, where a sentence would be painted over what stands below it. A splitter does not ask its parts for that."""
        assert self.choice is not None
        grow(self)
        missing_px = height_needed(self.choice) - self.choice.height()
        if missing_px > 0 and self.isVisible():
            self.resize(self.width(), self.height() + missing_px)

    def _order(self) -> ReductionOrder | None:
        """None, and a sentence, while something cannot be read or is missing."""
        assert self.choice is not None
        problem = self.choice.problem()
        if not problem:
            try:
                return self.choice.order()
            except InputError as error:
                problem = error.message
        self.run_button.setText("Run")
        self.preview.show_plan(None, "Nothing would run with these entries.")
        self.preview.commands.show_commands((), "Nothing would run with these entries.")
        show_problem(self.complaint, problem if self.choice.names() else "")  # that none is ticked stands below the steps
        self._grow()
        return None

    def _ask(self) -> None:
        order = self._order()
        if order is None:
            return
        show_problem(self.complaint, "")
        plan = self._session.plan_reduction
        self._context.background.read(self, "plan", lambda: plan(order), self._on_planned, self._on_plan_error)
        if self.preview.shows_commands:
            self._ask_commands()

    def _on_planned(self, plan: ReductionPlan) -> None:
        assert self.choice is not None
        self._plan = plan
        self.preview.show_plan(plan)
        self.choice.show_configuration(any(step.replaced for step in plan.steps))
        runs = bool(plan.n_jobs or any(step.unknown for step in plan.steps))
        self.run_button.setEnabled(runs)
        self.run_button.setText(f"Run {counted(plan.n_jobs, 'job', 'jobs')}" if plan.n_jobs else "Run")
        self._grow()

    def _on_plan_error(self, error: DaxaError) -> None:
        self._plan = None
        self.preview.show_plan(None, "Nothing would run.")
        self._on_error(error)

    def _on_error(self, error: DaxaError) -> None:
        show_problem(self.complaint, str(error))
        grow(self)

    # ---- commands

    def _ask_commands(self) -> None:
        if self.choice is None:
            return
        order = self._order()
        if order is None or order == self._commands_for:
            return
        self._commands_for = order
        self.preview.commands.show_commands((), "Looking …")
        read, commands, describe = self._context.background.read, self._session.commands, self._session.describe_builtin
        if self.choice.software():
            read(self, "commands", lambda: commands(order, MOST_COMMANDS), self._on_commands, self._on_commands_error)
        else:
            read(self, "commands", lambda: describe(order), self._on_tasks, self._on_commands_error)

    def _on_commands(self, commands: list[ShownCommand]) -> None:
        self.preview.commands.show_commands(commands, "" if commands else "No command would run.")

    def _on_tasks(self, lines: list[str]) -> None:
        self.preview.commands.show_tasks(lines)

    def _on_commands_error(self, error: DaxaError) -> None:
        self.preview.commands.show_commands((), f"✕ {error}")

    def _on_script_wanted(self, where: Path | Callable[[str], Any]) -> None:
        order = self._order()
        if order is None:
            return
        session, background = self._session, self._context.background
        if isinstance(where, Path):
            background.act(self, "Save script", lambda: session.save_script(order, where), None, self._on_error)
        else:
            background.read(self, "script", lambda: session.shell_script(order, MOST_COPIED), where, self._on_error)

    # ---- what the buttons do

    def _on_doctor(self) -> None:
        assert self.choice is not None
        steps, doctor = self.choice.names(), self._session.doctor
        names = ", ".join(SOFTWARE.get(name, name) for name in self.choice.software())
        title = f"Doctor: {names}" if names else "Doctor"
        dialog = DoctorDialog(title, lambda progress, stop: doctor(steps, progress, stop), self._context, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _on_where(self) -> None:
        dialog = WhereToRunDialog(self._session, self._context, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self._show_executor)
        dialog.open()

    def _on_run(self) -> None:
        assert self.choice is not None
        order = self._order()
        if order is None or self._plan is None:
            return
        self.run_requested.emit(order, self.choice.run_options())
        self.accept()
