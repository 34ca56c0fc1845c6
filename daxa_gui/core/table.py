"""A table of typed columns with units and descriptions: what is exported and imported, whatever the file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class DataTable:
    """Columns of shape (n,) in their order: float64, int64, bool or text (`str_`). Unknown numbers are NaN, unknown texts empty.

    `units` are in the VO's spelling (« deg », « s », « d »), `descriptions` one sentence each; both by column name and only
    where there is something to say. `meta` are plain texts, for example where the table comes from.
    """

    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str] = field(default_factory=dict)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.columns.values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of different lengths: {sorted(lengths)}")

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def rows(self, mask: NDArray[np.bool_] | NDArray[np.intp]) -> DataTable:
        """Only some of the rows."""
        kept = {name: column[mask] for name, column in self.columns.items()}
        return DataTable(kept, self.units, self.descriptions, self.meta)
