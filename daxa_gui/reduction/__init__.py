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
    }
)
