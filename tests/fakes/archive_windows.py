"""What tests of the Archive workspace do again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QMessageBox, QWidget

from daxa_gui.core.archive_info import ArchiveObservation
from daxa_gui.gui.widgets.record_table import RecordTable
from daxa_gui.session import Session
from tests.fakes.windows import LONG_MS, Shell, cache_folder


def show(window: Shell, qtbot: Any, name: str) -> Any:
    """A panel of the Archive workspace in front, with the archive read."""
    archive = window.panel("archive", "archive")
    window.window.show_panel(name)
    panel = window.window.workspaces["archive"].panels[name]
    qtbot.waitUntil(panel.isVisible)
    qtbot.waitUntil(lambda: window.session.archive is None or archive.model.count() > 0, timeout=LONG_MS)
    return panel


def rows(table: RecordTable) -> list[tuple[str, ...]]:
    """What a table shows, without the gaps behind numbers."""
    model = table.model()
    return [
        tuple(str(model.index(row, column).data()).rstrip("\u2002") for column in range(model.columnCount()))
        for row in range(model.rowCount())
    ]


def choose(table: RecordTable, *numbers: int) -> None:
    """Choose rows, and no others."""
    selection = table.selectionModel()
    selection.clear()
    for number in numbers:
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        selection.select(table.model().index(number, 0), flags)


def press(qtbot: Any, button: QAbstractButton) -> None:
    assert button.isEnabled(), button.text()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def dialog(qtbot: Any, name: str) -> Any:
    """The dialog of this name, as soon as it is there."""

    def found() -> list[QWidget]:
        return [w for w in QApplication.topLevelWidgets() if w.objectName() == name and w.isVisible()]

    qtbot.waitUntil(lambda: len(found()) == 1, timeout=LONG_MS)
    return found()[0]


def is_closed(name: str) -> bool:
    """Whether no dialog of this name is on the screen."""
    return not any(w.objectName() == name and w.isVisible() for w in QApplication.topLevelWidgets())


def answer(qtbot: Any, *, yes: bool) -> str:
    """Answer the question that is asked, and what it said."""
    box = dialog(qtbot, "archiveQuestion")
    assert isinstance(box, QMessageBox)
    text = f"{box.text()} {box.informativeText()}"
    assert box.defaultButton() is box.button(QMessageBox.StandardButton.Cancel)
    [go] = [button for button in box.buttons() if button.objectName() == "archiveQuestionGo"]
    press(qtbot, go if yes else box.button(QMessageBox.StandardButton.Cancel))
    return text


def observation(window: Shell, mission: str) -> ArchiveObservation:
    [found] = [about for about in window.session.observations() if about.mission == mission]
    return found


def look_at(window: Shell, qtbot: Any, mission: str) -> tuple[str, str]:
    """Choose the observation of a mission in the tree."""
    about = observation(window, mission)
    panel = window.panel("archive", "archive")
    key = (about.mission, about.obs_id)
    qtbot.waitUntil(lambda: panel.model.index_of(key).isValid(), timeout=LONG_MS)
    panel.view.setCurrentIndex(panel.model.index_of(key))
    return key


@contextmanager
def opened_elsewhere(window: Shell, qtbot: Any) -> Iterator[None]:
    """The window's archive, closed there, opened by another program and then only to be looked at here."""
    path = window.session.archive.path
    window.session.close_archive()
    qtbot.waitUntil(lambda: window.window.windowTitle() == "DAXA GUI")
    other = Session(output_folder=window.session.archives_folder(), cache=cache_folder())
    try:
        other.open_archive(path, start=False)
        window.window.open_archive(path, show="")
        qtbot.waitUntil(lambda: window.session.archive is not None and bool(window.session.archive.read_only), timeout=LONG_MS)
        qtbot.waitUntil(lambda: window.window.windowTitle() != "DAXA GUI")
        yield
    finally:
        window.session.close_archive()
        other.close()


def call_real(session: Session) -> None:
    """Let the simulated observations of the open archive pass for real ones, of which DAXA may know."""
    with session._open.store.database.writing() as connection:
        for mission, obs_id, row in connection.execute("SELECT mission, obs_id, row FROM observations").fetchall():
            values = json.loads(row)
            values.pop("simulated", None)
            where = (json.dumps(values), mission, obs_id)
            connection.execute("UPDATE observations SET row = ? WHERE mission = ? AND obs_id = ?", where)


def wait_for(qtbot: Any, condition: Callable[[], bool]) -> None:
    qtbot.waitUntil(condition, timeout=LONG_MS)
