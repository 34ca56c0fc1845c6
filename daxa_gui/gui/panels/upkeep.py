"""Keeping an archive: raw data and how much they take, the trash, checking and repairing, files for the DAXA package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGroupBox, QLabel, QTabWidget, QVBoxLayout, QWidget

from daxa_gui.core.archive_queries import Finding, RawDataUse, TrashEntry, VerifyReport
from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.archive_desk import ArchiveDesk, use_sentence
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.archive_panel import ArchivePanel
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.long_work import LongWork
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.version_views import moment_text
from daxa_gui.session import Session

_NOT_CHECKED = "Nothing was checked yet."
_STOPPED = "The check was stopped."
_SEVERITY_STATE = {"error": "failed", "warning": "warned", "information": "done"}


def finding_word(finding: Finding) -> str:
    return "repaired" if finding.repaired else finding.severity


def with_labels(sentence: str, labels: Mapping[str, str]) -> str:
    """A sentence of the archive, with the missions called as people call them."""
    return re.sub(r"\w+", lambda word: labels.get(word[0], word[0]), sentence)


class UpkeepPanel(ArchivePanel):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__("upkeep", session, context, bridge, parent)
        self._use: RawDataUse | None = None
        self._desk = ArchiveDesk.of(session, context, bridge)
        self._checked = ""  # the folder whose check is shown or under way
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("upkeepTabs")
        self.tabs.setAccessibleName("Raw data and trash, or checking")
        self.tabs.addTab(self._space_page(), "Ra&w data and trash")
        self.tabs.addTab(self._check_page(), "Chec&k and repair")
        self._stack_up(self.read_only, self.tabs)
        bridge.products_added.connect(lambda _products: setattr(self, "_outdated", True))
        bridge.archive_content_changed.connect(self._note)
        self._update()

    # made once

    def _space_page(self) -> QWidget:
        page = QWidget(self)
        self.use_label = QLabel(page)
        self.use_label.setObjectName("rawDataUse")
        self.use_label.setWordWrap(True)
        tip = "Move the downloaded files to the trash; it asks first"
        self.delete_button = self._button("deleteRawData", "&Delete raw data…", tip, self._desk.ask_delete_raw)
        raw = QGroupBox("Raw data", page)
        raw.setLayout(self._row(self.use_label, self.delete_button, wide=(self.use_label,)))
        labels = self._session.mission_labels()
        self.trash = RecordTable(
            "trashTable",
            "Trash",
            (
                RecordColumn("Deleted (UTC)", lambda e: moment_text(e.deleted), key=lambda e: e.deleted),
                RecordColumn("Files", lambda e: count_text(e.n_files), key=lambda e: e.n_files, number=True),
                RecordColumn("Size", lambda e: format_bytes(e.size_bytes), key=lambda e: e.size_bytes, number=True),
                RecordColumn("What", lambda e: with_labels(e.what, labels)),
            ),
            self._context,
            page,
        )
        self.trash.chosen_changed.connect(self._update)
        self.trash_label = muted_label(parent=page)
        self.trash_label.setObjectName("trashState")
        self.restore_button = self._button("restoreTrash", "Put &back", "Put the chosen files back where they were", self.restore)
        self.empty_button = self._button("emptyTrash", "E&mpty trash…", "Delete what is in the trash for good", self.ask_empty)
        tools = self._row(self.trash_label, self.restore_button, self.empty_button, wide=(self.trash_label,))
        layout = QVBoxLayout(page)
        self.trash.say_if_empty("What is deleted comes here first, and can be put back.")
        layout.addWidget(raw)
        layout.addWidget(self.trash, 1)
        layout.addLayout(tools)
        return page

    def _check_page(self) -> QWidget:
        page = QWidget(self)
        tip = "Compare every file with its checksum and the database with the disk; changes nothing"
        self.check_button = self._button("verifyArchive", "&Check", tip, lambda: self.verify(repair=False))
        tip = "The same, and put right what can be: the damaged goes to the trash, the missing is made again"
        self.repair_button = self._button("repairArchive", "Check and &repair", tip, lambda: self.verify(repair=True))
        tip = "Write the state files with which the DAXA package opens this archive"
        self.daxa_button = self._button("writeDaxa", "Write files for DA&XA", tip, self._desk.write_daxa_files)
        self.check_label = QLabel(_NOT_CHECKED, page)
        self.check_label.setObjectName("checkState")
        self.check_label.setWordWrap(True)
        self.work = LongWork("verifyWork", page)
        self.work.stop_button.setToolTip("Stop checking; what was repaired so far stays repaired")
        self.work.stopped.connect(lambda: self.check_label.setText(_STOPPED))
        self.work.finished.connect(self._on_check_ended)
        self.findings = RecordTable(
            "findingsTable",
            "What the check found",
            (
                RecordColumn(
                    "Finding", finding_word, state=lambda f: _SEVERITY_STATE["information" if f.repaired else f.severity]
                ),
                RecordColumn("What", lambda f: f.message),
                RecordColumn("File", lambda f: f.path),
            ),
            self._context,
            page,
        )
        tools = self._row(
            self.check_label, self.check_button, self.repair_button, self.daxa_button, wide=(self.check_label,)
        )  # fmt: skip
        layout = QVBoxLayout(page)
        layout.addLayout(tools)
        layout.addWidget(self.work)
        layout.addWidget(self.findings, 1)
        return page

    # what is shown

    def _clear(self, path: str) -> None:
        """A repair closes its archive and opens it again: what it found stays then, and it goes on meanwhile."""
        self._use = None
        self.trash.set_records([])
        if path != self._checked and not (self.work.is_running and not path):
            self.work.stop()
            self._checked = ""
            self.findings.set_records([])
            self.check_label.setText(_NOT_CHECKED)

    def _question(self) -> Callable[[], tuple[RawDataUse, list[TrashEntry]]]:
        session = self._session
        return lambda: (session.raw_data_use(), session.trash())

    def _show(self, found: tuple[RawDataUse, list[TrashEntry]]) -> None:
        self._use, entries = found
        self.trash.set_records(entries)
        self._update()

    def _update(self) -> None:
        archive = self._session.archive
        use, entries = self._use, list(self.trash.records_model.records)
        can_change = self._can_change and not self.work.is_running
        self.read_only.show_reason(archive)
        if archive is None:
            self.use_label.setText("No archive is open.")
        elif use is None:
            self.use_label.setText("Counting …")
        else:
            self.use_label.setText(use_sentence(use))
        size = sum(entry.size_bytes for entry in entries)
        in_trash = f"{format_bytes(size)} in the trash." if entries else "The trash is empty."
        self.trash_label.setText(in_trash if archive is not None else "")
        self.delete_button.setEnabled(can_change and use is not None and bool(use.observations))
        self.restore_button.setEnabled(can_change and self.trash.n_chosen() > 0)
        self.empty_button.setEnabled(can_change and bool(entries))
        self.check_button.setEnabled(archive is not None and not self.work.is_running)
        self.repair_button.setEnabled(can_change)
        self.daxa_button.setEnabled(can_change)

    # what can be done

    def restore(self) -> None:
        ids = [entry.id for entry in self.trash.chosen()]
        self._act("Put back", lambda: [self._session.restore(entry_id) for entry_id in ids])

    def ask_empty(self) -> None:
        entries = self.trash.chosen() or list(self.trash.records_model.records)
        size = format_bytes(sum(entry.size_bytes for entry in entries))
        n_files = counted(sum(entry.n_files for entry in entries), "file", "files")

        def empty() -> None:
            self._act("Empty trash", lambda: self._session.empty_trash([entry.id for entry in entries]))

        self._desk.ask("Empty trash", f"Delete {n_files} ({size}) for good?", "This cannot be undone.", "Delete for good", empty)

    def _act(self, name: str, function: Callable[[], object]) -> None:
        """Panels hear of the change by its event."""
        self._context.background.act(self, name, function, None, self._on_error)

    def verify(self, *, repair: bool) -> None:
        archive = self._session.archive
        if archive is None:
            return
        folder = Path(archive.path)
        self._checked = archive.path
        self.findings.set_records([])
        self.findings.say_if_empty("")
        self.check_label.setText("Checking …")
        self.work.run(
            lambda progress, cancelled: self._session.verify_archive(
                folder, repair=repair, progress=progress, cancelled=cancelled
            ),
            self._on_verified,
            self._on_check_failed,
        )
        self._update()

    def _on_verified(self, report: VerifyReport) -> None:
        checked = f"{counted(report.n_files, 'file', 'files')} ({format_bytes(report.n_bytes)}) compared with their checksums"
        problems = [finding for finding in report.findings if finding.severity == "error" and not finding.repaired]
        if report.is_whole:
            self.check_label.setText(f"✓ The archive is whole: {checked}.")
        else:
            self.check_label.setText(f"✕ {counted(len(problems), 'problem', 'problems')}: {checked}.")
        self.findings.say_if_empty("" if report.findings else "Nothing was found that is wrong.")
        self.findings.set_records(list(report.findings))

    def _on_check_ended(self) -> None:
        self._note()  # a repair may have put something into the trash
        self._update()

    def _on_check_failed(self, error: DaxaError) -> None:
        self.check_label.setText(f"✕ {error}")

    def show_check(self) -> None:
        """Bring the page of checking to the front."""
        self.tabs.setCurrentIndex(1)
        self.check_button.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete and self.trash.hasFocus() and self.empty_button.isEnabled():
            self.ask_empty()
            return
        super().keyPressEvent(event)
