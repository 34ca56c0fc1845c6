"""The tree of downloads on the screen: columns that fit its width, what is chosen, and the menu of its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QGuiApplication, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTreeView, QWidget

from daxa_gui.gui.models.download_columns import WORDS, Rows
from daxa_gui.gui.models.downloads import Column, DownloadTree
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.state_painter import ProgressDelegate, StateDelegate, TextDelegate, width_of_state

_MOST_OPENED = 2000  # rows below a mission that opens by itself
_MOST_FOUND = 1000  # files that a filter leaves: so many are opened with all that they stand below
_MOST_REMEMBERED = 100  # selected ranges of rows; a larger selection ends when a filter shows other rows
NOTHING_FOUND = "No file is like that. « All states » and an empty text show all of them."
Node = tuple[int, int]
# Widths for letters of the usual height; larger ones need more.
_USUAL_FONT_PX = 16
_WIDTHS = {
    Column.PROGRESS: 80,
    Column.SIZE: 80,
    Column.RATE: 72,
    Column.LEFT: 86,
    Column.MESSAGE: 170,
}
# A narrower view leaves these columns to tool tips and to the lines around it.
_NEEDS_PX = {Column.PROGRESS: 290, Column.SIZE: 340, Column.RATE: 450, Column.LEFT: 560, Column.MESSAGE: 700}
_WHILE_RUNNING = (Column.RATE, Column.LEFT)


class DownloadsView(QTreeView):
    """Groups that a person closed stay closed; missions are opened when they come."""

    def __init__(self, model: DownloadTree, theme: Callable[[], Theme], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tree = model
        self._chosen: Rows | None = None
        self._generation = model.generation
        self._open: set[Node] = set()
        self._selected: list[Node] = []
        self._current: Node | None = None
        self._busy = True
        self._scrolled = 0
        self.setObjectName("downloadsTree")
        self.setAccessibleName("Downloads by mission, observation and file")
        self.setModel(model)
        self.setUniformRowHeights(True)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setIndentation(14)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setItemDelegate(TextDelegate(theme, self))
        self.setItemDelegateForColumn(Column.STATE, StateDelegate(theme, self))
        self.setItemDelegateForColumn(Column.PROGRESS, ProgressDelegate(theme, self))
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(Column.NAME, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(40)
        for column, width in _WIDTHS.items():
            header.resizeSection(column, self._scaled(width))
        words = max(width_of_state(word, self.fontMetrics()) for word in WORDS)
        header.resizeSection(Column.STATE, words + 4)
        self.selectionModel().selectionChanged.connect(lambda *_: self._forget_chosen())
        self.expanded.connect(lambda index: self._open.add(model.node(index)))
        self.collapsed.connect(lambda index: self._open.discard(model.node(index)))
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._on_model_reset)
        model.rowsInserted.connect(self._on_rows_inserted)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_columns()

    def _scaled(self, width: int) -> int:
        """A width for letters of the usual height, as it has to be for those of this view."""
        return round(width * max(1.0, self.fontMetrics().height() / _USUAL_FONT_PX))

    def set_busy(self, busy: bool) -> None:
        """Whether anything is still to come: otherwise rates and times left are no use, and the names get their room."""
        if busy != self._busy:
            self._busy = busy
            self._show_columns()

    def _show_columns(self) -> None:
        for column, needed in _NEEDS_PX.items():
            wanted = self.width() >= self._scaled(needed) and (self._busy or column not in _WHILE_RUNNING)
            if self.isColumnHidden(column) == wanted:
                self.setColumnHidden(column, not wanted)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._tree.is_filtered and not self._tree.rowCount():
            box = self.viewport().rect().adjusted(20, 0, -20, 0)
            with QPainter(self.viewport()) as painter:
                painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
                painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), NOTHING_FOUND)

    # ---- what is open

    def open_missions(self) -> None:
        for row in range(self._tree.rowCount()):
            self._open_mission(self._tree.index(row, 0))

    def open_what_is_found(self) -> None:
        """Everything, while that is not too much to look at."""
        if len(self._tree.chosen(QItemSelection())) <= _MOST_FOUND:
            self._open_nodes(self._tree.groups())
        else:
            self.open_missions()

    def follow_filter(self) -> None:
        """What the filter leaves by now; groups that come are opened, those that a person closed stay closed."""
        before = set(self._tree.groups())
        self._tree.refilter()
        new = [node for node in self._tree.groups() if node not in before]
        self._open_nodes(new if len(new) <= _MOST_FOUND else ())

    def collapse_all(self) -> None:
        self._open.clear()
        self.collapseAll()

    def _open_nodes(self, nodes: Iterable[Node]) -> None:
        self.scheduleDelayedItemsLayout()  # once for all of them
        for node in nodes:
            index = self._tree.index_of(node)
            if index.isValid():
                self.expand(index)

    def _open_mission(self, index: QModelIndex) -> None:
        if self._tree.rowCount(index) <= _MOST_OPENED:
            self.expand(index)

    def _on_rows_inserted(self, parent: QModelIndex, first: int, last: int) -> None:
        self._forget_chosen()
        if not parent.isValid():
            for row in range(first, last + 1):
                self._open_mission(self._tree.index(row, 0))
        elif not parent.parent().isValid() and first == 0:
            self._open_mission(parent)

    def _remember(self) -> None:
        """What is selected and where one is, before the rows are others."""
        self._scrolled = self.verticalScrollBar().value()
        current, selection = self.currentIndex(), self.selectionModel().selection()
        self._current = self._tree.node(current) if current.isValid() else None
        self._selected = []
        if selection.count() <= _MOST_REMEMBERED:
            for ranges in selection.toList():
                for row in range(ranges.top(), min(ranges.bottom() + 1, ranges.top() + _MOST_REMEMBERED)):
                    self._selected.append(self._tree.node(self._tree.index(row, 0, ranges.parent())))

    def _on_model_reset(self) -> None:
        self._forget_chosen()
        if self._generation != self._tree.generation:
            self._generation = self._tree.generation
            self._open.clear()
            self.open_missions()
            return
        self._open_nodes(sorted(self._open))
        flags = QItemSelectionModel.SelectionFlag
        if self._current is not None and (index := self._tree.index_of(self._current)).isValid():
            self.selectionModel().setCurrentIndex(index, flags.NoUpdate)
        for node in self._selected:
            index = self._tree.index_of(node)
            if index.isValid():
                self.selectionModel().select(index, flags.Select | flags.Rows)
        self.verticalScrollBar().setValue(self._scrolled)

    # ---- what is chosen

    @property
    def has_selection(self) -> bool:
        return self.selectionModel().hasSelection()

    def chosen(self) -> Rows:
        """The files below the selected rows; all that are shown while nothing is selected."""
        if self._chosen is None:
            self._chosen = self._tree.chosen(self.selectionModel().selection())
        return self._chosen

    def _forget_chosen(self) -> None:
        self._chosen = None

    def selectAll(self) -> None:
        """The missions: what is below them goes with them, and selecting thousands of rows would take a second."""
        flags = QItemSelectionModel.SelectionFlag
        self.selectionModel().clearSelection()
        for row in range(self._tree.rowCount()):
            self.selectionModel().select(self._tree.index(row, 0), flags.Select | flags.Rows)

    def select_row_at(self, position: QPoint) -> None:
        """A menu is about the row below the pointer unless that is one of several selected ones."""
        index = self.indexAt(position)
        if index.isValid() and not self.selectionModel().isSelected(index):
            self.setCurrentIndex(index)

    def menu(self, actions: list[QAction | None]) -> QMenu:
        """The menu of the selected rows; None is a line between entries."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in actions:
            if action is None:
                menu.addSeparator()
            else:
                menu.addAction(action)
        return menu

    def copy(self) -> None:
        """Name, state and message of the selected rows, a line each."""
        lines = []
        for index in self.selectionModel().selectedRows():
            texts = (index.siblingAtColumn(column).data() for column in (Column.NAME, Column.STATE, Column.SIZE, Column.MESSAGE))
            lines.append("\t".join(text or "" for text in texts))
        if lines:
            QGuiApplication.clipboard().setText("\n".join(lines))
