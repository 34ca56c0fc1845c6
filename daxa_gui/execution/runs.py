"""A job on its way, as the queue keeps it, and what the queue needs of a runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from daxa_gui.core.job import Job
from daxa_gui.core.step import Outcome
from daxa_gui.execution.failures import Failure
from daxa_gui.execution.runner import Committed, Progress
from daxa_gui.execution.turns import CancelToken


class RunsJobs(Protocol):
    """`execution.runner.Runner`, or what a test puts in its place."""

    def run(
        self, job: Job, token: CancelToken, on_progress: Progress, succeed: Callable[[Outcome], Job]
    ) -> Committed | Failure: ...


@dataclass
class Run:
    """`job` has its newest progress. `requeue`: it was stopped, but to be run later. `pausing`: it was stopped, to stay paused.
    `committing`: it is too late to stop it."""

    job: Job
    token: CancelToken = field(default_factory=CancelToken)
    requeue: bool = False
    pausing: bool = False
    committing: bool = False
