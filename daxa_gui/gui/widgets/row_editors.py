"""Editors of filters that name observations one by one: ObsIDs, and rows that are kept or left out by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from daxa_gui.core.errors import InputError
from daxa_gui.core.filters import Filter, ObsIds, Picked, parse_obs_ids
from daxa_gui.gui.widgets.base_editor import FilterEditor, choice_box, entry_text, label_before
from daxa_gui.session import Session


class ObsIdsEditor(FilterEditor):
    title = "ObsIDs"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._specs = session.missions()
        self._kept: tuple[str, Filter] | None = None
        tip = "Paste or type ObsIDs; blanks, commas, semicolons and new lines separate them"
        self.text = entry_text(self, "obsIds", "ObsIDs", tip, "0999900101, 0999900201 …")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self.setFocusProxy(self.text)

    def filter(self) -> Filter:
        text = self.text.toPlainText()
        if not text.strip():
            raise InputError("Give at least one ObsID.")
        if self._kept is not None and self._kept[0] == text:
            return self._kept[1]
        found = parse_obs_ids(text)
        wrong = [
            f"« {obs_id} » ({place}.)"
            for place, obs_id in enumerate(found, 1)
            if not any(spec.is_obs_id(obs_id) for spec in self._specs)
        ]
        if wrong:
            more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
            verb = "is no ObsID" if len(wrong) == 1 else "are no ObsIDs"
            raise InputError(f"{', '.join(wrong[:3])}{more} {verb} of any mission.", "Look at the number of digits.")
        return ObsIds(found)

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, ObsIds)
        self.text.setPlainText("\n".join(item.obs_ids))
        self._kept = (self.text.toPlainText(), item)


class _AddLine(QLineEdit):
    """Enter adds what is typed instead of closing the dialog."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.text().strip():
            self.returnPressed.emit()
            event.accept()
        else:
            super().keyPressEvent(event)


class _Rows(QListWidget):
    """Delete removes the chosen rows."""

    def __init__(self, owner: PickedEditor) -> None:
        super().__init__(owner)
        self._owner = owner

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self._owner.remove_chosen()
        else:
            super().keyPressEvent(event)


class PickedEditor(FilterEditor):
    """Observations kept or left out whatever the filters say, seen together; rows are usually ticked in the tables."""

    title = "Observations by hand"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._specs = {spec.name: spec for spec in session.missions()}
        self._rows: dict[tuple[str, str], QListWidgetItem] = {}
        self.keep = QRadioButton("&Keep them, whatever the filters above say", self)
        self.keep.setObjectName("pickedKeep")
        self.keep.setToolTip("These observations are in even if a filter above leaves them out")
        self.leave_out = QRadioButton("Leav&e them out", self)
        self.leave_out.setObjectName("pickedLeaveOut")
        self.leave_out.setToolTip("These observations do not pass")
        self.keep.setChecked(True)
        self.keep.toggled.connect(lambda _on: self.changed.emit())
        self.rows = _Rows(self)
        self.rows.setObjectName("pickedRows")
        self.rows.setAccessibleName("Observations")
        self.rows.setToolTip("Delete removes the chosen ones from this list")
        self.rows.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.rows.setMinimumHeight(110)
        self.rows.itemSelectionChanged.connect(self._update_button)
        self.remove = QPushButton("&Remove from the list", self)
        self.remove.setObjectName("pickedRemove")
        self.remove.setToolTip("Take the chosen observations off this list (Delete)")
        self.remove.setAutoDefault(False)
        self.remove.clicked.connect(self.remove_chosen)
        self._build(tuple((spec.label, spec.name) for spec in self._specs.values()))
        self._update_button()
        self.setFocusProxy(self.line)

    def _build(self, missions: tuple[tuple[str, object], ...]) -> None:
        self.mission = choice_box(self, "pickedMission", "Mission", "The mission of the ObsIDs beside", missions)
        self.mission.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self.line = _AddLine(self)
        self.line.setObjectName("pickedObsIds")
        self.line.setAccessibleName("ObsIDs")
        self.line.setToolTip("One or more ObsIDs of this mission; Enter puts them on the list")
        self.line.setPlaceholderText("ObsIDs")
        self.line.textChanged.connect(lambda _text: self.changed.emit())
        self.line.returnPressed.connect(self.add_typed)
        self.add = QPushButton("Put on the l&ist", self)
        self.add.setObjectName("pickedAdd")
        self.add.setToolTip("Put these ObsIDs on the list")
        self.add.setAutoDefault(False)
        self.add.clicked.connect(self.add_typed)
        entry = QHBoxLayout()
        for widget in (self.mission, self.line, self.add):
            entry.addWidget(widget, 1 if widget is self.line else 0)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        label_before(grid, 0, "O&bservations", self.mission)
        grid.addLayout(entry, 0, 1)
        grid.addWidget(self.rows, 1, 1)
        grid.addWidget(self.remove, 2, 1, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.keep, 3, 1)
        grid.addWidget(self.leave_out, 4, 1)
        grid.setRowStretch(1, 1)
        for first, second in ((self.mission, self.line), (self.line, self.add), (self.add, self.rows), (self.rows, self.remove),
                              (self.remove, self.keep), (self.keep, self.leave_out)):  # fmt: skip
            self.setTabOrder(first, second)

    def _typed(self) -> list[tuple[str, str]]:
        """What stands in the line; raises InputError if it is no ObsID of the mission."""
        text = self.line.text().strip()
        if not text:
            return []
        spec = self._specs[self.mission.currentData()]
        found = parse_obs_ids(text)
        wrong = next((obs_id for obs_id in found if not spec.is_obs_id(obs_id)), "")
        if wrong:
            raise InputError(f"« {wrong} » is no ObsID of {spec.label}.", f"One looks like {spec.obs_id_example}.")
        return [(spec.name, obs_id) for obs_id in found]

    def add_typed(self) -> None:
        """Put what is typed on the list; the dialog says what is wrong with it."""
        try:
            typed = self._typed()
        except InputError:
            self.changed.emit()
            return
        self._put(typed)
        self.line.clear()
        self.line.setFocus(Qt.FocusReason.OtherFocusReason)

    def _put(self, rows: Iterable[tuple[str, str]]) -> None:
        for mission, obs_id in rows:
            if (mission, obs_id) not in self._rows:
                spec = self._specs.get(mission)
                item = QListWidgetItem(f"{spec.label if spec is not None else mission}  {obs_id}", self.rows)
                item.setData(Qt.ItemDataRole.UserRole, (mission, obs_id))
                self._rows[mission, obs_id] = item
        self.changed.emit()

    def remove_chosen(self) -> None:
        for item in self.rows.selectedItems():
            mission, obs_id = item.data(Qt.ItemDataRole.UserRole)
            del self._rows[mission, obs_id]
            self.rows.takeItem(self.rows.row(item))
        self._update_button()
        self.changed.emit()

    def _update_button(self) -> None:
        self.remove.setEnabled(bool(self.rows.selectedItems()))

    def filter(self) -> Filter:
        by_mission: dict[str, list[str]] = {}
        for mission, obs_id in dict.fromkeys((*self._rows, *self._typed())):
            by_mission.setdefault(mission, []).append(obs_id)
        if not by_mission:
            raise InputError("Give at least one observation, or choose « Keep in » or « Leave out » for rows of a table.")
        return picked(by_mission, keep=self.keep.isChecked())

    def set_filter(self, item: Filter) -> None:
        assert isinstance(item, Picked)
        (self.keep if item.keep else self.leave_out).setChecked(True)
        self._put((mission, obs_id) for mission, obs_ids in item.obs_ids for obs_id in obs_ids)


def picked(by_mission: Mapping[str, Iterable[str]], *, keep: bool) -> Picked:
    return Picked(tuple((mission, tuple(obs_ids)) for mission, obs_ids in by_mission.items()), keep)
