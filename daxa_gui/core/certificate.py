"""What is known about where a catalogue came from and whether it is whole, and how two versions of it differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Certificate:
    """Says that a catalogue was received whole. `query` is the first page's query; `rows_expected` the service's own count,
    the same before and after reading; `columns` those seen in the reply, with their units; `checksum` the SHA-256 of the rows
    received; `fetched_mjd` when (UTC)."""

    mission: str
    service: str  # address
    table: str
    query: str
    rows_expected: int
    rows_received: int
    columns: tuple[tuple[str, str], ...]  # name, unit
    fetched_mjd: float
    checksum: str
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return self.rows_expected == self.rows_received

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Certificate:
        """Raises KeyError, TypeError or ValueError if the document is not what `to_json` gives."""
        values = {name: document[name] for name in cls.__dataclass_fields__}
        kinds = dict.fromkeys(("rows_expected", "rows_received"), (int,)) | {"fetched_mjd": (int, float)}
        texts = ("mission", "service", "table", "query", "checksum")
        for name, allowed in (kinds | dict.fromkeys(texts, (str,))).items():
            if not isinstance(values[name], allowed) or isinstance(values[name], bool):
                raise TypeError(f"{name} of a certificate is {values[name]!r}")
        values["columns"] = tuple((str(name), str(unit)) for name, unit in values["columns"])
        values["notes"] = tuple(str(note) for note in values["notes"])
        return cls(**values)


@dataclass(frozen=True)
class CatalogueDiff:
    """What a refresh brought. ObsIDs; `changed` says for each which columns differ; `now_public` became public in between."""

    mission: str
    before_mjd: float
    after_mjd: float
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    now_public: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.new or self.vanished or self.changed or self.now_public)


@dataclass(frozen=True)
class CatalogueStatus:
    """State of one mission's catalogue on this machine. `origin` is « built in », « fetched », « imported » or « none ».

    `problem` is why the last refresh was refused or failed (empty: it was not); the last good copy stays in use.
    `unusable` counts the rows that are marked as unfit, `proprietary` those that are not public now.
    """

    mission: str
    label: str
    origin: str
    rows: int
    unusable: int
    proprietary: int
    provenance: str
    certificate: Certificate | None = None
    problem: str = ""
    refreshable: bool = False
    refreshing: bool = False
    size_bytes: int = 0
