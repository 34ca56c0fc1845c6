"""Failures of many jobs, grouped by their cause."""

from __future__ import annotations

from dataclasses import dataclass

from daxa_gui.core.log_messages import Severity


@dataclass(frozen=True)
class FailureGroup:
    """Jobs that ended (or warned) for the same cause. `cause` is the normalised message (numbers, paths and names taken out),
    `example` one of the real ones. `explanation` and `advice` are sentences, empty where nobody knows. `job_ids` oldest first."""

    cause: str
    example: str
    severity: Severity
    software: str
    task: str  # of the message; "" for the program's own
    name: str  # of the message, as SAS names it
    steps: tuple[str, ...]
    explanation: str
    advice: str
    job_ids: tuple[int, ...]
    units: tuple[tuple[str, str, str], ...]  # mission, ObsID, unit of each job

    @property
    def count(self) -> int:
        return len(self.job_ids)
