"""An image on the screen: grey levels through a colour map, north up and east left, value and position under the pointer."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from daxa_gui.core.images import SkyImage
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.colour_maps import lookup_table
from daxa_gui.gui.widgets.sky_overlay import SkyOverlay


class SkyImageView(pg.GraphicsLayoutWidget):
    """Pixel (i, j) of the image covers [i, i+1) x [j, j+1) of the view."""

    pointed = Signal(object)  # (column, row) as floats, or None when the pointer leaves the image

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.view = self.addViewBox(lockAspect=True, enableMenu=False)
        self._item = pg.ImageItem(axisOrder="row-major")
        self.view.addItem(self._item)
        self.overlay = SkyOverlay(self.view)
        self._shape: tuple[int, int] | None = None
        self.scene().sigMouseMoved.connect(self._on_scene_mouse_moved)

    def show_levels(self, levels: NDArray[np.uint8], image: SkyImage) -> None:
        """Show grey levels of shape (n_y, n_x). The view stays unless the number of pixels or the sky changes."""
        another = self._shape != levels.shape or self.overlay.wcs != image.wcs
        self._shape = (levels.shape[0], levels.shape[1])
        self._item.setImage(levels, autoLevels=False, levels=(0, 255))
        self.overlay.set_wcs(image.wcs)
        if another:
            # east to the left, also for files whose RA grows with the pixels
            self.view.invertX(image.wcs is not None and image.wcs.cdelt_x_deg > 0)
            self.view.invertY(image.wcs is not None and image.wcs.cdelt_y_deg < 0)
            self.show_all()

    def clear_image(self) -> None:
        self._shape = None
        self._item.clear()
        self.overlay.set_wcs(None)

    def set_colour_map(self, name: str) -> None:
        table = lookup_table(name)
        self._item.setLookupTable(table)
        self.view.setBackgroundColor(QColor(*table[0].tolist()))  # what lies outside looks like what holds nothing

    def show_all(self) -> None:
        """The whole image."""
        if self._shape is not None:
            rows, columns = self._shape
            self.view.setRange(xRange=(0, columns), yRange=(0, rows), padding=0.01)

    def show_part(self, part: tuple[float, float, float, float]) -> None:
        """Columns and rows (left, right, bottom, top)."""
        self.view.setRange(xRange=part[:2], yRange=part[2:], padding=0.03)

    def set_theme(self, theme: Theme) -> None:
        self.setBackground(theme.base)

    def _on_scene_mouse_moved(self, place: QPointF) -> None:
        if self._shape is None or not self.view.sceneBoundingRect().contains(place):
            self.pointed.emit(None)
            return
        point = self.view.mapSceneToView(place)
        rows, columns = self._shape
        inside = 0 <= point.x() < columns and 0 <= point.y() < rows
        self.pointed.emit((point.x(), point.y()) if inside else None)
