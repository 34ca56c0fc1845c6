"""A plan of downloads as a value: which files, from where, how many bytes, what is here already and what is left out and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from daxa_gui.core.step import JobRequest


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One remote file. `unit` is its path below the observation's raw folder; for a file that several observations share
    `shared` is what they have in common and `obs_id` the first of them.

    `size_bytes` is None where the service does not tell, `exact` false where it only rounds (listings of web servers). `here`:
    it was fetched and verified before. `optional`: the observation is complete without it. Of a tar file with members of several
    observations, which is fetched once, only the first has bytes.
    """

    mission: str
    obs_id: str
    unit: str
    kind: str  # a ProductKind
    instrument: str
    service: str
    path: str
    size_bytes: int | None = None
    exact: bool = True
    optional: bool = False
    shared: str = ""
    here: bool = False


@dataclass(frozen=True)
class LeftOut:
    """An observation, or one of its files (`unit`), that is not fetched. `proprietary`: it would be, with a login."""

    mission: str
    obs_id: str
    reason: str
    unit: str = ""
    proprietary: bool = False


@dataclass(frozen=True)
class PlanTotal:
    """Sums of one group of files. `bytes` and `to_fetch_bytes` are of the files whose size is known."""

    mission: str
    kind: str
    n_observations: int
    n_files: int
    bytes: int
    to_fetch_bytes: int
    n_unknown_sizes: int
    n_here: int


@dataclass(frozen=True)
class DownloadPlan:
    """`requests` are the download jobs, ready to be stored; `problems` are sentences for what could not be asked."""

    files: tuple[PlannedFile, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    problems: tuple[str, ...] = ()
    free_bytes: int = 0
    requests: tuple[JobRequest, ...] = ()

    @property
    def to_fetch_bytes(self) -> int:
        """Of the files that are not here and whose size is known."""
        return sum(file.size_bytes or 0 for file in self.files if not file.here)

    @property
    def n_unknown_sizes(self) -> int:
        return sum(file.size_bytes is None and not file.here for file in self.files)

    @property
    def is_exact(self) -> bool:
        return all(file.exact and file.size_bytes is not None for file in self.files if not file.here)

    @property
    def proprietary(self) -> tuple[LeftOut, ...]:
        return tuple(one for one in self.left_out if one.proprietary)

    def totals(self) -> tuple[PlanTotal, ...]:
        """By mission and kind, in the order in which they come."""
        groups: dict[tuple[str, str], list[PlannedFile]] = {}
        for file in self.files:
            groups.setdefault((file.mission, file.kind), []).append(file)
        return tuple(_total(mission, kind, files) for (mission, kind), files in groups.items())


def _total(mission: str, kind: str, files: Iterable[PlannedFile]) -> PlanTotal:
    files = list(files)
    return PlanTotal(
        mission,
        kind,
        n_observations=len({file.obs_id for file in files}),
        n_files=len(files),
        bytes=sum(file.size_bytes or 0 for file in files),
        to_fetch_bytes=sum(file.size_bytes or 0 for file in files if not file.here),
        n_unknown_sizes=sum(file.size_bytes is None for file in files),
        n_here=sum(file.here for file in files),
    )
