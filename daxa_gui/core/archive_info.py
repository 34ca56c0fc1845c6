"""What an archive says about itself and about the observations in it, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from daxa_gui.core.step import Task


@dataclass(frozen=True)
class ArchiveSummary:
    """One archive of the output folder. `problem` is a sentence if it cannot be read (the numbers are then zero)."""

    name: str
    path: str
    created: float = 0.0  # seconds since 1970, UTC
    n_observations: int = 0
    missions: tuple[str, ...] = ()
    problem: str = ""
    read_only: str = ""  # why nothing can be changed, a sentence; empty: it can


@dataclass(frozen=True)
class ArchiveObservation:
    """An observation that was chosen for the archive. `row` is its catalogue row at that time (plain JSON values).

    `instruments` are the chosen ones; empty means all.
    """

    mission: str
    obs_id: str
    target: str
    instruments: tuple[str, ...] = ()
    row: dict[str, Any] = field(default_factory=dict)
    added: float = 0.0  # seconds since 1970, UTC
    kinds: tuple[str, ...] = ()  # ProductKinds of the files that are wanted; empty: event lists


@dataclass(frozen=True)
class DownloadedFile:
    """A file as it came from a mission's archive. `path` is absolute, `unit` its path below the observation's raw folder."""

    mission: str
    obs_id: str
    unit: str
    path: str
    kind: str
    instrument: str
    service: str
    url_path: str
    size_bytes: int
    sha256: str
    date: float  # seconds since 1970, UTC


@dataclass(frozen=True)
class HistoryEntry:
    """One making of a product: by which job, with which task, when, and with what checksum. Newest last."""

    job_id: int
    attempt: int
    step: str
    title: str
    task: Task
    started: float | None
    finished: float | None
    size_bytes: int
    sha256: str
    version: str  # of this program
    facts: dict[str, Any] = field(default_factory=dict)
