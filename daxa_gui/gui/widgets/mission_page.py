"""One mission's table with its empty state: shows rows, says which one is current, copies, chooses columns."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.events import Notice
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.columns import Column, is_empty
from daxa_gui.gui.models.export import tab_separated
from daxa_gui.gui.models.observations import LARGE, ObservationsModel, no_rows, rows_with
from daxa_gui.gui.texts import count_text
from daxa_gui.gui.theme import Theme

_WIDEST = 260
_MANY = 500
MOST_COPIED = 5_000  # rows; a spreadsheet takes more, but the window would wait for seconds


class MissionPage(QStackedWidget):
    """Choosing a row sets the observation that the window looks at; `focus` does the opposite and moves no other thing."""

    columns_requested = Signal(QPoint)
    offer_taken = Signal(str)  # what the button of the empty state offered, a key of `_OFFERS`

    def __init__(self, spec: MissionSpec, context: Context, parent: QWidget | None = None) -> None:
        """Empty until `set_catalogue` is called: most missions' tables are never looked at."""
        super().__init__(parent)
        self.spec = spec
        self._context = context
        self.model = ObservationsModel(spec, no_rows(spec.name), self, self._order_later)
        self.model.set_style(context.coordinates)
        self._offer = ""
        self._menu: QMenu | None = None
        self.table = self._make_table()
        self._empty = QLabel(self)
        self._empty.setObjectName("emptyText")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._offer_button = QPushButton(self)
        self._offer_button.setObjectName("offerFromEmpty")
        self._offer_button.setToolTip("There is nothing to offer yet")
        self._offer_button.clicked.connect(lambda _checked=False: self.offer_taken.emit(self._offer))
        self.addWidget(self.table)
        self.addWidget(self._make_empty_page())
        self._connect()
        self.setCurrentIndex(1)

    def _order_later(self, work: Callable[[], Any], done: Callable[[Any], None]) -> None:
        self._context.background.read(self, "order", work, done)

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName(f"observations_{self.spec.name}")
        table.setAccessibleName(f"Observations of {self.spec.label}")
        table.setToolTip("")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)  # Tab leaves the table
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        # Its own selection: to draw a heading Qt asks every chosen row, which takes seconds once all are chosen.
        table.horizontalHeader().setSelectionModel(QItemSelectionModel(self.model, table))
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 7)
        header = table.horizontalHeader()
        header.setSectionsMovable(True)
        header.setResizeContentsPrecision(15)  # rows that are looked at for a column's width; all would take a second
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.setSortingEnabled(True)
        return table

    def _make_empty_page(self) -> QWidget:
        page = QWidget(self)
        layout = QVBoxLayout(page)
        layout.addStretch(1)
        layout.addWidget(self._empty)
        layout.addWidget(self._offer_button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        return page

    def _connect(self) -> None:
        header = self.table.horizontalHeader()
        header.customContextMenuRequested.connect(lambda point: self.columns_requested.emit(header.mapToGlobal(point)))
        self.table.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        self.table.customContextMenuRequested.connect(self._on_row_menu_requested)
        self.table.doubleClicked.connect(lambda _index: self._show_on_sky())
        copy = QShortcut(QKeySequence.StandardKey.Copy, self.table)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy)

    # content

    def set_catalogue(self, catalogue: Catalogue) -> None:
        if catalogue is self.model.catalogue:
            return
        had_rows = len(self.model.catalogue) > 0
        names = [column.name for column in self.model.columns]
        selection = self.table.selectionModel()
        blocked = selection.blockSignals(True)
        self.model.set_catalogue(catalogue)
        selection.blockSignals(blocked)
        if not had_rows or names != [column.name for column in self.model.columns]:
            self._set_up_columns()
        self.setCurrentIndex(0 if len(self.model.rows) else 1)

    def set_theme(self, theme: Theme) -> None:
        self.model.set_muted_colour(theme.muted)

    def show_rows(self, selected: NDArray[np.bool_], *, everything: bool) -> None:
        """Show the rows that pass, or all; nothing is done where that is what is shown."""
        wanted = len(selected) if everything else int(np.count_nonzero(selected))
        if not (np.array_equal(selected, self.model.selected) and wanted == len(self.model.rows)):
            blocked = self.table.selectionModel().blockSignals(True)
            self.model.show(selected, everything=everything)
            self.table.selectionModel().blockSignals(blocked)
        self.setCurrentIndex(0 if len(self.model.rows) else 1)

    def set_empty_text(self, text: str, offer: str) -> None:
        """What is said where no row is shown, and what a button offers to do about it (empty: nothing)."""
        self._empty.setText(text)
        self._offer = offer
        words, tip = _OFFERS.get(offer, ("", ""))
        self._offer_button.setText(words)
        self._offer_button.setToolTip(tip)
        self._offer_button.setVisible(bool(offer))

    # the current observation

    def focus(self, mission: str, obs_id: str) -> None:
        """Make an observation the current row, if it is shown here; otherwise no row is current."""
        rows = self.model.catalogue.rows_of([obs_id] if mission == self.spec.name else [])
        place = self.model.place_of(int(rows[0])) if len(rows) else -1
        if place == self.table.currentIndex().row() and (place < 0 or self.table.selectionModel().isRowSelected(place)):
            return
        selection = self.table.selectionModel()
        selection.currentRowChanged.disconnect(self._on_current_row_changed)
        if place < 0:
            selection.clear()
        else:
            self._go_to(place)
        selection.currentRowChanged.connect(self._on_current_row_changed)

    def _go_to(self, place: int) -> None:
        column = max(self.table.currentIndex().column(), self.table.horizontalHeader().logicalIndex(0))
        index = self.model.index(place, column)
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.table.selectionModel().setCurrentIndex(index, flags)
        self.table.scrollTo(index, QAbstractItemView.ScrollHint.EnsureVisible)

    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid():
            row = int(self.model.rows[current.row()])
            self._context.set_observation(self.spec.name, str(self.model.catalogue.obs_id[row]))

    def _show_on_sky(self) -> None:
        show_on_sky(self._context, self.spec.name, self._context.observation[1])

    def go_to_match(self, text: str, step: int, on_done: Callable[[bool], None]) -> None:
        """Make the next row with this text current; `on_done` is told whether there is one. Large tables are looked through
        in the background, once for each text."""
        catalogue = self.model.catalogue

        def go() -> None:
            start = max(self.table.currentIndex().row(), 0) + step
            place = self.model.find(text, start, backwards=step < 0)
            if place >= 0:
                self._go_to(place)
            on_done(place >= 0)

        def found(hit: NDArray[np.bool_]) -> None:
            if self.model.catalogue is catalogue:
                self.model.remember_found(text, hit)
                go()

        if len(catalogue) <= LARGE or self.model.is_found(text):
            self._context.background.forget(self, "find")
            go()
        else:
            self._context.background.read(self, "find", lambda: rows_with(catalogue, text), found)

    # what can be done with rows

    def chosen_obs_ids(self) -> tuple[str, ...]:
        """ObsIDs of the chosen rows, in the order shown."""
        return tuple(dict.fromkeys(self.model.catalogue.obs_id[self.chosen_rows()].tolist()))

    def chosen_rows(self) -> NDArray[np.int64]:
        """Row numbers of the catalogue, in the order shown. From the ranges of the selection: « all » is one range."""
        chosen = np.zeros(self.model.rowCount(), bool)
        ranges: Any = self.table.selectionModel().selection()  # a list of ranges, whatever its declaration says
        for part in ranges:
            chosen[part.top() : part.bottom() + 1] = True
        return self.model.rows[chosen]

    def _on_row_menu_requested(self, point: QPoint) -> None:
        obs_ids = self.chosen_obs_ids()
        if obs_ids:
            self._menu = menu = self.row_menu(obs_ids)  # kept, so that it lives as long as it is open
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.table.viewport().mapToGlobal(point))

    def row_menu(self, obs_ids: tuple[str, ...]) -> QMenu:
        """Observations by hand, why one is not there, and where it lies."""
        context, mission = self._context, self.spec.name
        menu = QMenu("Observations", self)
        menu.setObjectName("rowMenu")
        menu.setToolTipsVisible(True)
        many = len(obs_ids) > _MANY  # then it is not worth the while to find out which of them are picked already
        picked = {True, False, None} if many else {context.picked(mission, obs_id) for obs_id in obs_ids}

        def add(name: str, text: str, tip: str, action: Callable[[], object], enabled: bool = True) -> None:
            entry = menu.addAction(text)
            entry.setObjectName(name)
            entry.setToolTip(tip)
            entry.setEnabled(enabled)
            entry.triggered.connect(lambda _checked=False: action())

        add("keepRows", "&Keep in, whatever the filters say", "A filter by hand; can be undone",
            lambda: context.pick(mission, obs_ids, True), picked != {True})  # fmt: skip
        add("leaveOutRows", "&Leave out", "A filter by hand; can be undone",
            lambda: context.pick(mission, obs_ids, False), picked != {False})  # fmt: skip
        add("unpickRows", "Let the &filters decide", "Take back what was decided by hand",
            lambda: context.unpick(mission, obs_ids), picked != {None})  # fmt: skip
        menu.addSeparator()
        current = context.observation[1] if context.observation[0] == mission else obs_ids[0]
        rows = self.model.catalogue.rows_of([current])
        passes = len(rows) > 0 and bool(self.model.selected[rows[0]])
        add("whyNot", "&Why?" if passes else "&Why not?", "What each filter says of it, and what would let it in",
            lambda: self._show_details(current))  # fmt: skip
        add("rowOnSky", "Show on &sky", "Zoom the sky plot to this observation (double click)", self._show_on_sky)
        add("copyRows", "&Copy", "The chosen rows with their headings, for a spreadsheet (Ctrl+C)", self.copy)
        return menu

    def _show_details(self, obs_id: str) -> None:
        self._context.set_observation(self.spec.name, obs_id)
        self._context.show_panel("details")

    # columns and copies

    def _set_up_columns(self) -> None:
        header = self.table.horizontalHeader()
        for section, column in enumerate(self.model.columns):
            self.table.setColumnHidden(section, not column.shown or is_empty(column, self.model.catalogue))
        self.table.resizeColumnsToContents()
        for section in range(header.count()):
            header.resizeSection(section, min(header.sectionSize(section) + 8, _WIDEST))

    def shown_columns(self) -> list[Column]:
        """In the order in which they stand."""
        header = self.table.horizontalHeader()
        sections = (header.logicalIndex(place) for place in range(header.count()))
        return [self.model.columns[section] for section in sections if not header.isSectionHidden(section)]

    def columns_menu(self, parent: QWidget) -> QMenu:
        """A menu with a tick for each column."""
        menu = QMenu("Columns", parent)
        menu.setToolTipsVisible(True)
        for section, column in enumerate(self.model.columns):
            action = menu.addAction(column.heading.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(not self.table.isColumnHidden(section))
            action.setToolTip(column.tip)
            action.toggled.connect(functools.partial(self._show_column, section))
            if column.name == "obs_id":
                action.setEnabled(False)
        return menu

    def _show_column(self, section: int, shown: bool) -> None:
        self.table.setColumnHidden(section, not shown)
        if shown:
            self.table.resizeColumnToContents(section)
            header = self.table.horizontalHeader()
            header.resizeSection(section, min(header.sectionSize(section) + 8, _WIDEST))

    def copy(self) -> None:
        """The chosen rows to the clipboard, tab-separated with headings."""
        rows = self.chosen_rows()
        if len(rows) > MOST_COPIED:
            words = f"{count_text(len(rows))} rows are too many for the clipboard"
            hint = f"Export the table, or choose at most {count_text(MOST_COPIED)}."
            self._context.session.bus.publish(Notice("warning", f"{words}.", hint))
        elif len(rows):
            text = tab_separated(self.model.catalogue, self.shown_columns(), rows.tolist(), self.model.style)
            QGuiApplication.clipboard().setText(text)


_OFFERS = {
    "all": ("Show all observations", "Show the observations that do not pass the filters, in grey"),
    "update": ("Update this catalogue", "Ask the archive for its list of observations"),
    "catalogues": ("Show catalogues", "Where « Work offline » can be switched off, and files can be imported"),
}


def show_on_sky(context: Context, mission: str, obs_id: str) -> None:
    """Ask the sky plot for an observation with its field of view."""
    catalogue = context.session.catalogue(mission)
    rows = catalogue.rows_of([obs_id])
    if not len(rows):
        return
    row = int(rows[0])
    if not (np.isfinite(catalogue.ra_deg[row]) and np.isfinite(catalogue.dec_deg[row])):
        return
    fov = float(catalogue.fov_radius_deg[row])
    position = SkyPosition(float(catalogue.ra_deg[row]), float(catalogue.dec_deg[row]), obs_id)
    context.show_place(position, 1.6 * fov if np.isfinite(fov) and fov > 0 else 1.0)
