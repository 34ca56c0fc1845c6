"""What the processing grid shows: mission, states, text, failures only, order, and folding of observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, QTimer, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QPushButton, QWidget

from daxa_gui.gui.models.processing_rows import ORDERS, GridChoice
from daxa_gui.gui.widgets.flow import FlowLayout

_TYPING_MS = 200
_FOLD, _UNFOLD = "Fold &all", "Unfold &all"

# What the filter offers → the states that it shows.
STATES: dict[str, tuple[str, ...]] = {
    "Any state": (),
    "Running": ("running", "stopping"),
    "Queued": ("queued",),
    "Waiting": ("waiting",),
    "Paused": ("paused",),
    "Done": ("done",),
    "Warned": ("warned",),
    "Excluded": ("excluded",),
    "Failed": ("failed",),
    "Skipped": ("skipped",),
    "Cancelled": ("cancelled",),
}


class ProcessingBar(QWidget):
    """Emits `changed` with a GridChoice. Missions are offered while there are several, folding while something can be folded."""

    changed = Signal(object)
    fold_all_requested = Signal(bool)  # fold (else unfold)

    def __init__(self, labels: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels = labels
        self._step = -1  # whose states decide about the order
        flow = FlowLayout(self)
        self.mission = self._combo("processingMission", "Mission", "Show one mission with its steps, or all")
        self.mission.addItem("All missions", "")
        self.states = self._combo("processingStates", "State", "Show rows with a cell in this state")
        self.states.addItems(list(STATES))
        self.text = QLineEdit(self)
        self.text.setObjectName("processingText")
        self.text.setAccessibleName("Find in the processing")
        self.text.setToolTip("Show rows whose ObsID, target, instrument or mission contains this text (Ctrl+F)")
        self.text.setPlaceholderText("ObsID, target, instrument")
        self.text.setClearButtonEnabled(True)
        self.text.setMinimumWidth(self.text.fontMetrics().horizontalAdvance("ObsID, target, instrument") + 40)
        self.failures = QCheckBox("Rows with failures", self)
        self.failures.setObjectName("processingFailures")
        self.failures.setToolTip("Show rows in which a step failed")
        self.order = self._combo("processingOrder", "Order", "Order of the observations; a heading's menu sorts by its step")
        for key, label in ORDERS.items():
            self.order.addItem(label, key)
        self.fold_button = QPushButton(_FOLD, self)
        self.fold_button.setObjectName("foldAll")
        self.fold_button.setToolTip("Hide the exposures of all observations, or show them (− and + for one)")
        for widget in (self.mission, self.states, self.text, self.failures, self.order, self.fold_button):
            flow.addWidget(widget)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self._tell)
        self.text.textChanged.connect(lambda _text: self._typing.start())
        for combo in (self.mission, self.states):
            combo.currentIndexChanged.connect(lambda _index: self._tell())
        self.order.currentIndexChanged.connect(lambda _index: self._on_order_changed())
        self.failures.toggled.connect(lambda _on: self._tell())
        self.fold_button.clicked.connect(lambda _checked=False: self._on_fold())
        self.set_missions(())
        self.set_foldable(False)

    def _combo(self, name: str, title: str, tip: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setObjectName(name)
        combo.setAccessibleName(title)
        combo.setToolTip(tip)
        return combo

    def choice(self) -> GridChoice:
        by_step = self._step >= 0
        return GridChoice(
            self.mission.currentData() or "", STATES[self.states.currentText()], self.text.text().strip(),
            self.failures.isChecked(), "step" if by_step else self.order.currentData(), self._step,
        )  # fmt: skip

    def set_missions(self, missions: Sequence[str]) -> None:
        """What is chosen stays so while it is there."""
        shown = [self.mission.itemData(index) for index in range(1, self.mission.count())]
        if shown != list(missions):
            chosen = self.mission.currentData()
            with QSignalBlocker(self.mission):
                while self.mission.count() > 1:
                    self.mission.removeItem(1)
                for mission in missions:
                    self.mission.addItem(self._labels.get(mission, mission), mission)
                self.mission.setCurrentIndex(max(0, self.mission.findData(chosen)))
            if self.mission.currentData() != chosen:
                self._tell()
        self.mission.setVisible(len(missions) > 1)

    def set_foldable(self, foldable: bool) -> None:
        self.fold_button.setVisible(foldable)

    def sort_by_step(self, step_number: int, label: str) -> None:
        """By the states in one step, what failed first; the choice of an order ends it."""
        with QSignalBlocker(self.order):
            self._forget_step()
            self._step = step_number
            self.order.addItem(f"By « {label} »", "step")
            self.order.setCurrentIndex(self.order.count() - 1)
        self._tell()

    def _on_order_changed(self) -> None:
        if self.order.currentData() != "step":
            with QSignalBlocker(self.order):
                self._forget_step()
            self._tell()

    def _forget_step(self) -> None:
        self._step = -1
        at = self.order.findData("step")
        if at >= 0:
            self.order.removeItem(at)

    def show_everything(self) -> None:
        """No filter any more."""
        with QSignalBlocker(self.states), QSignalBlocker(self.text), QSignalBlocker(self.failures):
            self.states.setCurrentIndex(0)
            self.text.clear()
            self.failures.setChecked(False)
        self._tell()

    def _on_fold(self) -> None:
        fold = self.fold_button.text() == _FOLD
        self.fold_button.setText(_UNFOLD if fold else _FOLD)
        self.fold_all_requested.emit(fold)

    def _tell(self) -> None:
        self._typing.stop()
        self.changed.emit(self.choice())
