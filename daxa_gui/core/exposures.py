"""An exposure of the open archive: one event list with everything that was made from it and what a person said about it."""

from __future__ import annotations

from dataclasses import dataclass

from daxa_gui.core.job import Job
from daxa_gui.core.product import Product


@dataclass(frozen=True)
class Verdict:
    """What a person decided after looking. `state` is "" (not looked at), "accepted", "flagged" or "overridden"."""

    state: str = ""
    note: str = ""
    time: float = 0.0  # seconds since 1970, UTC


@dataclass(frozen=True)
class Exposure:
    """`flares` is the newest job of the step « flares »; its facts have doubt, reasons, kept_fraction, useful."""

    mission: str
    obs_id: str
    instrument: str
    exposure: str
    raw: Product
    clean: Product | None = None
    gti: Product | None = None
    lightcurve: Product | None = None
    images: tuple[Product, ...] = ()
    flares: Job | None = None
    excluded: str = ""  # why nothing is made of it (closed filter, no useful time …)
    verdict: Verdict = Verdict()

    @property
    def unit(self) -> str:
        return self.raw.key.unit

    @property
    def doubt(self) -> float:
        """0 nothing to worry about … 1 look here first; 0 while nothing is known."""
        return float(self.flares.facts.get("doubt", 0.0)) if self.flares else 0.0

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(self.flares.facts.get("reasons", ())) if self.flares else ()


def worst_first(exposures: list[Exposure]) -> list[Exposure]:
    """The most doubtful first; equally doubtful ones by mission, ObsID and instrument."""
    return sorted(exposures, key=lambda e: (-e.doubt, e.mission, e.obs_id, e.unit))
