"""Recipe that joins the cleaned event lists of an instrument's exposures, in order of time.

The task merge takes two lists, so n lists are n - 1 calls; the earlier list comes first, as its documentation asks (DAXA goes by
identifiers). Which lists are there is known only when the job runs: an exposure may have failed, or have no event left.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import ProgramContext
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe, WorkUnit
from daxa_gui.reduction.xmm_common import FINISH, checked_unit, cif_environment
from daxa_gui.reduction.xmm_fits import rows_of_events

_THIS = "daxa_gui.reduction.xmm_merging"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")


@dataclass(frozen=True)
class MergedKind:
    """One kind of event list: `name` in the names of files, what it is made from and what it becomes."""

    name: str
    title: str
    source: K
    result: K

    def given(self, exposure: str) -> str:
        return f"{exposure}_{self.name}.fits"

    @property
    def final(self) -> str:
        return f"final_{self.name}.fits"


_EVENTS = MergedKind("events", "Events", K.CLEAN_EVENTS, K.FINAL_EVENTS)
_OOT = MergedKind("oot_events", "Out-of-time events", K.CLEAN_OOT_EVENTS, K.FINAL_OOT_EVENTS)
_GOOD = MergedKind("all_good_events", "All good events, corners included", K.ALL_GOOD_EVENTS, K.FINAL_ALL_GOOD_EVENTS)
_GOOD_OOT = MergedKind(
    "all_good_oot_events", "All good out-of-time events", K.ALL_GOOD_OOT_EVENTS, K.FINAL_ALL_GOOD_OOT_EVENTS
)  # fmt: skip


def merged_kinds(instrument: str) -> tuple[MergedKind, ...]:
    """The kinds of lists of an instrument, in the order in which DAXA merges them."""
    return (_EVENTS, _OOT, _GOOD, _GOOD_OOT) if instrument == "PN" else (_EVENTS, _GOOD)


def in_order_of_time(unit: WorkUnit) -> list[dict[str, Any]]:
    """The instrument's exposures as facts tell them, the earliest first. Raises ReductionError if none is known."""
    exposures = [dict(one) for one in unit.facts.get("exposures", ())]
    if not exposures:
        raise ReductionError(f"No exposure of {unit.name or unit.instrument} of {unit.obs_id} is known.")
    for one in exposures:
        checked_unit(replace(unit, exposure=str(one["exposure"])))
    # ISO times sort as text; an exposure without a time comes last
    return sorted(exposures, key=lambda one: (not _TIME.fullmatch(str(one.get("start", ""))), str(one.get("start", ""))))


def build_merge(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """With one exposure the lists are copied to their final names, with more they are merged; `choose_lists` leaves out those
    that are not there."""
    checked_unit(unit)
    names = [str(one["exposure"]) for one in in_order_of_time(unit)]
    kinds = merged_kinds(unit.instrument)
    made = tuple(Made(kind.final, unit.key(kind.result), "events", optional=kind is _GOOD_OOT) for kind in kinds)
    if len(names) == 1:
        given = tuple(
            Given(kind.final, unit.product(kind.source, exposure=names[0]), copy=True, optional=kind is _GOOD_OOT)
            for kind in kinds
        )  # fmt: skip
        return Recipe("sas", (), made, given, finish=f"{FINISH}:merged")
    given = tuple(
        Given(kind.given(name), unit.product(kind.source, exposure=name), optional=True) for name in names for kind in kinds
    )  # fmt: skip
    runs = tuple(run for kind in kinds for run in _merges(unit, kind, names))
    return Recipe("sas", runs, made, given, finish=f"{FINISH}:merged", prepare=f"{_THIS}:choose_lists")


def _merges(unit: WorkUnit, kind: MergedKind, names: Sequence[str]) -> list[ProgramRun]:
    runs: list[ProgramRun] = []
    first = kind.given(names[0])
    for number, name in enumerate(names[1:], 1):
        result = kind.final if number == len(names) - 1 else f"{kind.name}_merged_{number}.fits"
        argv = ("merge", f"set1={first}", f"set2={kind.given(name)}", f"outset={result}")
        runs.append(ProgramRun(argv, cif_environment(unit), f"{kind.title}: {name} added"))
        first = result
    return runs


def choose_lists(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], recipe: Recipe) -> Recipe:
    """Before the runs: only exposures whose cleaned list is there and not empty, and kinds that all of these have.

    Raises
    ------
    ReductionError : no exposure is left.
    """
    work = Path(ctx.work_folder)
    exposures = [str(one["exposure"]) for one in in_order_of_time(unit)]
    names = [name for name in exposures if _has_events(work / _EVENTS.given(name))]
    if not names:
        raise ReductionError(f"No exposure of {unit.name} of {unit.obs_id} has cleaned events.")
    if left_out := [name for name in exposures if name not in names]:
        ctx.log(f"WARNING: Without cleaned events, so not merged: {', '.join(left_out)}.")
    runs: list[ProgramRun] = []
    for kind in merged_kinds(unit.instrument):
        if not all((work / kind.given(name)).is_file() for name in names):
            continue  # what must be made is missed when the job is judged
        if len(names) == 1:
            shutil.copyfile(work / kind.given(names[0]), work / kind.final)
        runs += _merges(unit, kind, names)
    return replace(recipe, runs=tuple(runs))


def _has_events(path: Path) -> bool:
    return path.is_file() and rows_of_events(path) > 0
