"""Very many jobs that change at once: what is shown is read anew, and stays where it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel

from daxa_gui.core import events
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.core.step import Call
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.models.download_columns import CAN_CANCEL, CAN_RETRY, DownloadColumns
from daxa_gui.gui.models.download_shape import HIDDEN, Shape
from daxa_gui.gui.models.downloads import ID_ROLE
from daxa_gui.gui.models.jobs import FRACTION_ROLE, JOB_ROLE, STATE_ROLE, fraction, state_word
from daxa_gui.gui.models.processing import ProcessingGrid
from daxa_gui.gui.overview_feed import OverviewFeed
from daxa_gui.reduction import STEPS
from tests.fakes.download_session import Downloads, DownloadSession, download

S = JobState
SELECT = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows


@pytest.fixture
def downloads(qtbot):
    one = Downloads(DownloadSession([download(n, f"{n // 3:010d}", S.QUEUED, unit=f"{n}.FTZ") for n in range(1, 31)]))
    qtbot.addWidget(one.panel)
    qtbot.waitUntil(lambda: one.panel.model.columns.n_rows == 30)
    yield one
    one.close()


def cancel_all(one: Downloads) -> None:
    """As the queue does it: stored, and announced in one word."""
    one.session.known.update({n: replace(job, state=S.CANCELLED) for n, job in one.session.known.items()})
    one.session.bus.publish(events.ManyJobsChanged(finished=True))


def test_that_very_many_downloads_are_read_anew_and_what_is_open_and_chosen_stays(downloads, qtbot):
    panel = downloads.panel
    mission = panel.model.index(0, 0)
    observation = panel.model.index(2, 0, mission)
    panel.view.collapse(panel.model.index(1, 0, mission))
    panel.view.expand(observation)
    file = panel.model.index(1, 0, observation)
    panel.view.selectionModel().setCurrentIndex(file, SELECT)
    qtbot.waitUntil(lambda: "queued" in panel.sentence.text())
    cancel_all(downloads)
    qtbot.waitUntil(lambda: file.data(STATE_ROLE) == "cancelled" and "cancelled" in panel.sentence.text())
    assert panel.view.isExpanded(observation) and panel.view.selectionModel().isSelected(file)
    assert mission.data(STATE_ROLE) == "cancelled" and panel.verbs.isVisible()
    assert panel._ids(CAN_RETRY) == [file.data(ID_ROLE)] and not panel._ids(CAN_CANCEL)


def test_that_a_filter_follows_very_many_changes(downloads, qtbot):
    panel = downloads.panel
    panel.states.setCurrentText("Waiting")
    assert len(panel.view.chosen()) == 30
    cancel_all(downloads)
    qtbot.waitUntil(lambda: len(panel.view.chosen()) == 0)
    panel.states.setCurrentText("Cancelled or skipped")
    assert len(panel.view.chosen()) == 30


def test_that_what_changes_after_very_many_is_shown_on_top_of_them(downloads, qtbot):
    cancel_all(downloads)
    downloads.session.set_state(7, S.SUCCEEDED)
    [row] = downloads.panel.model.columns.rows_of([7]).tolist()
    model = downloads.panel.model
    qtbot.waitUntil(lambda: model.columns.lane_counts() and model.index_text(2, row, 1) == "done")
    qtbot.waitUntil(lambda: model.index_text(2, row - 1, 1) == "cancelled")
    assert model.index_text(2, row, 1) == "done"


def test_that_what_changes_again_and_again_is_read_once_more_afterwards_and_not_all_the_time(qtbot):
    """Very many jobs change while they are being read: what was read arrives, and is read once more."""
    session = DownloadSession([download(1, "1", S.QUEUED)])
    reads: list[int] = []
    one = Downloads(session)
    qtbot.addWidget(one.panel)
    feed = OverviewFeed(session, one.context, one.bridge, len, ("download",))
    read, asked = one.context.background.read, []
    one.context.background.read = lambda *about: asked.append(about)
    feed.replaced.connect(reads.append)
    feed.read()
    for _ in range(5):
        one.bridge.many_jobs_changed.emit()
    mine = [about for about in asked if about[0] is feed]
    assert reads == [0] and len(mine) == 1, "one reading at a time"
    asked.clear()
    one.context.background.read = read
    read(*mine[0])
    qtbot.waitUntil(lambda: reads == [0, 1, 1], timeout=60_000)
    one.bridge.many_jobs_changed.emit()
    qtbot.waitUntil(lambda: reads == [0, 1, 1, 1], timeout=60_000)
    one.close()


def test_that_the_bridge_tells_of_many_jobs_in_turns_and_of_very_many_last(qapp, qtbot):
    bus = Bus()
    bridge = Bridge(bus, interval_ms=10_000)
    heard: list[int | str] = []
    bridge.jobs_changed.connect(lambda jobs: heard.append(len(jobs)))
    bridge.many_jobs_changed.connect(lambda: heard.append("many"))
    jobs = [Job(n, "download", "host:x", "swift", "1", f"{n}", "", "Fetch", Call("m:f")) for n in range(1200)]
    bus.publish_all([events.JobChanged(job) for job in jobs])
    bridge.drain()
    assert heard == [500]
    qtbot.waitUntil(lambda: heard == [500, 500, 200])
    heard.clear()
    bus.publish(events.ManyJobsChanged(finished=True))
    bus.publish_all([events.JobChanged(job) for job in jobs])
    bridge.drain()
    assert heard == [1200, "many"]
    heard.clear()
    bus.publish_all([events.JobChanged(job) for job in jobs])
    bridge.drain()
    bus.publish(events.ArchiveChanged("/other"))
    bridge.drain()
    qtbot.wait(50)
    assert heard == [500]  # the others mean nothing in another archive
    bridge.stop()


def test_that_the_grid_keeps_what_is_chosen_and_says_of_each_cell_what_its_job_says(qapp):
    names = [step.name for step in STEPS.values()]
    states = list(S)
    jobs = [
        Job(n, "reduce", "local", "swift", f"{n // 4:011d}", "M1", names[n % 4], "Run", Call("m:f"), states[n % len(states)],
            done=float(n), total=(None, 0.0, 50.0)[n % 3], warnings=("Short.",) if n % 5 == 0 else ())
        for n in range(80)
    ]  # fmt: skip
    grid = ProcessingGrid(list(STEPS.values()), {})
    resets: list[None] = []
    grid.modelReset.connect(lambda: resets.append(None))
    grid.set_jobs(jobs)
    grid.set_cells(grid.arranged(JobOverview.of([replace(job, state=S.RUNNING) for job in jobs[:40]] + jobs[40:])))
    assert len(resets) == 1
    indices = [grid.index(row, column) for row in range(grid.rowCount()) for column in range(grid.columnCount())]
    shown = [index for index in indices if index.data(JOB_ROLE) is not None]
    assert len(shown) == 80
    for index in shown:
        job = index.data(JOB_ROLE)
        assert (index.data(STATE_ROLE), index.data(FRACTION_ROLE)) == (state_word(job), fraction(job))
        assert index.data().startswith(state_word(job))
    grid.set_jobs(jobs[:40])
    assert len(resets) == 2


def test_that_every_file_of_a_shape_is_where_it_says():
    jobs = [
        download(n, f"{n % 7:010d}", S.QUEUED, unit=f"{n}.FTZ", mission=("chandra", "xmm_pointed")[n % 7 % 2]) for n in range(60)
    ]
    columns = DownloadColumns.of_jobs(jobs, {})
    mask = np.arange(60) % 3 != 0
    for shape in (Shape(columns), Shape(columns, mask)):
        shown = [
            shape.file_at(observation, place)
            for mission in shape.missions
            for observation in shape.below(0, mission)
            for place in range(shape.n_files(observation))
        ]
        assert (
            sorted(shown) == shape.shown().tolist() == (np.flatnonzero(mask).tolist() if shape.is_filtered else list(range(60)))
        )
        for row in range(60):
            place, observation = shape.place_of_file(row), int(columns.observation[row])
            if place == HIDDEN:
                assert row not in shown
            else:
                assert shape.file_at(observation, place) == row == shape.below(1, observation)[place]
        with pytest.raises(IndexError):
            shape.file_at(0, shape.n_files(0))
    later = columns.add([download(n, f"{n % 9:010d}", S.QUEUED, unit=f"{n}.FTZ") for n in range(60, 78)])
    shape = Shape(DownloadColumns.of_jobs(jobs, {}))
    shape.columns = columns
    shape.append(later)
    assert shape.places_of_files(np.arange(78)).tolist() == [shape.place_of_file(row) for row in range(78)]
    assert sum(shape.n_files(observation) for observation in range(len(columns.observations))) == 78
