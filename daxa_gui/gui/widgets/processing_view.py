"""The processing grid on the screen: headings that fold observations, keys, tool tips, and a selection that outlives sorting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QToolTip, QWidget

from daxa_gui.gui.models.jobs import Index
from daxa_gui.gui.models.processing import ProcessingGrid
from daxa_gui.gui.models.processing_cells import Numbers
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.state_painter import GridDelegate
from daxa_gui.gui.widgets.step_header import StepHeader

_MOST_RANGES = 500  # of a selection that is looked for again after sorting
_FOLD_PX = 22  # so much of a heading folds its observation
NOTHING_FOUND = "Nothing is like that. « Any state » and an empty text show all rows."
_SELECT = QItemSelectionModel.SelectionFlag.Select
_CURRENT = QItemSelectionModel.SelectionFlag.NoUpdate


class _Headings(QHeaderView):
    """Row headings; a click at the beginning of an observation's one folds it."""

    fold_requested = Signal(int)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.position().x() < _FOLD_PX:
            row = self.logicalIndexAt(event.position().toPoint())
            model = self.model()
            if isinstance(model, ProcessingGrid) and 0 <= row < model.rowCount() and model.is_heading(row):
                self.fold_requested.emit(row)
                return
        super().mousePressEvent(event)


class ProcessingView(QTableView):
    """Emits `activated_cell` for Enter and double clicks, `tip_wanted` when the pointer rests on a cell."""

    activated_cell = Signal()
    tip_wanted = Signal(int, QPoint)  # id of the job, place on the screen
    fold_requested = Signal(int, bool)  # row, fold (else unfold)
    menu_wanted = Signal(QPoint)  # place on the screen

    def __init__(self, model: ProcessingGrid, theme: Callable[[], Theme], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._grid = model
        self._kept: list[tuple[Numbers, int, int]] = []  # rows, first and last step
        self._kept_all = False
        self._kept_current: tuple[int, int] | None = None
        self._kept_top = -1
        self._busy = False
        self.setObjectName("processingGrid")
        self.setAccessibleName("Processing: observations, their units, and steps")
        headings = _Headings(Qt.Orientation.Vertical, self)
        across = StepHeader(self)
        self.setVerticalHeader(headings)
        self.setHorizontalHeader(across)
        self.setModel(model)
        self.setItemDelegate(GridDelegate(model.look, theme, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setTabKeyNavigation(False)  # Tab leaves the grid; the arrow keys walk in it
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._set_up_headers(across, headings)
        headings.fold_requested.connect(lambda row: self.fold_requested.emit(row, not self._grid.is_collapsed(row)))
        self.doubleClicked.connect(lambda _index: self.activated_cell.emit())
        model.about_to_arrange.connect(self._remember)
        model.arranged_anew.connect(self._recall)

    def _set_up_headers(self, across: StepHeader, headings: _Headings) -> None:
        across.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        across.setSectionsClickable(True)
        across.setFixedHeight(across.two_lines())
        headings.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        headings.setDefaultSectionSize(max(24, self.fontMetrics().height() + 8))
        headings.setSectionsClickable(True)
        for header in (across, headings):
            header.setHighlightSections(False)
            # Painting itself, a heading asks its selection model about every row: seconds, when all of many are chosen.
            header.setSelectionModel(QItemSelectionModel(self._grid, header))
        across.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    # ---- what is chosen, over sorting and filtering

    @property
    def is_rearranging(self) -> bool:
        """Selection signals that come now are no person's doing."""
        return self._busy

    def _remember(self) -> None:
        selection, grid = self.selectionModel().selection(), self._grid
        self._busy = True
        n, columns = grid.rowCount(), grid.columnCount()
        first = selection.at(0) if selection.size() else None
        whole = first is not None and (first.top(), first.left(), first.bottom() + 1, first.right() + 1) == (0, 0, n, columns)
        self._kept_all = whole and selection.size() == 1 and n > 1
        self._kept = []
        if not self._kept_all and selection.size() <= _MOST_RANGES:
            for part in (selection.at(number) for number in range(selection.size())):
                rows = grid.rows_of(np.arange(part.top(), part.bottom() + 1))
                self._kept.append((rows, grid.step_number(part.left()), grid.step_number(part.right())))
        current, top = self.currentIndex(), self.rowAt(0)
        here = current.isValid()
        self._kept_current = (
            (int(grid.rows_of(np.array([current.row()]))[0]), grid.step_number(current.column())) if here else None
        )
        self._kept_top = int(grid.rows_of(np.array([top]))[0]) if 0 < top < n else -1

    def _recall(self) -> None:
        """Rows keep their numbers unless all jobs were read anew; then those that stand elsewhere are not found again."""
        selection = QItemSelection()
        for rows, left, right in self._kept:
            self._add_ranges(selection, np.sort(self._places(rows)), self._grid.column_of(left), self._grid.column_of(right))
        if self._kept_current is not None:
            index = self._grid.index(self._place(self._kept_current[0]), self._grid.column_of(self._kept_current[1]))
            if index.isValid():
                self.selectionModel().setCurrentIndex(index, _CURRENT)
        if self._kept_all:
            self.selectAll()
        elif selection.size():
            self.selectionModel().select(selection, _SELECT)
        if self._kept_top >= 0 and (top := self._place(self._kept_top)) > 0:
            self.verticalScrollBar().setValue(top)
        self._kept = []
        self._busy = False

    def _place(self, row: int) -> int:
        """−1 if it is not shown any more."""
        places = self._places(np.array([row]))
        return int(places[0]) if len(places) else -1

    def _places(self, rows: Numbers) -> Numbers:
        places = self._grid.places_of(rows)
        return places[places >= 0]

    def _add_ranges(self, selection: QItemSelection, places: Numbers, left: int, right: int) -> None:
        if left < 0 or right < 0 or not len(places):
            return
        breaks = np.flatnonzero(np.diff(places) > 1)
        starts, ends = [places[0], *places[breaks + 1]], [*places[breaks], places[-1]]
        if len(starts) > _MOST_RANGES:
            return
        for first, last in zip(starts, ends, strict=True):
            selection.select(self._grid.index(int(first), left), self._grid.index(int(last), right))

    # ---- keys, pointer, empty state

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.clearSelection()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated_cell.emit()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus) and self.currentIndex().isValid():
            self.fold_requested.emit(self.currentIndex().row(), key == Qt.Key.Key_Minus)
        elif key == Qt.Key.Key_Menu or (key == Qt.Key.Key_F10 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier):
            box = self.visualRect(self.currentIndex())
            self.menu_wanted.emit(self.viewport().mapToGlobal(box.center() if box.isValid() else QPoint(8, 8)))
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.RightButton:
            index = self.indexAt(event.position().toPoint())
            if index.isValid() and not self.selectionModel().isSelected(index):
                self.selectionModel().setCurrentIndex(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)
            self.menu_wanted.emit(event.globalPosition().toPoint())
            return
        super().mousePressEvent(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index: Index = self.indexAt(event.pos())
            job = self._grid.job(index)
            QToolTip.showText(event.globalPos(), index.data(Qt.ItemDataRole.ToolTipRole) or "", self.viewport())
            if job is not None:
                self.tip_wanted.emit(job.id, event.globalPos())
            return True
        return super().viewportEvent(event)

    def show_tip(self, job_id: int, place: QPoint, text: str) -> None:
        """More about a cell, if the pointer is still on it."""
        job = self._grid.job(self.indexAt(self.viewport().mapFromGlobal(place)))
        if job is not None and job.id == job_id and QToolTip.isVisible():
            QToolTip.showText(place, text, self.viewport(), QRect())

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._grid.rowCount() or not self._grid.choice.narrows:
            return
        room = self.viewport().rect().adjusted(12, 8, -12, -8)
        with QPainter(self.viewport()) as painter:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, NOTHING_FOUND)
