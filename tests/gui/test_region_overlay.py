"""Regions over an image: outlines where astropy puts them, and shapes drawn with the mouse as places on the sky."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from PySide6.QtCore import Qt

from daxa_gui.core.filters import SkyShape
from daxa_gui.core.sky import LinearWcs
from daxa_gui.gui.widgets.region_overlay import KINDS, RegionOverlay, apart, away, outlines

WCS = LinearWcs(256.5, 256.5, 186.0, 62.0, -0.0012, 0.0012)


@pytest.fixture
def overlay(qtbot):
    widget = pg.GraphicsLayoutWidget()
    qtbot.addWidget(widget)
    view = widget.addViewBox(lockAspect=True)
    view.setRange(xRange=(0, 512), yRange=(0, 512))
    made = RegionOverlay(view)
    made.set_wcs(WCS)
    yield made  # the widget has to live as long


def test_that_distances_and_directions_are_those_of_astropy():
    rng = np.random.default_rng(7)
    for ra, dec, distance, angle in zip(
        rng.uniform(0, 360, 50), rng.uniform(-89, 89, 50), rng.uniform(0.001, 5, 50), rng.uniform(0, 360, 50), strict=True
    ):
        there_ra, there_dec = away((ra, dec), np.array([distance]), np.array([angle]))
        centre = SkyCoord(ra, dec, unit="deg")
        expected = centre.directional_offset_by(angle * u.deg, distance * u.deg)
        assert SkyCoord(there_ra[0], there_dec[0], unit="deg").separation(expected).arcsec < 1e-6
        back = apart((ra, dec), (float(there_ra[0]), float(there_dec[0])))
        assert back[0] == pytest.approx(distance, abs=1e-9)
        assert abs((back[1] - angle + 180) % 360 - 180) < 1e-6


def test_that_the_outline_of_a_turned_box_passes_through_its_corners():
    box = SkyShape("box", ((186.0, 62.0),), (0.2, 0.1), 30.0)
    [(ra, dec)] = outlines(box)
    centre = SkyCoord(186.0, 62.0, unit="deg")
    far = centre.separation(SkyCoord(ra, dec, unit="deg")).deg
    assert far.max() == pytest.approx(np.hypot(0.1, 0.05), abs=1e-9)
    assert far.min() == pytest.approx(0.05, abs=1e-9)
    # the middle of the side that the width points at
    sides = centre.position_angle(SkyCoord(ra, dec, unit="deg")).deg
    assert far[np.argmin(abs(sides - 30.0))] == pytest.approx(0.1, abs=1e-9)


def test_that_a_shape_with_a_hole_has_two_outlines():
    assert len(outlines(SkyShape("annulus", ((10.0, 5.0),), (0.1, 0.2)))) == 2
    assert len(outlines(SkyShape("ellipse", ((10.0, 5.0),), (0.1, 0.05, 0.2, 0.1)))) == 2


def test_that_excluded_regions_are_dashed_and_nothing_is_shown_without_a_sky(overlay):
    overlay.show_shapes(
        [SkyShape("circle", ((186.0, 62.0),), (0.05,)), SkyShape("circle", ((186.0, 62.0),), (0.01,), include=False)]
    )
    assert [item.pen().style() for item in overlay._items] == [Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine]
    bounds = overlay._items[0].path().boundingRect()
    assert bounds.width() == pytest.approx(2 * 0.05 / 0.0012, rel=1e-4)
    assert bounds.center().x() == pytest.approx(256.0, abs=0.1)  # FITS pixel 256.5 is 256.0 of the view
    overlay.set_wcs(None)
    assert overlay._items == []


@pytest.mark.parametrize("kind", KINDS)
def test_that_a_drawn_shape_lies_in_the_middle_of_what_is_seen(overlay, kind):
    overlay.draw(kind)
    [shape] = overlay.drawn()
    assert shape.shape == kind
    centre = np.mean([SkyCoord(*point, unit="deg").cartesian.xyz.value for point in shape.points], axis=0)
    middle = SkyCoord(186.0, 62.0, unit="deg").cartesian.xyz.value
    assert np.degrees(np.linalg.norm(centre - middle)) < 0.002


@pytest.mark.parametrize("kind", KINDS)
def test_that_a_drawn_shape_keeps_its_place_on_the_sky_when_the_image_gets_other_pixels(overlay, kind):
    overlay.draw(kind)
    roi = overlay._rois[0][1]
    roi.setPos((100, 300))
    if kind in ("ellipse", "box"):
        roi.setAngle(25.0)
    [before] = overlay.drawn()
    overlay.set_wcs(LinearWcs(128.5, 128.5, 186.0, 62.0, -0.0024, 0.0024))
    [after] = overlay.drawn()
    apart_arcsec = [
        SkyCoord(*a, unit="deg").separation(SkyCoord(*b, unit="deg")).arcsec
        for a, b in zip(before.points, after.points, strict=True)
    ]
    assert max(apart_arcsec) < 1.0
    assert after.sizes_deg == pytest.approx(before.sizes_deg, rel=2e-3)
    if kind in ("ellipse", "box"):
        assert abs((after.angle_deg - before.angle_deg + 180) % 360 - 180) < 0.2


def test_that_the_shape_drawn_last_is_the_one_that_is_removed(overlay):
    overlay.draw("circle")
    overlay.draw("box")
    overlay.remove_chosen()
    assert [shape.shape for shape in overlay.drawn()] == ["circle"]
    overlay.remove_chosen()
    overlay.remove_chosen()
    assert overlay.drawn() == []
