"""The jobs of an order that was given, without a hundred thousand of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import overload

from daxa_gui.core.job import Job

_AT_ONCE = 500


class StartedJobs(Sequence[Job]):
    """Only those that are looked at are read, as they are then. `was_done`: when it was asked for, none had anything to do.

    Parameters
    ----------
    read : gives the jobs of ids, in their order.
    """

    def __init__(self, read: Callable[[Sequence[int]], list[Job]]) -> None:
        self._read = read
        self._ids: list[int] = []
        self._known: set[int] = set()
        self.was_done = True

    def note(self, jobs: Iterable[Job]) -> None:
        """Some more of them, as they were when they were asked for; each counts once."""
        for job in jobs:
            if job.id not in self._known:
                self._known.add(job.id)
                self._ids.append(job.id)
            self.was_done = self.was_done and job.is_finished

    def __len__(self) -> int:
        return len(self._ids)

    @overload
    def __getitem__(self, index: int) -> Job: ...

    @overload
    def __getitem__(self, index: slice) -> list[Job]: ...

    def __getitem__(self, index: int | slice) -> Job | list[Job]:
        return self._read(self._ids[index]) if isinstance(index, slice) else self._read([self._ids[index]])[0]

    def __iter__(self) -> Iterator[Job]:
        for start in range(0, len(self._ids), _AT_ONCE):
            yield from self._read(self._ids[start : start + _AT_ONCE])
