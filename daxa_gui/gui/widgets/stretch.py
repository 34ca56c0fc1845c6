"""From pixel values to grey levels: smoothing, percentile cuts, stretches. Plain numpy; call it in a background read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

STRETCHES = ("linear", "sqrt", "asinh", "log")
LOG_SCALE = 1000.0  # log10(1 + 1000 x), as DS9 draws it
ASINH_SCALE = 10.0
_STEPS = 65_535


def smoothed(values: NDArray[np.generic], sigma_px: float) -> NDArray[np.float32]:
    """Values of shape (n_y, n_x) after a Gaussian of `sigma_px` pixels, cut off at 4 sigma.

    At the edges, and beside NaN pixels, what is absent is left out and the rest weighted up. NaN pixels stay NaN.
    """
    image = np.asarray(values, np.float32)
    if not sigma_px > 0.0:
        return image
    known = np.isfinite(image)
    whole = bool(known.all())
    weight = _convolved(known.astype(np.float32), sigma_px)
    result = _convolved(image if whole else np.where(known, image, np.float32(0.0)), sigma_px)
    np.divide(result, weight, out=result, where=weight > 0)
    if not whole:
        result[~known] = np.nan
    return result


def _convolved(image: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    """Separable convolution by shifted sums: without scipy, whose import alone would cost more than this."""
    reach = max(1, int(np.ceil(4.0 * sigma_px)))
    offsets = np.arange(-reach, reach + 1)
    kernel = np.exp(-0.5 * (offsets / sigma_px) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        n = image.shape[axis]
        result = np.zeros_like(image)
        for offset, weight in zip(offsets.tolist(), kernel.astype(np.float32), strict=True):
            if abs(offset) >= n:
                continue
            source = slice(max(0, offset), n + min(0, offset))
            target = slice(max(0, -offset), n + min(0, -offset))
            if axis == 0:
                result[target] += weight * image[source]
            else:
                result[:, target] += weight * image[:, source]
        image = result
    return image


def cuts(values: NDArray[np.floating[Any]], low_percent: float, high_percent: float) -> tuple[float, float]:
    """Percentiles of the pixels that hold something (finite and not zero), so that an empty rim does not count.

    A lower percentage of 0 means zero itself, the natural ground of counts. Never empty: high > low.
    """
    filled = values[np.isfinite(values) & (values != 0)]
    if not filled.size:
        return 0.0, 1.0
    if filled.size > 1_000_000:
        filled = filled[:: filled.size // 1_000_000 + 1]
    low, high = (float(v) for v in np.percentile(filled, [low_percent, high_percent]))
    if low_percent <= 0.0:
        low = min(0.0, low)
    return low, high if high > low else low + max(abs(low), 1.0) * 1e-6


def levels(values: NDArray[np.floating[Any]], low: float, high: float, stretch: str) -> NDArray[np.uint8]:
    """Grey levels 0 to 255 of the part between the cuts; NaN becomes 0."""
    if stretch not in STRETCHES:
        raise ValueError(f"unknown stretch {stretch!r}")
    # through a table: a logarithm for each of ten million pixels would take most of a second
    step = (np.asarray(values, np.float32) - np.float32(low)) * np.float32(_STEPS / (high - low))
    np.fmax(step, 0.0, out=step)  # NaN becomes 0 as well
    np.minimum(step, _STEPS, out=step)
    return _table(stretch)[step.astype(np.uint16)]


def _table(stretch: str) -> NDArray[np.uint8]:
    part = np.linspace(0.0, 1.0, _STEPS + 1)
    if stretch == "sqrt":
        part = np.sqrt(part)
    elif stretch == "asinh":
        part = np.arcsinh(part * ASINH_SCALE) / np.arcsinh(ASINH_SCALE)
    elif stretch == "log":
        part = np.log1p(part * LOG_SCALE) / np.log1p(LOG_SCALE)
    return (part * 255.0 + 0.5).astype(np.uint8)
