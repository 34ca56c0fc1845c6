"""Jobs that a person puts aside and lets go on."""

import pytest

from daxa_gui.core.errors import ArchiveError, DaxaError, TransferError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from tests.fakes.execution import ImmediateExecutor, request
from tests.fakes.queue_bench import Bench, chain, fails_with

S = JobState


def test_that_jobs_that_have_not_begun_are_paused_at_once_and_what_needs_them_waits(make_bench):
    bench = make_bench(limit=1)
    jobs = bench.queue.add([request("first"), *chain("prepare", "flares")])
    bench.queue.pause_jobs([jobs[1].id])
    assert bench.states(*jobs) == [S.RUNNING, S.PAUSED, S.WAITING]
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.SUCCEEDED, S.PAUSED, S.WAITING]
    assert bench.queue.wait_until_idle(0.0)
    (resumed,) = bench.queue.resume_jobs([jobs[1].id])
    assert resumed.state in (S.QUEUED, S.RUNNING)
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.SUCCEEDED] * 3


def test_that_a_waiting_job_that_is_paused_stays_so_when_what_it_needs_is_done(make_bench):
    bench = make_bench()
    jobs = bench.queue.add(chain("prepare", "flares"))
    bench.queue.pause_jobs([jobs[1].id])
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.SUCCEEDED, S.PAUSED]
    bench.queue.resume_jobs([jobs[1].id])
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.SUCCEEDED] * 2


def test_that_a_paused_job_whose_need_failed_is_skipped_when_it_may_go_on(make_bench):
    bench = make_bench(script=fails_with(DaxaError("No counts.")))
    jobs = bench.queue.add(chain("prepare", "flares"))
    bench.queue.pause_jobs([jobs[1].id])
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.FAILED, S.PAUSED]
    bench.queue.resume_jobs([jobs[1].id])
    assert bench.states(*jobs) == [S.FAILED, S.SKIPPED]


def test_that_a_running_job_pauses_when_it_notices_and_keeps_its_progress(make_bench):
    def script(job, token):
        bench.queue._on_progress(bench.queue._runs[job.id], 40.0, 100.0, "downloading")
        bench.queue.pause_jobs([job.id])
        assert bench.states(job) == [S.RUNNING]
        token.check()
        return Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request()])
    paused = bench.store.get(job.id)
    assert (paused.state, paused.done, paused.total, paused.text, paused.error) == (S.PAUSED, 40.0, 100.0, "", None)
    bench.runner.script = lambda job, token: Outcome()
    bench.queue.resume_jobs([job.id])
    assert bench.states(job) == [S.SUCCEEDED] and bench.store.get(job.id).attempt == 2


@pytest.mark.parametrize(
    ("error", "state"),
    [(TransferError("The connection broke."), S.PAUSED), (DaxaError("It is damaged."), S.FAILED)],
)
def test_that_work_that_breaks_while_it_is_paused_is_paused_unless_it_can_never_succeed(make_bench, error, state):
    def script(job, token):
        bench.queue.pause_jobs([job.id])
        raise error

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request()])
    bench.clock.advance(100.0)
    assert bench.states(job) == [state] and len(bench.runner.ran) == 1


def test_that_a_full_disk_does_not_undo_a_pause(make_bench):
    full = ArchiveError("There is no space left.")
    full.pauses_lane = True

    def script(job, token):
        bench.queue.pause_jobs([job.id])
        raise full

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.PAUSED]


def test_that_work_that_is_done_before_it_notices_the_pause_is_done(make_bench):
    def script(job, token):
        return Outcome()

    bench = make_bench(limit=1, script=script)
    job, _ = bench.queue.add([request("a"), request("b")])
    run = bench.queue._runs[job.id]
    run.committing = True
    bench.queue.pause_jobs([job.id])
    bench.executor.run_next()
    assert bench.states(job) == [S.SUCCEEDED]


def test_that_finished_jobs_cannot_be_paused_and_others_cannot_be_resumed(make_bench):
    bench = make_bench(limit=1)
    first, second = bench.queue.add([request("a"), request("b")])
    bench.executor.run_next()
    bench.queue.pause_jobs([first.id])
    assert bench.queue.resume_jobs([first.id, second.id]) == []
    assert bench.states(first, second) == [S.SUCCEEDED, S.RUNNING]


def test_that_a_job_waiting_for_its_next_try_can_be_paused(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(TransferError("x")))
    (job,) = bench.queue.add([request()])
    bench.queue.pause_jobs([job.id])
    bench.clock.advance(100)
    assert bench.states(job) == [S.PAUSED] and len(bench.runner.ran) == 1 and bench.queue.wait_until_idle(0.0)
    bench.runner.script = lambda job, token: Outcome()
    bench.queue.resume_jobs([job.id])
    assert bench.states(job) == [S.SUCCEEDED] and bench.store.get(job.id).error is None


def test_that_a_paused_job_can_be_cancelled(make_bench):
    bench = make_bench(limit=1)
    jobs = bench.queue.add([request("a"), *chain("prepare", "flares")])
    bench.queue.pause_jobs([jobs[0].id, jobs[1].id])
    bench.queue.cancel([jobs[0].id, jobs[1].id])
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.CANCELLED, S.CANCELLED, S.SKIPPED]


@pytest.mark.parametrize("ask", ["add", "retry"])
def test_that_asking_for_a_paused_job_lets_it_go_on(make_bench, ask):
    bench = make_bench(limit=1)
    running, paused = bench.queue.add([request("a"), request("b")])
    bench.queue.pause_jobs([running.id, paused.id])
    if ask == "add":
        bench.queue.add([request("a"), request("b")])
    else:
        bench.queue.retry([running.id, paused.id])
    bench.executor.run_all()
    assert bench.states(running, paused) == [S.SUCCEEDED, S.SUCCEEDED]


def test_that_resuming_before_it_noticed_the_pause_puts_the_job_back(make_bench):
    bench = make_bench(limit=1)
    (job,) = bench.queue.add([request()])
    bench.queue.pause_jobs([job.id])
    assert [one.id for one in bench.queue.resume_jobs([job.id])] == [job.id]
    bench.executor.run_all()
    assert bench.states(job) == [S.SUCCEEDED]


def test_that_pausing_a_lane_with_interruption_does_not_let_a_paused_job_go_on(make_bench):
    bench = make_bench(limit=1)
    (job,) = bench.queue.add([request()])
    bench.queue.pause_jobs([job.id])
    bench.queue.pause("local", interrupt=True)
    bench.queue.resume("local")
    bench.executor.run_all()
    assert bench.states(job) == [S.PAUSED]


def test_that_a_paused_job_runs_with_the_task_that_was_asked_for_last(make_bench):
    bench = make_bench(limit=1)
    (job,) = bench.queue.add([request(sigma=3.0)])
    bench.queue.add([request(sigma=2.0)])
    bench.queue.pause_jobs([job.id])
    bench.executor.run_all()
    assert bench.states(job) == [S.PAUSED]
    assert bench.store.get(job.id).task.arguments["sigma"] == 2.0


def test_that_paused_jobs_are_paused_after_a_restart(tmp_path):
    bench = Bench(tmp_path, limit=1)
    jobs = bench.queue.add([request("a"), request("b"), request("c")])
    bench.queue.pause_jobs([jobs[0].id, jobs[1].id])
    bench.executor.run_next()  # the running one notices
    bench.close()
    again = Bench(tmp_path)
    assert again.states(*jobs) == [S.PAUSED, S.PAUSED, S.RUNNING]
    again.executor.run_all()
    assert again.queue.wait_until_idle(0.0)
    again.queue.resume_jobs([job.id for job in jobs])
    again.executor.run_all()
    assert again.states(*jobs) == [S.SUCCEEDED] * 3
    again.close()


def test_that_closing_does_not_let_a_pausing_job_go_on(tmp_path):
    bench = Bench(tmp_path, limit=1, executor=ImmediateExecutor())

    def script(job, token):
        bench.queue.pause_jobs([job.id])
        with bench.queue._changed:
            bench.queue._closing = True
        token.check()

    bench.runner.script = script
    (job,) = bench.queue.add([request()])
    bench.close()
    again = Bench(tmp_path)
    assert again.states(job) == [S.PAUSED]
    again.close()


def test_that_jobs_that_failed_together_do_not_come_back_together(make_bench):
    draws = iter([0.0, 1.0])
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(TransferError("x")))
    bench.queue._jitter = lambda: next(draws, 0.5)
    bench.queue.add([request("a"), request("b")])
    bench.clock.advance(2.1)
    assert len(bench.runner.ran) == 3
    bench.clock.advance(0.5)
    assert len(bench.runner.ran) == 4


def test_that_a_plan_that_is_made_again_does_not_let_a_paused_download_go_on(make_bench):
    """What failed is tried again (« continue »), but nobody asked for what was paused."""
    names = ["a.fits", "b.fits"]
    broken = True

    def script(job, token):
        if job.kind != "plan":
            return Outcome()
        if broken:
            raise DaxaError("No listing.")
        follow_ups = tuple(request(name, "", kind="download", lane="host:here", path=f"new/{name}") for name in names)
        return Outcome(follow_ups=follow_ups)

    bench = make_bench(script=script)
    plan, paused = bench.queue.add([request("", "", kind="plan"), request("a.fits", "", kind="download", lane="host:here")])
    bench.queue.pause_jobs([paused.id])
    bench.executor.run_all()
    assert bench.states(plan, paused) == [S.FAILED, S.PAUSED]
    broken = False
    bench.queue.retry([plan.id])
    bench.executor.run_all()
    states = {job.unit: job.state for job in bench.store.jobs("download")}
    assert states == {"a.fits": S.PAUSED, "b.fits": S.SUCCEEDED}
    assert bench.store.get(paused.id).task.arguments["path"] == "new/a.fits"  # of the new plan
    bench.queue.resume_jobs([paused.id])
    bench.executor.run_all()
    assert bench.states(paused) == [S.SUCCEEDED]
