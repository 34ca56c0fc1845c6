"""The editors of filters that are no places: time window, exposure, public, and filters without anything to enter."""

from __future__ import annotations

import math
import re

from PySide6.QtCore import QDateTime
from PySide6.QtWidgets import QGridLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import And, Exposure, Filter, Not, Or, Public, TimeRange
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.gui.texts import as_sentence, utc_text
from daxa_gui.gui.widgets.base_editor import FilterEditor, entry_line, labelled
from daxa_gui.gui.widgets.form import Form, FormField, muted_label
from daxa_gui.gui.widgets.list_editors import instrument_names
from daxa_gui.session import Session

_MJD = re.compile(r"(?:MJD\s*)?(\d{5}(?:\.\d*)?)", re.IGNORECASE | re.ASCII)  # 1886 to 2132; a year has four digits


def _today() -> str:
    return QDateTime.currentDateTimeUtc().toString("yyyy-MM-dd")


class TimeEditor(FilterEditor):
    title = "Time window"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._kept: tuple[tuple[str, str], TimeRange] | None = None
        tip = "UTC: 2019-11-03, 2019-11-03 12:30, 2019-11-03T12:30:15, or the MJD 58790.5; empty leaves this side open"
        self.start = entry_line(self, "timeFrom", "From (UTC)", tip, "2019-11-03 12:30:00")
        self.end = entry_line(self, "timeTo", "To (UTC)", tip, _today())
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
        grid.setRowStretch(4, 1)
        self.setFocusProxy(self.start)

    def _mjds(self) -> tuple[float, float]:
        start, end = self.start.text().strip(), self.end.text().strip()
        if self._kept is not None and self._kept[0] == (start, end):
            return self._kept[1].start_mjd, self._kept[1].end_mjd  # untouched: not rounded by having been written
        if not start and not end:
            raise InputError("Give a beginning, an end, or both.")
        return _moment(start) if start else -math.inf, _moment(end) if end else math.inf

    def filter(self) -> Filter:
        start_mjd, end_mjd = self._mjds()
        if start_mjd > end_mjd:
            raise InputError("The time window ends before it begins.")
        return TimeRange(start_mjd, end_mjd, entirely_inside=self.inside.isChecked())

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, TimeRange)
        for entry, mjd in ((self.start, item.start_mjd), (self.end, item.end_mjd)):
            entry.setText(utc_text(mjd) if math.isfinite(mjd) else "")
        self._kept = ((self.start.text().strip(), self.end.text().strip()), item)
        (self.inside if item.entirely_inside else self.overlap).setChecked(True)


def _moment(text: str) -> float:
    """MJD (UTC) of a date and time, or of « 58790.5 » and « MJD 58790.5 »; raises InputError."""
    number = _MJD.fullmatch(text)
    return float(number[1]) if number else iso_to_mjd(text)


_WHOLE = "the observation as a whole"


class ExposureEditor(FilterEditor):
    """How long: of the observation as a whole, or of one instrument."""

    title = "Exposure"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        timed = {i.name for spec in session.missions() for i in spec.instruments if i.exposure_column}
        self._instruments = {text: name for name, text in instrument_names(session.missions()).items() if name in timed}
        limit = "An observation whose exposure is not known does not pass"
        self.form = Form(
            (
                FormField("least", "At least", None, "number", help=limit, minimum=0.0, empty="no lower limit"),
                FormField("most", "At most", None, "number", help=limit, minimum=0.0, empty="no upper limit"),
                FormField("unit", "Unit", "ks", "choice", help="Of both limits", choices=("ks", "s")),
                FormField(
                    "instrument", "Of", None, "choice", help="Instruments whose exposure the missions' tables tell",
                    choices=tuple(self._instruments), empty=_WHOLE,
                ),
            ),
            parent=self,
        )  # fmt: skip
        self.form.changed.connect(self.changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.form)
        self.setFocusProxy(self.form.entry("least"))

    def filter(self) -> Filter:
        values = self.form.values()
        scale = 1000.0 if values["unit"] == "ks" else 1.0
        least, most = (
            None if values[name] is None else round(float(values[name]) * scale, 6) for name in ("least", "most")
        )  # to a microsecond, so that 16.1 ks are 16 100 s
        if least is None and most is None:
            raise InputError("Give a lower limit, an upper limit, or both.")
        if least is not None and most is not None and least > most:
            raise InputError("The lower limit of the exposure is above the upper one.")
        return Exposure(least, most, self._instruments.get(values["instrument"], ""))

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Exposure)
        limits = {"least": item.min_s, "most": item.max_s}
        long = all(value is None or value >= 100.0 for value in limits.values())
        text = next((text for text, name in self._instruments.items() if name == item.instrument), None)
        self.form.set_values(
            {name: None if value is None else value / 1000.0 if long else value for name, value in limits.items()}
            | {"unit": "ks" if long else "s", "instrument": text}
        )


class PublicEditor(FilterEditor):
    """Now (whenever the filter is used), or at a date."""

    title = "Public data"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.now = QRadioButton("Public &now", self)
        self.now.setObjectName("publicNow")
        self.now.setToolTip("At the time at which the filter is used, so that it lets more pass as time goes by")
        self.at = QRadioButton("Public &on", self)
        self.at.setObjectName("publicAt")
        self.at.setToolTip("At a date of your choice")
        tip = "UTC, for example 2026-01-01 or 2026-01-01 12:00"
        self.date = entry_line(self, "publicDate", "Date (UTC)", tip, _today())
        self.now.setChecked(True)
        self.date.setEnabled(False)
        self._kept: tuple[str, float] | None = None
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.now, 0, 0, 1, 3)
        grid.addWidget(self.at, 1, 0)
        grid.addWidget(self.date, 1, 1)
        grid.addWidget(muted_label("UTC", self), 1, 2)
        note = "Observations of which no restriction is known count as public; those restricted without a date do not."
        grid.addWidget(muted_label(note, self), 2, 0, 1, 3)
        grid.setRowStretch(3, 1)
        self.at.toggled.connect(self._on_at_toggled)
        self.setFocusProxy(self.now)

    def _on_at_toggled(self, on: bool) -> None:
        self.date.setEnabled(on)
        self.changed.emit()

    def filter(self) -> Filter:
        if self.now.isChecked():
            return Public()
        text = self.date.text().strip()
        if not text:
            raise InputError("Give the date.")
        return Public(self._kept[1] if self._kept is not None and self._kept[0] == text else iso_to_mjd(text))

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Public)
        if item.at_mjd is not None:
            self.date.setText(utc_text(item.at_mjd))
            self._kept = (self.date.text(), item.at_mjd)
        (self.now if item.at_mjd is None else self.at).setChecked(True)


class FixedEditor(FilterEditor):
    """For filters without anything to enter: says what the filter is; only its missions can be chosen."""

    def __init__(self, item: Filter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = "Filter"
        self._item = item
        self._label = QLabel(as_sentence(item.sentence()), self)
        self._label.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._label)
        if isinstance(item, (And, Or, Not)):
            layout.addWidget(muted_label("It is made of several filters. « More », « Take apart » gives its parts back.", self))

    def filter(self) -> Filter:
        return self._item

    def set_filter(self, item: Filter) -> None:
        self._item = item
        self._label.setText(as_sentence(item.sentence()))
