"""What the columns of the tree of downloads say of a mission, an observation or a file."""

from __future__ import annotations

from enum import IntEnum

from daxa_gui.gui.models.download_columns import WORDS, DownloadColumns, Sum, Sums, loudest, n_jobs, part_done
from daxa_gui.gui.models.jobs import format_bytes, percent
from daxa_gui.gui.models.rates import duration_text
from daxa_gui.gui.texts import count_text, counted

_LONG_OBS_ID = 4  # characters; shorter ones may be in a name by chance
FILE_LEVEL = 2  # missions are at level 0, observations at 1


class Column(IntEnum):
    NAME = 0
    STATE = 1
    PROGRESS = 2
    SIZE = 3
    RATE = 4
    LEFT = 5
    MESSAGE = 6


class RowTexts:
    """Rows are named by their level and number in the columns. `rates`: bytes a second of what runs, by level and number."""

    def __init__(self, columns: DownloadColumns) -> None:
        self._columns = columns
        self.rates: dict[tuple[int, int], float] = {}

    def text(self, level: int, number: int, column: int) -> str:
        return self._of_file(number, column) if level == FILE_LEVEL else self._of_group(level, number, column)

    def state(self, level: int, number: int) -> str:
        """A word of WORDS."""
        return WORDS[self._columns.words[number]] if level == FILE_LEVEL else loudest(self._sums(level, number))

    def part(self, level: int, number: int) -> float | None:
        """How much of it is done, 0 to 1; None while nobody knows."""
        return self._columns.part_of(number) if level == FILE_LEVEL else part_done(self._sums(level, number))

    def _sums(self, level: int, number: int) -> Sums:
        return self._columns.sums_of_missions[number] if level == 0 else self._columns.sums_of_observations[number]

    def _of_file(self, row: int, column: int) -> str:
        columns = self._columns
        if column == Column.NAME:  # below its observation nobody needs the ObsID in the name
            obs_id = columns.observations[columns.observation[row]][1]
            return columns.names[row].replace(obs_id, "…") if len(obs_id) >= _LONG_OBS_ID else columns.names[row]
        if column == Column.STATE:
            return WORDS[columns.words[row]]
        if column == Column.PROGRESS:
            return percent(columns.part_of(row))
        if column == Column.SIZE:
            return self._size(row) if columns.is_file[row] else ""
        if column in (Column.RATE, Column.LEFT):
            total = columns.total[row]
            to_come = float(total - columns.done[row]) if total == total else None
            return self._rate((FILE_LEVEL, row), to_come, column)
        return columns.notes.get(row, "")

    def _size(self, row: int) -> str:
        size, columns = self._columns.size_bytes(row), self._columns
        rounded = size is not None and not columns.exact[row] and WORDS[columns.words[row]] != "done"
        return f"≈ {format_bytes(size)}" if rounded else format_bytes(size)

    def _of_group(self, level: int, number: int, column: int) -> str:
        sums = self._sums(level, number)
        if column == Column.NAME:
            return self._columns.mission_label(number) if level == 0 else self._columns.observations[number][1]
        if column == Column.STATE:
            return loudest(sums)
        if column == Column.PROGRESS:
            return percent(part_done(sums))
        if column == Column.SIZE:
            rounded = "≈ " if sums[Sum.ROUNDED] or sums[Sum.UNKNOWN] else ""
            return f"{rounded}{format_bytes(sums[Sum.BYTES])}" if sums[Sum.FILES] else ""
        if column in (Column.RATE, Column.LEFT):
            return self._rate((level, number), None if sums[Sum.UNKNOWN] else float(sums[Sum.TO_COME]), column)
        return files_text(sums)

    def _rate(self, key: tuple[int, int], to_come: float | None, column: int) -> str:
        """« 1.2 MB/s » or how long that will take; empty while nobody knows."""
        rate = self.rates.get(key)
        if rate is None:
            return ""
        if column == Column.RATE:
            return f"{format_bytes(rate)}/s"
        return duration_text(to_come / rate) if rate > 0 and to_come is not None and to_come > 0 else ""

    def tip(self, level: int, number: int) -> str:
        """All of it in a sentence."""
        if level < FILE_LEVEL:
            sums = self._sums(level, number)
            name = self.text(level, number, Column.NAME)
            states = [f"{count_text(int(sums[code]))} {word}" for code, word in enumerate(WORDS) if sums[code]]
            about = f"{name}: {files_text(sums) or counted(n_jobs(sums), 'list', 'lists')}; {', '.join(states)}"
        else:
            note = self._columns.notes.get(number, "")
            about = f"{self._columns.names[number]}: {WORDS[self._columns.words[number]]}. {note}".strip()
        rate, left = (self.text(level, number, column) for column in (Column.RATE, Column.LEFT))
        return f"{about} · {rate}{f', {left} left' if left else ''}" if rate else about


def files_text(sums: Sums) -> str:
    """« 3 of 12 files »; empty where none is known."""
    return (
        f"{count_text(int(sums[Sum.FILES_DONE]))} of {counted(int(sums[Sum.FILES]), 'file', 'files')}" if sums[Sum.FILES] else ""
    )
