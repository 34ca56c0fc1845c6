"""Reading a log in rounds, on a pool thread: what is known already can be shown between two of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from daxa_gui.core.errors import Cancelled
from daxa_gui.core.job import Job
from daxa_gui.core.log_file import Hits, LogFile
from daxa_gui.core.log_messages import Explanations, LogMessage, read_explanations
from daxa_gui.locations import resource_path

_ROUND_S = 0.1
_WEIGHTS = {"harmless": "Usually harmless.", "look": "Worth a look.", "serious": "Serious."}


@dataclass(frozen=True, eq=False)
class Known:
    """What one round brought. `job` as it stood before (None for a file); `more`: there was no time for the rest."""

    log: LogFile
    anew: bool
    more: bool
    job: Job | None


def explanations() -> Explanations:
    """The known messages; read from the resources at the first question."""
    return read_explanations(resource_path("messages"))


def explanation_text(message: LogMessage | None) -> str:
    """What is known of a message, for people; empty if nothing is."""
    explained = explanations().explain(message) if message is not None else None
    if message is None or explained is None:
        return ""
    name = f"{message.name}: " if message.name else ""
    return " ".join(filter(None, (f"{name}{explained.text}", explained.advice, _WEIGHTS.get(explained.weight, ""))))


def _for_a_round(work: Callable[[Callable[[], bool]], object]) -> bool:
    """Do `work(cancelled)` for a round; whether something is left to do."""
    end = time.monotonic() + _ROUND_S
    try:
        work(lambda: time.monotonic() > end)
    except Cancelled:
        return True
    return False


def read_more(log: LogFile | None, job: Job | None, path: str) -> Known:
    """Index what came; the log of the job or of the file is opened first if it is not."""
    if log is None and job is not None:
        # it may not have been begun yet
        log = LogFile.open(job.log_path, missing_ok=True) if job.log_path else LogFile.of_text("")
    known = log or LogFile.open(path)
    anew: list[bool] = []
    more = _for_a_round(lambda cancelled: anew.append(known.index(cancelled)))
    return Known(known, any(anew), more, job)


def look_on(log: LogFile) -> LogFile:
    """Look for warnings and errors for a round."""
    _for_a_round(log.look)
    return log


def search_on(log: LogFile, needle: str, earlier: Hits | None, first_line: int, cancelled: Callable[[], bool]) -> Hits:
    """Search from `first_line` on; what was found before it is kept. Raises Cancelled."""
    found = log.search(needle, cancelled, first_line=first_line)
    if earlier is None:
        return found
    known = earlier.lines[earlier.lines < first_line]
    return Hits(needle, np.concatenate([known, found.lines]), earlier.is_cut or found.is_cut)
