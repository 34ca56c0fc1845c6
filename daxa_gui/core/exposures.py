"""An exposure of the open archive: its event lists, whoever made them, what came of them, and what a person said about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from daxa_gui.core.job import Job
from daxa_gui.core.product import Product


@dataclass(frozen=True)
class Verdict:
    """What a person decided after looking. `state` is "" (not looked at), "accepted", "flagged" or "overridden"."""

    state: str = ""
    note: str = ""
    time: float = 0.0  # seconds since 1970, UTC


class ListRole(StrEnum):
    """What an event list of an exposure is, in the order of the work."""

    DOWNLOADED = "downloaded"
    CALIBRATED = "calibrated"
    CLEANED = "cleaned"
    MERGED = "merged"  # of all sub-exposures of the instrument


@dataclass(frozen=True)
class ExposureList:
    """An event list of an exposure. `by` is who made it (« SAS », « built-in engine »), "" for the mission's archive."""

    role: ListRole
    by: str
    product: Product

    @property
    def label(self) -> str:
        """« calibrated by SAS », « downloaded », « merged by SAS (M1) »."""
        which = f" ({self.product.key.instrument})" if self.role is ListRole.MERGED else ""
        return f"{self.role}{f' by {self.by}' if self.by else ''}{which}"


@dataclass(frozen=True)
class Exposure:
    """`raw` is the list that the exposure is known by: the downloaded one, or the one that the mission's software calibrated.

    `flares` is the newest job of the built-in engine's step « flares » if the present good time is its; its facts have doubt,
    reasons, kept_fraction, useful. `screening` is the job of the mission's software if the good time is that one's. `joined` is
    the unit under which the mission's software keeps its results if that is another one (eROSITA: « TM0 » is the list of
    all telescope modules, « TM1_TM2_… » are those that were reduced).
    """

    mission: str
    obs_id: str
    instrument: str
    exposure: str
    raw: Product
    clean: Product | None = None
    gti: Product | None = None
    lightcurve: Product | None = None
    images: tuple[Product, ...] = ()  # and maps; images first, those of all sub-exposures of the instrument last
    flares: Job | None = None
    excluded: str = ""  # why nothing is made of it (closed filter, no useful time …)
    verdict: Verdict = Verdict()
    lists: tuple[ExposureList, ...] = ()
    screening: Job | None = None
    cleaned_by: str = ""  # who made the present good time; "" while there is none
    joined: str = ""

    @property
    def unit(self) -> str:
        return self.raw.key.unit

    @property
    def units(self) -> tuple[str, ...]:
        """Names under which results of it are kept."""
        return (self.unit, self.joined) if self.joined else (self.unit,)

    @property
    def doubt(self) -> float:
        """0 nothing to worry about … 1 look here first; 0 while nothing is known."""
        return self._judgement()[0]

    @property
    def reasons(self) -> tuple[str, ...]:
        return self._judgement()[1]

    def _judgement(self) -> tuple[float, tuple[str, ...]]:
        if self.flares is not None:
            return float(self.flares.facts.get("doubt", 0.0)), tuple(self.flares.facts.get("reasons", ()))
        return judged_by_facts(self.screening.facts, self.screening.warnings) if self.screening is not None else (0.0, ())

    @property
    def is_judged(self) -> bool:
        """Whether `doubt` rests on a cleaning."""
        if self.flares is not None:
            return "doubt" in self.flares.facts
        return self.screening is not None and number_of(self.screening.facts, "good_time_s") is not None

    @property
    def kept_fraction(self) -> float | None:
        """Which part of the time the present cleaning keeps; None while nobody tells."""
        if self.flares is not None:
            facts = self.flares.facts
            return number_of(facts, "kept_fraction") if facts.get("useful", True) else None
        return number_of(self.screening.facts, "kept_fraction") if self.screening is not None else None

    def all_lists(self) -> tuple[ExposureList, ...]:
        """At least the list that it is known by."""
        return self.lists or (ExposureList(ListRole.DOWNLOADED, "", self.raw),)

    def list_at(self, path: str) -> ExposureList | None:
        return next((one for one in self.all_lists() if one.product.path == path), None)

    def list_for(self, role: ListRole | None) -> ExposureList:
        """The list of a role; without one, or if there is none, that from which the present good time was made."""
        lists = self.all_lists()
        for one in lists:
            if one.role is role:
                return one
        if self.screening is not None:
            for one in lists:
                if one.role is ListRole.CALIBRATED:
                    return one
        return next((one for one in lists if one.product.path == self.raw.path), lists[0])

    def has_file(self, path: str) -> bool:
        """Whether one of its lists or pictures lies there."""
        return self.list_at(path) is not None or any(one.path == path for one in self.images)


def number_of(facts: Mapping[str, Any], name: str) -> float | None:
    """A finite number among facts (which are JSON of an archive); None for anything else."""
    return finite(facts.get(name))


def finite(value: Any) -> float | None:
    """A finite number as such; None for anything else, also for whole numbers that are too large for one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def judged_by_facts(facts: Mapping[str, Any], warnings: tuple[str, ...] = ()) -> tuple[float, tuple[str, ...]]:
    """How doubtful a cleaning of the missions' software is, from what its job reported: the doubt, 0 to 1, and the reasons.

    The weights are those that the built-in engine's judgement gives to the same findings. What only the events can tell
    (a rate that is not steady) is not known here, so the number is a lower limit.
    """
    found: list[tuple[float, str]] = []
    kept, good_s = number_of(facts, "kept_fraction"), number_of(facts, "good_time_s")
    if good_s is not None and good_s <= 0:
        return 1.0, ("No useful time: nothing is free of flares.",)
    if kept is not None and kept < 0.6:
        found.append((0.6, f"Only {100 * kept:.0f} % of the time is left.") if kept < 0.2 else
                     (0.3, f"{100 * kept:.0f} % of the time is left."))  # fmt: skip
    if good_s is not None and good_s < 1000:
        found.append((0.2, f"Only {good_s:.0f} s are left."))
    found += [(0.2, warning) for warning in warnings if "of the time" not in warning]
    trust = 1.0
    for weight, _ in found:
        trust *= 1.0 - weight
    return round(1.0 - trust, 3), tuple(sentence for _, sentence in sorted(found, key=lambda pair: -pair[0]))


def worst_first(exposures: list[Exposure]) -> list[Exposure]:
    """The most doubtful first; equally doubtful ones by mission, ObsID and instrument."""
    return sorted(exposures, key=lambda e: (-e.doubt, e.mission, e.obs_id, e.unit))
