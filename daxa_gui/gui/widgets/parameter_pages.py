"""Forms of several things with parameters (a pipeline, its steps): one is shown, the entries of all are kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.step import Parameter
from daxa_gui.gui.widgets.form import Form, fields_of_parameters, muted_label


@dataclass(frozen=True)
class ParameterPage:
    """`key` is the name of the step, or "" for the pipeline; `present`: what it begins with where that is not the default."""

    key: str
    label: str
    parameters: tuple[Parameter, ...]
    present: Mapping[str, Any] = field(default_factory=dict)


class _Page(QScrollArea):
    """A form that scrolls when it is too high; its entries are as wide as there is room."""

    def __init__(self, page: ParameterPage, parent: QWidget) -> None:
        super().__init__(parent)
        self.form = Form(fields_of_parameters(page.parameters), page.present, marks=True)
        self.form.setObjectName(f"parameters_{page.key or 'pipeline'}")
        self.setWidget(self.form)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)

    def sizeHint(self) -> QSize:
        return self.form.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(self.form.minimumSizeHint().width() + 20, 60)


class ParameterPages(QWidget):
    """`set_pages` may be called again: what was entered for a key that is still there stays."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pages: dict[str, _Page] = {}
        self._labels: dict[str, str] = {}
        self.choice = QComboBox(self)
        self.choice.setObjectName("parametersOf")
        self.choice.setAccessibleName("Parameters of")
        self.choice.setToolTip("Whose parameters are shown; a dot marks those with changed entries")
        self.reset_button = QPushButton("Set all &back", self)
        self.reset_button.setObjectName("resetParameters")
        self.reset_button.setAutoDefault(False)
        self.reset_button.setToolTip("Set the entries that are shown back to their defaults")
        self.reset_button.clicked.connect(self._on_reset)
        self.none = muted_label("", self)
        self._stack = QStackedWidget(self)
        of = QLabel("Parameters &of", self)
        of.setBuddy(self.choice)
        head = QHBoxLayout()
        head.addWidget(of)
        head.addWidget(self.choice, 1)
        head.addWidget(self.reset_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addLayout(head)
        layout.addWidget(self.none)
        layout.addWidget(self._stack, 1)
        self.choice.currentIndexChanged.connect(lambda _index: self._show_chosen())

    def set_pages(self, pages: Sequence[ParameterPage]) -> None:
        """Those without parameters are left out."""
        wanted = [page for page in pages if page.parameters]
        shown = self.choice.currentData()
        blocked = self.choice.blockSignals(True)
        self.choice.clear()
        for page in wanted:
            self._labels[page.key] = page.label
            self.choice.addItem(page.label, page.key)
        self.choice.setCurrentIndex(max(0, self.choice.findData(shown)))
        self.choice.blockSignals(blocked)
        for key in [key for key in self._pages if self.choice.findData(key) < 0]:
            gone = self._pages.pop(key)
            self._stack.removeWidget(gone)
            gone.deleteLater()
        for page in wanted:
            if page.key not in self._pages:
                self._add(page)
            else:
                defaults = {one.name: one.default for one in page.parameters}
                self._pages[page.key].form.restart({**defaults, **page.present})
        self.none.setText("" if wanted else "These steps have no parameters.")
        for widget in (self.choice, self.reset_button, self._stack):
            widget.setEnabled(bool(wanted))
        self.none.setVisible(not wanted)
        self._show_chosen()
        self._show_marks()

    def _add(self, page: ParameterPage) -> None:
        shown = self._pages[page.key] = _Page(page, self._stack)
        shown.form.changed.connect(self._on_form_changed)
        self._stack.addWidget(shown)

    def form(self, key: str) -> Form:
        return self._pages[key].form

    def show_page(self, key: str) -> None:
        self.choice.setCurrentIndex(max(0, self.choice.findData(key)))

    def problems(self) -> dict[str, str]:
        """Key → the first sentence of an entry that cannot be read."""
        found = {key: page.form.problems() for key, page in self._pages.items()}
        return {key: next(iter(sentences.values())) for key, sentences in found.items() if sentences}

    def values(self) -> dict[str, dict[str, Any]]:
        """Key → what was changed from what it began with; only keys with something. Raises InputError for an entry that
        cannot be read."""
        found = {key: page.form.edited_values() for key, page in self._pages.items()}
        return {key: values for key, values in found.items() if values}

    def _show_chosen(self) -> None:
        key = self.choice.currentData()
        if key in self._pages:
            self._stack.setCurrentWidget(self._pages[key])
            self._set_tab_order(self._pages[key])

    def _set_tab_order(self, page: _Page) -> None:
        before: QWidget = self.reset_button
        for entry in page.form.entries():
            self.setTabOrder(before, entry)
            before = entry

    def _on_reset(self) -> None:
        key = self.choice.currentData()
        if key in self._pages:
            self._pages[key].form.reset()

    def _on_form_changed(self) -> None:
        self._show_marks()
        self.changed.emit()

    def _show_marks(self) -> None:
        for index in range(self.choice.count()):
            key = self.choice.itemData(index)
            form = self._pages[key].form
            differs = not form.is_valid() or bool(form.changed_values())
            self.choice.setItemText(index, f"{self._labels[key]} •" if differs else self._labels[key])
