"""The editor of several places: typed, one a line, each with a radius and a time window of its own if need be."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from PySide6.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError, InputError
from daxa_gui.core.filters import Filter, Positions
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import angle_in_entry, counted, typed_position, utc_text
from daxa_gui.gui.widgets.base_editor import FilterEditor, entry_text, label_before, labelled
from daxa_gui.gui.widgets.distance_editor import DistanceEntry
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.lookup import Lookup
from daxa_gui.session import Session

MOST_TYPED = 500  # places that are edited as text; more are only told
_ANGLE = re.compile(r"(?P<number>\d*\.?\d+(?:e[+-]?\d+)?)\s*(?P<unit>°|deg|d|′|'|arcmin|″|''|\"|arcsec)", re.IGNORECASE)
_UNITS_DEG = {
    "°": 1.0, "deg": 1.0, "d": 1.0, "′": 1 / 60, "'": 1 / 60, "arcmin": 1 / 60,
    "″": 1 / 3600, "''": 1 / 3600, '"': 1 / 3600, "arcsec": 1 / 3600,
}  # fmt: skip


@dataclass(frozen=True)
class _Extras:
    """What a line says beside its place; NaN: nothing."""

    radius_deg: float = math.nan
    start_mjd: float = math.nan
    end_mjd: float = math.nan


class PositionsEditor(FilterEditor):
    """Text where it is handy, otherwise a sentence about the places; how near can be changed in both cases."""

    title = "Around several places"

    def __init__(self, session: Session, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._style = context.coordinates
        self._label = ""
        self._fixed: Places | None = None
        self._kept: Positions | None = None
        self._kept_extras: dict[str, _Extras] = {}
        self._lookup = Lookup(session, context.background, self)
        self._lookup.answered.connect(self.answered)
        tip = (
            "One name or position a line; after « | » it may have its own radius, then the beginning and the end of its own time "
            "window (UTC): « M 51 | 12′ | 2011-05-01 | 2011-07-01 »"
        )
        self.text = entry_text(self, "places", "Places, one a line", tip, "M 51\n160.25 -12.35\nl=244.5 b=39.9 | 5′")
        self._told = muted_label("", self)
        self._told.setObjectName("placesTold")
        self._told.hide()
        self.distance = DistanceEntry(session.missions(), self)
        self.distance.changed.connect(self.changed)
        self.inside = QCheckBox("Observations &entirely inside a place's time window", self)
        self.inside.setObjectName("placesInside")
        self.inside.setToolTip("For places with a time window of their own; otherwise any overlap is enough")
        self.inside.toggled.connect(lambda _on: self.changed.emit())
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        label_before(grid, 0, "&Places", self.text, tall=True)
        stack = QVBoxLayout()
        stack.addWidget(self.text)
        stack.addWidget(self._told)
        grid.addLayout(stack, 0, 1)
        labelled(grid, 2, "Ho&w near", self.distance, tall=True)
        grid.addWidget(self.inside, 3, 1)
        self._told.setContentsMargins(0, 4, 0, 4)
        grid.setRowStretch(0, 1)
        self.setFocusProxy(self.text)

    # reading

    def filter(self) -> Filter:
        places = self._fixed if self._fixed is not None else self._typed_places()
        distance, inside = self.distance.value(), self.inside.isChecked()
        if distance.kind == "positions" and (places.radius_deg is None or not np.isfinite(places.radius_deg).all()):
            missing = 0 if places.radius_deg is None else int(np.flatnonzero(~np.isfinite(places.radius_deg))[0])
            raise InputError(f"Place {missing + 1} has no radius of its own.", "Write it after a « | », with its unit: « | 5′ ».")
        kept = self._kept
        if kept is not None and kept.places == places and kept.reach == distance and kept.entirely_inside == inside:
            return kept
        if inside and not places.has_windows:
            raise InputError("None of the places has a time window of its own.")
        if distance.kind != "positions" and places.radius_deg is not None and self._fixed is None:
            places = _without_radii(places)
        return Positions(places, label=self._label, distance=distance, entirely_inside=inside)

    def _typed_places(self) -> Places:
        lines = [(number, line.strip()) for number, line in enumerate(self.text.toPlainText().splitlines(), 1) if line.strip()]
        if not lines:
            raise InputError("Give at least one name or position, one a line.")
        texts, extras = [], []
        for number, line in lines:
            try:
                text, extra = self._split(line)
            except InputError as error:
                raise InputError(f"Line {number}: {error.message}", error.hint) from None
            texts.append(text)
            extras.append(extra)
        positions = []
        for (number, _), answer in zip(lines, self._lookup.places(texts), strict=True):
            if isinstance(answer, DaxaError):
                raise InputError(f"Line {number}: {answer.message}", answer.hint)
            positions.append(answer)
        return _places(positions, extras)

    def _split(self, line: str) -> tuple[str, _Extras]:
        parts = [part.strip() for part in line.split("|")]
        if not parts[0]:
            raise InputError("There is no place before the « | ».")
        if line in self._kept_extras:
            return parts[0], self._kept_extras[line]
        if len(parts) > 4:
            raise InputError("After the place there is room for a radius, a beginning and an end only.")
        radius, start, end = (*parts[1:], "", "", "")[:3]
        extra = _Extras(
            _angle(radius) if radius else math.nan,
            iso_to_mjd(start) if start else math.nan,
            iso_to_mjd(end) if end else math.nan,
        )
        if extra.start_mjd > extra.end_mjd:
            raise InputError("The time window ends before it begins.")
        return parts[0], extra

    # writing

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Positions)
        places = item.places
        self._kept, self._label = item, item.label
        lines = self._lines(places) if len(places) <= MOST_TYPED else []
        if lines:
            self._fixed = None
            self.text.setPlainText("\n".join(lines))
        else:
            self._fixed = places
            self._told.setText(_told(places, item.label))
        self.text.setVisible(bool(lines))
        self._told.setVisible(not lines)
        self.distance.set_value(item.reach)
        self.inside.setChecked(item.entirely_inside)

    def _lines(self, places: Places) -> list[str]:
        """One line for each place, remembered so that reading it gives the same place; none where names are not unique."""
        lines: list[str] = []
        by_text: dict[str, SkyPosition] = {}
        extras: dict[str, _Extras] = {}
        for number, position in enumerate(places):
            text = position.name if position.name and "|" not in position.name else ""
            text = text or typed_position(position.ra_deg, position.dec_deg, self._style)
            extra = _Extras(
                *(
                    math.nan if part is None else float(part[number])
                    for part in (places.radius_deg, places.start_mjd, places.end_mjd)
                )
            )
            line = " | ".join((text, *_written(extra)))
            if by_text.setdefault(text, position) != position or repr(extras.setdefault(line, extra)) != repr(extra):
                return []
            lines.append(line)
        self._kept_extras = extras
        for text, position in by_text.items():
            self._lookup.remember(text, position)
        return lines

    def hurry(self) -> None:
        self._lookup.hurry()

    def stop(self) -> None:
        self._lookup.stop()


def _angle(text: str) -> float:
    match = _ANGLE.fullmatch(text)
    if match is None:
        raise InputError(f"« {text} » is not a radius with a unit.", "Write « 5′ », « 5arcmin » or « 0.1° ».")
    value = float(match["number"]) * _UNITS_DEG[match["unit"].lower()]
    if not 0.0 <= value <= 180.0:
        raise InputError(f"The radius « {text} » is not between 0° and 180°.")
    return value


def _written(extra: _Extras) -> list[str]:
    parts = [
        "".join(angle_in_entry(extra.radius_deg)) if math.isfinite(extra.radius_deg) else "",
        utc_text(extra.start_mjd) if math.isfinite(extra.start_mjd) else "",
        utc_text(extra.end_mjd) if math.isfinite(extra.end_mjd) else "",
    ]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _places(positions: list[SkyPosition], extras: list[_Extras]) -> Places:
    """Columns that no line fills are left out. A radius that only some lines have stays NaN, which `filter` refuses to use."""
    radius, start, end = (np.array([getattr(e, name) for e in extras]) for name in ("radius_deg", "start_mjd", "end_mjd"))
    if np.isfinite(radius).any() and not np.isfinite(radius).all():
        place = int(np.flatnonzero(~np.isfinite(radius))[0]) + 1
        raise InputError(f"Some places have a radius of their own, but place {place} has none.", "Give it to all or to none.")
    return Places.of(
        positions,
        radius_deg=radius if np.isfinite(radius).any() else None,
        start_mjd=start if np.isfinite(start).any() else None,
        end_mjd=end if np.isfinite(end).any() else None,
    )


def _without_radii(places: Places) -> Places:
    """The same places; their own radii are not what counts."""
    return Places(places.ra_deg, places.dec_deg, places.names, None, places.start_mjd, places.end_mjd)


def _told(places: Places, label: str) -> str:
    where = f" from {label}" if label else ""
    extras = [
        text for text, there in (
            ("each with its own radius", places.radius_deg is not None), ("with time windows", places.has_windows),
        ) if there
    ]  # fmt: skip
    return f"{counted(len(places), 'place', 'places')}{where}{', ' if extras else ''}{' and '.join(extras)}."
