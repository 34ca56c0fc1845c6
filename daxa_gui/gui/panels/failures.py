"""Why jobs failed: one row for each cause, the most frequent first, with what it means; below it the data that it hit.

The causes are worked out from the archive's database and logs on a pool thread, again when jobs have ended, and only while the
panel is in sight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from daxa_gui.core.failure_groups import FailureGroup
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.log_messages import Severity
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.archive_panel import ArchivePanel
from daxa_gui.gui.widgets.fitted_table import FittedTable
from daxa_gui.gui.widgets.scrolled_label import ScrolledLabel
from daxa_gui.gui.widgets.words_line import WordsLine
from daxa_gui.session import Session

_COUNT_NEEDS = 130  # characters of width; in a narrower panel the buttons and the line to find something need the room
_KINDS: dict[str, tuple[tuple[str, ...], Severity]] = {
    "Failures of the reduction": (("reduce",), Severity.ERROR),
    "Failures of downloads": (("plan", "download"), Severity.ERROR),
    "Warnings of the reduction": (("reduce",), Severity.WARNING),
}


@dataclass(frozen=True)
class Affected:
    """A job that failed for a cause."""

    job_id: int
    mission: str
    obs_id: str
    unit: str

    @property
    def identity(self) -> int:
        return self.job_id


def affected(group: FailureGroup) -> list[Affected]:
    return [Affected(job_id, *unit) for job_id, unit in zip(group.job_ids, group.units, strict=True)]


def as_text(group: FailureGroup) -> str:
    """A cause with all that is known of it, for a mail to somebody who can help."""
    lines = [f"{counted(group.count, 'job', 'jobs')}: {group.cause}", f"Example: {group.example}"]
    lines += [f"{name}: {text}" for name, text in (("Software", group.software), ("Steps", ", ".join(group.steps))) if text]
    lines += [text for text in (group.explanation, group.advice) if text]
    if group.skipped_ids:
        lines.append(f"{counted(len(group.skipped_ids), 'job was', 'jobs were')} skipped because of it.")
    lines += ["\t".join(("Mission", "ObsID", "Unit")), *("\t".join(unit) for unit in group.units)]
    return "\n".join(lines)


def shown_cause(group: FailureGroup) -> str:
    """One of the real messages, with who said it: « noCounts of espfilt: All histo counts are zero! »."""
    whose = " of ".join(part for part in (group.name, group.task) if part)
    if not group.example:
        return group.cause
    return group.example if not whose or whose in group.example else f"{whose}: {group.example}"


def _cause_tip(group: FailureGroup) -> str:
    """One of the real messages, and what is the same in all of them where that is less."""
    shown = shown_cause(group)
    return shown if group.cause == shown or group.count == 1 else f"{shown}\nThe same in all: {group.cause}"


class FailuresPanel(ArchivePanel):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("failures", session, context, bridge, parent, seldom=True)
        self._groups: list[FailureGroup] | None = None  # None: not known yet
        self._shown: FailureGroup | None = None  # whose data stand in the lower table
        self._failed: set[int] = set()
        self._labels = session.mission_labels()
        self._steps = {step.name: step.label for step in session.steps()}
        self._build_tables()
        self._build()
        self.search.settled.connect(self._show_only)
        self.kinds.currentIndexChanged.connect(self._on_kinds_changed)
        self.table.chosen_changed.connect(self._on_chosen_changed)
        self.data.chosen_changed.connect(self._update)
        self.data.doubleClicked.connect(lambda _index: self.show_log())
        self.table.doubleClicked.connect(lambda _index: self.show_log())
        bridge.jobs_changed.connect(self._on_jobs_changed)
        bridge.many_jobs_changed.connect(self._note)
        self._update()

    def sizeHint(self) -> QSize:
        return QSize(700, 240)

    # building

    def _build_tables(self) -> None:
        self.table = FittedTable(
            "failuresTable",
            "Causes of failures, the most frequent first",
            (
                RecordColumn("Jobs", lambda g: count_text(g.count), key=lambda g: g.count, number=True),
                RecordColumn("Skipped", lambda g: count_text(len(g.skipped_ids)), key=lambda g: len(g.skipped_ids), number=True),
                RecordColumn("Cause", shown_cause, tip=_cause_tip),
                RecordColumn("Software", lambda g: g.software or "–"),
                RecordColumn("Step", lambda g: ", ".join(self._steps.get(step, step) or "–" for step in g.steps)),
                RecordColumn("What it means", lambda g: " ".join(filter(None, (g.explanation, g.advice))) or "–"),
            ),
            self._context,
            self,
            wide=(2, 5),
            droppable=(5, 3, 1, 4),  # the lines beside the table tell them of the chosen cause
            least=36,
            lines=2,
        )
        self.data = FittedTable(
            "failuresData",
            "What the chosen cause hit",
            (
                RecordColumn("Job", lambda one: str(one.job_id), key=lambda one: one.job_id, number=True),
                RecordColumn("ObsID", lambda one: one.obs_id),
                RecordColumn("Unit", lambda one: one.unit or "the whole observation"),
                RecordColumn("Mission", lambda one: self._labels.get(one.mission, one.mission)),
            ),
            self._context,
            self,
            wide=(3,),
            droppable=(0, 3),
            least=12,
        )

    def _build(self) -> None:
        self.kinds = QComboBox(self)
        self.kinds.setObjectName("failuresKinds")
        self.kinds.setAccessibleName("What is shown")
        self.kinds.setToolTip("Whose failures are shown, or what jobs that succeeded warned of")
        self.kinds.addItems(list(_KINDS))
        tip = "Show only causes that hold these words"
        self.search = WordsLine("failuresSearch", "Find in the causes", "Find a cause, software or step", tip, self)
        self.search.setMinimumWidth(12 * self.search.fontMetrics().averageCharWidth())
        self.count = self._state_line("failuresCount")
        tip = "Open the log of the chosen job, or of the first one (double-click does the same)"
        self.log_button = self._button("failuresLog", "Show lo&g", tip, self.show_log)
        tip = "Copy the chosen causes with what they mean and the observations that they hit"
        self.copy_button = self._button("failuresCopy", "&Copy", tip, self.copy)
        tip = "Run the jobs of the chosen causes again, or only those chosen below, with what waits for them (Ctrl+R)"
        self.retry_button = self._button("failuresRetry", "Retry these", tip, self.retry)
        again = QShortcut(QKeySequence("Ctrl+R"), self)  # every letter of its text belongs to another button of the workspace
        again.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        again.activated.connect(self.retry_button.click)
        self.meaning_area = ScrolledLabel("failuresMeaning", "What the chosen cause means", self)
        self.meaning = self.meaning_area.label
        lower = QWidget(self)
        below = QVBoxLayout(lower)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(4)
        below.addWidget(self.meaning_area, 2)
        below.addWidget(self.data, 1)
        self.splitter = self._split(self.table, lower)
        self.splitter.setObjectName("failuresSplitter")
        wide = (self.search, self.count)
        top = self._row(self.kinds, *wide, self.log_button, self.copy_button, self.retry_button, wide=wide)
        top.setSpacing(6)
        self._stack_up(top, self.read_only, self.splitter)

    # what is shown

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Side by side where the panel is low, as it is at the bottom of a window."""
        super().resizeEvent(event)
        self.count.setVisible(self.width() > _COUNT_NEEDS * self.fontMetrics().averageCharWidth())
        low = self.width() > 2.5 * self.height()
        self.splitter.setOrientation(Qt.Orientation.Horizontal if low else Qt.Orientation.Vertical)

    def _clear(self, _path: str = "") -> None:
        self._failed.clear()
        self._groups = None
        self.table.set_records([])
        self.data.set_records([])

    def _on_kinds_changed(self) -> None:
        self._forget()
        self._clear()
        self._read()

    @property
    def _asked(self) -> tuple[tuple[str, ...], Severity]:
        return _KINDS[self.kinds.currentText()]

    def _on_jobs_changed(self, jobs: list[Job]) -> None:
        """Only jobs that failed, were skipped, or no longer are matter; a thousand that succeed cost nothing."""
        warnings = self._asked[1] is Severity.WARNING
        for job in jobs:
            counts = bool(job.warnings) if warnings else job.state in (JobState.FAILED, JobState.SKIPPED)
            if counts != (job.id in self._failed):
                self._failed.symmetric_difference_update((job.id,))
                self._note()

    def _question(self) -> Callable[[], list[FailureGroup]]:
        (kinds, severity), session, background = self._asked, self._session, self._context.background
        return lambda: session.failure_groups(kinds, cancelled=lambda: background.is_closing, severity=severity)

    def _show(self, groups: list[FailureGroup]) -> None:
        self._failed.update(job_id for group in groups for job_id in (*group.job_ids, *group.skipped_ids))
        first = self._groups is None
        self._groups = groups
        self.table.set_records(groups)
        if first and groups and not self.table.n_chosen():
            self.table.selectRow(0)  # so that what it means and whom it hit is seen without a click
        self._on_chosen_changed()

    def _show_only(self) -> None:
        self.table.show_only(self.search.text())
        self._update()

    def _on_chosen_changed(self) -> None:
        chosen = self.table.chosen() if self.table.n_chosen() == 1 else []
        self._shown = chosen[0] if chosen else None
        self.data.set_records(affected(self._shown) if self._shown is not None else [])
        self._update()

    def _update(self) -> None:
        """The line of counts, the sentences of empty tables, and what the buttons can do."""
        archive, groups = self._session.archive, self._groups
        self.read_only.show_reason(archive)
        self.count.setText(self._counts())
        self.count.setToolTip(self.count.text())
        self.table.say_if_empty(self._why_empty())
        if groups:
            self.data.say_if_empty("Choose one cause to see what it hit.")
        else:
            self.data.say_if_empty("")
        group = self._shown
        self.meaning_area.setVisible(group is not None)
        if group is not None:
            lines = (group.example, group.explanation, group.advice, self._hit(group))
            self.meaning_area.set_text("\n".join(filter(None, lines)))
        n = len(self._to_retry())
        self.retry_button.setEnabled(n > 0 and self._can_change)
        self.retry_button.setText(f"Retry these ({count_text(n)})" if n else "Retry these")
        self.copy_button.setEnabled(self.table.n_chosen() > 0)
        self.log_button.setEnabled(self._job_of_log() is not None)

    def _hit(self, group: FailureGroup) -> str:
        """« SAS · MOS events · 8 jobs were skipped because of it. »"""
        steps = ", ".join(self._steps.get(step, step) for step in group.steps if step)
        n = len(group.skipped_ids)
        skipped = f"{counted(n, 'job was', 'jobs were')} skipped because of it." if n else ""
        return " · ".join(filter(None, (group.software, steps, skipped)))

    def _counts(self) -> str:
        if self._session.archive is None or not self._groups:
            return "looking for causes…" if self._reading else ""
        n_jobs = len({job_id for group in self._groups for job_id in group.job_ids})
        did = "warned" if self._asked[1] is Severity.WARNING else "failed"
        return f"{counted(n_jobs, 'job', 'jobs')} {did} for {counted(len(self._groups), 'cause', 'causes')}"

    def _why_empty(self) -> str:
        if self._session.archive is None:
            return "No archive is open."
        if self._groups is None:
            return "Looking for the causes…"
        if self._groups:
            return "No cause holds these words."
        return "No job has warned of anything." if self._asked[1] is Severity.WARNING else "Nothing has failed."

    # what can be done

    def _to_retry(self) -> list[int]:
        if self._shown is not None and self.data.n_chosen():
            return [one.job_id for one in self.data.chosen()]
        return [job_id for group in self.table.chosen() for job_id in group.job_ids]

    def retry(self) -> None:
        """Run the chosen jobs again."""
        ids = self._to_retry()
        if ids:
            self._context.background.act(self, "Retry these", lambda: self._session.retry(ids))

    def _job_of_log(self) -> int | None:
        if self._shown is None:
            return None
        chosen = self.data.chosen() if self.data.n_chosen() == 1 else []
        return chosen[0].job_id if chosen else self._shown.job_ids[0]

    def show_log(self) -> None:
        """Show the log of the chosen job, or of the first that failed for the chosen cause."""
        job_id = self._job_of_log()
        if job_id is not None:
            self._context.set_job(job_id)
            self._context.show_panel("job_log")

    def copy(self) -> None:
        """The chosen causes to the clipboard."""
        QGuiApplication.clipboard().setText("\n\n".join(as_text(group) for group in self.table.chosen()))
