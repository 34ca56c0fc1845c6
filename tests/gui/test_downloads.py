"""The downloads panel on a session that goes on as a test says: what is shown, and what buttons, keys and menus ask for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QPushButton

from daxa_gui.core.archive_info import ArchiveSummary
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.gui.models.download_columns import CODES, WORDS, DownloadColumns, Sum
from daxa_gui.gui.models.downloads import ID_ROLE, Column
from daxa_gui.gui.models.rates import RateMeter, duration_text, left_text
from daxa_gui.gui.widgets.download_texts import Pace, summary_sentence
from daxa_gui.gui.widgets.grouped_list import GroupedDialog
from daxa_gui.gui.widgets.state_painter import draw_state_mark
from tests.fakes.download_session import HEASARC, SERVER_DOWN, XSA, Downloads, DownloadSession, download

SELECT = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
_S = JobState


@pytest.fixture
def opened(qtbot):
    made = []

    def open_(*jobs, **more) -> Downloads:
        session = DownloadSession(jobs)
        for name, value in more.items():
            setattr(session, name, value)
        one = Downloads(session)
        qtbot.addWidget(one.panel)
        made.append(one)
        qtbot.waitUntil(lambda: one.panel.model.columns.n_rows == len(jobs))
        return one

    yield open_
    for one in made:
        one.close()


def some_of_everything():
    states = [_S.RUNNING, _S.QUEUED, _S.WAITING, _S.PAUSED, _S.FAILED, _S.CANCELLED, _S.SKIPPED, _S.SUCCEEDED]
    jobs = [download(n, f"{n % 2:010d}", state, total=100.0, unit=f"{n}.FTZ") for n, state in enumerate(states, start=1)]
    return [replace(job, error=SERVER_DOWN) if job.state is _S.FAILED else job for job in jobs]


def index_of(one: Downloads, job_id: int) -> QModelIndex:
    [row] = one.panel.model.columns.rows_of([job_id]).tolist()
    return one.panel.model.index_of_row(row)


def select(one: Downloads, index: QModelIndex) -> None:
    one.panel.view.selectionModel().setCurrentIndex(index, SELECT)


def click(qtbot, button) -> None:
    assert button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


# ---- what buttons ask for

ALL = {"pause": [1, 2, 3], "resume": [4], "retry": [5, 6, 7], "cancel": [1, 2, 3, 4]}
VERBS = {"pause": "pause_jobs", "resume": "resume_jobs", "retry": "retry", "cancel": "cancel"}


@pytest.mark.parametrize("verb", VERBS)
def test_that_buttons_act_on_everything_while_nothing_is_selected(opened, qtbot, verb):
    one = opened(*some_of_everything())
    click(qtbot, one.panel.verbs.buttons[verb])
    qtbot.waitUntil(lambda: one.session.calls == [(VERBS[verb], ALL[verb])])


@pytest.mark.parametrize("verb", VERBS)
def test_that_buttons_act_on_what_is_below_the_selected_rows(opened, qtbot, verb):
    one = opened(*some_of_everything())
    select(one, index_of(one, 1).parent())  # the observation of the odd ones
    click(qtbot, one.panel.verbs.buttons[verb]) if verb != "resume" else None
    odd = [number for number in ALL[verb] if number % 2]
    qtbot.waitUntil(lambda: one.session.calls == ([(VERBS[verb], odd)] if odd else []))
    assert one.panel.verbs.buttons[verb].isEnabled() == bool(odd)


def test_that_buttons_act_on_what_the_filter_shows(opened, qtbot):
    one = opened(*some_of_everything())
    one.panel.states.setCurrentText("Cancelled or skipped")
    assert not one.panel.verbs.buttons["pause"].isEnabled()
    click(qtbot, one.panel.verbs.buttons["retry"])
    qtbot.waitUntil(lambda: one.session.calls == [("retry", [6, 7])])
    select(one, one.panel.model.index(0, 0))  # the mission: only what is shown of it
    click(qtbot, one.panel.verbs.buttons["retry"])
    qtbot.waitUntil(lambda: one.session.calls[1:] == [("retry", [6, 7])])


@pytest.mark.parametrize(
    ("key", "modifier", "call"),
    [
        (Qt.Key.Key_P, Qt.KeyboardModifier.ControlModifier, ("pause_jobs", [1])),
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier, ("cancel", [1])),
    ],
)
def test_that_keys_do_what_buttons_do(opened, qtbot, key, modifier, call):
    one = opened(*some_of_everything())
    one.panel.view.setFocus()
    select(one, index_of(one, 1))
    qtbot.keyClick(one.panel.view, key, modifier)
    qtbot.waitUntil(lambda: one.session.calls == [call])
    qtbot.keyClick(one.panel.view, Qt.Key.Key_Escape)
    assert not one.panel.view.has_selection


def test_that_the_menu_is_about_the_row_below_the_pointer(opened, qtbot):
    one = opened(*some_of_everything())
    one.panel.view.expandAll()
    select(one, index_of(one, 5))
    place = one.panel.view.visualRect(index_of(one, 4)).center()
    one.panel.view.customContextMenuRequested.emit(place)
    menu = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMenu) and widget.isVisible())
    enabled = {action.text(): action.isEnabled() for action in menu.actions() if action.text()}
    assert (enabled["Pause"], enabled["Resume"], enabled["Retry"], enabled["Cancel"]) == (False, True, False, True)
    next(action for action in menu.actions() if action.text() == "Resume").trigger()
    menu.close()
    qtbot.waitUntil(lambda: one.session.calls == [("resume_jobs", [4])])


def test_that_copy_takes_the_selected_rows_with_their_messages(opened, qtbot):
    one = opened(*some_of_everything())
    select(one, index_of(one, 5))
    one.panel.verbs.actions_by_name["copy"].trigger()
    assert QGuiApplication.clipboard().text() == "5.FTZ\tfailed\t≈ 100 B\tThe server answered 503. Try again later."


def test_that_return_shows_the_log_of_a_file_and_opens_a_group(opened, qtbot):
    one = opened(*some_of_everything())
    one.panel.view.setFocus()
    select(one, index_of(one, 5))
    with qtbot.waitSignal(one.context.panel_requested) as asked:
        qtbot.keyClick(one.panel.view, Qt.Key.Key_Return)
    assert asked.args == ["job_log"] and one.context.job_id == 5
    observation = index_of(one, 5).parent()
    one.panel.view.collapse(observation)
    select(one, observation)
    qtbot.keyClick(one.panel.view, Qt.Key.Key_Return)
    assert one.panel.view.isExpanded(observation)


def test_that_nothing_can_be_asked_of_an_archive_that_is_only_read(opened, qtbot):
    archive = ArchiveSummary("a", "/nowhere/a", read_only="Another program has it open.")
    one = opened(*some_of_everything(), archive=archive)
    for name in VERBS:
        button = one.panel.verbs.buttons[name]
        assert not button.isEnabled() and "Another program has it open." in button.toolTip()
    assert not one.panel.failures.findChild(QPushButton, "retryFailure_0").isEnabled()


# ---- servers and limits


def test_that_servers_are_shown_with_what_runs_and_waits_and_can_be_paused(opened, qtbot):
    jobs = [download(n, state=_S.RUNNING) for n in range(1, 5)] + [download(n) for n in range(5, 8)]
    one = opened(
        *jobs, download(8, lane=XSA), download(9, lane=XSA, state=_S.PAUSED), download(10, lane="host:done", state=_S.SUCCEEDED)
    )
    bar = one.panel.lanes
    labels = lambda: [label for label in bar.findChildren(QLabel) if label.isVisibleTo(bar)]  # noqa: E731
    texts = lambda: [label.text() for label in labels() if label.buddy() is None]  # noqa: E731
    assert texts() == [
        "heasarc.gsfc.nasa.gov",
        "4 running (at most 4), 3 queued",
        "nxsa.esac.esa.int",
        "0 running, 1 queued, 1 paused",
    ]
    button = bar.findChild(QPushButton, "pauseLane_heasarc.gsfc.nasa.gov")
    click(qtbot, button)
    qtbot.waitUntil(lambda: button.text() == "Resume")
    assert one.session.calls == [("pause", HEASARC)]
    assert "heasarc.gsfc.nasa.gov paused" in one.summary
    assert texts()[1] == "paused · 4 running, 3 queued"
    click(qtbot, button)
    qtbot.waitUntil(lambda: button.text() == "Pause")
    one.session.change(*[replace(job, state=_S.SUCCEEDED) for job in jobs])
    qtbot.waitUntil(lambda: "heasarc.gsfc.nasa.gov" not in texts())


def test_that_limits_are_those_of_the_settings_and_change_them(opened, qtbot):
    one = opened(download(1))
    bar = one.panel.lanes
    assert (bar.bandwidth.text(), bar.limit.value()) == ("no limit", 4)
    bar.bandwidth.setValue(2.5)
    bar.limit.setValue(6)
    qtbot.waitUntil(lambda: len(one.session.calls) == 2)
    assert dict(one.session.calls) == {"set_bandwidth": 2.5e6, "change_settings": {"connections_per_host": 6}}
    one.session.settings = replace(one.session.settings, bandwidth_mb_s=0.0)  # changed elsewhere
    one.panel.refresh()
    assert bar.bandwidth.text() == "no limit"


# ---- failures and what is left out


def test_that_the_same_failure_is_told_once_and_retried_together(opened, qtbot):
    wrong = ErrorInfo("The file has another size.", "", False)
    failed = [download(n, error=SERVER_DOWN, state=_S.FAILED) for n in range(1, 8)]
    one = opened(*failed, download(8, error=wrong, state=_S.FAILED), download(9))
    box = one.panel.failures
    assert box.findChild(QLabel, "failure_0").text() == "✕ 7 files: The server answered 503. Try again later."
    assert box.findChild(QLabel, "failure_1").text() == "✕ 1 file: The file has another size."
    assert not box.findChild(QLabel, "failure_2").isVisible()
    click(qtbot, box.findChild(QPushButton, "retryFailure_0"))
    qtbot.waitUntil(lambda: one.session.calls == [("retry", list(range(1, 8)))])
    one.session.change(*[replace(job, state=_S.QUEUED, error=None) for job in failed])
    qtbot.waitUntil(lambda: "another size" in box.findChild(QLabel, "failure_0").text())
    one.session.set_state(8, _S.SUCCEEDED, error=None)
    qtbot.waitUntil(lambda: not box.isVisible())


def test_that_many_kinds_of_failures_are_counted(opened):
    one = opened(*[download(n, state=_S.FAILED, error=ErrorInfo(f"Reason {'abcdefg'[n]}.")) for n in range(6)])
    assert "and 3 other kinds of failures" in one.panel.failures.more.text()


def test_that_what_is_left_out_is_told_and_listed(opened, qtbot):
    left_out = [LeftOut("xmm_pointed", f"{n}", "It is not public before 2030-01-01.", proprietary=True) for n in range(9)]
    one = opened(download(1), not_fetched=[*left_out, LeftOut("chandra", "1", "It has no event lists.")])
    qtbot.waitUntil(one.panel.left_out.isVisible)
    assert one.panel.left_out.text() == "9 observations are not public yet. 1 observation is left out for other reasons."
    click(qtbot, one.panel.left_out_button)
    dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, GroupedDialog) and w.isVisible())
    assert "XMM-Newton: It is not public before 2030-01-01.\n    0\n    1" in dialog.list.plain_text()
    assert "Chandra: It has no event lists.\n    1" in dialog.list.plain_text()
    dialog.reject()
    one.session.not_fetched = []
    one.session.open(one.session.archive)
    qtbot.waitUntil(lambda: not one.panel.left_out.isVisible())


# ---- totals and times


def test_that_totals_are_right_from_the_first_look_at_a_stored_archive(opened):
    """Nothing ran since the program started: all of it comes from what is stored."""
    done = [download(n, state=_S.SUCCEEDED, total=10e6, done=10e6) for n in range(1, 42)]
    one = opened(
        *done, *[download(n, total=20e6) for n in range(42, 63)], download(63, state=_S.FAILED, total=20e6, error=SERVER_DOWN)
    )
    assert one.summary.startswith("41 of 63 files · 410 of about 850 MB · 1 failed")
    assert one.panel.bar.value() == int(1000 * 410 / 850)


def sums_of(*jobs):
    return DownloadColumns.of_jobs(jobs, {}).sums


def test_that_the_sentence_says_what_is_known_and_no_more():
    running = download(1, state=_S.RUNNING, total=48e9, done=12.3e9)
    assert summary_sentence(sums_of(running), Pace()) == "0 of 1 file · 12.3 of about 48.0 GB"
    fast = summary_sentence(sums_of(running), Pace(8.1e6, 10**12))
    assert fast == "0 of 1 file · 12.3 of about 48.0 GB · 8.1 MB/s · about 1 h 10 min left · 1.0 TB free on disk"
    assert "nothing comes at the moment" in summary_sentence(sums_of(running), Pace(0.0))
    many_unknown = [download(n) for n in range(2, 9)]
    unknown = summary_sentence(sums_of(running, *many_unknown), Pace(8.1e6))
    assert "and 7 files of unknown size" in unknown and "left" not in unknown
    queued_only = summary_sentence(sums_of(download(1, total=5.0)), Pace(8.1e6))
    assert "MB/s" not in queued_only  # what came before says nothing about now
    assert "▲ only 1.0 GB free on disk: too little for about 35.7 GB to come" in summary_sentence(
        sums_of(running), Pace(None, 10**9)
    )


def test_that_plans_alone_are_not_called_files():
    plans = [replace(download(n), kind="plan") for n in (1, 2)]
    assert summary_sentence(sums_of(*plans), Pace()) == "Asking which files 2 observations have"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(4.2, "4 s"), (89.0, "89 s"), (100.0, "2 min"), (3600.0, "60 min"), (12_345.0, "3 h 26 min"), (400_000.0, "5 days")],
)
def test_that_times_have_sensible_units(seconds, text):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (20.0, "less than a minute left"),
        (70.0, "about 1 min left"),
        (4_280.0, "about 1 h 10 min left"),
        (7_200.0, "about 2 h left"),
        (80_000.0, "about 22 h left"),
        (400_000.0, "about 5 days left"),
    ],
)
def test_that_times_left_are_as_coarse_as_guesses_should_be(seconds, text):
    assert left_text(seconds) == text


def test_that_a_rate_needs_time_and_forgets_the_past():
    meter = RateMeter(10.0)
    assert meter.rate(0.0) is None
    for second in range(20):
        meter.note(float(second), 100.0 * second)
    assert meter.rate(19.0) == pytest.approx(100.0)
    meter.note(20.0, 5.0)  # begun anew
    assert meter.rate(20.5) is None


# ---- what comes while it is looked at


def test_that_a_filter_of_states_follows_what_happens(opened, qtbot):
    one = opened(*[download(n) for n in range(1, 5)])
    one.panel.states.setCurrentText("Running")
    assert one.panel.model.rowCount() == 0
    one.session.set_state(2, _S.RUNNING)
    qtbot.waitUntil(lambda: one.panel.model.rowCount() == 1)
    file = index_of(one, 2)
    assert file.isValid() and one.panel.view.isExpanded(file.parent())
    one.session.set_state(2, _S.SUCCEEDED)
    one.session.set_state(3, _S.RUNNING)
    qtbot.waitUntil(lambda: index_of(one, 3).isValid() and not index_of(one, 2).isValid())


def test_that_rows_that_stay_keep_their_selection_and_closed_groups_stay_closed(opened, qtbot):
    one = opened(*[download(n, f"{n % 3:010d}", _S.RUNNING) for n in range(1, 10)])
    one.panel.states.setCurrentText("Running")
    view = one.panel.view
    select(one, index_of(one, 4))
    closed = index_of(one, 3).parent()
    view.collapse(closed)
    one.session.set_state(7, _S.SUCCEEDED)
    qtbot.waitUntil(lambda: not index_of(one, 7).isValid())
    assert view.currentIndex().data(ID_ROLE) == 4 and view.selectionModel().isSelected(index_of(one, 4))
    assert not view.isExpanded(index_of(one, 3).parent()) and view.isExpanded(index_of(one, 4).parent())
    one.session.set_state(4, _S.SUCCEEDED)
    qtbot.waitUntil(lambda: not index_of(one, 4).isValid())
    assert not view.has_selection


def test_that_selecting_everything_means_all_files(opened, qtbot):
    one = opened(*some_of_everything(), download(20, mission="chandra"))
    one.panel.view.expandAll()
    one.panel.view.setFocus()
    qtbot.keyClick(one.panel.view, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert len(one.panel.view.chosen()) == 9 and one.panel.view.has_selection


def test_that_text_is_looked_for_soon_after_it_was_typed(opened, qtbot):
    one = opened(download(1, unit="a.FTZ"), download(2, unit="b.FTZ"), download(3, "0000000002", unit="c.FTZ"))
    qtbot.keyClicks(one.panel.text, "B.ft")
    qtbot.waitUntil(lambda: one.panel.model.is_filtered)
    assert index_of(one, 2).isValid() and not index_of(one, 1).isValid()
    one.panel.text.clear()
    qtbot.waitUntil(lambda: not one.panel.model.is_filtered)


def test_that_very_many_changes_at_once_are_shown_in_several_turns(opened, qtbot):
    """So that the window can be used in between."""
    jobs = [download(n, f"{n // 10:010d}", total=1.0) for n in range(1, 20_001)]
    one = opened(*jobs)
    one.panel._on_jobs_changed([replace(job, state=_S.CANCELLED) for job in jobs])
    one.panel.apply_changes()
    assert 0 < int(one.panel.model.sums()[CODES["cancelled"]]) < len(jobs)
    qtbot.waitUntil(lambda: int(one.panel.model.sums()[CODES["cancelled"]]) == len(jobs))


def test_that_another_archive_shows_its_own_files_with_the_same_filter(opened, qtbot):
    one = opened(*some_of_everything())
    one.panel.states.setCurrentText("Failed")
    one.session.known = {9: download(9, state=_S.FAILED, error=SERVER_DOWN), 10: download(10)}
    one.session.open(ArchiveSummary("b", "/nowhere/b"))
    qtbot.waitUntil(lambda: one.panel.model.columns.n_rows == 2)
    assert index_of(one, 9).isValid() and not index_of(one, 10).isValid()
    one.session.open(None)
    qtbot.waitUntil(lambda: "No archive is open" in one.summary)
    assert not one.panel.view.isVisible() and not one.panel.failures.isVisible() and not one.panel.lanes.isVisible()


def test_that_a_selected_file_stays_so_while_its_state_changes(opened, qtbot):
    one = opened(*some_of_everything())
    select(one, index_of(one, 1))
    qtbot.waitUntil(lambda: one.panel.sentence.text() == "Fetch 1.FTZ: running.")
    one.session.set_state(1, _S.FAILED, error=SERVER_DOWN)
    qtbot.waitUntil(lambda: "The server answered 503" in one.panel.sentence.text())
    assert one.panel.view.currentIndex().data(ID_ROLE) == 1
    assert one.panel.view.currentIndex().siblingAtColumn(Column.STATE).data() == "failed"


# ---- looks


def test_that_every_state_has_its_own_shape(qapp):
    shapes = {}
    for word in WORDS:
        picture = QImage(32, 32, QImage.Format.Format_ARGB32)
        picture.fill(Qt.GlobalColor.white)
        painter = QPainter(picture)
        draw_state_mark(painter, word, picture.rect().toRectF().center(), 11.0, QColor("black"))
        painter.end()
        shapes[word] = bytes(picture.constBits())
    alike = [{a, b} for a in WORDS for b in WORDS if a < b and shapes[a] == shapes[b]]
    # a cancelled job and one that is about to be look alike; their words tell them apart, as of those that succeeded or wait
    assert alike == [{"cancelled", "stopping"}]


def test_that_a_wide_panel_shows_messages_and_a_narrow_one_leaves_them_to_tips(opened, qtbot):
    one = opened(*some_of_everything())
    assert not one.panel.view.isColumnHidden(Column.MESSAGE)
    one.panel.resize(480, 600)
    qtbot.waitUntil(lambda: one.panel.view.isColumnHidden(Column.MESSAGE) and one.panel.view.isColumnHidden(Column.LEFT))
    tip = index_of(one, 5).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "5.FTZ: failed. The server answered 503. Try again later."


def test_that_sums_stay_whole_numbers(opened):
    one = opened(*some_of_everything())
    sums = one.panel.model.sums()
    assert np.all(sums == np.round(sums)) and int(sums[Sum.FILES]) == 8
