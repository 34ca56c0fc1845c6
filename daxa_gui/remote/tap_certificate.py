"""The certificate of a table that came whole, with a checksum that anyone can make again from the rows."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.certificate import Certificate
from daxa_gui.core.mission import TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.core.times import MJD_OF_1970, SECONDS_PER_DAY

_KINDS = {"U": "text", "i": "integer", "f": "real", "b": "yes or no"}


def plain_name(spelt: str) -> str:
    """A column's name without the quotes that ADQL wants around reserved words, lower case."""
    return spelt.strip().strip('"').lower()


def certify(
    table: DataTable,
    source: TapSource,
    mission: str,
    *,
    service: str,
    query: str,
    rows_expected: int,
    notes: Iterable[str] = (),
) -> Certificate:
    """What is known about a table that was just received from `source` at the address `service`."""
    seen = ", ".join(f"{name} {_KINDS[column.dtype.kind]}" for name, column in table.columns.items())
    return Certificate(
        mission=mission,
        service=service,
        table=source.table,
        query=query,
        rows_expected=rows_expected,
        rows_received=len(table),
        columns=tuple((name, table.units.get(name, "")) for name in table.names),
        fetched_mjd=MJD_OF_1970 + time.time() / SECONDS_PER_DAY,
        checksum=checksum(table, plain_name(source.key)),
        notes=(*notes, f"types: {seen}"),
    )


def checksum(table: DataTable, key: str) -> str:
    """SHA-256, hexadecimal, of the rows of a table whatever their order, the order of columns and how they were sent.

    Rows are sorted by `key`, those with the same key by all columns in the order of their names. Then for each column in the
    order of names: its name, its kind, and its values: numbers as little-endian 8-byte IEEE or two's complement, one NaN for
    all and no negative zero, text in UTF-8 with a newline after each.
    """
    digest = hashlib.sha256(f"{len(table)} rows\n".encode())
    order = _canonical_order(table, key)
    for name in sorted(table.columns):
        values = table[name][order]
        digest.update(f"{name} {values.dtype.kind}\n".encode())
        if values.dtype.kind == "U":
            digest.update("".join(f"{text}\n" for text in values.tolist()).encode("utf-8", errors="surrogatepass"))
        elif values.dtype.kind == "f":
            digest.update(np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8").tobytes())
        else:
            digest.update(values.astype("<i8").tobytes())
    return digest.hexdigest()


def _canonical_order(table: DataTable, key: str) -> NDArray[np.intp]:
    keys = table.columns.get(key)
    if keys is not None and len(np.unique(keys)) == len(keys):
        return np.argsort(keys, kind="stable")
    columns = [table[name] for name in sorted(table.columns)]
    return np.lexsort([*reversed(columns), *([keys] if keys is not None else [])]) if columns else np.empty(0, np.intp)
