"""A sample from a file: which of its columns mean what, how near counts, and what to do with its positions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.filters import Positions
from daxa_gui.core.places import Places
from daxa_gui.core.sample import Sample, SampleColumns, SamplePreview
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import counted
from daxa_gui.gui.theme import as_heading
from daxa_gui.gui.widgets.distance_editor import DistanceEntry
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.sample_parts import FRAMES, MEANINGS, RADIUS_UNITS, DaysBox, ask_sample, sample_words
from daxa_gui.session import Session

_PAUSE_MS = 250


class SampleDialog(QDialog):
    """Everything is read in the background and checked while it is changed; nothing happens to the filters before « Add »."""

    association_requested = Signal(str, object, object, bool)  # label, Places, Distance, entirely inside
    checked = Signal()  # the sample was read with the present columns, or could not be

    def __init__(self, session: Session, context: Context, path: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("sampleDialog")
        self.setWindowTitle("Sample from a file")
        self.resize(860, 620)
        self._session = session
        self._context = context
        self._path = path
        self.preview: SamplePreview | None = None
        self.sample: Sample | None = None
        self._filling = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._read)
        self.boxes: dict[str, QComboBox] = {}
        self._build()
        self._update_buttons()
        self._load(path)

    # made once

    def _build(self) -> None:
        self.file = ElidedLabel(self)
        self.file.setObjectName("sampleFile")
        self.choose_button = QPushButton("&Other file…", self)
        self.choose_button.setObjectName("sampleChoose")
        self.choose_button.setToolTip("Read another file")
        self.choose_button.setAutoDefault(False)
        self.choose_button.clicked.connect(lambda _checked=False: self._on_choose_clicked())
        top = QHBoxLayout()
        top.addWidget(self.file, 1)
        top.addWidget(self.choose_button)
        self.table = self._make_table()
        self.verdict = muted_label("Reading …", self)
        self.verdict.setObjectName("sampleVerdict")
        self.problem = problem_label(self)
        self.problem.setObjectName("sampleProblem")
        self.distance = DistanceEntry(self._session.missions(), self, "The column that is chosen as « Radius » above.")
        self.distance.changed.connect(self._on_distance_changed)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._heading("What the columns mean"))
        layout.addLayout(self._columns_grid())
        layout.addLayout(self._options_row())
        layout.addWidget(self._heading("How near an observation has to be"))
        layout.addWidget(self.distance)
        layout.addWidget(self.verdict)
        layout.addWidget(self.problem)
        layout.addWidget(self._make_buttons())

    def _heading(self, text: str) -> QLabel:
        label = QLabel(text, self)
        as_heading(label)
        return label

    def _make_table(self) -> QTableWidget:
        table = QTableWidget(self)
        table.setObjectName("samplePreview")
        table.setAccessibleName("First rows of the file")
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        table.setMinimumHeight(130)
        table.verticalHeader().setDefaultSectionSize(table.fontMetrics().height() + 7)
        table.horizontalHeader().setHighlightSections(False)
        return table

    def _columns_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for place, (name, text, tip, _word) in enumerate(MEANINGS):
            box = self._box(f"sampleColumn_{name}", text.replace("&", ""), tip)
            box.currentIndexChanged.connect(lambda _index: self._on_columns_changed())
            self.boxes[name] = box
            self._put(grid, place, text, box)
        self.frame = self._box("sampleFrame", "Frame", "In which coordinates the positions are; they are turned into ICRS")
        for text, frame in FRAMES:
            self.frame.addItem(text, frame)
        self.frame.currentIndexChanged.connect(lambda _index: self._on_columns_changed())
        self._put(grid, len(MEANINGS), "&Frame", self.frame)
        for column in (1, 3, 5, 7):
            grid.setColumnStretch(column, 1)
        return grid

    def _put(self, grid: QGridLayout, place: int, text: str, widget: QWidget) -> None:
        label = QLabel(text, self)
        label.setBuddy(widget)
        row, column = divmod(place, 4)
        grid.addWidget(label, row, 2 * column)
        grid.addWidget(widget, row, 2 * column + 1)

    def _options_row(self) -> QHBoxLayout:
        self.days_before = self._days("sampleDaysBefore", "Days before", "How long before its time each window begins")
        self.days_after = self._days("sampleDaysAfter", "Days after", "How long after its time each window ends")
        self.radius_unit = self._box(
            "sampleRadiusUnit", "Unit of the radius column", "Used where the column has no unit of its own"
        )
        for text, unit in RADIUS_UNITS:
            self.radius_unit.addItem(text, unit)
        self.radius_unit.currentIndexChanged.connect(lambda _index: self._on_columns_changed())
        self.inside = QCheckBox("Observations must lie entirely inside the &window", self)
        self.inside.setObjectName("sampleInside")
        self.inside.setToolTip("Otherwise it is enough that an observation and the window have some time in common")
        row = QHBoxLayout()
        row.setSpacing(8)
        self._time_parts: list[QWidget] = []
        for text, widget in (("Window from", self.days_before), ("to", self.days_after)):
            label = QLabel(text, self)
            label.setBuddy(widget)
            self._time_parts += [label, widget]
            row.addWidget(label)
            row.addWidget(widget)
        self._radius_parts: list[QWidget] = [QLabel("Radius in", self), self.radius_unit]
        for part in (*self._radius_parts, self.inside):
            row.addWidget(part)
        row.addStretch(1)
        return row

    def _days(self, name: str, accessible: str, tip: str) -> DaysBox:
        box = DaysBox(self)
        box.setObjectName(name)
        box.setAccessibleName(accessible)
        box.setToolTip(tip)
        box.setRange(0.0, 100_000.0)
        box.setDecimals(3)
        box.setSuffix(" days before" if name.endswith("Before") else " days after")
        box.valueChanged.connect(lambda _value: self._on_columns_changed())
        return box

    def _box(self, name: str, accessible: str, tip: str) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(name)
        box.setAccessibleName(accessible)
        box.setToolTip(tip)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(9)
        return box

    def _make_buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        cancel.setObjectName("sampleCancel")
        cancel.setToolTip("Do nothing with this file (Escape)")
        buttons.rejected.connect(self.reject)
        self.add_button = buttons.addButton("&Add as filter", QDialogButtonBox.ButtonRole.AcceptRole)
        self.add_button.setObjectName("sampleAdd")
        self.add_button.clicked.connect(lambda _checked=False: self.add_filter())
        self.show_button = buttons.addButton("Show association ta&ble", QDialogButtonBox.ButtonRole.ActionRole)
        self.show_button.setObjectName("sampleShow")
        self.show_button.setAutoDefault(False)
        self.show_button.clicked.connect(lambda _checked=False: self.show_association())
        return buttons

    # the file

    def _on_choose_clicked(self) -> None:
        path = ask_sample(self)
        if path is not None:
            self._load(path)

    def _load(self, path: Path) -> None:
        self._path, self.preview, self.sample = path, None, None
        self.file.setText(str(path))
        self.file.setToolTip(str(path))
        self.verdict.setText("Reading …")
        show_problem(self.problem, "")
        self._update_buttons()
        self._context.background.forget(self, "sample")
        self._context.background.read(
            self, "preview", lambda: self._session.preview_sample(path), self._on_preview, self._on_unreadable
        )

    def _on_unreadable(self, error: DaxaError) -> None:
        self.preview = self.sample = None
        self.table.setColumnCount(0)
        self.table.setRowCount(0)
        for box in self.boxes.values():
            box.clear()
        self._say(str(error))

    def _on_preview(self, preview: SamplePreview) -> None:
        self.preview = preview
        size = counted(preview.n_rows, "row", "rows")
        self.file.setText(f"{self._path}  ·  {preview.format}, {size}, {counted(len(preview.columns), 'column', 'columns')}")
        self._fill_table(preview)
        self._filling = True
        guess = preview.guess
        for name, box in self.boxes.items():
            box.clear()
            box.addItem("(none)" if name not in ("ra", "dec") else "(choose)", "")
            for column, unit in zip(preview.columns, preview.units, strict=True):
                box.addItem(f"{column} ({unit})" if unit else column, column)
            box.setCurrentIndex(max(0, box.findData(getattr(guess, name))))
        self.frame.setCurrentIndex(max(0, self.frame.findData(guess.frame)))
        self.radius_unit.setCurrentIndex(max(0, self.radius_unit.findData(guess.radius_unit)))
        self.days_before.setValue(guess.days_before)
        self.days_after.setValue(guess.days_after)
        self._filling = False
        self._on_columns_changed()

    def _fill_table(self, preview: SamplePreview) -> None:
        self.table.setRowCount(len(preview.rows))
        self.table.setColumnCount(len(preview.columns))
        for row, cells in enumerate(preview.rows):
            for column, cell in enumerate(cells):
                self.table.setItem(row, column, QTableWidgetItem(cell))
        self._update_headings()
        self.table.resizeColumnsToContents()
        for section in range(self.table.columnCount()):
            self.table.setColumnWidth(section, min(self.table.columnWidth(section) + 10, 220))

    def _update_headings(self) -> None:
        """Above each column its name and unit, and below that what it is used for."""
        if self.preview is None:
            return
        used = {str(self.boxes[name].currentData()): word for name, _, _, word in MEANINGS if self.boxes[name].isEnabled()}
        labels = []
        for column, unit in zip(self.preview.columns, self.preview.units, strict=True):
            labels.append(f"{column}{f' ({unit})' if unit else ''}\n{'↳ ' + used[column] if column in used else ' '}")
        self.table.setHorizontalHeaderLabels(labels)

    # the columns

    def columns(self) -> SampleColumns:
        """What the entries say."""
        chosen = {name: str(box.currentData() or "") for name, box in self.boxes.items() if box.isEnabled()}
        timed = bool(chosen.get("time"))
        return replace(
            SampleColumns(),
            **chosen,
            frame=str(self.frame.currentData()),
            radius_unit=str(self.radius_unit.currentData()),
            days_before=self.days_before.value() if timed else 0.0,
            days_after=self.days_after.value() if timed else 0.0,
        )

    def _on_columns_changed(self) -> None:
        if self._filling or self.preview is None:
            return
        has = {name: bool(box.currentData()) for name, box in self.boxes.items()}
        self.boxes["time"].setEnabled(not (has["start"] or has["end"]))
        for name in ("start", "end"):
            self.boxes[name].setEnabled(not has["time"] or not self.boxes["time"].isEnabled())
        for part in self._time_parts:
            part.setVisible(has["time"] and self.boxes["time"].isEnabled())
        for part in self._radius_parts:
            part.setVisible(has["radius"])
        self.inside.setVisible(has["time"] or has["start"] or has["end"])
        self._offer_own_radii(has["radius"])
        self._update_headings()
        self.sample = None
        self.verdict.setText("Checking …")
        show_problem(self.problem, "")
        self._update_buttons()
        self._pause.start()

    def _offer_own_radii(self, there: bool) -> None:
        """Each position's own radius can be chosen only where a column has it."""
        box = self.distance.kind
        place = box.findData("positions")
        model = box.model()
        if hasattr(model, "item") and place >= 0:
            model.item(place).setEnabled(there)
            tip = "The radius that the column « Radius » gives" if there else "Say first which column has the radius"
            model.item(place).setToolTip(tip)
        if not there and box.currentIndex() == place:
            box.setCurrentIndex(box.findData("default"))

    def _read(self) -> None:
        if self.preview is None:
            return
        path, columns = self._path, self.columns()
        if not (columns.ra and columns.dec):
            self._say("Say which columns have the right ascension and the declination.")
            return
        self._context.background.read(
            self, "sample", lambda: self._session.read_sample(path, columns), self._on_sample, lambda error: self._say(str(error))
        )

    def _on_sample(self, sample: Sample) -> None:
        if self._pause.isActive():  # another column was chosen meanwhile
            return
        self.sample = sample
        self.verdict.setText(f"✓ {sample_words(sample, self.columns())}")
        self._on_distance_changed()
        self.checked.emit()

    def _say(self, sentence: str) -> None:
        self.sample = None
        self.verdict.setText("")
        show_problem(self.problem, sentence)
        self._update_buttons()
        self.checked.emit()

    # what is done with it

    def _on_distance_changed(self) -> None:
        if self.sample is None:
            return
        try:
            self._filter()
        except InputError as error:
            show_problem(self.problem, str(error))
            self._update_buttons(False)
            return
        show_problem(self.problem, "")
        self._update_buttons()

    def _filter(self) -> Positions:
        """Raises InputError while an entry cannot be read."""
        if self.sample is None:
            raise InputError("The file is being read.")
        inside = self.inside.isChecked() and self.sample.places.has_windows
        return Positions(self.sample.places, None, self.sample.label, self.distance.value(), inside)

    def _update_buttons(self, fine: bool = True) -> None:
        ready = self.sample is not None and fine
        why = "" if ready else "The file, its columns and the distance have to be in order first"
        self.add_button.setEnabled(ready)
        self.show_button.setEnabled(ready)
        self.add_button.setToolTip(why or "Only observations near these positions pass; can be undone")
        self.show_button.setToolTip(why or "List which observation covers which position; the filters stay as they are")

    def add_filter(self) -> None:
        self._context.set_stack(self._context.stack.add(self._filter()))
        self.accept()

    def show_association(self) -> None:
        item = self._filter()
        places: Places = item.places
        self.association_requested.emit(item.label, places, item.reach, item.entirely_inside)
        self.accept()
