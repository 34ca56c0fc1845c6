"""Recipes of the SAS steps from calibration to cleaned event lists: exact arguments, given files, and what they leave.

Inputs lie in the work folder under simple names, so no path of the archive, whatever its letters, stands in an expression.
Sources: the documentation of the SAS tasks, DAXA's commands; where DAXA's fail, docs/steps-xmm.md says what differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import InputError, ReductionError
from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import ProgramContext
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe, WorkUnit
from daxa_gui.reduction.selection_terms import by_itself
from daxa_gui.reduction.xmm_anomalies import accepted_ccds, read_states
from daxa_gui.reduction.xmm_common import (
    FINISH,
    HERE,
    checked_unit,
    cif_environment,
    given_summary,
    odf_environment,
    pi_term,
    sas_version,
    summary_name,
    task_name,
    unscheduled_recipe,
)

_THIS = "daxa_gui.reduction.xmm_recipes"
OWN_BANDS_EV = {"histogram": (2500, 8500), "ratio": (8000, 12000)}  # recommended by the documentation of espfilt
WIDEST_RATE_CT_S = 10.0  # the task takes no higher limit; its histogram reaches twice as far
N_PN_CCDS = 12
EVENTS, OOT_EVENTS, GTI, ANOMALIES = "events.fits", "oot_events.fits", "gti.fits", "anomalies.log"


# ---- calibration and summary -----------------------------------------------------------------------------------------------


def analysis_day(text: str) -> str:
    """« now » as today's date (UTC), anything else must be a day YYYY-MM-DD.

    Raises
    ------
    InputError : it is not.
    """
    if text.strip().casefold() == "now":
        return datetime.now(UTC).date().isoformat()
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise InputError(f"« {text} » is no analysis date.", "Give a day as YYYY-MM-DD, or « now ».") from None


def build_cif(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    checked_unit(unit)
    started = str(unit.facts.get("obs_start", ""))[:10]
    try:
        observed = date.fromisoformat(started).isoformat()
    except ValueError:
        raise ReductionError(
            f"It is not known when {unit.obs_id} was observed, so its calibration cannot be chosen.",
            "Bring the catalogue of XMM-Newton up to date and add the observation to the archive again.",
        ) from None
    argv = (
        "cifbuild", "calindexset=ccf.cif", "withobservationdate=yes", f"observationdate={observed}",
        f"analysisdate={analysis_day(parameters['analysis_date'])}", "fullpath=yes",
    )  # fmt: skip
    return Recipe(
        "sas", (ProgramRun(argv, title="Calibration files of the observation"),), (Made("ccf.cif", unit.key(K.CIF)),),
        finish=f"{FINISH}:cif",
    )  # fmt: skip


def build_odf_ingest(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """DAXA lets odfingest write into the folder of raw data; the task's own documentation says that it need not be writable."""
    checked_unit(unit)
    argv = ("odfingest", f"odfdir={unit.raw_folder}", "outdir={work}", "withodfdir=yes")
    run = ProgramRun(argv, cif_environment(unit), "Summary of the raw data")
    made = Made(f"*_{unit.obs_id}_SCX00000SUM.SAS", unit.key(K.ODF_SUMMARY), "text")
    return Recipe("sas", (run,), (made,), finish=f"{FINISH}:odf_summary")


# ---- event lists from raw data ---------------------------------------------------------------------------------------------


def build_epchain(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """Two calls: out-of-time events first, whose raw intermediate files the second, normal one uses (the manual's advice).

    « odf » is the summary file (as SAS_ODF, whose value is its default); « odfaccess=odf » makes « schedule » count.
    """
    checked_unit(unit)
    if (left_out := unscheduled_recipe(unit, parameters)) is not None:
        return left_out
    common = (
        f"odf={{work}}/{summary_name(unit)}", "odfaccess=odf", f"exposure={unit.exposure[1:]}", f"schedule={unit.exposure[0]}",
        f"ccds={','.join(str(ccd) for ccd in _ccds(unit))}",
    )  # fmt: skip
    # SAS 21.0.0 came without the task radmonfix.
    without = ("runradmonfix=N",) if sas_version(unit) == (21, 0, 0) else ()
    oot = ("epchain", *common, "runbackground=N", "keepintermediate=raw", "withoutoftime=Y", *without)
    normal = ("epchain", *common, "runatthkgen=N", "runepframes=N", "runbadpixfind=N", "runbadpix=N", *without)
    environment = odf_environment(unit)
    stem = f"P{unit.obs_id}PN{unit.exposure}"
    return Recipe(
        "sas",
        (ProgramRun(oot, environment, "Out-of-time events"), ProgramRun(normal, environment, "Calibrated events")),
        (
            Made(f"{stem}PIEVLI0000.FIT", unit.key(K.CALIBRATED_EVENTS), "events"),
            Made(f"{stem}OOEVLI0000.FIT", unit.key(K.OOT_EVENTS), "events"),
            _attitude(unit),
        ),
        (given_summary(unit),),
        finish=f"{FINISH}:chain",
        prepare=f"{HERE}:renew_path",
    )


def _ccds(unit: WorkUnit) -> list[int]:
    """CCDs of pn in imaging mode, in order. Raises ReductionError if there is none, or what is stored is none."""
    ccds = unit.facts.get("ccds") or []
    if not ccds:
        raise ReductionError(
            f"{unit.name} of {unit.obs_id} has no CCD in imaging mode.", "Exposures in timing or burst mode make no image."
        )
    if not isinstance(ccds, (list, tuple)) or not all(type(ccd) is int and 1 <= ccd <= N_PN_CCDS for ccd in ccds):
        raise ReductionError(
            f"What is stored of the CCDs of {unit.name} of {unit.obs_id} makes no sense.", "Run the step « Exposures » again."
        )
    return sorted(ccds)


def build_emchain(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """CCDs are not chosen: emchain finds their modes itself, and fails on some modes if told."""
    checked_unit(unit)
    if (left_out := unscheduled_recipe(unit, parameters)) is not None:
        return left_out
    argv = (
        "emchain", f"odf={{work}}/{summary_name(unit)}", f"instruments={unit.instrument}", f"exposures={unit.exposure}",
        "addtaglenoise=no", "makeflaregti=no",
    )  # fmt: skip
    made = Made(f"P{unit.obs_id}{unit.instrument}{unit.exposure}MIEVLI0000.FIT", unit.key(K.CALIBRATED_EVENTS), "events")
    return Recipe(
        "sas", (ProgramRun(argv, odf_environment(unit), "Calibrated events"),), (made, _attitude(unit)), (given_summary(unit),),
        finish=f"{FINISH}:chain", prepare=f"{HERE}:renew_path", private_pfiles=True,  # emchain calls FTOOLS
    )  # fmt: skip


def _attitude(unit: WorkUnit) -> Made:
    return Made(f"P{unit.obs_id}OBX000ATTTSR0000.FIT", unit.key(K.ATTITUDE))


def build_emanom(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """emanom writes keywords into the list that it reads, so it gets a copy."""
    checked_unit(unit)
    if sas_version(unit) < (19, 0, 0):
        raise ReductionError("emanom came with SAS 19; the SAS here is older.", "Install SAS 19 or newer, or do without emanom.")
    run = ProgramRun(("emanom", f"eventfile={EVENTS}", "keepcorner=no"), odf_environment(unit), "States of the CCDs")
    return Recipe(
        "sas", (run,), (Made(f"{task_name(unit)}-anom.log", unit.key(K.ANOMALY_LOG), "text"),),
        (Given(EVENTS, unit.product(K.CALIBRATED_EVENTS), copy=True), given_summary(unit)),
        finish=f"{FINISH}:anomalies", prepare=f"{HERE}:renew_path",
    )  # fmt: skip


# ---- flares ----------------------------------------------------------------------------------------------------------------


def flare_band_ev(parameters: Mapping[str, Any]) -> tuple[int, int]:
    """The band of espfilt in whole eV: the chosen one, or that which its documentation recommends for the method."""
    if parameters["band_ev"] is None:
        return OWN_BANDS_EV[parameters["method"]]
    low, high = (int(energy) for energy in parameters["band_ev"])
    if low >= high:
        raise InputError(f"espfilt takes whole eV: {low} is not below {high}.", "Choose a wider band.")
    return low, high


def build_espfilt(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """Arguments and names of files as the versions of SAS have them.

    From 21 on: no long names. 20: `withlongnames`, and the band is in the names. Older ones have another name for the input, a
    band of their own, no limits, and only the method « ratio ».

    Raises
    ------
    ReductionError : the method « histogram », or a band, with a SAS that has none.
    """
    checked_unit(unit)
    version, is_pn = sas_version(unit), unit.instrument == "PN"
    if version < (20, 0, 0) and parameters["method"] != "ratio":
        raise ReductionError(
            "espfilt knows the method « histogram » since SAS 20; the SAS here is older.",
            "Choose the method « ratio », or install a newer SAS.",
        )
    if version < (20, 0, 0) and parameters["band_ev"] is not None:
        raise ReductionError(
            "espfilt takes an energy band since SAS 20; the SAS here is older and uses its own.", "Leave the band empty."
        )
    run = ProgramRun(_espfilt_argv(unit, parameters, version), odf_environment(unit), "Time without flares")
    given = [Given(EVENTS, unit.product(K.CALIBRATED_EVENTS)), given_summary(unit)]
    if is_pn:
        given.append(Given(OOT_EVENTS, unit.product(K.OOT_EVENTS)))
    retry = f"{_THIS}:espfilt_again" if parameters["widen_limits"] and parameters["method"] == "histogram" else ""
    return Recipe(
        "sas", (run,), _espfilt_made(unit, parameters, version), tuple(given), finish=f"{FINISH}:flares",
        prepare=f"{HERE}:renew_path", retry=retry,
    )  # fmt: skip


def _espfilt_argv(unit: WorkUnit, parameters: Mapping[str, Any], version: tuple[int, int, int]) -> tuple[str, ...]:
    is_pn = unit.instrument == "PN"
    light_curve = (
        f"method={parameters['method']}", f"withsmoothing={_yes_no(parameters['with_smoothing'])}",
        f"smooth={int(parameters['smooth_s'])}", f"withbinning={_yes_no(parameters['with_binning'])}",
        f"binsize={int(parameters['bin_s'])}", f"ratio={float(parameters['ratio'])!r}",
    )  # fmt: skip
    if version < (20, 0, 0):
        return ("espfilt", f"eventset={EVENTS}", *light_curve)
    low, high = flare_band_ev(parameters)
    scale = parameters["range_scale_pn" if is_pn else "range_scale_mos"]
    first, last = (float(rate) for rate in parameters["gauss_fit_lims"])
    return (
        "espfilt", f"eventfile={EVENTS}", f"withoot={_yes_no(is_pn)}", f"ootfile={OOT_EVENTS if is_pn else 'dataset'}",
        *light_curve, *(("withlongnames=yes",) if version < (21, 0, 0) else ()), f"elow={low}", f"ehigh={high}",
        f"rangescale={float(scale)!r}", f"allowsigma={float(parameters['allowed_sigma'])!r}", "keepinterfiles=yes",
        f"limits={first!r} {last!r}",
    )  # fmt: skip


def _espfilt_made(unit: WorkUnit, parameters: Mapping[str, Any], version: tuple[int, int, int]) -> tuple[Made, ...]:
    name = task_name(unit)
    low, high = flare_band_ev(parameters)
    if version >= (21, 0, 0):
        band = ""
    else:  # before 20 the task has a band of its own, which the names may tell
        band = f"-{low}-{high}" if version >= (20, 0, 0) else "-*"
    by_ratio = parameters["method"] == "ratio"  # for which the documentation promises no QDP file
    made = [
        Made(f"{name}-gti{band}.fits", unit.key(K.GTI), "gti"),
        Made(f"{name}-allevc{band}.fits", unit.key(K.ALL_GOOD_EVENTS), "events"),
        Made(f"{name}-hist{band}.qdp", unit.key(K.HISTOGRAM), "text", optional=by_ratio),
    ]
    if unit.instrument == "PN":
        oot = Made(f"{name}-allevcoot.fits", unit.key(K.ALL_GOOD_OOT_EVENTS), "events", optional=version < (20, 0, 0))
        made.append(oot)
    return tuple(made)


def espfilt_again(
    unit: WorkUnit, parameters: Mapping[str, Any], recipe: Recipe, lines: Sequence[str]
) -> tuple[Recipe, str] | None:
    """After « noCounts » (all rates outside the histogram, as those of bright sources): once more with the widest histogram."""
    first, last = (float(rate) for rate in parameters["gauss_fit_lims"])
    if last >= WIDEST_RATE_CT_S or not any("(noCounts)" in line or "All histo counts are zero" in line for line in lines):
        return None
    wider = {**parameters, "gauss_fit_lims": (first, WIDEST_RATE_CT_S), "widen_limits": False}
    argv = _espfilt_argv(unit, wider, sas_version(unit))
    runs = (replace(recipe.runs[0], argv=argv, title="Time without flares, with higher rates"),)
    return replace(recipe, runs=runs, retry=""), (
        f"All count rates lay outside the histogram of espfilt (up to {2 * last:g} ct/s; a bright source?), so it was run again"
        f" with rates up to {2 * WIDEST_RATE_CT_S:g} ct/s. Look at the good time before you trust it."
    )


def _yes_no(value: bool) -> str:
    return "yes" if value else "no"


# ---- cleaned event lists ---------------------------------------------------------------------------------------------------


def selection(unit: WorkUnit, parameters: Mapping[str, Any], ccds: Sequence[int] = ()) -> str:
    """The expression of evselect: the chosen terms, energies, CCDs, good time; all of them must hold.

    Raises
    ------
    InputError : a term that is not let through (see `selection_terms`).
    """
    terms = [by_itself(term.strip()) for term in parameters["pn_filt_expr" if unit.instrument == "PN" else "mos_filt_expr"]]
    if parameters["energies_kev"] is not None:
        low, high = parameters["energies_kev"]
        terms.append(pi_term((low, high)))
    if ccds:
        terms.append(f"(CCDNR in {','.join(str(ccd) for ccd in ccds)})")
    return " && ".join((*terms, f"GTI({GTI}, TIME)"))


def build_cleaned(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """Which CCDs are anomalous stands in emanom's log, which `choose_ccds` reads when the job runs."""
    checked_unit(unit)
    given = [Given(EVENTS, unit.product(K.CALIBRATED_EVENTS)), Given(GTI, unit.product(K.GTI))]
    made = [Made("clean_events.fits", unit.key(K.CLEAN_EVENTS), "events")]
    prepare = ""
    if unit.instrument == "PN":
        given.append(Given(OOT_EVENTS, unit.product(K.OOT_EVENTS)))
        made.append(Made("clean_oot_events.fits", unit.key(K.CLEAN_OOT_EVENTS), "events"))
    elif parameters["filt_mos_anom_state"]:
        given.append(Given(ANOMALIES, unit.product(K.ANOMALY_LOG)))
        prepare = f"{_THIS}:choose_ccds"
    runs = _cleaning_runs(unit, parameters, bool(prepare))
    return Recipe("sas", runs, tuple(made), tuple(given), finish=f"{FINISH}:cleaned", prepare=prepare)


def _cleaning_runs(
    unit: WorkUnit, parameters: Mapping[str, Any], ccds_follow: bool = False, ccds: Sequence[int] = ()
) -> tuple[ProgramRun, ...]:
    expression = selection(unit, parameters, ccds)
    title = "Clean events" + (" (with the CCDs that emanom's log accepts)" if ccds_follow else "")
    lists = [(EVENTS, "clean_events.fits", title)]
    if unit.instrument == "PN":
        lists.append((OOT_EVENTS, "clean_oot_events.fits", "Clean out-of-time events"))
    return tuple(
        ProgramRun(
            # writedss: the good time goes into the list's data subspace. Without it SAS itself says that the exposure is likely
            # to be wrong (ExpNoDss), and so would be all maps that are made from the list.
            (
                "evselect", f"table={table}", f"filteredset={result}", f"expression={expression}", "updateexposure=yes",
                "writedss=yes",
            ),
            cif_environment(unit), heading,
        )
        for table, result, heading in lists
    )  # fmt: skip


def choose_ccds(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], recipe: Recipe) -> Recipe:
    """Before the run: only the CCDs whose state in emanom's log is acceptable. If there is none, nothing is run."""
    states = read_states(Path(ctx.work_folder) / ANOMALIES)
    ccds = accepted_ccds(states, parameters["acc_mos_anom_states"])
    ctx.log(f"CCDs that are kept: {', '.join(map(str, ccds)) or 'none'} of {', '.join(f'{c} ({s})' for c, s in states.items())}.")
    if not ccds:
        return replace(recipe, runs=(), made=(), finish=f"{FINISH}:no_ccds")
    return replace(recipe, runs=_cleaning_runs(unit, parameters, ccds=ccds))
