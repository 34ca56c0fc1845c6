"""Regions over an image: outlines of those that are there, and shapes that are being drawn with the mouse.

Pixel (i, j) of the image covers [i, i+1) x [j, j+1) of the view, so that FITS pixel coordinates are those of the view plus 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem

from daxa_gui.core.filters import SkyShape
from daxa_gui.core.sky import LinearWcs

KINDS = ("circle", "ellipse", "box", "polygon")
_CORNERS = 72
_INCLUDED, _EXCLUDED, _DRAWN = "#3dff7a", "#ff7a3d", "#ffe14d"  # all are seen on every colour map; excluded ones are dashed too


def away(
    centre: tuple[float, float], distance_deg: NDArray[np.float64], angle_deg: NDArray[np.float64]
) -> tuple[NDArray, NDArray]:
    """RA and Dec (deg) at great-circle distances in directions (position angle, from north through east) from a centre."""
    ra, dec = (math.radians(value) for value in centre)
    distance, angle = np.radians(distance_deg), np.radians(angle_deg)
    sin_dec = np.sin(dec) * np.cos(distance) + np.cos(dec) * np.sin(distance) * np.cos(angle)
    far_dec = np.arcsin(np.clip(sin_dec, -1.0, 1.0))
    far_ra = ra + np.arctan2(np.sin(angle) * np.sin(distance) * np.cos(dec), np.cos(distance) - np.sin(dec) * np.sin(far_dec))
    return np.degrees(far_ra) % 360.0, np.degrees(far_dec)


def apart(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Great-circle distance and position angle (both deg) of `other` as seen from `one`."""
    ra1, dec1, ra2, dec2 = (math.radians(value) for value in (*one, *other))
    east = math.cos(dec2) * math.sin(ra2 - ra1)
    north = math.cos(dec1) * math.sin(dec2) - math.sin(dec1) * math.cos(dec2) * math.cos(ra2 - ra1)
    along = math.sin(dec1) * math.sin(dec2) + math.cos(dec1) * math.cos(dec2) * math.cos(ra2 - ra1)
    return math.degrees(math.atan2(math.hypot(east, north), along)), math.degrees(math.atan2(east, north)) % 360.0


def outlines(shape: SkyShape) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Closed lines around a shape (two for one with a hole): RA and Dec in degrees."""
    if shape.shape == "polygon":
        points = np.array([*shape.points, shape.points[0]], float)
        return [(points[:, 0], points[:, 1])]
    centre, sizes = shape.points[0], shape.sizes_deg
    turn = np.linspace(0.0, 360.0, _CORNERS + 1)
    if shape.shape in ("circle", "annulus"):
        return [away(centre, np.full(len(turn), size), turn) for size in sizes]
    pairs = [sizes[number : number + 2] for number in range(0, len(sizes), 2)]
    edge = _ellipse if shape.shape == "ellipse" else _box
    return [away(centre, *edge(first, second, shape.angle_deg)) for first, second in pairs]


def _ellipse(first: float, second: float, angle_deg: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances and directions from the centre."""
    around = np.linspace(0.0, 2.0 * np.pi, _CORNERS + 1)
    along, across = first * np.cos(around), second * np.sin(around)
    return np.hypot(along, across), angle_deg + np.degrees(np.arctan2(across, along))


def _box(width: float, height: float, angle_deg: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    steps = np.linspace(-1.0, 1.0, _CORNERS // 4 + 1)
    ones = np.ones(len(steps))
    along = np.concatenate([steps, ones, -steps, -ones]) * width / 2.0
    across = np.concatenate([-ones, steps, ones, -steps]) * height / 2.0
    return np.hypot(along, across), angle_deg + np.degrees(np.arctan2(across, along))


class RegionOverlay(QObject):
    """`set_wcs` places everything anew. Without sky coordinates nothing can be shown or drawn."""

    drawn_changed = Signal()

    def __init__(self, view: pg.ViewBox, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._wcs: LinearWcs | None = None
        self._shapes: tuple[SkyShape, ...] = ()
        self._items: list[QGraphicsPathItem] = []
        self._rois: list[tuple[str, pg.ROI]] = []
        self._chosen: pg.ROI | None = None

    @property
    def can_draw(self) -> bool:
        return self._wcs is not None

    @property
    def n_drawn(self) -> int:
        return len(self._rois)

    def set_wcs(self, wcs: LinearWcs | None) -> None:
        """The sky of the image; drawn shapes keep their places on the sky."""
        if wcs == self._wcs:
            return
        drawn = self.drawn()
        self.clear_drawn()
        self._wcs = wcs
        self.show_shapes(self._shapes)
        if wcs is not None:
            for shape in drawn:
                self._put(shape)

    def show_shapes(self, shapes: Sequence[SkyShape]) -> None:
        """Outlines of the regions that are there."""
        for item in self._items:
            self._view.removeItem(item)
        self._items = []
        self._shapes = tuple(shapes)
        if self._wcs is None:
            return
        for shape in self._shapes:
            path = QPainterPath()
            for ra, dec in outlines(shape):
                self._add_line(path, ra, dec)
            pen = QPen(pg.mkColor(_INCLUDED if shape.include else _EXCLUDED))
            pen.setCosmetic(True)
            pen.setWidthF(1.5)
            if not shape.include:
                pen.setStyle(Qt.PenStyle.DashLine)
            item = QGraphicsPathItem(path)
            item.setPen(pen)
            self._view.addItem(item, ignoreBounds=True)
            self._items.append(item)

    def _add_line(self, path: QPainterPath, ra: NDArray[np.float64], dec: NDArray[np.float64]) -> None:
        assert self._wcs is not None
        x, y = self._wcs.pixel(ra, dec)
        points = [QPointF(a - 0.5, b - 0.5) for a, b in zip(x.tolist(), y.tolist(), strict=True) if math.isfinite(a + b)]
        if len(points) > 1:
            path.moveTo(points[0])
            for point in points[1:]:
                path.lineTo(point)

    # drawing

    def draw(self, kind: str) -> None:
        """Put a new shape into the middle of what is seen; its handles change it."""
        (left, right), (bottom, top) = self._view.viewRange()
        size = 0.2 * min(abs(right - left), abs(top - bottom))
        x, y = (left + right - size) / 2.0, (bottom + top - size) / 2.0
        self._add(kind, _new_roi(kind, x, y, size))

    def _add(self, kind: str, roi: pg.ROI) -> None:
        roi.setAcceptedMouseButtons(Qt.MouseButton.LeftButton)
        roi.sigClicked.connect(lambda one, _event: self._choose(one))
        roi.sigRegionChangeStarted.connect(self._choose)
        roi.sigRegionChangeFinished.connect(lambda _roi: self.drawn_changed.emit())
        self._view.addItem(roi, ignoreBounds=True)
        self._rois.append((kind, roi))
        self._choose(roi)
        self.drawn_changed.emit()

    def _choose(self, roi: pg.ROI | None) -> None:
        self._chosen = roi
        for _, one in self._rois:
            one.setPen(pg.mkPen(_DRAWN, width=3 if one is roi else 1.5))

    def remove_chosen(self) -> None:
        """The shape that was clicked, changed or drawn last."""
        self._rois = [(kind, roi) for kind, roi in self._rois if roi is not self._chosen]
        if self._chosen is not None:
            self._view.removeItem(self._chosen)
        self._choose(self._rois[-1][1] if self._rois else None)
        self.drawn_changed.emit()

    def clear_drawn(self) -> None:
        for _, roi in self._rois:
            self._view.removeItem(roi)
        self._rois = []
        self._chosen = None
        self.drawn_changed.emit()

    def drawn(self) -> list[SkyShape]:
        """What was drawn, as it is now."""
        return [self._shape_of(kind, roi) for kind, roi in self._rois] if self._wcs is not None else []

    def _sky(self, x: float, y: float) -> tuple[float, float]:
        assert self._wcs is not None
        ra, dec = self._wcs.sky(x + 0.5, y + 0.5)
        return float(ra), float(dec)

    def _shape_of(self, kind: str, roi: pg.ROI) -> SkyShape:
        if kind == "polygon":
            corners = [roi.mapToParent(place) for _, place in roi.getLocalHandlePositions()]
            return SkyShape("polygon", tuple(self._sky(corner.x(), corner.y()) for corner in corners))
        width, height = roi.size()
        middle, side, top = (roi.mapToParent(QPointF(x * width, y * height)) for x, y in ((0.5, 0.5), (1.0, 0.5), (0.5, 1.0)))
        centre = self._sky(middle.x(), middle.y())
        first, angle = apart(centre, self._sky(side.x(), side.y()))
        second, _ = apart(centre, self._sky(top.x(), top.y()))
        if kind == "circle":
            return SkyShape("circle", (centre,), (first,))
        sizes = (first, second) if kind == "ellipse" else (2.0 * first, 2.0 * second)
        return SkyShape(kind, (centre,), sizes, angle)

    def _put(self, shape: SkyShape) -> None:
        """A drawn shape over another image of the same sky."""
        assert self._wcs is not None
        x, y = (values - 0.5 for values in self._wcs.pixel(*np.array(shape.points, float).T))
        if not np.isfinite(x + y).all():
            return
        if shape.shape == "polygon":
            self._add("polygon", _polygon(list(zip(x.tolist(), y.tolist(), strict=True))))
            return
        scale = abs(self._wcs.cdelt_y_deg)
        half = [size / scale if shape.shape != "box" else size / scale / 2.0 for size in shape.sizes_deg]
        width, height = 2.0 * half[0], 2.0 * half[-1]
        roi = _new_roi(shape.shape, 0.0, 0.0, 1.0)
        roi.setSize((width, height))
        end = self._wcs.pixel(*away(shape.points[0], np.array([shape.sizes_deg[0]]), np.array([shape.angle_deg])))
        turn = math.atan2(float(end[1][0]) - 0.5 - y[0], float(end[0][0]) - 0.5 - x[0]) if shape.shape != "circle" else 0.0
        roi.setAngle(math.degrees(turn))
        corner = (
            x[0] - (math.cos(turn) * width - math.sin(turn) * height) / 2.0,
            y[0] - (math.sin(turn) * width + math.cos(turn) * height) / 2.0,
        )
        roi.setPos(corner)
        self._add(shape.shape, roi)


def _new_roi(kind: str, x: float, y: float, size: float) -> pg.ROI:
    if kind == "circle":
        return pg.CircleROI((x, y), (size, size))
    if kind == "ellipse":
        return pg.EllipseROI((x, y + 0.2 * size), (size, 0.6 * size))
    if kind == "box":
        roi = pg.RectROI((x, y + 0.2 * size), (size, 0.6 * size))
        roi.addRotateHandle((1, 0.5), (0.5, 0.5))
        return roi
    return _polygon([(x, y), (x + size, y), (x + size, y + size), (x, y + size)])


def _polygon(corners: Sequence[tuple[float, float]]) -> pg.ROI:
    return pg.PolyLineROI(corners, closed=True)
