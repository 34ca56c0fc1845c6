"""The dialog that makes an archive: what is chosen, what that means, and that both are the same when it is made."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QPushButton, QWidget

from daxa_gui.core.download_plan import DownloadPlan, LeftOut
from daxa_gui.core.errors import TransferError
from daxa_gui.core.filters import Cone
from daxa_gui.core.selection import Selection
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.plan_digest import PlanDigest
from daxa_gui.gui.widgets.archive_choice import ArchiveContent
from daxa_gui.gui.widgets.create_archive import CreateArchiveDialog
from daxa_gui.missions import MISSIONS
from tests.fakes.plan_session import PlanSession, closed, planned_files
from tests.fakes.windows import LONG_MS

XMM, SWIFT, INTEGRAL = "xmm_pointed", "swift", "integral_pointed"
LABELS = {name: spec.label for name, spec in MISSIONS.items()}


class Opened:
    """The dialog on a session that plans as told."""

    def __init__(self, qtbot, folder: Path, missions=(XMM, SWIFT), plan: DownloadPlan | None = None) -> None:
        self.session = PlanSession(folder, plan)
        self.context = Context(self.session)
        self.window = QWidget()
        qtbot.addWidget(self.window)
        self.selections = [
            Selection(name, "1", tuple(str(n) for n in range(5)), MISSIONS[name].default_instruments, ({"kind": "x"},))
            for name in missions
        ]
        contents = [ArchiveContent(MISSIONS[name], 5, 4) for name in missions]
        self.dialog = CreateArchiveDialog(self.session, self.context, contents, lambda: self.selections, "first", self.window)
        self.dialog.show()

    def box(self, name: str) -> QCheckBox:
        found = self.dialog.findChild(QCheckBox, name)
        assert found is not None, name
        return found

    def look(self, qtbot) -> None:
        n = len(self.session.planned)
        qtbot.mouseClick(self.dialog.look_button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(self.session.planned) == n + 1 and not self.dialog.work.is_running)


@pytest.fixture
def opened(qtbot, tmp_path):
    made = []

    def open_(**more) -> Opened:
        made.append(Opened(qtbot, tmp_path, **more))
        return made[-1]

    yield open_
    for one in made:
        one.session.go_on.set()
        one.dialog.done(0)
        qtbot.waitUntil(lambda one=one: not one.dialog.work.is_running)
        one.context.background.close()


def a_plan(**more) -> DownloadPlan:
    files = [*planned_files(XMM, 3, size=2_000_000_000), *planned_files(XMM, 2, "image", exact=False)]
    files += planned_files(SWIFT, 4, size=None) + planned_files(SWIFT, 4, "raw", size=10, here=True)
    return DownloadPlan(tuple(files), **{"free_bytes": 10**12, **more})


# ---- what is chosen


def test_that_event_lists_of_the_usual_instruments_are_chosen_at_first(opened):
    choice = opened(missions=(XMM, SWIFT, INTEGRAL)).dialog.choice.choice()
    assert choice[XMM].instruments == MISSIONS[XMM].default_instruments
    assert choice[XMM].kinds == choice[SWIFT].kinds == ("events",)
    assert choice[INTEGRAL].kinds == ("raw",)  # it has no event lists


def test_that_choices_reach_the_plan_and_the_archive(opened, qtbot):
    one = opened(plan=a_plan())
    one.box(f"instrument_{XMM}_PN").click()
    one.box(f"kind_{XMM}_image").click()
    one.box(f"instrument_{SWIFT}_BAT").click()
    one.box(f"instrument_{SWIFT}_UVOT").click()  # all of them now
    one.look(qtbot)
    xmm, swift = one.session.planned[0]
    assert (xmm.instruments, xmm.kinds, xmm.obs_ids) == (("M1", "M2"), ("events", "image"), one.selections[0].obs_ids)
    assert (swift.instruments, swift.kinds) == ((), ("events",))
    assert xmm.filters == one.selections[0].filters
    assert one.dialog.ok.text() == "&Create and download"
    with qtbot.waitSignal(one.dialog.accepted):
        qtbot.mouseClick(one.dialog.ok, Qt.MouseButton.LeftButton)
    assert one.session.created == [("first", [xmm, swift], one.session.plan)]


def test_that_an_archive_can_be_made_without_looking(opened, qtbot):
    one = opened()
    one.box(f"mission_{SWIFT}").click()
    assert one.dialog.ok.text() == "&Create without looking"
    with qtbot.waitSignal(one.dialog.accepted):
        qtbot.mouseClick(one.dialog.ok, Qt.MouseButton.LeftButton)
    [(name, [selection], plan)] = one.session.created
    assert (name, selection.mission, plan) == ("first", XMM, None)
    assert one.session.planned == []


def test_that_a_line_sets_the_kinds_of_all_missions_that_have_them(opened):
    one = opened(missions=(XMM, SWIFT, INTEGRAL))
    all_raw = one.box("kind_all_raw")
    assert all_raw.checkState() == Qt.CheckState.PartiallyChecked  # INTEGRAL has nothing else
    all_raw.click()
    assert all("raw" in choice.kinds for choice in one.dialog.choice.choice().values())
    assert all_raw.checkState() == Qt.CheckState.Checked
    one.box(f"kind_{XMM}_raw").click()
    assert all_raw.checkState() == Qt.CheckState.PartiallyChecked
    one.box("kind_all_image").click()
    assert one.dialog.choice.choice()[INTEGRAL].kinds == ("raw",)
    assert "image" in one.dialog.choice.choice()[SWIFT].kinds


def test_that_a_choice_of_nothing_is_told_in_a_sentence(opened):
    one = opened()
    for name in ("M1", "M2", "PN"):
        one.box(f"instrument_{XMM}_{name}").click()
    assert "Choose an instrument of XMM-Newton" in one.dialog.choice_problem.text()
    assert not one.dialog.ok.isEnabled() and not one.dialog.look_button.isEnabled()
    one.box(f"mission_{XMM}").click()
    assert one.dialog.ok.isEnabled() and one.dialog.choice_problem.isHidden()
    one.box(f"mission_{SWIFT}").click()
    assert "Choose a mission" in one.dialog.choice_problem.text() and not one.dialog.ok.isEnabled()


def test_that_a_name_that_is_taken_is_refused_while_it_is_typed(opened):
    one = opened()
    one.session.taken = {"second"}
    one.dialog.name.setText("second")
    assert "already an archive « second »" in one.dialog.problem.text() and not one.dialog.ok.isEnabled()
    one.dialog.name.setText("third")
    assert one.dialog.ok.isEnabled() and one.dialog.place.text().endswith("archives/third")


# ---- looking


def test_that_the_plan_is_shown_by_mission_and_kind(opened, qtbot):
    one = opened(plan=a_plan())
    one.look(qtbot)
    table = one.dialog.plan_view.table
    rows = [[table.item(row, column).text() for column in range(table.columnCount())] for row in range(table.rowCount())]
    label, swift = LABELS[XMM], LABELS[SWIFT]
    assert rows == [
        [label, "Event lists", "3", "3", "6.0 GB", "–", "–"],
        [label, "Images", "2", "2", "about 2.0 MB", "–", "–"],
        [swift, "Event lists", "4", "4", "–", "–", "4"],
        [swift, "Raw data", "4", "4", "40 B", "4", "–"],
    ]
    view = one.dialog.plan_view
    assert (
        view.headline.text() == "13 files of 7 observations: about 6.0 GB to fetch and 4 files of unknown size · 4 here already"
    )
    assert view.disk.text() == "1.0 TB are free on the disk. Files of unknown size come on top."


def test_that_a_plan_is_out_of_date_when_the_choice_changes_and_fresh_when_it_changes_back(opened, qtbot):
    one = opened(plan=a_plan())
    one.look(qtbot)
    view = one.dialog.plan_view
    assert one.dialog.has_fresh_plan and view.outdated.isHidden()
    one.box(f"kind_{XMM}_raw").click()
    assert not one.dialog.has_fresh_plan and view.outdated.isVisible() and not view.table.isEnabled()
    assert one.dialog.ok.text() == "&Create without looking"
    one.box(f"kind_{XMM}_raw").click()
    assert one.dialog.has_fresh_plan and view.outdated.isHidden() and view.table.isEnabled()
    one.box(f"kind_{XMM}_raw").click()
    one.look(qtbot)
    assert one.dialog.has_fresh_plan and one.session.planned[1][0].kinds == ("events", "raw")


def test_that_a_choice_that_changes_while_the_archives_are_asked_leaves_an_outdated_plan(opened, qtbot):
    one = opened(plan=a_plan())
    one.session.wait = True
    one.dialog.look()
    qtbot.waitUntil(lambda: bool(one.session.planned))
    one.box(f"kind_{SWIFT}_image").click()
    one.session.go_on.set()
    qtbot.waitUntil(lambda: not one.dialog.work.is_running)
    assert one.dialog.plan_view.table.rowCount() == 4
    assert not one.dialog.has_fresh_plan and one.dialog.plan_view.outdated.isVisible()


def test_that_looking_shows_how_far_it_is_and_can_be_stopped(opened, qtbot):
    one = opened(plan=a_plan())
    one.session.wait = True
    qtbot.mouseClick(one.dialog.look_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "0 of 10 · 0" in one.dialog.work.label.text())
    assert one.dialog.work.isVisible() and not one.dialog.look_button.isVisible() and not one.dialog.ok.isEnabled()
    qtbot.mouseClick(one.dialog.work.stop_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not one.dialog.work.is_running)
    assert one.session.was_cancelled.is_set()
    assert one.dialog.look_button.isVisible() and one.dialog.ok.isEnabled() and not one.dialog.has_fresh_plan


@pytest.mark.parametrize("how", ["escape", "window"])
def test_that_closing_stops_what_is_being_asked(opened, qtbot, how):
    one = opened()
    one.session.wait = True
    one.dialog.look()
    qtbot.waitUntil(lambda: bool(one.session.planned))
    with qtbot.waitSignal(one.dialog.rejected):
        if how == "escape":
            qtbot.keyClick(one.dialog, Qt.Key.Key_Escape)
        else:
            QApplication.sendEvent(one.window, QEvent(QEvent.Type.Close))
    qtbot.waitUntil(one.session.was_cancelled.is_set)
    assert one.session.created == []


def test_that_a_failure_is_told_and_the_dialog_goes_on(opened, qtbot):
    one = opened()
    one.session.error = TransferError("The server « heasarc » does not answer.", "Try later.")
    one.look(qtbot)
    assert "« heasarc » does not answer. Try later." in one.dialog.look_problem.text()
    qtbot.mouseClick(one.dialog.ok, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "does not answer" in one.dialog.problem.text() and one.dialog.ok.isEnabled())
    assert one.dialog.isVisible()
    one.session.error = None
    one.look(qtbot)
    assert one.dialog.look_problem.isHidden()


def test_that_what_is_left_out_is_listed_with_its_reasons(opened, qtbot):
    left_out = [
        *closed(XMM, 9),
        LeftOut(SWIFT, "1", "It has no event lists."),
        LeftOut(SWIFT, "2", "It has no event lists.", "a.evt"),
    ]
    one = opened(plan=a_plan(left_out=tuple(left_out), problems=("The server said 503 about 00012.",)))
    one.look(qtbot)
    view = one.dialog.plan_view
    assert view.left_out.text() == (
        "9 observations are not public yet. 1 observation and 1 file are left out for other reasons. "
        "1 question was not answered; they are asked again later."
    )
    assert [view.list.topLevelItem(n).text(0) for n in range(view.list.topLevelItemCount())] == [
        "✕ The server said 503 about 00012.",
        f"{LABELS[XMM]}: It is not public before 2030-01-01. (9)",
        f"{LABELS[SWIFT]}: It has no event lists. (2)",
    ]
    assert view.log_in.isVisible()
    one.session.plan = a_plan()
    one.look(qtbot)
    assert not view.log_in.isVisible() and not view.list.isVisible()


# ---- the digest


def digest(files, free_bytes=10**12, **more) -> PlanDigest:
    return PlanDigest.of(DownloadPlan(tuple(files), free_bytes=free_bytes, **more), LABELS)


def test_that_a_disk_that_is_too_small_is_told_in_words():
    files = planned_files(XMM, 3, size=2_000_000_000)
    small = digest(files, free_bytes=5_000_000_000)
    assert not small.fits
    assert small.disk() == "▲ The disk is too small: 6.0 GB are to come and 5.0 GB are free. 1.0 GB are missing."
    assert "nearly full" in digest(files, free_bytes=6_100_000_000).disk()
    assert digest(files, free_bytes=50_000_000_000).disk() == "50.0 GB are free on the disk."


def test_that_a_plan_of_nothing_and_one_of_what_is_here_say_so():
    assert digest([]).headline() == "There is nothing to fetch."
    assert "all of them are here already" in digest(planned_files(XMM, 2, here=True)).headline()
    assert "do not tell how large" in digest(planned_files(XMM, 2, size=None)).headline()
    assert digest(planned_files(XMM, 2, here=True)).disk() == ""


def test_that_sizes_are_about_only_where_something_that_comes_is_rounded():
    rounded_but_here = planned_files(XMM, 2, exact=False, here=True) + planned_files(XMM, 1, "image")
    assert not digest(rounded_but_here).rounded
    assert digest(planned_files(XMM, 2, exact=False)).rounded


def test_that_optional_files_are_counted_for_the_tool_tip(opened, qtbot):
    one = opened(plan=DownloadPlan(tuple(planned_files(XMM, 2, optional=True)), free_bytes=10**12))
    one.look(qtbot)
    assert "complete without 2 files" in one.dialog.plan_view.table.item(0, 0).toolTip()


def test_that_no_control_of_the_plan_is_a_trap_for_the_tab_key(opened, qtbot):
    one = opened(plan=a_plan(left_out=tuple(closed(XMM, 3))))
    one.look(qtbot)
    seen: list[QWidget] = []
    one.dialog.name.setFocus()
    while QApplication.focusWidget() not in seen:
        seen.append(QApplication.focusWidget())
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert {one.dialog.ok, one.dialog.look_button, one.dialog.plan_view.log_in, one.dialog.plan_view.table} <= set(seen)
    assert all(button.toolTip() for button in one.dialog.findChildren(QPushButton) if button.isVisible())


def test_that_the_dialog_of_the_window_is_about_the_filters_of_its_time_and_goes_with_the_window(practice, qtbot):
    """The window behind it stays usable: another click brings it back, after a change of the filters a new one comes."""
    summary = practice.panel("find", "summary")
    qtbot.waitUntil(summary.create_button.isEnabled, timeout=LONG_MS)
    qtbot.mouseClick(summary.create_button, Qt.MouseButton.LeftButton)
    first = summary._dialog
    assert first.isVisible() and not first.isModal()
    qtbot.mouseClick(summary.create_button, Qt.MouseButton.LeftButton)
    assert summary._dialog is first
    practice.context.set_stack(practice.context.stack.add(Cone(practice.session.resolve_name("practice cluster"))))
    practice.context.apply_filters()
    with qtbot.waitSignal(first.rejected):
        qtbot.mouseClick(summary.create_button, Qt.MouseButton.LeftButton)
    second = summary._dialog
    assert second.isVisible() and second is not first
    second.look()
    qtbot.waitUntil(lambda: second.has_fresh_plan, timeout=LONG_MS)
    assert second.plan_view.table.rowCount() >= 6
    with qtbot.waitSignal(second.rejected):
        practice.window.close()
    assert practice.session.archive is None
