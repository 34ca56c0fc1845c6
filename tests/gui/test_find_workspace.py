"""The Find workspace on a real session: filters, tables, details and summary share what they show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit, QPlainTextEdit, QWidget

from daxa_gui.core.filters import Box, Cone, ObsIds, TargetType, TimeRange, Usable
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.theme import DARK, LIGHT
from daxa_gui.gui.widgets.filter_editor import FILTER_KINDS, FilterDialog
from daxa_gui.gui.widgets.filter_list import EFFECT_ROLE
from tests.fakes.find_window import Find

CALPV, ERASS = "erosita_calpv", "erosita_all_sky_de_dr1"
KINDS = {kind.name: kind for kind in FILTER_KINDS}


@pytest.fixture
def find(qtbot, tmp_path) -> Iterator[Find]:
    find = Find(qtbot, tmp_path)
    yield find
    find.close()


def texts(find: Find) -> list[str]:
    return [find.filters.list.item(row).text() for row in range(find.filters.list.count())]


def effects(find: Find) -> list[str]:
    items = [find.filters.list.item(row) for row in range(find.filters.list.count())]
    return [item.data(EFFECT_ROLE).replace("\u202f", " ") for item in items]


def open_dialog(find: Find, kind: str) -> FilterDialog:
    find.filters.add(KINDS[kind])
    dialog = find.filters.findChild(FilterDialog)
    assert isinstance(dialog, FilterDialog)
    return dialog


def entry(dialog: QWidget, name: str) -> QLineEdit:
    child = dialog.findChild(QLineEdit, name)
    assert isinstance(child, QLineEdit)
    return child


# ---- filters


def test_that_each_filter_shows_its_sentence_and_its_effect(find):
    find.set(Box(120.0, 140.0, -10.0, 0.0), Usable())
    assert texts(find) == ["Inside RA 120° to 140°, Dec -10° to 0°", "Fit for science"]
    calpv, erass = (find.context.results[name].counts[0] for name in (CALPV, ERASS))
    assert effects(find) == [f"2 617 → {calpv + erass}", f"{calpv + erass} → {calpv + erass}"]
    tip = find.filters.list.item(0).toolTip().replace("\u202f", " ")
    assert f"eRASS DE:1: 2 447 → {erass}" in tip
    assert f"eROSITA Cal-PV: 170 → {calpv}" in tip


def test_that_a_filter_for_some_missions_says_so(find):
    find.context.set_stack(find.context.stack.add(Box(0.0, 1.0, 0.0, 1.0), (CALPV,)))
    find.context.apply_filters()
    assert effects(find)[0].endswith("only eROSITA Cal-PV")
    assert find.context.results[ERASS].selected == 2447


def test_that_a_cone_is_typed_previewed_and_added(find, qtbot):
    dialog = open_dialog(find, "position")
    assert not dialog.buttons.button(dialog.buttons.StandardButton.Ok).isEnabled()
    qtbot.keyClicks(entry(dialog, "position"), "10 41 00 -12 21 00")
    default = dialog.findChild(QCheckBox, "radiusDefault")
    qtbot.mouseClick(default, Qt.MouseButton.LeftButton, pos=QPoint(8, default.height() // 2))
    entry(dialog, "radiusNumber").setText("120")
    qtbot.waitUntil(lambda: "On its own" in dialog.preview.text())
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    [row] = find.context.stack.rows
    assert isinstance(row.filter, Cone)
    assert row.filter.radius_deg == pytest.approx(2.0)
    assert row.filter.position.ra_deg == pytest.approx(160.25)
    assert row.missions is None


@pytest.mark.parametrize(
    ("kind", "name", "text", "sentence"),
    [
        ("position", "position", "400 5", "right ascension 400° in « 400 5 » is outside"),
        ("position", "position", "over there", "is not a position"),
        ("name", "objectName", "Nowhere", "« Nowhere » was not looked up before, and the program works offline"),
        ("box", "raFrom", "abc", "« RA from » needs a number, not « abc »"),
        ("time", "timeFrom", "yesterday", "is not a time"),
    ],
)
def test_that_an_entry_that_means_nothing_is_explained_in_a_sentence(find, qtbot, kind, name, text, sentence):
    dialog = open_dialog(find, kind)
    entry(dialog, name).setText(text)
    qtbot.waitUntil(lambda: sentence in dialog.problem.text())
    assert dialog.problem.isVisible()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert find.context.stack.rows == ()
    dialog.reject()


def test_that_every_kind_of_filter_can_be_made_and_changed(find, qtbot):
    def place(dialog, text):
        entry(dialog, "objectName").setText(text)

    fill = {
        "name": lambda d: place(d, "eFEDS"),
        "position": lambda d: entry(d, "position").setText("160.25 -12.35"),
        "places": lambda d: d.findChild(QPlainTextEdit, "places").setPlainText("1 2\nefeds\n"),
        "box": lambda d: [entry(d, n).setText(v) for n, v in
                          (("raFrom", "350"), ("raTo", "10"), ("decFrom", "-5"), ("decTo", "5"))],
        "time": lambda d: entry(d, "timeFrom").setText("2019-11-03"),
        "obs_ids": lambda d: d.findChild(QPlainTextEdit, "obsIds").setPlainText("300003; 300004"),
        "target_type": lambda d: d.editor.list.item(5).setCheckState(Qt.CheckState.Checked),
    }  # fmt: skip
    for kind, fill_in in fill.items():
        dialog = open_dialog(find, kind)
        fill_in(dialog)
        dialog.buttons.button(dialog.buttons.StandardButton.Ok).setEnabled(True)
        dialog.buttons.accepted.emit()
        assert dialog.result_filter is not None, (kind, dialog.problem.text())
        QApplication.sendPostedEvents(None, 0)
        qtbot.waitUntil(lambda: find.filters.findChild(FilterDialog) is None)
    find.filters.add(KINDS["usable"])
    before = find.context.stack
    assert [type(row.filter).__name__ for row in before.rows] == [
        "Cone", "Cone", "Positions", "Box", "TimeRange", "ObsIds", "TargetType", "Usable",
    ]  # fmt: skip
    # opening each one again and accepting it unchanged leaves it as it was
    for row in range(len(before.rows)):
        find.filters.list.setCurrentRow(row)
        find.filters.edit_current()
        dialog = find.filters.findChild(FilterDialog)
        dialog.buttons.accepted.emit()
        assert dialog.result_filter == before.rows[row].filter
        qtbot.waitUntil(lambda: find.filters.findChild(FilterDialog) is None)
    assert find.context.stack == before


def test_that_filters_are_switched_moved_and_deleted_by_keys_and_all_is_undone(find, qtbot):
    first, second, third = Usable(), Box(0.0, 90.0, -90.0, 90.0), ObsIds(("300003",))
    find.set(first, second, third)
    order = lambda: [row.filter for row in find.context.stack.rows]  # noqa: E731
    keys = find.filters.list
    keys.setFocus()
    keys.setCurrentRow(2)
    qtbot.keyClick(keys, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert order() == [first, third, second]
    assert keys.currentRow() == 1  # the moved one stays the chosen one
    qtbot.keyClick(keys, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert order() == [first, second, third]
    qtbot.keyClick(keys, Qt.Key.Key_Space)
    assert [row.enabled for row in find.context.stack.rows] == [True, True, False]
    find.context.apply_filters()
    assert effects(find)[2] == "off"
    qtbot.keyClick(keys, Qt.Key.Key_Delete)
    assert order() == [first, second]
    for _ in range(4):
        qtbot.mouseClick(find.filters.undo_button, Qt.MouseButton.LeftButton)
    assert [row.enabled for row in find.context.stack.rows] == [True, True, True]
    assert order() == [first, second, third]
    assert find.filters.redo_button.isEnabled()
    find.filters.redo_button.click()
    assert order() == [first, third, second]


def test_that_dropping_a_filter_elsewhere_moves_it(find):
    find.set(Usable(), Box(0.0, 90.0, -90.0, 90.0), ObsIds(("300003",)))
    filters = find.filters.list
    filters.setCurrentRow(0)
    below = filters.visualItemRect(filters.item(2)).bottomLeft() + QPoint(20, -2)
    event = QDropEvent(
        QPointF(below), Qt.DropAction.MoveAction, QMimeData(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    filters.dropEvent(event)
    assert isinstance(find.context.stack.rows[2].filter, Usable)
    assert filters.count() == 3


# ---- details and summary


def test_that_details_have_units_and_distances_from_cones(find):
    find.context.set_observation(CALPV, "300004")
    find.set(Cone(SkyPosition(130.3313, -77.9634, "Test point"), 5.0))
    spec = next(spec for spec in find.session.missions() if spec.name == CALPV)
    catalogue = find.session.catalogue(CALPV)
    groups = dict(find.details.entries(spec, catalogue, catalogue.row_of["300004"]))
    assert dict(groups["Pointing"])["Distance from Test point"] == "1°"
    assert dict(groups["Time"])["Start (UTC)"].replace("\u00a0", " ") == "2019-11-16 23:14:40"
    find.context.set_coordinates("degrees")
    groups = dict(find.details.entries(spec, catalogue, catalogue.row_of["300004"]))
    assert dict(groups["Pointing"])["RA (ICRS)"] == "130.33130°"


def test_that_details_without_a_choice_say_what_to_do(find):
    assert find.details.findChild(QWidget, "detailsEmpty").isVisible()
    assert not find.details.sky_button.isVisible()
    find.context.set_observation(CALPV, "300004")
    assert not find.details.findChild(QWidget, "detailsEmpty").isVisible()
    assert not find.details.findChild(QWidget, "simulatedBadge").isVisible()
    find.details.copy_button.click()
    assert QGuiApplication.clipboard().text() == "300004"


def test_that_show_on_sky_asks_for_the_field_of_view(find, qtbot):
    find.context.set_observation(ERASS, "002120")
    with qtbot.waitSignal(find.context.place_requested) as signal:
        find.details.sky_button.click()
    position, radius = signal.args
    assert position.dec_deg == pytest.approx(-30.005469)
    assert radius == pytest.approx(1.6 * 1.8)


def test_that_the_summary_counts_and_an_empty_search_makes_no_archive(find):
    text = find.summary.findChild(QWidget, "summaryText")
    assert text.text().replace("\u202f", "") == "2617 observations · 2 missions · 2617 public"
    assert find.summary.create_button.isEnabled()
    find.set(TargetType(("SOL",)))
    assert text.text() == "0 observations · 0 missions · 0 public"
    assert not find.summary.create_button.isEnabled()


def test_that_an_archive_is_made_of_what_the_filters_leave(find, qtbot, monkeypatch):
    find.set(ObsIds(("300003", "300004")), TimeRange(58000.0, 60000.0))
    made = []
    monkeypatch.setattr(find.session, "create_archive", lambda name, selections: made.append((name, list(selections))))
    find.summary.create_button.click()
    dialog = find.summary._dialog
    assert dialog.name.text().startswith("search_")
    dialog.name.setText("a/b")
    assert not dialog.ok.isEnabled() and dialog.problem.isVisible()
    dialog.name.setText("my_archive")
    assert dialog.ok.isEnabled() and "my_archive" in dialog.place.text()
    with qtbot.waitSignal(find.context.workspace_requested) as signal:
        dialog.ok.click()
    assert signal.args == ["queue"]
    [(name, [selection])] = made
    assert name == "my_archive"
    assert selection.mission == CALPV and set(selection.obs_ids) == {"300003", "300004"}


def test_that_a_failed_archive_leaves_the_dialog_open_with_the_reason(find, qtbot, monkeypatch):
    from daxa_gui.core.errors import ArchiveError

    def fail(name, selections):
        raise ArchiveError("The disk is full.", "Make room.")

    monkeypatch.setattr(find.session, "create_archive", fail)
    find.set(ObsIds(("300003",)))
    find.summary.create_button.click()
    dialog = find.summary._dialog
    dialog.ok.click()
    qtbot.waitUntil(lambda: "The disk is full. Make room." in dialog.problem.text())
    assert dialog.isVisible() and dialog.ok.isEnabled()
    dialog.reject()


# ---- every control


def test_that_every_control_has_a_name_and_a_tip(find):
    from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QHeaderView

    missing = []
    for panel in (find.filters, find.missions, find.details, find.summary):
        for kind in (QAbstractButton, QLineEdit, QAbstractItemView):
            for widget in panel.findChildren(kind):
                if widget.objectName().startswith(("qt_", "Scroll")) or isinstance(widget.parent(), QLineEdit):
                    continue  # parts that Qt itself puts into its widgets
                if isinstance(widget, QHeaderView):
                    continue  # reached by the table's own keys; its sections have tips
                if not widget.objectName():
                    missing.append(f"name of {type(widget).__name__} in {type(widget.parent()).__name__}")
                if not widget.toolTip() and not isinstance(widget, QAbstractItemView):
                    missing.append(f"tip of {widget.objectName()}")
    assert missing == []


def test_that_both_themes_can_be_shown(find):
    for theme in (DARK, LIGHT):
        find.context.set_theme(theme)
        for panel in (find.filters, find.missions, find.details, find.summary):
            assert not panel.grab().isNull()
