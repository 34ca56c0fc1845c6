"""The verbs `missions` and `find`: what is known, what the filters leave, what covers which position, and why not."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.cli_output import print_document, print_table
from daxa_gui.cli_search import add_search_options, parse_reach, sample_from, stack_from
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import format_sexagesimal
from daxa_gui.core.times import mjd_to_iso
from daxa_gui.session import Session


def add_find_options(parser: argparse.ArgumentParser) -> None:
    add_search_options(parser)
    parser.add_argument("--why", metavar="OBSID", help="say which filter excludes this observation, and what would admit it")
    parser.add_argument("--export", metavar="FILE", help="write the pairs of positions and observations of a --sample; the"
                        " suffix says whether as CSV, ECSV, VOTable, FITS or Parquet")  # fmt: skip
    parser.add_argument("--save-daxa", metavar="FILE", help="write a mission save file that DAXA can load (one --mission)")


def missions(session: Session, options: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    for spec in session.missions():
        table = session.catalogue(spec.name)
        rows.append(
            {"name": spec.name, "label": spec.label, "instruments": [_instrument(spec, i.name) for i in spec.instruments],
             "obs_id_example": spec.obs_id_example, "observations": len(table), "simulated": int(table.simulated.sum()),
             "provenance": table.provenance}
        )  # fmt: skip
    if options.json:
        print_document({"missions": rows})
    else:
        cells = [
            (r["name"], r["label"], r["observations"], r["simulated"], " ".join(i["name"] for i in r["instruments"]))
            for r in rows
        ]
        print_table(("MISSION", "LABEL", "OBSERVATIONS", "SIMULATED", "INSTRUMENTS"), cells)
    return 0


def _instrument(spec: MissionSpec, name: str) -> dict[str, Any]:
    instrument = next(item for item in spec.instruments if item.name == name)
    return {
        "name": name,
        "label": instrument.label,
        "aliases": list(instrument.aliases),
        "default": name in spec.default_instruments,
        "field_of_view": {"shape": instrument.shape.shape, "half_size_deg": instrument.shape.half_size_deg},
        "search_radius_deg": spec.search_radius_deg(name),
    }


def chosen_missions(session: Session, options: argparse.Namespace) -> list[str]:
    known = [spec.name for spec in session.missions()]
    for name in options.mission or []:
        if name not in known:
            raise InputError(f"There is no mission « {name} » to search.", f"Choose from: {', '.join(known)}.")
    return options.mission or known


def find(session: Session, options: argparse.Namespace) -> int:
    names = chosen_missions(session, options)
    if options.export is not None and options.sample is None:
        raise InputError("--export needs --sample.", "Without one, « find --json » or « catalogue export » write observations.")
    if options.why is not None:
        return _why(session, options, names)
    if options.save_daxa is not None:
        return _save_daxa(session, options, names)
    if options.sample is not None:
        return _find_sample(session, options, names)
    stack = stack_from(options, session)
    found: list[dict[str, Any]] = []
    counts: dict[str, list[int]] = {}
    for name in names:
        table = session.catalogue(name)
        mask, counts[name] = stack.masks(table)
        found.extend({"mission": name, **table.row(int(i))} for i in np.flatnonzero(mask))
    if options.json:
        print_document({"filters": stack.to_json(), "count": len(found), "counts": counts, "observations": found})
        return 0
    print_table(("MISSION", "OBSID", "RA DEC (ICRS)", "START (UTC)", "TARGET"),
           [(r["mission"], r["obs_id"],
             format_sexagesimal(r["ra_deg"], r["dec_deg"]) if np.isfinite(r["ra_deg"]) else "unknown",
             mjd_to_iso(r["start_mjd"])[:19] if np.isfinite(r["start_mjd"]) else "unknown",
             r["target"] + (" (simulated)" if r["simulated"] else "")) for r in found])  # fmt: skip
    print(f"{len(found)} observations")
    _tell_missing(session, names)
    return 0


def _tell_missing(session: Session, names: list[str]) -> None:
    """Nothing found because nothing is known is not the same as nothing there."""
    empty = [name for name in names if not len(session.catalogue(name))]
    if empty:
        print(f"No catalogue here of: {', '.join(empty)}; « daxa-gui catalogue update {empty[0]} » fetches one.")


def _find_sample(session: Session, options: argparse.Namespace, names: list[str]) -> int:
    sample = sample_from(options, session)
    stack = stack_from(options, session, with_sample=False)
    associations = session.associate(names, sample.places, parse_reach(options.radius), stack, options.inside)
    if options.export is not None:
        session.export_table(session.association_table(associations, sample.places), Path(options.export))
    result = {name: found.document(sample.places) for name, found in associations.items()}
    if options.json:
        columns = {"ra": sample.used.ra, "dec": sample.used.dec, "name": sample.used.name, "time": sample.used.time}
        print_document({"sample": options.sample, "columns": columns, "filters": stack.to_json(), "missions": result})
        return 0
    rows = [(name, p["index"], p["name"], f"{p['ra_deg']:.5f}", f"{p['dec_deg']:.5f}", m["obs_id"],
             f"{m['separation_deg'] * 60:.2f}", m.get("time_match", ""))
            for name, found in result.items() for p in found["positions"] for m in p["matches"]]  # fmt: skip
    print_table(("MISSION", "POSITION", "NAME", "RA", "DEC", "OBSID", "SEPARATION (arcmin)", "TIME"), rows)
    for name, found in result.items():
        positions = f"{found['matched_positions']} of {found['sample_size']} positions"
        print(f"{name}: {positions} are covered by {found['observations']} observations")
    _tell_missing(session, names)
    return 0


def _why(session: Session, options: argparse.Namespace, names: list[str]) -> int:
    """Of each filter whether it lets the observation pass, and if not, why, and what would change that."""
    stack = stack_from(options, session)
    holders = [name for name in names if len(session.catalogue(name).rows_of([options.why]))]
    if not holders:
        raise InputError(
            f"No catalogue here has an observation {options.why}.", "« daxa-gui catalogue status » tells which there are."
        )
    documents = [_verdicts(session, name, options.why, stack) for name in holders]
    if options.json:
        print_document({"obs_id": options.why, "missions": documents})
        return 0
    for document in documents:
        passes = all(verdict["passes"] for verdict in document["filters"])
        print(f"{document['mission']} {options.why} {'passes' if passes else 'does not pass'} the filters.")
        for verdict in document["filters"]:
            print(f"  {'yes' if verdict['passes'] else 'NO '}  {verdict['filter']}")
            for text in (verdict["reason"], verdict["change"]):
                if text and not verdict["passes"]:
                    print(f"       {text}")
    return 0


def _verdicts(session: Session, mission: str, obs_id: str, stack: FilterStack) -> dict[str, Any]:
    return {
        "mission": mission,
        "filters": [
            {"filter": v.sentence, "passes": v.passes, "reason": v.reason, "change": v.change_sentence,
             "changed_filter": v.change.to_json() if v.change is not None else None}
            for v in session.why(mission, obs_id, stack)
        ],
    }  # fmt: skip


def _save_daxa(session: Session, options: argparse.Namespace, names: list[str]) -> int:
    if len(names) != 1:
        raise InputError("A save file of DAXA is of one mission.", "Name it with --mission.")
    remarks = session.write_daxa_state(names[0], stack_from(options, session), Path(options.save_daxa))
    if options.json:
        print_document({"file": options.save_daxa, "mission": names[0], "remarks": list(remarks)})
    else:
        print(f"{options.save_daxa} was written.", *remarks, sep="\n")
    return 0
