"""Tables of astropy as DataTables: what other programs wrote, in the four simple types."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.table import DataTable


def from_astropy(table: Any) -> DataTable:
    """Columns of an `astropy.table.Table`. Masked numbers become NaN, masked texts empty, times MJD (UTC). A column whose cells
    hold several values is left out; `meta["left out"]` names it."""
    columns: dict[str, NDArray[Any]] = {}
    units: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    left_out = []
    for name in table.colnames:
        column = table[name]
        values = _values(column)
        if values is None:
            left_out.append(name)
            continue
        columns[name] = values
        unit, description = getattr(column, "unit", None), getattr(column, "description", None)
        if _is_time(column):
            units[name] = "d"
        elif unit is not None and str(unit):
            units[name] = str(unit)
        if description:
            descriptions[name] = " ".join(str(description).split())
    meta = {str(key): str(value) for key, value in table.meta.items() if isinstance(value, (str, int, float))}
    return DataTable(columns, units, descriptions, meta | ({"left out": ", ".join(left_out)} if left_out else {}))


def _is_time(column: Any) -> bool:
    from astropy.time import Time

    return isinstance(column, Time)


def _values(column: Any) -> NDArray[Any] | None:
    """None for what a DataTable cannot hold."""
    if _is_time(column):
        column = column.utc.mjd
    if np.ndim(column) != 1 or not hasattr(column, "dtype"):
        return None
    hidden = np.ma.getmaskarray(column) if np.ma.isMaskedArray(column) else np.asarray(getattr(column, "mask", False))
    hidden = np.broadcast_to(hidden, len(column))
    values = np.asarray(np.ma.getdata(getattr(column, "unmasked", column)))
    kind = values.dtype.kind
    if kind in "SUO":
        return _texts(values, hidden)
    if kind == "b":
        return _texts(np.where(values, "true", "false"), hidden) if hidden.any() else values.astype(bool)
    if kind == "f" or (kind in "iu" and (hidden.any() or (kind == "u" and len(values) and values.max() > 2**63 - 1))):
        return np.where(hidden, np.nan, values.astype(float))
    return values.astype(np.int64) if kind in "iu" else None


def _texts(values: NDArray[Any], hidden: NDArray[np.bool_]) -> NDArray[np.str_] | None:
    if values.dtype.kind == "U" and not hidden.any():
        return np.asarray(np.char.rstrip(values, " "), str)
    listed = values.tolist()
    if not all(isinstance(value, (str, bytes, type(None))) for value in listed):
        return None
    texts = ["" if value is None else value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in listed]
    return np.array(["" if gone else text.rstrip(" \0") for text, gone in zip(texts, hidden.tolist(), strict=True)], str)
