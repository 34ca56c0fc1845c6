"""The 21 common target types (codes as DAXA uses them), and the words by which archives mean them."""

from __future__ import annotations

import re
from collections.abc import Mapping

TARGET_TYPES: dict[str, str] = {
    "AGN": "Active galaxies and quasars",
    "BLZ": "Blazars",
    "CV": "Cataclysmic variables",
    "CAL": "Calibration observations",
    "EGS": "Extragalactic surveys",
    "GCL": "Galaxy clusters",
    "GS": "Galactic survey",
    "ASK": "All-sky survey",
    "MAG": "Magnetars and rotation-powered pulsars",
    "NGS": "Normal and starburst galaxies",
    "NS": "Neutron stars and black holes",
    "STR": "Non-degenerate and white dwarf stars",
    "OAGN": "Obscured active galaxies and quasars",
    "SNE": "Supernovae (not targets of opportunity)",
    "SNR": "Supernova remnants and Galactic diffuse emission",
    "SOL": "Solar system",
    "ULX": "Ultra-luminous X-ray sources",
    "XRB": "X-ray binaries",
    "TOO": "Targets of opportunity",
    "EGE": "Extended galactic or extragalactic sources",
    "MISC": "Other",
}
UNCLASSIFIED = "MISC"


def normal_category(text: str) -> str:
    """Categories are compared without case, punctuation and needless blanks: « X-RAY  Binary » is « x ray binary »."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


# The descriptions of the common types, as they stand above and as DAXA words them. They come from NuSTAR's list of categories, so
# an archive that uses these words means these types.
_DESCRIBED = {normal_category(text): code for code, text in TARGET_TYPES.items() if code != UNCLASSIFIED} | {
    "calibration observation possibly of objects": "CAL",
    "extended galactic or extragalactic": "EGE",
    "galactic surveys": "GS",
    "non too supernovae": "SNE",
    "solar system objects": "SOL",
    "solar system observations": "SOL",
    "supernova remnants and galactic diffuse": "SNR",
    "ultra luminous x ray sources": "ULX",
}


def category_types(mapping: Mapping[str, str]) -> dict[str, str]:
    """Normal categories → codes: a mission's own mapping, and behind it the descriptions of the common types.

    Raises
    ------
    ValueError : the mapping names a type that there is not.
    """
    unknown = sorted(set(mapping.values()) - set(TARGET_TYPES))
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not one of the common target types")
    return _DESCRIBED | {normal_category(text): code for text, code in mapping.items()}
