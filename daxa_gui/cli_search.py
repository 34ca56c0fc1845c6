"""From command-line options to filters: the part of the command line that `find` and `fetch` share."""

from __future__ import annotations

import argparse
import re

from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Box, Cone, Filter, ObsIds, TargetType, TimeRange, Usable, parse_obs_ids
from daxa_gui.core.sky import parse_position
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.session import Session

_UNITS_DEG = {"deg": 1.0, "°": 1.0, "arcmin": 1 / 60, "′": 1 / 60, "'": 1 / 60, "arcsec": 1 / 3600, "″": 1 / 3600, '"': 1 / 3600}


def parse_angle_deg(text: str) -> float:
    """« 30arcmin », « 0.5 deg », « 12′ » or a plain number of degrees; positive."""
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:[eE][+-]?\d+)?)\s*([a-z°′″'\"]*)\s*", text)
    if match is None or (match[2] and match[2] not in _UNITS_DEG):
        raise InputError(f"« {text} » is not an angle.", "Write for example 30arcmin, 0.5deg or 12arcsec.")
    value = float(match[1]) * _UNITS_DEG.get(match[2], 1.0)
    if not 0.0 < value <= 180.0:
        raise InputError(f"The angle « {text} » is not between 0 and 180 degrees.")
    return value


def parse_band_kev(text: str) -> tuple[float, float]:
    """« 0.5-2.0 » in keV."""
    match = re.fullmatch(r"\s*(\d*\.?\d+)\s*[-–:]\s*(\d*\.?\d+)\s*(?:keV)?\s*", text)
    if match is None or not float(match[1]) < float(match[2]):
        raise InputError(f"« {text} » is not an energy band.", "Write for example 0.5-2.0 (keV, the lower energy first).")
    return float(match[1]), float(match[2])


def add_search_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mission", action="append", metavar="NAME", help="search this mission only (may be repeated)")
    parser.add_argument("--near", metavar="POSITION", help='ICRS position, "83.63 22.01" or "05 34 31.9 +22 00 52"')
    parser.add_argument("--name", help="object name (practice sky and eROSITA fields)")
    parser.add_argument("--radius", metavar="ANGLE", help="search radius, for example 30arcmin (default: each instrument's own)")
    parser.add_argument("--rectangle", nargs=4, type=float, metavar=("RA1", "DEC1", "RA2", "DEC2"),
                        help="two opposite corners in degrees, in any order; between them the shorter way round in RA"
                        " (0 and 360: the whole circle)")  # fmt: skip
    parser.add_argument("--from", dest="start", metavar="UTC", help="observed after this time, 2019-11-01[T12:00:00]")
    parser.add_argument("--to", dest="end", metavar="UTC", help="observed before this time")
    parser.add_argument("--inside", action="store_true", help="entirely inside the time window (default: any overlap)")
    parser.add_argument("--obs-ids", metavar="IDS", help="ObsIDs in any separator")
    parser.add_argument("--target-type", metavar="CODES", help="common target types, for example GCL,AGN")
    parser.add_argument("--usable", action="store_true", help="only observations fit for science")


_SEARCHES = ("mission", "near", "name", "rectangle", "start", "end", "obs_ids", "target_type", "usable")


def asks_for_something(options: argparse.Namespace) -> bool:
    """Whether any option says which observations are wanted."""
    return any(getattr(options, name) not in (None, False) for name in _SEARCHES)


def stack_from(options: argparse.Namespace, session: Session) -> FilterStack:
    """The filters that the options ask for, all to be met. An option that is there but empty is an error, not no filter."""
    _check_usage(options)
    radius_deg = parse_angle_deg(options.radius) if options.radius is not None else None
    filters: list[Filter] = []
    if options.near is not None:
        filters.append(Cone(parse_position(options.near), radius_deg))
    if options.name is not None:
        filters.append(Cone(session.resolve_name(options.name), radius_deg))
    if options.rectangle is not None:
        filters.append(Box.from_corners(*options.rectangle))
    if options.start is not None or options.end is not None:
        start = iso_to_mjd(options.start) if options.start is not None else float("-inf")
        end = iso_to_mjd(options.end) if options.end is not None else float("inf")
        filters.append(TimeRange(start, end, entirely_inside=options.inside))
    if options.obs_ids is not None:
        filters.append(ObsIds(parse_obs_ids(options.obs_ids)))
    if options.target_type is not None:
        filters.append(TargetType(tuple(code for code in re.split(r"[\s,;]+", options.target_type.upper()) if code)))
    if options.usable:
        filters.append(Usable())
    stack = FilterStack()
    for item in filters:
        stack = stack.add(item)
    return stack


def _check_usage(options: argparse.Namespace) -> None:
    has_place = any(getattr(options, name, None) is not None for name in ("near", "name", "sample"))
    if options.radius is not None and not has_place:
        sample = " or --sample" if hasattr(options, "sample") else ""
        raise InputError(f"--radius needs --near, --name{sample}.")
    if options.inside and options.start is None and options.end is None:
        raise InputError("--inside needs --from or --to.")
