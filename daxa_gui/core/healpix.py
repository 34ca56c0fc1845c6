"""HEALPix cells in the NESTED numbering, and sets of them as MOCs (multi-order coverage maps).

Sources: Górski et al. 2005, ApJ 622, 759 (the projection, section 4, and the numbering); MOC 2.0, IVOA Recommendation 2022
(ranges of order 29, the ASCII form).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_gui.core.errors import InputError

ORDER = 29  # the finest that fits into 64 bits: cells of 0.4 mas
N_CELLS = 12 << (2 * ORDER)

Ranges = tuple[tuple[int, int], ...]


def ang2pix(lon_deg: ArrayLike, lat_deg: ArrayLike, order: int = ORDER) -> NDArray[np.int64]:
    """The number of the cell, NESTED numbering, in which each position lies, shape (n,); -1 where a position is not known.

    Positions are degrees; the longitude may be any number. A position on the edge of two cells belongs to one of them.
    """
    lon, lat = np.atleast_1d(np.asarray(lon_deg, float)), np.atleast_1d(np.asarray(lat_deg, float))
    known = np.isfinite(lon) & np.isfinite(lat)
    result = np.full(len(lon), -1, np.int64)
    lon, lat = lon[known] % 360.0, lat[known]
    nside = 1 << order
    turns = lon / 90.0
    z = np.sin(np.radians(lat))
    belt = np.abs(z) <= 2.0 / 3.0
    face, x, y = (np.empty(len(lon), np.int64) for _ in range(3))
    face[belt], x[belt], y[belt] = _belt(turns[belt], z[belt], order)
    caps = ~belt
    face[caps], x[caps], y[caps] = _caps(turns[caps], lat[caps], nside)
    result[known] = (face << (2 * order)) + _spread(x) + (_spread(y) << 1)
    return result


def _belt(turns: NDArray[np.float64], z: NDArray[np.float64], order: int) -> tuple[NDArray[np.int64], ...]:
    """Face and place in it between the latitudes ±41.8°, where cells lie between rising and falling straight lines."""
    nside = 1 << order
    middle, rise = nside * (0.5 + turns), nside * 0.75 * z
    falling, rising = (middle - rise).astype(np.int64), (middle + rise).astype(np.int64)
    one, two = falling >> order, rising >> order
    face = np.where(one == two, (one & 3) + 4, np.where(one < two, one & 3, (two & 3) + 8))
    return face, rising & (nside - 1), nside - 1 - (falling & (nside - 1))


def _caps(turns: NDArray[np.float64], lat: NDArray[np.float64], nside: int) -> tuple[NDArray[np.int64], ...]:
    """Face and place in it around the poles, by the distance from the pole (exact there, unlike 1 - sin(latitude))."""
    quarter = np.minimum(turns.astype(np.int64), 3)
    within = turns - quarter
    from_pole = nside * math.sqrt(6.0) * np.sin(np.radians(90.0 - np.abs(lat)) / 2.0)
    one = np.minimum((within * from_pole).astype(np.int64), nside - 1)
    two = np.minimum(((1.0 - within) * from_pole).astype(np.int64), nside - 1)
    north = lat >= 0
    x, y = np.where(north, nside - 1 - two, one), np.where(north, nside - 1 - one, two)
    return np.where(north, quarter, quarter + 8), x, y


def _spread(bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """A zero bit put before each of the lower 32 bits (Morton's order)."""
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F), (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):  # fmt: skip
        bits = (bits | (bits << shift)) & mask
    return bits


def normal_ranges(pairs: Iterable[Sequence[int]]) -> Ranges:
    """Half-open ranges of cells of order 29, sorted, with touching and overlapping ones made one, empty ones left out.

    Raises
    ------
    InputError : a range is reversed or outside the sky.
    """
    result: list[tuple[int, int]] = []
    for start, stop in sorted((int(pair[0]), int(pair[1])) for pair in pairs):
        if not 0 <= start <= stop <= N_CELLS:
            raise InputError(f"The cells {start} to {stop} of a coverage map are not cells of the sky.")
        if start == stop:
            continue
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(stop, result[-1][1]))
        else:
            result.append((start, stop))
    return tuple(result)


def in_ranges(cells: NDArray[np.int64], ranges: Ranges) -> NDArray[np.bool_]:
    """Whether each cell of order 29, shape (n,), lies in one of some normal ranges; -1 lies in none."""
    edges = np.array(ranges, np.int64).reshape(-1)
    result: NDArray[np.bool_] = np.searchsorted(edges, cells, side="right") % 2 == 1
    return result


def ranges_to_text(ranges: Ranges) -> str:
    """The MOC's ASCII form, of as few cells as possible: « 1/3-5 2/0 »; empty for nothing."""
    cells: dict[int, list[int]] = {}
    for start, stop in ranges:
        while start < stop:
            aligned = (start & -start).bit_length() - 1 if start else 2 * ORDER
            level = min(aligned // 2, ((stop - start).bit_length() - 1) // 2, ORDER)
            cells.setdefault(ORDER - level, []).append(start >> (2 * level))
            start += 1 << (2 * level)
    return " ".join(f"{order}/{_runs(cells[order])}" for order in sorted(cells))


def _runs(cells: list[int]) -> str:
    texts, first = [], cells[0]
    for cell, following in zip(cells, [*cells[1:], None], strict=True):
        if following != cell + 1:
            texts.append(str(cell) if cell == first else f"{first}-{cell}")
            first = following if following is not None else first
    return " ".join(texts)


_PART = re.compile(r"(?:(\d{1,2})/)?(?:(\d{1,20})(?:-(\d{1,20}))?)?$", re.ASCII)


def ranges_from_text(text: str) -> Ranges:
    """Ranges of order 29 from the MOC's ASCII form; blanks, commas and line ends separate cells.

    Raises
    ------
    InputError : the text has another form, or names cells that are not of the sky.
    """
    pairs, order = [], -1
    for part in re.split(r"[\s,]+", text.strip()) if text.strip() else []:
        match = _PART.match(part)
        if match is None or (match[1] is None and order < 0):
            raise InputError(f"« {part[:40]} » is no part of a coverage map like « 3/12 15-17 4/200 ».")
        order = int(match[1]) if match[1] is not None else order
        if order > ORDER:
            raise InputError(f"A coverage map has no order {order}: 29 is the finest.")
        if match[2] is not None:
            first, last, level = int(match[2]), int(match[3] or match[2]), 2 * (ORDER - order)
            if last < first:
                raise InputError(f"The cells « {part[:40]} » of a coverage map run backwards.")
            pairs.append((first << level, (last + 1) << level))
    return normal_ranges(pairs)
