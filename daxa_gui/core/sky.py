"""Positions on the sky: unit vectors, separations, coordinate notations, simple tangent-plane world coordinates. ICRS degrees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from daxa_gui.core.errors import InputError

# Rotation from ICRS to galactic coordinates (Hipparcos catalogue, ESA SP-1200, vol. 1, eq. 1.5.11).
ICRS_TO_GALACTIC = np.array(
    [
        [-0.0548755604162154, -0.8734370902348850, -0.4838350155487132],
        [0.4941094278755837, -0.4448296299600112, 0.7469822444972189],
        [-0.8676661490190047, -0.1980763734312015, 0.4559837761750669],
    ]
)
OBLIQUITY_DEG = 23.4392911  # mean obliquity of the ecliptic at J2000 (IAU 1976)


@dataclass(frozen=True)
class SkyPosition:
    """A direction, ICRS degrees. `name` is what a person called it, on one line without needless blanks."""

    ra_deg: float
    dec_deg: float
    name: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ra_deg) and math.isfinite(self.dec_deg)):
            raise InputError(f"The position ({self.ra_deg}, {self.dec_deg}) is not a pair of numbers.")
        if not -90.0 <= self.dec_deg <= 90.0:
            raise InputError(f"The declination {self.dec_deg:g}° is outside -90° to +90°.")
        object.__setattr__(self, "ra_deg", self.ra_deg % 360.0)
        printable = "".join(character if character.isprintable() else " " for character in self.name)
        object.__setattr__(self, "name", " ".join(printable.split()))


def unit_vectors(ra_deg: ArrayLike, dec_deg: ArrayLike) -> NDArray[np.float64]:
    """Unit vectors, shape (n, 3), of positions in degrees, shape (n,). NaN stays NaN."""
    ra, dec = np.radians(np.asarray(ra_deg, float)), np.radians(np.asarray(dec_deg, float))
    cos_dec = np.cos(dec)
    return np.stack([cos_dec * np.cos(ra), cos_dec * np.sin(ra), np.sin(dec)], axis=-1)


def lon_lat_deg(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude (0 to 360) and latitude in degrees of vectors, shape (..., 3), of any length."""
    lon = np.degrees(np.arctan2(vectors[..., 1], vectors[..., 0])) % 360.0
    lat = np.degrees(np.arctan2(vectors[..., 2], np.hypot(vectors[..., 0], vectors[..., 1])))
    return lon, lat


def separation_deg(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angle in degrees between unit vectors (broadcast over the last axis); accurate for small and for large angles."""
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(cross, np.sum(a * b, axis=-1)))


def format_sexagesimal(ra_deg: float, dec_deg: float, decimals: int = 1) -> str:
    """`05 34 31.9 +22 00 52` style text; never shows 60 seconds."""
    ticks = round(ra_deg / 15.0 * 3600.0 * 10**decimals) % (24 * 3600 * 10**decimals)
    seconds, hours_minutes = ticks % (60 * 10**decimals), ticks // (60 * 10**decimals)
    width = 3 + decimals if decimals else 2
    ra = f"{hours_minutes // 60:02d} {hours_minutes % 60:02d} {seconds / 10**decimals:0{width}.{decimals}f}"
    less = max(decimals - 1, 0)
    ticks = round(abs(dec_deg) * 3600.0 * 10**less)
    seconds, degrees_minutes = ticks % (60 * 10**less), ticks // (60 * 10**less)
    width = 3 + less if less else 2
    sign = "-" if dec_deg < 0 else "+"
    dec = f"{sign}{degrees_minutes // 60:02d} {degrees_minutes % 60:02d} {seconds / 10**less:0{width}.{less}f}"
    return f"{ra} {dec}"


def parse_position(text: str) -> SkyPosition:
    """What `daxa_gui.core.notations.parse_position` gives: all notations are there."""
    from daxa_gui.core.notations import parse_position as parse  # it needs this file

    return parse(text)


@dataclass(frozen=True)
class LinearWcs:
    """A tangent-plane (TAN) or orthographic (SIN) world coordinate system without rotation, as event lists carry it.

    Pixel numbers are FITS ones (centre of the first pixel is 1). `cdelt_x_deg` is usually negative (RA grows to the left).
    Source: Calabretta & Greisen 2002, A&A 395, 1077, sections 5.1.3 and 5.1.5.
    """

    crpix_x: float
    crpix_y: float
    crval_ra_deg: float
    crval_dec_deg: float
    cdelt_x_deg: float
    cdelt_y_deg: float
    projection: str = "TAN"

    def sky(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """RA and Dec in degrees of pixel coordinates."""
        xi = np.radians((np.asarray(x, float) - self.crpix_x) * self.cdelt_x_deg)
        eta = np.radians((np.asarray(y, float) - self.crpix_y) * self.cdelt_y_deg)
        ra0, dec0 = math.radians(self.crval_ra_deg), math.radians(self.crval_dec_deg)
        if self.projection == "SIN":
            zeta = np.sqrt(np.clip(1.0 - xi**2 - eta**2, 0.0, None))
        else:
            zeta = np.ones_like(xi)
        north = zeta * math.cos(dec0) - eta * math.sin(dec0)
        up = zeta * math.sin(dec0) + eta * math.cos(dec0)
        ra = ra0 + np.arctan2(xi, north)
        return np.degrees(ra) % 360.0, np.degrees(np.arctan2(up, np.hypot(north, xi)))

    def pixel(self, ra_deg: ArrayLike, dec_deg: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixel coordinates of RA and Dec in degrees; NaN for directions that the projection cannot show."""
        ra, dec = np.radians(np.asarray(ra_deg, float)), np.radians(np.asarray(dec_deg, float))
        ra0, dec0 = math.radians(self.crval_ra_deg), math.radians(self.crval_dec_deg)
        xi = np.cos(dec) * np.sin(ra - ra0)
        eta = np.sin(dec) * math.cos(dec0) - np.cos(dec) * math.sin(dec0) * np.cos(ra - ra0)
        zeta = np.sin(dec) * math.sin(dec0) + np.cos(dec) * math.cos(dec0) * np.cos(ra - ra0)
        scale = np.where(zeta > 0, 1.0 if self.projection == "SIN" else 1.0 / np.where(zeta > 0, zeta, 1.0), np.nan)
        return (
            np.degrees(xi * scale) / self.cdelt_x_deg + self.crpix_x,
            np.degrees(eta * scale) / self.cdelt_y_deg + self.crpix_y,
        )
