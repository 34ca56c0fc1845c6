"""Coverage maps in files: MOCs of the sky in FITS, JSON and ASCII, and maps of space and time.

Source of the formats: MOC 2.0, IVOA Recommendation 2022, section 4.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.filters import Moc
from daxa_gui.core.healpix import ORDER, Ranges, normal_ranges, ranges_from_text, ranges_to_text

LARGEST_BYTES = 500_000_000
_KEYWORDS = ("MOCDIM", "MOC", "MOCORD_F", "MOCORD_T", "MOCORD_S", "COORDSYS", "ORDERING")
_HINT = "A coverage map (MOC) is a FITS, JSON or ASCII file of HEALPix cells."


def read_moc(path: Path) -> Moc:
    """The coverage map of a file, whatever its name ends with.

    A map of space and time becomes its whole area with the time from its first to its last moment.

    Raises
    ------
    FileError : the file cannot be read, is damaged, or is a map of something else than the sky.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise FileError(f"{path.name} is too large for a coverage map ({path.stat().st_size / 1e6:.0f} MB).")
        content = path.read_bytes()
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        if content.startswith(b"SIMPLE"):
            return _from_fits(path)
        text = content.decode("utf-8")
        if text.lstrip().startswith("{"):
            return Moc(_from_json(text), path.name)
        if text.lstrip()[:1] in ("t", "s"):
            return _space_and_time(path, "ascii")
        if not text.strip():
            raise FileError(f"{path.name} is empty.", _HINT)
        return Moc(ranges_from_text(text), path.name)
    except UnicodeDecodeError as error:
        raise FileError(f"{path.name} is no coverage map.", _HINT) from error
    except InputError as error:
        raise FileError(f"{path.name} is no coverage map: {error.message}", _HINT) from error


def _from_json(text: str) -> Ranges:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"its JSON cannot be read ({error}).") from error
    pairs = []
    for order, cells in document.items():
        if not (order.isascii() and order.isdigit() and int(order) <= ORDER and isinstance(cells, list)):
            raise InputError(f"« {order[:40]} » is no order with cells.")
        if not all(isinstance(cell, int) and not isinstance(cell, bool) for cell in cells):
            raise InputError(f"a cell of order {order} is no whole number.")
        level = 2 * (ORDER - int(order))
        pairs += [(cell << level, (cell + 1) << level) for cell in cells]
    return normal_ranges(pairs)


def _from_fits(path: Path) -> Moc:
    from astropy.io import fits

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks about the file's style; what is wrong with it is an exception
            with fits.open(path, memmap=False, lazy_load_hdus=False) as hdus:
                table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
                if table is None:
                    raise FileError(f"{path.name} has no table.", _HINT)
                found, data = table.header, np.asarray(table.data)
                header = {name: str(found[name]).strip().upper() for name in _KEYWORDS if name in found}
    except (OSError, ValueError, TypeError, IndexError, KeyError, fits.VerifyError) as error:
        raise FileError(f"{path.name} is a damaged FITS file: {error}", _HINT) from error
    dimension = header.get("MOCDIM", "SPACE")
    if dimension == "TIME.SPACE" or header.get("MOC") == "TIME.SPACE":
        return _space_and_time(path, "fits")
    if dimension != "SPACE" or "MOCORD_F" in header or ("MOCORD_T" in header and "MOCORD_S" not in header):
        raise FileError(f"{path.name} is a coverage map of {dimension.lower()}, not of the sky.", _HINT)
    system = header.get("COORDSYS", "C")
    if system not in ("C", "ICRS", ""):
        raise FileError(f"{path.name} is in the coordinate system « {system} »; only ICRS (« C ») is one for MOCs.")
    return Moc(_from_table(path, header, data), path.name)


def _from_table(path: Path, header: Mapping[str, str], data: NDArray[Any]) -> Ranges:
    """Ranges of order 29 (MOC 2.0) or cells numbered uniquely over all orders (MOC 1)."""
    names = data.dtype.names or ()
    if len(names) != 1 or data.dtype[0].base.kind not in "iu":
        raise FileError(f"{path.name} is no coverage map: its table should have one column of whole numbers.", _HINT)
    numbers = data[names[0]].ravel().astype(np.int64)
    ordering = header.get("ORDERING", "")
    if ordering in ("RANGE", "RANGE29"):
        if len(numbers) % 2:
            raise FileError(f"{path.name} is damaged: its last range has no end.")
        return normal_ranges(numbers.reshape(-1, 2).tolist())
    if ordering not in ("NUNIQ", ""):
        raise FileError(f"{path.name} numbers its cells in a way that is not known here: « {ordering} ».", _HINT)
    if (numbers < 4).any():
        raise FileError(f"{path.name} is damaged: {int(numbers.min())} is no cell.")
    order = np.array([(int(number).bit_length() - 3) // 2 for number in numbers], np.int64)
    if (order > ORDER).any():
        raise FileError(f"{path.name} is damaged: a cell's order is above 29.")
    level = 2 * (ORDER - order)
    cell = numbers - (np.int64(4) << (2 * order))
    return normal_ranges(zip((cell << level).tolist(), ((cell + 1) << level).tolist(), strict=True))


def _space_and_time(path: Path, form: str) -> Moc:
    from mocpy import STMOC, TimeMOC

    try:
        both = STMOC.load(str(path), format=form)
        if both.is_empty():
            return Moc((), path.name)
        space = both.query_by_time(TimeMOC.from_string("0/0-1"))
        first, last = (float(moment.utc.mjd) for moment in (both.min_time, both.max_time))
    except (OSError, ValueError, TypeError) as error:
        raise FileError(f"{path.name} is no coverage map of space and time that can be read: {error}", _HINT) from error
    return Moc(_ranges_of(space), path.name, first, last)


def _ranges_of(moc: Any) -> Ranges:
    return normal_ranges(np.asarray(moc.to_depth29_ranges, np.uint64).astype(object).tolist())


def write_moc(moc: Moc, path: Path) -> None:
    """Write a coverage map: JSON (`.json`), ASCII (`.txt`, `.ascii`) or else FITS; with a time it is a map of space and time.

    That form exists in FITS only and needs both a start and an end.

    Raises
    ------
    FileError : the file cannot be written, or its form has no place for the time.
    """
    form = {".json": "json", ".txt": "ascii", ".ascii": "ascii"}.get(path.suffix.lower(), "fits")
    timed = moc.start_mjd is not None or moc.end_mjd is not None
    if timed and (form != "fits" or moc.start_mjd is None or moc.end_mjd is None):
        raise FileError(f"{path.name} cannot hold the time of the coverage map.", "Write FITS, with a start and an end.")
    part = path.with_name(path.name + ".part")
    try:
        if form == "fits":
            _as_mocpy(moc).save(str(part), format="fits", overwrite=True)
        else:
            text = ranges_to_text(moc.ranges)
            part.write_text(json.dumps(_cells(text)) if form == "json" else text + "\n", encoding="ascii")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{path} cannot be written: {error.strerror or error}.") from error


def _cells(text: str) -> dict[str, list[int]]:
    """The ASCII form's cells by order."""
    cells: dict[str, list[int]] = {}
    order = ""
    for part in text.split():
        if "/" in part:
            order, part = part.split("/")
        first, _, last = part.partition("-")
        cells.setdefault(order, []).extend(range(int(first), int(last or first) + 1))
    return cells


def _as_mocpy(moc: Moc) -> Any:
    from mocpy import MOC, STMOC

    orders = [int(part.split("/")[0]) for part in ranges_to_text(moc.ranges).split() if "/" in part]
    space = MOC.from_depth29_ranges(max(orders, default=0), np.array(moc.ranges, np.uint64).reshape(-1, 2))
    if moc.start_mjd is None or moc.end_mjd is None:
        return space
    from astropy.time import Time

    first, last = (Time([mjd], format="mjd", scale="utc").tdb for mjd in (moc.start_mjd, moc.end_mjd))
    return STMOC.from_spatial_coverages(first, last, [space])
