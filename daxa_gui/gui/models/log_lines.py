"""Which lines of a log are shown: all, or those that are grave enough. Lines are read when they are painted, never before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from daxa_gui.core.log_file import LONGEST_SHOWN, Hits, LogFile
from daxa_gui.core.log_messages import Severity

MOST_COPIED = 50_000  # lines
_CONTROLS = dict.fromkeys((*range(32), 127), " ") | {ord("\t"): "\t"}


class LogLines(QObject):
    """Rows of a log: `changed` tells that there are other rows, or more. Counts are those of the last `refresh`."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._log: LogFile | None = None
        self._n_lines = 0
        self._least = Severity.INFO
        self._shown: NDArray[np.int64] | None = None  # None: all lines
        self._severe: NDArray[np.int64] = np.zeros(0, np.int64)
        self._hit_rows: tuple[object, NDArray[np.int64]] | None = None

    # contents

    @property
    def log(self) -> LogFile | None:
        return self._log

    def set_log(self, log: LogFile | None) -> None:
        """Show another log; the one before is closed."""
        if self._log is not None and self._log is not log:
            self._log.close()
        self._log = log
        self.refresh()

    def set_text(self, text: str) -> None:
        self.set_log(LogFile.of_text(text))

    def clear(self) -> None:
        self.set_log(None)

    def refresh(self) -> None:
        """Take over what is known of the log by now."""
        self._n_lines = 0 if self._log is None else self._log.n_lines
        self._severe = np.zeros(0, np.int64) if self._log is None else self._log.severe_lines()
        self._show()

    def set_least_severity(self, least: Severity) -> None:
        """Show lines of this severity and graver ones."""
        if least != self._least:
            self._least = least
            self._show()

    def _show(self) -> None:
        if self._least is Severity.INFO or self._log is None:
            self._shown = None
        else:
            self._shown = self._log.severe_lines(self._least)
        self._hit_rows = None
        self.changed.emit()

    # what is there

    @property
    def n_lines(self) -> int:
        """Lines of the whole log."""
        return self._n_lines

    @property
    def n_rows(self) -> int:
        """Lines that are shown."""
        return self._n_lines if self._shown is None else len(self._shown)

    @property
    def is_looked(self) -> bool:
        """Whether all lines were looked at for warnings and errors."""
        return self._log is None or self._log.n_looked >= self._log.n_lines

    def counts(self) -> tuple[int, int]:
        """Warnings and errors in the whole log."""
        return (0, 0) if self._log is None else self._log.counts()

    def _line_of(self, row: int) -> int:
        return row if self._shown is None else int(self._shown[row])

    def line(self, row: int) -> str:
        """The line in a row; long ones are cut."""
        return self._read(row, LONGEST_SHOWN)

    def shown_text(self, row: int) -> str:
        """The line as it is painted: no tabulators, no control characters."""
        return self.line(row).translate(_CONTROLS).expandtabs(4)

    def _read(self, row: int, most: int | None) -> str:
        line = self._line_of(row)
        # a log that was begun anew may have fewer lines than a moment ago
        return self._log.line(line, most) if self._log is not None and line < self._log.n_lines else ""

    def severity(self, row: int) -> Severity:
        return Severity.INFO if self._log is None else self._log.severity(self._line_of(row))

    def line_number(self, row: int) -> int:
        """The number of the line in the log, counted from 1."""
        return self._line_of(row) + 1

    def text(self, rows: Sequence[int]) -> str:
        """Whole lines, at most `MOST_COPIED` of them."""
        return "\n".join(self._read(row, None) for row in rows[:MOST_COPIED])

    # moving about

    def row_of_line(self, line_number: int) -> int:
        """The row of a line (counted from 1), or of the next shown one; -1 if there is none."""
        row = line_number - 1 if self._shown is None else int(np.searchsorted(self._shown, line_number - 1))
        return row if row < self.n_rows else -1

    def next_severe(self, row: int, step: int) -> int:
        """The row of the next (`step` 1) or previous (-1) warning or error after `row`, going round; -1 if there is none."""
        if self._shown is not None:  # every row is one
            return (row + step) % len(self._shown) if len(self._shown) else -1
        return _around(self._severe, row, step)

    def rows_of(self, hits: Hits) -> NDArray[np.int64]:
        """The rows with a hit of a search."""
        if self._shown is None:
            return hits.lines
        if self._hit_rows is None or self._hit_rows[0] is not hits:
            self._hit_rows = hits, np.flatnonzero(np.isin(self._shown, hits.lines, assume_unique=True))
        return self._hit_rows[1]

    def next_hit(self, hits: Hits, row: int, step: int) -> int:
        """The next or previous row with a hit, going round; -1 if there is none."""
        return _around(self.rows_of(hits), row, step)


def _around(rows: NDArray[np.int64], row: int, step: int) -> int:
    if not len(rows):
        return -1
    if step > 0:
        index = int(np.searchsorted(rows, row, side="right")) % len(rows)
    else:
        index = (int(np.searchsorted(rows, row, side="left")) - 1) % len(rows)
    return int(rows[index])
