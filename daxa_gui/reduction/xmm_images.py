"""Recipe of images and exposure maps of EPIC: one call of evselect and one of eexpmap for each energy band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.product import ProductKind as K
from daxa_gui.core.step import ProgramContext
from daxa_gui.reduction.recipe import Given, Made, ProgramRun, Recipe, WorkUnit
from daxa_gui.reduction.xmm_common import FINISH, checked_unit, cif_environment, energy_text, pi_term

_THIS = "daxa_gui.reduction.xmm_images"
FINAL_EVENTS, ATTITUDE = "final_events.fits", "attitude.fits"
# 512 pixels of 87 x 0.05″ = 4.35″; the limits are those that XGA uses for EPIC's field of view, in sky pixels of the event list
_GEOMETRY = (
    "xcolumn=X", "ycolumn=Y", "ximagebinsize=87", "yimagebinsize=87", "squarepixels=yes", "ximagesize=512", "yimagesize=512",
    "imagebinning=binSize", "ximagemin=3649", "ximagemax=48106", "withxranges=yes", "yimagemin=3649", "yimagemax=48106",
    "withyranges=yes",
)  # fmt: skip


def image_name(number: int) -> str:
    """What the image of a band is called in the work folder; bands count from 1."""
    return f"image_{number}.fits"


def expmap_name(number: int) -> str:
    return f"expmap_{number}.fits"


def chosen_bands(parameters: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Bands in keV. Raises InputError if one stands twice."""
    bands = [(float(low), float(high)) for low, high in parameters["bands_kev"]]
    if len(set(bands)) != len(bands):
        raise InputError("An energy band is there twice.", "Remove one of them.")
    return bands


def build_images(unit: WorkUnit, parameters: Mapping[str, Any]) -> Recipe:
    """The attitude belongs to the whole observation; each exposure's chain makes it, and the first that is there serves."""
    checked_unit(unit)
    runs: list[ProgramRun] = []
    made: list[Made] = []
    environment = cif_environment(unit)
    for number, band in enumerate(chosen_bands(parameters), 1):
        image, expmap, text = image_name(number), expmap_name(number), f"{band[0]:g}–{band[1]:g} keV"
        select = (
            "evselect", f"table={FINAL_EVENTS}", f"imageset={image}", *_GEOMETRY, f"expression={pi_term(band)}",
        )  # fmt: skip
        expose = (
            "eexpmap", f"eventset={FINAL_EVENTS}", f"imageset={image}", f"expimageset={expmap}", "withdetcoords=no",
            "withvignetting=yes", f"attitudeset={ATTITUDE}", f"pimin={energy_text(band[0])}", f"pimax={energy_text(band[1])}",
        )  # fmt: skip
        runs += [ProgramRun(select, environment, f"Image {text}"), ProgramRun(expose, environment, f"Exposure map {text}")]
        made += [Made(image, unit.key(K.IMAGE, band), "image"), Made(expmap, unit.key(K.EXPOSURE_MAP, band), "image")]
    exposures = _names(unit)
    given = [Given(FINAL_EVENTS, unit.product(K.FINAL_EVENTS))]
    if len(exposures) == 1:
        given.append(Given(ATTITUDE, unit.product(K.ATTITUDE, exposure=exposures[0])))
    else:
        given += [Given(_attitude(name), unit.product(K.ATTITUDE, exposure=name), optional=True) for name in exposures]
    prepare = f"{_THIS}:choose_attitude" if len(exposures) != 1 else ""
    return Recipe("sas", tuple(runs), tuple(made), tuple(given), finish=f"{FINISH}:images", prepare=prepare)


def _names(unit: WorkUnit) -> list[str]:
    names = [str(one["exposure"]) for one in unit.facts.get("exposures", ())]
    for name in names:
        checked_unit(replace(unit, exposure=name))
    return names


def _attitude(exposure: str) -> str:
    return f"attitude_{exposure}.fits"


def choose_attitude(ctx: ProgramContext, unit: WorkUnit, parameters: Mapping[str, Any], recipe: Recipe) -> Recipe:
    """Before the runs: the attitude file of the first exposure that has one. Raises FileError if there is none."""
    found: Sequence[str] = [name for name in map(_attitude, _names(unit)) if (Path(ctx.work_folder) / name).is_file()]
    if not found:
        raise FileError(
            f"No exposure of {unit.name} of {unit.obs_id} has an attitude file.", "Run its event list (epchain, emchain) again."
        )
    argvs = [tuple(a.replace(f"={ATTITUDE}", f"={found[0]}") if a.startswith("attitudeset=") else a for a in run.argv)
             for run in recipe.runs]  # fmt: skip
    return replace(recipe, runs=tuple(replace(run, argv=argv) for run, argv in zip(recipe.runs, argvs, strict=True)))
