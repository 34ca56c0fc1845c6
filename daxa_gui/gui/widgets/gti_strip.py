"""Good time as bars above a light curve: what is shown in the first lane, what others found in lanes below it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from daxa_gui.core.timeseries import FlareCleaning, FlareParameters, Gti
from daxa_gui.gui.theme import Theme
from daxa_gui.gui.widgets.plot import bars

LANE_PX = 18
_GAP = 0.22  # of a lane's height, between lanes
_EMPTY = np.zeros(0)


class GtiStrip:
    """Draws into a plot of its own whose time axis is linked to the light curve's. The first lane is [0, 1) of its y axis."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self._plot = plot
        self._others: list[tuple[str, Gti, str]] = []
        self._zero_s = 0.0
        self._theme: Theme | None = None
        plot.setMouseEnabled(x=True, y=False)
        plot.hideAxis("bottom")
        self.whole = pg.BarGraphItem(**bars(_EMPTY, _EMPTY, 0.0, 1.0))
        self.good = pg.BarGraphItem(**bars(_EMPTY, _EMPTY, 0.0, 1.0))
        self.hand = pg.BarGraphItem(**bars(_EMPTY, _EMPTY, 0.0, 1.0))
        self.lanes: list[pg.BarGraphItem] = []
        for item in (self.whole, self.good, self.hand):
            plot.addItem(item)
        self._arrange()

    def clear(self) -> None:
        for item in (self.whole, self.good, self.hand):
            item.setOpts(**bars(_EMPTY, _EMPTY, 0.0, 1.0))
        self.show_others([], self._zero_s)

    def show(self, cleaning: FlareCleaning, parameters: FlareParameters, zero_s: float) -> None:
        """The time with data, the good time, and intervals by hand."""
        curve, gti = cleaning.curve, cleaning.gti
        left = self._ks(curve.start_s[curve.live_s > 0], zero_s)
        self.whole.setOpts(**bars(*_joined(left, curve.bin_s / 1000.0), 0.0, 1.0))
        self.good.setOpts(**bars(self._ks(gti.start_s, zero_s), self._ks(gti.stop_s, zero_s), 0.0, 1.0))
        hand = np.array([*parameters.added_s, *parameters.removed_s], float).reshape(-1, 2)
        self.hand.setOpts(**bars(self._ks(hand[:, 0], zero_s), self._ks(hand[:, 1], zero_s), 0.0, 1.0))
        if zero_s != self._zero_s:
            self.show_others(self._others, zero_s)

    def show_others(self, others: Sequence[tuple[str, Gti, str]], zero_s: float) -> None:
        """Good time that others found: what a lane is called, its intervals, and the name of its colour in a theme."""
        self._others, self._zero_s = list(others), zero_s
        for item in self.lanes:
            self._plot.removeItem(item)
        self.lanes = []
        for number, (_, gti, _) in enumerate(self._others, start=1):
            low, high = -float(number), 1.0 - number - _GAP
            item = pg.BarGraphItem(**bars(self._ks(gti.start_s, zero_s), self._ks(gti.stop_s, zero_s), low, high))
            self._plot.addItem(item)
            self.lanes.append(item)
        self._arrange()
        self._colour_lanes()

    def _arrange(self) -> None:
        n = len(self._others)
        self._plot.setMinimumHeight(8 + LANE_PX * (1 + n))
        self._plot.setMaximumHeight(8 + LANE_PX * (1 + n))
        self._plot.setYRange(-float(n), 1.0, padding=0.1 / (1 + n))
        names = [
            (0.5, "here" if n else "GTI"),
            *((0.4 - number, label) for number, (label, _, _) in enumerate(self._others, start=1)),
        ]
        self._plot.getAxis("left").setTicks([names])

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.whole.setOpts(pen=pg.mkPen(theme.idle, width=1), brush=pg.mkBrush(_faint(theme.idle, 40)))
        self.good.setOpts(pen=pg.mkPen(None), brush=pg.mkBrush(theme.good))
        self.hand.setOpts(pen=pg.mkPen(theme.accent, width=2), brush=pg.mkBrush(None))
        self._colour_lanes()

    def _colour_lanes(self) -> None:
        if self._theme is not None:
            for item, (_, _, colour) in zip(self.lanes, self._others, strict=True):
                item.setOpts(pen=pg.mkPen(None), brush=pg.mkBrush(getattr(self._theme, colour)))

    @staticmethod
    def _ks(seconds: NDArray[np.float64], zero_s: float) -> NDArray[np.float64]:
        return (np.asarray(seconds, float) - zero_s) / 1000.0


def _faint(colour: str, alpha: int) -> QColor:
    result = QColor(colour)
    result.setAlpha(alpha)
    return result


def _joined(left: NDArray[np.float64], width: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last edges of runs of touching bins."""
    if not len(left):
        return left, left
    breaks = np.flatnonzero(np.abs(np.diff(left) - width) > 1e-3 * width)
    first = np.concatenate([[0], breaks + 1])
    last = np.concatenate([breaks, [len(left) - 1]])
    return left[first], left[last] + width
