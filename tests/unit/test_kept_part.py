"""How far a job is before it tells anything: what is on the disk of a download does not vanish from the sums."""

from __future__ import annotations

import pytest

from daxa_gui.core.errors import TransferError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from tests.fakes.execution import ImmediateExecutor, request
from tests.fakes.queue_bench import Bench

S = JobState


@pytest.fixture
def make(tmp_path):
    benches = []

    def build(**options):
        benches.append(Bench(tmp_path / str(len(benches)), executor=ImmediateExecutor(), **options))
        return benches[-1]

    yield build
    for bench in benches:
        bench.close()


def run_twice(make, kind, first, again) -> tuple[float, list[tuple[JobState, float]]]:
    """A job that comes to 40 of 100, ends as `first` says, and is taken up by `again`: what it has at the end of the first run,
    and its state and progress at the beginning of the second."""
    begun = []

    def script(job, token):
        if begun:
            begun.append((bench.store.get(job.id).state, bench.store.get(job.id).done))
            return Outcome()
        begun.append(None)
        bench.queue._on_progress(bench.queue._runs[job.id], 40.0, 100.0, "")
        first(bench, job)
        token.check()
        return Outcome()

    bench = make(script=script)
    (job,) = bench.queue.add([request(kind=kind)])
    ended = bench.store.get(job.id).done
    again(bench, job)
    return ended, begun[1:]


def pause(bench, job) -> None:
    bench.queue.pause_jobs([job.id])


def resume(bench, job) -> None:
    bench.queue.resume_jobs([job.id])


def cancel(bench, job) -> None:
    bench.queue.cancel([job.id])


def fail(bench, job) -> None:
    raise TransferError("The server is gone.", retryable=False)


def retry(bench, job) -> None:
    bench.queue.retry([job.id])


@pytest.mark.parametrize(("first", "again"), [(pause, resume), (cancel, retry), (fail, retry)])
def test_that_a_download_goes_on_from_what_is_on_the_disk(make, first, again):
    assert run_twice(make, "download", first, again) == (40.0, [(S.RUNNING, 40.0)])


@pytest.mark.parametrize(("first", "again"), [(pause, resume), (cancel, retry), (fail, retry)])
def test_that_a_step_begins_anew(make, first, again):
    _ended, begun = run_twice(make, "reduce", first, again)
    assert begun == [(S.RUNNING, 0.0)]
