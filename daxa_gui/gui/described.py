"""Observations, products and their making as pairs of name and value for people: labels, units, sensible digits."""

from __future__ import annotations

import html
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from daxa_gui.core.archive_info import ArchiveObservation, HistoryEntry
from daxa_gui.core.job import Job
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import Product
from daxa_gui.core.step import Call, Parameter, Step
from daxa_gui.core.targets import TARGET_TYPES
from daxa_gui.gui.archive_contents import KIND_LABELS
from daxa_gui.gui.models.jobs import format_bytes
from daxa_gui.gui.texts import UNKNOWN, angle_text, count_text, kiloseconds, split_position, utc_text

Pair = tuple[str, str]
Group = tuple[str, list[Pair]]  # heading, pairs

# Facts that tasks report about their products: label and unit. Others keep their name with blanks.
_FACTS: dict[str, tuple[str, str]] = {
    "n_events": ("Events", ""),
    "source_events": ("Events before cleaning", ""),
    "rows": ("Events", ""),
    "counts": ("Counts", ""),
    "shape": ("Size", "pixels"),
    "useful": ("Useful", ""),
    "doubt": ("Doubt, 0 to 1", ""),
    "reasons": ("Reasons for doubt", ""),
    "kept_fraction": ("Kept part of the time", "%"),
    "good_time_s": ("Good time", "s"),
    "intervals": ("Intervals", ""),
    "ontime_s": ("On-time", "s"),
    "livetime_s": ("Live time", "s"),
    "exposure_s": ("Exposure", "s"),
    "ontime_per_ccd_s": ("On-time per CCD", "s"),
    "band_kev": ("Energy band", "keV"),
    "bin_s": ("Bin length", "s"),
    "bins": ("Time bins", ""),
    "fitted": ("Gaussian fitted", ""),
    "quiet_rate_ct_s": ("Quiet rate", "ct/s"),
    "sigma_ct_s": ("Sigma of the quiet rate", "ct/s"),
    "n_sigma": ("Limits at", "sigma"),
    "by_hand": ("Limits by hand", ""),
    "low_ct_s": ("Lowest rate kept", "ct/s"),
    "high_ct_s": ("Highest rate kept", "ct/s"),
    "service": ("Archive service", ""),
    "url_path": ("Path at the service", ""),
    "bytes": ("Size unpacked", "bytes"),
    "program_s": ("Time of its programs", "s"),
    "programs": ("Programs", ""),
    "software": ("Software", ""),
    "version": ("Version of the software", ""),
    "calibration": ("Calibration", ""),
}
_SOFTWARE = {"sas": "SAS", "esass": "eSASS", "ciao": "CIAO", "heasoft": "HEASoft", "nustardas": "NuSTARDAS", "ccf": "CCF",
             "caldb": "CALDB", "ciao_caldb": "CIAO's CALDB"}  # fmt: skip
_EMPTY: tuple[Any, ...] = (None, "", [], {})  # facts that say nothing
_IN_PRODUCT = ("sha256",)  # stands with the product already
# What every task is told besides its parameters.
_ARGUMENTS = {
    "path": "Input file", "gti_path": "Good-time intervals", "url": "Address", "destination": "Written to",
    "service": "Archive service", "expected_bytes": "Expected size",
}  # fmt: skip
_OF_DOWNLOADS = {"path": "Path at the service", "unpack": "Unpacked from"}
_NOT_TOLD = frozenset({"mission", "obs_id", "instrument", "exposure", "key", "raw_folder", "raw_file", "members"})
_UNITS = {"s": "s", "kev": "keV", "deg": "°", "bytes": "bytes", "mjd": "MJD", "arcsec": "″"}
# Columns that every catalogue has; those of one mission follow them.
_COMMON = frozenset({
    "obs_id", "ra_deg", "dec_deg", "start_mjd", "end_mjd", "exposure_s", "target", "target_type", "instruments", "public_mjd",
    "unusable_reason", "search_radius_deg", "fov_radius_deg", "simulated",
})  # fmt: skip


def time_text(seconds: float | None) -> str:
    """Seconds since 1970 as « 2026-11-21 11:45:42 » (UTC)."""
    return UNKNOWN if not seconds else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def number_text(value: float | int) -> str:
    """At most six digits, with narrow spaces in whole numbers above 9999."""
    if isinstance(value, int):
        return count_text(value) if abs(value) > 9999 else str(value)
    if not math.isfinite(value):
        return UNKNOWN
    return count_text(int(value)) if value == int(value) and 9999 < abs(value) < 1e15 else f"{value:.6g}"


def value_text(value: Any) -> str:
    """A value as a person writes it."""
    if value is None or value in ("", [], ()):
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number_text(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {value_text(part)}" for name, part in sorted(value.items(), key=_by_number))
    if isinstance(value, (list, tuple)):
        return ", ".join(f"({value_text(part)})" if isinstance(part, (list, tuple)) else value_text(part) for part in value)
    return str(value)


def _by_number(item: tuple[str, Any]) -> tuple[int, str]:
    return (int(item[0]), "") if str(item[0]).isdecimal() else (0, str(item[0]))


def _name(name: str) -> tuple[str, str]:
    """Label and unit of a value that nobody declared: « n_something_s » is « N something », s."""
    words, _, last = name.rpartition("_")
    unit = _UNITS.get(last, "") if words else ""
    label = (words if unit else name).replace("_", " ")
    return label[:1].upper() + label[1:], unit


def _with_unit(text: str, unit: str) -> str:
    return text if text == UNKNOWN or not unit else f"{text}\u00a0{unit}"


def facts_of(values: Mapping[str, Any], known: Collection[str] = ()) -> list[Pair]:
    """Facts in the order of their declarations, the others behind them; without `known` ones and those that say nothing."""
    order = {name: number for number, name in enumerate(_FACTS)}
    names = [name for name, value in values.items() if name not in known and value not in _EMPTY]
    return [fact(name, values[name]) for name in sorted(names, key=lambda name: order.get(name, len(order)))]


def fact(name: str, value: Any) -> Pair:
    """A fact of a product or job."""
    label, unit = _FACTS.get(name) or _name(name)
    if unit == "bytes" and isinstance(value, (int, float)):
        return label, format_bytes(value)
    if name in _IN_WORDS:
        return label, _IN_WORDS[name](value)
    if unit == "%" and isinstance(value, (int, float)):
        return label, f"{100 * value:.1f}\u00a0%"
    if name == "band_kev" and isinstance(value, (list, tuple)) and len(value) == 2:
        return label, f"{value[0]:g}–{value[1]:g}\u00a0keV"
    if name == "shape" and isinstance(value, (list, tuple)) and len(value) == 2:
        return label, f"{value[1]} × {value[0]}\u00a0pixels"
    if name.endswith("_mjd") and isinstance(value, (int, float)):
        return label, _with_unit(utc_text(float(value)), "UTC")
    return label, _with_unit(value_text(value), unit)


def _programs(value: Any) -> str:
    """« evselect (0.26 s), merge (1.2 s, exit code 1) »."""
    if not isinstance(value, (list, tuple)):
        return value_text(value)
    found = []
    for one in value:
        if not isinstance(one, Mapping):
            found.append(value_text(one))
            continue
        more = [f"{number_text(one['seconds'])}\u00a0s"] if isinstance(one.get("seconds"), (int, float)) else []
        more += [f"exit code {value_text(one['exit_code'])}"] if one.get("exit_code") else []
        found.append(f"{one.get('program', 'program')} ({', '.join(more)})" if more else str(one.get("program", "program")))
    return ", ".join(found)


def _versions(value: Any) -> str:
    """« SAS 22.1.0, CCF 34 files » of name → version; what stands behind a comma is for machines only."""
    if not isinstance(value, Mapping):
        return value_text(value)
    parts = (f"{_SOFTWARE.get(str(name), name)} {str(version).partition(',')[0]}" for name, version in value.items())
    return ", ".join(part.strip() for part in parts)


def observation_groups(observation: ArchiveObservation, spec: MissionSpec | None, label: str, style: str) -> list[Group]:
    """What the catalogue said about an observation when it was put into the archive. `style` is that of coordinates."""
    row = observation.row

    def number(name: str) -> float:
        value = row.get(name)
        return float(value) if isinstance(value, (int, float)) else math.nan

    ra, dec = split_position(number("ra_deg"), number("dec_deg"), style)
    kind = str(row.get("target_type", ""))
    reason = str(row.get("unusable_reason", ""))
    groups: list[Group] = [
        ("Observation", [
            ("Mission", label),
            ("Target", observation.target or UNKNOWN),
            ("Target type", TARGET_TYPES.get(kind, kind) or UNKNOWN),
            ("Instruments", _instruments(spec, observation.instruments or str(row.get("instruments", "")).split())),
            ("Fit for science", f"no: {reason}" if reason else "yes, as far as the archive tells"),
            *([("Simulated", "yes: it belongs to the practice sky")] if row.get("simulated") else []),
        ]),
        ("Pointing", [
            ("RA (ICRS)", ra), ("Dec (ICRS)", dec),
            ("Field of view, radius", angle_text(number("fov_radius_deg"))),
        ]),
        ("Time (UTC)", [
            ("Start", utc_text(number("start_mjd"))), ("End", utc_text(number("end_mjd"))),
            ("Exposure", _with_unit(kiloseconds(number("exposure_s")), "ks")),
            ("Public from", utc_text(number("public_mjd"))),
            ("Put into the archive", time_text(observation.added)),
        ]),
    ]  # fmt: skip
    labels = spec.column_labels if spec is not None else {}
    extra = [(labels.get(name) or _name(name)[0], value_text(value)) for name, value in row.items() if name not in _COMMON]
    if extra:
        groups.append((f"From the table of {label}", extra))
    return groups


def _instruments(spec: MissionSpec | None, names: Iterable[str]) -> str:
    labels = {instrument.name: instrument.label for instrument in spec.instruments} if spec is not None else {}
    return ", ".join(labels.get(name, name) for name in names) or UNKNOWN


def product_groups(product: Product) -> list[Group]:
    """The file of a product and what the task that made it found out."""
    file = [
        ("Kind", KIND_LABELS[product.key.kind]),
        ("File", product.path),
        ("Size", format_bytes(product.size_bytes)),
        ("Made (UTC)", time_text(product.created)),
        ("SHA-256", product.sha256 or "not known"),
    ]
    facts = facts_of(product.facts, _IN_PRODUCT)
    return [("File", file), *([("Contents", facts)] if facts else [])]


def job_groups(job: Job, product: Product) -> list[Group]:
    """What the job that made a product found out besides what the product says itself."""
    facts = facts_of(job.facts, product.facts) if job.kind == "reduce" else []
    warnings = [("Warning", warning) for warning in job.warnings]
    return [(f"Found by « {job.title} »", facts + warnings)] if facts or warnings else []


def _history_software(entry: HistoryEntry) -> str:
    """What made it: the missions' software with its version where it was run, and this program."""
    names = entry.facts.get("software") or (entry.task.arguments.get("versions") if isinstance(entry.task, Call) else None)
    if isinstance(names, str) and names != "builtin":
        names = {names: entry.facts.get("version", ""), **_mapping(entry.facts.get("calibration"))}
    if not names or names == "builtin":
        return f"DAXA GUI {entry.version}"
    return f"{_versions(names)}, run by DAXA GUI {entry.version}"


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def history_groups(entry: HistoryEntry, steps: Sequence[Step]) -> list[Group]:
    """One making of a product: when, how long, with which parameters."""
    took = entry.finished - entry.started if entry.started and entry.finished else None
    made = [
        ("Made by", entry.title),
        ("When (UTC)", time_text(entry.finished)),
        ("Took", UNKNOWN if took is None else f"{took:.2g}\u00a0s" if took < 10 else f"{took:.0f}\u00a0s"),
        ("Attempt", str(entry.attempt)),
        ("Software", _history_software(entry)),
        *([("Programs", _programs(entry.facts["programs"]))] if entry.facts.get("programs") else []),
        ("SHA-256", entry.sha256 or "not known"),
    ]
    if not isinstance(entry.task, Call):
        return [("Making", made), ("Command", [("Arguments", " ".join(entry.task.argv))])]
    declared = {p.name: p for step in steps if step.name == entry.step for p in step.parameters}
    arguments = entry.task.arguments
    if isinstance(arguments.get("parameters"), Mapping):  # of the missions' software; the rest says which data are meant
        own = arguments["parameters"]
        parameters = [parameter_pair(declared[name], own[name]) for name in declared if name in own]
        where = [argument("path", arguments["raw_folder"], {"path": "Raw data"})] if arguments.get("raw_folder") else []
        return [group for group in (("Making", made), ("Parameters", parameters), ("From", where)) if group[1]]
    parameters = [parameter_pair(declared[name], arguments[name]) for name in declared if name in arguments]
    by_hand = [
        (label, value_text(arguments[name]))
        for name, label in (("added_s", "Good time added by hand"), ("removed_s", "Good time removed by hand"))
        if arguments.get(name)
    ]
    labels = {**_ARGUMENTS, **(_OF_DOWNLOADS if entry.step == "download" else {})}
    rest = [
        argument(name, value, labels)
        for name, value in arguments.items()
        if name not in declared and name not in _NOT_TOLD and name not in ("added_s", "removed_s") and value not in (None, "")
    ]
    groups = [("Making", made), ("Parameters", parameters + by_hand), ("From", rest)]
    return [group for group in groups if group[1]]


def argument(name: str, value: Any, labels: Mapping[str, str]) -> Pair:
    """Something that a task was told besides its parameters."""
    label = labels.get(name) or _name(name)[0]
    if name.endswith("_bytes") and isinstance(value, (int, float)):
        return label, format_bytes(value)
    if name == "service":
        return label, service_text(str(value))
    return label, value_text(value)


def service_text(name: str) -> str:
    """« heasarc (practice sky) » for the service of that name that the practice sky imitates."""
    return f"{name.removeprefix('practice:')} (practice sky)" if name.startswith("practice:") else name


def parameter_pair(parameter: Parameter, value: Any) -> Pair:
    """« Energy band », « 2.5–8.5 keV »; what an empty entry means where nothing was chosen."""
    if value is None:
        return parameter.label, parameter.empty
    if isinstance(value, (list, tuple)) and value and all(isinstance(part, (list, tuple)) and len(part) == 2 for part in value):
        bands = ", ".join("–".join(value_text(end) for end in part) for part in value)
        return parameter.label, _with_unit(bands, parameter.unit)
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(part, (int, float)) for part in value):
        return parameter.label, _with_unit("–".join(f"{float(part):g}" for part in value), parameter.unit)
    return parameter.label, _with_unit(value_text(value), parameter.unit)


# Facts that need more than a number and its unit.
_IN_WORDS: dict[str, Callable[[Any], str]] = {
    "service": lambda value: service_text(str(value)),
    "programs": _programs,
    "calibration": _versions,
    "software": lambda value: _SOFTWARE.get(str(value), str(value)),
}


def as_html(groups: Sequence[Group], muted: str) -> str:
    """A table with headings; `muted` is the colour of the names. All texts are escaped."""
    rows = []
    for heading, pairs in groups:
        rows.append(f"<tr><td colspan='2' style='padding-top:8px'><b>{html.escape(heading)}</b></td></tr>")
        for name, value in pairs:
            left = f"<td style='color:{muted}; padding-right:12px'>{html.escape(name)}</td>"
            rows.append(f"<tr>{left}<td>{html.escape(value)}</td></tr>")
    return f"<table cellspacing='0' cellpadding='2'>{''.join(rows)}</table>"
