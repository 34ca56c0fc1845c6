"""The outline of a coverage map on the sky. No Qt here.

Source of the projection: Górski et al. 2005, ApJ 622, 759, section 4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.healpix import ORDER, Ranges
from daxa_gui.gui.widgets.sky_projection import Floats

MOST_CELLS = 12_288  # that an outline is made of, all of order 5; maps of more are shown coarser
_FINEST = 13  # order of cells of half a minute of arc
_ROW = np.array([2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4])  # of each base cell's southern corner, in steps from the north pole
_COLUMN = np.array([1, 3, 5, 7, 0, 2, 4, 6, 1, 3, 5, 7])  # of its middle, in eighths of a turn
_CORNERS = ((0, 0), (1, 0), (1, 1), (0, 1))


def outline(ranges: Ranges) -> Floats:
    """The edges between what a map covers and what it does not: short lines, shape (n, vertices, 3).

    A map of too many cells is drawn with the coarser cells that it touches; specks all over the sky then have no outline.
    """
    edges = np.array(ranges, np.int64).reshape(-1, 2)
    if not len(edges):
        return np.empty((0, 2, 3))
    order = _order(edges)
    cells = cells_at(edges, order)
    x, y = _unspread(cells), _unspread(cells >> 1)
    face = cells >> (2 * order)
    size = 1 << order
    x, y = x & (size - 1), y & (size - 1)
    starts, ends = [], []
    for (x0, y0), (x1, y1) in zip(_CORNERS, (*_CORNERS[1:], _CORNERS[0]), strict=True):
        starts.append((x + x0, y + y0))
        ends.append((x + x1, y + y1))
    start, end = (np.concatenate([np.stack(pair, -1) for pair in pairs]) / size for pairs in (starts, ends))
    faces = np.tile(face, 4)
    single = _stand_once(vectors_in(faces, *((start + end) / 2).T), size)
    fractions = np.linspace(0.0, 1.0, 9 if order < 5 else 2)
    points = start[single, None, :] + (end - start)[single, None, :] * fractions[:, None]
    flat = points.reshape(-1, 2)
    return vectors_in(np.repeat(faces[single], len(fractions)), flat[:, 0], flat[:, 1]).reshape(-1, len(fractions), 3)


def _order(edges: NDArray[np.int64]) -> int:
    """The order of the cells to draw: the map's own, unless that would be too many."""
    bits = int(np.bitwise_or.reduce(edges.ravel()))
    own = ORDER - min((bits & -bits).bit_length() - 1, 2 * ORDER) // 2
    order = min(own, _FINEST)
    while order > 0 and _number(edges, order) > MOST_CELLS:
        order -= 1
    return order


def _number(edges: NDArray[np.int64], order: int) -> int:
    shift = 2 * (ORDER - order)
    return int((((edges[:, 1] - 1) >> shift) + 1 - (edges[:, 0] >> shift)).sum())


def cells_at(edges: NDArray[np.int64], order: int) -> NDArray[np.int64]:
    """The cells of an order that ranges of order 29, shape (n, 2), touch; each once."""
    shift = 2 * (ORDER - order)
    first, last = edges[:, 0] >> shift, ((edges[:, 1] - 1) >> shift) + 1
    sizes = last - first
    return np.unique(np.repeat(first - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum()))


def _unspread(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Every other bit, from the lowest on, put side by side (the inverse of Morton's order)."""
    bits = bits & 0x5555555555555555
    for shift, mask in (
        (1, 0x3333333333333333),
        (2, 0x0F0F0F0F0F0F0F0F),
        (4, 0x00FF00FF00FF00FF),
        (8, 0x0000FFFF0000FFFF),
        (16, 0x00000000FFFFFFFF),
    ):
        bits = (bits | (bits >> shift)) & mask
    return bits


def vectors_in(face: NDArray[np.int64], x: Floats, y: Floats) -> Floats:
    """Unit vectors, shape (n, 3), of places in base cells: x grows to the north-east, y to the north-west, both 0 to 1."""
    row = _ROW[face] - x - y
    near_pole = np.where(row < 1, row, np.where(row > 3, 4 - row, 1.0))
    from_pole = near_pole**2 / 3  # 1 - |z| in the caps
    z = np.where(row < 1, 1 - from_pole, np.where(row > 3, from_pole - 1, (2 - row) * 2 / 3))
    across = np.where(near_pole < 1, np.sqrt(from_pole * (2 - from_pole)), np.sqrt(np.maximum(1 - z * z, 0.0)))
    eighths = _COLUMN[face] * near_pole + x - y
    lon = np.where(near_pole > 1e-15, np.pi / 4 * eighths / np.maximum(near_pole, 1e-15), 0.0)
    return np.stack([across * np.cos(lon), across * np.sin(lon), z], axis=-1)


def _stand_once(middles: Floats, size: int) -> NDArray[np.bool_]:
    """Which edges, told by their middles, belong to one cell only. A cell's neighbour may lie in another base cell, where
    numbers do not tell that an edge is the same; places do."""
    whole = np.round(middles * (1000.0 * size)).astype(np.int64).astype(np.uint64)
    keys = whole[:, 0] * np.uint64(0x9E3779B97F4A7C15) + whole[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F) + whole[:, 2]
    _, back, counts = np.unique(keys, return_inverse=True, return_counts=True)
    once: NDArray[np.bool_] = counts[back] == 1
    return once
