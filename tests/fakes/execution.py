"""A clock, executors and a runner that do what a test says, when it says so."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daxa_gui.core.errors import Cancelled
from daxa_gui.core.job import Job, JobStore
from daxa_gui.core.step import Call, JobRequest, Outcome, Place
from daxa_gui.execution.failures import failure_of
from daxa_gui.execution.runner import CancelToken, Committed


class FakeClock:
    """Time passes only in `advance`, which also does what was to be called in that time."""

    def __init__(self, start: float = 1_000_000.0) -> None:
        self.time = start
        self.closed = False
        self._order = itertools.count()
        self._calls: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        return self.time

    def call_later(self, delay_s: float, function: Callable[[], None]) -> None:
        heapq.heappush(self._calls, (self.time + delay_s, next(self._order), function))

    def advance(self, seconds: float) -> None:
        end = self.time + seconds
        while self._calls and self._calls[0][0] <= end:
            self.time, _, function = heapq.heappop(self._calls)
            function()
        self.time = end

    def close(self) -> None:
        self.closed = True
        self._calls.clear()


class ImmediateExecutor:
    """Runs a function before `submit` returns; those submitted meanwhile after it, not inside it."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self._working = False

    starts_threads = False

    def submit(self, function: Callable[[], None]) -> None:
        self._waiting.append(function)
        if self._working:
            return
        self._working = True
        try:
            while self._waiting:
                self._waiting.pop(0)()
        finally:
            self._working = False


class ManualExecutor:
    """Keeps functions until the test runs them."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    starts_threads = False

    def submit(self, function: Callable[[], None]) -> None:
        self.waiting.append(function)

    def run_next(self) -> None:
        self.waiting.pop(0)()

    def run_all(self) -> None:
        while self.waiting:
            self.run_next()


class ScriptedRunner:
    """Runs no task: what happens to a job is what `script` returns or raises for it (an Outcome, or an exception).

    `script(job, token)` may look at the token. `ran` lists (unit, step or kind, attempt) in the order of running.
    """

    def __init__(self, store: JobStore, script: Callable[[Job, CancelToken], Outcome] | None = None) -> None:
        self._store = store
        self.script = script or (lambda job, token: Outcome())
        self.ran: list[tuple[str, str, int]] = []

    def run(self, job: Job, token: CancelToken, on_progress: Any, succeed: Callable[[Outcome], Job]) -> Any:
        self.ran.append((job.unit, job.step or job.kind, job.attempt))
        try:
            token.check()
            token.gets_ready = True
            token.take_turn()
            outcome = self.script(job, token)
            token.give_turn_back()
            finished = succeed(outcome)
            products, follow_ups = self._store.commit_outcome(finished, outcome, str(Path(job.log_path).parent))
        except (Exception, Cancelled) as error:
            token.give_turn_back()
            return failure_of(error, job.title)
        return Committed(finished, products, follow_ups)


def request(
    unit: str = "M1S001",
    step: str = "prepare",
    *,
    needs: tuple[str | int, ...] = (),
    label: str = "",
    lane: str = "local",
    kind: str = "reduce",
    target: str = "tests.fakes.tasks:nothing",
    place: Place = Place.THREAD,
    obs_id: str = "0404910601",
    size_bytes: int | None = None,
    **arguments: Any,
) -> JobRequest:
    """A request for a job that a test does not want to spell out."""
    return JobRequest(
        kind=kind,
        lane=lane,
        mission="xmm_pointed",
        obs_id=obs_id,
        unit=unit,
        step=step,
        title=f"{step} of {unit}",
        task=Call(target, arguments, place),
        label=label or f"{step}/{unit}",
        needs=needs,
        size_bytes=size_bytes,
    )
