"""The verbs of reduction: `reduce`, `doctor`, `configurations`, and the failures of `logs`."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, astuple
from pathlib import Path
from typing import Any

from daxa_gui.cli_archive import changeable, looked_at
from daxa_gui.cli_jobs import report, wait
from daxa_gui.cli_output import count_of, print_document, print_table, warn
from daxa_gui.core.errors import ArchiveError, FileError, InputError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.job import JobState
from daxa_gui.core.reduction_plan import ReductionOrder, ReductionPlan, RunOptions, ShownCommand
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
    sub.add_argument("--dry-run", action="store_true", help="show the commands that would run, and run nothing")
    sub.add_argument("--script", metavar="FILE", help="write the commands as a shell script, and run nothing")
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
            if not equals or not options.pipeline:
                raise InputError(f"« {text} » is not of the form STEP.PARAMETER=VALUE.", "For example flares.n_sigma=2.5.")
            arguments[name.strip()] = value.strip()
    observations = []
    for text in options.obs:
        mission, _, obs_id = text.rpartition(":")
        found = [one for one in session.observations() if one.obs_id == obs_id and mission in ("", one.mission)]
        if not found:
            raise InputError(f"The archive has no observation « {text} ».", "Give it as MISSION:OBSID.")
        observations += [(one.mission, one.obs_id) for one in found]
    return ReductionOrder(
        tuple(options.step), options.pipeline or "", session.parse_arguments(options.pipeline or "", arguments),
        session.parse_parameters(settings), tuple(options.mission), tuple(observations), (), options.configuration, options.again,
    )  # fmt: skip


def reduce_archive(session: Session, options: argparse.Namespace) -> int:
    only_shown = options.dry_run or bool(options.script)
    session.open_archive(session.archive_named(options.archive), start=not only_shown)
    order = order_from(session, options)
    if only_shown:
        return _show(session, options, order)
    if session.archive is not None and session.archive.read_only:
        raise ArchiveError(session.archive.read_only, "Nothing was run.")
    wait(session)
    missing = [job for job in session.jobs() if job.kind != "reduce" and job.state not in (JobState.SUCCEEDED, JobState.SKIPPED)]
    if missing:
        warn(f"Warning: missing: {count_of(len(missing), 'download')}; « daxa-gui fetch {options.archive} » goes on.")
    if options.executor is not None:
        session.set_executor(options.executor)
    given = RunOptions(options.cores, options.time_limit, options.keep)
    now = session.run_options()
    both = zip(astuple(given), astuple(now), strict=True)
    session.start_reduction(order, RunOptions(*(new if new is not None else old for new, old in both)))
    wait(session)
    return report(session, options, ("reduce",))


def _show(session: Session, options: argparse.Namespace, order: ReductionOrder) -> int:
    if options.script:
        path = Path(options.script)
        try:
            path.write_text(session.shell_script(order), "utf-8")
            path.chmod(0o755)
        except OSError as error:
            raise FileError(f"The script {path} cannot be written: {error.strerror or error}.") from None
        print_document({"script": str(path)}) if options.json else print(f"Wrote {path}.")
        return 0
    plan, commands, tasks = session.plan_reduction(order), session.commands(order), session.describe_builtin(order)
    if options.json:
        print_document({"plan": asdict(plan), "commands": [asdict(one) for one in commands], "tasks": tasks})
        return 0
    print_plan(plan)
    for line in (*command_lines(commands), *tasks):
        print(line)
    return 0


def print_plan(plan: ReductionPlan) -> None:
    rows = [
        (step.step, step.new, step.again, step.fresh, step.unknown or "", step.replaced or "", _why(step.why))
        for step in plan.steps
    ]
    print_table(("STEP", "NEW", "AGAIN", "DONE", "OBSERVATIONS TO COME", "REPLACED", "WHY AGAIN"), rows)
    for one in plan.left_aside:
        print(f"left aside: {one.mission} {one.obs_id} {one.unit}: {one.reason}")
    for note in plan.notes:
        print(note)


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
        for one in findings:
            print(finding_text(one))
        faults = sum(one.grade is Grade.FAULT for one in findings)
        print(f"{count_of(faults, 'fault')}." if faults else "Nothing is wrong.")
    return 1 if any(one.grade is Grade.FAULT for one in findings) else 0


_MARKS = {Grade.GOOD: "ok    ", Grade.ADVICE: "note  ", Grade.FAULT: "FAULT "}


def finding_text(one: Finding) -> str:
    """A line, and a second one with what to do."""
    steps = f" [{', '.join(one.steps)}]" if one.steps and one.grade is not Grade.GOOD else ""
    return f"{_MARKS[one.grade]}{one.subject}: {one.text}{steps}" + (f"\n      → {one.fix}" if one.fix else "")


# ---- configurations


def configurations(session: Session, options: argparse.Namespace) -> int:
    if options.remove:
        changeable(session, options.archive)
        n_bytes = session.remove_configuration(options.remove)
        print_document({"removed": options.remove, "bytes": n_bytes}) if options.json else print(f"Freed {n_bytes} bytes.")
        return 0
    with looked_at(session, options.archive):
        return _print_configurations(session, options)


def _print_configurations(session: Session, options: argparse.Namespace) -> int:
    if options.compare:
        products = session.compare_configuration(options.compare)
        if options.json:
            print_document({"products": [asdict(one) for one in products]})
        else:
            shown = ("n_events", "ontime_s", "kept_fraction")
            header = ("MISSION", "OBSID", "UNIT", "KIND", *(f"{name} {when}" for name in shown for when in ("then", "now")))
            rows = [
                (
                    one.mission, one.obs_id, one.unit, one.kind,
                    *(_fact(facts, name) for name in shown for facts in (one.old_facts, one.new_facts)),
                )
                for one in products
            ]  # fmt: skip
            print_table(header, rows)
        return 0
    found = session.configurations()
    if options.json:
        print_document({"configurations": [asdict(one) for one in found]})
    else:
        kept = [(one.name, ", ".join(one.steps), one.n_observations, one.n_products, one.n_bytes, one.reason) for one in found]
        print_table(("NAME", "STEPS", "OBSERVATIONS", "PRODUCTS", "BYTES", "REPLACED BECAUSE"), kept)
    return 0


def _fact(facts: Mapping[str, Any], name: str) -> str:
    value = facts.get(name)
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
