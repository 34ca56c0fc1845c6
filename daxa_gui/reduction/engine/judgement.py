"""How far an automatic flare cleaning can be trusted: a number for sorting, reasons in words, and whether the time is of use.

The peak of a wholly flared exposure looks like a quiet level. What gives it away is that it is not steady: accepted bins scatter
far more than counting statistics allow, at a level above what the instrument has while it is quiet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daxa_gui.core.timeseries import FlareFit, LightCurve

# Fractional scatter beyond Poisson of the accepted bins, and their variance in units of the Poisson one. Quiet exposures stay
# below 0.15 and 1.8 (the published ESAS example has just these). Above the known quiet level little scatter tells of flares;
# where no quiet level is known the source itself may vary, so much more is asked for.
HIGH_SCATTER, HIGH_DISPERSION = 0.10, 3.0
FLARED_SCATTER, FLARED_DISPERSION = 0.40, 10.0
# Flares only raise a rate: if so much time lies below the lower limit, the level that was found is not the quiet one.
BELOW_FRACTION = 0.1
LEAST_TIME_S = 100.0


@dataclass(frozen=True)
class Steadiness:
    """`dispersion` is variance / Poisson variance, `scatter` the rms beyond Poisson over the mean, `drift` the change of the rate
    from the first to the second half over the mean, `drift_sigma` its significance."""

    rate_ct_s: float
    n_bins: int
    dispersion: float
    scatter: float
    drift: float
    drift_sigma: float


def steadiness(curve: LightCurve, accepted: NDArray[np.bool_]) -> Steadiness:
    """How steady the rate of the accepted bins is; bins with less than half of their time are left out."""
    usable = accepted & (curve.live_s >= 0.5 * curve.bin_s)
    counts, live = curve.counts[usable].astype(np.float64), curve.live_s[usable]
    total, time = float(counts.sum()), float(live.sum())
    if len(counts) < 2 or total <= 0:
        return Steadiness(total / time if time > 0 else 0.0, len(counts), 1.0, 0.0, 0.0, 0.0)
    mean = total / time
    expected = mean * live
    squares = (counts - expected) ** 2
    dispersion = float(np.sum(squares / expected) / (len(counts) - 1))
    scatter = math.sqrt(
        max(float(squares.sum() * len(counts) / (len(counts) - 1) - expected.sum()), 0.0) / float(np.sum(expected**2))
    )
    half = len(counts) // 2
    rates = [counts[:half].sum() / live[:half].sum(), counts[half:].sum() / live[half:].sum()]
    errors = [
        math.sqrt(max(counts[:half].sum(), 1)) / live[:half].sum(),
        math.sqrt(max(counts[half:].sum(), 1)) / live[half:].sum(),
    ]
    drift = float(abs(rates[1] - rates[0]) / mean)
    return Steadiness(mean, len(counts), dispersion, scatter, drift, float(abs(rates[1] - rates[0]) / math.hypot(*errors)))


def judge(
    curve: LightCurve, fit: FlareFit, accepted: NDArray[np.bool_], kept_fraction: float, quiet_rate_ct_s: float | None,
    *, decided: bool = False,
) -> tuple[bool, float, tuple[str, ...]]:  # fmt: skip
    """Whether the kept time is useful, the doubt from 0 to 1, and the reasons, the weightiest first.

    `decided`: a person chose the limits or added time; whatever was kept is useful then.
    """
    kept_s = kept_fraction * float(curve.live_s.sum())
    if kept_fraction <= 0:
        return False, 1.0, ("No useful time: no bin is within the limits.",)
    steady = steadiness(curve, accepted)
    below = fraction_below(curve, fit)
    flared = "" if decided else wholly_flared(steady, below, quiet_rate_ct_s)
    reasons = _reasons(curve, fit, accepted, kept_fraction, kept_s, quiet_rate_ct_s, steady)
    if below > 0.5 * BELOW_FRACTION:
        reasons.append((min(3 * below, 0.6), f"The rate is below the lower limit for {100 * below:.0f} % of the time."))
    reasons.sort(key=lambda pair: -pair[0])
    sentences = tuple(sentence for _, sentence in reasons)
    if flared:
        return False, 1.0, (flared, *sentences)
    if not decided and kept_s < min(LEAST_TIME_S, 0.5 * float(curve.live_s.sum())):
        return False, 1.0, (f"No useful time: only {kept_s:.0f} s are left.", *sentences)
    trust = 1.0
    for weight, _ in reasons:
        trust *= 1.0 - weight
    return True, round(1.0 - trust, 3), sentences


def fraction_below(curve: LightCurve, fit: FlareFit) -> float:
    """Which fraction of the bins with at least half of their time has a rate below the lower limit but not zero."""
    whole = curve.live_s >= 0.5 * curve.bin_s
    if not whole.any():
        return 0.0
    return float(np.mean((curve.rate[whole] < fit.low_ct_s) & (curve.counts[whole] > 0)))


def wholly_flared(steady: Steadiness, below: float, quiet_rate_ct_s: float | None) -> str:
    """A sentence if the accepted time cannot be quiet, otherwise an empty text."""
    how = f"its rate of {steady.rate_ct_s:.3g} ct/s scatters by {100 * steady.scatter:.0f} % beyond counting statistics"
    if steady.n_bins < 5:
        return ""
    if quiet_rate_ct_s is None:
        if steady.scatter > FLARED_SCATTER and steady.dispersion > FLARED_DISPERSION:
            return f"No useful time: the whole exposure is flared; {how}."
    elif steady.rate_ct_s > quiet_rate_ct_s and steady.scatter > HIGH_SCATTER and steady.dispersion > HIGH_DISPERSION:
        return f"No useful time: the whole exposure is flared; {how} and is above the quiet {quiet_rate_ct_s:g} ct/s."
    elif steady.rate_ct_s > quiet_rate_ct_s and below > BELOW_FRACTION:
        return (
            f"No useful time: the whole exposure is flared; {steady.rate_ct_s:.3g} ct/s is above the quiet"
            f" {quiet_rate_ct_s:g} ct/s, yet the rate is lower than the limits for {100 * below:.0f} % of the time."
        )
    return ""


def _reasons(
    curve: LightCurve, fit: FlareFit, accepted: NDArray[np.bool_], kept_fraction: float, kept_s: float,
    quiet_rate_ct_s: float | None, steady: Steadiness,
) -> list[tuple[float, str]]:  # fmt: skip
    found: list[tuple[float, str]] = []
    if not fit.fitted:
        found.append((0.15 if "Poisson" in fit.reason else 0.5, fit.reason))
    if kept_fraction < 0.2:
        found.append((0.6, f"Only {100 * kept_fraction:.0f} % of the time is left."))
    elif kept_fraction < 0.6:
        found.append((0.3, f"{100 * kept_fraction:.0f} % of the time is left."))
    if kept_s < 1000:
        found.append((0.2, f"Only {kept_s:.0f} s are left."))
    if curve.counts.sum() == 0:
        found.append((0.5, "No counts in the band."))
    if quiet_rate_ct_s is not None and steady.rate_ct_s > quiet_rate_ct_s:
        weight = min(0.3 + 0.2 * math.log2(steady.rate_ct_s / quiet_rate_ct_s), 0.8)
        found.append((weight, f"The quiet level of {steady.rate_ct_s:.3g} ct/s is above the usual {quiet_rate_ct_s:g} ct/s."))
    if steady.dispersion > 2.0 and steady.scatter > 0.08:
        weight = min(0.1 + 0.12 * (steady.dispersion - 2.0), 0.7)
        found.append((weight, f"The kept rate scatters by {100 * steady.scatter:.0f} % beyond counting statistics."))
    if steady.drift > 0.1 and steady.drift_sigma > 5:
        found.append((0.3, f"The kept rate changes by {100 * steady.drift:.0f} % from the first to the second half."))
    with np.errstate(invalid="ignore"):
        above = int(np.count_nonzero(accepted & (curve.live_s >= 0.5 * curve.bin_s) & (curve.rate > 1.2 * fit.high_ct_s)))
    if above:
        found.append((0.2, f"{above} kept bins are above the upper limit."))
    if steady.n_bins < 20:
        found.append((0.15, f"Only {steady.n_bins} whole bins were kept."))
    return found
