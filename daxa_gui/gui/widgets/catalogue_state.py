"""How the state of a catalogue is drawn: a mark with its own shape, words that are cut at the end, a bar while rows arrive."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from daxa_gui.gui.models.jobs import FRACTION_ROLE, STATE_ROLE
from daxa_gui.gui.widgets.state_painter import StateDelegate, state_colour, state_mark


class CatalogueStateDelegate(StateDelegate):
    """Unlike the states of jobs these are sentences, so they are cut and not replaced by a word."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        width = option.fontMetrics.horizontalAdvance(index.data(Qt.ItemDataRole.DisplayRole) or "")
        return QSize(min(width + 36, 360), option.fontMetrics.height() + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        selected = self.ground(painter, option)
        word = index.data(STATE_ROLE)
        if not word:
            return
        theme = self._theme()
        colour = QColor(theme.accent_text if selected else state_colour(word, theme))
        box = QRectF(option.rect)
        mark = state_mark(word, colour.name(), painter.device().devicePixelRatioF())
        painter.drawPixmap(QPointF(box.left() + 5, box.center().y() - 8), mark)
        painter.setPen(QColor(theme.accent_text if selected else theme.text))
        room = box.adjusted(26, 0, -4, 0)
        text = option.fontMetrics.elidedText(
            index.data(Qt.ItemDataRole.DisplayRole), Qt.TextElideMode.ElideRight, int(room.width())
        )
        painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        part = index.data(FRACTION_ROLE)
        if part is not None:
            painter.fillRect(QRectF(box.left() + 2, box.bottom() - 3, (box.width() - 4) * part, 2), colour)
