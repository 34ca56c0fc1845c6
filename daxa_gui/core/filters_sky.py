"""Filters by place: around one position, around many, between two longitudes and latitudes of any frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core import matching
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.derived import derived
from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_base import Filter, Members
from daxa_gui.core.filter_words import MANY, distance_words, listed, place_words
from daxa_gui.core.frames import FRAMES, from_icrs
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, unit_vectors

__all__ = ["Box", "Cone", "Positions"]

# Where one look at all rows is quicker than the index: fewer rows than this, or a cone that holds many.
_FEW = 30_000
_SMALL_DEG = 20.0


def _distance(radius_deg: float | None) -> Distance:
    return Distance() if radius_deg is None else Distance.fixed(radius_deg)


@dataclass(frozen=True)
class Cone(Filter):
    """Centres within `radius_deg` of a position, exactly that distance included.

    None means the default search distance of each observation's own instruments.
    """

    position: SkyPosition
    radius_deg: float | None = None
    kind: ClassVar[str] = "cone"

    def __post_init__(self) -> None:
        _distance(self.radius_deg)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        if len(catalogue) > _FEW and (self.radius_deg is None or self.radius_deg <= _SMALL_DEG):
            return matching.near_places(catalogue, Places.of([self.position]), _distance(self.radius_deg))
        radius = catalogue.search_radius_deg if self.radius_deg is None else self.radius_deg
        return matching.within(catalogue.vectors, unit_vectors(self.position.ra_deg, self.position.dec_deg), radius)

    def sentence(self) -> str:
        return f"{distance_words(_distance(self.radius_deg))} of {place_words(self.position)}"

    def members(self) -> dict[str, Any]:
        position = [self.position.ra_deg, self.position.dec_deg, self.position.name]
        return {"position": position, "radius_deg": self.radius_deg}

    @classmethod
    def from_members(cls, members: Members) -> Cone:
        return cls(members.position("position"), members.number_or_none("radius_deg"))


@dataclass(frozen=True)
class Positions(Filter):
    """Observations near any of some positions, say of a sample.

    How near is `distance`, or `radius_deg` (a short way of saying `Distance.fixed`), or else each observation's own default
    distance. If the positions have time windows, an observation must overlap the window of a position that it is near to (with
    `entirely_inside`: lie inside it); a missing time counts as in TimeRange, and a position with no window takes any time.
    `label` is what a person calls the positions, for example the name of the file they came from.
    """

    positions: Places | tuple[SkyPosition, ...]
    radius_deg: float | None = None
    label: str = ""
    distance: Distance | None = None
    entirely_inside: bool = False
    kind: ClassVar[str] = "positions"

    def __post_init__(self) -> None:
        places = self.positions if isinstance(self.positions, Places) else Places.of(self.positions)
        object.__setattr__(self, "positions", places)
        given = self.distance
        if given is not None and given.kind in ("default", "fixed"):  # one way of writing it down: equal ones are equal
            if self.radius_deg is not None and given != Distance.fixed(self.radius_deg):
                raise InputError("Two different distances are given for the same positions.")
            object.__setattr__(self, "radius_deg", given.deg)
            object.__setattr__(self, "distance", None)
        elif given is not None and self.radius_deg is not None:
            raise InputError("Two different distances are given for the same positions.")
        _distance(self.radius_deg)
        if not len(places):
            raise InputError("There are no positions to search around.")
        if given is not None and given.kind == "positions" and places.radius_deg is None:
            raise InputError("The positions have no distances of their own.", "Give one distance for all of them.")

    @property
    def places(self) -> Places:
        assert isinstance(self.positions, Places)
        return self.positions

    @property
    def reach(self) -> Distance:
        """How near counts."""
        return self.distance if self.distance is not None else _distance(self.radius_deg)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        return matching.near_places(catalogue, self.places, self.reach, entirely_inside=self.entirely_inside)

    @cached_property
    def windows(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """First and last MJD of each position's window, shape (m,) each; infinite where it is open."""
        places, open_ended = self.places, np.full(len(self.places), np.nan)
        first = open_ended if places.start_mjd is None else places.start_mjd
        last = open_ended if places.end_mjd is None else places.end_mjd
        return np.where(np.isnan(first), -np.inf, first), np.where(np.isnan(last), np.inf, last)

    def sentence(self) -> str:
        places = self.places
        if len(places) <= MANY and not self.label:
            words = " or ".join(place_words(position) for position in places)
        else:
            words = "the position" if len(places) == 1 else f"one of {len(places)} positions"
            words += f" ({self.label})" if self.label else ""
        if self.reach.kind == "footprint":
            said = f"with {words} in the field of view{f' of {listed(self.reach.only)}' if self.reach.only else ''}"
        else:
            said = f"{distance_words(self.reach)} of {words}"
        if not places.has_windows:
            return said
        return f"{said}, {'entirely inside' if self.entirely_inside else 'overlapping'} the time window of that position"

    def members(self) -> dict[str, Any]:
        return {
            "places": self.places.to_json(), "reach": self.reach.to_json(), "label": self.label,
            "entirely_inside": self.entirely_inside,
        }  # fmt: skip

    @classmethod
    def from_members(cls, members: Members) -> Positions:
        if members.has("positions"):  # as written before positions had radii and times
            return cls(members.positions("positions"), members.number_or_none("radius_deg"), members.text("label"))
        places, reach = Places.from_json(members.value("places")), Distance.from_json(members.value("reach"))
        return cls(places, None, members.text("label"), reach, members.truth("entirely_inside"))


_AXES = {"icrs": "RA {}, Dec {}", "galactic": "l {}, b {}", "ecliptic": "λ {}, β {}"}
_NUMBERS = ("ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg")


@dataclass(frozen=True)
class Box(Filter):
    """Centres between two declinations and from `ra_min_deg` eastward to `ra_max_deg`, edges included (degrees).

    Eastward is where RA grows: from 350° to 10° is 20° wide and crosses RA 0. From 0° to 360° is the whole circle.
    A centre at a pole has every right ascension. The cells lie along coordinates: they are no great-circle polygons.
    In another `frame` (« fk5 », « fk4 », « galactic », « ecliptic ») the numbers are its longitudes and latitudes.
    """

    ra_min_deg: float
    ra_max_deg: float
    dec_min_deg: float
    dec_max_deg: float
    frame: str = "icrs"
    kind: ClassVar[str] = "box"

    def __post_init__(self) -> None:
        if self.frame not in FRAMES:
            raise InputError(f"There is no celestial frame « {self.frame[:40]} ».", f"Known ones: {', '.join(FRAMES)}.")
        equatorial = self.frame not in ("galactic", "ecliptic")
        lon, lat = ("right ascension", "declination") if equatorial else ("longitude", "latitude")
        for value in (self.ra_min_deg, self.ra_max_deg):
            if not 0.0 <= value <= 360.0:
                raise InputError(f"The {lon} {value:g}° is outside 0° to 360°.")
        for value in (self.dec_min_deg, self.dec_max_deg):
            if not -90.0 <= value <= 90.0:
                raise InputError(f"The {lat} {value:g}° is outside -90° to +90°.")
        if self.dec_min_deg > self.dec_max_deg:
            raise InputError(f"The rectangle's lower {lat} {self.dec_min_deg:g}° is above its upper one, {self.dec_max_deg:g}°.")

    @classmethod
    def from_corners(cls, ra1_deg: float, dec1_deg: float, ra2_deg: float, dec2_deg: float, frame: str = "icrs") -> Box:
        """The box with two opposite corners, in any order, that goes the shorter way round in RA.

        So (120, -10), (140, 0) is the same as (140, 0), (120, -10) or (140, -10), (120, 0), and (350, -30), (10, -20) crosses
        RA 0. Corners exactly 180° apart: from the first eastward; and 0 and 360 is the whole circle. For a box wider than 180°
        say which way round by `Box(ra_min, ra_max, …)`.
        """
        low, high = sorted((dec1_deg, dec2_deg))
        if {ra1_deg, ra2_deg} == {0.0, 360.0}:
            return cls(0.0, 360.0, low, high, frame)
        eastward = (ra2_deg - ra1_deg) % 360.0 <= 180.0
        return cls(ra1_deg, ra2_deg, low, high, frame) if eastward else cls(ra2_deg, ra1_deg, low, high, frame)

    def mask(self, catalogue: Catalogue) -> NDArray[np.bool_]:
        if self.frame == "icrs":
            return self._holds(catalogue.ra_deg, catalogue.dec_deg, 0.0)
        made = derived(catalogue, f"lon lat {self.frame}", lambda: from_icrs(catalogue.ra_deg, catalogue.dec_deg, self.frame))
        lon, lat = made
        return self._holds(lon, lat, matching.TOLERANCE_DEG)  # the rotation costs the last digits

    def _holds(self, lon: NDArray[np.float64], lat: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
        first, last = self.ra_min_deg, self.ra_max_deg
        if first == 360.0 and last != 360.0:
            first = 0.0
        after, before = lon >= first - tolerance, lon <= last + tolerance
        inside = after & before if first <= last else after | before
        if last == 360.0:
            inside |= lon <= tolerance
        if first == 0.0:
            inside |= lon >= 360.0 - tolerance
        inside |= np.abs(lat) >= 90.0 - tolerance
        inside &= (lat >= self.dec_min_deg - tolerance) & (lat <= self.dec_max_deg + tolerance)
        result: NDArray[np.bool_] = inside & np.isfinite(lon)
        return result

    def sentence(self) -> str:
        axes = _AXES.get(self.frame, f"{self.frame.upper()} RA {{}}, Dec {{}}")
        lon = f"{self.ra_min_deg:g}° to {self.ra_max_deg:g}°"
        return f"inside {axes.format(lon, f'{self.dec_min_deg:g}° to {self.dec_max_deg:g}°')}"

    def members(self) -> dict[str, Any]:
        return {**{name: getattr(self, name) for name in _NUMBERS}, "frame": self.frame}

    @classmethod
    def from_members(cls, members: Members) -> Box:
        first, last, low, high = (members.number(name) for name in _NUMBERS)
        return cls(first, last, low, high, members.text("frame") if members.has("frame") else "icrs")
