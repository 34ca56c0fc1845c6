"""Editors of filters that are places on the sky, and what every editor of a filter can do."""

from __future__ import annotations

from typing import Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QWidget,
)

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Box, Cone, Filter, Positions
from daxa_gui.core.sky import SkyPosition, parse_position
from daxa_gui.gui.texts import ANGLE_UNITS_DEG, angle_in_entry, read_angle, typed_position
from daxa_gui.gui.widgets.form import muted_label


class Names(Protocol):
    """Where names come from: the session."""

    def resolve_name(self, name: str) -> SkyPosition: ...
    def known_names(self) -> tuple[SkyPosition, ...]: ...


class FilterEditor(QWidget):
    """`filter()` raises InputError with a sentence while the entries mean nothing."""

    changed = Signal()
    title = ""

    def filter(self) -> Filter:
        raise NotImplementedError

    def set_filter(self, item: Filter) -> None:
        raise NotImplementedError


def entry_line(owner: FilterEditor, name: str, label: str, tip: str, placeholder: str = "") -> QLineEdit:
    edit = QLineEdit(owner)
    edit.setObjectName(name)
    edit.setAccessibleName(label)
    edit.setToolTip(tip)
    edit.setPlaceholderText(placeholder)
    edit.textChanged.connect(lambda _text: owner.changed.emit())
    return edit


def labelled(grid: QGridLayout, row: int, text: str, widget: QWidget, unit: str = "") -> None:
    label = QLabel(text)
    label.setBuddy(widget)
    tall = isinstance(widget, QPlainTextEdit)
    grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop if tall else Qt.AlignmentFlag.AlignVCenter)
    grid.addWidget(widget, row, 1)
    if unit:
        grid.addWidget(muted_label(unit), row, 2)


def place_from(text: str, names: Names) -> SkyPosition:
    """A position in any usual notation, or a known name; raises InputError with the reason that fits what was typed."""
    try:
        return parse_position(text)
    except InputError as no_position:
        try:
            return names.resolve_name(text)
        except InputError as no_name:
            numbers_only = not any(letter.isalpha() and letter not in "hmsdHMSD" for letter in text)
            raise (no_position if numbers_only else no_name) from None


class RadiusEntry(QWidget):
    """A number with a unit, or each instrument's own distance."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.own = QCheckBox("Each instrument's &default", self)
        self.own.setObjectName("radiusDefault")
        self.own.setToolTip("1.2 times the field of view of each observation's instrument")
        self.number = QLineEdit("10", self)
        self.number.setObjectName("radiusNumber")
        self.number.setAccessibleName("Radius")
        self.number.setToolTip("Largest distance between this position and the middle of the field of view")
        self.number.setMaximumWidth(110)
        self.unit = QComboBox(self)
        self.unit.setObjectName("radiusUnit")
        self.unit.setAccessibleName("Unit of the radius")
        self.unit.setToolTip("Degrees, minutes of arc or seconds of arc")
        for sign, name in (("°", "° (degrees)"), ("′", "′ (arcmin)"), ("″", "″ (arcsec)")):
            self.unit.addItem(name, sign)
        self.unit.setCurrentIndex(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.number, self.unit, self.own):
            layout.addWidget(widget)
        layout.addStretch(1)
        self.number.textChanged.connect(lambda _text: self.changed.emit())
        self.unit.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self.own.toggled.connect(self._on_own_toggled)
        self.own.setChecked(True)

    def _on_own_toggled(self, on: bool) -> None:
        self.number.setEnabled(not on)
        self.unit.setEnabled(not on)
        self.changed.emit()

    def value(self) -> float | None:
        """Degrees, or None for each instrument's own; raises InputError."""
        return None if self.own.isChecked() else read_angle(self.number.text(), self.unit.currentData())

    def set_value(self, radius_deg: float | None) -> None:
        if radius_deg is not None:
            number, unit = angle_in_entry(radius_deg)
            self.number.setText(number)
            self.unit.setCurrentIndex(list(ANGLE_UNITS_DEG).index(unit))
        self.own.setChecked(radius_deg is None)


class ConeEditor(FilterEditor):
    """A circle around a position. `by_name` asks for an object's name, otherwise for the position itself."""

    def __init__(self, names: Names, style: str, *, by_name: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = "Around an object" if by_name else "Around a position"
        self._names = names
        self._style = style
        self._by_name = by_name
        self._kept: SkyPosition | None = None
        if by_name:
            self.place = entry_line(
                self, "objectName", "Object name", "A name of the practice sky or of an eROSITA field", "Practice Cluster"
            )
            self._completer = QCompleter([position.name for position in names.known_names()], self)
            self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
            self._completer.setFilterMode(Qt.MatchFlag.MatchContains)
            self.place.setCompleter(self._completer)
        else:
            self.place = entry_line(
                self, "position", "Position (ICRS)",
                "Degrees « 160.25 -12.35 » or sexagesimal « 10 41 00 -12 21 00 », « 10h41m00s -12d21m00s »", "10 41 00 -12 21 00",
            )  # fmt: skip
        self.radius = RadiusEntry(self)
        self.radius.changed.connect(self.changed)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        labelled(grid, 0, "&Name" if by_name else "&Position (ICRS)", self.place)
        labelled(grid, 1, "&Radius", self.radius)
        self.setFocusProxy(self.place)

    def _position(self) -> SkyPosition:
        text = self.place.text().strip()
        if not text:
            raise InputError("Give the name of an object." if self._by_name else "Give a position, in degrees or sexagesimal.")
        if self._by_name:
            return self._names.resolve_name(text)
        if self._kept is not None and text == typed_position(self._kept.ra_deg, self._kept.dec_deg, self._style):
            return self._kept  # untouched: not rounded by having been written
        return parse_position(text)

    def filter(self) -> Filter:
        return Cone(self._position(), self.radius.value())

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Cone)
        self._kept = item.position
        position = item.position
        self.place.setText(position.name if self._by_name else typed_position(position.ra_deg, position.dec_deg, self._style))
        self.radius.set_value(item.radius_deg)


class PositionsEditor(FilterEditor):
    """Several places, one a line, each a known name or a position."""

    title = "Around several places"

    def __init__(self, names: Names, style: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._names = names
        self._style = style
        self._label = ""
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("places")
        self.text.setAccessibleName("Names or positions, one a line")
        self.text.setToolTip("One name or ICRS position a line; observations near any of them pass")
        self.text.setPlaceholderText("Practice Cluster\n160.25 -12.35\n10 41 00 -12 21 00")
        self.text.setTabChangesFocus(True)
        self.text.textChanged.connect(self.changed)
        self.radius = RadiusEntry(self)
        self.radius.changed.connect(self.changed)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        labelled(grid, 0, "&Places (ICRS)", self.text)
        labelled(grid, 1, "&Radius", self.radius)
        self.setFocusProxy(self.text)

    def filter(self) -> Filter:
        lines = [(number, line.strip()) for number, line in enumerate(self.text.toPlainText().splitlines(), 1) if line.strip()]
        if not lines:
            raise InputError("Give at least one name or position, one a line.")
        positions = []
        for number, line in lines:
            try:
                positions.append(place_from(line, self._names))
            except InputError as error:
                raise InputError(f"Line {number}: {error.message}", error.hint) from None
        return Positions(tuple(positions), self.radius.value(), self._label)

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Positions)
        self._label = item.label
        known = {position.name for position in self._names.known_names()}
        self.text.setPlainText(
            "\n".join(p.name if p.name in known else typed_position(p.ra_deg, p.dec_deg, self._style) for p in item.positions)
        )
        self.radius.set_value(item.radius_deg)


class BoxEditor(FilterEditor):
    title = "Rectangle in RA and Dec"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        self.entries: dict[str, QLineEdit] = {}
        for row, (name, label, tip) in enumerate(
            (
                ("raFrom", "RA &from", "Where the rectangle begins; it runs eastwards (to larger RA) from here"),
                ("raTo", "RA &to", "Where it ends; smaller than the beginning if it runs across 0°"),
                ("decFrom", "&Dec from", "Southern edge"),
                ("decTo", "Dec t&o", "Northern edge"),
            )
        ):
            self.entries[name] = entry_line(self, name, label.replace("&", ""), f"{tip}, degrees ICRS")
            labelled(grid, row, label, self.entries[name], "° (ICRS)")
        grid.addWidget(
            muted_label("RA runs eastwards from the first value to the second; from 350° to 10° is 20° wide."), 4, 0, 1, 3
        )
        self.setFocusProxy(self.entries["raFrom"])

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

    def filter(self) -> Filter:
        ra_from, ra_to = self._number("raFrom", 0.0, 360.0), self._number("raTo", 0.0, 360.0)
        dec_from, dec_to = self._number("decFrom", -90.0, 90.0), self._number("decTo", -90.0, 90.0)
        if dec_from > dec_to:
            raise InputError(
                "The southern edge of the rectangle lies north of the northern one.", "Exchange the two declinations."
            )
        return Box(ra_from, ra_to, dec_from, dec_to)

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Box)
        values = (item.ra_min_deg, item.ra_max_deg, item.dec_min_deg, item.dec_max_deg)
        for entry, value in zip(self.entries.values(), values, strict=True):
            entry.setText(f"{value:.10g}")
