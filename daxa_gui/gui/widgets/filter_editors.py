"""The editors of filters that are no places: time window, ObsIDs, target types."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QDateTime, Qt
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Filter, ObsIds, TargetType, TimeRange, parse_obs_ids
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.gui.texts import utc_text
from daxa_gui.gui.widgets.place_editors import FilterEditor, entry_line, labelled


class TimeEditor(FilterEditor):
    title = "Time window"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        example = QDateTime.currentDateTimeUtc().toString("yyyy-MM-dd")
        tip = "UTC, for example 2019-11-03, 2019-11-03 12:30 or 2019-11-03T12:30:15; empty leaves this side open"
        self.start = entry_line(self, "timeFrom", "From (UTC)", tip, "2019-11-03 12:30:00")
        self.end = entry_line(self, "timeTo", "To (UTC)", tip, example)
        self.overlap = QRadioButton("Any o&verlap with the window", self)
        self.overlap.setObjectName("timeOverlap")
        self.overlap.setToolTip("Observations of which some part lies in the window")
        self.inside = QRadioButton("&Entirely inside the window", self)
        self.inside.setObjectName("timeInside")
        self.inside.setToolTip("Observations that begin and end in the window")
        self.overlap.setChecked(True)
        self.inside.toggled.connect(lambda _on: self.changed.emit())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        labelled(grid, 0, "&From", self.start, "UTC")
        labelled(grid, 1, "&To", self.end, "UTC")
        grid.addWidget(self.overlap, 2, 1)
        grid.addWidget(self.inside, 3, 1)
        self.setFocusProxy(self.start)

    def filter(self) -> Filter:
        start, end = self.start.text().strip(), self.end.text().strip()
        if not start and not end:
            raise InputError("Give a beginning, an end, or both.")
        start_mjd = iso_to_mjd(start) if start else -math.inf
        end_mjd = iso_to_mjd(end) if end else math.inf
        if start_mjd > end_mjd:
            raise InputError("The time window ends before it begins.")
        return TimeRange(start_mjd, end_mjd, entirely_inside=self.inside.isChecked())

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, TimeRange)
        for entry, mjd in ((self.start, item.start_mjd), (self.end, item.end_mjd)):
            entry.setText(utc_text(mjd) if math.isfinite(mjd) else "")
        (self.inside if item.entirely_inside else self.overlap).setChecked(True)


class ObsIdsEditor(FilterEditor):
    title = "ObsIDs"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("obsIds")
        self.text.setAccessibleName("ObsIDs")
        self.text.setToolTip("Paste or type ObsIDs; blanks, commas, semicolons and new lines separate them")
        self.text.setPlaceholderText("0999900101, 0999900201 …")
        self.text.setTabChangesFocus(True)
        self.text.textChanged.connect(self.changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self.setFocusProxy(self.text)

    def filter(self) -> Filter:
        text = self.text.toPlainText()
        if not text.strip():
            raise InputError("Give at least one ObsID.")
        return ObsIds(parse_obs_ids(text))

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, ObsIds)
        self.text.setPlainText("\n".join(item.obs_ids))


class TargetTypeEditor(FilterEditor):
    title = "Target type"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = QListWidget(self)
        self.list.setObjectName("targetTypes")
        self.list.setAccessibleName("Target types")
        self.list.setToolTip("Observations of any of the ticked types pass")
        for code, name in TARGET_TYPES.items():
            item = QListWidgetItem(f"{name} ({code})", self.list)
            item.setData(Qt.ItemDataRole.UserRole, code)
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Unchecked)
        self.list.itemChanged.connect(lambda _item: self.changed.emit())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list)
        self.setFocusProxy(self.list)

    def _items(self) -> Sequence[QListWidgetItem]:
        return [self.list.item(row) for row in range(self.list.count())]

    def filter(self) -> Filter:
        codes = tuple(
            str(item.data(Qt.ItemDataRole.UserRole)) for item in self._items() if item.checkState() == Qt.CheckState.Checked
        )
        if not codes:
            raise InputError("Tick at least one target type.")
        return TargetType(codes)

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, TargetType)
        for entry in self._items():
            chosen = entry.data(Qt.ItemDataRole.UserRole) in item.codes
            entry.setCheckState(Qt.CheckState.Checked if chosen else Qt.CheckState.Unchecked)


class FixedEditor(FilterEditor):
    """For filters without anything to enter: says what the filter is; only its missions can be chosen."""

    def __init__(self, item: Filter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = "Filter"
        self._item = item
        label = QLabel(item.sentence(), self)
        label.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label)

    def filter(self) -> Filter:
        return self._item

    def set_filter(self, item: Filter) -> None:
        self._item = item
