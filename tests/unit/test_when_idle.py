"""Something is done once when work has come to rest: not before, not again and again, not after the end."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError
from daxa_gui.core.events import JobChanged, Notice
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.step import Call
from daxa_gui.execution.when_idle import WhenIdle
from tests.fakes.waiting import PATIENCE_S

JOB = Job(1, "reduce", "local", "m", "1", "", "s", "t", Call("x:y"))


class World:
    def __init__(self) -> None:
        self.bus = Bus()
        self.idle, self.done = threading.Event(), threading.Event()
        self.times = 0
        self.error: ArchiveError | None = None
        self.rest = WhenIdle(self.bus, self.idle.wait, self.work)

    def work(self) -> None:
        self.times += 1
        self.done.set()
        if self.error is not None:
            raise self.error

    def end_job(self, state: JobState = JobState.SUCCEEDED) -> None:
        self.bus.publish(JobChanged(replace(JOB, state=state)))


@pytest.fixture
def world():
    made = World()
    yield made
    made.rest.stop()


def test_that_it_is_done_when_nothing_runs_any_more(world):
    world.rest.start()
    world.end_job()
    assert not world.done.wait(0.6)
    world.idle.set()
    assert world.done.wait(PATIENCE_S)
    world.rest.stop()
    assert world.times == 1


def test_that_progress_is_no_reason(world):
    world.idle.set()
    world.rest.start()
    world.end_job(JobState.RUNNING)
    assert not world.done.wait(0.8) and not world.rest.is_pending()


def test_that_a_note_is_a_reason(world):
    world.idle.set()
    world.rest.start()
    world.rest.note()
    assert world.done.wait(PATIENCE_S)


def test_that_it_can_be_done_at_once_and_then_not_again(world):
    world.end_job()
    assert world.rest.is_pending()
    world.rest.run_now()
    world.rest.run_now()
    assert world.times == 1 and not world.rest.is_pending()


def test_that_what_goes_wrong_is_announced_and_the_next_time_comes(world):
    mailbox = world.bus.subscribe()
    world.error = ArchiveError("The disk is full.", "Make room.")
    world.idle.set()
    world.rest.start()
    world.rest.note()
    assert world.done.wait(PATIENCE_S)
    end = time.monotonic() + PATIENCE_S
    notices = []
    while not notices and time.monotonic() < end:
        notices = [event for event in mailbox.drain() if isinstance(event, Notice)]
    assert [(one.message, one.hint) for one in notices] == [("The disk is full.", "Make room.")]
    world.error = None
    world.done.clear()
    world.rest.note()
    assert world.done.wait(PATIENCE_S)


def test_that_the_thread_ends(world):
    world.rest.start()
    world.end_job()  # it waits for rest that never comes
    before = time.monotonic()
    world.rest.stop()
    assert time.monotonic() - before < 5
    assert not [thread for thread in threading.enumerate() if thread.name == "when-idle" and thread.is_alive()]
