"""Scale bar and compass over an image with world coordinates; readable on any ground."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsItem, QStyleOptionGraphicsItem, QWidget

from daxa_gui.core.sky import LinearWcs

# (degrees, text)
_LENGTHS = [(n / 3600.0, f"{n}″") for n in (1, 2, 5, 10, 20, 30)]
_LENGTHS += [(n / 60.0, f"{n}′") for n in (1, 2, 5, 10, 20, 30)]
_LENGTHS += [(float(n), f"{n}°") for n in (1, 2, 5, 10, 20)]


def scale_bar(view_width_deg: float) -> tuple[float, str]:
    """The longest round length, in degrees, that fills at most a third of the view, and how it is written."""
    fitting = [pair for pair in _LENGTHS if pair[0] <= view_width_deg / 3.0]
    return fitting[-1] if fitting else _LENGTHS[0]


class SkyOverlay(pg.GraphicsObject):
    """Painted over a ViewBox in its own pixels."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view)
        self._view = view
        self.wcs: LinearWcs | None = None
        self.setZValue(1e6)
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemIsSelectable, False)
        view.sigRangeChanged.connect(self._on_view_range_changed)
        view.sigResized.connect(self._on_view_resized)

    def set_wcs(self, wcs: LinearWcs | None) -> None:
        """World coordinates of the pixels; the centre of the first pixel (1 in FITS) stands at 0.5 in the view."""
        self.wcs = wcs
        self.update()

    def _on_view_range_changed(self, *_: object) -> None:
        self.update()

    def _on_view_resized(self, *_: object) -> None:
        self.prepareGeometryChange()

    def boundingRect(self) -> QRectF:
        return QRectF(self._view.rect())

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        box = self.boundingRect()
        if self.wcs is None or box.width() < 80 or box.height() < 80:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = QFont(painter.font())
        font.setPixelSize(12)
        painter.setFont(font)
        self._paint_bar(painter, box, self.wcs)
        self._paint_compass(painter, box, self.wcs)

    def _paint_bar(self, painter: QPainter, box: QRectF, wcs: LinearWcs) -> None:
        (x_low, x_high), _ = self._view.viewRange()
        degrees_per_pixel = abs(wcs.cdelt_x_deg) * (x_high - x_low) / box.width()
        length, text = scale_bar(degrees_per_pixel * box.width())
        width = length / degrees_per_pixel
        left, y = box.left() + 14.0, box.bottom() - 14.0
        path = QPainterPath()
        for x0, y0, x1, y1 in (
            (left, y, left + width, y),
            (left, y - 4, left, y + 4),
            (left + width, y - 4, left + width, y + 4),
        ):
            path.moveTo(x0, y0)
            path.lineTo(x1, y1)
        _stroke(painter, path)
        _write(painter, QPointF(left + width / 2.0, y - 7.0), text)

    def _paint_compass(self, painter: QPainter, box: QRectF, wcs: LinearWcs) -> None:
        foot = QPointF(box.right() - 26.0, box.bottom() - 26.0)
        for name, direction in zip("NE", self.compass(), strict=True):
            if direction is None:
                continue
            dx, dy = direction
            tip = QPointF(foot.x() + 34.0 * dx, foot.y() + 34.0 * dy)
            path = QPainterPath(foot)
            path.lineTo(tip)
            for turn in (2.6, -2.6):
                angle = math.atan2(dy, dx) + turn
                path.moveTo(tip)
                path.lineTo(tip.x() + 7.0 * math.cos(angle), tip.y() + 7.0 * math.sin(angle))
            _stroke(painter, path)
            _write(painter, QPointF(foot.x() + 46.0 * dx, foot.y() + 46.0 * dy + 4.5), name)

    def compass(self) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
        """Unit vectors on the screen (y down) to the north and to the east at the centre of the view; None at a pole."""
        if self.wcs is None:
            return None, None
        (x_low, x_high), (y_low, y_high) = self._view.viewRange()
        centre_x, centre_y = (x_low + x_high) / 2.0, (y_low + y_high) / 2.0
        ra, dec = (float(v) for v in self.wcs.sky(centre_x + 0.5, centre_y + 0.5))
        small = max(abs(self.wcs.cdelt_y_deg), 1e-7) * 0.01
        steps = ((ra, dec + small), (ra + small / max(math.cos(math.radians(dec)), 1e-6), dec))
        return self._towards(steps[0], centre_x, centre_y), self._towards(steps[1], centre_x, centre_y)

    def _towards(self, sky: tuple[float, float], x: float, y: float) -> tuple[float, float] | None:
        if self.wcs is None or not -90.0 < sky[1] < 90.0:
            return None
        px, py = (float(v) - 0.5 for v in self.wcs.pixel(*sky))
        dx, dy = px - x, -(py - y)
        if self._view.xInverted():
            dx = -dx
        if self._view.yInverted():
            dy = -dy
        length = math.hypot(dx, dy)
        return (dx / length, dy / length) if length > 0 and math.isfinite(length) else None


def _stroke(painter: QPainter, path: QPainterPath) -> None:
    painter.setPen(QPen(QColor(0, 0, 0, 190), 4.0))
    painter.drawPath(path)
    painter.setPen(QPen(QColor(255, 255, 255), 1.6))
    painter.drawPath(path)


def _write(painter: QPainter, foot: QPointF, text: str) -> None:
    """Text centred above `foot`, white with a dark rim."""
    width = QFontMetricsF(painter.font()).horizontalAdvance(text)
    path = QPainterPath()
    path.addText(QPointF(foot.x() - width / 2.0, foot.y()), painter.font(), text)
    painter.setPen(QPen(QColor(0, 0, 0, 190), 3.0))
    painter.drawPath(path)
    painter.fillPath(path, QColor(255, 255, 255))
