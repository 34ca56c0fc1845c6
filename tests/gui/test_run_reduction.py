"""« Run… »: pipelines and steps with their parameters, what would be done, the exact commands, and running it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from daxa_gui.core.errors import InputError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.finding_text import headline
from daxa_gui.core.reduction_plan import LeftAside, ReductionOrder, ReductionPlan, RunOptions, ShownCommand, StepPlan
from daxa_gui.core.step import Parameter, Pipeline, PipelineArgument, Step
from daxa_gui.gui.theme import DARK
from daxa_gui.gui.widgets.findings import findings_html
from daxa_gui.gui.widgets.form import Form, fields_of_parameters
from daxa_gui.gui.widgets.run_choice import Preset, RunChoice
from daxa_gui.gui.widgets.run_preview import CommandsView, PlanTree, plan_sentence, shell_text
from daxa_gui.gui.widgets.run_reduction import RunReductionDialog
from daxa_gui.gui.widgets.where_to_run import WhereToRunDialog, executor_label
from tests.fakes.windows import LONG_MS, Shell

LABELS = {"xmm_pointed": "XMM-Newton Pointed", "swift": "Swift"}
EVERY_KIND = (
    Parameter("on", "Switch", True),
    Parameter("n", "Number of bins", 10, minimum=1, maximum=99),
    Parameter("x", "Width", 2.5, "s", minimum=0),
    Parameter("band", "Band", (0.5, 2.0), "keV"),
    Parameter("expr", "Expression", "PATTERN<=12"),
    Parameter("how", "Method", "gauss", choices=("gauss", "sigma")),
    Parameter("ccds", "CCDs", None, choices=(1, 2, 3), kind="many", empty="all that are good"),
    Parameter("names", "Names", ["a"], kind="texts"),
    Parameter("bands", "Bands", [[0.5, 2.0], [2.0, 10.0]], "keV", kind="ranges"),
    Parameter("levels", "Levels", None, kind="numbers", empty="the task's own"),
)
FULL = Pipeline(
    "full", "Full X", "All of X.", "sas", ("xmm_pointed",), ("first", "second"),
    (PipelineArgument(Parameter("energies", "Energies", None, "keV", kind="range"), (("second", "band"),)),),
)  # fmt: skip
BUILTIN = Pipeline("builtin", "Built-in engine", "Cleans event lists.", "builtin", (), ("flares",))
STEPS = (
    Step("flares", "Flares", "Finds flares.", "builtin", (), (Parameter("n_sigma", "Sigma", 3.0, minimum=1),), "m:f"),
    Step("first", "First", "Begins.", "sas", (), (), "m:f", ("xmm_pointed",)),
    Step("second", "Second", "Ends.", "sas", ("first",), EVERY_KIND, "m:f", ("xmm_pointed",)),
    Step("other", "Other", "Of another mission.", "ciao", (), (), "m:f", ("chandra",)),
)


# ---- forms of all kinds of parameters


@pytest.fixture
def form(qtbot):
    made = Form(fields_of_parameters(EVERY_KIND), marks=True)
    qtbot.addWidget(made)
    made.show()
    return made


def test_that_defaults_of_every_kind_come_back_as_they_are(form):
    assert form.is_valid() and form.changed_values() == {}
    values = form.values()
    assert values["bands"] == [(0.5, 2.0), (2.0, 10.0)] and values["names"] == ["a"] and values["ccds"] is None


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("bands", "0.3-1, 1 – 2; 2 to 5", [(0.3, 1.0), (1.0, 2.0), (2.0, 5.0)]),
        ("names", "M1,M2; PN ", ["M1,M2", "PN"]),
        ("names", "", []),
        ("levels", "1, 2.5 3", [1.0, 2.5, 3.0]),
        ("levels", "", None),
        ("x", "4", 4.0),
    ],
)
def test_that_lists_are_read_as_they_are_typed(form, name, text, value):
    form.entry(name).setText(text)
    assert form.values()[name] == value
    again = Form(fields_of_parameters(EVERY_KIND), {name: value})
    assert again.values()[name] == value
    again.deleteLater()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("bands", "2-1", "smaller than the second"),
        ("bands", "0.5 2, x", "needs pairs of numbers"),
        ("levels", "1, many", "needs numbers"),
        ("n", "100", "at most 99"),
        ("n", "1.5", "a whole number"),
        ("x", "-1", "at least 0 s"),
        ("x", "inf", "needs a number"),
    ],
)
def test_that_an_unfit_entry_is_told_at_its_field(form, name, text, words):
    form.entry(name).setText(text)
    assert words in form.problems()[name] and not form.is_valid()
    message = form.findChild(object, f"problem_{name}")
    assert message.isVisible() and words in message.text()


def test_that_changed_entries_are_marked_and_each_can_be_set_back(form, qtbot):
    reset = form.findChild(object, "reset_x")
    assert not reset.isVisible()
    form.entry("x").setText("7")
    assert reset.isVisible() and form.changed_values() == {"x": 7.0}
    qtbot.mouseClick(reset, Qt.MouseButton.LeftButton)
    assert form.changed_values() == {} and not reset.isVisible()


def test_that_some_of_many_can_be_ticked_and_none_means_the_default(form):
    ccds = form.entry("ccds")
    ccds.item(0).setCheckState(Qt.CheckState.Checked)
    ccds.item(2).setCheckState(Qt.CheckState.Checked)
    assert form.changed_values() == {"ccds": [1, 3]}
    form.reset()
    assert form.values()["ccds"] is None
    needed = Form(fields_of_parameters([Parameter("m", "Modules", ["A", "B"], choices=("A", "B"), kind="many")]))
    assert needed.values() == {"m": ["A", "B"]}
    for row in range(2):
        needed.entry("m").item(row).setCheckState(Qt.CheckState.Unchecked)
    assert "at least one" in needed.problems()["m"]
    needed.deleteLater()


# ---- what is chosen


def choice_of(qtbot, preset=None, missions=("xmm_pointed", "swift"), options=None) -> RunChoice:
    made = RunChoice((BUILTIN, FULL), STEPS, LABELS, missions, preset or Preset(), options or RunOptions())
    qtbot.addWidget(made)
    made.show()
    return made


def texts(combo) -> list[str]:
    return [combo.itemText(index) for index in range(combo.count())]


def test_that_only_pipelines_and_steps_of_the_missions_here_are_offered(qtbot):
    choice = choice_of(qtbot)
    assert texts(choice.what) == ["Built-in engine", "Full X", "Chosen steps"]
    assert [choice.steps.item(row).text() for row in range(choice.steps.count())] == [
        "Flares  (built in)", "First  (SAS)", "Second  (SAS)",
    ]  # fmt: skip
    assert texts(choice_of(qtbot, missions=("swift",)).what) == ["Built-in engine", "Chosen steps"]


def test_that_a_pipeline_is_ordered_with_its_arguments_and_those_of_its_steps(qtbot):
    choice = choice_of(qtbot, Preset(pipeline="full"))
    choice.parameters.form("").entry("energies").setText("0.5 – 7")
    choice.parameters.form("second").entry("n").setText("20")
    order = choice.order()
    assert (order.pipeline, order.steps) == ("full", ())
    assert order.arguments == {"energies": (0.5, 7.0)} and order.parameters == {"second": {"n": 20}}
    assert texts(choice.parameters.choice) == ["Full X: all its steps •", "Second •"]
    assert choice.software() == ("sas",)


def test_that_ticked_steps_are_ordered_and_entries_stay_while_a_step_is_ticked(qtbot):
    choice = choice_of(qtbot, Preset(steps=("second",)))
    choice.parameters.form("second").entry("n").setText("20")
    choice.tick(["flares", "second"])
    assert choice.order() == ReductionOrder(steps=("flares", "second"), parameters={"second": {"n": 20}})
    choice.tick(["flares"])
    assert choice.order() == ReductionOrder(steps=("flares",))
    choice.tick([])
    with pytest.raises(InputError, match="No step is ticked"):
        choice.order()
    assert choice.complaint.isVisible()


def test_that_data_are_all_one_mission_or_what_was_selected(qtbot):
    choice = choice_of(qtbot, Preset(steps=("flares",), units=(("swift", "1", "XRT"),)))
    assert texts(choice.data) == [
        "All observations of the archive", "All of XMM-Newton Pointed", "All of Swift", "Selected: 1 row",
    ]  # fmt: skip
    assert choice.order().units == (("swift", "1", "XRT"),)
    choice.data.setCurrentIndex(2)
    assert (choice.order().missions, choice.order().units) == (("swift",), ())
    whole = choice_of(qtbot, Preset(steps=("flares",), whole=(("swift", "1"),)))
    assert whole.order().observations == (("swift", "1"),)


def test_that_options_are_those_of_the_archive_until_they_are_changed(qtbot):
    choice = choice_of(qtbot, options=RunOptions(4, None, True))
    assert choice.run_options() == RunOptions(4, None, True)
    choice.options.entry("limit_min").setText("30")
    choice.options.entry("cores").setText("")
    choice.options.set_values({"keep_intermediate": None, "again": True, "configuration": "before"})
    assert choice.run_options() == RunOptions(None, 30.0, None)
    choice.tick(["flares"])
    assert choice.what.currentText() == "Chosen steps" and choice.order().again and choice.order().configuration == "before"
    choice.options.entry("cores").setText("0")
    assert "at least 1" in choice.problem()


def test_that_missing_software_is_told_where_the_pipeline_is_chosen(qtbot):
    choice = choice_of(qtbot)
    choice.set_software({"sas": "SAS was not found."})
    assert texts(choice.what) == ["Built-in engine", "Full X – SAS is missing", "Chosen steps"]
    choice.set_software({})
    assert texts(choice.what) == ["Built-in engine", "Full X", "Chosen steps"]


# ---- what would be done


def plan(*steps: StepPlan, **more) -> ReductionPlan:
    return ReductionPlan(ReductionOrder(), steps, **more)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (plan(StepPlan("a", "A", new=1)), "1 job: 1 new."),
        (plan(StepPlan("a", "A", new=1180), StepPlan("b", "B", again=24, fresh=1)),
         "1\u202f204 jobs: 1\u202f180 new, 24 once more. 1 job is done already and stays as it is."),
        (plan(StepPlan("a", "A", fresh=3)), "Nothing to do. 3 jobs are done already and stay as they are."),
        (plan(StepPlan("a", "A", new=2), StepPlan("b", "B", unknown=2)),
         "2 jobs: 2 new. Of 2 observations it becomes known on the way which exposures they have."),
        (plan(left_aside=(LeftAside("swift", "1", "X", "Closed."),)), "Nothing to do. 1 thing is left aside."),
    ],
)  # fmt: skip
def test_that_a_plan_is_told_in_a_sentence(made, words):
    assert plan_sentence(made) == words


def test_that_reasons_stand_below_their_step_and_what_is_left_aside_by_its_reason(qtbot):
    tree = PlanTree(LABELS)
    qtbot.addWidget(tree)
    aside = tuple(LeftAside("swift", f"{n:03d}", "XRT", "No raw data are here.") for n in range(250))
    tree.show_plan(plan(StepPlan("a", "A", 5, 3, 1, 0, 3, {"« x » changed": 2, "its log is gone": 1}), left_aside=aside))
    step, left = tree.topLevelItem(0), tree.topLevelItem(1)
    assert [step.text(column) for column in range(5)] == ["A", "5", "3", "1", "–"]
    assert [step.child(row).text(0) for row in range(2)] == ["2: « x » changed", "1: its log is gone"]
    assert left.text(0) == "Left aside (250)" and left.child(0).text(0) == "250: No raw data are here."
    assert left.child(0).childCount() == 201 and left.child(0).child(200).text(0) == "… and 50 more"
    tree.show_plan(None)
    assert tree.topLevelItemCount() == 0


COMMAND = ShownCommand(
    "xmm_pointed", "0123", "M1S001", "espfilt", "sas", ("espfilt", "eventfile=/a b/it's.fits", "method=ratio"),
    {"SAS_CCF": "/my ccf.cif"}, "/work here", "Flares", ("ccf.cif is linked",), ("the list is checked",),
)  # fmt: skip


def test_that_a_command_is_shown_as_a_shell_would_take_it():
    assert shell_text(COMMAND).splitlines() == [
        "# Flares: 0123 M1S001",
        "# in '/work here'",
        "# before: ccf.cif is linked",
        "export SAS_CCF='/my ccf.cif'",
        "espfilt 'eventfile=/a b/it'\"'\"'s.fits' method=ratio",
        "# afterwards: the list is checked",
    ]
    long = replace(COMMAND, argv=("evselect", *(f"parameter{n}=value" for n in range(12))))
    assert "evselect \\\n    parameter0=value \\\n" in shell_text(long)


def test_that_commands_are_listed_by_unit_and_those_shown_are_copied(qtbot):
    view = CommandsView(LABELS)
    qtbot.addWidget(view)
    view.show_commands([COMMAND, replace(COMMAND, step="b", title="Next"), replace(COMMAND, unit="PNS003")])
    assert [view.units.item(row).text() for row in range(2)] == [
        "XMM-Newton Pointed  0123  M1S001  (2 commands)", "XMM-Newton Pointed  0123  PNS003  (1 command)",
    ]  # fmt: skip
    view.units.setCurrentRow(1)
    assert view.text.toPlainText() == shell_text(replace(COMMAND, unit="PNS003"))
    qtbot.mouseClick(view.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == view.text.toPlainText()
    view.show_commands([], "Nothing would run.")
    assert view.text.toPlainText() == "" and view.state.text() == "Nothing would run." and not view.save_button.isEnabled()


# ---- the dialog on a real archive


def open_dialog(window: Shell, qtbot, preset: Preset) -> RunReductionDialog:
    panel = window.panel("queue", "processing")
    panel.runs.open_run(preset)
    dialog = window.child(RunReductionDialog, "runReductionDialog")
    qtbot.waitUntil(lambda: dialog.choice is not None, timeout=LONG_MS)
    return dialog


def is_idle(window: Shell) -> bool:
    return all(job.is_finished for job in window.session.jobs("reduce"))


def test_that_the_values_of_the_form_reach_the_jobs(reduced, qtbot):
    dialog = open_dialog(reduced, qtbot, Preset(steps=("flares",)))
    form = dialog.choice.parameters.form("flares")
    form.entry("n_sigma").setText("2.25")
    form.entry("band_kev").setText("3 – 7")
    dialog.preview.setCurrentWidget(dialog.preview.commands)
    shown = dialog.preview.commands.text
    qtbot.waitUntil(
        lambda: "n_sigma=2.25" in shown.toPlainText() and "band_kev=[3.0, 7.0]" in shown.toPlainText(), timeout=LONG_MS
    )
    qtbot.waitUntil(dialog.run_button.isEnabled, timeout=LONG_MS)
    assert "once more" in dialog.preview.sentence.text()
    qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    flares = lambda: [job for job in reduced.session.jobs("reduce") if job.step == "flares"]  # noqa: E731
    qtbot.waitUntil(lambda: any(job.task.arguments.get("n_sigma") == 2.25 for job in flares()), timeout=LONG_MS)
    qtbot.waitUntil(lambda: is_idle(reduced), timeout=LONG_MS)
    assert {tuple(job.task.arguments["band_kev"]) for job in flares()} == {(3.0, 7.0)}


def test_that_an_entry_that_means_nothing_cannot_be_run(reduced, qtbot):
    dialog = open_dialog(reduced, qtbot, Preset(steps=("flares",), again=True))
    qtbot.waitUntil(dialog.run_button.isEnabled, timeout=LONG_MS)
    dialog.choice.parameters.form("flares").entry("n_sigma").setText("many")
    qtbot.waitUntil(lambda: "needs a number" in dialog.complaint.text(), timeout=LONG_MS)
    assert not dialog.run_button.isEnabled() and dialog.preview.sentence.text() == "Nothing would run with these entries."
    dialog.reject()


def test_that_only_what_is_selected_runs_again(reduced, qtbot):
    panel = reduced.panel("queue", "processing")
    qtbot.waitUntil(lambda: panel.model.rowCount() == 6, timeout=LONG_MS)
    swift = next(row for row in range(6) if panel.model.unit(row)[0] == "swift")
    panel.view.setCurrentIndex(panel.model.index(swift, 1))
    dialog = open_dialog(reduced, qtbot, panel.menu.preset("again"))
    qtbot.waitUntil(
        lambda: dialog.preview.sentence.text().startswith("1 job") or "once more" in dialog.preview.sentence.text(),
        timeout=LONG_MS,
    )
    before = {job.id: job.attempt for job in reduced.session.jobs("reduce")}
    qtbot.waitUntil(dialog.run_button.isEnabled, timeout=LONG_MS)
    qtbot.mouseClick(dialog.run_button, Qt.MouseButton.LeftButton)
    flares = next(job for job in reduced.session.jobs("reduce") if job.mission == "swift" and job.step == "flares")
    qtbot.waitUntil(lambda: reduced.session.job(flares.id).attempt != before[flares.id] and is_idle(reduced), timeout=LONG_MS)
    others = [job for job in reduced.session.jobs("reduce") if job.mission != "swift"]
    assert all(job.attempt == before[job.id] for job in others)


def test_that_nothing_to_do_is_said(reduced, qtbot):
    dialog = open_dialog(reduced, qtbot, Preset(pipeline="builtin", mission="swift"))
    qtbot.waitUntil(lambda: "stay as they are" in dialog.preview.sentence.text(), timeout=LONG_MS)
    assert not dialog.run_button.isEnabled()
    assert dialog.executor.text() == "Runs on this machine."
    dialog.reject()


# ---- the doctor, and where to run

FOUND = (
    Finding(Grade.GOOD, "sas-found", "SAS", "SAS 22 is here."),
    Finding(Grade.FAULT, "ccf-empty", "CCF", "The folder <ccf> is empty.", "Fetch the calibration.", ("cif_build",)),
    Finding(Grade.ADVICE, "disk-low", "Disk", "20 GB are free.", "Make room."),
)


def test_that_faults_come_first_with_what_to_do():
    assert headline(FOUND) == "1 fault, 1 piece of advice, 1 check is good."
    shown = findings_html(FOUND, DARK)
    assert "&lt;ccf&gt;" in shown and shown.index("CCF") < shown.index("Disk") < shown.index("SAS 22")
    assert headline(()) == "Nothing was checked."


def test_that_an_executor_is_named_for_people():
    assert [executor_label(text) for text in ("local", "dask=tls://h:1", "slurm")] == [
        "this machine", "Dask cluster tls://h:1", "Slurm",
    ]  # fmt: skip


def test_that_where_to_run_is_checked_and_used(reduced, qtbot, monkeypatch):
    used: list[str] = []
    checked: list[str] = []
    monkeypatch.setattr(type(reduced.session), "set_executor", lambda _self, text: used.append(text))
    monkeypatch.setattr(type(reduced.session), "check_executor", lambda _self, text: checked.append(text) or list(FOUND))
    dialog = WhereToRunDialog(reduced.session, reduced.context)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(dialog.local.isChecked, timeout=LONG_MS)
    dialog.dask.setChecked(True)
    assert not dialog.use_button.isEnabled() and not dialog.check_button.isEnabled()
    dialog.address.setText(" tcp://host:8786 ")
    qtbot.mouseClick(dialog.check_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "1 fault" in dialog.sentence.text(), timeout=LONG_MS)
    assert checked == ["dask=tcp://host:8786"]
    with qtbot.waitSignal(dialog.chosen) as heard:
        qtbot.mouseClick(dialog.use_button, Qt.MouseButton.LeftButton)
    assert heard.args == ["dask=tcp://host:8786"] == used
