"""What shall be done: a pipeline or steps, for which data, with which parameters and how. The left half of « Run… »."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFormLayout,
    QFrame,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import InputError
from daxa_gui.core.reduction_plan import ReductionOrder, RunOptions
from daxa_gui.core.step import Pipeline, Step
from daxa_gui.gui.models.processing import SOFTWARE
from daxa_gui.gui.texts import counted
from daxa_gui.gui.widgets.form import Form, FormField, muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.form_fields import same_value
from daxa_gui.gui.widgets.parameter_pages import ParameterPage, ParameterPages

_STEPS_HELP = "Steps that a ticked one needs run before it unless they are done."
_AS_SET = "as the settings say"
_NAME_ROLE = Qt.ItemDataRole.UserRole
Unit = tuple[str, str, str]
Present = Mapping[str, Mapping[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Preset:
    """What the dialog begins with. `units` are (mission, ObsID, unit) of selected rows, the last "" for a whole observation."""

    pipeline: str = ""
    steps: tuple[str, ...] = ()
    units: tuple[Unit, ...] = ()
    whole: tuple[tuple[str, str], ...] = ()  # observations that are selected with all that belongs to them
    mission: str = ""
    again: bool = False
    show_commands: bool = False


def step_label(step: Step, among: Iterable[Step]) -> str:
    """Its label, with the software where another one has the same."""
    same = sum(other.label == step.label for other in among)
    return f"{step.label} ({SOFTWARE.get(step.software, step.software)})" if same > 1 else step.label


def is_for(step: Step, mission: str) -> bool:
    return not step.missions or mission in step.missions


class RunChoice(QWidget):
    """`order()` says what is chosen; `changed` is emitted for each change."""

    changed = Signal()

    def __init__(
        self,
        pipelines: Sequence[Pipeline],
        steps: Sequence[Step],
        labels: Mapping[str, str],
        missions: Sequence[str],
        preset: Preset,
        options: RunOptions,
        parent: QWidget | None = None,
        present: Present | None = None,
    ) -> None:
        """`present`: mission → step → parameters that the archive uses now, with which the forms begin."""
        super().__init__(parent)
        self._present = present or {}
        here = frozenset(missions)
        self._pipelines = {one.name: one for one in pipelines if not one.missions or here & set(one.missions) or not here}
        self._steps = {one.name: one for one in steps if not one.missions or here & set(one.missions) or not here}
        self._labels = labels
        self._missions = tuple(missions)
        self._preset = preset
        self._build(options)
        self._fill(preset)
        self.what.currentIndexChanged.connect(lambda _index: self._on_what_changed())
        self.steps.itemChanged.connect(lambda _item: self._on_steps_changed())
        self.data.currentIndexChanged.connect(lambda _index: self._on_steps_changed())
        self.parameters.changed.connect(self.changed)
        self.options.changed.connect(self.changed)
        self._on_what_changed()

    # ---- what it looks like

    def _build(self, options: RunOptions) -> None:
        self.what = QComboBox(self)
        self.what.setObjectName("runWhat")
        self.what.setAccessibleName("What to run")
        self.what.setToolTip("A pipeline runs all its steps; « Chosen steps » those that are ticked, with what they need")
        self.help = muted_label("", self)
        self.help.setObjectName("runHelp")
        self.steps = QListWidget(self)
        self.steps.setObjectName("runSteps")
        self.steps.setAccessibleName("Steps to run")
        self.steps.setToolTip("Steps that a ticked one needs run before it unless they are done")
        self.steps.setTabKeyNavigation(False)
        row_px = self.steps.fontMetrics().height() + 4
        self.steps.setMinimumHeight(4 * row_px)
        self.steps.setMaximumHeight(8 * row_px)
        self.complaint = problem_label(self)
        self.complaint.setObjectName("runComplaint")
        self.data = QComboBox(self)
        self.data.setObjectName("runData")
        self.data.setAccessibleName("Data")
        self.data.setToolTip("For which observations of the archive")
        self.parameters = ParameterPages(self)
        self._build_options(options)
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("runTabs")
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.parameters, "&Parameters")
        self.tabs.addTab(self._options_page, "Optio&ns")
        top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        top.addRow("&What", self.what)
        top.addRow("", self.help)
        top.addRow("", self.steps)
        top.addRow("", self.complaint)
        top.addRow("&Data", self.data)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(top)
        layout.addWidget(self.tabs, 1)

    def _build_options(self, options: RunOptions) -> None:
        keep = options.keep_intermediate
        self.options = Form(
            (
                FormField("cores", "Jobs at the same time", options.cores, "integer", minimum=1, maximum=4096,
                          empty=_AS_SET, help="How many cores of this machine, or jobs on the cluster, are used."),
                FormField("limit_min", "Time limit of a command", options.limit_min, "number", unit="min", minimum=0,
                          maximum=100_000, empty=_AS_SET,
                          help="A command that takes longer is ended, and its step fails. 0: no limit."),
                FormField("keep_intermediate", "Keep intermediate files", {None: None, True: "yes", False: "no"}[keep], "choice",
                          choices=("yes", "no"), empty=_AS_SET,
                          help="What steps leave in their work folders stays; it can be many times as large as the products."),
                FormField("again", "Also what is done already", False, "yes/no",
                          help="Run everything that is chosen once more, even where nothing has changed."),
                FormField("configuration", "Keep earlier results as", None, "text", empty="a name after what has changed",
                          help="Results that are replaced stay in the archive under this name, to be compared with new ones."),
            ),
            marks=True,
            show_help=True,
        )  # fmt: skip
        self.options.setContentsMargins(8, 8, 8, 8)
        self._options_page = QScrollArea(self)
        self._options_page.setWidget(self.options)
        self._options_page.setWidgetResizable(True)
        self._options_page.setFrameShape(QFrame.Shape.NoFrame)
        self._options_page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        bar_px = self._options_page.verticalScrollBar().sizeHint().width()
        self._options_page.setMinimumWidth(self.options.minimumSizeHint().width() + bar_px)
        self._options_page.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _fill(self, preset: Preset) -> None:
        for one in self._pipelines.values():
            self.what.addItem(one.label, one.name)
        self.what.addItem("Chosen steps", "")
        by_steps = bool(preset.steps) or not preset.pipeline
        self.what.setCurrentIndex(self.what.findData("" if by_steps else preset.pipeline))
        for step in self._steps.values():
            item = QListWidgetItem(f"{step.label}  ({SOFTWARE.get(step.software, step.software)})")
            item.setData(_NAME_ROLE, step.name)
            item.setToolTip(step.help)
            item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            item.setCheckState(Qt.CheckState.Checked if step.name in preset.steps else Qt.CheckState.Unchecked)
            self.steps.addItem(item)
        ticked = [row for row in range(self.steps.count()) if self.steps.item(row).data(_NAME_ROLE) in preset.steps]
        self.steps.setCurrentRow(ticked[0] if ticked else 0)
        self._fill_data(preset)
        if preset.again:
            self.options.set_values({"again": True})

    def _fill_data(self, preset: Preset) -> None:
        self.data.addItem("All observations of the archive", "all")
        for mission in self._missions if len(self._missions) > 1 else ():
            self.data.addItem(f"All of {self._labels.get(mission, mission)}", f"mission:{mission}")
        number = len(preset.units) or len(preset.whole)
        if number:
            noun = ("row", "rows") if preset.units else ("observation", "observations")
            self.data.addItem(f"Selected: {counted(number, *noun)}", "selected")
        wanted = "selected" if number else f"mission:{preset.mission}" if preset.mission else "all"
        self.data.setCurrentIndex(max(0, self.data.findData(wanted)))

    def set_software(self, missing: Mapping[str, str]) -> None:
        """Software → why it cannot be used: pipelines that need it say so."""
        for index in range(self.what.count()):
            pipeline = self._pipelines.get(self.what.itemData(index))
            if pipeline is not None:
                lacks = pipeline.software in missing
                name = SOFTWARE.get(pipeline.software, pipeline.software)
                self.what.setItemText(index, f"{pipeline.label} – {name} is missing" if lacks else pipeline.label)
                self.what.setItemData(index, missing.get(pipeline.software, pipeline.help), Qt.ItemDataRole.ToolTipRole)

    def show_configuration(self, is_used: bool) -> None:
        """Whether results would be replaced, so that there is something to keep."""
        self.options.set_shown("configuration", is_used)

    # ---- what is chosen

    @property
    def pipeline(self) -> Pipeline | None:
        return self._pipelines.get(self.what.currentData())

    def ticked(self) -> tuple[str, ...]:
        items = (self.steps.item(row) for row in range(self.steps.count()))
        return tuple(item.data(_NAME_ROLE) for item in items if item.checkState() is Qt.CheckState.Checked)

    def tick(self, names: Sequence[str]) -> None:
        """Exactly these steps."""
        with QSignalBlocker(self.steps):
            for row in range(self.steps.count()):
                item = self.steps.item(row)
                on = item.data(_NAME_ROLE) in names
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self._on_steps_changed()

    def names(self) -> tuple[str, ...]:
        """Of the steps of the pipeline, or of those that are ticked."""
        return self.pipeline.steps if self.pipeline is not None else self.ticked()

    def software(self) -> tuple[str, ...]:
        """What the chosen steps need, without the built-in engine."""
        needed = dict.fromkeys(self._steps[name].software for name in self.names() if name in self._steps)
        return tuple(name for name in needed if name != "builtin")

    def order(self) -> ReductionOrder:
        """What is chosen; raises InputError with a sentence for what cannot be read or is missing."""
        pipeline, values, options = self.pipeline, self.parameters.values(), self.options.values()
        if pipeline is None and not self.ticked():
            raise InputError("No step is ticked.", "Tick at least one.")
        where = self.data.currentData()
        selected = where == "selected"
        return ReductionOrder(
            steps=() if pipeline is not None else self.ticked(),
            pipeline=pipeline.name if pipeline is not None else "",
            arguments=values.pop("", {}),
            parameters=values,
            missions=(where.removeprefix("mission:"),) if where.startswith("mission:") else (),
            observations=self._preset.whole if selected else (),
            units=self._preset.units if selected else (),
            configuration=options["configuration"] or "",
            again=options["again"],
        )

    def run_options(self) -> RunOptions:
        """Raises InputError for an entry that cannot be read."""
        values = self.options.values()
        return RunOptions(values["cores"], values["limit_min"], {"yes": True, "no": False}.get(values["keep_intermediate"]))

    def problem(self) -> str:
        """The first sentence about an entry that cannot be read; "" if there is none."""
        sentences = [*self.parameters.problems().values(), *self.options.problems().values()]
        return sentences[0] if sentences else ""

    # ---- what happens

    def _on_what_changed(self) -> None:
        pipeline = self.pipeline
        self.steps.setVisible(pipeline is None)
        self.help.setText(pipeline.help if pipeline is not None else _STEPS_HELP)
        self._set_pages()
        self.changed.emit()

    def _on_steps_changed(self) -> None:
        self._set_pages()
        self.changed.emit()

    def _chosen_missions(self) -> tuple[str, ...]:
        where = self.data.currentData()
        if where == "selected":
            return tuple(dict.fromkeys(one[0] for one in (*self._preset.units, *self._preset.whole)))
        return (where.removeprefix("mission:"),) if where.startswith("mission:") else self._missions

    def _present_of(self, step: Step) -> dict[str, Any]:
        """What it runs with if nothing is said; the default where the chosen missions have different values."""
        of = [self._present.get(one, {}).get(step.name) for one in self._chosen_missions() if is_for(step, one)]
        known = [values for values in of if values is not None]
        if not known:
            return {}
        first, *others = known
        names = {parameter.name for parameter in step.parameters} & set(first)
        return {name: first[name] for name in names if all(same_value(other.get(name), first[name]) for other in others)}

    def _present_arguments(self, pipeline: Pipeline) -> dict[str, Any]:
        """Of arguments whose steps all have the same value now."""
        found = {}
        for argument in pipeline.arguments:
            here = [(self._present_of(self._steps[step]), name) for step, name in argument.sets if step in self._steps]
            values = [values[name] for values, name in here if name in values]
            default = {one.name: one.default for step, _ in argument.sets[:1] if step in self._steps
                       for one in self._steps[step].parameters}.get(argument.sets[0][1])  # fmt: skip
            if values and all(same_value(value, values[0]) for value in values) and not same_value(values[0], default):
                found[argument.parameter.name] = values[0]
        return found

    def _set_pages(self) -> None:
        pipeline = self.pipeline
        pages = []
        names: Sequence[str] = self.ticked()
        if pipeline is not None:
            arguments = tuple(argument.parameter for argument in pipeline.arguments)
            pages.append(ParameterPage("", f"{pipeline.label}: all its steps", arguments, self._present_arguments(pipeline)))
            names = pipeline.steps
        steps = [self._steps[name] for name in names if name in self._steps]
        pages += [ParameterPage(step.name, step_label(step, steps), step.parameters, self._present_of(step)) for step in steps]
        self.parameters.set_pages(pages)
        show_problem(self.complaint, "" if names else "No step is ticked. Tick at least one.")
