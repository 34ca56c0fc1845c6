"""What a tool tip tells of one job: state, how long it took, which attempt, with which software, and its warnings."""

from __future__ import annotations

import time

from daxa_gui.core.job import Job, JobState
from daxa_gui.gui.models.jobs import state_word, why
from daxa_gui.gui.models.rates import duration_text
from daxa_gui.gui.texts import count_text

_MOST_WARNINGS = 4
_MOST_CHARACTERS = 300
_LABELS = {"sas": "SAS", "ccf": "CCF", "esass": "eSASS", "ciao": "CIAO", "heasoft": "HEASoft", "caldb": "CALDB"}


def software_text(job: Job) -> str:
    """« SAS 22.1.0, CCF 2024-11 »; empty for the built-in engine."""
    versions = getattr(job.task, "arguments", {}).get("versions") or {}
    return ", ".join(f"{_LABELS.get(name, name)} {version}" for name, version in versions.items() if version)


def job_text(job: Job, now: float | None = None) -> str:
    """Several lines. `now` is in seconds since 1970."""
    lines = [job.title, _how_it_stands(job, time.time() if now is None else now)]
    details = [f"attempt {count_text(job.attempt)}"] if job.attempt > 1 else []
    details += [software] if (software := software_text(job)) else []
    if details:
        lines.append("; ".join(details))
    if job.state is JobState.RUNNING and job.text:
        lines.append(job.text)
    if job.warnings and job.error is None:
        lines += [f"Warning: {warning}" for warning in job.warnings[:_MOST_WARNINGS]]
        more = len(job.warnings) - _MOST_WARNINGS
        lines += [f"… and {count_text(more)} more warnings"] if more > 0 else []
        lines += [job.reason] if job.reason else []
    elif why(job):
        lines.append(why(job))
    return "\n".join(line[:_MOST_CHARACTERS] for line in lines)


def _how_it_stands(job: Job, now: float) -> str:
    word = state_word(job)
    if job.started is None:
        return word
    if job.state in (JobState.RUNNING, JobState.CANCELLING):
        return f"{word} for {duration_text(max(0.0, now - job.started))}"
    if job.finished is None or job.finished < job.started:
        return word
    day = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(job.finished))
    return f"{word} after {duration_text(job.finished - job.started)}, on {day} UTC"
