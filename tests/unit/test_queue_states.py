"""Whatever is asked of the queue in whatever order: only legal moves, nothing runs that was paused, and all comes to an end."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from daxa_gui.core.errors import DaxaError, TransferError
from daxa_gui.core.job import JobState
from daxa_gui.core.step import Outcome
from tests.fakes.execution import request
from tests.fakes.queue_bench import Bench

S = JobState
UNITS = ("a", "b", "c")
STEPS = ("prepare", "flares", "clean")
FATES = ("done", "done", "done", "stop", "breaks", "fails")
some_jobs = st.sets(st.integers(1, len(UNITS) * len(STEPS)), min_size=1, max_size=3)


class QueueStates(RuleBasedStateMachine):
    """Three chains of jobs in two lanes, over a real store, with work that ends as it was drawn."""

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="daxa-gui-queue-"))
        self.aside = set()  # ids that a person paused and nobody asked for since
        self.fate = "done"
        self.open()

    def open(self):
        self.bench = Bench(self.folder, script=self.script, limit=2)

    def script(self, job, token):
        token.check()
        assert job.id not in self.aside, "a paused job was begun"
        if self.fate == "breaks":
            raise TransferError("The connection broke.")
        if self.fate == "fails":
            raise DaxaError("It is damaged.")
        return Outcome(stop="Closed filter." if self.fate == "stop" else "")

    def known(self, ids):
        return [job.id for job in self.bench.store.jobs() if job.id in ids]

    def unfinished(self, ids):
        return {job_id for job_id in ids if not self.bench.store.get(job_id).is_finished}

    @rule(unit=st.sampled_from(UNITS), number=st.integers(0, 1), again=st.booleans())
    def add(self, unit, number, again):
        lane = "host:x" if unit == "c" else "local"
        labels = [f"{step}/{unit}" for step in STEPS]
        jobs = self.bench.queue.add(
            [
                request(unit, step, needs=(before,) if before else (), label=label, lane=lane, n=number)
                for step, label, before in zip(STEPS, labels, ["", *labels], strict=False)
            ],
            again=again,
        )
        self.aside -= {job.id for job in jobs}

    @rule(ids=some_jobs)
    def pause(self, ids):
        ids = self.known(ids)
        self.aside |= {i for i in self.unfinished(ids) if self.bench.store.get(i).state is not S.CANCELLING}
        self.bench.queue.pause_jobs(ids)

    @rule(ids=some_jobs)
    def resume(self, ids):
        self.aside -= ids
        self.bench.queue.resume_jobs(self.known(ids))

    @rule(ids=some_jobs)
    def retry(self, ids):
        self.aside -= ids
        self.bench.queue.retry(self.known(ids))

    @rule(ids=some_jobs)
    def cancel(self, ids):
        self.bench.queue.cancel(self.known(ids))
        self.aside -= ids

    @rule(lane=st.sampled_from(["local", "host:x"]), interrupt=st.booleans())
    def pause_lane(self, lane, interrupt):
        self.bench.queue.pause(lane, interrupt=interrupt)

    @rule(lane=st.sampled_from(["local", "host:x"]))
    def resume_lane(self, lane):
        self.bench.queue.resume(lane)

    @precondition(lambda self: self.bench.executor.waiting)
    @rule(fate=st.sampled_from(FATES))
    def work(self, fate):
        self.fate = fate
        self.bench.executor.run_next()

    @rule(seconds=st.sampled_from([1.0, 3.0, 30.0]))
    def wait(self, seconds):
        self.bench.clock.advance(seconds)

    @rule()
    def restart(self):
        self.bench.close()
        self.open()
        # a job that had not noticed its pause when the program ended begins again
        self.aside = {i for i in self.aside if self.bench.store.get(i).state is S.PAUSED}

    @invariant()
    def paused_jobs_do_not_run(self):
        if not hasattr(self, "bench"):
            return
        running = [job for job in self.bench.queue.jobs() if job.state in (S.RUNNING, S.CANCELLING)]
        assert sum(job.lane == "local" for job in running) <= 2 and len(running) <= 4
        for job_id in self.aside:
            job = self.bench.queue.job(job_id)
            assert job.state is S.PAUSED or job.is_finished or job in running, job

    def teardown(self):
        if not hasattr(self, "bench"):
            return
        queue, self.fate = self.bench.queue, "done"
        self.aside.clear()
        queue.resume_jobs([job.id for job in queue.jobs()])
        for lane in queue.lanes():
            queue.resume(lane)
        for _ in range(5):
            self.bench.executor.run_all()
            self.bench.clock.advance(60.0)
        jobs = queue.jobs()
        assert all(job.is_finished for job in jobs) and queue.wait_until_idle(0.0)
        for job in jobs:
            assert (job.state is not S.SKIPPED) or job.reason
        self.bench.close()
        shutil.rmtree(self.folder)


QueueStates.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestThatTheQueueKeepsItsRules = QueueStates.TestCase
