"""The tables of the Find workspace: a tab per mission with the observations that pass the filters. Shows, never filters."""

from __future__ import annotations

import functools
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
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
from daxa_gui.gui.catalogue_desk import CatalogueDesk
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.catalogues import progress_text
from daxa_gui.gui.models.export import table_of
from daxa_gui.gui.texts import UNKNOWN, as_sentence, count_text, counted, short_label, unbroken
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.catalogue_files import ask_save_path
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
    """The page that is looked at is filled at once, the others when they are shown: a table of all missions would be too long
    to be made ready before it is wanted."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._desk = CatalogueDesk.of(session, context, bridge)
        self._progress = ""
        self._tab_chosen = False  # by a person or an observation; until then the first mission with rows is shown
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
        self.tabs.tabBarClicked.connect(self._on_tab_clicked)
        context.results_changed.connect(self._on_results_changed)
        context.stack_changed.connect(self._update_empty_text)
        context.observation_changed.connect(self._on_observation_changed)
        context.coordinates_changed.connect(self._on_coordinates_changed)
        context.theme_changed.connect(self._on_theme_changed)
        bridge.catalogues_changed.connect(self._on_catalogues_changed)
        bridge.practice_progress.connect(self._on_practice_progress)
        self._desk.statuses_changed.connect(self._update_empty_text)
        self._desk.progress_changed.connect(self._on_desk_progress_changed)
        self._desk.offline_changed.connect(lambda _offline: self._update_empty_text())
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
        self.export_button.setToolTip(
            "Write the rows and columns shown, in full precision. CSV has the values alone; ECSV, VOTable, "
            "FITS and Parquet also units, filters and where the rows come from"
        )
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
            page = MissionPage(spec, self._context, self.tabs)
            page.columns_requested.connect(self._choose_columns)
            page.offer_taken.connect(functools.partial(self._on_offer_taken, spec.name))
            page.set_theme(self._context.theme)
            self.pages[spec.name] = page
            self.tabs.insertTab(position, page, symbol_icon(spec.symbol, shade(spec.colour, self._context.theme)), "")

    @property
    def current(self) -> MissionPage | None:
        page = self.tabs.currentWidget()
        return page if isinstance(page, MissionPage) else None

    def show_mission(self, mission: str) -> None:
        if mission in self.pages:
            self._tab_chosen = True
            self.tabs.setCurrentWidget(self.pages[mission])

    def _show_first_with_rows(self) -> None:
        """Most missions have no catalogue at first; the page that one sees should not be one of those."""
        totals = {name: result.total for name, result in self._context.results.items()}
        page = self.current
        if self._tab_chosen or page is None or totals.get(page.spec.name, 0):
            return
        full = next((name for name in self.pages if totals.get(name, 0)), "")
        if full:
            self.tabs.setCurrentWidget(self.pages[full])

    def _show_current(self) -> None:
        """Fill the page that is looked at. Its catalogue has been read already where the filters were applied to it."""
        page = self.current
        if page is None:
            return
        result = self._context.results.get(page.spec.name)
        if result is not None:
            page.set_catalogue(self._session.catalogue(page.spec.name))
            if len(result.mask) == len(page.model.catalogue):
                page.show_rows(result.mask, everything=self.show_all.isChecked())
        page.focus(*self._context.observation)
        self._update_empty_text()
        catalogue = page.model.catalogue
        counts = "" if catalogue.provenance[:1].isdigit() else f"{counted(len(catalogue), 'row', 'rows')} · "
        self._provenance.setText(f"{counts}{catalogue.provenance}" if len(catalogue) else "")
        self._provenance.setToolTip(f"{catalogue.provenance}\nVersion of the table: {catalogue.version or 'none'}")
        self.find_result.clear()
        self.export_button.setEnabled(page.model.rowCount() > 0)

    def _update_tab_texts(self) -> None:
        for name, page in self.pages.items():
            result = self._context.results.get(name)
            selected, total = (result.selected, result.total) if result else (0, 0)
            index = self.tabs.indexOf(page)
            counts = f"{count_text(selected)} / {count_text(total)}" if total else UNKNOWN
            # two ampersands, lest a name becomes a key
            self.tabs.setTabText(index, f"{short_label(page.spec)} {counts}".replace("&", "&&"))
            tip = f"{count_text(selected)} of {count_text(total)} observations pass the filters"
            self.tabs.setTabToolTip(index, f"{page.spec.label}: {tip if total else 'no observations are known here yet'}")

    def _update_empty_text(self) -> None:
        page = self.current
        if page is not None:
            page.set_empty_text(*self._empty_text(page.spec, len(page.model.catalogue)))

    def _no_catalogue_text(self, spec: MissionSpec) -> tuple[str, str]:
        """What is said where a mission has no rows at all, and what is offered."""
        progress, status = self._desk.progress.get(spec.name), self._desk.status(spec.name)
        if progress is not None:
            return f"The catalogue of {spec.label} is being read: {progress_text(progress)}", ""
        if self._session.practice and not self._session.practice_ready():
            return f"The practice sky is being made … {self._progress}".rstrip(), ""
        if status is None:
            return f"The catalogue of {spec.label} is being looked for …", ""
        if status.origin != "none":
            return f"The catalogue of {spec.label} is empty.", ""
        missing = f"There is no catalogue of {spec.label} here yet."
        if self._desk.offline:
            return f"{missing}\nThe program works offline: switch that off, or import a file.", "catalogues"
        if not status.refreshable:
            return f"{missing}\nImport one from a file.", "catalogues"
        problem = f"\nThe last update failed: {status.problem}" if status.problem else ""
        return f"{missing}{problem}", "update"

    def _empty_text(self, spec: MissionSpec, total: int) -> tuple[str, str]:
        """What an empty table says, and what it offers to do."""
        if total == 0:
            return self._no_catalogue_text(spec)
        result = self._context.results.get(spec.name)
        sentence = as_sentence(last_remover(self._context, spec.name)) if result is not None else ""
        blame = f"\nThe filter « {sentence} » removed the last ones." if sentence else ""
        return unbroken(f"No observation of {spec.label} passes the filters.{blame}"), "all"

    def _on_offer_taken(self, mission: str, offer: str) -> None:
        if offer == "all":
            self.show_all.setChecked(True)
        elif offer == "update":
            self._desk.update([mission])
        else:
            self._context.show_panel("catalogues")

    # what happens

    def _on_tab_changed(self, _index: int) -> None:
        self._show_current()

    def _on_tab_clicked(self, _index: int) -> None:
        self._tab_chosen = True

    def _on_results_changed(self) -> None:
        self._fill_tabs()
        self._update_tab_texts()
        self._show_first_with_rows()
        self._show_current()

    def _on_catalogues_changed(self, missions: list[str]) -> None:
        """The new rows are shown when the filters have been applied to them."""
        self._fill_tabs()
        if self.current is not None and self.current.spec.name in missions:
            self._update_empty_text()

    def _on_desk_progress_changed(self, mission: str) -> None:
        if self.current is not None and self.current.spec.name == mission:
            self._update_empty_text()

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
        page.go_to_match(self.find_line.text(), step, lambda found: self.find_result.setText("" if found else "not found"))

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
        path = ask_save_path(self, "Export this table", page.spec.name, self._session.table_formats())
        if path is not None:
            self.export(path)

    def export(self, path: Path) -> None:
        """Write what is shown, in the background."""
        page = self.current
        if page is None:
            return
        columns, catalogue, rows = page.shown_columns(), page.model.catalogue, page.model.rows
        notes = export_notes(page.spec, self._context)

        def done(_nothing: object) -> None:
            written = counted(len(rows), "row was", "rows were")
            self._session.bus.publish(Notice("information", f"{written} written to {path}."))

        def failed(error: DaxaError) -> None:
            self._session.bus.publish(Notice("error", error.message, error.hint))

        def write() -> None:
            self._session.export_table(table_of(catalogue, columns, rows, notes), path)

        self._context.background.act(self, "export", write, done, failed)


def export_notes(spec: MissionSpec, context: Context) -> tuple[tuple[str, str], ...]:
    """For the head of an exported file: the mission and the filters."""
    return (
        ("observations_of", spec.label),
        ("frame", "Positions in degrees (ICRS), times in UTC."),
        ("filters", context.stack.sentence(spec.name) or "none"),
    )


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
