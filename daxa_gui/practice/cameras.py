"""Where the chips of the cameras are, and how the sky falls on them. Camera coordinates (u, v) are arcsec, as DETX, DETY."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Chip:
    """A chip: raw pixel (x, y) has its centre at `origin` + x `step_x` + y `step_y` (arcsec). Raw pixels count from `first`."""

    number: int
    origin: tuple[float, float]
    step_x: tuple[float, float]
    step_y: tuple[float, float]
    n_x: int
    n_y: int
    first: int = 1

    @property
    def area_arcmin2(self) -> float:
        pixel = abs(self.step_x[0] * self.step_y[1] - self.step_x[1] * self.step_y[0])
        return self.n_x * self.n_y * pixel / 3600.0

    def uv(self, raw_x: Floats, raw_y: Floats) -> tuple[Floats, Floats]:
        """Camera coordinates of raw coordinates, which may have fractions."""
        return (
            self.origin[0] + raw_x * self.step_x[0] + raw_y * self.step_y[0],
            self.origin[1] + raw_x * self.step_x[1] + raw_y * self.step_y[1],
        )

    def raw(self, u: Floats, v: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Raw pixels of camera coordinates; those off the chip get numbers outside its range."""
        du, dv = u - self.origin[0], v - self.origin[1]
        length2 = self.step_x[0] ** 2 + self.step_x[1] ** 2
        x = (du * self.step_x[0] + dv * self.step_x[1]) / length2
        y = (du * self.step_y[0] + dv * self.step_y[1]) / length2
        return np.floor(x + 0.5).astype(np.int64), np.floor(y + 0.5).astype(np.int64)

    def holds(self, raw_x: NDArray[np.int64], raw_y: NDArray[np.int64]) -> NDArray[np.bool_]:
        last_x, last_y = self.first + self.n_x, self.first + self.n_y
        return (raw_x >= self.first) & (raw_x < last_x) & (raw_y >= self.first) & (raw_y < last_y)


@dataclass(frozen=True)
class BadColumn:
    """Raw column `x` of a chip is dead from row `y` to the end of the chip (or for `length` rows)."""

    chip: int
    x: int
    y: int
    length: int = 10_000


@dataclass(frozen=True)
class Camera:
    """The chips of one instrument and how it is mounted.

    `boresight` is where the pointing direction falls; light comes in a circle of `fov_radius_arcsec` around `fov_centre`.
    With roll `r`, camera = boresight + M(r + `turn_deg`) sky, sky = (-east, north) in arcsec, where M is a rotation or, with
    `mirrored`, a reflection (as for XMM, checked on real event lists).
    """

    name: str
    chips: tuple[Chip, ...]
    fov_radius_arcsec: float
    fov_centre: tuple[float, float] = (0.0, 0.0)
    boresight: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0
    mirrored: bool = False
    bad_columns: tuple[BadColumn, ...] = ()
    hot_pixels: tuple[tuple[int, int, int], ...] = ()  # chip, raw x, raw y

    def matrix(self, roll_deg: float) -> Floats:
        angle = np.radians(roll_deg + self.turn_deg)
        c, s = np.cos(angle), np.sin(angle)
        return np.array([[-c, -s], [-s, c]]) if self.mirrored else np.array([[c, -s], [s, c]])

    def from_sky(self, sky: Floats, roll_deg: float) -> tuple[Floats, Floats]:
        """(u, v) of sky offsets (-east, north), shape (2, n), arcsec."""
        u, v = self.matrix(roll_deg) @ sky
        return u + self.boresight[0], v + self.boresight[1]

    def to_sky(self, u: Floats, v: Floats, roll_deg: float) -> Floats:
        """Sky offsets (-east, north), shape (2, n), arcsec, of camera coordinates."""
        return self.matrix(roll_deg).T @ np.stack([u - self.boresight[0], v - self.boresight[1]])

    def off_axis_arcmin(self, u: Floats, v: Floats) -> Floats:
        return np.hypot(u - self.fov_centre[0], v - self.fov_centre[1]) / 60.0

    def place(self, u: Floats, v: Floats) -> tuple[NDArray[np.int16], NDArray[np.int16], NDArray[np.int16]]:
        """Chip number and raw pixel of camera coordinates; chip -1 for what falls beside the chips or on a dead pixel."""
        number = np.full(u.shape, -1, np.int16)
        raw_x, raw_y = np.zeros(u.shape, np.int16), np.zeros(u.shape, np.int16)
        for chip in self.chips:
            x, y = chip.raw(u, v)
            on = chip.holds(x, y)
            for bad in self.bad_columns:
                if bad.chip == chip.number:
                    on &= ~((x == bad.x) & (y >= bad.y) & (y < bad.y + bad.length))
            number[on], raw_x[on], raw_y[on] = chip.number, x[on], y[on]
        return number, raw_x, raw_y

    def scatter(self, n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
        """`n` positions spread evenly over all chips, whether light reaches them or not."""
        areas = np.array([chip.area_arcmin2 for chip in self.chips])
        index = rng.choice(len(areas), n, p=areas / areas.sum())
        u, v = np.empty(n), np.empty(n)
        fraction_x, fraction_y = rng.random(n), rng.random(n)
        for i, chip in enumerate(self.chips):
            here = index == i
            x, y = (
                chip.first - 0.5 + fraction[here] * size for fraction, size in ((fraction_x, chip.n_x), (fraction_y, chip.n_y))
            )
            u[here], v[here] = chip.uv(x, y)
        return u, v

    @property
    def area_arcmin2(self) -> float:
        return sum(chip.area_arcmin2 for chip in self.chips)


def _mos(name: str, origins: dict[int, tuple[float, float]], boresight: tuple[float, float], turn_deg: float) -> Camera:
    """Chip 1 in the middle, the others around it and turned; numbers in DETX, DETY units of 0.05 arcsec, fitted to real lists."""
    p = 22.02 * 0.05

    def chip(number: int, u: float, v: float) -> Chip:
        along = 0.0 if number == 1 else p if number <= 4 else -p
        step_x, step_y = ((p, 0.0), (0.0, p)) if number == 1 else ((0.0, along), (-along, 0.0))
        return Chip(number, (u * 0.05, v * 0.05), step_x, step_y, 600, 600)

    chips = tuple(chip(number, u, v) for number, (u, v) in origins.items())
    bad = (BadColumn(1, 385, 1), BadColumn(2, 321, 40), BadColumn(4, 130, 200), BadColumn(7, 512, 1, 260))
    hot: tuple[tuple[int, int, int], ...] = ((1, 44, 131), (1, 239, 384), (3, 300, 70), (5, 410, 222), (7, 95, 500))
    if name == "M2":
        bad = (BadColumn(1, 64, 300), BadColumn(3, 222, 1), BadColumn(5, 350, 120), BadColumn(6, 18, 1))
        hot = ((1, 512, 90), (2, 77, 410), (4, 255, 33), (6, 300, 560))
    return Camera(
        name, chips, 17700 * 0.05, (100 * 0.05, -200 * 0.05), (boresight[0] * 0.05, boresight[1] * 0.05), turn_deg, True, bad, hot
    )


# CCD 6 of MOS1 was lost in March 2005; the practice observations were « made » later.
MOS1 = _mos(
    "M1",
    {1: (-6616, -6616), 2: (13125, -20175), 3: (19884, -6923), 4: (13189, 6409), 5: (-13029, 19721), 7: (-13144, -6844)},
    (-1406, -1404), 0.0,
)  # fmt: skip
MOS2 = _mos(
    "M2",
    {1: (-6616, -6616), 2: (13257, -20030), 3: (19990, -6853), 4: (13228, 6522), 5: (-13202, 19789), 6: (-19859, 6552),
     7: (-13320, -6812)},
    (1224, -1628), 90.0,
)  # fmt: skip


def _pn() -> Camera:
    """Twelve CCDs of 64 x 200 pixels of 4.1 arcsec, six side by side in two rows; the axis is on CCD 4."""
    p, gap = 4.1, 2.0
    chips = []
    middle = (-134.0, -40.0)
    for number in range(1, 13):
        upper = number <= 6
        place = {1: 2, 2: 1, 3: 0, 4: 3, 5: 4, 6: 5, 7: 2, 8: 1, 9: 0, 10: 3, 11: 4, 12: 5}[number]
        left = middle[0] + (place - 3) * (64 * p + gap) + gap / 2
        edge = middle[1] + (gap if upper else -gap)
        if upper:
            chips.append(Chip(number, (left + 64 * p + p / 2, edge + 200 * p + p / 2), (-p, 0.0), (0.0, -p), 64, 200))
        else:
            chips.append(Chip(number, (left - p / 2, edge - 200 * p - p / 2), (p, 0.0), (0.0, p), 64, 200))
    bad = (BadColumn(1, 13, 80), BadColumn(5, 11, 1), BadColumn(7, 34, 1), BadColumn(10, 61, 1), BadColumn(11, 50, 1))
    hot = ((2, 40, 120), (4, 58, 30), (8, 21, 77), (12, 5, 150))
    return Camera("PN", tuple(chips), 870.0, (-20.0, 10.0), (58.0, -66.0), 90.0, True, bad, hot)


PN = _pn()


def _quadrants(
    name: str, n: int, pixel: float, gap: float, numbers: tuple[int, int, int, int], fov: float, **more: object
) -> Camera:
    """Four square chips, two by two: lower left, lower right, upper right, upper left."""
    size = n * pixel
    corners = ((-size - gap / 2, -size - gap / 2), (gap / 2, -size - gap / 2), (gap / 2, gap / 2), (-size - gap / 2, gap / 2))
    first = int(str(more.pop("first", 1)))
    offset = (0.5 - first) * pixel
    chips = tuple(
        Chip(number, (u + offset, v + offset), (pixel, 0.0), (0.0, pixel), n, n, first)
        for number, (u, v) in zip(numbers, corners, strict=True)
    )
    return Camera(name, chips, fov, **more)  # type: ignore[arg-type]


ACIS_I = _quadrants("ACIS", 1024, 0.492, 11.0, (0, 1, 3, 2), 745.0, boresight=(52.0, 48.0), bad_columns=(BadColumn(2, 700, 1),))
NUSTAR_A = _quadrants("FPMA", 64, 6.15, 7.0, (2, 3, 0, 1), 600.0, boresight=(38.0, 30.0), first=0)
NUSTAR_B = _quadrants("FPMB", 64, 6.15, 7.0, (2, 3, 0, 1), 600.0, boresight=(-24.0, 36.0), first=0, turn_deg=180.0)


def _single(name: str, n: int, pixel: float, fov: float, first: int = 1, bad: tuple[BadColumn, ...] = ()) -> Camera:
    origin = -(n / 2 + first - 0.5) * pixel
    return Camera(name, (Chip(0, (origin, origin), (pixel, 0.0), (0.0, pixel), n, n, first),), fov, bad_columns=bad)


XRT = _single("XRT", 600, 2.357, 860.0, 0, tuple(BadColumn(0, x, 1) for x in (290, 291, 293, 319)))
PSPC = _single("PSPCB", 8192, 0.934, 3420.0)
EROSITA_TMS = tuple(_single(f"TM{n}", 384, 9.6, 1845.0) for n in range(1, 8))
