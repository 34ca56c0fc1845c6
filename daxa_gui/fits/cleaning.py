"""The filtered copy of an event list: chosen rows byte for byte, all other extensions as they are, good time brought up to date.

Good time is written where the mission's own software looks for it: into the GTI extensions, or, for formats with a data subspace
(XMM-Newton), into tables GTIkkknn that the data-subspace keywords of each CCD refer to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.intervals import EMPTY, of_ccd, union
from daxa_gui.core.timeseries import Gti
from daxa_gui.fits import data_subspace
from daxa_gui.fits.cards import BLOCK, CardValue, Header
from daxa_gui.fits.event_lists import EventTable
from daxa_gui.fits.files import Hdu
from daxa_gui.fits.good_time import GoodTime, extension_names, find_good_time, mjdref
from daxa_gui.fits.writing import CREATOR, HeaderEditor, checksum, fold, gti_hdu, now_text, part_file, write_hdu

CHUNK_ROWS = 1 << 17
_PER_CCD = re.compile(r"^(ONTIME|LIVETI|LIVTIME|LIVETIM|EXPOSUR|EXPOSU)(\d{1,2})$")
_WHOLE = ("LIVETIME", "EXPOSURE")
_ROUNDING_S = 0.01  # between a keyword and the sum of the intervals that it was computed from
_STRUCTURE = re.compile(
    r"^(XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|T(TYPE|FORM|UNIT|NULL|SCAL|ZERO|DISP|DIM|LMIN|LMAX|DMIN|DMAX)\d+|THEAP|"
    r"CHECKSUM|DATASUM|EXTNAME|ONTIME|TSTART|TSTOP|HDUCLASS|HDUCLAS[12])$"
)


@dataclass(frozen=True)
class CleanResult:
    """What a cleaned list has: rows, on-time of each CCD (-1: all) and the exposure keywords, in seconds."""

    rows: int
    source_rows: int
    ontime_per_ccd_s: Mapping[int, float]
    ontime_s: float
    livetime_s: float | None
    exposure_s: float | None


@dataclass
class _Plan:
    """What becomes of the extensions: new tables in place of old ones by HDU index, tables at the end, tables left out."""

    replaced: dict[int, tuple[HeaderEditor, bytes]] = field(default_factory=dict)
    appended: list[tuple[HeaderEditor, bytes]] = field(default_factory=list)
    dropped: set[int] = field(default_factory=set)


def write_clean_events(
    source: EventTable, destination: str | Path, keep: NDArray[np.bool_] | Callable[[int, int], NDArray[np.bool_]],
    gti: Mapping[int, Gti], *, terms: Sequence[data_subspace.Term] = (), history: Iterable[str] = (),
    progress: Callable[[int, int], None] | None = None, only: Collection[int] | None = None,
) -> CleanResult:  # fmt: skip
    """Write the kept rows of an event list with their new good time.

    Parameters
    ----------
    source : the file, opened with `find_events`.
    keep : mask of shape (n,), or a function (first row, row behind the last) -> mask of these rows.
    gti : the new good time of each CCD (key -1: all), already within the old one.
    terms : selections that made the list, added to its data subspace (their numbers are chosen here).
    history : lines for HISTORY.
    progress : called as (rows done, rows in all) after each chunk; may raise to stop, nothing is left then.
    only : CCDs (eROSITA: telescope modules) that the list is reduced to; the good time of others is left out, and what the
        keywords give as a mean over CCDs becomes the mean over these. None: all.

    Raises
    ------
    FileError : the destination cannot be written.
    """
    good = find_good_time(source.fits, source.hdu, source.format)
    header = HeaderEditor(source.hdu.header.raw)
    plan = _Plan()
    if source.format.data_subspace:
        _plan_subspace(source, header, gti, plan)
    else:
        _plan_extensions(source, good, gti, plan, only)
    _add_terms(header, source.hdu.header, terms)
    times = _update_times(header, source.header, good.gti, gti, only=only)
    lines = list(history)
    with part_file(destination, source.fits.path) as stream:
        rows = 0
        for hdu in source.fits.hdus:
            if hdu is source.hdu:
                rows = _write_events(stream, source, header, keep, lines, progress)
            elif hdu.index in plan.replaced:
                write_hdu(stream, *plan.replaced[hdu.index])
            elif hdu.index == 0:
                _write_primary(stream, source, good.gti, gti, lines, only)
            elif hdu.index not in plan.dropped:
                raw = source.fits.raw(hdu)
                stream.write(raw.data)
                stream.write(bytes(-len(raw) % BLOCK))
        for table in plan.appended:
            write_hdu(stream, *table)
    ontimes = {ccd: one.total_s for ccd, one in sorted(gti.items())}
    return CleanResult(rows, source.table.n_rows, ontimes, times["ONTIME"] or 0.0, times["LIVETIME"], times["EXPOSURE"])


# ---- rows


def _write_events(
    stream: BinaryIO, source: EventTable, header: HeaderEditor, keep: NDArray[np.bool_] | Callable[[int, int], NDArray[np.bool_]],
    history: list[str], progress: Callable[[int, int], None] | None,
) -> int:  # fmt: skip
    """The event extension; its header is written twice, because rows and sums are known only at the end."""
    table = source.table
    header.set("CREATOR", CREATOR, "program that wrote this file")
    header.set("DATE", now_text(), "UTC")
    header.history(history)
    if "THEAP" in header:
        header.set("THEAP", 0)
    header.set("NAXIS2", 0)
    header_at, written, total = stream.tell(), 0, 0
    stream.write(header.sealed(0))
    pending = np.empty(0, np.uint8)  # up to three bytes, so that the sum is taken over whole words
    rows = table.rows.view(f"V{table.row_bytes}").reshape(-1) if table.row_bytes and table.n_rows else np.empty(0, "V1")
    for first in range(0, table.n_rows, CHUNK_ROWS):
        behind = min(first + CHUNK_ROWS, table.n_rows)
        mask = keep(first, behind) if callable(keep) else keep[first:behind]
        chosen = rows[first:behind] if mask.all() else rows[first:behind][mask]
        written += len(chosen)
        data = np.ascontiguousarray(chosen).view(np.uint8)
        stream.write(data.data)
        data = np.concatenate([pending, data]) if len(pending) else data
        whole = len(data) - len(data) % 4
        total += checksum(data[:whole])
        pending = data[whole:].copy()
        if progress is not None:
            progress(behind, table.n_rows)
    heap = source.fits.data(source.hdu)[table.n_rows * table.row_bytes :]
    if len(heap):
        stream.write(heap.data)
        pending = np.concatenate([pending, heap])
    total = fold(total + checksum(pending))
    size = written * table.row_bytes + len(heap)
    stream.write(bytes(-size % BLOCK))
    end = stream.tell()
    header.set("NAXIS2", written)
    if "THEAP" in header:
        old = source.hdu.header.integer("THEAP") or 0
        header.set("THEAP", written * table.row_bytes + max(old - table.n_rows * table.row_bytes, 0))
    stream.seek(header_at)
    stream.write(header.sealed(total))
    stream.seek(end)
    return written


def _write_primary(
    stream: BinaryIO, source: EventTable, old: Mapping[int, Gti], new: Mapping[int, Gti], history: list[str],
    only: Collection[int] | None,
) -> None:  # fmt: skip
    hdu = source.fits.primary
    header = HeaderEditor(hdu.header.raw)
    _update_times(header, hdu.header, old, new, only_present=True, only=only)
    header.set("CREATOR", CREATOR, "program that wrote this file")
    header.set("DATE", now_text(), "UTC")
    header.history(history)
    write_hdu(stream, header, source.fits.data(hdu))


# ---- good time


def _plan_extensions(
    source: EventTable, good: GoodTime, gti: Mapping[int, Gti], plan: _Plan, only: Collection[int] | None
) -> None:  # fmt: skip
    """New intervals in the extensions that had the old ones; a new extension where there was none."""
    for ccd, indices in good.tables.items():
        if only is not None and ccd != -1 and ccd not in only:
            plan.dropped.update(indices)
            continue
        hdu = source.fits.hdus[indices[0]]
        plan.replaced[indices[0]] = _renewed_table(source, hdu, of_ccd(gti, ccd))
        plan.dropped.update(indices[1:])
    if not good.tables:
        for ccd, one in sorted(gti.items()):
            plan.appended.append(gti_hdu("GTI" if ccd == -1 else f"GTI{ccd}", one, _time_keywords(source)))


def _renewed_table(source: EventTable, hdu: Hdu, gti: Gti) -> tuple[HeaderEditor, bytes]:
    """A GTI table with the keywords of the old one that do not describe its columns, in the time system of the events."""
    times = _time_keywords(source)
    kept: list[tuple[str, CardValue, str]] = [
        (keyword, value, "")
        for keyword, value in hdu.header.items()
        if not _STRUCTURE.match(keyword) and keyword not in {name for name, _, _ in times} and value is not None
    ]
    return gti_hdu(hdu.header.text("EXTNAME") or "GTI", gti, [*kept, *times])


def _time_keywords(source: EventTable) -> list[tuple[str, CardValue, str]]:
    header = source.header
    if header.number("MJDREFI") is not None:
        reference: list[tuple[str, CardValue, str]] = [
            ("MJDREFI", header["MJDREFI"], "[d]"), ("MJDREFF", header.number("MJDREFF") or 0.0, "[d]"),
        ]  # fmt: skip
    else:
        reference = [("MJDREF", mjdref(header, source.format.mjdref), "[d]")]
    return [
        *reference,
        ("TIMEZERO", header.number("TIMEZERO") or 0.0, "[s]"),
        ("TIMESYS", header.text("TIMESYS") or source.format.timesys, ""),
        ("TIMEUNIT", "s", ""),
    ]


def _plan_subspace(source: EventTable, header: HeaderEditor, gti: Mapping[int, Gti], plan: _Plan) -> None:
    """One table per component of the data subspace, named GTI, component - 1 (three digits), term (two digits)."""
    column = source.format.ccd_column
    parts = data_subspace.components(source.hdu.header)
    per_ccd = [data_subspace.ccds_of(terms, column) for terms in parts]
    if not parts or any(ccds is None for ccds in per_ccd):
        parts, per_ccd = _new_components(header, source.hdu.header, column, sorted(gti))
    time_terms = [n for n, term in parts[0].items() if term.quantity == "TIME"] or [max(parts[0], default=0) + 1]
    if time_terms[0] not in parts[0]:
        header.set(f"DSTYP{time_terms[0]}", "TIME", "data subspace descriptor: name")
        header.set(f"DSUNI{time_terms[0]}", "s", "data subspace descriptor: units")
    present = {name: hdu.index for hdu in source.fits.hdus for name in extension_names(hdu)}
    for component, ccds in enumerate(per_ccd):
        name = f"GTI{component:03d}{time_terms[0]:02d}"
        prefix = "" if component == 0 else str(component + 1)
        for number in time_terms:
            header.set(f"DSVAL{number}", "TABLE", "data subspace descriptor: value")
            header.set(f"{prefix}DSREF{number}", f":{name}", "data subspace descriptor: reference")
        one = union(*(of_ccd(gti, ccd) for ccd in ccds)) if ccds else gti.get(-1, EMPTY)
        identity: list[tuple[str, CardValue, str]] = [("CCDID", ccds[0], "CCD ID")] if ccds and len(ccds) == 1 else []
        table = gti_hdu(name, one, [*identity, *_time_keywords(source)])
        if name in present:
            plan.replaced[present[name]] = table
        else:
            plan.appended.append(table)


def _new_components(
    header: HeaderEditor, old: Header, column: str, ccds: list[int]
) -> tuple[list[dict[int, data_subspace.Term]], list[list[int] | None]]:  # fmt: skip
    """A data subspace of one component per CCD, for lists that have none (other terms of the first component are kept)."""
    parts = data_subspace.components(old)
    for keyword in list(old):
        if re.match(r"^\d+DS(TYP|VAL|FORM|UNI|REF)\d+$", keyword):
            header.remove(keyword)
    terms = dict(parts[0]) if parts else {}
    if ccds == [-1]:
        return [terms], [[]]
    number = max(terms, default=0) + 1
    header.set(f"DSTYP{number}", column.upper(), "data subspace descriptor: name")
    for component, ccd in enumerate(ccds):
        prefix = "" if component == 0 else str(component + 1)
        header.set(f"{prefix}DSVAL{number}", str(ccd), "data subspace descriptor: value")
    terms[number] = data_subspace.Term(number, column.upper(), str(ccds[0]))
    return [terms for _ in ccds], [[ccd] for ccd in ccds]


def _add_terms(header: HeaderEditor, old: Header, terms: Sequence[data_subspace.Term]) -> None:
    """Further terms of the first component; the others inherit them."""
    used = [int(match[1]) for card in header.cards if (match := re.match(r"^DSTYP(\d+) *=", card))]
    there = {(t.quantity, t.value, t.form) for part in data_subspace.components(old)[:1] for t in part.values()}
    number = max(used, default=0)
    for term in terms:
        if (term.quantity, term.value, term.form) in there:
            continue
        number += 1
        header.set(f"DSTYP{number}", term.quantity, "data subspace descriptor: name")
        if term.form:
            header.set(f"DSFORM{number}", term.form, "data subspace descriptor: data type")
        if term.unit:
            header.set(f"DSUNI{number}", term.unit, "data subspace descriptor: units")
        header.set(f"DSVAL{number}", term.value, "data subspace descriptor: value")


# ---- exposure keywords


def _update_times(
    header: HeaderEditor, old_header: Header, old: Mapping[int, Gti], new: Mapping[int, Gti], *, only_present: bool = False,
    only: Collection[int] | None = None,
) -> dict[str, float | None]:  # fmt: skip
    """ONTIME, LIVETIME, EXPOSURE and those of single CCDs; what is corrected for dead time is scaled by the kept on-time."""
    for keyword in list(old_header):
        value = old_header.number(keyword)
        if (match := _PER_CCD.match(keyword)) and value is not None:
            ccd = int(match[2])
            after = of_ccd(new, ccd).total_s
            before = of_ccd(old, ccd).total_s
            header.set(keyword, after if match[1] == "ONTIME" else value * (after / before if before > 0 else 0.0))
    before, after = _reference_ontime(old_header.number("ONTIME"), old, new, only)
    fraction = after / before if before > 0 else 0.0
    times: dict[str, float | None] = {"ONTIME": after}
    if not only_present or "ONTIME" in old_header:
        header.set("ONTIME", after, "[s] sum of the good-time intervals")
    for keyword in _WHOLE:
        value = old_header.number(keyword)
        times[keyword] = None if value is None else value * fraction
        if value is not None:
            header.set(keyword, times[keyword])
    return times


def _reference_ontime(
    ontime: float | None, old: Mapping[int, Gti], new: Mapping[int, Gti], only: Collection[int] | None
) -> tuple[float, float]:  # fmt: skip
    """On-time before and after of what the keyword ONTIME stands for: a CCD (usually the central one), the mean of the CCDs
    (eROSITA's modules), or the time in which any CCD was good, whichever fits it best.

    What fits it only nearly, or not at all, is scaled as that changed: nothing removed leaves the keyword as it was.
    """
    seconds = {ccd: (gti.total_s, of_ccd(new, ccd).total_s) for ccd, gti in sorted(old.items())}
    left = {ccd: pair for ccd, pair in seconds.items() if only is None or ccd == -1 or ccd in only}
    every = (union(*old.values()).total_s, union(*new.values()).total_s)
    if ontime is None:
        return every
    pairs = list(left.values())
    if seconds:
        mean_before = sum(before for before, _ in seconds.values()) / len(seconds)
        mean = (mean_before, sum(after for _, after in left.values()) / max(len(left), 1))
        pairs.insert(len(pairs) if only is None else 0, mean)  # of a part of the modules no single one stands for the list
    before, after = min([*pairs, every], key=lambda pair: abs(pair[0] - ontime))
    if abs(before - ontime) > max(0.01 * ontime, 1.0):
        before, after = every
    elif abs(before - ontime) < _ROUNDING_S:
        return before, after
    return ontime, ontime * after / before if before > 0 else 0.0
