"""Colour maps whose steps look equal in size everywhere (perceptually uniform), by the names that matplotlib gives them too."""

from __future__ import annotations

import functools

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

COLOUR_MAPS = ("inferno", "magma", "viridis", "cividis", "plasma", "gray", "gray_r")
_LABELS = {"gray": "grey", "gray_r": "grey, inverted"}


def label(name: str) -> str:
    return _LABELS.get(name, name)


@functools.cache
def lookup_table(name: str) -> NDArray[np.uint8]:
    """256 colours, shape (256, 4), RGBA."""
    if name in ("gray", "gray_r"):
        grey = np.arange(256, dtype=np.uint8)
        table = np.stack([grey, grey, grey, np.full(256, 255, np.uint8)], axis=1)
        return table[::-1].copy() if name == "gray_r" else table
    return np.asarray(pg.colormap.get(name).getLookupTable(nPts=256, alpha=True), np.uint8)
