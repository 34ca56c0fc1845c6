"""Paints job states so that shape and word carry them and colour only helps; and progress bars in table cells."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QMargins, QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from daxa_gui.gui.models.jobs import FRACTION_ROLE, STATE_ROLE
from daxa_gui.gui.theme import Theme

_COLOUR = {
    "waiting": "idle",
    "queued": "idle",
    "running": "running",
    "stopping": "warn",
    "done": "good",
    "warned": "warn",
    "excluded": "warn",
    "failed": "bad",
    "cancelled": "idle",
    "skipped": "idle",
    "paused": "idle",
}


def state_colour(word: str, theme: Theme) -> str:
    return str(getattr(theme, _COLOUR.get(word, "text")))


def draw_state_mark(painter: QPainter, word: str, centre: QPointF, radius: float, colour: QColor) -> None:
    """○ waiting, ◌ queued, ▶ running, ✓ done, ▲ warned, ⊖ excluded, ✕ failed, ⊘ cancelled, → skipped, two bars paused: each its
    own shape."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.8))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    x, y, r = centre.x(), centre.y(), radius
    if word in ("waiting", "queued", "cancelled", "stopping"):
        if word == "queued":
            painter.setPen(QPen(colour, 1.8, Qt.PenStyle.DotLine))
        painter.drawEllipse(centre, r, r)
        if word in ("cancelled", "stopping"):
            painter.drawLine(QPointF(x - r * 0.7, y + r * 0.7), QPointF(x + r * 0.7, y - r * 0.7))
    elif word == "running":
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(x - r * 0.6, y - r), QPointF(x + r, y), QPointF(x - r * 0.6, y + r)]))
    elif word == "done":
        painter.drawPolyline(QPolygonF([QPointF(x - r, y), QPointF(x - r * 0.2, y + r * 0.8), QPointF(x + r, y - r * 0.8)]))
    elif word == "warned":
        painter.drawPolygon(QPolygonF([QPointF(x, y - r), QPointF(x + r, y + r * 0.8), QPointF(x - r, y + r * 0.8)]))
        painter.drawLine(QPointF(x, y - r * 0.2), QPointF(x, y + r * 0.3))
    elif word == "excluded":
        painter.drawEllipse(centre, r, r)
        painter.drawLine(QPointF(x - r * 0.55, y), QPointF(x + r * 0.55, y))
    elif word == "failed":
        painter.drawLine(QPointF(x - r * 0.8, y - r * 0.8), QPointF(x + r * 0.8, y + r * 0.8))
        painter.drawLine(QPointF(x - r * 0.8, y + r * 0.8), QPointF(x + r * 0.8, y - r * 0.8))
    elif word == "paused":
        for left in (x - r * 0.75, x + r * 0.25):
            painter.fillRect(QRectF(left, y - r * 0.9, r * 0.5, r * 1.8), colour)
    elif word == "skipped":
        painter.drawLine(QPointF(x - r, y), QPointF(x + r, y))
        painter.drawPolyline(QPolygonF([QPointF(x + r * 0.3, y - r * 0.6), QPointF(x + r, y), QPointF(x + r * 0.3, y + r * 0.6)]))
    painter.restore()


class RoomyDelegate(QStyledItemDelegate):
    """The usual cells, a little higher."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return super().sizeHint(option, index).grownBy(QMargins(0, 3, 0, 3))


_USUAL_PX = 16  # side of a mark beside letters of the usual size
_BEFORE_PX, _BEHIND_PX = 5, 5  # of a mark
_END_PX = 4  # behind a text


@functools.lru_cache(maxsize=256)
def state_mark(word: str, colour: str, pixel_ratio: float, side_px: int = _USUAL_PX) -> QPixmap:
    """The mark of a state as a square picture: tables draw hundreds of them at once."""
    picture = QPixmap(round(side_px * pixel_ratio), round(side_px * pixel_ratio))
    picture.setDevicePixelRatio(pixel_ratio)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.scale(side_px / _USUAL_PX, side_px / _USUAL_PX)
        draw_state_mark(painter, word, QPointF(_USUAL_PX / 2, _USUAL_PX / 2), 5.0, QColor(colour))
    return picture


def side_of_mark(metrics: QFontMetrics) -> int:
    """In pixels: marks grow with the letters beside them."""
    return max(_USUAL_PX, metrics.height())


def width_of_state(word: str, metrics: QFontMetrics) -> int:
    """What a cell needs for a state, with its mark, in pixels."""
    return _text_at(metrics) + metrics.horizontalAdvance(word) + _END_PX + 2


def _text_at(metrics: QFontMetrics) -> int:
    """Where the text beside a mark begins, in pixels from the left of its cell."""
    return _BEFORE_PX + side_of_mark(metrics) + _BEHIND_PX


class _CellDelegate(QStyledItemDelegate):
    """Paints the cell itself: the style's own drawing of items costs a third of a millisecond a cell."""

    def __init__(self, theme: Callable[[], Theme], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(70, option.fontMetrics.height() + 8)

    def ground(self, painter: QPainter, option: QStyleOptionViewItem) -> bool:
        """Fill a selected cell and outline the current one; true if it is selected."""
        theme = self._theme()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(option.rect, QColor(theme.accent))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(theme.text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(option.rect.adjusted(0, 0, -1, -1))
        return selected


class TextDelegate(_CellDelegate):
    """A line of text, cut at its end where it is too long."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        selected = self.ground(painter, option)
        text = index.data(Qt.ItemDataRole.DisplayRole)
        if not text:
            return
        theme = self._theme()
        painter.setPen(QColor(theme.accent_text if selected else theme.text))
        right = index.data(Qt.ItemDataRole.TextAlignmentRole)
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        box = option.rect.adjusted(4, 0, -6 if right else -2, 0)
        shown = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, int(side | Qt.AlignmentFlag.AlignVCenter), shown)


class StateDelegate(_CellDelegate):
    """Mark and word of a state; a thin bar below while the fraction is known and the work goes on."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        selected = self.ground(painter, option)
        word = index.data(STATE_ROLE)
        if not word:
            return
        theme = self._theme()
        colour = QColor(theme.accent_text if selected else state_colour(word, theme))
        box = QRectF(option.rect)
        side, at = side_of_mark(option.fontMetrics), _text_at(option.fontMetrics)
        mark = state_mark(word, colour.name(), painter.device().devicePixelRatioF(), side)
        painter.drawPixmap(QPointF(box.left() + _BEFORE_PX, box.center().y() - side / 2), mark)
        painter.setPen(QColor(theme.accent_text if selected else theme.text))
        text = index.data(Qt.ItemDataRole.DisplayRole)
        if option.fontMetrics.horizontalAdvance(text) > box.width() - at - _END_PX:
            text = word  # the bar below tells the rest
        painter.drawText(box.adjusted(at, 0, -_END_PX, 0), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        part = index.data(FRACTION_ROLE) if word == "running" else None
        if part is not None:
            painter.fillRect(QRectF(box.left() + 2, box.bottom() - 3, (box.width() - 4) * part, 2), colour)


class Look(Protocol):
    """Word of the state, text, and the part that is done while it runs."""

    @property
    def word(self) -> str: ...

    @property
    def text(self) -> str: ...

    @property
    def part(self) -> float | None: ...


class GridDelegate(_CellDelegate):
    """Like `StateDelegate`, but asks once for all of a cell: a view of hundreds of cells is painted many times a second.

    Parameters
    ----------
    look : of (row, column); None for an empty cell.
    """

    def __init__(
        self, look: Callable[[int, int], Look | None], theme: Callable[[], Theme], parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._look = look

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        selected = self.ground(painter, option)
        look = self._look(index.row(), index.column())
        if look is None:
            return
        theme, rect = self._theme(), option.rect
        if not look.word:  # nothing can stand here
            painter.setPen(QColor(theme.accent_text if selected else theme.muted))
            side = int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft)
            painter.drawText(rect.adjusted(8, 0, -4, 0), side, look.text)
            return
        colour = theme.accent_text if selected else state_colour(look.word, theme)
        metrics = option.fontMetrics
        side, at = side_of_mark(metrics), _text_at(metrics)
        mark = state_mark(look.word, colour, painter.device().devicePixelRatioF(), side)
        painter.drawPixmap(QPointF(rect.left() + _BEFORE_PX, rect.center().y() + 0.5 - side / 2), mark)
        painter.setPen(QColor(theme.accent_text if selected else theme.text))
        text, width = look.text, rect.width() - at - _END_PX
        if metrics.horizontalAdvance(text) > width:  # the bar below tells the rest
            text = metrics.elidedText(look.word if look.part is not None else text, Qt.TextElideMode.ElideRight, width)
        painter.drawText(rect.adjusted(at, 0, -_END_PX, 0), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        if look.part is not None:
            bar = QRectF(rect.left() + 2, rect.bottom() - 3, (rect.width() - 4) * look.part, 2)
            painter.fillRect(bar, QColor(colour))


class ProgressDelegate(_CellDelegate):
    """A bar with its percentage in the cell."""

    @staticmethod
    def width_of_number(metrics: QFontMetrics) -> int:
        """At the right of the bar, in pixels."""
        return metrics.horizontalAdvance("100 %") + 14

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        selected = self.ground(painter, option)
        part = index.data(FRACTION_ROLE)
        theme = self._theme()
        bar = QRectF(option.rect).adjusted(6, 6, -self.width_of_number(option.fontMetrics), -6)
        if bar.width() > 1:
            painter.setPen(QPen(QColor(theme.border), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(bar)
        if part and bar.width() > 1:
            filled = QRectF(bar.left() + 1, bar.top() + 1, (bar.width() - 1) * part, bar.height() - 1)
            painter.fillRect(filled, QColor(theme.accent_text if selected else state_colour(index.data(STATE_ROLE) or "", theme)))
        painter.setPen(QColor(theme.accent_text if selected else theme.text))
        right = QRectF(option.rect).adjusted(0, 0, -6, 0)
        text = index.data(Qt.ItemDataRole.DisplayRole)
        painter.drawText(right, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), text or "")
