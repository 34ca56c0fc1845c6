"""The Doctor's window: what was found, under what it is about, and what to do; looking again, stopping, copying."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QTreeWidgetItem

from daxa_gui.core.errors import Cancelled, DaxaError
from daxa_gui.core.finding import Finding, Grade
from daxa_gui.core.settings import Settings
from daxa_gui.gui.context import Context
from daxa_gui.gui.theme import DARK, LIGHT, apply_theme
from daxa_gui.gui.widgets.doctor_dialog import DoctorDialog
from daxa_gui.missions import MISSIONS
from daxa_gui.reduction import STEPS
from tests.gui.test_accessibility import faults, focus_chain, mnemonics, twice

FOUND = [
    Finding(Grade.GOOD, "sas-found", "SAS", "SAS 22.1.0 in /opt/xmmsas, as the setting « SAS » says.", "", ("epchain",)),
    Finding(Grade.GOOD, "folder-good", "Folder « Archive »", "/data/archive can be written; 120.0 GB are free."),
    Finding(Grade.FAULT, "ccf-empty", "CCF", "/opt/ccf has no *.CCF files <b>.", "Copy ESA's folder.", ("cif_build", "epchain")),
    Finding(Grade.ADVICE, "sas-other-in-shell", "SAS", "SAS_DIR of your shell says /old.", "Nothing.", ("epchain",)),
]


class SmallSession:
    """What the window asks of a session."""

    settings = Settings()

    def steps(self) -> tuple:
        return tuple(STEPS.values())

    def missions(self) -> tuple:
        return tuple(MISSIONS.values())


@pytest.fixture
def opened(qtbot) -> Callable[..., DoctorDialog]:
    kept: list[Context] = []

    def open_dialog(check, *, wait: bool = True) -> DoctorDialog:
        context = Context(SmallSession())  # type: ignore[arg-type]
        kept.append(context)
        dialog = DoctorDialog("Doctor", check, context)
        qtbot.addWidget(dialog)
        dialog.show()
        if wait:
            qtbot.waitUntil(lambda: not dialog.work.is_running)
        return dialog

    return open_dialog


def looking(found: Sequence[Finding]) -> Callable:
    return lambda progress, cancelled: list(found)


def items(dialog: DoctorDialog) -> list[QTreeWidgetItem]:
    headings = [dialog.tree.topLevelItem(number) for number in range(dialog.tree.topLevelItemCount())]
    return [item for heading in headings for item in (heading, *(heading.child(row) for row in range(heading.childCount())))]


def test_that_findings_stand_under_their_subjects_the_worst_first(opened):
    dialog = opened(looking(FOUND))
    assert [item.text(0) for item in items(dialog)] == ["CCF", "Fault", "SAS", "Advice", "Good", "Folder « Archive »", "Good"]
    assert [dialog.tree.topLevelItem(row).isExpanded() for row in range(3)] == [True, True, False]
    assert dialog.sentence.text() == "1 fault, 1 piece of advice, 2 checks are good."
    assert all(not item.icon(0).isNull() for item in items(dialog))


def test_that_the_chosen_finding_is_told_with_its_fix_steps_and_missions(opened):
    dialog = opened(looking(FOUND))
    text = dialog.details.toPlainText()  # the worst is chosen at first
    assert "no *.CCF files <b>." in text and "What to do: Copy ESA's folder." in text and "ccf-empty" in text
    assert STEPS["cif_build"].label in text and MISSIONS["xmm_pointed"].label in text
    dialog.tree.setCurrentItem(items(dialog)[4])
    assert "SAS 22.1.0" in dialog.details.toPlainText() and "What to do" not in dialog.details.toPlainText()
    dialog.tree.setCurrentItem(items(dialog)[2])
    assert dialog.details.toPlainText().startswith("SAS: ")


def test_that_everything_can_be_copied_as_text(opened):
    dialog = opened(looking(FOUND))
    dialog.copy_button.click()
    text = QGuiApplication.clipboard().text()
    assert "✗ fault: /opt/ccf has no *.CCF files <b>. [ccf-empty]" in text and "What to do: Copy ESA's folder." in text
    assert text.rstrip().endswith("1 fault, 1 piece of advice, 2 checks are good.")


def test_that_it_looks_again_when_something_was_put_right(opened, qtbot):
    answers = [FOUND, [FOUND[0]]]
    dialog = opened(lambda progress, cancelled: answers.pop(0))
    qtbot.keyClick(dialog, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: dialog.sentence.text() == "1 check is good.")
    assert [item.text(0) for item in items(dialog)] == ["SAS", "Good"]
    assert dialog.details.toPlainText().startswith("SAS: ")


def test_that_progress_is_shown_and_looking_can_be_stopped(opened, qtbot):
    begun, go_on = threading.Event(), threading.Event()

    def check(progress, cancelled):
        progress(1.0, 4.0, "HEASoft")
        begun.set()
        while not cancelled():
            go_on.wait(0.01)
        raise Cancelled

    dialog = opened(check, wait=False)
    qtbot.waitUntil(lambda: begun.is_set() and dialog.work.label.text() == "HEASoft")
    assert not dialog.again_button.isEnabled() and not dialog.copy_button.isEnabled()
    assert faults(dialog) == []
    dialog.work.stop_button.click()
    qtbot.waitUntil(lambda: not dialog.work.is_running)
    assert "Stopped" in dialog.sentence.text() and dialog.again_button.isEnabled() and items(dialog) == []


def test_that_closing_ends_the_look(opened, qtbot):
    begun, ended = threading.Event(), threading.Event()

    def check(progress, cancelled):
        begun.set()
        while not cancelled():
            threading.Event().wait(0.01)
        ended.set()
        raise Cancelled

    dialog = opened(check, wait=False)
    qtbot.waitUntil(begun.is_set)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert ended.wait(5.0) and not dialog.isVisible()


def test_that_a_failure_and_an_empty_answer_are_told(opened):
    def fail(progress, cancelled):
        raise DaxaError("The setting « SAS » leads nowhere.", "Give the whole path.")

    assert "leads nowhere" in opened(fail).sentence.text().replace("\u00a0", " ")
    empty = opened(looking([]))
    assert empty.sentence.text() == "Nothing was checked." and not empty.copy_button.isEnabled()
    assert empty.again_button.isEnabled()


def test_that_the_settings_of_software_are_a_click_away(opened):
    dialog = opened(looking(FOUND))
    asked: list[str] = []
    dialog._context.settings_requested.connect(asked.append)
    dialog.settings_button.click()
    assert asked == ["Software"]


def test_that_it_can_be_used_by_keyboard_and_heard(opened, qtbot):
    dialog = opened(looking(FOUND))
    assert faults(dialog) == [] and twice(mnemonics(dialog)) == {}
    chain = focus_chain(dialog)
    assert {dialog.tree, dialog.details, dialog.again_button, dialog.copy_button, dialog.settings_button} <= set(chain)
    assert chain.index(dialog.tree) < chain.index(dialog.details) < chain.index(dialog.again_button)
    dialog.tree.setFocus()
    first = dialog.tree.currentItem()
    qtbot.keyClick(dialog.tree, Qt.Key.Key_Down)
    assert dialog.tree.currentItem() is not first
    heard = items(dialog)[1].data(1, Qt.ItemDataRole.AccessibleTextRole)
    assert "no *.CCF" in heard and "Copy ESA's folder." in heard


def test_that_the_marks_follow_the_theme_and_differ_in_shape(opened):
    dialog = opened(looking(FOUND))
    application = QApplication.instance()
    pictures = {}
    try:
        for theme in (LIGHT, DARK):
            apply_theme(application, theme)
            dialog._context.theme = theme
            dialog._context.theme_changed.emit(theme)
            pictures[theme.name] = [item.icon(0).pixmap(16, 16).toImage() for item in items(dialog)]
            assert getattr(theme, "bad") in dialog.details.toHtml()  # noqa: B009
    finally:
        apply_theme(application, LIGHT)
    assert all(light != dark for light, dark in zip(pictures["light"], pictures["dark"], strict=True))
    opaque = [
        {(x, y) for x in range(16) for y in range(16) if pictures["light"][row].pixelColor(QPoint(x, y)).alpha() > 128}
        for row in (1, 3, 4)
    ]
    assert opaque[0] != opaque[1] != opaque[2] != opaque[0]


def test_that_the_menu_opens_it_with_the_session_s_doctor(window, qtbot, monkeypatch):
    asked: list[tuple] = []
    monkeypatch.setattr(window.session, "doctor", lambda steps, progress, cancelled: asked.append(steps) or FOUND)
    window.action("doctor")
    dialog = window.window.findChild(DoctorDialog)
    qtbot.waitUntil(lambda: len(items(dialog)) > 0)
    assert asked == [()] and dialog.isVisible()
    dialog.close()
