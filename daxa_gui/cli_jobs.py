"""The verbs whose work is done by jobs: `fetch` (plan, download, widen what an archive is about) and `reduce`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from daxa_gui.cli_archive import Add
from daxa_gui.cli_output import count_of, print_document, print_table, say, warn
from daxa_gui.cli_search import add_search_options, asks_for_something, chosen_missions, stack_from
from daxa_gui.core.errors import ArchiveError, DaxaError, InputError
from daxa_gui.core.job import JobState
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.session import Session

# The kinds of files of the missions' archives, as people call them.
KINDS = {
    "events": ProductKind.EVENTS,
    "images": ProductKind.IMAGE,
    "exposure": ProductKind.EXPOSURE_MAP,
    "background": ProductKind.BACKGROUND_MAP,
    "spectra": ProductKind.SPECTRUM,
    "lightcurves": ProductKind.SOURCE_LIGHTCURVE,
    "raw": ProductKind.RAW,
}
_BY_WORD = {
    **KINDS,
    **{str(kind).replace("_", ""): kind for kind in KINDS.values()},
    **{f"{str(kind).replace('_', '')}s": kind for kind in KINDS.values()},
}


def add_job_verbs(add: Add) -> None:
    """`add(name, function, text)` makes the parser of a verb."""
    sub = add("fetch", fetch, "Create an archive from a search and download its data, or continue an archive.")
    sub.add_argument("archive", help="name of a new archive, or name or folder of one that exists")
    add_search_options(sub)
    sub.add_argument(
        "--kind",
        action="append",
        default=[],
        metavar="NAME",
        help=f"which files (may be repeated; default: events): {', '.join(KINDS)}, or all; for an archive that exists: these too",
    )
    sub.add_argument(
        "--instruments",
        action="append",
        default=[],
        metavar="NAMES",
        help="only files of these instruments, for example PN,M1 or xmm_pointed:PN,M1 (may be repeated; default: those that each"
        " mission is usually used with); for an archive that exists: these too",
    )
    sub.add_argument("--limit-rate", metavar="MB/s", help="all downloads together take at most this much, this time")
    sub.add_argument("--dry-run", action="store_true", help="show what would be fetched, and fetch nothing")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")


# ---- fetch


def fetch(session: Session, options: argparse.Namespace) -> int:
    kinds, existing = kinds_from(options.kind), session.find_archive(options.archive)
    if existing is not None:
        if options.dry_run:
            raise InputError(
                f"There is already an archive « {options.archive} ».", "« --dry-run » shows what a new one would fetch."
            )
        if asks_for_something(options):
            warn(f"« {options.archive} » is there already and goes on; its observations stay as they are.")
        if session.open_archive(existing).read_only:
            raise ArchiveError(session.archive.read_only if session.archive else "", "Nothing was fetched.")
        _widen(session, options, kinds)
        session.continue_download()
    else:
        selections = _narrowed(session, _selections(session, options), kinds, options.instruments)
        if options.dry_run:
            plan = session.dry_run(selections)
            print_document(plan) if options.json else _print_plan(plan)
            return 1 if plan["errors"] else 0
        session.create_archive(options.archive, selections)
    wait(session)
    return report(session, options, ("plan", "download"))


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


def kinds_from(texts: Iterable[str]) -> tuple[ProductKind, ...]:
    """« images », « light curves », « exposure,background », « all » → kinds of files; InputError for another word."""
    found: dict[ProductKind, None] = {}
    for text in (part for given in texts for part in given.split(",")):
        word = "".join(character for character in text.casefold() if character.isalpha())
        word = word.removesuffix("maps").removesuffix("map") if word not in _BY_WORD else word
        if word == "all":
            found |= dict.fromkeys(KINDS.values())
        elif word in _BY_WORD:
            found[_BY_WORD[word]] = None
        else:
            raise InputError(f"« {text.strip()} » is no kind of file.", f"Choose from: {', '.join(KINDS)}, all.")
    return tuple(kind for kind in KINDS.values() if kind in found)


def instruments_from(texts: Iterable[str], specs: Sequence[MissionSpec]) -> dict[str, tuple[str, ...]]:
    """« PN,M1 » (of every mission that has them), « xmm_pointed:PN » (of that one): names by mission, in the missions' order.

    Missions of which nothing is named are not in it.

    Raises
    ------
    InputError : a mission or instrument that none of `specs` is or has.
    """
    by_name = {spec.name: spec for spec in specs}
    named: dict[str, set[str]] = {}
    for text in texts:
        mission, colon, names = text.rpartition(":")
        if colon and mission.strip() not in by_name:
            raise InputError(f"« {mission.strip()} » is none of the missions here.", f"They are: {', '.join(by_name)}.")
        meant = [by_name[mission.strip()]] if colon else list(specs)
        words = [word for word in (part.strip() for part in names.split(",")) if word]
        if not words:
            raise InputError("--instruments needs names.", "Write for example PN,M1 or xmm_pointed:PN,M1.")
        for word in words:
            owners = {spec.name: spec.instrument(word).name for spec in meant if colon or _has(spec, word)}
            if not owners:
                known = ", ".join(dict.fromkeys(one.name for spec in meant for one in spec.instruments))
                raise InputError(f"None of the missions here has an instrument « {word} ».", f"They have {known}.")
            for name, instrument in owners.items():
                named.setdefault(name, set()).add(instrument)
    return {
        name: tuple(one.name for one in spec.instruments if one.name in named[name])
        for name, spec in by_name.items()
        if name in named
    }


def _has(spec: MissionSpec, word: str) -> bool:
    try:
        spec.instrument(word)
    except InputError:
        return False
    return True


def _specs(session: Session, missions: Iterable[str]) -> list[MissionSpec]:
    return [spec for name in missions if (spec := session.mission(name)) is not None]


def _narrowed(
    session: Session, selections: Sequence[Selection], kinds: Sequence[ProductKind], texts: Sequence[str]
) -> list[Selection]:
    """The selections with the kinds and instruments that the options ask for. Missions that have none of them are left out, and
    so said; but « mission:NAMES » says nothing about the others."""
    specs = _specs(session, [one.mission for one in selections])
    named = instruments_from(texts, specs)
    plain = any(":" not in text for text in texts)
    found = []
    for one in selections:
        offered = [kind for kind in kinds if kind in session.kinds(one.mission)]
        if kinds and not offered:
            warn(f"{one.mission} is left out: its archive has no {' or '.join(_words(kinds))}.")
        elif plain and one.mission not in named:
            warn(f"{one.mission} is left out: none of the instruments that were named is one of its.")
        else:
            instruments = named.get(one.mission, one.instruments)
            found.append(replace(one, kinds=tuple(map(str, offered)), instruments=instruments))
    if not found:
        raise DaxaError("Nothing is left of what was chosen.", "Choose other kinds of files or instruments.")
    return found


def _words(kinds: Sequence[ProductKind]) -> list[str]:
    return [name for name, kind in KINDS.items() if kind in kinds]


def _widen(session: Session, options: argparse.Namespace, kinds: Sequence[ProductKind]) -> None:
    """Add the kinds and instruments of the options to what an open archive is about."""
    if not (kinds or options.instruments):
        return
    observations = session.observations()
    missions = [name for name in dict.fromkeys(one.mission for one in observations) if name in (options.mission or [name])]
    named = instruments_from(options.instruments, _specs(session, missions))
    for mission in missions:
        own = [one for one in observations if one.mission == mission]
        before_kinds = {kind for one in own for kind in (one.kinds or (str(ProductKind.EVENTS),))}
        more = {str(kind) for kind in kinds if kind in session.kinds(mission)} - before_kinds
        before = {name for one in own for name in one.instruments}
        all_before = any(not one.instruments for one in own)
        names = () if all_before else tuple(before.union(named.get(mission, ())))
        if more or (not all_before and set(names) != before):
            session.widen(mission, names, sorted(before_kinds | more))


def _print_plan(plan: Mapping[str, Any]) -> None:
    print_table(("MISSION", "OBSID", "FILE", "BYTES"), [(f["mission"], f["obs_id"], f["url"], _size(f)) for f in plan["files"]])
    print()
    rows = [(k["mission"], k["kind"], k["observations"], k["files"], k["bytes"], k["here"]) for k in plan["kinds"]]
    print_table(("MISSION", "KIND", "OBSERVATIONS", "FILES", "BYTES", "HERE ALREADY"), rows)
    print()
    if plan["left_out"]:
        left_out = [(one["mission"], one["obs_id"], one["unit"], one["reason"]) for one in plan["left_out"]]
        print_table(("LEFT OUT", "OBSID", "FILE", "WHY"), left_out)
        print()
    about = "" if plan["exact"] else "about "
    unknown = sum(kind["unknown_sizes"] for kind in plan["kinds"])
    more = f", and {unknown} whose size nobody tells" if unknown else ""
    n_files = count_of(len(plan["files"]), "file")
    say(f"{n_files}, {about}{plan['bytes']} bytes{more}; {about}{plan['to_fetch_bytes']} bytes to fetch")
    say(f"{plan['free_bytes']} bytes free")
    for error in plan["errors"]:
        warn(error)


def _size(file: Mapping[str, Any]) -> int | str:
    return "?" if file["bytes"] is None else int(file["bytes"])


# ---- both


def wait(session: Session) -> None:
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


def report(session: Session, options: argparse.Namespace, kinds: Sequence[str]) -> int:
    """What came of the jobs of these kinds; exit code 1 if any failed or is still to be done."""
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
        if "download" in kinds and (left_out := session.left_out()):
            say(f"{len(left_out)} left out; « daxa-gui info {options.archive} » tells why.")
    if left:
        causes = dict.fromkeys(job.error.message for job in left if job.error)
        warn(" ".join([f"{count_of(len(left), 'job')} still to be done; the same command goes on.", *list(causes)[:3]]))
    return 1 if failed or left else 0
