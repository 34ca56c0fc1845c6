"""Shapes of fields of view, and whether positions lie in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHAPES = ("circle", "square", "tile")
TILE_COLUMNS = ("ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg")
_ROUNDING = 1e-12  # in degrees, or relative to a size: what computing leaves at an edge, which counts as inside


@dataclass(frozen=True)
class Footprint:
    """« circle »: radius `half_size_deg` around the pointing; « square »: half its side, in the tangent plane of the pointing,
    so that the middle of a side is so far away; its sides lie along position angles `roll_column` (degrees east of north, plus
    `roll_offset_deg`) and at right angles to it; where the roll is not known, every roll is possible, and the circle around the
    square is used; « tile »: between the bounds that the catalogue's columns `ra_min_deg`, `ra_max_deg`, `dec_min_deg`,
    `dec_max_deg` give (eastward from the first RA to the second). Edges are inside.
    """

    shape: str
    half_size_deg: float
    roll_column: str = ""
    roll_offset_deg: float = 0.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"{self.shape!r} is not one of {SHAPES}")
        if not 0.0 <= self.half_size_deg <= (80.0 if self.shape == "square" else 180.0):
            raise ValueError(f"{self.half_size_deg!r} degrees are no half size of a {self.shape}")

    @property
    def reach_deg(self) -> float:
        """The farthest that a point of a circle or square lies from the pointing, in degrees. Of a tile: see `tile_reach_deg`."""
        if self.shape == "square":
            return math.degrees(math.atan(math.sqrt(2.0) * math.tan(math.radians(self.half_size_deg))))
        return self.half_size_deg


def in_square(
    footprint: Footprint,
    pointing: NDArray[np.float64],
    position: NDArray[np.float64],
    separation_deg: NDArray[np.float64],
    roll_deg: NDArray[np.float64] | None,
) -> NDArray[np.bool_]:
    """Whether positions lie in squares around pointings, pair by pair.

    Parameters
    ----------
    pointing, position : RA and Dec in degrees, shape (k, 2).
    separation_deg : between the two, shape (k,).
    roll_deg : position angles of one side, shape (k,), NaN where unknown; None: all are.
    """
    inside = separation_deg <= footprint.reach_deg + _ROUNDING
    if roll_deg is None:
        return inside
    known = np.flatnonzero(inside & np.isfinite(roll_deg))
    xi, eta = _tangent_plane(pointing[known], position[known])
    angle = np.radians(roll_deg[known] + footprint.roll_offset_deg)
    along, across = xi * np.sin(angle) + eta * np.cos(angle), xi * np.cos(angle) - eta * np.sin(angle)
    edge = math.tan(math.radians(footprint.half_size_deg)) * (1.0 + _ROUNDING) + math.radians(_ROUNDING)
    inside[known] = (np.abs(along) <= edge) & (np.abs(across) <= edge)
    return inside


def _tangent_plane(
    pointing: NDArray[np.float64], position: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard coordinates, eastward and northward in radians, of positions less than 90° from their pointings (gnomonic
    projection: Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3)."""
    (ra0, dec0), (ra, dec) = np.radians(pointing).T, np.radians(position).T
    east = np.cos(dec) * np.sin(ra - ra0)
    north = np.sin(dec) * np.cos(dec0) - np.cos(dec) * np.sin(dec0) * np.cos(ra - ra0)
    forward = np.sin(dec) * np.sin(dec0) + np.cos(dec) * np.cos(dec0) * np.cos(ra - ra0)
    return east / forward, north / forward


def in_tile(bounds_deg: NDArray[np.float64], position: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether positions, RA and Dec in degrees of shape (k, 2), lie between bounds in the order of TILE_COLUMNS, shape (k, 4).

    A position at a pole has every right ascension. Unknown bounds hold nothing.
    """
    west, east, south, north = bounds_deg.T
    ra, dec = position[:, 0] % 360.0, position[:, 1]
    between = np.where(west <= east, (ra >= west) & (ra <= east), (ra >= west) | (ra <= east))
    between |= (ra == 0.0) & (east == 360.0)
    result: NDArray[np.bool_] = (between | (np.abs(dec) == 90.0)) & (dec >= south) & (dec <= north)
    return result & np.isfinite(bounds_deg).all(axis=1)


def tile_reach_deg(
    bounds_deg: NDArray[np.float64], ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A distance from the pointings, shape (n,), that no point of the tiles, shape (n, 4), exceeds; NaN where it is not known.

    From the pointing along its meridian to the point's declination, then along that parallel: the way is never shorter than
    the great circle.
    """
    west, east, south, north = bounds_deg.T
    meridian = np.maximum(np.abs(south - dec_deg), np.abs(north - dec_deg))
    width = np.where(np.abs(east - west) >= 360.0, 360.0, (east - west) % 360.0)
    from_west = (ra_deg - west) % 360.0
    farthest = np.where(from_west <= width, np.maximum(from_west, width - from_west), 180.0)
    cosine = np.cos(np.radians(np.where(south * north <= 0.0, 0.0, np.minimum(np.abs(south), np.abs(north)))))
    parallel = 2.0 * np.degrees(np.arcsin(np.minimum(cosine * np.sin(np.radians(np.minimum(farthest, 180.0) / 2.0)), 1.0)))
    return np.minimum(meridian + parallel + 1e-9, 180.0)
