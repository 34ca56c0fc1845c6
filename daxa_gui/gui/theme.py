"""Light and dark colours: palettes for the widgets and the same colours by name for plots, which do not follow palettes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolTip, QWidget


@dataclass(frozen=True)
class Theme:
    """Colours as `#rrggbb`. State colours differ in lightness too, and every state has a shape and a word besides."""

    name: str
    window: str
    base: str  # behind tables, lists and plots
    alternate: str
    text: str
    muted: str  # secondary text; at least 4.5:1 on window and base
    border: str
    accent: str
    accent_text: str
    good: str  # accepted time, success
    bad: str  # failures
    warn: str
    idle: str  # rejected time, waiting jobs
    running: str
    grid: str
    link: str


LIGHT = Theme(
    name="light", window="#f3f4f6", base="#ffffff", alternate="#f7f8fa", text="#1b1f24", muted="#59636e", border="#c9ced6",
    accent="#0b62c1", accent_text="#ffffff", good="#00735c", bad="#b3261e", warn="#8a5a00", idle="#7d8590", running="#0b62c1",
    grid="#d5d9e0", link="#0b57a8",
)  # fmt: skip
DARK = Theme(
    name="dark", window="#262b33", base="#15181c", alternate="#1b1f25", text="#e7eaee", muted="#a2abb6", border="#454e5a",
    accent="#5aa9ff", accent_text="#0b1118", good="#36c9a2", bad="#ff8a80", warn="#f0b64a", idle="#87909c", running="#5aa9ff",
    grid="#333b45", link="#7fbcff",
)  # fmt: skip


def chosen_theme(setting: str) -> Theme:
    """The theme for the setting « system », « light » or « dark »."""
    if setting == "system":
        dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return DARK if dark else LIGHT
    return DARK if setting == "dark" else LIGHT


def palette(theme: Theme) -> QPalette:
    """A complete palette for the Fusion style."""
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window, role.WindowText: theme.text, role.Base: theme.base, role.AlternateBase: theme.alternate,
        role.Text: theme.text, role.Button: theme.window, role.ButtonText: theme.text, role.BrightText: theme.bad,
        role.Highlight: theme.accent, role.HighlightedText: theme.accent_text, role.ToolTipBase: theme.base,
        role.ToolTipText: theme.text, role.PlaceholderText: theme.muted, role.Link: theme.link, role.Mid: theme.border,
        role.Light: theme.alternate, role.Dark: theme.border, role.Midlight: theme.grid, role.Shadow: "#000000",
        role.Accent: theme.accent,
    }  # fmt: skip
    result = QPalette()
    for name, colour in colours.items():
        result.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.idle))
    return result


# Fusion draws the outline of a box to tick 1.4 times darker than the window: on dark ground an empty one could not be seen.
_WITH_BOXES: tuple[Any, ...] = ("QCheckBox", "QRadioButton", "QListView")  # PySide declares bytes and takes texts


def apply_theme(application: QApplication, theme: Theme) -> None:
    """Fusion and a palette, no style sheet for the application: changing one polishes every widget anew, which takes a
    quarter of a second, while a palette takes milliseconds."""
    if application.style().objectName() != "fusion":
        application.setStyle("Fusion")
    application.setPalette(palette(theme))
    outlined = palette(theme)
    outlined.setColor(QPalette.ColorRole.Window, QColor(theme.idle).lighter(140 if theme.name == "dark" else 110))
    for name in _WITH_BOXES:
        application.setPalette(outlined, name)
    QToolTip.setPalette(palette(theme))


def rail_style(theme: Theme) -> str:
    """The style sheet of the rail: flat buttons, the present workspace with a mark at its left."""
    return f"""
    QToolButton {{ border: none; border-left: 3px solid transparent; padding: 10px 12px; text-align: left; }}
    QToolButton:checked {{ border-left: 3px solid {theme.accent}; background: {theme.base}; font-weight: 600; }}
    QToolButton:hover, QToolButton:focus {{ background: {theme.alternate}; }}
    QToolButton:focus {{ border-right: 1px solid {theme.accent}; }}
    """


def as_muted(label: QLabel) -> None:
    """Secondary text, in the palette's colour for it, whatever the theme."""
    label.setForegroundRole(QPalette.ColorRole.PlaceholderText)


def fixed_font(widget: QWidget) -> QFont:
    """Letters that are all equally wide, as large as the widget's own."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPointSizeF(widget.font().pointSizeF())
    return font


def as_heading(label: QLabel) -> None:
    font = QFont(label.font())
    font.setBold(True)
    label.setFont(font)


def paint_primary(button: QPushButton, theme: Theme) -> None:
    """The one button of a panel that goes on: filled with the accent colour. To be called again when the theme changes."""
    button.setStyleSheet(f"""
    QPushButton {{ background: {theme.accent}; color: {theme.accent_text}; border: 2px solid {theme.accent}; border-radius: 4px;
        padding: 4px 12px; min-height: 18px; font-weight: 600; }}
    QPushButton:disabled {{ background: {theme.border}; border-color: {theme.border}; color: {theme.muted}; }}
    QPushButton:focus {{ border-color: {theme.text}; }}
    """)
