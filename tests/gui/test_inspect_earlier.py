"""Lists of an exposure by several authors, and earlier results: drawn over the light curve, blinked with the images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from daxa_gui.core.earlier import EarlierProduct, EarlierResults
from daxa_gui.core.exposures import Exposure, ExposureList, ListRole
from daxa_gui.core.images import PixelGrid, SkyImage
from daxa_gui.core.intervals import make_gti
from daxa_gui.core.job import Job, JobState
from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.sky import LinearWcs
from daxa_gui.core.step import Call
from daxa_gui.fits.products import write_gti
from daxa_gui.gui.inspected import Subject
from daxa_gui.gui.models.exposures import BY
from daxa_gui.gui.panels.exposures import ExposuresPanel
from daxa_gui.gui.panels.image import ImagePanel
from daxa_gui.gui.panels.lightcurve import LightcurvePanel
from daxa_gui.gui.theme import DARK
from daxa_gui.gui.widgets.sky_image import SkyImageView
from tests.fakes.inspecting import LENGTH_S, Workbench, exposure_of, flared_list, workbench

K = ProductKind
LONG_MS = 120_000
OBS = "0123456789"


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("events")
    names = ("raw", "calibrated", "clean", "then")
    found = {name: flared_list(folder / f"{name}.fits", seed) for seed, name in enumerate(names)}
    for name, share in (("gti", 0.4), ("gti_then", 0.7)):
        found[name] = folder / f"{name}.fits"
        write_gti(found[name], make_gti([0.0], [share * LENGTH_S]))
    return found


@pytest.fixture
def bench(tmp_path, qapp):
    with workbench(tmp_path) as made:
        yield made


def product(path: Path, kind: K = K.EVENTS, **more) -> Product:
    key = ProductKey("xmm_pointed", OBS, kind, "M1", "S001", more.pop("band", None))
    return Product(key, str(path), 1, sha256=path.name, **more)


def by_sas(files: dict[str, Path]) -> Exposure:
    """An exposure with a downloaded list that SAS calibrated and cleaned."""
    job = Job(9, "reduce", "local", "xmm_pointed", OBS, "M1S001", "espfilt", "", Call("a:b"), state=JobState.SUCCEEDED,
              facts={"good_time_s": 4800.0, "kept_fraction": 0.4, "limits_ct_s": [0.3, 1.2]})  # fmt: skip
    lists = (
        ExposureList(ListRole.DOWNLOADED, "", product(files["raw"])),
        ExposureList(ListRole.CALIBRATED, "SAS", product(files["calibrated"], K.CALIBRATED_EVENTS)),
        ExposureList(ListRole.CLEANED, "SAS", product(files["clean"], K.CLEAN_EVENTS)),
    )
    return replace(
        exposure_of(files["raw"]), raw=lists[0].product, flares=None, screening=job, gti=product(files["gti"], K.GTI),
        cleaned_by="SAS", lists=lists,
    )  # fmt: skip


def earlier(files: dict[str, Path], name: str = "3 sigma") -> EarlierResults:
    parts = (
        EarlierProduct("M1S001", K.CLEAN_EVENTS, str(files["then"]), str(files["clean"])),
        EarlierProduct("M1S001", K.GTI, str(files["gti_then"]), str(files["gti"])),
    )
    return EarlierResults(name, parts)


def show(bench: Workbench, qtbot, *exposures: Exposure) -> None:
    bench.session.made_up = list(exposures)
    bench.inspected.refresh_exposures()
    qtbot.waitUntil(lambda: len(bench.inspected.exposures) == len(exposures), timeout=LONG_MS)
    bench.inspected.show_exposure(exposures[0])
    settle(bench, qtbot)


def settle(bench: Workbench, qtbot) -> None:
    qtbot.waitUntil(lambda: bench.inspected.cleaning is not None, timeout=LONG_MS)


def choose(bench: Workbench, qtbot, name: str) -> None:
    there = bench.inspected.earlier
    qtbot.waitUntil(lambda: name in [one.name for one in there.choices], timeout=LONG_MS)
    there.choose(name)
    qtbot.waitUntil(lambda: there.screening is not None and there.screening.label == name, timeout=LONG_MS)


# ---- lists by several authors


def test_that_an_exposure_begins_with_the_list_of_who_made_its_good_time_and_says_so(bench, qtbot, files):
    panel = bench.panel(ExposuresPanel, qtbot, 360, 500)
    curve = bench.panel(LightcurvePanel, qtbot)
    show(bench, qtbot, by_sas(files))
    assert bench.inspected.subject.path == str(files["calibrated"])
    assert panel.model.entry(0).text(BY) == "SAS"
    assert "downloaded, calibrated by SAS, cleaned by SAS" in panel.why.text() and "40 % kept, by SAS" in panel.why.text()
    assert curve.lists.currentText() == "calibrated by SAS" and curve.lists.count() == 3
    qtbot.keyClicks(panel.search, "sas")
    assert panel.model.rowCount() == 1


def test_that_l_goes_through_the_lists_and_the_next_exposure_shows_the_same_kind(bench, qtbot, files):
    curve = bench.panel(LightcurvePanel, qtbot)
    first = by_sas(files)
    other = exposure_of(files["then"], "PN")
    show(bench, qtbot, first, other)
    qtbot.keyClick(curve, Qt.Key.Key_L)
    assert bench.inspected.subject.listed.role is ListRole.CLEANED
    assert bench.context.product == first.lists[2].product
    qtbot.keyClick(curve, Qt.Key.Key_L)
    assert bench.inspected.subject.path == str(files["raw"])
    bench.inspected.choose_list(str(files["clean"]))
    bench.inspected.show_exposure(other)
    assert bench.inspected.subject.path == str(files["then"]), "this one has one list"
    bench.inspected.show_exposure(first)
    assert bench.inspected.subject.listed.role is ListRole.CLEANED
    settle(bench, qtbot)


def test_that_a_product_of_the_archive_shows_its_own_list_of_the_exposure(bench, qtbot, files):
    exposure = by_sas(files)
    bench.panel(LightcurvePanel, qtbot)
    show(bench, qtbot, exposure)
    bench.context.set_product(exposure.lists[2].product)
    assert bench.inspected.subject.path == str(files["clean"])
    merged = Product(ProductKey("xmm_pointed", OBS, K.IMAGE, "M1", "ALL"), "/m1.fits", 1)
    bench.inspected.exposures = [replace(exposure, images=(merged,))]
    bench.context.set_product(merged)
    assert bench.inspected.subject.exposure.unit == "M1S001" and bench.inspected.subject.picture == merged


def test_that_limits_by_hand_are_for_downloaded_lists_only(bench, qtbot, files):
    panel = bench.panel(LightcurvePanel, qtbot)
    show(bench, qtbot, by_sas(files))
    bench.inspected.set_parameters(replace(bench.inspected.parameters, limits_ct_s=(0.1, 3.0)))
    assert not panel.verdict.override.isEnabled() and "espfilt" in panel.verdict.override.toolTip()
    told = []
    bench.inspected.override("no", told.append)
    assert "cannot be used" in str(told[0]) and bench.session.overrides == []
    bench.inspected.choose_list(str(files["raw"]))
    settle(bench, qtbot)
    bench.inspected.set_parameters(replace(bench.inspected.parameters, limits_ct_s=(0.1, 3.0)))
    assert panel.verdict.override.isEnabled()


def test_that_a_list_that_was_made_again_is_read_again(bench, qtbot, files):
    bench.panel(LightcurvePanel, qtbot)
    exposure = by_sas(files)
    show(bench, qtbot, exposure)
    before = bench.inspected.events
    again = replace(exposure.lists[1], product=replace(exposure.lists[1].product, sha256="another"))
    bench.session.made_up = [replace(exposure, lists=(exposure.lists[0], again, exposure.lists[2]))]
    bench.inspected.refresh_exposures()
    qtbot.waitUntil(lambda: bench.inspected.events is not before, timeout=LONG_MS)
    bench.session.made_up = [replace(exposure, lists=exposure.lists[:1])]
    bench.inspected.refresh_exposures()
    qtbot.waitUntil(lambda: bench.inspected.subject.path == str(files["raw"]), timeout=LONG_MS)
    settle(bench, qtbot)


# ---- over the light curve


def test_that_the_good_time_of_the_software_has_a_lane_of_its_own(bench, qtbot, files):
    panel = bench.panel(LightcurvePanel, qtbot)
    show(bench, qtbot, by_sas(files))
    qtbot.waitUntil(lambda: bench.inspected.earlier.present is not None, timeout=LONG_MS)
    [lane] = panel.plot.gti.lanes
    assert lane.opts["x1"][0] - lane.opts["x0"][0] == pytest.approx(0.4 * LENGTH_S / 1000)
    assert "SAS, what the archive's products were made with · good time 4.80 ks" in panel.others.text()
    assert [line.value() for line, _ in panel.plot.overlay.limits] == [0.3, 1.2]
    assert "Tried here with the built-in engine" in panel.findings.text()


def test_that_earlier_results_are_drawn_as_a_second_line_and_go_again(bench, qtbot, files):
    bench.session.earlier = [earlier(files)]
    panel = bench.panel(LightcurvePanel, qtbot)
    show(bench, qtbot, by_sas(files))
    x_range, y_range = panel.plot.main.viewRange()
    choose(bench, qtbot, "3 sigma")
    assert len(panel.plot.gti.lanes) == 2 and "then: « 3 sigma » · good time 8.40 ks" in panel.others.text()
    expected = bench.inspected.earlier.screening.curve.rate
    drawn = panel.plot.overlay.line.getData()[1]
    assert np.nanmax(drawn) == pytest.approx(np.nanmax(expected))
    assert panel.plot.main.viewRange() == [x_range, y_range], "comparing moves nothing"
    bench.context.set_theme(DARK)
    assert panel.plot.overlay.line.opts["pen"].color().name() == DARK.warn
    panel.earlier.setCurrentIndex(0)
    panel.earlier.activated.emit(0)
    assert len(panel.plot.gti.lanes) == 1 and len(panel.plot.overlay.line.getData()[1] or []) == 0


def test_that_the_second_line_follows_band_and_bins(bench, qtbot, files):
    bench.session.earlier = [earlier(files)]
    bench.panel(LightcurvePanel, qtbot)
    show(bench, qtbot, by_sas(files))
    choose(bench, qtbot, "3 sigma")
    bench.inspected.set_parameters(replace(bench.inspected.parameters, bin_s=300.0))
    qtbot.waitUntil(lambda: bench.inspected.earlier.screening.curve.bin_s == 300.0, timeout=LONG_MS)


def test_that_a_kept_file_that_cannot_be_read_is_told_in_the_panel(bench, qtbot, files, tmp_path):
    broken = EarlierProduct("M1S001", K.GTI, str(tmp_path / "gone.fits"), str(files["gti"]))
    bench.session.earlier = [EarlierResults("lost", (broken,))]
    panel = bench.panel(LightcurvePanel, qtbot)
    show(bench, qtbot, by_sas(files))
    qtbot.waitUntil(lambda: bool(bench.inspected.earlier.choices), timeout=LONG_MS)
    bench.inspected.earlier.choose("lost")
    qtbot.waitUntil(lambda: "gone.fits" in panel.others.text(), timeout=LONG_MS)


# ---- the choice


def test_that_without_earlier_results_the_choice_says_why(bench, qtbot, files):
    panel, image = bench.panel(LightcurvePanel, qtbot), bench.panel(ImagePanel, qtbot)
    show(bench, qtbot, by_sas(files))
    for box in (panel.earlier, image.controls.earlier):
        assert not box.isEnabled() and "No earlier results of this exposure" in box.toolTip()
    assert not image.controls.blink_earlier.isEnabled()
    assert "No earlier results" in image.controls.blink_earlier.toolTip()
    bench.inspected.show(Subject(str(files["raw"])))
    assert "exposures of an archive" in panel.earlier.toolTip()
    settle(bench, qtbot)


def test_that_the_choice_is_the_same_in_both_panels_and_stays_where_there_is_something_of_it(bench, qtbot, files):
    bench.session.earlier = [earlier(files), earlier(files, "older")]
    panel, image = bench.panel(LightcurvePanel, qtbot), bench.panel(ImagePanel, qtbot)
    first, other = by_sas(files), exposure_of(files["then"], "PN")
    show(bench, qtbot, first, other)
    choose(bench, qtbot, "older")
    assert panel.earlier.currentText() == image.controls.earlier.currentText() == "« older »"
    bench.inspected.show_exposure(other)
    assert panel.earlier.currentText() == "now" and bench.inspected.earlier.chosen is None
    bench.inspected.show_exposure(first)
    qtbot.waitUntil(lambda: panel.earlier.currentText() == "« older »", timeout=LONG_MS)
    settle(bench, qtbot)


# ---- blinking images


@pytest.fixture
def blinking(bench, qtbot, files):
    bench.session.earlier = [earlier(files)]
    panel = bench.panel(ImagePanel, qtbot, 420, 620)
    show(bench, qtbot, by_sas(files))
    qtbot.waitUntil(lambda: panel.picture is not None, timeout=LONG_MS)
    choose(bench, qtbot, "3 sigma")
    qtbot.waitUntil(lambda: panel.picture is not None and panel.picture.source.pair is not None, timeout=LONG_MS)
    return panel


def test_that_c_blinks_now_and_then_with_the_same_cuts_and_view(blinking, bench, qtbot, files):
    panel = blinking
    pair = panel.picture.source.pair
    assert (pair.now.path, pair.then.path, pair.words) == (str(files["clean"]), str(files["then"]), "cleaned list")
    assert panel.plane() is panel.picture.after and panel.view.caption.text() == "then: « 3 sigma »"
    assert not panel.controls.times["after"].isVisible()
    view = panel.view.view.viewRange()
    qtbot.keyClick(panel, Qt.Key.Key_C)
    assert panel._blink.isActive() and panel.plane() is panel.picture.before and panel.view.caption.text() == "now"
    panel._blink.stop()
    assert np.shares_memory(panel.view._item.image, panel.picture.common_before)
    panel._on_blink_timeout()
    assert panel.plane() is panel.picture.after
    assert np.shares_memory(panel.view._item.image, panel.picture.common_after)
    assert panel.view.view.viewRange() == view
    assert "then: cleaned list" in panel.readout.text()
    panel.controls.toggle_earlier_blink()
    assert not panel._blink.isActive() and panel.plane() is panel.picture.after
    bench.inspected.earlier.choose("")
    qtbot.waitUntil(lambda: panel.picture.source.pair is None, timeout=LONG_MS)
    assert panel.controls.times["after"].isVisible() and panel.view.caption.text() == ""


def test_that_the_energies_of_both_lists_change_together(blinking, bench, qtbot):
    totals = [blinking.picture.before.total, blinking.picture.after.total]
    blinking.controls.band_low.setValue(2.5)
    blinking.controls.band_high.setValue(8.5)
    qtbot.waitUntil(lambda: blinking.picture.source.band_kev == (2.5, 8.5), timeout=LONG_MS)
    assert all(a != b for a, b in zip(totals, [blinking.picture.before.total, blinking.picture.after.total], strict=True))


def test_that_a_picture_without_an_earlier_one_is_shown_as_it_is_now_and_says_why(blinking, bench, qtbot, files, tmp_path):
    inspection, panel = bench.session.inspection, blinking
    events = inspection.open(files["clean"])
    paths = [tmp_path / "now.fits", tmp_path / "then.fits"]
    for path, band in zip(paths, ((1.0, 5.0), (1.0, 4.0)), strict=True):
        inspection.write_image(path, inspection.image(events, band), events)
    image = product(paths[0], K.IMAGE, band=(1.0, 5.0))
    bench.session.made_up = [replace(by_sas(files), images=(image,))]
    bench.inspected.refresh_exposures()
    qtbot.waitUntil(lambda: panel.controls.source.count() == 2, timeout=LONG_MS)
    panel.controls.source.setCurrentIndex(1)
    panel.controls.source.activated.emit(1)
    qtbot.waitUntil(lambda: panel.picture.source.path == str(paths[0]), timeout=LONG_MS)
    assert not panel.controls.blink_earlier.isEnabled()
    assert "« 3 sigma » has no image 1–5 keV" in panel.controls.blink_earlier.toolTip()
    kept = EarlierProduct("M1", K.IMAGE, str(paths[1]), str(paths[0]), (1.0, 5.0))
    bench.session.earlier = [replace(earlier(files), products=(*earlier(files).products, kept))]
    bench.inspected.earlier._read()
    qtbot.waitUntil(lambda: panel.picture.source.pair is not None, timeout=LONG_MS)
    assert panel.picture.source.pair.then.path == str(paths[1]) and panel.controls.blink_earlier.isEnabled()


def test_that_images_of_other_pixels_show_the_same_part_of_the_sky(qtbot):
    view = SkyImageView()
    qtbot.addWidget(view)
    view.resize(300, 300)
    view.show()

    def picture(n: int, size_deg: float) -> SkyImage:
        wcs = LinearWcs((n + 1) / 2, (n + 1) / 2, 150.0, -11.0, -size_deg / n, size_deg / n)
        return SkyImage(np.zeros((n, n)), PixelGrid(0, 0, 1, 1, n, n), wcs, "count")

    fine, coarse = picture(400, 1.0), picture(100, 0.5)
    view.show_levels(np.zeros((400, 400), np.uint8), fine)
    view.show_part((180.0, 260.0, 160.0, 240.0))
    before = view.view.viewRange()
    view.show_levels(np.zeros((100, 100), np.uint8), coarse)
    (left, right), (bottom, top) = view.view.viewRange()
    centres = [
        image.wcs.sky((x[0] + x[1]) / 2 + 0.5, (y[0] + y[1]) / 2 + 0.5)
        for image, (x, y) in ((fine, before), (coarse, ((left, right), (bottom, top))))
    ]
    np.testing.assert_allclose(centres[0], centres[1], atol=1e-6)
    assert (right - left) / 200.0 == pytest.approx((before[0][1] - before[0][0]) / 400.0, rel=1e-6)  # degrees
    view.show_levels(np.zeros((400, 400), np.uint8), fine)
    np.testing.assert_allclose(view.view.viewRange(), before, atol=1e-6)
    elsewhere = replace(coarse, wcs=replace(coarse.wcs, crval_ra_deg=200.0))
    view.show_levels(np.zeros((100, 100), np.uint8), elsewhere)
    assert view.view.viewRange()[0][0] <= 0.0, "the whole image: it lies elsewhere"
