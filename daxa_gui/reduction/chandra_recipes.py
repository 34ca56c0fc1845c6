"""The programs of Chandra's steps, what they get and leave (CIAO: chandra_repro, dmextract, deflare, dmcopy, fluximage).

All programs run in the job's folder on files of simple names: CIAO takes blanks and commas in a path for lists of files, and
brackets for filters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError, InputError, ReductionError
from daxa_gui.core.product import ProductKind
from daxa_gui.core.product_names import safe_part
from daxa_gui.core.step import MadeFile, Outcome, ProgramContext
from daxa_gui.reduction import other_facts as facts_of
from daxa_gui.reduction.chandra_aspect import joined_aspect
from daxa_gui.reduction.chandra_steps import BANDS_KEV, EFFECTIVE_KEV, N_CCDS
from daxa_gui.reduction.other_words import decimal, electron_volts, energies, number, obs_id, yes_no
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe, WorkUnit

_HERE = "daxa_gui.reduction.chandra_recipes"
_K = ProductKind
_OUT = "repro"
_LIST, _GTI, _CURVE, _INTERIM, _CLEANED = "events.fits", "gti.fits", "lightcurve.fits", "interim.fits", "cleaned.fits"
_ASPECT, _BAD, _MASK, _DEAD = "aspectsolution.fits", "badpix.fits", "mask.fits", "deadtimefile.fits"
_GTI_NAMES = r"GTI\d*|FILTER"
HRC_KEV = (0.06, 10.0)  # what « wide » means for HRC


def _is_hrc(unit: WorkUnit) -> bool:
    if unit.instrument not in ("ACIS", "HRC"):
        raise InputError(f"« {unit.instrument} » is no detector of Chandra.", "There are ACIS and HRC.")
    return unit.instrument == "HRC"


# ---- reprocessing


def build_repro(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    _is_hrc(unit)
    root = f"{obs_id(unit)}{unit.instrument}{safe_part(unit.exposure, 'an exposure')}"
    argv = (
        "chandra_repro", "indir=raw", f"outdir={_OUT}", f"root={root}", "badpixel=yes", "process_events=yes",
        f"destreak={yes_no(parameters['destreak'])}", "set_ardlib=no", f"check_vf_pha={yes_no(parameters['check_very_faint'])}",
        f"pix_adj={parameters['pix_adj']}", "tg_zo_position=evt2", f"asol_update={yes_no(parameters['asol_update'])}",
        f"pi_filter={yes_no(parameters['grating_pi_filter'])}", "cleanup=no", "verbose=5",
    )  # fmt: skip
    made = (
        Made(f"{_OUT}/{root}_repro_evt2.fits", unit.key(_K.CALIBRATED_EVENTS), "events"),
        Made(f"{_OUT}/{root}_repro_flt[12].fits", unit.key(_K.DEFAULT_GTI), "gti"),
        Made(f"{_OUT}/{root}_repro_bpix1.fits", unit.key(_K.BAD_PIXELS)),
        Made(f"{_OUT}/{root}_repro_fov1.fits", unit.key(_K.FOV_REGION)),
        Made(f"{_OUT}/{root}_repro_pha2.fits", unit.key(_K.SPECTRUM), optional=True),  # of gratings
    )
    return Recipe(
        software="ciao",
        given=(Given("raw", unit.raw_folder),),
        runs=(ProgramRun(argv, title="reprocessing"),),
        made=made,
        finish=f"{_HERE}:finish_repro",
        private_pfiles=True,
    )


def finish_repro(
    ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: facts_of.MadePaths
) -> Outcome:  # fmt: skip
    """Mask, aspect solutions and HRC's dead times, which chandra_repro leaves as links into the raw data, become files of their
    own (several aspect solutions one); facts of the new event list.

    Raises
    ------
    ReductionError : one of them is not there. FileError : it cannot be copied, or a link leads elsewhere.
    """
    folder = Path(ctx.work_folder)
    wanted = [(f"{unit.instrument.lower()}f*_msk1.fits", _MASK, _K.DETECTOR_MASK)]
    if _is_hrc(unit):
        wanted.append(("hrcf*_dtf1.fits", _DEAD, _K.DEAD_TIME))
    for pattern, name, _ in wanted:
        left = _left(folder, unit, pattern)
        if len(left) > 1:
            raise ReductionError(f"chandra_repro left {len(left)} files « {pattern} » where one was meant.")
        facts_of.own_copy(left[0], folder / name)
    found = _left(folder, unit, "pcadf*_repro_asol1.fits", "pcadf*_asol1.fits")
    joined_aspect(found, folder / _ASPECT)
    files = [MadeFile(name, unit.key(kind)) for _, name, kind in (*wanted, ("", _ASPECT, _K.ASPECT_SOLUTION))]
    events = next(paths for pattern, paths in made.items() if pattern.endswith("_evt2.fits"))
    gti = facts_of.all_time(facts_of.good_time(events[0], _GTI_NAMES))
    facts = {
        "n_events": facts_of.n_events(events[0]), "ontime_s": gti.total_s, "n_intervals": len(gti),
        "n_aspect_solutions": len(found),
    }  # fmt: skip
    stop = "" if facts["n_events"] else "The reprocessed event list has no events: nothing can follow."
    return Outcome(files=tuple(files), facts=facts, stop=stop)


def _left(folder: Path, unit: WorkUnit, *patterns: str) -> list[Path]:
    """What chandra_repro left of the first of these names that it left anything of: files, or links to raw data."""
    found = next((left for pattern in patterns if (left := sorted((folder / _OUT).glob(pattern)))), [])
    if not found:
        raise ReductionError(f"chandra_repro left no « {patterns[-1]} ».", "Look at its messages in the log.")
    for path in found:
        real = path.resolve()
        if not any(real.is_relative_to(Path(place).resolve()) for place in (folder, unit.raw_folder)):
            raise FileError(f"chandra_repro left {path.name} as a link to {real}, which is none of the raw data.")
    return found


# ---- flares


def build_deflare(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    low, high = (electron_volts(energy) for energy in parameters["lc_band_kev"])
    chips = parameters["ccds"]
    rows = f"energy={low}:{high}" + ("" if len(chips) == N_CCDS else f",ccd_id={','.join(str(chip) for chip in chips)}")
    band = "" if _is_hrc(unit) else f"[{rows}]"
    curve = ("dmextract", f"infile={_LIST}{band}[bin time=::{parameters['time_bin_s']}]", f"outfile={_CURVE}", "opt=ltc1")
    return Recipe(
        software="ciao",
        given=(Given(_LIST, unit.product(_K.CALIBRATED_EVENTS)),),
        runs=(ProgramRun(curve, title="light curve"), ProgramRun(_deflare(parameters), title="good time")),
        made=(Made(_CURVE, unit.key(_K.LIGHTCURVE)), Made(_GTI, unit.key(_K.GTI), "gti")),
        finish=f"{_HERE}:finish_deflare",
        private_pfiles=True,
    )


def _deflare(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """deflare's mean and stddev are the quiet level and the limits in sigma of « clean »; 0 where they are not given."""
    method = parameters["method"]
    own: tuple[str, ...] = (f"minlength={parameters['min_length']}",)
    if method == "clean":
        own = (
            f"mean={number(parameters['quiet_rate_ct_s'] or 0)}", f"stddev={number(parameters['limit_sigma'] or 0)}",
            f"scale={number(parameters['scale'])}", f"minfrac={number(parameters['minfrac'])}",
        )  # fmt: skip
    start = (
        "deflare",
        f"infile={_CURVE}",
        f"outfile={_GTI}",
        f"method={method}",
        f"nsigma={number(parameters['allowed_sigma'])}",
    )
    return (*start, *own, "verbose=5")


def finish_deflare(
    ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: facts_of.MadePaths
) -> Outcome:  # fmt: skip
    kept = facts_of.all_time(facts_of.good_time(facts_of.one(made, _GTI), _GTI_NAMES))
    before = facts_of.all_time(facts_of.good_time(Path(ctx.work_folder) / _LIST, _GTI_NAMES))
    facts = facts_of.time_facts(kept, before)
    warnings, stop = facts_of.about_time(facts)
    return Outcome(facts=facts, warnings=warnings, stop=stop)


# ---- cleaned events


def build_cleaned(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """Raises InputError where energies are asked of HRC."""
    band = energies(parameters)
    if _is_hrc(unit):
        if band is not None:
            raise InputError(
                "HRC measures no energies, so its events cannot be chosen by them.", "Reduce HRC without limits of energy."
            )
        rows = ["status=0"]
    else:
        rows = [] if band is None else [f"energy={electron_volts(band[0])}:{electron_volts(band[1])}"]
        rows += [f"grade={','.join(str(grade) for grade in parameters['allowed_grades'])}", "status=0"]
    return Recipe(
        software="ciao",
        given=(Given(_LIST, unit.product(_K.CALIBRATED_EVENTS)), Given(_GTI, unit.product(_K.GTI))),
        runs=(
            ProgramRun(
                ("dmcopy", f"infile={_LIST}[EVENTS][{','.join(rows)}]", f"outfile={_INTERIM}", "verbose=5"), title="good events"
            ),
            ProgramRun(("dmcopy", f"infile={_INTERIM}[EVENTS][@{_GTI}]", f"outfile={_CLEANED}", "verbose=5"), title="good time"),
        ),
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


# ---- images


def build_flux_image(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    kinds = (
        ("_thresh.img", _K.IMAGE), ("_thresh.expmap", _K.WEIGHTED_EXPOSURE_MAP), ("_flux.img", _K.FLUX_MAP),
        ("_thresh.psfmap", _K.PSF_MAP),
    )  # fmt: skip
    return _fluximage(unit, parameters, "default", kinds, parameters["psf_fraction"])


def build_rate_image(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    return _fluximage(unit, parameters, "time", (("_thresh.expmap", _K.EXPOSURE_MAP), ("_flux.img", _K.RATE_MAP)), 1.0)


def _fluximage(
    unit: WorkUnit, parameters: Mapping[str, Any], units: str, kinds: Sequence[tuple[str, ProductKind]], psf_fraction: float
) -> Recipe:
    bands = paired_bands(parameters["bands_kev"], parameters["effective_kev"])
    hrc = _is_hrc(unit)
    given = [
        Given(_LIST, unit.product(_K.CLEAN_EVENTS)),
        Given(_ASPECT, unit.product(_K.ASPECT_SOLUTION)),
        Given(_BAD, unit.product(_K.BAD_PIXELS)),
        Given(_MASK, unit.product(_K.DETECTOR_MASK)),
    ]
    argv = ["fluximage", f"infile={_LIST}[EVENTS]", "outroot=img"]
    if hrc:
        given.append(Given(_DEAD, unit.product(_K.DEAD_TIME)))
        argv += [f"binsize={parameters['hrc_bin_size']}", f"dtffile={_DEAD}", "background=default"]
        names = [("wide", HRC_KEV)]
    else:
        argv += [
            "bands=" + ",".join(":".join(decimal(energy) for energy in (*band, effective)) for band, effective in bands),
            f"binsize={parameters['acis_bin_size']}",
        ]
        names = [(f"{decimal(band[0])}-{decimal(band[1])}", band) for band, _ in bands]
    argv += [
        f"asolfile={_ASPECT}", f"badpixfile={_BAD}", f"maskfile={_MASK}", f"units={units}", f"psfecf={number(psf_fraction)}",
        "parallel=no", "tmpdir=.", "cleanup=yes", "verbose=4",
    ]  # fmt: skip
    made = [Made(f"img_{name}{ending}", unit.key(kind, band), "image") for name, band in names for ending, kind in kinds]
    return Recipe("ciao", (ProgramRun(tuple(argv), title="images"),), tuple(made), tuple(given), private_pfiles=True)


def paired_bands(
    bands_kev: Sequence[Sequence[float]], effective_kev: Sequence[float]
) -> list[tuple[tuple[float, float], float]]:  # fmt: skip
    """Each band with the energy that stands for it, both in keV.

    Raises
    ------
    InputError : not one energy for each band, one outside its band, a band twice, or only one of the two lists was changed.
    """
    bands = [(float(low), float(high)) for low, high in bands_kev]
    effective = [float(energy) for energy in effective_kev]
    if (bands == list(BANDS_KEV)) != (effective == list(EFFECTIVE_KEV)):
        raise InputError("Energy bands and effective energies belong together.", "Change both, or leave both as they are.")
    if len(bands) != len(effective):
        raise InputError(f"There are {len(bands)} energy bands, but {len(effective)} effective energies.", "Give one for each.")
    if len(set(bands)) != len(bands):
        raise InputError("An energy band is given twice.")
    for (low, high), energy in zip(bands, effective, strict=True):
        if not low <= energy <= high:
            raise InputError(f"The effective energy {energy:g} keV is not in its band, {low:g} to {high:g} keV.")
    return list(zip(bands, effective, strict=True))
