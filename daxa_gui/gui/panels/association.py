"""Which observation covers which position: of a filter with positions, or of a sample from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QStackedWidget,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.core.places import Places
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.association import COLUMNS, AssociationModel, CoverCounts, Pairs
from daxa_gui.gui.texts import count_text, counted, short_label, unbroken
from daxa_gui.gui.widgets.catalogue_files import ask_save_path
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.mission_page import show_on_sky
from daxa_gui.gui.widgets.sample_dialog import SampleDialog
from daxa_gui.gui.widgets.sample_parts import ask_sample
from daxa_gui.gui.widgets.source_box import Source, SourceBox, name_box
from daxa_gui.session import Session

_WIDEST = 240


class AssociationPanel(QWidget):
    """Computed in the background when it is looked at, for what passes the filters. Choosing a row chooses the observation."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._stale = True
        self._counts: CoverCounts | None = None
        self._sorting = ("", False)
        self.is_busy = False  # looking or sorting in the background
        self.setAccessibleName("Associations")
        self.model = AssociationModel(self)
        self.model.set_style(context.coordinates)
        self.table = self._make_table()
        self.pages = QStackedWidget(self)
        self.empty = QLabel(self)
        self.empty.setObjectName("associationEmpty")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.summary = QLabel(self)
        self.summary.setObjectName("associationSummary")
        self.summary.setWordWrap(True)
        self._build()
        self.source_box.activated.connect(lambda _index: self._on_source_chosen())
        self.mission_box.activated.connect(lambda _index: self._arrange())
        self.model.sort_requested.connect(self._on_sort_requested)
        self.table.selectionModel().currentRowChanged.connect(self._on_current_row_changed)
        self.table.doubleClicked.connect(lambda _index: show_on_sky(context, *context.observation))
        context.results_changed.connect(self._on_results_changed)
        context.observation_changed.connect(self._on_observation_changed)
        context.coordinates_changed.connect(self.model.set_style)
        self._on_results_changed()

    def sizeHint(self) -> QSize:
        return QSize(700, 300)

    # made once

    def _make_table(self) -> QTableView:
        table = QTableView(self)
        table.setObjectName("associationTable")
        table.setAccessibleName("Which observation covers which position")
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.horizontalHeader().setSelectionModel(QItemSelectionModel(self.model, table))  # see MissionPage
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 7)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setResizeContentsPrecision(15)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.setSortingEnabled(True)
        return table

    def _build(self) -> None:
        self.source_box = SourceBox("associationSource", 235)
        self.mission_box = QComboBox(self)
        name_box(self.mission_box, "associationMission", "Mission", "Show the observations of one mission only", 150)
        self.sample_button = self._button("associationSample", "&Sample…", self.ask_sample)
        self.sample_button.setToolTip("Read positions from a file: CSV, ECSV, VOTable or FITS")
        self.export_button = self._button("associationExport", "Ex&port…", self.ask_export)
        self.export_button.setToolTip("Write these pairs with typed columns and units: CSV, ECSV, VOTable, FITS or Parquet")
        tools = FlowLayout(spacing=5)
        label = QLabel("Positions of", self)
        label.setBuddy(self.source_box)
        for widget in (label, self.source_box, self.mission_box, self.sample_button, self.export_button):
            tools.addWidget(widget)
        empty_page = QWidget(self)
        column = QVBoxLayout(empty_page)
        self.empty_button = self._button("associationEmptySample", "Choose a sample…", self.ask_sample)
        self.empty_button.setToolTip("Read positions from a table: CSV, ECSV, VOTable or FITS")
        column.addStretch(1)
        column.addWidget(self.empty)
        column.addWidget(self.empty_button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)
        self.pages.addWidget(self.table)
        self.pages.addWidget(empty_page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(4)
        layout.addLayout(tools)
        layout.addWidget(self.summary)
        layout.addWidget(self.pages, 1)

    def _button(self, name: str, text: str, action: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setText(text)
        button.setAccessibleName(text.replace("&", "").removesuffix("…"))
        button.setObjectName(name)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda _checked=False: action())
        return button

    # whose positions

    @property
    def source(self) -> Source | None:
        return self.source_box.source

    def ask_sample(self, path: Path | None = None) -> SampleDialog | None:
        """Choose a file and say what its columns mean."""
        path = path or ask_sample(self)
        if path is None:
            return None
        dialog = SampleDialog(self._session, self._context, path, self)
        dialog.association_requested.connect(self.show_sample)
        dialog.open()
        return dialog

    def show_sample(self, label: str, places: Places, distance: Distance, entirely_inside: bool) -> None:
        """Look for the observations of these positions, and come to the front."""
        self.source_box.add_sample(label, places, distance, entirely_inside)
        self._context.show_panel("association")
        self._on_source_chosen()

    def _on_source_chosen(self) -> None:
        self._stale = True
        self._compute()

    # looking for observations

    def _on_results_changed(self) -> None:
        self.source_box.fill(self._context.stack.rows)
        self._stale = True
        if self.isVisible():
            self._compute()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._compute()

    def _compute(self) -> None:
        self._stale = False
        source = self.source
        if source is None:
            self._context.background.forget(self, "associate")
            self.is_busy = False
            self._show(None, np.empty(0, np.int64), None)
            self._show_empty(
                "Add a filter with a position, or choose a sample from a file, to see which observation covers which position.",
                True,
            )
            return
        session, stack, (column, descending) = self._session, self._context.stack, self._sorting
        mission = self._chosen_mission()

        def work() -> tuple[Pairs, CoverCounts, Any]:
            specs = session.missions()
            found = session.associate(
                [spec.name for spec in specs], source.places, source.distance, stack, source.entirely_inside
            )  # fmt: skip
            pairs = Pairs(found, source.places, specs)
            kept = mission if mission in pairs.missions else ""
            return pairs, CoverCounts.of(pairs), pairs.order(column, descending, kept)

        self.is_busy = True
        self.summary.setText("Looking for observations …")
        self.export_button.setEnabled(False)
        self._context.background.read(self, "associate", work, self._on_found, self._on_failed)

    def _on_found(self, answer: tuple[Pairs, CoverCounts, Any]) -> None:
        self.is_busy = False
        pairs, counts, order = answer
        self._show(pairs, order, counts)
        if not len(pairs):
            text = (
                f"{counts.sentence({})}\nOnly observations that pass the filters are looked at; a larger distance may find more."
            )
            self._show_empty(unbroken(text), False)
            return
        self.pages.setCurrentIndex(0)
        for section, column in enumerate(COLUMNS):
            self.table.setColumnHidden(section, column.timed and not pairs.places.has_windows)
        self.table.resizeColumnsToContents()
        header = self.table.horizontalHeader()
        for section in range(header.count()):
            header.resizeSection(section, min(header.sectionSize(section) + 8, _WIDEST))
        self._on_observation_changed(*self._context.observation)

    def _on_failed(self, error: DaxaError) -> None:
        self.is_busy = False
        self._show(None, np.empty(0, np.int64), None)
        self._show_empty(f"✕ {error}", False)

    def _show(self, pairs: Pairs | None, order: Any, counts: CoverCounts | None) -> None:
        self._counts = counts
        chosen = self._chosen_mission()
        self.mission_box.clear()
        self.mission_box.addItem(f"All missions ({count_text(len(pairs) if pairs else 0)})", "")
        if pairs is not None:
            for number, (name, label) in enumerate(zip(pairs.missions, pairs.labels, strict=True)):
                size = int(pairs.offsets[number + 1] - pairs.offsets[number])
                self.mission_box.addItem(f"{label} ({count_text(size)})", name)
        self.mission_box.setCurrentIndex(max(0, self.mission_box.findData(chosen)))
        self.mission_box.setEnabled(self.mission_box.count() > 1)
        self._set_rows(lambda: self.model.show(pairs, order))
        self._update_summary()

    def _set_rows(self, change: Callable[[], None]) -> None:
        """Change the rows without choosing another observation."""
        blocked = self.table.selectionModel().blockSignals(True)
        change()
        self.table.selectionModel().blockSignals(blocked)

    def _show_empty(self, text: str, offer_sample: bool) -> None:
        self.empty.setText(text)
        self.empty_button.setVisible(offer_sample)
        self.pages.setCurrentIndex(1)

    def _chosen_mission(self) -> str:
        return str(self.mission_box.currentData() or "")

    def _update_summary(self) -> None:
        labels = {spec.name: short_label(spec) for spec in self._session.missions()}
        self.summary.setText(self._counts.sentence(labels, self._chosen_mission()) if self._counts is not None else "")
        self.summary.setVisible(self._counts is not None and bool(self._counts.observations))
        self.export_button.setEnabled(self.model.rowCount() > 0)

    # order

    def _on_sort_requested(self, column: str, descending: bool) -> None:
        self._sorting = (column, descending)
        self._arrange()

    def _arrange(self) -> None:
        """Other rows or another order of the same pairs; sorting a million takes a while and is done elsewhere."""
        pairs, (column, descending), mission = self.model.pairs, self._sorting, self._chosen_mission()
        if pairs is None:
            return

        def done(order: Any) -> None:
            self.is_busy = False
            if pairs is not self.model.pairs:
                return
            if len(order) == len(self.model.order) and mission == self._chosen_mission():
                self.model.set_order(order)
            else:
                self._set_rows(lambda: self.model.show(pairs, order))
            self._update_summary()

        self.is_busy = True
        self._context.background.read(self, "order", lambda: pairs.order(column, descending, mission), done)

    # the chosen observation

    def _on_current_row_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and self.model.pairs is not None:
            self._context.set_observation(*self.model.pairs.obs_id(int(self.model.order[current.row()])))

    def _on_observation_changed(self, mission: str, obs_id: str) -> None:
        """Show where an observation stands, unless the current row is one of it."""
        pairs, current = self.model.pairs, self.table.currentIndex()
        if pairs is None or not self.isVisible():
            return
        if current.isValid() and pairs.obs_id(int(self.model.order[current.row()])) == (mission, obs_id):
            return
        place = -1
        if mission in pairs.found:
            rows = self._session.catalogue(mission).rows_of([obs_id])
            place = self.model.place_of_observation(mission, int(rows[0])) if len(rows) else -1
        if place < 0:
            self._set_rows(self.table.clearSelection)
        else:
            self._set_rows(lambda: self.table.setCurrentIndex(self.model.index(place, 0)))
            self.table.selectRow(place)

    # export

    def ask_export(self) -> None:
        path = ask_save_path(self, "Export these pairs", "associations", self._session.table_formats())
        if path is not None:
            self.export(path)

    def export(self, path: Path) -> None:
        """Write the pairs of the chosen mission, or all, in the background."""
        pairs, mission = self.model.pairs, self._chosen_mission()
        if pairs is None:
            return
        found = {name: part for name, part in pairs.found.items() if not mission or name == mission}
        size = self.model.rowCount()

        def work() -> None:
            self._session.export_table(self._session.association_table(found, pairs.places), path)

        def done(_nothing: object) -> None:
            words = counted(size, "pair was", "pairs were")
            self._session.bus.publish(Notice("information", f"{words} written to {path}."))

        def failed(error: DaxaError) -> None:
            self._session.bus.publish(Notice("error", error.message, error.hint))

        self._context.background.act(self, "export associations", work, done, failed)
