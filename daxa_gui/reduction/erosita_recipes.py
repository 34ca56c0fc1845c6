"""The programs of eROSITA's steps, what they get and leave (tasks of eSASS: flaregti, evtool).

flaregti writes its good time as extensions FLAREGTI1 … 7 into the event list that it is given. So it gets a list of this job's
own, which is kept: evtool reads the good time there (`gti=FLAREGTI`). Where only some telescope modules were chosen, evtool first
makes a list of theirs (`telid`), so that thresholds and cleaned events are those of the same modules.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.intervals import intersect
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import MadeFile, Outcome, ProgramContext
from daxa_gui.fits.files import open_fits
from daxa_gui.fits.writing import empty_primary, part_file, write_hdu
from daxa_gui.reduction import other_facts as facts_of
from daxa_gui.reduction.other_words import energies, number, raw_file, yes_no
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe, WorkUnit

_HERE = "daxa_gui.reduction.erosita_recipes"
_K = ProductKind
_LIST, _WHOLE, _GTI = "events.fits", "all_modules.fits", "gti.fits"
_CURVE, _THRESHOLDS, _MASK, _CLEANED = "lightcurve.fits", "thresholdimage.fits", "maskimage.fits", "cleaned.fits"
DEFAULT_KEV = (0.2, 10.0)
# What DAXA fixes: the image that sources are looked for in (3 degrees), the grid of thresholds, the field's radius in arcmin.
_FIXED = ("xmin=-108000", "xmax=108000", "ymin=-108000", "ymax=108000", "gridsize=18")
_RADIUS = "fov_radius=30"


def build_flaregti(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    raw, modules = raw_file(unit, "event_list"), _modules(unit)
    packed = raw.endswith(".gz")
    name = (_WHOLE if modules else _LIST) + (".gz" if packed else "")
    runs = [ProgramRun(("flaregti", *_flaregti(parameters)), title="good time without flares")]
    if modules:
        telid = " ".join(module.removeprefix("TM") for module in modules)
        argv = ("evtool", f"eventfiles={_WHOLE}", f"outfile={_LIST}", f"telid={telid}")
        runs.insert(0, ProgramRun(argv, title="events of the chosen telescope modules"))
    return Recipe(
        software="esass",
        given=(Given(name, raw, copy=not modules and not packed),),
        prepare=f"{_HERE}:unpack" if packed else "",
        runs=tuple(runs),
        made=(
            Made(_LIST, unit.key(_K.CALIBRATED_EVENTS), "events"),
            Made(_CURVE, unit.key(_K.LIGHTCURVE)),
            Made(_THRESHOLDS, unit.key(_K.THRESHOLD_IMAGE), "image"),
            Made(_MASK, unit.key(_K.MASK_IMAGE), "image"),
        ),
        finish=f"{_HERE}:finish_flaregti",
        private_pfiles=True,
    )


def _modules(unit: WorkUnit) -> tuple[str, ...]:
    """The telescope modules to be taken out of the list; empty where all that it holds are wanted."""
    if unit.facts.get("whole", True):
        return ()
    modules = tuple(str(name) for name in unit.facts.get("modules", ()))
    if not modules or any(not re.fullmatch(r"TM[1-7]", name) for name in modules):
        raise InputError(f"The telescope modules of {unit.obs_id} are not known.", "Run the step « Exposures » again.")
    return modules


def _flaregti(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = (round(pi) for pi in parameters["pi_ev"])
    mask_low, mask_high = (round(pi) for pi in parameters["mask_pi_ev"])
    return (
        f"eventfile={_LIST}", f"pimin={low}", f"pimax={high}", f"mask_pimin={mask_low}", f"mask_pimax={mask_high}", *_FIXED,
        f"binsize={parameters['binsize']}", f"detml={number(parameters['detml'])}",
        f"timebin={number(parameters['timebin_s'])}", f"source_size={number(parameters['source_size_arcsec'])}",
        f"source_like={number(parameters['source_like'])}", _RADIUS, f"threshold={number(parameters['threshold'])}",
        f"max_threshold={number(parameters['max_threshold'])}", "write_mask=yes", f"mask={_MASK}",
        f"mask_iter={parameters['mask_iter']}", "write_lightcurve=yes", f"lightcurve={_CURVE}", "write_thresholdimg=yes",
        f"thresholdimg={_THRESHOLDS}",
    )  # fmt: skip


def unpack(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], recipe: Recipe) -> Recipe:
    """Unpack the given list: a compressed file cannot be written into."""
    for given in recipe.given:
        packed = Path(ctx.work_folder) / given.name
        try:
            with gzip.open(packed, "rb") as source, packed.with_suffix("").open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
        except (OSError, EOFError) as error:
            raise FileError(f"{given.path} cannot be unpacked: {error}.", "Download the observation again.") from error
    return recipe


def finish_flaregti(
    ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: facts_of.MadePaths
) -> Outcome:  # fmt: skip
    """Facts of the good time, which is also kept in a small file of its own; stops where there is none."""
    path = facts_of.one(made, _LIST)
    flares = facts_of.good_time(path, r"FLAREGTI\d*")
    if not flares:
        raise FileError(f"flaregti wrote no good time (FLAREGTI) into {path.name}.", "Look at its messages in the log.")
    before = facts_of.good_time(path, r"GTI\d*")
    facts = facts_of.time_facts(facts_of.all_time(flares), facts_of.all_time(before))
    facts["good_time_per_module_s"] = {name.removeprefix("FLAREGTI"): gti.total_s for name, gti in sorted(flares.items())}
    _write_gti(path, Path(ctx.work_folder) / _GTI)
    file = MadeFile(_GTI, unit.key(_K.GTI), facts={"good_time_s": facts["good_time_s"], "n_intervals": facts["n_intervals"]})
    warnings, stop = facts_of.about_time(facts)
    return Outcome(files=(file,), facts=facts, warnings=warnings, stop=stop)


def _write_gti(events: Path, target: Path) -> None:
    """The extensions FLAREGTI1 … 7 of an event list, as they are, as a file."""
    fits = open_fits(events)
    with part_file(target, events) as stream:
        write_hdu(stream, empty_primary())
        for hdu in fits.hdus:
            if hdu.is_table and re.fullmatch(r"FLAREGTI\d*", hdu.name):
                stream.write(fits.raw(hdu).data)


def build_cleaned(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    low, high = band = energies(parameters) or DEFAULT_KEV
    argv = (
        "evtool", f"eventfiles={_LIST}", "gti=FLAREGTI", f"outfile={_CLEANED}", f"flag={flag_mask(str(parameters['flag']))}",
        # eSASS notes a wrong selection in the list's header when it is given flag_invert, so it is not given without need.
        *((f"flag_invert={yes_no(True)}",) if parameters["flag_invert"] else ()),
        f"pattern={parameters['pattern']}", f"emin={number(low)}", f"emax={number(high)}",
    )  # fmt: skip
    return Recipe(
        software="esass",
        given=(Given(_LIST, unit.product(_K.CALIBRATED_EVENTS)),),
        runs=(ProgramRun(argv, title="cleaned event list"),),
        made=(Made(_CLEANED, replace(unit.key(_K.FINAL_EVENTS), band_kev=band), "events"),),
        finish=f"{_HERE}:finish_cleaned",
        private_pfiles=True,
    )


def flag_mask(text: str) -> str:
    """The mask as evtool wants it, « 0x » and eight digits."""
    if not re.fullmatch(r"(?:0[xX])?[0-9A-Fa-f]{1,8}", text.strip()):
        raise InputError(f"« {text} » is no mask of flags.", "Give up to eight hexadecimal digits, as 0xc00fff30.")
    return f"0x{int(text.strip(), 16):08x}"


def finish_cleaned(
    ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], made: facts_of.MadePaths
) -> Outcome:  # fmt: skip
    """The good time is that without flares as far as the list's own intervals, which evtool may have shortened already, reach."""
    path = facts_of.one(made, _CLEANED)
    gti = facts_of.all_time(facts_of.good_time(path, r"GTI\d*"))
    if flares := facts_of.good_time(path, r"FLAREGTI\d*"):
        gti = intersect(gti, facts_of.all_time(flares)) if len(gti) else facts_of.all_time(flares)
    return facts_of.events_outcome(path, Path(ctx.work_folder) / _LIST, gti)
