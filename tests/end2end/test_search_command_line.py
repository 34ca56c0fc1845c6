"""Searching on the command line: what is printed, exported and refused, on catalogues that the test imports."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui.cli import main
from daxa_gui.exchange.tables import read_table
from daxa_gui.missions import MISSIONS
from tests.end2end import test_catalogue_updates as updates
from tests.fakes.misbehaving_tap import MisbehavingTap

Answer = tuple[int, str, str]
SUZAKU, XRISM = 400, 60
SUFFIXES = ("csv", "ecsv", "vot", "fits", "parquet")


@pytest.fixture
def cli(tmp_path: Path, own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Callable[..., Answer]:
    """Run a command here; its exit code and what it printed."""
    monkeypatch.setenv("DAXA_GUI_CACHE", str(tmp_path / "cache"))

    def run(*arguments: object) -> Answer:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as error:
            code = int(str(error.code))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def found(cli: Callable[..., Answer], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Run a command with --json on catalogues of Suzaku and XRISM around (10°, 20°)."""
    random = np.random.default_rng(3)
    for mission, n, first, used in (
        ("suzaku", SUZAKU, 100_000_000, "XIS0 XIS1"),
        ("xrism_pointed", XRISM, 300_000_000, "RESOLVE"),
    ):
        lines = ["obs_id,ra_deg,dec_deg,start_utc,end_utc,exposure_s,target,instruments"]
        for k, (ra, dec) in enumerate(zip(random.normal(10, 0.6, n).tolist(), random.normal(20, 0.6, n).tolist(), strict=True)):
            lines.append(f"{first + k},{ra!r},{dec!r},2010-01-01,2010-01-02,{1000 * k},Object {k},{used}")
        path = tmp_path / f"{mission}.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        assert cli("catalogue", "import", path, "--mission", mission)[0] == 0

    def run(*arguments: object) -> dict[str, Any]:
        code, out, err = cli(*arguments, "--json")
        assert code == 0, err
        document: dict[str, Any] = json.loads(out)
        return document

    return run


BOTH = ("--mission", "suzaku", "--mission", "xrism_pointed")


def separations(ra: float, dec: float, rows: list[dict[str, Any]]) -> np.ndarray:
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    there = SkyCoord([row["ra_deg"] for row in rows] * u.deg, [row["dec_deg"] for row in rows] * u.deg)
    return np.asarray(SkyCoord(ra * u.deg, dec * u.deg).separation(there).deg)


def test_that_observations_near_a_position_come_with_their_distance_the_nearest_first(found):
    everything = found("find", *BOTH)["observations"]
    assert len(everything) == SUZAKU + XRISM
    near = found("find", "--near", "10 20", "--radius", "30arcmin", *BOTH)
    apart = dict(zip([row["obs_id"] for row in everything], separations(10, 20, everything), strict=True))
    assert {row["obs_id"] for row in near["observations"]} == {key for key, deg in apart.items() if deg <= 0.5}
    assert near["count"] == len(near["observations"]) > 50
    for mission in ("suzaku", "xrism_pointed"):
        shown = [row["separation_deg"] for row in near["observations"] if row["mission"] == mission]
        assert shown == sorted(shown)
    for row in near["observations"]:
        assert row["separation_deg"] == pytest.approx(apart[row["obs_id"]], abs=1e-9) and row["public"] is True


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_found_observations_are_exported_in_every_format(found, tmp_path, suffix):
    search = ("find", "--near", "10 20", "--radius", "30arcmin", *BOTH)
    expected = found(*search)["observations"]
    path = tmp_path / f"observations.{suffix}"
    answer = found(*search, "--export", path)
    assert (answer["count"], answer["file"]) == (len(expected), str(path))
    table = read_table(path)
    exported = set(zip(table["mission"].tolist(), map(str, table["obs_id"].tolist()), table["ra_deg"].tolist(), strict=True))
    assert exported == {(row["mission"], row["obs_id"], row["ra_deg"]) for row in expected}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_that_exported_pairs_are_those_that_are_printed(found, tmp_path, suffix):
    sample = tmp_path / "sample.csv"
    sample.write_text("name,ra,dec\none,10,20\nfar,200,-20\ntwo,10.5,20.5\n", encoding="utf-8")
    search = ("find", "--sample", sample, "--radius", "20arcmin", *BOTH)
    printed = found(*search)
    path = tmp_path / f"pairs.{suffix}"
    written = found(*search, "--export", path)
    table = read_table(path)
    exported = set(zip(table["mission"].tolist(), table["position"].tolist(), map(str, table["obs_id"].tolist()), strict=True))
    pairs = set()
    for mission, document in printed["missions"].items():
        listed = {(mission, p["index"], m["obs_id"]) for p in document["positions"] for m in p["matches"]}
        pairs |= listed
        counted = {key: document[key] for key in ("sample_size", "matched_positions", "observations", "pairs")}
        assert written["missions"][mission] == counted
        assert counted["sample_size"] == 3 and counted["matched_positions"] == 2 and counted["pairs"] == len(listed)
        assert counted["observations"] == len({obs_id for _, _, obs_id in listed})
    assert exported == pairs and len(pairs) == len(table)


def test_that_nothing_found_for_a_sample_is_a_whole_document_and_a_table_with_columns(found, tmp_path):
    sample = tmp_path / "sample.csv"
    sample.write_text("ra,dec\n200,-20\n", encoding="utf-8")
    document = found("find", "--sample", sample, *BOTH)["missions"]["suzaku"]
    assert document == {"positions": [], "sample_size": 1, "matched_positions": 0, "observations": 0, "pairs": 0}
    found("find", "--sample", sample, *BOTH, "--export", tmp_path / "none.parquet")
    table = read_table(tmp_path / "none.parquet")
    assert len(table) == 0 and "separation_deg" in table.names


def test_that_counts_tell_what_each_filter_leaves(found, cli):
    search = ("find", "--near", "10 20", "--radius", "30arcmin", "--min-exposure", "30ks", "--counts", *BOTH)
    near = found("find", "--near", "10 20", "--radius", "30arcmin", *BOTH)["observations"]
    answer = found(*search)["missions"]
    for mission, total in (("suzaku", SUZAKU), ("xrism_pointed", XRISM)):
        rows = [row for row in near if row["mission"] == mission]
        assert answer[mission] == {"total": total, "after": [len(rows), sum(row["exposure_s"] >= 30000 for row in rows)]}
    assert "AFTER (2)" in cli(*search)[1]


def test_that_why_names_the_first_filter_in_the_way(found):
    far = found("find", "--near", "10 20", "--radius", "180deg", *BOTH)["observations"][SUZAKU - 1]
    search = ("find", "--near", "10 20", "--min-exposure", "1s", "--radius")
    answer = found(*search, "0.01deg", "--why", far["obs_id"])
    assert answer["missions"][0]["first_obstacle"] == 0
    changed = answer["missions"][0]["filters"][0]["changed_filter"]["radius_deg"]
    assert found(*search, f"{changed}deg", "--why", far["obs_id"])["missions"][0]["first_obstacle"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--instrument", "FOO"], "no .*« FOO »|None of .*« FOO »"),
        (["--near", "10 20", "--radius", "XIS0=1deg,NOPE=2deg"], "« NOPE »"),
        (["--near", "10 20", "--radius", "footprint:NOPE"], "« NOPE »"),
        (["--near", "10 20", "--radius", "footprint:"], "names no instrument"),
        (["--near", "10 20", "--radius", "own"], "distances of their own"),
        (["--obs-ids", "100000001 12x"], "« 12X »"),
        (["--near", "400 20"], "400°"),
        (["--near", "10 20", "--radius", "3parsec"], "3parsec"),
        (["--from", "2020-01-01", "--to", "2019-01-01"], "before it starts"),
        (["--counts", "--why", "100000001"], "different things"),
        (["--export", "observations.docx"], "does not say a format"),
        (["--sample", "SAMPLE", "--radius", "own"], "distances of their own"),
        (["--sample", "SAMPLE", "--export", "pairs.docx"], "does not say a format"),
    ],
)
def test_that_wrong_usage_is_a_sentence_and_two(found, cli, tmp_path, monkeypatch, arguments, words):
    sample = tmp_path / "sample.csv"
    sample.write_text("ra,dec\n10,20\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, err = cli("find", *BOTH, *(str(sample) if part == "SAMPLE" else part for part in arguments))
    assert code == 2 and out == ""
    assert re.search(words, err) and len(err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_that_instruments_may_be_called_by_their_other_names(found):
    alias = next((one.name, one.aliases[0]) for one in MISSIONS["xmm_pointed"].instruments if one.aliases)
    (row,) = found("find", "--instrument", alias[1].lower(), "--mission", "xmm_pointed")["filters"]
    assert row["filter"]["instruments"] == [alias[0]]


def test_that_obs_ids_that_nobody_has_are_named(found, cli):
    answer = found("find", *BOTH, "--obs-ids", "100000001, 999999999")
    assert [row["obs_id"] for row in answer["observations"]] == ["100000001"]
    assert answer["unknown_obs_ids"] == ["999999999"]
    assert "999999999" in cli("find", *BOTH, "--obs-ids", "100000001, 999999999")[2]


def test_that_a_damaged_catalogue_is_not_taken_for_a_sky_without_observations(found, cli, tmp_path):
    (column,) = (tmp_path / "cache" / "catalogues" / "suzaku").glob("*/column-001.npy")
    content = bytearray(column.read_bytes())
    content[-5] ^= 255
    column.write_bytes(content)
    code, out, _ = cli("catalogue", "verify")
    assert code == 1 and "suzaku" in out and "checksum" in out and "xrism_pointed: every byte" in out
    os.truncate(column, 100)
    answer = found("find", "--near", "10 20", *BOTH)
    assert list(answer["missing"]) == ["suzaku"] and "damaged" in answer["missing"]["suzaku"]
    assert "damaged" in cli("find", "--near", "10 20", *BOTH)[2]
    assert cli("catalogue", "verify")[0] == 1


def test_that_a_catalogue_that_is_not_there_is_not_exported_and_an_empty_one_not_imported(found, cli, tmp_path):
    code, _, err = cli("catalogue", "export", "chandra", tmp_path / "chandra.fits")
    assert code == 2 and "no catalogue of Chandra" in err and not (tmp_path / "chandra.fits").exists()
    (tmp_path / "empty.csv").write_text("obs_id,ra_deg,dec_deg\n", encoding="utf-8")
    code, _, err = cli("catalogue", "import", tmp_path / "empty.csv", "--mission", "suzaku")
    assert code == 1 and "no observations" in err
    assert found("find", "--mission", "suzaku")["count"] == SUZAKU


def test_that_a_terminal_that_knows_ascii_only_is_no_reason_to_fail(found, tmp_path):
    (tmp_path / "greek.csv").write_text('obs_id,ra_deg,dec_deg,target\n100000001,10,20,"δ Ori \x1b[2J\x9b"\n', encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "daxa_gui", *arguments], env=environment, capture_output=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode("ascii")

    run("catalogue", "import", str(tmp_path / "greek.csv"), "--mission", "suzaku")
    assert "Ori" in run("find", "--mission", "suzaku") and "\x1b" not in run("find", "--mission", "suzaku")
    assert json.loads(run("find", "--mission", "suzaku", "--json"))["observations"][0]["target"] == "δ Ori \x1b[2J\x9b"


# ---- updates that are disturbed


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Any:
    columns = dict.fromkeys(MISSIONS["suzaku"].sources[0].columns, "char") | updates.COLUMNS
    monkeypatch.setattr(updates, "COLUMNS", columns)
    with MisbehavingTap(updates.suzaku([updates.row(n) for n in range(300)])) as tap:
        yield tap


def start_update(cache: Path, service: MisbehavingTap, **options: Any) -> subprocess.Popen[str]:
    environment = {**os.environ, "DAXA_GUI_CACHE": str(cache), "DAXA_GUI_HEASARC_TAP": service.address}
    command = [sys.executable, "-m", "daxa_gui", "catalogue", "update", "suzaku"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def rows_in(cache: Path, cli: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setenv("DAXA_GUI_CACHE", str(cache))
    (status,) = json.loads(cli("catalogue", "status", "suzaku", "--json")[1])["catalogues"]
    return status["rows"], status["problem"]


def test_that_a_killed_update_leaves_the_last_good_catalogue(service, cli, monkeypatch, tmp_path, own_home):
    with start_update(tmp_path / "c", service) as first:
        assert first.communicate(timeout=100)[1] == "" and first.returncode == 0
    updates.replace_rows(service, [updates.row(n) for n in range(290, 700)])
    asked = len(service.queries)
    reached, go_on = threading.Event(), threading.Event()

    def hold(number: int, query: str) -> None:
        if number > asked + 1:  # the count was answered, the first page is on its way
            reached.set()
            go_on.wait(30)

    service.before_query = hold
    with start_update(tmp_path / "c", service) as second:
        assert reached.wait(60)
        second.send_signal(signal.SIGKILL)
        second.wait(30)
        go_on.set()
    assert rows_in(tmp_path / "c", cli, monkeypatch) == (300, "")
    assert cli("catalogue", "verify")[0] == 0


def no_large_files() -> None:
    """As on a disk that is full: what is longer than this cannot be written."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def test_that_a_full_disk_leaves_the_last_good_catalogue_and_no_remains(service, cli, monkeypatch, tmp_path, own_home):
    with start_update(tmp_path / "c", service) as first:
        assert first.communicate(timeout=100)[1] == ""
    updates.replace_rows(service, [updates.row(n) for n in range(310)])
    before = sorted(str(path) for path in (tmp_path / "c" / "catalogues").rglob("*"))
    with start_update(tmp_path / "c", service, preexec_fn=no_large_files) as second:
        _, err = second.communicate(timeout=100)
    assert second.returncode == 1 and "cannot be kept" in err and "Traceback" not in err
    assert sorted(str(path) for path in (tmp_path / "c" / "catalogues").rglob("*")) == before
    assert rows_in(tmp_path / "c", cli, monkeypatch) == (300, "")
    done = subprocess.run(
        [sys.executable, "-m", "daxa_gui", "catalogue", "export", "suzaku", str(tmp_path / "x.csv")],
        env=dict(os.environ), capture_output=True, text=True, timeout=100, check=False, preexec_fn=no_large_files,
    )  # fmt: skip
    assert done.returncode == 1 and "x.csv cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert not [path for path in tmp_path.iterdir() if "x.csv" in path.name]


def test_that_two_programs_may_update_at_once(service, cli, monkeypatch, tmp_path, own_home):
    both = [start_update(tmp_path / "c", service) for _ in range(2)]
    for process in both:
        with process:
            assert process.communicate(timeout=100)[1] == "" and process.returncode == 0
    assert rows_in(tmp_path / "c", cli, monkeypatch) == (300, "")
    assert cli("catalogue", "verify")[0] == 0


def test_that_working_offline_asks_nobody(service, tmp_path, own_home, monkeypatch):
    monkeypatch.setenv("DAXA_GUI_WORK_OFFLINE", "true")
    with start_update(tmp_path / "c", service) as process:
        _, err = process.communicate(timeout=100)
    assert process.returncode == 2 and "offline" in err and service.queries == []


def test_that_an_unknown_field_is_named_with_the_known_ones(cli):
    code, _, complaint = cli("find", "--field", "Crab Nebulous", "--counts")
    assert code == 2
    assert "Crab Nebulous" in complaint and "Crab II" in complaint
    assert cli("find", "--field", "crab", "--field", "47 TUC", "--counts")[0] == 0


def test_that_a_category_that_no_catalogue_has_is_refused_where_some_have_any(cli, tmp_path):
    path = tmp_path / "suzaku.csv"
    path.write_text("obs_id,ra_deg,dec_deg,category\n100000001,10,20,Clusters\n", encoding="utf-8")
    assert cli("find", "--category", "Clustres", "--counts")[0] == 0  # nothing is known of any category yet
    assert cli("catalogue", "import", path, "--mission", "suzaku")[0] == 0
    code, _, complaint = cli("find", "--category", "Clustres", "--counts")
    assert code == 2 and "Clusters" in complaint
    assert cli("find", "--category", "Clusters", "--counts")[0] == 0


def test_that_a_position_from_a_coarse_name_is_said_to_be_coarse(cli):
    code, _, remark = cli("find", "--near", "PSR J0534+22", "--radius", "1deg", "--counts")
    assert code == 0 and "gives it to" in remark
    assert "gives it to" not in cli("find", "--near", "83.6 22.0", "--radius", "1deg", "--counts")[2]
