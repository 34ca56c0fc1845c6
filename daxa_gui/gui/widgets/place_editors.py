"""Editors of filters that are places on the sky: a circle, several places, a rectangle."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCompleter, QGridLayout, QLabel, QLineEdit, QWidget

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Box, Cone, Filter
from daxa_gui.core.sky import parse_position
from daxa_gui.gui.background import Background
from daxa_gui.gui.texts import typed_position
from daxa_gui.gui.widgets.base_editor import FilterEditor, choice_box, entry_line, labelled
from daxa_gui.gui.widgets.distance_editor import RadiusEntry
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.lookup import Lookup, Names


class ConeEditor(FilterEditor):
    """A circle around a position. `by_name` asks for an object's name, otherwise for the position itself."""

    def __init__(self, names: Names, background: Background, style: str, *, by_name: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = "Around an object" if by_name else "Around a position"
        self._style = style
        self._by_name = by_name
        self._lookup = Lookup(names, background, self)
        self._lookup.answered.connect(self.answered)
        if by_name:
            tip = "A name of the practice sky, of an eROSITA field, or any that the name service Sesame knows"
            self.place = entry_line(self, "objectName", "Object name", tip, "M 51")
            self._completer = QCompleter([position.name for position in names.known_names()], self)
            self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            self._completer.setFilterMode(Qt.MatchFlag.MatchContains)
            self.place.setCompleter(self._completer)
        else:
            tip = (
                "Degrees « 160.25 -12.35 », sexagesimal « 10 41 00 -12 21 00 » or « 10h41m00s -12d21m00s », "
                "galactic « l=244.5 b=39.9 », or a J-name « J104100-122100 »"
            )
            self.place = entry_line(self, "position", "Position (ICRS)", tip, "10 41 00 -12 21 00")
        self.radius = RadiusEntry(self)
        self.radius.changed.connect(self.changed)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        labelled(grid, 0, "&Name" if by_name else "&Position (ICRS)", self.place)
        labelled(grid, 1, "&Radius", self.radius)
        grid.setRowStretch(2, 1)
        self.setFocusProxy(self.place)

    def filter(self) -> Filter:
        text = self.place.text().strip()
        if not text:
            raise InputError("Give the name of an object." if self._by_name else "Give a position, in degrees or sexagesimal.")
        radius = self.radius.value()
        if not self._by_name and self._lookup.remembered(text) is None:
            return Cone(parse_position(text), radius)
        return Cone(self._lookup.place(text, by_name=self._by_name), radius)

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Cone)
        position = item.position
        text = position.name if self._by_name else typed_position(position.ra_deg, position.dec_deg, self._style)
        self._lookup.remember(text, position)  # not rounded by having been written, nor asked for again
        self.place.setText(text)
        self.radius.set_value(item.radius_deg)

    def hurry(self) -> None:
        self._lookup.hurry()

    def stop(self) -> None:
        self._lookup.stop()


# frame: (text, names of longitude and latitude)
_FRAMES = {
    "icrs": ("ICRS: RA and Dec", "RA", "Dec"),
    "fk5": ("FK5, equinox J2000: RA and Dec", "RA", "Dec"),
    "fk4": ("FK4, equinox B1950: RA and Dec", "RA", "Dec"),
    "galactic": ("Galactic: l and b", "l", "b"),
    "ecliptic": ("Ecliptic, J2000: longitude and latitude", "Longitude", "Latitude"),
}
_ENTRIES = (
    ("raFrom", "{lon} &from", "Where the rectangle begins; it runs eastwards (to larger {lon}) from here"),
    ("raTo", "{lon} &to", "Where it ends; smaller than the beginning if it runs across 0°"),
    ("decFrom", "{lat} f&rom", "Southern edge"),
    ("decTo", "{lat} t&o", "Northern edge"),
)


class BoxEditor(FilterEditor):
    """A rectangle along the coordinates of a frame."""

    title = "Rectangle on the sky"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        frames = tuple((text, frame) for frame, (text, *_) in _FRAMES.items())
        self.frame = choice_box(self, "boxFrame", "Frame", "The coordinates along which the edges run", frames)
        labelled(grid, 0, "Fram&e", self.frame)
        self.entries: dict[str, QLineEdit] = {}
        self._labels: dict[str, QLabel] = {}
        for row, (name, label, _tip) in enumerate(_ENTRIES, 1):
            self.entries[name] = entry_line(self, name, label, label)
            self._labels[name] = labelled(grid, row, label, self.entries[name], "°")
        self._note = muted_label("", self)
        grid.addWidget(self._note, 5, 0, 1, 3)
        grid.setRowStretch(6, 1)
        self._kept: tuple[tuple[str, ...], Box] | None = None
        self._rename()
        self.frame.currentIndexChanged.connect(self._on_frame_changed)
        self.setFocusProxy(self.entries["raFrom"])

    def _on_frame_changed(self) -> None:
        self._rename()
        self.changed.emit()

    def _rename(self) -> None:
        """Label the entries as the frame calls its coordinates."""
        frame = self.frame.currentData()
        _, lon, lat = _FRAMES[frame]
        for name, label, tip in _ENTRIES:
            text = label.format(lon=lon, lat=lat)
            self._labels[name].setText(text)
            self.entries[name].setAccessibleName(text.replace("&", ""))
            self.entries[name].setToolTip(
                f"{tip.format(lon=lon, lat=lat)}, degrees, {self.frame.currentText().partition(':')[0]}"
            )
        self._note.setText(f"{lon} runs eastwards from the first value to the second; from 350° to 10° is 20° wide.")

    def _number(self, name: str, lowest: float, highest: float) -> float:
        what, text = self.entries[name].accessibleName(), self.entries[name].text().strip()
        try:
            value = float(text.replace("−", "-").removesuffix("°"))
        except ValueError:
            raise InputError(
                f"« {what} » needs a number of degrees." if not text else f"« {what} » needs a number, not « {text} »."
            ) from None
        if not lowest <= value <= highest:
            raise InputError(f"« {what} » lies between {lowest:g}° and {highest:g}°.")
        return value

    def _typed(self) -> tuple[str, ...]:
        return (str(self.frame.currentData()), *(entry.text() for entry in self.entries.values()))

    def filter(self) -> Filter:
        if self._kept is not None and self._kept[0] == self._typed():
            return self._kept[1]  # untouched: not rounded by having been written
        ra_from, ra_to = self._number("raFrom", 0.0, 360.0), self._number("raTo", 0.0, 360.0)
        dec_from, dec_to = self._number("decFrom", -90.0, 90.0), self._number("decTo", -90.0, 90.0)
        if dec_from > dec_to:
            raise InputError("The southern edge of the rectangle lies north of the northern one.", "Exchange the two edges.")
        return Box(ra_from, ra_to, dec_from, dec_to, self.frame.currentData())

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Box)
        self.frame.setCurrentIndex(self.frame.findData(item.frame))
        values = (item.ra_min_deg, item.ra_max_deg, item.dec_min_deg, item.dec_max_deg)
        for entry, value in zip(self.entries.values(), values, strict=True):
            entry.setText(f"{value:.10g}")
        self._kept = (self._typed(), item)
