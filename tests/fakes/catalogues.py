"""Catalogues for tests: given positions, and whatever else a test needs; the rest is unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from daxa_gui.core.catalogue import Catalogue

NAN = math.nan
_PLAIN = ("default_instruments",)  # no column


def catalogue(positions: Any = ((0.0, 0.0),), **columns: Any) -> Catalogue:
    """A catalogue with the positions (RA, Dec) and with what else is given; the rest is unknown."""
    n = len(positions)
    ra, dec = (np.array([p[axis] for p in positions], float) for axis in (0, 1))
    numbers, texts = np.full(n, NAN), np.full(n, "", dtype="U40")
    values: dict[str, Any] = {
        "obs_id": np.array([f"{i:05d}" for i in range(n)]), "ra_deg": ra, "dec_deg": dec, "start_mjd": numbers,
        "end_mjd": numbers, "exposure_s": numbers, "target": texts, "target_type": texts, "instruments": texts,
        "public_mjd": numbers, "unusable_reason": texts, "search_radius_deg": np.full(n, 0.3),
        "fov_radius_deg": np.full(n, 0.25), "simulated": np.zeros(n, bool),
    }  # fmt: skip
    values.update(
        {
            name: column if name in _PLAIN or isinstance(column, Mapping) else np.asarray(column)
            for name, column in columns.items()
        }
    )
    return Catalogue(mission="test", version="1", provenance="", **values)
