"""What the plots of the window share: colours of the theme, a time axis in ks or UTC, step lines. No science."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from daxa_gui.core.times import mjd_to_datetime, mjd_to_text
from daxa_gui.gui.theme import Theme

KS_PER_DAY = 86.4
# steps of a clock axis, in seconds
_CLOCK_STEPS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 432000, 864000)


class TimeAxis(pg.AxisItem):
    """Data are ks since a moment; shown so, or as UTC clock times. Days and months when the span is long."""

    def __init__(self, orientation: str = "bottom", **options: Any) -> None:
        super().__init__(orientation, **options)
        self.enableAutoSIPrefix(False)
        self._start_mjd: float | None = None
        self.clock = False

    def set_start(self, start_utc_mjd: float | None) -> None:
        self._start_mjd = start_utc_mjd
        self._describe()

    def set_clock(self, clock: bool) -> None:
        self.clock = clock
        self._describe()

    def _describe(self) -> None:
        self.picture = None
        if self._start_mjd is None:
            self.setLabel("Time (ks)")
        elif self.clock:
            self.setLabel(f"UTC, beginning {mjd_to_text(math.floor(self._start_mjd))}")
        else:
            self.setLabel(f"Time since {mjd_to_text(self._start_mjd)} UTC (ks)")
        self.update()

    def tickValues(self, low: float, high: float, size: float) -> list[tuple[float, list[float]]]:
        if not self.clock or self._start_mjd is None:
            return super().tickValues(low, high, size)
        wanted = (high - low) * 1000.0 / max(2.0, size / 90.0)
        step_s = next((step for step in _CLOCK_STEPS if step >= wanted), _CLOCK_STEPS[-1])
        while step_s < wanted:
            step_s *= 2
        day_s = (self._start_mjd % 1.0) * 86400.0
        first = math.ceil((low * 1000.0 + day_s) / step_s)
        last = math.floor((high * 1000.0 + day_s) / step_s)
        return [(step_s / 1000.0, [(n * step_s - day_s) / 1000.0 for n in range(first, last + 1)])]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if not self.clock or self._start_mjd is None:
            return super().tickStrings(values, scale, spacing)
        form = "%H:%M:%S" if spacing < 0.06 else "%H:%M" if spacing < KS_PER_DAY else "%d %b"
        # half a millisecond more, so that 12:00 is never shown as 11:59
        moments = (mjd_to_datetime(self._start_mjd + value / KS_PER_DAY + 5e-9) for value in values)
        return [
            moment.strftime("%d %b" if form == "%H:%M" and (moment.hour, moment.minute) == (0, 0) else form) for moment in moments
        ]


def style_axis(axis: pg.AxisItem, theme: Theme) -> None:
    axis.setPen(pg.mkPen(theme.border))
    axis.setTextPen(pg.mkPen(theme.text))
    axis.setStyle(tickTextOffset=4, hideOverlappingLabels=True)


def style_plot(plot: pg.PlotItem, theme: Theme) -> None:
    """Axes and grid of a plot in the theme's colours (pyqtgraph does not follow palettes)."""
    for name in ("left", "bottom", "right", "top"):
        style_axis(plot.getAxis(name), theme)
    plot.getViewBox().setBackgroundColor(QColor(theme.base))


def quiet_plot(plot: pg.PlotItem) -> None:
    """Without the toolkit's own menu and buttons, whose words are not ours."""
    plot.hideButtons()
    plot.setMenuEnabled(False)
    plot.getAxis("left").enableAutoSIPrefix(False)
    plot.getAxis("bottom").enableAutoSIPrefix(False)


def steps(
    left: NDArray[np.float64], width: float, values: NDArray[np.float64], shown: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of a histogram-like line over bins, with a break (NaN) wherever `shown` is false. Bins have shape (n,)."""
    x = np.empty(3 * len(left))
    y = np.empty(3 * len(left))
    visible = np.where(shown, values, np.nan)
    x[0::3], x[1::3], x[2::3] = left, left + width, left + width
    y[0::3], y[1::3] = visible, visible
    # a bin goes over into the next one if both are shown and touch each other
    joined = np.zeros(len(left), bool)
    if len(left) > 1:
        touching = np.abs(left[1:] - left[:-1] - width) < 1e-3 * width
        joined[:-1] = touching & shown[1:] & shown[:-1]
    y[2::3] = np.where(joined, visible, np.nan)
    return x, y


def peaks(
    left: NDArray[np.float64], width: float, values: NDArray[np.float64], shown: NDArray[np.bool_], groups: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """x and y of a line through the lowest and the highest value of each of about `groups` runs of bins.

    What `steps` would draw looks the same where many bins share a pixel, but costs a hundred times more to paint.
    """
    starts = np.arange(0, len(left), -(-len(left) // groups))
    visible = np.where(shown, values, np.nan)
    y = np.empty(2 * len(starts))
    y[0::2], y[1::2] = np.fmin.reduceat(visible, starts), np.fmax.reduceat(visible, starts)
    middles = (left[starts] + np.append(left[starts[1:]], left[-1] + width)) / 2.0
    return np.repeat(middles, 2), y


def bars(starts: NDArray[np.float64], stops: NDArray[np.float64], low: float, high: float) -> dict[str, Any]:
    """Options of a BarGraphItem that fills [start, stop) between two heights."""
    n = len(starts)
    return {"x0": starts, "x1": stops, "y0": np.full(n, low), "y1": np.full(n, high), "x": None, "width": None, "height": None}
