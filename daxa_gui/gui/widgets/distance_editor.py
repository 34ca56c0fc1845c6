"""How near an observation has to be: one radius, each instrument's, each place's own, or the field of view."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from daxa_gui.core.distance import Distance
from daxa_gui.core.errors import InputError
from daxa_gui.core.mission import MissionSpec
from daxa_gui.gui.texts import ANGLE_UNITS_DEG, angle_in_entry, angle_text, read_angle, short_label
from daxa_gui.gui.widgets.base_editor import choice_box
from daxa_gui.gui.widgets.form import Form, FormField, muted_label

_UNITS = (("° (degrees)", "°"), ("′ (arcmin)", "′"), ("″ (arcsec)", "″"))
_KINDS = (
    ("Each instrument's default", "default"),
    ("One radius", "fixed"),
    ("A radius per instrument", "instruments"),
    ("Each place's own radius", "positions"),
    ("In the field of view", "footprint"),
)
_EXPLAINED = {
    "default": "1.2 times the field of view of each observation's instruments.",
    "fixed": "",
    "instruments": "Observations with none of the instruments given here do not pass.",
    "positions": "The second part of each line: « M 51 | 12′ ».",
    "footprint": "The place lies in the field of view itself, by its shape; where its roll is not known, in any roll. "
    "Without names the default instruments count: of Swift XRT, not BAT.",
}


class _NumberAndUnit(QWidget):
    """A number with a unit of angle."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.number = QLineEdit("10", self)
        self.number.setObjectName("radiusNumber")
        self.number.setAccessibleName("Radius")
        self.number.setToolTip("Largest distance between this position and the middle of the field of view")
        self.number.setMaximumWidth(110)
        self.unit = choice_box(self, "radiusUnit", "Unit of the radius", "Degrees, minutes of arc or seconds of arc", _UNITS)
        self.unit.setCurrentIndex(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.number)
        layout.addWidget(self.unit)
        self.number.textChanged.connect(lambda _text: self.changed.emit())
        self.unit.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self.setFocusProxy(self.number)

    def degrees(self) -> float:
        return read_angle(self.number.text(), self.unit.currentData())

    def set_degrees(self, radius_deg: float) -> None:
        number, unit = angle_in_entry(radius_deg)
        self.number.setText(number)
        self.unit.setCurrentIndex(list(ANGLE_UNITS_DEG).index(unit))


class RadiusEntry(QWidget):
    """A number with a unit, or each instrument's own distance."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.own = QCheckBox("Each instrument's &default", self)
        self.own.setObjectName("radiusDefault")
        self.own.setToolTip("1.2 times the field of view of each observation's instrument")
        self._angle = _NumberAndUnit(self)
        self.number, self.unit = self._angle.number, self._angle.unit
        self._kept: tuple[str, str, float] | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._angle)
        layout.addWidget(self.own)
        layout.addStretch(1)
        self._angle.changed.connect(self.changed)
        self.own.toggled.connect(self._on_own_toggled)
        self.own.setChecked(True)

    def _on_own_toggled(self, on: bool) -> None:
        self._angle.setEnabled(not on)
        self.changed.emit()

    def value(self) -> float | None:
        """Degrees, or None for each instrument's own; raises InputError."""
        if self.own.isChecked():
            return None
        typed = (self.number.text(), self.unit.currentData())
        if self._kept is not None and self._kept[:2] == typed:
            return self._kept[2]  # untouched: not rounded by having been written
        return self._angle.degrees()

    def set_value(self, radius_deg: float | None) -> None:
        if radius_deg is not None:
            self._angle.set_degrees(radius_deg)
            self._kept = (self.number.text(), self.unit.currentData(), radius_deg)
        self.own.setChecked(radius_deg is None)


class DistanceEntry(QWidget):
    """A `Distance` of any kind."""

    changed = Signal()

    def __init__(self, specs: Sequence[MissionSpec], parent: QWidget | None = None, own_radii: str = "") -> None:
        """`own_radii` says where each place's own radius comes from, if not from lines of text."""
        super().__init__(parent)
        self._explanations = {**_EXPLAINED, "positions": own_radii or _EXPLAINED["positions"]}
        tip = "What counts as near: a distance from the middle of the field of view, or the field of view itself"
        self.kind = choice_box(self, "distanceKind", "How near", tip, _KINDS)
        self.radius = _NumberAndUnit(self)
        self.only = self._names_entry()
        self._specs = specs
        self._instruments: Form | None = None
        self._explained = muted_label("", self)
        self._kept: Distance | None = None
        self._area = QScrollArea(self)
        self._area.setObjectName("instrumentRadii")
        self._area.setAccessibleName("Radius of each instrument")
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.StyledPanel)
        self._area.setMinimumHeight(150)
        self._area.setFocusPolicy(self._area.focusPolicy().NoFocus)
        top = QHBoxLayout()
        top.addWidget(self.kind)
        top.addWidget(self.radius)
        top.addWidget(self.only)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(top)
        layout.addWidget(self._area)
        layout.addWidget(self._explained)
        self.kind.currentIndexChanged.connect(self._on_kind_changed)
        self.radius.changed.connect(self.changed)
        self.only.textChanged.connect(lambda _text: self.changed.emit())
        self.setFocusProxy(self.kind)
        self._show_kind()

    def _names_entry(self) -> QLineEdit:
        entry = QLineEdit(self)
        entry.setObjectName("footprintInstruments")
        entry.setAccessibleName("Instruments whose field of view counts")
        entry.setToolTip(
            "Instruments whose field of view counts, for example « XRT UVOT »; empty: the default ones of each mission"
        )
        entry.setPlaceholderText("default instruments")
        entry.setMaximumWidth(180)
        return entry

    @property
    def instruments(self) -> Form:
        """Made when it is first wanted: it has a line for each of about forty instruments."""
        if self._instruments is None:
            self._instruments = Form(instrument_fields(self._specs))
            self._instruments.setContentsMargins(6, 4, 6, 4)
            self._instruments.changed.connect(self.changed)
            self._area.setWidget(self._instruments)
        return self._instruments

    def _on_kind_changed(self) -> None:
        self._show_kind()
        self.changed.emit()

    def _show_kind(self) -> None:
        kind = self.kind.currentData()
        self.radius.setVisible(kind == "fixed")
        self.only.setVisible(kind == "footprint")
        if kind == "instruments":
            self.instruments.show()
        self._area.setVisible(kind == "instruments")
        self._explained.setText(self._explanations[kind])
        self._explained.setVisible(bool(self._explanations[kind]))

    def value(self) -> Distance:
        """Raises InputError with a sentence while an entry cannot be read."""
        made = self._read()
        same = self._kept is not None and _nearly(made, self._kept)
        return self._kept if same and self._kept is not None else made  # untouched: not rounded by having been written

    def _read(self) -> Distance:
        kind = self.kind.currentData()
        if kind == "fixed":
            return Distance.fixed(self.radius.degrees())
        if kind == "instruments":
            entries = self.instruments.values()
            degrees = {name: value / 60.0 for name, value in entries.items() if value is not None}
            others = self._kept.by_instrument if self._kept is not None else ()
            degrees |= {name: deg for name, deg in others if name not in entries}  # of missions that are not known (any more)
            if not degrees:
                raise InputError("Give the radius of at least one instrument.")
            return Distance.of_instruments(degrees)
        return Distance.footprint(*self._named()) if kind == "footprint" else Distance(kind)

    def _named(self) -> list[str]:
        """The instruments that are typed, by name or alias; those of missions that are not known (any more) may stay."""
        names: list[str] = []
        for word in self.only.text().replace(",", " ").split():
            found = [name for spec in self._specs if (name := _name_in(spec, word))]
            if not found and (self._kept is None or word not in self._kept.only):
                raise InputError(f"No mission has an instrument « {word} ».")
            names += found or [word]
        return names

    def set_value(self, distance: Distance) -> None:
        self._kept = distance
        self.kind.setCurrentIndex(self.kind.findData(distance.kind))
        self.only.setText(" ".join(distance.only))
        if distance.deg is not None:
            self.radius.set_degrees(distance.deg)
        if distance.by_instrument:
            known = self.instruments.values().keys()
            self.instruments.set_values({name: deg * 60.0 for name, deg in distance.by_instrument if name in known})


def _name_in(spec: MissionSpec, name: str) -> str:
    """The mission's instrument of that name or alias; empty if it has none."""
    try:
        return spec.instrument(name).name
    except InputError:
        return ""


def _nearly(one: Distance, other: Distance) -> bool:
    """Whether two distances are the same but for the digits that entries show."""

    def close(a: float | None, b: float | None) -> bool:
        return a == b or (a is not None and b is not None and abs(a - b) <= 2e-8 * max(a, b))

    pairs = zip(one.by_instrument, other.by_instrument, strict=False)
    return (
        (one.kind, one.only) == (other.kind, other.only)
        and close(one.deg, other.deg)
        and len(one.by_instrument) == len(other.by_instrument)
        and all(a[0] == b[0] and close(a[1], b[1]) for a, b in pairs)
    )


def instrument_fields(specs: Sequence[MissionSpec]) -> tuple[FormField, ...]:
    """One line of a form for each instrument, with its default in the help; instruments of the same name share a line."""
    owners: dict[str, list[MissionSpec]] = {}
    for spec in specs:
        for instrument in spec.instruments:
            owners.setdefault(instrument.name, []).append(spec)
    return tuple(
        FormField(
            name,
            f"{' / '.join(short_label(spec) for spec in found)} {name}",
            None,
            "number",
            unit="arcmin",
            help="Largest distance for observations with this instrument; the default would be "
            + " or ".join(dict.fromkeys(angle_text(spec.search_radius_deg(name)) for spec in found))
            + ".",
            minimum=0.0,
            maximum=10800.0,
            empty="not searched",
        )
        for name, found in owners.items()
    )
