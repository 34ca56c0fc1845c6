"""The lines behind the sky plot: graticule with labels, galactic plane, ecliptic, rim of the map. Arrays only, no Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.sky import ICRS_TO_GALACTIC, OBLIQUITY_DEG, unit_vectors
from daxa_gui.gui.widgets.sky_projection import HALF_HEIGHT_DEG, HALF_WIDTH_DEG, Floats, Viewport, broken_at_edges

_SPACING_PX = 105.0
_STEPS_DEG = (30.0, 15.0, 10.0, 5.0, 2.0, 1.0, 1 / 2, 1 / 3, 1 / 6, 1 / 12, 1 / 30, 1 / 60, 1 / 120, 1 / 360, 1 / 720, 1 / 1800)
_STEPS_DECIMAL_DEG = (30.0, 20.0, 10.0, 5.0, 2.0, 1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005)
_STEPS_RA_S = (14400, 7200, 3600, 1800, 1200, 600, 300, 120, 60, 30, 20, 10, 5, 2, 1)  # seconds of time


@dataclass(frozen=True)
class Lines:
    """Polylines in pixels: `joined[i]` says that vertex i is joined with vertex i + 1. All of shape (n,)."""

    x: Floats
    y: Floats
    joined: NDArray[np.bool_]


@dataclass(frozen=True)
class Label:
    """Text at a pixel. `align` is "centre", "left" or "right" of the pixel; the text stands around it vertically."""

    x: float
    y: float
    text: str
    align: str = "centre"


def polylines(vectors: Floats, view: Viewport) -> Lines:
    """Lines of the sky, shape (number of lines, vertices of each, 3), in pixels of a view."""
    count, length = vectors.shape[:2]
    x, y = view.pixels(vectors.reshape(-1, 3))
    ends = np.zeros((count, length), bool)
    ends[:, -1:] = True
    return Lines(x, y, broken_at_edges(x, y, ends.ravel(), view))


def galactic_plane() -> Floats:
    """Galactic latitude 0, shape (1, 361, 3)."""
    lon = np.linspace(0.0, 360.0, 361)
    return (unit_vectors(lon, np.zeros_like(lon)) @ ICRS_TO_GALACTIC)[None]


def ecliptic() -> Floats:
    """Ecliptic latitude 0 at J2000, shape (1, 361, 3)."""
    lon = np.linspace(0.0, 360.0, 361)
    tilt = math.radians(OBLIQUITY_DEG)
    x, y, _ = unit_vectors(lon, np.zeros_like(lon)).T
    return np.stack([x, y * math.cos(tilt), y * math.sin(tilt)], axis=-1)[None]


def rim(view: Viewport) -> Lines:
    """The edge of the map of the whole sky."""
    angle = np.linspace(0.0, 2 * np.pi, 181)
    x = view.width / 2 + HALF_WIDTH_DEG / view.scale_deg * np.cos(angle)
    y = view.height / 2 + HALF_HEIGHT_DEG / view.scale_deg * np.sin(angle)
    return Lines(x, y, np.append(np.ones(180, bool), False))


@dataclass(frozen=True)
class Graticule:
    lines: Lines
    labels: tuple[Label, ...]


def graticule(view: Viewport, style: str) -> Graticule:
    """Lines of equal RA and Dec in what a view shows, about 100 pixels apart. `style` is "sexagesimal" or "degrees"."""
    radius = view.radius_deg
    dec_low, dec_high = max(view.dec_deg - radius, -90.0), min(view.dec_deg + radius, 90.0)
    pole = view.shows_whole_sky or abs(view.dec_deg) + radius >= 89.5
    if pole:
        ra_low, ra_high = view.ra_deg - 180.0, view.ra_deg + 180.0
    else:
        half = math.degrees(math.asin(min(math.sin(math.radians(radius)) / math.cos(math.radians(view.dec_deg)), 1.0)))
        ra_low, ra_high = view.ra_deg - half, view.ra_deg + half
    dec_step = _dec_step(view, style)
    ra_step = _ra_step(view, style, pole, radius)
    decs = _ticks(dec_low, dec_high, dec_step)
    decs = decs[np.abs(decs) < 90.0 - 1e-9]
    ras = _ticks(ra_low, ra_high, ra_step)
    if pole:
        ras = ras[: max(round(360.0 / ra_step), 1)]
    n = int(min(max(radius, 48.0), 181.0))
    meridians = unit_vectors(np.repeat(ras[:, None], n, 1), np.linspace(dec_low, dec_high, n)[None].repeat(len(ras), 0))
    parallels = unit_vectors(np.linspace(ra_low, ra_high, n)[None].repeat(len(decs), 0), np.repeat(decs[:, None], n, 1))
    upright, level = polylines(meridians, view), polylines(parallels, view)
    labels = [
        *_ra_labels(view, ras, ra_step, style, upright, n, pole, radius),
        *_dec_labels(view, decs, dec_step, style, level, n, pole),
    ]
    lines = Lines(
        np.concatenate([upright.x, level.x]),
        np.concatenate([upright.y, level.y]),
        np.concatenate([upright.joined, level.joined]),
    )
    return Graticule(lines, tuple(labels))


def _ticks(low: float, high: float, step: float) -> Floats:
    return step * np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1, dtype=np.float64)


def _dec_step(view: Viewport, style: str) -> float:
    steps = _STEPS_DEG if style == "sexagesimal" else _STEPS_DECIMAL_DEG
    wanted = 0.75 * _SPACING_PX * view.scale_deg
    return min(steps, key=lambda step: abs(math.log(step / wanted)))


def _ra_step(view: Viewport, style: str, pole: bool, radius: float) -> float:
    wanted = _SPACING_PX * view.scale_deg
    if pole:
        wanted = max(15.0, wanted) if view.shows_whole_sky or radius > 60 else 30.0
    else:
        wanted /= max(math.cos(math.radians(view.dec_deg)), 0.02)
    steps = tuple(s / 240.0 for s in _STEPS_RA_S) if style == "sexagesimal" else (60.0, *_STEPS_DECIMAL_DEG)
    return min(steps, key=lambda step: abs(math.log(step / wanted)))


def _ra_labels(
    view: Viewport, ras: Floats, step: float, style: str, lines: Lines, n: int, pole: bool, radius: float
) -> list[Label]:
    """At the lower edge; where a pole is in the way, along a parallel."""
    labels = []
    if pole:
        dec = 0.0 if radius > 60 else math.copysign(90.0 - min(0.3 * view.field_height_deg, 30.0), view.dec_deg)
        x, y = view.pixels(unit_vectors(ras, np.full_like(ras, dec)))
        margin = 60 if view.shows_whole_sky else 24  # the labels of declinations stand at the rim
        for ra, px, py in zip(ras, x, y, strict=True):
            if margin < px < view.width - margin and 8 < py < view.height - 8:
                labels.append(Label(float(px), float(py) + 9.0, format_ra_tick(ra, step, style)))
        return labels
    edge = view.height - 10.0
    for row, ra in enumerate(ras):
        x, y = lines.x[row * n : (row + 1) * n], lines.y[row * n : (row + 1) * n]
        place = _crossing(y, x, edge)
        if place is not None and 20 < place < view.width - 20:
            labels.append(Label(place, edge, format_ra_tick(ra, step, style)))
    return labels


def _dec_labels(view: Viewport, decs: Floats, step: float, style: str, lines: Lines, n: int, pole: bool) -> list[Label]:
    """At the left edge; outside the rim where the whole sky is seen; along the middle meridian where a pole is in the way."""
    labels = []
    for row, dec in enumerate(decs):
        x, y = lines.x[row * n : (row + 1) * n], lines.y[row * n : (row + 1) * n]
        text = format_dec_tick(dec, step, style)
        if view.shows_whole_sky:
            left = int(np.nanargmin(x))
            labels.append(Label(float(x[left]) - 4.0, float(y[left]), text, "right"))
        elif pole:
            px, py = view.pixels_of(view.ra_deg, float(dec))
            if 12 < py < view.height - 24:
                labels.append(Label(px + 4.0, py - 8.0, text, "left"))
        else:
            place = _crossing(x, y, 6.0)
            if place is not None and 12 < place < view.height - 26:
                labels.append(Label(6.0, place - 8.0, text, "left"))
    return labels


def _crossing(along: Floats, across: Floats, edge: float) -> float | None:
    """Where a line crosses `along == edge`: the other coordinate, or None."""
    side = np.sign(along - edge)
    hits = np.nonzero((side[:-1] * side[1:] < 0) & (np.abs(np.diff(along)) < 400))[0]
    if len(hits) == 0:
        return None
    i = hits[0]
    fraction = (edge - along[i]) / (along[i + 1] - along[i])
    return float(across[i] + fraction * (across[i + 1] - across[i]))


def format_ra_tick(ra_deg: float, step_deg: float, style: str) -> str:
    """« 10h », « 10h 41m », « 10h 41m 20s » as fine as the step needs, or degrees."""
    if style == "degrees":
        digits = _decimals(step_deg)
        return f"{round(ra_deg, digits) % 360.0:.{digits}f}°"
    seconds = round(ra_deg * 240.0) % 86400
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    if step_deg >= 15.0 - 1e-9:
        return f"{hours}h"
    if step_deg >= 0.25 - 1e-9:
        return f"{hours}h {minutes:02d}m"
    return f"{hours}h {minutes:02d}m {seconds:02d}s"


def format_dec_tick(dec_deg: float, step_deg: float, style: str) -> str:
    """« +30° », « -12° 20′ », « -12° 20′ 30″ » as fine as the step needs, or decimal degrees."""
    sign = "-" if dec_deg < -1e-9 else "+" if dec_deg > 1e-9 else ""
    if style == "degrees":
        return f"{sign}{abs(dec_deg):.{_decimals(step_deg)}f}°"
    seconds = round(abs(dec_deg) * 3600.0)
    degrees, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    if step_deg >= 1.0 - 1e-9:
        return f"{sign}{degrees}°"
    if step_deg >= 1 / 60 - 1e-9:
        return f"{sign}{degrees}° {minutes:02d}′"
    return f"{sign}{degrees}° {minutes:02d}′ {seconds:02d}″"


def _decimals(step_deg: float) -> int:
    return max(0, math.ceil(-math.log10(step_deg) - 1e-9))
