"""Wrong usage, places that cannot be written, archives that are interrupted: sentences, exit codes, and nothing half done."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.event_files import simple_list

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def swift_list(tmp_path: Path) -> Path:
    """A small list of a known mission without sky coordinates."""
    return simple_list(tmp_path / "list.evt", [1.0, 2.0, 3.0], telescope="SWIFT", keywords={"INSTRUME": "XRT"})


@pytest.mark.parametrize(
    "arguments",
    [("find", "--inside"), ("find", "--obs-ids", ""), ("find", "--near", ""), ("find", "--radius", "1deg"),
     ("fetch", "everything"), ("fetch", "a/b", "--mission", "erosita_calpv"), ("fetch", "x" * 300, "--obs-ids", "300007"),
     ("fetch", "x", "--output", "", "--obs-ids", "300007"), ("no-such-verb",)],
    ids=lambda arguments: " ".join(arguments)[:40],
)  # fmt: skip
def test_that_wrong_usage_ends_with_two_and_makes_nothing(command, tmp_path, arguments):
    output = () if "--output" in arguments or arguments[0] != "fetch" else ("--output", str(tmp_path / "output"))
    result = command(*arguments, *output)
    assert result.returncode == 2
    assert "daxa-gui" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "output").exists()


def test_that_an_error_is_a_document_when_documents_were_asked_for(command):
    result = command("find", "--near", "nowhere", "--json")
    assert result.returncode == 2
    assert set(json.loads(result.stdout)) == {"error", "hint"}


def test_that_a_list_is_never_replaced_by_its_own_products(command, swift_list):
    before = swift_list.read_bytes()
    for option in ("--lightcurve", "--gti"):
        result = command("inspect", str(swift_list), option, str(swift_list), "--bin", "1")
        assert result.returncode == 1 and "would be replaced" in result.stderr
    result = command("inspect", str(swift_list), "--gti", "a.fits", "--lightcurve", "./a.fits")
    assert result.returncode == 2 and "same file" in result.stderr
    assert swift_list.read_bytes() == before


def test_that_nothing_is_written_when_a_later_product_cannot_be_made(command, swift_list, tmp_path):
    result = command("inspect", str(swift_list), "--lightcurve", str(tmp_path / "lc.fits"), "--bin", "1e-9")
    assert result.returncode == 1
    # a list without sky coordinates has a light curve, but no image
    result = command("inspect", str(swift_list), "--lightcurve", str(tmp_path / "lc.fits"), "--image", str(tmp_path / "i.fits"))
    assert result.returncode == 1 and "sky coordinates" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [swift_list.name]


def test_that_a_full_disk_and_a_closed_pipe_behind_the_output_are_no_tracebacks(own_home):
    run = [sys.executable, "-m", "daxa_gui", "find"]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(run, cwd=PROJECT, env=dict(os.environ), stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 1 and b"No space left" in result.stderr and b"Traceback" not in result.stderr
    process = subprocess.Popen(run, cwd=PROJECT, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1
    process.stderr.close()


def test_that_looking_at_what_reduce_would_do_starts_nothing(command, document, practice_sky, tmp_path):
    near = ("--practice", "--mission", "swift", "--output", str(tmp_path))
    document("fetch", "a", *near)
    database = tmp_path / "archives" / "a" / "daxa_gui.sqlite"
    with sqlite3.connect(database) as connection:  # as if the program had died before the downloads
        connection.execute("UPDATE jobs SET state = 'queued' WHERE kind = 'download'")
    [events] = (tmp_path / "swift_raw").rglob("*po_cl.evt")
    events.unlink()
    tasks = document("reduce", "a", "--dry-run", "--step", "clean", "--output", str(tmp_path))["tasks"]
    assert len(tasks) == 1 and "builtin.clean" in tasks[0]
    assert not events.exists()
    refused = command("fetch", "a", *near, "--dry-run")
    assert refused.returncode == 2 and not events.exists()
    done = document("fetch", "a", *near)
    assert events.exists() and {job["state"] for job in done["jobs"]} == {"succeeded"}


def test_that_an_archive_that_died_while_it_was_made_is_made_by_the_same_command(document, practice_sky, tmp_path):
    near = ("--practice", "--mission", "swift", "--output", str(tmp_path))
    document("fetch", "a", *near)
    folder = tmp_path / "archives" / "a"
    for damage in ("DELETE FROM jobs", "DELETE FROM observations", None):
        if damage is None:
            shutil.rmtree(folder)
            folder.mkdir()
        else:
            with sqlite3.connect(folder / "daxa_gui.sqlite") as connection:
                for table in ("needs", "products", "jobs"):
                    connection.execute(f"DELETE FROM {table}")
                connection.execute(damage)
            for later in ("logs", "processed_data"):  # what comes after the observations
                shutil.rmtree(folder / later)
            (folder / "journal.jsonl").unlink()
        again = document("fetch", "a", *near)
        assert {job["state"] for job in again["jobs"]} == {"succeeded"} and len(again["jobs"]) > 1


def test_that_downloads_that_could_not_be_done_are_a_failure_and_named(command, tmp_path):
    """All requests fail at once: in tests no other machine can be reached."""
    result = command("fetch", "a", "--obs-ids", "300007", "--output", str(tmp_path), "--json")
    report = json.loads(result.stdout)
    assert result.returncode == 1 and report["failed"] + report["unfinished"] == 1
    assert report["jobs"][0]["error"]
