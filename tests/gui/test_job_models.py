"""The models of the Queue workspace, on jobs made by hand."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QItemSelection, QModelIndex
from PySide6.QtTest import QAbstractItemModelTester

from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.step import Call, Step
from daxa_gui.gui.models.downloads import Column, DownloadTree
from daxa_gui.gui.models.jobs import (
    FRACTION_ROLE,
    JOB_ROLE,
    STATE_ROLE,
    format_bytes,
    state_word,
    why,
)
from daxa_gui.gui.models.processing import ProcessingGrid


def job(number, mission="swift", obs_id="00000000001", unit="a.evt.gz", kind="download", step="", state=JobState.QUEUED, **more):
    return Job(number, kind, "host:x", mission, obs_id, unit, step, f"Fetch {unit}", Call("m:f"), state=state, **more)


STEPS = tuple(Step(name, name.title(), "", "builtin", (), (), "m:f") for name in ("prepare", "flares"))


@pytest.fixture
def tree(qapp):
    model = DownloadTree({"swift": "Swift"})
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    yield model
    del tester


def child(model, *rows, column=0):
    index = QModelIndex()
    for row in rows:
        index = model.index(row, 0, index)
    return index.siblingAtColumn(column)


def test_that_files_stand_below_their_observation_and_mission(tree):
    tree.set_jobs([job(1), job(2, unit="b.evt.gz"), job(3, mission="chandra", obs_id="15043")])
    assert child(tree, 0).data() == "Swift"
    assert child(tree, 1).data() == "chandra"
    assert child(tree, 0, 0).data() == "00000000001"
    assert [child(tree, 0, 0, row).data() for row in (0, 1)] == ["a.evt.gz", "b.evt.gz"]
    assert child(tree, 0, 0, 1).data(JOB_ROLE).id == 2


def test_that_a_new_file_of_a_known_observation_is_added_below_it(tree):
    tree.set_jobs([job(1)])
    tree.update_jobs([job(2, unit="b.evt.gz")])
    assert tree.rowCount(child(tree, 0, 0)) == 2
    tree.update_jobs([job(3, obs_id="00000000002"), job(4, mission="chandra", obs_id="1")])
    assert tree.rowCount(child(tree, 0)) == 2
    assert tree.rowCount() == 2


def test_that_a_group_shows_the_bytes_of_its_files(tree):
    done = job(1, total=100.0, state=JobState.SUCCEEDED)
    tree.set_jobs([done, job(2, unit="b", total=300.0, done=100.0, state=JobState.RUNNING)])
    assert child(tree, 0).siblingAtColumn(Column.PROGRESS).data(FRACTION_ROLE) == pytest.approx(0.5)
    assert child(tree, 0, 0, column=Column.SIZE).data() == "400 B"
    assert child(tree, 0, column=Column.STATE).data() == "running"


def test_that_a_changed_job_announces_its_groups_too(tree, qtbot):
    tree.set_jobs([job(1)])
    changed = []
    tree.dataChanged.connect(lambda first, _last: changed.append(first.data()))
    tree.update_jobs([job(1, state=JobState.SUCCEEDED)])
    assert set(changed) == {"a.evt.gz", "00000000001", "Swift"}
    assert child(tree, 0, column=Column.STATE).data() == "done"


def test_that_sums_follow_every_change_of_their_files(tree):
    jobs = [job(n, unit=f"{n}.evt", obs_id=f"{n % 3:011d}", total=100.0) for n in range(1, 10)]
    tree.set_jobs(jobs)
    tree.update_jobs([replace(jobs[0], state=JobState.RUNNING, done=50.0), replace(jobs[1], state=JobState.FAILED)])
    tree.update_jobs([replace(jobs[0], state=JobState.SUCCEEDED, lane="host:y"), job(20, obs_id="new", total=40.0)])
    fresh = DownloadTree({"swift": "Swift"})
    fresh.set_jobs(tree.node_jobs(QModelIndex()))
    assert {k: v for k, v in tree.sums().sums.items() if v} == dict(fresh.sums().sums)
    assert tree.sums().count("bytes here") == 100.0
    assert tree.sums().count("files done") == 1
    assert tree.sums().count("retryable") == 1
    assert tree.sums().count("open") == 8


def test_that_many_new_files_come_in_one_go(tree, qtbot):
    tree.set_jobs([job(1)])
    insertions = []
    tree.rowsInserted.connect(lambda parent, first, last: insertions.append(last - first + 1))
    tree.update_jobs([job(n, unit=f"{n}.evt", obs_id=f"{n // 10:011d}") for n in range(100, 200)])
    assert insertions == [10]
    assert tree.rowCount(child(tree, 0)) == 11
    assert tree.rowCount(child(tree, 0, 5)) == 10


def test_that_selected_rows_stand_for_what_is_below_them(tree, qtbot):
    tree.set_jobs([job(1), job(2, unit="b"), job(3, obs_id="00000000002")])
    assert [node.count("jobs") for node in tree.chosen(QItemSelection())] == [3]
    observation = child(tree, 0, 0)
    assert [node.count("jobs") for node in tree.chosen(QItemSelection(observation, observation))] == [2]
    files = QItemSelection(child(tree, 0, 0, 0), child(tree, 0, 0, 1))
    assert [node.job.id for node in tree.chosen(files)] == [1, 2]


def test_that_reduction_jobs_do_not_stand_among_downloads(tree):
    tree.set_jobs([])
    tree.update_jobs([job(1, kind="reduce", step="flares", unit="M1S001")])
    assert tree.rowCount() == 0


def test_that_the_grid_has_a_row_per_exposure_and_a_column_per_step(qapp):
    grid = ProcessingGrid(STEPS, {"xmm_pointed": "XMM-Newton"})
    tester = QAbstractItemModelTester(grid, QAbstractItemModelTester.FailureReportingMode.Fatal)
    grid.set_jobs([])
    first = job(1, "xmm_pointed", "0999900101", "M1S001", "reduce", "prepare")
    grid.update_jobs([first, replace(first, id=2, step="flares"), replace(first, id=3, unit="M2S002")])
    assert (grid.rowCount(), grid.columnCount()) == (2, 2)
    assert grid.unit(1) == ("xmm_pointed", "0999900101", "M2S002")
    assert grid.index(1, 1).data() is None
    grid.update_jobs([replace(first, state=JobState.SUCCEEDED, reason="closed filter")])
    assert grid.index(0, 0).data(STATE_ROLE) == "excluded"
    del tester


def test_that_words_tell_success_from_success_with_a_warning():
    assert state_word(job(1, state=JobState.SUCCEEDED)) == "done"
    assert state_word(job(1, state=JobState.SUCCEEDED, warnings=("few counts",))) == "warned"
    failed = job(1, state=JobState.FAILED, error=ErrorInfo("The server said no.", "Try later."))
    assert why(failed) == "The server said no. Try later."


@pytest.mark.parametrize(("count", "text"), [(None, "–"), (0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (123_456_789, "123 MB")])
def test_that_sizes_are_written_with_sensible_digits(count, text):
    assert format_bytes(count) == text
