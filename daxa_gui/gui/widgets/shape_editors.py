"""Editors of filters with a shape: a polygon that is typed, and the shapes of region and coverage files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QPushButton, QWidget

from daxa_gui.core.errors import DaxaError, FileError, InputError
from daxa_gui.core.filters import Filter, Moc, Polygon
from daxa_gui.core.healpix import N_CELLS
from daxa_gui.core.sky import parse_position
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import as_sentence, typed_position
from daxa_gui.gui.widgets.base_editor import FilterEditor, Looking, entry_line, entry_text, label_before, labelled
from daxa_gui.gui.widgets.form import muted_label

_PAUSE_MS = 400  # in the typing of a path, before the file is read
_SKY_DEG2 = 41252.96125


class PolygonEditor(FilterEditor):
    """Corners, one a line, joined by great circles in their order."""

    title = "Polygon on the sky"

    def __init__(self, style: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._style = style
        self._kept: tuple[str, Filter] | None = None
        tip = "One corner a line, in any notation of positions; the last one is joined to the first"
        self.text = entry_text(
            self, "corners", "Corners, one a line", tip, "10 40 00 -12 00 00\n10 44 00 -12 00 00\n10 42 00 -13 00 00"
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        labelled(grid, 0, "Cor&ners (ICRS)", self.text)
        note = "Corners are joined by great circles, the last one to the first; the smaller side of the sky is inside."
        grid.addWidget(muted_label(note, self), 1, 1)
        grid.setRowStretch(0, 1)
        self.setFocusProxy(self.text)

    def filter(self) -> Filter:
        text = self.text.toPlainText()
        if self._kept is not None and self._kept[0] == text:
            return self._kept[1]  # untouched: not rounded by having been written
        corners = []
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    position = parse_position(line)
                except InputError as error:
                    raise InputError(f"Line {number}: {error.message}", error.hint) from None
                corners.append((position.ra_deg, position.dec_deg))
        if len(corners) < 3:
            raise InputError("A polygon needs at least three corners, one a line.")
        return Polygon(tuple(corners))

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Polygon)
        self.text.setPlainText("\n".join(typed_position(ra, dec, self._style) for ra, dec in item.vertices))
        self._kept = (self.text.toPlainText(), item)


class FileEditor(FilterEditor):
    """A filter that a file holds. It is read in the background; a filter that is changed keeps its shapes until another file
    is chosen."""

    def __init__(
        self, context: Context, read: Callable[[Path], Filter], *, title: str, what: str, patterns: str, note: str,
        parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.title = title
        self._context, self._reader, self._what, self._patterns = context, read, what, patterns
        self._kept: Filter | None = None
        self._answer: tuple[str, Filter | DaxaError] | None = None  # path and what came of it
        self._asked = ""
        self.path = entry_line(self, "filterFile", f"Path of the {what}", f"The {what}; it is read now, and kept with the filter")
        self.browse = QPushButton("Cho&ose…", self)
        self.browse.setObjectName("filterFileChoose")
        self.browse.setToolTip(f"Choose a {what}")
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._on_browse)
        self.told = muted_label("", self)
        self.told.setObjectName("filterFileTold")
        row = QHBoxLayout()
        row.addWidget(self.path, 1)
        row.addWidget(self.browse)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        label_before(grid, 0, "&File", self.path)
        grid.addLayout(row, 0, 1)
        grid.addWidget(self.told, 1, 1)
        grid.addWidget(muted_label(note, self), 2, 1)
        grid.setRowStretch(3, 1)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        self.setFocusProxy(self.path)

    def filter(self) -> Filter:
        path = self.path.text().strip()
        if not path:
            if self._kept is None:
                raise InputError(f"Choose a {self._what}.")
            self.told.setText(describe(self._kept))
            return self._kept
        if self._answer is None or self._answer[0] != path:
            self.told.setText("")
            if path != self._asked:
                self._asked = path
                self._pause.start()
            raise Looking(f"Reading « {Path(path).name} » …")
        answer = self._answer[1]
        if isinstance(answer, DaxaError):
            self.told.setText("")
            raise answer
        self.told.setText(describe(answer))
        return answer

    def set_filter(self, item: Filter) -> None:
        self._kept = item
        self.path.setPlaceholderText("Choose another file to replace what is here")
        self.told.setText(describe(item))

    def _ask(self) -> None:
        path = self._asked
        self._context.background.read(
            self,
            "file",
            lambda: self._reader(Path(path).expanduser()),
            lambda item: self._on_answer(path, item),
            lambda error: self._on_answer(path, error),
        )

    def _on_answer(self, path: str, answer: Filter | DaxaError) -> None:
        self._asked = ""  # so that a path that is typed again is read again
        self._answer = (path, answer)
        self.answered.emit()
        if isinstance(answer, FileError):
            self._answer = None

    def _on_browse(self) -> None:
        here = self.path.text().strip() or str(Path.home())
        path, _ = QFileDialog.getOpenFileName(self, self.title, here, self._patterns)
        if path:
            self._answer, self._asked = None, ""
            self.path.setText(path)
            self.changed.emit()

    def hurry(self) -> None:
        if self._pause.isActive():
            self._pause.stop()
            self._ask()

    def stop(self) -> None:
        self._pause.stop()


def describe(item: Filter) -> str:
    """What a file brought, in a sentence."""
    sentence = as_sentence(item.sentence())
    if isinstance(item, Moc):
        area = sum(stop - start for start, stop in item.ranges) / N_CELLS * _SKY_DEG2
        return f"{sentence}: {area:.4g} square degrees."
    return f"{sentence}."
