"""The dialogs of filters: names and files are looked up meanwhile, rows are picked by hand, nothing holds up the window."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QCheckBox, QListWidget, QPushButton

from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import FileError, InputError, TransferError
from daxa_gui.core.filters import (
    Box,
    Cone,
    Moc,
    ObsIds,
    Picked,
    Positions,
    SkyShapes,
    TargetType,
    Usable,
)  # fmt: skip
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.widgets import filter_editor
from daxa_gui.gui.widgets.base_editor import Looking
from daxa_gui.gui.widgets.filter_editor import dialog_for
from daxa_gui.gui.widgets.filter_list import EFFECT_ROLE
from daxa_gui.gui.widgets.lookup import Lookup
from daxa_gui.session import Session
from tests.fakes.filter_window import CALPV, ERASS, KINDS, M51, Window, accepted, choose, fill_box, line, text, tick


@pytest.fixture
def window(qtbot, tmp_path) -> Iterator[Window]:
    window = Window(qtbot, tmp_path)
    yield window
    window.close()


# ---- names take time


class SlowNames:
    """Names that a service knows, which answers when it is let."""

    def __init__(self, session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.threads: set[int] = set()
        self.may_answer = threading.Event()
        self.failure: Exception | None = None
        monkeypatch.setattr(session, "resolve_name", self.resolve)

    def resolve(self, name: str) -> SkyPosition:
        self.asked.append(name)
        self.threads.add(threading.get_ident())
        assert self.may_answer.wait(20)
        if self.failure is not None:
            raise self.failure
        if name == "M 51":
            return M51
        raise InputError(f"The name « {name} » is not known.")


@pytest.fixture
def names(window, monkeypatch) -> Iterator[SlowNames]:
    slow = SlowNames(window.session, monkeypatch)
    yield slow
    slow.may_answer.set()


def test_that_a_name_is_looked_up_in_the_background_and_the_dialog_says_so(window, qtbot, names):
    dialog = window.open("name")
    line(dialog, "objectName").setText("M 51")
    qtbot.waitUntil(lambda: dialog.preview.text() == "Looking up « M 51 » …")
    qtbot.waitUntil(lambda: names.asked == ["M 51"])
    assert not dialog.problem.isVisible()
    names.may_answer.set()
    qtbot.waitUntil(lambda: "On its own" in dialog.preview.text())
    assert accepted(qtbot, dialog) == Cone(M51)
    assert threading.get_ident() not in names.threads


def test_that_a_service_that_does_not_answer_holds_up_neither_other_names_nor_the_end(window, qtbot, names):
    dialog = window.open("name")
    for name in ("Slow 1", "Slow 2", "Slow 3"):
        line(dialog, "objectName").setText(name)
        qtbot.waitUntil(lambda name=name: name in names.asked)
    other = []
    window.context.background.read(window.panel, "something else", lambda: 5, other.append)
    qtbot.waitUntil(lambda: other == [5])
    assert not names.may_answer.is_set()
    dialog.reject()
    window.context.background.close()
    assert window.context.background.wait_until_idle(0)


def test_that_a_dialog_accepted_too_early_waits_for_the_answer(window, qtbot, names):
    dialog = window.open("name")
    line(dialog, "objectName").setText("M 51")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "as soon as that is known" in dialog.preview.text())
    assert dialog.isVisible()
    with qtbot.waitSignal(dialog.accepted):
        names.may_answer.set()
    assert window.filters() == [Cone(M51)]


def test_that_a_changed_mind_stops_the_waiting(window, qtbot, names):
    dialog = window.open("name")
    line(dialog, "objectName").setText("M 51")
    dialog.buttons.accepted.emit()
    qtbot.waitUntil(lambda: names.asked == ["M 51"])
    line(dialog, "objectName").setText("eFEDS")
    names.may_answer.set()
    qtbot.waitUntil(lambda: "On its own" in dialog.preview.text())
    assert dialog.isVisible() and window.filters() == []
    dialog.reject()


def test_that_not_every_letter_is_asked_for(window, qtbot, names):
    names.may_answer.set()
    dialog = window.open("name")
    qtbot.keyClicks(line(dialog, "objectName"), "M 51", delay=20)
    qtbot.waitUntil(lambda: "On its own" in dialog.preview.text())
    assert names.asked == ["M 51"]
    dialog.reject()


def test_that_unknown_names_are_named_and_known_ones_asked_once(window, qtbot, names):
    names.may_answer.set()
    dialog = window.open("places")
    text(dialog, "places").setPlainText("M 51\nNo Such Thing\nefeds")
    qtbot.waitUntil(lambda: "Line 2: The name « No Such Thing » is not known." in dialog.problem.text())
    text(dialog, "places").setPlainText("M 51\n10 20\nM 51")
    made = accepted(qtbot, dialog)
    assert names.asked == ["M 51", "No Such Thing"]
    assert made.places.names == ("M 51", "", "M 51")


def test_that_a_service_out_of_reach_is_not_asked_for_every_name(window, qtbot, names):
    names.failure = TransferError("The name service does not answer.")
    names.may_answer.set()
    dialog = window.open("places")
    text(dialog, "places").setPlainText("M 51\nM 31\nM 33")
    qtbot.waitUntil(lambda: "Line 1: The name service does not answer." in dialog.problem.text())
    assert names.asked == ["M 51"]
    names.failure = None
    text(dialog, "places").setPlainText("M 51")  # it is tried again
    assert accepted(qtbot, dialog).places.names == ("M 51",)


def test_that_a_closed_dialog_asks_no_further_names(window, qtbot, names):
    dialog = window.open("places")
    text(dialog, "places").setPlainText("M 51\nM 31\nM 33")
    qtbot.waitUntil(lambda: names.asked == ["M 51"])
    dialog.reject()
    names.may_answer.set()
    assert window.context.background.wait_until_idle()
    assert names.asked == ["M 51"]


def test_that_the_name_of_a_filter_is_not_asked_for_again(window, qtbot, names):
    window.set(Cone(M51, 0.1))
    dialog = window.change(0)
    line(dialog, "radiusNumber").setText("12")
    assert accepted(qtbot, dialog) == Cone(M51, 0.2)
    assert names.asked == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the window logs it and says so
def test_that_a_failure_of_the_program_in_a_look_up_ends_it(window, qtbot, monkeypatch):
    def fail(name):
        raise RuntimeError("a fault")

    monkeypatch.setattr(window.session, "resolve_name", fail)
    lookup = Lookup(window.session, window.context.background, window.panel)
    with pytest.raises(Looking):
        lookup.place("M 51")
    with qtbot.waitSignal(lookup.answered):
        lookup.hurry()


# ---- files


REGION = "# Region file format: DS9\nicrs\ncircle(130,2,0.5)\n-ellipse(131,2,0.2,0.4,30)\n"


def test_that_a_region_file_is_read_shown_and_exchanged(window, qtbot, tmp_path):
    path = tmp_path / "field.reg"
    path.write_text(REGION)
    dialog = window.open("region_file")
    line(dialog, "filterFile").setText(str(path))
    qtbot.waitUntil(lambda: "2 shapes" in dialog.editor.told.text())
    made = accepted(qtbot, dialog)
    assert isinstance(made, SkyShapes)
    assert [(shape.shape, shape.include) for shape in made.shapes] == [("circle", True), ("ellipse", False)]
    path.unlink()  # the filter holds the shapes
    dialog = window.change(0)
    assert "2 shapes" in dialog.editor.told.text()
    assert accepted(qtbot, dialog) == made
    other = tmp_path / "other.reg"
    other.write_text("icrs\nbox(10,10,1,2,0)\n")
    dialog = window.change(0)
    line(dialog, "filterFile").setText(str(other))
    assert [shape.shape for shape in accepted(qtbot, dialog).shapes] == ["box"]


def test_that_a_damaged_region_file_is_explained_and_can_be_mended(window, qtbot, tmp_path):
    path = tmp_path / "field.reg"
    path.write_text("icrs\ncircle(130,2\n")
    dialog = window.open("region_file")
    line(dialog, "filterFile").setText(str(path))
    qtbot.waitUntil(lambda: "field.reg" in dialog.problem.text())
    assert dialog.problem.isVisible()
    path.write_text(REGION)
    line(dialog, "filterFile").setText("")
    line(dialog, "filterFile").setText(str(path))
    assert isinstance(accepted(qtbot, dialog), SkyShapes)


def test_that_a_coverage_map_is_read_in_the_background(window, qtbot, tmp_path, monkeypatch):
    seen: list[int] = []
    moc = Moc(((0, 1 << 58),), "north.moc")

    def read(path: Path) -> Moc:
        seen.append(threading.get_ident())
        if path.name != "north.moc":
            raise FileError(f"{path} is no coverage map.")
        return moc

    monkeypatch.setattr(window.session, "read_moc", read)
    dialog = window.open("moc_file")
    line(dialog, "filterFile").setText("/somewhere/north.moc")
    qtbot.waitUntil(lambda: "3438 square degrees" in dialog.editor.told.text())  # a base cell: a twelfth of the sky
    assert accepted(qtbot, dialog) == moc
    assert seen and threading.get_ident() not in seen


# ---- lists


def test_that_searching_a_list_hides_lines_and_keeps_ticks(window, qtbot):
    dialog = window.open("target_type")
    tick(dialog, "targetTypes", "All-sky survey")
    qtbot.keyClicks(line(dialog, "targetTypesFind"), "supernova")
    shown = [item.text() for item in map(dialog.editor.list.item, range(dialog.editor.list.count())) if not item.isHidden()]
    assert shown and all("upernova" in item for item in shown)
    assert dialog.editor.filter() == TargetType(("ASK",))
    dialog.reject()


def test_that_instruments_are_counted_as_the_tables_say(window, qtbot):
    dialog = window.open("instrument")
    qtbot.waitUntil(lambda: "·" in dialog.editor.list.item(0).text())
    expected: Counter[str] = Counter()
    for name in (CALPV, ERASS):
        for used in window.session.catalogue(name).instruments.tolist():
            expected.update(used.split())
    for row in range(dialog.editor.list.count()):
        item = dialog.editor.list.item(row)
        number = int(item.text().rpartition("·")[2].replace("\u202f", ""))
        assert number == expected[item.data(Qt.ItemDataRole.UserRole)]
    dialog.reject()


# ---- by hand


def test_that_enter_puts_obs_ids_on_the_list_and_delete_takes_them_off(window, qtbot):
    dialog = window.open("picked")
    choose(dialog, "pickedMission", CALPV)
    entry = line(dialog, "pickedObsIds")
    qtbot.keyClicks(entry, "300003 300004 300003")
    qtbot.keyClick(entry, Qt.Key.Key_Return)
    rows = dialog.findChild(QListWidget, "pickedRows")
    assert [rows.item(row).text() for row in range(rows.count())] == ["eROSITA Cal-PV  300003", "eROSITA Cal-PV  300004"]
    assert dialog.isVisible() and entry.text() == ""
    rows.setCurrentRow(0)
    assert dialog.findChild(QPushButton, "pickedRemove").isEnabled()
    qtbot.keyClick(rows, Qt.Key.Key_Delete)
    assert rows.count() == 1
    with qtbot.waitSignal(dialog.accepted):
        qtbot.keyClick(entry, Qt.Key.Key_Return)  # nothing is typed: this is for the dialog
    assert window.filters() == [Picked(((CALPV, ("300004",)),), keep=True)]
    assert window.context.stack.rows[0].missions is None


def left(window: Window, mission: str = CALPV) -> set[str]:
    window.context.apply_filters()
    return set(window.session.catalogue(mission).obs_id[window.context.results[mission].mask].tolist())


def test_that_rows_are_kept_and_left_out_by_hand_and_given_back(window):
    context = window.context
    window.set(ObsIds(("300003", "300004")))
    context.pick(CALPV, ["300005"], keep=True)
    assert left(window) == {"300003", "300004", "300005"}
    context.pick(CALPV, ["300003"], keep=False)
    context.pick(CALPV, ["300006"], keep=True)
    assert left(window) == {"300004", "300005", "300006"}
    assert [type(item) for item in window.filters()] == [ObsIds, Picked, Picked]  # one for each of the two
    assert (context.picked(CALPV, "300003"), context.picked(CALPV, "300005")) == (False, True)
    context.pick(CALPV, ["300005"], keep=False)  # the opposite of before
    assert left(window) == {"300004", "300006"}
    context.unpick(CALPV, ["300003", "300005"])
    assert left(window) == {"300003", "300004", "300006"}
    assert [type(item) for item in window.filters()] == [ObsIds, Picked]
    assert context.picked(CALPV, "300003") is None
    for _ in range(5):
        context.undo()
    assert left(window) == {"300003", "300004"}


def test_that_what_is_kept_by_hand_comes_after_later_filters(window):
    window.context.pick(CALPV, ["300005"], keep=True)
    window.set(ObsIds(("300003",)))
    assert left(window) == {"300003"}
    window.context.pick(CALPV, ["300006"], keep=True)
    assert left(window) == {"300003", "300005", "300006"}


def test_that_picking_switches_the_filter_on_again(window):
    window.context.pick(CALPV, ["300005"], keep=False)
    window.context.set_stack(window.context.stack.toggle(window.context.stack.rows[0].id, False))
    window.context.pick(CALPV, ["300006"], keep=False)
    assert not {"300005", "300006"} & left(window)


# ---- the window is not held up


def test_that_counting_and_filtering_happen_in_the_background(window, qtbot, monkeypatch):
    threads: list[int] = []

    class Slow(Box):
        def mask(self, catalogue):
            threads.append(threading.get_ident())
            return super().mask(catalogue)

    slow = Slow(0.0, 10.0, 0.0, 10.0)
    window.set(slow)
    qtbot.waitUntil(lambda: len(window.context.results[CALPV].counts) == 1)
    dialog = dialog_for(slow, None, window.session, window.context, window.panel)
    dialog.open()
    qtbot.waitUntil(lambda: "On its own" in dialog.preview.text())
    assert len(threads) >= 4 and threading.get_ident() not in threads
    dialog.reject()


def test_that_rows_keep_their_effects_until_new_ones_are_known(window, qtbot):
    window.set(Box(0.0, 10.0, 0.0, 10.0))
    panel = window.panel

    def effect(row: int) -> str:
        return panel.list.item(row).data(EFFECT_ROLE)

    assert effect(0) == "counting …"
    qtbot.waitUntil(lambda: "→" in effect(0))
    before, height = effect(0), panel.list.visualItemRect(panel.list.item(0)).height()
    window.set(Usable())
    assert (effect(0), effect(1)) == (before, "counting …")
    assert panel.list.visualItemRect(panel.list.item(0)).height() == height
    qtbot.waitUntil(lambda: "→" in effect(1))


def test_that_a_filter_that_cannot_be_counted_says_so(window, qtbot, monkeypatch):
    def fail(*_arguments):
        raise InputError("Nothing can be counted today.")

    monkeypatch.setattr(filter_editor, "preview_text", fail)
    dialog = window.open("box")
    fill_box(dialog)
    qtbot.waitUntil(lambda: "Nothing can be counted today." in dialog.preview.text())
    dialog.reject()


# ---- the menu


def test_that_every_kind_stands_once_in_the_menu_with_a_tip_and_letters_of_its_own(window):
    menus = [window.panel.add_button.menu()]
    found: list[str] = []
    for menu in menus:
        actions = [action for action in menu.actions() if not action.isSeparator()]
        letters = Counter(QKeySequence.mnemonic(action.text()).toString() for action in actions)
        assert max(letters.values()) == 1, letters
        for action in actions:
            if action.menu() is not None:
                menus.append(action.menu())
            else:
                found.append(action.objectName())
                assert action.toolTip() and action.toolTip() != action.text()
    assert sorted(found) == sorted([*(f"add_{name}" for name in KINDS), "add_sample"])


def test_that_places_of_a_file_are_asked_for_by_the_window(window, qtbot):
    menu = window.panel.add_button.menu()
    action = next(action for action in menu.actions() if action.objectName() == "add_sample")
    with qtbot.waitSignal(window.context.sample_requested):
        action.trigger()


def test_that_untouched_places_own_windows_are_told(window, qtbot):
    places = Places(np.linspace(0, 359, 600), np.zeros(600), ("",) * 600, np.full(600, 0.1), np.full(600, 58000.0), None)
    window.set(Positions(places, distance=Distance.of_positions(), label="grb.csv"))
    dialog = window.change(0)
    told = dialog.editor._told
    assert told.isVisible() and not text(dialog, "places").isVisible()
    assert told.text() == "600 places from grb.csv, each with its own radius and with time windows."
    choose(dialog, "distanceKind", "default")
    dialog.findChild(QCheckBox, "placesInside").click()
    made = accepted(qtbot, dialog)
    assert made.reach == Distance() and made.entirely_inside and made.places == places
