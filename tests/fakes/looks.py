"""How widgets look to somebody who reads them: contrast of letters, and texts that have less room than they need."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractButton, QHeaderView, QLabel, QLineEdit, QWidget

from daxa_gui.gui.widgets.elided import ElidedLabel


def contrast(one: QColor, other: QColor) -> float:
    """Of two colours, 1 to 21, as the Web Content Accessibility Guidelines (2.1, section 1.4.3) define it."""

    def luminance(colour: QColor) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()[:3]]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def faint(widgets: list[QWidget], least: float = 4.5) -> list[str]:
    """Labels, buttons and lines that can be used and whose letters differ too little from what is behind them."""
    found = []
    for widget in widgets:
        if isinstance(widget, (QLabel, QAbstractButton, QLineEdit)) and widget.isEnabled() and not widget.styleSheet():
            palette = widget.palette()
            roles = [widget.foregroundRole()]
            if isinstance(widget, QLineEdit):
                roles.append(QPalette.ColorRole.PlaceholderText)
            ground = palette.color(QPalette.ColorRole.Base if isinstance(widget, QLineEdit) else QPalette.ColorRole.Window)
            # Boxes to tick have an outline in the colour of their window's role; what is behind them is their parent's.
            if isinstance(widget, QAbstractButton) and widget.parentWidget() is not None:
                ground = widget.parentWidget().palette().color(QPalette.ColorRole.Window)
            for role in roles:
                ratio = contrast(palette.color(role), ground)
                if ratio < least:
                    found.append(f"{widget.objectName()} « {getattr(widget, 'text', str)()} »: {ratio:.2f} ({role.name})")
    return found


def cut(widgets: list[QWidget]) -> list[str]:
    """Labels, buttons and headings of columns with less room than their texts need."""
    found = []
    for widget in widgets:
        if isinstance(widget, QLabel) and widget.text() and not isinstance(widget, ElidedLabel):
            room = widget.contentsRect()
            if widget.wordWrap() and room.height() < widget.heightForWidth(widget.width()) - 2:
                found.append(f"{widget.objectName()} « {widget.text()} » is {room.height()} px high")
            elif not widget.wordWrap() and room.width() < widget.sizeHint().width() - 2:
                found.append(f"{widget.objectName()} « {widget.text()} » is {room.width()} px wide")
        elif isinstance(widget, QAbstractButton) and widget.text() and widget.width() < widget.minimumSizeHint().width():
            found.append(f"{widget.objectName()} « {widget.text()} » is {widget.width()} px wide")
        elif isinstance(widget, QHeaderView) and widget.isVisible() and widget.model() is not None:
            found += _cut_headings(widget)
    return found


def _cut_headings(header: QHeaderView) -> list[str]:
    return [
        f"{header.parentWidget().objectName()}: heading {section} is {header.sectionSize(section)} px wide"
        for section in range(header.count())
        if not header.isSectionHidden(section)
        and header.orientation().name == "Horizontal"
        and header.sectionSize(section) < header.fontMetrics().horizontalAdvance(_longest_line(header, section))
    ]


def _longest_line(header: QHeaderView, section: int) -> str:
    text = str(header.model().headerData(section, header.orientation()) or "").rstrip("\u2002")
    return max(text.split("\n"), key=len)
