"""A spectrum of counts as a value: how many events of each energy, and how long was looked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class CountSpectrum:
    """`edges_kev` has shape (n + 1,), `counts` (n,). `live_s` is the good time; the dead time of the readout is not corrected."""

    edges_kev: NDArray[np.float64]
    counts: NDArray[np.int64]
    live_s: float

    @property
    def rate(self) -> NDArray[np.float64]:
        """ct/s/keV, shape (n,); NaN without good time."""
        width = np.diff(self.edges_kev)
        return self.counts / width / self.live_s if self.live_s > 0 else np.full(len(width), np.nan)
