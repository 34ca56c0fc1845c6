"""The verbs without a window: tables for people, and with --json one document for programs."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from daxa_gui import locations
from daxa_gui.cli_archive import add_archive_verbs
from daxa_gui.cli_catalogue import add_catalogue_options, catalogue
from daxa_gui.cli_find import add_find_options, find, missions
from daxa_gui.cli_inspect import add_inspect_options, inspect
from daxa_gui.cli_jobs import add_job_verbs, fetch
from daxa_gui.cli_keep import add_keeping_verbs
from daxa_gui.cli_output import begin_output, count_of, is_half_written, print_document, print_table, say, warn
from daxa_gui.cli_reduce import add_reduction_verbs, reduce_archive
from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.settings import changed
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
    if getattr(options, "limit_rate", None) is not None:  # this time only, so it is not written into the file
        settings = changed(settings, bandwidth_mb_s=options.limit_rate)
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
    add_job_verbs(add)
    add_reduction_verbs(add)
    add_inspect_options(add("inspect", inspect, "Look at an event list; make an image, a light curve or good-time intervals."))
    sub = add("info", info, "What an archive holds; without one, which archives there are.")
    sub.add_argument("archive", nargs="?")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    add_archive_verbs(add)
    add_keeping_verbs(add)
    return top


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
    say(f"{document['name']}  ({document['path']})")
    if document["read_only"]:
        say(document["read_only"])
    version = f"version {document['version']} of {document['version_date']}" if document["version"] else "no version yet"
    left_out = f"{len(document['left_out'])} left out" if document["left_out"] else "nothing left out"
    say(f"{version}; {count_of(len(document['observations']), 'observation')}, {left_out}; {document['bytes']} bytes on the disk")
    print()
    for name in ("observations", "products", "jobs", "excluded", "left_out"):
        rows = document[name]
        if rows:
            print(name.capitalize().replace("_", " "))
            print_table([heading.upper() for heading in rows[0]], [list(row.values()) for row in rows])
            print()
    return 0
