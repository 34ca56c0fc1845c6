"""Small marks of the sky plot in pixels: crosses, the target around the chosen observation, names of lines. No Qt here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from daxa_gui.gui.widgets.sky_graticule import Label, Lines
from daxa_gui.gui.widgets.sky_projection import Floats, Viewport

SMALLEST_OUTLINE_PX = 6.0


def symbol_size(number: int) -> int:
    """Pixels of a symbol: smaller ones where many are to be seen."""
    return 9 if number <= 300 else 7 if number <= 1000 else 5


def box_between(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float, float, float]:
    """RA from, RA to (eastward, the shorter way round), Dec from, Dec to of two corners."""
    eastward = (second[0] - first[0] + 180.0) % 360.0 - 180.0
    ra_from, ra_to = (first[0], second[0]) if eastward >= 0 else (second[0], first[0])
    return ra_from, ra_to, min(first[1], second[1]), max(first[1], second[1])


def joined(pieces: Sequence[Lines]) -> Lines:
    """Several polylines as one value."""
    if not pieces:
        return Lines(np.empty(0), np.empty(0), np.empty(0, bool))
    return Lines(
        np.concatenate([p.x for p in pieces]), np.concatenate([p.y for p in pieces]), np.concatenate([p.joined for p in pieces])
    )


def crosses(x: Floats, y: Floats, size: float) -> Lines:
    """Two strokes through each pixel; places without a pixel (NaN) have none."""
    seen = np.isfinite(x) & np.isfinite(y)
    x, y = x[seen], y[seen]
    strokes_x = np.stack([x - size, x + size, x, x], axis=-1)
    strokes_y = np.stack([y, y, y - size, y + size], axis=-1)
    return Lines(strokes_x.ravel(), strokes_y.ravel(), np.tile([True, False, True, False], len(x)))


def worth_drawing(outlines: Floats, view: Viewport) -> Floats:
    """Of many outlines, shape (n, vertices, 3), those that would be more than a dot; what they are around has a cross anyway.

    Lines that are not closed are pieces of a longer one (the edge of a coverage map) and all drawn."""
    if len(outlines) <= 50 or not np.allclose(outlines[0, 0], outlines[0, -1], rtol=0.0, atol=1e-12):
        return outlines
    across_rad = np.linalg.norm(outlines - outlines[:, :1], axis=-1).max(axis=-1)  # chords; small ones are angles
    return outlines[np.degrees(across_rad) >= SMALLEST_OUTLINE_PX * view.scale_deg]


def target(x: float, y: float) -> Lines:
    """A ring with four ticks around a pixel."""
    angle = np.linspace(0.0, 2 * np.pi, 33)
    ring = Lines(x + 11 * np.cos(angle), y + 11 * np.sin(angle), np.append(np.ones(32, bool), False))
    pieces = [ring]
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        pieces.append(Lines(x + dx * np.array([11.0, 18.0]), y + dy * np.array([11.0, 18.0]), np.array([True, False])))
    return joined(pieces)


def plane_labels(planes: Sequence[Lines], names: Sequence[str], view: Viewport) -> list[Label]:
    """The name of each line at a place well inside the plot."""
    labels = []
    for plane, name, fraction in zip(planes, names, (0.3, 0.7), strict=True):
        margin = 60.0
        inside = np.nonzero((plane.x > margin) & (plane.x < view.width - margin) & (plane.y > 24) & (plane.y < view.height - 30))[
            0
        ]
        if len(inside):
            best = inside[int(np.argmin(np.abs(plane.x[inside] - fraction * view.width)))]
            labels.append(Label(float(plane.x[best]), float(plane.y[best]), name))
    return labels
