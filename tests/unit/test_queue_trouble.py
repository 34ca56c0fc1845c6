"""What goes wrong in a queue while jobs begin or somebody waits for its rest: no job is lost and nobody waits for ever."""

import pytest

from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import TransferError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from tests.fakes.execution import ScriptedRunner, request
from tests.fakes.queue_bench import Waiter, chain, full

S = JobState


def test_that_who_waits_is_woken_when_the_queue_closes_without_what_does_not_stop(make_bench):
    bench = make_bench()
    bench.queue.add([request()])  # its thread never comes
    waiter = Waiter(bench.queue)
    bench.queue.close(timeout_s=0.0)
    assert waiter.has_been_woken()


def test_that_who_waits_is_woken_when_the_queue_closes_while_a_job_waits_for_its_next_try(make_bench):
    def script(job, token):
        raise TransferError("The connection broke.")

    bench = make_bench(script=script)
    bench.queue.add([request()])
    bench.executor.run_all()
    waiter = Waiter(bench.queue)
    bench.queue.close()
    assert waiter.has_been_woken()


@pytest.mark.parametrize("what", ["update_states", "get"])
def test_that_a_job_whose_beginning_cannot_be_stored_pauses_everything_and_begins_later(make_bench, monkeypatch, what):
    bench = make_bench(paused=["local"])
    (job,) = bench.queue.add([request()])
    with monkeypatch.context() as patch:
        patch.setattr(bench.store, what, full)
        bench.queue.resume("local")
    waiter = Waiter(bench.queue)
    assert waiter.has_been_woken() and bench.queue.lanes() == {"local": True} and not bench.executor.waiting
    bench.queue.resume("local")
    bench.executor.run_all()
    assert bench.states(job) == [S.SUCCEEDED] and bench.store.get(job.id).attempt == 1


def test_that_a_job_for_which_there_is_no_thread_goes_back(tmp_path):
    class NoThreads(PoolExecutor):
        def __init__(self):
            super().__init__(start_thread)
            self.can = False

        def submit(self, function):
            if not self.can:
                raise RuntimeError("can't start new thread")
            super().submit(function)

    store, executor = ArchiveStore.create(OutputLayout(tmp_path).archive("a")), NoThreads()
    queue = Queue(store, Bus(), ScriptedRunner(store), executor, limits=lambda lane: 1)
    queue.start()
    (job,) = queue.add([request()])
    assert Waiter(queue).has_been_woken() and queue.lanes() == {"local": True}
    assert (store.get(job.id).state, store.get(job.id).attempt) == (S.QUEUED, 0)
    executor.can = True
    queue.resume("local")
    assert queue.wait_until_idle(120) and store.get(job.id).state is S.SUCCEEDED
    queue.close()
    store.close()


def test_that_a_job_that_is_tried_again_waits_while_what_it_needs_is_done_again(make_bench):
    def script(job, token):
        if job.step == "flares" and job.attempt == 1:
            raise TransferError("The connection broke.")
        return Outcome()

    bench = make_bench(script=script, limit=1)
    first, second = bench.queue.add(chain("prepare", "flares"))
    bench.executor.run_next()
    bench.queue.retry([])
    bench.queue.pause("local")
    bench.executor.run_next()  # fails, to be tried again
    bench.queue.retry([first.id])
    bench.clock.advance(60.0)
    assert bench.states(first, second) == [S.QUEUED, S.WAITING]
    bench.queue.resume("local")
    bench.executor.run_all()
    assert [step for _, step, _ in bench.runner.ran] == ["prepare", "flares", "prepare", "flares"]
