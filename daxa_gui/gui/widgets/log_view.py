"""Lines of a log with their numbers, marks for warnings and errors (a shape as well as a colour) and the hits of a search.

Only the lines in sight are read. Qt's own lists keep a place for each row, which costs more than the log itself where there are
millions.
"""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QFontDatabase,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QWidget

from daxa_gui.core.log_messages import Severity
from daxa_gui.gui.models.log_lines import LogLines
from daxa_gui.gui.theme import LIGHT, Theme

_COLUMNS = 80  # characters that there is room for at least
_K = Qt.Key


class LogView(QAbstractScrollArea):
    """Shows a `LogLines`. A run of rows can be chosen: with the mouse, or with Shift and the arrow keys."""

    current_changed = Signal(int)  # row, -1 for none

    def __init__(self, lines: LogLines, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines = lines
        self._theme = LIGHT
        self._needle = ""
        self._longest = _COLUMNS
        self._current = -1
        self._anchor = -1  # where the choice began; -1: nothing is chosen
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(max(font.pointSizeF(), self.font().pointSizeF()))  # as large as all other texts
        self.setFont(font)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        lines.changed.connect(self._on_lines_changed)
        self.set_theme(self._theme)

    def sizeHint(self) -> QSize:
        return QSize(500, 200)

    # what is shown

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.viewport().update()

    def set_needle(self, needle: str) -> None:
        """What is painted as found."""
        self._needle = needle.lower()
        self.viewport().update()

    def forget(self) -> None:
        """Another log is shown: begin at its top."""
        self._longest, self._current, self._anchor = _COLUMNS, -1, -1
        self.horizontalScrollBar().setValue(0)
        self.verticalScrollBar().setValue(0)
        self.setAccessibleDescription("")

    def _on_lines_changed(self) -> None:
        if self._current >= self._lines.n_rows:
            self._current, self._anchor = -1, -1
        self._set_bars()
        self.viewport().update()

    def _row_height(self) -> int:
        return self.fontMetrics().height() + 2

    def _gutter(self) -> tuple[int, int]:
        """Widths in pixels of the line number and of the mark."""
        digits = max(4, len(str(max(1, self._lines.n_lines))))
        return self.fontMetrics().horizontalAdvance("0" * digits) + 8, self.fontMetrics().height() + 4

    def _rows_in_sight(self) -> int:
        return max(1, self.viewport().height() // self._row_height())

    def _set_bars(self) -> None:
        page = self._rows_in_sight()
        bar = self.verticalScrollBar()
        bar.setPageStep(page)
        bar.setRange(0, max(0, self._lines.n_rows - page))
        wide = sum(self._gutter()) + self.fontMetrics().horizontalAdvance("0") * (self._longest + 2)
        bar = self.horizontalScrollBar()
        bar.setPageStep(self.viewport().width())
        bar.setSingleStep(self.fontMetrics().horizontalAdvance("0") * 4)
        bar.setRange(0, max(0, wide - self.viewport().width()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_bars()

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        height, left = self._row_height(), -self.horizontalScrollBar().value()
        top = self.verticalScrollBar().value()
        first = event.rect().top() // height
        last = event.rect().bottom() // height
        longest = self._longest
        with QPainter(self.viewport()) as painter:
            painter.setFont(self.font())
            for row in range(top + first, min(top + last + 1, self._lines.n_rows)):
                place = QRect(left, (row - top) * height, self.viewport().width() - left, height)
                longest = max(longest, self._paint_row(painter, row, place))
        if longest > self._longest:  # found out by painting: no other line was read
            self._longest = longest
            self._set_bars()

    def _paint_row(self, painter: QPainter, row: int, place: QRect) -> int:
        """How many characters the line has."""
        theme, chosen = self._theme, row in self.chosen_rows()
        if chosen:
            painter.fillRect(place.adjusted(-place.left(), 0, 0, 0), QColor(theme.accent))
        number_width, mark_width = self._gutter()
        vertical = int(Qt.AlignmentFlag.AlignVCenter)
        numbers = QRect(place.left(), place.top(), number_width - 4, place.height())
        painter.setPen(QColor(theme.accent_text if chosen else theme.muted))
        painter.drawText(numbers, vertical | int(Qt.AlignmentFlag.AlignRight), str(self._lines.line_number(row)))
        severity = self._lines.severity(row)
        colour = QColor(theme.accent_text if chosen else {1: theme.warn, 2: theme.bad}.get(int(severity), theme.text))
        centre = QPointF(place.left() + number_width + mark_width / 2, place.top() + place.height() / 2)
        _draw_mark(painter, severity, colour, centre)
        text = self._lines.shown_text(row)
        where = place.adjusted(number_width + mark_width, 0, 0, 0)
        if self._needle and not chosen:
            self._draw_hits(painter, where, text)
        painter.setPen(colour)
        painter.drawText(where, vertical | int(Qt.TextFlag.TextSingleLine), text)
        if row == self._current and self.hasFocus():
            painter.setPen(QPen(QColor(theme.accent_text if chosen else theme.accent), 1, Qt.PenStyle.DotLine))
            painter.drawRect(place.adjusted(-place.left(), 0, -1, -1))
        return len(text)

    def _draw_hits(self, painter: QPainter, place: QRect, line: str) -> None:
        ground = QColor(self._theme.accent)
        ground.setAlpha(70)
        lowered, metrics = line.lower(), self.fontMetrics()
        at = lowered.find(self._needle)
        while at >= 0:
            x = place.left() + metrics.horizontalAdvance(line[:at])
            width = metrics.horizontalAdvance(line[at : at + len(self._needle)])
            painter.fillRect(QRect(x, place.top(), width, place.height()), ground)
            at = lowered.find(self._needle, at + len(self._needle))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # choosing and moving

    @property
    def current_row(self) -> int:
        """-1 if there is none."""
        return self._current

    def chosen_rows(self) -> range:
        """The rows that are chosen, from top to bottom."""
        if self._anchor < 0 or self._current < 0:
            return range(0)
        return range(min(self._anchor, self._current), max(self._anchor, self._current) + 1)

    def choose_none(self) -> None:
        self._anchor = -1
        self.viewport().update()

    def choose_all(self) -> None:
        if self._lines.n_rows:
            self._anchor = 0
            self._set_current(self._lines.n_rows - 1)

    def set_current(self, row: int, *, extend: bool = False) -> None:
        """Make a row the current one and bring it into sight; it alone is chosen, or all from where the choice began."""
        if not 0 <= row < self._lines.n_rows:
            return
        if not extend or self._anchor < 0:
            self._anchor = row
        self._set_current(row)
        bar, page = self.verticalScrollBar(), self._rows_in_sight()
        if row < bar.value():
            bar.setValue(row)
        elif row >= bar.value() + page:
            bar.setValue(row - page + 1)

    def go_to(self, row: int) -> None:
        """Make a row the current one, in the middle."""
        self.set_current(row)
        self.verticalScrollBar().setValue(row - self._rows_in_sight() // 2)
        self.horizontalScrollBar().setValue(0)

    def go_to_hit(self, row: int) -> None:
        """The same, with what was found in sight."""
        self.go_to(row)
        text = self._lines.shown_text(row)
        at = text.lower().find(self._needle)
        metrics, bar = self.fontMetrics(), self.horizontalScrollBar()
        begin = sum(self._gutter()) + metrics.horizontalAdvance(text[: max(0, at)])
        end = begin + metrics.horizontalAdvance(self._needle)
        if at >= 0 and end > self.viewport().width():
            self._longest = max(self._longest, len(text))
            self._set_bars()
            bar.setValue(begin - self.viewport().width() // 3)

    def scroll_to_end(self) -> None:
        self.verticalScrollBar().setValue(self.verticalScrollBar().maximum())

    def _set_current(self, row: int) -> None:
        self._current = row
        word = self._lines.severity(row).name.lower()
        self.setAccessibleDescription(f"line {self._lines.line_number(row)}, {word}: {self._lines.line(row)}")
        self.viewport().update()
        self.current_changed.emit(row)

    def _row_at(self, y: float) -> int:
        row = self.verticalScrollBar().value() + int(y // self._row_height())
        return max(0, min(row, self._lines.n_rows - 1))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._lines.n_rows:
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.set_current(self._row_at(event.position().y()), extend=shift)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and self._lines.n_rows:
            self.set_current(self._row_at(event.position().y()), extend=True)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        page, last = self._rows_in_sight(), self._lines.n_rows - 1
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        moves = {_K.Key_Up: -1, _K.Key_Down: 1, _K.Key_PageUp: -page, _K.Key_PageDown: page}
        key = _K(event.key())
        if key == _K.Key_A and control:
            self.choose_all()
        elif key in moves and last >= 0:
            start = self._current if self._current >= 0 else self.verticalScrollBar().value() - (moves[key] > 0)
            self.set_current(
                max(0, min(start + moves[key], last)), extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            )
        elif key in (_K.Key_Home, _K.Key_End) and last >= 0:
            row = 0 if key == _K.Key_Home else last
            self.set_current(row, extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in (_K.Key_Left, _K.Key_Right):
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() + bar.singleStep() * (1 if key == _K.Key_Right else -1))
        else:
            super().keyPressEvent(event)


def _draw_mark(painter: QPainter, severity: Severity, colour: QColor, centre: QPointF) -> None:
    """A triangle for a warning, a cross for an error."""
    if severity is Severity.INFO:
        return
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.6))
    x, y, r = centre.x(), centre.y(), 4.0
    if severity is Severity.WARNING:
        painter.drawPolygon(QPolygonF([QPointF(x, y - r), QPointF(x + r, y + r * 0.8), QPointF(x - r, y + r * 0.8)]))
    else:
        painter.drawLine(QPointF(x - r, y - r), QPointF(x + r, y + r))
        painter.drawLine(QPointF(x - r, y + r), QPointF(x + r, y - r))
    painter.restore()
