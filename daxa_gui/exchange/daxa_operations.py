"""DAXA's filtering operations as filters of this program that let the same observations through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Box, Field, Filter, ObsIds, Positions, TimeRange
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.notations import parse
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.exchange import daxa_values as values
from daxa_gui.exchange.daxa_rules import chosen_instruments, default_distance, numbers_frame, type_filter

Resolve = Callable[[str], SkyPosition]
_MISSING: Any = object()


@dataclass
class Reader:
    """Makes filters of operations of one mission; `notes` gathers what a person should know about them."""

    spec: MissionSpec
    instruments: tuple[str, ...]
    resolve: Resolve | None = None
    notes: list[str] = field(default_factory=list)

    def filter_of(self, name: str, arguments: Mapping[str, Any]) -> Filter:
        """Raises InputError if there is no such operation or its arguments cannot be used."""
        made = _METHODS.get(name)
        if made is None:
            raise InputError("DAXA has no such operation that is known here")
        known, make = made
        strange = sorted(set(arguments) - set(known))
        if strange:
            raise InputError(f"it has an argument « {strange[0][:40]} » that is not known")
        return make(self, lambda key, default=_MISSING: _argument(arguments, key, default))

    def distance(self, given: Any, n_positions: int, single: bool) -> tuple[Distance, Any]:
        """The distance of a search, and each position's own radius in degrees (None: one for all)."""
        if given is None:
            return default_distance(self.spec, self.instruments), None
        if isinstance(given, Mapping) and not values.tagged(given)[0]:
            return Distance.of_instruments(self._by_instrument(given)), None
        found = values.degrees(given, "search distance")
        if found.ndim == 0:
            return Distance.fixed(float(found)), None
        if single or found.shape != (n_positions,):
            raise InputError(f"there are {found.size} search distances for {n_positions} positions")
        return Distance.of_positions(), found

    def _by_instrument(self, given: Mapping[str, Any]) -> dict[str, float]:
        result = {}
        for name, value in given.items():
            found, unknown = chosen_instruments(self.spec, [name])
            distance = values.degrees(value, "search distance")
            if unknown or distance.ndim:
                raise InputError(f"there is not one distance for « {name[:40]} », or it is no instrument of {self.spec.label}")
            result[found[0]] = float(distance)
        return result


Argument = Callable[..., Any]


def _argument(arguments: Mapping[str, Any], key: str, default: Any) -> Any:
    if key in arguments:
        return arguments[key]
    if default is _MISSING:
        raise InputError(f"its argument « {key} » is missing")
    return default


def _obs_ids(reader: Reader, argument: Argument) -> Filter:
    listed = values.text_list(argument("allowed_obs_ids"), "list of ObsIDs")
    wanted = ObsIds(tuple(dict.fromkeys(obs_id.strip().upper() for obs_id in listed)))
    return ~wanted if values.truth(argument("invert", False), "argument invert") else wanted


def _rectangle(reader: Reader, argument: Argument) -> Filter:
    corners = []
    for name in ("lower_left", "upper_right"):
        # DAXA compares the numbers of corners with its table, whatever their frame
        lon, lat, _, _ = values.raw_positions(argument(name), reader.spec)
        if len(lon) != 1:
            raise InputError("a corner of the rectangle is not one position")
        corners.append((float(lon[0]), float(lat[0])))
    (ra1, dec1), (ra2, dec2) = corners
    if ra1 > ra2:
        reader.notes.append(
            f"DAXA exchanges the right ascensions of a rectangle from {ra1:g}° to {ra2:g}°: it does not cross RA 0."
        )
        ra1, ra2 = ra2, ra1
    return Box(ra1, ra2, dec1, dec2, numbers_frame(reader.spec))


def _positions(reader: Reader, argument: Argument) -> Filter:
    ra, dec, single = values.positions_icrs(argument("positions"), reader.spec)
    reach, radius = reader.distance(argument("search_distance", None), len(ra), single)
    return Positions(Places(ra, dec, ("",) * len(ra), radius), distance=reach)


def _names(reader: Reader, argument: Argument) -> Filter:
    names = values.text_list(argument("object_name"), "list of names")
    parsing = values.truth(argument("parse_name", False), "argument parse_name")
    found = [_resolved(reader, name, parsing) for name in names]
    reach, radius = reader.distance(argument("search_distance", None), len(names), len(names) == 1)
    return Positions(Places.of(found, radius_deg=radius), distance=reach)


def _resolved(reader: Reader, name: str, parsing: bool) -> SkyPosition:
    if parsing:
        try:
            return parse(name).position
        except InputError:
            pass  # then it is looked up, as DAXA does
    if reader.resolve is None:
        raise InputError(f"the position of « {name[:60]} » is not in the file and nobody was asked")
    place = reader.resolve(name)
    return SkyPosition(place.ra_deg, place.dec_deg, name)


def _time(reader: Reader, argument: Argument) -> Filter:
    start, end = (values.moments(argument(name), name) for name in ("start_datetime", "end_datetime"))
    if start.ndim or end.ndim:
        raise InputError("there are several times")
    return TimeRange(float(start), float(end), not values.truth(argument("over_run", True), "argument over_run"))


def _types(reader: Reader, argument: Argument) -> Filter:
    codes = values.text_list(argument("target_type"), "list of target types")
    return type_filter(reader.spec.name, tuple(dict.fromkeys(code.upper() for code in codes)))


def _positions_at_time(reader: Reader, argument: Argument) -> Filter:
    ra, dec, single = values.positions_icrs(argument("positions"), reader.spec)
    start, end = (np.atleast_1d(values.moments(argument(name), name)) for name in ("start_datetimes", "end_datetimes"))
    if start.shape != ra.shape or end.shape != ra.shape:
        raise InputError(f"there are {len(start)} starts and {len(end)} ends for {len(ra)} positions")
    reach, radius = reader.distance(argument("search_distance", None), len(ra), single)
    inside = not values.truth(argument("over_run", True), "argument over_run")
    return Positions(Places(ra, dec, ("",) * len(ra), radius, start, end), distance=reach, entirely_inside=inside)


def _fields(reader: Reader, argument: Argument) -> Filter:
    return Field(values.text_list(argument("fields"), "list of fields"))


_METHODS: dict[str, tuple[tuple[str, ...], Callable[[Reader, Argument], Filter]]] = {
    "filter_on_obs_ids": (("allowed_obs_ids", "invert"), _obs_ids),
    "filter_on_rect_region": (("lower_left", "upper_right"), _rectangle),
    "filter_on_positions": (("positions", "search_distance", "return_pos_obs_info"), _positions),
    "filter_on_name": (("object_name", "search_distance", "parse_name"), _names),
    "filter_on_time": (("start_datetime", "end_datetime", "over_run"), _time),
    "filter_on_target_type": (("target_type",), _types),
    "filter_on_positions_at_time": (
        ("positions", "start_datetimes", "end_datetimes", "search_distance", "return_obs_info", "over_run"),
        _positions_at_time,
    ),
    "filter_on_fields": (("fields",), _fields),
}
