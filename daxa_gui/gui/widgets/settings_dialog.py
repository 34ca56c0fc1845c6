"""The settings, made from their declarations: groups at the left, entries with units, defaults and checks at the right."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import DaxaError, FileError
from daxa_gui.core.settings import groups, overridden
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import unbroken
from daxa_gui.gui.theme import as_heading
from daxa_gui.gui.widgets.form import muted_label, problem_label, show_problem
from daxa_gui.gui.widgets.setting_line import SettingLine
from daxa_gui.session import Session

PLACES = "Places"
_SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse


class SettingsDialog(QDialog):
    """`applied` tells the names of settings that were changed, after the session uses them."""

    applied = Signal(object)  # frozenset of names

    def __init__(
        self, session: Session, context: Context, parent: QWidget | None = None, *, group: str = "",
        environment: Mapping[str, str] = os.environ,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setObjectName("settingsDialog")
        self.setWindowTitle("Settings")
        self._session, self._context = session, context
        self.lines: dict[str, SettingLine] = {}
        self._titles: dict[str, tuple[str, ...]] = {}
        variables = overridden(environment)
        self.list = QListWidget(self)
        self.list.setObjectName("settingGroups")
        self.list.setAccessibleName("Groups of settings")
        self.list.setToolTip("Choose a group of settings (arrow keys)")
        self.pages = QStackedWidget(self)
        for title, items in groups().items():
            body = QWidget()
            grid = _grid(body)
            for item in items:
                line = SettingLine(item, variables.get(item.name, ""), body, self._on_entry_changed)
                line.add_to(grid)
                self.lines[item.name] = line
            grid.setRowStretch(grid.rowCount(), 1)
            self._titles[title] = tuple(item.name for item in items)
            self._add_page(title, body)
        self._add_page(PLACES, self._places())
        self.problem = problem_label(self)
        self.problem.setObjectName("settingsProblem")
        self.buttons = self._make_buttons()
        self._build()
        self._load()
        self.list.currentRowChanged.connect(self.pages.setCurrentIndex)
        self.list.setCurrentRow(max(0, [*self._titles, PLACES].index(group) if group else 0))
        self.resize(self._wanted_width(), 560)

    # ---- making

    def _add_page(self, title: str, body: QWidget) -> None:
        area = QScrollArea(self)
        area.setObjectName(f"settings_{title.lower()}")
        area.setAccessibleName(f"Settings: {title}")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(body)
        self.pages.addWidget(area)
        self.list.addItem(QListWidgetItem(title))

    def _places(self) -> QWidget:
        """What is written where; nothing to change here."""
        body = QWidget()
        column = QVBoxLayout(body)
        column.setSpacing(2)
        heading = QLabel("Where this program keeps things", body)
        as_heading(heading)
        column.addWidget(heading)
        column.addWidget(muted_label("Nothing else is written by itself. Folders are made when they are first needed.", body))
        try:
            places = self._session.written_places()
        except DaxaError as error:
            places = []
            complaint = problem_label(body)
            show_problem(complaint, str(error))
            column.addWidget(complaint)
        for label, path, what, how in places:
            title = QLabel(label, body)
            as_heading(title)
            title.setContentsMargins(0, 10, 0, 0)
            place = QLabel(_breakable(str(path)), body)
            place.setObjectName(f"place_{label.lower()}")
            place.setTextFormat(Qt.TextFormat.PlainText)
            place.setTextInteractionFlags(_SELECTABLE)
            place.setWordWrap(True)
            place.setToolTip(str(path))
            for widget in (title, place, muted_label(unbroken(f"{what} To change it: {how[:1].lower()}{how[1:]}"), body)):
                column.addWidget(widget)
        column.addStretch(1)
        return body

    def _make_buttons(self) -> QDialogButtonBox:
        kind = QDialogButtonBox.StandardButton
        box = QDialogButtonBox(kind.Ok | kind.Apply | kind.Cancel, self)
        tips = {
            kind.Ok: ("settingsOk", "Use these settings and close"),
            kind.Apply: ("settingsApply", "Use these settings and go on"),
            kind.Cancel: ("settingsCancel", "Close without changing anything more (Escape)"),
        }
        for which, (name, tip) in tips.items():
            button = box.button(which)
            button.setObjectName(name)
            button.setToolTip(tip)
        self.ok: QPushButton = box.button(kind.Ok)
        self.apply: QPushButton = box.button(kind.Apply)
        self.ok.setDefault(True)
        self.apply.clicked.connect(lambda: self._use(close=False))
        box.accepted.connect(lambda: self._use(close=True))
        box.rejected.connect(self.reject)
        return box

    def _build(self) -> None:
        self.list.setFixedWidth(self.list.sizeHintForColumn(0) + 48)
        body = QHBoxLayout()
        body.setSpacing(12)
        body.addWidget(self.list)
        body.addWidget(self.pages, 1)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addLayout(body, 1)
        layout.addWidget(self.problem)
        layout.addWidget(self.buttons)

    def _wanted_width(self) -> int:
        return self.list.width() + self.fontMetrics().averageCharWidth() * 98

    # ---- values

    def _load(self) -> None:
        for name, line in self.lines.items():
            line.write(getattr(self._session.settings, name))
            line.refresh()
        self._on_entry_changed()

    def changed_values(self) -> dict[str, Any]:
        """What differs from the settings in use; raises InputError for an entry that cannot be read."""
        now = self._session.settings
        return {
            name: value for name, line in self.lines.items() if not line.variable and (value := line.read()) != getattr(now, name)
        }

    def _on_entry_changed(self) -> None:
        if len(self.lines) < sum(map(len, self._titles.values())):
            return  # still being made
        wrong = {name for name, line in self.lines.items() if not line.variable and line.sentence()}
        for row, (title, names) in enumerate(self._titles.items()):
            bad = not wrong.isdisjoint(names)
            item = self.list.item(row)
            item.setText(f"✕ {title}" if bad else title)
            item.setToolTip("An entry of this group cannot be used" if bad else "")
        self.ok.setEnabled(not wrong)
        self.apply.setEnabled(not wrong and bool(self.changed_values()))

    def _use(self, *, close: bool) -> None:
        values = self.changed_values()
        if not values:
            if close:
                self.accept()
            return
        self._set_busy(True)

        def save() -> None:
            try:
                self._session.change_settings(**values)
            except OSError as error:
                raise FileError(
                    f"The settings could not be saved: {error.strerror or error}.", "They hold until the window is closed."
                ) from error

        def used(problem: DaxaError | None = None) -> None:
            self._set_busy(False)
            show_problem(self.problem, str(problem) if problem else "")
            self.applied.emit(frozenset(values))
            self._on_entry_changed()
            if close and problem is None:
                self.accept()

        self._context.background.act(self, "Save settings", save, lambda _nothing: used(), used)

    def _set_busy(self, busy: bool) -> None:
        self.pages.setEnabled(not busy)
        self.buttons.setEnabled(not busy)


def _grid(body: QWidget) -> QGridLayout:
    grid = QGridLayout(body)
    grid.setContentsMargins(0, 0, 8, 0)
    grid.setHorizontalSpacing(8)
    grid.setVerticalSpacing(3)
    grid.setColumnStretch(1, 1)
    return grid


def _breakable(path: str) -> str:
    """With places where a line of a long path may end."""
    return path.replace("/", "/\u200b")
