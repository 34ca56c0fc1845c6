"""Good-time intervals, light curves and the outcome of flare cleaning, as values. Times are mission seconds."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Gti:
    """Half-open intervals [start, stop), shape (n,), seconds; sorted, disjoint. Made ones are never empty, a file's may be."""

    start_s: NDArray[np.float64]
    stop_s: NDArray[np.float64]

    @property
    def total_s(self) -> float:
        return float(np.sum(self.stop_s - self.start_s))

    def __len__(self) -> int:
        return len(self.start_s)


@dataclass(frozen=True, eq=False)
class LightCurve:
    """Counts in consecutive bins. Arrays have shape (n,).

    `start_s` are mission seconds of the left edges; `rate` = counts / live_s in ct/s, NaN where a bin has no good time;
    `live_s` is how much of the bin lies in the good-time intervals of the list.
    """

    start_s: NDArray[np.float64]
    bin_s: float
    counts: NDArray[np.int64]
    live_s: NDArray[np.float64]
    rate: NDArray[np.float64]
    band_kev: tuple[float, float]
    mjdref: float = 0.0
    timesys: str = "TT"


@dataclass(frozen=True)
class FlareParameters:
    """How to look for flares. `limits_ct_s` overrides the automatic limits; `added_s`, `removed_s` are intervals by hand."""

    band_kev: tuple[float, float] = (2.5, 8.5)
    bin_s: float = 60.0
    n_sigma: float = 3.0
    limits_ct_s: tuple[float, float] | None = None
    added_s: tuple[tuple[float, float], ...] = ()
    removed_s: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class FlareFit:
    """The histogram of rates and its Gaussian. `edges_ct_s` has one value more than `counts`. Not `fitted`: `reason` says why."""

    edges_ct_s: NDArray[np.float64]
    counts: NDArray[np.float64]
    height: float
    centre_ct_s: float
    sigma_ct_s: float
    low_ct_s: float
    high_ct_s: float
    fitted: bool
    reason: str = ""

    def gaussian(self, rate_ct_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The fitted curve in counts of the histogram."""
        return self.height * np.exp(-0.5 * ((rate_ct_s - self.centre_ct_s) / self.sigma_ct_s) ** 2)


@dataclass(frozen=True, eq=False)
class FlareCleaning:
    """What flare cleaning found. `accepted` has the shape of the light curve.

    `doubt` runs from 0 (nothing to worry about) to 1 (look at this one first), `reasons` say why in words. `useful` is
    false when no good time is left or when what is left cannot be quiet; `reasons` then begins with the sentence for it.
    """

    curve: LightCurve
    fit: FlareFit
    accepted: NDArray[np.bool_]
    gti: Gti
    kept_fraction: float
    useful: bool
    doubt: float
    reasons: tuple[str, ...] = field(default=())
