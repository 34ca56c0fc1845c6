"""The servers that files come from: how many files of each run and wait, a pause for each, and the limits for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from daxa_gui.gui.texts import count_text
from daxa_gui.gui.widgets.elided import ElidedLabel
from daxa_gui.gui.widgets.flow import FlowLayout

_TYPING_MS = 600  # so that « 12 » is not first 1 and then 12


@dataclass(frozen=True)
class LaneCounts:
    """Files of one lane by what they do."""

    running: int
    queued: int
    paused: int = 0


def lane_label(lane: str) -> str:
    """The name of the server."""
    name = lane.removeprefix("host:")
    return "practice sky" if name == "practice" else name


def lane_sentence(counts: LaneCounts, paused: bool, limit: int) -> str:
    """« paused · 2 running, 14 queued », « 4 running (at most 4), 212 queued »."""
    most = f" (at most {limit})" if counts.running >= limit and not paused else ""
    parts = [f"{count_text(counts.running)} running{most}", f"{count_text(counts.queued)} queued"]
    if counts.paused:
        parts.append(f"{count_text(counts.paused)} paused")
    return ("paused · " if paused else "") + ", ".join(parts)


class _LaneLine:
    """Name, counts and pause of one lane."""

    def __init__(self, bar: LanesBar, lane: str, grid: QGridLayout, line: int) -> None:
        self.name = ElidedLabel(bar)
        self.name.setText(lane_label(lane))
        self.name.setToolTip(f"Files that come from {lane_label(lane)}")
        self.state = QLabel(bar)
        self.button = QPushButton("Pause", bar)
        self.button.setObjectName(f"pauseLane_{lane_label(lane)}")
        self.button.setAutoDefault(False)
        self.button.clicked.connect(lambda: bar.pause_requested.emit(lane, self.button.text() == "Pause"))
        grid.addWidget(self.name, line, 0)
        grid.addWidget(self.state, line, 1)
        grid.addWidget(self.button, line, 2)
        self._lane = lane_label(lane)

    def show_counts(self, counts: LaneCounts, paused: bool, limit: int) -> None:
        self.state.setText(lane_sentence(counts, paused, limit))
        self.button.setText("Resume" if paused else "Pause")
        self.button.setAccessibleName(f"{self.button.text()} {self._lane}")
        self.button.setToolTip(
            f"Go on with the files of {self._lane}" if paused else f"Begin no more files of {self._lane}; those that run go on"
        )

    def remove(self, grid: QGridLayout) -> None:
        for widget in (self.name, self.state, self.button):
            grid.removeWidget(widget)
            widget.hide()
            widget.deleteLater()


class LanesBar(QWidget):
    """`show_lanes` is called as often as counts change; only what differs is drawn anew."""

    pause_requested = Signal(str, bool)  # lane, pause (else resume)
    bandwidth_changed = Signal(float)  # bytes a second; 0: no limit
    limit_changed = Signal(int)  # files at a time from one server

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lanesBar")
        self._lines: dict[str, _LaneLine] = {}
        self._shown: dict[str, tuple[LaneCounts, bool, int]] = {}
        self._grid = QGridLayout()
        self._grid.setColumnStretch(0, 1)
        self._grid.setVerticalSpacing(2)
        self._build_limits()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self._grid)
        layout.addWidget(self._limits)

    def _build_limits(self) -> None:
        self._limits = QWidget(self)
        flow = FlowLayout(self._limits, spacing=6)
        self.bandwidth = QDoubleSpinBox(self._limits)
        self.bandwidth.setObjectName("bandwidthLimit")
        self.bandwidth.setRange(0.0, 10_000.0)
        self.bandwidth.setDecimals(2)
        self.bandwidth.setSpecialValueText("no limit")
        self.bandwidth.setSuffix(" MB/s")
        self.bandwidth.setAccessibleName("Bandwidth of all downloads together, MB/s")
        self.bandwidth.setToolTip("How many megabytes a second all downloads together may fetch; 0: no limit")
        self.limit = QSpinBox(self._limits)
        self.limit.setObjectName("connectionLimit")
        self.limit.setRange(1, 32)
        self.limit.setAccessibleName("Files at a time from one server")
        self.limit.setToolTip("How many files may be fetched from one server at the same time")
        for text, widget in (("Ma&x. bandwidth", self.bandwidth), ("C&onnections per host", self.limit)):
            label = QLabel(text, self._limits)
            label.setBuddy(widget)
            flow.addWidget(label)
            flow.addWidget(widget)
        self._typing: dict[QWidget, QTimer] = {}
        for spin, tell in ((self.bandwidth, self._tell_bandwidth), (self.limit, self._tell_limit)):
            timer = QTimer(self)
            timer.setSingleShot(True)
            timer.setInterval(_TYPING_MS)
            timer.timeout.connect(tell)
            spin.valueChanged.connect(timer.start)
            self._typing[spin] = timer

    def _tell_bandwidth(self) -> None:
        self.bandwidth_changed.emit(self.bandwidth.value() * 1e6)

    def _tell_limit(self) -> None:
        self.limit_changed.emit(self.limit.value())

    def set_limits(self, bandwidth_bytes_s: float, connections: int) -> None:
        """What the settings say; nothing is emitted. An entry in which somebody types is left alone."""
        values: tuple[tuple[QDoubleSpinBox | QSpinBox, float], ...] = (
            (self.bandwidth, bandwidth_bytes_s / 1e6),
            (self.limit, connections),
        )
        for spin, value in values:
            if not spin.hasFocus() and not self._typing[spin].isActive() and spin.value() != value:
                blocked = spin.blockSignals(True)
                spin.setValue(value)  # type: ignore[arg-type]
                spin.blockSignals(blocked)

    def show_lanes(self, lanes: Mapping[str, tuple[LaneCounts, bool]], limit: int) -> None:
        """By lane: its counts and whether it is paused. Lanes without unfinished files are left out by whoever calls."""
        for lane in [lane for lane in self._lines if lane not in lanes]:
            self._lines.pop(lane).remove(self._grid)
            self._shown.pop(lane, None)
        for lane, (counts, paused) in lanes.items():
            if lane not in self._lines:
                self._lines[lane] = _LaneLine(self, lane, self._grid, self._grid.rowCount())
                self._put_in_tab_order()
            if self._shown.get(lane) != (counts, paused, limit):
                self._shown[lane] = counts, paused, limit
                self._lines[lane].show_counts(counts, paused, limit)

    def _put_in_tab_order(self) -> None:
        """After what stands above them, before the limits, from top to bottom."""
        buttons: list[QWidget] = [line.button for line in self._lines.values()]
        before: QWidget | None = self.bandwidth.previousInFocusChain()
        while before is not None and (before in buttons or not before.focusPolicy() & Qt.FocusPolicy.TabFocus):
            before = before.previousInFocusChain()
        for button in buttons:
            if before is not None:
                QWidget.setTabOrder(before, button)
            before = button
