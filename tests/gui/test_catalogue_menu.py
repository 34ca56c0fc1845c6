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


def test_that_an_arrangement_of_other_panels_is_not_restored(window, qtbot, monkeypatch):
    """As an earlier version of the program, without these two panels, has saved it."""
    from daxa_gui.gui import workspace as module
    from daxa_gui.gui.bridge import Bridge
    from daxa_gui.gui.workspace import Workspace

    def made(panels) -> Workspace:
        monkeypatch.setattr(module, "PANELS", panels)
        bridge = Bridge(window.session.bus, window.window)
        workspace = Workspace("find", window.session, window.context, bridge)
        qtbot.addWidget(workspace)
        workspace.resize(1100, 700)
        workspace.build()
        return workspace

    def shown(workspace: Workspace) -> Workspace:
        workspace.show()
        qtbot.waitUntil(lambda: workspace.is_arranged)
        return workspace

    everything = tuple(module.PANELS)
    earlier = shown(made(tuple(spec for spec in everything if spec.name not in ("catalogues", "association"))))
    now = made(everything)
    now.restore(earlier.state())
    shown(now)
    bottom = [dock for dock in now.docks() if dock.objectName() in ("dock_missions", "dock_catalogues", "dock_association")]
    assert all(now.tabifiedDockWidgets(dock) for dock in bottom)
    again = made(everything)
    again.restore(now.state())
    assert shown(again).state() == now.state()
