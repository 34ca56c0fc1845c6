"""The panel « Results »: what succeeded, what failed and why, what is not fetched; logs, retries, and a hundred thousand rows."""

from __future__ import annotations

import threading
from dataclasses import replace

from PySide6.QtCore import Qt

from daxa_gui.core.archive_queries import ProcessResult
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.events import ArchiveContentChanged, JobChanged
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.gui.panels import results as results_module
from daxa_gui.gui.panels.results import LEFT_OUT, digest_of, left_out_reason, result_reason, result_word
from tests.fakes.archive_windows import choose, observation, opened_elsewhere, press, rows, show, wait_for
from tests.fakes.windows import CLOSED


def result(number: int = 1, **more) -> ProcessResult:
    values = {"success": True, "state": "succeeded", "job_id": number} | more
    return ProcessResult("swift", f"{number:011d}", "XRTPCW3PO", "flares", **values)


def filled(window, qtbot):
    panel = show(window, qtbot, "results")
    wait_for(qtbot, lambda: bool(rows(panel.table)))
    return panel


def choose_kind(panel, qtbot, kind: str) -> None:
    panel.shown.setCurrentText(kind)


def test_that_each_step_of_each_unit_has_a_row_and_they_are_counted(reduced, qtbot):
    panel = filled(reduced, qtbot)
    expected = reduced.session.process_results()
    assert len(rows(panel.table)) == len(expected) > 20
    assert not any(one.failed for one in expected)  # what a closed filter keeps from being done was not tried in vain
    assert panel.count.text() == f"{len(expected)} steps, 0 failed"
    [swift] = [row for row in rows(panel.table) if row[1] == "Swift" and row[4] == "Flares"]
    assert swift[0] == "done" and swift[3] == "XRTPCW3PO"
    assert {row[4] for row in rows(panel.table)} >= {"Event list taken over", "Clean events"}  # no internal names
    assert not any("_" in row[4] for row in rows(panel.table))


def test_that_only_those_that_need_attention_can_be_shown(reduced, qtbot):
    panel = filled(reduced, qtbot)
    everything = reduced.session.process_results()
    for kind, wanted in results_module.SHOWN.items():
        choose_kind(panel, qtbot, kind)
        assert len(rows(panel.table)) == sum(wanted is None or wanted(one) for one in everything)
    choose_kind(panel, qtbot, "Skipped")
    assert {row[2] for row in rows(panel.table)} == {CLOSED}
    assert all(row[5] for row in rows(panel.table)), "a failure without a reason"
    qtbot.keyClicks(panel.search, "mos1")
    wait_for(qtbot, lambda: rows(panel.table) == [])
    panel.search.setText(f"m1s001 {CLOSED[:5]}")
    wait_for(qtbot, lambda: 0 < len(rows(panel.table)) < 9)
    assert all(row[3] == "M1S001" for row in rows(panel.table))
    assert panel.count.text().startswith(f"{len(rows(panel.table))} of {len(everything)} steps")


def test_that_the_log_of_a_step_opens_in_the_queue(reduced, qtbot):
    panel = filled(reduced, qtbot)
    assert not panel.log_button.isEnabled()
    number = next(n for n, row in enumerate(rows(panel.table)) if row[1] == "Swift" and row[4] == "Flares")
    choose(panel.table, number)
    job_id = panel.table.chosen()[0].job_id
    press(qtbot, panel.log_button)
    assert reduced.context.job_id == job_id
    assert reduced.window.pages.currentWidget().objectName() == "workspace_queue"
    log = reduced.panel("queue", "job_log")
    wait_for(qtbot, lambda: log.isVisible() and "Gaussian" in log.lines.text(range(log.lines.n_rows)))


def test_that_enter_opens_the_log_and_a_step_without_one_has_none(reduced, qtbot):
    panel = filled(reduced, qtbot)
    number = next(n for n, row in enumerate(rows(panel.table)) if row[4] == "Event list taken over")
    choose(panel.table, number)
    assert not panel.log_button.isEnabled() and not panel.retry_button.isEnabled()
    qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    assert reduced.window.pages.currentWidget().objectName() == "workspace_archive"
    number = next(n for n, row in enumerate(rows(panel.table)) if row[4] == "Flares")
    choose(panel.table, number)
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    assert reduced.window.pages.currentWidget().objectName() == "workspace_queue"


def test_that_a_chosen_step_runs_again_and_the_panel_follows(reduced, qtbot):
    panel = filled(reduced, qtbot)
    number = next(n for n, row in enumerate(rows(panel.table)) if row[1] == "Swift" and row[4] == "Image")
    choose(panel.table, number)
    job_id = panel.table.chosen()[0].job_id
    attempts = reduced.session.job(job_id).attempt
    press(qtbot, panel.retry_button)
    wait_for(qtbot, lambda: reduced.session.job(job_id).attempt == attempts + 1 and reduced.session.job(job_id).is_finished)
    wait_for(qtbot, lambda: next(r for r in rows(panel.table) if r[1] == "Swift" and r[4] == "Image")[0] == "done")


def test_that_without_a_choice_what_failed_runs_again(reduced, qtbot, monkeypatch):
    panel = filled(reduced, qtbot)
    assert not panel.retry_button.isEnabled()
    asked: list[list[int]] = []
    monkeypatch.setattr(reduced.session, "retry", lambda ids: asked.append(list(ids)))
    broken = next(job for job in reduced.session.jobs("reduce") if job.step == "image" and job.mission == "swift")
    broken = replace(broken, state=JobState.FAILED, error=ErrorInfo("The disk was full."))
    reduced.session._open.store.update(broken)
    reduced.session.bus.publish(JobChanged(broken))
    wait_for(qtbot, panel.retry_button.isEnabled)
    failed = [broken.id]
    press(qtbot, panel.retry_button)
    wait_for(qtbot, lambda: bool(asked))
    assert asked == [failed]


def test_that_what_is_left_out_is_listed_with_its_reason(reduced, qtbot):
    panel = filled(reduced, qtbot)
    choose_kind(panel, qtbot, LEFT_OUT)
    assert panel.left_out.isVisible() and not panel.table.isVisible() and rows(panel.left_out) == []
    about = observation(reduced, "swift")
    left_out = [
        LeftOut("swift", about.obs_id, "Not public before 2027-01-01.", proprietary=True),
        LeftOut("swift", about.obs_id, "The listing has no such file.", unit="xrt/event/sw1.evt"),
    ]
    reduced.session._open.store.add_left_out(left_out)
    reduced.session.bus.publish(ArchiveContentChanged(""))
    wait_for(qtbot, lambda: len(rows(panel.left_out)) == 2)
    assert panel.count.text() == "2 things are not fetched"
    whole, single = sorted(rows(panel.left_out), key=lambda row: row[2] != "the whole observation")
    assert whole[3].startswith("Not public before") and "Credentials" in whole[3]
    assert single[2:] == ("xrt/event/sw1.evt", "The listing has no such file.")
    assert not panel.retry_button.isEnabled() and not panel.log_button.isEnabled()


def test_that_an_archive_that_is_open_elsewhere_says_why_nothing_runs(reduced, qtbot):
    with opened_elsewhere(reduced, qtbot):
        panel = filled(reduced, qtbot)
        choose(panel.table, 0)
        wait_for(qtbot, lambda: not panel.retry_button.isEnabled())
        assert panel.read_only.isVisible() and reduced.session.archive.read_only in panel.read_only.text()


def test_that_without_an_archive_it_says_so(window, qtbot):
    panel = show(window, qtbot, "results")
    assert panel.count.text() == "No archive is open."
    assert rows(panel.table) == [] and not panel.retry_button.isEnabled() and not panel.log_button.isEnabled()


def test_that_what_is_chosen_stays_chosen_and_is_copied(reduced, qtbot):
    panel = filled(reduced, qtbot)
    choose(panel.table, 2, 4)
    before = panel.table.chosen()
    panel.table.horizontalHeader().sectionClicked.emit(2)
    panel.table.horizontalHeader().sectionClicked.emit(2)
    assert sorted(map(repr, panel.table.chosen())) == sorted(map(repr, before))
    panel.table.copy_chosen()
    from PySide6.QtGui import QGuiApplication

    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:3] == ["State", "Mission", "ObsID"] and len(lines) == 3


def test_that_a_hundred_thousand_results_are_arranged_on_another_thread(reduced, qtbot, monkeypatch):
    panel = filled(reduced, qtbot)
    many = [result(n, success=n % 10 != 0, state="failed" if n % 10 == 0 else "succeeded") for n in range(120_000)]
    threads: set[int] = set()

    def digest(records, shown):
        threads.add(threading.get_ident())
        return digest_of(records, shown)

    monkeypatch.setattr(panel.table, "_digest", digest)
    monkeypatch.setattr(reduced.session, "process_results", lambda: many)
    panel._read()
    wait_for(qtbot, lambda: panel.table.model().rowCount() == 120_000)
    assert panel.count.text() == "120\u202f000 steps, 12\u202f000 failed"
    panel.shown.setCurrentText("Failed")
    wait_for(qtbot, lambda: panel.table.model().rowCount() == 12_000)
    panel.table.selectAll()
    assert panel.table.n_chosen() == 12_000
    assert threading.get_ident() not in threads


def test_that_words_tell_a_success_with_warnings_from_others():
    assert result_word(result()) == "done"
    assert result_word(result(warnings=("Careful.",))) == "warned"
    assert result_word(result(reason="The filter is closed.")) == "excluded"
    assert result_word(result(success=None, state="running")) == "running"
    assert result_reason(result(success=False, state="failed", errors=("It broke.",), warnings=("Careful.",))) == "It broke."
    assert left_out_reason(LeftOut("swift", "1", "No such file.")) == "No such file."
