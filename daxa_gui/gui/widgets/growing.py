"""Windows that are as high as their texts need, whatever the size of the letters."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget


def height_needed(window: QWidget) -> int:
    """Of all its texts, wrapped at its present width; Qt's own minimum does not know of wrapped lines."""
    layout = window.layout()
    if layout is None:
        return 0
    layout.activate()
    return max(layout.totalHeightForWidth(window.width()), layout.totalMinimumSize().height())


def grow(window: QWidget) -> None:
    """Make a window higher where its texts would be cut or squeeze its entries; never lower."""
    needed = height_needed(window)
    if needed > window.height():
        window.resize(window.width(), needed)
