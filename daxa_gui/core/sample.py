"""A sample: the positions that a person brings along in a file, and which of its columns mean what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from daxa_gui.core.places import Places


@dataclass(frozen=True)
class SampleColumns:
    """Which columns are used; an empty text: none. All can be guessed from the columns' names, units and contents, and corrected.

    `frame` is « icrs », « fk5 », « fk4 », « galactic » or « ecliptic » (then `ra` is the longitude, `dec` the latitude).
    `time` is a single moment (a discovery, say) from which a window of `days_before` and `days_after` is made; otherwise `start`
    and `end` give each position's own window. `radius` is each position's own search distance, in `radius_unit` where the column
    has no unit.
    """

    ra: str = ""
    dec: str = ""
    name: str = ""
    time: str = ""
    start: str = ""
    end: str = ""
    radius: str = ""
    frame: str = "icrs"
    radius_unit: str = "deg"
    days_before: float = 0.0
    days_after: float = 0.0


@dataclass(frozen=True)
class SamplePreview:
    """What a dialog shows before a sample is read: all column names with their units, the first rows as texts, the guesses."""

    path: str
    format: str  # « CSV », « ECSV », « VOTable », « FITS »
    columns: tuple[str, ...]
    units: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]  # the first 20
    n_rows: int
    guess: SampleColumns


@dataclass(frozen=True)
class Sample:
    """Positions of a file, in its order; `used` says which columns they came from."""

    path: str
    places: Places
    columns: tuple[str, ...]
    used: SampleColumns

    def __len__(self) -> int:
        return len(self.places)

    @property
    def label(self) -> str:
        """What to call it in a sentence."""
        return Path(self.path).name
