"""Counts images of event lists on the missions' usual pixel grids, or on any other."""

from __future__ import annotations

import math

import numpy as np

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.images import PixelGrid, SkyImage
from daxa_gui.core.timeseries import Gti
from daxa_gui.reduction.engine.events import select

MAXIMUM_PIXELS = 4096  # along one side; a larger grid is binned by 2, 4 …


def default_grid(events: EventList) -> PixelGrid:
    """The pixels that the mission's format asks for, centred on the legal range of X and Y (on the events if that is unknown).

    XMM-Newton: 512 x 512 pixels of 87 units, edge 3648.5, as the usual SAS images have.

    Raises
    ------
    ReductionError : the list has no sky coordinates.
    """
    x_low, x_high = _range(events, "x")
    y_low, y_high = _range(events, "y")
    size = float(events.format.image_bin)
    if events.format.image_pixels:
        n_x = n_y = events.format.image_pixels
    else:
        while max(x_high - x_low, y_high - y_low) / size > MAXIMUM_PIXELS:
            size *= 2
        n_x, n_y = max(math.ceil((x_high - x_low) / size), 1), max(math.ceil((y_high - y_low) / size), 1)
    centre_x, centre_y = (x_low + x_high) / 2, (y_low + y_high) / 2
    return PixelGrid(centre_x - n_x * size / 2, centre_y - n_y * size / 2, size, size, n_x, n_y)


def _range(events: EventList, axis: str) -> tuple[float, float]:
    legal = events.x_range if axis == "x" else events.y_range
    if legal is not None:
        return legal
    values = events.x if axis == "x" else events.y
    if values is None:
        raise ReductionError(f"{events.path} has no sky coordinates, so no image can be made.", "Timing modes have none.")
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise ReductionError(f"{events.path} has no event with sky coordinates, so no image can be made.")
    return math.floor(float(finite.min())) - 0.5, math.floor(float(finite.max())) + 1.5


def make_image(
    events: EventList,
    band_kev: tuple[float, float] | None,
    gti: Gti | None = None,
    grid: PixelGrid | None = None,
    selected: bool = True,
) -> SkyImage:
    """Counts in the pixels of a grid: pixel index = floor((X - edge) / bin).

    Parameters
    ----------
    band_kev : energies, both ends included; None for all events, also those without energy.
    gti : only events in this time; None for all good time.
    grid : None for the mission's usual one (`default_grid`).
    selected : only events of good pattern, flags and time.

    Returns
    -------
    SkyImage with integer counts, shape (n_y, n_x). Events without sky coordinates are in no pixel.
    """
    grid = grid or default_grid(events)
    if events.x is None or events.y is None:
        raise ReductionError(f"{events.path} has no sky coordinates, so no image can be made.", "Timing modes have none.")
    mask = select(events, band_kev, gti, selected=selected)
    x, y = (events.x[mask] - grid.edge_x) / grid.bin_x, (events.y[mask] - grid.edge_y) / grid.bin_y
    on_grid = (x >= 0) & (x < grid.n_x) & (y >= 0) & (y < grid.n_y)
    pixel = y[on_grid].astype(np.int64) * grid.n_x + x[on_grid].astype(np.int64)
    counts = np.bincount(pixel, minlength=grid.n_x * grid.n_y).reshape(grid.n_y, grid.n_x)
    wcs = None if events.wcs is None else grid.wcs_of(events.wcs)
    title = " ".join(part for part in (events.target, events.instrument, events.obs_id) if part)
    return SkyImage(counts.astype(np.int32), grid, wcs, "count", title, band_kev)
