"""The versions of the open archive: what changed in each, what it held, how two differ; and bringing the archive up to date."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QPushButton,
    QSplitter,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.archive_queries import ArchiveVersion
from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.texts import count_text
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.gui.widgets.update_archive import UpdateArchiveDialog
from daxa_gui.gui.widgets.version_views import contents_html, difference_html, moment_text, version_html
from daxa_gui.session import Session

_HOW = "Choose a version to see what it changed and held, or two (with Ctrl) to compare them."


class VersionsPanel(QWidget):
    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._labels = session.mission_labels()
        self._outdated = True
        self.table = RecordTable(
            "versionsTable",
            "Versions of the archive",
            (
                RecordColumn("Version", lambda v: v.number, key=lambda v: _number(v.number)),
                RecordColumn("Date (UTC)", lambda v: moment_text(v.created), key=lambda v: v.created),
                RecordColumn("Observations", lambda v: count_text(v.n_observations), key=lambda v: v.n_observations, number=True),
                RecordColumn("Files", lambda v: count_text(v.n_products), key=lambda v: v.n_products, number=True),
                RecordColumn("Changes", lambda v: "; ".join((*v.changes, *([v.note] if v.note else [])))),
            ),
            context,
            self,
        )
        self._build()
        self.table.chosen_changed.connect(self._on_chosen_changed)
        bridge.archive_changed.connect(lambda _path: self._note())
        bridge.products_added.connect(lambda _products: self._note_quietly())
        bridge.jobs_changed.connect(lambda jobs: self._note_quietly() if any(job.is_finished for job in jobs) else None)
        self._update()

    def sizeHint(self) -> QSize:
        return QSize(700, 260)

    def _build(self) -> None:
        self.text = QTextBrowser(self)
        self.text.setObjectName("versionText")
        self.text.setAccessibleName("What the chosen version changed and held")
        self.text.setOpenLinks(False)
        self.text.setTabChangesFocus(True)
        self.update_button = QPushButton("&Update archive…", self)
        self.update_button.setObjectName("updateArchive")
        self.update_button.setToolTip("Search again with this archive's filters, and fetch and reduce what is new")
        self.update_button.clicked.connect(self.ask_update)
        self.note_button = QPushButton("&Note a version…", self)
        self.note_button.setObjectName("noteVersion")
        self.note_button.setToolTip("Keep the present state as a version, with a note of yours")
        self.note_button.clicked.connect(self.ask_note)
        self.refresh_button = QPushButton("&Refresh", self)
        self.refresh_button.setObjectName("refreshVersions")
        self.refresh_button.clicked.connect(self._read)
        self.state = QLabel(self)
        self.state.setObjectName("versionsState")
        as_muted(self.state)
        top = QHBoxLayout()
        top.addWidget(self.state, 1)
        for button in (self.refresh_button, self.note_button, self.update_button):
            top.addWidget(button)
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.addWidget(self.table)
        splitter.addWidget(self.text)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.addLayout(top)
        layout.addWidget(splitter, 1)

    # what is shown

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._outdated:
            self._read()

    def _note(self) -> None:
        self.table.set_records([])
        self._outdated = True
        self._update()
        if self.isVisible():
            self._read()

    def _note_quietly(self) -> None:
        """A version is made when the work has come to rest: it is looked for when the panel is shown next."""
        self._outdated = True

    def _read(self) -> None:
        self._outdated = False
        if self._session.archive is None:
            self._on_read([])
            return
        self._context.background.read(self, "versions", self._session.versions, self._on_read, self._on_error)

    def _on_read(self, versions: list[ArchiveVersion]) -> None:
        self.table.set_records(versions)
        self._update()

    def _on_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:
            self._context.background.failed.emit(error)

    def _update(self) -> None:
        archive = self._session.archive
        n_versions = len(self.table.records_model.rows)
        if archive is None:
            self.state.setText("No archive is open.")
        elif archive.read_only:
            self.state.setText(archive.read_only)
        elif not n_versions:
            self.state.setText(
                "No version yet: the first one is made when its first files are here and the work has come to rest."
            )
        else:
            self.state.setText(_HOW)
        can_change = archive is not None and not archive.read_only
        self.update_button.setEnabled(can_change)
        self.note_button.setEnabled(can_change)
        self.refresh_button.setEnabled(archive is not None)

    def _on_chosen_changed(self) -> None:
        chosen: list[ArchiveVersion] = self.table.chosen()
        if len(chosen) == 1:
            self.text.setHtml(version_html(chosen[0]))
            number = chosen[0].number
            self._ask_text(lambda: contents_html(self._session.version_contents(number), self._labels))
        elif len(chosen) == 2:
            old, new = sorted((version.number for version in chosen), key=_number)
            self._ask_text(lambda: difference_html(self._session.compare_versions(old, new), self._labels))
        else:
            self._context.background.forget(self, "text")
            self.text.clear()

    def _ask_text(self, make: object) -> None:
        self._context.background.read(self, "text", make, self.text.setHtml)  # type: ignore[arg-type]

    # what can be done

    def ask_note(self) -> None:
        note, accepted = QInputDialog.getText(self, "Note a version", "What is worth remembering about the present state?")
        if accepted and note.strip():
            self._context.background.act(
                self, "Note a version", lambda: self._session.note_version(note.strip()), lambda _version: self._read()
            )

    def ask_update(self) -> None:
        dialog = UpdateArchiveDialog(self._session, self._context, self)
        dialog.accepted.connect(self._read)
        dialog.open()


def _number(text: str) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in text.split("."))
