"""An event list as values: columns, good time per CCD, exposure keywords, sky coordinates. Times are mission seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.mission import EventFormat
from daxa_gui.core.sky import LinearWcs
from daxa_gui.core.timeseries import Gti


@dataclass(frozen=True, eq=False)
class EventList:
    """One event list in memory. Columns have shape (n,); they may be memory-mapped and are read-only.

    `energy_kev` is NaN where the file has its null value (or the instrument measures none: then it is None). `x`, `y` are
    sky pixels of the list (NaN where null), None without sky coordinates. `pattern`, `flag`, `ccd` are None where the mission
    has no such column. `x_range`, `y_range` are the edges of the legal sky pixels (0.5 below the first integer pixel), None where
    the file does not tell. `gti` maps CCD number to good-time intervals; key -1 holds for every CCD that has no key of its own.
    `ontime_s`, `livetime_s`, `exposure_s` come from the keywords and are None when absent.
    """

    path: str
    format: EventFormat
    mission: str
    instrument: str
    obs_id: str
    exposure: str
    target: str
    filter: str
    mode: str
    simulated: bool
    mjdref: float
    timezero_s: float
    timesys: str
    time_s: NDArray[np.float64]
    energy_kev: NDArray[np.float32] | None
    x: NDArray[np.float64] | None
    y: NDArray[np.float64] | None
    pattern: NDArray[np.int16] | None
    flag: NDArray[np.int64] | None
    ccd: NDArray[np.int16] | None
    gti: Mapping[int, Gti]
    wcs: LinearWcs | None
    x_range: tuple[float, float] | None
    y_range: tuple[float, float] | None
    ontime_s: float | None
    livetime_s: float | None
    exposure_s: float | None
    warnings: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.time_s)
