"""The controls of the image panel: source, before and after, energies, smoothing, stretch, cuts, colours."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.product import Product
from daxa_gui.gui.picture import Look, Pair
from daxa_gui.gui.widgets.colour_maps import COLOUR_MAPS, label
from daxa_gui.gui.widgets.flare_controls import TYPING_PAUSE_MS, group, number_box
from daxa_gui.gui.widgets.flow import FlowLayout
from daxa_gui.gui.widgets.stretch import STRETCHES
from daxa_gui.gui.widgets.toggle import ToggleButton

_TIMES = (
    ("before", "&Before", "All good time of the file, flares included"),
    ("after", "Afte&r", "Only the time that the flare cleaning keeps"),
    ("blink", "Blin&k", "Before and after in turn, with the same cuts (B)"),
)
_SPLIT_TIP = "The first image left of a line, the second one right of it, with the same cuts; drag the line"
_SPLIT_NOT = "The two images have other pixels: they can be shown in turn only"
_SPLIT_ONE = "There is one image only: before and after cleaning, or now and earlier results, can be shown side by side"
_BLINK_TIP = "The present image and that of the chosen configuration in turn, with the same cuts and the same part of the sky (C)"


class ImageControls(QWidget):
    """Knows what is wanted; the panel asks it."""

    changed = Signal()  # band, smoothing, stretch or cuts
    source_chosen = Signal()
    time_chosen = Signal(str)  # "before", "after", "blink"
    split_chosen = Signal()  # two images side by side were wanted, or no longer
    earlier_blink = Signal()  # blinking between now and the chosen configuration was begun or ended
    colour_map_chosen = Signal(str)
    whole_wanted = Signal()

    def __init__(self, earlier: QComboBox, parent: QWidget | None = None) -> None:
        """`earlier` is where configurations are chosen."""
        super().__init__(parent)
        self._has_energies = True
        self.earlier = earlier
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(TYPING_PAUSE_MS)
        self._pause.timeout.connect(self.changed)
        self.source = self._combo("imageSource", "What is shown", "The events themselves, or an image of the archive")
        self.source.setMaximumWidth(190)
        self.source.addItem("events", None)
        self.source.activated.connect(lambda _index: self.source_chosen.emit())
        self._make_times()
        self.blink_earlier = ToggleButton("Blink with now", self)
        self.blink_earlier.setObjectName("imageBlinkEarlier")
        self.blink_earlier.setFixedWidth(self.blink_earlier.fontMetrics().horizontalAdvance("Blink with now") + 18)
        self.blink_earlier.clicked.connect(lambda _checked: self.earlier_blink.emit())
        self.split = ToggleButton("Split", self)
        self.split.setObjectName("imageSplit")
        self.split.setFixedWidth(self.split.fontMetrics().horizontalAdvance("Split") + 18)
        self.split.clicked.connect(lambda _checked: self.split_chosen.emit())
        self.show_split(False, False)
        self.show_earlier("")
        self._make_numbers()
        self.stretch = self._combo("imageStretch", "Stretch", "How values become brightness between the cuts")
        self.stretch.addItems(STRETCHES)
        self.stretch.setCurrentText("sqrt")
        self.stretch.currentIndexChanged.connect(self.changed)
        self.colours = self._combo("imageColours", "Colour map", "Colour maps whose steps look equal in size")
        for name in COLOUR_MAPS:
            self.colours.addItem(label(name), name)
        self.colours.currentIndexChanged.connect(lambda _index: self.colour_map_chosen.emit(self.colour_map()))
        self.whole = QPushButton("Show all", self)
        self.whole.setObjectName("imageShowAll")
        self.whole.setFixedWidth(self.whole.fontMetrics().horizontalAdvance("Show all") + 18)
        self.whole.setToolTip("The whole image (wheel zooms, dragging moves)")
        self.whole.clicked.connect(self.whole_wanted)
        self._arrange()

    def _combo(self, name: str, accessible: str, tip: str) -> QComboBox:
        combo = QComboBox(self)
        combo.setObjectName(name)
        combo.setAccessibleName(accessible)
        combo.setToolTip(tip)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        combo.setMaximumWidth(150)
        return combo

    def _make_times(self) -> None:
        self._times = QButtonGroup(self)
        self.times: dict[str, ToggleButton] = {}
        for name, text, tip in _TIMES:
            button = ToggleButton(text, self)
            button.setObjectName(f"image{name.capitalize()}")
            button.setFixedWidth(button.fontMetrics().horizontalAdvance(text) + 18)
            button.setToolTip(tip)
            self._times.addButton(button)
            self.times[name] = button
            button.clicked.connect(lambda _checked, name=name: self.time_chosen.emit(name))
        self.times["before"].setChecked(True)

    def _make_numbers(self) -> None:
        of_filled = "Percentile of the pixels that hold something;"
        self.band_low = number_box(self, "imageBandLow", "Lowest energy", "Lowest energy of the image in keV", " keV", 2, 0.1)
        self.band_high = number_box(self, "imageBandHigh", "Highest energy", "Highest energy of the image in keV", " keV", 2, 0.5)
        smooth = "Sigma of a Gaussian in image pixels; 0 for none"
        self.sigma = number_box(self, "imageSmooth", "Smoothing", smooth, " px", 1, 0.5, 20.0)
        self.sigma.setSpecialValueText("none")
        darkest = f"{of_filled} lower values are drawn darkest (0: the value zero)"
        self.low = number_box(self, "imageCutLow", "Lower cut", darkest, " %", 1, 1.0, 99.9)
        self.high = number_box(self, "imageCutHigh", "Upper cut", f"{of_filled} higher values are brightest", " %", 2, 0.1, 100.0)
        self.high.setValue(99.5)
        for box in (self.band_low, self.band_high, self.sigma, self.low, self.high):
            box.valueChanged.connect(lambda _value: self._pause.start())

    def _arrange(self) -> None:
        self.energy = group(self, "Energy", self.band_low, "to", self.band_high)
        lines: tuple[tuple[QWidget, ...], ...] = (
            (self.source, *self.times.values(), self.earlier, self.blink_earlier, self.split, self.whole),
            (self.energy, group(self, "Smooth", self.sigma)),
            (group(self, self.stretch, self.colours), group(self, "Cuts", self.low, "to", self.high)),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for line in lines:
            flow = FlowLayout()
            for widget in line:
                flow.addWidget(widget)
            layout.addLayout(flow)

    # what is shown

    def show_sources(self, sources: Sequence[tuple[str, Product | None]], chosen: Product | None) -> None:
        """Offer the images of an exposure besides its events."""
        before = self.chosen_source()
        self.source.clear()
        self.source.addItem("events", None)
        for text, product in sources:
            self.source.addItem(text, product)
        wanted = chosen if chosen is not None else before
        for index in range(1, self.source.count()):
            product = self.source.itemData(index)
            if wanted is not None and product.path == wanted.path:
                self.source.setCurrentIndex(index)

    def show_band(self, band_kev: tuple[float, float] | None) -> None:
        """The band that the mission usually makes images of; None: there are no energies."""
        self._has_energies = band_kev is not None
        for box, value in zip((self.band_low, self.band_high), band_kev or (0.0, 0.0), strict=True):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)

    def show_events(self, events_shown: bool, cleaned: bool, pair: Pair | None = None) -> None:
        """Energies make sense for events only, before and after only if there is a cleaning. `pair`: files of now and of earlier
        results are compared."""
        for widget in self.times.values():
            widget.setVisible(events_shown and pair is None)
        of_lists = events_shown or (pair is not None and pair.now.is_list)
        self.energy.setVisible(of_lists)
        self.source.setVisible(self.source.count() > 1)
        for box in (self.band_low, self.band_high):
            box.setEnabled(of_lists and self._has_energies)
        for name, button in self.times.items():
            button.setEnabled(events_shown and (cleaned or name == "before"))

    def show_earlier(self, why_not: str) -> None:
        """`why_not`: why what is shown cannot be compared with the chosen configuration."""
        chosen = self.earlier.currentIndex() > 0
        self.blink_earlier.setEnabled(chosen and not why_not)
        if not self.blink_earlier.isEnabled():
            self.blink_earlier.setChecked(False)
        missing = self.earlier.toolTip() if not self.earlier.isEnabled() else "Choose earlier results on the left to blink with."
        self.blink_earlier.setToolTip(_BLINK_TIP if self.blink_earlier.isEnabled() else why_not or missing)

    def show_split(self, possible: bool, two: bool) -> None:
        """Whether two images can be shown side by side; `two`: whether there are two at all."""
        self.split.setEnabled(possible)
        self.split.setToolTip(_SPLIT_TIP if possible else _SPLIT_NOT if two else _SPLIT_ONE)

    def is_split(self) -> bool:
        """Stays wanted while there is one image only."""
        return self.split.isChecked()

    def toggle_earlier_blink(self) -> None:
        """Start or stop blinking between now and the chosen configuration."""
        if self.blink_earlier.isEnabled():
            self.blink_earlier.click()

    def blinks_earlier(self) -> bool:
        return self.blink_earlier.isEnabled() and self.blink_earlier.isChecked()

    def toggle_blink(self) -> None:
        """Start or stop blinking."""
        name = "after" if self.time_style() == "blink" else "blink"
        if self.times[name].isEnabled():
            self.times[name].click()

    # what is wanted

    def chosen_source(self) -> Product | None:
        """The chosen product, None for the events (or the opened image file)."""
        product = self.source.currentData()
        return product if isinstance(product, Product) else None

    def time_style(self) -> str:
        """ "before", "after" or "blink"; always "before" where nothing else makes sense."""
        checked = next(name for name, button in self.times.items() if button.isChecked())
        return checked if self.times[checked].isEnabled() else "before"

    def band_kev(self) -> tuple[float, float] | None:
        if not self._has_energies:
            return None
        low, high = sorted((self.band_low.value(), self.band_high.value()))
        return low, high

    def look(self) -> Look:
        low, high = sorted((self.low.value(), self.high.value()))
        return Look(self.stretch.currentText(), low, high, self.sigma.value())

    def colour_map(self) -> str:
        return str(self.colours.currentData())
