"""An index of directions by zones of declination: which rows may lie within some distance of many positions.

Algorithm: Gray, Nieto-Santisteban & Szalay 2006, « The Zones Algorithm for Finding Points-Near-a-Point or Cross-Matching
Spatial Datasets » (MSR-TR-2006-52). Rows are sorted by zone and right ascension; a cone is one range of rows for each zone it
touches (two where it crosses RA 0), so that all ranges of all positions come from two calls of `searchsorted`. There are two
heights of zones: low ones, in which small cones touch few rows besides their own, and high ones, of which large cones touch few.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

HEIGHTS_DEG = (0.25, 2.0)
LARGE_DEG = 1.0  # cones above this radius use the high zones
_PAD_DEG = 1e-8  # more than rounding and the tolerance of matching together: a candidate too many costs nothing
_STRIDE = 400.0  # between the keys of two zones; the 40 that no right ascension uses keep padded windows in their zone
_RANGES = 1 << 18  # ranges of rows that are looked up at a time
_CANDIDATES = 1 << 18  # pairs that are looked at at a time: what fits into a processor's cache

Ranges = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Level:
    """Rows sorted by zone, then right ascension: `key` = 400 x zone + RA in degrees, `row` their numbers, both of shape (k,)."""

    height_deg: float
    key: NDArray[np.float64]
    row: NDArray[np.int32]

    @classmethod
    def of(cls, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64], height_deg: float) -> Level:
        """Rows without a position (NaN) are left out."""
        rows = np.flatnonzero(np.isfinite(ra_deg) & np.isfinite(dec_deg))
        ra = ra_deg[rows] % 360.0
        ra[ra >= 360.0] = 0.0  # the remainder of a tiny negative number
        key = _zone(dec_deg[rows], height_deg) * _STRIDE + ra
        order = np.argsort(key)
        return cls(height_deg, key[order], rows[order].astype(np.int32))

    def part(self, mask: NDArray[np.bool_]) -> Level:
        """Only rows of which the mask, shape (n,), is true."""
        kept = mask[self.row]
        return Level(self.height_deg, self.key[kept], self.row[kept])

    def ranges(self, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64], radius_deg: NDArray[np.float64]) -> Ranges:
        """Ranges of `row` that hold all rows within the radii of the positions (all of shape (m,)): number of the position (which
        grows), start, stop, each of shape (r,)."""
        reach = np.minimum(radius_deg, 180.0) + _PAD_DEG
        first = _zone(np.maximum(dec_deg - reach, -90.0), self.height_deg)
        count = _zone(np.minimum(dec_deg + reach, 90.0), self.height_deg) - first + 1
        which = np.repeat(np.arange(len(ra_deg)), count)
        base = (first[which] + _count_up(count)) * _STRIDE
        half = _half_width_deg(dec_deg, reach)
        centre = ra_deg % 360.0
        west, east = centre - half, centre + half
        everything = half >= 180.0
        # A window that crosses RA 0 is cut there; what lies beyond is looked up as a second range.
        start = self._search(base + np.where(everything, 0.0, np.maximum(west, 0.0))[which], "left")
        stop = self._search(base + np.where(everything, 360.0, np.minimum(east, 360.0))[which], "right")
        crossing = np.flatnonzero(((west < 0.0) | (east >= 360.0)) & ~everything)
        if len(crossing):
            again = np.flatnonzero(np.isin(which, crossing))
            at, where = which[again], base[again]
            low = np.where(west < 0.0, west + 360.0, 0.0)[at]
            high = np.where(west < 0.0, 360.0, east - 360.0)[at]
            order = np.argsort(np.concatenate([which, at]), kind="stable")
            start = np.concatenate([start, self._search(where + low, "left")])[order]
            stop = np.concatenate([stop, self._search(where + high, "right")])[order]
            which = np.concatenate([which, at])[order]
        full = stop > start
        return which[full], start[full], stop[full]

    def _search(self, keys: NDArray[np.floating[Any]], side: Any) -> NDArray[np.int64]:
        return np.searchsorted(self.key, keys, side=side)


def _zone(dec_deg: NDArray[np.float64], height_deg: float) -> NDArray[np.int64]:
    return np.floor((dec_deg + 90.0) / height_deg).astype(np.int64)


def _count_up(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1 … count - 1 for each of the counts, one after the other."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)


def _half_width_deg(dec_deg: NDArray[np.float64], radius_deg: NDArray[np.float64]) -> NDArray[np.float64]:
    """Half the range of right ascension that a cone covers; 180 where it holds a pole.

    Where the great circle through the pole touches the cone, sin Δα = sin r / cos δ (Gray et al. 2006, section 2).
    """
    beside = np.abs(dec_deg) + radius_deg < 90.0 - _PAD_DEG
    ratio = np.sin(np.radians(radius_deg[beside])) / np.cos(np.radians(dec_deg[beside]))
    half = np.full(len(dec_deg), 180.0)
    half[beside] = np.degrees(np.arcsin(np.minimum(ratio, 1.0))) + _PAD_DEG
    return half


@dataclass(frozen=True, eq=False)
class SkyIndex:
    """Levels with low and with high zones, over the same rows."""

    levels: tuple[Level, ...]

    @classmethod
    def of(cls, ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> SkyIndex:
        """Of the directions of a catalogue in degrees, shape (n,)."""
        return cls(tuple(Level.of(ra_deg, dec_deg, height) for height in HEIGHTS_DEG))

    def level_for(self, radius_deg: float) -> Level:
        return self.levels[int(radius_deg > LARGE_DEG)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What `from_arrays` takes: arrays by names that are good for files."""
        return {f"{name}{number}": getattr(level, name) for number, level in enumerate(self.levels) for name in ("key", "row")}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], n: int) -> SkyIndex:
        """The index of a catalogue of `n` rows. Raises ValueError if these cannot be its arrays."""
        levels = []
        for number, height in enumerate(HEIGHTS_DEG):
            key, row = (np.asarray(arrays.get(f"{name}{number}", np.empty((0, 0)))) for name in ("key", "row"))
            if key.ndim != 1 or key.shape != row.shape or key.dtype != np.float64 or row.dtype != np.int32 or len(key) > n:
                raise ValueError("these are not the arrays of an index of directions")
            if len(key) and (row.min() < 0 or row.max() >= n or not bool((key[1:] >= key[:-1]).all())):
                raise ValueError("the index of directions is damaged")
            levels.append(Level(height, key, row))
        if len({len(level.row) for level in levels}) > 1:
            raise ValueError("the index of directions is damaged")
        return cls(tuple(levels))


@dataclass(frozen=True, eq=False)
class Query:
    """Cones around positions, all in one level. Arrays of shape (m,); where `radius_deg` is NaN nothing is looked for."""

    level: Level
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    radius_deg: NDArray[np.float64]

    def ranges(self, first: int, last: int) -> Ranges:
        radius = self.radius_deg[first:last]
        known = np.flatnonzero(radius >= 0.0)
        ra, dec = self.ra_deg[first:last][known], self.dec_deg[first:last][known]
        which, start, stop = self.level.ranges(ra, dec, radius[known])
        return known[which] + first, start, stop

    def zones(self) -> int:
        """About how many ranges one position needs at most."""
        return 2 + int(2.0 * np.nanmax(self.radius_deg, initial=0.0) / self.level.height_deg)


Candidates = tuple[NDArray[np.int64], NDArray[np.int64]]


def candidates(queries: Sequence[Query], size: int) -> Iterator[list[Candidates]]:
    """Pairs (numbers of positions, rows) that may match, for each of the queries, in blocks of whole positions, in the positions'
    order. `size` is the number of positions. What one block needs is bounded by the catalogue's size, not by the matches."""
    if not queries:
        return
    step = max(1, min(1 << 14, _RANGES // sum(query.zones() for query in queries)))
    for first in range(0, size, step):
        last = min(first + step, size)
        found = [query.ranges(first, last) for query in queries]
        counts = np.zeros(last - first)
        for which, start, stop in found:
            counts += np.bincount(which - first, stop - start, last - first)
        for low, high in _cuts(counts):
            yield [
                _expanded(query.level, ranges, first + low, first + high) for query, ranges in zip(queries, found, strict=True)
            ]


def _cuts(counts: NDArray[np.float64]) -> Iterator[tuple[int, int]]:
    """Cut positions into runs with about so many candidates that they can be looked at together; at least one position each."""
    ends = np.cumsum(counts)
    low = 0
    while low < len(counts):
        before = ends[low - 1] if low else 0.0
        high = max(low + 1, int(np.searchsorted(ends, before + _CANDIDATES, side="right")))
        yield low, high
        low = high


def _expanded(level: Level, ranges: Ranges, low: int, high: int) -> Candidates:
    which, start, stop = ranges
    part = slice(*np.searchsorted(which, [low, high]).tolist())
    count = stop[part] - start[part]
    at = np.repeat(start[part], count) + _count_up(count)
    return np.repeat(which[part], count), level.row[at].astype(np.int64)
