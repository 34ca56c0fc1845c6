"""The whole way of all twelve missions, with real requests to an archive server on 127.0.0.1: plan, fetch, take over, ask, delete
and put back, lose the database, move the archive, open it with the DAXA package."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from daxa_gui.archive.adoption import ADOPTED
from daxa_gui.core.download_plan import PlannedFile
from daxa_gui.core.job import JobState
from daxa_gui.core.product import ProductKind
from daxa_gui.missions import MISSIONS
from daxa_gui.session import Session
from tests.daxa_shim import answering, real_daxa
from tests.fakes.mission_server import ALL_TREES, PROPRIETARY, SECOND_WINDOW, MissionServer, contents, table_columns
from tests.fakes.twelve_missions import (
    CHOICES,
    TWELVE,
    Everything,
    Sessions,
    named,
    remote_files,
    rest,
    select,
    server,
    sessions,
    tables,
    trees_of,
    unpacked,
)

__all__ = ["real_daxa", "server", "sessions", "tables"]  # fixtures
ADOPTABLE = {str(kind) for kind in ADOPTED}


@pytest.fixture(scope="module")
def everything(sessions: Sessions, server: MissionServer, tmp_path_factory: pytest.TempPathFactory) -> Everything:
    return Everything(sessions(tmp_path_factory.mktemp("everything") / "output"), server)


# -- planning ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mission", TWELVE)
def test_that_the_plan_has_each_file_of_the_archive_once_and_nothing_else(everything: Everything, mission: str) -> None:
    files = everything.of(mission)
    assert Counter((file.service, file.path) for file in files) == dict.fromkeys(remote_files(mission), 1)
    for file in files:
        size = len(contents()[f"{file.service}/{file.path}"])
        assert file.size_bytes is not None and not file.here
        # what a listing rounds (to a tenth of a kibibyte, or to one) is said to be rounded
        assert file.size_bytes == size if file.exact else abs(file.size_bytes - size) <= max(52, 0.06 * size)
    if not mission.startswith("erosita"):
        assert any(not file.exact for file in files)
    else:
        assert all(file.exact for file in files)


def test_that_planning_asks_for_no_file_and_says_what_is_not_public(everything: Everything) -> None:
    assert everything.asked_by_plan == []
    assert everything.plan.problems == () and everything.plan.free_bytes > 0 and not everything.plan.is_exact
    left_out = {(one.mission, one.obs_id): one for one in everything.plan.left_out}
    assert set(left_out) == set(PROPRIETARY.items())
    assert all(one.proprietary and "not public before" in one.reason for one in left_out.values())
    assert {(one.mission, one.obs_id) for one in everything.session.left_out()} == set(left_out)


def test_that_what_a_revolution_of_integral_shares_is_there_once_for_both_windows(everything: Everything) -> None:
    files = everything.of("integral_pointed")
    shared = [file for file in files if file.shared]
    assert {file.shared for file in shared} == {"2185"} and len(shared) == 9
    assert {file.obs_id for file in shared} == {"218500510010"}
    assert {file.obs_id for file in files if not file.shared} == {"218500510010", SECOND_WINDOW}
    folder = everything.folder.parent.parent / "integral_pointed_raw"
    assert len(list(folder.rglob("rev.001/raw/isgri_raw_cal.fits"))) == 1


@pytest.mark.parametrize("mission", TWELVE)
def test_that_a_choice_of_instruments_and_kinds_plans_their_files_only(everything: Everything, mission: str) -> None:
    instruments, kinds = CHOICES[mission]
    plan = everything.session.plan_downloads([select(everything.session, mission, instruments, kinds)])
    own = {one.name for one in MISSIONS[mission].instruments}

    def is_wanted(file: PlannedFile) -> bool:
        names = set(file.instrument.split("_")) if file.instrument else set()
        return file.kind in kinds and (not names & own or bool(names & set(instruments)))

    assert named(plan.files) == named(filter(is_wanted, everything.of(mission)))
    assert 0 < len(plan.files) <= len(everything.of(mission))
    assert all(file.here for file in plan.files)  # all of it was fetched before
    assert plan.to_fetch_bytes == 0


# -- fetching and taking over -----------------------------------------------------------------------------------------------


def test_that_every_file_is_fetched_once_and_is_byte_for_byte_what_the_server_has(everything: Everything) -> None:
    assert everything.asked == {f"{service}/{path}": 1 for mission in TWELVE for service, path in remote_files(mission)}
    files = everything.session.files()
    assert len(files) == len(everything.plan.files)
    for file in files:
        body = Path(file.path).read_bytes()
        assert hashlib.sha256(body).hexdigest() == file.sha256 and len(body) == file.size_bytes
        if not file.url_path.endswith(".tar.gz"):
            assert body == unpacked(file.service, file.url_path)
    manifests = everything.folder.parent.parent.glob("*_raw/**/.manifest.jsonl")
    noted = {json.loads(line)["sha256"] for path in manifests for line in path.read_text().splitlines()}
    assert {file.sha256 for file in files if "." in PurePosixPath(file.url_path).name} <= noted


@pytest.mark.parametrize("mission", [name for name in TWELVE if name != "integral_pointed"])
def test_that_every_product_has_its_own_name_in_the_layout_and_none_is_lost(everything: Everything, mission: str) -> None:
    files = [file for file in everything.session.files(mission) if file.kind in ADOPTABLE]
    products = [one for one in everything.session.products(mission) if Path(one.path).is_relative_to(everything.folder)]
    taken = [one for one in products if one.job_id is None or everything.session.job(one.job_id).kind == "download"]
    assert Counter(one.sha256 for one in taken) == Counter(file.sha256 for file in files)
    assert len({one.path.lower() for one in taken}) == len(taken) == len(files) > 0
    for one in taken:
        path = Path(one.path)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == one.sha256
        assert path.parent.parent == everything.folder / "processed_data" / mission / one.key.obs_id
        if one.key.kind not in (ProductKind.SPECTRUM, ProductKind.SOURCE_LIGHTCURVE):
            assert path.name.startswith(f"obsid{one.key.obs_id}-inst") and path.suffix == ".fits"


NAMES = {
    "xmm_pointed": ["images/obsid0405320501-instM1-subexpS002-en0.5_1.0keV-expmap.fits",
                    "background/obsid0405320501-instPN-subexpS001-en0.2_12.0keV-backmap.fits"],
    "chandra": ["images/obsid1612-instACIS-subexpE002-en0.5_7.0keV-image.fits"],
    "erosita_calpv": ["events/obsid700199-instTM1_TM2_TM3_TM4_TM5_TM6_TM7-subexpNone-finalevents.fits"],
    "erosita_all_sky_de_dr1": [
        "images/obsid134135-instTM1_TM2_TM3_TM4_TM5_TM6_TM7-subexpNone-en0.2_2.3keV-expmap.fits",
        "background/obsid134135-instTM1_TM2_TM3_TM4_TM5_TM6_TM7-subexpNone-en0.6_2.3keV-backmap.fits",
    ],
    "nustar_pointed": ["images/obsid40001014013-instFPMB-subexpNone-en3.0_78.0keV-image.fits"],
    "rosat_pointed": ["events/obsidRP800044N00-instPSPCB-subexpNone-finalevents.fits",
                      "events/obsidRH400344N00-instHRI-subexpNone-finalevents.fits"],
    "rosat_all_sky": ["images/obsidRS930521N00-instPSPC-subexpNone-en0.07_2.4keV-image.fits"],
    "suzaku": ["events/obsid701018010-instXIS0-subexp3X3N066ZR1-finalevents.fits",
               "images/obsid701018010-instXIS3-subexp5X5N066Z-en0.2_12.0keV-image.fits"],
    "swift": ["images/obsid00085374001-instXRT-subexpPC-en0.01_10.23keV-expmap.fits",
              "events/obsid00085374001-instXRT-subexpWTW2PO-finalevents.fits"],
    "asca": [f"images/obsid51011020-instSIS0_SIS1-subexp32002-en{band}keV-image.fits" for band in ("0.4_2.0", "2.0_10.0")],
    "xrism_pointed": ["images/obsid000126000-instRESOLVE-subexpPX1000-en1.7_12.0keV-image.fits"],
}  # fmt: skip


@pytest.mark.parametrize("mission", NAMES)
def test_that_products_have_daxas_names_with_their_bands(everything: Everything, mission: str) -> None:
    for name in NAMES[mission]:
        obs_id = name.partition("/obsid")[2].partition("-")[0]
        assert (everything.folder / "processed_data" / mission / obs_id / name).is_file(), name
    spelt = [Path(one.path).name for one in everything.session.products(mission) if one.key.kind is ProductKind.IMAGE]
    assert not any("-subexp" in name and "_Image_" in name for name in spelt)


def test_that_an_instrument_with_several_lists_or_bands_keeps_them_all(everything: Everything) -> None:
    def per_instrument(mission: str, obs_id: str, kind: ProductKind) -> Counter[str]:
        return Counter(one.key.instrument for one in everything.session.products(mission, obs_id) if one.key.kind is kind)

    final = ProductKind.FINAL_EVENTS
    assert per_instrument("suzaku", "701018010", final) == {"XIS0": 3, "XIS1": 3, "XIS2": 2, "XIS3": 2}
    assert per_instrument("chandra", "1612", final) == {"ACIS": 2} and per_instrument("chandra", "108", final) == {"ACIS": 3}
    assert per_instrument("swift", "00085374001", final)["XRT"] >= 2
    assert per_instrument("xmm_pointed", "0405320501", final) == {"M1": 2, "M2": 1, "PN": 1}
    assert per_instrument("nustar_pointed", "40001014013", final)["FPMA"] >= 1


# -- questions --------------------------------------------------------------------------------------------------------------

WITH_PRODUCTS = {
    "xmm_pointed": {"events": {"M1", "M2", "PN"}, "expmaps": {"M1", "M2", "PN"}, "backmaps": {"M1", "M2", "PN"}},
    "chandra": {"events": {"ACIS"}, "images": {"ACIS"}},
    "erosita_calpv": {"events": {"TM1", "TM2", "TM3", "TM4", "TM6"}},
    "erosita_all_sky_de_dr1": {
        step: {f"TM{number}" for number in range(1, 8)} for step in ("events", "images", "expmaps", "backmaps")
    },
    "nustar_pointed": {"events": {"FPMA", "FPMB"}, "images": {"FPMA", "FPMB"}},
    "swift": {"images": {"XRT", "UVOT"}},
    "rosat_pointed": {"events": {"PSPCB"}, "images": {"PSPCB"}, "expmaps": {"PSPCB"}, "backmaps": {"PSPCB"}},
    "rosat_all_sky": {"events": {"PSPC"}, "images": {"PSPC"}, "expmaps": {"PSPC"}, "backmaps": {"PSPC"}},
    "suzaku": {"events": {f"XIS{number}" for number in range(4)}, "images": {f"XIS{number}" for number in range(4)}},
    "asca": {"events": {"SIS0", "SIS1", "GIS2", "GIS3"}, "images": {"SIS0", "SIS1", "GIS2", "GIS3"}},
    "xrism_pointed": {"events": {"RESOLVE", "XTEND"}, "images": {"RESOLVE", "XTEND"}},
}


@pytest.mark.parametrize("mission", WITH_PRODUCTS)
def test_that_the_archive_tells_which_products_were_taken_over(everything: Everything, mission: str) -> None:
    obs_id = trees_of(mission)[0].obs_id
    found: dict[str, set[str]] = {}
    for one in everything.session.process_results(mission, obs_id):
        if one.step.startswith("preprocessed_") and one.success:
            found.setdefault(one.step.removeprefix("preprocessed_"), set()).add(one.unit)
    for step, instruments in WITH_PRODUCTS[mission].items():
        assert found.get(step, set()) >= instruments, step
    facts = everything.session.observation_facts(mission, obs_id)
    assert facts.n_files > 0 and facts.size_bytes > 0 and Path(facts.data_path).is_dir() and Path(facts.raw_path).is_dir()
    assert {name for name, about in facts.instruments.items() if about["active"]} >= WITH_PRODUCTS[mission].get("events", set())


def test_that_the_engine_reads_the_lists_of_every_mission_that_has_some(everything: Everything) -> None:
    session = everything.session
    assert [f"{job.title}: {job.error}" for job in session.jobs("reduce") if job.state is JobState.FAILED] == []
    success = session.final_success()
    closed = set(PROPRIETARY.items())
    for tree in ALL_TREES:
        expected = None if tree.mission == "integral_pointed" else True
        assert success[tree.mission, tree.obs_id] is expected, tree
    assert {key for key in success if success[key] is None and key[0] != "integral_pointed"} == closed
    assert session.failed_processes() == []


def test_that_versions_say_what_came(everything: Everything) -> None:
    newest, first = everything.session.versions()[0], everything.session.versions()[-1]
    assert first.number == "1.0" and first.changes[0].startswith("19 new observations (Chandra 4, ")
    assert any("came (" in line and "Suzaku 1" in line for line in first.changes)
    difference = everything.session.compare_versions(first.number, newest.number)
    assert any(line.startswith("Clean events on") for line in difference.sentences) and not difference.removed


def test_that_the_archive_is_whole(everything: Everything) -> None:
    report = everything.session.verify_archive(everything.folder)
    assert report.findings == () and report.is_whole
    n_products = len([one for one in everything.session.products() if one.key.kind is not ProductKind.EVENTS])
    assert report.n_files == len(everything.session.files()) + n_products


# -- another archive, other choices -----------------------------------------------------------------------------------------


def test_that_another_archive_fetches_nothing_again(everything: Everything, sessions: Sessions) -> None:
    session, before = sessions(everything.folder.parent.parent), len(everything.server.fetched())
    chosen = [select(session, mission, kinds=("events", "image")) for mission in TWELVE if mission != "integral_pointed"]
    plan = session.plan_downloads(chosen)
    assert plan.to_fetch_bytes == 0 and all(file.here for file in plan.files)
    session.create_archive("second", chosen, plan)
    rest(session)
    assert {job.state for job in session.jobs()} == {JobState.SUCCEEDED}
    assert len(everything.server.fetched()) == before
    assert len(session.files()) == len(plan.files)
    taken = [one for one in session.products() if one.key.kind in (ProductKind.FINAL_EVENTS, ProductKind.IMAGE)]
    assert len(taken) == len(plan.files)
    session.close_archive()


# -- an archive that cannot be lost -----------------------------------------------------------------------------------------


def answers(session: Session) -> dict[str, Any]:
    """What an archive says about itself, without what is only about this run of the program."""
    output = str(session.archives_folder())
    return {
        "observations": session.observations(),
        "files": [replace(one, path=one.path.removeprefix(output), date=round(one.date)) for one in session.files()],
        "products": sorted((repr(one.key), one.path.removeprefix(output), one.sha256) for one in session.products()),
        "results": sorted(
            (r.mission, r.obs_id, r.unit, r.step, str(r.success), r.reason, r.warnings) for r in session.process_results()
        ),
        "final": session.final_success(),
        "left_out": session.left_out(),
    }


@pytest.fixture
def copied(everything: Everything, sessions: Sessions, tmp_path: Path) -> Iterator[Session]:
    """The archive with everything, copied to another place; nothing is open there yet."""
    shutil.copytree(everything.folder.parent.parent, tmp_path / "moved" / "output")
    shutil.rmtree(tmp_path / "moved" / "output" / "archives" / "second", ignore_errors=True)
    (tmp_path / "moved" / "output" / "archives" / "everything" / ".daxa_gui.lock").unlink()
    yield sessions(tmp_path / "moved" / "output")


def test_that_a_moved_archive_opens_and_nothing_runs_again(everything: Everything, copied: Session) -> None:
    before, asked = answers(everything.session), len(everything.server.fetched())
    jobs = {job.id: (job.attempt, job.finished) for job in everything.session.jobs()}
    copied.open_archive(copied.archives_folder() / "archives" / "everything")
    copied.continue_download()
    copied.reduce(["clean"])
    rest(copied)
    assert {job.id: (job.attempt, job.finished) for job in copied.jobs()} == jobs
    assert answers(copied) == before and len(everything.server.fetched()) == asked
    copied.close_archive()


def test_that_deleted_raw_data_come_back_and_a_lost_database_is_made_anew(everything: Everything, copied: Session) -> None:
    folder = copied.archives_folder() / "archives" / "everything"
    before = answers(everything.session)
    copied.open_archive(folder)
    use = copied.raw_data_use()
    of_revolutions = list(copied.archives_folder().glob("integral_pointed_raw/aux/**/*.fits"))  # small, and they stay
    assert use.n_files == len(copied.files()) - len(of_revolutions) and use.other_archives == ()
    entry = copied.delete_raw_data()
    kept = {path.name for path in copied.archives_folder().glob("*_raw/*")}
    assert {name for name in kept if not name.startswith(".")} == {"aux"} and entry.n_files == use.n_files
    assert len(copied.files()) == len(of_revolutions) and copied.verify_archive(folder).is_whole
    assert copied.final_success() == before["final"]
    assert copied.restore(entry.id) == entry.n_files and copied.trash() == []
    assert answers(copied) == before
    copied.close_archive()
    for path in folder.glob("daxa_gui.sqlite*"):
        path.unlink()
    assert not copied.verify_archive(folder).is_whole
    report = copied.verify_archive(folder, repair=True)
    assert report.rebuilt and report.is_whole
    copied.open_archive(folder)
    (version,) = copied.versions()
    assert version.number == "1.0" and "made anew" in version.note and version.n_observations == len(before["observations"])
    rest(copied)
    after = answers(copied)
    for question, answer in before.items():
        assert after[question] == answer, question
    assert copied.verify_archive(folder).findings == ()


# -- the DAXA package -------------------------------------------------------------------------------------------------------


def as_heasarc_sends_them() -> dict[str, dict[str, Any]]:
    """The observation tables; codes are text in what DAXA is sent, which it puts its own words into."""
    found = table_columns()
    for table, column in (("suzamaster", "category_code"), ("rosmaster", "subj_cat")):
        found[table][column] = np.array([str(code) for code in found[table][column]])
    return found


def test_that_daxa_opens_the_archive_with_the_same_observations_and_flags(
    real_daxa: ModuleType, copied: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.open_archive(copied.archives_folder() / "archives" / "everything")
    assert all(path.is_file() for path in copied.write_daxa_files())
    base = importlib.import_module("daxa.archive.base")
    for name, module in list(sys.modules.items()):
        if (name == "daxa" or name.startswith("daxa.")) and hasattr(module, "OUTPUT"):
            monkeypatch.setattr(module, "OUTPUT", f"{copied.archives_folder()}/")
    monkeypatch.setattr("requests.get", answering(as_heasarc_sends_them()))

    def no_network(*_: Any) -> None:
        raise OSError("there is no network here")

    monkeypatch.setattr(importlib.import_module("daxa.mission.xmm").AQXMMNewton, "query_xsa_tap", no_network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive = base.Archive("everything")
    assert archive.mission_names == sorted(TWELVE)
    public = {(tree.mission, tree.obs_id) for tree in ALL_TREES}
    assert {(name, obs_id) for name in TWELVE for obs_id in archive[name].filtered_obs_ids} == public
    there = {(name, obs_id): flag for name, flags in archive.final_process_success.items() for obs_id, flag in flags.items()}
    here = copied.final_success()
    assert there == {key: here[key] for key in public if here[key] is not None}
    counts = Counter(one.step for one in copied.process_results() if one.success is not None)
    flags = [(step, len(units)) for steps in archive.process_success.values() for step, units in steps.items()]
    assert sum((Counter({step: n}) for step, n in flags), Counter()) == counts
    copied.close_archive()
