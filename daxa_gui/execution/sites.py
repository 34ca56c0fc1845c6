"""Where the tasks of jobs are done: on this machine, or on a cluster. Storing what they make is the runner's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from daxa_gui.core.job import Job
    from daxa_gui.core.step import Call, Outcome
    from daxa_gui.execution.runner import CancelToken, ThreadContext


class Site(Protocol):
    """Safe to use from many threads."""

    name: str  # as a person writes it: "local", "dask=tls://head:8786", "slurm"

    def run(self, job: Job, task: Call, context: ThreadContext, token: CancelToken) -> Outcome:
        """Do a task with its work folder at `context.work_folder` and wait for its end.

        Progress and lines of the log go to the context. When the token is cancelled the running command is ended and Cancelled is
        raised; if the token says that the program is only leaving (`token.is_leaving`), work elsewhere goes on, and the same job
        with the same task finds it again when it is run the next time.
        """

    def capacity(self) -> int:
        """How many tasks it can do at once, right now."""

    def close(self) -> None:
        """Let go of it; work elsewhere goes on."""
