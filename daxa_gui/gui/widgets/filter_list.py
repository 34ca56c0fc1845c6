"""The list of filters: a tick, the filter's sentence, and its effect below in quiet letters. Reorders by drag or Alt+arrows."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QDropEvent, QKeyEvent, QPainter, QPalette, QTextOption
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QListWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

ID_ROLE = Qt.ItemDataRole.UserRole
EFFECT_ROLE = Qt.ItemDataRole.UserRole + 1
_PADDING = 5
_GAP = 6
_Index = QModelIndex | QPersistentModelIndex


class FilterList(QListWidget):
    """Only shows and asks: every change is a signal, and the panel fills the list anew."""

    move_requested = Signal(int, int)  # from, to
    delete_requested = Signal()
    edit_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setItemDelegate(_FilterDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setUniformItemSizes(False)
        self.empty_text = ""
        self.itemDoubleClicked.connect(lambda _item: self.edit_requested.emit())

    def dropEvent(self, event: QDropEvent) -> None:
        """Ask for the move; the list itself moves nothing, it is filled anew."""
        source = self.currentRow()
        point = event.position().toPoint()
        index = self.indexAt(point)
        target = self.count()
        if index.isValid():
            target = index.row() + (point.y() > self.visualRect(index).center().y())
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        if source >= 0:
            target -= target > source
            if target != source:
                self.move_requested.emit(source, target)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row, alt = self.currentRow(), bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if alt and event.key() == Qt.Key.Key_Up and row > 0:
            self.move_requested.emit(row, row - 1)
        elif alt and event.key() == Qt.Key.Key_Down and 0 <= row < self.count() - 1:
            self.move_requested.emit(row, row + 1)
        elif event.key() == Qt.Key.Key_Delete and row >= 0:
            self.delete_requested.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2) and row >= 0:
            self.edit_requested.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: object) -> None:
        super().paintEvent(event)  # type: ignore[arg-type]
        if self.count() == 0 and self.empty_text:
            option = QTextOption(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter)
            option.setWrapMode(QTextOption.WrapMode.WordWrap)
            with QPainter(self.viewport()) as painter:
                painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
                painter.drawText(self.viewport().rect().adjusted(14, 14, -14, -14).toRectF(), self.empty_text, option)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self.scheduleDelayedItemsLayout()  # the sentences wrap at the width


class _FilterDelegate(QStyledItemDelegate):
    def initStyleOption(self, option: QStyleOptionViewItem, index: _Index) -> None:
        super().initStyleOption(option, index)
        option.text = ""  # the style draws ground, focus and tick; the texts are ours

    def _check_width(self, option: QStyleOptionViewItem) -> int:
        style = option.widget.style() if option.widget else QApplication.style()
        return style.pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth) + 2 * _GAP

    def _text_width(self, option: QStyleOptionViewItem) -> int:
        widget = option.widget
        width = widget.viewport().width() if isinstance(widget, QAbstractItemView) else option.rect.width()
        return max(width - self._check_width(option) - 2 * _PADDING, 60)

    def _heights(self, option: QStyleOptionViewItem, index: _Index) -> tuple[int, int]:
        width, metrics = self._text_width(option), option.fontMetrics
        wrap = int(Qt.TextFlag.TextWordWrap)
        sentence = metrics.boundingRect(QRect(0, 0, width, 2000), wrap, str(index.data(Qt.ItemDataRole.DisplayRole))).height()
        effect = metrics.boundingRect(QRect(0, 0, width, 2000), wrap, str(index.data(EFFECT_ROLE))).height()
        return sentence, effect

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        sentence, effect = self._heights(option, index)
        return QSize(80, sentence + effect + 2 * _PADDING + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        super().paint(painter, option, index)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        checked = Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) == Qt.CheckState.Checked
        role = QPalette.ColorRole
        palette = option.palette
        strong = palette.color(role.HighlightedText if selected else role.Text if checked else role.PlaceholderText)
        quiet = palette.color(role.HighlightedText if selected else role.PlaceholderText)
        sentence, effect = self._heights(option, index)
        left = option.rect.left() + self._check_width(option)
        top = option.rect.top() + _PADDING
        width = self._text_width(option)
        wrap = int(Qt.TextFlag.TextWordWrap)
        painter.save()
        painter.setPen(strong)
        painter.drawText(QRect(left, top, width, sentence), wrap, str(index.data(Qt.ItemDataRole.DisplayRole)))
        painter.setPen(quiet)
        painter.drawText(QRect(left, top + sentence + 2, width, effect), wrap, str(index.data(EFFECT_ROLE)))
        painter.restore()
