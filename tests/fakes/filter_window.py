"""The panel of filters on a real session, and hands for its dialogs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QListWidget, QPlainTextEdit

from daxa_gui.core.filters import Filter
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.filters import FiltersPanel
from daxa_gui.gui.widgets.filter_editor import FILTER_KINDS, FilterDialog
from daxa_gui.session import Session

CALPV, ERASS = "erosita_calpv", "erosita_all_sky_de_dr1"
KINDS = {kind.name: kind for kind in FILTER_KINDS}
M51 = SkyPosition(202.4695750, 47.1952583, "M 51")


class Window:
    """The panel of filters on a real session."""

    def __init__(self, qtbot, folder: Path) -> None:
        self.session = Session(output_folder=folder / "out", cache=folder / "cache")
        self.session.set_offline(True)
        self.context = Context(self.session)
        self.bridge = Bridge(self.session.bus, interval_ms=5)
        self.context.apply_filters()
        self.panel = FiltersPanel(self.session, self.context, self.bridge)
        qtbot.addWidget(self.panel)
        self.panel.show()

    def filters(self) -> list[Filter]:
        return [row.filter for row in self.context.stack.rows]

    def set(self, *filters: Filter) -> None:
        stack = self.context.stack
        for item in filters:
            stack = stack.add(item)
        self.context.set_stack(stack)

    def open(self, kind: str) -> FilterDialog:
        self.panel.add(KINDS[kind])
        return self.dialog()

    def change(self, place: int) -> FilterDialog:
        self.panel.list.setCurrentRow(place)
        self.panel.edit_current()
        return self.dialog()

    def dialog(self) -> FilterDialog:
        found = [dialog for dialog in self.panel.findChildren(FilterDialog) if dialog.isVisible()]
        assert len(found) == 1
        return found[0]

    def close(self) -> None:
        self.bridge.stop()
        self.context.background.close()
        self.session.close()


def line(dialog: FilterDialog, name: str) -> QLineEdit:
    return dialog.findChild(QLineEdit, name)


def text(dialog: FilterDialog, name: str) -> QPlainTextEdit:
    return dialog.findChild(QPlainTextEdit, name)


def tick(dialog: FilterDialog, name: str, beginning: str) -> None:
    lines = dialog.findChild(QListWidget, name)
    [item] = [lines.item(row) for row in range(lines.count()) if lines.item(row).text().startswith(beginning)]
    item.setCheckState(Qt.CheckState.Checked)


def choose(dialog: FilterDialog, name: str, value: object) -> None:
    box = dialog.findChild(QComboBox, name)
    place = box.findData(value)
    assert place >= 0
    box.setCurrentIndex(place)


def accepted(qtbot, dialog: FilterDialog) -> Filter:
    with qtbot.waitSignal(dialog.accepted):
        dialog.buttons.accepted.emit()
    assert dialog.result_filter is not None
    return dialog.result_filter


def fill_box(dialog: FilterDialog) -> None:
    choose(dialog, "boxFrame", "galactic")
    for name, value in (("raFrom", "350"), ("raTo", "10"), ("decFrom", "−5"), ("decTo", "5")):
        line(dialog, name).setText(value)
