"""The verbs without a window: tables for people, and with --json one document for programs."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daxa_gui import locations
from daxa_gui.cli_archive import add_archive_verbs
from daxa_gui.cli_catalogue import add_catalogue_options, catalogue
from daxa_gui.cli_find import add_find_options, find, missions
from daxa_gui.cli_inspect import add_inspect_options, inspect
from daxa_gui.cli_keep import add_keeping_verbs
from daxa_gui.cli_output import begin_output, is_half_written, print_document, print_table, warn
from daxa_gui.cli_search import add_search_options, asks_for_something, chosen_missions, stack_from
from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.job import JobState
from daxa_gui.core.selection import Selection
from daxa_gui.session import Session, first_settings


def main(arguments: Sequence[str]) -> int:
    """0: all that was asked was done; 1: part or all of it failed, and which is said; 2: wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # terminals that do not know all characters
    begin_output()
    options = parser().parse_args(arguments)
    try:
        code = _run(options)
        sys.stdout.flush()
        return code
    except DaxaError as error:
        _complain(options, error.message, error.hint)
        return 2 if isinstance(error, InputError) else 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        goes_on = options.verb in (fetch, reduce_archive)
        _complain(options, "Stopped.", "What was finished is kept; the same command goes on." if goes_on else "")
        return 1
    except BrokenPipeError:
        # Nobody reads on. What Python still holds for the pipe must not be tried again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        what = f"{error.filename} cannot be used" if error.filename else "The output cannot be written"
        warn(f"daxa-gui: {what}: {error.strerror or error}.")
        return 1


def _complain(options: argparse.Namespace, message: str, hint: str) -> None:
    if options.json and not is_half_written():
        print_document({"error": message, "hint": hint})
        sys.stdout.flush()
    warn(f"daxa-gui: {message} {hint}".rstrip())


def _run(options: argparse.Namespace) -> int:
    path = locations.settings_path()
    settings, complaints = first_settings(path)
    for complaint in complaints:
        warn(f"{'Note' if ' is used: ' in complaint else 'Warning'}: {complaint}")
    locations.keep_libraries_out_of_home(locations.cache_folder(settings.caches_folder))
    output = getattr(options, "output", None)
    if output is not None and not output.strip():
        raise InputError("--output needs the name of a folder.")
    session = Session(settings=settings, settings_file=path, output_folder=Path(output) if output else None)
    try:
        if options.practice:
            session.start_practice()
            session.wait_for_practice()
        return int(options.verb(session, options))
    finally:
        session.close()


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="daxa-gui")
    verbs = top.add_subparsers(required=True, metavar="VERB")

    def add(name: str, verb: Any, text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text)
        sub.set_defaults(verb=verb)
        sub.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
        sub.add_argument("--practice", action="store_true", help="with the simulated observations of the practice sky")
        return sub

    add("missions", missions, "List the missions and how many observations are known.")
    add_find_options(add("find", find, "Search the catalogues."))
    add_catalogue_options(add("catalogue", catalogue, "The observation tables that are here: update, status, import, export."))
    sub = add("fetch", fetch, "Create an archive from a search and download its data, or continue an archive.")
    sub.add_argument("archive", help="name of a new archive, or name or folder of one that exists")
    add_search_options(sub)
    sub.add_argument("--dry-run", action="store_true", help="show what would be fetched, and fetch nothing")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    sub = add("reduce", reduce_archive, "Run the reduction steps of an archive.")
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--step", action="append", help="only this step (may be repeated)")
    sub.add_argument("--set", action="append", default=[], metavar="STEP.PARAMETER=VALUE", help="change a parameter")
    sub.add_argument("--dry-run", action="store_true", help="show what would run")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    add_inspect_options(add("inspect", inspect, "Look at an event list; make an image, a light curve or good-time intervals."))
    sub = add("info", info, "What an archive holds; without one, which archives there are.")
    sub.add_argument("archive", nargs="?")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    add_archive_verbs(add)
    add_keeping_verbs(add)
    return top


def fetch(session: Session, options: argparse.Namespace) -> int:
    existing = session.find_archive(options.archive)
    if existing is not None:
        if options.dry_run:
            raise InputError(
                f"There is already an archive « {options.archive} ».", "« --dry-run » shows what a new one would fetch."
            )
        if asks_for_something(options):
            print(f"« {options.archive} » is there already and goes on; its observations stay as they are.", file=sys.stderr)
        session.open_archive(existing)
        session.continue_download()
    else:
        selections = _selections(session, options)
        if options.dry_run:
            plan = session.dry_run(selections)
            print_document(plan) if options.json else _print_plan(plan)
            return 1 if plan["errors"] else 0
        session.create_archive(options.archive, selections)
    _wait(session)
    return _report(session, options, ("plan", "download"))


def _selections(session: Session, options: argparse.Namespace) -> list[Selection]:
    """What a new archive gets. All that is known is never meant: real observations are fetched only when they were asked for."""
    if not (asks_for_something(options) or options.practice):
        raise InputError(
            f"There is no archive « {options.archive} » to continue, and nothing says what a new one should hold.",
            "Give a position, a name, ObsIDs or other filters, as for « daxa-gui find ».",
        )
    wanted = chosen_missions(session, options)
    selections = [s for s in session.selections(stack_from(options, session)) if s.mission in wanted and s.obs_ids]
    if not selections:
        raise DaxaError("No observation passes the filters.", "Nothing was created.")
    return selections


def _wait(session: Session) -> None:
    """Until nothing runs; on a terminal a line tells how far it is."""
    if not sys.stderr.isatty():
        session.wait_until_idle(None)
        return
    while not session.wait_until_idle(0.5):
        jobs = session.jobs()
        running = [job for job in jobs if job.state is JobState.RUNNING]
        line = f"{sum(job.is_finished for job in jobs)} of {len(jobs)} jobs done"
        print(f"\r\033[K{line}; {running[0].title}"[:100] if running else f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    print("\r\033[K", end="", file=sys.stderr, flush=True)


def _print_plan(plan: dict[str, Any]) -> None:
    print_table(("MISSION", "OBSID", "FILE", "BYTES"), [(f["mission"], f["obs_id"], f["url"], f["bytes"]) for f in plan["files"]])
    print(f"{len(plan['files'])} files, {plan['bytes']} bytes; {plan['free_bytes']} bytes free")
    for error in plan["errors"]:
        print(error, file=sys.stderr)


def reduce_archive(session: Session, options: argparse.Namespace) -> int:
    parameters = session.parse_parameters(options.set)
    session.open_archive(session.archive_named(options.archive), start=not options.dry_run)
    if options.dry_run:
        lines = session.describe(options.step, parameters)
        print_document({"tasks": lines}) if options.json else print("\n".join(lines))
        return 0
    _wait(session)
    missing = [job for job in session.jobs() if job.kind != "reduce" and job.state not in (JobState.SUCCEEDED, JobState.SKIPPED)]
    if missing:
        print(f"Warning: {len(missing)} downloads are missing; « daxa-gui fetch {options.archive} » goes on.", file=sys.stderr)
    session.reduce(options.step, parameters)
    _wait(session)
    return _report(session, options, ("reduce",))


def _report(session: Session, options: argparse.Namespace, kinds: Sequence[str]) -> int:
    jobs = [job for job in session.jobs() if job.kind in kinds]
    rows: list[dict[str, Any]] = [
        {"id": job.id, "mission": job.mission, "obs_id": job.obs_id, "unit": job.unit, "step": job.step,
         "state": str(job.state), "reason": job.reason, "warnings": list(job.warnings), "facts": job.facts,
         "error": job.error.message if job.error else ""}
        for job in jobs
    ]  # fmt: skip
    failed = [job for job in jobs if job.state in (JobState.FAILED, JobState.CANCELLED)]
    left = [job for job in jobs if not job.is_finished]
    if options.json:
        path = session.archive.path if session.archive else ""
        print_document({"archive": path, "jobs": rows, "failed": len(failed), "unfinished": len(left)})
    else:
        print_table(("MISSION", "OBSID", "UNIT", "STEP", "STATE", "WHY"),
               [(r["mission"], r["obs_id"], r["unit"], r["step"] or "fetch", r["state"],
                 r["error"] or r["reason"] or "; ".join(r["warnings"])) for r in rows])  # fmt: skip
        counts = Counter(str(job.state) for job in jobs)
        print(", ".join(f"{count} {state}" for state, count in counts.most_common()) or "nothing to do")
    if left:
        causes = dict.fromkeys(job.error.message for job in left if job.error)
        print(f"{len(left)} jobs are still to be done; the same command goes on.", *list(causes)[:3], file=sys.stderr)
    return 1 if failed or left else 0


def info(session: Session, options: argparse.Namespace) -> int:
    if options.archive is None:
        rows = [
            {"name": a.name, "path": a.path, "observations": a.n_observations, "problem": a.problem} for a in session.archives()
        ]
        if options.json:
            print_document({"archives": rows})
        else:
            print_table(
                ("ARCHIVE", "OBSERVATIONS", "FOLDER"), [(r["name"], r["observations"], r["problem"] or r["path"]) for r in rows]
            )
        return 0
    document = session.archive_info(session.archive_named(options.archive))
    if options.json:
        print_document(document)
        return 0
    print(f"{document['name']}  ({document['path']})\n")
    for name in ("observations", "products", "jobs", "excluded"):
        rows = document[name]
        if rows:
            print(name.capitalize())
            print_table([heading.upper() for heading in rows[0]], [list(row.values()) for row in rows])
            print()
    return 0
