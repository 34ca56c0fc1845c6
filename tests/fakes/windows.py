"""A whole main window on a real session, and a small reduced archive of the practice sky to open in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication, QWidget

from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.filters import Cone
from daxa_gui.core.selection import Selection
from daxa_gui.core.settings import Settings
from daxa_gui.gui.main_window import MainWindow
from daxa_gui.session import Session

SMALL = ("swift", "nustar_pointed")  # the quickest missions of the practice sky
CLOSED = "0999900401"  # the closed-filter exposure: nothing can be made of it
LONG_MS = 60_000


def cache_folder() -> Path:
    return Path(os.environ["DAXA_GUI_CACHE"])


def near_the_cluster(session: Session, missions: tuple[str, ...] = SMALL) -> list[Selection]:
    """What the search around the practice cluster leaves of some missions."""
    stack = FilterStack().add(Cone(session.resolve_name("practice cluster"), None))
    return [selection for selection in session.selections(stack) if selection.mission in missions]


def make_archive(output: Path, name: str = "made before", *, reduce: bool = True) -> Path:
    """An archive as an earlier run of the program leaves it; its folder."""
    session = Session(output_folder=output, cache=cache_folder())
    try:
        session.start_practice()
        session.wait_for_practice()
        selections = near_the_cluster(session)
        [xmm] = near_the_cluster(session, ("xmm_pointed",))
        closed = Selection(xmm.mission, xmm.catalogue_version, (CLOSED,), xmm.instruments, xmm.filters)
        summary = session.create_archive(name, [*selections, closed])
        assert session.wait_until_idle(120)
        if reduce:
            session.reduce()
            assert session.wait_until_idle(120)
        return Path(summary.path)
    finally:
        session.close()


def copy_output(output: Path, target: Path) -> Path:
    """A copy of an output folder that may be written to."""
    return Path(shutil.copytree(output, target))


class Shell:
    """A window with the parts that tests talk to."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.session = window.session
        self.context = window.context

    def panel(self, workspace: str, name: str) -> Any:
        """A panel of a workspace, which is shown."""
        self.window.show_workspace(workspace)
        return self.window.workspaces[workspace].panels[name]

    def child(self, kind: type[Any], name: str, parent: QWidget | None = None) -> Any:
        found = (parent or self.window).findChild(kind, name)
        assert found is not None, name
        return found

    def action(self, name: str) -> None:
        """Choose a menu entry."""
        self.window.actions_by_name[name].trigger()

    def notice(self) -> str:
        return self.window.notice_bar.text()


@contextmanager
def shell(
    qtbot: Any,
    output: Path,
    *,
    settings: Settings | None = None,
    state_file: Path | None = None,
    settings_file: Path | None = None,
) -> Iterator[Shell]:
    session = Session(settings=settings, settings_file=settings_file, output_folder=output, cache=cache_folder())
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    window = MainWindow(session, application, state_file)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    try:
        yield Shell(window)
    finally:
        window.close()
