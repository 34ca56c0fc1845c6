"""Everything of the Processing workspace, and the windows that it opens, for keyboards, screen readers, large letters and weak
eyes: the rules of `test_accessibility`, and that no text is cut or faint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFont, QKeySequence, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QPushButton,
    QRadioButton,
    QTableView,
    QToolButton,
    QWidget,
)

from daxa_gui.core.finding import Finding, Grade
from daxa_gui.gui.models.archive_tree import Column
from daxa_gui.gui.panels.failures import FailuresPanel
from daxa_gui.gui.theme import DARK, LIGHT, Theme
from daxa_gui.gui.widgets.doctor_dialog import DoctorDialog
from daxa_gui.gui.widgets.run_reduction import RunReductionDialog
from daxa_gui.gui.widgets.step_header import StepHeader
from daxa_gui.gui.widgets.where_to_run import WhereToRunDialog
from tests.fakes.looks import contrast, cut, faint
from tests.fakes.windows import LONG_MS, Shell, copy_output, shell
from tests.gui.test_accessibility import (
    check,
    dialog_of,
    faults,
    focus_chain,
    menu_letters,
    mnemonics,
    takes_focus,
    twice,
    visible,
)
from tests.gui.test_failures_panel import bench, panel

__all__ = ["bench", "panel"]  # fixtures

FOUND = [
    Finding(Grade.FAULT, "ccf-empty", "CCF", "The folder has no calibration files.", "Copy the folder of ESA.", ("cif_build",)),
    Finding(Grade.GOOD, "sas-found", "SAS", "SAS 22.1.0, as the setting « SAS » says.", "", ("epchain",)),
]


def open_run(window: Shell, qtbot) -> QDialog:
    processing = window.panel("queue", "processing")
    qtbot.waitUntil(processing.step_button.isEnabled, timeout=LONG_MS)
    processing.step_button.click()
    dialog = dialog_of(window, RunReductionDialog)
    qtbot.waitUntil(lambda: dialog.choice is not None, timeout=LONG_MS)
    dialog.choice.tick(["flares", "image"])
    qtbot.waitUntil(lambda: "stay" in dialog.preview.sentence.text(), timeout=LONG_MS)
    return dialog


def open_run_options(window: Shell, qtbot) -> QDialog:
    dialog = open_run(window, qtbot)
    dialog.choice.tabs.setCurrentIndex(1)
    dialog.preview.setCurrentWidget(dialog.preview.commands)
    qtbot.waitUntil(lambda: bool(dialog.preview.commands.state.text()), timeout=LONG_MS)
    return dialog


def open_run_without_step(window: Shell, qtbot) -> QDialog:
    dialog = open_run(window, qtbot)
    dialog.choice.tick([])
    qtbot.waitUntil(dialog.choice.complaint.isVisible, timeout=LONG_MS)
    return dialog


def open_where(window: Shell, qtbot) -> QDialog:
    dialog = WhereToRunDialog(window.session, window.context, window.window)
    dialog.show()
    qtbot.waitUntil(dialog.local.isChecked, timeout=LONG_MS)
    return dialog


def open_where_checked(window: Shell, qtbot) -> QDialog:
    dialog = open_where(window, qtbot)
    dialog._on_checked(FOUND)
    return dialog


def open_doctor(window: Shell, qtbot) -> QDialog:
    dialog = DoctorDialog("Doctor", lambda _progress, _cancelled: FOUND, window.context, window.window)
    dialog.show()
    qtbot.waitUntil(lambda: not dialog.work.is_running and bool(dialog.findings), timeout=LONG_MS)
    return dialog


DIALOGS: list[Callable[[Shell, object], QDialog]] = [open_run, open_run_options, open_where, open_where_checked, open_doctor]


def without_key(dialog: QDialog) -> list[str]:
    """Buttons that neither a letter nor another key presses: Enter the default one, Escape those that leave."""
    leaving = (QDialogButtonBox.ButtonRole.RejectRole,)
    boxes = dialog.findChildren(QDialogButtonBox)
    escapes = [button for box in boxes for button in box.buttons() if box.buttonRole(button) in leaving]
    return [
        f"{button.objectName()} « {button.text()} »"
        for button in visible(dialog)
        if isinstance(button, (QPushButton, QCheckBox, QRadioButton))
        and not QKeySequence.mnemonic(button.text()).toString()
        and button.shortcut().isEmpty()
        and not (isinstance(button, QPushButton) and button.isDefault())
        and button not in escapes
        and not button.objectName().startswith("entry_")  # fields of a form: Tab walks through them in their order
    ]


@pytest.mark.parametrize("show", DIALOGS, ids=lambda show: show.__name__)
def test_that_everything_in_the_dialogs_has_a_name_a_tip_and_a_key(reduced, qtbot, show):
    dialog = show(reduced, qtbot)
    check(dialog)
    assert without_key(dialog) == []
    dialog.reject()


@pytest.mark.parametrize("name", ["failures", "job_log", "processing"])
def test_that_everything_around_the_grid_has_a_name_a_tip_and_a_place_in_the_order(reduced, qtbot, name):
    reduced.window.show_workspace("queue")
    workspace = reduced.window.workspaces["queue"]
    qtbot.waitUntil(lambda: workspace.is_arranged)
    reduced.window.show_panel(name)
    qtbot.waitUntil(workspace.panels[name].isVisible)
    assert faults(workspace) == []
    assert twice(mnemonics(workspace) + menu_letters(reduced)) == {}
    assert set(focus_chain(workspace)) == {widget for widget in visible(workspace) if takes_focus(widget)}


def test_that_failures_with_causes_have_names_and_an_order_from_top_to_bottom(panel: FailuresPanel):
    assert panel.meaning.isVisible()
    assert faults(panel) == []
    chain = [widget.objectName() for widget in focus_chain(panel)]
    wanted = ["failuresKinds", "failuresSearch", "failuresLog", "failuresCopy", "failuresRetry", "failuresTable"]
    start = chain.index(wanted[0])
    chain = chain[start:] + chain[:start]
    assert [name for name in chain if name in wanted] == wanted
    assert chain.index("failuresMeaningArea") < chain.index("failuresData")


# ---- letters twice as large


@contextmanager
def letters(times: float) -> Iterator[None]:
    """So much larger, in all windows that are made meanwhile."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    usual = application.font()
    large = QFont(usual)
    large.setPointSizeF(usual.pointSizeF() * times)
    application.setFont(large)
    try:
        yield
    finally:
        application.setFont(usual)


LARGE = [open_run, open_run_options, open_run_without_step, open_where, open_where_checked, open_doctor]


@pytest.mark.parametrize("show", LARGE, ids=lambda show: show.__name__)
def test_that_no_text_of_the_dialogs_is_cut_where_letters_are_twice_as_large(reduced, qtbot, show):
    with letters(2.0):
        dialog = show(reduced, qtbot)
        qtbot.waitUntil(lambda: cut([dialog, *dialog.findChildren(QHeaderView), *visible(dialog)]) == [])
        dialog.reject()


def test_that_the_plan_names_its_steps_and_a_complaint_covers_nothing_where_letters_are_twice_as_large(reduced, qtbot):
    with letters(2.0):
        dialog = open_run(reduced, qtbot)
        tree, choice = dialog.preview.tree, dialog.choice
        qtbot.waitUntil(lambda: tree.columnWidth(0) >= 20 * tree.fontMetrics().averageCharWidth(), timeout=LONG_MS)
        commands = dialog.preview.commands
        assert commands.text.font().pointSizeF() == commands.units.font().pointSizeF()
        choice.tick([])

        def stand_apart() -> bool:
            covered = choice.complaint.geometry().intersects(choice.steps.geometry())
            return choice.complaint.isVisible() and not covered and choice.steps.height() >= choice.steps.minimumHeight()

        qtbot.waitUntil(stand_apart, timeout=LONG_MS)
        dialog.reject()


def test_that_the_workspaces_and_sizes_can_be_read_where_letters_are_twice_as_large(qtbot, tmp_path, made_output):
    output = copy_output(made_output, tmp_path / "output")
    with letters(2.0), shell(qtbot, output) as window:
        assert cut(window.window.findChildren(QToolButton, "workspaceButton")) == []
        window.window.open_archive(str(output / "archives" / "made before"), show="archive")
        qtbot.waitUntil(lambda: window.session.archive is not None, timeout=LONG_MS)
        view = window.panel("archive", "archive").view
        assert view.columnWidth(Column.SIZE) > view.fontMetrics().horizontalAdvance("999.9 MB")


@pytest.mark.parametrize(("workspace", "panel"), [("queue", "downloads"), ("archive", "configurations")])
def test_that_buttons_stay_whole_within_their_panel_where_letters_are_twice_as_large(qtbot, reduced, workspace, panel):
    with letters(2.0):
        shown = reduced.panel(workspace, panel)
        reduced.window.show_workspace(workspace)
        reduced.window.show_panel(panel)
        reduced.window.resize(1280, 800)
        qtbot.waitUntil(shown.isVisible, timeout=LONG_MS)

        def outside() -> list[str]:
            buttons = [button for button in visible(shown) if isinstance(button, QAbstractButton)]
            assert buttons
            room = shown.rect()
            boxes = {button.objectName(): button.rect().translated(button.mapTo(shown, QPoint())) for button in buttons}
            return [*cut(buttons), *(name for name, box in boxes.items() if not room.contains(box))]

        qtbot.waitUntil(lambda: outside() == [], timeout=LONG_MS)
        labels = [label for label in visible(shown) if isinstance(label, QLabel) and label.text()]
        assert [label.objectName() for label in labels if label.width() < label.fontMetrics().averageCharWidth()] == []
        edge = shown.mapTo(reduced.window, shown.rect().topRight()).x()
        assert edge <= reduced.window.width()


@pytest.mark.parametrize(("width", "height"), [(1200, 240), (820, 200), (700, 700)])
@pytest.mark.parametrize("times", [1.0, 2.0])
def test_that_causes_fit_their_panel_without_scrolling_sideways(bench, qtbot, times, width, height):
    with letters(times):
        panel = bench.panel(FailuresPanel, qtbot, width, height)
        qtbot.waitUntil(lambda: len(panel.table.records_model.rows) == 2)
        panel.table.selectRow(0)
        for table in (panel.table, panel.data):
            qtbot.waitUntil(lambda table=table: not table.horizontalScrollBar().isVisible())
        cause = panel.table.columnWidth(2)
        assert cause >= 30 * panel.fontMetrics().averageCharWidth(), "the cause is what one looks for"
        qtbot.waitUntil(lambda: cut([panel.meaning, *panel.findChildren(QPushButton)]) == [])
        assert "wider limits" in panel.meaning.text() and "SAS" in panel.meaning.text() and "2 jobs were" in panel.meaning.text()


def test_that_the_grid_shows_its_headings_and_states_whole_where_letters_are_twice_as_large(qtbot, reduced):
    with letters(2.0):
        view = reduced.panel("queue", "processing").view
        qtbot.waitUntil(lambda: view.model().columnCount() > 0, timeout=LONG_MS)
        reduced.window.show_panel("processing")
        qtbot.waitUntil(lambda: cut([view.horizontalHeader()]) == [])
        letters_px = view.fontMetrics().horizontalAdvance("skipped") + view.fontMetrics().height()  # with the mark before it
        assert all(view.columnWidth(column) >= letters_px for column in range(view.model().columnCount()))


def test_that_the_steps_share_the_room_of_a_wide_window(qtbot, reduced):
    view = reduced.panel("queue", "processing").view
    qtbot.waitUntil(lambda: view.model().columnCount() > 0, timeout=LONG_MS)
    reduced.window.resize(1900, 900)
    header = view.horizontalHeader()
    qtbot.waitUntil(lambda: header.length() == view.viewport().width())
    assert not view.horizontalScrollBar().isVisible()


def test_that_columns_grow_with_the_counts_in_their_headings_and_stay_so(qtbot):
    model = QStandardItemModel(2, 3)
    view = QTableView()
    qtbot.addWidget(view)
    header = StepHeader(view)
    view.setHorizontalHeader(header)
    view.setModel(model)
    view.resize(200, 200)
    view.show()
    narrow = header.sectionSize(1)
    model.setHeaderData(1, Qt.Orientation.Horizontal, "Merged events\n12 345/123 456 · 1 234 ✕")
    model.setItem(0, 1, QStandardItem("done"))
    qtbot.waitUntil(lambda: header.sectionSize(1) > narrow)
    assert cut([header]) == []
    wide = header.sectionSize(1)
    model.setHeaderData(1, Qt.Orientation.Horizontal, "Merged events\n1/1")
    header.fit()
    assert header.sectionSize(1) == wide


# ---- weak eyes


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_that_every_colour_of_letters_stands_out_from_every_ground(theme: Theme):
    grounds = (theme.window, theme.base, theme.alternate)
    inks = (theme.text, theme.muted, theme.good, theme.bad, theme.warn, theme.running, theme.link)
    weak = [(ink, ground) for ink in inks for ground in grounds if contrast(QColor(ink), QColor(ground)) < 4.5]
    assert weak == []
    assert contrast(QColor(theme.accent_text), QColor(theme.accent)) >= 4.5
    assert min(contrast(QColor(theme.idle), QColor(ground)) for ground in grounds) >= 3.0  # marks and outlines only


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_that_no_text_of_the_workspace_and_its_dialogs_is_faint(reduced, qtbot, theme):
    reduced.window.use_theme(theme)
    reduced.window.show_workspace("queue")
    workspace: QWidget = reduced.window.workspaces["queue"]
    qtbot.waitUntil(lambda: workspace.is_arranged)
    assert faint(visible(workspace)) == []
    for show in (open_run, open_where_checked, open_doctor):
        dialog = show(reduced, qtbot)
        assert [widget for widget in visible(dialog) if isinstance(widget, QAbstractButton)]
        assert faint(visible(dialog)) == []
        dialog.reject()
