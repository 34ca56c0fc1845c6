"""Make the observation tables in resources/catalogues/ from the published tables of the two eROSITA data sets.

    python packaging/convert_static_tables.py INPUT_FOLDER [OUTPUT_FOLDER]

INPUT_FOLDER holds `erass_de_dr1_tiles.csv` and `erosita_calpv_observations.csv`. Every value is copied as the text that it is
there; nothing is rounded or reformatted. Running it again gives the same files.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

COMMON = (
    "obs_id", "ra_deg", "dec_deg", "start_utc", "end_utc", "exposure_s",
    "target", "target_type", "instruments", "public_utc", "unusable_reason",
)  # fmt: skip
TILE_EXTRAS = (
    "owner_code", "ownership", "ra_min_deg", "ra_max_deg", "dec_min_deg", "dec_max_deg", "x_margin_arcmin", "y_margin_arcmin",
    "n_neighbours", "n_neighbours_in_release", "neighbour_ids", "span_s", "time_adjusted",
)  # fmt: skip
CALPV_EXTRAS = ("field_key", "field_name", "field_type", "archive_url")

DR1_RELEASE = "2024-01-31T00:00:00Z"
EDR_RELEASE = "2021-07-02T00:00:00Z"  # last day of the meeting where it was announced: public by then at the latest

TILE_COMMENT = (
    "eRASS1: the 2447 sky tiles of the eROSITA-DE data release 1 (German half of the sky).",
    "Published by eROSITA-DE (MPE) as the sky-tile table of DR1; times as given there, taken as UTC (the scale is not stated).",
    "exposure_s is empty: a tile is visited repeatedly, so its time span says nothing about the exposure.",
    "ObsIDs are text: they have leading zeros.",
)
CALPV_COMMENT = (
    "eROSITA calibration and performance verification: the 170 observations of the early data release.",
    "Published by eROSITA-DE (MPE) with the early data release; times as given there, taken as UTC (the scale is not stated).",
    "target is the name of the field; target_type is empty because the release does not classify its targets.",
)


def tile_row(row: dict[str, str]) -> dict[str, str]:
    number = row["tile_id"]
    return {
        **{name: row[name] for name in TILE_EXTRAS},
        "obs_id": number,
        "ra_deg": row["ra_deg"],
        "dec_deg": row["dec_deg"],
        "start_utc": row["start_utc"],
        "end_utc": row["end_utc"],
        "exposure_s": "",
        "target": f"Sky tile {number}",
        "target_type": "ASK",
        "instruments": "TM1 TM2 TM3 TM4 TM5 TM6 TM7",
        "public_utc": DR1_RELEASE,
        "unusable_reason": "",
    }


def calpv_row(row: dict[str, str]) -> dict[str, str]:
    if len(row["active_tms"].split()) != int(row["n_active_tms"]):
        raise SystemExit(f"{row['obs_id']}: n_active_tms does not count the modules in active_tms")
    return {
        **{name: row[name] for name in CALPV_EXTRAS},
        "obs_id": row["obs_id"],
        "ra_deg": row["ra_deg"],
        "dec_deg": row["dec_deg"],
        "start_utc": row["start_utc"],
        "end_utc": row["end_utc"],
        "exposure_s": row["duration_s"],
        "target": row["field_name"],
        "target_type": "",
        "instruments": row["active_tms"],
        "public_utc": EDR_RELEASE,
        "unusable_reason": "",
    }


def convert(
    source: Path,
    destination: Path,
    extras: tuple[str, ...],
    comment: Iterable[str],
    translate: Callable[[dict[str, str]], dict[str, str]],
) -> int:
    """Write one table; returns the number of rows."""
    with source.open(encoding="utf-8", newline="") as stream:
        rows = [translate(row) for row in csv.DictReader(stream)]
    part = destination.with_name(destination.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as stream:
        stream.writelines(f"# {line}\n" for line in comment)
        writer = csv.DictWriter(stream, (*COMMON, *extras), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(destination)
    return len(rows)


def main(arguments: list[str]) -> None:
    if len(arguments) not in (1, 2):
        raise SystemExit(__doc__)
    source = Path(arguments[0])
    default = Path(__file__).resolve().parent.parent / "resources" / "catalogues"
    folder = Path(arguments[1]) if len(arguments) == 2 else default
    folder.mkdir(parents=True, exist_ok=True)
    tables = (
        ("erass_de_dr1_tiles.csv", "erosita_all_sky_de_dr1.csv", TILE_EXTRAS, TILE_COMMENT, tile_row),
        ("erosita_calpv_observations.csv", "erosita_calpv.csv", CALPV_EXTRAS, CALPV_COMMENT, calpv_row),
    )
    for name, made, extras, comment, translate in tables:
        n_rows = convert(source / name, folder / made, extras, comment, translate)
        print(f"{folder / made}: {n_rows} rows")


if __name__ == "__main__":
    main(sys.argv[1:])
