"""The missions: one file each, declarations and pure functions. To add one, write its file and give it a line in MISSIONS.

Another package adds a mission by an entry point: its name in the group `daxa_gui.missions` leads to `"module:SPEC"`.
"""

from __future__ import annotations

import re
from typing import Any

from daxa_gui.core.mission import EventFormat, MissionSpec
from daxa_gui.core.registry import Registry

PLUGIN_GROUP = "daxa_gui.missions"


def _objection(name: str, spec: Any) -> str:
    """Why the mission of a plug-in cannot be used; empty if it can."""
    if not isinstance(spec, MissionSpec):
        return f"it is a {type(spec).__name__}, not a MissionSpec"
    if spec.name != name or not re.fullmatch(r"[a-z][a-z0-9_]*", name):  # the name becomes that of folders
        return f"its mission calls itself « {spec.name} »; both names must be the same, of small letters, digits and _"
    if not spec.instruments or not {*spec.default_instruments} <= {one.name for one in spec.instruments}:
        return "it has no instruments, or default ones that are not among them"
    if not spec.default_instruments:
        return "it has no default instruments"
    if not spec.is_obs_id(spec.obs_id_example):
        return "its example of an ObsID does not match its own pattern"
    return ""


MISSIONS = Registry(
    {
        "xmm_pointed": "daxa_gui.missions.xmm_pointed:SPEC",
        "chandra": "daxa_gui.missions.chandra:SPEC",
        "erosita_calpv": "daxa_gui.missions.erosita_calpv:SPEC",
        "erosita_all_sky_de_dr1": "daxa_gui.missions.erosita_all_sky_de_dr1:SPEC",
        "nustar_pointed": "daxa_gui.missions.nustar_pointed:SPEC",
        "swift": "daxa_gui.missions.swift:SPEC",
        "rosat_pointed": "daxa_gui.missions.rosat_pointed:SPEC",
        "rosat_all_sky": "daxa_gui.missions.rosat_all_sky:SPEC",
        "suzaku": "daxa_gui.missions.suzaku:SPEC",
        "asca": "daxa_gui.missions.asca:SPEC",
        "integral_pointed": "daxa_gui.missions.integral_pointed:SPEC",
        "xrism_pointed": "daxa_gui.missions.xrism_pointed:SPEC",
    },
    plugin_group=PLUGIN_GROUP,
    objection=_objection,
)

# Event lists that can be opened although their mission's observations cannot be searched.
FURTHER_FORMATS = Registry({"nicer": "daxa_gui.missions.nicer:FORMAT"})


def event_formats() -> tuple[EventFormat, ...]:
    """Every kind of event list that can be read. The first that fits a file's TELESCOP and INSTRUME is the one to use."""
    specs: list[MissionSpec] = [MISSIONS[name] for name in MISSIONS]
    formats = [event_format for spec in specs for event_format in spec.event_formats]
    return (*formats, *(FURTHER_FORMATS[name] for name in FURTHER_FORMATS))


def searchable() -> tuple[MissionSpec, ...]:
    """The missions whose observations can be searched: all, those of plug-ins last."""
    return tuple(MISSIONS[name] for name in MISSIONS)
