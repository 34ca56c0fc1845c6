"""What is added to the outcome of a SAS step after its files were judged: facts for people, warnings, and reasons to stop.

Functions are called as `(ctx, unit, parameters, made)`; `made` maps the patterns of the recipe to the paths of what was made.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.core.step import Outcome, ProgramContext
from daxa_gui.reduction.recipe import WorkUnit
from daxa_gui.reduction.xmm_anomalies import MEANINGS, accepted_ccds, read_states
from daxa_gui.reduction.xmm_common import sas_version, write_path
from daxa_gui.reduction.xmm_fits import events_header, exposure_s, good_time_s, rows_of_events, table_rows
from daxa_gui.reduction.xmm_images import chosen_bands, expmap_name, image_name
from daxa_gui.reduction.xmm_merging import in_order_of_time, merged_kinds
from daxa_gui.reduction.xmm_recipes import ANOMALIES, EVENTS, analysis_day, flare_band_ev
from daxa_gui.reduction.xmm_summary import parse_summary

Made = Mapping[str, Sequence[str]]
_LITTLE_KEPT = 0.2  # of the time: below it a person should look


def _path(made: Made, part: str) -> Path | None:
    """The one file of the pattern with this text in it; None where an optional file was not made."""
    for pattern, paths in made.items():
        if part in pattern and paths:
            return Path(paths[0])
    return None


def _needed(made: Made, part: str) -> Path:
    path = _path(made, part)
    if path is None:
        raise ReductionError(f"No file « …{part}… » was made.")
    return path


# ---- calibration and summary -----------------------------------------------------------------------------------------------


def cif(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """Number of calibration files in the list. Raises ReductionError if it is empty."""
    rows = table_rows(_needed(made, "ccf.cif"))
    if not rows:
        raise ReductionError(
            "The list of calibration files is empty.", "Is SAS_CCFPATH the folder of the current calibration files (CCF)?"
        )
    facts = {
        "n_calibration_files": rows, "obs_date": str(unit.facts.get("obs_start", ""))[:10],
        "analysis_date": analysis_day(parameters["analysis_date"]),
    }  # fmt: skip
    return Outcome(facts=facts)


def odf_summary(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """What the summary says in short. Raises FileError if it cannot be read to its end, or is of another observation."""
    path = _needed(made, "SUM.SAS")
    summary = parse_summary(path.read_bytes().decode("utf-8", "replace"), path.name)
    if summary.obs_id != unit.obs_id:
        raise FileError(
            f"{path.name} is about the observation {summary.obs_id}, not {unit.obs_id}.",
            f"The raw data in {unit.raw_folder} belong to another observation, or to several.",
        )
    raw_folder = os.path.realpath(unit.raw_folder)
    if raw_folder != unit.raw_folder and os.path.realpath(summary.path) == raw_folder:
        write_path(path, raw_folder)  # programs may be told a link that is gone after this job
    facts = {
        "revolution": summary.revolution, "start": summary.start, "end": summary.end, "n_files": len(summary.files),
        "exposures": {one.name: len(one.exposures) for one in summary.instruments if one.active},
        "summary_name": path.name,
    }  # fmt: skip
    return Outcome(facts=facts)


def left_out(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    return Outcome(stop=f"{unit.name} was not scheduled, and unscheduled exposures are left out by choice.")


# ---- event lists -----------------------------------------------------------------------------------------------------------


def _count(facts: dict[str, Any], name: str, path: Path | None) -> int | None:
    if path is None:
        return None
    facts[name] = rows_of_events(path)
    return int(facts[name])


def chain(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """After epchain and emchain."""
    path = _needed(made, "IEVLI0000")
    header = events_header(path)
    facts: dict[str, Any] = {
        "filter": header.text("FILTER"), "mode": header.text("SUBMODE", "DATAMODE"), "ontime_s": exposure_s(header),
    }  # fmt: skip
    n_events, n_oot = _count(facts, "n_events", path), _count(facts, "n_oot_events", _path(made, "OOEVLI0000"))
    warnings = ("The list of out-of-time events is empty.",) if n_oot == 0 and n_events else ()
    return Outcome(warnings=warnings, facts=facts, stop="" if n_events else f"{unit.name} has no events.")


def anomalies(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """States of the CCDs; one that is not good, or could not be judged, is a warning."""
    states = read_states(_needed(made, "anom.log"))
    warnings = tuple(f"CCD {ccd} of {unit.name} is {MEANINGS[state]}." for ccd, state in states.items() if state in "IBU")
    return Outcome(warnings=warnings, facts={"ccd_states": {str(ccd): state for ccd, state in states.items()}})


def flares(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """After espfilt: how much time was kept, the Gaussian and its limits where the header has them."""
    good_s, n_intervals = good_time_s(_needed(made, "-gti"))
    total_s = exposure_s(events_header(Path(ctx.work_folder) / EVENTS))
    band = None if sas_version(unit) < (20, 0, 0) else list(flare_band_ev(parameters))  # older ones have one of their own
    facts: dict[str, Any] = {
        "good_time_s": round(good_s, 3), "n_intervals": n_intervals, "exposure_s": total_s, "method": parameters["method"],
        "band_ev": band, "kept_fraction": None if not total_s else round(min(1.0, good_s / total_s), 4),
    }  # fmt: skip
    path = _needed(made, "-allevc")
    _count(facts, "n_all_good_events", path)
    _count(facts, "n_all_good_oot_events", _path(made, "-allevcoot"))
    warnings = _about_fit(facts, path, parameters)
    if not good_s:
        return Outcome(warnings=tuple(warnings), facts=facts, stop=f"No time of {unit.name} is free of flares.")
    if total_s and good_s < _LITTLE_KEPT * total_s:
        warnings.append(f"Only {100 * good_s / total_s:.0f} % of the time of {unit.name} is free of flares.")
    return Outcome(warnings=tuple(warnings), facts=facts)


def _about_fit(facts: dict[str, Any], path: Path, parameters: Mapping[str, Any]) -> list[str]:
    header = events_header(path)
    norm, centre, width = (header.number(name) for name in ("NORM", "CENTER", "WIDTH"))
    if parameters["method"] != "histogram" or centre is None or width is None:
        return []
    reach = float(parameters["allowed_sigma"]) * abs(width)
    limits = [round(centre - reach, 6), round(centre + reach, 6)]
    facts.update(fit_norm=norm, fit_centre_ct_s=centre, fit_width_ct_s=width, limits_ct_s=limits)
    if abs(width) > abs(centre):
        return ["The Gaussian is wider than its centre: too few counts, or flares all the time. Look at the histogram."]
    return []


def no_ccds(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    states = read_states(Path(ctx.work_folder) / ANOMALIES)
    return Outcome(
        facts={"ccd_states": {str(ccd): state for ccd, state in states.items()}},
        stop=f"No CCD of {unit.name} is in a state that is accepted ({', '.join(parameters['acc_mos_anom_states'])}).",
    )


def cleaned(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """After evselect: how many events are left, and which CCDs were left out."""
    facts: dict[str, Any] = {"energies_kev": parameters["energies_kev"]}
    warnings: list[str] = []
    n_events = _count(facts, "n_events", _needed(made, "clean_events"))
    _count(facts, "n_oot_events", _path(made, "clean_oot_events"))
    if unit.instrument != "PN" and parameters["filt_mos_anom_state"]:
        states = read_states(Path(ctx.work_folder) / ANOMALIES)
        facts["ccds"] = accepted_ccds(states, parameters["acc_mos_anom_states"])
        warnings += [
            f"CCD {ccd} of {unit.name} was left out: it is {MEANINGS[state]}."
            for ccd, state in states.items() if ccd not in facts["ccds"]
        ]  # fmt: skip
    stop = "" if n_events else f"No events of {unit.name} are left after the selection."
    return Outcome(warnings=tuple(warnings), facts=facts, stop=stop)


def merged(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """After merge: from which exposures the final list is; different filters or modes among them are a warning."""
    exposures = in_order_of_time(unit)
    if len(exposures) > 1:
        work, kind = Path(ctx.work_folder), merged_kinds(unit.instrument)[0]
        paths = {str(one["exposure"]): work / kind.given(str(one["exposure"])) for one in exposures}
        there = {name for name, path in paths.items() if path.is_file() and rows_of_events(path) > 0}
    else:
        there = {str(exposures[0]["exposure"])}
    used = [one for one in exposures if str(one["exposure"]) in there]
    facts: dict[str, Any] = {"exposures": [str(one["exposure"]) for one in used]}
    for kind in merged_kinds(unit.instrument):
        _count(facts, f"n_{kind.name}", _path(made, kind.final))
    warnings = [
        f"Exposures with different {what} were merged: {', '.join(values)}."
        for what, values in (("filters", _different(used, "filter")), ("modes", _different(used, "mode"))) if len(values) > 1
    ]  # fmt: skip
    if missing := [str(one["exposure"]) for one in exposures if str(one["exposure"]) not in there]:
        warnings.append(f"Without cleaned events, so not merged: {', '.join(missing)}.")
    return Outcome(warnings=tuple(warnings), facts=facts, stop="" if facts.get("n_events") else f"{unit.name} has no events.")


def _different(exposures: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    return list(dict.fromkeys(str(one.get(name, "")) for one in exposures))


def rgs(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """After a stage of rgsproc."""
    facts: dict[str, Any] = {}
    n_events = _count(facts, "n_events", _path(made, "EVENLI0000") or _needed(made, "merged0000"))
    return Outcome(facts=facts, stop="" if n_events else f"{unit.name} has no events.")


# ---- images ----------------------------------------------------------------------------------------------------------------


def images(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: Made) -> Outcome:
    """Counts of each image, and the longest exposure of each map in seconds."""
    from daxa_gui.fits.images import read_image

    facts: list[dict[str, Any]] = []
    warnings: list[str] = []
    for number, band in enumerate(chosen_bands(parameters), 1):
        image = read_image(_needed(made, image_name(number))).values
        expmap = read_image(_needed(made, expmap_name(number))).values
        counts, longest = float(np.nansum(image, dtype=np.float64)), float(np.nanmax(expmap, initial=0.0))
        facts.append({"band_kev": list(band), "counts": counts, "longest_exposure_s": longest})
        text = f"{band[0]:g}–{band[1]:g} keV"
        if counts <= 0.0:
            warnings.append(f"The image of {unit.name} in {text} is empty.")
        if longest <= 0.0:
            warnings.append(f"The exposure map of {unit.name} in {text} is zero everywhere.")
    return Outcome(warnings=tuple(warnings), facts={"bands": facts})
