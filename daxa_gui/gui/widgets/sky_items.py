"""The graphics items of the sky plot. Scene coordinates are pixels of the plot, origin at the upper left."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.graphicsItems.ScatterPlotItem import renderSymbol
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QStyleOptionGraphicsItem, QWidget

from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.sky_graticule import Label, Lines
from daxa_gui.gui.widgets.sky_projection import Floats


class PointsItem(pg.ScatterPlotItem):
    """Symbols of one kind. Moving them does not look at pens and symbols again, which makes panning cheap."""

    data: NDArray[Any]  # pyqtgraph's own record array: one row per point with its place and its picture

    def move_to(self, x: Floats, y: Floats) -> None:
        """New places for the same points, in the same order."""
        self.prepareGeometryChange()
        self.data["x"], self.data["y"] = x, y
        self.bounds = [None, None]
        self.update()

    def place(self, x: Floats, y: Floats) -> None:
        """Show this many points there. They are all alike, so that only one of them has to be made."""
        if len(x) != len(self.data):
            self.setData(x=x[:1], y=y[:1])
            self.data = np.repeat(self.data, len(x)) if len(x) else self.data
        self.move_to(x, y)

    def set_symbol_size(self, size: int) -> None:
        if self.opts["size"] != size:
            self.setData(x=[], y=[])
            self.setSize(size)

    def boundingRect(self) -> QRectF:
        return _EVERYWHERE


_EVERYWHERE = QRectF(-20_000.0, -20_000.0, 40_000.0, 40_000.0)


class LinesItem(QGraphicsPathItem):
    """Polylines with a pen of constant width."""

    def __init__(self, z_value: float) -> None:
        super().__init__()
        self.setZValue(z_value)

    def set_style(self, colour: str, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine, alpha: float = 1.0) -> None:
        shade = QColor(colour)
        shade.setAlphaF(alpha)
        pen = QPen(shade, width, style)
        pen.setCosmetic(True)
        self.setPen(pen)

    def set_lines(self, lines: Lines | None, view_width: int = 0, view_height: int = 0) -> None:
        """Draw these, leaving out what is far outside the plot (huge coordinates make painting slow)."""
        if lines is None or len(lines.x) == 0:
            self.setPath(QPainterPath())
            return
        x, y, joined = lines.x, lines.y, lines.joined
        near = (x > -view_width) & (x < 2 * view_width) & (y > -view_height) & (y < 2 * view_height)
        keep = near.copy()
        keep[:-1] |= near[1:] & joined[:-1]
        keep[1:] |= near[:-1] & joined[:-1]
        if not keep.any():
            self.setPath(QPainterPath())
            return
        link = joined & np.append(keep[1:], False)
        limit = 30_000.0
        self.setPath(pg.arrayToQPath(np.clip(x[keep], -limit, limit), np.clip(y[keep], -limit, limit), connect=link[keep]))


class LabelsItem(QGraphicsItem):
    """Many short texts, each on a patch of the ground colour so that lines do not run through it."""

    def __init__(self, z_value: float) -> None:
        super().__init__()
        self.setZValue(z_value)
        self._labels: tuple[Label, ...] = ()
        self._colour, self._ground = QColor("black"), QColor("white")
        self._font = QFont()

    def set_style(self, colour: str, ground: str, font: QFont) -> None:
        self._colour, self._ground, self._font = QColor(colour), QColor(ground), font
        self._ground.setAlpha(190)
        self.update()

    def set_labels(self, labels: tuple[Label, ...]) -> None:
        self._labels = labels
        self.update()

    def boundingRect(self) -> QRectF:
        return _EVERYWHERE

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        painter.setFont(self._font)
        metrics = QFontMetricsF(self._font)
        height = metrics.height()
        for label in self._labels:
            width = metrics.horizontalAdvance(label.text)
            left = label.x - {"left": 0.0, "right": width}.get(label.align, width / 2)
            patch = QRectF(left - 2, label.y - height / 2, width + 4, height)
            painter.fillRect(patch, self._ground)
            painter.setPen(self._colour)
            painter.drawText(QPointF(left, label.y - height / 2 + metrics.ascent()), label.text)


class DensityItem(QGraphicsItem):
    """Counts as an image, from the ground colour to another colour by the logarithm."""

    def __init__(self, z_value: float) -> None:
        super().__init__()
        self.setZValue(z_value)
        self._image: QImage | None = None
        self._bin_px = 1

    def set_counts(self, counts: Floats | None, bin_px: int, colour: str, strength: float = 1.0) -> None:
        """`counts` (rows, columns), each a square of `bin_px` pixels; None shows nothing. `strength` 1 hides the ground most."""
        self._bin_px = bin_px
        self._image = None if counts is None else _shaded(counts, QColor(colour), strength)
        self.update()

    def boundingRect(self) -> QRectF:
        return _EVERYWHERE

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        if self._image is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = QRectF(0, 0, self._image.width() * self._bin_px, self._image.height() * self._bin_px)
        painter.drawImage(size, self._image)


def _shaded(counts: Floats, colour: QColor, strongest: float) -> QImage:
    strength = np.log1p(counts) / max(float(np.log1p(counts.max())), 1e-9)
    pixels: NDArray[np.uint8] = np.empty((*counts.shape, 4), np.uint8)
    pixels[..., 0], pixels[..., 1], pixels[..., 2] = colour.red(), colour.green(), colour.blue()
    pixels[..., 3] = np.where(counts > 0, strongest * (40 + 190 * strength), 0).astype(np.uint8)
    height, width = counts.shape
    return QImage(pixels.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()


def shade(colour: str, theme: Theme) -> str:
    """A mission's colour, a little lighter on dark ground so that thin lines can be seen."""
    return QColor(colour).lighter(135).name() if theme.name == "dark" else colour


def symbol_icon(symbol: str, colour: str, size: int = 16, scale: float = 2.0) -> QIcon:
    """A mission's symbol as it stands in the plot, for legends, tabs and tables."""
    device = int(size * scale)
    image = renderSymbol(symbol, int(0.62 * device), pg.mkPen(colour, width=scale), pg.mkBrush(colour))
    pixmap = QPixmap(device, device)
    pixmap.fill(Qt.GlobalColor.transparent)
    with QPainter(pixmap) as painter:
        painter.drawImage(int((device - image.width()) / 2), int((device - image.height()) / 2), image)
    pixmap.setDevicePixelRatio(scale)
    return QIcon(pixmap)
