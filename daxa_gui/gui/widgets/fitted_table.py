"""A table that never scrolls sideways: long texts wrap, and columns that are told elsewhere too go where there is no room."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from daxa_gui.gui.context import Context
from daxa_gui.gui.models.records import RecordColumn
from daxa_gui.gui.widgets.record_table import RecordTable

_BESIDE_PX = 12  # room beside the text of a cell


class FittedTable(RecordTable):
    """Columns have the width of their contents, those of sentences share what is left.

    Parameters
    ----------
    wide : numbers of the columns of sentences.
    droppable : numbers of columns that are left out where a sentence had less than `least` characters, the first of them first.
    lines : of text in a row; longer sentences end with « … », their tool tips have all of them.
    """

    def __init__(
        self,
        name: str,
        title: str,
        columns: Sequence[RecordColumn],
        context: Context,
        parent: QWidget | None = None,
        *,
        wide: Sequence[int],
        droppable: Sequence[int] = (),
        least: int = 30,
        lines: int = 1,
    ) -> None:
        self._wide, self._droppable, self._least = frozenset(wide), tuple(droppable), least
        self._widths: list[int] = []
        super().__init__(name, title, columns, context, parent)
        self.horizontalHeader().setStretchLastSection(False)
        self.setWordWrap(lines > 1)
        self.verticalHeader().setDefaultSectionSize(lines * self.fontMetrics().height() + 7)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _fit_columns(self) -> None:
        for number in range(len(self.records_model.columns)):
            self.setColumnHidden(number, False)  # a hidden one has no width
        self.resizeColumnsToContents()
        self._widths = [self.columnWidth(number) + _BESIDE_PX for number in range(len(self.records_model.columns))]
        self._share_room()

    def _share_room(self) -> None:
        least_px = self._least * self.fontMetrics().averageCharWidth()
        needed = {number: least_px if number in self._wide else width for number, width in enumerate(self._widths)}
        room = self.viewport().width()
        for number in self._droppable:
            if sum(needed.values()) <= room:
                break
            del needed[number]
        sentences = [number for number in needed if number in self._wide] or [*needed][-1:]
        left = room - sum(width for number, width in needed.items() if number not in sentences)
        for number in range(len(self._widths)):
            self.setColumnHidden(number, number not in needed)
            if number in needed:
                self.setColumnWidth(number, max(left // len(sentences), 1) if number in sentences else needed[number])
