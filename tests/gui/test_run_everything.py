"""« Run everything » for raw data, event lists or both; what the processing says of software, empty cells and values."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDialog

from daxa_gui.core.archive_info import HistoryEntry
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.reduction_plan import ReductionOrder, RunOptions, ShownCommand
from daxa_gui.core.settings import Settings, changed
from daxa_gui.core.software import SoftwareStatus
from daxa_gui.core.step import Call, Parameter, Place, Step
from daxa_gui.gui.described import fact, history_groups
from daxa_gui.gui.models.everything import Contents, everything, needed_by
from daxa_gui.gui.models.processing_units import applies, to_look_at, unit_text, why_empty
from daxa_gui.gui.models.software_words import software_line, software_of
from daxa_gui.gui.widgets.form import Form, fields_of_parameters
from daxa_gui.gui.widgets.run_choice import Preset, RunChoice
from daxa_gui.gui.widgets.run_preview import shell_text
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.pipelines import PIPELINES
from tests.fakes.reduction_world import make_archive
from tests.fakes.windows import LONG_MS, shell
from tests.standins.fixtures import standins, standins_once  # noqa: F401
from tests.standins.raw_data import VARIED, xmm_odf

PIPES, ALL_STEPS = tuple(PIPELINES.values()), tuple(STEPS[name] for name in STEPS)
LABELS = {"xmm_pointed": "XMM-Newton", "swift": "Swift", "erosita_calpv": "eROSITA"}
ONE, TWO, SWIFT = ("xmm_pointed", "1"), ("xmm_pointed", "2"), ("swift", "3")


def would_run(contents: Contents, missing=(), begun=None):
    return everything(contents, PIPES, ALL_STEPS, LABELS, set(missing), begun or {})


# ---- what « Run everything » means


def test_that_raw_data_run_through_their_own_software_and_event_lists_through_the_built_in_engine():
    found = would_run(Contents((ONE, TWO, SWIFT), frozenset({ONE, TWO}), frozenset({ONE, SWIFT})))
    assert [part.order for part in found.parts] == [
        ReductionOrder(pipeline="full_xmm", missions=("xmm_pointed",)),
        ReductionOrder(pipeline="builtin", missions=("swift",)),
    ]
    assert "« Full XMM-Newton (SAS) » for 2 observations of XMM-Newton" in found.sentence
    assert "the built-in engine for 1 observation of Swift" in found.sentence


def test_that_observations_without_raw_data_go_to_the_built_in_engine_one_by_one():
    found = would_run(Contents((ONE, TWO), frozenset({ONE}), frozenset({ONE, TWO})))
    assert [part.order for part in found.parts] == [
        ReductionOrder(pipeline="full_xmm", missions=("xmm_pointed",)),
        ReductionOrder(pipeline="builtin", observations=(TWO,)),
    ]


@pytest.mark.parametrize("missing", [("sas",), ("ccf",)])
def test_that_without_software_or_calibration_the_built_in_engine_is_used_or_it_is_said_what_is_missing(missing):
    with_lists = would_run(Contents((ONE,), frozenset({ONE}), frozenset({ONE})), missing)
    assert [part.order.pipeline for part in with_lists.parts] == ["builtin"]
    without = would_run(Contents((ONE,), frozenset({ONE}), frozenset()), missing)
    assert without.parts == () and without.without_data == ()
    assert missing[0].upper() in without.sentence and "Doctor" in without.sentence


def test_that_a_mission_without_data_is_told_and_offered_to_be_fetched():
    found = would_run(Contents((ONE, SWIFT), frozenset(), frozenset({SWIFT})))
    assert [part.order.missions for part in found.parts] == [("swift",)]
    assert found.without_data == ("xmm_pointed",) and "XMM-Newton: neither raw data nor event lists" in found.sentence


def test_that_event_lists_alone_run_and_it_is_said_what_raw_data_would_bring():
    found = would_run(Contents((ONE,), frozenset(), frozenset({ONE})))
    assert found.without_raw == ("xmm_pointed",) and "« Full XMM-Newton (SAS) » needs raw data" in found.hints[0]
    assert would_run(Contents((ONE,), frozenset(), frozenset({ONE})), ("sas",)).hints == ()


def test_that_a_mission_reduced_by_the_built_in_engine_stays_with_it():
    contents = Contents((ONE,), frozenset({ONE}), frozenset({ONE}))
    assert [p.order.pipeline for p in would_run(contents, begun={"xmm_pointed": {"flares", "clean"}}).parts] == ["builtin"]
    assert [p.order.pipeline for p in would_run(contents, begun={"xmm_pointed": {"clean", "epchain"}}).parts] == ["full_xmm"]


def test_that_the_software_of_a_pipeline_is_that_of_its_steps_with_calibration():
    assert needed_by(PIPELINES["full_xmm"], ALL_STEPS) == ("sas", "ccf") and needed_by(PIPELINES["builtin"], ALL_STEPS) == ()


# ---- words


def test_that_the_line_of_software_is_about_the_missions_here_and_without_digests():
    found = [
        SoftwareStatus("builtin", "0.1.0", True, ""), SoftwareStatus("sas", "22.1.0", True, "", "SAS"),
        SoftwareStatus("heasoft", "", True, "", "HEASoft"), SoftwareStatus("ciao", "", False, "", "CIAO", is_named=False),
        SoftwareStatus("ccf", "34 files, 1f00859b69", True, "", "CCF"), SoftwareStatus("pfiles", "", False, "", "Own files"),
    ]  # fmt: skip
    assert software_line(found, software_of(ALL_STEPS, ["xmm_pointed"])) == "SAS 22.1.0 · CCF, 34 files · Built-in engine 0.1.0"
    assert software_line(found, software_of(ALL_STEPS, ["chandra"])) == "Built-in engine 0.1.0 · ▲ not found: CIAO"
    assert software_line(found, software_of(ALL_STEPS, ["swift"])) == "Built-in engine 0.1.0"


def test_that_it_is_known_which_steps_apply_to_which_rows():
    merge, flares, cif = STEPS["merge_subexposures"], STEPS["espfilt"], STEPS["cif_build"]
    rows = ("", "M1", "M1S001", "R1S004")
    assert [applies(cif, "xmm_pointed", unit) for unit in rows] == [True, False, False, False]
    assert [applies(merge, "xmm_pointed", unit) for unit in rows] == [False, True, False, False]
    assert [applies(flares, "xmm_pointed", unit) for unit in rows] == [False, False, True, False]
    assert not applies(flares, "chandra", "M1S001") and applies(STEPS["nupipeline"], "nustar_pointed", "FPMA")
    assert why_empty(merge, False).endswith("for all exposures of an instrument together (PN, M1, M2).")
    assert unit_text("M1") == "M1, all exposures" and unit_text("M1S001") == "M1S001"


def test_that_what_a_step_made_is_looked_at():
    def product(kind):
        return Product(ProductKey("xmm_pointed", "1", kind, "M1", "S001"), f"/x/{kind}", 1)

    kinds = ProductKind
    made = [product(kind) for kind in (kinds.GTI, kinds.CALIBRATED_EVENTS, kinds.CLEAN_EVENTS)]
    assert to_look_at(STEPS["emchain"].makes, made) == made[1]
    assert to_look_at(STEPS["emchain"].makes, [product(kinds.EVENTS), *made]) == made[1], "not the downloaded list"
    assert to_look_at(STEPS["espfilt"].makes, made) == made[2]
    assert to_look_at((), [product(kinds.EVENTS), *made]).key.kind is kinds.EVENTS and to_look_at((), made[:1]) is None


def test_that_the_folder_of_a_job_is_a_variable_in_commands():
    argv = ("odfingest", "outdir={work}/a b")
    command = ShownCommand("x", "1", "", "odf_ingest", "sas", argv, {"SAS_CCF": "{work}/c"}, "{work}", "Summary")
    lines = shell_text(command).split("\n")
    assert lines[1:] == ["# in $work, a folder of the job's own", 'export SAS_CCF="$work"/c', "odfingest outdir=\"$work\"'/a b'"]


# ---- forms begin with the present values


PARAMETERS = (Parameter("sigma", "Sigma", 3.0), Parameter("band", "Band", (0.5, 2.0), "keV"), Parameter("how", "How", "a"))


def test_that_a_form_tells_what_was_edited_of_its_present_values(qtbot):
    form = Form(fields_of_parameters(PARAMETERS), {"sigma": 2.0}, marks=True)
    qtbot.addWidget(form)
    assert form.edited_values() == {} and form.changed_values() == {"sigma": 2.0}
    form.set_values({"sigma": 3.0})
    assert form.edited_values() == {"sigma": 3.0}, "back to the default is a change of what holds now"
    form.restart({"sigma": 1.0, "how": "b"})
    assert form.values()["sigma"] == 3.0 and form.values()["how"] == "b" and form.edited_values() == {"sigma": 3.0}


def test_that_an_order_passes_only_what_a_person_changed_of_the_present_values(qtbot):
    step = Step("espfilt", "Flares", "", "sas", (), PARAMETERS, "m:f", ("xmm_pointed",))
    present = {"xmm_pointed": {"espfilt": {"sigma": 2.0, "band": [0.5, 2.0], "how": "a"}}}
    choice = RunChoice((), (step,), LABELS, ("xmm_pointed",), Preset(steps=("espfilt",)), RunOptions(), None, present)
    qtbot.addWidget(choice)
    form = choice.parameters.form("espfilt")
    assert form.values()["sigma"] == 2.0 and choice.order().parameters == {}
    assert choice.parameters.choice.itemText(0) == "Flares •", "it differs from the default"
    form.entry("sigma").setText("3")
    assert choice.order().parameters == {"espfilt": {"sigma": 3.0}}


def test_that_another_mission_has_its_own_present_values_and_edited_ones_stay(qtbot):
    step = Step("flares", "Flares", "", "builtin", (), PARAMETERS, "m:f")
    present = {"xmm_pointed": {"flares": {"sigma": 2.0, "how": "b"}}, "swift": {"flares": {"sigma": 4.0, "how": "b"}}}
    choice = RunChoice((), (step,), LABELS, ("xmm_pointed", "swift"), Preset(steps=("flares",)), RunOptions(), None, present)
    qtbot.addWidget(choice)
    form = choice.parameters.form("flares")
    assert form.values()["sigma"] == 3.0 and form.values()["how"] == "b", "the default where they differ"
    form.entry("band").setText("1 – 2")
    choice.data.setCurrentIndex(choice.data.findData("mission:swift"))
    assert form.values()["sigma"] == 4.0 and choice.order().parameters == {"flares": {"band": (1.0, 2.0)}}


# ---- what made a product


def test_that_the_history_tells_software_programs_and_parameters_of_a_product():
    arguments = {
        "step": "espfilt", "mission": "xmm_pointed", "obs_id": "1", "instrument": "M1", "exposure": "S001", "folder": "archive:x",
        "raw_folder": "output:xmm_pointed_raw/1", "facts": {"ccds": [1]}, "versions": {"sas": "22.1.0"},
        "parameters": {"allowed_sigma": 2.0},
    }  # fmt: skip
    facts = {
        "software": "sas", "version": "22.1.0", "calibration": {"ccf": "34 files, 1f00"},
        "programs": [{"program": "espfilt", "exit_code": 0, "seconds": 1.5}],
    }  # fmt: skip
    task = Call("daxa_gui.reduction.external:run_step", arguments, Place.THREAD)
    groups = dict(history_groups(HistoryEntry(1, 1, "espfilt", "Flares", task, 1.0, 3.0, 9, "", "0.1.0", facts), ALL_STEPS))
    made = dict(groups["Making"])
    assert made["Software"] == "SAS 22.1.0, CCF 34 files, run by DAXA GUI 0.1.0" and made["Programs"] == "espfilt (1.5\u00a0s)"
    assert groups["Parameters"] == [("Sigma", "2")] and "Facts" not in str(groups["From"])
    assert fact("calibration", {"ccf": "34 files, 1f00"}) == ("Calibration", "CCF 34 files")


# ---- in the window


def test_that_raw_data_are_reduced_by_run_everything_and_looked_at(standins, tmp_path: Path, qtbot):  # noqa: F811
    obs_id = "0999900901"
    xmm_odf(tmp_path / "xmm_pointed_raw" / obs_id, obs_id, VARIED[:1])
    one = {"start_mjd": 55524.13, "target": "Cluster", "instruments": "M1"}
    folder = make_archive(tmp_path, {("xmm_pointed", obs_id): one, ("xmm_pointed", "0999900902"): one})
    with shell(qtbot, tmp_path, settings=changed(Settings(), **standins.settings, cores=2)) as window:
        window.window.open_archive(str(folder), show="")
        processing = window.panel("queue", "processing")
        qtbot.waitUntil(lambda: processing.run_button.isEnabled(), timeout=LONG_MS)
        assert "Full XMM-Newton (SAS) » for 1 observation" in processing.run_button.toolTip()
        assert "Data of 1 of 2 observations are here" in processing.summary.text()
        assert processing.software.text().startswith("SAS") and "CIAO" not in processing.software.text()
        processing.run_button.click()
        done = lambda: [str(job.state) for job in window.session.jobs("reduce")]  # noqa: E731
        qtbot.waitUntil(lambda: len(done()) > 5 and set(done()) == {"succeeded"}, timeout=LONG_MS)
        products = window.session.products("xmm_pointed", obs_id)
        processing._on_products_read((("merge_subexposures", "M1"), products))
        assert window.context.product.key.kind is ProductKind.FINAL_EVENTS


def test_that_an_archive_without_data_offers_to_choose_files(standins, tmp_path: Path, qtbot):  # noqa: F811
    one = {"start_mjd": 55524.13, "target": "Cluster", "instruments": "M1"}
    folder = make_archive(tmp_path, {("xmm_pointed", "0999900901"): one})
    with shell(qtbot, tmp_path, settings=changed(Settings(), **standins.settings)) as window:
        window.window.open_archive(str(folder), show="")
        processing = window.panel("queue", "processing")
        qtbot.waitUntil(lambda: processing.fetch_button.isVisible(), timeout=LONG_MS)
        assert not processing.run_button.isEnabled() and "neither raw data" in processing.run_button.toolTip()
        processing.fetch_button.click()
        qtbot.waitUntil(lambda: window.window.findChild(QDialog, "changeChoiceDialog") is not None)
        window.child(QDialog, "changeChoiceDialog").reject()


def test_that_results_are_not_replaced_before_a_person_has_seen_it(standins, tmp_path: Path, qtbot):  # noqa: F811
    obs_id = "0999900901"
    xmm_odf(tmp_path / "xmm_pointed_raw" / obs_id, obs_id, VARIED[:1])
    one = {"start_mjd": 55524.13, "target": "Cluster", "instruments": "M1"}
    folder = make_archive(tmp_path, {("xmm_pointed", obs_id): one})
    with shell(qtbot, tmp_path, settings=changed(Settings(), **standins.settings, cores=2)) as window:
        window.window.open_archive(str(folder), show="")
        processing = window.panel("queue", "processing")
        qtbot.waitUntil(lambda: processing.run_button.isEnabled(), timeout=LONG_MS)
        observations = (("xmm_pointed", obs_id),)
        window.session.start_reduction(ReductionOrder(pipeline="full_xmm", missions=("xmm_pointed",)))
        assert window.session.wait_until_idle(120)
        by_hand = {"espfilt": {"allowed_sigma": 2.0}}
        window.session.start_reduction(ReductionOrder(steps=("espfilt",), observations=observations, parameters=by_hand))
        assert window.session.wait_until_idle(120)
        n_jobs = len(window.session.jobs("reduce"))
        processing.run_button.click()
        qtbot.waitUntil(lambda: window.window.findChild(QDialog, "runReductionDialog") is not None, timeout=LONG_MS)
        dialog = window.child(QDialog, "runReductionDialog")
        qtbot.waitUntil(lambda: dialog.run_button.isEnabled(), timeout=LONG_MS)
        assert dialog.choice.pipeline.name == "full_xmm" and len(window.session.jobs("reduce")) == n_jobs
        dialog.reject()


def test_that_a_person_is_asked_before_steps_run_that_would_fail(tmp_path: Path, qtbot):
    from PySide6.QtWidgets import QMessageBox

    from tests.standins.install import install

    software = install(tmp_path / "software")
    (software.sas / "bin" / "eexpmap").unlink()
    obs_id = "0999900901"
    xmm_odf(tmp_path / "out" / "xmm_pointed_raw" / obs_id, obs_id, VARIED[:1])
    one = {"start_mjd": 55524.13, "target": "Cluster", "instruments": "M1"}
    folder = make_archive(tmp_path / "out", {("xmm_pointed", obs_id): one})
    with shell(qtbot, tmp_path / "out", settings=changed(Settings(), **software.settings, cores=2)) as window:
        window.window.open_archive(str(folder), show="")
        processing = window.panel("queue", "processing")
        qtbot.waitUntil(lambda: processing.run_button.isEnabled(), timeout=LONG_MS)

        def asked() -> QMessageBox:
            processing.runs.run(ReductionOrder(pipeline="full_xmm"), RunOptions())
            qtbot.waitUntil(lambda: window.window.findChild(QMessageBox, "unprepared") is not None, timeout=LONG_MS)
            box: QMessageBox = window.child(QMessageBox, "unprepared")
            assert "eexpmap" in box.informativeText() and "a fault" in box.text()
            return box

        def gone() -> bool:
            return window.window.findChild(QMessageBox, "unprepared") is None

        asked().button(QMessageBox.StandardButton.Cancel).click()
        qtbot.waitUntil(gone)
        assert not window.session.jobs("reduce")
        next(button for button in asked().buttons() if button.text() == "Run &anyway").click()
        qtbot.waitUntil(gone)
        qtbot.waitUntil(lambda: bool(window.session.jobs("reduce")), timeout=LONG_MS)
        assert window.session.wait_until_idle(120)
        ended = {job.step: str(job.state) for job in window.session.jobs("reduce")}
        assert ended["merge_subexposures"] == "succeeded" and ended["generate_images_expmaps"] == "failed"
