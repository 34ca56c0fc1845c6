"""What can be said of the files that eSASS, CIAO and NuSTARDAS left: events, good time, what part of it was kept."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError
from daxa_gui.core.intervals import EMPTY, intersect, union
from daxa_gui.core.step import Outcome
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits.files import FitsFile, open_fits
from daxa_gui.fits.good_time import is_gti_table, table_gti
from daxa_gui.fits.tables import Table

MadePaths = Mapping[str, Sequence[str | Path]]  # pattern of a recipe → files that matched
LITTLE = 0.1  # of the time; less than this is worth a warning


def one(made: MadePaths, pattern: str) -> Path:
    """The file that matched a pattern which matches exactly one."""
    paths = made.get(pattern, ())
    if len(paths) != 1:
        raise FileError(f"There should be one file « {pattern} », but there are {len(paths)}.")
    return Path(paths[0])


def n_events(path: str | Path) -> int:
    """Rows of the table EVENTS (or of the first table where none is called so)."""
    return _events(open_fits(path)).n_rows


def _events(fits: FitsFile) -> Table:
    tables = [hdu for hdu in fits.hdus if hdu.is_table]
    named = [hdu for hdu in tables if hdu.name == "EVENTS"]
    if not tables:
        raise FileError(f"{fits.path} has no table of events.")
    return Table(fits, (named or tables)[0])


def good_time(path: str | Path, pattern: str) -> dict[str, Gti]:
    """Intervals of the extensions whose whole name fits the pattern (upper case); several of one name count together."""
    fits = open_fits(path)
    found: dict[str, Gti] = {}
    for hdu in fits.hdus:
        if hdu.is_table and re.fullmatch(pattern, hdu.name) and is_gti_table(table := Table(fits, hdu)):
            gti = table_gti(table)
            found[hdu.name] = union(found[hdu.name], gti) if hdu.name in found else gti
    return found


def all_time(gtis: Mapping[str, Gti]) -> Gti:
    """Time that is good for at least one of them."""
    return union(*gtis.values()) if gtis else EMPTY


def kept_fraction(kept: Gti, before: Gti) -> float | None:
    """Part of the time `before` that lies in `kept`; None where there was none."""
    return intersect(kept, before).total_s / before.total_s if before.total_s > 0 else None


def time_facts(kept: Gti, before: Gti) -> dict[str, Any]:
    return {
        "good_time_s": kept.total_s,
        "n_intervals": len(kept),
        "time_before_s": before.total_s,
        "kept_fraction": kept_fraction(kept, before),
    }


def about_time(facts: Mapping[str, Any]) -> tuple[tuple[str, ...], str]:
    """Warnings about little good time; and the sentence that stops the steps that follow if there is none."""
    if facts["good_time_s"] <= 0:
        return (), "No time is free of flares: nothing can follow."
    fraction = facts["kept_fraction"]
    if fraction is not None and fraction < LITTLE:
        return (f"Only {100 * fraction:.1f} % of the time is kept ({facts['good_time_s']:.0f} s).",), ""
    return (), ""


def events_outcome(path: Path, before: Path, gti: Gti) -> Outcome:
    """Facts of a cleaned event list with this good time: its events, those of the list `before`, on-time and intervals.

    Without events nothing can follow.
    """
    rows = n_events(path)
    facts: dict[str, Any] = {"n_events": rows, "n_intervals": len(gti), "ontime_s": gti.total_s}
    header = _events(open_fits(path)).hdu.header
    for fact, keyword in (("exposure_s", "EXPOSURE"), ("livetime_s", "LIVETIME")):
        if (seconds := header.number(keyword)) is not None:
            facts[fact] = seconds
    facts["n_events_before"] = n_events(before)
    facts["kept_fraction_events"] = rows / facts["n_events_before"] if facts["n_events_before"] else None
    stop = "" if rows else "The cleaned event list has no events: nothing can follow."
    return Outcome(facts=facts, stop=stop)


def own_copy(source: Path, target: Path) -> None:
    """A real file `target` with the bytes of `source`, which may be a link."""
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(source, part)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{source} cannot be copied: {error.strerror or error}.") from error
    part.replace(target)
