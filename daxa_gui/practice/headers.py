"""Keywords that the headers of several missions share."""

from __future__ import annotations

from daxa_gui.practice.fitsblocks import Card
from daxa_gui.practice.sky import SIMULATED_NOTE

ORIGIN = "DAXA GUI"
CREATOR = "DAXA GUI practice sky"


def simulated(seed: int) -> list[Card]:
    """What every header of the practice sky says about itself."""
    return [
        ("SIMULATE", True, "these data are simulated, nobody observed them"),
        ("SIMSEED", seed, "seed of the random numbers"),
        ("COMMENT", SIMULATED_NOTE, ""),
        ("COMMENT", "The sources, the events and the calibration in this file are fictional.", ""),
        ("HISTORY", SIMULATED_NOTE, ""),
    ]


def tangent_wcs(column_axis: str, crpix: float, crval_deg: float, cdelt_deg: float, projection: str = "TAN") -> tuple[Card, ...]:
    """World coordinates of an X or Y column; the column's number is appended to the keywords later."""
    axis = "RA---" if column_axis == "X" else "DEC--"
    return (
        ("TCRPX", crpix, f"{column_axis} reference pixel"),
        ("TCTYP", axis + projection, "coordinate type"),
        ("TCRVL", crval_deg, "[deg] coordinate at the reference pixel"),
        ("TCDLT", cdelt_deg, "[deg/pix] increment at the reference pixel"),
        ("TCUNI", "deg", "physical unit of the axis"),
    )


def linear_wcs(axis_type: str, crpix: float, crval: float, cdelt: float, unit: str) -> tuple[Card, ...]:
    """A linear coordinate of a column (detector coordinates in mm or degrees)."""
    return (
        ("TCRPX", crpix, "reference pixel"),
        ("TCTYP", axis_type, "coordinate type"),
        ("TCRVL", crval, "coordinate at the reference pixel"),
        ("TCDLT", cdelt, f"[{unit}/pix] increment"),
        ("TCUNI", unit, "physical unit of the axis"),
    )


def ogip(*classes: str) -> list[Card]:
    """HDUCLASS and its sub-classes."""
    cards: list[Card] = [("HDUCLASS", "OGIP", "format conforms to OGIP/GSFC conventions")]
    return cards + [(f"HDUCLAS{level}", name, "") for level, name in enumerate(classes, 1)]


def image_wcs(
    crpix: float, ra_deg: float, dec_deg: float, cdelt_deg: float, edge: float, binning: int, letter: str = "P"
) -> list[Card]:
    """World coordinates of an image made from sky pixels: the celestial ones, and the physical ones (« P », with SAS « L »)."""
    centre = edge + binning / 2
    cards: list[Card] = []
    for axis, kind, value, step in ((1, "RA---TAN", ra_deg, -cdelt_deg), (2, "DEC--TAN", dec_deg, cdelt_deg)):
        cards += [
            (f"CTYPE{axis}", kind, "coordinate type"),
            (f"CRPIX{axis}", (crpix - edge) / binning + 0.5, "reference pixel"),
            (f"CRVAL{axis}", value, "[deg] coordinate at the reference pixel"),
            (f"CUNIT{axis}", "deg", "physical unit of the axis"),
            (f"CDELT{axis}", step * binning, "[deg] pixel size"),
            (f"CTYPE{axis}{letter}", "XY"[axis - 1], "sky pixels of the event list"),
            (f"CRPIX{axis}{letter}", 1.0, "reference pixel"),
            (f"CRVAL{axis}{letter}", centre, "sky pixel at the reference pixel"),
            (f"CDELT{axis}{letter}", float(binning), "sky pixels per pixel"),
            (f"LTV{axis}", 0.5 - edge / binning, ""),
            (f"LTM{axis}_{axis}", 1.0 / binning, ""),
        ]
    return [*cards, (f"WCSNAME{letter}", "PHYSICAL", "name of this system"), (f"WCSAXES{letter}", 2, "axes of this system")]
