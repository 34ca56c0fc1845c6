"""What the built-in steps do, as functions that a worker process calls: `(ctx, **JSON arguments) -> Outcome`.

Their parameters are checked once more when they run (`checking.checked`): a stored task may come from a stranger's archive. So
all of them raise InputError for values that no form would take.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import ReductionError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.images import PixelGrid
from daxa_gui.core.intervals import inside_own, intersect, union
from daxa_gui.core.mission import EventFormat
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import MadeFile, Outcome, TaskContext
from daxa_gui.core.timeseries import FlareCleaning, FlareParameters
from daxa_gui.fits.data_subspace import Term
from daxa_gui.fits.event_lists import event_chunks, find_events
from daxa_gui.fits.good_time import find_good_time
from daxa_gui.fits.products import read_gti, write_clean_events, write_gti, write_image, write_lightcurve
from daxa_gui.fits.summary import summarise
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.engine.events import good_mask, quality_mask
from daxa_gui.reduction.engine.flares import find_flares
from daxa_gui.reduction.engine.image import default_grid, make_image
from daxa_gui.reduction.reading import read

# Filters and modes without science data (XMM-Newton's ODF summaries, eROSITA's FILTER), compared in upper case.
CLOSED_FILTERS = frozenset({"CLOSED", "BLOCKED", "UNKNOWN"})
UNUSABLE_MODES = frozenset(
    {
        "DIAGNOSTIC3X3", "DIAGNOSTIC1X1", "CCDDIAGNOSTIC", "DIAGNOSTIC1X1RESETPERPIXEL", "DIAGNOSTIC", "NOISE", "OFFSET",
        "HIGHTIMERESOLUTIONSINGLECCD", "OFFSETVARIANCE", "CENTROIDINGCONFIRMATION", "CENTROIDINGDATA", "DARKHIGH", "DARKLOW",
        "FLATFIELDHIGH", "FLATFIELDLOW",
    }
)  # fmt: skip


def prepare(
    ctx: TaskContext, path: str, mission: str = "", obs_id: str = "", instrument: str = "", exposure: str = "",
    modules: Sequence[str] = (),
) -> Outcome:  # fmt: skip
    """Read and check an event list; its facts are those of `fits.summary`. Stops where nothing can be made of it.

    With `modules` (eROSITA: « TM1 » …) the list of these telescope modules is written first, and all that is said is about it;
    mission, ObsID, instrument and exposure are needed then, for its key.
    """
    ctx.progress(0, None, "reading events")
    files: tuple[MadeFile, ...] = ()
    facts: dict[str, Any] = {}
    if modules:
        name = "finalevents.fits"
        facts = take_modules(ctx, path, Path(ctx.work_folder) / name, modules)
        files = (MadeFile(name, ProductKey(mission, obs_id, ProductKind.FINAL_EVENTS, instrument, exposure), facts=facts),)
        path = str(Path(ctx.work_folder) / name)
    events = read(path)
    ctx.check_cancelled()
    facts |= {name: value for name, value in summarise(events).items() if name not in ("path", "warnings")}
    stop = why_unusable(events)
    ctx.log(f"{len(events)} events, {facts['total_good_time_s']:.1f} s of good time, filter {events.filter or 'unknown'}")
    for warning in events.warnings:
        ctx.log(f"WARNING: {warning}")
    if stop:
        ctx.log(f"Nothing is made of it: {stop}")
    return Outcome(files=files, warnings=events.warnings, facts=facts, stop=stop)


def take_modules(ctx: TaskContext, path: str, destination: Path, modules: Sequence[str]) -> dict[str, Any]:
    """Write the events and the good time of some telescope modules of a list that has all of them; the list stays as it is."""
    from daxa_gui.missions import event_formats
    from daxa_gui.missions.instrument_choice import module_numbers

    source = find_events(path, event_formats())
    column, numbers = source.format.ccd_column, module_numbers(modules)
    if not column or column not in source.table:
        raise ReductionError(f"{path} does not tell the telescope module of its events (no column {column or 'TM_NR'}).")
    good = find_good_time(source.fits, source.hdu, source.format).gti
    gti = {ccd: own for ccd, own in good.items() if ccd == -1 or ccd in numbers}
    module = source.table.bits(column)

    def keep(first: int, behind: int) -> NDArray[np.bool_]:
        ctx.check_cancelled()
        return np.isin(module[first:behind], numbers)

    result = write_clean_events(
        source, destination, keep, gti, history=[f"Telescope modules {', '.join(modules)} of {Path(path).name}"], only=numbers,
        progress=lambda done, total: ctx.progress(done, total, "taking the chosen telescope modules"),
    )  # fmt: skip
    ctx.log(f"{result.rows} of {result.source_rows} events are of {', '.join(modules)}")
    return {
        "modules": list(modules),
        "n_events": result.rows,
        "source_events": result.source_rows,
        "ontime_s": result.ontime_s,
        "exposure_s": result.exposure_s,
        "ontime_per_ccd_s": {str(ccd): seconds for ccd, seconds in result.ontime_per_ccd_s.items()},
    }


def why_unusable(events: EventList) -> str:
    """A sentence if a list cannot be reduced (closed filter, calibration mode, no events, no good time), otherwise empty."""
    filter_name = events.filter.upper()
    if filter_name in CLOSED_FILTERS or filter_name.startswith("CAL"):
        return f"The filter is « {events.filter} »: the list has calibration or background data only."
    if events.mode.upper() in UNUSABLE_MODES:
        return f"The mode « {events.mode} » has no science data."
    if not len(events):
        return "The list has no events."
    if not union(*events.gti.values()).total_s > 0:
        return "The good time is empty."
    if not good_mask(events).any():
        return "No event has a good pattern and good flags in good time."
    return ""


def flares(
    ctx: TaskContext, path: str, mission: str, obs_id: str, instrument: str, exposure: str,
    band_kev: Sequence[float] | None = None, bin_s: float | None = None, n_sigma: float = 3.0,
    limits_ct_s: Sequence[float] | None = None, added_s: Sequence[Sequence[float]] = (),
    removed_s: Sequence[Sequence[float]] = (),
) -> Outcome:  # fmt: skip
    """Good-time intervals and light curve. Stops with the reason when no useful time is left."""
    given = checked(STEPS["flares"], {
        "band_kev": band_kev, "bin_s": bin_s, "n_sigma": n_sigma, "limits_ct_s": limits_ct_s, "added_s": added_s,
        "removed_s": removed_s,
    })  # fmt: skip
    key = ProductKey(mission, obs_id, ProductKind.EVENTS, instrument, exposure)
    ctx.progress(0, None, "reading events")
    events = read(path)
    ctx.check_cancelled()
    parameters = FlareParameters(
        band_kev=_pair(given["band_kev"]) or events.format.flare_band_kev,
        bin_s=events.format.flare_bin_s if given["bin_s"] is None else given["bin_s"],
        n_sigma=given["n_sigma"],
        limits_ct_s=_pair(given["limits_ct_s"]),
        added_s=tuple((start, stop) for start, stop in given["added_s"]),
        removed_s=tuple((start, stop) for start, stop in given["removed_s"]),
    )
    ctx.progress(1, 3, "looking for flares")
    cleaning = find_flares(events, parameters)
    ctx.check_cancelled()
    ctx.progress(2, 3, "writing")
    history = tuple(flare_history(cleaning, parameters))
    for line in (*history, *cleaning.reasons):
        ctx.log(line)
    folder = Path(ctx.work_folder)
    write_gti(folder / "gti.fits", cleaning.gti, events, history)
    write_lightcurve(folder / "lightcurve.fits", cleaning.curve, events, cleaning, history)
    facts = flare_facts(cleaning, parameters)
    files = (
        MadeFile("gti.fits", replace(key, kind=ProductKind.GTI), facts={"good_time_s": cleaning.gti.total_s}),
        MadeFile("lightcurve.fits", replace(key, kind=ProductKind.LIGHTCURVE), facts={"bins": len(cleaning.curve.rate)}),
    )
    return Outcome(files=files, facts=facts, stop="" if cleaning.useful else cleaning.reasons[0])


def _pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    return None if values is None else (float(values[0]), float(values[1]))


def flare_facts(cleaning: FlareCleaning, parameters: FlareParameters) -> dict[str, Any]:
    """What flare cleaning found as plain JSON values."""
    fit = cleaning.fit
    return {
        "useful": cleaning.useful,
        "doubt": cleaning.doubt,
        "reasons": list(cleaning.reasons),
        "kept_fraction": cleaning.kept_fraction,
        "good_time_s": cleaning.gti.total_s,
        "intervals": len(cleaning.gti),
        "fitted": fit.fitted,
        "quiet_rate_ct_s": fit.centre_ct_s,
        "sigma_ct_s": fit.sigma_ct_s,
        "low_ct_s": fit.low_ct_s,
        "high_ct_s": fit.high_ct_s,
        "band_kev": list(parameters.band_kev),
        "bin_s": parameters.bin_s,
        "n_sigma": parameters.n_sigma,
        "by_hand": parameters.limits_ct_s is not None or bool(parameters.added_s or parameters.removed_s),
    }


def flare_history(cleaning: FlareCleaning, parameters: FlareParameters) -> list[str]:
    """How the good time came about, for headers and logs."""
    fit, (low, high) = cleaning.fit, parameters.band_kev
    lines = [f"Flares: rates of {low:g} to {high:g} keV in bins of {parameters.bin_s:g} s"]
    if fit.fitted:
        lines.append(f"Gaussian of the rates: centre {fit.centre_ct_s:.5g} ct/s, sigma {fit.sigma_ct_s:.5g} ct/s")
    else:
        lines.append(fit.reason)
    how = "by hand" if parameters.limits_ct_s is not None else f"{parameters.n_sigma:g} sigma"
    lines.append(f"Rates from {fit.low_ct_s:.5g} to {fit.high_ct_s:.5g} ct/s kept ({how})")
    lines += [f"Interval added by hand: {start:.3f} to {stop:.3f}" for start, stop in parameters.added_s]
    lines += [f"Interval removed by hand: {start:.3f} to {stop:.3f}" for start, stop in parameters.removed_s]
    lines.append(f"{cleaning.gti.total_s:.1f} s kept ({100 * cleaning.kept_fraction:.1f} %) in {len(cleaning.gti)} intervals")
    return lines


def clean(
    ctx: TaskContext, path: str, gti_path: str, mission: str, obs_id: str, instrument: str, exposure: str,
    max_pattern: int | None = None, zero_flag: bool = False,
) -> Outcome:  # fmt: skip
    """The cleaned event list: good pattern and flags, in the good time of the own CCD and of the flare cleaning."""
    from daxa_gui.missions import event_formats

    given = checked(STEPS["clean"], {"max_pattern": max_pattern, "zero_flag": zero_flag})
    max_pattern, zero_flag = given["max_pattern"], given["zero_flag"]
    key = ProductKey(mission, obs_id, ProductKind.CLEAN_EVENTS, instrument, exposure)
    source = find_events(path, event_formats())
    form = source.format if max_pattern is None else replace(source.format, max_pattern=max_pattern, good_patterns=())
    source = replace(source, format=form)
    old = find_good_time(source.fits, source.hdu, form).gti
    quiet = read_gti(gti_path)
    gti = {ccd: intersect(own, quiet) for ccd, own in old.items()} or {-1: quiet}

    def keep(first: int, behind: int) -> NDArray[np.bool_]:
        ctx.check_cancelled()
        part = replace(source, table=source.table.part(first, behind))
        _, events = next(event_chunks(part, gti, behind - first))
        return quality_mask(events, zero_flag=zero_flag) & inside_own(gti, events.time_s, events.ccd)

    lines = [f"Cleaned with good-time intervals of {Path(gti_path).name}", f"Selection: {selection_text(form, zero_flag)}"]
    name = "cleanevents.fits"
    result = write_clean_events(
        source, Path(ctx.work_folder) / name, keep, gti, terms=selection_terms(form, zero_flag), history=lines,
        progress=lambda done, total: ctx.progress(done, total, "writing events"),
    )  # fmt: skip
    ctx.log(f"{result.rows} of {result.source_rows} events kept; {lines[1]}")
    facts = {
        "n_events": result.rows,
        "source_events": result.source_rows,
        "ontime_s": result.ontime_s,
        "livetime_s": result.livetime_s,
        "exposure_s": result.exposure_s,
        "ontime_per_ccd_s": {str(ccd): seconds for ccd, seconds in result.ontime_per_ccd_s.items()},
    }
    stop = "" if result.rows else "No event is left after cleaning."
    return Outcome(files=(MadeFile(name, key, facts=facts),), facts=facts, stop=stop)


def selection_text(form: EventFormat, zero_flag: bool) -> str:
    """The selection in words, as it stands in logs and headers."""
    terms = [f"{term.quantity} in {term.value}" for term in selection_terms(form, zero_flag)]
    return " and ".join(terms) or "all events"


def selection_terms(form: EventFormat, zero_flag: bool) -> tuple[Term, ...]:
    """Pattern and flag selection as terms of a data subspace (see `fits.data_subspace`)."""
    terms = []
    if form.pattern_column and form.good_patterns:
        terms.append(Term(0, form.pattern_column.upper(), ",".join(f"{p}:{p}" for p in form.good_patterns), "I"))
    elif form.pattern_column and form.max_pattern is not None:
        terms.append(Term(0, form.pattern_column.upper(), f":{form.max_pattern}"))
    if form.flag_column and (zero_flag or form.flag_mask is None):
        terms.append(Term(0, form.flag_column.upper(), "0"))
    elif form.flag_column and form.flag_mask:
        bits = format(form.flag_mask & 0x7FFFFFFF, "031b").replace("0", "x").replace("1", "0")
        terms.append(Term(0, form.flag_column.upper(), f"b{bits}", "X"))
    return tuple(terms)


def image(
    ctx: TaskContext, path: str, mission: str, obs_id: str, instrument: str, exposure: str,
    band_kev: Sequence[float] | None = None, pixel_bin: int | None = None,
) -> Outcome:  # fmt: skip
    """Counts image of a cleaned event list. Stops where the list has no sky coordinates."""
    given = checked(STEPS["image"], {"band_kev": band_kev, "pixel_bin": pixel_bin})
    band_kev, pixel_bin = given["band_kev"], given["pixel_bin"]
    ctx.progress(0, None, "reading events")
    events = read(path)
    ctx.check_cancelled()
    if events.x is None or events.y is None or not len(events):
        return Outcome(
            stop="The list has no sky coordinates, so there is no image." if len(events) else "The list has no events."
        )
    band = (_pair(band_kev) or events.format.default_band_kev) if events.format.energy_column else None
    grid = default_grid(events)
    if pixel_bin is not None:
        grid = rebinned(grid, float(pixel_bin))
    # The list is cleaned already; selecting again would only repeat it with the mission's flags instead of the chosen ones.
    counts = make_image(events, band, grid=grid, selected=False)
    key = ProductKey(mission, obs_id, ProductKind.IMAGE, instrument, exposure, band)
    name = "image.fits"
    shown = "all energies" if band is None else f"{band[0]:g} to {band[1]:g} keV, both included"
    write_image(Path(ctx.work_folder) / name, counts, events, (f"Counts of {shown}, from {Path(path).name}",))
    total = int(counts.values.sum())
    ctx.log(f"{total} counts in {grid.n_x} x {grid.n_y} pixels; {shown}")
    facts = {"counts": total, "shape": [grid.n_y, grid.n_x], "band_kev": None if band is None else list(band)}
    return Outcome(files=(MadeFile(name, key, facts=facts),), facts=facts)


def rebinned(grid: PixelGrid, pixel_bin: float) -> PixelGrid:
    """The same area in pixels of another size, with the same centre."""
    n_x = max(math.ceil(grid.n_x * grid.bin_x / pixel_bin), 1)
    n_y = max(math.ceil(grid.n_y * grid.bin_y / pixel_bin), 1)
    if max(n_x, n_y) > 20000:
        raise ReductionError(f"Pixels of {pixel_bin:g} event pixels make an image of {n_x} x {n_y}.", "Choose larger pixels.")
    centre_x, centre_y = grid.edge_x + grid.n_x * grid.bin_x / 2, grid.edge_y + grid.n_y * grid.bin_y / 2
    return PixelGrid(centre_x - n_x * pixel_bin / 2, centre_y - n_y * pixel_bin / 2, pixel_bin, pixel_bin, n_x, n_y)
