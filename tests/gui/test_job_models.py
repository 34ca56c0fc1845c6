"""The models of the Queue workspace, on jobs made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QItemSelection, QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.core.step import Call, Step
from daxa_gui.gui.models.download_columns import DownloadColumns
from daxa_gui.gui.models.downloads import ID_ROLE, Column, DownloadTree
from daxa_gui.gui.models.jobs import (
    FRACTION_ROLE,
    STATE_ROLE,
    format_bytes,
    format_part,
    state_word,
    why,
)
from daxa_gui.gui.models.processing import ProcessingGrid


def job(
    number,
    mission="swift",
    obs_id="00000000001",
    unit="a.evt.gz",
    kind="download",
    step="",
    state=JobState.QUEUED,
    **more,
):
    task = Call("m:f", {"expected_bytes": more.get("total") if more.pop("exact", False) else None})
    return Job(number, kind, "host:x", mission, obs_id, unit, step, f"Fetch {unit}", task, state=state, **more)


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


def names(model, *rows):
    """What stands below a row."""
    parent = child(model, *rows) if rows else QModelIndex()
    return [model.index(row, 0, parent).data() for row in range(model.rowCount(parent))]


def test_that_files_stand_below_their_observation_and_mission(tree):
    tree.set_jobs([job(1), job(2, unit="b.evt.gz"), job(3, mission="chandra", obs_id="15043")])
    assert names(tree) == ["Swift", "chandra"]
    assert names(tree, 0) == ["00000000001"]
    assert names(tree, 0, 0) == ["a.evt.gz", "b.evt.gz"]
    assert child(tree, 0, 0, 1).data(ID_ROLE) == 2
    assert child(tree, 0, 0, 1).parent() == child(tree, 0, 0)
    assert child(tree, 0, 0).parent() == child(tree, 0)


def test_that_a_new_file_of_a_known_observation_is_added_below_it(tree):
    tree.set_jobs([job(1)])
    tree.update_jobs([job(2, unit="b.evt.gz")])
    assert tree.rowCount(child(tree, 0, 0)) == 2
    tree.update_jobs([job(3, obs_id="00000000002"), job(4, mission="chandra", obs_id="1")])
    assert tree.rowCount(child(tree, 0)) == 2
    assert tree.rowCount() == 2


def test_that_jobs_that_are_announced_out_of_order_find_their_rows(tree):
    tree.set_jobs([job(7)])
    tree.update_jobs([job(9, unit="nine")])
    tree.update_jobs([job(8, unit="eight")])
    tree.update_jobs([job(9, unit="nine", state=JobState.FAILED), job(8, unit="eight", state=JobState.RUNNING)])
    states = {child(tree, 0, 0, row).data(): child(tree, 0, 0, row, column=Column.STATE).data() for row in range(3)}
    assert states == {"a.evt.gz": "queued", "nine": "failed", "eight": "running"}


def test_that_a_group_shows_the_bytes_of_its_files(tree):
    done = job(1, total=100.0, state=JobState.SUCCEEDED)
    tree.set_jobs([done, job(2, unit="b", total=300.0, done=100.0, state=JobState.RUNNING, exact=True)])
    assert child(tree, 0).siblingAtColumn(Column.PROGRESS).data(FRACTION_ROLE) == pytest.approx(0.5)
    assert child(tree, 0, 0, column=Column.SIZE).data() == "400 B"
    assert child(tree, 0, column=Column.STATE).data() == "running"


def test_that_sizes_that_are_estimates_look_like_it_until_the_file_is_here(tree):
    rounded = job(1, total=300.0, state=JobState.RUNNING)
    tree.set_jobs([rounded])
    assert child(tree, 0, 0, 0, column=Column.SIZE).data() == child(tree, 0, column=Column.SIZE).data() == "≈ 300 B"
    tree.update_jobs([replace(rounded, total=312.0, done=312.0, state=JobState.SUCCEEDED)])
    assert child(tree, 0, 0, 0, column=Column.SIZE).data() == child(tree, 0, column=Column.SIZE).data() == "312 B"


def test_that_a_group_with_sizes_that_nobody_knows_is_measured_in_files(tree):
    tree.set_jobs([job(1, total=100.0, state=JobState.SUCCEEDED), job(2, unit="b"), job(3, unit="c"), job(4, unit="d")])
    assert child(tree, 0, column=Column.PROGRESS).data(FRACTION_ROLE) == pytest.approx(0.25)


def test_that_a_bar_is_never_full_before_the_end(tree):
    tree.set_jobs([job(1, total=100.0, done=100.0, state=JobState.RUNNING, exact=True)])
    assert child(tree, 0, column=Column.PROGRESS).data(FRACTION_ROLE) < 1.0


def test_that_a_changed_job_announces_its_groups_too(tree, qtbot):
    tree.set_jobs([job(1)])
    changed = []
    tree.dataChanged.connect(lambda first, _last: changed.append(first.data()))
    tree.update_jobs([job(1, state=JobState.SUCCEEDED)])
    assert set(changed) == {"a.evt.gz", "00000000001", "Swift"}
    assert child(tree, 0, column=Column.STATE).data() == "done"


def sums_of(jobs):
    fresh = DownloadTree({"swift": "Swift"})
    fresh.set_jobs(jobs)
    return fresh.columns


@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from(list(JobState)), st.integers(0, 200)), max_size=25))
@settings(max_examples=60, deadline=None)
def test_that_sums_follow_every_change_of_their_files(changes):
    jobs = {n: job(n, unit=f"{n}.evt", obs_id=f"{n % 3:011d}", total=None if n % 4 == 0 else 100.0) for n in range(1, 10)}
    model = DownloadTree({"swift": "Swift"})
    model.set_jobs(jobs.values())
    for number, state, done in changes:
        old = jobs.get(number) or job(number, unit=f"{number}.evt", obs_id="new")
        jobs[number] = replace(old, state=state, done=float(done), error=ErrorInfo(f"No {number % 2}."))
        model.update_jobs([jobs[number]])
    fresh, kept = sums_of(jobs.values()), model.columns
    assert kept.sums.tolist() == fresh.sums.tolist()
    for mine, new in ((kept.sums_of_observations, fresh.sums_of_observations), (kept.sums_of_missions, fresh.sums_of_missions)):
        assert {tuple(row) for row in mine.tolist() if any(row)} == {tuple(row) for row in new.tolist() if any(row)}
    groups = {what: {kept.ids[row] for row in rows} for what, rows in kept.failures.items()}
    assert groups == {what: {fresh.ids[row] for row in rows} for what, rows in fresh.failures.items()}
    assert sum(len(ids) for ids in groups.values()) == sum(one.state is JobState.FAILED for one in jobs.values())


def test_that_columns_of_a_whole_archive_are_those_of_its_jobs():
    kinds = ("download", "plan", "reduce")
    jobs = [
        job(n, f"m{n % 3}", f"{n % 7:04d}", f"sub/{n}.evt", kinds[n % 5 if n % 5 < 3 else 0], state=list(JobState)[n % 9], **more)
        for n in range(1, 200)
        for more in [{} if n % 4 == 0 else {"total": 100.0 * n, "done": 7.0 * n, "warnings": ("w",) if n % 11 == 0 else ()}]
    ]
    failed = [replace(one, error=ErrorInfo(f"No {one.unit}.", "Why.")) if one.state is JobState.FAILED else one for one in jobs]
    excluded = [replace(one, reason="nothing" if one.id % 13 == 0 else "") for one in failed]
    mine, theirs = (
        DownloadColumns.of_overview(JobOverview.of(excluded), {"m0": "M"}),
        DownloadColumns.of_jobs(excluded, {"m0": "M"}),
    )
    n = mine.n_rows
    assert n == theirs.n_rows and n < len(jobs)
    for name in ("ids", "words", "is_file", "done", "total", "observation", "lane"):
        np.testing.assert_array_equal(getattr(mine, name)[:n], getattr(theirs, name)[:n])
    assert [mine.names[row] for row in range(n)] == [theirs.names[row] for row in range(n)]
    for name in ("observations", "missions", "lanes", "failures", "notes"):
        assert getattr(mine, name) == getattr(theirs, name), name
    assert mine.sums.tolist() == theirs.sums.tolist()
    mine.update(mine.rows_of([1]), [replace(jobs[0], state=JobState.FAILED)])
    mine.add([job(1000, "m0", "new")])
    assert mine.names[n] == "a.evt.gz" and mine.rows_of([1000, 5000]).tolist() == [n, -1]


def test_that_the_same_failure_of_many_files_is_one(tree):
    def failed(number, text):
        name = f"{number}.evt"
        error = ErrorInfo(text.format(name))
        return job(number, unit=f"sub/{name}", obs_id=f"{number % 3:011d}", state=JobState.FAILED, error=error)

    tree.set_jobs([failed(n, "The server answered 503 for {}.") for n in range(10, 17)] + [failed(20, "{} has a wrong size.")])
    assert {what: len(rows) for what, rows in tree.columns.failures.items()} == {
        "The server answered 503 for ….": 7,
        "… has a wrong size.": 1,
    }


def test_that_many_new_files_come_in_one_go(tree, qtbot):
    tree.set_jobs([job(1)])
    insertions = []
    tree.rowsInserted.connect(lambda parent, first, last: insertions.append(last - first + 1))
    tree.update_jobs([job(n, unit=f"{n}.evt", obs_id=f"{n // 10:011d}") for n in range(100, 200)])
    assert insertions == [1] * 10
    assert tree.rowCount(child(tree, 0)) == 11
    assert tree.rowCount(child(tree, 0, 5)) == 10


def test_that_files_of_very_many_new_observations_come_in_one_go(tree, qtbot):
    tree.set_jobs([job(1), job(2, unit="b")])
    node = tree.node(child(tree, 0, 0, 1))
    with qtbot.waitSignal(tree.modelReset):
        tree.update_jobs([job(n, unit=f"{n}.evt", obs_id=f"{n:011d}") for n in range(100, 200)])
    assert tree.index_of(node).data() == "b"
    assert tree.rowCount(child(tree, 0)) == 101


def chosen_ids(tree, selection):
    return tree.ids_of(tree.chosen(selection))


def test_that_selected_rows_stand_for_what_is_below_them(tree, qtbot):
    tree.set_jobs([job(1), job(2, unit="b"), job(3, obs_id="00000000002")])
    assert chosen_ids(tree, QItemSelection()) == [1, 2, 3]
    observation = child(tree, 0, 0)
    assert chosen_ids(tree, QItemSelection(observation, observation)) == [1, 2]
    assert chosen_ids(tree, QItemSelection(child(tree, 0, 0, 0), child(tree, 0, 0, 1))) == [1, 2]
    both = QItemSelection(child(tree, 0), child(tree, 0))
    both.select(child(tree, 0, 0, 1), child(tree, 0, 0, 1))
    assert chosen_ids(tree, both) == [1, 2, 3]


def filtered(tree):
    return {tree.ids_of([row])[0] for row in tree.chosen(QItemSelection())}


def test_that_a_filter_leaves_files_of_some_states_with_their_groups(tree):
    tree.set_jobs(
        [job(1, state=JobState.FAILED), job(2, unit="b"), job(3, obs_id="00000000002"), job(4, mission="chandra", obs_id="1")]
    )
    tree.set_filter(("failed",))
    assert names(tree) == ["Swift"] and names(tree, 0) == ["00000000001"] and names(tree, 0, 0) == ["a.evt.gz"]
    tree.set_filter(())
    assert filtered(tree) == {1, 2, 3, 4} and not tree.is_filtered


@pytest.mark.parametrize(
    ("text", "ids"),
    [("B.evt", {2}), ("00002", {3}), ("CHAN", {4}), ("nowhere", set()), ("", {1, 2, 3, 4}), ("evt", {1, 2, 3, 4})],
)
def test_that_a_filter_finds_file_obs_id_and_mission(tree, text, ids):
    tree.set_jobs([job(1), job(2, unit="sub/b.evt"), job(3, obs_id="00000000002"), job(4, mission="chandra", obs_id="1")])
    tree.set_filter((), text)
    assert filtered(tree) == ids


def test_that_a_filter_knows_when_it_would_leave_other_files_by_now(tree):
    jobs = [job(1, state=JobState.RUNNING), job(2, unit="b")]
    tree.set_jobs(jobs)
    tree.set_filter(("running",))
    kept = tree.node(child(tree, 0, 0, 0))
    tree.update_jobs([replace(jobs[1], state=JobState.RUNNING), job(3, unit="c", state=JobState.RUNNING)])
    assert tree.is_outdated and filtered(tree) == {1}
    tree.refilter()
    assert filtered(tree) == {1, 2, 3} and not tree.is_outdated
    assert tree.index_of(kept).data() == "a.evt.gz"
    tree.update_jobs([replace(jobs[0], state=JobState.SUCCEEDED)])
    tree.refilter()
    assert not tree.index_of(kept).isValid() and filtered(tree) == {2, 3}


def test_that_rates_are_told_once_they_are_known_and_fall_when_nothing_comes(tree):
    running = job(1, total=100e6, state=JobState.RUNNING, exact=True)
    tree.set_jobs([replace(running, state=JobState.QUEUED)])
    rate = lambda *rows: child(tree, *rows, column=Column.RATE).data()  # noqa: E731
    for second in range(6):
        tree.update_jobs([replace(running, done=1e6 * second)], float(second))
        tree.tick(float(second))
        if second == 1:
            assert rate(0, 0, 0) == ""
    assert rate(0, 0, 0) == rate(0, 0) == rate(0) == "1.0 MB/s"
    assert child(tree, 0, 0, 0, column=Column.LEFT).data() == child(tree, 0, column=Column.LEFT).data() == "2 min"
    assert child(tree, 0).data(Qt.ItemDataRole.ToolTipRole).endswith("1.0 MB/s, 2 min left")
    tree.tick(15.0)
    assert rate(0, 0, 0).startswith("90.9 kB/s")  # nothing came for ten seconds
    tree.tick(60.0)
    assert rate(0, 0, 0) == "0 B/s"
    tree.update_jobs([replace(running, done=100e6, state=JobState.SUCCEEDED)], 61.0)
    tree.tick(61.0)
    assert rate(0, 0, 0) == rate(0) == ""


def test_that_bytes_that_were_here_before_do_not_count_as_received(tree):
    running = job(1, total=100.0, state=JobState.RUNNING)
    tree.set_jobs([replace(running, state=JobState.QUEUED), job(2, unit="b"), job(3, unit="c")])
    tree.update_jobs([running], 0.0)
    tree.update_jobs([replace(running, done=60.0)], 1.0)  # taken up where it was
    tree.update_jobs([replace(running, done=80.0)], 2.0)
    assert tree.runs.received_bytes == 20.0
    finished = replace(running, done=100.0, state=JobState.SUCCEEDED, facts={"fetched_bytes": 40.0})
    tree.update_jobs([finished], 3.0)
    assert tree.runs.received_bytes == 40.0
    for number, fetched in ((2, 0.0), (3, 500.0)):  # one was here and whole, one came between two reports
        short = job(number, unit="bc"[number - 2], state=JobState.RUNNING)
        tree.update_jobs([short], 4.0)
        tree.update_jobs([replace(short, state=JobState.SUCCEEDED, done=500.0, facts={"fetched_bytes": fetched})], 4.1)
    assert tree.runs.received_bytes == 540.0


def test_that_names_of_files_do_not_repeat_the_obs_id_that_they_stand_below(tree):
    tree.set_jobs([job(1, obs_id="0147511601", unit="P0147511601M1S001MIEVLI0000.FTZ")])
    assert names(tree, 0, 0) == ["P…M1S001MIEVLI0000.FTZ"]
    assert "P0147511601M1S001MIEVLI0000.FTZ" in child(tree, 0, 0, 0).data(Qt.ItemDataRole.ToolTipRole)


def test_that_a_name_with_signs_of_all_kinds_is_kept(tree):
    tree.set_jobs([job(1, unit="ä « b »\n.evt"), job(2, unit="\udcff"), job(3, unit="")])
    assert names(tree, 0, 0) == ["ä « b » .evt", "?", ""]


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


@pytest.mark.parametrize(
    ("part", "whole", "rounded", "text"),
    [
        (12.3e9, 48e9, True, "12.3 of about 48.0 GB"),
        (999e6, 48e9, False, "999 MB of 48.0 GB"),
        (0, 0, False, "0 of 0 B"),
        (2e12, 130e12, False, "2.0 of 130 TB"),
    ],
)
def test_that_two_sizes_share_their_unit(part, whole, rounded, text):
    assert format_part(part, whole, rounded=rounded) == text
