"""A catalogue: one mission's observations as numpy columns, with unit vectors. ICRS degrees, MJD (UTC), seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.footprint import Footprint
from daxa_gui.core.sky import unit_vectors
from daxa_gui.core.texts import TextColumn, TextIndex
from daxa_gui.core.zones import SkyIndex

_TEXTS = ("target", "target_type", "instruments", "unusable_reason", "category")


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All arrays have shape (n,). Unknown numbers are NaN, unknown texts empty.

    `target_type` holds codes of the 21 common types (`daxa_gui.core.targets`), `category` the mission's own words for the same;
    `instruments` names separated by one blank; `search_radius_deg` the default search distance of each row, `fov_radius_deg` its
    field of view. `unusable_reason` is empty for observations fit for science, several reasons are joined by « ; ».
    `public_mjd` is when the data become public: NaN where no restriction is known, infinite where one is without a date.
    `simulated` is true for the practice sky. `extra` has the mission's own columns. `footprints` are the shapes of the fields
    of view by instrument (one that is not named there: a circle of `fov_radius_deg`). `exposure_columns` says which column of
    `extra` has an instrument's own seconds of data. `default_instruments` are those that « in the field of view » means where
    none is named (empty: all).

    Texts other than ObsIDs may be given as arrays; they become `TextColumn`s.
    """

    mission: str
    version: str  # changes when the content does
    provenance: str  # one sentence: where the rows come from
    obs_id: NDArray[np.str_]
    ra_deg: NDArray[np.float64]
    dec_deg: NDArray[np.float64]
    start_mjd: NDArray[np.float64]
    end_mjd: NDArray[np.float64]
    exposure_s: NDArray[np.float64]
    target: TextColumn
    target_type: TextColumn
    instruments: TextColumn
    public_mjd: NDArray[np.float64]
    unusable_reason: TextColumn
    search_radius_deg: NDArray[np.float64]
    fov_radius_deg: NDArray[np.float64]
    simulated: NDArray[np.bool_]
    extra: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    category: TextColumn = field(default_factory=lambda: TextColumn.full(0))
    footprints: Mapping[str, Footprint] = field(default_factory=lambda: MappingProxyType({}))
    exposure_columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    default_instruments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in _TEXTS:
            object.__setattr__(self, name, TextColumn.of(getattr(self, name)))
        if not len(self.category) and len(self):
            object.__setattr__(self, "category", TextColumn.full(len(self)))
        coded = {n: TextColumn.of(c) if isinstance(c, np.ndarray) and c.dtype.kind == "U" else c for n, c in self.extra.items()}
        object.__setattr__(self, "extra", MappingProxyType(coded))

    def __len__(self) -> int:
        return len(self.obs_id)

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """Unit vectors, shape (n, 3)."""
        return unit_vectors(self.ra_deg, self.dec_deg)

    @cached_property
    def index(self) -> SkyIndex:
        """Finds rows near positions; rows without a position are not in it."""
        return SkyIndex.of(self.ra_deg, self.dec_deg)

    @cached_property
    def id_index(self) -> TextIndex:
        """Finds rows by ObsIDs."""
        return TextIndex.of(self.obs_id)

    def with_index(self, index: SkyIndex | None = None, id_index: TextIndex | None = None) -> Catalogue:
        """The same catalogue with indexes that were made of these very rows before (None: made when first needed)."""
        copy = replace(self)
        given = {"index": index, "id_index": id_index}
        copy.__dict__.update({name: value for name, value in given.items() if value is not None})
        return copy

    def rows_of(self, obs_ids: Iterable[str]) -> NDArray[np.int64]:
        """All rows with one of these ObsIDs, ascending (an ObsID may stand twice); unknown ones have none."""
        return self.id_index.rows(self.obs_id, obs_ids)

    def public(self, now_mjd: float) -> NDArray[np.bool_]:
        """Rows, shape (n,), whose data are public at a time (MJD, UTC), as far as is known."""
        restricted: NDArray[np.bool_] = self.public_mjd > now_mjd
        return ~restricted

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Row number of each ObsID (the first one where an ObsID stands twice)."""
        return _FirstRows(self)

    def row(self, index: int) -> dict[str, Any]:
        """One observation as plain Python values: the common columns first, then the mission's own."""
        return next(self.rows(np.array([index])))

    def rows(self, indices: NDArray[np.integer[Any]]) -> Iterator[dict[str, Any]]:
        """Observations as `row` gives them, some thousands of them in memory at a time."""
        names = (
            "obs_id", "ra_deg", "dec_deg", "start_mjd", "end_mjd", "exposure_s", "target", "target_type", "instruments",
            "public_mjd", "unusable_reason", "search_radius_deg", "fov_radius_deg", "simulated", "category",
        )  # fmt: skip
        columns = {name: getattr(self, name) for name in names} | dict(self.extra)
        for first in range(0, len(indices), 5000):
            part = indices[first : first + 5000]
            for values in zip(*(column[part].tolist() for column in columns.values()), strict=True):
                yield dict(zip(columns, values, strict=True))


class _FirstRows(Mapping[str, int]):
    """Rows by ObsID without a dictionary of all of them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __getitem__(self, obs_id: str) -> int:
        rows = self._catalogue.rows_of([obs_id])
        if not len(rows):
            raise KeyError(obs_id)
        return int(rows[0])

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(self._catalogue.obs_id.tolist()))

    def __len__(self) -> int:
        return len(set(self._catalogue.obs_id.tolist()))
