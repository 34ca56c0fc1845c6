"""DAXA's processes and our reduction steps: their names, units, the files that each records, and the arguments of its functions.

Steps are handed over as values (`core.step.Step`, by name); which keys DAXA's later processes and XGA read is from DAXA 0.3.7.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from daxa_gui.core.product import Product, ProductKey, ProductKind
from daxa_gui.core.step import Parameter, Step
from daxa_gui.exchange.daxa_archive import EROSITA, SAFE, US, DaxaMission, is_ours

Steps = Mapping[str, Step]
EXPOSURES = "exposures"
_PREPARE = {"chandra": "prepare_chandra_info", "nustar_pointed": "prepare_nustar_info"}  # what DAXA does of this step
_WITHOUT_FUNCTION = ("generate_images_expmaps",)  # DAXA's update() would not find them
_K = ProductKind

# Our step → kind of product → key of DAXA's extra information; a key with « [] » holds a list.
KEYS: dict[str, dict[ProductKind, str]] = {
    "odf_ingest": {_K.ODF_SUMMARY: "sum_path"},
    "epchain": {_K.CALIBRATED_EVENTS: "evt_list", _K.OOT_EVENTS: "oot_evt_list"},
    "emchain": {_K.CALIBRATED_EVENTS: "evt_list"},
    "emanom": {_K.ANOMALY_LOG: "log_path"},
    "espfilt": {
        _K.ALL_GOOD_EVENTS: "all_good_evts", _K.ALL_GOOD_OOT_EVENTS: "all_good_oot_evts", _K.GTI: "gti_path",
        _K.HISTOGRAM: "hist_path",
    },
    "cleaned_evt_lists": {_K.CLEAN_EVENTS: "evt_clean_path", _K.CLEAN_OOT_EVENTS: "oot_evt_clean_path"},
    "merge_subexposures": {
        _K.FINAL_EVENTS: "final_evt", _K.FINAL_OOT_EVENTS: "final_oot_evt", _K.FINAL_ALL_GOOD_EVENTS: "final_allgood_evt",
        _K.FINAL_ALL_GOOD_OOT_EVENTS: "final_allgood_oot_evt",
    },
    "generate_images_expmaps": {_K.IMAGE: "image[]", _K.EXPOSURE_MAP: "expmap[]"},
    "rgs_events": {_K.RGS_MERGED: "evt_list"},
    "cleaned_rgs_event_lists": {_K.FINAL_EVENTS: "evt_clean_path"},
    "flaregti": {_K.LIGHTCURVE: "lc_path", _K.THRESHOLD_IMAGE: "threshold_path", _K.MASK_IMAGE: "maskimg_path"},
    "cleaned_erosita_evts": {_K.FINAL_EVENTS: "final_evt"},
    "chandra_repro": {
        _K.CALIBRATED_EVENTS: "evt_list", _K.DEFAULT_GTI: "default_gti", _K.BAD_PIXELS: "badpix", _K.FOV_REGION: "fov_reg",
        _K.DEAD_TIME: "dead_time_file", _K.DETECTOR_MASK: "msk_file", _K.ASPECT_SOLUTION: "asol_file",
    },
    "deflare": {_K.GTI: "flaring_gti", _K.LIGHTCURVE: "lightcurve"},
    "cleaned_chandra_evts": {_K.CLEAN_EVENTS: "cleaned_events"},
    "flux_image": {
        _K.IMAGE: "image[]", _K.PSF_MAP: "psf[]", _K.FLUX_MAP: "fluxmap[]", _K.WEIGHTED_EXPOSURE_MAP: "weighted_expmap[]",
    },
    "rate_image": {_K.RATE_MAP: "ratemap[]", _K.EXPOSURE_MAP: "expmap[]"},
    "nupipeline": {
        _K.CALIBRATED_EVENTS: "evt_list", _K.HOT_PIXELS: "hot_pix", _K.BAD_PIXELS: "bad_pix", _K.REFERENCE_PIXEL: "ref_pix",
        _K.ATTITUDE: "attitude", _K.MAST: "mast", _K.OBEB: "obeb", _K.PSD: "psd", _K.CORRECTED_PSD: "psdcorr",
    },
}  # fmt: skip
_WITHOUT_BAND = (_K.GTI, _K.HISTOGRAM, _K.CLEAN_EVENTS, _K.CLEAN_OOT_EVENTS, _K.LIGHTCURVE, _K.THRESHOLD_IMAGE, _K.MASK_IMAGE)


# ------------------------------------------------------------------------------------------------------------- names and units


def daxa_process(mission: str, step: str, steps: Steps) -> str:
    """What DAXA calls one of our steps for a mission; "" if it has nothing like it."""
    if step == EXPOSURES:
        return _PREPARE.get(mission, "")
    known = steps.get(step)
    return known.daxa if known is not None and mission in known.missions else ""


def our_steps(mission: str, steps: Steps) -> dict[str, str]:
    """DAXA's process for a mission → the step of ours that does the same."""
    return {process: name for name in steps if (process := daxa_process(mission, name, steps))}


def names_here(mission: DaxaMission, steps: Steps) -> dict[tuple[str, str], tuple[str, str]]:
    """DAXA's process and unit → the step and unit that they are in an archive of ours.

    DAXA names eROSITA's units after the observation; here they have the names of the telescope modules, as their files have.
    """
    ours = our_steps(mission.name, steps)
    modules = {(one.step, one.ident): one.key.unit for one in mission.products if one.step and mission.name in EROSITA}
    found = {}
    for unit in mission.units:
        step = ours.get(unit.step, "")
        name = unit.ident.removeprefix(unit.obs_id)
        if step and not name:
            told = str(unit.extra.get("unit", "")) if is_ours(unit) else ""
            name = modules.get((unit.step, unit.ident), "") or (told if SAFE.fullmatch(told) else "")
        found[unit.step, unit.ident] = (step or unit.step, name)
    return found


def unit_in_daxa(mission: str, process: str, unit: str) -> str:
    """What DAXA has behind the ObsID for one of our units; eROSITA's telescope modules are all processed together."""
    return "" if process and mission in EROSITA else unit


def own_key(key: ProductKey) -> ProductKey:
    """A product that DAXA made as the step of ours that does the same would name it: DAXA has bands in the names of files that
    are about no band of events (and some of them in eV), and « None » for the sub-exposure of eROSITA's light curves."""
    band = None if key.kind in _WITHOUT_BAND or (key.mission == "xmm_pointed" and "events" in key.kind) else key.band_kev
    exposure = "ALL" if key.mission in EROSITA and not key.exposure else key.exposure
    return ProductKey(key.mission, key.obs_id, key.kind, key.instrument, exposure, band)


# ------------------------------------------------------------------------------------------------------------ extra information


def extra_of(
    mission: str, step: str, files: Iterable[Product], facts: Mapping[str, Any], parameters: Mapping[str, Any],
    moved: Mapping[str, str],
) -> dict[str, Any]:  # fmt: skip
    """What DAXA keeps of a unit of one of our steps: paths under its own keys, those of other files under « <kind>_path », and
    the values that its later steps read.

    Parameters
    ----------
    moved : product → path that DAXA is told instead.
    """
    keys, found = KEYS.get(step, {}), dict[str, Any]()
    for product in files:
        key = keys.get(product.key.kind, f"{product.key.kind}_path")
        path = moved.get(product.path, product.path)
        if path != product.path:
            found[f"{product.key.kind}_path"] = product.path
        if key.endswith("[]"):
            found.setdefault(key.removesuffix("[]"), []).append(path)
        else:
            found.setdefault(key, path)
    if step == "cif_build":
        found |= {name: str(facts[name]) for name in ("obs_date", "analysis_date") if facts.get(name)}
    elif step in ("cleaned_evt_lists", "cleaned_chandra_evts"):
        found["en_key"] = _energies(mission, parameters.get("energies_kev"))
    elif step == "cleaned_erosita_evts":
        flag = str(parameters.get("flag", "0xc0000000"))
        found |= {
            "flag": int(flag, 16) if re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}", flag) else flag,
            "flag_invert": bool(parameters.get("flag_invert", False)), "pattern": parameters.get("pattern", 15),
        }  # fmt: skip
    return found


def _energies(mission: str, limits_kev: Any) -> str:
    """The part of a file name that tells energies, empty without limits; DAXA writes XMM-Newton's in eV and says keV."""
    if not isinstance(limits_kev, (list, tuple)) or len(limits_kev) != 2:
        return ""
    scale = 1000.0 if mission == "xmm_pointed" else 1.0
    low, high = (float(energy) * scale for energy in limits_kev)
    return f"_{low!r}_{high!r}keV"


# ------------------------------------------------------------------------------------------------------------------- messages

_SENTENCE = re.compile(r"(?P<name>[A-Za-z]\w*) of (?P<task>[\w:]+(?: → [\w:]+)*)(?:: (?P<text>.*))?", re.DOTALL)


def warning_of(sentence: str) -> dict[str, str]:
    """A warning of a job of ours (« NoWCS of evselect: … ») in DAXA's form; what this program says itself has its name on it."""
    match = _SENTENCE.fullmatch(sentence)
    if match is None:
        return {"originator": US, "name": "note", "message": sentence}
    return {"originator": match["task"].replace(" → ", "::"), "name": match["name"], "message": match["text"] or ""}


def sentence_of(warning: Mapping[str, str]) -> str:
    """The opposite of `warning_of`."""
    if warning.get("originator") == US:
        return warning.get("message", "")
    task = warning.get("originator", "").replace("::", " → ")
    return f"{warning.get('name', '')} of {task}: {warning.get('message', '')}"


def error_of(message: str) -> str:
    """What a failed job says (« « espfilt » ended with exit code 1: noCounts of espfilt: … ») as DAXA writes errors of SAS."""
    _, _, rest = message.partition(": ")
    match = _SENTENCE.fullmatch(rest)
    if match is None:
        return f"Failure raised by {US} - {message}"
    return f"{match['name']} raised by {match['task'].replace(' → ', '::')} - {match['text'] or ''}"


# ------------------------------------------------------------------------------------------------------------------ arguments

_UNITS = {"eV": "eV", "keV": "keV", "s": "s", "″": "arcsec", "ct/s/deg2": "ct / (deg2 s)"}
_FLARE_BANDS_EV = {"histogram": (2500, 8500), "ratio": (8000, 12000)}  # what our step takes where none is entered
_NOT_TEXT = ("en_bounds", "effective_ens")  # arrays with units, which DAXA writes in a form that it cannot read again


def arguments_of(step: Step, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments with which DAXA's function does what a step of ours did, as its save file has them (quantities as text).

    None if DAXA's update() knows no function of that name. What DAXA has no argument for, or cannot read again, is left out: its
    own default holds there.
    """
    if step.daxa in _WITHOUT_FUNCTION:
        return None
    values = {parameter.name: parameters.get(parameter.name, parameter.default) for parameter in step.parameters}
    found: dict[str, Any] = {}
    for parameter in step.parameters:
        for name, value in _arguments(parameter, values):
            if name and name not in _NOT_TEXT:
                found.setdefault(name, value)
    return found


def _arguments(parameter: Parameter, values: Mapping[str, Any]) -> list[tuple[str, Any]]:
    names, value = [name.strip() for name in parameter.daxa.split(",")], values[parameter.name]
    special = _SPECIAL.get(parameter.name)
    if special is not None:
        return list(special(values).items())
    if len(names) == 2:
        if value is None:
            return []
        return [(name, _quantity(one, parameter.unit)) for name, one in zip(names, value, strict=True)]
    return [(names[0], _quantity(value, parameter.unit))]


def _quantity(value: Any, unit: str) -> Any:
    if unit in _UNITS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"Quantity {float(value)!r} {_UNITS[unit]}"
    return list(value) if isinstance(value, tuple) else value


def _switched(switch: str, length: str, default: float) -> Any:
    """DAXA has one argument for whether, and for how long."""

    def arguments(values: Mapping[str, Any]) -> dict[str, Any]:
        if not values[switch]:
            return {switch: False}
        return {switch: True if values[length] == default else _quantity(values[length], "s")}

    return arguments


def _flare_band(values: Mapping[str, Any]) -> dict[str, Any]:
    low, high = values["band_ev"] or _FLARE_BANDS_EV.get(str(values["method"]), _FLARE_BANDS_EV["histogram"])
    return {"filter_lo_en": _quantity(low, "eV"), "filter_hi_en": _quantity(high, "eV")}


def _flag(values: Mapping[str, Any]) -> dict[str, Any]:
    """DAXA takes the default only, with « invert », and hands neither to the task."""
    return {"flag": 0xC0000000, "flag_invert": True} if str(values["flag"]).lower() == "0xc0000000" else {}


def _analysis_date(values: Mapping[str, Any]) -> dict[str, Any]:
    """Another date than today is a datetime in DAXA, which it cannot save."""
    return {"analysis_date": "now"} if values["analysis_date"] == "now" else {}


_SPECIAL: dict[str, Any] = {
    "with_smoothing": _switched("with_smoothing", "smooth_s", 51),
    "smooth_s": lambda values: {},
    "with_binning": _switched("with_binning", "bin_s", 60),
    "bin_s": lambda values: {},
    "band_ev": _flare_band,
    "range_scale_mos": lambda values: {"range_scale": {"mos": values["range_scale_mos"], "pn": values["range_scale_pn"]}},
    "range_scale_pn": lambda values: {},
    "flag": _flag,
    "analysis_date": _analysis_date,
}


def run_config(
    mission: str, used: Mapping[str, Mapping[str, Any]], before: Iterable[Mapping[str, Any]], steps: Steps
) -> tuple[dict[str, Any], ...]:
    """DAXA's list of processes with their arguments, in running order: those that ran here (step → parameters) over those that
    an archive of DAXA's had already."""
    found: dict[str, Any] = {process: arguments for one in before for process, arguments in one.items()}
    for name, step in steps.items():
        if name not in used:
            continue
        process = daxa_process(mission, name, steps)
        arguments = {} if process and not step.daxa else arguments_of(step, used[name])
        if process and arguments is not None:
            found.pop(process, None)
            found[process] = arguments
    return tuple({process: arguments} for process, arguments in found.items())


def start_mjd(day: str) -> float | None:
    """MJD (UTC) at which a day (YYYY-MM-DD, as DAXA notes it) begins; None for what is no day."""
    try:
        return float(date.fromisoformat(day).toordinal() - date(1858, 11, 17).toordinal())
    except ValueError:
        return None
