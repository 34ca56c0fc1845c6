"""Recipes of the three stages of rgsproc that make an RGS event list.

DAXA runs the stages in one folder that all three must share, and loses it after the first. Here the first stage leaves two
products: the merged events, and a tar archive of everything else that the later stages read (source list, good time of attitude
and housekeeping). Source of what each stage reads and writes: the chapter « Algorithm » of the documentation of rgsproc.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_gui.core.product import ProductKind as K
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe, WorkUnit
from daxa_gui.reduction.xmm_common import FINISH, HERE, checked_unit, given_summary, odf_environment, unscheduled_recipe

_STAGES = {"events": "1:events", "angles": "2:angles", "filter": "3:filter"}


def _run(unit: WorkUnit, stage: str, title: str) -> ProgramRun:
    entry = _STAGES[stage]
    argv = (
        "rgsproc", f"entrystage={entry}", f"finalstage={entry}", "withinstexpids=true",
        f"instexpids={unit.instrument}{unit.exposure}",
    )  # fmt: skip
    return ProgramRun(argv, odf_environment(unit), title)


def _merged(unit: WorkUnit) -> str:
    return f"P{unit.obs_id}{unit.instrument}{unit.exposure}merged0000.FIT"


def _recipe(unit: WorkUnit, run: ProgramRun, made: tuple[Made, ...], given: tuple[Given, ...] = ()) -> Recipe:
    return Recipe(
        "sas", (run,), made, (given_summary(unit), *given), finish=f"{FINISH}:rgs", prepare=f"{HERE}:renew_path",
    )  # fmt: skip


def build_events(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    checked_unit(unit)
    if (left_out := unscheduled_recipe(unit, parameters)) is not None:
        return left_out
    made = (
        Made(_merged(unit), unit.key(K.RGS_MERGED), "events"),
        # all other FITS files of this stage: only the merged events end in « d0000.FIT »
        Made(f"P{unit.obs_id}*[!d]0000.FIT", unit.key(K.RGS_FILES), "", packed=True),
    )
    return _recipe(unit, _run(unit, "events", "Calibrated events of all CCDs"), made)


def build_angles(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """rgsangles changes the merged list itself, so the job gets a copy."""
    checked_unit(unit)
    given = (
        Given(_merged(unit), unit.product(K.RGS_MERGED), copy=True),
        Given("rgs_files.tar", unit.product(K.RGS_FILES), unpack=True),
    )
    made = (Made(_merged(unit), unit.key(K.RGS_ANGLES), "events"),)
    return _recipe(unit, _run(unit, "angles", "Angles corrected for drift"), made, given)


def build_cleaned(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    checked_unit(unit)
    given = (
        Given(_merged(unit), unit.product(K.RGS_ANGLES)),
        Given("rgs_files.tar", unit.product(K.RGS_FILES), unpack=True),
    )
    made = (Made(f"P{unit.obs_id}{unit.instrument}{unit.exposure}EVENLI0000.FIT", unit.key(K.FINAL_EVENTS), "events"),)
    return _recipe(unit, _run(unit, "filter", "Good events of good time"), made, given)
