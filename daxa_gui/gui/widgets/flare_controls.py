"""The parameters of flare cleaning as a few lines of controls with units: band, bin, sigma, limits, intervals by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.timeseries import FlareCleaning, FlareParameters
from daxa_gui.gui.theme import as_muted
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.toggle import ToggleButton

TYPING_PAUSE_MS = 150


class FlareControls(QWidget):
    """Emits `edited` with complete parameters; shows what it is told to without emitting anything."""

    edited = Signal(object)  # FlareParameters
    interval_wanted = Signal(bool)  # a time region is to be chosen (or no longer)
    interval_chosen = Signal(bool)  # keep (True) or reject (False) the chosen region
    reset_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parameters: FlareParameters | None = None
        self._zero_s = 0.0
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(TYPING_PAUSE_MS)
        self._pause.timeout.connect(self._emit)
        self.band_low = number_box(
            self, "flareBandLow", "Lowest energy", "Lowest energy of the light curve in keV", " keV", 2, 0.1
        )
        self.band_high = number_box(
            self, "flareBandHigh", "Highest energy", "Highest energy of the light curve in keV", " keV", 2, 0.5
        )
        self.bin = number_box(
            self, "flareBin", "Bin length", "Length of the bins of the light curve in seconds", " s", 1, 10.0, 1e5
        )
        self.bin.setMinimum(0.1)
        self.mode = QComboBox(self)
        self.mode.setObjectName("flareLimitsMode")
        self.mode.setAccessibleName("How the limits are set")
        self.mode.setToolTip("Limits from the fitted quiet level and the number of sigma, or typed and dragged by hand")
        self.mode.addItems(["automatic", "by hand"])
        self.sigma = number_box(
            self, "flareSigma", "Number of sigma", "Limits lie this many sigma from the quiet level", " σ", 2, 0.25, 20.0
        )
        self.sigma.setMinimum(0.1)
        self.sigma.setPrefix("± ")
        self.low = number_box(self, "flareLimitLow", "Lower limit", "Bins with a lower rate are rejected", " ct/s", 4, 0.01, 1e6)
        self.high = number_box(
            self, "flareLimitHigh", "Upper limit", "Bins with a higher rate are rejected", " ct/s", 4, 0.01, 1e6
        )
        self.reset = QPushButton("Re&set", self)
        self.reset.setObjectName("flareReset")
        self.reset.setFixedWidth(self.reset.fontMetrics().horizontalAdvance("Reset") + 20)
        self.reset.setToolTip("Back to the mission's automatic cleaning, without intervals by hand")
        self.choose = ToggleButton("Select &time", self)
        self.choose.setObjectName("flareSelectTime")
        self.choose.setToolTip("Choose an interval in the light curve by dragging its edges, to keep or to reject it by hand")
        self.keep = QPushButton("Keep i&nterval", self)
        self.keep.setObjectName("flareKeep")
        self.keep.setToolTip("Count the chosen interval as good time whatever its rate is")
        self.reject = QPushButton("Re&ject interval", self)
        self.reject.setObjectName("flareReject")
        self.reject.setToolTip("Take the chosen interval out of the good time")
        self._arrange()
        self._connect()
        self.setEnabled(False)

    def _arrange(self) -> None:
        first = FlowLayout()
        first.addWidget(group(self, "Energy", self.band_low, "to", self.band_high))
        first.addWidget(group(self, "Bin", self.bin))
        first.addWidget(group(self, "Limits", self.mode, self.sigma))
        first.addWidget(group(self, self.low, "to", self.high))
        first.addWidget(self.reset)
        self.line = first
        self._chips: list[QPushButton] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(first)

    def add_view_controls(self, widgets: Sequence[QWidget]) -> None:
        """Put the panel's own controls before those of the intervals."""
        for widget in (*widgets, self.choose, self.keep, self.reject):
            self.line.addWidget(widget)

    def _connect(self) -> None:
        for box in (self.band_low, self.band_high, self.bin, self.sigma):
            box.valueChanged.connect(self._on_value_changed)
        for box in (self.low, self.high):
            box.valueChanged.connect(self._on_limit_changed)
        self.mode.activated.connect(self._on_mode_activated)
        self.reset.clicked.connect(self.reset_wanted)
        self.choose.toggled.connect(self._on_choose_toggled)
        self.keep.clicked.connect(lambda: self.interval_chosen.emit(True))
        self.reject.clicked.connect(lambda: self.interval_chosen.emit(False))
        self._on_choose_toggled(False)

    # what is shown

    def show_parameters(self, parameters: FlareParameters | None, zero_s: float, automatic: bool) -> None:
        """Show parameters; None: nothing is looked at. `automatic`: they are the mission's own."""
        self._parameters, self._zero_s = parameters, zero_s
        self.setEnabled(parameters is not None)
        if parameters is None:
            self.choose.setChecked(False)
            self._show_chips()
            return
        self._set(self.band_low, parameters.band_kev[0])
        self._set(self.band_high, parameters.band_kev[1])
        self._set(self.bin, parameters.bin_s)
        self._set(self.sigma, parameters.n_sigma)
        by_hand = parameters.limits_ct_s is not None
        self.mode.setCurrentIndex(1 if by_hand else 0)
        self.sigma.setEnabled(not by_hand)
        if parameters.limits_ct_s is not None:
            self._set(self.low, parameters.limits_ct_s[0])
            self._set(self.high, parameters.limits_ct_s[1])
        self.reset.setEnabled(not automatic)
        self._show_chips()

    def show_limits(self, cleaning: FlareCleaning) -> None:
        """The limits that were found, as long as they are automatic."""
        if self._parameters is not None and self._parameters.limits_ct_s is None:
            self._set(self.low, cleaning.fit.low_ct_s)
            self._set(self.high, cleaning.fit.high_ct_s)

    def _set(self, box: QDoubleSpinBox, value: float) -> None:
        if self._pause.isActive():
            return  # what was typed is not yet told
        box.blockSignals(True)
        box.setValue(value)
        box.blockSignals(False)

    def _show_chips(self) -> None:
        for chip in self._chips:
            self.line.removeWidget(chip)
            chip.deleteLater()
        self._chips = []
        parameters = self._parameters
        if parameters is None:
            return
        for word, sign, field in (("kept", "+", "added_s"), ("rejected", "−", "removed_s")):
            for interval in getattr(parameters, field):
                self._add_chip(word, sign, field, interval)

    def _add_chip(self, word: str, sign: str, field: str, interval: tuple[float, float]) -> None:
        low, high = ((value - self._zero_s) / 1000.0 for value in interval)
        chip = QPushButton(f"{sign} {low:.2f}–{high:.2f} ks  ✕", self)
        chip.setObjectName(f"flareInterval{len(self._chips)}")
        chip.setAccessibleName(f"Interval {word} by hand, {low:.2f} to {high:.2f} ks; press to undo")
        chip.setToolTip(f"{word.capitalize()} by hand: {low:.3f} to {high:.3f} ks. Press to undo.")
        chip.clicked.connect(lambda: self._remove(field, interval))
        self._chips.append(chip)
        self.line.addWidget(chip)
        chip.show()

    # what is wanted

    def _remove(self, field: str, interval: tuple[float, float]) -> None:
        if self._parameters is not None:
            kept = tuple(other for other in getattr(self._parameters, field) if other != interval)
            changes: dict[str, Any] = {field: kept}
            self.edited.emit(replace(self._parameters, **changes))

    def _on_choose_toggled(self, checked: bool) -> None:
        self.keep.setVisible(checked)
        self.reject.setVisible(checked)
        self.interval_wanted.emit(checked)

    def _on_value_changed(self, _value: float) -> None:
        self._pause.start()

    def _on_limit_changed(self, _value: float) -> None:
        self.mode.setCurrentIndex(1)
        self._pause.start()

    def _on_mode_activated(self, _index: int) -> None:
        self._emit()

    def _emit(self) -> None:
        if self._parameters is None:
            return
        before = self._parameters
        band = sorted((_value(self.band_low, before.band_kev[0]), _value(self.band_high, before.band_kev[1])))
        by_hand = self.mode.currentIndex() == 1
        old = before.limits_ct_s or (None, None)
        limits = sorted((_value(self.low, old[0]), _value(self.high, old[1])))
        self.edited.emit(
            replace(
                before,
                band_kev=(band[0], band[1]),
                bin_s=_value(self.bin, before.bin_s),
                n_sigma=_value(self.sigma, before.n_sigma),
                limits_ct_s=(limits[0], limits[1]) if by_hand else None,
            )
        )


def group(parent: QWidget, *parts: str | QWidget) -> QWidget:
    """Words and controls that stay together when a line is broken."""
    result = QWidget(parent)
    row = QHBoxLayout(result)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(5)
    for part in parts:
        if isinstance(part, str):
            word = QLabel(part, result)
            as_muted(word)
            row.addWidget(word)
        else:
            row.addWidget(part)
    return result


def _value(box: QDoubleSpinBox, before: float | None) -> float:
    """What is typed; the former value where the box only shows it rounded."""
    return before if before is not None and round(before, box.decimals()) == box.value() else box.value()


def number_box(
    parent: QWidget, name: str, accessible: str, tip: str, suffix: str, decimals: int, step: float, maximum: float = 1000.0
) -> QDoubleSpinBox:
    """A number with its unit. Zero is the minimum."""
    box = QDoubleSpinBox(parent)
    box.setObjectName(name)
    box.setAccessibleName(accessible)
    box.setToolTip(tip)
    box.setDecimals(decimals)
    box.setRange(0.0, maximum)
    box.setSingleStep(step)
    box.setSuffix(suffix)
    box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.UpDownArrows)
    box.setStepType(QAbstractSpinBox.StepType.DefaultStepType)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    box.setKeyboardTracking(True)
    widest = f"{min(maximum, 99.0):.{decimals}f}{suffix}" + ("± " if "σ" in suffix else "")
    box.setFixedWidth(box.fontMetrics().horizontalAdvance(widest) + 32)
    return box
