"""Whole tables from a TAP service that nobody here wrote: GAVO DaCHS, with HEASARC's tables and columns and its cut at 100 000
rows. Run by `make test-services`; see docs/services.md."""

from __future__ import annotations

import csv
import dataclasses
import importlib
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np
import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.core.mission import TapSource
from daxa_gui.core.table import DataTable
from daxa_gui.missions import MISSIONS
from daxa_gui.remote.tap import fetch_table
from daxa_gui.remote.tap_certificate import checksum
from daxa_gui.remote.tap_http import TapConnection
from daxa_gui.remote.tap_reply import QueryRefused, read_reply

pytestmark = pytest.mark.timeout(900)
SCRIPT = Path(__file__).with_name("dachs.sh")
ROWS = {"swiftmastr": 150_000, "xmmmaster": 17_561, "chanmaster": 23_141}
TEXTS = {
    "obsid": "", "name": "", "status": "archived observed scheduled", "detector": "ACIS-I ACIS-S HRC-I HRC-S",
    "grating": "NONE HETG LETG", "type": "GO GTO TOO DDT CAL", "data_mode": "FAINT VFAINT", "class": "", "data_in_heasarc": "Y N",
    "category": "", "subject_category": "", "pi_lname": "", "obs_type": "", "mode": "",
}  # fmt: skip
INTEGERS = frozenset({"xmm_revolution", "cycle", "target_id"})
NULL_INTEGER = -2147483648
UNITS = {"ra": "deg", "dec": "deg", "exposure": "s", "duration": "s", "xrt_exposure": "s"}


@dataclass
class Loaded:
    """A table as it was handed to the server: columns of shape (n,), NaN and empty text where it got nothing."""

    source: TapSource
    columns: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)


def heasarc_source(table: str) -> TapSource:
    """The source of a mission's declaration, in the schema that DaCHS wants."""
    sources = [source for spec in MISSIONS.values() for source in spec.sources if source.table == table]
    assert sources, f"no mission is read from {table}"
    return dataclasses.replace(sources[0], table=f"heasarc.{table}")


def made_up(table: str, n: int) -> Loaded:
    """Rows with the kinds of values that archives have: blanks, unknown numbers, quotes, commas, letters beyond ASCII."""
    rng = np.random.default_rng(n)
    loaded = Loaded(heasarc_source(table))
    for name in loaded.source.columns:
        if name == "obsid":
            values = np.char.zfill(rng.permutation(10 * n)[:n].astype(str), 10)
        elif name == "name":
            odd = ("3C ", "O'Neil, ", 'a "b" ', "é <&> ")
            values = np.array([f"{odd[i % 4]}{i % 999}" for i in range(n)])
        elif name in TEXTS:
            values = rng.choice(np.array(["", *TEXTS[name].split(), "9999"]), n)
        elif name in INTEGERS:
            values = np.where(rng.random(n) < 0.1, np.nan, rng.integers(-5, 5000, n))
        else:
            values = np.where(rng.random(n) < 0.01, np.nan, rng.uniform(-90.0, 60_000.0, n))
        loaded.columns[name] = values
    return loaded


def odd_keys() -> Loaded:
    """Keys that sort otherwise in a database that knows English than as bytes, with ties, quotes and none at all."""
    keys = ["a", "A", "b", "B", "ä", "é", "10", "9", "_x", "o'neil", "O'Neil", "a b", "a-b", "ab", ""] * 40
    source = TapSource("heasarc", "heasarc.oddkeys", "obsid", ("obsid", "exposure"), "unused:unused")
    return Loaded(source, {"obsid": np.array(keys), "exposure": np.arange(len(keys)) + 0.1})


def descriptor(loaded: Loaded, table: str) -> tuple[str, str]:
    """DaCHS's words for a table and for how it is filled."""
    columns = ""
    for name, values in loaded.columns.items():
        kind = "integer" if name in INTEGERS else "double precision"
        if values.dtype.kind == "U":
            kind = "unicode" if name in ("name", "obsid") else "text"
        null = f'<values nullLiteral="{NULL_INTEGER}"/>' if name in INTEGERS else ""
        unit = UNITS.get(name, "")
        columns += f"<column name={quoteattr(name)} type={quoteattr(kind)} unit={quoteattr(unit)}>{null}</column>\n"
    source = f'<sources pattern="data/{table}.csv"/><csvGrammar enc="utf-8"/>'
    data = f'<data id="import_{table}">{source}<make table="{table}"/></data>\n'
    return f'<table id="{table}" onDisk="True" adql="True">\n{columns}</table>\n', data


def write_inputs(folder: Path, tables: dict[str, Loaded]) -> None:
    place = folder / "inputs" / "heasarc"
    (place / "data").mkdir(parents=True)
    parts = [descriptor(loaded, table) for table, loaded in tables.items()]
    meta = {"title": "Observations", "creationDate": "2026-01-01T00:00:00Z", "description": "Made up", "subject": "x-rays"}
    (place / "q.rd").write_text(
        '<resource schema="heasarc">\n'
        + "".join(f'<meta name="{name}">{text}</meta>\n' for name, text in meta.items())
        + "".join(table for table, _ in parts)
        + "".join(data for _, data in parts)
        + "</resource>\n"
    )
    for table, loaded in tables.items():
        with (place / "data" / f"{table}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(loaded.columns)
            writer.writerows(zip(*(written(name, values) for name, values in loaded.columns.items()), strict=True))


def written(name: str, values: np.ndarray[Any, Any]) -> list[str]:
    if values.dtype.kind == "U":
        return [str(value) for value in values.tolist()]
    if name in INTEGERS:
        return ["" if value != value else str(int(value)) for value in values.tolist()]
    return ["" if value != value else repr(value) for value in values.tolist()]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    # servers of the system's own Python: not in the tests' environment. Into files: pipes would wait for what is left running.
    clean = {"PATH": os.defpath + ":/usr/sbin:/sbin", "LANG": "C.UTF-8"}
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complained:
        ended = subprocess.run([str(SCRIPT), *arguments], stdout=said, stderr=complained, env=clean, timeout=300)
        said.seek(0)
        complained.seek(0)
        return subprocess.CompletedProcess(ended.args, ended.returncode, said.read(), complained.read())


@pytest.fixture(scope="module")
def tables() -> dict[str, Loaded]:
    return {table: made_up(table, n) for table, n in ROWS.items()} | {"oddkeys": odd_keys()}


@pytest.fixture(scope="module")
def address(tables: dict[str, Loaded]) -> Iterator[str]:
    if shutil.which("dachs") is None:
        pytest.fail(f"DaCHS is not installed here: run {SCRIPT.name} install as root, or leave these tests out")
    # not pytest's folder: the user of the server must be able to enter it
    folder = Path(tempfile.mkdtemp(prefix="daxa-dachs-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        write_inputs(folder, tables)
        start_s = time.monotonic()
        started = run("start", str(folder))
        assert started.returncode == 0, started.stderr
        print(f"\nDaCHS: {sum(ROWS.values())} rows loaded and served after {time.monotonic() - start_s:.0f} s")
        yield started.stdout.strip().splitlines()[-1]
    finally:
        stopped = run("stop", str(folder))
        shutil.rmtree(folder)
        assert stopped.returncode == 0, stopped.stderr


def assert_same(got: DataTable, loaded: Loaded) -> None:
    """Every value, to the last bit, in the order of the rows' keys."""
    assert got.names == loaded.source.columns
    theirs, ours = (np.argsort(columns["obsid"], kind="stable") for columns in (got.columns, loaded.columns))
    for name, values in loaded.columns.items():
        expected = np.char.strip(values[ours]) if values.dtype.kind == "U" else values[ours]
        received = got[name][theirs]
        assert received.dtype.kind == expected.dtype.kind, name
        assert np.array_equal(received, expected, equal_nan=expected.dtype.kind == "f"), name


@pytest.mark.parametrize("table", ROWS)
def test_that_a_table_comes_whole_and_unchanged(address: str, tables: dict[str, Loaded], table: str) -> None:
    loaded = tables[table]
    start_s = time.monotonic()
    got, certificate = fetch_table(loaded.source, table, address=address)
    print(f"\n{table}: {len(got)} rows, {len(got.names)} columns in {time.monotonic() - start_s:.1f} s")
    assert_same(got, loaded)
    assert certificate.rows_expected == certificate.rows_received == ROWS[table] and certificate.complete
    assert [name for name, _ in certificate.columns] == list(loaded.source.columns)
    given = {name: np.char.strip(values) if values.dtype.kind == "U" else values for name, values in loaded.columns.items()}
    assert certificate.checksum == checksum(DataTable(given), "obsid")
    assert got.units["ra"] == "deg"


@pytest.mark.parametrize("table", ROWS)
def test_that_a_missions_own_function_understands_what_came(address: str, tables: dict[str, Loaded], table: str) -> None:
    source = tables[table].source
    got, _ = fetch_table(source, table, address=address)
    module, _, function = source.build.partition(":")
    columns = getattr(importlib.import_module(module), function)(got)
    assert {len(values) for values in columns.values()} == {ROWS[table]}
    assert {"obs_id", "ra_deg", "dec_deg", "start_mjd", "end_mjd", "unusable_reason"} <= set(columns)


def test_that_the_service_cuts_as_heasarc_does(address: str) -> None:
    import pyvo
    from pyvo.dal.exceptions import DALOverflowWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cut = pyvo.dal.TAPService(address).run_sync("SELECT TOP 140000 obsid FROM heasarc.swiftmastr")
    assert len(cut) in (100_000, 100_001), "DaCHS 2.7 sends one row more, by which it knows that it cut"
    assert any(issubclass(warning.category, DALOverflowWarning) for warning in caught)


def test_that_pages_larger_than_the_cut_do_not_lose_rows(address: str, tables: dict[str, Loaded]) -> None:
    loaded = tables["swiftmastr"]
    got, certificate = fetch_table(loaded.source, "swift", address=address, page_rows=140_000)
    assert_same(got, loaded)
    assert "SELECT TOP 70000 " in certificate.query and "at most 70000 rows" in certificate.notes[0]


@pytest.mark.parametrize("page_rows", [100, 130, 10_000])
def test_that_keys_in_the_order_of_a_language_come_whole(address: str, tables: dict[str, Loaded], page_rows: int) -> None:
    loaded = tables["oddkeys"]
    got, certificate = fetch_table(loaded.source, "swift", address=address, page_rows=page_rows)
    assert certificate.complete and len(got) == 600
    order = np.argsort(got["exposure"])
    assert got["exposure"][order].tolist() == loaded.columns["exposure"].tolist()
    assert got["obsid"][order].tolist() == loaded.columns["obsid"].tolist()


def test_that_the_page_size_changes_nothing(address: str, tables: dict[str, Loaded]) -> None:
    source = tables["xmmmaster"].source
    sums = {fetch_table(source, "xmm_pointed", address=address, page_rows=rows)[1].checksum for rows in (3_000, 99_999)}
    assert len(sums) == 1


def test_that_a_column_that_is_not_there_is_told_in_the_services_words(address: str, tables: dict[str, Loaded]) -> None:
    source = dataclasses.replace(tables["swiftmastr"].source, columns=("obsid", "no_such_column"))
    with pytest.raises(QueryRefused, match="no_such_column"):
        fetch_table(source, "swift", address=address)


def test_that_a_table_that_is_not_there_is_told_in_the_services_words(address: str, tables: dict[str, Loaded]) -> None:
    source = dataclasses.replace(tables["swiftmastr"].source, table="heasarc.no_such_table")
    with pytest.raises(QueryRefused, match="no_such_table"):
        fetch_table(source, "swift", address=address)


def test_that_a_wrong_address_of_the_right_host_is_told(address: str, tables: dict[str, Loaded]) -> None:
    with pytest.raises(TransferError, match="no such service"):
        fetch_table(tables["swiftmastr"].source, "swift", address=f"{address}/elsewhere")


def test_that_all_forms_of_a_table_say_the_same(address: str, tables: dict[str, Loaded]) -> None:
    columns = ", ".join(f'"{name}"' for name in tables["swiftmastr"].source.columns)
    query = f'SELECT TOP 50000 {columns} FROM heasarc.swiftmastr ORDER BY "obsid"'
    sums = set()
    with TapConnection(address, cancelled=lambda: False) as connection:
        for form in ("", "BINARY2", "TABLEDATA"):
            mime = f"application/x-votable+xml;serialization={form}" if form else ""
            start_s = time.monotonic()
            reply = connection.ask(query, most_rows=50_001, response_format=mime)
            asked_s = time.monotonic()
            table = read_reply(reply, connection.host)
            read_s = time.monotonic()
            sizes = f"{len(reply.body) / 1e6:.1f} MB, {asked_s - start_s:.2f} s to come, {read_s - asked_s:.2f} s to read"
            print(f"\n{form or 'as the service likes'}: {sizes}")
            assert len(table) == 50_000
            sums.add(checksum(DataTable(table.columns), "obsid"))
    assert len(sums) == 1
