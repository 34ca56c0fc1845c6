"""Lanes: jobs that share a limit and can be paused together (a host, the local cores). No locks, no states: just who is next."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass

from daxa_gui.execution.turns import Turns

_MOST_AHEAD = 8  # each has a thread; more that get ready would bring nothing


@dataclass(frozen=True)
class LaneStatus:
    """`limit` is how many jobs may run at once, `running` how many do, `queued` how many wait for their turn."""

    lane: str
    paused: bool
    limit: int
    running: int
    queued: int


class Lane:
    """The queued jobs of one lane by id, oldest first. Ids may stand in it that are no longer queued: `take` asks."""

    def __init__(self, name: str, limit: Callable[[], int]) -> None:
        self.name = name
        self.turns = Turns(limit, lambda: self.paused)
        self.is_quick = False  # the last job got ready and then took no time worth mentioning
        self.paused = False
        self.running: set[int] = set()
        self.storing: set[int] = set()  # what they did is being stored; the next may run meanwhile
        self.failures_in_a_row = 0
        self._ids: list[int] = []

    def push(self, job_id: int) -> None:
        heapq.heappush(self._ids, job_id)

    def has_room(self, limit: int) -> bool:
        """Whether another job may begin. Those that are being stored do not count, unless storing cannot keep up."""
        ahead = min(limit, _MOST_AHEAD) if self.is_quick else 0
        return len(self.running) < limit + ahead and len(self.running) + len(self.storing) < 2 * limit + ahead

    def take(self, startable: Callable[[int], bool]) -> int | None:
        """The oldest job that can be started, no longer in the lane then."""
        while self._ids:
            job_id = heapq.heappop(self._ids)
            if startable(job_id):
                return job_id
        return None

    def has(self, startable: Callable[[int], bool]) -> bool:
        """Whether there is one that can be started."""
        return any(startable(job_id) for job_id in self._ids)

    def queued(self, startable: Callable[[int], bool]) -> int:
        return sum(1 for job_id in set(self._ids) if startable(job_id))
