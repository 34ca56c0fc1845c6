"""Small files of eROSITA, Chandra and NuSTAR as their archives and tasks write them, made with astropy; units to reduce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from daxa_gui.core.registry import resolve
from daxa_gui.core.step import Outcome
from daxa_gui.reduction import STEPS
from daxa_gui.reduction.checking import checked
from daxa_gui.reduction.recipe import Recipe, WorkUnit
from tests.fakes.task_context import FakeContext


def gti(name: str, *intervals: tuple[float, float]) -> fits.BinTableHDU:
    start, stop = ([pair[index] for pair in intervals] for index in (0, 1))
    return fits.BinTableHDU.from_columns(
        [fits.Column("START", "D", array=start), fits.Column("STOP", "D", array=stop)], name=name
    )


def events(n_rows: int, more: Mapping[str, tuple[str, Any]] | None = None, **header: Any) -> fits.BinTableHDU:
    """A table EVENTS with TIME 0, 1, 2 … and further columns (name → format, values)."""
    columns = [fits.Column("TIME", "D", array=np.arange(n_rows, dtype=float))]
    columns += [fits.Column(name, form, array=values) for name, (form, values) in (more or {}).items()]
    table = fits.BinTableHDU.from_columns(columns, name="EVENTS")
    table.header.update(header)
    return table


def write(path: Path, *tables: fits.BinTableHDU, **primary: Any) -> Path:
    """A FITS file of these tables; the name decides whether it is compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    first = fits.PrimaryHDU()
    first.header.update(primary)
    fits.HDUList([first, *tables]).writeto(path, overwrite=True)
    return path


def erosita_list(path: Path, modules: Sequence[int] = tuple(range(1, 8)), wheel: str = "FILTER", flares: bool = False) -> Path:
    numbers = np.array([*modules] * 3, np.uint8)
    good = [gti(f"GTI{n}", (0.0, 100.0)) for n in modules]
    good += [gti(f"FLAREGTI{n}", (0.0, 40.0), (50.0, 60.0 + n)) for n in modules] if flares else []
    return write(path, events(len(numbers), {"TM_NR": ("B", numbers)}), *good, FILTER=wheel, TELESCOP="eROSITA")


def chandra_index(path: Path, rows: Sequence[tuple[str, str]], instrument: str = "ACIS", **header: Any) -> Path:
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("MEMBER_CONTENT", "32A", array=[content for content, _ in rows]),
            fits.Column("MEMBER_LOCATION", "80A", array=[place for _, place in rows]),
        ],
        name="OIF",
    )
    table.header.update({"INSTRUME": instrument, "DETNAM": "ACIS-01236", "GRATING": "NONE", "DATAMODE": "FAINT", **header})
    return write(path, table)


def nustar_catalogue(path: Path, *descriptions: str) -> Path:
    column = fits.Column("DESCRIP", "60A", array=list(descriptions))
    return write(path, fits.BinTableHDU.from_columns([column], name="CATALOG"))


def aspect(path: Path, start: float, n_rows: int = 4, **columns: str) -> Path:
    """An aspect solution of Chandra from a time on; `columns` are further ones (name=format)."""
    time = start + np.arange(n_rows) * 0.25
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column("time", "D", array=time),
            fits.Column("ra", "D", array=np.full(n_rows, 10.0)),
            *(fits.Column(name, form, array=np.zeros(n_rows)) for name, form in columns.items()),
        ],
        name="ASPSOL",
    )
    table.header.update({"TSTART": time[0], "TSTOP": time[-1]})
    return write(path, table)


def unit(mission: str, instrument: str, exposure: str = "ALL", folder: str = "/archive/obs", **facts: Any) -> WorkUnit:
    obs_id = {"chandra": "4321", "nustar_pointed": "60001002002"}.get(mission, "700199")
    return WorkUnit(mission, obs_id, instrument, exposure, "/raw", folder, facts)


def recipe(step: str, work: WorkUnit, **parameters: Any) -> Recipe:
    """What the step makes of the unit, with these parameters and the others at their defaults."""
    built = resolve(STEPS[step].build)(work, checked(STEPS[step], parameters))
    assert isinstance(built, Recipe)
    return built


def arguments(argv: Sequence[str]) -> dict[str, str]:
    """« name=value » arguments of a program."""
    return dict(argument.split("=", 1) for argument in argv[1:])


def finished(built: Recipe, work: WorkUnit, folder: Path, step: str, **parameters: Any) -> Outcome:
    """What `finish` says of the files that lie in the folder now."""
    made = {one.pattern: [str(path) for path in sorted(folder.glob(one.pattern))] for one in built.made}
    outcome = resolve(built.finish)(FakeContext(work_folder=str(folder)), work, checked(STEPS[step], parameters), made)
    assert isinstance(outcome, Outcome)
    return outcome
