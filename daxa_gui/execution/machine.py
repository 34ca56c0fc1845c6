"""What the queue does by itself: starting jobs when their turn comes, taking down how they ended, and what follows from that.

`Queue` (in `queue.py`) is this and what may be asked of it.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from daxa_gui.core.bus import Bus
from daxa_gui.core.errors import ArchiveError, Cancelled, DaxaError
from daxa_gui.core.events import JobChanged, LaneChanged, Notice, ProductAdded
from daxa_gui.core.job import Job, JobState, JobStore
from daxa_gui.core.step import Outcome
from daxa_gui.execution.clock import Clock, SystemClock
from daxa_gui.execution.executors import Executor
from daxa_gui.execution.failures import Failure
from daxa_gui.execution.lanes import Lane
from daxa_gui.execution.moves import can_be_settled, cut_off, kept_part, moved, reopened, settle
from daxa_gui.execution.policy import Action, decide
from daxa_gui.execution.runner import Committed
from daxa_gui.execution.runs import Run, RunsJobs

_S = JobState
_QUICK_S = 1.0  # see `Lane.is_quick`


class QueueMachine:
    """See `Queue`, which gives this its methods for others.

    Parameters
    ----------
    limits : how many jobs of a lane ("local", "host:…") may run at once; asked anew each time.
    paused : lanes that are paused from the beginning.
    jitter : numbers from 0 to 1 that spread the pauses before further tries, so that not all come back at the same moment.
    """

    def __init__(
        self,
        store: JobStore,
        bus: Bus,
        runner: RunsJobs,
        executor: Executor,
        *,
        limits: Callable[[str], int],
        clock: Clock | None = None,
        paused: Iterable[str] = (),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._bus = bus
        self._runner = runner
        self._executor = executor
        self._limits = limits
        self._clock = clock or SystemClock()
        self._jitter = jitter
        self._changed = threading.Condition(threading.RLock())
        self._lanes: dict[str, Lane] = {}
        self._runs: dict[int, Run] = {}
        self._backing_off: set[int] = set()
        self._tries: dict[int, int] = {}  # automatic ones, since somebody asked
        self._unsaved: set[int] = set()  # ended, but the archive could not be written
        self._open = False
        self._closing = False
        for name in paused:
            self._lane(name).paused = True

    # ---- starting

    def _lane(self, name: str) -> Lane:
        if name not in self._lanes:
            self._lanes[name] = Lane(name, lambda: self._limits(name))
        return self._lanes[name]

    def _set_paused(self, name: str, paused: bool) -> None:
        self._lane(name).paused = paused
        self._bus.publish(LaneChanged(name, paused))

    def _startable(self, job_id: int) -> bool:
        return job_id not in self._runs and job_id not in self._backing_off and self._store.is_queued(job_id)

    def _take_up(self, jobs: Iterable[Job], *, announced: bool = False) -> dict[int, Job]:
        """Announce jobs that were added or opened again (unless that was done) and put them where they belong now. Returns those
        that this changed, as they are then."""
        jobs, waiting = list(jobs), []
        if not announced:
            self._bus.publish_all([JobChanged(job) for job in jobs])
        for job in jobs:
            self._tries.pop(job.id, None)
            self._backing_off.discard(job.id)
            if job.state is _S.QUEUED:
                self._lane(job.lane).push(job.id)
            elif job.state is _S.WAITING:
                waiting.append(job)
        return self._settle(waiting)

    def _pump(self) -> None:
        """Start what may run now. Not under the lock: an executor may run the job before it returns."""
        try:
            while (run := self._next()) is not None:
                self._submit(run)
        except ArchiveError as error:
            self._pause_everything(error)

    def _submit(self, run: Run) -> None:
        try:
            self._executor.submit(lambda: self._in_background(lambda: self._work(run)))
        except RuntimeError as error:
            if not self._executor.starts_threads:
                raise
            with self._changed:
                lane = self._lane(run.job.lane)
                del self._runs[run.job.id]
                lane.running.discard(run.job.id)
                run.token.turned_back = True
                self._put_back(run, lane)
            self._pause_everything(DaxaError(f"No thread could be started: {error}.", "End other programs, then resume."))

    def _next(self) -> Run | None:
        with self._changed:
            for lane in self._lanes.values() if self._open and not self._closing else ():
                limit = self._limits(lane.name)
                if lane.paused or not lane.has_room(limit):
                    continue
                job_id = lane.take(self._startable)
                if job_id is not None:
                    return self._begun(lane, job_id, ahead=len(lane.running) >= limit)
            self._tell_if_idle()
            return None

    def _tell_if_idle(self) -> None:
        if not self._runs:  # whoever waits until all is done need not wake up for each job
            self._changed.notify_all()

    def _begun(self, lane: Lane, job_id: int, *, ahead: bool) -> Run:
        try:
            job = self._store.get(job_id)
            now = self._clock.now()
            done = kept_part(job)  # until it tells more, so that sums do not fall back
            job = moved(job, _S.RUNNING, attempt=job.attempt + 1, started=now, finished=None, done=done, text="", error=None)
            self._save_states([job])
        except ArchiveError:
            lane.push(job_id)
            raise
        run = self._runs[job_id] = Run(job)
        run.token.use(lane.turns, lambda: self._on_turn(run), ahead=ahead)
        lane.running.add(job_id)
        return run

    def _on_turn(self, run: Run) -> None:
        """The seconds of a job count from here: waiting for its turn is none of its work."""
        with self._changed:
            run.job = replace(run.job, started=self._clock.now())

    def _in_background(self, function: Callable[[], None]) -> None:
        """Where nobody waits for an answer."""
        try:
            function()
        except ArchiveError as error:
            self._pause_everything(error)

    def _pause_everything(self, error: DaxaError) -> None:
        """The archive cannot be written (a full disk), or the machine is exhausted."""
        with self._changed:
            if not self._open:
                return
            for name in self._lanes:
                self._set_paused(name, True)
            self._changed.notify_all()
            self._bus.publish(Notice("error", error.message, error.hint or "Resume the queue when it can be written again."))
            for job_id in self._unsaved:
                self._bus.publish(JobChanged(self._ended(self._store.get(job_id))))

    def _ended(self, job: Job) -> Job:
        return job if job.id in self._runs else cut_off(job, self._clock.now())

    def _save_the_unsaved(self) -> None:
        """Jobs whose end could not be stored are done again. Raises ArchiveError if it still cannot be stored."""
        for job_id in list(self._unsaved):
            job = self._ended(self._store.get(job_id))
            self._save([job])
            self._unsaved.discard(job_id)
            self._take_up([job])
            self._settle_dependents([job])

    # ---- running (on the executor's threads)

    def _work(self, run: Run | None) -> None:
        """Run a job. What may run then is run by the same thread, and by others if it is more than one."""
        while run is not None:
            self._run(run)
            run = self._next() if self._executor.starts_threads else None
            self._pump()

    def _run(self, run: Run) -> None:
        result = self._runner.run(
            run.job, run.token, lambda *news: self._on_progress(run, *news), lambda o: self._succeed(run, o)
        )
        with self._changed:
            job_id = run.job.id
            if not self._open:
                return  # closed while this went on: the store may be closed too
            del self._runs[job_id]
            lane = self._lane(run.job.lane)
            lane.running.discard(job_id)
            lane.storing.discard(job_id)
            self._unsaved.add(job_id)
            try:
                if isinstance(result, Committed):
                    lane.failures_in_a_row = 0
                    self._after_success(result)
                else:
                    self._after_failure(run, lane, result)
                self._unsaved.discard(job_id)
            finally:
                self._tell_if_idle()

    def _on_progress(self, run: Run, done: float, total: float | None, text: str) -> None:
        with self._changed:
            if self._runs.get(run.job.id) is run:
                run.job = replace(run.job, done=done, total=run.job.total if total is None else total, text=text)
                self._bus.publish(JobChanged(run.job))

    def _succeed(self, run: Run, outcome: Outcome) -> Job:
        """The job as it will be stored together with what it made; from now on it cannot be stopped any more."""
        with self._changed:
            if run.token.is_cancelled or not self._open:
                raise Cancelled
            run.committing = True
            job = moved(
                run.job, _S.SUCCEEDED, finished=self._clock.now(), reason=outcome.stop, warnings=outcome.warnings,
                facts=outcome.facts, text="", done=run.job.done if run.job.total is None else run.job.total,
            )  # fmt: skip
            if not self._executor.starts_threads:
                return job
            lane = self._lane(job.lane)
            lane.running.discard(job.id)
            lane.storing.add(job.id)
            lane.is_quick = run.token.gets_ready and (job.finished or 0.0) - (job.started or 0.0) < _QUICK_S
        self._pump()  # storing waits for the disk: the next job need not
        return job

    def _after_success(self, result: Committed) -> None:
        job = self._store.get(result.job.id)
        self._tries.pop(job.id, None)
        for product in result.products:
            self._bus.publish(ProductAdded(product))
        if self._open_again_if_changed(job):
            return
        self._bus.publish(JobChanged(job))
        if job.state is _S.QUEUED:  # asked for again since it was stored
            self._lane(job.lane).push(job.id)
        self._take_up(job for job in result.follow_ups if job.id not in self._runs)
        self._settle_dependents([job])

    def _after_failure(self, run: Run, lane: Lane, failure: Failure) -> None:
        if run.pausing and (failure.cancelled or failure.info.retryable or failure.pauses_lane):
            self._set_aside(run)
            return
        if failure.cancelled and (run.requeue or (run.token.turned_back and run.job.state is _S.RUNNING)):
            self._put_back(run, lane)
            return
        if failure.cancelled:
            if run.job.state is _S.RUNNING:  # the work stopped by itself
                run.job = moved(run.job, _S.CANCELLING)
            job = moved(run.job, _S.CANCELLED, finished=self._clock.now(), text="")
        elif run.job.state is _S.CANCELLING or self._try_again(run, lane, failure) is None:
            job = moved(run.job, _S.FAILED, finished=self._clock.now(), text="", error=failure.info)
        else:
            return
        self._tries.pop(job.id, None)
        if not self._open_again_if_changed(job):
            self._save([job])
            self._settle_dependents([job])

    def _put_back(self, run: Run, lane: Lane) -> None:
        """What ran is to run later. One whose turn did not come has not been tried."""
        turned_back = run.token.turned_back
        lane.is_quick = lane.is_quick and not turned_back
        job = moved(run.job, _S.QUEUED, started=None, text="", attempt=run.job.attempt - turned_back)
        if not self._open_again_if_changed(job):
            self._save([job])
            self._to_lane(job)

    def _to_lane(self, job: Job) -> None:
        """A queued job that has begun before: what it needs may be done again now, or may not be wanted any more."""
        if not all(need.state is _S.SUCCEEDED for need in self._store.get_all(job.needs)):
            job = moved(job, _S.WAITING)
            self._save_states([job])
        else:
            self._lane(job.lane).push(job.id)
        self._settle([job])

    def _set_aside(self, run: Run) -> None:
        """What ran is paused now, with the newest task that was asked for and the progress that it had."""
        job = moved(run.job, _S.PAUSED, started=None, text="", attempt=run.job.attempt - run.token.turned_back)
        task = self._store.take_changed_task(job.id)
        if task is not None:
            job = replace(job, task=task, needs=self._store.get(job.id).needs)
        self._tries.pop(job.id, None)
        self._save([job])

    def _try_again(self, run: Run, lane: Lane, failure: Failure) -> Job | None:
        """Put it back into the queue if the policy says so."""
        job_id = run.job.id
        tries = self._tries[job_id] = self._tries.get(job_id, 0) + 1
        if failure.info.retryable:
            lane.failures_in_a_row += 1
        decision = decide(failure, tries, lane.failures_in_a_row, self._jitter())
        if decision.action is Action.FAIL:
            return None
        job = moved(run.job, _S.QUEUED, started=None, text=failure.info.message, error=failure.info)
        if self._open_again_if_changed(job):
            return job
        self._save([job])
        if decision.action is Action.PAUSE_LANE:
            del self._tries[job_id]
            if not lane.paused:
                hint = failure.info.hint or "Resume the lane when the cause is gone."
                self._bus.publish(Notice("error", failure.info.message, hint, failure.info.details))
                self._set_paused(lane.name, True)
            lane.push(job_id)
        else:
            self._backing_off.add(job_id)
            self._clock.call_later(decision.delay_s, lambda: self._back(job_id))
        return job

    def _back(self, job_id: int) -> None:
        """A job's time of waiting before its next try is over."""
        with self._changed:
            if not self._open or job_id not in self._backing_off:
                return
            self._backing_off.discard(job_id)
            self._in_background(lambda: self._to_lane(self._store.get(job_id)))
        self._pump()

    def _open_again_if_changed(self, job: Job) -> bool:
        """Whether somebody asked for this job with another task while it ran; then it begins anew."""
        task = self._store.take_changed_task(job.id)
        if task is None:
            return False
        needs = self._store.get(job.id).needs
        job = replace(job, task=task, needs=needs)
        if job.is_finished:
            job = reopened(job)
        elif needs:
            job = moved(job, _S.WAITING)
        self._save([job])
        self._take_up([job])
        return True

    # ---- what depends on what

    def _save(self, jobs: Sequence[Job]) -> None:
        if jobs:
            self._store.update_all(jobs)
            self._bus.publish_all([JobChanged(job) for job in jobs])

    def _save_states(self, jobs: Sequence[Job]) -> None:
        """Store jobs that were only moved: their tasks stay as they are."""
        if jobs:
            self._store.update_states(jobs)
            self._bus.publish_all([JobChanged(job) for job in jobs])

    def _settle_dependents(self, jobs: Iterable[Job]) -> None:
        self._settle(self._store.dependents_of([job.id for job in jobs], (_S.WAITING, _S.QUEUED)))

    def _settle(self, jobs: Iterable[Job]) -> dict[int, Job]:
        """Queue the waiting jobs whose needs all succeeded; skip those for which that can no longer happen. Returns what this
        changed."""
        todo, settled = list(jobs), {}
        while todo:
            ids = dict.fromkeys(job.id for job in todo if job.id not in self._runs)
            concerned = [job for job in self._store.get_all(list(ids)) if can_be_settled(job)]
            needed = sorted({need for job in concerned for need in job.needs})
            known = dict(zip(needed, self._store.get_all(needed), strict=True))
            now, changed = self._clock.now(), []
            for job in concerned:
                after = settle(job, [known[need] for need in job.needs], self._store, now)
                if after is not None:
                    self._backing_off.discard(job.id)
                    changed.append(after)
            self._save_states(changed)
            for job in changed:
                settled[job.id] = job
                if job.state is _S.QUEUED:
                    self._lane(job.lane).push(job.id)
            todo = self._store.dependents_of([job.id for job in changed if job.state is _S.SKIPPED], (_S.WAITING, _S.QUEUED))
        return settled

    def _is_idle(self) -> bool:
        if not self._open or self._runs:
            return not self._open  # what went on while the queue was closed is left to itself
        if self._closing:
            return True
        if self._backing_off:
            return False
        return not any(lane.has(self._startable) for lane in self._lanes.values() if not lane.paused)
