"""Which exposures of XMM-Newton can be reduced to event lists, and why the others cannot, before any long run begins.

DAXA's rules (exposure type, filter, mode), and besides them what DAXA starts and sees fail: timing and burst modes, undefined
modes of the cameras, calibration filters with another in front, exposures without a CCD that took images.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from daxa_gui.reduction.xmm_records import Exposure, OdfSummary

REDUCED = ("M1", "M2", "PN", "R1", "R2")
NAMES = {"M1": "MOS1", "M2": "MOS2", "PN": "pn", "R1": "RGS1", "R2": "RGS2", "OM": "the Optical Monitor"}
_NO_SCIENCE_MODES = frozenset((
    "Diagnostic3x3", "Diagnostic1x1", "CcdDiagnostic", "Diagnostic1x1ResetPerPixel", "Diagnostic", "Noise", "Offset",
    "HighTimeResolutionSingleCcd", "OffsetVariance", "CentroidingConfirmation", "CentroidingData", "DarkHigh", "DarkLow",
    "FlatFieldHigh", "FlatFieldLow",
))  # fmt: skip
_CLOSED = frozenset(("closed", "blocked"))
_NOT_KNOWN = frozenset(("", "unknown", "undefined"))


def units_of(summary: OdfSummary, chosen: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The exposures of the chosen instruments (none: all) as `xmm_summary.read_units` describes them, in the file's order."""
    units = []
    for instrument in summary.instruments:
        if not instrument.active or (chosen and instrument.name not in chosen):
            continue
        for exposure in instrument.exposures:
            reason = why_not(instrument.name, exposure, summary.files)
            modes = exposure.data_modes if instrument.name in REDUCED else {}  # the Optical Monitor has windows, not CCDs
            units.append(
                {
                    "instrument": instrument.name, "exposure": exposure.name, "usable": not reason, "reason": reason,
                    "scheduled": exposure.scheduled, "type": exposure.type, "mode": exposure.mode, "filter": exposure.filter,
                    "ccds": imaging_ccds(modes), "ccd_modes": {str(ccd): mode for ccd, mode in modes.items()},
                    "start": exposure.start or exposure.scheduled_start, "end": exposure.end or exposure.scheduled_end,
                }
            )  # fmt: skip
    return units


def imaging_ccds(data_modes: Mapping[int, str]) -> list[int]:
    """The numbers of the CCDs that took images, sorted."""
    return sorted(ccd for ccd, mode in data_modes.items() if mode.casefold() == "imaging")


def why_not(instrument: str, exposure: Exposure, files: Sequence[str] = ()) -> str:
    """A sentence that says why this exposure cannot be reduced; "" if it can. `files` are the names of the raw files."""
    if instrument not in REDUCED:
        return f"Data of {NAMES.get(instrument, instrument)} are not reduced here."
    if exposure.type.upper() != "SCIENCE":
        return f"The exposure is of type « {exposure.type} », not for science."
    if exposure.mode in _NO_SCIENCE_MODES:
        return f"In the mode « {exposure.mode} » no data for science are taken."
    return _why_not_rgs(instrument, exposure, files) if instrument in ("R1", "R2") else _why_not_epic(exposure)


def _why_not_rgs(instrument: str, exposure: Exposure, files: Sequence[str]) -> str:
    """The filter does not matter. « UNDEFINED » is also what summaries of older SAS say of good spectroscopy."""
    if exposure.mode.upper() in ("UNDEFINED", "UNKNOWN", ""):
        spectroscopy = re.compile(rf"\d{{4}}_\d{{10}}_{instrument}{exposure.name}\d\dSPE", re.IGNORECASE)
        if not any(spectroscopy.match(name) for name in files):
            return "The mode is not known, and there are no files of spectroscopy."
    return ""


def _why_not_epic(exposure: Exposure) -> str:
    wheel, mode = exposure.filter.casefold(), exposure.mode
    if wheel in _NOT_KNOWN:
        return "No filter is known." if not exposure.filter else f"The filter is not known (« {exposure.filter} »)."
    if wheel in _CLOSED:
        return f"The filter wheel was closed (« {exposure.filter} »): no sky was seen."
    if wheel.startswith("cal"):
        return f"The calibration source was in the field (« {exposure.filter} »)."
    if mode.upper() in ("UNDEFINED", "UNKNOWN", ""):
        return "The mode is not known, so no event list can be made."
    if mode.startswith("Fast"):
        return f"In the mode « {mode} » (timing or burst) no image of the target is taken."
    if not imaging_ccds(exposure.data_modes):
        others = ", ".join(sorted(set(exposure.data_modes.values())))
        return f"No CCD took images{f' (data modes: {others})' if others else ''}."
    return ""
