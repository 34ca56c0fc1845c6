"""The main window: workspaces, menus, theme, undo, what comes back at the next start, and what goes wrong in it."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QPalette
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFileDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QPushButton,
    QToolButton,
    QWidget,
)

from daxa_gui.archive.lock import ArchiveLock
from daxa_gui.core.events import Notice
from daxa_gui.core.filters import Box
from daxa_gui.core.settings import load_settings
from daxa_gui.gui.actions import ACTIONS
from daxa_gui.gui.main_window import MainWindow
from daxa_gui.gui.notify import DetailsDialog, install_hooks
from daxa_gui.gui.panels import PANELS, WORKSPACES
from daxa_gui.gui.theme import DARK, LIGHT
from tests.fakes.windows import LONG_MS, Shell, shell


@pytest.fixture
def hooks() -> Iterator[None]:
    """Puts the exception hooks back."""
    before = sys.excepthook, threading.excepthook
    yield
    sys.excepthook, threading.excepthook = before


def shown(window: MainWindow) -> str:
    return window.pages.currentWidget().objectName()


# ---- workspaces and menus


def test_that_the_window_opens_with_three_choices(window):
    assert shown(window.window) == "welcome"
    assert window.window.windowTitle() == "DAXA GUI"
    for name in ("welcome_practice", "welcome_open", "welcome_new"):
        assert window.child(QPushButton, name).isVisible()


@pytest.mark.parametrize(("key", "name"), list(zip("1234", WORKSPACES, strict=True)))
def test_that_workspaces_switch_by_key(window, qtbot, key, name):
    window.window.activateWindow()
    qtbot.keyClick(window.window, Qt.Key(ord(key)), Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: shown(window.window) == f"workspace_{name}")
    panels = window.window.workspaces[name].panels
    assert set(panels) == {spec.name for spec in PANELS if spec.workspace == name}
    checked = [b.text() for b in window.window.findChildren(QToolButton, "workspaceButton") if b.isChecked()]
    assert checked == [WORKSPACES[name]]


def test_that_the_rail_switches_workspaces(window, qtbot):
    for button in window.window.findChildren(QToolButton, "workspaceButton"):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert shown(window.window) == f"workspace_{button.text().lower()}"


def test_that_every_action_stands_in_a_menu_and_says_what_it_does(window):
    entries = {action.objectName() for menu in window.window.menuBar().findChildren(QMenu) for action in menu.actions()}
    for spec in ACTIONS:
        action = window.window.actions_by_name[spec.name]
        assert action.objectName() in entries
        assert action.toolTip() == action.statusTip() == spec.tip
        assert callable(getattr(window.window, spec.method))
    keys = [spec.shortcut for spec in ACTIONS if spec.shortcut]
    assert len(keys) == len(set(keys))


def test_that_no_action_fails(window, qtbot, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_arguments: "")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_arguments: ("", ""))
    failures: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: failures.append(error))
    window.session.set_offline(True)  # « Update all » asks nobody
    window.action("find")
    for spec in ACTIONS:
        if spec.name not in ("quit", "practice"):
            window.window.actions_by_name[spec.name].setEnabled(True)
            window.action(spec.name)
    for box in window.window.findChildren(QMessageBox):
        box.close()
    assert failures == []
    assert window.notice() == ""


def test_that_menus_about_panels_need_panels(window, qtbot):
    menu = window.child(QMenu, "panelsMenu")
    assert not menu.isEnabled()
    assert not window.window.actions_by_name["reset_layout"].isEnabled()
    window.action("queue")
    assert menu.isEnabled()
    menu.aboutToShow.emit()
    docks = [panel.title for panel in PANELS if panel.workspace == "queue" and panel.area != "centre"]
    assert [action.text() for action in menu.actions()] == docks
    assert docks[:3] == ["Downloads", "Log", "Failures"]


def test_that_a_hidden_panel_comes_back(window, qtbot):
    window.action("queue")
    workspace = window.window.workspaces["queue"]
    dock = window.child(QDockWidget, "dock_downloads", workspace)
    qtbot.waitUntil(lambda: workspace.is_arranged)
    dock.close()
    assert not dock.isVisible()
    window.action("reset_layout")
    qtbot.waitUntil(dock.isVisible)


def test_that_quitting_closes_the_window_and_its_session(window, qtbot):
    window.action("quit")
    qtbot.waitUntil(lambda: not window.window.isVisible())
    assert window.session.archive is None


def test_that_the_overview_of_keys_names_every_shortcut(window, qtbot):
    window.action("shortcuts")
    box = window.child(QMessageBox, "messageBox")
    for spec in ACTIONS:
        assert not spec.shortcut or spec.shortcut in box.text()
    box.close()


def test_that_the_information_about_the_program_has_its_version(window):
    from daxa_gui import __version__

    window.action("about")
    box = window.child(QMessageBox, "messageBox")
    assert __version__ in box.text() and "BSD" in box.text()
    box.close()


# ---- undo, theme, coordinates


def test_that_undo_and_redo_are_enabled_when_there_is_something_to_undo(window):
    undo, redo = (window.window.actions_by_name[name] for name in ("undo", "redo"))
    assert not undo.isEnabled() and not redo.isEnabled()
    window.context.set_stack(window.context.stack.add(Box(1.0, 2.0, 3.0, 4.0)))
    assert undo.isEnabled() and not redo.isEnabled()
    undo.trigger()
    assert window.context.stack.rows == ()
    assert not undo.isEnabled() and redo.isEnabled()
    redo.trigger()
    assert len(window.context.stack.rows) == 1


def test_that_a_new_search_removes_all_filters_and_can_be_undone(window):
    window.context.set_stack(window.context.stack.add(Box(1.0, 2.0, 3.0, 4.0)))
    window.action("new_search")
    assert window.context.stack.rows == () and shown(window.window) == "workspace_find"
    window.action("undo")
    assert len(window.context.stack.rows) == 1


def test_that_a_theme_recolours_everything_and_is_remembered(qtbot, tmp_path):
    settings_file = tmp_path / "settings.json"
    with shell(qtbot, tmp_path / "output", settings_file=settings_file) as window:
        window.action("queue")
        for theme in (DARK, LIGHT, DARK):
            window.action(f"theme_{theme.name}")
            colours = QApplication.palette()
            assert colours.color(QPalette.ColorRole.Window).name() == theme.window
            assert colours.color(QPalette.ColorRole.Base).name() == theme.base
            assert window.context.theme is theme
            primary = window.child(QPushButton, "runEverything").styleSheet()
            assert theme.accent in primary
    assert load_settings(settings_file)[0].theme == "dark"


def test_that_a_settings_file_that_cannot_be_written_is_a_warning_only(qtbot, tmp_path):
    (tmp_path / "full").write_text("not a folder")
    with shell(qtbot, tmp_path / "output", settings_file=tmp_path / "full" / "settings.json") as window:
        window.action("theme_dark")
        assert window.context.theme is DARK
        assert "The settings could not be saved" in window.notice()


def test_that_the_notation_of_coordinates_is_told_to_the_panels_and_remembered(qtbot, tmp_path):
    settings_file = tmp_path / "settings.json"
    with shell(qtbot, tmp_path / "output", settings_file=settings_file) as window:
        with qtbot.waitSignal(window.context.coordinates_changed) as told:
            window.action("degrees")
        assert told.args == ["degrees"]
    assert load_settings(settings_file)[0].coordinates == "degrees"


# ---- what comes back


def test_that_layout_and_theme_come_back_at_the_next_start(qtbot, tmp_path):
    state_file, settings_file = tmp_path / "window.ini", tmp_path / "settings.json"
    with shell(qtbot, tmp_path / "output", state_file=state_file, settings_file=settings_file) as first:
        first.action("queue")
        first.action("theme_dark")
        queue = first.window.workspaces["queue"]
        qtbot.waitUntil(lambda: queue.is_arranged)
        first.child(QDockWidget, "dock_job_log", queue).close()
    settings, complaints = load_settings(settings_file)
    assert complaints == []
    with shell(qtbot, tmp_path / "output", settings=settings, state_file=state_file, settings_file=settings_file) as second:
        assert second.context.theme is DARK
        assert second.window.actions_by_name["theme_dark"].isChecked()
        second.action("queue")
        queue = second.window.workspaces["queue"]
        qtbot.waitUntil(lambda: queue.is_arranged)
        assert second.child(QDockWidget, "dock_downloads", queue).isVisible()
        assert not second.child(QDockWidget, "dock_job_log", queue).isVisible()


def test_that_a_workspace_that_was_not_looked_at_keeps_its_saved_layout(qtbot, tmp_path):
    state_file = tmp_path / "window.ini"
    with shell(qtbot, tmp_path / "output", state_file=state_file) as first:
        first.action("queue")
        queue = first.window.workspaces["queue"]
        qtbot.waitUntil(lambda: queue.is_arranged)
        first.child(QDockWidget, "dock_job_log", queue).close()
    n_panels = sum(panel.workspace == "queue" for panel in PANELS)
    with shell(qtbot, tmp_path / "output", state_file=state_file) as second:
        second.window.build_ahead()
        qtbot.waitUntil(
            lambda: len(second.window.workspaces) == 4 and len(second.window.workspaces["queue"].panels) == n_panels,
            timeout=LONG_MS,
        )
    with shell(qtbot, tmp_path / "output", state_file=state_file) as third:
        third.action("queue")
        queue = third.window.workspaces["queue"]
        qtbot.waitUntil(lambda: queue.is_arranged)
        assert third.child(QDockWidget, "dock_downloads", queue).isVisible()
        assert not third.child(QDockWidget, "dock_job_log", queue).isVisible()


def test_that_the_last_archive_is_remembered(reduced, qtbot):
    assert reduced.session.settings.last_archive.endswith("made before")


# ---- notices


def test_that_a_warning_is_shown_with_its_details_and_can_be_dismissed(window, qtbot):
    window.session.bus.publish(Notice("warning", "The server <b> is slow.", "Wait a little.", "Traceback: timed out"))
    qtbot.waitUntil(lambda: window.notice() == "The server <b> is slow. Wait a little.")
    text = window.child(QLabel, "noticeText").text()
    assert "Warning" in text and "&lt;b&gt;" in text
    qtbot.mouseClick(window.child(QPushButton, "noticeDetails"), Qt.MouseButton.LeftButton)
    dialog = window.child(DetailsDialog, "noticeDetailsDialog")
    assert dialog.text.toPlainText() == "Traceback: timed out"
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert "timed out" in QGuiApplication.clipboard().text()
    assert dialog.isVisible()
    dialog.reject()
    qtbot.mouseClick(window.child(QPushButton, "noticeDismiss"), Qt.MouseButton.LeftButton)
    assert not window.window.notice_bar.isVisible()


def test_that_no_notice_is_lost_behind_a_newer_one(window, qtbot):
    bar = window.window.notice_bar
    for notice in (Notice("error", "First."), Notice("warning", "Second."), Notice("warning", "Second.")):
        bar.show_notice(notice)
    assert "Second. (2 times)" in window.child(QLabel, "noticeText").text()
    assert window.child(QLabel, "noticeMore").text() == "and 1 more"
    assert not window.child(QPushButton, "noticeDetails").isVisible()
    bar.dismiss()
    assert window.notice() == "First."
    bar.dismiss()
    assert not bar.isVisible()


def test_that_information_goes_to_the_status_line(window, qtbot):
    window.session.bus.publish(Notice("information", "All is well."))
    qtbot.waitUntil(lambda: window.window.status_line.currentMessage() == "All is well.")
    assert window.notice() == ""


def test_that_an_exception_in_a_slot_becomes_a_notice_and_the_program_goes_on(window, qtbot, hooks):
    install_hooks(window.session.bus)

    def fail() -> None:
        raise RuntimeError("the needle is stuck")

    action = QAction(window.window)
    action.triggered.connect(fail)
    with qtbot.captureExceptions():  # pytest-qt has a hook of its own
        install_hooks(window.session.bus)
        QTimer.singleShot(0, action.trigger)
        qtbot.waitUntil(lambda: "the needle is stuck" in window.notice())
    window.action("queue")
    assert shown(window.window) == "workspace_queue"


def test_that_an_exception_in_a_thread_becomes_a_notice(window, qtbot, hooks):
    install_hooks(window.session.bus)

    def fail() -> None:
        raise KeyError

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: "Something unexpected went wrong: KeyError." in window.notice())


# ---- opening archives and files


def open_folder(window: Shell, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """File › Open archive, with this answer."""
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_arguments: str(folder))
    window.action("open_archive")


def test_that_an_archive_opens_from_the_menu_and_is_shown(window, qtbot, monkeypatch, made_output, tmp_path):
    from tests.fakes.windows import copy_output

    output = copy_output(made_output, tmp_path / "copy")
    open_folder(window, monkeypatch, output / "archives" / "made before")
    qtbot.waitUntil(lambda: shown(window.window) == "workspace_archive", timeout=LONG_MS)
    qtbot.waitUntil(lambda: window.window.windowTitle() == "made before – DAXA GUI")
    assert window.child(QLabel, "archiveName").text() == "Archive: made before"


def test_that_a_folder_that_is_no_archive_is_refused_in_a_sentence(window, qtbot, monkeypatch, tmp_path):
    open_folder(window, monkeypatch, tmp_path)
    qtbot.waitUntil(lambda: "There is no archive at" in window.notice(), timeout=LONG_MS)
    assert "daxa_gui.sqlite" in window.notice()
    assert shown(window.window) == "welcome"


def test_that_a_damaged_archive_is_refused_in_a_sentence(window, qtbot, monkeypatch, tmp_path):
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "daxa_gui.sqlite").write_bytes(b"this is no database " * 100)
    open_folder(window, monkeypatch, folder)
    qtbot.waitUntil(lambda: str(folder) in window.notice(), timeout=LONG_MS)
    assert window.session.archive is None


def test_that_an_archive_that_is_open_elsewhere_can_only_be_looked_at_and_says_why(
    window, qtbot, monkeypatch, made_output, tmp_path
):  # fmt: skip
    from tests.fakes.windows import copy_output

    folder = copy_output(made_output, tmp_path / "copy") / "archives" / "made before"
    lock = ArchiveLock(folder / ".daxa_gui.lock")
    open_folder(window, monkeypatch, folder)
    qtbot.waitUntil(lambda: "is open in another program" in window.notice(), timeout=LONG_MS)
    assert window.session.archive.read_only
    lock.release()
    open_folder(window, monkeypatch, folder)
    qtbot.waitUntil(lambda: window.session.archive is not None and not window.session.archive.read_only, timeout=LONG_MS)


def test_that_a_file_that_is_no_event_list_is_explained(window, qtbot, monkeypatch, tmp_path):
    path = tmp_path / "poem.fits"
    path.write_text("The stars are not wanted now")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_arguments: (str(path), ""))
    window.action("open_file")
    assert shown(window.window) == "workspace_inspect"
    texts = lambda: " ".join(label.text() for label in window.window.findChildren(QLabel) if label.isVisible())  # noqa: E731
    qtbot.waitUntil(lambda: "poem.fits" in texts() and "FITS" in texts(), timeout=LONG_MS)


# ---- the welcome page


def test_that_new_search_on_the_first_page_leads_to_find(window, qtbot):
    qtbot.mouseClick(window.child(QPushButton, "welcome_new"), Qt.MouseButton.LeftButton)
    assert shown(window.window) == "workspace_find"


def test_that_open_an_archive_on_the_first_page_asks_for_a_folder(window, qtbot, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *arguments: asked.append(arguments[2]) or "")
    qtbot.mouseClick(window.child(QPushButton, "welcome_open"), Qt.MouseButton.LeftButton)
    assert asked == [str(window.session.archives_folder())]
    assert shown(window.window) == "welcome"


def test_that_practice_on_the_first_page_makes_the_practice_sky(window, qtbot, practice_sky):
    qtbot.mouseClick(window.child(QPushButton, "welcome_practice"), Qt.MouseButton.LeftButton)
    assert shown(window.window) == "workspace_find"
    qtbot.waitUntil(window.session.practice_ready, timeout=LONG_MS)
    qtbot.waitUntil(lambda: "xmm_pointed" in window.context.results and window.context.results["xmm_pointed"].total == 4)
    assert window.child(QLabel, "practiceBadge").isVisible()


def test_that_archives_of_the_output_folder_are_one_click_away(qtbot, made_output, tmp_path):
    from tests.fakes.windows import copy_output

    with shell(qtbot, copy_output(made_output, tmp_path / "output")) as window:
        qtbot.waitUntil(lambda: window.window.findChild(QPushButton, "recent_0") is not None, timeout=LONG_MS)
        button = window.child(QPushButton, "recent_0")
        assert button.text() == "made before"
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: shown(window.window) == "workspace_archive", timeout=LONG_MS)
        assert window.session.archive.name == "made before"


def test_that_all_panels_are_built_ahead(window, qtbot):
    with qtbot.waitSignal(window.window.built, timeout=LONG_MS):
        window.window.build_ahead()

    def all_there() -> bool:
        workspaces = window.window.workspaces
        return len(workspaces) == 4 and sum(len(w.panels) for w in workspaces.values()) == len(PANELS)

    qtbot.waitUntil(all_there, timeout=LONG_MS)
    assert shown(window.window) == "welcome"
    assert all(
        isinstance(p, QWidget) and p.accessibleName() for w in window.window.workspaces.values() for p in w.panels.values()
    )
