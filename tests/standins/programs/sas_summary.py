"""The text that odfingest writes about an ODF: sections, words and padding as in a real one of SAS 14."""

from __future__ import annotations

import os
import re
import time
from typing import Any

from programs import files, sas

_ORDER = ("M1", "M2", "R1", "R2", "PN", "OM")
_KINDS = {"M1": "EPIC MOS", "M2": "EPIC MOS", "PN": "EPIC PN", "R1": "RGS", "R2": "RGS", "OM": "OM"}
_PART = re.compile(
    r"\d{4}_(?P<obs>\d{10})_(?P<inst>M1|M2|R1|R2|PN|OM)(?P<flag>[SU])(?P<number>\d{3})(?P<rest>\d\d)(?P<type>[A-Z]{3})\.FIT"
)


def _exposures(task: sas.Task, folder: str, names: list[str]) -> dict[str, dict[str, dict[str, Any]]]:
    """By instrument and exposure: what the headers of its files say."""
    found: dict[str, dict[str, dict[str, Any]]] = {instrument: {} for instrument in _ORDER}
    for name in names:
        match = _PART.fullmatch(name)
        if match is None:
            continue
        header = files.first_header(os.path.join(folder, name))
        start, end = str(header.get("DATE-OBS", "")), str(header.get("DATE-END", ""))
        task.say(f"Dataset Time Range: {name} : {start} - {end}")
        facts = found[match["inst"]].setdefault(match["flag"] + match["number"], {"start": start, "end": end, "modes": {}})
        if match["type"] == "AUX":
            facts.update(
                mode=header.get("SUBMODE", "UNDEFINED"), filter=header.get("FILTER"), kind=header.get("EXP_TYPE", "SCIENCE")
            )
        elif match["type"] in ("IME", "TIE", "SPE", "DII", "ODI", "DLI", "BUE", "IMI"):
            # MOS: one digit of the CCD and one of the node; pn and RGS: two digits of the CCD
            number = int(match["rest"][0]) if match["inst"] in ("M1", "M2") else int(match["rest"])
            facts["modes"][number] = header.get("DATAMODE", "Imaging")
            facts.setdefault("mode", header.get("SUBMODE", "UNDEFINED"))
            if match["type"] in ("IMI", "TIE") and facts.get("filter") is None:
                facts["filter"] = header.get("FILTER")
    return found


def _exposure_lines(instrument: str, obs_id: str, ident: str, facts: dict[str, Any], level: int, index: int) -> list[str]:
    times = [
        f"{facts[which]} / {text}"
        for which, text in (
            ("start", "Scheduled Start Time"),
            ("end", "Scheduled End Time"),
            ("start", "Actual Start Time"),
            ("end", "Actual End Time"),
        )
    ]
    mode, data_modes = facts.get("mode", "UNDEFINED"), sorted(facts["modes"].items())
    shown: list[str] = (
        []
        if mode == "UNDEFINED"
        else [
            *(f"CALIBRATION_MODE_{n} = {mode} / Mode used to calibrate events from CCD {n}" for n, _ in data_modes),
            *(
                f"DATA_MODE_{n} = {value} / Data mode for {'window' if instrument == 'OM' else 'CCD'} {n}"
                for n, value in data_modes
            ),
        ]
    )
    if facts.get("filter") and instrument in ("M1", "M2", "PN", "OM"):
        shown += [
            "FILTER_WHEEL = FILTER A // Name of filter wheel position",
            "FILTER_WHEEL_POSITION = 267 // Hardware filter wheel position",
        ]
        words = "Filter position translated from potentiometer readout" if instrument == "PN" else "Filter"
        shown.append(f"FILTER = {facts['filter']} // {words}")
    shown += ["CLOCK_WRAP_AROUND = 32767 // Clock wrap around", "MEAN_TEMPERATURE = 34.0323 // Mean temperature"]
    return [
        "//",
        "// Exposure Record",
        f"// Observation Level Exposure Index = {level}",
        f"// Instrument [{instrument}] Level Exposure Identifier = {ident}",
        f"// Instrument [{instrument}] Level Exposure Index = {index}",
        "//",
        "EXPOSURE",
        f"{ident[1:]} / Exposure Identifier [also {ident}]",
        f"{'Y' if ident[0] == 'S' else 'N'} / Is this a scheduled exposure?",
        f"{facts.get('kind', 'SCIENCE')} / Exposure Type",
        f"{obs_id}{instrument}{ident} / Commanded Exposure Identifier",
        f"{obs_id}{instrument}{ident} / Proposal Exposure Identifier",
        *times,
        "//",
        f"// Configuration Record for {instrument}",
        "//",
        f"CONFIGURATION {_KINDS[instrument]}",
        f"{len(shown) + 1} / Number of configuration parameters available",
        f"MODE = {mode} / Instrument configuration ",
        *shown,
    ]


def _quality_lines(instrument: str, obs_id: str, ident: str) -> list[str]:
    rows = ["DATA QUALITY", f"{instrument} / Instrument Id", f"{obs_id}{instrument}{ident[1:]} / Exposure Id"]
    counters = ("packets that failed reception checking", "event reports", "PMS errors", "Telemetry drops")
    rows += [f"{0:4d} / Number of {what}" for what in counters]
    rows += [
        f"{0:4d} / Total duration of Telemetry drops",
        f"{0:4d} / Number of Telemetry out of limits",
        f"{ident[0]} / Scheduled flag",
    ]
    return [f"{row:<80}" for row in rows]


def summary(task: sas.Task, path: str, folder: str, names: list[str]) -> str:
    """The whole text."""
    obs_id, revolution = names[0][5:15], names[0][:4]
    found = _exposures(task, folder, names)
    times = [facts for exposures in found.values() for facts in exposures.values()]
    start = min((facts["start"] for facts in times), default="1999-01-01T00:00:00.000")
    end = max((facts["end"] for facts in times), default="1999-01-01T00:00:00.000")
    task.say(f"Observation Time Range: {start} - {end}")
    now = time.strftime("%Y-%m-%dT%H:%M:%S.000", time.gmtime())
    rule = "// ----------------------------------"
    lines = [
        rule,
        "// XMM-Newton Science Analysis System",
        rule,
        "//",
        "// ODF Summary File",
        f"// By: odfingest(odfingest-{sas.VERSIONS['odfingest']}) [{task.version}] on {now}",
        "//",
        "//",
        "// Directory where the ODF constituents were found. "
        "This may have to be edited to match the local file system structure.",
        "//",
        f"PATH {path}",
        "//",
        "// Observation Record",
        "//",
        "OBSERVATION",
        f"{obs_id} / Observation Identifier",
        f"{revolution} / Revolution Identifier",
        f"{start} / Observation Start Time",
        f"{end} / Observation End Time",
        "//",
        "// Number of files in the Observation Summary File, and their names",
        "//",
        "FILES",
        f"{len(names)} / Number of Files",
        *(f"{name} / ODF Constituent" for name in names),
        f"// The CONFIGURATION record was extracted from {revolution}_{obs_id}_SCX00000SUM.ASC",
        f"{'CONFIGURATION':<80}",
        "5",
        f"{'ODF_VERSION = 003 / Qcheck reset ODF version':<80}",
        f"{'PRIME_INSTR = E3 / Prime Instrument':<80}",
        "// odfingest metadata",
        f"ODFINGEST_VERSION = {sas.VERSIONS['odfingest']} / odfingest version",
        f"SAS_MANIFEST = {task.version} / SAS Manifest",
        f"PROCESS_DATE = {now} / Time and Date when summary file produced",
    ]
    level = 0
    for instrument in _ORDER:
        exposures = found[instrument]
        lines += [
            "//",
            "// Instrument Record",
            "//",
            "INSTRUMENT",
            instrument,
            f"{'Y' if exposures else 'N'} / Is this instrument active?",
            f"{len(exposures)} / Number of exposures for this instrument",
        ]
        for index, (ident, facts) in enumerate(sorted(exposures.items(), key=lambda item: (item[1]["start"], item[0])), 1):
            level += 1
            task.say(f"{instrument}/{ident} start = {facts['start']} end = {facts['end']}")
            lines += _exposure_lines(instrument, obs_id, ident, facts, level, index)
    lines += ["//", "// Data quality records", "//"]
    for instrument in _ORDER:
        for ident in sorted(found[instrument]):
            lines += _quality_lines(instrument, obs_id, ident)
    return "\n".join(lines) + "\n"
