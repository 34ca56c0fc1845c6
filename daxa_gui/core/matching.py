"""Which observations lie near which positions. Exactly the distance counts as near; unknown directions (NaN) never match."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.coverage import TOLERANCE_DEG, Coverage, checked_radii
from daxa_gui.core.distance import DEFAULT, Distance
from daxa_gui.core.places import Places
from daxa_gui.core.sky import separation_deg
from daxa_gui.core.zones import LARGE_DEG, Candidates, Query, candidates

__all__ = ["TOLERANCE_DEG", "Pairs", "near_places", "pairs", "time_codes", "within"]

INSIDE, OVERLAP, POSSIBLE, ANY_TIME, OUTSIDE = range(5)  # what `time_codes` gives


def within(
    vectors: NDArray[np.float64], centre: NDArray[np.float64], radius_deg: float | NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether unit vectors, shape (n, 3), lie within `radius_deg` (one, or shape (n,)) of the unit vector `centre`, shape (3,).

    One scalar product decides for nearly all; it cannot tell small distances (their cosines are all nearly 1) nor the last
    digits at the edge, so rows near the edge are decided by an angle that is accurate everywhere.
    """
    versine = 1.0 - vectors @ centre
    edge = 1.0 - np.cos(np.radians(np.minimum(radius_deg, 180.0)))
    inside: NDArray[np.bool_] = versine <= edge
    doubtful = np.flatnonzero(np.abs(versine - edge) <= 1e-9 * edge + 1e-13)
    if len(doubtful):
        radii = radius_deg[doubtful] if isinstance(radius_deg, np.ndarray) else radius_deg
        inside[doubtful] = separation_deg(vectors[doubtful], centre) <= radii + TOLERANCE_DEG
    return inside


@dataclass(frozen=True, eq=False)
class Pairs:
    """Positions (numbers from 0) and rows of a catalogue near them; arrays of shape (k,), by position, the nearest first, then
    by row."""

    position: NDArray[np.int64]
    row: NDArray[np.int64]
    separation_deg: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.position)

    def part(self, mask: NDArray[np.bool_]) -> Pairs:
        return Pairs(self.position[mask], self.row[mask], self.separation_deg[mask])


def pairs(
    catalogue: Catalogue, places: Places, distance: Distance = DEFAULT, mask: NDArray[np.bool_] | None = None
) -> Iterator[Pairs]:
    """All pairs of a position and an observation that covers it, in blocks of whole positions, in their order.

    Parameters
    ----------
    mask : shape (n,), which rows of the catalogue may match; all if None.

    What is in memory at a time is bounded by the catalogue's size, however many pairs there are. Positions without any pair are
    in no block; times are not looked at (see `time_codes`).

    Raises
    ------
    InputError : each position should have its own distance, and they have none.
    """
    for block in _spatial(catalogue, places, distance, mask):
        kept = [found for found in block if len(found)]
        if kept:
            parts = zip(*((found.position, found.row, found.separation_deg) for found in kept), strict=True)
            yield _sorted(Pairs(*(part[0] if len(part) == 1 else np.concatenate(part) for part in parts)))


def near_places(
    catalogue: Catalogue,
    places: Places,
    distance: Distance = DEFAULT,
    mask: NDArray[np.bool_] | None = None,
    *,
    entirely_inside: bool = False,
) -> NDArray[np.bool_]:
    """Whether each row, shape (n,), covers any of the positions; where positions have time windows, within their own window
    (`entirely_inside`: all of the observation, otherwise part of it suffices).

    Raises
    ------
    InputError : each position should have its own distance, and they have none.
    """
    found = np.zeros(len(catalogue), bool)
    for block in _spatial(catalogue, places, distance, mask, found):
        for near in block:
            rows = near.row
            if places.has_windows:
                codes = time_codes(catalogue, places, near.position, rows, entirely_inside=entirely_inside)
                rows = rows[codes != OUTSIDE]
            found[rows] = True
    return found


def time_codes(
    catalogue: Catalogue, places: Places, position: NDArray[np.int64], row: NDArray[np.int64], *, entirely_inside: bool = False
) -> NDArray[np.uint8]:
    """How the observations lie in the positions' time windows, pair by pair, shape (k,).

    INSIDE, OVERLAP; POSSIBLE: one end of the observation is not known, and the other does not exclude it; ANY_TIME: the position
    has no window; OUTSIDE: no match (with `entirely_inside` a mere overlap is none either; so is an observation of which neither
    start nor end is known). Limits belong to the window.
    """
    unlimited = np.full(len(places), np.nan)
    first = (unlimited if places.start_mjd is None else places.start_mjd)[position]
    last = (unlimited if places.end_mjd is None else places.end_mjd)[position]
    start, end = catalogue.start_mjd[row], catalogue.end_mjd[row]
    # Comparisons with NaN are false: what is not known or not limited excludes nothing.
    outside = (start > last) | (end < first) | (np.isnan(start) & np.isnan(end))
    sticks_out = (start < first) | (end > last)
    if entirely_inside:
        outside |= sticks_out
    codes = np.where(sticks_out, np.uint8(OVERLAP), np.uint8(INSIDE))
    codes[np.isnan(start) | np.isnan(end)] = POSSIBLE
    codes[outside] = OUTSIDE
    codes[np.isnan(first) & np.isnan(last)] = ANY_TIME
    return codes


def _spatial(
    catalogue: Catalogue,
    places: Places,
    distance: Distance,
    mask: NDArray[np.bool_] | None,
    already: NDArray[np.bool_] | None = None,
) -> Iterator[Iterator[Pairs]]:
    """Pairs in blocks of whole positions, unsorted within; rows of which `already` is true by then are left out."""
    checked_radii(places, distance)
    coverage = Coverage(catalogue, distance)
    reach = coverage.row_reach_deg()

    def near(found: Candidates) -> Pairs:
        position, row = found
        if already is not None:
            new = ~already[row]
            position, row = position[new], row[new]
        kept = _near(catalogue, places, position, row, reach)
        if distance.kind == "footprint" and len(kept):
            covered = coverage.covering(places, kept.position, kept.row, kept.separation_deg)
            kept = kept.part(np.logical_or.reduce(list(covered.values())))
        return kept

    for block in candidates(_queries(catalogue, places, reach, mask), len(places)):
        yield map(near, block)


def _queries(
    catalogue: Catalogue, places: Places, reach: NDArray[np.float64] | float | None, mask: NDArray[np.bool_] | None
) -> list[Query]:
    """Cones for candidates: as large as the rows' reach (in groups of about the same) or the positions' own distances are."""
    index, size = catalogue.index, len(places)
    if isinstance(reach, np.ndarray):
        cones = [(group, np.full(size, deg)) for group, deg in _groups(reach, mask)]
    elif reach is not None:
        cones = [(mask, np.full(size, reach))]
    else:
        radius = np.full(size, np.nan) if places.radius_deg is None else places.radius_deg
        large = radius > LARGE_DEG
        cones = [(mask, np.where(large, np.nan, radius)), (mask, np.where(large, radius, np.nan))]
    queries = []
    for rows, radii in cones:
        widest = np.nanmax(radii, initial=-1.0)
        if widest >= 0.0:
            level = index.level_for(float(widest))
            queries.append(Query(level if rows is None else level.part(rows), places.ra_deg, places.dec_deg, radii))
    return queries


def _groups(reach: NDArray[np.float64], mask: NDArray[np.bool_] | None) -> Iterator[tuple[NDArray[np.bool_] | None, float]]:
    """Rows (None: all) whose reaches differ by less than a factor of two, with the largest of these."""
    usable = reach >= 0.0 if mask is None else mask & (reach >= 0.0)
    if not usable.any():
        return
    low, high = float(reach.min(where=usable, initial=np.inf)), float(reach.max(where=usable, initial=0.0))
    if high <= 2.0 * low or high == 0.0:
        yield (None if usable.all() else usable), high
        return
    # the smallest ones are all together, also where they are so small that the division is rounded
    group = np.minimum(np.ceil(np.log2(high / np.maximum(reach, high * 2.0**-10))), 10.0)
    for number in range(11):
        rows = usable & (group == number)
        if rows.any():
            yield rows, float(reach.max(where=rows, initial=0.0))


def _near(
    catalogue: Catalogue,
    places: Places,
    position: NDArray[np.int64],
    row: NDArray[np.int64],
    reach: NDArray[np.float64] | float | None,
) -> Pairs:
    """Those of the candidates whose separation is at most the row's reach (None: the position's own distance).

    The square of the chord decides for nearly all, since its rounding is far below any other; near the edge an angle does that
    is accurate everywhere, with the tolerance for what the conversion to vectors leaves.
    """
    apart = catalogue.vectors.take(row, axis=0)
    apart -= places.vectors.take(position, axis=0)
    chord2 = np.einsum("ij,ij->i", apart, apart)
    if isinstance(reach, np.ndarray):
        radius: NDArray[np.float64] | float = reach[row]
    else:
        radius = reach if reach is not None else places.radius_deg[position]  # type: ignore[index]  # see checked_radii
    edge = 2.0 * np.sin(np.radians(np.minimum(radius, 180.0)) / 2.0)
    inside = chord2 <= edge * edge
    doubtful = np.flatnonzero(np.abs(chord2 - edge * edge) <= 1e-12 * edge + 1e-24)
    if len(doubtful):
        limit = radius[doubtful] if isinstance(radius, np.ndarray) else radius
        inside[doubtful] = _separation(catalogue, places, position[doubtful], row[doubtful]) <= limit + TOLERANCE_DEG
    kept = np.flatnonzero(inside)
    position, row, chord2 = position[kept], row[kept], chord2[kept]
    separation = 2.0 * np.degrees(np.arcsin(np.sqrt(np.minimum(chord2, 4.0)) / 2.0))
    wide = np.flatnonzero(chord2 > 2.0)  # above 90° the chord hardly grows any more
    if len(wide):
        separation[wide] = _separation(catalogue, places, position[wide], row[wide])
    return Pairs(position, row, separation)


def _separation(catalogue: Catalogue, places: Places, position: NDArray[np.int64], row: NDArray[np.int64]) -> NDArray[np.float64]:
    return separation_deg(catalogue.vectors[row], places.vectors[position])


def _sorted(found: Pairs) -> Pairs:
    """By position, separation, row.

    One integer for each pair holds the position, the separation in as many bits as are left (at least 30), and the pair's own
    number: numbers are sorted several times faster than their order is found. What is equal but for the own number is put right
    afterwards.
    """
    low = int(found.position.min())
    number_bits, position_bits = len(found).bit_length(), (int(found.position.max()) - low).bit_length()
    separation_bits = min(64 - number_bits - position_bits, 48)
    scale = (2.0**separation_bits - 1.0) / max(float(found.separation_deg.max()), 1e-9)
    key = (found.position - low).astype(np.uint64) << np.uint64(separation_bits)
    key |= (found.separation_deg * scale).astype(np.uint64)
    key <<= np.uint64(number_bits)
    key |= np.arange(len(found), dtype=np.uint64)
    key.sort(kind="stable")  # merging profits from positions that are in order already
    order = (key & np.uint64(2**number_bits - 1)).astype(np.int64)
    key >>= np.uint64(number_bits)
    same = key[1:] == key[:-1]
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.insert(same, 0, False))
        rows = order[tied]
        order[tied] = rows[np.lexsort((found.row[rows], found.separation_deg[rows], found.position[rows]))]
    return Pairs(found.position[order], found.row[order], found.separation_deg[order])
