"""An archive of the DAXA package as plain values: what `.save_info` and the folders around it say (DAXA 0.3.7).

Reading is in `daxa_archive_reading`, writing in `daxa_archive_writing`; docs/daxa-archives.md says what is taken over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from daxa_gui.core.filter_stack import FilterStack
from daxa_gui.core.product import ProductKey
from daxa_gui.exchange.daxa_second_names import SecondName

INFO_FILE = "process_info.json"
SAVE_INFO = ".save_info"
PREVIOUS = "previous_versions"
INFO_KEYS = (
    "version", "mission_names", "process_success", "obs_summaries", "final_process_success", "process_errors",
    "process_warnings", "process_extra_info", "use_this_obs", "process_run_config",
)  # fmt: skip
PROCESSED, FAILED = "processed_data", "failed_data"
REGION_FILE = "source_regions_radec.reg"
US = "DAXA GUI"  # who says it, in messages and extra information that no task of a mission's software said
SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")  # what may be one part of a path


@dataclass(frozen=True)
class DaxaUnit:
    """One process for one unit. `ident` is DAXA's name of the unit: ObsID, ObsID + instrument, or with a sub-exposure behind.

    `errors` are « NAME raised by TASK - MESSAGE », `warnings` mappings of originator, name and message (processes of SAS have
    them). `log` and `stderr` are absolute paths of text files, "" if there is none; where `log` is "" the text `said` becomes
    the log when the unit is written, and `complaint` what the process wrote to stderr. `success` is None if nothing tells it.
    """

    step: str
    ident: str
    obs_id: str
    success: bool | None
    errors: tuple[str, ...] = ()
    warnings: tuple[dict[str, str], ...] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    log: str = ""
    stderr: str = ""
    said: str = ""
    complaint: str = ""


def is_ours(unit: DaxaUnit) -> bool:
    """Whether this program did what stands in a save file of DAXA's."""
    return str(unit.extra.get("made_by", "")).startswith(US)


@dataclass(frozen=True)
class DaxaProduct:
    """A file of an observation's folder. `step` and `ident` say what made it, "" where nothing tells."""

    key: ProductKey
    path: str
    step: str = ""
    ident: str = ""


@dataclass(frozen=True)
class DaxaObservation:
    """`summary` and `use` have DAXA's structure for the mission. `selected`: it is in the mission's selection (files of others
    may still lie in the archive). `regions` is the absolute path of its region file, or "". `names` are second names of its
    products, which DAXA looks for (only for writing)."""

    obs_id: str
    science_usable: bool = True
    proprietary_usable: bool = True
    summary: dict[str, Any] = field(default_factory=dict)
    use: dict[str, Any] = field(default_factory=dict)
    final_success: bool | None = None
    regions: str = ""
    selected: bool = True
    names: tuple[SecondName, ...] = ()


@dataclass(frozen=True)
class DaxaMission:
    """A mission of the archive. `operations` are DAXA's recorded filters as they stand in its save file; `stack` the same as
    filters of this program (only after reading). `run_config` are mappings {step: {argument: value}}, in order. `loose_extra` is
    what DAXA keeps about others than units of processes, {step or ObsID: {…}} (raw event lists of eROSITA). `silent` are
    (process, unit) of which nothing is to be written, whatever an earlier save file says."""

    name: str
    instruments: tuple[str, ...]
    observations: tuple[DaxaObservation, ...]
    units: tuple[DaxaUnit, ...] = ()
    products: tuple[DaxaProduct, ...] = ()
    fields: tuple[str, ...] | None = None
    downloaded_type: str = ""
    processed: bool = False
    operations: tuple[dict[str, Any], ...] = ()
    stack: FilterStack = field(default_factory=FilterStack)
    run_config: tuple[dict[str, Any], ...] = ()
    loose_extra: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    silent: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class DaxaArchive:
    """`version` is DAXA's (« 0.2.0 »). `unknown` are keys of the save file that DAXA 0.3.7 does not have, as they stand.
    `problems` are sentences about what could not be read, or was left out because it makes no sense."""

    name: str
    folder: str
    version: str
    missions: tuple[DaxaMission, ...]
    unknown: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


# ----------------------------------------------------------------------------------------------------- names of units in DAXA

_LENGTHS = {
    "xmm_pointed": 10, "erosita_calpv": 6, "erosita_all_sky_de_dr1": 6, "nustar_pointed": 11, "swift": 11, "suzaku": 9,
    "asca": 8, "integral_pointed": 12, "xrism_pointed": 9,
}  # fmt: skip
_INSTRUMENTS = {
    "chandra": ("ACIS", "HRC", "HETG", "LETG"), "rosat_pointed": ("HRI", "PSPCC", "PSPCB"), "rosat_all_sky": ("PSPC",),
}  # fmt: skip


def obs_id_of(mission: str, ident: str) -> str:
    """The ObsID that DAXA sees in the name of a unit."""
    if mission in _LENGTHS:
        return ident[: _LENGTHS[mission]]
    for name in _INSTRUMENTS.get(mission, ()):
        ident = ident.replace(name, "")
        if mission == "chandra":
            ident = ident.split("E")[0]
    return ident


def ident_of(mission: str, obs_id: str, unit: str) -> str:
    """A name for a unit from which DAXA gets its ObsID: the plain joining of both wherever that works.

    DAXA cannot open an archive with a unit whose ObsID it does not see. A detector that it does not know by this name (ROSAT's
    « PSPC » of unknown number) is left out of the unit's name.
    """
    ident = f"{obs_id}{unit}"
    if obs_id_of(mission, ident) == obs_id:
        return ident
    shortened = f"{obs_id}{''.join(re.findall(r'[A-Z]+', unit)[:1])}"
    return shortened if obs_id_of(mission, shortened) == obs_id else obs_id


# ---------------------------------------------------------------------------------------------------- what is usable for DAXA

_NOT_FILTERS = ("", "CalClosed", "Closed", "Blocked", "Unknown")
_NOT_MODES = frozenset(
    {
        "Diagnostic3x3", "Diagnostic1x1", "CcdDiagnostic", "Diagnostic1x1ResetPerPixel", "Diagnostic", "Noise", "Offset",
        "HighTimeResolutionSingleCcd", "OffsetVariance", "CentroidingConfirmation", "CentroidingData", "DarkHigh", "DarkLow",
        "FlatFieldHigh", "FlatFieldLow",
    }
)  # fmt: skip
EROSITA = ("erosita_calpv", "erosita_all_sky_de_dr1")
WITH_SUMMARIES = ("xmm_pointed", *EROSITA, "chandra", "nustar_pointed")


def summary_of(mission: str, instruments: dict[str, dict[str, Any]], row: dict[str, Any] | None = None) -> dict[str, Any]:
    """DAXA's observation summary of what this program knows: `instruments` as in `core.archive_queries.ObservationFacts`.

    Missions for which DAXA has no summaries get none ({}).
    """
    if mission not in WITH_SUMMARIES:
        return {}
    makers = {"xmm_pointed": _xmm_summary, "chandra": _chandra_summary, "nustar_pointed": _active_only}
    maker = makers.get(mission, _erosita_summary)
    return {name: maker(name, facts, row or {}) for name, facts in instruments.items()}


def _active_only(_: str, facts: dict[str, Any], __: dict[str, Any]) -> dict[str, Any]:
    return {"active": bool(facts.get("active"))}


def _xmm_summary(_: str, facts: dict[str, Any], __: dict[str, Any]) -> dict[str, Any]:
    if not facts.get("active"):
        return {"active": False}
    exposures = {
        ident: {
            "scheduled": ident.startswith("S"),
            "type": "SCIENCE",  # the only lists that the pipeline makes
            "mode": str(one.get("mode") or ""),
            "filter": str(one.get("filter") or "") or None,
            "ccd_modes": {},
        }
        for ident, one in dict(facts.get("exposures", {})).items()
    }
    return {"active": True, "num_exp": len(exposures), "exposures": exposures}


def _erosita_summary(_: str, facts: dict[str, Any], __: dict[str, Any]) -> dict[str, Any]:
    filters = [str(text).upper() for text in facts.get("filters", ())]
    return {"active": bool(facts.get("active")), "filter": filters[0] if filters else ""}


def _chandra_summary(name: str, facts: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    modes = [str(text) for text in facts.get("modes", ())]
    idents = sorted(ident for ident in facts.get("exposures", {}) if ident != "ALL") or ["E001"]
    return {
        "DETECTOR": str(row.get("detector") or name),
        "GRATING": str(row.get("grating") or "NONE"),
        "OBS_MODE": "POINTING",
        "MODE": modes[0] if modes else "",
        "active": bool(facts.get("active")),
        "alt_exp_mode": False,
        "sub_exp": len(idents) > 1,
        "sub_exp_ids": idents,
    }


def use_of(mission: str, summary: dict[str, Any]) -> dict[str, Any]:
    """DAXA's own judgement of what may be processed, from a summary; {} for missions for which it has none."""
    found: dict[str, Any] = {}
    for name, facts in summary.items() if mission in WITH_SUMMARIES else ():
        if mission == "xmm_pointed":
            exposures = facts.get("exposures", {}) if facts.get("active") else {}
            found[name] = {ident: _usable_exposure(name, one) for ident, one in exposures.items()}
        elif mission in EROSITA:
            found[name] = {"usable": facts.get("filter") in ("OPEN", "FILTER")}
        elif mission == "chandra":
            good = bool(facts.get("active")) and not facts.get("alt_exp_mode") and not facts.get("sub_exp")
            found[name] = dict.fromkeys(facts.get("sub_exp_ids", ()), good)
        else:
            found[name] = bool(facts.get("active"))
    return found


def _usable_exposure(instrument: str, facts: dict[str, Any]) -> bool:
    open_filter = instrument in ("R1", "R2") or (facts.get("filter") or "") not in _NOT_FILTERS
    return facts.get("type") == "SCIENCE" and open_filter and facts.get("mode") not in _NOT_MODES
