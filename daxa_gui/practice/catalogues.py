"""The observation tables of the practice sky: one CSV file per mission, times in ISO 8601 (UTC), positions in ICRS degrees."""

from __future__ import annotations

import csv
from pathlib import Path

from daxa_gui.practice.sky import SIMULATED_MISSIONS, Observation, observations_of

COLUMNS = (
    "obs_id", "ra_deg", "dec_deg", "start_utc", "end_utc", "exposure_s", "target", "target_type", "instruments", "public_utc",
    "unusable_reason",
)  # fmt: skip


def _row(observation: Observation) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(observation, name) for name in COLUMNS}
    row["instruments"] = " ".join(observation.instruments)
    row["public_utc"] = observation.public_utc or observation.end_utc
    return row | observation.extra


def write_catalogues(folder: Path) -> None:
    """Write `<mission>.csv` for every mission that observed the practice sky."""
    folder.mkdir(parents=True, exist_ok=True)
    for mission in SIMULATED_MISSIONS:
        rows = [_row(item) for item in observations_of(mission)]
        temporary = folder / f"{mission}.csv.part"
        with temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(folder / f"{mission}.csv")
