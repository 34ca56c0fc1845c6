"""The plot of the sky: draws mission layers and filter shapes, zooms at the pointer, pans, names, chooses, draws shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent, QMouseEvent, QPainter, QResizeEvent, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsView, QWidget

from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from daxa_gui.gui.theme import LIGHT, Theme
from daxa_gui.gui.widgets.sky_graticule import Lines, ecliptic, galactic_plane, graticule, polylines, rim
from daxa_gui.gui.widgets.sky_items import DensityItem, LabelsItem, LinesItem, PointsItem, shade
from daxa_gui.gui.widgets.sky_layers import MissionLayer, density_images
from daxa_gui.gui.widgets.sky_marks import box_between, crosses, joined, plane_labels, symbol_size, target, worth_drawing
from daxa_gui.gui.widgets.sky_projection import Floats, Viewport, boxes, circles

HOVER_PX = 10.0
_DRAG_PX = 4
_MOST_DASHED = 20_000  # vertices of outlines
_DENSITY_BIN_PX = 4
_ZOOM_PER_NOTCH = 1.25


@dataclass(frozen=True, eq=False)
class Shape:
    """A filter on the sky: an outline, shape (vertices, 3), or a single point (1, 3); or many of them, (n, vertices, 3)."""

    vectors: Floats


@dataclass
class _MissionItems:
    faint: PointsItem
    strong: PointsItem
    faint_fields: LinesItem
    strong_fields: LinesItem


class SkyView(pg.GraphicsView):
    """Scene coordinates are pixels. `mode` is "move", "cone" or "box": what dragging with the left button does.

    Shift and dragging draws a cone in any mode; Escape gives a drawing up.
    """

    view_changed = Signal()
    pointer_moved = Signal(object)  # SkyPosition or None
    hovered = Signal(str, int)  # mission, row; ("", -1) for none
    chosen = Signal(str, int)  # mission, row
    opened = Signal(str, int)  # double-clicked: mission, row
    cone_drawn = Signal(object, float)  # SkyPosition, radius in degrees
    box_drawn = Signal(float, float, float, float)  # RA from, RA to (eastward), Dec from, Dec to, degrees

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, useOpenGL=False, background=None)
        self.setCentralItem(None)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.setMinimumSize(240, 160)
        self.mode = "move"
        self.theme: Theme = LIGHT
        self.style = "sexagesimal"
        self.viewport_on_sky = Viewport(width=self.width(), height=self.height()).whole_sky()
        self.layers: list[MissionLayer] = []
        self.focus: tuple[str, int] = ("", -1)
        self._items: dict[str, _MissionItems] = {}
        self._shapes: tuple[Shape, ...] = ()
        self._pressed: QPoint | None = None
        self._grabbed: tuple[float, float] | None = None
        self._drawing = ""
        self._aim: tuple[float, float, tuple[float, float] | None] | None = None
        self._planes = (galactic_plane(), ecliptic())
        self._build_items()
        self.set_theme(LIGHT)

    def _build_items(self) -> None:
        self._rim = LinesItem(1)
        self._grid = LinesItem(2)
        self._plane_lines = (LinesItem(3), LinesItem(3))
        self._density = DensityItem(4), DensityItem(3.5)  # of those that pass, and of the others
        self._shape_lines = LinesItem(40)
        self._focus_lines = LinesItem(50)
        self._draft_lines = LinesItem(60)
        self._labels = LabelsItem(30)
        for item in (
            self._rim, self._grid, *self._plane_lines, *self._density, self._shape_lines, self._focus_lines,
            self._draft_lines, self._labels,
        ):  # fmt: skip
            self.scene().addItem(item)

    # what is shown

    def set_theme(self, theme: Theme) -> None:
        self.theme = theme
        self.setBackground(theme.base)
        self._rim.set_style(theme.idle, 1.2)
        self._grid.set_style(theme.grid, 1.0)
        self._plane_lines[0].set_style(theme.muted, 1.3, Qt.PenStyle.DashDotLine, 0.8)
        self._plane_lines[1].set_style(theme.muted, 1.3, Qt.PenStyle.DotLine, 0.9)
        self._draft_lines.set_style(theme.accent, 2.0, Qt.PenStyle.DashLine)
        self._focus_lines.set_style(theme.text, 2.0)
        font = QFont(self.font())
        font.setPointSizeF(max(self.font().pointSizeF() - 1.0, 7.0))
        self._labels.set_style(theme.muted, theme.base, font)
        self._restyle_points()
        self.refresh()

    def set_style(self, style: str) -> None:
        """How the graticule is labelled: "sexagesimal" or "degrees"."""
        self.style = style
        self.refresh()

    def set_layers(self, layers: Sequence[MissionLayer]) -> None:
        """Show these missions, the first one lowest."""
        for items in self._items.values():
            for item in (items.faint, items.strong, items.faint_fields, items.strong_fields):
                self.scene().removeItem(item)
        self.layers = list(layers)
        self._items = {}
        for order, layer in enumerate(self.layers):
            items = _MissionItems(PointsItem(), PointsItem(), LinesItem(6), LinesItem(9))
            items.faint.setZValue(5)
            items.strong.setZValue(10 + 0.1 * order)
            for item in (items.faint, items.strong, items.faint_fields, items.strong_fields):
                self.scene().addItem(item)
            self._items[layer.spec.name] = items
        self._restyle_points()
        self.refresh()

    def _restyle_points(self) -> None:
        for layer in self.layers:
            items, colour = self._items[layer.spec.name], shade(layer.spec.colour, self.theme)
            faint = QColor(colour)
            faint.setAlphaF(0.45)
            items.faint.setData(x=[], y=[])
            items.strong.setData(x=[], y=[])
            items.faint.setPen(pg.mkPen(faint, width=1))
            items.faint.setBrush(None)
            items.faint.setSize(5)
            items.strong.setPen(pg.mkPen(self.theme.base, width=0.7))
            items.strong.setBrush(pg.mkBrush(colour))
            items.strong.set_symbol_size(9)
            for item in (items.faint, items.strong):
                item.setSymbol(layer.spec.symbol)
            items.faint_fields.set_style(colour, 1.0, alpha=0.30)
            items.strong_fields.set_style(colour, 1.8, alpha=0.95)

    def set_shapes(self, shapes: Sequence[Shape]) -> None:
        """Outlines of the filters."""
        self._shapes = tuple(shapes)
        self._draw_shapes()

    def set_focus(self, mission: str, row: int) -> None:
        """Mark one observation."""
        self.focus = (mission, row)
        self._draw_focus()

    def set_mode(self, mode: str) -> None:
        self.mode = mode
        self._drawing = ""
        self._draft_lines.set_lines(None)
        self.viewport().setCursor(Qt.CursorShape.OpenHandCursor if mode == "move" else Qt.CursorShape.CrossCursor)

    # where it looks

    def look(self, view: Viewport, *, keep_aim: bool = False) -> None:
        """Show another part of the sky."""
        self.viewport_on_sky = view
        if not keep_aim:
            self._aim = None
        self.refresh()
        self.view_changed.emit()

    def show_whole_sky(self) -> None:
        self.look(self.viewport_on_sky.whole_sky())

    def show_place(self, position: SkyPosition, radius_deg: float) -> None:
        self.look(self.viewport_on_sky.centred(position.ra_deg, position.dec_deg, radius_deg))

    def zoom(self, factor: float, x: float | None = None, y: float | None = None) -> None:
        """Closer by `factor`, around a pixel or the middle."""
        view = self.viewport_on_sky
        self.look(view.zoomed(factor, view.width / 2 if x is None else x, view.height / 2 if y is None else y))

    def pan(self, dx: float, dy: float) -> None:
        """Move the sky by pixels."""
        view = self.viewport_on_sky
        self.look(view.with_position_at(view.ra_deg, view.dec_deg, view.width / 2 + dx, view.height / 2 + dy))

    # drawing

    def refresh(self) -> None:
        """Draw everything for the present view."""
        view = self.viewport_on_sky
        size = view.width, view.height
        whole = view.radius_deg >= 179.0
        self._rim.set_lines(rim(view) if whole else None, *size)
        lines = graticule(view, self.style)
        self._grid.set_lines(lines.lines, *size)
        planes = [polylines(plane, view) for plane in self._planes]
        for item, plane in zip(self._plane_lines, planes, strict=True):
            item.set_lines(plane, *size)
        names = plane_labels(planes, ("Galactic plane", "Ecliptic"), view)
        self._labels.set_labels((*lines.labels, *names))
        for layer in self.layers:
            self._draw_layer(layer, view)
        passing, left_out = density_images(self.layers, view, _DENSITY_BIN_PX) or (None, None)
        self._density[0].set_counts(passing, _DENSITY_BIN_PX, self.theme.accent)
        self._density[1].set_counts(left_out, _DENSITY_BIN_PX, self.theme.muted, 0.45)
        self._draw_shapes()
        self._draw_focus()
        self.scene().update()

    def _draw_layer(self, layer: MissionLayer, view: Viewport) -> None:
        items = self._items[layer.spec.name]
        everything = (items.faint, items.strong, items.faint_fields, items.strong_fields)
        for item in everything:
            item.setVisible(layer.shown)
        if not layer.shown:
            return
        layer.place(view)
        strong = layer.selected[layer.rows]
        seen = strong & layer.in_view(view)
        items.strong.set_symbol_size(symbol_size(int(np.count_nonzero(seen))))
        items.strong.place(layer.x[strong], layer.y[strong])
        items.faint.place(layer.x[~strong], layer.y[~strong])
        outlines, rows = layer.outlines(view)
        chosen = layer.selected[rows]
        for item, some in ((items.strong_fields, outlines[chosen]), (items.faint_fields, outlines[~chosen])):
            item.set_lines(polylines(some, view) if len(some) else None, view.width, view.height)

    def _draw_shapes(self) -> None:
        view = self.viewport_on_sky
        pieces = []
        for shape in self._shapes:
            lines = shape.vectors if shape.vectors.ndim == 3 else shape.vectors[None]
            if lines.shape[1] > 1:
                pieces.append(polylines(worth_drawing(lines, view), view))
            else:
                x, y = view.pixels(lines[:, 0])
                pieces.append(crosses(x, y, 7.0 if len(x) <= 50 else 4.0 if len(x) <= 300 else 2.0))
        lines_to_draw = joined(pieces)
        self._style_shapes(many=len(lines_to_draw.x) > _MOST_DASHED)
        self._shape_lines.set_lines(lines_to_draw, view.width, view.height)

    def _style_shapes(self, *, many: bool) -> None:
        """Dashes tell outlines of filters from fields of view; of thousands each dash would cost too much time."""
        width, style = (1.0, Qt.PenStyle.SolidLine) if many else (1.6, Qt.PenStyle.DashLine)
        self._shape_lines.set_style(self.theme.text, width, style)

    def _draw_focus(self) -> None:
        mission, row = self.focus
        layer = next((item for item in self.layers if item.spec.name == mission and item.shown), None)
        if layer is None or not 0 <= row < len(layer.catalogue) or not np.isfinite(layer.catalogue.vectors[row]).all():
            self._focus_lines.set_lines(None)
            return
        view = self.viewport_on_sky
        x, y = view.pixels(layer.catalogue.vectors[row : row + 1])
        self._focus_lines.set_lines(target(float(x[0]), float(y[0])), view.width, view.height)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        if event is not None:
            self.viewport_on_sky = self.viewport_on_sky.resized(self.width(), self.height())
            if self.isVisible():
                self.refresh()
            self.view_changed.emit()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self.refresh()  # sizes and layers that came meanwhile

    # pointer

    def nearest(self, x: float, y: float) -> tuple[str, int]:
        """Mission and row of the observation within some pixels; ("", -1) for none. Selected ones win."""
        best: tuple[bool, float, str, int] | None = None
        for layer in self.layers:
            found = layer.nearest(x, y, HOVER_PX)
            if found is not None:
                row, distance = found
                candidate = (not bool(layer.selected[row]), distance, layer.spec.name, row)
                best = candidate if best is None or candidate < best else best
        return (best[2], best[3]) if best is not None else ("", -1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position().toPoint()
        self._pressed = point
        self._grabbed = self.viewport_on_sky.position(point.x(), point.y())
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._drawing = "cone" if shift else "" if self.mode == "move" else self.mode

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        position = self.viewport_on_sky.position(point.x(), point.y())
        self.pointer_moved.emit(SkyPosition(*position) if position else None)
        if self._pressed is None or not event.buttons() & Qt.MouseButton.LeftButton:
            self.hovered.emit(*self.nearest(point.x(), point.y()))
            return
        if (point - self._pressed).manhattanLength() < _DRAG_PX or self._grabbed is None:
            return
        if self._drawing:
            self._draft_lines.set_lines(self._draft(position), self.width(), self.height())
        else:
            self.look(self.viewport_on_sky.with_position_at(*self._grabbed, point.x(), point.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self._pressed is None:
            return
        point, pressed, drawing = event.position().toPoint(), self._pressed, self._drawing
        self._pressed, self._drawing = None, ""
        self._draft_lines.set_lines(None)
        if (point - pressed).manhattanLength() < _DRAG_PX:
            mission, row = self.nearest(point.x(), point.y())
            if mission:
                self.chosen.emit(mission, row)
        elif drawing:
            self._finish(drawing, self.viewport_on_sky.position(point.x(), point.y()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        point = event.position().toPoint()
        mission, row = self.nearest(point.x(), point.y())
        if mission:
            self.opened.emit(mission, row)
        else:
            self.zoom(3.0, point.x(), point.y())

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120.0
        if notches:
            x, y = event.position().x(), event.position().y()
            # What was under the pointer at the first notch stays the aim of the next ones.
            if self._aim is None or abs(self._aim[0] - x) + abs(self._aim[1] - y) > _DRAG_PX:
                self._aim = (x, y, self.viewport_on_sky.position(x, y))
            self.look(self.viewport_on_sky.zoomed(_ZOOM_PER_NOTCH**notches, x, y, self._aim[2]), keep_aim=True)
        event.accept()

    def _draft(self, position: tuple[float, float] | None) -> Lines | None:
        if self._grabbed is None or position is None:
            return None
        if self._drawing == "cone":
            centre = unit_vectors(*self._grabbed)
            radius = float(separation_deg(centre, unit_vectors(*position)))
            return polylines(circles(centre[None], np.array([radius]), 96), self.viewport_on_sky)
        ra_from, ra_to, dec_from, dec_to = (np.array([value]) for value in box_between(self._grabbed, position))
        outline = boxes(ra_from, ra_to, dec_from, dec_to, 24)
        return polylines(outline, self.viewport_on_sky)

    def _finish(self, drawing: str, position: tuple[float, float] | None) -> None:
        if self._grabbed is None or position is None:
            return
        if drawing == "cone":
            radius = float(separation_deg(unit_vectors(*self._grabbed), unit_vectors(*position)))
            self.cone_drawn.emit(SkyPosition(*self._grabbed), radius)
        else:
            self.box_drawn.emit(*box_between(self._grabbed, position))

    # keys

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        action = self._keys().get(key)
        if action is not None:
            action()
        else:
            event.ignore()

    def _keys(self) -> dict[Qt.Key, Callable[[], None]]:
        step = 0.15 * min(self.width(), self.height())
        return {
            Qt.Key.Key_Plus: lambda: self.zoom(1.5),
            Qt.Key.Key_Equal: lambda: self.zoom(1.5),
            Qt.Key.Key_Minus: lambda: self.zoom(1 / 1.5),
            Qt.Key.Key_Left: lambda: self.pan(step, 0),
            Qt.Key.Key_Right: lambda: self.pan(-step, 0),
            Qt.Key.Key_Up: lambda: self.pan(0, step),
            Qt.Key.Key_Down: lambda: self.pan(0, -step),
            Qt.Key.Key_Home: self.show_whole_sky,
            Qt.Key.Key_Escape: self._give_up_drawing,
        }

    def _give_up_drawing(self) -> None:
        self._pressed, self._drawing = None, ""
        self._draft_lines.set_lines(None)
