"""The view of `models.records.Records`: rows are chosen whole, headings sort, Ctrl+C copies what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import STATE_ROLE, Index
from daxa_gui.gui.models.records import RecordColumn, Records, arranged
from daxa_gui.gui.widgets.state_painter import state_colour, state_mark


class _MarkDelegate(QStyledItemDelegate):
    """The mark of a state before the text of its cell."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        word = index.data(STATE_ROLE)
        if word:
            theme = self._context.theme
            selected = bool(option.state & option.state.State_Selected)
            colour = theme.accent_text if selected else state_colour(word, theme)
            option.icon = QIcon(state_mark(word, colour, 2.0))
            option.features |= QStyleOptionViewItem.ViewItemFeature.HasDecoration


class RecordTable(QTableView):
    """Large tables are arranged in the background; what was chosen stays chosen when it is still there (`same` tells)."""

    chosen_changed = Signal()
    arranged = Signal()

    def __init__(
        self, name: str, title: str, columns: Sequence[RecordColumn], context: Context, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._records: Sequence[Any] = ()
        self._words = ""
        self._wanted: Any = None
        self._sort: tuple[int, bool] | None = None
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.records_model = Records(columns, self)
        self.setModel(self.records_model)
        for number, column in enumerate(columns):
            if column.state is not None:
                self.setItemDelegateForColumn(number, _MarkDelegate(context, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 7)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setStretchLastSection(True)
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(False)
        header.sectionClicked.connect(self._on_heading_clicked)
        self.selectionModel().selectionChanged.connect(lambda _new, _old: self.chosen_changed.emit())
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy_chosen)
        context.theme_changed.connect(lambda _theme: self.viewport().update())

    def set_records(self, records: Sequence[Any]) -> None:
        self._records = records
        self._arrange()

    def show_only(self, words: str = "", wanted: Any = None) -> None:
        """Records that hold these words and for which `wanted` is true (None: all)."""
        self._words, self._wanted = words, wanted
        self._arrange()

    def chosen(self) -> list[Any]:
        rows = sorted({index.row() for index in self.selectionModel().selectedRows()})
        return [self.records_model.record(row) for row in rows]

    def copy_chosen(self) -> None:
        """Chosen rows as text with tabulators, the headings first."""
        columns = self.records_model.columns
        lines = ["\t".join(column.heading for column in columns)]
        lines += ["\t".join(column.text(record) for column in columns) for record in self.chosen()]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def _on_heading_clicked(self, section: int) -> None:
        descending = self._sort == (section, False)
        self._sort = (section, descending)
        header = self.horizontalHeader()
        header.setSortIndicatorShown(True)
        header.setSortIndicator(section, Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder)
        self._arrange()

    def _arrange(self) -> None:
        records, columns = self._records, self.records_model.columns
        words, wanted, sort = self._words, self._wanted, self._sort
        if len(records) < 500:
            self._on_arranged((records, arranged(records, columns, words, wanted, sort)))
            return
        self._context.background.read(
            self, "arrange", lambda: (records, arranged(records, columns, words, wanted, sort)), self._on_arranged
        )

    def _on_arranged(self, result: tuple[Sequence[Any], list[int]]) -> None:
        records, rows = result
        first = not self.records_model.rows
        kept = set(map(_identity, self.chosen()))
        self.records_model.replace(records, rows)
        if first and rows:
            self.resizeColumnsToContents()
        if kept:
            self._choose_again(kept)
        self.arranged.emit()
        self.chosen_changed.emit()

    def _choose_again(self, kept: set[Any]) -> None:
        selection = self.selectionModel()
        for row in range(min(len(self.records_model.rows), 5000)):
            if _identity(self.records_model.record(row)) in kept:
                index = self.records_model.index(row, 0)
                selection.select(index, selection.SelectionFlag.Select | selection.SelectionFlag.Rows)


def _identity(record: Any) -> Any:
    """By what a record is the same as an earlier one: its `identity`, or itself."""
    return getattr(record, "identity", None) or repr(record)
