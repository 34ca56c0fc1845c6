"""Data-subspace keywords (DSTYPn, DSVALn, DSFORMn, DSUNIn, DSREFn): how a list tells which selections made it.

Within a component the terms are joined by AND, components by OR. Component k > 1 has the prefix k (`2DSVAL1`) and repeats only
what differs from the first. SAS and CIAO keep the good time of each CCD here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from daxa_gui.core.intervals import intersect, make_gti, union
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits.cards import Header

_KEYWORD = re.compile(r"^(\d*)DS(TYP|VAL|FORM|UNI|REF)(\d+)$")
_FAR_S = 1e18  # stands for an open end of a time range; beyond any mission time


@dataclass(frozen=True)
class Term:
    """One condition: `quantity` (upper case) has `value` (`:12`, `0`, `500:2000`, `b00x…`, `TABLE` with a `reference`)."""

    number: int
    quantity: str
    value: str
    form: str = ""
    unit: str = ""
    reference: str = ""


def components(header: Header) -> list[dict[int, Term]]:
    """The components of a header, each a mapping from term number to Term; empty without data-subspace keywords."""
    found: dict[int, dict[int, dict[str, str]]] = {}
    for keyword in header:
        if match := _KEYWORD.match(keyword):
            component, field, number = int(match[1] or 1), match[2], int(match[3])
            found.setdefault(component, {}).setdefault(number, {})[field] = header.text(keyword)
    if 1 not in found:
        return []
    made = []
    for component in sorted(found):
        terms = {}
        for number, first in sorted(found[1].items()):
            merged = {**first, **found[component].get(number, {})}
            if "TYP" in merged:
                terms[number] = Term(
                    number, merged["TYP"].upper(), merged.get("VAL", ""), merged.get("FORM", ""), merged.get("UNI", ""),
                    merged.get("REF", ""),
                )  # fmt: skip
        made.append(terms)
    return made


def referenced_extension(reference: str) -> str:
    """The extension that `:GTI00006` or `file.fits:GTI` names, upper case; empty if the table is in another file."""
    file, _, name = reference.rpartition(":")
    return name.strip().upper() if not file.strip() else ""


def ccds_of(terms: Mapping[int, Term], ccd_column: str) -> list[int] | None:
    """CCD numbers that a component is about (`7`, `1:3`, `1,2,5:7`); None if it does not say or cannot be understood."""
    chosen: set[int] | None = None
    for term in terms.values():
        if term.quantity != ccd_column.upper():
            continue
        numbers: set[int] = set()
        for part in term.value.split(","):
            low, colon, high = part.strip().partition(":")
            if not low.strip().isdigit() or (colon and not high.strip().isdigit()) or int(high or low) > 1000:
                return None
            numbers.update(range(int(low), int(high or low) + 1))
        chosen = numbers if chosen is None else chosen & numbers
    return None if chosen is None else sorted(chosen)


def time_range(value: str) -> Gti | None:
    """Good time of a TIME term that has ranges instead of a table: `1000:2000,3000:`. None if it cannot be understood."""
    starts, stops = [], []
    for part in value.split(","):
        low, colon, high = part.strip().partition(":")
        try:
            starts.append(float(low) if low.strip() else -_FAR_S)
            stops.append(float(high) if high.strip() else _FAR_S)
        except ValueError:
            return None
        if not colon:
            return None
    return make_gti(starts, stops)


def good_time(header: Header, tables: Mapping[str, Gti], ccd_column: str) -> tuple[dict[int, Gti], list[str]]:
    """Good time of each CCD (key -1: all CCDs) as the data subspace tells it.

    Parameters
    ----------
    header : of the event extension.
    tables : good-time tables of the same file by extension name, upper case.
    ccd_column : name of the CCD column, empty if there is none.

    Returns
    -------
    good time by CCD, empty if no TIME term leads to a table or a range; and sentences about terms that could not be followed.
    """
    found: dict[int, Gti] = {}
    problems: list[str] = []
    for terms in components(header):
        gti = _component_time(terms, tables, problems)
        if gti is None:
            continue
        for ccd in ccds_of(terms, ccd_column) or [-1]:
            found[ccd] = union(found[ccd], gti) if ccd in found else gti
    return found, problems


def _component_time(terms: Mapping[int, Term], tables: Mapping[str, Gti], problems: list[str]) -> Gti | None:
    """All TIME terms of one component apply; None if it has none that can be followed."""
    common: Gti | None = None
    for term in terms.values():
        if term.quantity != "TIME":
            continue
        if term.value.upper() == "TABLE":
            gti = tables.get(referenced_extension(term.reference))
        else:
            gti = time_range(term.value)
        if gti is None:
            problems.append(f"The good time « {term.reference or term.value} » of the data subspace is not in the file.")
            continue
        common = gti if common is None else intersect(common, gti)
    return common
