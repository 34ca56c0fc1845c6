"""The verbs `missions` and `find`: what is known, what the filters leave, what covers which position, and why not."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.cli_output import print_document, print_table, say, warn
from daxa_gui.cli_pairs import find_pairs
from daxa_gui.cli_search import add_search_options, chosen_missions, missing_catalogues, missing_obs_ids, stack_from, tell_missing
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone, Positions, Public
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import SkyPosition, format_sexagesimal, separation_deg, unit_vectors
from daxa_gui.core.times import mjd_to_iso
from daxa_gui.session import Session

JSON_SHAPE = """\
with --json one document is printed:
  filters       the filters as they are kept in files
  count         how many observations pass
  counts        by mission how many are left after each filter
  missing       missions without a catalogue here, and what is wrong with it (empty: it was never fetched)
  observations  of each: mission, separation_deg (with --near or --name), public, obs_id, ra_deg, dec_deg (ICRS), start_mjd,
                end_mjd, public_mjd (UTC; null: not known), exposure_s, target, target_type, category, instruments (separated by
                blanks), unusable_reason, search_radius_deg, fov_radius_deg, simulated, and the mission's own
                with --export instead file, the observations stand there
  unknown_obs_ids  those of --obs-ids that no catalogue here has
with --sample: sample, columns, filters, missing and missions; of each mission positions (index, name, ra_deg, dec_deg, matches),
  sample_size, matched_positions, observations and pairs; of each match obs_id, separation_deg, instruments, and for positions
  with times time_match, start_mjd, end_mjd. With --export file, and no positions.
with --why: obs_id and missions; of each mission first_obstacle (number of a filter, null: none) and filters (filter, passes,
  reason, change, changed_filter).
with --counts: filters, missing and missions; of each mission total and after (one number per filter).
an error: error and hint.
"""


def add_find_options(parser: argparse.ArgumentParser) -> None:
    add_search_options(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = JSON_SHAPE
    parser.add_argument("--counts", action="store_true", help="say how many observations are left after each filter")
    parser.add_argument("--why", metavar="OBSID", help="say which filter excludes this observation, and what would admit it")
    text = (
        "write the observations to a file, or with --sample the pairs of positions and observations; the suffix says whether as"
        " CSV, ECSV, VOTable, FITS or Parquet"
    )
    parser.add_argument("--export", metavar="FILE", help=text)
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


def find(session: Session, options: argparse.Namespace) -> int:
    names = chosen_missions(session, options)
    _check_one_purpose(options)
    if options.why is not None:
        return _why(session, options, names)
    if options.save_daxa is not None:
        return _save_daxa(session, options, names)
    if options.sample is not None and not options.counts:
        return find_pairs(session, options, names)
    stack = stack_from(options, session)
    masks, counts = {}, {}
    for name in names:
        masks[name], counts[name] = stack.masks(session.catalogue(name))
    unknown = missing_obs_ids(options, session, names)
    if options.counts:
        _print_counts(session, options, stack, counts)
    elif options.export is not None:
        table = session.observation_table(names, stack)
        session.export_table(table, Path(options.export))
        if options.json:
            print_document(
                {"file": options.export, "filters": stack.to_json(), "count": len(table), "counts": counts,
                 "missing": missing_catalogues(session, names)}
            )  # fmt: skip
        else:
            say(f"{len(table)} observations were written to {options.export}")
    else:
        _print_found(session, options, stack, masks, counts, unknown)
    if not options.json:
        tell_missing(session, names)
        if unknown:
            warn(f"No catalogue here has: {', '.join(unknown[:20])}{' …' if len(unknown) > 20 else ''}")
    return 0


def _check_one_purpose(options: argparse.Namespace) -> None:
    given = [f"--{name.replace('_', '-')}" for name in ("counts", "why", "export", "save_daxa") if getattr(options, name)]
    if len(given) > 1:
        raise InputError(f"{given[0]} and {given[1]} ask for different things.", "Give one of them at a time.")


def _print_found(
    session: Session,
    options: argparse.Namespace,
    stack: FilterStack,
    masks: Mapping[str, NDArray[np.bool_]],
    counts: Mapping[str, list[int]],
    unknown: list[str],
) -> None:
    centre = _centre(stack)
    found = _found(session, masks, centre)
    if options.json:
        count = sum(int(np.count_nonzero(mask)) for mask in masks.values())
        missing = missing_catalogues(session, list(masks))
        document = {"filters": stack.to_json(), "count": count, "counts": counts, "missing": missing, "observations": found}
        print_document(document if options.obs_ids is None else {**document, "unknown_obs_ids": unknown})
        return
    headings = ("MISSION", "OBSID", "RA DEC (ICRS)", "START (UTC)", *(("ARCMIN AWAY",) if centre else ()), "TARGET")
    rows = (
        (
            row["mission"],
            row["obs_id"],
            format_sexagesimal(row["ra_deg"], row["dec_deg"]) if np.isfinite(row["ra_deg"]) else "unknown",
            mjd_to_iso(row["start_mjd"])[:19] if np.isfinite(row["start_mjd"]) else "unknown",
            *((f"{row['separation_deg'] * 60:11.2f}",) if centre else ()),
            row["target"] + (" (simulated)" if row["simulated"] else ""),
        )
        for row in found
    )
    say(f"{print_table(headings, rows)} observations")


def _centre(stack: FilterStack) -> SkyPosition | None:
    """The position around which was searched, if there is just one."""
    found = [row.filter.position for row in stack.rows if isinstance(row.filter, Cone)]
    found += [row.filter.places[0] for row in stack.rows if isinstance(row.filter, Positions) and len(row.filter.places) == 1]
    return found[0] if len(found) == 1 else None


def _found(session: Session, masks: Mapping[str, NDArray[np.bool_]], centre: SkyPosition | None) -> Iterator[dict[str, Any]]:
    """The observations, mission by mission, the nearest first where there is a centre."""
    for name, mask in masks.items():
        catalogue = session.catalogue(name)
        rows = np.flatnonzero(mask)
        public = Public().mask(catalogue)
        apart = _separations(catalogue, rows, centre)
        if apart is not None:
            order = np.argsort(apart, kind="stable")
            rows, apart = rows[order], apart[order]
        for number, row in enumerate(catalogue.rows(rows)):
            distance = {} if apart is None else {"separation_deg": float(apart[number])}
            yield {"mission": name, **distance, "public": bool(public[rows[number]]), **row}


def _separations(catalogue: Catalogue, rows: NDArray[np.intp], centre: SkyPosition | None) -> NDArray[np.float64] | None:
    if centre is None:
        return None
    return separation_deg(
        unit_vectors(catalogue.ra_deg[rows], catalogue.dec_deg[rows]), unit_vectors(centre.ra_deg, centre.dec_deg)
    )


def _print_counts(session: Session, options: argparse.Namespace, stack: FilterStack, counts: Mapping[str, list[int]]) -> None:
    """How many are left after each filter, by mission; a filter that is not for a mission leaves what was there."""
    if options.json:
        result = {name: {"total": len(session.catalogue(name)), "after": after} for name, after in counts.items()}
        print_document({"filters": stack.to_json(), "missing": missing_catalogues(session, list(counts)), "missions": result})
        return
    for number, row in enumerate(stack.rows, 1):
        say(f"({number}) {row.filter.sentence()}")
    print_table(
        ("MISSION", "ALL", *(f"AFTER ({number})" for number in range(1, len(stack) + 1))),
        [(name, len(session.catalogue(name)), *after) for name, after in counts.items()],
    )


def _why(session: Session, options: argparse.Namespace, names: list[str]) -> int:
    """Of each filter whether it lets the observation pass, and if not, why, and what would change that."""
    stack = stack_from(options, session)
    obs_id = options.why.strip().upper()
    holders = [name for name in names if len(session.catalogue(name).rows_of([obs_id]))]
    if not holders:
        raise InputError(
            f"No catalogue here has an observation {options.why}.", "« daxa-gui catalogue status » tells which there are."
        )
    documents = [_verdicts(session, name, obs_id, stack) for name in holders]
    if options.json:
        print_document({"obs_id": obs_id, "missions": documents})
        return 0
    for document in documents:
        passes = document["first_obstacle"] is None
        say(f"{document['mission']} {obs_id} {'passes' if passes else 'does not pass'} the filters.")
        for verdict in document["filters"]:
            say(f"  {'yes' if verdict['passes'] else 'NO '}  {verdict['filter']}")
            say(*(f"       {text}" for text in (verdict["reason"], verdict["change"]) if text and not verdict["passes"]))
    return 0


def _verdicts(session: Session, mission: str, obs_id: str, stack: FilterStack) -> dict[str, Any]:
    filters = [
        {"filter": v.sentence, "passes": v.passes, "reason": v.reason, "change": v.change_sentence,
         "changed_filter": v.change.to_json() if v.change is not None else None}
        for v in session.why(mission, obs_id, stack)
    ]  # fmt: skip
    first = next((number for number, verdict in enumerate(filters) if not verdict["passes"]), None)
    return {"mission": mission, "first_obstacle": first, "filters": filters}


def _save_daxa(session: Session, options: argparse.Namespace, names: list[str]) -> int:
    if len(names) != 1:
        raise InputError("A save file of DAXA is of one mission.", "Name it with --mission.")
    remarks = session.write_daxa_state(names[0], stack_from(options, session), Path(options.save_daxa))
    if options.json:
        print_document({"file": options.save_daxa, "mission": names[0], "remarks": list(remarks)})
    else:
        say(f"{options.save_daxa} was written.", *remarks)
    return 0
