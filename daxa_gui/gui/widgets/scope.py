"""To which missions a filter applies: all of them, or chosen ones."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QRadioButton, QVBoxLayout, QWidget

from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.sky_items import shade, symbol_icon


class MissionScope(QWidget):
    changed = Signal()

    def __init__(self, specs: Sequence[MissionSpec], theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._all = QRadioButton("All &missions", self)
        self._all.setObjectName("scopeAll")
        self._all.setToolTip("The filter applies to every mission, also to those that are added later")
        self._some = QRadioButton("On&ly", self)
        self._some.setObjectName("scopeSome")
        self._some.setToolTip("The filter applies to these missions; the others are left as they are")
        self._boxes: dict[str, QCheckBox] = {}
        grid = QGridLayout()
        grid.setContentsMargins(22, 0, 0, 0)
        for number, spec in enumerate(specs):
            box = QCheckBox(spec.label.replace("&", "&&"), self)
            box.setObjectName(f"scope_{spec.name}")
            box.setToolTip(f"Apply the filter to {spec.label}")
            box.setIcon(symbol_icon(spec.symbol, shade(spec.colour, theme)))
            box.setIconSize(QSize(13, 13))
            box.toggled.connect(lambda _on: self.changed.emit())
            self._boxes[spec.name] = box
            grid.addWidget(box, number // 3, number % 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self._all)
        layout.addWidget(self._some)
        layout.addLayout(grid)
        self._some.toggled.connect(self._on_some_toggled)
        self.set_missions(None)

    def set_missions(self, missions: Sequence[str] | None) -> None:
        """None is all missions."""
        for name, box in self._boxes.items():
            box.setChecked(missions is None or name in missions)
        (self._all if missions is None else self._some).setChecked(True)
        self._on_some_toggled(missions is not None)

    def missions(self) -> tuple[str, ...] | None:
        """None is all missions; raises InputError if none is chosen."""
        if self._all.isChecked():
            return None
        chosen = tuple(name for name, box in self._boxes.items() if box.isChecked())
        if not chosen:
            raise InputError("No mission is chosen.", "Choose one, or « All missions ».")
        return chosen

    def _on_some_toggled(self, on: bool) -> None:
        for box in self._boxes.values():
            box.setEnabled(on)
        self.changed.emit()
