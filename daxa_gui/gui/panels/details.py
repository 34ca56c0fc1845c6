"""Everything that is known of the chosen observation, with units. Reads the catalogue row, computes nothing but separations."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.filters import Cone
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.sky import separation_deg, unit_vectors
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.columns import plain, target_type_name
from daxa_gui.gui.texts import UNKNOWN, angle_text, kiloseconds, position_text, split_position, utc_text
from daxa_gui.gui.theme import as_heading
from daxa_gui.gui.widgets.form import muted_label
from daxa_gui.gui.widgets.mission_page import show_on_sky
from daxa_gui.gui.widgets.why_not import WhyNot
from daxa_gui.session import Session

Entry = tuple[str, str]


class DetailsPanel(QWidget):
    """Rebuilt whenever another observation is chosen, and when filters, notation or tables change."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.setAccessibleName("Details of the chosen observation")
        self._title = QLabel(self)
        self._title.setObjectName("detailsTitle")
        as_heading(self._title)
        self._title.setWordWrap(True)
        self._title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._badge = QLabel("SIMULATED · practice sky", self)
        self._badge.setObjectName("simulatedBadge")
        self._badge.setToolTip("This observation does not exist: it was made for the practice sky")
        self._empty = muted_label("Choose an observation in a table or on the sky to see what is known of it.")
        self._empty.setObjectName("detailsEmpty")
        self._area = QScrollArea(self)
        self._area.setObjectName("detailsArea")
        self._area.setAccessibleName("Details")
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QScrollArea.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.why_not = WhyNot(session, context)
        self._grid: QWidget | None = None
        self._build()
        context.observation_changed.connect(lambda _mission, _obs_id: self.refresh())
        context.coordinates_changed.connect(lambda _style: self.refresh())
        context.stack_changed.connect(self.refresh)
        context.theme_changed.connect(lambda _theme: self._style_badge())
        bridge.catalogues_changed.connect(lambda _missions: self.refresh())
        self.refresh()

    def sizeHint(self) -> QSize:
        return QSize(290, 500)

    def _build(self) -> None:
        self.sky_button = QPushButton("Show on s&ky", self)
        self.sky_button.setObjectName("showOnSky")
        self.sky_button.setToolTip("Zoom the sky plot to this observation's field of view")
        self.sky_button.clicked.connect(lambda: show_on_sky(self._context, *self._context.observation))
        self.copy_button = QPushButton("Copy Obs&ID", self)
        self.copy_button.setObjectName("copyObsId")
        self.copy_button.setToolTip("Put the ObsID on the clipboard")
        self.copy_button.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._context.observation[1]))
        buttons = QHBoxLayout()
        buttons.addWidget(self.sky_button)
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        self._body = QVBoxLayout()
        self._body.setContentsMargins(0, 0, 0, 0)
        self._body.addWidget(self.why_not)
        self._body.addStretch(1)
        body = QWidget()
        body.setLayout(self._body)
        self._area.setWidget(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.addWidget(self._title)
        layout.addWidget(self._badge, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._empty)
        layout.addWidget(self._area, 1)
        layout.addLayout(buttons)
        self._style_badge()

    def _style_badge(self) -> None:
        theme = self._context.theme
        self._badge.setStyleSheet(
            f"color: {theme.warn}; border: 1px solid {theme.warn}; border-radius: 3px; padding: 1px 6px; font-weight: 600;"
        )

    def refresh(self) -> None:
        """Show the chosen observation anew."""
        mission, obs_id = self._context.observation
        spec = next((item for item in self._session.missions() if item.name == mission), None)
        catalogue = self._session.catalogue(mission) if spec is not None else None
        row = catalogue.row_of.get(obs_id) if catalogue is not None else None
        known = spec is not None and catalogue is not None and row is not None
        for widget in (self._title, self._area, self.sky_button, self.copy_button):
            widget.setVisible(known)
        self._empty.setVisible(not known)
        self._badge.setVisible(known and bool(catalogue is not None and row is not None and catalogue.simulated[row]))
        if spec is None or catalogue is None or row is None:
            self.why_not.clear()
            return
        self._title.setText(f"{spec.label} {obs_id}")
        self.sky_button.setEnabled(math.isfinite(float(catalogue.dec_deg[row])))
        self.why_not.show_observation(mission, obs_id)
        if self._grid is not None:
            self._grid.hide()
            self._grid.deleteLater()
        self._grid = _grid(self.entries(spec, catalogue, row))
        self._body.insertWidget(1, self._grid)

    def entries(self, spec: MissionSpec, catalogue: Catalogue, row: int) -> list[tuple[str, list[Entry]]]:
        """Headings, each with its names and values."""
        style = self._context.coordinates
        ra, dec = float(catalogue.ra_deg[row]), float(catalogue.dec_deg[row])
        reason, category = str(catalogue.unusable_reason[row]), str(catalogue.category[row])
        ra_words, dec_words = split_position(ra, dec, style)
        groups = [
            ("Observation", [
                ("Target", str(catalogue.target[row]) or UNKNOWN),
                ("Target type", target_type_name(str(catalogue.target_type[row])) or UNKNOWN),
                *([("Mission's category", category)] if category else []),
                ("Instruments", _instruments(spec, str(catalogue.instruments[row]))),
                ("Fit for science", f"no: {reason}" if reason else "yes, as far as the archive tells"),
            ]),
            ("Pointing", [
                ("RA (ICRS)", _unbroken(ra_words)),
                ("Dec (ICRS)", _unbroken(dec_words)),
                ("Field of view, radius", angle_text(float(catalogue.fov_radius_deg[row]))),
                ("Default search radius", angle_text(float(catalogue.search_radius_deg[row]))),
                *self._separations(catalogue, row),
            ]),
            ("Time", [
                ("Start (UTC)", _unbroken(utc_text(float(catalogue.start_mjd[row])))),
                ("End (UTC)", _unbroken(utc_text(float(catalogue.end_mjd[row])))),
                ("Exposure", _with_unit(kiloseconds(float(catalogue.exposure_s[row])), "ks")),
                ("Public from (UTC)", _public_text(float(catalogue.public_mjd[row]))),
            ]),
        ]  # fmt: skip
        extra = [
            (spec.column_labels.get(name, name), plain(np.asarray(column[row]).item()))
            for name, column in catalogue.extra.items()
        ]
        if extra:
            groups.append((f"From the table of {spec.label}", extra))
        groups.append(("Table", [("Source", catalogue.provenance)]))
        return groups

    def _separations(self, catalogue: Catalogue, row: int) -> Iterable[Entry]:
        """How far the pointing is from the middle of each cone among the filters."""
        for item in self._context.stack.rows:
            if item.enabled and isinstance(item.filter, Cone):
                position = item.filter.position
                apart = float(separation_deg(catalogue.vectors[row], unit_vectors(position.ra_deg, position.dec_deg)))
                name = position.name or position_text(position.ra_deg, position.dec_deg, self._context.coordinates)
                yield f"Distance from {name}", angle_text(apart)


def _instruments(spec: MissionSpec, names: str) -> str:
    labels = {instrument.name: instrument.label for instrument in spec.instruments}
    parts = [labels.get(name, name) for name in names.split()]
    return ", ".join(parts) if parts else UNKNOWN


def _public_text(mjd: float) -> str:
    """Without a date nothing may be known of a restriction, or there may be one that nobody has dated."""
    return "restricted, no date given" if mjd == math.inf else utc_text(mjd) if math.isfinite(mjd) else "no restriction known"


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _with_unit(text: str, unit: str) -> str:
    return text if text == UNKNOWN else f"{text} {unit}"


@functools.cache
def _flags() -> Qt.TextInteractionFlag:
    return Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


def _grid(groups: list[tuple[str, list[Entry]]]) -> QWidget:
    """Two columns, names muted, values selectable."""
    body = QWidget()
    grid = QGridLayout(body)
    grid.setContentsMargins(0, 0, 2, 0)
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(3)
    grid.setColumnMinimumWidth(0, 80)
    grid.setColumnStretch(0, 2)
    grid.setColumnStretch(1, 3)
    line = 0
    for heading, entries in groups:
        title = QLabel(heading)
        as_heading(title)
        title.setWordWrap(True)
        title.setContentsMargins(0, 8 if line else 0, 0, 2)
        grid.addWidget(title, line, 0, 1, 2)
        for name, value in entries:
            line += 1
            label, text = muted_label(name), QLabel(value)
            text.setTextFormat(Qt.TextFormat.PlainText)
            text.setWordWrap(True)
            text.setTextInteractionFlags(_flags())
            text.setAccessibleName(f"{name}: {value}")
            grid.addWidget(label, line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(text, line, 1, Qt.AlignmentFlag.AlignTop)
        line += 1
    grid.setRowStretch(line, 1)
    return body
