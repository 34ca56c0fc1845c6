"""The image viewer: orientation, position under the pointer, before and after cleaning, stretches, saving."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QFileDialog

from daxa_gui.core.images import PixelGrid, SkyImage
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.sky import LinearWcs
from daxa_gui.gui.inspected import Subject
from daxa_gui.gui.panels.image import ImagePanel, sky_text
from daxa_gui.gui.widgets.colour_maps import COLOUR_MAPS, lookup_table
from daxa_gui.gui.widgets.sky_image import SkyImageView
from daxa_gui.gui.widgets.sky_overlay import scale_bar
from daxa_gui.gui.widgets.stretch import STRETCHES, cuts, levels, smoothed
from tests.fakes.inspecting import exposure_of, flared_list, workbench

WCS = LinearWcs(50.5, 50.5, 150.0, -11.0, -1 / 720, 1 / 720)


@pytest.fixture(scope="module")
def event_file(tmp_path_factory) -> Path:
    return flared_list(tmp_path_factory.mktemp("events") / "flared.fits")


@pytest.fixture
def bench(tmp_path, qapp):
    with workbench(tmp_path) as made:
        yield made


@pytest.fixture
def panel(bench, qtbot, event_file):
    panel = bench.panel(ImagePanel, qtbot, 420, 620)
    bench.open(event_file, qtbot)
    qtbot.waitUntil(lambda: panel.picture is not None and panel.picture.after is not None)
    return panel


# what the numbers become


def test_that_smoothing_is_the_gaussian_filter_and_keeps_the_counts():
    from scipy.ndimage import gaussian_filter

    image = np.zeros((60, 50), np.int32)
    image[30, 20] = 100
    result = smoothed(image, 1.7)
    np.testing.assert_allclose(result, gaussian_filter(image.astype(float), 1.7, mode="constant"), atol=2e-6)
    assert result.sum() == pytest.approx(100.0, rel=1e-5)


def test_that_smoothing_does_not_darken_the_edges_and_leaves_holes():
    image = np.full((20, 20), 3.0)
    image[5, 5] = np.nan
    result = smoothed(image, 2.0)
    assert np.isnan(result[5, 5])
    np.testing.assert_allclose(result[np.isfinite(result)], 3.0, rtol=1e-5)


def test_that_an_empty_rim_does_not_count_for_the_cuts():
    image = np.zeros((100, 100), np.float32)
    image[40:60, 40:60] = np.arange(1, 401).reshape(20, 20)
    assert cuts(image, 0.0, 99.0) == pytest.approx((0.0, np.percentile(np.arange(1, 401), 99.0)))
    assert cuts(np.zeros((3, 3), np.float32), 1.0, 99.0) == (0.0, 1.0)
    low, high = cuts(np.full((3, 3), 7.0, np.float32), 1.0, 99.0)
    assert low == 7.0 and high > low


@pytest.mark.parametrize("stretch", STRETCHES)
def test_that_stretches_grow_and_use_the_whole_range(stretch):
    values = np.array([-5.0, 0.0, 1.0, 5.0, 9.0, 10.0, 99.0, np.nan], np.float32)
    grey = levels(values, 0.0, 10.0, stretch)
    assert grey[[0, 1, 5, 6, 7]].tolist() == [0, 0, 255, 255, 0]
    assert (np.diff(grey[1:6].astype(int)) > 0).all()


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_that_colour_maps_never_go_back_in_lightness(name):
    red, green, blue = lookup_table(name)[:, :3].T.astype(float)
    lightness = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    steps = np.diff(lightness if lightness[-1] > lightness[0] else lightness[::-1])
    assert lookup_table(name).shape == (256, 4) and steps.min() > -1.5


# how it lies on the sky


def test_that_the_scale_bar_is_round_and_at_most_a_third_of_the_view():
    assert scale_bar(0.5) == (pytest.approx(10 / 60), "10′")
    assert scale_bar(0.02)[1] == "20″"
    assert scale_bar(40.0)[1] == "10°"


@pytest.mark.parametrize(("cdelt_x", "cdelt_y"), [(-1 / 720, 1 / 720), (1 / 720, 1 / 720), (-1 / 720, -1 / 720)])
def test_that_north_is_up_and_east_is_left_whatever_the_file_does(qtbot, cdelt_x, cdelt_y):
    view = SkyImageView()
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show()
    wcs = LinearWcs(50.5, 50.5, 150.0, -11.0, cdelt_x, cdelt_y)
    view.show_levels(
        np.zeros((100, 100), np.uint8), SkyImage(np.zeros((100, 100)), PixelGrid(0, 0, 1, 1, 100, 100), wcs, "count")
    )
    north, east = view.overlay.compass()
    assert north == pytest.approx((0.0, -1.0), abs=0.01) and east == pytest.approx((-1.0, 0.0), abs=0.01)
    centre, eastern = (view.view.mapViewToScene(QPointF(*map(float, wcs.pixel(ra, -11.0)))) for ra in (150.0, 150.03))
    assert eastern.x() < centre.x()


def test_that_the_pointer_reads_the_middle_of_a_pixel():
    image = SkyImage(np.zeros((100, 100)), PixelGrid(0, 0, 1, 1, 100, 100), WCS, "count")
    assert sky_text(image, (50.0, 50.0), "degrees") == "RA 150.00000° Dec -11.00000° (ICRS)"
    assert sky_text(image, (50.0, 50.0), "sexagesimal") == "RA 10 00 00.00 Dec -11 00 00.0 (ICRS)"
    assert sky_text(SkyImage(image.values, image.grid, None, "count"), (3.2, 4.9), "degrees") == "pixel 4, 5"


# the panel


def test_that_without_a_file_the_panel_says_what_to_do(bench, qtbot):
    panel = bench.panel(ImagePanel, qtbot)
    assert panel.empty.isVisible() and not panel.view.isVisible() and not panel.save.isEnabled()


def test_that_the_image_has_the_source_and_the_pointer_reads_it(panel, bench):
    values = panel.plane().image.values
    row, column = np.unravel_index(int(np.argmax(smoothed(values, 2.0))), values.shape)
    panel.view.pointed.emit((column + 0.5, row + 0.5))
    text = panel.readout.text()
    assert "RA 10 00 0" in text and "Dec -11 00" in text and "(ICRS)" in text and "counts" in text
    bench.context.set_coordinates("degrees")
    panel.view.pointed.emit((column + 0.5, row + 0.5))
    assert "RA 150.0" in panel.readout.text() and "°" in panel.readout.text()


def test_that_cleaning_takes_the_flare_out_of_the_image(panel, qtbot):
    panel.controls.band_low.setValue(2.5)
    panel.controls.band_high.setValue(8.5)
    qtbot.waitUntil(lambda: panel.picture.source.band_kev == (2.5, 8.5))
    before = panel.plane().total
    panel.controls.times["after"].click()
    assert panel.plane() is panel.picture.after
    assert panel.plane().total < before - 8000
    assert panel.readout.text().split("\n")[1].startswith("after cleaning · 2.5–8.5 keV")


def test_that_the_image_follows_the_light_curve(panel, bench, qtbot):
    from dataclasses import replace

    panel.controls.times["after"].click()
    first = panel.plane().total
    inspected = bench.inspected
    inspected.set_parameters(replace(inspected.parameters, removed_s=((0.0, 4000.0),)))
    qtbot.waitUntil(lambda: panel.plane().total < 0.8 * first)


def test_that_blinking_shows_both_with_the_same_cuts_and_stops_when_hidden(panel, qtbot):
    panel.controls.toggle_blink()
    qtbot.waitUntil(lambda: panel.picture.common_after is not None)
    seen = set()
    panel._blink.setInterval(20)
    panel._blink.timeout.connect(lambda: seen.add(panel.plane() is panel.picture.after))
    qtbot.waitUntil(lambda: seen == {True, False})
    panel.hide()
    assert not panel._blink.isActive()
    panel.show()
    panel.controls.toggle_blink()
    assert panel.controls.time_style() == "after" and not panel._blink.isActive()


def test_that_both_stand_side_by_side_of_a_line_that_can_be_dragged(panel, qtbot):
    assert panel.controls.split.isEnabled() and "drag the line" in panel.controls.split.toolTip()
    panel.controls.split.click()
    qtbot.waitUntil(lambda: panel.view.split is not None, timeout=60_000)
    before, after = panel.picture.common_before, panel.picture.common_after
    n_columns = before.shape[1]
    for column in (n_columns // 2, n_columns // 3, -5, n_columns + 5):
        panel.view.divider.setValue(column)
        cut = min(max(column, 0), n_columns)
        np.testing.assert_array_equal(panel.view._item.image[:, :cut], before[:, :cut])
        np.testing.assert_array_equal(panel.view._item.image[:, cut:], after[:, cut:])
    panel.view.divider.setValue(n_columns // 2)
    assert panel.view.caption.text() == "before cleaning | after cleaning"
    assert panel.view.is_first(n_columns // 4) and not panel.view.is_first(3 * n_columns // 4)
    panel.controls.split.click()
    qtbot.waitUntil(lambda: panel.view.split is None, timeout=60_000)
    assert not panel.view.divider.isVisible() and panel.view.caption.isHidden()


def test_that_images_of_other_pixels_are_not_put_side_by_side(panel, tmp_path):
    from dataclasses import replace

    plane = panel.picture.after
    coarse = replace(plane.image, values=plane.image.values[::2, ::2])
    other = replace(panel.picture, after=replace(plane, image=coarse))
    assert panel.picture.can_be_split and not other.can_be_split and not replace(other, after=None).can_be_split
    panel.controls.show_split(False, True)
    assert not panel.controls.split.isEnabled() and "other pixels" in panel.controls.split.toolTip()


def test_that_smoothing_and_stretch_change_the_picture(panel, qtbot):
    before = panel.picture
    panel.controls.sigma.setValue(3.0)
    qtbot.waitUntil(lambda: panel.picture.look.sigma_px == 3.0)
    assert panel.picture.before.image is before.before.image  # the events were not binned again
    panel.controls.stretch.setCurrentText("log")
    qtbot.waitUntil(lambda: panel.picture.look.stretch == "log")
    assert (panel.picture.before.levels != before.before.levels).any()


def test_that_an_opened_image_hides_what_is_for_events_only(bench, qtbot, shared_data):
    panel = bench.panel(ImagePanel, qtbot, 420, 620)
    bench.open(next((shared_data / "xmm" / "0404910601" / "images").glob("*expmap.fits")), qtbot)
    qtbot.waitUntil(lambda: panel.picture is not None)
    assert not panel.controls.energy.isVisible() and not panel.controls.times["blink"].isVisible()
    assert panel.readout.text().endswith(" s")


def test_that_an_image_of_the_archive_is_shown_when_it_is_chosen(bench, qtbot, event_file, tmp_path):
    from dataclasses import replace

    inspection = bench.session.inspection
    events = inspection.open(event_file)
    path = tmp_path / "product.fits"
    inspection.write_image(path, inspection.image(events, (1.0, 5.0)), events)
    exposure = exposure_of(event_file)
    key = replace(exposure.raw.key, kind=ProductKind.IMAGE, band_kev=(1.0, 5.0))
    product = Product(ProductKey(**vars(key)), str(path), 1)
    bench.session.made_up = [replace(exposure, images=(product,))]
    panel = bench.panel(ImagePanel, qtbot)
    bench.inspected.refresh_exposures()
    qtbot.waitUntil(lambda: len(bench.inspected.exposures) == 1)
    bench.context.set_product(product)
    qtbot.waitUntil(lambda: panel.picture is not None and panel.picture.source.path == str(path), timeout=60_000)
    assert panel.controls.source.currentText() == "image 1–5 keV"
    panel.controls.source.setCurrentIndex(0)
    panel.controls.source.activated.emit(0)
    qtbot.waitUntil(lambda: panel.picture.source.events is not None)


def test_that_the_next_exposure_replaces_the_image(panel, bench, qtbot, tmp_path):
    other = flared_list(tmp_path / "other.fits", seed=5)
    old = panel.picture
    bench.inspected.show(Subject(str(other)))
    qtbot.waitUntil(lambda: panel.picture is not None and panel.picture.source.events is bench.inspected.events, timeout=60_000)
    assert panel.picture is not old and panel.title.text() == "other.fits"


def test_that_the_real_xmm_image_has_the_counts_of_the_sas_one(bench, qtbot, shared_data):
    panel = bench.panel(ImagePanel, qtbot, 420, 620)
    bench.open(shared_data / "xmm" / "0404910601" / "eclean" / "mos1_exp1_clean_evts.fits", qtbot)
    qtbot.waitUntil(lambda: panel.picture is not None)
    assert panel.plane().total == 27546.0
    assert "27\u202f546 counts" in panel.readout.text()


def test_that_picture_and_image_are_saved(panel, qtbot, tmp_path, monkeypatch):
    from astropy.io import fits

    for what, name in (("picture", "shown.png"), ("image", "image.fits")):
        target = tmp_path / name
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, target=target: (str(target), ""))
        panel._save(what)
        qtbot.waitUntil(target.exists, timeout=60_000)
    assert (tmp_path / "shown.png").read_bytes().startswith(b"\x89PNG")
    with fits.open(tmp_path / "image.fits") as hdus:
        np.testing.assert_array_equal(hdus[0].data, panel.plane().image.values)
