"""What succeeded and what failed in the open archive: one row for each step of each unit, with its reason; logs and retries;
and what is not fetched at all, and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QLabel, QStackedWidget, QWidget

from daxa_gui.core.archive_queries import ProcessResult
from daxa_gui.core.download_plan import LeftOut
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import STATE_WORDS
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.archive_panel import ArchivePanel
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.words_line import WordsLine
from daxa_gui.session import Session

LEFT_OUT = "Left out"
# DAXA's names for what is taken over from a mission's archive.
_TAKEN_OVER = {
    "preprocessed_events": "Event list taken over", "preprocessed_images": "Image taken over",
    "preprocessed_expmaps": "Exposure map taken over", "preprocessed_backmaps": "Background map taken over",
    "daxa_final": "Verdict of DAXA",
}  # fmt: skip


def result_word(result: ProcessResult) -> str:
    """One word of STATE_WORDS: a success with warnings is « warned », one from which nothing can follow « excluded »."""
    if result.success and result.reason:
        return "excluded"
    if result.success and result.warnings:
        return "warned"
    return next((word for state, word in STATE_WORDS.items() if state == result.state), result.state)


def result_reason(result: ProcessResult) -> str:
    return "; ".join(result.errors) or result.reason or "; ".join(result.warnings)


def left_out_reason(one: LeftOut) -> str:
    return f"{one.reason} With a login it can be fetched (Edit › Credentials)." if one.proprietary else one.reason


SHOWN: dict[str, Callable[[ProcessResult], bool] | None] = {
    "Everything": None,
    "Failed": lambda result: result.failed,
    "Skipped": lambda result: result.skipped,
    "With warnings": lambda result: bool(result.warnings),
    "Excluded": lambda result: result_word(result) == "excluded",
    "Not ended yet": lambda result: result.success is None,
}


class Digest(NamedTuple):
    """Of the results that are there, and of those that are shown."""

    n: int
    n_failed: int
    n_shown: int
    failed_shown: list[int]  # jobs that could be run again


def digest_of(results: Sequence[ProcessResult], rows: Sequence[int]) -> Digest:
    failed = [r.job_id for r in (results[row] for row in rows) if r.failed and r.job_id is not None]
    return Digest(len(results), sum(r.failed for r in results), len(rows), failed)


class ResultsPanel(ArchivePanel):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("results", session, context, bridge, parent, seldom=True)
        self._n_left_out = 0
        self._labels = session.mission_labels()
        self._steps = {**{step.name: step.label for step in session.steps()}, **_TAKEN_OVER}
        self._build_tables()
        self._build()
        self.search.settled.connect(self._show_only)
        self.shown.currentIndexChanged.connect(lambda _index: self._show_only())
        self.table.chosen_changed.connect(self._update)
        self.table.doubleClicked.connect(lambda _index: self.show_log())
        bridge.jobs_changed.connect(lambda _jobs: self._note())
        bridge.archive_content_changed.connect(self._note)
        self._update()

    def _build_tables(self) -> None:
        def mission(one: Any) -> str:
            return self._labels.get(one.mission, one.mission)

        self.table = RecordTable(
            "resultsTable",
            "Results of the steps",
            (
                RecordColumn("State", result_word, state=result_word),
                RecordColumn("Mission", mission),
                RecordColumn("ObsID", lambda r: r.obs_id),
                RecordColumn("Unit", lambda r: r.unit),
                RecordColumn("Step", lambda r: self._steps.get(r.step, r.step)),
                RecordColumn("Why", result_reason),
            ),
            self._context,
            self,
            digest=digest_of,
        )
        self.left_out = RecordTable(
            "leftOutTable",
            "What is not fetched, and why",
            (
                RecordColumn("Mission", mission),
                RecordColumn("ObsID", lambda one: one.obs_id),
                RecordColumn("File", lambda one: one.unit or "the whole observation"),
                RecordColumn("Why", left_out_reason),
            ),
            self._context,
            self,
            digest=lambda records, rows: (len(records), len(rows)),
        )
        self.left_out.arranged.connect(self._update)

    def _build(self) -> None:
        self.shown = QComboBox(self)
        self.shown.setObjectName("resultsShown")
        self.shown.setAccessibleName("Which results are shown")
        self.shown.setToolTip("Show all results, only those that need attention, or what is not fetched at all")
        self.shown.addItems([*SHOWN, LEFT_OUT])
        tip = "Show only results that hold these words"
        self.search = WordsLine("resultsSearch", "Find in the results", "Find an ObsID, step or reason", tip, self)
        self.count = QLabel(self)
        self.count.setObjectName("resultsCount")
        as_muted(self.count)
        tip = "Open the log of the chosen step in the Queue workspace (double-click does the same)"
        self.log_button = self._button("resultsLog", "Show l&og", tip, self.show_log)
        tip = "Run the chosen steps again, and what needs them; without a choice all failed ones shown"
        self.retry_button = self._button("resultsRetry", "Run a&gain", tip, self.retry)
        self.tables = QStackedWidget(self)
        self.tables.addWidget(self.table)
        self.tables.addWidget(self.left_out)
        top = self._row(self.shown, self.search, self.count, self.log_button, self.retry_button, wide=(self.search,))
        self._stack_up(top, self.read_only, self.tables)

    # what is shown

    def _clear(self, _path: str) -> None:
        self._n_left_out = 0
        self.table.set_records([])
        self.left_out.set_records([])

    def _question(self) -> Callable[[], tuple[list[ProcessResult], list[LeftOut]]]:
        session = self._session
        return lambda: (session.process_results(), session.left_out())

    def _show(self, found: tuple[list[ProcessResult], list[LeftOut]]) -> None:
        results, left_out = found
        self._n_left_out = len(left_out)
        self.left_out.set_records(left_out)
        self.table.set_records(results)

    def _show_only(self) -> None:
        kind = self.shown.currentText()
        self.tables.setCurrentWidget(self.left_out if kind == LEFT_OUT else self.table)
        if kind == LEFT_OUT:
            self.left_out.show_only(self.search.text())
        else:
            self.table.show_only(self.search.text(), SHOWN[kind])
        self._update()

    @property
    def _shows_left_out(self) -> bool:
        return self.tables.currentWidget() is self.left_out

    def _update(self) -> None:
        """The line of counts and what the buttons can do."""
        archive = self._session.archive
        found: Digest = self.table.digest or Digest(0, 0, 0, [])
        self.count.setText(self._counts(found))
        self.read_only.show_reason(archive)
        self.left_out.say_if_empty("No archive is open." if archive is None else self._none_left_out())
        if archive is None:
            self.table.say_if_empty("No archive is open.")
        else:
            self.table.say_if_empty("No result is like that." if found.n else "No step has run yet.")
        chosen = self.table.chosen() if self.table.n_chosen() == 1 else []
        can_change = self._can_change and not self._shows_left_out
        self.log_button.setEnabled(not self._shows_left_out and len(chosen) == 1 and bool(chosen[0].log_path))
        if self.table.n_chosen() == 1:
            can_change = can_change and _can_run_again(chosen[0])
        elif self.table.n_chosen() == 0:
            can_change = can_change and bool(found.failed_shown)
        self.retry_button.setEnabled(can_change)

    def _none_left_out(self) -> str:
        return "Nothing that is left out holds these words." if self._n_left_out else "Nothing is left out."

    def _counts(self, found: Digest) -> str:
        if self._session.archive is None:
            return "No archive is open."
        if self._shows_left_out:
            return f"{counted(self._n_left_out, 'thing is', 'things are')} not fetched" if self._n_left_out else ""
        if not found.n:
            return "No step has run yet."
        shown = f"{count_text(found.n_shown)} of " if found.n_shown != found.n else ""
        return f"{shown}{counted(found.n, 'step', 'steps')}, {count_text(found.n_failed)} failed"

    # what can be done

    def _to_retry(self) -> list[int]:
        if self.table.n_chosen():
            return [r.job_id for r in self.table.chosen() if _can_run_again(r)]
        found: Digest | None = self.table.digest
        return found.failed_shown if found is not None else []

    def retry(self) -> None:
        ids = self._to_retry()
        if ids:
            self._context.background.act(self, "Run again", lambda: self._session.retry(ids))

    def show_log(self) -> None:
        chosen = self.table.chosen() if self.table.n_chosen() == 1 else []
        if chosen and chosen[0].log_path and chosen[0].job_id is not None:
            self._context.set_job(chosen[0].job_id)
            self._context.panel_requested.emit("job_log")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.table.hasFocus():
            self.show_log()
            return
        super().keyPressEvent(event)


def _can_run_again(result: ProcessResult) -> bool:
    """Whether it is over, and was a job of this archive."""
    return result.job_id is not None and result.success is not None
