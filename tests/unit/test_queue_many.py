"""Very many jobs that are moved by one statement: the same comes of it as when they are moved one by one."""

import random
from dataclasses import replace

import pytest
from hypothesis import settings

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import JobChanged, ManyJobsChanged
from daxa_gui.core.job import ErrorInfo, JobState
from daxa_gui.core.step import Outcome
from tests.fakes.execution import request
from tests.fakes.queue_bench import Bench
from tests.unit.test_queue_states import QueueStates

S = JobState
LATER = (S.WAITING, S.QUEUED, S.PAUSED, S.CANCELLED, S.FAILED, S.SKIPPED, S.SUCCEEDED)
VERBS = ("cancel", "pause_jobs", "resume_jobs", "retry")


class QueueStatesAtOnce(QueueStates):
    """The same rules where every request counts as one about very many jobs."""

    def open(self):
        super().open()
        self.bench.queue.many = 1


QueueStatesAtOnce.TestCase.settings = settings(QueueStates.TestCase.settings, max_examples=10)
TestThatTheQueueKeepsItsRulesWithManyJobs = QueueStatesAtOnce.TestCase


def some_archive(bench, number):
    """Chains of jobs, of which some run and others are in any state that fits to those before them."""
    draw = random.Random(number)
    requests = []
    for unit in range(12):
        kind = "download" if unit % 3 == 0 else "reduce"
        before = ()
        for step in ("prepare", "flares", "clean"):
            requests.append(
                replace(request(f"u{unit}", step, needs=before, label=f"{step}/u{unit}", lane=f"host:{unit % 2}"), kind=kind)
            )
            before = (f"{step}/u{unit}",)
    jobs = bench.queue.add(requests)
    changed = []
    for job in jobs:
        if bench.store.get(job.id).state is S.RUNNING or draw.random() < 0.3:
            continue
        state = draw.choice(LATER)
        if state is S.QUEUED and job.needs:
            state = S.WAITING
        elif state is S.WAITING and not job.needs:
            state = S.QUEUED
        error = ErrorInfo("It is damaged.") if state is S.FAILED else None
        changed.append(
            replace(job, state=state, error=error, done=3.0, text="Trying again.", facts={"n": 1}, warnings=("Short.",),
                    reason="Skipped." if state is S.SKIPPED else "", started=5.0, finished=6.0 if state in LATER[3:] else None)
        )  # fmt: skip
    bench.store.update_all(changed)
    bench.queue._settle(bench.store.jobs())
    return jobs, draw


@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize("verb", VERBS)
def test_that_many_jobs_end_up_as_each_of_them_would(tmp_path, verb, number):
    outcomes = []
    for many in (1, 10_000):
        bench = Bench(tmp_path / str(many), limit=1)
        bench.queue.many = many
        jobs, draw = some_archive(bench, number)
        ids = sorted(draw.sample([job.id for job in jobs], 20))
        getattr(bench.queue, verb)(ids)
        at_once = [replace(job, log_path="") for job in bench.store.jobs()]
        for _ in range(20):
            bench.executor.run_all()
            bench.clock.advance(30.0)
        outcomes.append((at_once, [(job.id, job.state, job.attempt, job.reason) for job in bench.store.jobs()]))
        bench.close()
    assert outcomes[0] == outcomes[1]


def test_that_many_changes_are_announced_together_and_stored_without_their_tasks_being_read(tmp_path):
    bench = Bench(tmp_path, limit=0)
    jobs = bench.queue.add([request(f"u{number}") for number in range(1500)])
    bench.mailbox.drain()
    with bench.store.database.writing() as connection:
        connection.execute("UPDATE jobs SET task = 'no task at all'")
    bench.store._table.forget()
    for verb, state in (("pause_jobs", S.PAUSED), ("resume_jobs", S.QUEUED), ("cancel", S.CANCELLED)):
        getattr(bench.queue, verb)([job.id for job in jobs])
        events = bench.mailbox.drain()
        assert events == [ManyJobsChanged(finished=state is S.CANCELLED)]
        with bench.store.database.reading() as connection:
            assert connection.execute("SELECT DISTINCT state FROM jobs").fetchall() == [(str(state),)]
    assert bench.store.counts() == {("reduce", S.CANCELLED): 1500} and bench.queue.wait_until_idle(0.0)
    bench.close()


def test_that_a_running_one_of_many_cancelled_jobs_stops_when_it_notices(tmp_path):
    def script(job, token):
        bench.queue.cancel([one.id for one in jobs])
        assert bench.states(job) == [S.CANCELLING]
        token.check()
        return Outcome()

    bench = Bench(tmp_path, script=script, limit=1)
    bench.queue.many = 2
    jobs = bench.queue.add([request(f"u{number}") for number in range(5)])
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.CANCELLED] * 5
    bench.close()


def test_that_what_is_asked_for_again_in_great_number_runs_to_its_end(tmp_path):
    def script(job, token):
        if bench.store.get(job.id).attempt < 2:
            raise DaxaError("It is damaged.")
        return Outcome()

    bench = Bench(tmp_path, script=script)
    bench.queue.many = 3
    jobs = bench.queue.add([request(f"u{number}") for number in range(6)])
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.FAILED] * 6
    again = bench.queue.retry([job.id for job in jobs])
    assert [job.id for job in again] == [job.id for job in jobs]
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.SUCCEEDED] * 6
    assert {event.job.id for event in bench.events(JobChanged)} == {job.id for job in jobs}
    bench.close()
