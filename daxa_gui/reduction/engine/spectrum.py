"""Spectra of counts of all good events of a list, in logarithmic bins. No response is folded in: this is what was recorded."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.spectra import CountSpectrum
from daxa_gui.core.timeseries import Gti
from daxa_gui.reduction.engine.events import memory_of, select
from daxa_gui.reduction.engine.gti import ccd_weights, intersect

N_BINS = 60
LEAST_KEV = 0.05  # below, no instrument has events that mean an energy


def spectrum(events: EventList, gti: Gti | None = None, edges_kev: NDArray[np.float64] | None = None) -> CountSpectrum:
    """Counts of good events in `gti` (None: all good time) between `edges_kev`, by default those of `edges_of`.

    The time is the mean of the good time of the CCDs, weighted by their share of the events, as in light curves.

    Raises
    ------
    ReductionError : the list has no energies.
    """
    if events.energy_kev is None:
        raise ReductionError(f"{events.path} has no energies, so there is no spectrum.", "HRI and HRC measure none.")
    edges = edges_of(events) if edges_kev is None else edges_kev
    mask = select(events, None, gti)
    counts = np.histogram(events.energy_kev[mask], edges)[0]
    weights = ccd_weights(events, mask)
    live = sum(
        weight * (events.gti[ccd] if gti is None else intersect(events.gti[ccd], gti)).total_s for ccd, weight in weights.items()
    )
    return CountSpectrum(edges, counts.astype(np.int64), float(live))


def edges_of(events: EventList) -> NDArray[np.float64]:
    """Bins from the lowest to the highest energy of the list's good events, equally wide in the logarithm, shape (N_BINS + 1,);
    remembered."""
    memory = memory_of(events)
    edges = memory.get("spectrum")
    if edges is None:
        energy = np.empty(0) if events.energy_kev is None else events.energy_kev[select(events)]
        energy = energy[np.isfinite(energy) & (energy >= LEAST_KEV)]
        low, high = (float(energy.min()), float(energy.max())) if len(energy) else events.format.default_band_kev
        edges = memory["spectrum"] = np.geomspace(low, max(high, 1.01 * low) * (1 + 1e-6), N_BINS + 1)
    return np.asarray(edges, np.float64)
