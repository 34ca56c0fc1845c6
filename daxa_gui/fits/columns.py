"""An event list as a folder of `.npy` columns and a JSON file, so that one process reads it and another maps it into memory.

A folder is made as `<folder>.part…` and renamed when it is complete: a folder with the right name is always whole.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from daxa_gui.core.errors import FileError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.mission import EventFormat
from daxa_gui.core.sky import LinearWcs
from daxa_gui.core.timeseries import Gti

VERSION = 1
_COLUMNS = ("time_s", "energy_kev", "x", "y", "pattern", "flag", "ccd")
_PLAIN = (
    "path", "mission", "instrument", "obs_id", "exposure", "target", "filter", "mode", "simulated", "mjdref", "timezero_s",
    "timesys", "x_range", "y_range", "ontime_s", "livetime_s", "exposure_s", "warnings",
)  # fmt: skip


def save_columns(events: EventList, folder: str | Path) -> None:
    """Write an event list as a folder of columns. If the folder is there already it is left as it is.

    Raises
    ------
    FileError : the place cannot be written to, or the disk is full.
    """
    target = Path(folder)
    part = target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f"{target.name}.part", dir=target.parent))
        _write(events, part)
        if not (target / "list.json").is_file():
            part.rename(target)
    except OSError as error:
        if not (target / "list.json").is_file():  # otherwise another process was faster
            reason = error.strerror or str(error)
            raise FileError(f"{target} cannot be written: {reason}.", "Check the permissions and the free space.") from error
    finally:
        if part != target:
            shutil.rmtree(part, ignore_errors=True)


def _write(events: EventList, part: Path) -> None:
    for name in _COLUMNS:
        column = getattr(events, name)
        if column is not None:
            np.save(part / f"{name}.npy", column, allow_pickle=False)
    (part / "list.json").write_text(json.dumps(_facts(events)), encoding="utf-8")


def _facts(events: EventList) -> dict[str, Any]:
    return {
        "version": VERSION,
        "columns": [name for name in _COLUMNS if getattr(events, name) is not None],
        "format": dataclasses.asdict(events.format),
        "wcs": None if events.wcs is None else dataclasses.asdict(events.wcs),
        "gti": {str(ccd): [gti.start_s.tolist(), gti.stop_s.tolist()] for ccd, gti in events.gti.items()},
        **{name: getattr(events, name) for name in _PLAIN},
    }


def load_columns(folder: str | Path) -> EventList:
    """The event list of such a folder; its columns are mapped into memory, read-only.

    Raises
    ------
    FileError : the folder is not whole or was written by another version of the program.
    """
    source = Path(folder)
    try:
        facts = json.loads((source / "list.json").read_text(encoding="utf-8"))
        if facts["version"] != VERSION:
            raise FileError(f"{source} was written by another version of the program.", "Delete it; it will be made again.")
        columns: dict[str, Any] = {
            name: _mapped(source / f"{name}.npy") if name in facts["columns"] else None for name in _COLUMNS
        }
        form = EventFormat(**{name: _tuple(value) for name, value in facts["format"].items()})
        return EventList(
            format=form,
            wcs=None if facts["wcs"] is None else LinearWcs(**facts["wcs"]),
            gti={int(ccd): Gti(np.array(start, float), np.array(stop, float)) for ccd, (start, stop) in facts["gti"].items()},
            **{name: _tuple(facts[name]) for name in _PLAIN},
            **columns,
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FileError(f"{source} is no whole event list in columns ({error}).", "Delete it; it will be made again.") from error


def _mapped(path: Path) -> np.ndarray:
    # An empty array cannot be mapped, and for small ones a map is a waste.
    if path.stat().st_size <= 65536:
        return np.asarray(np.load(path, allow_pickle=False))
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _tuple(value: Any) -> Any:
    return tuple(_tuple(part) for part in value) if isinstance(value, list) else value
