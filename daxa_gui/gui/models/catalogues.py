"""The table of the missions' catalogues, and the list of what a refresh changed: item models and the words in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from daxa_gui.core.certificate import CatalogueDiff, CatalogueStatus
from daxa_gui.core.events import CatalogueProgress
from daxa_gui.gui.models.jobs import FRACTION_ROLE, STATE_ROLE
from daxa_gui.gui.texts import UNKNOWN, count_text, counted, utc_text

Index = QModelIndex | QPersistentModelIndex
_Role = Qt.ItemDataRole
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
OLD_DAYS = 30.0  # archives add observations every week; after a month one wants to look again


@dataclass(frozen=True)
class CatalogueState:
    """`mark` is a word of `widgets.state_painter`, `text` what a cell says, `long` whole sentences."""

    mark: str
    text: str
    long: str


def age_days(status: CatalogueStatus, now_mjd: float) -> float:
    """Days since a catalogue was fetched; NaN where it is not known."""
    fetched = status.certificate.fetched_mjd if status.certificate is not None else math.nan
    return max(0.0, now_mjd - fetched) if math.isfinite(fetched) else math.nan


def age_text(days: float) -> str:
    """« today », « 3 days », « 5 months », « 2 years »."""
    if not math.isfinite(days):
        return UNKNOWN
    if days < 1:
        return "today"
    if days < 60:
        return counted(int(days), "day", "days")
    return counted(int(days / 30.44), "month", "months") if days < 730 else counted(int(days / 365.25), "year", "years")


def size_text(size_bytes: int) -> str:
    if size_bytes <= 0:
        return UNKNOWN
    return f"{size_bytes / 1e6:.1f} MB" if size_bytes >= 1e5 else f"{size_bytes / 1e3:.1f} kB"


def progress_text(progress: CatalogueProgress) -> str:
    """« 50 000 of 353 000 rows (14 %) », or the step's own words while nothing is counted."""
    if progress.total <= 0:
        return progress_words(progress.text)
    part = 100 * min(progress.done / progress.total, 1.0)
    return f"{count_text(progress.done)} of {count_text(progress.total)} rows ({part:.0f} %)"


def progress_words(text: str) -> str:
    """A step in the words of the worker, as a sentence's beginning: « waiting » → « Waiting … »."""
    words = text.strip().rstrip(".…").strip() or "asking the archive"
    return f"{words[:1].upper()}{words[1:]} …"


def state_of(status: CatalogueStatus, progress: CatalogueProgress | None, offline: bool, now_mjd: float) -> CatalogueState:
    """What a person needs to know of a catalogue first."""
    if progress is not None:
        text = progress_text(progress)
        return CatalogueState("running", text, f"The catalogue is being read: {text}")
    if status.refreshing:
        return CatalogueState("running", "Waiting for its turn …", "The catalogue will be read as soon as others are done.")
    kept = " The last good copy stays in use." if status.rows else ""
    if status.problem:
        problem = status.problem.rstrip(".")
        return CatalogueState("failed", f"Update failed: {problem}", f"The last update was refused or failed: {problem}.{kept}")
    if status.origin == "none":
        what = "Switch « Work offline » off or import a file." if offline else "« Update » asks the archive for it."
        return CatalogueState("waiting", "No catalogue yet", f"There is no catalogue of this mission here. {what}")
    if status.origin == "built in":
        return CatalogueState("done", "Part of the program", "This table comes with the program; its observations are final.")
    days = age_days(status, now_mjd)
    if not math.isfinite(days):
        return CatalogueState("warned", "Without a certificate", "The file did not say when or from where its rows were fetched.")
    if days > OLD_DAYS and status.refreshable:
        return CatalogueState("warned", "May be out of date", f"It was read {age_text(days)} ago; « Update » looks for new rows.")
    return CatalogueState("done", "Up to date", f"Complete, and read {'today' if days < 1 else f'{age_text(days)} ago'}.")


HEADINGS: tuple[tuple[str, str, bool], ...] = (
    ("Mission", "Whose observations these are", False),
    ("Rows", "Observations in the catalogue that is in use", True),
    ("Unusable", "Rows marked as unfit for science; they stay in the table with the reason", True),
    ("Not public", "Observations whose data are still proprietary, or restricted without a known date", True),
    ("Origin", "Fetched from the archive, imported from a file, or built into the program", False),
    ("Age", "How long ago the rows were fetched", True),
    ("State", "Whether it is up to date, is being read, or was refused, and why", False),
)
STATE_COLUMN = len(HEADINGS) - 1


class CataloguesModel(QAbstractTableModel):
    """One row a mission, in the order of the missions. `now_mjd` is when the ages were counted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.statuses: tuple[CatalogueStatus, ...] = ()
        self.states: list[CatalogueState] = []
        self._fractions: list[float | None] = []
        self._now_mjd = math.nan

    def show(
        self, statuses: Sequence[CatalogueStatus], progress: dict[str, CatalogueProgress], offline: bool, now_mjd: float
    ) -> None:  # fmt: skip
        """Other contents; the rows stay where they are as long as the missions are the same."""
        same = [s.mission for s in statuses] == [s.mission for s in self.statuses]
        if not same:
            self.beginResetModel()
        self._now_mjd = now_mjd
        self.statuses = tuple(statuses)
        self.states = [state_of(s, progress.get(s.mission), offline, now_mjd) for s in self.statuses]
        running = [progress.get(s.mission) for s in self.statuses]
        self._fractions = [min(p.done / p.total, 1.0) if p is not None and p.total > 0 else None for p in running]
        if not same:
            self.endResetModel()
        elif self.statuses:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.statuses) - 1, STATE_COLUMN))

    def row_of(self, mission: str) -> int:
        return next((row for row, status in enumerate(self.statuses) if status.mission == mission), -1)

    def _text(self, row: int, column: int) -> str:
        status = self.statuses[row]
        none = status.origin == "none"
        numbers = {1: status.rows, 2: status.unusable, 3: status.proprietary}
        if column in numbers:
            return UNKNOWN if none else count_text(numbers[column])
        others = {
            0: status.label.removesuffix(" Pointed"),
            4: UNKNOWN if none else status.origin,
            5: age_text(age_days(status, self._now_mjd)),
            STATE_COLUMN: self.states[row].text,
        }
        return others[column]

    def _tip(self, row: int, column: int) -> str:
        status = self.statuses[row]
        if column == STATE_COLUMN:
            return self.states[row].long
        if column == 5 and status.certificate is not None:
            return f"Read {utc_text(status.certificate.fetched_mjd)} UTC"
        if column in (0, 4):
            return f"{status.label}: {status.provenance}"
        return self._text(row, column)

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.statuses)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(HEADINGS)

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role == _Role.DisplayRole:
            return self._text(row, column)
        if role == _Role.ToolTipRole:
            return self._tip(row, column)
        if role == _Role.TextAlignmentRole:
            return RIGHT if HEADINGS[column][2] else LEFT
        if role == STATE_ROLE and column == STATE_COLUMN:
            return self.states[row].mark
        if role == FRACTION_ROLE and column == STATE_COLUMN:
            return self._fractions[row]
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical or not 0 <= section < len(HEADINGS):
            return None
        heading, tip, number = HEADINGS[section]
        return {_Role.DisplayRole: heading, _Role.ToolTipRole: tip, _Role.TextAlignmentRole: RIGHT if number else LEFT}.get(
            _Role(role)
        )


# ---- what a refresh changed

CHANGES: tuple[tuple[str, str], ...] = (
    ("new", "New"),
    ("changed", "Changed"),
    ("vanished", "Vanished"),
    ("now_public", "Now public"),
)


class ChangesModel(QAbstractTableModel):
    """ObsIDs with what became of them; as many rows as there are changes, all arrays made at once."""

    def __init__(self, diff: CatalogueDiff, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.diff = diff
        lists = {"new": diff.new, "changed": tuple(diff.changed), "vanished": diff.vanished, "now_public": diff.now_public}
        self._kinds = np.repeat(np.arange(len(CHANGES)), [len(lists[kind]) for kind, _ in CHANGES])
        self._obs_ids = [obs_id for kind, _ in CHANGES for obs_id in lists[kind]]
        self.counts = {kind: len(lists[kind]) for kind, _ in CHANGES}
        self.rows: NDArray[np.int64] = np.arange(len(self._obs_ids))

    def show(self, kind: str) -> None:
        """Only one kind of change; all if `kind` is empty."""
        self.beginResetModel()
        names = [name for name, _ in CHANGES]
        self.rows = np.flatnonzero(self._kinds == names.index(kind)) if kind else np.arange(len(self._obs_ids))
        self.endResetModel()

    def obs_id(self, place: int) -> str:
        return self._obs_ids[int(self.rows[place])]

    def kind(self, place: int) -> str:
        return CHANGES[int(self._kinds[int(self.rows[place])])][0]

    def shown_obs_ids(self) -> tuple[str, ...]:
        """Each ObsID once, without those that vanished: they cannot be looked at any more."""
        vanished = [name for name, _ in CHANGES].index("vanished")
        kept = self.rows[self._kinds[self.rows] != vanished]
        return tuple(dict.fromkeys(self._obs_ids[row] for row in kept.tolist()))

    def _text(self, place: int, column: int) -> str:
        if column == 0:
            return dict(CHANGES)[self.kind(place)]
        if column == 1:
            return self.obs_id(place)
        return ", ".join(self.diff.changed.get(self.obs_id(place), ())) if self.kind(place) == "changed" else ""

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else 3

    def data(self, index: Index, role: int = _Role.DisplayRole) -> Any:
        if index.isValid() and role in (_Role.DisplayRole, _Role.ToolTipRole):
            return self._text(index.row(), index.column())
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Vertical or not 0 <= section < 3:
            return None
        if role == _Role.DisplayRole:
            return ("Change", "ObsID", "Columns that differ")[section]
        return LEFT if role == _Role.TextAlignmentRole else None
