"""Answers of an archive about its contents, as values: what succeeded, what is where, which versions there were, what is in the
trash, what a check of the disk found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """One step for one unit (ObsID, ObsID + instrument, or ObsID + instrument + sub-exposure; `unit` is what follows the ObsID).

    `success` is None while the step has not ended. `errors` and `warnings` are sentences; `log_path` is absolute, "" if there
    is no log.
    """

    mission: str
    obs_id: str
    unit: str
    step: str
    success: bool | None
    state: str  # a JobState
    job_id: int | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    log_path: str = ""
    reason: str = ""  # why it was skipped or what stopped it

    @property
    def failed(self) -> bool:
        """It was tried in vain, while one that was skipped (closed filter, an earlier step failed) was not."""
        return self.success is False and not self.skipped

    @property
    def skipped(self) -> bool:
        return self.state == "skipped"


@dataclass(frozen=True)
class ObservationFacts:
    """What is known of one observation of the archive. `final_success` is None before a final step has run.

    `instruments` maps each instrument to plain JSON facts (active, exposures, modes, filters …); `data_path` is the folder of
    processed or, where everything failed, of failed data.
    """

    mission: str
    obs_id: str
    target: str
    instruments: dict[str, dict[str, Any]]
    final_success: bool | None
    data_path: str
    raw_path: str
    n_files: int
    size_bytes: int


@dataclass(frozen=True)
class RawDataUse:
    """Raw data that could be deleted: bytes on the disk, and the names of the other archives that use (some of) them."""

    observations: tuple[tuple[str, str], ...]  # (mission, ObsID) with a raw folder
    n_files: int
    size_bytes: int
    other_archives: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrashEntry:
    """What was deleted at once and can come back. `what` is a sentence."""

    id: int
    what: str
    deleted: float  # seconds since 1970, UTC
    n_files: int
    size_bytes: int


@dataclass(frozen=True)
class RegionSet:
    """The regions of one observation. `path` is the DS9 file (ICRS degrees); `verbatim` are lines that were kept as they were
    because nobody here understands them."""

    mission: str
    obs_id: str
    path: str
    n_regions: int
    verbatim: tuple[str, ...] = ()
    source: str = ""  # where they came from
    added: float = 0.0


@dataclass(frozen=True)
class ArchiveVersion:
    """One state of an archive's content. `number` is « 1.2 »; `changes` are sentences, one for each kind of change."""

    number: str
    created: float  # seconds since 1970, UTC
    changes: tuple[str, ...]
    n_observations: int
    n_products: int
    note: str = ""


@dataclass(frozen=True)
class VersionProduct:
    """A product as it was in a version: `path` relative to the archive, `parameters` of the step that made it."""

    mission: str
    obs_id: str
    unit: str
    kind: str
    path: str
    sha256: str
    size_bytes: int
    step: str
    parameters: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)  # n_events, ontime_s, kept_fraction …


@dataclass(frozen=True)
class VersionContents:
    """What a version held: observations as (mission, ObsID), products, and the good time of each exposure.

    `gtis` maps « mission/ObsID/unit » to (start, stop) pairs in mission seconds.
    """

    version: ArchiveVersion
    observations: tuple[tuple[str, str], ...]
    products: tuple[VersionProduct, ...]
    gtis: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class VersionDifference:
    """From version `old` to version `new`. `changed` are pairs of the same product with another checksum; `sentences` say it."""

    old: str
    new: str
    added_observations: tuple[tuple[str, str], ...]
    removed_observations: tuple[tuple[str, str], ...]
    added: tuple[VersionProduct, ...]
    removed: tuple[VersionProduct, ...]
    changed: tuple[tuple[VersionProduct, VersionProduct], ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class ArchiveUpdate:
    """What running the archive's stored filters on today's catalogues gives. Nothing was changed yet.

    `added` and `gone` are (mission, ObsID); observations that are gone from the selection stay in the archive.
    `now_public` were left out earlier because they were proprietary. `problems` are sentences for missions that could not be
    searched.
    """

    added: tuple[tuple[str, str], ...]
    gone: tuple[tuple[str, str], ...]
    now_public: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    selections: tuple[Any, ...] = ()  # core.selection.Selection of what is new


@dataclass(frozen=True)
class Finding:
    """One thing that a check of the archive found. `severity` is « error », « warning » or « information »; `repaired` says
    whether it was put right."""

    severity: str
    path: str
    message: str
    repaired: bool = False


@dataclass(frozen=True)
class VerifyReport:
    """What a check of database and disk found. `n_bytes` were read and compared with their checksums."""

    n_files: int
    n_bytes: int
    findings: tuple[Finding, ...]
    rebuilt: bool = False  # the database was made anew from what lies on the disk

    @property
    def is_whole(self) -> bool:
        return not any(finding.severity == "error" and not finding.repaired for finding in self.findings)
