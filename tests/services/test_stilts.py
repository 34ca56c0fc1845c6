"""STILTS, which nobody here wrote, reads exported catalogues and agrees with us. Debian: stilts, starlink-ecsv-java."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from daxa_gui.catalogues.as_table import to_table
from daxa_gui.catalogues.build import catalogue_from
from daxa_gui.core.certificate import Certificate
from daxa_gui.core.table import DataTable
from daxa_gui.exchange.tables import read_table, write_table
from daxa_gui.missions import MISSIONS

MISSING = "stilts is not installed (Debian: stilts starlink-ecsv-java)"
pytestmark = pytest.mark.skipif(shutil.which("stilts") is None, reason=MISSING)
ROWS = 5000
TYPES = {"f": "Double", "i": "Long", "b": "Boolean", "U": "String"}


def exported(mission: str = "swift") -> DataTable:
    spec = MISSIONS[mission]
    random = np.random.default_rng(7)
    columns = {
        "obs_id": np.array([f"{number:011d}" for number in range(ROWS)]),
        "ra_deg": random.uniform(0, 360, ROWS),
        "dec_deg": np.where(random.random(ROWS) < 0.01, np.nan, random.uniform(-90, 90, ROWS)),
        "start_mjd": random.uniform(53000, 60000, ROWS),
        "exposure_s": random.exponential(3000, ROWS),
        "target": random.choice(np.array(['GRB "A", B', "Ω Cen ☉", "", "SN 1987A", "a <b> & c"]), ROWS),
        "target_type": random.choice(np.array(["AGN", "GCL", ""]), ROWS),
        "instruments": random.choice(np.array(["XRT", "XRT UVOT"]), ROWS),
        "public_mjd": random.choice(np.array([np.nan, np.inf, 59000.0]), ROWS),
        "unusable_reason": random.choice(np.array(["", "no exposure"]), ROWS),
        "bat_exposure_s": random.exponential(100, ROWS),
        "orbits": random.integers(-5, 2**40, ROWS),
    }
    catalogue = catalogue_from(spec, columns, provenance="Made for « a test » & nothing else.")
    query = 'SELECT "x" FROM y WHERE a < 5'
    certificate = Certificate(mission, "http://127.0.0.1/tap", "t", query, ROWS, ROWS, (("ra", "deg"),), 60000.0, "ab")
    return to_table(catalogue, spec, certificate)


def stilts(*arguments: str) -> str:
    result = subprocess.run(["stilts", *arguments], capture_output=True, check=False, timeout=120)
    assert result.returncode == 0, result.stderr.decode("utf-8", "replace")
    return result.stdout.decode("utf-8")


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "vot", "fits"])
def test_that_stilts_agrees_on_rows_columns_and_units(tmp_path: Path, suffix: str) -> None:
    table = exported()
    path = tmp_path / f"catalogue.{suffix}"
    write_table(table, path)
    assert f"columns: {len(table.names)}   rows: {ROWS}" in stilts("tpipe", f"in={path}", "omode=count")
    stilts("tpipe", f"in={path}", "cmd=meta", f"out={tmp_path / 'meta.csv'}", "ofmt=csv")
    meta = read_table(tmp_path / "meta.csv")
    assert tuple(meta["Name"].tolist()) == table.names
    if suffix == "csv":
        return  # has neither units nor types
    expected = [TYPES[table[name].dtype.kind] for name in table.names]
    assert meta["Class"].tolist() == expected
    assert meta["Units"].tolist() == [table.units.get(name, "") for name in table.names]
    described = dict(zip(table.names, meta["Description"].tolist(), strict=True))
    assert described["ra_deg"] == table.descriptions["ra_deg"]


@pytest.mark.parametrize("suffix", ["csv", "ecsv", "vot", "fits"])
def test_that_stilts_reads_the_values_that_were_written(tmp_path: Path, suffix: str) -> None:
    table = exported()
    path = tmp_path / f"catalogue.{suffix}"
    write_table(table, path)
    stilts("tcopy", f"in={path}", f"out={tmp_path / 'copy.vot'}", "ofmt=votable")
    copy = read_table(tmp_path / "copy.vot")
    assert [int(text) for text in copy["obs_id"].tolist()] == list(range(ROWS))
    for name in ("ra_deg", "dec_deg", "exposure_s", "public_mjd", "orbits"):
        np.testing.assert_array_equal(copy[name].astype(float), table[name].astype(float))
    if suffix == "vot":
        assert copy["target"].tolist() == table["target"].tolist()
    elif suffix != "fits":  # where it is in ASCII; this version of STILTS takes each byte of a text file for a character
        assert [text.encode("latin-1").decode() for text in copy["target"].tolist()] == table["target"].tolist()
    if suffix != "csv":
        assert copy["obs_id"].tolist() == table["obs_id"].tolist()
        assert copy["public_date_unknown"].tolist() == table["public_date_unknown"].tolist()


@pytest.mark.parametrize("form", ["votable", "votable-binary-inline", "votable-tabledata", "fits", "csv", "ecsv"])
def test_that_what_stilts_writes_is_read_here(tmp_path: Path, form: str) -> None:
    table = exported()
    write_table(table, tmp_path / "catalogue.vot")
    stilts("tcopy", f"in={tmp_path / 'catalogue.vot'}", f"out={tmp_path / 'copy'}", f"ofmt={form}")
    copy = read_table(tmp_path / "copy")
    assert copy.names == table.names
    for name in ("obs_id", "instruments", "unusable_reason"):
        assert copy[name].tolist() == table[name].tolist(), name
    for name in ("ra_deg", "dec_deg", "exposure_s", "public_mjd"):
        np.testing.assert_array_equal(copy[name], table[name])
    assert copy["orbits"].tolist() == table["orbits"].tolist()


def test_that_votlint_has_nothing_to_say(tmp_path: Path) -> None:
    write_table(exported(), tmp_path / "catalogue.vot")
    assert stilts("votlint", f"votable={tmp_path / 'catalogue.vot'}").strip() == ""  # it ends well whatever it finds
