"""Light and dark colours: palettes for the widgets and the same colours by name for plots, which do not follow palettes."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication


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
    name="dark", window="#1c2026", base="#14171b", alternate="#1a1e24", text="#e7eaee", muted="#a2abb6", border="#3b434e",
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
        role.Light: theme.alternate, role.Dark: theme.border, role.Midlight: theme.border, role.Shadow: "#000000",
        role.Accent: theme.accent,
    }  # fmt: skip
    result = QPalette()
    for name, colour in colours.items():
        result.setColor(name, QColor(colour))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        result.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.idle))
    return result


def style_sheet(theme: Theme) -> str:
    """What Fusion leaves to be wished: quiet frames, readable headings, visible focus.

    Spin boxes and combo boxes are left to Fusion: a border from here would lose their arrows.
    """
    return f"""
    QToolTip {{ color: {theme.text}; background: {theme.base}; border: 1px solid {theme.border}; padding: 3px; }}
    QHeaderView::section {{ background: {theme.window}; color: {theme.muted}; border: none; padding: 4px 6px;
        border-bottom: 1px solid {theme.border}; border-right: 1px solid {theme.border}; }}
    QTableView, QTreeView, QListView, QPlainTextEdit {{ border: 1px solid {theme.border}; gridline-color: {theme.grid}; }}
    QTreeView::item {{ padding: 3px 0; }}
    QLineEdit, QPlainTextEdit {{ border: 1px solid {theme.border}; border-radius: 3px; padding: 2px 4px;
        background: {theme.base}; }}
    QLineEdit:focus, QPlainTextEdit:focus {{ border: 1px solid {theme.accent}; }}
    QCheckBox::indicator:unchecked, QTreeView::indicator:unchecked, QListView::indicator:unchecked {{
        border: 1px solid {theme.muted}; border-radius: 2px; background: {theme.base}; width: 12px; height: 12px; }}
    QDockWidget::title {{ padding: 5px 8px; background: {theme.window}; }}
    QStatusBar {{ border-top: 1px solid {theme.border}; }}
    QToolButton#workspaceButton {{ border: none; border-left: 3px solid transparent; padding: 10px 12px; text-align: left; }}
    QToolButton#workspaceButton:checked {{ border-left: 3px solid {theme.accent}; background: {theme.base}; font-weight: 600; }}
    QToolButton#workspaceButton:hover {{ background: {theme.alternate}; }}
    QLabel#muted, QLabel[muted="true"] {{ color: {theme.muted}; }}
    QLabel[heading="true"] {{ font-weight: 600; }}
    QPushButton#primary {{ background: {theme.accent}; color: {theme.accent_text}; border: none; border-radius: 4px;
        padding: 5px 14px; min-height: 18px; font-weight: 600; }}
    QPushButton#primary:disabled {{ background: {theme.border}; color: {theme.muted}; }}
    QPushButton#primary:focus {{ border: 2px solid {theme.text}; }}
    """


def apply_theme(application: QApplication, theme: Theme) -> None:
    application.setStyle("Fusion")
    application.setPalette(palette(theme))
    application.setStyleSheet(style_sheet(theme))
