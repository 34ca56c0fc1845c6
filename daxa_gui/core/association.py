"""Which observation covers which position: the table behind « find what my sample has »."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core import matching
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.coverage import Coverage
from daxa_gui.core.distance import DEFAULT, Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.matching import Pairs
from daxa_gui.core.places import Places
from daxa_gui.core.table import DataTable
from daxa_gui.core.texts import TextColumn

MOST_ENTRIES = 5_000_000  # about half a gigabyte
TIME_MATCHES = np.array(["inside", "overlap", "possible", ""])  # by the codes of `matching.time_codes`
_UNITS = {
    "ra_deg": "deg", "dec_deg": "deg", "separation_deg": "deg", "obs_start_mjd": "d", "obs_end_mjd": "d",
    "window_start_mjd": "d", "window_end_mjd": "d",
}  # fmt: skip
_DESCRIPTIONS = {
    "position": "Number of the position in the sample, from 0.",
    "name": "What the position is called in the sample.",
    "ra_deg": "Right ascension of the position, ICRS.",
    "dec_deg": "Declination of the position, ICRS.",
    "mission": "The mission that made the observation.",
    "obs_id": "The observation's ObsID.",
    "separation_deg": "From the position to the observation's pointing.",
    "instruments": "Instruments of the observation that cover the position, separated by blanks.",
    "obs_start_mjd": "Start of the observation, MJD (UTC).",
    "obs_end_mjd": "End of the observation, MJD (UTC).",
    "window_start_mjd": "Start of the position's time window, MJD (UTC).",
    "window_end_mjd": "End of the position's time window, MJD (UTC).",
    "time_match": "How the observation lies in the window: inside, overlap, or possible where one of its ends is not known.",
}


@dataclass(frozen=True, eq=False)
class Association:
    """Arrays of shape (n,): one entry per position and observation that covers it, by position, the nearest first.

    `position` is the number in the sample (from 0), `row` the row of the catalogue. `instruments` are those whose own distance or
    field of view covers the position; with a distance that does not depend on the instrument all that the observation used.
    Times are MJD (UTC), NaN where unknown or not limited. `time_match` is « inside », « overlap », « possible » (one end of the
    observation is not known, and the other does not exclude it) or empty (the position has no time window).
    """

    position: NDArray[np.int64]
    row: NDArray[np.int64]
    obs_id: NDArray[np.str_]
    separation_deg: NDArray[np.float64]
    instruments: TextColumn
    obs_start_mjd: NDArray[np.float64]
    obs_end_mjd: NDArray[np.float64]
    window_start_mjd: NDArray[np.float64]
    window_end_mjd: NDArray[np.float64]
    time_match: TextColumn

    def __len__(self) -> int:
        return len(self.position)

    @property
    def matched_positions(self) -> int:
        """How many positions have at least one observation."""
        return int(np.count_nonzero(np.diff(self.position))) + 1 if len(self) else 0

    @property
    def observations(self) -> int:
        """How many observations cover at least one position."""
        return len(np.unique(self.row))

    def table(self, places: Places, mission: str) -> DataTable:
        """One row per entry, with the positions' names and coordinates; typed columns with units."""
        names = places.name_column
        columns = {
            "position": self.position, "name": names[self.position], "ra_deg": places.ra_deg[self.position],
            "dec_deg": places.dec_deg[self.position], "mission": np.full(len(self), mission), "obs_id": self.obs_id,
            "separation_deg": self.separation_deg, "instruments": np.asarray(self.instruments),
            "obs_start_mjd": self.obs_start_mjd, "obs_end_mjd": self.obs_end_mjd, "window_start_mjd": self.window_start_mjd,
            "window_end_mjd": self.window_end_mjd, "time_match": np.asarray(self.time_match),
        }  # fmt: skip
        return DataTable(columns, _UNITS, _DESCRIPTIONS)

    def document(self, places: Places) -> dict[str, Any]:
        """As JSON values: the matched positions with their observations, and how many there are."""
        matches: dict[int, list[dict[str, Any]]] = {}
        for number, entry in zip(self.position.tolist(), self._entries(), strict=True):
            matches.setdefault(number, []).append(entry)
        return {
            "sample_size": len(places),
            "matched_positions": len(matches),
            "observations": self.observations,
            "positions": [{"index": number, **_place(places, number), "matches": found} for number, found in matches.items()],
        }

    def _entries(self) -> Iterator[dict[str, Any]]:
        columns = (self.obs_id, self.separation_deg, self.instruments, self.time_match, self.obs_start_mjd, self.obs_end_mjd)
        for obs_id, apart, instruments, match, start, end in zip(*(column.tolist() for column in columns), strict=True):
            entry = {"obs_id": obs_id, "separation_deg": apart, "instruments": instruments.split()}
            if match:
                entry |= {"time_match": match, "start_mjd": _known(start), "end_mjd": _known(end)}
            yield entry


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _place(places: Places, number: int) -> dict[str, Any]:
    place: dict[str, Any] = {
        "name": places.names[number], "ra_deg": float(places.ra_deg[number]), "dec_deg": float(places.dec_deg[number]),
    }  # fmt: skip
    if places.has_windows:
        for name, limits in (("window_start_mjd", places.start_mjd), ("window_end_mjd", places.end_mjd)):
            place[name] = None if limits is None else _known(float(limits[number]))
    return place


def associate(
    catalogue: Catalogue,
    places: Places,
    distance: Distance = DEFAULT,
    *,
    mask: NDArray[np.bool_] | None = None,
    entirely_inside: bool = False,
    most: int = MOST_ENTRIES,
) -> Association:
    """All observations of a catalogue that cover the positions, within the positions' time windows where they have any.

    Parameters
    ----------
    mask : shape (n,), which rows of the catalogue may match; all if None.
    entirely_inside : the whole observation must lie in the window; otherwise any part of it suffices.
    most : with more entries than this the search is given up before memory is short; `stream` has no such limit.

    Raises
    ------
    InputError : each position should have its own distance, and they have none; there are too many entries.
    """
    coverage, times, size = Coverage(catalogue, distance), [], 0
    for found in matching.pairs(catalogue, places, distance, mask):
        times.append(_in_time(catalogue, places, found, entirely_inside))
        size += len(times[-1][0])
        if size > most:
            raise InputError(
                f"More than {most} pairs of a position and an observation of {catalogue.mission} match.",
                "Search within a smaller distance, add filters, or take fewer positions.",
            )
    position, row, apart = (
        np.concatenate([np.empty(0, kind), *(getattr(found, name) for found, _ in times)])
        for name, kind in (("position", np.int64), ("row", np.int64), ("separation_deg", np.float64))
    )
    codes = np.concatenate([np.empty(0, np.uint8), *(codes for _, codes in times)])
    return _association(coverage, places, Pairs(position, row, apart), codes)


def stream(
    catalogue: Catalogue,
    places: Places,
    distance: Distance = DEFAULT,
    *,
    mask: NDArray[np.bool_] | None = None,
    entirely_inside: bool = False,
) -> Iterator[Association]:
    """What `associate` gives, in parts of whole positions, in their order: for results that do not fit into memory."""
    coverage = Coverage(catalogue, distance)
    for found in matching.pairs(catalogue, places, distance, mask):
        kept, codes = _in_time(catalogue, places, found, entirely_inside)
        if len(kept):
            yield _association(coverage, places, kept, codes)


def _in_time(catalogue: Catalogue, places: Places, found: Pairs, entirely_inside: bool) -> tuple[Pairs, NDArray[np.uint8]]:
    """The pairs that fit the positions' windows, and their time codes."""
    if not places.has_windows:
        return found, np.full(len(found), matching.ANY_TIME, np.uint8)
    codes = matching.time_codes(catalogue, places, found.position, found.row, entirely_inside=entirely_inside)
    kept = codes != matching.OUTSIDE
    return found.part(kept), codes[kept]


def _association(coverage: Coverage, places: Places, found: Pairs, codes: NDArray[np.uint8]) -> Association:
    catalogue, position, row = coverage.catalogue, found.position, found.row
    unknown = np.broadcast_to(np.nan, len(found))
    return Association(
        position, row, catalogue.obs_id.take(row), found.separation_deg, _instruments(coverage, places, found),
        catalogue.start_mjd[row], catalogue.end_mjd[row],
        unknown if places.start_mjd is None else places.start_mjd[position],
        unknown if places.end_mjd is None else places.end_mjd[position],
        TextColumn(codes, TIME_MATCHES),
    )  # fmt: skip


def _instruments(coverage: Coverage, places: Places, found: Pairs) -> TextColumn:
    """Names of the instruments that cover each pair's position, in the order in which the catalogue has them."""
    used = coverage.catalogue.instruments
    if not coverage.by_instrument or not len(found):
        return used.take(found.row)
    covered = coverage.covering(places, found.position, found.row, found.separation_deg)
    label = used.codes[found.row].astype(np.int64)
    for mask in covered.values():
        label = _renumbered(2 * label + mask)
    example = np.empty(int(label.max()) + 1, np.int64)
    example[label] = np.arange(len(found))  # of each label some pair
    texts = [_covering_names(str(used[int(found.row[at])]), covered, int(at)) for at in example]
    return TextColumn(label.astype(np.min_scalar_type(len(texts))), np.array(texts, str))


def _renumbered(label: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same labels, numbered from 0 without gaps; they are at most a few times as many as there are texts of instruments."""
    present = np.bincount(label) > 0
    result: NDArray[np.int64] = (np.cumsum(present) - 1)[label]
    return result


def _covering_names(used: str, covered: Mapping[str, NDArray[np.bool_]], at: int) -> str:
    return " ".join(name for name in used.split() if name in covered and covered[name][at])
