"""Filters: values that say which observations of a catalogue are wanted. They combine with `&`, `|`, `~` and travel as JSON.

What is not known never matches a filter that asks for it, except for the end of an observation (see TimeRange). All of them are
in docs/filters.md; they are made in the modules `filters_*`, and this one knows them by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_base import And, Filter, Members, Not, Or
from daxa_gui.core.filter_words import format_angle
from daxa_gui.core.filters_names import Field, ObsIds, Picked, check_obs_ids, parse_obs_ids
from daxa_gui.core.filters_rows import Category, Exposure, HasInstrument, Public, TargetType, Usable
from daxa_gui.core.filters_shapes import Moc, Polygon, SkyShape, SkyShapes
from daxa_gui.core.filters_sky import Box, Cone, Positions
from daxa_gui.core.filters_time import TimeRange

__all__ = [
    "KINDS", "And", "Box", "Category", "Cone", "Exposure", "Field", "Filter", "HasInstrument", "Moc", "Not", "ObsIds", "Or",
    "Picked", "Polygon", "Positions", "Public", "SkyShape", "SkyShapes", "TargetType", "TimeRange", "Usable", "check_obs_ids",
    "filter_from_json", "format_angle", "parse_obs_ids",
]  # fmt: skip

_DEEPEST = 50  # of filters within filters; more is no filter that a person made

KINDS: dict[str, type[Filter]] = {
    made.kind: made
    for made in (
        Cone, Positions, Box, Polygon, SkyShapes, Moc, TimeRange, ObsIds, TargetType, Category, HasInstrument, Exposure, Public,
        Field, Picked, Usable, And, Or, Not,
    )
}  # fmt: skip


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
