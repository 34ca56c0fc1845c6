"""Filters: values that say which observations of a catalogue are wanted. They combine with `&`, `|`, `~` and travel as JSON.

What is not known never matches a filter that asks for it, except for the end of an observation (see TimeRange).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core import matching
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_base import And, Filter, Members, Not, Or
from daxa_gui.core.sky import SkyPosition, format_sexagesimal, unit_vectors
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.times import mjd_to_text

__all__ = [
    "KINDS", "And", "Box", "Cone", "Filter", "Not", "ObsIds", "Or", "Positions", "TargetType", "TimeRange", "Usable",
    "filter_from_json", "format_angle", "parse_obs_ids",
]  # fmt: skip

_DEEPEST = 50  # of filters within filters; more is no filter that a person made
_MANY = 3  # more things than this are counted in a sentence, not listed


def format_angle(angle_deg: float) -> str:
    """An angle in the unit that suits its size: « 2.5° », « 18′ », « 4″ »."""
    for factor, sign in ((1, "°"), (60, "′")):
        if angle_deg * factor >= 0.99999:
            return f"{angle_deg * factor:.6g}{sign}"
    return f"{angle_deg * 3600:.6g}″"


def _checked_radius(radius_deg: float | None) -> None:
    if radius_deg is not None and not 0.0 <= radius_deg <= 180.0:
        raise InputError(f"The distance {radius_deg:g}° is not between 0° and 180°.")


def _distance_words(radius_deg: float | None) -> str:
    return "within each instrument's default distance" if radius_deg is None else f"within {format_angle(radius_deg)}"


def _place(position: SkyPosition) -> str:
    return position.name or format_sexagesimal(position.ra_deg, position.dec_deg)


@dataclass(frozen=True)
class Cone(Filter):
    """Centres within `radius_deg` of a position, exactly that distance included.

    None means the default search distance of each observation's own instruments.
    """

    position: SkyPosition
    radius_deg: float | None = None
    kind: ClassVar[str] = "cone"

    def __post_init__(self) -> None:
        _checked_radius(self.radius_deg)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        radius = catalogue.search_radius_deg if self.radius_deg is None else self.radius_deg
        return matching.within(catalogue.vectors, unit_vectors(self.position.ra_deg, self.position.dec_deg), radius)

    def sentence(self) -> str:
        return f"{_distance_words(self.radius_deg)} of {_place(self.position)}"

    def members(self) -> dict[str, Any]:
        return {"position": _position_json(self.position), "radius_deg": self.radius_deg}

    @classmethod
    def from_members(cls, members: Members) -> Cone:
        return cls(members.position("position"), members.number_or_none("radius_deg"))


def _position_json(position: SkyPosition) -> list[Any]:
    return [position.ra_deg, position.dec_deg, position.name]


@dataclass(frozen=True)
class Positions(Filter):
    """Centres within `radius_deg` (None: each observation's own default distance) of any of some positions, say of a sample.

    `label` is what a person calls them, for example the name of the file they came from.
    """

    positions: tuple[SkyPosition, ...]
    radius_deg: float | None = None
    label: str = ""
    kind: ClassVar[str] = "positions"

    def __post_init__(self) -> None:
        _checked_radius(self.radius_deg)
        if not self.positions:
            raise InputError("There are no positions to search around.")

    @cached_property
    def vectors(self) -> NDArray[np.float64]:
        """Unit vectors, shape (m, 3)."""
        return unit_vectors([p.ra_deg for p in self.positions], [p.dec_deg for p in self.positions])

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return matching.near_any(catalogue, self.vectors, self.radius_deg)

    def sentence(self) -> str:
        if len(self.positions) <= _MANY and not self.label:
            places = " or ".join(_place(position) for position in self.positions)
        else:
            places = f"one of {len(self.positions)} positions" + (f" ({self.label})" if self.label else "")
        return f"{_distance_words(self.radius_deg)} of {places}"

    def members(self) -> dict[str, Any]:
        return {"positions": [_position_json(p) for p in self.positions], "radius_deg": self.radius_deg, "label": self.label}

    @classmethod
    def from_members(cls, members: Members) -> Positions:
        return cls(members.positions("positions"), members.number_or_none("radius_deg"), members.text("label"))


@dataclass(frozen=True)
class Box(Filter):
    """Centres between two declinations and from `ra_min_deg` eastward to `ra_max_deg`, edges included (ICRS degrees).

    Eastward is where RA grows: from 350° to 10° is 20° wide and crosses RA 0. From 0° to 360° is the whole circle.
    A centre at a pole has every right ascension. The cells lie along coordinates: they are no great-circle polygons.
    """

    ra_min_deg: float
    ra_max_deg: float
    dec_min_deg: float
    dec_max_deg: float
    kind: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        for value in (self.ra_min_deg, self.ra_max_deg):
            if not 0.0 <= value <= 360.0:
                raise InputError(f"The right ascension {value:g}° is outside 0° to 360°.")
        for value in (self.dec_min_deg, self.dec_max_deg):
            if not -90.0 <= value <= 90.0:
                raise InputError(f"The declination {value:g}° is outside -90° to +90°.")
        if self.dec_min_deg > self.dec_max_deg:
            raise InputError(
                f"The rectangle's lower declination {self.dec_min_deg:g}° is above its upper one, {self.dec_max_deg:g}°."
            )

    @classmethod
    def from_corners(cls, ra1_deg: float, dec1_deg: float, ra2_deg: float, dec2_deg: float) -> Box:
        """The box with two opposite corners, in any order, that goes the shorter way round in RA.

        So (120, -10), (140, 0) is the same as (140, 0), (120, -10) or (140, -10), (120, 0), and (350, -30), (10, -20) crosses
        RA 0. Corners exactly 180° apart: from the first eastward; and 0 and 360 is the whole circle. For a box wider than 180°
        say which way round by `Box(ra_min, ra_max, …)`.
        """
        low, high = sorted((dec1_deg, dec2_deg))
        if {ra1_deg, ra2_deg} == {0.0, 360.0}:
            return cls(0.0, 360.0, low, high)
        eastward = (ra2_deg - ra1_deg) % 360.0 <= 180.0
        return cls(ra1_deg, ra2_deg, low, high) if eastward else cls(ra2_deg, ra1_deg, low, high)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        ra, dec = catalogue.ra_deg, catalogue.dec_deg
        first, last = self.ra_min_deg, self.ra_max_deg
        if first == 360.0 and last != 360.0:
            first = 0.0
        inside = (ra >= first) & (ra <= last) if first <= last else (ra >= first) | (ra <= last)
        if last == 360.0:
            inside |= ra == 0.0
        result: NDArray[np.bool_] = (inside | (np.abs(dec) == 90.0)) & (dec >= self.dec_min_deg) & (dec <= self.dec_max_deg)
        return result & np.isfinite(ra)

    def sentence(self) -> str:
        ra = f"RA {self.ra_min_deg:g}° to {self.ra_max_deg:g}°"
        return f"inside {ra}, Dec {self.dec_min_deg:g}° to {self.dec_max_deg:g}°"

    def members(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg")}

    @classmethod
    def from_members(cls, members: Members) -> Box:
        names = ("ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg")
        return cls(**{name: members.number(name) for name in names})


@dataclass(frozen=True)
class TimeRange(Filter):
    """Observations that overlap a time window (MJD, UTC; both ends included), or lie entirely inside it.

    Either limit may be infinite. An observation whose start or end alone is known matches unless what is known excludes it; one
    of which neither is known does not match.
    """

    start_mjd: float
    end_mjd: float
    entirely_inside: bool = False
    kind: ClassVar[str] = "time_range"

    def __post_init__(self) -> None:
        if math.isnan(self.start_mjd) or math.isnan(self.end_mjd):
            raise InputError("A limit of the time window is not a time.")
        if self.start_mjd == math.inf or self.end_mjd == -math.inf:
            raise InputError("The time window lies at the end of all times.")
        if self.start_mjd > self.end_mjd:
            raise InputError(f"The time window ends ({_day(self.end_mjd)}) before it starts ({_day(self.start_mjd)}).")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        start, end = catalogue.start_mjd, catalogue.end_mjd
        # Comparisons with NaN are false: what is not known excludes nothing.
        excluded = (start > self.end_mjd) | (end < self.start_mjd)
        if self.entirely_inside:
            excluded |= (start < self.start_mjd) | (end > self.end_mjd)
        result: NDArray[np.bool_] = ~excluded & ~(np.isnan(start) & np.isnan(end))
        return result

    def sentence(self) -> str:
        verb = "lies entirely" if self.entirely_inside else "overlaps"
        if math.isinf(self.start_mjd) and math.isinf(self.end_mjd):
            return "at any known time"
        if math.isinf(self.end_mjd):
            return f"{'starts' if self.entirely_inside else 'ends'} at or after {_day(self.start_mjd)}"
        if math.isinf(self.start_mjd):
            return f"{'ends' if self.entirely_inside else 'starts'} at or before {_day(self.end_mjd)}"
        if self.entirely_inside:
            return f"{verb} between {_day(self.start_mjd)} and {_day(self.end_mjd)}"
        return f"{verb} {_day(self.start_mjd)} to {_day(self.end_mjd)}"

    def members(self) -> dict[str, Any]:
        limits = {"start_mjd": self.start_mjd, "end_mjd": self.end_mjd}
        return {
            **{name: value if math.isfinite(value) else None for name, value in limits.items()},
            "entirely_inside": self.entirely_inside,
        }

    @classmethod
    def from_members(cls, members: Members) -> TimeRange:
        start, end = members.number_or_none("start_mjd"), members.number_or_none("end_mjd")
        return cls(-math.inf if start is None else start, math.inf if end is None else end, members.truth("entirely_inside"))


def _day(mjd: float) -> str:
    try:
        return mjd_to_text(mjd)
    except (OverflowError, ValueError):
        return f"MJD {mjd:g}"  # outside the years that calendars here know


def parse_obs_ids(text: str) -> tuple[str, ...]:
    """ObsIDs out of pasted text with any separators, upper case, each once. Words without a digit are no ObsIDs and are ignored.

    Raises
    ------
    InputError : there is none.
    """
    words = re.findall(r"[A-Za-z0-9]+", text)
    found = tuple(dict.fromkeys(word.upper() for word in words if any(character.isdigit() for character in word)))
    if not found:
        raise InputError(f"There is no ObsID in « {text.strip()[:80]} ».", "Paste ObsIDs with any separators between them.")
    return found


@dataclass(frozen=True)
class ObsIds(Filter):
    """Observations named by their ObsIDs, in any case of letters."""

    obs_ids: tuple[str, ...]
    kind: ClassVar[str] = "obs_ids"

    def __post_init__(self) -> None:
        if not self.obs_ids:
            raise InputError("There are no ObsIDs to look for.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        wanted = {variant for obs_id in self.obs_ids for variant in (obs_id, obs_id.upper(), obs_id.lower())}
        if len(catalogue.row_of) < len(catalogue):  # an ObsID stands twice: look at every row
            return np.fromiter((obs_id in wanted for obs_id in catalogue.obs_id.tolist()), bool, len(catalogue))
        result = np.zeros(len(catalogue), bool)
        result[[catalogue.row_of[obs_id] for obs_id in wanted if obs_id in catalogue.row_of]] = True
        return result

    def sentence(self) -> str:
        if len(self.obs_ids) == 1:
            return f"with the ObsID {self.obs_ids[0]}"
        if len(self.obs_ids) <= _MANY:
            return f"with one of the ObsIDs {', '.join(self.obs_ids)}"
        return f"with one of {len(self.obs_ids)} ObsIDs ({self.obs_ids[0]} … {self.obs_ids[-1]})"

    def members(self) -> dict[str, Any]:
        return {"obs_ids": list(self.obs_ids)}

    @classmethod
    def from_members(cls, members: Members) -> ObsIds:
        return cls(members.texts("obs_ids"))


@dataclass(frozen=True)
class TargetType(Filter):
    """Observations whose target is of one of the common types (codes). A mission that does not classify its targets has none."""

    codes: tuple[str, ...]
    kind: ClassVar[str] = "target_type"

    def __post_init__(self) -> None:
        unknown = [code for code in self.codes if code not in TARGET_TYPES]
        if unknown or not self.codes:
            what = f"There is no target type « {unknown[0]} »." if unknown else "No target type is given."
            raise InputError(what, f"Known ones: {', '.join(TARGET_TYPES)}.")

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        result = np.zeros(len(catalogue), bool)
        for code in self.codes:
            result |= catalogue.target_type == code
        return result

    def sentence(self) -> str:
        return f"of the type {' or '.join(f'« {TARGET_TYPES[code]} »' for code in self.codes)}"

    def members(self) -> dict[str, Any]:
        return {"codes": list(self.codes)}

    @classmethod
    def from_members(cls, members: Members) -> TargetType:
        return cls(members.texts("codes"))


@dataclass(frozen=True)
class Usable(Filter):
    """Observations that are fit for science as far as the archive tells."""

    kind: ClassVar[str] = "usable"

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = np.asarray(catalogue.unusable_reason == "")
        return result

    def sentence(self) -> str:
        return "fit for science"

    def members(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_members(cls, members: Members) -> Usable:
        return cls()


KINDS: dict[str, type[Filter]] = {
    made.kind: made for made in (Cone, Positions, Box, TimeRange, ObsIds, TargetType, Usable, And, Or, Not)
}


def filter_from_json(document: Mapping[str, Any]) -> Filter:
    """The filter that `to_json` wrote.

    Raises
    ------
    InputError : the document is not exactly of that form.
    """
    return _from_json(document, 0)


def _from_json(document: object, depth: int) -> Filter:
    if depth > _DEEPEST:
        raise InputError("The filter has too many filters within filters.")
    if not isinstance(document, Mapping) or not isinstance(document.get("kind"), str):
        raise InputError(f"A {type(document).__name__} without « kind » is not a filter.")
    if document["kind"] not in KINDS:
        raise InputError(f"There is no filter of the kind « {document['kind'][:80]} ».", f"Known ones: {', '.join(KINDS)}.")
    members = Members(document, lambda part: _from_json(part, depth + 1))
    made = KINDS[document["kind"]].from_members(members)
    members.check_all_used()
    return made
