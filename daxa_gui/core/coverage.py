"""What a `Distance` means for the rows of a catalogue: how far each reaches, and which of its instruments cover a position."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.footprint import TILE_COLUMNS, Footprint, in_square, in_tile, tile_reach_deg
from daxa_gui.core.places import Places

# Rounding in degrees → unit vectors → degrees reaches a few 1e-14 degrees; no instrument tells such directions apart.
TOLERANCE_DEG = 1e-12


class Coverage:
    """A distance, applied to a catalogue.

    « default » and « fixed » look at the pointing only; with « instruments » and « footprint » each of a row's instruments covers
    a position or does not, and a row covers it if one of them does. « footprint » looks at the default instruments, unless others
    are named. A row that used none of these, or of which no instrument is known, has a circle of `fov_radius_deg` (that of the
    default instruments); so have instruments without a shape in `Catalogue.footprints`.
    """

    def __init__(self, catalogue: Catalogue, distance: Distance) -> None:
        self.catalogue = catalogue
        self.distance = distance

    @cached_property
    def by_instrument(self) -> bool:
        """Whether it depends on the instrument if a row covers a position."""
        return self.distance.kind in ("instruments", "footprint")

    @cached_property
    def users(self) -> dict[str, NDArray[np.bool_]]:
        """For each instrument that any row uses, which of the distinct texts of `catalogue.instruments` name it, shape (d,).
        The empty name stands for rows without a known instrument. Only those that the distance is about."""
        counted = [self._counted(text.split()) for text in self.catalogue.instruments.values.tolist()]
        names = dict.fromkeys(name for names in counted for name in names)
        return {name: np.array([name in names for names in counted], bool) for name in names}

    def _counted(self, used: list[str]) -> list[str]:
        """Those of an observation's instruments that the distance is about; the empty name: its `fov_radius_deg`."""
        if self.distance.only:
            return [name for name in used if name in self.distance.only]
        if self.distance.kind == "footprint" and self.catalogue.default_instruments:
            used = [name for name in used if name in self.catalogue.default_instruments]
        return used or [""]

    def shape(self, name: str) -> Footprint | None:
        """Of an instrument; None: a circle of each row's own `fov_radius_deg`."""
        return self.catalogue.footprints.get(name)

    def row_reach_deg(self) -> NDArray[np.float64] | float | None:
        """How far from its pointing each row may cover positions, shape (n,), NaN where it covers none; one number where that is
        the same for all; None where it depends on the position instead."""
        kind = self.distance.kind
        if kind == "positions":
            return None
        if kind == "fixed":
            return self.distance.deg
        if kind == "default":
            return self.catalogue.search_radius_deg
        reach = np.full(len(self.catalogue), np.nan)
        for name, rows in self._rows_by_instrument():
            reach[rows] = np.fmax(reach[rows], self._reach_of(name, rows))
        return reach

    def _rows_by_instrument(self) -> Iterator[tuple[str, NDArray[np.intp]]]:
        for name, texts in self.users.items():
            yield name, np.flatnonzero(self.catalogue.instruments.spread(texts))

    def _reach_of(self, name: str, rows: NDArray[np.intp]) -> NDArray[np.float64] | float:
        if self.distance.kind == "instruments":
            return dict(self.distance.by_instrument).get(name, np.nan)
        shape = self.shape(name)
        if shape is None:
            return self.catalogue.fov_radius_deg[rows]
        if shape.shape == "tile":
            return tile_reach_deg(self._bounds(rows), self.catalogue.ra_deg[rows], self.catalogue.dec_deg[rows])
        return shape.reach_deg

    def covering(
        self, places: Places, position: NDArray[np.int64], row: NDArray[np.int64], separation_deg: NDArray[np.float64]
    ) -> dict[str, NDArray[np.bool_]]:
        """For pairs, arrays of shape (k,): which of them each instrument covers, by name; only if `by_instrument`."""
        codes = self.catalogue.instruments.codes[row]
        covered = {}
        for name, texts in self.users.items():
            mask = texts[codes]
            of = np.flatnonzero(mask)
            if len(of):
                mask[of] = self._covers(name, places, position[of], row[of], separation_deg[of])
            covered[name] = mask
        return covered

    def _covers(
        self, name: str, places: Places, position: NDArray[np.int64], row: NDArray[np.int64], separation: NDArray[np.float64]
    ) -> NDArray[np.bool_]:
        shape = self.shape(name)
        if self.distance.kind == "instruments" or shape is None or shape.shape == "circle":
            reach = self._reach_of(name, row)
            inside: NDArray[np.bool_] = separation <= reach + TOLERANCE_DEG
            return inside
        place = np.stack([places.ra_deg[position], places.dec_deg[position]], axis=1)
        if shape.shape == "tile":
            return in_tile(self._bounds(row), place)
        pointing = np.stack([self.catalogue.ra_deg[row], self.catalogue.dec_deg[row]], axis=1)
        return in_square(shape, pointing, place, separation, self._column(shape.roll_column, row))

    def _bounds(self, rows: NDArray[np.intp] | NDArray[np.int64]) -> NDArray[np.float64]:
        columns = [self._column(name, rows) for name in TILE_COLUMNS]
        if any(column is None for column in columns):
            return np.full((len(rows), 4), np.nan)
        return np.stack([column for column in columns if column is not None], axis=1)

    def _column(self, name: str, rows: NDArray[np.intp] | NDArray[np.int64]) -> NDArray[np.float64] | None:
        """A column of the mission's own, as numbers; None if there is none or it holds texts."""
        column = self.catalogue.extra.get(name)
        if not isinstance(column, np.ndarray) or column.dtype.kind not in "fiu":
            return None
        return column[rows].astype(np.float64)


def checked_radii(places: Places, distance: Distance) -> None:
    """Raises InputError if each position should have its own radius and has none."""
    if distance.kind == "positions" and places.radius_deg is None:
        raise InputError(
            "The positions have no search distances of their own.", "Give a column with distances, or another kind of distance."
        )
