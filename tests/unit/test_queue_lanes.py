from dataclasses import replace

import pytest

from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.errors import ArchiveError, DaxaError
from daxa_gui.core.events import JobChanged, LaneChanged, Notice
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from tests.fakes.execution import ImmediateExecutor, ManualExecutor, ScriptedRunner, request
from tests.fakes.queue_bench import Bench, chain, fails_with

S = JobState


# ---- lanes, progress, closing


def test_that_a_paused_lane_starts_nothing_and_resumes(make_bench):
    bench = make_bench(executor=ImmediateExecutor())
    bench.queue.pause("local")
    jobs = bench.queue.add([request("a"), request("b", lane="host:x")])
    assert bench.states(*jobs) == [S.QUEUED, S.SUCCEEDED] and bench.queue.wait_until_idle(0.0)
    bench.queue.resume("local")
    assert bench.states(*jobs) == [S.SUCCEEDED] * 2
    assert [(e.lane, e.paused) for e in bench.events(LaneChanged)] == [("local", False)]


def test_that_a_lane_can_be_paused_from_the_beginning(make_bench):
    bench = make_bench(paused=["local"])
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.QUEUED]


def test_that_pausing_with_interruption_puts_running_jobs_back(make_bench):
    def script(job, token):
        if job.attempt == 1:
            bench.queue.pause("local", interrupt=True)
            token.check()
        return Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.QUEUED]
    bench.queue.resume("local")
    assert bench.states(job) == [S.SUCCEEDED]


def test_that_progress_is_announced_and_seen_but_not_stored(make_bench):
    class Runner(ScriptedRunner):
        def run(self, job, token, on_progress, succeed):
            on_progress(5.0, 10.0, "half")
            live = bench.queue.job(job.id)
            assert (live.done, live.total, live.text) == (5.0, 10.0, "half") and bench.queue.jobs() == [live]
            assert bench.events(JobChanged)[-1].job == live
            assert bench.store.get(job.id).done == 0.0
            return super().run(job, token, on_progress, succeed)

    bench = make_bench(executor=ImmediateExecutor())
    bench.queue._runner = Runner(bench.store)
    (job,) = bench.queue.add([request()])
    assert bench.store.get(job.id).done == 10.0 and bench.store.get(job.id).text == ""


def test_that_closing_puts_running_jobs_back_for_the_next_start(tmp_path):
    def script(job, token):
        bench.queue.close(timeout_s=0.0)
        token.check()
        return Outcome()

    bench = Bench(tmp_path, ManualExecutor(), script, limit=1)
    bench.queue.add([request("a"), request("b")])
    bench.executor.run_next()
    bench.store.close()
    again = Bench(tmp_path, ImmediateExecutor())
    assert [(job.state, job.attempt) for job in again.queue.jobs()] == [(S.SUCCEEDED, 2), (S.SUCCEEDED, 1)]
    again.close()


def test_that_work_that_goes_on_after_closing_changes_nothing(tmp_path):
    bench = Bench(tmp_path, ManualExecutor())
    bench.queue.add([request("a")])
    bench.close()
    bench.executor.run_all()
    again = Bench(tmp_path, ImmediateExecutor())
    assert [(job.state, job.attempt) for job in again.queue.jobs()] == [(S.SUCCEEDED, 2)]
    again.close()


def test_that_closing_for_good_cancels_everything(make_bench):
    bench = make_bench(limit=1)
    jobs = bench.queue.add([request("a"), request("b"), *chain("prepare", "flares")])
    bench.queue.close(cancel=True, timeout_s=0.0)
    assert bench.states(*jobs) == [S.CANCELLING, S.CANCELLED, S.CANCELLED, S.CANCELLED]


def test_that_a_restart_goes_on_with_waiting_jobs_whose_needs_are_done(tmp_path):
    bench = Bench(tmp_path, ManualExecutor())
    first, _, _ = bench.queue.add(chain("prepare", "flares", "clean"))
    bench.close()
    store = ArchiveStore.open(bench.store.layout)
    store.update(replace(store.get(first.id), state=S.SUCCEEDED))  # killed after storing this, before anything else
    store.close()
    again = Bench(tmp_path, ImmediateExecutor())
    assert [job.state for job in again.queue.jobs()] == [S.SUCCEEDED] * 3
    assert [step for _, step, _ in again.runner.ran] == ["flares", "clean"]
    again.close()


def test_that_an_archive_that_cannot_be_written_pauses_the_queue_and_it_goes_on_later(make_bench, monkeypatch):
    bench = make_bench(limit=1)
    jobs = bench.queue.add([request("a"), request("b")])
    with monkeypatch.context() as patch:

        def full(jobs):
            raise ArchiveError("There is no space left.", "Free some.")

        bench.runner.script = fails_with(DaxaError("No counts."))
        patch.setattr(bench.store, "update_all", full)
        bench.executor.run_all()
        assert bench.queue.lanes() == {"local": True}
        assert [notice.message for notice in bench.events(Notice)] == ["There is no space left."]
        with pytest.raises(ArchiveError):
            bench.queue.resume("local")
    bench.runner.script = lambda job, token: Outcome()
    bench.queue.resume("local")
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.SUCCEEDED] * 2
