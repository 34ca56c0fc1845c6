"""The menu bar of the window, made from ACTIONS, and its menu of panels. What the actions do is the window's affair."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMainWindow, QMenu

from daxa_gui.gui.actions import ACTIONS, ActionSpec


class Menus(QObject):
    """`by_name` has the actions, `menus` the menus by their path in ACTIONS; `run` is called with the one that was chosen.

    Parameters
    ----------
    docks : of the workspace that is shown; empty where there is none, or none with panels that can be moved.
    """

    def __init__(
        self, window: QMainWindow, run: Callable[[ActionSpec], None], docks: Callable[[], Sequence[QDockWidget]]
    ) -> None:
        super().__init__(window)
        self._bar = window.menuBar()
        self._run = run
        self._docks = docks
        self._groups: dict[str, QActionGroup] = {}
        self.by_name: dict[str, QAction] = {}
        self.menus: dict[str, QMenu] = {}
        for spec in ACTIONS:
            menu = self._menu(spec.menu)
            if spec.separator_before:
                menu.addSeparator()
            self.by_name[spec.name] = action = self._action(spec)
            menu.addAction(action)
        self._panels = QMenu("&Panels", window)
        self._panels.setObjectName("panelsMenu")
        self._panels.aboutToShow.connect(self._fill_panels)
        self.menus["&View"].insertMenu(self.by_name["reset_layout"], self._panels)

    def _action(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self.parent())
        action.setObjectName(f"action_{spec.name}")
        action.setToolTip(spec.tip)
        action.setStatusTip(spec.tip)
        if spec.shortcut:
            action.setShortcut(QKeySequence(spec.shortcut))
        action.setCheckable(bool(spec.group) or spec.checkable)
        if spec.group:
            if spec.group not in self._groups:
                self._groups[spec.group] = QActionGroup(self)
            self._groups[spec.group].addAction(action)
        action.triggered.connect(functools.partial(self._on_triggered, spec))
        return action

    def _on_triggered(self, spec: ActionSpec, _checked: bool = False) -> None:
        self._run(spec)

    def _menu(self, path: str) -> QMenu:
        if path not in self.menus:
            parent, _, title = path.rpartition("/")
            self.menus[path] = self._menu(parent).addMenu(title) if parent else self._bar.addMenu(title)
        return self.menus[path]

    def _fill_panels(self) -> None:
        self._panels.clear()
        for dock in self._docks():
            self._panels.addAction(dock.toggleViewAction())

    def update_layout_actions(self) -> None:
        """What is about panels needs a workspace, and one with panels that can be moved."""
        has_docks = bool(self._docks())
        self._panels.setEnabled(has_docks)
        self.by_name["reset_layout"].setEnabled(has_docks)
