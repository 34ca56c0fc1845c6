"""The missions: one file each, declarations and pure functions. To add one, write its file and give it a line in MISSIONS."""

from __future__ import annotations

from daxa_gui.core.mission import EventFormat, MissionSpec
from daxa_gui.core.registry import Registry

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
    }
)

# Event lists that can be opened although their mission's observations cannot be searched.
FURTHER_FORMATS = Registry({"nicer": "daxa_gui.missions.nicer:FORMAT"})


def event_formats() -> tuple[EventFormat, ...]:
    """Every kind of event list that can be read. The first that fits a file's TELESCOP and INSTRUME is the one to use."""
    specs: list[MissionSpec] = [MISSIONS[name] for name in MISSIONS]
    formats = [event_format for spec in specs for event_format in spec.event_formats]
    return (*formats, *(FURTHER_FORMATS[name] for name in FURTHER_FORMATS))


def searchable() -> tuple[MissionSpec, ...]:
    """The missions whose observations can be searched: those with a table of their own, and those whose files can be fetched
    (they have observations as soon as a practice sky is there)."""
    return tuple(spec for spec in (MISSIONS[name] for name in MISSIONS) if spec.table is not None or spec.files)
