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
        "cif_build": "daxa_gui.reduction.xmm_steps:CIF_BUILD",
        "odf_ingest": "daxa_gui.reduction.xmm_steps:ODF_INGEST",
        "exposures": "daxa_gui.reduction.exposures_step:EXPOSURES",
        "epchain": "daxa_gui.reduction.xmm_steps:EPCHAIN",
        "emchain": "daxa_gui.reduction.xmm_steps:EMCHAIN",
        "emanom": "daxa_gui.reduction.xmm_steps:EMANOM",
        "espfilt": "daxa_gui.reduction.xmm_steps:ESPFILT",
        "cleaned_evt_lists": "daxa_gui.reduction.xmm_steps:CLEANED_EVT_LISTS",
        "merge_subexposures": "daxa_gui.reduction.xmm_steps:MERGE_SUBEXPOSURES",
        "generate_images_expmaps": "daxa_gui.reduction.xmm_steps:GENERATE_IMAGES_EXPMAPS",
        "rgs_events": "daxa_gui.reduction.xmm_steps:RGS_EVENTS",
        "rgs_angles": "daxa_gui.reduction.xmm_steps:RGS_ANGLES",
        "cleaned_rgs_event_lists": "daxa_gui.reduction.xmm_steps:CLEANED_RGS_EVENT_LISTS",
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
