"""Images as values: counts or exposure on a pixel grid, with the world coordinates that go with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.sky import LinearWcs


@dataclass(frozen=True)
class PixelGrid:
    """Pixels over event coordinates: pixel i covers [edge + i*bin, edge + (i+1)*bin)."""

    edge_x: float
    edge_y: float
    bin_x: float
    bin_y: float
    n_x: int
    n_y: int

    def wcs_of(self, events: LinearWcs) -> LinearWcs:
        """World coordinates of these pixels, from those of the event coordinates."""
        return LinearWcs(
            (events.crpix_x - self.edge_x) / self.bin_x + 0.5,
            (events.crpix_y - self.edge_y) / self.bin_y + 0.5,
            events.crval_ra_deg,
            events.crval_dec_deg,
            events.cdelt_x_deg * self.bin_x,
            events.cdelt_y_deg * self.bin_y,
            events.projection,
        )


@dataclass(frozen=True, eq=False)
class SkyImage:
    """`values` has shape (n_y, n_x), row 0 at the bottom (south). `wcs` is that of the image's own pixels."""

    values: NDArray[np.generic]
    grid: PixelGrid
    wcs: LinearWcs | None
    unit: str  # "count", "s", "count/s"
    title: str = ""
    band_kev: tuple[float, float] | None = None
