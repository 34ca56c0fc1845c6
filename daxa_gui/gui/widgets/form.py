"""A form made from declarations (parameters of a step, fields of a dataclass): units, help, and checks while typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QToolButton,
    QWidget,
)

from daxa_gui.core.errors import InputError
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.form_fields import (
    FormField,
    fields_of_dataclass,
    fields_of_parameters,
    read_entry,
    same_value,
    some_of,
    written,
)

__all__ = ["Form", "FormField", "fields_of_dataclass", "fields_of_parameters", "muted_label", "problem_label"]


def problem_label(parent: QWidget | None = None) -> QLabel:
    """A hidden line for a sentence about what is wrong; it begins with a sign, so that it does not speak by colour alone."""
    label = QLabel(parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setForegroundRole(QPalette.ColorRole.BrightText)
    label.hide()
    return label


def muted_label(text: str = "", parent: QWidget | None = None) -> QLabel:
    """Secondary text."""
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    as_muted(label)
    return label


def show_problem(label: QLabel, sentence: str) -> None:
    label.setText(f"✕ {sentence}" if sentence else "")
    label.setVisible(bool(sentence))


class _Line:
    """One field: its widget, its unit, its message, and how its value is read and written."""

    def __init__(self, field: FormField, parent: QWidget, on_changed: Callable[[], None]) -> None:
        self.field = field
        self.message = problem_label(parent)
        self.message.setObjectName(f"problem_{field.name}")
        self.widget: QWidget
        if field.kind == "yes/no":
            self._check = QCheckBox(field.label, parent)
            self._check.toggled.connect(lambda _on: on_changed())
            self.widget = self._check
        elif field.kind == "choice":
            self._combo = QComboBox(parent)
            if field.empty:
                self._combo.addItem(field.empty, None)
            for choice in field.choices:
                self._combo.addItem(str(choice), choice)
            self._combo.currentIndexChanged.connect(lambda _index: on_changed())
            self.widget = self._combo
        elif field.kind == "many":
            self._list = _check_list(field, parent)
            self._list.itemChanged.connect(lambda _item: on_changed())
            self.widget = self._list
        else:
            self._edit = QLineEdit(parent)
            self._edit.setPlaceholderText(field.empty)
            self._edit.textChanged.connect(lambda _text: on_changed())
            self.widget = self._edit
        self.widget.setObjectName(f"entry_{field.name}")
        self.widget.setAccessibleName(f"{field.label}, {field.unit}" if field.unit else field.label)
        self.widget.setAccessibleDescription(field.help)
        self.widget.setToolTip(_tip(field))

    def read(self) -> Any:
        if self.field.kind == "yes/no":
            return self._check.isChecked()
        if self.field.kind == "choice":
            return self._combo.currentData()
        if self.field.kind == "many":
            rows = range(self._list.count())
            ticked = [row for row in rows if self._list.item(row).checkState() is Qt.CheckState.Checked]
            return some_of(self.field, [self.field.choices[row] for row in ticked])
        return read_entry(self.field, self._edit.text())

    def write(self, value: Any) -> None:
        if self.field.kind == "yes/no":
            self._check.setChecked(bool(value))
        elif self.field.kind == "choice":
            self._combo.setCurrentIndex(max(self._combo.findData(value), 0))
        elif self.field.kind == "many":
            for row, choice in enumerate(self.field.choices):
                ticked = value is not None and choice in value
                self._list.item(row).setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        else:
            self._edit.setText(written(self.field, value))

    def problem(self) -> str:
        try:
            self.read()
        except InputError as error:
            return str(error)
        return ""


def _check_list(field: FormField, parent: QWidget) -> QListWidget:
    """All choices to be ticked, none hidden while they are few."""
    shown = QListWidget(parent)
    for choice in field.choices:
        item = QListWidgetItem(str(choice))
        item.setFlags(Qt.ItemFlag.ItemIsUserCheckable | Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        item.setCheckState(Qt.CheckState.Unchecked)
        shown.addItem(item)
    shown.setTabKeyNavigation(False)
    shown.setFixedHeight(min(len(field.choices), 5) * (shown.fontMetrics().height() + 6) + 8)
    return shown


_SEVERAL = {
    "texts": "Several are separated by semicolons.",
    "ranges": "Several are separated by commas.",
    "numbers": "Several are separated by commas.",
    "many": "Tick some of them.",
}


def _tip(field: FormField) -> str:
    limits = []
    if field.minimum is not None:
        limits.append(f"at least {field.minimum:g}")
    if field.maximum is not None:
        limits.append(f"at most {field.maximum:g}")
    parts = [field.help or field.label, *([_SEVERAL[field.kind]] if field.kind in _SEVERAL else [])]
    if limits:
        parts.append(f"({' and '.join(limits)}{' ' + field.unit if field.unit else ''})")
    if field.default not in (None, "") and field.kind not in ("yes/no", "choice"):
        parts.append(f"Default: {written(field, field.default)}{' ' + field.unit if field.unit else ''}.")
    return " ".join(parts)


class Form(QWidget):
    """A grid: label, entry, unit; below an entry its message as soon as it cannot be read. Not a dialog by itself.

    Parameters
    ----------
    fields : from `fields_of_parameters` or `fields_of_dataclass`, or made by hand.
    values : where they differ from the defaults. `edited_values` tells what a person changed of these, `changed_values` what
        differs from the defaults.
    show_help : writes each field's help below it as well as into its tool tip.
    marks : labels of entries that differ from their default are bold and end with a dot, and a button sets each back.
    """

    changed = Signal()
    validity_changed = Signal(bool)

    def __init__(
        self,
        fields: Sequence[FormField],
        values: Mapping[str, Any] | None = None,
        parent: QWidget | None = None,
        *,
        show_help: bool = False,
        marks: bool = False,
    ) -> None:
        super().__init__(parent)
        self._marks: dict[str, tuple[QWidget, QToolButton]] = {}
        self._parts: dict[str, list[QWidget]] = {}  # of each field, without its message
        self._lines = {field.name: _Line(field, self, self._on_entry_changed) for field in fields}
        self._valid = True
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        for line in self._lines.values():
            label = self._add_line(grid, line, show_help)
            if marks:
                self._add_mark(grid, line, label)
        grid.setRowStretch(grid.rowCount(), 1)
        self._start: dict[str, Any] = {field.name: field.default for field in fields} | dict(values or {})
        self.set_values(self._start)

    def _add_mark(self, grid: QGridLayout, line: _Line, label: QWidget) -> None:
        button = QToolButton(self)
        button.setText("↺")
        button.setObjectName(f"reset_{line.field.name}")
        button.setAccessibleName(f"Set « {line.field.label} » back")
        default = written(line.field, line.field.default)
        if line.field.kind == "yes/no":
            default = "yes" if line.field.default else "no"
        button.setToolTip(f"Set back to the default: {default or line.field.empty or 'nothing'} {line.field.unit}".rstrip())
        button.clicked.connect(lambda: self.set_values({line.field.name: line.field.default}))
        policy = button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves when the first entry is changed
        button.setSizePolicy(policy)
        position: Any = grid.getItemPosition(grid.indexOf(line.widget))  # (row, column, rows, columns)
        grid.addWidget(button, int(position[0]), 3, Qt.AlignmentFlag.AlignTop)
        self._marks[line.field.name] = (label, button)

    def _show_marks(self) -> None:
        for name in self._marks:
            self._show_mark(name)

    def _show_mark(self, name: str) -> None:
        (label, button), line = self._marks[name], self._lines[name]
        differs = bool(line.problem()) or not same_value(line.read(), line.field.default)
        button.setVisible(differs and not line.widget.isHidden())
        font = label.font()
        font.setBold(differs)
        label.setFont(font)
        if isinstance(label, (QLabel, QCheckBox)):
            label.setText(f"{line.field.label} •" if differs else line.field.label)

    def _add_line(self, grid: QGridLayout, line: _Line, show_help: bool) -> QWidget:
        row = grid.rowCount()
        field = line.field
        named: QWidget = line.widget
        parts = self._parts[field.name] = [line.widget]
        if field.kind == "yes/no":
            grid.addWidget(line.widget, row, 1, 1, 2)
        else:
            label = QLabel(field.label, self)
            label.setBuddy(line.widget)
            label.setToolTip(line.widget.toolTip())
            named = label
            grid.addWidget(label, row, 0, Qt.AlignmentFlag.AlignTop if field.kind == "many" else Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(line.widget, row, 1)
            parts += [label, muted_label(field.unit, self)]
            grid.addWidget(parts[-1], row, 2)
        grid.addWidget(line.message, row + 1, 1, 1, 2)
        if show_help and field.help:
            parts.append(muted_label(field.help, self))
            grid.addWidget(parts[-1], row + 2, 1, 1, 2)
        return named

    def entry(self, name: str) -> QWidget:
        """The widget in which a field is entered."""
        return self._lines[name].widget

    def set_shown(self, name: str, shown: bool) -> None:
        """Show or hide a field with all that belongs to it; a hidden one keeps its value."""
        line = self._lines[name]
        for widget in self._parts[name]:
            widget.setVisible(shown)
        show_problem(line.message, line.problem() if shown else "")
        if name in self._marks:
            self._show_mark(name)
            if not shown:
                self._marks[name][1].hide()

    def entries(self) -> list[QWidget]:
        """All of them with their buttons, from top to bottom."""
        found: list[QWidget] = []
        for name, line in self._lines.items():
            found += [line.widget, *([self._marks[name][1]] if name in self._marks else [])]
        return found

    def values(self) -> dict[str, Any]:
        """All values; raises InputError with the sentence of the first entry that cannot be read."""
        return {name: line.read() for name, line in self._lines.items()}

    def changed_values(self) -> dict[str, Any]:
        """Only those that differ from their defaults; raises InputError like `values`."""
        return {name: value for name, value in self.values().items() if not same_value(value, self._lines[name].field.default)}

    def edited_values(self) -> dict[str, Any]:
        """Only those that differ from what the form began with; raises InputError like `values`."""
        return {name: value for name, value in self.values().items() if not same_value(value, self._start[name])}

    def restart(self, values: Mapping[str, Any]) -> None:
        """Begin with these values; what a person edited stays."""
        start = {name: value for name, value in values.items() if name in self._lines}
        untouched = {
            name: value
            for name, value in start.items()
            if not self._lines[name].problem() and same_value(self._lines[name].read(), self._start[name])
        }
        self._start |= start
        if any(not same_value(value, self._lines[name].read()) for name, value in untouched.items()):
            self.set_values(untouched)

    def problems(self) -> dict[str, str]:
        """A sentence for each entry that cannot be read."""
        return {name: sentence for name, line in self._lines.items() if (sentence := line.problem())}

    def is_valid(self) -> bool:
        return not self.problems()

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Write some of the entries; `changed` is emitted once."""
        blocked = self.blockSignals(True)
        for name, value in values.items():
            self._lines[name].write(value)
        self.blockSignals(blocked)
        self._on_entry_changed()

    def reset(self) -> None:
        """Back to the defaults."""
        self.set_values({name: line.field.default for name, line in self._lines.items()})

    def _on_entry_changed(self) -> None:
        if self.signalsBlocked():
            return
        for line in self._lines.values():
            show_problem(line.message, line.problem())
        self._show_marks()
        valid = self.is_valid()
        if valid != self._valid:
            self._valid = valid
            self.validity_changed.emit(valid)
        self.changed.emit()
