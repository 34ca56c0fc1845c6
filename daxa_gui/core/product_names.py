"""Folder and file name of each kind of product, below the folder of its observation: DAXA's names where DAXA has them."""

from __future__ import annotations

import re
from pathlib import Path

from daxa_gui.core.errors import InputError
from daxa_gui.core.product import ProductKey, ProductKind

_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_K = ProductKind

# Folder, type (DAXA's names) and suffix of each kind of product.
_PLACES: dict[ProductKind, tuple[str, str, str]] = {
    kind: (folder, name, suffix or ".fits")
    for kind, folder, name, suffix in (
        (_K.EVENTS, "events", "events", ""),
        (_K.CLEAN_EVENTS, "events", "cleanevents", ""),
        (_K.FINAL_EVENTS, "events", "finalevents", ""),
        (_K.RAW, "misc", "raw", ""),
        (_K.SPECTRUM, "spectra", "spectrum", ""),  # this folder and the next are ours: DAXA takes no spectra over
        (_K.SOURCE_LIGHTCURVE, "lightcurves", "sourcelightcurve", ""),
        (_K.GTI, "cleaning", "gti", ""),
        (_K.LIGHTCURVE, "cleaning", "lightcurve", ""),
        (_K.IMAGE, "images", "image", ""),
        (_K.EXPOSURE_MAP, "images", "expmap", ""),
        (_K.BACKGROUND_MAP, "background", "backmap", ""),
        (_K.CALIBRATED_EVENTS, "events", "calibratedevents", ""),
        (_K.OOT_EVENTS, "events", "ootevents", ""),
        (_K.CLEAN_OOT_EVENTS, "events", "cleanootevents", ""),
        (_K.FINAL_OOT_EVENTS, "events", "finalootevents", ""),
        (_K.ALL_GOOD_EVENTS, "background", "allgoodevents", ""),
        (_K.ALL_GOOD_OOT_EVENTS, "background", "allgoodootevents", ""),
        (_K.FINAL_ALL_GOOD_EVENTS, "background", "finalallgoodevents", ""),
        (_K.FINAL_ALL_GOOD_OOT_EVENTS, "background", "finalallgoodootevents", ""),
        (_K.CIF, "misc", "ccf", ".cif"),
        (_K.ODF_SUMMARY, "misc", "odfsummary", ".SAS"),
        (_K.ATTITUDE, "misc", "attitude", ""),
        (_K.HISTOGRAM, "cleaning", "hist", ".qdp"),
        (_K.ANOMALY_LOG, "cleaning", "anomalies", ".log"),
        (_K.RGS_MERGED, "misc", "rgsmerged", ""),
        (_K.RGS_ANGLES, "misc", "rgsangles", ""),
        (_K.RGS_FILES, "misc", "rgsfiles", ".tar"),
        (_K.THRESHOLD_IMAGE, "cleaning", "thresholdimage", ""),
        (_K.MASK_IMAGE, "cleaning", "maskimage", ""),
        (_K.DEFAULT_GTI, "cleaning", "defaultGTI", ""),
        (_K.BAD_PIXELS, "misc", "badpix", ""),
        (_K.FOV_REGION, "misc", "FOVreg", ""),
        (_K.DETECTOR_MASK, "misc", "mask", ""),
        (_K.ASPECT_SOLUTION, "misc", "aspectsolution", ""),
        (_K.DEAD_TIME, "misc", "deadtimefile", ""),
        (_K.WEIGHTED_EXPOSURE_MAP, "images", "weightedexpmap", ""),
        (_K.FLUX_MAP, "images", "fluxmap", ""),
        (_K.RATE_MAP, "images", "ratemap", ""),
        (_K.PSF_MAP, "misc", "psfmap", ""),
        (_K.HOT_PIXELS, "misc", "hotpix", ""),
        (_K.REFERENCE_PIXEL, "misc", "refpixel", ""),
        (_K.MAST, "misc", "mast", ""),
        (_K.OBEB, "misc", "obeb", ""),
        (_K.PSD, "misc", "psd", ""),
        (_K.CORRECTED_PSD, "misc", "psdcorr", ""),
        (_K.OTHER, "misc", "other", ""),
    )
}


def safe_part(text: str, what: str) -> str:
    """A mission, ObsID or instrument as one part of a path; refuses everything that could lead elsewhere."""
    if not _SAFE_PART.fullmatch(text) or ".." in text:
        raise InputError(f"« {text} » cannot be used as {what} in a file name.")
    return text


def product_name(key: ProductKey, name: str = "") -> str:
    """DAXA's file name `obsid{o}-inst{i}-subexp{se}[-en{lo}_{hi}keV]-{type}.fits`.

    `name` is what the task called the file: products of kind OTHER keep its stem as their type, and its suffix.
    """
    instrument = safe_part(key.instrument, "an instrument") if key.instrument else "None"
    exposure = safe_part(key.exposure, "a sub-exposure") if key.exposure else "None"
    band = ""
    if key.band_kev is not None:
        low, high = (float(energy) for energy in key.band_kev)
        band = f"-en{low!r}_{high!r}keV"
    _, kind, suffix = _PLACES[key.kind]
    if key.kind is ProductKind.OTHER and name:
        kind = safe_part(Path(name).stem, "a file name")
        suffix = Path(name).suffix or suffix
    return f"obsid{safe_part(key.obs_id, 'an ObsID')}-inst{instrument}-subexp{exposure}{band}-{kind}{suffix}"


def product_place(key: ProductKey, name: str = "") -> str:
    """Where a product belongs below the folder of its observation: « events/obsid…-cleanevents.fits »."""
    return f"{_PLACES[key.kind][0]}/{product_name(key, name)}"
