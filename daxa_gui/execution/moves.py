"""What may happen to a job, as functions of jobs: legal moves, and what follows from the jobs that it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from daxa_gui.core.job import TRANSITIONS, Job, JobState, JobStore

_S = JobState
KEEPS_PART = "download"  # the kind of job that goes on from where it was
_ENDED_BADLY = frozenset({_S.FAILED, _S.CANCELLED, _S.SKIPPED})


class WrongMove(RuntimeError):
    """A fault of the program: a job was to be moved where it cannot go."""


def moved(job: Job, state: JobState, **changes: object) -> Job:
    """The job in another state; raises WrongMove if there is no such move."""
    if state not in TRANSITIONS[job.state]:
        raise WrongMove(f"Job {job.id} cannot go from {job.state} to {state}.")
    return replace(job, state=state, **changes)  # type: ignore[arg-type]


def kept_part(job: Job) -> float:
    """What is here of a job's work before it runs (again): what a download that did not end well left stays on the disk, and it
    goes on from there. Everything else begins anew."""
    return job.done if job.kind == KEEPS_PART and job.state is not _S.SUCCEEDED else 0.0


def reopened(job: Job) -> Job:
    """A finished job at its beginning."""
    return moved(
        job, _S.WAITING if job.needs else _S.QUEUED, done=kept_part(job), text="", reason="", warnings=(), facts={}, error=None,
        started=None, finished=None,
    )  # fmt: skip


def cut_off(job: Job, now: float) -> Job:
    """A job that does not run any more and whose end could not be stored, as it is in truth: to be done again, or cancelled."""
    if job.state is _S.RUNNING:
        return moved(job, _S.QUEUED, started=None, text="")
    return moved(job, _S.CANCELLED, finished=now, text="") if job.state is _S.CANCELLING else job


def released(job: Job) -> Job:
    """A paused job as one that runs when its turn comes."""
    return moved(job, _S.WAITING if job.needs else _S.QUEUED, done=kept_part(job), text="", error=None)


def why_not(needs: Sequence[Job]) -> str | None:
    """Why a job with these needs makes no sense any more, as a sentence; None if it does."""
    return next((reason for need in needs if (reason := _why_nothing_follows(need)) is not None), None)


def _why_nothing_follows(need: Job) -> str | None:
    if need.state is _S.SUCCEEDED:
        return need.reason or None
    if need.state is _S.SKIPPED:
        return need.reason or f"« {need.title} » was skipped."
    if need.state is _S.CANCELLED:
        return f"« {need.title} » was cancelled."
    if need.state is _S.FAILED:
        return f"« {need.title} » failed: {need.error.message if need.error else 'no reason is known.'}"
    return None


def has_stopped(needs: Sequence[Job]) -> bool:
    """Whether one of them ended well with the finding that nothing can follow from it."""
    return any(need.state is _S.SUCCEEDED and need.reason for need in needs)


def to_reopen(store: JobStore, ids: Iterable[int], is_running: Callable[[int], bool]) -> set[int]:
    """What has to run again with `ids`: what they need and did not succeed, and what was skipped because of any of these."""
    found: set[int] = set()
    todo = [job for job in store.get_all(list(dict.fromkeys(ids))) if job.is_finished and not is_running(job.id)]
    while todo:
        new = {job.id: job for job in todo if job.id not in found}
        found |= new.keys()
        needs = store.get_all(sorted({need for job in new.values() for need in job.needs} - found))
        todo = [need for need in needs if need.state in _ENDED_BADLY and not is_running(need.id)]
        todo += store.dependents_of(list(new), (_S.SKIPPED,))
    return found


def can_be_settled(job: Job) -> bool:
    """Whether it does not run yet and needs others."""
    return job.state in (_S.WAITING, _S.QUEUED) and bool(job.needs)


def settle(job: Job, needs: Sequence[Job], store: JobStore, now: float) -> Job | None:
    """A job that `can_be_settled` as it is now that the jobs that it needs are these; None if nothing changes for it.

    When a need ended with the finding that nothing can follow, what the job made earlier is taken away.
    """
    if job.one_is_enough:
        return _settle_with_one(job, needs, store, now)
    if (reason := why_not(needs)) is not None:
        if has_stopped(needs):
            store.forget_products(job.id)
        return moved(job, _S.SKIPPED, reason=reason, finished=now, text="")
    if job.state is _S.WAITING and all(need.state is _S.SUCCEEDED for need in needs):
        return moved(job, _S.QUEUED)
    return None


def _settle_with_one(job: Job, needs: Sequence[Job], store: JobStore, now: float) -> Job | None:
    """The same for a job that goes on when one of its needs succeeded, after all have ended."""
    if not all(need.is_finished for need in needs):
        return None
    reasons = [_why_nothing_follows(need) for need in needs]
    if None not in reasons:
        if all(need.state is _S.SUCCEEDED for need in needs):
            store.forget_products(job.id)
        return moved(job, _S.SKIPPED, reason=reasons[0] or "", finished=now, text="")
    return moved(job, _S.QUEUED) if job.state is _S.WAITING else None
