"""Which rows of the processing grid are shown, and in which order: a few passes of numpy over all cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.gui.models.processing_cells import CODES, EMPTY, IS_OPEN, WORDS, Cells, Numbers

ORDERS = {
    "arrival": "As they came",
    "name": "By ObsID",
    "failures": "Failures first",
    "open": "Unfinished first",
}
_WORST_FIRST = np.arange(len(WORDS) + 1)


@dataclass(frozen=True)
class GridChoice:
    """What a person wants to see.

    Parameters
    ----------
    mission : one, or "" for all.
    words : states; rows with a cell in one of them are shown. Empty: all rows.
    text : part of an ObsID, target, unit or mission.
    failures_only : rows with a failed cell.
    order : a key of ORDERS, or "step" (by the state in `step`, failures first).
    """

    mission: str = ""
    words: tuple[str, ...] = ()
    text: str = ""
    failures_only: bool = False
    order: str = "arrival"
    step: int = -1

    @property
    def narrows(self) -> bool:
        return bool(self.words or self.text.strip() or self.failures_only)


@dataclass(frozen=True, eq=False)
class ShownRows:
    """`rows` are numbers of rows of the cells, from top to bottom; `place` of a row (−1: hidden); `heading[row]`: stands for a
    whole observation that has units below it. `has_units[observation]`, `n_below[observation]` count what could be shown."""

    rows: Numbers
    place: Numbers
    heading: NDArray[np.bool_]
    n_units: Numbers


def missions_of(cells: Cells) -> list[str]:
    """In the order in which they came; only those with a row."""
    present = np.zeros(len(cells.overview.observations.values), bool)
    present[cells.observation] = True
    pairs = zip(cells.overview.observations.values, present.tolist(), strict=True)
    return list(dict.fromkeys(mission for (mission, _), here in pairs if here))


def shown_rows(
    cells: Cells, choice: GridChoice, labels: Mapping[str, str], targets: Mapping[tuple[str, str], str], collapsed: set[int],
) -> ShownRows:  # fmt: skip
    """`labels` of missions, `targets` of (mission, ObsID), numbers of observations whose units are hidden."""
    n_observations = len(cells.overview.observations.values)
    observation, unit = cells.observation, cells.unit
    is_whole = unit == 0
    has_whole = np.zeros(n_observations, bool)
    has_whole[observation[is_whole]] = True
    n_units = np.bincount(observation[~is_whole], minlength=n_observations)
    heading = is_whole & (n_units[observation] > 0)
    wanted = _wanted(cells, choice, labels, targets)
    under = wanted & ~is_whole  # a unit brings the row of its observation along
    brings = np.zeros(n_observations, bool)
    brings[observation[under]] = True
    wanted = wanted | (heading & brings[observation])
    if collapsed:
        closed = np.zeros(n_observations, bool)
        closed[list(collapsed)] = True
        wanted &= ~(closed[observation] & has_whole[observation] & ~is_whole)
    rows = np.flatnonzero(wanted)
    rank = np.empty(len(cells.units), np.int64)
    rank[sorted(range(len(cells.units)), key=cells.units.__getitem__)] = np.arange(len(cells.units))
    rows = rows[np.lexsort((rank[unit[rows]], _keys(cells, choice, labels)[observation[rows]]))]
    place = np.full(cells.n_rows, -1, np.int64)
    place[rows] = np.arange(len(rows))
    return ShownRows(rows, place, heading, n_units)


def _wanted(
    cells: Cells, choice: GridChoice, labels: Mapping[str, str], targets: Mapping[tuple[str, str], str]
) -> NDArray[np.bool_]:
    values = cells.overview.observations.values
    wanted = np.ones(cells.n_rows, bool)
    if choice.mission:
        wanted &= np.array([mission == choice.mission for mission, _ in values], bool)[cells.observation]
    for part in choice.text.casefold().split():
        texts = (f"{obs_id}\n{targets.get((mission, obs_id), '')}\n{labels.get(mission, mission)}" for mission, obs_id in values)
        of_observation = np.array([part in text.casefold() for text in texts], bool)
        of_unit = np.array([part in text.casefold() for text in cells.units], bool)
        wanted &= of_observation[cells.observation] | of_unit[cells.unit]
    if choice.words or choice.failures_only:
        every_step = np.arange(len(cells.steps))
        codes = cells.codes(np.arange(cells.n_rows), every_step)
        if choice.failures_only:
            wanted &= (codes == CODES["failed"]).any(axis=1)
        if choice.words:
            asked = np.array([word in choice.words for word in (*WORDS, "")])
            wanted &= asked[codes].any(axis=1)
    return wanted


def _keys(cells: Cells, choice: GridChoice, labels: Mapping[str, str]) -> Numbers:
    """For each observation its place in the order; equal ones stay as they came."""
    values = cells.overview.observations.values
    n = len(values)
    if choice.order == "name":
        keys = np.empty(n, np.int64)
        keys[sorted(range(n), key=lambda at: (labels.get(values[at][0], values[at][0]), values[at][1]))] = np.arange(n)
        return keys
    if choice.order == "step" and 0 <= choice.step < len(cells.steps):
        first = np.full(n, EMPTY, np.int64)
        codes = cells.codes(np.arange(cells.n_rows), np.array([choice.step]))[:, 0]
        np.minimum.at(first, cells.observation, _WORST_FIRST[codes])
        return _ranked(first)
    if choice.order in ("failures", "open"):
        codes = cells.codes(np.arange(cells.n_rows), np.arange(len(cells.steps)))
        hit = IS_OPEN[codes] if choice.order == "open" else codes == CODES["failed"]
        return _ranked(-np.bincount(cells.observation, weights=hit.sum(axis=1), minlength=n))
    return np.arange(n)


def _ranked(keys: NDArray[np.int64] | NDArray[np.float64]) -> Numbers:
    """A number of its own for each, so that two observations are never mixed."""
    ranks = np.empty(len(keys), np.int64)
    ranks[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return ranks
