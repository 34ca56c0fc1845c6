"""One setting of the settings dialog: its entry, its unit, its way back to the default, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QWidget,
)

from daxa_gui.core.errors import InputError
from daxa_gui.core.setting_kinds import LONGEST_TEXT, converted
from daxa_gui.gui.texts import unbroken
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem

_NUMBERS = ("whole", "number")


class SettingLine:
    """Widgets in four columns of a grid: label, entry, unit or « Browse… », default; below them what is to be said.

    Parameters
    ----------
    item : the declaration.
    variable : the environment variable that decides this setting now, or empty.
    on_changed : called after every change of the entry.
    """

    def __init__(self, item: Field[Any], variable: str, parent: QWidget, on_changed: Callable[[], None]) -> None:
        self.item = item
        self.variable = variable
        self._on_changed = on_changed
        self._parent = parent
        self.entry = self._make_entry()
        self.entry.setObjectName(f"setting_{item.name}")
        self.entry.setAccessibleName(self._spoken_name())
        self.entry.setAccessibleDescription(" ".join(filter(None, (self._override(), item.metadata["help"]))))
        self.entry.setToolTip(f"{item.metadata['help']} {self._limits()}".strip())
        self.problem = problem_label(parent)
        self.problem.setObjectName(f"problem_{item.name}")
        self.restore = self._make_restore()
        self.browse = self._make_browse() if item.metadata["kind"] == "folder" else None
        for widget in (self.entry, self.restore, self.browse):
            if variable and widget is not None:
                widget.setEnabled(False)

    # ---- making

    def _make_entry(self) -> QWidget:
        data = self.item.metadata
        if data["kind"] == "yes/no":
            self._check = QCheckBox(data["label"], self._parent)
            self._check.toggled.connect(lambda _on: self._changed())
            return self._check
        if data["choices"]:
            self._combo = QComboBox(self._parent)
            for choice in data["choices"]:
                self._combo.addItem(str(choice).capitalize(), choice)
            self._combo.currentIndexChanged.connect(lambda _index: self._changed())
            return self._combo
        self._edit = QLineEdit(self._parent)
        self._edit.setMaxLength(LONGEST_TEXT + 1)
        self._edit.setPlaceholderText(unbroken(data["empty"]))
        if data["kind"] in _NUMBERS:
            self._edit.setFixedWidth(self._edit.fontMetrics().averageCharWidth() * 36)
        self._edit.textChanged.connect(lambda _text: self._changed())
        return self._edit

    def _make_restore(self) -> QToolButton:
        button = QToolButton(self._parent)
        button.setObjectName(f"default_{self.item.name}")
        button.setText("Default")
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setAccessibleName(f"Restore the default of {self.item.metadata['label']}")
        button.setToolTip(f"Back to the default: {self.default_text()}")
        button.clicked.connect(lambda: self.write(self.item.default))
        return button

    def _make_browse(self) -> QPushButton:
        button = QPushButton("Browse…", self._parent)
        button.setObjectName(f"browse_{self.item.name}")
        button.setAutoDefault(False)
        button.setAccessibleName(f"Choose the folder of {self.item.metadata['label']}")
        button.setToolTip("Choose a folder on this machine")
        button.clicked.connect(self._ask_folder)
        return button

    def _entry_with_unit(self) -> QHBoxLayout:
        """A unit stands close to its number, however wide the dialog is."""
        line, data = QHBoxLayout(), self.item.metadata
        line.setSpacing(6)
        line.addWidget(self.entry, 0 if data["kind"] in _NUMBERS else 1)
        if data["unit"]:
            line.addWidget(muted_label(data["unit"], self._parent))
        if data["kind"] in _NUMBERS:
            line.addStretch(1)
        return line

    def add_to(self, grid: QGridLayout) -> None:
        row, data = grid.rowCount(), self.item.metadata
        if data["kind"] == "yes/no":
            grid.addWidget(self.entry, row, 1, 1, 2)
        else:
            label = QLabel(data["label"], self._parent)
            label.setBuddy(self.entry)
            grid.addWidget(label, row, 0)
            if self.browse is not None:
                grid.addWidget(self.entry, row, 1)
                grid.addWidget(self.browse, row, 2)
            else:
                grid.addLayout(self._entry_with_unit(), row, 1, 1, 2)
        grid.addWidget(self.restore, row, 3)
        if self.variable:
            note = QLabel(self._override(), self._parent)
            note.setObjectName(f"override_{self.item.name}")
            note.setWordWrap(True)
            note.setTextFormat(Qt.TextFormat.PlainText)
            grid.addWidget(note, row + 1, 1, 1, 3)
        grid.addWidget(self.problem, row + 2, 1, 1, 3)
        help_label = muted_label(unbroken(f"{data['help']} {self._limits()}".strip()), self._parent)
        help_label.setContentsMargins(0, 0, 0, 10)
        grid.addWidget(help_label, row + 3, 1, 1, 3)

    # ---- words

    def _spoken_name(self) -> str:
        unit = self.item.metadata["unit"]
        return f"{self.item.metadata['label']}, {unit}" if unit else str(self.item.metadata["label"])

    def default_text(self) -> str:
        data, default = self.item.metadata, self.item.default
        if data["kind"] == "yes/no":
            return "yes" if default else "no"
        if default in ("", 0) and data["empty"]:
            return str(data["empty"])
        shown = f"{default:g}" if data["kind"] in _NUMBERS else str(default)
        return f"{shown} {data['unit']}".strip()

    def _limits(self) -> str:
        data = self.item.metadata
        least, most = data["minimum"], data["maximum"]
        between = ""
        if data["kind"] in _NUMBERS and not data["empty"]:
            between = f"From {least:g} to {most:g} {data['unit']}".rstrip() + ". "
        return f"{between}Default: {self.default_text()}."

    def _override(self) -> str:
        return f"The environment variable {self.variable} decides this now; it cannot be changed here." if self.variable else ""

    # ---- values

    def write(self, value: Any) -> None:
        data = self.item.metadata
        if data["kind"] == "yes/no":
            self._check.setChecked(bool(value))
        elif data["choices"]:
            self._combo.setCurrentIndex(max(self._combo.findData(value), 0))
        elif data["kind"] in _NUMBERS:
            self._edit.setText("" if value == 0 and data["empty"] else f"{value:.10g}")
        else:
            self._edit.setText(value)

    def read(self) -> Any:
        """The value; raises InputError with a sentence."""
        data = self.item.metadata
        if data["kind"] == "yes/no":
            return self._check.isChecked()
        if data["choices"]:
            return self._combo.currentData()
        text = self._edit.text().strip()
        if data["kind"] in _NUMBERS:
            text = "0" if not text and data["empty"] else text.replace(",", ".")
        return converted(self.item, text)

    def sentence(self) -> str:
        """What is wrong with the entry; empty if nothing is."""
        try:
            self.read()
        except InputError as error:
            return str(error)
        return ""

    def _changed(self) -> None:
        self.refresh()
        self._on_changed()

    def refresh(self) -> None:
        """Say what is wrong, and offer the default where that would change something."""
        sentence = self.sentence()
        show_problem(self.problem, sentence)
        self.restore.setEnabled(not self.variable and (bool(sentence) or self.read() != self.item.default))

    def _ask_folder(self) -> None:
        text = self._edit.text().strip()
        try:
            start = str(Path(text).expanduser()) if text else str(Path.home())
        except RuntimeError:  # « ~ » of somebody who is not known here
            start = ""
        folder = QFileDialog.getExistingDirectory(self._parent, self.item.metadata["label"], start)
        if folder:
            self._edit.setText(folder)
