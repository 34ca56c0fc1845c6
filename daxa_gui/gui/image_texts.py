"""What the image viewer says in words: positions, values, products, and which earlier picture belongs to a present one."""

from __future__ import annotations

import numpy as np

from daxa_gui.core.earlier import EarlierProduct, EarlierResults
from daxa_gui.core.images import SkyImage
from daxa_gui.core.product import Product, ProductKind
from daxa_gui.core.sky import format_sexagesimal
from daxa_gui.gui.inspected_parts import Subject
from daxa_gui.gui.picture import Pair, Picture, Place, Plane

_KIND_WORDS = {
    ProductKind.IMAGE: "image",
    ProductKind.EXPOSURE_MAP: "exposure map",
    ProductKind.BACKGROUND_MAP: "background map",
    ProductKind.RATE_MAP: "rate map",
    ProductKind.FLUX_MAP: "flux map",
    ProductKind.WEIGHTED_EXPOSURE_MAP: "weighted exposure map",
    ProductKind.CALIBRATED_EVENTS: "calibrated list",
    ProductKind.CLEAN_EVENTS: "cleaned list",
    ProductKind.FINAL_EVENTS: "final list",
}
UNIT_WORDS = {"count": "counts", "s": "s", "count/s": "ct/s", "": ""}


def pointer_text(plane: Plane, place: tuple[float, float], coordinates: str) -> str:
    """Position and value of the pixel at (column, row): « RA 05 34 31.9 Dec +22 00 52 (ICRS) · 12 counts »."""
    column, row = int(place[0]), int(place[1])
    value = float(plane.image.values[row, column])
    unit = UNIT_WORDS.get(plane.image.unit, plane.image.unit)
    number = f"{value:.0f}" if plane.image.unit == "count" else f"{value:.5g}"
    smooth = float(plane.shown[row, column])
    smoothed = f" (smoothed {smooth:.3g})" if abs(smooth - value) > 1e-6 * max(1.0, abs(value)) else ""
    return f"{sky_text(plane.image, place, coordinates)} · {number} {unit}{smoothed}"


def sky_text(image: SkyImage, place: tuple[float, float], coordinates: str) -> str:
    """The position in the chosen notation, or pixels where the image has no sky coordinates."""
    if image.wcs is None:
        return f"pixel {int(place[0]) + 1}, {int(place[1]) + 1}"
    ra, dec = (float(value) for value in image.wcs.sky(place[0] + 0.5, place[1] + 0.5))
    if coordinates == "degrees":
        return f"RA {ra:.5f}° Dec {dec:+.5f}° (ICRS)"
    text = format_sexagesimal(ra, dec, 2)
    split = max(text.rfind("+"), text.rfind("-"))
    return f"RA {text[:split].strip()} Dec {text[split:]} (ICRS)"


def product_words(product: Product, instrument_of: str = "") -> str:
    """« image 0.5–2 keV », « exposure map »; with the instrument where it is of all its exposures (`instrument_of` is the unit
    that is looked at)."""
    band = product.key.band_kev
    energies = f" {band[0]:g}–{band[1]:g} keV" if band is not None else ""
    whole = f" · {product.key.unit}" if instrument_of and product.key.unit == product.key.instrument != instrument_of else ""
    return f"{_KIND_WORDS.get(product.key.kind, 'file')}{energies}{whole}"


def caption(picture: Picture, plane: Plane | None, chosen: str) -> str:
    """Which of two images `plane` is, in words that stand in the image itself; `chosen` is the configuration's name."""
    is_after = plane is picture.after
    if picture.source.pair is None:
        return "after cleaning" if is_after else "before cleaning"
    return f"then: « {chosen} »" if is_after else "now"


def summary_text(picture: Picture, plane: Plane, chosen: str) -> str:
    """« after cleaning · 0.5–2 keV · 12 345 counts · cuts 0 to 5 counts », « then: cleaned list · … »."""
    is_after = plane is picture.after
    which = "now · " if chosen else ""
    if picture.source.pair is not None:
        which = f"{'then' if is_after else 'now'}: {picture.source.pair.words} · "
    elif picture.after is not None:
        which = "after cleaning · " if is_after else "before cleaning · "
    unit = UNIT_WORDS.get(plane.image.unit, plane.image.unit)
    total = f"{plane.total:,.0f} counts · ".replace(",", "\u202f") if plane.image.unit == "count" else ""
    band = plane.image.band_kev
    energies = f"{band[0]:g}–{band[1]:g} keV · " if band is not None and np.isfinite(band).all() else ""
    return f"{which}{energies}{total}cuts {plane.low:.3g} to {plane.high:.3g} {unit}".strip()


def pair_for(results: EarlierResults, subject: Subject, product: Product | None) -> Pair | str:
    """What is shown (a product, or the events) now and in earlier results of the exposure; a sentence where there is none.

    Of events that were not replaced (a downloaded list, one before cleaning) the cleaned lists are compared.
    """
    if product is not None:
        earlier = results.replaced_by(product.path)
        if earlier is None:
            return f"« {results.name} » has no {product_words(product)} of this exposure."
        return _pair(earlier, product.sha256, product_words(product))
    exposure = subject.exposure
    earlier = results.replaced_by(subject.path) or results.first(ProductKind.CLEAN_EVENTS, ProductKind.FINAL_EVENTS)
    if exposure is None or earlier is None:
        return f"« {results.name} » has no event list of this exposure; choose an image instead of the events."
    if not earlier.now_path:
        return f"The {_KIND_WORDS[earlier.kind]} of « {results.name} » has no present one to be compared with."
    listed = exposure.list_at(earlier.now_path)
    return _pair(earlier, listed.product.sha256 if listed is not None else "", _KIND_WORDS[earlier.kind])


def _pair(earlier: EarlierProduct, stamp: str, words: str) -> Pair:
    is_list = earlier.kind in (ProductKind.CALIBRATED_EVENTS, ProductKind.CLEAN_EVENTS, ProductKind.FINAL_EVENTS)
    return Pair(Place(earlier.now_path, is_list, stamp), Place(earlier.path, is_list), words)
