"""The legend below the sky plot: each mission's symbol and name, to switch on and off, and what hollow symbols mean."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QSizePolicy, QWidget

from daxa_gui.gui.texts import count_text, short_label
from daxa_gui.gui.theme import Theme, as_muted
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.sky_items import shade, symbol_icon
from daxa_gui.gui.widgets.sky_layers import MissionLayer


class SkyLegend(QWidget):
    """Goes on in a second line where the plot is narrow."""

    mission_toggled = Signal(str, bool)

    def __init__(self, follows: QWidget, parent: QWidget | None = None) -> None:
        """`follows`: what the Tab key visits before the boxes."""
        super().__init__(parent)
        self._follows: QWidget = follows
        self.setObjectName("skyLegend")
        self.setAccessibleName("Legend")
        self._boxes: dict[str, QCheckBox] = {}
        self._flow = FlowLayout(self, spacing=12, line_spacing=0)
        self._note: QLabel | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_layers(self, layers: Sequence[MissionLayer], theme: Theme) -> None:
        """One entry per mission that has observations, in this order."""
        present = [layer for layer in layers if len(layer.catalogue)]
        if [layer.spec.name for layer in present] != list(self._boxes):
            self._rebuild(present)
        for layer in present:
            box = self._boxes[layer.spec.name]
            box.setIcon(symbol_icon(layer.spec.symbol, shade(layer.spec.colour, theme)))
            text = f"{short_label(layer.spec)} {count_text(int(layer.selected.sum()))}".replace("&", "&&")
            if box.text() != text:
                box.setText(text)
                self.updateGeometry()

    def _rebuild(self, layers: Sequence[MissionLayer]) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._boxes = {layer.spec.name: self._box(layer) for layer in layers}
        for box in self._boxes.values():
            self._flow.addWidget(box)
        self._note = QLabel("hollow or grey: filtered out", self)
        as_muted(self._note)
        self._note.setToolTip(
            "Filled symbols pass the filters, hollow ones do not. Where a mission has too many in view to draw each one, they "
            "are shaded: blue where they pass, grey where they do not. Zoom in to see them one by one."
        )
        self._flow.addWidget(self._note)
        self._keep_place_in_tab_order()
        self.updateGeometry()

    def _keep_place_in_tab_order(self) -> None:
        """New boxes come last in the window's order; they belong behind the plot."""
        before = self._follows
        for box in self._boxes.values():
            QWidget.setTabOrder(before, box)
            before = box

    def _box(self, layer: MissionLayer) -> QCheckBox:
        box = QCheckBox(self)
        box.setObjectName(f"legend_{layer.spec.name}")
        box.setAccessibleName(f"Show {layer.spec.label} on the sky plot")
        box.setToolTip(f"Show or hide {layer.spec.label} on the plot; the number is that of observations passing the filters")
        box.setIconSize(QSize(13, 13))
        box.setChecked(layer.shown)
        box.toggled.connect(functools.partial(self.mission_toggled.emit, layer.spec.name))
        return box
