"""A spectrum as it is shown, as a figure or a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.eventlist import EventList
from daxa_gui.core.spectra import CountSpectrum
from daxa_gui.gui.plot_export import save_figure, table_text, write_text
from daxa_gui.inspection import Inspection

_STYLES = (("#7d8590", "--"), ("#00735c", "-"), ("#8a5a00", ":"))


@dataclass(frozen=True, eq=False)
class SpectrumExport:
    """`spectra` are (what it is, spectrum); all have the same bins."""

    events: EventList
    spectra: tuple[tuple[str, CountSpectrum], ...]
    title: str

    def writer(self, what: str, inspection: Inspection) -> Callable[[Path], None]:
        if what == "spectrum":
            return lambda path: save_figure(self._figure, path)
        return lambda path: write_text(path, table_text(self.columns(), self._meta(), ecsv=path.suffix.lower() == ".ecsv"))

    def columns(self) -> dict[str, tuple[str, NDArray[Any]]]:
        """Name → (unit, values) of the table."""
        edges = self.spectra[0][1].edges_kev
        found: dict[str, tuple[str, NDArray[Any]]] = {"energy_low": ("keV", edges[:-1]), "energy_high": ("keV", edges[1:])}
        for number, (_, one) in enumerate(self.spectra):
            found |= {f"counts_{number}": ("ct", one.counts), f"rate_{number}": ("ct/s/keV", one.rate)}
        return found

    def _meta(self) -> dict[str, Any]:
        return {
            "file": Path(self.events.path).name, "mission": self.events.mission, "obs_id": self.events.obs_id,
            "instrument": self.events.instrument, "simulated": self.events.simulated,
            "spectra": [{"number": n, "of": name, "good_time_s": one.live_s} for n, (name, one) in enumerate(self.spectra)],
        }  # fmt: skip

    def _figure(self, figure: Any) -> None:
        figure.set_size_inches(5.2, 3.6)
        axes = figure.add_subplot()
        for (name, one), (colour, style) in zip(self.spectra, _STYLES, strict=False):
            rate = np.where(one.counts > 0, one.rate, np.nan)
            axes.stairs(rate, one.edges_kev, color=colour, ls=style, lw=1.1, label=name, baseline=None)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("Energy (keV)")
        axes.set_ylabel("Rate (ct s$^{-1}$ keV$^{-1}$), no response folded in")
        axes.legend(fontsize=7, frameon=False)
        simulated = " (simulated)" if self.events.simulated else ""
        axes.set_title(f"{self.title}{simulated}", fontsize=9, loc="left")
