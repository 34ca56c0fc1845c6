"""World coordinates from keywords: of two event columns, of an image, and the pixel grid of an image over event coordinates."""

from __future__ import annotations

import math

from daxa_gui.core.images import PixelGrid
from daxa_gui.core.sky import LinearWcs
from daxa_gui.fits.cards import Header

_ARCSEC_PER_DEG = 3600.0


def _projection(*types: str) -> str | None:
    """TAN or SIN if both axis types say so (`RA---TAN`, `DEC--SIN`); None for anything else."""
    codes = {text.upper()[-3:] for text in types}
    return codes.pop() if codes in ({"TAN"}, {"SIN"}) else None


def _wcs(values: tuple[float | None, ...], types: tuple[str, str]) -> LinearWcs | None:
    crpix_x, crpix_y, crval_x, crval_y, cdelt_x, cdelt_y = values
    projection = _projection(*types)
    if projection is None or not types[0].upper().startswith("RA") or not types[1].upper().startswith("DEC"):
        return None
    if crpix_x is None or crpix_y is None or crval_x is None or crval_y is None or not cdelt_x or not cdelt_y:
        return None
    if abs(crval_y) > 90.0:
        return None
    return LinearWcs(crpix_x, crpix_y, crval_x % 360.0, crval_y, cdelt_x, cdelt_y, projection)


def column_wcs(header: Header, x: int, y: int, pixel_arcsec: float) -> tuple[LinearWcs | None, list[str]]:
    """World coordinates of the table columns number x and y (TCTYPn …, or XMM-Newton's REFXCTYP …), and warnings.

    Some software writes the pixel size in arcsec although it says degrees: a size that is 3600 times that of the mission
    (`pixel_arcsec`) is understood as such.
    """
    keys = ("CRPX", "CRVL", "CDLT")
    by_column = tuple(header.number(f"T{key}{n}") for key in keys for n in (x, y))
    wcs = _wcs(by_column, (header.text(f"TCTYP{x}"), header.text(f"TCTYP{y}")))
    if wcs is None:
        by_axis = tuple(header.number(f"REF{axis}{key}") for key in keys for axis in "XY")
        wcs = _wcs(by_axis, (header.text("REFXCTYP"), header.text("REFYCTYP")))
    if wcs is None:
        return None, []
    if pixel_arcsec > 0 and math.isclose(abs(wcs.cdelt_y_deg), pixel_arcsec, rel_tol=0.2):
        scale = 1.0 / _ARCSEC_PER_DEG
        wcs = LinearWcs(
            wcs.crpix_x, wcs.crpix_y, wcs.crval_ra_deg, wcs.crval_dec_deg, wcs.cdelt_x_deg * scale, wcs.cdelt_y_deg * scale,
            wcs.projection,
        )  # fmt: skip
        return wcs, ["The pixel size of X and Y is in arcsec although the header says degrees; it was converted."]
    return wcs, []


def image_wcs(header: Header) -> tuple[LinearWcs | None, list[str]]:
    """World coordinates of a 2-D image (CTYPEn, CRPIXn, CRVALn, CDELTn, or CDn_n), and warnings. Rotation is not shown."""
    rotation = [header.number(k) or 0.0 for k in ("CROTA2", "CD1_2", "CD2_1", "PC1_2", "PC2_1")]
    cdelt = [header.number(f"CDELT{n}", f"CD{n}_{n}") for n in (1, 2)]
    values = tuple(header.number(f"{key}{n}") for key in ("CRPIX", "CRVAL") for n in (1, 2))
    wcs = _wcs((*values, *cdelt), (header.text("CTYPE1"), header.text("CTYPE2")))
    scale = [abs(c) for c in cdelt if c]
    small = [abs(r) > 1e-3 * (min(scale) if scale and k in (1, 2) else 1.0) for k, r in enumerate(rotation)]
    if wcs is not None and any(small):
        return wcs, ["The image is rotated against north; positions are shown as if it were not."]
    return wcs, []


def image_grid(header: Header, n_x: int, n_y: int) -> PixelGrid | None:
    """Pixels of an image over event coordinates, from a linear system (CRPIX1L …, CRPIX1P …) or LTV/LTM; None without.

    The linear system says: event coordinate = CRVAL + (pixel - CRPIX) x CDELT, pixels counted from 1, their centres being whole.
    LTV and LTM say: pixel = LTM x coordinate + LTV (IRAF).
    """
    for letter in ("L", "P"):
        values = [header.number(f"{key}{n}{letter}") for n in (1, 2) for key in ("CRPIX", "CRVAL", "CDELT")]
        pix_x, val_x, delt_x, pix_y, val_y, delt_y = values
        if None in values or not delt_x or not delt_y or delt_x < 0 or delt_y < 0:
            continue
        assert pix_x is not None and val_x is not None and pix_y is not None and val_y is not None
        return PixelGrid(val_x + (0.5 - pix_x) * delt_x, val_y + (0.5 - pix_y) * delt_y, delt_x, delt_y, n_x, n_y)
    ltm_x, ltm_y, ltv_x, ltv_y = (header.number(k) for k in ("LTM1_1", "LTM2_2", "LTV1", "LTV2"))
    if ltm_x and ltm_y and ltv_x is not None and ltv_y is not None and ltm_x > 0 and ltm_y > 0:
        return PixelGrid((0.5 - ltv_x) / ltm_x, (0.5 - ltv_y) / ltm_y, 1.0 / ltm_x, 1.0 / ltm_y, n_x, n_y)
    return None


def grid_through_sky(image: LinearWcs, events: LinearWcs, n_x: int, n_y: int) -> PixelGrid | None:
    """Pixels of an image over event coordinates when both are of one tangent plane; None if they are not.

    Bins and edges that are whole or half numbers up to rounding of the keywords are made exact.
    """
    same = image.projection == events.projection and math.isclose(image.crval_dec_deg, events.crval_dec_deg, abs_tol=1e-6)
    if not same or abs((image.crval_ra_deg - events.crval_ra_deg + 180.0) % 360.0 - 180.0) > 1e-6:
        return None
    bin_x, bin_y = image.cdelt_x_deg / events.cdelt_x_deg, image.cdelt_y_deg / events.cdelt_y_deg
    if bin_x <= 0 or bin_y <= 0:
        return None
    bin_x, bin_y = _nearly_whole(bin_x, 1.0), _nearly_whole(bin_y, 1.0)
    edge_x = _nearly_whole(events.crpix_x + (0.5 - image.crpix_x) * bin_x, 2.0)
    edge_y = _nearly_whole(events.crpix_y + (0.5 - image.crpix_y) * bin_y, 2.0)
    return PixelGrid(edge_x, edge_y, bin_x, bin_y, n_x, n_y)


def _nearly_whole(value: float, parts: float) -> float:
    nearest = round(value * parts) / parts
    return nearest if abs(value - nearest) < 1e-3 else value
