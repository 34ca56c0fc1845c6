"""The queue: decides which job runs when, and is the only one that moves job states, along `core.job.TRANSITIONS`.

(The store places jobs at the beginning when they are added and when an archive is opened again; the rest happens here.)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Sequence

from daxa_gui.core.events import ManyJobsChanged
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.step import JobRequest
from daxa_gui.execution.lanes import LaneStatus
from daxa_gui.execution.machine import QueueMachine
from daxa_gui.execution.moves import KEEPS_PART, moved, released, reopened, to_reopen
from daxa_gui.execution.runs import Run

log = logging.getLogger(__name__)
_S = JobState


class Queue(QueueMachine):
    """Every method may be called from any thread. `start()` begins; `close()` ends, and the next start goes on.

    A job that a person paused (`pause_jobs`) stays as it is until it is asked for again (`resume_jobs`, `retry`, `add`); that
    is stored, so it is true after a restart as well. Pausing a lane (`pause`) holds back whatever is in it, for this run.
    """

    many = 1_000  # jobs that are moved by one statement, and not announced one by one

    # ---- what is asked of it

    def start(self) -> None:
        """Take up all stored jobs that are not finished, and run them."""
        with self._changed:
            self._open = True
            for job_id, lane, state in self._store.unfinished():
                if state is _S.QUEUED:
                    self._lane(lane).push(job_id)
            self._settle(self._store.ready())
        self._pump()

    def add(self, requests: Sequence[JobRequest], *, again: bool = False) -> list[Job]:
        """Store requests as jobs (see `JobStore.add`) and run them when their turn comes; their jobs, in the same order."""
        with self._changed:
            jobs = self._store.add(requests, again=again)
            for job, request in zip(jobs, requests, strict=True):
                run = self._runs.get(job.id)
                if run is None:
                    continue
                if run.job.state is _S.RUNNING and (run.pausing or again or job.task != request.task):
                    self._stop_for_later(run)
            very_many = len(jobs) >= self.many
            settled = self._take_up(jobs, announced=very_many)
            jobs = [settled.get(job.id, job) for job in jobs]
            if very_many and not all(job.is_finished for job in jobs):
                self._bus.publish(ManyJobsChanged(finished=False))
        self._pump()
        return jobs

    def cancel(self, ids: Iterable[int]) -> None:
        """Jobs that have not begun are cancelled at once, running ones as soon as they notice; finished ones stay."""
        with self._changed:
            ids = self._move_most(ids, _S.CANCELLED)
            cancelled = []
            for job in self._store.get_all(list(dict.fromkeys(ids))):
                job_id, run = job.id, self._runs.get(job.id)
                if job.state in (_S.WAITING, _S.QUEUED, _S.PAUSED) and run is None:
                    self._backing_off.discard(job_id)
                    cancelled.append(moved(job, _S.CANCELLED, finished=self._clock.now(), text=""))
                elif run is not None and job.state is _S.RUNNING and not run.committing:
                    run.job = moved(run.job, _S.CANCELLING)
                    run.requeue = run.pausing = False
                    self._save([run.job])
                    run.token.cancel()
            self._save_states(cancelled)
            self._settle_dependents(cancelled)
            self._changed.notify_all()
        self._pump()

    def retry(self, ids: Iterable[int]) -> list[Job]:
        """Run finished jobs again, with those that they need if these did not succeed, and those skipped because of them.

        Paused ones among `ids` go on; a paused one that is only needed stays paused.
        """
        ids = list(dict.fromkeys(ids))
        with self._changed:
            if len(ids) < self.many:
                jobs = self._retry_each(ids)
            else:
                jobs = self._store.get_all(self._retry_many(ids))
        self._pump()
        return jobs

    def pause_jobs(self, ids: Iterable[int]) -> None:
        """Put jobs aside until somebody lets them go on: those that have not begun at once, running ones as soon as they
        notice (what a transfer has fetched so far is kept). Finished ones stay; what needs a paused job waits."""
        with self._changed:
            ids = self._move_most(ids, _S.PAUSED)
            paused = []
            for job in self._store.get_all(list(dict.fromkeys(ids))):
                job_id, run = job.id, self._runs.get(job.id)
                if job.state in (_S.WAITING, _S.QUEUED) and run is None:
                    self._backing_off.discard(job_id)
                    paused.append(moved(job, _S.PAUSED, text=""))
                elif run is not None and job.state is _S.RUNNING and not run.committing:
                    run.pausing, run.requeue = True, False
                    run.token.cancel()
            self._save_states(paused)
            self._changed.notify_all()
        self._pump()

    def resume_jobs(self, ids: Iterable[int]) -> list[Job]:
        """Let paused jobs go on when their turn comes; those of `ids` that were paused, as they are now (none of very many)."""
        with self._changed:
            ids = self._move_most(ids, _S.QUEUED)
            jobs = list(self._release(ids).values())
        self._pump()
        return jobs

    def _retry_each(self, ids: list[int]) -> list[Job]:
        gone_on = self._release(ids)
        again = sorted(to_reopen(self._store, ids, self._runs.__contains__))
        jobs = [reopened(job) for job in self._store.get_all(again)]
        for job in jobs:
            self._lane(job.lane).failures_in_a_row = 0
        followers = self._store.dependents_of(again, (_S.QUEUED,))
        jobs += [moved(other, _S.WAITING) for other in followers if other.id not in self._runs]
        self._save_states(jobs)
        after = gone_on | {job.id: job for job in jobs} | self._take_up(jobs, announced=True)
        return [after[job_id] for job_id in sorted({*again, *gone_on})]

    def _release(self, ids: Iterable[int]) -> dict[int, Job]:
        """Take paused jobs up again (also those that have not noticed yet that they are to pause); as they are then, by id."""
        gone_on: dict[int, Job] = {}
        for job in self._store.get_all(list(dict.fromkeys(ids))):
            run = self._runs.get(job.id)
            if run is not None and run.pausing:
                self._stop_for_later(run)
                gone_on[job.id] = job
            elif run is None and job.state is _S.PAUSED:
                self._lane(job.lane).failures_in_a_row = 0
                gone_on[job.id] = released(job)
        jobs = [job for job_id, job in gone_on.items() if job_id not in self._runs]
        self._save_states(jobs)
        settled = self._take_up(jobs, announced=True)
        return {job_id: settled.get(job_id, job) for job_id, job in gone_on.items()}

    # ---- very many at once

    def _move_most(self, ids: Iterable[int], state: JobState) -> list[int]:
        """Of very many jobs, move those that do not run with one statement; what is left to be done one by one."""
        ids = list(dict.fromkeys(ids))
        if len(ids) < self.many:
            return ids
        idle = [job_id for job_id in ids if job_id not in self._runs]
        self._store.move_many(idle, state, self._clock.now(), KEEPS_PART)
        self._backing_off.difference_update(idle)
        self._bus.publish(ManyJobsChanged(finished=state is _S.CANCELLED))
        if state is _S.QUEUED:
            self._take_up_many(idle)
        elif state is _S.CANCELLED:
            self._settle(self._store.dependents_of(idle, (_S.WAITING, _S.QUEUED)))
        return [job_id for job_id in ids if job_id in self._runs]

    def _take_up_many(self, ids: Collection[int]) -> None:
        """Put stored jobs that may run (again) where they belong now."""
        opened = set(ids)
        for job_id, lane, state in self._store.unfinished():
            if job_id in opened:
                self._tries.pop(job_id, None)
                self._lane(lane).failures_in_a_row = 0
                if state is _S.QUEUED:
                    self._lane(lane).push(job_id)
        self._settle(self._store.ready())

    def _retry_many(self, ids: list[int]) -> list[int]:
        """What `_retry_each` does; the ids of those that run (again) when their turn comes."""
        asked_for = set(ids)
        paused = [job_id for job_id, _, state in self._store.unfinished() if state is _S.PAUSED and job_id in asked_for]
        paused += self._release(self._move_most(ids, _S.QUEUED))
        opened = self._store.reopen_many(ids, self._runs.keys(), KEEPS_PART)
        self._backing_off.difference_update(opened)
        self._bus.publish(ManyJobsChanged(finished=False))
        self._take_up_many(opened)
        return sorted({*opened, *paused})

    @staticmethod
    def _stop_for_later(run: Run) -> None:
        """Stop what runs and put it back into the queue (if it still can be stopped)."""
        run.requeue, run.pausing = True, False
        run.token.cancel()

    def pause(self, lane: str, *, interrupt: bool = False) -> None:
        """Start no more jobs of a lane; `interrupt` also stops the running ones and puts them back into the queue."""
        with self._changed:
            self._set_paused(lane, True)
            if interrupt:
                for job_id in self._lane(lane).running:
                    run = self._runs[job_id]
                    if run.job.state is _S.RUNNING and not (run.committing or run.pausing):
                        self._stop_for_later(run)
            self._changed.notify_all()

    def resume(self, lane: str) -> None:
        with self._changed:
            self._save_the_unsaved()
            self._lane(lane).failures_in_a_row = 0
            self._set_paused(lane, False)
        self._pump()

    def look_again(self) -> None:
        """The limits of lanes have changed: start what may run now."""
        self._pump()

    def lanes(self) -> dict[str, bool]:
        """Every lane that has had a job, by name, and whether it is paused."""
        with self._changed:
            return {name: lane.paused for name, lane in sorted(self._lanes.items())}

    def lane_status(self, name: str) -> LaneStatus:
        with self._changed:
            lane = self._lane(name)
            return LaneStatus(
                name, lane.paused, self._limits(name), len(lane.running) + len(lane.storing), lane.queued(self._startable)
            )

    def jobs(self, kind: str | None = None) -> list[Job]:
        """All jobs, the running ones with their newest progress (which is not stored)."""
        jobs = self._store.jobs(kind)
        live = {job.id: job for job in self.running_jobs()}
        return [live.get(job.id, job) for job in jobs] if live else jobs

    def running_jobs(self) -> list[Job]:
        """The running ones with their newest progress, which is not stored, and those whose end could not be stored. (Windows ask
        for them beside the columns of all jobs: see `Session.job_overview`.)"""
        with self._changed:
            live = {job_id: run.job for job_id, run in self._runs.items()}
            live |= {job_id: self._ended(self._store.get(job_id)) for job_id in self._unsaved - live.keys()}
        return list(live.values())

    def job(self, job_id: int) -> Job:
        with self._changed:
            run = self._runs.get(job_id)
            return run.job if run is not None else self._ended(self._store.get(job_id))

    def wait_until_idle(self, timeout_s: float | None = None) -> bool:
        """Until nothing runs and nothing will by itself (paused jobs and those of paused lanes do not count); false when the
        time ran out."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout_s)

    def close(self, *, cancel: bool = False, timeout_s: float = 10.0) -> None:
        """Start nothing more and stop what runs here: it goes back into the queue, for the next start. What runs elsewhere goes
        on (see `Site.run`).

        `cancel`: for good instead, also what is queued. Work that does not stop in time is left to itself; its result will
        not be stored. The store must stay open until this returns.
        """
        with self._changed:
            self._closing = True
            if cancel:
                self.cancel([job_id for job_id, _, _ in self._store.unfinished()])
            for run in self._runs.values():
                run.requeue = run.job.state is _S.RUNNING and not run.pausing
                run.token.leave()  # what was cancelled before stays so
            end = time.monotonic() + timeout_s
            while self._runs and self._changed.wait(max(0.0, end - time.monotonic())):
                pass
            for job_id in self._runs:
                log.warning("job %s did not stop in time; it will be done again", job_id)
            self._open = False
            self._changed.notify_all()
        self._clock.close()
