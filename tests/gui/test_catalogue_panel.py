"""The panel of catalogues on a real session: updating from a TAP service, importing, exporting, certificates, what changed."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QFileDialog

from daxa_gui.core.certificate import CatalogueDiff, CatalogueStatus, Certificate
from daxa_gui.core.events import CatalogueProgress
from daxa_gui.core.filters import ObsIds
from daxa_gui.core.settings import load_settings
from daxa_gui.gui.models.catalogues import CataloguesModel, ChangesModel, age_text, state_of
from daxa_gui.gui.models.jobs import FRACTION_ROLE
from daxa_gui.gui.panels.catalogues import CataloguesPanel
from daxa_gui.gui.theme import DARK, LIGHT
from daxa_gui.gui.widgets.catalogue_dialogs import CertificateDialog, ChangesDialog, ImportDialog, certificate_verdict
from daxa_gui.gui.widgets.catalogue_files import name_filters, with_suffix
from tests.fakes.catalogue_window import RASS, Parts, child, plain, rass_row, rass_table, write_nustar
from tests.fakes.misbehaving_tap import Fault, MisbehavingTap
from tests.gui.test_accessibility import check, faults

LONG_MS = 60_000
NUSTAR = "nustar_pointed"


@pytest.fixture
def parts(qtbot, tmp_path) -> Iterator[Parts]:
    parts = Parts(qtbot, tmp_path)
    yield parts
    parts.close()


@pytest.fixture
def panel(parts) -> CataloguesPanel:
    panel = parts.add(CataloguesPanel)
    parts.qtbot.waitUntil(lambda: panel.model.rowCount() >= 12)
    return panel


def cells(panel: CataloguesPanel, mission: str) -> list[str]:
    row = panel.model.row_of(mission)
    return [plain(panel.model.data(panel.model.index(row, column))) for column in range(panel.model.columnCount())]


def import_file(parts: Parts, panel: CataloguesPanel, monkeypatch, path: Path, mission: str = "") -> ImportDialog:
    """Through the button, the file dialog and the dialog that asks for the mission."""
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    panel.import_button.click()
    dialog = parts.dialog(ImportDialog)
    dialog.mission.setCurrentIndex(dialog.mission.findData(mission))
    dialog.ok.click()
    return dialog


# ---- without a network


def test_that_at_first_it_says_what_is_there_and_what_to_do(panel):
    assert plain(panel.summary.text()).startswith("2 617 observations of 2 missions can be searched.")
    assert "switch « Work offline » off and update, or import files" in plain(panel.summary.text())
    assert cells(panel, "erosita_calpv")[1:] == ["170", "0", "0", "built in", "–", "Part of the program"]
    assert cells(panel, "swift")[1:] == ["–", "–", "–", "–", "–", "No catalogue yet"]
    panel.desk.set_offline(False)
    assert "« Update all » asks their archives" in plain(panel.summary.text())


def test_that_offline_is_one_thing_for_panel_desk_and_settings(parts, panel, qtbot):
    panel.choose("swift")
    assert panel.offline.isChecked() and not panel.update_button.isEnabled()
    assert "Switch « Work offline » off first" in panel.update_button.toolTip()
    qtbot.mouseClick(panel.offline, Qt.MouseButton.LeftButton, pos=QPoint(8, panel.offline.height() // 2))
    assert panel.update_button.isEnabled() and "1 catalogue" in plain(panel.update_button.toolTip())
    qtbot.waitUntil(lambda: not parts.session.offline)
    qtbot.waitUntil(parts.settings_file.exists)
    assert not load_settings(parts.settings_file)[0].work_offline


def test_that_buttons_that_can_do_nothing_say_why(panel):
    assert [b.isEnabled() for b in (panel.update_button, panel.export_button, panel.certificate_button)] == [False] * 3
    assert panel.export_button.toolTip() == "Choose one mission in the table first"
    panel.choose("swift")
    assert panel.export_button.toolTip() == "There is no catalogue to export"
    panel.choose("erosita_calpv")
    assert panel.export_button.isEnabled()
    assert panel.certificate_button.toolTip() == "This table has no certificate"
    panel.offline.setChecked(False)
    assert not panel.update_button.isEnabled()  # there is no service for a table of the program
    assert not panel.cancel_button.isEnabled() and panel.cancel_button.toolTip() == "No update is running"


def test_that_an_imported_catalogue_is_counted_and_searched(parts, panel, qtbot, monkeypatch, tmp_path):
    path = write_nustar(tmp_path / "nustar.csv", [10.0, 11.0, 12.0, 13.0], [1.0, 2.0, 3.0, 4.0])
    import_file(parts, panel, monkeypatch, path, NUSTAR)
    qtbot.waitUntil(lambda: cells(panel, NUSTAR)[1:5] == ["4", "1", "1", "imported"])
    assert cells(panel, NUSTAR)[6] == "Without a certificate"
    qtbot.waitUntil(lambda: panel.chosen() == [NUSTAR])
    assert "nustar.csv" in panel.detail.text()
    qtbot.waitUntil(lambda: parts.context.results[NUSTAR].total == 4)


def test_that_a_file_that_names_no_mission_is_asked_about(parts, panel, qtbot, monkeypatch, tmp_path):
    path = write_nustar(tmp_path / "table.csv", [10.0], [1.0])
    dialog = import_file(parts, panel, monkeypatch, path)
    qtbot.waitUntil(lambda: "does not say which mission" in dialog.problem.text())
    assert dialog.isVisible() and dialog.ok.isEnabled()
    check(dialog)
    dialog.mission.setCurrentIndex(dialog.mission.findData(NUSTAR))
    assert not dialog.problem.isVisible()
    dialog.ok.click()
    qtbot.waitUntil(lambda: cells(panel, NUSTAR)[1] == "1")


def test_that_a_damaged_file_is_refused_with_its_row_and_nothing_changes(parts, panel, qtbot, monkeypatch, tmp_path):
    good = write_nustar(tmp_path / "good.csv", [10.0, 11.0], [1.0, 2.0])
    import_file(parts, panel, monkeypatch, good, NUSTAR)
    qtbot.waitUntil(lambda: cells(panel, NUSTAR)[1] == "2")
    bad = write_nustar(tmp_path / "bad.csv", [10.0, 11.0, 400.0], [1.0, 2.0, 3.0])
    dialog = import_file(parts, panel, monkeypatch, bad, NUSTAR)
    qtbot.waitUntil(lambda: dialog.problem.isVisible())
    assert "400" in dialog.problem.text() and "row 3" in dialog.problem.text()
    dialog.reject()
    assert cells(panel, NUSTAR)[1] == "2" and len(parts.session.catalogue(NUSTAR)) == 2


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".vot", ".fits", ".parquet"])
def test_that_an_exported_catalogue_can_be_carried_to_another_machine(parts, panel, qtbot, monkeypatch, tmp_path, suffix):
    path = write_nustar(tmp_path / "nustar.csv", [10.0, 11.0, 12.0], [1.0, 2.0, 3.0])
    import_file(parts, panel, monkeypatch, path, NUSTAR)
    qtbot.waitUntil(lambda: panel.chosen() == [NUSTAR] and cells(panel, NUSTAR)[1] == "3")
    target = tmp_path / f"carried{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    qtbot.waitUntil(panel.export_button.isEnabled)
    panel.export_button.click()
    qtbot.waitUntil(target.exists)
    other = Parts(qtbot, tmp_path / "other")
    try:
        status = other.session.import_catalogue(target, NUSTAR)
        assert (status.rows, status.unusable, status.proprietary) == (3, 1, 1)
        assert other.session.catalogue(NUSTAR).obs_id.tolist() == parts.session.catalogue(NUSTAR).obs_id.tolist()
    finally:
        other.close()


# ---- with an archive


@pytest.fixture
def service() -> Iterator[MisbehavingTap]:
    with MisbehavingTap(rass_table([rass_row(number, 0.0 if number == 3 else 400.0) for number in range(40)])) as tap:
        yield tap


@pytest.fixture
def online(qtbot, tmp_path, service) -> Iterator[tuple[Parts, CataloguesPanel]]:
    parts = Parts(qtbot, tmp_path, tap=service.address, offline=False)
    panel = parts.add(CataloguesPanel)
    qtbot.waitUntil(lambda: panel.model.rowCount() >= 12)
    yield parts, panel
    parts.close()


def update(parts: Parts, panel: CataloguesPanel, mission: str = RASS) -> None:
    """Press the button and wait for the end of the update, and for the table to say so."""
    ended: list[CatalogueProgress] = []
    connection = parts.bridge.catalogue_progress.connect(lambda event: None if event.running else ended.append(event))
    panel.choose(mission)
    parts.qtbot.waitUntil(panel.update_button.isEnabled)
    panel.update_button.click()
    parts.qtbot.waitUntil(lambda: bool(ended), timeout=LONG_MS)
    parts.bridge.catalogue_progress.disconnect(connection)
    parts.qtbot.waitUntil(lambda: not panel.desk.running)


def test_that_an_update_fetches_shows_its_progress_and_has_a_certificate(online, qtbot):
    parts, panel = online
    steps = []
    parts.bridge.catalogue_progress.connect(lambda event: steps.append((event.mission, event.running)))
    panel.choose(RASS)
    panel.update_button.click()
    qtbot.waitUntil(lambda: cells(panel, RASS)[1:5] == ["40", "1", "0", "fetched"], timeout=LONG_MS)
    qtbot.waitUntil(lambda: cells(panel, RASS)[5:] == ["today", "Up to date"])
    assert steps[0] == (RASS, True) and steps[-1] == (RASS, False)
    assert "on disk" in panel.detail.text() and "rassmaster" in panel.detail.text()
    panel.certificate_button.click()
    dialog = parts.dialog(CertificateDialog)
    check(dialog)
    words = plain(dialog.text)
    assert "✓ Complete: the service counted 40 rows" in words and "Table: rassmaster" in words and "seq_id" in words
    child(dialog, "certificateCopy").click()
    assert QGuiApplication.clipboard().text() == dialog.text
    dialog.reject()


def test_that_what_changed_is_listed_shown_and_selected(online, qtbot, service):
    parts, panel = online
    update(parts, panel)
    qtbot.waitUntil(panel.changes_button.isEnabled)
    panel.changes_button.click()
    qtbot.waitUntil(lambda: "nothing to compare with" in parts.dialog(ChangesDialog).empty.text())
    parts.dialog(ChangesDialog).reject()
    rows = service.tables["rassmaster"].rows
    rows[5] = rass_row(5, 999.0)
    rows.pop(7)
    rows.extend([rass_row(50), rass_row(51)])
    update(parts, panel)
    panel.changes_button.click()
    qtbot.waitUntil(lambda: parts.dialog(ChangesDialog).model.rowCount() == 4)
    dialog = parts.dialog(ChangesDialog)
    check(dialog)
    lines = [[dialog.model.data(dialog.model.index(row, c)) for c in range(3)] for row in range(4)]
    assert lines[0][:2] == ["New", "RS930050N00"] and lines[1][:2] == ["New", "RS930051N00"]
    assert lines[2] == ["Changed", "RS930005N00", "exposure_s"] and lines[3][:2] == ["Vanished", "RS930007N00"]
    dialog.table.selectRow(2)
    assert parts.context.observation == (RASS, "RS930005N00")
    dialog.table.selectRow(3)
    assert parts.context.observation == (RASS, "RS930005N00")  # what vanished cannot be shown
    dialog.kind.setCurrentIndex(dialog.kind.findData("new"))
    assert dialog.model.rowCount() == 2
    dialog.select_button.click()
    [row] = parts.context.stack.rows
    assert row.filter == ObsIds(("RS930050N00", "RS930051N00")) and row.missions == (RASS,)
    dialog.kind.setCurrentIndex(dialog.kind.findData("vanished"))
    assert not dialog.select_button.isEnabled()
    dialog.reject()
    parts.context.undo()
    assert not parts.context.stack.rows


def test_that_a_refused_update_says_why_and_the_last_good_copy_stays(online, qtbot, service):
    parts, panel = online
    update(parts, panel)
    service.cut_at = 10
    update(parts, panel)
    qtbot.waitUntil(lambda: cells(panel, RASS)[6].startswith("Update failed"), timeout=LONG_MS)
    assert cells(panel, RASS)[1] == "40" and len(parts.session.catalogue(RASS)) == 40
    assert "10 of 40 rows" in panel.detail.text() and "The last good copy stays in use" in panel.detail.text()
    service.cut_at = None
    update(parts, panel)
    qtbot.waitUntil(lambda: cells(panel, RASS)[6] == "Up to date", timeout=LONG_MS)


def test_that_an_update_can_be_cancelled(online, qtbot, service):
    _parts, panel = online
    reached = threading.Event()
    service.before_query = lambda _number, _query: reached.set()
    service.faults = [Fault(stall_before=True)] * 20
    panel.choose(RASS)
    panel.update_button.click()
    qtbot.waitUntil(lambda: panel.model.states[panel.model.row_of(RASS)].mark == "running", timeout=LONG_MS)
    assert not panel.update_button.isEnabled()
    qtbot.waitUntil(reached.is_set, timeout=LONG_MS)
    qtbot.waitUntil(panel.cancel_button.isEnabled)
    panel.cancel_button.click()
    qtbot.waitUntil(lambda: not panel.desk.is_running(RASS), timeout=LONG_MS)
    qtbot.waitUntil(lambda: cells(panel, RASS)[4] == "–")
    assert panel.update_button.isEnabled() and not panel.cancel_button.isEnabled()


# ---- words


CERTIFICATE = Certificate("swift", "http://here/tap", "swiftmastr", "SELECT 1", 10, 10, (("ra", "deg"),), 60000.0, "ab" * 32)
STATUS = CatalogueStatus("swift", "Swift", "fetched", 10, 1, 2, "From somewhere.", CERTIFICATE, refreshable=True)


@pytest.mark.parametrize(
    ("changes", "now", "mark", "text"),
    [
        ({}, 60000.4, "done", "Up to date"),
        ({}, 60045.0, "warned", "May be out of date"),
        ({"refreshing": True}, 60000.4, "running", "Waiting for its turn …"),
        ({"problem": "The server said no."}, 60000.4, "failed", "Update failed: The server said no"),
        ({"certificate": None, "origin": "imported"}, 60000.4, "warned", "Without a certificate"),
        ({"certificate": None, "origin": "none", "rows": 0}, 60000.4, "waiting", "No catalogue yet"),
        ({"certificate": None, "origin": "built in"}, 60000.4, "done", "Part of the program"),
    ],
)
def test_that_each_state_has_a_mark_and_words_of_its_own(changes, now, mark, text):
    state = state_of(dataclasses.replace(STATUS, **changes), None, False, now)
    assert (state.mark, state.text) == (mark, text)
    assert state.long.endswith(".")


def test_that_rows_that_arrive_are_counted():
    state = state_of(STATUS, CatalogueProgress("swift", 50_000, 353_000, "reading"), False, 60000.0)
    assert state.mark == "running" and plain(state.text) == "50 000 of 353 000 rows (14 %)"
    assert state_of(STATUS, CatalogueProgress("swift", 0, 0, "waiting"), False, 60000.0).text == "Waiting …"


def test_that_ages_are_told_in_handy_units():
    assert [plain(age_text(days)) for days in (0.3, 1.0, 3.7, 90.0, 1000.0, float("nan"))] == [
        "today", "1 day", "3 days", "2 months", "2 years", "–",
    ]  # fmt: skip


def test_that_an_incomplete_certificate_is_called_so():
    assert certificate_verdict(CERTIFICATE).startswith("✓ Complete")
    assert certificate_verdict(dataclasses.replace(CERTIFICATE, rows_received=9)).startswith("✕ Incomplete")


def test_that_the_models_keep_the_rules_of_item_models(qapp):
    model = CataloguesModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show([STATUS], {}, False, 60000.0)
    model.show([STATUS], {"swift": CatalogueProgress("swift", 1, 4, "")}, False, 60000.0)
    assert model.data(model.index(0, model.columnCount() - 1), FRACTION_ROLE) == 0.25
    model.show([STATUS, dataclasses.replace(STATUS, mission="asca")], {}, False, 60000.0)
    assert tester.model() is model and model.row_of("asca") == 1
    changes = ChangesModel(CatalogueDiff("swift", 1.0, 2.0, new=("a", "b"), changed={"c": ("ra_deg",)}, now_public=("b",)))
    other = QAbstractItemModelTester(changes, QAbstractItemModelTester.FailureReportingMode.Fatal)
    changes.show("changed")
    changes.show("")
    assert other.model() is changes and changes.shown_obs_ids() == ("a", "b", "c")


def test_that_file_names_get_the_suffix_of_the_format_that_was_chosen():
    formats = {".csv": "CSV", ".vot": "VOTable", ".xml": "VOTable", ".fits": "FITS"}
    assert name_filters(formats) == {"CSV (*.csv)": ".csv", "VOTable (*.vot *.xml)": ".vot", "FITS (*.fits)": ".fits"}
    assert with_suffix(Path("a/b"), "FITS (*.fits)", formats) == Path("a/b.fits")
    assert with_suffix(Path("a/b.v2"), "CSV (*.csv)", formats) == Path("a/b.v2.csv")
    assert with_suffix(Path("a/b.xml"), "CSV (*.csv)", formats) == Path("a/b.xml")


# ---- every control


def test_that_every_control_has_a_name_a_tip_and_a_key_in_both_themes(parts, panel):
    assert faults(panel) == []
    for theme in (DARK, LIGHT):
        parts.context.set_theme(theme)
        assert not panel.grab().isNull()
