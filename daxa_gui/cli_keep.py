"""The verbs that keep an archive in order: `verify`, `raw-data`, `trash`, `regions`, `daxa`; and `settings`, `credentials`."""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daxa_gui.cli_archive import changeable, looked_at
from daxa_gui.cli_output import count_of, print_document, print_table, say, warn
from daxa_gui.core.bus import Mailbox
from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.events import Notice
from daxa_gui.session import Session

Add = Callable[[str, Any, str], argparse.ArgumentParser]


def add_keeping_verbs(add: Add) -> None:
    """`add(name, function, text)` makes the parser of a verb."""
    sub = _output(add("verify", verify, "Compare an archive's files with their checksums and its database with the disk."))
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--repair", action="store_true", help="put right what can be; a lost database is made anew from the disk")
    sub = _output(add("raw-data", raw_data, "How much raw data an archive has; with --delete they go to its trash."))
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--mission", default="", metavar="NAME", help="of this mission only")
    sub.add_argument("--obs-id", action="append", default=[], metavar="OBSID", help="of this observation (may be repeated)")
    sub.add_argument("--delete", action="store_true", help="move them to the trash")
    sub.add_argument("--shared", action="store_true", help="also what other archives use")
    sub = _output(add("trash", trash, "What is in the trash of an archive; put it back or delete it for good."))
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--restore", type=int, action="append", default=[], metavar="NUMBER", help="put this entry back")
    sub.add_argument("--empty", action="store_true", help="delete everything in it for good")
    sub = _output(add("regions", regions, "The source regions of an archive's observations; add or remove them."))
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--set", nargs=3, metavar=("MISSION", "OBSID", "FILE"), help="take over a DS9 region file")
    sub.add_argument("--wcs", metavar="FILE", help="image or event list whose coordinates pixel regions are in")
    sub.add_argument("--remove", nargs=2, metavar=("MISSION", "OBSID"), help="take the regions of an observation out")
    sub = _output(add("daxa", daxa, "Archives of the DAXA package: write its state files, or take over an archive that it made."))
    sub.add_argument("action", choices=("write", "convert"), help="write: for an archive of ours; convert: take one over")
    sub.add_argument("archive", help="write: name or folder of our archive; convert: folder of DAXA's archive")
    sub.add_argument("name", nargs="?", default="", help="convert: name of the new archive")
    sub = add("settings", settings, "All settings with their values and where these come from; change one with NAME=VALUE.")
    sub.add_argument("change", nargs="*", metavar="NAME=VALUE", help="set it; an empty value goes back to the default")
    sub = add("credentials", credentials, "Logins for data that are not public yet, kept in the system's key ring.")
    sub.add_argument("action", choices=("status", "set", "forget"))
    sub.add_argument("service", nargs="?", default="")
    sub.add_argument("--user", default="", help="for « set »; the password is asked for, or read from standard input")


def _output(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    return sub


def verify(session: Session, options: argparse.Namespace) -> int:
    """Exit code 0 only if the archive is whole (at the end)."""
    folder = session.archive_folder(options.archive)
    report = session.verify_archive(folder, repair=options.repair)
    if options.json:
        print_document({**dataclasses.asdict(report), "whole": report.is_whole})
        return 0 if report.is_whole else 1
    if report.findings:
        rows = [("repaired" if f.repaired else f.severity, f.path, f.message) for f in report.findings]
        print_table(("FINDING", "FILE", "WHAT"), rows)
    what = "whole" if report.is_whole else "not whole"
    say(f"{count_of(report.n_files, 'file')}, {report.n_bytes} bytes compared with their checksums: the archive is {what}.")
    if not report.is_whole and not options.repair:
        say("« --repair » puts right what can be.")
    return 0 if report.is_whole else 1


def raw_data(session: Session, options: argparse.Namespace) -> int:
    if options.delete:
        changeable(session, options.archive)
        entry = session.delete_raw_data(options.mission, options.obs_id, shared=options.shared)
        if options.json:
            print_document({"trash": dataclasses.asdict(entry)})
        else:
            say(f"{entry.what} {count_of(entry.n_files, 'file')}, {entry.size_bytes} bytes: in the trash as number {entry.id}.")
        return 0
    with looked_at(session, options.archive):
        use = session.raw_data_use(options.mission, options.obs_id)
    if options.json:
        print_document(dataclasses.asdict(use))
        return 0
    say(f"Raw data of {count_of(len(use.observations), 'observation')}: {count_of(use.n_files, 'file')}, {use.size_bytes} bytes.")
    if use.other_archives:
        say(f"Other archives use some of them: {', '.join(use.other_archives)}.")
    return 0


def trash(session: Session, options: argparse.Namespace) -> int:
    if options.restore and options.empty:
        raise InputError("The trash can be emptied or something of it put back, not both at once.")
    restored = freed = held = 0
    if options.restore or options.empty:
        changeable(session, options.archive)
        restored = sum(session.restore(number) for number in options.restore)
        held = sum(entry.size_bytes for entry in session.trash())
        freed = session.empty_trash() if options.empty else 0
    with looked_at(session, options.archive):
        entries = session.trash()
    if options.json:
        print_document({"entries": [dataclasses.asdict(e) for e in entries], "restored_files": restored, "freed_bytes": freed})
        return 0
    if options.restore:
        say(f"{count_of(restored, 'file')} back in place.")
    if options.empty:
        say(f"{freed} bytes were freed.")
        if freed < held:
            say("The rest are files that the archive also has as products: these stay.")
    print_table(("NUMBER", "FILES", "BYTES", "WHAT"), [(e.id, e.n_files, e.size_bytes, e.what) for e in entries])
    return 0


def regions(session: Session, options: argparse.Namespace) -> int:
    if options.set and options.remove:
        raise InputError("Regions can be set or removed, not both at once.")
    if options.set:
        changeable(session, options.archive)
        mission, obs_id, file = options.set
        added = session.set_regions(mission, obs_id, Path(file), Path(options.wcs) if options.wcs else None)
        for line in added.verbatim:
            warn(f"Kept as it is, not understood: {line}")
    elif options.remove:
        changeable(session, options.archive)
        session.remove_regions(*options.remove)
    with looked_at(session, options.archive):
        found = session.regions()
    if options.json:
        print_document({"regions": [dataclasses.asdict(one) for one in found]})
    else:
        print_table(
            ("MISSION", "OBSID", "REGIONS", "NOT UNDERSTOOD", "FILE"),
            [(r.mission, r.obs_id, r.n_regions, len(r.verbatim), r.path) for r in found],
        )
    return 0


def daxa(session: Session, options: argparse.Namespace) -> int:
    heard = session.bus.subscribe()
    if options.action == "write":
        changeable(session, options.archive)
        paths = [str(path) for path in session.write_daxa_files()]
        _tell_notes(heard, options, {"files": paths}, paths)
        return 0
    if not options.name:
        raise InputError("The new archive needs a name.", "daxa-gui daxa convert FOLDER NAME")
    summary = session.convert_daxa_archive(Path(options.archive), options.name)
    sentence = f"The archive {summary.path} has {count_of(summary.n_observations, 'observation')}."
    _tell_notes(heard, options, {"archive": summary.path, "observations": summary.n_observations}, [sentence])
    return 0


def _tell_notes(heard: Mailbox, options: argparse.Namespace, document: dict[str, Any], lines: list[str]) -> None:
    """What was done, and what the window would say besides: in the document, or on standard error."""
    notices = [event for event in heard.drain() if isinstance(event, Notice)]
    notes = [text for one in notices for text in (f"{one.message} {one.hint}".strip(), *one.details.splitlines())]
    if options.json:
        print_document({**document, "notes": notes})
        return
    say(*lines)
    for note in notes:
        warn(f"Note: {note}")


def settings(session: Session, options: argparse.Namespace) -> int:
    changes: dict[str, str] = {}
    for text in options.change:
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"« {text} » sets nothing.", "Write NAME=VALUE.")
        changes[name.strip()] = value.strip()
    if changes:
        session.set_settings(changes)
    rows = session.settings_table()
    if options.json:
        print_document({"settings": rows})
    else:
        print_table(("SETTING", "VALUE", "FROM", "WHAT IT IS"), [(r["name"], r["value"], r["source"], r["help"]) for r in rows])
    return 0


def credentials(session: Session, options: argparse.Namespace) -> int:
    known = session.credential_names()
    if options.action != "status" and options.service not in known:
        raise InputError(f"There is no service « {options.service} » with a login.", f"Known: {', '.join(known)}.")
    if options.action == "set":
        secret = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        if not secret:
            raise InputError("The password is empty.", "Nothing was kept.")
        sentence = session.set_credentials(options.service, options.user, secret)
        if session.credential_names()[options.service] != "key ring":
            # in memory only, and this program ends now
            raise DaxaError(
                "The login was not kept: this system has no key ring that can be used now.",
                "Set one up or unlock it; or enter the login in the window, which keeps it while it is open.",
            )
        say(sentence)
    elif options.action == "forget":
        say(session.forget_credentials(options.service))
    rows = [(name, f"kept in the {where}" if where else "none") for name, where in session.credential_names().items()]
    if options.json:
        print_document({"credentials": [{"service": name, "state": state} for name, state in rows]})
    else:
        print_table(("SERVICE", "LOGIN"), rows)
    return 0
