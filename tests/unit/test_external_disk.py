"""Programs of the missions' software on a full disk: the queue waits for room, it does not fail one job after the other."""

from __future__ import annotations

import errno
import shutil
from collections import namedtuple

import pytest

from daxa_gui.core.errors import FileError, ReductionError
from daxa_gui.execution.failures import failure_of
from daxa_gui.execution.policy import Action, decide
from daxa_gui.reduction import external_runs
from daxa_gui.reduction.recipe import Given
from tests.fakes import external_steps
from tests.unit.test_external import Bench, script

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def bench(tmp_path):
    with external_steps.trial_step():
        yield Bench(tmp_path)


def with_room(monkeypatch, free_bytes):
    monkeypatch.setattr(external_runs.shutil, "disk_usage", lambda folder: Usage(10**12, 10**12 - free_bytes, free_bytes))


@pytest.mark.parametrize(
    ("text", "free_bytes"),
    [
        ("echo '** evselect: error (FITSIO), No space left on device'; exit 1", 10**9),
        ("echo 'cannot write: Disk quota exceeded' >&2; exit 3", 10**9),
        ("exit 1", 50_000),
        ("true", 50_000),  # what it should have left is missing
    ],
)
def test_that_a_full_disk_holds_up_the_queue(bench, monkeypatch, text, free_bytes):
    with_room(monkeypatch, free_bytes)
    with pytest.raises(ReductionError) as error:
        bench.run(script(text, "made.txt", check="text"))
    assert "disk is full" in error.value.hint
    assert decide(failure_of(error.value, "a job"), 1, 0).action is Action.PAUSE_LANE


def test_that_a_failure_with_room_on_the_disk_is_one_of_the_job(bench, monkeypatch):
    with_room(monkeypatch, 10**9)
    with pytest.raises(ReductionError) as error:
        bench.run(script("echo no space for you; exit 1"))
    assert not error.value.pauses_lane and "disk is full" not in error.value.hint


@pytest.mark.parametrize(("number", "action"), [(errno.ENOSPC, Action.PAUSE_LANE), (errno.EIO, Action.FAIL)])
def test_that_a_copy_that_does_not_fit_holds_up_the_queue(bench, monkeypatch, number, action):
    def copyfile(source, target):
        raise OSError(number, "it does not work", str(target))

    source = bench.folder / "events.fits"
    source.write_text("events")
    monkeypatch.setattr(shutil, "copyfile", copyfile)
    with pytest.raises((OSError, FileError)) as error:
        bench.run(script("true", given=(Given("events.fits", str(source), copy=True),)))
    assert decide(failure_of(error.value, "a job"), 1, 0).action is action
