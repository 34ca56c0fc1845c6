"""DAXA's summaries of observations made of what the step « exposures » found: the same as DAXA reads from the same raw data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daxa_gui.exchange.daxa_archive import EROSITA

Units = Sequence[Mapping[str, Any]]
# DAXA's name of a fact ← keyword in the header of Chandra's `oif.fits`
CHANDRA_NUMBERS = {
    "RA_NOM": "RA_NOM", "DEC_NOM": "DEC_NOM", "ROLL_NOM": "ROLL_NOM", "SCIENCE_INST_MODULE_X": "SIM_X",
    "SCIENCE_INST_MODULE_Y": "SIM_Y", "SCIENCE_INST_MODULE_Z": "SIM_Z",
}  # fmt: skip


def summary_of_units(
    mission: str, units: Units, chosen: Sequence[str], header: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Instrument → facts, of the chosen instruments (none: all that are there).

    Parameters
    ----------
    units : « units » of the step `exposures`.
    header : cards of Chandra's index of files, which tell more than the units do.
    """
    if mission == "xmm_pointed":
        return _xmm(units, chosen)
    if mission in EROSITA:
        return {
            str(name): {"active": True, "filter": str(unit.get("filter", ""))}
            for unit in units
            for name in unit.get("modules") or str(unit["instrument"]).split("_")
            if not chosen or name in chosen
        }
    if mission == "chandra":
        detectors = dict.fromkeys(str(unit["instrument"]) for unit in units)
        return {name: _chandra([unit for unit in units if unit["instrument"] == name], header or {}) for name in detectors}
    return {str(unit["instrument"]): {"active": bool(unit.get("usable"))} for unit in units}


def _xmm(units: Units, chosen: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {name: {"active": False} for name in chosen}
    for unit in units:
        name = str(unit["instrument"])
        if chosen and name not in chosen:
            continue
        if not found.get(name, {}).get("active"):
            found[name] = {"active": True, "num_exp": 0, "exposures": {}}
        found[name]["exposures"][str(unit["exposure"])] = {
            "scheduled": str(unit["exposure"]).startswith("S"), "type": unit.get("type", ""), "mode": unit.get("mode", ""),
            "filter": unit.get("filter") or None, "ccd_modes": dict(unit.get("ccd_modes", {})),
        }  # fmt: skip
        found[name]["num_exp"] = len(found[name]["exposures"])
    return found


def _chandra(units: Units, header: Mapping[str, Any]) -> dict[str, Any]:
    """Of one detector. Interleaved frames are two units of one list (E001 and E002), parts of an observation have numbers of
    their own; only the sentence of the units tells them apart."""
    first = units[0]
    contents = dict(first.get("n_files", {}))
    several = contents.get("EVT1", 0) > 1
    interleaved = several and "interleaved" in str(first.get("reason", ""))
    grating = str(first.get("grating", ""))
    known = {"EVT1", "EVT2"} <= contents.keys() and not contents.keys().isdisjoint(("ASPSOL", "ASPSOLOBI"))
    return {
        "SEQUENCE": header.get("SEQ_NUM"), "DETECTOR": str(first.get("detector", "")), "GRATING": bool(grating),
        "GRATING_NAME": grating, "OBS_MODE": str(first.get("obs_mode", "")), "MODE": str(first.get("mode", "")),
        **{name: header.get(keyword) for name, keyword in CHANDRA_NUMBERS.items()},
        "active": known, "alt_exp_mode": interleaved, "sub_exp": several and not interleaved,
        "sub_exp_ids": [str(unit["exposure"]) for unit in units] if several and not interleaved else ["E001"],
        "file_content_counts": contents,
    }  # fmt: skip
