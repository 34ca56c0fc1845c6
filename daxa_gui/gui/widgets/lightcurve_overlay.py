"""The light curve and the limits of another way of reducing, drawn over the ones that are shown."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from daxa_gui.core.earlier import Screening
from daxa_gui.core.timeseries import LightCurve
from daxa_gui.gui.theme import LIGHT, Theme
from daxa_gui.gui.widgets.plot import peaks, steps

THEN, PRESENT = "warn", "link"  # their colours in a theme
_STEPS_UP_TO = 3000


class LightcurveOverlay:
    """A second line and lines at limits that cannot be dragged. They never change what is in view."""

    def __init__(self, plot: pg.PlotItem) -> None:
        self._plot = plot
        self._theme = LIGHT
        self.line = pg.PlotDataItem(connect="finite")
        self.line.setZValue(6)
        plot.addItem(self.line, ignoreBounds=True)
        self.limits: list[tuple[pg.InfiniteLine, str]] = []

    def show(self, then: Screening | None, present: Screening | None, zero_s: float) -> None:
        """`then` are earlier results, `present` those of the missions' software, if the present good time is its."""
        for line, _ in self.limits:
            self._plot.removeItem(line)
        self.limits = []
        self._show_curve(then.curve if then is not None else None, zero_s)
        for screening, colour in ((then, THEN), (present, PRESENT)):
            if screening is not None and screening.limits_ct_s is not None:
                word = "then" if colour == THEN else screening.label
                self.limits += [(self._limit(value, word), colour) for value in screening.limits_ct_s]
        self.set_theme(self._theme)

    def _show_curve(self, curve: LightCurve | None, zero_s: float) -> None:
        if curve is None:
            self.line.setData(np.zeros(0), np.zeros(0))
            return
        left, width = (curve.start_s - zero_s) / 1000.0, curve.bin_s / 1000.0
        shown = np.isfinite(curve.rate)
        many = len(left) > _STEPS_UP_TO
        bins = left, width, curve.rate, shown
        self.line.setData(*(peaks(*bins, _STEPS_UP_TO // 2) if many else steps(*bins)))

    def _limit(self, value_ct_s: float, word: str) -> pg.InfiniteLine:
        line = pg.InfiniteLine(
            value_ct_s, angle=0, movable=False, label=f"{word} {value_ct_s:.4g} ct/s",
            labelOpts={"position": 0.03, "anchors": [(0, 1), (0, 1)]},
        )  # fmt: skip
        line.setZValue(5)
        self._plot.addItem(line, ignoreBounds=True)
        return line

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.line.setPen(pg.mkPen(getattr(theme, THEN), width=2, style=Qt.PenStyle.DotLine))
        for line, colour in self.limits:
            name = getattr(theme, colour)
            line.setPen(pg.mkPen(name, width=1.5, style=Qt.PenStyle.DotLine))
            line.label.setColor(name)
            ground = QColor(theme.base)
            ground.setAlpha(200)
            line.label.fill = pg.mkBrush(ground)


def words_of(screenings: Sequence[tuple[str, Screening]], theme: Theme) -> list[str]:
    """What is drawn besides the present curve, one line of rich text each; the names of colours as in `Theme`."""
    lines = []
    for colour, one in screenings:
        parts = [f"then: « {one.label} »" if colour == THEN else f"{one.label}, what the archive's products were made with"]
        if one.gti is not None:
            parts.append(f"good time {one.gti.total_s / 1000.0:.2f} ks")
        if one.limits_ct_s is not None:
            band = one.limits_band_kev
            where = f" at {band[0]:g} to {band[1]:g} keV" if band is not None else ""
            parts.append(f"limits {one.limits_ct_s[0]:.4g} to {one.limits_ct_s[1]:.4g} ct/s{where}")
        if one.curve_of:
            parts.append(f"dotted line: rate of its {one.curve_of}")
        mark = f'<span style="color:{getattr(theme, colour)}">{"┅" if colour == THEN else "▬"}</span>'
        lines.append(f"{mark} {html.escape(' · '.join(parts), quote=False)}")
    return lines
