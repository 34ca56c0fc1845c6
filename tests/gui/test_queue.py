"""The Queue workspace on the practice sky: create, download, run, run a step, cancel, retry, pause, look."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt
from PySide6.QtWidgets import QLabel, QPushButton

from daxa_gui.core.events import JobChanged
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.core.step import Call
from daxa_gui.gui.models.downloads import ID_ROLE, Column
from daxa_gui.gui.models.jobs import JOB_ROLE, STATE_ROLE
from tests.fakes.windows import LONG_MS, Shell, near_the_cluster

SELECT = QItemSelectionModel.SelectionFlag.ClearAndSelect


def click(qtbot, button) -> None:
    assert button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def is_idle(window: Shell, kinds: tuple[str, ...]) -> bool:
    jobs = [job for job in window.session.jobs() if job.kind in kinds]
    return bool(jobs) and all(job.is_finished for job in jobs)


def create(window: Shell, qtbot) -> None:
    """A small archive of the practice sky, whose downloads begin."""
    selections = near_the_cluster(window.session)
    window.session.create_archive("queue test", selections)
    qtbot.waitUntil(lambda: "queue test" in window.window.windowTitle())


def rows(model, parent=QModelIndex()) -> list[QModelIndex]:  # noqa: B008
    return [model.index(row, 0, parent) for row in range(model.rowCount(parent))]


def files(model) -> list[QModelIndex]:
    return [file for mission in rows(model) for observation in rows(model, mission) for file in rows(model, observation)]


# ---- from nothing to a reduced archive


def test_that_an_empty_queue_says_what_to_do(window):
    downloads, processing = window.panel("queue", "downloads"), window.panel("queue", "processing")
    for panel in (downloads, processing):
        assert "Create one in Find" in panel.summary.text()
        assert not panel.view.isVisible()
    names = ("pauseDownloads", "resumeDownloads", "retryDownloads", "cancelDownloads")
    for name in (*names, "runEverything", "runStep", "retryProcessing"):
        assert not window.child(QPushButton, name).isEnabled()


def test_that_run_everything_leads_from_downloads_to_a_full_grid(practice, qtbot):
    downloads, processing = practice.panel("queue", "downloads"), practice.panel("queue", "processing")
    create(practice, qtbot)
    qtbot.waitUntil(lambda: is_idle(practice, ("plan", "download")), timeout=LONG_MS)
    qtbot.waitUntil(lambda: "3 of 3 files" in downloads.summary.text())
    assert {index.siblingAtColumn(Column.STATE).data() for index in rows(downloads.model)} == {"done"}
    qtbot.waitUntil(lambda: "Data of 2 of 2 observations are here" in processing.summary.text(), timeout=LONG_MS)
    click(qtbot, processing.run_button)
    qtbot.waitUntil(lambda: is_idle(practice, ("reduce",)), timeout=LONG_MS)
    qtbot.waitUntil(lambda: processing.summary.text() == "12 done")
    assert (processing.model.rowCount(), processing.model.columnCount()) == (3, 4)
    qtbot.waitUntil(lambda: practice.child(QLabel, "queueState").text() == "Queue: idle")


def test_that_running_everything_again_says_that_there_is_nothing_to_do(reduced, qtbot):
    processing = reduced.panel("queue", "processing")
    reduced.session.reduce()  # the archive stands elsewhere now, so that its tasks have other paths
    qtbot.waitUntil(lambda: is_idle(reduced, ("reduce",)) and processing.run_button.isEnabled(), timeout=LONG_MS)
    click(qtbot, processing.run_button)
    qtbot.waitUntil(lambda: "Everything is done already" in reduced.window.status_line.currentMessage(), timeout=LONG_MS)


# ---- cells


def cell_of(window: Shell, word: str) -> QModelIndex:
    model = window.panel("queue", "processing").model
    cells = (model.index(row, column) for row in range(model.rowCount()) for column in range(model.columnCount()))
    return next(cell for cell in cells if cell.data(STATE_ROLE) == word)


def test_that_a_click_on_a_cell_says_why_and_opens_its_log(reduced, qtbot):
    processing, log = reduced.panel("queue", "processing"), reduced.panel("queue", "job_log")
    qtbot.waitUntil(lambda: processing.model.rowCount() == 6, timeout=LONG_MS)
    cell = cell_of(reduced, "excluded")
    processing.view.scrollTo(cell)
    place = processing.view.visualRect(cell).center()
    qtbot.mouseClick(processing.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    job = cell.data(JOB_ROLE)
    assert reduced.context.job_id == job.id
    assert reduced.context.observation == (job.mission, job.obs_id)
    assert "closed" in processing.cell.text().lower() and processing.cell.isVisible()
    qtbot.waitUntil(lambda: log.lines.n_lines > 0, timeout=LONG_MS)
    assert job.title in log.title.text()


@pytest.mark.parametrize("by_key", [False, True])
def test_that_a_double_click_or_enter_leads_to_inspect(reduced, qtbot, by_key):
    processing = reduced.panel("queue", "processing")
    qtbot.waitUntil(lambda: processing.model.rowCount() == 6, timeout=LONG_MS)
    cell = processing.model.index(0, 1)
    if by_key:
        processing.view.setFocus()
        processing.view.setCurrentIndex(cell)
        qtbot.keyClick(processing.view, Qt.Key.Key_Return)
    else:
        place = processing.view.visualRect(cell).center()
        qtbot.mouseClick(processing.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(processing.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: reduced.window.pages.currentWidget().objectName() == "workspace_inspect", timeout=LONG_MS)
    product, job = reduced.context.product, cell.data(JOB_ROLE)
    assert (product.key.obs_id, product.key.unit, str(product.key.kind)) == (job.obs_id, job.unit, "events")


def test_that_a_failed_cell_can_be_run_again(reduced, qtbot):
    processing = reduced.panel("queue", "processing")
    qtbot.waitUntil(lambda: processing.model.rowCount() == 6, timeout=LONG_MS)
    [swift] = [e for e in reduced.session.exposures() if e.mission == "swift"]
    path = Path(swift.raw.path)
    shutil.move(path, path.with_suffix(".away"))
    reduced.session.reduce(None, {"flares": {"n_sigma": 4.0}})
    qtbot.waitUntil(lambda: "1 failed" in processing.summary.text() and is_idle(reduced, ("reduce",)), timeout=LONG_MS)
    qtbot.waitUntil(lambda: "1 failed" in reduced.child(QLabel, "queueState").text())
    shutil.move(path.with_suffix(".away"), path)
    failed = cell_of(reduced, "failed")
    processing.view.selectionModel().setCurrentIndex(failed, SELECT)
    assert path.name in processing.cell.text()
    click(qtbot, processing.retry_button)
    qtbot.waitUntil(lambda: failed.data(STATE_ROLE) == "done" and "failed" not in processing.summary.text(), timeout=LONG_MS)


def test_that_processing_is_cancelled_and_taken_up_again(reduced, qtbot):
    processing = reduced.panel("queue", "processing")
    qtbot.waitUntil(lambda: processing.model.rowCount() == 6, timeout=LONG_MS)
    reduced.session.pause("local")
    reduced.session.reduce(None, {"flares": {"n_sigma": 4.0}})
    qtbot.waitUntil(processing.cancel_button.isEnabled, timeout=LONG_MS)
    click(qtbot, processing.cancel_button)
    qtbot.waitUntil(lambda: "cancelled" in processing.summary.text() and is_idle(reduced, ("reduce",)), timeout=LONG_MS)
    qtbot.waitUntil(lambda: "queued" not in processing.summary.text() and "waiting" not in processing.summary.text())
    reduced.session.resume("local")
    click(qtbot, processing.retry_button)
    qtbot.waitUntil(lambda: "cancelled" not in processing.summary.text() and is_idle(reduced, ("reduce",)), timeout=LONG_MS)
    assert {job.state for job in reduced.session.jobs("reduce") if job.mission == "swift"} == {JobState.SUCCEEDED}


def test_that_buttons_act_on_selected_cells_only(reduced, qtbot, monkeypatch):
    processing = reduced.panel("queue", "processing")
    qtbot.waitUntil(lambda: processing.model.rowCount() == 6, timeout=LONG_MS)
    retried: list[list[int]] = []
    monkeypatch.setattr(reduced.session, "retry", retried.append)
    view = processing.view
    skipped = cell_of(reduced, "skipped")
    view.selectionModel().setCurrentIndex(cell_of(reduced, "done"), SELECT)
    assert not processing.retry_button.isEnabled()
    view.selectionModel().setCurrentIndex(skipped, SELECT)
    click(qtbot, processing.retry_button)
    qtbot.waitUntil(lambda: retried == [[skipped.data(JOB_ROLE).id]])
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not processing.cell.isVisible()
    click(qtbot, processing.retry_button)
    all_skipped = [job.id for job in reduced.session.jobs("reduce") if job.state is JobState.SKIPPED]
    qtbot.waitUntil(lambda: len(retried) == 2)
    assert sorted(retried[1]) == sorted(all_skipped) and len(all_skipped) == 9


# ---- downloads (more of them in test_downloads.py)


def test_that_downloads_pause_resume_cancel_and_are_fetched_again(practice, qtbot):
    downloads = practice.panel("queue", "downloads")
    practice.session.create_archive("queue test", near_the_cluster(practice.session, ("xmm_pointed",)))
    practice.session.pause("host:practice")
    lane = lambda: downloads.lanes.findChild(QPushButton, "pauseLane_practice sky")  # noqa: E731
    qtbot.waitUntil(lambda: lane() is not None and lane().text() == "Resume", timeout=LONG_MS)
    qtbot.waitUntil(lambda: "practice sky paused" in downloads.summary.text())
    qtbot.waitUntil(lambda: not any(job.state is JobState.RUNNING for job in practice.session.jobs()), timeout=LONG_MS)
    before = {job.id: job.state for job in practice.session.jobs() if not job.is_finished}
    assert before
    qtbot.waitUntil(downloads.verbs.buttons["pause"].isEnabled)

    def all_paused() -> bool:
        """Files that a planning job found after the click are paused by another one."""
        if downloads.verbs.buttons["pause"].isEnabled():
            click(qtbot, downloads.verbs.buttons["pause"])
        return not downloads.verbs.buttons["pause"].isEnabled() and downloads.verbs.buttons["resume"].isEnabled()

    qtbot.waitUntil(all_paused, timeout=LONG_MS)
    assert {job.state for job in practice.session.jobs() if not job.is_finished} == {JobState.PAUSED}
    click(qtbot, downloads.verbs.buttons["cancel"])
    qtbot.waitUntil(lambda: all(job.is_finished for job in practice.session.jobs()), timeout=LONG_MS)
    qtbot.waitUntil(lambda: downloads.verbs.buttons["retry"].isEnabled() and not downloads.verbs.buttons["cancel"].isEnabled())
    click(qtbot, downloads.verbs.buttons["retry"])
    qtbot.waitUntil(downloads.verbs.buttons["pause"].isEnabled, timeout=LONG_MS)
    click(qtbot, downloads.verbs.buttons["pause"])
    qtbot.waitUntil(downloads.verbs.buttons["resume"].isEnabled, timeout=LONG_MS)
    click(qtbot, downloads.verbs.buttons["resume"])
    click(qtbot, lane())
    qtbot.waitUntil(lambda: is_idle(practice, ("plan", "download")), timeout=LONG_MS)
    assert {job.state for job in practice.session.jobs()} == {JobState.SUCCEEDED}
    qtbot.waitUntil(lambda: "12 of 12 files" in downloads.summary.text())
    qtbot.waitUntil(lambda: not any(button.isEnabled() for button in downloads.verbs.buttons.values()))


def test_that_a_click_on_a_file_opens_its_log_and_says_how_it_stands(reduced, qtbot):
    downloads = reduced.panel("queue", "downloads")
    qtbot.waitUntil(lambda: bool(files(downloads.model)), timeout=LONG_MS)
    file = files(downloads.model)[1]
    downloads.view.expand(file.parent())
    downloads.view.scrollTo(file)
    place = downloads.view.visualRect(file).center()
    qtbot.mouseClick(downloads.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place.x(), place.y()))
    job = reduced.session.job(file.data(ID_ROLE))
    assert reduced.context.job_id == job.id
    qtbot.waitUntil(lambda: downloads.sentence.isVisible() and job.title in downloads.sentence.text())
    downloads.view.setFocus()
    qtbot.keyClick(downloads.view, Qt.Key.Key_Escape)
    assert not downloads.sentence.isVisible()


def test_that_a_failure_of_a_chosen_file_is_told_in_a_sentence(reduced, qtbot):
    downloads = reduced.panel("queue", "downloads")
    qtbot.waitUntil(lambda: bool(files(downloads.model)), timeout=LONG_MS)
    file = files(downloads.model)[1]
    downloads.view.selectionModel().setCurrentIndex(file, SELECT | QItemSelectionModel.SelectionFlag.Rows)
    qtbot.waitUntil(downloads.sentence.isVisible)
    error = ErrorInfo("The server « x » answers 404 for <a.evt>.", "Look again for files.")
    failed = replace(reduced.session.job(file.data(ID_ROLE)), state=JobState.FAILED, error=error)
    reduced.session.bus.publish(JobChanged(failed))
    qtbot.waitUntil(lambda: "answers 404 for <a.evt>. Look again" in downloads.sentence.text())
    assert file.siblingAtColumn(Column.STATE).data() == "failed"
    qtbot.waitUntil(lambda: "1 failed" in downloads.summary.text())


def test_that_a_disk_that_is_too_small_is_noticed_before_it_is_full(reduced, qtbot, monkeypatch):
    downloads = reduced.panel("queue", "downloads")
    qtbot.waitUntil(lambda: bool(files(downloads.model)), timeout=LONG_MS)
    monkeypatch.setattr(reduced.session, "disk_use", lambda: {"free_bytes": 1_000})
    job = next(one for one in reduced.session.jobs() if one.kind == "download")
    reduced.session.bus.publish(JobChanged(replace(job, state=JobState.RUNNING, total=5e6, done=0.0)))
    qtbot.waitUntil(lambda: "only 1.0 kB free on disk: too little for about 5.0 MB to come" in downloads.summary.text())
    reduced.session.bus.publish(JobChanged(job))
    qtbot.waitUntil(lambda: not downloads._tick_timer.isActive())


# ---- nothing is lost or mixed up


def test_that_changes_while_all_jobs_are_read_are_not_lost(reduced, qtbot, monkeypatch):
    downloads = reduced.panel("queue", "downloads")
    qtbot.waitUntil(lambda: bool(files(downloads.model)), timeout=LONG_MS)
    old = reduced.session.jobs()
    go_on = threading.Event()

    def slow(_kinds) -> JobOverview:
        go_on.wait(10)
        return JobOverview.of(old)

    monkeypatch.setattr(reduced.session, "job_overview", slow)
    downloads._feed.read()
    changed = next(job for job in old if job.kind == "download")
    reduced.session.bus.publish(JobChanged(replace(changed, state=JobState.FAILED)))
    reduced.window.bridge.drain()
    go_on.set()
    qtbot.waitUntil(lambda: len(files(downloads.model)) > 0, timeout=LONG_MS)
    qtbot.waitUntil(lambda: "1 failed" in downloads.summary.text())


def test_that_another_archive_shows_its_own_jobs_only(reduced, qtbot):
    downloads = reduced.panel("queue", "downloads")
    qtbot.waitUntil(lambda: bool(files(downloads.model)), timeout=LONG_MS)
    reduced.session.close_archive()
    qtbot.waitUntil(lambda: not files(downloads.model))
    assert "No archive is open" in downloads.summary.text()
    assert reduced.window.windowTitle() == "DAXA GUI"


def test_that_a_thousand_changes_among_ten_thousand_jobs_are_shown_at_once(window, qtbot):
    """In less time than it takes to show all of them anew, measured in the same run."""
    downloads, processing = window.panel("queue", "downloads"), window.panel("queue", "processing")
    fetch = [
        Job(n, "download", "host:x", "swift", f"{n // 10:011d}", f"{n}.evt", "", "Fetch", Call("m:f"), total=1e6)
        for n in range(10_000)
    ]
    names = [step.name for step in window.session.steps()]
    reduce = [
        Job(n, "reduce", "local", "swift", f"{n // 8:011d}", f"M{n // 4 % 2}", names[n % 4], "Run", Call("m:f"))
        for n in range(10_000)
    ]
    anew = {}
    for panel, jobs in ((downloads, fetch), (processing, reduce)):
        begun = time.perf_counter()
        panel._on_jobs_replaced(panel.model.arranged(JobOverview.of(jobs)))
        anew[panel] = time.perf_counter() - begun
    window.window.grab()
    show = {downloads: downloads.model.update_jobs, processing: processing._on_jobs_changed}
    for panel, jobs in ((downloads, fetch), (processing, reduce)):
        times = []
        for done in range(5):
            changed = [replace(job, state=JobState.RUNNING, done=float(done)) for job in jobs[done::10]]
            begun = time.perf_counter()
            show[panel](changed)
            times.append(time.perf_counter() - begun)
        assert min(times) < anew[panel]
    downloads._on_jobs_replaced(downloads.model.arranged(JobOverview()))
