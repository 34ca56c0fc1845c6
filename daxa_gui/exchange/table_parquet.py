"""Tables as Parquet: units and descriptions stand in the metadata of the columns, texts about the table in that of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.table import DataTable

_MOST_BYTES = 8 * 1024**3  # of unpacked columns
_HINT = "The file is probably damaged; get it again."
_MJD_OF_1970_US = 40587 * 86_400_000_000


def write_parquet(path: Path, table: DataTable) -> None:
    """Raises InputError if a text cannot be written as UTF-8."""
    from pyarrow import parquet

    parquet.write_table(_arrow_table(table), path, compression="zstd")


def write_parquet_parts(path: Path, parts: Iterator[DataTable]) -> None:
    """Like `write_parquet`, of a table in parts with the same columns; nothing is written if there is no part."""
    from pyarrow import parquet

    writer = None
    try:
        for part in parts:
            piece = _arrow_table(part)
            writer = writer or parquet.ParquetWriter(path, piece.schema, compression="zstd")
            if len(part):
                writer.write_table(piece.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()


def _arrow_table(table: DataTable) -> Any:
    import pyarrow as pa

    try:
        fields, arrays = [], []
        for name, column in table.columns.items():
            is_text = column.dtype.kind == "U"
            array = pa.array(column.tolist(), pa.string()) if is_text else pa.array(np.asarray(column))
            notes = {"unit": table.units.get(name, ""), "description": table.descriptions.get(name, "")}
            arrays.append(array)
            fields.append(pa.field(name, array.type, nullable=False, metadata={key: text for key, text in notes.items() if text}))
        schema = pa.schema(fields, metadata={f"table.{key}": text for key, text in table.meta.items()})
    except UnicodeEncodeError as error:
        raise InputError(f"A text of the table is no text ({error.reason}).") from error
    return pa.Table.from_arrays(arrays, schema=schema)


def read_parquet(file_path: Path, path: Path) -> DataTable:
    """Read a Parquet file of this or another program; missing numbers become NaN, missing texts empty, moments MJD (UTC). Columns
    of lists and the like are left out; `meta["left out"]` names them.

    Raises
    ------
    FileError : the file is not Parquet, is damaged, or unpacks to more than 8 GiB.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(file_path) as file:
            groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
            size = sum(group.column(number).total_uncompressed_size for group in groups for number in range(group.num_columns))
            if size > _MOST_BYTES or file.metadata.num_rows * max(file.metadata.num_columns, 1) > _MOST_BYTES:
                raise FileError(f"{path} unpacks to more than {_MOST_BYTES >> 30} GiB.", "It is no table of observations.")
            table = file.read()
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        why = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise FileError(f"{path} cannot be read as a Parquet table ({why}).", _HINT) from error
    return _data_table(table)


def _data_table(table: Any) -> DataTable:
    columns: dict[str, NDArray[Any]] = {}
    units: dict[str, str] = {}
    descriptions: dict[str, str] = {}
    left_out = []
    for field, column in zip(table.schema, table.columns, strict=True):
        values = _values(column)
        if values is None or field.name in columns:
            left_out.append(field.name)
            continue
        columns[field.name] = values
        notes = _texts(field.metadata)
        for kept, key in ((units, "unit"), (descriptions, "description")):
            if notes.get(key):
                kept[field.name] = notes[key]
        if _is_moment(field.type):
            units[field.name] = "d"
    meta = {key.removeprefix("table."): text for key, text in _texts(table.schema.metadata).items() if key.startswith("table.")}
    return DataTable(columns, units, descriptions, meta | ({"left out": ", ".join(left_out)} if left_out else {}))


def _texts(metadata: Any) -> dict[str, str]:
    return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in (metadata or {}).items()}


def _is_moment(arrow_type: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_timestamp(arrow_type) or pa.types.is_date(arrow_type))


def _values(column: Any) -> NDArray[Any] | None:
    """None for what a DataTable cannot hold."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return np.array(pc.fill_null(column, "").to_pylist(), str) if len(column) else np.empty(0, "U1")
    if pa.types.is_boolean(kind):
        if column.null_count:
            return np.array(["" if value is None else str(value).lower() for value in column.to_pylist()], str)
        return np.asarray(column.to_numpy(), bool)
    if _is_moment(kind):
        since = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
        days = np.array([np.nan if value is None else (value + _MJD_OF_1970_US) / 86_400_000_000 for value in since.to_pylist()])
        return days.astype(float)
    if pa.types.is_integer(kind) and not column.null_count and kind != pa.uint64():
        return np.asarray(column.to_numpy(), np.int64)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), float)
    return np.full(len(column), "", "U1") if pa.types.is_null(kind) else None
