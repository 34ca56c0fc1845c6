"""The sky panel on a real session: look, name, choose, draw, and what it shares with the rest of the window."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication, QCheckBox

from daxa_gui.core.filters import Box, Cone, ObsIds, TargetType
from daxa_gui.core.sky import SkyPosition, separation_deg, unit_vectors
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.panels.sky import SkyPanel
from daxa_gui.gui.theme import DARK, LIGHT
from daxa_gui.gui.widgets.sky_graticule import format_dec_tick, format_ra_tick, graticule
from daxa_gui.gui.widgets.sky_layers import MOST_POINTS, N_CELLS, MissionLayer, density_images
from daxa_gui.gui.widgets.sky_projection import Viewport
from daxa_gui.session import Session

CALPV, ERASS = "erosita_calpv", "erosita_all_sky_de_dr1"
LEFT = Qt.MouseButton.LeftButton


class Sky:
    def __init__(self, qtbot, folder) -> None:
        self.session = Session(output_folder=folder / "out", cache=folder / "cache")
        self.session.set_offline(True)  # no name service
        self.context = Context(self.session)
        self.bridge = Bridge(self.session.bus)
        self.context.apply_filters()
        self.panel = SkyPanel(self.session, self.context, self.bridge)
        qtbot.addWidget(self.panel)
        self.panel.resize(900, 520)
        self.panel.show()
        self.view = self.panel.view
        self.port = self.view.viewport()
        self.panel.legend.hide()

    @property
    def looks_at(self) -> Viewport:
        return self.view.viewport_on_sky

    def place(self, mission: str, obs_id: str) -> QPoint:
        """The pixel of an observation."""
        catalogue = self.session.catalogue(mission)
        row = catalogue.row_of[obs_id]
        x, y = self.looks_at.pixels_of(float(catalogue.ra_deg[row]), float(catalogue.dec_deg[row]))
        return QPoint(round(x), round(y))

    def wheel(self, point: QPoint, notches: int) -> None:
        event = QWheelEvent(
            QPointF(point), QPointF(self.port.mapToGlobal(point)), QPoint(), QPoint(0, 120 * notches), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.port, event)

    def close(self) -> None:
        self.bridge.stop()
        self.context.background.close()
        self.session.close()


@pytest.fixture
def sky(qtbot, tmp_path) -> Iterator[Sky]:
    sky = Sky(qtbot, tmp_path)
    yield sky
    sky.close()


def drag(qtbot, sky: Sky, start: QPoint, end: QPoint, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    def send(kind, point, button, buttons):
        position = QPointF(point)
        event = QMouseEvent(kind, position, QPointF(sky.port.mapToGlobal(point)), button, buttons, modifier)
        QApplication.sendEvent(sky.port, event)

    send(QEvent.Type.MouseButtonPress, start, LEFT, LEFT)
    for part in (0.3, 0.7, 1.0):
        step = start + (end - start) * part
        send(QEvent.Type.MouseMove, step, Qt.MouseButton.NoButton, LEFT)
    send(QEvent.Type.MouseButtonRelease, end, LEFT, Qt.MouseButton.NoButton)


def test_that_it_begins_with_the_whole_sky_and_every_observation(sky):
    assert sky.looks_at.shows_whole_sky
    for layer in sky.view.layers:
        assert layer.in_view(sky.looks_at).all()
    assert "The whole sky. 2\u202f617 observations of 2617 pass the filters." in sky.view.accessibleDescription()


def test_that_the_wheel_zooms_at_the_pointer(sky):
    point = sky.place(CALPV, "300004")
    before = sky.looks_at.position(point.x(), point.y())
    scale = sky.looks_at.scale_deg
    for _ in range(12):
        sky.wheel(point, 1)
    assert sky.looks_at.scale_deg < scale / 10
    after = sky.looks_at.position(point.x(), point.y())
    assert separation_deg(unit_vectors(*before), unit_vectors(*after)) < 3 * sky.looks_at.scale_deg
    for _ in range(30):
        sky.wheel(point, -1)
    assert sky.looks_at.shows_whole_sky


def test_that_dragging_pans_and_a_click_does_not(sky, qtbot):
    sky.view.show_place(SkyPosition(130.0, -20.0), 10.0)
    drag(qtbot, sky, QPoint(400, 200), QPoint(500, 150))
    moved = sky.looks_at
    assert moved.pixels_of(130.0, -20.0) == pytest.approx((sky.view.width() / 2 + 100, sky.view.height() / 2 - 50), abs=8)
    qtbot.mouseClick(sky.port, LEFT, pos=QPoint(300, 100))
    assert sky.looks_at == moved


def test_that_a_click_chooses_the_observation_and_the_choice_is_marked(sky, qtbot):
    sky.view.show_place(SkyPosition(130.3313, -78.9634), 5.0)
    with qtbot.waitSignal(sky.context.observation_changed) as signal:
        qtbot.mouseClick(sky.port, LEFT, pos=sky.place(CALPV, "300004"))
    assert signal.args == [CALPV, "300004"]
    assert sky.view.focus == (CALPV, sky.session.catalogue(CALPV).row_of["300004"])
    sky.context.set_observation(ERASS, "002120")
    assert sky.view.focus == (ERASS, sky.session.catalogue(ERASS).row_of["002120"])


def test_that_hovering_names_the_observation(sky, qtbot):
    sky.view.show_place(SkyPosition(130.3313, -78.9634), 5.0)
    qtbot.mouseMove(sky.port, sky.place(CALPV, "300004"))
    assert sky.panel.readout.text().startswith("eROSITA Cal-PV 300004 · eta Cha · 08h 41m 19.5s -78° 57′ 48″")
    qtbot.mouseMove(sky.port, QPoint(5, 5))
    assert "300004" not in sky.panel.readout.text()
    assert sky.panel.readout.text().endswith("(ICRS)")


def test_that_filtered_observations_are_faint_and_lose_against_selected_ones(sky):
    sky.context.set_stack(sky.context.stack.add(ObsIds(("300004",))))
    sky.context.apply_filters()
    layers = {layer.spec.name: layer for layer in sky.view.layers}
    assert int(layers[CALPV].selected.sum()) == 1
    sky.view.show_place(SkyPosition(130.3313, -78.9634), 60.0)
    x, y = sky.looks_at.pixels_of(130.3313, -78.9634)
    assert sky.view.nearest(x + 3, y) == (CALPV, sky.session.catalogue(CALPV).row_of["300004"])
    items = sky.view._items[CALPV]
    assert len(items.strong.data) == 1 and len(items.faint.data) == 169


def test_that_true_fields_of_view_appear_when_near(sky):
    tiles = next(layer for layer in sky.view.layers if layer.spec.name == ERASS)
    assert len(tiles.outlines(sky.looks_at)[1]) == 0
    sky.view.show_place(SkyPosition(160.0, -12.0), 6.0)
    outlines, rows = tiles.outlines(sky.looks_at)
    assert 9 <= len(rows) < 100
    catalogue, row = tiles.catalogue, int(rows[0])
    corner = unit_vectors(catalogue.extra["ra_min_deg"][row], catalogue.extra["dec_min_deg"][row])
    assert separation_deg(outlines[0], corner).min() < 1e-6


def test_that_a_drawn_cone_becomes_a_filter(sky, qtbot):
    sky.view.show_place(SkyPosition(160.0, -12.0), 10.0)
    qtbot.mouseClick(sky.panel.findChild(type(sky.panel._legend_button), "mode_cone"), LEFT)
    middle = QPoint(round(sky.view.width() / 2), round(sky.view.height() / 2))
    drag(qtbot, sky, middle, middle + QPoint(100, 0))
    [row] = sky.context.stack.rows
    assert isinstance(row.filter, Cone)
    assert row.filter.radius_deg == pytest.approx(100 * sky.looks_at.scale_deg, rel=0.02)
    assert separation_deg(unit_vectors(160.0, -12.0), unit_vectors(row.filter.position.ra_deg, row.filter.position.dec_deg)) < 0.1
    assert sky.view.mode == "move"  # one shape per press of the button
    assert len(sky.view._shapes) == 2


def test_that_shift_and_drag_draws_a_cone_in_any_mode(sky, qtbot):
    sky.view.show_place(SkyPosition(160.0, -12.0), 10.0)
    before = sky.looks_at
    drag(qtbot, sky, QPoint(300, 200), QPoint(360, 200), Qt.KeyboardModifier.ShiftModifier)
    assert isinstance(sky.context.stack.rows[0].filter, Cone)
    assert sky.looks_at == before


def test_that_a_drawn_rectangle_may_cross_ra_zero(sky, qtbot):
    sky.view.show_place(SkyPosition(0.0, 0.0), 10.0)
    sky.view.set_mode("box")
    drag(qtbot, sky, QPoint(300, 150), QPoint(600, 300))
    [row] = sky.context.stack.rows
    assert isinstance(row.filter, Box)
    assert row.filter.ra_min_deg > 300.0 and row.filter.ra_max_deg < 60.0
    assert row.filter.dec_min_deg < row.filter.dec_max_deg


def test_that_keys_zoom_move_and_give_up(sky, qtbot):
    sky.view.setFocus()
    scale = sky.looks_at.scale_deg
    qtbot.keyClick(sky.view, Qt.Key.Key_Plus)
    assert sky.looks_at.scale_deg == pytest.approx(scale / 1.5)
    sky.view.show_place(SkyPosition(100.0, 20.0), 5.0)
    qtbot.keyClick(sky.view, Qt.Key.Key_Left)
    assert sky.looks_at.ra_deg > 100.0
    qtbot.keyClick(sky.view, Qt.Key.Key_Up)
    assert sky.looks_at.dec_deg > 20.0
    qtbot.keyClick(sky.view, Qt.Key.Key_Home)
    assert sky.looks_at.shows_whole_sky


@pytest.mark.parametrize("text", ["160.25 -12.35", "10 41 00 -12 21 00", "10h41m00s -12d21m00s"])
def test_that_go_to_takes_any_usual_notation(sky, qtbot, text):
    qtbot.keyClicks(sky.panel.go_to, text)
    qtbot.keyClick(sky.panel.go_to, Qt.Key.Key_Return)
    assert (sky.looks_at.ra_deg, sky.looks_at.dec_deg) == pytest.approx((160.25, -12.35))


def test_that_go_to_takes_a_name_and_explains_an_unknown_one(sky, qtbot):
    qtbot.keyClicks(sky.panel.go_to, "eta cha")
    qtbot.keyClick(sky.panel.go_to, Qt.Key.Key_Return)
    assert (sky.looks_at.ra_deg, sky.looks_at.dec_deg) == pytest.approx((130.3313, -78.9634), abs=0.01)
    sky.panel.go_to.setText("no such place")
    qtbot.keyClick(sky.panel.go_to, Qt.Key.Key_Return)
    qtbot.waitUntil(sky.panel._problem.isVisible)
    assert "« no such place »" in sky.panel._problem.text()


def test_that_a_requested_place_is_shown(sky):
    sky.context.show_place(SkyPosition(33.0, -45.0), 3.0)
    assert (sky.looks_at.ra_deg, sky.looks_at.dec_deg) == pytest.approx((33.0, -45.0))
    assert sky.looks_at.field_height_deg == pytest.approx(6.0 / 0.84, rel=0.3)


def test_that_the_legend_hides_a_mission_from_plot_and_pointer(sky, qtbot):
    box = sky.panel.findChild(QCheckBox, f"legend_{CALPV}")
    sky.view.show_place(SkyPosition(130.3313, -78.9634), 5.0)
    point = sky.place(CALPV, "300004")
    assert sky.view.nearest(point.x(), point.y())[0] == CALPV
    box.click()
    assert sky.view.nearest(point.x(), point.y())[0] != CALPV
    assert not sky.view._items[CALPV].strong.isVisible()


def test_that_filters_without_a_place_draw_nothing(sky):
    sky.context.set_stack(sky.context.stack.add(TargetType(("GCL",))))
    assert sky.view._shapes == ()


def test_that_both_themes_are_drawn_in_their_own_colours(sky):
    colours = []
    for theme in (LIGHT, DARK):
        sky.context.set_theme(theme)
        image = sky.view.grab().toImage()
        colours.append(image.pixelColor(sky.view.width() - 3, sky.view.height() - 3).name())
    assert colours == [LIGHT.base, DARK.base]


def test_that_panning_does_not_depend_on_looking_at_every_symbol_again(sky, record_property):
    """Moves 2 617 points; the time is reported, not asserted."""
    sky.view.show_place(SkyPosition(160.0, -12.0), 60.0)
    begin = time.perf_counter()
    for _ in range(20):
        sky.view.pan(3, 2)
        sky.port.repaint()
    record_property("pan_ms", (time.perf_counter() - begin) / 20 * 1000)
    assert sky.looks_at.ra_deg != 160.0


# ---- parts


@pytest.mark.parametrize(
    ("ra", "step", "style", "text"),
    [(-15.0, 15.0, "sexagesimal", "23h"), (160.25, 0.25, "sexagesimal", "10h 41m"),
     (160.25, 1 / 240, "sexagesimal", "10h 41m 00s"),
     (359.99999, 30.0, "degrees", "0°"), (160.25, 0.05, "degrees", "160.25°")],
)  # fmt: skip
def test_that_ra_is_labelled_as_finely_as_the_step_needs(ra, step, style, text):
    assert format_ra_tick(ra, step, style) == text


@pytest.mark.parametrize(
    ("dec", "step", "style", "text"),
    [(-30.0, 30.0, "sexagesimal", "-30°"), (0.0, 15.0, "sexagesimal", "0°"), (-0.5, 1 / 6, "sexagesimal", "-0° 30′"),
     (-12.35, 1 / 360, "sexagesimal", "-12° 21′ 00″"), (12.25, 0.05, "degrees", "+12.25°")],
)  # fmt: skip
def test_that_dec_is_labelled_as_finely_as_the_step_needs(dec, step, style, text):
    assert format_dec_tick(dec, step, style) == text


@pytest.mark.parametrize("style", ["sexagesimal", "degrees"])
@pytest.mark.parametrize(
    ("ra", "dec", "radius"),
    [(0, 0, 170), (160, -12, 30), (160, -12, 0.5), (160, -12, 0.01), (10, 89.9, 5), (10, -90, 40), (0, 60, 2)],
)
def test_that_every_view_has_a_handful_of_labelled_lines(ra, dec, radius, style):
    view = Viewport(width=800, height=400).centred(ra, dec, radius)
    result = graticule(view, style)
    assert 4 <= len(result.labels) <= 40
    assert all(-1 < label.y < 401 for label in result.labels)
    assert len(result.lines.x) == len(result.lines.joined) < 12_000


def test_that_many_observations_become_a_density_far_out_and_points_near(sky):
    rng = np.random.default_rng(5)
    n = 60_000
    small = sky.session.catalogue(CALPV)
    rows = rng.integers(0, len(small), n)
    names = ("obs_id", "start_mjd", "end_mjd", "exposure_s", "target", "target_type", "instruments", "public_mjd",
             "unusable_reason", "search_radius_deg", "fov_radius_deg", "simulated")  # fmt: skip
    catalogue = type(small)(
        mission="many", version="1", provenance="", ra_deg=rng.uniform(0, 360, n),
        dec_deg=np.degrees(np.arcsin(rng.uniform(-1, 1, n))), **{name: getattr(small, name)[rows] for name in names},
    )  # fmt: skip
    layer = MissionLayer(sky.session.missions()[0], catalogue, np.arange(n) < 50)
    far = Viewport(width=800, height=400).whole_sky()
    layer.place(far)
    assert layer.dense and not layer.crowded and len(layer.rows) == 50  # the selected ones are still points
    passing, left_out = density_images([layer], far, 4)
    assert passing.shape == left_out.shape == (100, 200) and left_out.max() > 0 and left_out[0, 0] == 0
    assert passing.max() == 0  # they are drawn one by one
    assert [counts.sum() for counts in layer.counts(np.arange(N_CELLS))] == [50, n - 50]
    layer.set_selected(catalogue.dec_deg > 0)
    layer.place(far)
    assert layer.dense and layer.crowded and len(layer.rows) == 0
    passing, left_out = density_images([layer], far, 4)
    assert passing[:49].any() and not passing[51:].any()  # north is up
    assert left_out[51:].any() and not left_out[:49].any()
    layer.set_selected(np.arange(n) < 50)
    near = far.centred(100.0, 10.0, 5.0)
    layer.place(near)
    assert not layer.dense and 50 < len(layer.rows) < MOST_POINTS
    assert density_images([layer], near, 4) is None
