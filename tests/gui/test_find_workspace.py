"""The Find workspace on a real session: filters, tables, details and summary share what they show."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QAction, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QCheckBox, QLineEdit, QPlainTextEdit, QWidget

from daxa_gui.core.events import CatalogueChanged, CatalogueProgress
from daxa_gui.core.filters import Box, Cone, ObsIds, TargetType, TimeRange, Usable
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.details import DetailsPanel
from daxa_gui.gui.panels.filters import FiltersPanel
from daxa_gui.gui.panels.missions import MissionsPanel
from daxa_gui.gui.panels.summary import SummaryPanel
from daxa_gui.gui.theme import DARK, LIGHT
from daxa_gui.gui.widgets.filter_editor import FILTER_KINDS, FilterDialog
from daxa_gui.gui.widgets.filter_list import EFFECT_ROLE
from daxa_gui.session import Session

CALPV, ERASS = "erosita_calpv", "erosita_all_sky_de_dr1"
KINDS = {kind.name: kind for kind in FILTER_KINDS}


class Find:
    """The panels of the workspace without a window around them."""

    def __init__(self, qtbot, folder: Path) -> None:
        self.session = Session(output_folder=folder / "out", cache=folder / "cache")
        self.session.set_offline(True)  # no name service
        self.context = Context(self.session)
        self.bridge = Bridge(self.session.bus, interval_ms=5)
        self.context.apply_filters()
        arguments = self.session, self.context, self.bridge
        self.filters = FiltersPanel(*arguments)
        self.missions = MissionsPanel(*arguments)
        self.details = DetailsPanel(*arguments)
        self.summary = SummaryPanel(*arguments)
        for panel in (self.filters, self.missions, self.details, self.summary):
            qtbot.addWidget(panel)
            panel.resize(700, 300)
            panel.show()

    def set(self, *filters) -> None:
        stack = self.context.stack
        for item in filters:
            stack = stack.add(item)
        self.context.set_stack(stack)
        self.context.apply_filters()

    def close(self) -> None:
        self.bridge.stop()
        self.context.background.close()
        self.session.close()


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
        ("name", "objectName", "Nowhere", "« Nowhere » was not looked up before, and the program is set to work without network"),
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


# ---- tables


def test_that_tabs_and_tables_show_what_passes(find):
    find.set(ObsIds(("300003", "300004")))
    page = find.missions.pages[CALPV]
    find.missions.show_mission(CALPV)
    tab = find.missions.tabs.tabText(find.missions.tabs.indexOf(page))
    assert tab == "eROSITA Cal-PV 2 / 170"
    assert page.model.rowCount() == 2
    find.missions.show_all.click()
    assert page.model.rowCount() == 170


def test_that_an_empty_table_names_the_filter_that_emptied_it_and_offers_the_rest(find, qtbot):
    find.set(Usable(), TargetType(("SOL",)))
    find.missions.show_mission(ERASS)
    page = find.missions.pages[ERASS]
    text = page.findChild(QWidget, "emptyText").text().replace("\u00a0", " ")
    assert "No observation of eRASS DE:1 passes the filters." in text
    assert "« Of the type « Solar system » » removed the last ones" in text
    qtbot.mouseClick(page.findChild(QWidget, "offerFromEmpty"), Qt.MouseButton.LeftButton)
    assert page.model.rowCount() == 2447
    assert find.missions.show_all.isChecked()


def test_that_the_chosen_observation_is_shared(find, qtbot):
    find.context.set_observation(CALPV, "300004")
    assert find.missions.current is find.missions.pages[CALPV]
    table = find.missions.pages[CALPV].table
    model = find.missions.pages[CALPV].model
    assert model.data(model.index(table.currentIndex().row(), 0)) == "300004"
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert find.context.observation == (CALPV, str(model.catalogue.obs_id[model.rows[table.currentIndex().row()]]))
    assert find.context.observation[1] != "300004"


def test_that_the_choice_survives_filters_and_is_dropped_from_the_table_when_filtered_out(find):
    find.context.set_observation(CALPV, "300004")
    find.set(ObsIds(("300004", "300003")))
    table = find.missions.pages[CALPV].table
    assert table.currentIndex().row() >= 0
    find.set(ObsIds(("300003",)))
    assert not table.currentIndex().isValid()
    assert find.context.observation == (CALPV, "300004")


def test_that_find_in_table_walks_through_the_matches(find, qtbot):
    find.missions.show_mission(CALPV)
    line, page = find.missions.find_line, find.missions.pages[CALPV]
    qtbot.keyClicks(line, "3000")
    first = page.table.currentIndex().row()
    assert page.model.data(page.model.index(first, 0)).startswith("3000")
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert page.table.currentIndex().row() > first
    qtbot.keyClick(line, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert page.table.currentIndex().row() == first
    line.clear()
    qtbot.keyClicks(line, "no such thing")
    assert find.missions.find_result.text() == "not found"


def test_that_rows_are_copied_as_they_are_shown(find, qtbot):
    find.set(ObsIds(("300003", "300004")))
    find.missions.show_mission(CALPV)
    page = find.missions.pages[CALPV]
    page.table.selectAll()
    page.copy()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert len(lines) == 3
    assert lines[0].split("\t")[0] == "ObsID"
    assert {line.split("\t")[0] for line in lines[1:]} == {"300003", "300004"}


def test_that_columns_can_be_chosen(find):
    find.missions.show_mission(ERASS)
    page = find.missions.pages[ERASS]
    assert "owner_code" not in [column.name for column in page.shown_columns()]
    menu = page.columns_menu(find.missions)
    action = next(action for action in menu.actions() if action.text() == "Owner code")
    action.trigger()
    assert "owner_code" in [column.name for column in page.shown_columns()]
    obs_id = next(action for action in menu.actions() if action.text() == "ObsID")
    assert not obs_id.isEnabled()


def test_that_what_is_shown_is_exported(find, qtbot, tmp_path):
    from astropy.table import QTable

    find.set(ObsIds(("300003", "300004")))
    find.missions.show_mission(CALPV)
    path = tmp_path / "shown.csv"
    find.missions.export(path)
    qtbot.waitUntil(path.exists)
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = list(csv.DictReader(lines))
    assert {row["obs_id"] for row in rows} == {"300003", "300004"}
    catalogue = find.session.catalogue(CALPV)
    [row] = [row for row in rows if row["obs_id"] == "300004"]
    assert float(row["ra_deg"]) == catalogue.ra_deg[catalogue.row_of["300004"]]
    assert row["start_utc"] == "2019-11-16T23:14:40Z"
    assert float(row["start_mjd"]) == catalogue.start_mjd[catalogue.row_of["300004"]]
    described = tmp_path / "shown.ecsv"
    find.missions.export(described)
    qtbot.waitUntil(described.exists)
    meta = QTable.read(described).meta
    assert "with one of the ObsIDs 300003, 300004" in str(meta) and catalogue.provenance in str(meta)


def test_that_a_changed_catalogue_is_shown(find, qtbot, monkeypatch):
    find.missions.show_mission(CALPV)
    catalogue = find.session.catalogue(CALPV)
    names = [field.name for field in dataclasses.fields(catalogue)]
    cut = {name: getattr(catalogue, name) for name in names}
    for name, value in cut.items():
        if hasattr(value, "shape"):
            cut[name] = value[:10]
    cut["extra"] = {name: value[:10] for name, value in catalogue.extra.items()}
    smaller = type(catalogue)(**{**cut, "version": "other"})
    original = find.session.catalogue
    monkeypatch.setattr(find.session, "catalogue", lambda m: smaller if m == CALPV else original(m))
    find.bridge.catalogues_changed.connect(lambda _m: find.context.apply_filters())  # as the window does
    find.session.bus.publish(CatalogueChanged(CALPV))
    qtbot.waitUntil(lambda: find.missions.pages[CALPV].model.rowCount() == 10)
    assert find.missions.tabs.tabText(find.missions.tabs.indexOf(find.missions.pages[CALPV])) == "eROSITA Cal-PV 10 / 10"


# ---- missions without a catalogue, rows by hand


def empty_text(find: Find, mission: str) -> str:
    return find.missions.pages[mission].findChild(QWidget, "emptyText").text().replace("\u00a0", " ")


def test_that_the_first_page_has_rows_until_another_one_is_chosen(find):
    assert find.missions.current is find.missions.pages[CALPV]  # the missions before it have no catalogue here
    find.missions.show_mission("chandra")
    find.set(Usable())
    assert find.missions.current is find.missions.pages["chandra"]


def test_that_a_mission_without_a_catalogue_offers_to_update_it(find, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(find.session, "update_catalogues", lambda missions: asked.append(list(missions)))
    find.missions._desk.set_offline(False)
    find.missions.show_mission("chandra")
    page = find.missions.pages["chandra"]
    qtbot.waitUntil(lambda: "no catalogue of Chandra here yet" in empty_text(find, "chandra"))
    button = page.findChild(QWidget, "offerFromEmpty")
    assert button.isVisible() and button.text() == "Update this catalogue"
    button.click()
    qtbot.waitUntil(lambda: asked == [["chandra"]])
    assert find.missions.tabs.tabText(find.missions.tabs.indexOf(page)) == "Chandra –"


def test_that_the_progress_of_an_update_is_told_where_the_rows_will_be(find, qtbot):
    find.missions.show_mission("chandra")
    find.session.bus.publish(CatalogueProgress("chandra", 50_000, 353_000, "reading"))
    qtbot.waitUntil(lambda: "is being read: 50\u202f000 of 353\u202f000 rows (14 %)" in empty_text(find, "chandra"))
    find.session.bus.publish(CatalogueProgress("chandra", 0, 0, "cancelled", running=False))
    qtbot.waitUntil(lambda: "no catalogue of Chandra here yet" in empty_text(find, "chandra"))


def test_that_offline_the_empty_page_leads_to_the_catalogues(find, qtbot):
    assert find.session.offline
    find.missions.show_mission("chandra")
    qtbot.waitUntil(lambda: "works offline" in empty_text(find, "chandra"))
    with qtbot.waitSignal(find.context.panel_requested) as signal:
        find.missions.pages["chandra"].findChild(QWidget, "offerFromEmpty").click()
    assert signal.args == ["catalogues"]


def row_entry(page: QWidget, name: str) -> QAction:
    menu = page.row_menu(page.chosen_obs_ids())
    action = next(action for action in menu.actions() if action.objectName() == name)
    assert action.isEnabled()
    return action


def test_that_rows_are_kept_and_left_out_by_hand(find):
    find.missions.show_mission(CALPV)
    find.set(ObsIds(("300003", "300004")))
    page = find.missions.pages[CALPV]
    find.context.set_observation(CALPV, "300004")
    row_entry(page, "leaveOutRows").trigger()
    find.context.apply_filters()
    assert find.context.results[CALPV].selected == 1
    find.missions.show_all.setChecked(True)
    find.context.set_observation(CALPV, "300003")
    find.context.set_observation(CALPV, "300004")
    row_entry(page, "unpickRows").trigger()
    find.context.apply_filters()
    assert find.context.results[CALPV].selected == 2
    find.context.set_observation(CALPV, "700199")
    row_entry(page, "keepRows").trigger()
    find.context.apply_filters()
    assert find.context.results[CALPV].selected == 3
    find.context.undo()
    find.context.apply_filters()
    assert find.context.results[CALPV].selected == 2


def test_that_why_not_shows_the_details_of_the_row(find, qtbot):
    find.missions.show_mission(CALPV)
    find.context.set_observation(CALPV, "300004")
    with qtbot.waitSignal(find.context.panel_requested) as signal:
        row_entry(find.missions.pages[CALPV], "whyNot").trigger()
    assert signal.args == ["details"] and find.context.observation == (CALPV, "300004")


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
