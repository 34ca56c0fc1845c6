"""The legend that lies over the sky plot: each mission's symbol and name, to switch on and off, and the two planes."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QCheckBox, QFrame, QVBoxLayout, QWidget

from daxa_gui.gui.texts import count_text, short_label
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.sky_items import shade, symbol_icon
from daxa_gui.gui.widgets.sky_layers import MissionLayer


class SkyLegend(QFrame):
    """Stands in the upper left corner of its parent, as large as it needs to be."""

    mission_toggled = Signal(str, bool)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("skyLegend")
        self.setAccessibleName("Legend")
        self._boxes: dict[str, QCheckBox] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(6, 4, 8, 4)
        self._layout.setSpacing(0)
        font = self.font()
        font.setPointSizeF(max(font.pointSizeF() - 1.0, 7.0))
        self.setFont(font)
        self._note = muted_label("hollow: filtered out", self)
        self._note.setWordWrap(False)
        self._note.setToolTip("Filled symbols pass the filters, hollow ones do not")
        self._layout.addWidget(self._note)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.move(4, 4)

    def set_layers(self, layers: Sequence[MissionLayer], theme: Theme) -> None:
        """One line per mission that has observations."""
        ground = QColor(theme.base)
        self.setStyleSheet(
            f"#skyLegend {{ background: rgba({ground.red()}, {ground.green()}, {ground.blue()}, 215);"
            f" border: 1px solid {theme.border}; border-radius: 4px; }}"
        )
        present = [layer for layer in layers if len(layer.catalogue)]
        for name in set(self._boxes) - {layer.spec.name for layer in present}:
            self._boxes.pop(name).deleteLater()
        for place, layer in enumerate(present):
            box = self._boxes.get(layer.spec.name) or self._add(layer)
            self._layout.insertWidget(place, box)
            box.setIcon(symbol_icon(layer.spec.symbol, shade(layer.spec.colour, theme)))
            chosen = int(layer.selected.sum())
            box.setText(f"{short_label(layer.spec)} {count_text(chosen)}".replace("&", "&&"))
            box.setAccessibleName(f"Show {layer.spec.label} on the sky plot")
        self.adjustSize()

    def _add(self, layer: MissionLayer) -> QCheckBox:
        box = QCheckBox(self)
        box.setObjectName(f"legend_{layer.spec.name}")
        box.setToolTip(f"Show or hide {layer.spec.label} on the plot; the number is that of observations passing the filters")
        box.setIconSize(QSize(13, 13))
        box.setChecked(layer.shown)
        box.toggled.connect(functools.partial(self.mission_toggled.emit, layer.spec.name))
        self._boxes[layer.spec.name] = box
        return box
