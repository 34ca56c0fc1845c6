"""The list of exposures: worst first, walking, searching, opened files, and that everything follows the choice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QFileDialog

from daxa_gui.core.exposures import Verdict
from daxa_gui.gui.models.exposures import DOUBT, DOUBT_ROLE, OBS_ID, VERDICT, ExposureTable
from daxa_gui.gui.panels.exposures import ExposuresPanel
from tests.fakes.inspecting import exposure_of, flared_list, workbench


@pytest.fixture(scope="module")
def event_file(tmp_path_factory) -> Path:
    return flared_list(tmp_path_factory.mktemp("events") / "flared.fits")


@pytest.fixture
def bench(tmp_path, qapp):
    with workbench(tmp_path) as made:
        yield made


def made_up(event_file):
    sure = exposure_of(event_file, "M1", "0000000001", doubt=0.1)
    doubtful = exposure_of(event_file, "PN", "0000000002", doubt=0.8, reasons=["Less than 20 % of the time is left."])
    closed = replace(exposure_of(event_file, "M2", "0000000003"), flares=None, excluded="The filter is closed.")
    accepted = replace(exposure_of(event_file, "M2", "0000000001", doubt=0.4), verdict=Verdict("accepted", "fine", 1e9))
    return [sure, doubtful, closed, accepted]


@pytest.fixture
def panel(bench, qtbot, event_file):
    bench.session.made_up = made_up(event_file)
    panel = bench.panel(ExposuresPanel, qtbot, 260, 500)
    qtbot.waitUntil(lambda: panel.model.rowCount() == 4)
    return panel


def obs_ids(panel):
    return [panel.model.entry(row).text(OBS_ID) for row in range(panel.model.rowCount())]


def test_that_the_model_keeps_the_rules_of_qt(qtbot, event_file):
    model = ExposureTable()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.set_entries(["/data/file.fits"], made_up(event_file))
    model.set_needle("0000000001")
    assert model.rowCount() == 2
    model.set_needle("")
    assert model.rowCount() == 5
    tester.deleteLater()


def test_that_an_empty_list_says_what_to_do(bench, qtbot):
    panel = bench.panel(ExposuresPanel, qtbot)
    assert panel.empty.isVisible() and "Open file" in panel.empty.text()
    assert panel.open_button.isEnabled() and not panel.search.isEnabled()


def test_that_the_most_doubtful_exposure_stands_first_with_number_and_reasons(panel):
    assert obs_ids(panel) == ["0000000002", "0000000001", "0000000001", "0000000003"]
    index = panel.model.index(0, DOUBT)
    assert index.data() == "0.80" and index.data(DOUBT_ROLE) == 0.8
    assert "Less than 20 %" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert panel.model.index(1, VERDICT).data() == "✓"
    assert panel.model.index(1, VERDICT).data(Qt.ItemDataRole.AccessibleTextRole) == "accepted"
    assert panel.model.index(3, DOUBT).data() == "excluded" and panel.model.index(3, DOUBT).data(DOUBT_ROLE) is None


def test_that_j_and_k_walk_and_everything_follows(panel, bench, qtbot):
    visited = []
    for key in "JJJKK":
        qtbot.keyClick(panel, key)
        visited.append((panel.table.currentIndex().row(), bench.inspected.subject.exposure.obs_id))
    assert visited == [(0, "0000000002"), (1, "0000000001"), (2, "0000000001"), (1, "0000000001"), (0, "0000000002")]
    assert bench.context.observation == ("xmm_pointed", "0000000002")
    assert bench.context.product is not None and bench.context.product.key.instrument == "PN"
    assert bench.context.job_id == 7
    assert "Less than 20 %" in panel.why.text() and panel.walked.text().startswith("1 of 4")


def test_that_typing_j_into_the_search_does_not_walk(panel, bench, qtbot):
    panel.search.setFocus()
    qtbot.keyClicks(panel.search, "j")
    assert panel.search.text() == "j" and bench.inspected.subject is None
    assert "No exposure matches" in panel.empty.text()


def test_that_searching_takes_words_of_any_column(panel, qtbot):
    qtbot.keyClicks(panel.search, "0000000001 accepted")
    assert obs_ids(panel) == ["0000000001"]
    panel.search.clear()
    qtbot.keyClicks(panel.search, "pns001")
    assert obs_ids(panel) == ["0000000002"]


def test_that_a_product_chosen_elsewhere_is_marked(panel, bench):
    exposure = next(e for e in bench.inspected.exposures if e.obs_id == "0000000001" and e.instrument == "M1")
    bench.context.set_product(exposure.raw)
    assert panel.model.entry(panel.table.currentIndex().row()).exposure == exposure


def test_that_an_opened_file_stands_on_top_and_is_looked_at(panel, bench, qtbot, event_file, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(event_file), ""))
    panel.open_button.click()
    assert panel.model.entry(0).text(OBS_ID) == "flared.fits"
    assert panel.table.currentIndex().row() == 0
    assert bench.inspected.subject.path == str(event_file)
    qtbot.waitUntil(lambda: bench.inspected.cleaning is not None, timeout=60_000)


def test_that_a_finished_job_renews_the_list(panel, bench, qtbot):
    from daxa_gui.core.events import JobChanged

    bench.session.made_up = bench.session.made_up[:1]
    bench.session.bus.publish(JobChanged(bench.session.made_up[0].flares))
    qtbot.waitUntil(lambda: panel.model.rowCount() == 1)


def test_that_closing_the_archive_empties_list_and_view(panel, bench, qtbot):
    from daxa_gui.core.events import ArchiveChanged

    panel.walk(1)
    bench.session.made_up = []
    bench.session.bus.publish(ArchiveChanged(""))
    qtbot.waitUntil(lambda: panel.model.rowCount() == 0 and bench.inspected.subject is None)


def test_that_a_verdict_renews_the_marks(panel, bench, qtbot):
    panel.walk(1)
    bench.inspected.set_verdict("flagged", "look again", lambda error: pytest.fail(str(error)))
    qtbot.waitUntil(lambda: panel.model.index(0, VERDICT).data() == "⚑")
    assert "look again" in panel.why.text()
