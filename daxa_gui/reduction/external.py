"""Doing a step of the missions' own software: from a stored task to its outcome.

A job stores which step, which data and which parameters, never a program (see `recipe`). What is stored may come from the archive
of a stranger, so all of it is looked at again before anything runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import Cancelled, FileError, InputError, ReductionError
from daxa_gui.core.product_names import safe_part
from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Call, MadeFile, Outcome, Place, ProgramContext, Step
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.external_files import Workplace
from daxa_gui.reduction.external_made import Found, collect
from daxa_gui.reduction.external_runs import Programs, disk_watched
from daxa_gui.reduction.judging import Judgement
from daxa_gui.reduction.recipe import RUN_STEP, Recipe, WorkUnit, stored_arguments
from daxa_gui.reduction.software import installation

_HINT = "Was this archive made by a trusted source? Reducing again makes the program's own task anew."
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_FIELDS = ("mission", "obs_id", "instrument", "exposure", "raw_folder", "folder")


def task_for(step: Step, unit: WorkUnit, parameters: Mapping[str, Any]) -> Call:
    """The task of a step for one unit, as jobs store it.

    Raises
    ------
    InputError : an unknown parameter, or a value outside its limits.
    """
    values = checked(step, parameters)
    if step.software == "builtin":
        task = resolve(step.build)(unit, values)
        if not isinstance(task, Call):
            raise TypeError(f"{step.build} made {type(task).__name__}, not a Call")
        return task
    return Call(RUN_STEP, stored_arguments(step.name, unit, values), Place.THREAD)


def unit_and_parameters(step_name: str, arguments: Mapping[str, Any]) -> tuple[Step, WorkUnit, dict[str, Any]]:
    """What stored arguments of `run_step` (with or without « step ») mean, each of them checked.

    Raises
    ------
    InputError, ReductionError : no such step, or arguments that this program would not have stored.
    """
    if not isinstance(step_name, str) or step_name not in STEPS or STEPS[step_name].software == "builtin":
        raise ReductionError(f"There is no step of the missions' software called « {str(step_name)[:80]} ».", _HINT)
    step = STEPS[step_name]
    texts = {name: arguments.get(name, "") for name in _FIELDS}
    if not all(isinstance(text, str) for text in texts.values()):
        raise ReductionError("A stored task says things of its data that are no texts; it is not run.", _HINT)
    for name, what in (("mission", "a mission"), ("obs_id", "an ObsID"), ("exposure", "a sub-exposure")):
        safe_part(texts[name], what)
    if texts["instrument"]:
        safe_part(texts["instrument"], "an instrument")
    if step.missions and texts["mission"] not in step.missions:
        raise ReductionError(f"The step « {step.label} » is not for {texts['mission']}.", _HINT)
    if step.instruments and texts["instrument"] and texts["instrument"] not in step.instruments:
        raise ReductionError(f"The step « {step.label} » is not for {texts['instrument']}.", _HINT)
    for name in ("raw_folder", "folder"):
        _check_folder(texts[name])
    if Path(texts["folder"]).name != texts["obs_id"]:
        raise ReductionError(f"The folder {texts['folder']} is not that of {texts['obs_id']}; the task is not run.", _HINT)
    mappings = {name: arguments.get(name) or {} for name in ("facts", "versions", "parameters")}
    if not all(isinstance(one, Mapping) and all(isinstance(key, str) for key in one) for one in mappings.values()):
        raise ReductionError("A stored task has parameters in a form that this program does not use; it is not run.", _HINT)
    versions = {name: str(version) for name, version in mappings["versions"].items()}
    unit = WorkUnit(**texts, facts=dict(mappings["facts"]), versions=versions)
    return step, unit, checked(step, mappings["parameters"])


def _check_folder(path: str) -> None:
    if not path.startswith("/") or ".." in path.split("/"):
        raise ReductionError(f"A stored task is about the folder « {path[:200]} »; it is not run.", _HINT)
    if _CONTROL.search(path):
        raise InputError(
            f"The folder {path!r} has line breaks or control characters in its name.",
            "No software can be given such a name: rename the folder.",
        )


def recipe_for(step_name: str, arguments: Mapping[str, Any]) -> Recipe:
    """The recipe of a stored task. Reads no file. Raises as `unit_and_parameters`, and what the step's builder raises."""
    step, unit, parameters = unit_and_parameters(step_name, arguments)
    return _built(step, unit, parameters)


def _built(step: Step, unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    build = resolve(step.build)
    try:
        recipe = build(unit, parameters)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        raise ReductionError(
            f"What is stored of {unit.obs_id} {unit.name} makes no sense for the step « {step.label} »"
            f" ({type(error).__name__}: {str(error)[:200]}).", _HINT,
        ) from error  # fmt: skip
    if not isinstance(recipe, Recipe):
        raise TypeError(f"{step.build} made {type(recipe).__name__}, not a Recipe")
    return recipe


def run_step(ctx: ProgramContext, step: str, **arguments: Any) -> Outcome:
    """Do one step for one unit: lay out its files, run its programs, judge how they ended and what they left.

    Raises
    ------
    ReductionError, InputError, FileError : why it failed, with the message of the program that failed, what it means if that is
        known, and what to do. Cancelled.
    """
    declared, unit, parameters = unit_and_parameters(step, arguments)
    with Workplace(Path(ctx.work_folder), unit) as place:
        recipe = _built(declared, place.unit, parameters)
        package = None
        if recipe.software and recipe.runs:
            package = installation(recipe.software, ctx.setting, cancelled=lambda: _is_cancelled(ctx))
        judgement = Judgement()
        programs = Programs(ctx, place, package, judgement)
        with disk_watched(place.folder, programs):
            try:
                recipe, found = _attempt(ctx, place, recipe, parameters, programs)
            except (ReductionError, FileError) as error:
                again = _other_recipe(recipe, place.unit, parameters, programs, error)
                if again is None:
                    raise
                other, sentence = again
                ctx.log(f"WARNING: {sentence}")
                judgement.begin_again(sentence)
                place.clear()
                recipe, found = _attempt(ctx, place, other, parameters, programs)
            outcome = _finished(ctx, recipe, place.unit, parameters, found)
    return _joined(outcome, found, judgement, programs)


# Before its first program nothing of it takes long: the queue may begin it while it has to wait for its turn (`Runner`).
run_step.gets_ready = True  # type: ignore[attr-defined]


def _is_cancelled(ctx: ProgramContext) -> bool:
    try:
        ctx.check_cancelled()
    except Cancelled:
        return True
    return False


def _attempt(
    ctx: ProgramContext, place: Workplace, recipe: Recipe, parameters: Mapping[str, Any], programs: Programs
) -> tuple[Recipe, list[Found]]:
    place.lay_out(recipe.given, ctx)
    if recipe.prepare:
        prepared = resolve(recipe.prepare)(ctx, place.unit, parameters, recipe)
        recipe = replace(recipe, runs=prepared.runs, made=prepared.made, finish=prepared.finish)
    programs.run(recipe)
    ctx.check_cancelled()
    return recipe, collect(place, recipe.made, programs.last_program)


def _other_recipe(
    recipe: Recipe, unit: WorkUnit, parameters: Mapping[str, Any], programs: Programs, error: ReductionError | FileError
) -> tuple[Recipe, str] | None:
    """What the step wants to do instead after a failure that was judged; None if nothing, or nothing was judged (a time limit, a
    file that was missing before)."""
    if not recipe.retry or not programs.was_judged(error):
        return None
    answer: tuple[Recipe, str] | None = resolve(recipe.retry)(unit, parameters, recipe, programs.last_lines)
    return answer


def _finished(ctx: ProgramContext, recipe: Recipe, unit: WorkUnit, parameters: Mapping[str, Any], found: list[Found]) -> Outcome:
    if not recipe.finish:
        return Outcome()
    made = {one.made.pattern: one.paths for one in found}
    outcome = resolve(recipe.finish)(ctx, unit, parameters, made)
    return Outcome() if outcome is None else outcome


def _joined(finished: Outcome, found: list[Found], judgement: Judgement, programs: Programs) -> Outcome:
    """What `finish` gave, with the files that were made, the warnings of the programs and how they ran."""
    files, facts = [], dict(programs.facts)
    for one in found:
        if one.name:
            files.append(MadeFile(one.name, one.made.key, facts=one.facts))
        for name, value in one.facts.items():
            facts.setdefault(name, value)
    warnings = (*judgement.warnings(), *(warning for one in found for warning in one.warnings), *finished.warnings)
    return replace(
        finished, files=(*files, *finished.files), warnings=tuple(dict.fromkeys(warnings)), facts={**facts, **finished.facts}
    )
