"""Products: the files of an archive, and what kind of thing each of them is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ProductKind(StrEnum):
    """What a file is. The values are stored in archives: never change one."""

    EVENTS = "events"  # an event list as it came from the mission's archive
    CLEAN_EVENTS = "clean_events"  # an event list after flare cleaning and event selection
    GTI = "gti"  # good-time intervals
    LIGHTCURVE = "lightcurve"  # rate against time with the accepted bins marked
    IMAGE = "image"
    EXPOSURE_MAP = "exposure_map"
    BACKGROUND_MAP = "background_map"
    FINAL_EVENTS = "final_events"  # an event list that was taken into the archive's layout under its final name
    RAW = "raw"  # what an event list is made from, and what belongs to it: telemetry, housekeeping, attitude, calibration
    SPECTRUM = "spectrum"  # spectra of sources and backgrounds, with their responses
    SOURCE_LIGHTCURVE = "source_lightcurve"  # light curves of sources made by the mission's own pipeline
    OTHER = "other"


@dataclass(frozen=True)
class ProductKey:
    """What a product belongs to.

    `exposure` is the sub-exposure (XMM `S001`, Chandra `E001`) or `ALL`; `band_kev` the (low, high) energies or None.
    """

    mission: str
    obs_id: str
    kind: ProductKind
    instrument: str = ""
    exposure: str = "ALL"
    band_kev: tuple[float, float] | None = None

    @property
    def unit(self) -> str:
        """Instrument and sub-exposure together: the thing that one row of the processing grid is about."""
        return self.instrument if self.exposure in ("ALL", "") else f"{self.instrument}{self.exposure}"


@dataclass(frozen=True)
class Product:
    """A file of the archive. `path` is absolute; the archive stores it relative to its own folder."""

    key: ProductKey
    path: str
    size_bytes: int
    sha256: str = ""
    job_id: int | None = None
    created: float = 0.0  # seconds since 1970, UTC
    facts: dict[str, Any] = field(default_factory=dict)  # plain JSON: n_events, ontime_s, kept_fraction, …
