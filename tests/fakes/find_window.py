"""The panels of the Find workspace on a real session, without a window around them."""

from __future__ import annotations

from pathlib import Path

from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.details import DetailsPanel
from daxa_gui.gui.panels.filters import FiltersPanel
from daxa_gui.gui.panels.missions import MissionsPanel
from daxa_gui.gui.panels.summary import SummaryPanel
from daxa_gui.session import Session


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
