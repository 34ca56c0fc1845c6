"""Tables in files: what is written is what is read, other programs read it too, and damage is told with its place."""

from __future__ import annotations

import csv
import io
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from daxa_gui.core.errors import FileError, InputError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.tables import FORMATS, read_table, write_table
from tests.fakes.tables import assert_same, many_kinds

SUFFIXES = sorted(FORMATS)
WITH_NOTES = [suffix for suffix in SUFFIXES if suffix != ".csv"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_every_value_comes_back_bit_by_bit(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    write_table(many_kinds(), path)
    assert_same(many_kinds(), read_table(path))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", WITH_NOTES)
def test_that_units_descriptions_and_texts_about_the_table_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    write_table(many_kinds(), path)
    table, original = read_table(path), many_kinds()
    assert dict(table.units) == original.units
    assert dict(table.descriptions) == original.descriptions
    assert dict(table.meta) == original.meta


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_a_table_without_rows_and_one_with_a_single_column_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    write_table(many_kinds().rows(np.zeros(50, bool)), path)
    assert read_table(path).names == many_kinds().names and len(read_table(path)) == 0
    for column in (np.array([math.nan, 1.0]), np.array(["", "a"]), np.array([True, False])):
        write_table(DataTable({"only": column}), path)
        assert_same(DataTable({"only": column}), read_table(path))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_a_long_table_comes_back(tmp_path: Path, suffix: str) -> None:
    n = 45_001  # more than are looked at at a time
    kinds = np.arange(n)
    columns = {"n": kinds, "late": np.where(kinds == n - 1, 0.5, np.nan), "id": np.array([f"{k}" for k in range(n)])}
    write_table(DataTable(columns), tmp_path / f"table{suffix}")
    assert_same(DataTable(columns), read_table(tmp_path / f"table{suffix}"))


# What every format can hold: FITS and VOTable end texts at NUL, no format holds halves of surrogates.
ANY_TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
COLUMNS = st.integers(1, 6).flatmap(
    lambda n: st.lists(
        st.one_of(
            st.lists(ANY_TEXT, min_size=n, max_size=n).map(lambda values: np.array(values, str)),
            st.lists(st.floats(allow_nan=True), min_size=n, max_size=n).map(lambda values: np.array(values, float)),
            st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n).map(lambda values: np.array(values, np.int64)),
            st.lists(st.booleans(), min_size=n, max_size=n).map(lambda values: np.array(values, bool)),
        ),
        min_size=1,
        max_size=4,
    )
)


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot", ".fits", ".parquet"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=COLUMNS)
def test_that_any_table_comes_back(tmp_path: Path, suffix: str, columns: list[Any]) -> None:
    table = DataTable({f"c{number}": column for number, column in enumerate(columns)})
    # quotes around texts say who wrote a CSV file; in one without texts nothing tells unknown numbers from empty texts
    unknown = [column for column in columns if column.dtype.kind == "f" and np.isnan(column).all()]
    assume(suffix != ".csv" or not unknown or any(column.dtype.kind == "U" for column in columns))
    write_table(table, tmp_path / f"table{suffix}")
    assert_same(table, read_table(tmp_path / f"table{suffix}"))


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot", ".fits"])
def test_that_astropy_reads_what_is_written(tmp_path: Path, suffix: str) -> None:
    from astropy.table import QTable, Table

    original = many_kinds().rows(np.arange(4, 50))
    path = tmp_path / f"table{suffix}"
    write_table(original, path)
    form = {".csv": "ascii.csv", ".ecsv": "ascii.ecsv", ".vot": "votable", ".fits": "fits"}[suffix]
    options = {"converters": {"obs_id": str}} if suffix == ".csv" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("error" if suffix != ".fits" else "default")
        table = Table.read(path, format=form, **options)
    assert tuple(table.colnames) == original.names and type(table) is Table and not isinstance(table, QTable)
    assert len(table) == len(original)
    assert [str(text) for text in table["obs_id"]] == original["obs_id"].tolist()
    np.testing.assert_array_equal(np.ma.filled(table["number"], np.nan), original["number"])
    np.testing.assert_array_equal(table["count"], original["count"])
    if suffix != ".csv":
        assert table["ra_deg"].unit.to_string() == "deg" and table["number"].unit.to_string() == "s"
        assert table["good"].dtype == bool
    if suffix != ".fits":
        texts = [str(text) if text is not np.ma.masked else "" for text in table["text"]]
        assert [text.strip() for text in texts] == [text.strip() for text in original["text"].tolist()]


def test_that_pandas_and_pyarrow_read_what_is_written(tmp_path: Path) -> None:
    import pandas
    import pyarrow.parquet

    original = many_kinds()
    write_table(original, tmp_path / "table.parquet")
    write_table(original, tmp_path / "table.csv")
    frame = pandas.read_parquet(tmp_path / "table.parquet")
    assert frame["text"].tolist() == original["text"].tolist()
    field = pyarrow.parquet.read_schema(tmp_path / "table.parquet").field("ra_deg")
    assert field.metadata[b"unit"] == b"deg" and "ascension" in field.metadata[b"description"].decode()
    frame = pandas.read_csv(tmp_path / "table.csv", dtype={"obs_id": str}, float_precision="round_trip")
    np.testing.assert_array_equal(frame["number"].to_numpy(), original["number"])
    assert frame["obs_id"].tolist() == original["obs_id"].tolist()


def test_that_csv_is_what_rfc_4180_says(tmp_path: Path) -> None:
    write_table(many_kinds(), tmp_path / "table.csv")
    content = (tmp_path / "table.csv").read_bytes()
    assert content.startswith(b"obs_id,plain_id,") and content.endswith(b"\r\n")
    records = list(csv.reader(io.StringIO(content.decode("utf-8"), newline=""), strict=True))
    assert {len(record) for record in records} == {len(many_kinds().names)} and len(records) == 51


def test_that_what_cannot_be_written_is_told_and_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_table(many_kinds(), path)
    for bad in (DataTable({}), DataTable({"a": np.array(["\ud800"])})):
        for suffix in SUFFIXES:
            if suffix in (".fits", ".fit") and bad.columns:
                continue  # FITS holds it in escaped form
            with pytest.raises(InputError):
                write_table(bad, path.with_suffix(suffix))
    assert_same(many_kinds(), read_table(path))
    with pytest.raises(InputError, match="does not say a format"):
        write_table(many_kinds(), tmp_path / "table.dat")
    with pytest.raises(InputError, match="not a format"):
        write_table(many_kinds(), tmp_path / "table.dat", "excel")
    with pytest.raises(FileError, match="cannot be written"):
        write_table(many_kinds(), tmp_path / "absent" / "table.csv")
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot", ".fits", ".parquet"])
def test_that_odd_names_of_columns_come_back(tmp_path: Path, suffix: str) -> None:
    names = ["two words", "a,b", 'say "a"', "# one", "<b>&", " blank", *(["Ω"] if suffix != ".fits" else [])]
    table = DataTable({name: np.array([1.5, 2.5]) for name in names})
    write_table(table, tmp_path / f"table{suffix}")
    assert [name.strip() for name in read_table(tmp_path / f"table{suffix}").names] == [name.strip() for name in names]


def test_that_names_which_fits_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ASCII"):
        write_table(DataTable({"Ω": np.zeros(1), "Σ": np.zeros(1)}), tmp_path / "table.fits")


def test_that_cells_which_are_empty_at_first_do_not_change_the_texts_behind_them(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,b\n" + "1,\n" * 25_000 + "2,late\n")
    assert read_table(path)["b"].tolist() == [""] * 25_000 + ["late"]


def test_that_the_format_may_be_named(tmp_path: Path) -> None:
    write_table(many_kinds(), tmp_path / "table.dat", "votable")
    assert (tmp_path / "table.dat").read_text().startswith("<?xml")
    assert_same(many_kinds(), read_table(tmp_path / "table.dat"))


def test_that_fits_is_standard(tmp_path: Path) -> None:
    from astropy.io import fits

    path = tmp_path / "table.fits"
    write_table(many_kinds(), path)
    with fits.open(path, checksum=True) as file:
        file.verify("exception")
        assert [unit.name for unit in file[1:]] == ["TABLE", "META"]
        assert file[1].header["TXESC7"] is True and "TXESC1" not in file[1].header
    assert path.read_bytes().isascii() is False  # numbers; but no text is
    with fits.open(path) as file:
        raw = file[1].data.view(np.ndarray)
        assert all(value.isascii() for name in ("obs_id", "text") for value in raw[name].tolist())
