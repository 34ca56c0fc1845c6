"""One mission's table with its empty state: shows rows, says which one is current, copies, chooses columns."""

from __future__ import annotations

import functools

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
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.columns import Column, is_empty
from daxa_gui.gui.models.export import tab_separated
from daxa_gui.gui.models.observations import ObservationsModel
from daxa_gui.gui.theme import Theme

_WIDEST = 260


class MissionPage(QStackedWidget):
    """Choosing a row sets the observation that the window looks at; `focus` does the opposite and moves no other thing."""

    columns_requested = Signal(QPoint)
    all_requested = Signal()

    def __init__(self, spec: MissionSpec, catalogue: Catalogue, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.spec = spec
        self._context = context
        self.model = ObservationsModel(spec, catalogue, self)
        self.model.set_style(context.coordinates)
        self.table = self._make_table()
        self._empty = QLabel(self)
        self._empty.setObjectName("emptyText")
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._show_all = QPushButton("Show all observations", self)
        self._show_all.setObjectName("showAllFromEmpty")
        self._show_all.setToolTip("Show the observations that do not pass the filters, in grey")
        self._show_all.clicked.connect(self.all_requested)
        self.addWidget(self.table)
        self.addWidget(self._make_empty_page())
        self._connect()
        self._set_up_columns()

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
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 7)
        header = table.horizontalHeader()
        header.setSectionsMovable(True)
        header.setResizeContentsPrecision(40)  # rows that are looked at for a column's width; all would take a second
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.setSortingEnabled(True)
        return table

    def _make_empty_page(self) -> QWidget:
        page = QWidget(self)
        layout = QVBoxLayout(page)
        layout.addStretch(1)
        layout.addWidget(self._empty)
        layout.addWidget(self._show_all, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(1)
        return page

    def _connect(self) -> None:
        header = self.table.horizontalHeader()
        header.customContextMenuRequested.connect(lambda point: self.columns_requested.emit(header.mapToGlobal(point)))
        self.table.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        self.table.doubleClicked.connect(lambda _index: self._show_on_sky())
        copy = QShortcut(QKeySequence.StandardKey.Copy, self.table)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy)

    # content

    def set_catalogue(self, catalogue: Catalogue) -> None:
        names = [column.name for column in self.model.columns]
        self.model.set_catalogue(catalogue)
        if names != [column.name for column in self.model.columns] or self.table.horizontalHeader().count() != len(names):
            self._set_up_columns()

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

    def set_empty_text(self, text: str, offer_all: bool) -> None:
        self._empty.setText(text)
        self._show_all.setVisible(offer_all)

    # the current observation

    def focus(self, mission: str, obs_id: str) -> None:
        """Make an observation the current row, if it is shown here; otherwise no row is current."""
        row = self.model.catalogue.row_of.get(obs_id, -1) if mission == self.spec.name else -1
        place = self.model.place_of(row)
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

    def go_to_match(self, text: str, step: int) -> bool:
        """Make the next row with this text current; false if there is none."""
        start = max(self.table.currentIndex().row(), 0) + step
        place = self.model.find(text, start, backwards=step < 0)
        if place >= 0:
            self._go_to(place)
        return place >= 0

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
        places = sorted({index.row() for index in self.table.selectionModel().selectedRows()})
        if places:
            rows = [int(self.model.rows[place]) for place in places]
            text = tab_separated(self.model.catalogue, self.shown_columns(), rows, self.model.style)
            QGuiApplication.clipboard().setText(text)


def show_on_sky(context: Context, mission: str, obs_id: str) -> None:
    """Ask the sky plot for an observation with its field of view."""
    catalogue = context.session.catalogue(mission)
    row = catalogue.row_of.get(obs_id)
    if row is None or not np.isfinite(catalogue.vectors[row]).all():
        return
    fov = float(catalogue.fov_radius_deg[row])
    position = SkyPosition(float(catalogue.ra_deg[row]), float(catalogue.dec_deg[row]), obs_id)
    context.show_place(position, 1.6 * fov if np.isfinite(fov) and fov > 0 else 1.0)
