"""What the sky plot shows of one mission: which rows are in view, where they lie, their fields of view, their density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import lon_lat_deg
from daxa_gui.gui.widgets.sky_projection import Floats, Viewport, boxes, circles

MOST_POINTS = 12_000  # in view; above, and in catalogues of more than MOST_ROWS, the plot shows a density
MOST_ROWS = 50_000
MOST_OUTLINES = 700  # fields of view drawn at the same time for one mission
SMALLEST_OUTLINE_PX = 14.0
_TILE_COLUMNS = ("ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg")
_GRID = (360, 720)  # cells of equal area: sine of the latitude, longitude


class MissionLayer:
    """One mission's rows with a position. `selected` says which of all rows of the catalogue pass the filters."""

    def __init__(self, spec: MissionSpec, catalogue: Catalogue, selected: NDArray[np.bool_]) -> None:
        self.spec = spec
        self.catalogue = catalogue
        self.shown = True
        self._with_position = np.nonzero(np.isfinite(catalogue.vectors).all(axis=1))[0]
        self._outline_key: bytes = b""
        self._outlines: Floats = np.empty((0, 0, 3))
        self._density: Floats | None = None
        self.rows = self._with_position[:0]
        self.x: Floats = np.empty(0)
        self.y: Floats = np.empty(0)
        self.dense = False
        self.set_selected(selected)

    def set_selected(self, selected: NDArray[np.bool_]) -> None:
        self.selected = selected if len(selected) == len(self.catalogue) else np.zeros(len(self.catalogue), bool)

    def place(self, view: Viewport) -> None:
        """Find the rows in view and their pixels; `dense` where there are too many to show each one."""
        rows, vectors = self._with_position, self.catalogue.vectors
        radius = view.radius_deg
        if len(rows) > MOST_ROWS:
            if radius < 179.0:
                near = vectors @ view.rotation()[0] > np.cos(np.radians(radius))
                rows = np.nonzero(near)[0]
            self.dense = len(rows) > MOST_POINTS
            if self.dense:
                rows = rows[self.selected[rows]]
                rows = rows if len(rows) <= MOST_POINTS else rows[:0]
            vectors = vectors[rows]
        elif len(rows) != len(vectors):
            vectors = vectors[rows]
        self.rows = rows
        self.x, self.y = view.pixels(vectors)

    def in_view(self, view: Viewport) -> NDArray[np.bool_]:
        """Which of `rows` are inside the plot, shape of `rows`."""
        return (self.x > -20) & (self.x < view.width + 20) & (self.y > -20) & (self.y < view.height + 20)

    def outlines(self, view: Viewport) -> tuple[Floats, NDArray[np.int64]]:
        """Fields of view that are large enough to be drawn: vectors (n, vertices, 3) and the row of each."""
        fov = self.catalogue.fov_radius_deg
        nothing = np.empty((0, 0, 3)), np.empty(0, np.int64)
        if len(self.rows) == 0 or self.dense:
            return nothing
        radius_px = fov[self.rows] / view.scale_deg
        reach = np.nan_to_num(radius_px) * 1.6 + 2
        visible = (
            (radius_px >= SMALLEST_OUTLINE_PX)
            & (self.x > -reach) & (self.x < view.width + reach)
            & (self.y > -reach) & (self.y < view.height + reach)
        )  # fmt: skip
        rows = self.rows[visible]
        if len(rows) == 0 or len(rows) > MOST_OUTLINES:
            return nothing
        if rows.tobytes() != self._outline_key:
            self._outline_key, self._outlines = rows.tobytes(), self._outline_vectors(rows)
        return self._outlines, rows

    def _outline_vectors(self, rows: NDArray[np.int64]) -> Floats:
        extra = self.catalogue.extra
        if all(name in extra for name in _TILE_COLUMNS):
            bounds = [np.asarray(extra[name][rows], float) for name in _TILE_COLUMNS]
            if all(np.isfinite(bound).all() for bound in bounds):
                ra_min, ra_max, dec_min, dec_max = bounds
                return boxes(ra_min, ra_max, dec_min, dec_max)
        return circles(self.catalogue.vectors[rows], self.catalogue.fov_radius_deg[rows], 73)

    def nearest(self, x: float, y: float, within_px: float) -> tuple[int, float] | None:
        """Row and distance in pixels of the nearest one; selected ones win where both are near."""
        if len(self.rows) == 0 or not self.shown:
            return None
        distance = np.hypot(self.x - x, self.y - y)
        near = np.nonzero(distance <= within_px)[0]
        if len(near) == 0:
            return None
        best = near[np.lexsort((distance[near], ~self.selected[self.rows[near]]))[0]]
        return int(self.rows[best]), float(distance[best])

    def density_cells(self) -> Floats:
        """Rows per cell of a grid of equal areas over the whole sky, counted once."""
        if self._density is None:
            lon, _ = lon_lat_deg(self.catalogue.vectors[self._with_position])
            band = (self.catalogue.vectors[self._with_position, 2] + 1.0) * 0.5 * _GRID[0]
            cell = np.clip(band.astype(int), 0, _GRID[0] - 1) * _GRID[1] + (lon * _GRID[1] / 360.0).astype(int) % _GRID[1]
            self._density = np.bincount(cell, minlength=_GRID[0] * _GRID[1]).reshape(_GRID).astype(float)
        return self._density


def density_image(layers: list[MissionLayer], view: Viewport, bin_px: int) -> Floats | None:
    """Rows per cell of the sky under each `bin_px` pixels of the view, (rows, columns); None where no layer is dense."""
    dense = [layer for layer in layers if layer.dense and layer.shown]
    if not dense:
        return None
    cells = np.sum([layer.density_cells() for layer in dense], axis=0)
    x = np.arange(0, view.width, bin_px) + bin_px / 2
    y = np.arange(0, view.height, bin_px) + bin_px / 2
    grid_x, grid_y = np.meshgrid(x, y)
    vectors = view.vectors(grid_x.ravel(), grid_y.ravel())
    inside = np.isfinite(vectors[:, 0])
    lon, _ = lon_lat_deg(np.where(inside[:, None], vectors, 1.0))
    band = np.clip(((np.where(inside, vectors[:, 2], 0.0) + 1.0) * 0.5 * _GRID[0]).astype(int), 0, _GRID[0] - 1)
    counts = cells[band, (lon * _GRID[1] / 360.0).astype(int) % _GRID[1]]
    return np.where(inside, counts, 0.0).reshape(grid_x.shape)
