"""Every kind of filter is made, changed and undone in the window, and what makes no sense is said."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtWidgets import QRadioButton

from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
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
from daxa_gui.gui.widgets.filter_editor import FilterDialog
from tests.fakes.filter_window import CALPV, KINDS, M51, Window, accepted, choose, fill_box, line, text, tick


@pytest.fixture
def window(qtbot, tmp_path) -> Iterator[Window]:
    window = Window(qtbot, tmp_path)
    yield window
    window.close()


# ---- making


def fill_places(dialog: FilterDialog) -> None:
    text(dialog, "places").setPlainText("10 20 | 6′ | 2019-01-01 | 2019-02-01\nefeds | 0.5deg\n\n")
    choose(dialog, "distanceKind", "positions")


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
    Positions((M51, SkyPosition(1.0, 2.0)), distance=Distance.footprint("BAT", "NO_SUCH")),
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


def test_that_the_field_of_view_may_be_that_of_named_instruments(window, qtbot):
    window.set(Positions((M51,), distance=Distance.footprint("BAT")))
    dialog = window.change(0)
    entry = dialog.editor.distance.only
    assert entry.text() == "BAT"
    entry.setText("NOPE")
    with pytest.raises(InputError, match="NOPE"):
        dialog.editor.filter()
    entry.setText("xrt, mos1")
    assert dialog.editor.filter() == Positions((M51,), distance=Distance.footprint("XRT", "M1"))
    entry.clear()
    assert accepted(qtbot, dialog) == Positions((M51,), distance=Distance.footprint())


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
        ("obs_ids", "obsIds", "300003 1234567 300004", "« 1234567 » (2.) is no ObsID of any mission."),
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


def test_that_obs_ids_in_no_table_are_counted(window, qtbot):
    dialog = window.open("obs_ids")
    text(dialog, "obsIds").setPlainText("300003, 300004, 999998, 999999")
    qtbot.waitUntil(lambda: dialog.preview.text().endswith("2 ObsIDs are in no table."))
    assert "leaves 2 of" in dialog.preview.text()
    dialog.reject()


def test_that_a_radius_of_an_unknown_instrument_is_not_lost(window, qtbot):
    distance = Distance.of_instruments({"PN": 0.2, "of a plug-in": 0.5})
    window.set(Positions((M51,), distance=distance))
    dialog = window.change(0)
    line(dialog, "entry_PN").setText("6")
    assert accepted(qtbot, dialog).reach == Distance.of_instruments({"PN": 0.1, "of a plug-in": 0.5})
