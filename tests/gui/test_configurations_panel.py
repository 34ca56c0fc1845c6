"""Earlier results of a real archive: kept when steps run with other parameters, compared, named, looked at, removed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QPushButton

from daxa_gui.core.reduction_plan import ComparedProduct, Configuration, ReductionOrder
from daxa_gui.gui.inspected import Inspected
from daxa_gui.gui.models.compared import (
    QUANTITIES,
    comparison_columns,
    differed_text,
    difference_text,
    differs,
    number_of,
)
from daxa_gui.gui.panels.configurations import RenameDialog
from daxa_gui.reduction import STEPS
from tests.fakes.windows import LONG_MS, Shell

TIME, EVENTS, KEPT = QUANTITIES


def product(old: dict, new: dict, path: str = "/now") -> ComparedProduct:
    return ComparedProduct("swift", "1", "XRT", "clean_events", "/then", path, old, new)


# ---- what is compared


def test_that_differences_are_now_minus_then_with_their_sign():
    one = product(
        {"kept_fraction": 0.5, "n_events": 1200, "ontime_s": 1000.0}, {"kept_fraction": 0.75, "n_events": 200, "ontime_s": 1000}
    )
    assert [difference_text(one, quantity) for quantity in QUANTITIES] == ["same", "−1\u202f000", "+25.0 %"]
    assert difference_text(product({}, {"n_events": 3}), EVENTS) == "–"
    assert differs(one) and not differs(product({"n_events": 3}, {"n_events": 3})) and differs(product({}, {}, path=""))


@pytest.mark.parametrize("value", ["12", None, True, math.nan, [1], math.inf])
def test_that_facts_that_are_no_numbers_are_not_compared(value):
    assert number_of({"n_events": value}, "n_events") is None


def test_that_columns_write_then_now_and_difference():
    columns = comparison_columns({"swift": "Swift"})
    one = product(
        {"kept_fraction": 0.5, "n_events": 1200, "ontime_s": 12345.0}, {"kept_fraction": 0.6, "n_events": 1300}, path=""
    )
    row = {column.heading: column.text(one) for column in columns if column.heading != "Difference"}
    assert row == {
        "Data": "1 XRT", "Product": "Cleaned event list", "Good time (ks)": "12.35 → –", "Events": "1\u202f200 → 1\u202f300",
        "Kept": "50.0 % → 60.0 %", "Now": "gone",
    }  # fmt: skip


def test_that_what_differed_are_parameters_or_the_reason():
    values = {"flares": {"n_sigma": 3.0, "bin_s": None}, "elsewhere": {"x": 5}}
    made = Configuration("a", 0.0, ("flares",), values, "parameters", 1, 1, 1)
    assert differed_text(made, dict(STEPS)) == "Flares: Sigma 3, Bin length the mission's own; elsewhere: x 5"
    assert differed_text(Configuration("a", 0.0, (), {}, "SAS 21 → 22", 1, 1, 1), {}) == "SAS 21 → 22"


# ---- the panel


def reduce_again(window: Shell, qtbot, n_sigma: float) -> None:
    order = ReductionOrder(steps=("clean",), parameters={"flares": {"n_sigma": n_sigma}}, missions=("swift",))
    window.session.start_reduction(order)
    qtbot.waitUntil(lambda: all(job.is_finished for job in window.session.jobs("reduce")), timeout=LONG_MS)


@pytest.fixture
def panel(reduced, qtbot):
    shown = reduced.panel("archive", "configurations")
    reduced.context.show_panel("configurations")
    reduce_again(reduced, qtbot, 1.5)
    shown._read()
    qtbot.waitUntil(lambda: shown.table.records_model.rowCount() == 1, timeout=LONG_MS)
    shown.table.selectRow(0)
    qtbot.waitUntil(lambda: shown.products.records_model.rowCount() > 0, timeout=LONG_MS)
    return shown


def choose_product(panel, qtbot, kind: str) -> ComparedProduct:
    """Select the first product of a kind, as soon as it is in the table."""
    model = panel.products.records_model

    def rows() -> list[int]:
        return [row for row in range(model.rowCount()) if model.record(row).kind == kind]

    qtbot.waitUntil(lambda: bool(rows()), timeout=LONG_MS)
    panel.products.selectRow(rows()[0])
    [chosen] = panel.products.chosen()
    return chosen


def test_that_earlier_results_are_compared_with_the_present_ones(panel):
    [configuration] = panel.table.chosen()
    assert configuration.parameters["flares"] == {"n_sigma": 3.0}
    kinds = {one.kind for one in panel.products.records_model.records}
    assert {"clean_events", "gti", "lightcurve"} <= kinds
    clean = next(one for one in panel.products.records_model.records if one.kind == "clean_events")
    assert clean.old_path != clean.new_path and number_of(clean.old_facts, "n_events") > number_of(clean.new_facts, "n_events")
    assert difference_text(clean, EVENTS).startswith("−")
    panel.differing.setChecked(True)
    assert all(differs(panel.products.records_model.record(row)) for row in range(panel.products.records_model.rowCount()))


def test_that_a_configuration_that_grows_stays_chosen(panel, reduced, qtbot):
    [before] = panel.table.chosen()
    product = choose_product(panel, qtbot, "clean_events")
    panel._show([replace(before, n_products=before.n_products + 1)])
    assert panel.table.chosen()[0].n_products == before.n_products + 1 and panel._compared == before.name
    assert reduced.context.background.wait_until_idle()
    qtbot.wait(20)
    assert panel.products.chosen() == [product]


def test_that_an_earlier_event_list_is_looked_at_in_inspect(panel, reduced, qtbot):
    product = choose_product(panel, qtbot, "clean_events")
    with qtbot.waitSignal(reduced.context.file_opened) as opened:
        qtbot.mouseClick(panel.then_button, Qt.MouseButton.LeftButton)
    assert opened.args == [product.old_path]
    assert reduced.window.pages.currentWidget().objectName() == "workspace_inspect"
    inspected = reduced.context.findChild(Inspected)
    qtbot.waitUntil(lambda: inspected.events is not None, timeout=LONG_MS)
    assert inspected.subject.path == product.old_path


def test_that_a_product_is_compared_in_inspect_with_its_configuration_drawn_over_it(panel, reduced, qtbot):
    [configuration] = panel.table.chosen()
    product = choose_product(panel, qtbot, "clean_events")
    qtbot.mouseClick(panel.compare_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: reduced.window.pages.currentWidget().objectName() == "workspace_inspect", timeout=LONG_MS)
    inspected = reduced.context.findChild(Inspected)
    qtbot.waitUntil(lambda: inspected.subject is not None and inspected.subject.path == product.new_path, timeout=LONG_MS)
    qtbot.waitUntil(lambda: inspected.earlier.screening is not None, timeout=LONG_MS)
    screening = inspected.earlier.screening
    assert screening.label == configuration.name and screening.gti is not None and screening.curve_of == "cleaned list"
    assert screening.limits_ct_s is not None and screening.limits_ct_s[0] < screening.limits_ct_s[1]


def test_that_a_gti_file_is_not_offered_to_be_looked_at(panel, qtbot):
    choose_product(panel, qtbot, "gti")
    assert not panel.then_button.isEnabled() and not panel.now_button.isEnabled()


def test_that_a_configuration_gets_a_name_and_a_note(panel, reduced, qtbot):
    panel.ask_rename()
    dialog = reduced.child(RenameDialog, "renameConfiguration")
    dialog.name.setText("")
    assert not dialog.keep_button.isEnabled()
    dialog.name.setText("wide limits")
    dialog.note.setText("for the paper")
    qtbot.mouseClick(dialog.keep_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.table.records_model.records[0].name == "wide limits", timeout=LONG_MS)
    assert panel.table.records_model.records[0].note == "for the paper"


def test_that_earlier_results_are_removed_only_after_a_question_that_says_how_much(panel, reduced, qtbot):
    [configuration] = panel.table.chosen()
    panel.ask_remove()
    box = reduced.child(QMessageBox, "removeConfigurationBox")
    assert configuration.name in box.text() and "kB" in box.informativeText()
    remove = next(button for button in box.buttons() if isinstance(button, QPushButton) and "Remove" in button.text())
    qtbot.mouseClick(remove, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.table.records_model.rowCount() == 0, timeout=LONG_MS)
    assert not any(one.n_products for one in reduced.session.configurations())
    assert panel.products.records_model.rowCount() == 0


def test_that_without_earlier_results_the_panel_says_when_there_will_be_some(window):
    shown = window.panel("archive", "configurations")
    assert shown.table.accessibleDescription() == "No archive is open."
    assert not shown.rename_button.isEnabled() and not shown.remove_button.isEnabled()
