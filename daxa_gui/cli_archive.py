"""The verbs that ask an archive: what succeeded, logs, versions; and `update`, which brings it up to date."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from daxa_gui.cli_output import count_of, print_document, print_table, say, warn
from daxa_gui.core.archive_queries import ArchiveVersion, ProcessResult, VersionProduct
from daxa_gui.core.errors import ArchiveError, InputError
from daxa_gui.core.failure_groups import FailureGroup
from daxa_gui.session import Session

Add = Callable[[str, Any, str], argparse.ArgumentParser]


def add_archive_verbs(add: Add) -> None:
    """`add(name, function, text)` makes the parser of a verb."""
    sub = _of_archive(add("results", results, "Which steps of an archive succeeded, and why the others did not."))
    _chosen(sub)
    sub.add_argument("--failed", action="store_true", help="only what failed")
    sub.add_argument("--skipped", action="store_true", help="only what was not tried: excluded, or because of what failed before")
    sub.add_argument("--warned", action="store_true", help="only what had warnings")
    sub = _of_archive(add("logs", logs, "The logs of an archive's steps: where they are, or what they say."))
    _chosen(sub)
    sub.add_argument("--failed", action="store_true", help="only of what failed")
    sub.add_argument("--print", action="store_true", help="write what they say, one after the other")
    sub.add_argument("--causes", action="store_true", help="failures by cause, the most frequent first, with what to do")
    sub = _of_archive(add("versions", versions, "The versions of an archive, what was in one, or how two differ."))
    sub.add_argument("--show", metavar="VERSION", help="what a version held")
    sub.add_argument("--compare", nargs=2, metavar=("OLD", "NEW"), help="what changed from one version to another")
    sub.add_argument("--note", metavar="TEXT", help="keep the present state as a version, with this note")
    sub = _of_archive(add("update", update, "Search again with an archive's own filters; fetch and reduce what is new."))
    sub.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")


def _of_archive(sub: argparse.ArgumentParser) -> argparse.ArgumentParser:
    sub.add_argument("archive", help="name or folder of the archive")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    return sub


def _chosen(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--mission", default="", metavar="NAME", help="of this mission only")
    sub.add_argument("--obs-id", default="", metavar="OBSID", help="of this observation only")
    sub.add_argument("--step", default="", metavar="STEP", help="of this step only")


@contextmanager
def looked_at(session: Session, archive: str) -> Iterator[None]:
    """The archive open without its work going on; also one that the DAXA package made, by its folder."""
    session.open_archive(_place(session, archive), start=False)
    yield


def _place(session: Session, archive: str) -> Path:
    found, folder = session.find_archive(archive), Path(archive)
    return folder if found is None and folder.is_dir() else session.archive_named(archive)


def changeable(session: Session, archive: str) -> None:
    """Open an archive to change it.

    Raises
    ------
    ArchiveError : it can only be read; the message says why.
    """
    session.open_archive(_place(session, archive), start=False)
    if session.archive is not None and session.archive.read_only:
        raise ArchiveError(session.archive.read_only)


# ---- results and logs


def _found(session: Session, options: argparse.Namespace) -> list[ProcessResult]:
    """With several of --failed, --skipped and --warned, what any of them asks for."""
    found = session.process_results(options.mission, options.obs_id, options.step)
    wanted = [
        is_wanted
        for name, is_wanted in (
            ("failed", lambda one: one.failed),
            ("skipped", lambda one: one.skipped),
            ("warned", lambda one: bool(one.warnings)),
        )
        if getattr(options, name, False)
    ]
    return [one for one in found if not wanted or any(is_wanted(one) for is_wanted in wanted)]


def results(session: Session, options: argparse.Namespace) -> int:
    """0 also if something failed: what was asked for, the list, was given."""
    with looked_at(session, options.archive):
        found = _found(session, options)
        final = session.final_success(options.mission)
    if options.json:
        print_document(
            {
                "results": (dataclasses.asdict(one) for one in found),
                "final_success": [
                    {"mission": mission, "obs_id": obs_id, "success": success}
                    for (mission, obs_id), success in final.items()
                    if options.obs_id in ("", obs_id)
                ],
            }
        )
        return 0
    print_table(
        ("MISSION", "OBSID", "UNIT", "STEP", "STATE", "WHY"),
        [(r.mission, r.obs_id, r.unit, r.step, r.state, "; ".join(r.errors) or r.reason or "; ".join(r.warnings)) for r in found],
    )
    failed, skipped = sum(one.failed for one in found), sum(one.skipped for one in found)
    say(f"{count_of(len(found), 'step')}, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 0


def logs(session: Session, options: argparse.Namespace) -> int:
    with looked_at(session, options.archive):
        if options.causes:
            return _print_causes(session, options)
        found = [one for one in _found(session, options) if one.log_path]
        if options.print:
            _print_logs(session, found)
            return 0
    rows = [{"mission": r.mission, "obs_id": r.obs_id, "unit": r.unit, "step": r.step, "log": r.log_path} for r in found]
    if options.json:
        print_document({"logs": rows})
    else:
        print_table(("MISSION", "OBSID", "UNIT", "STEP", "LOG"), [tuple(row.values()) for row in rows])
    return 0


def _print_causes(session: Session, options: argparse.Namespace) -> int:
    wanted = {"mission": options.mission, "obs_id": options.obs_id, "step": options.step}
    groups = [
        group
        for group in session.failure_groups()
        if (not wanted["step"] or wanted["step"] in group.steps)
        and any(wanted["mission"] in ("", mission) and wanted["obs_id"] in ("", obs_id) for mission, obs_id, _ in group.units)
    ]
    if options.json:
        print_document({"causes": [dataclasses.asdict(group) | {"severity": group.severity.name} for group in groups]})
        return 0
    for group in groups:
        _print_cause(group)
    failed, skipped = sum(group.count for group in groups), sum(len(group.skipped_ids) for group in groups)
    behind = f"; {count_of(skipped, 'job')} skipped because of them" if skipped else ""
    say(f"{count_of(failed, 'failed job')}, {count_of(len(groups), 'cause')}{behind}" if groups else "Nothing failed.")
    return 0


_SHOWN_UNITS = 10


def _print_cause(group: FailureGroup) -> None:
    """How often and what; below it what it means, what to do, and which data."""
    say(f"{group.count:>5} × {' '.join(group.example.split())}")
    for words in (group.explanation, group.advice):
        if words:
            say(f"        {' '.join(words.split())}")
    units = [f"{obs_id} {unit}".rstrip() for _, obs_id, unit in group.units]
    more = f" and {len(units) - _SHOWN_UNITS} more" if len(units) > _SHOWN_UNITS else ""
    skipped = f"; {len(group.skipped_ids)} skipped because of it" if group.skipped_ids else ""
    say(f"        {', '.join(group.steps)}: {', '.join(units[:_SHOWN_UNITS])}{more}{skipped}")


def _print_logs(session: Session, found: list[ProcessResult]) -> None:
    for one in found:
        say(f"== {one.mission} {one.obs_id} {one.unit} {one.step}")
        offset = 0
        while one.job_id is not None:
            text, after = session.read_log(one.job_id, offset)
            if after == offset:
                break
            sys.stdout.write(text)
            offset = after


# ---- versions


def _moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def versions(session: Session, options: argparse.Namespace) -> int:
    if sum(bool(one) for one in (options.show, options.compare, options.note)) > 1:
        raise InputError("Only one of --show, --compare and --note can be asked for at a time.")
    if options.note:
        changeable(session, options.archive)
        made = session.note_version(options.note)
        if made is None:
            raise ArchiveError("Nothing has changed since the last version, so there is no new one.")
        return _print_versions([made], options)
    with looked_at(session, options.archive):
        if options.show:
            return _show_version(session, options)
        if options.compare:
            return _compare(session, options)
        return _print_versions(session.versions(), options)


def _version_row(version: ArchiveVersion) -> dict[str, Any]:
    return {**dataclasses.asdict(version), "created": _moment(version.created)}


def _print_versions(found: list[ArchiveVersion], options: argparse.Namespace) -> int:
    if options.json:
        print_document({"versions": [_version_row(version) for version in found]})
    else:
        print_table(
            ("VERSION", "DATE (UTC)", "OBSERVATIONS", "FILES", "CHANGES"),
            [
                (v.number, _moment(v.created), v.n_observations, v.n_products, "; ".join((*v.changes, *filter(None, [v.note]))))
                for v in found
            ],
        )
    return 0


def _product_row(product: VersionProduct) -> dict[str, Any]:
    return dataclasses.asdict(product)


def _show_version(session: Session, options: argparse.Namespace) -> int:
    contents = session.version_contents(options.show)
    if options.json:
        print_document(
            {
                "version": _version_row(contents.version),
                "observations": [{"mission": m, "obs_id": o} for m, o in contents.observations],
                "products": (_product_row(product) for product in contents.products),
                "gtis": {unit: [list(pair) for pair in gti] for unit, gti in contents.gtis.items()},
            }
        )
        return 0
    _print_versions([contents.version], options)
    print()
    print_table(
        ("MISSION", "OBSID", "UNIT", "STEP", "BYTES", "FILE"),
        [(p.mission, p.obs_id, p.unit, p.step, p.size_bytes, p.path) for p in contents.products],
    )
    return 0


def _compare(session: Session, options: argparse.Namespace) -> int:
    difference = session.compare_versions(*options.compare)
    if options.json:
        print_document(dataclasses.asdict(difference))
        return 0
    for sentence in difference.sentences or ("Nothing differs.",):
        say(sentence)
    rows = [
        *(("new", product.path) for product in difference.added),
        *(("gone", product.path) for product in difference.removed),
        *(("changed", new.path) for _, new in difference.changed),
    ]
    if rows:
        print_table(("WHAT", "FILE"), rows)
    return 0


# ---- bringing up to date


def update(session: Session, options: argparse.Namespace) -> int:
    """Exit code 1 if a catalogue could not be searched or a job failed."""
    from daxa_gui.core.job import JobState

    if options.dry_run:
        session.open_archive(session.archive_named(options.archive), start=False)
    else:
        changeable(session, options.archive)
    planned = session.plan_update()
    for problem in planned.problems:
        warn(problem)
    document = {
        "added": [{"mission": m, "obs_id": o} for m, o in planned.added],
        "now_public": [{"mission": m, "obs_id": o} for m, o in planned.now_public],
        "gone": [{"mission": m, "obs_id": o} for m, o in planned.gone],
        "changes": list(planned.sentences),
        "problems": list(planned.problems),
    }
    failed = 0
    if not options.dry_run and (planned.added or planned.now_public):
        session.update_archive(planned)
        session.wait_until_idle(None)
        failed = sum(job.state in (JobState.FAILED, JobState.CANCELLED) for job in session.jobs())
    if options.json:
        print_document({**document, "failed": failed})
    else:
        for sentence in planned.sentences or ("Nothing new was found.",):
            say(sentence)
        if failed:
            warn(f"{count_of(failed, 'job')} failed; « daxa-gui results {options.archive} --failed » tells why.")
    return 1 if failed or planned.problems else 0
