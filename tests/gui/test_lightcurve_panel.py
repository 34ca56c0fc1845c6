"""The flare light-curve inspector with real events and the real engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from daxa_gui.core.timeseries import FlareParameters
from daxa_gui.gui.inspected import Subject, parameters_of
from daxa_gui.gui.panels.lightcurve import LightcurvePanel, with_error, with_interval
from daxa_gui.gui.theme import DARK
from daxa_gui.gui.widgets.verdict_bar import OverrideDialog
from tests.fakes.inspecting import FLARE_S, exposure_of, flared_list, workbench


@pytest.fixture(scope="module")
def event_file(tmp_path_factory) -> Path:
    return flared_list(tmp_path_factory.mktemp("events") / "flared.fits")


@pytest.fixture
def bench(tmp_path, qapp):
    with workbench(tmp_path) as made:
        yield made


@pytest.fixture
def panel(bench, qtbot, event_file):
    panel = bench.panel(LightcurvePanel, qtbot)
    bench.open(event_file, qtbot)
    return panel


def wait_for(qtbot, inspected, **expected):
    """Until the newest cleaning is that of the wanted parameters."""

    def settled():
        assert {name: getattr(inspected.parameters, name) for name in expected} == expected
        assert (inspected._cleaning_running, inspected._cleaning_asked) == (False, None)

    qtbot.waitUntil(settled, timeout=60_000)


def test_that_without_a_file_the_panel_says_what_to_do(bench, qtbot):
    panel = bench.panel(LightcurvePanel, qtbot)
    assert panel.empty.isVisible() and "open an event list" in panel.empty.text()
    assert not panel.plot.isVisible() and not panel.save.isEnabled()


def test_that_the_flare_is_rejected_and_the_numbers_have_units(panel):
    cleaning = panel.inspected.cleaning
    assert 0.8 < cleaning.kept_fraction < 0.9
    in_flare = (cleaning.curve.start_s >= FLARE_S[0]) & (cleaning.curve.start_s + 60 <= FLARE_S[1])
    assert not cleaning.accepted[in_flare].any()
    assert "Good time 10." in panel.findings.text() and "ks" in panel.findings.text() and "ct/s" in panel.findings.text()
    assert "starts 1997-12-31 23:58:57 UTC" in panel.about.text()


def test_that_accepted_and_rejected_bins_are_drawn_apart(panel):
    cleaning, plot = panel.inspected.cleaning, panel.plot
    assert len(plot._accepted_points.data) == cleaning.accepted.sum()
    assert len(plot._rejected_points.data) == (np.isfinite(cleaning.curve.rate) & ~cleaning.accepted).sum()
    assert plot._rejected.opts["pen"].style() == Qt.PenStyle.DashLine
    assert plot.histogram.vb.linkedView(1) is plot.main.vb


def test_that_dragging_the_upper_limit_up_keeps_the_flare(panel, qtbot):
    plot, inspected = panel.plot, panel.inspected
    before = inspected.cleaning.kept_fraction
    drag(plot, plot.limit_place("high"), -(plot.limit_place("high").y() - 6))
    qtbot.waitUntil(lambda: inspected.parameters.limits_ct_s is not None)
    wait_for(qtbot, inspected)
    assert inspected.parameters.limits_ct_s[1] > 6.0
    assert inspected.cleaning.kept_fraction > max(before, 0.97)
    assert panel.controls.mode.currentText() == "by hand"
    assert not panel.controls.sigma.isEnabled()
    assert panel.controls.high.value() == pytest.approx(inspected.parameters.limits_ct_s[1], abs=1e-4)


def drag(plot, start: QPoint, dy: int) -> None:
    view = plot.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    for step in range(1, 13):
        place = start + QPoint(0, round(dy * step / 12))
        left = Qt.MouseButton.LeftButton
        where = QPointF(place), QPointF(view.mapToGlobal(place))
        move = QMouseEvent(QEvent.Type.MouseMove, *where, Qt.MouseButton.NoButton, left, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(view, move)
        QTest.qWait(15)  # pyqtgraph takes moves of a drag no faster than the screen
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start + QPoint(0, dy))


def test_that_a_limit_cannot_be_dragged_past_the_other(panel, qtbot):
    low, high = panel.plot._lines[panel.plot.main, "low"], panel.plot._lines[panel.plot.main, "high"]
    with qtbot.waitSignal(panel.plot.limits_changed) as heard:
        high.setValue(low.value() - 0.5)
    assert heard.args == [low.value(), low.value()]


def test_that_typed_parameters_change_the_cleaning(panel, qtbot):
    inspected = panel.inspected
    panel.controls.bin.setValue(120.0)
    wait_for(qtbot, inspected, bin_s=120.0)
    assert inspected.cleaning.curve.bin_s == 120.0
    panel.controls.band_low.setValue(1.0)
    wait_for(qtbot, inspected, band_kev=(1.0, 8.5))
    assert "1–8.5 keV" in panel.plot.main.getAxis("left").labelText
    assert panel.controls.reset.isEnabled()
    panel.controls.reset.click()
    wait_for(qtbot, inspected, bin_s=60.0)
    assert inspected.is_automatic and not panel.controls.reset.isEnabled()


def test_that_a_rejected_interval_is_cut_out_and_can_be_taken_back(panel, qtbot):
    inspected, controls = panel.inspected, panel.controls
    whole_s = inspected.cleaning.gti.total_s
    assert not controls.reject.isVisible()
    controls.choose.click()
    panel.plot.region.setRegion((1.0, 2.2))
    controls.reject.click()
    wait_for(qtbot, inspected, removed_s=((1000.0, 2200.0),))
    assert inspected.cleaning.gti.total_s == pytest.approx(whole_s - 1200.0)
    assert not panel.plot.region.isVisible()
    assert [chip.text() for chip in controls._chips] == ["− 1.00–2.20 ks  ✕"]
    controls._chips[0].click()
    wait_for(qtbot, inspected, removed_s=())
    assert inspected.cleaning.gti.total_s == pytest.approx(whole_s)


def test_that_a_kept_interval_counts_although_it_is_flared(panel, qtbot):
    inspected = panel.inspected
    panel.controls.choose.click()
    panel.plot.region.setRegion((5.1, 6.3))
    before_s = inspected.cleaning.gti.total_s
    panel.controls.keep.click()
    wait_for(qtbot, inspected, added_s=((5100.0, 6300.0),))
    assert inspected.cleaning.gti.total_s == pytest.approx(before_s + 1200.0)


def test_that_the_last_word_on_an_interval_counts():
    parameters = with_interval(FlareParameters(), (100.0, 400.0), keep=True)
    parameters = with_interval(parameters, (200.0, 300.0), keep=False)
    assert parameters.added_s == ((100.0, 200.0), (300.0, 400.0)) and parameters.removed_s == ((200.0, 300.0),)
    parameters = with_interval(parameters, (290.0, 350.0), keep=False)
    assert parameters.added_s == ((100.0, 200.0), (350.0, 400.0)) and parameters.removed_s == ((200.0, 350.0),)


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [(0.75512, 0.01634, "0.755 ± 0.016"), (123.4, 11.0, "123 ± 11"), (2.0, 0.2, "2.00 ± 0.20"), (1.5, 0.0, "1.5")],
)
def test_that_errors_have_two_digits(value, error, text):
    assert with_error(value, error) == text


def test_that_files_outside_an_archive_get_no_verdict(panel):
    assert not panel.verdict.accept.isEnabled() and not panel.verdict.override.isEnabled()
    assert "for exposures of an archive" in panel.verdict.state.text()


@pytest.fixture
def exposures(bench, tmp_path_factory, event_file):
    other = flared_list(tmp_path_factory.mktemp("other") / "other.fits", seed=2)
    bench.session.made_up = [exposure_of(event_file), exposure_of(other, "M2")]
    bench.inspected.refresh_exposures()
    return bench.session.made_up


def show_first(bench, qtbot, exposures):
    panel = bench.panel(LightcurvePanel, qtbot)
    qtbot.waitUntil(lambda: len(bench.inspected.exposures) == 2)
    bench.inspected.show(Subject(exposures[0].raw.path, exposures[0]))
    qtbot.waitUntil(lambda: bench.inspected.cleaning is not None, timeout=60_000)
    return panel


def test_that_other_exposures_of_the_observation_share_the_time_axis(bench, qtbot, exposures):
    panel = show_first(bench, qtbot, exposures)
    qtbot.waitUntil(lambda: [s.label for s in bench.inspected.siblings] == ["M2S001"], timeout=60_000)
    assert panel.plot.others.isVisible()
    assert panel.plot.others.vb.linkedView(0) is panel.plot.main.vb


def test_that_accepting_is_stored_with_its_note(bench, qtbot, exposures):
    panel = show_first(bench, qtbot, exposures)
    panel.verdict.note.setText("quiet enough")
    panel.verdict.accept.click()
    qtbot.waitUntil(lambda: panel.verdict.state.text().startswith("✓ Accepted"))
    assert panel.verdict.state.text().endswith("UTC: quiet enough")
    assert not panel.verdict.override.isEnabled()  # nothing differs from what the archive used
    panel.verdict.clear.click()
    qtbot.waitUntil(lambda: panel.verdict.state.text() == "Not looked at yet.")


def test_that_an_override_hands_over_what_is_shown(bench, qtbot, exposures):
    panel = show_first(bench, qtbot, exposures)
    bench.inspected.set_parameters(replace(bench.inspected.parameters, limits_ct_s=(0.2, 2.5)))
    wait_for(qtbot, bench.inspected, limits_ct_s=(0.2, 2.5))
    assert panel.verdict.override.isEnabled() and not panel.verdict.accept.isEnabled()
    panel.verdict.override.click()
    dialog = panel.findChild(OverrideDialog)
    dialog.note.setText("the source varies")
    dialog.go.click()
    qtbot.waitUntil(lambda: len(bench.session.overrides) == 1)
    exposure, parameters, note = bench.session.overrides[0]
    assert (exposure.unit, parameters.limits_ct_s, note) == ("M1S001", (0.2, 2.5), "the source varies")
    qtbot.waitUntil(lambda: "Overridden" in panel.verdict.state.text())


def test_that_the_parameters_of_the_archive_are_shown_first(event_file):
    exposure = exposure_of(event_file)
    stored = {"band_kev": None, "bin_s": 100.0, "n_sigma": 2.5, "limits_ct_s": [0.1, 0.9], "added_s": [[1, 2]], "removed_s": []}
    task = replace(exposure.flares.task, arguments=stored)
    exposure = replace(exposure, flares=replace(exposure.flares, task=task))
    usual = FlareParameters(band_kev=(2.5, 8.5))
    assert parameters_of(exposure, usual) == FlareParameters((2.5, 8.5), 100.0, 2.5, (0.1, 0.9), ((1.0, 2.0),), ())


def test_that_a_broken_file_says_so_in_the_panel(bench, qtbot, tmp_path):
    broken = tmp_path / "broken.fits"
    broken.write_bytes(b"this is no FITS file" * 200)
    panel = bench.panel(LightcurvePanel, qtbot)
    bench.open(broken, qtbot)
    assert panel.empty.isVisible() and "broken.fits" in panel.empty.text()


def test_that_the_time_axis_switches_to_clock_times(panel):
    panel.time_style.setCurrentIndex(1)
    axis = panel.plot.time_axis
    (step, ticks), *_ = axis.tickValues(0.0, 12.0, 500.0)
    assert axis.tickStrings(ticks, 1.0, step)[0] == "01 Jan"  # the list begins a minute before midnight
    assert axis.tickStrings(ticks, 1.0, step)[1] in ("00:30", "01:00")
    assert "UTC" in axis.labelText


def test_that_near_the_limits_the_flare_is_cut_off(panel):
    assert panel.plot.main.viewRange()[1][1] > 6.0
    panel.rates.setCurrentIndex(1)
    assert panel.plot.main.viewRange()[1][1] < 3.0


def test_that_the_plot_follows_the_theme(panel, bench):
    bench.context.set_theme(DARK)
    assert panel.plot.backgroundBrush().color().name() == DARK.base
    assert panel.plot._accepted.opts["pen"].color().name() == DARK.good


@pytest.mark.parametrize("ending", ["pdf", "svg", "png"])
def test_that_the_plot_is_saved(panel, qtbot, tmp_path, monkeypatch, ending):
    target = tmp_path / f"plot.{ending}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    panel._save("plot")
    qtbot.waitUntil(target.exists, timeout=60_000)
    assert target.read_bytes()[:5] in (b"%PDF-", b"<?xml", b"\x89PNG\r")
    assert not list(tmp_path.glob("*.part"))


def test_that_the_numbers_are_saved_as_tables_that_astropy_reads(panel, qtbot, tmp_path, monkeypatch):
    from astropy.io import fits
    from astropy.table import Table

    cleaning = panel.inspected.cleaning
    for ending in ("csv", "ecsv", "fits"):
        target = tmp_path / f"curve.{ending}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, target=target: (str(target), ""))
        panel._save("data")
        qtbot.waitUntil(target.exists)
    ecsv = Table.read(tmp_path / "curve.ecsv", format="ascii.ecsv")
    assert str(ecsv["rate"].unit) == "ct / s" and ecsv.meta["bin_s"] == 60.0
    assert ecsv["accepted"].tolist() == cleaning.accepted.tolist()
    csv = Table.read(tmp_path / "curve.csv", format="ascii.csv")
    np.testing.assert_array_equal(csv["counts"], cleaning.curve.counts)
    with fits.open(tmp_path / "curve.fits") as hdus:
        assert len(hdus["RATE"].data) == len(cleaning.curve.counts)


def test_that_good_time_is_saved_as_espfilt_writes_it(panel, qtbot, tmp_path, monkeypatch):
    target = tmp_path / "gti.txt"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    panel._save("gti")
    qtbot.waitUntil(target.exists)
    gti = panel.inspected.cleaning.gti
    rows = [line.split() for line in target.read_text().splitlines()]
    assert [(float(a), float(b), c) for a, b, c in rows] == [(a, b, "+") for a, b in zip(gti.start_s, gti.stop_s, strict=True)]


def test_that_a_folder_that_cannot_be_written_is_told(panel, bench, qtbot, tmp_path, monkeypatch):
    target = tmp_path / "absent" / "plot.pdf"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    with qtbot.waitSignal(bench.bridge.notice, timeout=60_000) as heard:
        panel._save("plot")
    assert heard.args[0].level == "error" and "cannot be written" in heard.args[0].message


def test_that_the_real_chandra_flare_is_seen(bench, qtbot, shared_data):
    panel = bench.panel(LightcurvePanel, qtbot)
    bench.open(shared_data / "chandra" / "15043_sgra_evt2.fits", qtbot)
    cleaning = bench.inspected.cleaning
    assert float(cleaning.curve.live_s.sum()) == pytest.approx(50064.571, abs=0.01)
    peak_ks = (cleaning.curve.start_s[int(np.nanargmax(cleaning.curve.rate))] - bench.inspected.zero_s) / 1000.0
    assert not cleaning.accepted[int(np.nanargmax(cleaning.curve.rate))] and 5.0 < peak_ks < 12.0
    assert "starts 2013-09-14" in panel.about.text()


def test_that_very_many_bins_are_drawn_as_peaks_that_lose_no_extreme(panel, qtbot):
    panel.controls.bin.setValue(1.0)
    wait_for(qtbot, panel.inspected, bin_s=1.0)
    curve = panel.inspected.cleaning.curve
    assert len(curve.rate) == 12_000
    drawn = np.concatenate([panel.plot._accepted.getData()[1], panel.plot._rejected.getData()[1]])
    assert len(drawn) < 8_000 and np.nanmax(drawn) == np.nanmax(curve.rate)
    panel.plot.main.setXRange(5.2, 5.4, padding=0)  # so close that every bin has its step
    x = panel.plot._rejected.getData()[0]
    assert 5.1 < x.min() < x.max() < 5.5 and len(x) == pytest.approx(3 * 200, abs=10)


def test_that_peaks_of_bins_without_time_stay_empty():
    from daxa_gui.gui.widgets.plot import peaks

    values = np.array([1.0, np.nan, 5.0, 2.0, np.nan, np.nan, 7.0])
    shown = np.array([True, True, True, True, True, True, False])
    x, y = peaks(np.arange(7.0), 1.0, values, shown, 4)
    np.testing.assert_array_equal(x, [1.0, 1.0, 3.0, 3.0, 5.0, 5.0, 6.5, 6.5])
    np.testing.assert_array_equal(y, [1.0, 1.0, 2.0, 5.0, np.nan, np.nan, np.nan, np.nan])


def test_that_a_slow_reading_blanks_the_panel_and_the_controls_come_back(panel, bench, qtbot, tmp_path):
    import threading

    other = flared_list(tmp_path / "other.fits", seed=3)
    inspection, gate = bench.session.inspection, threading.Event()
    really_open, really_clean = inspection.open, inspection.clean
    inspection.open = lambda path: (gate.wait(20), really_open(path))[1]
    inspection.clean = lambda events, parameters: (threading.Event().wait(0.3), really_clean(events, parameters))[1]
    bench.inspected.show(Subject(str(other)))
    assert panel.plot._cleaning is not None  # no blink for a file that may come at once
    qtbot.waitUntil(lambda: panel.plot._cleaning is None and not panel.controls.isEnabled())
    assert "Reading" in panel.findings.text()
    gate.set()
    qtbot.waitUntil(lambda: bench.inspected.cleaning is not None, timeout=60_000)
    assert panel.controls.isEnabled() and panel.plot._cleaning is bench.inspected.cleaning
