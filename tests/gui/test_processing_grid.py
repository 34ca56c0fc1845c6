"""The processing grid: observations with their units below, folding, filters, orders, and a selection that outlives them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt
from PySide6.QtTest import QAbstractItemModelTester

from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.job_overview import JobOverview, Texts
from daxa_gui.core.step import Call
from daxa_gui.gui.models.jobs import JOB_ROLE, STATE_ROLE, state_word
from daxa_gui.gui.models.processing import INDENT, ProcessingGrid
from daxa_gui.gui.models.processing_cells import CAN_RETRY, WORDS
from daxa_gui.gui.models.processing_rows import GridChoice
from daxa_gui.gui.theme import LIGHT
from daxa_gui.gui.widgets.job_text import job_text
from daxa_gui.gui.widgets.processing_bar import ProcessingBar
from daxa_gui.gui.widgets.processing_menu import CellMenu
from daxa_gui.gui.widgets.processing_verbs import following
from daxa_gui.gui.widgets.processing_view import ProcessingView
from tests.fakes.processing_jobs import LABELS, STEPS, UNITS, many_jobs, reduction_job

S = JobState
FIRST, SECOND = "0000000000", "0000000001"


@pytest.fixture
def grid(qapp):
    model = ProcessingGrid(STEPS, LABELS)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_jobs(many_jobs(12))
    yield model
    del tester


@pytest.fixture
def view(grid, qtbot):
    shown = ProcessingView(grid, lambda: LIGHT)
    shown.fold_requested.connect(lambda row, fold: grid.set_collapsed([grid.observation(row)], fold))
    qtbot.addWidget(shown)
    shown.resize(1400, 600)
    shown.show()
    return shown


def headings(grid) -> list[str]:
    return [grid.headerData(row, Qt.Orientation.Vertical) for row in range(grid.rowCount())]


def units(grid) -> list[tuple[str, str]]:
    return [grid.unit(row)[1:] for row in range(grid.rowCount())]


def cell(grid, obs_id: str, unit: str, step: str):
    row = grid.place_of(("xmm_pointed", obs_id, unit))
    return grid.index(row, [grid.step(column).name for column in range(grid.columnCount())].index(step))


# ---- rows and columns


def test_that_units_stand_below_their_observation_which_has_its_own_steps(grid):
    assert headings(grid)[:4] == [f"▾ {FIRST}", *(f"{INDENT}{unit}" for unit in UNITS)]
    assert cell(grid, FIRST, "", "cif_build").data() in WORDS
    without = cell(grid, FIRST, "M1S001", "cif_build")
    assert without.data() == "–" and without.data(STATE_ROLE) is None and without.data(JOB_ROLE) is None
    assert "runs once for the whole observation" in without.data(Qt.ItemDataRole.ToolTipRole)
    assert cell(grid, FIRST, "", "espfilt").data() == "–"
    assert cell(grid, FIRST, "M1S001", "espfilt").data(JOB_ROLE).unit == "M1S001"


def test_that_an_exposure_without_steps_of_its_observation_stands_alone_with_its_full_name(grid):
    grid.set_jobs([reduction_job(1, "00000000001", "XRTS001", "flares", mission="swift")])
    assert headings(grid) == ["00000000001  XRTS001"]
    assert not grid.has_headings()


def test_that_columns_are_the_steps_that_have_a_job_in_their_order(grid):
    assert [grid.step(column).name for column in range(grid.columnCount())] == [step.name for step in STEPS]
    grid.set_jobs([reduction_job(2, FIRST, "", "odf_ingest"), reduction_job(1, FIRST, "", "cif_build")])
    assert [grid.step(column).name for column in range(grid.columnCount())] == ["cif_build", "odf_ingest"]
    grid.update_jobs([reduction_job(3, FIRST, "PNS003", "epchain")])
    assert [grid.step(column).name for column in range(grid.columnCount())] == ["cif_build", "odf_ingest", "epchain"]
    assert grid.rowCount() == 2


def test_that_one_mission_shows_its_rows_its_steps_and_its_counts(grid):
    grid.update_jobs([reduction_job(999, "00000000001", "XRTS001", "flares", S.FAILED, mission="swift")])
    assert grid.missions() == ["xmm_pointed", "swift"]
    grid.choose(GridChoice(mission="swift"))
    assert units(grid) == [("00000000001", "XRTS001")]
    assert [grid.step(column).name for column in range(grid.columnCount())] == ["flares"]
    assert {word: n for word, n in grid.counts().items() if n} == {"failed": 1}
    assert grid.headerData(0, Qt.Orientation.Horizontal) == "flares\n0/1 · 1 ✕"


def test_that_a_heading_counts_what_is_done_and_what_failed(grid):
    jobs = [job for job in many_jobs(12) if job.step == "espfilt"]
    grid.update_jobs([replace(job, state=S.SUCCEEDED) for job in jobs])
    column = [grid.step(column).name for column in range(grid.columnCount())].index("espfilt")
    assert grid.headerData(column, Qt.Orientation.Horizontal) == "espfilt\n9/9"
    grid.update_jobs([replace(jobs[0], state=S.FAILED)])
    assert grid.headerData(column, Qt.Orientation.Horizontal) == "espfilt\n8/9 · 1 ✕"
    assert "1 failed" in grid.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)


def test_that_units_that_become_known_on_the_way_stand_below_their_observation(grid):
    grid.set_jobs([reduction_job(1, FIRST, "", "exposures"), reduction_job(2, SECOND, "", "exposures")])
    grid.update_jobs([reduction_job(4, FIRST, "PNS003", "epchain"), reduction_job(3, FIRST, "M1S001", "emchain")])
    assert units(grid) == [(FIRST, ""), (FIRST, "M1S001"), (FIRST, "PNS003"), (SECOND, "")]


# ---- folding


def test_that_a_folded_observation_tells_how_its_units_stand(grid):
    espfilt = [job for job in many_jobs(12) if job.step == "espfilt" and job.obs_id == FIRST]
    grid.update_jobs([replace(job, state=S.SUCCEEDED) for job in espfilt[:2]] + [replace(espfilt[2], state=S.FAILED)])
    grid.set_collapsed([grid.observation(0)], True)
    assert headings(grid)[:2] == [f"▸ {FIRST}", f"▾ {SECOND}"]
    together = cell(grid, FIRST, "", "espfilt")
    assert (together.data(), together.data(STATE_ROLE)) == ("2/3 · 1 ✕", "failed")
    grid.collapse_all(True)
    assert grid.rowCount() == 3
    grid.collapse_all(False)
    assert grid.rowCount() == 12


def test_that_a_folded_observation_stands_for_all_that_is_hidden_below_it(grid):
    grid.set_collapsed([grid.observation(0)], True)
    index = cell(grid, FIRST, "", "espfilt")
    jobs = grid.glances(grid.chosen(QItemSelection(index, index)))
    assert sorted(job.unit for job in jobs) == sorted(UNITS) and {job.step for job in jobs} == {"espfilt"}


def test_that_minus_and_plus_and_a_click_on_the_mark_fold(view, grid, qtbot):
    view.setCurrentIndex(cell(grid, FIRST, "M1S001", "espfilt"))
    qtbot.keyClick(view, Qt.Key.Key_Minus)
    assert grid.rowCount() == 9
    view.setCurrentIndex(grid.index(0, 0))
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert grid.rowCount() == 12
    header = view.verticalHeader()
    place = QPoint(6, header.sectionViewportPosition(4) + 8)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert headings(grid)[4] == f"▸ {SECOND}" and grid.rowCount() == 9


# ---- filters and orders


def failed_units(jobs) -> set[tuple[str, str]]:
    return {(job.obs_id, job.unit) for job in jobs if job.state is S.FAILED}


def test_that_only_rows_with_failures_are_shown_with_the_observation_above_them(grid):
    jobs = [replace(job, state=S.SUCCEEDED) for job in many_jobs(12)]
    jobs[5] = replace(jobs[5], state=S.FAILED)
    grid.set_jobs(jobs)
    grid.choose(GridChoice(failures_only=True))
    assert units(grid) == [(FIRST, ""), (jobs[5].obs_id, jobs[5].unit)]


@pytest.mark.parametrize("word", ["queued", "failed", "waiting", "done"])
def test_that_a_state_leaves_the_rows_that_have_it(grid, word):
    jobs = many_jobs(12)
    grid.choose(GridChoice(words=(word,)))
    hit = {(job.obs_id, job.unit) for job in jobs if state_word(job) == word}
    assert {unit for unit in units(grid) if unit[1]} == {unit for unit in hit if unit[1]}


def test_that_text_finds_obs_id_target_unit_and_mission(grid):
    grid.set_targets({("xmm_pointed", SECOND): "Abell 907"})
    for text, expected in (
        ("abell", {SECOND}),
        (SECOND[-4:], {SECOND}),
        ("xmm", {FIRST, SECOND, "0000000002"}),
        ("nowhere", set()),
    ):
        grid.choose(GridChoice(text=text))
        assert {obs_id for obs_id, _ in units(grid)} == expected, text
    grid.choose(GridChoice(text="pns abell"))
    assert units(grid) == [(SECOND, ""), (SECOND, "PNS003")]


def test_that_observations_with_failures_come_first_and_stay_whole(grid):
    jobs = [replace(job, state=S.SUCCEEDED) for job in many_jobs(12)]
    grid.set_jobs([replace(job, state=S.FAILED) if job.obs_id == SECOND and job.unit == "PNS003" else job for job in jobs])
    grid.choose(GridChoice(order="failures"))
    assert [obs_id for obs_id, _ in units(grid)] == [SECOND] * 4 + [FIRST] * 4 + ["0000000002"] * 4
    grid.choose(GridChoice(order="arrival"))
    assert units(grid)[0] == (FIRST, "")


def test_that_an_order_by_a_step_begins_with_what_failed_in_it(grid):
    jobs = [replace(job, state=S.SUCCEEDED) for job in many_jobs(12)]
    last = next(job for job in jobs if job.obs_id == "0000000002" and job.step == "flares")
    grid.set_jobs([replace(job, state=S.FAILED) if job is last else job for job in jobs])
    grid.choose(GridChoice(order="step", step=[step.name for step in STEPS].index("flares")))
    assert units(grid)[0] == ("0000000002", "")


def test_that_a_filter_by_state_follows_when_it_is_asked_to(grid):
    jobs = [replace(job, state=S.SUCCEEDED) for job in many_jobs(12)]
    grid.set_jobs(jobs)
    grid.choose(GridChoice(words=("running",)))
    assert grid.rowCount() == 0
    grid.update_jobs([replace(jobs[5], state=S.RUNNING)])
    assert grid.is_outdated and grid.rowCount() == 0
    grid.follow_filter()
    assert units(grid) == [(FIRST, ""), (jobs[5].obs_id, jobs[5].unit)] and not grid.is_outdated


def test_that_the_bar_tells_one_choice_for_all_that_is_entered(qtbot):
    bar = ProcessingBar(LABELS)
    qtbot.addWidget(bar)
    heard: list[GridChoice] = []
    bar.changed.connect(heard.append)
    bar.set_missions(["xmm_pointed", "swift"])
    bar.show()
    bar.mission.setCurrentIndex(2)
    bar.states.setCurrentText("Failed")
    bar.failures.setChecked(True)
    bar.text.setText(" 0001 ")
    qtbot.waitUntil(lambda: heard[-1] == GridChoice("swift", ("failed",), "0001", True))
    bar.sort_by_step(3, "emchain")
    assert (heard[-1].order, heard[-1].step) == ("step", 3) and bar.order.currentText() == "By « emchain »"
    bar.order.setCurrentIndex(bar.order.findData("name"))
    assert (heard[-1].order, heard[-1].step) == ("name", -1) and bar.order.findData("step") < 0
    bar.show_everything()
    assert heard[-1] == GridChoice("swift", order="name")
    bar.set_missions(["xmm_pointed"])
    assert heard[-1].mission == "" and not bar.mission.isVisible()


# ---- what is chosen


def select(view, *indices) -> None:
    view.selectionModel().clearSelection()
    for index in indices:
        view.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.Select)


def selected(view) -> set[tuple[str, str, str]]:
    grid = view.model()
    return {(*grid.unit(index.row())[1:], grid.step(index.column()).name) for index in view.selectionModel().selectedIndexes()}


def test_that_what_is_chosen_stays_chosen_over_orders_filters_and_new_rows(view, grid):
    chosen = {(SECOND, "M2S002", "espfilt"), (SECOND, "PNS003", "flares")}
    select(view, *(cell(grid, *one) for one in chosen))
    for choice in (GridChoice(order="failures"), GridChoice(text=SECOND), GridChoice()):
        grid.choose(choice)
        assert selected(view) == chosen
    grid.update_jobs([reduction_job(999, FIRST, "M1U002", "emchain")])
    assert selected(view) == chosen
    grid.set_collapsed([grid.observation(0)], True)
    assert selected(view) == chosen


def test_that_what_is_chosen_stays_chosen_when_all_jobs_are_read_anew_in_another_order(view, grid):
    select(view, cell(grid, SECOND, "M2S002", "espfilt"))
    jobs = [replace(job, id=1000 - job.id) for job in many_jobs(12)]
    grid.set_cells(grid.arranged(JobOverview.of(jobs)))
    assert selected(view) == {(SECOND, "M2S002", "espfilt")}
    assert grid.unit(0)[1] == "0000000002"


def test_that_all_stays_all(view, grid):
    view.selectAll()
    grid.update_jobs([reduction_job(999, FIRST, "M1U002", "emchain")])
    assert len(view.selectionModel().selectedIndexes()) == 13 * 12


def test_that_the_same_rows_read_anew_are_no_reset(grid, qtbot):
    with qtbot.assertNotEmitted(grid.modelReset):
        grid.set_cells(grid.arranged(JobOverview.of([replace(job, state=S.CANCELLED) for job in many_jobs(12)])))
    assert cell(grid, FIRST, "M1S001", "espfilt").data() == "cancelled"


def test_that_the_menu_offers_what_the_chosen_cells_allow(view, grid):
    done = next(job for job in many_jobs(12) if job.state is S.SUCCEEDED and job.unit)
    failed = next(job for job in many_jobs(12) if job.state is S.FAILED and job.unit)
    menu = CellMenu(grid, view)

    def enabled(locked: str = "") -> set[str]:
        return {action.objectName() for action in menu.menu(locked).actions() if action.isEnabled() and action.objectName()}

    select(view, cell(grid, done.obs_id, done.unit, done.step))
    rest = {"cell_again", "cell_following", "cell_commands", "cell_log", "cell_products", "cell_inspect", "cell_fold"}
    assert enabled() == rest
    select(view, cell(grid, failed.obs_id, failed.unit, failed.step))
    assert enabled() == rest | {"cell_retry"}
    assert enabled("It is only looked at.") == rest - {"cell_again", "cell_following"}


def test_that_running_again_names_the_chosen_steps_and_units(view, grid):
    menu = CellMenu(grid, view)
    select(view, cell(grid, SECOND, "M2S002", "espfilt"))
    preset = menu.preset("again")
    assert (preset.steps, preset.units, preset.again) == (("espfilt",), (("xmm_pointed", SECOND, "M2S002"),), True)
    select(view, cell(grid, SECOND, "", "cif_build"))
    assert menu.preset("again").whole == (("xmm_pointed", SECOND),) and menu.preset("again").units == ()
    grid.set_collapsed([grid.observation(0)], True)
    select(view, cell(grid, FIRST, "", "espfilt"), cell(grid, SECOND, "M2S002", "espfilt"))
    assert sorted(unit for _, _, unit in menu.preset("again").units) == sorted(("", "M2S002", *UNITS))


def test_that_what_follows_are_all_steps_that_need_the_first_directly_or_not():
    chain = [
        replace(step, needs=needs)
        for step, needs in zip(STEPS, [(), ("cif_build",), ("odf_ingest",), ("exposures",)] + [()] * 8, strict=True)
    ]
    assert following(chain, ("odf_ingest",)) == ("odf_ingest", "exposures", "emchain")


# ---- numbers behind it


def test_that_few_different_texts_become_numbers_however_they_are_written():
    for texts in (["M1", "PN", "M1", ""], ["", ""], [], ["é", "a\0b", "é"], ["x" * 200, "y"], ["M1\udcff", "M1\udcff"]):
        codes, different = Texts(texts).codes()
        assert [different[code] for code in codes.tolist()] == texts
        assert len(different) == len(set(texts))
    column = Texts(["a", "b"])
    column.set(2, "a")
    codes, different = column.codes()
    assert [different[code] for code in codes.tolist()] == ["a", "b", "a"]


def shown_words(grid) -> dict[tuple[str, str, str], str]:
    return {
        (*grid.unit(row)[1:], grid.step(column).name): grid.index(row, column).data(STATE_ROLE)
        for row in range(grid.rowCount())
        for column in range(grid.columnCount())
        if grid.index(row, column).data(STATE_ROLE)
    }


@given(st.lists(st.lists(st.tuples(st.integers(1, 20), st.sampled_from(list(S))), max_size=6), max_size=5))
@settings(max_examples=60, deadline=None)
def test_that_changes_one_by_one_lead_to_what_reading_all_of_them_shows(batches):
    known = {job.id: job for job in many_jobs(12)[:12]}
    kept = ProcessingGrid(STEPS, LABELS)
    kept.set_jobs(known.values())
    base = {job.id: job for job in many_jobs(12)}
    for batch in batches:
        changed = [replace(base[number], state=state, warnings=("w",) if number % 4 == 0 else ()) for number, state in batch]
        known.update({job.id: job for job in changed})
        kept.update_jobs(changed)
    fresh = ProcessingGrid(STEPS, LABELS)
    fresh.set_jobs(known.values())
    assert shown_words(kept) == shown_words(fresh)
    assert kept.counts() == fresh.counts() and kept.count_open() == fresh.count_open()
    np.testing.assert_array_equal(kept._cells.counts, fresh._cells.counts)
    counted = dict.fromkeys(WORDS, 0)
    for word in shown_words(fresh).values():
        counted[word] += 1
    assert counted == fresh.counts()


def test_that_a_newer_job_of_a_cell_is_shown_and_an_older_one_is_not(grid):
    job = reduction_job(50, FIRST, "M1S001", "emchain", S.FAILED)
    grid.set_jobs([replace(job, id=60, state=S.SUCCEEDED), job])
    assert cell(grid, FIRST, "M1S001", "emchain").data() == "done" and grid.counts()["failed"] == 0
    grid.update_jobs([replace(job, state=S.RUNNING)])
    assert cell(grid, FIRST, "M1S001", "emchain").data() == "done" and grid.counts()["running"] == 0
    grid.update_jobs([replace(job, id=70, state=S.FAILED)])
    assert cell(grid, FIRST, "M1S001", "emchain").data() == "failed" and grid.counts()["done"] == 0
    assert CAN_RETRY[grid.words_of(grid.chosen(QItemSelection()))].all()


# ---- what a tool tip tells


def test_that_a_tool_tip_tells_state_duration_attempt_software_and_warnings():
    job = replace(
        reduction_job(1, FIRST, "M1S001", "espfilt", S.SUCCEEDED),
        task=Call("m:f", {"versions": {"sas": "22.1.0", "ccf": ""}}), started=1e9, finished=1e9 + 200.0, attempt=2,
        warnings=("Few counts.", "Wide fit."),
    )  # fmt: skip
    assert job_text(job).splitlines() == [
        f"espfilt: {FIRST} M1S001",
        "warned after 3 min, on 2001-09-09 01:50:00 UTC",
        "attempt 2; SAS 22.1.0",
        "Warning: Few counts.",
        "Warning: Wide fit.",
    ]
    running = replace(job, state=S.RUNNING, warnings=(), finished=None, text="light curve", attempt=1)
    assert job_text(running, now=1e9 + 30).splitlines()[1:] == ["running for 30 s", "SAS 22.1.0", "light curve"]
    failed = replace(job, state=S.FAILED, error=ErrorInfo("espfilt ended with code 1.", "Look at its log."))
    assert job_text(failed).endswith("espfilt ended with code 1. Look at its log.")
