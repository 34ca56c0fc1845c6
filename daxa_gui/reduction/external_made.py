"""What the programs of a recipe left: found by its patterns, looked at, and made ready for the archive."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.fits.files import FitsFile, Hdu, open_fits
from daxa_gui.fits.products import read_gti
from daxa_gui.reduction.external_files import Workplace, pack
from daxa_gui.reduction.recipe import Made

_HINT = "Its log may say why. What this program made so far is not kept."


@dataclass
class Found:
    """What a `Made` turned out to be. `name`: of the file that becomes the product, relative to the work folder, "" if there is
    none; `paths`: all that the pattern matched."""

    made: Made
    name: str
    paths: tuple[Path, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def collect(place: Workplace, made: Sequence[Made], program: str) -> list[Found]:
    """All files that must be there, looked at.

    Raises
    ------
    ReductionError : one is missing, or there are several where one is meant. FileError : one is cut short, empty or no such file.
    """
    return [_collected(place, one, program) for one in made]


def _collected(place: Workplace, made: Made, program: str) -> Found:
    paths = matches(place.folder, made.pattern)
    if not paths:
        if made.optional:
            return Found(made, "", ())
        who = f"« {program} » ended well but" if program else "The step"
        raise ReductionError(f"{who} did not leave « {made.pattern} »{_said(place, made)}.", _HINT)
    if made.packed:
        name = f"{made.key.kind}-{len(paths)}.tar"
        for path in paths:
            _check(path, made.check)
        pack(paths, place.folder, name)
        return Found(made, name, tuple(paths), {"n_files": len(paths)})
    if len(paths) > 1:
        names = ", ".join(path.name for path in paths[:5])
        raise ReductionError(f"« {program} » left {len(paths)} files where one was meant ({made.pattern}): {names}.", _HINT)
    found = Found(made, str(paths[0].relative_to(place.folder)), tuple(paths))
    facts, warnings = _check(paths[0], made.check)
    found.facts |= facts
    found.warnings += [f"{paths[0].name}: {warning}" for warning in warnings]
    return found


def _said(place: Workplace, made: Made) -> str:
    """What is there instead, if it is something like it."""
    suffix = Path(made.pattern).suffix
    near = sorted(path.name for path in place.folder.iterdir() if suffix and path.suffix == suffix and not path.is_symlink())
    return f" (it left {', '.join(near[:5])})" if near else ""


def matches(folder: Path, pattern: str) -> list[Path]:
    """Plain files below a folder, by name; the links to given files and what leads out of the folder are not among them."""
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        raise ReductionError(f"« {pattern} » is no name of a file in a work folder.")
    has_wildcard = any(character in pattern for character in "*?[")
    found = set()
    for path in folder.glob(pattern) if has_wildcard else [folder / pattern]:
        if "/" in pattern or path.is_symlink():  # of a link that a program made, what it leads to
            root, real = folder.resolve(), path.resolve()
            if not real.is_relative_to(root):
                continue
            path = folder / real.relative_to(root)
        if path.is_file():
            found.add(path)
    return sorted(found)


def _check(path: Path, kind: str) -> tuple[dict[str, Any], list[str]]:
    """Facts about a file and sentences about what is odd. Raises FileError for one that cannot be used."""
    if path.stat().st_size == 0:
        raise FileError(f"The program left {path.name} empty.", _HINT)
    check = _CHECKS.get(kind)
    if check is None:
        raise ReductionError(f"« {kind} » is no way to look at a file.")
    return check(path)


def _any(path: Path) -> tuple[dict[str, Any], list[str]]:
    return {}, []


def _text(path: Path) -> tuple[dict[str, Any], list[str]]:
    with path.open("rb") as file:
        beginning = file.read(65_536)
    if not beginning.strip():
        raise FileError(f"The program left {path.name} without any text.", _HINT)
    if b"\0" in beginning:
        raise FileError(f"{path.name} should be text and is not.", _HINT)
    return {}, []


def _opened(path: Path) -> FitsFile:
    try:
        return open_fits(path)
    except FileError as error:
        raise FileError(error.message, _HINT) from error


def _fits(path: Path) -> tuple[dict[str, Any], list[str]]:
    return {}, list(_opened(path).warnings)


def _events(path: Path) -> tuple[dict[str, Any], list[str]]:
    fits = _opened(path)
    tables = [hdu for hdu in fits.hdus if hdu.is_table]
    # SAS, eSASS, CIAO and NuSTARDAS all call it EVENTS; CIAO's may have a number behind it
    events = next((hdu for hdu in tables if fnmatch.fnmatchcase(hdu.name, "EVENTS*")), None)
    if events is None:
        names = ", ".join(hdu.name or "one without a name" for hdu in tables) or "none"
        raise FileError(f"{path.name} has no table EVENTS (its tables: {names}).", _HINT)
    n_events = events.header.integer("NAXIS2") or 0
    warnings = list(fits.warnings)
    if n_events == 0:
        warnings.append("The event list has no events.")
    return {"n_events": n_events}, warnings


def _gti(path: Path) -> tuple[dict[str, Any], list[str]]:
    try:
        gti = read_gti(path)
    except FileError as error:
        raise FileError(error.message, _HINT) from error
    warnings = [] if gti.total_s > 0 else ["There is no good time at all."]
    return {"good_time_s": gti.total_s, "intervals": len(gti)}, warnings


def _image(path: Path) -> tuple[dict[str, Any], list[str]]:
    fits = _opened(path)
    shape = next((shape for hdu in fits.hdus if (shape := _image_shape(hdu))), None)
    if shape is None:
        raise FileError(f"{path.name} has no image.", _HINT)
    return {"shape": shape}, list(fits.warnings)


def _image_shape(hdu: Hdu) -> list[int]:
    """[rows, columns] of an image with two axes or more, empty for anything else."""
    prefix = "ZNAXIS" if hdu.is_compressed_image else "NAXIS"
    if not (hdu.is_compressed_image or hdu.is_image) or (hdu.header.integer(prefix) or 0) < 2:
        return []
    columns, rows = (hdu.header.integer(f"{prefix}{axis}") or 0 for axis in (1, 2))
    return [rows, columns] if rows and columns else []


_CHECKS: dict[str, Callable[[Path], tuple[dict[str, Any], list[str]]]] = {
    "": _any, "text": _text, "fits": _fits, "events": _events, "gti": _gti, "image": _image,
}  # fmt: skip
