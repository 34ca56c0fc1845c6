"""The filters of the last time: written when the window is closed, and there again at the next start."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QObject

from daxa_gui.core.errors import DaxaError, FileError, InputError
from daxa_gui.core.events import Notice
from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.gui.context import Context
from daxa_gui.session import Session

FORM = 1  # of the file; one of another form is not read


def read_search(path: Path) -> FilterStack:
    """The filters in a file of `write_search`; none if there is no file.

    Raises
    ------
    FileError : the file cannot be read, or is not of that form.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return FilterStack()
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(document, dict) or document.get("form") != FORM:
        raise _unreadable(path, "it is not of the form that this version writes")
    try:
        return FilterStack.from_json(document.get("filters"))
    except InputError as error:
        raise _unreadable(path, error.message) from None


def write_search(path: Path, stack: FilterStack) -> None:
    """Replace the file; raises OSError if that is not possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps({"form": FORM, "filters": stack.to_json()}, ensure_ascii=False), encoding="utf-8")
    part.replace(path)


def _unreadable(path: Path, why: str) -> FileError:
    return FileError(f"The filters of the last time could not be read from {path}: {why}.", "The search begins without filters.")


class SearchMemory(QObject):
    """Practising is left out of it: the practice sky has other things on it than the filters of real work ask for."""

    def __init__(self, session: Session, context: Context, path: Path | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._path = path
        self._settled = path is None  # nothing is written over a file that was not read yet

    def restore(self) -> None:
        """Bring the filters back in the background, unless others were chosen meanwhile."""
        path = self._path
        if path is None or self._session.practice:
            return
        self._context.background.read(self, "last search", lambda: read_search(path), self._on_read, self._on_error)

    def _on_read(self, stack: FilterStack) -> None:
        self._settled = True
        if not self._session.practice and not self._context.history.can_undo:
            self._context.begin_with(stack)

    def _on_error(self, error: DaxaError) -> None:
        self._settled = True
        self._session.bus.publish(Notice("warning", error.message, error.hint))

    def save(self) -> None:
        if self._path is None or self._session.practice or not (self._settled or self._context.history.can_undo):
            return
        try:
            write_search(self._path, self._context.stack)
        except OSError as error:
            self._session.bus.publish(Notice("warning", f"The filters could not be kept for the next time: {error.strerror}."))
