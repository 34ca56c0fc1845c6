"""Every kind of filter is made, changed and undone in the window; what takes time does not hold it up."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QListWidget, QPlainTextEdit, QPushButton, QRadioButton

from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import FileError, InputError, TransferError
from daxa_gui.core.filters import (
    And,
    Box,
    Category,
    Cone,
    Exposure,
    Field,
    Filter,
    HasInstrument,
    Moc,
    Not,
    ObsIds,
    Or,
    Picked,
    Polygon,
    Positions,
    Public,
    SkyShape,
    SkyShapes,
    TargetType,
    TimeRange,
    Usable,
)  # fmt: skip
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.filters import FiltersPanel
from daxa_gui.gui.widgets import filter_editor
from daxa_gui.gui.widgets.base_editor import Looking
from daxa_gui.gui.widgets.filter_editor import FILTER_KINDS, FilterDialog, dialog_for
from daxa_gui.gui.widgets.lookup import Lookup
from daxa_gui.session import Session

CALPV, ERASS = "erosita_calpv", "erosita_all_sky_de_dr1"
KINDS = {kind.name: kind for kind in FILTER_KINDS}
M51 = SkyPosition(202.4695750, 47.1952583, "M 51")


class Window:
    """The panel of filters on a real session."""

    def __init__(self, qtbot, folder: Path) -> None:
        self.session = Session(output_folder=folder / "out", cache=folder / "cache")
        self.session.set_offline(True)
        self.context = Context(self.session)
        self.bridge = Bridge(self.session.bus, interval_ms=5)
        self.context.apply_filters()
        self.panel = FiltersPanel(self.session, self.context, self.bridge)
        qtbot.addWidget(self.panel)
        self.panel.show()

    def filters(self) -> list[Filter]:
        return [row.filter for row in self.context.stack.rows]

    def set(self, *filters: Filter) -> None:
        stack = self.context.stack
        for item in filters:
            stack = stack.add(item)
        self.context.set_stack(stack)

    def open(self, kind: str) -> FilterDialog:
        self.panel.add(KINDS[kind])
        return self.dialog()

    def change(self, place: int) -> FilterDialog:
        self.panel.list.setCurrentRow(place)
        self.panel.edit_current()
        return self.dialog()

    def dialog(self) -> FilterDialog:
        found = [dialog for dialog in self.panel.findChildren(FilterDialog) if dialog.isVisible()]
        assert len(found) == 1
        return found[0]

    def close(self) -> None:
        self.bridge.stop()
        self.context.background.close()
        self.session.close()


@pytest.fixture
def window(qtbot, tmp_path) -> Iterator[Window]:
    window = Window(qtbot, tmp_path)
    yield window
    window.close()


def line(dialog: FilterDialog, name: str) -> QLineEdit:
    return dialog.findChild(QLineEdit, name)


def text(dialog: FilterDialog, name: str) -> QPlainTextEdit:
    return dialog.findChild(QPlainTextEdit, name)


def tick(dialog: FilterDialog, name: str, beginning: str) -> None:
    lines = dialog.findChild(QListWidget, name)
    [item] = [lines.item(row) for row in range(lines.count()) if lines.item(row).text().startswith(beginning)]
    item.setCheckState(Qt.CheckState.Checked)


def choose(dialog: FilterDialog, name: str, value: object) -> None:
    box = dialog.findChild(QComboBox, name)
    place = box.findData(value)
    assert place >= 0
    box.setCurrentIndex(place)


def accepted(qtbot, dialog: FilterDialog) -> Filter:
    with qtbot.waitSignal(dialog.accepted):
        dialog.buttons.accepted.emit()
    assert dialog.result_filter is not None
    return dialog.result_filter


# ---- making


def fill_places(dialog: FilterDialog) -> None:
    text(dialog, "places").setPlainText("10 20 | 6′ | 2019-01-01 | 2019-02-01\nefeds | 0.5deg\n\n")
    choose(dialog, "distanceKind", "positions")


def fill_box(dialog: FilterDialog) -> None:
    choose(dialog, "boxFrame", "galactic")
    for name, value in (("raFrom", "350"), ("raTo", "10"), ("decFrom", "−5"), ("decTo", "5")):
        line(dialog, name).setText(value)


def fill_exposure(dialog: FilterDialog) -> None:
    line(dialog, "entry_least").setText("16.1")
    line(dialog, "entry_most").setText("100")


def fill_public(dialog: FilterDialog) -> None:
    dialog.findChild(QRadioButton, "publicAt").setChecked(True)
    line(dialog, "publicDate").setText("2021-07-02")


def fill_picked(dialog: FilterDialog) -> None:
    choose(dialog, "pickedMission", CALPV)
    line(dialog, "pickedObsIds").setText("300004, 300003")
    dialog.findChild(QRadioButton, "pickedLeaveOut").setChecked(True)


def fill_instrument(dialog: FilterDialog) -> None:
    for name in ("Telescope module 1 (TM1)", "Telescope module 5 (TM5)"):
        tick(dialog, "instrumentList", name)
    dialog.findChild(QRadioButton, "instrumentsAll").setChecked(True)


MADE = {
    "name": (lambda d: line(d, "objectName").setText("EFEDS"), lambda f: f.position.name == "eFEDS" and f.radius_deg is None),
    "position": (lambda d: line(d, "position").setText("l=0 b=90"),
                 lambda f: f.position.dec_deg == pytest.approx(27.128, abs=1e-3)),
    "places": (fill_places, lambda f: f.reach == Distance.of_positions() and f.places.radius_deg.tolist() == [0.1, 0.5]
               and f.places.start_mjd[0] == 58484.0 and math.isnan(f.places.start_mjd[1])),
    "box": (fill_box, lambda f: f == Box(350.0, 10.0, -5.0, 5.0, "galactic")),
    "polygon": (lambda d: text(d, "corners").setPlainText("10 10\n20 10\n01 00 00 +20 00 00\n"),
                lambda f: f == Polygon(((10.0, 10.0), (20.0, 10.0), (15.0, 20.0)))),
    "time": (lambda d: line(d, "timeFrom").setText("2019-11-03"), lambda f: f == TimeRange(58790.0, math.inf)),
    "target_type": (lambda d: tick(d, "targetTypes", "All-sky survey"), lambda f: f == TargetType(("ASK",))),
    "instrument": (fill_instrument, lambda f: f == HasInstrument(("TM1", "TM5"), all_of=True)),
    "exposure": (fill_exposure, lambda f: f == Exposure(16100.0, 100000.0)),
    "public": (fill_public, lambda f: f == Public(59397.0)),
    "obs_ids": (lambda d: text(d, "obsIds").setPlainText("300003;300004"), lambda f: f == ObsIds(("300003", "300004"))),
    "picked": (fill_picked, lambda f: f == Picked(((CALPV, ("300004", "300003")),), keep=False)),
}  # fmt: skip


@pytest.mark.parametrize("kind", MADE)
def test_that_a_filter_is_made_previewed_and_undone(window, qtbot, kind):
    fill, is_right = MADE[kind]
    dialog = window.open(kind)
    assert not dialog.buttons.button(dialog.buttons.StandardButton.Ok).isEnabled() or kind in ("public",)
    fill(dialog)
    qtbot.waitUntil(lambda: any(word in dialog.preview.text() for word in ("On its own", "Leaves out")))
    made = accepted(qtbot, dialog)
    assert is_right(made), made
    assert window.filters() == [made]
    window.panel.undo_button.click()
    assert window.filters() == []


def test_that_what_is_fit_for_science_needs_no_dialog(window):
    window.panel.add(KINDS["usable"])
    assert window.filters() == [Usable()]


def test_that_a_field_is_ticked_with_its_count_and_applies_to_its_mission_alone(window, qtbot):
    dialog = window.open("field")
    qtbot.waitUntil(lambda: dialog.editor.list.count() > 20)
    texts = [dialog.editor.list.item(row).text() for row in range(dialog.editor.list.count())]
    assert "eFEDS  ·  4" in texts
    assert "All of the kind « galactic »  ·  121" in texts  # missions.md 14 has these numbers too
    tick(dialog, "fields", "All of the kind « magellanic clouds »")
    made = accepted(qtbot, dialog)
    assert int(made.mask(window.session.catalogue(CALPV)).sum()) == 20
    assert window.context.stack.rows[0].missions == (CALPV,)


def test_that_categories_are_those_of_the_tables(window, qtbot, monkeypatch):
    import dataclasses

    table = window.session.catalogue(CALPV)
    texts = np.where(np.arange(len(table)) % 3 == 0, "X-RAY BINARY", "")
    changed = dataclasses.replace(table, category=texts)
    real = window.session.catalogue
    monkeypatch.setattr(window.session, "catalogue", lambda name: changed if name == CALPV else real(name))
    dialog = window.open("category")
    assert dialog.preview.text() == "Reading the categories …"
    qtbot.waitUntil(lambda: dialog.editor.list.count() == 1)
    assert dialog.editor.list.item(0).text().startswith("X-RAY BINARY  –  eROSITA Cal-PV  ·  57")
    tick(dialog, "categories", "X-RAY")
    assert accepted(qtbot, dialog) == Category(("X-RAY BINARY",))


def test_that_missing_categories_are_told_not_waited_for(window, qtbot):
    dialog = window.open("category")
    qtbot.waitUntil(lambda: "No table has any categories" in dialog.editor.note.text())
    with pytest.raises(InputError, match="have no categories"):
        dialog.editor.filter()
    dialog.reject()


# ---- changing

UNCHANGED: tuple[Filter, ...] = (
    Cone(M51, 1 / 3), Cone(SkyPosition(160.2512345678, -12.3598765432), None),
    Positions(Places.of([M51, SkyPosition(160.2512345678, -12.3598765432)], radius_deg=[0.1234567891, 0.2],
                        start_mjd=[55680.123456, math.nan], end_mjd=[55740.5, math.nan]),
              distance=Distance.of_positions(), entirely_inside=True),
    Positions((M51,), distance=Distance.of_instruments({"PN": 1 / 3, "ACIS": 0.3}), label="mine"),
    Positions((M51, SkyPosition(1.0, 2.0)), distance=Distance.footprint()), Positions((M51,), 0.123456789012),
    Positions(Places(np.linspace(0, 359, 1000), np.zeros(1000), ("",) * 1000), 0.1, "clusters.csv"),
    Positions((M51, SkyPosition(1.0, 2.0, "M 51")), 0.1),  # one name for two places
    Box(10.123456789012, 20, -1 / 3, 5, "ecliptic"), Polygon(((10.123456789012, 10), (20, 10), (15, 20))),
    SkyShapes((SkyShape("ellipse", ((130, 2),), (3, 6), 30),), "field.reg"), Moc(((3 << 50, 5 << 50),), "sdss.moc", 50000.0),
    TimeRange(58700.123456789, math.inf, entirely_inside=True), TargetType(("SNR", "AGN")), Category(("no such category", "b")),
    Field(("CRAB", "survey")), HasInstrument(("XRT", "PN"), all_of=True), Exposure(12345.678, None), Exposure(None, 30.0),
    Public(), Public(59397.123456), ObsIds(("300004", "300003")), Usable(),
    Picked(((CALPV, ("300003",)), ("no_such_mission", ("1",))), keep=True), Picked(((CALPV, ("300003",)),), keep=False),
    Not(Box(0, 10, 0, 10)), Or((Usable(), Box(0, 10, 0, 10))), And((Usable(), Not(Box(0, 10, 0, 10)))),
)  # fmt: skip


@pytest.mark.parametrize("item", UNCHANGED, ids=lambda item: f"{type(item).__name__}")
def test_that_a_filter_that_is_opened_and_accepted_is_the_same_filter(window, qtbot, item):
    window.set(item)
    before = window.context.stack
    dialog = window.change(0)
    assert accepted(qtbot, dialog) == item
    assert window.context.stack == before
    assert not window.context.history.can_redo


def test_that_every_kind_of_filter_there_is_can_be_changed():
    from daxa_gui.core.filters import KINDS as ALL
    from daxa_gui.gui.widgets.filter_kinds import kind_of

    made = {type(item) for item in UNCHANGED}
    assert set(ALL.values()) == made, "a filter of each kind is tried above"
    assert {type(item) for item in UNCHANGED if kind_of(item) is None} == {And, Or, Not}


def test_that_a_filter_is_turned_round_and_back(window, qtbot):
    window.set(Box(0, 10, 0, 10))
    dialog = window.change(0)
    dialog.opposite.click()
    assert accepted(qtbot, dialog) == Not(Box(0, 10, 0, 10))
    dialog = window.change(0)
    assert dialog.opposite.isChecked()
    assert "rectangle" in dialog.editor.title.lower()
    dialog.opposite.click()
    assert accepted(qtbot, dialog) == Box(0, 10, 0, 10)


def test_that_filters_are_joined_by_or_taken_apart_and_doubled(window):
    first, second = Box(0, 10, 0, 10), Usable()
    window.set(first, second)
    panel = window.panel
    panel.list.setCurrentRow(1)
    panel._more["joinFilter"].trigger()
    assert window.filters() == [Or((first, second))]
    assert panel._more["splitFilter"].isEnabled() and not panel._more["joinFilter"].isEnabled()
    panel._more["splitFilter"].trigger()
    assert window.filters() == [first, second]
    panel.list.setCurrentRow(0)
    panel._more["duplicateFilter"].trigger()
    assert window.filters() == [first, first, second]
    for _ in range(3):
        window.context.undo()
    assert window.filters() == [first, second]


def test_that_filters_for_different_missions_are_not_joined(window):
    window.context.set_stack(window.context.stack.add(Usable(), (CALPV,)).add(Box(0, 1, 0, 1)))
    window.panel.list.setCurrentRow(1)
    assert not window.panel._more["joinFilter"].isEnabled()


# ---- what is wrong is said


@pytest.mark.parametrize(
    ("kind", "name", "typed", "sentence"),
    [
        ("places", "places", "10 20\n400 5", "Line 2: The right ascension 400° in « 400 5 » is outside"),
        ("places", "places", "10 20 | 5", "Line 1: « 5 » is not a radius with a unit. Write « 5′ »"),
        ("places", "places", "10 20 | 5′ | 2020-01-01 | 2019-01-01", "Line 1: The time window ends before it begins."),
        ("places", "places", "10 20 | 5′\n10 21", "Some places have a radius of their own, but place 2 has none."),
        ("places", "places", "10 20 | 5′ | 2020-01-01 | 2021-01-01 | more", "Line 1: After the place there is room for"),
        ("places", "places", "| 5′", "Line 1: There is no place before"),
        ("polygon", "corners", "10 10\n20 10", "A polygon needs at least three corners"),
        ("polygon", "corners", "10 10\n20 10\nM 51", "Line 3: « M 51 » is not a position"),
        ("polygon", "corners", "10 10\n20 10\n10 10", "three corners that are different"),
        ("obs_ids", "obsIds", "nothing", "There is no ObsID in « nothing »"),
    ],
)
def test_that_a_line_that_means_nothing_is_named(window, qtbot, kind, name, typed, sentence):
    dialog = window.open(kind)
    text(dialog, name).setPlainText(typed)
    qtbot.waitUntil(lambda: sentence in dialog.problem.text())
    dialog.buttons.accepted.emit()
    assert dialog.isVisible() and window.filters() == []
    dialog.reject()


@pytest.mark.parametrize(
    ("kind", "entries", "sentence"),
    [
        ("exposure", {"entry_least": "10", "entry_most": "5"}, "The lower limit of the exposure is above the upper one."),
        ("exposure", {"entry_least": "-1"}, "« At least » is at least 0"),
        ("exposure", {"entry_most": "ten"}, "« At most » needs a number, not « ten »."),
        ("box", {"raFrom": "0", "raTo": "10", "decFrom": "5", "decTo": "-5"}, "lies north of the northern one"),
        ("box", {"raFrom": "0", "raTo": "370"}, "« RA to » lies between 0° and 360°."),
        ("time", {"timeFrom": "2020-01-01", "timeTo": "2019-01-01"}, "The time window ends before it begins."),
        ("picked", {"pickedObsIds": "12"}, "« 12 » is no ObsID of XMM-Newton Pointed. One looks like"),
        ("region_file", {"filterFile": "/no/such/file.reg"}, "file.reg"),
        ("moc_file", {"filterFile": "/no/such/file.moc"}, "file.moc"),
    ],
)
def test_that_an_entry_that_cannot_be_is_explained(window, qtbot, kind, entries, sentence):
    dialog = window.open(kind)
    for name, typed in entries.items():
        line(dialog, name).setText(typed)
    qtbot.waitUntil(lambda: sentence in dialog.problem.text())
    assert dialog.problem.isVisible() and dialog.problem.text().startswith("✕")
    dialog.reject()


def test_that_each_places_own_radius_has_to_be_there(window, qtbot):
    dialog = window.open("places")
    text(dialog, "places").setPlainText("10 20")
    choose(dialog, "distanceKind", "positions")
    qtbot.waitUntil(lambda: "Place 1 has no radius of its own" in dialog.problem.text())
    choose(dialog, "distanceKind", "instruments")
    qtbot.waitUntil(lambda: "Give the radius of at least one instrument." in dialog.problem.text())
    line(dialog, "entry_PN").setText("12")
    made = accepted(qtbot, dialog)
    assert made.reach == Distance.of_instruments({"PN": 0.2})


def test_that_the_frame_names_the_coordinates(window):
    dialog = window.open("box")
    choose(dialog, "boxFrame", "galactic")
    assert line(dialog, "raFrom").accessibleName() == "l from"
    assert "degrees, Galactic" in line(dialog, "decTo").toolTip()
    choose(dialog, "boxFrame", "fk5")
    assert line(dialog, "raFrom").accessibleName() == "RA from"
    dialog.reject()


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
