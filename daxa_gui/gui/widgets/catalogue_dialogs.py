"""Dialogs of the catalogues: the certificate in plain words, what a refresh changed, and which mission a file belongs to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.certificate import CatalogueDiff, CatalogueStatus, Certificate
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.filters import ObsIds
from daxa_gui.gui.catalogue_desk import CatalogueDesk
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.catalogues import CHANGES, ChangesModel
from daxa_gui.gui.texts import UNKNOWN, count_text, utc_text
from daxa_gui.gui.theme import as_heading
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem

_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


def certificate_facts(certificate: Certificate) -> list[tuple[str, str]]:
    """All of a certificate, in words: names and values."""
    columns = ", ".join(f"{name} ({unit})" if unit else name for name, unit in certificate.columns)
    return [
        ("Service", certificate.service or UNKNOWN),
        ("Table", certificate.table or UNKNOWN),
        ("Read (UTC)", utc_text(certificate.fetched_mjd)),
        ("Rows counted by the service", count_text(certificate.rows_expected)),
        ("Rows received", count_text(certificate.rows_received)),
        ("Checksum (SHA-256)", certificate.checksum or UNKNOWN),
        (f"Columns ({len(certificate.columns)})", columns or UNKNOWN),
        ("First query", certificate.query or UNKNOWN),
        *(("Note", note) for note in certificate.notes),
    ]


def certificate_verdict(certificate: Certificate) -> str:
    expected, received = count_text(certificate.rows_expected), count_text(certificate.rows_received)
    if certificate.complete:
        return f"✓ Complete: the service counted {expected} rows before and after reading, and all were received."
    return f"✕ Incomplete: the service counted {expected} rows, and {received} were received."


class CertificateDialog(QDialog):
    """Where the rows of a catalogue come from, and that they are all there. Everything can be selected and copied."""

    def __init__(self, status: CatalogueStatus, certificate: Certificate, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("certificateDialog")
        self.setWindowTitle(f"Certificate of the catalogue of {status.label}")
        self.resize(640, 420)
        facts = certificate_facts(certificate)
        verdict = QLabel(certificate_verdict(certificate), self)
        verdict.setObjectName("certificateVerdict")
        verdict.setWordWrap(True)
        as_heading(verdict)
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        grid.setHorizontalSpacing(14)
        for line, (name, value) in enumerate(facts):
            grid.addWidget(muted_label(name, self), line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(self._value(name, value), line, 1)
            grid.setRowStretch(line, 1 if len(value) > 90 else 0)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("certificateClose")
        close.setDefault(True)
        close.setToolTip("Close this window (Escape)")
        buttons.rejected.connect(self.reject)
        copy = buttons.addButton("&Copy all", QDialogButtonBox.ButtonRole.ActionRole)
        copy.setObjectName("certificateCopy")
        copy.setToolTip("Copy the whole certificate as text")
        self.text = "\n".join([status.label, verdict.text(), *(f"{name}: {value}" for name, value in facts)])
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text))
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(verdict)
        layout.addLayout(grid, 1)
        layout.addWidget(buttons)

    def _value(self, name: str, value: str) -> QWidget:
        if len(value) <= 90:
            label = QLabel(value, self)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setTextInteractionFlags(_SELECTABLE)
            label.setWordWrap(" " in value)
            return label
        text = QPlainTextEdit(value, self)
        text.setObjectName("certificateText")
        text.setAccessibleName(name)
        text.setToolTip(f"{name}; can be selected and copied")
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        text.setMinimumHeight(3 * text.fontMetrics().height() + 12)
        return text


class ChangesDialog(QDialog):
    """What the last refresh brought. Stays open beside the window: the current row is the observation that it looks at."""

    def __init__(self, diff: CatalogueDiff, label: str, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("changesDialog")
        self.setWindowTitle(f"What changed in the catalogue of {label}")
        self.resize(560, 460)
        self._context = context
        self._diff = diff
        self.model = ChangesModel(diff, self)
        self.kind = QComboBox(self)
        self.kind.setObjectName("changesKind")
        self.kind.setAccessibleName("Kind of change")
        self.kind.setToolTip("Show only observations that are new, changed, vanished, or became public")
        self.kind.addItem(f"All changes ({count_text(self.model.rowCount())})", "")
        for name, text in CHANGES:
            self.kind.addItem(f"{text} ({count_text(self.model.counts[name])})", name)
        self.table = self._make_table()
        self.select_button = QPushButton("&Select these", self)
        self.select_button.setObjectName("changesSelect")
        self.select_button.setToolTip(
            "Add a filter with the ObsIDs that are listed (those that vanished left out); can be undone"
        )
        self.select_button.setAutoDefault(False)
        self.select_button.clicked.connect(self._on_select_clicked)
        self._build(label)
        self.kind.currentIndexChanged.connect(self._on_kind_changed)
        self.table.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        self._on_kind_changed()

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("changesTable")
        table.setAccessibleName("Changed observations")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 7)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.resizeSection(0, 110)
        header.resizeSection(1, 150)
        return table

    def _build(self, label: str) -> None:
        diff = self._diff
        read = f", read {utc_text(diff.after_mjd)}" if diff.after_mjd == diff.after_mjd else ""
        since = f" and compared with {utc_text(diff.before_mjd)} (UTC)" if diff.before_mjd == diff.before_mjd else ""
        heading = QLabel(f"{label}{read}{since}", self)
        heading.setObjectName("changesHeading")
        heading.setWordWrap(True)
        first = diff.before_mjd != diff.before_mjd
        self.empty = muted_label(
            "There is nothing to compare with: the catalogue was read for the first time, or came from a file."
            if first
            else "Nothing changed: the archive has the same observations as before.",
            self,
        )
        self.empty.setObjectName("changesEmpty")
        self.empty.setVisible(diff.is_empty)
        self.table.setVisible(not diff.is_empty)
        kinds = QHBoxLayout()
        show = QLabel("Sho&w", self)
        show.setBuddy(self.kind)
        kinds.addWidget(show)
        kinds.addWidget(self.kind)
        kinds.addStretch(1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("changesClose")
        close.setToolTip("Close this window (Escape)")
        buttons.rejected.connect(self.reject)
        buttons.addButton(self.select_button, QDialogButtonBox.ButtonRole.ActionRole)
        layout = QVBoxLayout(self)
        layout.addWidget(heading)
        layout.addLayout(kinds)
        layout.addWidget(self.empty)
        layout.addWidget(self.table, 1)
        if diff.is_empty:
            layout.addStretch(1)
        layout.addWidget(buttons)

    def _on_kind_changed(self) -> None:
        self.model.show(str(self.kind.currentData()))
        kind = str(self.kind.currentData())
        here = [name for name, count in self.model.counts.items() if count and name != "vanished" and kind in ("", name)]
        self.select_button.setEnabled(bool(here))

    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and self.model.kind(current.row()) != "vanished":
            self._context.set_observation(self._diff.mission, self.model.obs_id(current.row()))

    def _on_select_clicked(self) -> None:
        obs_ids = self.model.shown_obs_ids()
        if obs_ids:
            self._context.set_stack(self._context.stack.add(ObsIds(obs_ids), (self._diff.mission,)))


class ImportDialog(QDialog):
    """Accepted when a catalogue was imported. What is wrong with the file is said here, and another mission can be tried."""

    def __init__(
        self, path: Path, desk: CatalogueDesk, chosen: str = "", on_imported: Callable[[str], None] | None = None,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("importCatalogueDialog")
        self.setWindowTitle("Import a catalogue")
        self.setMinimumWidth(480)
        self._path, self._desk, self._on_imported = path, desk, on_imported
        self.mission = QComboBox(self)
        self.mission.setObjectName("importMission")
        self.mission.setAccessibleName("Mission")
        self.mission.setToolTip("Files that this program exported name their mission; for others say it here")
        self.mission.addItem("The one that the file names", "")
        for status in desk.statuses:
            self.mission.addItem(status.label, status.mission)
        self.mission.setCurrentIndex(max(0, self.mission.findData(chosen)))
        self.problem = problem_label(self)
        self.problem.setObjectName("importProblem")
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self)
        self.ok = self.buttons.button(QDialogButtonBox.StandardButton.Ok)
        self.ok.setObjectName("importNow")
        self.ok.setText("&Import")
        self.ok.setToolTip("Check the file and use it as this mission's catalogue")
        cancel = self.buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("importCancel")
        cancel.setToolTip("Import nothing (Escape)")
        grid = QGridLayout()
        grid.setColumnStretch(1, 1)
        name = QLabel(path.name, self)
        name.setToolTip(str(path))
        name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(muted_label("File"), 0, 0)
        grid.addWidget(name, 0, 1)
        label = QLabel("&Mission", self)
        label.setBuddy(self.mission)
        grid.addWidget(label, 1, 0)
        grid.addWidget(self.mission, 1, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(grid)
        layout.addWidget(muted_label("It takes the place of the catalogue that is in use, until the next update or import."))
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self.mission.currentIndexChanged.connect(lambda _index: show_problem(self.problem, ""))

    def _on_accepted(self) -> None:
        self._set_busy(True)
        self._desk.import_file(self._path, str(self.mission.currentData()), self._on_done, self._on_failed)

    def _on_done(self, status: CatalogueStatus) -> None:
        if self._on_imported is not None:
            self._on_imported(status.mission)
        self.accept()

    def _on_failed(self, error: DaxaError) -> None:
        self._set_busy(False)
        show_problem(self.problem, str(error))
        self.adjustSize()  # a sentence of several lines would squeeze the entries

    def _set_busy(self, busy: bool) -> None:
        for widget in (self.mission, self.buttons):
            widget.setEnabled(not busy)
        self.ok.setText("Reading …" if busy else "&Import")
