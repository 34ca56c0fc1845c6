"""What panels about the open archive have in common: they read in the background, again when something changed, and only while
they are in sight; a line says why the archive cannot be changed."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLayout, QPushButton, QSplitter, QVBoxLayout, QWidget

from daxa_gui.core.errors import DaxaError
from daxa_gui.gui.abstract import require_methods
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.read_only_line import ReadOnlyLine
from daxa_gui.session import Session

_PAUSE_MS = 1000
_LONGEST_PAUSE_MS = 30_000


class ArchivePanel(QWidget):
    """A panel says what it asks (`_question`), shows the answer, forgets it when another archive is opened (`_clear`), and tells
    in `_update` what its lines say and its buttons can do. It connects `_note` to the events after which it has to look again.

    Parameters
    ----------
    name : the first word of the names of its parts.
    seldom : for what changes with every job: there is a pause before it looks again, a longer one where looking takes long, and
        never two looks at once.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        require_methods(cls)

    def __init__(
        self, name: str, session: Session, context: Context, bridge: Bridge, parent: QWidget | None, *, seldom: bool = False
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._session = session
        self._context = context
        self._outdated = True
        self._reading = False
        self._seldom = seldom
        self._asked_at = 0.0
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._read)
        self.read_only = ReadOnlyLine(f"{name}ReadOnly", self)
        bridge.archive_changed.connect(self._on_archive_changed)

    @abstractmethod
    def _question(self) -> Callable[[], Any]:
        """What is to be read of the archive, as a function for a pool thread."""

    @abstractmethod
    def _show(self, answer: Any) -> None:
        """Show what was read, and update."""

    @abstractmethod
    def _clear(self, path: str) -> None:
        """Another archive is open (none if the path is empty)."""

    @abstractmethod
    def _update(self) -> None:
        """The lines and buttons, from what is known."""

    def sizeHint(self) -> QSize:
        return QSize(700, 260)

    # ---- what it is made of

    def _button(self, name: str, text: str, tip: str, slot: Callable[[], object]) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(name)
        button.setToolTip(tip)
        button.clicked.connect(lambda _checked=False: slot())
        return button

    def _state_line(self, name: str) -> ElidedLabel:
        label = ElidedLabel(self)
        label.setObjectName(name)
        as_muted(label)
        return label

    def _row(self, *widgets: QWidget, wide: tuple[QWidget, ...]) -> QHBoxLayout:
        """Side by side; those that are `wide` share the room that is left."""
        row = QHBoxLayout()
        for widget in widgets:
            row.addWidget(widget, 1 if widget in wide else 0)
        return row

    def _split(self, left: QWidget, right: QWidget, shares: tuple[int, int] = (3, 2)) -> QSplitter:
        splitter = QSplitter(Qt.Orientation.Horizontal, self)
        splitter.setChildrenCollapsible(False)
        for place, (widget, share) in enumerate(zip((left, right), shares, strict=True)):
            splitter.addWidget(widget)
            splitter.setStretchFactor(place, share)
        return splitter

    def _stack_up(self, *parts: QWidget | QLayout) -> None:
        """From top to bottom; the last one has the room that is left."""
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 4, 8, 8)
        for part in parts:
            stretch = 1 if part is parts[-1] else 0
            if isinstance(part, QLayout):
                column.addLayout(part, stretch)
            else:
                column.addWidget(part, stretch)

    @property
    def _can_change(self) -> bool:
        archive = self._session.archive
        return archive is not None and not archive.read_only

    # ---- reading

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._outdated:
            self._read()

    def _on_archive_changed(self, path: str) -> None:
        self._forget()
        self._clear(path)
        self._outdated = True
        if self.isVisible():
            self._read()
        self._update()

    def _forget(self) -> None:
        """The answer that is being looked for is not wanted any more."""
        self._context.background.forget(self, self._name)
        self._reading = False

    def _note(self) -> None:
        """Something changed: look again, now or as soon as the panel is in sight."""
        self._outdated = True
        if self.isVisible():
            if not self._seldom:
                self._read()
            elif not self._pause.isActive():
                self._pause.start()

    def _read(self) -> None:
        if self._session.archive is None:
            self._outdated = False
        elif self._reading and self._seldom:
            self._note()
            return
        else:
            self._outdated, self._reading = False, True
            self._asked_at = time.monotonic()
            self._context.background.read(self, self._name, self._question(), self._on_answered, self._on_unanswered)
        self._update()

    def _on_answered(self, answer: Any) -> None:
        """Large archives are read less often, so that looking takes no time from the work that is looked at."""
        self._reading = False
        took_ms = int(1000 * (time.monotonic() - self._asked_at))
        self._pause.setInterval(min(max(_PAUSE_MS, 10 * took_ms), _LONGEST_PAUSE_MS))
        self._show(answer)

    def _on_unanswered(self, error: DaxaError) -> None:
        self._reading = False
        self._on_error(error)

    def _on_error(self, error: DaxaError) -> None:
        if self._session.archive is not None:  # otherwise it was closed in between, which is no failure
            self._context.background.failed.emit(error)
        self._update()
