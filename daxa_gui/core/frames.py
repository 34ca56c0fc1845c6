"""Celestial frames: longitudes and latitudes of « icrs », « fk5 » (J2000), « fk4 » (B1950), « galactic », « ecliptic » (mean,
J2000) into ICRS and back. Degrees.

FK5 is turned against ICRS by 23 mas (Mignard & Froeschlé 2000, A&A 354, 732). FK4 is freed of the E-terms of aberration and then
rotated (Explanatory Supplement to the Astronomical Almanac, 1992, section 3.59; the matrix is that of Murray 1989, A&A 218, 325,
for the epoch B1950 and objects that do not move). The ecliptic is the mean one of J2000 (IAU 2006 obliquity and frame bias).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_gui.core.errors import InputError
from daxa_gui.core.sky import ICRS_TO_GALACTIC, lon_lat_deg, unit_vectors

FRAMES = ("icrs", "fk5", "fk4", "galactic", "ecliptic")

Vectors = NDArray[np.float64]

_FK4_TO_FK5 = np.array(
    [
        [0.9999256794956877, -0.0111814832204662, -0.0048590038153592],
        [0.0111814832391717, 0.9999374848933135, -0.0000271625947142],
        [0.0048590037723143, -0.0000271702937440, 0.9999881946023742],
    ]
)
_E_TERMS = np.array([-1.62557e-6, -0.31919e-6, -0.13843e-6])  # of B1950


def _turn(axis: int, angle_arcsec: float) -> NDArray[np.float64]:
    """The matrix that turns the axes of a frame by an angle about one of them (0: x, 1: y, 2: z)."""
    angle = math.radians(angle_arcsec / 3600.0)
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[one, one] = matrix[two, two] = math.cos(angle)
    matrix[one, two], matrix[two, one] = math.sin(angle), -math.sin(angle)
    return matrix


_ICRS_TO_FK5 = _turn(0, 0.0199) @ _turn(1, 0.0091) @ _turn(2, -0.0229)
_ICRS_TO_ECLIPTIC = _turn(0, 84381.406) @ _turn(0, 0.0068192) @ _turn(1, -0.0166170) @ _turn(2, -0.0146)
_ROTATIONS = {"icrs": np.eye(3), "fk5": _ICRS_TO_FK5, "galactic": ICRS_TO_GALACTIC, "ecliptic": _ICRS_TO_ECLIPTIC}


def _unit(vectors: Vectors) -> Vectors:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _from_fk4(vectors: Vectors) -> Vectors:
    without = _unit(vectors - _E_TERMS + (vectors @ _E_TERMS)[..., None] * vectors)
    return without @ _FK4_TO_FK5.T @ _ICRS_TO_FK5


def _to_fk4(vectors: Vectors) -> Vectors:
    without = _unit(vectors @ _ICRS_TO_FK5.T @ np.linalg.inv(_FK4_TO_FK5).T)
    found = without
    for _ in range(4):  # the terms are 2e-6: each turn gains six digits
        found = _unit(without + _E_TERMS - (found @ _E_TERMS)[..., None] * found)
    return found


def _checked(frame: str) -> str:
    if frame not in FRAMES:
        raise InputError(f"There is no celestial frame « {frame[:40]} ».", f"Known ones: {', '.join(FRAMES)}.")
    return frame


def _converted(lon: ArrayLike, lat: ArrayLike, change: Callable[[Vectors], Vectors]) -> tuple[Vectors, Vectors]:
    return lon_lat_deg(change(unit_vectors(lon, lat)))


def to_icrs(lon_deg: ArrayLike, lat_deg: ArrayLike, frame: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """RA and Dec in ICRS degrees, of the shape of the arguments. NaN stays NaN; ICRS goes through unchanged.

    Raises
    ------
    InputError : there is no such frame.
    """
    if _checked(frame) == "icrs":
        return np.asarray(lon_deg, float), np.asarray(lat_deg, float)
    if frame == "fk4":
        return _converted(lon_deg, lat_deg, _from_fk4)
    return _converted(lon_deg, lat_deg, lambda vectors: vectors @ _ROTATIONS[frame])


def from_icrs(ra_deg: ArrayLike, dec_deg: ArrayLike, frame: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude (0 to 360) and latitude in degrees in another frame, of ICRS positions; the inverse of `to_icrs`."""
    if _checked(frame) == "icrs":
        return np.asarray(ra_deg, float), np.asarray(dec_deg, float)
    if frame == "fk4":
        return _converted(ra_deg, dec_deg, _to_fk4)
    return _converted(ra_deg, dec_deg, lambda vectors: vectors @ _ROTATIONS[frame].T)
