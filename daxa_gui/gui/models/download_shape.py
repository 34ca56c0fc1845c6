"""Which downloads are shown and where: missions, their observations, and the rows of their files, all of them or those that a
filter leaves. Plain numbers, 4 bytes a file."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from daxa_gui.gui.models.download_columns import DownloadColumns, Rows

HIDDEN = -1


class Shape:
    """`mask` says which rows of the columns are shown; None: all, and rows that are added later as well.

    Made on any thread (no loop over observations or files), then it belongs to the model.
    """

    def __init__(self, columns: DownloadColumns, mask: NDArray[np.bool_] | None = None) -> None:
        self.columns = columns
        self.is_filtered = mask is not None
        self.missions: list[int] = []
        self.place_of_mission: dict[int, int] = {}
        self.observations: dict[int, array[int]] = {}  # of a mission
        n = len(columns.observations)
        self._rows = array("i")  # of all files, those of an observation one after the other
        self._start = array("i", bytes(4 * n))  # where those of an observation begin …
        self._count = array("i", bytes(4 * n))  # … and how many there are; 0 where it is not shown
        self._own: dict[int, array[int]] = {}  # of observations to which rows came later
        self._place_of_observation = array("i", bytes(4 * n))
        self._place_of_file = array("i", np.full(columns.n_rows, HIDDEN, np.int32).tobytes())
        self._arrange(np.arange(columns.n_rows) if mask is None else np.flatnonzero(mask))

    def _arrange(self, rows: Rows) -> None:
        if not len(rows):
            return
        observations = self.columns.observation[rows]
        order = np.argsort(observations, kind="stable")
        rows, observations = rows[order].astype(np.int32), observations[order]
        present, starts, counts = np.unique(observations, return_index=True, return_counts=True)
        self._rows = array("i", rows.tobytes())
        np.frombuffer(self._start, np.int32)[present] = starts
        np.frombuffer(self._count, np.int32)[present] = counts
        np.frombuffer(self._place_of_file, np.int32)[rows] = np.arange(len(rows)) - np.repeat(starts, counts)
        mission_of = np.fromiter((mission for mission, _ in self.columns.observations), np.int32, len(self._start))[present]
        missions, first = np.unique(mission_of, return_index=True)
        for mission in missions[np.argsort(first)].tolist():
            mine = present[mission_of == mission].astype(np.int32)
            self._show_mission(mission)
            self.observations[mission] = array("i", mine.tobytes())
            np.frombuffer(self._place_of_observation, np.int32)[mine] = np.arange(len(mine))

    def _show_mission(self, mission: int) -> None:
        self.place_of_mission[mission] = len(self.missions)
        self.missions.append(mission)
        self.observations[mission] = array("i")

    # ---- what is where

    def n_files(self, observation: int) -> int:
        """How many files of an observation are shown; 0 if it is not."""
        return self._count[observation] if observation < len(self._count) else 0

    def file_at(self, observation: int, place: int) -> int:
        """The row of a file that is shown. Raises IndexError if there is none at that place."""
        if not 0 <= place < self._count[observation]:
            raise IndexError(place)
        own = self._own.get(observation)
        return own[place] if own is not None else self._rows[self._start[observation] + place]

    def place_of_observation(self, observation: int) -> int:
        """Among those of its mission that are shown; HIDDEN if it is not."""
        return self._place_of_observation[observation] if self.n_files(observation) else HIDDEN

    def place_of_file(self, row: int) -> int:
        """Among those of its observation that are shown; HIDDEN if it is not."""
        return self._place_of_file[row] if row < len(self._place_of_file) else HIDDEN

    def places_of_files(self, rows: Rows) -> NDArray[np.int32]:
        """`place_of_file` of many rows."""
        places = np.full(len(rows), HIDDEN, np.int32)
        known = rows < len(self._place_of_file)
        if known.any():
            places[known] = np.frombuffer(self._place_of_file, np.int32)[rows[known]]
        return places

    def shown(self) -> Rows:
        """All rows that are shown."""
        places = np.frombuffer(self._place_of_file, np.int32) if len(self._place_of_file) else np.zeros(0, np.int32)
        return np.flatnonzero(places != HIDDEN)

    def below(self, level: int, number: int) -> Sequence[int]:
        """What stands below a mission (level 0), an observation (1) or at the top (-1): numbers or, for files, rows."""
        if level < 0:
            return self.missions
        return self.observations[number] if level == 0 else self._files(number)

    def _files(self, observation: int) -> array[int]:
        own, start = self._own.get(observation), self._start[observation]
        return own if own is not None else self._rows[start : start + self._count[observation]]

    # ---- what comes

    def append(self, rows: Rows) -> None:
        """Show rows at the end of their observations. Only for a shape that shows all."""
        self._know(self.columns.n_rows)
        for row in rows.tolist():
            observation = int(self.columns.observation[row])
            if not self._count[observation]:
                self._show_observation(observation)
            if observation not in self._own:
                self._own[observation] = self._files(observation)
            self._place_of_file[row] = len(self._own[observation])
            self._own[observation].append(row)
            self._count[observation] += 1

    def _show_observation(self, observation: int) -> None:
        mission = self.columns.observations[observation][0]
        if mission not in self.observations:
            self._show_mission(mission)
        self._place_of_observation[observation] = len(self.observations[mission])
        self.observations[mission].append(observation)

    def _know(self, n_rows: int) -> None:
        self._place_of_file.extend([HIDDEN] * (n_rows - len(self._place_of_file)))
        for numbers in (self._place_of_observation, self._start, self._count):
            numbers.extend([0] * (len(self.columns.observations) - len(numbers)))
