"""What the ODF summary of SAS (`*SUM.SAS`) says, record by record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Setting:
    """A line « NAME = VALUE / explanation » of a configuration record."""

    name: str
    value: str
    explanation: str


@dataclass(frozen=True)
class Exposure:
    """One exposure of an instrument.

    `name` has the letter (« S003 » scheduled, « U014 » unscheduled). `filter` is "" where none is recorded. `data_modes` maps CCD
    (OM: science window) numbers to their data mode. Times are UTC as in the file (ISO), "" where it has none; `start` and `end`
    are the actual ones. `configuration` names the record (« EPIC MOS », « EPIC PN », « RGS », « OM »); `line` is where the
    exposure begins.
    """

    name: str
    scheduled: bool
    type: str
    commanded_id: str
    proposal_id: str
    scheduled_start: str
    scheduled_end: str
    start: str
    end: str
    configuration: str
    mode: str
    filter: str
    data_modes: Mapping[int, str]
    settings: tuple[Setting, ...]
    line: int


@dataclass(frozen=True)
class Instrument:
    name: str  # M1, M2, R1, R2, PN, OM
    active: bool
    exposures: tuple[Exposure, ...]
    line: int


@dataclass(frozen=True)
class DataQuality:
    """What reception checking counted for one exposure. `counters`: explanation → number."""

    instrument: str
    exposure_id: str
    counters: Mapping[str, int]
    scheduled: str


@dataclass(frozen=True)
class OdfSummary:
    """A whole summary. `lines` says of each line of the file what it is, so that nothing was overlooked."""

    made_by: str
    path: str
    obs_id: str
    revolution: str
    start: str
    end: str
    files: tuple[str, ...]
    settings: tuple[Setting, ...]
    instruments: tuple[Instrument, ...]
    proposal: tuple[tuple[str, str], ...]  # (value, explanation), the latter "" for lines without one
    data_quality: tuple[DataQuality, ...]
    lines: tuple[str, ...]

    def instrument(self, name: str) -> Instrument | None:
        return next((one for one in self.instruments if one.name == name), None)
