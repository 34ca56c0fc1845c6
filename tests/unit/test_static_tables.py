"""The tables of the two eROSITA data sets, and what the searches of the reference find in them."""

from __future__ import annotations

import csv
import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from daxa_gui import locations
from daxa_gui.catalogues.own_csv import read_table
from daxa_gui.core.association import associate
from daxa_gui.core.catalogue import Catalogue
from daxa_gui.core.distance import Distance
from daxa_gui.core.filters import Box, Cone, Filter, ObsIds, Positions, TargetType, TimeRange, Usable
from daxa_gui.core.places import Places
from daxa_gui.core.sky import SkyPosition, lon_lat_deg
from daxa_gui.core.times import iso_to_mjd
from daxa_gui.exchange.samples import read_sample
from daxa_gui.missions import MISSIONS

PROJECT = Path(__file__).resolve().parents[2]
SHARED = PROJECT.parent / "shared"


@cache
def table(name: str) -> Catalogue:
    spec = MISSIONS[name]
    return read_table(locations.resource_path(spec.table.resource), spec)


def tiles() -> Catalogue:
    return table("erosita_all_sky_de_dr1")


def calpv() -> Catalogue:
    return table("erosita_calpv")


def found(catalogue: Catalogue, wanted: Filter) -> list[str]:
    return sorted(catalogue.obs_id[wanted.mask(catalogue)].tolist())


def cone(ra: float, dec: float, radius_deg: float | None = None) -> Cone:
    return Cone(SkyPosition(ra, dec), radius_deg)


def window(start: str, end: str, *, inside: bool = False) -> TimeRange:
    return TimeRange(iso_to_mjd(start), iso_to_mjd(end), entirely_inside=inside)


def test_that_the_tables_have_all_rows() -> None:
    assert (len(tiles()), len(calpv())) == (2447, 170)
    assert tiles().obs_id[0] == "001180"
    assert not tiles().simulated.any()
    assert len(set(tiles().obs_id.tolist())) == 2447


@pytest.mark.parametrize(
    ("ra", "dec", "radius_deg", "expected"),
    [
        (54.62, -35.45, None, ["053126", "056126"]),
        (54.62, -35.45, 1.0, []),
        (80.89, -69.76, None, ["082159"]),
        (359.9, -40.0, None, ["002129", "358129"]),
        (0.0, -90.0, None, ["001180"]),
        (187.70593, 12.39112, None, ["188078"]),
        (187.70593, 12.39112, 1.0, ["188078"]),
        (130.0, -5.0, None, ["131093", "131096"]),
        (200.0, -30.0, None, ["201120"]),
    ],
)
def test_that_cones_find_the_reference_tiles(ra: float, dec: float, radius_deg: float | None, expected: list[str]) -> None:
    assert found(tiles(), cone(ra, dec, radius_deg)) == expected


def test_that_positions_find_what_their_cones_find() -> None:
    both = Positions((SkyPosition(130.0, -5.0), SkyPosition(200.0, -30.0)))
    assert found(tiles(), both) == ["131093", "131096", "201120"]


@pytest.mark.parametrize(
    ("start", "end", "inside", "count"),
    [
        ("2020-01-01", "2020-01-05", False, 281),
        ("2020-01-01", "2020-01-05", True, 0),
        ("2020-01-01", "2020-02-01", False, 530),
        ("2020-01-01", "2020-02-01", True, 184),
        ("2019-12-01", "2020-07-01", True, 2447),
    ],
)
def test_that_time_windows_find_the_reference_numbers_of_tiles(start: str, end: str, inside: bool, count: int) -> None:
    assert len(found(tiles(), window(start, end, inside=inside))) == count


@pytest.mark.parametrize(
    ("corners", "count"),
    [
        ((120, -10, 140, 0), 27),
        ((140, -10, 120, 0), 27),
        ((140, 0, 120, -10), 27),
        ((350, -30, 10, -20), 1),
        ((10, -30, 350, -20), 1),
    ],
)
def test_that_rectangles_by_their_corners_go_the_shorter_way_round(corners: tuple[float, ...], count: int) -> None:
    assert len(found(tiles(), Box.from_corners(*corners))) == count


def test_that_a_rectangle_can_be_told_to_go_the_long_way_round() -> None:
    assert len(found(tiles(), Box(10, 350, -30, -20))) == 229
    assert len(found(tiles(), Box(140, 120, -10, 0))) + 27 == len(found(tiles(), Box(0, 360, -10, 0)))


@pytest.mark.parametrize(
    ("ra", "dec", "default", "half_degree"),
    [
        (136.0, 1.5, ["300008", "300009"], []),
        (83.63308, 22.0145, 108, 83),
        (6.0236, -72.0813, 13, 8),
        (125.5, -43.0, ["700167", "700199", "700200"], ["700199", "700200"]),
        (280.5375, 79.7714, ["900060", "900068", "900069", "900070"], ["900060", "900068", "900069", "900070"]),
    ],
)
def test_that_cones_find_the_reference_calpv_observations(ra: float, dec: float, default: Any, half_degree: Any) -> None:
    for radius_deg, expected in ((None, default), (0.5, half_degree)):
        obs_ids = found(calpv(), cone(ra, dec, radius_deg))
        assert (len(obs_ids) if isinstance(expected, int) else obs_ids) == expected


def test_that_time_windows_find_the_reference_numbers_of_calpv_observations() -> None:
    assert len(found(calpv(), window("2019-11-01", "2019-11-30"))) == 30
    assert len(found(calpv(), window("2019-11-01", "2019-11-30", inside=True))) == 28


def test_that_the_fields_have_the_reference_numbers_of_observations() -> None:
    kinds, keys = calpv().extra["field_type"], calpv().extra["field_key"]
    counts = {str(kind): int(n) for kind, n in zip(*np.unique(kinds, return_counts=True), strict=True)}
    assert counts == {"survey": 5, "magellanic_clouds": 20, "galactic": 121, "extragalactic": 24}
    assert sum(key.startswith("CRAB_") for key in keys.tolist()) == 108
    assert int(np.count_nonzero(keys == "EFEDS")) == 4


def test_that_tiles_are_all_sky_survey_and_all_observations_are_usable() -> None:
    assert len(found(tiles(), TargetType(("ASK",)))) == 2447
    assert found(calpv(), TargetType(("GCL",))) == []
    assert len(found(calpv(), Usable())) == 170


def test_that_obs_ids_are_looked_up() -> None:
    assert found(calpv(), ObsIds(("700199", "700200", "999999"))) == ["700199", "700200"]


def test_that_every_efeds_cluster_has_a_calpv_observation() -> None:
    path = SHARED / "data" / "tables" / "daxa_efeds_clusters.csv"
    if not path.exists():
        pytest.skip("the folder of real data is not there")
    sample = read_sample(path)
    pairs = associate(calpv(), sample.places)
    assert len(sample) == 542
    assert pairs.matched_positions == 542
    assert sample.places.names[0] == "eFEDS J082626.6-003429"
    alone = Positions(sample.places).mask(calpv())
    assert set(pairs.obs_id.tolist()) == set(calpv().obs_id[alone].tolist())


def test_that_the_association_of_the_reference_is_found() -> None:
    places = Places.of([SkyPosition(130.0, -5.0), SkyPosition(0.0, 89.0), SkyPosition(200.0, -30.0)])
    pairs = associate(tiles(), places)
    assert sorted(zip(pairs.position.tolist(), pairs.obs_id.tolist(), strict=True)) == [
        (0, "131093"), (0, "131096"), (2, "201120"),
    ]  # fmt: skip
    assert set(pairs.instruments) == {"TM1 TM2 TM3 TM4 TM5 TM6 TM7"}


def test_that_the_tiles_share_the_sky_without_overlap() -> None:
    """As footprints: each holds its own centre, no position lies in two, and they are the half of the sky that was released."""
    rows = tiles()
    centres = associate(rows, Places(rows.ra_deg, rows.dec_deg, tuple(rows.obs_id.tolist())), Distance.footprint())
    assert centres.position.tolist() == centres.row.tolist() == list(range(len(rows)))
    ra, dec = lon_lat_deg(np.random.default_rng(1).normal(size=(20_000, 3)))
    anywhere = associate(rows, Places(ra, dec, ("",) * 20_000), Distance.footprint())
    assert len(anywhere) == anywhere.matched_positions
    assert len(anywhere) / 20_000 == pytest.approx(2447 / 4700, abs=0.01)


def test_that_converting_the_published_tables_again_gives_the_same_files(tmp_path: Path) -> None:
    source = SHARED / "reference"
    if not (source / "erass_de_dr1_tiles.csv").exists():
        pytest.skip("the folder of the published tables is not there")
    script = PROJECT / "packaging" / "convert_static_tables.py"
    spec = importlib.util.spec_from_file_location("convert_static_tables", script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main([str(source), str(tmp_path)])
    for name in ("erosita_all_sky_de_dr1.csv", "erosita_calpv.csv"):
        assert (tmp_path / name).read_bytes() == (PROJECT / "resources" / "catalogues" / name).read_bytes()
    check_tiles(source / "erass_de_dr1_tiles.csv", tmp_path / "erosita_all_sky_de_dr1.csv")


def check_tiles(published: Path, made: Path) -> None:
    """Every published value stands in the made table, letter by letter."""
    with published.open(encoding="utf-8", newline="") as stream:
        originals = list(csv.DictReader(stream))
    with made.open(encoding="utf-8", newline="") as stream:
        copies = list(csv.DictReader(line for line in stream if not line.startswith("#")))
    assert len(originals) == len(copies) == 2447
    for original, copy in zip(originals, copies, strict=True):
        assert all(copy["obs_id" if name == "tile_id" else name] == value for name, value in original.items())
