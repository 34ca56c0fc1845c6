"""Everything that is ever announced, as frozen values. Snapshots, not differences: only the newest of a key matters."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from daxa_gui.core.job import Job
from daxa_gui.core.product import Product


@dataclass(frozen=True)
class Event:
    @property
    def key(self) -> Hashable:
        """Events with the same key replace each other while they wait; None means that each one counts."""
        return None


@dataclass(frozen=True)
class JobChanged(Event):
    job: Job

    @property
    def key(self) -> Hashable:
        return ("job", self.job.id)


@dataclass(frozen=True)
class ManyJobsChanged(Event):
    """So many jobs changed at once that each of them would be too much to tell: what is known of jobs has to be read anew."""

    finished: bool  # whether they have ended

    @property
    def key(self) -> Hashable:
        return ("many jobs", self.finished)


@dataclass(frozen=True)
class ProductAdded(Event):
    product: Product


@dataclass(frozen=True)
class LaneChanged(Event):
    lane: str
    paused: bool

    @property
    def key(self) -> Hashable:
        return ("lane", self.lane)


@dataclass(frozen=True)
class ArchiveChanged(Event):
    """Another archive was opened, or the open one was closed (`path` empty)."""

    path: str

    @property
    def key(self) -> Hashable:
        return "archive"


@dataclass(frozen=True)
class ArchiveContentChanged(Event):
    """The open archive holds something else now, though no job made it (trash, regions, versions, an update)."""

    path: str

    @property
    def key(self) -> Hashable:
        return "archive content"


@dataclass(frozen=True)
class CatalogueChanged(Event):
    mission: str

    @property
    def key(self) -> Hashable:
        return ("catalogue", self.mission)


@dataclass(frozen=True)
class CatalogueProgress(Event):
    """How far the refresh of a mission's catalogue is (rows; `total` 0: not known yet). `running` is false once it has ended;
    then `problem` says why it was refused or failed (empty: it was not)."""

    mission: str
    done: int
    total: int
    text: str
    running: bool = True
    problem: str = ""

    @property
    def key(self) -> Hashable:
        return ("catalogue progress", self.mission)


@dataclass(frozen=True)
class PracticeProgress(Event):
    """How far the practice sky is; `ready` when its archive server answers."""

    done: float
    total: float
    text: str
    ready: bool = False

    @property
    def key(self) -> Hashable:
        return "practice"


@dataclass(frozen=True)
class Notice(Event):
    """Something a person should read. `level` is "information", "warning" or "error"."""

    level: str
    message: str
    hint: str = ""
    details: str = ""
