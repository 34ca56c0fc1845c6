"""Disks that are full, read-only or gone, clocks that jump, two programs in one folder: nothing is lost, each is a sentence."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from daxa_gui.core.events import Notice
from daxa_gui.core.job import JobState
from daxa_gui.execution import policy
from daxa_gui.remote import connection, disk
from daxa_gui.remote.pacing import BANDWIDTH
from tests.end2end.test_download_faults_chaos import Program
from tests.fakes.chaos_server import ChaosServer
from tests.fakes.download_program import Downloads
from tests.fakes.http_server import FakeArchive, Fault
from tests.fakes.small_fits import small_fits
from tests.fakes.waiting import wait_for

S = JobState
CONTENT = small_fits(600_000)
LANE = "host:chaos"


@pytest.fixture
def archive():
    with FakeArchive() as server:
        for number in range(6):
            server.put(f"/data/{number}.fits", CONTENT)
        yield server


@pytest.fixture
def start(archive, monkeypatch):
    """Start downloads into a folder; ended after the test."""
    running = []
    monkeypatch.setattr(policy, "FIRST_DELAY_S", 0.1)

    def start(folder, connections=2):
        folder.mkdir(exist_ok=True)
        downloads = Downloads(folder, lambda service: archive.url, connections)
        running.append(downloads)
        downloads.queue.start()
        return downloads

    yield start
    for downloads in running:
        downloads.close()


def ask(downloads, count=6):
    files = [(f"data/{number}.fits", f"a_raw/obs/{number}.fits", "", len(CONTENT)) for number in range(count)]
    return downloads.queue.add(downloads.requests(files))


def notices(downloads):
    return [event.message for event in downloads.mailbox.drain() if isinstance(event, Notice)]


def goes_on(downloads, folder, count=6):
    """Resume the lane; everything must arrive."""
    for lane in downloads.queue.lanes():
        downloads.queue.resume(lane)
    assert downloads.queue.wait_until_idle(120)
    assert downloads.states() == {"succeeded": count}
    for number in range(count):
        assert (folder / "a_raw" / "obs" / f"{number}.fits").read_bytes() == CONTENT


# -- full -------------------------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(folder, options="size=12m"):
    """A file system of a few megabytes, where whoever runs this may make one."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("only the superuser can mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount here")
def test_that_a_full_disk_stops_the_queue_and_nothing_is_lost_when_there_is_room_again(tmp_path, start, monkeypatch):
    monkeypatch.setattr(disk, "check_space", lambda *_: None)  # the disk fills up while bytes arrive
    monkeypatch.setattr("daxa_gui.remote.download.check_space", lambda *_: None)
    with small_disk(tmp_path / "small") as folder:
        downloads = start(folder)
        filler = folder / "filler"
        filler.write_bytes(bytes(9_500_000))
        ask(downloads)
        assert downloads.queue.wait_until_idle(120)
        states = downloads.states()
        assert states["failed"] == 0 and states["queued"] > 0
        said = notices(downloads)
        assert any("full" in text or "no space" in text for text in said), said
        filler.unlink()
        goes_on(downloads, folder)
        downloads.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits of resources")
def test_that_files_that_may_not_grow_are_a_full_disk_and_the_next_start_does_the_rest(tmp_path):
    served = {f"/data/{number}.fits": small_fits(5000, number) for number in range(20)} | {
        "/data/big.fits": small_fits(12_000_000)
    }
    wanted = [(path[1:], f"a_raw/obs/{path.rpartition('/')[2]}", "", len(body)) for path, body in served.items()]
    with ChaosServer(served, share=0.0) as server:
        program = Program(server, tmp_path / "out", wanted)
        (tmp_path / "out").mkdir()
        limit = 8_000_000  # enough for the database
        command = [sys.executable, "-c", CHILD, str(limit), *program.arguments]
        output = subprocess.run(command, cwd=program.root, capture_output=True, text=True, timeout=120, check=False).stdout
        assert '"failed"' not in output and "full" in output
        before = len(server.asked)
        assert program.start().wait(240) == 0
        assert server.asked[before:].count("/data/big.fits") == 1
    for path, name, _, _ in wanted:
        assert (tmp_path / "out" / name).read_bytes() == served[f"/{path}"]


CHILD = """
import resource, sys
limit = int(sys.argv.pop(1))
import daxa_gui.remote.download, tests.fakes.download_program as program
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
sys.exit(program.main())
"""


# -- read-only, gone --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_that_a_read_only_folder_stops_the_queue_and_it_goes_on_when_it_may_be_written(tmp_path, start):
    folder = tmp_path / "out"
    downloads = start(folder)
    raw = folder / "a_raw" / "obs"
    raw.mkdir(parents=True)
    raw.chmod(0o500)
    try:
        ask(downloads)
        assert downloads.queue.wait_until_idle(120)
        assert downloads.states() == {"queued": 6}
        assert any("cannot be written (Permission denied)" in text for text in notices(downloads))
    finally:
        raw.chmod(0o700)
    goes_on(downloads, folder)


@pytest.mark.skipif(shutil.which("mount") is None, reason="there is no mount here")
def test_that_a_disk_that_became_read_only_stops_the_queue(tmp_path, start):
    downloads = start(tmp_path / "out")
    (tmp_path / "out" / "a_raw").mkdir()
    with small_disk(tmp_path / "out" / "a_raw" / "obs", "size=100m") as raw:
        subprocess.run(["mount", "-o", "remount,ro", str(raw)], check=True)
        ask(downloads)
        assert downloads.queue.wait_until_idle(120)
        assert downloads.states() == {"queued": 6}
        assert any("Read-only file system" in text for text in notices(downloads))
        subprocess.run(["mount", "-o", "remount,rw", str(raw)], check=True)
        goes_on(downloads, tmp_path / "out")
        downloads.close()


def test_that_a_folder_that_is_removed_in_the_middle_is_a_sentence_and_the_files_come_again(tmp_path, start, archive):
    folder = tmp_path / "out"
    archive.bytes_per_s = 3e5
    downloads = start(folder)
    ask(downloads, 2)
    raw = folder / "a_raw" / "obs"
    wait_for(lambda: len(list(raw.glob("*.part"))) == 2)  # a transfer that begins afterwards would make the folder anew
    shutil.rmtree(raw)
    assert downloads.queue.wait_until_idle(120)
    states = downloads.states()
    assert states["queued"] > 0 and states["failed"] == 0
    assert any(f"The folder {raw} is gone" in text for text in notices(downloads))
    archive.bytes_per_s = None
    goes_on(downloads, folder, 2)


def test_that_a_file_that_is_taken_away_while_it_is_fetched_is_fetched_again(tmp_path, start, archive):
    folder = tmp_path / "out"
    archive.bytes_per_s = 3e5
    downloads = start(folder)
    ask(downloads, 2)
    raw = folder / "a_raw" / "obs"
    wait_for(lambda: len(list(raw.glob("*.part"))) == 2)
    (raw / "0.fits.part").unlink()
    archive.bytes_per_s = None
    assert downloads.queue.wait_until_idle(120)
    assert downloads.states() == {"succeeded": 2}
    assert [(raw / f"{number}.fits").read_bytes() for number in range(2)] == [CONTENT, CONTENT]


# -- clocks -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("jump_s", [-1e7, 1e7])
def test_that_a_clock_that_jumps_changes_nothing(tmp_path, start, archive, monkeypatch, jump_s):
    archive.bytes_per_s = 2e6
    archive.faults["/data/0.fits"].append(Fault(drop_after=200_000))
    folder, real, offset = tmp_path / "out", time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + offset[0])
    downloads = start(folder)
    ask(downloads, 3)
    while not archive.sent["/data/1.fits"]:
        time.sleep(0.01)
    offset[0] = jump_s
    started = time.monotonic()
    assert downloads.queue.wait_until_idle(120)
    assert time.monotonic() - started < 30
    assert downloads.states() == {"succeeded": 3}


# -- two programs, and a queue with several hosts ---------------------------------------------------------------------------


def test_that_two_programs_in_one_folder_fetch_each_file_once(tmp_path):
    served = {f"/data/{number}.fits": small_fits(20_000, number) for number in range(60)}
    wanted = [(path[1:], f"a_raw/obs/{path.rpartition('/')[2]}", "", len(body)) for path, body in served.items()]
    with ChaosServer(served, share=0.0, bytes_per_s=2e6) as server:
        (tmp_path / "out").mkdir()
        programs = [Program(server, tmp_path / "out", wanted, archive=name) for name in ("a", "b")]
        processes = [program.start() for program in programs]
        assert [process.wait(240) for process in processes] == [0, 0]
        assert sorted(server.asked) == sorted(served)
    for path, name, _, _ in wanted:
        assert (tmp_path / "out" / name).read_bytes() == served[f"/{path}"]
    lines = (tmp_path / "out" / "a_raw" / "obs" / ".manifest.jsonl").read_text().splitlines()
    assert len(lines) == len(wanted)


def test_that_a_host_that_does_not_answer_holds_up_no_other(tmp_path, start, archive, monkeypatch):
    monkeypatch.setattr(connection, "DEFAULT_TIMEOUTS", connection.Timeouts(connect_s=5, stall_s=30, look_s=0.05))
    downloads = start(tmp_path / "out")
    for number in range(4):
        archive.faults[f"/data/{number}.fits"].append(Fault(stall_after=0))
    files = [(f"data/{number}.fits", f"a_raw/obs/{number}.fits", "", len(CONTENT)) for number in range(6)]
    stalling = downloads.queue.add(downloads.requests(files[:4], lane="host:stalls"))
    well = downloads.queue.add(downloads.requests(files[4:], lane="host:well"))
    wait_for(lambda: {downloads.queue.job(job.id).state for job in well} == {S.SUCCEEDED})
    running = [job for job in stalling if downloads.queue.job(job.id).state is S.RUNNING]
    assert len(running) == 2
    downloads.queue.pause_jobs([job.id for job in stalling])
    assert downloads.queue.wait_until_idle(120)
    assert {downloads.queue.job(job.id).state for job in stalling} == {S.PAUSED}
    archive.faults.clear()
    downloads.queue.resume_jobs([job.id for job in stalling])
    assert downloads.queue.wait_until_idle(120) and downloads.states() == {"succeeded": 6}


def test_that_pausing_a_transfer_keeps_what_it_fetched(tmp_path, start, archive):
    archive.bytes_per_s = 400_000
    downloads = start(tmp_path / "out")
    (job,) = ask(downloads, 1)
    part = tmp_path / "out" / "a_raw" / "obs" / "0.fits.part"
    wait_for(lambda: part.exists() and part.stat().st_size >= 200_000)
    downloads.queue.pause_jobs([job.id])
    assert downloads.queue.wait_until_idle(120)
    kept = part.stat().st_size
    assert downloads.queue.job(job.id).state is S.PAUSED and kept >= 200_000
    archive.bytes_per_s = None
    downloads.queue.resume_jobs([job.id])
    assert downloads.queue.wait_until_idle(120)
    done = downloads.queue.job(job.id)
    assert done.state is S.SUCCEEDED and done.facts["fetched_bytes"] == len(CONTENT) - kept + 65536


# -- bandwidth --------------------------------------------------------------------------------------------------------------


def test_that_four_transfers_share_a_limit_fairly_and_keep_it(tmp_path, start, archive):
    body = small_fits(1_500_000)
    for number in range(4):
        archive.put(f"/data/{number}.fits", body)
    limit = 2e6
    BANDWIDTH.limit(limit)
    try:
        downloads = start(tmp_path / "out", connections=4)
        begun = time.monotonic()
        ask_sizes = [(f"data/{number}.fits", f"a_raw/obs/{number}.fits", "", len(body)) for number in range(4)]
        jobs = downloads.queue.add(downloads.requests(ask_sizes))

        def progress() -> list[float]:
            return [downloads.queue.job(job.id).done for job in jobs]

        wait_for(lambda: min(progress()) > 0, "the begin of all four")
        first = progress()
        wait_for(lambda: max(now - before for now, before in zip(progress(), first, strict=True)) > 1_000_000)
        fetched = [now - before for now, before in zip(progress(), first, strict=True)]
        assert downloads.queue.wait_until_idle(120)
        took_s = time.monotonic() - begun
    finally:
        BANDWIDTH.limit(None)
    assert downloads.states() == {"succeeded": 4}
    assert 4 * len(body) / took_s < 1.05 * limit
    assert min(fetched) > 0.5 * max(fetched) > 0
