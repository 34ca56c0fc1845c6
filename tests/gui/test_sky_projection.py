"""The projection of the sky plot: there and back, pointer stays put, north up."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daxa_gui.core.sky import separation_deg, unit_vectors
from daxa_gui.gui.widgets.sky_projection import HALF_HEIGHT_DEG, HALF_WIDTH_DEG, Viewport, boxes, broken_at_edges, circles

RA = st.floats(0.0, 359.999)
DEC = st.floats(-89.9, 89.9)
SCALE = st.floats(1e-5, 0.4)


@given(RA, DEC, SCALE, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_that_a_pixel_goes_to_the_sky_and_back(ra, dec, scale, fx, fy):
    view = Viewport(ra, dec, scale, 900, 450)
    x, y = fx * 900, fy * 450
    position = view.position(x, y)
    if position is not None:
        back = view.pixels_of(*position)
        assert back == pytest.approx((x, y), abs=0.01)


def test_that_the_projection_is_equal_area():
    view = Viewport(40.0, 20.0, 0.3, 1000, 500)
    rng = np.random.default_rng(1)
    dec = np.degrees(np.arcsin(rng.uniform(-1, 1, 400)))
    ra = rng.uniform(0, 360, 400)
    for lo, la in zip(ra, dec, strict=True):
        step = 0.01
        corners = unit_vectors([lo, lo + step / math.cos(math.radians(la)), lo], [la, la, la + step])
        x, y = view.pixels(corners)
        area = abs((x[1] - x[0]) * (y[2] - y[0]) - (x[2] - x[0]) * (y[1] - y[0])) * view.scale_deg**2
        if np.ptp(x) < 100:  # not across the rim
            assert area == pytest.approx(step**2, rel=0.03)


def test_that_ra_grows_to_the_left_and_north_is_up():
    view = Viewport(100.0, 60.0, 0.01, 800, 400)
    x, y = view.pixels(unit_vectors([100.0, 101.0, 100.0], [60.0, 60.0, 61.0]))
    assert (x[0], y[0]) == pytest.approx((400, 200))
    assert x[1] < x[0]
    assert y[2] == pytest.approx(100, abs=0.1) and x[2] == pytest.approx(400)
    assert x[0] - x[1] == pytest.approx(math.cos(math.radians(60)) / 0.01, rel=1e-3)  # no shear, true scale


def test_that_the_whole_sky_fits():
    view = Viewport(width=900, height=400).whole_sky()
    rng = np.random.default_rng(2)
    x, y = view.pixels(unit_vectors(rng.uniform(0, 360, 5000), np.degrees(np.arcsin(rng.uniform(-1, 1, 5000)))))
    assert x.min() > 0 and x.max() < 900 and y.min() > 0 and y.max() < 400
    assert np.abs(x - 450).max() <= HALF_WIDTH_DEG / view.scale_deg + 1e-6
    assert np.abs(y - 200).max() <= HALF_HEIGHT_DEG / view.scale_deg + 1e-6
    assert view.radius_deg == 180.0
    assert view.position(1.0, 1.0) is None


@given(RA, st.floats(-80, 80), st.floats(1e-4, 0.05), st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.floats(1.05, 4.0))
def test_that_zooming_leaves_the_position_under_the_pointer(ra, dec, scale, fx, fy, factor):
    view = Viewport(ra, dec, scale, 900, 450)
    x, y = 900 * fx, 450 * fy
    before = view.position(x, y)
    nearer = view.zoomed(factor, x, y)
    after = nearer.position(x, y)
    assert before is not None and after is not None
    apart = separation_deg(unit_vectors(*before), unit_vectors(*after))
    assert apart < 2.0 * nearer.scale_deg or abs(before[1]) > 85  # at the pole north cannot stay up


@given(RA, st.floats(-60, 60), st.floats(0.01, 0.1), st.floats(-150, 150), st.floats(-80, 80))
def test_that_dragging_takes_the_sky_along(ra, dec, scale, dx, dy):
    view = Viewport(ra, dec, scale, 900, 450).limited()
    grabbed = view.position(450.0, 225.0)
    assert grabbed is not None
    moved = view.with_position_at(*grabbed, 450.0 + dx, 225.0 + dy)
    if abs(moved.dec_deg) < moved.highest_dec_deg - 1e-6 and abs(moved.dec_deg) < 89:
        assert moved.pixels_of(*grabbed) == pytest.approx((450 + dx, 225 + dy), abs=0.5)


def test_that_far_out_the_equator_stays_level():
    view = Viewport(width=900, height=450).whole_sky()
    moved = view.with_position_at(0.0, 0.0, 600.0, 100.0)
    assert moved.dec_deg == 0.0
    assert moved.pixels_of(0.0, 0.0)[0] == pytest.approx(600.0, abs=1)


@pytest.mark.parametrize("dec", [90.0, -90.0, 89.99])
def test_that_the_poles_can_be_the_middle(dec):
    view = Viewport(width=900, height=450).centred(33.0, dec, 2.0)
    assert view.dec_deg == pytest.approx(dec)
    assert view.pixels_of(33.0, dec) == pytest.approx((450, 225), abs=1e-6)
    assert view.radius_deg < 6.0


def test_that_a_line_is_not_drawn_across_the_map():
    view = Viewport(width=900, height=450).whole_sky()
    x, y = view.pixels(unit_vectors(np.array([170.0, 178.0, 182.0, 190.0]), np.zeros(4)))
    ends = np.array([False, False, False, True])
    assert broken_at_edges(x, y, ends, view).tolist() == [True, False, True, False]


def test_that_circles_have_their_radius_everywhere():
    centres = unit_vectors([10.0, 200.0, 0.0], [89.9, -30.0, -90.0])
    rings = circles(centres, np.array([0.25, 3.6, 12.0]))
    for centre, ring, radius in zip(centres, rings, (0.25, 3.6, 12.0), strict=True):
        assert separation_deg(ring, centre) == pytest.approx(np.full(len(ring), radius), abs=1e-9)
        assert ring[0] == pytest.approx(ring[-1])


def test_that_a_box_may_cross_ra_zero():
    outline = boxes(np.array([350.0]), np.array([10.0]), np.array([-5.0]), np.array([5.0]))[0]
    assert separation_deg(outline, unit_vectors(0.0, 0.0)).max() < 12.0
