"""A Selection: what was chosen, frozen. Downloads and reductions take one, never « what the table shows now »."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Selection:
    """Observations of one mission. `filters` is the JSON form of the filter stack that chose them.

    `kinds` are the ProductKinds of the files that are wanted; empty means event lists. `instruments` empty means all.
    """

    mission: str
    catalogue_version: str
    obs_ids: tuple[str, ...]
    instruments: tuple[str, ...]
    filters: tuple[dict[str, Any], ...] = ()
    kinds: tuple[str, ...] = ()
