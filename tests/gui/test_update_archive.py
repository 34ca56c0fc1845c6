"""« Update archive… »: what it would change is shown first, nothing changes before « Update »; and other choices of files."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.archive_queries import ArchiveUpdate
from daxa_gui.core.errors import ArchiveError, Cancelled
from daxa_gui.gui.widgets.change_choice import ChangeChoiceDialog, Chosen, change_sentences, chosen_now
from daxa_gui.missions import MISSIONS
from tests.fakes.archive_windows import dialog, is_closed, opened_elsewhere, press, show, wait_for
from tests.fakes.windows import near_the_cluster
from tests.gui.test_accessibility import check


@pytest.fixture
def young(practice, qtbot):
    """An archive that was made when the catalogue had but one of the observations that its filters find."""
    [selection] = near_the_cluster(practice.session, ("xmm_pointed",))
    assert len(selection.obs_ids) > 1
    first = replace(selection, obs_ids=selection.obs_ids[:1], instruments=("PN",))
    practice.session.create_archive("young", [first])
    wait_for(qtbot, lambda: "young" in practice.window.windowTitle())
    assert practice.session.wait_until_idle(120)
    practice.others = selection.obs_ids[1:]
    return practice


def update_dialog(window, qtbot):
    window.action("update_archive")
    return dialog(qtbot, "updateArchiveDialog")


def obs_ids(window) -> set[str]:
    return {about.obs_id for about in window.session.observations()}


def test_that_new_observations_are_shown_and_taken_in_only_then(young, qtbot):
    before = obs_ids(young)
    box = update_dialog(young, qtbot)
    wait_for(qtbot, box.go.isEnabled)
    n_new = len(young.others)
    assert box.summary.text() == f"{n_new} new observations. Nothing has changed yet."
    assert all(obs_id in box.details.toPlainText() for obs_id in young.others)
    assert obs_ids(young) == before
    check(box)
    press(qtbot, box.go)
    wait_for(qtbot, lambda: obs_ids(young) == before | set(young.others))
    wait_for(qtbot, lambda: is_closed("updateArchiveDialog"))
    panel = young.panel("archive", "archive")
    wait_for(qtbot, lambda: panel.model.count() == 1 + n_new)
    assert young.session.wait_until_idle(120)


def test_that_cancelling_changes_nothing(young, qtbot):
    before = obs_ids(young)
    box = update_dialog(young, qtbot)
    wait_for(qtbot, box.go.isEnabled)
    box.reject()
    qtbot.wait(50)
    assert obs_ids(young) == before


def test_that_an_archive_that_is_up_to_date_says_so(practice, qtbot):
    practice.session.create_archive("whole", near_the_cluster(practice.session, ("swift",)))
    wait_for(qtbot, lambda: "whole" in practice.window.windowTitle())
    box = update_dialog(practice, qtbot)
    wait_for(qtbot, lambda: "up to date" in box.summary.text())
    assert not box.go.isEnabled()


def test_that_missions_that_could_not_be_searched_are_named(reduced, qtbot, monkeypatch):
    update = ArchiveUpdate((), (("swift", "1"),), sentences=("Nothing is new.",), problems=("HEASARC does not answer.",))
    monkeypatch.setattr(reduced.session, "plan_update", lambda progress, cancelled: update)
    box = update_dialog(reduced, qtbot)
    wait_for(qtbot, lambda: "not everything" in box.summary.text())
    assert "⚠ HEASARC does not answer." in box.details.toPlainText()
    assert "No longer found, kept:\n    Swift 1" in box.details.toPlainText()
    assert not box.go.isEnabled()


def test_that_a_search_can_be_stopped_and_fail(reduced, qtbot, monkeypatch):
    begun = threading.Event()

    def endless(progress, cancelled):
        begun.set()
        while not cancelled():
            progress(0, 3, "asking for the observations of Swift")
        raise Cancelled

    monkeypatch.setattr(reduced.session, "plan_update", endless)
    box = update_dialog(reduced, qtbot)
    wait_for(qtbot, lambda: begun.is_set() and "Swift" in box.work.label.text())
    press(qtbot, box.work.stop_button)
    wait_for(qtbot, lambda: "stopped" in box.summary.text())
    assert not box.go.isEnabled()
    box.reject()
    qtbot.wait(20)

    def fails(progress, cancelled):
        raise ArchiveError("The disk is full.")

    monkeypatch.setattr(reduced.session, "plan_update", fails)
    box = update_dialog(reduced, qtbot)
    wait_for(qtbot, box.problem.isVisible)
    assert "The disk is full." in box.problem.text() and not box.go.isEnabled()


def test_that_a_refused_update_can_be_tried_again(young, qtbot, monkeypatch):
    box = update_dialog(young, qtbot)
    wait_for(qtbot, box.go.isEnabled)

    def refuse(_update):
        raise ArchiveError("The disk is full.")

    monkeypatch.setattr(young.session, "update_archive", refuse)
    press(qtbot, box.go)
    wait_for(qtbot, lambda: box.problem.isVisible() and box.go.isEnabled())
    assert "The disk is full." in box.problem.text() and "Nothing was changed" in box.summary.text()


def test_that_the_menu_follows_what_can_be_done(reduced, qtbot):
    actions = reduced.window.actions_by_name
    changing = ("update_archive", "change_choice", "write_daxa_files")
    assert all(actions[name].isEnabled() for name in (*changing, "check_archive", "show_archive_folder"))
    with opened_elsewhere(reduced, qtbot):
        assert not any(actions[name].isEnabled() for name in changing)
        assert actions["check_archive"].isEnabled()
    wait_for(qtbot, lambda: not actions["check_archive"].isEnabled())
    assert actions["open_daxa_archive"].isEnabled() and actions["convert_daxa"].isEnabled()


# ---- another choice of instruments and kinds


def choice_dialog(window, qtbot) -> ChangeChoiceDialog:
    window.action("change_choice")
    return dialog(qtbot, "changeChoiceDialog")


def box_of(dialog: ChangeChoiceDialog, name: str):
    from PySide6.QtWidgets import QCheckBox

    found = dialog.findChild(QCheckBox, name)
    assert found is not None, name
    return found


def test_that_a_wider_choice_fetches_what_is_missing(young, qtbot):
    [about] = young.session.observations()
    box = choice_dialog(young, qtbot)
    assert box_of(box, "choice_instrument_xmm_pointed_PN").isChecked()
    assert not box_of(box, "choice_instrument_xmm_pointed_M1").isChecked()
    assert box.meaning.text() == "Nothing is changed yet." and not box.go.isEnabled()
    check(box)
    box_of(box, "choice_instrument_xmm_pointed_M1").click()
    assert "EPIC-MOS1 will be fetched" in box.meaning.text()
    press(qtbot, box.go)
    wait_for(qtbot, lambda: {p.key.instrument for p in young.session.products(*_key(about))} == {"M1", "PN"})
    assert young.session.observations()[0].instruments == ("M1", "PN")
    assert young.session.wait_until_idle(120)


def _key(about: ArchiveObservation) -> tuple[str, str]:
    return about.mission, about.obs_id


def test_that_an_empty_choice_and_a_refused_one_change_nothing(young, qtbot, monkeypatch):
    box = choice_dialog(young, qtbot)
    pn = box_of(box, "choice_instrument_xmm_pointed_PN")
    pn.click()
    assert "Choose an instrument of XMM" in box.problem.text() and not box.go.isEnabled()
    pn.click()
    assert not box.problem.isVisible() and not box.go.isEnabled()

    def refuse(*_args):
        raise ArchiveError("The disk is full.")

    monkeypatch.setattr(young.session, "widen", refuse)
    box_of(box, "choice_instrument_xmm_pointed_M2").click()
    press(qtbot, box.go)
    wait_for(qtbot, box.problem.isVisible)
    assert "The disk is full." in box.problem.text() and box.go.isEnabled()
    assert young.session.observations()[0].instruments == ("PN",)


def test_that_only_the_mission_of_the_chosen_observation_is_asked_about(reduced, qtbot):
    panel = reduced.panel("archive", "archive")
    wait_for(qtbot, lambda: panel.model.count() == 3)
    panel._desk.ask_choice("swift")
    box = dialog(qtbot, "changeChoiceDialog")
    assert [part.spec.name for part in box.parts] == ["swift"]


def test_that_telescope_modules_of_erosita_can_be_chosen(reduced, qtbot, monkeypatch):
    about = ArchiveObservation("erosita_calpv", "700001", "3C 58", ("TM1", "TM2"), kinds=("events",))
    box = ChangeChoiceDialog(reduced.session, reduced.context, [about], reduced.window)
    qtbot.addWidget(box)
    asked: list[tuple] = []
    monkeypatch.setattr(reduced.session, "widen", lambda *what: asked.append(what) or [])
    box.show()
    for number in range(3, 8):
        box_of(box, f"choice_instrument_erosita_calpv_TM{number}").click()
    press(qtbot, box.go)
    wait_for(qtbot, lambda: bool(asked))
    assert asked == [("erosita_calpv", (), ("events",))]  # all of them, also those to come


def test_that_the_present_choice_is_that_of_all_observations_together():
    spec = MISSIONS["xmm_pointed"]
    one = ArchiveObservation("xmm_pointed", "1", "", ("PN",), kinds=())
    two = ArchiveObservation("xmm_pointed", "2", "", ("M1",), kinds=("image",))
    now = chosen_now(spec, [one, two])
    assert now == Chosen(("M1", "PN"), ("events", "image"))
    words = " ".join(change_sentences("XMM", spec, now, Chosen(("PN", "M2"), ("events", "raw"))))
    for part in ("EPIC-MOS2 will be fetched", "EPIC-MOS1 will be left alone", "raw data", "no more images"):
        assert part in words
    assert change_sentences("XMM", spec, now, now) == []


def test_that_the_buttons_of_the_versions_panel_do_the_same(reduced, qtbot):
    panel = show(reduced, qtbot, "versions")
    press(qtbot, panel.update_button)
    dialog(qtbot, "updateArchiveDialog").reject()
