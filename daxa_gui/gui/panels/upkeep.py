"""Keeping an archive: raw data and how much they take, the trash, checking and repairing, files for the DAXA package."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPushButton,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.archive_queries import Finding, RawDataUse, TrashEntry, VerifyReport
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.long_work import LongWork
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.version_views import moment_text
from daxa_gui.session import Session

_SEVERITY_STATE = {"error": "failed", "warning": "warned", "information": "done"}


def finding_word(finding: Finding) -> str:
    return "repaired" if finding.repaired else finding.severity


def use_sentence(use: RawDataUse) -> str:
    """« 12.3 GB in 1 234 files of 54 observations; the archives « a » and « b » use them too. »"""
    if not use.observations:
        return "There are no raw data of this archive's observations."
    text = f"{format_bytes(use.size_bytes)} in {counted(use.n_files, 'file', 'files')} of"
    text += f" {counted(len(use.observations), 'observation', 'observations')}"
    if use.other_archives:
        names = ", ".join(f"« {name} »" for name in use.other_archives)
        text += f"; also used by {names}"
    return f"{text}."


class UpkeepPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._outdated = True
        self._use: RawDataUse | None = None
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("upkeepTabs")
        self.tabs.setAccessibleName("Raw data and trash, or checking")
        self.tabs.addTab(self._space_page(), "Raw data and &trash")
        self.tabs.addTab(self._check_page(), "C&heck and repair")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addWidget(self.tabs)
        bridge.archive_changed.connect(lambda _path: self._on_archive_changed())
        bridge.products_added.connect(lambda _products: setattr(self, "_outdated", True))
        bridge.archive_content_changed.connect(self._read)
        self._update()

    def sizeHint(self) -> QSize:
        return QSize(700, 260)

    # made once

    def _space_page(self) -> QWidget:
        page = QWidget(self)
        self.use_label = QLabel(page)
        self.use_label.setObjectName("rawDataUse")
        self.use_label.setWordWrap(True)
        self.delete_button = self._button("deleteRawData", "De&lete raw data…", "Move the downloaded files to the trash")
        self.delete_button.clicked.connect(self.ask_delete)
        raw = QGroupBox("Raw data", page)
        raw_row = QHBoxLayout(raw)
        raw_row.addWidget(self.use_label, 1)
        raw_row.addWidget(self.delete_button)
        self.trash = RecordTable(
            "trashTable",
            "Trash",
            (
                RecordColumn("Deleted (UTC)", lambda e: moment_text(e.deleted), key=lambda e: e.deleted),
                RecordColumn("Files", lambda e: count_text(e.n_files), key=lambda e: e.n_files, number=True),
                RecordColumn("Size", lambda e: format_bytes(e.size_bytes), key=lambda e: e.size_bytes, number=True),
                RecordColumn("What", lambda e: e.what),
            ),
            self._context,
            page,
        )
        self.trash.chosen_changed.connect(self._update)
        self.trash_label = muted_label(parent=page)
        self.trash_label.setObjectName("trashState")
        self.restore_button = self._button("restoreTrash", "Put b&ack", "Put the chosen files back where they were")
        self.restore_button.clicked.connect(self.restore)
        self.empty_button = self._button("emptyTrash", "&Empty trash…", "Delete what is in the trash for good")
        self.empty_button.clicked.connect(self.ask_empty)
        tools = QHBoxLayout()
        tools.addWidget(self.trash_label, 1)
        tools.addWidget(self.restore_button)
        tools.addWidget(self.empty_button)
        layout = QVBoxLayout(page)
        layout.addWidget(raw)
        layout.addWidget(self.trash, 1)
        layout.addLayout(tools)
        return page

    def _check_page(self) -> QWidget:
        page = QWidget(self)
        self.check_button = self._button(
            "verifyArchive", "Chec&k", "Compare every file with its checksum and the database with the disk; changes nothing"
        )
        self.check_button.clicked.connect(lambda _checked=False: self.verify(repair=False))
        self.repair_button = self._button(
            "repairArchive",
            "Check and re&pair",
            "The same, and put right what can be: the damaged goes to the trash, the missing is made again",
        )
        self.repair_button.clicked.connect(lambda _checked=False: self.verify(repair=True))
        self.daxa_button = self._button(
            "writeDaxa", "&Write files for DAXA", "Write the state files with which the DAXA package opens this archive"
        )
        self.daxa_button.clicked.connect(self.write_daxa)
        self.check_label = QLabel("Nothing was checked yet.", page)
        self.check_label.setObjectName("checkState")
        self.check_label.setWordWrap(True)
        self.work = LongWork("verifyWork", page)
        self.work.finished.connect(self._update)
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
        tools = QHBoxLayout()
        tools.addWidget(self.check_label, 1)
        for button in (self.check_button, self.repair_button, self.daxa_button):
            tools.addWidget(button)
        layout = QVBoxLayout(page)
        layout.addLayout(tools)
        layout.addWidget(self.work)
        layout.addWidget(self.findings, 1)
        return page

    def _button(self, name: str, text: str, tip: str) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        return button

    # what is shown

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._outdated:
            self._read()

    def _on_archive_changed(self) -> None:
        self._use = None
        self.trash.set_records([])
        self.findings.set_records([])
        self.check_label.setText("Nothing was checked yet.")
        self.work.stop()
        self._outdated = True
        self._update()
        if self.isVisible():
            self._read()

    def _read(self) -> None:
        if self._session.archive is None:
            return
        self._outdated = False
        self._context.background.read(
            self, "upkeep", lambda: (self._session.raw_data_use(), self._session.trash()), self._on_read, self._on_error
        )

    def _on_read(self, found: tuple[RawDataUse, list[TrashEntry]]) -> None:
        self._use, entries = found
        self.trash.set_records(entries)
        self._update()

    def _on_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:
            self._context.background.failed.emit(error)
        self._update()

    def _update(self) -> None:
        archive = self._session.archive
        use, entries = self._use, list(self.trash.records_model.records)
        can_change = archive is not None and not archive.read_only and not self.work.is_running
        if archive is None:
            self.use_label.setText("No archive is open.")
        elif use is None:
            self.use_label.setText("Counting …")
        else:
            self.use_label.setText(use_sentence(use))
        size = sum(entry.size_bytes for entry in entries)
        self.trash_label.setText(f"{format_bytes(size)} in the trash." if entries else "The trash is empty.")
        self.delete_button.setEnabled(can_change and use is not None and bool(use.observations))
        self.restore_button.setEnabled(can_change and bool(self.trash.chosen()))
        self.empty_button.setEnabled(can_change and bool(entries))
        self.check_button.setEnabled(archive is not None and not self.work.is_running)
        self.repair_button.setEnabled(can_change)
        self.daxa_button.setEnabled(can_change)

    # what can be done

    def _confirmed(self, title: str, text: str, more: str, button: str) -> bool:
        box = QMessageBox(QMessageBox.Icon.Warning, title, text, parent=self)
        box.setObjectName("upkeepQuestion")
        box.setInformativeText(more)
        go = box.addButton(button, QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        return box.clickedButton() is go

    def ask_delete(self) -> None:
        use = self._use
        if use is None:
            return
        more = "They go to the trash of this archive and can be put back until it is emptied. Products stay."
        if use.other_archives:
            more += f" Other archives use them too: {', '.join(use.other_archives)}. They would have to be fetched again there."
        if self._confirmed("Delete raw data", f"Delete {use_sentence(use)}", more, "Delete raw data"):
            shared = bool(use.other_archives)
            self._act("Delete raw data", lambda: self._session.delete_raw_data(shared=shared))

    def restore(self) -> None:
        ids = [entry.id for entry in self.trash.chosen()]
        self._act("Put back", lambda: [self._session.restore(entry_id) for entry_id in ids])

    def ask_empty(self) -> None:
        entries = self.trash.chosen() or list(self.trash.records_model.records)
        size = format_bytes(sum(entry.size_bytes for entry in entries))
        n_files = counted(sum(entry.n_files for entry in entries), "file", "files")
        if self._confirmed("Empty trash", f"Delete {n_files} ({size}) for good?", "This cannot be undone.", "Delete for good"):
            self._act("Empty trash", lambda: self._session.empty_trash([entry.id for entry in entries]))

    def _act(self, name: str, function: object) -> None:
        self._context.background.act(self, name, function, lambda _result: self._read(), self._on_error)  # type: ignore[arg-type]

    def verify(self, *, repair: bool) -> None:
        archive = self._session.archive
        if archive is None:
            return
        folder = Path(archive.path)
        self.findings.set_records([])
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
        self.findings.set_records(list(report.findings))
        self._outdated = True
        self._read()
        self._update()

    def _on_check_failed(self, error: DaxaError) -> None:
        self.check_label.setText(f"✕ {error}")
        self._update()

    def write_daxa(self) -> None:
        def written(paths: list[Path]) -> None:
            self._session.bus.publish(
                Notice("information", f"{counted(len(paths), 'file', 'files')} for DAXA were written to {paths[0].parent}.")
                if paths
                else Notice("information", "There was nothing to write for DAXA.")
            )

        self._context.background.act(self, "Write files for DAXA", self._session.write_daxa_files, written, self._on_error)

    def keyPressEvent(self, event: object) -> None:
        if getattr(event, "key", lambda: 0)() == Qt.Key.Key_Delete and self.trash.hasFocus() and self.empty_button.isEnabled():
            self.ask_empty()
            return
        super().keyPressEvent(event)  # type: ignore[arg-type]
