"""What an order would do, step by step, and the exact commands. The right half of « Run… »."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QTabWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.reduction_plan import LeftAside, ReductionPlan, ShownCommand, StepPlan
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import fixed_font
from daxa_gui.gui.widgets.form import muted_label

MOST_COMMANDS = 500
_NAME_LETTERS = 24  # of a step's name, which are seen in any case
_MOST_NAMES = 200  # left aside for one reason
WORK = "{work}"  # stands in commands for the folder in which the job works
_COLUMN_TIPS = (
    "Jobs that are run for the first time",
    "Jobs that are run once more, because something has changed or you ask for it",
    "Jobs that are done already and stay as they are",
    "Observations whose exposures become known on the way",
)
_LONG = 100  # characters; a longer command has a line for each argument


def plan_sentence(plan: ReductionPlan) -> str:
    """« 1 204 jobs: 1 180 new, 24 once more. 300 stay as they are. »"""
    new, again = sum(step.new for step in plan.steps), sum(step.again for step in plan.steps)
    fresh, unknown = sum(step.fresh for step in plan.steps), max((step.unknown for step in plan.steps), default=0)
    sentences = []
    if plan.n_jobs:
        parts = [f"{count_text(new)} new"] if new else []
        parts += [f"{count_text(again)} once more"] if again else []
        sentences.append(f"{counted(plan.n_jobs, 'job', 'jobs')}: {', '.join(parts)}.")
    elif not unknown:
        sentences.append("Nothing to do.")
    if fresh:
        stay = "stays as it is" if fresh == 1 else "stay as they are"
        sentences.append(f"{counted(fresh, 'job is', 'jobs are')} done already and {stay}.")
    if unknown:
        known = "which exposures it has" if unknown == 1 else "which exposures they have"
        sentences.append(f"Of {counted(unknown, 'observation', 'observations')} it becomes known on the way {known}.")
    if plan.left_aside:
        sentences.append(f"{counted(len(plan.left_aside), 'thing is', 'things are')} left aside.")
    return " ".join(sentences)


def shell_text(command: ShownCommand) -> str:
    """One command as a shell would take it, for reading: comments, variables, one argument a line where it is long."""
    where = " ".join(part for part in (command.obs_id, command.unit) if part)
    lines = [f"# {command.title or command.step}: {where}"]
    if command.folder == WORK:
        lines.append("# in $work, a folder of the job's own")
    elif command.folder:
        lines.append(f"# in {shlex.quote(command.folder)}")
    lines += [f"# before: {sentence.replace(WORK, '$work')}" for sentence in command.before]
    lines += [f"export {name}={_quoted(value)}" for name, value in command.environment.items()]
    words = [_quoted(word) for word in command.argv]
    plain = " ".join(words)
    lines.append(plain if len(plain) <= _LONG else " \\\n    ".join(words))
    lines += [f"# afterwards: {sentence.replace(WORK, '$work')}" for sentence in command.after]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """For a shell in which « work » names the job's own folder."""
    return '"$work"'.join(shlex.quote(part) if part else "" for part in text.split(WORK)) if text else "''"


class PlanTree(QTreeWidget):
    """Steps with their numbers; below them why some run once more. Then what is left aside, by reason."""

    def __init__(self, labels: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self.setObjectName("planTree")
        self.setAccessibleName("What will be done")
        self.setHeaderLabels(["Step", "New", "Again", "Done", "Unknown"])
        for column, tip in enumerate(_COLUMN_TIPS, 1):
            self.headerItem().setToolTip(column, tip)
        self.setUniformRowHeights(True)
        self.setIndentation(16)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)  # what the numbers leave, see `resizeEvent`
        header.sectionResized.connect(self._on_section_resized)
        for column in range(1, 5):
            self.headerItem().setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def _give_steps_the_rest(self) -> None:
        """The room that numbers leave, but never less than a name needs: the tree scrolls sideways then."""
        taken = sum(self.columnWidth(column) for column in range(1, self.columnCount()))
        least = _NAME_LETTERS * self.fontMetrics().averageCharWidth() + 2 * self.indentation()
        self.setColumnWidth(0, max(least, self.viewport().width() - taken))

    def _on_section_resized(self, section: int, _before: int, _now: int) -> None:
        if section:
            self._give_steps_the_rest()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._give_steps_the_rest()

    def show_plan(self, plan: ReductionPlan | None) -> None:
        self.clear()
        if plan is None:
            return
        items = [self._item(step) for step in plan.steps]
        if plan.left_aside:
            items.append(self._left_aside(plan.left_aside))
        self.addTopLevelItems(items)
        for item in items:
            item.setExpanded(item.childCount() <= 6)
            for below in (item.child(row) for row in range(item.childCount())):
                if below is not None:
                    below.setFirstColumnSpanned(True)

    def _item(self, step: StepPlan) -> QTreeWidgetItem:
        numbers = (step.new, step.again, step.fresh, step.unknown)
        item = QTreeWidgetItem([step.label, *(count_text(number) if number else "–" for number in numbers)])
        for column in range(1, 5):
            item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for reason, number in sorted(step.why.items(), key=lambda one: -one[1]):
            below = QTreeWidgetItem([f"{count_text(number)}: {reason}"])
            below.setToolTip(0, reason)
            item.addChild(below)
        return item

    def _left_aside(self, left_aside: Sequence[LeftAside]) -> QTreeWidgetItem:
        root = QTreeWidgetItem([f"Left aside ({count_text(len(left_aside))})"])
        by_reason: dict[str, list[LeftAside]] = {}
        for one in left_aside:
            by_reason.setdefault(one.reason, []).append(one)
        for reason, those in sorted(by_reason.items(), key=lambda item: -len(item[1])):
            group = QTreeWidgetItem([f"{count_text(len(those))}: {reason}"])
            group.setToolTip(0, reason)
            names = [f"{self._labels.get(one.mission, one.mission)} {one.obs_id} {one.unit}".rstrip() for one in those]
            group.addChildren([QTreeWidgetItem([name]) for name in names[:_MOST_NAMES]])
            if len(names) > _MOST_NAMES:
                group.addChild(QTreeWidgetItem([f"… and {count_text(len(names) - _MOST_NAMES)} more"]))
            root.addChild(group)
        return root


class CommandsView(QWidget):
    """Units on the left, the commands of the chosen one on the right; `script_wanted` asks for the whole order as a script."""

    script_wanted = Signal(object)  # what to do with its text: Callable[[str], None]

    def __init__(self, labels: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._groups: list[list[ShownCommand]] = []
        self.state = muted_label("", self)
        self.state.setObjectName("commandsState")
        self.units = QListWidget(self)
        self.units.setObjectName("commandUnits")
        self.units.setAccessibleName("Observations and units with commands")
        self.units.setTabKeyNavigation(False)
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("commandsText")
        self.text.setAccessibleName("Commands")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(fixed_font(self))
        splitter = QSplitter(Qt.Orientation.Vertical, self)
        splitter.addWidget(self.units)
        splitter.addWidget(self.text)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 3)
        splitter.setChildrenCollapsible(False)
        self.units.setMinimumHeight(3 * (self.units.fontMetrics().height() + 6))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.state)
        layout.addWidget(splitter, 1)
        layout.addLayout(self._build_buttons())
        self.units.currentRowChanged.connect(self._on_unit_changed)

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.copy_button = self._button("copyCommands", "&Copy", "Copy the commands that are shown", self._on_copy)
        self.copy_script_button = self._button(
            "copyScript", "Copy as s&hell script", "Copy all commands of this order as a script that runs without this program",
            lambda: self.script_wanted.emit(QGuiApplication.clipboard().setText),
        )  # fmt: skip
        self.save_button = self._button("saveScript", "Sa&ve script…", "Write that script into a file", self._on_save)
        for button in (self.copy_button, self.copy_script_button, self.save_button):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _button(self, name: str, text: str, tip: str, slot: Callable[[], None]) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setAutoDefault(False)
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked=False: slot())
        return button

    def show_commands(self, commands: Sequence[ShownCommand], sentence: str = "") -> None:
        """A list of at most MOST_COMMANDS; `sentence` says why there is none."""
        groups: dict[tuple[str, str, str], list[ShownCommand]] = {}
        for command in commands:
            groups.setdefault((command.mission, command.obs_id, command.unit), []).append(command)
        self._groups = list(groups.values())
        self.units.show()
        blocked = self.units.blockSignals(True)
        self.units.clear()
        for (mission, obs_id, unit), those in groups.items():
            name = "  ".join(part for part in (self._labels.get(mission, mission), obs_id, unit) if part)
            self.units.addItem(f"{name}  ({counted(len(those), 'command', 'commands')})")
        self.units.setCurrentRow(0 if groups else -1)
        self.units.blockSignals(blocked)
        more = len(commands) >= MOST_COMMANDS
        first = f"The first {count_text(len(commands))} commands; a script has all of them." if more else ""
        number = f"{counted(len(commands), 'command', 'commands')}." if commands else "No command."
        self.state.setText(sentence or first or number)
        for button in (self.copy_button, self.copy_script_button, self.save_button):
            button.setEnabled(bool(commands))
        self._on_unit_changed(self.units.currentRow())

    def show_tasks(self, lines: Sequence[str]) -> None:
        """Of the built-in engine, which runs no programs: calls with their arguments."""
        self.show_commands(())
        self.units.hide()
        first = f", the first {count_text(MOST_COMMANDS)} of them" if len(lines) > MOST_COMMANDS else ""
        tasks = counted(len(lines), "task", "tasks")
        self.state.setText(f"The built-in engine runs no other program. What it would do: {tasks}{first}.")
        self.text.setPlainText("\n".join(lines[:MOST_COMMANDS]))
        self.copy_button.setEnabled(bool(lines))

    def _on_unit_changed(self, row: int) -> None:
        shown = self._groups[row] if 0 <= row < len(self._groups) else []
        self.text.setPlainText("\n\n".join(map(shell_text, shown)))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())

    def _on_save(self) -> None:
        path, _filter = QFileDialog.getSaveFileName(self, "Save script", "reduce.sh", "Shell scripts (*.sh);;All files (*)")
        if path:
            self.script_wanted.emit(Path(path))


class RunPreview(QTabWidget):
    """Two pages; `commands_wanted` is emitted when the second one comes into sight."""

    commands_wanted = Signal()

    def __init__(self, labels: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("runPreview")
        self.setDocumentMode(True)
        self.sentence = QLabel(self)
        self.sentence.setObjectName("planSentence")
        self.sentence.setWordWrap(True)
        self.notes = muted_label("", self)
        self.notes.setObjectName("planNotes")
        self.tree = PlanTree(labels, self)
        self.commands = CommandsView(labels, self)
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 8, 8, 8)
        column.addWidget(self.sentence)
        column.addWidget(self.notes)
        column.addWidget(self.tree, 1)
        self.addTab(page, "What &will be done")
        self.addTab(self.commands, "Co&mmands")
        self.currentChanged.connect(lambda _index: self.commands_wanted.emit() if self.shows_commands else None)

    def sizeHint(self) -> QSize:
        return QSize(560, 480)

    @property
    def shows_commands(self) -> bool:
        return self.currentWidget() is self.commands

    def show_plan(self, plan: ReductionPlan | None, sentence: str = "") -> None:
        """`sentence` instead of a plan: what is missing, or that it is being made."""
        self.tree.show_plan(plan)
        self.sentence.setText(plan_sentence(plan) if plan is not None else sentence)
        notes = "\n".join(plan.notes) if plan is not None else ""
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))
