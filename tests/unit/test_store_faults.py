"""Full disks, folders that go away, clocks that jump, databases of version 1: no loss, and a sentence each."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive import archive_documents
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.exposures import Verdict
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.core.selection import Selection
from daxa_gui.core.step import MadeFile
from daxa_gui.execution.commands import own_environment
from tests.fakes.archives import succeeded
from tests.fakes.execution import FakeClock, request
from tests.fakes.tasks import key

VERSION_1 = Path(__file__).parents[1] / "data" / "archive_version_1.sql"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def store(tmp_path, clock):
    store = ArchiveStore.create(OutputLayout(tmp_path / "out").archive("a"), clock.now)
    yield store
    store.close()


# ---- the disk


def fill_up(store: ArchiveStore, clock: FakeClock) -> str:
    """Work until the disk is full; what the program says then."""
    for number in range(2000):
        try:
            (job,) = store.add([request(f"M{number}", text="x" * 2000)])
            succeeded(store, job, clock, [MadeFile("c.fits", replace(key(), exposure=f"S{number}"), facts={"text": "y" * 500})])
        except ArchiveError as error:
            assert error.pauses_lane, error
            return error.message
        except OSError:  # the task's own file did not fit: the runner says that
            return "no space left for the task"
    raise AssertionError("it never became full")


def check_whole(store: ArchiveStore) -> None:
    """Every success has its file, every file its success, and work goes on."""
    products = {product.job_id: Path(product.path) for product in store.products()}
    done = {job.id for job in store.jobs() if job.state is JobState.SUCCEEDED}
    assert set(products) == done and len(done) > 3 and all(path.is_file() for path in products.values())
    with store.database.reading() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert store.add([request("more")])[0].state is JobState.QUEUED


def test_that_a_disk_that_becomes_full_loses_nothing(tmp_path, clock):
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", tmp_path], check=False).returncode:
        pytest.skip("only root can make a small disk")
    try:
        store = ArchiveStore.create(OutputLayout(tmp_path).archive("a"), clock.now)
        message = fill_up(store, clock)
        assert "no space left" in message or "disk" in message
        store.close()
        subprocess.run(["mount", "-o", "remount,size=8m", tmp_path], check=True)
        store = ArchiveStore.open(store.layout, clock.now)
        check_whole(store)
        store.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_that_files_that_may_not_grow_lose_nothing(store, clock):
    """As with a quota, for those who are not root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
        message = fill_up(store, clock)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert str(store.layout.folder) in message
    check_whole(store)


def test_that_an_archive_whose_folder_is_deleted_says_so_and_goes_on_when_it_is_back(store, clock, tmp_path):
    (job,) = store.add([request("M1")])
    store.layout.folder.rename(tmp_path / "elsewhere")
    for change in (lambda: store.add([request("M2")]), lambda: store.set_info("a", 1)):
        with pytest.raises(ArchiveError, match="moved or deleted") as caught:
            change()
        assert caught.value.pauses_lane and str(store.layout.folder) in caught.value.message
    (tmp_path / "elsewhere").rename(store.layout.folder)
    assert store.add([request("M2")])[0].id == job.id + 1
    shutil.rmtree(store.layout.folder)
    with pytest.raises(ArchiveError, match="moved or deleted"):
        store.update(job)
    store.close()
    assert not store.layout.folder.exists()


def test_that_a_database_that_was_exchanged_is_not_written_over(store, tmp_path):
    store.add([request("M1")])
    other = tmp_path / "other.sqlite"
    shutil.copyfile(store.layout.database, other)
    other.replace(store.layout.database)
    with pytest.raises(ArchiveError, match="moved or deleted"):
        store.add([request("M2")])


# ---- the clock


def test_that_a_clock_that_jumps_back_hides_nothing_that_is_out_of_date(store, clock):
    chain = [request(step="flares", label="f"), request(step="clean", needs=("f",))]
    flares, clean = store.add(chain)
    succeeded(store, flares, clock)
    succeeded(store, clean, clock)
    assert [job.state for job in store.add(chain)] == [JobState.SUCCEEDED] * 2
    clock.time -= 500_000.0
    succeeded(store, flares, clock)  # made again « before » what was made of it
    assert [job.state for job in store.add(chain)] == [JobState.SUCCEEDED, JobState.WAITING]
    succeeded(store, replace(store.get(clean.id), state=JobState.RUNNING), clock)
    store.close()
    again = ArchiveStore.open(store.layout, clock.now)
    assert len(again.jobs()) == 2
    again.close()


def test_that_what_runs_while_its_source_is_made_again_is_out_of_date(store, clock):
    chain = [request(step="flares", label="f"), request(step="clean", needs=("f",))]
    flares, clean = store.add(chain)
    succeeded(store, flares, clock)
    store.update(replace(clean, state=JobState.RUNNING))
    succeeded(store, flares, clock)
    succeeded(store, clean, clock)
    assert [job.state for job in store.add(chain)][1] is JobState.WAITING


# ---- version 1


def old_archive(folder: Path):
    """An archive as version 1 of the program left it."""
    layout = OutputLayout(folder).archive("old")
    layout.folder.mkdir(parents=True)
    connection = sqlite3.connect(layout.database)
    connection.executescript(VERSION_1.read_text())
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    return layout


def check_migrated(store: ArchiveStore) -> None:
    obs = ("xmm_pointed", "0404910601")
    events, rest = store.files()[1], store.files()[0]
    assert (events.unit, events.kind, events.service, events.url_path) == ("pps/a.FTZ", "events", "heasarc", "xmm/a.FTZ")
    assert (rest.unit, rest.kind, rest.service, rest.obs_id) == ("odf/b.fits", "other", "heasarc", obs[1])
    kinds = [product.key.kind for product in store.products(*obs)]
    assert sorted(kinds) == sorted([ProductKind.EVENTS, ProductKind.GTI, ProductKind.CLEAN_EVENTS])
    gti = next(product for product in store.products() if product.key.kind is ProductKind.GTI)
    assert gti.facts == {"ontime_s": 4.5} and [entry.facts["ontime_s"] for entry in store.history(gti)] == [5.5, 4.5]
    states = {(job.step or job.kind, job.unit): job.state for job in store.jobs()}
    assert states["prepare", "PN"] is JobState.FAILED and states["prepare", "M2"] is JobState.QUEUED  # it ran when it was left
    assert store.selections() == [Selection("xmm_pointed", "v1", (obs[1],), ("M1",), ({"cone": [1, 2, 3]},))]
    assert store.observations()[0].kinds == () and store.observations()[0].target == "A907"
    assert store.verdicts() == {(*obs, "M1S001"): Verdict("flagged", "odd", 5.0)} and store.info()["overrides"] == {"a": 1}
    with store.database.reading() as connection:  # « clean » is older than the flares it needs, « flares » is not
        assert connection.execute("SELECT step FROM jobs WHERE stale = 1").fetchall() == [("clean",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_that_an_archive_of_version_1_is_brought_up_to_date(tmp_path, clock):
    layout = old_archive(tmp_path)
    for _ in range(2):
        store = ArchiveStore.open(layout, clock.now)
        check_migrated(store)
        store.close()


def test_that_one_that_can_only_be_looked_at_stays_as_it_is(tmp_path, clock):
    layout = old_archive(tmp_path)
    before = layout.database.read_bytes()
    store = ArchiveStore.open(layout, clock.now, read_only=True)
    assert [file.unit for file in store.files()] == ["odf/b.fits", "pps/a.FTZ"] and len(store.jobs()) == 6
    store.close()
    assert layout.database.read_bytes() == before


KILLED = """
import os, sys
from pathlib import Path
from daxa_gui.archive import schema
from daxa_gui.archive import archive_documents
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
n, real, calls = int(sys.argv[2]), schema._run, []
class Dying:
    def __init__(self, connection):
        self.connection = connection
    def execute(self, statement):
        calls.append(statement)
        if len(calls) == n:
            os._exit(9)
        return self.connection.execute(statement)
schema._run = lambda connection, statements: real(Dying(connection), statements)
ArchiveStore.open(OutputLayout(Path(sys.argv[1])).archive("old")).close()
"""


@pytest.mark.parametrize("n", [1, 2, 9, 20, 25])
def test_that_a_program_killed_while_it_does_so_leaves_version_1(tmp_path, clock, n):
    layout = old_archive(tmp_path)
    environment = {**own_environment(), "PYTHONPATH": str(Path(__file__).parents[2])}
    result = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(n)], env=environment, check=False)
    assert result.returncode == 9
    connection = sqlite3.connect(f"{layout.database.as_uri()}?mode=ro", uri=True)
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    connection.close()
    store = ArchiveStore.open(layout, clock.now)
    check_migrated(store)
    store.close()


def test_that_half_a_document_does_not_stay_on_a_full_disk(tmp_path, monkeypatch):
    path = tmp_path / "archive.json"
    archive_documents.write_json(path, {"a": 1})

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(archive_documents.os, "fsync", full)
    with pytest.raises(ArchiveError, match="no space"):
        archive_documents.write_json(path, {"a": 2})
    assert [entry.name for entry in tmp_path.iterdir()] == ["archive.json"] and path.read_text() == '{"a":1}'
