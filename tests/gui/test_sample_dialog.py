"""The dialog that reads a sample: guesses, corrections, checks while one chooses, and what is done with the positions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget

from daxa_gui.core.distance import Distance
from daxa_gui.core.filters import Positions
from daxa_gui.gui.theme import DARK, LIGHT
from daxa_gui.gui.widgets.sample_dialog import SampleDialog
from tests.fakes.catalogue_window import Parts, plain
from tests.gui.test_accessibility import check

SAMPLE = """Name,RAJ2000,DEJ2000,z,size,discovered
SN A,10.684,41.269,0.1,12,2019-03-01
SN B,83.633,22.014,0.2,30,2019-04-15
SN C,359.95,-5.5,0.3,6,2020-01-31
"""


@pytest.fixture
def parts(qtbot, tmp_path) -> Iterator[Parts]:
    parts = Parts(qtbot, tmp_path)
    parts.window = QWidget()  # closed by the test's end, with the dialogs that belong to it
    qtbot.addWidget(parts.window)
    yield parts
    parts.close()


def open_dialog(parts: Parts, path: Path) -> SampleDialog:
    dialog = SampleDialog(parts.session, parts.context, path, parts.window)
    dialog.show()
    wait(parts, dialog)
    return dialog


def wait(parts: Parts, dialog: SampleDialog) -> None:
    """Until the present choice has been checked."""
    parts.qtbot.waitUntil(
        lambda: not dialog._pause.isActive() and (dialog.sample is not None or dialog.problem.isVisible()), timeout=60_000
    )


def choose(parts: Parts, dialog: SampleDialog, **columns: str) -> None:
    for name, column in columns.items():
        dialog.boxes[name].setCurrentIndex(dialog.boxes[name].findData(column))
    wait(parts, dialog)


@pytest.fixture
def dialog(parts, tmp_path) -> SampleDialog:
    path = tmp_path / "supernovae.csv"
    path.write_text(SAMPLE, encoding="utf-8")
    return open_dialog(parts, path)


def headings(dialog: SampleDialog) -> list[str]:
    return [dialog.table.horizontalHeaderItem(column).text().strip() for column in range(dialog.table.columnCount())]


def test_that_columns_are_guessed_and_shown_above_the_first_rows(dialog):
    assert [dialog.boxes[name].currentData() for name in ("ra", "dec", "name")] == ["RAJ2000", "DEJ2000", "Name"]
    assert headings(dialog)[:3] == ["Name\n↳ name", "RAJ2000\n↳ RA", "DEJ2000\n↳ Dec"]
    assert [dialog.table.item(1, column).text() for column in range(3)] == ["SN B", "83.633", "22.014"]
    assert "CSV, 3 rows, 6 columns" in plain(dialog.file.text())
    assert dialog.verdict.text() == "✓ 3 positions can be used."
    assert dialog.add_button.isEnabled() and dialog.show_button.isEnabled()


def test_that_a_wrong_column_is_told_with_its_row_and_nothing_can_be_added(parts, dialog):
    choose(parts, dialog, dec="RAJ2000")
    assert "supernovae.csv, line 4: The declination 359.95°" in dialog.problem.text()
    assert not dialog.add_button.isEnabled() and dialog.add_button.toolTip().startswith("The file, its columns")
    choose(parts, dialog, dec="DEJ2000")
    assert dialog.add_button.isEnabled() and not dialog.problem.isVisible()


def test_that_a_column_that_is_no_number_is_told(parts, dialog):
    choose(parts, dialog, radius="Name")
    assert "Name" in dialog.problem.text()
    assert not dialog.show_button.isEnabled()


def test_that_without_ra_and_dec_it_asks_for_them(parts, dialog):
    choose(parts, dialog, ra="")
    assert "which columns have the right ascension" in dialog.problem.text()


def test_that_a_sample_becomes_a_filter_that_can_be_undone(parts, dialog):
    dialog.add_button.click()
    [row] = parts.context.stack.rows
    assert isinstance(row.filter, Positions)
    assert row.filter.label == "supernovae.csv" and row.filter.places.names == ("SN A", "SN B", "SN C")
    assert row.filter.reach == Distance()
    assert not dialog.isVisible()
    parts.context.undo()
    assert parts.context.stack.rows == ()


def test_that_a_time_makes_windows_of_so_many_days(parts, dialog):
    choose(parts, dialog, time="discovered")
    assert not dialog.boxes["start"].isEnabled() and dialog.days_before.isVisible() and dialog.inside.isVisible()
    dialog.days_before.setValue(30.0)
    dialog.days_after.setValue(60.0)
    assert dialog.days_before.text() == "30 days before"
    dialog.inside.setChecked(True)
    parts.qtbot.waitUntil(lambda: dialog.sample is not None and dialog.sample.used.days_after == 60.0, timeout=60_000)
    assert dialog.verdict.text() == "✓ 3 positions with time windows of their own can be used."
    dialog.add_button.click()
    [row] = parts.context.stack.rows
    places = row.filter.places
    assert row.filter.entirely_inside
    assert (places.start_mjd[0], places.end_mjd[0]) == (58543.0 - 30.0, 58543.0 + 60.0)  # 2019-03-01 is MJD 58543


def test_that_each_position_can_have_its_own_radius_only_where_a_column_has_it(parts, dialog):
    box = dialog.distance.kind
    place = box.findData("positions")
    assert not box.model().item(place).isEnabled()
    choose(parts, dialog, radius="size")
    assert box.model().item(place).isEnabled() and dialog.radius_unit.isVisible()
    dialog.radius_unit.setCurrentIndex(dialog.radius_unit.findData("arcmin"))
    wait(parts, dialog)
    parts.qtbot.waitUntil(lambda: dialog.sample is not None and dialog.sample.used.radius_unit == "arcmin", timeout=60_000)
    box.setCurrentIndex(place)
    dialog.add_button.click()
    [row] = parts.context.stack.rows
    assert row.filter.reach == Distance.of_positions()
    assert row.filter.places.radius_deg.tolist() == pytest.approx([0.2, 0.5, 0.1])


def test_that_the_radius_is_checked_while_it_is_typed(parts, dialog):
    dialog.distance.kind.setCurrentIndex(dialog.distance.kind.findData("fixed"))
    dialog.distance.radius.number.setText("ten")
    assert "has to be a number" in dialog.problem.text() and not dialog.add_button.isEnabled()
    dialog.distance.radius.number.setText("30")
    assert dialog.add_button.isEnabled()
    with parts.qtbot.waitSignal(dialog.association_requested) as signal:
        dialog.show_button.click()
    label, places, distance, inside = signal.args
    assert (label, len(places), distance, inside) == ("supernovae.csv", 3, Distance.fixed(0.5), False)
    assert parts.context.stack.rows == ()  # showing changes no filter


def test_that_galactic_positions_are_turned_into_icrs(parts, tmp_path):
    path = tmp_path / "galactic.csv"
    path.write_text("name,l,b\ncentre,0.0,0.0\n", encoding="utf-8")
    dialog = open_dialog(parts, path)
    dialog.boxes["ra"].setCurrentIndex(dialog.boxes["ra"].findData("l"))
    dialog.boxes["dec"].setCurrentIndex(dialog.boxes["dec"].findData("b"))
    dialog.frame.setCurrentIndex(dialog.frame.findData("galactic"))
    parts.qtbot.waitUntil(lambda: dialog.sample is not None and dialog.sample.used.frame == "galactic", timeout=60_000)
    places = dialog.sample.places
    assert (places.ra_deg[0], places.dec_deg[0]) == pytest.approx((266.40499, -28.93617), abs=1e-4)


def test_that_a_file_that_cannot_be_read_is_told_and_another_one_can_be_chosen(parts, tmp_path, monkeypatch):
    broken = tmp_path / "broken.fits"
    broken.write_bytes(b"not a FITS file")
    dialog = open_dialog(parts, broken)
    assert "broken.fits" in dialog.problem.text() and not dialog.add_button.isEnabled()
    good = tmp_path / "good.csv"
    good.write_text(SAMPLE, encoding="utf-8")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(good), ""))
    dialog.choose_button.click()
    parts.qtbot.waitUntil(lambda: dialog.sample is not None, timeout=60_000)
    assert not dialog.problem.isVisible() and dialog.add_button.isEnabled()


def test_that_it_can_be_used_with_keyboard_and_screen_reader_in_both_themes(parts, dialog):
    choose(parts, dialog, time="discovered")
    choose(parts, dialog, radius="size")
    check(dialog)
    for theme in (DARK, LIGHT):
        parts.context.set_theme(theme)
        assert not dialog.grab().isNull()


@pytest.mark.parametrize(
    ("name", "columns", "size"),
    [("daxa_efeds_clusters.csv", ("RA", "DEC", "ID"), 542), ("daxa_sn1a_samp.csv", ("ra", "declination", "name"), 1000)],
)
def test_that_the_samples_of_the_case_studies_are_understood_as_they_are(parts, shared_data, name, columns, size):
    dialog = open_dialog(parts, shared_data / "tables" / name)
    assert tuple(dialog.boxes[meaning].currentData() for meaning in ("ra", "dec", "name")) == columns
    assert dialog.sample is not None and len(dialog.sample) == size
