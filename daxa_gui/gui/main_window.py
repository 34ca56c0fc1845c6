"""The main window: a rail of workspaces, menus from ACTIONS, pages from PANELS, and the status line. No science here."""

from __future__ import annotations

import functools
from importlib import import_module
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSettings, QSize, QTimer, Signal
from PySide6.QtGui import QAction, QCloseEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.settings import changed
from daxa_gui.gui.actions import CATALOGUES_MENU, ActionSpec
from daxa_gui.gui.archive_desk import ArchiveDesk
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.catalogue_desk import CatalogueDesk
from daxa_gui.gui.context import Context
from daxa_gui.gui.daxa_files import DaxaFiles
from daxa_gui.gui.help import show_about, show_shortcuts
from daxa_gui.gui.menus import Menus
from daxa_gui.gui.notify import NoticeBar
from daxa_gui.gui.panels import PANELS, WORKSPACES
from daxa_gui.gui.rail import Rail
from daxa_gui.gui.search_memory import SearchMemory
from daxa_gui.gui.status import StatusLine
from daxa_gui.gui.theme import apply_theme, chosen_theme
from daxa_gui.gui.welcome import WelcomePage
from daxa_gui.gui.workspace import Workspace
from daxa_gui.session import Session


class MainWindow(QMainWindow):
    """Workspaces are made when they are first shown, so that the first one is on the screen at once. `built`: all of them are
    there, after `build_ahead`."""

    built = Signal()

    def __init__(self, session: Session, application: QApplication, state_file: Path | None = None) -> None:
        super().__init__()
        self.session = session
        self._application = application
        self._state = QSettings(str(state_file), QSettings.Format.IniFormat) if state_file else None
        self.context = Context(session, self)
        self._daxa_files = DaxaFiles(session, self.context, self)
        self._memory = SearchMemory(session, self.context, state_file and state_file.with_name("search.json"), self)
        self.bridge = Bridge(session.bus, self)
        self.setObjectName("mainWindow")
        self.setWindowTitle("DAXA GUI")
        self.setMinimumSize(QSize(1000, 640))
        self.workspaces: dict[str, Workspace] = {}
        self.notice_bar = NoticeBar(self)
        self.pages = QStackedWidget(self)
        self.welcome = WelcomePage(session, self.context, self)
        self.pages.addWidget(self.welcome)
        self._closed = False
        self._build_menus()
        self._build_frame()
        self.status_line = StatusLine(session, self.context, self.bridge, self)
        self.setStatusBar(self.status_line)
        self._connect()
        self.use_theme(session.settings.theme)
        self._restore_geometry()
        self._update_undo()
        self._menus.update_layout_actions()
        self._memory.restore()

    def _build_menus(self) -> None:
        self._menus = Menus(self, self._run, self._docks)
        self.actions_by_name: dict[str, QAction] = self._menus.by_name
        self._menus.menus[CATALOGUES_MENU].aboutToShow.connect(self._update_offline_action)
        settings = self.session.settings
        self.actions_by_name[f"theme_{settings.theme}"].setChecked(True)
        self.actions_by_name[settings.coordinates].setChecked(True)

    def _run(self, spec: ActionSpec) -> None:
        ticked = [self.actions_by_name[spec.name].isChecked()] if spec.checkable else []
        getattr(self, spec.method)(*spec.arguments, *ticked)

    def _build_frame(self) -> None:
        self._rail = Rail(self)
        self._rail.chosen.connect(self.show_workspace)
        body = QWidget(self)
        body_column = QVBoxLayout(body)
        body_column.setContentsMargins(0, 0, 0, 0)
        body_column.setSpacing(0)
        body_column.addWidget(self.notice_bar)
        body_column.addWidget(self.pages, 1)
        central = QWidget(self)
        row = QHBoxLayout(central)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._rail)
        row.addWidget(body, 1)
        self.setCentralWidget(central)

    def _connect(self) -> None:
        self.context.workspace_requested.connect(self.show_workspace)
        self.context.panel_requested.connect(self.show_panel)
        self.context.sample_requested.connect(self.open_sample)
        self.context.settings_requested.connect(self.show_settings)
        self.context.stack_changed.connect(self._update_undo)
        self.bridge.notice.connect(self._on_notice)
        self.bridge.archive_changed.connect(self._on_archive_changed)
        self.bridge.catalogues_changed.connect(lambda _missions: self.context.apply_filters_soon())
        self.context.background.failed.connect(self._show_error)
        self.context.theme_changed.connect(self.notice_bar.set_theme)
        self.welcome.practice_requested.connect(self.start_practice)
        self.welcome.archive_requested.connect(self.choose_archive)
        self.welcome.recent_requested.connect(self.open_archive)
        self.welcome.search_requested.connect(functools.partial(self.show_workspace, "find"))
        self._archive_desk().take_actions(self.actions_by_name)

    # what the actions do

    def show_workspace(self, name: str) -> None:
        """Show a workspace, making what is not there of it yet."""
        self._workspace(name).build()
        if not self.context.results:
            self.context.apply_filters_soon()
        self.pages.setCurrentWidget(self.workspaces[name])
        self._rail.mark(name)
        self.actions_by_name[name].setChecked(True)
        self._menus.update_layout_actions()

    def _workspace(self, name: str) -> Workspace:
        if name not in self.workspaces:
            workspace = Workspace(name, self.session, self.context, self.bridge, self)
            if self._state is not None:
                workspace.restore(self._state.value(f"layout/{name}"))
            self.workspaces[name] = workspace
            self.pages.addWidget(workspace)
        return self.workspaces[name]

    def show_panel(self, name: str) -> None:
        """Show a panel's workspace and bring it to the front there."""
        workspace = next(spec.workspace for spec in PANELS if spec.name == name)
        self.show_workspace(workspace)
        self.workspaces[workspace].show_panel(name)

    def _desk(self) -> CatalogueDesk:
        return CatalogueDesk.of(self.session, self.context, self.bridge)

    def update_catalogues(self) -> None:
        """Fetch anew what can be fetched, and show how far it is."""
        self.show_panel("catalogues")
        self._desk().update_all()

    def import_catalogue(self) -> None:
        self.show_panel("catalogues")
        self._find_panel("catalogues").ask_import()

    def _find_panel(self, name: str) -> Any:
        return self.workspaces["find"].panels[name]

    def open_sample(self) -> None:
        self.show_workspace("find")
        self._find_panel("association").ask_sample()

    def work_offline(self, offline: bool) -> None:
        self._desk().set_offline(offline)

    def _update_offline_action(self) -> None:
        self.actions_by_name["work_offline"].setChecked(self._desk().offline)

    def build_ahead(self) -> None:
        """Make the other workspaces' panels while nothing else is to do, so that showing them takes no time.

        Their modules are imported and the catalogues read on a pool thread first; after that each panel is one short turn of
        the event loop.
        """
        modules = sorted({spec.target.partition(":")[0] for spec in PANELS})

        def import_all() -> None:
            for module in modules:
                import_module(module)

        def read_catalogues() -> None:
            for spec in self.session.missions():
                _ = self.session.catalogue(spec.name).vectors  # the sky needs them

        def failed(error: DaxaError) -> None:
            self._show_error(error)
            self._build_next()

        def imported(_nothing: object) -> None:
            self.context.background.read(self, "read catalogues", read_catalogues, lambda _: self._build_next(), failed)

        self.context.background.read(self, "import panels", import_all, imported)

    def _build_next(self) -> None:
        if any(self._workspace(name).build_one() for name in WORKSPACES):
            QTimer.singleShot(10, self, self._build_next)
        else:
            self.built.emit()

    def new_search(self) -> None:
        self.context.set_stack(FilterStack())
        self.show_workspace("find")

    def start_practice(self) -> None:
        self.session.start_practice()
        self.context.apply_filters_soon()
        self.status_line.refresh()
        self.show_workspace("find")

    def choose_archive(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Open archive", str(self.session.archives_folder()))
        if folder:
            self.open_archive(folder)

    def open_archive(self, folder: str, show: str = "archive") -> None:
        """Open an archive and then show a workspace (none if `show` is empty)."""

        def opened(_summary: object) -> None:
            if show:
                self.show_workspace(show)

        self.context.background.act(self, "Open archive", lambda: self.session.open_archive(folder), opened, self._show_error)

    def _archive_desk(self) -> ArchiveDesk:
        return ArchiveDesk.of(self.session, self.context, self.bridge)

    def do_with_archive(self, what: str) -> None:
        getattr(self._archive_desk(), what)()

    def open_daxa_archive(self) -> None:
        if folder := self._archive_desk().ask_daxa_folder("Open an archive of DAXA: choose the folder with .save_info in it"):
            self.open_archive(folder)

    def check_archive(self) -> None:
        self.show_panel("upkeep")
        upkeep: Any = self.workspaces["archive"].panels["upkeep"]
        upkeep.show_check()

    def open_daxa_selection(self) -> None:
        self._daxa_files.ask_open()
        self.show_workspace("find")

    def save_daxa_selection(self) -> None:
        self._daxa_files.ask_save()

    def choose_file(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open an event list or image", "",
            "FITS files (*.fits *.fit *.fts *.evt *.img *.FIT *.FTZ *.ds *.gz);;All files (*)",
        )  # fmt: skip
        if path:
            self.open_file(path)

    def open_file(self, path: str) -> None:
        self.show_workspace("inspect")
        self.context.file_opened.emit(path)

    def undo(self) -> None:
        self.context.undo()

    def redo(self) -> None:
        self.context.redo()

    def choose_theme(self, name: str) -> None:
        self.use_theme(name)
        self._remember(theme=name)

    def use_theme(self, name: str) -> None:
        theme = chosen_theme(name)
        apply_theme(self._application, theme)
        self._rail.set_theme(theme)
        self.context.set_theme(theme)

    def choose_coordinates(self, style: str) -> None:
        self.context.set_coordinates(style)
        self._remember(coordinates=style)

    def _remember(self, **values: Any) -> None:
        """Change settings; a disk that cannot be written is no reason not to use them."""
        try:
            self.session.change_settings(changed(self.session.settings, **values))
        except OSError as error:
            notice = Notice(
                "warning", f"The settings could not be saved: {error.strerror}.", "They hold until the window is closed."
            )
            self.notice_bar.show_notice(notice)

    def show_settings(self, group: str = "") -> None:
        """The dialog of all settings, at one of its groups."""
        from daxa_gui.gui.widgets.settings_dialog import SettingsDialog

        dialog = SettingsDialog(self.session, self.context, self, group=group)
        dialog.applied.connect(self._on_settings_applied)
        dialog.open()

    def _on_settings_applied(self, names: frozenset[str]) -> None:
        """Some of them are about what is on the screen, and have a menu entry too."""
        settings = self.session.settings
        if "theme" in names:
            self.use_theme(settings.theme)
            self.actions_by_name[f"theme_{settings.theme}"].setChecked(True)
        if "coordinates" in names:
            self.context.set_coordinates(settings.coordinates)
            self.actions_by_name[settings.coordinates].setChecked(True)
        if "work_offline" in names:
            self._desk().set_offline(settings.work_offline)

    def show_credentials(self, service: str = "") -> None:
        """Names and passwords, of one service or of all."""
        from daxa_gui.gui.widgets.credentials_dialog import CredentialsDialog

        CredentialsDialog(self.session, service, self).open()

    def reset_layout(self) -> None:
        page = self.pages.currentWidget()
        if isinstance(page, Workspace):
            page.arrange()

    def show_shortcuts(self) -> None:
        show_shortcuts(self)

    def show_about(self) -> None:
        show_about(self)

    # what happens

    def _docks(self) -> list[QDockWidget]:
        """Of the workspace that is shown."""
        page = self.pages.currentWidget()
        return page.docks() if isinstance(page, Workspace) else []

    def _update_undo(self) -> None:
        self.actions_by_name["undo"].setEnabled(self.context.history.can_undo)
        self.actions_by_name["redo"].setEnabled(self.context.history.can_redo)

    def _on_notice(self, notice: Notice) -> None:
        if notice.level == "information":
            self.status_line.showMessage(notice.message, 8000)
        else:
            self.notice_bar.show_notice(notice)

    def _show_error(self, error: DaxaError) -> None:
        self.notice_bar.show_notice(Notice("error", error.message, error.hint, error.details))

    def _on_archive_changed(self, path: str) -> None:
        archive = self.session.archive
        self.setWindowTitle(f"{archive.name} – DAXA GUI" if archive else "DAXA GUI")
        self.context.set_product(None)  # it belongs to the archive that was open before
        if path:
            self._remember(last_archive=path)

    # the end

    def _restore_geometry(self) -> None:
        saved = self._state.value("geometry") if self._state is not None else None
        if saved is None or not self.restoreGeometry(saved):
            self.resize(1440, 900)

    def closeEvent(self, event: QCloseEvent) -> None:
        event.accept()
        if self._closed:
            return
        self._closed = True
        if self._state is not None:
            self._state.setValue("geometry", self.saveGeometry())
            for name, workspace in self.workspaces.items():
                if (state := workspace.state()) is not None:
                    self._state.setValue(f"layout/{name}", state)
            self._state.sync()
        self._memory.save()
        self.hide()  # stopping what runs may take a moment
        self.bridge.stop()
        self.context.background.close()
        self.session.close()
