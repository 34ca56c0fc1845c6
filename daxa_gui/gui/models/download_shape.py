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
    """`mask` says which rows of the columns are shown; None: all, and rows that are added later as well."""

    def __init__(self, columns: DownloadColumns, mask: NDArray[np.bool_] | None = None) -> None:
        self.columns = columns
        self.is_filtered = mask is not None
        self.missions: list[int] = []
        self.place_of_mission: dict[int, int] = {}
        self.observations: dict[int, array[int]] = {}  # of a mission
        self.files: dict[int, array[int]] = {}  # of an observation: rows
        self._place_of_observation = array("i", bytes(4 * len(columns.observations)))
        self._place_of_file = array("i", np.full(columns.n_rows, HIDDEN, np.int32).tobytes())
        self._arrange(np.arange(columns.n_rows) if mask is None else np.flatnonzero(mask))

    def _arrange(self, rows: Rows) -> None:
        observations = self.columns.observation[rows]
        order = np.argsort(observations, kind="stable")
        if not len(rows):
            return
        rows, observations = rows[order].astype(np.int32), observations[order]
        present, starts = np.unique(observations, return_index=True)
        ends = np.append(starts[1:], len(rows))
        np.frombuffer(self._place_of_file, np.int32)[rows] = np.arange(len(rows)) - np.repeat(starts, ends - starts)
        for observation, begin, end in zip(present.tolist(), starts.tolist(), ends.tolist(), strict=True):
            self.files[observation] = array("i", rows[begin:end].tobytes())
            self._show_observation(observation)

    def _show_observation(self, observation: int) -> None:
        mission = self.columns.observations[observation][0]
        if mission not in self.observations:
            self.place_of_mission[mission] = len(self.missions)
            self.missions.append(mission)
            self.observations[mission] = array("i")
        self._place_of_observation[observation] = len(self.observations[mission])
        self.observations[mission].append(observation)

    # ---- what is where

    def place_of_observation(self, observation: int) -> int:
        """Among those of its mission that are shown; HIDDEN if it is not."""
        return self._place_of_observation[observation] if observation in self.files else HIDDEN

    def place_of_file(self, row: int) -> int:
        """Among those of its observation that are shown; HIDDEN if it is not."""
        return self._place_of_file[row] if row < len(self._place_of_file) else HIDDEN

    def shown(self) -> Rows:
        """All rows that are shown."""
        places = np.frombuffer(self._place_of_file, np.int32) if len(self._place_of_file) else np.zeros(0, np.int32)
        return np.flatnonzero(places != HIDDEN)

    def below(self, level: int, number: int) -> Sequence[int]:
        """What stands below a mission (level 0), an observation (1) or at the top (-1): numbers or, for files, rows."""
        if level < 0:
            return self.missions
        return (self.observations if level == 0 else self.files)[number]

    # ---- what comes

    def append(self, rows: Rows) -> None:
        """Show rows at the end of their observations. Only for a shape that shows all."""
        self._know(self.columns.n_rows)
        for row in rows.tolist():
            observation = int(self.columns.observation[row])
            if observation not in self.files:
                self.files[observation] = array("i")
                self._show_observation(observation)
            self._place_of_file[row] = len(self.files[observation])
            self.files[observation].append(row)

    def _know(self, n_rows: int) -> None:
        self._place_of_file.extend([HIDDEN] * (n_rows - len(self._place_of_file)))
        self._place_of_observation.extend([0] * (len(self.columns.observations) - len(self._place_of_observation)))
