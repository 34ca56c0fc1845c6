"""Why filters by time, name and what the catalogue says do not want an observation, and why combined filters do not."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.filter_base import And, Filter, Not, Or
from daxa_gui.core.filter_words import day_words, format_seconds
from daxa_gui.core.filters_names import Field, ObsIds, Picked
from daxa_gui.core.filters_rows import Category, Exposure, HasInstrument, Public, TargetType, Usable
from daxa_gui.core.filters_time import TimeRange
from daxa_gui.core.obstacle import BY_HAND, Obstacle, obstacle, without
from daxa_gui.core.targets import TARGET_TYPES

_LEAVE_OUT = "Leave this filter out, or tick this observation in by hand."


def time_words(row: Catalogue) -> str:
    """« it was observed 2019-11-03 to 2019-11-07 », with what is not known said so."""
    start, end = float(row.start_mjd[0]), float(row.end_mjd[0])
    if math.isnan(start) and math.isnan(end):
        return "it is not known when it was observed"
    if math.isnan(end):
        return f"it was observed from {day_words(start)} to an unknown time"
    if math.isnan(start):
        return f"it was observed from an unknown time to {day_words(end)}"
    return f"it was observed {day_words(start)} to {day_words(end)}"


@obstacle.register
def _(one: TimeRange, row: Catalogue) -> Obstacle:
    start, end = float(row.start_mjd[0]), float(row.end_mjd[0])
    if math.isnan(start) and math.isnan(end):
        return Obstacle(time_words(row))
    # to overlap, the window must reach the observation's end or start; to hold it, its start and end
    early, late = (start, end) if one.entirely_inside else (end, start)
    wider = replace(one, start_mjd=float(np.fmin(one.start_mjd, early)), end_mjd=float(np.fmax(one.end_mjd, late)))
    return Obstacle(f"{time_words(row)}, outside the time window", wider, f"Widen the time window: {wider.sentence()}.")


@obstacle.register
def _(one: ObsIds, row: Catalogue) -> Obstacle:
    obs_id = str(row.obs_id[0])
    change = replace(one, obs_ids=(*one.obs_ids, obs_id))
    return Obstacle(f"its ObsID {obs_id} is not among those asked for", change, f"Add {obs_id} to the ObsIDs.")


@without.register
def _(one: ObsIds, row: Catalogue) -> Filter | None:
    left = tuple(obs_id for obs_id in one.obs_ids if not ObsIds((obs_id,)).mask(row)[0])
    return replace(one, obs_ids=left) if left else None


@obstacle.register
def _(one: TargetType, row: Catalogue) -> Obstacle:
    code = str(row.target_type[0])
    if code not in TARGET_TYPES:
        return Obstacle("the type of its target is not known")
    change = replace(one, codes=(*one.codes, code))
    return Obstacle(f"its target is of the type « {TARGET_TYPES[code]} »", change, f"Take the type « {TARGET_TYPES[code]} » too.")


@without.register
def _(one: TargetType, row: Catalogue) -> Filter | None:
    left = tuple(code for code in one.codes if code != str(row.target_type[0]))
    return replace(one, codes=left) if left else None


@obstacle.register
def _(one: Category, row: Catalogue) -> Obstacle:
    text = str(row.category[0])
    if not text.strip():
        return Obstacle("the mission does not say of what category its target is")
    change = replace(one, texts=(*one.texts, text))
    return Obstacle(f"the mission calls its target « {text} »", change, f"Take the category « {text} » too.")


@without.register
def _(one: Category, row: Catalogue) -> Filter | None:
    left = tuple(text for text in one.texts if text.strip() and not Category((text,)).mask(row)[0])
    return replace(one, texts=left) if left else None


@obstacle.register
def _(one: HasInstrument, row: Catalogue) -> Obstacle:
    used = str(row.instruments[0]).split()
    if not used:
        return Obstacle("it is not known which instruments it used")
    known = {name.upper() for name in used}
    if not one.all_of:
        change = replace(one, instruments=(*one.instruments, used[0]))
        return Obstacle(f"it used {', '.join(used)} only", change, f"Ask for {used[0]} too.")
    missing = [name for name in one.instruments if name.strip().upper() not in known]
    left = tuple(name for name in one.instruments if name not in missing)
    reason = f"it did not use {', '.join(missing)}"
    return Obstacle(reason, replace(one, instruments=left), f"Do not ask for {', '.join(missing)}.") if left else Obstacle(reason)


@obstacle.register
def _(one: Exposure, row: Catalogue) -> Obstacle:
    seconds = float(one.seconds(row)[0])
    what = f"exposure of {one.instrument}" if one.instrument else "exposure"
    if math.isnan(seconds):
        used = not one.instrument or HasInstrument((one.instrument,)).mask(row)[0]
        return Obstacle(f"its {what} is not known" if used else f"it did not use {one.instrument}")
    if seconds < 0:
        return Obstacle(f"its {what}, {format_seconds(seconds, 6)}, makes no sense")
    if one.min_s is not None and seconds < one.min_s:
        reason = f"its {what} is {_told_apart(seconds, one.min_s)}"
        least = float(math.floor(seconds)) if seconds >= 1000 else seconds
        return Obstacle(reason, replace(one, min_s=least), f"Lower the shortest exposure to {format_seconds(least)}.")
    most = float(math.ceil(seconds)) if seconds >= 1000 else seconds
    reason = f"its {what} is {_told_apart(seconds, one.max_s or 0.0)}"
    return Obstacle(reason, replace(one, max_s=most), f"Raise the longest exposure to {format_seconds(most)}.")


def _told_apart(seconds: float, limit_s: float) -> str:
    """A duration with as few digits as say that it is not the limit."""
    texts = (format_seconds(seconds, digits) for digits in range(5, 17))
    return next((text for text in texts if text != format_seconds(limit_s)), format_seconds(seconds, 17))


@obstacle.register
def _(one: Public, row: Catalogue) -> Obstacle:
    release = float(row.public_mjd[0])
    if math.isinf(release):
        return Obstacle("its data are not public and no date of release is known", None, _LEAVE_OUT)
    day = day_words(release)
    return Obstacle(f"its data are not public before {day}", None, f"Public from {day}: wait, or leave this filter out.")


@obstacle.register
def _(one: Usable, row: Catalogue) -> Obstacle:
    return Obstacle(f"it is marked: {row.unusable_reason[0]}", None, _LEAVE_OUT)


@obstacle.register
def _(one: Field, row: Catalogue) -> Obstacle:
    key = str(row.extra["field_key"][0]) if "field_key" in row.extra else ""
    if not key:
        return Obstacle("it belongs to no named field")
    return Obstacle(f"it belongs to the field {key}", replace(one, names=(*one.names, key)), f"Take the field {key} too.")


@without.register
def _(one: Field, row: Catalogue) -> Filter | None:
    left = tuple(name for name in one.names if name.strip() and not Field((name,)).mask(row)[0])
    return replace(one, names=left) if left else None


@obstacle.register
def _(one: Picked, row: Catalogue) -> Obstacle:
    obs_id = str(row.obs_id[0])
    if one.keep:
        return Obstacle("it is not one of them", one.with_row(row.mission, obs_id), BY_HAND)
    return Obstacle("it was left out by hand", one.without_row(row.mission, obs_id), "Do not leave it out.")


# -- combined filters ---------------------------------------------------------------------------------------------------


@obstacle.register
def _(one: And, row: Catalogue) -> Obstacle:
    failing = {place: obstacle(part, row) for place, part in enumerate(one.filters) if not part.mask(row)[0]}
    reason = " and ".join(found.reason for found in failing.values())
    changes = {place: found.change for place, found in failing.items() if found.change is not None}
    if len(changes) < len(failing):
        hopeless = next(found for found in failing.values() if found.change is None)
        return Obstacle(reason, None, hopeless.words)
    new = tuple(changes.get(place, part) for place, part in enumerate(one.filters))
    return Obstacle(reason, And(new), " ".join(found.words for found in failing.values()))


@obstacle.register
def _(one: Or, row: Catalogue) -> Obstacle:
    """One part has to be changed; the first for which there is a change is."""
    found = [obstacle(part, row) for part in one.filters]
    if not found:
        return Obstacle("there is nothing to choose from")
    reason = " and ".join(dict.fromkeys(part.reason for part in found))
    for place, part in enumerate(found):
        if part.change is not None:
            return Obstacle(reason, Or((*one.filters[:place], part.change, *one.filters[place + 1 :])), part.words)
    return Obstacle(reason, None, found[0].words)


@obstacle.register
def _(one: Not, row: Catalogue) -> Obstacle:
    reason = f"it is {one.filter.sentence()}"
    smaller = without(one.filter, row)
    if smaller is None:
        return Obstacle(reason, None, _LEAVE_OUT)
    return Obstacle(reason, Not(smaller), f"Ask for « {Not(smaller).sentence()} ».")


@without.register
def _(one: And, row: Catalogue) -> Filter | None:
    for place, part in enumerate(one.filters):
        smaller = without(part, row)
        if smaller is not None:
            return And((*one.filters[:place], smaller, *one.filters[place + 1 :]))
    return None


@without.register
def _(one: Or, row: Catalogue) -> Filter | None:
    parts = [without(part, row) if part.mask(row)[0] else part for part in one.filters]
    left = tuple(part for part in parts if part is not None)
    return Or(left) if len(left) == len(parts) else None


@without.register
def _(one: Not, row: Catalogue) -> Filter | None:
    change = obstacle(one.filter, row).change
    return None if change is None else Not(change)
