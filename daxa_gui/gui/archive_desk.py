"""What the menu « Archive » and the panels do with archives: DAXA's, updates, choices, raw data, folders. One per window."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QAction, QDesktopServices
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from daxa_gui.core.archive_queries import RawDataUse
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.texts import counted, unbroken
from daxa_gui.session import Session

Key = tuple[str, str]  # mission, ObsID
# Menu entries that need an open archive, and those that need one that can be changed.
_OF_OPEN = ("check_archive", "show_archive_folder")
_OF_CHANGEABLE = ("update_archive", "change_choice", "write_daxa_files")


def use_sentence(use: RawDataUse) -> str:
    """« 12.3 GB in 1 234 files of 54 observations; also used by « a » and « b ». »"""
    if not use.observations:
        return "There are no raw data of this archive's observations on the disk."
    text = f"{format_bytes(use.size_bytes)} in {counted(use.n_files, 'file', 'files')} of"
    text += f" {counted(len(use.observations), 'observation', 'observations')}"
    if use.other_archives:
        names = ", ".join(f"« {name} »" for name in use.other_archives)
        text += f"; also used by {names}"
    return unbroken(f"{text}.")


def joined(uses: Sequence[RawDataUse]) -> RawDataUse:
    """Several amounts as one."""
    return RawDataUse(
        tuple(key for use in uses for key in use.observations),
        sum(use.n_files for use in uses),
        sum(use.size_bytes for use in uses),
        tuple(sorted({name for use in uses for name in use.other_archives})),
    )


class ArchiveDesk(QObject):
    """Panels ask for it with `of`; the window gives it the menu's actions with `take_actions`."""

    def __init__(self, session: Session, context: Context, bridge: Bridge) -> None:
        super().__init__(context)
        self._session = session
        self._context = context
        self._actions: dict[str, QAction] = {}
        bridge.archive_changed.connect(lambda _path: self.update_actions())

    @classmethod
    def of(cls, session: Session, context: Context, bridge: Bridge) -> ArchiveDesk:
        """The one of this window; made when the first part asks."""
        existing = context.findChild(cls)
        return existing if existing is not None else cls(session, context, bridge)

    @property
    def _window(self) -> QWidget:
        window = self._context.parent()
        assert isinstance(window, QWidget)
        return window

    # ---- the menu

    def take_actions(self, actions: dict[str, QAction]) -> None:
        self._actions = actions
        self.update_actions()

    def update_actions(self) -> None:
        """What can be done with the archive that is open (or not)."""
        archive = self._session.archive
        for name in _OF_OPEN:
            self._actions[name].setEnabled(archive is not None)
        for name in _OF_CHANGEABLE:
            self._actions[name].setEnabled(archive is not None and not archive.read_only)

    # ---- archives of the DAXA package

    def ask_daxa_folder(self, title: str) -> str:
        return QFileDialog.getExistingDirectory(self._window, title)

    def ask_convert(self) -> None:
        """Convert the open archive if it is one of DAXA's, else one that is chosen."""
        archive = self._session.archive
        if archive is not None and self._session.is_daxa_archive(archive.path):
            self.convert(archive.path)
        elif folder := self.ask_daxa_folder("Convert an archive of DAXA: choose the folder with .save_info in it"):
            self.convert(folder)

    def convert(self, folder: str) -> None:
        from daxa_gui.gui.widgets.convert_archive import ConvertArchiveDialog

        dialog = ConvertArchiveDialog(self._session, Path(folder), self._window)
        dialog.accepted.connect(lambda: self._context.show_workspace("archive"))
        dialog.open()

    def write_daxa_files(self) -> None:
        def written(paths: list[Path]) -> None:
            sentence = "There was nothing to write for DAXA."
            if paths:
                sentence = f"{counted(len(paths), 'file', 'files')} for DAXA were written; it can open the archive now."
            self._session.bus.publish(Notice("information", sentence))

        self._act("Write files for DAXA", self._session.write_daxa_files, written)

    # ---- changing what the archive holds

    def ask_update(self) -> None:
        from daxa_gui.gui.widgets.update_archive import UpdateArchiveDialog

        UpdateArchiveDialog(self._session, self._context, self._window).open()

    def ask_choice(self, mission: str = "") -> None:
        """Other instruments or kinds of files, of one mission or of all."""
        from daxa_gui.gui.widgets.change_choice import ChangeChoiceDialog

        def read(observations: Any) -> None:
            chosen = [about for about in observations if mission in ("", about.mission)]
            if chosen:
                ChangeChoiceDialog(self._session, self._context, chosen, self._window).open()

        self._context.background.read(self, "choice", self._session.observations, read)

    # ---- raw data

    def ask_delete_raw(self, observations: Sequence[Key] = ()) -> None:
        """Say how much it is, then move raw data to the trash: of these observations, or of all."""
        parts = _by_mission(observations)
        session = self._session
        self._context.background.read(
            self,
            "raw data",
            lambda: joined([session.raw_data_use(mission, obs_ids) for mission, obs_ids in parts]),
            lambda use: self._ask_about(parts, use, len(observations)),
        )

    def _ask_about(self, parts: list[tuple[str, tuple[str, ...]]], use: RawDataUse, n_chosen: int) -> None:
        if not use.observations:
            self._session.bus.publish(Notice("warning", "There are no raw data to delete.", "They may have been deleted before."))
            return
        more = "They go to the trash of this archive and can be put back until it is emptied. Products stay."
        if n_chosen > len(use.observations):
            n_without = n_chosen - len(use.observations)
            more += f" {counted(n_without, 'chosen observation has', 'chosen observations have')} none."
        if use.other_archives:
            more += " The other archives would have to fetch them again."
        shared = bool(use.other_archives)

        def delete() -> None:
            self._act(
                "Delete raw data",
                lambda: [self._session.delete_raw_data(mission, ids, shared=shared) for mission, ids in parts],
            )

        self.ask("Delete raw data", f"Delete {use_sentence(use)[:-1]}?", more, "Delete raw data", delete)

    def ask_doctor(self) -> None:
        """Whether everything is here that steps need: of the open archive's missions, or of all."""
        from daxa_gui.gui.widgets.doctor_dialog import DoctorDialog

        session = self._session
        dialog = DoctorDialog(
            "Doctor", lambda progress, cancelled: session.doctor((), progress, cancelled), self._context, self._window
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # ---- asking, doing, showing

    def ask(self, title: str, text: str, more: str, button: str, do: Callable[[], None]) -> None:
        """A question with the careful answer as its default; the window behind goes on meanwhile."""
        box = QMessageBox(QMessageBox.Icon.Warning, title, text, parent=self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setObjectName("archiveQuestion")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setInformativeText(more)
        go = box.addButton(button, QMessageBox.ButtonRole.AcceptRole)
        go.setObjectName("archiveQuestionGo")
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.buttonClicked.connect(lambda clicked: do() if clicked is go else None)
        box.open()

    def _act(self, name: str, function: Callable[[], Any], on_done: Callable[[Any], None] | None = None) -> None:
        self._context.background.act(self, name, function, on_done)

    def show_folder_of(self, key: Key, *, raw: bool = False) -> None:
        """The folder of an observation's data in the desktop's file manager."""

        def found(facts: Any) -> None:
            self.show_folder(facts.raw_path if raw else facts.data_path)

        self._context.background.read(self, "folder", functools.partial(self._session.observation_facts, *key), found)

    def show_archive_folder(self) -> None:
        if (archive := self._session.archive) is not None:
            self.show_folder(archive.path)

    def show_folder(self, path: str) -> None:
        problem: DaxaError | None = None
        if not Path(path).is_dir():
            problem = DaxaError(f"There is no folder {path}.", "Nothing has been put into it yet, or it was deleted.")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(path)):
            problem = DaxaError("No file manager could be started.", f"The folder is {path}.")
        if problem is not None:
            self._context.background.failed.emit(problem)


def _by_mission(observations: Sequence[Key]) -> list[tuple[str, tuple[str, ...]]]:
    """(mission, ObsIDs) as the session takes them; without observations everything at once."""
    missions: dict[str, list[str]] = {}
    for mission, obs_id in observations:
        missions.setdefault(mission, []).append(obs_id)
    return [(mission, tuple(ids)) for mission, ids in missions.items()] or [("", ())]
