"""The list of what can be inspected: exposures of the archive, the most doubtful first, and opened files on top."""

from __future__ import annotations

import functools
from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QColor, QKeySequence, QPainter, QPen, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.inspected import Inspected, Subject
from daxa_gui.gui.models.exposures import BY, DOUBT, DOUBT_ROLE, OBS_ID, UNIT, VERDICT, ExposureTable
from daxa_gui.gui.theme import Theme, as_muted
from daxa_gui.session import Session

FILE_TYPES = "FITS files (*.fits *.fit *.fts *.evt *.img *.FIT *.FTZ *.ds *.gz);;All files (*)"
_WIDE = {VERDICT: "✓", UNIT: "ACISE001", BY: "NuSTARDAS", DOUBT: "excluded"}
_NARROW = {DOUBT: "Doubt", BY: "eSASS", UNIT: "M1S001"}


class DoubtDelegate(QStyledItemDelegate):
    """The number, and a bar as long as the doubt is great."""

    def __init__(self, theme: Callable[[], Theme], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        self.initStyleOption(option, index)
        text, option.text = option.text, ""
        option.widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        theme = self._theme()
        doubt = index.data(DOUBT_ROLE)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        box = QRectF(option.rect).adjusted(5, 0, -5, 0)
        painter.save()
        painter.setPen(QColor(theme.accent_text if selected else theme.text if doubt is not None else theme.muted))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        if doubt is not None:
            level = theme.bad if doubt >= 0.7 else theme.warn if doubt >= 0.3 else theme.good
            left = box.left() + option.fontMetrics.horizontalAdvance("0.00") + 6
            bar = QRectF(left, box.center().y() - 4, max(4.0, box.right() - left), 8)
            painter.setPen(QPen(QColor(theme.accent_text if selected else theme.border), 1))
            painter.drawRect(bar)
            filled = QRectF(bar.left(), bar.top(), bar.width() * doubt, bar.height())
            painter.fillRect(filled, QColor(theme.accent_text if selected else level))
        painter.restore()


class ExposuresPanel(QWidget):
    """Choosing a row shows it everywhere; J and K walk through the rows from anywhere in the workspace."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.inspected = Inspected.of(session, context, bridge)
        self.model = ExposureTable(self, session.mission_labels())
        self._following = False
        self.setMinimumWidth(220)
        self._build()
        self.inspected.exposures_changed.connect(self._on_exposures_changed)
        self.inspected.subject_changed.connect(self._follow_subject)
        context.theme_changed.connect(lambda _theme: self.table.viewport().update())
        for key, step in (("J", 1), ("K", -1)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(functools.partial(self.walk, step))
        self._on_exposures_changed()

    def _build(self) -> None:
        self.search = QLineEdit(self)
        self.search.setObjectName("exposuresSearch")
        self.search.setAccessibleName("Search exposures")
        self.search.setPlaceholderText("Search")
        self.search.setToolTip("Words of ObsID, instrument, mission, software, verdict or note")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search_text_changed)
        self.open_button = QPushButton("Open f&ile…", self)
        self.open_button.setObjectName("exposuresOpen")
        self.open_button.setToolTip("Inspect an event list or an image outside the archive (Ctrl+Shift+O)")
        self.open_button.clicked.connect(self.choose_file)
        self._build_table()
        self.empty = QLabel(self)
        self.empty.setObjectName("exposuresEmpty")
        self.empty.setWordWrap(True)
        as_muted(self.empty)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.why = QLabel(self)
        self.why.setObjectName("exposuresWhy")
        self.why.setWordWrap(True)
        self.why.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.walked = QLabel(self)
        self.walked.setObjectName("exposuresPlace")
        as_muted(self.walked)
        top = QHBoxLayout()
        top.setSpacing(6)
        top.addWidget(self.search, 1)
        top.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.empty, 1)
        layout.addWidget(self.why)
        layout.addWidget(self.walked)

    def _build_table(self) -> None:
        self.table = QTableView(self)
        self.table.setObjectName("exposuresTable")
        self.table.setAccessibleName("Exposures, the most doubtful first")
        self.table.setModel(self.model)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.table.setTabKeyNavigation(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(self.table.fontMetrics().height() + 8)
        self.table.setItemDelegateForColumn(DOUBT, DoubtDelegate(lambda: self._context.theme, self.table))
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(22)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(OBS_ID, QHeaderView.ResizeMode.Stretch)
        for column in (VERDICT, UNIT, BY, DOUBT):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        self._fit_columns()
        self.table.selectionModel().currentRowChanged.connect(self._on_table_current_changed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_columns()

    def _fit_columns(self) -> None:
        """An ObsID is always whole; where there is little room the bars of doubt go first, then long names of software."""
        wide = {column: self._width_of(text) for column, text in _WIDE.items()}
        missing = self._width_of("79999002002") + sum(wide.values()) - self.table.viewport().width()
        for column, text in _NARROW.items():
            narrower = max(self._width_of(text), wide[column] - max(0, missing))
            missing -= wide[column] - narrower
            wide[column] = narrower
        for column, width in wide.items():
            self.table.setColumnWidth(column, width)

    def _width_of(self, text: str) -> int:
        return self.table.fontMetrics().horizontalAdvance(text) + 12

    # what is shown

    def _on_exposures_changed(self) -> None:
        self._following = True
        self.model.set_entries(self.inspected.files, self.inspected.exposures)
        self._following = False
        self._span_files()
        self._show_emptiness()
        self._follow_subject()

    def _span_files(self) -> None:
        """A file's name may use the whole row."""
        self.table.clearSpans()
        for row in range(self.model.rowCount()):
            if self.model.entry(row).exposure is not None:
                break  # files stand first
            self.table.setSpan(row, OBS_ID, 1, DOUBT - OBS_ID + 1)

    def _show_emptiness(self) -> None:
        shown = self.model.rowCount() > 0
        self.table.setVisible(shown)
        self.empty.setVisible(not shown)
        self.search.setEnabled(self.model.n_entries > 0)
        if self.model.n_entries:
            self.empty.setText("No exposure matches the search.")
        elif self._session.archive is None:
            self.empty.setText("No archive is open. Open an event list or image with « Open file… », or an archive (Ctrl+O).")
        else:
            self.empty.setText(
                "There is no event list yet. Those of the missions' archives stand here as soon as they are fetched, those that "
                "SAS, eSASS, CIAO or NuSTARDAS calibrate as soon as they are made. « Open file… » opens any event list or image."
            )

    def _follow_subject(self) -> None:
        """Mark the row of what is looked at, whoever chose it."""
        subject = self.inspected.subject
        row = -1 if subject is None else self.model.row_of(subject.path, subject.exposure)
        self._following = True
        if row >= 0:
            if self.table.currentIndex().row() != row:
                self.table.setCurrentIndex(self.model.index(row, OBS_ID))
            self.table.scrollTo(self.model.index(row, OBS_ID))
        else:
            self.table.clearSelection()
            self.table.selectionModel().clearCurrentIndex()
        self._following = False
        self.why.setText(self.model.entry(row).why() if row >= 0 else "")
        n = self.model.rowCount()
        self.walked.setText(
            f"{row + 1} of {n} · J next, K previous, L other list" if row >= 0 else f"{n} to look at · J begins" if n else ""
        )

    # what is wanted

    def _on_table_current_changed(self, index: QModelIndex, _before: QModelIndex) -> None:
        if self._following or not index.isValid():
            return
        entry = self.model.entry(index.row())
        if entry.exposure is not None:
            self._context.set_observation(entry.exposure.mission, entry.exposure.obs_id)
            self.inspected.show_exposure(entry.exposure)
        else:
            self.inspected.show(Subject(entry.path))

    def walk(self, step: int) -> None:
        """To the next (1) or previous (-1) row."""
        n = self.model.rowCount()
        if not n:
            return
        current = self.table.currentIndex()
        row = min(max(current.row() + step, 0), n - 1) if current.isValid() else 0
        self.table.setCurrentIndex(self.model.index(row, OBS_ID))

    def _on_search_text_changed(self, text: str) -> None:
        self._following = True
        self.model.set_needle(text)
        self._following = False
        self._span_files()
        self._show_emptiness()
        self._follow_subject()

    def choose_file(self) -> None:
        """Ask for a file and look at it."""
        path, _ = QFileDialog.getOpenFileName(self, "Open an event list or image", "", FILE_TYPES)
        if path:
            self._context.file_opened.emit(path)
