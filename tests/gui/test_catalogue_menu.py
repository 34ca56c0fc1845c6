"""The menu « Catalogues » and the panels that it leads to, in a whole window."""

from __future__ import annotations

from PySide6.QtWidgets import QMenu

from daxa_gui.gui.actions import CATALOGUES_MENU


def test_that_the_menu_brings_panels_to_the_front(window, qtbot):
    window.action("find")
    workspace = window.window.workspaces["find"]
    for name in ("catalogues", "association"):
        window.action(f"show_{name}")
        qtbot.waitUntil(lambda name=name: workspace.is_arranged and workspace.panels[name].isVisible())
        qtbot.waitUntil(lambda: not workspace.panels["missions"].isVisible())


def test_that_a_panel_behind_another_one_cannot_be_reached_by_keys(window, qtbot):
    window.action("find")
    workspace = window.window.workspaces["find"]
    qtbot.waitUntil(lambda: workspace.is_arranged and workspace.panels["missions"].isVisible())
    qtbot.waitUntil(lambda: not workspace.panels["catalogues"].isVisible())
    window.context.show_panel("catalogues")
    qtbot.waitUntil(lambda: workspace.panels["catalogues"].isVisible() and not workspace.panels["missions"].isVisible())
    window.action("inspect")
    window.action("find")
    qtbot.waitUntil(lambda: workspace.panels["catalogues"].isVisible() and not workspace.panels["missions"].isVisible())


def test_that_offline_is_the_same_in_menu_and_panel(window, qtbot):
    window.action("show_catalogues")
    panel = window.window.workspaces["find"].panels["catalogues"]
    action = window.window.actions_by_name["work_offline"]
    assert not action.isChecked() and not panel.offline.isChecked()
    action.trigger()
    assert panel.offline.isChecked()
    qtbot.waitUntil(lambda: window.session.offline)
    panel.offline.setChecked(False)
    menu = next(m for m in window.window.menuBar().findChildren(QMenu) if m.title() == CATALOGUES_MENU)
    menu.aboutToShow.emit()
    assert not action.isChecked()
    qtbot.waitUntil(lambda: not window.session.offline)
