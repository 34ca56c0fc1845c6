"""A program that is killed in the middle of a transfer, and the next one."""

import gzip
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from daxa_gui.remote.part import OVERLAP_BYTES
from daxa_gui.remote.transfer import fetch
from tests.fakes.http_server import FakeArchive
from tests.fakes.small_fits import small_fits
from tests.fakes.task_context import FakeContext
from tests.fakes.waiting import wait_for

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, sys
from daxa_gui.remote.transfer import fetch
from tests.fakes.task_context import FakeContext
address, arguments = json.loads(sys.argv[1])
fetch(FakeContext({"heasarc": address}), **arguments)
"""


def start(archive: FakeArchive, arguments: dict) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps([archive.url, arguments])], cwd=ROOT)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("kills", [1, 3])
def test_that_a_killed_program_loses_nothing_and_fetches_nothing_twice(tmp_path, kills):
    content = small_fits(6_000_000)
    packed = gzip.compress(content, 1)
    arguments = {"service": "heasarc", "path": "a/x.fits.gz", "destination": str(tmp_path / "x.fits"), "unpack": "gzip"}
    with FakeArchive() as archive:
        archive.put("/a/x.fits.gz", packed)
        archive.bytes_per_s = 6e6
        part = tmp_path / "x.fits.gz.part"
        kept = 0
        for number in range(kills):
            process = start(archive, arguments)
            goal = len(packed) * (number + 1) / (kills + 2)
            wait_for(lambda goal=goal: part.exists() and part.stat().st_size > goal)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert not (tmp_path / "x.fits").exists()
            assert part.stat().st_size > kept
            kept = part.stat().st_size
        archive.bytes_per_s = None
        outcome = fetch(FakeContext({"heasarc": archive.url}), **arguments)
        assert (tmp_path / "x.fits").read_bytes() == content
        assert outcome.facts["fetched_bytes"] == len(packed) - kept + OVERLAP_BYTES
        assert archive.requests[-1].range == f"bytes={kept - OVERLAP_BYTES}-"
        assert sorted(path.name for path in tmp_path.iterdir()) == [".manifest.jsonl", "x.fits"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_that_two_programs_fetch_a_shared_file_once(tmp_path):
    content = small_fits(3_000_000)
    arguments = {"service": "heasarc", "path": "a/x.fits", "destination": str(tmp_path / "x.fits")}
    with FakeArchive() as archive:
        archive.put("/a/x.fits", content)
        archive.bytes_per_s = 3e6
        processes = [start(archive, arguments) for _ in range(2)]
        assert [process.wait(60) for process in processes] == [0, 0]
        assert archive.sent["/a/x.fits"] == len(content)
    assert (tmp_path / "x.fits").read_bytes() == content
    assert sorted(path.name for path in tmp_path.iterdir()) == [".manifest.jsonl", "x.fits"]
