"""A list of log lines with line numbers, severity marks (a shape as well as a colour) and the hits of a search."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontDatabase, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from daxa_gui.core.log_messages import Severity
from daxa_gui.gui.models.log_lines import LONGEST_SHOWN, SEVERITY_ROLE, LogLines
from daxa_gui.gui.theme import LIGHT, Theme


class LogLineDelegate(QStyledItemDelegate):
    """Paints one line: number, mark, text. The size is the same for all rows, so that no row need be asked."""

    def __init__(self, model: LogLines, theme: Callable[[], Theme], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._theme = theme
        self.needle = ""
        self.n_columns = 80

    def gutter(self, option: QStyleOptionViewItem) -> tuple[int, int]:
        """Widths in pixels of the line number and of the mark."""
        digits = max(4, len(str(max(1, self._model.n_lines))))
        return option.fontMetrics.horizontalAdvance("0" * digits) + 8, option.fontMetrics.height() + 4

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        width = sum(self.gutter(option)) + option.fontMetrics.horizontalAdvance("0") * (self.n_columns + 2)
        return QSize(width, option.fontMetrics.height() + 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        theme = self._theme()
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setFont(option.font)
        if selected:
            painter.fillRect(option.rect, QColor(theme.accent))
        number_width, mark_width = self.gutter(option)
        left = option.rect.left()
        vertical = int(Qt.AlignmentFlag.AlignVCenter)
        painter.setPen(QColor(theme.accent_text if selected else theme.muted))
        numbers = QRect(left, option.rect.top(), number_width - 4, option.rect.height())
        painter.drawText(numbers, vertical | int(Qt.AlignmentFlag.AlignRight), str(self._model.line_number(index.row())))
        severity = Severity(index.data(SEVERITY_ROLE))
        colour = QColor(theme.accent_text if selected else {1: theme.warn, 2: theme.bad}.get(int(severity), theme.text))
        self._draw_mark(painter, severity, colour, QPointF(left + number_width + mark_width / 2, option.rect.center().y()))
        text = option.rect.adjusted(number_width + mark_width, 0, 0, 0)
        line = str(index.data(Qt.ItemDataRole.DisplayRole))
        if self.needle and not selected:
            self._draw_hits(painter, option, text, line, theme)
        painter.setPen(colour)
        painter.drawText(text, vertical | int(Qt.TextFlag.TextSingleLine), line)
        painter.restore()

    def _draw_hits(self, painter: QPainter, option: QStyleOptionViewItem, place: QRect, line: str, theme: Theme) -> None:
        ground = QColor(theme.accent)
        ground.setAlpha(70)
        lowered, needle = line.lower(), self.needle.lower()
        at = lowered.find(needle)
        while at >= 0:
            x = place.left() + option.fontMetrics.horizontalAdvance(line[:at])
            width = option.fontMetrics.horizontalAdvance(line[at : at + len(needle)])
            painter.fillRect(QRect(x, place.top(), width, place.height()), ground)
            at = lowered.find(needle, at + len(needle))

    @staticmethod
    def _draw_mark(painter: QPainter, severity: Severity, colour: QColor, centre: QPointF) -> None:
        """A triangle for a warning, a cross for an error."""
        if severity is Severity.INFO:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colour, 1.6))
        x, y, r = centre.x(), centre.y(), 4.0
        if severity is Severity.WARNING:
            painter.drawPolygon(QPolygonF([QPointF(x, y - r), QPointF(x + r, y + r * 0.8), QPointF(x - r, y + r * 0.8)]))
        else:
            painter.drawLine(QPointF(x - r, y - r), QPointF(x + r, y + r))
            painter.drawLine(QPointF(x - r, y + r), QPointF(x + r, y - r))


class LogView(QListView):
    """Shows a `LogLines` model."""

    def __init__(self, model: LogLines, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = LIGHT
        self.setModel(model)
        self._delegate = LogLineDelegate(model, lambda: self._theme, self)
        self.setItemDelegate(self._delegate)
        self.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.setUniformItemSizes(True)
        self.setTextElideMode(Qt.TextElideMode.ElideNone)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.viewport().update()

    def set_needle(self, needle: str) -> None:
        self._delegate.needle = needle
        self.viewport().update()

    def make_room(self, longest: int) -> None:
        """The longest line has this many characters: the horizontal scroll bar reaches that far."""
        columns = min(LONGEST_SHOWN, max(80, longest))
        if columns > self._delegate.n_columns:
            self._delegate.n_columns = columns
            self.scheduleDelayedItemsLayout()

    def forget_room(self) -> None:
        self._delegate.n_columns = 80
