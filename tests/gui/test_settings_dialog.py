"""The dialog of settings: made from the declarations, checked while typing, used at once, usable without a mouse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QFileDialog, QLabel, QLineEdit

from daxa_gui.core.settings import Settings, changed, groups, load_settings
from daxa_gui.gui.widgets.settings_dialog import PLACES, SettingsDialog
from tests.fakes.windows import shell
from tests.gui.test_accessibility import check


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    return tmp_path / "settings.json"


@pytest.fixture
def window(qtbot, tmp_path, settings_file, monkeypatch):
    start = changed(Settings(), connections_per_host=6, theme="light")
    with shell(qtbot, tmp_path / "output", settings=start, settings_file=settings_file) as opened:
        monkeypatch.delenv("DAXA_GUI_CACHE")  # the tests' own cache, which is an override like any other
        yield opened


@pytest.fixture
def dialog(window, qtbot) -> SettingsDialog:
    window.action("settings")
    [found] = [widget for widget in QApplication.topLevelWidgets() if isinstance(widget, SettingsDialog) and widget.isVisible()]
    return found


def entry(dialog: SettingsDialog, name: str) -> QLineEdit:
    found = dialog.lines[name].entry
    assert isinstance(found, QLineEdit)
    return found


def press(dialog: SettingsDialog, button, qtbot) -> None:
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_that_the_dialog_has_every_setting_that_people_see_with_its_value(dialog):
    assert set(dialog.lines) == {item.name for items in groups().values() for item in items}
    assert [dialog.list.item(row).text() for row in range(dialog.list.count())] == [*groups(), PLACES]
    assert entry(dialog, "connections_per_host").text() == "6"
    assert entry(dialog, "bandwidth_mb_s").text() == "" and entry(dialog, "bandwidth_mb_s").placeholderText() == "no limit"
    theme = dialog.lines["theme"].entry
    assert isinstance(theme, QComboBox) and theme.currentData() == "light"


@pytest.mark.parametrize("row", range(len(groups()) + 1))
def test_that_every_page_can_be_used_with_a_keyboard_and_a_screen_reader(dialog, qtbot, row):
    dialog.list.setCurrentRow(row)
    qtbot.wait(20)
    check(dialog)


def test_that_changed_settings_are_used_and_written_when_applied(dialog, window, qtbot, settings_file):
    entry(dialog, "bandwidth_mb_s").setText("2,5")
    entry(dialog, "mirror").setText(" file:///srv/mirror ")
    check_box = dialog.lines["prefer_cloud"].entry
    assert isinstance(check_box, QCheckBox)
    check_box.setChecked(True)
    assert dialog.apply.isEnabled()
    with qtbot.waitSignal(dialog.applied) as told:
        press(dialog, dialog.apply, qtbot)
    assert told.args == [frozenset({"bandwidth_mb_s", "mirror", "prefer_cloud"})]
    settings = window.session.settings
    assert (settings.bandwidth_mb_s, settings.mirror, settings.prefer_cloud) == (2.5, "file:///srv/mirror", True)
    assert load_settings(settings_file) == (settings, [])
    assert dialog.isVisible() and not dialog.apply.isEnabled()


def test_that_ok_uses_them_and_closes_and_cancel_changes_nothing(dialog, window, qtbot, settings_file):
    entry(dialog, "cores").setText("3")
    press(dialog, dialog.ok, qtbot)
    qtbot.waitUntil(lambda: window.session.settings.cores == 3)
    qtbot.waitUntil(lambda: not any(isinstance(w, SettingsDialog) and w.isVisible() for w in QApplication.topLevelWidgets()))
    before = settings_file.read_bytes()
    window.action("settings")
    [again] = [w for w in QApplication.topLevelWidgets() if isinstance(w, SettingsDialog) and w.isVisible()]
    entry(again, "cores").setText("4")
    qtbot.keyClick(again, Qt.Key.Key_Escape)
    assert window.session.settings.cores == 3 and settings_file.read_bytes() == before


def test_that_an_entry_that_does_not_fit_is_said_beside_it_and_cannot_be_used(dialog, window):
    entry(dialog, "connections_per_host").setText("99")
    line = dialog.lines["connections_per_host"]
    assert not line.problem.isHidden() and "at most 32" in line.problem.text()
    assert not dialog.ok.isEnabled() and not dialog.apply.isEnabled()
    assert [dialog.list.item(row).text() for row in range(dialog.list.count()) if "✕" in dialog.list.item(row).text()] == [
        "✕ Downloads"
    ]
    entry(dialog, "connections_per_host").setText("")
    assert "cannot be" in line.problem.text()
    line.restore.click()
    assert line.problem.isHidden() and entry(dialog, "connections_per_host").text() == "4" and dialog.ok.isEnabled()
    assert window.session.settings.connections_per_host == 6  # until it is applied


def test_that_each_setting_goes_back_to_its_own_default(dialog):
    for name, line in dialog.lines.items():
        value = getattr(Settings(), name)
        assert line.restore.isEnabled() == (line.read() != value), name
    dialog.lines["connections_per_host"].restore.click()
    dialog.lines["theme"].restore.click()
    assert not any(line.restore.isEnabled() for line in dialog.lines.values())
    assert all(line.read() == getattr(Settings(), name) for name, line in dialog.lines.items())


def test_that_what_the_environment_decides_cannot_be_changed_and_says_why(window, qtbot):
    environment = {"DAXA_GUI_CORES": "5", "DAXA_GUI_ARCHIVES_FOLDER": "/data"}
    dialog = SettingsDialog(window.session, window.context, window.window, environment=environment)
    qtbot.addWidget(dialog)
    for name, variable in (("cores", "DAXA_GUI_CORES"), ("archives_folder", "DAXA_GUI_ARCHIVES_FOLDER")):
        line = dialog.lines[name]
        assert not line.entry.isEnabled() and not line.restore.isEnabled()
        assert variable in dialog.findChild(QLabel, f"override_{name}").text() and variable in line.entry.accessibleDescription()
    assert not dialog.lines["archives_folder"].browse.isEnabled()
    assert dialog.lines["theme"].entry.isEnabled() and dialog.findChild(QLabel, "override_theme") is None
    dialog.lines["cores"].write(7)
    assert dialog.changed_values() == {}


def test_that_a_folder_can_be_chosen(dialog, tmp_path, monkeypatch):
    asked = []

    def choose(_parent: object, title: str, start: str) -> str:
        asked.append((title, start))
        return str(tmp_path)

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", choose)
    entry(dialog, "sas_folder").setText("~nobody-of-this-name/x")
    dialog.lines["sas_folder"].browse.click()
    assert asked == [("SAS", "")] and entry(dialog, "sas_folder").text() == str(tmp_path)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    dialog.lines["sas_folder"].browse.click()  # cancelled
    assert entry(dialog, "sas_folder").text() == str(tmp_path)


def test_that_theme_coordinates_and_offline_change_the_window_and_its_menus(dialog, window, qtbot):
    for name, value in (("theme", "dark"), ("coordinates", "degrees")):
        combo = dialog.lines[name].entry
        assert isinstance(combo, QComboBox)
        combo.setCurrentIndex(combo.findData(value))
    dialog.lines["work_offline"].write(True)
    with qtbot.waitSignal(dialog.applied):
        press(dialog, dialog.apply, qtbot)
    actions = window.window.actions_by_name
    assert window.context.theme.name == "dark" and window.context.coordinates == "degrees"
    assert actions["theme_dark"].isChecked() and actions["degrees"].isChecked()
    assert window.session.offline and window.window._desk().offline


def test_that_settings_that_cannot_be_written_hold_and_say_so(window, qtbot, tmp_path, settings_file):
    settings_file.mkdir()  # a folder in the way of the file
    window.action("settings")
    [dialog] = [w for w in QApplication.topLevelWidgets() if isinstance(w, SettingsDialog) and w.isVisible()]
    entry(dialog, "cores").setText("3")
    with qtbot.waitSignal(dialog.applied):
        press(dialog, dialog.ok, qtbot)
    assert dialog.isVisible() and "could not be saved" in dialog.problem.text()
    assert window.session.settings.cores == 3


def test_that_the_places_are_those_of_this_session(dialog, window, tmp_path, settings_file):
    dialog.list.setCurrentRow(dialog.list.count() - 1)
    texts = {
        label.objectName(): label.toolTip() for label in dialog.pages.currentWidget().findChildren(QLabel) if label.objectName()
    }
    assert texts["place_archives"] == str(tmp_path / "output") and texts["place_settings"] == str(settings_file)
    assert set(texts) == {f"place_{name}" for name in ("archives", "catalogues", "caches", "clusters", "settings", "window")}


def test_that_entries_of_a_newer_version_survive_the_dialog(window, qtbot, settings_file):
    settings_file.write_text(json.dumps({"brightness": 11}))
    window.action("settings")
    [dialog] = [w for w in QApplication.topLevelWidgets() if isinstance(w, SettingsDialog) and w.isVisible()]
    entry(dialog, "cores").setText("2")
    with qtbot.waitSignal(dialog.applied):
        press(dialog, dialog.ok, qtbot)
    stored = json.loads(settings_file.read_text())
    assert stored["brightness"] == 11 and stored["cores"] == 2


def test_that_the_dialog_opens_at_a_group_and_by_its_key(window, qtbot):
    assert window.window.actions_by_name["settings"].shortcut().toString() == "Ctrl+,"
    window.window.show_settings("Software")
    [dialog] = [w for w in QApplication.topLevelWidgets() if isinstance(w, SettingsDialog) and w.isVisible()]
    assert dialog.list.currentItem().text() == "Software"
