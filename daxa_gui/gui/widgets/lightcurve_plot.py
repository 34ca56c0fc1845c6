"""Rate against time with accepted and rejected bins, good-time bars, the histogram of rates beside it, and draggable limits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QWidget

from daxa_gui.core.earlier import Screening
from daxa_gui.core.timeseries import FlareCleaning, FlareParameters
from daxa_gui.gui.theme import LIGHT, Theme
from daxa_gui.gui.widgets.gti_strip import GtiStrip
from daxa_gui.gui.widgets.lightcurve_overlay import PRESENT, THEN, LightcurveOverlay
from daxa_gui.gui.widgets.plot import TimeAxis, bars, peaks, quiet_plot, steps, style_axis, style_plot

SYMBOLS_UP_TO = 1500  # bins; more symbols than that hide each other and cost time
STEPS_UP_TO = 3000  # bins in view; of more only the lowest and highest of a few are drawn, and no dashes
AXIS_WIDTH = 62
SIBLING_HEIGHT = 44
LANE = 0.86  # of the height of a sibling that its curve may use
# left edges (ks), width (ks), rates (ct/s), accepted, rejected
_Bins = tuple[NDArray[np.float64], float, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]
_Line = tuple[NDArray[np.float64], NDArray[np.float64]]


class LightcurvePlot(pg.GraphicsLayoutWidget):
    """Time is in ks since `zero_s`. Dragging a limit emits `limits_changed`; nothing else changes until `show_cleaning`."""

    limits_changed = Signal(float, float)  # ct/s, while a limit is dragged

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = LIGHT
        self._zero_s = 0.0
        self._cleaning: FlareCleaning | None = None
        self._bins: _Bins | None = None
        self._siblings: list[tuple[str, FlareCleaning]] = []
        self._parameters = FlareParameters()
        self._setting = False
        self.near_limits = False
        self.ci.layout.setSpacing(2)
        self.ci.layout.setContentsMargins(2, 2, 6, 2)
        self._build_plots()
        self._build_items()
        self.set_theme(LIGHT)

    def _build_plots(self) -> None:
        self.time_axis = TimeAxis("bottom")
        self.strip = self.addPlot(row=0, col=0, enableMenu=False)
        self.gti = GtiStrip(self.strip)
        self.main = self.addPlot(row=1, col=0, enableMenu=False, axisItems={"bottom": self.time_axis})
        self.histogram = self.addPlot(row=1, col=1, enableMenu=False)
        self.histogram.setYLink(self.main)
        self.histogram.setMouseEnabled(x=False, y=True)
        self.histogram.getAxis("left").setStyle(showValues=False)
        self.histogram.getAxis("left").setWidth(8)
        self.strip.setXLink(self.main)
        for plot in (self.strip, self.main, self.histogram):
            quiet_plot(plot)
        for plot in (self.strip, self.main):
            plot.getAxis("left").setWidth(AXIS_WIDTH)
        self.main.vb.sigXRangeChanged.connect(self._on_main_x_range_changed)
        self.ci.layout.setColumnStretchFactor(0, 3)
        self.ci.layout.setColumnStretchFactor(1, 1)
        self.others = self.addPlot(row=2, col=0, enableMenu=False)
        self.others.setMouseEnabled(x=True, y=False)
        self.others.hideAxis("bottom")
        self.others.getAxis("left").setWidth(AXIS_WIDTH)
        self.others.setXLink(self.main)
        quiet_plot(self.others)

    def _build_items(self) -> None:
        self._errors = pg.ErrorBarItem(x=np.zeros(0), y=np.zeros(0), height=np.zeros(0))
        self._rejected = pg.PlotDataItem(connect="finite")
        self._accepted = pg.PlotDataItem(connect="finite")
        self._rejected_points = pg.ScatterPlotItem(pxMode=True, size=5, symbol="o")
        self._accepted_points = pg.ScatterPlotItem(pxMode=True, size=5, symbol="o")
        for item in (self._errors, self._rejected, self._rejected_points, self._accepted, self._accepted_points):
            self.main.addItem(item)
        self._bars = pg.BarGraphItem(x0=[], x1=[], y0=[], y1=[])
        self._histogram_bars = pg.BarGraphItem(x0=[], x1=[], y0=[], y1=[])
        self._gaussian = pg.PlotDataItem()
        self.histogram.addItem(self._histogram_bars)
        self.histogram.addItem(self._gaussian)
        self.overlay = LightcurveOverlay(self.main)
        self._lines = {
            (plot, which): self._limit_line(plot, which) for plot in (self.main, self.histogram) for which in ("low", "high")
        }
        self._others_rejected = pg.PlotDataItem(connect="finite")
        self._others_accepted = pg.PlotDataItem(connect="finite")
        self.others.addItem(self._others_rejected)
        self.others.addItem(self._others_accepted)
        self.region = pg.LinearRegionItem(movable=True)
        self.region.setZValue(20)
        self.region.hide()
        self.main.addItem(self.region, ignoreBounds=True)

    def _limit_line(self, plot: pg.PlotItem, which: str) -> pg.InfiniteLine:
        # beside the histogram there is room for the numbers, above the upper line and below the lower one
        options = {"position": 0.97, "anchors": [(1, 1) if which == "high" else (1, 0)] * 2}
        labelled = plot is self.histogram
        line = pg.InfiniteLine(angle=0, movable=True, label="" if labelled else None, labelOpts=options if labelled else None)
        line.setZValue(10)
        line.setCursor(Qt.CursorShape.SizeVerCursor)
        line.sigPositionChanged.connect(lambda moved: self._on_line_moved(which, moved))
        line.hide()
        plot.addItem(line, ignoreBounds=True)
        return line

    # what is shown

    def clear_cleaning(self) -> None:
        """Nothing is looked at."""
        self._cleaning = self._bins = None
        empty = np.zeros(0)
        for curve in (self._accepted, self._rejected, self._gaussian):
            curve.setData(empty, empty)
        for points in (self._accepted_points, self._rejected_points):
            points.setData([], [])
        self._errors.setData(x=empty, y=empty, height=empty)
        self._histogram_bars.setOpts(**bars(empty, empty, 0.0, 1.0))
        self.gti.clear()
        self.overlay.show(None, None, self._zero_s)
        for line in self._lines.values():
            line.hide()
        self.show_siblings([])

    def show_cleaning(self, cleaning: FlareCleaning, parameters: FlareParameters, zero_s: float, start_mjd: float | None) -> None:
        """Paint a cleaning. The view stays where it is unless another exposure or another band is shown."""
        before, self._cleaning = self._cleaning, cleaning
        another = zero_s != self._zero_s or before is None or _scale(before) != _scale(cleaning)
        self._zero_s, self._parameters = zero_s, parameters
        self.time_axis.set_start(start_mjd)
        band = cleaning.curve.band_kev
        self.main.setLabel("left", f"Rate {band[0]:g}–{band[1]:g} keV (ct/s)")
        self._show_curve(cleaning)
        self._show_histogram(cleaning)
        self.gti.show(cleaning, parameters, zero_s)
        self._show_limits(cleaning)
        if another:
            self.show_all()

    def _show_curve(self, cleaning: FlareCleaning) -> None:
        curve = cleaning.curve
        left = (curve.start_s - self._zero_s) / 1000.0
        width = curve.bin_s / 1000.0
        known = np.isfinite(curve.rate)
        accepted, rejected = known & cleaning.accepted, known & ~cleaning.accepted
        self._bins = (left, width, curve.rate, accepted, rejected)
        self._draw_lines()
        few = len(curve.rate) <= SYMBOLS_UP_TO
        centre = left + width / 2.0
        for points, mask in ((self._accepted_points, accepted), (self._rejected_points, rejected)):
            points.setData(centre[mask], curve.rate[mask]) if few else points.setData([], [])
        shown = known & (curve.live_s > 0) if few else np.zeros(len(known), bool)
        spread = np.sqrt(np.maximum(curve.counts[shown], 1)) / np.maximum(curve.live_s[shown], 1e-9)
        self._errors.setData(x=centre[shown], y=curve.rate[shown], height=2.0 * spread)

    def _draw_lines(self) -> None:
        """The bins in view as steps, or as peaks where they are many."""
        if self._bins is None:
            return
        left, width, rate, accepted, rejected = self._bins
        first, behind = 0, len(left)
        if behind > STEPS_UP_TO:
            low, high = self.main.viewRange()[0]
            first, behind = (int(n) for n in np.searchsorted(left, (low - width, high)))
        part = slice(first, behind)
        many = behind - first > STEPS_UP_TO
        for item, mask in ((self._accepted, accepted), (self._rejected, rejected)):
            bins = left[part], width, rate[part], mask[part]
            item.setData(*(peaks(*bins, STEPS_UP_TO // 2) if many else steps(*bins)))
        style = Qt.PenStyle.SolidLine if many else Qt.PenStyle.DashLine
        self._rejected.setPen(pg.mkPen(self._theme.idle, width=1, style=style))

    def _on_main_x_range_changed(self, *_: object) -> None:
        if self._bins is not None and len(self._bins[0]) > STEPS_UP_TO:
            self._draw_lines()

    def _show_histogram(self, cleaning: FlareCleaning) -> None:
        fit = cleaning.fit
        filled = fit.counts > 0
        low, high, counts = fit.edges_ct_s[:-1][filled], fit.edges_ct_s[1:][filled], fit.counts[filled]
        self._histogram_bars.setOpts(
            **{**bars(low, high, 0.0, 1.0), "x0": np.zeros(len(low)), "x1": counts, "y0": low, "y1": high}
        )
        if fit.fitted and fit.sigma_ct_s > 0:
            rate = np.linspace(max(0.0, fit.centre_ct_s - 5 * fit.sigma_ct_s), fit.centre_ct_s + 5 * fit.sigma_ct_s, 200)
            self._gaussian.setData(fit.gaussian(rate), rate)
        else:
            self._gaussian.setData([], [])
        top = max(float(counts.max()) if len(counts) else 0.0, fit.height if fit.fitted else 0.0)
        self.histogram.setXRange(0.0, top or 1.0, padding=0.05)

    def show_others(self, then: Screening | None, present: Screening | None) -> None:
        """What earlier results found, and what the missions' software found where the present good time is its."""
        lanes = [(present.label, present.gti, PRESENT)] if present is not None and present.gti is not None else []
        lanes += [("then", then.gti, THEN)] if then is not None and then.gti is not None else []
        self.gti.show_others(lanes, self._zero_s)
        self.overlay.show(then, present, self._zero_s)

    def _show_limits(self, cleaning: FlareCleaning) -> None:
        fit = cleaning.fit
        wanted = self._parameters.limits_ct_s or (fit.low_ct_s, fit.high_ct_s)
        self._setting = True
        for (plot, which), line in self._lines.items():
            value = wanted[0] if which == "low" else wanted[1]
            line.show()
            if not line.moving:
                line.setValue(value)
            if plot is self.histogram:
                line.label.setFormat(f"{value:.4g} ct/s")
        self._setting = False

    def _ks(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        return (np.asarray(seconds, float) - self._zero_s) / 1000.0

    def show_siblings(self, siblings: Sequence[tuple[str, FlareCleaning]]) -> None:
        """Other exposures of the observation, stacked below on the same time axis, each from zero to a rate of its own."""
        self._siblings = list(siblings)
        self.others.setVisible(bool(siblings))
        self.others.setMaximumHeight(SIBLING_HEIGHT * len(siblings))
        self.others.setMinimumHeight(SIBLING_HEIGHT * len(siblings))
        ticks: list[tuple[float, str]] = []
        lanes = []
        for number, (label, cleaning) in enumerate(siblings):
            bottom, top = float(len(siblings) - 1 - number), _sibling_top(cleaning)
            ticks += [(bottom + 0.4 * LANE, label), (bottom + LANE, f"{top:.3g}")]
            lanes.append(self._lane(cleaning, bottom, top))
        self.others.getAxis("left").setTicks([ticks])
        self.others.setYRange(0.0, max(1.0, float(len(siblings))), padding=0.02)
        for curve, which in ((self._others_accepted, 0), (self._others_rejected, 1)):
            parts = [lane[which] for lane in lanes]
            curve.setData(*(np.concatenate(axis) for axis in zip(*parts, strict=True))) if parts else curve.setData([], [])

    def _lane(self, cleaning: FlareCleaning, bottom: float, top: float) -> tuple[_Line, _Line]:
        """The accepted and the rejected line of a sibling."""
        curve = cleaning.curve
        left, known = self._ks(curve.start_s), np.isfinite(curve.rate)
        height = bottom + LANE * np.minimum(curve.rate / top, 1.0)
        masks = (known & cleaning.accepted, known & ~cleaning.accepted)
        bins = left, curve.bin_s / 1000.0, height
        many = len(left) > STEPS_UP_TO
        accepted, rejected = (peaks(*bins, mask, STEPS_UP_TO // 2) if many else steps(*bins, mask) for mask in masks)
        return accepted, rejected

    # what is in view

    def show_all(self) -> None:
        """The whole exposure; all rates, or those around the limits if `near_limits`."""
        if self._cleaning is None:
            return
        curve, fit = self._cleaning.curve, self._cleaning.fit
        left = self._ks(curve.start_s)
        if len(left):
            self.main.setXRange(float(left[0]), float(left[-1]) + curve.bin_s / 1000.0, padding=0.02)
        rates = curve.rate[np.isfinite(curve.rate)]
        top = float(rates.max()) if len(rates) else 1.0
        if self.near_limits:
            top = min(top, fit.high_ct_s + 1.0 * (fit.high_ct_s - min(fit.low_ct_s, fit.centre_ct_s)))
        top = max(top, 1.18 * fit.high_ct_s if np.isfinite(fit.high_ct_s) and not self.near_limits else 0.0, 1e-6)
        self.main.setYRange(-0.1 * top, top, padding=0.03)  # below zero stands the number of the lower limit

    def set_near_limits(self, near: bool) -> None:
        self.near_limits = near
        self.show_all()

    def set_clock(self, clock: bool) -> None:
        self.time_axis.set_clock(clock)

    # a time region chosen by hand

    def show_region(self, shown: bool) -> None:
        """Show or hide the region; it appears in the middle of what is in view."""
        if shown and not self.region.isVisible():
            low, high = self.main.viewRange()[0]
            middle, half = (low + high) / 2.0, (high - low) * 0.06
            self.region.setRegion((middle - half, middle + half))
        self.region.setVisible(shown)

    def region_s(self) -> tuple[float, float]:
        """The chosen interval in mission seconds."""
        low, high = self.region.getRegion()
        return low * 1000.0 + self._zero_s, high * 1000.0 + self._zero_s

    def _on_line_moved(self, which: str, moved: pg.InfiniteLine) -> None:
        if self._setting:
            return
        others = {side: float(line.value()) for (_, side), line in self._lines.items() if line is not moved and side != which}
        value = max(0.0, float(moved.value()))
        low, high = (min(value, others["high"]), others["high"]) if which == "low" else (others["low"], max(value, others["low"]))
        self._setting = True
        for (_, side), line in self._lines.items():
            if side == which and line is not moved:
                line.setValue(low if which == "low" else high)
        self._setting = False
        self.limits_changed.emit(low, high)

    def limit_line(self, which: str) -> pg.InfiniteLine:
        """The line « low » or « high » of the light curve."""
        return self._lines[self.main, which]

    def limit_place(self, which: str) -> QPoint:
        """Where the middle of a limit line is drawn, in pixels of this widget."""
        x = sum(self.main.viewRange()[0]) / 2.0
        return self.mapFromScene(self.main.vb.mapViewToScene(QPointF(x, self._lines[self.main, which].value())))

    # colours

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.setBackground(theme.base)
        for plot in (self.strip, self.main, self.histogram, self.others):
            style_plot(plot, theme)
        style_axis(self.time_axis, theme)
        self.main.showGrid(x=True, y=True, alpha=0.15)
        for name in ("left", "bottom"):
            # Lines at the labelled ticks only: the many fine ones between them cost more to paint than all the data.
            self.main.getAxis(name).setStyle(maxTickLevel=0)
        self.histogram.setLabel("bottom", "Histogram of rates")
        good, idle = QColor(theme.good), QColor(theme.idle)
        self._accepted.setPen(pg.mkPen(good, width=1.5))
        self._accepted_points.setPen(pg.mkPen(good))
        self._accepted_points.setBrush(pg.mkBrush(good))
        self._rejected_points.setPen(pg.mkPen(idle))
        self._rejected_points.setBrush(pg.mkBrush(theme.base))
        self._others_accepted.setPen(pg.mkPen(good, width=1.5))
        self._others_rejected.setPen(pg.mkPen(idle, width=1, style=Qt.PenStyle.DashLine))
        self._errors.setData(pen=pg.mkPen(_faint(idle, 110)))
        self._histogram_bars.setOpts(pen=pg.mkPen(None), brush=pg.mkBrush(_faint(idle, 150)))
        self._gaussian.setPen(pg.mkPen(theme.accent, width=2))
        self.gti.set_theme(theme)
        self.overlay.set_theme(theme)
        for line in self._lines.values():
            line.setPen(pg.mkPen(theme.accent, width=1.5, style=Qt.PenStyle.DashDotLine))
            line.setHoverPen(pg.mkPen(theme.accent, width=3.5))
            if getattr(line, "label", None) is not None:
                line.label.setColor(theme.accent)
                line.label.fill = pg.mkBrush(_faint(QColor(theme.base), 200))
        self.region.setBrush(pg.mkBrush(_faint(QColor(theme.accent), 45)))
        self.region.setHoverBrush(pg.mkBrush(_faint(QColor(theme.accent), 70)))
        for edge in self.region.lines:
            edge.setPen(pg.mkPen(theme.accent, width=2))
            edge.setHoverPen(pg.mkPen(theme.accent, width=4))
        if self._cleaning is not None:
            self._show_curve(self._cleaning)
        self.show_siblings(self._siblings)


def _sibling_top(cleaning: FlareCleaning) -> float:
    """The highest rate of a sibling's lane: flares are cut off, so that its quiet time can be seen."""
    rates = cleaning.curve.rate[np.isfinite(cleaning.curve.rate)]
    highest = float(rates.max()) if len(rates) else 0.0
    return min(highest, 3.0 * cleaning.fit.high_ct_s) or 1.0


def _scale(cleaning: FlareCleaning) -> tuple[tuple[float, float], float]:
    """What the size of the rates depends on."""
    return cleaning.curve.band_kev, cleaning.curve.bin_s


def _faint(colour: QColor, alpha: int) -> QColor:
    result = QColor(colour)
    result.setAlpha(alpha)
    return result
