"""Reduction steps, the jobs they make, and the built-in engine."""

from __future__ import annotations

from daxa_gui.core.registry import Registry

# In the order in which they run. A step of other software gets its line here and a `Step` in a file of its own.
STEPS = Registry(
    {
        "prepare": "daxa_gui.reduction.builtin_steps:PREPARE",
        "flares": "daxa_gui.reduction.builtin_steps:FLARES",
        "clean": "daxa_gui.reduction.builtin_steps:CLEAN",
        "image": "daxa_gui.reduction.builtin_steps:IMAGE",
        "exposures": "daxa_gui.reduction.exposures_step:EXPOSURES",
        "flaregti": "daxa_gui.reduction.erosita_steps:FLAREGTI",
        "cleaned_erosita_evts": "daxa_gui.reduction.erosita_steps:CLEANED_EROSITA_EVTS",
        "chandra_repro": "daxa_gui.reduction.chandra_steps:CHANDRA_REPRO",
        "deflare": "daxa_gui.reduction.chandra_steps:DEFLARE",
        "cleaned_chandra_evts": "daxa_gui.reduction.chandra_steps:CLEANED_CHANDRA_EVTS",
        "flux_image": "daxa_gui.reduction.chandra_steps:FLUX_IMAGE",
        "rate_image": "daxa_gui.reduction.chandra_steps:RATE_IMAGE",
        "nupipeline": "daxa_gui.reduction.nustar_steps:NUPIPELINE",
        "cleaned_nustar_evts": "daxa_gui.reduction.nustar_steps:CLEANED_NUSTAR_EVTS",
        "nustar_images": "daxa_gui.reduction.nustar_steps:NUSTAR_IMAGES",
    }
)
