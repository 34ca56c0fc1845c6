"""`find --sample`: which observation covers which position; printed or written as the pairs are found, however many they are."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from daxa_gui.cli_output import print_document, print_table, say
from daxa_gui.cli_search import missing_catalogues, reach_from, sample_from, stack_from, tell_missing
from daxa_gui.core.association import Association
from daxa_gui.core.errors import InputError
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.sample import Sample
from daxa_gui.core.tally import Tally
from daxa_gui.session import Session

_HEADINGS = ("MISSION", "POSITION", "NAME", "RA", "DEC", "OBSID", "SEPARATION (arcmin)", "TIME")


def find_pairs(session: Session, options: argparse.Namespace, names: list[str]) -> int:
    sample = sample_from(options, session)
    places = sample.places
    stack = stack_from(options, session, with_sample=False)
    reach = reach_from(options, session)
    if reach.kind == "positions" and places.radius_deg is None:
        raise InputError("The positions have no distances of their own.", "Name the column with --columns radius=….")
    tallies = {name: Tally(len(session.catalogue(name))) for name in names}
    if options.export is not None:
        tallies = session.export_association(Path(options.export), names, places, reach, stack, options.inside)
        if options.json:
            _print_document(session, options, sample, stack, {name: t.document(places) for name, t in tallies.items()})
    elif options.json:
        parts = {name: session.association_parts([name], places, reach, stack, options.inside) for name in names}
        _print_document(session, options, sample, stack, {name: _positions(parts[name], tallies, name, sample) for name in names})
    else:
        found = _counted(session.association_parts(names, places, reach, stack, options.inside), tallies)
        print_table(_HEADINGS, (row for name, part in found for row in _cells(name, part, sample)))
    if not options.json:
        _summary(session, options, sample, tallies)
    return 0


def _summary(session: Session, options: argparse.Namespace, sample: Sample, tallies: dict[str, Tally]) -> None:
    for name, tally in tallies.items():
        say(f"{name}: {tally.matched_positions} of {len(sample)} positions are covered by {tally.observations} observations")
    if options.export is not None:
        say(f"{sum(tally.pairs for tally in tallies.values())} pairs were written to {options.export}")
    tell_missing(session, list(tallies))


def _counted(parts: Iterator[tuple[str, Association]], tallies: dict[str, Tally]) -> Iterator[tuple[str, Association]]:
    for name, part in parts:
        tallies[name].add(part)
        yield name, part


def _cells(mission: str, part: Association, sample: Sample) -> Iterator[tuple[Any, ...]]:
    places = sample.places
    columns = (part.position, part.obs_id, part.separation_deg, part.time_match)
    for number, obs_id, apart, match in zip(*(column.tolist() for column in columns), strict=True):
        ra, dec = f"{places.ra_deg[number]:.5f}", f"{places.dec_deg[number]:.5f}"
        yield mission, number, places.names[number], ra, dec, obs_id, f"{apart * 60:.2f}", match


def _print_document(
    session: Session, options: argparse.Namespace, sample: Sample, stack: FilterStack, missions: dict[str, Any]
) -> None:
    names = ("ra", "dec", "name", "time", "start", "end", "radius", "frame")
    document = {
        "sample": options.sample,
        "columns": {name: getattr(sample.used, name) for name in names},
        "filters": stack.to_json(),
        "missing": missing_catalogues(session, list(missions)),
    }
    file = {} if options.export is None else {"file": options.export}
    print_document({**document, **file, "missions": missions})


def _positions(parts: Iterator[tuple[str, Association]], tallies: dict[str, Tally], name: str, sample: Sample) -> dict[str, Any]:
    """Of one mission; the numbers are known once the positions before them are written."""
    found = (entry for _, part in _counted(parts, tallies) for entry in part.document(sample.places)["positions"])
    tally = tallies[name]
    numbers = {key: partial(_number, tally, sample, key) for key in tally.document(sample.places)}
    return {"positions": found, **numbers}


def _number(tally: Tally, sample: Sample, key: str) -> int:
    return tally.document(sample.places)[key]
