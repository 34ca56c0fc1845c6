"""An image on the screen: grey levels through a colour map, north up and east left, value and position under the pointer."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QLabel, QWidget

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
        self.split: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
        self.divider = pg.InfiniteLine(angle=90, movable=True)
        self.divider.setCursor(Qt.CursorShape.SizeHorCursor)
        self.divider.setZValue(30)
        self.divider.hide()
        self.divider.sigPositionChanged.connect(self._on_divider_moved)
        self.view.addItem(self.divider, ignoreBounds=True)
        self.caption = QLabel(self)
        self.caption.setObjectName("skyImageCaption")
        self.caption.setMargin(3)
        self.caption.setAutoFillBackground(True)
        self.caption.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.caption.move(6, 6)
        self.caption.hide()
        self.scene().sigMouseMoved.connect(self._on_scene_mouse_moved)

    def show_split(self, left: NDArray[np.uint8], right: NDArray[np.uint8], image: SkyImage) -> None:
        """Two images of the same pixels, left and right of a line that can be dragged."""
        begins = self.split is None
        self._show(left, image)
        self.split = (left, right)
        low, high = self.view.viewRange()[0]
        if begins or not low < self.divider.value() < high:
            self.divider.setValue((low + high) / 2.0)
        self.divider.show()
        self._on_divider_moved()

    def is_first(self, column: float) -> bool:
        """Whether a place of a split view shows the first image."""
        return (column < self.divider.value()) != self.view.xInverted()

    def _on_divider_moved(self) -> None:
        if self.split is None:
            return
        first, second = reversed(self.split) if self.view.xInverted() else self.split
        column = min(max(round(self.divider.value()), 0), first.shape[1])
        both = np.concatenate([first[:, :column], second[:, column:]], axis=1)
        self._item.setImage(both, autoLevels=False, levels=(0, 255))

    def show_levels(self, levels: NDArray[np.uint8], image: SkyImage) -> None:
        """Show one image."""
        self.split = None
        self.divider.hide()
        self._show(levels, image)

    def _show(self, levels: NDArray[np.uint8], image: SkyImage) -> None:
        """Show grey levels of shape (n_y, n_x). The same part of the sky stays in view, also where the pixels are others; without
        coordinates, or where the image lies elsewhere, the whole image comes into view."""
        another = self._shape != levels.shape or self.overlay.wcs != image.wcs
        part = self._part_in(image) if another else None
        self._shape = (levels.shape[0], levels.shape[1])
        self._item.setImage(levels, autoLevels=False, levels=(0, 255))
        self.overlay.set_wcs(image.wcs)
        if another:
            # east to the left, also for files whose RA grows with the pixels
            self.view.invertX(image.wcs is not None and image.wcs.cdelt_x_deg > 0)
            self.view.invertY(image.wcs is not None and image.wcs.cdelt_y_deg < 0)
            if part is None:
                self.show_all()
            else:
                self.view.setRange(xRange=part[:2], yRange=part[2:], padding=0.0)

    def _part_in(self, image: SkyImage) -> tuple[float, float, float, float] | None:
        """Columns and rows of another image for the part of the sky that is in view; None where there is no such part."""
        old, new = self.overlay.wcs, image.wcs
        if self._shape is None or old is None or new is None:
            return None
        (left, right), (bottom, top) = self.view.viewRange()
        # FITS pixel numbers are half a pixel larger than places of this view
        sky = old.sky((left + right) / 2.0 + 0.5, (bottom + top) / 2.0 + 0.5)
        x, y = (float(value) - 0.5 for value in new.pixel(*sky))
        rows, columns = image.values.shape
        if not (0 <= x <= columns and 0 <= y <= rows):
            return None
        half_x = abs((right - left) * old.cdelt_x_deg / new.cdelt_x_deg) / 2.0
        half_y = abs((top - bottom) * old.cdelt_y_deg / new.cdelt_y_deg) / 2.0
        return x - half_x, x + half_x, y - half_y, y + half_y

    def show_caption(self, text: str) -> None:
        """A few words in the corner: which of two images this is; "" for none."""
        metrics = self.caption.fontMetrics()
        self.caption.setText(metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(60, self.width() - 30)))
        self.caption.adjustSize()
        self.caption.setVisible(bool(text))

    def clear_image(self) -> None:
        self._shape = self.split = None
        self.divider.hide()
        self.show_caption("")
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
        self.divider.setPen(pg.mkPen(theme.accent, width=2))
        self.divider.setHoverPen(pg.mkPen(theme.accent, width=4))

    def _on_scene_mouse_moved(self, place: QPointF) -> None:
        if self._shape is None or not self.view.sceneBoundingRect().contains(place):
            self.pointed.emit(None)
            return
        point = self.view.mapSceneToView(place)
        rows, columns = self._shape
        inside = 0 <= point.x() < columns and 0 <= point.y() < rows
        self.pointed.emit((point.x(), point.y()) if inside else None)
