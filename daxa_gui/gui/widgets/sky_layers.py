"""What the sky plot shows of one mission: which rows are in view, where they lie, their fields of view, their density."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import lon_lat_deg
from daxa_gui.gui.widgets.sky_projection import Floats, Viewport, boxes, circles

MOST_POINTS = 4_000  # of one mission in view, each with a symbol of its own; where there are more, the plot shows their density
MOST_OUTLINES = 700  # fields of view drawn at the same time for one mission
SMALLEST_OUTLINE_PX = 14.0
_TILE_COLUMNS = ("ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg")
_GRID = (360, 720)  # cells of equal area: sine of the latitude, longitude
N_CELLS = _GRID[0] * _GRID[1]


class MissionLayer:
    """One mission's rows with a position. `selected` says which of all rows of the catalogue pass the filters."""

    def __init__(self, spec: MissionSpec, catalogue: Catalogue, selected: NDArray[np.bool_]) -> None:
        self.spec = spec
        self.catalogue = catalogue
        self.shown = True
        self._with_position = np.nonzero(np.isfinite(catalogue.vectors).all(axis=1))[0]
        self._outline_key: bytes = b""
        self._outlines: Floats = np.empty((0, 0, 3))
        self._cells: NDArray[np.int32] | None = None
        self._all: NDArray[np.int64] | None = None  # rows per cell, and those of them that pass
        self._passing: NDArray[np.int64] | None = None
        self.rows = self._with_position[:0]
        self.x: Floats = np.empty(0)
        self.y: Floats = np.empty(0)
        self.dense = False  # those that do not pass are shaded
        self.crowded = False  # those that pass are shaded, too
        self.set_selected(selected)

    def set_selected(self, selected: NDArray[np.bool_]) -> None:
        self.selected = selected if len(selected) == len(self.catalogue) else np.zeros(len(self.catalogue), bool)
        self._passing = None

    def prepare(self) -> None:
        """What takes long and is needed once; for any thread, before the layer is shown."""
        self.counts(np.zeros(0, np.int64))
        self.catalogue.row_of.get("")

    def place(self, view: Viewport) -> None:
        """Find the rows in view and their pixels; `dense` where there are too many to show each one, `crowded` where there are
        too many that pass."""
        rows, vectors = self._with_position, self.catalogue.vectors
        radius = view.radius_deg
        self.dense = self.crowded = False
        if len(rows) > MOST_POINTS:
            if radius < 179.0:
                near = vectors @ view.rotation()[0] > np.cos(np.radians(radius))
                rows = np.nonzero(near)[0]
            self.dense = len(rows) > MOST_POINTS
            if self.dense:
                rows = rows[self.selected[rows]]
                self.crowded = len(rows) > MOST_POINTS
                rows = rows[:0] if self.crowded else rows
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

    def cells(self) -> NDArray[np.int32]:
        """The cell of a grid of equal areas over the whole sky that each row with a position lies in; found once."""
        if self._cells is None:
            self._cells = _cell_of(self.catalogue.vectors[self._with_position]).astype(np.int32)
        return self._cells

    def counts(self, cells: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows in each of these cells, both of the shape of `cells`: those that pass, and those that do not."""
        if self._all is None:
            self._all = np.bincount(self.cells(), minlength=N_CELLS)
        if self._passing is None:
            self._passing = np.bincount(self.cells()[self.selected[self._with_position]], minlength=N_CELLS)
        passing = self._passing[cells]
        return passing, self._all[cells] - passing


def _cell_of(vectors: Floats) -> NDArray[np.int64]:
    """The cell of each unit vector, (n, 3); rows of sine of the latitude, columns of longitude."""
    lon, _ = lon_lat_deg(vectors)
    band = np.clip(((vectors[:, 2] + 1.0) * 0.5 * _GRID[0]).astype(int), 0, _GRID[0] - 1)
    cell: NDArray[np.int64] = band * _GRID[1] + (lon * _GRID[1] / 360.0).astype(int) % _GRID[1]
    return cell


def density_images(layers: list[MissionLayer], view: Viewport, bin_px: int) -> tuple[Floats, Floats] | None:
    """Rows per cell of the sky under each `bin_px` pixels of the view, both (rows, columns): those that pass, of missions where
    they are crowded, and those that do not. None where no layer is dense."""
    dense = [layer for layer in layers if layer.dense and layer.shown]
    if not dense:
        return None
    x = np.arange(0, view.width, bin_px) + bin_px / 2
    y = np.arange(0, view.height, bin_px) + bin_px / 2
    grid_x, grid_y = np.meshgrid(x, y)
    vectors = view.vectors(grid_x.ravel(), grid_y.ravel())
    inside = np.isfinite(vectors[:, 0])
    cells = _cell_of(np.where(inside[:, None], vectors, 1.0))
    passing, left_out = np.zeros(len(cells)), np.zeros(len(cells))
    for layer in dense:
        pass_here, others_here = layer.counts(cells)
        left_out += others_here
        if layer.crowded:
            passing += pass_here
    shape = grid_x.shape
    return np.where(inside, passing, 0.0).reshape(shape), np.where(inside, left_out, 0.0).reshape(shape)
