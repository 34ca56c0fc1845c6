"""Jobs: stored units of work, the states they pass through, and the store protocol that the queue relies on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from daxa_gui.core.product import Product
from daxa_gui.core.step import JobRequest, Outcome, Task


class JobState(StrEnum):
    """The values are stored in archives: never change one."""

    WAITING = "waiting"  # needs other jobs first
    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"  # by a person, until the same person lets it go on
    SKIPPED = "skipped"  # would make no sense: `Job.reason` says why


FINISHED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED})

_S = JobState
# The only moves there are. A finished job goes back to WAITING or QUEUED when it is asked for again (retry); RUNNING goes
# back to QUEUED when a program that died in the middle is started again, or when the same work is tried once more.
TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    _S.WAITING: frozenset({_S.QUEUED, _S.SKIPPED, _S.CANCELLED, _S.PAUSED}),
    _S.QUEUED: frozenset({_S.RUNNING, _S.SKIPPED, _S.CANCELLED, _S.WAITING, _S.PAUSED}),
    _S.RUNNING: frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLING, _S.QUEUED, _S.PAUSED}),
    _S.PAUSED: frozenset({_S.QUEUED, _S.WAITING, _S.CANCELLED, _S.SKIPPED}),
    _S.CANCELLING: frozenset({_S.CANCELLED, _S.SUCCEEDED, _S.FAILED}),
    _S.SUCCEEDED: frozenset({_S.QUEUED, _S.WAITING}),
    _S.FAILED: frozenset({_S.QUEUED, _S.WAITING}),
    _S.CANCELLED: frozenset({_S.QUEUED, _S.WAITING}),
    _S.SKIPPED: frozenset({_S.QUEUED, _S.WAITING}),
}


@dataclass(frozen=True)
class ErrorInfo:
    """Why a job failed: a sentence, what to do, whether trying again may help, and the technical part."""

    message: str
    hint: str = ""
    retryable: bool = False
    details: str = ""


@dataclass(frozen=True)
class Job:
    """A snapshot of one job. Times are seconds since 1970 (UTC), None while they have not come."""

    id: int
    kind: str  # "plan" | "download" | "reduce"
    lane: str
    mission: str
    obs_id: str
    unit: str
    step: str
    title: str
    task: Task
    state: JobState = JobState.QUEUED
    needs: tuple[int, ...] = ()
    done: float = 0.0
    total: float | None = None
    text: str = ""  # what it is doing right now
    reason: str = ""  # why it was skipped, or the sentence of `Outcome.stop`
    warnings: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    error: ErrorInfo | None = None
    attempt: int = 0
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    log_path: str = ""
    one_is_enough: bool = False  # of its needs: see `JobRequest`

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED


class JobStore(Protocol):
    """Where jobs live. Every method is one transaction; implementations are safe to call from any thread."""

    def add(self, requests: Sequence[JobRequest], *, again: bool = False) -> list[Job]:
        """Store the requests and return their jobs, in the same order.

        A request that equals a stored job (kind, mission, obs_id, unit, step) is that job: it is opened again (WAITING or
        QUEUED) if it did not succeed, if its task changed, if one of its needs was made again since, if a file of its is gone,
        or if `again` is true. While it runs it stays RUNNING; a changed task is kept for `take_changed_task`.
        """

    def get(self, job_id: int) -> Job: ...

    def state(self, job_id: int) -> JobState:
        """Cheaper than `get`; there may be a hundred thousand jobs."""

    def is_queued(self, job_id: int) -> bool:
        """Whether `state` is QUEUED; it costs next to nothing, also for jobs that have ended."""

    def get_all(self, ids: Sequence[int]) -> list[Job]:
        """Like `get` for each, in the same order, but quicker."""

    def dependents_of(self, ids: Sequence[int], states: Collection[JobState] = ()) -> list[Job]:
        """The jobs that need one of these and are in one of some states (none: in any), oldest first, each once."""

    def unfinished(self) -> list[tuple[int, str, JobState]]:
        """(id, lane, state) of every job that is not finished, oldest first."""

    def ready(self) -> list[Job]:
        """The WAITING jobs for which something follows from those that they need: all succeeded, or one never will."""

    def jobs(self, kind: str | None = None) -> list[Job]:
        """All jobs (of a kind), oldest first; they are read anew each time."""

    def update(self, job: Job) -> None: ...

    def update_all(self, jobs: Sequence[Job]) -> None: ...

    def update_states(self, jobs: Sequence[Job]) -> None:
        """Like `update_all` for jobs whose lanes, titles and tasks stay as they are stored: much quicker for many."""

    def move_many(self, ids: Sequence[int], state: JobState, now: float, done_kept: str) -> None:
        """Cancel (CANCELLED), put aside (PAUSED) or release (QUEUED; those that need others WAITING) all of these jobs that are
        in a state from which that is a move and do not run. As `moves` does it for one job, without reading any.

        `done_kept` is the kind of job that keeps its progress when it is released.
        """

    def reopen_many(self, ids: Sequence[int], running: Collection[int], done_kept: str) -> list[int]:
        """Open finished jobs again, with those that they need if these did not succeed and those skipped because of any of them,
        but none of `running`; queued jobs that need one of these wait again. The ids of those that were opened."""

    def commit_outcome(self, job: Job, outcome: Outcome, work_folder: str) -> tuple[list[Product], list[Job]]:
        """Move the files of `outcome` into place, register them, add its follow-ups and store `job`, all or nothing."""

    def dependents(self, job_id: int) -> Iterable[Job]: ...

    def take_changed_task(self, job_id: int) -> Task | None:
        """The task that `add` kept because the job was running with another one; None if there is none. Asked once only."""

    def forget_products(self, job_id: int) -> list[Product]:
        """Unregister and delete what a job made earlier, because nothing of it holds any more."""


class JobLog(Protocol):
    """Where the lines of one job go. Safe to call from any thread."""

    def write(self, text: str, severity: str = "INFO") -> None: ...

    def close(self) -> None: ...
