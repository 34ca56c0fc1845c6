"""Quick jobs get ready before there is room for them; what costs most is never done by more at once than the lane allows."""

import threading

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import Cancelled
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from daxa_gui.execution import executors, machine
from daxa_gui.execution import turns as turns_module
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.turns import CancelToken, Turns
from tests.fakes.execution import ScriptedRunner, request
from tests.fakes.waiting import wait_for

S = JobState


class Program:
    """A queue whose lane has had a quick job, and then one, « long », that goes on until `let_go`."""

    def __init__(self, folder):
        self.store = ArchiveStore.create(OutputLayout(folder).archive("a"))
        self.may_end, self.worked = threading.Event(), []
        self.runner = ScriptedRunner(self.store, self._work)
        self.queue = Queue(self.store, Bus(), self.runner, PoolExecutor(start_thread), limits=lambda lane: 1)
        self.queue.start()
        self.queue.add([request("quick")])
        assert self.queue.wait_until_idle(120)
        self.queue.add([request("long")])
        wait_for(lambda: "long" in self.worked)

    def _work(self, job, token):
        self.worked.append(job.unit)
        while job.unit == "long" and not self.may_end.wait(0.01):
            token.check()
        return Outcome()

    def begun(self, unit):
        """A further job, once it has begun and waits for its turn."""
        (job,) = self.queue.add([request(unit)])
        wait_for(lambda: any(ran[0] == unit for ran in self.runner.ran))
        return job

    def state(self, job):
        stored = self.store.get(job.id)
        return stored.state, stored.attempt

    def close(self):
        self.may_end.set()
        self.queue.close()
        self.store.close()


@pytest.fixture
def program(tmp_path, monkeypatch):
    monkeypatch.setattr(turns_module, "_PATIENCE_S", 600.0)
    monkeypatch.setattr(machine, "_QUICK_S", 600.0)
    program = Program(tmp_path)
    yield program
    program.close()


def test_that_the_job_after_a_quick_one_gets_ready_and_works_when_its_turn_comes(program):
    job = program.begun("next")
    assert program.state(job) == (S.RUNNING, 1) and program.worked == ["quick", "long"]
    program.may_end.set()
    assert program.queue.wait_until_idle(120)
    assert program.state(job) == (S.SUCCEEDED, 1) and program.worked == ["quick", "long", "next"]


def test_that_a_job_whose_turn_does_not_come_soon_goes_back_as_if_it_had_not_begun(program, monkeypatch):
    monkeypatch.setattr(turns_module, "_PATIENCE_S", 0.0)
    job = program.begun("next")
    wait_for(lambda: program.state(job) == (S.QUEUED, 0))
    later = program.queue.add([request("later")])[0]
    assert program.queue.lane_status("local").running == 1 and program.state(later) == (S.QUEUED, 0)
    program.may_end.set()
    assert program.queue.wait_until_idle(120)
    assert program.state(job) == (S.SUCCEEDED, 1) and sorted(program.worked) == ["later", "long", "next", "quick"]


def test_that_what_waits_for_its_turn_goes_back_when_its_lane_is_paused(program):
    job = program.begun("next")
    program.queue.pause("local")
    wait_for(lambda: program.state(job) == (S.QUEUED, 0))
    program.may_end.set()
    assert program.queue.wait_until_idle(120) and program.worked == ["quick", "long"]
    program.queue.resume("local")
    assert program.queue.wait_until_idle(120)
    assert program.state(job) == (S.SUCCEEDED, 1) and program.worked == ["quick", "long", "next"]


def test_that_what_waits_for_its_turn_can_be_cancelled_and_paused(program):
    job = program.begun("next")
    program.queue.cancel([job.id])
    wait_for(lambda: program.state(job)[0] is S.CANCELLED)
    other = program.begun("other")
    program.queue.pause_jobs([other.id])
    wait_for(lambda: program.state(other)[0] is S.PAUSED)
    program.may_end.set()
    assert program.queue.wait_until_idle(120) and program.worked == ["quick", "long"]


def test_that_closing_puts_back_what_waits_for_its_turn(program):
    job = program.begun("next")
    program.queue.close()
    assert program.state(job) == (S.QUEUED, 0) and program.worked == ["quick", "long"]


def test_that_no_more_have_a_turn_than_the_limit_of_the_moment():
    limit = [1]
    turns = Turns(lambda: limit[0])
    first, second = CancelToken(), CancelToken()
    first.use(turns)
    second.use(turns)
    first.take_turn()
    first.take_turn()  # it has it
    second.cancel()
    with pytest.raises(Cancelled):
        second.take_turn()
    assert second.turned_back
    limit[0] = 2
    third = CancelToken()
    third.use(turns)
    third.take_turn()
    for token in (first, first, second, third):
        token.give_turn_back()
    assert turns._taken == 0


def test_that_what_had_a_turn_waits_for_the_next_one_as_long_as_it_takes(monkeypatch):
    monkeypatch.setattr(turns_module, "_PATIENCE_S", 0.0)
    turns, one, other, order = Turns(lambda: 1), CancelToken(), CancelToken(), []
    one.use(turns)
    other.use(turns)
    one.take_turn()
    one.give_turn_back()
    other.take_turn()

    def again():
        order.append("waits")
        one.take_turn()
        order.append("has it")

    thread = threading.Thread(target=again)
    thread.start()
    wait_for(lambda: order == ["waits"])
    order.append("given back")
    other.give_turn_back()
    thread.join(120)
    assert order == ["waits", "given back", "has it"]


@pytest.fixture
def no_threads():
    """Those that served other tests end soon."""
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "job"])


def test_that_as_many_threads_work_at_once_as_are_asked_for_and_end_by_themselves(no_threads):
    barrier, threads, ended = threading.Barrier(4), set(), threading.Semaphore(0)

    def work():
        threads.add(threading.current_thread())
        barrier.wait(120)
        ended.release()

    for _ in range(3):
        start_thread(work)
    barrier.wait(120)
    for _ in range(3):
        assert ended.acquire(timeout=120)
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert not executors._idle


def test_that_an_idle_thread_takes_the_next_function(monkeypatch, no_threads):
    monkeypatch.setattr(executors, "_IDLE_S", 600.0)
    seen = []
    start_thread(lambda: seen.append(threading.current_thread()))
    wait_for(lambda: executors._idle)
    monkeypatch.setattr(executors, "_IDLE_S", 0.0)
    start_thread(lambda: seen.append(threading.current_thread()))
    wait_for(lambda: len(seen) == 2)
    assert seen[0] is seen[1]
    seen[0].join(120)
