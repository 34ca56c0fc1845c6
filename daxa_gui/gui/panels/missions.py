"""The tables of the Find workspace: a tab per mission with the observations that pass the filters. Shows, never filters."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QSizePolicy,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice, PracticeProgress
from daxa_gui.core.mission import MissionSpec
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.export import write_csv
from daxa_gui.gui.texts import as_sentence, count_text, short_label, unbroken
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.mission_page import MissionPage
from daxa_gui.gui.widgets.sky_items import shade, symbol_icon
from daxa_gui.session import Session


class FindLine(QLineEdit):
    """Enter asks for the next match, Shift+Enter for the one before."""

    step_requested = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            back = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.step_requested.emit(-1 if back else 1)
            event.accept()
        else:
            super().keyPressEvent(event)


class MissionsPanel(QWidget):
    """The page that is looked at is filled at once, the others when they are shown."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._progress = ""
        self.setAccessibleName("Observation tables")
        self.pages: dict[str, MissionPage] = {}
        self.tabs = QTabWidget(self)
        self.tabs.setObjectName("missionTabs")
        self.tabs.setAccessibleName("Missions")
        self.tabs.setToolTip("One table per mission: observations passing the filters / all observations")
        self.tabs.setDocumentMode(True)
        self.tabs.setUsesScrollButtons(True)
        self.tabs.setIconSize(QSize(14, 14))
        self._provenance = muted_label()
        self._provenance.setObjectName("tableProvenance")
        self._provenance.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._provenance.setWordWrap(False)
        self._provenance.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._build()
        self._fill_tabs()
        self.tabs.currentChanged.connect(self._on_tab_changed)
        context.results_changed.connect(self._on_results_changed)
        context.stack_changed.connect(self._update_empty_text)
        context.observation_changed.connect(self._on_observation_changed)
        context.coordinates_changed.connect(self._on_coordinates_changed)
        context.theme_changed.connect(self._on_theme_changed)
        bridge.catalogues_changed.connect(self._on_catalogues_changed)
        bridge.practice_progress.connect(self._on_practice_progress)
        self._on_results_changed()

    def sizeHint(self) -> QSize:
        return QSize(700, 300)

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 6)
        layout.setSpacing(4)
        layout.addWidget(self.tabs, 1)
        layout.addLayout(self._tool_row())

    def _tool_row(self) -> QHBoxLayout:
        self.find_line = FindLine(self)
        self.find_line.setObjectName("findInTable")
        self.find_line.setAccessibleName("Find in table")
        self.find_line.setPlaceholderText("Find in table (Ctrl+F)")
        self.find_line.setToolTip("ObsID, target or instrument; Enter goes to the next one, Shift+Enter to the one before")
        self.find_line.setClearButtonEnabled(True)
        self.find_line.setMaximumWidth(190)
        self.find_line.textEdited.connect(lambda _text: self._find(0))
        self.find_line.step_requested.connect(self._find)
        shortcut = QShortcut(QKeySequence.StandardKey.Find, self)
        shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
        shortcut.activated.connect(self._on_find_activated)
        self.find_result = QLabel(self)
        self.find_result.setObjectName("findResult")
        self.show_all = QCheckBox("&Show all", self)
        self.show_all.setObjectName("showAll")
        self.show_all.setToolTip("Also show the observations that do not pass the filters, in grey")
        self.show_all.toggled.connect(lambda _on: self._show_current())
        self.columns_button = QToolButton(self)
        self.columns_button.setObjectName("columnsButton")
        self.columns_button.setText("Colum&ns…")
        self.columns_button.setAccessibleName("Choose columns")
        self.columns_button.setToolTip("Choose which columns are shown (also by a right click on the headings)")
        self.columns_button.clicked.connect(
            lambda: self._choose_columns(self.columns_button.mapToGlobal(self.columns_button.rect().topLeft()))
        )
        self.export_button = QToolButton(self)
        self.export_button.setObjectName("exportButton")
        self.export_button.setText("Ex&port…")
        self.export_button.setAccessibleName("Export this table")
        self.export_button.setToolTip("Write the rows and columns shown to a CSV file, in full precision")
        self.export_button.clicked.connect(self._on_export_clicked)
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget in (self.find_line, self.find_result, self.show_all, self.columns_button, self.export_button):
            row.addWidget(widget)
        row.addWidget(self._provenance, 1)
        return row

    # pages

    def _fill_tabs(self) -> None:
        """Make the tabs that are missing; missions appear when the practice sky is asked for."""
        for position, spec in enumerate(self._session.missions()):
            if spec.name in self.pages:
                continue
            page = MissionPage(spec, self._session.catalogue(spec.name), self._context, self.tabs)
            page.columns_requested.connect(self._choose_columns)
            page.all_requested.connect(functools.partial(self.show_all.setChecked, True))
            page.set_theme(self._context.theme)
            self.pages[spec.name] = page
            self.tabs.insertTab(position, page, symbol_icon(spec.symbol, shade(spec.colour, self._context.theme)), "")

    @property
    def current(self) -> MissionPage | None:
        page = self.tabs.currentWidget()
        return page if isinstance(page, MissionPage) else None

    def show_mission(self, mission: str) -> None:
        if mission in self.pages:
            self.tabs.setCurrentWidget(self.pages[mission])

    def _show_current(self) -> None:
        page = self.current
        if page is None:
            return
        result = self._context.results.get(page.spec.name)
        if result is not None and len(result.mask) == len(page.model.catalogue):
            page.show_rows(result.mask, everything=self.show_all.isChecked())
        page.focus(*self._context.observation)
        self._update_empty_text()
        catalogue = page.model.catalogue
        self._provenance.setText(f"{count_text(len(catalogue))} rows · {catalogue.provenance}")
        self._provenance.setToolTip(f"{catalogue.provenance}\nVersion of the table: {catalogue.version or 'none'}")
        self.find_result.clear()
        self.export_button.setEnabled(page.model.rowCount() > 0)

    def _update_tab_texts(self) -> None:
        for name, page in self.pages.items():
            result = self._context.results.get(name)
            selected, total = (result.selected, result.total) if result else (0, len(page.model.catalogue))
            index = self.tabs.indexOf(page)
            # two ampersands, lest a name becomes a key
            self.tabs.setTabText(
                index, f"{short_label(page.spec)} {count_text(selected)} / {count_text(total)}".replace("&", "&&")
            )
            self.tabs.setTabToolTip(index, f"{page.spec.label}: {selected} of {total} observations pass the filters")

    def _update_empty_text(self) -> None:
        page = self.current
        if page is not None:
            page.set_empty_text(*self._empty_text(page.spec, len(page.model.catalogue)))

    def _empty_text(self, spec: MissionSpec, total: int) -> tuple[str, bool]:
        """What an empty table says, and whether it offers to show everything."""
        if total == 0:
            if self._session.practice and not self._session.practice_ready():
                return f"The practice sky is being made … {self._progress}".rstrip(), False
            return f"There are no observations of {spec.label} here.", False
        result = self._context.results.get(spec.name)
        sentence = as_sentence(last_remover(self._context, spec.name)) if result is not None else ""
        blame = f"\nThe filter « {sentence} » removed the last ones." if sentence else ""
        return unbroken(f"No observation of {spec.label} passes the filters.{blame}"), True

    # what happens

    def _on_tab_changed(self, _index: int) -> None:
        self._show_current()

    def _on_results_changed(self) -> None:
        self._fill_tabs()
        self._update_tab_texts()
        self._show_current()

    def _on_catalogues_changed(self, missions: list[str]) -> None:
        self._fill_tabs()
        for mission in missions:
            if mission in self.pages:
                self.pages[mission].set_catalogue(self._session.catalogue(mission))
        self._update_tab_texts()
        self._show_current()

    def _on_practice_progress(self, progress: PracticeProgress) -> None:
        part = f" ({100 * progress.done / progress.total:.0f} %)" if progress.total > 0 else ""
        self._progress = "" if progress.ready else f"{progress.text}{part}"
        self._update_empty_text()

    def _on_observation_changed(self, mission: str, obs_id: str) -> None:
        if mission in self.pages:
            self.show_mission(mission)
            self.pages[mission].focus(mission, obs_id)

    def _on_coordinates_changed(self, style: str) -> None:
        for page in self.pages.values():
            page.model.set_style(style)

    def _on_theme_changed(self, theme: Theme) -> None:
        for page in self.pages.values():
            page.set_theme(theme)
            self.tabs.setTabIcon(self.tabs.indexOf(page), symbol_icon(page.spec.symbol, shade(page.spec.colour, theme)))

    # finding, columns, export

    def _on_find_activated(self) -> None:
        self.find_line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.find_line.selectAll()

    def _find(self, step: int) -> None:
        """`step` 0: from the current row on while typing; 1: the next one; -1: the one before."""
        page = self.current
        if page is None or not self.find_line.text().strip():
            self.find_result.clear()
            return
        found = page.go_to_match(self.find_line.text(), step)
        self.find_result.setText("" if found else "not found")

    def _choose_columns(self, place: QPoint) -> None:
        page = self.current
        if page is not None:
            menu = page.columns_menu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            self._menu: QMenu = menu  # kept, so that it lives as long as it is open
            menu.popup(place)

    def _on_export_clicked(self) -> None:
        page = self.current
        if page is None:
            return
        name = f"{page.spec.name}.csv"
        path, _ = QFileDialog.getSaveFileName(self, "Export this table", name, "Comma-separated values (*.csv)")
        if path:
            self.export(Path(path))

    def export(self, path: Path) -> None:
        """Write what is shown, in the background."""
        page = self.current
        if page is None:
            return
        model, columns = page.model, page.shown_columns()
        catalogue, rows = model.catalogue, model.rows.tolist()
        notes = export_notes(page.spec, self._context)

        def done(written: int) -> None:
            self._session.bus.publish(Notice("information", f"{written} rows were written to {path}."))

        def failed(error: DaxaError) -> None:
            self._session.bus.publish(Notice("error", error.message, error.hint))

        self._context.background.read(self, "export", lambda: write_csv(path, catalogue, columns, rows, notes), done, failed)


def export_notes(spec: MissionSpec, context: Context) -> Sequence[str]:
    """For the head of an exported file: the mission and the filters."""
    filters = context.stack.sentence(spec.name) or "none"
    return (f"{spec.label}. Positions in degrees (ICRS), times in UTC.", f"Filters: {filters}")


def last_remover(context: Context, mission: str) -> str:
    """The sentence of the filter after which nothing of a mission was left; empty if something is left."""
    result = context.results.get(mission)
    if result is None or result.selected:
        return ""
    # the results may be older than the filters for the moment of a pause
    for row, left in zip(context.stack.rows, result.counts, strict=False):
        if left == 0 and row.applies_to(mission):
            return row.filter.sentence()
    return ""
