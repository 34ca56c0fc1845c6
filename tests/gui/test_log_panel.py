"""The log viewer: opening, following, filtering, searching, explaining."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from daxa_gui.core.job import Job, JobState
from daxa_gui.core.log_messages import Severity
from daxa_gui.core.step import Call
from daxa_gui.gui.models.log_lines import LogLines
from daxa_gui.gui.panels.log import LogPanel
from daxa_gui.gui.theme import DARK, LIGHT
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
    qtbot.waitUntil(lambda: panel.lines.n_lines == 5 and panel.tools.next.isEnabled())
    return panel


def test_that_only_lines_that_are_grave_enough_are_rows(qtbot):
    lines, told = LogLines(), []
    lines.changed.connect(lambda: told.append(lines.n_rows))
    lines.set_text("\n".join([*LINES, "another line", "ERROR: another error"]))
    lines.set_least_severity(Severity.WARNING)
    assert [lines.line_number(row) for row in range(lines.n_rows)] == [2, 4, 7]
    lines.clear()
    assert lines.n_rows == 0 and told == [7, 3, 0]


def rows_after(panel, qtbot, key, times, modifier=Qt.KeyboardModifier.NoModifier, widget=None):
    rows = []
    for _ in range(times):
        qtbot.keyClick(widget or panel.view, key, modifier)
        rows.append(panel.view.current_row)
    return rows


def test_that_a_file_is_shown_with_its_tally(panel):
    assert panel.title.text() == "reduction.log"
    assert panel.tally.text() == "5 lines · ▲ 1 warning · ✕ 1 error"


def test_that_f8_goes_round_warnings_and_errors(panel, qtbot):
    assert rows_after(panel, qtbot, Qt.Key.Key_F8, 3) == [1, 3, 1]
    assert rows_after(panel, qtbot, Qt.Key.Key_F8, 1, Qt.KeyboardModifier.ShiftModifier) == [3]


def test_that_a_known_message_is_explained_and_an_ordinary_line_is_not(panel, qtbot):
    panel.tools.next.click()
    assert panel.explanation.isVisible()
    assert "rejected" in panel.explanation.text() and "Usually harmless." in panel.explanation.text()
    panel.view.set_current(0)
    assert not panel.explanation.isVisible()


def test_that_the_filter_keeps_the_line_that_was_looked_at(panel):
    panel.view.set_current(3)
    panel.level.setCurrentIndex(1)
    assert panel.lines.n_rows == 2
    assert panel.lines.line(panel.view.current_row) == LINES[3]
    panel.level.setCurrentIndex(2)
    assert [panel.lines.line(row) for row in range(panel.lines.n_rows)] == [LINES[3]]


def test_that_searching_goes_from_hit_to_hit(panel, qtbot):
    qtbot.keyClicks(panel.search, "D")
    qtbot.waitUntil(lambda: panel.hits.text() == "in 2 lines")
    assert panel.view.current_row == 2
    assert rows_after(panel, qtbot, Qt.Key.Key_Return, 2, widget=panel.search) == [4, 2]
    assert rows_after(panel, qtbot, Qt.Key.Key_Return, 1, Qt.KeyboardModifier.ShiftModifier, panel.search) == [4]
    panel.level.setCurrentIndex(1)
    assert panel.hits.text() == "in 0 lines"
    panel.search.clear()
    assert panel.hits.text() == ""


def test_that_enter_right_after_typing_goes_to_the_first_hit(panel, qtbot):
    qtbot.keyClicks(panel.search, "end")
    qtbot.keyClick(panel.search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.view.current_row == 4)


def test_that_copying_takes_the_chosen_lines(panel, qtbot):
    panel.view.set_current(2)
    panel.tools.copy_button.click()
    assert QGuiApplication.clipboard().text() == "middle"
    panel.view.choose_none()
    panel.tools.copy_button.click()
    assert QGuiApplication.clipboard().text() == "\n".join(LINES)


def test_that_a_running_job_is_followed_until_it_ends(bench, qtbot):
    running = Job(1, "reduce", "local", "m", "o", "u", "flares", "Flares: o u", Call("a:b"), state=JobState.RUNNING)
    bench.session.log_job, bench.session.log = running, "first\n"
    panel = bench.panel(LogPanel, qtbot)
    bench.context.set_job(1)
    qtbot.waitUntil(lambda: panel.lines.n_lines == 1)
    assert panel.follow.isVisible()
    bench.session.log += "second\n2026-11-21T11:24:49.768Z ERROR   it broke\n"
    qtbot.waitUntil(lambda: panel.lines.n_lines == 3)
    bench.session.log_job = Job(1, "reduce", "local", "m", "o", "u", "flares", "Flares: o u", Call("a:b"), state=JobState.FAILED)
    bench.session.log += "end\n"
    qtbot.waitUntil(lambda: panel.title.text() == "Flares: o u · failed")
    qtbot.waitUntil(lambda: panel.lines.n_lines == 4)
    qtbot.waitUntil(lambda: not panel._timer.isActive())
    qtbot.waitUntil(lambda: panel.lines.counts() == (0, 1))  # messages are counted in rounds, after the lines


def test_that_a_log_that_was_begun_anew_replaces_the_old_one(bench, qtbot):
    job = Job(1, "reduce", "local", "m", "o", "u", "flares", "Flares: o u", Call("a:b"), state=JobState.RUNNING)
    bench.session.log_job, bench.session.log = job, "one\ntwo\nthree\n"
    panel = bench.panel(LogPanel, qtbot)
    bench.context.set_job(1)
    qtbot.waitUntil(lambda: panel.lines.n_lines == 3)
    bench.session.log = "new\n"
    qtbot.waitUntil(lambda: panel.lines.n_lines == 1)
    assert panel.lines.line(0) == "new"


def test_that_a_file_that_is_no_text_is_refused(bench, qtbot, tmp_path):
    (tmp_path / "x.fits").write_bytes(b"SIMPLE\0\0\0")
    panel = bench.panel(LogPanel, qtbot)
    panel.show_file(str(tmp_path / "x.fits"))
    qtbot.waitUntil(lambda: "not a text file" in panel.title.text())


def test_that_a_real_log_is_shown_with_all_its_messages(bench, qtbot, shared_data):
    panel = bench.panel(LogPanel, qtbot)
    panel.show_file(str(shared_data / "logs_sas" / "pysas_basic_setup_0802710101.log"))
    qtbot.waitUntil(lambda: panel.lines.n_lines == 8182 and panel.lines.is_looked)
    qtbot.waitUntil(lambda: panel.tally.text() == "8\u202f182 lines · ▲ 115 warnings · ✕ 0 errors")
    panel.tools.previous.click()
    assert panel.lines.severity(panel.view.current_row) is Severity.WARNING and panel.view.verticalScrollBar().value() > 4000


def test_that_keys_and_the_mouse_choose_runs_of_lines(panel, qtbot):
    shift = Qt.KeyboardModifier.ShiftModifier
    assert rows_after(panel, qtbot, Qt.Key.Key_Down, 2) == [0, 1]
    assert rows_after(panel, qtbot, Qt.Key.Key_Down, 2, shift) == [2, 3]
    assert panel.view.chosen_rows() == range(1, 4)
    assert rows_after(panel, qtbot, Qt.Key.Key_Home, 1) + rows_after(panel, qtbot, Qt.Key.Key_End, 1, shift) == [0, 4]
    assert panel.view.chosen_rows() == range(5)
    assert rows_after(panel, qtbot, Qt.Key.Key_PageUp, 1) == [0] and rows_after(panel, qtbot, Qt.Key.Key_Up, 1) == [0]
    height = panel.view._row_height()
    qtbot.mousePress(panel.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(60, height + 3))
    qtbot.mouseMove(panel.view.viewport(), QPoint(60, 2 * height + 3))
    assert panel.view.current_row in (1, 2) and panel.view.chosen_rows().start == 1
    qtbot.keyClick(panel.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert panel.view.chosen_rows() == range(5)
    assert panel.view.accessibleDescription() == "line 5, info: end"


def test_that_a_file_that_grows_is_followed(panel, qtbot, log_file):
    panel.search.setText("mid")
    qtbot.waitUntil(lambda: panel.hits.text() == "in 1 line")
    with log_file.open("a") as file:
        file.write("MIDDLE again\nERROR: more\n")
    qtbot.waitUntil(lambda: panel.tally.text() == "7 lines · ▲ 1 warning · ✕ 2 errors")
    qtbot.waitUntil(lambda: panel.hits.text() == "in 2 lines")
    log_file.write_text("begun anew\n")
    qtbot.waitUntil(lambda: panel.tally.text() == "1 line · ▲ 0 warnings · ✕ 0 errors")
    qtbot.waitUntil(lambda: panel.hits.text() == "in 0 lines")


def test_that_long_and_strange_lines_are_painted(bench, qtbot, tmp_path):
    path = tmp_path / "strange.log"
    path.write_bytes(b"x" * 3_000_000 + b"\n\xff\xfe\x1b[31mred\ttab\r** a: error (b), " + b"y" * 5000 + b"\n")
    panel = bench.panel(LogPanel, qtbot)
    panel.show_file(str(path))
    qtbot.waitUntil(lambda: panel.lines.n_lines == 3 and panel.lines.is_looked)
    panel.view.grab()
    assert panel.lines.shown_text(1) == "\ufffd\ufffd [31mred  tab" and panel.lines.severity(2) is Severity.ERROR
    assert panel.view.horizontalScrollBar().maximum() > 2000
    panel.view.set_current(0)
    panel.tools.copy_button.click()
    assert len(QGuiApplication.clipboard().text()) == 3_000_000


def test_that_a_hit_far_to_the_right_is_brought_into_sight(bench, qtbot, tmp_path):
    (tmp_path / "wide.log").write_text("short\n" + "x" * 900 + " needle " + "y" * 500 + "\n")
    panel = bench.panel(LogPanel, qtbot, 500, 300)
    panel.show_file(str(tmp_path / "wide.log"))
    qtbot.waitUntil(lambda: panel.lines.n_lines == 2)
    panel.search.setText("needle")
    qtbot.waitUntil(lambda: panel.view.current_row == 1)
    letter = panel.view.fontMetrics().horizontalAdvance("x")
    left = panel.view.horizontalScrollBar().value()
    assert left < 901 * letter + 100 < left + panel.view.viewport().width()
    panel.view.go_to(0)
    assert panel.view.horizontalScrollBar().value() == 0


def test_that_the_log_is_closed_with_its_archive(bench, qtbot):
    bench.session.log_job = Job(1, "reduce", "local", "m", "o", "u", "flares", "Flares: o u", Call("a:b"), state=JobState.FAILED)
    bench.session.log = "one\n"
    panel = bench.panel(LogPanel, qtbot)
    bench.context.set_job(1)
    qtbot.waitUntil(lambda: panel.lines.n_lines == 1)
    bench.bridge.archive_changed.emit("")
    assert panel.lines.n_lines == 0 and "Choose a download" in panel.title.text()


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_that_messages_hits_and_the_choice_are_painted_in_their_colours(panel, qtbot, theme):
    panel.view.set_theme(theme)
    panel.view.set_current(0)
    image = panel.view.viewport().grab().toImage()
    height = panel.view._row_height()

    def colours(row):
        return {image.pixelColor(x, row * height + y).name() for x in range(image.width()) for y in range(height)}

    assert theme.accent in colours(0) and theme.warn in colours(1) and theme.bad in colours(3)
    assert theme.accent not in colours(2)
