"""The sky plot with its tools: go to a place, whole sky, draw a cone or a rectangle, legend, what lies under the pointer."""

from __future__ import annotations

import functools
from itertools import pairwise

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import (
    QButtonGroup,
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QToolButton,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.filters import Box, Cone
from daxa_gui.core.sky import SkyPosition
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import angle_text, counted, position_text
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.base_editor import Looking
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.lookup import Lookup
from daxa_gui.gui.widgets.mission_page import show_on_sky
from daxa_gui.gui.widgets.sky_layers import MissionLayer
from daxa_gui.gui.widgets.sky_legend import SkyLegend
from daxa_gui.gui.widgets.sky_shapes import shapes_of
from daxa_gui.gui.widgets.sky_view import SkyView
from daxa_gui.session import Session

GO_TO_RADIUS_DEG = 2.0
_FEW_ROWS = 20_000  # of all missions: their layers are made at once


class SkyPanel(QWidget):
    """Shares the chosen observation with the tables; drawn shapes become filters (which can be undone)."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.setAccessibleName("Sky")
        self.view = SkyView(self)
        self.view.setObjectName("skyView")
        self.view.setAccessibleName("Sky plot")
        self._problem = problem_label(self)
        self._problem.setObjectName("goToProblem")
        self.legend = SkyLegend(self.view, self)
        self.legend.mission_toggled.connect(self._on_legend_toggled)
        self._refresh_soon = QTimer(self)  # what the panels do at new results is spread over turns of the event loop
        self._refresh_soon.setSingleShot(True)
        self._refresh_soon.setInterval(0)
        self._refresh_soon.timeout.connect(self._refresh)
        self._build()
        self._connect()
        self._on_theme_changed(context.theme)
        self.view.set_style(context.coordinates)
        self._make_layers()

    # building

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 6, 2)
        layout.setSpacing(3)
        layout.addLayout(self._tool_row())
        layout.addWidget(self._problem)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.legend)
        self._lookup = Lookup(self._session, self._context.background, self)
        self.readout = muted_label()
        self.readout.setObjectName("skyReadout")
        self.readout.setWordWrap(False)
        self.readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.readout.setText(" ")
        layout.addWidget(self.readout)

    def _tool_row(self) -> QHBoxLayout:
        self.go_to = QLineEdit(self)
        self.go_to.setObjectName("goTo")
        self.go_to.setAccessibleName("Go to a name or position")
        self.go_to.setPlaceholderText("Go to name or position")
        self.go_to.setToolTip("A name, « 160.25 -12.35 », « 10 41 00 -12 21 00 » or « 10h41m00s -12d21m00s » (ICRS), then Enter")
        self.go_to.setClearButtonEnabled(True)
        self.go_to.setMinimumWidth(120)
        self.go_to.setMaximumWidth(260)
        self.go_to.returnPressed.connect(self._on_go_to)
        self.go_to.textEdited.connect(lambda _text: show_problem(self._problem, ""))
        self.go_to.installEventFilter(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.go_to, 1)
        for button in (
            self._button("wholeSky", "&Whole sky", "Show the whole sky (Home)", self.view.show_whole_sky),
            self._button("zoomIn", "+", "Zoom in (+)", lambda: self.view.zoom(1.5)),
            self._button("zoomOut", "−", "Zoom out (-)", lambda: self.view.zoom(1 / 1.5)),
        ):
            row.addWidget(button)
        row.addSpacing(6)
        self._modes = QButtonGroup(self)
        for name, text, tip in (
            ("move", "&Move", "Dragging moves the sky"),
            ("cone", "Draw c&one", "Drag from the middle outwards to make a cone filter (also Shift and drag)"),
            ("box", "Draw &rectangle", "Drag from corner to corner to make a rectangle filter in RA and Dec"),
        ):
            button = self._button(f"mode_{name}", text, tip, functools.partial(self._set_mode, name))
            button.setCheckable(True)
            button.setChecked(name == "move")
            self._modes.addButton(button)
            row.addWidget(button)
        row.addStretch(1)
        legend = self._button("legendButton", "Le&gend", "Show or hide the legend", self._on_legend_button)
        legend.setCheckable(True)
        legend.setChecked(True)
        self._legend_button = legend
        row.addWidget(legend)
        buttons = self.findChildren(QToolButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
        visits: list[QWidget] = [self.go_to, *buttons, self.view]
        for before, after in pairwise(visits):
            QWidget.setTabOrder(before, after)
        return row

    def _button(self, name: str, text: str, tip: str, action: object) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(text)
        button.setToolTip(tip)
        button.setAccessibleName(tip.partition(" (")[0])
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(action)
        return button

    def _connect(self) -> None:
        view, context = self.view, self._context
        view.pointer_moved.connect(self._on_pointer_moved)
        view.hovered.connect(self._on_hovered)
        view.chosen.connect(self._on_chosen)
        view.opened.connect(self._on_opened)
        view.cone_drawn.connect(self._on_cone_drawn)
        view.box_drawn.connect(self._on_box_drawn)
        view.view_changed.connect(self._describe)
        self._lookup.answered.connect(self._on_go_to)
        context.results_changed.connect(self._on_results_changed)
        context.stack_changed.connect(self._update_shapes)
        context.observation_changed.connect(self._on_observation_changed)
        context.theme_changed.connect(self._on_theme_changed)
        context.coordinates_changed.connect(view.set_style)
        context.place_requested.connect(view.show_place)

    # content

    def _make_layers(self) -> None:
        """Anew from the catalogues; large ones, or such as were not read yet, are made ready in the background."""
        known = self._context.results
        specs = self._session.missions()
        if all(spec.name in known for spec in specs) and sum(result.total for result in known.values()) <= _FEW_ROWS:
            self._context.background.forget(self, "layers")
            self._show_layers(self._layers())
        else:
            self._context.background.read(self, "layers", self._layers, self._show_layers)

    def _layers(self) -> list[MissionLayer]:
        """For any thread. Missions with many observations lie lowest, so that few ones are not covered."""
        layers = []
        for spec in self._session.missions():
            catalogue = self._session.catalogue(spec.name)
            layer = MissionLayer(spec, catalogue, np.ones(len(catalogue), bool))
            layer.prepare()
            layers.append(layer)
        return sorted(layers, key=lambda layer: -len(layer.catalogue))

    def _show_layers(self, layers: list[MissionLayer]) -> None:
        hidden = {layer.spec.name for layer in self.view.layers if not layer.shown}
        for layer in layers:
            layer.shown = layer.spec.name not in hidden
            result = self._context.results.get(layer.spec.name)
            if result is not None and len(result.mask) == len(layer.catalogue):
                layer.set_selected(result.mask)
        self.view.set_layers(layers)
        self._on_observation_changed(*self._context.observation)
        self._update_shapes()
        self._update_legend()
        self._describe()

    def _on_results_changed(self) -> None:
        catalogues = {layer.spec.name: layer.catalogue for layer in self.view.layers}
        wanted = {spec.name: self._session.catalogue(spec.name) for spec in self._session.missions()}
        if catalogues != wanted:
            self._make_layers()
            return
        for layer in self.view.layers:
            layer.set_selected(self._context.results[layer.spec.name].mask)
        self._refresh_soon.start()

    def _refresh(self) -> None:
        self.view.refresh()
        self._update_legend()
        self._describe()

    def _update_shapes(self) -> None:
        self.view.set_shapes(shapes_of(self._context.stack))

    def _update_legend(self) -> None:
        order = {spec.name: i for i, spec in enumerate(self._session.missions())}
        layers = sorted(self.view.layers, key=lambda layer: order.get(layer.spec.name, 99))
        self.legend.set_layers(layers, self._context.theme)
        self.legend.setVisible(self._legend_button.isChecked())

    def _describe(self) -> None:
        """The words for those who cannot see the plot; the tables below hold the same observations."""
        view = self.view.viewport_on_sky
        chosen = sum(int(layer.selected.sum()) for layer in self.view.layers)
        total = sum(len(layer.catalogue) for layer in self.view.layers)
        if view.shows_whole_sky:
            where = "The whole sky"
        else:
            middle = position_text(view.ra_deg, view.dec_deg, self._context.coordinates)
            where = f"{angle_text(view.field_height_deg)} of sky from top to bottom around {middle} (ICRS)"
        self.view.setAccessibleDescription(
            f"{where}. {counted(chosen, 'observation', 'observations')} of {total} pass the filters. "
            "The tables of observations hold the same. Arrow keys move, plus and minus zoom, Home shows the whole sky."
        )

    # what happens

    def _on_theme_changed(self, theme: Theme) -> None:
        self.view.set_theme(theme)
        # which mode is on is also said by a bar below the word
        self.setStyleSheet(
            f"QToolButton:checked {{ background: {theme.base}; color: {theme.text}; padding: 3px;"
            f" border: 1px solid {theme.border}; border-bottom: 3px solid {theme.accent}; }}"
        )
        self._update_legend()

    def _on_observation_changed(self, mission: str, obs_id: str) -> None:
        row = -1
        if any(layer.spec.name == mission for layer in self.view.layers):
            row = self._session.catalogue(mission).row_of.get(obs_id, -1)
        self.view.set_focus(mission, row)

    def _on_legend_toggled(self, mission: str, shown: bool) -> None:
        for layer in self.view.layers:
            if layer.spec.name == mission:
                layer.shown = shown
        self.view.refresh()

    def _on_legend_button(self) -> None:
        self.legend.setVisible(self._legend_button.isChecked())

    def _set_mode(self, mode: str) -> None:
        self.view.set_mode(mode)

    def _on_pointer_moved(self, position: SkyPosition | None) -> None:
        if position is None:
            self.readout.setText(" ")
        else:
            text = position_text(position.ra_deg, position.dec_deg, self._context.coordinates)
            self.readout.setText(f"{text} (ICRS)")

    def describe(self, mission: str, row: int) -> str:
        """« XMM-Newton 0999900101 · Practice Cluster · 10h 41m 01.2s -12° 20′ 48″ »."""
        layer = next(layer for layer in self.view.layers if layer.spec.name == mission)
        catalogue = layer.catalogue
        place = position_text(float(catalogue.ra_deg[row]), float(catalogue.dec_deg[row]), self._context.coordinates)
        parts = [f"{layer.spec.label} {catalogue.obs_id[row]}", str(catalogue.target[row]), place]
        if catalogue.simulated[row]:
            parts.append("SIMULATED")
        if not layer.selected[row]:
            parts.append("does not pass the filters")
        return " · ".join(part for part in parts if part)

    def _on_hovered(self, mission: str, row: int) -> None:
        if not mission:
            QToolTip.hideText()
            return
        text = self.describe(mission, row)
        self.readout.setText(text)
        QToolTip.showText(QCursor.pos() + QPoint(12, 12), text, self.view)

    def _on_chosen(self, mission: str, row: int) -> None:
        catalogue = self._session.catalogue(mission)
        self._context.set_observation(mission, str(catalogue.obs_id[row]))

    def _on_opened(self, mission: str, row: int) -> None:
        show_on_sky(self._context, mission, str(self._session.catalogue(mission).obs_id[row]))

    def _on_cone_drawn(self, position: SkyPosition, radius_deg: float) -> None:
        radius = float(f"{radius_deg:.3g}")
        self._context.set_stack(self._context.stack.add(Cone(_rounded(position, radius / 200), radius)))
        self._back_to_moving()

    def _on_box_drawn(self, ra_from: float, ra_to: float, dec_from: float, dec_to: float) -> None:
        digits = 2 if dec_to - dec_from > 1.0 else 4
        box = Box(round(ra_from, digits) % 360.0, round(ra_to, digits) % 360.0, round(dec_from, digits), round(dec_to, digits))
        self._context.set_stack(self._context.stack.add(box))
        self._back_to_moving()

    def _back_to_moving(self) -> None:
        for button in self._modes.buttons():
            button.setChecked(button.objectName() == "mode_move")
        self.view.set_mode("move")

    # going somewhere

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.go_to and event.type() == QEvent.Type.FocusIn:
            self._refresh_completer()
        return super().eventFilter(watched, event)

    def _refresh_completer(self) -> None:
        names = [position.name for position in self._session.known_names()]
        completer = QCompleter(names, self.go_to)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.go_to.setCompleter(completer)

    def _on_go_to(self) -> None:
        text = self.go_to.text().strip()
        if not text:
            return
        show_problem(self._problem, "")
        self.readout.setText(" ")
        try:
            position = self._lookup.place(text)
        except Looking as looking:  # a name service may take seconds; then this is called again
            self.readout.setText(str(looking))
            self._lookup.hurry()
        except DaxaError as error:
            show_problem(self._problem, str(error))
        else:
            self.view.show_place(position, GO_TO_RADIUS_DEG)
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)


def _rounded(position: SkyPosition, step_deg: float) -> SkyPosition:
    """To a handful of digits, much finer than what can be drawn."""
    digits = 2
    while 10.0**-digits > step_deg and digits < 7:
        digits += 1
    return SkyPosition(round(position.ra_deg, digits) % 360.0, round(position.dec_deg, digits))
