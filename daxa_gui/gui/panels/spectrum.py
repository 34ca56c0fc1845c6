"""The spectrum of what is inspected: all good events, those that the cleaning keeps, and those of earlier results."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from daxa_gui.core.earlier import EarlierResults
from daxa_gui.core.errors import DaxaError
from daxa_gui.core.eventlist import EventList
from daxa_gui.core.spectra import CountSpectrum
from daxa_gui.core.timeseries import Gti
from daxa_gui.gui.bridge import Bridge
from daxa_gui.gui.context import Context
from daxa_gui.gui.inspected import Inspected
from daxa_gui.gui.plot_export import choose_and_save
from daxa_gui.gui.spectrum_export import SpectrumExport
from daxa_gui.gui.theme import Theme, as_muted
from daxa_gui.gui.widgets.plot import quiet_plot, style_plot
from daxa_gui.inspection import Inspection
from daxa_gui.session import Session

_TIP = (
    "Counts per second and keV as they were recorded, without response: flares raise the hard end. Wheel zooms, dragging moves."
)
_TICKS_KEV = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
_STYLES = (
    ("idle", Qt.PenStyle.DashLine, 1.0), ("good", Qt.PenStyle.SolidLine, 1.5), ("warn", Qt.PenStyle.DotLine, 2.0),
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Spectra:
    """`kept` is of what the cleaning keeps, `then` of the earlier results that are chosen; None where there is no such thing."""

    events: EventList
    whole: CountSpectrum
    kept: CountSpectrum | None
    then: CountSpectrum | None

    def shown(self) -> list[tuple[str, CountSpectrum | None]]:
        return [("all time", self.whole), ("kept by the cleaning", self.kept), ("earlier results", self.then)]


def read_spectra(
    inspection: Inspection, events: EventList, gti: Gti | None, earlier: EarlierResults | None, last: Spectra | None
) -> Spectra:
    """The three of them. The first is used again while the same list is looked at."""
    whole = last.whole if last is not None and last.events is events else inspection.spectrum(events)
    kept = inspection.spectrum(events, gti, whole) if gti is not None else None
    return Spectra(events, whole, kept, inspection.earlier_spectrum(earlier, whole) if earlier is not None else None)


class SpectrumPanel(QWidget):
    """Follows `Inspected`; works only while it can be seen."""

    def __init__(self, session: Session, context: Context, bridge: Bridge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._context = context
        self.inspected = Inspected.of(session, context, bridge)
        self.spectra: Spectra | None = None
        self._running = self._again = False
        self._build()
        for changed in (self.inspected.events_changed, self.inspected.cleaning_changed, self.inspected.earlier.choices_changed):
            changed.connect(self._ask)
        context.theme_changed.connect(self._on_context_theme_changed)
        self._on_context_theme_changed(context.theme)
        self._ask()

    def sizeHint(self) -> QSize:
        return QSize(500, 180)

    def _build(self) -> None:
        self.words = QLabel(self)
        self.words.setObjectName("spectrumWords")
        self.words.setWordWrap(True)
        self.save = QPushButton("Save", self)
        self.save.setObjectName("spectrumSave")
        self.save.setToolTip("Save the plot for a paper, or its numbers")
        menu = QMenu(self.save)
        menu.addAction("&Plot as PDF, SVG or PNG…", lambda: self._save("spectrum"))
        menu.addAction("&Numbers as CSV or ECSV…", lambda: self._save("spectrum data"))
        self.save.setMenu(menu)
        self.plot = pg.PlotWidget(self)
        self.plot.setObjectName("spectrumPlot")
        self.plot.setAccessibleName("Spectrum")
        self.plot.setToolTip(_TIP)
        self.item: pg.PlotItem = self.plot.getPlotItem()
        quiet_plot(self.item)
        self.item.setLogMode(x=True, y=True)
        self.item.setLabel("bottom", "Energy (keV)")
        self.item.getAxis("bottom").setTicks([[(math.log10(energy), f"{energy:g}") for energy in _TICKS_KEV]])
        self.item.setLabel("left", "ct/s/keV")
        self.item.getAxis("left").setTicks([[(float(n), f"{10.0**n:g}") for n in range(-8, 7)]])
        self.lines = [self.item.plot([], []) for _ in _STYLES]
        self.empty = QLabel(self)
        self.empty.setObjectName("spectrumEmpty")
        self.empty.setWordWrap(True)
        as_muted(self.empty)
        top = QHBoxLayout()
        top.addWidget(self.words, 1)
        top.addWidget(self.save, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 4)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.empty, 1)
        self._show(None, "")

    # what is worked out; one at a time, and the newest wish is never forgotten

    def _ask(self) -> None:
        events = self.inspected.events
        if events is None:
            self._show(None, "Choose an exposure, or open an event list, to see its spectrum.")
            return
        if not self.isVisible():
            return
        if self._running:
            self._again = True
            return
        self._running, self._again = True, False
        cleaning, earlier = self.inspected.cleaning, self.inspected.earlier.chosen
        gti = cleaning.gti if cleaning is not None else None
        inspection, last = self._session.inspection, self.spectra
        self._context.background.read(
            self, "spectrum", lambda: read_spectra(inspection, events, gti, earlier, last), self._on_read, self._on_error
        )

    def _on_read(self, spectra: Spectra) -> None:
        self._running = False
        if spectra.events is self.inspected.events:
            self._show(spectra, "")
        if self._again:
            self._ask()

    def _on_error(self, error: DaxaError) -> None:
        self._running = False
        self._show(None, str(error))
        if self._again:
            self._ask()

    def _show(self, spectra: Spectra | None, why_not: str) -> None:
        is_another = spectra is not None and (self.spectra is None or self.spectra.events is not spectra.events)
        self.spectra = spectra
        for widget in (self.plot, self.words):
            widget.setVisible(spectra is not None)
        self.save.setEnabled(spectra is not None)
        self.empty.setVisible(spectra is None)
        self.empty.setText(why_not)
        shown = spectra.shown() if spectra is not None else [("", None)] * len(self.lines)
        for line, (_, one) in zip(self.lines, shown, strict=True):
            line.setData(*_steps(one) if one is not None else ([], []))
        self._say()
        if is_another:
            self.item.enableAutoRange()

    def _say(self) -> None:
        theme = self._context.theme
        marks = ("╌", "━", "┅")
        parts = [
            f'<span style="color:{getattr(theme, colour)}">{mark}</span> {name} {one.live_s / 1000.0:.2f} ks'
            for (name, one), mark, (colour, _, _) in zip(
                self.spectra.shown() if self.spectra else [], marks, _STYLES, strict=False
            )
            if one is not None
        ]
        self.words.setText(" &nbsp; ".join(parts))

    def _save(self, what: str) -> None:
        spectra, subject = self.spectra, self.inspected.subject
        if spectra is None or subject is None:
            return
        exposure = subject.exposure
        title = f"{exposure.obs_id} {exposure.unit}" if exposure is not None else spectra.events.obs_id or "spectrum"
        there = tuple((name, one) for name, one in spectra.shown() if one is not None)
        choose_and_save(self, self._context, self._session, SpectrumExport(spectra.events, there, title), what)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._ask()

    def _on_context_theme_changed(self, theme: Theme) -> None:
        self.plot.setBackground(theme.base)
        style_plot(self.item, theme)
        self.item.showGrid(x=True, y=True, alpha=0.15)
        for line, (colour, style, width) in zip(self.lines, _STYLES, strict=True):
            line.setPen(pg.mkPen(getattr(theme, colour), width=width, style=style))
        self._say()


def _steps(one: CountSpectrum) -> tuple[np.ndarray, np.ndarray]:
    """x and y of a histogram-like line; bins without counts are gaps (a logarithmic axis has no zero)."""
    rate = np.where(one.counts > 0, one.rate, math.nan)
    return np.repeat(one.edges_kev, 2)[1:-1], np.repeat(rate, 2)
