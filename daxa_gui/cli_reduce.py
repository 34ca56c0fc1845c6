"""The verbs of reduction: `reduce`, `doctor`, `configurations`, and the failures of `logs`."""

from __future__ import annotations

import argparse
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from daxa_gui.cli_archive import changeable, looked_at
from daxa_gui.cli_jobs import wait
from daxa_gui.cli_output import count_of, print_document, print_table, say, warn
from daxa_gui.core.errors import ArchiveError, InputError, ReductionError
from daxa_gui.core.finding import Grade
from daxa_gui.core.finding_text import finding_lines
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.reduction_plan import ComparedProduct, LeftAside, ReductionOrder, ReductionPlan, RunOptions, ShownCommand
from daxa_gui.core.started_jobs import StartedJobs
from daxa_gui.session import Session

Add = Callable[[str, Callable[[Session, argparse.Namespace], int], str], argparse.ArgumentParser]


def add_reduction_verbs(add: Add) -> None:
    sub = add("reduce", reduce_archive, "Run reduction steps or a whole pipeline for the observations of an archive.")
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--pipeline", metavar="NAME", help="builtin (usual), full_xmm, full_erosita, full_chandra or full_nustar")
    sub.add_argument("--step", action="append", default=[], help="this step and those that it needs (may be repeated)")
    sub.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter as STEP.PARAMETER=VALUE, or an argument of the pipeline as ARGUMENT=VALUE (may be repeated)",
    )  # fmt: skip
    sub.add_argument("--mission", action="append", default=[], metavar="NAME", help="only this mission (may be repeated)")
    sub.add_argument(
        "--obs", action="append", default=[], metavar="MISSION:OBSID", help="only this observation (may be repeated)"
    )
    sub.add_argument("--again", action="store_true", help="also what is done already")
    sub.add_argument("--configuration", default="", metavar="NAME", help="keep results that are replaced under this name")
    sub.add_argument("--cores", type=int, metavar="N", help="jobs at the same time, for this archive from now on")
    sub.add_argument("--time-limit", type=float, metavar="MIN", help="end a command that takes longer; 0: no limit")
    sub.add_argument("--keep", action=argparse.BooleanOptionalAction, default=None, help="keep intermediate files")
    sub.add_argument("--executor", metavar="WHERE", help="local, dask=ADDRESS or slurm, for this archive from now on")
    sub.add_argument("--anyway", action="store_true", help="also if the doctor finds that steps would fail")
    sub.add_argument("--dry-run", action="store_true", help="show the commands that would run, and run nothing")
    sub.add_argument(
        "--script", metavar="FILE", help="write the commands as a shell script (-: onto the screen), and run nothing"
    )
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    sub = add("doctor", doctor, "Check whether the software, calibration and disks that reduction needs are there and fit.")
    sub.add_argument("archive", nargs="?", help="an archive: its missions and observations only")
    sub.add_argument("--step", action="append", default=[], help="only for this step (may be repeated)")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    sub = add("configurations", configurations, "Earlier results of an archive, kept when parameters were changed.")
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--compare", metavar="NAME", help="each of its products beside the present one")
    sub.add_argument("--remove", metavar="NAME", help="delete one with its files")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")


# ---- reduce


def order_from(session: Session, options: argparse.Namespace) -> ReductionOrder:
    """What the arguments ask for; InputError for what does not fit."""
    if options.pipeline and options.step:
        raise InputError("Give steps or a pipeline, not both.", "A pipeline names its own steps.")
    settings = [text for text in options.set if "." in text.partition("=")[0]]
    arguments = {}
    for text in options.set:
        if text not in settings:
            name, equals, value = text.partition("=")
            if not equals or not name.strip() or not options.pipeline:
                raise InputError(f"« {text} » is not of the form STEP.PARAMETER=VALUE.", "For example flares.n_sigma=2.5.")
            arguments[name.strip()] = value.strip()
    return ReductionOrder(
        tuple(options.step), options.pipeline or "", session.parse_arguments(options.pipeline or "", arguments),
        session.parse_parameters(settings), tuple(options.mission), _observations(session, options.obs), (),
        options.configuration, options.again,
    )  # fmt: skip


def _observations(session: Session, texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """« MISSION:OBSID », or the ObsID alone, as (mission, ObsID); InputError for what the archive does not have."""
    found: list[tuple[str, str]] = []
    known = [(one.mission, one.obs_id) for one in session.observations()] if texts else []
    for text in texts:
        mission, _, obs_id = text.strip().rpartition(":")
        named = [one for one in known if one[1] == obs_id and mission in ("", one[0])]
        if not named:
            raise InputError(f"The archive has no observation « {text} ».", "Give it as MISSION:OBSID, for example chandra:4933.")
        found += named
    return tuple(dict.fromkeys(found))


def reduce_archive(session: Session, options: argparse.Namespace) -> int:
    only_shown = options.dry_run or options.script is not None  # « --script "$NAME" » of an empty name must not begin to reduce
    session.open_archive(session.archive_named(options.archive), start=not only_shown)
    order = order_from(session, options)
    if only_shown:
        return _show(session, options, order)
    if session.archive is not None and session.archive.read_only:
        raise ArchiveError(session.archive.read_only, "Nothing was run.")
    session.plan_reduction(order)  # what is wrong with the order is said before anything is waited for
    wait(session)
    missing = [job for job in session.jobs() if job.kind != "reduce" and job.state not in (JobState.SUCCEEDED, JobState.SKIPPED)]
    if missing:
        warn(f"Warning: missing: {count_of(len(missing), 'download')}; « daxa-gui fetch {options.archive} » goes on.")
    if options.executor is not None:
        session.set_executor(options.executor)
    if not options.anyway:
        _refuse_unprepared(session, order, options.archive)
    given = RunOptions(options.cores, options.time_limit, options.keep)
    now = session.run_options()
    both = zip(astuple(given), astuple(now), strict=True)
    before = {one.name: one.n_products for one in session.configurations()}
    started = session.start_reduction(order, RunOptions(*(new if new is not None else old for new, old in both)))
    wait(session)
    code = _report(session, options, order, started)
    kept = [one.name for one in session.configurations() if one.n_products > before.get(one.name, 0)]
    if kept and not options.json:
        names = ", ".join(f"« {name} »" for name in kept)
        say(f"What was replaced is kept as {names}: see « daxa-gui configurations {options.archive} ».")
    return code


def _refuse_unprepared(session: Session, order: ReductionOrder, archive: str) -> None:
    """Raise ReductionError, after all has been said, if the doctor finds that steps of the order would fail."""
    faults = session.check_before(order)
    if not faults:
        return
    for line in finding_lines(faults[:-1]):
        warn(line)
    last = faults[-1]
    raise ReductionError(
        f"Nothing was run: {last.text}",
        f"{last.fix} « daxa-gui doctor {archive} » tells all; with --anyway the steps run all the same.",
    )


def _report(session: Session, options: argparse.Namespace, order: ReductionOrder, started: StartedJobs) -> int:
    """What came of the jobs of the order, those that followed on the way among them, and what was left aside; 1 if any failed or
    is still to be done. Of other orders' jobs nothing is said."""
    plan = session.plan_reduction(order)
    jobs = _of_order(session.jobs("reduce"), started, {step.step for step in plan.steps})
    failed = [job for job in jobs if job.state in (JobState.FAILED, JobState.CANCELLED)]
    skipped = sum(job.state is JobState.SKIPPED for job in jobs)
    left = [job for job in jobs if not job.is_finished]
    if options.json:
        path = session.archive.path if session.archive else ""
        print_document(
            {
                "archive": path, "jobs": [_job_row(job) for job in jobs], "failed": len(failed), "skipped": skipped,
                "unfinished": len(left), "left_aside": [asdict(one) for one in plan.left_aside],
            }
        )  # fmt: skip
    else:
        rows = [(job.mission, job.obs_id, job.unit, job.step, str(job.state), _why_so(job)) for job in jobs]
        print_table(("MISSION", "OBSID", "UNIT", "STEP", "STATE", "WHY"), rows)
        print_left_aside(plan.left_aside)
        counts = Counter(str(job.state) for job in jobs)
        say(", ".join(f"{count} {state}" for state, count in counts.most_common()) or "nothing to do")
        if started.was_done and jobs:
            say("All of this was done before, so nothing was run; with --again it is done once more.")
    if failed:
        warn(f"{count_of(len(failed), 'job')} failed; « daxa-gui logs {options.archive} --causes » tells why and what to do.")
    if left:
        warn(f"{count_of(len(left), 'job')} still to be done; the same command goes on.")
    return 1 if failed or left else 0


def _of_order(jobs: Sequence[Job], started: Sequence[Job], steps: Collection[str]) -> list[Job]:
    """The jobs that an order had from the start, and those of observations whose units were only found out on the way."""
    ids: set[int] = set()
    to_come: set[tuple[str, str]] = set()
    with_units: set[tuple[str, str]] = set()
    for job in started:  # once: each is read from the archive
        ids.add(job.id)
        (with_units if job.unit else to_come).add((job.mission, job.obs_id))
    to_come -= with_units
    found = [job for job in jobs if job.id in ids or (job.step in steps and (job.mission, job.obs_id) in to_come)]
    return sorted(found, key=lambda job: (job.mission, job.obs_id, job.unit, job.id))


def _job_row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id, "mission": job.mission, "obs_id": job.obs_id, "unit": job.unit, "step": job.step, "state": str(job.state),
        "reason": job.reason, "warnings": list(job.warnings), "facts": job.facts, "error": job.error.message if job.error else "",
        "hint": job.error.hint if job.error else "", "log": job.log_path,
    }  # fmt: skip


def _why_so(job: Job) -> str:
    return " ".join((job.error.message if job.error else job.reason or "; ".join(job.warnings)).split())


def _show(session: Session, options: argparse.Namespace, order: ReductionOrder) -> int:
    if options.script is not None:
        return _write_script(session, options, order)
    plan, commands, tasks = session.plan_reduction(order), session.commands(order), session.describe_builtin(order)
    if options.json:
        print_document({"plan": asdict(plan), "commands": [asdict(one) for one in commands], "tasks": tasks})
        return 0
    print_plan(plan)
    say(*command_lines(commands), *tasks)
    return 0


def _write_script(session: Session, options: argparse.Namespace, order: ReductionOrder) -> int:
    """Into a file, or for « - » onto standard output; what the script does not have is told beside it."""
    plan, has_commands = session.plan_reduction(order), bool(session.commands(order, limit=1))
    if options.script == "-":
        text = session.shell_script(order)
        print_document({"script": "-", "text": text}) if options.json else print(text, end="")
    else:
        session.save_script(order, Path(options.script))
        print_document({"script": options.script}) if options.json else say(f"Wrote {options.script}.")
    if unknown := max((step.unknown for step in plan.steps), default=0):
        warn(
            f"Warning: the script lacks the exposures of {count_of(unknown, 'observation')}, which are not known yet;"
            f" « daxa-gui reduce {options.archive} --step exposures » finds them."
        )
    elif not has_commands:
        warn("Warning: the script has no commands: the steps of the built-in engine are run by daxa-gui itself.")
    if plan.left_aside:
        warn(f"Warning: left aside: {len(plan.left_aside)}; --dry-run tells what, and why.")
    return 0


def print_plan(plan: ReductionPlan) -> None:
    rows = [(step.step, step.new, step.again, step.fresh, step.unknown, step.replaced, _why(step.why)) for step in plan.steps]
    print_table(("STEP", "NEW", "AGAIN", "DONE", "TO COME", "REPLACED", "WHY AGAIN"), rows)
    print_left_aside(plan.left_aside)
    say(*plan.notes)


def print_left_aside(left_aside: Sequence[LeftAside]) -> None:
    if left_aside:
        print()
        rows = [(one.mission, one.obs_id, one.unit, one.reason) for one in left_aside]
        print_table(("LEFT ASIDE", "OBSID", "UNIT", "WHY"), rows)


def _why(why: Mapping[str, int]) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in why.items())


def command_lines(commands: Sequence[ShownCommand]) -> list[str]:
    """For reading: what is laid out, the command as a shell would take it, what becomes of its files."""
    lines = (
        ["", "# {work} is a folder of the job's own"] if any("{work}" in part for one in commands for part in one.argv) else []
    )
    for one in commands:
        lines += ["", f"# {one.step} {one.obs_id} {one.unit}".rstrip() + (f": {one.title}" if one.title else "")]
        lines += [f"#   {words}" for words in one.before]
        lines.append(
            " ".join([*(f"{name}={shlex.quote(value)}" for name, value in one.environment.items()), shlex.join(one.argv)])
        )
        lines += [f"#   {words}" for words in one.after]
    return lines


# ---- doctor


def doctor(session: Session, options: argparse.Namespace) -> int:
    """0 if nothing is wrong, 1 if steps would fail."""
    with looked_at(session, options.archive) if options.archive else nullcontext():
        findings = session.doctor(tuple(options.step))
    if options.json:
        print_document({"findings": [asdict(one) for one in findings]})
    else:
        say(*finding_lines(findings))
    return 1 if any(one.grade is Grade.FAULT for one in findings) else 0


# ---- configurations


def configurations(session: Session, options: argparse.Namespace) -> int:
    if options.remove:
        changeable(session, options.archive)
        n_bytes = session.remove_configuration(options.remove)
        if options.json:
            print_document({"removed": options.remove, "bytes": n_bytes})
        else:
            say(f"Removed « {options.remove} »; its files had {n_bytes} bytes.")
        return 0
    with looked_at(session, options.archive):
        return _print_configurations(session, options)


def _print_configurations(session: Session, options: argparse.Namespace) -> int:
    if options.compare:
        products = session.compare_configuration(options.compare)
        if options.json:
            print_document({"products": [asdict(one) for one in products]})
        else:
            _print_compared(products)
        return 0
    found = session.configurations()
    if options.json:
        print_document({"configurations": [asdict(one) for one in found]})
        return 0
    kept = [one for one in found if one.n_products]  # the others wait for runs that replace something
    rows = [(one.name, one.n_observations, one.n_products, one.n_bytes, ", ".join(one.steps), one.reason) for one in kept]
    print_table(("NAME", "OBSERVATIONS", "PRODUCTS", "BYTES", "STEPS", "REPLACED BECAUSE"), rows)
    return 0


_COMPARED = ("n_events", "good_time_s", "ontime_s", "kept_fraction", "sum")


def _print_compared(products: Sequence[ComparedProduct]) -> None:
    """One line per product: its file, and what of it is known of both, where anything is known of any of them."""
    names = [name for name in _COMPARED if any(name in one.old_facts or name in one.new_facts for one in products)]
    values = [f"{name.upper()} {when}" for name in names for when in ("THEN", "NOW")]
    facts = [[_fact(part, name) for name in names for part in (one.old_facts, one.new_facts)] for one in products]
    widths = [max(map(len, column)) for column in zip(values, *facts, strict=True)]
    rows = [
        (
            one.mission, one.obs_id, one.unit, *(text.rjust(width) for text, width in zip(own, widths, strict=True)),
            "yes" if one.new_path else "no", Path(one.old_path).name,
        )
        for one, own in zip(products, facts, strict=True)
    ]  # fmt: skip
    print_table(("MISSION", "OBSID", "UNIT", *values, "THERE NOW", "FILE"), rows)
    say(count_of(len(products), "product"))


def _fact(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
