"""A catalogue: one mission's observations as numpy columns, with unit vectors. ICRS degrees, MJD (UTC), seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.sky import unit_vectors


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All arrays have shape (n,). Unknown numbers are NaN, unknown texts empty.

    `target_type` holds codes of the 21 common types (`daxa_gui.core.targets`), `instruments` names separated by one blank,
    `search_radius_deg` the default search distance of each row, `fov_radius_deg` its field of view, `unusable_reason` is
    empty for observations fit for science, `simulated` is true for the practice sky. `extra` has the mission's own columns.
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
    target: NDArray[np.str_]
    target_type: NDArray[np.str_]
    instruments: NDArray[np.str_]
    public_mjd: NDArray[np.float64]
    unusable_reason: NDArray[np.str_]
    search_radius_deg: NDArray[np.float64]
    fov_radius_deg: NDArray[np.float64]
    simulated: NDArray[np.bool_]
    extra: Mapping[str, NDArray[Any]] = field(default_factory=lambda: MappingProxyType({}))

    def __len__(self) -> int:
        return len(self.obs_id)

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """Unit vectors, shape (n, 3)."""
        return unit_vectors(self.ra_deg, self.dec_deg)

    @cached_property
    def dec_order(self) -> NDArray[np.intp]:
        """Row numbers by growing declination, shape (n,); rows without a position come last."""
        return np.argsort(self.dec_deg, kind="stable")

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """Row number of each ObsID (the first one where an ObsID stands twice)."""
        rows: dict[str, int] = {}
        for row, obs_id in enumerate(self.obs_id.tolist()):
            rows.setdefault(obs_id, row)
        return rows

    def row(self, index: int) -> dict[str, Any]:
        """One observation as plain Python values: the common columns first, then the mission's own."""
        names = (
            "obs_id", "ra_deg", "dec_deg", "start_mjd", "end_mjd", "exposure_s", "target", "target_type", "instruments",
            "public_mjd", "unusable_reason", "search_radius_deg", "fov_radius_deg", "simulated",
        )  # fmt: skip
        values: dict[str, Any] = {name: getattr(self, name)[index].item() for name in names}
        values.update({name: column[index].item() for name, column in self.extra.items()})
        return values
