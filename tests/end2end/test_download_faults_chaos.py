"""Many files from a server on which everything goes wrong, by a program that is killed again and again.

CHAOS_FILES, CHAOS_KILLS and CHAOS_SEED in the environment make other runs of it.
"""

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import ncompress
import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from tests.fakes.chaos_server import FAULTS, ChaosServer
from tests.fakes.small_fits import small_fits

ROOT = Path(__file__).parents[2]
N_FILES = int(os.environ.get("CHAOS_FILES", "1000"))
N_KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
ODD = ("a b", "it's", "été", "Ω☉", "100%+#", "semi;colon", "x&y=z", "[1]", "dot..dot")


def make_files(n_files: int, seed: int) -> tuple[dict[str, bytes], list[tuple[str, str, str, int]], dict[str, bytes]]:
    """What the server has by path, what is asked for, and what must lie in the output folder afterwards by name."""
    draw = random.Random(seed)
    served, wanted, whole = {}, [], {}
    for number in range(n_files):
        obs_id = f"{number // 20:010d}"
        size = 1_000_000 if number % 50 == 7 else draw.randint(2_000, 40_000)
        stem = f"{ODD[number % len(ODD)]}{number}"
        content = small_fits(size, number)
        kind = draw.choice(["fits", "fits", "gz", "Z", "txt"])
        name, body, unpack, inside = f"{stem}.fits", content, "", f"{stem}.fits"
        if kind == "gz":
            name, body, unpack = f"{stem}.fits.gz", gzip.compress(content, 1, mtime=0), "gzip"
        elif kind == "Z" and size < 1_000_000:
            name, body, unpack = f"{stem}.fits.Z", ncompress.compress(content), "lzw"
        elif kind == "txt":
            name = inside = f"{stem}.txt"
            body = content = draw.randbytes(size)
        path = f"data/{obs_id}/{name}"
        served[f"/{path}"] = body
        local = f"a_raw/{obs_id}/{inside}"
        wanted.append((path, local, unpack, len(body)))
        whole[local] = content
    return served, wanted, whole


class Program:
    """The program with its archive in `folder`, started again and again."""

    root = ROOT

    def __init__(self, server: ChaosServer, folder: Path, wanted: list, **about: str) -> None:
        self.folder = folder
        names = folder.parent / "files.json"
        names.write_text(json.dumps(wanted))
        self.about = {"folder": str(folder), "address": server.url, "files": str(names), **about}

    @property
    def arguments(self) -> list[str]:
        return [json.dumps(self.about)]

    def start(self) -> subprocess.Popen:
        command = [sys.executable, "-m", "tests.fakes.download_program", *self.arguments]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def manifest(self) -> dict[str, dict]:
        """The newest whole line about each file, by its name below the output folder."""
        lines = {}
        for path in self.folder.glob("a_raw/*/.manifest.jsonl"):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                try:
                    values = json.loads(line)
                except ValueError:
                    continue  # the program was killed while it wrote the last line
                lines[f"a_raw/{path.parent.name}/{values['name']}"] = values
        return lines


@pytest.mark.timeout(600)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_that_everything_arrives_through_chaos_and_kills_and_nothing_verified_comes_twice(tmp_path):
    served, wanted, whole = make_files(N_FILES, SEED)
    total = sum(len(body) for body in served.values())
    draw = random.Random(SEED)
    kill_at = sorted(draw.uniform(0.02, 0.95) * total for _ in range(N_KILLS))
    reached = threading.Event()
    verified: dict[str, int] = {}  # requests for a file when its line stood in the manifest

    with ChaosServer(served, seed=SEED, stall_s=1.0) as server:
        program = Program(server, tmp_path / "out", wanted)
        (tmp_path / "out").mkdir()
        remote = {local: f"/{path}" for path, local, _, _ in wanted}

        def look_at_manifest():
            for name in program.manifest():
                verified.setdefault(name, server.gets(remote[name]))

        for threshold in kill_at:
            reached.clear()
            server.on_sent = lambda sent, threshold=threshold: reached.set() if sent >= threshold else None
            server.count(0)
            process = program.start()
            while not reached.wait(0.05) and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
            process.communicate()
            look_at_manifest()
        killed_with = len(verified)
        for _ in range(4):  # what failed for good (a loop of redirections) is asked for again by the next start
            process = program.start()
            output, _ = process.communicate(timeout=300)
            look_at_manifest()
            if process.returncode == 0:
                break
        assert process.returncode == 0, output

        for name, content in whole.items():
            assert (tmp_path / "out" / name).read_bytes() == content, name
        lines = program.manifest()
        assert set(lines) == set(whole)
        for path, name, _, size in wanted:
            line = lines[name]
            assert line["sha256"] == hashlib.sha256(whole[name]).hexdigest()
            assert (line["size_bytes"], line["remote_size_bytes"]) == (len(whole[name]), size)
            assert (line["service"], line["path"]) == ("heasarc", path) and line["date"]
        twice = {name: (n, server.gets(remote[name])) for name, n in verified.items() if server.gets(remote[name]) != n}
        assert twice == {}, "files with a line in the manifest were asked for again"
        left = [path for path in (tmp_path / "out" / "a_raw").rglob("*") if path.is_file() and path.name != ".manifest.jsonl"]
        assert {str(path.relative_to(tmp_path / "out")) for path in left} == set(whole)
        for path, body in served.items():
            if server.gets(path) == 1:
                assert [(sent.start, sent.end) for sent in server.ledger if sent.path == path] == [(0, len(body))]
        asked = len(server.asked)

        process = program.start()  # one more start has nothing to do
        assert process.wait(300) == 0
        assert len(server.asked) == asked
    assert 0 < killed_with < len(whole)
    if N_FILES >= 500:
        assert set(server.happened) == set(FAULTS)
    sent = f"{total / 1e6:.1f} MB, sent {server.total_sent / 1e6:.1f} MB"
    print(f"\n{N_FILES} files, {sent}, {N_KILLS} kills, {dict(server.happened)}")


@pytest.mark.timeout(500)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_that_639_observations_arrive_over_an_outage_stalls_and_a_program_that_died(tmp_path):
    """What an existing tool did not survive: after 400 observations every request failed, transfers stalled, a worker died."""
    served, wanted, whole = {}, [], {}
    for number in range(639):
        obs_id, content = f"{number:010d}", small_fits(2880, number)
        served[f"/data/{obs_id}/list.fits"] = content
        wanted.append((f"data/{obs_id}/list.fits", f"a_raw/{obs_id}/list.fits", "", len(content)))
        whole[f"a_raw/{obs_id}/list.fits"] = content
    done = set()

    def stored():
        """States as the archive has them, after nobody uses it any more."""
        store = ArchiveStore.open(OutputLayout(tmp_path / "out").archive("a"))
        states = Counter(str(job.state) for job in store.jobs("download"))
        store.close()
        return states

    with ChaosServer(served, share=0.0) as server:
        program = Program(server, tmp_path / "out", wanted)
        (tmp_path / "out").mkdir()

        def down_after_400(path):
            if len(done) >= 400 and path not in done:
                return "hang up" if hash(path) % 2 else "503"
            done.add(path)
            return ""

        server.override = down_after_400
        process = program.start()
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 3, output
        states = stored()
        assert states["failed"] == 0, "an outage is not the fault of 239 files"
        assert states["succeeded"] == len(program.manifest()) == 400
        assert len(server.asked) < 400 + 60, "a host that is down is left alone"

        server.override = lambda path: "stall" if path.endswith("5/list.fits") and server.gets_now(path) < 2 else ""
        process = program.start()
        while len(program.manifest()) < 520 and process.poll() is None:
            time.sleep(0.05)
        process.kill()
        process.communicate()
        lines = program.manifest()
        states = stored()
        assert 520 <= len(lines) < 639
        assert len(lines) - 4 <= states["succeeded"] <= len(lines)
        assert sum(states.values()) == 639

        server.override = lambda path: ""
        before = len(server.asked)
        process = program.start()
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output
        missing = {f"/{path}" for path, name, _, _ in wanted if name not in lines}
        asked = server.asked[before:]
        assert set(asked) <= missing and len(asked) == len(set(asked))
        assert len(missing) - len(asked) <= 4, "only what came whole and was not written down yet need not be asked for"
    assert stored() == {"succeeded": 639}
    for name, content in whole.items():
        assert (tmp_path / "out" / name).read_bytes() == content
