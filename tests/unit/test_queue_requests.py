from daxa_gui.core.errors import Cancelled, DaxaError, TransferError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from tests.fakes.execution import ImmediateExecutor, request
from tests.fakes.queue_bench import chain, fails_with

S = JobState


# ---- cancelling


def test_that_waiting_and_queued_jobs_are_cancelled_at_once_and_what_needs_them_is_skipped(make_bench):
    bench = make_bench(limit=1)
    jobs = bench.queue.add([*chain("prepare", "flares", "clean"), request("other")])
    bench.queue.cancel([jobs[1].id, jobs[3].id])
    assert bench.states(*jobs) == [S.RUNNING, S.CANCELLED, S.SKIPPED, S.CANCELLED]
    assert bench.store.get(jobs[2].id).reason == "« flares of M1S001 » was cancelled."
    bench.executor.run_all()
    assert [step for _, step, _ in bench.runner.ran] == ["prepare"]


def test_that_cancelling_everything_skips_nothing(make_bench):
    bench = make_bench(limit=1)
    jobs = bench.queue.add(chain("prepare", "flares", "clean"))
    bench.queue.cancel([job.id for job in jobs])
    assert bench.states(*jobs) == [S.CANCELLING, S.CANCELLED, S.CANCELLED]
    bench.executor.run_all()
    assert bench.states(*jobs) == [S.CANCELLED] * 3


def test_that_a_running_job_ends_as_cancelled_when_it_notices(make_bench):
    def script(job, token):
        bench.queue.cancel([job.id])
        assert bench.states(job) == [S.CANCELLING]
        token.check()
        return Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.CANCELLED] and bench.store.get(job.id).error is None


def test_that_work_that_fails_while_it_is_cancelled_is_not_tried_again(make_bench):
    def script(job, token):
        bench.queue.cancel([job.id])
        raise TransferError("The connection broke.")

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.FAILED] and len(bench.runner.ran) == 1


def test_that_a_job_waiting_for_its_next_try_can_be_cancelled(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(TransferError("x")))
    (job,) = bench.queue.add([request()])
    bench.queue.cancel([job.id])
    bench.clock.advance(100)
    assert bench.states(job) == [S.CANCELLED] and len(bench.runner.ran) == 1


def test_that_finished_jobs_cannot_be_cancelled(make_bench):
    bench = make_bench(executor=ImmediateExecutor())
    (job,) = bench.queue.add([request()])
    bench.queue.cancel([job.id])
    assert bench.states(job) == [S.SUCCEEDED]


def test_that_work_that_stops_by_itself_counts_as_cancelled(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(Cancelled()))
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.CANCELLED]


# ---- asking again


def test_that_a_retry_opens_what_was_skipped_because_of_the_job(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(DaxaError("No.")))
    jobs = bench.queue.add(chain("prepare", "flares", "clean"))
    bench.runner.script = lambda job, token: Outcome()
    bench.queue.retry([jobs[0].id])
    assert bench.states(*jobs) == [S.SUCCEEDED] * 3 and bench.store.get(jobs[0].id).attempt == 2


def test_that_a_retry_of_a_skipped_job_also_retries_what_it_needs(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(DaxaError("No.")))
    jobs = bench.queue.add(chain("prepare", "flares", "clean"))
    bench.runner.script = lambda job, token: Outcome()
    bench.queue.retry([jobs[2].id])
    assert bench.states(*jobs) == [S.SUCCEEDED] * 3


def test_that_a_retry_gives_three_tries_again(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(TransferError("x")))
    (job,) = bench.queue.add([request()])
    bench.clock.advance(100)
    assert bench.states(job) == [S.FAILED]
    bench.queue.retry([job.id])
    bench.clock.advance(100)
    assert [attempt for _, _, attempt in bench.runner.ran] == [1, 2, 3, 4, 5, 6]


def test_that_a_retry_of_a_job_that_is_not_finished_changes_nothing(make_bench):
    bench = make_bench(limit=1)
    jobs = bench.queue.add([request("a"), request("b")])
    assert bench.queue.retry([job.id for job in jobs]) == [] and bench.states(*jobs) == [S.RUNNING, S.QUEUED]


def test_that_queued_followers_wait_again_when_what_they_need_is_run_again(make_bench):
    bench = make_bench(limit=1)
    first, second = bench.queue.add(chain("prepare", "flares"))
    bench.queue.pause("local")
    bench.executor.run_all()
    assert bench.states(first, second) == [S.SUCCEEDED, S.QUEUED]
    bench.queue.retry([first.id])
    assert bench.states(first, second) == [S.QUEUED, S.WAITING]
    bench.queue.resume("local")
    bench.executor.run_all()
    assert [step for _, step, _ in bench.runner.ran] == ["prepare", "prepare", "flares"]


def test_that_changed_parameters_run_a_job_and_its_followers_again(make_bench):
    bench = make_bench(executor=ImmediateExecutor())

    def ask(n_sigma):
        bench.clock.advance(1)
        return bench.queue.add([request(step="flares", n_sigma=n_sigma, label="f"), request(step="clean", needs=("f",))])

    ask(3)
    ask(3)
    assert len(bench.runner.ran) == 2
    ask(4)
    assert bench.runner.ran[2:] == [("M1S001", "flares", 2), ("M1S001", "clean", 2)]


def test_that_changed_parameters_stop_a_running_job_and_start_it_with_the_new_ones(make_bench):
    seen = []

    def script(job, token):
        seen.append(job.task.arguments["n"])
        if job.attempt == 1:
            bench.queue.add([request(n=4)])
            token.check()
        return Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request(n=3)])
    assert seen == [3, 4] and bench.states(job) == [S.SUCCEEDED]


def test_that_a_job_that_ends_before_it_notices_the_change_is_run_again(make_bench):
    seen = []

    def script(job, token):
        seen.append(job.task.arguments["n"])
        if job.attempt == 1:
            bench.queue.add([request(n=4)])
            raise DaxaError("Failed with the old parameters.")
        return Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request(n=3)])
    assert seen == [3, 4] and bench.states(job) == [S.SUCCEEDED]


def test_that_a_job_asked_for_while_it_is_being_cancelled_is_run_again(make_bench):
    def script(job, token):
        if job.attempt == 1:
            bench.queue.cancel([job.id])
            bench.queue.add([request()])
            token.check()
        return Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.SUCCEEDED] and len(bench.runner.ran) == 2
