"""Regions into an archive: files of DS9, CIAO and SAS or drawn shapes are understood, turned to the sky, and put in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from daxa_gui.archive.regions import ArchiveRegions
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.archive_queries import RegionSet
from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import SkyShape
from daxa_gui.exchange.region_files import parse_regions, read_region_file
from daxa_gui.exchange.region_pixels import pixel_system
from daxa_gui.exchange.region_values import RegionFile, from_shapes
from daxa_gui.exchange.region_writing import regions_text

_DRAWN = "shapes that were drawn"


def set_regions(
    store: ArchiveStore, mission: str, obs_id: str, source: Any, wcs_from: str | Path | None = None
) -> RegionSet:  # fmt: skip
    """Make these the regions of an observation of the open archive; what there was is kept beside.

    Parameters
    ----------
    source : path of a region file; the text of one; SkyShapes; a `RegionFile`; or a list of region objects of the Astropy
        package `regions`.
    wcs_from : path of an image or event list to whose pixels the regions belong (sky regions need none).

    Raises
    ------
    InputError : the archive has no such observation, or `source` is something else.
    FileError : a file cannot be read, or a shape in it cannot be used (the message names the line); nothing is changed then.
    ArchiveError : the archive cannot be written.
    """
    found, origin = understood(source, wcs_from)
    return _put(store, mission, obs_id, found, origin)


def set_many(store: ArchiveStore, regions: Mapping[str, Mapping[str, Any]]) -> list[RegionSet]:
    """DAXA's argument form: {mission: {ObsID: value}}, a value being a source as above or {"regions": source, "wcs_src": path}.

    All of them are understood before the first is written. Raises as `set_regions`; InputError also for an observation that
    the archive does not have and for a value without « regions ».
    """
    ready = []
    for mission, values in regions.items():
        for obs_id, value in values.items():
            if store.observation(mission, obs_id) is None:
                raise InputError(f"The archive {store.layout.name} has no observation {mission} {obs_id}.")
            source, wcs_from = value, None
            if isinstance(value, Mapping):
                if "regions" not in value:
                    raise InputError(f"The regions of {mission} {obs_id} have no « regions » in them.")
                source, wcs_from = value["regions"], value.get("wcs_src")
            if wcs_from is not None and not isinstance(wcs_from, (str, Path)):
                raise InputError(f"« wcs_src » of {mission} {obs_id} is not the path of an image or event list.")
            ready.append((mission, obs_id, *understood(source, wcs_from)))
    return [_put(store, mission, obs_id, found, origin) for mission, obs_id, found, origin in ready]


def understood(source: Any, wcs_from: str | Path | None = None) -> tuple[RegionFile, str]:
    """The regions of a source, and what it is called."""
    if isinstance(source, RegionFile):
        return source, _DRAWN
    if isinstance(source, SkyShape):
        source = [source]
    if isinstance(source, Sequence) and not isinstance(source, str):
        if all(isinstance(one, SkyShape) for one in source):
            return from_shapes(source), _DRAWN
        text, origin = _serialized(source), "a list of region objects"
        return parse_regions(text, origin, _pixels(text, wcs_from)), origin
    if isinstance(source, str) and ("\n" in source or ("(" in source and not Path(source).is_file())):
        return parse_regions(source, "the text of the regions", _pixels(source, wcs_from)), "a text"
    if not isinstance(source, (str, Path)):
        raise InputError("Regions are the path of a file, its text, shapes, or a list of region objects.")
    path = Path(source).expanduser()
    return read_region_file(path, pixel_system(wcs_from) if wcs_from is not None else None), path.name


def _pixels(text: str, wcs_from: str | Path | None) -> Any:
    return pixel_system(wcs_from) if wcs_from is not None and text else None


def _serialized(objects: Sequence[Any]) -> str:
    """Region objects of the Astropy package as the text of a DS9 file."""
    from regions import Region, Regions

    if not all(isinstance(one, Region) for one in objects):
        raise InputError("A list of regions has something in it that is no region.")
    text: str = Regions(list(objects)).serialize(format="ds9", precision=13)
    return text


def _put(store: ArchiveStore, mission: str, obs_id: str, found: RegionFile, origin: str) -> RegionSet:
    kept = tuple(one.whole for one in found.verbatim)
    return ArchiveRegions(store).set(mission, obs_id, regions_text(found), len(found.regions), kept, origin)
