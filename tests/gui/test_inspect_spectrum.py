"""The spectrum in Inspect: before and after cleaning, with earlier results, following the limits, saved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from daxa_gui.gui.panels.spectrum import SpectrumPanel
from daxa_gui.gui.spectrum_export import SpectrumExport
from daxa_gui.gui.theme import DARK
from tests.fakes.inspecting import exposure_of, flared_list, workbench
from tests.gui.test_inspect_earlier import LONG_MS, by_sas, choose, earlier, files, show

__all__ = ["files"]


@pytest.fixture
def bench(tmp_path, qapp):
    with workbench(tmp_path) as made:
        yield made


@pytest.fixture
def panel(bench, qtbot, tmp_path_factory):
    panel = bench.panel(SpectrumPanel, qtbot, 600, 300)
    assert panel.empty.isVisible() and not panel.save.isEnabled()
    bench.open(flared_list(tmp_path_factory.mktemp("events") / "flared.fits"), qtbot)
    qtbot.waitUntil(lambda: panel.spectra is not None and panel.spectra.kept is not None, timeout=LONG_MS)
    return panel


def test_that_both_spectra_are_drawn_with_their_time_and_the_flare_is_out_of_the_second(panel, bench):
    spectra = panel.spectra
    assert spectra.whole.live_s == pytest.approx(12_000.0) and spectra.kept.live_s < 11_000.0
    hard = spectra.whole.edges_kev[:-1] > 2.6
    assert spectra.kept.rate[hard].mean() < 0.7 * spectra.whole.rate[hard].mean()
    assert "all time 12.00 ks" in panel.words.text() and "kept by the cleaning" in panel.words.text()
    assert np.isfinite(panel.lines[1].getData()[1]).any() and panel.spectra.then is None
    bench.context.set_theme(DARK)
    assert panel.lines[1].opts["pen"].color().name() == DARK.good


def test_that_the_spectrum_follows_the_limits(panel, bench, qtbot):
    whole = panel.spectra.whole
    bench.inspected.set_parameters(replace(bench.inspected.parameters, limits_ct_s=(0.0, 100.0)))
    qtbot.waitUntil(lambda: panel.spectra.kept.live_s == pytest.approx(12_000.0), timeout=LONG_MS)
    assert panel.spectra.whole is whole, "not worked out again"


def test_that_earlier_results_are_a_third_line_in_the_same_bins(bench, qtbot, files):
    bench.session.earlier = [earlier(files)]
    panel = bench.panel(SpectrumPanel, qtbot, 600, 300)
    show(bench, qtbot, by_sas(files))
    choose(bench, qtbot, "3 sigma")
    qtbot.waitUntil(lambda: panel.spectra is not None and panel.spectra.then is not None, timeout=LONG_MS)
    assert panel.spectra.then.edges_kev is panel.spectra.whole.edges_kev and "earlier results" in panel.words.text()
    bench.inspected.earlier.choose("")
    qtbot.waitUntil(lambda: panel.spectra.then is None, timeout=LONG_MS)


def test_that_an_image_has_no_spectrum_and_says_what_to_do(panel, bench, qtbot):
    bench.inspected.show(None)
    assert panel.empty.isVisible() and "open an event list" in panel.empty.text() and not panel.plot.isVisible()


@pytest.mark.parametrize("name", ["s.csv", "s.ecsv"])
def test_that_the_numbers_are_saved(panel, qtbot, tmp_path, monkeypatch, name):
    path: Path = tmp_path / name
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    panel._save("spectrum data")
    qtbot.waitUntil(path.exists, timeout=LONG_MS)
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    names = lines[0].split(",")
    counts = [int(line.split(",")[names.index("counts_0")]) for line in lines[1:]]
    assert sum(counts) == panel.spectra.whole.counts.sum()


def test_that_the_figure_has_a_line_for_each_spectrum(panel):
    from matplotlib.figure import Figure

    figure = Figure()
    shown = tuple((name, one) for name, one in panel.spectra.shown() if one is not None)
    SpectrumExport(panel.spectra.events, shown, "0123456789 M1S001")._figure(figure)
    [axes] = figure.axes
    assert len(axes.patches) == 2 and axes.get_xscale() == axes.get_yscale() == "log"
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["all time", "kept by the cleaning"]


def test_that_it_is_not_worked_out_while_nobody_looks(bench, qtbot, files):
    panel = bench.panel(SpectrumPanel, qtbot, 600, 300)
    panel.hide()
    show(bench, qtbot, exposure_of(files["raw"]))
    assert panel.spectra is None and not panel._running
    panel.show()
    qtbot.waitUntil(lambda: panel.spectra is not None, timeout=LONG_MS)
