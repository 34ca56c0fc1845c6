"""The panel of failures: causes, what they hit, trying again, logs, and when it looks again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from daxa_gui.archive.job_logs import JobLogFile
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.failure_groups import FailureGroup
from daxa_gui.core.job import ErrorInfo, Job, JobState
from daxa_gui.core.log_messages import Severity
from daxa_gui.core.step import Call, JobRequest, Place
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.failures import FailuresPanel, shown_cause
from daxa_gui.session import Session
from tests.fakes.inspecting import ArchiveSession, workbench

HISTO = FailureGroup(
    "noCounts of espfilt: All histo counts are zero!",
    "« espfilt » ended with code 1: noCounts of espfilt: All histo counts are zero!",
    Severity.ERROR, "SAS", "espfilt", "noCounts", ("espfilt",), "espfilt found no rate.", "Use wider limits.", (3, 4, 9),
    tuple(("xmm_pointed", f"020190140{n}", "M1S001") for n in (1, 2, 3)), (5, 6),
)  # fmt: skip
DISK = FailureGroup(
    "FITSIO of evselect: cannot write <file>", "cannot write x.fits", Severity.ERROR, "SAS", "evselect", "FITSIO",
    ("cleaned_evt_lists",), "", "", (12,), (("xmm_pointed", "0201901404", "PNS003"),),
)  # fmt: skip


def job(job_id: int, state: JobState) -> Job:
    return Job(job_id, "reduce", "local", "xmm_pointed", "0201901401", "M1S001", "espfilt", "t", Call("a:b"), state=state)


class FailingSession(ArchiveSession):
    """Its failures are those that a test puts there."""

    def __init__(self, folder) -> None:
        super().__init__(folder)
        self.groups: list[FailureGroup] = [HISTO, DISK]
        self.asked: list[tuple[str, ...]] = []
        self.retried: list[list[int]] = []
        self.summary: ArchiveSummary | None = ArchiveSummary("a", "/nowhere/a")

    @property
    def archive(self) -> ArchiveSummary | None:
        return self.summary

    def failure_groups(self, kinds=("reduce",), progress=None, cancelled=None, severity=Severity.ERROR):
        self.asked.append((*kinds, severity.name))
        return list(self.groups)

    def retry(self, job_ids) -> None:
        self.retried.append(list(job_ids))


@pytest.fixture
def bench(tmp_path, qapp, monkeypatch):
    monkeypatch.setattr("tests.fakes.inspecting.ArchiveSession", FailingSession)
    with workbench(tmp_path) as made:
        yield made


@pytest.fixture
def panel(bench, qtbot):
    panel = bench.panel(FailuresPanel, qtbot, 900, 420)
    qtbot.waitUntil(lambda: len(panel.table.records_model.rows) == len(bench.session.groups))
    return panel


def texts(table) -> list[list[str]]:
    model = table.records_model
    return [[model.index(row, column).data().strip() for column in range(model.columnCount())] for row in range(model.rowCount())]


def test_that_causes_stand_with_their_numbers_and_meaning(panel):
    rows = texts(panel.table)
    assert [row[:4] for row in rows] == [["3", "2", HISTO.example, "SAS"], ["1", "0", shown_cause(DISK), "SAS"]]
    assert shown_cause(DISK) == "FITSIO of evselect: cannot write x.fits"  # not « <file> »
    assert rows[0][5] == "espfilt found no rate. Use wider limits." and rows[1][5] == "–"
    assert panel.count.text() == "4 jobs failed for 2 causes"


def test_that_the_first_cause_is_chosen_by_itself_and_only_once(panel, qtbot):
    assert [group.cause for group in panel.table.chosen()] == [HISTO.cause] and panel.meaning.isVisible()
    panel.table.clearSelection()
    panel._read()
    qtbot.waitUntil(lambda: not panel._reading)
    assert panel.table.n_chosen() == 0


def test_that_nothing_can_be_done_without_a_choice(panel):
    panel.table.clearSelection()
    assert not any(button.isEnabled() for button in (panel.retry_button, panel.log_button, panel.copy_button))
    assert not panel.meaning.isVisible() and texts(panel.data) == []


def test_that_the_chosen_cause_shows_what_it_hit(panel):
    panel.table.selectRow(0)
    assert [row[1:3] for row in texts(panel.data)] == [[f"020190140{n}", "M1S001"] for n in (1, 2, 3)]
    assert panel.meaning.isVisible() and "wider limits" in panel.meaning.text() and HISTO.example in panel.meaning.text()
    assert panel.retry_button.text() == "Retry these (3)"


def test_that_retry_these_runs_all_jobs_of_the_cause_or_those_chosen_below(panel, bench, qtbot):
    panel.table.selectRow(0)
    panel.retry_button.click()
    qtbot.waitUntil(lambda: bench.session.retried == [[3, 4, 9]])
    panel.data.selectRow(1)
    assert panel.retry_button.text() == "Retry these (1)"
    panel.retry_button.click()
    qtbot.waitUntil(lambda: bench.session.retried[1:] == [[4]])
    panel.table.selectAll()
    assert panel.retry_button.text() == "Retry these (4)" and texts(panel.data) == []
    panel.retry_button.click()
    qtbot.waitUntil(lambda: bench.session.retried[2:] == [[3, 4, 9, 12]])


def test_that_the_log_of_the_chosen_job_is_shown(panel, bench, qtbot):
    asked = []
    bench.context.panel_requested.connect(asked.append)
    panel.table.selectRow(0)
    panel.log_button.click()
    assert bench.context.job_id == 3 and asked == ["job_log"]
    panel.data.selectRow(2)
    panel.log_button.click()
    assert bench.context.job_id == 9


def test_that_copying_tells_all_that_is_known(panel):
    panel.table.selectRow(0)
    panel.copy_button.click()
    copied = QGuiApplication.clipboard().text().split("\n")
    assert copied[0] == f"3 jobs: {HISTO.cause}"
    assert "2 jobs were skipped because of it." in copied and copied[-1] == "xmm_pointed\t0201901403\tM1S001"


def test_that_the_filter_keeps_causes_with_these_words(panel, qtbot):
    qtbot.keyClicks(panel.search, "fitsio")
    qtbot.waitUntil(lambda: len(panel.table.records_model.rows) == 1)
    assert texts(panel.table)[0][2] == shown_cause(DISK)
    panel.search.setText("nothing like it")
    qtbot.waitUntil(lambda: not panel.table.records_model.rows)
    assert panel.table.accessibleDescription() == "No cause holds these words."


def test_that_it_looks_again_when_jobs_fail_or_are_tried_again_but_not_when_they_succeed(panel, bench, qtbot):
    panel._pause.setInterval(10)
    bench.bridge.jobs_changed.emit([job(n, JobState.SUCCEEDED) for n in range(20, 40)])
    bench.bridge.jobs_changed.emit([job(3, JobState.FAILED)])  # known already
    assert not panel._pause.isActive() and len(bench.session.asked) == 1
    bench.session.groups = [replace(HISTO, job_ids=(3, 4, 9, 20), units=(*HISTO.units, ("xmm_pointed", "0201901409", "M1S001")))]
    panel.table.selectRow(0)
    bench.bridge.jobs_changed.emit([job(20, JobState.FAILED)])
    qtbot.waitUntil(lambda: panel.count.text() == "4 jobs failed for 1 cause")
    assert len(texts(panel.data)) == 4, "the cause stays chosen"
    bench.session.groups = []
    panel._pause.setInterval(10)
    bench.bridge.jobs_changed.emit([job(20, JobState.QUEUED)])
    qtbot.waitUntil(lambda: panel.table.accessibleDescription() == "Nothing has failed.")
    assert panel.count.text() == "" and not panel.meaning.isVisible() and not panel.retry_button.isEnabled()


def test_that_a_hidden_panel_waits_until_it_is_seen(panel, bench, qtbot):
    panel.hide()
    panel._pause.setInterval(1)
    bench.bridge.many_jobs_changed.emit()
    qtbot.wait(50)
    assert len(bench.session.asked) == 1
    panel.show()
    qtbot.waitUntil(lambda: len(bench.session.asked) == 2)


def test_that_other_kinds_of_jobs_can_be_asked_for(panel, bench, qtbot):
    panel.kinds.setCurrentIndex(1)
    qtbot.waitUntil(lambda: bench.session.asked[-1] == ("plan", "download", "ERROR"))


def test_that_warnings_can_be_asked_for_and_come_anew_when_a_job_warns(panel, bench, qtbot):
    bench.session.groups = []
    panel.kinds.setCurrentIndex(2)
    qtbot.waitUntil(lambda: panel.table.accessibleDescription() == "No job has warned of anything.")
    assert bench.session.asked[-1] == ("reduce", "WARNING")
    panel._pause.setInterval(10)
    bench.bridge.jobs_changed.emit([job(3, JobState.FAILED)])
    assert not panel._pause.isActive()
    bench.session.groups = [replace(HISTO, severity=Severity.WARNING, skipped_ids=())]
    bench.bridge.jobs_changed.emit([replace(job(3, JobState.SUCCEEDED), warnings=("w",))])
    qtbot.waitUntil(lambda: panel.count.text() == "3 jobs warned for 1 cause")


def test_that_the_parts_stand_side_by_side_where_the_panel_is_low(panel, qtbot):
    panel.resize(900, 240)
    qtbot.waitUntil(lambda: panel.splitter.orientation() is Qt.Orientation.Horizontal)
    panel.resize(600, 500)
    qtbot.waitUntil(lambda: panel.splitter.orientation() is Qt.Orientation.Vertical)


def test_that_without_an_archive_it_says_so(panel, bench, qtbot):
    panel.table.selectRow(0)
    bench.session.summary = None
    panel._pause.setInterval(1)
    bench.bridge.archive_changed.emit("")
    assert panel.table.accessibleDescription() == "No archive is open." and texts(panel.data) == []
    assert not panel.retry_button.isEnabled()


def test_that_an_archive_that_may_not_be_changed_is_only_looked_at(panel, bench):
    bench.session.summary = replace(bench.session.summary, read_only="It is open elsewhere.")
    panel.table.clearSelection()
    panel.table.selectRow(0)
    assert not panel.retry_button.isEnabled() and panel.copy_button.isEnabled()


def test_that_the_causes_of_a_real_archive_stand_in_its_logs(tmp_path, qtbot):
    output = tmp_path / "output"
    store = ArchiveStore.create(OutputLayout(output).archive("a"))
    task = Call("daxa_gui.reduction.external:run_step", {"step": "espfilt"}, Place.THREAD)
    for n in range(3):
        made = store.add([JobRequest("reduce", "local", "xmm_pointed", f"020190140{n}", "M1S001", "espfilt", "espfilt", task)])[0]
        log = JobLogFile(store.layout.log_path(made.id))
        log.write("$ espfilt eventfile=x.fits")
        log.write("** espfilt: error (noCounts), All histo counts are zero!", "ERROR")
        log.close()
        store.update(replace(made, state=JobState.FAILED, error=ErrorInfo("« espfilt » ended with exit code 1.")))
    store.close()
    with closing(Session(output_folder=output, cache=tmp_path / "cache")) as session:
        session.open_archive(str(output / "archives" / "a"))
        context = Context(session)
        panel = FailuresPanel(session, context, Bridge(session.bus))
        qtbot.addWidget(panel)
        panel.show()
        qtbot.waitUntil(lambda: panel.count.text() == "3 jobs failed for 1 cause", timeout=60_000)
        assert texts(panel.table)[0][2:4] == ["noCounts of espfilt: All histo counts are zero!", "SAS"]
        panel.table.selectRow(0)
        panel.show_log()
        assert session.job(context.job_id).obs_id == "0201901400"
        context.background.close()


def test_that_a_key_runs_the_chosen_again(panel, bench, qtbot):
    panel.activateWindow()
    panel.table.selectRow(0)
    panel.table.setFocus()
    qtbot.waitUntil(panel.table.hasFocus)
    qtbot.keyClick(panel.table, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: bench.session.retried == [[3, 4, 9]])
