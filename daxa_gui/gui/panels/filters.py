"""The filters: one row each with its sentence and its effect; add, change, switch off, delete, reorder, undo and redo."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidgetItem, QMenu, QToolButton, QVBoxLayout, QWidget

from daxa_gui.core.filter_stack import FilterRow
from daxa_gui.core.filters import And, Filter, Or
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.texts import as_sentence, count_text, counted, short_label
from daxa_gui.gui.widgets.filter_editor import FILTER_KINDS, FilterDialog, FilterKind, dialog_for
from daxa_gui.gui.widgets.filter_list import EFFECT_ROLE, ID_ROLE, FilterList
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.session import Session

_EMPTY = "No filters: every observation passes.\n\nUse « Add filter », or draw a cone or a rectangle on the sky."


class FiltersPanel(QWidget):
    """Every change makes a new FilterStack in the context, so that all of them can be undone."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self._filling = False
        self._dialog: FilterDialog | None = None
        self.setAccessibleName("Filters")
        self.list = FilterList(self)
        self.list.setObjectName("filterList")
        self.list.setAccessibleName("Filters")
        self.list.setToolTip(
            "Space switches a filter on and off, Enter changes it, Delete removes it, Alt+Up and Alt+Down move it"
        )
        self.list.empty_text = _EMPTY
        self._total = QLabel(self)
        self._total.setObjectName("filtersTotal")
        self._total.setWordWrap(True)
        self._build()
        self.list.itemChanged.connect(self._on_item_changed)
        self.list.currentRowChanged.connect(lambda _row: self._update_buttons())
        self.list.move_requested.connect(self._on_move_requested)
        self.list.delete_requested.connect(self.delete_current)
        self.list.edit_requested.connect(self.edit_current)
        context.stack_changed.connect(self._fill)
        context.results_changed.connect(self._update_effects)
        bridge.catalogues_changed.connect(lambda _missions: self._update_effects())
        self._fill()

    def sizeHint(self) -> QSize:
        return QSize(300, 500)

    def _build(self) -> None:
        self.add_button = QToolButton(self)
        self.add_button.setObjectName("addFilter")
        self.add_button.setText("&Add filter")
        self.add_button.setAccessibleName("Add filter")
        self.add_button.setToolTip("Add a filter; an observation has to pass all of them")
        self.add_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.add_button.setMenu(self._add_menu())
        button = self._button
        self.undo_button = button(
            "undoFilter", "↶ &Undo", "Undo", "Take back the last change of the filters (Ctrl+Z)", self._context.undo
        )
        self.redo_button = button("redoFilter", "↷ Re&do", "Redo", "Do the change again (Ctrl+Shift+Z)", self._context.redo)
        top = QHBoxLayout()
        for widget in (self.add_button, self.undo_button, self.redo_button):
            top.addWidget(widget)
        top.insertStretch(1, 1)
        self.edit_button = button(
            "editFilter", "&Change…", "Change filter", "Change the chosen filter (Enter)", self.edit_current
        )
        self.delete_button = button(
            "deleteFilter", "De&lete", "Delete filter", "Remove the chosen filter (Delete)", self.delete_current
        )
        self.up_button = button(
            "moveFilterUp", "▲", "Move filter up", "Apply the chosen filter earlier (Alt+Up)", lambda: self._move_current(-1)
        )
        self.down_button = button(
            "moveFilterDown", "▼", "Move filter down", "Apply the chosen filter later (Alt+Down)", lambda: self._move_current(1)
        )
        bottom = FlowLayout()
        self.more_button = self._more_button()
        for widget in (self.edit_button, self.delete_button, self.more_button, self.up_button, self.down_button):
            bottom.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 8)
        layout.addLayout(top)
        layout.addWidget(self.list, 1)
        layout.addWidget(self._total)
        layout.addLayout(bottom)

    def _button(self, name: str, text: str, accessible: str, tip: str, action: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(text)
        button.setAccessibleName(accessible)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.clicked.connect(lambda _checked=False: action())
        return button

    def _add_menu(self) -> QMenu:
        menu = QMenu("Add filter", self)
        menu.setObjectName("addFilterMenu")
        menu.setToolTipsVisible(True)
        inner: dict[str, QMenu] = {}
        for kind in FILTER_KINDS:
            if kind.menu and kind.menu not in inner:
                inner[kind.menu] = menu.addMenu(kind.menu)
                inner[kind.menu].setToolTipsVisible(True)
            action = inner.get(kind.menu, menu).addAction(kind.text)
            action.setObjectName(f"add_{kind.name}")
            action.setToolTip(kind.tip)
            action.triggered.connect(functools.partial(self.add, kind))
            if kind.name == "places":  # a dialog of its own, which also shows what covers which of them
                sample = menu.addAction("Places of a &file…")
                sample.setObjectName("add_sample")
                sample.setToolTip("Observations near the positions of a table in a file (CSV, ECSV, VOTable, FITS)")
                sample.triggered.connect(lambda _checked=False: self._context.ask_sample())
            if kind.ends_group:
                menu.addSeparator()
        return menu

    def _more_button(self) -> QToolButton:
        """What is done seldom: a copy, and filters joined by « or »."""
        button = QToolButton(self)
        button.setObjectName("moreFilter")
        button.setText("More")
        button.setAccessibleName("More about the chosen filter")
        button.setToolTip("Duplicate the chosen filter, join it with the one above by « or », take such a filter apart")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        menu = QMenu("More about the chosen filter", self)
        menu.setToolTipsVisible(True)
        for name, text, tip, slot in (
            ("duplicateFilter", "&Duplicate", "The same filter once more, to be changed", self.duplicate_current),
            (
                "joinFilter",
                "&Either this or the one above",
                "One filter that lets pass what either of the two would",
                self.join_current,
            ),
            ("splitFilter", "&Take apart", "The parts of a joined filter as filters of their own", self.split_current),
        ):
            action = menu.addAction(text)
            action.setObjectName(name)
            action.setToolTip(tip)
            action.triggered.connect(functools.partial(self._do, slot))
        self._more = {action.objectName(): action for action in menu.actions()}
        button.setMenu(menu)
        return button

    @staticmethod
    def _do(slot: Callable[[], None], _checked: bool = False) -> None:
        slot()

    # the list

    def _fill(self) -> None:
        """The rows anew; the chosen one stays chosen."""
        current = self._current_id()
        place = max(self.list.currentRow(), 0)
        items = [self.list.item(row) for row in range(self.list.count())]
        effects = {int(item.data(ID_ROLE)): item.data(EFFECT_ROLE) for item in items}
        self._filling = True
        self.list.clear()
        for row in self._context.stack.rows:
            item = QListWidgetItem(_sentence(row))
            item.setData(ID_ROLE, row.id)
            item.setData(EFFECT_ROLE, effects.get(row.id) or "counting …")  # until the results come; so no row changes its height
            item.setFlags(
                Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable
                | Qt.ItemFlag.ItemIsDragEnabled
            )  # fmt: skip
            item.setCheckState(Qt.CheckState.Checked if row.enabled else Qt.CheckState.Unchecked)
            self.list.addItem(item)
        ids = [row.id for row in self._context.stack.rows]
        if ids:
            self.list.setCurrentRow(ids.index(current) if current in ids else min(place, len(ids) - 1))
        self._filling = False
        self._update_effects()
        self._update_buttons()

    def _update_effects(self) -> None:
        """« 2 447 → 3 » below each sentence; the numbers are those of the filters above and of this one together."""
        results = self._context.results
        rows = self._context.stack.rows
        if any(len(result.counts) != len(rows) for result in results.values()):
            return  # the results of these filters are about to come
        before = {mission: result.total for mission, result in results.items()}
        total = sum(before.values())
        self._filling = True
        for place, row in enumerate(rows):
            after = {mission: result.counts[place] for mission, result in results.items()}
            item = self.list.item(place)
            effect = self._effect(row, sum(before.values()), sum(after.values()))
            item.setData(EFFECT_ROLE, effect)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{_sentence(row)}, {effect}")
            item.setToolTip(self._effect_tip(row, before, after))
            before = after
        self._filling = False
        left = sum(before.values())
        text = f"{counted(total, 'observation', 'observations')}"
        self._total.setText(f"{text} → {count_text(left)}" if rows else text)
        self._total.setAccessibleDescription(f"{total} observations, of which {left} pass the filters")

    def _effect(self, row: FilterRow, before: int, after: int) -> str:
        if not row.enabled:
            effect = "off"
        else:
            effect = f"{count_text(before)} → {count_text(after)}"
        if row.missions is None:
            return effect
        labels = {spec.name: short_label(spec) for spec in self._session.missions()}
        return f"{effect} · only {', '.join(labels.get(name, name) for name in row.missions)}"

    def _effect_tip(self, row: FilterRow, before: dict[str, int], after: dict[str, int]) -> str:
        lines = [_sentence(row)]
        for spec in self._session.missions():
            if before.get(spec.name) or after.get(spec.name):
                note = "" if row.applies_to(spec.name) else " (does not apply)"
                lines.append(f"{spec.label}: {count_text(before[spec.name])} → {count_text(after[spec.name])}{note}")
        return "\n".join(lines)

    def _update_buttons(self) -> None:
        row, count = self.list.currentRow(), self.list.count()
        self.edit_button.setEnabled(row >= 0)
        self.delete_button.setEnabled(row >= 0)
        self.more_button.setEnabled(row >= 0)
        self._more["joinFilter"].setEnabled(self._joined(row) is not None)
        self._more["splitFilter"].setEnabled(bool(self._parts(row)))
        self.up_button.setEnabled(row > 0)
        self.down_button.setEnabled(0 <= row < count - 1)
        self.undo_button.setEnabled(self._context.history.can_undo)
        self.redo_button.setEnabled(self._context.history.can_redo)

    def _current_id(self) -> int | None:
        item = self.list.currentItem()
        return None if item is None else int(item.data(ID_ROLE))

    # changes

    def add(self, kind: FilterKind, _checked: bool = False) -> None:
        """Open the editor of a kind of filter, or add it at once where there is nothing to enter."""
        if kind.fixed is not None:
            self._add(kind.fixed, kind.missions)
            return
        dialog = FilterDialog(
            kind.editor(self._session, self._context), kind.missions, self._session, self._context, self,
            adding=True, by_hand=kind.by_hand,
        )  # fmt: skip

        def accepted() -> None:
            assert dialog.result_filter is not None
            self._add(dialog.result_filter, dialog.result_missions)

        self._open(dialog, accepted)

    def _add(self, item: Filter, missions: Sequence[str] | None) -> None:
        self._context.set_stack(self._context.stack.add(item, missions))
        self.list.setCurrentRow(self.list.count() - 1)

    def edit_current(self) -> None:
        row_id = self._current_id()
        if row_id is None:
            return
        row = self._context.stack.row(row_id)
        dialog = dialog_for(row.filter, row.missions, self._session, self._context, self)

        def accepted() -> None:
            assert dialog.result_filter is not None
            stack = self._context.stack.replace(row_id, dialog.result_filter, dialog.result_missions)
            self._context.set_stack(stack)

        self._open(dialog, accepted)

    def _open(self, dialog: FilterDialog, accepted: Callable[[], None]) -> None:
        self._dialog = dialog
        dialog.accepted.connect(accepted)
        dialog.finished.connect(lambda _code: dialog.deleteLater())
        dialog.open()

    def delete_current(self) -> None:
        row_id = self._current_id()
        if row_id is not None:
            self._context.set_stack(self._context.stack.remove(row_id))

    def duplicate_current(self) -> None:
        row_id = self._current_id()
        if row_id is not None:
            stack = self._context.stack
            row, place = stack.row(row_id), stack.index(row_id)
            stack = stack.add(row.filter, row.missions)
            self._context.set_stack(stack.move(stack.rows[-1].id, place + 1))
            self.list.setCurrentRow(place + 1)

    def _joined(self, place: int) -> Filter | None:
        """The filter at a place or the one above; None where they are not for the same missions or there is none above."""
        rows = self._context.stack.rows
        if not 0 < place < len(rows) or rows[place - 1].missions != rows[place].missions:
            return None
        one, other = rows[place - 1].filter, rows[place].filter
        by_hand = any(kind.by_hand and kind.edits(item) for kind in FILTER_KINDS for item in (one, other))
        return None if by_hand else one | other

    def join_current(self) -> None:
        place = self.list.currentRow()
        joined = self._joined(place)
        if joined is not None:
            above, row = self._context.stack.rows[place - 1 : place + 1]
            self._context.set_stack(self._context.stack.replace(above.id, joined).remove(row.id))
            self.list.setCurrentRow(place - 1)

    def _parts(self, place: int) -> tuple[Filter, ...]:
        rows = self._context.stack.rows
        item = rows[place].filter if 0 <= place < len(rows) else None
        return item.filters if isinstance(item, (And, Or)) else ()

    def split_current(self) -> None:
        place = self.list.currentRow()
        parts = self._parts(place)
        if parts:
            row = self._context.stack.rows[place]
            stack = self._context.stack.replace(row.id, parts[0])
            for number, part in enumerate(parts[1:], 1):
                stack = stack.add(part, row.missions)
                stack = stack.move(stack.rows[-1].id, place + number)
            self._context.set_stack(stack)

    def _move_current(self, step: int) -> None:
        row = self.list.currentRow()
        self._on_move_requested(row, row + step)

    def _on_move_requested(self, source: int, target: int) -> None:
        row_id = self._context.stack.rows[source].id
        self._context.set_stack(self._context.stack.move(row_id, target))

    def _on_item_changed(self, item: QListWidgetItem) -> None:
        if not self._filling:
            enabled = item.checkState() == Qt.CheckState.Checked
            self._context.set_stack(self._context.stack.toggle(int(item.data(ID_ROLE)), enabled))


def _sentence(row: FilterRow) -> str:
    return as_sentence(row.filter.sentence())
