"""What the models of the Queue workspace have in common: roles, words for states, and how sizes and fractions are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

from daxa_gui.core.job import Job, JobState
from daxa_gui.core.job_overview import JobGlance

Index = QModelIndex | QPersistentModelIndex
AnyJob = Job | JobGlance
JOB_ROLE = Qt.ItemDataRole.UserRole + 1  # the Job (or what is known of it) of a cell or row, None where there is none
FRACTION_ROLE = Qt.ItemDataRole.UserRole + 2  # 0 … 1, or None when it cannot be known
STATE_ROLE = Qt.ItemDataRole.UserRole + 3  # a word of STATE_WORDS

STATE_WORDS = {
    JobState.WAITING: "waiting",
    JobState.QUEUED: "queued",
    JobState.RUNNING: "running",
    JobState.CANCELLING: "stopping",
    JobState.SUCCEEDED: "done",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "cancelled",
    JobState.PAUSED: "paused",
    JobState.SKIPPED: "skipped",
}


def state_word(job: AnyJob) -> str:
    """One word; a success from which nothing can follow (closed filter, no useful time) is « excluded »."""
    excluded = job.excluded if isinstance(job, JobGlance) else job.reason
    warned = job.warned if isinstance(job, JobGlance) else job.warnings
    if job.state is JobState.SUCCEEDED and (excluded or warned):
        return "excluded" if excluded else "warned"
    return STATE_WORDS[job.state]


def why(job: AnyJob) -> str:
    """The sentence that belongs to the state, empty if there is none."""
    if isinstance(job, JobGlance):
        return job.message
    if job.error is not None:
        return f"{job.error.message} {job.error.hint}".strip()
    return job.reason or "; ".join(job.warnings)


_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")


def format_bytes(count: float | None) -> str:
    """« 12.3 MB » (powers of 1000); a dash where the size is not known."""
    if count is None:
        return "–"
    value = float(count)
    for unit in _BYTE_UNITS:
        if value < 999.5 or unit == _BYTE_UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1000.0
    raise AssertionError("unreachable")


def format_part(part: float, whole: float, *, rounded: bool = False) -> str:
    """« 12.3 of about 48.0 GB »: the unit once where both have the same; « about » where the whole is not exact."""
    first, second = format_bytes(part), format_bytes(whole)
    if first.rpartition(" ")[2] == second.rpartition(" ")[2]:
        first = first.rpartition(" ")[0]
    return f"{first} of {'about ' if rounded else ''}{second}"


def fraction(job: AnyJob) -> float | None:
    """How much of the job is done, 0 to 1; None while it runs and nobody knows."""
    if job.state is JobState.SUCCEEDED:
        return 1.0
    if job.total:
        return min(1.0, job.done / job.total)
    return None if job.state is JobState.RUNNING else 0.0


def percent(part: float | None) -> str:
    """« 42 % »; never 100 before the end. Empty where the fraction is not known."""
    return "" if part is None else f"{int(100 * part):d} %"


def sentence(job: AnyJob) -> str:
    """Title, state and why, as plain text."""
    return f"{job.title}: {state_word(job)}. {why(job)}".strip()


def can_retry(job: AnyJob) -> bool:
    return job.state in (JobState.FAILED, JobState.CANCELLED, JobState.SKIPPED)


def can_pause(job: AnyJob) -> bool:
    return job.state in (JobState.WAITING, JobState.QUEUED, JobState.RUNNING)


def can_cancel(job: AnyJob) -> bool:
    return not job.is_finished and job.state is not JobState.CANCELLING


def ids_where(jobs: Sequence[AnyJob], condition: Callable[[AnyJob], bool]) -> list[int]:
    return [job.id for job in jobs if condition(job)]
