"""What every editor of a filter can do, and the small parts that editors are made of."""

from __future__ import annotations

from abc import abstractmethod

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QPlainTextEdit, QSizePolicy, QWidget

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Filter
from daxa_gui.gui.abstract import require_methods
from daxa_gui.gui.widgets.form import muted_label


class Looking(InputError):
    """An entry cannot be judged yet: its answer is being looked for in the background. The sentence says what is looked for."""


class FilterEditor(QWidget):
    """`filter()` raises InputError (or another DaxaError) with a sentence while the entries mean nothing, and `Looking` while
    a name or a file is being looked up; `answered` is emitted when that has come to an end."""

    changed = Signal()  # a person changed an entry
    answered = Signal()  # what was looked for is known
    title = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        require_methods(cls)

    @abstractmethod
    def filter(self) -> Filter:
        """The filter that the entries mean."""

    @abstractmethod
    def set_filter(self, item: Filter) -> None:
        """Enter what a filter says."""

    def hurry(self) -> None:
        """Look at once for what is missing, without waiting for a pause in the typing."""

    def stop(self) -> None:
        """The dialog is closed: no answer is wanted any more."""


def entry_line(owner: FilterEditor, name: str, label: str, tip: str, placeholder: str = "") -> QLineEdit:
    edit = QLineEdit(owner)
    edit.setObjectName(name)
    edit.setAccessibleName(label)
    edit.setToolTip(tip)
    edit.setPlaceholderText(placeholder)
    edit.textChanged.connect(lambda _text: owner.changed.emit())
    return edit


def entry_text(owner: FilterEditor, name: str, label: str, tip: str, placeholder: str = "") -> QPlainTextEdit:
    """Several lines; Tab leaves it."""
    edit = QPlainTextEdit(owner)
    edit.setObjectName(name)
    edit.setAccessibleName(label)
    edit.setToolTip(tip)
    edit.setPlaceholderText(placeholder)
    edit.setTabChangesFocus(True)
    edit.textChanged.connect(owner.changed)
    return edit


def choice_box(owner: QWidget, name: str, label: str, tip: str, choices: tuple[tuple[str, object], ...]) -> QComboBox:
    """A combo box of (text, value)."""
    box = QComboBox(owner)
    box.setObjectName(name)
    box.setAccessibleName(label)
    box.setToolTip(tip)
    for text, value in choices:
        box.addItem(text, value)
    return box


def label_before(grid: QGridLayout, row: int, text: str, widget: QWidget, *, tall: bool = False) -> QLabel:
    """A label for a widget that stands in its row already; where that is `tall`, beside its first line."""
    label = QLabel(text)
    label.setBuddy(widget)
    if tall:
        label.setContentsMargins(0, 4, 0, 0)
    grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop if tall else Qt.AlignmentFlag.AlignVCenter)
    return label


def labelled(grid: QGridLayout, row: int, text: str, widget: QWidget, unit: str = "", *, tall: bool = False) -> QLabel:
    expanding = widget.sizePolicy().verticalPolicy() == QSizePolicy.Policy.Expanding
    label = label_before(grid, row, text, widget, tall=tall or expanding)
    grid.addWidget(widget, row, 1)
    if unit:
        grid.addWidget(muted_label(unit), row, 2)
    return label
