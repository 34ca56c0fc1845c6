"""One workspace: a page of the window with its panels as a centre, docks and a footer, built from `PANELS`."""

from __future__ import annotations

import zlib

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QDockWidget, QMainWindow, QToolBar, QWidget

from daxa_gui.core.registry import resolve
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels import PANELS, PanelSpec
from daxa_gui.session import Session

NARROWEST_DOCK_PX = 200
_AREAS = {
    "left": Qt.DockWidgetArea.LeftDockWidgetArea,
    "right": Qt.DockWidgetArea.RightDockWidgetArea,
    "bottom": Qt.DockWidgetArea.BottomDockWidgetArea,
}


class Workspace(QMainWindow):
    """The docks can be moved, hidden and brought back; their arrangement is saved with `saveState()`.

    It is made empty; `build_one` makes its panels one by one, so that the window can do so between two events.
    """

    def __init__(self, name: str, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlags(Qt.WindowType.Widget)
        self.setObjectName(f"workspace_{name}")
        self.setDockNestingEnabled(True)
        self.panels: dict[str, QWidget] = {}
        self._saved: QByteArray | None = None
        # Side docks reach from top to bottom; the bottom dock stands below the centre only.
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, "left"),
            (Qt.Corner.BottomRightCorner, "right"),
        ):
            self.setCorner(corner, _AREAS[area])
        self._sizes: dict[str, list[tuple[QDockWidget, int]]] = {"left": [], "right": [], "bottom": []}
        self._arranging = False
        self._arranged = False
        self._wanted_in_front = ""  # asked for before the docks had their places
        self._parts = (session, context, bridge)
        self._missing = [spec for spec in PANELS if spec.workspace == name]
        # An arrangement of other panels is not restored: Qt would put those that it does not know of beside the others.
        self._layout_version = zlib.crc32("\n".join(f"{spec.name} {spec.area}" for spec in self._missing).encode()) >> 1

    def build_one(self) -> bool:
        """Make the next panel that is not there yet; false when all are. Each takes a few hundredths of a second."""
        if not self._missing:
            return False
        spec = self._missing.pop(0)
        panel = resolve(spec.target)(*self._parts, self)
        panel.setObjectName(f"panel_{spec.name}")
        if not panel.accessibleName():
            panel.setAccessibleName(spec.title)
        self.panels[spec.name] = panel
        if spec.area == "centre":
            self.setCentralWidget(panel)
        elif spec.area == "footer":
            self._add_footer(spec, panel)
        else:
            self._sizes[spec.area].append((self._add_dock(spec, panel), spec.width))
        return True

    def build(self) -> None:
        """Make all panels that are not there yet, now."""
        while self.build_one():
            pass

    def arrange(self) -> None:
        """All docks visible in their places and at the sizes that PANELS says."""
        sides: list[tuple[QDockWidget, int]] = []
        for area, docks in self._sizes.items():
            if not docks:
                continue
            first, size = docks[0][0], max(size for _, size in docks)
            for dock, _ in docks:
                dock.setFloating(False)
                self.addDockWidget(_AREAS[area], dock)
                dock.show()
                if dock is not first:
                    self.tabifyDockWidget(first, dock)  # docks of one area share it, one in front
            first.raise_()
            if area == "bottom":
                self.resizeDocks([first], [size], Qt.Orientation.Vertical)
            else:
                sides.append((first, size))
        # Both sides at once: one after the other, the second would take from the first.
        self.resizeDocks([dock for dock, _ in sides], [size for _, size in sides], Qt.Orientation.Horizontal)

    def restore(self, state: QByteArray | None) -> None:
        """Bring back a saved arrangement when the workspace is first shown; the usual one if there is none."""
        self._saved = state

    @property
    def is_arranged(self) -> bool:
        """Whether its panels have their places, which takes a moment after it is first shown."""
        return self._arranged

    def state(self) -> QByteArray | None:
        """The arrangement for the next start; what was restored if the workspace was never shown, None if nothing was."""
        return self.saveState(self._layout_version) if self._arranged else self._saved

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._arranging:
            self._arranging = True
            # Docks take sizes only once the workspace has its own.
            QTimer.singleShot(0, self, self._arrange_first)

    def _arrange_first(self) -> None:
        if self._saved is None or not self.restoreState(self._saved, self._layout_version):
            self.arrange()
        self._arranged = True
        if self._wanted_in_front:
            self.show_panel(self._wanted_in_front)

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front, also one that was hidden."""
        self._wanted_in_front = "" if self._arranged else name
        dock = self.findChild(QDockWidget, f"dock_{name}")
        if dock is not None:
            dock.show()
            dock.raise_()

    def _add_dock(self, spec: PanelSpec, panel: QWidget) -> QDockWidget:
        dock = QDockWidget(spec.title, self)
        dock.setObjectName(f"dock_{spec.name}")
        dock.setWidget(panel)
        # Behind another tab a panel is moved away but stays « visible »: its keys and the Tab key would lead to nowhere.
        dock.visibilityChanged.connect(panel.setVisible)
        policy = panel.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # or the dock would have no size, and with it all others of its place
        panel.setSizePolicy(policy)
        if spec.area in ("left", "right"):
            panel.setMinimumWidth(min(spec.width, NARROWEST_DOCK_PX))
        self.addDockWidget(_AREAS[spec.area], dock)
        return dock

    def _add_footer(self, spec: PanelSpec, panel: QWidget) -> None:
        bar = QToolBar(spec.title, self)
        bar.setObjectName(f"bar_{spec.name}")
        bar.setMovable(False)
        bar.setFloatable(False)
        bar.toggleViewAction().setEnabled(False)
        bar.setIconSize(QSize(16, 16))
        bar.addWidget(panel)
        self.addToolBar(Qt.ToolBarArea.BottomToolBarArea, bar)

    def docks(self) -> list[QDockWidget]:
        return self.findChildren(QDockWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
