"""From pixels of an image or of an event list to the sky: where shapes lie, how large they are and how they are turned.

Scales and angles are those at the shape's centre: the sky is looked at one pixel further in either direction (as the Astropy
package `regions` does since version 0.11), and the two half axes are mapped with that matrix.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.sky import unit_vectors
from daxa_gui.exchange.region_numbers import icrs_angle, icrs_point, tangents
from daxa_gui.exchange.region_values import Points
from daxa_gui.fits.cards import Header
from daxa_gui.fits.files import FitsFile, Hdu, open_fits
from daxa_gui.fits.world import column_wcs, image_grid
from daxa_gui.missions import MISSIONS

Sky = Callable[[float, float], tuple[float, float]]
Matrix = NDArray[np.float64]
_SKY_COLUMNS = ("X", "Y")


@dataclass(frozen=True)
class Axis:
    """pixel = offset + scale x coordinate."""

    offset: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True)
class PixelSystem:
    """`sky` gives longitude and latitude in degrees in `frame` of FITS pixels (the centre of the first is 1); `systems` says for
    each of DS9's pixel systems how its two coordinates become those pixels."""

    sky: Sky
    frame: str
    systems: dict[str, tuple[Axis, Axis]]
    source: str
    is_image: bool = field(default=True)

    def point(self, x: float, y: float, system: str) -> tuple[float, float]:
        """ICRS degrees; raises InputError for pixels that are not on the sky."""
        return icrs_point(*self._native(*self._pixel(x, y, system)), self.frame)

    def points(self, values: list[float], system: str) -> Points:
        return tuple(self.point(values[i], values[i + 1], system) for i in range(0, len(values), 2))

    def radius(self, x: float, y: float, system: str) -> float:
        """Degrees per unit of the system at a place: the geometric mean of the two directions."""
        centre, (to_x, to_y) = self._pixel(x, y, system), self._axes(system)
        matrix = self._matrix(*centre)
        return math.sqrt(float(np.linalg.norm(matrix[:, 0]) * np.linalg.norm(matrix[:, 1])) * abs(to_x.scale * to_y.scale))

    def half_axes(
        self, x: float, y: float, sizes: tuple[float, float], angle_deg: float, system: str
    ) -> tuple[float, float, float]:
        """Sizes in degrees and position angle (ICRS) of an ellipse or box; `angle_deg` is counted from the x axis to the y."""
        pixel, (to_x, to_y) = self._pixel(x, y, system), self._axes(system)
        cos, sin = math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))
        mapped = self._matrix(*pixel) @ np.diag([to_x.scale, to_y.scale]) @ np.array([[cos, -sin], [sin, cos]]) @ np.diag(sizes)
        first, second, direction = _principal(mapped, circular=math.isclose(*sizes, rel_tol=1e-5, abs_tol=1e-8))
        ra, dec = self.point(x, y, system)
        return first, second, icrs_angle(math.degrees(math.atan2(*direction)), ra, dec, self.frame)

    def direction(self, x: float, y: float, angle_deg: float, system: str) -> float:
        """Position angle (ICRS) of a direction that is counted from the x axis to the y axis."""
        return self.half_axes(x, y, (1.0, 1.0), angle_deg, system)[2]

    def _axes(self, system: str) -> tuple[Axis, Axis]:
        found = self.systems.get(system)
        if found is None:
            what = "an image" if self.is_image else "an event list, which has no image pixels"
            raise InputError(f"« {system} » coordinates cannot be converted with {self.source}: it is {what}.")
        return found

    def _pixel(self, x: float, y: float, system: str) -> tuple[float, float]:
        to_x, to_y = self._axes(system)
        return to_x.offset + to_x.scale * x, to_y.offset + to_y.scale * y

    def _native(self, x: float, y: float) -> tuple[float, float]:
        lon, lat = self.sky(x, y)
        if not (math.isfinite(lon) and math.isfinite(lat)):
            raise InputError(f"the pixel {x:g}, {y:g} of {self.source} is not on the sky.")
        return lon, lat

    def _matrix(self, x: float, y: float) -> Matrix:
        """Degrees to the east and to the north (rows) per pixel to the right and upwards (columns), shape (2, 2)."""
        lon, lat = self._native(x, y)
        centre, (east, north) = unit_vectors(lon, lat), tangents(lon, lat)
        columns = []
        for ahead in ((x + 1.0, y), (x, y + 1.0)):
            vector = unit_vectors(*self._native(*ahead))
            along = np.array([float(vector @ east), float(vector @ north)])
            apart = math.atan2(float(np.linalg.norm(np.cross(centre, vector))), float(centre @ vector))
            length = float(np.linalg.norm(along))
            columns.append(np.degrees(apart) * along / length if length else along)
        return np.array(columns).T


def _principal(mapped: Matrix, *, circular: bool) -> tuple[float, float, tuple[float, float]]:
    """Lengths of the two principal axes of a mapped ellipse and the direction (east, north) of the first: the one nearer to
    where the first axis went. A circle's first axis stays where it went."""
    directions, lengths, _ = np.linalg.svd(mapped)
    first = mapped[:, 0]
    order = (0, 1) if abs(directions[:, 0] @ first) >= abs(directions[:, 1] @ first) else (1, 0)
    direction = directions[:, order[0]]
    direction = first / np.linalg.norm(first) if circular else direction * (1.0 if direction @ first >= 0 else -1.0)
    return float(lengths[order[0]]), float(lengths[order[1]]), (float(direction[0]), float(direction[1]))


# ---------------------------------------------------------------------------------------------------------------------- files


def pixel_system(path: str | Path) -> PixelSystem:
    """The pixel coordinates of a FITS image, or of the sky pixels (X, Y) of an event list.

    Raises
    ------
    FileError : not readable, no FITS, or nothing in it tells where its pixels are on the sky.
    """
    fits = open_fits(path)
    for hdu in fits.hdus:
        if (found := _of_image(fits, hdu)) is not None:
            return found
    for hdu in fits.hdus:
        if hdu.is_table and (found := _of_events(fits, hdu)) is not None:
            return found
    raise FileError(
        f"{Path(path).name} does not tell where its pixels are on the sky.",
        "Choose an image or an event list with world coordinates (CTYPEn, CRPIXn …, or TCTYPn, TCRPXn …).",
    )


def _of_image(fits: FitsFile, hdu: Hdu) -> PixelSystem | None:
    header = hdu.header
    if not (hdu.is_image or hdu.is_compressed_image) or not header.text("CTYPE1") or header.number("CRVAL1") is None:
        return None
    from astropy.io.fits import Header as AstropyHeader
    from astropy.wcs import WCS

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(AstropyHeader.fromstring(header.raw), naxis=2)
            celestial = wcs.has_celestial
        except (ValueError, TypeError, KeyError, AttributeError, MemoryError, OSError):  # what astropy and wcslib throw
            return None
    if not celestial or wcs.naxis != 2 or wcs.wcs.lng != 0:
        return None

    def sky(x: float, y: float) -> tuple[float, float]:
        lon, lat = wcs.all_pix2world([[x, y]], 1)[0]
        return float(lon), float(lat)

    n_x, n_y = (int(header.number(f"ZNAXIS{n}", f"NAXIS{n}") or 1) for n in (1, 2))
    return PixelSystem(sky, _frame(header, header.text("CTYPE1")), _systems(header, n_x, n_y), fits.path.name)


def _systems(header: Header, n_x: int, n_y: int) -> dict[str, tuple[Axis, Axis]]:
    """« image » and « physical »; without a linear system in the header the two are the same, as in DS9."""
    grid = image_grid(header, n_x, n_y)
    physical = (Axis(), Axis())
    if grid is not None:
        physical = (
            Axis(0.5 - grid.edge_x / grid.bin_x, 1.0 / grid.bin_x),
            Axis(0.5 - grid.edge_y / grid.bin_y, 1.0 / grid.bin_y),
        )
    return {"image": (Axis(), Axis()), "physical": physical}


def _of_events(fits: FitsFile, hdu: Hdu) -> PixelSystem | None:
    names = {hdu.header.text(f"TTYPE{n}").upper(): n for n in range(1, int(hdu.header.number("TFIELDS") or 0) + 1)}
    if not all(name in names for name in _SKY_COLUMNS):
        return None
    x, y = (names[name] for name in _SKY_COLUMNS)
    wcs, _ = column_wcs(hdu.header, x, y, _pixel_arcsec(hdu.header))
    if wcs is None:
        return None

    def sky(px: float, py: float) -> tuple[float, float]:
        lon, lat = wcs.sky(px, py)
        return float(lon), float(lat)

    frame = _frame(hdu.header, hdu.header.text(f"TCTYP{x}", "REFXCTYP"), f"RADE{x}")
    return PixelSystem(sky, frame, {"physical": (Axis(), Axis())}, fits.path.name, is_image=False)


def _pixel_arcsec(header: Header) -> float:
    """The mission's size of sky pixels, for files whose keywords say degrees and mean arcseconds; 0 if it is not known."""
    telescope, instrument = header.text("TELESCOP").upper(), header.text("INSTRUME").upper()
    for form in (form for spec in MISSIONS.values() for form in spec.event_formats):
        if telescope in form.telescopes and (not form.instruments or instrument in form.instruments):
            return form.pixel_arcsec
    return 0.0


def _frame(header: Header, kind: str, *more: str) -> str:
    """What the sky coordinates are in (Calabretta & Greisen 2002, section 3.1: without RADESYS the equinox decides)."""
    if kind.upper().startswith("GLON"):
        return "galactic"
    if kind.upper().startswith("ELON"):
        return "ecliptic"
    said = header.text("RADESYS", "RADECSYS", *more).upper().strip()
    if said in ("ICRS", "FK5", "FK4"):
        return said.lower()
    equinox = header.number("EQUINOX")
    if equinox is None:
        return "icrs"
    return "fk4" if equinox < 1984.0 else "fk5"
