"""Tables that come in parts and are written as they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.tables import read_table, write_parts, write_table

SUFFIXES = (".csv", ".ecsv", ".vot", ".fits", ".parquet")


def table(first: int, n: int) -> DataTable:
    numbers = np.arange(first, first + n)
    columns = {
        "name": np.array([f"n{number}" * (1 + number % 3) for number in numbers], dtype="U30"),
        "number": numbers.astype(np.int64),
        "angle_deg": np.where(numbers % 4 == 0, np.nan, numbers / 7),
        "is_even": numbers % 2 == 0,
    }
    return DataTable(columns, {"angle_deg": "deg"}, {"name": "What it is called."}, {"origin": "a test"})


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_a_table_in_parts_is_the_same_as_in_one_piece(tmp_path, suffix):
    one, parts = tmp_path / f"one{suffix}", tmp_path / f"parts{suffix}"
    write_table(table(0, 100), one)
    assert write_parts(iter([table(0, 0), table(0, 30), table(30, 70)]), parts) == 100
    expected, found = read_table(one), read_table(parts)
    assert found.names == expected.names and dict(found.units) == dict(expected.units)
    for name in expected.names:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_a_table_without_rows_has_its_columns(tmp_path, suffix):
    path = tmp_path / f"none{suffix}"
    assert write_parts(iter([table(0, 0)]), path) == 0
    assert read_table(path).names == table(0, 0).names


def test_that_formats_that_need_all_rows_say_so_before_memory_is_short(tmp_path):
    drawn = 0

    def parts() -> Iterator[DataTable]:
        nonlocal drawn
        while True:
            drawn += 1
            yield table(0, 100)

    with pytest.raises(InputError, match="more than 1000 rows, and FITS needs them all"):
        write_parts(parts(), tmp_path / "much.fits", most_rows=1000)
    assert drawn == 11 and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_an_error_among_the_parts_leaves_the_file_that_was_there(tmp_path, suffix):
    path = tmp_path / f"kept{suffix}"
    write_table(table(0, 3), path)

    def parts() -> Iterator[DataTable]:
        yield table(0, 100)
        raise InputError("no more")

    with pytest.raises(InputError, match="no more"):
        write_parts(parts(), path)
    assert len(read_table(path)) == 3 and [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_that_a_place_that_cannot_be_written_is_named(tmp_path):
    path = Path(tmp_path / "no folder" / "x.csv")
    with pytest.raises(FileError, match="no folder"):
        write_parts(iter([table(0, 1)]), path)
