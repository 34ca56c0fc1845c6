"""The worked examples of docs/case-studies.md: every command and every line of Python there is run, on catalogues made here, and
what comes out is compared with a brute-force search by astropy."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGE = PROJECT / "docs" / "case-studies.md"
M51 = (202.469575, 47.1952583)
# Offsets in arcminutes from M51, around the default distances of each mission: inside, at the rim, outside.
OFFSETS = {
    "xmm_pointed": [("M1 M2 PN", 2.0), ("M1 M2 PN", 18.5), ("PN", 17.9)],
    "chandra": [("ACIS", 33.0), ("ACIS", 34.0), ("HRC", 58.0)],
    "asca": [("SIS0 GIS2", 29.0), ("GIS2 GIS3", 31.0)],
    "rosat_pointed": [("PSPCB", 71.0), ("HRI", 22.0), ("HRI", 24.0)],
    "rosat_all_sky": [("PSPC", 200.0), ("PSPC", 230.0)],
    "suzaku": [("XIS0 XIS1", 12.0)],
}
OBS_IDS = {
    "xmm_pointed": "{:010d}", "chandra": "{:d}", "asca": "{:08d}", "rosat_pointed": "RP{:06d}N00", "rosat_all_sky": "RS{:06d}N00",
    "suzaku": "{:09d}", "swift": "{:011d}",
}  # fmt: skip
FIRST = {
    "xmm_pointed": 900000001,
    "chandra": 1,
    "asca": 10000000,
    "rosat_pointed": 1,
    "rosat_all_sky": 1,
    "suzaku": 100000001,
    "swift": 1,
}


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert found, f"the page has no block of {language}"
    return found


class Sesame(BaseHTTPRequestHandler):
    """Answers as CDS's name resolver does, for one name."""

    def do_GET(self) -> None:
        known = "m51" in self.path.casefold()
        body = f"# M51\n#=S=Simbad: 1\n%J {M51[0]} +{M51[1]} = 13:29:52.698 +47:11:42.93\n" if known else "#! nothing found\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def sesame() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sesame)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def _iso(mjd: np.ndarray) -> list[str]:
    from astropy.time import Time

    return [f"{text[:19]}Z" for text in Time(mjd, format="mjd", scale="utc").isot]


class Tables:
    """Observations by mission: lists of (ObsID, RA, Dec, start MJD, end MJD, instruments)."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[str, float, float, float, float, str]]] = {name: [] for name in OBS_IDS}

    def add(self, mission: str, ra: float, dec: float, start: float, instruments: str) -> None:
        obs_id = OBS_IDS[mission].format(FIRST[mission] + len(self.rows[mission]))
        self.rows[mission].append((obs_id, ra % 360, dec, start, start + 0.5, instruments))

    def write(self, mission: str, path: Path) -> None:
        lines = ["obs_id,ra_deg,dec_deg,start_utc,end_utc,exposure_s,target,target_type,instruments,public_utc,unusable_reason"]
        rows = self.rows[mission]
        starts, ends = (_iso(np.array([row[k] for row in rows])) for k in (3, 4))
        for (obs_id, ra, dec, _, _, instruments), start, end in zip(rows, starts, ends, strict=True):
            lines.append(f"{obs_id},{ra!r},{dec!r},{start},{end},20000,,,{instruments},,")
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _offset(ra: float, dec: float, angle_deg: float, distance_deg: float) -> tuple[float, float]:
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    there = SkyCoord(ra * u.deg, dec * u.deg).directional_offset_by(angle_deg * u.deg, distance_deg * u.deg)
    return float(there.ra.deg), float(there.dec.deg)


def _made(shared_data: Path) -> Tables:
    """Around M51 at chosen distances, around the clusters and the supernovae at random, and scattered over XXL-North."""
    from astropy.table import Table
    from astropy.time import Time

    random = np.random.default_rng(51)
    tables = Tables()
    for mission, offsets in OFFSETS.items():
        for k, (instruments, arcmin) in enumerate(offsets):
            tables.add(mission, *_offset(*M51, 40.0 + 77.0 * k, arcmin / 60), 51000.0 + k, instruments)
    clusters = Table.read(shared_data / "tables" / "daxa_efeds_clusters.csv", format="ascii.csv")
    for row in random.choice(len(clusters), 60, replace=False):
        mission, instruments = ("xmm_pointed", "M1 M2 PN") if random.random() < 0.5 else ("chandra", "ACIS")
        distance = random.uniform(0, 0.7)
        place = _offset(float(clusters["RA"][row]), float(clusters["DEC"][row]), random.uniform(0, 360), distance)
        tables.add(mission, *place, 58000.0 + float(row), instruments)
    supernovae = Table.read(shared_data / "tables" / "daxa_sn1a_samp.csv", format="ascii.csv")
    discovered = Time([str(text) for text in supernovae["discoverydate"]], scale="utc").mjd
    kinds = (("xmm_pointed", "PN"), ("chandra", "ACIS"), ("swift", "XRT UVOT"))
    for row in random.choice(len(supernovae), 400, replace=False):
        mission, instruments = kinds[random.integers(3)]
        place = _offset(
            float(supernovae["ra"][row]), float(supernovae["declination"][row]), random.uniform(0, 360), random.uniform(0, 0.4)
        )
        tables.add(mission, *place, float(discovered[row]) + random.uniform(-45, 45), instruments)
    for _ in range(150):
        mission, instruments = ("xmm_pointed", "PN") if random.random() < 0.7 else ("chandra", "HRC")
        tables.add(mission, random.uniform(27, 42), random.uniform(-10, 0), 55000.0, instruments)
    return tables


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, sesame: str) -> tuple[Path, Tables, dict[str, str]]:
    """A folder with the samples, the catalogues imported by the command line, and the environment to work in."""
    folder = tmp_path_factory.mktemp("case-studies")
    shutil.copyfile(shared_data / "tables" / "daxa_efeds_clusters.csv", folder / "efeds_clusters.csv")
    shutil.copyfile(shared_data / "tables" / "daxa_sn1a_samp.csv", folder / "sn1a.csv")
    environment = {**os.environ, "DAXA_GUI_CACHE": str(folder / "cache"), "DAXA_GUI_SESAME": sesame}
    tables = _made(shared_data)
    for mission, rows in tables.rows.items():
        if rows:
            tables.write(mission, folder / f"{mission}.csv")
            run(["catalogue", "import", f"{mission}.csv", "--mission", mission], folder, environment)
    return folder, tables, environment


def run(arguments: list[str], folder: Path, environment: dict[str, str]) -> Any:
    command = [sys.executable, "-m", "daxa_gui", *arguments, "--json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=170)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def commands(workplace: tuple[Path, Tables, dict[str, str]]) -> list[Any]:
    """What each command of the page prints, in its order."""
    folder, _, environment = workplace
    lines = [line for block in blocks("sh") for line in block.strip().splitlines()]
    assert all(line.startswith("daxa-gui ") for line in lines)
    return [run(shlex.split(line)[1:], folder, environment) for line in lines]


@pytest.fixture(scope="module")
def python(workplace: tuple[Path, Tables, dict[str, str]]) -> list[dict[str, Any]]:
    """The names that are there after each block of Python of the page."""
    folder, _, environment = workplace
    reports = [
        "import json as _json", "_selections = lambda: globals().get('selections', {})",
        "_found = lambda: {m: a.obs_id.tolist() for m, a in globals().get('found', {}).items()}",
    ]  # fmt: skip
    script = "\n".join(
        [*reports, *(f"{block}\nprint('@@', _json.dumps([_selections(), _found()]))" for block in blocks("python"))]
    )
    script += "\nsession.close()\n"
    environment = {**environment, "PYTHONPATH": os.pathsep.join([str(PROJECT), environment.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=170
    )
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line[3:]) for line in done.stdout.splitlines() if line.startswith("@@ ")]
    return [{"selections": selections, "found": found} for selections, found in answers]


def separations_deg(ra: float, dec: float, rows: list[Any]) -> np.ndarray:
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    there = SkyCoord([row[1] for row in rows] * u.deg, [row[2] for row in rows] * u.deg)
    return np.asarray(SkyCoord(ra * u.deg, dec * u.deg).separation(there).deg)


# 1.2 times the fields of view, in degrees
SEARCH_DEG = {
    "M1": 0.3, "M2": 0.3, "PN": 0.3, "ACIS": 0.556, "HRC": 0.99, "SIS0": 0.22, "GIS2": 0.5, "GIS3": 0.5, "PSPCB": 1.2,
    "HRI": 0.38, "PSPC": 3.6, "XIS0": 0.19, "XIS1": 0.19, "XRT": 0.236, "UVOT": 0.0,
}  # fmt: skip


def reach_deg(row: Any) -> float:
    return max(SEARCH_DEG[name] for name in row[5].split())


def expected_near_m51(tables: Tables) -> dict[str, list[str]]:
    found = {}
    for mission in OFFSETS:
        rows = tables.rows[mission]
        near = separations_deg(*M51, rows) <= [reach_deg(row) for row in rows]
        found[mission] = [row[0] for row, is_near in zip(rows, near, strict=True) if is_near]
    return {mission: ids for mission, ids in found.items() if ids}


def by_mission(document: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in document["observations"]:
        found.setdefault(row["mission"], []).append(row["obs_id"])
    return found


def test_that_m51_is_found_by_each_missions_own_distance(commands, python, workplace):
    expected = expected_near_m51(workplace[1])
    assert len(expected["xmm_pointed"]) == 2 and len(expected["chandra"]) == 2 and "suzaku" not in expected
    nearest_first = {mission: sorted(ids) for mission, ids in by_mission(commands[0]).items()}
    assert nearest_first == expected
    assert {m: ids for m, ids in python[1]["selections"].items() if m in OFFSETS} == expected


def test_that_the_page_can_say_why_an_observation_is_left_out(commands):
    (verdict,) = commands[1]["missions"][0]["filters"]
    assert verdict["passes"] is False
    assert "18.5" in verdict["reason"] or "18.5" in verdict["change"]


def _pairs(exported: Any, mission: str) -> set[tuple[int, str]]:
    return {(int(row["position"]), str(row["obs_id"])) for row in exported if str(row["mission"]) == mission}


def _expected_pairs(positions: Any, ra: str, dec: str, rows: list[Any], reach: Any) -> set[tuple[int, str]]:
    pairs = set()
    for index, position in enumerate(positions):
        near = separations_deg(float(position[ra]), float(position[dec]), rows) <= [reach(row) for row in rows]
        pairs |= {(index, row[0]) for row, is_near in zip(rows, near, strict=True) if is_near}
    return pairs


def test_that_every_cluster_is_paired_with_what_covers_it(commands, python, workplace, shared_data):
    from astropy.table import Table

    folder, tables, _ = workplace
    clusters = Table.read(shared_data / "tables" / "daxa_efeds_clusters.csv", format="ascii.csv")
    exported = Table.read(folder / "clusters.fits")
    assert commands[2]["missions"]["erosita_calpv"]["matched_positions"] == 542
    for mission in ("xmm_pointed", "chandra"):
        expected = _expected_pairs(clusters, "RA", "DEC", tables.rows[mission], reach_deg)
        assert len(expected) > 20
        assert _pairs(exported, mission) == expected
        assert commands[2]["missions"][mission]["pairs"] == len(expected)
        assert sorted(python[2]["found"][mission]) == sorted(obs_id for _, obs_id in expected)
    assert len(exported) == sum(found["pairs"] for found in commands[2]["missions"].values())
    assert exported["separation_deg"].dtype.kind == "f" and str(exported["separation_deg"].unit) == "deg"
    assert len(Table.read(folder / "clusters.ecsv", format="ascii.ecsv")) == len(exported)


def test_that_supernovae_are_paired_only_within_their_30_days(commands, python, workplace, shared_data):
    from astropy.table import Table
    from astropy.time import Time

    folder, tables, _ = workplace
    exported = Table.read(folder / "supernovae.csv", format="ascii.csv", converters={"obs_id": str})
    supernovae = Table.read(shared_data / "tables" / "daxa_sn1a_samp.csv", format="ascii.csv")
    discovered = Time([str(text) for text in supernovae["discoverydate"]], scale="utc").mjd
    for mission in ("xmm_pointed", "chandra", "swift"):
        rows = {row[0]: row for row in tables.rows[mission]}
        near = _expected_pairs(supernovae, "ra", "declination", tables.rows[mission], reach_deg)
        then = {(k, i) for k, i in near if rows[i][3] <= discovered[k] + 30 and rows[i][4] >= discovered[k] - 30}
        assert 10 < len(then) < len(near)
        assert _pairs(exported, mission) == then
        assert commands[3]["missions"][mission]["pairs"] == len(then)
        assert sorted(set(python[3]["selections"][mission])) == sorted({obs_id for _, obs_id in then})


def test_that_the_rectangle_holds_what_lies_between_its_sides(commands, python, workplace):
    expected = {}
    for mission in ("xmm_pointed", "chandra"):
        rows = workplace[1].rows[mission]
        expected[mission] = [row[0] for row in rows if 30 <= row[1] <= 39 and -8 <= row[2] <= -2]
    assert all(len(ids) > 5 for ids in expected.values())
    assert by_mission(commands[4]) == expected
    assert {m: python[4]["selections"][m] for m in expected} == expected
