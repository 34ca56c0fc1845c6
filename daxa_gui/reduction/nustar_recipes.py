"""The programs of NuSTAR's steps, what they get and leave (NuSTARDAS: nupipeline, nuexpomap; FTOOLS: ftcopy).

Both modules' jobs make the files that belong to the whole observation (attitude, mast, housekeeping, laser positions): each keeps
its own, as products of its module, so none overwrites another's.

How sure this is: nupipeline's arguments of stage 1 are those of DAXA, those of stage 2 and nuexpomap's those of their help pages
and of published scripts. Selecting rows and binning images is done by CFITSIO itself while ftcopy opens its input; the same
expressions are tested with the real CFITSIO.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import Outcome, ProgramContext
from daxa_gui.reduction import other_facts as facts_of
from daxa_gui.reduction.other_words import energies, number, obs_id, yes_no
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe, WorkUnit

_HERE = "daxa_gui.reduction.nustar_recipes"
_K = ProductKind
_OUT = "outputs"
_LIST, _CLEANED = "events.fits", "cleaned.fits"
_GTI_NAMES = r"(?:STD)?GTI.*"
_MAP, _ATTITUDE, _MAST, _REFERENCE = "expmap.fits", "attitude.fits", "mast.fits", "refpixel.fits"
_OFFSET_KEV, _CHANNEL_KEV, _LAST_PI = 1.6, 0.04, 4095  # E = 1.6 keV + 0.04 keV * PI


def check_screening(parameters: Mapping[str, Any]) -> None:
    """Raises InputError if the cell of hot pixels is not odd, or the tentacle is asked for without a search of SAA passages."""
    if parameters["hp_cell_bin"] % 2 == 0:
        raise InputError(f"The cell of hot pixels must be an odd number of pixels wide, not {parameters['hp_cell_bin']}.")
    if parameters["tentacle"] and parameters["saamode"] == "NONE":
        raise InputError("The SAA's tentacle is only looked for together with its passages.", "Choose STRICT or OPTIMIZED.")


def build_nupipeline(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """Stages 1 (calibration) and 2 (screening) of nupipeline for one module. Raises InputError as `check_screening`."""
    check_screening(parameters)
    stem = f"nu{obs_id(unit)}"
    module = f"{stem}{_letter(unit)}"
    argv = (
        "nupipeline", "indir=raw", f"outdir={_OUT}", f"steminputs={stem}", "obsmode=SCIENCE", f"instrument={unit.instrument}",
        "entrystage=1", "exitstage=2", f"hpbinsize={parameters['hp_time_bin_s']}", f"hpcellsize={parameters['hp_cell_bin']}",
        f"impfac={number(parameters['hp_imp'])}", f"logpos={number(parameters['hp_log_pos'])}",
        f"bthresh={parameters['hp_bck_thr']}", f"aberration={yes_no(parameters['asp_ab_corr'])}",
        f"saacalc={parameters['saacalc']}", f"saamode={parameters['saamode']}", f"tentacle={yes_no(parameters['tentacle'])}",
    )  # fmt: skip
    return Recipe(
        software="heasoft",
        given=(Given("raw", unit.raw_folder),),
        runs=(ProgramRun(argv, title="calibration and screening"),),
        made=(
            Made(f"{_OUT}/{module}_uf.evt", unit.key(_K.CALIBRATED_EVENTS), "events"),
            Made(f"{_OUT}/{module}01_cl.evt", unit.key(_K.ALL_GOOD_EVENTS), "events"),
            Made(f"{_OUT}/{module}01_gti.fits", unit.key(_K.GTI), "gti"),
            Made(f"{_OUT}/{module}_hp.fits", unit.key(_K.HOT_PIXELS)),
            Made(f"{_OUT}/{module}_bp.fits", unit.key(_K.BAD_PIXELS)),
            Made(f"{_OUT}/{module}_det1.fits", unit.key(_K.REFERENCE_PIXEL)),
            Made(f"{_OUT}/{stem}_att.fits", unit.key(_K.ATTITUDE)),
            Made(f"{_OUT}/{stem}_mast.fits", unit.key(_K.MAST)),
            Made(f"{_OUT}/{stem}_obeb.hk", unit.key(_K.OBEB), optional=True),
            Made(f"{_OUT}/{stem}_psd.fits", unit.key(_K.PSD), optional=True),
            Made(f"{_OUT}/{stem}_psdcorr.fits", unit.key(_K.CORRECTED_PSD), optional=True),
        ),
        finish=f"{_HERE}:finish_nupipeline",
        private_pfiles=True,
    )


def _letter(unit: WorkUnit) -> str:
    if unit.instrument not in ("FPMA", "FPMB"):
        raise InputError(f"« {unit.instrument} » is no focal plane module of NuSTAR.", "There are FPMA and FPMB.")
    return unit.instrument[-1]


def finish_nupipeline(
    ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: facts_of.MadePaths
) -> Outcome:  # fmt: skip
    """Facts of the screened list and its good time: stops where there is none."""
    module = f"{_OUT}/nu{obs_id(unit)}{_letter(unit)}"
    raw, screened = facts_of.one(made, f"{module}_uf.evt"), facts_of.one(made, f"{module}01_cl.evt")
    kept = facts_of.all_time(facts_of.good_time(facts_of.one(made, f"{module}01_gti.fits"), _GTI_NAMES))
    before = facts_of.all_time(facts_of.good_time(raw, _GTI_NAMES))
    facts = facts_of.time_facts(kept, before)
    facts |= {"n_events": facts_of.n_events(screened), "n_events_before": facts_of.n_events(raw)}
    warnings, stop = facts_of.about_time(facts)
    if not facts["n_events"] and not stop:
        stop = "The screening left no events: nothing can follow."
    return Outcome(facts=facts, warnings=warnings, stop=stop)


def channels(band_kev: tuple[float, float]) -> tuple[int, int]:
    """First and last PI channel of a band: those that begin in it, so that bands that touch share none (3–78 keV: 35, 1909).

    Raises
    ------
    InputError : no channel begins in it.
    """
    edges = [math.ceil((energy - _OFFSET_KEV) / _CHANNEL_KEV - 1e-6) for energy in band_kev]
    first, last = max(edges[0], 0), min(edges[1] - 1, _LAST_PI)
    if first > last:
        raise InputError(f"The band {band_kev[0]:g} to {band_kev[1]:g} keV is narrower than a channel of NuSTAR (0.04 keV).")
    return first, last


def _selection(band_kev: tuple[float, float] | None) -> str:
    """Without a band: events that have an energy at all (PI is -4095 otherwise)."""
    first, last = (0, _LAST_PI) if band_kev is None else channels(band_kev)
    return f"PI>={first}&&PI<={last}"


def build_cleaned(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    rows = f"{_selection(energies(parameters))}&&GRADE>=0&&GRADE<={parameters['max_grade']}"
    argv = ("ftcopy", f"infile={_LIST}[EVENTS][{rows}]", f"outfile={_CLEANED}", "copyall=yes")
    return Recipe(
        software="heasoft",
        given=(Given(_LIST, unit.product(_K.ALL_GOOD_EVENTS)),),
        runs=(ProgramRun(argv, title="cleaned event list"),),
        made=(Made(_CLEANED, unit.key(_K.CLEAN_EVENTS), "events"),),
        finish=f"{_HERE}:finish_cleaned",
        private_pfiles=True,
    )


def finish_cleaned(
    ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: facts_of.MadePaths
) -> Outcome:  # fmt: skip
    path = facts_of.one(made, _CLEANED)
    gti = facts_of.all_time(facts_of.good_time(path, _GTI_NAMES))
    return facts_of.events_outcome(path, Path(ctx.work_folder) / _LIST, gti)


def build_images(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """A counts image of each band, and an exposure map that holds for all of them."""
    size, runs, made = parameters["pixel_bin"], [], []
    bands = [(float(low), float(high)) for low, high in parameters["bands_kev"]]
    for index, band in enumerate(dict.fromkeys(bands), start=1):
        name = f"image_{index}.fits"
        binning = f"[bin X=::{size},Y=::{size}]"
        argv = ("ftcopy", f"infile={_LIST}[EVENTS][{_selection(band)}]{binning}", f"outfile={name}", "copyall=no")
        runs.append(ProgramRun(argv, title=f"image {band[0]:g} to {band[1]:g} keV"))
        made.append(Made(name, unit.key(_K.IMAGE, band), "image"))
    given = [Given(_LIST, unit.product(_K.CLEAN_EVENTS))]
    if parameters["exposure_map"]:
        runs.append(ProgramRun(("nuexpomap", *_exposure_map(parameters)), title="exposure map"))
        made.append(Made(_MAP, unit.key(_K.EXPOSURE_MAP), "image"))
        given += [
            Given(name, unit.product(kind))
            for name, kind in ((_ATTITUDE, _K.ATTITUDE), (_MAST, _K.MAST), (_REFERENCE, _K.REFERENCE_PIXEL))
        ]
    return Recipe("heasoft", tuple(runs), tuple(made), tuple(given), private_pfiles=True)


def _exposure_map(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """nuexpomap's own default is a map without aberration, which would lie beside the events by up to 20 arcsec."""
    energy = parameters["vignetting_kev"]
    return (
        f"infile={_LIST}", f"attfile={_ATTITUDE}", f"mastaspectfile={_MAST}", f"det1reffile={_REFERENCE}",
        f"aberration={yes_no(parameters['asp_ab_corr'])}", f"vignflag={yes_no(energy is not None)}",
        *(() if energy is None else (f"energy={number(energy)}",)), f"pixbin={parameters['map_pixbin']}",
        f"expomapfile={_MAP}", "clobber=yes",
    )  # fmt: skip
