"""What the light-curve inspector says in numbers, and what choosing an interval by hand means for the parameters."""

from __future__ import annotations

import math
from dataclasses import replace

from daxa_gui.core.timeseries import FlareCleaning, FlareParameters


def numbers_text(cleaning: FlareCleaning) -> str:
    """Good time, kept fraction, quiet rate and limits with their units."""
    own_s = float(cleaning.curve.live_s.sum())
    fit = cleaning.fit
    level = "quiet rate" if fit.fitted else "mean rate of the kept bins"
    return (
        f"<b>Good time {cleaning.gti.total_s / 1000.0:.2f} ks</b> of {own_s / 1000.0:.2f} ks · kept "
        f"<b>{100.0 * cleaning.kept_fraction:.1f} %</b> · {level} {with_error(fit.centre_ct_s, fit.sigma_ct_s)} ct/s · limits "
        f"{fit.low_ct_s:.4g} to {fit.high_ct_s:.4g} ct/s"
    )


def with_error(value: float, error: float) -> str:
    """« 0.755 ± 0.016 »: two significant digits of the error, and as many decimals of the value."""
    if not (math.isfinite(error) and error > 0):
        return f"{value:.4g}"
    decimals = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:.{decimals}f} ± {error:.{decimals}f}"


def with_interval(parameters: FlareParameters, interval: tuple[float, float], *, keep: bool) -> FlareParameters:
    """With one more interval by hand; it is cut out of those of the other kind, so that the last word counts."""
    low, high = interval
    cut = tuple(
        (a, b)
        for start, stop in (parameters.removed_s if keep else parameters.added_s)
        for a, b in ((start, min(stop, low)), (max(start, high), stop))
        if b > a
    )
    same = sorted([*(parameters.added_s if keep else parameters.removed_s), interval])
    joined: list[tuple[float, float]] = []
    for start, stop in same:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
        else:
            joined.append((start, stop))
    if keep:
        return replace(parameters, added_s=tuple(joined), removed_s=cut)
    return replace(parameters, added_s=cut, removed_s=tuple(joined))
