"""From the sky to the pixels of a plot and back: an equal-area Hammer projection whose middle is the middle of the view.

Because the projection is centred on what is looked at, a small field has no shear and north is up in its middle; far out it
is the usual map of the whole sky. No Qt here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.sky import lon_lat_deg, unit_vectors

Floats = NDArray[np.float64]
HALF_WIDTH_DEG = math.degrees(2 * math.sqrt(2))  # of the whole sky, 162.06°
HALF_HEIGHT_DEG = math.degrees(math.sqrt(2))  # 81.03°
SMALLEST_HEIGHT_DEG = 20.0 / 3600.0
_MARGINS_PX = (76, 18)  # around the whole sky, for its labels


@dataclass(frozen=True)
class Viewport:
    """What a plot of `width` x `height` pixels shows: the direction of its middle (ICRS) and the degrees of one pixel there.

    Pixel coordinates have their origin at the upper left; RA grows to the left.
    Source of the projection: Calabretta & Greisen 2002, A&A 395, 1077, section 5.3.4 (Hammer-Aitoff).
    """

    ra_deg: float = 0.0
    dec_deg: float = 0.0
    scale_deg: float = 0.5
    width: int = 800
    height: int = 400

    # the shape of the view

    @property
    def widest_scale_deg(self) -> float:
        """Degrees per pixel at which the whole sky just fits."""
        width, height = max(self.width - _MARGINS_PX[0], 20), max(self.height - _MARGINS_PX[1], 20)
        return max(2 * HALF_WIDTH_DEG / width, 2 * HALF_HEIGHT_DEG / height)

    @property
    def field_height_deg(self) -> float:
        return self.scale_deg * self.height

    @property
    def shows_whole_sky(self) -> bool:
        return self.scale_deg >= 0.95 * self.widest_scale_deg

    @property
    def radius_deg(self) -> float:
        """Distance from the middle within which everything visible lies, at most 180."""
        x = np.array([0.0, self.width / 2, self.width, 0.0, self.width])
        y = np.array([0.0, 0.0, 0.0, self.height / 2, self.height / 2])
        local, inside = self._local(x, y)
        if not inside.all():
            return 180.0
        return float(np.degrees(np.arccos(np.clip(local[:, 0].min(), -1.0, 1.0)))) * 1.02

    @property
    def highest_dec_deg(self) -> float:
        """Of the middle: the equator is level where the whole sky is seen, and one step nearer every place can be the middle."""
        return 90.0 * min(max((1.0 - self.scale_deg / self.widest_scale_deg) / 0.19, 0.0), 1.0)

    # to pixels

    def rotation(self) -> Floats:
        """Rows: the unit vectors of the middle, of east and of north there."""
        ra, dec = math.radians(self.ra_deg), math.radians(self.dec_deg)
        sin_ra, cos_ra, sin_dec, cos_dec = math.sin(ra), math.cos(ra), math.sin(dec), math.cos(dec)
        return np.array(
            [
                [cos_dec * cos_ra, cos_dec * sin_ra, sin_dec],
                [-sin_ra, cos_ra, 0.0],
                [-sin_dec * cos_ra, -sin_dec * sin_ra, cos_dec],
            ]
        )

    def pixels(self, vectors: Floats) -> tuple[Floats, Floats]:
        """Pixel x and y, shape (n,), of unit vectors, shape (n, 3). NaN stays NaN; every direction has a place."""
        local = vectors @ self.rotation().T
        half_lon = 0.5 * np.arctan2(local[..., 1], local[..., 0])
        cos_lat = np.hypot(local[..., 0], local[..., 1])
        stretch = np.degrees(np.sqrt(2.0 / (1.0 + cos_lat * np.cos(half_lon)))) / self.scale_deg
        x = self.width / 2 - 2.0 * stretch * cos_lat * np.sin(half_lon)
        y = self.height / 2 - stretch * local[..., 2]
        return x, y

    def pixels_of(self, ra_deg: float, dec_deg: float) -> tuple[float, float]:
        x, y = self.pixels(unit_vectors([ra_deg], [dec_deg]))
        return float(x[0]), float(y[0])

    # from pixels

    def _local(self, x: Floats, y: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Vectors in the frame of the view (middle, east, north) and whether the pixels lie on the sky at all."""
        u = np.radians((self.width / 2 - x) * self.scale_deg)
        v = np.radians((self.height / 2 - y) * self.scale_deg)
        z2 = 1.0 - (u / 4.0) ** 2 - (v / 2.0) ** 2
        inside = z2 >= 0.5
        z = np.sqrt(np.clip(z2, 0.5, None))
        lon = 2.0 * np.arctan2(z * u, 2.0 * (2.0 * z * z - 1.0))
        sin_lat = np.clip(z * v, -1.0, 1.0)
        cos_lat = np.sqrt(1.0 - sin_lat**2)
        return np.stack([cos_lat * np.cos(lon), cos_lat * np.sin(lon), sin_lat], axis=-1), inside

    def vectors(self, x: Floats, y: Floats) -> Floats:
        """Unit vectors, shape (n, 3), of pixels; NaN outside the sky."""
        local, inside = self._local(np.asarray(x, float), np.asarray(y, float))
        return np.where(inside[..., None], local @ self.rotation(), np.nan)

    def position(self, x: float, y: float) -> tuple[float, float] | None:
        """RA and Dec in degrees of a pixel; None outside the sky."""
        ra, dec = lon_lat_deg(self.vectors(np.array([x]), np.array([y])))
        return (float(ra[0]), float(dec[0])) if np.isfinite(dec[0]) else None

    # other views

    def resized(self, width: int, height: int) -> Viewport:
        """The same part of the sky in a plot of another size; the whole sky stays whole."""
        view = replace(self, width=max(width, 1), height=max(height, 1))
        if self.shows_whole_sky:
            return replace(view, scale_deg=view.widest_scale_deg, dec_deg=0.0)
        return view.limited()

    def limited(self) -> Viewport:
        """With scale and declination inside their limits: far out the equator stays level, near the poles can be the middle."""
        scale = min(max(self.scale_deg, SMALLEST_HEIGHT_DEG / self.height), self.widest_scale_deg)
        highest = replace(self, scale_deg=scale).highest_dec_deg
        return replace(self, scale_deg=scale, ra_deg=self.ra_deg % 360.0, dec_deg=min(max(self.dec_deg, -highest), highest))

    def whole_sky(self) -> Viewport:
        return replace(self, ra_deg=0.0, dec_deg=0.0, scale_deg=self.widest_scale_deg)

    def centred(self, ra_deg: float, dec_deg: float, radius_deg: float) -> Viewport:
        """A circle of that radius around a position fills most of the view."""
        scale = radius_deg / (0.42 * min(self.width, self.height))
        return replace(self, ra_deg=ra_deg, dec_deg=dec_deg, scale_deg=scale).limited()

    def zoomed(self, factor: float, x: float, y: float, position: tuple[float, float] | None = None) -> Viewport:
        """Closer by `factor` (above 1) with the direction under the pixel, or `position`, coming to lie there.

        Far out and near a pole that is not always possible with north up; then as nearly as can be.
        """
        position = position or self.position(x, y)
        view = replace(self, scale_deg=self.scale_deg / factor).limited()
        return view if position is None else view.with_position_at(position[0], position[1], x, y)

    def with_position_at(self, ra_deg: float, dec_deg: float, x: float, y: float) -> Viewport:
        """Moved such that a position lies under a pixel (as nearly as the limits of the declination allow), north up."""
        local, inside = self._local(np.array([x]), np.array([y]))
        if not inside[0]:
            return self
        forward, east, north = (float(value) for value in local[0])
        # Rotating the middle to declination d must give sin(dec) = forward sin(d) + north cos(d).
        length = math.hypot(forward, north)
        if length < 1e-9:
            return self
        lift = math.asin(min(max(math.sin(math.radians(dec_deg)) / length, -1.0), 1.0))
        tilt = math.atan2(north, forward)
        candidates = [_wrapped(math.degrees(angle - tilt)) for angle in (lift, math.pi - lift)]
        possible = [d for d in candidates if abs(d) <= 90.0 + 1e-9] or [min(max(candidates[0], -90.0), 90.0)]
        dec = min(possible, key=lambda d: abs(d - self.dec_deg))
        view = replace(self, dec_deg=min(max(dec, -90.0), 90.0)).limited()
        if abs(view.dec_deg - dec) > 1e-6:
            return view._with_column_at(ra_deg, dec_deg, x)
        middle = math.radians(view.dec_deg)
        offset = math.degrees(math.atan2(east, forward * math.cos(middle) - north * math.sin(middle)))
        return replace(view, ra_deg=(ra_deg - offset) % 360.0)

    def _with_column_at(self, ra_deg: float, dec_deg: float, x: float) -> Viewport:
        """Turned in RA only, such that a position lies in a pixel column (three steps are enough)."""
        view = self
        for _ in range(3):
            found_x, found_y = view.pixels_of(ra_deg, dec_deg)
            local, inside = view._local(np.array([x, found_x]), np.array([found_y, found_y]))
            if not inside.all():
                break
            wanted, found = np.degrees(np.arctan2(local[:, 1], local[:, 0]))
            view = replace(view, ra_deg=(view.ra_deg + float(found - wanted)) % 360.0)
        return view


def _wrapped(angle_deg: float) -> float:
    return (angle_deg + 180.0) % 360.0 - 180.0


def broken_at_edges(x: Floats, y: Floats, ends: NDArray[np.bool_], view: Viewport) -> NDArray[np.bool_]:
    """Which vertices of lines are joined with the next one: not the last of a line, and not across the rim of the map.

    `ends` marks the last vertex of each line; all arrays have shape (n,).
    """
    jump = np.hypot(np.diff(x, append=x[-1:]), np.diff(y, append=y[-1:])) > 0.5 * HALF_WIDTH_DEG / view.scale_deg
    return ~(ends | jump | ~np.isfinite(x))


def circles(vectors: Floats, radius_deg: Floats, n_vertices: int = 48) -> Floats:
    """Points on circles around directions. `vectors` (n, 3), `radius_deg` (n,); returns (n, n_vertices, 3), closed."""
    pole = np.where(np.abs(vectors[:, 2:3]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(vectors, pole)
    first /= np.linalg.norm(first, axis=-1, keepdims=True)
    second = np.cross(vectors, first)
    angle = np.linspace(0.0, 2 * np.pi, n_vertices)
    around = first[:, None, :] * np.cos(angle)[None, :, None] + second[:, None, :] * np.sin(angle)[None, :, None]
    radius = np.radians(radius_deg)[:, None, None]
    return vectors[:, None, :] * np.cos(radius) + around * np.sin(radius)


def boxes(ra_min: Floats, ra_max: Floats, dec_min: Floats, dec_max: Floats, per_side: int = 12) -> Floats:
    """Outlines along lines of equal RA and Dec, degrees, each (n,); from `ra_min` eastward. Returns (n, 4 per_side + 1, 3)."""
    step = np.linspace(0.0, 1.0, per_side, endpoint=False)
    along = np.concatenate([step, np.ones(per_side), 1.0 - step, np.zeros(per_side), [0.0]])
    up = np.concatenate([np.zeros(per_side), step, np.ones(per_side), 1.0 - step, [0.0]])
    span = np.where(ra_max - ra_min >= 360.0, 360.0, (ra_max - ra_min) % 360.0)
    ra = ra_min[:, None] + span[:, None] * along
    return unit_vectors(ra, dec_min[:, None] + (dec_max - dec_min)[:, None] * up)
