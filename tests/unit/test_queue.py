import itertools
from dataclasses import replace

import pytest

from daxa_gui.core.errors import ArchiveError, DaxaError, TransferError
from daxa_gui.core.events import JobChanged, Notice, ProductAdded
from daxa_gui.core.job import TRANSITIONS, JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.core.step import MadeFile, Outcome
from daxa_gui.execution.failures import failure_of
from daxa_gui.execution.moves import WrongMove, moved
from daxa_gui.execution.policy import Action, decide
from tests.fakes.execution import ImmediateExecutor, request
from tests.fakes.queue_bench import chain, fails_with
from tests.fakes.tasks import key

S = JobState


# ---- the table of moves


@pytest.mark.parametrize(("old", "new"), list(itertools.product(JobState, JobState)))
def test_that_only_the_moves_of_the_table_are_made(make_bench, old, new):
    (job,) = make_bench().store.add([request()])
    job = replace(job, state=old)
    if new in TRANSITIONS[old]:
        assert moved(job, new, text="x").state is new
    else:
        with pytest.raises(WrongMove):
            moved(job, new)


def test_that_a_finished_job_cannot_be_finished_again():
    assert all(not TRANSITIONS[state] & {S.SUCCEEDED, S.FAILED, S.CANCELLED} for state in (S.SUCCEEDED, S.FAILED, S.CANCELLED))


# ---- order and limits


def test_that_jobs_run_oldest_first_and_no_more_at_once_than_the_lane_allows(make_bench):
    bench = make_bench(limit=2)
    jobs = bench.queue.add([request(name) for name in "abcd"])
    assert bench.states(*jobs) == [S.RUNNING, S.RUNNING, S.QUEUED, S.QUEUED]
    bench.executor.run_next()
    assert bench.states(*jobs) == [S.SUCCEEDED, S.RUNNING, S.RUNNING, S.QUEUED]
    bench.executor.run_all()
    assert [unit for unit, _, _ in bench.runner.ran] == list("abcd")


def test_that_lanes_do_not_wait_for_each_other(make_bench):
    bench = make_bench(limit=1)
    bench.queue.add([request("a"), request("b", lane="host:x"), request("c")])
    assert bench.queue.lane_status("local").running == bench.queue.lane_status("host:x").running == 1
    assert bench.queue.lane_status("local").queued == 1


def test_that_a_job_runs_when_all_that_it_needs_succeeded(make_bench):
    bench = make_bench()
    a, b, c = bench.queue.add([request("a", label="a"), request("b", label="b"), request("c", needs=("a", "b"))])
    bench.executor.run_next()
    assert bench.states(a, b, c) == [S.SUCCEEDED, S.RUNNING, S.WAITING]
    bench.executor.run_next()
    assert bench.states(c) == [S.RUNNING]


def test_that_a_chain_of_thousands_of_jobs_runs_to_its_end(make_bench):
    bench = make_bench(executor=ImmediateExecutor())
    jobs = bench.queue.add(chain(*[f"s{i}" for i in range(2000)]))
    assert set(bench.states(*jobs)) == {S.SUCCEEDED}
    assert [step for _, step, _ in bench.runner.ran] == [f"s{i}" for i in range(2000)]


def test_that_a_job_added_later_may_need_one_that_is_done(make_bench):
    bench = make_bench(executor=ImmediateExecutor())
    (first,) = bench.queue.add([request("a")])
    (second,) = bench.queue.add([request("b", needs=(first.id,))])
    assert bench.states(first, second) == [S.SUCCEEDED] * 2


def test_that_follow_ups_run_too(make_bench):
    def script(job, token):
        return Outcome(follow_ups=(request("a.fits", "", kind="download", lane="host:x"),)) if job.kind == "plan" else Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    bench.queue.add([request("plan", "", kind="plan", lane="host:x")])
    assert [(job.kind, job.state) for job in bench.queue.jobs()] == [("plan", S.SUCCEEDED), ("download", S.SUCCEEDED)]


# ---- endings


def test_that_what_a_job_found_and_made_is_stored_and_announced(make_bench):
    def script(job, token):
        return Outcome(files=(MadeFile("", key(ProductKind.EVENTS), str(made)),), warnings=("odd",), facts={"n": 1})

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    made = bench.store.layout.raw_folder("xmm_pointed", "1") / "a.fits"
    made.parent.mkdir(parents=True)
    made.write_text("x")
    (job,) = bench.queue.add([request(size_bytes=9)])
    job = bench.store.get(job.id)
    assert (job.state, job.warnings, job.facts, job.attempt, job.done) == (S.SUCCEEDED, ("odd",), {"n": 1}, 1, 9.0)
    assert job.started == job.finished == bench.clock.now()
    events = bench.mailbox.drain()
    assert [event.product.path for event in events if isinstance(event, ProductAdded)] == [str(made)]
    assert [event.job for event in events if isinstance(event, JobChanged)] == [job]


def test_that_a_failed_job_keeps_its_reason_and_those_that_need_it_are_skipped_with_it(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(DaxaError("No counts.", "Look at it.")))
    jobs = bench.queue.add(chain("prepare", "flares", "clean"))
    first, second, third = (bench.store.get(job.id) for job in jobs)
    assert (first.state, first.error.message, first.error.hint) == (S.FAILED, "No counts.", "Look at it.")
    assert second.state is third.state is S.SKIPPED
    assert second.reason == third.reason == "« prepare of M1S001 » failed: No counts."


def test_that_a_stop_skips_what_would_follow_with_its_sentence(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=lambda job, token: Outcome(stop="The filter was closed."))
    first, second, third = (bench.store.get(job.id) for job in bench.queue.add(chain("prepare", "flares", "clean")))
    assert (first.state, first.reason) == (S.SUCCEEDED, "The filter was closed.")
    assert [(job.state, job.reason) for job in (second, third)] == [(S.SKIPPED, "The filter was closed.")] * 2


def test_that_a_stop_takes_away_what_was_made_before_it(make_bench, tmp_path):
    stop = ""

    def script(job, token):
        if job.step == "flares":
            return Outcome(stop=stop)
        folder = bench.store.layout.log_path(job.id).parent
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "clean.fits").write_text("x")
        return Outcome(files=(MadeFile("clean.fits", key()),))

    bench = make_bench(executor=ImmediateExecutor(), script=script)
    bench.queue.add([request(step="flares", n=3, label="f"), request(step="clean", needs=("f",))])
    assert len(bench.store.products()) == 1
    stop = "No useful time is left."
    _, clean = bench.queue.add([request(step="flares", n=1, label="f"), request(step="clean", needs=("f",))])
    assert bench.store.products() == [] and bench.states(clean) == [S.SKIPPED]


# ---- trying again


def test_that_an_error_that_may_pass_is_tried_three_times_with_growing_pauses(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(TransferError("The connection broke.")))
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.QUEUED] and not bench.queue.wait_until_idle(0.0)
    bench.clock.advance(1.9)
    assert len(bench.runner.ran) == 1
    bench.clock.advance(0.2)
    assert len(bench.runner.ran) == 2
    bench.clock.advance(7.0)
    assert len(bench.runner.ran) == 2
    bench.clock.advance(1.1)
    assert [attempt for _, _, attempt in bench.runner.ran] == [1, 2, 3]
    assert bench.states(job) == [S.FAILED] and bench.queue.wait_until_idle(0.0)


def test_that_other_jobs_run_while_one_waits_for_its_next_try(make_bench):
    def script(job, token):
        if job.unit == "a" and job.attempt == 1:
            raise TransferError("The connection broke.")
        return Outcome()

    bench = make_bench(executor=ImmediateExecutor(), script=script, limit=1)
    a, b = bench.queue.add([request("a"), request("b")])
    assert bench.states(a, b) == [S.QUEUED, S.SUCCEEDED]
    bench.clock.advance(10)
    assert bench.states(a) == [S.SUCCEEDED] and bench.store.get(a.id).error is None


def test_that_an_error_that_will_not_pass_is_not_tried_again(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(ZeroDivisionError("division by zero")))
    (job,) = bench.queue.add([request()])
    assert bench.states(job) == [S.FAILED] and len(bench.runner.ran) == 1
    assert "Unexpected error in « prepare of M1S001 »: ZeroDivisionError" in bench.store.get(job.id).error.message


def test_that_a_server_that_asks_for_patience_gets_it():
    error = TransferError("Busy.")
    error.retry_after_s = 120.0
    assert decide(failure_of(error, ""), 1, 1).delay_s == 120.0
    error.retry_after_s = 1e9
    assert decide(failure_of(error, ""), 1, 1).delay_s == 3600.0


def test_that_a_full_disk_pauses_the_lane_and_loses_no_job(make_bench):
    error = ArchiveError("There is no space left.", "Free some.", retryable=True)
    error.pauses_lane = True
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(error), limit=1)
    jobs = bench.queue.add([request("a"), request("b"), request("c", lane="host:x")])
    assert bench.states(*jobs) == [S.QUEUED] * 3 and bench.queue.lanes() == {"local": True, "host:x": True}
    notices = bench.events(Notice)
    assert [notice.message for notice in notices] == ["There is no space left."] * 2
    bench.runner.script = lambda job, token: Outcome()
    bench.queue.resume("local")
    assert bench.states(*jobs) == [S.SUCCEEDED, S.SUCCEEDED, S.QUEUED]


def test_that_a_host_that_is_down_pauses_its_lane_instead_of_failing_everything(make_bench):
    bench = make_bench(executor=ImmediateExecutor(), script=fails_with(TransferError("No route to host.")), limit=4)
    jobs = bench.queue.add([request(f"{i}", lane="host:x") for i in range(500)])
    for _ in range(20):
        bench.clock.advance(60)
    assert bench.queue.lanes() == {"host:x": True} and len(bench.runner.ran) < 50
    assert bench.states(*jobs).count(S.FAILED) == 0
    bench.runner.script = lambda job, token: Outcome()
    bench.queue.resume("host:x")
    bench.clock.advance(60)
    assert set(bench.states(*jobs)) == {S.SUCCEEDED}


def test_that_the_policy_fails_pauses_or_retries():
    passing, lasting = failure_of(TransferError("x"), ""), failure_of(DaxaError("x"), "")
    assert [decide(passing, tries, 1).action for tries in (1, 2, 3)] == [Action.RETRY, Action.RETRY, Action.FAIL]
    assert decide(lasting, 1, 100).action is Action.FAIL
    assert decide(passing, 1, 30).action is Action.PAUSE_LANE
