"""The queue with real threads and the real clock: nothing may be lost, run twice at once, or hang."""

import random
import threading
import time

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import DaxaError, TransferError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from daxa_gui.execution.clock import SystemClock, Throttle
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from tests.fakes.execution import FakeClock, ScriptedRunner, request

S = JobState


class Watch:
    """A script that notes how many jobs run at once, and whether one runs twice at the same time."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lock = threading.Lock()
        self.now = set()
        self.most = 0
        self.twice = []

    def __call__(self, job, token):
        with self.lock:
            if job.id in self.now:
                self.twice.append(job.id)
            self.now.add(job.id)
            self.most = max(self.most, len(self.now))
            fate = self.random.random()
        try:
            for _ in range(3):
                token.check()
                time.sleep(0.0005)
            if fate < 0.1:
                raise DaxaError("No counts.")
            return Outcome(stop="Closed filter." if fate > 0.95 else "")
        finally:
            with self.lock:
                self.now.discard(job.id)


@pytest.mark.parametrize("seed", range(4))
def test_that_any_mixture_of_requests_ends_with_every_job_in_an_end_that_fits_its_needs(tmp_path, seed):
    store = ArchiveStore.create(OutputLayout(tmp_path).archive("a"))
    watch = Watch(seed)
    queue = Queue(store, Bus(), ScriptedRunner(store, watch), PoolExecutor(start_thread), limits=lambda lane: 3)
    queue.start()

    def disturb(number):
        chance = random.Random(100 * seed + number)
        for index in range(15):
            unit = f"{number}-{index % 6}"
            queue.add(
                [
                    request(unit, "prepare", label="p", n=chance.randrange(3)),
                    request(unit, "flares", label="f", needs=("p",)),
                    request(unit, "clean", needs=("f", "p"), lane="host:x"),
                ]
            )
            ids = [job.id for job in queue.jobs()]
            queue.cancel(chance.sample(ids, min(2, len(ids))))
            queue.retry(chance.sample(ids, min(3, len(ids))))
            if chance.random() < 0.2:
                queue.pause("local", interrupt=chance.random() < 0.5)
                queue.resume("local")

    threads = [threading.Thread(target=disturb, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert queue.wait_until_idle(120)
    jobs = queue.jobs()
    assert len(jobs) == 4 * 6 * 3 and watch.twice == [] and watch.most <= 6
    for job in jobs:
        assert job.is_finished, job
        needs = [store.get(need) for need in job.needs]
        if job.state is S.SKIPPED:
            assert job.reason and any(need.state is not S.SUCCEEDED or need.reason for need in needs)
    queue.close()
    stored = store.jobs()
    store.close()
    again = ArchiveStore.open(OutputLayout(tmp_path).archive("a"))
    assert again.jobs() == stored and again.interrupted == []
    again.close()


def test_that_closing_in_the_middle_and_starting_again_does_everything_once(tmp_path):
    layout = OutputLayout(tmp_path).archive("a")
    done = []

    def script(job, token):
        time.sleep(0.002)
        token.check()
        return Outcome()

    class Runner(ScriptedRunner):
        def run(self, job, token, on_progress, succeed):
            result = super().run(job, token, on_progress, succeed)
            if getattr(result, "job", None) is not None:
                done.append(job.unit)
            return result

    for start in range(30):
        store = ArchiveStore.open(layout) if start else ArchiveStore.create(layout)
        queue = Queue(store, Bus(), Runner(store, script), PoolExecutor(start_thread), limits=lambda lane: 4)
        queue.start()
        queue.add([request(str(i)) for i in range(120)])
        finished = queue.wait_until_idle(0.05)
        queue.close()
        states = [job.state for job in store.jobs()]
        assert set(states) <= {S.SUCCEEDED, S.QUEUED}
        store.close()
        if finished:
            break
    else:
        pytest.fail("it never came to an end")
    assert start > 0 and sorted(done) == sorted(str(i) for i in range(120))


def test_that_a_retry_comes_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("daxa_gui.execution.policy.FIRST_DELAY_S", 0.01)
    store = ArchiveStore.create(OutputLayout(tmp_path).archive("a"))

    def script(job, token):
        if job.attempt < 3:
            raise TransferError("The connection broke.")
        return Outcome()

    queue = Queue(store, Bus(), ScriptedRunner(store, script), PoolExecutor(start_thread), limits=lambda lane: 1)
    queue.start()
    (job,) = queue.add([request()])
    assert queue.wait_until_idle(120)
    assert (store.get(job.id).state, store.get(job.id).attempt) == (S.SUCCEEDED, 3)
    queue.close()
    store.close()


def test_that_the_clock_calls_in_order_of_time_and_not_after_closing():
    clock, called, last = SystemClock(), [], threading.Event()
    clock.call_later(30.0, lambda: called.append("never"))
    clock.call_later(0.04, last.set)
    clock.call_later(0.02, lambda: called.append("second"))
    clock.call_later(0.0, lambda: called.append("first"))
    assert last.wait(20) and called == ["first", "second"]
    clock.close()
    clock.call_later(0.0, lambda: called.append("late"))
    assert called == ["first", "second"] and not any(thread.name == "clock" for thread in threading.enumerate())


def test_that_a_throttle_passes_the_first_and_then_ten_a_second():
    clock = FakeClock()
    throttle, passed = Throttle(0.1, clock.now), 0
    for _ in range(1000):
        passed += throttle.ready()
        clock.advance(0.01)
    assert 90 <= passed <= 101
