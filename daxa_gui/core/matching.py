"""Which directions lie within a distance of others. Exactly the distance counts as within; unknown ones (NaN) never match."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.sky import separation_deg

# Rounding in degrees → unit vectors → degrees reaches a few 1e-14 degrees; no instrument tells such directions apart.
TOLERANCE_DEG = 1e-12


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


def neighbours(
    catalogue: Catalogue, centres: NDArray[np.float64], radius_deg: float | None
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """For each of the unit vectors `centres`, shape (m, 3): its number and the rows of the catalogue within `radius_deg` of it
    (None: within each row's own default distance). Rows are in no particular order."""
    for number, rows in _candidates(catalogue, centres, radius_deg):
        yield number, rows[_near(catalogue, rows, centres[number], radius_deg)]


def near_any(catalogue: Catalogue, centres: NDArray[np.float64], radius_deg: float | None) -> NDArray[np.bool_]:
    """Whether each row, shape (n,), lies within `radius_deg` (None: its own default distance) of any of the `centres`, (m, 3)."""
    found = np.zeros(len(catalogue), bool)
    for number, candidates in _candidates(catalogue, centres, radius_deg):
        rows = candidates[~found[candidates]]
        found[rows[_near(catalogue, rows, centres[number], radius_deg)]] = True
    return found


def _candidates(
    catalogue: Catalogue, centres: NDArray[np.float64], radius_deg: float | None
) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Rows of about the same declination as each centre: so many positions in a large catalogue stay quick."""
    if not len(catalogue):
        return
    order, sorted_dec = catalogue.dec_order, catalogue.dec_deg[catalogue.dec_order]
    reach_deg = (float(np.nanmax(catalogue.search_radius_deg)) if radius_deg is None else radius_deg) + 1e-9
    dec_deg = np.degrees(np.arctan2(centres[:, 2], np.hypot(centres[:, 0], centres[:, 1])))
    first = np.searchsorted(sorted_dec, dec_deg - reach_deg, side="left")
    last = np.searchsorted(sorted_dec, dec_deg + reach_deg, side="right")
    for number, (start, stop) in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        yield number, order[start:stop]


def _near(
    catalogue: Catalogue, rows: NDArray[np.intp], centre: NDArray[np.float64], radius_deg: float | None
) -> NDArray[np.bool_]:
    return within(catalogue.vectors[rows], centre, catalogue.search_radius_deg[rows] if radius_deg is None else radius_deg)
