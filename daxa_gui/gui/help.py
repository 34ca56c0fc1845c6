"""What the Help menu shows: the keys, and what this program is."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

import daxa_gui
from daxa_gui.gui.actions import ACTIONS, PANEL_KEYS


def show_shortcuts(parent: QWidget) -> None:
    keys = [*((spec.shortcut, spec.tip) for spec in ACTIONS if spec.shortcut), *PANEL_KEYS]
    cells = ((html.escape(key), html.escape(what)) for key, what in keys)
    rows = "".join(f"<tr><td style='padding-right:16px'><b>{key}</b></td><td>{what}</td></tr>" for key, what in cells)
    _message(parent, "Keyboard", f"<table>{rows}</table>")


def show_about(parent: QWidget) -> None:
    _message(
        parent,
        "About DAXA GUI",
        f"<p><b>DAXA GUI {daxa_gui.__version__}</b></p><p>Archives of X-ray astronomy data by pointing and clicking.</p>"
        "<p>BSD 3-clause licence.</p>",
    )


def _message(parent: QWidget, title: str, text: str) -> None:
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, text, QMessageBox.StandardButton.Close, parent)
    box.setObjectName("messageBox")
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.button(QMessageBox.StandardButton.Close).setToolTip("Close this window (Escape)")
    box.open()
