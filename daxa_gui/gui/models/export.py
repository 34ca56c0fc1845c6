"""What a table shows, as tab-separated text for the clipboard and as a table of typed columns for files. No Qt here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.table import DataTable
from daxa_gui.gui.models.columns import Column


def tab_separated(catalogue: Catalogue, columns: Sequence[Column], rows: Iterable[int], style: str) -> str:
    """Headings and cells as they are shown."""
    lines = ["\t".join(column.heading for column in columns)]
    lines += ["\t".join(column.text(catalogue, row, style) for column in columns) for row in rows]
    return "\n".join(lines) + "\n"


def table_of(
    catalogue: Catalogue, columns: Sequence[Column], rows: NDArray[np.int64], notes: Sequence[tuple[str, str]]
) -> DataTable:
    """These columns and rows in full precision: degrees (ICRS), seconds, MJD (UTC) with the same as text.

    `notes` (name, text) go to the table's meta data, beside where the rows come from.
    """
    arrays: dict[str, NDArray] = {}
    units, descriptions = {}, {}
    for column in columns:
        for name, values in column.exported(np.asarray(column.values(catalogue)[rows])).items():
            arrays[name] = values
            descriptions[name] = f"{column.tip}."
            if column.unit and values.dtype.kind == "f":
                units[name] = column.unit
    return DataTable(arrays, units, descriptions, {"provenance": catalogue.provenance, **dict(notes)})
