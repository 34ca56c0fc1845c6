"""ODF summaries as odfingest writes them, small and made up: instruments, exposures, modes and filters of one's choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

OBS_ID = "0123456789"
REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "xmm" / "0201901401" / "odf" / "0809_0201901401_SCX00000SUM.SAS"
_RECORDS = {"M1": "EPIC MOS", "M2": "EPIC MOS", "PN": "EPIC PN", "R1": "RGS", "R2": "RGS", "OM": "OM"}
_SCIENCE = {"M1": "IME", "M2": "IME", "PN": "IME", "R1": "SPE", "R2": "SPE", "OM": "IMI"}


@dataclass(frozen=True)
class Made:
    name: str
    mode: str = "PrimeFullWindow"
    filter: str = "Thin1"
    data_mode: str = "Imaging"
    ccds: int = 7
    type: str = "SCIENCE"
    start: str = "2010-01-01T01:00:00.000"


def exposure_lines(instrument: str, made: Made, index: int) -> list[str]:
    digits, letter = made.name[1:], made.name[0]
    identifier = f"{OBS_ID}{instrument}{made.name}"
    what = "window" if instrument == "OM" else "CCD"
    settings = [f"MODE = {made.mode} / Instrument configuration "]
    settings += [
        f"CALIBRATION_MODE_{n} = {made.mode} / Mode used to calibrate events from {what} {n}" for n in range(1, made.ccds + 1)
    ]
    settings += [f"DATA_MODE_{n} = {made.data_mode} / Data mode for {what} {n}" for n in range(1, made.ccds + 1)]
    if made.filter:
        settings += ["FILTER_WHEEL = FILTER A // Name of filter wheel position", f"FILTER = {made.filter} // Filter"]
    settings += [
        "MEAN_TEMPERATURE = 34.0323 // Mean temperature",
        "// WARNING: HBR_LOW_THR_0 not found",
        "HBR_LOW_THR_0= Unknown // x",
    ]
    count = sum(not line.startswith("//") for line in settings)
    return [
        "//", "// Exposure Record", f"// Observation Level Exposure Index = {index}", "//", "EXPOSURE",
        f"{digits} / Exposure Identifier [also {made.name}]", f"{'Y' if letter == 'S' else 'N'} / Is this a scheduled exposure?",
        f"{made.type} / Exposure Type", f"{identifier} / Commanded Exposure Identifier",
        f"{identifier} / Proposal Exposure Identifier",
        f"{made.start} / Scheduled Start Time", "2010-01-01T09:00:00.000 / Scheduled End Time",
        f"{made.start} / Actual Start Time", "2010-01-01T09:00:00.000 / Actual End Time", "//",
        f"// Configuration Record for {instrument}", "//", f"CONFIGURATION {_RECORDS[instrument]}",
        f"{count} / Number of configuration parameters available", *settings,
    ]  # fmt: skip


def summary_text(
    instruments: Mapping[str, Sequence[Made]], obs_id: str = OBS_ID, path: str = "/data/odf", inactive: Sequence[str] = ()
) -> str:
    files = [f"0100_{obs_id}_SCX00000SUM.ASC"]
    lines: list[str] = []
    index = 0
    for name, exposures in instruments.items():
        lines += ["//", "// Instrument Record", "//", "INSTRUMENT", name,
                  f"{'N' if name in inactive else 'Y'} / Is this instrument active?",
                  f"{len(exposures)} / Number of exposures for this instrument"]  # fmt: skip
        for made in exposures:
            index += 1
            files.append(f"0100_{obs_id}_{name}{made.name}01{_SCIENCE[name]}.FIT")
            lines += exposure_lines(name, made, index)
    head = [
        "// ODF Summary File",
        "// By: odfingest(odfingest-3.33.2) [xmmsas_20230412_1735-21.0.0] on 2024-01-01T00:00:00.000", "//",
        f"PATH {path}", "//", "OBSERVATION", f"{obs_id} / Observation Identifier", "0100 / Revolution Identifier",
        "2010-01-01T00:00:00.000 / Observation Start Time", "2010-01-01T10:00:00.000 / Observation End Time", "//", "FILES",
        f"{len(files)} / Number of Files", *(f"{file} / ODF Constituent" for file in files), f"{'CONFIGURATION':<80}", "1",
        "PROCESS_DATE = 2024-01-01T00:00:00.000 / Time and Date when summary file produced",
    ]  # fmt: skip
    tail = [
        f"{'PROPOSAL':<80}", f"{'Dr ANNA MUELLER':<80}", " " * 80, "RXC J0000.0 / Target Name", "  / OM priority",
        f"{'DATA QUALITY':<80}",
        "M1 / Instrument Id", f"{obs_id}M1001 / Exposure Id", "   7 / Number of event reports", "S / Scheduled flag",
    ]  # fmt: skip
    return "\n".join([*head, *lines, *tail]) + "\n"


ORDINARY = {
    "M1": [Made("S001"), Made("U002", mode="FastUncompressed")],
    "PN": [Made("S003", ccds=12), Made("S004", mode="FastTiming", data_mode="Timing", ccds=1)],
    "R1": [Made("S005", mode="HighEventRateWithSES", filter="", data_mode="Spectroscopy", ccds=9)],
    "OM": [Made("S006", mode="Image", filter="UVW1", ccds=2)],
}
