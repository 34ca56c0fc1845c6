"""Tables that other programs wrote, and files that are damaged: read as what they say, or refused with the place."""

from __future__ import annotations

import base64
import gzip
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui.core.errors import FileError
from daxa_gui.core.table import DataTable
from daxa_gui.exchange import tables
from daxa_gui.exchange.table_foreign import from_astropy
from daxa_gui.exchange.tables import read_table, write_table
from tests.fakes.tables import assert_same, many_kinds


@pytest.mark.parametrize("form", ["ascii.ecsv", "votable", "votable-binary", "fits", "ascii.csv"])
def test_that_tables_of_astropy_are_read(tmp_path: Path, form: str) -> None:
    from astropy.io.votable import from_table
    from astropy.table import MaskedColumn, Table

    table = Table()
    table["name"] = ["a", "bb", ""]
    table["ra"] = MaskedColumn([1.5, 2.5, 3.5], mask=[False, True, False], unit="deg", description="where it is")
    if form != "votable-binary":  # astropy does not write missing whole numbers there
        table["n"] = MaskedColumn([1, 2, 3], mask=[False, False, True])
    table["m"] = np.array([7, 8, 9], np.int32)
    table["ok"] = [True, False, True]
    if form not in ("ascii.csv",):
        table["pair"] = np.arange(6.0).reshape(3, 2)
    path = tmp_path / "table.any"
    if form == "votable-binary":
        from_table(table).to_xml(str(path), tabledata_format="binary")
    else:
        table.write(path, format=form)
    read = read_table(path)
    assert read["name"].tolist() == ["a", "bb", ""]
    np.testing.assert_array_equal(read["ra"], [1.5, np.nan, 3.5])
    if form != "votable-binary":
        np.testing.assert_array_equal(read["n"], [1, 2, np.nan])
    assert read["m"].dtype == np.int64 and read["m"].tolist() == [7, 8, 9]
    assert read["ok"].tolist() == [True, False, True]
    if form != "ascii.csv":
        assert read.units["ra"] == "deg"
        assert read.meta["left out"] == "pair"


def test_that_times_of_astropy_become_days(tmp_path: Path) -> None:
    from astropy.table import Table
    from astropy.time import Time

    table = Table({"when": Time([51544.5, 60000.25], format="mjd"), "n": [1, 2]})
    table.write(tmp_path / "table.ecsv")
    read = read_table(tmp_path / "table.ecsv")
    assert read["n"].tolist() == [1, 2] and read["when"].tolist() == [51544.5, 60000.25]
    assert from_astropy(table)["when"].tolist() == [51544.5, 60000.25] and from_astropy(table).units == {"when": "d"}


def test_that_parquet_of_pandas_is_read(tmp_path: Path) -> None:
    import pandas

    frame = pandas.DataFrame(
        {
            "when": pandas.to_datetime(["2000-01-01T12:00:00", None]),
            "kind": pandas.Categorical(["x", "y"]),
            "n": pandas.array([1, None], dtype="Int64"),
            "ok": pandas.array([True, None], dtype="boolean"),
            "list": [[1, 2], [3]],
        }
    )
    frame.to_parquet(tmp_path / "table.parquet")
    table = read_table(tmp_path / "table.parquet")
    np.testing.assert_array_equal(table["when"], [51544.5, np.nan])
    assert table["kind"].tolist() == ["x", "y"] and table["ok"].tolist() == ["true", ""]
    np.testing.assert_array_equal(table["n"], [1, np.nan])
    assert table.meta["left out"] == "list"


CSV_CASES = [
    ("# from somewhere\na,b\n1,x\n\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
    ("a;b\n1.5;x\n;y\n", {"a": [1.5, None], "b": ["x", "y"]}),
    ("a|b\n 007 | x \n 008 | y \n", {"a": ["007", "008"], "b": ["x", "y"]}),
    ("a\tb\n+12.5\tTrue\n-07.25\tFalse\n", {"a": [12.5, -7.25], "b": [True, False]}),
    ('"a","b"\n"1","x"\n"2","y"\n', {"a": [1, 2], "b": ["x", "y"]}),  # everything is quoted: quotes say nothing
    ('"a","b"\n1,"5"\n2,"6"\n', {"a": [1, 2], "b": ["5", "6"]}),  # they tell texts from numbers
    ("\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}),
    (",b\n1,2\n", {"column_1": [1], "b": [2]}),
    ("a,b\n12345678901234567890,1e3\n1,2\n", {"a": ["12345678901234567890", "1"], "b": [1000.0, 2.0]}),
    ("a,b\ntrue,\nfalse,\n,\n", {"a": ["true", "false", ""], "b": ["", "", ""]}),
    ("a,b\n1,NaN\n2,inf\n", {"a": [1, 2], "b": [None, math.inf]}),
    ("a,b\r\n1,x\r\n", {"a": [1], "b": ["x"]}),
]


@pytest.mark.parametrize(("content", "expected"), CSV_CASES)
def test_that_csv_of_others_is_read_as_what_it_looks_like(tmp_path: Path, content: str, expected: dict[str, list[Any]]) -> None:
    path = tmp_path / "table.csv"
    path.write_text(content, encoding="utf-8", newline="")
    table = read_table(path)
    found = {name: [None if value != value else value for value in table[name].tolist()] for name in table.names}
    assert found == expected


def test_that_a_column_which_turns_out_to_be_text_late_is_text_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    cells = [f"{k}.50" for k in range(30_000)] + ["unknown"]
    path.write_text("a,b\n" + "".join(f"{cell},1\n" for cell in cells))
    assert read_table(path)["a"].tolist() == cells


BAD = [
    ("table.csv", b"", "is empty"),
    ("table.csv", b"a,b\n1,2\n3\n", "line 3: 1 cells where 2"),
    ("table.csv", b"# c\na,b\n1,2,3\n", "line 3: 3 cells where 2"),
    ("table.csv", b"a,a\n1,2\n", "two columns are called « a »"),
    ("table.csv", b'a,b\n"1,2\n', "line 2"),
    ("table.csv", b"a,b\n1,\xff\n", "not UTF-8"),
    ("table.csv", b"\x00\x01\x02", "none of the known formats"),
    ("table.csv", b"<!DOCTYPE html><html>", "web page"),
    ("table.ecsv", b"# %ECSV 1.0\n# ---\n# datatype: 5\na\n1\n", "not one of ECSV"),
    ("table.ecsv", b"# %ECSV 1.0\n# ---\n# {{{\na\n1\n", "not one of ECSV"),
    ("table.ecsv", b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\na\n1\nx\n", "not a whole number"),
    ("table.ecsv", b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: int64}\nb\n1\n", "line 5: the names"),
    ("table.ecsv", b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: a, datatype: bool}\na\n2\n", "not True or False"),
    ("table.vot", b"<VOTABLE><RESOURCE>", "line 1"),
    ("table.vot", b"<VOTABLE></VOTABLE>", "has no table"),
    ("table.vot", b"<?xml version='1.0'?><other/>", "has no table"),
    ("table.vot", b"<VOTABLE><RESOURCE><TABLE><PARAM/></TABLE></RESOURCE></VOTABLE>", "has no table"),
    ("table.vot", b'<!DOCTYPE x [<!ENTITY a "b">]><VOTABLE>&a;</VOTABLE>', "entities"),
    ("table.fits", b"SIMPLE  =                    T", "cut short"),
    ("table.parquet", b"PAR1xxxxPAR1", "Parquet"),
    ("table.csv", b"\x1f\x8b\x08\x00\x00", "cannot be unpacked"),
]


@pytest.mark.parametrize(("name", "content", "why"), BAD)
def test_that_a_bad_file_is_told_with_its_place(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError) as caught:
        read_table(tmp_path / name)
    assert why in caught.value.message and str(tmp_path / name) in caught.value.message


def test_that_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"absent\.csv cannot be read"):
        read_table(tmp_path / "absent.csv")


@pytest.mark.parametrize("suffix", [".ecsv", ".vot", ".fits", ".parquet"])
def test_that_a_file_which_is_cut_short_or_changed_never_ends_the_program(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"table{suffix}"
    write_table(many_kinds(6), path)
    whole = path.read_bytes()
    random = np.random.default_rng(5)
    refused = 0
    for trial in range(120):
        content = bytearray(whole[: random.integers(1, len(whole))] if trial % 2 else whole)
        for position in random.integers(0, len(content), 3):
            content[position] = random.integers(0, 256)
        path.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                read_table(path)
        except FileError:
            refused += 1
    assert refused > 30


def test_that_rows_of_a_votable_that_are_cut_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.vot"
    write_table(DataTable({"a": np.arange(10.0)}), path)
    text = path.read_text()
    start, end = text.index(">", text.index("<STREAM")) + 1, text.index("</STREAM")
    rows = base64.b64decode(text[start:end])
    path.write_text(text[:start] + base64.b64encode(rows[:-4]).decode() + text[end:])
    with pytest.raises(FileError, match="last row is incomplete"):
        read_table(path)


def test_that_the_error_of_a_service_is_told(tmp_path: Path) -> None:
    path = tmp_path / "table.vot"
    path.write_text(
        '<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE type="results">'
        '<INFO name="QUERY_STATUS" value="ERROR">no such table: xyz</INFO><TABLE><FIELD name="a" datatype="int"/>'
        "<DATA><TABLEDATA></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )
    with pytest.raises(FileError, match="no such table: xyz"):
        read_table(path)


VOTABLE = """<?xml version="1.0"?>
<vot:VOTABLE version="1.4" xmlns:vot="http://www.ivoa.net/xml/VOTable/v1.3"><vot:RESOURCE type="results">
<vot:INFO name="QUERY_STATUS" value="OK"/><vot:PARAM name="p" datatype="char" arraysize="72x11" value="x"/>
<vot:TABLE><vot:DESCRIPTION>Not of a column</vot:DESCRIPTION><vot:GROUP><vot:DESCRIPTION>Nor this</vot:DESCRIPTION></vot:GROUP>
<vot:FIELD name="n" datatype="int"><vot:VALUES null="-99"/></vot:FIELD>
<vot:FIELD name="m" datatype="short"/>
<vot:FIELD name="x" datatype="float" unit="deg"><vot:DESCRIPTION>Where</vot:DESCRIPTION></vot:FIELD>
<vot:FIELD name="t" datatype="char" arraysize="*"/><vot:FIELD name="b" datatype="boolean"/>
<vot:FIELD name="v" datatype="double" arraysize="2"/>
<vot:DATA><vot:TABLEDATA>
<vot:TR><vot:TD>1</vot:TD><vot:TD>0x1F</vot:TD><vot:TD>1.5</vot:TD>
<vot:TD>a &lt; b&#233;  </vot:TD><vot:TD>T</vot:TD><vot:TD>1 2</vot:TD></vot:TR>
<vot:TR><vot:TD>-99</vot:TD><vot:TD>7</vot:TD><vot:TD/><vot:TD></vot:TD><vot:TD>false</vot:TD><vot:TD/></vot:TR>
<vot:TR><vot:TD/><vot:TD>8</vot:TD><vot:TD>-Inf</vot:TD><vot:TD><![CDATA[<c>]]></vot:TD><vot:TD>0</vot:TD><vot:TD/></vot:TR>
</vot:TABLEDATA></vot:DATA></vot:TABLE><vot:INFO name="QUERY_STATUS" value="OVERFLOW"/>
<vot:TABLE><vot:FIELD name="second" datatype="int"/></vot:TABLE></vot:RESOURCE></vot:VOTABLE>"""


def test_that_a_votable_of_cells_is_read_as_the_standard_says(tmp_path: Path) -> None:
    path = tmp_path / "table.xml"
    path.write_text(VOTABLE, encoding="utf-8")
    table = read_table(path)
    np.testing.assert_array_equal(table["n"], [1, np.nan, np.nan])
    assert table["m"].tolist() == [31, 7, 8] and table["m"].dtype == np.int64
    np.testing.assert_array_equal(table["x"], [1.5, np.nan, -np.inf])
    assert table["t"].tolist() == ["a < bé", "", "<c>"] and table["b"].tolist() == [True, False, False]
    assert dict(table.units) == {"x": "deg"} and dict(table.descriptions) == {"x": "Where"}
    assert dict(table.meta) == {"QUERY_STATUS": "OVERFLOW", "left out": "v"}
    path.write_text(VOTABLE.replace("<vot:TD>8</vot:TD>", "<vot:TD>8.5</vot:TD>"), encoding="utf-8")
    with pytest.raises(FileError, match="a cell of « m » is not of its type"):
        read_table(path)
    path.write_text(VOTABLE.replace("<vot:TD>8</vot:TD>", ""), encoding="utf-8")
    with pytest.raises(FileError, match="line 14: 5 cells where 6"):
        read_table(path)


def test_that_our_reading_of_cells_agrees_with_astropy(tmp_path: Path) -> None:
    from astropy.table import Table

    table = many_kinds().rows(np.arange(4, 50))
    texts = np.array([text.strip() for text in table["text"].tolist()])
    Table({**table.columns, "text": texts}).write(tmp_path / "table.vot", format="votable")
    read = read_table(tmp_path / "table.vot")
    for name in table.names:
        np.testing.assert_array_equal(read[name], texts if name == "text" else table[name], name)


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot", ".fits"])
def test_that_gzipped_files_are_read(tmp_path: Path, suffix: str) -> None:
    write_table(many_kinds(), tmp_path / f"table{suffix}")
    packed = tmp_path / f"table{suffix}.gz"
    packed.write_bytes(gzip.compress((tmp_path / f"table{suffix}").read_bytes()))
    assert_same(many_kinds(), read_table(packed))


def test_that_a_file_which_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LARGEST_BYTES", 2**20)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"0" * 2**22))
    with pytest.raises(FileError, match="unpacks to more"):
        read_table(tmp_path / "bomb.csv.gz")
    (tmp_path / "large.csv").write_bytes(b"a,b\n" + b"0" * 2**21)
    with pytest.raises(FileError, match="more than"):
        read_table(tmp_path / "large.csv")
