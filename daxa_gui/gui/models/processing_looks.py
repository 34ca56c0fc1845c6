"""What is painted in a cell of the processing grid: of one job, of all units of a collapsed observation, or of none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from daxa_gui.core.job import JobState
from daxa_gui.core.job_overview import JobOverview
from daxa_gui.core.step import Step
from daxa_gui.gui.models.jobs import percent
from daxa_gui.gui.models.processing_cells import CODES, EMPTY, IS_DONE, WORDS, Cells
from daxa_gui.gui.models.processing_units import applies

_RUNNING, _FAILED = CODES["running"], CODES["failed"]


@dataclass(frozen=True)
class CellLook:
    """What is painted in a cell: a word of WORDS for the mark, the text, and the part that is done while it runs."""

    word: str
    text: str
    part: float | None = None


NOT_FOR_IT = CellLook("", "–")  # of a cell that can have no job


def job_look(cells: Cells, job: int) -> CellLook:
    """`job` is a row of the overview."""
    code = int(cells.words[job])
    if code == _RUNNING:
        part = fraction(cells.overview, job)
        return CellLook("running", "running" if part is None else f"running {percent(part)}", part)
    return CellLook(WORDS[code], WORDS[code])


def fraction(overview: JobOverview, job: int) -> float | None:
    """How much of a job is done, 0 to 1; None while it runs and nobody knows."""
    total = float(overview.total[job])
    if overview.state_of(job) is JobState.SUCCEEDED:
        return 1.0
    if total == total and total:
        return min(1.0, float(overview.done[job]) / total)
    return None if overview.state_of(job) is JobState.RUNNING else 0.0


def together(cells: Cells, row: int, step: int) -> CellLook | None:
    """A collapsed observation: the state that matters most, and how many of its units are done; None if none has a job."""
    below = np.flatnonzero(cells.observation == cells.observation[row])
    codes = cells.codes(below, np.array([step]))[:, 0]
    codes = codes[codes != EMPTY]
    if not len(codes):
        return None
    failed = int((codes == _FAILED).sum())
    text = f"{int(IS_DONE[codes].sum())}/{len(codes)}"
    return CellLook(WORDS[int(codes.min())], f"{text} · {failed} ✕" if failed else text)


class Applying:
    """Whether a step could run for a row: it is about a whole observation, an instrument or an exposure of its mission. Asked for
    each empty cell that is painted, so answers are kept."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        self._known: dict[tuple[str, str, int], bool] = {}

    def __call__(self, cells: Cells, row: int, step: int) -> bool:
        mission, _, unit = cells.identity(row)
        key = (mission, unit, step)
        if key not in self._known:
            self._known[key] = applies(self._steps[step], mission, unit)
        return self._known[key]
