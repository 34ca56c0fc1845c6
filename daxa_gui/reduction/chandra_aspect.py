"""Aspect solutions of Chandra: an observation can have several files, one after another in time; the tools are given one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from daxa_gui.core.errors import FileError
from daxa_gui.reduction.other_facts import own_copy


def joined_aspect(paths: Sequence[Path], target: Path) -> None:
    """Write the solutions of some files as one file: a copy of the only one, or the rows of all in order of time, with the first
    one's header and the times from the first to the last (what CIAO's dmmerge makes of them).

    Raises
    ------
    FileError : one is no aspect solution, their tables differ, or the file cannot be written.
    """
    if len(paths) == 1:
        own_copy(paths[0], target)
        return
    import numpy as np
    from astropy.io import fits

    tables = []
    for path in paths:
        try:
            tables.append((path, *fits.getdata(path, "ASPSOL", header=True)))
        except (OSError, KeyError, IndexError, TypeError, ValueError) as error:
            raise FileError(f"{path.name} is no aspect solution: {error}.", "Download the observation again.") from error
    tables.sort(key=lambda one: float(one[2].get("TSTART", 0.0)))
    first, header = tables[0][1], tables[0][2]
    for path, rows, _ in tables[1:]:
        if rows.dtype != first.dtype:
            raise FileError(f"{path.name} has other columns than {tables[0][0].name}: the aspect solutions cannot be joined.")
    for keyword in ("TSTOP", "DATE-END"):
        if keyword in tables[-1][2]:
            header[keyword] = tables[-1][2][keyword]
    whole = fits.BinTableHDU(np.concatenate([rows for _, rows, _ in tables]), header=header)
    part = target.with_name(f"{target.name}.part")
    try:
        fits.HDUList([fits.PrimaryHDU(header=fits.getheader(tables[0][0], 0)), whole]).writeto(
            part, overwrite=True, checksum=True
        )
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FileError(f"{target} cannot be written: {error}.") from error
