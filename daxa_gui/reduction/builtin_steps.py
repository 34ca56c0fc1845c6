"""The steps of the built-in engine: what they are called, their parameters, and the tasks they make (run in `builtin`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import Call, Place, Step
from daxa_gui.reduction.declaring import band, integer, number, yes_no
from daxa_gui.reduction.unit import Unit

_HERE = "daxa_gui.reduction.builtin_steps"
_THERE = "daxa_gui.reduction.builtin"
_LOWEST_KEV, _HIGHEST_KEV = 0.01, 1000.0

PREPARE = Step(
    name="prepare",
    label="Prepare",
    help=(
        "Read the event list, check that it is whole and fit for science, and note what its header says. Where only some of"
        " eROSITA's telescope modules were chosen, a list of their events and good time is written first."
    ),
    software="builtin",
    needs=(),
    parameters=(),
    build=f"{_HERE}:build_prepare",
)

FLARES = Step(
    name="flares",
    label="Flares",
    help=(
        "Find the time without background flares: a Gaussian is fitted to the histogram of count rates, and time bins whose rate"
        " is too far from its centre are rejected. Writes good-time intervals and the light curve."
    ),
    software="builtin",
    needs=("prepare",),
    parameters=(
        band(
            "band_kev", "Energy band", None, "keV", "Band of the light curve; flares are strongest at high energies.",
            _LOWEST_KEV, _HIGHEST_KEV,
        ),
        number("bin_s", "Bin length", None, "s", "Length of a time bin.", 0.1, 1e6),
        number("n_sigma", "Sigma", 3.0, "", "Bins within so many sigma of the quiet level are kept.", 0.5, 20),
        band(
            "limits_ct_s", "Limits by hand", None, "ct/s", "Keep the rates in this range instead of the automatic one.",
            0, 1e6, empty="automatic",
        ),
    ),
    build=f"{_HERE}:build_flares",
)  # fmt: skip

CLEAN = Step(
    name="clean",
    label="Clean events",
    help="Copy the event list with only the events of good pattern and flags in flare-free time; update its keywords.",
    software="builtin",
    needs=("flares",),
    parameters=(
        integer("max_pattern", "Highest pattern", None, "", "Events with a higher pattern or grade are left out.", 0, 255),
        yes_no(
            "zero_flag", "Strict flags", False,
            "Keep only events whose flag is zero; otherwise those that the mission calls good. Strict also drops events near"
            " borders and bad pixels.",
        ),
    ),
    build=f"{_HERE}:build_clean",
    is_final=True,
)  # fmt: skip

IMAGE = Step(
    name="image",
    label="Image",
    help="Make a counts image in an energy band from the cleaned event list.",
    software="builtin",
    needs=("clean",),
    parameters=(
        band("band_kev", "Energy band", None, "keV", "Both ends are included.", _LOWEST_KEV, _HIGHEST_KEV),
        integer(
            "pixel_bin", "Pixel size", None, "event pixels", "Sky pixels of the event list along one image pixel.", 1, 10000,
        ),
    ),
    build=f"{_HERE}:build_image",
)  # fmt: skip


def _identity(key: ProductKey) -> dict[str, Any]:
    return {"mission": key.mission, "obs_id": key.obs_id, "instrument": key.instrument, "exposure": key.exposure}


def build_prepare(unit: Unit, parameters: Mapping[str, Any]) -> Call:
    choice = {**_identity(unit.key), "modules": list(unit.modules)} if unit.modules else {}
    return Call(f"{_THERE}:prepare", {"path": unit.path, **choice}, Place.PROCESS)


def build_flares(unit: Unit, parameters: Mapping[str, Any]) -> Call:
    return Call(f"{_THERE}:flares", {"path": unit.events_path, **_identity(unit.key), **parameters}, Place.PROCESS)


def build_clean(unit: Unit, parameters: Mapping[str, Any]) -> Call:
    gti_path = unit.product(ProductKind.GTI)
    arguments = {"path": unit.events_path, "gti_path": gti_path, **_identity(unit.key), **parameters}
    return Call(f"{_THERE}:clean", arguments, Place.PROCESS)


def build_image(unit: Unit, parameters: Mapping[str, Any]) -> Call:
    arguments = {"path": unit.product(ProductKind.CLEAN_EVENTS), **_identity(unit.key), **parameters}
    return Call(f"{_THERE}:image", arguments, Place.PROCESS)
