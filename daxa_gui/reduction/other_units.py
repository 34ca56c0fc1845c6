"""What there is to reduce of an observation of eROSITA, Chandra or NuSTAR, and what of it can be reduced.

The rules are DAXA's. Usable are: eROSITA's lists if the filter wheel let the sky in; Chandra's exposures that are the only one of
their observation, with events and an aspect solution; NuSTAR's modules with raw events. Each refusal says why.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.core.errors import FileError
from daxa_gui.core.mission import RawFile
from daxa_gui.core.product import ProductKind
from daxa_gui.fits.cards import Headers
from daxa_gui.fits.files import FitsFile, open_fits
from daxa_gui.fits.tables import Table
from daxa_gui.missions import erosita

Units = list[dict[str, Any]]
_AGAIN = "Download the observation again."
_OPEN_FILTERS = ("OPEN", "FILTER")


# ---- where the files are: called by the step « exposures »


def erosita_exposures(*, raw_folder: str, events: Sequence[str], chosen: Sequence[str], summary: str = "") -> Units:
    """Units of the event lists `events` (absolute paths; none: all below the raw folder) that hold all telescope modules.

    Raises
    ------
    FileError : there is no such list, it lies elsewhere, or it is no event list of eROSITA.
    """
    folder = Path(raw_folder)
    paths = [Path(path) for path in events] or sorted(folder.rglob("*EventList*")) if folder.is_dir() else []
    found = [(path, file.exposure) for path in paths if (file := _all_modules(path.name)) is not None]
    if not found:
        raise FileError(f"There is no event list with all telescope modules in {folder}.", _AGAIN)
    units: Units = []
    for path, exposure in found:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise FileError(f"{path} does not lie in the folder of the raw data, {folder}.")
        place = path.resolve().relative_to(folder.resolve()).as_posix()
        units += [unit | {"exposure": exposure, "event_list": place} for unit in erosita_units(path, chosen)]
    return units


def _all_modules(name: str) -> RawFile | None:
    file = erosita.raw_file(name)
    return file if file is not None and file.kind is ProductKind.EVENTS and file.instrument == erosita.ALL_MODULES else None


def chandra_exposures(*, raw_folder: str, events: Sequence[str] = (), chosen: Sequence[str], summary: str = "") -> Units:
    """Units that the index of the observation's files (`oif.fits`) names. Raises FileError if it is missing or strange."""
    return chandra_units(_file_in(raw_folder, ("oif.fits",)), chosen)


def nustar_exposures(*, raw_folder: str, events: Sequence[str] = (), chosen: Sequence[str], summary: str = "") -> Units:
    """Units that the list of the observation's files names: `nu….cat` as the archive has it, or `…_cat.fits` as DAXA calls it.

    Raises
    ------
    FileError : it is missing or strange.
    """
    return nustar_units(_file_in(raw_folder, ("nu*.cat", "*_cat.fits")), chosen)


def _file_in(folder: str, patterns: Iterable[str]) -> Path:
    """The first file of one of these names, unpacked or not."""
    patterns = tuple(patterns)
    for pattern in (*patterns, *(f"{pattern}.gz" for pattern in patterns)):
        for path in sorted(Path(folder).glob(pattern)):
            if path.is_file():
                return path
    wanted = Path(folder) / patterns[0]
    raise FileError(f"{wanted} is missing: nothing tells which exposures there are.", _AGAIN)


# ---- what the files say


def erosita_units(path: str | Path, chosen: Sequence[str]) -> Units:
    """One unit: the chosen (none: all) telescope modules that have events in the list, with their names joined by « _ ».

    Facts: « modules » (["TM1", …]), « whole » (these are all modules in the list), « filter ».
    """
    fits = open_fits(path)
    table = _table_with(fits, "TM_NR", "an event list of eROSITA")
    header = Headers(fits.primary.header, table.hdu.header)
    numbers = np.unique(table.bits("TM_NR")).tolist()
    present = [f"TM{number}" for number in numbers if 1 <= number <= 7]
    modules = [name for name in present if not chosen or name in chosen]
    wheel = header.text("FILTER").upper()
    reason = ""
    if not present:
        reason = f"{Path(path).name} has no events of any telescope module."
    elif not modules:
        reason = f"None of the chosen telescope modules has events; there are those of {', '.join(present)}."
    elif wheel not in _OPEN_FILTERS:
        reason = f"The filter wheel was at « {wheel or 'unknown'} »: only OPEN and FILTER let the sky in."
    facts = {"modules": modules, "whole": modules == present, "filter": wheel, "event_list": Path(path).name}
    return [_unit("_".join(modules or present) or erosita.ALL_MODULES, "ALL", reason) | facts]


def chandra_units(path: str | Path, chosen: Sequence[str]) -> Units:
    """Units of the observation's instrument, none if it was not chosen: the exposure « E001 », or all where there are several.

    Facts: « detector », « grating », « mode » (DATAMODE), « obs_mode », « n_files » by content.
    """
    table = _table_with(open_fits(path), "MEMBER_CONTENT", "an index of Chandra's files")
    if "MEMBER_LOCATION" not in table:
        raise FileError(f"{path} is not an index of Chandra's files: it has no column MEMBER_LOCATION.", _AGAIN)
    header = table.hdu.header
    instrument = header.text("INSTRUME").upper()
    if instrument not in ("ACIS", "HRC"):
        raise FileError(f"{path} names no instrument of Chandra (INSTRUME is « {instrument} »).", _AGAIN)
    if chosen and instrument not in chosen:
        return []
    contents, places = _texts(table, "MEMBER_CONTENT"), _texts(table, "MEMBER_LOCATION")
    exposures = [place for content, place in zip(contents, places, strict=True) if content == "EVT1"]
    identifiers, reason = _chandra_exposures(exposures)
    reason = _chandra_missing(set(contents)) or reason
    grating = header.text("GRATING").upper()
    facts = {
        "detector": header.text("DETNAM").rpartition("-")[2], "grating": "" if grating == "NONE" else grating,
        "mode": header.text("DATAMODE"), "obs_mode": header.text("OBS_MODE"),
        "n_files": {content: contents.count(content) for content in sorted(set(contents)) if content},
    }  # fmt: skip
    return [_unit(instrument, identifier, reason) | facts for identifier in identifiers]


def _chandra_missing(contents: set[str]) -> str:
    missing = [
        words
        for names, words in (
            (("EVT1",), "level 1 events"),
            (("EVT2",), "level 2 events"),
            (("ASPSOL", "ASPSOLOBI"), "an aspect solution"),
        )
        if not contents & set(names)
    ]
    return f"The observation's index of files names no {', no '.join(missing)}." if missing else ""


def _chandra_exposures(places: Sequence[str]) -> tuple[list[str], str]:
    """Names of the exposures, and why they cannot be reduced.

    Interleaved ones have `_e1_` and `_e2_` in their files' names, parts of an observation (OBIs) three digits before the version:
    `acisf00108_001N003_evt1.fits`.
    """
    if len(places) < 2:
        return ["E001"], ""
    if any("_e1_" in place for place in places) and any("_e2_" in place for place in places):
        return ["E001", "E002"], (
            "Short and long frames alternate (interleaved mode): chandra_repro makes one event list of a folder, so each kind of"
            " frames must first be given a folder of its own."
        )
    parts = {match[1] for place in places if (match := re.search(r"_([0-9]{3})N[0-9]{3}_[A-Za-z0-9]+(?:\.|$)", place))}
    names = sorted(f"E{part}" for part in parts) or ["E001"]
    return names, (
        f"The observation has {len(places)} parts (OBIs) with aspect solutions of their own, which chandra_repro cannot take"
        " together: split it with CIAO's splitobs first."
    )


def nustar_units(path: str | Path, chosen: Sequence[str]) -> Units:
    """A unit for each chosen (none: both) focal plane module, usable if the list of files names its unfiltered events."""
    table = _table_with(open_fits(path), "DESCRIP", "a list of NuSTAR's files")
    descriptions = [text.upper() for text in _texts(table, "DESCRIP")]
    units: Units = []
    for module in ("FPMA", "FPMB"):
        if chosen and module not in chosen:
            continue
        active = any(f"{module} RAW UNFILTERED EVENTS" in text for text in descriptions)
        units.append(_unit(module, "ALL", "" if active else f"The observation's list of files names no raw events of {module}."))
    return units


def _unit(instrument: str, exposure: str, reason: str) -> dict[str, Any]:
    return {"instrument": instrument, "exposure": exposure, "usable": not reason, "reason": reason}


def _table_with(fits: FitsFile, column: str, what: str) -> Table:
    """The first table that has this column."""
    for hdu in fits.hdus:
        if hdu.is_table and column in (table := Table(fits, hdu)):
            return table
    raise FileError(f"{fits.path} is not {what}: no table in it has a column {column}.", _AGAIN)


def _texts(table: Table, name: str) -> list[str]:
    """A text column, without blanks and zeros at the end of its values."""
    column = table.column(name)
    if column.code != "A":
        raise FileError(f"{table.fits.path}: column {column.name} holds no texts (TFORM {column.code}).", _AGAIN)
    cells = table.rows[:, column.offset : column.offset + column.width]
    return [bytes(cell).partition(b"\0")[0].decode("ascii", "replace").strip() for cell in cells]
