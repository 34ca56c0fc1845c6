"""Pipelines: steps that are run together, with the few arguments that DAXA's one-line functions have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_gui.core.errors import InputError
from daxa_gui.core.step import Pipeline, PipelineArgument, Step
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.declaring import SAME, energies_kev, yes_no

_EROSITA = ("erosita_calpv", "erosita_all_sky_de_dr1")


def _energies(low: float, high: float, lowest: float, highest: float, *sets: tuple[str, str]) -> PipelineArgument:
    """« lo_en » and « hi_en » as one range; without one, the steps' own limits hold."""
    about = f"Only events from {lowest:g} to {highest:g} keV can be asked for; both ends are included."
    return PipelineArgument(energies_kev(about, lowest, highest), sets)


BUILTIN = Pipeline(
    name="builtin",
    label="Built-in engine",
    help=(
        "Cleans calibrated event lists of any mission of flares and makes images; needs no other software. It does not calibrate"
        " raw data."
    ),
    software="builtin",
    missions=(),
    steps=("prepare", "flares", "clean", "image"),
)

FULL_XMM = Pipeline(
    name="full_xmm",
    label="Full XMM-Newton (SAS)",
    help="From the raw data (ODF) to cleaned, merged event lists, images and exposure maps of EPIC, and event lists of RGS.",
    software="sas",
    missions=("xmm_pointed",),
    steps=(
        "cif_build", "odf_ingest", "exposures", "epchain", "emchain", "emanom", "espfilt", "cleaned_evt_lists",
        "merge_subexposures", "generate_images_expmaps", "rgs_events", "rgs_angles", "cleaned_rgs_event_lists",
    ),
    arguments=(
        _energies(0.0, 15.0, 0.001, 32.767, ("cleaned_evt_lists", "energies_kev")),
        PipelineArgument(
            yes_no(
                "process_unscheduled", "Unscheduled exposures too", True,
                "Also reduce exposures that were taken besides the planned ones (their names begin with U).", daxa=SAME,
            ),
            (("epchain", "process_unscheduled"), ("emchain", "process_unscheduled"), ("rgs_events", "process_unscheduled")),
        ),
        PipelineArgument(
            yes_no(
                "find_mos_anom_state", "Leave out anomalous MOS CCDs", False,
                "Look for CCDs of MOS in an anomalous state (emanom) and leave them out.", daxa=SAME,
            ),
            (("cleaned_evt_lists", "filt_mos_anom_state"),),
        ),
    ),
    optional=(("emanom", "find_mos_anom_state"),),
)  # fmt: skip

FULL_EROSITA = Pipeline(
    name="full_erosita",
    label="Full eROSITA (eSASS)",
    help="Good time without flares (flaregti) and cleaned event lists (evtool) of all chosen telescope modules.",
    software="esass",
    missions=_EROSITA,
    steps=("exposures", "flaregti", "cleaned_erosita_evts"),
    arguments=(_energies(0.2, 10.0, 0.2, 10.0, ("cleaned_erosita_evts", "energies_kev")),),
)

FULL_CHANDRA = Pipeline(
    name="full_chandra",
    label="Full Chandra (CIAO)",
    help="Reprocessing (chandra_repro), flares, cleaned event lists, flux and rate images with exposure and PSF maps.",
    software="ciao",
    missions=("chandra",),
    steps=("exposures", "chandra_repro", "deflare", "cleaned_chandra_evts", "flux_image", "rate_image"),
    arguments=(_energies(0.5, 7.0, 0.01, 20.0, ("cleaned_chandra_evts", "energies_kev")),),
)

FULL_NUSTAR = Pipeline(
    name="full_nustar",
    label="Full NuSTAR (NuSTARDAS)",
    help="Calibration and screening (nupipeline), cleaned event lists, images and exposure maps of both modules.",
    software="heasoft",
    missions=("nustar_pointed",),
    steps=("exposures", "nupipeline", "cleaned_nustar_evts", "nustar_images"),
    arguments=(_energies(3.0, 79.0, 1.6, 165.4, ("cleaned_nustar_evts", "energies_kev")),),
)

PIPELINES: Mapping[str, Pipeline] = {one.name: one for one in (BUILTIN, FULL_XMM, FULL_EROSITA, FULL_CHANDRA, FULL_NUSTAR)}


def pipeline_named(name: str) -> Pipeline:
    """Raises InputError if there is none of that name."""
    if name not in PIPELINES:
        raise InputError(f"There is no pipeline « {name} ».", f"Known ones: {', '.join(PIPELINES)}.")
    return PIPELINES[name]


def expanded(pipeline: Pipeline, arguments: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, dict[str, Any]]]:
    """The names of the steps that run, and the parameters (step → name → value) that the arguments set.

    Raises
    ------
    InputError : an unknown argument, or a value that does not fit.
    """
    declared = tuple(argument.parameter for argument in pipeline.arguments)
    values = checked(Step(pipeline.name, pipeline.label, "", pipeline.software, (), declared, ""), arguments)
    parameters: dict[str, dict[str, Any]] = {}
    for argument in pipeline.arguments:
        value = values[argument.parameter.name]
        if value == argument.parameter.default and argument.parameter.name not in arguments:
            continue  # what nobody gave leaves the steps their own defaults
        for step, name in argument.sets:
            parameters.setdefault(step, {})[name] = value
    left_out = {step for step, argument in pipeline.optional if not values[argument]}
    return tuple(step for step in pipeline.steps if step not in left_out), parameters
