"""The log viewer: opening, following, filtering, searching, explaining."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester

from daxa_gui.core.job import Job, JobState
from daxa_gui.core.log_messages import Severity
from daxa_gui.core.step import Call
from daxa_gui.gui.models.log_lines import LogLines, parse_lines
from daxa_gui.gui.panels.log import LogPanel
from tests.fakes.inspecting import workbench

LINES = ["start", "** emproc::emevents: warning (rejectRows12),  text", "middle", "** espfilt: error (noCounts), zero", "end"]


@pytest.fixture
def bench(tmp_path, qapp):
    with workbench(tmp_path) as made:
        yield made


@pytest.fixture
def log_file(tmp_path) -> Path:
    path = tmp_path / "reduction.log"
    path.write_text("\n".join(LINES) + "\n")
    return path


@pytest.fixture
def panel(bench, qtbot, log_file):
    panel = bench.panel(LogPanel, qtbot, 620, 260)
    panel.show_file(str(log_file))
    qtbot.waitUntil(lambda: panel.model.n_lines == 5)
    return panel


def test_that_the_model_keeps_the_rules_of_qt(qtbot):
    model = LogLines()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.append(parse_lines("\n".join(LINES)))
    model.set_least_severity(Severity.WARNING)
    model.append(parse_lines("another line\nERROR: another error"))
    assert [model.line_number(row) for row in range(model.rowCount())] == [2, 4, 7]
    model.clear()
    assert model.rowCount() == 0
    tester.deleteLater()


def test_that_a_file_is_shown_with_its_tally(panel):
    assert panel.title.text() == "reduction.log"
    assert panel.tally.text() == "5 lines · ▲ 1 warning · ✕ 1 error"


def test_that_f8_goes_round_warnings_and_errors(panel, qtbot):
    rows = []
    for _ in range(3):
        qtbot.keyClick(panel.view, Qt.Key.Key_F8)
        rows.append(panel.view.currentIndex().row())
    qtbot.keyClick(panel.view, Qt.Key.Key_F8, Qt.KeyboardModifier.ShiftModifier)
    assert [*rows, panel.view.currentIndex().row()] == [1, 3, 1, 3]


def test_that_a_known_message_is_explained_and_an_ordinary_line_is_not(panel, qtbot):
    panel.next.click()
    assert panel.explanation.isVisible()
    assert "rejected" in panel.explanation.text() and "Usually harmless." in panel.explanation.text()
    panel.view.setCurrentIndex(panel.model.index(0))
    assert not panel.explanation.isVisible()


def test_that_the_filter_keeps_the_line_that_was_looked_at(panel):
    panel.view.setCurrentIndex(panel.model.index(3))
    panel.level.setCurrentIndex(1)
    assert panel.model.rowCount() == 2
    assert panel.model.line(panel.view.currentIndex().row()) == LINES[3]
    panel.level.setCurrentIndex(2)
    assert [panel.model.line(row) for row in range(panel.model.rowCount())] == [LINES[3]]


def test_that_searching_goes_from_hit_to_hit(panel, qtbot):
    qtbot.keyClicks(panel.search, "d")
    assert panel.hits.text() == "in 2 lines"
    rows = []
    for _ in range(3):
        rows.append(panel.view.currentIndex().row())
        qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    assert rows == [2, 4, 2]


def test_that_copying_takes_the_chosen_lines(panel, qtbot):
    panel.view.setCurrentIndex(panel.model.index(2))
    panel.copy_button.click()
    assert QGuiApplication.clipboard().text() == "middle"
    panel.view.clearSelection()
    panel.copy_button.click()
    assert QGuiApplication.clipboard().text() == "\n".join(LINES)


def test_that_a_running_job_is_followed_until_it_ends(bench, qtbot):
    running = Job(1, "reduce", "local", "m", "o", "u", "flares", "Flares: o u", Call("a:b"), state=JobState.RUNNING)
    bench.session.log_job, bench.session.log = running, "first\n"
    panel = bench.panel(LogPanel, qtbot)
    bench.context.set_job(1)
    qtbot.waitUntil(lambda: panel.model.n_lines == 1)
    assert panel.follow.isVisible()
    bench.session.log += "second\n2026-11-21T11:24:49.768Z ERROR   it broke\n"
    qtbot.waitUntil(lambda: panel.model.n_lines == 3)
    bench.session.log_job = Job(1, "reduce", "local", "m", "o", "u", "flares", "Flares: o u", Call("a:b"), state=JobState.FAILED)
    bench.session.log += "end\n"
    qtbot.waitUntil(lambda: panel.title.text() == "Flares: o u · failed")
    qtbot.waitUntil(lambda: panel.model.n_lines == 4)
    assert not panel._timer.isActive()
    assert panel.model.counts() == (0, 1)


def test_that_a_log_that_was_begun_anew_replaces_the_old_one(bench, qtbot):
    job = Job(1, "reduce", "local", "m", "o", "u", "flares", "Flares: o u", Call("a:b"), state=JobState.RUNNING)
    bench.session.log_job, bench.session.log = job, "one\ntwo\nthree\n"
    panel = bench.panel(LogPanel, qtbot)
    bench.context.set_job(1)
    qtbot.waitUntil(lambda: panel.model.n_lines == 3)
    # as job_logs.read_from does: a file shorter than the offset is read from its start
    bench.session.read_log = lambda job_id, offset=0: ("new\n", 4) if offset > 4 else ("", 4)
    qtbot.waitUntil(lambda: panel.model.n_lines == 1)
    assert panel.model.line(0) == "new"


def test_that_a_file_that_is_no_text_is_refused(bench, qtbot, tmp_path):
    (tmp_path / "x.fits").write_bytes(b"SIMPLE\0\0\0")
    panel = bench.panel(LogPanel, qtbot)
    panel.show_file(str(tmp_path / "x.fits"))
    qtbot.waitUntil(lambda: "not a text file" in panel.title.text())


def test_that_a_megabyte_of_log_is_in_the_model_within_the_patience_of_a_window(bench, qtbot, shared_data):
    panel = bench.panel(LogPanel, qtbot)
    path = shared_data / "logs_sas" / "pysas_basic_setup_0802710101.log"
    parsed = parse_lines(path.read_text(errors="replace"))
    start = time.perf_counter()
    panel._append(parsed)
    print(f"\n8182 lines into the view: {1000 * (time.perf_counter() - start):.1f} ms")
    assert panel.model.n_lines == 8182
    assert panel.tally.text().startswith("8\u202f182 lines · ▲ 115 warnings")
