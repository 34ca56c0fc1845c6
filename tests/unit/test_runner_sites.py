"""What the runner does with sites elsewhere, follow-ups, settings and work folders of jobs that failed."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from daxa_gui.archive.job_logs import JobLogFile, read_from
from daxa_gui.archive.layout import OutputLayout
from daxa_gui.archive.store import ArchiveStore
from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import Cancelled
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Call, Command, Outcome, Place
from daxa_gui.execution.executors import PoolExecutor, start_thread
from daxa_gui.execution.queue import Queue
from daxa_gui.execution.runner import CancelToken, Runner
from daxa_gui.execution.worker_pool import WorkerPool
from tests.fakes.execution import request

TASKS = "tests.fakes.tasks:"


class Elsewhere:
    """A site that goes on when the program only leaves, and finds its work again."""

    name = "elsewhere"

    def __init__(self):
        self.began, self.left, self.cancelled, self.seen = threading.Event(), 0, 0, []
        self.answer = None

    def run(self, job, task, context, token):
        mark = Path(context.work_folder, "half done")
        self.seen.append(mark.exists())
        mark.touch()
        self.began.set()
        while self.answer is None:
            if token.is_cancelled:
                self.left += token.is_leaving
                self.cancelled += not token.is_leaving
                raise Cancelled
            threading.Event().wait(0.01)
        return self.answer

    def capacity(self):
        return 1

    def close(self):
        pass


class Bench:
    def __init__(self, folder, **more):
        self.layout = OutputLayout(folder).archive("a")
        self.store = ArchiveStore.create(self.layout)
        self.workers = WorkerPool(1, allowed=("tests.",))
        self.runner = Runner(
            self.store, self.workers, service_url=str,
            work_folder=lambda job: str(self.layout.folder / "remote" / f"job-{job.id}"),
            open_log=lambda job: JobLogFile(job.log_path), allowed=("tests.",), grace_s=0.3, **more,
        )  # fmt: skip
        self.start()

    def start(self):
        self.queue = Queue(self.store, Bus(), self.runner, PoolExecutor(start_thread), limits=lambda lane: 1)
        self.queue.start()

    def add(self, task=None, **more):
        (job,) = self.queue.add([replace(request(**more), task=task or Call(TASKS + "nothing", {}, Place.THREAD))])
        return job

    def end(self):
        self.queue.close()
        self.workers.close()
        self.store.close()


@pytest.fixture
def make(tmp_path):
    made = []

    def make(**more):
        made.append(Bench(tmp_path, **more))
        return made[-1]

    yield make
    for bench in made:
        bench.end()


def test_that_leaving_is_not_cancelling_and_cancelling_stays():
    token = CancelToken()
    token.leave()
    assert token.is_cancelled and token.is_leaving
    with pytest.raises(Cancelled):
        token.check()
    token.cancel()
    assert token.is_cancelled and not token.is_leaving
    token.leave()
    assert not token.is_leaving


def test_that_work_elsewhere_goes_on_when_the_program_closes_and_is_found_again(make):
    site = Elsewhere()
    bench = make(site=lambda job: site)
    job = bench.add()
    assert site.began.wait(10)
    bench.queue.close()
    assert (site.left, site.cancelled) == (1, 0) and bench.store.get(job.id).state is JobState.QUEUED
    site.answer = Outcome(facts={"n": 1})
    bench.start()
    assert bench.queue.wait_until_idle(120)
    assert site.seen == [False, True]  # the work folder was left as it was
    assert bench.store.get(job.id).facts == {"n": 1} and not (bench.layout.folder / "remote" / f"job-{job.id}").exists()


@pytest.mark.parametrize("how", ["cancel", "close", "pause"])
def test_that_work_elsewhere_ends_when_it_is_not_wanted(make, how):
    site = Elsewhere()
    bench = make(site=lambda job: site)
    job = bench.add()
    assert site.began.wait(10)
    if how == "cancel":
        bench.queue.cancel([job.id])
    elif how == "pause":
        bench.queue.pause_jobs([job.id])
    else:
        bench.queue.close(cancel=True)
    bench.queue.wait_until_idle(10)
    assert (site.left, site.cancelled) == (0, 1)
    assert bench.store.get(job.id).state is (JobState.PAUSED if how == "pause" else JobState.CANCELLED)
    assert not (bench.layout.folder / "remote" / f"job-{job.id}").exists()


def test_that_a_site_gets_only_calls_of_its_jobs(make):
    site = Elsewhere()
    site.answer = Outcome()
    bench = make(site=lambda job: site if job.unit == "there" else None)
    here = bench.add(unit="here")
    program = bench.add(Command(("true",)), unit="there")
    assert bench.queue.wait_until_idle(120) and not site.began.is_set()
    assert {bench.store.get(job.id).state for job in (here, program)} == {JobState.SUCCEEDED}


def test_that_follow_ups_of_an_outcome_are_added_with_it(make):
    follow = lambda job, outcome: [request(unit="M2", obs_id="0000000009")] if job.unit == "M1" else []  # noqa: E731
    bench = make(follow_ups=follow)
    bench.add(unit="M1", obs_id="0000000009")
    assert bench.queue.wait_until_idle(120)
    assert [(job.unit, job.state) for job in bench.store.jobs()] == [("M1", JobState.SUCCEEDED), ("M2", JobState.SUCCEEDED)]


def test_that_follow_ups_that_cannot_be_made_fail_the_job_and_store_nothing(make):
    def broken(job, outcome):
        raise ValueError("no units")

    bench = make(follow_ups=broken)
    job = bench.add(Call(TASKS + "make_file", {"text": "x"}, Place.THREAD))
    assert bench.queue.wait_until_idle(120)
    assert bench.store.get(job.id).state is JobState.FAILED and not bench.store.products()


def test_that_the_work_folder_of_a_failed_job_is_kept_where_that_is_wanted_and_of_a_cancelled_one_never(make):
    bench = make(keep_work=lambda job: bench.layout.kept_work_folder(job.id))
    failed = bench.add(Command(("sh", "-c", "echo a > left; exit 3")))
    assert bench.queue.wait_until_idle(120)
    kept = bench.layout.kept_work_folder(failed.id)
    assert [path.name for path in kept.iterdir()] == ["left"] and str(kept) in read_from(failed.log_path)[0]
    slow = bench.add(Command(("sh", "-c", "echo a > left; sleep 60")), unit="M2")
    while not bench.queue.running_jobs():
        threading.Event().wait(0.01)
    bench.queue.cancel([slow.id])
    assert bench.queue.wait_until_idle(120) and not bench.layout.kept_work_folder(slow.id).exists()


def test_that_the_next_job_runs_while_what_one_did_is_stored(make, monkeypatch):
    """Storing the first waits until the second has run."""
    bench = make()
    commit, second = bench.store.commit_outcome, threading.Event()

    def slow(job, outcome, folder):
        if job.unit == "M1":
            assert second.wait(20)
        else:
            second.set()
        return commit(job, outcome, folder)

    monkeypatch.setattr(bench.store, "commit_outcome", slow)
    jobs = [bench.add(unit="M1"), bench.add(unit="M2")]
    assert bench.queue.wait_until_idle(120)
    assert {bench.store.get(job.id).state for job in jobs} == {JobState.SUCCEEDED}
