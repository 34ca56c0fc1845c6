"""The catalogues of all missions: how many observations, from where, how old, whether whole; updating, importing, exporting."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHeaderView,
    QLabel,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.certificate import CatalogueDiff, CatalogueStatus
from daxa_gui.core.times import MJD_OF_1970, SECONDS_PER_DAY
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.catalogue_desk import CatalogueDesk
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.catalogues import STATE_COLUMN, CataloguesModel, size_text
from daxa_gui.gui.texts import count_text, counted
from daxa_gui.gui.widgets.catalogue_dialogs import CertificateDialog, ChangesDialog, ImportDialog
from daxa_gui.gui.widgets.catalogue_files import ask_open_path, ask_save_path
from daxa_gui.gui.widgets.catalogue_state import CatalogueStateDelegate
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.session import Session


def now_mjd() -> float:
    return MJD_OF_1970 + time.time() / SECONDS_PER_DAY


class CataloguesPanel(QWidget):
    """Buttons act on the chosen rows; what cannot be done now is switched off and says why."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.desk = CatalogueDesk.of(session, context, bridge)
        self._restored = False
        self.setAccessibleName("Catalogues")
        self.model = CataloguesModel(self)
        self.summary = QLabel(self)
        self.summary.setObjectName("cataloguesSummary")
        self.summary.setWordWrap(True)
        self.table = self._make_table()
        self.detail = muted_label(parent=self)
        self.detail.setObjectName("catalogueDetail")
        self.detail.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build()
        self.table.selectionModel().selectionChanged.connect(lambda _new, _old: self._update_buttons())
        self.table.doubleClicked.connect(lambda _index: self.show_certificate())
        self.desk.statuses_changed.connect(self.refresh)
        self.desk.progress_changed.connect(lambda _mission: self.refresh())
        self.desk.offline_changed.connect(self._on_offline_changed)
        context.theme_changed.connect(lambda _theme: self.table.viewport().update())
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(700, 300)

    # made once

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("cataloguesTable")
        table.setAccessibleName("Catalogues of the missions")
        table.setModel(self.model)
        table.setItemDelegateForColumn(STATE_COLUMN, CatalogueStateDelegate(lambda: self._context.theme, table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 7)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setStretchLastSection(True)
        return table

    def _build(self) -> None:
        button = self._button
        self.update_button = button("updateCatalogues", "U&pdate", self.update_chosen)
        self.update_all_button = button("updateAllCatalogues", "Update all", self.update_all)
        self.cancel_button = button("cancelCatalogues", "Ca&ncel", self.cancel_chosen)
        self.import_button = button("importCatalogue", "Import…", self.ask_import)
        self.import_button.setToolTip("Use a catalogue from a file, for example from a machine with a network")
        self.export_button = button("exportCatalogue", "E&xport…", self.ask_export)
        self.certificate_button = button("showCertificate", "Certificate…", self.show_certificate)
        self.changes_button = button("showChanges", "Changes…", self.show_changes)
        self.offline = QCheckBox("Work offline", self)
        self.offline.setObjectName("workOffline")
        self.offline.setToolTip("Ask no archive for anything; catalogues that are here can be searched all the same")
        self.offline.setChecked(self.desk.offline)
        self.offline.toggled.connect(self.desk.set_offline)
        tools = FlowLayout(spacing=5)
        for widget in (
            self.update_button, self.update_all_button, self.cancel_button, self.import_button, self.export_button,
            self.certificate_button, self.changes_button, self.offline,
        ):  # fmt: skip
            tools.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(4)
        layout.addWidget(self.summary)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.detail)
        layout.addLayout(tools)

    def _button(self, name: str, text: str, action: Callable[[], object]) -> QToolButton:
        """Narrow ones: all of them stand in one line of the smallest window."""
        button = QToolButton(self)
        button.setText(text)
        button.setAccessibleName(text.replace("&", "").removesuffix("…"))
        button.setObjectName(name)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()  # ages grow while nobody looks

    # what is shown

    def chosen(self) -> list[str]:
        """Missions of the chosen rows, in their order."""
        rows = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        return [self.model.statuses[row].mission for row in rows]

    def choose(self, mission: str) -> None:
        row = self.model.row_of(mission)
        if row >= 0:
            self.table.selectRow(row)

    def refresh(self) -> None:
        """Show the present states."""
        before = [self._width_matters(status) for status in self.model.statuses]
        self.model.show(self.desk.statuses, self.desk.progress, self.desk.offline, now_mjd())
        if before != [self._width_matters(status) for status in self.model.statuses]:
            self._set_widths()
        self.summary.setText(self._summary())
        self._update_buttons()

    @staticmethod
    def _width_matters(status: CatalogueStatus) -> tuple[str, str, int]:
        return status.mission, status.origin, len(str(status.rows))

    def _set_widths(self) -> None:
        self.table.resizeColumnsToContents()
        header = self.table.horizontalHeader()
        for section in range(STATE_COLUMN):
            header.resizeSection(section, header.sectionSize(section) + 2)

    def _summary(self) -> str:
        statuses = self.desk.statuses
        if not statuses:
            return "The catalogues are being looked at …"
        there = [status for status in statuses if status.origin != "none"]
        missing = [status for status in statuses if status.origin == "none"]
        rows = sum(status.rows for status in there)
        text = f"{counted(rows, 'observation', 'observations')} of {counted(len(there), 'mission', 'missions')} can be searched."
        if self._session.practice:
            text += " The practice sky adds simulated ones."
        if missing and self.desk.offline:
            return f"{text} {self._missing(len(missing))}: switch « Work offline » off and update, or import files."
        if missing:
            return f"{text} {self._missing(len(missing))}: « Update all » asks their archives."
        return text

    @staticmethod
    def _missing(number: int) -> str:
        return f"{counted(number, 'mission has', 'missions have')} no catalogue yet"

    def _update_buttons(self) -> None:
        chosen = [self.desk.status(mission) for mission in self.chosen()]
        statuses = [status for status in chosen if status is not None]
        single = statuses[0] if len(statuses) == 1 else None
        can = [s for s in statuses if s.refreshable and not self.desk.is_running(s.mission)]
        all_can = self.desk.refreshable
        offline = "Switch « Work offline » off first" if self.desk.offline else ""
        no_choice = "" if statuses else "Choose missions in the table first"
        self._set(self.update_button, offline or no_choice or ("" if can else "Built-in tables and running updates need none"),
                  f"Fetch {counted(len(can), 'catalogue', 'catalogues')} anew from the archive")  # fmt: skip
        self._set(self.update_all_button, offline or ("" if all_can else "Nothing can be updated now"),
                  f"Fetch {counted(len(all_can), 'catalogue', 'catalogues')} anew; takes some minutes")  # fmt: skip
        stoppable = self._stoppable()
        self._set(self.cancel_button, "" if stoppable else "No update is running",
                  f"Stop {counted(len(stoppable), 'update', 'updates')}; the catalogues in use stay as they are")  # fmt: skip
        one = "" if single is not None else "Choose one mission in the table first"
        empty = one or ("" if single is not None and single.rows else "There is no catalogue to export")
        self._set(self.export_button, empty, "Write this catalogue to a file that another machine can import")
        has = single is not None and single.certificate is not None
        self._set(self.certificate_button, one or ("" if has else "This table has no certificate"),
                  "Where the rows come from, and that they are all there (double click)")  # fmt: skip
        fetched = single is not None and single.origin in ("fetched", "imported")
        self._set(self.changes_button, one or ("" if fetched else "This catalogue has not been updated yet"),
                  "Which observations the last update added, changed or removed")  # fmt: skip
        self._update_detail()

    @staticmethod
    def _set(button: QToolButton, obstacle: str, tip: str) -> None:
        button.setEnabled(not obstacle)
        button.setToolTip(obstacle or tip)

    def _update_detail(self) -> None:
        rows = [self.model.row_of(mission) for mission in self.chosen()]
        if len(rows) == 1 and rows[0] >= 0:
            status, state = self.model.statuses[rows[0]], self.model.states[rows[0]]
            room = f" {size_text(status.size_bytes)} on disk." if status.size_bytes else ""
            source = f" {status.provenance}" if status.rows else ""
            self.detail.setText(f"{status.label}: {state.long}{source}{room}")
        elif rows:
            statuses = [self.model.statuses[row] for row in rows if row >= 0]
            total = count_text(sum(status.rows for status in statuses))
            self.detail.setText(f"{len(statuses)} missions with {total} observations are chosen.")
        self.detail.setVisible(bool(rows))
        self.summary.setVisible(not rows)  # one of the two: the table needs the room
        QTimer.singleShot(0, self, self._keep_in_sight)  # longer words leave the table less room

    def _keep_in_sight(self) -> None:
        current = self.table.currentIndex()
        if current.isValid() and current.row() in {index.row() for index in self.table.selectionModel().selectedRows()}:
            self.table.scrollTo(current)

    def _stoppable(self) -> list[str]:
        """What « Cancel » would stop: running updates among the chosen, otherwise all that run."""
        running = self.desk.running
        chosen = [mission for mission in self.chosen() if mission in running]
        return chosen or list(running)

    # what can be done

    def update_chosen(self) -> None:
        self.desk.update(
            m for m in self.chosen() if (s := self.desk.status(m)) and s.refreshable and not self.desk.is_running(m)
        )  # fmt: skip

    def update_all(self) -> None:
        self.desk.update_all()

    def cancel_chosen(self) -> None:
        self.desk.cancel(self._stoppable())

    def ask_import(self) -> None:
        path = ask_open_path(self, "Import a catalogue", self._session.table_formats())
        if path is not None:
            dialog = ImportDialog(path, self.desk, on_imported=self.choose, parent=self)
            dialog.open()

    def ask_export(self) -> None:
        chosen = self.chosen()
        if len(chosen) != 1:
            return
        path = ask_save_path(self, "Export this catalogue", chosen[0], self._session.table_formats())
        if path is not None:
            self.desk.export(chosen[0], path)

    def show_certificate(self) -> None:
        chosen = self.chosen()
        status = self.desk.status(chosen[0]) if len(chosen) == 1 else None
        if status is not None and status.certificate is not None:
            CertificateDialog(status, status.certificate, self).open()

    def show_changes(self) -> None:
        """Ask what the last refresh of the chosen mission changed, then show it."""
        chosen = self.chosen()
        status = self.desk.status(chosen[0]) if len(chosen) == 1 else None
        if status is None:
            return
        mission, label = status.mission, status.label

        def show(diff: CatalogueDiff | None) -> None:
            if diff is None:
                diff = CatalogueDiff(
                    mission, float("nan"), status.certificate.fetched_mjd if status.certificate else float("nan")
                )
            ChangesDialog(diff, label, self._context, self).show()

        self._context.background.read(self, "changes", lambda: self._session.catalogue_changes(mission), show)

    def _on_offline_changed(self, offline: bool) -> None:
        self.offline.setChecked(offline)
        self.refresh()
