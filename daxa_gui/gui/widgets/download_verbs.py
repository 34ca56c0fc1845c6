"""What can be done with downloads: pause, resume, retry and cancel as buttons, keys and entries of a menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from daxa_gui.gui.models.download_columns import CAN_CANCEL, CAN_PAUSE, CAN_RESUME, CAN_RETRY
from daxa_gui.gui.texts import counted
from daxa_gui.gui.widgets.download_texts import states_sentence
from daxa_gui.gui.widgets.downloads_view import DownloadsView
from daxa_gui.gui.widgets.flow import FlowLayout


@dataclass(frozen=True)
class Verb:
    """`allowed` says for each state (by its code) whether the verb means anything to a file in it."""

    name: str
    text: str
    key: str
    help: str
    allowed: NDArray[np.bool_]


VERBS = (
    Verb("pause", "Pa&use", "Ctrl+P", "Stop for now; what is here of a file is kept", CAN_PAUSE),
    Verb("resume", "Resu&me", "Ctrl+G", "Go on with what was paused", CAN_RESUME),
    Verb("retry", "Re&try", "Ctrl+R", "Fetch again what failed or was cancelled", CAN_RETRY),
    Verb("cancel", "Ca&ncel", "Delete", "Give up what is not finished; « Retry » takes it up again", CAN_CANCEL),
)
_MENU = ("pause", "resume", "retry", "cancel", None, "log", "copy", None, "expand", "collapse")  # None: a line


class DownloadVerbs(QWidget):
    """The four buttons. Keys work while the view has the focus.

    Parameters
    ----------
    slots : what to do, by the name of the verb.
    show_log : shows the log of the current file.
    """

    def __init__(
        self, view: DownloadsView, slots: Mapping[str, Callable[[], None]], show_log: Callable[[], None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._view = view
        self.actions_by_name: dict[str, QAction] = {}
        self.buttons: dict[str, QPushButton] = {}
        row = FlowLayout(self)
        for verb in VERBS:
            action = self._add(verb.name, verb.text.replace("&", ""), verb.key, slots[verb.name])
            button = self.buttons[verb.name] = QPushButton(verb.text, self)
            button.setObjectName(f"{verb.name}Downloads")
            button.clicked.connect(lambda _checked=False, action=action: action.trigger())
            row.addWidget(button)
        self._add("log", "Show the log", "Return", show_log)
        self._add("copy", "Copy", "Ctrl+C", view.copy)
        self._add("expand", "Open all", "", view.open_what_is_found)
        self._add("collapse", "Close all", "", view.collapse_all)
        self._add("nothing", "Select nothing", "Escape", view.clearSelection)

    def _add(self, name: str, text: str, key: str, slot: Callable[[], None]) -> QAction:
        action = self.actions_by_name[name] = QAction(text, self._view)
        action.setObjectName(f"downloads_{name}")
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _checked=False: slot())
        self._view.addAction(action)
        return action

    def refresh(self, counts: NDArray[np.int64], which: str, locked: str) -> None:
        """`counts` of the chosen files by state, `which` they are in a word, and why nothing can be done (empty: it can)."""
        for verb in VERBS:
            mine = np.where(verb.allowed, counts, 0)
            n = 0 if locked else int(mine.sum())
            action, button = self.actions_by_name[verb.name], self.buttons[verb.name]
            action.setEnabled(n > 0)
            button.setEnabled(n > 0)
            about = f" ({counted(n, 'file', 'files')}, {which}: {states_sentence(mine.tolist())})" if n else ""
            button.setToolTip(f"{verb.help}{about}. {locked or action.shortcut().toString()}")

    def menu(self, is_file: bool) -> QMenu:
        """The menu of the selected rows; `is_file`: one file is the current one."""
        self.actions_by_name["log"].setEnabled(is_file)
        self.actions_by_name["copy"].setEnabled(self._view.has_selection)
        menu = self._view.menu([self.actions_by_name[name] if name else None for name in _MENU])
        menu.aboutToHide.connect(lambda: self.actions_by_name["log"].setEnabled(True))  # its key opens groups too
        return menu
