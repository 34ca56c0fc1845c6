"""Region files as SAOImage DS9, DAXA and the Astropy package `regions` read them: ICRS degrees, sizes in arcseconds.

What would stop one of those programs (shapes nobody knows, shapes of no extent) is written as a comment that only we read back.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from daxa_gui.core.errors import FileError
from daxa_gui.exchange.region_files import DS9_SHAPES, KEPT
from daxa_gui.exchange.region_numbers import is_system
from daxa_gui.exchange.region_values import Region, RegionFile, Verbatim

HEADING = "# Region file format: DS9 version 4.1"
_UNIQUE = ("tag", "text")  # properties that belong to one shape even if all have the same


def write_region_file(path: str | Path, file: RegionFile) -> None:
    """Write the text of `regions_text`; the file is replaced at once or not at all. Raises FileError."""
    target = Path(path)
    part = target.with_name(target.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(regions_text(file))
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"The file {target} cannot be written ({error.strerror or error}).") from error


def regions_text(file: RegionFile) -> str:
    """The text of a region file."""
    common = _common(file.regions)
    lines = [HEADING]
    if common:
        lines.append(f"global {_properties(common)}")
    lines.append("icrs")
    kept = sorted(file.verbatim, key=lambda one: one.before)
    opened = 0
    for index, region in enumerate(file.regions):
        while kept and kept[0].before <= index:
            lines += _verbatim(kept.pop(0))
        if region.composite and region.composite != opened:
            opened = region.composite
            lines += [_group(group) for group in file.groups if group.composite == opened]
        after = file.regions[index + 1] if index + 1 < len(file.regions) else None
        joined = bool(region.composite) and after is not None and after.composite == region.composite
        lines += _region(region, common, joined)
    for one in kept:
        lines += _verbatim(one)
    return "\n".join(lines) + "\n"


def _common(regions: Sequence[Region]) -> tuple[tuple[str, str], ...]:
    """Properties that all regions have with the same value."""
    if len(regions) < 2:
        return ()
    shared = [pair for pair in regions[0].properties if pair[0] not in _UNIQUE and pair[1]]
    for region in regions[1:]:
        shared = [pair for pair in shared if pair in region.properties]
    return tuple(dict.fromkeys(shared))


def _properties(pairs: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"{key}={_one_line(value)}" if value else key for key, value in pairs)


def _one_line(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029\x85]+", " ", text)


def _degrees(value: float) -> str:
    return f"{value:.12f}".rstrip("0").rstrip(".") or "0"


def _arcsec(value_deg: float) -> str:
    return f'{f"{value_deg * 3600.0:.9f}".rstrip("0").rstrip(".") or "0"}"'


def _angle(position_angle_deg: float) -> str:
    """DS9 counts from the west, where north is up, through north."""
    return _degrees((position_angle_deg + 90.0) % 360.0)


def _region(region: Region, common: Sequence[tuple[str, str]], joined: bool) -> list[str]:
    own = [pair for pair in region.properties if pair not in common]
    sign, end = "" if region.include else "-", " ||" if joined else ""
    points = [_degrees(value) for point in region.points for value in point]
    if region.shape == "text":
        words = [pair for pair in own if pair[0] == "text"] or [("text", "{}")]
        others = [pair for pair in own if pair[0] != "text"]
        return [f"# text({','.join(points)}){end} {_properties([*others, *words])}"]
    sizes = [_arcsec(value) for value in region.sizes_deg]
    behind = f" # {_properties(own)}" if own else ""
    turned = [_angle(region.angle_deg)] if region.shape in ("ellipse", "box") else []
    return [
        f"{sign}{name}({','.join([*points, *kept, *turned])}){end}{behind}" for name, kept in _without_holes(region.shape, sizes)
    ]


def _without_holes(shape: str, sizes: list[str]) -> list[tuple[str, list[str]]]:
    """Rings from the very centre on become a full shape and the rings around it: a hole of nothing stops other programs."""
    step = {"annulus": 1, "ellipse": 2, "box": 2}.get(shape, 0)
    if len(sizes) <= step or not step or '0"' not in sizes[:step]:
        return [(shape, sizes)]
    full = ("circle" if shape == "annulus" else shape, sizes[step : 2 * step])
    around = sizes[step:]
    return [full, (shape, around)] if len(around) > step else [full]


def _group(group: Region) -> str:
    ra, dec = (_degrees(value) for value in group.points[0])
    more = f" {_properties(group.properties)}" if group.properties else ""
    return f"# composite({ra},{dec},{_angle(group.angle_deg)}) || composite=1{more}"


def _verbatim(one: Verbatim) -> list[str]:
    text = _one_line(one.text)
    word = re.match(r"#?\s*[-+!]?\s*([A-Za-z]\w*)\s*\(", text)
    if word is not None and word[1].lower() in DS9_SHAPES and is_system(one.system):
        return [one.system, text, "icrs"]
    return [f"# {KEPT} {one.system}; {text}"]
