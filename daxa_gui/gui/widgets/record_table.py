"""The view of `models.records.Records`: rows are chosen whole, headings sort, Ctrl+C copies what is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QRect, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon, QKeySequence, QPainter, QPaintEvent, QPalette, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QStyledItemDelegate, QStyleOptionViewItem, QTableView, QWidget

from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import STATE_ROLE, Index
from daxa_gui.gui.models.records import RecordColumn, Records, arranged
from daxa_gui.gui.widgets.state_painter import state_colour, state_mark

Digest = Callable[[Sequence[Any], list[int]], Any]
_MANY = 500  # records; more are arranged in the background
_LOOKED_AT = 60  # rows that decide about the widths of columns
_LOOKED_THROUGH = 5000  # rows among which what was chosen is looked for again
_WIDEST_PX = 420


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
    """Large tables are arranged in the background; what was chosen stays chosen when it is still there.

    Parameters
    ----------
    digest : made of (records, numbers of those that are shown), in the background too; `table.digest` has what it returned when
        `arranged` is emitted.
    """

    chosen_changed = Signal()
    arranged = Signal()

    def __init__(
        self,
        name: str,
        title: str,
        columns: Sequence[RecordColumn],
        context: Context,
        parent: QWidget | None = None,
        *,
        digest: Digest | None = None,
    ) -> None:
        super().__init__(parent)
        self._context = context
        self._records: Sequence[Any] = ()
        self._words = ""
        self._wanted: Any = None
        self._sort: tuple[int, bool] | None = None
        self._digest = digest
        self.digest: Any = None
        self._empty = ""
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.records_model = Records(columns, self)
        self.setModel(self.records_model)
        for number, column in enumerate(columns):
            if column.state is not None:
                self.setItemDelegateForColumn(number, _MarkDelegate(context, self))
        self._set_up_view()
        self.selectionModel().selectionChanged.connect(lambda _new, _old: self.chosen_changed.emit())
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        copy.activated.connect(self.copy_chosen)
        context.theme_changed.connect(lambda _theme: self.viewport().update())

    def _set_up_view(self) -> None:
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
        header.setResizeContentsPrecision(_LOOKED_AT)
        # Painting itself, a heading asks its selection model about every row: seconds, when all of many rows are chosen.
        header.setSelectionModel(QItemSelectionModel(self.records_model, header))
        header.sectionClicked.connect(self._on_heading_clicked)
        self._fit_columns()

    def set_records(self, records: Sequence[Any]) -> None:
        self._records = records
        self._arrange()

    def show_only(self, words: str = "", wanted: Any = None) -> None:
        """Records that hold these words and for which `wanted` is true (None: all)."""
        self._words, self._wanted = words, wanted
        self._arrange()

    def say_if_empty(self, sentence: str) -> None:
        """What stands in the table while it has no row."""
        if sentence != self._empty:
            self._empty = sentence
            self.setAccessibleDescription(sentence)
            self.viewport().update()

    def chosen(self) -> list[Any]:
        """The chosen records from top to bottom."""
        rows = sorted({row for top, bottom in self._chosen_parts() for row in range(top, bottom + 1)})
        return [self.records_model.record(row) for row in rows]

    def n_chosen(self) -> int:
        """How many rows are chosen; quick however many there are."""
        return sum(bottom - top + 1 for top, bottom in self._chosen_parts())

    def _chosen_parts(self) -> set[tuple[int, int]]:
        """First and last rows of what is chosen; there are few of them even where many rows are chosen."""
        selection = self.selectionModel().selection()
        return {(part.top(), part.bottom()) for part in map(selection.at, range(selection.size()))}

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
        records, columns, digest = self._records, self.records_model.columns, self._digest
        words, wanted, sort = self._words, self._wanted, self._sort

        def arrange() -> tuple[Sequence[Any], list[int], Any]:
            rows = arranged(records, columns, words, wanted, sort)
            return records, rows, digest(records, rows) if digest is not None else None

        if len(records) < _MANY:
            self._context.background.forget(self, "arrange")  # an older question about more records
            self._on_arranged(arrange())
        else:
            self._context.background.read(self, "arrange", arrange, self._on_arranged)

    def _on_arranged(self, result: tuple[Sequence[Any], list[int], Any]) -> None:
        records, rows, self.digest = result
        first = not self.records_model.rows
        kept = set(map(_identity, self.chosen())) if 0 < self.n_chosen() <= _LOOKED_THROUGH else set()
        blocked = self.selectionModel().blockSignals(True)  # one signal is enough
        self.records_model.replace(records, rows)
        if kept:
            self._choose_again(kept)
        self.selectionModel().blockSignals(blocked)
        if first and rows:
            self._fit_columns()
        self.arranged.emit()
        self.chosen_changed.emit()

    def _fit_columns(self) -> None:
        """As wide as their contents, with room beside numbers, none wider than what leaves the others in sight."""
        self.resizeColumnsToContents()
        for number in range(len(self.records_model.columns) - 1):
            self.setColumnWidth(number, min(self.columnWidth(number) + 12, _WIDEST_PX))

    def _choose_again(self, kept: set[Any]) -> None:
        selection = self.selectionModel()
        flags = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
        for row in range(min(len(self.records_model.rows), _LOOKED_THROUGH)):
            if _identity(self.records_model.record(row)) in kept:
                selection.select(self.records_model.index(row, 0), flags)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._empty and not self.records_model.rows:
            room: QRect = self.viewport().rect().adjusted(12, 8, -12, -8)
            with QPainter(self.viewport()) as painter:
                painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty)


def _identity(record: Any) -> Any:
    """By what a record is the same as an earlier one: its `identity`, or itself."""
    return getattr(record, "identity", None) or repr(record)
