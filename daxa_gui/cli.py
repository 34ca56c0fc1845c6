"""The verbs without a window: tables for people, and with --json one document for programs."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.cli_search import add_search_options, parse_angle_deg, parse_band_kev, stack_from
from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.job import JobState
from daxa_gui.core.sky import format_sexagesimal
from daxa_gui.core.times import mjd_to_iso
from daxa_gui.session import Session


def main(arguments: Sequence[str]) -> int:
    """0: all that was asked was done; 1: part or all of it failed, and which is said; 2: wrong usage."""
    options = parser().parse_args(arguments)
    session = Session(output_folder=Path(options.output) if getattr(options, "output", None) else None)
    try:
        if getattr(options, "practice", False):
            session.start_practice()
            session.wait_for_practice()
        return int(options.verb(session, options))
    except InputError as error:
        print(f"daxa-gui: {error}", file=sys.stderr)
        return 2
    except DaxaError as error:
        print(f"daxa-gui: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndaxa-gui: stopped. What was finished is kept; the same command goes on.", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1
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
    sub = add("find", find, "Search the catalogues.")
    add_search_options(sub)
    sub.add_argument("--sample", metavar="FILE", help="positions from a CSV, FITS, VOTable or ECSV file")
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
    sub = add("inspect", inspect, "Look at an event list; make an image, a light curve or good-time intervals from it.")
    sub.add_argument("file")
    sub.add_argument("--energy", metavar="LO-HI", help="energy band in keV, for example 0.5-2.0")
    sub.add_argument("--image", metavar="OUT.fits", help="write a counts image")
    sub.add_argument("--like", metavar="REFERENCE.fits", help="use the pixels of this image")
    sub.add_argument("--lightcurve", metavar="OUT.fits", help="write a light curve")
    sub.add_argument("--bin", type=float, metavar="SECONDS", help="bin of the light curve")
    sub.add_argument("--gti", metavar="OUT.fits", help="write the good-time intervals that flare cleaning finds")
    sub = add("info", info, "What an archive holds; without one, which archives there are.")
    sub.add_argument("archive", nargs="?")
    sub.add_argument("--output", metavar="FOLDER", help="where archives and downloaded data live")
    return top


def _document(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False, default=_plain, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return str(value)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _table(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Columns as wide as their contents; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max([len(h), *(len(row[i]) for row in cells)]) for i, h in enumerate(headings)]
    right = [bool(rows) and all(isinstance(row[i], (int, float)) for row in rows) for i in range(len(headings))]
    for line in (list(headings), *cells):
        print("  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(line, widths, right, strict=True)).rstrip())


def missions(session: Session, options: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for spec in session.missions():
        table = session.catalogue(spec.name)
        rows.append(
            {"name": spec.name, "label": spec.label, "instruments": [i.name for i in spec.instruments],
             "observations": len(table), "simulated": int(table.simulated.sum()), "provenance": table.provenance}
        )  # fmt: skip
    if options.json:
        _document({"missions": rows})
    else:
        cells = [(r["name"], r["label"], r["observations"], r["simulated"], " ".join(r["instruments"])) for r in rows]
        _table(("MISSION", "LABEL", "OBSERVATIONS", "SIMULATED", "INSTRUMENTS"), cells)
    return 0


def _chosen_missions(session: Session, options: argparse.Namespace) -> list[str]:
    known = [spec.name for spec in session.missions()]
    for name in options.mission or []:
        if name not in known:
            raise InputError(f"There is no mission « {name} » to search.", f"Choose from: {', '.join(known)}.")
    return options.mission or known


def find(session: Session, options: argparse.Namespace) -> int:
    names = _chosen_missions(session, options)
    stack = stack_from(options, session)
    if options.sample:
        return _find_sample(session, options, names, stack)
    found: list[dict[str, Any]] = []
    for name in names:
        table = session.catalogue(name)
        mask, _ = stack.masks(table)
        found.extend({"mission": name, **table.row(int(i))} for i in np.flatnonzero(mask))
    if options.json:
        _document({"filters": stack.to_json(), "count": len(found), "observations": [_json_row(row) for row in found]})
    else:
        _table(("MISSION", "OBSID", "RA DEC (ICRS)", "START (UTC)", "TARGET"),
               [(r["mission"], r["obs_id"], format_sexagesimal(r["ra_deg"], r["dec_deg"]),
                 mjd_to_iso(r["start_mjd"])[:19] if np.isfinite(r["start_mjd"]) else "unknown",
                 r["target"] + (" (simulated)" if r["simulated"] else "")) for r in found])  # fmt: skip
        print(f"{len(found)} observations")
    return 0


def _json_row(row: dict[str, Any]) -> dict[str, Any]:
    return {key: _finite(value) if isinstance(value, float) else value for key, value in row.items()}


def _find_sample(session: Session, options: argparse.Namespace, names: list[str], stack: Any) -> int:
    radius_deg = parse_angle_deg(options.radius) if options.radius else None
    result = {name: session.associate(name, options.sample, radius_deg, stack) for name in names}
    if options.json:
        _document({"sample": options.sample, "missions": result})
    else:
        rows = [(name, p["index"], p["name"], f"{p['ra_deg']:.5f}", f"{p['dec_deg']:.5f}", m["obs_id"],
                 f"{m['separation_deg'] * 60:.2f}")
                for name, found in result.items() for p in found["positions"] for m in p["matches"]]  # fmt: skip
        _table(("MISSION", "POSITION", "NAME", "RA", "DEC", "OBSID", "SEPARATION (arcmin)"), rows)
        for name, found in result.items():
            print(f"{name}: {found['matched_positions']} of {found['sample_size']} positions matched")
    return 0


def fetch(session: Session, options: argparse.Namespace) -> int:
    existing = session.find_archive(options.archive)
    if existing is not None:
        session.open_archive(existing)
    else:
        selections = [
            s for s in session.selections(stack_from(options, session)) if s.mission in _chosen_missions(session, options)
        ]
        selections = [s for s in selections if s.obs_ids]
        if not selections:
            raise DaxaError("No observation passes the filters.", "Nothing was created.")
        if options.dry_run:
            plan = session.dry_run(selections)
            _document(plan) if options.json else _print_plan(plan)
            return 1 if plan["errors"] else 0
        session.create_archive(options.archive, selections)
    session.wait_until_idle(None)
    return _report(session, options, ("plan", "download"))


def _print_plan(plan: dict[str, Any]) -> None:
    _table(("MISSION", "OBSID", "FILE", "BYTES"), [(f["mission"], f["obs_id"], f["url"], f["bytes"]) for f in plan["files"]])
    print(f"{len(plan['files'])} files, {plan['bytes']} bytes; {plan['free_bytes']} bytes free")
    for error in plan["errors"]:
        print(error, file=sys.stderr)


def reduce_archive(session: Session, options: argparse.Namespace) -> int:
    session.open_archive(session.archive_named(options.archive))
    parameters = session.parse_parameters(options.set)
    if options.dry_run:
        lines = session.describe(options.step, parameters)
        _document({"tasks": lines}) if options.json else print("\n".join(lines))
        return 0
    session.wait_until_idle(None)
    session.reduce(options.step, parameters)
    session.wait_until_idle(None)
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
    if options.json:
        _document({"archive": session.archive.path if session.archive else "", "jobs": rows, "failed": len(failed)})
    else:
        _table(("MISSION", "OBSID", "UNIT", "STEP", "STATE", "WHY"),
               [(r["mission"], r["obs_id"], r["unit"], r["step"] or "fetch", r["state"],
                 r["error"] or r["reason"] or "; ".join(r["warnings"])) for r in rows])  # fmt: skip
        counts = Counter(str(job.state) for job in jobs)
        print(", ".join(f"{count} {state}" for state, count in counts.most_common()) or "nothing to do")
    return 1 if failed else 0


def inspect(session: Session, options: argparse.Namespace) -> int:
    look = session.inspection
    events = look.open(options.file)
    summary = look.summary(events)
    band = parse_band_kev(options.energy) if options.energy else None
    if options.like and not options.image:
        raise InputError("--like needs --image.")
    if options.bin is not None and not options.bin > 0:
        raise InputError(f"The bin of {options.bin:g} s is not longer than zero.")
    if options.image:
        image = (
            look.image_like(events, band, options.like)
            if options.like
            else look.image(events, band or events.format.default_band_kev)
        )
        look.write_image(options.image, image, events)
        summary["image"] = {"path": options.image, "counts": float(image.values.sum()), "band_kev": image.band_kev,
                            "shape": list(image.values.shape)}  # fmt: skip
    if options.lightcurve:
        curve = look.light_curve(events, band, options.bin)
        look.write_light_curve(options.lightcurve, curve, events)
        summary["lightcurve"] = {
            "path": options.lightcurve,
            "bins": len(curve.rate),
            "bin_s": curve.bin_s,
            "band_kev": curve.band_kev,
        }
    if options.gti:
        cleaning = look.clean(events, look.parameters(events, band, options.bin))
        look.write_gti(options.gti, cleaning, events)
        summary["gti"] = {"path": options.gti, "intervals": len(cleaning.gti), "good_time_s": cleaning.gti.total_s,
                          "kept_fraction": cleaning.kept_fraction, "useful": cleaning.useful,
                          "reasons": list(cleaning.reasons)}  # fmt: skip
    if options.json:
        _document(summary)
    else:
        _print_summary(summary)
    return 0


def _print_summary(summary: dict[str, Any]) -> None:
    """A line per fact; good time per CCD as a table of its own; warnings last."""
    for key, value in summary.items():
        if key in ("good_time", "warnings") or value in (None, "", []):
            continue
        text = f"{value:.6g}" if isinstance(value, float) else value
        if isinstance(value, dict):
            text = ", ".join(f"{k.replace('_', ' ')} {v:.6g}" if isinstance(v, float) else f"{k.replace('_', ' ')} {v}"
                             for k, v in value.items())  # fmt: skip
        print(f"{key.replace('_', ' '):28}{text}")
    if summary.get("good_time"):
        print("\nGood time")
        rows = [
            ("all" if r["ccd"] in (-1, None) else r["ccd"], f"{r['seconds']:.3f}", r["intervals"]) for r in summary["good_time"]
        ]
        _table(("CCD", "SECONDS", "INTERVALS"), rows)
    for warning in summary.get("warnings", ()):
        print(f"Warning: {warning}", file=sys.stderr)


def info(session: Session, options: argparse.Namespace) -> int:
    if options.archive is None:
        rows = [
            {"name": a.name, "path": a.path, "observations": a.n_observations, "problem": a.problem} for a in session.archives()
        ]
        if options.json:
            _document({"archives": rows})
        else:
            _table(
                ("ARCHIVE", "OBSERVATIONS", "FOLDER"), [(r["name"], r["observations"], r["problem"] or r["path"]) for r in rows]
            )
        return 0
    document = session.archive_info(session.archive_named(options.archive))
    if options.json:
        _document(document)
        return 0
    print(f"{document['name']}  ({document['path']})\n")
    for name in ("observations", "products", "jobs", "excluded"):
        rows = document[name]
        if rows:
            print(name.capitalize())
            _table([heading.upper() for heading in rows[0]], [list(row.values()) for row in rows])
            print()
    return 0
