"""The verb `catalogue`: which observation tables are here, whether they are whole, and how they come and go."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.cli_output import print_document, print_table, say, warn
from daxa_gui.core.certificate import CatalogueDiff, CatalogueStatus
from daxa_gui.core.errors import DaxaError, FileError, InputError
from daxa_gui.core.times import mjd_to_iso
from daxa_gui.session import Session


def add_catalogue_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        # also before the action; there it is the parser's own default
        sub.add_argument(
            "--json", action="store_true", default=argparse.SUPPRESS, help="print one JSON document instead of a table"
        )
        return sub

    sub = add("update", "Fetch the newest tables; what is here stays in use until a whole one has come.")
    sub.add_argument("mission", nargs="*", help="missions (default: all that a service has)")
    add("status", "Which catalogues are here, from where, of when, and whether they are whole.").add_argument(
        "mission", nargs="*"
    )
    sub = add("import", "Take a catalogue from a file (CSV, ECSV, VOTable, FITS, Parquet).")
    sub.add_argument("file")
    sub.add_argument("--mission", default="", help="whose observations they are (default: what the file says)")
    sub = add("export", "Write a catalogue to a file; the suffix says in which format.")
    sub.add_argument("mission")
    sub.add_argument("file")
    add("verify", "Read every byte of the catalogues that are kept here and compare their checksums.").add_argument(
        "mission", nargs="*", help="missions (default: all that were fetched or imported)"
    )
    sub = add("remove", "Forget what was fetched or imported of a mission.")
    sub.add_argument("mission")


def catalogue(session: Session, options: argparse.Namespace) -> int:
    actions = {"update": _update, "status": _status, "import": _import, "export": _export, "remove": _remove,
               "verify": _verify}  # fmt: skip
    return actions[options.action](session, options)


def _update(session: Session, options: argparse.Namespace) -> int:
    refreshable = [spec.name for spec in session.missions() if spec.sources]
    missions = options.mission or refreshable
    results: dict[str, Any] = {}
    failed = 0
    for mission in missions:
        try:
            diff = session.update_catalogue(mission, _progress(mission))
        except InputError:
            raise
        except DaxaError as error:
            failed += 1
            results[mission] = {"error": error.message, "hint": error.hint}
            _clear_line()
            warn(f"{mission}: {error}")
        else:
            # at the first time all are new: a list of all ObsIDs says nothing
            changes = None if np.isnan(diff.before_mjd) else dataclasses.asdict(diff)
            results[mission] = {"rows": session.catalogue_status(mission).rows, "changes": changes}
            if not options.json:
                _clear_line()
                say(f"{mission}: {session.catalogue_status(mission).rows} observations; {_counts(diff)}")
    if options.json:
        print_document({"missions": results, "failed": failed})
    return 1 if failed else 0


def _clear_line() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _progress(mission: str) -> Any:
    if not sys.stderr.isatty():
        return None

    def tell(done: int, total: int, text: str) -> None:
        line = f"{mission}: {done} of {total} rows" if total else f"{mission}: {text}"
        print(f"\r\033[K{line}"[:110], end="", file=sys.stderr, flush=True)

    return tell


def _counts(diff: CatalogueDiff) -> str:
    counts = ((diff.new, "new"), (diff.vanished, "vanished"), (diff.changed, "changed"), (diff.now_public, "became public"))
    return ", ".join(f"{len(ids)} {word}" for ids, word in counts if ids) or "nothing changed"


def _status(session: Session, options: argparse.Namespace) -> int:
    missions = options.mission or [spec.name for spec in session.missions()]
    statuses = [session.catalogue_status(mission) for mission in missions]
    if options.json:
        print_document({"catalogues": [_document(status) for status in statuses], "offline": session.offline})
        return 0
    print_table(
        ("MISSION", "OBSERVATIONS", "UNFIT", "NOT PUBLIC", "ORIGIN", "FETCHED (UTC)", "WHOLE"),
        [(s.mission, s.rows, s.unusable, s.proprietary, s.origin, _fetched(s), _whole(s)) for s in statuses],
    )
    for status in statuses:
        if status.problem:
            say(f"{status.mission}: {status.problem}")
    return 0


def _fetched(status: CatalogueStatus) -> str:
    return mjd_to_iso(status.certificate.fetched_mjd) if status.certificate is not None else ""


def _whole(status: CatalogueStatus) -> str:
    if status.certificate is None:
        return "not certified" if status.origin == "imported" else ""
    return "yes" if status.certificate.complete else "NO"


def _document(status: CatalogueStatus) -> dict[str, Any]:
    certificate = status.certificate.to_json() if status.certificate is not None else None
    return {**dataclasses.asdict(status), "certificate": certificate}


def _import(session: Session, options: argparse.Namespace) -> int:
    status = session.import_catalogue(Path(options.file), options.mission)
    if options.json:
        print_document(_document(status))
    else:
        say(f"{status.mission}: {status.rows} observations imported from {options.file}, {status.unusable} of them unfit")
    return 0


def _export(session: Session, options: argparse.Namespace) -> int:
    session.export_catalogue(options.mission, Path(options.file))
    status = session.catalogue_status(options.mission)
    if options.json:
        print_document({"file": options.file, "mission": status.mission, "rows": status.rows})
    else:
        say(f"{status.rows} observations of {status.label} were written to {options.file}")
    return 0


def _remove(session: Session, options: argparse.Namespace) -> int:
    session.remove_catalogue(options.mission)
    status = session.catalogue_status(options.mission)
    if options.json:
        print_document(_document(status))
    else:
        say(f"{options.mission}: {status.rows} observations left ({status.origin})")
    return 0


def _verify(session: Session, options: argparse.Namespace) -> int:
    statuses = [session.catalogue_status(spec.name) for spec in session.missions()]
    kept = [status.mission for status in statuses if status.origin in ("fetched", "imported") or status.problem]
    problems: dict[str, str] = {}
    for mission in options.mission or kept:
        try:
            session.verify_catalogue(mission)
        except FileError as error:
            problems[mission] = str(error)
        else:
            problems[mission] = session.catalogue_status(mission).problem
    damaged = sum(map(bool, problems.values()))
    if options.json:
        print_document({"catalogues": problems, "damaged": damaged})
    else:
        for mission, problem in problems.items():
            say(f"{mission}: {problem or 'every byte is as it was written'}")
        if not problems:
            say("No catalogue was fetched or imported.")
    return 1 if damaged else 0
