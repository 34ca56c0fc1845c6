"""The files of the practice sky, all missions, made once: readable, consistent, and like the real ones."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import ncompress
import numpy as np
import pytest
from astropy.io import fits

from daxa_gui.catalogues.own_csv import read_table
from daxa_gui.core.mission import MissionSpec
from daxa_gui.core.product import ProductKind
from daxa_gui.core.registry import resolve
from daxa_gui.fits.event_lists import read_event_list
from daxa_gui.missions import MISSIONS, event_formats
from daxa_gui.practice import catalogues, make, sky, xmm
from daxa_gui.practice.make import catalogue_path, make_sky, service_addresses

XMM = "FTP/xmm/data/rev0"
FILES = {
    "M1": f"{XMM}/0999900101/PPS/P0999900101M1S001MIEVLI0000.FTZ",
    "M2": f"{XMM}/0999900201/PPS/P0999900201M2S002MIEVLI0000.FTZ",
    "PN": f"{XMM}/0999900101/PPS/P0999900101PNS003PIEVLI0000.FTZ",
    "closed": f"{XMM}/0999900401/PPS/P0999900401M1S001MIEVLI0000.FTZ",
    "chandra": "FTP/chandra/data/byobsid/1/99901/primary/acisf99901N001_evt2.fits.gz",
    "rosat": "FTP/rosat/data/pspc/processed_data/800000/rp899901n00/rp899901n00_bas.fits.Z",
    "swift": "FTP/swift/data/obs/2014_05/09999901001/xrt/event/sw09999901001xpcw3po_cl.evt.gz",
    "FPMA": "FTP/nustar/data/obs/99/7/79999001002/event_cl/nu79999001002A01_cl.evt.gz",
    "FPMB": "FTP/nustar/data/obs/99/7/79999001002/event_cl/nu79999001002B01_cl.evt.gz",
    "erosita": "edr/eROSITAObservations/CalPvObs/Practice_Cluster.tar.gz",
}
EROSITA_MEMBER = "Practice_Cluster/pm00_999901_020_EventList_c001.fits"


class Context:
    """As much of a task's context as the making uses."""

    work_folder = ""

    def service_url(self, service: str) -> str:
        raise AssertionError("making the practice sky needs no service")

    def progress(self, done: float, total: float | None, text: str = "") -> None:
        assert total is not None
        assert 0 <= done <= total

    def check_cancelled(self) -> None:
        pass

    def log(self, text: str) -> None:
        pass


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("cache") / "sky"
    make_sky(Context(), str(folder), 1)
    yield folder
    shutil.rmtree(folder)


def content(made: Path, name: str) -> bytes:
    """The FITS bytes of a file of the tree, unpacked."""
    data = (made / "www" / FILES[name]).read_bytes()
    if name == "rosat":
        return bytes(ncompress.decompress(data))
    if name == "erosita":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.extractfile(EROSITA_MEMBER)
            assert member is not None
            return member.read()
    return gzip.decompress(data)


@pytest.fixture
def opened(made: Path) -> Iterator[Callable[[str], fits.HDUList]]:
    files: list[fits.HDUList] = []

    def open_one(name: str) -> fits.HDUList:
        files.append(fits.open(io.BytesIO(content(made, name))))
        return files[-1]

    yield open_one
    for file in files:
        file.close()


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_that_service_addresses_lead_into_the_tree(made: Path) -> None:
    for address in service_addresses("http://127.0.0.1:1/").values():
        assert (made / "www" / address.removeprefix("http://127.0.0.1:1/")).is_dir()


def test_that_the_whole_set_is_the_same_in_another_process(made: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from daxa_gui.practice import sky, xmm, erosita, chandra\n"
        "www = Path(sys.argv[1])\n"
        "xmm.write(www, sky.observations_of('xmm_pointed')[3], 'M1', 1)\n"
        "chandra.write(www, sky.observations_of('chandra')[0], '', 1)\n"
        "erosita.write(www, sky.observations_of('erosita_calpv')[0], '', 1)\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment, cwd=Path(make.__file__).parents[2])
    again = digests(tmp_path)
    assert again.items() <= digests(made / "www").items()
    assert FILES["closed"] in again
    assert FILES["chandra"] in again
    assert FILES["erosita"] in again


# ---- catalogues


def test_that_each_mission_has_its_table(made: Path) -> None:
    for mission in sky.SIMULATED_MISSIONS:
        with catalogue_path(made, mission).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["obs_id"] for row in rows] == [item.obs_id for item in sky.observations_of(mission)]
        assert set(catalogues.COLUMNS) <= set(rows[0])
        assert all(row["public_utc"] for row in rows)
    assert not catalogue_path(made, "suzaku").exists()


# ---- files


@pytest.mark.parametrize("name", FILES)
def test_that_every_header_says_that_the_data_are_simulated(opened: Callable[[str], fits.HDUList], name: str) -> None:
    for hdu in opened(name):
        assert hdu.header["SIMULATE"] is True
        assert any("SIMULATED data of the DAXA GUI practice sky" in text for text in hdu.header["COMMENT"])
        assert hdu.verify_checksum() == 1
        assert hdu.verify_datasum() == 1
    assert "Practice" in opened(name)[0].header["OBJECT"]


@pytest.mark.parametrize("name", FILES)
def test_that_every_file_is_valid_fits(opened: Callable[[str], fits.HDUList], name: str) -> None:
    opened(name).verify("exception")


@pytest.mark.parametrize("name", FILES)
def test_that_fitsverify_finds_nothing(made: Path, tmp_path: Path, name: str) -> None:
    program = shutil.which("fitsverify")
    if program is None:
        pytest.skip("fitsverify (Debian package of that name) is not installed")
    path = tmp_path / "file.fits"
    path.write_bytes(content(made, name))
    result = subprocess.run([program, "-q", str(path)], capture_output=True, text=True, timeout=60)
    assert "verification OK" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["M1", "M2", "PN", "closed"])
def test_that_xmm_events_lie_in_the_good_time_that_the_data_subspace_names(
    opened: Callable[[str], fits.HDUList], name: str
) -> None:
    file = opened(name)
    header, data = file["EVENTS"].header, file["EVENTS"].data
    time_term = next(n for n in range(1, 10) if header.get(f"DSTYP{n}") == "TIME")
    seen = set()
    for component in range(1, 13):
        prefix = "" if component == 1 else str(component)
        if f"{prefix}DSVAL1" not in header:
            break
        ccd = int(header[f"{prefix}DSVAL1"])
        gti = file[header[f"{prefix}DSREF{time_term}"].lstrip(":")].data
        times = data["TIME"][data["CCDNR"] == ccd]
        place = np.searchsorted(gti["START"], times, side="right") - 1
        assert np.all((place >= 0) & (times < gti["STOP"][place]))
        assert header[f"ONTIME{ccd:02d}"] == pytest.approx(np.sum(gti["STOP"] - gti["START"]), abs=1e-5)
        assert 0.85 < header[f"LIVETI{ccd:02d}"] / header[f"ONTIME{ccd:02d}"] < 1
        seen.add(ccd)
    assert seen == set(np.unique(data["CCDNR"]).tolist())
    assert header["ONTIME"] == header["ONTIME04" if name == "PN" else "ONTIME01"]
    assert np.any(np.diff(data["TIME"]) < 0)  # not sorted: one CCD after the other


def test_that_good_times_differ_between_ccds(opened: Callable[[str], fits.HDUList]) -> None:
    file = opened("PN")
    starts = {file[f"STDGTI{ccd:02d}"].data["START"][0] for ccd in range(1, 13)}
    assert len(starts) == 12
    assert all(len(file[f"STDGTI{ccd:02d}"].data) > 1 for ccd in range(1, 13))


def test_that_corner_events_are_flagged(opened: Callable[[str], fits.HDUList]) -> None:
    data = opened("M2")["EVENTS"].data
    radius = np.hypot(data["DETX"] - 100.0, data["DETY"] + 200.0)
    corner = data["FLAG"] & 0x10000 != 0
    assert np.all(radius[corner] > 17690)
    assert np.all(radius[~corner] < 17710)
    assert corner.sum() > 3000
    assert np.all(data["FLAG"] & 0x362AA000 == 0)  # what the data subspace says was dropped


def test_that_the_broken_ccd_of_mos1_is_absent(opened: Callable[[str], fits.HDUList]) -> None:
    file = opened("M1")
    assert "STDGTI06" not in file
    assert 6 not in file["EVENTS"].data["CCDNR"]


def test_that_dead_columns_are_empty_and_listed(opened: Callable[[str], fits.HDUList]) -> None:
    file = opened("M1")
    data, bad = file["EVENTS"].data, file["BADPIX01"].data
    column = bad[bad["YEXTENT"] == 600][0]
    assert column["TYPE"] == 3
    here = data["CCDNR"] == 1
    counts = np.bincount(data["RAWX"][here], minlength=602)
    assert counts[column["RAWX"]] == 0
    assert counts[column["RAWX"] - 1] > 0
    beside = here & (np.abs(data["RAWX"] - column["RAWX"]) == 1)
    assert np.all(data["FLAG"][beside] & 0x200 != 0)


@pytest.mark.parametrize(
    ("name", "pixel"),
    [("M1", 1.38888888888889e-05), ("chandra", 1.36666666666667e-04), ("swift", 6.548089e-4), ("FPMA", 2.45810736 / 3600)],
)
def test_that_the_variable_star_is_where_the_coordinates_say(
    opened: Callable[[str], fits.HDUList], name: str, pixel: float
) -> None:
    table = opened(name)["EVENTS"]
    names = [text.upper() for text in table.columns.names]
    column = {axis: names.index(axis) + 1 for axis in "XY"}
    header = table.header
    star = next(
        source for source in sky.SOURCES if source.name == ("Practice AGN" if name == "FPMA" else "Practice Variable Star")
    )
    assert header[f"TCDLT{column['Y']}"] == pytest.approx(pixel)
    dy = (star.dec_deg - header[f"TCRVL{column['Y']}"]) / pixel
    dx = -(star.ra_deg - header[f"TCRVL{column['X']}"]) * np.cos(np.radians(star.dec_deg)) / pixel
    x = table.data["X"] - header[f"TCRPX{column['X']}"] - dx
    y = table.data["Y"] - header[f"TCRPX{column['Y']}"] - dy
    near = np.hypot(x, y) * pixel * 3600 < (25 if name == "FPMA" else 10)
    assert near.sum() > 100
    assert abs(np.median(x[near])) * pixel * 3600 < 2.5
    assert abs(np.median(y[near])) * pixel * 3600 < 2.5


def test_that_the_pipeline_image_is_made_of_the_events(made: Path, opened: Callable[[str], fits.HDUList]) -> None:
    data = opened("M1")["EVENTS"].data
    kept = (data["PATTERN"] <= 12) & (data["FLAG"] & 0x766BA000 == 0) & (data["PI"] > 200) & (data["PI"] <= 12000)
    with fits.open(made / "www" / FILES["M1"].replace("MIEVLI0000", "IMAGE_8000")) as file:
        header, counts = file[0].header, file[0].data
    edge = header["CRVAL1L"] - 40
    edges = edge + 80 * np.arange(649)
    assert np.array_equal(np.histogram2d(data["Y"][kept], data["X"][kept], bins=(edges, edges))[0], counts)
    assert header["CRPIX1"] == pytest.approx((25921 - edge) / 80 + 0.5)


def test_that_the_swift_image_is_made_of_the_events_and_the_map_ends_at_the_on_time(
    made: Path, opened: Callable[[str], fits.HDUList]
) -> None:
    table = opened("swift")["EVENTS"]
    root = made / "www" / FILES["swift"].replace("event/", "products/").replace("w3po_cl.evt", "_sk.img")
    edges = np.arange(0.5, 1001)
    with fits.open(root) as file:
        assert np.array_equal(np.histogram2d(table.data["Y"], table.data["X"], bins=(edges, edges))[0], file[0].data)
    with fits.open(root.with_name(root.name.replace("_sk", "_ex"))) as file:
        assert file[0].data.max() == pytest.approx(table.header["ONTIME"], rel=1e-5)


def test_that_nustar_is_busy_for_much_of_its_on_time(opened: Callable[[str], fits.HDUList]) -> None:
    table = opened("FPMA")["EVENTS"]
    assert table.header["LIVETIME"] < 0.85 * table.header["ONTIME"]
    assert np.any(table.data["X"] == table.header["TNULL13"])
    energy = 1.6 + 0.04 * table.data["PI"]
    assert 2.9 < energy.min() < 3.2
    assert energy.max() > 60


@pytest.mark.parametrize(("name", "extension"), [("swift", "GTI"), ("FPMB", "GTI"), ("rosat", "STDGTI")])
def test_that_low_orbits_have_many_intervals_and_no_events_between_them(
    opened: Callable[[str], fits.HDUList], name: str, extension: str
) -> None:
    file = opened(name)
    gti, times = file[extension].data, file[1 if name != "rosat" else "STDEVT"].data["TIME"]
    assert len(gti) > 4
    place = np.searchsorted(gti["START"], times, side="right") - 1
    assert np.all((place >= 0) & (times < gti["STOP"][place]))
    header = file[1 if name != "rosat" else "STDEVT"].header
    assert header["ONTIME"] == pytest.approx(np.sum(gti["STOP"] - gti["START"]), abs=1e-3)


def test_that_chandra_has_one_gti_per_chip_and_whole_energies(opened: Callable[[str], fits.HDUList]) -> None:
    file = opened("chandra")
    tables = [hdu for hdu in file if hdu.name == "GTI"]
    assert [hdu.header["CCD_ID"] for hdu in tables] == [0, 1, 2, 3]
    table = file["EVENTS"]
    assert table.header["EXPOSURE"] == pytest.approx(table.header["ONTIME"] * table.header["DTCOR"])
    assert np.array_equal(table.data["pi"], np.clip(table.data["energy"] / 14.6 + 1, 1, 1024).astype(int))
    assert set(np.unique(table.data["grade"])) == {0, 2, 3, 4, 6}


def test_that_erosita_has_all_seven_modules_and_orthographic_coordinates(opened: Callable[[str], fits.HDUList]) -> None:
    file = opened("erosita")
    table = file["EVENTS"]
    assert set(np.unique(table.data["TM_NR"])) == set(range(1, 8))
    assert {f"GTI{n}" for n in range(1, 8)} <= {hdu.name for hdu in file}
    assert table.header["TCTYP4"] == "RA---SIN"
    eta = np.sin(np.radians(table.data["DEC"])) * np.cos(np.radians(table.header["TCRVL5"])) - np.cos(
        np.radians(table.data["DEC"])
    ) * np.sin(np.radians(table.header["TCRVL5"])) * np.cos(np.radians(table.data["RA"] - table.header["TCRVL4"]))
    assert np.allclose(table.data["Y"], np.degrees(eta) / table.header["TCDLT5"], atol=0.01)
    leaking = np.mean(table.data["PI"][table.data["TM_NR"] == 5] < 500), np.mean(table.data["PI"][table.data["TM_NR"] == 1] < 500)
    assert leaking[0] > leaking[1]


def test_that_rosat_dates_are_written_the_old_way(opened: Callable[[str], fits.HDUList]) -> None:
    header = opened("rosat")["STDEVT"].header
    assert header["DATE-OBS"] == "30/05/92"
    assert "DATE_END" in header
    assert (header["MJDREFI"], header["TIMESYS"]) == (48043, "UTC")


def test_that_the_note_holds_no_date(made: Path) -> None:
    note = json.loads((made / make.NOTE_NAME).read_text(encoding="utf-8"))
    assert note == {"version": make.VERSION, "seed": 1, "note": sky.SIMULATED_NOTE}


def test_that_a_list_of_any_length_can_be_made(tmp_path: Path) -> None:
    path = tmp_path / "list.fits"
    assert xmm.simulate_xmm_list(path, 50_000, seed=2) == 50_000
    with fits.open(path) as file:
        assert len(file["EVENTS"].data) == 50_000
        assert set(np.unique(file["EVENTS"].data["CCDNR"])) == {1, 2, 3, 4, 5, 7}


# ---- through the program's own readers


@pytest.mark.parametrize("mission", sky.SIMULATED_MISSIONS)
def test_that_the_program_reads_the_table_and_finds_the_files_where_it_looks_for_them(made: Path, mission: str) -> None:
    spec: MissionSpec = MISSIONS[mission]
    table = read_table(catalogue_path(made, mission), spec, simulated=True)
    assert table.obs_id.tolist() == [item.obs_id for item in sky.observations_of(mission)]
    assert table.simulated.all()
    roots = {name: made / "www" / path.lstrip("/") for name, path in service_addresses("").items()}
    for index, obs_id in enumerate(table.obs_id.tolist()):
        assert spec.is_obs_id(obs_id)
        for folder in resolve(spec.files)(obs_id, table.row(index)):
            if ProductKind.EVENTS not in folder.all_kinds or folder.optional:
                continue  # the practice sky has event lists
            names = [
                path.name for path in (roots[folder.service] / folder.path).iterdir() if re.fullmatch(folder.wanted, path.name)
            ]
            assert names, f"{folder} of {obs_id} leads to nothing"
            if folder.archive_members:
                assert re.fullmatch(folder.archive_members, EROSITA_MEMBER)
                names = [Path(EROSITA_MEMBER).name]
            assert all(resolve(spec.raw_file)(name) is not None for name in names)


@pytest.mark.parametrize("name", FILES)
def test_that_the_program_reads_each_list_without_complaint(made: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / "events.fits"
    path.write_bytes(content(made, name))
    events = read_event_list(path, event_formats())
    observation = next(item for item in sky.OBSERVATIONS if item.obs_id == events.obs_id)
    assert events.mission == observation.mission
    assert events.simulated
    assert events.target == observation.target
    assert events.warnings == ()
    assert len(events) > 1000
    assert events.wcs is not None
    assert events.energy_kev is not None
    assert 0.05 < np.nanmin(events.energy_kev) < np.nanmax(events.energy_kev) < 80
    good_s = max(gti.total_s for gti in events.gti.values())
    assert good_s == pytest.approx(observation.exposure_s, rel=0.06)
    assert events.ontime_s is not None
    assert good_s == pytest.approx(events.ontime_s, rel=0.04)
