"""A small picture of an image product: what it looks like, not what can be measured in it (that is the Inspect workspace)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QStackedLayout, QVBoxLayout, QWidget

from daxa_gui.core.images import SkyImage
from daxa_gui.gui.theme import Theme, as_muted


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """`values` are 0 to 1, shape (rows, columns), the first row at the bottom; `caption` says how they came about."""

    values: NDArray[np.float32]
    caption: str


def thumbnail(image: SkyImage, most_pixels: int = 512) -> Thumbnail:
    """An image as something to look at: at most so many pixels a side (sums of blocks), asinh stretch."""
    values = np.nan_to_num(np.asarray(image.values, dtype=np.float32))
    n_rows, n_columns = values.shape
    block = max(1, -(-max(values.shape) // most_pixels))
    if block > 1:
        rows, columns = (n // block * block for n in values.shape)
        values = values[:rows, :columns].reshape(rows // block, block, columns // block, block).sum(axis=(1, 3))
    stretched = np.arcsinh(values)
    positive = stretched[stretched > 0]
    top = float(np.percentile(positive, 99.5)) if len(positive) else 1.0
    size = f"{n_columns} × {n_rows} pixels"
    blocks = f", {block} × {block} added" if block > 1 else ""
    return Thumbnail(np.asarray(np.clip(stretched / top, 0.0, 1.0), np.float32), f"{size}{blocks} · asinh stretch · north up")


class ThumbnailView(QWidget):
    """The picture with a line below it, or a sentence instead."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sentence = QLabel(self)
        self.sentence.setObjectName("pictureSentence")
        self.sentence.setWordWrap(True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        as_muted(self.sentence)
        self.caption = QLabel(self)
        self.caption.setObjectName("pictureCaption")
        self.caption.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        as_muted(self.caption)
        self.graphics = pg.GraphicsLayoutWidget(self)
        self.graphics.setAccessibleName("Picture")
        self.graphics.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # there is nothing to do in it
        view = self.graphics.addViewBox(lockAspect=True, enableMouse=False, enableMenu=False)
        self._item = pg.ImageItem(axisOrder="row-major")
        self._item.setColorMap(pg.colormap.get("inferno"))
        view.addItem(self._item)
        page = QWidget(self)
        column = QVBoxLayout(page)
        column.setContentsMargins(4, 4, 4, 4)
        column.addWidget(self.graphics, 1)
        column.addWidget(self.caption)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.sentence)
        self._stack.addWidget(page)

    def set_theme(self, theme: Theme) -> None:
        self.graphics.setBackground(theme.base)

    def clear(self) -> None:
        self._item.clear()
        self.say("")

    def say(self, text: str) -> None:
        """Show a sentence instead of a picture."""
        self.sentence.setText(text)
        self._stack.setCurrentIndex(0)

    def show_picture(self, picture: Thumbnail) -> None:
        self._item.setImage(picture.values, levels=(0.0, 1.0))
        self.caption.setText(picture.caption)
        self._stack.setCurrentIndex(1)

    def has_picture(self) -> bool:
        return self._item.image is not None
