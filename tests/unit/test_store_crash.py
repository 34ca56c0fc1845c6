"""A program killed at the worst moments: the archive opens again, nothing is lost and nothing is there twice."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKey, ProductKind
from daxa_gui.core.step import Call, MadeFile, Outcome, Place
from daxa_gui.execution.commands import own_environment
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.runner import Runner
from tests.fakes.execution import ImmediateExecutor, request

UNITS = [f"M{number}S001" for number in range(1, 6)]

# Runs the same queue in a process that ends itself, as if killed, at the n-th call of a chosen function.
KILLED = """
import sys
from pathlib import Path
from tests.unit.test_store_crash import run
from tests.fakes.dying import die_at_call
folder, where, n = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
die_at_call(where, n)
run(folder)
"""


class NoWorkers:
    def call(self, *args, **kwargs):
        raise AssertionError("these jobs run on threads")


def run(folder: Path) -> list:
    """Open (or make) the archive and do all its work; returns (jobs, products)."""
    layout = OutputLayout(folder).archive("a")
    if layout.database.exists():
        store = ArchiveStore.open(layout)
    else:
        store = ArchiveStore.create(layout)
    try:
        runner = Runner(
            store,
            NoWorkers(),
            service_url=str,
            work_folder=lambda job: str(layout.work_folder(job.id)),
            open_log=lambda job: SilentLog(),
            allowed=("tests.",),
        )
        queue = Queue(store, Bus(), runner, ImmediateExecutor(), limits=lambda lane: 2)
        queue.start()
        queue.add([request("plan", "", kind="plan", target="tests.unit.test_store_crash:plan", place=Place.THREAD)])
        queue.close()
        return store.jobs(), store.products()
    finally:
        store.close()


class SilentLog:
    def write(self, text, severity="INFO"):
        pass

    def close(self):
        pass


def plan(ctx):
    return Outcome(
        follow_ups=tuple(
            replace(request(unit, "make"), task=Call("tests.unit.test_store_crash:make", {"unit": unit}, Place.THREAD))
            for unit in UNITS
        )
    )


def make(ctx, unit):
    keys = [ProductKey("xmm_pointed", "0404910601", kind, unit, "ALL") for kind in (ProductKind.GTI, ProductKind.CLEAN_EVENTS)]
    for key in keys:
        Path(ctx.work_folder, key.kind).write_text(f"{key.kind} of {unit}")
    return Outcome(files=tuple(MadeFile(str(key.kind), key) for key in keys))


def run_and_die(folder: Path, where: str, n: int) -> int:
    environment = {**own_environment(), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run([sys.executable, "-c", KILLED, str(folder), where, str(n)], env=environment, check=False).returncode


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize(
    "where",
    [
        "daxa_gui.archive.placing:_move",  # before a file is moved, also between the two files of a job
        "daxa_gui.archive.store:ArchiveStore._register",  # files moved, inside the transaction
        "daxa_gui.archive.store:ArchiveStore._delete",  # just after it
        "daxa_gui.archive.job_rows:write",  # while a state is stored
        "daxa_gui.archive.jobs:JobTable.remember",
        "daxa_gui.execution.queue:Queue._after_success",
    ],
)
def test_that_a_program_killed_at_any_moment_loses_nothing_and_does_nothing_twice(tmp_path, where, n):
    assert run_and_die(tmp_path, where, n) in (0, 9)
    jobs, products = run(tmp_path)
    assert {job.state for job in jobs} == {JobState.SUCCEEDED}
    assert sorted(job.unit for job in jobs) == sorted(["plan", *UNITS])
    expected = {f"{kind} of {unit}" for unit in UNITS for kind in ("gti", "clean_events")}
    assert len(products) == len(expected) and {Path(product.path).read_text() for product in products} == expected
    processed = tmp_path / "archives" / "a" / "processed_data"
    assert {path for path in processed.rglob("*") if path.is_file()} == {Path(product.path) for product in products}
    assert not (tmp_path / "archives" / "a" / "work").exists() or not list((tmp_path / "archives/a/work").iterdir())


def test_that_the_program_really_was_killed(tmp_path):
    assert run_and_die(tmp_path, "daxa_gui.archive.store:ArchiveStore._register", 2) == 9
    layout = OutputLayout(tmp_path).archive("a")
    store = ArchiveStore.open(layout)
    try:
        assert [job.unit for job in store.interrupted] == UNITS[:2] and store.products() == []
        assert len(list((layout.folder / "processed_data").rglob("*.fits"))) == 2  # moved, but not yet registered
    finally:
        store.close()
