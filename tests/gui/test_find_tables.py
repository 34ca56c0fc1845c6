"""The tables of observations: what passes, what is empty and why, columns, export, rows by hand."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QWidget

from daxa_gui.core.events import CatalogueChanged, CatalogueProgress
from daxa_gui.core.filters import ObsIds, TargetType, Usable
from tests.fakes.find_window import Find

CALPV, ERASS = "erosita_calpv", "erosita_all_sky_de_dr1"


@pytest.fixture
def find(qtbot, tmp_path) -> Iterator[Find]:
    find = Find(qtbot, tmp_path)
    yield find
    find.close()


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
