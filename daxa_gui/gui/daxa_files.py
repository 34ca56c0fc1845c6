"""DAXA's mission save files in the window: recorded operations become filters; what filters leave can be handed to DAXA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.core.events import Notice
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import counted
from daxa_gui.session import Session

_FILES = "Save files of DAXA (*.json);;All files (*)"


class DaxaFiles(QObject):
    """Files are read and written in the background, because names in them may have to be looked up."""

    def __init__(self, session: Session, context: Context, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._context = context
        self._window = window

    def ask_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self._window, "Open a selection of DAXA", "", _FILES)
        if path:
            self.open(Path(path))

    def open(self, path: Path) -> None:
        """Add the filters of a save file, for its mission only; the filters that are there stay and can be had back by undo."""

        def done(state: Any) -> None:
            stack = self._context.stack
            for row in state.stack.rows:
                stack = stack.add(row.filter, (state.mission,))
                if not row.enabled:
                    stack = stack.toggle(stack.rows[-1].id, False)
            self._context.set_stack(stack)
            label = self._session.mission_labels()[state.mission]
            number = counted(len(state.obs_ids), "observation", "observations")
            what = f"The filters of {path.name} were added ({number} of {label} were selected there)."
            self._tell("warning" if state.notes else "information", what, state.notes)

        self._context.background.read(self, "open", lambda: self._session.read_daxa_state(path), done, self._on_error)

    def ask_save(self) -> None:
        """A save file holds one mission: ask which, of those of which anything is left, and where."""
        labels = self._session.mission_labels()
        left = {labels[name]: name for name, found in self._context.results.items() if found.selected}
        if not left:
            self._tell("warning", "No observation passes the filters: there is nothing to save for DAXA.", ())
            return
        label, chosen = QInputDialog.getItem(
            self._window, "Save a selection for DAXA", "A save file of DAXA holds one mission:", list(left), 0, False
        )
        if not chosen:
            return
        suggested = f"{left[label]}_state.json"
        path, _ = QFileDialog.getSaveFileName(self._window, "Save a selection for DAXA", suggested, _FILES)
        if path:
            self.save(left[label], Path(path))

    def save(self, mission: str, path: Path) -> None:
        stack = self._context.stack

        def done(remarks: tuple[str, ...]) -> None:
            self._tell("information", f"{path} was written; DAXA loads it as the save file of a mission.", remarks)

        self._context.background.act(
            self, "save", lambda: self._session.write_daxa_state(mission, stack, path), done, self._on_error
        )

    def _tell(self, level: str, message: str, remarks: tuple[str, ...]) -> None:
        self._session.bus.publish(Notice(level, message, remarks[0] if remarks else "", "\n".join(remarks[1:])))

    def _on_error(self, error: DaxaError) -> None:
        self._session.bus.publish(Notice("error", error.message, error.hint))
