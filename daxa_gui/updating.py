"""Updating an archive: its stored filters on refreshed catalogues, what that changes, and fetching and reducing what is new."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.core.archive_queries import ArchiveUpdate
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.certificate import CatalogueStatus
from daxa_gui.core.download_plan import DownloadPlan
from daxa_gui.core.errors import Cancelled, DaxaError, InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.job import Job
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.selection import Selection
from daxa_gui.core.times import mjd_to_text
from daxa_gui.missions import MISSIONS
from daxa_gui.open_archive import OpenArchive

CatalogueOf = Callable[[str], Catalogue]
Progress = Callable[[float, float | None, str], None]
Chosen = Sequence[tuple[Selection, Sequence[Mapping[str, Any]]]]
Observation = tuple[str, str]  # mission, ObsID


@dataclass
class _Found:
    """What the search of one mission gave; ObsIDs in the order of the catalogue."""

    added: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    now_public: list[str] = field(default_factory=list)
    selections: list[Selection] = field(default_factory=list)
    not_public: int = 0  # of the added ones
    problems: list[str] = field(default_factory=list)


def plan_update(
    store: ArchiveStore,
    catalogue: CatalogueOf,
    refresh: Callable[[str], object],
    *,
    now_mjd: float,
    status: Callable[[str], CatalogueStatus] | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ArchiveUpdate:
    """Refresh the catalogues of the archive's missions, run its stored filters on them, and tell what differs. The archive is not
    changed.

    Parameters
    ----------
    catalogue : gives a mission's catalogue as it is known here now.
    refresh : fetches a mission's catalogue anew. What it raises (DaxaError) becomes a problem, and the cached one is used.
    now_mjd : what is public by then (MJD, UTC) counts as public.
    status : tells of what date a catalogue is.
    progress : told (missions done, all missions, what is done now).
    cancelled : asked between missions.

    Raises
    ------
    Cancelled : `cancelled` said so.
    """
    of_mission: dict[str, list[Selection]] = {}
    for selection in store.selections():
        of_mission.setdefault(selection.mission, []).append(selection)
    observations: dict[str, dict[str, ArchiveObservation]] = {mission: {} for mission in of_mission}
    for about in store.observations():
        observations.setdefault(about.mission, {})[about.obs_id] = about
    closed = {(one.mission, one.obs_id) for one in store.left_out() if one.proprietary and not one.unit}
    found: dict[str, _Found] = {}
    for number, (mission, selections) in enumerate(of_mission.items()):
        if cancelled is not None and cancelled():
            raise Cancelled
        spec = MISSIONS.get(mission)
        if spec is None:
            found[mission] = _Found(problems=[f"This version of the program does not know the mission « {mission} »."])
            continue
        if progress is not None:
            progress(number, len(of_mission), f"asking for the observations of {spec.label}")
        here = observations[mission]
        simulated = bool(here) and all(about.row.get("simulated") for about in here.values())
        problem = "" if simulated else _refreshed(spec, refresh, status)
        not_public = {obs_id for other, obs_id in closed if other == mission}
        found[mission] = _compared(spec, catalogue(mission), selections, set(here), not_public, simulated, now_mjd)
        if problem:
            found[mission].problems.insert(0, problem)
    return _update(found)


def _refreshed(spec: MissionSpec, refresh: Callable[[str], object], status: Callable[[str], CatalogueStatus] | None) -> str:
    """A sentence if the catalogue could not be refreshed; those that come whole with the program need not be."""
    if not spec.sources:
        return ""
    try:
        refresh(spec.name)
    except DaxaError as error:
        return f"The catalogue of {spec.label} was not refreshed ({error.message.rstrip('.')}); {_age(spec, status)} is used."
    return ""


def _age(spec: MissionSpec, status: Callable[[str], CatalogueStatus] | None) -> str:
    known = None if status is None else status(spec.name)
    if known is None or known.certificate is None:
        return "the one that is here"
    return f"the one of {mjd_to_text(known.certificate.fetched_mjd)[:10]}"


def _compared(
    spec: MissionSpec, catalogue: Catalogue, stored: Sequence[Selection], here: set[str], not_public: set[str], simulated: bool,
    now_mjd: float,
) -> _Found:  # fmt: skip
    """Run the stored selections of one mission on its catalogue."""
    found = _Found()
    public = catalogue.public(now_mjd)
    rows = catalogue.row_of
    still: set[str] = set()
    judged: set[str] = set()
    for selection in _distinct(stored):
        mask = _passing(spec, selection, catalogue, found)
        if mask is None:
            continue
        judged.update(selection.obs_ids)
        ids = list(dict.fromkeys(catalogue.obs_id[mask & (catalogue.simulated == simulated)].tolist()))
        still.update(ids)
        new = [obs_id for obs_id in ids if obs_id not in here and obs_id not in not_public and obs_id not in found.added]
        opened = [obs_id for obs_id in ids if obs_id in not_public and public[rows[obs_id]] and obs_id not in found.now_public]
        found.added += new
        found.now_public += opened
        found.not_public += sum(not public[rows[obs_id]] for obs_id in new)
        if new or opened:
            chosen = (*new, *opened)
            found.selections.append(replace(selection, catalogue_version=catalogue.version, obs_ids=chosen))
    found.gone = sorted((judged & here) - still)
    return found


def _distinct(stored: Iterable[Selection]) -> list[Selection]:
    """Selections with the same filters as one; earlier updates of an archive stored theirs again."""
    by_filters: dict[str, Selection] = {}
    for one in stored:
        key = json.dumps(one.filters, sort_keys=True)
        other = by_filters.get(key)
        by_filters[key] = one if other is None else replace(one, obs_ids=tuple(dict.fromkeys((*other.obs_ids, *one.obs_ids))))
    return list(by_filters.values())


def _passing(spec: MissionSpec, selection: Selection, catalogue: Catalogue, found: _Found) -> NDArray[np.bool_] | None:
    """The rows that pass the filters of a selection, shape (n,); None where that cannot be said, with the reason in `found`."""
    if not selection.filters:
        found.problems.append(f"No filters are stored for {len(selection.obs_ids)} observations of {spec.label}; they stay.")
        return None
    if not len(catalogue):
        found.problems.append(f"Nothing is known of the observations of {spec.label} here; those of the archive stay.")
        return None
    try:
        return FilterStack.from_json(list(selection.filters)).mask(catalogue)
    except InputError as error:
        found.problems.append(f"The stored filters of {spec.label} cannot be used: {error.message}")
        return None


def _update(found: Mapping[str, _Found]) -> ArchiveUpdate:
    def all_of(name: str) -> tuple[Observation, ...]:
        return tuple((mission, obs_id) for mission, one in found.items() for obs_id in getattr(one, name))

    sentences = tuple(line for mission, one in found.items() if (line := _sentence(mission, one)))
    return ArchiveUpdate(
        added=all_of("added"),
        gone=all_of("gone"),
        now_public=all_of("now_public"),
        sentences=sentences or ("Nothing is new.",),
        problems=tuple(problem for one in found.values() for problem in one.problems),
        selections=tuple(selection for one in found.values() for selection in one.selections),
    )


def _sentence(mission: str, found: _Found) -> str:
    """« XMM-Newton: 3 new observations (1 of them not public yet), 1 is public now, 2 no longer pass the filters. »"""
    parts = []
    if found.added:
        waiting = f" ({found.not_public} of them not public yet)" if found.not_public else ""
        parts.append(f"{len(found.added)} new observation{'s' if len(found.added) != 1 else ''}{waiting}")
    if found.now_public:
        n = len(found.now_public)
        parts.append(f"{n} {'is' if n == 1 else 'are'} public now")
    if found.gone:
        n = len(found.gone)
        parts.append(f"{n} no longer pass{'es' if n == 1 else ''} the filters and stay{'s' if n == 1 else ''} in the archive")
    return f"{MISSIONS[mission].label}: {', '.join(parts)}." if parts else ""


def apply_update(
    opened: OpenArchive,
    update: ArchiveUpdate,
    catalogue: CatalogueOf,
    plan: Callable[[Chosen], DownloadPlan] | None = None,
) -> list[Job]:
    """Put what is new into the archive, fetch it, and have it reduced as the rest of its mission was reduced last. A version is
    kept of the state before, and one when everything has come.

    Parameters
    ----------
    catalogue : as for `plan_update`.
    plan : makes the plan of downloads; None: each observation is planned by a job of its own.

    Returns
    -------
    The jobs that were begun; none if nothing is new.

    Raises
    ------
    InputError : the catalogue no longer has one of the observations.
    ArchiveError : the archive can only be looked at, or cannot be written.
    """
    selections = [one for one in update.selections if isinstance(one, Selection) and one.obs_ids]
    chosen = [(selection, _rows(catalogue(selection.mission), selection)) for selection in selections]
    if not chosen:
        return []
    planned = plan(chosen) if plan is not None else None
    opened.cut_version()
    missions = {selection.mission for selection in selections}
    opened.reduce_when_here(missions & opened.reduced_missions())
    keys = {(selection.mission, obs_id) for selection in selections for obs_id in selection.obs_ids}
    opened.add_selections(chosen)
    opened.store.remove_left_out(keys)
    opened.store.log_event("update", " ".join(update.sentences))
    return opened.start_plan(planned) if planned is not None else opened.download_of(keys)


def _rows(catalogue: Catalogue, selection: Selection) -> list[dict[str, Any]]:
    rows = []
    for obs_id in selection.obs_ids:
        found = catalogue.rows_of([obs_id])
        if not len(found):
            raise InputError(
                f"The catalogue of {selection.mission} no longer has the observation {obs_id}.", "Look for what is new again."
            )
        rows.append(catalogue.row(int(found[0])))
    return rows
